//! A stream of JSON to the objects in it that may be papers, one in memory at a time: objects one after the other, in
//! arrays, or in the list of a wrapper, as services answer (`{"total": 2, "data": [...]}`, `{"message": {"items": ...}}`).
//!
//! This only finds where objects begin and end, in one pass and without a stack for what is nested in them; whether
//! they are sound is for the parser. What is damaged ends where its line ends (JSON lines) or where another object
//! must have begun, so that it costs one error and not the rest of the file.

mod scanner;

use std::io::BufRead;

use super::Stream;

use scanner::Scanner;

/// What was found; the text of an object is [`Pieces::text`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// From brace to brace.
    Object,
    /// `null` in place of an object.
    Null,
    /// Something else in place of an object.
    Stray,
    /// An object over `LONGEST_LINE`.
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
        Self { stream, scanner: Scanner::new(lines), bytes: 0 }
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

#[cfg(test)]
mod tests {
    use super::super::LONGEST_LINE;
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
