//! One entry of BibTeX: its fields, and what a field says. Lenient where people are: a missing comma, a quotation mark
//! within quotation marks, `%` and `&` as they are, a field twice (the first that says something counts).
//!
//! Braces are counted as BibTeX counts them, a backslash before one or not. The `biblatex` crate was measured against this: it
//! refuses a whole entry for one stray `$`, drops commands it does not know and the ends of paragraphs, and recurses
//! over braces without bound. It reads our exports in tests, as a second opinion.

use std::collections::HashMap;

use crate::paper::{latex_text, natural_order, single_line};

/// All macros of a file together hold no more than this.
const MOST_MACRO_BYTES: usize = 1 << 20;

/// What `@string` has defined.
#[derive(Default)]
pub(super) struct Macros {
    texts: HashMap<String, String>,
    bytes: usize,
}

impl Macros {
    /// Reads the inside of `@string{...}`.
    pub fn define(&mut self, body: &str) {
        for (name, text) in fields(body, self) {
            let size = name.len() + text.len();
            if self.bytes + size <= MOST_MACRO_BYTES {
                self.bytes += size;
                self.texts.insert(name, text);
            }
        }
    }
}

/// The key and what follows it.
pub(super) fn key_and_fields(body: &str) -> (&str, &str) {
    let end = body.find([',', '=']).unwrap_or(body.len());
    match body.as_bytes().get(end) {
        Some(b'=') => ("", body),
        _ => (body.get(..end).unwrap_or_default().trim(), body.get(end..).unwrap_or_default()),
    }
}

/// The fields of an entry, names in lower case, values as LaTeX.
pub(super) fn fields(body: &str, macros: &Macros) -> Vec<(String, String)> {
    let mut cursor = Cursor { text: body, at: 0 };
    let mut fields = Vec::new();
    // Macros may be joined over and over: the values of one entry stay within twice the largest entry.
    let mut room = 2 << 20;
    loop {
        cursor.skip_between();
        let Some(name) = cursor.name() else { return fields };
        let mut value = String::new();
        loop {
            cursor.skip_space();
            let piece = cursor.piece();
            let piece = match piece {
                Piece::Text(text) => text,
                Piece::Bare(word) => macros.texts.get(&word.to_lowercase()).map_or(word, String::as_str),
            };
            if piece.len() <= room {
                room -= piece.len();
                value.push_str(piece);
            }
            cursor.skip_space();
            if cursor.byte() != b'#' {
                break;
            }
            cursor.at += 1;
        }
        fields.push((name, value));
    }
}

enum Piece<'a> {
    Text(&'a str),
    Bare(&'a str),
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn byte(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or_default()
    }

    fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    /// Space, commas and comments between fields.
    fn skip_between(&mut self) {
        loop {
            self.at += self.rest().len() - self.rest().trim_start_matches([' ', '\t', '\r', '\n', ',']).len();
            if self.byte() != b'%' {
                return;
            }
            self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        }
    }

    /// The name before the next `=`; `None` at the end. What stands between a value and the next name is passed over.
    fn name(&mut self) -> Option<String> {
        let rest = self.rest();
        let equals = rest.find('=')?;
        let before = rest.get(..equals)?.trim_end();
        let from = before
            .rfind(|c: char| c.is_whitespace() || matches!(c, ',' | '{' | '}' | '"'))
            .map_or(0, |at| at + 1);
        let name = before.get(from..).map(str::trim_start).unwrap_or_default().to_lowercase();
        self.at += equals + 1;
        Some(name)
    }

    fn piece(&mut self) -> Piece<'a> {
        let begin = self.at + 1;
        let end = match self.byte() {
            b'{' => self.closing_brace(),
            b'"' => self.closing_quote(),
            _ => {
                let rest = self.rest();
                let length = rest
                    .find(|c: char| c.is_whitespace() || matches!(c, ',' | '#' | '{' | '}' | '"'))
                    .unwrap_or(rest.len());
                self.at += length;
                return Piece::Bare(rest.get(..length).unwrap_or_default());
            }
        };
        self.at = (end + 1).min(self.text.len());
        Piece::Text(self.text.get(begin..end).unwrap_or_default())
    }

    fn closing_brace(&self) -> usize {
        let mut depth = 0usize;
        for (at, byte) in self.rest().bytes().enumerate() {
            match byte {
                b'{' => depth += 1,
                b'}' => {
                    depth -= 1;
                    if depth == 0 {
                        return self.at + at;
                    }
                }
                _ => {}
            }
        }
        self.text.len()
    }

    /// The quotation mark outside braces behind which a comma, a `#`, a new field or the end stands.
    fn closing_quote(&self) -> usize {
        let mut depth = 0usize;
        for (at, byte) in self.rest().bytes().enumerate().skip(1) {
            match byte {
                b'{' => depth += 1,
                b'}' => depth = depth.saturating_sub(1),
                b'"' if depth == 0 && self.ends_value(self.at + at + 1) => return self.at + at,
                _ => {}
            }
        }
        self.text.len()
    }

    fn ends_value(&self, at: usize) -> bool {
        let rest = self.text.get(at..).unwrap_or_default().trim_start();
        let word = rest
            .bytes()
            .take(40)
            .take_while(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
            .count();
        let behind =
            rest.get(word..).unwrap_or_default().bytes().take(40).find(|byte| !byte.is_ascii_whitespace());
        rest.is_empty() || rest.starts_with([',', '#', '%']) || (word > 0 && behind == Some(b'='))
    }
}

/// Names separated by ` and ` outside braces, each in natural order; braces make an organisation of a name.
pub(super) fn people(value: &str) -> Vec<String> {
    let mut people = Vec::new();
    for name in split_outside(value, |rest, before| {
        let and = rest.get(..3).is_some_and(|word| word.eq_ignore_ascii_case("and"));
        let apart = before.is_none_or(|c| c.is_ascii_whitespace())
            && rest
                .get(3..)
                .is_none_or(|rest| rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_whitespace()));
        if and && apart { 3 } else { 0 }
    }) {
        let whole = single_line(&latex_text(name));
        if whole.is_empty() || name.trim().eq_ignore_ascii_case("others") {
            continue;
        }
        let parts: Vec<String> = split_outside(name, |rest, _| usize::from(rest.starts_with(',')))
            .into_iter()
            .map(|part| single_line(&latex_text(part)))
            .collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        people.push(if parts.len() > 1 { natural_order(&parts).unwrap_or(whole) } else { whole });
    }
    people
}

/// Keywords, separated by commas or semicolons.
pub(super) fn keywords(value: &str) -> Vec<String> {
    split_outside(value, |rest, _| usize::from(rest.starts_with([',', ';'])))
        .into_iter()
        .map(|keyword| single_line(&latex_text(keyword)))
        .collect()
}

/// Splits outside braces where `separator` gives the width of one, from the rest of the text and the character before.
fn split_outside(value: &str, separator: impl Fn(&str, Option<char>) -> usize) -> Vec<&str> {
    let (mut parts, mut begin, mut depth, mut skip, mut before) = (Vec::new(), 0, 0usize, 0, None);
    for (at, c) in value.char_indices() {
        if at < skip {
            continue;
        }
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ if depth == 0 => {
                let width = separator(value.get(at..).unwrap_or_default(), before);
                if width > 0 {
                    parts.push(value.get(begin..at).unwrap_or_default());
                    begin = at + width;
                    skip = begin;
                }
            }
            _ => {}
        }
        before = Some(c);
    }
    parts.push(value.get(begin..).unwrap_or_default());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_as_people_write_them() {
        let mut macros = Macros::default();
        macros.define("acm = \"ACM {Press}\", kips = {한국정보처리학회}");
        let (key, rest) = key_and_fields(
            "김2024:x, title = {A {B} = c}, % comment, with = sign\n author=\"Kim \"Min\" su\"\n year = 2024, journal = acm # { of } # kips, month = aug, EMPTY = {},\n note = unknown,",
        );
        let fields = fields(rest, &macros);
        let told: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(key, "김2024:x");
        assert_eq!(
            told,
            [
                ("title", "A {B} = c"),
                ("author", "Kim \"Min\" su"),
                ("year", "2024"),
                ("journal", "ACM {Press} of 한국정보처리학회"),
                ("month", "aug"),
                ("empty", ""),
                ("note", "unknown")
            ]
        );
    }

    #[test]
    fn people_and_organisations() {
        assert_eq!(
            people(
                "Hu, Edward and {Barnes and Noble, Inc.} AND K{\\\"o}nig, Anna\n and 王, 芳 and Sandy Anderson and King, Jr., Martin Luther and {\\'E}mile Zola and others"
            ),
            [
                "Edward Hu",
                "Barnes and Noble, Inc.",
                "Anna König",
                "王芳",
                "Sandy Anderson",
                "Martin Luther King Jr.",
                "Émile Zola"
            ]
        );
        assert_eq!(keywords("peft, 언어 모델; {a, b}; 大模型"), ["peft", "언어 모델", "a, b", "大模型"]);
    }
}
