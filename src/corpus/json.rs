//! JSON, streamed: our own shape or one that services speak, one object per line or in whatever arrays and wrappers
//! `json_pieces.rs` knows. Our fields are in `json_fields.rs` and in the README, other dialects in `dialect/`.
//!
//! An object that is wrong is one error; the next one is read. Fields that are not read are named once per file.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::json_pieces::{Piece, Pieces};
use super::{
    ErrorKind, Format, LONGEST_LINE, Notice, Reader, RecordError, Slots, Stream, decode, dialect, json_fields,
};
use crate::paper::{Record, Source, cut};

/// More names of fields than this are not told.
const MOST_FIELDS: usize = 100;
/// What is told of a service's own error is no longer than this.
const LONGEST_TOLD: usize = 200;

/// Reads objects one per line, or in a document.
pub(super) struct Json {
    format: Format,
    pieces: Pieces,
    objects: Objects,
    silent: bool,
    ended: bool,
}

impl Json {
    /// One object, array or wrapper per line.
    pub fn lines(file: &str, stream: Stream) -> Self {
        Self::new(Format::JsonLines, file, stream)
    }

    /// Objects over several lines, an array of them, or a wrapper.
    pub fn document(file: &str, stream: Stream) -> Self {
        Self::new(Format::Json, file, stream)
    }

    fn new(format: Format, file: &str, stream: Stream) -> Self {
        let pieces = Pieces::new(stream, format == Format::JsonLines);
        Self { format, pieces, objects: Objects::new(file), silent: true, ended: false }
    }

    fn of_piece(&mut self, piece: Piece, line: usize) -> Option<Result<Record, RecordError>> {
        let objects = &mut self.objects;
        let why = match piece {
            Piece::Object => return Some(objects.record(self.pieces.text(), line)),
            Piece::Null => {
                objects.notice_once("null", line, || {
                    "null in place of a paper that the service does not know, passed over".to_owned()
                });
                return None;
            }
            // The parser says best what is wrong with what there is.
            Piece::Unclosed => match objects.parse(self.pieces.text(), line) {
                Err(error) => return Some(Err(error)),
                Ok(_) => "no valid JSON: the object that begins here is not closed".to_owned(),
            },
            Piece::Stray => "not a JSON object; write one paper as {\"title\": ..., ...}".to_owned(),
            Piece::TooLong if self.format == Format::JsonLines => {
                format!("a line of more than {} MiB; write one paper per line", LONGEST_LINE >> 20)
            }
            Piece::TooLong => {
                format!("an object of more than {} MiB; write one object per paper", LONGEST_LINE >> 20)
            }
            Piece::CutOff => {
                "the list of papers is not closed: the text was cut off; fetch or save it again".to_owned()
            }
        };
        Some(Err(objects.error(line, why)))
    }
}

impl Iterator for Json {
    type Item = Result<Record, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            match self.pieces.next() {
                Ok(Some((piece, line))) => {
                    self.silent = false;
                    let found = self.of_piece(piece, line);
                    if found.is_some() {
                        return found;
                    }
                }
                Ok(None) => {
                    self.ended = true;
                    if self.silent {
                        let why = "an empty list of papers; fill or remove it";
                        return Some(Err(RecordError::new(ErrorKind::NoPaper, &self.objects.file, 1, why)));
                    }
                }
                Err(error) => {
                    self.ended = true;
                    let (file, line) = (&self.objects.file, self.pieces.line());
                    return Some(Err(RecordError::new(ErrorKind::Unreadable, file, line, error.to_string())));
                }
            }
        }
        None
    }
}

impl Reader for Json {
    fn format(&self) -> Format {
        self.format
    }

    fn bytes_read(&self) -> u64 {
        self.pieces.bytes()
    }

    fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.objects.notices)
    }
}

/// Objects to records of one file.
struct Objects {
    file: String,
    slots: Slots,
    told: BTreeSet<String>,
    notices: Vec<Notice>,
}

impl Objects {
    fn new(file: &str) -> Self {
        Self { file: file.to_owned(), slots: Slots::default(), told: BTreeSet::new(), notices: Vec::new() }
    }

    fn error(&self, line: usize, why: impl Into<String>) -> RecordError {
        RecordError::new(ErrorKind::Malformed, &self.file, line, why)
    }

    fn notice_once(&mut self, about: &str, line: usize, text: impl FnOnce() -> String) {
        if self.told.len() < MOST_FIELDS && self.told.insert(about.to_owned()) {
            let text = format!("{}, here and below", text());
            self.notices.push(Notice { file: self.file.clone(), line, text });
        }
    }

    fn parse(&self, json: &[u8], line: usize) -> Result<Map<String, Value>, RecordError> {
        let text = std::str::from_utf8(json).map_err(|error| {
            let good = json.get(..error.valid_up_to()).unwrap_or_default();
            let below = good.iter().filter(|byte| **byte == b'\n').count();
            decode::not_utf8(&self.file, line + below, &error)
        })?;
        serde_json::from_str(text).map_err(|error| {
            let column =
                if text.contains('\n') { String::new() } else { format!(" (column {})", error.column()) };
            let told = error.to_string();
            let what = told.split(" at line ").next().unwrap_or_default();
            self.error(line + error.line().saturating_sub(1), format!("no valid JSON: {what}{column}"))
        })
    }

    fn record(&mut self, json: &[u8], line: usize) -> Result<Record, RecordError> {
        let object = self.parse(json, line)?;
        let mut record = if let Some(read) = dialect::record(&object) {
            let (record, odd) = read.map_err(|why| self.error(line, why))?;
            for field in odd {
                self.notice_once(&format!("odd {field}"), line, || {
                    format!("field '{field}' is not what it is elsewhere and was passed over")
                });
            }
            record
        } else {
            let (record, unknown) = json_fields::record(&object)
                .map_err(|why| self.error(line, service_error(&object).unwrap_or(why)))?;
            for field in unknown {
                self.notice_once(&field, line, || {
                    format!("field '{}' is not read", cut(&field, LONGEST_TOLD))
                });
            }
            record
        };
        record.source =
            Source { file: self.file.clone(), line, slot: self.slots.next(&record.ids, &record.title) };
        Ok(record)
    }
}

/// The answer of a service that did not answer.
fn service_error(object: &Map<String, Value>) -> Option<String> {
    if object.contains_key("title") {
        return None;
    }
    let said = ["message", "error"].into_iter().find_map(|key| object.get(key)?.as_str())?;
    Some(format!("not a paper but an error of the service: {}; ask it again", cut(said, LONGEST_TOLD)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_as(format: Format, bytes: Vec<u8>) -> (Vec<Result<Record, RecordError>>, Vec<Notice>, u64) {
        let mut reader = Json::new(format, "a.jsonl", Box::new(std::io::Cursor::new(bytes)));
        let records = reader.by_ref().collect();
        (records, reader.take_notices(), reader.bytes_read())
    }

    fn read(bytes: Vec<u8>) -> (Vec<Result<Record, RecordError>>, Vec<Notice>, u64) {
        read_as(Format::JsonLines, bytes)
    }

    fn document(text: &str) -> Vec<Result<(usize, String), (usize, String)>> {
        let (records, _, _) = read_as(Format::Json, text.as_bytes().to_vec());
        let told = |record: Result<Record, RecordError>| match record {
            Ok(record) => Ok((record.source.line, record.title)),
            Err(error) => Err((error.line, error.why)),
        };
        records.into_iter().map(told).collect()
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
        let told: Vec<_> =
            document(text).into_iter().map(|record| record.map_err(|(line, _)| line)).collect();
        assert_eq!(told, [Ok((2, "a } [ \" b".to_owned())), Err(3), Err(4), Ok((5, "c".to_owned())), Err(7)]);
        assert!(document("[]")[0].as_ref().unwrap_err().1.contains("empty list"));
    }

    #[test]
    fn a_list_cut_off_keeps_what_came_before() {
        let told = document("{\"total\": 9,\n\"data\": [\n{\"title\": \"가\"},\n{\"title\": \"b\"},\n");
        assert_eq!(told.len(), 3);
        assert_eq!(told[1], Ok((4, "b".to_owned())));
        assert!(told[2].as_ref().unwrap_err().1.contains("cut off"), "{told:?}");
    }

    #[test]
    fn the_line_of_a_fault_is_its_own() {
        let told = document("[{\n\"title\": \"x\",\n\"year\": 20x4\n}]");
        assert_eq!(told[0].as_ref().unwrap_err().0, 3);
        let (records, _, _) =
            read_as(Format::Json, b"[{\n\"title\":\n\"caf\xe9\"}, {\"title\": \"y\"}]".to_vec());
        assert_eq!(records[0].as_ref().unwrap_err().line, 3);
        assert!(records[1].is_ok());
    }

    #[test]
    fn what_services_answer_instead_of_papers() {
        let (records, notices, _) = read(b"[null, {\"title\": \"x\"}, null]\n[null]".to_vec());
        assert_eq!((records.len(), notices.len()), (1, 1), "{notices:?}");
        let (records, _, _) = read(br#"{"message": "Too Many Requests", "code": "429"}"#.to_vec());
        assert!(records[0].as_ref().unwrap_err().why.contains("Too Many Requests"));
    }

    #[test]
    fn nesting_without_end_is_an_error_and_no_overflow() {
        let deep = format!("{{\"title\": {}", "[".repeat(200_000));
        for format in [Format::JsonLines, Format::Json] {
            let (records, _, _) = read_as(format, deep.clone().into_bytes());
            assert!(records[0].as_ref().unwrap_err().why.contains("no valid JSON"));
        }
    }

    #[test]
    fn slots_are_the_best_names() {
        let (records, _, _) = read(
            b"[{\"title\":\"x\",\"arxiv\":\"2408.15881\"},{\"title\":\"x\"},{\"title\":\"x\"}]".to_vec(),
        );
        let slots: Vec<String> = records.into_iter().map(|record| record.unwrap().source.slot).collect();
        assert_eq!(slots[0], "arxiv:2408.15881");
        assert_eq!(slots[2], format!("{}#2", slots[1]));
    }

    const PAGE: &str = r#"{"total": 2, "data": [{"paperId": "a", "title": "<i>On</i> 그래프", "tldr": {"text": "x"}, "authors": [{"name": "Ada"}]}, null,
        {"display_name": "稀疏图", "abstract_inverted_index": {"a": [0, 2], "b": [1]}, "authorships": []}], "next": {"a": [1]}}
        {"title": "x", "issued": {"date-parts": [[2024, 8]]}, "author": [{"family": "王", "given": "芳"}]}"#;

    proptest::proptest! {
        #[test]
        fn no_mutation_panics(at in 0..PAGE.len(), with in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..4), cut in 0..20usize) {
            let mut bytes = PAGE.as_bytes().to_vec();
            let end = (at + cut).min(bytes.len());
            bytes.splice(at..end, with);
            for format in [Format::JsonLines, Format::Json] {
                let size = bytes.len() as u64;
                let (records, _, read) = read_as(format, bytes.clone());
                proptest::prop_assert_eq!(read, size);
                for record in records.into_iter().flatten() {
                    proptest::prop_assert!(!record.title.is_empty());
                }
            }
        }
    }
}
