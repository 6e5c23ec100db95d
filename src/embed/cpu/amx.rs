//! AMX: `tdpbf16ps` multiplies up to 16 rows with the weights of 16 outputs, 32 numbers each, at once (Intel's servers from Sapphire
//! Rapids on; *Intel 64 and IA-32 Architectures Software Developer's Manual*, volume 1, chapter 18).
//!
//! Quantised weights are made bf16 as they are needed, once for all rows, and so are activations. That is nearer to the numbers
//! than activations in 8 bits; and the sums of all blocks stay in their tiles, where bytes, which have a scale a block, would
//! leave them for each block, and then be no faster than AVX-512. Few rows are no exception: a text's vector is the same in any batch.
//!
//! The instructions are written as assembly, as their intrinsics are not in stable Rust (`x86_amx_intrinsics`, issue 126622). No
//! compiler puts anything of its own into tiles.

#![expect(unsafe_code, reason = "a kernel: tiles, vector instructions and reads without bounds checks")]

use std::arch::asm;
use std::arch::x86_64::*;
use std::mem::MaybeUninit;

use super::blocks::{Halves, Strip, WIDTH};
use super::kernel::{HalfProducts, Plain};
use super::pack::{Bytes, Nibbles};

/// Rows of a tile.
const MOST: usize = 16;

/// Blocks unpacked at a time: 24 KB, which stay in the nearest cache.
const UNPACKED: usize = 12;

/// Cutting a number to bf16 makes it smaller by so much of itself, on average over all mantissas: 2^-8 * (1 - 1/2) / ln 2.
const CUT: f32 = 0.002_818;

/// The right to use tiles: exists only where the machine has them and the system lets this process use them.
pub(super) struct Tiles(());

impl Tiles {
    pub(super) fn new() -> Option<Self> {
        (has_instructions() && is_permitted()).then_some(Self(()))
    }
}

impl HalfProducts for Tiles {
    fn halve(&self, strips: &[Strip], out: &mut [Halves]) {
        // SAFETY: who has tiles has AVX-512 with bf16.
        unsafe { halve(strips, out) }
    }

    fn product_q4(&self, input: Plain<'_, Halves>, quads: &[Nibbles], scales: &[Strip], out: &mut [Strip]) {
        product(input, quads, scales, out);
    }

    fn product_q8(&self, input: Plain<'_, Halves>, quads: &[Bytes], scales: &[Strip], out: &mut [Strip]) {
        product(input, quads, scales, out);
    }
}

#[target_feature(enable = "avx512f,avx512bf16")]
fn halve(strips: &[Strip], out: &mut [Halves]) {
    for (strip, out) in strips.iter().zip(out) {
        for (from, to) in strip.0.as_chunks::<16>().0.iter().zip(out.0.as_chunks_mut::<16>().0) {
            // SAFETY: sixteen numbers each, and their halves.
            unsafe {
                let halves = _mm512_cvtneps_pbh(_mm512_loadu_ps(from.as_ptr()));
                to.as_mut_ptr().cast::<__m256bh>().write_unaligned(halves);
            }
        }
    }
}

fn product<W: Unpack>(input: Plain<'_, Halves>, weights: &[W], scales: &[Strip], out: &mut [Strip]) {
    assert!(weights.len() == scales.len() * W::A_BLOCK);
    input.check(scales.len(), out.len());
    let mut room = [const { MaybeUninit::uninit() }; UNPACKED * WIDTH];
    let parts = weights.chunks(UNPACKED * W::A_BLOCK).zip(scales.chunks(UNPACKED));
    let mut shaped = (0, 0);
    for (part, (weights, scales)) in parts.enumerate() {
        // SAFETY: the machine has tiles, and so AVX-512; the room is for so many blocks.
        let weights = unsafe { unpack(weights, scales, &mut room) };
        let strips = &input.strips[part * UNPACKED * input.stride..];
        for (pair, out) in out.chunks_mut(2 * MOST).enumerate() {
            let rows = (out.len().min(MOST), out.len().saturating_sub(MOST));
            let pair = Pair { strips: &strips[pair * 2 * MOST..], stride: input.stride, weights, out };
            // SAFETY: the machine has tiles and the system lets us use them; the lengths were checked.
            unsafe {
                if shaped != rows {
                    shape(rows);
                    shaped = rows;
                }
                pair.multiply(part > 0);
            }
        }
    }
    // SAFETY: there are tiles. A thread that holds none is cheaper to put aside.
    unsafe { asm!("tilerelease", options(nomem, nostack, preserves_flags)) };
}

/// Weights of a panel that can be made bf16.
trait Unpack {
    /// How many make a block.
    const A_BLOCK: usize;

    /// Number `NUMBER` of the four of `quad`, of the first 16 outputs or the others: in units of their scales.
    ///
    /// # Safety
    /// The machine has AVX-512; `block` is a whole one.
    unsafe fn numbers<const HALF: usize, const NUMBER: usize>(block: &[Self], quad: usize) -> __m512
    where
        Self: Sized;
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

/// Weights as tiles read them: of each block 16 strips for outputs 0 to 15, 16 for the others; a strip is, of each output, two
/// neighbouring numbers.
///
/// # Safety
/// The machine has AVX-512; the room is for as many blocks as there are `scales`, and the weights are as many.
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn unpack<'a, W: Unpack>(
    weights: &[W],
    scales: &[Strip],
    room: &'a mut [MaybeUninit<Halves>],
) -> &'a [Halves] {
    let (room, _) = room.split_at_mut(scales.len() * WIDTH);
    let blocks = weights.chunks_exact(W::A_BLOCK).zip(scales).zip(room.as_chunks_mut::<WIDTH>().0);
    for ((block, scales), to) in blocks {
        // SAFETY: as the caller promised.
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
        // What is unpacked next comes from afar, and there is time until then.
        let next = block.as_ptr().wrapping_add(weights.len()).cast::<i8>();
        for line in 0..size_of_val(block) / 64 {
            _mm_prefetch::<_MM_HINT_T1>(next.wrapping_add(line * 64));
        }
    }
    // SAFETY: all of it was written.
    unsafe { std::slice::from_raw_parts(room.as_ptr().cast(), room.len()) }
}

/// Up to two tiles of rows times a panel.
struct Pair<'a> {
    /// `[block][row]`
    strips: &'a [Halves],
    stride: usize,
    weights: &'a [Halves],
    out: &'a mut [Strip],
}

impl Pair<'_> {
    /// With `more` the products are added to what is there.
    ///
    /// # Safety
    /// The machine has tiles, of the [`shape`] for so many rows; there are strips of all blocks of `weights`.
    unsafe fn multiply(self, more: bool) {
        let blocks = self.weights.len() / WIDTH;
        let out = self.out.as_mut_ptr();
        let (strips, weights) = (self.strips.as_ptr(), self.weights.as_ptr());
        let apart = size_of::<Strip>();
        let is_pair = self.out.len() > MOST;
        // SAFETY: as the caller promised: every tile reads and writes its rows, `apart` bytes from one to the next.
        unsafe {
            let (left, right) = (out.cast::<[f32; 16]>(), out.cast::<[f32; 16]>().add(1));
            let (below, beside) = (left.wrapping_add(2 * MOST), right.wrapping_add(2 * MOST));
            if more {
                asm!("tileloadd tmm0, [{} + {apart}]", "tileloadd tmm1, [{} + {apart}]",
                    in(reg) left, in(reg) right, apart = in(reg) apart, options(nostack, preserves_flags));
                if is_pair {
                    asm!("tileloadd tmm2, [{} + {apart}]", "tileloadd tmm3, [{} + {apart}]",
                        in(reg) below, in(reg) beside, apart = in(reg) apart, options(nostack, preserves_flags));
                }
            } else {
                asm!("tilezero tmm0", "tilezero tmm1", options(nomem, nostack, preserves_flags));
                if is_pair {
                    asm!("tilezero tmm2", "tilezero tmm3", options(nomem, nostack, preserves_flags));
                }
            }
            for block in 0..blocks {
                let (strips, weights) = (strips.add(block * self.stride), weights.add(block * WIDTH));
                // Blocks are far apart; nothing else sees that the next but one is wanted soon.
                let soon = strips.wrapping_add(2 * self.stride);
                for row in 0..self.out.len() {
                    _mm_prefetch::<_MM_HINT_T0>(soon.wrapping_add(row).cast());
                }
                asm!(
                    "tileloadd tmm4, [{strips} + {apart}]",
                    "tileloadd tmm6, [{weights} + {apart}]",
                    "tdpbf16ps tmm0, tmm4, tmm6",
                    "tileloadd tmm7, [{others} + {apart}]",
                    "tdpbf16ps tmm1, tmm4, tmm7",
                    strips = in(reg) strips,
                    weights = in(reg) weights,
                    others = in(reg) weights.add(MOST),
                    apart = in(reg) size_of::<Halves>(),
                    options(nostack, preserves_flags),
                );
                if is_pair {
                    asm!(
                        "tileloadd tmm5, [{strips} + {apart}]",
                        "tdpbf16ps tmm2, tmm5, tmm6",
                        "tdpbf16ps tmm3, tmm5, tmm7",
                        strips = in(reg) strips.add(MOST),
                        apart = in(reg) size_of::<Halves>(),
                        options(nostack, preserves_flags),
                    );
                }
            }
            asm!("tilestored [{} + {apart}], tmm0", "tilestored [{} + {apart}], tmm1",
                in(reg) left, in(reg) right, apart = in(reg) apart, options(nostack, preserves_flags));
            if is_pair {
                asm!("tilestored [{} + {apart}], tmm2", "tilestored [{} + {apart}], tmm3",
                    in(reg) below, in(reg) beside, apart = in(reg) apart, options(nostack, preserves_flags));
            }
        }
    }
}

/// Palette 1 of `ldtilecfg`.
#[repr(C, align(64))]
struct Shape {
    palette: u8,
    start: u8,
    reserved: [u8; 14],
    bytes: [u16; 16],
    rows: [u8; 16],
}

/// Tiles 0 and 1 are sums of the first rows and 4 these rows; 2, 3 and 5 are those of the second rows; 6 and 7 weights.
///
/// # Safety
/// The machine has tiles, and the system lets us use them; of each there are at most [`MOST`] rows.
unsafe fn shape((first, second): (usize, usize)) {
    let mut shape = Shape { palette: 1, start: 0, reserved: [0; 14], bytes: [0; 16], rows: [0; 16] };
    for (tile, rows) in [first, first, second, second, first, second, MOST, MOST].into_iter().enumerate() {
        if rows > 0 {
            (shape.bytes[tile], shape.rows[tile]) = (size_of::<Halves>() as u16, rows as u8);
        }
    }
    // SAFETY: as the caller promised; a shape is 64 bytes.
    unsafe { asm!("ldtilecfg [{}]", in(reg) &shape, options(readonly, nostack, preserves_flags)) };
}

/// AMX-TILE, AMX-BF16 and AVX-512 with bf16, and a system that keeps tiles when threads change places.
fn has_instructions() -> bool {
    #[target_feature(enable = "xsave")]
    fn kept() -> u64 {
        // SAFETY: register 0 is there wherever there is `xgetbv`.
        unsafe { _xgetbv(0) }
    }
    const TILES: u64 = 0b11 << 17;
    let leaf = if __cpuid(0).eax >= 7 { __cpuid_count(7, 0).edx } else { 0 };
    let has = |bit: u32| leaf >> bit & 1 == 1;
    is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512bf16")
        && is_x86_feature_detected!("xsave")
        && has(22)
        && has(24)
        // SAFETY: the machine has `xgetbv`.
        && unsafe { kept() } & TILES == TILES
}

/// Linux gives tiles to a process that asks for them (`Documentation/arch/x86/xstate.rst`).
fn is_permitted() -> bool {
    #[cfg(target_os = "linux")]
    {
        const ARCH_PRCTL: isize = 158;
        const ARCH_REQ_XCOMP_PERM: usize = 0x1023;
        const XFEATURE_XTILEDATA: usize = 18;
        let answer: isize;
        // SAFETY: this call changes what the process may do, and no memory.
        unsafe {
            asm!(
                "syscall",
                inlateout("rax") ARCH_PRCTL => answer,
                in("rdi") ARCH_REQ_XCOMP_PERM,
                in("rsi") XFEATURE_XTILEDATA,
                out("rcx") _,
                out("r11") _,
                options(nostack),
            );
        }
        answer == 0
    }
    #[cfg(not(target_os = "linux"))]
    false
}
