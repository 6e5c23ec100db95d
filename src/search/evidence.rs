//! What the signals say of one paper, as one number.
//!
//! **Two sides.** A paper has an abstract side (title and abstract) and a commentary side. Each is as good as its best
//! passage; the paper is as good as its abstract, or as the mean of both where that is more. Commentary thus lifts its
//! paper, and alone never carries it past a paper whose abstract answers as well: of an article's sixteen
//! passages one is always near, and commentary in the language of the question looks nearer than it is. Measured on
//! digest-notes with half of the Korean commentary in the library: 0.53 by the best passage, 0.59 so.
//!
//! **Scores are added, not ranks.** Ranks throw away how much better the first is than the second (Bruch, Gai and
//! Ingber 2023, "An Analysis of Fusion Functions for Hybrid Retrieval"): on every set we have, adding is 0.01 to 0.10
//! nDCG@10 over reciprocal ranks. BM25 has no scale of its own, so it is divided by its best for this question,
//! within one side and language: a Korean question shares many bigrams with any Korean note and hardly a word with
//! the English abstract that answers it, and across languages its scores say nothing.
//!
//! **The sentence that answers.** An abstract says what was asked in one sentence and other things beside; the vector of the whole
//! is their mean. The sentences of a passage have vectors of their own, and the nearest to the question counts beside the whole (for
//! passages Dai and Callan 2019, "Deeper Text Understanding for IR with Contextual Neural Language Modeling", MaxP). The
//! means of a sentence's tokens in the pass of the whole ("late chunking", Günther et al. 2024), which cost nothing, were tried: a
//! tenth of the gain.
//!
//! **Words in English.** The words of a Korean, Chinese or Japanese question, as a glossary has them in English, are a signal of
//! their own beside the words as they are: the model knows few terms of research across languages (digest-notes, Korean without
//! Latin words: 0.202 by itself, 0.303 so). A glossary errs, so that all of a question's words stand somewhere in English is
//! not taken for all of them standing there.
//!
//! **Nothing that says it all is lost.** Where (nearly) all of the question's words, weighed by their rarity, stand in a
//! passage, that is added outright.

use crate::paper::PassageKind;

/// What BM25 adds at its best. Flat between 0.15 and 0.3 on all sets.
pub(super) const LEXICAL_WEIGHT: f32 = 0.2;
/// What the question's words in English add at their best. Of 0.15 to 0.3 the best for questions of a sentence; questions of a few
/// words gain a little more at 0.25.
const GLOSS_WEIGHT: f32 = 0.22;
/// What a passage that holds every word of the question adds.
pub(super) const COVERAGE_WEIGHT: f32 = 0.3;
/// Coverage begins to tell here.
const COVERAGE_FROM: f32 = 0.75;

/// The same in English: of the words of a question some are in no glossary. At 0.3 nonsense finds papers in larger libraries.
const ENGLISH_FROM: f32 = 0.4;

/// What is taken off a title that stands alone. Short texts are near to each other whatever they say: nonsense of a few words is
/// at 0.28 to a title, and at 0.0 to an abstract.
const TITLE_PENALTY: f32 = 0.2;

/// What is taken off the similarity of a passage since it is short.
pub(super) fn shortness(kind: PassageKind) -> f32 {
    if kind == PassageKind::Title { TITLE_PENALTY } else { 0.0 }
}

/// What the nearest sentence of an abstract counts, beside all of it. Between 0.3 and 0.8 there is a broad best.
const ABSTRACT_SENTENCE_WEIGHT: f32 = 0.5;
/// The same of commentary. At 0.5 a sentence of a note finds it always, and commentary outdoes abstracts in the language asked in.
const COMMENTARY_SENTENCE_WEIGHT: f32 = 0.2;

/// How near a passage is by all of it, and by the sentence of it that is nearest.
pub(super) fn with_sentence(kind: PassageKind, whole: f32, nearest: Option<f32>) -> f32 {
    let weight = match kind {
        PassageKind::Commentary => COMMENTARY_SENTENCE_WEIGHT,
        PassageKind::Title | PassageKind::Abstract => ABSTRACT_SENTENCE_WEIGHT,
    };
    nearest.map_or(whole, |nearest| (whole + weight * nearest) / (1.0 + weight))
}

/// The best of one side of a paper.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Side {
    /// Similarity of its nearest passage, hubs corrected; `None` if it has no passage with a vector.
    pub(super) dense: Option<f32>,
    /// BM25 of its best passage, 0 to 1.
    pub(super) lexical: f32,
    /// The same of the question's words in English.
    pub(super) glossed: f32,
}

/// All that the signals say of a paper.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Evidence {
    /// Title and abstract.
    pub(super) abstracts: Side,
    /// Commentary.
    pub(super) commentary: Side,
    /// The share of the question's words that its best passage holds.
    pub(super) coverage: f32,
    /// The same of the words in English.
    pub(super) coverage_in_english: f32,
}

impl Evidence {
    /// Of a passage by itself.
    pub(super) fn of_one(side: Side, coverage: f32) -> Self {
        Self { abstracts: side, coverage, ..Self::default() }
    }

    /// What the vectors say.
    pub(super) fn dense(&self) -> f32 {
        match (self.abstracts.dense, self.commentary.dense) {
            (Some(abstracts), Some(commentary)) => both(abstracts, commentary),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => 0.0,
        }
    }

    /// What the words say, 0 to 1.
    pub(super) fn lexical(&self) -> f32 {
        both(self.abstracts.lexical, self.commentary.lexical)
    }

    /// What the words say in English, 0 to 1.
    pub(super) fn glossed(&self) -> f32 {
        both(self.abstracts.glossed, self.commentary.glossed)
    }

    /// The number to rank by.
    pub(super) fn score(&self) -> f32 {
        self.dense()
            + LEXICAL_WEIGHT * self.lexical()
            + GLOSS_WEIGHT * self.glossed()
            + COVERAGE_WEIGHT * completeness(self.coverage)
    }
}

/// How complete a hit on the question's words is, 0 to 1.
pub(super) fn completeness(coverage: f32) -> f32 {
    above(COVERAGE_FROM, coverage)
}

/// The same of the words in English: whether there is an answer, not which is the best.
pub(super) fn completeness_in_english(coverage: f32) -> f32 {
    above(ENGLISH_FROM, coverage)
}

fn above(from: f32, coverage: f32) -> f32 {
    ((coverage - from) / (1.0 - from)).max(0.0)
}

fn both(abstracts: f32, commentary: f32) -> f32 {
    abstracts.max(f32::midpoint(abstracts, commentary))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dense(abstracts: f32, commentary: Option<f32>) -> Evidence {
        let side = |dense| Side { dense, ..Side::default() };
        Evidence { abstracts: side(Some(abstracts)), commentary: side(commentary), ..Evidence::default() }
    }

    #[test]
    fn commentary_lifts_its_paper_but_not_past_an_abstract_that_answers() {
        let answers = dense(0.5, None);
        let talks = dense(0.2, Some(0.6));
        let both = dense(0.5, Some(0.6));
        assert!(both.score() > answers.score() && answers.score() > talks.score());
        assert_eq!(
            dense(0.5, Some(0.1)).score(),
            answers.score(),
            "commentary on something else takes nothing away"
        );
    }

    #[test]
    fn a_note_that_is_quoted_brings_its_paper_first() {
        let quoted = Evidence {
            commentary: Side { dense: Some(0.7), lexical: 1.0, glossed: 0.0 },
            coverage: 1.0,
            ..dense(0.1, None)
        };
        let near = Evidence {
            abstracts: Side { dense: Some(0.55), lexical: 1.0, glossed: 0.0 },
            ..dense(0.0, None)
        };
        assert!(quoted.score() > near.score(), "{} {}", quoted.score(), near.score());
    }
}
