//! What each signal offers of a library: the nearest passages by vector, and the best by words, as they are and in English.
//!
//! None filters another, and none waits for another.

use std::collections::HashSet;

use super::SearchError;
use super::ranker::{Allow, Ranker};
use super::words::Words;
use crate::index::Neighbour;
use crate::lexical::{Glosses, Hit, Scores, Terms};
use crate::paper::UnitVector;
use crate::store::PaperNumber;

/// Passages that each signal offers. With 100 to 400 nDCG@10 is the same on scifact, digest-notes, cranfield, medline and cisi.
const DEPTH: usize = 200;

/// How deep each signal is asked first.
pub(super) fn first_depth(limit: usize) -> usize {
    DEPTH.max(limit.saturating_mul(4))
}

/// What the signals offer together.
pub(super) struct Offered<'r> {
    /// What the words say of each passage: as they are, and in English.
    pub(super) words: [Words<'r>; 2],
    pub(super) papers: HashSet<PaperNumber>,
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

    /// What the words say of each passage, each group by its own best.
    fn words(&self, terms: &Terms, allow: Allow<'_>) -> Result<Words<'_>, SearchError> {
        let allow = |number| self.paper_of(number).is_some_and(allow);
        Ok(Words::of(self.lexicon.search(terms)?, &self.groups, allow))
    }

    /// The same in English, which is one language: all passages by the best of all.
    pub(super) fn glossed(&self, glosses: &Glosses, allow: Allow<'_>) -> Result<Words<'_>, SearchError> {
        let allow = |number| self.paper_of(number).is_some_and(allow);
        let found = if glosses.is_empty() { Scores::none() } else { self.lexicon.search_glosses(glosses)? };
        Ok(Words::of(found, &self.one_group, allow))
    }

    /// The papers of what each signal offers, and those of `also`, of the allowed; each is asked deeper until there are `limit` or
    /// nothing is left.
    ///
    /// # Errors
    /// If the index of words cannot be read.
    pub(super) fn offered<'r>(
        &'r self,
        vector: &UnitVector,
        terms: &Terms,
        glosses: &Glosses,
        limit: usize,
        allow: Allow<'_>,
        also: &[PaperNumber],
    ) -> Result<Offered<'r>, SearchError> {
        let mut depth = first_depth(limit);
        let allowed = |number| self.paper_of(number).is_some_and(allow);
        let with_best = |words: Words<'r>| (words.best(depth, allowed), words);
        let (mut near, (words, in_english)) = rayon::join(
            || self.nearest(vector, depth, allow),
            || {
                rayon::join(
                    || self.words(terms, allow).map(with_best),
                    || self.glossed(glosses, allow).map(with_best),
                )
            },
        );
        let ((worded, words), (glossed, in_english)) = (words?, in_english?);
        let (words, mut worded) = ([words, in_english], [worded, glossed]);
        let all: usize = self.indexes.iter().map(|index| index.len()).sum();
        loop {
            let numbers = near.iter().map(|near| near.number).chain(worded.iter().flatten().copied());
            let mut papers: HashSet<PaperNumber> =
                numbers.filter_map(|number| self.paper_of(number)).collect();
            papers.extend(also.iter().copied().filter(|paper| allow(*paper)));
            if papers.len() >= limit || depth >= all {
                return Ok(Offered { words, papers });
            }
            depth = depth.saturating_mul(4);
            near = self.nearest(vector, depth, allow);
            worded = words.each_ref().map(|words| words.best(depth, allowed));
        }
    }
}
