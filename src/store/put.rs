//! A record finds its paper, and the paper is made anew: the rules by which the store grows.
//!
//! Invariants, which [`super::Writer::check`] tests: a name, a place and a passage each belong to one paper; a paper
//! is the merge of its records; every passage has a vector or is pending.

use std::collections::{HashMap, VecDeque};

use redb::{ReadableTable, Table};

use super::codec::{decode, encode};
use super::error::{Fault, StoreError};
use super::schema::{Tables, key};
use super::snapshot::note_key;
use crate::paper::{Paper, PaperId, Passage, Record, TextHash, Verdict, normalised_title, same_work};

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
    pub(super) passages: &'w dyn Fn(&Paper) -> Vec<Passage>,
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
        readable(&record)?;

        let joined = self.papers_of(&record)?;
        if let Some(number) = holder.filter(|number| !joined.contains(number)) {
            self.withdraw(number, &record)?;
        }
        let (number, change) = match joined.iter().min() {
            Some(number) => (*number, Change::Changed),
            None => (self.tables.next(key::NEXT_PAPER)?, Change::New),
        };

        let mut records = Vec::new();
        let mut before = Before::default();
        let mut merged = Vec::new();
        let mut ascending = joined;
        ascending.sort_unstable();
        for part in ascending {
            records.extend(self.records(part)?);
            let paper = self.take_down(part, &mut before)?;
            if part != number {
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

    /// Removes the paper with this name.
    pub(super) fn remove(&mut self, name: &PaperId) -> Result<Option<u32>, Fault> {
        let Some(number) = self.owner(&name.to_string())? else { return Ok(None) };
        self.vanish(number)?;
        Ok(Some(number))
    }

    /// Makes the passages of a paper anew.
    pub(super) fn cut_again(&mut self, number: u32) -> Result<(), Fault> {
        let records = self.records(number)?;
        let mut before = Before::default();
        self.take_down(number, &mut before)?;
        self.build(number, &records, before)?;
        Ok(())
    }

    /// The papers that `record` is about, by the names it shares with them and the judgement of the two.
    fn papers_of(&self, record: &Record) -> Result<Vec<u32>, Fault> {
        let mut names = record.names();
        names.push(PaperId::of_title_and_author(
            &record.title,
            record.authors.first().map_or("", String::as_str),
        ));
        let mut joined = Vec::new();
        let mut whole = Record { ids: record.ids.clone(), title: record.title.clone(), ..Record::default() };
        whole.authors.clone_from(&record.authors);
        let mut candidates = Vec::new();
        for name in record.names() {
            candidates.extend(self.owner(&name.to_string())?);
        }
        let twins = twin_key(&record.title, 0)..=twin_key(&record.title, u32::MAX);
        for row in self.tables.names.range::<&str>((twins.start().as_str())..=(twins.end().as_str()))? {
            candidates.push(row?.1.value());
        }
        for number in candidates {
            if joined.contains(&number) {
                continue;
            }
            let mut others = self.records(number)?;
            others.retain(|other| !other.same_place(record));
            // A paper of which only an older reading of this very record tells is this record's.
            let candidate = as_one(&others, &record.title);
            if candidate.as_ref().is_none_or(|candidate| same_work(&whole, candidate) != Verdict::Different) {
                joined.push(number);
                if let Some(candidate) = candidate {
                    whole.ids.extend(candidate.ids);
                    whole.authors.extend(candidate.authors);
                }
            }
        }
        Ok(joined)
    }

    /// Takes the older reading of `record` away from a paper that it is not about any more.
    fn withdraw(&mut self, number: u32, record: &Record) -> Result<(), Fault> {
        let mut records = self.records(number)?;
        records.retain(|other| !other.same_place(record));
        if records.is_empty() {
            return self.vanish(number);
        }
        let mut before = Before::default();
        self.take_down(number, &mut before)?;
        self.build(number, &records, before)?;
        Ok(())
    }

    fn vanish(&mut self, number: u32) -> Result<(), Fault> {
        let mut before = Before::default();
        self.take_down(number, &mut before)?;
        self.forget(before.passages.into_values().flatten())
    }

    /// Removes the rows of a paper but those of its passages, which `before` collects for [`Self::build`].
    fn take_down(&mut self, number: u32, before: &mut Before) -> Result<Paper, Fault> {
        let paper = self.paper(number)?;
        for record in self.records(number)? {
            self.tables.places.remove(place_key(&record).as_str())?;
            self.tables.names.remove(twin_key(&record.title, number).as_str())?;
            if let Some(note) = &record.note {
                disown(&mut self.tables.names, &note_key(note), number)?;
            }
        }
        for name in paper.names() {
            disown(&mut self.tables.names, &name.to_string(), number)?;
        }
        let passages: Vec<u32> = value(&self.tables.passages_of, "passages_of", number)?.unwrap_or_default();
        for passage in passages {
            let stored: Option<(u32, Passage)> = value(&self.tables.passages, "passages", passage)?;
            let (_, stored) = stored.ok_or_else(|| missing("passage", passage))?;
            before.passages.entry(stored.hash).or_default().push_back(passage);
        }
        before.ids.push(paper.id.clone());
        self.tables.papers.remove(number)?;
        self.tables.records.remove(number)?;
        self.tables.passages_of.remove(number)?;
        Ok(paper)
    }

    /// Writes the rows of a paper of `records`.
    fn build(&mut self, number: u32, records: &[Record], mut before: Before) -> Result<PaperId, Fault> {
        let paper = self.merge(records, &before.ids)?;
        for name in paper.names() {
            self.tables.names.insert(name.to_string().as_str(), number)?;
        }
        for record in records {
            self.tables.places.insert(place_key(record).as_str(), number)?;
            if self.owner(&PaperId::of_title(&record.title).to_string())? != Some(number) {
                self.tables.names.insert(twin_key(&record.title, number).as_str(), number)?;
            }
            if let Some(note) = &record.note
                && self.owner(&note_key(note))?.is_none()
            {
                self.tables.names.insert(note_key(note).as_str(), number)?;
            }
        }

        let mut numbers = Vec::new();
        for passage in (self.passages)(&paper) {
            let kept = before.passages.get_mut(&passage.hash).and_then(VecDeque::pop_front);
            let at = match kept {
                Some(at) => at,
                None => {
                    let at = self.tables.next(key::NEXT_PASSAGE)?;
                    self.tables.pending.insert(at, ())?;
                    at
                }
            };
            self.tables.passages.insert(at, encode("passages", at, &(number, passage))?.as_slice())?;
            numbers.push(at);
        }
        self.forget(before.passages.into_values().flatten())?;

        self.tables.passages_of.insert(number, encode("passages_of", number, &numbers)?.as_slice())?;
        self.tables.records.insert(number, encode("records", number, &records)?.as_slice())?;
        self.tables.papers.insert(number, encode("papers", number, &paper)?.as_slice())?;
        Ok(paper.id)
    }

    /// Merges records, and settles who has which name: a title's hash belongs to the first work of that title.
    fn merge(&self, records: &[Record], former: &[PaperId]) -> Result<Paper, Fault> {
        let merge = |taken| {
            Paper::merge(records, taken).ok_or_else(|| Fault::Value("a paper without records".into()))
        };
        let plain = merge(false)?;
        let free = |name: &PaperId| -> Result<bool, Fault> { Ok(self.owner(&name.to_string())?.is_none()) };
        let mut paper = plain.clone();
        for name in plain.names() {
            if !free(name)? {
                paper = merge(true)?;
            }
        }
        // An id that the paper had goes on answering; one that a source gave by mistake does not.
        let extra = plain.names().chain(former.iter().filter(|id| !id.is_registered()));
        let mut aliases = Vec::new();
        for name in paper.aliases.iter().chain(extra) {
            if *name != paper.id && !aliases.contains(name) && free(name)? {
                aliases.push(name.clone());
            }
        }
        for count in 2.. {
            if free(&paper.id)? {
                break;
            }
            // Same title, same first author, and yet another work: count them.
            paper.id = PaperId::of_title_and_author(&paper.title, &format!("{count}"));
        }
        aliases.retain(|name| *name != paper.id);
        paper.aliases = aliases;
        Ok(paper)
    }

    fn forget(&mut self, passages: impl Iterator<Item = u32>) -> Result<(), Fault> {
        for passage in passages {
            self.tables.passages.remove(passage)?;
            self.tables.vectors.remove(passage)?;
            self.tables.pending.remove(passage)?;
        }
        Ok(())
    }

    fn owner(&self, name: &str) -> Result<Option<u32>, Fault> {
        Ok(self.tables.names.get(name)?.map(|number| number.value()))
    }

    fn records(&self, number: u32) -> Result<Vec<Record>, Fault> {
        value(&self.tables.records, "records", number)?.ok_or_else(|| missing("records of paper", number))
    }

    fn paper(&self, number: u32) -> Result<Paper, Fault> {
        value(&self.tables.papers, "papers", number)?.ok_or_else(|| missing("paper", number))
    }
}

/// What was there of the papers that are being made anew.
#[derive(Default)]
struct Before {
    passages: HashMap<TextHash, VecDeque<u32>>,
    ids: Vec<PaperId>,
}

/// All that is known about a paper's identity, as one record to judge by; `None` of no records.
fn as_one(records: &[Record], title: &str) -> Option<Record> {
    let wanted = normalised_title(title);
    let named = records
        .iter()
        .find(|record| normalised_title(&record.title) == wanted)
        .or_else(|| records.first())?;
    Some(Record {
        title: named.title.clone(),
        ids: records.iter().flat_map(|record| record.ids.iter().cloned()).collect(),
        authors: records.iter().flat_map(|record| record.authors.iter().cloned()).collect(),
        ..Record::default()
    })
}

/// The same but for the line, which shifts when something is written above.
fn same_content(left: &Record, right: &Record) -> bool {
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
fn twin_key(title: &str, number: u32) -> String {
    format!("twin:{}:{number:08x}", PaperId::of_title(title))
}

/// NUL stands in no file name.
pub(super) fn place_key(record: &Record) -> String {
    format!("{}\0{}", record.source.file, record.source.slot)
}

fn disown(names: &mut Table<'_, &'static str, u32>, name: &str, number: u32) -> Result<(), Fault> {
    if names.get(name)?.is_some_and(|owner| owner.value() == number) {
        names.remove(name)?;
    }
    Ok(())
}

fn value<T: serde::de::DeserializeOwned>(
    table: &Table<'_, u32, &'static [u8]>,
    name: &str,
    number: u32,
) -> Result<Option<T>, Fault> {
    table.get(number)?.map(|bytes| decode(name, number, bytes.value())).transpose()
}

fn missing(what: &str, number: u32) -> Fault {
    Fault::Value(format!("{what} {number} is not there"))
}
