//! `paperkin search`

use clap::Args;

use super::{Done, Session, output};
use crate::search::Searcher;

/// Papers that answer a question
///
/// Ask in any language: the passage that matches may be in another. A question that names a paper by arXiv id, DOI or URL gets
/// that paper first.
#[derive(Debug, Args)]
pub(super) struct SearchArguments {
    /// The question; several words need no quotes
    #[arg(required = true, value_name = "TEXT")]
    question: Vec<String>,
    /// How many papers
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: u32,
}

impl SearchArguments {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<Done> {
        let (encoder, prior) = session.encoder()?;
        let searcher = Searcher::open(&session.config.library, encoder, &prior)?;
        session.tell_index_state(&searcher);
        output::answer(&searcher.search(&crate::search::SearchRequest::new(self.question.join(" "), self.limit as usize))?, session.json)?;
        Ok(Done::Fully)
    }
}
