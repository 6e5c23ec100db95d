//! Text to token ids. Every text is composed to NFC first: no tokenizer of this family does it, and a decomposed
//! "한국" (as macOS writes file names) would otherwise be six pieces instead of one and find nothing.

use std::borrow::Cow;
use std::path::PathBuf;

use tokenizers::Tokenizer;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::EncodeError;
use super::error::ModelError;
use super::folder::VerifiedModel;

/// The tokenizer of one model.
pub struct TextTokenizer {
    inner: Tokenizer,
}

impl TextTokenizer {
    /// Reads `tokenizer.json`.
    ///
    /// # Errors
    /// Where the file is missing or is no tokenizer.
    pub fn load(model: &VerifiedModel) -> Result<Self, ModelError> {
        let file = model.file("tokenizer.json");
        Self::from_bytes(&fs_err::read(&file)?, file)
    }

    pub(super) fn from_bytes(bytes: &[u8], file: PathBuf) -> Result<Self, ModelError> {
        let bad = |error: tokenizers::Error| ModelError::Format {
            file: file.clone(),
            wanted: "a tokenizer",
            reason: error.to_string(),
        };
        let mut inner = Tokenizer::from_bytes(bytes).map_err(bad)?;
        // Published files may ask to cut at 512 or to pad: cutting in silence is what this product never does.
        inner.with_truncation(None).map_err(bad)?;
        inner.with_padding(None);
        Ok(Self { inner })
    }

    /// The ids of `text`, with the model's special tokens around them. Nothing is cut.
    ///
    /// # Errors
    /// [`EncodeError::Tokenizer`].
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, EncodeError> {
        self.ids(text, true)
    }

    /// How many tokens `text` has, special tokens not counted.
    ///
    /// # Errors
    /// [`EncodeError::Tokenizer`].
    pub fn count(&self, text: &str) -> Result<usize, EncodeError> {
        self.ids(text, false).map(|ids| ids.len())
    }

    /// Pieces of the vocabulary, special ones included: every id is below this number.
    #[must_use]
    pub fn vocabulary(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    fn ids(&self, text: &str, special: bool) -> Result<Vec<u32>, EncodeError> {
        let encoding = self.inner.encode_fast(composed(text), special);
        encoding
            .map(|encoding| encoding.get_ids().to_vec())
            .map_err(|error| EncodeError::Tokenizer(error.to_string()))
    }
}

/// `text` in NFC; most text is already, and is not copied.
fn composed(text: &str) -> Cow<'_, str> {
    match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => Cow::Borrowed(text),
        IsNormalized::No | IsNormalized::Maybe => Cow::Owned(text.nfc().collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hangul_and_latin_are_composed() {
        assert_eq!(composed("\u{1112}\u{1161}\u{11ab}"), "한");
        assert_eq!(composed("e\u{301}"), "é");
        assert!(matches!(composed("한국어 plain"), Cow::Borrowed(_)));
    }

    #[test]
    fn what_is_no_tokenizer_is_refused_by_name() {
        let error = TextTokenizer::from_bytes(b"{\"version\":", PathBuf::from("models/x/tokenizer.json"))
            .err()
            .unwrap();
        assert!(error.to_string().contains("models/x/tokenizer.json"), "{error}");
    }
}
