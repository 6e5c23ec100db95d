//! `/v1/search`: a question to ranked papers.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{checked_limit, checked_text};
use crate::search::Answer;
use crate::server::error::{AskingFails, EveryFails, Failure, PostingFails};
use crate::server::extract::{Json as Body, Query};
use crate::server::state::AppState;

/// A question in a URL.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct InUrl {
    /// The question, in any language; the id or URL of a paper brings that paper first.
    #[param(example = "mixture of vision encoders")]
    #[serde(alias = "query")]
    q: String,
    /// How many papers, 10 if not given.
    #[param(minimum = 1)]
    limit: Option<u64>,
}

/// A question in a body.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Question)]
pub(super) struct InBody {
    /// The question, in any language; the id or URL of a paper brings that paper first.
    #[schema(example = "잔차 연결의 대안")]
    #[serde(alias = "q")]
    query: String,
    /// How many papers, 10 if not given.
    #[schema(minimum = 1)]
    limit: Option<u64>,
}

/// Papers that answer a question
#[utoipa::path(
    get,
    path = "/v1/search",
    tag = "search",
    operation_id = "search",
    params(InUrl),
    responses((status = OK, description = "Best first", body = Answer), EveryFails, AskingFails)
)]
pub(super) async fn ask(
    State(state): State<AppState>,
    Query(asked): Query<InUrl>,
) -> Result<Json<Answer>, Failure> {
    answer(&state, asked.q, asked.limit).await.map(Json)
}

/// Papers that answer a question, however long
#[utoipa::path(
    post,
    path = "/v1/search",
    tag = "search",
    operation_id = "search_by_body",
    request_body = InBody,
    responses((status = OK, description = "Best first", body = Answer), EveryFails, AskingFails, PostingFails)
)]
pub(super) async fn post(
    State(state): State<AppState>,
    Body(asked): Body<InBody>,
) -> Result<Json<Answer>, Failure> {
    answer(&state, asked.query, asked.limit).await.map(Json)
}

pub(super) async fn answer(
    state: &AppState,
    question: String,
    limit: Option<u64>,
) -> Result<Answer, Failure> {
    let limit = checked_limit(limit, &state.limits)?;
    checked_text(&question, &state.limits)?;
    state.ask(move |searcher| searcher.search(&crate::search::SearchRequest::new(question, limit))).await
}
