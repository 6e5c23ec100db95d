//! One paper as a section of a reading list in Markdown (CommonMark 0.31), and as a line that cites it.

use std::io::{self, Write};

use super::ids;
use crate::paper::{Paper, single_line};

/// Authors that a citation names.
const CITED: usize = 6;

pub(super) fn write(paper: &Paper, out: &mut dyn Write) -> io::Result<()> {
    let title = plain(&paper.title);
    match paper.url.as_ref().filter(|url| is_web(url)) {
        Some(url) => writeln!(out, "## [{title}](<{url}>)\n")?,
        None => writeln!(out, "## {title}\n")?,
    }
    writeln!(out, "{}\n", plain(&citation(paper)))?;
    if !paper.tags.is_empty() {
        let tags: Vec<String> = paper.tags.iter().map(|tag| format!("`{}`", tag.replace('`', "'"))).collect();
        writeln!(out, "{}\n", tags.join(" "))?;
    }
    if let Some(text) = &paper.abstract_text {
        for line in text.lines() {
            writeln!(out, "> {}", plain(line))?;
        }
        writeln!(out)?;
    }
    for note in &paper.commentaries {
        let date = note.date.map(|date| format!("{date}, ")).unwrap_or_default();
        writeln!(out, "*{date}{}*\n", plain(&single_line(&note.file)))?;
        // Notes are Markdown as a rule, and stay as they were written.
        writeln!(out, "{}\n", note.commentary.text)?;
    }
    Ok(())
}

fn is_web(url: &str) -> bool {
    let is_safe = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '<' | '>' | '\\');
    (url.starts_with("https://") || url.starts_with("http://")) && url.chars().all(is_safe)
}

/// `text` with every sign that means something in Markdown escaped.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for (at, c) in text.chars().enumerate() {
        let begins = at == 0 && matches!(c, '#' | '+' | '-' | '=' | '~' | '>');
        if begins || matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '&' | '!' | '|' | '$') {
            plain.push('\\');
        }
        plain.push(c);
    }
    plain
}

/// Authors, year, title, venue and the best address, on one line.
#[must_use]
pub fn citation(paper: &Paper) -> String {
    let (arxiv, doi) = ids(paper);
    let mut parts = Vec::new();
    let named = paper.authors.get(..CITED).unwrap_or(&paper.authors).join(", ");
    let more = if paper.authors.len() > CITED { " et al." } else { "" };
    let year = paper.date.map(|date| format!("({})", date.year()));
    let by: Vec<String> =
        (!named.is_empty()).then(|| format!("{named}{more}")).into_iter().chain(year).collect();
    if !by.is_empty() {
        parts.push(by.join(" "));
    }
    parts.push(single_line(&paper.title));
    parts.extend(paper.venue.iter().map(|venue| single_line(venue)));
    parts.extend(arxiv.map(|id| format!("arXiv:{}", id.as_str())));
    let address = doi.map(|doi| format!("https://doi.org/{}", doi.as_str()));
    let ends = |part: &String| part.trim_end_matches('.').to_owned();
    let line: Vec<String> = parts.iter().map(ends).collect();
    let line = format!("{}.", line.join(". "));
    match address.or_else(|| paper.url.clone().filter(|url| is_web(url))) {
        Some(address) => format!("{line} {address}"),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paper::{Record, Source};

    fn paper(title: &str, authors: &[&str]) -> Paper {
        let source = Source { file: "notes/a_b.md".into(), line: 1, ..Source::default() };
        let record = Record {
            source,
            title: title.into(),
            authors: authors.iter().map(|name| (*name).to_owned()).collect(),
            date: Some(jiff::civil::date(2024, 8, 28)),
            ids: vec!["arxiv:2408.15881".parse().unwrap()],
            tags: vec!["moe".into(), "a`b".into()],
            abstract_text: Some("One *line*.\n<b>Two</b> 🦙".into()),
            ..Record::default()
        };
        Paper::merge(&[record], false).unwrap()
    }

    #[test]
    fn a_citation_says_who_when_what_and_where() {
        let cited = citation(&paper("LLaVA-MoD: 작게.", &["Fangxun Shu", "Yue Liao"]));
        assert_eq!(
            cited,
            "Fangxun Shu, Yue Liao (2024). LLaVA-MoD: 작게. arXiv:2408.15881. https://arxiv.org/abs/2408.15881"
        );
        let many = citation(&paper("T", &["A", "B", "C", "D", "E", "F", "G"]));
        assert!(many.starts_with("A, B, C, D, E, F et al. (2024). T."), "{many}");
        assert!(citation(&paper("T", &[])).starts_with("(2024). T."));
    }

    #[test]
    fn what_a_paper_says_is_no_markup() {
        let mut written = Vec::new();
        write(&paper("# <script>[x](javascript:1) `a` *b*", &[]), &mut written).unwrap();
        let text = String::from_utf8(written).unwrap();
        assert!(
            text.starts_with("## [\\# \\<script>\\[x\\](javascript:1) \\`a\\` \\*b\\*](<https://arxiv"),
            "{text}"
        );
        assert!(text.contains("> One \\*line\\*.\n> \\<b>Two\\</b> 🦙\n"), "{text}");
        assert!(text.contains("`moe` `a'b`"), "{text}");
    }
}
