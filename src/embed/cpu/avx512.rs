//! AVX-512 with VNNI: `vpdpbusd` multiplies 64 pairs of bytes and adds them to 16 sums.
//!
//! Weights are the unsigned operand, codes the signed one, broadcast four at a time. A tile of six rows by 32 outputs fills
//! the register file: twelve integer sums of the block, twelve of the row, and what they are made from.

#![expect(
    clippy::needless_range_loop,
    reason = "iterators over sums keep them in memory, indices in registers"
)]
#![expect(unsafe_code, reason = "a kernel: vector instructions and reads without bounds checks")]

use std::arch::x86_64::*;

use super::blocks::{QuantisedMut, QuantisedRows, QuantisedTile, Strip, WIDTH};
use super::kernel::{Kernel, KernelChoice, Normalisation, Plain, elementwise, tiles};
use super::pack::{Bytes, Nibbles};
use super::vector::{self, Vector, instructions};

/// Exists only where the machine has the instructions.
pub(super) struct Avx512Vnni(());

impl Avx512Vnni {
    pub(super) fn new() -> Option<Self> {
        let has = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vnni")
            && is_x86_feature_detected!("fma");
        has.then_some(Self(()))
    }
}

/// A block's weights, 4 numbers by 32 outputs at a time.
trait Quads {
    /// The `quad`th four numbers of `block`: outputs 0 to 15, outputs 16 to 31.
    unsafe fn load(&self, block: usize, quad: usize) -> (__m512i, __m512i);
}

impl Quads for &[Nibbles] {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    unsafe fn load(&self, block: usize, quad: usize) -> (__m512i, __m512i) {
        // SAFETY: the caller has checked that there are so many blocks.
        let packed = unsafe { _mm512_load_si512(self.as_ptr().add(block * 8 + quad).cast()) };
        let low = _mm512_set1_epi8(15);
        (_mm512_and_si512(packed, low), _mm512_and_si512(_mm512_srli_epi16::<4>(packed), low))
    }
}

impl Quads for &[Bytes] {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    unsafe fn load(&self, block: usize, quad: usize) -> (__m512i, __m512i) {
        let at = block * 16 + quad * 2;
        // SAFETY: the caller has checked that there are so many blocks.
        unsafe {
            let first = self.as_ptr().add(at);
            (_mm512_load_si512(first.cast()), _mm512_load_si512(first.add(1).cast()))
        }
    }
}

/// `R` rows times a panel.
///
/// # Safety
/// The machine has the features; `weights` holds as many blocks as `tile.scales`; `tile.input` so many blocks of
/// `tile.row + R` rows, and `tile.out` is `R` long at least.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,fma")]
unsafe fn tile_quantised<const R: usize>(tile: QuantisedTile<'_>, weights: impl Quads) {
    let mut sums = [[_mm512_setzero_ps(); 2]; R];
    for (block, weight_scales) in tile.scales.iter().enumerate() {
        let at = block * tile.input.stride + tile.row;
        // SAFETY: as the caller promised.
        unsafe {
            let codes = tile.input.codes.as_ptr().add(at).cast::<i32>();
            let starts = tile.input.starts.as_ptr().add(at);
            let scales = tile.input.scales.as_ptr().add(at);
            let mut dots: [[__m512i; 2]; R] = std::array::from_fn(|row| {
                let start = _mm512_set1_epi32(*starts.add(row));
                [start, start]
            });
            for quad in 0..8 {
                let (left, right) = weights.load(block, quad);
                for row in 0..R {
                    let four = _mm512_set1_epi32(*codes.add(row * 8 + quad));
                    dots[row][0] = _mm512_dpbusd_epi32(dots[row][0], left, four);
                    dots[row][1] = _mm512_dpbusd_epi32(dots[row][1], right, four);
                }
            }
            let left = _mm512_load_ps(weight_scales.0.as_ptr());
            let right = _mm512_load_ps(weight_scales.0.as_ptr().add(16));
            for row in 0..R {
                let scale = _mm512_set1_ps(*scales.add(row));
                let [first, second] = dots[row].map(|dots| _mm512_cvtepi32_ps(dots));
                sums[row][0] = _mm512_fmadd_ps(first, _mm512_mul_ps(left, scale), sums[row][0]);
                sums[row][1] = _mm512_fmadd_ps(second, _mm512_mul_ps(right, scale), sums[row][1]);
            }
        }
    }
    let out = &mut tile.out[..R];
    for row in 0..R {
        // SAFETY: a strip is 32 numbers, aligned to 64 bytes.
        unsafe {
            _mm512_store_ps(out[row].0.as_mut_ptr(), sums[row][0]);
            _mm512_store_ps(out[row].0.as_mut_ptr().add(16), sums[row][1]);
        }
    }
}

/// # Safety
/// As [`vector::tile_f32`].
#[target_feature(enable = "avx512f,fma")]
unsafe fn tile_f32<const R: usize>(input: Plain<'_>, row: usize, panel: &[Strip], out: &mut [Strip]) {
    // SAFETY: as the caller promised.
    unsafe { vector::tile_f32::<__m512, R, 2>(input, row, panel, 0, out) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn quantise(strips: &[Strip], offset: i32, out: QuantisedMut<'_>) {
    let QuantisedMut { codes, scales, starts } = out;
    for (((strip, codes), scale), start) in strips.iter().zip(codes).zip(scales).zip(starts) {
        // SAFETY: a strip is 32 numbers, codes are 32 bytes.
        unsafe {
            let left = _mm512_load_ps(strip.0.as_ptr());
            let right = _mm512_load_ps(strip.0.as_ptr().add(16));
            let largest = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(left), _mm512_abs_ps(right)));
            let inverse = _mm512_set1_ps(if largest > 0.0 { 127.0 / largest } else { 0.0 });
            let left = _mm512_cvtps_epi32(_mm512_mul_ps(left, inverse));
            let right = _mm512_cvtps_epi32(_mm512_mul_ps(right, inverse));
            let to = codes.0.as_mut_ptr().cast::<__m128i>();
            _mm_store_si128(to, _mm512_cvtepi32_epi8(left));
            _mm_store_si128(to.add(1), _mm512_cvtepi32_epi8(right));
            *scale = largest / 127.0;
            *start = -offset * _mm512_reduce_add_epi32(_mm512_add_epi32(left, right));
        }
    }
}

impl Vector for __m512 {
    const LANES: usize = 16;

    instructions!(
        "avx512f": _mm512_loadu_ps, _mm512_storeu_ps, _mm512_set1_ps, _mm512_fmadd_ps,
        add = _mm512_add_ps, sub = _mm512_sub_ps, mul = _mm512_mul_ps, div = _mm512_div_ps, min = _mm512_min_ps, max = _mm512_max_ps
    );

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn scaled(self, rounded: Self) -> Self {
        // The power is whole, so nothing is rounded.
        _mm512_scalef_ps(self, _mm512_sub_ps(rounded, _mm512_set1_ps(vector::ROUNDING)))
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn total(self) -> f32 {
        _mm512_reduce_add_ps(self)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn largest(self) -> f32 {
        _mm512_reduce_max_ps(self)
    }
}

fn quantised(input: QuantisedRows<'_>, weights: impl Quads + Copy, scales: &[Strip], out: &mut [Strip]) {
    let rows = out.len();
    input.check(scales.len(), rows);
    tiles!([6, 5, 4, 3, 2, 1]; rows, R, row => {
        let tile = QuantisedTile { input, row, scales, out: &mut out[row..] };
        // SAFETY: the kernel exists, so the machine has the features; the lengths were checked.
        unsafe { tile_quantised::<R>(tile, weights) }
    });
}

impl Kernel for Avx512Vnni {
    fn choice(&self) -> KernelChoice {
        KernelChoice::Avx512Vnni
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
        tiles!([12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]; out.len(), R, row => {
            // SAFETY: the kernel exists, so the machine has the features; the lengths were checked.
            unsafe { tile_f32::<R>(input, row, panel, &mut out[row..]) }
        });
    }

    fn quantise(&self, strips: &[Strip], offset: i32, out: QuantisedMut<'_>) {
        // SAFETY: the kernel exists, so the machine has the features.
        unsafe { quantise(strips, offset, out) }
    }

    elementwise!(__m512, "avx512f,avx512bw,avx512dq,avx512vl,fma");
}
