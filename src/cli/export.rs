//! `paperkin export`

use std::io::{BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use clap::{Args, ValueEnum};

use super::progress::{Progress, Unit};
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
}

impl From<Format> for ExportFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Jsonl => Self::Jsonl,
            Format::Bibtex => Self::Bibtex,
            Format::Ris => Self::Ris,
            Format::Csl => Self::Csl,
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
        let written = match &self.output {
            None => write(&mut BufWriter::new(std::io::stdout().lock())),
            Some(file) => when_whole(file, &stop, write)?,
        };
        drop(bar);
        match (written, &self.output) {
            (Ok(count), Some(file)) => {
                session.say(format_args!("{count} papers written to {}", file.display()))
            }
            (Ok(_), None) => {}
            (Err(ExportError::Stopped), _) => return Ok(Done::Interrupted),
            // As itself, so that a closed pipe is known for one.
            (Err(ExportError::Write(error)), _) => return Err(error.into()),
            (Err(error), _) => return Err(error.into()),
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

/// Lets `write` fill a file of another name beside `file`, and gives it its name when it is whole and on disk.
fn when_whole(
    file: &Path,
    stop: &Arc<AtomicBool>,
    write: impl FnOnce(&mut dyn Write) -> Result<u64, ExportError>,
) -> anyhow::Result<Result<u64, ExportError>> {
    let name = file.file_name().with_context(|| format!("{} is no name of a file", file.display()))?;
    if file.exists() && !file.is_file() {
        anyhow::bail!("{} is there and is no file; choose another name", file.display());
    }
    let partial = file.with_file_name(format!(".{}.{}.partial", name.to_string_lossy(), std::process::id()));
    let filled = (|| {
        let mut out = BufWriter::new(fs_err::File::create(&partial)?);
        let count = write(&mut out)?;
        out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        if stop.load(Ordering::SeqCst) {
            return Err(ExportError::Stopped);
        }
        fs_err::rename(&partial, file)?;
        Ok(count)
    })();
    if filled.is_err() {
        // The reason of the failure is told; a file that cannot be removed either says nothing more.
        let _ = fs_err::remove_file(&partial);
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_when_it_is_whole_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("내보내기.bib");
        let stop = Arc::new(AtomicBool::new(false));
        let left = || fs_err::read_dir(folder.path()).unwrap().count();
        let failed = when_whole(&file, &stop, |out| {
            out.write_all(b"half")?;
            Err(ExportError::Stopped)
        });
        assert!(failed.unwrap().is_err() && left() == 0);
        let whole = when_whole(&file, &stop, |out| {
            out.write_all("한국어".as_bytes())?;
            assert!(!file.exists());
            Ok(1)
        });
        assert_eq!((whole.unwrap().unwrap(), left()), (1, 1));
        assert_eq!(fs_err::read_to_string(&file).unwrap(), "한국어");
        stop.store(true, Ordering::SeqCst);
        assert!(matches!(when_whole(&file, &stop, |_| Ok(1)).unwrap(), Err(ExportError::Stopped)));
        assert_eq!(fs_err::read_to_string(&file).unwrap(), "한국어", "what was there before is untouched");
        assert!(when_whole(folder.path(), &stop, |_| Ok(1)).is_err());
    }
}
