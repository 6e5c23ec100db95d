//! `paperkin related`

use clap::Args;

use super::asking::AskingArguments;
use super::{Done, Session, output};
use crate::paper::PaperId;
use crate::search::{Example, RelatedRequest, Searcher};

/// Papers related to papers, or to a text
///
/// Several ids ask for papers like all of them; --unlike leads away from others.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  paperkin related arxiv:2408.15881 --lang ko
  paperkin related 2408.15881 2409.11321 --unlike 2005.11401 --from 2024
  paperkin related --text '一种新的残差连接' --has-commentary --diversity 0.3")]
#[command(group = clap::ArgGroup::new("like").required(true).multiple(true).args(["ids", "text"]))]
pub(super) struct RelatedArguments {
    /// Papers of the library: arxiv:2408.15881, doi:..., t:..., or a link to arXiv or doi.org
    #[arg(value_name = "ID")]
    ids: Vec<PaperId>,
    /// A text to be like, such as an abstract that is not in the library
    #[arg(long, value_name = "TEXT")]
    text: Vec<String>,
    /// Papers to be unlike
    #[arg(long, value_name = "ID")]
    unlike: Vec<PaperId>,
    /// Don't name the sentences that tie a paper to those asked about
    #[arg(long)]
    no_sentences: bool,
    #[command(flatten)]
    asking: AskingArguments,
}

impl RelatedArguments {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<Done> {
        let positive: Vec<Example> = self
            .ids
            .into_iter()
            .map(Example::Paper)
            .chain(self.text.into_iter().map(|text| Example::Text { text }))
            .collect();
        let negative: Vec<Example> = self.unlike.into_iter().map(Example::Paper).collect();
        let request = RelatedRequest {
            positive,
            negative,
            options: self.asking.options()?,
            sentences: !self.no_sentences,
        };
        let (encoder, prior) = session.encoder()?;
        let searcher = Searcher::open(&session.config.library, encoder, &prior)?;
        let answer = searcher.related(&request)?;
        session.tell_index_state(&searcher);
        output::answer(&answer, session.json)?;
        Ok(Done::Fully)
    }
}
