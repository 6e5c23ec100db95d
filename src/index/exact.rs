//! The scan: every vector is looked at, so nothing is missed. The oracle of the other index, and its way out.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::Arc;

use rayon::prelude::*;

use super::codes::Coded;
use super::{FlatVectors, Grain, Neighbour, Ranked, VectorIndex};
use crate::paper::UnitVector;

/// Rows that one thread scans at a time: about 0.4 MB at 384 dimensions, a hundredth of a millisecond or two.
const ROWS: usize = 1024;

/// An index that scans all vectors.
pub struct ExactIndex {
    vectors: Arc<FlatVectors>,
}

impl ExactIndex {
    /// The index of `vectors`.
    #[must_use]
    pub fn new(vectors: Arc<FlatVectors>) -> Self {
        Self { vectors }
    }
}

impl VectorIndex for ExactIndex {
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
        scan(&self.vectors, query, limit, grain, allow)
    }
}

/// The `limit` best of all rows that are allowed. All are compared by their bytes; those that may be among the best, as far as bytes
/// can be wrong, by all that is known of them, where that is wanted. So nothing is missed.
pub(super) fn scan(
    vectors: &FlatVectors,
    query: &UnitVector,
    limit: usize,
    grain: Grain,
    allow: &(dyn Fn(u32) -> bool + Sync),
) -> Vec<Neighbour> {
    if limit == 0 || query.dimension() != vectors.dimension() {
        return Vec::new();
    }
    let (codes, coded) = (vectors.codes(), Coded::of(query));
    let sieve = || Sieve::new(limit, grain, codes.error(&coded));
    let sifted = vectors.numbers().par_chunks(ROWS).enumerate().fold(sieve, |mut sieve, (block, numbers)| {
        for (at, number) in numbers.iter().enumerate() {
            let row = block * ROWS + at;
            let similarity = codes.similarity(row, &coded);
            if sieve.may_pass(similarity) && allow(*number) {
                sieve.offer(similarity, row);
            }
        }
        sieve
    });
    sifted.reduce(sieve, Sieve::join).best(vectors, query, &coded)
}

/// Rows that may be among the `limit` nearest, of similarities that may be wrong by `error`.
pub(super) struct Sieve {
    limit: usize,
    grain: Grain,
    error: f32,
    /// The `limit` best so far, the worst of them on top.
    nearest: BinaryHeap<Reverse<Ranked>>,
    passed: Vec<(f32, usize)>,
}

impl Sieve {
    /// Bytes are not wrong where nothing else is asked.
    pub(super) fn new(limit: usize, grain: Grain, error: f32) -> Self {
        let error = if grain == Grain::Bytes { 0.0 } else { error };
        Self { limit, grain, error, nearest: BinaryHeap::new(), passed: Vec::new() }
    }

    /// The least that may still be among the best: the worst of them may be less than it seems, and this more.
    fn least(&self) -> f32 {
        match self.nearest.peek() {
            Some(Reverse(Ranked(worst))) if self.nearest.len() == self.limit => worst - 2.0 * self.error,
            _ => f32::NEG_INFINITY,
        }
    }

    pub(super) fn may_pass(&self, similarity: f32) -> bool {
        similarity >= self.least()
    }

    pub(super) fn offer(&mut self, similarity: f32, row: usize) {
        self.passed.push((similarity, row));
        self.rank(Ranked(similarity));
    }

    fn rank(&mut self, similarity: Ranked) {
        if self.nearest.len() < self.limit {
            self.nearest.push(Reverse(similarity));
        } else if let Some(mut worst) = self.nearest.peek_mut()
            && similarity > worst.0
        {
            *worst = Reverse(similarity);
        }
    }

    fn join(mut self, other: Self) -> Self {
        self.passed.extend(other.passed);
        other.nearest.into_iter().for_each(|Reverse(similarity)| self.rank(similarity));
        self
    }

    /// The nearest of the rows.
    pub(super) fn best(self, vectors: &FlatVectors, query: &UnitVector, coded: &Coded) -> Vec<Neighbour> {
        let least = self.least();
        let mut best = Best::new(self.limit);
        if self.grain == Grain::Bytes {
            for (similarity, row) in self.passed.iter().filter(|(similarity, _)| *similarity >= least) {
                if let Some(number) = vectors.numbers().get(*row) {
                    best.offer(Neighbour { number: *number, similarity: *similarity });
                }
            }
            return best.into_sorted();
        }
        let closer =
            || self.passed.iter().filter(|(similarity, _)| *similarity >= least).map(|(_, row)| *row);
        closer().for_each(|row| vectors.prefetch(row));
        for row in closer() {
            if let Some(number) = vectors.numbers().get(row) {
                best.offer(Neighbour { number: *number, similarity: vectors.similarity(row, query, coded) });
            }
        }
        best.into_sorted()
    }
}

/// The best `limit` of all that were offered.
struct Best {
    limit: usize,
    heap: BinaryHeap<Worst>,
}

/// Ordered so that the top of the heap is the first to go.
#[derive(Clone, Copy)]
struct Worst(Neighbour);

impl Best {
    fn new(limit: usize) -> Self {
        Self { limit, heap: BinaryHeap::new() }
    }

    fn offer(&mut self, neighbour: Neighbour) {
        let candidate = Worst(neighbour);
        if self.heap.len() < self.limit {
            self.heap.push(candidate);
        } else if let Some(mut worst) = self.heap.peek_mut()
            && candidate < *worst
        {
            *worst = candidate;
        }
    }

    fn into_sorted(self) -> Vec<Neighbour> {
        self.heap.into_sorted_vec().into_iter().map(|Worst(neighbour)| neighbour).collect()
    }
}

impl Ord for Worst {
    fn cmp(&self, other: &Self) -> Ordering {
        let (Self(one), Self(two)) = (self, other);
        two.similarity.total_cmp(&one.similarity).then(one.number.cmp(&two.number))
    }
}

impl PartialOrd for Worst {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Worst {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Worst {}
