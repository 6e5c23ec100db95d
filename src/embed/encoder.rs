//! The encoder that the product runs: tokenizer, packed batches, BERT, mean pooling, unit vectors.

use candle_core::Device;

use super::batch::plan;
use super::bert::Bert;
use super::device::DeviceChoice;
use super::folder::ModelFolder;
use super::tokenizer::TextTokenizer;
use super::{EncodeError, Encoder, ModelError};
use crate::paper::{Role, UnitVector};

/// Tokens that go through the model at once. Activations of so many tokens stay in a laptop's cache
/// (1,024 x 1,536 x 4 bytes = 6 MB), and a batch takes about a second on two cores: progress moves and Ctrl+C is heard.
const BATCH_TOKENS: usize = 1024;

/// An encoder of the e5 family, through candle.
pub struct CandleEncoder {
    fingerprint: String,
    prefixes: Prefixes,
    token_limit: usize,
    dimension: usize,
    tokenizer: TextTokenizer,
    bert: Bert,
}

struct Prefixes {
    query: String,
    passage: String,
}

impl Prefixes {
    fn of(&self, role: Role) -> &str {
        match role {
            Role::Query => &self.query,
            Role::Passage => &self.passage,
        }
    }
}

impl CandleEncoder {
    /// Loads the verified model of `folder` onto the chosen device.
    ///
    /// # Errors
    /// Where the device is not there, a hash does not match, or the weights do not fit the config.
    pub fn load(folder: &ModelFolder, device: DeviceChoice) -> Result<Self, ModelError> {
        let device: Device = device.open()?;
        folder.verify()?;
        let manifest = folder.manifest();
        let tokenizer = TextTokenizer::load(folder)?;
        let prefixes =
            Prefixes { query: manifest.prefix.query.clone(), passage: manifest.prefix.passage.clone() };
        let longest_prefix =
            [Role::Query, Role::Passage].map(|role| tokenizer.count(prefixes.of(role))).into_iter().max();
        Ok(Self {
            fingerprint: folder.fingerprint(),
            token_limit: manifest
                .max_tokens
                .saturating_sub(SPECIAL_TOKENS + longest_prefix.unwrap_or_default()),
            dimension: manifest.dimension,
            prefixes,
            tokenizer,
            bert: Bert::new(folder.weights()?, &device)?,
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
        self.tokenizer.count(text)
    }

    fn encode(&self, role: Role, texts: &[&str]) -> Result<Vec<UnitVector>, EncodeError> {
        let limit = self.token_limit + SPECIAL_TOKENS + self.tokenizer.count(self.prefixes.of(role));
        let sentences = texts.iter().map(|text| self.token_ids(role, text)).collect::<Result<Vec<_>, _>>()?;
        if let Some(position) = sentences.iter().position(|ids| ids.len() > limit) {
            return Err(EncodeError::TooLong { position, tokens: sentences[position].len(), limit });
        }
        let lengths: Vec<usize> = sentences.iter().map(Vec::len).collect();
        let mut vectors: Vec<Option<UnitVector>> = vec![None; texts.len()];
        for batch in plan(&lengths, BATCH_TOKENS) {
            let packed: Vec<Vec<u32>> = batch.iter().map(|position| sentences[*position].clone()).collect();
            for (position, pooled) in batch.into_iter().zip(self.bert.mean_pooled(&packed)?) {
                vectors[position] = Some(UnitVector::new(pooled)?);
            }
        }
        Ok(vectors.into_iter().flatten().collect())
    }
}
