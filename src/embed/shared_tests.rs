//! Who shares a pass, who goes first, whom another's text harms, and who never reaches the model.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use super::*;

/// Notes every pass; the vector of a text points to its number.
#[derive(Default)]
struct Stub {
    gate: Mutex<()>,
    passes: Mutex<Vec<Vec<String>>>,
    entered: AtomicUsize,
}

impl Stub {
    fn passes(&self) -> Vec<Vec<String>> {
        self.passes.lock().unwrap().clone()
    }
}

fn vector(text: &str) -> UnitVector {
    let angle = text.bytes().map(f32::from).sum::<f32>() / 1_000.0;
    UnitVector::new(vec![angle.cos(), angle.sin()]).unwrap()
}

impl Encoder for Stub {
    fn fingerprint(&self) -> &str {
        "stub"
    }
    fn dimension(&self) -> usize {
        2
    }
    fn token_limit(&self) -> usize {
        512
    }
    fn count_tokens(&self, text: &str) -> usize {
        text.len()
    }
    fn encode(&self, _: Role, texts: &[&str]) -> Result<Vec<UnitVector>, EncodeError> {
        self.entered.fetch_add(1, Ordering::SeqCst);
        let _open = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        self.passes.lock().unwrap().push(texts.iter().map(|text| (*text).to_owned()).collect());
        assert!(!texts.contains(&"panic"), "as asked");
        if let Some(position) = texts.iter().position(|text| *text == "fail") {
            return Err(EncodeError::TooLong { position, tokens: 9, limit: 1 });
        }
        Ok(texts.iter().map(|text| vector(text)).collect())
    }
}

fn shared() -> (Arc<Stub>, Arc<SharedEncoder>) {
    let stub = Arc::new(Stub::default());
    (Arc::clone(&stub), Arc::new(SharedEncoder::new(stub)))
}

fn eventually(true_at_last: impl Fn() -> bool) {
    let started = Instant::now();
    while !true_at_last() {
        assert!(started.elapsed() < Duration::from_secs(10), "never came true");
        std::thread::sleep(Duration::from_millis(1));
    }
}

type Answer = std::thread::Result<Result<Vec<UnitVector>, EncodeError>>;

fn ask(shared: &Arc<SharedEncoder>, texts: &[&str]) -> std::thread::JoinHandle<Answer> {
    let shared = Arc::clone(shared);
    let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    std::thread::spawn(move || {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        catch_unwind(AssertUnwindSafe(|| shared.encode(Role::Query, &texts)))
    })
}

fn waiting(shared: &SharedEncoder) -> (usize, usize) {
    let turns = shared.lock();
    (turns.short.len(), turns.long.len())
}

#[test]
fn who_comes_while_the_model_runs_shares_the_next_pass() {
    let (stub, shared) = shared();
    let closed = stub.gate.lock().unwrap();
    let first = ask(&shared, &["first"]);
    eventually(|| stub.entered.load(Ordering::SeqCst) == 1);
    let texts: Vec<String> = (0..9).map(|number| format!("question {number}")).collect();
    let others: Vec<_> = texts.iter().map(|text| ask(&shared, &[text, "and more"])).collect();
    eventually(|| waiting(&shared).0 == others.len());
    drop(closed);
    assert_eq!(first.join().unwrap().unwrap().unwrap(), [vector("first")]);
    for (text, other) in texts.iter().zip(others) {
        assert_eq!(other.join().unwrap().unwrap().unwrap(), [vector(text), vector("and more")]);
    }
    let sizes: Vec<usize> = stub.passes().iter().map(Vec::len).collect();
    assert_eq!(sizes, [1, 18], "two passes for ten callers");
}

#[test]
fn who_has_left_never_reaches_the_model() {
    let (stub, shared) = shared();
    let closed = stub.gate.lock().unwrap();
    let first = ask(&shared, &["first"]);
    eventually(|| stub.entered.load(Ordering::SeqCst) == 1);
    let present: Vec<Arc<()>> = (0..4).map(|_| Arc::new(())).collect();
    let callers: Vec<_> = present
        .iter()
        .enumerate()
        .map(|(number, caller)| {
            let (caller, shared) = (Arc::downgrade(caller), Arc::clone(&shared));
            std::thread::spawn(move || {
                while_wanted(caller, || shared.encode(Role::Query, &[&format!("caller {number}")]))
            })
        })
        .collect();
    eventually(|| waiting(&shared).0 == callers.len());
    // All but the last leave.
    let stays = present.into_iter().next_back();
    drop(closed);
    first.join().unwrap().unwrap().unwrap();
    for (number, caller) in callers.into_iter().enumerate() {
        match caller.join().unwrap() {
            Ok(vectors) => assert_eq!((number, vectors), (3, vec![vector("caller 3")])),
            Err(error) => assert!(number < 3 && matches!(error, EncodeError::Abandoned), "{error}"),
        }
    }
    drop(stays);
    assert_eq!(stub.passes().concat(), ["first", "caller 3"]);
}

#[test]
fn a_pass_stays_within_its_tokens() {
    let (stub, shared) = shared();
    let closed = stub.gate.lock().unwrap();
    let first = ask(&shared, &["first"]);
    eventually(|| stub.entered.load(Ordering::SeqCst) == 1);
    let text = "x".repeat(PASS_TOKENS / 3);
    let others: Vec<_> = (0..7).map(|_| ask(&shared, &[&text])).collect();
    eventually(|| waiting(&shared).0 == others.len());
    drop(closed);
    for asked in others.into_iter().chain([first]) {
        asked.join().unwrap().unwrap().unwrap();
    }
    assert_eq!(stub.passes().iter().map(Vec::len).collect::<Vec<_>>(), [1, 3, 3, 1]);
}

#[test]
fn a_text_that_breaks_a_pass_breaks_its_own_call_only() {
    for broken in ["fail", "panic"] {
        let (stub, shared) = shared();
        let closed = stub.gate.lock().unwrap();
        let first = ask(&shared, &["first"]);
        eventually(|| stub.entered.load(Ordering::SeqCst) == 1);
        let others: Vec<_> = ["a", broken, "b"].map(|text| ask(&shared, &[text])).into();
        eventually(|| waiting(&shared).0 == others.len());
        drop(closed);
        first.join().unwrap().unwrap().unwrap();
        let mut answers = others.into_iter().map(|other| other.join().unwrap());
        assert_eq!(answers.next().unwrap().unwrap().unwrap(), [vector("a")]);
        match (broken, answers.next().unwrap()) {
            ("fail", Ok(Err(EncodeError::TooLong { position: 0, .. }))) | ("panic", Err(_)) => {}
            (_, other) => {
                panic!("{broken}: {:?}", other.map(|answer| answer.map_err(|error| error.to_string())))
            }
        }
        assert_eq!(answers.next().unwrap().unwrap().unwrap(), [vector("b")]);
        assert_eq!(shared.encode(Role::Query, &["c"]).unwrap(), [vector("c")], "it goes on");
    }
}

#[test]
fn questions_go_between_the_pieces_of_a_long_call_which_gets_on() {
    let (stub, shared) = shared();
    let closed = stub.gate.lock().unwrap();
    let text = "x".repeat(PASS_TOKENS);
    let long = ask(&shared, &[&text, &text, "fail"]);
    eventually(|| stub.entered.load(Ordering::SeqCst) == 1);
    let (tell, told) = mpsc::channel();
    // More questions than go before: each comes back as soon as it is answered.
    let askers: Vec<_> = (0..2)
        .map(|_| {
            let (shared, tell) = (Arc::clone(&shared), tell.clone());
            std::thread::spawn(move || {
                for _ in 0..10 * MOST_BEFORE_LONG {
                    shared.encode(Role::Passage, &["question"]).unwrap();
                    let _ = tell.send(());
                }
            })
        })
        .collect();
    eventually(|| waiting(&shared).0 == askers.len());
    drop(closed);
    told.recv().unwrap();
    let failed = long.join().unwrap().unwrap().unwrap_err();
    assert!(matches!(failed, EncodeError::TooLong { position: 2, .. }), "{failed}");
    for asker in askers {
        asker.join().unwrap();
    }
    let passes = stub.passes();
    let places: Vec<usize> = (0..passes.len()).filter(|at| passes[*at][0].len() == PASS_TOKENS).collect();
    assert_eq!(places.len(), 2, "two pieces");
    let between = places[1] - places[0] - 1;
    assert!((1..=MOST_BEFORE_LONG).contains(&between), "{between} passes of questions between two pieces");
}
