//! text-embeddings-inference's `POST /embed` and `GET /info`, for its clients (huggingface_hub's `feature_extraction` among them).
//!
//! It is a TEI started with `--default-prompt-name passage` and without `--auto-truncate`: a text gets the prefix of `prompt_name`
//! (`query`, or `passage` if not given), and one that is too long is refused unless `truncate` says to cut it. What TEI can
//! and this model cannot (token ids, fewer dimensions, vectors not of length one) is refused as what TEI cannot validate.

use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Refused;
use super::texts::{Embedded, Kept, TOKENS_A_TURN, Texts, Unfit, WHY_NO_TOKENS, encoder, model_name};
use crate::paper::Role;
use crate::server::error::{Code, Failure};
use crate::server::extract::Json as Body;
use crate::server::state::AppState;

pub(super) fn api() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(embed)).routes(routes!(info))
}

/// Texts to embed. As with TEI, what is not known is not looked at.
#[derive(Deserialize, ToSchema)]
#[schema(as = TeiEmbedRequest)]
struct Asked {
    /// A text or several; token ids are refused.
    inputs: Texts,
    /// Only `true` is possible: the model's vectors are of length one.
    normalize: Option<bool>,
    /// Cut what is too long; `false` if not given.
    truncate: Option<bool>,
    /// From which side it is cut; right if not given.
    #[serde(default)]
    truncation_direction: Direction,
    /// `query`, or `passage` if not given.
    #[schema(example = "query")]
    prompt_name: Option<String>,
    /// Only the model's own number is possible.
    dimensions: Option<u64>,
}

/// The side that is cut off. TEI's own spelling is with a capital; its clients write it without.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[schema(as = TeiTruncationDirection)]
enum Direction {
    /// The beginning is cut off.
    #[serde(alias = "left")]
    Left,
    /// The end is cut off.
    #[default]
    #[serde(alias = "right")]
    Right,
}

/// An error, in TEI's shape.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TeiError)]
pub(super) struct ErrorBody {
    error: String,
    error_type: ErrorType,
}

/// What kind of error it is.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = TeiErrorType)]
enum ErrorType {
    /// The model is not loaded yet.
    Unhealthy,
    /// The model failed.
    Backend,
    /// Too many requests under way.
    Overloaded,
    /// Not something that can be embedded.
    Validation,
    /// There are no texts.
    Empty,
}

/// An error on its way out.
pub(super) struct Refusal {
    status: StatusCode,
    body: ErrorBody,
}

impl Refusal {
    /// TEI answers 413 to all that it finds not valid.
    fn validation(error: String) -> Self {
        let body = ErrorBody { error, error_type: ErrorType::Validation };
        Self { status: StatusCode::PAYLOAD_TOO_LARGE, body }
    }
}

impl From<Unfit> for Refusal {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::NoTexts => Self {
                status: StatusCode::BAD_REQUEST,
                body: ErrorBody { error: "`inputs` cannot be empty".into(), error_type: ErrorType::Empty },
            },
            Unfit::Empty { .. } => Self::validation("`inputs` cannot be empty".into()),
            Unfit::Tokens => Self::validation(format!("`inputs`: {WHY_NO_TOKENS}")),
            Unfit::TooMany { texts, limit } => {
                Self::validation(format!("batch size {texts} > maximum allowed batch size {limit}"))
            }
            Unfit::TooLong { position, tokens, limit } => Self::validation(format!(
                "`inputs` must have at most {limit} tokens. Given: {tokens} in text {position}; set `truncate` to cut it"
            )),
            Unfit::TooMuch { tokens, limit } => {
                Self::validation(format!("{tokens} tokens > maximum allowed {limit} in one request"))
            }
        }
    }
}

impl From<&Failure> for Refusal {
    fn from(failure: &Failure) -> Self {
        let (status, error_type) = match failure.code() {
            Code::NotReady => (StatusCode::SERVICE_UNAVAILABLE, ErrorType::Unhealthy),
            Code::Overloaded => (StatusCode::TOO_MANY_REQUESTS, ErrorType::Overloaded),
            Code::Internal => (StatusCode::FAILED_DEPENDENCY, ErrorType::Backend),
            Code::Timeout => (failure.status(), ErrorType::Backend),
            _ => (failure.status(), ErrorType::Validation),
        };
        let error = format!("{}; {}", failure.message(), failure.hint());
        Self { status, body: ErrorBody { error, error_type } }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}

/// Embed texts, as text-embeddings-inference does
///
/// Headers tell what it took, in milliseconds (`x-total-time`, `x-tokenization-time`, `x-queue-time`, `x-inference-time`), and how much
/// the model read (`x-compute-tokens`, prefixes and special tokens included; `x-compute-characters`).
#[utoipa::path(
    post,
    path = "/embed",
    tag = "text-embeddings-inference",
    operation_id = "tei_embed",
    request_body = Asked,
    responses(
        (status = OK, description = "One vector of length one a text, in their order", body = Vec<Vec<f32>>),
        (status = UNAUTHORIZED, description = "No key was shown, or none that is known", body = ErrorBody),
        (status = FORBIDDEN, description = "The request is of a page of another site", body = ErrorBody),
        (status = BAD_REQUEST, description = "No texts, or not JSON", body = ErrorBody),
        (status = PAYLOAD_TOO_LARGE, description = "Not something that can be embedded", body = ErrorBody),
        (status = UNSUPPORTED_MEDIA_TYPE, description = "The body is packed, or not said to be JSON", body = ErrorBody),
        (status = REQUEST_TIMEOUT, description = "The body took too long to arrive", body = ErrorBody),
        (status = UNPROCESSABLE_ENTITY, description = "Not of the shape that is asked for", body = ErrorBody),
        (status = FAILED_DEPENDENCY, description = "A defect of ours", body = ErrorBody),
        (status = TOO_MANY_REQUESTS, description = "Too many requests", body = ErrorBody),
        (status = SERVICE_UNAVAILABLE, description = "Still loading", body = ErrorBody),
        (status = GATEWAY_TIMEOUT, description = "The answer took too long", body = ErrorBody),
    )
)]
async fn embed(
    State(state): State<AppState>,
    Body(asked): Body<Asked>,
) -> Result<(HeaderMap, Json<Vec<Vec<f32>>>), Refused<Refusal>> {
    let started = Instant::now();
    let refuse = |why: String| Err(Refused::Own(Refusal::validation(why)));
    let role = match asked.prompt_name.as_deref() {
        None | Some("passage") => Role::Passage,
        Some("query") => Role::Query,
        Some(other) => {
            let other = crate::paper::cut(other, 40);
            return refuse(format!("`prompt_name` is `{other}`; available prompts: query, passage"));
        }
    };
    if asked.normalize == Some(false) {
        return refuse("`normalize` must be true: this model's vectors are of length one".into());
    }
    let dimension = encoder(&state)?.dimension();
    if let Some(dimensions) = asked.dimensions.filter(|dimensions| *dimensions != dimension as u64) {
        return refuse(format!(
            "`dimensions` is {dimensions}, but the model's vectors have {dimension} numbers, and it was not trained for fewer"
        ));
    }
    let kept = match asked.truncation_direction {
        Direction::Left => Kept::Tail,
        Direction::Right => Kept::Head,
    };
    let cut = asked.truncate.unwrap_or(false).then_some(kept);
    let embedded = super::texts::embed(&state, role, asked.inputs, cut).await;
    let embedded = embedded.map_err(|refused| refused.map(Refusal::from))?;
    let vectors = embedded.vectors.iter().map(|vector| vector.as_slice().to_vec()).collect();
    Ok((told(&embedded, started.elapsed()), Json(vectors)))
}

/// What it took. `x-compute-type` is left out: TEI's own is one and the same on every machine.
fn told(embedded: &Embedded, total: Duration) -> HeaderMap {
    let milliseconds = |time: Duration| time.as_millis().to_string();
    let told = [
        ("x-compute-time", milliseconds(total)),
        ("x-compute-characters", embedded.characters.to_string()),
        ("x-compute-tokens", embedded.tokens.to_string()),
        ("x-total-time", milliseconds(total)),
        ("x-tokenization-time", milliseconds(embedded.tokenization)),
        ("x-queue-time", milliseconds(embedded.queue)),
        ("x-inference-time", milliseconds(embedded.inference)),
    ];
    let pairs = told.into_iter().filter_map(|(name, value)| {
        Some((HeaderName::from_static(name), HeaderValue::from_str(&value).ok()?))
    });
    pairs.collect()
}

/// The model and its limits, as TEI tells them.
#[derive(Serialize, ToSchema)]
#[schema(as = TeiInfo)]
struct Info {
    /// Its name.
    model_id: String,
    /// Not known.
    model_sha: Option<String>,
    /// Of the numbers in a vector.
    model_dtype: &'static str,
    model_type: ModelType,
    /// Requests under way; one more is answered 429.
    max_concurrent_requests: usize,
    /// Tokens of a text, beside the prefix and special tokens.
    max_input_length: usize,
    /// Tokens that go through the model in one turn.
    max_batch_tokens: usize,
    /// No bound but that of tokens.
    max_batch_requests: Option<usize>,
    /// Texts of one request.
    max_client_batch_size: usize,
    /// `false`: nothing is cut unless a request says so.
    auto_truncate: bool,
    tokenization_workers: usize,
    /// Of paperkin.
    version: &'static str,
    /// Not known.
    sha: Option<String>,
    /// There is none.
    docker_label: Option<String>,
}

/// What the model does.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = TeiModelType)]
enum ModelType {
    /// It embeds.
    Embedding(EmbeddingModel),
}

/// How it embeds.
#[derive(Serialize, ToSchema)]
#[schema(as = TeiEmbeddingModel)]
struct EmbeddingModel {
    /// The mean of the tokens, as every encoder here does.
    pooling: &'static str,
}

/// The model and its limits, as text-embeddings-inference tells them
#[utoipa::path(
    get,
    path = "/info",
    tag = "text-embeddings-inference",
    operation_id = "tei_info",
    responses(
        (status = OK, description = "The model that is loaded", body = Info),
        (status = UNAUTHORIZED, description = "No key was shown, or none that is known", body = ErrorBody),
        (status = FORBIDDEN, description = "The request is of a page of another site", body = ErrorBody),
        (status = SERVICE_UNAVAILABLE, description = "Still loading", body = ErrorBody),
    )
)]
async fn info(State(state): State<AppState>) -> Result<Json<Info>, Refused<Refusal>> {
    Ok(Json(Info {
        model_id: model_name(&state)?,
        model_sha: None,
        model_dtype: "float32",
        model_type: ModelType::Embedding(EmbeddingModel { pooling: "mean" }),
        max_concurrent_requests: state.limits.requests,
        max_input_length: encoder(&state)?.token_limit(),
        max_batch_tokens: TOKENS_A_TURN,
        max_batch_requests: None,
        max_client_batch_size: state.limits.texts,
        auto_truncate: false,
        tokenization_workers: state.limits.requests,
        version: env!("CARGO_PKG_VERSION"),
        sha: None,
        docker_label: None,
    }))
}
