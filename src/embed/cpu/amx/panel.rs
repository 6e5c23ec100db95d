//! Weights as tiles read them: a block at a time made bf16, in one part or in three.

#![expect(unsafe_code, reason = "a kernel: vector instructions and reads without bounds checks")]

use std::arch::x86_64::*;
use std::mem::MaybeUninit;

use super::{MOST, UNPACKED};
use crate::embed::cpu::blocks::{Halves, Strip, Thirds, WIDTH};
use crate::embed::cpu::pack::{Bytes, Nibbles};

/// Cutting a number to bf16 makes it smaller by so much of itself, on average over all mantissas: 2^-8 * (1 - 1/2) / ln 2.
const CUT: f32 = 0.002_818;

/// The three numbers in bf16 whose sum is `number`: each cut off from what the ones before leave, which is exact.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn parts(number: __m512) -> [__m512i; 3] {
    let upper = _mm512_set1_epi32(!0xFFFF);
    let first = _mm512_and_si512(_mm512_castps_si512(number), upper);
    let left = _mm512_sub_ps(number, _mm512_castsi512_ps(first));
    let second = _mm512_and_si512(_mm512_castps_si512(left), upper);
    let third = _mm512_sub_ps(left, _mm512_castsi512_ps(second));
    [first, second, _mm512_castps_si512(third)]
}

/// A part of a block as tiles read it: 16 strips for outputs 0 to 15, 16 for the others; a strip is, of each output, two
/// neighbouring numbers.
pub(super) type Unpacked = [MaybeUninit<Halves>; WIDTH];

/// A panel of weights that can be made bf16, in as many parts as its rows have.
pub(super) trait Panel: Copy {
    /// A strip of a row: halves, one a part.
    type Row;
    /// A block of weights, part after part.
    type Block: Copy + AsRef<[Unpacked]>;
    const NOT_UNPACKED: Self::Block;

    fn blocks(self) -> usize;

    /// # Safety
    /// The machine has AVX-512; there is such a block.
    unsafe fn unpack(self, block: usize, to: &mut Self::Block);
}

/// Quantised weights: what makes a block of them, and their scales.
#[derive(Clone, Copy)]
pub(super) struct Scaled<'a, W> {
    weights: &'a [W],
    scales: &'a [Strip],
}

impl<'a, W: Unpack> Scaled<'a, W> {
    pub(super) fn new(weights: &'a [W], scales: &'a [Strip]) -> Self {
        assert!(weights.len() == scales.len() * W::A_BLOCK);
        Self { weights, scales }
    }
}

impl<W: Unpack> Panel for Scaled<'_, W> {
    type Row = Halves;
    type Block = [Unpacked; 1];
    const NOT_UNPACKED: Self::Block = [[const { MaybeUninit::uninit() }; WIDTH]; 1];

    fn blocks(self) -> usize {
        self.scales.len()
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    unsafe fn unpack(self, block: usize, [to]: &mut Self::Block) {
        // SAFETY: as the caller promised.
        unsafe { unpack(&self.weights[block * W::A_BLOCK..][..W::A_BLOCK], &self.scales[block], to) }
    }
}

/// Weights in f32: of each number of a block the 32 outputs.
#[derive(Clone, Copy)]
pub(super) struct Exact<'a>(pub(super) &'a [[Strip; WIDTH]]);

impl Panel for Exact<'_> {
    type Row = Thirds;
    type Block = [Unpacked; 3];
    const NOT_UNPACKED: Self::Block = [[const { MaybeUninit::uninit() }; WIDTH]; 3];

    fn blocks(self) -> usize {
        self.0.len()
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    unsafe fn unpack(self, block: usize, to: &mut Self::Block) {
        for (number, [even, odd]) in self.0[block].as_chunks::<2>().0.iter().enumerate() {
            for half in 0..2 {
                // SAFETY: a strip is 32 numbers; halves are 64 bytes, aligned to as many.
                unsafe {
                    let [even, odd] =
                        [even, odd].map(|strip| parts(_mm512_load_ps(strip.0.as_ptr().add(half * MOST))));
                    for ((even, odd), to) in even.into_iter().zip(odd).zip(&mut *to) {
                        let both = _mm512_or_si512(_mm512_srli_epi32::<16>(even), odd);
                        to[half * MOST + number].as_mut_ptr().cast::<__m512i>().write(both);
                    }
                }
            }
        }
    }
}

/// Quantised weights, as they stand in a block.
pub(super) trait Unpack: Copy {
    /// How many make a block.
    const A_BLOCK: usize;

    /// Number `NUMBER` of the four of `quad`, of the first 16 outputs or the others: in units of their scales.
    ///
    /// # Safety
    /// The machine has AVX-512; `block` is a whole one.
    unsafe fn numbers<const HALF: usize, const NUMBER: usize>(block: &[Self], quad: usize) -> __m512;
}

impl Unpack for Nibbles {
    const A_BLOCK: usize = 8;

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn numbers<const HALF: usize, const NUMBER: usize>(block: &[Self], quad: usize) -> __m512 {
        let values = _mm512_setr_ps(
            -8.0, -7.0, -6.0, -5.0, -4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0,
        );
        let shift = _mm512_set1_epi32((NUMBER * 8 + HALF * 4) as i32);
        // SAFETY: 64 bytes, aligned to as many.
        let packed = unsafe { _mm512_load_si512(block[quad].0.as_ptr().cast()) };
        // Of an index the instruction looks at no more than four bits.
        _mm512_permutexvar_ps(_mm512_srlv_epi32(packed, shift), values)
    }
}

impl Unpack for Bytes {
    const A_BLOCK: usize = 16;

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn numbers<const HALF: usize, const NUMBER: usize>(block: &[Self], quad: usize) -> __m512 {
        // SAFETY: 64 bytes, aligned to as many.
        let packed = unsafe { _mm512_load_si512(block[quad * 2 + HALF].0.as_ptr().cast()) };
        let shifted = _mm512_srlv_epi32(packed, _mm512_set1_epi32((NUMBER * 8) as i32));
        let stored = _mm512_cvtepi32_ps(_mm512_and_si512(shifted, _mm512_set1_epi32(255)));
        _mm512_sub_ps(stored, _mm512_set1_ps(128.0))
    }
}

/// Two neighbouring numbers of each of 16 outputs, cut to bf16.
///
/// # Safety
/// As [`Unpack::numbers`].
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn pair<W: Unpack, const HALF: usize, const FIRST: usize, const SECOND: usize>(
    block: &[W],
    quad: usize,
    scales: __m512,
) -> __m512i {
    // SAFETY: as the caller promised.
    let (first, second) =
        unsafe { (W::numbers::<HALF, FIRST>(block, quad), W::numbers::<HALF, SECOND>(block, quad)) };
    let first = _mm512_srli_epi32::<16>(_mm512_castps_si512(_mm512_mul_ps(first, scales)));
    let second = _mm512_castps_si512(_mm512_mul_ps(second, scales));
    _mm512_mask_mov_epi16(first, 0xAAAA_AAAA, second)
}

/// A block of quantised weights times their scales, cut to bf16.
///
/// # Safety
/// The machine has AVX-512; the block is a whole one.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn unpack<W: Unpack>(block: &[W], scales: &Strip, to: &mut Unpacked) {
    // SAFETY: as the caller promised; a strip is 32 numbers, and halves are 64 bytes, all aligned to 64 bytes.
    unsafe {
        let [left, right] = [0, 16].map(|from| scales.0.as_ptr().add(from));
        let cut = _mm512_set1_ps(1.0 + CUT);
        let left = _mm512_mul_ps(_mm512_load_ps(left), cut);
        let right = _mm512_mul_ps(_mm512_load_ps(right), cut);
        for quad in 0..8 {
            let to = to.as_mut_ptr().cast::<__m512i>().add(quad * 2);
            to.write(pair::<W, 0, 0, 1>(block, quad, left));
            to.add(1).write(pair::<W, 0, 2, 3>(block, quad, left));
            to.add(MOST).write(pair::<W, 1, 0, 1>(block, quad, right));
            to.add(MOST + 1).write(pair::<W, 1, 2, 3>(block, quad, right));
        }
    }
    // What is unpacked soon comes from afar, and there is time until then.
    let soon = block.as_ptr().wrapping_add(UNPACKED * W::A_BLOCK).cast::<i8>();
    for line in 0..size_of_val(block) / 64 {
        _mm_prefetch::<_MM_HINT_T1>(soon.wrapping_add(line * 64));
    }
}
