//! Flags, environment and file to one validated [`Config`]: defaults < file < environment < flags.
//!
//! Parsing has no side effects ([`Settings`] is only what was said); building a `Config` checks it once. Only `cli`
//! builds one.

mod access;
pub mod limits;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::embed::{Arithmetic, DeviceChoice, EncoderOptions, KernelChoice};
pub use access::{Access, Keys, Right};
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
    /// A file of keys; see [`Keys::add_file`].
    pub api_key_file: Option<PathBuf>,
    /// Names by which `serve` may be addressed.
    #[serde(default)]
    pub host: Vec<String>,
    /// Web pages of other sites that may ask.
    #[serde(default)]
    pub allow_origin: Vec<String>,
    /// A key that allows all; only from the environment, where no list of processes shows it.
    #[serde(skip)]
    pub write_key: Option<Secret>,
    /// A key that allows to ask; likewise.
    #[serde(skip)]
    pub read_key: Option<Secret>,
}

/// What must not be printed.
#[derive(Clone)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("(secret)")
    }
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
            api_key_file: self.api_key_file.or(other.api_key_file),
            host: if self.host.is_empty() { other.host } else { self.host },
            allow_origin: if self.allow_origin.is_empty() { other.allow_origin } else { self.allow_origin },
            write_key: self.write_key.or(other.write_key),
            read_key: self.read_key.or(other.read_key),
        }
    }

    fn keys(&self) -> Result<Option<Keys>, ConfigError> {
        let mut keys = Keys::none();
        if let Some(file) = &self.api_key_file {
            keys.add_file(file)?;
            if keys.is_empty() {
                return Err(ConfigError::NoKey(file.clone()));
            }
        }
        for (right, key) in [(Right::Write, &self.write_key), (Right::Read, &self.read_key)] {
            if let Some(Secret(key)) = key {
                keys.add(right, key)?;
            }
        }
        Ok((!keys.is_empty()).then_some(keys))
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
    /// Where `serve` listens: a loopback address, unless there are keys.
    pub listen: SocketAddr,
    /// Who may do what.
    pub access: Access,
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
        "--listen {0}: others could reach it, so it needs keys: give --api-key-file FILE with lines 'read: KEY' and \
         'write: KEY', or use 127.0.0.1 or [::1] (from elsewhere: an ssh tunnel)"
    )]
    NotLoopback(SocketAddr),
    /// A key that is none.
    #[error(
        "a key has at least 16 letters, digits or signs of ASCII, without spaces; 'openssl rand -hex 16' makes one"
    )]
    Key,
    /// A line of the file of keys that is none.
    #[error(
        "{file}:{line}: give 'read: KEY' or 'write: KEY', with a key of at least 16 letters, digits or signs of ASCII", file = file.display()
    )]
    KeyFile {
        /// Which file.
        file: PathBuf,
        /// The line.
        line: usize,
    },
    /// No key in a file of keys.
    #[error("there is no key in {}: give 'read: KEY' and 'write: KEY', a line each", .0.display())]
    NoKey(PathBuf),
    /// A web page that is none.
    #[error(
        "--allow-origin {0}: give a page's scheme, name and port, such as https://notes.example; * would be everybody"
    )]
    Origin(String),
    /// A host that is none.
    #[error("--host {0}: give a name, such as papers.example, without scheme, port or path")]
    Host(String),
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
        let keys = settings.keys()?;
        if !listen.ip().is_loopback() && keys.is_none() {
            return Err(ConfigError::NotLoopback(listen));
        }
        if let Some(host) = settings.host.iter().find(|host| !is_name(host)) {
            return Err(ConfigError::Host(host.clone()));
        }
        if let Some(origin) = settings.allow_origin.iter().find(|origin| !is_origin(origin)) {
            return Err(ConfigError::Origin(origin.clone()));
        }
        let access = Access {
            keys,
            hosts: settings.host,
            origins: settings.allow_origin,
            is_wide: !listen.ip().is_loopback(),
        };
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
            access,
            limits: Limits::default(),
        })
    }
}

fn is_name(host: &str) -> bool {
    !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
}

/// `scheme://name` or `scheme://name:port`, as browsers send it.
fn is_origin(origin: &str) -> bool {
    let Some(rest) = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://")) else {
        return false;
    };
    let (name, port) = rest.split_once(':').unwrap_or((rest, "1"));
    is_name(name) && port.parse::<u16>().is_ok()
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
    fn origins_and_hosts_are_named_one_by_one() {
        let of = |host: &str, origin: &str| {
            let settings = Settings {
                host: vec![host.into()],
                allow_origin: vec![origin.into()],
                ..Settings::default()
            };
            Config::new(settings).is_ok()
        };
        assert!(of("papers.example", "https://notes.example:8443"));
        for host in ["", "http://papers.example", "papers.example:80", "a/b", "*"] {
            assert!(!of(host, "https://notes.example"), "{host}");
        }
        for origin in ["*", "notes.example", "https://", "https://a/b", "https://a:port", "file://a"] {
            assert!(!of("papers.example", origin), "{origin}");
        }
    }

    #[test]
    fn no_address_that_others_reach() {
        let listen = |address: &str| {
            Config::new(Settings { listen: Some(address.parse().unwrap()), ..Settings::default() })
        };
        assert!(listen("[::1]:80").is_ok());
        let told = listen("0.0.0.0:80").unwrap_err().to_string();
        assert!(told.contains("127.0.0.1") && told.contains("--api-key-file"), "{told}");
        let with_key = Settings {
            listen: Some("0.0.0.0:80".parse().unwrap()),
            read_key: Some(Secret("a-key-of-sixteen-letters".into())),
            ..Settings::default()
        };
        assert!(!format!("{with_key:?}").contains("sixteen"));
        assert!(Config::new(with_key).unwrap().access.is_wide);
        assert!(Config::new(Settings { threads: Some(0), ..Settings::default() }).is_err());
    }
}
