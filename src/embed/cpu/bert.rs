//! BERT's forward pass (Devlin et al. 2019: post-norm, GELU by erf) for sentences packed end to end.
//!
//! Every product is fused with what follows it while its output is in the cache, one panel of 32 outputs at a time. Nothing
//! is allocated per layer: a chunk of tokens borrows a [`Scratch`], whose buffers live as long as the model.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use candle_core::quantized::GgmlDType;
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, IntoParallelRefIterator, ParallelIterator};
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::attention::{HeadScratch, Layout, Scores};
use super::blocks::{Signal, Strip, WIDTH};
use super::kernel::{Kernel, KernelChoice, Normalisation};
use super::pack::{Packed, Packing};
use super::team::Team;
use crate::embed::batch::{in_batches, rows_of};
use crate::embed::config::ModelConfig;
use crate::embed::encoder::{Arithmetic, LoadError, Network};
use crate::embed::names::{Part, TensorName, Term};
use crate::embed::weights::Weights;
use crate::embed::{EncodeError, ModelError};

/// Tokens that a thread takes through the model at once. With so many a panel of weights is read from the cache for enough
/// rows, and what is kept of each token (about 6 KB) still fits beside it.
const CHUNK_TOKENS: usize = 256;

/// The model, packed for one kernel.
pub(in crate::embed) struct CpuBert {
    config: ModelConfig,
    arithmetic: Arithmetic,
    kernel: Box<dyn Kernel>,
    weights: Weights,
    positions: Vec<f32>,
    embedding_norm: Normalisation,
    no_bias: Vec<Strip>,
    layers: Vec<Layer>,
    packing: Packing,
    scores: Scores,
    pool: ThreadPool,
    scratch: Mutex<Vec<Scratch>>,
}

struct Layer {
    /// For each head the panels of its query, its key and its value.
    projection: Dense,
    attention_out: Dense,
    attention_norm: Normalisation,
    up: Dense,
    down: Dense,
    output_norm: Normalisation,
}

/// `weight * input + bias`; the bias is added by whoever takes the product.
struct Dense {
    weight: Packed,
    /// Blocks of an input row.
    blocks: usize,
    /// A strip a panel.
    bias: Vec<Strip>,
}

impl Packing {
    fn of(weights: &Weights, arithmetic: Arithmetic) -> Result<Self, ModelError> {
        if arithmetic != Arithmetic::Int8 {
            return Ok(Self::F32);
        }
        let parts = [Part::Query, Part::Key, Part::Value, Part::AttentionOutput, Part::Up, Part::Down];
        for layer in 0..weights.config().layers {
            for part in parts {
                if weights.stored(TensorName::Layer(layer, part, Term::Weight))?.0 != GgmlDType::Q4_0 {
                    return Ok(Self::Q8);
                }
            }
        }
        Ok(Self::Q4)
    }
}

/// What a chunk of tokens needs on its way. All matrices are `[block][row]`.
struct Scratch {
    hidden: Vec<Strip>,
    /// Of a product whose output is added to `hidden`.
    added: Vec<Strip>,
    /// `hidden`, as the products want it.
    input: Signal,
    context: Signal,
    wide: Signal,
    parts: Vec<PartScratch>,
}

/// What each thread of a team has for itself.
#[derive(Default)]
struct PartScratch {
    head: HeadScratch,
    panel: Vec<Strip>,
}

impl CpuBert {
    /// Packs `weights` for `kernel`; `threads` compute.
    ///
    /// # Errors
    /// Where the model's shapes are no multiples of a strip, the machine lacks the instructions, or the system gives no
    /// threads.
    pub(in crate::embed) fn new(
        weights: Weights,
        arithmetic: Arithmetic,
        kernel: KernelChoice,
        threads: usize,
    ) -> Result<Self, LoadError> {
        let config = weights.config().clone();
        let kernel = kernel.kernel().ok_or_else(|| LoadError::Kernel(kernel, KernelChoice::best()))?;
        if !Self::fits(&config) {
            return Err(LoadError::Shape);
        }
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads.max(1))
            .thread_name(|number| format!("encoder-{number}"))
            .build()?;
        let packing = Packing::of(&weights, arithmetic)?;
        let layers: Result<Vec<Layer>, LoadError> = pool.install(|| {
            (0..config.layers).into_par_iter().map(|layer| Layer::pack(&weights, layer, packing)).collect()
        });
        // A sentence alone is all of type 0, so its row is part of every position's.
        let types = weights.values(TensorName::TokenTypes)?;
        let mut positions = weights.values(TensorName::Positions)?;
        for position in positions.chunks_exact_mut(config.hidden) {
            position.iter_mut().zip(&types).for_each(|(value, of_type)| *value += of_type);
        }
        let layers = layers?;
        Ok(Self {
            packing,
            scores: match arithmetic {
                Arithmetic::Int8 if kernel.prefers_bytes() => Scores::Bytes,
                _ => Scores::Plain,
            },
            no_bias: vec![Strip::ZERO; config.hidden / WIDTH],
            layers,
            embedding_norm: normalisation(&weights, TensorName::EmbeddingNorm)?,
            positions,
            config,
            arithmetic,
            kernel,
            weights,
            pool,
            scratch: Mutex::default(),
        })
    }

    /// Whether a model's shapes are multiples of a strip.
    pub(in crate::embed) fn fits(config: &ModelConfig) -> bool {
        (config.hidden / config.heads).is_multiple_of(WIDTH) && config.feed_forward.is_multiple_of(WIDTH)
    }

    fn forward(&self, team: Team, texts: &[&[u32]]) -> Result<Vec<Vec<f32>>, EncodeError> {
        let free = self.scratch.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut scratch = free.unwrap_or_else(|| Scratch::new(self.packing, &*self.kernel));
        let pooled = self.pooled(team, texts, &mut scratch);
        self.scratch.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
        pooled
    }

    fn pooled(
        &self,
        team: Team,
        texts: &[&[u32]],
        scratch: &mut Scratch,
    ) -> Result<Vec<Vec<f32>>, EncodeError> {
        let sentences = rows_of(texts);
        let rows = sentences.last().map_or(0, |sentence| sentence.end);
        scratch.resize(team, rows, &self.config);
        self.embed(texts, rows, scratch)?;
        self.add_and_normalise(rows, &self.no_bias, &self.embedding_norm, scratch);
        for layer in &self.layers {
            self.attention(team, &layer.projection, &sentences, rows, scratch);
            self.product(team, &layer.attention_out, &scratch.context, rows, &mut scratch.added);
            self.add_and_normalise(rows, &layer.attention_out.bias, &layer.attention_norm, scratch);
            self.feed_forward(team, &layer.up, rows, scratch);
            self.product(team, &layer.down, &scratch.wide, rows, &mut scratch.added);
            self.add_and_normalise(rows, &layer.down.bias, &layer.output_norm, scratch);
        }
        Ok(sentences.iter().map(|sentence| mean(&scratch.hidden, rows, sentence)).collect())
    }

    /// Words into `hidden`; positions and type into `added`.
    fn embed(&self, texts: &[&[u32]], rows: usize, scratch: &mut Scratch) -> Result<(), ModelError> {
        let width = self.config.hidden;
        let mut row = 0;
        for ids in texts {
            let words = self.weights.word_rows(ids)?;
            for (word, position) in words.chunks_exact(width).zip(self.positions.chunks_exact(width)) {
                let halves = word.as_chunks::<WIDTH>().0.iter().zip(position.as_chunks::<WIDTH>().0);
                for (block, (word, position)) in halves.enumerate() {
                    scratch.hidden[block * rows + row] = Strip(*word);
                    scratch.added[block * rows + row] = Strip(*position);
                }
                row += 1;
            }
        }
        Ok(())
    }

    /// `hidden = norm(hidden + added + bias)`, which is the next product's input.
    fn add_and_normalise(&self, rows: usize, bias: &[Strip], norm: &Normalisation, scratch: &mut Scratch) {
        self.kernel.add_and_normalise(&mut scratch.hidden, &scratch.added, rows, bias, norm);
        scratch.input.all_mut().store(&*self.kernel, &scratch.hidden, self.packing.offset());
    }

    /// Projects to query, key and value and attends, head by head; the outcome is `context`.
    fn attention(
        &self,
        team: Team,
        projection: &Dense,
        sentences: &[Range<usize>],
        rows: usize,
        scratch: &mut Scratch,
    ) {
        let Scratch { input, context, parts, .. } = scratch;
        let width = self.config.hidden / self.config.heads;
        let blocks = width / WIDTH;
        let layout = Layout { sentences, rows, blocks };
        let heads = self.config.heads.div_ceil(team.size());
        let scale = 1.0 / (width as f32).sqrt();
        let shares = context.all_mut().pieces(heads * blocks * rows).zip(parts);
        team.each(shares, |share, (context, part)| {
            for (at, context) in context.pieces(blocks * rows).enumerate() {
                let mut panel = (share * heads + at) * 3 * blocks;
                let HeadScratch { query, key, value, .. } = &mut part.head;
                for (out, scale) in [(query, scale), (key, 1.0), (value, 1.0)] {
                    for out in out[..blocks * rows].chunks_exact_mut(rows) {
                        projection.product(&*self.kernel, input, panel, out);
                        self.kernel.shift(out, &projection.bias[panel], scale);
                        panel += 1;
                    }
                }
                part.head.attend(&*self.kernel, self.scores, layout, &mut part.panel);
                context.store(&*self.kernel, &part.panel[..blocks * rows], self.packing.offset());
            }
        });
    }

    /// `input` times all panels of `dense`, without its bias.
    fn product(&self, team: Team, dense: &Dense, input: &Signal, rows: usize, out: &mut [Strip]) {
        let panels = dense.bias.len().div_ceil(team.size());
        team.each(out.chunks_mut(panels * rows), |share, out| {
            for (at, out) in out.chunks_exact_mut(rows).enumerate() {
                dense.product(&*self.kernel, input, share * panels + at, out);
            }
        });
    }

    /// The first half of the feed-forward block; the outcome is `wide`.
    fn feed_forward(&self, team: Team, up: &Dense, rows: usize, scratch: &mut Scratch) {
        let Scratch { input, wide, parts, .. } = scratch;
        let panels = up.bias.len().div_ceil(team.size());
        let shares = wide.all_mut().pieces(panels * rows).zip(parts);
        team.each(shares, |share, (wide, part)| {
            for (at, wide) in wide.pieces(rows).enumerate() {
                let (panel, out) = (share * panels + at, &mut part.panel[..rows]);
                up.product(&*self.kernel, input, panel, out);
                self.kernel.gelu(out, &up.bias[panel]);
                wide.store(&*self.kernel, out, self.packing.offset());
            }
        });
    }
}

impl Network for CpuBert {
    fn mean_pooled(&self, texts: &[Vec<u32>]) -> Result<Vec<Vec<f32>>, EncodeError> {
        let tokens: usize = texts.iter().map(Vec::len).sum();
        let threads = self.pool.current_num_threads();
        // Fewer tokens than threads could fill with chunks: smaller chunks, so that all have one.
        let budget = CHUNK_TOKENS.min(tokens.div_ceil(threads)).max(1);
        in_batches(texts, budget, |chunks| {
            self.pool.install(|| {
                if chunks.len() < threads {
                    chunks.iter().map(|chunk| self.forward(Team::of(&self.pool), chunk)).collect()
                } else {
                    chunks.par_iter().with_max_len(1).map(|chunk| self.forward(Team::Alone, chunk)).collect()
                }
            })
        })
    }

    fn arithmetic(&self) -> String {
        let (numbers, kernel) = (self.arithmetic, self.kernel.choice());
        format!("{numbers} on {kernel}, threads: {}", self.pool.current_num_threads())
    }
}

/// The mean of a sentence's rows.
fn mean(hidden: &[Strip], rows: usize, sentence: &Range<usize>) -> Vec<f32> {
    let count = sentence.len() as f32;
    let of_block = |block: &[Strip]| {
        let mut sums = [0f32; WIDTH];
        for strip in &block[sentence.clone()] {
            sums.iter_mut().zip(&strip.0).for_each(|(sum, value)| *sum += value);
        }
        sums.map(|sum| sum / count)
    };
    hidden.chunks_exact(rows).flat_map(of_block).collect()
}

impl Layer {
    fn pack(weights: &Weights, layer: usize, packing: Packing) -> Result<Self, LoadError> {
        let config = weights.config();
        let dense = |parts: &[Part], groups| Dense::pack(weights, layer, parts, groups, packing);
        let norm = |part| normalisation(weights, |term| TensorName::Layer(layer, part, term));
        Ok(Self {
            projection: dense(&[Part::Query, Part::Key, Part::Value], config.heads)?,
            attention_out: dense(&[Part::AttentionOutput], 1)?,
            attention_norm: norm(Part::AttentionNorm)?,
            up: dense(&[Part::Up], 1)?,
            down: dense(&[Part::Down], 1)?,
            output_norm: norm(Part::OutputNorm)?,
        })
    }
}

impl Dense {
    /// The `parts` of a layer as one matrix: in `groups` groups of rows, of each group first what is the first part's.
    fn pack(
        weights: &Weights,
        layer: usize,
        parts: &[Part],
        groups: usize,
        packing: Packing,
    ) -> Result<Self, LoadError> {
        let names = |term| parts.iter().map(move |part| TensorName::Layer(layer, *part, term));
        let inputs = names(Term::Weight).next().map_or(1, |name| name.shape(weights.config())[1]);
        let bias = names(Term::Bias).map(|name| weights.values(name)).collect::<Result<Vec<_>, _>>()?;
        let packed = if packing == Packing::Q4 {
            let stored = names(Term::Weight).map(|name| Ok(weights.stored(name)?.1));
            let stored = stored.collect::<Result<Vec<_>, ModelError>>()?;
            Packed::from_q4(&interleaved(&stored, groups), inputs)
        } else {
            let values =
                names(Term::Weight).map(|name| weights.values(name)).collect::<Result<Vec<_>, _>>()?;
            let values = interleaved(&values, groups);
            if packing == Packing::Q8 {
                Packed::quantised(&values, inputs)
            } else {
                Packed::plain(&values, inputs)
            }
        };
        Ok(Self {
            weight: packed.ok_or(LoadError::Shape)?,
            blocks: inputs / WIDTH,
            bias: strips(&interleaved(&bias, groups)),
        })
    }

    fn product(&self, kernel: &dyn Kernel, input: &Signal, panel: usize, out: &mut [Strip]) {
        self.weight.product(kernel, input, self.blocks, panel, out);
    }
}

/// `matrices` as one, of each group of rows first what is the first matrix's.
fn interleaved<T: Copy>(matrices: &[impl AsRef<[T]>], groups: usize) -> Vec<T> {
    let mut rows = Vec::with_capacity(matrices.iter().map(|matrix| matrix.as_ref().len()).sum());
    for group in 0..groups {
        for matrix in matrices.iter().map(AsRef::as_ref) {
            let length = matrix.len() / groups;
            rows.extend_from_slice(&matrix[group * length..(group + 1) * length]);
        }
    }
    rows
}

fn strips(values: &[f32]) -> Vec<Strip> {
    values.as_chunks().0.iter().copied().map(Strip).collect()
}

fn normalisation(weights: &Weights, name: impl Fn(Term) -> TensorName) -> Result<Normalisation, LoadError> {
    Ok(Normalisation {
        weight: strips(&weights.values(name(Term::Weight))?),
        shift: strips(&weights.values(name(Term::Bias))?),
        epsilon: weights.config().epsilon as f32,
    })
}

impl Scratch {
    fn new(packing: Packing, kernel: &dyn Kernel) -> Self {
        Self {
            hidden: Vec::new(),
            added: Vec::new(),
            input: packing.signal(kernel),
            context: packing.signal(kernel),
            wide: packing.signal(kernel),
            parts: Vec::new(),
        }
    }

    /// Makes room for `rows` tokens. What the buffers hold is not defined.
    fn resize(&mut self, team: Team, rows: usize, config: &ModelConfig) {
        let (hidden, wide) = (config.hidden / WIDTH * rows, config.feed_forward / WIDTH * rows);
        let head = config.hidden / config.heads / WIDTH;
        self.hidden.resize(hidden, Strip::ZERO);
        self.added.resize(hidden, Strip::ZERO);
        self.input.resize(hidden);
        self.context.resize(hidden);
        self.wide.resize(wide);
        self.parts.resize_with(team.size(), PartScratch::default);
        for part in &mut self.parts {
            part.head.resize(rows, head);
            part.panel.resize(head * rows, Strip::ZERO);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::reference::ReferenceBert;
    use crate::embed::weights::tests::{mixed_gguf, open, setting};
    use crate::paper::UnitVector;
    use candle_core::{DType, Device};

    /// Files may have some matrices in 4 bits and others in 8: their products meet in one sum, and must be packed alike.
    #[test]
    fn whatever_kinds_weights_are_stored_in_the_vectors_are_the_references() {
        let (folder, _, tensors) = setting();
        let config = folder.path().join("config.json");
        let one_head = fs_err::read_to_string(&config).unwrap().replace("heads\":2", "heads\":1");
        fs_err::write(&config, one_head).unwrap();
        let mixed = |name: TensorName| match name {
            TensorName::Layer(_, Part::Query | Part::Down, _) => GgmlDType::Q8_0,
            _ => GgmlDType::Q4_0,
        };
        for kind in [&mixed as &dyn Fn(TensorName) -> GgmlDType, &|_| GgmlDType::Q4_0, &|_| GgmlDType::F32] {
            fs_err::write(folder.path().join("model.gguf"), mixed_gguf(&tensors, kind)).unwrap();
            let weights = || open(&folder, "model.gguf").unwrap();
            let texts: Vec<Vec<u32>> = vec![(0..10).collect(), vec![3, 1, 4], vec![7]];
            let pooled = |network: &dyn Network| {
                let pooled = network.mean_pooled(&texts).unwrap().into_iter();
                pooled.map(|vector| UnitVector::new(vector).unwrap()).collect::<Vec<_>>()
            };
            let expected = pooled(&ReferenceBert::new(weights(), &Device::Cpu, DType::F32, 1).unwrap());
            for (arithmetic, bound) in [(Arithmetic::Fp32, 0.999_99), (Arithmetic::Int8, 0.995)] {
                for choice in KernelChoice::ALL.into_iter().filter(|choice| choice.is_available()) {
                    let found = pooled(&CpuBert::new(weights(), arithmetic, choice, 2).unwrap());
                    for (found, expected) in found.iter().zip(&expected) {
                        let cosine = found.cosine(expected);
                        assert!(cosine > bound, "{arithmetic} on {choice}: {cosine}");
                    }
                }
            }
        }
        // Two heads of 16 are no strips: said, not computed wrongly.
        let two_heads = fs_err::read_to_string(&config).unwrap().replace("heads\":1", "heads\":2");
        fs_err::write(&config, two_heads).unwrap();
        let weights = open(&folder, "model.gguf").unwrap();
        let refused = CpuBert::new(weights, Arithmetic::Int8, KernelChoice::Portable, 1).err().unwrap();
        assert!(refused.to_string().contains("--arithmetic candle"), "{refused}");
    }
}
