//! What answers right now: the published generation for the passages it holds, an exact scan for the rest.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use super::SearchError;
use super::ranker::{Entry, Ranker};
use crate::embed::Encoder;
use crate::index::{
    Centring, ExactIndex, FlatVectors, Manifest, Published, SentenceVectors, Show, ShowSentences, VectorIndex,
};
use crate::lexical::{self, Document, LexicalIndex, Lexicon};
use crate::paper::{Paper, Passage, UnitVector};
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
    /// The generation that was found damaged while it answered: to open it would not show that.
    refused: Option<Refused>,
}

/// A published generation that is not used.
#[derive(Clone)]
struct Refused {
    number: u64,
    manifest: Manifest,
    reason: String,
}

/// A published generation that is open, its words too.
struct Generation {
    published: Published,
    words: Arc<LexicalIndex>,
    centring: Centring,
}

impl Generation {
    /// Itself, if it cannot be used any more.
    fn refused(&self) -> Option<Refused> {
        let Published { number, manifest, .. } = &self.published;
        let reason = self.published.damaged()?.to_string();
        Some(Refused { number: *number, manifest: manifest.clone(), reason })
    }
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
        Self::of(snapshot, encoder, prior, published(library, encoder, before))
    }

    /// The same of the store alone, once the index was found damaged while it answered.
    pub(super) fn without_index(
        &self,
        snapshot: &Snapshot,
        encoder: &dyn Encoder,
        prior: &Centring,
    ) -> Result<Self, SearchError> {
        Self::of(snapshot, encoder, prior, self.refused().map_or(Found::Nothing, Found::Refused))
    }

    fn of(
        snapshot: &Snapshot,
        encoder: &dyn Encoder,
        prior: &Centring,
        found: Found,
    ) -> Result<Self, SearchError> {
        let visit = |show: Show<'_>| {
            snapshot.visit_embedded(|number, passage, raw| show(number.0, passage.language, raw))
        };
        let (published, refused, unusable) = match found {
            Found::Nothing => (None, None, None),
            Found::Usable(generation) => (Some(generation), None, None),
            Found::Unusable(reason) => (None, None, Some(reason)),
            Found::Refused(refused) => (None, Some(refused.clone()), Some(refused.reason)),
        };
        let centring = match &published {
            Some(generation) => generation.centring.clone(),
            None => prior.blended_over(visit)?,
        };
        let passages = snapshot.passages()?;
        let fresh: Vec<&(PassageNumber, PaperNumber, Passage)> = passages
            .iter()
            .filter(|(number, _, _)| {
                published
                    .as_ref()
                    .is_none_or(|generation| generation.published.index.vectors().row_of(number.0).is_none())
            })
            .collect();
        let mut scanned = FlatVectors::new(encoder.dimension());
        let take = |number, vector: &UnitVector| {
            // Unit vectors of the library's model fit.
            let _ = scanned.push(number, vector.as_slice());
        };
        let mut said = SentenceVectors::new(encoder.dimension());
        let hear = |number, sentences: &[UnitVector]| said.push(number, sentences);
        match &published {
            None => {
                centring.centre_all(visit, take)?;
                let visit = |show: ShowSentences<'_>| {
                    snapshot.visit_sentences(|number, passage, raw| show(number.0, passage.language, raw))
                };
                centring.centre_sentences(visit, hear)?;
            }
            // Only the vectors that are needed: mostly there are few, and this is done after every write.
            Some(_) => {
                let visit = |show: Show<'_>| {
                    for (number, _, passage) in &fresh {
                        if let Some(raw) = snapshot.vector(*number)? {
                            show(number.0, passage.language, raw.as_slice());
                        }
                    }
                    Ok::<_, StoreError>(())
                };
                centring.centre_all(visit, take)?;
                let visit = |show: ShowSentences<'_>| {
                    fresh.iter().try_for_each(|(number, _, passage)| {
                        show(number.0, passage.language, &snapshot.sentences(*number)?);
                        Ok::<_, StoreError>(())
                    })
                };
                centring.centre_sentences(visit, hear)?;
            }
        }
        let state = match (&published, unusable) {
            (Some(_), _) => IndexState::Published { scanned: scanned.len() },
            (None, None) => IndexState::Missing,
            (None, Some(reason)) => IndexState::Unusable { reason },
        };
        let mut indexes: Vec<Arc<dyn VectorIndex>> = vec![Arc::new(ExactIndex::new(Arc::new(scanned)))];
        let mut sentences = vec![Arc::new(said)];
        let mut words = vec![Arc::new(LexicalIndex::in_memory(documents(snapshot, &fresh)?)?)];
        if let Some(generation) = &published {
            indexes.push(Arc::clone(&generation.published.index));
            sentences.push(Arc::clone(&generation.published.sentences));
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
            refused,
        })
    }

    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Why its index cannot be used any more, if it cannot.
    pub(super) fn unusable(&self) -> Option<String> {
        self.refused().map(|refused| refused.reason)
    }

    fn refused(&self) -> Option<Refused> {
        self.published.as_ref().and_then(|generation| generation.refused())
    }

    pub(super) fn state(&self) -> IndexState {
        self.unusable().map_or_else(|| self.state.clone(), |reason| IndexState::Unusable { reason })
    }

    /// Vectors of the published index that the store does not hold any more.
    pub(super) fn gone(&self) -> usize {
        let (IndexState::Published { scanned }, Some(generation)) = (&self.state, &self.published) else {
            return 0;
        };
        let embedded = self.counts.passages.saturating_sub(self.counts.pending) as usize;
        (generation.published.index.len() + scanned).saturating_sub(embedded)
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

/// What is published.
enum Found {
    Nothing,
    Usable(Arc<Generation>),
    /// And why.
    Unusable(String),
    Refused(Refused),
}

fn published(library: &Path, encoder: &dyn Encoder, before: Option<&Live>) -> Found {
    loop {
        let current = Published::peek(library).ok().flatten();
        if let (Some((number, manifest)), Some(before)) = (&current, before) {
            let refused = before.refused.clone().or_else(|| before.refused());
            if let Some(refused) =
                refused.filter(|refused| (&refused.number, &refused.manifest) == (number, manifest))
            {
                return Found::Refused(refused);
            }
            let same = |generation: &&Arc<Generation>| {
                (&generation.published.number, &generation.published.manifest) == (number, manifest)
            };
            if let Some(generation) = before.published.as_ref().filter(same) {
                return Found::Usable(Arc::clone(generation));
            }
        }
        match opened(library, encoder) {
            Ok(None) => return Found::Nothing,
            Ok(Some(generation)) => return Found::Usable(Arc::new(generation)),
            // The publisher removes what it has replaced: words are opened by their names.
            Err(_) if Published::peek(library).ok().flatten() != current => {}
            Err(reason) => return Found::Unusable(reason),
        }
    }
}

fn opened(library: &Path, encoder: &dyn Encoder) -> Result<Option<Generation>, String> {
    let Some(published) = Published::open(library).map_err(|error| error.to_string())? else {
        return Ok(None);
    };
    published.manifest.require(encoder.fingerprint()).map_err(|error| error.to_string())?;
    let (dimension, wanted) = (published.manifest.dimension, encoder.dimension());
    if dimension != wanted {
        return Err(format!("its vectors have {dimension} numbers, the model's {wanted}"));
    }
    let centring = Centring::from_json(&published.transform, wanted).map_err(|error| error.to_string())?;
    let words = LexicalIndex::open(&published.directory.join(lexical::FOLDER));
    let words = Arc::new(words.map_err(|error| error.to_string())?);
    Ok(Some(Generation { published, words, centring }))
}
