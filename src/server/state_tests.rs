//! Places among questions: never more at work than there are, and none lost, whatever becomes of who took one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use proptest::prelude::*;
use tokio::task::JoinHandle;

use super::*;

/// What happens, to one of those who came.
#[derive(Clone, Copy, Debug)]
enum Step {
    Arrives,
    Finishes(usize),
    Leaves(usize),
    Panics(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let one = prop_oneof![
        3 => Just(Step::Arrives),
        2 => (0..40_usize).prop_map(Step::Finishes),
        1 => (0..40_usize).prop_map(Step::Leaves),
        1 => (0..40_usize).prop_map(Step::Panics),
    ];
    prop::collection::vec(one, 1..60)
}

/// One who came: how to end its work, and its request.
struct Caller {
    end: Sender<bool>,
    request: JoinHandle<Result<(), Failure>>,
}

/// At work, counted until it ends, however it ends.
struct AtWork(Arc<AtomicUsize>);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn arrive(state: &AppState, at_work: &Arc<AtomicUsize>, most: &Arc<AtomicUsize>) -> Caller {
    let (end, ends): (_, Receiver<bool>) = channel();
    let (state, at_work, most) = (state.clone(), Arc::clone(at_work), Arc::clone(most));
    let request = tokio::spawn(async move {
        let work = move || {
            most.fetch_max(at_work.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            let _at_work = AtWork(at_work);
            let fails = ends.recv().unwrap_or_default();
            // Not through the hook, which would print it.
            if fails { std::panic::resume_unwind(Box::new("as planned")) } else { Ok(()) }
        };
        state.at_a_place(&state.asking, work).await
    });
    Caller { end, request }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]
    #[test]
    fn no_place_is_taken_twice_and_none_is_lost(steps in steps()) {
        let folder = tempfile::tempdir().unwrap();
        let limits = Limits { questions: 3, ..Limits::for_testing() };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (most, free) = runtime.block_on(async {
            let state = AppState::new(limits, Access::default(), folder.path().to_owned());
            let (at_work, most) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
            let mut callers: Vec<Caller> = Vec::new();
            for step in steps {
                match step {
                    Step::Arrives => callers.push(arrive(&state, &at_work, &most)),
                    Step::Leaves(at) => {
                        if let Some(caller) = callers.get(at) {
                            caller.request.abort();
                        }
                    }
                    Step::Finishes(at) | Step::Panics(at) => {
                        if let Some(caller) = callers.get(at) {
                            let _ = caller.end.send(matches!(step, Step::Panics(_)));
                        }
                    }
                }
                // Long enough for a thread to take up its work, so that what happens next happens to it.
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            // All ends first: who waits may stand behind one who came later.
            let requests: Vec<_> = callers.into_iter().map(|Caller { request, .. }| request).collect();
            for request in requests {
                let _ = request.await;
            }
            // Who left is at work until its work ends.
            let mut patience = 500;
            while state.asking.available_permits() < 3 && patience > 0 {
                patience -= 1;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            (most.load(Ordering::SeqCst), state.asking.available_permits())
        });
        prop_assert!(most <= 3, "{most} at work");
        prop_assert_eq!(free, 3);
    }
}
