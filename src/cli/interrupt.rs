//! Ctrl+C: the first is answered at once and stops after the batch in hand, which is given a second; the second ends the
//! process.
//!
//! Nothing needs saving: what was acknowledged is on disk already, and the next run goes on from there. So whatever takes
//! longer than that second (a graph being built, a long batch) is left as a kill would leave it.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long the batch in hand may take.
const PATIENCE: Duration = Duration::from_millis(900);

/// Becomes true at the first Ctrl+C (or SIGTERM).
pub(super) fn watch() -> anyhow::Result<Arc<AtomicBool>> {
    watch_saying("stopping after this batch; what was read is safe, the next run goes on from here")
}

/// The same, with other words for what happens now.
pub(super) fn watch_saying(what: &'static str) -> anyhow::Result<Arc<AtomicBool>> {
    let asked = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&asked);
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::SeqCst) {
            // Crash-safe by design: see index/README.md.
            #[expect(clippy::disallowed_methods, reason = "the person asked twice")]
            std::process::exit(130);
        }
        std::thread::spawn(|| {
            std::thread::sleep(PATIENCE);
            #[expect(clippy::disallowed_methods, reason = "the person asked, and nothing is lost")]
            std::process::exit(130);
        });
        let _ = writeln!(std::io::stderr(), "\n{what} (Ctrl+C again: now)");
    })?;
    Ok(asked)
}
