//! `paperkin check`

use clap::Args;
use serde::Serialize;

use super::{Done, Session, output};
use crate::embed;
use crate::index::Published;
use crate::store::{Store, Writer};

/// Is the library whole? Says what is wrong and what to do
///
/// Reads every page of the store, every record, passage and vector, and the checksums of the index and of the model.
/// Changes nothing but what the store can repair by itself.
#[derive(Debug, Args)]
pub(super) struct CheckArguments {}

/// One thing that is wrong.
#[derive(Serialize)]
struct Wrong {
    what: String,
    remedy: String,
}

impl CheckArguments {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<Done> {
        let library = &session.config.library;
        let mut wrong: Vec<Wrong> = Writer::check_library(library)?
            .into_iter()
            .map(|finding| Wrong { what: finding.what, remedy: finding.remedy.to_owned() })
            .collect();
        let fingerprint = match session.manifest().and_then(|manifest| {
            Ok(embed::verify(&manifest, &session.config.models)?.fingerprint().to_owned())
        }) {
            Ok(fingerprint) => Some(fingerprint),
            Err(error) => {
                let remedy = "run 'paperkin model fetch'".to_owned();
                wrong.push(Wrong { what: format!("{error:#}"), remedy });
                None
            }
        };
        // Where the store itself cannot be opened, that has been found above.
        if let Ok(store) = Store::open(library) {
            let snapshot = store.snapshot()?;
            let (meta, counts) = (snapshot.meta()?, snapshot.counts()?);
            let again = || "run 'paperkin ingest': what is missing is made anew from the store".to_owned();
            // A damaged store may say anything of its model.
            let sound = wrong.is_empty();
            let has_model = !meta.fingerprint.is_empty();
            if sound
                && has_model
                && fingerprint.as_ref().is_some_and(|fingerprint| *fingerprint != meta.fingerprint)
            {
                wrong.push(Wrong {
                    what: format!("the library is of the model {}, not of the one chosen", meta.fingerprint),
                    remedy: "choose its model with --model, or ingest into a new library with --library DIR"
                        .into(),
                });
            }
            if counts.pending > 0 {
                let what = format!("{} of {} passages are not embedded yet", counts.pending, counts.passages);
                wrong.push(Wrong { what, remedy: again() });
            }
            if counts.uncut > 0 {
                let what = format!("{} of {} papers are not embedded yet", counts.uncut, counts.papers);
                wrong.push(Wrong { what, remedy: again() });
            }
            let mut effort = None;
            let published = Published::open(library).and_then(|published| {
                published.as_ref().map_or(Ok(()), Published::verify)?;
                Ok(published)
            });
            match published {
                Ok(Some(published)) if published.manifest.revision != meta.revision => wrong.push(Wrong {
                    what: "the index is older than the store; what is newer is searched by scan".into(),
                    remedy: again(),
                }),
                Ok(Some(published)) => effort = published.manifest.effort,
                Ok(None) if counts.passages == 0 => {}
                Ok(None) => wrong.push(Wrong { what: "no index is published yet".into(), remedy: again() }),
                Err(error) => wrong.push(Wrong { what: error.to_string(), remedy: again() }),
            }
            if !session.json {
                output::line(&format!(
                    "{}: {} papers, {} passages, model {}",
                    library.display(),
                    counts.papers,
                    counts.passages,
                    if has_model { meta.fingerprint.as_str() } else { "not chosen yet" }
                ))?;
                if let Some(effort) = effort {
                    output::line(&format!(
                        "index: recall@10 {:.3} at width {}",
                        effort.recall, effort.width
                    ))?;
                }
            }
        }
        if session.json {
            output::json(&serde_json::json!({"whole": wrong.is_empty(), "findings": wrong}))?;
        } else if wrong.is_empty() {
            output::line("all is whole")?;
        } else {
            for finding in &wrong {
                output::line(&format!("{}\n  -> {}", finding.what, finding.remedy))?;
            }
        }
        Ok(if wrong.is_empty() { Done::Fully } else { Done::WithRefusals })
    }
}
