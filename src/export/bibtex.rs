//! One paper as a BibTeX entry, in UTF-8, with the fields that BibLaTeX and arXiv use.
//!
//! Braces in text are written by name, so that they count the same for every reader; quotation marks, dashes and `~` are written so
//! that LaTeX shows what stands in the paper.

use std::io::{self, Write};

use super::ids;
use crate::paper::{Paper, family_and_given, natural_order};

pub(super) fn write(paper: &Paper, key: &str, out: &mut dyn Write) -> io::Result<()> {
    let (arxiv, doi) = ids(paper);
    let kind = if paper.venue.is_some() { "article" } else { "misc" };
    writeln!(out, "@{kind}{{{key},")?;
    // The second pair keeps the capitals of the title.
    writeln!(out, "  title = {{{{{}}}}},", escaped(&paper.title))?;
    if !paper.authors.is_empty() {
        let authors: Vec<String> = paper.authors.iter().map(|name| person(name)).collect();
        field(out, "author", &authors.join(" and "))?;
    }
    if let Some(date) = paper.date {
        let whole = date.to_string();
        let known = super::known_parts(date);
        field(out, "date", whole.get(..[4, 7, 10][known - 1]).unwrap_or(&whole))?;
        field(out, "year", &date.year().to_string())?;
        if known > 1 {
            field(out, "month", &date.month().to_string())?;
        }
    }
    if let Some(venue) = &paper.venue {
        field(out, "journal", &escaped(venue))?;
    }
    if let Some(id) = arxiv {
        field(out, "eprint", id.as_str())?;
        field(out, "archiveprefix", "arXiv")?;
        // A category is a tag to us; the first is the primary one.
        if let Some(class) = paper.tags.first().filter(|tag| is_category(tag)) {
            field(out, "primaryclass", class)?;
        }
    }
    if let Some(doi) = doi {
        field(out, "doi", &escaped(doi.as_str()))?;
    }
    if let Some(url) = &paper.url {
        field(out, "url", &escaped(url))?;
    }
    if !paper.repositories.is_empty() {
        field(out, "code", &escaped(&paper.repositories.join(" ")))?;
    }
    if !paper.tags.is_empty() {
        let tags: Vec<String> = paper.tags.iter().map(|tag| keyword(tag)).collect();
        field(out, "keywords", &tags.join(", "))?;
    }
    if let Some(text) = &paper.abstract_text {
        field(out, "abstract", &escaped(text))?;
    }
    for (at, note) in paper.commentaries.iter().enumerate() {
        let name = if at == 0 { "annotation".to_owned() } else { format!("annotation{}", at + 1) };
        field(out, &name, &escaped(&note.commentary.text))?;
    }
    out.write_all(b"}\n\n")
}

fn field(out: &mut dyn Write, name: &str, value: &str) -> io::Result<()> {
    writeln!(out, "  {name} = {{{value}}},")
}

/// `cs.CL`, `math.OC`, `hep-th`, as arXiv names its archives.
fn is_category(tag: &str) -> bool {
    let (archive, class) = tag.split_once('.').unwrap_or((tag, "XX"));
    let lower = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    (2..=8).contains(&archive.len())
        && lower(archive)
        && tag.contains(['.', '-'])
        && (2..=11).contains(&class.len())
        && class.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-')
}

/// "Family, Jr., Given" where that is known to come back; else in braces, which keep a name whole.
fn person(name: &str) -> String {
    let apart = name.split(' ').any(|word| word.eq_ignore_ascii_case("and"));
    let parts = family_and_given(name).filter(|_| !apart).map(|(family, given, suffix)| match suffix {
        Some(suffix) => vec![family, suffix, given],
        None => vec![family, given],
    });
    match parts {
        Some(parts)
            if natural_order(&parts.iter().map(String::as_str).collect::<Vec<_>>()).as_deref()
                == Some(name) =>
        {
            parts.iter().map(|part| escaped(part)).collect::<Vec<_>>().join(", ")
        }
        _ => format!("{{{}}}", escaped(name)),
    }
}

fn keyword(tag: &str) -> String {
    if tag.contains([',', ';']) { format!("{{{}}}", escaped(tag)) } else { escaped(tag) }
}

/// `text` as LaTeX that shows it. A line break is a blank line, as between paragraphs.
fn escaped(text: &str) -> String {
    let mut source = String::with_capacity(text.len() + text.len() / 8);
    let mut last = ' ';
    for c in text.chars() {
        match c {
            '\\' => source.push_str("\\textbackslash{}"),
            '{' => source.push_str("\\textbraceleft{}"),
            '}' => source.push_str("\\textbraceright{}"),
            '~' => source.push_str("\\textasciitilde{}"),
            '^' => source.push_str("\\textasciicircum{}"),
            '$' | '&' | '%' | '#' | '_' => source.extend(['\\', c]),
            '-' | '\'' | '`' if last == c => source.extend(['{', '}', c]),
            '\n' => source.push_str("\n\n"),
            c => source.push(c),
        }
        last = c;
    }
    source
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paper::latex_text;

    #[test]
    fn what_is_escaped_is_shown_as_it_was() {
        for text in [
            "100% of R&D_costs: $5 {a} \\beta ~x ^y #1 -- --- ''q`` \"d\"",
            "한국어 — 中文「」 🦙 שלום e\u{301}",
            "}{ unpaired",
            "one\ntwo",
        ] {
            assert_eq!(latex_text(&escaped(text)), text);
        }
        assert!(
            is_category("cs.CL") && is_category("hep-th") && !is_category("peft") && !is_category("언어.CL")
        );
        assert_eq!(person("Martin Luther King Jr."), "King, Jr., Martin Luther");
        assert_eq!(person("Barnes and Noble"), "{Barnes and Noble}");
        assert_eq!(person("王芳"), "{王芳}");
    }
}
