//! Rank metrics, as trec_eval computes them. Pure.

use std::collections::HashMap;

use serde::Serialize;

/// Judgements of one question: document to grade; absent means 0.
pub type Judgements = HashMap<String, u32>;

/// The means over a set's questions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Scores {
    /// Normalised discounted cumulative gain of the first ten (Järvelin and Kekäläinen 2002; gain = grade).
    #[serde(rename = "ndcg@10")]
    pub ndcg_10: f64,
    /// One over the rank of the first relevant paper among the first ten.
    #[serde(rename = "mrr@10")]
    pub mrr_10: f64,
    /// The share of relevant papers among the first ten.
    #[serde(rename = "recall@10")]
    pub recall_10: f64,
    /// The share of relevant papers among the first hundred.
    #[serde(rename = "recall@100")]
    pub recall_100: f64,
}

impl Scores {
    /// The scores of one ranking, best first; `None` if nothing is relevant.
    #[must_use]
    pub fn of(ranking: &[String], judged: &Judgements) -> Option<Self> {
        let grade = |id: &String| judged.get(id).copied().unwrap_or_default();
        let relevant = judged.values().filter(|grade| **grade > 0).count();
        if relevant == 0 {
            return None;
        }
        let discounted = |grades: &mut dyn Iterator<Item = u32>| -> f64 {
            grades.take(10).enumerate().map(|(at, grade)| f64::from(grade) / (at as f64 + 2.0).log2()).sum()
        };
        let mut ideal: Vec<u32> = judged.values().copied().collect();
        ideal.sort_unstable_by(|left, right| right.cmp(left));
        let found = |depth: usize| ranking.iter().take(depth).filter(|id| grade(id) > 0).count() as f64;
        let first = ranking.iter().take(10).position(|id| grade(id) > 0);
        Some(Self {
            ndcg_10: discounted(&mut ranking.iter().map(grade)) / discounted(&mut ideal.into_iter()),
            mrr_10: first.map_or(0.0, |at| 1.0 / (at as f64 + 1.0)),
            recall_10: found(10) / relevant as f64,
            recall_100: found(100) / relevant as f64,
        })
    }

    /// The mean over questions.
    #[must_use]
    pub fn mean(all: &[Self]) -> Self {
        let mean = |of: fn(&Self) -> f64| all.iter().map(of).sum::<f64>() / all.len().max(1) as f64;
        Self {
            ndcg_10: mean(|scores| scores.ndcg_10),
            mrr_10: mean(|scores| scores.mrr_10),
            recall_10: mean(|scores| scores.recall_10),
            recall_100: mean(|scores| scores.recall_100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_computed() {
        let judged: Judgements = [("a".to_owned(), 2), ("b".to_owned(), 1), ("c".to_owned(), 0)].into();
        let ranking = ["c", "a", "x", "b"].map(str::to_owned);
        let scores = Scores::of(&ranking, &judged).unwrap();
        let want = (2.0 / 3f64.log2() + 1.0 / 5f64.log2()) / (2.0 + 1.0 / 3f64.log2());
        assert!((scores.ndcg_10 - want).abs() < 1e-12);
        assert!((scores.mrr_10 - 0.5).abs() < 1e-12);
        assert!((scores.recall_10 - 1.0).abs() < 1e-12);
        assert_eq!(Scores::of(&ranking, &Judgements::new()), None);
        let perfect = ["a", "b"].map(str::to_owned);
        assert!((Scores::of(&perfect, &judged).unwrap().ndcg_10 - 1.0).abs() < 1e-12);
    }
}
