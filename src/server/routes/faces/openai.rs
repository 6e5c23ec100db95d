//! OpenAI's `POST /v1/embeddings` and `GET /v1/models`, for its clients and all that are made like them.
//!
//! Of the request everything is understood or refused: unknown arguments, token ids, and dimensions other than the model's own are
//! errors that name the argument. Two arguments are ours: `input_type` and `prompt_name` say whether the texts are queries or
//! passages, which this model tells apart.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Refused;
use super::texts::{Texts, Unfit, WHY_NO_TOKENS, embed, encoder, model_name};
use crate::paper::{Role, UnitVector};
use crate::server::error::Failure;
use crate::server::extract::{Json as Body, Segment};
use crate::server::state::AppState;

/// Says which model answered, where another was named.
const ANSWERED_BY: HeaderName = HeaderName::from_static("x-paperkin-model");

pub(super) fn api() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create)).routes(routes!(models)).routes(routes!(model))
}

/// Texts to embed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OpenAiEmbeddingRequest)]
struct Asked {
    /// A text or several. Token ids are refused: a request does not say of which tokenizer they are.
    input: Texts,
    /// Any name: there is one model. Where it is not this one's, the header `x-paperkin-model` says which answered.
    #[schema(example = "multilingual-e5-small")]
    model: Option<String>,
    /// Numbers, or their bytes: base64 of little-endian f32. Numbers if not given.
    encoding_format: Option<Format>,
    /// Only the model's own number is possible.
    #[schema(example = 384)]
    dimensions: Option<u64>,
    /// Not looked at.
    #[expect(dead_code, reason = "a client may say who its user is; nobody here wants to know")]
    user: Option<String>,
    /// `query` for what is asked, `passage` (if not given) for what is stored: decides which prefix the model is given. No prefix
    /// is to be sent in the text.
    #[schema(value_type = Option<String>, example = "query")]
    input_type: Option<Role>,
    /// The same, under the name that TEI has for it.
    #[schema(value_type = Option<String>)]
    prompt_name: Option<Role>,
}

/// How vectors are written.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    /// As numbers.
    #[default]
    Float,
    /// As base64 of little-endian f32.
    Base64,
}

/// Vectors, in the order of the texts.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenAiEmbeddings)]
struct Answered {
    /// `list`
    object: &'static str,
    /// One a text.
    data: Vec<Embedding>,
    /// The model that answered.
    model: String,
    /// What it read.
    usage: Usage,
}

/// One vector.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenAiEmbedding)]
struct Embedding {
    /// `embedding`
    object: &'static str,
    /// Which text, from 0.
    index: usize,
    /// Its vector, of length one.
    embedding: Written,
}

/// A vector, written.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = OpenAiVector)]
enum Written {
    /// As numbers.
    Float(Vec<f32>),
    /// As base64 of little-endian f32.
    Base64(String),
}

impl Written {
    fn new(vector: &UnitVector, format: Format) -> Self {
        match format {
            Format::Float => Self::Float(vector.as_slice().to_vec()),
            Format::Base64 => {
                let bytes: Vec<u8> = vector.as_slice().iter().flat_map(|value| value.to_le_bytes()).collect();
                Self::Base64(STANDARD.encode(bytes))
            }
        }
    }
}

/// Tokens that the model read: prefixes and special tokens included.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenAiUsage)]
struct Usage {
    prompt_tokens: usize,
    total_tokens: usize,
}

/// An error, in OpenAI's shape.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OpenAiError)]
pub(super) struct ErrorBody {
    error: Detail,
}

/// What is wrong, and with which argument.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OpenAiErrorDetail)]
struct Detail {
    message: String,
    r#type: &'static str,
    param: Option<&'static str>,
    code: Option<String>,
}

/// An error on its way out.
pub(super) struct Refusal {
    status: StatusCode,
    detail: Detail,
}

impl Refusal {
    fn new(code: &str, param: &'static str, message: String) -> Self {
        let (param, code) = (Some(param), Some(code.to_owned()));
        let detail = Detail { message, r#type: "invalid_request_error", param, code };
        Self { status: StatusCode::BAD_REQUEST, detail }
    }
}

impl From<Unfit> for Refusal {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::NoTexts => Self::new(
                "empty_array",
                "input",
                "Invalid 'input': empty array; send a text or several.".into(),
            ),
            Unfit::Empty { position } => Self::new(
                "empty_string",
                "input",
                format!("Invalid 'input[{position}]': an empty text has no vector; leave it out."),
            ),
            Unfit::Tokens => {
                Self::new("unsupported_value", "input", format!("Invalid 'input': {WHY_NO_TOKENS}."))
            }
            Unfit::TooMany { texts, limit } => Self::new(
                "array_above_max_length",
                "input",
                format!(
                    "Invalid 'input': array too long. Expected an array with maximum length {limit}, but got an array with \
                     length {texts} instead."
                ),
            ),
            Unfit::TooLong { position, tokens, limit } => Self::new(
                "context_length_exceeded",
                "input",
                format!(
                    "Invalid 'input[{position}]': the text has {tokens} tokens and this model reads at most {limit}. \
                     Split it: nothing is cut in silence."
                ),
            ),
            Unfit::TooMuch { tokens, limit } => Self::new(
                "max_tokens_per_request",
                "input",
                format!(
                    "Requested {tokens} tokens, max {limit} tokens per request. Send fewer texts at once."
                ),
            ),
        }
    }
}

impl From<&Failure> for Refusal {
    fn from(failure: &Failure) -> Self {
        // OpenAI says 400 of all that is well-formed and cannot be asked.
        let status = match failure.status() {
            StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
            status => status,
        };
        let r#type = if status.is_server_error() { "server_error" } else { "invalid_request_error" };
        let code = serde_json::to_value(failure.code()).ok();
        let code = code.as_ref().and_then(serde_json::Value::as_str).map(str::to_owned);
        let message = format!("{}; {}", failure.message(), failure.hint());
        Self { status, detail: Detail { message, r#type, param: None, code } }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(ErrorBody { error: self.detail })).into_response()
    }
}

/// Embed texts, as OpenAI does
///
/// Vectors are of length one, and the model's own: not centred for the library.
#[utoipa::path(
    post,
    path = "/v1/embeddings",
    tag = "OpenAI",
    operation_id = "openai_embeddings",
    request_body = Asked,
    responses(
        (status = OK, description = "One vector a text, in their order", body = Answered),
        (status = UNAUTHORIZED, description = "No key was shown, or none that is known", body = ErrorBody),
        (status = FORBIDDEN, description = "The request is of a page of another site", body = ErrorBody),
        (status = BAD_REQUEST, description = "Not something that can be embedded; `param` and `code` say why", body = ErrorBody),
        (status = PAYLOAD_TOO_LARGE, description = "The body is over the limit", body = ErrorBody),
        (status = UNSUPPORTED_MEDIA_TYPE, description = "The body is packed, or not said to be JSON", body = ErrorBody),
        (status = REQUEST_TIMEOUT, description = "The body took too long to arrive", body = ErrorBody),
        (status = INTERNAL_SERVER_ERROR, description = "A defect of ours", body = ErrorBody),
        (status = SERVICE_UNAVAILABLE, description = "Still loading, or too many requests", body = ErrorBody),
        (status = GATEWAY_TIMEOUT, description = "The answer took too long", body = ErrorBody),
    )
)]
async fn create(
    State(state): State<AppState>,
    Body(asked): Body<Asked>,
) -> Result<Response, Refused<Refusal>> {
    let model = model_name(&state)?;
    let dimension = encoder(&state)?.dimension();
    if let Some(dimensions) = asked.dimensions.filter(|dimensions| *dimensions != dimension as u64) {
        let message = format!(
            "Invalid 'dimensions': {dimensions}. This model's vectors have {dimension} numbers, and it was not trained for \
             fewer; leave 'dimensions' out."
        );
        return Err(Refused::Own(Refusal::new("unsupported_value", "dimensions", message)));
    }
    let role = match (asked.input_type, asked.prompt_name) {
        (Some(role), Some(other)) if role != other => {
            let message =
                "'input_type' and 'prompt_name' contradict each other; send one of them.".to_owned();
            return Err(Refused::Own(Refusal::new("invalid_value", "input_type", message)));
        }
        (role, other) => role.or(other).unwrap_or(Role::Passage),
    };
    let embedded =
        embed(&state, role, asked.input, None).await.map_err(|refused| refused.map(Refusal::from))?;
    let format = asked.encoding_format.unwrap_or_default();
    let written = embedded.vectors.iter().enumerate().map(|(index, vector)| Embedding {
        object: "embedding",
        index,
        embedding: Written::new(vector, format),
    });
    let is_another = asked.model.is_some_and(|named| named != model);
    let answered_by = HeaderValue::from_str(&model).ok().filter(|_| is_another);
    let usage = Usage { prompt_tokens: embedded.tokens, total_tokens: embedded.tokens };
    let mut response =
        Json(Answered { object: "list", data: written.collect(), model, usage }).into_response();
    if let Some(name) = answered_by {
        response.headers_mut().insert(ANSWERED_BY, name);
    }
    Ok(response)
}

/// A model.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenAiModel)]
struct Model {
    /// Its name.
    id: String,
    /// `model`
    object: &'static str,
    /// 0: when it was made is not known here.
    created: u64,
    /// `paperkin`
    owned_by: &'static str,
}

impl Model {
    fn named(id: String) -> Self {
        Self { id, object: "model", created: 0, owned_by: "paperkin" }
    }
}

/// Models.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenAiModels)]
struct Models {
    /// `list`
    object: &'static str,
    /// The one that is loaded.
    data: Vec<Model>,
}

/// The model, in a list of one
#[utoipa::path(
    get,
    path = "/v1/models",
    tag = "OpenAI",
    operation_id = "openai_models",
    responses(
        (status = OK, description = "The model that is loaded", body = Models),
        (status = UNAUTHORIZED, description = "No key was shown, or none that is known", body = ErrorBody),
        (status = FORBIDDEN, description = "The request is of a page of another site", body = ErrorBody),
        (status = SERVICE_UNAVAILABLE, description = "Still loading", body = ErrorBody),
    )
)]
async fn models(State(state): State<AppState>) -> Result<Json<Models>, Refused<Refusal>> {
    Ok(Json(Models { object: "list", data: vec![Model::named(model_name(&state)?)] }))
}

/// The model, by its name
#[utoipa::path(
    get,
    path = "/v1/models/{id}",
    tag = "OpenAI",
    operation_id = "openai_model",
    params(("id" = String, Path, description = "Its name", example = "multilingual-e5-small")),
    responses(
        (status = OK, description = "The model that is loaded", body = Model),
        (status = UNAUTHORIZED, description = "No key was shown, or none that is known", body = ErrorBody),
        (status = FORBIDDEN, description = "The request is of a page of another site", body = ErrorBody),
        (status = NOT_FOUND, description = "Another name than the loaded model's", body = ErrorBody),
        (status = SERVICE_UNAVAILABLE, description = "Still loading", body = ErrorBody),
    )
)]
async fn model(State(state): State<AppState>, Segment(id): Segment) -> Result<Json<Model>, Refused<Refusal>> {
    let model = model_name(&state)?;
    if id == model {
        return Ok(Json(Model::named(model)));
    }
    let id = crate::paper::cut(&id, 80);
    let message = format!("The model '{id}' does not exist; '{model}' is loaded.");
    let refusal = Refusal::new("model_not_found", "model", message);
    Err(Refused::Own(Refusal { status: StatusCode::NOT_FOUND, ..refusal }))
}
