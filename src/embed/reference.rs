//! BERT's forward pass on candle-core tensors: the reference that the CPU path is held against, and the way to CUDA.
//!
//! Devlin et al. 2019 (post-norm, GELU by erf), as multilingual-e5-small uses it. candle-transformers' model pads
//! each batch to its longest text and spends the padding's share of every matrix product; here all tokens of a
//! batch stand in one matrix and only attention looks at one sentence at a time. `tests/encoder.rs` holds the two
//! against each other.

use std::ops::Range;

use candle_core::{D, DType, Device, Result, Tensor};
use candle_nn::ops::{layer_norm, softmax_last_dim};

use super::batch::{in_batches, rows_of};
use super::config::ModelConfig;
use super::encoder::Network;
use super::names::{Part, TensorName, Term};
use super::weights::Weights;
use super::workers::Workers;
use super::{EncodeError, LoadError};

/// Tokens that go through the model at once: the activations of so many (512 x 1,536 x 4 bytes = 3 MB) stay in a
/// laptop's cache.
const BATCH_TOKENS: usize = 512;

/// The layers, on a device.
pub(super) struct ReferenceBert {
    config: ModelConfig,
    weights: Weights,
    device: Device,
    numbers: DType,
    workers: Workers,
    positions: Tensor,
    token_type: Tensor,
    embedding_norm: Norm,
    layers: Vec<Layer>,
}

struct Layer {
    /// Query, key and value in one product.
    attention_in: Linear,
    attention_out: Linear,
    attention_norm: Norm,
    feed_forward_in: Linear,
    feed_forward_out: Linear,
    output_norm: Norm,
}

struct Linear {
    /// [in, out]
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        input.matmul(&self.weight)?.broadcast_add(&self.bias)
    }
}

struct Norm {
    weight: Tensor,
    bias: Tensor,
    epsilon: f32,
}

impl Norm {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        layer_norm(input, &self.weight, &self.bias, self.epsilon)
    }
}

impl ReferenceBert {
    /// Takes `weights`, whose tensors are made on `device`, to compute in `numbers`; on the CPU, `threads` batches are embedded
    /// at once.
    pub(super) fn new(
        weights: Weights,
        device: &Device,
        numbers: DType,
        threads: usize,
    ) -> std::result::Result<Self, LoadError> {
        let config = weights.config().clone();
        let tensor =
            |name| -> std::result::Result<Tensor, LoadError> { Ok(weights.tensor(name)?.to_dtype(numbers)?) };
        let linear = |layer: usize, parts: &[Part]| -> std::result::Result<Linear, LoadError> {
            let side_by_side = |half: Term| -> std::result::Result<Tensor, LoadError> {
                let tensors = parts
                    .iter()
                    .map(|part| tensor(TensorName::Layer(layer, *part, half)))
                    .collect::<std::result::Result<Vec<_>, _>>()?;
                Ok(Tensor::cat(&tensors, 0)?)
            };
            // Stored [out, in]; a product needs [in, out], and transposing once is cheaper than at each product.
            let weight = side_by_side(Term::Weight)?.t()?.contiguous()?;
            Ok(Linear { weight, bias: side_by_side(Term::Bias)? })
        };
        let norm = |of: &dyn Fn(Term) -> TensorName| -> std::result::Result<Norm, LoadError> {
            Ok(Norm {
                weight: tensor(of(Term::Weight))?,
                bias: tensor(of(Term::Bias))?,
                epsilon: config.epsilon as f32,
            })
        };
        let layers = (0..config.layers)
            .map(|n| {
                Ok(Layer {
                    attention_in: linear(n, &[Part::Query, Part::Key, Part::Value])?,
                    attention_out: linear(n, &[Part::AttentionOutput])?,
                    attention_norm: norm(&|half| TensorName::Layer(n, Part::AttentionNorm, half))?,
                    feed_forward_in: linear(n, &[Part::Up])?,
                    feed_forward_out: linear(n, &[Part::Down])?,
                    output_norm: norm(&|half| TensorName::Layer(n, Part::OutputNorm, half))?,
                })
            })
            .collect::<std::result::Result<Vec<_>, LoadError>>()?;
        Ok(Self {
            positions: tensor(TensorName::Positions)?,
            // A sentence alone is all of type 0.
            token_type: tensor(TensorName::TokenTypes)?.narrow(0, 0, 1)?,
            embedding_norm: norm(&TensorName::EmbeddingNorm)?,
            layers,
            config,
            weights,
            device: device.clone(),
            numbers,
            workers: Workers::new(if device.is_cpu() { threads } else { 1 })?,
        })
    }

    fn pooled(&self, texts: &[&[u32]]) -> std::result::Result<Vec<Vec<f32>>, EncodeError> {
        let sentences = rows_of(texts);
        let ids: Vec<u32> = texts.concat();
        let positions: Vec<u32> = texts.iter().flat_map(|ids| 0..ids.len() as u32).collect();
        let words =
            Tensor::from_vec(self.weights.word_rows(&ids)?, (ids.len(), self.config.hidden), &self.device)?;
        let words = words.to_dtype(self.numbers)?;
        let positions = Tensor::from_vec(positions, ids.len(), &self.device)?;
        let embedded =
            (words + self.positions.index_select(&positions, 0)?)?.broadcast_add(&self.token_type)?;
        let mut hidden = self.embedding_norm.forward(&embedded)?;
        for layer in &self.layers {
            let attended = self.attention(&layer.attention_in.forward(&hidden)?, &sentences)?;
            let attended = layer.attention_out.forward(&attended)?;
            hidden = layer.attention_norm.forward(&(attended + hidden)?)?;
            let inner = layer.feed_forward_in.forward(&hidden)?.gelu_erf()?;
            let inner = layer.feed_forward_out.forward(&inner)?;
            hidden = layer.output_norm.forward(&(inner + hidden)?)?;
        }
        sentences
            .iter()
            .map(|rows| {
                let tokens = hidden.narrow(0, rows.start, rows.len())?.to_dtype(DType::F32)?;
                Ok(tokens.mean(0)?.to_vec1()?)
            })
            .collect()
    }

    /// Scaled dot-product attention within each sentence. `projected` holds query, key and value side by side:
    /// [tokens, 3 * hidden]; gives [tokens, hidden].
    fn attention(&self, projected: &Tensor, sentences: &[Range<usize>]) -> Result<Tensor> {
        let heads = self.config.heads;
        let width = self.config.hidden / heads;
        let scale = 1.0 / (width as f64).sqrt();
        let attended = sentences
            .iter()
            .map(|rows| {
                // [length, 3, heads, width] to three of [heads, length, width]
                let length = rows.len();
                let parts = projected.narrow(0, rows.start, length)?.reshape((length, 3, heads, width))?;
                let part = |n| parts.narrow(1, n, 1)?.squeeze(1)?.transpose(0, 1)?.contiguous();
                let (query, key, value) = ((part(0)? * scale)?, part(1)?, part(2)?);
                let weights = softmax_last_dim(&query.matmul(&key.transpose(D::Minus2, D::Minus1)?)?)?;
                weights.matmul(&value)?.transpose(0, 1)?.reshape((length, heads * width))
            })
            .collect::<Result<Vec<_>>>()?;
        Tensor::cat(&attended, 0)
    }
}

impl Network for ReferenceBert {
    fn mean_pooled(&self, texts: &[Vec<u32>]) -> std::result::Result<Vec<Vec<f32>>, EncodeError> {
        in_batches(texts, BATCH_TOKENS, |batches| match batches {
            // One question: its products are what can be shared out.
            [batch] => vec![self.pooled(batch)],
            batches => self.workers.map(batches, |batch| self.pooled(batch)),
        })
    }

    fn arithmetic(&self) -> String {
        format!("candle in {:?} on {}", self.numbers, if self.device.is_cpu() { "the CPU" } else { "CUDA" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::weights::tests::{gguf, open, setting};
    use candle_core::quantized::GgmlDType;

    /// What runs on a GPU, in its numbers; the CPU has them too, slowly.
    #[test]
    fn half_precision_is_near_full() {
        let (folder, _, tensors) = setting();
        fs_err::write(folder.path().join("model.gguf"), gguf(&tensors, GgmlDType::F32)).unwrap();
        let pooled = |numbers| {
            let weights = open(&folder, "model.gguf").unwrap();
            let bert = ReferenceBert::new(weights, &Device::Cpu, numbers, 1).unwrap();
            let pooled = bert.mean_pooled(&[vec![1, 2, 3], vec![9, 0], vec![4]]).unwrap();
            pooled
                .into_iter()
                .map(|vector| crate::paper::UnitVector::new(vector).unwrap())
                .collect::<Vec<_>>()
        };
        for (half, full) in pooled(DType::F16).iter().zip(pooled(DType::F32)) {
            assert!(half.cosine(&full) > 0.999, "{}", half.cosine(&full));
            assert!(half.as_slice() != full.as_slice(), "it was computed in halves");
        }
    }
}
