//! The arithmetic in plain Rust: what every kernel is held against, and what runs where there is no kernel for a machine.
#![expect(unsafe_code, reason = "the functions of a vector are unsafe; these are not")]

use super::blocks::{QuantisedMut, QuantisedRows, Strip, WIDTH};
use super::kernel::{Kernel, KernelChoice, Normalisation, Plain};
use super::pack::{Bytes, Nibbles};
use super::shorts::{self, Pairs, Shorts, Values};
use super::vector::{self, ROUNDING, Vector};

/// Any machine.
pub(super) struct Portable;

/// Four lanes, which every compiler makes the best of.
#[derive(Clone, Copy)]
struct Lanes([f32; 4]);

impl Lanes {
    fn with(self, other: Self, each: impl Fn(f32, f32) -> f32) -> Self {
        Self(std::array::from_fn(|lane| each(self.0[lane], other.0[lane])))
    }
}

impl Vector for Lanes {
    const LANES: usize = 4;

    unsafe fn splat(value: f32) -> Self {
        Self([value; 4])
    }

    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: as the caller promised.
        Self(unsafe { from.cast::<[f32; 4]>().read() })
    }

    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as the caller promised.
        unsafe { to.cast::<[f32; 4]>().write(self.0) }
    }

    unsafe fn add(self, other: Self) -> Self {
        self.with(other, |a, b| a + b)
    }

    unsafe fn sub(self, other: Self) -> Self {
        self.with(other, |a, b| a - b)
    }

    unsafe fn mul(self, other: Self) -> Self {
        self.with(other, |a, b| a * b)
    }

    unsafe fn div(self, other: Self) -> Self {
        self.with(other, |a, b| a / b)
    }

    unsafe fn min(self, other: Self) -> Self {
        self.with(other, |a, b| if a < b { a } else { b })
    }

    unsafe fn max(self, other: Self) -> Self {
        self.with(other, |a, b| if a > b { a } else { b })
    }

    unsafe fn fused(self, by: Self, plus: Self) -> Self {
        // Rounded twice: a fused product is a slow call where the machine has none.
        Self(std::array::from_fn(|lane| self.0[lane] * by.0[lane] + plus.0[lane]))
    }

    unsafe fn split(self) -> (Self, Self) {
        let power = Self(self.0.map(|value| value - 0.5 + ROUNDING));
        (self.with(power, |value, power| value - (power - ROUNDING)), power)
    }

    unsafe fn scaled(self, power: Self) -> Self {
        self.with(power, |a, power| f32::from_bits(a.to_bits().wrapping_add(power.to_bits() << 23)))
    }

    unsafe fn total(self) -> f32 {
        self.0[0] + self.0[2] + (self.0[1] + self.0[3])
    }

    unsafe fn largest(self) -> f32 {
        self.0.into_iter().fold(f32::MIN, f32::max)
    }
}

impl Shorts for Lanes {
    type Sums = [i32; 4];

    unsafe fn none() -> [i32; 4] {
        [0; 4]
    }

    unsafe fn dot(sums: [i32; 4], weights: *const [i16; 2], values: *const [i16; 2]) -> [i32; 4] {
        // SAFETY: as the caller promised.
        let (weights, values) = unsafe { (weights.read(), values.cast::<[[i16; 2]; 4]>().read()) };
        std::array::from_fn(|lane| {
            let products = values[lane].iter().zip(weights).map(|(a, b)| i32::from(*a) * i32::from(b));
            sums[lane] + products.sum::<i32>()
        })
    }

    unsafe fn plus(self, sums: [i32; 4]) -> Self {
        self.with(Self(sums.map(|sum| sum as f32)), |a, b| a + b)
    }

    unsafe fn store_pairs(first: Self, second: Self, to: *mut [i16; 2]) {
        let pairs = std::array::from_fn(|lane| {
            [first.0[lane], second.0[lane]].map(|value| value.round_ties_even() as i16)
        });
        // SAFETY: as the caller promised.
        unsafe { to.cast::<[[i16; 2]; 4]>().write(pairs) }
    }
}

/// 8 bits a number, one scale a strip.
fn quantise(strips: &[Strip], offset: i32, out: QuantisedMut<'_>) {
    let QuantisedMut { codes, scales, starts } = out;
    for (((strip, codes), scale), start) in strips.iter().zip(codes).zip(scales).zip(starts) {
        let mut largest = [0f32; 16];
        for half in strip.0.as_chunks::<16>().0 {
            for (largest, value) in largest.iter_mut().zip(half) {
                let size = value.abs();
                *largest = if size > *largest { size } else { *largest };
            }
        }
        let largest = largest.iter().fold(0f32, |a, b| if *b > a { *b } else { a });
        let inverse = if largest > 0.0 { 127.0 / largest } else { 0.0 };
        let mut rounded = [0i32; WIDTH];
        for (rounded, value) in rounded.iter_mut().zip(&strip.0) {
            *rounded = (value * inverse + ROUNDING).to_bits() as i32 - ROUNDING.to_bits() as i32;
        }
        let mut sum = 0i32;
        for (code, rounded) in codes.0.iter_mut().zip(rounded) {
            *code = rounded as i8;
            sum += rounded;
        }
        *scale = largest / 127.0;
        *start = -offset * sum;
    }
}

fn by_weight<const BLOCK: usize, Q>(
    input: QuantisedRows<'_>,
    blocks: &[[Q; BLOCK]],
    scales: &[Strip],
    weight: impl Fn(&[Q; BLOCK], usize, usize) -> u8,
    out: &mut [Strip],
) {
    for (row, out) in out.iter_mut().enumerate() {
        *out = Strip::ZERO;
        for (number, (block, scales)) in blocks.iter().zip(scales).enumerate() {
            let at = number * input.stride + row;
            for (output, sum) in out.0.iter_mut().enumerate() {
                let products = input.codes[at].0.iter().enumerate();
                let dot = products.fold(input.starts[at], |dot, (number, code)| {
                    dot + i32::from(*code) * i32::from(weight(block, output, number))
                });
                *sum += dot as f32 * (scales.0[output] * input.scales[at]);
            }
        }
    }
}

impl Kernel for Portable {
    fn choice(&self) -> KernelChoice {
        KernelChoice::Portable
    }

    fn prefers_bytes(&self) -> bool {
        false
    }

    fn product_q4(&self, input: QuantisedRows<'_>, quads: &[Nibbles], scales: &[Strip], out: &mut [Strip]) {
        let weight = |block: &[Nibbles; 8], output: usize, number: usize| {
            let byte = block[number / 4].0[output % 16 * 4 + number % 4];
            if output < 16 { byte & 15 } else { byte >> 4 }
        };
        by_weight(input, quads.as_chunks().0, scales, weight, out);
    }

    fn product_q8(&self, input: QuantisedRows<'_>, quads: &[Bytes], scales: &[Strip], out: &mut [Strip]) {
        let weight = |block: &[Bytes; 16], output: usize, number: usize| {
            block[number / 4 * 2 + output / 16].0[output % 16 * 4 + number % 4]
        };
        by_weight(input, quads.as_chunks().0, scales, weight, out);
    }

    fn product_f32(&self, input: Plain<'_>, panel: &[Strip], out: &mut [Strip]) {
        for (row, out) in out.iter_mut().enumerate() {
            *out = Strip::ZERO;
            for (block, weights) in panel.as_chunks::<WIDTH>().0.iter().enumerate() {
                for (value, weights) in input.strips[block * input.stride + row].0.iter().zip(weights) {
                    for (sum, weight) in out.0.iter_mut().zip(&weights.0) {
                        *sum += value * weight;
                    }
                }
            }
        }
    }

    fn quantise(&self, strips: &[Strip], offset: i32, out: QuantisedMut<'_>) {
        quantise(strips, offset, out);
    }

    fn gelu(&self, strips: &mut [Strip], bias: &Strip) {
        // SAFETY: four lanes need no instructions of their own.
        unsafe { vector::gelu::<Lanes>(strips, bias) }
    }

    fn shift(&self, strips: &mut [Strip], bias: &Strip, scale: f32) {
        // SAFETY: four lanes need no instructions of their own.
        unsafe { vector::shift::<Lanes>(strips, bias, scale) }
    }

    fn stretch(&self, strips: &mut [Strip], factors: &[f32]) {
        // SAFETY: four lanes need no instructions of their own.
        unsafe { vector::stretch::<Lanes>(strips, factors) }
    }

    fn add_and_normalise(
        &self,
        hidden: &mut [Strip],
        added: &[Strip],
        rows: usize,
        bias: &[Strip],
        norm: &Normalisation,
    ) {
        // SAFETY: four lanes need no instructions of their own.
        unsafe { vector::add_and_normalise::<Lanes>(hidden, added, rows, bias, norm) }
    }

    fn soften(&self, scores: &mut [Strip], keys: usize, factors: &mut [f32]) {
        // SAFETY: four lanes need no instructions of their own.
        unsafe { vector::soften::<Lanes>(scores, keys, factors) }
    }

    fn soften_shorts(&self, scores: &mut [Strip], keys: usize, factors: &mut [f32]) {
        // SAFETY: four lanes need no instructions of their own.
        unsafe { shorts::soften_shorts::<Lanes>(scores, keys, factors) }
    }

    fn pack_values(&self, values: &[Strip], keys: usize, pairs: &mut [Pairs], step: &mut f32) {
        // SAFETY: four lanes need no instructions of their own.
        unsafe { shorts::pack_values::<Lanes>(values, keys, pairs, step) }
    }

    fn product_shorts(&self, weights: Plain<'_>, values: Values<'_>, factors: &[f32], out: &mut [Strip]) {
        weights.check(values.pairs.len() / WIDTH, out.len());
        for row in 0..out.len() {
            for from in (0..WIDTH).step_by(4) {
                // SAFETY: four lanes need no instructions of their own; the lengths were checked.
                unsafe {
                    shorts::tile_shorts::<Lanes, 1, 1>(
                        weights,
                        row,
                        values,
                        from,
                        &factors[row..],
                        &mut out[row..],
                    );
                }
            }
        }
    }

    fn transpose(&self, rows: &[Strip; WIDTH], out: &mut [Strip; WIDTH]) {
        vector::transpose(rows, out);
    }
}
