//! The encoder that the product runs: tokenizer, limits, prefixes, and a network behind them; unit vectors come out.

use std::fmt;
use std::str::FromStr;

use candle_core::DType;
use serde::de::IntoDeserializer;
use serde::{Deserialize, Serialize};

use super::cpu::{CpuBert, KernelChoice};
use super::device::DeviceChoice;
use super::folder::VerifiedModel;
use super::manifest::Prefixes;
use super::reference::ReferenceBert;
use super::tokenizer::TextTokenizer;
use super::weights::Weights;
use super::{DeviceError, EncodeError, Encoder, ModelError, middles};
use crate::paper::{Role, UnitVector};

/// How a model runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EncoderOptions {
    /// Where.
    pub device: DeviceChoice,
    /// In which numbers; the fastest that the model's shapes allow, if not given.
    pub arithmetic: Option<Arithmetic>,
    /// With which instructions; the best that the machine has, if not given.
    pub kernel: Option<KernelChoice>,
    /// CPU threads; 0 counts as 1.
    pub threads: usize,
}

/// In which numbers the forward pass is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arithmetic {
    /// Products of weights in 4 or 8 bits with activations in 8, on the CPU. Fastest; cosine to f32 over 0.9995.
    Int8,
    /// f32 on the CPU.
    Fp32,
    /// The reference, through candle: f32 on the CPU, f16 on CUDA.
    Candle,
}

impl fmt::Display for Arithmetic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(formatter)
    }
}

impl FromStr for Arithmetic {
    type Err = serde::de::value::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::deserialize(text.into_deserializer())
    }
}

/// Token ids to vectors, for one model.
pub(super) trait Network: Send + Sync {
    /// The mean over each sentence's tokens of the last layer, not yet normalised: one vector a sentence.
    fn mean_pooled(&self, sentences: &[Vec<u32>]) -> Result<Vec<Vec<f32>>, EncodeError>;

    /// What it computes with, for people.
    fn arithmetic(&self) -> String;
}

/// An encoder of the e5 family.
pub struct ModelEncoder {
    fingerprint: String,
    prefixes: Prefixes,
    token_limit: usize,
    longest_input: usize,
    dimension: usize,
    tokenizer: TextTokenizer,
    network: Box<dyn Network>,
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
    /// The CPU path counts in 32s.
    #[error("this model's layers and heads are no multiples of 32 wide; use --arithmetic candle")]
    Shape,
    /// The machine lacks the instructions.
    #[error("this machine has no {0}; leave out --kernel, or use {1}")]
    Kernel(KernelChoice, KernelChoice),
    /// The GPU computes through candle.
    #[error("--arithmetic {0} is for the CPU; leave it out with --device {1}")]
    Arithmetic(Arithmetic, DeviceChoice),
}

impl From<candle_core::Error> for LoadError {
    fn from(error: candle_core::Error) -> Self {
        Self::Model(error.into())
    }
}

impl ModelEncoder {
    /// Loads a model to run as `options` say.
    ///
    /// # Errors
    /// Where the device or the instructions are not there, or the files do not fit each other.
    pub fn load(model: &VerifiedModel, options: EncoderOptions) -> Result<Self, LoadError> {
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
            network: network(model, options)?,
        })
    }

    /// Token ids of `text` in `role`, as the model sees them.
    ///
    /// # Errors
    /// If the tokenizer fails.
    pub fn token_ids(&self, role: Role, text: &str) -> Result<Vec<u32>, EncodeError> {
        self.tokenizer.encode(&format!("{}{text}", self.prefixes.of(role)))
    }

    fn encode_in<const ROLES: usize>(
        &self,
        roles: [Role; ROLES],
        texts: &[&str],
    ) -> Result<[Vec<UnitVector>; ROLES], EncodeError> {
        let mut inputs = Vec::with_capacity(ROLES * texts.len());
        for role in roles {
            for (position, text) in texts.iter().enumerate() {
                let ids = self.token_ids(role, text)?;
                if ids.len() > self.longest_input {
                    let (tokens, limit) = (ids.len(), self.longest_input);
                    return Err(EncodeError::TooLong { position, tokens, limit });
                }
                inputs.push(ids);
            }
        }
        let mut pooled = self.network.mean_pooled(&inputs)?.into_iter();
        let mut of_role =
            || pooled.by_ref().take(texts.len()).map(UnitVector::new).collect::<Result<Vec<_>, _>>();
        let mut vectors = [const { Vec::new() }; ROLES];
        for vectors in &mut vectors {
            *vectors = of_role()?;
        }
        Ok(vectors)
    }

    /// What it computes with, for people.
    #[must_use]
    pub fn arithmetic(&self) -> String {
        self.network.arithmetic()
    }
}

fn network(model: &VerifiedModel, options: EncoderOptions) -> Result<Box<dyn Network>, LoadError> {
    let device = options.device.open()?;
    let weights = Weights::load(model, &device)?;
    let arithmetic = match options.arithmetic {
        Some(arithmetic) if !device.is_cpu() && arithmetic != Arithmetic::Candle => {
            return Err(LoadError::Arithmetic(arithmetic, options.device));
        }
        Some(arithmetic) => arithmetic,
        // Where we have no kernel, candle's is faster than plain Rust.
        None if device.is_cpu()
            && CpuBert::fits(weights.config())
            && KernelChoice::best() != KernelChoice::Portable =>
        {
            Arithmetic::Int8
        }
        None => Arithmetic::Candle,
    };
    if arithmetic == Arithmetic::Candle {
        let numbers = if device.is_cpu() { DType::F32 } else { DType::F16 };
        return Ok(Box::new(ReferenceBert::new(weights, &device, numbers, options.threads)?));
    }
    let kernel = options.kernel.unwrap_or_else(KernelChoice::best);
    Ok(Box::new(CpuBert::new(weights, arithmetic, kernel, options.threads)?))
}

/// `<s>` and `</s>`.
const SPECIAL_TOKENS: usize = 2;

impl Encoder for ModelEncoder {
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

    fn tokens_read(&self, role: Role, text: &str) -> usize {
        self.token_ids(role, text).map_or(usize::MAX, |ids| ids.len())
    }

    fn encode(&self, role: Role, texts: &[&str]) -> Result<Vec<UnitVector>, EncodeError> {
        let [vectors] = self.encode_in([role], texts)?;
        Ok(vectors)
    }

    fn encode_both(&self, texts: &[&str]) -> Result<Vec<UnitVector>, EncodeError> {
        // Through the network at once: one question alone is too little for a CPU's threads.
        let [asked, stored] = self.encode_in([Role::Query, Role::Passage], texts)?;
        Ok(middles(asked, stored)?)
    }
}
