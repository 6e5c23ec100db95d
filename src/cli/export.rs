//! `paperkin export`

use std::io::{BufWriter, IsTerminal, Write};
use std::path::PathBuf;

use std::sync::atomic::Ordering;

use clap::{Args, ValueEnum};

use super::progress::{Progress, Unit};
use super::whole_file::when_whole;
use super::{Done, Session, interrupt};
use crate::export::{ExportError, ExportFormat, write_all};
use crate::paper::PaperId;
use crate::store::{PaperNumber, Snapshot, Store};

/// From so many papers on it takes long enough to be told how far it is.
const MANY: u64 = 2_000;

/// Write papers out: for reference managers, for another library, as a backup that anything can read
///
/// What 'jsonl' writes, 'paperkin ingest' reads again as it was; what the other formats cannot hold is listed in the documentation. It
/// works beside a running 'ingest' and shows the library as it was at the start.
#[derive(Debug, Args)]
pub(super) struct ExportArguments {
    /// Only these papers; all if none is named
    #[arg(value_name = "ID")]
    ids: Vec<PaperId>,
    /// In which format
    #[arg(long, value_enum, default_value_t = Format::Jsonl, value_name = "FORMAT")]
    format: Format,
    /// With the vector of every passage (jsonl only)
    #[arg(long)]
    vectors: bool,
    /// Into this file, which appears (or is replaced) only when it is whole; standard output if not given
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// One JSON object a line; reads back as it was
    Jsonl,
    /// BibTeX
    Bibtex,
    /// RIS
    Ris,
    /// CSL-JSON
    Csl,
    /// Markdown, to read
    Markdown,
}

impl From<Format> for ExportFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Jsonl => Self::Jsonl,
            Format::Bibtex => Self::Bibtex,
            Format::Ris => Self::Ris,
            Format::Csl => Self::Csl,
            Format::Markdown => Self::Markdown,
        }
    }
}

impl ExportArguments {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<Done> {
        let format = ExportFormat::from(self.format);
        if self.vectors && format != ExportFormat::Jsonl {
            anyhow::bail!("only jsonl has a place for vectors; leave out --vectors or --format");
        }
        let stop = interrupt::watch_saying("stopping; a file that is not whole is not left behind")?;
        let store = Store::open(&session.config.library)?;
        let snapshot = store.snapshot()?;
        let only = if self.ids.is_empty() { None } else { Some(numbers(&snapshot, &self.ids, session)?) };
        let total = only.as_ref().map_or(snapshot.counts()?.papers, |only| only.len() as u64);
        let quiet = total < MANY || (self.output.is_none() && std::io::stdout().is_terminal());
        let mut bar =
            (!quiet).then(|| Progress::start("exporting", Unit::Papers, total, session.is_interactive()));
        let mut write = |out: &mut dyn Write| {
            write_all(&snapshot, format, self.vectors, only.as_deref(), out, &mut |_| {
                if let Some(bar) = &mut bar {
                    bar.advance(1);
                }
                !stop.load(Ordering::SeqCst)
            })
        };
        let mut unless_stopped = |out: &mut dyn Write| match write(out) {
            Ok(count) => Ok(Some(count)),
            Err(ExportError::Stopped) => Ok(None),
            // As itself, so that a closed pipe is known for one.
            Err(ExportError::Write(error)) => Err(error.into()),
            Err(error) => Err(anyhow::Error::from(error)),
        };
        let written = match &self.output {
            None => unless_stopped(&mut BufWriter::new(std::io::stdout().lock()))?,
            Some(file) => when_whole(file, &session.config.library, unless_stopped)?,
        };
        drop(bar);
        let Some(count) = written else { return Ok(Done::Interrupted) };
        if let Some(file) = &self.output {
            session.say(format_args!("{count} papers written to {}", file.display()));
        }
        Ok(Done::Fully)
    }
}

/// Which papers these are, each once.
fn numbers(snapshot: &Snapshot, ids: &[PaperId], session: &Session) -> anyhow::Result<Vec<PaperNumber>> {
    let mut numbers = Vec::new();
    for id in ids {
        let Some((number, _)) = snapshot.paper_by_name(id)? else {
            anyhow::bail!("no paper {id} in the library at {}", session.config.library.display());
        };
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    Ok(numbers)
}
