//! The store's vectors, centred, as the next generation of the index.

use std::path::Path;

use super::Model;
use crate::index::{self, Centring, CentringError, Contents, GenerationError, Published, Show};
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
    let vectors = centring.centre_all(encoder.dimension(), |_| true, visit)?;
    let contents = Contents {
        fingerprint: encoder.fingerprint(),
        transform: &centring.to_json()?,
        revision: snapshot.revision()?,
        vectors,
    };
    Ok(index::publish(library, contents)?)
}
