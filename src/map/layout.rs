//! Links to places: papers pull those that they are linked to and push some others, each round less.
//!
//! Stochastic gradient descent with negative sampling (Tang, Liu, Zhang and Mei 2016, LargeVis, arXiv:1602.00370, section 3.3), a link being
//! taken as often as it is strong (UMAP, arXiv:1802.03426, section 4.2). Nearness is `1 / (1 + d²)`, as in both of them and in t-SNE. Pushing as
//! much as LargeVis or more keeps neighbours apart from those who only look like it (Böhm, Berens and Kobak 2022, "Attraction-repulsion
//! spectrum"). One thread, one order: so the same vectors give the same bytes.

use super::links::Links;
use super::random::Random;

/// Others that a paper pushes for each pull.
const PUSHED: usize = 8;
/// What each push is worth.
const PUSH: f32 = 10.0;
/// How far a start reaches.
const START: f32 = 10.0;
/// Papers that begin at one place must part.
const PARTING: f32 = 0.01;
/// The farthest that one pull or push moves, at the beginning.
const FARTHEST: f32 = 4.0;
/// Rounds for few papers, and for many.
const ROUNDS: (usize, usize) = (500, 200);
/// From so many papers on they are many.
const MANY: usize = 10_000;
/// Papers between two looks at whether to go on.
const WAVE: usize = 8_192;

/// The share of papers at each side that may have gone far out.
const FAR_OUT: f32 = 0.003;
/// How much of the width they are given.
const MARGIN: f32 = 0.04;
/// The last place of the square; the first is 0.
const EDGE: f32 = u16::MAX as f32;

/// A place on the map.
pub type Point = [u16; 2];

/// Places from `start`; `None` where `see`, told the share that is done, says to stop.
pub(super) fn lay_out(
    links: &Links,
    start: &[[f32; 2]],
    see: &mut dyn FnMut(f32) -> bool,
) -> Option<Vec<[f32; 2]>> {
    let count = links.len();
    let mut random = Random::new(2);
    let widest = start.iter().flatten().fold(f32::MIN_POSITIVE, |widest, value| widest.max(value.abs()));
    let mut places: Vec<[f32; 2]> = start
        .iter()
        .map(|place| place.map(|value| value / widest * START + random.centred() * PARTING))
        .collect();
    let strongest = links.ends().iter().fold(f32::MIN_POSITIVE, |most, (_, weight)| most.max(*weight));
    // The round in which each link is next taken.
    let every = |weight: f32| strongest / weight.max(f32::MIN_POSITIVE);
    let mut due: Vec<f32> = links.ends().iter().map(|(_, weight)| every(*weight)).collect();
    let rounds = if count < MANY { ROUNDS.0 } else { ROUNDS.1 };
    for round in 0..rounds {
        let done = round as f32 / rounds as f32;
        let rate = 1.0 - done;
        for row in 0..count {
            if row % WAVE == 0 && !see(done + row as f32 / (count * rounds) as f32) {
                return None;
            }
            let range = links.range(row);
            let (ends, due) = (&links.ends()[range.clone()], &mut due[range]);
            let mut own = places[row];
            for ((other, weight), due) in ends.iter().zip(due) {
                if *due > (round + 1) as f32 {
                    continue;
                }
                *due += every(*weight);
                let other = *other as usize;
                let pull = moved(own, places[other], |square| -2.0 / (1.0 + square), rate);
                own = [own[0] + pull[0], own[1] + pull[1]];
                places[other] = [places[other][0] - pull[0], places[other][1] - pull[1]];
                for _ in 0..PUSHED {
                    let other = random.below(count);
                    if other != row {
                        let strength = |square: f32| 2.0 * PUSH / ((0.001 + square) * (1.0 + square));
                        let push = moved(own, places[other], strength, rate);
                        own = [own[0] + push[0], own[1] + push[1]];
                    }
                }
            }
            places[row] = own;
        }
    }
    Some(places)
}

/// How a pull or push of such strength, by the square of the distance, moves `one` against `other`.
#[inline]
fn moved(one: [f32; 2], other: [f32; 2], strength: impl Fn(f32) -> f32, rate: f32) -> [f32; 2] {
    let apart = [one[0] - other[0], one[1] - other[1]];
    let by = strength(apart[0] * apart[0] + apart[1] * apart[1]);
    apart.map(|apart| (by * apart).clamp(-FARTHEST, FARTHEST) * rate)
}

/// The places in a square of whole numbers, as large as it can be, in the middle. The few that went far out (what is like nothing else has only
/// pushes) come near again, in their order: all others would be a spot in the middle.
pub(super) fn squared(places: &[[f32; 2]]) -> Vec<Point> {
    let near = bounds(places, FAR_OUT);
    let margin = near.iter().fold(0.0f32, |most, (low, high)| most.max(high - low)) * MARGIN;
    let drawn_in: Vec<[f32; 2]> = places
        .iter()
        .map(|place| {
            [0, 1].map(|axis| {
                let ((low, high), value) = (near[axis], place[axis]);
                let beyond = value - value.clamp(low, high);
                value - beyond + if margin > 0.0 { margin * beyond / (beyond.abs() + margin) } else { 0.0 }
            })
        })
        .collect();
    let bounds = bounds(&drawn_in, 0.0);
    let span = bounds.iter().fold(0.0f32, |span, (low, high)| span.max(high - low));
    let scale = if span > 0.0 { EDGE / span } else { 0.0 };
    let whole = |place: &[f32; 2]| {
        [0, 1].map(|axis| {
            let (low, high) = bounds[axis];
            let value = (place[axis] - f32::midpoint(low, high)) * scale + EDGE / 2.0;
            value.round().clamp(0.0, EDGE) as u16
        })
    };
    drawn_in.iter().map(whole).collect()
}

/// Between which values the places are in each direction, but for such a share at each end.
fn bounds(places: &[[f32; 2]], but: f32) -> [(f32, f32); 2] {
    [0, 1].map(|axis| {
        let mut values: Vec<f32> = places.iter().map(|place| place[axis]).collect();
        values.sort_unstable_by(f32::total_cmp);
        let last = values.len().saturating_sub(1);
        let skipped = (last as f32 * but) as usize;
        let at = |place: usize| values.get(place).copied().unwrap_or_default();
        (at(skipped), at(last - skipped))
    })
}
