//! `paperkin search`

use clap::Args;

use super::asking::AskingArguments;
use super::{Done, Session, output};
use crate::search::{SearchRequest, Searcher};

/// Papers that answer a question
///
/// Ask in any language: the passage that matches may be in another. A question that names a paper by arXiv id, DOI or URL gets
/// that paper first. Operators in the question are the same as the flags: author:kim tag:moe year:2023..2025 lang:ko
/// source:digest has:commentary -tag:survey; put one in quotes to search for it as text.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  paperkin search '잔차 연결의 대안'
  paperkin search 'mixture of experts author:kim -tag:survey'
  paperkin search 学习率 --lang zh --from 2024 --sort date
  paperkin search optimizer --tag adam --tag muon --recency 365
  paperkin search 'vision encoder' --diversity 0.5 --exclude arxiv:2408.15881")]
pub(super) struct SearchArguments {
    /// The question; several words need no quotes
    #[arg(required = true, value_name = "TEXT")]
    question: Vec<String>,
    #[command(flatten)]
    asking: AskingArguments,
}

impl SearchArguments {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<Done> {
        let request = SearchRequest { text: self.question.join(" "), options: self.asking.options()? };
        let (encoder, prior) = session.encoder()?;
        let searcher = Searcher::open(&session.config.library, encoder, &prior)?;
        session.tell_index_state(&searcher);
        output::answer(&searcher.search(&request)?, session.json)?;
        Ok(Done::Fully)
    }
}
