//! Text to token ids. Every text is composed to NFC first: no tokenizer of this family does it, and a decomposed
//! "한국" (as macOS writes file names) would otherwise be six pieces instead of one and find nothing.
//!
//! The library, `tokenizers`, takes most of a second to load a vocabulary of 250,000 pieces. So a unigram tokenizer is
//! compiled once (`compiled.rs`), kept beside its `tokenizer.json` (`stored.rs`) and mapped from then on; its ids are
//! the library's, which tests hold it to. Other kinds, which a user's own model may have, are left to the library.

mod compiled;
mod description;
mod normaliser;
mod pieces;
mod stored;
#[cfg(test)]
mod tests;
mod trie;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use tokenizers::Tokenizer;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::EncodeError;
use super::disk::{check_hash, sha256};
use super::error::ModelError;
use super::folder::VerifiedModel;
use compiled::Compiled;

/// The tokenizer of one model.
pub struct TextTokenizer {
    kind: Kind,
}

enum Kind {
    Unigram(Compiled),
    Other(Box<Tokenizer>),
}

impl TextTokenizer {
    /// Takes the compiled form of `tokenizer.json`, or makes and keeps it.
    ///
    /// # Errors
    /// Where the file is missing or is no tokenizer.
    pub fn load(model: &VerifiedModel) -> Result<Self, ModelError> {
        let file = model.file("tokenizer.json");
        match model.hash("tokenizer.json") {
            Some(hash) => Self::kept(&file, hash),
            None => Self::from_bytes(&fs_err::read(&file)?, file),
        }
    }

    /// As the file beside `file` has it, if that was made of the file with this `hash`.
    fn kept(file: &Path, hash: &str) -> Result<Self, ModelError> {
        let place = stored::place(file);
        if let Some(kept) = stored::open(&place, hash) {
            return Ok(Self { kind: Kind::Unigram(kept) });
        }
        let bytes = fs_err::read(file)?;
        // What is kept under a hash must be of that file, even if another set took its place a moment ago.
        check_hash(file, hash, sha256(&bytes), "it was replaced while it was read; start again")?;
        let made = Self::make(&bytes, hash, file.to_owned())?;
        if let Kind::Unigram(compiled) = &made.kind {
            stored::keep(&place, compiled.bytes());
        }
        Ok(made)
    }

    pub(super) fn from_bytes(bytes: &[u8], file: PathBuf) -> Result<Self, ModelError> {
        Self::make(bytes, &sha256(bytes), file)
    }

    fn make(bytes: &[u8], hash: &str, file: PathBuf) -> Result<Self, ModelError> {
        let kind = match Compiled::make(bytes, hash) {
            Some(compiled) => Kind::Unigram(compiled),
            None => Kind::Other(Box::new(library(bytes, file)?)),
        };
        Ok(Self { kind })
    }

    /// The ids of `text`, with the model's special tokens around them. Nothing is cut.
    ///
    /// # Errors
    /// [`EncodeError::Tokenizer`].
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, EncodeError> {
        match &self.kind {
            Kind::Unigram(compiled) => Ok(compiled.encode(&composed(text))),
            Kind::Other(library) => ids(library, text, true),
        }
    }

    /// How many tokens `text` has, special tokens not counted.
    ///
    /// # Errors
    /// [`EncodeError::Tokenizer`].
    pub fn count(&self, text: &str) -> Result<usize, EncodeError> {
        match &self.kind {
            Kind::Unigram(compiled) => Ok(compiled.count(&composed(text))),
            Kind::Other(library) => ids(library, text, false).map(|ids| ids.len()),
        }
    }

    /// Pieces of the vocabulary, special ones included: every id is below this number.
    #[must_use]
    pub fn vocabulary(&self) -> usize {
        match &self.kind {
            Kind::Unigram(compiled) => compiled.vocabulary(),
            Kind::Other(library) => library.get_vocab_size(true),
        }
    }
}

/// The library's tokenizer.
fn library(bytes: &[u8], file: PathBuf) -> Result<Tokenizer, ModelError> {
    let bad = |error: tokenizers::Error| ModelError::Format {
        file: file.clone(),
        wanted: "a tokenizer",
        reason: error.to_string(),
    };
    let mut library = Tokenizer::from_bytes(bytes).map_err(bad)?;
    // Published files may ask to cut at 512 or to pad: cutting in silence is what this product never does.
    library.with_truncation(None).map_err(bad)?;
    library.with_padding(None);
    Ok(library)
}

fn ids(library: &Tokenizer, text: &str, special: bool) -> Result<Vec<u32>, EncodeError> {
    let encoding = library.encode_fast(composed(text), special);
    encoding
        .map(|encoding| encoding.get_ids().to_vec())
        .map_err(|error| EncodeError::Tokenizer(error.to_string()))
}

/// `text` in NFC; most text is already, and is not copied.
fn composed(text: &str) -> Cow<'_, str> {
    match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => Cow::Borrowed(text),
        IsNormalized::No | IsNormalized::Maybe => Cow::Owned(text.nfc().collect()),
    }
}
