//! The one thread that embeds and publishes what requests have stored, behind them.
//!
//! Questions go first: [`crate::embed::SharedEncoder`] lets them in between the pieces of a batch. Writers go first: it makes
//! way after a batch, and takes up what they added. A kill costs it a batch; the next start looks for what has no vector.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::LoadedModel;
use super::library::Library;
use super::tasks::Tasks;
use super::writing::Writing;
use crate::ingest::{
    Event, IngestError, Model, Observer, PublishError, Report, behind, embed_pending, publish,
};
use crate::search::{IndexState, Searcher};
use crate::store::{Store, StoreError};

/// How often it is tried again while another process writes.
const RETRY: Duration = Duration::from_secs(1);

/// How long it sleeps when nothing waits.
const AWHILE: Duration = Duration::from_secs(3_600);

/// Up to so many passages an index is published after every change: it takes a second or two.
const SOON_PUBLISHED: usize = 50_000;
/// Of more it is published once a tenth of them are scanned beside it, or gone: a graph takes seconds to grow, and may take minutes.
const SCANNED_SHARE: usize = 10;

/// Wakes the worker; a clone is the same bell.
#[derive(Clone, Default)]
pub(super) struct Bell(Arc<(Mutex<Wishes>, Condvar)>);

/// What the worker is woken for.
#[derive(Clone, Copy, Default)]
struct Wishes {
    rung: bool,
    publish: bool,
}

impl Bell {
    /// There is something to do, or to stop.
    pub(super) fn ring(&self) {
        self.wish(|_| {});
    }

    /// The index is to be published anew.
    pub(super) fn ask_to_publish(&self) {
        self.wish(|wishes| wishes.publish = true);
    }

    fn wish(&self, wish: impl FnOnce(&mut Wishes)) {
        let (wishes, bell) = &*self.0;
        let mut wishes = wishes.lock().unwrap_or_else(PoisonError::into_inner);
        wish(&mut wishes);
        wishes.rung = true;
        bell.notify_one();
    }

    /// Waits for the next ring, or no longer than `patience`.
    fn wait(&self, patience: Duration) -> Wishes {
        let (wishes, bell) = &*self.0;
        let wishes = wishes.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut wishes, _) = bell
            .wait_timeout_while(wishes, patience, |wishes| !wishes.rung)
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *wishes)
    }
}

/// What the worker works with.
pub(super) struct Worker {
    pub(super) library: Library,
    pub(super) writing: Writing,
    pub(super) tasks: Arc<Tasks>,
    pub(super) model: Arc<LoadedModel>,
    pub(super) bell: Bell,
}

/// Starts the thread; what an earlier process left without vector is its first task.
pub(super) fn start(worker: Worker) -> std::io::Result<()> {
    std::thread::Builder::new().name("worker".into()).spawn(move || worker.run())?;
    Ok(())
}

/// Whether vectors are searched without the index that should answer for them.
pub(super) fn is_unindexed(searcher: &Searcher) -> bool {
    let counts = searcher.counts();
    let embedded = counts.passages.saturating_sub(counts.pending);
    match searcher.index_state() {
        IndexState::Missing | IndexState::Unusable { .. } => embedded > 0,
        IndexState::Published { .. } => false,
    }
}

/// Whether the index should be published anew.
fn is_outgrown(searcher: &Searcher) -> bool {
    let passages = searcher.counts().passages as usize;
    match searcher.index_state() {
        IndexState::Published { scanned } if passages <= SOON_PUBLISHED => scanned > 0,
        IndexState::Published { scanned } => {
            (scanned + searcher.gone_from_index()).saturating_mul(SCANNED_SHARE) >= passages
        }
        _ => is_unindexed(searcher),
    }
}

/// How a turn of embedding ended.
enum Turned {
    /// Nothing is without vector.
    Finished,
    /// Somebody else wants to write, or the process ends.
    MadeWay,
}

impl Worker {
    fn run(&self) {
        let left = Store::open(self.library.folder()).and_then(|store| store.counts());
        if left.is_ok_and(|counts| counts.pending + counts.uncut > 0) {
            self.tasks.add(0);
            self.bell.ring();
        }
        loop {
            let patience = if self.tasks.are_waiting() { RETRY } else { AWHILE };
            let wishes = self.bell.wait(patience);
            if self.writing.is_stopping() {
                return;
            }
            // A defect ends a task, not the worker.
            let worked = catch_unwind(AssertUnwindSafe(|| self.work(wishes)));
            if worked.is_err() {
                tracing::error!("embedding panicked; please report it");
                self.tasks.end(Some("a defect in paperkin ended it; the log of the server says more"));
            }
        }
    }

    /// Embeds for all who wait, and publishes.
    fn work(&self, wishes: Wishes) {
        let mut embedded = false;
        while self.tasks.are_waiting() || self.tasks.are_running() {
            match self.embed() {
                Ok(Turned::MadeWay) if self.writing.is_stopping() => return,
                Ok(Turned::MadeWay) => {}
                Ok(Turned::Finished) => {
                    // Done means that it is found.
                    self.library.look();
                    self.tasks.end(None);
                    embedded = true;
                }
                Err(IngestError::Store(error @ StoreError::Locked { .. })) => {
                    self.tasks.put_back(&error.to_string());
                    break;
                }
                Err(error) => {
                    tracing::warn!(%error, "what was stored could not be embedded");
                    self.library.look();
                    self.tasks.end(Some(&error.to_string()));
                }
            }
        }
        let Ok(searcher) = self.library.searcher() else { return };
        let outgrown = is_outgrown(&searcher);
        drop(searcher);
        if outgrown && (embedded || wishes.publish) && !self.writing.is_stopping() {
            self.publish();
        }
    }

    /// One turn of writing.
    fn embed(&self) -> Result<Turned, IngestError> {
        let turn = self.writing.blocking_turn();
        // Within the turn: whose papers are there is with them.
        self.tasks.begin();
        let mut writer = turn.write(None)?;
        let mut view = View { worker: self, stepped: false };
        let model = Model { encoder: self.model.encoder.as_ref(), prior: &self.model.prior };
        embed_pending(&mut writer, model, &mut view, &mut Report::default())?;
        Ok(if view.should_stop() { Turned::MadeWay } else { Turned::Finished })
    }

    /// Without the right to write: publishing reads one snapshot, and has a lock of its own.
    fn publish(&self) {
        let model = Model { encoder: self.model.encoder.as_ref(), prior: &self.model.prior };
        let folder = self.library.folder();
        let published = behind(|| publish(folder, &Store::open(folder).map_err(PublishError::from)?, model));
        match published {
            Ok(published) => {
                metrics::counter!("paperkin_index_published_total", "outcome" => "published").increment(1);
                tracing::info!(generation = published.number, "a new index was published");
                self.library.look();
            }
            Err(error) => {
                metrics::counter!("paperkin_index_published_total", "outcome" => "failed").increment(1);
                tracing::warn!(%error, "the index could not be published; what it lacks is scanned");
            }
        }
    }
}

/// Passes progress on to the tasks.
struct View<'w> {
    worker: &'w Worker,
    stepped: bool,
}

impl Observer for View<'_> {
    fn see(&mut self, event: Event<'_>) {
        match event {
            Event::Cut { .. } => self.stepped = true,
            Event::Embedding { passages } => self.worker.tasks.expect(passages),
            Event::Embedded { passages, tokens } => {
                self.stepped = true;
                self.worker.tasks.advance(passages, tokens);
            }
            Event::Unreadable { error, .. } => tracing::warn!(%error, "a passage is not embedded"),
            _ => {}
        }
    }

    /// A turn makes one step at least, however many want to write.
    fn should_stop(&self) -> bool {
        let writing = &self.worker.writing;
        writing.is_stopping() || self.stepped && writing.is_wanted()
    }
}
