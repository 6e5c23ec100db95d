//! One suite for every implementation.
//!
//! Vectors are made like sentence embeddings: a common direction, few dimensions that matter, noise in the rest.

use std::collections::HashSet;
use std::sync::Arc;

use super::codes::Coded;
use super::graph::Graph;
use super::held::Held;
use super::{ExactIndex, FlatVectors, HnswIndex, Neighbour, VectorIndex};
use crate::paper::UnitVector;

/// SplitMix64 (Steele, Lea and Flood 2014): the same numbers on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// About normal, of deviation one.
    fn normal(&mut self) -> f32 {
        (0..12).map(|_| (self.next() >> 40) as f32 / (1u64 << 24) as f32).sum::<f32>() - 6.0
    }
}

/// Vectors as a sentence model makes them.
struct Sentences {
    dimension: usize,
    mean: Vec<f32>,
    directions: Vec<Vec<f32>>,
    random: Random,
}

impl Sentences {
    fn new(dimension: usize, seed: u64) -> Self {
        let mut random = Random(seed);
        let mut direction = || (0..dimension).map(|_| random.normal()).collect::<Vec<f32>>();
        let mean = direction();
        let directions = (0..32).map(|_| direction()).collect();
        Self { dimension, mean, directions, random }
    }

    fn one(&mut self) -> UnitVector {
        let mut values = self.mean.clone();
        for direction in &self.directions {
            let weight = 0.3 * self.random.normal();
            values.iter_mut().zip(direction).for_each(|(value, along)| *value += weight * along);
        }
        for value in &mut values {
            *value += 0.1 * self.random.normal();
        }
        assert_eq!(values.len(), self.dimension);
        UnitVector::new(values).unwrap()
    }

    fn many(&mut self, count: usize) -> Arc<FlatVectors> {
        let mut flat = FlatVectors::with_capacity(self.dimension, count);
        for number in 0..count {
            // Numbers are not rows: whoever confuses them fails here.
            flat.push(3 * number as u32 + 7, self.one().as_slice()).unwrap();
        }
        Arc::new(flat)
    }
}

fn both(vectors: &Arc<FlatVectors>) -> [(&'static str, Box<dyn VectorIndex>); 2] {
    [
        ("exact", Box::new(ExactIndex::new(Arc::clone(vectors)))),
        ("hnsw", Box::new(HnswIndex::build(Arc::clone(vectors)))),
    ]
}

/// The oracle, as plainly as it can be written.
fn brute_force(
    vectors: &FlatVectors,
    query: &UnitVector,
    limit: usize,
    allow: &dyn Fn(u32) -> bool,
) -> Vec<Neighbour> {
    let mut all: Vec<Neighbour> = (0..vectors.len())
        .map(|row| Neighbour {
            number: vectors.numbers()[row],
            similarity: query.cosine(&UnitVector::new(vectors.row(row).into_owned()).unwrap()),
        })
        .filter(|neighbour| allow(neighbour.number))
        .collect();
    all.sort_by(|one, two| two.similarity.total_cmp(&one.similarity).then(one.number.cmp(&two.number)));
    all.truncate(limit);
    all
}

fn numbers(neighbours: &[Neighbour]) -> Vec<u32> {
    neighbours.iter().map(|neighbour| neighbour.number).collect()
}

fn assert_in_order(name: &str, found: &[Neighbour]) {
    for pair in found.windows(2) {
        let (one, two) = (pair[0], pair[1]);
        let ordered =
            one.similarity > two.similarity || one.similarity == two.similarity && one.number < two.number;
        assert!(ordered, "{name}: {one:?} before {two:?}");
        assert!((-1.0..=1.0).contains(&one.similarity), "{name}: {one:?}");
    }
}

const ALL: &(dyn Fn(u32) -> bool + Sync) = &|_| true;

#[test]
fn neighbours_are_the_nearest_in_order() {
    let mut sentences = Sentences::new(48, 1);
    let vectors = sentences.many(3000);
    for (name, index) in both(&vectors) {
        let (mut hits, mut wanted) = (0, 0);
        for _ in 0..100 {
            let query = sentences.one();
            let found = index.search(&query, 10, ALL);
            let want = brute_force(&vectors, &query, 10, &|_| true);
            assert_in_order(name, &found);
            assert_eq!(found.len(), 10, "{name}");
            if name == "exact" {
                assert_eq!(numbers(&found), numbers(&want));
            }
            let found: HashSet<u32> = numbers(&found).into_iter().collect();
            hits += want.iter().filter(|neighbour| found.contains(&neighbour.number)).count();
            wanted += want.len();
        }
        let recall = hits as f64 / wanted as f64;
        assert!(recall >= 0.95, "{name}: recall {recall}");
    }
}

#[test]
fn any_limit_and_any_filter_gives_as_many_as_there_are() {
    let mut sentences = Sentences::new(16, 2);
    let vectors = sentences.many(3000);
    let query = sentences.one();
    let far: HashSet<u32> = {
        let all = brute_force(&vectors, &query, 3000, &|_| true);
        numbers(&all).into_iter().rev().take(40).collect()
    };
    for (name, index) in both(&vectors) {
        assert_eq!(index.len(), 3000);
        for limit in [0, 1, 10, 2999, 3000, 3001, usize::MAX] {
            let found = index.search(&query, limit, ALL);
            assert_eq!(found.len(), limit.min(3000), "{name}");
            assert_in_order(name, &found);
        }
        assert_eq!(index.search(&query, 10, &|_| false), [], "{name}");
        // Few, and all of them at the other end: what a filter "against the query" leaves.
        let found = index.search(&query, 50, &|number| far.contains(&number));
        assert_eq!(
            numbers(&found),
            numbers(&brute_force(&vectors, &query, 50, &|n| far.contains(&n))),
            "{name}"
        );
        let found = index.search(&query, 10, &|number| number % 2 == 0);
        assert_eq!(found.len(), 10, "{name}");
        assert!(found.iter().all(|neighbour| neighbour.number % 2 == 0), "{name}");
        let other_dimension = UnitVector::new(vec![1.0; 17]).unwrap();
        assert_eq!(index.search(&other_dimension, 10, ALL), [], "{name}");
    }
}

#[test]
fn candidates_are_the_nearest_by_their_bytes() {
    let mut sentences = Sentences::new(48, 5);
    let vectors = sentences.many(3000);
    let query = sentences.one();
    let coded = Coded::of(&query);
    let by_bytes = |number: u32| {
        let row = vectors.row_of(number).unwrap();
        vectors.codes().coded(row).similarity(&coded)
    };
    let mut all: Vec<u32> = vectors.numbers().to_vec();
    all.sort_by(|one, two| by_bytes(*two).total_cmp(&by_bytes(*one)).then(one.cmp(two)));
    for (name, index) in both(&vectors) {
        for limit in [0, 1, 10, 200, 3001] {
            let found = index.candidates(&query, limit, ALL);
            assert_eq!(found.len(), limit.min(3000), "{name}");
            assert_in_order(name, &found);
            assert!(found.iter().all(|near| near.similarity == by_bytes(near.number)), "{name}");
            if name == "exact" {
                assert_eq!(numbers(&found), all[..limit.min(3000)]);
            }
        }
        let odd = index.candidates(&query, 50, &|number| number % 2 == 1);
        assert!(odd.len() == 50 && odd.iter().all(|near| near.number % 2 == 1), "{name}");
    }
}

#[test]
fn few_vectors_and_none() {
    for count in [0, 1, 2, 5, 17] {
        let mut sentences = Sentences::new(8, 3);
        let vectors = sentences.many(count);
        for (name, index) in both(&vectors) {
            let query = sentences.one();
            let found = index.search(&query, 10, ALL);
            assert_eq!(
                numbers(&found),
                numbers(&brute_force(&vectors, &query, 10, &|_| true)),
                "{name} {count}"
            );
            assert_eq!(index.is_empty(), count == 0);
        }
    }
}

#[test]
fn a_thousand_equal_vectors_are_all_found_by_number() {
    let mut flat = FlatVectors::new(8);
    let vector = UnitVector::new(vec![1.0; 8]).unwrap();
    let other = UnitVector::new(vec![-1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]).unwrap();
    for number in (0..2000).rev() {
        let one = if number % 2 == 0 { &vector } else { &other };
        flat.push(number, one.as_slice()).unwrap();
    }
    let flat = Arc::new(flat);
    for (name, index) in both(&flat) {
        let found = index.search(&vector, 1000, ALL);
        assert_eq!(numbers(&found), (0..1000).map(|half| 2 * half).collect::<Vec<u32>>(), "{name}");
        assert_in_order(name, &index.search(&vector, 50, ALL));
    }
}

#[test]
fn a_hundred_thousand_self_queries_find_themselves() {
    let vectors = Sentences::new(64, 4).many(20_000);
    for (name, index) in both(&vectors) {
        let (mut asked, mut lost) = (0, 0);
        let (rounds, step) = if name == "exact" { (1, 10) } else { (5, 1) };
        for row in (0..rounds).flat_map(|_| (0..vectors.len()).step_by(step)) {
            let query = UnitVector::new(vectors.row(row).into_owned()).unwrap();
            let found = index.search(&query, 1, ALL);
            assert_eq!(found.len(), 1);
            asked += 1;
            lost += usize::from(found[0].number != vectors.numbers()[row]);
        }
        assert!(
            lost <= if name == "exact" { 0 } else { asked / 1_000 },
            "{name}: {lost} of {asked} did not find themselves"
        );
    }
}

/// Whatever share of the vectors a filter allows, and wherever they lie.
#[test]
fn a_filter_of_any_selectivity_loses_nothing() {
    let mut sentences = Sentences::new(32, 8);
    let vectors = sentences.many(20_000);
    let queries: Vec<UnitVector> = (0..10).map(|_| sentences.one()).collect();
    for (name, index) in both(&vectors) {
        for share in [2, 20, 200, 2_000, 10_000, 20_000] {
            for farthest in [false, true] {
                let (mut hits, mut wanted) = (0, 0);
                for query in &queries {
                    let mut order = numbers(&brute_force(&vectors, query, 20_000, &|_| true));
                    if !farthest {
                        let mut random = Random(share as u64);
                        order.sort_by_cached_key(|_| random.next());
                    }
                    let allowed: HashSet<u32> = order.into_iter().rev().take(share).collect();
                    let allow = |number: u32| allowed.contains(&number);
                    let found = index.search(query, 10, &allow);
                    assert_eq!(found.len(), share.min(10), "{name} {share}");
                    assert_in_order(name, &found);
                    let truth = numbers(&brute_force(&vectors, query, 10, &allow));
                    hits += found.iter().filter(|neighbour| truth.contains(&neighbour.number)).count();
                    wanted += truth.len();
                }
                let recall = hits as f64 / wanted as f64;
                let least = if name == "exact" { 1.0 } else { 0.97 };
                assert!(recall >= least, "{name}, {share} of 20,000, farthest {farthest}: recall {recall}");
            }
        }
    }
}

/// Nearer to each other than bytes can tell.
#[test]
fn a_scan_misses_nothing_though_bytes_are_coarse() {
    let mut random = Random(6);
    let middle: Vec<f32> = (0..64).map(|_| random.normal()).collect();
    let mut flat = FlatVectors::new(64);
    for number in 0..4000 {
        let values = middle.iter().map(|value| value + 0.002 * random.normal()).collect();
        flat.push(number, UnitVector::new(values).unwrap().as_slice()).unwrap();
    }
    let flat = Arc::new(flat);
    let index = ExactIndex::new(Arc::clone(&flat));
    for row in (0..4000).step_by(100) {
        let query = UnitVector::new(flat.row(row).to_vec()).unwrap();
        let found = index.search(&query, 20, ALL);
        assert_in_order("exact", &found);
        for (found, wanted) in found.iter().zip(brute_force(&flat, &query, 20, &|_| true)) {
            // Kernels sum in an order of their own.
            assert!((found.similarity - wanted.similarity).abs() < 1e-6, "{found:?}, not {wanted:?}");
        }
    }
}

#[test]
fn what_a_graph_finds_is_measured_when_it_is_built() {
    let mut sentences = Sentences::new(48, 7);
    let (vectors, others) = (sentences.many(3000), sentences.many(3000));
    let index = HnswIndex::build(Arc::clone(&vectors));
    assert!(index.effort().recall >= 0.99, "{:?}", index.effort());
    let links = bytemuck::cast_slice(HnswIndex::build(others).graph().as_bytes()).to_vec();
    let graph = Graph::of_words(Held::Owned(links), vectors.len()).unwrap();
    let astray = HnswIndex::of(vectors, graph, index.effort());
    assert!(astray.measured().width >= 8 * index.effort().width, "{:?}", astray.measured());
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(40))]
    /// A walk that keeps all in sight finds all, in a new graph and in one that rows have left and come to, also where many are equal.
    #[test]
    fn a_walk_of_full_width_finds_what_the_scan_finds(
        seed in 0_u64..1 << 32,
        count in 1_usize..400,
        gone in 0_usize..100,
        equal in 0_usize..50,
    ) {
        let mut sentences = Sentences::new(12, seed);
        let all: Vec<UnitVector> = (0..count + gone).map(|_| sentences.one()).collect();
        let some = |first: usize, end: usize| {
            let mut flat = FlatVectors::new(12);
            for at in first..end {
                flat.push(at as u32, all[if at % 60 < equal { 0 } else { at }].as_slice()).unwrap();
            }
            Arc::new(flat)
        };
        let begun = HnswIndex::build(some(0, count));
        for index in [HnswIndex::grown(some(gone.min(count), count + gone), &begun), begun] {
            let query = sentences.one();
            for limit in [1, 7, count + gone] {
                let found = index.nearest(&query, limit, count + gone);
                proptest::prop_assert_eq!(numbers(&found), numbers(&index.exact().search(&query, limit, ALL)));
            }
        }
    }
}

/// At each step a tenth of the rows leave and as many come, until none is left of the first.
#[test]
fn a_graph_that_grows_finds_what_a_new_one_finds() {
    let mut sentences = Sentences::new(48, 9);
    let all = sentences.many(9_000);
    let queries: Vec<UnitVector> = (0..100).map(|_| sentences.one()).collect();
    let at_step = |step: u32| {
        let mut flat = FlatVectors::new(48);
        for (row, number) in all.numbers().iter().enumerate() {
            if (step..step + 10).contains(&((number.wrapping_mul(2_654_435_761) >> 16) % 21)) {
                flat.push(*number, &all.row(row)).unwrap();
            }
        }
        Arc::new(flat)
    };
    let recall = |index: &HnswIndex| {
        let exact = index.exact();
        let hits = queries.iter().map(|query| {
            let truth = numbers(&exact.search(query, 10, ALL));
            let found = index.nearest(query, 10, 64);
            found.iter().filter(|found| truth.contains(&found.number)).count()
        });
        hits.sum::<usize>() as f64 / (10.0 * queries.len() as f64)
    };
    let (mut index, mut grew) = (HnswIndex::build(at_step(0)), 0);
    for step in 1..=11 {
        let vectors = at_step(step);
        let before: Vec<Option<u32>> = vectors
            .numbers()
            .iter()
            .map(|number| index.vectors().row_of(*number).map(|row| row as u32))
            .collect();
        grew += usize::from(index.graph().grown(vectors.codes(), &before).is_some());
        index = HnswIndex::grown(Arc::clone(&vectors), &index);
        let (grown, anew) = (recall(&index), recall(&HnswIndex::build(vectors)));
        assert!(grown > anew - 0.02, "step {step}: {grown}, not {anew}");
    }
    assert!((8..11).contains(&grew), "{grew}: built anew once half of the upper layers is gone");
    assert!(index.graph().grown(all.codes(), &vec![None; all.len()]).is_none(), "nothing stays");
    let rows = index.vectors();
    for row in 0..rows.len() {
        let query = UnitVector::new(rows.row(row).into_owned()).unwrap();
        assert_eq!(index.search(&query, 1, ALL)[0].number, rows.numbers()[row]);
    }
}

#[test]
fn what_is_no_unit_vector_is_refused() {
    let mut flat = FlatVectors::new(2);
    for odd in [
        vec![1.0],
        vec![1.0, 0.0, 0.0],
        vec![0.0, 0.0],
        vec![f32::NAN, 0.0],
        vec![2.0, 0.0],
        vec![f32::INFINITY, 0.0],
    ] {
        assert!(flat.push(1, &odd).is_err(), "{odd:?}");
    }
    assert!(flat.is_empty());
    flat.push(1, &[0.6, 0.8]).unwrap();
    assert_eq!(flat.len(), 1);
}
