//! Which format a text is in, by how it begins.

use super::lines::Page;
use super::{ErrorKind, RecordError, article, digest, sheet};

/// The formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// A dated digest of several papers.
    Digest,
    /// An article about one paper.
    Article,
    /// A Markdown note.
    Note,
    /// A web page about one paper.
    Html,
    /// One JSON object per line.
    JsonLines,
    /// A JSON array of such objects, or objects over several lines.
    Json,
    /// BibTeX or BibLaTeX.
    Bibtex,
    /// RIS, as reference managers export it.
    Ris,
    /// Atom, as the arXiv API answers it, or RSS.
    Feed,
}

/// What is said of a text that is none of them.
pub(super) const UNKNOWN: &str = "no paper recognised here. A digest begins with a date line (2024년 8월 29일, \
    2024-08-29), then a title line and a line of (authors); an article begins with a line such as 'Title: ...', \
    '论文名: ...' or '논문 링크: https://...'; a note begins with the paper's URL or with '*Title* (authors)'; a JSON \
    lines file begins with an object such as {\"title\": ...}. BibTeX, RIS, Atom and saved web pages are read, too; tables (CSV) \
    are not: export them as one of these";

/// The format of `page`; [`Format::Note`] where nothing speaks for another one, and the note's reader then asks
/// whether it is about a paper.
pub(super) fn sniff(page: &Page<'_>) -> Result<Format, RecordError> {
    let Some(first) = page.lines.first() else {
        return Err(page.error(ErrorKind::NoPaper, 1, "the file is empty; fill or remove it"));
    };
    Ok(if first.text == "---" || sheet::begins(page) {
        Format::Note
    } else if first.text.starts_with('<') && page.lines.iter().take(5).any(|line| is_html(line.text)) {
        Format::Html
    } else if article::begins(page) {
        Format::Article
    } else if digest::begins(page) {
        Format::Digest
    } else {
        Format::Note
    })
}

/// The format of a file that begins with `head`, if it is one of those that are streamed.
pub(super) fn streamed(head: &[u8]) -> Option<Format> {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let end = head.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
    let line = end.and_then(|end| head.get(..end)).unwrap_or(head).trim_ascii();
    if is_object_line(line, end.is_some()) {
        Some(Format::JsonLines)
    } else if begins_json(head) {
        Some(Format::Json)
    } else if is_feed(head) {
        Some(Format::Feed)
    } else if is_ris(line) {
        Some(Format::Ris)
    } else if is_bibtex(head) {
        Some(Format::Bibtex)
    } else {
        None
    }
}

/// An object over several lines breaks its first line after a bracket, a comma or a colon; a line that is not whole
/// may end anywhere.
fn is_object_line(line: &[u8], whole: bool) -> bool {
    line.strip_prefix(b"{").is_some_and(|inside| {
        let inside = inside.trim_ascii_start();
        (inside.starts_with(b"\"") && !(whole && matches!(line.last(), Some(b',' | b'[' | b'{' | b':'))))
            || inside.starts_with(b"}")
    })
}

/// An array, or an object over several lines; services put `null` for a paper that they do not know. `[[note]]`,
/// `[x](url)` and `[12]` begin a text.
fn begins_json(head: &[u8]) -> bool {
    let begin: Vec<u8> = head.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).take(6).collect();
    [b"{\"".as_slice(), b"[{", b"[]", b"[null,", b"[null]"].iter().any(|known| begin.starts_with(known))
}

fn is_feed(head: &[u8]) -> bool {
    let head = head.to_ascii_lowercase();
    let has = |tag: &[u8]| head.windows(tag.len()).any(|window| window == tag);
    head.starts_with(b"<")
        && (has(b"<feed") || has(b"<atom:feed") || has(b"<rss") || has(b"<rdf:rdf") || has(b"<entry"))
}

fn is_ris(line: &[u8]) -> bool {
    line.starts_with(b"TY  -")
}

/// An entry, behind comments or not: `@article{`, `@String(`, `% exported by ...`.
fn is_bibtex(head: &[u8]) -> bool {
    head.split(|byte| matches!(byte, b'\n' | b'\r'))
        .map(<[u8]>::trim_ascii)
        .find(|line| !line.is_empty() && !line.starts_with(b"%"))
        .and_then(|line| line.strip_prefix(b"@"))
        .is_some_and(|line| {
            let end = line.iter().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(line.len());
            let (name, rest) = line.split_at(end);
            !name.is_empty() && matches!(rest.trim_ascii_start().first(), Some(b'{' | b'('))
        })
}

fn is_html(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    ["<!doctype html", "<html", "<head", "<body", "<article"].iter().any(|tag| line.starts_with(tag))
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
            ("<!DOCTYPE html>\n<html>", Format::Html),
        ] {
            assert_eq!(streamed(text.as_bytes()), None, "{text}");
            assert_eq!(sniff(&Page::new("x", text)), Ok(want), "{text}");
        }
        for (text, want) in [
            ("{\"title\": \"x\"}\n{\"title\": \"y\"}", Format::JsonLines),
            ("{\"title\": broken", Format::JsonLines),
            ("{\"title\": \"a head cut off after a comma\",", Format::JsonLines),
            ("{\n  \"title\": \"x\"\n}", Format::Json),
            ("{\"title\": \"x\",\n \"year\": 2024}", Format::Json),
            ("[\n {\"title\": \"x\"}]", Format::Json),
            ("[null, {\"paperId\": \"x\"}]", Format::Json),
            ("{\"total\": 1, \"data\": [\n{\"title\": \"x\"}]}", Format::Json),
            ("{\"total\": 1, \"data\": [{\"title\": \"x\"}]}\n", Format::JsonLines),
            ("\u{feff}% from Zotero\n\n@article{key,\n", Format::Bibtex),
            ("@String (jan = {January})", Format::Bibtex),
            ("TY  - JOUR\nTI  - x", Format::Ris),
            ("<?xml version=\"1.0\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">", Format::Feed),
            ("<rss version=\"2.0\">", Format::Feed),
        ] {
            assert_eq!(streamed(text.as_bytes()), Some(want), "{text}");
        }
        assert!(sniff(&Page::new("x", " \n\u{feff}\n")).unwrap_err().why.contains("empty"));
    }
}
