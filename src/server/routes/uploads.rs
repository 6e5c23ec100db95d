//! `POST /v1/papers`: papers in any format that is read; the answer is sent when they are on disk.
//!
//! **202 means acknowledged**: committed with full durability. Embedding them is a task that goes on behind.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};

use crate::corpus::{self, RecordError};
use crate::ingest::{Event, Observer, Report, ingest_text};
use crate::paper::{PaperId, single_line};
use crate::server::error::{ChangingFails, Code, EveryFails, Failure, UploadingFails};
use crate::server::extract::{Body, Query};
use crate::server::state::{AppState, off_thread};
use crate::server::tasks::Task;
use crate::server::writing::Turn;
use crate::store::Change;

/// Records and refusals that an answer names; all are counted.
const NAMED: usize = 1_000;

/// Bytes of a text that is looked through before it is stored.
const READ_TWICE: usize = 256 * 1024;

/// Code points of a name.
const LONGEST_NAME: usize = 200;

/// Refusals that a failure tells.
const TOLD: usize = 5;

/// What the papers come from.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct From {
    /// A name for this text, on one line: a record that is sent again under the same name replaces what it said before.
    /// Without one, the text's checksum is its name.
    #[param(max_length = 200, example = "reading list")]
    name: Option<String>,
}

/// Papers that are on disk, and the task of making them found.
#[derive(Serialize, ToSchema)]
pub(super) struct Accepted {
    /// Follow it at `/v1/tasks/{id}`.
    task: Task,
    /// What was acknowledged, up to 1,000 records.
    acknowledged: Vec<Acknowledged>,
    /// All records, counted.
    counts: Counted,
    /// What could not be read, up to 1,000 of it.
    refused: Vec<Refused>,
}

/// A record that is on disk.
#[derive(Serialize, ToSchema)]
struct Acknowledged {
    /// Its paper.
    #[schema(value_type = String)]
    id: PaperId,
    /// `new`, `changed`, `unchanged`, or `removed`: of a paper that was removed, which stays away.
    #[schema(value_type = String)]
    change: Change,
    /// The line where it begins.
    line: usize,
}

/// A record that could not be read.
#[derive(Serialize, ToSchema)]
struct Refused {
    /// The line.
    line: usize,
    /// What is wrong, and the remedy where there is one.
    why: String,
}

/// How many records.
#[derive(Serialize, ToSchema)]
struct Counted {
    /// Were read.
    records: usize,
    /// Made a paper.
    new: usize,
    /// Changed a paper.
    changed: usize,
    /// Were known.
    unchanged: usize,
    /// Are of papers that were removed and stay away.
    removed: usize,
    /// Could not be read.
    refused: usize,
}

/// Read papers in
///
/// The body is a text in any format that `paperkin ingest` reads, recognised by content, whatever its Content-Type says: digests,
/// notes, articles, JSON lines, BibTeX, RIS, CSL-JSON, feeds; UTF-8, not compressed. When the answer comes, the papers are on
/// disk for good and can be shown; search finds them when the task is done.
#[utoipa::path(
    post,
    path = "/v1/papers",
    tag = "papers",
    operation_id = "add_papers",
    params(From),
    request_body(
        description = "The text; its kind is recognised by content",
        content(
            (String = "text/plain"), (String = "text/markdown"), (String = "text/html"), (String = "application/json"),
            (String = "application/x-ndjson"), (String = "application/x-bibtex"),
            (String = "application/x-research-info-systems"), (String = "application/atom+xml"),
            (String = "application/octet-stream"),
        )
    ),
    responses(
        (status = ACCEPTED, description = "Acknowledged; `Location` names the task", body = Accepted, headers(("Location" = String, description = "/v1/tasks/{id}"))),
        EveryFails, ChangingFails, UploadingFails,
    )
)]
pub(super) async fn post(
    State(state): State<AppState>,
    Query(from): Query<From>,
    Body(text): Body,
) -> Result<impl IntoResponse, Failure> {
    if text.trim_ascii().is_empty() {
        let hint = "send a digest, a note, JSON lines, BibTeX or RIS as the body; curl: --data-binary @FILE";
        return Err(Failure::new(Code::BadRequest, "the body is empty", hint));
    }
    let name = match from.name {
        Some(name) => checked_name(&name)?,
        None => Sha256::digest(&text).iter().take(8).map(|byte| format!("{byte:02x}")).collect(),
    };
    if !state.tasks.has_room() {
        return Err(Failure::overloaded());
    }
    let source = format!("http:{name}");
    let (source, text) = off_thread(move || match nothing_in(&source, text.clone()) {
        Some(failure) => Err(failure),
        None => Ok((source, text)),
    })
    .await?;
    let turn = state.writing.turn().await;
    let accepted = off_thread(move || store(&state, turn, &source, text)).await?;
    let location = format!("/v1/tasks/{}", accepted.task.id);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], axum::Json(accepted)))
}

fn checked_name(given: &str) -> Result<String, Failure> {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let name = single_line(given);
    if name.is_empty() || name.chars().count() > LONGEST_NAME || given.contains(breaks) {
        let hint = format!("give a name of one line and at most {LONGEST_NAME} characters, or none");
        return Err(Failure::invalid("this is no name for a text", hint));
    }
    Ok(name)
}

/// Why there is nothing to store in `text`, if there is nothing: who sends that waits for no turn and writes nothing. To read a large
/// text twice would cost more than that.
fn nothing_in(source: &str, text: Bytes) -> Option<Failure> {
    if text.len() > READ_TWICE {
        return None;
    }
    let mut seen = Seen::default();
    let mut refused = 0;
    let mut refuse = |error: &RecordError| {
        seen.refuse(error);
        refused += 1;
    };
    match corpus::read_text(source, text) {
        Ok(reader) => {
            for read in reader {
                refuse(&read.err()?);
            }
        }
        Err(error) => refuse(&error),
    }
    Some(seen.nothing_read(&Report { refused, ..Report::default() }))
}

/// Stores what `text` tells of; with anything stored there is a task, also where the rest fails.
fn store(state: &AppState, turn: Turn, source: &str, text: Bytes) -> Result<Accepted, Failure> {
    let mut seen = Seen::default();
    let stored = turn
        .write(state.library.model().map(AsRef::as_ref))
        .map_err(Failure::from)
        .and_then(|mut writer| Ok(ingest_text(source, text, &mut writer, &mut seen)?));
    // Before the worker has its turn, which takes up whatever waits then.
    let mut task = None;
    if seen.papers > 0 || matches!(&stored, Ok(report) if report.records > 0) {
        task = Some(state.tasks.add(seen.papers));
        state.bell.ring();
    }
    drop(turn);
    if seen.is_news
        && let Err(error) = state.library.refresh()
    {
        tracing::warn!(%error, "the library cannot be read now; answering from what was read before");
    }
    let report = stored?;
    match task {
        Some(task) => Ok(Accepted {
            task,
            counts: seen.counted(&report),
            acknowledged: seen.acknowledged,
            refused: seen.refused,
        }),
        None => Err(seen.nothing_read(&report)),
    }
}

/// Remembers what an answer tells.
#[derive(Default)]
struct Seen {
    acknowledged: Vec<Acknowledged>,
    refused: Vec<Refused>,
    papers: usize,
    is_news: bool,
}

impl Seen {
    fn refuse(&mut self, error: &RecordError) {
        if self.refused.len() < NAMED {
            self.refused.push(Refused { line: error.line, why: error.why.clone() });
        }
    }

    fn counted(&self, report: &Report) -> Counted {
        Counted {
            records: report.records,
            new: report.new,
            changed: report.changed,
            unchanged: report.unchanged,
            removed: report.removed,
            refused: report.refused + report.no_paper,
        }
    }

    /// Not one record.
    fn nothing_read(&self, report: &Report) -> Failure {
        let hint = "send a digest, a note, JSON lines, BibTeX or RIS, as UTF-8 and not compressed";
        let refused = report.refused + report.no_paper;
        if refused == 0 {
            return Failure::invalid("there is no paper in it", hint);
        }
        let mut told: Vec<String> = self
            .refused
            .iter()
            .take(TOLD)
            .map(|refused| format!("line {}: {}", refused.line, refused.why))
            .collect();
        if refused > told.len() {
            told.push(format!("and {} more", refused - told.len()));
        }
        Failure::invalid(told.join("; "), hint)
    }
}

impl Observer for Seen {
    fn see(&mut self, event: Event<'_>) {
        match event {
            Event::Acknowledged { id, change, source, .. } => {
                let is_news = matches!(change, Change::New | Change::Changed);
                self.papers += usize::from(is_news);
                self.is_news |= is_news;
                if self.acknowledged.len() < NAMED {
                    self.acknowledged.push(Acknowledged { id: id.clone(), change, line: source.line });
                }
            }
            Event::Refused(error) | Event::NoPaper(error) => self.refuse(error),
            _ => {}
        }
    }

    fn should_stop(&self) -> bool {
        false
    }
}
