//! `/v1/tasks`: what becomes of papers after they were acknowledged, asked once or followed as events.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::unfold;
use futures_util::{Stream, StreamExt};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::sleep;
use utoipa::{IntoParams, ToSchema};

use crate::server::error::{Code, EveryFails, Failure, FollowingFails};
use crate::server::extract::Segment;
use crate::server::state::{AppState, place};
use crate::server::tasks::Task;

/// Between two events of progress.
const PAUSE: Duration = Duration::from_millis(250);

/// A task, as it stands in a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only described; `Segment` reads it")]
pub(super) struct Id {
    /// As the upload's answer names it.
    id: String,
}

/// The latest tasks.
#[derive(Serialize, ToSchema)]
pub(super) struct Latest {
    /// Newest first, 100 at most.
    tasks: Vec<Task>,
}

/// The latest tasks
#[utoipa::path(
    get,
    path = "/v1/tasks",
    tag = "tasks",
    operation_id = "tasks",
    responses((status = OK, description = "Newest first; since the service started", body = Latest), EveryFails)
)]
pub(super) async fn list(State(state): State<AppState>) -> Json<Latest> {
    Json(Latest { tasks: state.tasks.latest() })
}

/// Where a task stands
#[utoipa::path(
    get,
    path = "/v1/tasks/{id}",
    tag = "tasks",
    operation_id = "task",
    params(Id),
    responses((status = OK, description = "The task", body = Task), EveryFails, FollowingFails)
)]
pub(super) async fn show(State(state): State<AppState>, Segment(id): Segment) -> Result<Json<Task>, Failure> {
    let task = watched(&state, &id)?.borrow().clone();
    Ok(Json(task))
}

/// Follow a task
///
/// Server-sent events, each with the task as its data: `progress`, four times a second at most, then one of `done`, `failed` and
/// `stopped`, which is the last.
#[utoipa::path(
    get,
    path = "/v1/tasks/{id}/events",
    tag = "tasks",
    operation_id = "task_events",
    params(Id),
    responses(
        (status = OK, description = "Until the task has ended", content_type = "text/event-stream"),
        EveryFails, FollowingFails,
    )
)]
pub(super) async fn events(
    State(state): State<AppState>,
    Segment(id): Segment,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Failure> {
    let mut task = watched(&state, &id)?;
    // The first event is where it stands now.
    task.mark_changed();
    let following = Following { task, _place: place(&state.event_streams)?, begun: false };
    Ok(Sse::new(unfold(Some(following), next).fuse()).keep_alive(KeepAlive::default()))
}

fn watched(state: &AppState, id: &str) -> Result<watch::Receiver<Task>, Failure> {
    state.tasks.watch(id).ok_or_else(|| {
        let hint = "GET /v1/tasks lists the latest; what was acknowledged is in the library in any case";
        Failure::new(Code::UnknownTask, "there is no task of this id", hint)
    })
}

struct Following {
    task: watch::Receiver<Task>,
    _place: OwnedSemaphorePermit,
    begun: bool,
}

async fn next(following: Option<Following>) -> Option<(Result<Event, Infallible>, Option<Following>)> {
    let mut following = following?;
    if following.begun {
        // The last word is not kept waiting. A handle of its own: the wait marks what it looks at as seen.
        let mut ending = following.task.clone();
        tokio::select! {
            () = sleep(PAUSE) => {}
            _ = ending.wait_for(|task| task.state.is_final()) => {}
        }
    }
    // Forgotten only after it ended.
    following.task.changed().await.ok()?;
    following.begun = true;
    let task = following.task.borrow_and_update().clone();
    let name = if task.state.is_final() { task.state.name() } else { "progress" };
    let event = Event::default().event(name).json_data(&task).unwrap_or_default();
    Some((Ok(event), (!task.state.is_final()).then_some(following)))
}
