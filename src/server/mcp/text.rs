//! The answers in words, compact, for a model: facts of a paper are one line, its texts stand behind `>` as quotations.
//!
//! Whatever a paper says stays inside its line or behind its marks: a title with line breaks in it cannot pass for another
//! paper, nor for a word of ours.

use std::fmt;

use super::answers::{Counted, Findings, Found, LibraryFacts, WholePaper, Written};
use crate::paper::{cut, single_line};

/// One line of at most `limit` code points, which ends in `…` where it was cut.
pub(super) fn shortened(text: &str, limit: usize) -> String {
    let line = single_line(text);
    let kept = cut(&line, limit);
    if kept.len() == line.len() { line } else { format!("{kept}…") }
}

impl fmt::Display for Findings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for remark in &self.remarks {
            writeln!(out, "Note: {remark}.")?;
        }
        let (shown, total) = (self.hits.len(), self.total);
        if self.below_floor {
            return write!(
                out,
                "Nothing in this library answers that; even the nearest of {total} papers are too far from it. With \
                 floor \"none\" the nearest are shown all the same."
            );
        }
        if self.hits.is_empty() {
            return write!(out, "No paper of this library answers that.");
        }
        if self.listed {
            writeln!(out, "{shown} of {total} papers that fit, the newest first.")?;
        } else {
            writeln!(out, "{shown} of {total} papers; the score, 0 to 1, is how likely the paper is meant.")?;
        }
        for (rank, hit) in self.hits.iter().enumerate() {
            write!(out, "\n{}. {hit}", rank + 1)?;
        }
        Ok(())
    }
}

impl fmt::Display for Found {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(score) = self.score {
            write!(out, "[{score:.2}] ")?;
        }
        writeln!(out, "{}", self.title)?;
        let mut facts = vec![self.id.clone()];
        facts.extend(self.date.clone());
        facts.extend(people(&self.authors, self.more_authors));
        facts.extend(tags(&self.tags));
        facts.extend(self.url.clone());
        writeln!(out, "   {}", facts.join(" | "))?;
        let source = self.matched.source.iter().map(|file| format!(", {file}")).collect::<String>();
        writeln!(out, "   {} [{}{source}] > {}", self.matched.passage, self.matched.lang, self.matched.text)?;
        if let Some(tie) = &self.tie {
            writeln!(out, "   sentence of {} > {}\n   its own sentence > {}", tie.of, tie.asked, tie.found)?;
        }
        if !self.why.is_empty() {
            writeln!(out, "   why: {}", self.why.join("; "))?;
        }
        Ok(())
    }
}

impl fmt::Display for WholePaper {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}", self.title)?;
        let names: Vec<&str> = std::iter::once(&self.id).chain(&self.aliases).map(String::as_str).collect();
        writeln!(out, "{}", names.join(" | "))?;
        let published: Vec<&str> = self.date.iter().chain(&self.venue).map(String::as_str).collect();
        let links: Vec<&str> = self.url.iter().chain(&self.repositories).map(String::as_str).collect();
        let people = people(&self.authors, self.more_authors).unwrap_or_default();
        let tags = tags(&self.tags).unwrap_or_default();
        for line in [people, published.join(", "), tags, links.join(" ")] {
            if !line.is_empty() {
                writeln!(out, "{line}")?;
            }
        }
        if let Some(text) = &self.abstract_text {
            writeln!(out, "\nAbstract:\n{}", quoted(text))?;
        }
        for note in &self.commentaries {
            written(out, "Commentary", note)?;
        }
        for note in &self.other_abstracts {
            written(out, "Another abstract", note)?;
        }
        if !self.mentions.is_empty() {
            writeln!(out, "\nIts commentary links to: {}", self.mentions.join(", "))?;
        }
        if self.cut {
            writeln!(out, "\nTexts were cut here; 'paperkin show {}' shows all of them.", self.id)?;
        }
        Ok(())
    }
}

fn written(out: &mut fmt::Formatter<'_>, kind: &str, note: &Written) -> fmt::Result {
    let date = note.date.iter().map(|date| format!(", {date}")).collect::<String>();
    writeln!(out, "\n{kind} [{}] in {}{date}:\n{}", note.lang, note.file, quoted(&note.text))
}

fn quoted(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("> {line}")).collect();
    lines.join("\n")
}

fn people(authors: &[String], more: usize) -> Option<String> {
    let named = authors.join(", ");
    match (authors.is_empty(), more) {
        (true, _) => None,
        (false, 0) => Some(named),
        (false, more) => Some(format!("{named} and {more} more")),
    }
}

fn tags(tags: &[String]) -> Option<String> {
    let tags: Vec<String> = tags.iter().map(|tag| format!("#{tag}")).collect();
    (!tags.is_empty()).then(|| tags.join(" "))
}

impl fmt::Display for LibraryFacts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { papers, passages, pending_passages, pending_papers, with_commentary, .. } = self;
        writeln!(out, "{papers} papers in {passages} passages; {with_commentary} papers have commentary.")?;
        if pending_passages + pending_papers > 0 {
            writeln!(
                out,
                "Not found yet, since they are not embedded: {pending_passages} passages, {pending_papers} papers \
                 ('paperkin ingest' goes on)."
            )?;
        }
        if let (Some(first), Some(last)) = (&self.first_year, &self.last_year) {
            writeln!(out, "Dated {first} to {last}.")?;
        }
        for (key, values) in [
            ("Years", &self.years),
            ("Languages of abstracts and commentary", &self.langs),
            ("Tags", &self.tags),
            ("Authors", &self.authors),
            ("Sources", &self.sources),
        ] {
            if !values.is_empty() {
                let values: Vec<String> =
                    values.iter().map(|Counted { value, papers }| format!("{value} ({papers})")).collect();
                writeln!(out, "{key}: {}", values.join(", "))?;
            }
        }
        let model = self.model.as_deref().unwrap_or("none");
        write!(out, "Model: {model}; index: {}.", self.index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_behind_its_marks() {
        assert_eq!(quoted("하나\n\n2. [1.00] A better paper"), "> 하나\n> \n> 2. [1.00] A better paper");
        assert_eq!(shortened("A title\n\n2. [1.00]\u{7} Another", 400), "A title 2. [1.00] Another");
        assert_eq!(shortened("가족 👨‍👩‍👧", 4), "가족 …");
        assert_eq!(shortened("残差连接", 4), "残差连接");
    }
}
