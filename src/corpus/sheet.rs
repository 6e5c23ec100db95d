//! Notes laid out as reference managers and templates lay them out: `# Title` or front matter, then fields
//! (`**Authors**: ...`, `DOI:: ...`), then sections (`## Abstract`, `> [!abstract]`, `## Notes`).
//!
//! Only the layout is read here; what is left over is commentary, for the note's reader.

use super::date;
use super::front_matter::{FrontMatter, author_list};
use super::headline::marked_title;
use super::labels::{Label, label};
use super::lines::{Line, Page};
use super::links::{only_urls, prose, push_new, repositories_in};
use super::web_page::is_abstract_label;
use crate::paper::{PaperId, Record, identifiers_in, normalise, single_line};

/// Fields stand within so many lines.
const HEAD_LINES: usize = 25;
/// Headings above a person's own words: they say nothing themselves.
const OWN_WORDS: [&str; 10] =
    ["notes", "note", "my notes", "comments", "commentary", "메모", "노트", "笔记", "筆記", "メモ"];

/// Whether a text without front matter is such a note: a heading, fields below it, and its authors or abstract.
pub(super) fn begins(page: &Page<'_>) -> bool {
    page.lines.first().is_some_and(|first| heading(first.text).is_some()) && is_sheet(&page.lines)
}

fn is_sheet(lines: &[Line<'_>]) -> bool {
    let head = lines.get(..HEAD_LINES).unwrap_or(lines);
    let fields = || head.iter().filter_map(|line| field(line.text));
    let names_another =
        fields().any(|(kind, _)| kind == Label::Title) && !head.iter().any(|line| line.text.contains("::"));
    let has_abstract = lines.iter().any(|line| opens_abstract(line.text));
    let has_authors = fields().any(|(kind, value)| kind == Label::Authors && !value.is_empty());
    let has_link = fields().any(|(kind, value)| kind == Label::Link && !value.is_empty());
    !names_another && ((has_abstract && (has_authors || has_link)) || (has_authors && has_link))
}

/// Fills `record` from the layout and gives what is left over; `None` where there is no such layout.
pub(super) fn read<'a>(
    lines: &[Line<'a>],
    front: &FrontMatter,
    record: &mut Record,
) -> Option<Vec<Line<'a>>> {
    let known = front.title.is_some() || !front.ids.is_empty() || !front.authors.is_empty();
    let structured = is_sheet(lines) && lines.first().is_some_and(|first| heading(first.text).is_some());
    let sectioned = known && lines.iter().any(|line| opens_abstract(line.text));
    if !structured && !sectioned {
        return None;
    }
    let mut rest = Vec::new();
    let mut summary: Vec<&str> = Vec::new();
    let mut part = Part::Head;
    for line in lines {
        let quoted = line.text.strip_prefix('>').map(str::trim);
        if part == Part::Callout && quoted.is_none() {
            part = Part::Text;
        }
        if let Some((kind, words)) = callout(line.text) {
            let is_abstract = is_abstract_label(kind);
            part = if is_abstract {
                Part::Callout
            } else if part == Part::Head {
                Part::Head
            } else {
                Part::Text
            };
            if is_abstract && !words.is_empty() && !is_abstract_label(words) {
                summary.push(words);
            }
            continue;
        }
        if let Some(title) = heading(line.text) {
            if is_abstract_label(&title) {
                part = Part::Abstract;
            } else if part == Part::Head && record.title.is_empty() && line.text.starts_with("# ") {
                record.title = title;
            } else if OWN_WORDS.contains(&title.to_lowercase().as_str()) {
                part = Part::Text;
            } else {
                // "Metadata" and the like head fields; any other section is text.
                part = if part == Part::Head && rest.is_empty() { Part::Head } else { Part::Text };
                if part == Part::Text {
                    rest.push(*line);
                }
            }
            continue;
        }
        let words = quoted.unwrap_or(line.text);
        match part {
            Part::Abstract | Part::Callout => summary.push(words),
            Part::Head if take(record, words) => {}
            Part::Head | Part::Text => rest.push(*line),
        }
    }
    let summary = prose(&normalise(&summary.join("\n"))).text;
    if record.abstract_text.is_none() && !summary.is_empty() {
        record.abstract_text = Some(summary);
    }
    Some(rest)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Head,
    /// A section, to the next heading.
    Abstract,
    /// A callout, to the end of its quote.
    Callout,
    Text,
}

/// Takes a field of the head; `false` if the line is none.
fn take(record: &mut Record, line: &str) -> bool {
    let Some((kind, value)) = field(line) else { return false };
    match kind {
        Label::Title if record.title.is_empty() => record.title = single_line(&prose(value).text),
        Label::Authors if record.authors.is_empty() => record.authors = author_list(&prose(value).text),
        Label::Date => record.date = record.date.or_else(|| date::field(&prose(value).text)),
        Label::Tags => {
            for tag in value.split([',', '，', '、', ';', ' ']) {
                let tag = single_line(tag.trim_matches(|c| matches!(c, '#' | '[' | ']' | '"')));
                if !tag.is_empty() {
                    push_new(&mut record.tags, tag);
                }
            }
        }
        Label::Link => {
            let ids = identifiers_in(value).into_iter().chain(PaperId::parse(value.trim_matches(['[', ']'])));
            match ids.into_iter().find(PaperId::is_registered) {
                Some(id) => push_new(&mut record.ids, id),
                None => {
                    let linked = only_urls(value).unwrap_or_default().into_iter().chain(prose(value).targets);
                    let url = linked.into_iter().find(|url| url.contains("://"));
                    record.url = record.url.take().or(url);
                }
            }
        }
        Label::Code => repositories_in(value)
            .into_iter()
            .for_each(|repository| push_new(&mut record.repositories, repository)),
        Label::Abstract if record.abstract_text.is_none() && !value.is_empty() => {
            record.abstract_text = Some(normalise(value));
        }
        // An empty field of the template.
        _ => return value.is_empty(),
    }
    true
}

/// A field, also as Dataview writes it in the middle of text: `[year:: 2024]`.
fn field(line: &str) -> Option<(Label, &str)> {
    let line = line.trim_start_matches("- ").trim();
    let inner = [('[', ']'), ('(', ')')]
        .iter()
        .find_map(|(open, close)| line.strip_prefix(*open)?.strip_suffix(*close))
        .filter(|inner| inner.contains("::"));
    label(inner.unwrap_or(line))
}

fn heading(line: &str) -> Option<String> {
    line.starts_with('#').then(|| marked_title(line)).flatten()
}

/// `> [!abstract]- Words` as kind and words.
fn callout(line: &str) -> Option<(&str, &str)> {
    let (kind, words) = line.strip_prefix('>')?.trim_start().strip_prefix("[!")?.split_once(']')?;
    Some((kind, words.trim_start_matches(['-', '+']).trim()))
}

fn opens_abstract(line: &str) -> bool {
    callout(line).is_some_and(|(kind, _)| is_abstract_label(kind))
        || heading(line).is_some_and(|title| is_abstract_label(&title))
}

#[cfg(test)]
mod tests {
    use super::super::{ErrorKind, Format, read_bytes};
    use super::*;
    use crate::paper::Mention;

    fn one(name: &str, text: &str) -> Record {
        let mut reader = read_bytes(name, text.as_bytes()).unwrap();
        assert_eq!(reader.format(), Format::Note, "{text}");
        let record = reader.next().unwrap().unwrap();
        assert!(reader.next().is_none());
        record
    }

    #[test]
    fn a_heading_fields_and_sections() {
        let record = one(
            "lovelace2024.md",
            "# Sparse Graphs: 희소 그래프\n**Authors**: Ada Lovelace, George Boole\n**Year**: 2024\nDOI: 10.1145/3292500.3330701\n\
             Tags: #graph, #ml/nlp\n## Abstract\nWe study graphs.\nThey are sparse.\n## 메모\n좋은 논문입니다. [[다른 노트]] #읽음\n## Method\nSimple enough.",
        );
        assert_eq!(record.title, "Sparse Graphs: 희소 그래프");
        assert_eq!(record.authors, ["Ada Lovelace", "George Boole"]);
        assert_eq!(record.ids, ["doi:10.1145/3292500.3330701".parse().unwrap()]);
        assert_eq!(record.abstract_text.as_deref(), Some("We study graphs.\nThey are sparse."));
        assert_eq!(record.tags, ["graph", "ml/nlp", "읽음"]);
        assert_eq!(record.date.map(|day| day.to_string()).as_deref(), Some("2024-01-01"));
        assert!(record.commentaries[0].text.starts_with("좋은 논문입니다."), "{:?}", record.commentaries);
        assert_eq!(record.mentions, [Mention::Note("다른 노트".into())]);
        assert_eq!(record.note.as_deref(), Some("lovelace2024"));
    }

    #[test]
    fn an_export_of_zotero_with_callouts() {
        let record = one(
            "@boole2023.md",
            "---\ncitekey: boole2023\naliases: [\"グラフの研究: 概論\"]\nauthors: \"Boole, George; Lovelace, Ada\"\nyear: 2023\n---\n\
             > [!Cite]\n> Boole, G. (2023). グラフの研究.\n\n> [!Abstract]\n> この論文は[グラフ](https://a.org)を扱う。\n> 二行目。\n\n## Notes\nとても良い論文です。",
        );
        assert_eq!(
            (record.title.as_str(), record.authors.join("|").as_str()),
            ("グラフの研究: 概論", "George Boole|Ada Lovelace")
        );
        assert_eq!(record.abstract_text.as_deref(), Some("この論文はグラフを扱う。\n二行目。"));
        assert!(record.commentaries.iter().any(|note| note.text.contains("とても良い論文です。")));
    }

    #[test]
    fn inline_fields_and_a_chinese_abstract() {
        let record = one(
            "图.md",
            "# 稀疏图研究\nAuthors:: [[王小明]], [[李华]]\n[year:: 2024]\narXiv:: https://arxiv.org/abs/2408.15881\nCode:: https://github.com/a/b\n\n### 摘要\n我们研究稀疏图。\n### 笔记\n很好。",
        );
        assert_eq!((record.title.as_str(), record.authors.join("|").as_str()), ("稀疏图研究", "王小明|李华"));
        assert_eq!(record.ids, ["arxiv:2408.15881".parse().unwrap()]);
        assert_eq!(
            (record.abstract_text.as_deref(), record.repositories.len()),
            (Some("我们研究稀疏图。"), 1)
        );
        assert_eq!(record.commentaries[0].text, "很好。");
    }

    #[test]
    fn a_list_of_other_things_is_no_paper() {
        for text in
            ["# Shopping\n- milk: 2\n- Date: 2024-10-01\n#food", "# Todo\n## Notes\nsomething\n## Abstract\n"]
        {
            let error = read_bytes("x.md", text.as_bytes()).unwrap().next().unwrap().unwrap_err();
            assert_eq!(error.kind, ErrorKind::NoPaper, "{text}");
        }
    }
}
