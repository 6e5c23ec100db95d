//! What answers right now: the published generation for the passages it holds, an exact scan for the rest.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::Path;

use serde::Serialize;

use super::SearchError;
use crate::embed::Encoder;
use crate::index::{self, Centring, ExactIndex, FlatVectors, Generation, Neighbour, VectorIndex};
use crate::paper::{Passage, Role, UnitVector};
use crate::store::{Counts, PaperNumber, PassageNumber, Store};

/// Whether the published index answers, or why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "index", rename_all = "snake_case")]
pub enum IndexState {
    /// The published generation answers; so many passages came after it and are scanned.
    Published {
        /// Passages that it does not hold yet.
        scanned: usize,
    },
    /// Nothing is published yet: everything is scanned, exactly.
    Missing,
    /// What is published cannot be used: everything is scanned, exactly, until it is rebuilt.
    Unusable {
        /// What is wrong with it.
        reason: String,
    },
}

impl fmt::Display for IndexState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Published { scanned: 0 } => formatter.write_str("published index"),
            Self::Published { scanned } => write!(formatter, "published index, and {scanned} newer passages scanned"),
            Self::Missing => formatter.write_str("no published index: exact search"),
            Self::Unusable { reason } => write!(formatter, "exact search, the index is unusable: {reason}"),
        }
    }
}

/// The index over one revision of the store.
pub(super) struct Live {
    revision: u64,
    counts: Counts,
    state: IndexState,
    centring: Centring,
    published: Option<Box<dyn VectorIndex>>,
    fresh: ExactIndex,
    /// Every passage of the store; the index may still hold some that the store dropped.
    passages: HashMap<PassageNumber, (PaperNumber, Passage)>,
}

impl Live {
    pub(super) fn open(
        library: &Path,
        store: &Store,
        encoder: &dyn Encoder,
        prior: &Centring,
    ) -> Result<Self, SearchError> {
        let passages: HashMap<PassageNumber, (PaperNumber, Passage)> =
            store.passages()?.into_iter().map(|(number, paper, passage)| (number, (paper, passage))).collect();
        let (generation, state) = match Generation::open(library, encoder.fingerprint(), encoder.dimension()) {
            Ok(Some(generation)) => (Some(generation), IndexState::Published { scanned: 0 }),
            Ok(None) => (None, IndexState::Missing),
            Err(error) => (None, IndexState::Unusable { reason: error.to_string() }),
        };
        let visit = |see: &mut dyn FnMut(PassageNumber, &[f32])| store.visit_vectors(see);
        let (centring, held) = match &generation {
            Some(generation) => (
                Centring::from_json(&generation.transform, encoder.dimension())?,
                generation.index.numbers().collect::<HashSet<_>>(),
            ),
            None => (index::blended(prior, &passages, visit)?, HashSet::new()),
        };
        let mut fresh = FlatVectors::new(encoder.dimension());
        store.visit_vectors(&mut |number, raw| {
            if let Some((_, passage)) = passages.get(&number)
                && !held.contains(&number)
                && let Ok(raw) = UnitVector::new(raw.to_vec())
            {
                fresh.push(number, &centring.apply(Role::Passage, passage.language, &raw));
            }
        })?;
        let state = match state {
            IndexState::Published { .. } => IndexState::Published { scanned: fresh.len() },
            other => other,
        };
        Ok(Self {
            revision: store.revision()?,
            counts: store.counts()?,
            state,
            centring,
            published: generation.map(|generation| generation.index),
            fresh: ExactIndex::new(fresh),
            passages,
        })
    }
}
