//! AArch64 with the dot products of bytes (ARMv8.2 and later: every Apple M, Cortex-A76 and Neoverse N1 on).
//!
//! `sdot` takes both sides signed: nibbles are so as they are, with the start that makes up for their offset; bytes lose theirs
//! on their way. It is written as assembly, as its intrinsic is not in stable Rust (`stdarch_neon_dotprod`, issue 117224).
//! Tested by emulation (`scripts/check-aarch64.sh`); its speed has not been measured on a real machine.

#![expect(unsafe_code, reason = "a kernel: vector instructions and reads without bounds checks")]
#![expect(
    clippy::needless_range_loop,
    reason = "iterators over sums keep them in memory, indices in registers"
)]

use std::arch::aarch64::*;
use std::arch::asm;

use super::blocks::{QuantisedMut, QuantisedRows, QuantisedTile, Strip, WIDTH};
use super::kernel::{Kernel, KernelChoice, Normalisation, Plain, elementwise, tiles};
use super::pack::{Bytes, Nibbles};
use super::shorts::{self, Pairs, Shorts, Values};
use super::vector::{self, Vector, instructions};

/// Exists only where the machine has dot products of bytes.
pub(super) struct NeonDotprod(());

impl NeonDotprod {
    pub(super) fn new() -> Option<Self> {
        std::arch::is_aarch64_feature_detected!("dotprod").then_some(Self(()))
    }
}

/// Where in a strip the four outputs of each of a half's registers begin; the second half's are 8 further.
const OUTPUTS: [usize; 4] = [0, 4, 16, 20];

/// A block's weights on 128 bits.
trait Quads: Copy {
    /// What a sum starts from, given what makes up for the weights' offset.
    fn start(start: i32) -> i32;
    /// The weights of the `quad`th four numbers for the outputs of [`OUTPUTS`].
    unsafe fn load(self, block: usize, quad: usize, half: usize) -> [int8x16_t; 4];
}

impl Quads for &[Nibbles] {
    fn start(start: i32) -> i32 {
        start
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn load(self, block: usize, quad: usize, half: usize) -> [int8x16_t; 4] {
        // SAFETY: the caller has checked that there are so many blocks.
        let packed = unsafe {
            let from = self.as_ptr().add(block * 8 + quad).cast::<u8>().add(half * 32);
            [vld1q_u8(from), vld1q_u8(from.add(16))]
        };
        let [first, second] = packed.map(|packed| vreinterpretq_s8_u8(vandq_u8(packed, vdupq_n_u8(15))));
        let [third, fourth] = packed.map(|packed| vreinterpretq_s8_u8(vshrq_n_u8::<4>(packed)));
        [first, second, third, fourth]
    }
}

impl Quads for &[Bytes] {
    fn start(_: i32) -> i32 {
        0
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn load(self, block: usize, quad: usize, half: usize) -> [int8x16_t; 4] {
        // SAFETY: the caller has checked that there are so many blocks.
        let stored = unsafe {
            let left = self.as_ptr().add(block * 16 + quad * 2).cast::<u8>().add(half * 32);
            let right = left.add(size_of::<Bytes>());
            [vld1q_u8(left), vld1q_u8(left.add(16)), vld1q_u8(right), vld1q_u8(right.add(16))]
        };
        stored.map(|stored| vreinterpretq_s8_u8(veorq_u8(stored, vdupq_n_u8(128))))
    }
}

/// `sums` plus, in each lane, four `weights` times the `LANE`th four of `codes`.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn dot<const LANE: i32>(mut sums: int32x4_t, weights: int8x16_t, codes: int8x16_t) -> int32x4_t {
    // SAFETY: arithmetic on registers alone; the function has the feature.
    unsafe {
        asm!(
            "sdot {sums:v}.4s, {weights:v}.16b, {codes:v}.4b[{lane}]",
            sums = inlateout(vreg) sums,
            weights = in(vreg) weights,
            codes = in(vreg) codes,
            lane = const LANE,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sums
}

/// `R` rows times a panel.
///
/// # Safety
/// The machine has the features; `weights` holds as many blocks as `tile.scales`; `tile.input` so many blocks of
/// `tile.row + R` rows, and `tile.out` is `R` long at least.
#[target_feature(enable = "neon,dotprod")]
unsafe fn tile_quantised<const R: usize, W: Quads>(tile: QuantisedTile<'_>, weights: W) {
    for half in 0..2 {
        let mut sums = [[vdupq_n_f32(0.0); 4]; R];
        for (block, weight_scales) in tile.scales.iter().enumerate() {
            let at = block * tile.input.stride + tile.row;
            // SAFETY: as the caller promised.
            unsafe {
                let codes = tile.input.codes.as_ptr().add(at).cast::<i8>();
                let starts = tile.input.starts.as_ptr().add(at);
                let scales = tile.input.scales.as_ptr().add(at);
                let mut dots: [[int32x4_t; 4]; R] =
                    std::array::from_fn(|row| [vdupq_n_s32(W::start(*starts.add(row))); 4]);
                for four in 0..2 {
                    let codes: [int8x16_t; R] =
                        std::array::from_fn(|row| vld1q_s8(codes.add(row * WIDTH + four * 16)));
                    macro_rules! quad {
                        ($lane:literal) => {
                            let weights = weights.load(block, four * 4 + $lane, half);
                            for row in 0..R {
                                for n in 0..4 {
                                    dots[row][n] = dot::<$lane>(dots[row][n], weights[n], codes[row]);
                                }
                            }
                        };
                    }
                    quad!(0);
                    quad!(1);
                    quad!(2);
                    quad!(3);
                }
                for n in 0..4 {
                    let weight_scales = vld1q_f32(weight_scales.0.as_ptr().add(OUTPUTS[n] + half * 8));
                    for row in 0..R {
                        let scales = vmulq_n_f32(weight_scales, *scales.add(row));
                        sums[row][n] = vfmaq_f32(sums[row][n], vcvtq_f32_s32(dots[row][n]), scales);
                    }
                }
            }
        }
        let out = &mut tile.out[..R];
        for row in 0..R {
            for n in 0..4 {
                // SAFETY: a strip is 32 numbers.
                unsafe { vst1q_f32(out[row].0.as_mut_ptr().add(OUTPUTS[n] + half * 8), sums[row][n]) };
            }
        }
    }
}

/// # Safety
/// As [`shorts::tile_shorts`].
#[target_feature(enable = "neon")]
unsafe fn tile_shorts<const R: usize>(
    weights: Plain<'_>,
    row: usize,
    values: Values<'_>,
    factors: &[f32],
    out: &mut [Strip],
) {
    for from in (0..WIDTH).step_by(8) {
        // SAFETY: as the caller promised.
        unsafe { shorts::tile_shorts::<float32x4_t, R, 2>(weights, row, values, from, factors, out) }
    }
}

/// # Safety
/// As [`vector::tile_f32`].
#[target_feature(enable = "neon")]
unsafe fn tile_f32<const R: usize>(input: Plain<'_>, row: usize, panel: &[Strip], out: &mut [Strip]) {
    // SAFETY: as the caller promised.
    unsafe {
        vector::tile_f32::<float32x4_t, R, 4>(input, row, panel, 0, out);
        vector::tile_f32::<float32x4_t, R, 4>(input, row, panel, 16, out);
    }
}

#[target_feature(enable = "neon")]
fn quantise(strips: &[Strip], offset: i32, out: QuantisedMut<'_>) {
    let QuantisedMut { codes, scales, starts } = out;
    for (((strip, codes), scale), start) in strips.iter().zip(codes).zip(scales).zip(starts) {
        // SAFETY: a strip is 32 numbers, codes are 32 bytes.
        unsafe {
            let values: [float32x4_t; 8] = std::array::from_fn(|n| vld1q_f32(strip.0.as_ptr().add(n * 4)));
            let sizes = values.map(|values| vabsq_f32(values));
            let largest = vmaxvq_f32(sizes.into_iter().fold(vdupq_n_f32(0.0), |a, b| vmaxq_f32(a, b)));
            let inverse = if largest > 0.0 { 127.0 / largest } else { 0.0 };
            let rounded = values.map(|values| vcvtnq_s32_f32(vmulq_n_f32(values, inverse)));
            let sum = vaddvq_s32(rounded.into_iter().fold(vdupq_n_s32(0), |a, b| vaddq_s32(a, b)));
            for (n, [a, b, c, d]) in rounded.as_chunks::<4>().0.iter().enumerate() {
                let left = vqmovn_high_s32(vqmovn_s32(*a), *b);
                let right = vqmovn_high_s32(vqmovn_s32(*c), *d);
                vst1q_s8(codes.0.as_mut_ptr().add(n * 16), vqmovn_high_s16(vqmovn_s16(left), right));
            }
            *scale = largest / 127.0;
            *start = -offset * sum;
        }
    }
}

#[inline]
#[target_feature(enable = "neon")]
fn fused(left: float32x4_t, right: float32x4_t, plus: float32x4_t) -> float32x4_t {
    vfmaq_f32(plus, left, right)
}

impl Vector for float32x4_t {
    const LANES: usize = 4;

    instructions!(
        "neon": vld1q_f32, vst1q_f32, vdupq_n_f32, fused,
        add = vaddq_f32, sub = vsubq_f32, mul = vmulq_f32, div = vdivq_f32, min = vminq_f32, max = vmaxq_f32
    );

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn split(self) -> (Self, Self) {
        let whole = vrndmq_f32(self);
        (vsubq_f32(self, whole), vaddq_f32(whole, vdupq_n_f32(vector::ROUNDING)))
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn scaled(self, power: Self) -> Self {
        let power = vshlq_n_s32::<23>(vreinterpretq_s32_f32(power));
        vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(self), power))
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn total(self) -> f32 {
        vaddvq_f32(self)
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn largest(self) -> f32 {
        vmaxvq_f32(self)
    }
}

impl Shorts for float32x4_t {
    type Sums = int32x4_t;

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn none() -> int32x4_t {
        vdupq_n_s32(0)
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn dot(sums: int32x4_t, weights: *const [i16; 2], values: *const [i16; 2]) -> int32x4_t {
        // SAFETY: as the caller promised; four pairs are eight numbers.
        unsafe {
            let [first, second] = weights.read();
            let int16x4x2_t(firsts, seconds) = vld2_s16(values.cast());
            vmlal_n_s16(vmlal_n_s16(sums, firsts, first), seconds, second)
        }
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn plus(self, sums: int32x4_t) -> Self {
        vaddq_f32(self, vcvtq_f32_s32(sums))
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn store_pairs(first: Self, second: Self, to: *mut [i16; 2]) {
        let [first, second] = [first, second].map(|values| vmovn_s32(vcvtnq_s32_f32(values)));
        // SAFETY: as the caller promised; four pairs are eight numbers.
        unsafe { vst2_s16(to.cast(), int16x4x2_t(first, second)) }
    }
}

fn quantised(input: QuantisedRows<'_>, weights: impl Quads, scales: &[Strip], out: &mut [Strip]) {
    let rows = out.len();
    input.check(scales.len(), rows);
    tiles!([3, 2, 1]; rows, R, row => {
        let tile = QuantisedTile { input, row, scales, out: &mut out[row..] };
        // SAFETY: the kernel exists, so the machine has the features; the lengths were checked.
        unsafe { tile_quantised::<R, _>(tile, weights) }
    });
}

impl Kernel for NeonDotprod {
    fn choice(&self) -> KernelChoice {
        KernelChoice::NeonDotprod
    }

    fn prefers_bytes(&self) -> bool {
        true
    }

    fn product_q4(&self, input: QuantisedRows<'_>, quads: &[Nibbles], scales: &[Strip], out: &mut [Strip]) {
        assert!(quads.len() == scales.len() * 8);
        quantised(input, quads, scales, out);
    }

    fn product_q8(&self, input: QuantisedRows<'_>, quads: &[Bytes], scales: &[Strip], out: &mut [Strip]) {
        assert!(quads.len() == scales.len() * 16);
        quantised(input, quads, scales, out);
    }

    fn product_f32(&self, input: Plain<'_>, panel: &[Strip], out: &mut [Strip]) {
        input.check(panel.len() / WIDTH, out.len());
        tiles!([6, 5, 4, 3, 2, 1]; out.len(), R, row => {
            // SAFETY: every AArch64 has NEON; the lengths were checked.
            unsafe { tile_f32::<R>(input, row, panel, &mut out[row..]) }
        });
    }

    fn product_shorts(&self, weights: Plain<'_>, values: Values<'_>, factors: &[f32], out: &mut [Strip]) {
        weights.check(values.pairs.len() / WIDTH, out.len());
        tiles!([4, 3, 2, 1]; out.len(), R, row => {
            // SAFETY: every AArch64 has NEON; the lengths were checked.
            unsafe { tile_shorts::<R>(weights, row, values, &factors[row..], &mut out[row..]) }
        });
    }

    fn quantise(&self, strips: &[Strip], offset: i32, out: QuantisedMut<'_>) {
        // SAFETY: every AArch64 has NEON.
        unsafe { quantise(strips, offset, out) }
    }

    elementwise!(float32x4_t, "neon");
}
