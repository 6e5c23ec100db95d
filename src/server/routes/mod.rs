//! One file a noun of the URL: what may be asked, the handler, what is answered, side by side.

mod export;
pub(super) mod faces;
mod facets;
mod health;
mod options;
mod page;
mod page_view;
mod papers;
mod related;
mod search;
mod tasks;
mod uploads;

use axum::Router;
use axum::routing::get;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::Failure;
use super::openapi::Document;
use super::state::AppState;
use crate::config::Limits;

/// The API, with its document.
pub(super) fn api() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(search::ask, search::post))
        .routes(routes!(papers::show, papers::remove))
        .routes(routes!(papers::related))
        .routes(routes!(related::post))
        .routes(routes!(facets::get))
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
    Router::new().route("/", get(page::home)).route("/paper", get(page::paper))
}

/// Style, script and icon.
pub(super) fn assets() -> Router<AppState> {
    page::assets()
}

/// Answered however busy we are.
pub(super) fn health() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(health::healthz)).routes(routes!(health::readyz))
}

/// Hits in an answer that nobody counted.
const DEFAULT_HITS: usize = 10;

/// How many hits are asked for.
fn checked_limit(asked: Option<u64>, limits: &Limits) -> Result<usize, Failure> {
    let Some(asked) = asked else { return Ok(DEFAULT_HITS.min(limits.hits)) };
    match usize::try_from(asked) {
        Ok(limit) if (1..=limits.hits).contains(&limit) => Ok(limit),
        _ => Err(Failure::invalid(
            format!("limit is {asked}"),
            format!("give a limit from 1 to {}", limits.hits),
        )),
    }
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
