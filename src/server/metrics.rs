//! `/metrics`: what the service does, in Prometheus' text format.
//!
//! Counters and times are recorded where things happen, through the facade `metrics`; what can be looked up is looked up when it
//! is asked for. Labels hold routes and codes only, never what was asked.

use std::sync::OnceLock;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use super::error::Failure;
use super::library::Status;
use super::state::{AppState, off_thread};
use crate::index::Published;
use crate::search::IndexState;

/// From a lookup to a long answer.
const SECONDS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Callers that share a forward pass.
const CALLS: [f64; 6] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0];
/// Tokens of a forward pass.
const TOKENS: [f64; 8] = [16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 4096.0];

/// The one collector of this process; the first call makes it.
fn collector() -> Option<&'static PrometheusHandle> {
    static COLLECTOR: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    COLLECTOR
        .get_or_init(|| {
            let buckets = |builder: PrometheusBuilder, end: &str, buckets: &[f64]| {
                builder.set_buckets_for_metric(Matcher::Suffix(end.to_owned()), buckets)
            };
            let builder = buckets(PrometheusBuilder::new(), "_seconds", &SECONDS)
                .and_then(|builder| buckets(builder, "_calls", &CALLS))
                .and_then(|builder| buckets(builder, "_tokens", &TOKENS));
            let recorder = builder.ok()?.build_recorder();
            let handle = recorder.handle();
            // Who embeds us may collect for itself; then what it counts is not ours to show.
            metrics::set_global_recorder(recorder).ok()?;
            describe();
            Some(handle)
        })
        .as_ref()
}

/// Begins to collect.
pub(super) fn start() {
    let _ = collector();
}

/// Puts what was recorded into its buckets: to be called now and then, or records add up where nobody asks for them.
pub(super) fn settle() {
    if let Some(collector) = collector() {
        collector.run_upkeep();
    }
}

fn describe() {
    use metrics::{describe_counter, describe_gauge, describe_histogram};
    describe_counter!("paperkin_requests_total", "Requests answered, by method, route and status");
    describe_histogram!("paperkin_request_seconds", "Time to the head of the answer, by route");
    describe_gauge!("paperkin_requests_under_way", "Requests being answered");
    describe_histogram!(
        "paperkin_stage_seconds",
        "Time of a question by stage: queue (for a place), answer (model and ranking)"
    );
    describe_counter!(
        "paperkin_answers_known_total",
        "Answers that were given before to the same state of the library"
    );
    describe_gauge!("paperkin_questions_waiting", "Questions waiting for a place");
    describe_histogram!("paperkin_encoder_pass_seconds", "Time of a forward pass of the model");
    describe_histogram!("paperkin_encoder_pass_calls", "Callers that shared a forward pass");
    describe_histogram!("paperkin_encoder_pass_tokens", "Tokens of a forward pass");
    describe_counter!("paperkin_encoder_tokens_total", "Tokens that went through the model");
    describe_counter!("paperkin_index_published_total", "Indexes published, by outcome");
    describe_gauge!("paperkin_ready", "1 if questions are answered");
    describe_gauge!("paperkin_papers", "Papers in the library");
    describe_gauge!("paperkin_passages", "Passages in the library");
    describe_gauge!("paperkin_passages_pending", "Passages that have no vector yet");
    describe_gauge!("paperkin_library_revision", "The revision of the library that answers");
    describe_gauge!("paperkin_index_usable", "1 if the published index answers, 0 if everything is scanned");
    describe_gauge!("paperkin_index_generation", "The number of the published index");
    describe_gauge!(
        "paperkin_index_recall",
        "Recall at 10 of the published graph, measured when it was built; 1 for a scan"
    );
    describe_gauge!(
        "paperkin_index_scanned",
        "Vectors that came after the published index, and are scanned beside it"
    );
    describe_gauge!("paperkin_tasks_waiting", "Uploads that wait to be embedded");
    describe_gauge!("process_resident_memory_bytes", "Memory in use");
}

/// Counts and times a request.
pub(super) async fn count(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    // Whatever a client calls a method, there are only so many series.
    let method = match request.method().as_str() {
        known @ ("GET" | "HEAD" | "POST" | "DELETE" | "OPTIONS") => known.to_owned(),
        _ => "OTHER".to_owned(),
    };
    let _under_way = UnderWay::new("paperkin_requests_under_way");
    let started = Instant::now();
    let response = next.run(request).await;
    histogram!("paperkin_request_seconds", "route" => route.clone()).record(started.elapsed());
    let status = response.status().as_u16().to_string();
    counter!("paperkin_requests_total", "method" => method, "route" => route, "status" => status)
        .increment(1);
    response
}

/// A request that was refused before its route was looked for.
pub(super) fn count_refused() {
    counter!("paperkin_requests_total", "method" => "OTHER", "route" => "none", "status" => "503")
        .increment(1);
}

/// Counted in a gauge for as long as it lives, also where a client leaves.
pub(super) struct UnderWay(&'static str);

impl UnderWay {
    pub(super) fn new(name: &'static str) -> Self {
        gauge!(name).increment(1.0);
        Self(name)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        gauge!(self.0).decrement(1.0);
    }
}

/// What the service does
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "health",
    operation_id = "metrics",
    responses((status = OK, description = "Prometheus' text format", body = String, content_type = "text/plain"))
)]
pub(super) async fn show(State(state): State<AppState>) -> Result<Response, Failure> {
    let text = off_thread(move || {
        look(&state);
        Ok(collector().map(PrometheusHandle::render).unwrap_or_default())
    })
    .await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

fn look(state: &AppState) {
    let status = state.library.status();
    gauge!("paperkin_ready").set(f64::from(u8::from(matches!(status, Status::Ready(_)))));
    gauge!("paperkin_tasks_waiting").set(state.tasks.waiting() as f64);
    if let Status::Ready(searcher) | Status::Stopping(Some(searcher)) = status {
        let counts = searcher.counts();
        gauge!("paperkin_papers").set(counts.papers as f64);
        gauge!("paperkin_passages").set(counts.passages as f64);
        gauge!("paperkin_passages_pending").set(counts.pending as f64);
        gauge!("paperkin_library_revision").set(searcher.revision() as f64);
        let scanned = match searcher.index_state() {
            IndexState::Published { scanned } => Some(scanned),
            IndexState::Missing | IndexState::Unusable { .. } => None,
        };
        gauge!("paperkin_index_usable").set(f64::from(u8::from(scanned.is_some())));
        gauge!("paperkin_index_scanned").set(scanned.unwrap_or(counts.passages as usize) as f64);
    }
    if let Ok(Some((generation, manifest))) = Published::peek(state.library.folder()) {
        gauge!("paperkin_index_generation").set(generation as f64);
        gauge!("paperkin_index_recall").set(manifest.effort.map_or(1.0, |effort| effort.recall));
    }
    if let Some(bytes) = resident_bytes() {
        gauge!("process_resident_memory_bytes").set(bytes);
    }
}

/// As `/proc` tells it; elsewhere nobody does.
fn resident_bytes() -> Option<f64> {
    let status = fs_err::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kilobytes * 1_024.0)
}
