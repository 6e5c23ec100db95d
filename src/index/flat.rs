//! Many unit vectors, each in two grains: a byte a number, which all are compared by, and whole, for those that are worth a closer look.
//!
//! Bytes are in memory or mapped; the whole ones are in memory while they are few or new, else read from their file when they are wanted.

use std::borrow::Cow;
use std::path::Path;

use super::codes::{Coded, Codes};
use super::sealed::Sealed;
use super::similarity::{Products, prefetch};
use crate::paper::{UnitVector, dot, place_of};

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
pub struct FlatVectors {
    dimension: usize,
    numbers: Vec<u32>,
    values: Values,
    codes: Codes,
    products: Products,
    /// Whether the numbers rise.
    in_order: bool,
}

/// Row by row.
enum Values {
    Held(Vec<f32>),
    Stored(Sealed),
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
        let values = Values::Held(Vec::with_capacity(count * dimension));
        Self::of(Vec::with_capacity(count), Codes::new(dimension), values)
    }

    /// Of rows that were stored, a piece of the file each; `None` where they do not fit together.
    pub(super) fn stored(numbers: Vec<u32>, codes: Codes, rows: Sealed) -> Option<Self> {
        let count = numbers.len();
        let fits = codes.len() == count && rows.holds::<f32>(count, count.checked_mul(codes.dimension()));
        fits.then(|| Self::of(numbers, codes, Values::Stored(rows)))
    }

    fn of(numbers: Vec<u32>, codes: Codes, values: Values) -> Self {
        let (dimension, in_order) = (codes.dimension(), numbers.is_sorted());
        Self { dimension, numbers, values, codes, products: Products::best(), in_order }
    }

    /// Adds a vector to those in memory. Each number is to be given once.
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
        if let Values::Held(values) = &mut self.values {
            self.in_order &= self.numbers.last().is_none_or(|last| *last < number);
            self.numbers.push(number);
            values.extend_from_slice(vector);
            self.codes.push(vector);
        }
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

    /// The vector of row `row`; empty if there is none, or what is stored of it is damaged.
    #[must_use]
    pub fn row(&self, row: usize) -> Cow<'_, [f32]> {
        let first = row * self.dimension;
        match &self.values {
            Values::Held(values) => values.get(first..first + self.dimension).unwrap_or_default().into(),
            Values::Stored(rows) => rows.read(row, first, self.dimension).unwrap_or_default().into(),
        }
    }

    /// The row of the vector with this number.
    #[must_use]
    pub fn row_of(&self, number: u32) -> Option<usize> {
        // Vectors are shown by the store in the order of their numbers; others need not be.
        if self.in_order {
            place_of(&self.numbers, number)
        } else {
            self.numbers.iter().position(|known| *known == number)
        }
    }

    /// Reads all that is stored; whether it is whole.
    pub(super) fn is_whole(&self) -> bool {
        (0..self.len()).all(|row| self.row(row).len() == self.dimension)
    }

    /// The file, if a row of it was found damaged.
    pub(super) fn damaged(&self) -> Option<&Path> {
        match &self.values {
            Values::Held(_) => None,
            Values::Stored(rows) => rows.damaged(),
        }
    }

    /// The same in a byte a number.
    pub(super) fn codes(&self) -> &Codes {
        &self.codes
    }

    /// Asks for a row that is going to be compared.
    pub(super) fn prefetch(&self, row: usize) {
        if let Values::Held(_) = &self.values {
            prefetch(&self.row(row));
        }
    }

    /// The cosine of row `row` to `query`, by its bytes where the row itself is damaged.
    pub(super) fn similarity(&self, row: usize, query: &UnitVector, coded: &Coded) -> f32 {
        let whole = self.row(row);
        let similarity = match whole.len() == self.dimension {
            true => (self.products.floats)(&whole, query.as_slice()),
            false => self.codes.similarity(row, coded),
        };
        similarity.clamp(-1.0, 1.0)
    }
}
