//! Where papers stand before they are laid out: on the two directions in which they differ most (principal components).
//!
//! A start that knows the whole keeps what is far apart apart (Kobak and Linderman 2021, "Initialization is critical for preserving global
//! data structure"); from a random one the layout would be another each time.

use rayon::prelude::*;

use super::random::Random;
use crate::index::Codes;

/// Rows from which the components are found.
const SAMPLED: usize = 16_384;
/// Rounds of orthogonal iteration.
const ROUNDS: usize = 24;

/// Each row by the two principal components, about the mean.
pub(super) fn principal_components(codes: &Codes) -> Vec<[f32; 2]> {
    let (count, dimension) = (codes.len(), codes.dimension());
    let sampled = count.min(SAMPLED);
    let sample: Vec<usize> = (0..sampled).map(|at| at * count / sampled.max(1)).collect();
    let mut mean = vec![0.0f32; dimension];
    for row in &sample {
        let share = codes.scale(*row) / sampled as f32;
        mean.iter_mut().zip(codes.row(*row)).for_each(|(mean, byte)| *mean += f32::from(*byte) * share);
    }
    let mut random = Random::new(1);
    let mut axes = [(); 2].map(|()| (0..dimension).map(|_| random.centred()).collect::<Vec<f32>>());
    straighten(&mut axes);
    for _ in 0..ROUNDS {
        let mut next = [(); 2].map(|()| vec![0.0f32; dimension]);
        // In one order: sums of f32 hang on it.
        for row in &sample {
            let along = project(codes, *row, &mean, &axes);
            let scale = codes.scale(*row);
            for (next, along) in next.iter_mut().zip(along) {
                for ((next, byte), mean) in next.iter_mut().zip(codes.row(*row)).zip(&mean) {
                    *next += along * (f32::from(*byte) * scale - mean);
                }
            }
        }
        axes = next;
        straighten(&mut axes);
    }
    (0..count).into_par_iter().map(|row| project(codes, row, &mean, &axes)).collect()
}

fn project(codes: &Codes, row: usize, mean: &[f32], axes: &[Vec<f32>; 2]) -> [f32; 2] {
    let scale = codes.scale(row);
    axes.each_ref().map(|axis| {
        let numbers = codes.row(row).iter().zip(mean).zip(axis);
        numbers.map(|((byte, mean), axis)| (f32::from(*byte) * scale - mean) * axis).sum()
    })
}

/// To length one and a right angle. What vanishes (papers that differ in one direction only, or in none) stays nothing.
fn straighten([first, second]: &mut [Vec<f32>; 2]) {
    fn shorten(axis: &mut [f32]) {
        let length = axis.iter().map(|value| value * value).sum::<f32>().sqrt();
        let by = if length > f32::MIN_POSITIVE { 1.0 / length } else { 0.0 };
        axis.iter_mut().for_each(|value| *value *= by);
    }
    shorten(first);
    let along: f32 = first.iter().zip(&*second).map(|(one, other)| one * other).sum();
    second.iter_mut().zip(first).for_each(|(value, axis)| *value -= along * *axis);
    shorten(second);
}
