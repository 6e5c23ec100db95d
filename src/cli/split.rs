//! `paperkin split`

use anyhow::Context;
use clap::Args;

use super::{Done, Session, output};
use crate::paper::PaperId;
use crate::store::{Place, Writer};

/// Part records that were merged by mistake
///
/// 'paperkin show ID' numbers what the sources say about a paper, and tells why each was held to be about the same work. The
/// records named here become a paper of their own; the two stay apart whatever is read later.
#[derive(Debug, Args)]
pub(super) struct SplitArguments {
    /// The paper
    #[arg(value_name = "ID")]
    id: PaperId,
    /// Which of its records to part from it, by the numbers that 'paperkin show' gives
    #[arg(value_name = "N", required = true)]
    records: Vec<usize>,
}

impl SplitArguments {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<Done> {
        let mut writer = Writer::open_existing(&session.config.library)?;
        let Some((number, _)) = writer.paper_by_name(&self.id)? else {
            anyhow::bail!("no paper {} in the library at {}", self.id, session.config.library.display());
        };
        let records = writer.records(number)?;
        let of = |at: &usize| {
            let record = at.checked_sub(1).and_then(|at| records.get(at));
            record.map(Place::of).with_context(|| {
                format!(
                    "{} has records 1 to {}, not {at}; 'paperkin show {}' lists them",
                    self.id,
                    records.len(),
                    self.id
                )
            })
        };
        let places = self.records.iter().map(of).collect::<anyhow::Result<Vec<_>>>()?;
        let Some((kept, parted)) = writer.split(number, &places)? else {
            anyhow::bail!("one record at least must stay with {}: it has {} in all", self.id, records.len());
        };
        if session.json {
            output::json(&serde_json::json!({"kept": kept, "parted": parted}))?;
        } else {
            session.say(format_args!("parted: {kept} and {parted}; 'paperkin ingest' embeds what is new"));
        }
        Ok(Done::Fully)
    }
}
