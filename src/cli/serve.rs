//! `paperkin serve`

use std::net::SocketAddr;

use clap::Args;
use tracing_subscriber::EnvFilter;

use super::{Done, Session};
use crate::server::{self, Load, LoadedModel, Setup};

/// Answer over HTTP and in the browser, on this machine
///
/// The page is at /, the API under /v1, its description at /openapi.json, and MCP for assistants at /mcp. Papers that another paperkin ingests meanwhile appear
/// within a second or two. Ctrl+C ends it after the answers under way; again, at once.
#[derive(Debug, Args)]
pub(super) struct ServeArguments {
    /// Where to listen: an address of this machine, port 0 for any free port [default: 127.0.0.1:7117]
    #[arg(long, env = "PAPERKIN_LISTEN", value_name = "ADDRESS:PORT")]
    pub(super) listen: Option<SocketAddr>,
}

impl ServeArguments {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<Done> {
        log(session);
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
pub(super) fn log(session: &Session) {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,paperkin=info,rmcp=error"));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(session.is_interactive())
        .try_init();
}

/// Loads the model of this session.
pub(super) fn loading(session: &Session) -> Load {
    let session = session.clone();
    Box::new(move || {
        let (encoder, prior) = session.encoder()?;
        Ok(LoadedModel { encoder, prior })
    })
}
