//! Rank metrics, as trec_eval computes them. Pure.

use std::collections::HashMap;

/// Judgements of one question: document to grade; absent means 0.
pub type Judgements = HashMap<String, f64>;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// Normalised discounted cumulative gain of the first ten (Järvelin and Kekäläinen 2002; gain = grade).
    Ndcg10,
    /// One over the rank of the first relevant paper among the first ten.
    Mrr10,
    /// The share of relevant papers among the first ten.
    Recall10,
    /// The share of relevant papers among the first hundred.
    Recall100,
    /// Whether the first is relevant: of translations, their accuracy.
    Accuracy,
    /// Rank correlation of cosines with people's scores (Spearman 1904).
    Spearman,
}

impl Metric {
    /// Those of a ranking.
    pub const OF_RANKINGS: [Self; 4] = [Self::Ndcg10, Self::Mrr10, Self::Recall10, Self::Recall100];
    /// Those of a search for translations.
    pub const OF_TRANSLATIONS: [Self; 5] =
        [Self::Accuracy, Self::Ndcg10, Self::Mrr10, Self::Recall10, Self::Recall100];

    /// As JSON spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ndcg10 => "ndcg@10",
            Self::Mrr10 => "mrr@10",
            Self::Recall10 => "recall@10",
            Self::Recall100 => "recall@100",
            Self::Accuracy => "accuracy",
            Self::Spearman => "spearman",
        }
    }

    /// As people read it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Ndcg10 => "nDCG@10",
            Self::Mrr10 => "MRR@10",
            Self::Spearman => "Spearman",
            other => other.name(),
        }
    }
}

/// The scores of one question.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scores {
    ndcg_10: f64,
    mrr_10: f64,
    recall_10: f64,
    recall_100: f64,
    accuracy: f64,
}

impl Scores {
    /// The scores of one ranking, best first; `None` if nothing is relevant.
    #[must_use]
    pub fn of(ranking: &[&str], judged: &Judgements) -> Option<Self> {
        let grade = |id: &&str| judged.get(*id).copied().unwrap_or_default();
        let relevant = judged.values().filter(|grade| **grade > 0.0).count();
        if relevant == 0 {
            return None;
        }
        let discounted = |grades: &mut dyn Iterator<Item = f64>| -> f64 {
            // From 0.0: the sum of nothing is -0.0, and would be printed so.
            let gains = grades.take(10).enumerate().map(|(at, grade)| grade / (at as f64 + 2.0).log2());
            gains.fold(0.0, |sum, gain| sum + gain)
        };
        let mut ideal: Vec<f64> = judged.values().copied().collect();
        ideal.sort_unstable_by(|left, right| right.total_cmp(left));
        let found = |depth: usize| ranking.iter().take(depth).filter(|id| grade(id) > 0.0).count() as f64;
        let first = ranking.iter().take(10).position(|id| grade(id) > 0.0);
        Some(Self {
            ndcg_10: discounted(&mut ranking.iter().map(grade)) / discounted(&mut ideal.into_iter()),
            mrr_10: first.map_or(0.0, |at| 1.0 / (at as f64 + 1.0)),
            recall_10: found(10) / relevant as f64,
            recall_100: found(100) / relevant as f64,
            accuracy: if first == Some(0) { 1.0 } else { 0.0 },
        })
    }

    /// The score by `metric`.
    #[must_use]
    pub fn by(&self, metric: Metric) -> f64 {
        match metric {
            Metric::Ndcg10 => self.ndcg_10,
            Metric::Mrr10 => self.mrr_10,
            Metric::Recall10 => self.recall_10,
            Metric::Recall100 => self.recall_100,
            Metric::Accuracy => self.accuracy,
            // Of a whole set, never of one question.
            Metric::Spearman => f64::NAN,
        }
    }
}

/// Spearman's rank correlation of the pairs; equal values share the mean of their ranks. 0 where one side is constant.
#[must_use]
pub fn spearman(pairs: &[(f64, f64)]) -> f64 {
    let left = ranks(pairs.iter().map(|pair| pair.0));
    let right = ranks(pairs.iter().map(|pair| pair.1));
    let middle = (pairs.len() as f64 - 1.0) / 2.0;
    let (mut together, mut ones, mut others) = (0.0, 0.0, 0.0);
    for (left, right) in left.iter().zip(&right) {
        let (left, right) = (left - middle, right - middle);
        together += left * right;
        ones += left * left;
        others += right * right;
    }
    let spread = f64::sqrt(ones * others);
    if spread > 0.0 { together / spread } else { 0.0 }
}

fn ranks(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut sorted: Vec<(f64, usize)> = values.enumerate().map(|(at, value)| (value, at)).collect();
    sorted.sort_unstable_by(|left, right| left.0.total_cmp(&right.0));
    let mut ranks = vec![0.0; sorted.len()];
    let mut from = 0;
    for equal in sorted.chunk_by(|left, right| left.0 == right.0) {
        let shared = from as f64 + (equal.len() as f64 - 1.0) / 2.0;
        for (_, at) in equal {
            ranks[*at] = shared;
        }
        from += equal.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_computed() {
        let judged: Judgements = [("a".to_owned(), 2.0), ("b".to_owned(), 1.0), ("c".to_owned(), 0.0)].into();
        let scores = Scores::of(&["c", "a", "x", "b"], &judged).unwrap();
        let want = (2.0 / 3f64.log2() + 1.0 / 5f64.log2()) / (2.0 + 1.0 / 3f64.log2());
        assert!((scores.by(Metric::Ndcg10) - want).abs() < 1e-12);
        assert!((scores.by(Metric::Mrr10) - 0.5).abs() < 1e-12);
        assert!((scores.by(Metric::Recall10) - 1.0).abs() < 1e-12);
        assert_eq!(scores.by(Metric::Accuracy), 0.0);
        assert_eq!(Scores::of(&["a"], &Judgements::new()), None);
        let nothing = Scores::of(&[], &judged).unwrap().by(Metric::Ndcg10);
        assert!(nothing == 0.0 && nothing.is_sign_positive(), "printed as 0, not as -0");
        let perfect = Scores::of(&["a", "b"], &judged).unwrap();
        assert!((perfect.by(Metric::Ndcg10) - 1.0).abs() < 1e-12);
        assert_eq!(perfect.by(Metric::Accuracy), 1.0);
    }

    #[test]
    fn rank_correlation_by_hand() {
        assert!((spearman(&[(1.0, 10.0), (2.0, 20.0), (3.0, 90.0)]) - 1.0).abs() < 1e-12);
        assert!((spearman(&[(1.0, 3.0), (2.0, 2.0), (3.0, 1.0)]) + 1.0).abs() < 1e-12);
        // Ranks 0, 1.5, 1.5, 3 against 0, 1, 2, 3.
        let tied = spearman(&[(1.0, 1.0), (5.0, 2.0), (5.0, 3.0), (9.0, 4.0)]);
        assert!((tied - 4.5 / (4.5f64 * 5.0).sqrt()).abs() < 1e-12, "{tied}");
        assert_eq!(spearman(&[(1.0, 1.0), (1.0, 2.0)]), 0.0);
    }
}
