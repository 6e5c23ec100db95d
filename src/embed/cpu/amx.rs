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
    // SAFETY: there are tiles; and strips of all rows for each block of weights, which has its scales.
    unsafe {
        if out.len() <= 2 * MOST {
            few(input, weights, scales, out);
        } else {
            many(input, weights, scales, out);
        }
        // A thread that holds no tiles is cheaper to put aside.
        asm!("tilerelease", options(nomem, nostack, preserves_flags));
    }
}

/// A block as tiles read it.
type Unpacked = [MaybeUninit<Halves>; WIDTH];

const NOT_UNPACKED: Unpacked = [const { MaybeUninit::uninit() }; WIDTH];

/// Rows for one pair of tiles: these are at a block while the next one is unpacked.
///
/// # Safety
/// There are tiles, and strips of all rows for each of the blocks; each has its scales.
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn few<W: Unpack>(input: Plain<'_, Halves>, weights: &[W], scales: &[Strip], out: &mut [Strip]) {
    let mut room = [NOT_UNPACKED; 2];
    let pair = Pair { out: out.as_mut_ptr(), rows: out.len(), stride: input.stride };
    let blocks = weights.chunks_exact(W::A_BLOCK).zip(scales);
    // SAFETY: as the caller promised; a block is added when it is unpacked.
    unsafe {
        pair.shape();
        pair.begin(false);
        for (block, (weights, scales)) in blocks.enumerate() {
            unpack(weights, scales, &mut room[block % 2]);
            if let Some(before) = block.checked_sub(1) {
                pair.add(input.strips.as_ptr().add(before * input.stride), &room[before % 2]);
            }
        }
        let last = scales.len() - 1;
        pair.add(input.strips.as_ptr().add(last * input.stride), &room[last % 2]);
        pair.end();
    }
}

/// Any rows: some blocks are unpacked, and then meet all of them.
///
/// # Safety
/// As [`few`].
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn many<W: Unpack>(input: Plain<'_, Halves>, weights: &[W], scales: &[Strip], out: &mut [Strip]) {
    let mut room = [NOT_UNPACKED; UNPACKED];
    let mut shaped = 0;
    let parts = weights.chunks(UNPACKED * W::A_BLOCK).zip(scales.chunks(UNPACKED));
    for (part, (weights, scales)) in parts.enumerate() {
        let blocks = weights.chunks_exact(W::A_BLOCK).zip(scales);
        for ((weights, scales), to) in blocks.zip(&mut room) {
            // SAFETY: as the caller promised.
            unsafe { unpack(weights, scales, to) };
        }
        for (number, out) in out.chunks_mut(2 * MOST).enumerate() {
            let pair = Pair { out: out.as_mut_ptr(), rows: out.len(), stride: input.stride };
            // SAFETY: as the caller promised; these blocks are unpacked.
            unsafe {
                if shaped != pair.rows {
                    pair.shape();
                    shaped = pair.rows;
                }
                pair.begin(part > 0);
                let strips = input.strips.as_ptr().add(part * UNPACKED * input.stride + number * 2 * MOST);
                for (block, weights) in room[..scales.len()].iter().enumerate() {
                    pair.add(strips.add(block * input.stride), weights);
                }
                pair.end();
            }
        }
    }
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

/// A block as tiles read it: 16 strips for outputs 0 to 15, 16 for the others; a strip is, of each output, two neighbouring
/// numbers.
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

/// Up to two tiles of rows, times a panel, block by block.
#[derive(Clone, Copy)]
struct Pair {
    out: *mut Strip,
    rows: usize,
    /// Strips from a row of one block to the same row of the next.
    stride: usize,
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

/// # Safety
/// Of all functions: there are tiles, and, but for `shape`, of this pair's shape; `out` is `rows` long.
impl Pair {
    /// Tiles 0 and 1 are sums of the first rows and 4 these rows; 2, 3 and 5 are those of the rows from [`MOST`] on; 6 and 7 weights.
    unsafe fn shape(self) {
        let mut shape = Shape { palette: 1, start: 0, reserved: [0; 14], bytes: [0; 16], rows: [0; 16] };
        let (first, second) = (self.rows.min(MOST), self.rows.saturating_sub(MOST));
        let all = [first, first, second, second, first, second, MOST, MOST];
        for (tile, rows) in all.into_iter().enumerate().filter(|(_, rows)| *rows > 0) {
            (shape.bytes[tile], shape.rows[tile]) = (size_of::<Halves>() as u16, rows as u8);
        }
        // SAFETY: as the caller promised; a shape is 64 bytes.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &shape, options(readonly, nostack, preserves_flags)) };
    }

    fn is_of_two(self) -> bool {
        self.rows > MOST
    }

    /// The sums of the first rows, outputs 0 to 15 and the others; and those of the second rows.
    fn sums(self) -> [*mut [f32; MOST]; 4] {
        let (left, below) = (self.out.cast(), self.out.wrapping_add(MOST).cast());
        [left, left.wrapping_add(1), below, below.wrapping_add(1)]
    }

    /// With `more` what is there is added to.
    #[inline]
    unsafe fn begin(self, more: bool) {
        let [left, right, below, beside] = self.sums();
        let apart = size_of::<Strip>();
        // SAFETY: as the caller promised: a tile reads its rows, `apart` bytes from one to the next.
        unsafe {
            match (more, self.is_of_two()) {
                (false, false) => {
                    asm!("tilezero tmm0", "tilezero tmm1", options(nomem, nostack, preserves_flags))
                }
                (false, true) => asm!(
                    "tilezero tmm0",
                    "tilezero tmm1",
                    "tilezero tmm2",
                    "tilezero tmm3",
                    options(nomem, nostack, preserves_flags)
                ),
                (true, false) => asm!("tileloadd tmm0, [{} + {apart}]", "tileloadd tmm1, [{} + {apart}]",
                    in(reg) left, in(reg) right, apart = in(reg) apart, options(readonly, nostack, preserves_flags)),
                (true, true) => asm!("tileloadd tmm0, [{} + {apart}]", "tileloadd tmm1, [{} + {apart}]",
                    "tileloadd tmm2, [{} + {apart}]", "tileloadd tmm3, [{} + {apart}]",
                    in(reg) left, in(reg) right, in(reg) below, in(reg) beside, apart = in(reg) apart,
                    options(readonly, nostack, preserves_flags)),
            }
        }
    }

    /// Adds a block, of which `strips` are the rows and `weights` unpacked.
    #[inline]
    unsafe fn add(self, strips: *const Halves, weights: &Unpacked) {
        // Blocks are far apart; nothing else sees that the next but one is wanted soon.
        let soon = strips.wrapping_add(2 * self.stride);
        for row in 0..self.rows {
            // SAFETY: a hint; it reads nothing.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(soon.wrapping_add(row).cast()) };
        }
        let weights = weights.as_ptr();
        // SAFETY: as the caller promised: a tile reads its rows, one after the other.
        unsafe {
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
                options(readonly, nostack, preserves_flags),
            );
            if self.is_of_two() {
                asm!(
                    "tileloadd tmm5, [{strips} + {apart}]",
                    "tdpbf16ps tmm2, tmm5, tmm6",
                    "tdpbf16ps tmm3, tmm5, tmm7",
                    strips = in(reg) strips.add(MOST),
                    apart = in(reg) size_of::<Halves>(),
                    options(readonly, nostack, preserves_flags),
                );
            }
        }
    }

    #[inline]
    unsafe fn end(self) {
        let [left, right, below, beside] = self.sums();
        let apart = size_of::<Strip>();
        // SAFETY: as the caller promised: a tile writes its rows, `apart` bytes from one to the next.
        unsafe {
            asm!("tilestored [{} + {apart}], tmm0", "tilestored [{} + {apart}], tmm1",
                in(reg) left, in(reg) right, apart = in(reg) apart, options(nostack, preserves_flags));
            if self.is_of_two() {
                asm!("tilestored [{} + {apart}], tmm2", "tilestored [{} + {apart}], tmm3",
                    in(reg) below, in(reg) beside, apart = in(reg) apart, options(nostack, preserves_flags));
            }
        }
    }
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
