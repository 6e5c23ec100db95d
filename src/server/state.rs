//! What every request shares: the limits, the permits of the model, and the library as it is now.
//!
//! The library is a hot-swappable snapshot: a request takes the [`Searcher`] that is there when it comes and keeps it
//! to its end, however often another process ingests meanwhile. Until there is one, the reason why is the answer.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::error::Failure;
use super::{LoadedModel, ServeError};
use crate::config::Limits;
use crate::index::Published;
use crate::ingest::{Model, PublishError, publish};
use crate::search::{IndexState, SearchError, Searcher};
use crate::store::{Store, StoreError};

/// How often the store is asked whether another process has written.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Shared by all requests; a clone is a handle.
#[derive(Clone)]
pub struct AppState {
    pub(super) limits: Limits,
    pub(super) library: Library,
    encodings: Arc<Semaphore>,
}

impl AppState {
    /// A service that is not ready yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let encodings = Arc::new(Semaphore::new(limits.encodings));
        Self { limits, library: Library::default(), encodings }
    }

    /// The library, to be filled.
    #[must_use]
    pub fn library(&self) -> &Library {
        &self.library
    }

    /// Looks something up, off the async threads.
    pub(super) async fn look<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Searcher) -> Result<T, SearchError> + Send + 'static,
    ) -> Result<T, Failure> {
        let searcher = self.library.searcher()?;
        finished(spawn_blocking(move || work(&searcher)).await)
    }

    /// Ranks, which takes all cores for one question: the permit travels with the work, so that a client who leaves
    /// does not let the next one in early, and one who leaves while waiting never reaches the model.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Searcher) -> Result<T, SearchError> + Send + 'static,
    ) -> Result<T, Failure> {
        let searcher = self.library.searcher()?;
        let Ok(permit) = Arc::clone(&self.encodings).acquire_owned().await else {
            return Err(Failure::not_ready("stopping"));
        };
        finished(
            spawn_blocking(move || {
                let _permit = permit;
                work(&searcher)
            })
            .await,
        )
    }
}

/// A panic in the work is the request's panic: the one place that catches panics answers it.
fn finished<T>(joined: Result<Result<T, SearchError>, tokio::task::JoinError>) -> Result<T, Failure> {
    match joined {
        Ok(done) => Ok(done?),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_cancelled) => Err(Failure::not_ready("stopping")),
        },
    }
}

/// The library as it is now, or why there is none.
#[derive(Clone)]
pub struct Library(Arc<RwLock<Status>>);

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

impl Default for Library {
    fn default() -> Self {
        Self(Arc::new(RwLock::new(Status::NotReady("loading the model".into()))))
    }
}

impl Library {
    pub(super) fn status(&self) -> Status {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The snapshot to answer from.
    pub(super) fn searcher(&self) -> Result<Arc<Searcher>, Failure> {
        match self.status() {
            Status::Ready(searcher) | Status::Stopping(Some(searcher)) => Ok(searcher),
            Status::NotReady(reason) => Err(Failure::not_ready(reason)),
            Status::Stopping(None) => Err(Failure::not_ready("stopping")),
        }
    }

    /// From now on `searcher` answers.
    pub fn publish(&self, searcher: Searcher) {
        self.change(|status| match status {
            Status::Stopping(_) => {}
            _ => *status = Status::Ready(Arc::new(searcher)),
        });
    }

    fn not_ready(&self, reason: String) {
        self.change(|status| {
            if let Status::NotReady(before) = status {
                if *before != reason {
                    tracing::warn!(reason, "not ready");
                }
                *before = reason;
            }
        });
    }

    /// Readiness falls first; who is being answered is answered.
    pub(super) fn stop(&self) {
        self.change(|status| {
            let last = match status {
                Status::Ready(searcher) => Some(Arc::clone(searcher)),
                _ => None,
            };
            *status = Status::Stopping(last);
        });
    }

    fn change(&self, change: impl FnOnce(&mut Status)) {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Loads the model, then keeps the snapshot up to date for as long as the process lives.
    ///
    /// A library that cannot be read (there is none yet; a backup is being restored) is looked for again; a model that
    /// cannot be loaded is an error, since only a restart with another setting helps.
    pub(super) async fn keep(
        self,
        folder: PathBuf,
        load: impl FnOnce() -> Result<LoadedModel, super::LoadError> + Send + 'static,
    ) -> ServeError {
        let model = match spawn_blocking(load).await {
            Ok(Ok(model)) => Arc::new(model),
            Ok(Err(error)) => return ServeError::Load(error),
            Err(error) => return ServeError::Load(error.into()),
        };
        let mut shown = None;
        loop {
            let started = Instant::now();
            let (library, model, folder) = (self.clone(), Arc::clone(&model), folder.clone());
            match spawn_blocking(move || library.refresh(&folder, &model, shown)).await {
                Ok(now) => shown = now,
                Err(panic) => tracing::error!(%panic, "the library could not be looked at"),
            }
            // While somebody ingests there is news at every look: opening a large library must not take all the time.
            tokio::time::sleep(LOOK_EVERY.max(started.elapsed() * 9)).await;
        }
    }

    /// Swaps a new snapshot in if the library has moved on from what is `shown`; says what is shown now.
    fn refresh(&self, folder: &Path, model: &LoadedModel, shown: Option<Edition>) -> Option<Edition> {
        let opened = Edition::of(folder).map_err(SearchError::from).and_then(|now| {
            if shown == Some(now) {
                return Ok(None);
            }
            let searcher = Searcher::open(folder, Arc::clone(&model.encoder), &model.prior)?;
            Ok(Some((now, searcher)))
        });
        match opened {
            Ok(Some((now, searcher))) => {
                tracing::info!(revision = searcher.revision(), index = %searcher.index_state(), "a new snapshot answers");
                let unindexed = !matches!(searcher.index_state(), IndexState::Published { .. })
                    && searcher.counts().passages > searcher.counts().pending;
                self.publish(searcher);
                if unindexed {
                    rebuild(folder, model);
                }
                Some(now)
            }
            Ok(None) => shown,
            Err(error) if shown.is_some() => {
                tracing::warn!(%error, "the library cannot be read now; answering from what was read before");
                shown
            }
            Err(error) => {
                self.not_ready(error.to_string());
                None
            }
        }
    }
}

/// Publishes the index anew while the scan answers; the next look finds it.
fn rebuild(folder: &Path, model: &LoadedModel) {
    let rebuilt = Store::open(folder).map_err(PublishError::from).and_then(|store| {
        publish(folder, &store, Model { encoder: model.encoder.as_ref(), prior: &model.prior })
    });
    match rebuilt {
        Ok(published) => tracing::info!(generation = published.number, "the index was rebuilt"),
        Err(error) => tracing::warn!(%error, "the index could not be rebuilt; every question is scanned"),
    }
}

/// What tells one state of a library on disk from another: the truth, and the index over it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Edition {
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
