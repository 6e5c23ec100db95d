//! Weights in the order in which the kernels read them, made once when a model is loaded.
//!
//! A *panel* is 32 outputs. Within it stand, block of 32 inputs after block, for each four inputs the weights of the 32
//! outputs side by side: what one broadcast of four codes is multiplied with.

use half::f16;

use super::blocks::{Quantised, Signal, Strip, WIDTH};
use super::kernel::{Kernel, Plain};

/// Four inputs by 32 outputs in 4 bits, as Q4_0 stores them (value + 8): outputs 0 to 15 in the low nibbles, four bytes an
/// output, outputs 16 to 31 in the high ones.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Nibbles(pub(super) [u8; 64]);

/// Four inputs by 16 outputs in 8 bits (value + 128).
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Bytes(pub(super) [u8; 64]);

/// What [`Nibbles`] are above their values.
pub(super) const NIBBLES_OFFSET: i32 = 8;
/// What [`Bytes`] are above their values.
pub(super) const BYTES_OFFSET: i32 = 128;

/// How all matrices of a model are packed: one product's output is the next one's input, so they are all alike.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    /// As stored, where every matrix is in blocks of Q4_0.
    Q4,
    /// In 8 bits, whatever they are stored in.
    Q8,
    F32,
}

impl Packing {
    /// What `kernel` multiplies with matrices packed so.
    pub(super) fn signal(self, kernel: &dyn Kernel) -> Signal {
        match self {
            Self::Q4 | Self::Q8 if kernel.in_halves().is_some() => Signal::Halves(Vec::new()),
            Self::Q4 | Self::Q8 => Signal::Quantised(Quantised::default()),
            Self::F32 if kernel.in_halves().is_some() => Signal::Thirds(Vec::new()),
            Self::F32 => Signal::Plain(Vec::new()),
        }
    }

    /// What weights as stored are above their values.
    pub(super) fn offset(self) -> i32 {
        match self {
            Self::Q4 => NIBBLES_OFFSET,
            Self::Q8 => BYTES_OFFSET,
            Self::F32 => 0,
        }
    }
}

/// A matrix, panel after panel.
pub(super) enum Packed {
    /// Blocks of Q4_0, number for number.
    Q4 { quads: Vec<Nibbles>, scales: Vec<Strip> },
    /// Blocks of 32 inputs with a scale each, as Q8_0.
    Q8 { quads: Vec<Bytes>, scales: Vec<Strip> },
    /// As they are.
    F32(Vec<Strip>),
}

/// Bytes of a block of Q4_0: the scale in f16, 16 bytes; byte `j` holds number `j` and, above it, number `j + 16`
/// (GGML's `block_q4_0`).
const Q4_BLOCK: usize = 18;

impl Packed {
    /// From Q4_0 as stored, one row an output. `None` where rows are no whole blocks or outputs no whole panels.
    pub(super) fn from_q4(stored: &[u8], inputs: usize) -> Option<Self> {
        let row = inputs / WIDTH * Q4_BLOCK;
        let outputs = stored.len().checked_div(row)?;
        if !inputs.is_multiple_of(WIDTH) || !outputs.is_multiple_of(WIDTH) || stored.len() != outputs * row {
            return None;
        }
        let blocks = inputs / WIDTH;
        let mut quads = vec![Nibbles([0; 64]); outputs / WIDTH * blocks * 8];
        let mut scales = vec![Strip::ZERO; outputs / WIDTH * blocks];
        for (output, row) in stored.chunks_exact(row).enumerate() {
            let (panel, output) = (output / WIDTH, output % WIDTH);
            let high = if output < 16 { 0 } else { 4 };
            for (block, stored) in row.as_chunks::<Q4_BLOCK>().0.iter().enumerate() {
                let at = panel * blocks + block;
                scales[at].0[output] = f16::from_le_bytes([stored[0], stored[1]]).to_f32();
                for (number, byte) in stored[2..].iter().enumerate() {
                    let cell = output % 16 * 4 + number % 4;
                    quads[at * 8 + number / 4].0[cell] |= (byte & 15) << high;
                    quads[at * 8 + 4 + number / 4].0[cell] |= (byte >> 4) << high;
                }
            }
        }
        Some(Self::Q4 { quads, scales })
    }

    /// 8 bits a number and a scale a block, as GGML's Q8_0, of `values` in rows of `inputs`.
    pub(super) fn quantised(values: &[f32], inputs: usize) -> Option<Self> {
        let blocks = inputs / WIDTH;
        let panels = Self::panels(values, inputs)?;
        let mut quads = vec![Bytes([128; 64]); panels * blocks * 16];
        let mut scales = vec![Strip::ZERO; panels * blocks];
        for (output, row) in values.chunks_exact(inputs).enumerate() {
            let (panel, output) = (output / WIDTH, output % WIDTH);
            for (block, values) in row.as_chunks::<WIDTH>().0.iter().enumerate() {
                let at = panel * blocks + block;
                let largest = values.iter().fold(0f32, |largest, value| largest.max(value.abs()));
                let inverse = if largest > 0.0 { 127.0 / largest } else { 0.0 };
                scales[at].0[output] = largest / 127.0;
                for (number, value) in values.iter().enumerate() {
                    let cell = output % 16 * 4 + number % 4;
                    let code = (value * inverse).round_ties_even() as i8;
                    quads[at * 16 + number / 4 * 2 + output / 16].0[cell] = (code as u8) ^ 128;
                }
            }
        }
        Some(Self::Q8 { quads, scales })
    }

    /// `values` in rows of `inputs`, as they are.
    pub(super) fn plain(values: &[f32], inputs: usize) -> Option<Self> {
        let mut columns = vec![Strip::ZERO; Self::panels(values, inputs)? * inputs];
        for (output, row) in values.chunks_exact(inputs).enumerate() {
            let (panel, output) = (output / WIDTH, output % WIDTH);
            for (number, value) in row.iter().enumerate() {
                columns[panel * inputs + number].0[output] = *value;
            }
        }
        Some(Self::F32(columns))
    }

    fn panels(values: &[f32], inputs: usize) -> Option<usize> {
        let outputs = values.len().checked_div(inputs)?;
        let whole =
            inputs.is_multiple_of(WIDTH) && outputs.is_multiple_of(WIDTH) && values.len() == outputs * inputs;
        whole.then_some(outputs / WIDTH)
    }

    /// All rows of `input`, in `blocks` blocks, times panel number `panel`.
    pub(super) fn product(
        &self,
        kernel: &dyn Kernel,
        input: &Signal,
        blocks: usize,
        panel: usize,
        out: &mut [Strip],
    ) {
        let part = panel * blocks..(panel + 1) * blocks;
        match (self, input) {
            (Self::Q4 { quads, scales }, Signal::Quantised(input)) => {
                kernel.product_q4(
                    input.rows(0, out.len()),
                    &quads[part.start * 8..part.end * 8],
                    &scales[part],
                    out,
                );
            }
            (Self::Q8 { quads, scales }, Signal::Quantised(input)) => {
                kernel.product_q8(
                    input.rows(0, out.len()),
                    &quads[part.start * 16..part.end * 16],
                    &scales[part],
                    out,
                );
            }
            (Self::Q4 { quads, scales }, Signal::Halves(strips)) if let Some(kernel) = kernel.in_halves() => {
                let input = Plain { strips, stride: out.len() };
                kernel.product_q4(input, &quads[part.start * 8..part.end * 8], &scales[part], out);
            }
            (Self::Q8 { quads, scales }, Signal::Halves(strips)) if let Some(kernel) = kernel.in_halves() => {
                let input = Plain { strips, stride: out.len() };
                kernel.product_q8(input, &quads[part.start * 16..part.end * 16], &scales[part], out);
            }
            (Self::F32(columns), Signal::Plain(strips)) => {
                let input = Plain { strips, stride: out.len() };
                kernel.product_f32(input, &columns[part.start * WIDTH..part.end * WIDTH], out);
            }
            (Self::F32(columns), Signal::Thirds(strips)) if let Some(kernel) = kernel.in_halves() => {
                let input = Plain { strips, stride: out.len() };
                kernel.product_f32(input, &columns[part.start * WIDTH..part.end * WIDTH], out);
            }
            _ => unreachable!("`Packing` makes weights and signals alike"),
        }
    }
}
