//! `paperkin facets`

use clap::Args;

use super::asking::FilterArguments;
use super::{Done, Session, output};
use crate::search::{Facet, Facets, Facts};
use crate::store::Store;

/// What there is to filter by: tags, languages, years, sources, authors
///
/// Of all papers, or of those that the flags allow. Needs no model.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  paperkin facets                             the commonest tags, authors, years...
  paperkin facets --tag moe --from 2024       of papers with a tag, since 2024
  paperkin --json facets --lang ko            all that is counted, for programs")]
pub(super) struct FacetsArguments {
    #[command(flatten)]
    filter: FilterArguments,
}

/// Values of one key that a person is shown.
const SHOWN: usize = 15;

impl FacetsArguments {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<Done> {
        let filter = self.filter.filter()?;
        let facts = Facts::of(&Store::open(&session.config.library)?.snapshot()?)?;
        let facets = facts.facets(&facts.select(&filter));
        if session.json {
            output::json(&facets)?;
        } else {
            told(&facets)?;
        }
        Ok(Done::Fully)
    }
}

fn told(facets: &Facets) -> anyhow::Result<()> {
    let Facets { total, tags, langs, years, sources, authors, commentary } = facets;
    output::line(&format!("{total} papers"))?;
    let keys = [
        ("tag", tags),
        ("author", authors),
        ("year", years),
        ("lang", langs),
        ("source", sources),
        ("has-commentary", commentary),
    ];
    for (key, values) in keys {
        let shown: Vec<String> =
            values.iter().take(SHOWN).map(|Facet { value, count }| format!("{value} ({count})")).collect();
        if !shown.is_empty() {
            let more = if values.len() > SHOWN { " ..." } else { "" };
            output::line(&format!("--{key:<15} {}{more}", shown.join(", ")))?;
        }
    }
    Ok(())
}
