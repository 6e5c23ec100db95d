//! What a person decides against the rules: a paper is removed and stays away, records are of different works.

use redb::ReadableTable;
use serde::{Deserialize, Serialize};

use super::build::Before;
use super::error::Fault;
use super::put::{Putting, place_key};
use super::schema::key;
use crate::paper::{PaperId, Record, Verdict, same_work};

/// Who a removed paper was: enough to know it again, and nothing of its texts.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Removed {
    id: PaperId,
    names: Vec<PaperId>,
    files: Vec<String>,
    identity: Record,
}

impl Putting<'_, '_> {
    /// Removes the paper with this name, and notes who it was.
    pub(super) fn remove(&mut self, name: &PaperId) -> Result<Option<u32>, Fault> {
        let Some(number) = self.owner(&name.to_string())? else { return Ok(None) };
        let (paper, records) = (self.paper(number)?, self.records(number)?);
        let mut identity = paper.identity();
        identity.abstract_text = None;
        let mut files: Vec<String> = records.into_iter().map(|record| record.source.file).collect();
        files.dedup();
        let removed =
            Removed { id: paper.id.clone(), names: paper.names().cloned().collect(), files, identity };
        let row = serde_json::to_vec(&removed).map_err(|error| Fault::Value(format!("removed: {error}")))?;
        for name in &removed.names {
            self.tables.removed.insert(name.to_string().as_str(), row.as_slice())?;
        }
        self.vanish(number)?;
        Ok(Some(number))
    }

    /// Lets a removed paper in again; says which files told of it, or `None` if it was not removed.
    pub(super) fn readmit(&mut self, name: &PaperId) -> Result<Option<Vec<String>>, Fault> {
        let Some(removed) = self.removed_as(name)? else { return Ok(None) };
        for name in &removed.names {
            self.tables.removed.remove(name.to_string().as_str())?;
        }
        for file in &removed.files {
            self.tables.files.remove(file.as_str())?;
        }
        Ok(Some(removed.files))
    }

    /// The removed paper that `record` is about.
    pub(super) fn removed(&self, record: &Record) -> Result<Option<PaperId>, Fault> {
        if self.tables.removed.first()?.is_none() {
            return Ok(None);
        }
        for name in record.names() {
            if let Some(removed) = self.removed_as(&name)?
                && same_work(record, &removed.identity) != Verdict::Different
            {
                return Ok(Some(removed.id));
            }
        }
        Ok(None)
    }

    fn removed_as(&self, name: &PaperId) -> Result<Option<Removed>, Fault> {
        let Some(row) = self.tables.removed.get(name.to_string().as_str())? else { return Ok(None) };
        let removed = serde_json::from_slice(row.value());
        removed.map(Some).map_err(|error| Fault::Value(format!("removed {name}: {error}")))
    }

    /// Makes the records at `places` a paper of their own, for ever apart from the others of the paper; `None` if
    /// they are all of it, or none.
    pub(super) fn split(
        &mut self,
        number: u32,
        places: &[String],
    ) -> Result<Option<(PaperId, PaperId)>, Fault> {
        let (parted, rest): (Vec<Record>, Vec<Record>) =
            self.records(number)?.into_iter().partition(|record| places.contains(&place_key(record)));
        if parted.is_empty() || rest.is_empty() {
            return Ok(None);
        }
        for (one, others) in [(&parted, &rest), (&rest, &parted)] {
            let others: Vec<String> = others.iter().map(place_key).collect();
            for place in one.iter().map(place_key) {
                let mut known = self.apart_from(&place)?;
                known.extend(others.iter().cloned());
                known.sort();
                known.dedup();
                let row =
                    serde_json::to_vec(&known).map_err(|error| Fault::Value(format!("apart: {error}")))?;
                self.tables.apart.insert(place.as_str(), row.as_slice())?;
            }
        }
        let mut before = Before::default();
        self.take_down(number, &mut before)?;
        let kept = self.build(number, &rest, before)?;
        let new = self.tables.next(key::NEXT_PAPER)?;
        let parted = self.build(new, &parted, Before::default())?;
        Ok(Some((kept, parted)))
    }

    /// Whether somebody said that records at some of these places are of different works.
    pub(super) fn kept_apart(&self, places: &[String], others: &[String]) -> Result<bool, Fault> {
        if self.tables.apart.first()?.is_none() {
            return Ok(false);
        }
        for place in places {
            let apart = self.apart_from(place)?;
            if others.iter().any(|other| apart.contains(other)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn apart_from(&self, place: &str) -> Result<Vec<String>, Fault> {
        let Some(row) = self.tables.apart.get(place)? else { return Ok(Vec::new()) };
        serde_json::from_slice(row.value()).map_err(|error| Fault::Value(format!("apart {place:?}: {error}")))
    }
}
