//! `paperkin eval`

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Done, Session, interrupt, output};
use crate::embed::Encoder;
use crate::eval::{self, EvalError, SetResult, Subject, VectorCache, Vectors};
use crate::index::Centring;

/// Measure the ranking on judged questions
///
/// A folder holds corpus.jsonl (id, title, abstract), [NAME.]queries.jsonl (id, text) with [NAME.]qrels.tsv or, as in BEIR,
/// queries.jsonl with qrels/NAME.tsv, and perhaps related.tsv (pairs of ids). Questions that are notes in another language
/// than their papers are asked in libraries of mixed languages as well. Files of translations (src, eng) and of scored pairs
/// (a, b, score) are sets too.
///
/// `dense` is the model's plain cosine, `lexical` words, `rrf` both by reciprocal rank, `shipped` what search does; in
/// brackets the bootstrap's 95 % interval. The library is not touched.
#[derive(Debug, Args)]
pub(super) struct EvalArguments {
    /// Judged folders, files of sentence pairs and folders of those
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Only this split (train, ko, related...); may be given again
    #[arg(long = "split", value_name = "NAME")]
    splits: Vec<String>,
    /// Keep vectors in this folder: what was embedded once is not embedded again, by any run of the same model
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// One row a set, as Markdown
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
}

impl EvalArguments {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<Done> {
        let stop = interrupt::watch_saying("stopping; vectors in the cache stay")?;
        // What cannot be read is said before the model is loaded and minutes are spent on what can.
        let mut subjects = Vec::new();
        for path in &self.paths {
            subjects.extend(Subject::read(path)?);
        }
        let (encoder, prior) = session.encoder()?;
        let cache = open_cache(session, self.cache.as_deref(), encoder.dimension())?;
        let mut embedded = session.embedding_progress(stop);
        let mut vectors = Vectors::new(encoder.as_ref(), cache, &mut embedded);
        match evaluate(session, &subjects, &self.splits, &prior, &mut vectors) {
            Err(EvalError::Stopped) => Ok(Done::Interrupted),
            Err(error) => Err(error.into()),
            Ok(sets) => {
                if session.json {
                    output::json(&serde_json::json!({"sets": sets}))?;
                } else if self.markdown {
                    output::line(eval::markdown(&sets).trim_end())?;
                } else {
                    output::line(eval::text(&sets).trim_end())?;
                }
                Ok(Done::Fully)
            }
        }
    }
}

fn evaluate(
    session: &Session,
    subjects: &[Subject],
    splits: &[String],
    prior: &Centring,
    vectors: &mut Vectors<'_>,
) -> Result<Vec<SetResult>, EvalError> {
    let mut sets = Vec::new();
    for subject in subjects {
        session.say(subject);
        sets.extend(eval::evaluate(subject, splits, prior, vectors)?);
    }
    Ok(sets)
}

/// The cache of that folder, or one for this run only.
pub(super) fn open_cache(
    session: &Session,
    folder: Option<&Path>,
    dimension: usize,
) -> Result<VectorCache, EvalError> {
    let Some(folder) = folder else { return Ok(VectorCache::in_memory()) };
    let (cache, notes) = VectorCache::open(folder, dimension)?;
    for note in notes {
        session.say(note);
    }
    Ok(cache)
}
