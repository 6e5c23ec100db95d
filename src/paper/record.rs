//! What one source says about one paper: the unit that readers yield and the store keeps.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Language, Mention, PaperId};

/// Where a record was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The file, as the person named it.
    pub file: String,
    /// The line, from 1, on which the record begins.
    pub line: usize,
    /// Which of the file's records this is, stable when lines shift: empty in files about one paper, else the
    /// best name and, for the second of the same name, a count.
    pub slot: String,
}

/// What somebody wrote about the paper, in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commentary {
    /// Its language.
    pub language: Language,
    /// Its text, paragraphs separated by line breaks.
    pub text: String,
}

/// What one source says about one paper. All text is normalised ([`super::normalise`]).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Where it stands.
    pub source: Source,
    /// Registered ids that the source gives for the paper itself (never those it merely links to).
    pub ids: Vec<PaperId>,
    /// The title; never empty.
    pub title: String,
    /// Authors in order, as written.
    pub authors: Vec<String>,
    /// The abstract, if the source has it.
    #[serde(rename = "abstract")]
    pub abstract_text: Option<String>,
    /// The date that the source gives: of the digest, the note, the publication.
    pub date: Option<Date>,
    /// Which version of the paper the text is of, where the source numbers them, as arXiv does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// When the text was last changed, where the source says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated: Option<Date>,
    /// Where it was published: journal, proceedings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub venue: Option<String>,
    /// Tags without `#`, in order.
    pub tags: Vec<String>,
    /// Where the paper can be read.
    pub url: Option<String>,
    /// Code repositories of the paper, as `https://github.com/owner/name`.
    pub repositories: Vec<String>,
    /// Commentaries, one per language and kind.
    pub commentaries: Vec<Commentary>,
    /// Links from the commentary to other papers.
    pub mentions: Vec<Mention>,
    /// The name by which notes link to this one (the file's stem, for a note).
    pub note: Option<String>,
}

impl Record {
    /// Every name under which the paper of this record may be known already, the best first.
    #[must_use]
    pub fn names(&self) -> Vec<PaperId> {
        let mut names = self.ids.clone();
        names.sort();
        names.push(PaperId::of_title(&self.title));
        names.dedup();
        names
    }

    /// Whether `other` is an older or newer reading of the same place in the same file.
    #[must_use]
    pub fn same_place(&self, other: &Self) -> bool {
        self.source.file == other.source.file && self.source.slot == other.source.slot
    }
}
