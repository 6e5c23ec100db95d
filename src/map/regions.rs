//! Names of regions: where papers crowd, the words that their titles have and others' have not.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use utoipa::ToSchema;

use super::Point;
use super::words::Terms;

/// Cells of the plane along one side, by which it is told where papers crowd.
const CELLS: usize = 96;
/// The nearest that two regions are, in cells.
const APART: usize = 6;
/// Regions that are named at most.
const MOST: usize = 40;
/// Papers without which there is nothing to name.
const FEWEST: usize = 8;
/// A name is of one in so many papers of its region at least.
const SHARE: usize = 14;
/// A pair of words says more than a word, if it is of so much of its worth.
const PAIR: f64 = 0.4;

/// A part of the map with a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Region {
    /// Its middle, from the left.
    pub x: u16,
    /// Its middle, from the top.
    pub y: u16,
    /// What its papers have in common.
    pub name: String,
    /// Its papers.
    pub papers: usize,
}

/// Papers by cell.
struct Plane {
    cells: Vec<Vec<u32>>,
}

impl Plane {
    fn of(points: &[Point]) -> Self {
        let mut cells = vec![Vec::new(); CELLS * CELLS];
        for (number, [x, y]) in (0..).zip(points) {
            let cell = |value: u16| usize::from(value) * CELLS / (usize::from(u16::MAX) + 1);
            if let Some(papers) = cells.get_mut(cell(*y) * CELLS + cell(*x)) {
                papers.push(number);
            }
        }
        Self { cells }
    }

    /// The cells at most `reach` from `cell`.
    fn around(cell: usize, reach: usize) -> impl Iterator<Item = usize> {
        let (row, column) = (cell / CELLS, cell % CELLS);
        let rows = row.saturating_sub(reach)..=(row + reach).min(CELLS - 1);
        let columns = column.saturating_sub(reach)..=(column + reach).min(CELLS - 1);
        rows.flat_map(move |row| columns.clone().map(move |column| row * CELLS + column))
    }

    fn papers(&self, cell: usize) -> &[u32] {
        self.cells.get(cell).map_or(&[], Vec::as_slice)
    }

    /// Where papers crowd, the most crowded first, none near to one before it.
    fn peaks(&self) -> Vec<usize> {
        let crowd = |cell: usize| {
            let near = Self::around(cell, 1).map(|cell| self.papers(cell).len());
            let far = Self::around(cell, 2).map(|cell| self.papers(cell).len());
            near.sum::<usize>() * 2 + far.sum::<usize>()
        };
        let mut crowds: Vec<(usize, usize)> = (0..CELLS * CELLS).map(|cell| (crowd(cell), cell)).collect();
        crowds.sort_unstable_by(|one, two| two.0.cmp(&one.0).then(one.1.cmp(&two.1)));
        let mut peaks: Vec<usize> = Vec::new();
        for (crowd, cell) in crowds {
            if crowd == 0 || peaks.len() == MOST {
                break;
            }
            let apart = |peak: &usize| {
                (peak / CELLS).abs_diff(cell / CELLS).max((peak % CELLS).abs_diff(cell % CELLS))
            };
            if peaks.iter().all(|peak| apart(peak) >= APART) {
                peaks.push(cell);
            }
        }
        peaks
    }
}

/// The regions of a map, the most crowded first; `terms_of` are the terms of each paper's title.
pub(super) fn regions(points: &[Point], terms_of: &[Vec<u32>], terms: &Terms) -> Vec<Region> {
    let plane = Plane::of(points);
    let mut taken: HashSet<String> = HashSet::new();
    let mut regions = Vec::new();
    for peak in plane.peaks() {
        let papers: Vec<u32> =
            Plane::around(peak, APART / 2).flat_map(|cell| plane.papers(cell).iter().copied()).collect();
        if papers.len() < FEWEST {
            continue;
        }
        let Some(name) = name(&papers, terms_of, terms, &taken) else { continue };
        let middle = |axis: usize| {
            let mut values: Vec<u16> =
                papers.iter().filter_map(|paper| Some(points.get(*paper as usize)?[axis])).collect();
            values.sort_unstable();
            values.get(values.len() / 2).copied().unwrap_or_default()
        };
        taken.extend(name.split([' ', '-']).map(str::to_lowercase));
        regions.push(Region { x: middle(0), y: middle(1), name, papers: papers.len() });
    }
    regions
}

/// The term that tells most of these papers from all: in how many of them it is, times the logarithm of how much oftener than elsewhere
/// (their share of the mutual information).
fn name(papers: &[u32], terms_of: &[Vec<u32>], terms: &Terms, taken: &HashSet<String>) -> Option<String> {
    let mut counts: HashMap<u32, u32> = HashMap::new();
    for paper in papers {
        for term in terms_of.get(*paper as usize).into_iter().flatten() {
            *counts.entry(*term).or_default() += 1;
        }
    }
    let fewest = (papers.len() / SHARE).max(3) as u32;
    let share = papers.len() as f64 / terms_of.len().max(1) as f64;
    let worth = |term: u32, count: u32| {
        let expected = f64::from(terms.papers(term)) * share;
        f64::from(count) * (f64::from(count) / expected).ln()
    };
    let mut named: Vec<(f64, u32)> = counts
        .iter()
        .filter(|(term, count)| {
            let is_new = |word: &str| taken.iter().all(|other| !is_form_of(word, other));
            **count >= fewest && terms.folded(**term).split([' ', '-']).all(is_new)
        })
        .map(|(term, count)| (worth(*term, *count), *term))
        .filter(|(worth, _)| *worth > 0.0)
        .collect();
    // A region that is all there is has nothing to be told from; then what is commonest names it.
    named.sort_by(|one, two| two.0.total_cmp(&one.0).then(one.1.cmp(&two.1)));
    let (best, word) = *named.first()?;
    let pair = named.iter().find(|(worth, term)| {
        let text = terms.folded(*term);
        let mut parts = text.split([' ', '-']);
        *worth >= best * PAIR && text.contains([' ', '-']) && parts.any(|part| part == terms.folded(word))
    });
    Some(terms.text(pair.map_or(word, |(_, pair)| *pair)))
}

/// `network` and `networks` tell two regions from each other as little as one word does.
fn is_form_of(word: &str, other: &str) -> bool {
    let (short, long) = if word.len() <= other.len() { (word, other) } else { (other, word) };
    long.strip_prefix(short).is_some_and(|end| end.is_empty() || end == "s" || end == "es")
}
