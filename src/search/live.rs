//! What answers right now: the published generation for the passages it holds, an exact scan for the rest.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use super::SearchError;
use super::rank::{Ranked, by_paper};
use crate::embed::Encoder;
use crate::index::{Centring, ExactIndex, Manifest, Published, Show, VectorIndex};
use crate::paper::UnitVector;
use crate::store::{Counts, PaperNumber, Snapshot, StoreError};

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
            Self::Published { scanned } => {
                write!(formatter, "published index, and {scanned} newer passages scanned")
            }
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
    published: Option<Arc<Generation>>,
    fresh: ExactIndex,
    /// The paper of every passage of the store. The published index may still hold passages that the store dropped.
    paper_of: HashMap<u32, PaperNumber>,
}

/// A published generation, verified and in memory.
struct Generation {
    manifest: Manifest,
    number: u64,
    index: Box<dyn VectorIndex>,
    held: HashSet<u32>,
    centring: Centring,
}

impl Live {
    /// What `before` holds of the same generation is not read and verified again.
    pub(super) fn open(
        library: &Path,
        snapshot: &Snapshot,
        encoder: &dyn Encoder,
        prior: &Centring,
        before: Option<&Self>,
    ) -> Result<Self, SearchError> {
        let visit = |show: Show<'_>| {
            snapshot.visit_embedded(|number, passage, raw| show(number.0, passage.language, raw))
        };
        let before = before.and_then(|before| before.published.as_ref());
        let (published, unusable) = match published(library, encoder, before) {
            Ok(published) => (published, None),
            Err(reason) => (None, Some(reason)),
        };
        let centring = match &published {
            Some(generation) => generation.centring.clone(),
            None => prior.blended_over(visit)?,
        };
        let passages = snapshot.passages()?;
        let fresh = match &published {
            None => centring.centre_all(encoder.dimension(), |_| true, visit)?,
            // Only the vectors that are needed: mostly there are few, and this is done after every write.
            Some(generation) => centring.centre_all(
                encoder.dimension(),
                |_| true,
                |show: Show<'_>| {
                    let fresh = passages.iter().filter(|(number, _, _)| !generation.held.contains(&number.0));
                    for (number, _, passage) in fresh {
                        if let Some(raw) = snapshot.vector(*number)? {
                            show(number.0, passage.language, raw.as_slice());
                        }
                    }
                    Ok::<_, StoreError>(())
                },
            )?,
        };
        let state = match (&published, unusable) {
            (Some(_), _) => IndexState::Published { scanned: fresh.len() },
            (None, None) => IndexState::Missing,
            (None, Some(reason)) => IndexState::Unusable { reason },
        };
        Ok(Self {
            revision: snapshot.revision()?,
            counts: snapshot.counts()?,
            state,
            centring,
            published,
            fresh: ExactIndex::new(Arc::new(fresh)),
            paper_of: passages.into_iter().map(|(number, paper, _)| (number.0, paper)).collect(),
        })
    }

    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    pub(super) fn papers(&self) -> usize {
        self.counts.papers as usize
    }

    pub(super) fn state(&self) -> &IndexState {
        &self.state
    }

    pub(super) fn centring(&self) -> &Centring {
        &self.centring
    }

    /// The `limit` papers whose best passage is closest to `asked`, best first, of those that are allowed.
    pub(super) fn rank(
        &self,
        asked: &UnitVector,
        limit: usize,
        allow: &(dyn Fn(PaperNumber) -> bool + Sync),
    ) -> Vec<Ranked<PaperNumber>> {
        let allow = |number: u32| self.paper_of.get(&number).is_some_and(|paper| allow(*paper));
        let passages =
            self.fresh.len() + self.published.as_ref().map_or(0, |generation| generation.index.len());
        let mut depth = limit.saturating_mul(4).max(64);
        loop {
            let mut neighbours = self.fresh.search(asked, depth, &allow);
            if let Some(generation) = &self.published {
                neighbours.extend(generation.index.search(asked, depth, &allow));
            }
            let exhausted = depth >= passages;
            // Only the first `depth` of the union are sure to be the nearest.
            neighbours.sort_by(|left, right| right.similarity.total_cmp(&left.similarity));
            neighbours.truncate(depth);
            let mut ranking = by_paper(neighbours, |number| self.paper_of.get(&number).copied());
            if ranking.len() >= limit || exhausted {
                ranking.truncate(limit);
                return ranking;
            }
            depth = depth.saturating_mul(4);
        }
    }
}

/// The published generation, if there is one; else why what is there cannot be used.
fn published(
    library: &Path,
    encoder: &dyn Encoder,
    before: Option<&Arc<Generation>>,
) -> Result<Option<Arc<Generation>>, String> {
    if let Some(before) = before
        && let Ok(Some((number, manifest))) = Published::peek(library)
        && (number, &manifest) == (before.number, &before.manifest)
    {
        return Ok(Some(Arc::clone(before)));
    }
    let Some(generation) = Published::open(library).map_err(|error| error.to_string())? else {
        return Ok(None);
    };
    generation.manifest.require(encoder.fingerprint()).map_err(|error| error.to_string())?;
    let centring =
        Centring::from_json(&generation.transform, encoder.dimension()).map_err(|error| error.to_string())?;
    let Published { number, manifest, index, .. } = generation;
    let held = index.numbers().iter().copied().collect();
    Ok(Some(Arc::new(Generation { manifest, number, index, held, centring })))
}
