//! Vectors come, change and go while an index is searched, and what is published is replaced behind: no answer is wrong, none shows
//! what was deleted, and nearly nothing is missed.
//!
//! In the gate a few thousand made-up vectors; `scripts/churn.sh` gives a file of real ones and ten minutes.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use paperkin::index::{Draft, ExactIndex, FlatVectors, Kind, Neighbour, Published, VectorIndex};
use paperkin::ingest::behind;
use paperkin::paper::UnitVector;

use crate::support::{Random, seed};

/// Neighbours that are asked for.
const LIMIT: usize = 10;
/// Published anew once so many hundredths are scanned beside it, or gone.
const REPLACED_AT: usize = 10;
/// Changes that become visible together.
const BATCH: usize = 50;

/// What there is, as one moment sees it.
struct State {
    published: Arc<Published>,
    /// What came after it.
    scanned: ExactIndex,
    /// All that was not deleted.
    present: Arc<HashMap<u32, Arc<UnitVector>>>,
}

impl State {
    fn new(published: Arc<Published>, present: Arc<HashMap<u32, Arc<UnitVector>>>, dimension: usize) -> Self {
        let mut scanned = FlatVectors::new(dimension);
        for (number, vector) in present.iter() {
            if published.index.vectors().row_of(*number).is_none() {
                scanned.push(*number, vector.as_slice()).unwrap();
            }
        }
        Self { published, scanned: ExactIndex::new(Arc::new(scanned)), present }
    }

    fn search(&self, query: &UnitVector, exactly: bool) -> Vec<Neighbour> {
        let present = |number: u32| self.present.contains_key(&number);
        let mut found = match &self.published.graph {
            Some(graph) if exactly => graph.exact().search(query, LIMIT, &present),
            _ => self.published.index.search(query, LIMIT, &present),
        };
        found.extend(self.scanned.search(query, LIMIT, &present));
        found.sort_by(|one, two| two.similarity.total_cmp(&one.similarity));
        found.truncate(LIMIT);
        found
    }

    /// Whether it is time to publish anew.
    fn is_worn(&self) -> bool {
        let published = self.published.index.len();
        let dead = published + self.scanned.len() - self.present.len();
        (self.scanned.len() + dead) * 100 > REPLACED_AT * published
    }
}

fn publish(library: &Path, present: &HashMap<u32, Arc<UnitVector>>, dimension: usize) -> Arc<Published> {
    let mut numbers: Vec<u32> = present.keys().copied().collect();
    numbers.sort_unstable();
    let mut draft = Draft::begin(library, dimension).unwrap();
    numbers.iter().for_each(|number| draft.push(*number, &present[number]));
    Arc::new(draft.publish("churn", b"{}", 0, Some(Kind::Hnsw), None).unwrap())
}

/// One answer: how long it took, and whether an index was being published meanwhile.
struct Answered {
    seconds: f64,
    publishing: bool,
    found: usize,
    wanted: usize,
}

#[test]
fn nothing_is_wrong_while_vectors_come_and_go() {
    let mut random = seed("PAPERKIN_SEED");
    let number = |name: &str, or: u64| std::env::var(name).map_or(or, |value| value.parse().unwrap());
    let seconds = number("PAPERKIN_CHURN_SECONDS", 4);
    let changes = number("PAPERKIN_CHURN_CHANGES", 4_000) as usize;
    let vectors = match std::env::var_os("PAPERKIN_CHURN_VECTORS") {
        Some(file) => stored(Path::new(&file)),
        None => made_up(6_000, &mut random),
    };
    // Questions are like what is there, and are never there themselves.
    let (vectors, questions) = vectors.split_at(vectors.len() * 19 / 20);
    let dimension = vectors[0].dimension();
    let library = tempfile::tempdir().unwrap();
    // Two thirds are there at first, so that there is something to add.
    let first = vectors.len() * 2 / 3;
    let present: HashMap<u32, Arc<UnitVector>> =
        (0..).zip(vectors).take(first).map(|(number, vector)| (number, Arc::new(vector.clone()))).collect();
    let published = publish(library.path(), &present, dimension);
    let state = RwLock::new(Arc::new(State::new(published, Arc::new(present), dimension)));
    let now = || Arc::clone(&state.read().unwrap_or_else(PoisonError::into_inner));
    let (done, publishing) = (AtomicBool::new(false), AtomicBool::new(false));
    let mut asking = Random::new(random.below(u64::MAX));

    let (answers, generations) = std::thread::scope(|scope| {
        let searcher = scope.spawn(|| {
            let mut answers = Vec::new();
            while !done.load(Ordering::SeqCst) {
                let query = &questions[asking.below(questions.len() as u64) as usize];
                let state = now();
                let was_publishing = publishing.load(Ordering::SeqCst);
                let begin = Instant::now();
                let found = state.search(query, false);
                let seconds = begin.elapsed().as_secs_f64();
                assert_eq!(found.len(), LIMIT);
                for neighbour in &found {
                    let vector = state.present.get(&neighbour.number).expect("it was deleted");
                    assert!((vector.cosine(query) - neighbour.similarity).abs() < 1e-5, "{neighbour:?}");
                }
                let truth: Vec<u32> =
                    state.search(query, true).iter().map(|neighbour| neighbour.number).collect();
                answers.push(Answered {
                    seconds,
                    publishing: was_publishing && publishing.load(Ordering::SeqCst),
                    found: found.iter().filter(|found| truth.contains(&found.number)).count(),
                    wanted: truth.len(),
                });
                std::thread::sleep(Duration::from_millis(5));
            }
            answers
        });
        let publisher = scope.spawn(|| {
            let mut generations = 0;
            while !done.load(Ordering::SeqCst) {
                let before = now();
                if before.is_worn() {
                    publishing.store(true, Ordering::SeqCst);
                    let next = behind(|| publish(library.path(), &before.present, dimension));
                    publishing.store(false, Ordering::SeqCst);
                    let mut state = state.write().unwrap_or_else(PoisonError::into_inner);
                    *state = Arc::new(State::new(next, Arc::clone(&state.present), dimension));
                    generations += 1;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            generations
        });
        let begin = Instant::now();
        let mut next = first as u32;
        for batch in 1..=changes.div_ceil(BATCH) {
            let mut present = HashMap::clone(&now().present);
            let mut numbers: Vec<u32> = present.keys().copied().collect();
            numbers.sort_unstable();
            for _ in 0..BATCH {
                let victim = numbers.swap_remove(random.below(numbers.len() as u64) as usize);
                let fresh = &vectors[next as usize % vectors.len()];
                // Deleted, added, or changed, which is both.
                let (gone, came) = match random.below(5) {
                    0 | 1 => (Some(victim), None),
                    2 | 3 => (None, Some(fresh.clone())),
                    _ => (Some(victim), Some(moved(&present[&victim], fresh, 0.3))),
                };
                if let Some(gone) = gone {
                    present.remove(&gone);
                }
                if let Some(came) = came {
                    present.insert(next, Arc::new(came));
                    next += 1;
                }
            }
            let mut state = state.write().unwrap_or_else(PoisonError::into_inner);
            *state = Arc::new(State::new(Arc::clone(&state.published), Arc::new(present), dimension));
            drop(state);
            let due = Duration::from_secs(seconds) * batch as u32 / changes.div_ceil(BATCH) as u32;
            std::thread::sleep(due.saturating_sub(begin.elapsed()));
        }
        done.store(true, Ordering::SeqCst);
        (searcher.join().unwrap(), publisher.join().unwrap())
    });

    let at = |publishing: bool, share: f64| {
        let times = answers.iter().filter(|answer| answer.publishing == publishing);
        let mut times: Vec<f64> = times.map(|answer| answer.seconds * 1e3).collect();
        times.sort_by(f64::total_cmp);
        times.get((times.len() as f64 * share) as usize).copied().unwrap_or(f64::NAN)
    };
    assert!(answers.len() >= 200, "{} answers tell little", answers.len());
    let recalls = answers.chunks_exact(200).map(|some| {
        let sum = |count: fn(&Answered) -> usize| some.iter().map(count).sum::<usize>() as f64;
        sum(|answer| answer.found) / sum(|answer| answer.wanted)
    });
    let worst = recalls.fold(1.0, f64::min);
    println!(
        "{changes} changes in {seconds} s, {} answers, {generations} generations; least recall@10 of 200 answers {worst:.4}; \
         median and p99 {:.2} and {:.2} ms, while publishing {:.2} and {:.2} ms",
        answers.len(),
        at(false, 0.5),
        at(false, 0.99),
        at(true, 0.5),
        at(true, 0.99),
    );
    assert!(generations > 0, "nothing was published");
    assert!(worst >= 0.98, "{worst}");
    // As it stands on disk it is sound too.
    let opened = Published::open(library.path()).unwrap().unwrap();
    opened.verify().unwrap();
    assert_eq!(opened.index.len(), now().published.index.len());
}

/// `near`, moved in the direction of `towards`.
fn moved(near: &UnitVector, towards: &UnitVector, far: f32) -> UnitVector {
    let sum = near.as_slice().iter().zip(towards.as_slice()).map(|(near, towards)| near + far * towards);
    UnitVector::new(sum.collect()).unwrap_or_else(|_| near.clone())
}

fn made_up(count: usize, random: &mut Random) -> Vec<UnitVector> {
    let mut normal = || (0..12).map(|_| random.below(1_000_000) as f32 / 1e6).sum::<f32>() - 6.0;
    let topics: Vec<Vec<f32>> = (0..24).map(|_| (0..48).map(|_| normal()).collect()).collect();
    let mut one = || {
        let weights: Vec<f32> = topics.iter().map(|_| normal()).collect();
        let sum =
            |at: usize| topics.iter().zip(&weights).map(|(topic, weight)| weight * topic[at]).sum::<f32>();
        UnitVector::new((0..48).map(|at| sum(at) + normal()).collect()).unwrap()
    };
    (0..count).map(|_| one()).collect()
}

fn stored(file: &Path) -> Vec<UnitVector> {
    let bytes = fs_err::read(file).unwrap();
    let row = |row: &[u8]| row.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    bytes.chunks_exact(384 * 4).map(|bytes| UnitVector::new(row(bytes)).unwrap()).collect()
}
