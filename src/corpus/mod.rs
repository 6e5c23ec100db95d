//! Bytes to records: one reader per format behind one trait. Knows papers, nothing else of the house.
//!
//! Formats are sniffed from the text, never from the name. A bad record is an error value that names its file and
//! line and what to do; it never stops the reader, which goes on with the next record.

use crate::paper::Record;

/// A record that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {why}")]
pub struct RecordError {
    /// The file, as the person named it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and the remedy where there is one.
    pub why: String,
}

/// Yields the records of one file, in order.
pub trait Reader: Iterator<Item = Result<Record, RecordError>> {}

impl<T: Iterator<Item = Result<Record, RecordError>>> Reader for T {}
