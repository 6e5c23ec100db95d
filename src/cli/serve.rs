//! `paperkin serve`

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

use super::{Done, Session};
use crate::server::{self, Load, LoadedModel, Setup};
use crate::store::{Store, StoreError};

/// Answer over HTTP and in the browser, on this machine
///
/// The page is at /, the API under /v1, its description at /openapi.json, and MCP for assistants at /mcp. Where there is no library
/// yet, it makes an empty one: files can be dropped on its page. Papers that another paperkin ingests meanwhile appear within a
/// second or two. Ctrl+C ends it after the answers under way; again, at once.
#[derive(Debug, Args)]
pub(super) struct ServeArguments {
    /// Where to listen: an address of this machine, port 0 for any free port [default: 127.0.0.1:7117]
    #[arg(long, env = "PAPERKIN_LISTEN", value_name = "ADDRESS:PORT")]
    pub(super) listen: Option<SocketAddr>,
    /// A file of lines 'read: KEY' and 'write: KEY': then everybody must show one. Needed to listen to more than this machine.
    /// Or in the environment: PAPERKIN_API_KEY (may write) and PAPERKIN_READ_KEY
    #[arg(long, visible_alias = "api-key", env = "PAPERKIN_API_KEY_FILE", value_name = "FILE")]
    pub(super) api_key_file: Option<PathBuf>,
    /// A name by which the service may be addressed, beside localhost; repeatable
    #[arg(long, env = "PAPERKIN_HOST", value_name = "NAME", value_delimiter = ',')]
    pub(super) host: Vec<String>,
    /// A web page of another site that may ask from a browser, given as scheme and name (and port); repeatable
    #[arg(long, env = "PAPERKIN_ALLOW_ORIGIN", value_name = "ORIGIN", value_delimiter = ',')]
    pub(super) allow_origin: Vec<String>,
    /// How the log is written to standard error; RUST_LOG says how much of it
    #[arg(long, env = "PAPERKIN_LOG_FORMAT", value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// Lines for people.
    Text,
    /// A JSON object a line.
    Json,
}

impl ServeArguments {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<Done> {
        log(session, self.log_format);
        // Whatever else is wrong with a library may be mended while the service runs.
        if let Err(error @ StoreError::NotAFolder(_)) = Store::open(&session.config.library) {
            return Err(error.into());
        }
        let say = session.clone();
        server::serve(Setup {
            config: session.config.clone(),
            load: loading(session),
            on_listening: Box::new(move |address| {
                say.say(format_args!("paperkin answers at http://{address}/ (Ctrl+C ends it)"));
            }),
        })?;
        Ok(Done::Fully)
    }
}

/// What a service does while nobody looks belongs in a log, on standard error; `RUST_LOG` chooses how much. What an assistant
/// asked wrongly is told to the assistant, and is no business of the log's.
pub(super) fn log(session: &Session, format: LogFormat) {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,paperkin=info,rmcp=error"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Fails only if somebody writes a log already, as in tests.
    let _ = match format {
        LogFormat::Text => log.with_ansi(session.is_interactive()).try_init(),
        LogFormat::Json => log.json().with_ansi(false).try_init(),
    };
}

/// Loads the model of this session.
pub(super) fn loading(session: &Session) -> Load {
    let session = session.clone();
    Box::new(move || {
        let (encoder, prior) = session.encoder()?;
        Ok(LoadedModel { encoder, prior })
    })
}
