//! Scaled dot-product attention of one head, sentence by sentence.
//!
//! Scores are made for a few queries at a time against all keys of their sentence, so that they never leave the cache.
//! Where a machine multiplies bytes much faster than f32, queries, keys, weights and values are quantised in the same blocks of
//! 32 as everything else: keys become a panel of weights with a scale a key, values one with a scale for each number of 32
//! tokens, the weights of each query get a scale for each 32 keys.

use std::ops::Range;

use super::blocks::{Codes, Quantised, QuantisedMut, Strip, WIDTH};
use super::kernel::{Kernel, Plain};
use super::pack::{BYTES_OFFSET, Bytes};

/// Queries whose scores are held at once: two tiles of the widest kernel; with 512 keys 48 KB.
const QUERIES: usize = 24;

/// What one thread needs for one head.
#[derive(Default)]
pub(super) struct HeadScratch {
    /// `[block][row]`, blocks of a head's width; a sentence's last keys and values may be read up to a strip's width further.
    pub(super) query: Vec<Strip>,
    pub(super) key: Vec<Strip>,
    pub(super) value: Vec<Strip>,
    /// `[32 keys][query]`
    scores: Vec<Strip>,
    /// Keys as the panels of a product: `[32 keys][number]`.
    panels: Vec<Strip>,
    bytes: BytesScratch,
}

/// The same in bytes.
#[derive(Default)]
struct BytesScratch {
    query: Quantised,
    weights: Quantised,
    keys: Vec<Bytes>,
    key_scales: Vec<Strip>,
    values: Vec<Bytes>,
    value_scales: Vec<Strip>,
}

/// A chunk's sentences in the rows of one head.
#[derive(Clone, Copy)]
pub(super) struct Layout<'a> {
    pub(super) sentences: &'a [Range<usize>],
    pub(super) rows: usize,
    /// Strips that a head is wide.
    pub(super) blocks: usize,
}

impl HeadScratch {
    /// Makes room for `rows` tokens in heads of `blocks` strips.
    pub(super) fn resize(&mut self, rows: usize, blocks: usize) {
        self.query.resize(rows * blocks, Strip::ZERO);
        for padded in [&mut self.key, &mut self.value] {
            padded.resize(rows * blocks + WIDTH, Strip::ZERO);
        }
    }

    /// Attention of every sentence of the projected query, key and value, in f32; the query is scaled already. `out` is
    /// `[block][row]` as they are.
    pub(super) fn attend(&mut self, kernel: &dyn Kernel, layout: Layout<'_>, out: &mut [Strip]) {
        let Layout { sentences, rows, blocks } = layout;
        for sentence in sentences {
            let groups = sentence.len().div_ceil(WIDTH);
            self.panels.resize(groups * blocks * WIDTH, Strip::ZERO);
            self.scores.resize(groups * QUERIES, Strip::ZERO);
            for (at, panel) in self.panels.as_chunks_mut::<WIDTH>().0.iter_mut().enumerate() {
                if let Some(keys) = self.key[layout.first(sentence, at / blocks, at % blocks)..].first_chunk()
                {
                    kernel.transpose(keys, panel);
                }
            }
            for start in sentence.clone().step_by(QUERIES) {
                let count = QUERIES.min(sentence.end - start);
                let scores = &mut self.scores[..groups * count];
                let query = Plain { strips: &self.query[start..], stride: rows };
                let panels = self.panels.chunks_exact(blocks * WIDTH);
                for (panel, scores) in panels.zip(scores.chunks_exact_mut(count)) {
                    kernel.product_f32(query, panel, scores);
                }
                let mut factors = [0f32; QUERIES];
                kernel.soften(scores, sentence.len(), &mut factors[..count]);
                let weights = Plain { strips: scores, stride: count };
                for block in 0..blocks {
                    let from = layout.first(sentence, 0, block);
                    let attended = &mut out[block * rows + start..][..count];
                    kernel.product_f32(weights, &self.value[from..from + groups * WIDTH], attended);
                    kernel.stretch(attended, &factors);
                }
            }
        }
    }

    /// As [`Self::attend`], in products of bytes.
    pub(super) fn attend_in_bytes(&mut self, kernel: &dyn Kernel, layout: Layout<'_>, out: &mut [Strip]) {
        let Layout { sentences, rows, blocks } = layout;
        let Self { query, key, value, scores, bytes, .. } = self;
        bytes.query.resize(rows * blocks);
        kernel.quantise(query, BYTES_OFFSET, bytes.query.all_mut());
        for sentence in sentences {
            let groups = sentence.len().div_ceil(WIDTH);
            bytes.pack(kernel, layout, sentence, key, value);
            scores.resize(groups * QUERIES, Strip::ZERO);
            for start in sentence.clone().step_by(QUERIES) {
                let count = QUERIES.min(sentence.end - start);
                let scores = &mut scores[..groups * count];
                let query = bytes.query.rows(start, rows);
                let panels = bytes.keys.chunks_exact(blocks * 16).zip(bytes.key_scales.chunks_exact(blocks));
                for ((keys, scales), scores) in panels.zip(scores.chunks_exact_mut(count)) {
                    kernel.product_q8(query, keys, scales, scores);
                }
                let mut factors = [0f32; QUERIES];
                kernel.soften(scores, sentence.len(), &mut factors[..count]);
                bytes.weights.resize(scores.len());
                kernel.quantise(scores, BYTES_OFFSET, bytes.weights.all_mut());
                let panels =
                    bytes.values.chunks_exact(groups * 16).zip(bytes.value_scales.chunks_exact(groups));
                for (block, (values, scales)) in panels.enumerate() {
                    let attended = &mut out[block * rows + start..][..count];
                    kernel.product_q8(bytes.weights.rows(0, count), values, scales, attended);
                    kernel.stretch(attended, &factors);
                }
            }
        }
    }
}

impl BytesScratch {
    /// Keys and values of a sentence as panels.
    fn pack(
        &mut self,
        kernel: &dyn Kernel,
        layout: Layout<'_>,
        sentence: &Range<usize>,
        key: &[Strip],
        value: &[Strip],
    ) {
        let groups = sentence.len().div_ceil(WIDTH);
        let strips = groups * layout.blocks;
        for quads in [&mut self.keys, &mut self.values] {
            quads.resize(strips * 16, Bytes([0; 64]));
        }
        for scales in [&mut self.key_scales, &mut self.value_scales] {
            scales.resize(strips, Strip::ZERO);
        }
        let keys = self.keys.as_chunks_mut::<16>().0.iter_mut().zip(&mut self.key_scales);
        for (at, (quads, scales)) in keys.enumerate() {
            let from = layout.first(sentence, at / layout.blocks, at % layout.blocks);
            pack_rows(kernel, &key[from..from + WIDTH], quads, scales);
        }
        let values = self.values.as_chunks_mut::<16>().0.iter_mut().zip(&mut self.value_scales);
        for (at, (quads, scales)) in values.enumerate() {
            let (block, group) = (at / groups, at % groups);
            let from = layout.first(sentence, group, block);
            let mut rows = [Strip::ZERO; WIDTH];
            // Not the next sentence's: a scale must not depend on who else is in the batch.
            let count = WIDTH.min(sentence.len() - group * WIDTH);
            rows[..count].copy_from_slice(&value[from..from + count]);
            kernel.pack_columns(&rows, quads, scales);
        }
    }
}

impl Layout<'_> {
    /// Where the strips of `block` begin for the `group`th 32 tokens of a sentence.
    fn first(&self, sentence: &Range<usize>, group: usize, block: usize) -> usize {
        block * self.rows + sentence.start + group * WIDTH
    }
}

/// 32 rows as a block of 8-bit weights of which each row is an output, a scale a row.
fn pack_rows(kernel: &dyn Kernel, rows: &[Strip], quads: &mut [Bytes; 16], scales: &mut Strip) {
    let (mut codes, mut starts) = ([Codes([0; WIDTH]); WIDTH], [0; WIDTH]);
    let out = QuantisedMut { codes: &mut codes, scales: &mut scales.0, starts: &mut starts };
    kernel.quantise(rows, BYTES_OFFSET, out);
    for (row, codes) in codes.iter().enumerate() {
        for (quad, four) in codes.0.as_chunks::<4>().0.iter().enumerate() {
            quads[quad * 2 + row / 16].0.as_chunks_mut::<4>().0[row % 16] = four.map(|code| code as u8 ^ 128);
        }
    }
}
