//! Walks: from a row along the links to ever nearer ones, until all that is in sight has been gone to.

use super::Graph;
use crate::index::similarity;

/// What a walk needs, to be used again by the next.
#[derive(Default)]
pub(in crate::index) struct Walker {
    /// A bit a row.
    seen: Vec<u64>,
    /// Words of `seen` that are not zero.
    marked: Vec<u32>,
    /// The nearest so far, best first.
    sight: Vec<InSight>,
    fresh: Vec<u32>,
}

/// A row that a walk has found.
#[derive(Clone, Copy)]
pub(in crate::index) struct InSight {
    pub(in crate::index) similarity: f32,
    pub(in crate::index) row: u32,
    gone_to: bool,
}

impl Walker {
    fn begin(&mut self, rows: usize) {
        for word in self.marked.drain(..) {
            if let Some(word) = self.seen.get_mut(word as usize) {
                *word = 0;
            }
        }
        self.seen.resize(rows.div_ceil(64), 0);
        self.sight.clear();
    }

    /// Whether it was not seen before.
    fn see(&mut self, row: u32) -> bool {
        let Some(word) = self.seen.get_mut(row as usize / 64) else { return false };
        let bit = 1 << (row % 64);
        if *word & bit != 0 {
            return false;
        }
        if *word == 0 {
            self.marked.push(row / 64);
        }
        *word |= bit;
        true
    }

    /// Where it is now in sight; `None` if `width` nearer ones are.
    fn sight(&mut self, width: usize, similarity: f32, row: u32) -> Option<usize> {
        if self.sight.len() >= width {
            if self.sight.last().is_some_and(|worst| similarity <= worst.similarity) {
                return None;
            }
            self.sight.pop();
        }
        let place = self.sight.partition_point(|nearer| nearer.similarity >= similarity);
        self.sight.insert(place, InSight { similarity, row, gone_to: false });
        Some(place)
    }
}

impl Graph {
    /// A row of the lowest layer to begin at: the nearest that the layers above lead to. `None` if there is none at all.
    pub(in crate::index) fn entry(&self, similarity: impl Fn(usize) -> f32) -> Option<u32> {
        let upper = self.layers.len().saturating_sub(1);
        let mut at = self.root()?;
        let mut here = similarity(at as usize);
        for layer in (1..=upper).rev().filter_map(|layer| self.layer(layer)) {
            loop {
                let near = layer.links_of(at).iter().map(|row| (*row, similarity(*row as usize)));
                match near.max_by(|one, two| one.1.total_cmp(&two.1)) {
                    Some((row, nearer)) if nearer > here => (at, here) = (row, nearer),
                    _ => break,
                }
            }
        }
        Some(at)
    }

    /// The row that all others can be reached from; `None` if there is none at all.
    pub(in crate::index) fn root(&self) -> Option<u32> {
        let highest = self.layer(self.layers.len().checked_sub(1)?)?;
        highest.rows.map_or((self.count > 0).then_some(0), |rows| rows.first().copied())
    }

    /// Rows near to where `similarity` is greatest, best first, by a walk from `entries` that keeps the `width` best in sight.
    /// `prefetch` is told of rows before they are compared.
    pub(in crate::index) fn walk<'w>(
        &self,
        walker: &'w mut Walker,
        width: usize,
        entries: &[u32],
        similarity: impl Fn(usize) -> f32,
        prefetch: impl Fn(usize),
    ) -> &'w [InSight] {
        let lowest = self.layer(0);
        walker.begin(self.count);
        for entry in entries {
            if walker.see(*entry) {
                walker.sight(width, similarity(*entry as usize), *entry);
            }
        }
        let mut next = 0;
        let mut fresh = std::mem::take(&mut walker.fresh);
        while let (Some(here), Some(lowest)) = (walker.sight.get_mut(next), lowest) {
            if std::mem::replace(&mut here.gone_to, true) {
                next += 1;
                continue;
            }
            let row = here.row;
            if let Some(likely_next) = walker.sight.get(next + 1) {
                similarity::prefetch(lowest.links_of(likely_next.row));
            }
            fresh.clear();
            for other in lowest.links_of(row) {
                if walker.see(*other) {
                    prefetch(*other as usize);
                    fresh.push(*other);
                }
            }
            for other in &fresh {
                if let Some(place) = walker.sight(width, similarity(*other as usize), *other) {
                    next = next.min(place);
                }
            }
        }
        walker.fresh = fresh;
        &walker.sight
    }
}
