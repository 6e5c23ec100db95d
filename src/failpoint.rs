//! Named places at which a test lets the process die, as by `kill -9`: no destructor runs, nothing is flushed.
//!
//! `PAPERKIN_FAILPOINT=NAME:N` dies when the place is reached the N-th time. `PAPERKIN_FAILPOINT_LOG=FILE` appends each name
//! when it is first reached: a sweep that never came by proves nothing. Unset, a place costs one look at a constant.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

/// Every place there is, in the order in which a first ingest reaches them.
pub const NAMES: [&str; 14] = [
    "store.create.before_rename",
    "store.create.after_rename",
    "store.commit.before",
    "store.commit.after",
    "ingest.put.before_acknowledged",
    "ingest.embedded",
    "generation.file",
    "generation.directory.before_sync",
    "generation.directory.after_sync",
    "generation.directory.renamed",
    "generation.current.before_rename",
    "generation.current.after_rename",
    "generation.old.before_removal",
    "ingest.published",
];

struct Plan {
    name: String,
    at: usize,
    log: Option<PathBuf>,
    reached: Mutex<BTreeMap<&'static str, usize>>,
}

/// The place called `name` is reached.
pub fn reach(name: &'static str) {
    static PLAN: OnceLock<Option<Plan>> = OnceLock::new();
    if let Some(plan) = PLAN.get_or_init(Plan::of_environment) {
        plan.reach(name);
    }
}

impl Plan {
    fn of_environment() -> Option<Self> {
        let log = std::env::var_os("PAPERKIN_FAILPOINT_LOG").map(PathBuf::from);
        let point = std::env::var("PAPERKIN_FAILPOINT").ok();
        if log.is_none() && point.is_none() {
            return None;
        }
        let (name, at) = point.as_deref().and_then(|point| point.rsplit_once(':')).unwrap_or_default();
        Some(Self { name: name.to_owned(), at: at.parse().unwrap_or(0), log, reached: Mutex::default() })
    }

    fn reach(&self, name: &'static str) {
        let mut reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        let times = reached.entry(name).or_default();
        *times += 1;
        if let Some(log) = self.log.as_ref().filter(|_| *times == 1) {
            // Whoever counts on the log misses what is not in it.
            let opened = fs_err::OpenOptions::new().append(true).create(true).open(log);
            let _ = opened.and_then(|mut file| writeln!(file, "{name}"));
        }
        if self.name == name && self.at == *times {
            std::process::abort();
        }
    }
}
