//! Corpus to store to embed to index; resumable at every step.
//!
//! 1. **Read** (`read.rs`): every file's records go into the store in batches. When `put` returns they are acknowledged:
//!    durable, and reported so. A record that cannot be read is counted and reported; it stops nothing. A file that has not
//!    changed since it was read whole is not read again.
//! 2. **Embed** (`embedding.rs`): papers that are not cut yet are cut; passages without vector, from this run or from one
//!    that was killed, go through the model; vectors are stored batch by batch.
//! 3. **Publish** (`publish.rs`): the vectors are centred and become the next generation of the index.
//!
//! This room prints nothing: it tells an [`Observer`], and asks it whether to stop.

mod behind;
mod embedding;
mod publish;
mod read;
mod watch;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

pub use behind::behind;
pub use publish::{PublishError, is_current, publish};
pub use watch::{Watch, WatchError};

use crate::corpus::{Notice, RecordError, Skipped};
use crate::embed::{EncodeError, Encoder};
use crate::failpoint;
use crate::index::Centring;
use crate::paper::{Paper, PaperId, Passage, Source, passages_of};
use crate::store::{Change, Store, StoreError, Writer};

/// Of the rules of [`passages`]; a library cut by other rules is cut again, and what did not change keeps its vectors.
const PASSAGE_VERSION: u32 = 2;

/// What is to be read, and how.
#[derive(Clone, Debug, Default)]
pub struct Task {
    /// Files and folders.
    pub paths: Vec<PathBuf>,
    /// Whether what a file, or a folder, has no longer is dropped from the library.
    pub prune: bool,
    /// Whether files that have not changed are read again.
    pub reread: bool,
}

/// The model that embeds.
#[derive(Clone, Copy)]
pub struct Model<'m> {
    /// The model.
    pub encoder: &'m dyn Encoder,
    /// Its language means.
    pub prior: &'m Centring,
}

/// Told what goes on.
pub trait Observer {
    /// Something happened.
    fn see(&mut self, event: Event<'_>);

    /// Whether to stop at the next safe point.
    fn should_stop(&self) -> bool;
}

/// What happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// So many files, so many bytes are to be read.
    Listed {
        /// How many.
        files: usize,
        /// Their sizes, added up.
        bytes: u64,
    },
    /// A file or folder is left out.
    Skipped(&'a Skipped),
    /// So many more bytes were read.
    Read {
        /// Since the last time.
        bytes: u64,
    },
    /// The record is durable.
    Acknowledged {
        /// Its paper.
        id: &'a PaperId,
        /// What it changed.
        change: Change,
        /// Where it was read.
        source: &'a Source,
        /// Its title.
        title: &'a str,
    },
    /// The record could not be read.
    Refused(&'a RecordError),
    /// The file is sound, but not about a paper.
    NoPaper(&'a RecordError),
    /// Something was read past.
    Noticed(&'a Notice),
    /// The model cannot read a passage of this paper; the rest goes on without it.
    Unreadable {
        /// The passage's text.
        text: &'a str,
        /// What the model says.
        error: &'a EncodeError,
    },
    /// A file, or a file of a folder, does not have some records any more.
    Gone {
        /// The file or folder.
        name: &'a str,
        /// How many records.
        records: usize,
        /// Whether they were dropped.
        dropped: bool,
    },
    /// So many papers are to be cut into passages.
    Cutting {
        /// How many.
        papers: usize,
    },
    /// So many more papers are cut.
    Cut {
        /// Since the last time.
        papers: usize,
    },
    /// So many passages have no vector yet.
    Embedding {
        /// How many.
        passages: usize,
    },
    /// So many more passages have their vector, durably.
    Embedded {
        /// Since the last time.
        passages: usize,
        /// Their tokens.
        tokens: usize,
    },
    /// The index is being built.
    Publishing {
        /// Its size.
        passages: usize,
    },
}

/// What an ingest did.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Report {
    /// Files opened.
    pub files: usize,
    /// Files not opened: they have not changed since they were read. Their records count as known.
    pub unread: usize,
    /// Files and folders left out, each with a reason.
    pub skipped: usize,
    /// Records read.
    pub records: usize,
    /// Records that made a new paper.
    pub new: usize,
    /// Records that changed a paper.
    pub changed: usize,
    /// Records that were known already.
    pub unchanged: usize,
    /// Records of papers that were removed from the library and stay away.
    pub removed: usize,
    /// Records that their files do not have any more.
    pub gone: usize,
    /// Those of them that were dropped.
    pub dropped: usize,
    /// Seconds spent in reading.
    pub reading_seconds: f64,
    /// Files that are not about a paper, each named.
    pub no_paper: usize,
    /// Records that could not be read, each named.
    pub refused: usize,
    /// Passages embedded.
    pub embedded: usize,
    /// Their tokens.
    pub tokens: usize,
    /// Seconds spent in the model alone.
    pub encoding_seconds: f64,
    /// Seconds spent in embedding: the model, and storing what it says.
    pub embedding_seconds: f64,
    /// Whether a new generation of the index was published.
    pub published: bool,
    /// Whether it was stopped before the end.
    pub stopped: bool,
}

/// Why an ingest could not go on. What was acknowledged stays.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// A path that was named is not there.
    #[error(transparent)]
    Path(#[from] RecordError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The model failed.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The index could not be written.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

/// Reads what `task` names into the library that `writer` holds; with a model, embeds what has no vector and publishes.
///
/// # Errors
/// If a path is missing, or store, model or disk fail.
pub fn ingest(
    library: &Path,
    task: &Task,
    writer: &mut Writer,
    model: Option<Model<'_>>,
    observer: &mut dyn Observer,
) -> Result<Report, IngestError> {
    let mut report = Report::default();
    if let Some(model) = model {
        writer.require_model(model.encoder.fingerprint(), model.encoder.dimension())?;
        writer.cut_by(PASSAGE_VERSION)?;
    }
    read::read(task, writer, model, observer, &mut report)?;
    if let Some(model) = model {
        embed(library, writer, model, observer, &mut report)?;
    }
    report.stopped = observer.should_stop();
    Ok(report)
}

/// Reads one text that is in memory, as if it were the file `name`; embeds nothing.
///
/// # Errors
/// If the store or the disk fail.
pub fn ingest_text(
    name: &str,
    bytes: impl AsRef<[u8]> + Send + 'static,
    writer: &mut Writer,
    observer: &mut dyn Observer,
) -> Result<Report, IngestError> {
    let mut report = Report::default();
    read::read_text(name, bytes, writer, observer, &mut report)?;
    Ok(report)
}

/// Changes the library that `old` holds over to another model: all texts are embedded anew beside the old vectors, which
/// answer until the new ones take their place at once. What was embedded when it is stopped is kept for the next time.
///
/// # Errors
/// If store, model or disk fail; the old vectors go on answering.
pub fn change_model(
    library: &Path,
    old: Writer,
    model: Model<'_>,
    observer: &mut dyn Observer,
) -> Result<Report, IngestError> {
    let mut report = Report::default();
    let mut next = old.open_next(model.encoder.fingerprint(), model.encoder.dimension())?;
    next.cut_by(PASSAGE_VERSION)?;
    embedding::cut(&mut next, model.encoder, observer)?;
    embedding::embed(&mut next, model.encoder, observer, &mut report)?;
    if observer.should_stop() {
        report.stopped = true;
        return Ok(report);
    }
    next.settle()?;
    observer.see(Event::Publishing { passages: next.counts()?.passages as usize });
    old.give_way_to(next)?;
    publish(library, &Store::open(library)?, model)?;
    report.published = true;
    Ok(report)
}

/// Embeds what has no vector, and publishes what is new.
///
/// # Errors
/// If store, model or disk fail.
pub fn embed(
    library: &Path,
    writer: &mut Writer,
    model: Model<'_>,
    observer: &mut dyn Observer,
    report: &mut Report,
) -> Result<(), IngestError> {
    embed_pending(writer, model, observer, report)?;
    if observer.should_stop() {
        return Ok(());
    }
    failpoint::reach("ingest.embedded");
    if !is_current(library, writer, model)? {
        observer.see(Event::Publishing { passages: writer.counts()?.passages as usize });
        publish(library, writer, model)?;
        failpoint::reach("ingest.published");
        report.published = true;
    }
    Ok(())
}

/// Embeds what has no vector, and publishes nothing: a scan finds it. For who writes by turns and publishes later.
///
/// # Errors
/// If store, model or disk fail.
pub fn embed_pending(
    writer: &mut Writer,
    model: Model<'_>,
    observer: &mut dyn Observer,
    report: &mut Report,
) -> Result<(), IngestError> {
    writer.require_model(model.encoder.fingerprint(), model.encoder.dimension())?;
    writer.cut_by(PASSAGE_VERSION)?;
    embedding::cut(writer, model.encoder, observer)?;
    embedding::embed(writer, model.encoder, observer, report)?;
    if !observer.should_stop() {
        writer.settle()?;
    }
    Ok(())
}

/// The passages of a paper, each within what `encoder` reads.
pub fn passages(paper: &Paper, encoder: &dyn Encoder) -> Vec<Passage> {
    // Sentences recur within a paper (title, chunks): count each once.
    let mut counted: HashMap<String, usize> = HashMap::new();
    passages_of(paper, encoder.token_limit(), |text| {
        if let Some(tokens) = counted.get(text) {
            return *tokens;
        }
        let tokens = encoder.count_tokens(text);
        counted.insert(text.to_owned(), tokens);
        tokens
    })
}
