//! Several indexes searched as one: BM25 by walking every posting of every term, so that nothing is missed and a score
//! means the same whatever index its document is in.
//!
//! Field by field, Robertson's BM25 with Lucene's idf, which is never negative. The counts behind it (documents that
//! have the field, documents that have the term in it, mean length) are summed over all indexes first.

use std::sync::Arc;

use tantivy::postings::TermInfo;
use tantivy::schema::IndexRecordOption;

use super::index::{LexicalIndex, Segment};
use super::phrase::holding;
use super::scores::{Scores, Sum};
use super::terms::{Phrase, Term};
use super::{FIELDS, LexicalError, SCHEMA, Terms};

/// How soon repeating a word stops to help.
const K1: f32 = 1.2;
/// How much a longer text must repeat its words.
const B: f32 = 0.75;
/// What a joined form is worth beside its parts, which it repeats: half was best or as good on every judged set.
const JOINED: f32 = 0.5;
/// Terms of a question that count if several documents hold them, the rarest of all: questions are texts, and texts may be long.
/// Common words take most of the time and tell least (as Lucene's MoreLikeThis chooses 25). Chosen of 24 to 512 on digest-notes and scifact:
/// recall of related papers is .566 (.744 with notes), of 512 .568 (.716), of 64 .562 (.757), of 32 .543 (.732); questions move by .003 at
/// most from 48 up. Of cisi, on which it was not chosen, related papers lose .003.
const TERMS: usize = 48;

/// What so many documents hold, and more than half of all, tells nothing and takes most of the time: Robertson and Sparck Jones' weight
/// of it is below zero (1976). Without what half of all hold nDCG moves by .003 at most on scifact, digest-notes, cranfield and cisi, recall of
/// related papers by .005; there the bound on their number was not applied.
const COMMON: f64 = 1_000.0;

/// Indexes, and what is counted over all of them.
pub struct Lexicon {
    pub(super) indexes: Vec<Arc<LexicalIndex>>,
    pub(super) documents: f64,
    pub(super) fields: [Statistics; FIELDS],
}

#[derive(Clone, Copy, Default)]
pub(super) struct Statistics {
    pub(super) documents: f64,
    pub(super) mean_length: f32,
}

/// A segment while it is searched.
struct Walk<'l> {
    index: &'l LexicalIndex,
    segment: &'l Segment,
    sums: Vec<Sum>,
    /// The last term that was found in each document, counted from 1.
    seen: Vec<u32>,
    /// Documents with the term at hand.
    holders: Vec<u32>,
}

/// A term, and where it is: by segment and field.
struct Found<'q> {
    term: &'q Term,
    at: usize,
    infos: Vec<[Option<TermInfo>; FIELDS]>,
    frequency: [u64; FIELDS],
}

impl Lexicon {
    /// All `indexes` as one. A number must be in one of them only.
    #[must_use]
    pub fn new(indexes: Vec<Arc<LexicalIndex>>) -> Self {
        let mut fields = [Statistics::default(); FIELDS];
        for (field, statistics) in fields.iter_mut().enumerate() {
            let segments = indexes.iter().flat_map(|index| &index.segments);
            let lengths = segments.filter_map(|segment| segment.lengths.get(field)).flatten();
            let (count, sum) = lengths
                .filter(|length| **length > 0)
                .fold((0_u64, 0_u64), |(count, sum), length| (count + 1, sum + u64::from(*length)));
            let mean = if count == 0 { 1.0 } else { sum as f64 / count as f64 };
            *statistics = Statistics { documents: count as f64, mean_length: mean as f32 };
        }
        let documents = indexes.iter().map(|index| index.len()).sum::<usize>() as f64;
        Self { indexes, documents, fields }
    }

    /// How many documents.
    #[must_use]
    pub fn len(&self) -> usize {
        self.indexes.iter().map(|index| index.len()).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What every document is worth that holds a term and each phrase.
    ///
    /// # Errors
    /// [`LexicalError::Damaged`] where postings cannot be read.
    pub fn search(&self, terms: &Terms) -> Result<Scores<'_>, LexicalError> {
        let mut walks: Vec<Walk<'_>> = self
            .indexes
            .iter()
            .flat_map(|index| index.segments.iter().map(|s| Walk::new(index, s)))
            .collect();
        let found = self.found(terms.asked(), &walks)?;
        let mut total = 0.0;
        for (number, one) in (1_u32..).zip(&found) {
            for (at, walk) in walks.iter_mut().enumerate() {
                self.score(one, at, number, walk)?;
            }
            if !one.term.counts() {
                continue;
            }
            let holders: usize = walks.iter().map(|walk| walk.holders.len()).sum();
            let weight = idf(self.documents, holders as f64);
            total += weight;
            let joined = found.iter().filter(|other| one.term.within.binary_search(&other.at).is_ok());
            for joined in joined.filter(|_| !one.term.within.is_empty()) {
                for (at, walk) in walks.iter_mut().enumerate() {
                    walk.add_holders(joined, at, number)?;
                }
            }
            for walk in &mut walks {
                for document in &walk.holders {
                    if let Some(sum) = walk.sums.get_mut(*document as usize) {
                        sum.coverage += weight;
                    }
                }
            }
        }
        let summed: Result<Vec<_>, LexicalError> =
            walks.into_iter().map(|walk| walk.with_phrases(terms.insisted())).collect();
        Ok(Scores::new(summed?, total))
    }

    /// Where the terms are, the rarest first chosen and then in the order of the question.
    fn found<'q>(&self, terms: &'q [Term], walks: &[Walk<'_>]) -> Result<Vec<Found<'q>>, LexicalError> {
        let mut found = Vec::with_capacity(terms.len());
        for (at, term) in terms.iter().enumerate() {
            let mut infos = Vec::with_capacity(walks.len());
            let mut frequency = [0; FIELDS];
            for walk in walks {
                let here = term_infos(walk.index, walk.segment, &term.text)?;
                for (sum, info) in frequency.iter_mut().zip(&here) {
                    *sum += info.as_ref().map_or(0, |info| u64::from(info.doc_freq));
                }
                infos.push(here);
            }
            found.push(Found { term, at, infos, frequency });
        }
        let common = |one: &Found<'_>| {
            let holders = one.frequency.iter().max().copied().unwrap_or_default() as f64;
            holders > COMMON && holders > self.documents / 2.0
        };
        // Of a question of nothing else they are all there is.
        if !found.iter().all(common) {
            found.retain(|one| !common(one));
        }
        // What one document alone holds costs nothing; of a paper's own words it is often that paper.
        let held = |one: &Found<'_>| one.frequency.iter().max().copied().unwrap_or_default();
        if found.iter().filter(|one| held(one) > 1).count() > TERMS {
            found.sort_by_key(|one| (held(one), one.at));
            let alone = found.partition_point(|one| held(one) <= 1);
            found.truncate(alone + TERMS);
            found.sort_by_key(|one| one.at);
        }
        Ok(found)
    }

    /// Adds what the term is worth to the documents of `walk`.
    fn score(
        &self,
        one: &Found<'_>,
        at: usize,
        number: u32,
        walk: &mut Walk<'_>,
    ) -> Result<(), LexicalError> {
        walk.holders.clear();
        let worth = if one.term.counts() { 1.0 } else { JOINED };
        for (field, ((statistics, frequency), (schema, lengths))) in
            self.fields.iter().zip(one.frequency).zip(SCHEMA.iter().zip(&walk.segment.lengths)).enumerate()
        {
            let worth = worth * schema.weight * idf(statistics.documents, frequency as f64);
            let (sums, seen, holders) = (&mut walk.sums, &mut walk.seen, &mut walk.holders);
            each(walk.index, walk.segment, one.infos.get(at), field, |document, frequency| {
                let place = document as usize;
                let (Some(sum), Some(seen), Some(length)) =
                    (sums.get_mut(place), seen.get_mut(place), lengths.get(place))
                else {
                    return;
                };
                sum.score += worth * saturated(frequency as f32, *length as f32 / statistics.mean_length);
                if *seen != number {
                    *seen = number;
                    holders.push(document);
                }
            })?;
        }
        Ok(())
    }
}

impl<'l> Walk<'l> {
    fn new(index: &'l LexicalIndex, segment: &'l Segment) -> Self {
        let documents = segment.numbers().len();
        let sums = vec![Sum::default(); documents];
        Self { index, segment, sums, seen: vec![0; documents], holders: Vec::new() }
    }

    fn failed(&self, error: std::io::Error) -> LexicalError {
        LexicalError::damaged(&self.index.path, error)
    }

    fn add_holders(&mut self, joined: &Found<'_>, at: usize, number: u32) -> Result<(), LexicalError> {
        for field in 0..FIELDS {
            let (seen, holders) = (&mut self.seen, &mut self.holders);
            each(self.index, self.segment, joined.infos.get(at), field, |document, _| {
                if let Some(seen) = seen.get_mut(document as usize).filter(|seen| **seen != number) {
                    *seen = number;
                    holders.push(document);
                }
            })?;
        }
        Ok(())
    }

    /// Nothing is left of a document without one of the phrases.
    fn with_phrases(mut self, phrases: &[Phrase]) -> Result<(&'l Segment, Vec<Sum>), LexicalError> {
        let holding = holding(self.segment, phrases).map_err(|error| self.failed(error))?;
        for (sum, _) in self.sums.iter_mut().zip(holding.iter().flatten()).filter(|(_, held)| !**held) {
            *sum = Sum::default();
        }
        Ok((self.segment, self.sums))
    }
}

/// Where a term is in a segment, by field.
pub(super) fn term_infos(
    index: &LexicalIndex,
    segment: &Segment,
    term: &str,
) -> Result<[Option<TermInfo>; FIELDS], LexicalError> {
    let mut infos = [const { None }; FIELDS];
    for (postings, info) in segment.postings.iter().zip(&mut infos) {
        let found = postings.terms().get(term.as_bytes());
        *info = found.map_err(|error| LexicalError::damaged(&index.path, error))?;
    }
    Ok(infos)
}

/// Shows every posting of a term in one field: document and frequency.
pub(super) fn each(
    index: &LexicalIndex,
    segment: &Segment,
    infos: Option<&[Option<TermInfo>; FIELDS]>,
    field: usize,
    mut take: impl FnMut(u32, u32),
) -> Result<(), LexicalError> {
    let info = infos.and_then(|infos| infos.get(field)?.as_ref());
    let (Some(info), Some(postings)) = (info, segment.postings.get(field)) else { return Ok(()) };
    let mut block = postings
        .read_block_postings_from_terminfo(info, IndexRecordOption::WithFreqs)
        .map_err(|error| LexicalError::damaged(&index.path, error))?;
    while block.block_len() > 0 {
        block.docs().iter().zip(block.freqs()).for_each(|(document, frequency)| take(*document, *frequency));
        block.advance();
    }
    Ok(())
}

/// Lucene's: of a term that `holders` of `documents` hold.
pub(super) fn idf(documents: f64, holders: f64) -> f32 {
    (1.0 + (documents - holders + 0.5).max(0.0) / (holders + 0.5)).ln() as f32
}

/// How much a word counts that stands so often in a text of so many mean lengths.
pub(super) fn saturated(frequency: f32, length: f32) -> f32 {
    (K1 + 1.0) * frequency / (frequency + K1 * (1.0 - B + B * length))
}
