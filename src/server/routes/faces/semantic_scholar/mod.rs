//! Semantic Scholar's graph and recommendations, over this library: for `semanticscholar` and whatever else takes another address.
//!
//! Here are one paper, many papers, recommendations for one or from lists, and the relevance search. Citations, references,
//! authors, autocompletion, title match and bulk search are absent: this library has no citations, and no keyword syntax. Papers are
//! recommended from the library, whichever pool is named. What a parameter asks for and a library cannot tell (venues,
//! fields of study, counts of citations) is refused, since an answer without it would be another answer.

mod paper;

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::paper::{Api, Fields, Shown};
use super::super::options::Pairs;
use super::super::{checked_text, related};
use super::Refused;
use crate::paper::{Paper, PaperId};
use crate::search::{
    DateRange, Example, Filter, Options, RelatedRequest, SearchError, SearchRequest, Searcher,
};
use crate::server::error::{Code, Failure};
use crate::server::extract::{Json as Body, Query, Segment};
use crate::server::state::AppState;

/// Its own bounds, which its clients know.
const MOST_IDS: usize = 500;
const MOST_RECOMMENDED: usize = 500;
const MOST_FOUND: usize = 100;
/// Further than this nobody can page.
const LAST_FOUND: usize = 1_000;
/// Papers in an answer that nobody counted.
const DEFAULT_LIMIT: usize = 100;

pub(super) fn api() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(show))
        .routes(routes!(batch))
        .routes(routes!(search))
        .routes(routes!(recommend_for))
        .routes(routes!(recommend))
        // Its documentation writes this address both ways.
        .route("/recommendations/v1/papers", routing::post(recommend))
}

/// An error, in Semantic Scholar's shape: `error` where the request is wrong, `message` where it is not.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = SemanticScholarError)]
pub(super) struct ErrorBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// An error on its way out.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    told: String,
}

impl Refusal {
    fn wrong(told: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, told: told.into() }
    }

    fn unacceptable(parameters: &[(&str, &str)]) -> Self {
        let parameters: Vec<String> = parameters
            .iter()
            .map(|(name, value)| format!("{}={}", crate::paper::cut(name, 40), crate::paper::cut(value, 40)))
            .collect();
        Self::wrong(format!("Unacceptable query params: [{}]", parameters.join(", ")))
    }

    fn not_found(id: &str) -> Self {
        let told = format!("Paper with id {} not found", crate::paper::cut(id, 80));
        Self { status: StatusCode::NOT_FOUND, told }
    }
}

impl From<&Failure> for Refusal {
    /// Its clients know few statuses, and take others for an empty answer. Who finds no place is told to come again, as there.
    fn from(failure: &Failure) -> Self {
        let status = match failure.code() {
            Code::NotFound | Code::UnknownPaper | Code::NotEmbedded => StatusCode::NOT_FOUND,
            Code::Unauthorized | Code::Forbidden | Code::WrongHost | Code::ForeignOrigin => {
                StatusCode::FORBIDDEN
            }
            Code::NotReady | Code::Overloaded => StatusCode::TOO_MANY_REQUESTS,
            Code::MethodNotAllowed
            | Code::RequestTimeout
            | Code::BodyTooLarge
            | Code::Encoded
            | Code::Timeout => failure.status(),
            _ if failure.status().is_client_error() => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self { status, told: format!("{}; {}", failure.message(), failure.hint()) }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let is_message = self.status.is_server_error()
            || matches!(self.status, StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS);
        let body = if is_message {
            ErrorBody { message: Some(self.told), ..ErrorBody::default() }
        } else {
            ErrorBody { error: Some(self.told), ..ErrorBody::default() }
        };
        (self.status, Json(body)).into_response()
    }
}

type Answered<T> = Result<T, Refused<Refusal>>;

fn refuse<T>(refusal: Refusal) -> Answered<T> {
    Err(Refused::Own(refusal))
}

/// The parameters of a URL, each at most once.
struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Of these names only: one that is not looked at would be answered as if it were not there.
    fn read(pairs: Pairs, known: &[&str]) -> Answered<Self> {
        let mut read = BTreeMap::new();
        let mut bad = Vec::new();
        for (name, value) in &pairs {
            if !known.contains(&name.as_str()) || read.insert(name.clone(), value.clone()).is_some() {
                bad.push((name.as_str(), value.as_str()));
            }
        }
        if bad.is_empty() { Ok(Self(read)) } else { refuse(Refusal::unacceptable(&bad)) }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn fields(&self, api: Api) -> Answered<Fields> {
        Fields::parse(self.get("fields"), api).or_else(|unknown| {
            let unknown = unknown.join(", ");
            let unknown = crate::paper::cut(&unknown, 200);
            refuse(Refusal::wrong(format!("Unrecognized or unsupported fields: [{unknown}]")))
        })
    }

    fn number(&self, name: &str, unsaid: usize) -> Answered<usize> {
        let Some(text) = self.get(name) else { return Ok(unsaid) };
        text.parse().or_else(|_| refuse(Refusal::unacceptable(&[(name, text)])))
    }

    fn limit(&self, most: usize) -> Answered<usize> {
        match self.number("limit", DEFAULT_LIMIT)? {
            0 => refuse(Refusal::unacceptable(&[("limit", "0")])),
            limit if limit > most => refuse(Refusal::wrong(format!("'limit' must be <= {most}"))),
            limit => Ok(limit),
        }
    }
}

/// The paper that an id of theirs or of ours names: `ARXIV:`, `DOI:`, `URL:`, or what `paperId` says.
fn named(id: &str) -> Answered<PaperId> {
    let url = id.get(..4).filter(|head| head.eq_ignore_ascii_case("url:")).and_then(|_| id.get(4..));
    PaperId::parse(url.unwrap_or(id)).map_or_else(|| refuse(Refusal::not_found(id)), Ok)
}

fn look_up(searcher: &Searcher, id: &PaperId) -> Result<Option<Paper>, SearchError> {
    match searcher.paper(id) {
        Err(SearchError::Unknown(_)) => Ok(None),
        found => found.map(Some),
    }
}

/// A paper, as Semantic Scholar shows it
#[utoipa::path(
    get,
    path = "/graph/v1/paper/{*paper_id}",
    tag = "Semantic Scholar",
    operation_id = "semantic_scholar_paper",
    params(
        ("paper_id" = String, Path, description = "`ARXIV:...`, `DOI:...`, `URL:...`, or a `paperId`", example = "ARXIV:2408.15881"),
        ("fields" = Option<String>, Query, description = "Separated by commas; `paperId` is always there, `title` if nothing is asked for"),
    ),
    responses(
        (status = OK, description = "The fields asked for; null is what this library does not know", body = Shown),
        (status = FORBIDDEN, description = "No key was shown, or none that is known", body = ErrorBody),
        (status = BAD_REQUEST, description = "No such field or parameter", body = ErrorBody),
        (status = NOT_FOUND, description = "No paper of that id", body = ErrorBody),
        (status = TOO_MANY_REQUESTS, description = "Still loading, or too many requests", body = ErrorBody),
        (status = INTERNAL_SERVER_ERROR, description = "A defect of ours", body = ErrorBody),
    )
)]
async fn show(
    State(state): State<AppState>,
    Segment(id): Segment,
    Query(pairs): Query<Pairs>,
) -> Answered<Json<Value>> {
    // Ids hold slashes, so what their API has below a paper ends here too; before its parameters are looked at.
    if matches!(id.rsplit_once('/'), Some((_, "citations" | "references" | "authors"))) {
        let told = "This library has no citations, references or author pages".to_owned();
        return refuse(Refusal { status: StatusCode::NOT_FOUND, told });
    }
    let name = named(&id)?;
    let fields = Parameters::read(pairs, &["fields"])?.fields(Api::Graph)?;
    match state.look(move |searcher| look_up(searcher, &name)).await? {
        Some(paper) => Ok(Json(fields.of(&paper))),
        None => refuse(Refusal::not_found(&id)),
    }
}

/// Ids of papers.
#[derive(Deserialize, ToSchema)]
#[schema(as = SemanticScholarIds)]
struct Ids {
    /// As in the URL of one paper; at most 500.
    ids: Vec<String>,
}

/// Papers, as Semantic Scholar shows them
#[utoipa::path(
    post,
    path = "/graph/v1/paper/batch",
    tag = "Semantic Scholar",
    operation_id = "semantic_scholar_papers",
    params(("fields" = Option<String>, Query, description = "As for one paper")),
    request_body = Ids,
    responses(
        (status = OK, description = "One an id, in their order; null where there is no such paper", body = Vec<Option<Shown>>),
        (status = FORBIDDEN, description = "No key was shown, or none that is known", body = ErrorBody),
        (status = BAD_REQUEST, description = "No such field, too many ids, or no paper of any of them", body = ErrorBody),
        (status = PAYLOAD_TOO_LARGE, description = "The body is over the limit", body = ErrorBody),
        (status = UNSUPPORTED_MEDIA_TYPE, description = "The body is packed", body = ErrorBody),
        (status = REQUEST_TIMEOUT, description = "The body took too long to arrive", body = ErrorBody),
        (status = TOO_MANY_REQUESTS, description = "Still loading, or too many requests", body = ErrorBody),
        (status = INTERNAL_SERVER_ERROR, description = "A defect of ours", body = ErrorBody),
    )
)]
async fn batch(
    State(state): State<AppState>,
    Query(pairs): Query<Pairs>,
    Body(Ids { ids }): Body<Ids>,
) -> Answered<Json<Vec<Value>>> {
    let fields = Parameters::read(pairs, &["fields"])?.fields(Api::Graph)?;
    if ids.len() > MOST_IDS {
        return refuse(Refusal::wrong(format!("{} ids given, at most {MOST_IDS} are allowed", ids.len())));
    }
    let names: Vec<Option<PaperId>> = ids.iter().map(|id| named(id).ok()).collect();
    let found: Vec<Option<Paper>> = state
        .look(move |searcher| {
            names.iter().map(|name| name.as_ref().map_or(Ok(None), |name| look_up(searcher, name))).collect()
        })
        .await?;
    if found.iter().all(Option::is_none) {
        return refuse(Refusal::wrong("No valid paper ids given"));
    }
    Ok(Json(found.iter().map(|paper| paper.as_ref().map_or(Value::Null, |paper| fields.of(paper))).collect()))
}

/// Found papers.
#[derive(Serialize, ToSchema)]
#[schema(as = SemanticScholarFound)]
struct Found {
    /// Papers that were ranked.
    total: usize,
    /// Where these begin.
    offset: usize,
    /// Where the next begin; absent where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<usize>,
    /// Best first.
    #[schema(value_type = Vec<Shown>)]
    data: Vec<Value>,
}

/// Papers that answer a question, as Semantic Scholar's relevance search tells them
///
/// The query is read as our own search reads it: in any language, and with its operators.
#[utoipa::path(
    get,
    path = "/graph/v1/paper/search",
    tag = "Semantic Scholar",
    operation_id = "semantic_scholar_search",
    params(
        ("query" = String, Query, description = "The question"),
        ("fields" = Option<String>, Query, description = "As for one paper"),
        ("offset" = Option<u64>, Query, description = "Where to begin; with the limit less than 1000"),
        ("limit" = Option<u64>, Query, description = "How many, 1 to 100; 100 if not given"),
        ("year" = Option<String>, Query, description = "`2019`, `2016-2020`, `2010-`, `-2015`"),
        ("publicationDateOrYear" = Option<String>, Query, description = "`2019-03-05`, `2019-03`, `2016-03-05:2020-06-06`, `1981-08-25:`, `:2015`"),
    ),
    responses(
        (status = OK, description = "Best first", body = Found),
        (status = FORBIDDEN, description = "No key was shown, or none that is known", body = ErrorBody),
        (status = BAD_REQUEST, description = "Not something that can be asked", body = ErrorBody),
        (status = TOO_MANY_REQUESTS, description = "Still loading, or too many requests", body = ErrorBody),
        (status = INTERNAL_SERVER_ERROR, description = "A defect of ours", body = ErrorBody),
        (status = GATEWAY_TIMEOUT, description = "The answer took too long", body = ErrorBody),
    )
)]
async fn search(State(state): State<AppState>, Query(pairs): Query<Pairs>) -> Answered<Json<Found>> {
    const KNOWN: [&str; 6] = ["query", "fields", "offset", "limit", "year", "publicationDateOrYear"];
    const OUT_OF_REACH: &str = "Requested data for this limit and/or offset is not available";
    let parameters = Parameters::read(pairs, &KNOWN)?;
    let fields = parameters.fields(Api::Graph)?;
    let (offset, limit) = (parameters.number("offset", 0)?, parameters.limit(MOST_FOUND)?);
    let end = offset.saturating_add(limit);
    if end >= LAST_FOUND.min(state.limits.hits.saturating_add(1)) {
        return refuse(Refusal::wrong(OUT_OF_REACH));
    }
    let Some(text) = parameters.get("query").map(str::to_owned) else {
        return refuse(Refusal::wrong("Missing required query param: query"));
    };
    checked_text(&text, &state.limits)?;
    let span = |name: &str, between| match parameters.get(name) {
        None => Ok(None),
        Some(typed) => match typed.replace(between, "..").parse::<DateRange>() {
            Ok(span) => Ok(Some(span)),
            Err(_) => refuse(Refusal::unacceptable(&[(name, typed)])),
        },
    };
    // Both hold, where both are given.
    let mut filter = Filter { dates: span("year", '-')?.into_iter().collect(), ..Filter::default() };
    if let Some(span) = span("publicationDateOrYear", ':')? {
        (filter.from, filter.to) = (span.from, span.to);
    }
    // One more than is shown tells whether there is a next page.
    let options = Options { offset, limit: limit + 1, filter, ..Options::default() };
    let request = SearchRequest { text, options };
    let (ranked, reached, papers) = state
        .ask(move |searcher| {
            let answer = searcher.search(&request)?;
            let page = answer.hits.iter().take(limit);
            let papers = page.map(|hit| searcher.paper(&hit.paper.id)).collect::<Result<Vec<_>, _>>()?;
            Ok((answer.total, offset + answer.hits.len(), papers))
        })
        .await?;
    if offset > 0 && papers.is_empty() {
        return refuse(Refusal::wrong(OUT_OF_REACH));
    }
    let next = (reached > end).then_some(end);
    // Where the end was reached it is known how many there are.
    let total = if next.is_some() { ranked } else { reached };
    let data = papers.iter().map(|paper| fields.of(paper)).collect();
    Ok(Json(Found { total, offset, next, data }))
}

/// Recommended papers.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SemanticScholarRecommended)]
struct Recommended {
    /// Best first; the papers asked about are left out.
    #[schema(value_type = Vec<Shown>)]
    recommended_papers: Vec<Value>,
}

/// Papers related to one, as Semantic Scholar recommends them
#[utoipa::path(
    get,
    path = "/recommendations/v1/papers/forpaper/{*paper_id}",
    tag = "Semantic Scholar",
    operation_id = "semantic_scholar_recommend_for_paper",
    params(
        ("paper_id" = String, Path, description = "As for one paper", example = "ARXIV:2408.15881"),
        ("fields" = Option<String>, Query, description = "As for one paper, but for `citations`, `references`, `embedding` and `tldr`"),
        ("limit" = Option<u64>, Query, description = "How many, 1 to 500; 100 if not given"),
        ("from" = Option<String>, Query, description = "`recent` or `all-cs`; either is this library"),
    ),
    responses(
        (status = OK, description = "Best first", body = Recommended),
        (status = FORBIDDEN, description = "No key was shown, or none that is known", body = ErrorBody),
        (status = BAD_REQUEST, description = "No such field or parameter", body = ErrorBody),
        (status = NOT_FOUND, description = "No paper of that id, or it has no vector yet", body = ErrorBody),
        (status = TOO_MANY_REQUESTS, description = "Still loading, or too many requests", body = ErrorBody),
        (status = INTERNAL_SERVER_ERROR, description = "A defect of ours", body = ErrorBody),
        (status = GATEWAY_TIMEOUT, description = "The answer took too long", body = ErrorBody),
    )
)]
async fn recommend_for(
    State(state): State<AppState>,
    Segment(id): Segment,
    Query(pairs): Query<Pairs>,
) -> Answered<Json<Recommended>> {
    let parameters = Parameters::read(pairs, &["fields", "limit", "from"])?;
    if let Some(pool) = parameters.get("from").filter(|pool| !matches!(*pool, "recent" | "all-cs")) {
        return refuse(Refusal::unacceptable(&[("from", pool)]));
    }
    recommended(&state, &parameters, &[id], &[]).await
}

/// Papers to be like, and unlike.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SemanticScholarExamples)]
struct Examples {
    /// Like these.
    #[schema(min_items = 1)]
    positive_paper_ids: Vec<String>,
    /// Unlike these.
    negative_paper_ids: Option<Vec<String>>,
}

/// Papers like some and unlike others, as Semantic Scholar recommends them
#[utoipa::path(
    post,
    path = "/recommendations/v1/papers/",
    tag = "Semantic Scholar",
    operation_id = "semantic_scholar_recommend",
    params(
        ("fields" = Option<String>, Query, description = "As for papers related to one"),
        ("limit" = Option<u64>, Query, description = "How many, 1 to 500; 100 if not given"),
    ),
    request_body = Examples,
    responses(
        (status = OK, description = "Best first", body = Recommended),
        (status = FORBIDDEN, description = "No key was shown, or none that is known", body = ErrorBody),
        (status = BAD_REQUEST, description = "Not something that can be asked", body = ErrorBody),
        (status = NOT_FOUND, description = "No paper of one of the ids, or it has no vector yet", body = ErrorBody),
        (status = PAYLOAD_TOO_LARGE, description = "The body is over the limit", body = ErrorBody),
        (status = UNSUPPORTED_MEDIA_TYPE, description = "The body is packed", body = ErrorBody),
        (status = REQUEST_TIMEOUT, description = "The body took too long to arrive", body = ErrorBody),
        (status = TOO_MANY_REQUESTS, description = "Still loading, or too many requests", body = ErrorBody),
        (status = INTERNAL_SERVER_ERROR, description = "A defect of ours", body = ErrorBody),
        (status = GATEWAY_TIMEOUT, description = "The answer took too long", body = ErrorBody),
    )
)]
async fn recommend(
    State(state): State<AppState>,
    Query(pairs): Query<Pairs>,
    Body(examples): Body<Examples>,
) -> Answered<Json<Recommended>> {
    let parameters = Parameters::read(pairs, &["fields", "limit"])?;
    let negative = examples.negative_paper_ids.unwrap_or_default();
    recommended(&state, &parameters, &examples.positive_paper_ids, &negative).await
}

async fn recommended(
    state: &AppState,
    parameters: &Parameters,
    positive: &[String],
    negative: &[String],
) -> Answered<Json<Recommended>> {
    let fields = parameters.fields(Api::Recommendations)?;
    let limit = parameters.limit(MOST_RECOMMENDED)?.min(state.limits.hits);
    let examples = |ids: &[String]| -> Answered<Vec<Example>> {
        ids.iter().map(|id| named(id).map(Example::Paper)).collect()
    };
    let request = RelatedRequest {
        positive: examples(positive)?,
        negative: examples(negative)?,
        options: Options::best(limit),
        sentences: false,
    };
    related::check(&request, &state.limits)?;
    let papers = state
        .ask(move |searcher| {
            let answer = searcher.related(&request)?;
            answer.hits.iter().map(|hit| searcher.paper(&hit.paper.id)).collect::<Result<Vec<_>, _>>()
        })
        .await?;
    Ok(Json(Recommended { recommended_papers: papers.iter().map(|paper| fields.of(paper)).collect() }))
}
