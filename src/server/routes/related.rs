//! `/v1/related`: papers and texts to be like, and unlike, to ranked papers.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::options::FloorSchema;
use super::{Page, checked_text};
use crate::config::Limits;
use crate::paper::PaperId;
use crate::search::{Answer, Example, Filter, Floor, Options, RelatedRequest, Searcher, Sort};
use crate::server::error::{AskingFails, EveryFails, Failure, NamingFails, PostingFails, RelatingFails};
use crate::server::extract::Json as Body;
use crate::server::state::AppState;

/// Examples to be like and unlike.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Examples)]
pub(super) struct InBody {
    /// Like these: ids of papers, or `{"text": "..."}`.
    #[schema(min_items = 1)]
    positive: Vec<Example>,
    /// Unlike these.
    #[serde(default)]
    negative: Vec<Example>,
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
    /// Name the pair of sentences that ties each of the first ten to the papers asked about.
    #[serde(default)]
    sentences: bool,
}

/// Papers like some examples and unlike others
#[utoipa::path(
    post,
    path = "/v1/related",
    tag = "search",
    operation_id = "related",
    request_body = InBody,
    responses(
        (status = OK, description = "Best first; the examples themselves are left out", body = Answer),
        EveryFails, AskingFails, NamingFails, RelatingFails, PostingFails,
    )
)]
pub(super) async fn post(
    State(state): State<AppState>,
    Body(asked): Body<InBody>,
) -> Result<Json<Answer>, Failure> {
    let InBody {
        positive,
        negative,
        limit,
        offset,
        filter,
        sort,
        recency,
        diversity,
        floor,
        exclude,
        sentences,
    } = asked;
    let options = Options { filter, sort, recency, diversity, floor, exclude, ..Options::default() };
    answer(&state, RelatedRequest { positive, negative, options, sentences }, Page { limit, offset })
        .await
        .map(Json)
}

/// The answer, after what may be asked was checked.
pub(in crate::server) async fn answer(
    state: &AppState,
    mut request: RelatedRequest,
    page: Page,
) -> Result<Answer, Failure> {
    page.put(&mut request.options, &state.limits)?;
    check(&request, &state.limits)?;
    // Papers have their vectors already: only texts take the model's time.
    let is_text = |example: &Example| matches!(example, Example::Text { .. });
    let needs_model = request.positive.iter().chain(&request.negative).any(is_text);
    state.answer(request, |request| &request.options, needs_model, Searcher::related).await
}

/// Refuses more examples than we compare with, and none.
pub(super) fn check(request: &RelatedRequest, limits: &Limits) -> Result<(), Failure> {
    let RelatedRequest { positive, negative, .. } = request;
    let examples = positive.len() + negative.len();
    if positive.is_empty() || examples > limits.examples {
        return Err(Failure::invalid(
            format!("{} positive and {} negative examples", positive.len(), negative.len()),
            format!("give at least one positive example, and at most {} in all", limits.examples),
        ));
    }
    let texts: String = positive
        .iter()
        .chain(negative)
        .filter_map(|example| match example {
            Example::Text { text } => Some(text.as_str()),
            Example::Paper(_) => None,
        })
        .collect();
    checked_text(&texts, limits)
}
