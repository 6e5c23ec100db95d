//! Vectors of sentences, some to a passage, a byte a number: looked at for the passages that are candidates, never searched.
//!
//! An abstract has five or six, each in a quarter of the room of a passage's vector: 1.3 times its room together.

use std::collections::HashMap;
use std::ops::Range;

use crate::paper::UnitVector;

/// The vectors of the sentences of passages.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SentenceVectors {
    dimension: usize,
    /// The rows of each passage.
    rows: HashMap<u32, Range<usize>>,
    /// Row by row, [`UnitVector::to_bytes`].
    values: Vec<u8>,
    /// What makes each row one of length one.
    scales: Vec<f32>,
}

impl SentenceVectors {
    /// None yet, of `dimension` numbers each.
    #[must_use]
    pub fn new(dimension: usize) -> Self {
        Self { dimension, ..Self::default() }
    }

    /// Adds the sentences of a passage. Each number is to be given once; what has another dimension is passed over.
    pub fn push(&mut self, number: u32, sentences: &[UnitVector]) {
        let first = self.scales.len();
        for sentence in sentences.iter().filter(|sentence| sentence.dimension() == self.dimension) {
            let bytes = sentence.to_bytes();
            self.scales.push(scale(&bytes));
            self.values.extend(bytes);
        }
        if self.scales.len() > first {
            self.rows.insert(number, first..self.scales.len());
        }
    }

    /// How near the nearest sentence of a passage is, by `similarity` to a vector; `None` if none of it is here.
    pub fn nearest(&self, number: u32, similarity: impl Fn(&[f32]) -> f32) -> Option<f32> {
        let rows = self.rows.get(&number)?.clone();
        let mut vector = vec![0.0; self.dimension];
        let of_row = |row: usize| {
            let bytes = self.values.get(row * self.dimension..(row + 1) * self.dimension)?;
            let scale = self.scales.get(row)?;
            let each = vector.iter_mut().zip(bytes);
            each.for_each(|(value, byte)| *value = f32::from(byte.cast_signed()) * scale);
            Some(similarity(&vector))
        };
        rows.filter_map(of_row).reduce(f32::max)
    }

    /// How many sentences.
    #[must_use]
    pub fn len(&self) -> usize {
        self.scales.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.scales.is_empty()
    }

    /// All rows.
    pub(super) fn values(&self) -> &[u8] {
        &self.values
    }

    /// Of each passage its number and how many rows are its own, in the order of the rows.
    pub(super) fn counts(&self) -> Vec<u32> {
        let mut passages: Vec<(&u32, &Range<usize>)> = self.rows.iter().collect();
        passages.sort_by_key(|(_, rows)| rows.start);
        passages.into_iter().flat_map(|(number, rows)| [*number, rows.len() as u32]).collect()
    }

    /// What [`SentenceVectors::counts`] and [`SentenceVectors::values`] told; `None` where they do not fit together.
    pub(super) fn of(dimension: usize, counts: &[u32], values: Vec<u8>) -> Option<Self> {
        let (pairs, []) = counts.as_chunks::<2>() else { return None };
        let mut rows = HashMap::with_capacity(pairs.len());
        let mut first = 0_usize;
        for [number, count] in pairs {
            let end = first.checked_add(*count as usize)?;
            rows.insert(*number, first..end);
            first = end;
        }
        if first.checked_mul(dimension) != Some(values.len()) {
            return None;
        }
        let scales = values.chunks_exact(dimension.max(1)).map(scale).collect();
        Some(Self { dimension, rows, values, scales })
    }
}

/// What makes a row one of length one.
fn scale(bytes: &[u8]) -> f32 {
    let square: i64 = bytes.iter().map(|byte| i64::from(byte.cast_signed()).pow(2)).sum();
    1.0 / (square.max(1) as f32).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paper::dot;

    fn unit(at: usize) -> UnitVector {
        UnitVector::new((0..8).map(|i| if i == at { 1.0 } else { 0.05 }).collect()).unwrap()
    }

    #[test]
    fn the_nearest_sentence_of_a_passage_speaks_and_what_was_stored_comes_back() {
        let mut vectors = SentenceVectors::new(8);
        vectors.push(7, &[unit(0), unit(1)]);
        vectors.push(9, &[]);
        vectors.push(3, &[unit(2), unit(3), unit(4)]);
        let near = |vectors: &SentenceVectors, number, at| {
            vectors.nearest(number, |sentence| dot(sentence, unit(at).as_slice()))
        };
        assert!(near(&vectors, 7, 1).unwrap() > 0.99 && near(&vectors, 7, 3).unwrap() < 0.2);
        assert!(near(&vectors, 3, 3).unwrap() > 0.99);
        assert_eq!((near(&vectors, 9, 0), vectors.len()), (None, 5));
        let stored = SentenceVectors::of(8, &vectors.counts(), vectors.values().to_vec()).unwrap();
        assert_eq!(stored, vectors);
        assert_eq!(SentenceVectors::of(8, &vectors.counts(), vectors.values()[8..].to_vec()), None);
        assert_eq!(SentenceVectors::of(8, &[7], Vec::new()), None);
        assert_eq!(SentenceVectors::of(8, &[7, u32::MAX], Vec::new()), None);
    }
}
