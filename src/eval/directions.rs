//! The directions in which style and language move a vector, and topic does not.
//!
//! A title and the abstract below it are about the same; so are a sentence and its translation, a note and its paper. What tells
//! the mean of one kind of text from the mean of the other is therefore style, role or language. Many such differences together lie in few
//! directions, which an SVD finds and centring removes (Xie et al. 2022, "Discovering Low-rank Subspaces for Language-agnostic
//! Multilingual Representations", who take them from languages alone).

/// Directions removed, of 384: more take topic with them, as the differences do that are measured on few texts.
const DIRECTIONS: usize = 12;

/// No more than one for so many differences: a few differences span nothing general.
const DIFFERENCES_A_DIRECTION: usize = 3;

/// The strongest common directions of `differences`, each of which counts the same however long it is; orthonormal.
pub(super) fn common(differences: &[Vec<f64>]) -> Vec<Vec<f32>> {
    let rows: Vec<Vec<f64>> = differences.iter().filter_map(|row| normalised(row)).collect();
    // The right singular vectors of the rows are the rows combined by the eigenvectors of their Gram matrix, which is small.
    let gram = rows.iter().map(|one| rows.iter().map(|other| dot(one, other)).collect()).collect();
    let mut combined: Vec<(f64, Vec<f64>)> = eigenvectors(gram);
    combined.sort_by(|left, right| right.0.total_cmp(&left.0));
    let mut found: Vec<Vec<f64>> = Vec::new();
    for (strength, weights) in combined.into_iter().take(DIRECTIONS.min(rows.len() / DIFFERENCES_A_DIRECTION))
    {
        if strength < 1e-6 {
            break;
        }
        let mut direction = vec![0.0; rows[0].len()];
        for (row, weight) in rows.iter().zip(&weights) {
            direction.iter_mut().zip(row).for_each(|(sum, value)| *sum += weight * value);
        }
        // Rounding leaves them not quite at right angles; once more makes them so.
        for known in &found {
            let along = dot(known, &direction);
            direction.iter_mut().zip(known).for_each(|(value, known)| *value -= along * known);
        }
        found.extend(normalised(&direction));
    }
    found.into_iter().map(|direction| direction.into_iter().map(|value| value as f32).collect()).collect()
}

fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

fn normalised(row: &[f64]) -> Option<Vec<f64>> {
    let length = dot(row, row).sqrt();
    (length > 1e-9).then(|| row.iter().map(|value| value / length).collect())
}

/// Eigenvalues and eigenvectors of a symmetric matrix, by Jacobi's rotations (Golub and Van Loan 2013, section 8.5).
fn eigenvectors(mut matrix: Vec<Vec<f64>>) -> Vec<(f64, Vec<f64>)> {
    let size = matrix.len();
    let mut vectors: Vec<Vec<f64>> =
        (0..size).map(|row| (0..size).map(|column| f64::from(u8::from(row == column))).collect()).collect();
    for _ in 0..60 {
        let mut off = 0.0;
        for p in 0..size {
            for q in p + 1..size {
                let value = matrix[p][q];
                off += value * value;
                if value.abs() < 1e-15 {
                    continue;
                }
                let theta = (matrix[q][q] - matrix[p][p]) / (2.0 * value);
                let tangent = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
                let sine = tangent * cosine;
                let rotate = |left: &mut f64, right: &mut f64| {
                    (*left, *right) = (cosine * *left - sine * *right, sine * *left + cosine * *right);
                };
                for row in &mut matrix {
                    let (left, right) = row.split_at_mut(q);
                    rotate(&mut left[p], &mut right[0]);
                }
                for rows in [&mut matrix, &mut vectors] {
                    let (upper, lower) = rows.split_at_mut(q);
                    upper[p].iter_mut().zip(&mut lower[0]).for_each(|(left, right)| rotate(left, right));
                }
            }
        }
        if off < 1e-24 {
            break;
        }
    }
    vectors.into_iter().enumerate().map(|(at, vector)| (matrix[at][at], vector)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_differences_share_is_found_strongest_first_and_orthonormal() {
        // Twelve differences along x, nine of them leaning to y, all with something of their own.
        let differences: Vec<Vec<f64>> = (0..12)
            .map(|at| {
                let mut row = vec![0.0; 20];
                row[0] = 3.0 + at as f64;
                row[1] = if at < 9 { 2.0 } else { -4.0 };
                row[4 + at as usize] = 0.4;
                row
            })
            .collect();
        let found = common(&differences);
        assert_eq!(found.len(), 4, "one for three differences");
        assert!(found[0][0].abs() > 0.9, "{:?}", found[0]);
        assert!(found[1][1].abs() > 0.8, "{:?}", found[1]);
        for (at, one) in found.iter().enumerate() {
            for (to, other) in found.iter().enumerate() {
                let product: f32 = one.iter().zip(other).map(|(one, other)| one * other).sum();
                let want = if at == to { 1.0 } else { 0.0 };
                assert!((product - want).abs() < 1e-5, "{at} {to}: {product}");
            }
        }
        assert_eq!(found, common(&differences), "always the same");
        assert!(common(&[]).is_empty() && common(&vec![vec![0.0; 4]; 9]).is_empty());
    }

    #[test]
    fn eigenvectors_by_hand() {
        let mut found = eigenvectors(vec![vec![2.0, 1.0], vec![1.0, 2.0]]);
        found.sort_by(|left, right| left.0.total_cmp(&right.0));
        assert!((found[0].0 - 1.0).abs() < 1e-12 && (found[1].0 - 3.0).abs() < 1e-12, "{found:?}");
        assert!((found[1].1[0] - found[1].1[1]).abs() < 1e-12, "{found:?}");
    }
}
