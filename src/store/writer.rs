//! The one writer: takes the lock, commits durably, and hands out what is still to be embedded.

use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use redb::{Database, Durability, ReadableTable};

use super::codec::encode_vectors;
use super::error::{Fault, Foreign, StoreError, guarded};
use super::lock::Lock;
use super::put::{Change, Cut, Outcome, Putting};
use super::schema::{FORMAT, Tables, key};
use super::{FileStamp, PaperNumber, PassageNumber, Place, Store, file, store_path};
use crate::failpoint;
use crate::paper::{Paper, PaperId, Passage, PassageVectors, Record};

/// The one handle that writes. It reads, too: it derefs to a [`Store`].
pub struct Writer {
    // Declared first, closed first: the lock goes last.
    store: Store,
    lock: Lock,
    dimension: usize,
    read_whole: Vec<(String, FileStamp)>,
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
        let mut writer = Self::open_text(library)?;
        writer.require_model(fingerprint, dimension)?;
        Ok(writer)
    }

    /// Opens the store of `library` for writing, and makes it where there is none, without a model: for text, which
    /// can be embedded later.
    ///
    /// # Errors
    /// As [`Writer::open`].
    pub fn open_text(library: &Path) -> Result<Self, StoreError> {
        if library.is_file() {
            return Err(StoreError::NotAFolder(library.to_owned()));
        }
        fs_err::create_dir_all(library).map_err(|error| StoreError::io(library, error))?;
        let path = store_path(library);
        let lock = Lock::take(&path)?;
        match file::require(&path) {
            Err(StoreError::Missing(_)) => file::create(&path)?,
            found => found?,
        }
        let database = guarded(&path, |_| file::open_writer(&path))?;
        Self::of(&path, database, lock)
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
        let meta = store.meta()?;
        let mut writer = Self { store, lock, dimension: meta.dimension, read_whole: Vec::new() };
        if meta.format != FORMAT {
            // Opening the tables makes those that the older format lacks.
            writer.write(|tables, _| {
                Ok((tables.set(key::FORMAT, &FORMAT.to_string())?, Effect::Bookkeeping))
            })?;
        }
        Ok(writer)
    }

    /// Makes sure that the vectors of the library are by the model with this `fingerprint`; a library that has none
    /// yet is that model's from now on.
    ///
    /// # Errors
    /// [`StoreError::OtherModel`], [`StoreError::Dimension`].
    pub fn require_model(&mut self, fingerprint: &str, dimension: usize) -> Result<(), StoreError> {
        let stored = self.meta()?.fingerprint;
        if stored.is_empty() {
            self.write(|tables, _| {
                tables.set(key::FINGERPRINT, fingerprint)?;
                tables.set(key::DIMENSION, &dimension.to_string())?;
                Ok(((), Effect::Bookkeeping))
            })?;
            self.dimension = dimension;
        } else if stored != fingerprint {
            let path = self.path().to_path_buf();
            return Err(StoreError::OtherModel { path, stored, given: fingerprint.to_owned() });
        } else if self.dimension != dimension {
            return Err(StoreError::Dimension { stored: self.dimension, given: dimension });
        }
        Ok(())
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
            put_all(tables, Some(&|paper| foreign.call(|| passages(paper))), records)
        })
    }

    /// Stores `records` as [`Writer::put`] does, and leaves the passages to [`Writer::cut`]; those whose text did not
    /// change stay.
    ///
    /// # Errors
    /// As [`Writer::put`].
    pub fn put_text(&mut self, records: Vec<Record>) -> Result<Vec<Outcome>, StoreError> {
        self.write(|tables, _| put_all(tables, None, records))
    }

    /// Notes, with the next commit, that `file` was read whole when it was like `stamp`.
    pub fn note_read(&mut self, file: String, stamp: FileStamp) {
        self.read_whole.push((file, stamp));
    }

    /// Takes back what the records at `places` said: their files do not say it any more. Papers that are left with other
    /// records are cut anew by `cut`.
    ///
    /// # Errors
    /// Where it cannot be written; nothing is taken back then.
    pub fn withdraw(&mut self, places: &[Place], cut: Cut<'_>) -> Result<(), StoreError> {
        self.write(|tables, foreign| {
            let cut = cut.map(|passages| move |paper: &Paper| foreign.call(|| passages(paper)));
            let cut = cut.as_ref().map(|cut| cut as &dyn Fn(&Paper) -> Vec<Passage>);
            let mut putting = Putting { tables, cut };
            for place in places {
                putting.withdraw_place(&place.key())?;
            }
            Ok(((), Effect::news(!places.is_empty())))
        })
    }

    /// Stores vectors of passages, durably. A passage that is gone meanwhile is passed over.
    ///
    /// # Errors
    /// [`StoreError::Dimension`] where a vector is not of the library's; nothing is stored then.
    pub fn put_vectors(&mut self, vectors: &[(PassageNumber, PassageVectors)]) -> Result<(), StoreError> {
        let mut given = vectors.iter().flat_map(|(_, vectors)| vectors.all());
        if let Some(odd) = given.find(|vector| vector.dimension() != self.dimension) {
            return Err(StoreError::Dimension { stored: self.dimension, given: odd.dimension() });
        }
        self.write(|tables, _| {
            let mut effect = Effect::Nothing;
            for (PassageNumber(number), vectors) in vectors {
                if tables.passages.get(number)?.is_some() {
                    tables.vectors.insert(number, encode_vectors(*number, vectors).as_slice())?;
                    tables.pending.remove(number)?;
                    effect = Effect::News;
                }
            }
            Ok(((), effect))
        })
    }

    /// Removes the paper with this id or alias, all its records, passages and vectors; `None` if there is none.
    /// It stays away, also when a file that tells of it is read again, until [`Writer::readmit`].
    ///
    /// # Errors
    /// Where it cannot be written; nothing is removed then.
    pub fn remove(&mut self, name: &PaperId) -> Result<Option<PaperNumber>, StoreError> {
        self.write(|tables, _| {
            let removed = Putting { tables, cut: None }.remove(name)?;
            Ok((removed.map(PaperNumber), Effect::news(removed.is_some())))
        })
    }

    /// Lets a removed paper in again, when one of its files is read next; says which those are, or `None` if no such
    /// paper was removed.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn readmit(&mut self, name: &PaperId) -> Result<Option<Vec<String>>, StoreError> {
        self.write(|tables, _| {
            let files = Putting { tables, cut: None }.readmit(name)?;
            let effect = Effect::news(files.is_some());
            Ok((files, effect))
        })
    }

    /// Makes the records at `places` a paper of their own, for ever apart from the paper `number`; says the ids of
    /// both, or `None` if `places` are all of its records, or none. Both are left to [`Writer::cut`].
    ///
    /// # Errors
    /// Where it cannot be written; nothing is changed then.
    pub fn split(
        &mut self,
        number: PaperNumber,
        places: &[Place],
    ) -> Result<Option<(PaperId, PaperId)>, StoreError> {
        let places: Vec<String> = places.iter().map(Place::key).collect();
        self.write(|tables, _| {
            let ids = Putting { tables, cut: None }.split(number.0, &places)?;
            let effect = Effect::news(ids.is_some());
            Ok((ids, effect))
        })
    }

    /// Notes every paper to be cut, if that was last done by rules of another `version`.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn cut_by(&mut self, version: u32) -> Result<(), StoreError> {
        if self.meta()?.passage_version == version {
            return Ok(());
        }
        self.write(|tables, _| {
            for row in tables.papers.iter()? {
                tables.uncut.insert(row?.0.value(), ())?;
            }
            Ok((tables.set(key::PASSAGE_VERSION, &version.to_string())?, Effect::Bookkeeping))
        })
    }

    /// Cuts up to `most` of the papers that are noted for it into passages; says how many. Unchanged passages keep
    /// their vectors.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn cut(
        &mut self,
        most: usize,
        passages: &dyn Fn(&Paper) -> Vec<Passage>,
    ) -> Result<usize, StoreError> {
        self.write(|tables, foreign| {
            let rows = tables.uncut.iter()?.take(most);
            let numbers = rows.map(|row| Ok(row?.0.value())).collect::<Result<Vec<u32>, Fault>>()?;
            let cut = |paper: &Paper| foreign.call(|| passages(paper));
            let mut putting = Putting { tables, cut: Some(&cut) };
            for number in &numbers {
                putting.cut_again(*number)?;
            }
            Ok((numbers.len(), Effect::news(!numbers.is_empty())))
        })
    }

    /// Forgets the vectors of passages that were given up, and commits what [`Writer::note_read`] noted: an ingest is
    /// over.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn settle(&mut self) -> Result<(), StoreError> {
        self.write(|tables, _| {
            let mut effect = Effect::Nothing;
            while tables.spare.pop_first()?.is_some() {
                effect = Effect::Bookkeeping;
            }
            Ok(((), effect))
        })
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

    /// Closes the file; the lock is kept.
    pub(super) fn close(&mut self) {
        self.store.close();
    }

    /// One transaction: durable when it returns, undone where `work` fails or says that nothing changed.
    pub(super) fn write<T>(
        &mut self,
        work: impl FnOnce(&mut Tables<'_>, &Foreign) -> Result<(T, Effect), Fault>,
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
                let (value, effect) = work(tables, foreign)?;
                if effect == Effect::News {
                    let revision = now().max(tables.number(key::REVISION)?.saturating_add(1));
                    tables.set(key::REVISION, &revision.to_string())?;
                }
                for (file, stamp) in &self.read_whole {
                    tables.files.insert(file.as_str(), stamp.to_json()?.as_slice())?;
                }
                Ok::<_, Fault>((value, effect != Effect::Nothing || !self.read_whole.is_empty()))
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
                    self.read_whole.clear();
                    Ok(value)
                }
                Ok(Ok((value, false))) => {
                    Ok(ManuallyDrop::into_inner(transaction).abort().map(|()| value)?)
                }
                Ok(Err(fault)) => {
                    if !damage {
                        // After a full disk redb refuses this too; what went wrong first is what to tell.
                        let _ = ManuallyDrop::into_inner(transaction).abort();
                    }
                    Err(fault)
                }
                Err(panic) => {
                    if !damage {
                        let _ = ManuallyDrop::into_inner(transaction).abort();
                    }
                    resume_unwind(panic)
                }
            }
        })
    }
}

/// What a transaction has done.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing: it is undone.
    Nothing,
    /// Something that no answer shows.
    Bookkeeping,
    /// Something that readers and the index must take notice of: a new revision.
    News,
}

impl Effect {
    fn news(changed: bool) -> Self {
        if changed { Self::News } else { Self::Nothing }
    }
}

fn put_all(
    tables: &mut Tables<'_>,
    cut: Cut<'_>,
    records: Vec<Record>,
) -> Result<(Vec<Outcome>, Effect), Fault> {
    let mut putting = Putting { tables, cut };
    let outcomes = records.into_iter().map(|record| putting.put(record)).collect::<Result<Vec<_>, _>>()?;
    let changed = outcomes.iter().any(|outcome| matches!(outcome.change, Change::New | Change::Changed));
    Ok((outcomes, Effect::news(changed)))
}

/// Milliseconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
