//! The library written out: JSON lines that this program reads back, BibTeX, RIS and CSL-JSON for reference managers, Markdown for
//! people.
//!
//! Papers are written one at a time from one snapshot, whatever is ingested meanwhile; of those that were written only
//! citation keys stay in memory. Reading an export again gives the same papers, but for what its format cannot hold:
//!
//! | | JSON lines | BibTeX | RIS | CSL-JSON |
//! | --- | --- | --- | --- | --- |
//! | ids | all | one of arXiv, one DOI | one of arXiv, one DOI | one of arXiv, one DOI |
//! | title, authors, date, venue, url | yes | yes | yes (1) | yes (7) |
//! | abstract, commentary | yes | yes (2) | yes (3) | yes (4) |
//! | other abstracts, dates of commentaries | yes (5) | no | no | no |
//! | tags, repositories | yes | yes | yes (1) | tags (6) |
//! | mentions | yes | those in the commentary | those in the commentary | those in the commentary |
//!
//! Markdown is a list to be read, and holds what a reader wants to see.
//!
//! No format holds the files in which a text was found, and only JSON lines the vectors. (1) A `;` in the name of the only author, a
//! `,` or `;` in the only tag, and a comma beside unpaired braces in a name do not come back. (2) Runs of spaces and of empty lines
//! become one, as in LaTeX; each commentary has a field `annotation`, `annotation2`, ... of its own. (3) Space at the ends of lines is
//! lost; each commentary has an `N1` of its own; one of a single line that begins like bookkeeping ("Accepted at ...") is
//! not taken for a commentary when it is read. (4) `annote` is one field: commentaries stand in it with a blank line
//! between them and come back as one a language. (5) In further lines of the same paper. (6) They stand
//! in one field, separated by commas. (7) What is spelt like markup (`<i>`, `&and;`) is written as it is and read as markup, as everybody's
//! CSL-JSON is; so in abstract and commentary.

mod bibtex;
mod citation_key;
mod csl;
mod json_lines;
mod markdown;
mod ris;

use std::io::Write;

use jiff::civil::Date;

use crate::paper::{ArxivId, Doi, Paper, PaperId};
use crate::store::{PaperNumber, Snapshot, StoreError};

pub use markdown::citation;

/// The formats that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// One JSON object a line, in the shape that is read.
    Jsonl,
    /// BibTeX.
    Bibtex,
    /// RIS.
    Ris,
    /// CSL-JSON, one array.
    Csl,
    /// Markdown, a heading a paper.
    Markdown,
}

/// Why an export is not whole.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The library could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The output could not be written.
    #[error(transparent)]
    Write(#[from] std::io::Error),
    /// The caller's callback said so.
    #[error("stopped; what is written so far is not whole")]
    Stopped,
}

/// How many parts of a date are known: the first of January may stand for a year, the first of a month for the month, and to
/// say less is no lie.
fn known_parts(date: Date) -> usize {
    match (date.month(), date.day()) {
        (1, 1) => 1,
        (_, 1) => 2,
        _ => 3,
    }
}

/// Writes the papers of `snapshot` in `format`, in the order in which they came: all, or those of `only` in its order. With `vectors`,
/// JSON lines carry each passage's vector; other formats have no place for them. `go_on` is told after each paper how many are
/// written, and ends the export with `false`. Says how many were written.
///
/// # Errors
/// See [`ExportError`].
pub fn write_all(
    snapshot: &Snapshot,
    format: ExportFormat,
    vectors: bool,
    only: Option<&[PaperNumber]>,
    out: &mut dyn Write,
    go_on: &mut dyn FnMut(u64) -> bool,
) -> Result<u64, ExportError> {
    let mut writer = PaperWriter::new(format, out);
    let fingerprint = if vectors { Some(snapshot.meta()?.fingerprint) } else { None };
    let mut one = |number: PaperNumber, paper: &Paper| -> Result<(), ExportError> {
        let vectors = match &fingerprint {
            Some(model) if format == ExportFormat::Jsonl => {
                Some(json_lines::vectors_of(snapshot, number, model)?)
            }
            _ => None,
        };
        writer.write(paper, vectors)?;
        if go_on(writer.written) { Ok(()) } else { Err(ExportError::Stopped) }
    };
    match only {
        Some(numbers) => {
            for number in numbers {
                if let Some(paper) = snapshot.paper(*number)? {
                    one(*number, &paper)?;
                }
            }
        }
        None => {
            let mut failed = None;
            snapshot.visit_papers(|number, paper| {
                if failed.is_none() {
                    failed = one(number, &paper).err();
                }
            })?;
            failed.map_or(Ok(()), Err)?;
        }
    }
    let written = writer.written;
    writer.finish()?;
    Ok(written)
}

/// Writes papers to a stream, one by one.
pub struct PaperWriter<'a> {
    format: ExportFormat,
    out: &'a mut dyn Write,
    keys: citation_key::Keys,
    written: u64,
}

impl<'a> PaperWriter<'a> {
    /// Nothing is written yet.
    pub fn new(format: ExportFormat, out: &'a mut dyn Write) -> Self {
        Self { format, out, keys: citation_key::Keys::default(), written: 0 }
    }

    /// Writes one paper; `vectors` stand beside it in JSON lines.
    ///
    /// # Errors
    /// Where the stream does not take it.
    pub fn write(&mut self, paper: &Paper, vectors: Option<serde_json::Value>) -> std::io::Result<()> {
        match self.format {
            ExportFormat::Jsonl => json_lines::write(paper, vectors, self.out)?,
            ExportFormat::Bibtex => bibtex::write(paper, &self.keys.next(paper), self.out)?,
            ExportFormat::Ris => ris::write(paper, self.out)?,
            ExportFormat::Csl => {
                self.out.write_all(if self.written == 0 { b"[\n" } else { b",\n" })?;
                csl::write(paper, self.out)?;
            }
            ExportFormat::Markdown => markdown::write(paper, self.out)?,
        }
        self.written += 1;
        Ok(())
    }

    /// Writes what stands at the end, and flushes.
    ///
    /// # Errors
    /// Where the stream does not take it.
    pub fn finish(self) -> std::io::Result<()> {
        if self.format == ExportFormat::Csl {
            self.out.write_all(if self.written == 0 { b"[]\n" } else { b"\n]\n" })?;
        }
        self.out.flush()
    }
}

/// The first arXiv id and the first DOI of a paper.
fn ids(paper: &Paper) -> (Option<&ArxivId>, Option<&Doi>) {
    let arxiv = paper.names().find_map(|id| if let PaperId::Arxiv(id) = id { Some(id) } else { None });
    let doi = paper.names().find_map(|id| if let PaperId::Doi(doi) = id { Some(doi) } else { None });
    (arxiv, doi)
}
