//! What each signal offers of a library: the nearest passages by vector, and the best by words, as they are and in English.
//!
//! None filters another, and none waits for another.

use std::collections::HashSet;

use super::SearchError;
use super::ranker::{Allow, Ranker};
use super::words::{Groups, Words};
use crate::index::Neighbour;
use crate::lexical::{Glosses, Hit, Scores, Terms};
use crate::paper::UnitVector;
use crate::store::PaperNumber;

/// Passages that each signal offers. With 100 to 400 nDCG@10 is the same on scifact, digest-notes, cranfield, medline and cisi.
pub(super) const DEPTH: usize = 200;
/// How deep each signal is asked first.
pub(super) fn first_depth(limit: usize) -> usize {
    DEPTH.max(limit.saturating_mul(4))
}

pub(super) fn numbers_of(near: &[Neighbour]) -> impl Iterator<Item = u32> {
    near.iter().map(|near| near.number)
}

impl Ranker {
    /// The nearest passages of all indexes by their bytes, as they are judged too, best first.
    pub(super) fn nearest(&self, asked: &UnitVector, depth: usize, allow: Allow<'_>) -> Vec<Neighbour> {
        let allow = |number: u32| self.paper_of(number).is_some_and(allow);
        let mut neighbours: Vec<Neighbour> =
            self.indexes.iter().flat_map(|index| index.candidates(asked, depth, &allow)).collect();
        neighbours.sort_by(|left, right| {
            right.similarity.total_cmp(&left.similarity).then(left.number.cmp(&right.number))
        });
        neighbours.truncate(depth);
        neighbours
    }

    pub(super) fn hits(&self, terms: &Terms, allow: Allow<'_>) -> Result<Vec<Hit>, SearchError> {
        let found = self.lexicon.search(terms)?;
        Ok(found.hits().filter(|hit| self.paper_of(hit.number).is_some_and(allow)).collect())
    }

    /// What the words say of each passage, each group by its own best; and the `depth` best.
    pub(super) fn words(
        &self,
        terms: &Terms,
        depth: usize,
        allow: Allow<'_>,
    ) -> Result<(Words<'_>, Vec<u32>), SearchError> {
        Ok(self.compared(self.lexicon.search(terms)?, &self.groups, depth, allow))
    }

    /// The same in English, which is one language: all passages by the best of all.
    pub(super) fn glossed(
        &self,
        glosses: &Glosses,
        depth: usize,
        allow: Allow<'_>,
    ) -> Result<(Words<'_>, Vec<u32>), SearchError> {
        if glosses.is_empty() {
            return Ok((Words::none(), Vec::new()));
        }
        Ok(self.compared(self.lexicon.search_glosses(glosses)?, &self.one_group, depth, allow))
    }

    fn compared<'r>(
        &'r self,
        found: Scores<'r>,
        groups: &'r Groups,
        depth: usize,
        allow: Allow<'_>,
    ) -> (Words<'r>, Vec<u32>) {
        let allow = |number| self.paper_of(number).is_some_and(allow);
        let words = Words::of(found, groups, allow);
        let best = words.best(depth, allow);
        (words, best)
    }

    /// The papers of what all signals offer, `offered` at [`first_depth`]; deeper until there are `limit` or nothing is left.
    pub(super) fn candidates(
        &self,
        asked: &UnitVector,
        mut offered: Vec<u32>,
        words: &[Words<'_>; 2],
        limit: usize,
        allow: Allow<'_>,
        also: &[PaperNumber],
    ) -> HashSet<PaperNumber> {
        let all: usize = self.indexes.iter().map(|index| index.len()).sum();
        let allowed = |number| self.paper_of(number).is_some_and(allow);
        let mut depth = first_depth(limit);
        loop {
            let mut candidates: HashSet<PaperNumber> =
                also.iter().copied().filter(|paper| allow(*paper)).collect();
            candidates.extend(offered.iter().filter_map(|number| self.paper_of(*number)));
            if candidates.len() >= limit || depth >= all {
                return candidates;
            }
            depth = depth.saturating_mul(4);
            let near = self.nearest(asked, depth, allow);
            let worded = words.iter().flat_map(|words| words.best(depth, allowed));
            offered = numbers_of(&near).chain(worded).collect();
        }
    }
}
