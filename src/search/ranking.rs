//! A ranking: papers with what puts them where they are, and how two rankings become one.

use std::collections::HashMap;

use crate::store::{PaperNumber, PassageNumber};

/// Of reciprocal rank fusion (Cormack, Clarke and Büttcher 2009).
const RECIPROCAL_RANK_K: f32 = 60.0;

/// A way to rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    /// The cosine of the question's raw vector to the nearest passage.
    Dense,
    /// BM25 of the best passage.
    Lexical,
    /// Reciprocal rank fusion of the two before.
    ReciprocalRank,
    /// What search does.
    Shipped,
}

/// A paper in a ranking.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RankedPaper {
    /// Which.
    pub paper: PaperNumber,
    /// The passage that speaks most for it.
    pub passage: PassageNumber,
    /// What it is ranked by.
    pub score: f32,
    /// What the vectors add to that.
    pub dense: f32,
    /// What BM25 says, 0 to 1: its share of the best there is.
    pub lexical: f32,
    /// What BM25 says of the question's words in English, 0 to 1: its share of the best there is.
    pub glossed: f32,
    /// The share of the question's words, weighed by rarity, that one of its passages holds.
    pub coverage: f32,
    /// The same of the words in English.
    pub coverage_in_english: f32,
}

impl RankedPaper {
    /// Of which nothing but `score` is known.
    pub(super) fn by_one_signal(paper: PaperNumber, passage: PassageNumber, score: f32) -> Self {
        let (lexical, glossed, coverage, coverage_in_english) = (0.0, 0.0, 0.0, 0.0);
        Self { paper, passage, score, dense: score, lexical, glossed, coverage, coverage_in_english }
    }
}

/// Reciprocal rank fusion.
pub(super) fn fused(rankings: [Vec<RankedPaper>; 2], limit: usize) -> Vec<RankedPaper> {
    let mut fused: HashMap<PaperNumber, RankedPaper> = HashMap::new();
    for ranking in rankings {
        for (rank, ranked) in ranking.into_iter().enumerate() {
            let score = 1.0 / (RECIPROCAL_RANK_K + 1.0 + rank as f32);
            let first = || RankedPaper { score: 0.0, ..ranked };
            fused.entry(ranked.paper).or_insert_with(first).score += score;
        }
    }
    best(fused.into_values().collect(), limit)
}

/// The `limit` best, ties by number.
pub(super) fn best(mut ranking: Vec<RankedPaper>, limit: usize) -> Vec<RankedPaper> {
    ranking.sort_by(|left, right| right.score.total_cmp(&left.score).then(left.paper.cmp(&right.paper)));
    ranking.truncate(limit);
    ranking
}
