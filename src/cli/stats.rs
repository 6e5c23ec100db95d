//! `paperkin stats`

use clap::Args;
use serde::Serialize;

use super::{Done, Session, output};
use crate::index::{Effort, Kind, Published, StoredFile};
use crate::store::{Counts, Store, store_path};

/// What the library holds, and what it takes on disk
///
/// By part, in all and for each passage. Reads no vector and needs no model.
#[derive(Debug, Args)]
pub(super) struct StatsArguments {}

#[derive(Serialize)]
struct Stats {
    #[serde(flatten)]
    counts: Counts,
    fingerprint: String,
    index: Option<Index>,
    parts: Vec<Part>,
}

/// The published index.
#[derive(Serialize)]
struct Index {
    generation: u64,
    kind: Kind,
    vectors: usize,
    effort: Option<Effort>,
}

/// A part of the library on disk.
#[derive(Serialize)]
struct Part {
    part: &'static str,
    bytes: u64,
    bytes_per_passage: f64,
}

impl StatsArguments {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<Done> {
        let library = &session.config.library;
        let snapshot = Store::open(library)?.snapshot()?;
        let (counts, meta) = (snapshot.counts()?, snapshot.meta()?);
        let published = Published::peek(library)?;
        let mut parts: Vec<(&'static str, u64)> =
            vec![("store: text, records, raw vectors", fs_err::metadata(store_path(library))?.len())];
        for StoredFile { name, bytes, .. } in published.iter().flat_map(|(_, manifest)| &manifest.files) {
            let part = part_of(name);
            match parts.iter_mut().find(|(known, _)| *known == part) {
                Some((_, sum)) => *sum += bytes,
                None => parts.push((part, *bytes)),
            }
        }
        let passages = counts.passages.max(1) as f64;
        let part = |(part, bytes): (&'static str, u64)| Part {
            part,
            bytes,
            bytes_per_passage: bytes as f64 / passages,
        };
        let stats = Stats {
            fingerprint: meta.fingerprint,
            counts,
            parts: parts.into_iter().map(part).collect(),
            index: published.map(|(generation, manifest)| Index {
                generation,
                kind: manifest.kind,
                vectors: manifest.count,
                effort: manifest.effort,
            }),
        };
        if session.json {
            output::json(&stats)?;
        } else {
            told(&stats)?;
        }
        Ok(Done::Fully)
    }
}

fn told(stats: &Stats) -> anyhow::Result<()> {
    let Counts { papers, passages, pending, uncut } = &stats.counts;
    output::line(&format!("{papers} papers in {passages} passages, by the model {}", stats.fingerprint))?;
    if pending + uncut > 0 {
        output::line(&format!("{pending} passages and {uncut} papers are not embedded yet"))?;
    }
    match &stats.index {
        None => output::line("no index is published: what is stored is scanned")?,
        Some(index) => {
            let searched = index.effort.map_or("scanned, nothing is missed".to_owned(), |effort| {
                format!("a graph, recall@10 {:.3} at width {}", effort.recall, effort.width)
            });
            output::line(&format!(
                "index: generation {}, {} vectors, {searched}",
                index.generation, index.vectors
            ))?;
        }
    }
    for Part { part, bytes, bytes_per_passage } in &stats.parts {
        let megabytes = *bytes as f64 / 1e6;
        output::line(&format!("{megabytes:>10.1} MB {bytes_per_passage:>8.0} bytes a passage  {part}"))?;
    }
    Ok(())
}

/// What a file of a generation is to a reader.
fn part_of(name: &str) -> &'static str {
    match name {
        "vectors.i8" | "scales.f32" => "index: vectors, a byte a number",
        "vectors.f32" => "index: vectors, whole",
        "graph.u32" => "index: links between vectors",
        _ if name.starts_with("sentences") => "index: vectors of sentences",
        _ if name.contains('/') => "index: words",
        _ => "index: the rest",
    }
}
