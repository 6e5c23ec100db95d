//! Directions in a byte a number: a quarter of the room, and near enough to tell what is worth a closer look.
//!
//! The largest number of a vector is 127 or -127, the others are rounded likewise, and the row stands for the direction of its bytes. How
//! far that is from the vector is known, and so is how wrong a comparison of bytes may be: for unit vectors `x` and `y` and
//! their rounded `x'` and `y'` (of length one too) `|xy - x'y'| <= |x - x'| + |y - y'|`, by Cauchy and Schwarz.

use rayon::prelude::*;

use super::similarity::{Products, prefetch};
use crate::paper::UnitVector;

const LARGEST: f32 = 127.0;
/// Rows that a thread rounds at a time.
const ROWS: usize = 1024;
/// What f32 may add to the error of a sum of hundreds of products.
const ROUNDING_OF_SUMS: f32 = 1e-5;

/// Directions of one dimension, row by row.
#[derive(Clone)]
pub(super) struct Codes {
    dimension: usize,
    bytes: Vec<i8>,
    /// What makes each row one of length one.
    scales: Vec<f32>,
    /// How far the farthest row is from its vector.
    rounding: f32,
    products: Products,
}

/// One direction so.
#[derive(Clone, Debug)]
pub struct Coded {
    bytes: Vec<i8>,
    scale: f32,
    rounding: f32,
}

impl Coded {
    /// The direction of `vector`, about.
    #[must_use]
    pub fn of(vector: &UnitVector) -> Self {
        let mut codes = Codes::new(vector.dimension());
        codes.push(vector.as_slice());
        Self { scale: codes.scale(0), rounding: codes.rounding, bytes: codes.bytes }
    }
}

impl Codes {
    pub(super) fn new(dimension: usize) -> Self {
        Self { dimension, bytes: Vec::new(), scales: Vec::new(), rounding: 0.0, products: Products::best() }
    }

    /// Of unit vectors, row by row, on all cores.
    pub(super) fn of(dimension: usize, values: &[f32]) -> Self {
        let blocks = values.par_chunks((dimension * ROWS).max(1)).map(|block| {
            let mut codes = Self::new(dimension);
            block.chunks_exact(dimension).for_each(|vector| codes.push(vector));
            codes
        });
        blocks.collect::<Vec<_>>().into_iter().fold(Self::new(dimension), |mut all, block| {
            all.bytes.extend(block.bytes);
            all.scales.extend(block.scales);
            all.rounding = all.rounding.max(block.rounding);
            all
        })
    }

    /// Rows that were stored as [`Codes::bytes`] gave them; `None` where they do not fit together. How far they are from their vectors
    /// is not known any more.
    pub(super) fn stored(dimension: usize, bytes: Vec<i8>) -> Option<Self> {
        let scales: Vec<f32> = bytes.chunks_exact(dimension.max(1)).map(scale).collect();
        let fits = scales.len().checked_mul(dimension) == Some(bytes.len());
        fits.then(|| Self { bytes, scales, rounding: f32::INFINITY, ..Self::new(dimension) })
    }

    pub(super) fn dimension(&self) -> usize {
        self.dimension
    }

    pub(super) fn len(&self) -> usize {
        self.scales.len()
    }

    /// All rows.
    pub(super) fn bytes(&self) -> &[i8] {
        &self.bytes
    }

    /// Adds a unit vector of the dimension.
    pub(super) fn push(&mut self, vector: &[f32]) {
        let largest = vector.iter().fold(f32::MIN_POSITIVE, |largest, value| largest.max(value.abs()));
        let factor = LARGEST / largest;
        let first = self.bytes.len();
        self.bytes.extend(vector.iter().map(|value| (value * factor).round() as i8));
        let bytes = self.bytes.get(first..).unwrap_or_default();
        let scale = scale(bytes);
        let off = |(byte, value): (&i8, &f32)| (f32::from(*byte) * scale - value).powi(2);
        let rounding = bytes.iter().zip(vector).map(off).sum::<f32>().sqrt();
        self.scales.push(scale);
        self.rounding = self.rounding.max(rounding);
    }

    fn scale(&self, row: usize) -> f32 {
        self.scales.get(row).copied().unwrap_or_default()
    }

    /// The bytes of a row; none if there is no such row.
    pub(super) fn row(&self, row: usize) -> &[i8] {
        self.bytes.get(row * self.dimension..(row + 1) * self.dimension).unwrap_or_default()
    }

    /// About the cosine of a row to `query`.
    pub(super) fn similarity(&self, row: usize, query: &Coded) -> f32 {
        let product = (self.products.bytes)(self.row(row), &query.bytes);
        product as f32 * query.scale * self.scale(row)
    }

    /// The same of two rows.
    pub(super) fn between(&self, one: usize, other: usize) -> f32 {
        (self.products.bytes)(self.row(one), self.row(other)) as f32 * self.scale(one) * self.scale(other)
    }

    /// How far [`Codes::similarity`] is from the cosine at most.
    pub(super) fn error(&self, query: &Coded) -> f32 {
        self.rounding + query.rounding + ROUNDING_OF_SUMS
    }

    /// How far it hardly ever is: roundings point anywhere, so their products with a vector are about normal, and this is four deviations.
    pub(super) fn likely_error(&self, query: &Coded) -> f32 {
        4.0 * self.rounding.hypot(query.rounding) / (self.dimension.max(1) as f32).sqrt() + ROUNDING_OF_SUMS
    }

    /// Asks for a row that is going to be compared.
    pub(super) fn prefetch(&self, row: usize) {
        prefetch(self.row(row));
    }
}

/// What makes bytes a direction of length one.
fn scale(bytes: &[i8]) -> f32 {
    let square: i32 = bytes.iter().map(|byte| i32::from(*byte).pow(2)).sum();
    1.0 / (square.max(1) as f32).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bytes_are_never_farther_off_than_they_say(
            values in proptest::collection::vec(proptest::collection::vec(-1.0f32..1.0, 40), 2..6),
            outlier in 1.0f32..50.0,
        ) {
            let mut codes = Codes::new(40);
            let vectors: Vec<UnitVector> = values
                .into_iter()
                .map(|mut values| {
                    values[7] = outlier;
                    UnitVector::new(values).unwrap()
                })
                .collect();
            vectors.iter().for_each(|vector| codes.push(vector.as_slice()));
            for query in &vectors {
                let coded = Coded::of(query);
                for (row, vector) in vectors.iter().enumerate() {
                    let off = (codes.similarity(row, &coded) - query.cosine(vector)).abs();
                    prop_assert!(off <= codes.error(&coded), "{} > {}", off, codes.error(&coded));
                }
            }
        }
    }
}
