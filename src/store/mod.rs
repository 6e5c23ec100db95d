//! The truth: records, papers, passages and raw vectors, in one crash-safe file.
//!
//! One [`Writer`], any number of [`Store`]s reading beside it, also in other processes. What [`Writer::put`] has
//! returned survives a kill and a loss of power. Everything else of a library is derived from here.

mod backup;
mod build;
mod check;
mod codec;
mod disk;
mod error;
#[cfg(test)]
mod faults;
mod file;
mod lock;
mod put;
mod renewal;
mod schema;
mod separate;
mod snapshot;
mod writer;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::paper::{Evidence, Mention, Paper, PaperId, Passage, Record, UnitVector};

pub use backup::restore;
pub use check::Finding;
pub use error::StoreError;
pub use put::{Change, Cut, Outcome};
pub use snapshot::Snapshot;
pub use writer::Writer;

/// A paper in the store. Never given twice, also after the paper is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PaperNumber(pub u32);

/// A passage in the store. Never given twice: a passage whose text changed has a new number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PassageNumber(pub u32);

/// How much a store holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Papers.
    pub papers: u64,
    /// Passages.
    pub passages: u64,
    /// Passages without vector.
    pub pending: u64,
    /// Papers whose passages are not cut yet.
    pub uncut: u64,
}

/// Where a record was read: its file, and which of the file's records it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: String,
    /// The record's slot.
    pub slot: String,
}

impl Place {
    /// Of a record.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        Self { file: record.source.file.clone(), slot: record.source.slot.clone() }
    }

    /// NUL stands in no file name.
    fn key(&self) -> String {
        format!("{}\0{}", self.file, self.slot)
    }
}

/// Why a record is held to be of one work with others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// The record: its file, NUL, its slot.
    place: String,
    /// The paper that it was joined to, under the name of that time.
    pub with: PaperId,
    /// Why.
    pub evidence: Evidence,
}

impl Join {
    /// Whether it is about this record.
    #[must_use]
    pub fn is_of(&self, record: &Record) -> bool {
        self.place == Place::of(record).key()
    }
}

/// What a file was like when it was last read whole: the same file need not be read again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStamp {
    /// Its size.
    pub bytes: u64,
    /// When it was changed, in nanoseconds since 1970.
    pub modified: u64,
    /// The version of the readers that read it.
    pub readers: u32,
    /// The records found in it.
    pub records: usize,
}

impl FileStamp {
    fn to_json(&self) -> Result<Vec<u8>, error::Fault> {
        serde_json::to_vec(self).map_err(|error| error::Fault::Value(format!("files: {error}")))
    }
}

/// A passage that waits for its vectors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Its number.
    pub number: PassageNumber,
    /// The text to embed.
    pub text: String,
    /// Its telling sentences, to be embedded too.
    pub sentences: Vec<String>,
}

/// The facts about a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Of the file's tables.
    pub format: u32,
    /// Of the model that made the vectors; empty while there are none.
    pub fingerprint: String,
    /// How many numbers each vector has.
    pub dimension: usize,
    /// Of the last commit: milliseconds since 1970 when it was made, or one more than the one before. So neither a
    /// store that was deleted and made again nor a restored backup repeats the revision of a published index.
    pub revision: u64,
    /// Of the rules by which papers were cut into passages ([`Writer::cut_by`]).
    pub passage_version: u32,
}

/// Where the store of a library lies.
#[must_use]
pub fn store_path(library: &Path) -> PathBuf {
    library.join("store.redb")
}

/// A store open for reading. Its methods each see the latest commit; [`Store::snapshot`] holds one moment still.
pub struct Store {
    path: Arc<Path>,
    handle: Option<file::Handle>,
}

impl Store {
    /// Opens the store of `library` for reading, also while another process writes.
    ///
    /// # Errors
    /// [`StoreError::Missing`] where there is none; [`StoreError::Damaged`]; [`StoreError::NewerFormat`].
    pub fn open(library: &Path) -> Result<Self, StoreError> {
        let path = store_path(library);
        let store = Self::of(&path, file::Handle::Reader(file::open_reader(&path)?));
        store.snapshot()?.meta()?;
        Ok(store)
    }

    fn of(path: &Path, handle: file::Handle) -> Self {
        Self { path: path.into(), handle: Some(handle) }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The latest commit, held still for as long as the snapshot lives. Keep it short: the writer cannot reuse
    /// the space of what a snapshot still sees.
    ///
    /// # Errors
    /// Where the store is damaged or cannot be read; so for every method here.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let handle = self.handle.as_ref().ok_or_else(|| StoreError::NeedsReopen(self.path.to_path_buf()))?;
        let transaction = error::guarded(&self.path, |_| handle.begin_read())?;
        Ok(Snapshot { path: Arc::clone(&self.path), transaction })
    }

    /// See [`Snapshot::meta`].
    pub fn meta(&self) -> Result<Meta, StoreError> {
        self.snapshot()?.meta()
    }

    /// See [`Snapshot::revision`].
    pub fn revision(&self) -> Result<u64, StoreError> {
        self.snapshot()?.revision()
    }

    /// See [`Snapshot::counts`].
    pub fn counts(&self) -> Result<Counts, StoreError> {
        self.snapshot()?.counts()
    }

    /// See [`Snapshot::paper_by_name`].
    pub fn paper_by_name(&self, name: &PaperId) -> Result<Option<(PaperNumber, Paper)>, StoreError> {
        self.snapshot()?.paper_by_name(name)
    }

    /// See [`Snapshot::number_of_mention`].
    pub fn number_of_mention(&self, mention: &Mention) -> Result<Option<PaperNumber>, StoreError> {
        self.snapshot()?.number_of_mention(mention)
    }

    /// See [`Snapshot::paper`].
    pub fn paper(&self, number: PaperNumber) -> Result<Option<Paper>, StoreError> {
        self.snapshot()?.paper(number)
    }

    /// See [`Snapshot::records`].
    pub fn records(&self, number: PaperNumber) -> Result<Vec<Record>, StoreError> {
        self.snapshot()?.records(number)
    }

    /// See [`Snapshot::visit_papers`].
    pub fn visit_papers(&self, visit: impl FnMut(PaperNumber, Paper)) -> Result<(), StoreError> {
        self.snapshot()?.visit_papers(visit)
    }

    /// See [`Snapshot::passages`].
    pub fn passages(&self) -> Result<Vec<(PassageNumber, PaperNumber, Passage)>, StoreError> {
        self.snapshot()?.passages()
    }

    /// See [`Snapshot::passages_of`].
    pub fn passages_of(&self, number: PaperNumber) -> Result<Vec<(PassageNumber, Passage)>, StoreError> {
        self.snapshot()?.passages_of(number)
    }

    /// See [`Snapshot::passage`].
    pub fn passage(&self, number: PassageNumber) -> Result<Option<(PaperNumber, Passage)>, StoreError> {
        self.snapshot()?.passage(number)
    }

    /// See [`Snapshot::visit_vectors`].
    pub fn visit_vectors(&self, visit: impl FnMut(PassageNumber, &[f32])) -> Result<(), StoreError> {
        self.snapshot()?.visit_vectors(visit)
    }

    /// See [`Snapshot::vector`].
    pub fn vector(&self, number: PassageNumber) -> Result<Option<UnitVector>, StoreError> {
        self.snapshot()?.vector(number)
    }

    /// See [`Snapshot::sentences`].
    pub fn sentences(&self, number: PassageNumber) -> Result<Vec<UnitVector>, StoreError> {
        self.snapshot()?.sentences(number)
    }

    /// See [`Snapshot::pending`].
    pub fn pending(&self, limit: usize) -> Result<Vec<Pending>, StoreError> {
        self.snapshot()?.pending(limit)
    }
}

impl Store {
    fn close(&mut self) {
        // Closing writes, and what it writes to may be damaged; there is nobody left to tell.
        let handle = self.handle.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(handle)));
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close();
    }
}
