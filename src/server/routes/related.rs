//! `/v1/related`: papers and texts to be like, and unlike, to ranked papers.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{checked_limit, checked_text};
use crate::search::{Answer, Example};
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
    answer(&state, asked.positive, asked.negative, asked.limit).await.map(Json)
}

pub(super) async fn answer(
    state: &AppState,
    positive: Vec<Example>,
    negative: Vec<Example>,
    limit: Option<u64>,
) -> Result<Answer, Failure> {
    let limits = &state.limits;
    let limit = checked_limit(limit, limits)?;
    let examples = positive.len() + negative.len();
    if positive.is_empty() || examples > limits.examples {
        return Err(Failure::invalid(
            format!("{} positive and {} negative examples", positive.len(), negative.len()),
            format!("give at least one positive example, and at most {} in all", limits.examples),
        ));
    }
    let texts: String = positive
        .iter()
        .chain(&negative)
        .filter_map(|example| match example {
            Example::Text { text } => Some(text.as_str()),
            Example::Paper(_) => None,
        })
        .collect();
    checked_text(&texts, limits)?;
    state.ask(move |searcher| searcher.related(&crate::search::RelatedRequest { positive, negative, options: crate::search::Options::best(limit) })).await
}
