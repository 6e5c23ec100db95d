//! Attention's weights times values in 16 bits: two products an instruction and lane, with errors that nothing shows.
//!
//! Weights and values are whole numbers whose sum over a group of 32 keys fits 32 bits: `32 * 2^14 * 4095 < 2^31`. A weight and
//! its neighbour stand in one lane as a pair; which is its neighbour depends on how many lanes a vector has, so one vector's
//! pairs are not another's.

#![expect(
    clippy::needless_range_loop,
    reason = "iterators over sums keep them in memory, indices in registers"
)]
#![expect(unsafe_code, reason = "a kernel: vector instructions and reads without bounds checks")]

use super::blocks::{Strip, WIDTH};
use super::kernel::Plain;
use super::vector::{Softened, Vector, soften_to};

/// Sixteen pairs of 16 bits. Of values: a pair of keys each, for one of 16 outputs.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Pairs(pub(super) [[i16; 2]; 16]);

impl Pairs {
    pub(super) const ZERO: Self = Self([[0; 2]; 16]);
}

/// The values of a sentence's keys.
#[derive(Clone, Copy)]
pub(super) struct Values<'a> {
    /// For each pair of keys outputs 0 to 15, outputs 16 to 31.
    pub(super) pairs: &'a [Pairs],
    /// What their unit is worth.
    pub(super) step: f32,
}

/// The largest value.
const LARGEST: f32 = 4095.0;

/// Pairs in a strip of weights.
const PAIRS: usize = WIDTH / 2;

/// Vectors whose lanes also hold pairs of 16 bits or sums of 32.
///
/// # Safety
/// As [`Vector`]; pointers are to [`Vector::LANES`] pairs, that of `dot` for weights to one.
pub(super) trait Shorts: Vector {
    /// A sum a lane.
    type Sums: Copy;

    /// Nothing, yet.
    unsafe fn none() -> Self::Sums;
    /// `sums` plus, in each lane, both products of the one pair of `weights` with a pair of `values`.
    unsafe fn dot(sums: Self::Sums, weights: *const [i16; 2], values: *const [i16; 2]) -> Self::Sums;
    /// `numbers` plus `sums`.
    unsafe fn plus(self, sums: Self::Sums) -> Self;
    /// Both rounded, lane by lane a pair.
    unsafe fn store_pairs(first: Self, second: Self, to: *mut [i16; 2]);
}

/// Softmax as [`super::vector::soften`], but each strip of `scores` becomes the pairs of its weights: [`PAIRS`] of them, in its
/// first half.
#[inline(always)]
pub(super) unsafe fn soften_shorts<V: Shorts>(scores: &mut [Strip], keys: usize, factors: &mut [f32]) {
    // SAFETY: as the caller promised.
    unsafe { soften_to::<V, InPairs>(scores, keys, factors) }
}

struct InPairs;

impl<V: Shorts> Softened<V> for InPairs {
    const TOP: f32 = 14.0;

    #[inline(always)]
    unsafe fn store(strip: *mut f32, at: usize, first: V, second: V) {
        // SAFETY: as the caller promised; half a strip holds the pairs of a whole one.
        unsafe { V::store_pairs(first, second, strip.cast::<[i16; 2]>().add(at / 2)) }
    }
}

/// The values of `keys` keys, and whatever follows up to a whole group, as pairs: two of `pairs` for each pair of keys. `step`
/// gets what their unit is worth.
#[inline(always)]
pub(super) unsafe fn pack_values<V: Shorts>(
    values: &[Strip],
    keys: usize,
    pairs: &mut [Pairs],
    step: &mut f32,
) {
    assert!(values.len() == pairs.len() && values.len().is_multiple_of(WIDTH));
    // SAFETY: as the caller promised; there are as many strips of values as pairs.
    unsafe {
        let mut largest = V::splat(0.0);
        for strip in &values[..keys] {
            for at in (0..WIDTH).step_by(V::LANES) {
                let values = V::load(strip.0.as_ptr().add(at));
                largest = largest.max(values).max(V::splat(0.0).sub(values));
            }
        }
        let largest = largest.largest();
        *step = largest / LARGEST;
        let inverse = V::splat(if largest > 0.0 { LARGEST / largest } else { 0.0 });
        for (values, pairs) in values.as_chunks::<WIDTH>().0.iter().zip(pairs.as_chunks_mut::<WIDTH>().0) {
            for pair in 0..PAIRS {
                let first = pair / V::LANES * 2 * V::LANES + pair % V::LANES;
                let (first, second) = (&values[first], &values[first + V::LANES]);
                let to = pairs.as_mut_ptr().add(pair * 2).cast::<[i16; 2]>();
                for at in (0..WIDTH).step_by(V::LANES) {
                    let first = V::load(first.0.as_ptr().add(at)).mul(inverse);
                    let second = V::load(second.0.as_ptr().add(at)).mul(inverse);
                    V::store_pairs(first, second, to.add(at));
                }
            }
        }
    }
}

/// `R` rows of weights from `row` on, times `V::LANES * N` outputs of values, those from `from` on; each row times its factor.
///
/// # Safety
/// The machine has the instructions; every row of every group of `values` is in `weights`; `factors` and `out` are `R` long at
/// least; the outputs are in a strip.
#[inline(always)]
pub(super) unsafe fn tile_shorts<V: Shorts, const R: usize, const N: usize>(
    weights: Plain<'_>,
    row: usize,
    values: Values<'_>,
    from: usize,
    factors: &[f32],
    out: &mut [Strip],
) {
    // SAFETY: as the caller promised.
    unsafe {
        let mut sums = [[V::splat(0.0); N]; R];
        for (group, values) in values.pairs.as_chunks::<WIDTH>().0.iter().enumerate() {
            let weights = weights.strips.as_ptr().add(group * weights.stride + row).cast::<[i16; 2]>();
            let values = values.as_ptr().cast::<[i16; 2]>().add(from);
            let mut dots = [[V::none(); N]; R];
            for pair in 0..PAIRS {
                for row in 0..R {
                    for n in 0..N {
                        let values = values.add(pair * WIDTH + n * V::LANES);
                        dots[row][n] = V::dot(dots[row][n], weights.add(row * WIDTH + pair), values);
                    }
                }
            }
            for row in 0..R {
                for n in 0..N {
                    sums[row][n] = sums[row][n].plus(dots[row][n]);
                }
            }
        }
        let (factors, out) = (&factors[..R], &mut out[..R]);
        for row in 0..R {
            for n in 0..N {
                let to = out[row].0.as_mut_ptr().add(from + n * V::LANES);
                sums[row][n].mul(V::splat(factors[row] * values.step)).store(to);
            }
        }
    }
}
