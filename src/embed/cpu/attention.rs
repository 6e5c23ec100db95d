//! Scaled dot-product attention of one head, sentence by sentence, in f32.
//!
//! Scores are made for a few queries at a time against all keys of their sentence, so that they never leave the cache.

use std::ops::Range;

use super::blocks::{Strip, WIDTH};
use super::kernel::{Kernel, Plain};

/// Queries whose scores are held at once: two tiles of the widest kernel; with 512 keys 48 KB.
const QUERIES: usize = 24;

/// What one thread needs for one head.
#[derive(Default)]
pub(super) struct HeadScratch {
    /// `[block][row]`, blocks of a head's width; a sentence's last keys and values may be read up to a strip's width further.
    pub(super) query: Vec<Strip>,
    pub(super) key: Vec<Strip>,
    pub(super) value: Vec<Strip>,
    /// Keys as the panels of a product: `[32 keys][number]`.
    panels: Vec<Strip>,
    /// `[32 keys][query]`
    scores: Vec<Strip>,
}

impl HeadScratch {
    /// Makes room for `rows` tokens in heads of `blocks` strips.
    pub(super) fn resize(&mut self, rows: usize, blocks: usize) {
        self.query.resize(rows * blocks, Strip::ZERO);
        for padded in [&mut self.key, &mut self.value] {
            padded.resize(rows * blocks + WIDTH, Strip::ZERO);
        }
    }

    /// Attention of every sentence (its rows) of the projected query, key and value; the query is scaled already.
    /// `out` is `[block][row]` as they are.
    pub(super) fn attend(
        &mut self,
        kernel: &dyn Kernel,
        sentences: &[Range<usize>],
        rows: usize,
        blocks: usize,
        out: &mut [Strip],
    ) {
        for sentence in sentences {
            let groups = sentence.len().div_ceil(WIDTH);
            self.panels.resize(groups * blocks * WIDTH, Strip::ZERO);
            self.scores.resize(groups * QUERIES, Strip::ZERO);
            for (group, panel) in self.panels.as_chunks_mut::<WIDTH>().0.iter_mut().enumerate() {
                let (group, block) = (group / blocks, group % blocks);
                if let Some(keys) = self.key[block * rows + sentence.start + group * WIDTH..].first_chunk() {
                    kernel.transpose(keys, panel);
                }
            }
            for start in sentence.clone().step_by(QUERIES) {
                let count = QUERIES.min(sentence.end - start);
                let scores = &mut self.scores[..groups * count];
                let query = Plain { strips: &self.query[start..], stride: rows };
                for (panel, scores) in
                    self.panels.chunks_exact(blocks * WIDTH).zip(scores.chunks_exact_mut(count))
                {
                    kernel.product_f32(query, panel, scores);
                }
                let mut factors = [0f32; QUERIES];
                kernel.soften(scores, sentence.len(), &mut factors[..count]);
                let weights = Plain { strips: scores, stride: count };
                for block in 0..blocks {
                    let from = block * rows + sentence.start;
                    let attended = &mut out[block * rows + start..][..count];
                    kernel.product_f32(weights, &self.value[from..from + groups * WIDTH], attended);
                    kernel.stretch(attended, &factors);
                }
            }
        }
    }
}
