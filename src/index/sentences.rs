//! Vectors of sentences, some to a passage, a byte a number: looked at for the passages that are candidates, never searched.
//!
//! An abstract has five or six, each in a quarter of the room of a passage's vector: 1.3 times its room together.

use std::collections::HashMap;
use std::ops::Range;

use super::codes::{Coded, Codes};
use crate::paper::UnitVector;

/// The vectors of the sentences of passages.
#[derive(Clone)]
pub struct SentenceVectors {
    /// The rows of each passage.
    rows: HashMap<u32, Range<usize>>,
    codes: Codes,
}

/// One of them.
pub struct SentenceVector<'s> {
    codes: &'s Codes,
    row: usize,
}

impl SentenceVector<'_> {
    /// About the cosine to `query`.
    #[must_use]
    pub fn similarity(&self, query: &Coded) -> f32 {
        self.codes.similarity(self.row, query)
    }
}

impl PartialEq for SentenceVectors {
    fn eq(&self, other: &Self) -> bool {
        self.rows == other.rows && self.codes.bytes() == other.codes.bytes()
    }
}

impl SentenceVectors {
    /// None yet, of `dimension` numbers each.
    #[must_use]
    pub fn new(dimension: usize) -> Self {
        Self { rows: HashMap::new(), codes: Codes::new(dimension) }
    }

    /// Adds the sentences of a passage. Each number is to be given once; what has another dimension is passed over.
    pub fn push(&mut self, number: u32, sentences: &[UnitVector]) {
        let (first, dimension) = (self.codes.len(), self.codes.dimension());
        for sentence in sentences.iter().filter(|sentence| sentence.dimension() == dimension) {
            self.codes.push(sentence.as_slice());
        }
        if self.codes.len() > first {
            self.rows.insert(number, first..self.codes.len());
        }
    }

    /// The sentences of a passage; `None` if none of it is here.
    pub fn of_passage(&self, number: u32) -> Option<impl Iterator<Item = SentenceVector<'_>>> {
        let rows = self.rows.get(&number)?.clone();
        Some(rows.map(|row| SentenceVector { codes: &self.codes, row }))
    }

    /// How many sentences.
    #[must_use]
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All rows.
    pub(super) fn values(&self) -> &[i8] {
        self.codes.bytes()
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
        let codes = Codes::stored(dimension, values.into_iter().map(u8::cast_signed).collect())?;
        (codes.len() == first).then_some(Self { rows, codes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let query = Coded::of(&unit(at));
            vectors.of_passage(number)?.map(|sentence| sentence.similarity(&query)).reduce(f32::max)
        };
        assert!(near(&vectors, 7, 1).unwrap() > 0.99 && near(&vectors, 7, 3).unwrap() < 0.2);
        assert!(near(&vectors, 3, 3).unwrap() > 0.99);
        assert_eq!((near(&vectors, 9, 0), vectors.len()), (None, 5));
        let values: Vec<u8> = vectors.values().iter().map(|byte| byte.cast_unsigned()).collect();
        let stored = SentenceVectors::of(8, &vectors.counts(), values.clone()).unwrap();
        assert!(stored == vectors);
        assert_eq!(near(&stored, 3, 4), near(&vectors, 3, 4));
        assert!(SentenceVectors::of(8, &vectors.counts(), values[8..].to_vec()).is_none());
        assert!(SentenceVectors::of(8, &[7], Vec::new()).is_none());
        assert!(SentenceVectors::of(8, &[7, u32::MAX], Vec::new()).is_none());
    }
}
