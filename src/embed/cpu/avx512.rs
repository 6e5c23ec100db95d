//! AVX-512 with VNNI: `vpdpbusd` multiplies 64 pairs of bytes and adds them to 16 sums. Where a machine has tiles, `amx/` makes the
//! products of the model's weights, and what is here all others.
//!
//! Weights are the unsigned operand, codes the signed one, broadcast four at a time. A tile of seven rows by 32 outputs fills
//! the register file: fourteen integer sums of the block, fourteen of the row, and what they are made from.

#![expect(
    clippy::needless_range_loop,
    reason = "iterators over sums keep them in memory, indices in registers"
)]
#![expect(unsafe_code, reason = "a kernel: vector instructions and reads without bounds checks")]

use std::arch::x86_64::*;
use std::mem::MaybeUninit;

use super::amx::Tiles;
use super::blocks::{Codes, QuantisedMut, QuantisedRows, QuantisedTile, Strip, WIDTH};
use super::kernel::{HalfProducts, Kernel, KernelChoice, Normalisation, Plain, elementwise, tiles};
use super::pack::{Bytes, Nibbles};
use super::shorts::{self, Pairs, Shorts, Values};
use super::vector::{self, Vector, instructions};

/// Rows from which on it pays to unpack 4-bit weights before they are multiplied: every tile then saves three instructions
/// for fourteen products, which matters where both go through the same ports (Intel's), and four tiles make up for the writing.
const MANY: usize = 28;

/// Blocks unpacked at a time: 12 KB, which stay in the nearest cache.
const UNPACKED: usize = 12;

/// Exists only where the machine has the instructions.
pub(super) struct Avx512 {
    /// For products of the model's weights.
    tiles: Option<Tiles>,
}

impl Avx512 {
    /// With VNNI alone.
    pub(super) fn vnni() -> Option<Self> {
        let has = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vnni")
            && is_x86_feature_detected!("fma");
        has.then_some(Self { tiles: None })
    }

    /// With tiles, too.
    pub(super) fn amx() -> Option<Self> {
        let tiles = Some(Tiles::new()?);
        Self::vnni().map(|_| Self { tiles })
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

impl QuantisedRows<'_> {
    /// The same rows without their first `blocks` blocks.
    fn without(&self, blocks: usize) -> Self {
        let from = blocks * self.stride;
        let (codes, scales, starts) = (&self.codes[from..], &self.scales[from..], &self.starts[from..]);
        Self { codes, scales, starts, stride: self.stride }
    }
}

/// `R` rows times a panel; with `more` they are added to the sums of other blocks in `tile.out`.
///
/// # Safety
/// The machine has the features; `weights` holds as many blocks as `tile.scales`; `tile.input` so many blocks of
/// `tile.row + R` rows, and `tile.out` is `R` long at least.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,fma")]
unsafe fn tile_quantised<const R: usize>(tile: QuantisedTile<'_>, weights: impl Quads, more: bool) {
    let out = &mut tile.out[..R];
    let mut sums = [[_mm512_setzero_ps(); 2]; R];
    if more {
        for row in 0..R {
            // SAFETY: a strip is 32 numbers, aligned to 64 bytes.
            unsafe {
                sums[row] =
                    [_mm512_load_ps(out[row].0.as_ptr()), _mm512_load_ps(out[row].0.as_ptr().add(16))];
            }
        }
    }
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
    for row in 0..R {
        // SAFETY: a strip is 32 numbers, aligned to 64 bytes.
        unsafe {
            _mm512_store_ps(out[row].0.as_mut_ptr(), sums[row][0]);
            _mm512_store_ps(out[row].0.as_mut_ptr().add(16), sums[row][1]);
        }
    }
}

/// # Safety
/// As [`shorts::tile_shorts`].
#[target_feature(enable = "avx512f,avx512vnni")]
unsafe fn tile_shorts<const R: usize>(
    weights: Plain<'_>,
    row: usize,
    values: Values<'_>,
    factors: &[f32],
    out: &mut [Strip],
) {
    // SAFETY: as the caller promised.
    unsafe { shorts::tile_shorts::<__m512, R, 2>(weights, row, values, 0, factors, out) }
}

/// # Safety
/// As [`vector::tile_f32`].
#[target_feature(enable = "avx512f,fma")]
unsafe fn tile_f32<const R: usize>(input: Plain<'_>, row: usize, panel: &[Strip], out: &mut [Strip]) {
    // SAFETY: as the caller promised.
    unsafe { vector::tile_f32::<__m512, R, 2>(input, row, panel, 0, out) }
}

/// Strips quantised at once: their largest numbers and their sums are found together, a lane a strip.
const TOGETHER: usize = 16;

fn quantise(strips: &[Strip], offset: i32, out: QuantisedMut<'_>) {
    let QuantisedMut { codes, scales, starts } = out;
    let (whole, rest) = strips.as_chunks::<TOGETHER>();
    let (whole_codes, rest_codes) = codes.as_chunks_mut::<TOGETHER>();
    let (whole_scales, rest_scales) = scales.as_chunks_mut::<TOGETHER>();
    let (whole_starts, rest_starts) = starts.as_chunks_mut::<TOGETHER>();
    let outs = whole_codes.iter_mut().zip(whole_scales).zip(whole_starts);
    for (strips, ((codes, scales), starts)) in whole.iter().zip(outs) {
        // SAFETY: the kernel exists, so the machine has the features.
        unsafe { quantise_together(strips, offset, codes, scales, starts) };
    }
    if !rest.is_empty() {
        let mut strips = [Strip::ZERO; TOGETHER];
        strips[..rest.len()].copy_from_slice(rest);
        let (mut codes, mut scales, mut starts) =
            ([Codes([0; WIDTH]); TOGETHER], [0.0; TOGETHER], [0; TOGETHER]);
        // SAFETY: as above.
        unsafe { quantise_together(&strips, offset, &mut codes, &mut scales, &mut starts) };
        rest_codes.copy_from_slice(&codes[..rest.len()]);
        rest_scales.copy_from_slice(&scales[..rest.len()]);
        rest_starts.copy_from_slice(&starts[..rest.len()]);
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vnni")]
fn quantise_together(
    strips: &[Strip; TOGETHER],
    offset: i32,
    codes: &mut [Codes; TOGETHER],
    scales: &mut [f32; TOGETHER],
    starts: &mut [i32; TOGETHER],
) {
    // SAFETY: a strip is 32 numbers, aligned to 64 bytes; two strips of codes are 64 bytes; the rest are 16 numbers.
    unsafe {
        // Of both sizes the larger.
        let larger = |a, b| _mm512_range_ps::<0b1011>(a, b);
        let largest = across(
            std::array::from_fn(|four| {
                let [a, b, c, d] = std::array::from_fn(|at| {
                    let from = strips[four * 4 + at].0.as_ptr();
                    larger(_mm512_load_ps(from), _mm512_load_ps(from.add(16)))
                });
                let [a, b] = [(a, b), (c, d)]
                    .map(|(a, b)| _mm512_max_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b)));
                let [a, b] = [a, b].map(|pairs| _mm512_castps_pd(pairs));
                let [a, b] = [_mm512_unpacklo_pd(a, b), _mm512_unpackhi_pd(a, b)];
                _mm512_max_ps(_mm512_castpd_ps(a), _mm512_castpd_ps(b))
            }),
            |a, b| _mm512_max_ps(a, b),
        );
        let some = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(largest, _mm512_setzero_ps());
        let most = _mm512_set1_ps(127.0);
        let mut inverses = [0f32; TOGETHER];
        _mm512_storeu_ps(inverses.as_mut_ptr(), _mm512_maskz_div_ps(some, most, largest));
        _mm512_storeu_ps(scales.as_mut_ptr(), _mm512_div_ps(largest, most));
        // Packing goes by quarters: the order of the sixteen groups of four is restored at the end.
        let order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
        let mut two = |at: usize| {
            let [a, b] = [at, at + 1].map(|at| {
                let inverse = _mm512_set1_ps(inverses[at]);
                let [left, right] = [0, 16].map(|from| {
                    let values = _mm512_load_ps(strips[at].0.as_ptr().add(from));
                    _mm512_cvtps_epi32(_mm512_mul_ps(values, inverse))
                });
                _mm512_packs_epi32(left, right)
            });
            let packed = _mm512_packs_epi16(a, b);
            let to = codes.as_mut_ptr().add(at).cast();
            _mm512_storeu_si512(to, _mm512_permutexvar_epi32(order, packed));
            _mm512_castsi512_ps(_mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_set1_epi8(1), packed))
        };
        let add =
            |a, b| _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a), _mm512_castps_si512(b)));
        let sums = across(
            [0, 4, 8, 12].map(|at| {
                let (a, b) = (two(at), two(at + 2));
                add(_mm512_shuffle_ps::<0b10_00_10_00>(a, b), _mm512_shuffle_ps::<0b11_01_11_01>(a, b))
            }),
            add,
        );
        let sums = _mm512_mullo_epi32(_mm512_castps_si512(sums), _mm512_set1_epi32(-offset));
        _mm512_storeu_si512(starts.as_mut_ptr().cast(), sums);
    }
}

/// The four quarters of each vector made one by `both`; those of the first come first.
#[inline]
#[target_feature(enable = "avx512f")]
fn across([a, b, c, d]: [__m512; 4], both: impl Fn(__m512, __m512) -> __m512) -> __m512 {
    let halve =
        |a, b| both(_mm512_shuffle_f32x4::<0b10_00_10_00>(a, b), _mm512_shuffle_f32x4::<0b11_01_11_01>(a, b));
    halve(halve(a, b), halve(c, d))
}

impl Vector for __m512 {
    const LANES: usize = 16;

    instructions!(
        "avx512f": _mm512_loadu_ps, _mm512_storeu_ps, _mm512_set1_ps, _mm512_fmadd_ps,
        add = _mm512_add_ps, sub = _mm512_sub_ps, mul = _mm512_mul_ps, div = _mm512_div_ps, min = _mm512_min_ps, max = _mm512_max_ps
    );

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq")]
    unsafe fn split(self) -> (Self, Self) {
        (_mm512_reduce_ps::<{ _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC }>(self), self)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn scaled(self, power: Self) -> Self {
        // Of a power that is not whole the instruction takes the whole below.
        _mm512_scalef_ps(self, power)
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

impl Shorts for __m512 {
    type Sums = __m512i;

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn none() -> __m512i {
        _mm512_setzero_si512()
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vnni")]
    unsafe fn dot(sums: __m512i, weights: *const [i16; 2], values: *const [i16; 2]) -> __m512i {
        // SAFETY: as the caller promised; a pair is 32 bits.
        unsafe {
            let weights = _mm512_set1_epi32(weights.cast::<i32>().read_unaligned());
            _mm512_dpwssd_epi32(sums, _mm512_loadu_si512(values.cast()), weights)
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn plus(self, sums: __m512i) -> Self {
        _mm512_add_ps(self, _mm512_cvtepi32_ps(sums))
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    unsafe fn store_pairs(first: Self, second: Self, to: *mut [i16; 2]) {
        let (first, second) =
            (_mm512_cvtps_epi32(first), _mm512_slli_epi32::<16>(_mm512_cvtps_epi32(second)));
        // SAFETY: as the caller promised.
        unsafe { _mm512_storeu_si512(to.cast(), _mm512_mask_mov_epi16(second, 0x5555_5555, first)) }
    }
}

/// The same weights in 8 bits, in `room`.
#[target_feature(enable = "avx512f,avx512bw")]
fn unpack<'a>(nibbles: &[Nibbles], room: &'a mut [MaybeUninit<Bytes>]) -> &'a [Bytes] {
    let (room, _) = room.split_at_mut(nibbles.len() * 2);
    for (at, pair) in room.as_chunks_mut::<2>().0.iter_mut().enumerate() {
        // What is unpacked next comes from afar, and there is time until then.
        _mm_prefetch::<_MM_HINT_T1>(nibbles.as_ptr().wrapping_add(nibbles.len() + at).cast());
        // SAFETY: all are 64 bytes, aligned to as many; there are half as many nibbles as room.
        unsafe {
            let (left, right) = (&nibbles).load(at / 8, at % 8);
            _mm512_store_si512(pair[0].as_mut_ptr().cast(), left);
            _mm512_store_si512(pair[1].as_mut_ptr().cast(), right);
        }
    }
    // SAFETY: all of it was written.
    unsafe { std::slice::from_raw_parts(room.as_ptr().cast(), room.len()) }
}

/// As [`quantised`], for many rows: each part of the weights is unpacked once, not again for every tile.
fn unpacked(input: QuantisedRows<'_>, quads: &[Nibbles], scales: &[Strip], out: &mut [Strip]) {
    let mut room = [const { MaybeUninit::uninit() }; UNPACKED * 16];
    for (part, (quads, scales)) in quads.chunks(UNPACKED * 8).zip(scales.chunks(UNPACKED)).enumerate() {
        // SAFETY: the kernel exists, so the machine has the features.
        let bytes = unsafe { unpack(quads, &mut room) };
        quantised(input.without(part * UNPACKED), bytes, scales, part > 0, out);
    }
}

fn quantised(
    input: QuantisedRows<'_>,
    weights: impl Quads + Copy,
    scales: &[Strip],
    more: bool,
    out: &mut [Strip],
) {
    let rows = out.len();
    input.check(scales.len(), rows);
    tiles!([7, 6, 5, 4, 3, 2, 1]; rows, R, row => {
        let tile = QuantisedTile { input, row, scales, out: &mut out[row..] };
        // SAFETY: the kernel exists, so the machine has the features; the lengths were checked.
        unsafe { tile_quantised::<R>(tile, weights, more) }
    });
}

impl Kernel for Avx512 {
    fn choice(&self) -> KernelChoice {
        if self.tiles.is_some() { KernelChoice::AmxBf16 } else { KernelChoice::Avx512Vnni }
    }

    fn in_halves(&self) -> Option<&dyn HalfProducts> {
        self.tiles.as_ref().map(|tiles| tiles as _)
    }

    fn prefers_bytes(&self) -> bool {
        true
    }

    fn product_q4(&self, input: QuantisedRows<'_>, quads: &[Nibbles], scales: &[Strip], out: &mut [Strip]) {
        assert!(quads.len() == scales.len() * 8);
        if out.len() >= MANY {
            unpacked(input, quads, scales, out);
        } else {
            quantised(input, quads, scales, false, out);
        }
    }

    fn product_q8(&self, input: QuantisedRows<'_>, quads: &[Bytes], scales: &[Strip], out: &mut [Strip]) {
        assert!(quads.len() == scales.len() * 16);
        quantised(input, quads, scales, false, out);
    }

    fn product_f32(&self, input: Plain<'_>, panel: &[Strip], out: &mut [Strip]) {
        input.check(panel.len() / WIDTH, out.len());
        tiles!([12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]; out.len(), R, row => {
            // SAFETY: the kernel exists, so the machine has the features; the lengths were checked.
            unsafe { tile_f32::<R>(input, row, panel, &mut out[row..]) }
        });
    }

    fn product_shorts(&self, weights: Plain<'_>, values: Values<'_>, factors: &[f32], out: &mut [Strip]) {
        weights.check(values.pairs.len() / WIDTH, out.len());
        tiles!([7, 6, 5, 4, 3, 2, 1]; out.len(), R, row => {
            // SAFETY: the kernel exists, so the machine has the features; the lengths were checked.
            unsafe { tile_shorts::<R>(weights, row, values, &factors[row..], &mut out[row..]) }
        });
    }

    fn quantise(&self, strips: &[Strip], offset: i32, out: QuantisedMut<'_>) {
        quantise(strips, offset, out);
    }

    elementwise!(__m512, "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,fma");
}
