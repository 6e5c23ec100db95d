//! AMX: `tdpbf16ps` multiplies up to 16 rows with the weights of 16 outputs, 32 numbers each, at once (Intel's servers from Sapphire
//! Rapids on; *Intel 64 and IA-32 Architectures Software Developer's Manual*, volume 1, chapter 18).
//!
//! Quantised weights are made bf16 as they are needed, once for all rows, and so are activations. That is nearer to the numbers
//! than activations in 8 bits; and the sums of all blocks stay in their tiles, where bytes, which have a scale a block, would
//! leave them for each block, and then be no faster than AVX-512. Few rows are no exception: a text's vector is the same in any batch.
//!
//! Numbers in f32 are three in bf16, whose sum they are to the last bit; six products of these, the others being below what an f32
//! holds, are the product in f32 (Henry, Tang and Heinecke 2019, *Leveraging the bfloat16 Artificial Intelligence Datatype For
//! Higher-Precision Computations*), and still faster than AVX-512.
//!
//! The instructions are written as assembly, as their intrinsics are not in stable Rust (`x86_amx_intrinsics`, issue 126622). No
//! compiler puts anything of its own into tiles.

#![expect(unsafe_code, reason = "a kernel: tiles, vector instructions and reads without bounds checks")]

mod panel;

use std::arch::asm;
use std::arch::x86_64::*;
use std::mem::MaybeUninit;

use super::blocks::{Halves, Strip, Thirds};
use super::kernel::{HalfProducts, Plain};
use super::pack::{Bytes, Nibbles};
use panel::{Exact, Panel, Scaled, parts};

/// Rows of a tile.
const MOST: usize = 16;

/// Blocks unpacked at a time: 24 KB, which stay in the nearest cache; in f32 three times as much, each part of which meets the
/// rows more than once.
const UNPACKED: usize = 12;

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
        product(input, Scaled::new(quads, scales), out);
    }

    fn product_q8(&self, input: Plain<'_, Halves>, quads: &[Bytes], scales: &[Strip], out: &mut [Strip]) {
        product(input, Scaled::new(quads, scales), out);
    }

    fn split(&self, strips: &[Strip], out: &mut [Thirds]) {
        // SAFETY: who has tiles has AVX-512.
        unsafe { split(strips, out) }
    }

    fn product_f32(&self, input: Plain<'_, Thirds>, panel: &[Strip], out: &mut [Strip]) {
        product(input, Exact(panel.as_chunks().0), out);
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

#[target_feature(enable = "avx512f")]
fn split(strips: &[Strip], out: &mut [Thirds]) {
    for (strip, out) in strips.iter().zip(out) {
        for (at, from) in strip.0.as_chunks::<16>().0.iter().enumerate() {
            // SAFETY: sixteen numbers each, and their halves.
            unsafe {
                for (part, to) in parts(_mm512_loadu_ps(from.as_ptr())).into_iter().zip(&mut out.0) {
                    let halves = _mm512_cvtepi32_epi16(_mm512_srli_epi32::<16>(part));
                    _mm256_storeu_si256(to.0.as_mut_ptr().add(at * 16).cast(), halves);
                }
            }
        }
    }
}

fn product<P: Panel>(input: Plain<'_, P::Row>, panel: P, out: &mut [Strip]) {
    input.check(panel.blocks(), out.len());
    // SAFETY: there are tiles; and strips of all rows for each block of the panel.
    unsafe {
        if out.len() <= 2 * MOST {
            few(input, panel, out);
        } else {
            many(input, panel, out);
        }
        // A thread that holds no tiles is cheaper to put aside.
        asm!("tilerelease", options(nomem, nostack, preserves_flags));
    }
}

/// Rows for one pair of tiles: these are at a block while the next one is unpacked.
///
/// # Safety
/// There are tiles, and strips of all rows for each of the panel's blocks.
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn few<P: Panel>(input: Plain<'_, P::Row>, panel: P, out: &mut [Strip]) {
    let mut room = [P::NOT_UNPACKED; 2];
    let pair = Pair { out: out.as_mut_ptr(), rows: out.len(), stride: input.stride };
    // SAFETY: as the caller promised; a block is added when it is unpacked.
    unsafe {
        pair.shape();
        pair.begin(false);
        for block in 0..panel.blocks() {
            panel.unpack(block, &mut room[block % 2]);
            if let Some(before) = block.checked_sub(1) {
                pair.add::<P>(input.strips.as_ptr().add(before * input.stride), &room[before % 2]);
            }
        }
        let last = panel.blocks() - 1;
        pair.add::<P>(input.strips.as_ptr().add(last * input.stride), &room[last % 2]);
        pair.end();
    }
}

/// Any rows: some blocks are unpacked, and then meet all of them.
///
/// # Safety
/// As [`few`].
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn many<P: Panel>(input: Plain<'_, P::Row>, panel: P, out: &mut [Strip]) {
    let mut room = [P::NOT_UNPACKED; UNPACKED];
    let mut shaped = 0;
    for first in (0..panel.blocks()).step_by(UNPACKED) {
        let blocks = first..panel.blocks().min(first + UNPACKED);
        for (block, to) in blocks.clone().zip(&mut room) {
            // SAFETY: as the caller promised.
            unsafe { panel.unpack(block, to) };
        }
        for (number, out) in out.chunks_mut(2 * MOST).enumerate() {
            let pair = Pair { out: out.as_mut_ptr(), rows: out.len(), stride: input.stride };
            // SAFETY: as the caller promised; these blocks are unpacked.
            unsafe {
                if shaped != pair.rows {
                    pair.shape();
                    shaped = pair.rows;
                }
                pair.begin(first > 0);
                for (block, weights) in blocks.clone().zip(&room) {
                    pair.add::<P>(
                        input.strips.as_ptr().add(block * input.stride + number * 2 * MOST),
                        weights,
                    );
                }
                pair.end();
            }
        }
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

    /// Adds a block, of which `strips` are the rows and `weights` unpacked. Of two numbers in parts, part `i` of one and `j` of
    /// the other are `256^-(i + j)` of the whole: beyond the last part nothing is seen of it.
    #[inline]
    unsafe fn add<P: Panel>(self, strips: *const P::Row, weights: &P::Block) {
        // Blocks are far apart; nothing else sees that the next but one is wanted soon.
        let soon = strips.wrapping_add(2 * self.stride).cast::<Halves>();
        let weights = weights.as_ref();
        for line in 0..self.rows * weights.len() {
            // SAFETY: a hint; it reads nothing.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(soon.wrapping_add(line).cast()) };
        }
        let apart = size_of::<P::Row>();
        for part in 0..weights.len() {
            let first = strips.cast::<Halves>().wrapping_add(part);
            for (at, weights) in weights[..weights.len() - part].iter().enumerate() {
                // SAFETY: as the caller promised: a tile reads its rows, `apart` bytes from one to the next.
                unsafe { self.multiply((at == 0).then_some(first), apart, weights.as_ptr()) };
            }
        }
    }

    /// Adds one product. Rows are those of the product before where there are no others.
    #[inline(always)]
    unsafe fn multiply(self, rows: Option<*const Halves>, apart: usize, weights: *const MaybeUninit<Halves>) {
        // SAFETY: as `add`; what is unpacked stands strip after strip.
        unsafe {
            if let Some(rows) = rows {
                asm!("tileloadd tmm4, [{} + {}]", in(reg) rows, in(reg) apart,
                    options(readonly, nostack, preserves_flags));
            }
            asm!(
                "tileloadd tmm6, [{weights} + {line}]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm7, [{others} + {line}]",
                "tdpbf16ps tmm1, tmm4, tmm7",
                weights = in(reg) weights,
                others = in(reg) weights.add(MOST),
                line = in(reg) size_of::<Halves>(),
                options(readonly, nostack, preserves_flags),
            );
            if self.is_of_two() {
                if let Some(rows) = rows {
                    asm!("tileloadd tmm5, [{} + {}]", in(reg) rows.byte_add(MOST * apart), in(reg) apart,
                        options(readonly, nostack, preserves_flags));
                }
                asm!(
                    "tdpbf16ps tmm2, tmm5, tmm6",
                    "tdpbf16ps tmm3, tmm5, tmm7",
                    options(nomem, nostack, preserves_flags)
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
