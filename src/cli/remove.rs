//! `paperkin remove`

use clap::Args;

use super::{Done, Session, output};
use crate::paper::PaperId;
use crate::store::Writer;

/// Remove papers from the library, for good
///
/// A removed paper appears in no answer any more, also when a file that tells of it is read again. Its texts and vectors are
/// deleted; who it was is kept, so that it can be kept out. --undo lets it in again.
#[derive(Debug, Args)]
pub(super) struct RemoveArguments {
    /// The papers: arxiv:2408.15881, doi:..., t:..., or links
    #[arg(value_name = "ID", required = true)]
    ids: Vec<PaperId>,
    /// Let removed papers in again, when their files are next ingested
    #[arg(long)]
    undo: bool,
}

impl RemoveArguments {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<Done> {
        let mut writer = Writer::open_existing(&session.config.library)?;
        let mut unknown = 0;
        for id in &self.ids {
            let done = if self.undo {
                writer
                    .readmit(id)?
                    .map(|files| format!("{id} may come in again: paperkin ingest {}", quoted(&files)))
            } else {
                writer
                    .remove(id)?
                    .map(|_| format!("removed {id}; 'paperkin remove --undo {id}' lets it in again"))
            };
            if session.json {
                output::json(&serde_json::json!({"id": id, "undo": self.undo, "done": done.is_some()}))?;
            }
            match done {
                Some(line) => session.say(line),
                None => {
                    unknown += 1;
                    let state = if self.undo { "was not removed from" } else { "is not in" };
                    session.say(format_args!(
                        "{id} {state} the library at {}",
                        session.config.library.display()
                    ));
                }
            }
        }
        Ok(if unknown == 0 { Done::Fully } else { Done::WithRefusals })
    }
}

/// As a shell reads them.
fn quoted(files: &[String]) -> String {
    let quoted = files.iter().map(|file| format!("'{}'", file.replace('\'', "'\\''")));
    quoted.collect::<Vec<_>>().join(" ")
}
