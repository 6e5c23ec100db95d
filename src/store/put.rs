//! A record finds its paper: the rules by which the store grows and shrinks.
//!
//! Invariants, which [`super::Writer::check`] tests: a name, a place and a passage each belong to one paper; a paper
//! is the merge of its records; every passage has a vector or is pending.

use redb::ReadableTable;

use super::build::{Before, value};
use super::codec::{decode, encode};
use super::error::{Fault, StoreError};
use super::schema::{Tables, key};
use crate::paper::{Evidence, Paper, PaperId, Passage, Record, Verdict, repository_name, same_work, united};

/// Cuts a paper into passages; `None` leaves that to [`super::Writer::cut`].
pub type Cut<'c> = Option<&'c dyn Fn(&Paper) -> Vec<Passage>>;

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// A paper not known before.
    New,
    /// A known paper, of which it says something new.
    Changed,
    /// Known already.
    Unchanged,
    /// Its paper was removed ([`super::Writer::remove`]) and stays away.
    Removed,
}

/// What became of a record, and where it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The paper.
    pub id: PaperId,
    /// What became of the record.
    pub change: Change,
    /// Papers that the record showed to be this one; their names answer with it from now on.
    pub merged: Vec<PaperId>,
}

/// One transaction's work on the papers.
pub(super) struct Putting<'w, 't> {
    pub(super) tables: &'w mut Tables<'t>,
    pub(super) cut: Cut<'w>,
}

impl Putting<'_, '_> {
    /// Stores one record.
    pub(super) fn put(&mut self, record: Record) -> Result<Outcome, Fault> {
        let holder = self.tables.places.get(place_key(&record).as_str())?.map(|number| number.value());
        if let Some(number) = holder {
            let known = self.records(number)?.iter().any(|other| same_content(other, &record));
            if known {
                let id = self.paper(number)?.id;
                return Ok(Outcome { id, change: Change::Unchanged, merged: Vec::new() });
            }
        }
        if let Some(id) = self.removed(&record)? {
            return Ok(Outcome { id, change: Change::Removed, merged: Vec::new() });
        }
        readable(&record)?;

        let joined = self.papers_of(&record)?;
        if let Some(number) = holder.filter(|number| joined.iter().all(|join| join.number != *number)) {
            self.withdraw(number, &[place_key(&record)])?;
        }
        let (number, change) = match joined.iter().map(|join| join.number).min() {
            Some(number) => (number, Change::Changed),
            None => (self.tables.next(key::NEXT_PAPER)?, Change::New),
        };

        let mut records = Vec::new();
        let mut before = Before::default();
        let mut merged = Vec::new();
        let mut ascending = joined;
        ascending.sort_unstable_by_key(|join| join.number);
        for part in ascending {
            records.extend(self.records(part.number)?);
            let paper = self.take_down(part.number, &mut before)?;
            if let Some(evidence) = part.evidence {
                before.joins.push(super::Join {
                    place: place_key(&record),
                    with: paper.id.clone(),
                    evidence,
                });
            }
            if part.number != number {
                merged.push(paper.id);
            }
        }
        match records.iter_mut().find(|other| other.same_place(&record)) {
            Some(older) => *older = record,
            None => records.push(record),
        }
        let id = self.build(number, &records, before)?;
        Ok(Outcome { id, change, merged })
    }

    /// The papers that `record` is about, by the names it shares with them and the judgement of the two.
    fn papers_of(&self, record: &Record) -> Result<Vec<Joined>, Fault> {
        // Most records meet no candidate: the copy waits for one.
        let mut told: Vec<Record> = Vec::new();
        let mut candidates = Vec::new();
        for name in record.names() {
            candidates.extend(self.owner(&name.to_string())?);
        }
        let shared = record.repositories.iter().map(|url| repository_prefix(url));
        for prefix in shared.chain([twin_prefix(&record.title)]) {
            candidates.extend(self.numbers_under(&prefix)?);
        }
        let place = place_key(record);
        let mut places = vec![place.clone()];
        let mut joined: Vec<Joined> = Vec::new();
        for number in candidates {
            if joined.iter().any(|join| join.number == number) {
                continue;
            }
            let mut others = self.records(number)?;
            others.retain(|other| !other.same_place(record));
            let theirs: Vec<String> = others.iter().map(place_key).collect();
            if self.kept_apart(&places, &theirs)? {
                continue;
            }
            // A paper of which only an older reading of this very record tells is this record's.
            let Some(candidate) = united(&others, &record.title) else {
                joined.push(Joined { number, evidence: None });
                continue;
            };
            if told.is_empty() {
                told.push(record.clone());
            }
            let Some(whole) = united(&told, &record.title) else { continue };
            if let Verdict::Same(evidence) = same_work(&whole, &candidate) {
                let known =
                    self.tables.places.get(place.as_str())?.is_some_and(|owner| owner.value() == number);
                joined.push(Joined { number, evidence: (!known).then_some(evidence) });
                places.extend(theirs);
                told.extend(others);
            }
        }
        Ok(joined)
    }

    fn numbers_under(&self, prefix: &str) -> Result<Vec<u32>, Fault> {
        let (first, last) = (format!("{prefix}{:08x}", 0), format!("{prefix}{:08x}", u32::MAX));
        let rows = self.tables.names.range::<&str>(first.as_str()..=last.as_str())?;
        // A repository of hundreds of papers is evidence for none of them.
        rows.take(MOST_SHARED).map(|row| Ok(row?.1.value())).collect()
    }

    /// Takes the records at `places` away from a paper.
    pub(super) fn withdraw(&mut self, number: u32, places: &[String]) -> Result<(), Fault> {
        let mut records = self.records(number)?;
        records.retain(|record| !places.contains(&place_key(record)));
        if records.is_empty() {
            return self.vanish(number);
        }
        let mut before = Before::default();
        self.take_down(number, &mut before)?;
        self.build(number, &records, before)?;
        Ok(())
    }

    /// Takes the record at a place away from its paper.
    pub(super) fn withdraw_place(&mut self, place: &str) -> Result<(), Fault> {
        let holder = self.tables.places.get(place)?.map(|number| number.value());
        match holder {
            Some(number) => self.withdraw(number, &[place.to_owned()]),
            None => Ok(()),
        }
    }

    /// Makes the passages of a paper anew.
    pub(super) fn cut_again(&mut self, number: u32) -> Result<(), Fault> {
        self.tables.uncut.remove(number)?;
        let records = self.records(number)?;
        let mut before = Before::default();
        self.take_down(number, &mut before)?;
        self.build(number, &records, before)?;
        Ok(())
    }

    pub(super) fn vanish(&mut self, number: u32) -> Result<(), Fault> {
        let mut before = Before::default();
        self.take_down(number, &mut before)?;
        self.forget(before)
    }

    pub(super) fn owner(&self, name: &str) -> Result<Option<u32>, Fault> {
        Ok(self.tables.names.get(name)?.map(|number| number.value()))
    }

    pub(super) fn records(&self, number: u32) -> Result<Vec<Record>, Fault> {
        value(&self.tables.records, "records", number)?.ok_or_else(|| missing("records of paper", number))
    }

    pub(super) fn paper(&self, number: u32) -> Result<Paper, Fault> {
        value(&self.tables.papers, "papers", number)?.ok_or_else(|| missing("paper", number))
    }
}

/// Papers that may share one repository and still be looked at for their titles.
const MOST_SHARED: usize = 32;

/// A paper that a record belongs to; without evidence if it did before.
struct Joined {
    number: u32,
    evidence: Option<Evidence>,
}

/// The same but for the line, which shifts when something is written above.
fn same_content(left: &Record, right: &Record) -> bool {
    if left.source.line == right.source.line {
        return left == right;
    }
    let mut moved = right.clone();
    moved.source.line = left.source.line;
    *left == moved
}

/// Refuses what could not be read back: better no record than a damaged library.
fn readable(record: &Record) -> Result<(), Fault> {
    let bytes = encode("record", 0, record)?;
    match decode::<Record>("record", 0, &bytes) {
        Ok(read) if read == *record => Ok(()),
        _ => Err(StoreError::Unstorable(format!("{}:{}", record.source.file, record.source.line)).into()),
    }
}

/// Under which a work is found whose title's hash names another work; of fixed length, so that they stand together.
pub(super) fn twin_key(title: &str, number: u32) -> String {
    format!("{}{number:08x}", twin_prefix(title))
}

fn twin_prefix(title: &str) -> String {
    format!("twin:{}:", PaperId::of_title(title))
}

/// Under which the papers of one repository are found.
pub(super) fn repository_key(url: &str, number: u32) -> String {
    format!("{}{number:08x}", repository_prefix(url))
}

fn repository_prefix(url: &str) -> String {
    format!("repository:{}:", repository_name(url))
}

/// NUL stands in no file name.
pub(super) fn place_key(record: &Record) -> String {
    format!("{}\0{}", record.source.file, record.source.slot)
}

pub(super) fn missing(what: &str, number: u32) -> Fault {
    Fault::Value(format!("{what} {number} is not there"))
}
