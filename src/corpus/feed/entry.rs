//! The elements of one entry, gathered while they pass: of Atom, of RSS, and of the vocabularies that science adds to them
//! (arXiv's, Dublin Core, PRISM).

use quick_xml::events::BytesStart;

use super::super::LONGEST_LINE;
use super::super::date;
use super::super::dialect::natural;
use super::super::headline::names;
use super::super::links::push_new;
use super::super::markup::plain;
use super::{Item, Text};
use crate::paper::{Record, cut, normalise, single_line};

/// Attributes that are looked at: a million of them say nothing.
const MOST_ATTRIBUTES: usize = 64;
/// Links and tags of one entry.
const MOST_LINKS: usize = 16;
const MOST_TAGS: usize = 256;
/// Elements in elements of an entry.
const DEEPEST: usize = 200;
/// What is told of a service's own error is no longer than this.
const LONGEST_TOLD: usize = 300;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Id,
    Link,
    Name,
    Title,
    Summary,
    Content,
    Author,
    Creators,
    Date,
    Updated,
    Tag,
    Venue,
    Comment,
}

/// A field that is being read.
struct Open {
    field: Field,
    depth: usize,
    text: String,
    html: bool,
    /// The text is that of elements, and so is escaped when it becomes markup.
    xhtml: bool,
    /// From this depth on, what stands in it is not for us.
    mute: Option<usize>,
}

/// One entry.
pub(super) struct Entry {
    /// Its element's name, as written.
    pub name: String,
    /// Its line.
    pub line: usize,
    /// How deep its element is.
    pub depth: usize,
    item: Item,
    open: Option<Open>,
    size: usize,
    refused: Option<String>,
}

impl Entry {
    pub fn new(name: &str, line: usize, depth: usize) -> Self {
        Self { name: name.to_owned(), line, depth, item: Item::default(), open: None, size: 0, refused: None }
    }

    /// RSS 1.0 names an item by an attribute.
    pub fn about(&mut self, tag: &BytesStart<'_>) {
        self.item.id = attribute(tag, "rdf:about").unwrap_or_default();
    }

    pub fn refuse_size(&mut self) {
        self.refused = Some(format!("an entry of more than {} MiB, passed over", LONGEST_LINE >> 20));
        (self.item, self.open) = (Item::default(), None);
    }

    /// An element begins, `depth` deep.
    pub fn start(&mut self, prefix: &str, local: &str, tag: &BytesStart<'_>, depth: usize) {
        self.count(tag.len());
        if self.refused.is_some() {
            return;
        }
        if depth > self.depth + DEEPEST {
            self.refused = Some("an entry whose elements are nested without end, passed over".to_owned());
        } else if let Some(open) = &mut self.open {
            open.nested(local, tag, depth);
        } else if depth == self.depth + 1
            && let Some(field) = field_of(prefix, local)
        {
            self.begin(field, local, tag, depth);
        }
    }

    fn begin(&mut self, field: Field, local: &str, tag: &BytesStart<'_>, depth: usize) {
        let kind = attribute(tag, "type").unwrap_or_default();
        match field {
            Field::Link => {
                let own = attribute(tag, "rel").is_none_or(|rel| rel == "alternate");
                if let Some(href) = attribute(tag, "href").filter(|_| own) {
                    self.link(&href);
                }
            }
            Field::Tag => {
                if let Some(term) = attribute(tag, "term") {
                    self.tag(&term);
                }
            }
            _ => {}
        }
        // RSS has no types: a description is HTML, and a title is written as if it were.
        let html =
            kind.contains("html") || local == "description" || local == "encoded" || kind.contains("xml");
        self.open = Some(Open {
            field,
            depth,
            text: String::new(),
            html: html || (local == "title" && kind.is_empty() && self.name == "item"),
            xhtml: kind == "xhtml" || kind.ends_with("+xml"),
            mute: None,
        });
    }

    /// Text stands in whatever is open.
    pub fn text(&mut self, text: &str) {
        self.count(text.len());
        if let Some(open) = &mut self.open
            && open.mute.is_none()
        {
            if open.xhtml {
                open.text.push_str(&quick_xml::escape::partial_escape(text));
            } else {
                open.text.push_str(text);
            }
        }
    }

    fn count(&mut self, bytes: usize) {
        self.size = self.size.saturating_add(bytes);
        if self.size > LONGEST_LINE && self.refused.is_none() {
            self.refuse_size();
        }
    }

    /// An element ends, `depth` deep.
    pub fn end(&mut self, local: &str, depth: usize) {
        match &mut self.open {
            Some(open) if depth > open.depth => open.ended(local, depth),
            Some(_) => {
                if let Some(open) = self.open.take() {
                    self.take(open);
                }
            }
            None => {}
        }
    }

    fn take(&mut self, open: Open) {
        let Open { field, text, html, .. } = open;
        let line = || single_line(&text);
        if text.trim().is_empty() {
            return;
        }
        let item = &mut self.item;
        match field {
            Field::Id => item.id = line(),
            Field::Link => self.link(&text),
            Field::Name => {
                if item.names.len() < MOST_LINKS {
                    item.names.push(line());
                }
            }
            Field::Title => item.title = Text { text, html },
            Field::Summary => item.summary = Text { text, html },
            Field::Content => item.content = Text { text, html },
            Field::Author => item.authors.extend(person(&text)),
            Field::Creators => item.authors.extend(people(&text)),
            Field::Date => item.date = item.date.or_else(|| date::stamp(&text)),
            Field::Updated => item.updated = date::stamp(&text),
            Field::Tag => self.tag(&text),
            Field::Venue => item.venue = Some(line()),
            Field::Comment => item.comment = line(),
        }
    }

    fn link(&mut self, link: &str) {
        if self.item.links.len() < MOST_LINKS {
            self.item.links.push(single_line(link));
        }
    }

    fn tag(&mut self, tag: &str) {
        let tag = single_line(tag);
        if self.item.tags.len() < MOST_TAGS && !tag.is_empty() {
            push_new(&mut self.item.tags, tag);
        }
    }

    /// The record, or why there is none.
    pub fn record(self) -> Result<Record, String> {
        if let Some(why) = self.refused {
            return Err(why);
        }
        // The API answers errors as an entry (arXiv API User's Manual 3.4).
        if self.item.id.contains("arxiv.org/api/errors") {
            let said = normalise(&self.item.summary.text);
            return Err(format!(
                "not a paper but an error of the API: {}; ask arXiv again",
                cut(&said, LONGEST_TOLD)
            ));
        }
        self.item.record()
    }
}

impl Open {
    /// An element within: of an author only the name counts, of a text its tags.
    fn nested(&mut self, local: &str, tag: &BytesStart<'_>, depth: usize) {
        if self.mute.is_some() {
            return;
        }
        if self.field == Field::Author {
            match local {
                "name" => self.text.clear(),
                _ => self.mute = Some(depth),
            }
        } else if self.html {
            let target = if local == "a" { attribute(tag, "href") } else { None };
            match target {
                Some(href) => {
                    let href = quick_xml::escape::escape(href);
                    self.text.push_str(&format!("<a href=\"{href}\">"));
                }
                None => self.text.push_str(&format!("<{local}>")),
            }
        }
    }

    fn ended(&mut self, local: &str, depth: usize) {
        if self.mute.is_some() {
            self.mute = self.mute.filter(|mute| depth > *mute);
        } else if self.html {
            self.text.push_str(&format!("</{local}>"));
        }
    }
}

fn field_of(prefix: &str, local: &str) -> Option<Field> {
    Some(match (prefix, local) {
        ("", "id" | "guid") => Field::Id,
        ("", "link") => Field::Link,
        ("", "title") => Field::Title,
        ("", "summary" | "description") => Field::Summary,
        ("", "content") | ("content", "encoded") => Field::Content,
        ("", "author") => Field::Author,
        ("dc", "creator") => Field::Creators,
        ("", "published" | "pubDate" | "issued") | ("dc", "date" | "issued") => Field::Date,
        ("", "updated" | "modified") | ("dc", "modified") => Field::Updated,
        ("", "category") | ("dc", "subject") => Field::Tag,
        ("arxiv", "primary_category") => Field::Tag,
        ("arxiv", "doi" | "DOI") | ("dc", "identifier") | ("prism", "doi") => Field::Name,
        ("arxiv", "journal_ref" | "journal_reference") | ("prism", "publicationName") => Field::Venue,
        ("arxiv", "comment") => Field::Comment,
        _ => return None,
    })
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = tag.attributes();
    // Looking for doubles takes the square of their number.
    let found = attributes
        .with_checks(false)
        .take(MOST_ATTRIBUTES)
        .flatten()
        .find(|found| found.key.as_ref() == name)?;
    let resolve = |entity: &str| quick_xml::escape::resolve_html5_entity(entity);
    let value = quick_xml::escape::unescape_with(&found.value, resolve);
    Some(value.map_or_else(|_| found.value.to_string(), std::borrow::Cow::into_owned))
}

/// RSS: "ada@example.org (Ada Lovelace)".
fn person(text: &str) -> Option<String> {
    let name = match text.trim().strip_suffix(')').and_then(|text| text.split_once('(')) {
        Some((mail, name)) if mail.contains('@') => name,
        _ => text,
    };
    Some(single_line(name)).filter(|name| !name.is_empty())
}

/// Dublin Core has a creator in each element; arXiv puts all into one, as HTML once.
fn people(text: &str) -> Vec<String> {
    let text = single_line(&plain(text));
    let list = names(&text).unwrap_or_default();
    match list.as_slice() {
        // "Lovelace, Ada" is one person, "Ada Lovelace, George Boole" are two.
        [family, given]
            if text.contains(|c: char| c.is_ascii_alphabetic())
                && (!family.contains(' ') || !given.contains(' ')) =>
        {
            vec![natural(given, family, "")]
        }
        _ => list,
    }
}
