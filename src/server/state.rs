//! What every request shares: the limits, the permits, the library as it is now, and the writing.

use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, spawn_blocking};

use super::answers::Answers;
use super::error::Failure;
use super::library::Library;
use super::maps::Maps;
use super::metrics::{self, UnderWay};
use super::tasks::Tasks;
use super::worker::{self, Bell, Worker};
use super::writing::Writing;
use super::{Load, LoadedModel, ServeError};
use crate::config::{Access, Limits};
use crate::embed::while_wanted;
use crate::paper::{Role, UnitVector};
use crate::search::{Answer, Options, SearchError, Searcher, milliseconds};
use crate::store::{Store, StoreError};

/// How often the store is asked whether another process has written.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After so long an index that is still missing is asked for again.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// Shared by all requests; a clone is a handle.
#[derive(Clone)]
pub struct AppState {
    pub(super) limits: Limits,
    pub(super) access: Arc<Access>,
    pub(super) library: Library,
    pub(super) maps: Maps,
    pub(super) writing: Writing,
    pub(super) tasks: Arc<Tasks>,
    pub(super) bell: Bell,
    pub(super) event_streams: Arc<Semaphore>,
    pub(super) exports: Arc<Semaphore>,
    asking: Arc<Semaphore>,
    ranking: Arc<Semaphore>,
    answers: Answers,
}

impl AppState {
    /// A service over the library in `folder`, which is not ready yet.
    #[must_use]
    pub fn new(limits: Limits, access: Access, folder: PathBuf) -> Self {
        metrics::start();
        let (library, writing) = (Library::new(folder.clone()), Writing::new(folder));
        Self {
            access: Arc::new(access),
            maps: Maps::new(library.clone(), writing.clone()),
            library,
            writing,
            tasks: Arc::new(Tasks::new(limits.waiting_tasks)),
            bell: Bell::default(),
            event_streams: Arc::new(Semaphore::new(limits.event_streams)),
            exports: Arc::new(Semaphore::new(limits.exports)),
            asking: Arc::new(Semaphore::new(limits.questions)),
            ranking: Arc::new(Semaphore::new(limits.questions)),
            answers: Answers::default(),
            limits,
        }
    }

    /// Gives the service its model: questions are answered from now on, and what has no vector gets one, behind.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(&self, model: LoadedModel) -> std::io::Result<()> {
        self.found(&model);
        let model = self.answer_by(model);
        worker::start(Worker {
            library: self.library.clone(),
            writing: self.writing.clone(),
            tasks: Arc::clone(&self.tasks),
            model,
            bell: self.bell.clone(),
        })
    }

    /// Makes the library where there is none, so that its first papers can be dropped on a page. Where that fails, readiness goes
    /// on saying that there is none.
    fn found(&self, model: &LoadedModel) {
        let folder = self.library.folder();
        if !matches!(Store::open(folder), Err(StoreError::Missing(_))) {
            return;
        }
        match self.writing.blocking_turn().write(Some(model)) {
            Ok(_) => tracing::info!(folder = %folder.display(), "a new library, still empty"),
            Err(error) => tracing::warn!(%error, "no library could be made"),
        }
    }

    /// As [`AppState::start`] where nothing is ever written: what has no vector waits for whoever writes.
    ///
    /// # Errors
    /// Never; it stands where [`AppState::start`] may stand.
    pub(super) fn start_reading(&self, model: LoadedModel) -> std::io::Result<()> {
        self.answer_by(model);
        Ok(())
    }

    /// Questions are answered from now on.
    fn answer_by(&self, model: LoadedModel) -> Arc<LoadedModel> {
        let model = Arc::clone(self.library.set_model(model));
        self.library.look();
        model
    }

    /// Readiness falls, event streams end, and the worker stops after its batch.
    pub(super) fn stop(&self) {
        self.library.stop();
        self.writing.stop();
        self.tasks.stop();
        self.bell.ring();
    }

    /// Looks something up, off the async threads.
    pub(super) async fn look<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Searcher) -> Result<T, SearchError> + Send + 'static,
    ) -> Result<T, Failure> {
        let searcher = self.library.searcher()?;
        off_thread(move || Ok(work(&searcher)?)).await
    }

    /// Answers what takes the model, some questions at a time, which share its forward passes.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Searcher) -> Result<T, SearchError> + Send + 'static,
    ) -> Result<T, Failure> {
        self.in_turn(&self.asking, work).await
    }

    /// Ranks without the model: who waits for it is not waited for.
    async fn rank<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Searcher) -> Result<T, SearchError> + Send + 'static,
    ) -> Result<T, Failure> {
        self.in_turn(&self.ranking, work).await
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        places: &Arc<Semaphore>,
        work: impl FnOnce(&Searcher) -> Result<T, SearchError> + Send + 'static,
    ) -> Result<T, Failure> {
        self.library.searcher()?;
        let library = self.library.clone();
        self.at_a_place(places, move || {
            // After the wait: a paper that was removed meanwhile is not shown.
            let searcher = library.searcher()?;
            let begun = Instant::now();
            let answered = work(&searcher)?;
            stage("answer", begun);
            Ok(answered)
        })
        .await
    }

    /// The vectors of texts that are no question to the library, and since when the model was at them: a turn like a
    /// question's, so whoever has many texts takes many turns.
    pub(super) async fn encode(
        &self,
        role: Role,
        texts: Vec<String>,
    ) -> Result<(Vec<UnitVector>, Instant), Failure> {
        let Some(model) = self.library.model() else { return Err(Failure::not_ready("loading the model")) };
        let encoder = Arc::clone(&model.encoder);
        self.at_a_place(&self.asking, move || {
            let since = Instant::now();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            Ok((encoder.encode(role, &texts)?, since))
        })
        .await
    }

    /// Works once there is a place among `places`. The permit travels with the work, so that a client who leaves does not let the next
    /// one in early; one who leaves while waiting, here or for the model, never reaches it.
    async fn at_a_place<T: Send + 'static>(
        &self,
        places: &Arc<Semaphore>,
        work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let waiting = UnderWay::new("paperkin_questions_waiting");
        let came = Instant::now();
        let Ok(permit) = Arc::clone(places).acquire_owned().await else {
            return Err(Failure::not_ready("stopping"));
        };
        drop(waiting);
        stage("queue", came);
        // Dropped with this future, if the client leaves.
        let client = Arc::new(());
        let caller = Arc::downgrade(&client);
        let done = off_thread(move || {
            let _permit = permit;
            while_wanted(caller, work)
        })
        .await;
        drop(client);
        done
    }

    /// The answer to `request`, whose `options` are these: as it was given before, or by `ask`ing or `rank`ing.
    pub(super) async fn answer<R: Debug + Send + 'static>(
        &self,
        request: R,
        options: impl Fn(&R) -> &Options,
        needs_model: bool,
        work: impl FnOnce(&Searcher, &R) -> Result<Answer, SearchError> + Send + 'static,
    ) -> Result<Answer, Failure> {
        let came = Instant::now();
        let revision = self.library.searcher()?.revision();
        let key = Answers::key(revision, &request, options(&request));
        if let Some(known) = key.as_ref().and_then(|key| self.answers.known(key)) {
            ::metrics::counter!("paperkin_answers_known_total").increment(1);
            let mut answer = Answer::clone(&known);
            answer.took_ms = milliseconds(came);
            return Ok(answer);
        }
        let work =
            move |searcher: &Searcher| work(searcher, &request).map(|answer| (searcher.revision(), answer));
        let (answered, answer) = if needs_model { self.ask(work).await? } else { self.rank(work).await? };
        // A library that changed meanwhile has another answer under another key.
        if let Some(key) = key.filter(|_| answered == revision) {
            self.answers.keep(key, &Arc::new(answer.clone()));
        }
        Ok(answer)
    }

    /// Loads the model, starts with it, then keeps the snapshot up to date for as long as the process lives.
    ///
    /// A library that cannot be read (there is none yet; a backup is being restored) is looked for again; a model that
    /// cannot be loaded is an error, since only a restart with another setting helps.
    pub(super) async fn keep(
        self,
        load: Load,
        start: fn(&Self, LoadedModel) -> std::io::Result<()>,
    ) -> ServeError {
        let state = self.clone();
        match spawn_blocking(move || load().map(|model| start(&state, model))).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => return ServeError::Start(error),
            Ok(Err(error)) => return ServeError::Load(error),
            Err(error) => return ServeError::Load(error.into()),
        }
        let mut shown = None;
        let mut asked = Instant::now();
        loop {
            let started = Instant::now();
            let library = self.library.clone();
            let look = move || {
                let now = library.look()?;
                if let Ok(searcher) = library.searcher()
                    && let Err(error) = searcher.prepare()
                {
                    tracing::warn!(%error, "the library cannot be read through now");
                }
                // Damage may be found while the same index goes on answering.
                Some((now, library.searcher().is_ok_and(|searcher| worker::is_unindexed(&searcher))))
            };
            match spawn_blocking(look).await {
                Ok(None) => {}
                Ok(now) => {
                    let unindexed = now.is_some_and(|(_, unindexed)| unindexed);
                    // What failed, as on a full disk, is tried again.
                    if unindexed && (now != shown || asked.elapsed() > ASK_AGAIN_AFTER) {
                        asked = Instant::now();
                        self.bell.ask_to_publish();
                    }
                    shown = now;
                }
                Err(panic) => tracing::error!(%panic, "the library could not be looked at"),
            }
            metrics::settle();
            // While somebody ingests there is news at every look: opening a large library must not take all the time.
            tokio::time::sleep(LOOK_EVERY.max(started.elapsed() * 9)).await;
        }
    }
}

fn stage(name: &'static str, since: Instant) {
    ::metrics::histogram!("paperkin_stage_seconds", "stage" => name).record(since.elapsed());
}

/// A place among few; one more is told so at once.
pub(super) fn place(among: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Failure> {
    Arc::clone(among).try_acquire_owned().map_err(|_| Failure::overloaded())
}

/// Works off the async threads, to the end, also when the client leaves.
pub(super) async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    finished(spawn_blocking(work).await)
}

/// A panic in the work is the request's panic: the one place that catches panics answers it.
fn finished<T>(joined: Result<Result<T, Failure>, JoinError>) -> Result<T, Failure> {
    match joined {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_cancelled) => Err(Failure::not_ready("stopping")),
        },
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
