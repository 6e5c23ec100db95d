//! How a graph comes to be: hnsw_rs links a sample of the rows, which gives the upper layers; the others join the lowest by walks over
//! what there is, each time as many as are there already; at last every row is looked for once more, and linked anew to what was found.
//!
//! An insertion by hnsw_rs takes locks and allocates, a walk over plain arrays does neither (`scripts/bench-ann.sh`). Rows are compared
//! by their bytes throughout.

use std::sync::Arc;

use hnsw_rs::prelude::{Distance, Hnsw};
use rayon::prelude::*;

use super::{Graph, LAYERS, Layer, Upper, Walker};
use crate::index::FlatVectors;
use crate::index::codes::Codes;

/// Links that each row asks for; of those that others ask for, as many again are kept.
const LINKS: usize = 16;
/// Links to near rows that a row has in any case, though they lead where others lead already.
const FEWEST_LINKS: usize = 12;
/// One row in so many is of the sample: a power of two.
const SAMPLED: usize = 16;
/// Candidates that hnsw_rs looks at for each row of the sample.
const SAMPLE_WIDTH: usize = 64;
/// Candidates for a row that joins.
const JOINING_WIDTH: usize = 96;
/// Candidates for each row at last.
const LAST_WIDTH: usize = 200;
/// Inserted one by one: in parallel into nothing they would not find each other.
const FIRST: usize = 1000;

/// Rows are handed to hnsw_rs by their number alone, so it holds no second copy of the vectors; and their distance is never below
/// zero, which hnsw_rs's own dot product is for nearly half of all self-matches, and dies of.
#[derive(Clone)]
struct BetweenRows(Arc<FlatVectors>);

impl Distance<u32> for BetweenRows {
    fn eval(&self, left: &[u32], right: &[u32]) -> f32 {
        match (left.first(), right.first()) {
            (Some(left), Some(right)) => {
                (1.0 - self.0.codes().between(*left as usize, *right as usize)).max(0.0)
            }
            _ => 2.0,
        }
    }
}

/// A row, and how near it is.
type Near = (f32, u32);

impl Graph {
    /// Links all rows, on all cores.
    pub(in crate::index) fn build(vectors: &Arc<FlatVectors>) -> Self {
        let codes = vectors.codes();
        let count = codes.len() as u32;
        let mut step = if codes.len() > SAMPLED * FIRST { SAMPLED } else { 1 };
        let sample: Vec<u32> = (0..count).step_by(step).collect();
        let mut upper = of_sample(vectors, &sample);
        let mut lowest = vec![Vec::new(); codes.len()];
        if let Some(sampled) = upper.first() {
            sampled.iter().for_each(|(row, own)| lowest[*row as usize].clone_from(own));
        }
        if step == 1 && !upper.is_empty() {
            upper.remove(0);
        }
        while step > 1 {
            let joining: Vec<u32> = (step as u32 / 2..count).step_by(step).collect();
            lowest = Self::of(&lowest, &upper).linked(codes, &joining, JOINING_WIDTH);
            step /= 2;
        }
        let all: Vec<u32> = (0..count).collect();
        let lowest = Self::of(&lowest, &upper).linked(codes, &all, LAST_WIDTH);
        Self::connected(lowest, &upper)
    }

    /// This graph without the rows that are gone, and with those that came: `before` tells which row each was here. `None` if too
    /// little would stay as it is; then it is to be built anew.
    pub(in crate::index) fn grown(&self, codes: &Codes, before: &[Option<u32>]) -> Option<Self> {
        let mut now = vec![None; self.count];
        for (row, before) in (0..).zip(before) {
            if let Some(place) = before.and_then(|before| now.get_mut(before as usize)) {
                *place = Some(row);
            }
        }
        let joining: Vec<u32> =
            (0..).zip(before).filter(|(_, before)| before.is_none()).map(|(row, _)| row).collect();
        let staying = before.len() - joining.len();
        if staying < joining.len() || staying * 2 < self.count {
            return None;
        }
        let lowest = self.layer(0)?;
        let kept =
            |before: &Option<u32>| before.map_or(Vec::new(), |before| lowest.without(before, &now, codes));
        let lowest: Vec<Vec<u32>> = before.par_iter().map(kept).collect();
        let mut upper: Vec<Upper> = Vec::new();
        for layer in (1..self.layers.len()).filter_map(|layer| self.layer(layer)) {
            let rows = layer.rows.unwrap_or_default().iter();
            let staying = rows.filter_map(|before| Some(((*now.get(*before as usize)?)?, *before)));
            let mut kept: Upper =
                staying.map(|(row, before)| (row, layer.without(before, &now, codes))).collect();
            kept.sort_unstable_by_key(|(row, _)| *row);
            upper.push(kept);
        }
        upper.truncate(upper.iter().take_while(|layer| !layer.is_empty()).count());
        if upper.first().is_none_or(|first| first.len() * SAMPLED * 2 < before.len()) {
            return None;
        }
        // Once to find a place among those that were there, once more to find each other.
        let lowest = Self::of(&lowest, &upper).linked(codes, &joining, JOINING_WIDTH);
        let lowest = Self::of(&lowest, &upper).linked(codes, &joining, LAST_WIDTH);
        Some(Self::connected(lowest, &upper))
    }

    fn connected(mut lowest: Vec<Vec<u32>>, upper: &[Upper]) -> Self {
        let root = upper.last().and_then(|layer| layer.first()).map_or(0, |(row, _)| *row);
        reconnect(&mut lowest, root);
        Self::of(&lowest, upper)
    }

    /// The links of the lowest layer, where those of `rows` are chosen anew among what walks find.
    fn linked(&self, codes: &Codes, rows: &[u32], width: usize) -> Vec<Vec<u32>> {
        let Some(lowest) = self.layer(0) else { return Vec::new() };
        let choose = |walker: &mut Walker, row: &u32| {
            let similarity = |other| codes.between(other, *row as usize);
            let known = !lowest.links_of(*row).is_empty();
            let entry = if known { Some(*row) } else { self.entry(similarity) };
            let found = self.walk(walker, width, entry.as_slice(), similarity, |other| codes.prefetch(other));
            let others = found.iter().filter(|found| found.row != *row);
            let near: Vec<Near> = others.map(|found| (found.similarity, found.row)).collect();
            chosen(&near, LINKS, codes)
        };
        let chosen: Vec<Vec<u32>> = rows.par_iter().map_init(Walker::default, choose).collect();
        let mut links: Vec<Vec<u32>> =
            (0..self.count as u32).map(|row| lowest.links_of(row).to_vec()).collect();
        for (row, chosen) in rows.iter().zip(&chosen) {
            links[*row as usize].clone_from(chosen);
        }
        for (row, chosen) in rows.iter().zip(chosen) {
            for other in chosen {
                links[other as usize].push(*row);
            }
        }
        links.par_iter_mut().enumerate().for_each(|(row, links)| fewer(links, row, codes));
        links
    }
}

impl Layer<'_> {
    /// The links of a row as they are `now`. Instead of those to rows that are gone it gets the ones that these had (Singh et al.
    /// 2021, "FreshDiskANN", algorithm 4).
    fn without(&self, row: u32, now: &[Option<u32>], codes: &Codes) -> Vec<u32> {
        let present = |row: &u32| now.get(*row as usize).copied().flatten();
        let Some(itself) = present(&row) else { return Vec::new() };
        let mut links: Vec<u32> = Vec::new();
        for link in self.links_of(row) {
            match present(link) {
                Some(other) => links.push(other),
                None => links.extend(self.links_of(*link).iter().filter_map(present)),
            }
        }
        links.retain(|other| *other != itself);
        fewer(&mut links, itself as usize, codes);
        links
    }
}

/// Without repetitions, and at most `2 * LINKS`, those that are chosen.
fn fewer(links: &mut Vec<u32>, row: usize, codes: &Codes) {
    links.sort_unstable();
    links.dedup();
    if links.len() > 2 * LINKS {
        let near = links.iter().map(|other| (codes.between(row, *other as usize), *other));
        let mut near: Vec<Near> = near.collect();
        near.sort_by(|one, two| two.0.total_cmp(&one.0));
        *links = chosen(&near, 2 * LINKS, codes);
    }
}

/// At most `most` of `near`, nearest first: those that lead somewhere that no nearer one leads to (the heuristic of Malkov and
/// Yashunin), and the nearest of the rest while there are few.
fn chosen(near: &[Near], most: usize, codes: &Codes) -> Vec<u32> {
    let mut chosen: Vec<u32> = Vec::with_capacity(most);
    for (similarity, row) in near {
        if chosen.len() == most {
            return chosen;
        }
        if chosen.iter().all(|other| codes.between(*row as usize, *other as usize) < *similarity) {
            chosen.push(*row);
        }
    }
    for (_, row) in near {
        if chosen.len() >= FEWEST_LINKS.min(most) {
            break;
        }
        if !chosen.contains(row) {
            chosen.push(*row);
        }
    }
    chosen
}

/// What hnsw_rs makes of some of the rows, lowest layer first.
fn of_sample(vectors: &Arc<FlatVectors>, sample: &[u32]) -> Vec<Upper> {
    if sample.is_empty() {
        // hnsw_rs panics where it is asked for the points of an empty graph.
        return Vec::new();
    }
    let between = BetweenRows(Arc::clone(vectors));
    let builder = Hnsw::<u32, BetweenRows>::new(LINKS, sample.len(), LAYERS - 1, SAMPLE_WIDTH, between);
    let rows: Vec<[u32; 1]> = sample.iter().map(|row| [*row]).collect();
    let (first, rest) = rows.split_at(rows.len().min(FIRST));
    first.iter().for_each(|row| builder.insert((row, row[0] as usize)));
    rest.par_iter().for_each(|row| builder.insert((row, row[0] as usize)));

    let mut layers: Vec<Upper> = Vec::new();
    for point in builder.get_point_indexation() {
        let row = point.get_origin_id() as u32;
        // hnsw_rs links points above their own layer too, where nothing leads to them.
        let own = usize::from(point.get_point_id().0) + 1;
        for (layer, neighbours) in point.get_neighborhood_id().iter().take(own).enumerate() {
            layers.resize_with(layers.len().max(layer + 1), Vec::new);
            let links = neighbours.iter().filter_map(|neighbour| u32::try_from(neighbour.d_id).ok());
            layers[layer].push((row, links.collect()));
        }
    }
    layers.iter_mut().for_each(|layer| layer.sort_unstable_by_key(|(row, _)| *row));
    layers
}

/// Makes every row reachable from `root`: pruning leaves some, among many equal vectors most, without a link that
/// leads to them. Each is linked from a reachable row among those it leads to itself, else from the root.
fn reconnect(links: &mut [Vec<u32>], root: u32) {
    let mut reached = vec![false; links.len()];
    let mut stack = vec![root];
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
        if let Some(gate) = links.get_mut(near.unwrap_or(root) as usize) {
            gate.push(link);
        }
        stack.push(link);
    }
}
