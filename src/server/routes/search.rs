//! `/v1/search`: a question to ranked papers.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::options::{FloorSchema, Options, OptionsInUrl, Pairs};
use super::{Page, checked_text};
use crate::paper::PaperId;
use crate::search::{Answer, Filter, Floor, SearchRequest, Searcher, Sort};
use crate::server::error::{AskingFails, EveryFails, Failure, PostingFails};
use crate::server::extract::{Json as Body, Query};
use crate::server::state::AppState;

/// A question in a URL.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only described; `Pairs` reads it")]
pub(super) struct InUrl {
    /// The question, in any language; the id or URL of a paper brings that paper first. Operators in it say which papers
    /// may answer: `"exact phrase" author:kim tag:moe year:2023..2025 lang:ko has:commentary source:digest -tag:survey`.
    #[param(example = "mixture of vision encoders")]
    q: String,
}

/// A question in a body.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Question)]
pub(super) struct InBody {
    /// The question, in any language; the id or URL of a paper brings that paper first. Operators in it say which papers
    /// may answer, as in a URL.
    #[schema(example = "잔차 연결의 대안")]
    #[serde(alias = "q")]
    query: String,
    /// How many papers, 10 if not given.
    #[schema(minimum = 1)]
    limit: Option<u64>,
    /// How many of the best are passed over.
    offset: Option<u64>,
    /// Which papers may answer.
    #[serde(default)]
    filter: Filter,
    /// The order in which the best are shown.
    #[serde(default)]
    sort: Sort,
    /// What is new is preferred: a paper so many days older counts half in the order; scores stay.
    #[schema(example = 365)]
    recency: Option<f32>,
    /// 0: the best papers, however alike. 1: papers as unlike each other as can be.
    #[schema(minimum = 0, maximum = 1)]
    diversity: Option<f32>,
    /// The score below which a paper is no answer.
    #[serde(default)]
    #[schema(value_type = Option<FloorSchema>)]
    floor: Floor,
    /// Papers that you have seen already.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    exclude: Vec<PaperId>,
}

/// Papers that answer a question
#[utoipa::path(
    get,
    path = "/v1/search",
    tag = "search",
    operation_id = "search",
    params(InUrl, OptionsInUrl),
    responses((status = OK, description = "Best first", body = Answer), EveryFails, AskingFails)
)]
pub(super) async fn ask(
    State(state): State<AppState>,
    Query(pairs): Query<Pairs>,
) -> Result<Json<Answer>, Failure> {
    let (text, asked) = Options::of_url(pairs, &["q", "query"])?;
    let text =
        text.ok_or_else(|| Failure::invalid("missing field `q`", "ask something: /v1/search?q=...").of("q"))?;
    answer(&state, SearchRequest { text, options: asked.options }, asked.page).await.map(Json)
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
    let InBody { query: text, limit, offset, filter, sort, recency, diversity, floor, exclude } = asked;
    let options =
        crate::search::Options { filter, sort, recency, diversity, floor, exclude, ..Default::default() };
    answer(&state, SearchRequest { text, options }, Page { limit, offset }).await.map(Json)
}

/// The answer, after what may be asked was checked.
pub(in crate::server) async fn answer(
    state: &AppState,
    mut request: SearchRequest,
    page: Page,
) -> Result<Answer, Failure> {
    page.put(&mut request.options, &state.limits)?;
    checked_text(&request.text, &state.limits)?;
    state.answer(request, |request| &request.options, true, Searcher::search).await
}
