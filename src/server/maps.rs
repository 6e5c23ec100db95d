//! The map of the library, for requests: made behind them when it is first asked for, and again when the library has moved on.
//!
//! It promises that a request never waits for a layout, that there is one layout at a time, by threads that make way, which ends with the service, and
//! that a paper which was removed is in no answer: a map older than the library shows of it what still is there.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::error::Failure;
use super::library::Library;
use super::writing::Writing;
use crate::ingest::behind;
use crate::map::{Map, MapError, Points};
use crate::store::Store;

/// How finely progress is told.
const STEPS: f32 = 1_000.0;
/// After a layout that took a second, so many pass before the next: who keeps adding papers must not keep a core busy.
const REST: u32 = 4;

/// The map, shared; a clone is a handle.
#[derive(Clone)]
pub(super) struct Maps(Arc<Shared>);

struct Shared {
    library: Library,
    writing: Writing,
    /// Of the layout under way.
    done: AtomicU32,
    state: Mutex<State>,
    /// Held while an answer is made, so that it is made once.
    shown: Mutex<Option<Arc<Shown>>>,
}

#[derive(Default)]
struct State {
    /// Whether it was looked for on disk.
    is_read: bool,
    map: Option<Arc<Map>>,
    /// The revision of the library that the map was last made for.
    revision: Option<u64>,
    is_computing: bool,
    /// When the last layout ended, and how long the next one waits.
    rests: Option<(Instant, Duration)>,
    failure: Option<String>,
}

/// What a request is answered.
pub(super) enum Found {
    /// There is none yet; so much is done.
    Computing(f32),
    /// These papers.
    Shown(Arc<Shown>),
}

/// The papers of a revision on a map.
pub(super) struct Shown {
    /// Of the library.
    pub(super) revision: u64,
    /// Of the map.
    digest: u128,
    /// The papers.
    pub(super) points: Points,
}

impl Maps {
    pub(super) fn new(library: Library, writing: Writing) -> Self {
        Self(Arc::new(Shared {
            library,
            writing,
            done: AtomicU32::new(0),
            state: Mutex::default(),
            shown: Mutex::default(),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The map as it is now; what it lacks is under way when this returns. Reads the disk.
    pub(super) fn find(&self) -> Result<Found, Failure> {
        let snapshot = Store::open(self.0.library.folder())?.snapshot()?;
        let revision = snapshot.revision()?;
        let map = self.wanted(revision)?;
        let computing = || Found::Computing(self.0.done.load(Ordering::Relaxed) as f32 / STEPS);
        let Some(map) = map else { return Ok(computing()) };
        let mut shown = self.0.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let known = shown.as_ref().filter(|known| (known.revision, known.digest) == (revision, map.digest()));
        let found = match known {
            Some(known) => Arc::clone(known),
            None => {
                let points = Points::of(&map, &snapshot)?;
                let made = Arc::new(Shown { revision, digest: map.digest(), points });
                *shown = Some(Arc::clone(&made));
                made
            }
        };
        // A map of another library that lay there shows nobody.
        let shows_nobody = found.points.is_empty() && found.points.unplaced > 0;
        Ok(if shows_nobody && self.state().is_computing { computing() } else { Found::Shown(found) })
    }

    /// The map at hand. One of `revision` is begun if this is another.
    fn wanted(&self, revision: u64) -> Result<Option<Arc<Map>>, Failure> {
        let mut state = self.state();
        if !state.is_read {
            state.is_read = true;
            state.map = Map::stored(self.0.library.folder()).map(Arc::new);
        }
        let rests = state.rests.is_some_and(|(since, patience)| since.elapsed() < patience);
        if state.revision != Some(revision) && !state.is_computing && !rests && !self.0.writing.is_stopping()
        {
            self.0.done.store(0, Ordering::Relaxed);
            let this = self.clone();
            let begun = std::thread::Builder::new().name("map".into()).spawn(move || this.compute());
            begun.map_err(|error| Failure::internal(&error))?;
            state.is_computing = true;
        }
        match (&state.map, &state.failure) {
            (None, Some(reason)) if !state.is_computing => {
                Err(Failure::not_ready(format!("the map could not be made: {reason}")))
            }
            (map, _) => Ok(map.clone()),
        }
    }

    fn compute(&self) {
        let started = Instant::now();
        let made = catch_unwind(AssertUnwindSafe(|| self.made()));
        let mut state = self.state();
        state.is_computing = false;
        state.rests = Some((Instant::now(), started.elapsed() * REST));
        state.failure = match made {
            Ok(Ok((revision, map))) => {
                tracing::info!(revision, papers = map.len(), "the map was made");
                state.revision = Some(revision);
                state.map = Some(Arc::new(map));
                None
            }
            Ok(Err(MapError::Stopped)) => None,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the map could not be made");
                Some(error.to_string())
            }
            Err(_) => {
                tracing::error!("making the map panicked; please report it");
                Some("a defect in paperkin; the log of the server says more".to_owned())
            }
        };
    }

    fn made(&self) -> Result<(u64, Map), MapError> {
        let Some(model) = self.0.library.model() else { return Err(MapError::Stopped) };
        let folder = self.0.library.folder();
        let snapshot = Store::open(folder)?.snapshot()?;
        let mut see = |done: f32| {
            self.0.done.store((done * STEPS) as u32, Ordering::Relaxed);
            !self.0.writing.is_stopping()
        };
        let map = behind(|| Map::of(folder, &snapshot, &model.prior, &mut see))?;
        Ok((snapshot.revision()?, map))
    }
}
