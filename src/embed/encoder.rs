//! The encoder that the product runs: tokenizer, packed batches, BERT, mean pooling, unit vectors.

use candle_core::Device;

use super::batch::plan;
use super::bert::Bert;
use super::device::DeviceChoice;
use super::folder::VerifiedModel;
use super::manifest::Prefixes;
use super::tokenizer::TextTokenizer;
use super::weights::Weights;
use super::workers::Workers;
use super::{DeviceError, EncodeError, Encoder, ModelError};
use crate::paper::{Role, UnitVector};

/// Tokens that go through the model at once: the activations of so many (512 x 1,536 x 4 bytes = 3 MB) stay in a
/// laptop's cache.
const BATCH_TOKENS: usize = 512;

/// An encoder of the e5 family, through candle.
pub struct CandleEncoder {
    fingerprint: String,
    prefixes: Prefixes,
    token_limit: usize,
    longest_input: usize,
    dimension: usize,
    tokenizer: TextTokenizer,
    bert: Bert,
    workers: Workers,
}

/// Why a model cannot run.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The device is not there.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// Its files are not right.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The system gives no threads.
    #[error("no threads: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// Its tokenizer cannot even read its prefixes.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

impl From<candle_core::Error> for LoadError {
    fn from(error: candle_core::Error) -> Self {
        Self::Model(error.into())
    }
}

impl CandleEncoder {
    /// Puts a model on the chosen device; on the CPU, `threads` batches are embedded at once.
    ///
    /// # Errors
    /// Where the device is not there, or the files do not fit each other.
    pub fn load(model: &VerifiedModel, device: DeviceChoice, threads: usize) -> Result<Self, LoadError> {
        let device: Device = device.open()?;
        let manifest = model.manifest();
        let tokenizer = TextTokenizer::load(model)?;
        let prefixes = manifest.prefix.clone();
        let longest_prefix = tokenizer.count(&prefixes.query)?.max(tokenizer.count(&prefixes.passage)?);
        Ok(Self {
            fingerprint: model.fingerprint().to_owned(),
            token_limit: manifest.max_tokens.saturating_sub(SPECIAL_TOKENS + longest_prefix),
            longest_input: manifest.max_tokens,
            dimension: manifest.dimension,
            prefixes,
            tokenizer,
            bert: Bert::new(Weights::load(model, &device)?, &device)?,
            workers: Workers::new(if device.is_cpu() { threads } else { 1 })?,
        })
    }

    /// Token ids of `text` in `role`, as the model sees them.
    ///
    /// # Errors
    /// If the tokenizer fails.
    pub fn token_ids(&self, role: Role, text: &str) -> Result<Vec<u32>, EncodeError> {
        self.tokenizer.encode(&format!("{}{text}", self.prefixes.of(role)))
    }
}

/// `<s>` and `</s>`.
const SPECIAL_TOKENS: usize = 2;

impl Encoder for CandleEncoder {
    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn token_limit(&self) -> usize {
        self.token_limit
    }

    fn count_tokens(&self, text: &str) -> usize {
        // A text that cannot be tokenised cannot be embedded either, and `encode` says why.
        self.tokenizer.count(text).unwrap_or(usize::MAX)
    }

    fn encode(&self, role: Role, texts: &[&str]) -> Result<Vec<UnitVector>, EncodeError> {
        let sentences = texts.iter().map(|text| self.token_ids(role, text)).collect::<Result<Vec<_>, _>>()?;
        let lengths: Vec<usize> = sentences.iter().map(Vec::len).collect();
        if let Some(position) = lengths.iter().position(|length| *length > self.longest_input) {
            return Err(EncodeError::TooLong {
                position,
                tokens: lengths[position],
                limit: self.longest_input,
            });
        }
        let mut vectors: Vec<Option<UnitVector>> = vec![None; texts.len()];
        let batches = plan(&lengths, BATCH_TOKENS);
        let forward = |batch: &Vec<usize>| {
            let packed: Vec<&[u32]> = batch.iter().map(|position| sentences[*position].as_slice()).collect();
            self.bert.mean_pooled(&packed)
        };
        let pooled = match batches.as_slice() {
            // One question: its products are what can be shared out.
            [batch] => vec![forward(batch)],
            batches => self.workers.map(batches, forward),
        };
        for (batch, pooled) in batches.iter().zip(pooled) {
            for (position, pooled) in batch.iter().zip(pooled?) {
                vectors[*position] = Some(UnitVector::new(pooled)?);
            }
        }
        Ok(vectors.into_iter().flatten().collect())
    }
}
