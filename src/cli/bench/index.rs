//! How fast vectors are linked, opened and searched, and what is found. What `scripts/bench-ann.sh` runs beside other indexes.

use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use clap::Args;
use rayon::prelude::*;
use serde::Serialize;

use super::{median, resident};
use crate::cli::Done;
use crate::index::{Draft, Effort, Kind, Published, VectorIndex};
use crate::paper::UnitVector;

/// Neighbours that are asked for.
const LIMIT: usize = 10;

/// Vectors are read from files of f32, little-endian, row by row, of length one. Linked and searched in two runs, the second has in
/// memory what a server would have.
#[derive(Debug, Args)]
pub(in crate::cli) struct IndexArguments {
    /// Where the index is published, and searched
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
    /// The vectors to be linked and published there; without, what is there is searched
    #[arg(long, value_name = "FILE")]
    vectors: Option<PathBuf>,
    /// The vectors to be asked for; without, none are
    #[arg(long, value_name = "FILE")]
    queries: Option<PathBuf>,
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
    linked: Option<Linked>,
    searched: Option<Searched>,
}

/// With all threads.
#[derive(Serialize)]
struct Linked {
    vectors: usize,
    /// All until it is published: read, rounded, linked, measured, written and synced.
    build_seconds: f64,
    peak_mb: f64,
}

#[derive(Serialize)]
struct Searched {
    vectors: usize,
    queries: usize,
    /// Opened and asked once.
    open_ms: f64,
    /// What is thought to reach the recall that is wanted.
    chosen: Effort,
    curve: Vec<Point>,
    scan_ms: f64,
    /// Of what this machine reads where it does nothing else.
    scan_share_of_bandwidth: f64,
    resident_mb: f64,
}

#[derive(Serialize)]
struct Point {
    width: usize,
    recall: f64,
    /// By one thread.
    queries_per_second: f64,
    p99_ms: f64,
    /// By all.
    together_per_second: f64,
}

impl IndexArguments {
    pub(super) fn run(self) -> anyhow::Result<Done> {
        ensure!(self.vectors.is_some() || self.queries.is_some(), "give --vectors, --queries or both");
        let report = Report {
            engine: "paperkin",
            linked: self.vectors.as_deref().map(|vectors| self.link(vectors)).transpose()?,
            searched: self.queries.as_deref().map(|queries| self.search(queries)).transpose()?,
        };
        if let Some(file) = &self.report {
            fs_err::write(file, serde_json::to_vec_pretty(&report)?)?;
        }
        Ok(Done::Fully)
    }

    fn link(&self, vectors: &Path) -> anyhow::Result<Linked> {
        fs_err::create_dir_all(&self.folder)?;
        let start = Instant::now();
        let mut draft = Draft::begin(&self.folder, self.dimension)?;
        let mut count = 0;
        for row in rows(vectors, self.dimension)? {
            draft.push(count, &row?);
            count += 1;
        }
        draft.publish("bench", b"{}", 0, Some(Kind::Hnsw), None)?;
        let build_seconds = start.elapsed().as_secs_f64();
        let per_second = f64::from(count) / build_seconds;
        let peak_mb = resident("VmHWM:");
        writeln!(
            std::io::stdout(),
            "{count} vectors linked and published in {build_seconds:.1} s, {per_second:.0} a second; {peak_mb:.0} MB"
        )?;
        Ok(Linked { vectors: count as usize, build_seconds, peak_mb })
    }

    fn search(&self, queries: &Path) -> anyhow::Result<Searched> {
        let mut out = std::io::stdout().lock();
        let queries: Vec<UnitVector> = rows(queries, self.dimension)?.collect::<anyhow::Result<_>>()?;
        let Some(first) = queries.first() else { bail!("there are no queries") };
        let start = Instant::now();
        let published =
            Published::open(&self.folder)?.context("nothing was published there: give --vectors")?;
        let found = published.index.search(first, LIMIT, &|_| true);
        let open_ms = start.elapsed().as_secs_f64() * 1e3;
        let graph = published.graph.as_ref().context("what is published there is no graph")?;
        let (chosen, exact) = (graph.effort(), graph.exact());
        let vectors = exact.len();
        writeln!(out, "{vectors} vectors opened and {} found in {open_ms:.0} ms", found.len())?;
        writeln!(out, "chosen: width {}, recall {:.3} among the vectors", chosen.width, chosen.recall)?;

        let scan = each(&queries, 1, |query| numbers(&exact.search(query, LIMIT, &|_| true)));
        writeln!(
            out,
            "{:>8} {:>8} {:>12} {:>8} {:>14}",
            "width", "recall", "one thread/s", "p99 ms", "all threads/s"
        )?;
        let mut curve = Vec::new();
        for width in &self.widths {
            let walk = |query: &UnitVector| numbers(&graph.nearest(query, LIMIT, *width));
            let alone = each(&queries, self.rounds, walk);
            let together = (0..self.rounds.max(1)).map(|_| {
                let start = Instant::now();
                let found: usize = queries.par_iter().map(|query| walk(query).len()).sum();
                std::hint::black_box(found);
                start.elapsed().as_secs_f64()
            });
            let together: Vec<f64> = together.collect();
            let common = |(found, truth): (&Vec<u32>, &Vec<u32>)| {
                found.iter().filter(|number| truth.contains(number)).count()
            };
            let hits: usize = alone.found.iter().zip(&scan.found).map(common).sum();
            let point = Point {
                width: *width,
                recall: hits as f64 / scan.found.iter().map(Vec::len).sum::<usize>() as f64,
                queries_per_second: 1.0 / alone.mean,
                p99_ms: alone.p99 * 1e3,
                together_per_second: queries.len() as f64 / median(&together),
            };
            writeln!(
                out,
                "{width:>8} {:>8.4} {:>12.0} {:>8.2} {:>14.0}",
                point.recall, point.queries_per_second, point.p99_ms, point.together_per_second
            )?;
            curve.push(point);
        }
        let resident_mb = resident("VmRSS:");
        writeln!(out, "resident: {resident_mb:.0} MB")?;
        // Last, as it takes memory of its own.
        let (bytes, scan_ms) = (vectors * self.dimension, scan.median * 1e3);
        let scanned = bytes as f64 / scan.median;
        let scan_share_of_bandwidth = scanned / bandwidth(bytes);
        writeln!(
            out,
            "scan: {scan_ms:.2} ms a query, {:.1} GB/s, {scan_share_of_bandwidth:.2} of the bandwidth",
            scanned / 1e9
        )?;
        let queries = queries.len();
        Ok(Searched {
            vectors,
            queries,
            open_ms,
            chosen,
            curve,
            scan_ms,
            scan_share_of_bandwidth,
            resident_mb,
        })
    }
}

/// What is found for each query, and the seconds that one takes: the mean (of a round's, the median of the rounds), and of all that were asked.
struct Each {
    found: Vec<Vec<u32>>,
    mean: f64,
    median: f64,
    p99: f64,
}

fn each(queries: &[UnitVector], rounds: usize, find: impl Fn(&UnitVector) -> Vec<u32>) -> Each {
    let (mut found, mut means, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds.max(1) {
        found.clear();
        let first = all.len();
        for query in queries {
            let start = Instant::now();
            found.push(find(query));
            all.push(start.elapsed().as_secs_f64());
        }
        means.push(all[first..].iter().sum::<f64>() / queries.len() as f64);
    }
    all.sort_by(f64::total_cmp);
    let p99 = all.get(all.len() * 99 / 100).copied().unwrap_or(f64::NAN);
    Each { found, mean: median(&means), median: median(&all), p99 }
}

fn numbers(found: &[crate::index::Neighbour]) -> Vec<u32> {
    found.iter().map(|neighbour| neighbour.number).collect()
}

/// Bytes a second that all threads read of so many, again and again, adding them up.
fn bandwidth(bytes: usize) -> f64 {
    let words = vec![1_u64; bytes / size_of::<u64>()];
    let rounds: Vec<f64> = (0..20)
        .map(|_| {
            let start = Instant::now();
            let sums =
                words.par_chunks(1 << 16).map(|words| words.iter().fold(0_u64, |sum, word| sum ^ word));
            std::hint::black_box(sums.reduce(|| 0, |one, other| one ^ other));
            start.elapsed().as_secs_f64()
        })
        .collect();
    bytes as f64 / rounds.into_iter().fold(f64::INFINITY, f64::min)
}

/// The rows of a file, one by one.
fn rows(file: &Path, dimension: usize) -> anyhow::Result<impl Iterator<Item = anyhow::Result<UnitVector>>> {
    let opened = fs_err::File::open(file)?;
    let row = dimension * size_of::<f32>();
    let bytes = opened.metadata()?.len() as usize;
    ensure!(row > 0 && bytes.is_multiple_of(row), "{}: no rows of {dimension} f32", file.display());
    let (mut opened, path) = (BufReader::with_capacity(1 << 20, opened), file.to_owned());
    Ok((0..bytes / row).map(move |at| {
        let mut values = vec![0.0_f32; dimension];
        opened.read_exact(bytemuck::cast_slice_mut(&mut values))?;
        UnitVector::new(values).with_context(|| format!("{}, row {at}", path.display()))
    }))
}
