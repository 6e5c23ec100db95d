//! A stream of JSON to the objects in it that may be papers, one in memory at a time: objects one after the other, in
//! arrays, or in the list of a wrapper, as services answer (`{"total": 2, "data": [...]}`, `{"message": {"items": ...}}`).
//!
//! This only finds where objects begin and end, in one pass and without a stack for what is nested in them; whether
//! they are sound is for the parser. What is damaged ends where its line ends (JSON lines) or where another object
//! must have begun, so that it costs one error and not the rest of the file.

use std::io::BufRead;

use super::{LONGEST_LINE, Stream};

/// The names under which services list papers.
const LISTS: [&[u8]; 5] = [b"data", b"recommendedPapers", b"results", b"items", b"papers"];
/// Crossref puts its list, or the one work, in an object of this name.
const ENVELOPE: &[u8] = b"message";
/// Wrappers in wrappers: Crossref has two.
const DEEPEST_WRAPPER: usize = 4;
/// Longer than every name we look for.
const LONGEST_NAME: usize = 24;

/// What was found; the text of an object is [`Pieces::text`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// From brace to brace.
    Object,
    /// `null` in place of an object.
    Null,
    /// Something else in place of an object.
    Stray,
    /// An object over [`LONGEST_LINE`].
    TooLong,
    /// An object that ends before its brace is closed.
    Unclosed,
    /// A list that is not closed when the text ends.
    CutOff,
}

/// The objects of a stream.
pub(super) struct Pieces {
    stream: Stream,
    scanner: Scanner,
    bytes: u64,
}

impl Pieces {
    /// `lines`: an object ends with its line at the latest.
    pub fn new(stream: Stream, lines: bool) -> Self {
        Self { stream, scanner: Scanner { lines, line: 1, ..Scanner::default() }, bytes: 0 }
    }

    /// The next piece and its line, from 1.
    pub fn next(&mut self) -> std::io::Result<Option<(Piece, usize)>> {
        loop {
            let chunk = match self.stream.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if chunk.is_empty() {
                return Ok(self.scanner.end().map(|piece| (piece, self.scanner.begun)));
            }
            let (used, piece) = self.scanner.feed(chunk);
            self.stream.consume(used);
            self.bytes += used as u64;
            if let Some(piece) = piece {
                return Ok(Some((piece, self.scanner.begun)));
            }
        }
    }

    /// The text of the piece that came last.
    pub fn text(&self) -> &[u8] {
        &self.scanner.text
    }

    /// The line that is being read.
    pub fn line(&self) -> usize {
        self.scanner.line
    }

    /// How much was consumed.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

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

#[derive(Debug, Default)]
struct Scanner {
    lines: bool,
    line: usize,
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
    text: Vec<u8>,
    begun: usize,
    begun_column: usize,
    depth: usize,
    titled: bool,
    broken: bool,
    long: bool,
    /// A list may begin: the next byte tells.
    list_next: bool,
}

impl Scanner {
    /// Reads on until a piece is whole; gives how much was read.
    fn feed(&mut self, chunk: &[u8]) -> (usize, Option<Piece>) {
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
    fn end(&mut self) -> Option<Piece> {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The pieces of `text`, read `step` bytes at a time.
    fn pieces(text: &str, lines: bool, step: usize) -> Vec<(Piece, usize, String)> {
        let stream = std::io::BufReader::with_capacity(step, std::io::Cursor::new(text.as_bytes().to_vec()));
        let mut pieces = Pieces::new(Box::new(stream), lines);
        let mut found = Vec::new();
        while let Some((piece, line)) = pieces.next().unwrap() {
            let text = if piece == Piece::Object { pieces.text() } else { b"" };
            found.push((piece, line, String::from_utf8_lossy(text).into_owned()));
        }
        assert_eq!(pieces.bytes(), text.len() as u64);
        found
    }

    /// The same, whatever the chunks: a word for each piece.
    fn told(text: &str, lines: bool) -> Vec<String> {
        let whole = pieces(text, lines, 1 << 16);
        for step in [1, 2, 7] {
            assert_eq!(pieces(text, lines, step), whole, "{text}");
        }
        whole
            .into_iter()
            .map(
                |(piece, line, text)| {
                    if text.is_empty() { format!("{line} {piece:?}") } else { format!("{line} {text}") }
                },
            )
            .collect()
    }

    #[test]
    fn wrappers_of_every_service() {
        let one = r#"{"title":"가 } [ \" ]"}"#;
        for (wrapped, line) in [
            (format!("{{\"total\":1,\"offset\":0,\"data\":[{one}]}}"), 1),
            (format!("{{\n \"recommendedPapers\": [\n  {one}\n ]\n}}"), 3),
            (
                format!(
                    "{{\"meta\":{{\"count\":1,\"data\":[{{}}]}},\"results\": [{one}],\"group_by\":[{{\"a\":1}}]}}"
                ),
                1,
            ),
            (
                format!(
                    "{{\"version\":\"https://jsonfeed.org/version/1.1\",\"title\":\"F\",\"items\":[{one}]}}"
                ),
                1,
            ),
            (
                format!(
                    "{{\"status\":\"ok\",\"message\":{{\"facets\":{{}},\"items\":[{one}],\"n\":{{}}}},\"x\":[1]}}"
                ),
                1,
            ),
            (format!("{{\"status\":\"ok\",\"message\":{one}}}"), 1),
            (format!("[{one}]"), 1),
            (format!("[[{{\"papers\":[{one}]}}],\n[]]"), 1),
            (format!("\u{feff}{one}\n"), 1),
        ] {
            assert_eq!(told(&wrapped, false), [format!("{line} {one}")], "{wrapped}");
            if line == 1 && !wrapped.contains('\n') {
                assert_eq!(told(&wrapped, true), [format!("{line} {one}")], "{wrapped}");
            }
        }
        let paper = r#"{"title":"x","results":[{"accuracy":0.9}],"message":{"a":[]}}"#;
        assert_eq!(told(paper, false), [format!("1 {paper}")], "a paper may have such fields");
        assert_eq!(told("{\"results\":[]}", true), [""; 0]);
    }

    #[test]
    fn damage_costs_one_object() {
        for (text, want) in [
            ("[{\"title\":\"a\n},\n{\"b\":1}]", vec!["1 Object", "3 {\"b\":1}"]),
            ("[\n{\"title\":\"a},\n{\"b\":1},\n{\"c\":1}]", vec!["2 Unclosed", "3 {\"b\":1}", "4 {\"c\":1}"]),
            ("[{\"title\":\"a\",\n {\"b\":1}]", vec!["1 Unclosed", "2 {\"b\":1}"]),
            ("[null,5,\"x, {\",\n{\"b\":1}", vec!["1 Null", "1 Stray", "1 Stray", "2 {\"b\":1}", "2 CutOff"]),
            ("{\"data\":[{\"b\":1},", vec!["1 {\"b\":1}", "1 CutOff"]),
            ("{\"data\":[{\"b\":1}, {\"c\"", vec!["1 {\"b\":1}", "1 Unclosed"]),
        ] {
            let told: Vec<String> = told(text, false)
                .into_iter()
                .map(|told| {
                    if told.contains("title") {
                        told.split(' ').next().unwrap().to_owned() + " Object"
                    } else {
                        told
                    }
                })
                .collect();
            assert_eq!(told, want, "{text}");
        }
        let lines = "{\"a\":\"x\n{\"b\":1}\nplain {\"c\":2} \n{\"data\":[{\"d\":1},\n[[[\n{\"e\":1}\n";
        assert_eq!(
            told(lines, true),
            ["1 Unclosed", "2 {\"b\":1}", "3 Stray", "3 {\"c\":2}", "4 {\"d\":1}", "4 CutOff", "6 {\"e\":1}"]
        );
    }

    #[test]
    fn braces_upon_braces_are_one_error() {
        assert_eq!(told(&"{".repeat(500), false), ["1 Unclosed"]);
        assert_eq!(told("{{\"a\":1}}\n{\"b\":1}", true), ["1 {{\"a\":1}}", "2 {\"b\":1}"]);
    }

    #[test]
    fn an_object_over_the_limit_is_read_past() {
        let long = format!("[{{\"a\":[\"{}\"]}},\n{{\"b\":1}}]", "x".repeat(LONGEST_LINE));
        assert_eq!(
            pieces(&long, false, 1 << 16).iter().map(|(piece, line, _)| (*piece, *line)).collect::<Vec<_>>(),
            [(Piece::TooLong, 1), (Piece::Object, 2)]
        );
        let far = format!("{{\"meta\":\"{}\",\"data\":[{{\"b\":1}}]}}", "x".repeat(LONGEST_LINE));
        assert_eq!(pieces(&far, true, 1 << 16).len(), 1, "a wrapper may be as long as it likes");
    }
}
