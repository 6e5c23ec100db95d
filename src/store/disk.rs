//! The file under redb: what it grows by is allocated at once, so that a full disk is met before anything is written.
//!
//! A file that is merely made longer has no space yet, and the disk may be full in the middle of a commit, or of the repair
//! after one, which would leave a library that nobody can even read until somebody makes room. Allocated space is there:
//! growing fails as a whole, and repairing needs no growing.

use std::fs::File;
use std::io::Error;
use std::ops::Bound;

use redb::backends::FileBackend;
use redb::{BackendError, DatabaseError, StorageBackend};

/// redb's own backend, but for growing.
#[derive(Debug)]
pub(super) struct Disk {
    redb: FileBackend,
    file: File,
}

impl Disk {
    pub(super) fn new(file: File) -> Result<Self, DatabaseError> {
        let same = file.try_clone().map_err(|error| DatabaseError::Storage(error.into()))?;
        Ok(Self { redb: FileBackend::new(file)?, file: same })
    }

    #[cfg(target_os = "linux")]
    fn allocate(&self, length: u64) -> Result<(), Error> {
        use rustix::fs::{FallocateFlags, fallocate};
        use rustix::io::Errno;

        let now = self.file.metadata()?.len();
        if length <= now {
            return Ok(());
        }
        match fallocate(&self.file, FallocateFlags::empty(), now, length - now) {
            // Not every file system can; then it grows as redb has it.
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn allocate(&self, _length: u64) -> Result<(), Error> {
        Ok(())
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
        self.allocate(length)?;
        self.redb.set_len(length)
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
