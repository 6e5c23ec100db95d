//! The store's vectors, centred, as the next generation of the index.

use std::collections::HashMap;
use std::path::Path;

use crate::embed::Encoder;
use crate::index::{Centring, CentringError, Contents, FlatVectors, Generation, GenerationError, PassageMeans};
use crate::paper::{Language, Role, UnitVector};
use crate::store::{PassageNumber, Store, StoreError};

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

/// Builds and publishes the generation of what `store` holds. Call it while holding the library's writer: two publishers
/// would clean up each other's work.
///
/// # Errors
/// If store or disk fail.
pub fn publish(
    library: &Path,
    store: &Store,
    encoder: &dyn Encoder,
    prior: &Centring,
) -> Result<Generation, PublishError> {
    let languages: HashMap<PassageNumber, Language> =
        store.passages()?.into_iter().map(|(number, _, passage)| (number, passage.language)).collect();
    let mut means = PassageMeans::default();
    store.visit_vectors(|number, raw| {
        if let Some(language) = languages.get(&number) {
            means.add(*language, raw);
        }
    })?;
    let centring = prior.blended_with(&means);
    let mut vectors = FlatVectors::new(encoder.dimension());
    store.visit_vectors(|number, raw| {
        if let (Some(language), Ok(raw)) = (languages.get(&number), UnitVector::new(raw.to_vec())) {
            vectors.push(number, &centring.apply(Role::Passage, *language, &raw));
        }
    })?;
    Ok(Generation::publish(
        library,
        Contents {
            fingerprint: encoder.fingerprint().to_owned(),
            transform: centring.to_json()?,
            revision: store.revision()?,
            vectors,
        },
    )?)
}
