//! Vectors of sentences, some to a passage, a byte a number: looked at for the passages that are candidates, never searched.
//!
//! An abstract has five or six, each in a quarter of the room of a passage's vector: 1.3 times its room together. So they stay on
//! disk, and are read where they are asked for.

use std::borrow::Cow;
use std::path::Path;

use super::codes::{Coded, CodedRow};
use super::sealed::Sealed;
use super::similarity::Products;
use crate::paper::{UnitVector, place_of};

/// The vectors of the sentences of passages.
pub struct SentenceVectors {
    dimension: usize,
    /// The passages that have any, by number, and where the sentences of each begin; one more: where the last end.
    passages: Vec<u32>,
    starts: Vec<u32>,
    rows: Rows,
    products: Products,
}

enum Rows {
    Held(Vec<i8>),
    Stored(Sealed),
}

/// The vectors of the sentences of one passage.
pub struct SentencesOfPassage<'s> {
    bytes: Cow<'s, [i8]>,
    dimension: usize,
    products: Products,
}

impl SentencesOfPassage<'_> {
    /// Each of them.
    pub fn rows(&self) -> impl Iterator<Item = CodedRow<'_>> {
        let rows = self.bytes.chunks_exact(self.dimension.max(1));
        rows.map(|row| CodedRow::of(row, self.products))
    }
}

impl SentenceVectors {
    /// None yet, of `dimension` numbers each.
    #[must_use]
    pub fn new(dimension: usize) -> Self {
        let rows = Rows::Held(Vec::new());
        Self { dimension, passages: Vec::new(), starts: vec![0], rows, products: Products::best() }
    }

    /// Of rows that were stored, and of each passage with sentences its number, ascending, and how many are its own; `None` where
    /// they do not fit together.
    pub(super) fn stored(dimension: usize, counts: &[u32], rows: Sealed) -> Option<Self> {
        let (pairs, []) = counts.as_chunks::<2>() else { return None };
        let mut all = Self { rows: Rows::Stored(rows), ..Self::new(dimension) };
        for [number, count] in pairs {
            all.passages.push(*number);
            all.starts.push(all.starts.last()?.checked_add(*count)?);
        }
        let Rows::Stored(rows) = &all.rows else { return None };
        let fits = rows.holds::<i8>(pairs.len(), all.len().checked_mul(dimension));
        (fits && all.passages.is_sorted_by(|one, two| one < two)).then_some(all)
    }

    /// Adds the sentences of a passage, whose number is above those before; what has another dimension is passed over.
    pub fn push(&mut self, number: u32, sentences: &[UnitVector]) {
        let Rows::Held(bytes) = &mut self.rows else { return };
        let own = bytes_of(sentences, self.dimension);
        let in_order = self.passages.last().is_none_or(|last| *last < number);
        if !own.is_empty() && in_order {
            self.passages.push(number);
            bytes.extend(own);
            self.starts.push((bytes.len() / self.dimension) as u32);
        }
    }

    /// The sentences of a passage; `None` if none of it is here, or what is stored of it is damaged.
    #[must_use]
    pub fn of_passage(&self, number: u32) -> Option<SentencesOfPassage<'_>> {
        let at = place_of(&self.passages, number)?;
        let row = |at: usize| Some(*self.starts.get(at)? as usize * self.dimension);
        let (first, end) = (row(at)?, row(at + 1)?);
        let bytes = match &self.rows {
            Rows::Held(bytes) => bytes.get(first..end)?.into(),
            Rows::Stored(rows) => rows.read(at, first, end - first)?.into(),
        };
        Some(SentencesOfPassage { bytes, dimension: self.dimension, products: self.products })
    }

    /// How many sentences.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.last().map_or(0, |end| *end as usize)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads all that is stored; whether it is whole.
    pub(super) fn is_whole(&self) -> bool {
        self.passages.iter().all(|number| self.of_passage(*number).is_some())
    }

    /// The file, if a piece of it was found damaged.
    pub(super) fn damaged(&self) -> Option<&Path> {
        match &self.rows {
            Rows::Held(_) => None,
            Rows::Stored(rows) => rows.damaged(),
        }
    }
}

/// Vectors in a byte a number, one after the other; what has another dimension is passed over.
pub(super) fn bytes_of(sentences: &[UnitVector], dimension: usize) -> Vec<i8> {
    let fitting = sentences.iter().filter(|sentence| sentence.dimension() == dimension);
    fitting.flat_map(|sentence| Coded::of(sentence).into_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::sealed::seal;

    fn unit(at: usize) -> UnitVector {
        UnitVector::new((0..8).map(|i| if i == at { 1.0 } else { 0.05 }).collect()).unwrap()
    }

    #[test]
    fn the_nearest_sentence_of_a_passage_speaks_and_what_was_stored_comes_back() {
        let sentences: [(u32, Vec<UnitVector>); 3] =
            [(3, vec![unit(0), unit(1)]), (7, Vec::new()), (9, vec![unit(2), unit(3), unit(4)])];
        let mut held = SentenceVectors::new(8);
        let (mut bytes, mut seals) = (Vec::new(), Vec::new());
        for (number, sentences) in &sentences {
            held.push(*number, sentences);
            let own = bytes_of(sentences, 8);
            if !own.is_empty() {
                seals.push(seal(seals.len(), bytemuck::cast_slice(&own)));
                bytes.extend(own.iter().map(|byte| byte.cast_unsigned()));
            }
        }
        held.push(5, &[unit(7)]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sentences");
        fs_err::write(&path, bytes).unwrap();
        let stored = |counts: &[u32]| {
            let rows = Sealed::new(&path, fs_err::File::open(&path).unwrap(), 40, seals.clone());
            SentenceVectors::stored(8, counts, rows)
        };
        for vectors in [held, stored(&[3, 2, 9, 3]).unwrap()] {
            let near = |number, at| {
                let query = Coded::of(&unit(at));
                vectors.of_passage(number)?.rows().map(|row| row.similarity(&query)).reduce(f32::max)
            };
            assert!(near(3, 1).unwrap() > 0.99 && near(3, 3).unwrap() < 0.2);
            assert!(near(9, 3).unwrap() > 0.99);
            assert_eq!((near(7, 0), near(5, 7), vectors.len()), (None, None, 5));
        }
        assert!(stored(&[3]).is_none());
        assert!(stored(&[9, 2, 3, 3]).is_none());
        assert!(stored(&[3, 2, 9, u32::MAX]).is_none());
        let damaged = stored(&[3, 3, 9, 2]).unwrap();
        assert!(damaged.of_passage(3).is_none() && damaged.damaged() == Some(path.as_path()));
    }
}
