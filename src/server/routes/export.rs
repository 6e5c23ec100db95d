//! `/v1/export`: all papers as one stream, as fast as the client reads it and no faster.

use std::io::{self, BufWriter, Write};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use futures_util::stream::unfold;
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use utoipa::{IntoParams, ToSchema};

use crate::export::{ExportError, ExportFormat, write_all};
use crate::server::error::{AskingFails, EveryFails, Failure};
use crate::server::extract::Query;
use crate::server::state::{AppState, off_thread, place};
use crate::store::{Store, StoreError};

/// Bytes that travel together.
const PARCEL: usize = 64 * 1024;

/// Parcels on their way.
const PARCELS: usize = 4;

/// What is written, and how.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// The format, `jsonl` if not given; only that holds everything.
    #[serde(default)]
    #[param(inline)]
    format: Format,
    /// Whether each paper carries its vectors (`jsonl` only).
    #[serde(default)]
    vectors: bool,
}

/// A format that is written.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    /// JSON lines, which `POST /v1/papers` reads back.
    #[default]
    Jsonl,
    /// BibTeX.
    Bibtex,
    /// RIS.
    Ris,
    /// CSL-JSON.
    Csl,
}

impl Format {
    /// The format, its content type, and the name of a file of it.
    const fn told(self) -> (ExportFormat, &'static str, &'static str) {
        match self {
            Self::Jsonl => {
                (ExportFormat::Jsonl, "application/x-ndjson", "attachment; filename=\"papers.jsonl\"")
            }
            Self::Bibtex => (
                ExportFormat::Bibtex,
                "application/x-bibtex; charset=utf-8",
                "attachment; filename=\"papers.bib\"",
            ),
            Self::Ris => (
                ExportFormat::Ris,
                "application/x-research-info-systems; charset=utf-8",
                "attachment; filename=\"papers.ris\"",
            ),
            Self::Csl => (
                ExportFormat::Csl,
                "application/vnd.citationstyles.csl+json",
                "attachment; filename=\"papers.json\"",
            ),
        }
    }
}

/// All papers, written out
///
/// Of the moment at which it is asked, whatever is written meanwhile. An export that could not be ended breaks off the
/// connection: what ends well is whole.
#[utoipa::path(
    get,
    path = "/v1/export",
    tag = "papers",
    operation_id = "export",
    params(Asked),
    responses(
        (status = OK, description = "A stream, in the order in which the papers came", content(
            (String = "application/x-ndjson"), (String = "application/x-bibtex"),
            (String = "application/x-research-info-systems"), (Vec<serde_json::Value> = "application/vnd.citationstyles.csl+json"),
        )),
        EveryFails, AskingFails,
    )
)]
pub(super) async fn get(
    State(state): State<AppState>,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    if asked.vectors && asked.format != Format::Jsonl {
        return Err(Failure::invalid("this format has no place for vectors", "ask for format=jsonl"));
    }
    let place = place(&state.exports)?;
    let snapshot = off_thread(move || match Store::open(state.library.folder()) {
        Err(error @ StoreError::Missing(_)) => Err(Failure::not_ready(error.to_string())),
        opened => Ok(opened?.snapshot()?),
    })
    .await?;
    let (format, kind, file) = asked.format.told();
    let (sender, parcels) = mpsc::channel(PARCELS);
    spawn_blocking(move || {
        // To the end of the work, not of the answer: who leaves and comes again must not add up.
        let _place = place;
        let client = Client(sender.clone());
        let mut out = BufWriter::with_capacity(PARCEL, client);
        let written =
            write_all(&snapshot, format, asked.vectors, None, &mut out, &mut |_| !sender.is_closed());
        if let Err(error) = written
            && !sender.is_closed()
        {
            tracing::error!(%error, "an export broke off");
            // What came before stays unsent or goes out; without a proper end it is not taken for whole.
            let _ = sender.blocking_send(Err(broken_off(error)));
            let _ = out.into_parts();
        }
    });
    let parcels = unfold(parcels, async |mut parcels: mpsc::Receiver<_>| {
        let parcel = parcels.recv().await?;
        Some((parcel, parcels))
    });
    // Layers ask a body once more after its end.
    let body = Body::from_stream(parcels.fuse());
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, file)], body).into_response())
}

fn broken_off(error: ExportError) -> io::Error {
    match error {
        ExportError::Write(error) => error,
        error => io::Error::other(error),
    }
}

/// The client, as something to write to: writing waits until it reads, and fails when it has left.
struct Client(mpsc::Sender<io::Result<Bytes>>);

impl Write for Client {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let parcel = Bytes::copy_from_slice(bytes);
        self.0.blocking_send(Ok(parcel)).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
