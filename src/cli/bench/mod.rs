//! `paperkin bench`: how fast this machine does what everything waits for. What the scripts of the same names run beside other engines.

mod encode;
mod index;

use clap::Subcommand;

use super::{Done, Session};

/// What to measure.
#[derive(Debug, Subcommand)]
pub(super) enum BenchCommand {
    /// Tokens a second, and milliseconds a question
    Encode(encode::EncodeArguments),
    /// Vectors a second that are linked, and recall against searches a second
    Index(index::IndexArguments),
}

impl BenchCommand {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<Done> {
        match self {
            Self::Encode(arguments) => arguments.run(session),
            Self::Index(arguments) => arguments.run(),
        }
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Megabytes of this process, as Linux tells; NaN elsewhere.
fn resident(key: &str) -> f64 {
    let status = fs_err::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.map_or(f64::NAN, |kilobytes| kilobytes / 1024.0)
}
