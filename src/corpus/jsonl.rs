//! Our own shape: one JSON object per line, streamed, so that a file may be larger than memory; or one JSON
//! document that holds such objects. The fields are in `json_fields.rs` and in the README.
//!
//! A line that is wrong is one error; the next line is read. Fields that are not read are named once per file.

use std::collections::BTreeSet;
use std::io::{BufRead, Read};

use serde_json::Value;

use super::lines::Page;
use super::{
    ErrorKind, Format, Found, LONGEST_LINE, Notice, Reader, RecordError, Slots, Stream, decode, json_fields,
};
use crate::paper::{Record, Source};

/// Objects to records of one file.
struct Objects {
    file: String,
    slots: Slots,
    known: BTreeSet<String>,
    notices: Vec<Notice>,
}

impl Objects {
    fn new(file: &str) -> Self {
        Self { file: file.to_owned(), slots: Slots::default(), known: BTreeSet::new(), notices: Vec::new() }
    }

    fn error(&self, line: usize, why: impl Into<String>) -> RecordError {
        RecordError::new(ErrorKind::Malformed, &self.file, line, why)
    }

    fn record(&mut self, json: &str, line: usize) -> Result<Record, RecordError> {
        let value: Value = serde_json::from_str(json).map_err(|error| {
            let column =
                if json.contains('\n') { String::new() } else { format!(" (column {})", error.column()) };
            let text = error.to_string();
            let what = text.split(" at line ").next().unwrap_or_default();
            self.error(line, format!("no valid JSON: {what}{column}"))
        })?;
        let Value::Object(object) = value else {
            return Err(self.error(line, "not a JSON object; write one paper as {\"title\": ..., ...}"));
        };
        let (mut record, unknown) = json_fields::record(&object).map_err(|why| self.error(line, why))?;
        for field in unknown {
            if self.known.insert(field.clone()) {
                let text = format!("field '{field}' is not read, here and below");
                self.notices.push(Notice { file: self.file.clone(), line, text });
            }
        }
        record.source =
            Source { file: self.file.clone(), line, slot: self.slots.next(&record.ids, &record.title) };
        Ok(record)
    }
}

/// The streaming reader.
pub(super) struct JsonLines {
    stream: Stream,
    objects: Objects,
    line: usize,
    bytes: u64,
    ended: bool,
}

impl JsonLines {
    pub fn new(file: &str, stream: Stream) -> Self {
        Self { stream, objects: Objects::new(file), line: 0, bytes: 0, ended: false }
    }

    /// The next line; `None` at the end. A line over the limit is read past, not kept.
    fn next_line(&mut self) -> std::io::Result<Option<Result<Vec<u8>, RecordError>>> {
        let mut line = Vec::new();
        let limit = LONGEST_LINE as u64 + 1;
        let read = self.stream.by_ref().take(limit).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(None);
        }
        self.bytes += read as u64;
        self.line += 1;
        if line.ends_with(b"\n") || line.len() <= LONGEST_LINE {
            return Ok(Some(Ok(line)));
        }
        loop {
            let (taken, done) = {
                let buffer = self.stream.fill_buf()?;
                match buffer.iter().position(|byte| *byte == b'\n') {
                    Some(at) => (at + 1, true),
                    None => (buffer.len(), buffer.is_empty()),
                }
            };
            self.stream.consume(taken);
            self.bytes += taken as u64;
            if done {
                break;
            }
        }
        let why = format!("a line of more than {} MiB; write one paper per line", LONGEST_LINE >> 20);
        Ok(Some(Err(self.objects.error(self.line, why))))
    }
}

impl Iterator for JsonLines {
    type Item = Result<Record, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            let bytes = match self.next_line() {
                Ok(Some(Ok(bytes))) => bytes,
                Ok(Some(Err(error))) => return Some(Err(error)),
                Ok(None) => break,
                Err(error) => {
                    self.ended = true;
                    let file = &self.objects.file;
                    return Some(Err(RecordError::new(
                        ErrorKind::Unreadable,
                        file,
                        self.line + 1,
                        error.to_string(),
                    )));
                }
            };
            let line = bytes.strip_prefix(b"\xef\xbb\xbf").filter(|_| self.line == 1).unwrap_or(&bytes);
            match std::str::from_utf8(line.trim_ascii()) {
                Ok("") => {}
                Ok(json) => return Some(self.objects.record(json, self.line)),
                Err(error) => return Some(Err(decode::not_utf8(&self.objects.file, self.line, &error))),
            }
        }
        self.ended = true;
        None
    }
}

impl Reader for JsonLines {
    fn format(&self) -> Format {
        Format::JsonLines
    }

    fn bytes_read(&self) -> u64 {
        self.bytes
    }

    fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.objects.notices)
    }
}

/// Reads an array of objects, or objects over several lines.
pub(super) struct JsonDocument {
    read: u64,
    records: std::vec::IntoIter<Result<Record, RecordError>>,
    notices: Vec<Notice>,
}

impl JsonDocument {
    pub fn new(file: &str, mut stream: Stream) -> Self {
        let mut text = String::new();
        let read = stream.read_to_string(&mut text).unwrap_or(0) as u64;
        let found = read_document(&Page::new(file, &text), &text);
        Self { read, records: found.records.into_iter(), notices: found.notices }
    }
}

impl Iterator for JsonDocument {
    type Item = Result<Record, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.records.next()
    }
}

impl Reader for JsonDocument {
    fn format(&self) -> Format {
        Format::Json
    }

    fn bytes_read(&self) -> u64 {
        self.read
    }

    fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }
}

/// Reads an array of objects, or objects over several lines, each by itself: one broken object does not spoil the
/// others.
pub(super) fn read_document(page: &Page<'_>, text: &str) -> Found {
    let mut objects = Objects::new(page.name);
    let mut found = Found::default();
    for piece in pieces(text) {
        found.records.push(match piece {
            Piece::Object { json, line } => objects.record(json, line),
            Piece::Stray { line } => {
                Err(objects.error(line, "not a JSON object; write one paper as {\"title\": ..., ...}"))
            }
            Piece::Unclosed { line } => {
                Err(objects.error(line, "no valid JSON: the object that begins here is not closed"))
            }
        });
    }
    if found.records.is_empty() {
        found.records.push(Err(page.error(ErrorKind::NoPaper, 1, "an empty JSON array; fill or remove it")));
    }
    found.notices = objects.notices;
    found
}

#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Object { json: &'a str, line: usize },
    Stray { line: usize },
    Unclosed { line: usize },
}

/// The objects on the outer level, each with its line. Brackets, commas and space between them are passed over.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut line, mut depth, mut begin) = (1, 0usize, (0, 1));
    let (mut quoted, mut escaped, mut stray) = (false, false, false);
    for (at, byte) in text.bytes().enumerate() {
        if byte == b'\n' {
            line += 1;
        }
        if quoted {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => quoted = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' if depth > 0 => quoted = true,
            b'{' => {
                if depth == 0 {
                    begin = (at, line);
                    stray = false;
                }
                depth += 1;
            }
            b'}' if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    pieces.push(Piece::Object {
                        json: text.get(begin.0..=at).unwrap_or_default(),
                        line: begin.1,
                    });
                }
            }
            b'[' | b']' | b',' => stray = stray && depth == 0 && byte != b',',
            byte if depth == 0 && !byte.is_ascii_whitespace() && !stray => {
                stray = true;
                pieces.push(Piece::Stray { line });
            }
            _ => {}
        }
    }
    if depth > 0 {
        pieces.push(Piece::Unclosed { line: begin.1 });
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: Vec<u8>) -> (Vec<Result<Record, RecordError>>, Vec<Notice>, u64) {
        let mut reader = JsonLines::new("a.jsonl", Box::new(std::io::Cursor::new(bytes)));
        let records = reader.by_ref().collect();
        (records, reader.take_notices(), reader.bytes_read())
    }

    #[test]
    fn a_bad_line_is_one_error_and_reading_goes_on() {
        let mut bytes =
            "\u{feff}{\"title\": \"하나\", \"x\": 1}\r\n\n{\"title\": \"broken\n[1]\n".as_bytes().to_vec();
        bytes.extend_from_slice(b"{\"title\": \"caf\xe9\"}\n");
        bytes.extend_from_slice(format!("{{\"title\": \"{}\"}}\n", "x".repeat(LONGEST_LINE)).as_bytes());
        bytes.extend_from_slice("{\"title\": \"둘\", \"x\": 1}".as_bytes());
        let size = bytes.len() as u64;
        let (records, notices, read) = read(bytes);
        let told: Vec<_> = records
            .iter()
            .map(|record| match record {
                Ok(record) => format!("{} {}", record.source.line, record.title),
                Err(error) => format!("{} {}", error.line, error.why.get(..8).unwrap()),
            })
            .collect();
        assert_eq!(
            told,
            ["1 하나", "3 no valid", "4 not a JS", "5 not UTF-", "6 a line o", "7 둘"].map(|x| x.to_owned())
        );
        assert_eq!((notices.len(), notices[0].line, read), (1, 1, size));
    }

    #[test]
    fn documents_are_split_into_their_objects() {
        let text = "[\n {\"title\": \"a } [ \\\" b\", \"tags\": [\"x\"]},\n 5,\n {\"title\": 3},\n {\"title\": \"c\"\n}\n, {\"title\"";
        let found = read_document(&Page::new("a.json", text), text);
        let told: Vec<_> = found
            .records
            .iter()
            .map(|record| record.as_ref().map(|r| (r.source.line, r.title.clone())).map_err(|e| e.line))
            .collect();
        assert_eq!(told, [Ok((2, "a } [ \" b".to_owned())), Err(3), Err(4), Ok((5, "c".to_owned())), Err(7)]);
        assert_eq!(read_document(&Page::new("a.json", "[]"), "[]").records.len(), 1);
    }

    #[test]
    fn nesting_without_end_is_an_error_and_no_overflow() {
        let deep = format!("{{\"title\": {}", "[".repeat(200_000));
        let (records, _, _) = read(deep.into_bytes());
        assert!(records[0].as_ref().unwrap_err().why.contains("no valid JSON"));
    }
}
