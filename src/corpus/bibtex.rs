//! BibTeX and BibLaTeX, streamed entry by entry.

use super::{Format, Notice, Reader, RecordError, Stream};
use crate::paper::Record;

/// The streaming reader.
pub(super) struct Bibtex {
    file: String,
    stream: Stream,
}

impl Bibtex {
    pub fn new(file: &str, stream: Stream) -> Self {
        Self { file: file.to_owned(), stream }
    }
}

impl Iterator for Bibtex {
    type Item = Result<Record, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        let _ = (&self.file, &self.stream);
        None
    }
}

impl Reader for Bibtex {
    fn format(&self) -> Format {
        Format::Bibtex
    }

    fn bytes_read(&self) -> u64 {
        0
    }

    fn take_notices(&mut self) -> Vec<Notice> {
        Vec::new()
    }
}
