//! `/v1/facets`: what there is to filter by.

use axum::Json;
use axum::extract::State;

use super::options::{FilterInUrl, Pairs, filter_of_url};
use crate::search::Facets;
use crate::server::error::{AskingFails, EveryFails, Failure};
use crate::server::extract::Query;
use crate::server::state::AppState;

/// How many papers have which tags, languages, years, sources and authors
///
/// Of all papers, or of those that a filter allows. A value is as a filter takes it; at most a hundred of each key.
#[utoipa::path(
    get,
    path = "/v1/facets",
    tag = "search",
    operation_id = "facets",
    params(FilterInUrl),
    responses((status = OK, description = "The commonest first", body = Facets), EveryFails, AskingFails)
)]
pub(super) async fn get(
    State(state): State<AppState>,
    Query(pairs): Query<Pairs>,
) -> Result<Json<Facets>, Failure> {
    let filter = filter_of_url(pairs)?;
    state.look(move |searcher| searcher.facets(&filter)).await.map(Json)
}
