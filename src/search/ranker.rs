//! Questions and papers to ranked papers, over one state of a library. Knows vectors, words and numbers of papers; what they say
//! is shown by [`super::Searcher`], and measured by `eval`, with the very same code.
//!
//! Three signals give candidates, none filters another: the nearest passages by vector, and the best by words, as they are and in
//! English. Every candidate is then judged by all its passages ([`super::evidence`]).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::SearchError;
use super::bonds::MOST_EVIDENCE;
use super::evidence::{Evidence, Side, shortness, with_sentence};
use super::feedback::{FEEDBACK_PAPERS, fed_back};
use super::hubs::Hubs;
use super::offers::{Offered, first_depth};
use super::question::{Aim, Aims, Question};
use super::questions::terms_of;
use super::ranking::{Method, RankedPaper, best, fused};
use super::rows::Rows;
use super::words::{Groups, Words, trust};
use crate::index::{Centring, ExactIndex, FlatVectors, PassageMeans, SentenceVectors, VectorIndex};
use crate::lexical::{Document, Glosses, Hit, LexicalIndex, Lexicon, Terms};
use crate::paper::{Language, Paper, Passage, PassageKind, PassageVectors, Role, UnitVector};
use crate::store::{PaperNumber, PassageNumber};

/// Passages among which the few nearest papers surely are.
const NEARBY: usize = 64;
/// How deep each ranking is that is fused.
const FUSED: usize = 1_000;
/// Papers whose sentences are looked at, of those that are best without. With 50 to 200 nDCG@10 is the same; recall of the first
/// 100 is not, and who asks for so many gets twice as many refined.
const REFINED: usize = 100;
/// A language with fewer passages on a side has no scale of its own for words.
const FEWEST_OF_A_LANGUAGE: usize = 50;
/// What words add between papers, at their best. Flat between 0.3 and 0.6 on digest-notes.
const RELATED_LEXICAL_WEIGHT: f32 = 0.4;

/// Which papers may be in an answer.
pub type Allow<'a> = &'a (dyn Fn(PaperNumber) -> bool + Sync);

/// What the ranker knows of a passage.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    paper: PaperNumber,
    kind: PassageKind,
    ordinal: usize,
    language: Language,
}

impl Entry {
    pub(super) fn of(paper: PaperNumber, passage: &Passage) -> Self {
        Self { paper, kind: passage.kind, ordinal: passage.ordinal, language: passage.language }
    }
}

/// A state of a library that ranks.
pub struct Ranker {
    centring: Centring,
    pub(super) indexes: Vec<Arc<dyn VectorIndex>>,
    sentences: Vec<Arc<SentenceVectors>>,
    pub(super) lexicon: Lexicon,
    /// By number: every word of a question asks for tens of thousands of them.
    entries: Vec<Option<Entry>>,
    /// Of each paper the passages: every candidate is judged by all of its own.
    passages_of: Rows,
    /// Within which words compare: a side of papers, and a language if there is enough of it.
    pub(super) groups: Groups,
    /// Of words in English.
    pub(super) one_group: Groups,
    hubs: Hubs,
}

impl Ranker {
    /// Of indexes and sentences whose vectors were centred by `centring`. Passages that are not among `entries` do not exist any more.
    pub(super) fn new(
        centring: Centring,
        indexes: Vec<Arc<dyn VectorIndex>>,
        sentences: Vec<Arc<SentenceVectors>>,
        lexicon: Lexicon,
        entries: HashMap<u32, Entry>,
    ) -> Self {
        let mut counts: HashMap<(bool, Language), usize> = HashMap::new();
        let mut commentary: BTreeMap<Language, Vec<(PaperNumber, u32)>> = BTreeMap::new();
        for (number, entry) in &entries {
            *counts.entry((is_commentary(entry), entry.language)).or_default() += 1;
            if is_commentary(entry) {
                commentary.entry(entry.language).or_default().push((entry.paper, *number));
            }
        }
        let passages_of = Rows::of(entries.iter().map(|(number, entry)| (entry.paper.0, *number)));
        commentary.values_mut().for_each(|numbers| numbers.sort_unstable_by_key(|(_, number)| *number));
        let hubs = Hubs::of(commentary, |number| indexes.iter().find_map(|index| index.vector(number)));
        let group_of = |entry: &Entry| {
            let side = is_commentary(entry);
            let own = counts.get(&(side, entry.language)).is_some_and(|count| *count >= FEWEST_OF_A_LANGUAGE);
            (side, own.then_some(entry.language))
        };
        let groups = Groups::of(entries.iter().map(|(number, entry)| (*number, group_of(entry))));
        let one_group = Groups::one(entries.len());
        let most = entries.keys().max().map_or(0, |most| *most as usize + 1);
        let mut by_number = vec![None; most];
        for (number, entry) in entries {
            if let Some(place) = by_number.get_mut(number as usize) {
                *place = Some(entry);
            }
        }
        Self {
            centring,
            lexicon,
            passages_of,
            groups,
            one_group,
            hubs,
            indexes,
            sentences,
            entries: by_number,
        }
    }

    /// Of papers in memory: a paper's number is its place in `papers`, a passage's its place in `passages`, which come
    /// with raw vectors.
    ///
    /// # Errors
    /// If words cannot be indexed.
    pub fn in_memory(
        papers: &[Paper],
        passages: &[(PaperNumber, Passage, PassageVectors)],
        prior: &Centring,
        dimension: usize,
    ) -> Result<Self, SearchError> {
        let mut means = PassageMeans::default();
        for (_, passage, raw) in passages {
            means.add(passage.language, raw.whole.as_slice());
        }
        let centring = prior.blended_with(&means);
        let mut vectors = FlatVectors::with_capacity(dimension, passages.len());
        let mut sentences = SentenceVectors::new(dimension);
        let mut entries = HashMap::with_capacity(passages.len());
        let mut documents = Vec::with_capacity(passages.len());
        for (number, (paper, passage, raw)) in (0..).zip(passages) {
            let centred = |raw| centring.apply(Role::Passage, passage.language, raw);
            // Unit vectors of one model fit.
            let _ = vectors.push(number, centred(&raw.whole).as_slice());
            sentences.push(number, &raw.sentences.iter().map(centred).collect::<Vec<_>>());
            entries.insert(number, Entry::of(*paper, passage));
            let paper = papers.get(paper.0 as usize);
            documents.extend(paper.and_then(|paper| Document::of(number, paper, passage)));
        }
        let index: Arc<dyn VectorIndex> = Arc::new(ExactIndex::new(Arc::new(vectors)));
        let lexicon = Lexicon::new(vec![Arc::new(LexicalIndex::in_memory(documents)?)]);
        Ok(Self::new(centring, vec![index], vec![Arc::new(sentences)], lexicon, entries))
    }

    /// What the vectors were centred by.
    #[must_use]
    pub fn centring(&self) -> &Centring {
        &self.centring
    }

    /// The `limit` best of the papers that are allowed, best first; fewer only if fewer are allowed.
    ///
    /// # Errors
    /// If the question's vectors cancel out, or the index of words cannot be read.
    pub fn rank(
        &self,
        question: &Question,
        method: Method,
        limit: usize,
        allow: Allow<'_>,
    ) -> Result<Vec<RankedPaper>, SearchError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        match method {
            Method::Dense => Ok(self.by_vector(&question.raw()?, limit, allow)),
            Method::Lexical => Ok(self.by_words(&self.hits(&terms_of(&question.text), allow)?, limit)),
            Method::ReciprocalRank => {
                let [dense, lexical] =
                    [Method::Dense, Method::Lexical].map(|method| self.rank(question, method, FUSED, allow));
                Ok(fused([dense?, lexical?], limit))
            }
            Method::Shipped => {
                let mut asked = question.aims(&self.centring)?;
                let (vector, terms) = (asked.whole.vector(), terms_of(&question.text));
                let Offered { words, papers } =
                    self.offered(vector, &terms, &question.glosses, limit, allow, &[])?;
                let judged = |papers: &[PaperNumber], asked: &Aims, sentences: &[Arc<SentenceVectors>]| {
                    let judge = |paper| self.judge(paper, asked, sentences, question.language(), &words);
                    papers.par_iter().map(|paper| judge(*paper)).collect::<Vec<RankedPaper>>()
                };
                let candidates: Vec<PaperNumber> = papers.into_iter().collect();
                let refined = REFINED.max(limit.saturating_mul(2));
                let refined = best(judged(&candidates, &asked, &[]), refined);
                let refined: Vec<PaperNumber> = refined.iter().map(|ranked| ranked.paper).collect();
                let first = best(judged(&refined, &asked, &self.sentences), FEEDBACK_PAPERS);
                let trust = trust(self.one_group.len());
                let moved = fed_back(asked.whole.vector(), &first, trust, |paper| self.direction_of(paper))?;
                asked.whole = Aim::at(moved);
                Ok(best(judged(&refined, &asked, &self.sentences), limit))
            }
        }
    }

    /// The papers nearest to `asked`, a direction among this ranker's vectors, that hold its `terms`; `evidence` adds what else
    /// speaks for a paper, and `also` are candidates in any case.
    ///
    /// # Errors
    /// If the index of words cannot be read.
    pub fn related(
        &self,
        asked: &UnitVector,
        terms: &Terms,
        limit: usize,
        allow: Allow<'_>,
        also: &[PaperNumber],
        evidence: &dyn Fn(PaperNumber) -> f32,
    ) -> Result<Vec<RankedPaper>, SearchError> {
        let aims = Aims::at(asked.clone());
        let Offered { words, papers } =
            self.offered(asked, terms, &Glosses::default(), limit, allow, also)?;
        let judge = |paper| {
            let dense = self.nearness(paper, &aims)?;
            let found = self.judge(paper, &aims, &[], Language::UNDETERMINED, &words);
            let score = dense + RELATED_LEXICAL_WEIGHT * found.lexical;
            Some(RankedPaper { score, dense, ..found })
        };
        let mut judged = best(papers.into_par_iter().filter_map(judge).collect(), usize::MAX);
        // Whom no evidence could bring among the first is not asked for any.
        let last = limit.checked_sub(1).and_then(|last| judged.get(last));
        let bar = last.map_or(f32::NEG_INFINITY, |last| last.score - MOST_EVIDENCE);
        judged.truncate(judged.partition_point(|ranked| ranked.score >= bar));
        judged.iter_mut().for_each(|ranked| ranked.score += evidence(ranked.paper));
        Ok(best(judged, limit))
    }

    /// How near the direction of a paper is to `asked`; of a paper of one passage by its bytes.
    fn nearness(&self, paper: PaperNumber, asked: &Aims) -> Option<f32> {
        match self.passages_of.get(paper.0 as usize) {
            [] => None,
            [alone] => {
                let row = self.indexes.iter().find_map(|index| index.coded(*alone))?;
                Some(asked.similarity(&row))
            }
            _ => Some(self.direction_of(paper)?.cosine(asked.whole.vector())),
        }
    }

    /// The papers like one paper, whose `words` are given, in a way of ranking.
    ///
    /// # Errors
    /// If the index of words cannot be read.
    pub fn like(
        &self,
        paper: PaperNumber,
        words: &str,
        method: Method,
        limit: usize,
        allow: Allow<'_>,
    ) -> Result<Vec<RankedPaper>, SearchError> {
        let Some(direction) = self.direction_of(paper) else { return Ok(Vec::new()) };
        match method {
            Method::Dense => Ok(self.by_vector(&direction, limit, allow)),
            Method::Lexical => {
                Ok(self.by_words(&self.hits(&Terms::of(words).without_phrases(), allow)?, limit))
            }
            Method::ReciprocalRank => {
                let [dense, lexical] = [Method::Dense, Method::Lexical]
                    .map(|method| self.like(paper, words, method, FUSED, allow));
                Ok(fused([dense?, lexical?], limit))
            }
            Method::Shipped => {
                let terms = Terms::of(words).without_phrases();
                self.related(&direction, &terms, limit, allow, &[], &|_| 0.0)
            }
        }
    }

    /// The papers with a passage that holds a word of the question, and every phrase of it.
    ///
    /// # Errors
    /// If the index of words cannot be read.
    pub(super) fn with_words(
        &self,
        terms: &Terms,
        allow: Allow<'_>,
    ) -> Result<HashSet<PaperNumber>, SearchError> {
        Ok(self.hits(terms, allow)?.iter().filter_map(|hit| self.paper_of(hit.number)).collect())
    }

    /// The direction of a paper: the mean of those of its texts (abstract, each commentary), each with the same weight
    /// however many passages it has. `None` if it has no vector yet.
    #[must_use]
    pub fn direction_of(&self, paper: PaperNumber) -> Option<UnitVector> {
        let mut texts: BTreeMap<(PassageKind, usize), Vec<UnitVector>> = BTreeMap::new();
        for number in self.passages_of.get(paper.0 as usize) {
            if let (Some(entry), Some(vector)) = (self.entry(*number), self.vector(*number)) {
                texts.entry((entry.kind, entry.ordinal)).or_default().push(vector);
            }
        }
        let texts: Result<Vec<UnitVector>, _> =
            texts.values().map(|vectors| UnitVector::mean_of(vectors)).collect();
        UnitVector::mean_of(&texts.ok()?).ok()
    }

    /// The centred vector of a passage.
    pub(super) fn vector(&self, number: u32) -> Option<UnitVector> {
        self.indexes.iter().find_map(|index| index.vector(number))
    }

    /// By its passages and by those of its sentences that are in `sentences`; `words`: as they are, and in English.
    fn judge(
        &self,
        paper: PaperNumber,
        asked: &Aims,
        sentences: &[Arc<SentenceVectors>],
        language: Language,
        words: &[Words<'_>; 2],
    ) -> RankedPaper {
        let nearest = |number| {
            let sentences = sentences.iter().find_map(|sentences| sentences.of_passage(number))?;
            sentences.rows().map(|sentence| asked.similarity(&sentence)).reduce(f32::max)
        };
        let mut evidence = Evidence::default();
        let mut speaks = (f32::NEG_INFINITY, PassageNumber(0));
        for number in self.passages_of.get(paper.0 as usize) {
            let Some(entry) = self.entry(*number) else { continue };
            let [(lexical, held), (glossed, held_in_english)] =
                words.each_ref().map(|words| words.of_passage(*number));
            evidence.coverage_in_english = evidence.coverage_in_english.max(held_in_english);
            let vector = self.indexes.iter().find_map(|index| index.coded(*number));
            let dense = vector.map(|vector| {
                with_sentence(entry.kind, asked.similarity(&vector), nearest(*number))
                    - self.hubs.penalty(language, paper, *number, &vector)
                    - shortness(entry.kind)
            });
            let side = if is_commentary(entry) { &mut evidence.commentary } else { &mut evidence.abstracts };
            side.lexical = side.lexical.max(lexical);
            side.glossed = side.glossed.max(glossed);
            side.dense = match (side.dense, dense) {
                (Some(one), Some(other)) => Some(one.max(other)),
                (one, other) => one.or(other),
            };
            evidence.coverage = evidence.coverage.max(held);
            let alone = Evidence::of_one(Side { dense, lexical, glossed }, held).score();
            if alone > speaks.0 {
                speaks = (alone, PassageNumber(*number));
            }
        }
        RankedPaper {
            paper,
            passage: speaks.1,
            score: evidence.score(),
            dense: evidence.dense(),
            lexical: evidence.lexical(),
            glossed: evidence.glossed(),
            coverage: evidence.coverage,
            coverage_in_english: evidence.coverage_in_english,
        }
    }

    fn entry(&self, number: u32) -> Option<&Entry> {
        self.entries.get(number as usize)?.as_ref()
    }

    pub(super) fn paper_of(&self, number: u32) -> Option<PaperNumber> {
        self.entry(number).map(|entry| entry.paper)
    }

    /// The passages by which the `limit` papers nearest to `asked` are so near, as search judges them, but by vectors alone.
    pub(super) fn nearest_papers(&self, asked: &UnitVector, limit: usize) -> Vec<PassageNumber> {
        // Titles that stand alone are nearer than they are let count.
        let found = self.nearest(asked, NEARBY, &|_| true);
        let judged = found.iter().filter_map(|near| {
            Some((near.number, near.similarity - shortness(self.entry(near.number)?.kind)))
        });
        best(self.by_best_passage(judged), limit).iter().map(|ranked| ranked.passage).collect()
    }

    fn by_vector(&self, asked: &UnitVector, limit: usize, allow: Allow<'_>) -> Vec<RankedPaper> {
        let all: usize = self.indexes.iter().map(|index| index.len()).sum();
        let mut depth = first_depth(limit);
        loop {
            let found = self.nearest(asked, depth, allow);
            let ranking = self.by_best_passage(found.iter().map(|near| (near.number, near.similarity)));
            if ranking.len() >= limit || depth >= all {
                return best(ranking, limit);
            }
            depth = depth.saturating_mul(4);
        }
    }

    fn by_words(&self, hits: &[Hit], limit: usize) -> Vec<RankedPaper> {
        best(self.by_best_passage(hits.iter().map(|hit| (hit.number, hit.score))), limit)
    }

    fn by_best_passage(&self, passages: impl Iterator<Item = (u32, f32)>) -> Vec<RankedPaper> {
        let mut papers: HashMap<PaperNumber, RankedPaper> = HashMap::new();
        for (number, score) in passages {
            let Some(paper) = self.paper_of(number) else { continue };
            let passage = PassageNumber(number);
            let ranked = RankedPaper::by_one_signal(paper, passage, score);
            let known = papers.entry(paper).or_insert(ranked);
            if score > known.score {
                *known = ranked;
            }
        }
        papers.into_values().collect()
    }
}

fn is_commentary(entry: &Entry) -> bool {
    entry.kind == PassageKind::Commentary
}

#[cfg(test)]
#[path = "ranker_tests.rs"]
mod tests;
