//! `paperkin related`

use clap::Args;

use super::{Done, Session, output};
use crate::paper::PaperId;
use crate::search::{Example, Searcher};

/// Papers related to papers, or to a text
///
/// Several ids ask for papers like all of them; --unlike leads away from others.
#[derive(Debug, Args)]
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
    /// How many papers
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: u32,
}

impl RelatedArguments {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<Done> {
        let (encoder, prior) = session.encoder()?;
        let searcher = Searcher::open(&session.config.library, encoder, &prior)?;
        session.tell_index_state(&searcher);
        let positive: Vec<Example> = self
            .ids
            .into_iter()
            .map(Example::Paper)
            .chain(self.text.into_iter().map(|text| Example::Text { text }))
            .collect();
        let negative: Vec<Example> = self.unlike.into_iter().map(Example::Paper).collect();
        output::answer(&searcher.related(&crate::search::RelatedRequest { positive, negative, options: crate::search::Options::best(self.limit as usize) })?, session.json)?;
        Ok(Done::Fully)
    }
}
