//! Which pairs of a library are doubtful, without comparing each with each: papers are compared where they share a key
//! (blocking), and of a key that very many share, each is compared with its neighbours only (sorted neighbourhood,
//! Hernández and Stolfo 1995). So the work grows with the library and not with its square.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::doubt::{Doubt, doubt_of};
use super::identity::repository_name;
use super::nearness::Title;
use super::{PaperId, Record};

/// Of a key, each paper is compared with at most so many that follow it.
const NEIGHBOURS: usize = 40;
/// MinHash (Broder 1997) of the letters of a title, in bands: titles that share 60 % of their shingles meet in one of
/// the bands with a probability of 0.96, of 70 % of 0.998, unrelated ones in 1 of some 100,000.
const BANDS: usize = 24;
const ROWS: usize = 4;

/// Two papers, by their place in the list, that may be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoubtfulPair {
    /// The earlier one.
    pub left: usize,
    /// The later one.
    pub right: usize,
    /// Why.
    pub doubt: Doubt,
}

/// Keys of which two papers share one if they may be one work: ids, title, its beginning before the subtitle,
/// repositories, and what makes near titles meet.
#[must_use]
pub fn candidate_keys(record: &Record) -> Vec<u64> {
    keys_of(record, &Title::of(&record.title))
}

fn keys_of(record: &Record, title: &Title) -> Vec<u64> {
    let mut keys = Vec::with_capacity(BANDS + 4);
    keys.extend(record.ids.iter().filter(|id| id.is_registered()).map(|id: &PaperId| hash(&("id", id))));
    keys.extend(record.repositories.iter().take(100).map(|url| hash(&("repository", repository_name(url)))));
    keys.push(hash(&("title", title.letters.iter().collect::<String>())));
    keys.push(hash(&("title", &title.head)));
    keys.push(hash(&("title", &title.bare)));
    // Chinese and Hangul say in two letters what takes four in Latin.
    let wide = title.letters.iter().filter(|c| c.len_utf8() > 2).count() * 2 > title.letters.len();
    let shingle = if wide { 2 } else { 4 };
    let shingles: Vec<u64> = title.letters.windows(shingle).map(|letters| hash(&letters)).collect();
    if !shingles.is_empty() {
        for band in 0..BANDS {
            let least = |row: usize| {
                let seed = (band * ROWS + row) as u64;
                shingles.iter().map(|shingle| mixed(shingle ^ mixed(seed + 1))).min()
            };
            let rows: Vec<Option<u64>> = (0..ROWS).map(least).collect();
            keys.push(hash(&("band", band, rows)));
        }
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// All doubtful pairs of `records`, each the united view of one paper; `progress` hears of each key group how many
/// entries of how many are done.
pub fn doubtful_pairs(records: &[Record], mut progress: impl FnMut(usize, usize)) -> Vec<DoubtfulPair> {
    let titles: Vec<Title> = records.iter().map(|record| Title::of(&record.title)).collect();
    let mut entries: Vec<(u64, u32)> = Vec::new();
    for (at, (record, title)) in (0u32..).zip(records.iter().zip(&titles)) {
        entries.extend(keys_of(record, title).into_iter().map(|key| (key, at)));
    }
    entries.sort_unstable();
    let mut found: HashSet<(u32, u32)> = HashSet::new();
    let mut pairs = Vec::new();
    let mut done = 0;
    for group in entries.chunk_by(|one, other| one.0 == other.0) {
        for (place, (_, left)) in group.iter().enumerate() {
            for (_, right) in group.iter().skip(place + 1).take(NEIGHBOURS) {
                let view = |at: u32| records.get(at as usize).zip(titles.get(at as usize));
                let (Some(one), Some(other)) = (view(*left), view(*right)) else { continue };
                if found.contains(&(*left, *right)) {
                    continue;
                }
                if let Some(doubt) = doubt_of(one, other) {
                    found.insert((*left, *right));
                    pairs.push(DoubtfulPair { left: *left as usize, right: *right as usize, doubt });
                }
            }
        }
        done += group.len();
        progress(done, entries.len());
    }
    pairs.sort_by_key(|pair| (strength(&pair.doubt), pair.left, pair.right));
    pairs
}

fn strength(doubt: &Doubt) -> u8 {
    match doubt {
        Doubt::Unmerged(_) => 0,
        Doubt::Title(_) => 1,
        Doubt::NearTitle { same_authors: true } => 2,
        Doubt::NearTitle { same_authors: false } => 3,
        Doubt::Repository(_) => 4,
    }
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// The finaliser of SplitMix64: a cheap family of hash functions.
fn mixed(value: u64) -> u64 {
    let value = value.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: [&str; 40] = [
        "learning",
        "deep",
        "graph",
        "neural",
        "networks",
        "retrieval",
        "attention",
        "language",
        "models",
        "vision",
        "sparse",
        "efficient",
        "training",
        "robust",
        "video",
        "speech",
        "policy",
        "alignment",
        "diffusion",
        "quantum",
        "protein",
        "causal",
        "federated",
        "bayesian",
        "optimal",
        "transport",
        "memory",
        "reasoning",
        "planning",
        "translation",
        "detection",
        "segmentation",
        "clustering",
        "embedding",
        "compression",
        "generation",
        "evaluation",
        "benchmark",
        "survey",
        "theory",
    ];

    /// Titles that look random and share the words that titles share.
    fn library(size: usize) -> Vec<Record> {
        let title = |at: usize| -> String {
            let word = |place: usize| WORDS[(mixed((at * 16 + place) as u64) % 40) as usize];
            (0..7 + at % 4).map(word).collect::<Vec<_>>().join(" ")
        };
        let author = |at: usize| format!("A{} B{}", at % 7, mixed(at as u64) % 500);
        (0..size)
            .map(|at| Record { title: title(at), authors: vec![author(at)], ..Record::default() })
            .collect()
    }

    #[test]
    fn planted_pairs_are_found_in_a_large_library() {
        let mut records = library(20_000);
        let planted = 200;
        for at in 0..planted {
            let mut twin = records[at * 50].clone();
            twin.title = match at % 4 {
                0 => twin.title.replacen("learning", "learners", 1).replacen('e', "", 1),
                1 => format!("On {}", twin.title),
                2 => format!("{}: a longer subtitle than the title was", twin.title),
                _ => format!("{} (extended version)", twin.title),
            };
            records.push(twin);
        }
        let begun = std::time::Instant::now();
        let pairs = doubtful_pairs(&records, |_, _| {});
        let found = (0..planted)
            .filter(|at| pairs.iter().any(|pair| pair.left == at * 50 && pair.right == 20_000 + at))
            .count();
        println!("{} pairs, {found} of {planted} planted, {:?}", pairs.len(), begun.elapsed());
        assert!(found * 100 >= planted * 97, "{found} of {planted}");
        assert!(pairs.len() < 2 * planted, "{} pairs", pairs.len());
    }

    #[test]
    fn a_crowded_key_is_not_quadratic() {
        let editorial = |at: usize| Record {
            title: "On Kin".into(),
            authors: vec![format!("A{at} B{at}")],
            repositories: vec!["https://github.com/a/b".into()],
            ..Record::default()
        };
        let records: Vec<Record> = (0..5_000).map(editorial).collect();
        let mut last = (0, 1);
        let pairs = doubtful_pairs(&records, |done, all| last = (done, all));
        assert!(pairs.len() <= 5_000 * NEIGHBOURS && pairs.len() > 5_000, "{}", pairs.len());
        assert_eq!(last.0, last.1);
    }
}
