//! LaTeX shown as a person reads it: accents, fonts, formulas as far as Unicode has signs for them.
//!
//! Prose comes first: what is not LaTeX for certain stays as it is written, down to the byte ("$5 and $10", `C:\temp`,
//! `{\"json\": 1}`), and so does every command that is not known. Showing what is shown already changes nothing.
//! One pass from left to right with a stack of open groups of bounded depth: linear time, no recursion.

use std::borrow::Cow;

use unicode_normalization::char::compose;

use super::latex_math::{self, Formula};
use super::latex_symbols as symbols;

/// Groups nested deeper are shown as they are written.
const DEEPEST: usize = 24;

/// `text` with its LaTeX shown as Unicode; borrowed where there is none.
#[must_use]
pub fn unicode_of(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|byte| matches!(byte, b'\\' | b'$')) {
        return Cow::Borrowed(text);
    }
    for escapes in [true, false] {
        if Pass::new(text, Dress::Left, escapes).run() == text {
            break;
        }
        let shown = Pass::new(text, Dress::Shown, escapes).run();
        // An escaped dollar may stand where it would open a formula the next time: then it keeps its backslash.
        if Pass::new(&shown, Dress::Left, true).run() == shown {
            return Cow::Owned(shown);
        }
    }
    Cow::Borrowed(text)
}

/// The text of a source that is LaTeX for certain, as in BibTeX: accents, escapes, fonts and the braces that protect case are
/// resolved, a blank line is a line break. Formulas stay as they are written, for [`unicode_of`] to show.
#[must_use]
pub fn latex_text(source: &str) -> String {
    Pass::new(source, Dress::Source, true).run()
}

/// How far a pass goes with what is LaTeX only among LaTeX: `~`, `--`, quotes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dress {
    /// Left as it is: prose.
    Left,
    /// Shown: prose that has proved to be LaTeX.
    Shown,
    /// All is LaTeX.
    Source,
}

/// What happens where a group closes.
#[derive(Clone, Copy)]
pub(super) enum Close {
    /// Its brace disappears.
    Nothing,
    /// Its brace is kept.
    Brace,
    /// A formula ends.
    EndFormula,
    /// What was written from here on goes to the formula's own rules.
    Formula(Formula, usize),
}

struct Open {
    close: usize,
    width: usize,
    then: Close,
}

/// One pass over a text.
pub(super) struct Pass<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    pub(super) out: String,
    /// For each opening brace, where its closing one is; sorted.
    pairs: Vec<(usize, usize)>,
    open: Vec<Open>,
    formula: bool,
    dress: Dress,
    escapes: bool,
    /// Within a word that is a path of Windows.
    path: bool,
    /// Whether a pair of quotes can close; a `\"` that closes a string of JSON.
    quotes: bool,
    json: bool,
}

impl<'a> Pass<'a> {
    fn new(text: &'a str, dress: Dress, escapes: bool) -> Self {
        let json = dress != Dress::Source
            && text.match_indices("\\\"").any(|(at, found)| {
                !text[at + found.len()..].starts_with(|c: char| c.is_alphabetic() || matches!(c, '{' | '\\'))
            });
        Self {
            text,
            at: 0,
            out: String::with_capacity(text.len()),
            pairs: pairs(text),
            open: Vec::new(),
            formula: false,
            dress,
            escapes,
            path: false,
            quotes: text.contains("''"),
            json,
        }
    }

    fn run(mut self) -> String {
        while let Some(c) = self.next() {
            match self.open.last() {
                Some(open) if open.close == self.at => {
                    let (width, then) = (open.width, open.then);
                    self.open.pop();
                    self.at += width;
                    match then {
                        Close::Nothing => {}
                        Close::Brace => self.out.push('}'),
                        Close::EndFormula => self.formula = false,
                        Close::Formula(what, from) => latex_math::close(&mut self, what, from),
                    }
                }
                _ if self.formula => latex_math::step(&mut self, c),
                _ => self.prose(c),
            }
        }
        self.out
    }

    pub(super) fn next(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn keep(&mut self, c: char) {
        self.out.push(c);
        self.at += c.len_utf8();
    }

    /// Opens the group whose brace stands at `brace`, and goes on behind the brace; `false`, and nothing happens, if there is
    /// no such group.
    pub(super) fn enter(&mut self, brace: usize, then: Close) -> bool {
        let Some(close) = self.closing(brace) else { return false };
        self.open.push(Open { close, width: 1, then });
        self.at = brace + 1;
        true
    }

    /// Where the group at `brace` closes, if it does so within the groups that are open.
    fn closing(&self, brace: usize) -> Option<usize> {
        let pair = self.pairs.binary_search_by_key(&brace, |pair| pair.0).ok()?;
        let close = self.pairs.get(pair)?.1;
        (self.fits(close)).then_some(close)
    }

    fn fits(&self, close: usize) -> bool {
        self.open.len() < DEEPEST && self.open.last().is_none_or(|open| close < open.close)
    }

    /// The command at the cursor, and where it ends.
    pub(super) fn command(&self) -> (&'a str, usize) {
        self.command_at(self.at)
    }

    fn command_at(&self, backslash: usize) -> (&'a str, usize) {
        let rest = self.text.get(backslash + 1..).unwrap_or_default();
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let length = if letters > 0 { letters } else { rest.chars().next().map_or(0, char::len_utf8) };
        (rest.get(..length).unwrap_or_default(), backslash + 1 + length)
    }

    pub(super) fn byte(&self, at: usize) -> u8 {
        self.text.as_bytes().get(at).copied().unwrap_or_default()
    }

    /// A command that is not known stays, with the braces of its argument.
    pub(super) fn keep_command(&mut self, name: &str, end: usize) {
        self.out.push('\\');
        self.out.push_str(name);
        self.at = end;
        if !name.is_empty() && self.byte(end) == b'{' && self.enter(end, Close::Brace) {
            self.out.push('{');
        }
    }

    fn prose(&mut self, c: char) {
        let source = self.dress == Dress::Source;
        match c {
            c if c.is_ascii_whitespace() => {
                self.path = false;
                if source { self.source_space() } else { self.keep(c) }
            }
            _ if self.path => self.keep(c),
            '\\' => self.text_command(),
            '$' => self.dollar(),
            '{' if source || self.group_of_commands() => {
                let brace = self.at;
                if !self.enter(brace, Close::Nothing) {
                    self.keep(c);
                }
            }
            '~' | '-' | '`' | '\'' if self.dress != Dress::Left => self.dressed(c),
            c => self.keep(c),
        }
    }

    /// A paragraph ends with a blank line; any other white space is a space.
    fn source_space(&mut self) {
        let rest = self.rest();
        let space = rest.len() - rest.trim_ascii_start().len();
        let lines = rest.bytes().take(space).filter(|byte| *byte == b'\n').count();
        self.out.push(if lines > 1 { '\n' } else { ' ' });
        self.at += space;
    }

    /// `{\em ..}`, `{\"o}`, `{\ss}`: braces that belong to what stands in them.
    fn group_of_commands(&self) -> bool {
        if self.byte(self.at + 1) != b'\\' {
            return false;
        }
        let (name, end) = self.command_at(self.at + 1);
        let closes = self.closing(self.at);
        let follows = self.byte(end);
        let whole = closes.is_some_and(|close| close.saturating_sub(end) <= 4);
        (symbols::is_switch(name) && matches!(follows, b' ' | b'\\'))
            || (symbols::letter(name).is_some() && closes == Some(end))
            || (symbols::accent(name).is_some() && whole && !self.json)
    }

    fn dollar(&mut self) {
        match latex_math::formula_at(self.text, self.at) {
            Some(formula) if self.dress == Dress::Source => {
                self.out.push_str(self.text.get(self.at..formula.end).unwrap_or_default());
                self.at = formula.end;
            }
            Some(formula) if self.fits(formula.close) => {
                self.open.push(Open {
                    close: formula.close,
                    width: formula.end - formula.close,
                    then: Close::EndFormula,
                });
                self.formula = true;
                self.at = formula.begin;
            }
            _ => self.keep('$'),
        }
    }

    fn text_command(&mut self) {
        let (name, end) = self.command();
        let source = self.dress == Dress::Source;
        let before = self.text.get(..self.at).and_then(|text| text.chars().next_back());
        if !source && (name == "\\" || before == Some(':')) {
            self.path = true;
            return self.keep('\\');
        }
        let brace = if self.byte(end) == b'*' { end + 1 } else { end };
        match name {
            "(" | "[" => self.dollar_or_keep(name, end),
            "%" | "&" | "_" | "$" | "#" if self.escapes => self.say(name, end),
            "{" | "}" | "|" if source => self.say(name, end),
            " " | "," | ";" | "\n" | "\t" if source => self.say(" ", end),
            "\\" | "newline" | "par" if source => self.say("\n", end),
            "-" | "/" | "@" | "!" | ":" if source => self.at = end,
            "url" | "nolinkurl" | "path" => self.verbatim(name, end),
            "href" => match self.closing(end) {
                Some(close) if self.enter(close + 1, Close::Nothing) => {}
                _ => self.keep_command(name, end),
            },
            _ if symbols::is_wrapper(name) && self.enter(brace, Close::Nothing) => {}
            _ if symbols::is_switch(name) && (source || self.in_group()) => {
                self.at = end + usize::from(self.byte(end) == b' ');
            }
            _ => {
                let done =
                    self.accent(name, end) || self.letter(name, end, before) || self.sign(name, end, before);
                if !done {
                    self.keep_command(name, end);
                }
            }
        }
    }

    /// `\(..\)` and `\[..\]`.
    fn dollar_or_keep(&mut self, name: &str, end: usize) {
        if latex_math::formula_at(self.text, self.at).is_some() {
            self.dollar();
        } else {
            self.keep_command(name, end);
        }
    }

    pub(super) fn say(&mut self, text: &str, end: usize) {
        self.out.push_str(text);
        self.at = end;
    }

    fn in_group(&self) -> bool {
        self.open.last().is_some_and(|open| matches!(open.then, Close::Nothing))
            && self.text.get(..self.at).is_some_and(|text| text.ends_with('{'))
    }

    /// An address is shown as it is, but for its escapes.
    fn verbatim(&mut self, name: &str, end: usize) {
        let Some(close) = self.closing(end) else { return self.keep_command(name, end) };
        let mut escaped = false;
        for c in self.text.get(end + 1..close).unwrap_or_default().chars() {
            if escaped && !matches!(c, '%' | '_' | '&' | '#' | '~') {
                self.out.push('\\');
            }
            escaped = !escaped && c == '\\';
            if !escaped {
                self.out.push(c);
            }
        }
        self.at = close + 1;
    }

    /// An accent with its letter: `\'e`, `\'{e}`, `\c c`, `\'\i`.
    fn accent(&mut self, name: &str, end: usize) -> bool {
        let Some(mark) = symbols::accent(name) else { return false };
        let source = self.dress == Dress::Source;
        let grouped = source || self.in_group();
        if name == "\"" && self.json {
            return false;
        }
        let named = name.bytes().all(|byte| byte.is_ascii_alphabetic());
        let mut at = end;
        while grouped && self.byte(at) == b' ' {
            at += 1;
        }
        let braced = self.byte(at) == b'{';
        let inner = at + usize::from(braced);
        let after = self.text.get(inner..).unwrap_or_default();
        let (base, width) = match after.strip_prefix('\\').and_then(|rest| rest.chars().next()) {
            Some('i') if !self.byte(inner + 2).is_ascii_alphabetic() => ('i', 2),
            Some('j') if !self.byte(inner + 2).is_ascii_alphabetic() => ('j', 2),
            Some(_) => return false,
            None => after.chars().next().map_or(('\0', 0), |c| (c, c.len_utf8())),
        };
        let behind = inner + width;
        if braced && base == '}' {
            // A mark without a letter: `\^{}`, `\~{}`.
            let alone = matches!(name, "^" | "~") && source;
            return alone && {
                self.say(name, behind);
                true
            };
        }
        if !base.is_alphabetic() || (named && !braced && at == end) {
            return false;
        }
        let composed = compose(base, mark);
        if !(braced || grouped || (composed.is_some() && self.is_accent_in_prose(name, base, behind))) {
            return false;
        }
        if braced && !source && self.byte(behind) != b'}' {
            return false;
        }
        if braced && !self.enter(at, Close::Nothing) {
            return false;
        }
        self.at = behind + usize::from(width == 2 && base != 'i' && self.byte(behind) == b' ');
        match composed {
            Some(c) => self.out.push(c),
            None => self.out.extend([base, mark]),
        }
        true
    }

    /// Without braces an accent may be an apostrophe that a program escaped ("it\'s"), or the dot of a regular expression.
    fn is_accent_in_prose(&self, name: &str, base: char, behind: usize) -> bool {
        match name {
            "'" if "cnszCNSZ".contains(base) => self.byte(behind).is_ascii_alphabetic(),
            "'" | "\"" | "`" | "^" | "~" => "aeiouyAEIOUYnN".contains(base) && !self.json,
            _ => false,
        }
    }

    /// A letter of its own: `\ss`, `\o`.
    fn letter(&mut self, name: &str, end: usize, before: Option<char>) -> bool {
        let Some(sign) = symbols::letter(name) else { return false };
        let follows = self.byte(end);
        let closed = follows == b'}' && self.in_group()
            || self.rest().get(end - self.at..).is_some_and(|r| r.starts_with("{}"));
        let within = before.is_some_and(char::is_alphabetic)
            && follows == b' '
            && self.byte(end + 1).is_ascii_alphabetic();
        if !(self.dress == Dress::Source || closed || within) {
            return false;
        }
        self.say(sign, end);
        self.skip_end();
        true
    }

    /// A sign that belongs into a formula, or has a name in text.
    fn sign(&mut self, name: &str, end: usize, before: Option<char>) -> bool {
        let Some(sign) = symbols::symbol(name) else { return false };
        let source = self.dress == Dress::Source;
        let part_of_path =
            before.is_some_and(char::is_alphabetic) || matches!(self.byte(end), b'\\' | b'.' | b'/');
        if !source && (name.len() < 3 || part_of_path || !self.escapes) {
            return false;
        }
        self.say(sign, end);
        if source {
            self.skip_end()
        } else {
            self.skip_braces()
        }
        true
    }

    pub(super) fn skip_braces(&mut self) {
        if self.rest().starts_with("{}") {
            self.at += 2;
        }
    }

    /// `{}` or one space end a command's name.
    fn skip_end(&mut self) {
        if self.byte(self.at) == b' ' {
            self.at += 1;
        } else {
            self.skip_braces();
        }
    }

    fn dressed(&mut self, c: char) {
        let source = self.dress == Dress::Source;
        let run = self.rest().bytes().take_while(|byte| *byte == c as u8).count();
        let before = self.text.get(..self.at).and_then(|text| text.chars().next_back()).unwrap_or(' ');
        let after = self.text.get(self.at + run..).and_then(|text| text.chars().next()).unwrap_or(' ');
        let sign = match (c, run) {
            ('~', 1) if source => " ",
            // "about 10" and "10 to 20" are written so by people who write no LaTeX.
            ('~', 1) => {
                let tie = !before.is_whitespace() && !after.is_whitespace() && !matches!(before, '/' | '(');
                if tie && (before.is_alphabetic() || before == '.' || !after.is_ascii_digit()) {
                    " "
                } else {
                    "~"
                }
            }
            ('-', 2 | 3) if !source && before.is_whitespace() && !after.is_whitespace() => "",
            ('-', 2) => "–",
            ('-', 3) => "—",
            ('`', 2) if self.quotes => "“",
            ('\'', 2) if self.quotes => "”",
            _ => "",
        };
        match sign {
            "" => self.out.extend(std::iter::repeat_n(c, run)),
            sign => self.out.push_str(sign),
        }
        self.at += run;
    }
}

/// The pairs of braces, by their opening one; `\{` is no brace.
fn pairs(text: &str) -> Vec<(usize, usize)> {
    let (mut pairs, mut open) = (Vec::new(), Vec::new());
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'{' => open.push(at),
            b'}' => pairs.extend(open.pop().map(|from| (from, at))),
            _ => {}
        }
    }
    pairs.sort_unstable();
    pairs
}

#[cfg(test)]
#[path = "latex_tests.rs"]
mod tests;
