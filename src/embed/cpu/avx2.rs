//! AVX2, with and without VNNI.
//!
//! Without it, `vpmaddubsw` gives sums of two products in 16 bits. With 4-bit weights eight of them fit: a lane of a block is
//! at most 8 * 127 * 16 = 16,256 from zero at every step, as the start of the sum takes the weights' offset off first. So a
//! block is widened once. With 8-bit weights two products alone may overflow 16 bits, and each pair is widened on its way.

#![expect(unsafe_code, reason = "a kernel: vector instructions and reads without bounds checks")]

use std::arch::x86_64::*;

use super::blocks::{QuantisedMut, QuantisedRows, QuantisedTile, Strip, WIDTH};
use super::kernel::{Kernel, KernelChoice, Normalisation, Plain, elementwise, tiles};
use super::pack::{Bytes, Nibbles};
use super::shorts::{self, Pairs, Shorts, Values};
use super::vector::{self, Vector, instructions};

/// Exists only where the machine has AVX2 and FMA.
pub(super) struct Avx2(());

/// Exists only where the machine has AVX-VNNI too.
pub(super) struct AvxVnni(());

impl Avx2 {
    pub(super) fn new() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Self(()))
    }
}

impl AvxVnni {
    pub(super) fn new() -> Option<Self> {
        (Avx2::new().is_some() && is_x86_feature_detected!("avxvnni")).then_some(Self(()))
    }
}

/// How a block's weights meet codes on 256 bits: two registers of eight outputs, 0 to 7 and 16 to 23 of a panel, or with
/// `half` 1 the eights after them.
trait Dots: Copy {
    /// Zero, or what makes up for the weights' offset.
    unsafe fn start(start: i32) -> __m256i;
    /// Four inputs' weights.
    unsafe fn load(self, block: usize, quad: usize, half: usize) -> (__m256i, __m256i);
    /// `sums` plus weights times codes.
    unsafe fn add(sums: __m256i, weights: __m256i, codes: __m256i) -> __m256i;
    /// The sums of a block, an output a lane.
    unsafe fn widen(sums: __m256i) -> __m256i;
}

/// Sums in 16 bits.
#[derive(Clone, Copy)]
struct Narrow<'a>(&'a [Nibbles]);

/// 8-bit weights without VNNI.
#[derive(Clone, Copy)]
struct Wide<'a>(&'a [Bytes]);

#[inline]
#[target_feature(enable = "avx2")]
unsafe fn load_nibbles(quads: &[Nibbles], block: usize, quad: usize, half: usize) -> (__m256i, __m256i) {
    // SAFETY: the caller has checked that there are so many blocks.
    let packed =
        unsafe { _mm256_load_si256(quads.as_ptr().add(block * 8 + quad).cast::<__m256i>().add(half)) };
    let low = _mm256_set1_epi8(15);
    (_mm256_and_si256(packed, low), _mm256_and_si256(_mm256_srli_epi16::<4>(packed), low))
}

#[inline]
#[target_feature(enable = "avx2")]
unsafe fn load_bytes(quads: &[Bytes], block: usize, quad: usize, half: usize) -> (__m256i, __m256i) {
    // SAFETY: the caller has checked that there are so many blocks.
    unsafe {
        let first = quads.as_ptr().add(block * 16 + quad * 2).cast::<__m256i>().add(half);
        (_mm256_load_si256(first), _mm256_load_si256(first.add(2)))
    }
}

impl Dots for Narrow<'_> {
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn start(start: i32) -> __m256i {
        // Two lanes of 16 bits, as `quantise` has made them.
        _mm256_set1_epi32(start)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn load(self, block: usize, quad: usize, half: usize) -> (__m256i, __m256i) {
        // SAFETY: as the caller promised.
        unsafe { load_nibbles(self.0, block, quad, half) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn add(sums: __m256i, weights: __m256i, codes: __m256i) -> __m256i {
        _mm256_add_epi16(sums, _mm256_maddubs_epi16(weights, codes))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn widen(sums: __m256i) -> __m256i {
        _mm256_madd_epi16(sums, _mm256_set1_epi16(1))
    }
}

impl Dots for Wide<'_> {
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn start(_: i32) -> __m256i {
        _mm256_setzero_si256()
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn load(self, block: usize, quad: usize, half: usize) -> (__m256i, __m256i) {
        // SAFETY: as the caller promised.
        let (left, right) = unsafe { load_bytes(self.0, block, quad, half) };
        let sign = _mm256_set1_epi8(-128);
        (_mm256_xor_si256(left, sign), _mm256_xor_si256(right, sign))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn add(sums: __m256i, weights: __m256i, codes: __m256i) -> __m256i {
        // Two products are at most 2 * 128 * 127, which 16 bits hold.
        let pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(weights), _mm256_sign_epi8(codes, weights));
        _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn widen(sums: __m256i) -> __m256i {
        sums
    }
}

/// `vpdpbusd` in one of its encodings.
macro_rules! vnni {
    ($name:ident, $features:literal, $dpbusd:ident) => {
        #[derive(Clone, Copy)]
        struct $name<W>(W);

        vnni!($name, $features, $dpbusd, Nibbles, load_nibbles);
        vnni!($name, $features, $dpbusd, Bytes, load_bytes);
    };
    ($name:ident, $features:literal, $dpbusd:ident, $weights:ty, $load:ident) => {
        impl Dots for $name<&[$weights]> {
            #[inline]
            #[target_feature(enable = "avx2")]
            unsafe fn start(start: i32) -> __m256i {
                _mm256_set1_epi32(start)
            }

            #[inline]
            #[target_feature(enable = "avx2")]
            unsafe fn load(self, block: usize, quad: usize, half: usize) -> (__m256i, __m256i) {
                // SAFETY: as the caller promised.
                unsafe { $load(self.0, block, quad, half) }
            }

            #[inline]
            #[target_feature(enable = $features)]
            unsafe fn add(sums: __m256i, weights: __m256i, codes: __m256i) -> __m256i {
                $dpbusd(sums, weights, codes)
            }

            #[inline]
            #[target_feature(enable = "avx2")]
            unsafe fn widen(sums: __m256i) -> __m256i {
                sums
            }
        }
    };
}
vnni!(Vnni, "avx2,avxvnni", _mm256_dpbusd_avx_epi32);

/// `R` rows times a panel.
///
/// # Safety
/// The machine has what `D` uses; its weights hold as many blocks as `tile.scales`; `tile.input` so many blocks of
/// `tile.row + R` rows, and `tile.out` is `R` long at least.
macro_rules! tile_quantised {
    ($name:ident, $features:literal) => {
        #[target_feature(enable = $features)]
        unsafe fn $name<const R: usize, D: Dots>(tile: QuantisedTile<'_>, weights: D) {
            // A number that the compiler does not know: unrolled, it loads too much ahead and spills.
            let pairs = std::hint::black_box(4);
            for half in 0..2 {
                let mut sums = [[_mm256_setzero_ps(); 2]; R];
                for (block, weight_scales) in tile.scales.iter().enumerate() {
                    let at = block * tile.input.stride + tile.row;
                    // SAFETY: as the caller promised.
                    unsafe {
                        let codes = tile.input.codes.as_ptr().add(at).cast::<i32>();
                        let starts = tile.input.starts.as_ptr().add(at);
                        let scales = tile.input.scales.as_ptr().add(at);
                        let mut dots: [[__m256i; 2]; R] = std::array::from_fn(|row| {
                            let start = D::start(*starts.add(row));
                            [start, start]
                        });
                        for two in 0..pairs {
                            for quad in [two * 2, two * 2 + 1] {
                                let (left, right) = weights.load(block, quad, half);
                                for row in 0..R {
                                    let four = _mm256_set1_epi32(*codes.add(row * 8 + quad));
                                    dots[row][0] = D::add(dots[row][0], left, four);
                                    dots[row][1] = D::add(dots[row][1], right, four);
                                }
                            }
                        }
                        let left = _mm256_load_ps(weight_scales.0.as_ptr().add(half * 8));
                        let right = _mm256_load_ps(weight_scales.0.as_ptr().add(16 + half * 8));
                        for row in 0..R {
                            let scale = _mm256_set1_ps(*scales.add(row));
                            let first = _mm256_cvtepi32_ps(D::widen(dots[row][0]));
                            let second = _mm256_cvtepi32_ps(D::widen(dots[row][1]));
                            sums[row][0] = _mm256_fmadd_ps(first, _mm256_mul_ps(left, scale), sums[row][0]);
                            sums[row][1] = _mm256_fmadd_ps(second, _mm256_mul_ps(right, scale), sums[row][1]);
                        }
                    }
                }
                let out = &mut tile.out[..R];
                for row in 0..R {
                    // SAFETY: a strip is 32 numbers, aligned to 64 bytes.
                    unsafe {
                        _mm256_store_ps(out[row].0.as_mut_ptr().add(half * 8), sums[row][0]);
                        _mm256_store_ps(out[row].0.as_mut_ptr().add(16 + half * 8), sums[row][1]);
                    }
                }
            }
        }
    };
}
tile_quantised!(tile_avx2, "avx2,fma");
tile_quantised!(tile_vnni, "avx2,fma,avxvnni");

/// # Safety
/// As [`shorts::tile_shorts`].
#[target_feature(enable = "avx2,fma")]
unsafe fn tile_shorts<const R: usize>(
    weights: Plain<'_>,
    row: usize,
    values: Values<'_>,
    factors: &[f32],
    out: &mut [Strip],
) {
    for from in (0..WIDTH).step_by(8) {
        // SAFETY: as the caller promised.
        unsafe { shorts::tile_shorts::<__m256, R, 1>(weights, row, values, from, factors, out) }
    }
}

/// # Safety
/// As [`vector::tile_f32`].
#[target_feature(enable = "avx2,fma")]
unsafe fn tile_f32<const R: usize>(input: Plain<'_>, row: usize, panel: &[Strip], out: &mut [Strip]) {
    // SAFETY: as the caller promised.
    unsafe {
        vector::tile_f32::<__m256, R, 2>(input, row, panel, 0, out);
        vector::tile_f32::<__m256, R, 2>(input, row, panel, 16, out);
    }
}

/// With `NARROW` starts are two lanes of 16 bits with half of it each; nothing is lost, as the offset is even, and where it is
/// too large for 16 bits nobody reads it.
#[target_feature(enable = "avx2,fma")]
fn quantise<const NARROW: bool>(strips: &[Strip], offset: i32, out: QuantisedMut<'_>) {
    let QuantisedMut { codes, scales, starts } = out;
    let sign = _mm256_set1_ps(-0.0);
    for (((strip, codes), scale), start) in strips.iter().zip(codes).zip(scales).zip(starts) {
        // SAFETY: a strip is 32 numbers, codes are 32 bytes; the machine has the vector's instructions.
        unsafe {
            let values: [__m256; 4] = std::array::from_fn(|n| _mm256_load_ps(strip.0.as_ptr().add(n * 8)));
            let sizes = values.map(|values| _mm256_andnot_ps(sign, values));
            let largest =
                _mm256_max_ps(_mm256_max_ps(sizes[0], sizes[1]), _mm256_max_ps(sizes[2], sizes[3])).largest();
            let inverse = _mm256_set1_ps(if largest > 0.0 { 127.0 / largest } else { 0.0 });
            let [a, b, c, d] = values.map(|values| _mm256_cvtps_epi32(_mm256_mul_ps(values, inverse)));
            let sums = _mm256_add_epi32(_mm256_add_epi32(a, b), _mm256_add_epi32(c, d));
            // Packing goes by halves: the order of the eight groups of four is restored at the end.
            let packed = _mm256_packs_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
            let packed = _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
            _mm256_store_si256(codes.0.as_mut_ptr().cast(), packed);
            let sums = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums));
            let sums = _mm_add_epi32(sums, _mm_shuffle_epi32::<0b01_00_11_10>(sums));
            let sums = _mm_add_epi32(sums, _mm_shuffle_epi32::<0b10_11_00_01>(sums));
            *scale = largest / 127.0;
            let whole = -offset * _mm_cvtsi128_si32(sums);
            let half = i32::from((whole / 2) as u16);
            *start = if NARROW { half << 16 | half } else { whole };
        }
    }
}

impl Vector for __m256 {
    const LANES: usize = 8;

    instructions!(
        "avx2,fma": _mm256_loadu_ps, _mm256_storeu_ps, _mm256_set1_ps, _mm256_fmadd_ps,
        add = _mm256_add_ps, sub = _mm256_sub_ps, mul = _mm256_mul_ps, div = _mm256_div_ps, min = _mm256_min_ps, max = _mm256_max_ps
    );

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn split(self) -> (Self, Self) {
        let whole = _mm256_floor_ps(self);
        (_mm256_sub_ps(self, whole), _mm256_add_ps(whole, _mm256_set1_ps(vector::ROUNDING)))
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn scaled(self, power: Self) -> Self {
        let power = _mm256_slli_epi32::<23>(_mm256_castps_si256(power));
        _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(self), power))
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn total(self) -> f32 {
        let halves = _mm_add_ps(_mm256_castps256_ps128(self), _mm256_extractf128_ps::<1>(self));
        let pairs = _mm_add_ps(halves, _mm_movehl_ps(halves, halves));
        _mm_cvtss_f32(_mm_add_ss(pairs, _mm_shuffle_ps::<1>(pairs, pairs)))
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn largest(self) -> f32 {
        let halves = _mm_max_ps(_mm256_castps256_ps128(self), _mm256_extractf128_ps::<1>(self));
        let pairs = _mm_max_ps(halves, _mm_movehl_ps(halves, halves));
        _mm_cvtss_f32(_mm_max_ss(pairs, _mm_shuffle_ps::<1>(pairs, pairs)))
    }
}

impl Shorts for __m256 {
    type Sums = __m256i;

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn none() -> __m256i {
        _mm256_setzero_si256()
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn dot(sums: __m256i, weights: *const [i16; 2], values: *const [i16; 2]) -> __m256i {
        // SAFETY: as the caller promised; a pair is 32 bits.
        unsafe {
            let weights = _mm256_set1_epi32(weights.cast::<i32>().read_unaligned());
            _mm256_add_epi32(sums, _mm256_madd_epi16(_mm256_loadu_si256(values.cast()), weights))
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn plus(self, sums: __m256i) -> Self {
        _mm256_add_ps(self, _mm256_cvtepi32_ps(sums))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn store_pairs(first: Self, second: Self, to: *mut [i16; 2]) {
        let second = _mm256_slli_epi32::<16>(_mm256_cvtps_epi32(second));
        // SAFETY: as the caller promised.
        unsafe {
            _mm256_storeu_si256(to.cast(), _mm256_blend_epi16::<0xAA>(_mm256_cvtps_epi32(first), second))
        }
    }
}

macro_rules! products {
    ($tile:ident, $q4:expr, $q8:expr, $narrow:literal) => {
        fn product_q4(&self, input: QuantisedRows<'_>, quads: &[Nibbles], scales: &[Strip], out: &mut [Strip]) {
            let rows = out.len();
            assert!(quads.len() == scales.len() * 8);
            input.check(scales.len(), rows);
            tiles!([4, 3, 2, 1]; rows, R, row => {
                let tile = QuantisedTile { input, row, scales, out: &mut out[row..] };
                // SAFETY: the kernel exists, so the machine has the features; the lengths were checked.
                unsafe { $tile::<R, _>(tile, $q4(quads)) }
            });
        }

        fn product_q8(&self, input: QuantisedRows<'_>, quads: &[Bytes], scales: &[Strip], out: &mut [Strip]) {
            let rows = out.len();
            assert!(quads.len() == scales.len() * 16);
            input.check(scales.len(), rows);
            tiles!([4, 3, 2, 1]; rows, R, row => {
                let tile = QuantisedTile { input, row, scales, out: &mut out[row..] };
                // SAFETY: the kernel exists, so the machine has the features; the lengths were checked.
                unsafe { $tile::<R, _>(tile, $q8(quads)) }
            });
        }

        fn product_shorts(&self, weights: Plain<'_>, values: Values<'_>, factors: &[f32], out: &mut [Strip]) {
            weights.check(values.pairs.len() / WIDTH, out.len());
            tiles!([6, 5, 4, 3, 2, 1]; out.len(), R, row => {
                // SAFETY: the kernel exists, so the machine has the features; the lengths were checked.
                unsafe { tile_shorts::<R>(weights, row, values, &factors[row..], &mut out[row..]) }
            });
        }

        fn quantise(&self, strips: &[Strip], offset: i32, out: QuantisedMut<'_>) {
            // SAFETY: the kernel exists, so the machine has the features.
            unsafe { quantise::<$narrow>(strips, offset, out) }
        }

        fn product_f32(&self, input: Plain<'_>, panel: &[Strip], out: &mut [Strip]) {
            input.check(panel.len() / WIDTH, out.len());
            tiles!([6, 5, 4, 3, 2, 1]; out.len(), R, row => {
                // SAFETY: the kernel exists, so the machine has the features; the lengths were checked.
                unsafe { tile_f32::<R>(input, row, panel, &mut out[row..]) }
            });
        }
    };
}

impl Kernel for Avx2 {
    fn choice(&self) -> KernelChoice {
        KernelChoice::Avx2
    }

    fn prefers_bytes(&self) -> bool {
        false
    }

    products!(tile_avx2, Narrow, Wide, true);
    elementwise!(__m256, "avx2,fma");
}

impl Kernel for AvxVnni {
    fn choice(&self) -> KernelChoice {
        KernelChoice::AvxVnni
    }

    fn prefers_bytes(&self) -> bool {
        true
    }

    products!(tile_vnni, Vnni, Vnni, false);
    elementwise!(__m256, "avx2,fma");
}

/// AVX-VNNI by its older twin: the same instruction in AVX-512's encoding, on machines that have only that one. All of
/// [`AvxVnni`] but how one instruction is encoded.
#[cfg(test)]
pub(super) mod twin {
    use super::*;

    pub(in crate::embed::cpu) struct Twin(());

    pub(in crate::embed::cpu) fn new() -> Option<Twin> {
        let has = Avx2::new().is_some()
            && is_x86_feature_detected!("avx512vnni")
            && is_x86_feature_detected!("avx512vl");
        has.then_some(Twin(()))
    }

    vnni!(TwinVnni, "avx2,avx512vnni,avx512vl", _mm256_dpbusd_epi32);
    tile_quantised!(tile_twin, "avx2,fma,avx512vnni,avx512vl");

    impl Kernel for Twin {
        fn choice(&self) -> KernelChoice {
            KernelChoice::AvxVnni
        }

        fn prefers_bytes(&self) -> bool {
            true
        }

        products!(tile_twin, TwinVnni, TwinVnni, false);
        elementwise!(__m256, "avx2,fma");
    }
}
