//! One batch a thread.
//!
//! candle runs all but its matrix products on the calling thread, and splits each product over all threads, which then
//! spin between products: on two cores a third of the time is lost. Here each worker is a pool of one thread, so that
//! products stay on their worker's core, and the batches are what is shared out.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

/// As many workers as threads were asked for.
pub(super) struct Workers {
    pools: Vec<ThreadPool>,
}

impl Workers {
    pub(super) fn new(threads: usize) -> Result<Self, ThreadPoolBuildError> {
        let pool = |_| ThreadPoolBuilder::new().num_threads(1).build();
        Ok(Self { pools: (0..threads.max(1)).map(pool).collect::<Result<_, _>>()? })
    }

    /// `work` on every item, each on the next free worker; results in the order of `items`.
    pub(super) fn map<T: Sync, R: Send>(&self, items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
        let next = AtomicUsize::new(0);
        let turn = || {
            let mut done = Vec::new();
            while let Some((at, item)) = {
                let at = next.fetch_add(1, Ordering::Relaxed);
                items.get(at).map(|item| (at, item))
            } {
                done.push((at, work(item)));
            }
            done
        };
        let mut done: Vec<(usize, R)> = std::thread::scope(|scope| {
            let busy = self.pools.iter().take(items.len());
            let threads: Vec<_> = busy.map(|pool| scope.spawn(|| pool.install(turn))).collect();
            let join = |thread: std::thread::ScopedJoinHandle<'_, _>| match thread.join() {
                Ok(done) => done,
                Err(panic) => std::panic::resume_unwind(panic),
            };
            threads.into_iter().flat_map(join).collect()
        });
        done.sort_unstable_by_key(|(at, _)| *at);
        done.into_iter().map(|(_, result)| result).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_once_and_in_order() {
        let items: Vec<usize> = (0..100).collect();
        let workers = Workers::new(3).unwrap();
        assert_eq!(
            workers.map(&items, |item| item * 2),
            items.iter().map(|item| item * 2).collect::<Vec<_>>()
        );
        assert_eq!(workers.map(&[] as &[usize], |item| *item), Vec::<usize>::new());
    }
}
