//! The links of an HNSW graph (Malkov and Yashunin, arXiv:1603.09320), built by `hnsw_rs`, kept and walked by us.
//!
//! hnsw_rs builds well but cannot be trusted with bytes: its loader ends the process on a short file and reads out of
//! bounds on a wrong length, and its searches take a lock and a reference count at every step. So its
//! links are copied into plain arrays of row numbers, which every reader of a file can check.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use hnsw_rs::prelude::{Distance, Hnsw};
use rayon::prelude::*;

use super::FlatVectors;

/// Links per row and layer; twice as many in the lowest.
const LINKS: usize = 16;
/// Candidates looked at for each row that is inserted.
const EF_CONSTRUCTION: usize = 100;
/// hnsw_rs's own ceiling.
const LAYERS: usize = 16;
const MAGIC: u32 = u32::from_le_bytes(*b"PKG1");

/// One layer: which rows stand in it, and to which rows each leads.
#[derive(Clone, Debug, Default, PartialEq)]
struct Layer {
    /// Ascending.
    rows: Vec<u32>,
    /// Where the links of each row begin in `links`, and where the last row's end.
    starts: Vec<u32>,
    links: Vec<u32>,
}

/// The links of all rows, lowest layer first.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Graph {
    layers: Vec<Layer>,
}

/// Distance between two rows. Rows are handed to hnsw_rs by their number alone, so it holds no second copy of the
/// vectors; and never below zero, which hnsw_rs's own dot product is for nearly half of all self-matches, and dies of.
#[derive(Clone)]
struct BetweenRows(Arc<FlatVectors>);

impl Distance<u32> for BetweenRows {
    fn eval(&self, left: &[u32], right: &[u32]) -> f32 {
        match (left.first(), right.first()) {
            (Some(left), Some(right)) => {
                (1.0 - self.0.similarity(*left as usize, self.0.row(*right as usize))).max(0.0)
            }
            _ => 2.0,
        }
    }
}

impl Graph {
    /// Links `vectors`.
    pub(super) fn build(vectors: &Arc<FlatVectors>) -> Self {
        let count = vectors.len();
        if count == 0 {
            // hnsw_rs panics where it is asked for the points of an empty graph.
            return Self { layers: vec![Layer::of(std::iter::empty())] };
        }
        let builder = Hnsw::<u32, BetweenRows>::new(
            LINKS,
            count,
            LAYERS,
            EF_CONSTRUCTION,
            BetweenRows(Arc::clone(vectors)),
        );
        let rows: Vec<[u32; 1]> = (0u32..).take(count).map(|row| [row]).collect();
        // The first thousand in order: inserted in parallel into nothing they would not find each other.
        let (first, rest) = rows.split_at(count.min(1000));
        first.iter().for_each(|row| builder.insert((row, row[0] as usize)));
        rest.par_iter().for_each(|row| builder.insert((row, row[0] as usize)));

        let mut links: Vec<Vec<Vec<u32>>> = vec![vec![Vec::new(); count]];
        for point in builder.get_point_indexation() {
            let row = point.get_origin_id();
            for (layer, neighbours) in point.get_neighborhood_id().iter().enumerate() {
                if layer == 0 || !neighbours.is_empty() {
                    while links.len() <= layer {
                        links.push(vec![Vec::new(); count]);
                    }
                    let rows = neighbours.iter().filter_map(|neighbour| u32::try_from(neighbour.d_id).ok());
                    links[layer][row] = rows.collect();
                }
            }
        }
        drop(builder);
        let upper = links.split_off(1);
        let mut lowest = links.pop().unwrap_or_default();
        let upper: Vec<Layer> = upper.into_iter().map(Layer::of_linked).collect();
        let entry = upper.last().and_then(|layer| layer.rows.first()).copied().unwrap_or(0);
        reconnect(&mut lowest, entry);
        let lowest = Layer::of(lowest.into_iter().enumerate());
        Self { layers: std::iter::once(lowest).chain(upper).collect() }
    }

    /// Rows near to where `similarity` is greatest, best first, by a walk that keeps the `width` best in sight.
    pub(super) fn walk(&self, width: usize, similarity: impl Fn(usize) -> f32) -> Vec<(u32, f32)> {
        let Some((lowest, upper)) = self.layers.split_first() else { return Vec::new() };
        let entry = upper.last().unwrap_or(lowest).rows.first();
        let (Some(mut at), true) = (entry.copied(), width > 0) else { return Vec::new() };
        let mut here = similarity(at as usize);
        for layer in upper.iter().rev() {
            loop {
                let near = layer.links_of(at).iter().map(|row| (*row, similarity(*row as usize)));
                match near.max_by(|one, two| one.1.total_cmp(&two.1)) {
                    Some((row, nearer)) if nearer > here => (at, here) = (row, nearer),
                    _ => break,
                }
            }
        }

        let mut seen = vec![0u64; lowest.rows.len().div_ceil(64)];
        let mut see = |row: u32| {
            let Some(word) = seen.get_mut(row as usize / 64) else { return false };
            let bit = 1 << (row % 64);
            let fresh = *word & bit == 0;
            *word |= bit;
            fresh
        };
        see(at);
        let mut open = BinaryHeap::from([(Ranked(here), at)]);
        let mut best = BinaryHeap::from([Reverse((Ranked(here), at))]);
        while let Some((Ranked(nearness), row)) = open.pop() {
            let worst = best.peek().map_or(f32::MIN, |Reverse((Ranked(worst), _))| *worst);
            if best.len() >= width && nearness < worst {
                break;
            }
            for next in lowest.links_of(row) {
                if !see(*next) {
                    continue;
                }
                let nearness = similarity(*next as usize);
                let worst = best.peek().map_or(f32::MIN, |Reverse((Ranked(worst), _))| *worst);
                if best.len() < width || nearness > worst {
                    open.push((Ranked(nearness), *next));
                    best.push(Reverse((Ranked(nearness), *next)));
                    if best.len() > width {
                        best.pop();
                    }
                }
            }
        }
        best.into_sorted_vec().into_iter().map(|Reverse((Ranked(nearness), row))| (row, nearness)).collect()
    }

    /// The graph as bytes: little-endian u32 throughout, told in `index/README.md`.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut words = vec![MAGIC, self.layers.len() as u32];
        for layer in &self.layers {
            words.extend([layer.rows.len() as u32, layer.links.len() as u32]);
            words.extend(&layer.rows);
            words.extend(&layer.starts);
            words.extend(&layer.links);
        }
        words.into_iter().flat_map(u32::to_le_bytes).collect()
    }

    /// Reads a graph over `count` rows; `None` where the words are not one.
    pub(super) fn from_words(words: &[u32], count: usize) -> Option<Self> {
        let (header, mut rest) = words.split_at_checked(2)?;
        if header[0] != MAGIC || header[1] == 0 || header[1] as usize > LAYERS {
            return None;
        }
        let mut take = |length: usize| -> Option<Vec<u32>> {
            let (head, tail) = rest.split_at_checked(length)?;
            rest = tail;
            Some(head.to_vec())
        };
        let mut layers = Vec::new();
        for _ in 0..header[1] {
            let sizes = take(2)?;
            let (rows, links) = (sizes[0] as usize, sizes[1] as usize);
            let layer = Layer { rows: take(rows)?, starts: take(rows.checked_add(1)?)?, links: take(links)? };
            layers.push(layer.checked(count)?);
        }
        let whole = rest.is_empty() && layers.first().is_some_and(|lowest| lowest.rows.len() == count);
        whole.then_some(Self { layers })
    }
}

impl Layer {
    fn of(rows: impl Iterator<Item = (usize, Vec<u32>)>) -> Self {
        let mut layer = Self { starts: vec![0], ..Self::default() };
        for (row, links) in rows {
            layer.rows.push(row as u32);
            layer.links.extend(links);
            layer.starts.push(layer.links.len() as u32);
        }
        layer
    }

    fn of_linked(rows: Vec<Vec<u32>>) -> Self {
        Self::of(rows.into_iter().enumerate().filter(|(_, links)| !links.is_empty()))
    }

    fn links_of(&self, row: u32) -> &[u32] {
        let at = match self.rows.get(row as usize) {
            // The lowest layer holds every row in its place.
            Some(found) if *found == row => row as usize,
            _ => match self.rows.binary_search(&row) {
                Ok(at) => at,
                Err(_) => return &[],
            },
        };
        match (self.starts.get(at), self.starts.get(at + 1)) {
            (Some(start), Some(end)) => self.links.get(*start as usize..*end as usize).unwrap_or_default(),
            _ => &[],
        }
    }

    fn checked(self, count: usize) -> Option<Self> {
        let fits = self.rows.is_sorted_by(|one, two| one < two)
            && self.rows.iter().chain(&self.links).all(|row| (*row as usize) < count)
            && self.starts.is_sorted()
            && self.starts.first() == Some(&0)
            && self.starts.last().is_some_and(|end| *end as usize == self.links.len());
        fits.then_some(self)
    }
}

/// Makes every row reachable from `entry`: pruning leaves some, among many equal vectors most, without a link that
/// leads to them. Each is linked from a reachable row among those it leads to itself, else from the entry.
fn reconnect(links: &mut [Vec<u32>], entry: u32) {
    let mut reached = vec![false; links.len()];
    let mut stack = vec![entry];
    let mut from = 0;
    loop {
        while let Some(row) = stack.pop() {
            if let Some(known @ false) = reached.get_mut(row as usize) {
                *known = true;
                stack.extend(&links[row as usize]);
            }
        }
        let Some(lost) = (from..links.len()).find(|row| !reached[*row]) else { return };
        from = lost;
        let near = links[lost].iter().copied().find(|row| reached[*row as usize]);
        let link = lost as u32;
        if let Some(gate) = links.get_mut(near.unwrap_or(entry) as usize) {
            gate.push(link);
        }
        stack.push(link);
    }
}

/// f32 with the order that it lacks.
#[derive(Clone, Copy, PartialEq)]
struct Ranked(f32);

impl Eq for Ranked {}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
