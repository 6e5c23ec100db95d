//! Corpus to store to embed to index; resumable at every step.
//!
//! 1. **Read**: every file's records go into the store in batches. When `put` returns they are acknowledged: durable, and
//!    reported so. A record that cannot be read is counted and reported; it stops nothing.
//! 2. **Embed**: passages without vector, from this run or from one that was killed, go through the model; vectors
//!    are stored batch by batch.
//! 3. **Publish**: the vectors are centred and become the next generation of the index.
//!
//! This room prints nothing: it tells an [`Observer`], and asks it whether to stop.

mod publish;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub use publish::{PublishError, is_current, publish};

use crate::corpus::{self, ErrorKind, Notice, RecordError, Skipped};
use crate::embed::{EncodeError, Encoder, plan};
use crate::failpoint;
use crate::index::Centring;
use crate::paper::{Paper, PaperId, Passage, Record, Role, UnitVector, passages_of};
use crate::store::{Change, PassageNumber, StoreError, Writer};

/// Records that are committed together: enough that syncing costs little, few enough that acknowledging is prompt.
const RECORDS_PER_COMMIT: usize = 64;

/// Tokens that are embedded between two commits: some seconds on a laptop, all that a kill can cost.
const TOKENS_PER_COMMIT: usize = 2_048;

/// Passages looked at together, to sort them by length.
const PASSAGES_PER_PLAN: usize = 256;

/// Of the rules of [`passages`]; a library cut by other rules is cut again, and what did not change keeps its vectors.
const PASSAGE_VERSION: u32 = 1;

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
        record: &'a Record,
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
    /// Files that are not about a paper, each named.
    pub no_paper: usize,
    /// Records that could not be read, each named.
    pub refused: usize,
    /// Passages embedded.
    pub embedded: usize,
    /// Their tokens.
    pub tokens: usize,
    /// Seconds spent in embedding.
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

/// Reads `paths` into the library that `writer` holds, embeds what has no vector, and publishes.
///
/// # Errors
/// If a path is missing, or store, model or disk fail.
pub fn ingest(
    library: &Path,
    paths: &[PathBuf],
    writer: &mut Writer,
    encoder: &dyn Encoder,
    prior: &Centring,
    observer: &mut dyn Observer,
) -> Result<Report, IngestError> {
    let mut report = Report::default();
    writer.cut_again(PASSAGE_VERSION, &|paper| passages(paper, encoder))?;
    read(paths, writer, encoder, observer, &mut report)?;
    embed(writer, encoder, observer, &mut report)?;
    failpoint::reach("ingest.embedded");
    if !observer.should_stop() && !is_current(library, writer, encoder, prior)? {
        observer.see(Event::Publishing { passages: writer.counts()?.passages as usize });
        publish(library, writer, encoder, prior)?;
        failpoint::reach("ingest.published");
        report.published = true;
    }
    report.stopped = observer.should_stop();
    Ok(report)
}

fn read(
    paths: &[PathBuf],
    writer: &mut Writer,
    encoder: &dyn Encoder,
    observer: &mut dyn Observer,
    report: &mut Report,
) -> Result<(), IngestError> {
    // Every path is looked at before the first is read: a misspelt name is told at once, not after an hour.
    let listings = paths
        .iter()
        // A file is the same file from whichever directory it is named.
        .map(|path| corpus::files_under(&fs_err::canonicalize(path).unwrap_or_else(|_| path.clone())))
        .collect::<Result<Vec<_>, _>>()?;
    observer.see(Event::Listed {
        files: listings.iter().map(|listing| listing.files.len()).sum(),
        bytes: listings.iter().map(corpus::Listing::bytes).sum(),
    });
    for listing in &listings {
        for skipped in &listing.skipped {
            report.skipped += 1;
            observer.see(Event::Skipped(skipped));
        }
        for file in &listing.files {
            if observer.should_stop() {
                return Ok(());
            }
            report.files += 1;
            let mut batch = Batch { writer, encoder, report, records: Vec::new() };
            match corpus::open(&file.path) {
                Ok(mut reader) => {
                    let mut seen = 0;
                    while let Some(read) = reader.next() {
                        match read {
                            Ok(record) => batch.records.push(record),
                            Err(error) => batch.refuse(&error, observer),
                        }
                        if batch.records.len() >= RECORDS_PER_COMMIT {
                            batch.commit(observer)?;
                            let bytes = reader.bytes_read();
                            observer.see(Event::Read { bytes: bytes.saturating_sub(seen) });
                            seen = bytes;
                            if observer.should_stop() {
                                return Ok(());
                            }
                        }
                    }
                    batch.commit(observer)?;
                    observer.see(Event::Read { bytes: file.bytes.saturating_sub(seen) });
                    for notice in reader.take_notices() {
                        observer.see(Event::Noticed(&notice));
                    }
                }
                Err(error) => {
                    batch.refuse(&error, observer);
                    observer.see(Event::Read { bytes: file.bytes });
                }
            }
        }
    }
    Ok(())
}

struct Batch<'a> {
    writer: &'a mut Writer,
    encoder: &'a dyn Encoder,
    report: &'a mut Report,
    records: Vec<Record>,
}

impl Batch<'_> {
    fn refuse(&mut self, error: &RecordError, observer: &mut dyn Observer) {
        match error.kind {
            // Among the notes of a vault some are about other things; that is nothing to fail for.
            ErrorKind::NoPaper => {
                self.report.no_paper += 1;
                observer.see(Event::NoPaper(error));
            }
            ErrorKind::Unreadable | ErrorKind::Malformed => {
                self.report.refused += 1;
                observer.see(Event::Refused(error));
            }
        }
    }

    fn commit(&mut self, observer: &mut dyn Observer) -> Result<(), IngestError> {
        let records = std::mem::take(&mut self.records);
        if records.is_empty() {
            return Ok(());
        }
        let outcomes = self.writer.put(records.clone(), &|paper| passages(paper, self.encoder))?;
        failpoint::reach("ingest.put.before_acknowledged");
        for (record, outcome) in records.iter().zip(&outcomes) {
            self.report.records += 1;
            match outcome.change {
                Change::New => self.report.new += 1,
                Change::Changed => self.report.changed += 1,
                Change::Unchanged => self.report.unchanged += 1,
            }
            observer.see(Event::Acknowledged { id: &outcome.id, change: outcome.change, record });
        }
        Ok(())
    }
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

fn embed(
    writer: &mut Writer,
    encoder: &dyn Encoder,
    observer: &mut dyn Observer,
    report: &mut Report,
) -> Result<(), IngestError> {
    let total = writer.counts()?.pending as usize;
    if total == 0 {
        return Ok(());
    }
    observer.see(Event::Embedding { passages: total });
    let started = Instant::now();
    // One passage that cannot be embedded must not keep all others from it; it is tried again by the next run.
    let mut passed_over: HashSet<PassageNumber> = HashSet::new();
    while !observer.should_stop() {
        let mut pending = writer.pending(PASSAGES_PER_PLAN + passed_over.len())?;
        pending.retain(|(number, _)| !passed_over.contains(number));
        if pending.is_empty() {
            break;
        }
        let lengths: Vec<usize> = pending.iter().map(|(_, text)| encoder.count_tokens(text)).collect();
        for batch in plan(&lengths, TOKENS_PER_COMMIT) {
            if observer.should_stop() {
                break;
            }
            let texts: Vec<&str> = batch.iter().map(|at| pending[*at].1.as_str()).collect();
            let mut numbered = Vec::with_capacity(batch.len());
            for (at, vector) in batch.iter().zip(encode_each(encoder, &texts)?) {
                let (number, text) = &pending[*at];
                match vector {
                    Ok(vector) => numbered.push((*number, vector)),
                    Err(error) => {
                        report.refused += 1;
                        passed_over.insert(*number);
                        observer.see(Event::Unreadable { text, error: &error });
                    }
                }
            }
            let tokens = batch.iter().map(|at| lengths[*at]).sum();
            writer.put_vectors(&numbered)?;
            report.embedded += numbered.len();
            report.tokens += tokens;
            observer.see(Event::Embedded { passages: numbered.len(), tokens });
        }
    }
    report.embedding_seconds = started.elapsed().max(Duration::from_millis(1)).as_secs_f64();
    Ok(())
}

/// A vector of each text, or why that text has none.
///
/// # Errors
/// What is wrong with the model and not with a text.
fn encode_each(
    encoder: &dyn Encoder,
    texts: &[&str],
) -> Result<Vec<Result<UnitVector, EncodeError>>, EncodeError> {
    match encoder.encode(Role::Passage, texts) {
        Ok(vectors) => Ok(vectors.into_iter().map(Ok).collect()),
        Err(error) if !error.is_of_a_text() => Err(error),
        Err(error) if texts.len() == 1 => Ok(vec![Err(error)]),
        // One by one the sound ones go through.
        Err(_) => texts
            .iter()
            .map(|text| encode_each(encoder, &[text]))
            .collect::<Result<Vec<_>, _>>()
            .map(|each| each.into_iter().flatten().collect()),
    }
}
