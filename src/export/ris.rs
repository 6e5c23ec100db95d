//! One paper as a RIS record.

use std::io::{self, Write};

use super::ids;
use crate::paper::{Paper, family_first};

pub(super) fn write(paper: &Paper, out: &mut dyn Write) -> io::Result<()> {
    let (arxiv, doi) = ids(paper);
    field(out, "TY", if paper.venue.is_some() { "JOUR" } else { "GEN" })?;
    field(out, "TI", &paper.title)?;
    for name in &paper.authors {
        field(out, "AU", &family_first(name))?;
    }
    if let Some(date) = paper.date {
        field(out, "PY", &date.year().to_string())?;
        let whole = format!("{:04}/{:02}/{:02}", date.year(), date.month(), date.day());
        let known = [4, 7, 10][super::known_parts(date) - 1];
        field(
            out,
            "DA",
            &format!("{}{}/", whole.get(..known).unwrap_or(&whole), "/".repeat((10 - known) / 3)),
        )?;
    }
    if let Some(venue) = &paper.venue {
        field(out, "T2", venue)?;
    }
    if let Some(doi) = doi {
        field(out, "DO", doi.as_str())?;
    }
    if let Some(id) = arxiv {
        field(out, "AN", &format!("arXiv:{}", id.as_str()))?;
    }
    if let Some(url) = &paper.url {
        field(out, "UR", url)?;
    }
    for repository in &paper.repositories {
        field(out, "L2", repository)?;
    }
    for tag in &paper.tags {
        field(out, "KW", tag)?;
    }
    if let Some(text) = &paper.abstract_text {
        field(out, "AB", text)?;
    }
    for note in &paper.commentaries {
        field(out, "N1", &note.commentary.text)?;
    }
    out.write_all(b"ER  - \r\n\r\n")
}

/// Further lines are indented: none of them can be mistaken for a tag.
fn field(out: &mut dyn Write, tag: &str, value: &str) -> io::Result<()> {
    write!(out, "{tag}  - {}\r\n", value.replace('\n', "\r\n  "))
}
