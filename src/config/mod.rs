//! Flags, environment and file to one validated [`Config`]: defaults < file < environment < flags.
//!
//! Parsing has no side effects ([`Settings`] is only what was said); building a `Config` checks it once. Only `cli`
//! builds one.

pub mod limits;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::embed::{Arithmetic, DeviceChoice, EncoderOptions, KernelChoice};
pub use limits::Limits;

/// What was said, by one source; unsaid is `None`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Folder of the library.
    pub library: Option<PathBuf>,
    /// Folder of models.
    pub models: Option<PathBuf>,
    /// Name of the model.
    pub model: Option<String>,
    /// Never open a connection.
    pub offline: Option<bool>,
    /// Where the model runs.
    pub device: Option<DeviceChoice>,
    /// In which numbers it runs.
    pub arithmetic: Option<Arithmetic>,
    /// With which instructions it runs.
    pub kernel: Option<KernelChoice>,
    /// CPU threads.
    pub threads: Option<usize>,
    /// Where `serve` listens.
    pub listen: Option<SocketAddr>,
}

impl Settings {
    /// What this source leaves unsaid is taken from `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            library: self.library.or(other.library),
            models: self.models.or(other.models),
            model: self.model.or(other.model),
            offline: self.offline.or(other.offline),
            device: self.device.or(other.device),
            arithmetic: self.arithmetic.or(other.arithmetic),
            kernel: self.kernel.or(other.kernel),
            threads: self.threads.or(other.threads),
            listen: self.listen.or(other.listen),
        }
    }

    /// Reads a TOML file whose keys are the flags' names.
    ///
    /// # Errors
    /// If it cannot be read, or has a key or value that is none of ours.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let text = fs_err::read_to_string(path).map_err(ConfigError::File)?;
        toml::from_str(&text)
            .map_err(|error| ConfigError::Syntax { file: path.to_owned(), error: Box::new(error) })
    }
}

/// What the product runs with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Folder of the library.
    pub library: PathBuf,
    /// Folder of models.
    pub models: PathBuf,
    /// Name of the model.
    pub model: String,
    /// Never open a connection.
    pub offline: bool,
    /// How the model runs.
    pub encoder: EncoderOptions,
    /// Where `serve` listens: a loopback address.
    pub listen: SocketAddr,
    /// Bounds.
    pub limits: Limits,
}

/// A setting that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{0}")]
    File(std::io::Error),
    /// The file says something that is no setting.
    #[error("{file}: {error}", file = file.display())]
    Syntax {
        /// Which file.
        file: PathBuf,
        /// Where and what.
        error: Box<toml::de::Error>,
    },
    /// Zero threads, or more than any machine has.
    #[error("--threads {0}: give a number from 1 to 1024")]
    Threads(usize),
    /// An address that others could reach.
    #[error(
        "--listen {0}: paperkin has no access keys yet, so it listens on this machine only; use 127.0.0.1 or [::1] \
         (from elsewhere: an ssh tunnel)"
    )]
    NotLoopback(SocketAddr),
}

impl Config {
    /// Checks `settings` and fills in the defaults.
    ///
    /// # Errors
    /// Names the setting, what is wrong with it, and what would do.
    pub fn new(settings: Settings) -> Result<Self, ConfigError> {
        let threads =
            settings.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        if !(1..=1024).contains(&threads) {
            return Err(ConfigError::Threads(threads));
        }
        let listen =
            settings.listen.unwrap_or_else(|| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), DEFAULT_PORT));
        if !listen.ip().is_loopback() {
            return Err(ConfigError::NotLoopback(listen));
        }
        Ok(Self {
            library: settings.library.unwrap_or_else(|| "index".into()),
            models: settings.models.unwrap_or_else(|| "models".into()),
            model: settings.model.unwrap_or_else(|| DEFAULT_MODEL.into()),
            offline: settings.offline.unwrap_or_default(),
            encoder: EncoderOptions {
                device: settings.device.unwrap_or_default(),
                arithmetic: settings.arithmetic,
                kernel: settings.kernel,
                threads,
            },
            listen,
            limits: Limits::default(),
        })
    }
}

/// Small enough for a laptop, about 100 languages.
pub const DEFAULT_MODEL: &str = "multilingual-e5-small";

const DEFAULT_PORT: u16 = 7117;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_the_file_and_the_file_over_defaults() {
        let file: Settings = toml::from_str("threads = 3\nmodel = 'other'\nlisten = '127.0.0.1:80'").unwrap();
        let flags = Settings { threads: Some(5), ..Settings::default() };
        let config = Config::new(flags.or(file)).unwrap();
        assert_eq!((config.encoder.threads, config.model.as_str(), config.listen.port()), (5, "other", 80));
        assert_eq!(config.library, Path::new("index"));
        assert!(toml::from_str::<Settings>("thread = 3").is_err(), "a misspelt key is named, not ignored");
    }

    #[test]
    fn no_address_that_others_reach() {
        let listen = |address: &str| {
            Config::new(Settings { listen: Some(address.parse().unwrap()), ..Settings::default() })
        };
        assert!(listen("[::1]:80").is_ok());
        assert!(listen("0.0.0.0:80").unwrap_err().to_string().contains("127.0.0.1"));
        assert!(Config::new(Settings { threads: Some(0), ..Settings::default() }).is_err());
    }
}
