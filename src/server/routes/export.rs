//! `/v1/export`: papers as one stream, all or those that are named, as fast as the client reads it and no faster.

use std::io::{self, BufWriter, Write};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use futures_util::stream::unfold;
use serde::Deserialize;
use serde::de::value::{Error as ValueError, StrDeserializer};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use utoipa::{IntoParams, ToSchema};

use super::options::{Once, Pairs, unknown, yes_or_no};
use crate::export::{ExportError, ExportFormat, write_all};
use crate::paper::PaperId;
use crate::search::SearchError;
use crate::server::error::{AskingFails, EveryFails, Failure, NamingFails};
use crate::server::extract::{Query, named};
use crate::server::state::{AppState, off_thread, place};
use crate::store::{PaperNumber, Snapshot, Store, StoreError};

/// Bytes that travel together.
const PARCEL: usize = 64 * 1024;

/// Parcels on their way.
const PARCELS: usize = 4;

/// Papers that may be named: as many as an address can hold.
pub(super) const MOST_NAMED: usize = 1_000;

/// What is written, and how.
#[derive(Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// The format, `jsonl` if not given; only that holds everything.
    #[param(inline)]
    format: Option<Format>,
    /// Whether each paper carries its vectors (`jsonl` only).
    vectors: Option<bool>,
    /// Only this paper; repeat it for up to a thousand, in their order. All if none is named.
    #[param(required = false, value_type = Vec<String>)]
    id: Vec<PaperId>,
}

impl Asked {
    fn of_url(pairs: Pairs) -> Result<Self, Failure> {
        let mut asked = Self::default();
        let mut once = Once::default();
        for (name, value) in pairs {
            match name.as_str() {
                "format" => {
                    once.only("format")?;
                    asked.format = Some(Format::read(&value)?);
                }
                "vectors" => {
                    once.only("vectors")?;
                    asked.vectors = Some(yes_or_no("vectors", &value)?);
                }
                "id" if asked.id.len() == MOST_NAMED => {
                    let hint = "ask for the rest by another request, or for all";
                    return Err(Failure::invalid(format!("more than {MOST_NAMED} papers are named"), hint));
                }
                "id" => asked.id.push(named(&value)?),
                _ => return Err(unknown(&name, &["format", "vectors", "id"])),
            }
        }
        Ok(asked)
    }
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
    /// Markdown.
    Markdown,
}

impl Format {
    fn read(text: &str) -> Result<Self, Failure> {
        let read = Self::deserialize(StrDeserializer::<ValueError>::new(text));
        read.map_err(|error| Failure::invalid(error.to_string(), "leave it out for jsonl").of("format"))
    }

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
            Self::Markdown => {
                (ExportFormat::Markdown, "text/markdown; charset=utf-8", "attachment; filename=\"papers.md\"")
            }
            Self::Csl => (
                ExportFormat::Csl,
                "application/vnd.citationstyles.csl+json",
                "attachment; filename=\"papers.json\"",
            ),
        }
    }
}

/// Papers, written out
///
/// All, or those that are named, of the moment at which it is asked, whatever is written meanwhile. An export that could not be ended breaks off the
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
            (String = "application/x-research-info-systems"), (String = "text/markdown"),
            (Vec<serde_json::Value> = "application/vnd.citationstyles.csl+json"),
        )),
        EveryFails, AskingFails, NamingFails,
    )
)]
pub(super) async fn get(
    State(state): State<AppState>,
    Query(pairs): Query<Pairs>,
) -> Result<Response, Failure> {
    let Asked { format, vectors, id: ids } = Asked::of_url(pairs)?;
    let (format, vectors) = (format.unwrap_or_default(), vectors.unwrap_or_default());
    if vectors && format != Format::Jsonl {
        return Err(Failure::invalid("this format has no place for vectors", "ask for format=jsonl"));
    }
    let place = place(&state.exports)?;
    let (snapshot, only) = off_thread(move || match Store::open(state.library.folder()) {
        Err(error @ StoreError::Missing(_)) => Err(Failure::not_ready(error.to_string())),
        opened => {
            let snapshot = opened?.snapshot()?;
            let only = (!ids.is_empty()).then(|| numbers(&snapshot, &ids)).transpose()?;
            Ok((snapshot, only))
        }
    })
    .await?;
    let (format, kind, file) = format.told();
    let (sender, parcels) = mpsc::channel(PARCELS);
    spawn_blocking(move || {
        // To the end of the work, not of the answer: who leaves and comes again must not add up.
        let _place = place;
        let client = Client(sender.clone());
        let mut out = BufWriter::with_capacity(PARCEL, client);
        let written =
            write_all(&snapshot, format, vectors, only.as_deref(), &mut out, &mut |_| !sender.is_closed());
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

/// The papers of that name, each once.
fn numbers(snapshot: &Snapshot, ids: &[PaperId]) -> Result<Vec<PaperNumber>, Failure> {
    let mut numbers = Vec::new();
    for id in ids {
        match snapshot.paper_by_name(id)? {
            Some((number, _)) if numbers.contains(&number) => {}
            Some((number, _)) => numbers.push(number),
            None => return Err(SearchError::Unknown(id.clone()).into()),
        }
    }
    Ok(numbers)
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
