//! What every document is worth to one question: summed where the document lies, looked up by its number.
//!
//! A question of many words is about nearly every document a little, and who asks wants a few hundred of them: the sums stay in one row
//! a segment, and nothing is made of a document until it is asked for.

use super::index::Segment;

/// A document that holds a term of the question.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Its number.
    pub number: u32,
    /// BM25, above zero and without bound.
    pub score: f32,
    /// How much of what the question asks it holds in any field, 0 to 1: the share of the idf of its terms. A term that no
    /// document holds weighs most.
    pub coverage: f32,
}

/// What is summed of a document.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sum {
    pub(super) score: f32,
    /// The idf of the terms it holds.
    pub(super) coverage: f32,
}

/// The documents of a lexicon, as one question finds them.
pub struct Scores<'l> {
    segments: Vec<(&'l Segment, Vec<Sum>)>,
    /// One, as a share of the idf of all terms.
    share: f32,
}

impl<'l> Scores<'l> {
    /// One sum for each document of each segment; the idf of all terms.
    pub(super) fn new(segments: Vec<(&'l Segment, Vec<Sum>)>, total: f32) -> Self {
        Self { segments, share: if total > 0.0 { total.recip() } else { 0.0 } }
    }

    /// No document is found.
    #[must_use]
    pub fn none() -> Self {
        Self { segments: Vec::new(), share: 0.0 }
    }

    /// All documents that were found, in the order of the indexes.
    pub fn hits(&self) -> impl Iterator<Item = Hit> {
        let sums = self.segments.iter().flat_map(|(segment, sums)| segment.numbers().iter().zip(sums));
        sums.filter_map(|(number, sum)| self.hit(*number, *sum))
    }

    /// The document of this number, if it was found.
    #[must_use]
    pub fn of(&self, number: u32) -> Option<Hit> {
        let found =
            self.segments.iter().find_map(|(segment, sums)| sums.get(segment.document_of(number)?).copied());
        self.hit(number, found?)
    }

    fn hit(&self, number: u32, sum: Sum) -> Option<Hit> {
        let coverage = (sum.coverage * self.share).min(1.0);
        (sum.score > 0.0).then_some(Hit { number, score: sum.score, coverage })
    }
}
