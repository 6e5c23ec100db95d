//! `/openapi.json`, made from the handlers' own attributes, so that it cannot forget a route.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use utoipa::OpenApi;

use super::error::ErrorBody;

/// What the document says beside the routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "paperkin",
        description = "Semantic search over the papers of this machine. Every error is JSON: `{\"error\": {\"code\", \
                       \"message\", \"hint\", \"type\", \"param\"}}`; an answer of status 503 says in `Retry-After` when to come back. \
                       Offsets count Unicode code points. Assistants find the same at `/mcp` \
                       (Model Context Protocol).",
    ),
    components(schemas(ErrorBody)),
    tags(
        (name = "search", description = "Questions and examples to ranked papers"),
        (name = "papers", description = "Papers: one shown, many read in, one removed, all written out"),
        (name = "tasks", description = "What becomes of papers after they were read in"),
        (name = "health", description = "Is it there, is it ready"),
        (name = "OpenAI", description = "Embeddings as OpenAI's clients ask for them; errors in OpenAI's shape"),
        (name = "text-embeddings-inference", description = "Embeddings as TEI gives them; errors in TEI's shape"),
        (name = "Semantic Scholar", description = "This library as Semantic Scholar's clients ask theirs; errors in its shape"),
    )
)]
pub(super) struct Document;

/// A part of a path that holds slashes is marked for our router, but not in the document.
pub(super) fn with_plain_paths(mut document: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    let paths = std::mem::take(&mut document.paths.paths);
    document.paths.paths =
        paths.into_iter().map(|(path, routes)| (path.replace("{*", "{"), routes)).collect();
    document
}

/// The route of `document`.
pub(super) fn route(document: &utoipa::openapi::OpenApi) -> Router {
    let text = document.to_json().unwrap_or_default();
    let answer = ([(header::CONTENT_TYPE, "application/json")], text);
    Router::new().route("/openapi.json", get(async move || answer.into_response()))
}
