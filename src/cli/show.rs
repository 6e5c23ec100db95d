//! `paperkin show`

use std::io::Write;

use clap::Args;

use super::{Done, Session, output};
use crate::paper::{PaperId, Source};
use crate::store::{PaperNumber, Store};

/// Everything known about one paper: its names, abstract, commentaries, links, and the sources they come from
#[derive(Debug, Args)]
pub(super) struct ShowArguments {
    /// The paper: arxiv:2408.15881, doi:..., t:..., or a link to arXiv or doi.org
    #[arg(value_name = "ID")]
    id: PaperId,
}

impl ShowArguments {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<Done> {
        let store = Store::open(&session.config.library)?;
        let Some((number, paper)) = store.paper_by_name(&self.id)? else {
            anyhow::bail!("no paper {} in the library at {}", self.id, session.config.library.display());
        };
        if session.json {
            let mut shown = serde_json::to_value(&paper)?;
            shown["sources"] = sources(&store, number)?;
            output::json(&shown)?;
            return Ok(Done::Fully);
        }
        let mut out = std::io::stdout().lock();
        let (bold, dim, plain) = output::styles();
        writeln!(out, "{bold}{}{plain}", paper.title)?;
        if !paper.authors.is_empty() {
            writeln!(out, "{}", paper.authors.join(", "))?;
        }
        let names: Vec<String> = paper.names().map(ToString::to_string).collect();
        writeln!(out, "{dim}{}{plain}", names.join("  "))?;
        let published = paper.date.map(|date| date.to_string()).into_iter().chain(paper.venue.clone());
        let published: Vec<String> = published.collect();
        if !published.is_empty() {
            writeln!(out, "{}", published.join(", "))?;
        }
        for link in paper.url.iter().chain(&paper.repositories) {
            writeln!(out, "{link}")?;
        }
        if !paper.tags.is_empty() {
            writeln!(
                out,
                "{}",
                paper.tags.iter().map(|tag| format!("#{tag}")).collect::<Vec<_>>().join(" ")
            )?;
        }
        if let Some(text) = &paper.abstract_text {
            writeln!(out, "\n{text}")?;
        }
        for note in &paper.commentaries {
            let date = note.date.map(|date| format!(", {date}")).unwrap_or_default();
            writeln!(
                out,
                "\n{dim}{} [{}{date}]{plain}\n{}",
                note.file, note.commentary.language, note.commentary.text
            )?;
        }
        for note in &paper.other_abstracts {
            let kind = format!("abstract in {} [{}]", note.file, note.commentary.language);
            writeln!(out, "\n{dim}{kind}{plain}\n{}", note.commentary.text)?;
        }
        writeln!(out)?;
        let joins = store.snapshot()?.joins(number)?;
        for (at, record) in store.records(number)?.iter().enumerate() {
            let Source { file, line, .. } = &record.source;
            writeln!(out, "{dim}{}. read from {file}:{line}{plain}", at + 1)?;
            if record.title != paper.title {
                writeln!(out, "{dim}   as {}{plain}", record.title)?;
            }
            for join in joins.iter().filter(|join| join.is_of(record)) {
                writeln!(out, "{dim}   joined to {}: {}{plain}", join.with, join.evidence)?;
            }
        }
        if !joins.is_empty() {
            writeln!(out, "{dim}not the same work? 'paperkin split {} N' parts record N{plain}", paper.id)?;
        }
        Ok(Done::Fully)
    }
}

/// Each record of the paper: where it was read, under which title, and why it is held to be about this paper.
fn sources(store: &Store, number: PaperNumber) -> anyhow::Result<serde_json::Value> {
    let joins = store.snapshot()?.joins(number)?;
    let records = store.records(number)?;
    let sources = records.iter().map(|record| {
        let joined = joins.iter().filter(|join| join.is_of(record)).map(|join| {
            serde_json::json!({"with": join.with, "evidence": join.evidence, "why": join.evidence.to_string()})
        });
        serde_json::json!({
            "file": record.source.file,
            "line": record.source.line,
            "title": record.title,
            "joined": joined.collect::<Vec<_>>(),
        })
    });
    Ok(sources.collect())
}
