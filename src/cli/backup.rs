//! `paperkin backup`, `paperkin restore`

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use anyhow::Context;
use clap::Args;

use super::progress::{Progress, Unit};
use super::whole_file::when_whole;
use super::{Done, Session, interrupt};
use crate::store::{Store, restore};

/// Rows under which nobody waits.
const MANY: u64 = 20_000;

/// Write the whole library into one file, vectors included
///
/// Also while an ingest is running: the file holds the library as it was when the backup began. Read with 'zstd -dc FILE' it is
/// lines of text. 'paperkin restore FILE' makes a library of it, also on another machine, and embeds nothing again.
#[derive(Debug, Args)]
pub(super) struct BackupArguments {
    /// The file to write; one of that name is replaced when the new one is whole
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl BackupArguments {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<Done> {
        let stop = interrupt::watch_saying("stopping; a file that is not whole is not left behind")?;
        let snapshot = Store::open(&session.config.library)?.snapshot()?;
        let mut bar = None;
        let rows = when_whole(&self.file, &session.config.library, |out| {
            let rows = snapshot.back_up(out, &mut |done, total| {
                let bar = bar.get_or_insert_with(|| {
                    Progress::start("saving", Unit::Rows, total, session.is_interactive() && total > MANY)
                });
                bar.advance(done.saturating_sub(bar.position()));
                !stop.load(Ordering::SeqCst)
            })?;
            Ok(rows)
        })
        .with_context(|| format!("{} is not written", self.file.display()))?;
        drop(bar);
        let Some(rows) = rows else { return Ok(Done::Interrupted) };
        let papers = snapshot.counts()?.papers;
        session.say(format_args!("{papers} papers ({rows} rows) saved to {}", self.file.display()));
        Ok(Done::Fully)
    }
}

/// Make a library of a backup
///
/// The library (--library DIR) must not exist yet. The backup is checked, line by line and as a whole, before the library is
/// there; a damaged one changes nothing.
#[derive(Debug, Args)]
pub(super) struct RestoreArguments {
    /// What 'paperkin backup' wrote
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl RestoreArguments {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<Done> {
        let stop = interrupt::watch_saying("stopping; there is no library until it is whole")?;
        let library = &session.config.library;
        let mut told = 0;
        let whole = restore(&self.file, library, &mut |rows| {
            if rows >= told + 10 * MANY {
                told = rows;
                session.say(format_args!("{rows} rows restored"));
            }
            !stop.load(Ordering::SeqCst)
        })?;
        if !whole {
            return Ok(Done::Interrupted);
        }
        let papers = Store::open(library)?.snapshot()?.counts()?.papers;
        session.say(format_args!(
            "{papers} papers restored to {}; 'paperkin serve' or 'paperkin ingest' builds the index, until then all is scanned",
            library.display()
        ));
        Ok(Done::Fully)
    }
}
