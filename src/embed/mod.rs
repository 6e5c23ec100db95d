//! Texts to unit vectors. Knows texts and vectors, nothing of papers' meaning or of where they are stored.

mod batch;
mod bytes;
mod charsmap;
mod config;
mod convert;
mod cpu;
mod device;
mod disk;
mod encoder;
mod error;
mod fetch;
mod folder;
mod hub;
mod manifest;
mod names;
mod own;
mod reference;
mod shared;
mod slots;
mod tokenizer;
mod unigram;
mod weights;
mod wheel;
mod workers;

pub use batch::plan;
pub use config::ModelConfig;
pub use cpu::KernelChoice;
pub use device::{DeviceChoice, DeviceError};
pub use encoder::{Arithmetic, EncoderOptions, LoadError, ModelEncoder};
pub use error::{ModelError, NeededFile};
pub use fetch::{
    FetchEvent, FetchOptions, ModelStatus, Progress, fetch, list, offline_by_environment, verify,
};
pub use folder::{ModelFolder, VerifiedModel};
pub use manifest::{FilePin, Hub, Manifest, Pooling, Prefixes, Source, Wheel};
pub use names::{Part, TensorName, Term};
pub use shared::{SharedEncoder, while_wanted};
pub use tokenizer::TextTokenizer;
pub use weights::Weights;

use crate::paper::{Role, UnitVector, VectorError};

/// Texts to unit vectors, for one model.
pub trait Encoder: Send + Sync {
    /// Name and hash of all that decides a vector: weights, tokenizer, pooling, prefixes. Vectors of different
    /// fingerprints must never be compared.
    fn fingerprint(&self) -> &str;

    /// Numbers in a vector.
    fn dimension(&self) -> usize;

    /// Tokens that a text may have, special tokens and the role's prefix not counted.
    fn token_limit(&self) -> usize;

    /// Tokens of `text`, special tokens and prefix not counted. Tokens of two texts add up to at least those of
    /// their concatenation but for one.
    fn count_tokens(&self, text: &str) -> usize;

    /// Tokens that the model reads for `text` in `role`: special tokens and prefix counted, where there are any.
    fn tokens_read(&self, role: Role, text: &str) -> usize {
        let _ = role;
        self.count_tokens(text)
    }

    /// One vector a text, in the order of `texts`, however they are batched. The same text gives the same vector
    /// (to 1e-5) alone and in any batch.
    ///
    /// # Errors
    /// [`EncodeError::TooLong`] if a text is over [`Encoder::token_limit`]: text is chunked by the caller
    /// ([`crate::paper::chunk`]), never cut in silence.
    fn encode(&self, role: Role, texts: &[&str]) -> Result<Vec<UnitVector>, EncodeError>;

    /// One vector a text, the middle of its vectors in both roles: what libraries keep, and what they are asked with.
    ///
    /// Models of the e5 family are trained to bring a question in one role near to the passage that answers it in the other, and
    /// texts that say the same near to each other in one role (Wang et al. 2022, "Text Embeddings by Weakly-Supervised
    /// Contrastive Pre-training"). What is asked about papers is both, a person's words or somebody else's summary, and each
    /// vector has errors of its own, of which the middle has less.
    ///
    /// # Errors
    /// As [`Encoder::encode`].
    fn encode_both(&self, texts: &[&str]) -> Result<Vec<UnitVector>, EncodeError> {
        let asked = self.encode(Role::Query, texts)?;
        let stored = self.encode(Role::Passage, texts)?;
        Ok(middles(asked, stored)?)
    }
}

/// The direction between the two vectors of each text.
pub(crate) fn middles(
    asked: Vec<UnitVector>,
    stored: Vec<UnitVector>,
) -> Result<Vec<UnitVector>, VectorError> {
    asked.into_iter().zip(stored).map(|(asked, stored)| UnitVector::mean_of(&[asked, stored])).collect()
}

/// Why a text has no vector.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The text must be chunked first.
    #[error("text {position} has {tokens} tokens, the model reads {limit}: chunk it first")]
    TooLong {
        /// Which of the texts, from 0.
        position: usize,
        /// How many tokens it has.
        tokens: usize,
        /// How many the model reads.
        limit: usize,
    },
    /// The tokenizer failed.
    #[error("the tokenizer failed: {0}")]
    Tokenizer(String),
    /// Whoever asked has left; see [`while_wanted`].
    #[error("nobody waits for this any more")]
    Abandoned,
    /// The weights have no row for a token.
    #[error(transparent)]
    Weights(#[from] ModelError),
    /// The forward pass failed (out of memory, device lost).
    #[error("the model failed: {0}")]
    Model(#[from] candle_core::Error),
    /// The model gave numbers that are no direction: damaged weights.
    #[error("the model gave an unusable vector ({0}); run 'paperkin model verify'")]
    Vector(#[from] VectorError),
}

impl EncodeError {
    /// The same, of texts that stand behind `texts` others.
    fn behind(mut self, texts: usize) -> Self {
        if let Self::TooLong { position, .. } = &mut self {
            *position += texts;
        }
        self
    }

    /// Whether another text could still be encoded.
    #[must_use]
    pub fn is_of_a_text(&self) -> bool {
        match self {
            Self::TooLong { .. } | Self::Tokenizer(_) | Self::Vector(_) => true,
            Self::Weights(_) | Self::Model(_) | Self::Abandoned => false,
        }
    }
}
