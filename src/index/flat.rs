//! Many unit vectors in one piece of memory: scanned at the speed of memory, written to disk as they lie.
//!
//! Beside them are the same in a byte a number, by which most are found not to be worth a closer look.

use super::codes::Codes;
use super::similarity::{Products, prefetch};
use crate::paper::{UnitVector, dot};

/// How far a stored length may be from one: rounding, not damage.
const TOLERANCE: f32 = 1e-3;

/// A vector that does not belong with the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// It has another length.
    #[error("vector {number} has {given} numbers, not {wanted}")]
    Dimension {
        /// Its number.
        number: u32,
        /// How many it has.
        given: usize,
        /// How many the others have.
        wanted: usize,
    },
    /// It is no direction.
    #[error("vector {0} is not of length one")]
    NotUnit(u32),
}

/// Unit vectors of one dimension, each with its number.
#[derive(Clone)]
pub struct FlatVectors {
    dimension: usize,
    numbers: Vec<u32>,
    values: Vec<f32>,
    codes: Codes,
    products: Products,
    /// Whether the numbers rise.
    in_order: bool,
}

impl FlatVectors {
    /// None yet, of `dimension` numbers each.
    #[must_use]
    pub fn new(dimension: usize) -> Self {
        Self::with_capacity(dimension, 0)
    }

    /// The same, with room for `count`.
    #[must_use]
    pub fn with_capacity(dimension: usize, count: usize) -> Self {
        Self {
            dimension,
            numbers: Vec::with_capacity(count),
            values: Vec::with_capacity(count * dimension),
            codes: Codes::new(dimension),
            products: Products::best(),
            in_order: true,
        }
    }

    /// Of rows that were stored; `None` where they do not fit together.
    pub(super) fn of(dimension: usize, numbers: Vec<u32>, values: Vec<f32>) -> Option<Self> {
        (numbers.len().checked_mul(dimension) == Some(values.len())).then(|| Self {
            in_order: numbers.is_sorted(),
            codes: Codes::of(dimension, &values),
            numbers,
            values,
            ..Self::new(dimension)
        })
    }

    /// Adds a vector. Each number is to be given once.
    ///
    /// # Errors
    /// Where it is not a unit vector of the dimension; nothing is added then.
    pub fn push(&mut self, number: u32, vector: &[f32]) -> Result<(), Misfit> {
        if vector.len() != self.dimension {
            return Err(Misfit::Dimension { number, given: vector.len(), wanted: self.dimension });
        }
        let off = (dot(vector, vector) - 1.0).abs();
        if off.is_nan() || off > TOLERANCE {
            return Err(Misfit::NotUnit(number));
        }
        self.in_order &= self.numbers.last().is_none_or(|last| *last < number);
        self.numbers.push(number);
        self.values.extend_from_slice(vector);
        self.codes.push(vector);
        Ok(())
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// How many numbers each has.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Their numbers, in order of rows.
    #[must_use]
    pub fn numbers(&self) -> &[u32] {
        &self.numbers
    }

    /// All their values, row by row.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The vector of row `row`; empty if there is none.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f32] {
        self.values.get(row * self.dimension..(row + 1) * self.dimension).unwrap_or_default()
    }

    /// The vector with this number.
    #[must_use]
    pub fn of_number(&self, number: u32) -> Option<&[f32]> {
        // Vectors are shown by the store in the order of their numbers; others need not be.
        let row = if self.in_order {
            self.numbers.binary_search(&number).ok()?
        } else {
            self.numbers.iter().position(|known| *known == number)?
        };
        Some(self.row(row))
    }

    /// The same in a byte a number.
    pub(super) fn codes(&self) -> &Codes {
        &self.codes
    }

    /// Asks for a row that is going to be compared.
    pub(super) fn prefetch(&self, row: usize) {
        prefetch(self.row(row));
    }

    /// The cosine of row `row` to `query`.
    pub(super) fn similarity(&self, row: usize, query: &UnitVector) -> f32 {
        (self.products.floats)(self.row(row), query.as_slice()).clamp(-1.0, 1.0)
    }
}
