//! What became of uploads after they were acknowledged: tasks, in memory, for who wants to watch.
//!
//! Nothing depends on a task: passages without vector are in the store, and the next start finds them there.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::watch;
use utoipa::ToSchema;

/// Finished tasks that are remembered.
pub(super) const KEPT: usize = 100;

/// Papers on their way from acknowledged to found.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Task {
    /// Its name in `/v1/tasks/{id}`.
    pub(super) id: String,
    /// Where it stands.
    pub(super) state: TaskState,
    /// When it was accepted.
    #[schema(value_type = String, format = DateTime)]
    created: Timestamp,
    /// When its turn came.
    #[schema(value_type = Option<String>, format = DateTime)]
    started: Option<Timestamp>,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    finished: Option<Timestamp>,
    /// Records that made a paper or changed one.
    papers: usize,
    /// Passages to embed.
    passages: Passages,
    /// How fast it goes.
    tokens_per_second: Option<f64>,
    /// How long it will still take.
    seconds_left: Option<f64>,
    /// Why it failed, or what it waits for.
    error: Option<String>,
    #[serde(skip)]
    meter: Option<Meter>,
}

/// How far a task is: all passages that it has to wait for, also those of others.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
struct Passages {
    /// How many, once that is known.
    total: Option<usize>,
    /// How many have their vector.
    done: usize,
}

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum TaskState {
    /// Others come first, or another process writes.
    Queued,
    /// Being embedded.
    Running,
    /// Search finds all of it.
    Done,
    /// It could not be embedded; the papers are kept, and the next upload or start tries again.
    Failed,
    /// The service ends; the next start goes on.
    Stopped,
}

impl TaskState {
    pub(super) fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Stopped)
    }

    /// Its name, as in JSON.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }
}

#[derive(Clone, Debug)]
struct Meter {
    since: Instant,
    tokens: usize,
}

impl Task {
    fn turn(&mut self, state: TaskState, error: Option<&str>) {
        self.state = state;
        self.error = error.map(str::to_owned);
        match state {
            TaskState::Running => self.started = self.started.or_else(|| Some(now())),
            state if state.is_final() => {
                self.finished = Some(now());
                self.seconds_left = None;
                if state == TaskState::Done {
                    // Nothing to embed; where more was expected, some could not be, and the log says why.
                    self.passages.total.get_or_insert(self.passages.done);
                }
            }
            _ => {}
        }
    }

    /// So many passages are still to be embedded.
    fn expect(&mut self, pending: usize) {
        self.passages.total = Some(self.passages.done + pending);
        self.meter.get_or_insert_with(|| Meter { since: Instant::now(), tokens: 0 });
    }

    fn advance(&mut self, passages: usize, tokens: usize) {
        self.passages.done += passages;
        let Some(meter) = &mut self.meter else { return };
        meter.tokens += tokens;
        let seconds = meter.since.elapsed().as_secs_f64().max(0.001);
        self.tokens_per_second = Some((meter.tokens as f64 / seconds).round());
        let left = self.passages.total.unwrap_or_default().saturating_sub(self.passages.done);
        if self.passages.done > 0 {
            let each = seconds / self.passages.done as f64;
            self.seconds_left = Some((left as f64 * each * 10.0).round() / 10.0);
        }
    }
}

/// All tasks of this process.
pub(super) struct Tasks {
    most_waiting: usize,
    /// Of ids: tells this process's tasks from those of the one before.
    epoch: i64,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    given: u64,
    stopping: bool,
    /// Oldest first.
    tasks: VecDeque<watch::Sender<Task>>,
}

impl Tasks {
    pub(super) fn new(most_waiting: usize) -> Self {
        Self { most_waiting, epoch: now().as_millisecond(), inner: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether one more may wait.
    pub(super) fn has_room(&self) -> bool {
        self.waiting() < self.most_waiting
    }

    fn count(&self, state: TaskState) -> usize {
        self.lock().tasks.iter().filter(|task| task.borrow().state == state).count()
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.count(TaskState::Queued)
    }

    /// Whether anything waits.
    pub(super) fn are_waiting(&self) -> bool {
        self.waiting() > 0
    }

    /// Whether anything is under way.
    pub(super) fn are_running(&self) -> bool {
        self.count(TaskState::Running) > 0
    }

    /// A new task, at the end of the queue.
    pub(super) fn add(&self, papers: usize) -> Task {
        let mut inner = self.lock();
        inner.given += 1;
        let mut task = Task {
            id: format!("{:x}-{}", self.epoch, inner.given),
            state: TaskState::Queued,
            created: now(),
            started: None,
            finished: None,
            papers,
            passages: Passages::default(),
            tokens_per_second: None,
            seconds_left: None,
            error: None,
            meter: None,
        };
        if inner.stopping {
            task.turn(TaskState::Stopped, None);
        }
        inner.tasks.push_back(watch::Sender::new(task.clone()));
        let finished = inner.tasks.iter().filter(|task| task.borrow().state.is_final()).count();
        let mut superfluous = finished.saturating_sub(KEPT);
        inner.tasks.retain(|task| {
            let goes = superfluous > 0 && task.borrow().state.is_final();
            superfluous -= usize::from(goes);
            !goes
        });
        task
    }

    /// The task of that id, to be watched.
    pub(super) fn watch(&self, id: &str) -> Option<watch::Receiver<Task>> {
        self.lock().tasks.iter().find(|task| task.borrow().id == id).map(watch::Sender::subscribe)
    }

    /// The latest, newest first.
    pub(super) fn latest(&self) -> Vec<Task> {
        self.lock().tasks.iter().rev().take(KEPT).map(|task| task.borrow().clone()).collect()
    }

    /// All that wait have their turn, together.
    pub(super) fn begin(&self) {
        self.change(TaskState::Queued, |task| task.turn(TaskState::Running, None));
    }

    /// Those that run wait again, for `reason`.
    pub(super) fn put_back(&self, reason: &str) {
        self.change(TaskState::Running, |task| task.turn(TaskState::Queued, Some(reason)));
    }

    /// Those that run have come to an end.
    pub(super) fn end(&self, failed: Option<&str>) {
        let state = if failed.is_some() { TaskState::Failed } else { TaskState::Done };
        self.change(TaskState::Running, |task| task.turn(state, failed));
    }

    pub(super) fn expect(&self, pending: usize) {
        self.change(TaskState::Running, |task| task.expect(pending));
    }

    pub(super) fn advance(&self, passages: usize, tokens: usize) {
        self.change(TaskState::Running, |task| task.advance(passages, tokens));
    }

    /// None goes on in this process.
    pub(super) fn stop(&self) {
        self.lock().stopping = true;
        for state in [TaskState::Queued, TaskState::Running] {
            self.change(state, |task| task.turn(TaskState::Stopped, None));
        }
    }

    fn change(&self, state: TaskState, change: impl Fn(&mut Task)) {
        for task in &self.lock().tasks {
            task.send_if_modified(|task| {
                let concerned = task.state == state;
                if concerned {
                    change(task);
                }
                concerned
            });
        }
    }
}

fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_is_begun_together_and_ends_together() {
        let tasks = Tasks::new(2);
        let (first, second) = (tasks.add(1), tasks.add(2));
        assert!(!tasks.has_room());
        tasks.begin();
        assert!(tasks.has_room());
        let late = tasks.add(1);
        tasks.expect(10);
        tasks.advance(4, 100);
        tasks.end(None);
        let seen = |id: &str| tasks.watch(id).unwrap().borrow().clone();
        for task in [&first, &second] {
            let task = seen(&task.id);
            assert_eq!((task.state, task.passages.total, task.passages.done), (TaskState::Done, Some(10), 4));
        }
        assert_eq!(seen(&late.id).state, TaskState::Queued);
        tasks.stop();
        assert_eq!(seen(&late.id).state, TaskState::Stopped);
        assert_eq!(seen(&first.id).state, TaskState::Done, "what is over stays as it ended");
        assert_eq!(tasks.add(1).state, TaskState::Stopped);
    }

    #[test]
    fn only_the_latest_of_the_finished_are_kept_and_all_that_are_not() {
        let tasks = Tasks::new(1_000);
        let first = tasks.add(0);
        tasks.begin();
        let ids: Vec<String> = (0..KEPT + 20).map(|_| tasks.add(0).id).collect();
        assert_eq!(tasks.latest().len(), KEPT);
        assert_eq!(tasks.latest()[0].id, ids[KEPT + 19]);
        tasks.begin();
        tasks.end(None);
        tasks.add(0);
        assert!(tasks.watch(&first.id).is_none());
        assert_eq!(tasks.lock().tasks.len(), KEPT + 1);
    }
}
