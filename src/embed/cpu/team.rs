//! Which threads do what: many texts are shared out, a chunk a thread; one text is computed by all threads together, each
//! with its share of the panels of every product.

use rayon::ThreadPool;

/// Who computes one chunk.
#[derive(Clone, Copy)]
pub(super) enum Team {
    /// The calling thread.
    Alone,
    /// So many threads of the pool that the calling thread belongs to.
    Together(usize),
}

impl Team {
    /// All threads of `pool`.
    pub(super) fn of(pool: &ThreadPool) -> Self {
        match pool.current_num_threads() {
            1 => Self::Alone,
            threads => Self::Together(threads),
        }
    }

    /// In how many parts work should come.
    pub(super) fn size(self) -> usize {
        match self {
            Self::Alone => 1,
            Self::Together(threads) => threads,
        }
    }

    /// `work` on every part, with the part's number; returns when all are done.
    pub(super) fn each<T: Send>(self, parts: impl Iterator<Item = T>, work: impl Fn(usize, T) + Sync) {
        match self {
            Self::Alone => parts.enumerate().for_each(|(number, part)| work(number, part)),
            Self::Together(_) => rayon::in_place_scope(|scope| {
                let work = &work;
                let mut parts = parts.enumerate();
                let own = parts.next();
                for (number, part) in parts {
                    scope.spawn(move |_| work(number, part));
                }
                if let Some((number, part)) = own {
                    work(number, part);
                }
            }),
        }
    }
}
