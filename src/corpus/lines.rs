//! A text as its lines that say something: numbered, trimmed, blank ones left out.

use std::path::Path;

use super::files::PACKED;
use super::{ErrorKind, Notice, RecordError};
use crate::paper::single_line;

/// One line with its number in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// From 1.
    pub number: usize,
    /// Trimmed, never empty.
    pub text: &'a str,
}

/// A text under the name of its file.
#[derive(Debug)]
pub(super) struct Page<'a> {
    /// The file, as the person named it.
    pub name: &'a str,
    /// Its lines.
    pub lines: Vec<Line<'a>>,
}

impl<'a> Page<'a> {
    pub fn new(name: &'a str, text: &'a str) -> Self {
        let lines = text
            .lines()
            .enumerate()
            .map(|(at, line)| Line { number: at + 1, text: line.trim_matches(is_padding) })
            .filter(|line| !line.text.is_empty())
            .collect();
        Self { name, lines }
    }

    /// The file's name without folder and extension: the name by which notes link to it. `x.md.gz` has two.
    pub fn stem(&self) -> String {
        let path = Path::new(self.name);
        let packed =
            path.extension().is_some_and(|last| PACKED.iter().any(|known| last.eq_ignore_ascii_case(known)));
        let path = path.file_stem().map(Path::new).filter(|_| packed).unwrap_or(path);
        path.file_stem().map(|stem| single_line(&stem.to_string_lossy())).unwrap_or_default()
    }

    pub fn error(&self, kind: ErrorKind, line: usize, why: impl Into<String>) -> RecordError {
        RecordError::new(kind, self.name, line, why)
    }

    pub fn notice(&self, line: usize, text: impl Into<String>) -> Notice {
        Notice { file: self.name.to_owned(), line, text: text.into() }
    }
}

/// White space, and the marks that editors leave invisibly at the ends of lines.
pub(super) fn is_padding(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '\u{feff}' | '\u{200b}' | '\u{200e}' | '\u{200f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_count_but_do_not_appear() {
        let page = Page::new("vault/240104 LLaMA Pro.md", "\u{feff}a\n\n \t\u{200b}\n  שלום  ");
        assert_eq!(page.lines, [Line { number: 1, text: "a" }, Line { number: 4, text: "שלום" }]);
        assert_eq!(page.stem(), "240104 LLaMA Pro");
        assert_eq!(Page::new("vault/240104 LLaMA Pro.md.GZ", "").stem(), "240104 LLaMA Pro");
        assert_eq!(Page::new("/x/각 논문.md", "").stem(), "각 논문", "macOS spells file names decomposed");
    }
}
