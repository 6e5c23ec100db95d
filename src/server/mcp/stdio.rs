//! MCP on standard input and output: an assistant starts the process, and its end of input ends it.
//!
//! The first message is answered at once, while the model loads behind. Standard output carries the protocol and nothing
//! else. A model that cannot be loaded does not end the talk: the tools say why, which is where a user looks.

use rmcp::ServiceExt;
use rmcp::service::ServerInitializeError;
use rmcp::transport::async_rw::AsyncRwTransport;

use super::Assistant;
use crate::config::Config;
use crate::server::accept::Signals;
use crate::server::state::AppState;
use crate::server::{Load, ServeError, runtime};

/// Answers an assistant until its input ends, or a signal comes. Reads the library, and never writes to it.
///
/// # Errors
/// If what comes in is no MCP, or, once it has ended, if the model could not be loaded.
pub fn over_stdio(config: Config, load: Load) -> Result<(), ServeError> {
    let runtime = runtime(&config.limits)?;
    let ended = runtime.block_on(run(config, load));
    // A read of standard input cannot be called off; waiting for it would wait for the assistant.
    runtime.shutdown_background();
    ended
}

async fn run(config: Config, load: Load) -> Result<(), ServeError> {
    let mut signals = Signals::new()?;
    let longest_line = config.limits.body_bytes;
    let state = AppState::new(config.limits, config.access, config.library);
    let mut failed = None;
    let keeping = async {
        let error = state.clone().keep(load, AppState::start_reading).await;
        tracing::error!(%error, "the tools cannot answer");
        state.library.refuse(format!("{error} (then start this server again)"));
        failed = Some(error);
        std::future::pending::<()>().await;
    };
    let talking = async {
        let transport =
            AsyncRwTransport::new(tokio::io::stdin(), tokio::io::stdout()).with_max_line_length(longest_line);
        match Assistant::new(state.clone()).serve(transport).await {
            Ok(talk) => talk.waiting().await.map(drop).map_err(|error| ServeError::Start(error.into())),
            // Whoever opens and closes again has not asked for anything.
            Err(ServerInitializeError::ConnectionClosed(_)) => Ok(()),
            Err(error) => Err(ServeError::NoMcp(error.to_string())),
        }
    };
    let ended = tokio::select! {
        ended = talking => ended,
        () = keeping => Ok(()),
        () = signals.next() => Ok(()),
    };
    state.stop();
    ended.and(failed.map_or(Ok(()), Err))
}
