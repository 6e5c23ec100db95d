//! How far a mean over questions may be trusted: the percentile bootstrap (Efron and Tibshirani 1993, chapter 13).
//!
//! A set is a sample of the questions that could have been asked. It is drawn anew, with replacement, a thousand times; the
//! middle 95 % of the results is the interval. The draws are the same in every run and for every ranking, so two
//! runs print the same numbers, and the difference of two rankings is judged question by question.

/// Samples drawn.
const RESAMPLES: usize = 1_000;

/// The lower and the upper end of the middle 95 % of the resampled means.
#[must_use]
pub fn interval(values: &[f64]) -> [f64; 2] {
    interval_of(values.len(), |drawn| {
        drawn.iter().map(|at| values[*at]).sum::<f64>() / drawn.len().max(1) as f64
    })
}

/// The same of any statistic: `statistic` is given the positions drawn, each below `count`.
pub fn interval_of(count: usize, mut statistic: impl FnMut(&[usize]) -> f64) -> [f64; 2] {
    let mut random = SplitMix(0x7061_7065_726b_696e);
    let mut drawn = vec![0; count];
    let mut results: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            drawn.fill_with(|| random.below(count as u64) as usize);
            statistic(&drawn)
        })
        .collect();
    results.sort_unstable_by(f64::total_cmp);
    [results[RESAMPLES / 40], results[RESAMPLES - 1 - RESAMPLES / 40]]
}

/// SplitMix64 (Steele, Lea and Flood 2014): all that is needed here is that draws are even and always the same.
struct SplitMix(u64);

impl SplitMix {
    /// A number below `limit`; the bias of the multiplication is below 1e-15 for any set that fits in memory.
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        ((u128::from(mixed) * u128::from(limit)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_coins_have_the_interval_that_theory_gives() {
        let coins: Vec<f64> = (0..100).map(|at| f64::from(at % 2)).collect();
        // Normal approximation: 0.5 -/+ 1.96 x 0.5 / 10.
        let [low, high] = interval(&coins);
        assert!((low - 0.402).abs() < 0.015 && (high - 0.598).abs() < 0.015, "{low} {high}");
        assert_eq!(interval(&coins), [low, high], "always the same");
        let more: Vec<f64> = coins.iter().cycle().take(10_000).copied().collect();
        let [low, high] = interval(&more);
        assert!((low - 0.490).abs() < 0.002 && (high - 0.510).abs() < 0.002, "{low} {high}");
    }

    #[test]
    fn what_is_certain_has_no_width_and_pairs_tell_more_than_means() {
        assert_eq!(interval(&[0.25; 40]), [0.25, 0.25]);
        assert_eq!(interval(&[]), [0.0, 0.0]);
        let hard: Vec<f64> = (0..200).map(|at| f64::from(at % 10) / 10.0).collect();
        let better: Vec<f64> = hard.iter().map(|value| value + 0.05).collect();
        let difference: Vec<f64> = better.iter().zip(&hard).map(|(better, hard)| better - hard).collect();
        assert!(interval(&better)[0] < interval(&hard)[1], "the means' intervals overlap");
        assert!(interval(&difference)[0] > 0.049, "no question speaks against it");
    }
}
