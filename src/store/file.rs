//! The file itself: made whole or not at all, repaired after a kill by whoever opens it next, read beside a writer.

use std::path::Path;
use std::time::{Duration, Instant};

use redb::{
    Builder, ConcurrencyMode, Database, DatabaseError, ReadOnlyDatabase, ReadTransaction, ReadableDatabase,
};

use super::disk::{Disk, Growth};
use super::error::{Fault, StoreError, guarded};
use super::lock::Lock;
use super::schema::{FORMAT, Tables, key};
use crate::failpoint;

/// Pages kept in memory by each handle. redb would take 1 GiB.
const CACHE_BYTES: usize = 64 << 20;

/// How long a reader waits for a writer that is just repairing the file.
const PATIENCE: Duration = Duration::from_secs(10);

/// redb in the mode in which readers of other processes follow the one writer.
pub(super) fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_concurrency_mode(ConcurrencyMode::SingleWriter).set_cache_size(CACHE_BYTES);
    builder
}

/// An open file.
pub(super) enum Handle {
    /// Reads.
    Reader(ReadOnlyDatabase),
    /// Reads and writes.
    Writer(Database),
}

impl Handle {
    /// A snapshot.
    pub(super) fn begin_read(&self) -> Result<ReadTransaction, Fault> {
        Ok(match self {
            Self::Reader(database) => database.begin_read()?,
            Self::Writer(database) => database.begin_read()?,
        })
    }
}

/// Opens the store at `path` for reading. If its last writer was killed it is repaired first.
pub(super) fn open_reader(path: &Path) -> Result<ReadOnlyDatabase, StoreError> {
    require(path)?;
    let begin = Instant::now();
    let mut repaired = false;
    loop {
        match guarded(path, |_| Ok(builder().open_read_only(path)))? {
            Err(DatabaseError::RepairAborted) if repaired => {
                return Err(StoreError::damaged(path, "it does not stay repaired"));
            }
            Err(DatabaseError::RepairAborted) => match Lock::take(path) {
                Ok(_lock) => {
                    guarded(path, |_| Ok(open_growing(path, Growth::Spare)?.close()?))?;
                    repaired = true;
                }
                // A writer is starting, and repairs it itself.
                Err(StoreError::Locked { .. }) if begin.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(error) => return Err(error),
            },
            result => return guarded(path, |_| Ok(result?)),
        }
    }
}

/// Opens an existing store for writing; the caller holds the lock.
pub(super) fn open_writer(path: &Path) -> Result<Database, Fault> {
    open_growing(path, Growth::Allocated)
}

fn open_growing(path: &Path, growth: Growth) -> Result<Database, Fault> {
    let file =
        fs_err::OpenOptions::new().read(true).write(true).open(path).map_err(redb::StorageError::Io)?;
    let file = file.into_parts().0;
    // redb would make a new store of it.
    if file.metadata().map_err(redb::StorageError::Io)?.len() == 0 {
        return Err(Fault::Value("the file is empty".into()));
    }
    Ok(builder().create_with_backend(Disk::new(file, growth)?)?)
}

/// An error where there is no store, or where a directory has its name.
pub(super) fn require(path: &Path) -> Result<(), StoreError> {
    match fs_err::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(()),
        Ok(_) => Err(StoreError::damaged(path, "not a file")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(StoreError::Missing(path.to_owned()))
        }
        Err(error) => Err(StoreError::io(path, error)),
    }
}

/// Makes an empty store at `path`, where there is none.
pub(super) fn create(path: &Path) -> Result<(), StoreError> {
    create_as(path, |database, _| initialise(database).map(|()| true)).map(drop)
}

/// Makes a store at `path`, where there is none, of what `fill` writes, which is told the database and its file; if `fill`
/// fails or says `false` there is none after it either.
///
/// Under another name first: a crash must not leave half a store. Also, redb itself sizes a new file before it writes the
/// header, and a crash between the two would leave a file that nothing opens.
pub(super) fn create_as(
    path: &Path,
    fill: impl FnOnce(&Database, &Path) -> Result<bool, Fault>,
) -> Result<bool, StoreError> {
    let fresh = path.with_extension("redb.new");
    let failed = |source| StoreError::io(path, source);
    let remove = || match fs_err::remove_file(&fresh) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    remove().map_err(failed)?;
    let filled = guarded(&fresh, |_| {
        let options = fs_err::OpenOptions::new().read(true).write(true).create_new(true).open(&fresh);
        let file = options.map_err(redb::StorageError::Io)?.into_parts().0;
        let database = builder().create_with_backend(Disk::new(file, Growth::Allocated)?)?;
        let whole = fill(&database, &fresh)?;
        database.close()?;
        Ok(whole)
    });
    if !matches!(filled, Ok(true)) {
        // What went wrong is told; the next one to make a store removes the rest.
        let _ = remove();
        return filled;
    }
    failpoint::reach("store.create.before_rename");
    fs_err::rename(&fresh, path).map_err(failed)?;
    failpoint::reach("store.create.after_rename");
    let library = path.parent().unwrap_or(Path::new("."));
    sync_directory(library).map_err(failed)?;
    // The folders above may be as new as the store, and with the name of one of them all would be gone.
    if let Ok(library) = fs_err::canonicalize(library) {
        library.ancestors().skip(1).take_while(|above| sync_directory(above).is_ok()).for_each(drop);
    }
    Ok(true)
}

/// Writes the facts and the empty tables of a new store.
pub(super) fn initialise(database: &Database) -> Result<(), Fault> {
    let transaction = database.begin_write()?;
    {
        let mut tables = Tables::open(&transaction)?;
        tables.set(key::FORMAT, &FORMAT.to_string())?;
        tables.set(key::REVISION, &super::writer::now().to_string())?;
    }
    Ok(transaction.commit()?)
}

/// Makes the names in a directory durable.
pub(super) fn sync_directory(directory: &Path) -> std::io::Result<()> {
    if cfg!(unix) { fs_err::File::open(directory)?.sync_all() } else { Ok(()) }
}
