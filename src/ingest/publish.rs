//! The store's vectors, centred, and the words of its passages, as the next generation of the index.

use std::path::Path;

use super::Model;
use crate::index::{Beside, Centring, CentringError, Draft, GenerationError, Published, Show, ShowSentences};
use crate::lexical::{self, Document, LexicalIndex};
use crate::store::{Snapshot, Store, StoreError};

/// Why no generation was published; the one before, if any, still answers.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The disk failed.
    #[error(transparent)]
    Generation(#[from] GenerationError),
    /// The language means do not fit.
    #[error(transparent)]
    Centring(#[from] CentringError),
}

/// Whether the published generation is sound, of this model and these means, and of the store's present revision.
///
/// # Errors
/// If the store cannot be read.
pub fn is_current(library: &Path, store: &Store, model: Model<'_>) -> Result<bool, PublishError> {
    // Opened whole, so that an ingest heals a damaged index.
    let Ok(Some(published)) = Published::open(library) else { return Ok(false) };
    if published.verify().is_err() {
        return Ok(false);
    }
    let snapshot = store.snapshot()?;
    let same_truth = published.manifest.revision == snapshot.revision()?
        && published.manifest.require(model.encoder.fingerprint()).is_ok();
    Ok(same_truth && published.transform == centring_of(&snapshot, model.prior)?.to_json()?)
}

fn centring_of(snapshot: &Snapshot, prior: &Centring) -> Result<Centring, StoreError> {
    prior.blended_over(|show| {
        snapshot.visit_embedded(|number, passage, raw| show(number.0, passage.language, raw))
    })
}

/// Builds and publishes the generation of what `store` holds.
///
/// # Errors
/// If store or disk fail, or another process is publishing.
pub fn publish(library: &Path, store: &Store, model: Model<'_>) -> Result<Published, PublishError> {
    let snapshot = store.snapshot()?;
    let visit = |show: Show<'_>| {
        snapshot.visit_embedded(|number, passage, raw| show(number.0, passage.language, raw))
    };
    let Model { encoder, prior } = model;
    let centring = centring_of(&snapshot, prior)?;
    let mut draft = Draft::begin(library, encoder.dimension())?;
    centring.centre_all(visit, |number, vector| draft.push(number, vector))?;
    centring.centre_sentences(
        |show: ShowSentences<'_>| {
            snapshot.visit_sentences(|number, passage, raw| show(number.0, passage.language, raw))
        },
        |number, sentences| draft.push_sentences(number, sentences),
    )?;
    let words = Beside { folder: lexical::FOLDER, write: &|folder| write_words(folder, &snapshot) };
    let (fingerprint, transform) = (encoder.fingerprint(), centring.to_json()?);
    Ok(draft.publish(fingerprint, &transform, snapshot.revision()?, None, Some(words))?)
}

/// Every passage's words.
fn write_words(folder: &Path, snapshot: &Snapshot) -> std::io::Result<Vec<String>> {
    let failed = |error: StoreError| std::io::Error::other(error);
    let mut passages = snapshot.passages().map_err(failed)?;
    passages.sort_by_key(|(number, paper, _)| (*paper, *number));
    let mut failure = None;
    let mut last = None;
    let documents = passages.iter().filter_map(|(number, paper, passage)| {
        // Passages of one paper stand together: it is read once.
        if last.as_ref().is_none_or(|(known, _)| known != paper) {
            last = match snapshot.paper(*paper) {
                Ok(found) => found.map(|found| (*paper, found)),
                Err(error) => {
                    failure.get_or_insert(error);
                    None
                }
            };
        }
        last.as_ref().and_then(|(_, paper)| Document::of(number.0, paper, passage))
    });
    let written = LexicalIndex::write(folder, documents).map_err(std::io::Error::other);
    failure.map_or(written, |error| Err(failed(error)))
}
