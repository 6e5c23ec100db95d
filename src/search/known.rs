//! What a library knows beside papers: where each was read, who mentions it, what came on which day.

use jiff::civil::Date;

use super::{Facet, SearchError, Searcher};
use crate::paper::{Mention, Paper};
use crate::store::PaperNumber;

/// Where a record was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadIn {
    /// The file.
    pub file: String,
    /// The line where it begins.
    pub line: usize,
    /// The date that it gives.
    pub date: Option<Date>,
}

/// Papers that are named as mentioning one; a survey that everybody cites has more.
const MENTIONING: usize = 200;

impl Searcher {
    /// Where the records of a paper were read, in the order in which they came.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn sources(&self, paper: &Paper) -> Result<Vec<ReadIn>, SearchError> {
        let (number, _) = self.find(&paper.id)?;
        let records = self.snapshot.records(number)?.into_iter();
        let sources = records.map(|record| ReadIn {
            file: record.source.file,
            line: record.source.line,
            date: record.date,
        });
        Ok(sources.collect())
    }

    /// The papers whose commentaries mention `paper`, the newest first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn mentioning(&self, paper: &Paper) -> Result<Vec<Paper>, SearchError> {
        let (number, _) = self.find(&paper.id)?;
        let records = self.snapshot.records(number)?;
        let notes = records.iter().filter_map(|record| record.note.as_deref());
        let mut numbers = self.facts()?.mentioning(paper, notes);
        numbers.truncate(MENTIONING);
        let mut found = Vec::new();
        for other in self.papers(numbers)? {
            if other.id != paper.id && self.leads_to(&other.mentions, number)? {
                found.push(other);
            }
        }
        found.sort_by_key(|other| std::cmp::Reverse(other.date));
        Ok(found)
    }

    /// The endings of the files that papers were read in, and how many papers each; the commonest first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn formats(&self) -> Result<Vec<Facet>, SearchError> {
        Ok(self.facts()?.formats())
    }

    /// The days of which there is a paper or a commentary, and how many papers, the newest first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn days(&self) -> Result<Vec<(Date, usize)>, SearchError> {
        Ok(self.facts()?.days())
    }

    /// The papers of a day, and those with a commentary of it, in the order in which they came.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn on(&self, day: Date) -> Result<Vec<Paper>, SearchError> {
        self.papers(self.facts()?.on(day))
    }

    /// Whether one of `mentions` is of that paper.
    pub(super) fn leads_to(&self, mentions: &[Mention], number: PaperNumber) -> Result<bool, SearchError> {
        for mention in mentions {
            if self.snapshot.number_of_mention(mention)? == Some(number) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn papers(&self, numbers: Vec<PaperNumber>) -> Result<Vec<Paper>, SearchError> {
        let each =
            numbers.into_iter().map(|number| self.snapshot.paper(number)).filter_map(Result::transpose);
        Ok(each.collect::<Result<_, _>>()?)
    }
}
