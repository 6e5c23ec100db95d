//! Vectors to neighbours. Knows numbers and vectors; what they stand for is the caller's business.

mod centring;

pub use centring::{Calibration, Centring, CentringError, Mean, PassageMeans};

use crate::paper::UnitVector;

/// A vector near the query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    /// The number under which the vector was stored.
    pub number: u32,
    /// The cosine to the query, -1 to 1.
    pub similarity: f32,
}

/// Nearest vectors by cosine.
///
/// Promise of every implementation (one test suite runs on all): results are best first, ties by number;
/// `min(limit, allowed vectors)` of them, never one that is not allowed; no panic on any query of the right
/// dimension.
pub trait VectorIndex: Send + Sync {
    /// How many vectors.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The `limit` nearest of the vectors whose number is allowed.
    fn search(
        &self,
        query: &UnitVector,
        limit: usize,
        allow: &(dyn Fn(u32) -> bool + Sync),
    ) -> Vec<Neighbour>;
}
