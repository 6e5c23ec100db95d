//! Every layer between the socket and a handler, in order, each with its reason.
//!
//! A request passes them from the top down, its answer from the bottom up.

use std::any::Any;
use std::net::IpAddr;

use axum::Router;
use axum::error_handling::HandleErrorLayer;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::{Next, from_fn, map_response};
use axum::response::{IntoResponse, Response};
use tower::limit::GlobalConcurrencyLimitLayer;
use tower::load_shed::LoadShedLayer;
use tower::{BoxError, ServiceBuilder};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::{RequestBodyDeadlineLayer, TimeoutLayer};
use tower_http::trace::TraceLayer;

use super::error::{Code, Failure, TIMEOUT};
use super::routes::faces;
use crate::config::Limits;

/// Around routes that do work: `at_once` of them, with bodies of at most `body_bytes`.
pub(super) fn bounded(routes: Router, limits: &Limits, at_once: usize, body_bytes: usize) -> Router {
    routes.layer(
        ServiceBuilder::new()
            // One request more than we hold is told so at once, instead of waiting in a queue that only grows.
            .layer(HandleErrorLayer::new(|_overloaded: BoxError| async { Failure::overloaded() }))
            .layer(LoadShedLayer::new())
            // Global: the plain limit layer would count for each route by itself.
            .layer(GlobalConcurrencyLimitLayer::new(at_once))
            // Below the permit, so that the time is the answer's own; the work is bounded, not only the wait for it.
            .layer(TimeoutLayer::with_status_code(TIMEOUT, limits.request_time))
            // A deadline, not a pause: one byte every now and then would renew a timeout for ever.
            .layer(RequestBodyDeadlineLayer::new(limits.body_time))
            // Read under a permit only: memory is permits times this limit.
            .layer(RequestBodyLimitLayer::new(body_bytes))
            .layer(DefaultBodyLimit::disable()),
    )
}

/// Around everything, also what there is no route for. Liveness stays outside of [`bounded`]: who is busy is alive.
pub(super) fn everywhere(routes: Router) -> Router {
    // Of chained calls the last is the outermost, so read this list from its end.
    routes
        // An answer that a layer or the router gave without words gets ours.
        .layer(map_response(in_our_words))
        // A page of another site must not change a library: a form may be posted anywhere without being asked for.
        .layer(from_fn(only_own_pages))
        // A name on the web that resolves to 127.0.0.1 must not read a library through its visitor's browser.
        .layer(from_fn(only_this_host))
        // A panic is one 500; the next request finds everything as it was.
        .layer(CatchPanicLayer::custom(panicked))
        // Whatever refused a request to another's API, the client reads it in that API's shape.
        .layer(from_fn(faces::in_its_own_words))
        // Headers also on what the layers below refuse, and on panics.
        .layer(map_response(with_security_headers))
        // Method and path only: what people ask is nobody's business, not even the log's.
        .layer(TraceLayer::new_for_http().make_span_with(|request: &Request| {
            tracing::debug_span!("request", method = %request.method(), path = request.uri().path())
        }))
}

async fn in_our_words(response: Response) -> Response {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let has_words = kind.is_some_and(|kind| kind == b"application/json" || kind.starts_with(b"text/html"));
    if has_words || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let mut ours = Failure::from_status(status).into_response();
    if let Some(allowed) = response.headers().get(header::ALLOW) {
        ours.headers_mut().insert(header::ALLOW, allowed.clone());
    }
    ours
}

async fn only_this_host(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if is_this_host(host) {
        return next.run(request).await;
    }
    let hint = "use http://127.0.0.1 or http://localhost with the port that 'paperkin serve' printed";
    Failure::new(Code::WrongHost, "this service answers only to its own address", hint).into_response()
}

async fn only_own_pages(request: Request, next: Next) -> Response {
    if request.method().is_safe() || is_own(request.headers()) {
        return next.run(request).await;
    }
    let hint = "ask from the page of this service, or from a program that sends no header Origin";
    Failure::new(Code::ForeignOrigin, "a page of another site may not ask this", hint).into_response()
}

/// Whether the request comes from our own page, or from no browser. Another port is another site.
fn is_own(headers: &HeaderMap) -> bool {
    let fetched = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    if !matches!(fetched, None | Some(b"same-origin" | b"none")) {
        return false;
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let (Ok(origin), Some(Ok(host))) = (origin.to_str(), headers.get(header::HOST).map(HeaderValue::to_str))
    else {
        return false;
    };
    ["http://", "https://"]
        .iter()
        .filter_map(|scheme| origin.strip_prefix(scheme))
        .any(|named| named.eq_ignore_ascii_case(host))
}

/// Whether a `Host` header names a loopback address, with any port (an ssh tunnel may have another).
fn is_this_host(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let Some((address, port)) = rest.split_once(']') else { return false };
            (address, port)
        }
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let port_fits = port.is_empty()
        || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    let name_fits = name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    name_fits && port_fits
}

fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let story = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(story, "a request panicked; please report it");
    let hint = "please report it with the lines that the server logged; other requests are not affected";
    Failure::new(Code::Internal, "a defect in paperkin ended this request", hint).into_response()
}

/// Nothing but our own files runs, loads, frames or receives; nothing is kept in a shared cache.
const SECURITY_HEADERS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
];

async fn with_security_headers(mut response: Response) -> Response {
    for (name, value) in SECURITY_HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_page_or_no_browser_changes_anything() {
        for (origin, fetched, own) in [
            (None, None, true),
            (None, Some("none"), true),
            (Some("http://localhost:7117"), Some("same-origin"), true),
            (Some("http://LOCALHOST:7117"), None, true),
            (Some("http://localhost:7118"), None, false),
            (Some("http://localhost"), None, false),
            (Some("http://localhost:7117.evil.example"), None, false),
            (Some("https://evil.example"), None, false),
            (Some("null"), None, false),
            (Some(""), None, false),
            (None, Some("cross-site"), false),
            (Some("http://localhost:7117"), Some("same-site"), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("localhost:7117"));
            for (name, value) in [("origin", origin), ("sec-fetch-site", fetched)] {
                if let Some(value) = value {
                    headers.insert(name, HeaderValue::from_static(value));
                }
            }
            assert_eq!(is_own(&headers), own, "{origin:?} {fetched:?}");
        }
    }

    #[test]
    fn only_names_of_this_machine_are_its_host() {
        for (host, ours) in [
            ("localhost", true),
            ("LOCALHOST:7117", true),
            ("127.0.0.1:80", true),
            ("127.0.0.2", true),
            ("[::1]:7117", true),
            ("[::1]", true),
            ("", false),
            ("evil.example", false),
            ("localhost.evil.example:7117", false),
            ("127.0.0.1.evil.example", false),
            ("localhost:7117@evil.example", false),
            ("192.168.0.2", false),
            ("0.0.0.0:7117", false),
            ("[::1", false),
            ("[::1]x", false),
        ] {
            assert_eq!(is_this_host(host), ours, "{host}");
        }
    }
}
