//! MCP over HTTP: one route, `POST /mcp`, streamable HTTP without sessions and without streams.
//!
//! The tools keep nothing between calls and say nothing before their answer. So no request opens a session that somebody
//! would have to end, and every answer is one body of JSON: what a client costs ends with its request. A client that asks
//! for a stream (GET) or ends a session (DELETE) is told 405, as the specification has it. Which hosts and origins may ask
//! is decided for all routes alike in [`crate::server::gate`], and so rmcp's own lists are off.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::{Value, json};

use super::Assistant;
use crate::server::error::{Code, Failure};
use crate::server::extract;
use crate::server::state::AppState;

pub(in crate::server) const PATH: &str = "/mcp";
/// Bytes of an error's body that are looked at.
const LONGEST_ERROR: usize = 64 * 1024;
/// JSON-RPC 2.0, section 5.1.
const PARSE_ERROR: i32 = -32_700;
const INVALID_REQUEST: i32 = -32_600;
const INTERNAL_ERROR: i32 = -32_603;

type Service = StreamableHttpService<Assistant, NeverSessionManager>;

/// The one route.
pub(in crate::server) fn route(state: AppState) -> Router {
    let config = StreamableHttpServerConfig::default()
        .disable_allowed_hosts()
        .disable_allowed_origins()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(state.limits.body_bytes);
    let assistant = Assistant::new(state);
    let sessions = Arc::new(NeverSessionManager::default());
    let service = Service::new(move || Ok(assistant.clone()), sessions, config);
    Router::new().route(PATH, post(answer).with_state(service))
}

async fn answer(State(service): State<Service>, parts: Parts, body: extract::Body) -> Response {
    let kind =
        parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
        let hint = "set the header Content-Type: application/json";
        return Failure::new(Code::NotJson, "the body is not said to be JSON", hint).into_response();
    }
    if let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(&body.0) {
        return told(StatusCode::BAD_REQUEST, PARSE_ERROR, &format!("the body is no JSON: {error}"));
    }
    let answered = service.handle(Request::from_parts(parts, Body::from(body.0))).await;
    match answered.status() {
        // Of a body that is JSON: rmcp found no message in it.
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            told(StatusCode::BAD_REQUEST, INVALID_REQUEST, "the body is no message of JSON-RPC 2.0")
        }
        _ => answered.map(Body::new),
    }
}

/// Makes an error of JSON-RPC of whatever refused a request to `/mcp`: clients read the message of nothing else.
pub(in crate::server) async fn in_protocol_words(request: Request, next: Next) -> Response {
    let is_ours = request.uri().path() == PATH;
    let response = next.run(request).await;
    let status = response.status();
    if !is_ours || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, LONGEST_ERROR).await.unwrap_or_default();
    let words = match serde_json::from_slice::<Value>(&bytes) {
        Ok(said) if said.get("jsonrpc").is_some() => return Response::from_parts(parts, Body::from(bytes)),
        Ok(said) => match (said["error"]["message"].as_str(), said["error"]["hint"].as_str()) {
            (Some(message), Some(hint)) => format!("{message}; {hint}"),
            _ => said.to_string(),
        },
        Err(_) if bytes.is_empty() => {
            let failure = Failure::from_status(status);
            format!("{}; {}", failure.message(), failure.hint())
        }
        Err(_) => String::from_utf8_lossy(&bytes).into_owned(),
    };
    let code = if status.is_server_error() { INTERNAL_ERROR } else { INVALID_REQUEST };
    let mut ours = told(status, code, &words);
    for name in [header::ALLOW, header::RETRY_AFTER] {
        if let Some(value) = parts.headers.get(&name) {
            ours.headers_mut().insert(name, value.clone());
        }
    }
    ours
}

fn told(status: StatusCode, code: i32, message: &str) -> Response {
    let body = json!({"jsonrpc": "2.0", "id": null, "error": {"code": code, "message": message}});
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    (status, [kind], body.to_string()).into_response()
}
