//! HTTP on this machine: the API under `/v1`, health, the OpenAPI document, the page at `/`, and MCP for assistants at
//! `/mcp`, which [`mcp_over_stdio`] speaks as well.
//!
//! The only async room. It promises that a request ends in a documented status within a stated time and a bounded
//! memory ([`crate::config::limits`]), that no input ends the process, and that nobody is answered but this machine and who shows
//! a key ([`crate::config::Access`]).

mod accept;
mod answers;
mod error;
mod extract;
mod gate;
mod library;
mod maps;
mod mcp;
mod metrics;
mod middleware;
mod openapi;
mod routes;
mod state;
mod tasks;
mod worker;
mod writing;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn;
use tokio::sync::Semaphore;

use crate::config::{Config, Limits};
use crate::embed::Encoder;
use crate::index::Centring;
pub use mcp::over_stdio as mcp_over_stdio;
use middleware::Bounds;
pub use state::AppState;

/// Why a model could not be loaded, in the words of who loads it.
pub type LoadError = Box<dyn std::error::Error + Send + Sync>;

/// A model that is ready to encode, and its language means.
pub struct LoadedModel {
    /// The model.
    pub encoder: Arc<dyn Encoder>,
    /// Its language means.
    pub prior: Centring,
}

/// Loads the model: run once, on a thread of its own, while whoever asks is answered "loading the model".
pub type Load = Box<dyn FnOnce() -> Result<LoadedModel, LoadError> + Send>;

/// What [`serve`] starts from.
pub struct Setup {
    /// Where to listen, which library, which bounds.
    pub config: Config,
    /// Loads the model.
    pub load: Load,
    /// Told the address once connections are accepted (port 0 becomes a real one).
    pub on_listening: Box<dyn FnOnce(SocketAddr) + Send>,
}

/// Why the service ended, or never began.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The port belongs to another process.
    #[error(
        "port {} of {} is taken (by another 'paperkin serve'?); choose another with --listen {}:{}, or any free one with \
         port 0", .0.port(), .0.ip(), bracketed(.0), .0.port().wrapping_add(1)
    )]
    PortTaken(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {0}: {1}; choose another address with --listen")]
    Listen(SocketAddr, #[source] io::Error),
    /// The model cannot be loaded.
    #[error("{0}")]
    Load(LoadError),
    /// On standard input comes something else.
    #[error("this is no MCP: {0}; an assistant starts 'paperkin mcp', see 'paperkin mcp --help'")]
    NoMcp(String),
    /// The operating system gives no threads or signals.
    #[error("cannot start: {0}")]
    Start(#[from] io::Error),
}

fn bracketed(address: &SocketAddr) -> String {
    match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    }
}

/// Answers until SIGINT or SIGTERM; then drains, and a second signal ends at once.
///
/// # Errors
/// If the address is taken, or the model cannot be loaded.
pub fn serve(setup: Setup) -> Result<(), ServeError> {
    let runtime = runtime(&setup.config.limits)?;
    let ended = runtime.block_on(run(setup));
    // What still runs has no client any more; waiting for it would only delay the end.
    runtime.shutdown_background();
    ended
}

/// Requests wait here, they do not work here: the model has the cores.
fn runtime(limits: &Limits) -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(limits.requests + limits.uploads + limits.exports + 4)
        .enable_all()
        .build()
}

async fn run(setup: Setup) -> Result<(), ServeError> {
    let signals = accept::Signals::new()?;
    accept::raise_file_limit(&setup.config.limits);
    let listener = accept::listen(setup.config.listen)?;
    let address = listener.local_addr()?;
    let state = AppState::new(setup.config.limits, setup.config.access, setup.config.library);
    let keeper = state.clone().keep(setup.load, AppState::start);
    (setup.on_listening)(address);
    tokio::select! {
        () = accept::serve(listener, router(state.clone()), &state, signals) => Ok(()),
        failed = keeper => Err(failed),
    }
}

/// Every route in its layers.
pub fn router(state: AppState) -> Router {
    let limits = &state.limits;
    let access = Arc::clone(&state.access);
    let places = Arc::new(Semaphore::new(limits.requests));
    let asked =
        Bounds { places: Arc::clone(&places), body_bytes: limits.body_bytes, body_room: limits.body_room };
    let (api, _) = routes::api().split_for_parts();
    let (uploading, _) = routes::uploads().split_for_parts();
    let (health, _) = routes::health().split_for_parts();
    let asking = api.merge(routes::pages()).with_state(state.clone()).merge(mcp::route(state.clone()));
    let asking = middleware::bounded(asking, limits, asked).layer(from_fn(mcp::in_protocol_words));
    let uploading = uploading.with_state(state.clone());
    let uploads = Bounds {
        places: Arc::new(Semaphore::new(limits.uploads)),
        body_bytes: limits.upload_bytes,
        body_room: limits.uploads * limits.upload_bytes,
    };
    let uploading = middleware::bounded(uploading, limits, uploads);
    let document = openapi();
    let described = routes::docs(&document).merge(openapi::route(&document));
    let always = health.merge(routes::assets()).with_state(state).merge(described);
    middleware::everywhere(asking.merge(uploading).merge(always), &access, places)
}

/// The OpenAPI document, as `/openapi.json` answers it.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = routes::api().into_openapi();
    document.merge(routes::uploads().into_openapi());
    document.merge(routes::health().into_openapi());
    openapi::with_plain_paths(document)
}
