//! The graph as an index, with the scan to fall back on: approximate in which neighbours it finds, exact in all else.

use std::sync::Arc;

use super::exact::{Best, scan};
use super::graph::Graph;
use super::{FlatVectors, Neighbour, VectorIndex};
use crate::paper::UnitVector;

/// The least that a walk keeps in sight; recall@10 is above 0.95 from here on (`suite.rs`).
const WIDTH: usize = 128;

/// An index that walks a graph of the vectors.
pub struct HnswIndex {
    vectors: Arc<FlatVectors>,
    graph: Graph,
}

impl HnswIndex {
    /// Links `vectors` on all cores; minutes for a million.
    #[must_use]
    pub fn build(vectors: Arc<FlatVectors>) -> Self {
        let graph = Graph::build(&vectors);
        Self { vectors, graph }
    }

    /// Of a graph that was stored.
    pub(super) fn of(vectors: Arc<FlatVectors>, graph: Graph) -> Self {
        Self { vectors, graph }
    }

    pub(super) fn graph(&self) -> &Graph {
        &self.graph
    }
}

impl VectorIndex for HnswIndex {
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
        if limit == 0 || query.dimension() != self.vectors.dimension() {
            return Vec::new();
        }
        // Twice: as if all were allowed, then as if a few in a hundred were. A walk that would see a large part
        // of all vectors is slower than the scan, and the scan is right.
        let narrow = limit.saturating_mul(2).max(WIDTH);
        for width in [narrow, narrow.saturating_mul(8)] {
            if width > self.len() / 8 {
                break;
            }
            let mut best = Best::new(limit);
            for (row, similarity) in
                self.graph.walk(width, |row| self.vectors.similarity(row, query.as_slice()))
            {
                if let Some(number) =
                    self.vectors.numbers().get(row as usize).filter(|number| allow(**number))
                {
                    best.offer(Neighbour { number: *number, similarity });
                }
            }
            let found = best.into_sorted();
            if found.len() == limit {
                return found;
            }
        }
        scan(&self.vectors, query, limit, allow)
    }
}
