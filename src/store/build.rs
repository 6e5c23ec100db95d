//! A paper is made of its records, and its passages of the paper: what did not change keeps its number and its vector.

use std::collections::{HashMap, HashSet, VecDeque};

use redb::{ReadableTable, Table};

use super::Join;
use super::codec::{decode, encode, resealed};
use super::error::Fault;
use super::put::{Putting, missing, place_key, repository_key, twin_key};
use super::schema::key;
use super::snapshot::note_key;
use crate::paper::{Paper, PaperId, Passage, Record, TextHash};

/// What was there of the papers that are being made anew.
#[derive(Default)]
pub(super) struct Before {
    passages: HashMap<TextHash, VecDeque<(u32, Passage)>>,
    /// Their numbers, in the order of the text.
    order: Vec<u32>,
    papers: Vec<Paper>,
    uncut: bool,
    pub(super) joins: Vec<Join>,
}

impl Putting<'_, '_> {
    /// Removes the rows of a paper but those of its passages, which `before` collects for [`Self::build`].
    pub(super) fn take_down(&mut self, number: u32, before: &mut Before) -> Result<Paper, Fault> {
        let paper = self.paper(number)?;
        for record in self.records(number)? {
            self.tables.places.remove(place_key(&record).as_str())?;
            self.tables.names.remove(twin_key(&record.title, number).as_str())?;
            for url in &record.repositories {
                self.tables.names.remove(repository_key(url, number).as_str())?;
            }
            if let Some(note) = &record.note {
                disown(&mut self.tables.names, &note_key(note), number)?;
            }
        }
        for name in paper.names() {
            disown(&mut self.tables.names, &name.to_string(), number)?;
        }
        let passages: Vec<u32> = value(&self.tables.passages_of, "passages_of", number)?.unwrap_or_default();
        before.order.extend_from_slice(&passages);
        for passage in passages {
            let stored: Option<(u32, Passage)> = value(&self.tables.passages, "passages", passage)?;
            let (_, stored) = stored.ok_or_else(|| missing("passage", passage))?;
            before.passages.entry(stored.hash).or_default().push_back((passage, stored));
        }
        let joins: Option<Vec<Join>> = value(&self.tables.joins, "joins", number)?;
        before.joins.extend(joins.unwrap_or_default());
        before.papers.push(paper.clone());
        self.tables.papers.remove(number)?;
        self.tables.records.remove(number)?;
        self.tables.passages_of.remove(number)?;
        self.tables.joins.remove(number)?;
        before.uncut |= self.tables.uncut.remove(number)?.is_some();
        Ok(paper)
    }

    /// Writes the rows of a paper of `records`.
    pub(super) fn build(
        &mut self,
        number: u32,
        records: &[Record],
        mut before: Before,
    ) -> Result<PaperId, Fault> {
        let former: Vec<PaperId> = before.papers.iter().map(|paper| paper.id.clone()).collect();
        let paper = self.merge(records, &former)?;
        for name in paper.names() {
            self.tables.names.insert(name.to_string().as_str(), number)?;
        }
        for record in records {
            self.tables.places.insert(place_key(record).as_str(), number)?;
            if self.owner(&PaperId::of_title(&record.title).to_string())? != Some(number) {
                self.tables.names.insert(twin_key(&record.title, number).as_str(), number)?;
            }
            for url in &record.repositories {
                self.tables.names.insert(repository_key(url, number).as_str(), number)?;
            }
            if let Some(note) = &record.note
                && self.owner(&note_key(note))?.is_none()
            {
                self.tables.names.insert(note_key(note).as_str(), number)?;
            }
        }
        let places: HashSet<String> = records.iter().map(place_key).collect();
        before.joins.retain(|join| places.contains(&join.place));
        if !before.joins.is_empty() {
            self.tables.joins.insert(number, encode("joins", number, &before.joins)?.as_slice())?;
        }

        let passages = match self.cut {
            Some(cut) => cut(&paper),
            None => self.still_valid(number, &paper, &before)?,
        };
        let mut numbers = Vec::new();
        for passage in passages {
            let at = match before.passages.get_mut(&passage.hash).and_then(VecDeque::pop_front) {
                Some((at, _)) => at,
                None => self.new_passage(&passage)?,
            };
            self.tables.passages.insert(at, encode("passages", at, &(number, passage))?.as_slice())?;
            numbers.push(at);
        }
        self.forget(before)?;

        self.tables.passages_of.insert(number, encode("passages_of", number, &numbers)?.as_slice())?;
        self.tables.records.insert(number, encode("records", number, &records)?.as_slice())?;
        self.tables.papers.insert(number, encode("papers", number, &paper)?.as_slice())?;
        Ok(paper.id)
    }

    /// The passages that need no cutting to be known: those that stand in the text as before. The paper is noted to
    /// be cut if there may be others.
    fn still_valid(&mut self, number: u32, paper: &Paper, before: &Before) -> Result<Vec<Passage>, Fault> {
        let same_texts = before.papers.len() == 1
            && before.papers.iter().all(|older| {
                older.title == paper.title
                    && older.abstract_text == paper.abstract_text
                    && older.other_abstracts == paper.other_abstracts
                    && older.commentaries == paper.commentaries
            });
        if before.uncut || !same_texts {
            self.tables.uncut.insert(number, ())?;
        }
        let mut kept: Vec<(u32, Passage)> = before
            .passages
            .values()
            .flatten()
            .filter(|(_, passage)| {
                same_texts
                    || passage.embedded_text(paper).is_some_and(|text| TextHash::of(&text) == passage.hash)
            })
            .cloned()
            .collect();
        kept.sort_by_key(|(number, _)| before.order.iter().position(|at| at == number));
        Ok(kept.into_iter().map(|(_, passage)| passage).collect())
    }

    /// A number for a passage that its paper did not have; with the vector of a passage of the same text that was
    /// lately given up, if there is one.
    fn new_passage(&mut self, passage: &Passage) -> Result<u32, Fault> {
        let at = self.tables.next(key::NEXT_PASSAGE)?;
        let spare = self.tables.spare.get(&passage.hash.0)?.map(|bytes| resealed(0, at, bytes.value()));
        match spare {
            Some(bytes) => {
                self.tables.vectors.insert(at, bytes?.as_slice())?;
            }
            None => {
                self.tables.pending.insert(at, ())?;
            }
        }
        Ok(at)
    }

    /// Removes the passages that are left over. Their vectors are put by: the same text may turn up in another paper,
    /// or again in this one, before this ingest is over.
    pub(super) fn forget(&mut self, before: Before) -> Result<(), Fault> {
        for (hash, left) in before.passages {
            for (passage, _) in left {
                self.tables.passages.remove(passage)?;
                self.tables.pending.remove(passage)?;
                let bytes =
                    self.tables.vectors.remove(passage)?.map(|bytes| resealed(passage, 0, bytes.value()));
                if let Some(bytes) = bytes {
                    self.tables.spare.insert(&hash.0, bytes?.as_slice())?;
                }
            }
        }
        Ok(())
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
}

fn disown(names: &mut Table<'_, &'static str, u32>, name: &str, number: u32) -> Result<(), Fault> {
    if names.get(name)?.is_some_and(|owner| owner.value() == number) {
        names.remove(name)?;
    }
    Ok(())
}

pub(super) fn value<T: serde::de::DeserializeOwned>(
    table: &Table<'_, u32, &'static [u8]>,
    name: &str,
    number: u32,
) -> Result<Option<T>, Fault> {
    table.get(number)?.map(|bytes| decode(name, number, bytes.value())).transpose()
}
