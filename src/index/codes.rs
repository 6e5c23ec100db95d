//! Directions in a byte a number: a quarter of the room, and near enough to tell what is worth a closer look.
//!
//! The largest number of a vector is 127 or -127, the others are rounded likewise, and the row stands for the direction of its bytes. How
//! far that is from the vector is known, and so is how wrong a comparison of bytes may be: for unit vectors `x` and `y` and
//! their rounded `x'` and `y'` (of length one too) `|xy - x'y'| <= |x - x'| + |y - y'|`, by Cauchy and Schwarz.

use super::held::Held;
use super::similarity::{Products, prefetch};
use crate::paper::{UnitVector, in_bytes};

/// What f32 may add to the error of a sum of hundreds of products.
const ROUNDING_OF_SUMS: f32 = 1e-5;

/// Directions of one dimension, row by row.
pub struct Codes {
    dimension: usize,
    bytes: Held<i8>,
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
        Self::of_unit(vector.as_slice())
    }

    /// The same of numbers whose squares sum to one.
    pub(super) fn of_unit(vector: &[f32]) -> Self {
        let bytes = in_bytes(vector);
        let scale = scale(&bytes);
        let off = |(byte, value): (&i8, &f32)| (f32::from(*byte) * scale - value).powi(2);
        let rounding = bytes.iter().zip(vector).map(off).sum::<f32>().sqrt();
        Self { bytes, scale, rounding }
    }

    pub(super) fn into_bytes(self) -> Vec<i8> {
        self.bytes
    }
}

/// A direction among others, in bytes.
#[derive(Clone, Copy)]
pub struct CodedRow<'v> {
    bytes: &'v [i8],
    scale: f32,
    products: Products,
}

impl<'v> CodedRow<'v> {
    /// Of bytes alone.
    pub(super) fn of(bytes: &'v [i8], products: Products) -> Self {
        let square = (products.bytes)(bytes, bytes).max(1) as f32;
        Self { bytes, scale: 1.0 / square.sqrt(), products }
    }

    /// About the cosine to `query`.
    #[must_use]
    pub fn similarity(&self, query: &Coded) -> f32 {
        (self.products.bytes)(self.bytes, &query.bytes) as f32 * query.scale * self.scale
    }
}

impl Codes {
    /// None yet, of `dimension` numbers.
    #[must_use]
    pub fn new(dimension: usize) -> Self {
        let bytes = Held::Owned(Vec::new());
        Self { dimension, bytes, scales: Vec::new(), rounding: 0.0, products: Products::best() }
    }

    /// Rows that were stored, and what [`Codes::scales`] and [`Codes::rounding`] said of them; `None` where they do not fit together.
    pub(super) fn stored(dimension: usize, bytes: Held<i8>, scales: Vec<f32>, rounding: f32) -> Option<Self> {
        let fits = scales.len().checked_mul(dimension) == Some(bytes.len())
            && scales.iter().all(|scale| scale.is_finite())
            && (0.0..f32::INFINITY).contains(&rounding);
        fits.then(|| Self { bytes, scales, rounding, ..Self::new(dimension) })
    }

    /// How many numbers a direction has.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// How many directions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.scales.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.scales.is_empty()
    }

    /// All rows.
    pub(super) fn bytes(&self) -> &Held<i8> {
        &self.bytes
    }

    /// What makes each row one of length one.
    pub(super) fn scales(&self) -> &[f32] {
        &self.scales
    }

    /// How far the farthest row is from its vector.
    pub(super) fn rounding(&self) -> f32 {
        self.rounding
    }

    /// Adds a unit vector of the dimension; not to rows that were stored.
    pub(super) fn push(&mut self, vector: &[f32]) {
        self.push_coded(&Coded::of_unit(vector));
    }

    /// Adds a direction of the dimension; not to rows that were stored, and none of another dimension.
    pub fn push_coded(&mut self, coded: &Coded) {
        let Held::Owned(bytes) = &mut self.bytes else { return };
        if coded.bytes.len() != self.dimension {
            return;
        }
        bytes.extend(&coded.bytes);
        self.scales.push(coded.scale);
        self.rounding = self.rounding.max(coded.rounding);
    }

    /// What makes the bytes of a row a direction of length one.
    #[must_use]
    pub fn scale(&self, row: usize) -> f32 {
        self.scales.get(row).copied().unwrap_or_default()
    }

    /// The bytes of a row; none if there is no such row.
    /// The bytes of a row; none where there is no such row.
    #[must_use]
    pub fn row(&self, row: usize) -> &[i8] {
        self.bytes.get(row * self.dimension..(row + 1) * self.dimension).unwrap_or_default()
    }

    /// A row, to be compared.
    pub(super) fn coded(&self, row: usize) -> CodedRow<'_> {
        CodedRow { bytes: self.row(row), scale: self.scale(row), products: self.products }
    }

    /// About the cosine of a row to `query`.
    pub(super) fn similarity(&self, row: usize, query: &Coded) -> f32 {
        self.coded(row).similarity(query)
    }

    /// About the cosine of two rows.
    #[must_use]
    pub fn between(&self, one: usize, other: usize) -> f32 {
        (self.products.bytes)(self.row(one), self.row(other)) as f32 * self.scale(one) * self.scale(other)
    }

    /// The same of a row and one of `others`.
    pub(super) fn towards(&self, row: usize, others: &Self, other: usize) -> f32 {
        (self.products.bytes)(self.row(row), others.row(other)) as f32 * self.scale(row) * others.scale(other)
    }

    /// A row by itself.
    pub(super) fn lifted(&self, row: usize) -> Coded {
        Coded { bytes: self.row(row).to_vec(), scale: self.scale(row), rounding: self.rounding }
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
