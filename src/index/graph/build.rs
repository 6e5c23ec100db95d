//! How a graph comes to be: hnsw_rs inserts with little effort, which gives the layers and a rough lowest one; then every row is
//! looked for in what there is, and linked anew to what was found.
//!
//! An insertion takes locks and allocates, a walk over plain arrays does not: refined so, 100,000 rows are linked four times
//! as fast as by hnsw_rs alone, and found as well (`scripts/bench-ann.sh`). Rows are compared by their bytes throughout.

use std::sync::Arc;

use hnsw_rs::prelude::{Distance, Hnsw};
use rayon::prelude::*;

use super::{Graph, LAYERS, Layer, Walker};
use crate::index::FlatVectors;
use crate::index::codes::Codes;

/// Links that each row asks for; of those that others ask for, as many again are kept.
const LINKS: usize = 16;
/// Links to near rows that a row has in any case, though they lead where others lead already.
const FEWEST_LINKS: usize = 12;
/// Candidates that hnsw_rs looks at for each row.
const ROUGH_WIDTH: usize = 24;
/// Candidates for each row, round by round. A third round gains nothing.
const WIDTHS: [usize; 2] = [96, 160];
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
    /// Links `vectors`, on all cores.
    pub(in crate::index) fn build(vectors: &Arc<FlatVectors>) -> Self {
        if vectors.is_empty() {
            // hnsw_rs panics where it is asked for the points of an empty graph.
            return Self { layers: vec![Layer::of(std::iter::empty())] };
        }
        let (mut lowest, upper) = rough(vectors);
        let upper: Vec<Layer> = upper.into_iter().map(Layer::of_linked).collect();
        let entry = upper.last().and_then(|layer| layer.rows.first()).copied().unwrap_or(0);
        for width in WIDTHS {
            let layer = Layer::of(lowest.into_iter().enumerate());
            let graph = Self { layers: vec![layer] };
            lowest = graph.refined(vectors.codes(), width);
        }
        reconnect(&mut lowest, entry);
        let lowest = Layer::of(lowest.into_iter().enumerate());
        Self { layers: std::iter::once(lowest).chain(upper).collect() }
    }

    /// The links of each row of the lowest layer, chosen among what a walk from the row itself finds.
    fn refined(&self, codes: &Codes, width: usize) -> Vec<Vec<u32>> {
        let count = self.layers.first().map_or(0, |lowest| lowest.rows.len());
        let chosen: Vec<Vec<u32>> = (0..count)
            .into_par_iter()
            .map_init(Walker::default, |walker, row| {
                let found = self.walk(
                    walker,
                    width,
                    row as u32,
                    |other| codes.between(other, row),
                    |other| codes.prefetch(other),
                );
                let others = found.iter().filter(|found| found.row as usize != row);
                let near: Vec<Near> = others.map(|found| (found.similarity, found.row)).collect();
                chosen(&near, LINKS, codes)
            })
            .collect();
        let mut links = chosen.clone();
        for (row, chosen) in chosen.iter().enumerate() {
            for other in chosen {
                if let Some(links) = links.get_mut(*other as usize) {
                    links.push(row as u32);
                }
            }
        }
        links.par_iter_mut().enumerate().for_each(|(row, links)| {
            links.sort_unstable();
            links.dedup();
            let mut near: Vec<Near> =
                links.iter().map(|other| (codes.between(row, *other as usize), *other)).collect();
            near.sort_by(|one, two| two.0.total_cmp(&one.0));
            *links = chosen_of_many(&near, codes);
        });
        links
    }
}

fn chosen_of_many(near: &[Near], codes: &Codes) -> Vec<u32> {
    if near.len() <= 2 * LINKS {
        return near.iter().map(|(_, row)| *row).collect();
    }
    chosen(near, 2 * LINKS, codes)
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

/// What hnsw_rs makes of the rows: links of the lowest layer, and of those above it.
fn rough(vectors: &Arc<FlatVectors>) -> (Vec<Vec<u32>>, Vec<Vec<Vec<u32>>>) {
    let count = vectors.len();
    let builder =
        Hnsw::<u32, BetweenRows>::new(LINKS, count, LAYERS, ROUGH_WIDTH, BetweenRows(Arc::clone(vectors)));
    let rows: Vec<[u32; 1]> = (0u32..).take(count).map(|row| [row]).collect();
    let (first, rest) = rows.split_at(count.min(FIRST));
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
    let upper = links.split_off(1);
    (links.pop().unwrap_or_default(), upper)
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
