//! Words to passages: BM25 over titles, abstracts, commentaries, tags and names, in any script.
//!
//! tantivy keeps the terms and their postings; what is a term ([`Terms`] and documents alike), and what it is worth,
//! is decided here. A [`LexicalIndex`] never changes once it is made; a [`Lexicon`] searches several as one, so that
//! papers which came after the last publishing count by the same measure as those before it.

mod characters;
mod glossary;
mod glossed;
mod index;
#[cfg(test)]
mod index_tests;
mod lexicon;
#[cfg(test)]
mod lexicon_tests;
mod matched;
#[cfg(test)]
mod measure;
mod phrase;
mod scores;
mod terms;
mod token;
#[cfg(test)]
mod token_tests;

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

pub use glossary::{Gloss, Glosses};
pub use index::LexicalIndex;
pub use lexicon::Lexicon;
pub use matched::{Matched, MatchedInEnglish, Matcher, matched, matched_in_english};
pub use scores::{Hit, Scores};
pub use terms::Terms;

use crate::paper::{Paper, Passage, PassageKind};

/// What is indexed of a passage; empty where it has none.
#[derive(Clone, Debug, Default)]
pub struct Document<'a> {
    /// The passage's number.
    pub number: u32,
    /// The title of its paper.
    pub title: Cow<'a, str>,
    /// The text, of an abstract.
    pub abstract_text: Cow<'a, str>,
    /// The text, of a commentary.
    pub commentary: Cow<'a, str>,
    /// Tags of its paper, with spaces or commas between them.
    pub tags: Cow<'a, str>,
    /// Authors and ids of its paper.
    pub names: Cow<'a, str>,
}

impl Document<'_> {
    /// What is indexed of `passage`, which is one of `paper`'s: its own text, and of the side of the abstract also what
    /// stands above it. `None` if it is not one of them.
    #[must_use]
    pub fn of(number: u32, paper: &Paper, passage: &Passage) -> Option<Document<'static>> {
        let text = Cow::Owned(passage.text(paper)?.to_owned());
        if passage.kind == PassageKind::Commentary {
            return Some(Document { number, commentary: text, ..Document::default() });
        }
        let ids = std::iter::once(&paper.id).chain(&paper.aliases).map(ToString::to_string);
        let names: Vec<String> = paper.authors.iter().cloned().chain(ids).collect();
        Some(Document {
            number,
            title: Cow::Owned(paper.title.clone()),
            // A title alone is the title.
            abstract_text: if passage.kind == PassageKind::Title { Cow::default() } else { text },
            tags: Cow::Owned(paper.tags.join(" ")),
            names: Cow::Owned(names.join(" ")),
            ..Document::default()
        })
    }
}

/// Where a published generation keeps its words.
pub const FOLDER: &str = "words";

/// A field of a document: its name in the index, and how much a word in it is worth.
struct Field {
    name: &'static str,
    weight: f32,
    text: for<'d> fn(&'d Document<'_>) -> &'d str,
}

/// How many there are.
const FIELDS: usize = 5;

/// The fields. The text is what is asked for. A title repeats its abstract: of 0.2 to 0.5, 0.4 was the least at which no
/// judged set fell behind BM25 over title and abstract in one; at 1 the notes lose two points. A tag is as a title; a
/// name is rare enough to stand out at half.
const SCHEMA: [Field; FIELDS] = [
    Field { name: "title", weight: 0.4, text: |document| &document.title },
    Field { name: "abstract", weight: 1.0, text: |document| &document.abstract_text },
    Field { name: "commentary", weight: 1.0, text: |document| &document.commentary },
    Field { name: "tags", weight: 0.4, text: |document| &document.tags },
    Field { name: "names", weight: 0.5, text: |document| &document.names },
];

/// Why words are not to be searched for. The store has all that is indexed: make the index anew.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LexicalError {
    /// There is no index.
    #[error("there is no index of words at {}: it is rebuilt from the store", .0.display())]
    Missing(PathBuf),
    /// There is one already: an index is written once.
    #[error("there is an index of words at {} already: name an empty folder", .0.display())]
    Exists(PathBuf),
    /// A file is not what was written.
    #[error("{} is damaged ({why}); the index of words is rebuilt from the store", path.display())]
    Damaged {
        /// The file, or the folder where it is not known which.
        path: PathBuf,
        /// What was found.
        why: String,
    },
    /// No space.
    #[error("the disk of {} is full: free some space and repeat", .0.display())]
    DiskFull(PathBuf),
    /// Anything else of the operating system's.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl LexicalError {
    fn io(path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull(path.to_owned()),
            _ => Self::Io { path: path.to_owned(), source },
        }
    }

    fn damaged(path: &Path, why: impl ToString) -> Self {
        Self::Damaged { path: path.to_owned(), why: why.to_string() }
    }
}
