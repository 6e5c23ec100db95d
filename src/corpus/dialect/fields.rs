//! The fields of an object that somebody else wrote: what is there is taken, what is of a wrong type is passed over
//! and named.

use serde_json::{Map, Value};

use super::super::date;
use super::super::links::push_new;
use super::super::markup::plain;
use crate::paper::{PaperId, Record, normalise, single_line};

/// More tags than this name nothing, and looking for each among the others would take long.
const MOST_TAGS: usize = 256;

/// The fields of one object.
pub(super) struct Fields<'a> {
    object: &'a Map<String, Value>,
    odd: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    pub fn new(object: &'a Map<String, Value>) -> Self {
        Self { object, odd: Vec::new() }
    }

    /// The fields that were of a wrong type.
    pub fn odd(self) -> Vec<&'static str> {
        self.odd
    }

    /// Names a field that is not what it should be.
    pub fn odd_is(&mut self, key: &'static str) {
        push_new(&mut self.odd, key);
    }

    /// The field, unless it is missing or `null`.
    pub fn get(&self, key: &str) -> Option<&'a Value> {
        self.object.get(key).filter(|value| !value.is_null())
    }

    /// A text that says something. Crossref puts each text in an array.
    pub fn text(&mut self, key: &'static str) -> Option<&'a str> {
        let value = match self.get(key)? {
            Value::Array(texts) => texts.first()?,
            value => value,
        };
        let text = value.as_str();
        if text.is_none() && !value.is_null() {
            self.odd_is(key);
        }
        text.filter(|text| !text.trim().is_empty())
    }

    /// A text on one line, without markup; empty if there is none.
    pub fn line(&mut self, key: &'static str) -> Option<String> {
        self.text(key).map(|text| single_line(&plain(text))).filter(|text| !text.is_empty())
    }

    /// A text of several lines, without markup.
    pub fn prose(&mut self, key: &'static str) -> Option<String> {
        self.text(key).map(|text| without_heading(&normalise(&plain(text)))).filter(|text| !text.is_empty())
    }

    /// The items of an array; none if the field is missing.
    pub fn list(&mut self, key: &'static str) -> &'a [Value] {
        match self.get(key) {
            None => &[],
            Some(Value::Array(items)) => items,
            Some(_) => {
                self.odd_is(key);
                &[]
            }
        }
    }

    /// The fields of an object in this one.
    pub fn object(&mut self, key: &'static str) -> Option<&'a Map<String, Value>> {
        let value = self.get(key)?;
        if !value.is_object() {
            self.odd_is(key);
        }
        value.as_object()
    }

    /// A day, month or year, as a text or a number.
    pub fn date(&mut self, key: &'static str) -> Option<jiff::civil::Date> {
        let date = match self.get(key)? {
            Value::String(text) if text.trim().is_empty() => return None,
            Value::String(text) => date::stamp(text),
            Value::Number(year) => date::field(&year.to_string()),
            _ => None,
        };
        if date.is_none() {
            self.odd_is(key);
        }
        date
    }

    /// Takes the id that a field gives, as a bare id or a URL.
    pub fn take_id(&mut self, key: &'static str, record: &mut Record) {
        if let Some(text) = self.text(key) {
            match registered(text) {
                Some(id) => push_new(&mut record.ids, id),
                None => self.odd_is(key),
            }
        }
    }
}

/// An id of the world.
pub(super) fn registered(text: &str) -> Option<PaperId> {
    PaperId::parse(text).filter(PaperId::is_registered)
}

/// The text of a field in an object that is at hand.
pub(super) fn text_in<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get(key)?.as_str().filter(|text| !text.trim().is_empty())
}

/// Pushes the words of `text` as one tag.
pub(super) fn push_tag(record: &mut Record, text: &str) {
    let tag = single_line(&plain(text));
    if !tag.is_empty() && record.tags.len() < MOST_TAGS {
        push_new(&mut record.tags, tag);
    }
}

/// The title, or what is wrong.
pub(super) fn titled(title: Option<String>) -> Result<String, String> {
    title.ok_or_else(|| "no 'title'; every paper needs one, as a text".to_owned())
}

/// A name in natural order from its parts. Names in Han, Kana or Hangul are written in one, the family first.
pub(in crate::corpus) fn natural(given: &str, family: &str, suffix: &str) -> String {
    let (given, family) = (single_line(given), single_line(family));
    if !given.is_empty() && !family.is_empty() && is_cjk(&given) && is_cjk(&family) {
        return format!("{family}{given}{}", single_line(suffix));
    }
    single_line(&format!("{given} {family} {suffix}"))
}

fn is_cjk(name: &str) -> bool {
    name.chars().filter(|c| !c.is_whitespace()).all(|c| {
        matches!(u32::from(c),
            0x1100..=0x11ff | 0x3005..=0x3007 | 0x3040..=0x30ff | 0x3130..=0x318f | 0x3400..=0x4dbf
            | 0x4e00..=0x9fff | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0x20000..=0x3ffff)
    })
}

/// Publishers put the word above the abstract.
fn without_heading(text: &str) -> String {
    match text.split_once('\n') {
        Some((first, rest)) if first.trim().trim_end_matches([':', '.']).eq_ignore_ascii_case("abstract") => {
            rest.trim_start().to_owned()
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_natural_order() {
        for (given, family, suffix, want) in [
            ("Ada", "Lovelace", "", "Ada Lovelace"),
            ("John", "Smith", "Jr.", "John Smith Jr."),
            ("芳", "王", "", "王芳"),
            ("철수", "김", "", "김철수"),
            ("めぐみ", "鈴木", "", "鈴木めぐみ"),
            ("Fang", "王", "", "Fang 王"),
            ("", "ATLAS Collaboration", "", "ATLAS Collaboration"),
        ] {
            assert_eq!(natural(given, family, suffix), want);
        }
    }

    #[test]
    fn wrong_types_are_named_and_passed_over() {
        let value: Value = serde_json::from_str(
            r#"{"a": 5, "b": {"x": 1}, "c": [], "d": "soon", "e": null, "f": ["first", "second"], "g": 2024}"#,
        )
        .unwrap();
        let mut fields = Fields::new(value.as_object().unwrap());
        assert_eq!((fields.text("a"), fields.text("e"), fields.text("f")), (None, None, Some("first")));
        assert_eq!((fields.list("b").len(), fields.object("c").is_none()), (0, true));
        assert_eq!((fields.date("d"), fields.date("g").unwrap().to_string()), (None, "2024-01-01".into()));
        assert_eq!(fields.odd(), ["a", "b", "c", "d"]);
    }
}
