//! From cosine to score: a logistic curve fitted to measured pairs (Platt 1999), both kinds weighing the same.

use crate::index::Calibration;

/// Fits the curve by Newton's method; `None` without pairs of both kinds.
pub(super) fn fit(related: &[f32], unrelated: &[f32]) -> Option<Calibration> {
    if related.is_empty() || unrelated.is_empty() {
        return None;
    }
    let weighted = |cosines: &[f32], label: f64| -> Vec<(f64, f64, f64)> {
        let weight = 1.0 / cosines.len() as f64;
        cosines.iter().map(|cosine| (f64::from(*cosine), label, weight)).collect()
    };
    let pairs = [weighted(related, 1.0), weighted(unrelated, 0.0)].concat();
    let (mut slope, mut intercept) = (1.0, 0.0);
    for _ in 0..100 {
        // Ridge on the slope keeps separable pairs from an infinitely steep curve.
        let mut gradient = (1e-4 * slope, 0.0);
        let mut curvature = (1e-4, 0.0, 1e-9);
        for (cosine, label, weight) in &pairs {
            let p = 1.0 / (1.0 + (-(slope * cosine + intercept)).exp());
            let spread = weight * p * (1.0 - p);
            gradient = (gradient.0 + weight * (p - label) * cosine, gradient.1 + weight * (p - label));
            curvature =
                (curvature.0 + spread * cosine * cosine, curvature.1 + spread * cosine, curvature.2 + spread);
        }
        let determinant = curvature.0 * curvature.2 - curvature.1 * curvature.1;
        let step = (
            (curvature.2 * gradient.0 - curvature.1 * gradient.1) / determinant,
            (curvature.0 * gradient.1 - curvature.1 * gradient.0) / determinant,
        );
        slope -= step.0;
        intercept -= step.1;
        if step.0.abs() + step.1.abs() < 1e-9 {
            break;
        }
    }
    let fits = slope.is_finite() && slope > 0.0;
    fits.then(|| Calibration { midpoint: (-intercept / slope) as f32, slope: slope as f32 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_midpoint_lies_between_and_the_curve_rises() {
        let related = [0.4, 0.5, 0.6, 0.3, 0.15];
        let unrelated = [0.0, 0.1, -0.1, 0.05, 0.2];
        let curve = fit(&related, &unrelated).unwrap();
        assert!(curve.midpoint > 0.1 && curve.midpoint < 0.35, "{curve:?}");
        assert!(curve.score(0.6) > 0.9 && curve.score(0.0) < 0.2, "{curve:?}");
        assert_eq!(fit(&[], &unrelated), None);
    }
}
