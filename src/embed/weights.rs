//! The weights of a BERT, from safetensors or GGUF, through one interface. Everything is found and its shape
//! checked when the file is opened; a tensor is expanded to f32 when it is asked for. The word table, four fifths
//! of the file, is never expanded: its rows are decoded from the mapped file as texts need them.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use candle_core::quantized::{GgmlDType, QStorage, QTensor};
use candle_core::{Device, Tensor};
use memmap2::Mmap;

use super::config::ModelConfig;
use super::error::ModelError;
use super::folder::VerifiedModel;
use super::gguf::{Slot, Slots, read_gguf, read_safetensors};

/// A tensor of a BERT, whatever its file calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TensorName {
    /// One row a token id. Large: see [`Weights::word_rows`].
    Words,
    /// One row a position.
    Positions,
    /// One row a token type.
    TokenTypes,
    /// Layer norm after the embeddings.
    EmbeddingNorm(Half),
    /// Of one layer, from 0.
    Layer(usize, Part, Half),
}

/// A part of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Attention's query.
    Query,
    /// Attention's key.
    Key,
    /// Attention's value.
    Value,
    /// Attention's output.
    AttentionOutput,
    /// Layer norm after attention.
    AttentionNorm,
    /// Into the feed-forward block.
    Up,
    /// Out of it.
    Down,
    /// Layer norm after it.
    OutputNorm,
}

impl Part {
    const ALL: [Self; 8] = [
        Self::Query,
        Self::Key,
        Self::Value,
        Self::AttentionOutput,
        Self::AttentionNorm,
        Self::Up,
        Self::Down,
        Self::OutputNorm,
    ];

    fn published(self) -> &'static str {
        match self {
            Self::Query => "attention.self.query",
            Self::Key => "attention.self.key",
            Self::Value => "attention.self.value",
            Self::AttentionOutput => "attention.output.dense",
            Self::AttentionNorm => "attention.output.LayerNorm",
            Self::Up => "intermediate.dense",
            Self::Down => "output.dense",
            Self::OutputNorm => "output.LayerNorm",
        }
    }

    fn gguf(self) -> &'static str {
        match self {
            Self::Query => "attn_q",
            Self::Key => "attn_k",
            Self::Value => "attn_v",
            Self::AttentionOutput => "attn_output",
            Self::AttentionNorm => "attn_output_norm",
            Self::Up => "ffn_up",
            Self::Down => "ffn_down",
            Self::OutputNorm => "layer_output_norm",
        }
    }
}

/// Weight or bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// What is multiplied with: for a dense part one row an output.
    Weight,
    /// What is added.
    Bias,
}

impl Half {
    fn name(self) -> &'static str {
        match self {
            Self::Weight => "weight",
            Self::Bias => "bias",
        }
    }
}

impl TensorName {
    /// All tensors of a model of so many layers.
    fn all(layers: usize) -> impl Iterator<Item = Self> {
        let halves = [Half::Weight, Half::Bias];
        let layer = move |layer| {
            Part::ALL.into_iter().flat_map(move |part| halves.map(|half| Self::Layer(layer, part, half)))
        };
        [Self::Words, Self::Positions, Self::TokenTypes]
            .into_iter()
            .chain(halves.map(Self::EmbeddingNorm))
            .chain((0..layers).flat_map(layer))
    }

    /// The name in a published BERT.
    fn published(self) -> String {
        match self {
            Self::Words => "embeddings.word_embeddings.weight".to_owned(),
            Self::Positions => "embeddings.position_embeddings.weight".to_owned(),
            Self::TokenTypes => "embeddings.token_type_embeddings.weight".to_owned(),
            Self::EmbeddingNorm(half) => format!("embeddings.LayerNorm.{}", half.name()),
            Self::Layer(layer, part, half) => {
                format!("encoder.layer.{layer}.{}.{}", part.published(), half.name())
            }
        }
    }

    /// The name in a GGUF of llama.cpp.
    fn gguf(self) -> String {
        match self {
            Self::Words => "token_embd.weight".to_owned(),
            Self::Positions => "position_embd.weight".to_owned(),
            Self::TokenTypes => "token_types.weight".to_owned(),
            Self::EmbeddingNorm(half) => format!("token_embd_norm.{}", half.name()),
            Self::Layer(layer, part, half) => format!("blk.{layer}.{}.{}", part.gguf(), half.name()),
        }
    }

    fn shape(self, config: &ModelConfig) -> Vec<usize> {
        let (hidden, wide) = (config.hidden, config.feed_forward);
        match self {
            Self::Words => vec![config.rows, hidden],
            Self::Positions => vec![config.positions, hidden],
            Self::TokenTypes => vec![config.types, hidden],
            Self::EmbeddingNorm(_) | Self::Layer(_, Part::AttentionNorm | Part::OutputNorm, _) => vec![hidden],
            Self::Layer(_, Part::Up, Half::Weight) => vec![wide, hidden],
            Self::Layer(_, Part::Up, Half::Bias) => vec![wide],
            Self::Layer(_, Part::Down, Half::Weight) => vec![hidden, wide],
            Self::Layer(_, _, Half::Weight) => vec![hidden, hidden],
            Self::Layer(_, _, Half::Bias) => vec![hidden],
        }
    }
}

/// The weights of one model, opened.
pub struct Weights {
    config: ModelConfig,
    device: Device,
    file: PathBuf,
    map: Mmap,
    slots: Slots,
    naming: Naming,
}

/// How a file names its tensors.
#[derive(Clone, Copy, Debug)]
enum Naming {
    Gguf,
    /// With this before every name: exports of a model with a head say `bert.`.
    Published(&'static str),
}

impl Naming {
    fn of(self, name: TensorName) -> String {
        match self {
            Self::Gguf => name.gguf(),
            Self::Published(prefix) => format!("{prefix}{}", name.published()),
        }
    }
}

impl Weights {
    /// Opens the weights of `model`; its tensors will be made on `device`.
    ///
    /// # Errors
    /// Where config or weights are damaged, of another architecture, or of shapes that do not fit each other.
    pub fn load(model: &VerifiedModel, device: &Device) -> Result<Self, ModelError> {
        Self::open(&model.file("config.json"), &model.weights()?, device)
    }

    pub(super) fn open(config: &Path, file: &Path, device: &Device) -> Result<Self, ModelError> {
        let config = ModelConfig::read(config)?;
        let opened = fs_err::File::open(file)?;
        #[expect(unsafe_code, reason = "memory mapping is unsafe by nature")]
        // SAFETY: the map is only read, and nothing of ours writes into a model's file once it has its name: fetch
        // writes under other names and renames, which leaves a mapped file as it was.
        let map = unsafe { Mmap::map(opened.file()) }?;
        let is_gguf = file.extension().is_some_and(|end| end == "gguf");
        let wanted = if is_gguf { "GGUF weights" } else { "safetensors weights" };
        let bad = |reason: String| ModelError::Format { file: file.to_owned(), wanted, reason };

        let slots = if is_gguf { read_gguf(&map) } else { read_safetensors(&map) }.map_err(bad)?;
        let naming = if is_gguf {
            Naming::Gguf
        } else if slots.contains_key(&format!("bert.{}", TensorName::Words.published())) {
            Naming::Published("bert.")
        } else {
            Naming::Published("")
        };
        for name in TensorName::all(config.layers) {
            let (called, shape) = (naming.of(name), name.shape(&config));
            match slots.get(&called) {
                None => return Err(bad(format!("it has no tensor {called}"))),
                Some(slot) if slot.shape != shape => {
                    return Err(bad(format!("{called} is {:?}, the config says {shape:?}", slot.shape)));
                }
                Some(_) => {}
            }
        }
        Ok(Self { config, device: device.clone(), file: file.to_owned(), map, slots, naming })
    }

    /// The shape of the model.
    #[must_use]
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// A tensor in f32 on the device; for a dense part one row an output.
    ///
    /// # Errors
    /// Where the model has no such layer, or the device no memory.
    pub fn tensor(&self, name: TensorName) -> Result<Tensor, ModelError> {
        let slot = self.slot(name)?;
        let values = decode(slot.kind, &self.map[slot.range.clone()])?;
        Ok(Tensor::from_vec(values, slot.shape.as_slice(), &self.device)?)
    }

    /// The rows of the word table for `ids`, one after the other, in f32.
    ///
    /// # Errors
    /// Where an id is not below [`ModelConfig::rows`].
    pub fn word_rows(&self, ids: &[u32]) -> Result<Vec<f32>, ModelError> {
        let slot = self.slot(TensorName::Words)?;
        let table = &self.map[slot.range.clone()];
        let row = Slot::bytes_of(slot.kind, self.config.hidden).map_err(|reason| self.bad(reason))?;
        let mut rows = Vec::with_capacity(ids.len() * row);
        for id in ids {
            let start = (*id as usize).checked_mul(row);
            let bytes = start.and_then(|start| table.get(start..)?.get(..row));
            rows.extend_from_slice(bytes.ok_or_else(|| self.bad(format!("the word table has no row {id}")))?);
        }
        decode(slot.kind, &rows)
    }

    fn slot(&self, name: TensorName) -> Result<&Slot, ModelError> {
        let called = self.naming.of(name);
        self.slots.get(&called).ok_or_else(|| self.bad(format!("it has no tensor {called}")))
    }

    fn bad(&self, reason: String) -> ModelError {
        ModelError::Format { file: self.file.clone(), wanted: "weights", reason }
    }
}

/// Expands whole blocks to f32.
fn decode(kind: GgmlDType, bytes: &[u8]) -> Result<Vec<f32>, ModelError> {
    if kind == GgmlDType::F32 {
        return Ok(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect());
    }
    let count = bytes.len() / kind.type_size() * kind.block_size();
    // candle asserts an alignment that neither a file nor a slice of bytes promises; blocks need that of an f16 or
    // f32, which any allocation has.
    let storage = QStorage::from_data(Cow::Owned(bytes.to_vec()), &Device::Cpu, kind)?;
    Ok(QTensor::new(storage, count)?.dequantize(&Device::Cpu)?.to_vec1()?)
}
