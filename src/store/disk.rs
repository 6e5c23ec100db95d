//! The file under redb: what it grows by is allocated at once, so that a full disk is met before anything is written, and
//! a spare is kept behind its end for repairing it on a disk without a free byte.
//!
//! A file that is merely made longer has no space yet, and the disk may be full in the middle of a commit, or of the repair
//! after one, which would leave a library that nobody can even read until somebody makes room. Allocated space is there:
//! growing fails as a whole. A repair ends with a commit of a few pages; where every page of the file is taken (by what
//! somebody still reads, say) redb doubles the file for them, of which the spare holds all that is written.

use std::fs::File;
use std::io::Error;
use std::ops::Bound;

use redb::backends::FileBackend;
use redb::{BackendError, DatabaseError, StorageBackend};

/// Bytes allocated behind the end of the file: many times what the last commit of a repair writes.
const SPARE: u64 = 1 << 20;

/// What the file may grow into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Growth {
    /// Space that is allocated first; the spare stays.
    Allocated,
    /// The spare too: for a repair.
    Spare,
}

/// redb's own backend, but for growing.
#[derive(Debug)]
pub(super) struct Disk {
    redb: FileBackend,
    file: File,
    growth: Growth,
}

impl Disk {
    pub(super) fn new(file: File, growth: Growth) -> Result<Self, DatabaseError> {
        let failed = |error: Error| DatabaseError::Storage(error.into());
        let same = file.try_clone().map_err(failed)?;
        let length = same.metadata().map_err(failed)?.len();
        let disk = Self { redb: FileBackend::new(file)?, file: same, growth };
        disk.keep_spare(length);
        Ok(disk)
    }

    /// Allocates `count` bytes from `start` on, without making the file longer; all or an error.
    #[cfg(target_os = "linux")]
    fn allocate(&self, start: u64, count: u64) -> Result<(), Error> {
        use rustix::fs::{FallocateFlags, fallocate};
        use rustix::io::Errno;

        match fallocate(&self.file, FallocateFlags::KEEP_SIZE, start, count) {
            // Not every file system can; then it grows as redb has it.
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn allocate(&self, _start: u64, _count: u64) -> Result<(), Error> {
        Ok(())
    }

    /// Where there is no space for a spare there is none, until the file grows or is opened again.
    fn keep_spare(&self, length: u64) {
        let _ = self.allocate(length, SPARE);
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64, Error> {
        self.redb.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        self.redb.read(offset, out)
    }

    fn set_len(&self, length: u64) -> Result<(), Error> {
        let now = self.redb.len()?;
        if length > now
            && let Err(error) = self.allocate(now, length - now + SPARE)
            && self.growth == Growth::Allocated
        {
            // Some file systems keep the part that they could allocate.
            self.redb.set_len(now)?;
            self.keep_spare(now);
            return Err(error);
        }
        self.redb.set_len(length)?;
        if length < now {
            self.keep_spare(length);
        }
        Ok(())
    }

    fn sync_data(&self) -> Result<(), Error> {
        self.redb.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), Error> {
        self.redb.write(offset, data)
    }

    fn close(&self) -> Result<(), Error> {
        self.redb.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.redb.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.redb.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.redb.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.redb.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.redb.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.redb.query_lock_range(start, end)
    }
}
