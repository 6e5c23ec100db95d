//! What BM25 says of each passage, on a scale on which passages compare.
//!
//! BM25 has no scale of its own: each group of passages (a side of papers, in one language) is measured by its best for this question.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::Hash;

use crate::index::Ranked;
use crate::lexical::{Hit, Scores};

/// Passages at which what the library tells (how rare a word is, what the first answers have in common) counts half of what it
/// counts in a large one: among twenty papers nobody can tell a rare word from one that happens to be rare there.
const LIBRARY_PRIOR: f32 = 100.0;
/// Where even the best passage of a group holds less of the question's words than this, one common word has become the measure of
/// all: words count less there.
const ENOUGH_COVERAGE: f32 = 0.05;

/// Which passages compare.
pub(super) struct Groups {
    /// By the number of a passage; what is beyond is of the first group. A row of its own since every word of a question asks for
    /// tens of thousands of them.
    of: Vec<u16>,
    /// Passages of each.
    sizes: Vec<usize>,
}

impl Groups {
    /// By what each passage is given.
    pub(super) fn of<G: Eq + Hash>(passages: impl Iterator<Item = (u32, G)>) -> Self {
        let (mut of, mut sizes): (Vec<u16>, Vec<usize>) = (Vec::new(), Vec::new());
        let mut known: HashMap<G, u16> = HashMap::new();
        for (number, group) in passages {
            let next = u16::try_from(known.len()).unwrap_or(u16::MAX);
            let group = *known.entry(group).or_insert(next);
            sizes.resize(known.len(), 0);
            of.resize(of.len().max(number as usize + 1), 0);
            if let (Some(size), Some(of)) = (sizes.get_mut(usize::from(group)), of.get_mut(number as usize)) {
                *size += 1;
                *of = group;
            }
        }
        Self { of, sizes }
    }

    /// All so many passages in one.
    pub(super) fn one(passages: usize) -> Self {
        Self { of: Vec::new(), sizes: vec![passages] }
    }

    /// How many passages.
    pub(super) fn len(&self) -> usize {
        self.sizes.iter().sum()
    }

    fn group_of(&self, number: u32) -> usize {
        self.of.get(number as usize).copied().map_or(0, usize::from)
    }
}

/// BM25 as a share of the best of its group, and coverage, by passage.
pub(super) struct Words<'r> {
    found: Scores<'r>,
    groups: &'r Groups,
    /// By group.
    weights: Vec<f32>,
}

impl<'r> Words<'r> {
    /// Of what was found. The best of a group is one that is allowed.
    pub(super) fn of(found: Scores<'r>, groups: &'r Groups, allow: impl Fn(u32) -> bool) -> Self {
        // The best score, and the best coverage.
        let mut best_of = vec![(f32::MIN_POSITIVE, 0.0_f32); groups.sizes.len()];
        found.hits().for_each(|hit| {
            let better = best_of.get_mut(groups.group_of(hit.number));
            let better = better.filter(|best| hit.score > best.0 || hit.coverage > best.1);
            if let Some(best) = better.filter(|_| allow(hit.number)) {
                *best = (best.0.max(hit.score), best.1.max(hit.coverage));
            }
        });
        let weights = best_of
            .iter()
            .zip(&groups.sizes)
            .map(|((score, coverage), size)| trust(*size) * (coverage / ENOUGH_COVERAGE).min(1.0) / score)
            .collect();
        Self { found, groups, weights }
    }

    /// Of one passage, which is allowed.
    pub(super) fn of_passage(&self, number: u32) -> (f32, f32) {
        self.found.of(number).map_or((0.0, 0.0), |hit| (self.lexical(&hit), hit.coverage))
    }

    /// The best passages by words that are allowed.
    pub(super) fn best(&self, depth: usize, allow: impl Fn(u32) -> bool) -> Vec<u32> {
        let mut best = BinaryHeap::with_capacity(depth.min(1 << 16));
        let mut bar = f32::NEG_INFINITY;
        self.found.hits().for_each(|hit| {
            let said = self.lexical(&hit) + hit.coverage;
            if said > bar && allow(hit.number) {
                best.push(Reverse((Ranked(said), hit.number)));
                if best.len() > depth {
                    best.pop();
                    bar = best.peek().map_or(f32::INFINITY, |Reverse((said, _))| said.0);
                }
            }
        });
        best.into_iter().map(|Reverse((_, number))| number).collect()
    }

    fn lexical(&self, hit: &Hit) -> f32 {
        let group = self.groups.group_of(hit.number);
        self.weights.get(group).map_or(0.0, |weight| weight * hit.score)
    }
}

/// What is told by so many passages, between 0 and 1.
pub(super) fn trust(passages: usize) -> f32 {
    passages as f32 / (passages as f32 + LIBRARY_PRIOR)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::lexical::{Document, LexicalIndex, Lexicon, Terms};

    #[test]
    fn each_group_is_measured_by_its_best_and_one_common_word_is_no_measure() {
        let rare: Vec<String> = (0..40).map(|at| format!("rare{}", "q".repeat(at))).collect();
        let texts =
            [(2, format!("{} common", rare[0])), (5, "common".to_owned()), (7, "common x y z".to_owned())];
        let all = [(9, rare.join(" ")), (70, rare.join(" "))];
        let documents = texts.iter().chain(&all).map(|(number, text)| Document {
            number: *number,
            abstract_text: text.as_str().into(),
            ..Document::default()
        });
        let lexicon = Lexicon::new(vec![Arc::new(LexicalIndex::in_memory(documents).unwrap())]);
        let found = || lexicon.search(&Terms::of(&format!("{} common", rare.join(" ")))).unwrap();
        let score = |number| found().of(number).unwrap().score;
        let group = |number| (number, number == 5 || number == 7);
        let groups = Groups { sizes: vec![100_000; 2], ..Groups::of([2, 9, 5, 7].map(group).into_iter()) };
        let words = Words::of(found(), &groups, |number| number != 70);
        let near = |number, lexical: f32| {
            let said = words.of_passage(number).0;
            assert!((said - lexical).abs() < 0.01, "{number}: {said}, not {lexical}");
        };
        near(9, 1.0);
        near(2, score(2) / score(9));
        let measured = found().of(5).unwrap().coverage / ENOUGH_COVERAGE;
        assert!(measured < 0.5, "{measured}");
        near(5, measured);
        near(7, measured * score(7) / score(5));
        let best = |depth, not: [u32; 2]| {
            let mut best = words.best(depth, |number| !not.contains(&number));
            best.sort_unstable();
            best
        };
        assert_eq!(best(2, [70, 0]), [5, 9]);
        assert_eq!(best(2, [70, 9]), [5, 7]);
        assert_eq!(best(9, [70, 5]), [2, 7, 9]);
        assert_eq!(best(0, [70, 5]), [0; 0]);
        // Who is not allowed is no measure.
        let without = Words::of(found(), &groups, |number| number != 9 && number != 70);
        let (lexical, coverage) = without.of_passage(2);
        assert!((lexical - coverage / ENOUGH_COVERAGE).abs() < 0.01 && lexical > 0.5, "{lexical} {coverage}");
        assert!(trust(20) < 0.2 && trust(10_000) > 0.98);
    }
}
