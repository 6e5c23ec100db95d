//! Everything of the forward pass that is no product of quantised numbers, written once over a vector of f32 and compiled
//! for each instruction set.
//!
//! Each kernel inlines these functions into one of its own that has the instructions enabled; that is why they are
//! `inline(always)`, and unsafe: they may run only where the vector's instructions are there. (Loops over arrays, left to
//! the compiler, were vectorised across rows with gathers: five times slower.)
#![expect(
    clippy::needless_range_loop,
    reason = "iterators over sums keep them in memory, indices in registers"
)]
#![expect(unsafe_code, reason = "a kernel: vector instructions, and reads without bounds checks in products")]

use super::blocks::{Strip, WIDTH};
use super::kernel::{Normalisation, Plain};

/// Some lanes of f32.
///
/// # Safety
/// All functions: the machine has the instructions. `load` and `store`: [`Self::LANES`] numbers are there.
pub(super) trait Vector: Copy {
    /// How many; a divisor of [`WIDTH`].
    const LANES: usize;

    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    unsafe fn mul(self, other: Self) -> Self;
    unsafe fn div(self, other: Self) -> Self;
    /// The smaller of the two.
    unsafe fn min(self, other: Self) -> Self;
    /// The larger of the two.
    unsafe fn max(self, other: Self) -> Self;
    /// `self * by + plus`, rounded once where the machine can.
    unsafe fn fused(self, by: Self, plus: Self) -> Self;
    /// A number from 0 to 1, and the whole rest in the form that `scaled` takes.
    unsafe fn split(self) -> (Self, Self);
    /// `self * 2^power` for a power from -126 to 126 as `split` gives it.
    unsafe fn scaled(self, power: Self) -> Self;
    /// The sum of all lanes.
    unsafe fn total(self) -> f32;
    /// The largest of all lanes.
    unsafe fn largest(self) -> f32;
}

/// The functions of [`Vector`] that are one instruction each.
macro_rules! instructions {
    ($features:literal: $load:ident, $store:ident, $splat:ident, $fused:ident, $($name:ident = $instruction:ident),+) => {
        #[inline]
        #[target_feature(enable = $features)]
        unsafe fn splat(value: f32) -> Self {
            $splat(value)
        }

        #[inline]
        #[target_feature(enable = $features)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: as the caller promised.
            unsafe { $load(from) }
        }

        #[inline]
        #[target_feature(enable = $features)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: as the caller promised.
            unsafe { $store(to, self) }
        }

        #[inline]
        #[target_feature(enable = $features)]
        unsafe fn fused(self, by: Self, plus: Self) -> Self {
            $fused(self, by, plus)
        }

        $(
            #[inline]
            #[target_feature(enable = $features)]
            unsafe fn $name(self, other: Self) -> Self {
                $instruction(self, other)
            }
        )+
    };
}
pub(super) use instructions;

/// Adding this to a number of less than 2^22 rounds it to the nearest integer, which is then in the low bits.
pub(super) const ROUNDING: f32 = 12_582_912.0;

/// `2^x` for `x` from -125 to 126 (what is less is no normal number, and slow), by the polynomial whose relative error
/// between 0 and 1 is the smallest: 1e-7.
#[inline(always)]
unsafe fn exp2<V: Vector>(x: V) -> V {
    // SAFETY: as the caller promised.
    unsafe {
        let (rest, power) = x.split();
        let series = rest.fused(V::splat(1.877_576_7e-3), V::splat(8.989_34e-3));
        let series = rest.fused(series, V::splat(5.582_631_8e-2));
        let series = rest.fused(series, V::splat(0.240_153_61));
        let series = rest.fused(series, V::splat(0.693_153_1));
        rest.fused(series, V::splat(0.999_999_94)).scaled(power)
    }
}

/// The error function by the rational approximation of Eigen and XLA (`generic_fast_erf_float`); error under 3e-7.
#[inline(always)]
unsafe fn erf<V: Vector>(x: V) -> V {
    // SAFETY: as the caller promised.
    unsafe {
        let x = x.min(V::splat(4.0)).max(V::splat(-4.0));
        let square = x.mul(x);
        let above = square.fused(V::splat(-2.726_142_3e-10), V::splat(2.770_681_4e-8));
        let above = square.fused(above, V::splat(-2.101_024e-6));
        let above = square.fused(above, V::splat(-5.692_506_5e-5));
        let above = square.fused(above, V::splat(-7.349_906_3e-4));
        let above = square.fused(above, V::splat(-2.954_6e-3));
        let above = square.fused(above, V::splat(-1.609_603_3e-2));
        let below = square.fused(V::splat(-1.456_607_2e-5), V::splat(-2.133_740_6e-4));
        let below = square.fused(below, V::splat(-1.682_827e-3));
        let below = square.fused(below, V::splat(-7.373_329e-3));
        let below = square.fused(below, V::splat(-1.426_473_9e-2));
        x.mul(above).div(below)
    }
}

/// Calls `$body` for each vector of a strip, `$at` being where in the strip it begins.
macro_rules! lanes {
    ($V:ident, $at:ident => $body:expr) => {
        let mut $at = 0;
        while $at < WIDTH {
            $body;
            $at += $V::LANES;
        }
    };
}

/// GELU by erf (Hendrycks and Gimpel 2016) of each number plus its bias.
#[inline(always)]
pub(super) unsafe fn gelu<V: Vector>(strips: &mut [Strip], bias: &Strip) {
    for strip in strips {
        lanes!(V, at => {
            // SAFETY: as the caller promised; `at` and the lanes after it are in the strip.
            unsafe {
                let here = strip.0.as_mut_ptr().add(at);
                let x = V::load(here).add(V::load(bias.0.as_ptr().add(at)));
                let erf = erf(x.mul(V::splat(std::f32::consts::FRAC_1_SQRT_2)));
                let half = x.mul(V::splat(0.5));
                half.fused(erf, half).store(here);
            }
        });
    }
}

/// `(number + bias) * scale`.
#[inline(always)]
pub(super) unsafe fn shift<V: Vector>(strips: &mut [Strip], bias: &Strip, scale: f32) {
    for strip in strips {
        lanes!(V, at => {
            // SAFETY: as the caller promised; `at` and the lanes after it are in the strip.
            unsafe {
                let here = strip.0.as_mut_ptr().add(at);
                V::load(here).add(V::load(bias.0.as_ptr().add(at))).mul(V::splat(scale)).store(here);
            }
        });
    }
}

/// Each row times its factor.
#[inline(always)]
pub(super) unsafe fn stretch<V: Vector>(strips: &mut [Strip], factors: &[f32]) {
    for (strip, factor) in strips.iter_mut().zip(factors) {
        lanes!(V, at => {
            // SAFETY: as the caller promised; `at` and the lanes after it are in the strip.
            unsafe {
                let here = strip.0.as_mut_ptr().add(at);
                V::load(here).mul(V::splat(*factor)).store(here);
            }
        });
    }
}

/// `hidden = norm(hidden + added + bias)`, row by row. All are `[block][row]`.
#[inline(always)]
pub(super) unsafe fn add_and_normalise<V: Vector>(
    hidden: &mut [Strip],
    added: &[Strip],
    rows: usize,
    bias: &[Strip],
    norm: &Normalisation,
) {
    let count = (bias.len() * WIDTH) as f32;
    for row in 0..rows {
        // SAFETY: as the caller promised; `at` and the lanes after it are in their strips.
        unsafe {
            let mut sums = V::splat(0.0);
            for (block, bias) in bias.iter().enumerate() {
                let (strip, added) = (&mut hidden[block * rows + row], &added[block * rows + row]);
                lanes!(V, at => {
                    let here = strip.0.as_mut_ptr().add(at);
                    let more = V::load(added.0.as_ptr().add(at)).add(V::load(bias.0.as_ptr().add(at)));
                    let value = V::load(here).add(more);
                    value.store(here);
                    sums = sums.add(value);
                });
            }
            let mean = V::splat(sums.total() / count);
            let mut squares = V::splat(0.0);
            for block in 0..bias.len() {
                let strip = &hidden[block * rows + row];
                lanes!(V, at => {
                    let distance = V::load(strip.0.as_ptr().add(at)).sub(mean);
                    squares = distance.fused(distance, squares);
                });
            }
            let inverse = V::splat(1.0 / (squares.total() / count + norm.epsilon).sqrt());
            for (block, (weight, shift)) in norm.weight.iter().zip(&norm.shift).enumerate() {
                let strip = &mut hidden[block * rows + row];
                lanes!(V, at => {
                    let here = strip.0.as_mut_ptr().add(at);
                    let value = V::load(here).sub(mean).mul(inverse);
                    value.fused(V::load(weight.0.as_ptr().add(at)), V::load(shift.0.as_ptr().add(at))).store(here);
                });
            }
        }
    }
}

/// Softmax of each row of `scores` (`[block][row]`, `keys` numbers a row) but for the division, which is left to whoever
/// has fewer numbers to divide: `factors` gets 1 / sum. Numbers beyond `keys` become nothing (2e-38).
#[inline(always)]
pub(super) unsafe fn soften<V: Vector>(scores: &mut [Strip], keys: usize, factors: &mut [f32]) {
    // SAFETY: as the caller promised.
    unsafe { soften_to::<V, InNumbers>(scores, keys, factors) }
}

/// What softened scores become.
pub(super) trait Softened<V: Vector> {
    /// The weight of the largest score is two to the power of this.
    const TOP: f32;

    /// Two vectors of weights, those from `at` on in a strip, whose numbers from there on are needed no more.
    ///
    /// # Safety
    /// The machine has the instructions; the strip is one.
    unsafe fn store(strip: *mut f32, at: usize, first: V, second: V);
}

struct InNumbers;

impl<V: Vector> Softened<V> for InNumbers {
    const TOP: f32 = 0.0;

    #[inline(always)]
    unsafe fn store(strip: *mut f32, at: usize, first: V, second: V) {
        // SAFETY: as the caller promised; both vectors are in the strip.
        unsafe {
            first.store(strip.add(at));
            second.store(strip.add(at + V::LANES));
        }
    }
}

/// [`soften`], into `S`.
#[inline(always)]
pub(super) unsafe fn soften_to<V: Vector, S: Softened<V>>(
    scores: &mut [Strip],
    keys: usize,
    factors: &mut [f32],
) {
    let rows = factors.len();
    let (whole, odd, blocks) = (keys / WIDTH, keys % WIDTH, keys.div_ceil(WIDTH));
    // The rest of an odd strip is no score.
    let limits = Strip(std::array::from_fn(|lane| if lane < odd { f32::MAX } else { f32::MIN }));
    // The largest of all rows first, for the time being in `factors`: so that no row waits for the one before.
    for (row, largest) in factors.iter_mut().enumerate() {
        // SAFETY: as the caller promised; `at` and the lanes after it are in their strips.
        unsafe {
            if odd > 0 {
                let strip = &mut scores[whole * rows + row];
                lanes!(V, at => {
                    let here = strip.0.as_mut_ptr().add(at);
                    V::load(here).min(V::load(limits.0.as_ptr().add(at))).store(here);
                });
            }
            let mut vector = V::splat(f32::MIN);
            for block in 0..blocks {
                let strip = &scores[block * rows + row];
                lanes!(V, at => vector = vector.max(V::load(strip.0.as_ptr().add(at))));
            }
            *largest = vector.largest();
        }
    }
    for (row, factor) in factors.iter_mut().enumerate() {
        // SAFETY: as above.
        unsafe {
            let (base, least) = (V::splat(std::f32::consts::LOG2_E), V::splat(-125.0));
            let above = V::splat(S::TOP - *factor * std::f32::consts::LOG2_E);
            let mut sums = V::splat(0.0);
            for block in 0..blocks {
                let strip = scores[block * rows + row].0.as_mut_ptr();
                for at in (0..WIDTH).step_by(2 * V::LANES) {
                    let (first, second) = (V::load(strip.add(at)), V::load(strip.add(at + V::LANES)));
                    let first = exp2(first.fused(base, above).max(least));
                    let second = exp2(second.fused(base, above).max(least));
                    sums = sums.add(first.add(second));
                    S::store(strip, at, first, second);
                }
            }
            *factor = 1.0 / sums.total();
        }
    }
}

/// 32 strips as columns.
#[inline(always)]
pub(super) fn transpose(rows: &[Strip; WIDTH], out: &mut [Strip; WIDTH]) {
    for (at, column) in out.iter_mut().enumerate() {
        for (value, row) in column.0.iter_mut().zip(rows) {
            *value = row.0[at];
        }
    }
}

/// `R` rows from `row` on, times `V::LANES * N` outputs of a panel in f32, those from `from` on.
///
/// # Safety
/// The machine has the instructions; every row of every 32 strips of `panel` is in `input`; `out` is `R` long at least;
/// the outputs are in a strip.
#[inline(always)]
pub(super) unsafe fn tile_f32<V: Vector, const R: usize, const N: usize>(
    input: Plain<'_>,
    row: usize,
    panel: &[Strip],
    from: usize,
    out: &mut [Strip],
) {
    // SAFETY: as the caller promised.
    unsafe {
        let mut sums = [[V::splat(0.0); N]; R];
        // A length that the compiler does not know: unrolled, it loads too much ahead and spills.
        let width = std::hint::black_box(WIDTH);
        for (block, weights) in panel.chunks_exact(WIDTH).enumerate() {
            let values = input.strips.as_ptr().add(block * input.stride + row).cast::<f32>();
            let weights = weights.as_ptr();
            for number in 0..width {
                let weights = (*weights.add(number)).0.as_ptr().add(from);
                let weights: [V; N] = std::array::from_fn(|n| V::load(weights.add(n * V::LANES)));
                for row in 0..R {
                    let value = V::splat(*values.add(row * WIDTH + number));
                    for n in 0..N {
                        sums[row][n] = value.fused(weights[n], sums[row][n]);
                    }
                }
            }
        }
        let out = &mut out[..R];
        for row in 0..R {
            for n in 0..N {
                sums[row][n].store(out[row].0.as_mut_ptr().add(from + n * V::LANES));
            }
        }
    }
}
