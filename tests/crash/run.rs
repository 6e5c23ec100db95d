//! One ingest by the real binary, that ends when it is done or when it is killed, and what it acknowledged until then.

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::support::paperkin;

/// Without a model: many kills in little time.
pub const TEXT_ONLY: &[&str] = &["--no-embed"];

/// When an ingest is killed, if it still runs then.
#[derive(Clone, Copy, Debug)]
pub enum Life {
    /// Never.
    Full,
    /// So long after it was started.
    Time(Duration),
    /// So long after so many acknowledgements.
    Acknowledged(usize, Duration),
}

/// One line of acknowledgement.
pub struct Acknowledged {
    pub id: String,
    pub file: String,
    pub line: usize,
}

/// What an ingest said on standard output, and how it ended.
pub struct Said {
    pub acknowledged: Vec<Acknowledged>,
    pub done: Option<Value>,
    pub status: ExitStatus,
}

impl Said {
    /// Whether it was killed from outside, rather than having come to its end.
    pub fn was_killed(&self) -> bool {
        self.status.signal() == Some(9)
    }

    /// Whether it died at a failpoint.
    pub fn died(&self) -> bool {
        self.status.signal() == Some(6)
    }
}

/// `ingest` of the real binary, as a program that wants to know every record calls it.
pub fn ingest_of(library: &Path, source: &Path) -> Command {
    let mut command = paperkin(library);
    command.args(["--json", "ingest"]).arg(source);
    command
}

/// Runs `command` for as long as `life` lets it.
pub fn run(command: &mut Command, life: Life) -> Said {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let child = Arc::new(Mutex::new(child));
    let kill_after = |pause: Duration| {
        let child = Arc::clone(&child);
        std::thread::spawn(move || {
            std::thread::sleep(pause);
            child.lock().unwrap().kill().unwrap();
        })
    };
    let mut killer = match life {
        Life::Time(pause) => Some(kill_after(pause)),
        Life::Full | Life::Acknowledged(..) => None,
    };
    let (mut acknowledged, mut done) = (Vec::new(), None);
    // The last line of a killed process may be cut: that is no acknowledgement.
    for line in output.lines().map_while(Result::ok) {
        let Ok(event) = serde_json::from_str::<Value>(&line) else { continue };
        match event["event"].as_str() {
            Some("acknowledged") => acknowledged.push(Acknowledged {
                id: event["id"].as_str().unwrap().to_owned(),
                file: event["file"].as_str().unwrap().to_owned(),
                line: event["line"].as_u64().unwrap() as usize,
            }),
            Some("done") => done = Some(event),
            _ => {}
        }
        if let Life::Acknowledged(wanted, pause) = life
            && killer.is_none()
            && acknowledged.len() >= wanted
        {
            killer = Some(kill_after(pause));
        }
    }
    let status = child.lock().unwrap().wait().unwrap();
    if let Some(killer) = killer {
        killer.join().unwrap();
    }
    Said { acknowledged, done, status }
}
