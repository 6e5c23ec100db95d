//! BibTeX and BibLaTeX, streamed: entries are cut out of the stream by their braces, one at a time in memory.
//!
//! What stands between entries is passed over, as BibTeX does. An entry that never closes ends where a line begins with the next
//! one: one error, and reading goes on. Formulas stay LaTeX in the record; all other LaTeX is resolved. Not read: `crossref`
//! (an entry takes nothing from another) and `file`.

use std::io::{BufRead, Read};

use jiff::civil::Date;

use super::bibtex_entry::{Macros, fields, key_and_fields, keywords, people};
use super::citation::Citation;
use super::{ErrorKind, Format, Notice, Reader, RecordError, Slots, Stream, date, decode};
use crate::paper::{Record, latex_text, normalise, single_line};

/// The largest entry.
const LARGEST_ENTRY: usize = 1 << 20;
/// A line is looked at in pieces of this size.
const PIECE: u64 = 64 << 10;

/// The streaming reader.
pub(super) struct Bibtex {
    file: String,
    stream: Stream,
    slots: Slots,
    macros: Macros,
    /// What of the current piece of a line has not been looked at.
    piece: Vec<u8>,
    at: usize,
    line: usize,
    line_begins: bool,
    bytes: u64,
    ended: bool,
}

/// What was cut out of the stream.
struct Entry {
    kind: String,
    line: usize,
    body: Vec<u8>,
    fault: Option<&'static str>,
}

impl Bibtex {
    pub fn new(file: &str, stream: Stream) -> Self {
        Self {
            file: file.to_owned(),
            stream,
            slots: Slots::default(),
            macros: Macros::default(),
            piece: Vec::new(),
            at: 0,
            line: 1,
            line_begins: true,
            bytes: 0,
            ended: false,
        }
    }

    /// The next piece of a line; `false` at the end.
    fn next_piece(&mut self) -> std::io::Result<bool> {
        if let Some(last) = self.piece.last() {
            self.line_begins = *last == b'\n';
            self.line += usize::from(self.line_begins);
        }
        self.piece.clear();
        self.at = 0;
        let read = self.stream.by_ref().take(PIECE).read_until(b'\n', &mut self.piece)?;
        self.bytes += read as u64;
        Ok(read > 0)
    }

    fn rest(&self) -> &[u8] {
        self.piece.get(self.at..).unwrap_or_default()
    }

    fn next_entry(&mut self) -> std::io::Result<Option<Entry>> {
        loop {
            let comment =
                self.at == 0 && self.line_begins && self.rest().trim_ascii_start().starts_with(b"%");
            while let Some(at) = self.rest().iter().position(|byte| *byte == b'@').filter(|_| !comment) {
                self.at += at;
                match opening(self.rest()) {
                    Some((kind, width, closing)) => {
                        self.at += width;
                        return self.body(kind, closing).map(Some);
                    }
                    None => self.at += 1,
                }
            }
            if !self.next_piece()? {
                return Ok(None);
            }
        }
    }

    fn body(&mut self, kind: String, closing: u8) -> std::io::Result<Entry> {
        let mut entry = Entry { kind, line: self.line, body: Vec::new(), fault: None };
        let mut depth = 0usize;
        loop {
            let rest = self.piece.get(self.at..).unwrap_or_default();
            let end = rest.iter().position(|byte| {
                match byte {
                    b'{' => depth += 1,
                    b'}' if depth > 0 => depth -= 1,
                    byte => return *byte == closing && depth == 0,
                }
                false
            });
            let taken = end.unwrap_or(rest.len());
            if entry.body.len() + taken > LARGEST_ENTRY {
                entry.fault = Some("is larger than 1 MiB; shorten it");
                entry.body.truncate(1 << 10);
            }
            if entry.fault.is_none() {
                entry.body.extend_from_slice(rest.get(..taken).unwrap_or_default());
            }
            self.at += taken + usize::from(end.is_some());
            if end.is_some() {
                return Ok(entry);
            }
            let more = self.next_piece()?;
            if !more || (self.line_begins && begins_entry(&self.piece)) {
                entry.fault = entry.fault.or(Some("is not closed; add the missing '}'"));
                return Ok(entry);
            }
        }
    }

    /// `None` for what is no paper.
    fn record(&mut self, entry: &Entry) -> Option<Result<Record, RecordError>> {
        if matches!(entry.kind.as_str(), "comment" | "preamble") && entry.fault.is_none() {
            return None;
        }
        let body = match std::str::from_utf8(&entry.body) {
            Ok(body) => body,
            // Cut off inside a character.
            Err(_) if entry.fault.is_some() => "",
            Err(error) => {
                let good = entry.body.get(..error.valid_up_to()).unwrap_or_default();
                let line = entry.line + good.iter().filter(|byte| **byte == b'\n').count();
                return Some(Err(decode::not_utf8(&self.file, line, &error)));
            }
        };
        let (key, rest) = key_and_fields(body);
        let what = match single_line(crate::paper::cut(key, 80)) {
            key if key.is_empty() => format!("this @{}", crate::paper::cut(&entry.kind, 40)),
            key => format!("entry '{key}'"),
        };
        if let Some(fault) = entry.fault {
            let why = format!("{what} {fault}");
            return Some(Err(RecordError::new(ErrorKind::Malformed, &self.file, entry.line, why)));
        }
        match entry.kind.as_str() {
            "string" => {
                self.macros.define(body);
                None
            }
            "set" | "xdata" => None,
            _ => {
                let citation = citation(fields(rest, &self.macros));
                Some(citation.finish(&self.file, entry.line, &mut self.slots, &what))
            }
        }
    }
}

/// `@word{` or `@word(`: the word in lower case, how wide all that is, and what closes it.
fn opening(text: &[u8]) -> Option<(String, usize, u8)> {
    let inner = text.strip_prefix(b"@")?.trim_ascii_start();
    let length =
        inner.iter().take(64).take_while(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte)).count();
    let (word, rest) = inner.split_at_checked(length).filter(|_| length > 0)?;
    let rest = rest.trim_ascii_start();
    let closing = match rest.first()? {
        b'{' => b'}',
        b'(' => b')',
        _ => return None,
    };
    let word = String::from_utf8_lossy(word).to_lowercase();
    Some((word, text.len() - rest.len() + 1, closing))
}

/// Whether a line begins an entry, and is not text in which an address stands.
fn begins_entry(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    opening(line).is_some_and(|(word, width, _)| {
        let key = line.get(width..).unwrap_or_default();
        let end = key.iter().position(|byte| matches!(byte, b',' | b'\n')).unwrap_or(key.len());
        matches!(word.as_str(), "string" | "comment" | "preamble")
            || !key.get(..end).unwrap_or_default().trim_ascii().iter().any(|byte| matches!(byte, b' ' | b'}'))
    })
}

fn citation(fields: Vec<(String, String)>) -> Citation {
    let mut citation = Citation::default();
    let get = |name: &str| {
        fields
            .iter()
            .find(|(known, value)| known == name && !value.trim().is_empty())
            .map(|(_, value)| value.as_str())
    };
    let line =
        |name: &str| get(name).map(|value| single_line(&latex_text(value))).filter(|text| !text.is_empty());
    let any = |names: &[&str]| names.iter().find_map(|name| line(name));

    citation.record.title = match (line("title"), line("subtitle")) {
        (Some(title), Some(more)) => format!("{title}: {more}"),
        (title, more) => title.or(more).unwrap_or_default(),
    };
    for name in people(get("author").or_else(|| get("editor")).unwrap_or_default()) {
        citation.take_author(name);
    }
    citation.take_abstract(&latex_text(get("abstract").unwrap_or_default()));
    citation.record.date = any(&["date"])
        .and_then(|text| date::field(text.split(['/', '~', '?']).next()?))
        .or_else(|| date_of(&any(&["year"])?, any(&["month"]).as_deref(), any(&["day"]).as_deref()));
    let archive = any(&["archiveprefix", "eprinttype"]).map(|name| name.to_lowercase());
    if let Some(eprint) = line("eprint").filter(|_| archive.as_deref().is_none_or(|name| name == "arxiv")) {
        citation.take_arxiv(&eprint);
        // Before 2007 the archive could stand apart.
        if let Some(class) = line("primaryclass").or_else(|| line("eprintclass")) {
            if citation.record.ids.is_empty() {
                citation.take_arxiv(&format!("{class}/{eprint}"));
            }
            citation.take_tag(&class);
        }
    }
    for name in ["arxiv", "arxivid", "doi"] {
        if let Some(id) = line(name) {
            citation.take_id(&id);
        }
    }
    for name in ["url", "howpublished", "link"] {
        if let Some(url) = line(name) {
            citation.take_url(url.trim_matches(['<', '>']));
        }
    }
    for name in ["code", "codeurl", "repository", "github"] {
        citation.take_code(&line(name).unwrap_or_default());
    }
    for name in ["keywords", "keyword", "tags", "mendeley-tags"] {
        keywords(get(name).unwrap_or_default()).iter().for_each(|tag| citation.take_tag(tag));
    }
    for name in ["journal", "journaltitle", "booktitle", "school", "institution"] {
        citation.take_venue(&line(name).unwrap_or_default());
    }
    citation.take_arxiv(&line("volume").unwrap_or_default());
    for (name, value) in &fields {
        let bare = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let text = || normalise(&latex_text(value));
        match bare {
            "annote" | "annotation" | "comment" | "review" => citation.take_commentary(&text()),
            "note" if says_something(&text()) => citation.take_note(&text()),
            _ => {}
        }
    }
    citation
}

/// Notes such as "Oral" are about the talk; a Han or Hangul character counts for two.
fn says_something(note: &str) -> bool {
    let columns: usize = note.chars().map(|c| if c >= '\u{1100}' { 2 } else { 1 }).sum();
    columns >= 24 || note.to_lowercase().contains("arxiv:")
}

/// The day, the first of the month or of the year; "c. 2024", "August", "aug 29" as they come.
fn date_of(year: &str, month: Option<&str>, day: Option<&str>) -> Option<Date> {
    let digits: Vec<&str> =
        year.split(|c: char| !c.is_ascii_digit()).filter(|part| part.len() == 4).collect();
    let year = *digits.first()?;
    let month = month.unwrap_or_default();
    let word = month
        .split(|c: char| !c.is_alphanumeric())
        .find(|word| date::month_of(&word.to_lowercase()).is_some());
    let number = |text: &str| {
        text.split(|c: char| !c.is_ascii_digit())
            .find(|part| !part.is_empty())
            .and_then(|part| part.parse::<u8>().ok())
    };
    let (month, in_month) = match word.and_then(|word| date::month_of(&word.to_lowercase())) {
        Some(at) => (u8::try_from(at).ok(), number(month)),
        None => (number(month), None),
    };
    let day = day.and_then(number).or(in_month);
    let whole = |month: u8, day: u8| date::field(&format!("{year}-{month:02}-{day:02}"));
    whole(month.unwrap_or(1), day.filter(|_| month.is_some()).unwrap_or(1))
        .or_else(|| whole(month?, 1))
        .or_else(|| whole(1, 1))
}

impl Iterator for Bibtex {
    type Item = Result<Record, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            match self.next_entry() {
                Ok(Some(entry)) => {
                    if let Some(record) = self.record(&entry) {
                        return Some(record);
                    }
                }
                Ok(None) => self.ended = true,
                Err(error) => {
                    self.ended = true;
                    let why = error.to_string();
                    return Some(Err(RecordError::new(ErrorKind::Unreadable, &self.file, self.line, why)));
                }
            }
        }
        None
    }
}

impl Reader for Bibtex {
    fn format(&self) -> Format {
        Format::Bibtex
    }

    fn bytes_read(&self) -> u64 {
        self.bytes
    }

    fn take_notices(&mut self) -> Vec<Notice> {
        Vec::new()
    }
}

#[cfg(test)]
#[path = "bibtex_tests.rs"]
mod tests;
