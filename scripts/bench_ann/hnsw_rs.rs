//! hnsw_rs by itself, as a peer of `scripts/bench-ann.sh`: its own vectors, links and searches. Only the distance is ours, as its own dot
//! product panics where a sum is a little above one.
//!
//! `hnsw-rs VECTORS QUERIES REPORT`

use std::time::Instant;

use hnsw_rs::prelude::{Distance, Hnsw};

const DIMENSION: usize = 384;
const LIMIT: usize = 10;
const WIDTHS: [usize; 8] = [20, 40, 60, 80, 120, 160, 240, 320];

#[derive(Clone)]
struct Clamped;

impl Distance<f32> for Clamped {
    fn eval(&self, left: &[f32], right: &[f32]) -> f32 {
        (1.0 - paperkin::index::product(left, right)).max(0.0)
    }
}

fn read(path: &str) -> anyhow::Result<Vec<Vec<f32>>> {
    let bytes = fs_err::read(path)?;
    let row = |row: &[u8]| row.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    Ok(bytes.chunks_exact(DIMENSION * 4).map(row).collect())
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [vectors, queries, report] = arguments.as_slice() else {
        anyhow::bail!("give VECTORS QUERIES REPORT")
    };
    let (vectors, queries) = (read(vectors)?, read(queries)?);
    let truth: Vec<Vec<usize>> = queries.iter().map(|query| nearest(&vectors, query)).collect();

    let started = Instant::now();
    let index = Hnsw::<f32, Clamped>::new(16, vectors.len(), 16, 200, Clamped);
    let rows: Vec<(&Vec<f32>, usize)> = vectors.iter().zip(0..).collect();
    index.parallel_insert(&rows);
    let build_seconds = started.elapsed().as_secs_f64();

    let mut curve = Vec::new();
    for width in WIDTHS {
        let started = Instant::now();
        let found: Vec<_> = queries.iter().map(|query| index.search(query, LIMIT, width)).collect();
        let alone = started.elapsed().as_secs_f64();
        let started = Instant::now();
        std::hint::black_box(index.parallel_search(&queries, LIMIT, width));
        let together = started.elapsed().as_secs_f64();
        let hits = found
            .iter()
            .zip(&truth)
            .map(|(found, truth)| found.iter().filter(|neighbour| truth.contains(&neighbour.d_id)).count());
        let recall = hits.sum::<usize>() as f64 / (LIMIT * queries.len()) as f64;
        let rate = |seconds: f64| queries.len() as f64 / seconds;
        curve.push(serde_json::json!({
            "width": width, "recall": recall,
            "queries_per_second": rate(alone), "together_per_second": rate(together),
        }));
    }
    drop(vectors);
    let status = fs_err::read_to_string("/proc/self/status")?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes: f64 =
        resident.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(f64::NAN);
    let made = serde_json::json!({
        "engine": "hnsw_rs", "build_seconds": build_seconds, "curve": curve, "resident_mb": kilobytes / 1024.0,
    });
    Ok(fs_err::write(report, serde_json::to_vec(&made)?)?)
}

fn nearest(vectors: &[Vec<f32>], query: &[f32]) -> Vec<usize> {
    let similarities = vectors.iter().map(|vector| paperkin::index::product(vector, query));
    let mut all: Vec<(f32, usize)> = similarities.zip(0..).collect();
    all.select_nth_unstable_by(LIMIT, |one, two| two.0.total_cmp(&one.0));
    all.truncate(LIMIT);
    all.into_iter().map(|(_, row)| row).collect()
}
