//! The graph as an index, with the scan to fall back on: approximate in which neighbours it finds, exact in all else.
//!
//! How wide a walk must be is not guessed: when a graph is built, some of its own vectors are looked for by walks and by the scan, and
//! the least width is kept that finds what is wanted.

use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::codes::Coded;
use super::exact::{Sieve, scan};
use super::graph::{Graph, Walker};
use super::{ExactIndex, FlatVectors, Grain, Neighbour, VectorIndex};
use crate::paper::UnitVector;

/// The recall@10 that is to be measured, for 0.99 with questions: these are a little farther off than what is looked for here (100,000
/// passages of a model: 0.994 here was 0.991 with questions).
const RECALL: f64 = 0.995;
/// At which recall is measured.
const NEIGHBOURS: usize = 10;
/// How many are looked for. Now and then a walk misses all that is near: of 250 one more or less such changes the width twofold.
const SAMPLE: usize = 1000;
/// How far what is looked for is moved away from a vector that is there, in the direction of others.
const MOVED: f32 = 0.5;
/// Of so many others.
const OTHERS: usize = 12;
/// Widths that are tried.
const WIDTHS: [usize; 12] = [48, 64, 96, 128, 160, 192, 256, 320, 384, 512, 768, 1024];

/// What finding the nearest takes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Effort {
    /// How many a walk keeps in sight.
    pub width: usize,
    /// The recall@10 that was measured with it.
    pub recall: f64,
    /// The width that it took when all was last linked anew.
    pub width_when_new: usize,
}

impl Effort {
    const UNKNOWN: Self = Self { width: WIDTHS[0], recall: 0.0, width_when_new: 0 };
}

/// An index that walks a graph of the vectors.
pub struct HnswIndex {
    vectors: Arc<FlatVectors>,
    graph: Graph,
    effort: Effort,
    /// Those that no search has at the moment.
    walkers: Mutex<Vec<Walker>>,
}

impl HnswIndex {
    /// Links `vectors` on all cores; minutes for a million.
    #[must_use]
    pub fn build(vectors: Arc<FlatVectors>) -> Self {
        let graph = Graph::build(&vectors);
        let mut index = Self::of(vectors, graph, Effort::UNKNOWN).with_effort();
        index.effort.width_when_new = index.effort.width;
        index
    }

    /// Links `vectors`, of which many are in `before` already: those keep their links where they can.
    #[must_use]
    pub fn grown(vectors: Arc<FlatVectors>, before: &Self) -> Self {
        let of_number = |number: &u32| before.vectors.row_of(*number).map(|row| row as u32);
        let rows: Vec<Option<u32>> = vectors.numbers().iter().map(of_number).collect();
        let Some(graph) = before.graph.grown(vectors.codes(), &rows) else { return Self::build(vectors) };
        let mut grown = Self::of(Arc::clone(&vectors), graph, Effort::UNKNOWN).with_effort();
        grown.effort.width_when_new = before.effort.width_when_new;
        // Growing wears a graph out, after many times.
        let worn = grown.effort.width >= 2 * grown.effort.width_when_new
            || grown.effort.recall < RECALL && before.effort.recall >= RECALL;
        if worn { Self::build(vectors) } else { grown }
    }

    fn with_effort(mut self) -> Self {
        self.effort = self.measured();
        self
    }

    /// Of a graph that was stored.
    pub(super) fn of(vectors: Arc<FlatVectors>, graph: Graph, effort: Effort) -> Self {
        Self { vectors, graph, effort, walkers: Mutex::default() }
    }

    /// What finding the nearest was measured to take.
    #[must_use]
    pub fn effort(&self) -> Effort {
        self.effort
    }

    /// The scan of the same vectors.
    #[must_use]
    pub fn exact(&self) -> ExactIndex {
        ExactIndex::new(Arc::clone(&self.vectors))
    }

    /// The `limit` nearest of the `width` nearest that a walk finds.
    #[must_use]
    pub fn nearest(&self, query: &UnitVector, limit: usize, width: usize) -> Vec<Neighbour> {
        self.walk(query, &Coded::of(query), width, limit, Grain::All, &|_| true)
    }

    /// The least width that finds what is wanted; the greatest, if none does.
    pub(super) fn measured(&self) -> Effort {
        let taken = SAMPLE.min(self.len());
        let queries: Vec<UnitVector> = (0..taken).filter_map(|at| self.looked_for(at, taken)).collect();
        let numbers = |found: Vec<Neighbour>| found.iter().map(|found| found.number).collect::<Vec<u32>>();
        let truth: Vec<Vec<u32>> = queries
            .iter()
            .map(|query| numbers(scan(&self.vectors, query, NEIGHBOURS, Grain::All, &|_| true)))
            .collect();
        let wanted = truth.iter().map(Vec::len).sum::<usize>().max(1);
        let recall = |width: usize| {
            let hits = queries.par_iter().zip(&truth).map(|(query, truth)| {
                let found = numbers(self.nearest(query, NEIGHBOURS, width));
                found.iter().filter(|number| truth.contains(number)).count()
            });
            hits.sum::<usize>() as f64 / wanted as f64
        };
        let tried =
            WIDTHS.iter().map(|width| Effort { width: *width, recall: recall(*width), width_when_new: 0 });
        let mut last = Effort::UNKNOWN;
        for effort in tried {
            last = effort;
            if effort.recall >= RECALL {
                break;
            }
        }
        last
    }

    /// One of `taken` directions, spread over all vectors. Each is moved away from a vector, as a question is near to a passage and says
    /// other things too; to look for a vector that is there would be easier.
    fn looked_for(&self, at: usize, taken: usize) -> Option<UnitVector> {
        let count = self.len();
        let row = |row: usize| UnitVector::new(self.vectors.row(row % count).into_owned()).ok();
        let first = at * count / taken;
        let others = (1..=OTHERS).map(|other| row(first + other * count / (OTHERS + 1) + other));
        let others = UnitVector::mean_of(&others.collect::<Option<Vec<UnitVector>>>()?).ok()?;
        let near = row(first)?;
        let moved = near.as_slice().iter().zip(others.as_slice()).map(|(near, other)| near + MOVED * other);
        UnitVector::new(moved.collect()).ok()
    }

    pub(super) fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The `limit` nearest that are allowed among the `width` nearest that a walk finds; fewer if fewer of these are allowed.
    pub(super) fn walk(
        &self,
        query: &UnitVector,
        coded: &Coded,
        width: usize,
        limit: usize,
        grain: Grain,
        allow: &(dyn Fn(u32) -> bool + Sync),
    ) -> Vec<Neighbour> {
        let codes = self.vectors.codes();
        let similarity = |row| codes.similarity(row, coded);
        // From the root every row can be reached, from where the layers lead to nearly every one, and sooner.
        let entries: Vec<u32> = self.graph.entry(similarity).into_iter().chain(self.graph.root()).collect();
        let mut walkers = self.walkers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut walker = walkers.pop().unwrap_or_default();
        drop(walkers);
        let mut sieve = Sieve::new(limit, grain, codes.likely_error(coded));
        for found in self.graph.walk(&mut walker, width, &entries, similarity, |row| codes.prefetch(row)) {
            if !sieve.may_pass(found.similarity) {
                break;
            }
            let row = found.row as usize;
            if self.vectors.numbers().get(row).is_some_and(|number| allow(*number)) {
                sieve.offer(found.similarity, row);
            }
        }
        self.walkers.lock().unwrap_or_else(PoisonError::into_inner).push(walker);
        sieve.best(&self.vectors, query, coded)
    }
}

impl VectorIndex for HnswIndex {
    fn vectors(&self) -> &FlatVectors {
        &self.vectors
    }

    fn find(
        &self,
        query: &UnitVector,
        limit: usize,
        grain: Grain,
        allow: &(dyn Fn(u32) -> bool + Sync),
    ) -> Vec<Neighbour> {
        if limit == 0 || query.dimension() != self.vectors.dimension() {
            return Vec::new();
        }
        // Twice: as if all were allowed, then as if a few in a hundred were. A walk that would see a large part
        // of all vectors is slower than the scan, and the scan is right.
        let coded = Coded::of(query);
        let narrow = limit.saturating_mul(2).max(self.effort.width);
        for width in [narrow, narrow.saturating_mul(8)] {
            if width > self.len() / 8 {
                break;
            }
            let found = self.walk(query, &coded, width, limit, grain, allow);
            if found.len() == limit {
                return found;
            }
        }
        scan(&self.vectors, query, limit, grain, allow)
    }
}
