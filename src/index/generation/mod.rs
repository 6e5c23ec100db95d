//! Published generations: an index on disk, whole or not there, verified before a byte of it is used.
//!
//! A generation is a directory of files that never change. `CURRENT` names one, with the checksum of its manifest, which
//! has the checksums of all the rest; replacing `CURRENT` is the only moment at which anything is published.
//! Whatever fails here costs time and no data: the store has it all.
//!
//! What every search goes through (bytes, links) is mapped, and verified when it is opened. What is looked at piece by piece (whole
//! vectors, sentences) is verified piece by piece, each time: so to open takes a tenth of a second for a million vectors.

mod read;
mod write;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Effort, HnswIndex, SentenceVectors, VectorIndex};

pub use write::{Beside, Draft};

/// The format written here.
const FORMAT: u32 = 5;
const CURRENT: &str = "CURRENT";
const MANIFEST: &str = "manifest.json";
const VECTORS: &str = "vectors.f32";
const VECTOR_SEALS: &str = "vectors.xxh3";
const CODES: &str = "vectors.i8";
const SCALES: &str = "scales.f32";
const NUMBERS: &str = "numbers.u32";
const SENTENCES: &str = "sentences.i8";
const SENTENCE_SEALS: &str = "sentences.xxh3";
const SENTENCE_COUNTS: &str = "sentences.u32";
const TRANSFORM: &str = "transform.json";
const GRAPH: &str = "graph.u32";

/// How a generation is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// [`super::ExactIndex`].
    Exact,
    /// [`super::HnswIndex`].
    Hnsw,
}

/// A file of a generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFile {
    /// Its name in the directory.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Its checksum (XXH3, 128 bits), in hexadecimal.
    pub xxh3: String,
}

/// What a generation says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The format of the generation.
    pub format: u32,
    /// Of the model that made the vectors.
    pub fingerprint: String,
    /// The store's revision it was built from.
    pub revision: u64,
    /// How many vectors.
    pub count: usize,
    /// How many numbers each has.
    pub dimension: usize,
    /// How far the farthest vector is from its bytes.
    pub rounding: f32,
    /// How it is searched.
    pub kind: Kind,
    /// What finding the nearest was measured to take; of a graph only.
    pub effort: Option<Effort>,
    /// Its files but for the manifest.
    pub files: Vec<StoredFile>,
}

impl Manifest {
    /// Whether this was made by the model with this `fingerprint`.
    ///
    /// # Errors
    /// [`GenerationError::OtherModel`].
    pub fn require(&self, fingerprint: &str) -> Result<(), GenerationError> {
        if self.fingerprint == fingerprint {
            return Ok(());
        }
        Err(GenerationError::OtherModel { stored: self.fingerprint.clone(), given: fingerprint.to_owned() })
    }
}

/// A generation that is open: its directory may go, but for what stands beside.
pub struct Published {
    /// Where it lies.
    pub directory: PathBuf,
    /// Its number in the library.
    pub number: u64,
    /// What it says of itself.
    pub manifest: Manifest,
    /// What was done to the stored vectors.
    pub transform: Vec<u8>,
    /// The index.
    pub index: Arc<dyn VectorIndex>,
    /// The index once more, if it is a graph.
    pub graph: Option<Arc<HnswIndex>>,
    /// The vectors of the passages' sentences.
    pub sentences: Arc<SentenceVectors>,
}

/// Why there is no index to be had. In each case: search the store's vectors by scan, and publish anew.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GenerationError {
    /// A file is not what was published.
    #[error("{} is damaged ({why}); the index is rebuilt from the store", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        why: String,
    },
    /// Made by another model.
    #[error("the index is of the model {stored}, not of {given}; it is rebuilt from the store")]
    OtherModel {
        /// The model it is of.
        stored: String,
        /// The model asked for.
        given: String,
    },
    /// Another process publishes.
    #[error("{} is being published to by another process", .0.display())]
    Busy(PathBuf),
    /// No space; what was published before is still there.
    #[error("the disk of {} is full: free some space and repeat", .0.display())]
    DiskFull(PathBuf),
    /// Anything else of the operating system's.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl GenerationError {
    fn io(path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull(path.to_owned()),
            _ => Self::Io { path: path.to_owned(), source },
        }
    }

    fn damaged(path: &Path, why: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), why: why.into() }
    }
}

fn generations(library: &Path) -> PathBuf {
    library.join("generations")
}

fn hex(checksum: u128) -> String {
    format!("{checksum:032x}")
}
