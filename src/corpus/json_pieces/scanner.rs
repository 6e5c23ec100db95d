//! The one pass over the bytes: where an object begins and ends, and which object is a wrapper after all.

use super::super::LONGEST_LINE;
use super::Piece;

/// The names under which services list papers.
const LISTS: [&[u8]; 5] = [b"data", b"recommendedPapers", b"results", b"items", b"papers"];
/// Crossref puts its list, or the one work, in an object of this name.
const ENVELOPE: &[u8] = b"message";
/// Wrappers in wrappers: Crossref has two.
const DEEPEST_WRAPPER: usize = 4;
/// Longer than every name we look for.
const LONGEST_NAME: usize = 24;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// Amid the fields of a wrapper.
    Wrapper,
    /// In its list, this many brackets deep.
    List(usize),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    Between,
    Stray,
    Object,
    /// A field of a wrapper that lists nothing, this deep.
    Passed(usize),
}

/// What is due on the outer level of an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Due {
    #[default]
    Key,
    Value,
    /// A colon or a comma.
    Joint,
}

/// Byte by byte, in constant memory but for the object that is being read.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    lines: bool,
    /// The line that is being read.
    pub line: usize,
    /// Where in its line the next byte stands, and whether only space stands before it.
    column: usize,
    indented: bool,
    /// Brackets around everything.
    brackets: usize,
    scopes: Vec<Scope>,
    mode: Mode,
    quoted: bool,
    escaped: bool,
    due: Due,
    key: Vec<u8>,
    reading_key: bool,
    /// Of the object, or what stands in its place: text, line, column, and how deep we are in it.
    pub text: Vec<u8>,
    pub begun: usize,
    begun_column: usize,
    depth: usize,
    titled: bool,
    broken: bool,
    long: bool,
    /// A list may begin: the next byte tells.
    list_next: bool,
}

impl Scanner {
    pub fn new(lines: bool) -> Self {
        Self { lines, line: 1, ..Self::default() }
    }

    /// Reads on until a piece is whole; gives how much was read.
    pub fn feed(&mut self, chunk: &[u8]) -> (usize, Option<Piece>) {
        let mut at = 0;
        while let Some(&byte) = chunk.get(at) {
            if self.quoted && !self.escaped && byte != b'\n' {
                let rest = chunk.get(at..).unwrap_or_default();
                let run = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | b'\n'));
                let run = run.unwrap_or(rest.len());
                if run > 0 {
                    self.keep(rest.get(..run).unwrap_or_default());
                    self.column += run;
                    at += run;
                    continue;
                }
            }
            if self.mode == Mode::Object && self.depth > 1 && !self.quoted && !self.list_next {
                // Numbers and indentation deep within: nothing that we look for.
                let rest = chunk.get(at..).unwrap_or_default();
                let run =
                    rest.iter().position(|byte| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']' | b'\n'));
                let run = rest.get(..run.unwrap_or(rest.len())).unwrap_or_default();
                if !run.is_empty() {
                    self.keep(run);
                    self.column += run.len();
                    self.indented &= run.trim_ascii().is_empty();
                    at += run.len();
                    continue;
                }
            }
            let (taken, piece) = self.step(byte);
            if taken {
                at += 1;
                self.column += 1;
                if byte == b'\n' {
                    self.line += 1;
                    self.column = 0;
                }
                self.indented = byte == b'\n' || (self.indented && byte.is_ascii_whitespace());
            }
            if piece.is_some() {
                return (at, piece);
            }
        }
        (at, None)
    }

    /// Whether the byte was taken, and the piece that it ended.
    fn step(&mut self, byte: u8) -> (bool, Option<Piece>) {
        if byte == b'\n' {
            if let Some(piece) = self.line_ends() {
                return (false, Some(piece));
            }
        } else if self.quoted {
            self.keep(&[byte]);
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.unquote(),
                _ => {}
            }
            return (true, None);
        }
        match self.mode {
            Mode::Between if self.scopes.last() == Some(&Scope::Wrapper) => self.wrapper(byte),
            Mode::Between => self.between(byte),
            Mode::Stray => return self.stray(byte),
            Mode::Object => return self.object(byte),
            Mode::Passed(depth) => match byte {
                b'"' => self.quoted = true,
                b'{' | b'[' => self.mode = Mode::Passed(depth + 1),
                b'}' | b']' if depth > 1 => self.mode = Mode::Passed(depth - 1),
                b'}' | b']' => self.mode = Mode::Between,
                _ => {}
            },
        }
        (true, None)
    }

    /// No text of JSON goes over a line: one that does lacks its quote.
    fn line_ends(&mut self) -> Option<Piece> {
        self.broken |= self.quoted;
        (self.quoted, self.escaped, self.reading_key) = (false, false, false);
        if !self.lines {
            return None;
        }
        let piece = match self.mode {
            Mode::Object => Some(if self.long { Piece::TooLong } else { Piece::Unclosed }),
            Mode::Stray => Some(self.stray_ends()),
            _ if self.scopes.is_empty() => None,
            _ => {
                self.begun = self.line;
                Some(Piece::CutOff)
            }
        };
        (self.mode, self.brackets) = (Mode::Between, 0);
        self.scopes.clear();
        piece
    }

    fn unquote(&mut self) {
        self.quoted = false;
        if self.reading_key {
            self.reading_key = false;
            self.due = Due::Joint;
            self.titled |= self.mode == Mode::Object && self.key == b"title";
        }
    }

    /// Keeps what is of the object, or of a field's name.
    fn keep(&mut self, bytes: &[u8]) {
        if self.reading_key && self.quoted {
            let room = LONGEST_NAME.saturating_sub(self.key.len());
            let name = bytes.strip_suffix(b"\"").unwrap_or(bytes);
            self.key.extend_from_slice(name.get(..room).unwrap_or(name));
        }
        match self.mode {
            Mode::Object if self.text.len() + bytes.len() > LONGEST_LINE => {
                self.long = true;
                self.text.clear();
            }
            Mode::Object if !self.long => self.text.extend_from_slice(bytes),
            _ => {}
        }
    }

    fn begin(&mut self) {
        (self.begun, self.begun_column) = (self.line, self.column);
        (self.titled, self.broken, self.long, self.list_next) = (false, false, false, false);
        self.mode = Mode::Object;
        self.due = Due::Key;
        self.depth = 1;
        self.text.clear();
        self.text.push(b'{');
    }

    fn begin_key(&mut self) {
        self.quoted = true;
        if self.due == Due::Key {
            self.reading_key = true;
            self.key.clear();
        }
    }

    /// Where an object may begin.
    fn between(&mut self, byte: u8) {
        match (byte, self.scopes.last_mut()) {
            (b'{', _) => self.begin(),
            (b'[', Some(Scope::List(depth))) => *depth += 1,
            (b']', Some(Scope::List(depth))) if *depth > 1 => *depth -= 1,
            (b']', Some(_)) => {
                self.scopes.pop();
                self.due = Due::Joint;
            }
            (b'[', None) => self.brackets += 1,
            (b']', None) => self.brackets = self.brackets.saturating_sub(1),
            (b',', _) => {}
            (byte, _) if byte.is_ascii_whitespace() => {}
            // The mark at the head of the text.
            (0xef | 0xbb | 0xbf, None) if self.line == 1 && self.column < 3 => {}
            (byte, _) => {
                self.mode = Mode::Stray;
                self.begun = self.line;
                self.text.clear();
                self.text.push(byte);
                self.quoted = byte == b'"';
            }
        }
    }

    /// Amid the fields of a wrapper.
    fn wrapper(&mut self, byte: u8) {
        match byte {
            b'"' => self.begin_key(),
            b':' => self.due = Due::Value,
            b',' => self.due = Due::Key,
            b'[' if self.due == Due::Value && LISTS.contains(&self.key.as_slice()) => {
                self.scopes.push(Scope::List(1));
            }
            b'{' if self.due == Due::Value && self.key == ENVELOPE => self.begin(),
            b'[' | b'{' => {
                self.due = Due::Joint;
                self.mode = Mode::Passed(1);
            }
            b'}' => {
                self.scopes.pop();
                self.due = Due::Joint;
            }
            _ => {}
        }
    }

    /// What is no object goes up to the next comma or object.
    fn stray(&mut self, byte: u8) -> (bool, Option<Piece>) {
        match byte {
            b',' | b']' | b'{' => {
                self.mode = Mode::Between;
                (false, Some(self.stray_ends()))
            }
            b'"' => {
                self.quoted = true;
                (true, None)
            }
            byte => {
                if self.text.len() < LONGEST_NAME && !byte.is_ascii_whitespace() {
                    self.text.push(byte);
                }
                (true, None)
            }
        }
    }

    fn stray_ends(&self) -> Piece {
        if self.text == b"null" { Piece::Null } else { Piece::Stray }
    }

    fn object(&mut self, byte: u8) -> (bool, Option<Piece>) {
        if self.list_next && !byte.is_ascii_whitespace() {
            self.list_next = false;
            if matches!(byte, b'{' | b']' | b'n') {
                self.scopes.extend([Scope::Wrapper, Scope::List(1)]);
                self.mode = Mode::Between;
                return (false, None);
            }
        }
        let outer = self.depth == 1;
        // Only a wrapper at the top is one; a paper in a list may have fields of any name.
        let may_wrap = outer && self.due == Due::Value && self.scopes.len() < DEEPEST_WRAPPER && {
            !self.scopes.iter().any(|scope| matches!(scope, Scope::List(_)))
        };
        match byte {
            b'{' if (outer && self.due == Due::Key && self.text.trim_ascii().len() > 1)
                || (self.broken && self.indented && self.column <= self.begun_column) =>
            {
                self.mode = Mode::Between;
                return (false, Some(if self.long { Piece::TooLong } else { Piece::Unclosed }));
            }
            b'{' if may_wrap && !self.titled && self.key == ENVELOPE => {
                self.scopes.push(Scope::Wrapper);
                self.begin();
                return (true, None);
            }
            b'"' if outer => self.begin_key(),
            b'"' => self.quoted = true,
            b':' if outer => self.due = Due::Value,
            b',' if outer => self.due = Due::Key,
            b'{' => self.depth += 1,
            b'[' => {
                // A JSON Feed has a title, and its items.
                self.list_next = may_wrap
                    && (!self.titled || self.key == b"items")
                    && LISTS.contains(&self.key.as_slice());
                self.depth += 1;
            }
            b'}' | b']' => self.depth -= 1,
            _ => {}
        }
        let quoted = std::mem::replace(&mut self.quoted, false);
        self.keep(&[byte]);
        self.quoted = quoted;
        if self.depth > 0 {
            return (true, None);
        }
        self.mode = Mode::Between;
        self.due = Due::Joint;
        (true, Some(if self.long { Piece::TooLong } else { Piece::Object }))
    }

    /// What the end of the text ends.
    pub fn end(&mut self) -> Option<Piece> {
        let open = self.brackets > 0 || !self.scopes.is_empty();
        self.scopes.clear();
        self.brackets = 0;
        match std::mem::take(&mut self.mode) {
            Mode::Object if self.long => Some(Piece::TooLong),
            Mode::Object => Some(Piece::Unclosed),
            Mode::Stray => Some(self.stray_ends()),
            _ if open => {
                self.begun = self.line;
                Some(Piece::CutOff)
            }
            _ => None,
        }
    }
}
