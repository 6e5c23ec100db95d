//! Bytes to records: one reader per format behind one trait. Knows papers, nothing else of the house.
//!
//! Formats are sniffed from the text, never from the name. A bad record is an error value that names its file and
//! line and what to do; it never stops the reader, which goes on with the next record. Nothing is dropped without
//! a named reason: what is no record is a [`RecordError`], a [`Skipped`] file or a [`Notice`].
//!
//! Ingest walks [`files_under`] (files and bytes, for progress), [`open`]s each file and iterates the [`Reader`].

mod article;
mod commentary;
mod date;
mod decode;
mod digest;
mod files;
mod front_matter;
mod headline;
mod json_fields;
mod jsonl;
mod labels;
mod lines;
mod links;
mod note;
mod sniff;

use std::path::Path;

pub use files::{Listing, SkipReason, Skipped, SourceFile, files_under};
pub use sniff::Format;

use crate::paper::{PaperId, Record};

/// The largest file read as a whole: every format but JSON lines, which are streamed.
pub const LARGEST_TEXT: u64 = 16 << 20;
/// The longest line of a JSON lines file.
pub const LONGEST_LINE: usize = 8 << 20;

/// What kind of refusal it is, for those who count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The file is sound text but not about a paper, as far as we can tell: a shopping list among the notes.
    NoPaper,
    /// The file cannot be read as text: missing, binary, of another encoding, too large.
    Unreadable,
    /// One record is wrong; its neighbours are read.
    Malformed,
}

/// A record, or a whole file, that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {why}")]
pub struct RecordError {
    /// What kind of refusal.
    pub kind: ErrorKind,
    /// The file, as the person named it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and the remedy where there is one.
    pub why: String,
}

impl RecordError {
    fn new(kind: ErrorKind, file: &str, line: usize, why: impl Into<String>) -> Self {
        Self { kind, file: file.to_owned(), line, why: why.into() }
    }
}

/// Something a person may want to know that is no error: a field we do not read, text that belongs to no paper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The file, as the person named it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What was found and left out.
    pub text: String,
}

/// Yields the records of one file, in order.
pub trait Reader: Iterator<Item = Result<Record, RecordError>> + Send {
    /// What the file was taken for.
    fn format(&self) -> Format;

    /// How many bytes of the file have been consumed: the unit of progress.
    fn bytes_read(&self) -> u64;

    /// The notices since the last call; complete once the iterator has ended.
    fn take_notices(&mut self) -> Vec<Notice>;
}

/// Opens one file, whatever of the formats it is.
///
/// # Errors
///
/// When nothing of the file can be read; the error says what would help.
pub fn open(path: &Path) -> Result<Box<dyn Reader>, RecordError> {
    let (name, source) = files::open(path)?;
    match source {
        files::Content::Whole(bytes) => read_bytes(&name, &bytes),
        files::Content::Stream(stream) => Ok(Box::new(jsonl::JsonLines::new(&name, stream))),
    }
}

/// Reads a text that is in memory already, as [`open`] reads a file: `name` stands for the file in sources, and
/// its stem, as with a note on disk, may lend date and title.
///
/// # Errors
///
/// When nothing of it can be read.
pub fn read_bytes(name: &str, bytes: &[u8]) -> Result<Box<dyn Reader>, RecordError> {
    let size = bytes.len() as u64;
    let text = decode::decode(name, bytes)?;
    let page = lines::Page::new(name, &text);
    let format = sniff::sniff(&page)?;
    let found = match format {
        Format::JsonLines => {
            let stream = Box::new(std::io::Cursor::new(text.into_bytes()));
            return Ok(Box::new(jsonl::JsonLines::new(name, stream)));
        }
        Format::Json => jsonl::read_document(&page, &text),
        Format::Digest => digest::read(&page),
        Format::Article => article::read(&page),
        Format::Note => note::read(&page),
    };
    Ok(Box::new(Whole { format, size, records: found.records.into_iter(), notices: found.notices }))
}

/// All that a reader of whole texts finds.
#[derive(Debug, Default)]
struct Found {
    records: Vec<Result<Record, RecordError>>,
    notices: Vec<Notice>,
}

/// The reader of a text that was parsed at once.
struct Whole {
    format: Format,
    size: u64,
    records: std::vec::IntoIter<Result<Record, RecordError>>,
    notices: Vec<Notice>,
}

impl Iterator for Whole {
    type Item = Result<Record, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.records.next()
    }
}

impl Reader for Whole {
    fn format(&self) -> Format {
        self.format
    }

    fn bytes_read(&self) -> u64 {
        self.size
    }

    fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }
}

/// Gives each record of a file of many its slot: its best name, so that a title may be corrected where the paper has an
/// id; with a count from the second of the same name on.
#[derive(Debug, Default)]
struct Slots(std::collections::HashMap<PaperId, usize>);

impl Slots {
    fn next(&mut self, ids: &[PaperId], title: &str) -> String {
        let name = ids.iter().min().cloned().unwrap_or_else(|| PaperId::of_title(title));
        let slot = name.to_string();
        let before = self.0.entry(name).or_default();
        *before += 1;
        if *before == 1 { slot } else { format!("{slot}#{before}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_record_of_a_title_has_its_own_slot() {
        let mut slots = Slots::default();
        let first = slots.next(&[], "On Graphs");
        assert_eq!(slots.next(&[], "On graphs."), format!("{first}#2"));
        assert_ne!(slots.next(&[], "Other"), first);
        let id: PaperId = "2408.15881".parse().unwrap();
        assert_eq!(slots.next(&[id], "Any title"), "arxiv:2408.15881");
    }

    #[test]
    fn errors_name_file_line_and_remedy() {
        let error = RecordError::new(ErrorKind::Malformed, "a.jsonl", 7, "no title; add one");
        assert_eq!(error.to_string(), "a.jsonl:7: no title; add one");
    }
}
