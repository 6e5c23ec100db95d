//! Vectors to neighbours. Knows numbers and vectors; what they stand for is the caller's business.
//!
//! Below [`EXACT_LIMIT`] vectors the index is a scan ([`ExactIndex`]), above it a graph ([`HnswIndex`]); either is
//! derived from the store, published whole by [`Draft`] and refused where a byte of it changed.

mod centring;
mod codes;
mod exact;
mod flat;
mod generation;
mod graph;
mod held;
mod hnsw;
mod neighbours;
mod sealed;
mod sentences;
mod similarity;
#[cfg(test)]
mod suite;

pub use centring::{Calibration, Centring, CentringError, Mean, PassageMeans, Probe, Show, ShowSentences};

use crate::paper::UnitVector;

pub use codes::{Coded, CodedRow, Codes};
pub use exact::ExactIndex;
pub use flat::{FlatVectors, Misfit};
pub use generation::{Beside, Draft, GenerationError, Kind, Manifest, Published, StoredFile};
pub use hnsw::{Effort, HnswIndex};
pub use neighbours::{NearestOfEach, nearest_of_each};
pub use sentences::{SentenceVectors, SentencesOfPassage};
pub use similarity::product;

/// Up to how many vectors the scan is the better index. Measured on two cores with vectors of a model, 384 dimensions, 10 neighbours a query
/// (`scripts/bench-ann.sh --growth`):
///
/// | vectors | scan | walk at recall 0.99 | linked in |
/// | --- | --- | --- | --- |
/// | 10,000 | 0.2 ms | 0.05 ms | 1.5 s |
/// | 30,000 | 0.4 ms | 0.08 ms | 3.5 s |
/// | 100,000 | 0.9 ms | 0.12 ms | 13 s |
/// | 300,000 | 5.9 ms | 0.24 ms | 61 s |
/// | 1,000,000 | 18 to 20 ms | 0.40 ms | 277 s |
///
/// The walk answers sooner, but encoding the question takes longer than a scan of 100,000, a question wants hundreds of neighbours, the scan misses nothing, and
/// it costs nothing to build at each publication.
pub const EXACT_LIMIT: usize = 100_000;

/// A vector near the query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    /// The number under which the vector was stored.
    pub number: u32,
    /// The cosine to the query, -1 to 1.
    pub similarity: f32,
}

/// By what vectors are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grain {
    /// By their bytes, those that come near by all that is known of them.
    All,
    /// By their bytes.
    Bytes,
}

/// A similarity with the order that f32 lacks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked(pub f32);

impl Eq for Ranked {}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Nearest vectors by cosine.
///
/// Promise of every implementation (one test suite runs on all): results are best first, ties by number;
/// `min(limit, allowed vectors)` of them, never one that is not allowed; no panic on any query. A query of another
/// dimension than the vectors' is near to none of them.
pub trait VectorIndex: Send + Sync {
    /// What is searched.
    fn vectors(&self) -> &FlatVectors;

    /// The numbers of all vectors.
    fn numbers(&self) -> &[u32] {
        self.vectors().numbers()
    }

    /// How many vectors.
    fn len(&self) -> usize {
        self.numbers().len()
    }

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The vector stored under `number`.
    fn vector(&self, number: u32) -> Option<UnitVector> {
        let vectors = self.vectors();
        UnitVector::new(vectors.row(vectors.row_of(number)?).into_owned()).ok()
    }

    /// The same in bytes.
    fn coded(&self, number: u32) -> Option<CodedRow<'_>> {
        let vectors = self.vectors();
        vectors.row_of(number).map(|row| vectors.codes().coded(row))
    }

    /// The `limit` nearest of the vectors whose number is allowed, compared by `grain`.
    fn find(
        &self,
        query: &UnitVector,
        limit: usize,
        grain: Grain,
        allow: &(dyn Fn(u32) -> bool + Sync),
    ) -> Vec<Neighbour>;

    /// The nearest by all that is known of vectors.
    fn search(
        &self,
        query: &UnitVector,
        limit: usize,
        allow: &(dyn Fn(u32) -> bool + Sync),
    ) -> Vec<Neighbour> {
        self.find(query, limit, Grain::All, allow)
    }

    /// The nearest by their bytes ([`VectorIndex::coded`]): for who judges what is found once more, by them.
    fn candidates(
        &self,
        query: &UnitVector,
        limit: usize,
        allow: &(dyn Fn(u32) -> bool + Sync),
    ) -> Vec<Neighbour> {
        self.find(query, limit, Grain::Bytes, allow)
    }
}
