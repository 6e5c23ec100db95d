//! Texts to vectors for programs: what the two embedding faces may ask of the model, and in which turns they are given it.
//!
//! A vector is the model's own: of length one, in the role asked for, not centred for any library. The model's prefix for the role
//! (`query: `, `passage: `) is put before every text, and nothing else is changed: who types a prefix has it embedded as
//! part of the text. No text is cut unless the caller says so.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use utoipa::ToSchema;

use super::Refused;
use crate::embed::{Encoder, plan};
use crate::paper::{Role, UnitVector};
use crate::server::error::Failure;
use crate::server::state::{AppState, off_thread};

/// Tokens of one turn at the model: between turns a client that has left is noticed. Questions go before every thousand of them.
pub(super) const TOKENS_A_TURN: usize = 4_096;

/// What stands for texts in a request.
#[derive(Deserialize, ToSchema)]
#[serde(untagged, expecting = "expected a text, or an array of texts")]
#[schema(as = TextsToEmbed)]
pub(super) enum Texts {
    /// One text.
    One(String),
    /// Several.
    Many(Vec<String>),
    /// Tokens of one text; refused.
    Tokens(#[expect(dead_code, reason = "only told from texts")] Vec<i64>),
    /// Tokens of several; refused.
    TokenLists(#[expect(dead_code, reason = "only told from texts")] Vec<Vec<i64>>),
}

/// What of a long text is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// Its beginning.
    Head,
    /// Its end.
    Tail,
}

/// Why texts are not embedded.
pub(super) enum Unfit {
    /// There is none.
    NoTexts,
    /// One has no characters.
    Empty { position: usize },
    /// They are token ids.
    Tokens,
    /// More than one request may have.
    TooMany { texts: usize, limit: usize },
    /// One is longer than the model reads.
    TooLong { position: usize, tokens: usize, limit: usize },
    /// Together they are more than one request may have.
    TooMuch { tokens: usize, limit: usize },
}

/// What tokens of another's counting would need.
pub(super) const WHY_NO_TOKENS: &str = "token ids are not accepted: a request does not say which tokenizer they are of, and this \
                                        model's does not give a text back exactly; send the text itself (LangChain's \
                                        OpenAIEmbeddings: check_embedding_ctx_length=False)";

/// Texts with their vectors.
pub(super) struct Embedded {
    /// One a text, in order.
    pub(super) vectors: Vec<UnitVector>,
    /// What the model read, prefixes and special tokens included.
    pub(super) tokens: usize,
    /// Code points that were sent.
    pub(super) characters: usize,
    /// Spent on tokens.
    pub(super) tokenization: Duration,
    /// Spent on waiting for the model.
    pub(super) queue: Duration,
    /// Spent by the model.
    pub(super) inference: Duration,
}

/// The name of the model that answers: its fingerprint without the hash.
pub(super) fn model_name(state: &AppState) -> Result<String, Failure> {
    let encoder = encoder(state)?;
    let fingerprint = encoder.fingerprint();
    Ok(fingerprint.rsplit_once(':').map_or(fingerprint, |(name, _)| name).to_owned())
}

/// The model, once it is loaded.
pub(super) fn encoder(state: &AppState) -> Result<Arc<dyn Encoder>, Failure> {
    let model = state.library.model().ok_or_else(|| Failure::not_ready("loading the model"))?;
    Ok(Arc::clone(&model.encoder))
}

/// The vectors of `texts` in `role`. `cut`: what is kept of a text that is too long, where the caller wants it cut.
pub(super) async fn embed(
    state: &AppState,
    role: Role,
    texts: Texts,
    cut: Option<Kept>,
) -> Result<Embedded, Refused<Unfit>> {
    let started = Instant::now();
    let texts = match texts {
        Texts::One(text) => vec![text],
        Texts::Many(texts) => texts,
        Texts::Tokens(_) | Texts::TokenLists(_) => return Err(Refused::Own(Unfit::Tokens)),
    };
    let limit = state.limits.texts;
    if texts.len() > limit {
        return Err(Refused::Own(Unfit::TooMany { texts: texts.len(), limit }));
    }
    if texts.is_empty() {
        return Err(Refused::Own(Unfit::NoTexts));
    }
    if let Some(position) = texts.iter().position(String::is_empty) {
        return Err(Refused::Own(Unfit::Empty { position }));
    }
    let encoder = encoder(state)?;
    let characters = texts.iter().map(|text| text.chars().count()).sum();
    let read = off_thread(move || Ok(read(encoder.as_ref(), role, texts, cut))).await?;
    let (texts, lengths) = read.map_err(Refused::Own)?;
    let tokens = lengths.iter().sum();
    let limit = state.limits.text_tokens;
    if tokens > limit {
        return Err(Refused::Own(Unfit::TooMuch { tokens, limit }));
    }
    let tokenization = started.elapsed();
    let (mut queue, mut inference) = (Duration::ZERO, Duration::ZERO);
    let mut vectors: Vec<Option<UnitVector>> = vec![None; texts.len()];
    for batch in plan(&lengths, TOKENS_A_TURN) {
        let waiting = Instant::now();
        let turn = batch.iter().filter_map(|at| texts.get(*at).cloned()).collect();
        let (made, since) = state.encode(role, turn).await?;
        queue += since.duration_since(waiting);
        inference += since.elapsed();
        for (at, vector) in batch.into_iter().zip(made) {
            if let Some(place) = vectors.get_mut(at) {
                *place = Some(vector);
            }
        }
    }
    let vectors = vectors.into_iter().flatten().collect();
    Ok(Embedded { vectors, tokens, characters, tokenization, queue, inference })
}

/// The texts as the model is given them, and how many tokens it reads for each.
fn read(
    encoder: &dyn Encoder,
    role: Role,
    texts: Vec<String>,
    cut: Option<Kept>,
) -> Result<(Vec<String>, Vec<usize>), Unfit> {
    let limit = encoder.token_limit();
    let mut lengths = Vec::with_capacity(texts.len());
    let mut fitting = Vec::with_capacity(texts.len());
    for (position, text) in texts.into_iter().enumerate() {
        let tokens = encoder.count_tokens(&text);
        let text = match cut {
            _ if tokens <= limit => text,
            None => return Err(Unfit::TooLong { position, tokens, limit }),
            Some(kept) => longest(&text, kept, |part| encoder.count_tokens(part) <= limit).to_owned(),
        };
        lengths.push(encoder.tokens_read(role, &text));
        fitting.push(text);
    }
    Ok((fitting, lengths))
}

/// The longest beginning, or end, of `text` that fits, by whole characters.
fn longest(text: &str, kept: Kept, fits: impl Fn(&str) -> bool) -> &str {
    let bounds: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let part = |characters: usize| {
        let (head, tail) = (bounds.get(characters), bounds.iter().rev().nth(characters));
        match kept {
            Kept::Head => head.and_then(|end| text.get(..*end)),
            Kept::Tail => tail.and_then(|start| text.get(*start..)),
        }
        .unwrap_or_default()
    };
    // More characters are more tokens, but for a word that ends otherwise: what is found fits in any case.
    let (mut fitting, mut over) = (0, bounds.len());
    while fitting + 1 < over {
        let middle = fitting.midpoint(over);
        if fits(part(middle)) {
            fitting = middle;
        } else {
            over = middle;
        }
    }
    part(fitting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_part_that_fits_is_kept() {
        let fits = |limit: usize| move |part: &str| part.chars().count() <= limit;
        for (text, limit, head, tail) in [
            ("논문 검색", 3, "논문 ", " 검색"),
            ("a🦙b", 2, "a🦙", "🦙b"),
            ("ab", 5, "ab", "ab"),
            ("a", 0, "", ""),
        ] {
            assert_eq!(longest(text, Kept::Head, fits(limit)), head);
            assert_eq!(longest(text, Kept::Tail, fits(limit)), tail);
        }
    }
}
