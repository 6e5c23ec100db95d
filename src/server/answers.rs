//! Answers that were given already: the same question to the same state of the library has the same answer.
//!
//! People go back, pages ask again, programs repeat; ranking a hundred thousand papers once is enough. Bounded by hits, since an
//! answer is as large as those. A change of the library changes its revision, and with it every key.

use std::fmt::Debug;
use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::search::{Answer, Options};

/// Hits that are kept, at two to three kilobytes each.
const HITS: u64 = 10_000;
/// Larger answers are for programs, which do not go back.
const MOST: usize = 100;

/// What was answered; a clone is a handle.
#[derive(Clone)]
pub(super) struct Answers(Arc<Cache<Key, Arc<Answer>, Hits>>);

/// A question to a state of the library.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    revision: u64,
    /// All that is asked: how it prints tells any two apart.
    request: String,
}

#[derive(Clone)]
struct Hits;

impl Weighter<Key, Arc<Answer>> for Hits {
    fn weight(&self, key: &Key, answer: &Arc<Answer>) -> u64 {
        (1 + answer.hits.len() + key.request.len() / 2_048) as u64
    }
}

impl Default for Answers {
    fn default() -> Self {
        Self(Arc::new(Cache::with_weighter(HITS as usize / 10, HITS, Hits)))
    }
}

impl Answers {
    /// The key of `request`; `None` where its answer is not kept: what prefers new papers hangs on the day.
    pub(super) fn key(revision: u64, request: &impl Debug, options: &Options) -> Option<Key> {
        let kept = options.recency.is_none() && options.limit <= MOST;
        kept.then(|| Key { revision, request: format!("{request:?}") })
    }

    /// The answer to `key`, if it is still known.
    pub(super) fn known(&self, key: &Key) -> Option<Arc<Answer>> {
        self.0.get(key)
    }

    pub(super) fn keep(&self, key: Key, answer: &Arc<Answer>) {
        self.0.insert(key, Arc::clone(answer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::{Asked, SearchRequest};

    fn answer(total: usize) -> Arc<Answer> {
        Arc::new(Answer {
            query: Asked::Text(String::new()),
            hits: Vec::new(),
            total,
            below_floor: false,
            remarks: Vec::new(),
            listed: false,
            took_ms: 1.0,
            chunks: 1,
        })
    }

    #[test]
    fn an_answer_is_of_one_question_to_one_state() {
        let answers = Answers::default();
        let request = SearchRequest::new("잔차 연결", 10);
        let key =
            |revision, request: &SearchRequest| Answers::key(revision, request, &request.options).unwrap();
        answers.keep(key(1, &request), &answer(7));
        assert_eq!(answers.known(&key(1, &request)).unwrap().total, 7);
        assert!(answers.known(&key(2, &request)).is_none(), "the library has changed");
        let mut other = request.clone();
        other.options.offset = 10;
        assert!(answers.known(&key(1, &other)).is_none());
        other.options.recency = Some(30.0);
        assert!(Answers::key(1, &other, &other.options).is_none());
    }

    #[test]
    fn so_many_are_kept_and_no_more() {
        let answers = Answers::default();
        for number in 0..2 * HITS {
            let request = SearchRequest::new(number.to_string(), 10);
            answers.keep(Answers::key(1, &request, &request.options).unwrap(), &answer(0));
        }
        assert!(answers.0.weight() <= HITS && answers.0.weight() > HITS / 2, "{}", answers.0.weight());
    }
}
