//! One writer at a time: a lock file beside the store, held by the operating system for as long as the process lives,
//! so that a killed writer leaves nothing to clean up. The pid inside is for the message only.

use std::fs::{File, TryLockError};
use std::io::{Seek, Write};
use std::path::Path;

use super::error::StoreError;

/// Held by the writer; dropping it lets the next one in.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of the store at `store`, or says at once who holds it.
    pub(super) fn take(store: &Path) -> Result<Self, StoreError> {
        let path = store.with_extension("lock");
        let failed = |source| StoreError::io(&path, source);
        let mut file = fs_err::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?
            .into_parts()
            .0;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let pid = fs_err::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok());
                return Err(StoreError::Locked { path: store.to_owned(), pid });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        // A full disk must not keep a writer from removing things: the pid is a courtesy.
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Self { _file: file })
    }
}
