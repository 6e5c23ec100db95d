//! Bytes to records: one reader per format behind one trait. Knows papers, nothing else of the house.
//!
//! Formats are sniffed from the text, never from the name. A bad record is an error value that names its file and
//! line and what to do; it never stops the reader, which goes on with the next record. Nothing is dropped without
//! a named reason: what is no record is a [`RecordError`], a [`Skipped`] file or a [`Notice`].
//!
//! Ingest walks [`files_under`] (files and bytes, for progress), [`open`]s each file and iterates the [`Reader`].

mod archive;
mod article;
mod bibtex;
mod bibtex_entry;
mod citation;
mod commentary;
mod date;
mod decode;
mod dialect;
mod digest;
mod feed;
mod files;
mod front_matter;
mod headline;
mod html;
mod json;
mod json_fields;
mod json_pieces;
mod labels;
mod lines;
mod links;
mod markup;
mod note;
mod ris;
mod sheet;
mod sniff;
mod unpack;
mod web_page;

use std::io::{BufRead, Cursor, Read};
use std::path::Path;

pub use files::{Listing, SkipReason, Skipped, SourceFile, files_under};
pub use sniff::Format;

use crate::paper::{PaperId, Record};

/// Of all that the readers read: where it grows, files that have not changed are read again.
pub const READERS_VERSION: u32 = 1;

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
    let (name, file) = files::open(path)?;
    unpack::open(&name, file)
}

/// Reads a text that is in memory already, as [`open`] reads a file: `name` stands for the file in sources, and
/// its stem, as with a note on disk, may lend date and title.
///
/// # Errors
///
/// When nothing of it can be read.
pub fn read_bytes(name: &str, bytes: &[u8]) -> Result<Box<dyn Reader>, RecordError> {
    unpack::open(name, Box::new(Cursor::new(bytes.to_vec())))
}

/// [`read_bytes`] of a text that nobody may have packed: what comes over a network is as large as it is.
///
/// # Errors
///
/// When nothing of it can be read.
pub fn read_text(
    name: &str,
    bytes: impl AsRef<[u8]> + Send + 'static,
) -> Result<Box<dyn Reader>, RecordError> {
    read(name, Box::new(Cursor::new(bytes)))
}

/// The bytes of one text, unpacked.
type Stream = Box<dyn BufRead + Send>;

/// Formats that know where a record ends are streamed, however large; a text about its papers is read whole, under
/// the cap.
fn read(name: &str, mut stream: Stream) -> Result<Box<dyn Reader>, RecordError> {
    let mut head = Vec::with_capacity(decode::HEAD);
    let failed = stream.by_ref().take(decode::HEAD as u64).read_to_end(&mut head);
    if let (Err(error), true) = (failed, head.is_empty()) {
        return Err(RecordError::new(ErrorKind::Unreadable, name, 1, error.to_string()));
    }
    // A stream that broke after something readable will break again, behind what is readable.
    decode::refuse_binary(name, &head)?;
    let streamed = if decode::has_wide_mark(&head) { None } else { sniff::streamed(&head) };
    let mut stream: Stream = Box::new(Cursor::new(head).chain(stream));
    if let Some(format) = streamed {
        return Ok(records_of(format, name, stream));
    }
    // The size that the system states may be wrong or change: the cap is on what we read.
    // At once: to grow as it is read takes the memory twice, and what is not touched takes none.
    let mut bytes = Vec::with_capacity(usize::try_from(LARGEST_TEXT).unwrap_or_default() + 1);
    let failed = stream.by_ref().take(LARGEST_TEXT + 1).read_to_end(&mut bytes).err();
    if bytes.len() as u64 > LARGEST_TEXT {
        let why = format!(
            "larger than {} MiB, too large for one text; split it, or use JSON lines, which are streamed",
            LARGEST_TEXT >> 20
        );
        return Err(RecordError::new(ErrorKind::Unreadable, name, 1, why));
    }
    let broken = failed.map(|error| cut_off(name, &mut bytes, &error));
    let text = decode::decode(name, &bytes).map_err(|error| broken.clone().unwrap_or(error))?;
    // UTF-16 is known for what it is only now.
    if let Some(format) = sniff::streamed(text.as_bytes()) {
        return Ok(records_of(format, name, Box::new(Cursor::new(text.into_bytes()))));
    }
    let page = lines::Page::new(name, &text);
    let format = sniff::sniff(&page).map_err(|error| broken.clone().unwrap_or(error))?;
    let mut found = match format {
        Format::Digest => digest::read(&page),
        Format::Article => article::read(&page),
        Format::Html => html::read(name, &text),
        _ => note::read(&page),
    };
    if let Some(error) = broken {
        // Half a note is none; of a digest only the last paper may be half of one.
        if format != Format::Digest {
            return Err(error);
        }
        found.records.pop();
        found.records.push(Err(error));
    }
    let size = bytes.len() as u64;
    Ok(Box::new(Whole { format, size, records: found.records.into_iter(), notices: found.notices }))
}

/// What could not be read to its end, cut back to whole lines.
fn cut_off(name: &str, bytes: &mut Vec<u8>, error: &std::io::Error) -> RecordError {
    bytes.truncate(bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1));
    let line = 1 + bytes.iter().filter(|byte| **byte == b'\n').count();
    RecordError::new(ErrorKind::Unreadable, name, line, error.to_string())
}

/// The reader of a format that is streamed.
fn records_of(format: Format, name: &str, stream: Stream) -> Box<dyn Reader> {
    match format {
        Format::Bibtex => Box::new(bibtex::Bibtex::new(name, stream)),
        Format::Ris => Box::new(ris::Ris::new(name, stream)),
        Format::Feed => Box::new(feed::Feed::new(name, stream)),
        Format::Json => Box::new(json::Json::document(name, stream)),
        _ => Box::new(json::Json::lines(name, stream)),
    }
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
    fn a_text_over_the_cap_is_refused() {
        let huge = vec![b'a'; usize::try_from(LARGEST_TEXT).unwrap() + 1];
        let error = read_bytes("huge.txt", &huge).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("16 MiB") && error.kind == ErrorKind::Unreadable, "{error}");
    }

    #[test]
    fn errors_name_file_line_and_remedy() {
        let error = RecordError::new(ErrorKind::Malformed, "a.jsonl", 7, "no title; add one");
        assert_eq!(error.to_string(), "a.jsonl:7: no title; add one");
    }
}
