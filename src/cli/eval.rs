//! `paperkin eval`

use std::path::PathBuf;

use clap::Args;

use super::{Done, Session, interrupt, output};
use crate::eval::{Collection, EvalError, evaluate};

/// Measure the ranking on judged questions
///
/// A folder holds corpus.jsonl (id, title, abstract), [NAME.]queries.jsonl (id, text) and [NAME.]qrels.tsv, as BEIR's sets do, and
/// perhaps related.tsv (pairs of ids). `dense` is the model's plain cosine, `shipped` is what search does. The library is
/// not touched.
#[derive(Debug, Args)]
pub(super) struct EvalArguments {
    /// Judged folders
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
}

impl EvalArguments {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<Done> {
        let stop = interrupt::watch()?;
        let (encoder, prior) = session.encoder()?;
        let mut sets = Vec::new();
        for folder in &self.folders {
            let collection = Collection::read(folder)?;
            if collection.sets.is_empty() && collection.related.is_empty() {
                anyhow::bail!(EvalError::Nothing(folder.display().to_string()));
            }
            session.say(format_args!("{}: {} papers", collection.name, collection.papers.len()));
            let mut embedded = session.embedding_progress(stop.clone());
            sets.extend(evaluate(&collection, encoder.as_ref(), &prior, &mut embedded)?);
        }
        if session.json {
            output::json(&serde_json::json!({"sets": sets}))?;
            return Ok(Done::Fully);
        }
        output::line(&format!(
            "{:<38} {:>9}  {:<8} {:>7} {:>7} {:>9} {:>10}",
            "set", "questions", "ranking", "nDCG@10", "MRR@10", "recall@10", "recall@100"
        ))?;
        for set in &sets {
            for (ranking, scores) in &set.rankings {
                output::line(&format!(
                    "{:<38} {:>9}  {:<8} {:>7.4} {:>7.4} {:>9.4} {:>10.4}",
                    set.name,
                    set.questions,
                    ranking,
                    scores.ndcg_10,
                    scores.mrr_10,
                    scores.recall_10,
                    scores.recall_100
                ))?;
            }
        }
        Ok(Done::Fully)
    }
}
