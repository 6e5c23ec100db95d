//! Answers on standard output: a table for people, JSON for programs.

use std::io::{IsTerminal, Write};

use serde::Serialize;
use unicode_segmentation::UnicodeSegmentation;

use crate::paper::single_line;
use crate::search::{Answer, Hit};

/// One JSON value and a line break.
pub(super) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, value)?;
    writeln!(out)?;
    Ok(())
}

/// One line.
pub(super) fn line(text: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout().lock(), "{text}")?)
}

/// An answer as a person reads it.
pub(super) fn answer(answer: &Answer, json_wanted: bool) -> anyhow::Result<()> {
    if json_wanted {
        return json(answer);
    }
    let mut out = std::io::stdout().lock();
    for remark in &answer.remarks {
        writeln!(out, "Note: {remark}.")?;
    }
    if answer.below_floor {
        writeln!(out, "Nothing here answers that. '--floor none' shows the nearest papers all the same.")?;
    } else if answer.hits.is_empty() && answer.remarks.is_empty() {
        writeln!(
            out,
            "No paper scores above the floor, or none has a vector yet ('paperkin ingest' to the end)."
        )?;
    }
    for (rank, hit) in answer.hits.iter().enumerate() {
        let score = (!answer.listed).then_some(hit.score);
        one_hit(&mut out, rank + 1, score, hit)?;
    }
    let chunks = match answer.chunks {
        0 | 1 => String::new(),
        chunks => format!(", question read in {chunks} chunks"),
    };
    writeln!(out, "{} of {} papers in {:.0} ms{chunks}", answer.hits.len(), answer.total, answer.took_ms)?;
    Ok(())
}

fn one_hit(out: &mut impl Write, rank: usize, score: Option<f32>, hit: &Hit) -> std::io::Result<()> {
    let paper = &hit.paper;
    let (bold, dim, plain) = styles();
    let score = score.map_or(String::new(), |score| format!("{:.0} %", score * 100.0));
    writeln!(out, "{rank:>3}. {score:>5}  {bold}{}{plain}", paper.title)?;
    let mut facts: Vec<String> = vec![paper.id.to_string()];
    facts.extend(paper.date.map(|date| date.to_string()));
    facts.extend(authors(&paper.authors));
    if !paper.tags.is_empty() {
        facts.push(paper.tags.iter().map(|tag| format!("#{tag}")).collect::<Vec<_>>().join(" "));
    }
    writeln!(out, "            {dim}{}{plain}", facts.join(" · "))?;
    match &hit.why.tie {
        None => {
            let text = excerpt(&hit.matched.text, 160);
            writeln!(out, "            {} [{}] {text}", hit.matched.passage.name(), hit.matched.lang)?;
        }
        Some(tie) => {
            for sentence in [&tie.found, &tie.asked] {
                let text = excerpt(&sentence.text, 160);
                let whose = if *sentence == tie.asked { "like" } else { sentence.passage.name() };
                writeln!(out, "            {whose} [{}] {text}", sentence.lang)?;
            }
        }
    }
    let mut why: Vec<String> = Vec::new();
    if hit.why.named {
        why.push("named in the question".into());
    }
    why.extend(hit.why.glosses());
    if !hit.why.shared_tags.is_empty() {
        why.push(format!("shared tags: {}", hit.why.shared_tags.join(", ")));
    }
    why.extend(hit.why.mentions.iter().map(|link| format!("{} mentions {}", link.from, link.to)));
    if !why.is_empty() {
        writeln!(out, "            {dim}{}{plain}", why.join("; "))?;
    }
    Ok(())
}

/// The first two authors, and that there are more.
pub(super) fn authors(authors: &[String]) -> Option<String> {
    match authors {
        [] => None,
        [one] => Some(one.clone()),
        [one, two] => Some(format!("{one}, {two}")),
        [one, two, ..] => Some(format!("{one}, {two} et al.")),
    }
}

/// The head of a text in one line, not cut inside a character, as wide as `width` columns where Korean, Chinese and
/// Japanese characters take two.
fn excerpt(text: &str, width: usize) -> String {
    let line = single_line(text);
    let mut columns = 0;
    let kept: String = line
        .graphemes(true)
        .take_while(|grapheme| {
            columns += if grapheme.len() > 2 { 2 } else { 1 };
            columns <= width
        })
        .collect();
    if kept.len() < line.len() { format!("{kept}…") } else { line }
}

/// Bold, dim and plain, where a person looks on and has not asked for no colour (no-color.org).
pub(super) fn styles() -> (&'static str, &'static str, &'static str) {
    if std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        ("\x1b[1m", "\x1b[2m", "\x1b[0m")
    } else {
        ("", "", "")
    }
}
