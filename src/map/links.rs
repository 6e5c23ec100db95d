//! How strongly papers hold together: the weights of UMAP (McInnes, Healy and Melville 2018, arXiv:1802.03426, section 3.1).
//!
//! Each paper's distances to its neighbours are measured by its own yardstick, so that a crowded field and a lonely one are linked alike;
//! then both directions of a link are joined as fuzzy sets are: a + b - ab.

use rayon::prelude::*;

use crate::index::NearestOfEach;

/// Halvings until a yardstick is found.
const HALVINGS: usize = 64;

/// The links of all papers, each at both of its ends.
pub(super) struct Links {
    starts: Vec<usize>,
    ends: Vec<(u32, f32)>,
}

impl Links {
    pub(super) fn of(nearest: &NearestOfEach) -> Self {
        let weighed: Vec<Vec<(u32, f32)>> =
            (0..nearest.len()).into_par_iter().map(|row| weigh(nearest.of(row))).collect();
        let mut directed: Vec<(u32, u32, f32)> =
            Vec::with_capacity(2 * weighed.iter().map(Vec::len).sum::<usize>());
        for (row, list) in (0..).zip(&weighed) {
            directed.extend(
                list.iter().flat_map(|(other, weight)| [(row, *other, *weight), (*other, row, *weight)]),
            );
        }
        drop(weighed);
        // Stable, and the two of one pair are joined the same in any order.
        directed.par_sort_by_key(|(row, other, _)| (*row, *other));
        let mut links = Self { starts: Vec::with_capacity(nearest.len() + 1), ends: Vec::new() };
        let mut rest = directed.as_slice();
        for row in 0..nearest.len() as u32 {
            links.starts.push(links.ends.len());
            while let [(of, other, weight), after @ ..] = rest
                && *of == row
            {
                let (weight, after) = match after {
                    [(of, twin, more), after @ ..] if (of, twin) == (&row, other) => {
                        (weight + more - weight * more, after)
                    }
                    _ => (*weight, after),
                };
                links.ends.push((*other, weight));
                rest = after;
            }
        }
        links.starts.push(links.ends.len());
        links
    }

    /// How many papers.
    pub(super) fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Links of a paper, as places in [`Links::ends`].
    pub(super) fn range(&self, row: usize) -> std::ops::Range<usize> {
        match self.starts.get(row..row + 2) {
            Some([start, end]) => *start..*end,
            _ => 0..0,
        }
    }

    /// Where each link leads, and its weight.
    pub(super) fn ends(&self) -> &[(u32, f32)] {
        &self.ends
    }
}

/// `exp(-(d - nearest) / yardstick)`, with the yardstick for which they sum to log2 of their number.
fn weigh(list: &[(u32, f32)]) -> Vec<(u32, f32)> {
    let distance = |similarity: f32| (1.0 - similarity).max(0.0);
    let nearest = list.first().map_or(0.0, |(_, similarity)| distance(*similarity));
    let weight =
        |similarity: f32, yardstick: f32| (-(distance(similarity) - nearest).max(0.0) / yardstick).exp();
    let target = (list.len() as f32 + 1.0).log2();
    let (mut low, mut high, mut yardstick) = (0.0f32, f32::INFINITY, 1.0f32);
    for _ in 0..HALVINGS {
        let sum: f32 = list.iter().map(|(_, similarity)| weight(*similarity, yardstick)).sum();
        if (sum - target).abs() < 1e-5 {
            break;
        }
        if sum > target {
            high = yardstick;
        } else {
            low = yardstick;
        }
        yardstick = if high.is_infinite() { yardstick * 2.0 } else { (low + high) / 2.0 };
    }
    // Of papers that are alike to the byte no yardstick tells.
    let yardstick = yardstick.clamp(1e-6, 1e6);
    list.iter().map(|(other, similarity)| (*other, weight(*similarity, yardstick))).collect()
}
