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

use std::arch::asm;
use std::arch::x86_64::*;
use std::mem::MaybeUninit;

use super::blocks::{Halves, Strip, Thirds, WIDTH};
use super::kernel::{HalfProducts, Plain};
use super::pack::{Bytes, Nibbles};

/// Rows of a tile.
const MOST: usize = 16;

/// Blocks unpacked at a time: 24 KB, which stay in the nearest cache; in f32 three times as much, each part of which meets the
/// rows more than once.
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

/// The three numbers in bf16 whose sum is `number`: each cut off from what the ones before leave, which is exact.
#[inline]
#[target_feature(enable = "avx512f")]
fn parts(number: __m512) -> [__m512i; 3] {
    let upper = _mm512_set1_epi32(!0xFFFF);
    let first = _mm512_and_si512(_mm512_castps_si512(number), upper);
    let left = _mm512_sub_ps(number, _mm512_castsi512_ps(first));
    let second = _mm512_and_si512(_mm512_castps_si512(left), upper);
    let third = _mm512_sub_ps(left, _mm512_castsi512_ps(second));
    [first, second, _mm512_castps_si512(third)]
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

/// A part of a block as tiles read it: 16 strips for outputs 0 to 15, 16 for the others; a strip is, of each output, two
/// neighbouring numbers.
type Unpacked = [MaybeUninit<Halves>; WIDTH];

/// A panel of weights that can be made bf16, in as many parts as its rows have.
trait Panel: Copy {
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
struct Scaled<'a, W> {
    weights: &'a [W],
    scales: &'a [Strip],
}

impl<W> Clone for Scaled<'_, W> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<W> Copy for Scaled<'_, W> {}

impl<'a, W: Unpack> Scaled<'a, W> {
    fn new(weights: &'a [W], scales: &'a [Strip]) -> Self {
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
struct Exact<'a>(&'a [[Strip; WIDTH]]);

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
