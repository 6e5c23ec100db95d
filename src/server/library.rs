//! The library as it is now: a hot-swappable snapshot.
//!
//! A request takes the [`Searcher`] that is there when it comes and keeps it to its end, however often anybody writes
//! meanwhile. Until there is one, the reason why is the answer. Who writes here renews the snapshot before it answers; what
//! other processes write is looked for every second.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use super::LoadedModel;
use super::error::Failure;
use crate::embed::SharedEncoder;
use crate::index::Published;
use crate::search::{IndexState, SearchError, Searcher};
use crate::store::{Store, StoreError};

/// The reason until there is a model, or none can be loaded.
const LOADING: &str = "loading the model";

/// The library, shared; a clone is a handle.
#[derive(Clone)]
pub(super) struct Library(Arc<Shared>);

struct Shared {
    folder: PathBuf,
    model: OnceLock<Arc<LoadedModel>>,
    status: RwLock<Status>,
    /// Held while a snapshot is opened: so an older one never replaces a newer.
    shown: Mutex<Option<Edition>>,
}

/// Where the library stands.
#[derive(Clone)]
pub(super) enum Status {
    /// Not yet, and why.
    NotReady(String),
    /// This snapshot answers.
    Ready(Arc<Searcher>),
    /// The process ends; requests under way are answered.
    Stopping(Option<Arc<Searcher>>),
}

impl Library {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self(Arc::new(Shared {
            folder,
            model: OnceLock::new(),
            status: RwLock::new(Status::NotReady(LOADING.into())),
            shown: Mutex::default(),
        }))
    }

    /// Where it lies.
    pub(super) fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// The model, once it is loaded.
    pub(super) fn model(&self) -> Option<&Arc<LoadedModel>> {
        self.0.model.get()
    }

    /// From now on there is a model, shared by all who ask; the first one stays.
    pub(super) fn set_model(&self, model: LoadedModel) -> &Arc<LoadedModel> {
        self.0.model.get_or_init(|| {
            let encoder = Arc::new(SharedEncoder::new(model.encoder));
            Arc::new(LoadedModel { encoder, prior: model.prior })
        })
    }

    pub(super) fn status(&self) -> Status {
        self.0.status.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The snapshot to answer from.
    pub(super) fn searcher(&self) -> Result<Arc<Searcher>, Failure> {
        match self.status() {
            Status::Ready(searcher) | Status::Stopping(Some(searcher)) => Ok(searcher),
            Status::NotReady(reason) => Err(Failure::not_ready(reason)),
            Status::Stopping(None) => Err(Failure::not_ready("stopping")),
        }
    }

    /// Whether there will soon be an answer, or another reason why there is none.
    pub(super) fn is_loading(&self) -> bool {
        matches!(self.status(), Status::NotReady(reason) if reason == LOADING)
    }

    /// There will be no model, for this reason; nothing is answered.
    pub(super) fn refuse(&self, reason: String) {
        self.change(|status| *status = Status::NotReady(reason));
    }

    /// Readiness falls first; who is being answered is answered.
    pub(super) fn stop(&self) {
        self.change(|status| {
            let last = match status {
                Status::Ready(searcher) => Some(Arc::clone(searcher)),
                Status::Stopping(last) => last.take(),
                Status::NotReady(_) => None,
            };
            *status = Status::Stopping(last);
        });
    }

    fn change(&self, change: impl FnOnce(&mut Status)) {
        change(&mut self.0.status.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Swaps a new snapshot in if the library has moved on from the one that answers. When this returns, whatever was
    /// committed before the call is what new requests see. Says which edition is shown.
    ///
    /// # Errors
    /// If the library cannot be read; the snapshot from before, if any, goes on answering.
    pub(super) fn refresh(&self) -> Result<Option<Edition>, SearchError> {
        let Some(model) = self.model() else { return Ok(None) };
        let mut shown = self.0.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Edition::of(&self.0.folder)?;
        if *shown == Some(now) {
            return Ok(*shown);
        }
        let before = self.searcher().ok();
        let encoder = Arc::clone(&model.encoder);
        let searcher = Searcher::renew(&self.0.folder, encoder, &model.prior, before.as_deref())?;
        tracing::info!(revision = searcher.revision(), index = %searcher.index_state(), "a new snapshot answers");
        let searcher = Arc::new(searcher);
        self.change(|status| match status {
            Status::Stopping(last) => *last = Some(searcher),
            _ => *status = Status::Ready(searcher),
        });
        *shown = Some(now);
        Ok(*shown)
    }

    /// As [`Library::refresh`], for who looks again anyway: what is wrong is said.
    pub(super) fn look(&self) -> Option<Edition> {
        match (self.refresh(), self.status()) {
            (Ok(shown), _) => shown,
            (Err(error), Status::NotReady(before)) => {
                let reason = error.to_string();
                if before != reason {
                    tracing::warn!(reason, "not ready");
                }
                self.change(|status| {
                    if let Status::NotReady(before) = status {
                        *before = reason;
                    }
                });
                None
            }
            (Err(error), _) => {
                tracing::warn!(%error, "the library cannot be read now; answering from what was read before");
                None
            }
        }
    }
}

/// What tells one state of a library on disk from another: the truth, and the index over it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Edition {
    revision: u64,
    generation: Option<u64>,
}

impl Edition {
    fn of(folder: &Path) -> Result<Self, StoreError> {
        let revision = Store::open(folder)?.revision()?;
        // A damaged index counts as none: the snapshot says so by itself.
        let generation = Published::peek(folder).ok().flatten().map(|(number, _)| number);
        Ok(Self { revision, generation })
    }
}

/// Which index answers, and why if it is not the published one.
pub(super) fn index_words(searcher: &Searcher) -> (&'static str, Option<String>) {
    match searcher.index_state() {
        IndexState::Published { .. } => ("published", None),
        state @ (IndexState::Missing | IndexState::Unusable { .. }) => ("exact", Some(state.to_string())),
    }
}
