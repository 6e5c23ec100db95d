//! `/healthz`: the process answers. `/readyz`: it can answer questions, or why not.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::server::error::Failure;
use crate::server::library::Status;
use crate::server::state::AppState;
use crate::store::Counts;

/// The process is there.
#[derive(Serialize, ToSchema)]
pub(super) struct Health {
    /// Always true: a process that cannot say so says nothing.
    healthy: bool,
    /// The version of paperkin.
    version: &'static str,
}

/// Whether questions can be asked.
#[derive(Serialize, ToSchema)]
pub(super) struct Readiness {
    /// True, or the answer is 503 with the reason.
    ready: bool,
    /// `published` where an index answers, `exact` where every passage is compared.
    index: &'static str,
    /// Why the index does not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Papers in the library.
    papers: u64,
    /// Passages in the library.
    passages: u64,
    /// Passages that cannot be found yet, having no vector.
    pending: u64,
    /// The revision of the library that is shown.
    revision: u64,
}

/// The process answers
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "health",
    operation_id = "healthz",
    responses((status = OK, description = "It does", body = Health))
)]
pub(super) async fn healthz() -> Json<Health> {
    Json(Health { healthy: true, version: env!("CARGO_PKG_VERSION") })
}

/// Questions can be asked, or why not
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "health",
    operation_id = "readyz",
    responses(
        (status = OK, description = "They can", body = Readiness),
        (status = SERVICE_UNAVAILABLE, description = "Not yet, or no more; the message is the reason", body = crate::server::error::ErrorBody),
    )
)]
pub(super) async fn readyz(State(state): State<AppState>) -> Result<Json<Readiness>, Failure> {
    let searcher = match state.library.status() {
        Status::Ready(searcher) => searcher,
        Status::NotReady(reason) => return Err(Failure::not_ready(reason)),
        Status::Stopping(_) => return Err(Failure::not_ready("stopping")),
    };
    let (index, reason) = crate::server::library::index_words(&searcher);
    let Counts { papers, passages, pending, uncut: _ } = *searcher.counts();
    Ok(Json(Readiness {
        ready: true,
        index,
        reason,
        papers,
        passages,
        pending,
        revision: searcher.revision(),
    }))
}
