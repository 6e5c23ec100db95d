//! A question as the model reads it: whole, and where it has several sentences each of them too.
//!
//! A vector of a whole note says what the note is about on average. Its one sentence on what the paper does is nearer to the
//! abstract than the mean of that and two sentences of opinion (on digest-notes 0.005 to 0.009 nDCG@10).

use super::SearchError;
use crate::embed::Encoder;
use crate::index::{Centring, Coded, CodedRow};
use crate::lexical::Glosses;
use crate::paper::{Language, Role, Span, UnitVector, VectorError, chunk, telling_sentences};

/// So many sentences of a question are asked each by itself: more say nothing new and cost the time of a page.
const MOST_SENTENCES: usize = 16;
/// What the nearest sentence counts, beside all of the question. Between 0.2 and 0.7 there is a broad best.
const SENTENCE_WEIGHT: f32 = 0.4;

/// What is asked: its words, and its vectors.
#[derive(Clone, Debug)]
pub struct Question {
    /// The text, from which the terms come.
    pub text: String,
    /// The text in pieces of at most what the model reads; one, as a rule.
    pub pieces: Vec<Piece>,
    /// Its sentences, where there are several.
    pub sentences: Vec<Piece>,
    /// Its words in English.
    pub glosses: Glosses,
}

/// A piece of a question.
#[derive(Clone, Debug)]
pub struct Piece {
    /// Its language.
    pub language: Language,
    /// Its raw vector.
    pub vector: UnitVector,
}

/// The texts of a question, to be embedded.
#[derive(Clone, Debug)]
pub struct QuestionTexts {
    text: String,
    pieces: Vec<String>,
    sentences: Vec<String>,
    glosses: Glosses,
}

impl QuestionTexts {
    /// Of `text` as a whole, for a model.
    #[must_use]
    pub fn whole(text: &str, encoder: &dyn Encoder) -> Self {
        let pieces = chunk(text, encoder.token_limit(), |piece| encoder.count_tokens(piece));
        Self {
            text: text.to_owned(),
            pieces: owned(text, pieces),
            sentences: Vec::new(),
            glosses: Glosses::default(),
        }
    }

    /// Of `text` as a whole, of its sentences, and of its words in English.
    #[must_use]
    pub fn of(text: &str, encoder: &dyn Encoder) -> Self {
        let sentences = telling_sentences(text).into_iter().take(MOST_SENTENCES);
        let mut sentences = owned(text, sentences.collect());
        sentences.retain(|sentence| encoder.count_tokens(sentence) <= encoder.token_limit());
        Self { sentences, glosses: Glosses::of(text), ..Self::whole(text, encoder) }
    }

    /// All that is to be embedded.
    pub fn all(&self) -> impl Iterator<Item = &String> {
        self.pieces.iter().chain(&self.sentences)
    }

    /// The question, with the vectors of [`QuestionTexts::all`] in their order.
    pub fn with(self, vectors: impl IntoIterator<Item = UnitVector>) -> Question {
        let mut vectors = vectors.into_iter();
        let mut pieces = |texts: &[String]| -> Vec<Piece> {
            let each = texts.iter().zip(vectors.by_ref());
            each.map(|(text, vector)| Piece { language: Language::of(text), vector }).collect()
        };
        Question {
            pieces: pieces(&self.pieces),
            sentences: pieces(&self.sentences),
            text: self.text,
            glosses: self.glosses,
        }
    }

    /// The question, embedded.
    ///
    /// # Errors
    /// [`SearchError::Empty`] where there is nothing to embed; whatever the model fails with.
    pub fn embed(self, encoder: &dyn Encoder) -> Result<Question, SearchError> {
        let all: Vec<&str> = self.all().map(String::as_str).collect();
        if all.is_empty() {
            return Err(SearchError::Empty);
        }
        let vectors = encoder.encode_both(&all)?;
        Ok(self.with(vectors))
    }
}

fn owned(text: &str, spans: Vec<Span>) -> Vec<String> {
    spans.into_iter().map(|span| text[span].to_owned()).collect()
}

impl Question {
    /// The language asked in: that of the first piece.
    #[must_use]
    pub fn language(&self) -> Language {
        self.pieces.first().map_or(Language::UNDETERMINED, |piece| piece.language)
    }

    /// The model's own vector, as one would search with it plainly.
    ///
    /// # Errors
    /// If there is no piece, or the pieces cancel each other out.
    pub fn raw(&self) -> Result<UnitVector, VectorError> {
        mean(&self.pieces.iter().map(|piece| piece.vector.clone()).collect::<Vec<_>>())
    }

    /// The direction to search in, under `centring`.
    ///
    /// # Errors
    /// As [`Question::raw`].
    pub fn centred(&self, centring: &Centring) -> Result<UnitVector, VectorError> {
        mean(&centred(&self.pieces, centring)?)
    }

    /// What passages are compared with, under `centring`.
    ///
    /// # Errors
    /// As [`Question::raw`].
    pub(super) fn aims(&self, centring: &Centring) -> Result<Aims, VectorError> {
        let sentences = centred(&self.sentences, centring)?;
        Ok(Aims {
            whole: Aim::at(self.centred(centring)?),
            sentences: sentences.into_iter().map(Aim::at).collect(),
        })
    }
}

/// A direction that is asked for, to be compared with vectors of either grain.
#[derive(Clone, Debug)]
pub(super) struct Aim {
    vector: UnitVector,
    coded: Coded,
}

impl Aim {
    pub(super) fn at(vector: UnitVector) -> Self {
        Self { coded: Coded::of(&vector), vector }
    }

    pub(super) fn vector(&self) -> &UnitVector {
        &self.vector
    }
}

/// The directions of a question: of all of it, and of each of its sentences.
#[derive(Clone, Debug)]
pub(super) struct Aims {
    pub(super) whole: Aim,
    sentences: Vec<Aim>,
}

impl Aims {
    /// One direction.
    pub(super) fn at(whole: UnitVector) -> Self {
        Self { whole: Aim::at(whole), sentences: Vec::new() }
    }

    /// How near a passage is, or a sentence of it: to the whole, and to the sentence that it is nearest to.
    pub(super) fn similarity(&self, to: &CodedRow<'_>) -> f32 {
        let whole = to.similarity(&self.whole.coded);
        let nearest = self.sentences.iter().map(|aim| to.similarity(&aim.coded)).reduce(f32::max);
        nearest.map_or(whole, |nearest| (whole + SENTENCE_WEIGHT * nearest) / (1.0 + SENTENCE_WEIGHT))
    }
}

/// Between a question and a passage by style: what is asked may be a person's words, or a summary like those that are stored.
fn centred(pieces: &[Piece], centring: &Centring) -> Result<Vec<UnitVector>, VectorError> {
    pieces.iter().map(|piece| between(piece.language, &piece.vector, centring)).collect()
}

/// One vector of what is asked, centred so.
pub(super) fn between(
    language: Language,
    raw: &UnitVector,
    centring: &Centring,
) -> Result<UnitVector, VectorError> {
    UnitVector::mean_of(&[Role::Query, Role::Passage].map(|role| centring.apply(role, language, raw)))
}

fn mean(vectors: &[UnitVector]) -> Result<UnitVector, VectorError> {
    match vectors {
        [one] => Ok(one.clone()),
        several => UnitVector::mean_of(several),
    }
}
