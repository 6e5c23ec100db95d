//! Every failure as an answer: a status, and JSON with a code, a message and a hint. The only file with status codes, but for
//! the faces (`routes/faces/`), which say the same failures in the words of other people's APIs.
//!
//! A failure of ours (5xx) is logged in full and shown in brief; a failure of the caller's says what would do.

use std::any::Any;
use std::collections::BTreeMap;
use std::error::Error;

use axum::Json;
use axum::extract::rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection};
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use http_body_util::LengthLimitError;
use serde::Serialize;
use tower_http::timeout::TimeoutError;
use utoipa::openapi::{Content, RefOr, ResponseBuilder, schema::Ref};
use utoipa::{IntoResponses, ToSchema};

use crate::embed::EncodeError;
use crate::ingest::IngestError;
use crate::search::{FilterError, RequestError, SearchError};
use crate::store::StoreError;

/// Why there is no answer.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Error)]
pub(super) struct ErrorBody {
    error: ErrorDetail,
}

/// What went wrong and what would do.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct ErrorDetail {
    code: Code,
    /// What went wrong, for people.
    message: String,
    /// What to do about it.
    hint: String,
    /// Whose matter it is: as other services of this kind call it.
    r#type: &'static str,
    /// The parameter that is wrong, where it is one.
    param: Option<String>,
}

/// What went wrong, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Code {
    /// Not JSON, not UTF-8, or no HTTP that we speak.
    BadRequest,
    /// Not a paper id.
    BadId,
    /// No such route.
    NotFound,
    /// No paper of that name.
    UnknownPaper,
    /// The route has no such method.
    MethodNotAllowed,
    /// The request took too long to arrive.
    RequestTimeout,
    /// The paper has no vector yet.
    NotEmbedded,
    /// No task of that id; only the latest are kept.
    UnknownTask,
    /// Another process writes to the library.
    Locked,
    /// The disk of the library is full.
    DiskFull,
    /// No key was shown, or none that is known.
    Unauthorized,
    /// The key may not do this.
    Forbidden,
    /// A page of another site asked for a change.
    ForeignOrigin,
    /// The body is over the limit.
    BodyTooLarge,
    /// The body is not said to be JSON.
    NotJson,
    /// The body is packed.
    Encoded,
    /// Addressed to another host.
    WrongHost,
    /// Well-formed, but not something that can be asked.
    Invalid,
    /// A defect of ours.
    Internal,
    /// The model is still loading, or the library cannot be read yet.
    NotReady,
    /// Too many requests under way.
    Overloaded,
    /// The answer took too long.
    Timeout,
}

impl Code {
    const fn status(self) -> StatusCode {
        match self {
            Self::BadRequest | Self::BadId => StatusCode::BAD_REQUEST,
            Self::NotFound | Self::UnknownPaper | Self::UnknownTask => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::NotEmbedded | Self::Locked => StatusCode::CONFLICT,
            Self::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::ForeignOrigin => StatusCode::FORBIDDEN,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotJson | Self::Encoded => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::WrongHost => StatusCode::MISDIRECTED_REQUEST,
            Self::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NotReady | Self::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            Self::Timeout => TIMEOUT,
        }
    }
}

impl Code {
    /// In the words of OpenAI's API, whose clients read them.
    const fn kind(self) -> &'static str {
        match self {
            Self::NotFound | Self::UnknownPaper | Self::UnknownTask => "not_found_error",
            Self::Unauthorized => "authentication_error",
            Self::Forbidden | Self::ForeignOrigin | Self::WrongHost => "permission_error",
            Self::Internal | Self::Timeout | Self::DiskFull => "server_error",
            Self::NotReady | Self::Overloaded => "overloaded_error",
            _ => "invalid_request_error",
        }
    }
}

/// The answer took longer than `limits.request_time`.
pub(super) const TIMEOUT: StatusCode = StatusCode::GATEWAY_TIMEOUT;

/// A failure on its way out.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    code: Code,
    message: String,
    hint: String,
    parameter: Option<String>,
    filter: Option<FilterError>,
}

impl Failure {
    pub(super) fn new(code: Code, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: hint.into(), parameter: None, filter: None }
    }

    /// A filter that means nothing.
    pub(super) fn of_filter(error: FilterError, hint: &str) -> Self {
        Self { filter: Some(error.clone()), ..Self::invalid(error.to_string(), hint) }
    }

    /// The same, of that parameter.
    pub(super) fn of(mut self, parameter: &str) -> Self {
        self.parameter = Some(crate::paper::cut(parameter, 40).to_owned());
        self
    }

    /// Well-formed, but cannot be asked.
    pub(super) fn invalid(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Code::Invalid, message, hint)
    }

    /// `text` is no paper id.
    pub(super) fn bad_id(error: &impl ToString) -> Self {
        let hint = "in a path, write the slash of an id as %2F";
        Self::new(Code::BadId, error.to_string(), hint)
    }

    /// Not ready, with the reason.
    pub(super) fn not_ready(reason: impl Into<String>) -> Self {
        Self::new(Code::NotReady, reason, "ask /readyz, and try again when it answers 200")
    }

    /// A defect of ours: the whole story goes to the log.
    pub(super) fn internal(error: &dyn Error) -> Self {
        let mut story = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            story = format!("{story}: {error}");
            cause = error.source();
        }
        tracing::error!(error = story, "a request failed");
        Self::new(Code::Internal, error.to_string(), "run 'paperkin check'; the log of the server says more")
    }

    /// A panic while answering: the story goes to the log, and the answer only says that it was no fault of the caller's.
    pub(super) fn panicked(panic: &(dyn Any + Send)) -> Self {
        let story = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no message");
        tracing::error!(story, "a request panicked; please report it");
        let hint = "please report it with the lines that the server logged; other requests are not affected";
        Self::new(Code::Internal, "a defect in paperkin ended this request", hint)
    }

    pub(super) fn status(&self) -> StatusCode {
        self.code.status()
    }

    pub(super) fn code(&self) -> Code {
        self.code
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    pub(super) fn hint(&self) -> &str {
        &self.hint
    }

    /// The filter that is wrong, if it is one: a page says in its own words what would do.
    pub(super) fn filter(&self) -> Option<&FilterError> {
        self.filter.as_ref()
    }

    /// Whether asking again a little later may help.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self.code, Code::NotReady | Code::Overloaded)
    }

    /// Whether there is no library to answer from, yet.
    pub(super) fn is_not_ready(&self) -> bool {
        self.code == Code::NotReady
    }

    /// Dresses an answer of any kind as this failure: its status, and when to come back.
    pub(super) fn dress<B>(&self, mut response: Response<B>) -> Response<B> {
        *response.status_mut() = self.status();
        if self.is_passing() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if self.code == Code::Unauthorized {
            // The second makes a browser ask for a password.
            for scheme in ["Bearer", "Basic realm=\"paperkin: the password is the key\""] {
                response.headers_mut().append(header::WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
            }
        }
        response
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> axum::response::Response {
        let body = Json(ErrorBody {
            error: ErrorDetail {
                code: self.code,
                message: self.message.clone(),
                hint: self.hint.clone(),
                r#type: self.code.kind(),
                param: self.parameter.clone(),
            },
        });
        let mut response = self.dress(body.into_response());
        // For a face, which says the same in its own words.
        response.extensions_mut().insert(self);
        response
    }
}

impl From<SearchError> for Failure {
    fn from(error: SearchError) -> Self {
        let told = error.to_string();
        match error {
            SearchError::Empty => Self::invalid(told, "give a question with letters in it, or a paper id"),
            SearchError::Request(error) => {
                let hint = "see /openapi.json; in quotes, an operator such as author: is text";
                match error {
                    RequestError::Filter(error) => Self::of_filter(error, hint),
                    _ => Self::invalid(told, hint),
                }
            }
            SearchError::Unknown(_) => Self::new(
                Code::UnknownPaper,
                told,
                "search for its title, or read it in with 'paperkin ingest'",
            ),
            SearchError::NotEmbedded(_) => {
                Self::new(Code::NotEmbedded, told, "run 'paperkin ingest' to the end")
            }
            // No defect, and no client to read it.
            SearchError::Encode(EncodeError::Abandoned) => Self::not_ready(told),
            SearchError::Cancelled(_) => Self::invalid(told, "leave one of the examples out"),
            error => Self::internal(&error),
        }
    }
}

impl From<EncodeError> for Failure {
    fn from(error: EncodeError) -> Self {
        let told = error.to_string();
        match error {
            EncodeError::TooLong { .. } | EncodeError::Tokenizer(_) => {
                Self::invalid(told, "send a shorter text")
            }
            error => Self::internal(&error),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let told = error.to_string();
        match error {
            StoreError::Locked { .. } => {
                Self::new(Code::Locked, told, "nothing was changed; send it again when that process is done")
            }
            StoreError::DiskFull(_) => Self::new(
                Code::DiskFull,
                told,
                "free some space and send it again; questions are answered meanwhile",
            ),
            StoreError::OtherModel { .. } => Self::not_ready(told),
            error => Self::internal(&error),
        }
    }
}

impl From<IngestError> for Failure {
    fn from(error: IngestError) -> Self {
        match error {
            IngestError::Store(error) => error.into(),
            error => Self::internal(&error),
        }
    }
}

impl Failure {
    /// A body that did not come as it should.
    pub(super) fn of_body(error: &(dyn Error + 'static)) -> Self {
        if caused_by::<LengthLimitError>(error) {
            Self::too_large()
        } else if caused_by::<TimeoutError>(error) {
            Self::from_status(Code::RequestTimeout.status())
        } else {
            Self::new(Code::BadRequest, "the body broke off", "send it again")
        }
    }
}

impl From<BytesRejection> for Failure {
    fn from(rejection: BytesRejection) -> Self {
        Self::of_body(&rejection)
    }
}

impl From<JsonRejection> for Failure {
    fn from(rejection: JsonRejection) -> Self {
        const SHAPE: &str = "send JSON as /openapi.json describes it";
        let told = rejection.body_text();
        match rejection {
            JsonRejection::JsonDataError(_) => Self::invalid(told, SHAPE),
            JsonRejection::MissingJsonContentType(_) => {
                Self::new(Code::NotJson, told, "set the header Content-Type: application/json")
            }
            JsonRejection::JsonSyntaxError(_) => Self::new(Code::BadRequest, told, SHAPE),
            JsonRejection::BytesRejection(bytes) => bytes.into(),
            _ => Self::new(Code::BadRequest, told, "the body broke off; send it again"),
        }
    }
}

fn caused_by<E: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    error.is::<E>() || error.source().is_some_and(caused_by::<E>)
}

impl From<QueryRejection> for Failure {
    fn from(rejection: QueryRejection) -> Self {
        Self::invalid(rejection.body_text(), "see /openapi.json for the parameters of this route")
    }
}

impl From<PathRejection> for Failure {
    fn from(rejection: PathRejection) -> Self {
        Self::new(Code::BadRequest, rejection.body_text(), "percent-encode the id as UTF-8")
    }
}

impl Failure {
    fn too_large() -> Self {
        Self::new(
            Code::BodyTooLarge,
            "the body is over the limit",
            "send less at once; 'paperkin ingest' reads files of any size",
        )
    }

    /// What a layer or the router answered without words, in our words.
    pub(super) fn from_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::new(
                Code::NotFound,
                "there is nothing at this address",
                "see /openapi.json for the routes; in a path, write the slash of an id as %2F",
            ),
            StatusCode::METHOD_NOT_ALLOWED => Self::new(
                Code::MethodNotAllowed,
                "this address has no such method",
                "the header Allow says which it has",
            ),
            StatusCode::REQUEST_TIMEOUT => Self::new(
                Code::RequestTimeout,
                "the request took too long to arrive",
                "send it again, faster",
            ),
            StatusCode::PAYLOAD_TOO_LARGE => Self::too_large(),
            TIMEOUT => {
                Self::new(Code::Timeout, "the answer took too long", "ask something shorter, or later")
            }
            status if status.is_client_error() => {
                Self::new(Code::BadRequest, "the request cannot be read", "see /openapi.json")
            }
            _ => Self::new(
                Code::Internal,
                "something broke while answering",
                "the log of the server says more",
            ),
        }
    }

    /// One request too many.
    pub(super) fn overloaded() -> Self {
        Self::new(Code::Overloaded, "too many requests are under way", "try again in a moment")
    }
}

/// Failures for the OpenAPI document, by what a route does.
macro_rules! failures {
    ($($(#[$doc:meta])* $kind:ident: [$(($code:ident, $meaning:literal)),+ $(,)?];)+) => {
        $(
            $(#[$doc])*
            pub(super) struct $kind;

            impl IntoResponses for $kind {
                fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
                    described(&[$((Code::$code, $meaning)),+])
                }
            }
        )+
    };
}

failures! {
    /// Whatever a route does.
    EveryFails: [
        (BadRequest, "Not UTF-8, not JSON, or not a paper id"),
        (Unauthorized, "No key was shown, or none that is known"),
        (Forbidden, "The key may only ask, or the request is of a page of another site"),
        (WrongHost, "Addressed to another host"),
        (Internal, "A defect of ours"),
        (NotReady, "Still loading, or too many requests; `Retry-After` says when to come back"),
        (Timeout, "The answer took too long"),
    ];
    /// It names a paper.
    NamingFails: [(UnknownPaper, "No paper of that name")];
    /// It compares with a paper.
    RelatingFails: [(NotEmbedded, "The paper has no vector yet")];
    /// It asks with parameters.
    AskingFails: [(Invalid, "Well-formed, but not something that can be asked")];
    /// It changes the library.
    ChangingFails: [
        (Locked, "Another process writes; the message has its pid"),
        (DiskFull, "The disk is full; nothing stored is lost"),
    ];
    /// It names a task.
    FollowingFails: [(UnknownTask, "No task of that id; the latest are kept, until the service ends")];
    /// It reads papers.
    UploadingFails: [
        (RequestTimeout, "The body took too long to arrive"),
        (BodyTooLarge, "The body is over the limit"),
        (Encoded, "The body is packed"),
        (Invalid, "Nothing in it could be read; the message says why, line by line"),
    ];
    /// It reads a body.
    PostingFails: [
        (RequestTimeout, "The body took too long to arrive"),
        (BodyTooLarge, "The body is over the limit"),
        (NotJson, "The body is packed, or not said to be JSON"),
    ];
}

fn described(failures: &[(Code, &str)]) -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
    failures
        .iter()
        .map(|(code, meaning)| {
            let content = Content::new(Some(Ref::from_schema_name("Error")));
            let response =
                ResponseBuilder::new().description(*meaning).content("application/json", content).build();
            (code.status().as_str().to_owned(), response.into())
        })
        .collect()
}
