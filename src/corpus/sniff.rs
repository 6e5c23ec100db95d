//! Which format a text is in, by how it begins.

use super::lines::Page;
use super::{ErrorKind, RecordError, article, digest};

/// The formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// A dated digest of several papers.
    Digest,
    /// An article about one paper.
    Article,
    /// A Markdown note.
    Note,
    /// One JSON object per line.
    JsonLines,
    /// A JSON array of such objects, or objects over several lines.
    Json,
}

/// What is said of a text that is none of them.
pub(super) const UNKNOWN: &str = "no paper recognised here. A digest begins with a date line (2024년 8월 29일, \
    2024-08-29), then a title line and a line of (authors); an article begins with a line such as 'Title: ...', \
    '论文名: ...' or '논문 링크: https://...'; a note begins with the paper's URL or with '*Title* (authors)'; a JSON \
    lines file begins with an object such as {\"title\": ...}";

/// The format of `page`; [`Format::Note`] where nothing speaks for another one, and the note's reader then asks
/// whether it is about a paper.
pub(super) fn sniff(page: &Page<'_>) -> Result<Format, RecordError> {
    let Some(first) = page.lines.first() else {
        return Err(page.error(ErrorKind::NoPaper, 1, "the file is empty; fill or remove it"));
    };
    Ok(if is_object_line(first.text.as_bytes(), true) {
        Format::JsonLines
    } else if begins_json(page) {
        Format::Json
    } else if first.text == "---" {
        Format::Note
    } else if article::begins(page) {
        Format::Article
    } else if digest::begins(page) {
        Format::Digest
    } else {
        Format::Note
    })
}

/// Whether the first line of a file that begins with `head` is, or tries to be, a whole JSON object.
pub(super) fn begins_json_lines(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let end = head.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
    let line = end.and_then(|end| head.get(..end)).unwrap_or(head).trim_ascii();
    is_object_line(line, end.is_some())
}

/// An object over several lines breaks its first line after the brace or after a comma; a line that is not whole may
/// end anywhere.
fn is_object_line(line: &[u8], whole: bool) -> bool {
    line.strip_prefix(b"{").is_some_and(|inside| {
        let inside = inside.trim_ascii_start();
        (inside.starts_with(b"\"") && !(whole && line.ends_with(b","))) || inside.starts_with(b"}")
    })
}

/// An array, or an object over several lines. `[[note]]`, `[x](url)` and `[12]` begin a text.
fn begins_json(page: &Page<'_>) -> bool {
    let mut begin =
        page.lines.iter().take(2).flat_map(|line| line.text.chars()).filter(|c| !c.is_whitespace());
    matches!((begin.next(), begin.next()), (Some('{'), Some('"')) | (Some('['), Some('{' | ']')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_content() {
        for (text, want) in [
            ("2024년 8월 29일\n제목\n(Ada Lovelace)\n좋습니다.", Format::Digest),
            ("# 2024-08-29\nOn Graphs\n(Ada Lovelace)", Format::Digest),
            ("On Graphs\n(Ada Lovelace, George Boole)\nWe study.", Format::Digest),
            ("某某AI 论文解读\n论文名:On Graphs\n简介", Format::Article),
            ("https://arxiv.org/abs/2106.09685\n\n*LoRA* (Edward Hu)", Format::Note),
            ("*LoRA* (Edward Hu)\n> We", Format::Note),
            ("---\ntitle: x\n---\n", Format::Note),
            ("[[다른 노트]]에서 이어짐", Format::Note),
            ("{\"title\": \"x\"}\n{\"title\": \"y\"}", Format::JsonLines),
            ("{\"title\": broken", Format::JsonLines),
            ("{\n  \"title\": \"x\"\n}", Format::Json),
            ("{\"title\": \"x\",\n \"year\": 2024}", Format::Json),
            ("[\n {\"title\": \"x\"}]", Format::Json),
        ] {
            assert_eq!(sniff(&Page::new("x", text)), Ok(want), "{text}");
        }
        assert!(begins_json_lines(b"{\"title\": \"a head cut off after a comma\","));
        assert!(sniff(&Page::new("x", " \n\u{feff}\n")).unwrap_err().why.contains("empty"));
    }
}
