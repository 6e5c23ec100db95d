//! What can go wrong with the store, each with the file it concerns and what to do about it.
//!
//! redb trusts a file that was closed cleanly and may panic where somebody altered it; [`guarded`] is the one
//! seam through which all of its calls pass, so that damage is an error here and never ends a request or the process.

use std::any::Any;
use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};

use crate::paper::cut;

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no store.
    #[error("there is no library at {}: make one with `paperkin ingest PATH...`, or name another with --library", .0.display())]
    Missing(PathBuf),
    /// A library is a folder.
    #[error("{} is a file, and a library is a folder: name one with --library", .0.display())]
    NotAFolder(PathBuf),
    /// There is a store already where one was to be restored.
    #[error("there is a library already at {}: name another folder with --library, or move this file away first", .0.display())]
    Exists(PathBuf),
    /// A backup cannot be written to where it should go.
    #[error("the backup cannot be written: {0}")]
    Output(io::Error),
    /// The backup is not whole.
    #[error("{} cannot be restored: {why}", path.display())]
    Backup {
        /// The backup.
        path: PathBuf,
        /// What was found.
        why: String,
    },
    /// Another writer is at work.
    #[error("{} is being written by {}: wait until it is done, or stop it", path.display(), holder(*pid))]
    Locked {
        /// The store.
        path: PathBuf,
        /// Who holds it, where known.
        pid: Option<u32>,
    },
    /// The file is not what was written.
    #[error("{} is damaged ({why}): restore it from a backup, or delete it and ingest again", path.display())]
    Damaged {
        /// The store.
        path: PathBuf,
        /// What was found.
        why: String,
    },
    /// No space. Nothing acknowledged is lost; the writer must be opened again ([`super::Writer::reopen`]).
    #[error("the disk of {} is full: nothing stored is lost; free some space and repeat", .0.display())]
    DiskFull(PathBuf),
    /// An earlier write failed, and redb takes no more until the file is opened again.
    #[error("an earlier write to {} failed: open it again (if it is damaged, `paperkin check` says how)", .0.display())]
    NeedsReopen(PathBuf),
    /// The vectors in the store are another model's.
    #[error(
        "{} holds vectors of the model {stored}, not of {given}: choose that model, or another library with --library; to \
         change this library over, 'paperkin model use NAME' embeds its texts anew while the old vectors answer",
        path.display()
    )]
    OtherModel {
        /// The store.
        path: PathBuf,
        /// Fingerprint in the store.
        stored: String,
        /// Fingerprint given.
        given: String,
    },
    /// Written by a later paperkin.
    #[error("{} has format {stored}, and this paperkin knows up to {known}: use a newer paperkin", path.display())]
    NewerFormat {
        /// The store.
        path: PathBuf,
        /// Its format.
        stored: String,
        /// The newest format known here.
        known: u32,
    },
    /// A vector of a length that is not the library's.
    #[error("a vector has {given} numbers, the library's have {stored}")]
    Dimension {
        /// The library's.
        stored: usize,
        /// The vector's.
        given: usize,
    },
    /// A record that would not be read back as it was given.
    #[error("the record at {0} cannot be stored: it does not read back as written")]
    Unstorable(String),
    /// Anything else of the operating system's.
    #[error("{}: {said}{}", path.display(), remedy(said))]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        said: io::Error,
    },
}

fn remedy(said: &io::Error) -> &'static str {
    match said.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            ": get the right to write there, or name another library with --library"
        }
        _ => "",
    }
}

/// What the system said, without the path, which `fs_err` puts before it and a [`StoreError`] names anyway.
fn of_the_system(said: io::Error) -> io::Error {
    match said.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => said.kind().into(),
        _ => said,
    }
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

impl StoreError {
    /// Whether the writer takes no more until [`super::Writer::reopen`].
    #[must_use]
    pub fn needs_reopen(&self) -> bool {
        matches!(self, Self::DiskFull(_) | Self::NeedsReopen(_) | Self::Io { .. })
    }

    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull(path.to_owned()),
            io::ErrorKind::NotADirectory => Self::NotAFolder(path.parent().unwrap_or(path).to_owned()),
            _ => Self::Io { path: path.to_owned(), said: of_the_system(source) },
        }
    }

    pub(super) fn damaged(path: &Path, why: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), why: why.into() }
    }
}

/// What the inside of the room says before the file's name is known.
#[derive(Debug)]
pub(super) enum Fault {
    /// redb's own word.
    Redb(Box<redb::Error>),
    /// A value that is not what was written.
    Value(String),
    /// Already complete.
    Store(StoreError),
}

macro_rules! faults {
    ($($kind:ty),*) => {
        $(impl From<$kind> for Fault {
            fn from(error: $kind) -> Self {
                Self::Redb(Box::new(error.into()))
            }
        })*
    };
}
faults!(
    redb::StorageError,
    redb::TableError,
    redb::TransactionError,
    redb::CommitError,
    redb::DatabaseError,
    redb::SetDurabilityError
);

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Fault {
    /// Whether redb's own structures may be hurt.
    pub(super) fn is_damage(&self) -> bool {
        matches!(self, Self::Redb(error) if !matches!(**error, redb::Error::Io(_) | redb::Error::PreviousIo))
    }

    fn at(self, path: &Path) -> StoreError {
        match self {
            Self::Store(error) => error,
            Self::Value(why) => StoreError::damaged(path, why),
            Self::Redb(error) => match *error {
                redb::Error::Io(source)
                    if matches!(source.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData) =>
                {
                    StoreError::damaged(path, source.to_string())
                }
                redb::Error::Io(source) => StoreError::io(path, source),
                redb::Error::PreviousIo | redb::Error::DatabaseClosed => {
                    StoreError::NeedsReopen(path.to_owned())
                }
                redb::Error::DatabaseAlreadyOpen => StoreError::Locked { path: path.to_owned(), pid: None },
                other => StoreError::damaged(path, other.to_string()),
            },
        }
    }
}

/// Set while code of the caller runs inside [`guarded`]: its panics are its own and pass through.
#[derive(Default)]
pub(super) struct Foreign(Cell<bool>);

impl Foreign {
    /// Runs the caller's code.
    pub(super) fn call<T>(&self, work: impl FnOnce() -> T) -> T {
        self.0.set(true);
        let value = work();
        self.0.set(false);
        value
    }

    /// Whether it runs, or has panicked.
    pub(super) fn is_running(&self) -> bool {
        self.0.get()
    }
}

/// Runs `work` on the store at `path`; a panic of redb's is reported as damage.
pub(super) fn guarded<T>(
    path: &Path,
    work: impl FnOnce(&Foreign) -> Result<T, Fault>,
) -> Result<T, StoreError> {
    let foreign = Foreign::default();
    // Nothing of ours is changed before redb returns, and redb poisons what it leaves half done.
    match catch_unwind(AssertUnwindSafe(|| work(&foreign))) {
        Ok(result) => result.map_err(|fault| fault.at(path)),
        Err(panic) if foreign.0.get() => resume_unwind(panic),
        Err(panic) => Err(StoreError::damaged(path, message(&*panic))),
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("redb gave up");
    cut(text.lines().next().unwrap_or_default(), 200).to_owned()
}
