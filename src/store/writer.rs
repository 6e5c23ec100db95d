//! The one writer: takes the lock, commits durably, and hands out what is still to be embedded.

use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use redb::{Database, Durability, ReadableTable};

use super::codec::encode_vector;
use super::error::{Fault, Foreign, StoreError, guarded};
use super::lock::Lock;
use super::put::{Outcome, Putting};
use super::schema::{Tables, key};
use super::{PaperNumber, PassageNumber, Store, file, store_path};
use crate::failpoint;
use crate::paper::{Paper, PaperId, Passage, Record, UnitVector};

/// The one handle that writes. It reads, too: it derefs to a [`Store`].
pub struct Writer {
    // Declared first, closed first: the lock goes last.
    store: Store,
    lock: Lock,
    dimension: usize,
}

impl Deref for Writer {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl Writer {
    /// Opens the store of `library` for writing, and makes it where there is none, for vectors of `dimension`
    /// numbers by the model with this `fingerprint`.
    ///
    /// # Errors
    /// [`StoreError::Locked`] at once while there is another writer; [`StoreError::OtherModel`];
    /// [`StoreError::NewerFormat`]; [`StoreError::Damaged`]; [`StoreError::DiskFull`].
    pub fn open(library: &Path, fingerprint: &str, dimension: usize) -> Result<Self, StoreError> {
        fs_err::create_dir_all(library).map_err(|error| StoreError::io(library, error))?;
        let path = store_path(library);
        let lock = Lock::take(&path)?;
        match file::require(&path) {
            Err(StoreError::Missing(_)) => file::create(&path, fingerprint, dimension)?,
            found => found?,
        }
        let database = guarded(&path, |_| file::open_writer(&path))?;
        Self::of(&path, database, lock)?.of_model(fingerprint, dimension)
    }

    /// Opens the store of `library`, which must exist, whatever its model: to remove, to check, to export.
    ///
    /// # Errors
    /// As [`Writer::open`], and [`StoreError::Missing`].
    pub fn open_existing(library: &Path) -> Result<Self, StoreError> {
        let path = store_path(library);
        file::require(&path)?;
        let lock = Lock::take(&path)?;
        let database = guarded(&path, |_| file::open_writer(&path))?;
        Self::of(&path, database, lock)
    }

    pub(super) fn of(path: &Path, database: Database, lock: Lock) -> Result<Self, StoreError> {
        let store = Store::of(path, file::Handle::Writer(database));
        let dimension = store.meta()?.dimension;
        Ok(Self { store, lock, dimension })
    }

    fn of_model(self, fingerprint: &str, dimension: usize) -> Result<Self, StoreError> {
        let stored = self.meta()?.fingerprint;
        if stored != fingerprint {
            let path = self.path().to_path_buf();
            return Err(StoreError::OtherModel { path, stored, given: fingerprint.to_owned() });
        }
        if self.dimension != dimension {
            return Err(StoreError::Dimension { stored: self.dimension, given: dimension });
        }
        Ok(self)
    }

    /// Closes the file and opens it again, under the same lock, after an error of which
    /// [`StoreError::needs_reopen`] is true; redb refuses to write until then. Nothing acknowledged is lost.
    ///
    /// # Errors
    /// As [`Writer::open`].
    pub fn reopen(self) -> Result<Self, StoreError> {
        let Self { store, lock, .. } = self;
        let path = store.path().to_path_buf();
        drop(store);
        let database = guarded(&path, |_| file::open_writer(&path))?;
        Self::of(&path, database, lock)
    }

    /// Stores `records`, all in one transaction; when this returns they are durable. Each finds its paper by its
    /// names, and the paper is merged anew and cut into passages by `passages`; a passage whose text was there
    /// before keeps its number and its vector.
    ///
    /// # Errors
    /// Nothing of `records` is stored then. [`StoreError::Unstorable`] names the record.
    pub fn put(
        &mut self,
        records: Vec<Record>,
        passages: &dyn Fn(&Paper) -> Vec<Passage>,
    ) -> Result<Vec<Outcome>, StoreError> {
        self.write(|tables, foreign| {
            let mut putting = Putting { tables, passages: &|paper| foreign.call(|| passages(paper)) };
            let outcomes =
                records.into_iter().map(|record| putting.put(record)).collect::<Result<Vec<_>, _>>()?;
            let changed = outcomes.iter().any(|outcome| outcome.change != super::Change::Unchanged);
            Ok((outcomes, changed))
        })
    }

    /// Stores vectors of passages, durably. A passage that is gone meanwhile is passed over.
    ///
    /// # Errors
    /// [`StoreError::Dimension`] where a vector is not of the library's; nothing is stored then.
    pub fn put_vectors(&mut self, vectors: &[(PassageNumber, UnitVector)]) -> Result<(), StoreError> {
        if let Some((_, odd)) = vectors.iter().find(|(_, vector)| vector.dimension() != self.dimension) {
            return Err(StoreError::Dimension { stored: self.dimension, given: odd.dimension() });
        }
        self.write(|tables, _| {
            let mut changed = false;
            for (PassageNumber(number), vector) in vectors {
                if tables.passages.get(number)?.is_some() {
                    tables.vectors.insert(number, encode_vector(*number, vector).as_slice())?;
                    tables.pending.remove(number)?;
                    changed = true;
                }
            }
            Ok(((), changed))
        })
    }

    /// Removes the paper with this id or alias, all its records, passages and vectors; `None` if there is none.
    /// It comes back when a file that tells of it is ingested again.
    ///
    /// # Errors
    /// Where it cannot be written; nothing is removed then.
    pub fn remove(&mut self, name: &PaperId) -> Result<Option<PaperNumber>, StoreError> {
        self.write(|tables, _| {
            let removed = Putting { tables, passages: &|_| Vec::new() }.remove(name)?;
            Ok((removed.map(PaperNumber), removed.is_some()))
        })
    }

    /// Cuts every paper into passages again, if that was last done by rules of another `version`; says how many
    /// papers. Unchanged passages keep their vectors. Until this has returned the old version stays noted, so that
    /// it is begun again after a kill.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn cut_again(
        &mut self,
        version: u32,
        passages: &dyn Fn(&Paper) -> Vec<Passage>,
    ) -> Result<usize, StoreError> {
        const BATCH: usize = 500;
        let meta = self.meta()?;
        if meta.passage_version == version {
            return Ok(0);
        }
        let mut done = 0;
        let mut next = Some(0);
        while let Some(from) = next {
            next = self.write(|tables, foreign| {
                let numbers = tables
                    .records
                    .range(from..)?
                    .take(BATCH)
                    .map(|row| Ok(row?.0.value()))
                    .collect::<Result<Vec<u32>, Fault>>()?;
                let mut putting = Putting { tables, passages: &|paper| foreign.call(|| passages(paper)) };
                for number in &numbers {
                    putting.cut_again(*number)?;
                }
                done += numbers.len();
                let next =
                    numbers.last().filter(|_| numbers.len() == BATCH).and_then(|last| last.checked_add(1));
                if next.is_none() {
                    tables.set(key::PASSAGE_VERSION, &version.to_string())?;
                }
                Ok((next, true))
            })?;
        }
        Ok(done)
    }

    /// For the check, which wants redb for itself.
    pub(super) fn with_database<T>(
        &mut self,
        work: impl FnOnce(&mut Database) -> T,
    ) -> Result<T, StoreError> {
        match &mut self.store.handle {
            Some(file::Handle::Writer(database)) => Ok(work(database)),
            _ => Err(StoreError::NeedsReopen(self.store.path().to_path_buf())),
        }
    }

    /// One transaction: durable when it returns, undone where `work` fails or says that nothing changed.
    fn write<T>(
        &mut self,
        work: impl FnOnce(&mut Tables<'_>, &Foreign) -> Result<(T, bool), Fault>,
    ) -> Result<T, StoreError> {
        let path = self.store.path().to_path_buf();
        guarded(&path, |foreign| {
            let Some(file::Handle::Writer(database)) = &self.store.handle else {
                return Err(StoreError::NeedsReopen(path.clone()).into());
            };
            let mut transaction = ManuallyDrop::new(database.begin_write()?);
            transaction.set_durability(Durability::Immediate)?;
            let mut tables = ManuallyDrop::new(None);
            let done = catch_unwind(AssertUnwindSafe(|| {
                let tables = tables.insert(Tables::open(&transaction)?);
                let (value, changed) = work(tables, foreign)?;
                if changed {
                    let revision = now().max(tables.number(key::REVISION)?.saturating_add(1));
                    tables.set(key::REVISION, &revision.to_string())?;
                }
                Ok::<_, Fault>((value, changed))
            }));
            let damage = match &done {
                Ok(Ok(_)) => false,
                Ok(Err(fault)) => fault.is_damage(),
                Err(_) => !foreign.is_running(),
            };
            if damage {
                // What redb was doing when it met the damage cannot be undone: its destructors would meet it again,
                // and two panics at once end the process. So all of it is left as it is, with the file open.
                std::mem::forget(self.store.handle.take());
            } else {
                drop(ManuallyDrop::into_inner(tables));
            }
            match done {
                Ok(Ok((value, true))) => {
                    failpoint::reach("store.commit.before");
                    ManuallyDrop::into_inner(transaction).commit()?;
                    failpoint::reach("store.commit.after");
                    Ok(value)
                }
                Ok(Ok((value, false))) => {
                    Ok(ManuallyDrop::into_inner(transaction).abort().map(|()| value)?)
                }
                Ok(Err(fault)) => {
                    if !damage {
                        ManuallyDrop::into_inner(transaction).abort()?;
                    }
                    Err(fault)
                }
                Err(panic) => {
                    if !damage {
                        ManuallyDrop::into_inner(transaction).abort()?;
                    }
                    resume_unwind(panic)
                }
            }
        })
    }
}

/// Milliseconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
