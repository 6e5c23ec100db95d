//! Waits until something under the watched paths may have changed, and has been quiet for a moment.
//!
//! What changed is not taken from the events, which differ by system and get lost on network drives: whoever waits
//! looks at all files again, which is cheap, as unchanged ones are not read.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

/// A file is read when nothing has moved for so long: editors and downloads write in pieces.
const QUIET: Duration = Duration::from_millis(700);
/// Looked at all the same: events get lost, and some file systems send none.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// How long Ctrl+C waits for us.
const TICK: Duration = Duration::from_millis(100);

/// The paths cannot be watched.
#[derive(Debug, thiserror::Error)]
#[error(
    "{path} cannot be watched: {source}; run 'paperkin ingest' without --watch from time to time instead"
)]
pub struct WatchError {
    path: String,
    source: notify::Error,
}

/// Watches files and folders.
pub struct Watch {
    events: Receiver<notify::Result<notify::Event>>,
    _watcher: RecommendedWatcher,
}

impl Watch {
    /// Begins to watch; what changes from now on is not missed.
    ///
    /// # Errors
    /// If the system does not let us, as when it has too many watches already.
    pub fn new(paths: &[PathBuf]) -> Result<Self, WatchError> {
        let (sender, events) = channel();
        let failed = |path: &PathBuf, source| WatchError { path: path.display().to_string(), source };
        let first = PathBuf::new();
        let mut watcher = notify::recommended_watcher(sender).map_err(|error| failed(&first, error))?;
        for path in paths {
            watcher.watch(path, RecursiveMode::Recursive).map_err(|error| failed(path, error))?;
        }
        Ok(Self { events, _watcher: watcher })
    }

    /// Returns when it is time to look again; `false` if `stop` says so first.
    pub fn wait(&self, stop: &dyn Fn() -> bool) -> bool {
        let begun = Instant::now();
        let mut stirred: Option<Instant> = None;
        while !stop() {
            match self.events.recv_timeout(TICK) {
                // Reading is what we do ourselves.
                Ok(Ok(event)) if matches!(event.kind, EventKind::Access(_)) => {}
                Ok(_) => stirred = Some(Instant::now()),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => std::thread::sleep(TICK),
            }
            if stirred.is_some_and(|at| at.elapsed() >= QUIET) || begun.elapsed() >= LOOK_EVERY {
                return true;
            }
        }
        false
    }
}
