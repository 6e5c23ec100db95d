//! Feeds, streamed entry by entry: the arXiv API's answers, Atom, RSS 1.0 and 2.0. `entry.rs` gathers an entry, `item.rs`
//! judges what it is.
//!
//! An entry that is wrong or too large is one error and the next is read. Broken XML ends the file, since nothing
//! behind it has a certain place; what came before is kept. Entities of a DTD are never expanded.

mod bounds;
mod entry;
mod item;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Error, Reader as Xml};

use super::{ErrorKind, Format, LONGEST_LINE, Notice, Reader, RecordError, Slots, Stream, decode};
use crate::paper::{Record, Source};

use bounds::Bounds;
use entry::Entry;
pub(super) use item::{Item, Text};

/// Feeds nest a dozen elements, XHTML in them some dozen more.
const DEEPEST: usize = 1_000;
/// The parser keeps the names of what is open.
const LONGEST_NAME: usize = 1_000;
/// Declarations of namespaces that are looked at, in all.
const MOST_PREFIXES: usize = 64;

/// Namespaces under the prefix by which we know them.
const NAMESPACES: [(&str, &str); 9] = [
    ("http://www.w3.org/2005/Atom", ""),
    ("http://purl.org/atom/ns#", ""),
    ("http://purl.org/rss/1.0/modules/content/", "content"),
    ("http://purl.org/rss/1.0/", ""),
    ("http://arxiv.org/schemas/atom", "arxiv"),
    ("http://purl.org/dc/elements/1.1/", "dc"),
    ("http://purl.org/dc/terms/", "dc"),
    ("http://prismstandard.org/namespaces/", "prism"),
    ("http://www.w3.org/1999/xhtml", "xhtml"),
];

/// The streaming reader.
pub(super) struct Feed {
    file: String,
    xml: Xml<Bounds>,
    buffer: Vec<u8>,
    prefixes: Vec<(String, &'static str)>,
    depth: usize,
    entry: Option<Entry>,
    slots: Slots,
    read: usize,
    errors: usize,
    ended: bool,
}

impl Feed {
    pub fn new(file: &str, stream: Stream) -> Self {
        Self {
            file: file.to_owned(),
            xml: parser(Bounds::new(stream)),
            buffer: Vec::new(),
            prefixes: Vec::new(),
            depth: 0,
            entry: None,
            slots: Slots::default(),
            read: 0,
            errors: 0,
            ended: false,
        }
    }

    /// Reads one token; gives the entry that it ended.
    fn step(&mut self) -> Result<Option<Entry>, RecordError> {
        self.buffer.clear();
        self.xml.get_mut().next_token();
        let event = match self.xml.read_event_into(&mut self.buffer) {
            Ok(event) => event,
            Err(error) => return self.lost(&error),
        };
        let line = self.xml.get_ref().line;
        match event {
            Event::Start(tag) => {
                self.depth += 1;
                if self.depth > DEEPEST || tag.name().as_ref().len() > LONGEST_NAME {
                    let why = "elements nested without end, or of names without end: this is no feed";
                    return Err(self.fatal(line, why));
                }
                declare(&mut self.prefixes, &tag);
                let name = tag.name();
                let (prefix, local) = known(&self.prefixes, name.as_ref());
                match &mut self.entry {
                    Some(entry) => entry.start(prefix, local, &tag, self.depth),
                    None if matches!(local, "entry" | "item") => {
                        let breaks = tag.bytes().filter(|byte| *byte == b'\n').count();
                        let mut entry = Entry::new(tag.name().as_ref(), line - breaks, self.depth);
                        entry.about(&tag);
                        self.entry = Some(entry);
                    }
                    None => {}
                }
            }
            Event::Empty(tag) => {
                declare(&mut self.prefixes, &tag);
                let name = tag.name();
                let (prefix, local) = known(&self.prefixes, name.as_ref());
                if let Some(entry) = &mut self.entry {
                    entry.start(prefix, local, &tag, self.depth + 1);
                    entry.end(local, self.depth + 1);
                }
            }
            Event::End(tag) => {
                let name = tag.name();
                let (_, local) = known(&self.prefixes, name.as_ref());
                if let Some(entry) = &mut self.entry {
                    entry.end(local, self.depth);
                }
                let ends = self.entry.as_ref().is_some_and(|entry| entry.depth >= self.depth);
                self.depth = self.depth.saturating_sub(1);
                if ends {
                    return Ok(self.entry.take());
                }
            }
            Event::Text(text) => {
                if let Some(entry) = &mut self.entry {
                    entry.text(&text);
                }
            }
            Event::CData(text) => {
                if let Some(entry) = &mut self.entry {
                    entry.text(&text);
                }
            }
            Event::GeneralRef(name) => {
                if let Some(entry) = &mut self.entry {
                    match name.resolve_char_ref() {
                        Ok(Some(c)) => entry.text(c.encode_utf8(&mut [0; 4])),
                        _ => match quick_xml::escape::resolve_html5_entity(&name) {
                            Some(text) => entry.text(text),
                            None => entry.text(&format!("&{};", &*name)),
                        },
                    }
                }
            }
            Event::Eof => return self.end(line),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
        Ok(None)
    }

    /// What to do where the parser lost its way.
    fn lost(&mut self, error: &Error) -> Result<Option<Entry>, RecordError> {
        let line = self.xml.get_ref().line;
        if self.xml.get_ref().is_over() {
            let Some(mut entry) = self.entry.take() else {
                return Err(self.fatal(line, format!("a token of more than {} MiB", LONGEST_LINE >> 20)));
            };
            let idle = parser(Bounds::new(Box::new(std::io::empty())));
            let mut bounds = std::mem::replace(&mut self.xml, idle).into_inner();
            let found = bounds.skip_past_end_of(&entry.name);
            self.xml = parser(bounds);
            // The new parser knows nothing of what is open around us.
            self.xml.config_mut().allow_unmatched_ends = true;
            self.depth = entry.depth.saturating_sub(1);
            entry.refuse_size();
            return match found {
                Ok(_) => Ok(Some(entry)),
                Err(error) => Err(self.fatal(line, error.to_string())),
            };
        }
        Err(match error {
            Error::Io(error) => self.fatal(line, error.to_string()),
            // The remedy of a file cut off in a character is the same as that of broken XML.
            Error::Encoding(_) if !self.xml.get_mut().is_at_end() => {
                let why = self.fatal(line, decode::NOT_UTF8).why;
                RecordError::new(ErrorKind::Unreadable, &self.file, line, why)
            }
            error => {
                let why =
                    format!("broken XML: {error}; the file was cut off or damaged, fetch or save it again");
                self.fatal(line, why)
            }
        })
    }

    fn end(&mut self, line: usize) -> Result<Option<Entry>, RecordError> {
        self.ended = true;
        if self.depth > 0 {
            let within = if self.entry.is_some() { "in an entry" } else { "before the feed is closed" };
            let why = format!("the text ends {within}: the file was cut off; fetch or save it again");
            return Err(self.fatal(line, why));
        }
        if self.read + self.errors == 0 {
            let why = "a feed without entries; ask for more, or remove it";
            return Err(RecordError::new(ErrorKind::NoPaper, &self.file, 1, why));
        }
        Ok(None)
    }

    fn fatal(&mut self, line: usize, why: impl Into<String>) -> RecordError {
        self.ended = true;
        let why = format!("{}{}", why.into(), self.kept());
        RecordError::new(ErrorKind::Malformed, &self.file, line, why)
    }

    fn kept(&self) -> String {
        match self.read {
            1 => " (1 entry before it was read)".to_owned(),
            read => format!(" ({read} entries before it were read)"),
        }
    }

    fn record(&mut self, entry: Entry) -> Result<Record, RecordError> {
        let line = entry.line;
        let found = entry.record();
        let mut record = found.map_err(|why| {
            self.errors += 1;
            RecordError::new(ErrorKind::Malformed, &self.file, line, why)
        })?;
        self.read += 1;
        record.source =
            Source { file: self.file.clone(), line, slot: self.slots.next(&record.ids, &record.title) };
        Ok(record)
    }
}

fn parser(bounds: Bounds) -> Xml<Bounds> {
    let mut xml = Xml::from_reader(bounds);
    // "AT&T" is no entity, and many feeds have it.
    xml.config_mut().allow_dangling_amp = true;
    xml
}

/// Learns which prefixes stand for namespaces that we know.
fn declare(prefixes: &mut Vec<(String, &'static str)>, tag: &BytesStart<'_>) {
    if !tag.attributes_raw().contains("xmlns:") {
        return;
    }
    for attribute in tag.attributes().with_checks(false).take(MOST_PREFIXES).flatten() {
        let Some(prefix) = attribute.key.as_ref().strip_prefix("xmlns:") else { continue };
        let uri: &str = &attribute.value;
        let known = NAMESPACES.iter().find(|(namespace, _)| uri.trim().starts_with(namespace));
        if let Some((_, known)) = known
            && prefixes.len() < MOST_PREFIXES
            && !prefixes.iter().any(|(declared, _)| declared == prefix)
        {
            prefixes.push((prefix.to_owned(), known));
        }
    }
}

/// Prefix and local name; a prefix that nobody declared means what it means elsewhere.
fn known<'a>(prefixes: &'a [(String, &'static str)], name: &'a str) -> (&'a str, &'a str) {
    let Some((prefix, local)) = name.split_once(':') else { return ("", name) };
    let declared = prefixes.iter().find(|(declared, _)| declared == prefix);
    let prefix = declared.map_or(if prefix == "atom" { "" } else { prefix }, |(_, known)| known);
    (prefix, local)
}

impl Iterator for Feed {
    type Item = Result<Record, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            match self.step() {
                Ok(Some(entry)) => return Some(self.record(entry)),
                Ok(None) => {}
                Err(error) => return Some(Err(error)),
            }
        }
        None
    }
}

impl Reader for Feed {
    fn format(&self) -> Format {
        Format::Feed
    }

    fn bytes_read(&self) -> u64 {
        self.xml.get_ref().bytes
    }

    fn take_notices(&mut self) -> Vec<Notice> {
        Vec::new()
    }
}

#[cfg(test)]
mod suite;
