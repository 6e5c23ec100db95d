//! Writing, by turns: one at a time within this process, in the order of asking, and each turn opens the store anew.
//!
//! So a write that failed (a full disk) leaves nothing behind that would have to be mended, and another process may
//! write as soon as nobody here does. Between processes the lock of the store decides, at once.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::{Mutex, OwnedMutexGuard};

use super::LoadedModel;
use crate::store::{StoreError, Writer};

/// The right to write; a clone is a handle.
#[derive(Clone)]
pub(super) struct Writing {
    folder: PathBuf,
    /// tokio's, because it is fair: neither requests nor the worker starve.
    gate: Arc<Mutex<()>>,
    waiting: Arc<AtomicUsize>,
    stopping: Arc<AtomicBool>,
}

/// A turn: nobody else in this process writes while it lasts.
pub(super) struct Turn {
    folder: PathBuf,
    _guard: OwnedMutexGuard<()>,
}

impl Writing {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, gate: Arc::default(), waiting: Arc::default(), stopping: Arc::default() }
    }

    /// A request's turn: the worker makes way after the batch in hand.
    pub(super) async fn turn(&self) -> Turn {
        let _waiting = Waiting::among(&self.waiting);
        Turn { folder: self.folder.clone(), _guard: Arc::clone(&self.gate).lock_owned().await }
    }

    /// The worker's turn.
    pub(super) fn blocking_turn(&self) -> Turn {
        Turn { folder: self.folder.clone(), _guard: Arc::clone(&self.gate).blocking_lock_owned() }
    }

    /// Whether a request waits for its turn.
    pub(super) fn is_wanted(&self) -> bool {
        self.waiting.load(Ordering::SeqCst) > 0
    }

    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    /// Whether the worker is to take no more turns.
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }
}

impl Turn {
    /// Opens the store for text, and makes it where there is none; of the model, if it is known yet.
    pub(super) fn write(&self, model: Option<&LoadedModel>) -> Result<Writer, StoreError> {
        let mut writer = Writer::open_text(&self.folder)?;
        if let Some(LoadedModel { encoder, .. }) = model {
            writer.require_model(encoder.fingerprint(), encoder.dimension())?;
        }
        Ok(writer)
    }

    /// Opens the store, which must be there, to take something out.
    pub(super) fn remove(&self) -> Result<Writer, StoreError> {
        Writer::open_existing(Path::new(&self.folder))
    }
}

/// Counts who waits, also when who waited leaves.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn among(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::SeqCst);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
