//! The scan: every vector is looked at, so nothing is missed. The oracle of the other index, and its way out.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;

use rayon::prelude::*;

use super::{FlatVectors, Neighbour, VectorIndex};
use crate::paper::UnitVector;

/// Rows that one thread scans at a time: about 1.5 MB at 384 dimensions, tenths of a millisecond.
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
    fn numbers(&self) -> &[u32] {
        self.vectors.numbers()
    }

    fn vector(&self, number: u32) -> Option<&[f32]> {
        self.vectors.of_number(number)
    }

    fn search(
        &self,
        query: &UnitVector,
        limit: usize,
        allow: &(dyn Fn(u32) -> bool + Sync),
    ) -> Vec<Neighbour> {
        scan(&self.vectors, query, limit, allow)
    }
}

/// The `limit` best of all rows that are allowed.
pub(super) fn scan(
    vectors: &FlatVectors,
    query: &UnitVector,
    limit: usize,
    allow: &(dyn Fn(u32) -> bool + Sync),
) -> Vec<Neighbour> {
    if limit == 0 || query.dimension() != vectors.dimension() {
        return Vec::new();
    }
    let best_of = |(block, numbers): (usize, &[u32])| {
        let mut best = Best::new(limit);
        for (at, number) in numbers.iter().enumerate() {
            if allow(*number) {
                let similarity = vectors.similarity(block * ROWS + at, query.as_slice());
                best.offer(Neighbour { number: *number, similarity });
            }
        }
        best
    };
    let blocks = vectors.numbers().par_chunks(ROWS).enumerate();
    blocks.map(best_of).reduce(|| Best::new(limit), Best::join).into_sorted()
}

/// The best `limit` of all that were offered.
pub(super) struct Best {
    limit: usize,
    heap: BinaryHeap<Worst>,
}

/// Ordered so that the top of the heap is the first to go.
#[derive(Clone, Copy)]
struct Worst(Neighbour);

impl Best {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, heap: BinaryHeap::new() }
    }

    pub(super) fn offer(&mut self, neighbour: Neighbour) {
        let candidate = Worst(neighbour);
        if self.heap.len() < self.limit {
            self.heap.push(candidate);
        } else if let Some(mut worst) = self.heap.peek_mut()
            && candidate < *worst
        {
            *worst = candidate;
        }
    }

    fn join(mut self, other: Self) -> Self {
        for Worst(neighbour) in other.heap {
            self.offer(neighbour);
        }
        self
    }

    pub(super) fn into_sorted(self) -> Vec<Neighbour> {
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
