//! The nearest of every row, for all rows at once: what a map is made of.
//!
//! Exact for few rows. For many, rows are sorted into cells around centres (Lloyd's iteration over a sample), each row looks into
//! the nearest cells, and then, twice, at the neighbours of its neighbours (Dong, Charikar and Li 2011, NN-descent): of 100,000 vectors
//! of a model about nine in ten of the fifteen nearest in seconds, where looking at all pairs takes minutes. The same for any number of
//! threads: each list is made of what was there before the pass, in one order.

use rayon::prelude::*;

use super::codes::{Coded, Codes};
use crate::paper::UnitVector;

/// Up to so many rows all pairs are looked at: a second.
const ALL_PAIRS: usize = 8_192;
/// Rows of the sample for each centre.
const SAMPLED: usize = 32;
/// Rounds of Lloyd's iteration; later ones move little.
const ROUNDS: usize = 6;
/// Cells that a row looks into.
const PROBES: usize = 6;
/// Passes over neighbours of neighbours.
const PASSES: usize = 2;
/// Rows between two looks at whether to go on.
const WAVE: usize = 2_048;

/// Of each row the nearest others, best first; ties by row.
#[derive(Debug, PartialEq)]
pub struct NearestOfEach(Vec<List>);

type List = Vec<(u32, f32)>;

impl NearestOfEach {
    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The rows nearest to `row` and their cosines, best first.
    #[must_use]
    pub fn of(&self, row: usize) -> &[(u32, f32)] {
        self.0.get(row).map_or(&[], Vec::as_slice)
    }
}

/// The `limit` nearest others of each row, or of fewer rows all. `see` is told the share that is done and says whether to go on;
/// `None` where it said no.
pub fn nearest_of_each(
    codes: &Codes,
    limit: usize,
    see: &mut dyn FnMut(f32) -> bool,
) -> Option<NearestOfEach> {
    let count = codes.len();
    if count <= ALL_PAIRS {
        let all = |row: usize| {
            let mut best = Best::new(limit);
            (0..count).filter(|other| *other != row).for_each(|other| best.offer(codes, row, other as u32));
            best.list
        };
        return in_waves(count, all, see, 0.0, 1.0).map(NearestOfEach);
    }
    // What each step takes, as measured.
    let passes = (0.65, 0.35 / PASSES as f32);
    let cells = Cells::of(codes, &mut |done| see(done * 0.25))?;
    let within = |row: usize| {
        let mut best = Best::new(limit);
        for other in cells.around(row).filter(|other| *other as usize != row) {
            best.offer(codes, row, other);
        }
        best.list
    };
    let mut lists = in_waves(count, within, see, 0.25, passes.0)?;
    for pass in 0..PASSES {
        let from = passes.0 + pass as f32 * passes.1;
        lists = beyond(codes, limit, &lists, &mut |done| see(from + done * passes.1))?;
    }
    Some(NearestOfEach(lists))
}

/// What `work` makes of each row; `see` is told from `from` to `to`.
fn in_waves<T: Send>(
    count: usize,
    work: impl Fn(usize) -> T + Sync,
    see: &mut dyn FnMut(f32) -> bool,
    from: f32,
    to: f32,
) -> Option<Vec<T>> {
    let mut all = Vec::with_capacity(count);
    while all.len() < count {
        if !see(from + (to - from) * all.len() as f32 / count as f32) {
            return None;
        }
        let (first, past) = (all.len(), (all.len() + WAVE).min(count));
        all.par_extend((first..past).into_par_iter().map(&work));
    }
    Some(all)
}

/// The neighbours of neighbours, in both directions, may be nearer than what was found.
fn beyond(
    codes: &Codes,
    limit: usize,
    lists: &[List],
    see: &mut dyn FnMut(f32) -> bool,
) -> Option<Vec<List>> {
    let mut back: Vec<Vec<u32>> = vec![Vec::new(); lists.len()];
    for (row, list) in lists.iter().enumerate() {
        for (other, _) in list {
            // Whoever is everybody's neighbour would look at everybody.
            if let Some(back) = back.get_mut(*other as usize).filter(|back| back.len() < limit) {
                back.push(row as u32);
            }
        }
    }
    let (lists_of, back_of) = (
        |row: u32| lists.get(row as usize).map_or(&[][..], Vec::as_slice),
        |row: usize| back.get(row).map_or(&[][..], Vec::as_slice),
    );
    let look = |row: usize| {
        let own = lists_of(row as u32);
        let mut others: Vec<u32> = Vec::with_capacity(limit * (limit + 1) * 2);
        for near in own.iter().map(|(near, _)| *near).chain(back_of(row).iter().copied()) {
            others.push(near);
            others.extend(lists_of(near).iter().map(|(far, _)| *far));
        }
        others.sort_unstable();
        others.dedup();
        let mut best = Best::new(limit);
        for other in others.into_iter().filter(|other| *other as usize != row) {
            best.offer(codes, row, other);
        }
        best.list
    };
    in_waves(lists.len(), look, see, 0.0, 1.0)
}

/// The nearest so far.
struct Best {
    limit: usize,
    list: List,
}

impl Best {
    fn new(limit: usize) -> Self {
        Self { limit, list: Vec::with_capacity(limit + 1) }
    }

    /// A row that was not offered before.
    fn offer(&mut self, codes: &Codes, row: usize, other: u32) {
        let similarity = codes.between(row, other as usize);
        let comes_before =
            |known: &(u32, f32)| known.1 > similarity || known.1 == similarity && known.0 < other;
        if self.list.len() >= self.limit && self.list.last().is_none_or(comes_before) {
            return;
        }
        let at = self.list.partition_point(comes_before);
        self.list.insert(at, (other, similarity));
        self.list.truncate(self.limit);
    }
}

/// Rows by the nearest of some centres.
struct Cells {
    members: Vec<Vec<u32>>,
    /// The nearest centres of each row.
    probes: Vec<Vec<u32>>,
}

impl Cells {
    fn of(codes: &Codes, see: &mut dyn FnMut(f32) -> bool) -> Option<Self> {
        let count = codes.len();
        let cells = (count as f64).sqrt() as usize;
        let sampled = (cells * SAMPLED).min(count);
        let sample: Vec<usize> = (0..sampled).map(|at| at * count / sampled).collect();
        let mut centres = Codes::new(codes.dimension());
        for at in 0..cells {
            let row = sample.get(at * sampled / cells).copied().unwrap_or_default();
            centres.push_coded(&codes.lifted(row));
        }
        for _ in 0..ROUNDS {
            if !see(0.0) {
                return None;
            }
            let nearest = sample.par_iter().map(|row| nearest_centres(codes, *row, &centres, 1));
            let nearest: Vec<u32> = nearest.flatten_iter().collect();
            centres = moved(codes, &centres, &sample, &nearest);
        }
        let probing = |row: usize| nearest_centres(codes, row, &centres, PROBES);
        let probes = in_waves(count, probing, see, 0.2, 1.0)?;
        let mut members = vec![Vec::new(); cells];
        for (row, probes) in probes.iter().enumerate() {
            if let Some(members) = probes.first().and_then(|cell| members.get_mut(*cell as usize)) {
                members.push(row as u32);
            }
        }
        Some(Self { members, probes })
    }

    /// The rows in the cells around `row`.
    fn around(&self, row: usize) -> impl Iterator<Item = u32> {
        let probes = self.probes.get(row).map_or(&[][..], Vec::as_slice);
        let members = probes.iter().filter_map(|cell| self.members.get(*cell as usize));
        members.flatten().copied()
    }
}

fn nearest_centres(codes: &Codes, row: usize, centres: &Codes, limit: usize) -> Vec<u32> {
    let mut best: List = Vec::with_capacity(limit + 1);
    for centre in 0..centres.len() {
        let similarity = codes.towards(row, centres, centre);
        if best.len() < limit || best.last().is_some_and(|(_, worst)| similarity > *worst) {
            let at = best.partition_point(|(_, known)| *known >= similarity);
            best.insert(at, (centre as u32, similarity));
            best.truncate(limit);
        }
    }
    best.into_iter().map(|(centre, _)| centre).collect()
}

/// Each centre to the mean of those rows of the sample that are nearest to it; one that has none stays.
fn moved(codes: &Codes, centres: &Codes, sample: &[usize], nearest: &[u32]) -> Codes {
    let dimension = codes.dimension();
    let mut sums = vec![0.0f32; centres.len() * dimension];
    for (row, centre) in sample.iter().zip(nearest) {
        let (scale, first) = (codes.scale(*row), *centre as usize * dimension);
        let sum = sums.get_mut(first..first + dimension).unwrap_or_default();
        sum.iter_mut().zip(codes.row(*row)).for_each(|(sum, byte)| *sum += f32::from(*byte) * scale);
    }
    let mut moved = Codes::new(dimension);
    for (centre, sum) in sums.chunks(dimension.max(1)).enumerate() {
        let mean = UnitVector::new(sum.to_vec()).map(|mean| Coded::of(&mean));
        moved.push_coded(&mean.unwrap_or_else(|_| centres.lifted(centre)));
    }
    moved
}
