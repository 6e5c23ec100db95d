//! `paperkin duplicates`

use std::io::Write;

use clap::Args;
use serde::Serialize;

use super::progress::{Progress, Unit};
use super::{Done, Session, output};
use crate::paper::{Doubt, PaperId, Record, doubtful_pairs};
use crate::store::Store;

/// Pairs of papers that may be one, and why they are kept apart
///
/// What is surely one paper is merged when it is read in; here is what a person must look at, the likeliest first.
#[derive(Debug, Args)]
pub(super) struct DuplicatesArguments {
    /// How many pairs
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

/// A paper of a pair.
#[derive(Serialize)]
struct Side<'a> {
    id: &'a PaperId,
    title: &'a str,
}

/// A pair, for programs.
#[derive(Serialize)]
struct Pair<'a> {
    papers: [Side<'a>; 2],
    doubt: &'a Doubt,
    why: String,
}

const REMEDY: &str = "Look at both with 'paperkin show ID'. If they are one, give both the same id (arXiv or DOI) where you wrote \
    them down, and read that in again. If they are two, nothing is to be done. Papers that were merged and should not be are parted \
    with 'paperkin split'.";

impl DuplicatesArguments {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<Done> {
        let snapshot = Store::open(&session.config.library)?.snapshot()?;
        let (mut ids, mut records): (Vec<PaperId>, Vec<Record>) = (Vec::new(), Vec::new());
        snapshot.visit_papers(|_, paper| {
            records.push(paper.identity());
            ids.push(paper.id);
        })?;
        let mut bar: Option<Progress> = None;
        let pairs = doubtful_pairs(&records, |done, all| {
            let bar = bar.get_or_insert_with(|| {
                Progress::start("comparing", Unit::Titles, all as u64, session.is_interactive())
            });
            bar.advance((done as u64).saturating_sub(bar.position()));
        });
        drop(bar);

        let side = |at: usize| -> Option<Side<'_>> {
            Some(Side { id: ids.get(at)?, title: &records.get(at)?.title })
        };
        let found = pairs.len();
        let shown: Vec<Pair<'_>> = pairs
            .iter()
            .take(self.limit as usize)
            .filter_map(|pair| {
                let papers = [side(pair.left)?, side(pair.right)?];
                Some(Pair { papers, doubt: &pair.doubt, why: pair.doubt.to_string() })
            })
            .collect();
        if session.json {
            output::json(&serde_json::json!({"total": found, "pairs": shown}))?;
            return Ok(Done::Fully);
        }
        if shown.is_empty() {
            output::line(&format!("no doubtful pairs among {} papers", ids.len()))?;
            return Ok(Done::Fully);
        }
        let mut out = std::io::stdout().lock();
        let (bold, dim, plain) = output::styles();
        for pair in &shown {
            for side in &pair.papers {
                writeln!(out, "{bold}{}{plain}  {dim}{}{plain}", side.title, side.id)?;
            }
            writeln!(out, "    {}\n", pair.why)?;
        }
        writeln!(out, "{} of {found} doubtful pairs among {} papers\n{REMEDY}", shown.len(), ids.len())?;
        Ok(Done::Fully)
    }
}
