//! Scaled dot-product attention of one head, sentence by sentence.
//!
//! Scores are made for a few queries at a time against all keys of their sentence, so that they never leave the cache.
//! Where a machine multiplies bytes much faster than f32, queries and keys are quantised in the same blocks of 32 as everything
//! else. Values are not: their errors are alike where tokens are alike, and do not cancel (on a text of one repeated letter
//! the vector's cosine to f32 fell from 0.9998 to 0.9990). They and their weights are made 16 bits (`shorts.rs`).

use std::ops::Range;

use super::blocks::{Codes, Quantised, QuantisedMut, Strip, WIDTH};
use super::kernel::{Kernel, Plain};
use super::pack::{BYTES_OFFSET, Bytes};
use super::shorts::{Pairs, Values};

/// Queries whose scores are held at once: four tiles of the widest kernel; with 512 keys 56 KB.
const QUERIES: usize = 28;

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

/// Queries and keys in bytes.
#[derive(Default)]
struct BytesScratch {
    query: Quantised,
    keys: Vec<Bytes>,
    scales: Vec<Strip>,
    /// Values in 16 bits, `[block][pair of keys]`, and each block's unit.
    values: Vec<Pairs>,
    steps: Vec<f32>,
}

/// In which numbers scores are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scores {
    Plain,
    Bytes,
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

    /// Attention of every sentence of the projected query, key and value; the query is scaled already. `out` is
    /// `[block][row]` as they are.
    pub(super) fn attend(
        &mut self,
        kernel: &dyn Kernel,
        scores_in: Scores,
        layout: Layout<'_>,
        out: &mut [Strip],
    ) {
        let Layout { sentences, rows, blocks } = layout;
        if scores_in == Scores::Bytes {
            self.bytes.query.resize(rows * blocks);
            kernel.quantise(&self.query, BYTES_OFFSET, self.bytes.query.all_mut());
        }
        for sentence in sentences {
            let groups = sentence.len().div_ceil(WIDTH);
            self.scores.resize(groups * QUERIES, Strip::ZERO);
            match scores_in {
                Scores::Plain => self.transpose_keys(kernel, layout, sentence),
                Scores::Bytes => {
                    self.bytes.pack_keys(kernel, layout, sentence, &self.key);
                    self.bytes.pack_values(kernel, layout, sentence, &self.value);
                }
            }
            for start in sentence.clone().step_by(QUERIES) {
                let count = QUERIES.min(sentence.end - start);
                let scores = &mut self.scores[..groups * count];
                let each = scores.chunks_exact_mut(count);
                match scores_in {
                    Scores::Plain => {
                        let query = Plain { strips: &self.query[start..], stride: rows };
                        for (panel, scores) in self.panels.chunks_exact(blocks * WIDTH).zip(each) {
                            kernel.product_f32(query, panel, scores);
                        }
                    }
                    Scores::Bytes => {
                        let BytesScratch { query, keys, scales, .. } = &self.bytes;
                        let query = query.rows(start, rows);
                        let panels = keys.chunks_exact(blocks * 16).zip(scales.chunks_exact(blocks));
                        for ((keys, scales), scores) in panels.zip(each) {
                            kernel.product_q8(query, keys, scales, scores);
                        }
                    }
                }
                let (mut factors, keys) = ([0f32; QUERIES], sentence.len());
                let factors = &mut factors[..count];
                match scores_in {
                    Scores::Plain => kernel.soften(scores, keys, factors),
                    Scores::Bytes => kernel.soften_shorts(scores, keys, factors),
                }
                let weights = Plain { strips: scores, stride: count };
                for block in 0..blocks {
                    let attended = &mut out[block * rows + start..][..count];
                    match scores_in {
                        Scores::Plain => {
                            let from = layout.first(sentence, 0, block);
                            kernel.product_f32(weights, &self.value[from..from + groups * WIDTH], attended);
                            kernel.stretch(attended, factors);
                        }
                        Scores::Bytes => {
                            let pairs = &self.bytes.values[block * groups * WIDTH..][..groups * WIDTH];
                            let values = Values { pairs, step: self.bytes.steps[block] };
                            kernel.product_shorts(weights, values, factors, attended);
                        }
                    }
                }
            }
        }
    }

    fn transpose_keys(&mut self, kernel: &dyn Kernel, layout: Layout<'_>, sentence: &Range<usize>) {
        let blocks = layout.blocks;
        self.panels.resize(sentence.len().div_ceil(WIDTH) * blocks * WIDTH, Strip::ZERO);
        for (at, panel) in self.panels.as_chunks_mut::<WIDTH>().0.iter_mut().enumerate() {
            if let Some(keys) = self.key[layout.first(sentence, at / blocks, at % blocks)..].first_chunk() {
                kernel.transpose(keys, panel);
            }
        }
    }
}

impl BytesScratch {
    fn pack_keys(&mut self, kernel: &dyn Kernel, layout: Layout<'_>, sentence: &Range<usize>, key: &[Strip]) {
        let strips = sentence.len().div_ceil(WIDTH) * layout.blocks;
        self.keys.resize(strips * 16, Bytes([0; 64]));
        self.scales.resize(strips, Strip::ZERO);
        let packed = self.keys.as_chunks_mut::<16>().0.iter_mut().zip(&mut self.scales);
        for (at, (quads, scales)) in packed.enumerate() {
            let from = layout.first(sentence, at / layout.blocks, at % layout.blocks);
            pack_rows(kernel, &key[from..from + WIDTH], quads, scales);
        }
    }

    fn pack_values(
        &mut self,
        kernel: &dyn Kernel,
        layout: Layout<'_>,
        sentence: &Range<usize>,
        value: &[Strip],
    ) {
        let strips = sentence.len().div_ceil(WIDTH) * WIDTH;
        self.values.resize(strips * layout.blocks, Pairs::ZERO);
        self.steps.resize(layout.blocks, 0.0);
        let packed = self.values.chunks_exact_mut(strips).zip(&mut self.steps);
        for (block, (pairs, step)) in packed.enumerate() {
            let from = layout.first(sentence, 0, block);
            kernel.pack_values(&value[from..from + strips], sentence.len(), pairs, step);
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
