//! What BM25 says of each passage, on a scale on which passages compare.
//!
//! BM25 has no scale of its own: each group of passages (a side of papers, in one language) is measured by its best for this question.

use crate::lexical::Hit;

/// Passages at which what the library tells (how rare a word is, what the first answers have in common) counts half of what it
/// counts in a large one: among twenty papers nobody can tell a rare word from one that happens to be rare there.
const LIBRARY_PRIOR: f32 = 100.0;
/// Where even the best passage of a group holds less of the question's words than this, one common word has become the measure of
/// all: words count less there.
const ENOUGH_COVERAGE: f32 = 0.05;

/// BM25 as a share of the best of its group, and coverage; by passage, in the order of their numbers.
pub(super) struct Words {
    of: Vec<(u32, (f32, f32))>,
}

impl Words {
    /// Nothing is said of any.
    pub(super) fn none() -> Self {
        Self { of: Vec::new() }
    }

    /// Of `hits`, where a passage's group is one of `sizes`, which count its passages.
    pub(super) fn of(hits: &[Hit], sizes: &[usize], group_of: impl Fn(u32) -> Option<usize>) -> Self {
        // The best score, and the best coverage.
        let mut best_of = vec![(f32::MIN_POSITIVE, 0.0_f32); sizes.len()];
        for hit in hits {
            if let Some(best) = group_of(hit.number).and_then(|group| best_of.get_mut(group)) {
                *best = (best.0.max(hit.score), best.1.max(hit.coverage));
            }
        }
        let weights: Vec<f32> = best_of
            .iter()
            .zip(sizes)
            .map(|((score, coverage), size)| trust(*size) * (coverage / ENOUGH_COVERAGE).min(1.0) / score)
            .collect();
        let scaled = |hit: &Hit| {
            let weight = weights.get(group_of(hit.number)?)?;
            Some((hit.number, (weight * hit.score, hit.coverage)))
        };
        let mut of: Vec<_> = hits.iter().filter_map(scaled).collect();
        of.sort_unstable_by_key(|(number, _)| *number);
        Self { of }
    }

    /// Of one passage.
    pub(super) fn of_passage(&self, number: u32) -> (f32, f32) {
        let found = self.of.binary_search_by_key(&number, |(number, _)| *number);
        found.ok().and_then(|at| self.of.get(at)).map_or((0.0, 0.0), |(_, said)| *said)
    }

    /// The best passages by words.
    pub(super) fn best(&self, depth: usize) -> Vec<u32> {
        let mut all: Vec<(f32, u32)> =
            self.of.iter().map(|(number, (lexical, coverage))| (lexical + coverage, *number)).collect();
        if all.len() > depth {
            all.select_nth_unstable_by(depth, |left, right| right.0.total_cmp(&left.0));
            all.truncate(depth);
        }
        all.into_iter().map(|(_, number)| number).collect()
    }
}

/// What is told by so many passages, between 0 and 1.
pub(super) fn trust(passages: usize) -> f32 {
    passages as f32 / (passages as f32 + LIBRARY_PRIOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_group_is_measured_by_its_best_and_one_common_word_is_no_measure() {
        let hit = |number, score, coverage| Hit { number, score, coverage };
        let hits =
            [hit(9, 8.0, 0.9), hit(2, 4.0, 0.4), hit(5, 0.6, 0.01), hit(7, 0.3, 0.005), hit(70, 9.0, 1.0)];
        let group = |number: u32| (number < 50).then_some(usize::from(number == 5 || number == 7));
        let words = Words::of(&hits, &[100_000, 100_000], group);
        let near = |found: (f32, f32), lexical: f32| assert!((found.0 - lexical).abs() < 0.01, "{found:?}");
        near(words.of_passage(9), 1.0);
        near(words.of_passage(2), 0.5);
        near(words.of_passage(5), 0.2);
        near(words.of_passage(7), 0.1);
        assert_eq!(words.of_passage(70), (0.0, 0.0), "no passage any more");
        assert_eq!(words.best(2), [9, 2]);
        assert!(trust(20) < 0.2 && trust(10_000) > 0.98);
    }
}
