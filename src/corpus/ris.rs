//! RIS, streamed: `TY  - ` begins a record, `ER  - ` ends it, or the next `TY`, or the end of the file.
//!
//! Programs differ in all else: the spaces around the dash, the case of tags, one keyword a line or all on one, text broken over
//! lines. A tag that is not read is passed over, as every reader of RIS does.

use std::io::{BufRead, Read};

use jiff::civil::Date;

use super::citation::Citation;
use super::links::repositories_in;
use super::{ErrorKind, Format, Notice, Reader, RecordError, Slots, Stream, date, decode};
use crate::paper::{Record, cut, natural_name, normalise, single_line};

/// A longer line is one error.
const LONGEST_LINE: u64 = 1 << 20;
/// What one record may hold.
const LARGEST_RECORD: usize = 4 << 20;

/// The streaming reader.
pub(super) struct Ris {
    file: String,
    stream: Stream,
    slots: Slots,
    line: usize,
    bytes: u64,
    ended: bool,
    /// The record that is open.
    open: Option<Open>,
    /// What was found and not given yet.
    ready: Option<Result<Record, RecordError>>,
}

/// The lines of one record.
struct Open {
    line: usize,
    fields: Vec<(String, String)>,
    size: usize,
    fault: Option<RecordError>,
}

impl Ris {
    pub fn new(file: &str, stream: Stream) -> Self {
        let file = file.to_owned();
        Self {
            file,
            stream,
            slots: Slots::default(),
            line: 0,
            bytes: 0,
            ended: false,
            open: None,
            ready: None,
        }
    }

    /// The next line; a longer one than the limit comes as an error.
    fn next_line(&mut self) -> std::io::Result<Option<Result<String, RecordError>>> {
        let mut line = Vec::new();
        let read = self.stream.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)?;
        self.bytes += read as u64;
        if read == 0 {
            return Ok(None);
        }
        self.line += 1;
        if !line.ends_with(b"\n") && read as u64 == LONGEST_LINE {
            loop {
                let (taken, done) = {
                    let buffer = self.stream.fill_buf()?;
                    let end = buffer.iter().position(|byte| *byte == b'\n');
                    (end.map_or(buffer.len(), |end| end + 1), end.is_some() || buffer.is_empty())
                };
                self.stream.consume(taken);
                self.bytes += taken as u64;
                if done {
                    break;
                }
            }
            return Ok(Some(Err(self.error(self.line, "a line of more than 1 MiB; break or remove it"))));
        }
        let bytes = line.strip_prefix(b"\xef\xbb\xbf").filter(|_| self.line == 1).unwrap_or(&line);
        Ok(Some(match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.trim_end_matches(['\n', '\r']).to_owned()),
            Err(error) => Err(decode::not_utf8(&self.file, self.line, &error)),
        }))
    }

    fn error(&self, line: usize, why: impl Into<String>) -> RecordError {
        RecordError::new(ErrorKind::Malformed, &self.file, line, why)
    }

    fn take(&mut self, line: &str) {
        match (tag(line), &mut self.open) {
            (Some(("TY", _)), _) => {
                self.close();
                self.open = Some(Open { line: self.line, fields: Vec::new(), size: 0, fault: None });
            }
            (Some(("ER", _)), Some(_)) => self.close(),
            (_, None) => {}
            (found, Some(open)) => {
                open.size += line.len();
                if open.size > LARGEST_RECORD {
                    open.fields.clear();
                    let why = "a record of more than 4 MiB; is an 'ER  - ' missing?";
                    open.fault.get_or_insert(RecordError::new(
                        ErrorKind::Malformed,
                        &self.file,
                        open.line,
                        why,
                    ));
                    return;
                }
                match found {
                    Some((tag, value)) => open.fields.push((tag.to_ascii_uppercase(), value.to_owned())),
                    // Text goes on over lines; before the first tag there is none.
                    None => {
                        if let Some((_, value)) = open.fields.last_mut() {
                            value.push('\n');
                            value.push_str(line.trim());
                        }
                    }
                }
            }
        }
    }

    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        self.ready = Some(match open.fault {
            Some(fault) => Err(fault),
            None => citation(&open.fields).finish(&self.file, open.line, &mut self.slots, "this record"),
        });
    }
}

/// The tag of a line and what stands behind its dash.
fn tag(line: &str) -> Option<(&str, &str)> {
    let tag = line.get(..2)?;
    let rest = line.get(2..)?;
    let value = rest.trim_start_matches([' ', '\u{a0}']).strip_prefix('-')?;
    let apart = rest.starts_with([' ', '\u{a0}']) && (value.is_empty() || value.starts_with([' ', '\u{a0}']));
    let mut bytes = tag.bytes();
    let fits = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && bytes.next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    let known = match tag {
        "ty" | "Ty" => "TY",
        "er" | "Er" => "ER",
        tag => tag,
    };
    (apart && fits).then(|| (known, value.trim()))
}

fn citation(fields: &[(String, String)]) -> Citation {
    let mut citation = Citation::default();
    let values = |names: &[&str]| -> Vec<&str> {
        // In the order of the names: an author before an editor, a journal's full name before its short one.
        names
            .iter()
            .flat_map(|name| {
                fields.iter().filter(move |(tag, _)| tag == name).map(|(_, value)| value.as_str())
            })
            .filter(|value| !value.trim().is_empty())
            .collect()
    };
    citation.record.title =
        values(&["TI", "T1", "CT"]).first().map(|title| single_line(title)).unwrap_or_default();
    let of_authors = values(&["AU", "A1"]);
    let people = if of_authors.is_empty() { values(&["A2", "ED", "A3", "A4"]) } else { of_authors };
    // Some programs write all authors on one line, and all keywords.
    let all_on_one = people.len() == 1;
    for name in people.iter().flat_map(|line| line.split(|c| c == ';' && all_on_one)) {
        citation.take_author(natural_name(name));
    }
    citation.take_abstract(values(&["AB", "N2"]).first().unwrap_or(&""));
    citation.record.date = values(&["DA", "PY", "Y1", "Y2"]).iter().find_map(|text| date_of(text));
    for text in values(&["DO"]) {
        citation.take_id(text);
    }
    for text in values(&["M3", "C7", "AN", "M1", "ID"]) {
        citation.take_arxiv(text);
    }
    let own_places = values(&["UR", "L1", "LK"]);
    // L2 is where a related text is; code, as we write it ourselves.
    for link in values(&["L2"]) {
        if repositories_in(link).is_empty() { citation.take_url(link) } else { citation.take_code(link) }
    }
    for link in own_places.iter().flat_map(|line| line.split([';', '\n'])) {
        citation.take_url(link);
    }
    let keywords = values(&["KW"]);
    let all_on_one = keywords.len() == 1;
    for text in keywords {
        text.split(|c| c == '\n' || (all_on_one && matches!(c, ',' | ';')))
            .for_each(|tag| citation.take_tag(tag));
    }
    for text in values(&["JO", "JF", "T2", "BT", "JA", "J2", "PB"]).iter().take(1) {
        citation.take_venue(text);
    }
    for text in values(&["N1", "RN"]) {
        let text = normalise(text);
        match text.lines().count() {
            0 => {}
            1 => citation.take_note(&text),
            _ => citation.take_commentary(&text),
        }
    }
    citation
}

/// `2024/08/29/`, `2024///Summer`, `2024-08-29`, `2024`.
fn date_of(text: &str) -> Option<Date> {
    let parts: Vec<&str> =
        text.split(['/', '-']).map(str::trim).take(3).take_while(|part| !part.is_empty()).collect();
    date::field(&parts.join("-")).or_else(|| date::field(text)).or_else(|| date::field(cut(text, 4)))
}

impl Iterator for Ris {
    type Item = Result<Record, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(ready) = self.ready.take() {
                return Some(ready);
            }
            if self.ended {
                return None;
            }
            match self.next_line() {
                Ok(Some(Ok(line))) => self.take(&line),
                Ok(Some(Err(error))) => match &mut self.open {
                    Some(open) => {
                        open.fault.get_or_insert(error);
                    }
                    None => return Some(Err(error)),
                },
                Ok(None) => {
                    self.ended = true;
                    self.close();
                }
                Err(error) => {
                    self.ended = true;
                    let why = error.to_string();
                    return Some(Err(RecordError::new(
                        ErrorKind::Unreadable,
                        &self.file,
                        self.line + 1,
                        why,
                    )));
                }
            }
        }
    }
}

impl Reader for Ris {
    fn format(&self) -> Format {
        Format::Ris
    }

    fn bytes_read(&self) -> u64 {
        self.bytes
    }

    fn take_notices(&mut self) -> Vec<Notice> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn read(text: impl Into<Vec<u8>>) -> Vec<Result<Record, RecordError>> {
        Ris::new("a.ris", Box::new(Cursor::new(text.into()))).collect()
    }

    #[test]
    fn a_record_with_everything() {
        let text = "\u{feff}TY  - JOUR\r\nTI  - LoRA: low-rank\r\n adaptation\r\nAU  - Hu, Edward J.\r\nAU  - King, Martin Luther, Jr.\r\nA1  - 王, 芳\r\n\
            AB  - First line.\r\n둘째 문단.\r\nDA  - 2024/08/29/\r\nPY  - 2023\r\nDO  - 10.1145/3292500.3330701\r\nUR  - https://arxiv.org/abs/2106.09685v2\r\n\
            UR  - https://example.org/x\r\nL1  - https://github.com/ada/graphs\r\nKW  - peft, tuning\r\nKW  - 언어 모델\r\nJO  - 정보처리학회\r\nJA  - KIPS\r\n\
            N1  - 좋은 논문이다. https://arxiv.org/abs/2305.18290 참고.\r\nN1  - Accepted at ICML\r\nLA  - ko\r\nER  - \r\n";
        let [record] = <[_; 1]>::try_from(read(text)).unwrap();
        let record = record.unwrap();
        assert_eq!(record.title, "LoRA: low-rank adaptation");
        assert_eq!(record.authors, ["Edward J. Hu", "Martin Luther King Jr.", "王芳"]);
        assert_eq!(record.abstract_text.as_deref(), Some("First line.\n둘째 문단."));
        assert_eq!(record.date.unwrap().to_string(), "2024-08-29");
        assert_eq!(
            (record.ids.len(), record.version, record.url.as_deref()),
            (2, Some(2), Some("https://example.org/x"))
        );
        assert_eq!(
            (record.tags.as_slice(), record.repositories.len()),
            (["peft, tuning", "언어 모델"].map(String::from).as_slice(), 1)
        );
        assert_eq!(
            (record.venue.as_deref(), record.commentaries.len(), record.mentions.len()),
            (Some("정보처리학회"), 1, 1)
        );
        assert_eq!((record.source.line, record.commentaries[0].language.code()), (1, "ko"));
    }

    #[test]
    fn other_programs_write_it_otherwise() {
        let text = "Provider: x\nTY - CPAPER\nT1 - 第一\nA1 - 王, 芳; 李, 娜\nY1 - 2024///Summer\nKW - a, b; c\nM3 - arXiv:2408.15881\n\nty  - jour\nti  - Zweiter\nN2  - Text\nPY  - 1999-07\nTY  - BOOK\nCT  - 셋째\nT2  - Book\nER  -";
        let told: Vec<_> = read(text)
            .into_iter()
            .map(Result::unwrap)
            .map(|record| {
                (
                    record.title,
                    record.authors.len(),
                    record.tags.len(),
                    record.ids.len(),
                    record.date.map(|d| d.to_string()),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("第一".to_owned(), 2, 3, 1, Some("2024-01-01".to_owned())),
                ("Zweiter".to_owned(), 0, 0, 0, Some("1999-07-01".to_owned())),
                ("셋째".to_owned(), 0, 0, 0, None),
            ]
        );
    }

    #[test]
    fn a_bad_record_is_one_error_and_reading_goes_on() {
        let mut text =
            b"TY  - JOUR\nAU  - A\nER  - \nTY  - JOUR\nTI  - caf\xe9\nER  - \nTY  - JOUR\nTI  - ".to_vec();
        text.extend(vec![b'x'; 2 << 20]);
        text.extend_from_slice("\nER  - \nTY  - JOUR\nTI  - 끝\n".as_bytes());
        for _ in 0..3 {
            text.extend_from_slice(b"AB  - ");
            text.extend(vec![b'y'; 1 << 19]);
            text.push(b'\n');
        }
        let size = text.len() as u64;
        let mut reader = Ris::new("a.ris", Box::new(Cursor::new(text)));
        let told: Vec<String> = reader
            .by_ref()
            .map(|record| match record {
                Ok(record) => format!("{} {}", record.source.line, record.title),
                Err(error) => format!("{} {}", error.line, error.why.get(..20).unwrap()),
            })
            .collect();
        assert_eq!(
            told,
            ["1 this record has no t", "5 not UTF-8; if the fi", "8 a line of more than ", "10 끝"]
        );
        assert_eq!(reader.bytes_read(), size);
        let endless = format!("TY  - JOUR\nTI  - x\n{}", "AB  - 가나다라마바사\n".repeat(400_000));
        assert!(read(endless)[0].as_ref().unwrap_err().why.contains("ER"));
    }

    #[test]
    fn hostile_files_take_no_time() {
        for unit in ["TY  - \n", "KW  - a;\n", "AU  - a, b\n", "\n", "N1  - a\n", "x\n", ";"] {
            let text = format!("TY  - JOUR\nTI  - x\nKW  - {}", unit.repeat((64 << 10) / unit.len()));
            let began = std::time::Instant::now();
            read(text);
            assert!(began.elapsed().as_secs_f64() < 0.5, "{unit:?}");
        }
    }
}
