//! Every layer between the socket and a handler, in order, each with its reason.
//!
//! A request passes them from the top down, its answer from the bottom up.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::error_handling::HandleErrorLayer;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{Next, from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use tokio::sync::Semaphore;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower::load_shed::LoadShedLayer;
use tower::{BoxError, ServiceBuilder};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::{CompressionLayer, CompressionLevel};
use tower_http::cors::CorsLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer};
use tower_http::timeout::{RequestBodyDeadlineLayer, TimeoutLayer};
use tower_http::trace::{DefaultOnFailure, TraceLayer};
use tracing::Level;

use super::error::{Code, Failure, TIMEOUT};
use super::routes::{self, faces};
use super::{gate, mcp, metrics};
use crate::config::{Access, Limits};

/// What a group of routes that do work may take.
pub(super) struct Bounds {
    /// A place for each request under way.
    pub(super) places: Arc<Semaphore>,
    /// Bytes of one body.
    pub(super) body_bytes: usize,
    /// Bytes of all bodies.
    pub(super) body_room: usize,
}

/// Around routes that do work.
pub(super) fn bounded(routes: Router, limits: &Limits, bounds: Bounds) -> Router {
    let Bounds { places, body_bytes, body_room } = bounds;
    let bodies = Bodies { room: Arc::new(Semaphore::new(body_room / UNIT)), each: body_bytes };
    routes
        .layer(
            ServiceBuilder::new()
                // One request more than we hold is told so at once, instead of waiting in a queue that only grows.
                .layer(HandleErrorLayer::new(|_overloaded: BoxError| async { Failure::overloaded() }))
                .layer(LoadShedLayer::new())
                // Global: the plain limit layer would count for each route by itself.
                .layer(GlobalConcurrencyLimitLayer::with_semaphore(places))
                // Below the permit, so that the time is the answer's own; the work is bounded, not only the wait for it.
                .layer(TimeoutLayer::with_status_code(TIMEOUT, limits.request_time)),
        )
        // A body is there before it takes a place among those that are answered: who sends slowly keeps nobody from asking.
        .layer(from_fn_with_state(bodies, arrived))
        .layer(
            ServiceBuilder::new()
                // A deadline, not a pause: one byte every now and then would renew a timeout for ever.
                .layer(RequestBodyDeadlineLayer::new(limits.body_time))
                .layer(RequestBodyLimitLayer::new(body_bytes)),
        )
        .layer(DefaultBodyLimit::disable())
}

/// Bytes that are counted together.
const UNIT: usize = 1_024;

/// Room for bodies in memory: each takes as much of it as it says, or as much as one may have.
#[derive(Clone)]
struct Bodies {
    room: Arc<Semaphore>,
    each: usize,
}

/// Waits for the whole body, within its room.
async fn arrived(State(bodies): State<Bodies>, request: Request, next: Next) -> Response {
    let encoding = request.headers().get(header::CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        let hint = "send the body as it is, without Content-Encoding; 'paperkin ingest' reads packed files";
        return Failure::new(Code::Encoded, "the body is packed", hint).into_response();
    }
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let said =
        request.headers().get(header::CONTENT_LENGTH).and_then(|said| said.to_str().ok()?.parse().ok());
    let most = said.unwrap_or(bodies.each).min(bodies.each);
    let units = most.div_ceil(UNIT);
    let Ok(_room) = bodies.room.try_acquire_many(u32::try_from(units).unwrap_or(u32::MAX)) else {
        return Failure::overloaded().into_response();
    };
    let (head, body) = request.into_parts();
    // Into one place that is large enough, so that it is in memory once.
    let mut whole = Vec::with_capacity(most);
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        match piece {
            Ok(piece) => whole.extend_from_slice(&piece),
            Err(broken) => return Failure::of_body(&broken).into_response(),
        }
    }
    next.run(Request::from_parts(head, Body::from(whole))).await
}

/// Around everything, also what there is no route for. Liveness stays outside of [`bounded`]: who is busy is alive.
///
/// `places`: those of questions; where none is free, most requests are told so before anything else is done for them.
pub(super) fn everywhere(routes: Router, access: &Arc<Access>, places: Arc<Semaphore>) -> Router {
    // Of chained calls the last is the outermost, so read this list from its end.
    let routes = routes
        // An answer that a layer or the router gave without words gets ours.
        .layer(map_response(in_our_words))
        // A key, where keys are asked for.
        .layer(from_fn_with_state(Arc::clone(access), gate::only_with_key))
        // A page of another site must not change a library: a form may be posted anywhere without being asked for.
        .layer(from_fn_with_state(Arc::clone(access), gate::only_known_pages))
        // A name on the web that resolves to 127.0.0.1 must not read a library through its visitor's browser.
        .layer(from_fn_with_state(Arc::clone(access), gate::only_our_hosts))
        // A panic is one 500; the next request finds everything as it was.
        .layer(CatchPanicLayer::custom(panicked))
        // Whatever refused a request to another's API, the client reads it in that API's shape.
        .layer(from_fn(faces::in_its_own_words))
        // Counts what goes out, whichever layer below gave it.
        .layer(from_fn(metrics::count))
        // Headers also on what the layers below refuse, and on panics.
        .layer(map_response(with_security_headers))
        // Text of papers shrinks to a third; the fastest level, since the cores have better things to do.
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        // Method and path only: what people ask is nobody's business, not even the log's. A refusal under load is no failure of
        // ours, so nothing here is louder than a whisper; defects are logged where they are met, within this span.
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(span)
                .on_failure(DefaultOnFailure::new().level(Level::DEBUG)),
        )
        // The caller's own id of the request, or one of ours, for who compares logs.
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(SetRequestIdLayer::x_request_id(Numbered::default()))
        .layer(from_fn_with_state(places, not_while_full));
    // Outermost: a browser asks first, without a key, whether it may ask.
    match cross_origin(access) {
        Some(layer) => routes.layer(layer),
        None => routes,
    }
}

/// What is answered however full it is, or refuses in words of its own.
const WITHOUT_PLACE: [&str; 7] =
    ["/healthz", "/readyz", "/metrics", "/docs", "/openapi.json", "/v1/papers", mcp::PATH];

/// A refusal that costs next to nothing: a thousand clients at once are told to come back as fast as they ask. What slips through here
/// is refused by [`bounded`].
async fn not_while_full(State(places): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_free = WITHOUT_PLACE.contains(&path) || routes::is_asset(path) || faces::is_at(path);
    if is_free || places.available_permits() > 0 {
        return next.run(request).await;
    }
    metrics::count_refused();
    with_security_headers(Failure::overloaded().into_response()).await
}

fn span(request: &Request) -> tracing::Span {
    let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok());
    let id = crate::paper::cut(id.unwrap_or_default(), 64);
    tracing::info_span!("request", id, method = %request.method(), path = request.uri().path())
}

/// Ids of requests: in order, and never those of another start.
#[derive(Clone)]
struct Numbered {
    start: i64,
    given: Arc<AtomicU64>,
}

impl Default for Numbered {
    fn default() -> Self {
        Self { start: jiff::Timestamp::now().as_millisecond(), given: Arc::default() }
    }
}

impl MakeRequestId for Numbered {
    fn make_request_id<B>(&mut self, _: &axum::http::Request<B>) -> Option<RequestId> {
        let number = self.given.fetch_add(1, Ordering::Relaxed);
        HeaderValue::from_str(&format!("{:x}-{number}", self.start)).ok().map(RequestId::new)
    }
}

/// What browsers are told of pages of other sites: nothing, unless some are named.
fn cross_origin(access: &Access) -> Option<CorsLayer> {
    if access.origins.is_empty() {
        return None;
    }
    let origins: Vec<HeaderValue> =
        access.origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect();
    let layer = CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
        .expose_headers([header::LOCATION, header::RETRY_AFTER, HeaderName::from_static("x-request-id")]);
    Some(layer)
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

fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    Failure::panicked(panic.as_ref()).into_response()
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
