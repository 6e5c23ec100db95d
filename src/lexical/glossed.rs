//! Passages by the English of a question in another language: BM25 where each word is all its meanings at once.
//!
//! How often a passage holds a word, and how many passages do, are sums over its meanings, each by its share (Darwish and Oard
//! 2003, "Probabilistic Structured Query Methods").

use tantivy::postings::TermInfo;

use super::glossary::{Gloss, Glosses};
use super::index::{LexicalIndex, Segment};
use super::lexicon::{Lexicon, each, idf, saturated, term_infos};
use super::scores::{Scores, Sum};
use super::{FIELDS, LexicalError, SCHEMA};

/// A meaning of half the share of the best is as good a sign that a word is there: the second is often that of research.
const MEANT: f32 = 2.0;

/// A segment while it is searched.
struct Walk<'l> {
    index: &'l LexicalIndex,
    segment: &'l Segment,
    sums: Vec<Sum>,
    /// How often each document holds the word at hand in one field.
    expected: Vec<f32>,
    /// The greatest share of a meaning of the word at hand that each document holds in any field.
    held: Vec<f32>,
    /// Documents of `expected` and of `held` that are not zero.
    touched: Vec<u32>,
    holders: Vec<u32>,
}

impl Lexicon {
    /// What every document is worth that holds a meaning of a word of the question. The coverage is the share of the question's
    /// words, by rarity, one of whose better meanings it holds; words of other scripts are not counted.
    ///
    /// # Errors
    /// [`LexicalError::Damaged`] where postings cannot be read.
    pub fn search_glosses(&self, glosses: &Glosses) -> Result<Scores<'_>, LexicalError> {
        let segments = self.indexes.iter().flat_map(|index| index.segments.iter().map(move |s| (index, s)));
        let mut walks: Vec<Walk<'_>> = segments.map(|(index, segment)| Walk::new(index, segment)).collect();
        let mut total = 0.0;
        for gloss in &glosses.words {
            total += self.score_gloss(gloss, &mut walks)?;
        }
        // What no glossary has is as rare as the rest.
        total *= 1.0 + glosses.unknown as f32 / glosses.words.len().max(1) as f32;
        Ok(Scores::new(walks.into_iter().map(|walk| (walk.segment, walk.sums)).collect(), total))
    }

    /// Adds what one word is worth to every document; its rarity.
    fn score_gloss(&self, gloss: &Gloss, walks: &mut [Walk<'_>]) -> Result<f32, LexicalError> {
        let best = gloss.meanings.iter().map(|(_, share)| *share).fold(f32::MIN_POSITIVE, f32::max);
        let mut infos: Vec<Vec<[Option<TermInfo>; FIELDS]>> = Vec::with_capacity(walks.len());
        let mut frequency = [0.0; FIELDS];
        for walk in walks.iter() {
            let mut here = Vec::with_capacity(gloss.meanings.len());
            for (term, share) in &gloss.meanings {
                let found = term_infos(walk.index, walk.segment, term)?;
                for (sum, info) in frequency.iter_mut().zip(&found) {
                    *sum += f64::from(*share) * info.as_ref().map_or(0.0, |info| f64::from(info.doc_freq));
                }
                here.push(found);
            }
            infos.push(here);
        }
        for (walk, infos) in walks.iter_mut().zip(&infos) {
            for field in 0..FIELDS {
                for ((_, share), infos) in gloss.meanings.iter().zip(infos) {
                    walk.expect(infos, field, *share, (MEANT * share / best).min(1.0))?;
                }
                let (Some(statistics), Some(schema), Some(frequency)) =
                    (self.fields.get(field), SCHEMA.get(field), frequency.get(field))
                else {
                    continue;
                };
                let worth = schema.weight * idf(statistics.documents, *frequency);
                walk.score(field, worth, statistics.mean_length);
            }
        }
        let holders: usize = walks.iter().map(|walk| walk.holders.len()).sum();
        let weight = idf(self.documents, holders as f64);
        for walk in walks {
            walk.cover(weight);
        }
        Ok(weight)
    }
}

impl<'l> Walk<'l> {
    fn new(index: &'l LexicalIndex, segment: &'l Segment) -> Self {
        let zeros = || vec![0.0; segment.numbers().len()];
        Self {
            index,
            segment,
            sums: vec![Sum::default(); segment.numbers().len()],
            expected: zeros(),
            held: zeros(),
            touched: Vec::new(),
            holders: Vec::new(),
        }
    }

    fn expect(
        &mut self,
        infos: &[Option<TermInfo>; FIELDS],
        field: usize,
        share: f32,
        of_best: f32,
    ) -> Result<(), LexicalError> {
        let Self { index, segment, expected, held, touched, holders, .. } = self;
        each(index, segment, Some(infos), field, |document, frequency| {
            let place = document as usize;
            let (Some(expected), Some(held)) = (expected.get_mut(place), held.get_mut(place)) else { return };
            if *expected == 0.0 {
                touched.push(document);
            }
            *expected += share * frequency as f32;
            if *held == 0.0 {
                holders.push(document);
            }
            *held = held.max(of_best);
        })
    }

    fn score(&mut self, field: usize, worth: f32, mean_length: f32) {
        let Some(lengths) = self.segment.lengths.get(field) else { return };
        for document in self.touched.drain(..) {
            let place = document as usize;
            if let (Some(expected), Some(sum), Some(length)) =
                (self.expected.get_mut(place), self.sums.get_mut(place), lengths.get(place))
            {
                sum.score += worth * saturated(std::mem::take(expected), *length as f32 / mean_length);
            }
        }
    }

    fn cover(&mut self, weight: f32) {
        for document in self.holders.drain(..) {
            let place = document as usize;
            if let (Some(held), Some(sum)) = (self.held.get_mut(place), self.sums.get_mut(place)) {
                sum.coverage += weight * std::mem::take(held);
            }
        }
    }
}
