//! What answers right now: the published generation for the passages it holds, an exact scan for the rest.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use super::SearchError;
use super::ranker::{Entry, Ranker};
use crate::embed::Encoder;
use crate::index::{
    Centring, ExactIndex, Manifest, Published, SentenceVectors, Show, ShowSentences, VectorIndex,
};
use crate::lexical::{self, Document, LexicalIndex, Lexicon};
use crate::paper::{Paper, Passage};
use crate::store::{Counts, PaperNumber, PassageNumber, Snapshot, StoreError};

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

/// The indexes over one revision of the store.
pub(super) struct Live {
    revision: u64,
    counts: Counts,
    state: IndexState,
    ranker: Ranker,
    published: Option<Arc<Generation>>,
}

/// A published generation, verified and in memory.
struct Generation {
    manifest: Manifest,
    number: u64,
    index: Arc<dyn VectorIndex>,
    sentences: Arc<SentenceVectors>,
    words: Arc<LexicalIndex>,
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
        let fresh: Vec<&(PassageNumber, PaperNumber, Passage)> = passages
            .iter()
            .filter(|(number, _, _)| {
                published.as_ref().is_none_or(|generation| !generation.held.contains(&number.0))
            })
            .collect();
        let scanned = match &published {
            None => centring.centre_all(encoder.dimension(), |_| true, visit)?,
            // Only the vectors that are needed: mostly there are few, and this is done after every write.
            Some(_) => centring.centre_all(
                encoder.dimension(),
                |_| true,
                |show: Show<'_>| {
                    for (number, _, passage) in &fresh {
                        if let Some(raw) = snapshot.vector(*number)? {
                            show(number.0, passage.language, raw.as_slice());
                        }
                    }
                    Ok::<_, StoreError>(())
                },
            )?,
        };
        let said =
            centring.centre_sentences(encoder.dimension(), |show: ShowSentences<'_>| match &published {
                None => {
                    snapshot.visit_sentences(|number, passage, raw| show(number.0, passage.language, raw))
                }
                Some(_) => fresh.iter().try_for_each(|(number, _, passage)| {
                    show(number.0, passage.language, &snapshot.sentences(*number)?);
                    Ok(())
                }),
            })?;
        let state = match (&published, unusable) {
            (Some(_), _) => IndexState::Published { scanned: scanned.len() },
            (None, None) => IndexState::Missing,
            (None, Some(reason)) => IndexState::Unusable { reason },
        };
        let mut indexes: Vec<Arc<dyn VectorIndex>> = vec![Arc::new(ExactIndex::new(Arc::new(scanned)))];
        let mut sentences = vec![Arc::new(said)];
        let mut words = vec![Arc::new(LexicalIndex::in_memory(documents(snapshot, &fresh)?)?)];
        if let Some(generation) = &published {
            indexes.push(Arc::clone(&generation.index));
            sentences.push(Arc::clone(&generation.sentences));
            words.push(Arc::clone(&generation.words));
        }
        let entries =
            passages.iter().map(|(number, paper, passage)| (number.0, Entry::of(*paper, passage))).collect();
        Ok(Self {
            revision: snapshot.revision()?,
            counts: snapshot.counts()?,
            state,
            ranker: Ranker::new(centring, indexes, sentences, Lexicon::new(words), entries),
            published,
        })
    }

    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    pub(super) fn state(&self) -> &IndexState {
        &self.state
    }

    pub(super) fn ranker(&self) -> &Ranker {
        &self.ranker
    }
}

/// The words of passages that no published index holds.
fn documents(
    snapshot: &Snapshot,
    passages: &[&(PassageNumber, PaperNumber, Passage)],
) -> Result<Vec<Document<'static>>, StoreError> {
    let mut documents = Vec::with_capacity(passages.len());
    let mut last: Option<(PaperNumber, Paper)> = None;
    for (number, paper, passage) in passages {
        if last.as_ref().is_none_or(|(known, _)| known != paper) {
            last = snapshot.paper(*paper)?.map(|found| (*paper, found));
        }
        documents.extend(last.as_ref().and_then(|(_, paper)| Document::of(number.0, paper, passage)));
    }
    Ok(documents)
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
    let Published { number, manifest, index, sentences, directory, .. } = generation;
    let words = LexicalIndex::open(&directory.join(lexical::FOLDER)).map_err(|error| error.to_string())?;
    let held = index.numbers().iter().copied().collect();
    let (index, words) = (Arc::from(index), Arc::new(words));
    Ok(Some(Arc::new(Generation { manifest, number, index, sentences, words, held, centring })))
}
