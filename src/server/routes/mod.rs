//! One file a noun of the URL: what may be asked, the handler, what is answered, side by side.

mod export;
pub(super) mod faces;
mod facets;
mod health;
mod map;
mod options;
mod pages;
mod papers;
pub(super) mod related;
pub(super) mod search;
mod tasks;
mod uploads;

use axum::Router;
use axum::http::{HeaderMap, header};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::Failure;
use super::metrics;
use super::openapi::Document;
use super::state::AppState;
use crate::config::Limits;
use crate::search::Options;

/// The API, with its document.
pub(super) fn api() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(search::ask, search::post))
        .routes(routes!(papers::show, papers::remove))
        .routes(routes!(papers::related))
        .routes(routes!(related::post))
        .routes(routes!(facets::get))
        .routes(routes!(map::get))
        .routes(routes!(tasks::list))
        .routes(routes!(tasks::show))
        .routes(routes!(tasks::events))
        .routes(routes!(export::get))
        .merge(faces::api())
}

/// What takes papers in, with limits of its own.
pub(super) fn uploads() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(uploads::post))
}

/// For people.
pub(super) fn pages() -> Router<AppState> {
    pages::routes()
}

/// The API, told to people.
pub(super) fn docs(document: &utoipa::openapi::OpenApi) -> Router {
    pages::docs::route(document)
}

/// Styles, scripts and the icon.
pub(super) fn assets() -> Router<AppState> {
    pages::assets()
}

/// Whether a path is of those.
pub(super) fn is_asset(path: &str) -> bool {
    path.starts_with(pages::ASSETS)
}

/// Answered however busy we are.
pub(super) fn health() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(metrics::show))
}

/// Hits in an answer that nobody counted.
const DEFAULT_HITS: usize = 10;

/// Which part of a ranking is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::server) struct Page {
    limit: Option<u64>,
    offset: Option<u64>,
}

impl Page {
    /// The first `limit`.
    pub(in crate::server) fn first(limit: u64) -> Self {
        Self { limit: Some(limit), offset: None }
    }

    /// Puts it into `options`, if so much may be asked for.
    fn put(self, options: &mut Options, limits: &Limits) -> Result<(), Failure> {
        options.limit = match self.limit.map(usize::try_from) {
            None => DEFAULT_HITS.min(limits.hits),
            Some(Ok(limit)) if (1..=limits.hits).contains(&limit) => limit,
            Some(_) => {
                let told = format!("limit is {}", self.limit.unwrap_or_default());
                return Err(
                    Failure::invalid(told, format!("give a limit from 1 to {}", limits.hits)).of("limit")
                );
            }
        };
        let most = limits.hits - options.limit;
        options.offset = match self.offset.map(usize::try_from) {
            None => 0,
            Some(Ok(offset)) if offset <= most => offset,
            Some(_) => {
                let told = format!("offset is {}", self.offset.unwrap_or_default());
                let hint = format!(
                    "limit and offset may come to {} together; a filter finds what is behind",
                    limits.hits
                );
                return Err(Failure::invalid(told, hint).of("offset"));
            }
        };
        Ok(())
    }
}

/// Whether the client has what `tag` names.
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|tags| tags.to_str().ok());
    known.flat_map(|tags| tags.split(',')).any(|known| known.trim() == "*" || known.trim() == tag)
}

/// A text that the model may be given.
fn checked_text(text: &str, limits: &Limits) -> Result<(), Failure> {
    let length = text.chars().count();
    if length <= limits.question_characters {
        return Ok(());
    }
    Err(Failure::invalid(
        format!("the text has {length} characters, at most {} can be asked", limits.question_characters),
        "send its most telling part; it is never cut in silence",
    ))
}
