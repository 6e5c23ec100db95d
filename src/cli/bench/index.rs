//! How fast vectors are linked and searched, and what is found. What `scripts/bench-ann.sh` runs beside other indexes.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, ensure};
use clap::Args;
use rayon::prelude::*;
use serde::Serialize;

use super::{median, resident};
use crate::cli::Done;
use crate::index::{ExactIndex, FlatVectors, HnswIndex, VectorIndex};
use crate::paper::UnitVector;

/// Neighbours that are asked for.
const LIMIT: usize = 10;

/// Files of vectors: f32, little-endian, row by row, of length one.
#[derive(Debug, Args)]
pub(in crate::cli) struct IndexArguments {
    /// The vectors to be indexed
    #[arg(long, value_name = "FILE")]
    vectors: PathBuf,
    /// The vectors that are asked for
    #[arg(long, value_name = "FILE")]
    queries: PathBuf,
    /// Numbers of a vector
    #[arg(long, value_name = "N", default_value_t = 384)]
    dimension: usize,
    /// How many a walk keeps in sight; each is measured
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_value = "20,40,60,80,120,160,240,320")]
    widths: Vec<usize>,
    /// How often all searches are made
    #[arg(long, value_name = "N", default_value_t = 3)]
    rounds: usize,
    /// Writes what was measured as JSON
    #[arg(long = "json-file", value_name = "FILE")]
    report: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report {
    engine: &'static str,
    vectors: usize,
    queries: usize,
    /// With all threads.
    build_seconds: f64,
    /// The width that is thought to reach the recall that is wanted, and the recall that was measured for it among the vectors.
    chosen_width: usize,
    chosen_recall: f64,
    curve: Vec<Point>,
    scan_ms: f64,
    resident_mb: f64,
}

#[derive(Serialize)]
struct Point {
    width: usize,
    recall: f64,
    /// By one thread.
    queries_per_second: f64,
    /// By all.
    together_per_second: f64,
}

impl IndexArguments {
    pub(super) fn run(self) -> anyhow::Result<Done> {
        let mut out = std::io::stdout().lock();
        let mut vectors = FlatVectors::new(self.dimension);
        let rows = read(&self.vectors, self.dimension)?;
        rows.iter().zip(0..).try_for_each(|(row, number)| vectors.push(number, row.as_slice()))?;
        drop(rows);
        let queries = read(&self.queries, self.dimension)?;
        ensure!(!queries.is_empty(), "{} is empty", self.queries.display());
        let vectors = Arc::new(vectors);

        let start = Instant::now();
        let graph = HnswIndex::build(Arc::clone(&vectors));
        let build_seconds = start.elapsed().as_secs_f64();
        let per_second = vectors.len() as f64 / build_seconds;
        let effort = graph.effort();
        writeln!(out, "{} vectors linked in {build_seconds:.1} s, {per_second:.0} a second", vectors.len())?;
        writeln!(out, "chosen: width {}, recall {:.3} among the vectors", effort.width, effort.recall)?;

        let exact = ExactIndex::new(vectors);
        let (truth, scan) = each(&queries, self.rounds, |query| numbers(&exact, query));
        writeln!(out, "scan: {:.2} ms a query", scan * 1e3)?;
        writeln!(out, "{:>8} {:>8} {:>12} {:>14}", "width", "recall", "one thread/s", "all threads/s")?;
        let mut curve = Vec::new();
        for width in self.widths {
            let walk = |query: &UnitVector| {
                let found = graph.nearest(query, LIMIT, width);
                found.iter().map(|neighbour| neighbour.number).collect::<Vec<u32>>()
            };
            let (found, seconds) = each(&queries, self.rounds, walk);
            let together = (0..self.rounds.max(1)).map(|_| {
                let start = Instant::now();
                let found: usize = queries.par_iter().map(|query| walk(query).len()).sum();
                std::hint::black_box(found);
                start.elapsed().as_secs_f64()
            });
            let together: Vec<f64> = together.collect();
            let hits: usize = found.iter().zip(&truth).map(|(found, truth)| common(found, truth)).sum();
            let point = Point {
                width,
                recall: hits as f64 / truth.iter().map(Vec::len).sum::<usize>() as f64,
                queries_per_second: 1.0 / seconds,
                together_per_second: queries.len() as f64 / median(&together),
            };
            writeln!(
                out,
                "{width:>8} {:>8.4} {:>12.0} {:>14.0}",
                point.recall, point.queries_per_second, point.together_per_second
            )?;
            curve.push(point);
        }
        if let Some(file) = &self.report {
            let report = Report {
                engine: "paperkin",
                vectors: exact.len(),
                queries: queries.len(),
                build_seconds,
                chosen_width: effort.width,
                chosen_recall: effort.recall,
                curve,
                scan_ms: scan * 1e3,
                resident_mb: resident("VmRSS:"),
            };
            fs_err::write(file, serde_json::to_vec_pretty(&report)?)?;
        }
        Ok(Done::Fully)
    }
}

/// What is found for each query, and the seconds of one: the median of the rounds.
fn each(
    queries: &[UnitVector],
    rounds: usize,
    find: impl Fn(&UnitVector) -> Vec<u32>,
) -> (Vec<Vec<u32>>, f64) {
    let (mut found, mut seconds) = (Vec::new(), Vec::new());
    for _ in 0..rounds.max(1) {
        let start = Instant::now();
        found = queries.iter().map(&find).collect();
        seconds.push(start.elapsed().as_secs_f64() / queries.len() as f64);
    }
    (found, median(&seconds))
}

fn numbers(index: &dyn VectorIndex, query: &UnitVector) -> Vec<u32> {
    index.search(query, LIMIT, &|_| true).iter().map(|neighbour| neighbour.number).collect()
}

fn common(found: &[u32], truth: &[u32]) -> usize {
    found.iter().filter(|number| truth.contains(number)).count()
}

fn read(file: &Path, dimension: usize) -> anyhow::Result<Vec<UnitVector>> {
    let bytes = fs_err::read(file)?;
    let row = dimension * size_of::<f32>();
    ensure!(row > 0 && bytes.len().is_multiple_of(row), "{}: no rows of {dimension} f32", file.display());
    let vector = |(at, row): (usize, &[u8])| {
        let values = row.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        UnitVector::new(values).with_context(|| format!("{}, row {at}", file.display()))
    };
    bytes.chunks_exact(row).enumerate().map(vector).collect()
}
