//! A question as the model reads it.

use super::SearchError;
use crate::embed::Encoder;
use crate::index::Centring;
use crate::paper::{Language, Role, UnitVector, VectorError, chunk};

/// What is asked: its words, and its vectors.
#[derive(Clone, Debug)]
pub struct Question {
    /// The text, from which the terms come.
    pub text: String,
    /// The text in pieces of at most what the model reads; one, as a rule.
    pub pieces: Vec<Piece>,
}

/// A piece of a question, embedded in both roles.
///
/// The model was trained to bring a question in the query role near to the passage that answers it, and texts that
/// say the same near to each other in one role. What is asked about papers is both: a person's words, or somebody
/// else's summary. The mean of both directions is better than either, on every judged set we have (README).
#[derive(Clone, Debug)]
pub struct Piece {
    /// Its language.
    pub language: Language,
    /// Its raw vector in the query role.
    pub as_query: UnitVector,
    /// Its raw vector in the passage role.
    pub as_passage: UnitVector,
}

impl Question {
    /// Embeds `text`.
    ///
    /// # Errors
    /// [`SearchError::Empty`] where there is nothing to embed; whatever the model fails with.
    pub fn embed(text: &str, encoder: &dyn Encoder) -> Result<Self, SearchError> {
        let spans = chunk(text, encoder.token_limit(), |piece| encoder.count_tokens(piece));
        let texts: Vec<&str> = spans.into_iter().map(|span| &text[span]).collect();
        if texts.is_empty() {
            return Err(SearchError::Empty);
        }
        let as_query = encoder.encode(Role::Query, &texts)?;
        let as_passage = encoder.encode(Role::Passage, &texts)?;
        let pieces = texts
            .iter()
            .zip(as_query.into_iter().zip(as_passage))
            .map(|(piece, (as_query, as_passage))| Piece {
                language: Language::of(piece),
                as_query,
                as_passage,
            })
            .collect();
        Ok(Self { text: text.to_owned(), pieces })
    }

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
        self.mean(|piece| Ok(piece.as_query.clone()))
    }

    /// The direction to search in, under `centring`.
    ///
    /// # Errors
    /// As [`Question::raw`].
    pub fn centred(&self, centring: &Centring) -> Result<UnitVector, VectorError> {
        self.mean(|piece| {
            UnitVector::mean_of(&[
                centring.apply(Role::Query, piece.language, &piece.as_query),
                centring.apply(Role::Passage, piece.language, &piece.as_passage),
            ])
        })
    }

    fn mean(
        &self,
        of: impl Fn(&Piece) -> Result<UnitVector, VectorError>,
    ) -> Result<UnitVector, VectorError> {
        match self.pieces.as_slice() {
            [piece] => of(piece),
            pieces => UnitVector::mean_of(&pieces.iter().map(of).collect::<Result<Vec<_>, _>>()?),
        }
    }
}
