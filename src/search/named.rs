//! The papers that a question names by id or URL.

use super::{SearchError, Searcher};
use crate::paper::{PaperId, identifiers_in};
use crate::store::PaperNumber;

/// What a question names.
#[derive(Debug, Default)]
pub(super) struct Named {
    /// Papers of the library, in order.
    pub(super) papers: Vec<PaperNumber>,
    /// What the library does not have.
    pub(super) unknown: Vec<PaperId>,
    /// Whether the question is nothing but names.
    pub(super) is_all: bool,
}

impl Searcher {
    pub(super) fn named_in(&self, question: &str) -> Result<Named, SearchError> {
        let mut named = Named::default();
        let is_name = |word: &str| PaperId::parse(word).is_some() || !identifiers_in(word).is_empty();
        named.is_all = !question.trim().is_empty() && question.split_whitespace().all(is_name);
        let ids = question.split_whitespace().filter_map(PaperId::parse).chain(identifiers_in(question));
        for id in ids {
            match self.snapshot.paper_by_name(&id)? {
                Some((number, _)) if !named.papers.contains(&number) => named.papers.push(number),
                None if !named.unknown.contains(&id) => named.unknown.push(id),
                _ => {}
            }
        }
        Ok(named)
    }
}
