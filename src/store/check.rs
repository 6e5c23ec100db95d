//! Is the store what it should be? Every page, every value, and every rule by which they belong together.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::Path;

use redb::{ReadOnlyTable, ReadableTable, ReadableTableMetadata};
use serde::de::DeserializeOwned;

use super::Store;
use super::codec::{decode, decode_sentences, decode_vector};
use super::error::{Fault, StoreError, guarded};
use super::schema::{
    NAMES, PAPERS, PASSAGES, PASSAGES_OF, PENDING, PLACES, RECORDS, Sealed, VECTORS, sealed,
};
use super::snapshot::{Snapshot, note_key};
use super::writer::Writer;
use crate::paper::{Paper, Passage, Record};

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was found.
    pub what: String,
    /// What to do about it.
    pub remedy: &'static str,
}

const RESTORE: &str = "restore store.redb from a backup, or delete it and ingest again";
const INGEST: &str = "ingest its file again; if that does not help, restore store.redb from a backup";
const EMBED: &str = "delete store.redb and ingest again, or restore it from a backup; vectors are made anew";

impl Writer {
    /// Checks everything, page by page and value by value; repairs what redb can repair. No findings: all is well.
    ///
    /// # Errors
    /// Where the file cannot even be read. What is merely damaged is a finding.
    pub fn check(&mut self) -> Result<Vec<Finding>, StoreError> {
        let path = self.path().to_path_buf();
        let mut findings = Findings(Vec::new());
        let whole = self.with_database(|database| guarded(&path, |_| Ok(database.check_integrity()?)))?;
        match whole {
            Ok(true) => {}
            Ok(false) => {
                findings.add("pages did not fit together; redb repaired them", "run the check again")
            }
            Err(error @ StoreError::Damaged { .. }) => {
                findings.add(&error.to_string(), RESTORE);
                return Ok(findings.0);
            }
            Err(error) => return Err(error),
        }
        let snapshot = self.snapshot()?;
        match guarded(&path, |_| findings.of(&snapshot)) {
            Err(error @ StoreError::Damaged { .. }) => findings.add(&error.to_string(), RESTORE),
            result => result?,
        }
        Ok(findings.0)
    }

    /// [`Writer::check`] of the store of `library`, also one that is too damaged to be opened.
    ///
    /// # Errors
    /// [`StoreError::Missing`], [`StoreError::Locked`], [`StoreError::Io`].
    pub fn check_library(library: &Path) -> Result<Vec<Finding>, StoreError> {
        match Self::open_existing(library) {
            Ok(mut writer) => writer.check(),
            Err(error @ (StoreError::Damaged { .. } | StoreError::NewerFormat { .. })) => {
                Ok(vec![Finding { what: error.to_string(), remedy: RESTORE }])
            }
            // Who may only read can have the values looked at.
            Err(StoreError::Io { said, .. })
                if matches!(said.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) =>
            {
                let store = Store::open(library)?;
                let path = store.path().to_path_buf();
                guarded(&path, |_| findings_of(&store.snapshot()?))
            }
            Err(error) => Err(error),
        }
    }
}

/// What is not as it should be in the values of `snapshot`; pages that nobody reads are not looked at.
pub(super) fn findings_of(snapshot: &Snapshot) -> Result<Vec<Finding>, Fault> {
    let mut findings = Findings(Vec::new());
    findings.of(snapshot)?;
    Ok(findings.0)
}

struct Findings(Vec<Finding>);

impl Findings {
    /// More would not be read.
    const MOST: usize = 1000;

    fn add(&mut self, what: &str, remedy: &'static str) {
        if self.0.len() < Self::MOST {
            self.0.push(Finding { what: what.to_owned(), remedy });
        }
    }

    fn of(&mut self, snapshot: &Snapshot) -> Result<(), Fault> {
        let dimension = snapshot.meta()?.dimension;
        let transaction = &snapshot.transaction;
        let papers = sealed(transaction, PAPERS)?;
        let names = transaction.open_table(NAMES)?;
        let places = transaction.open_table(PLACES)?;
        let passages = sealed(transaction, PASSAGES)?;
        let passages_of = sealed(transaction, PASSAGES_OF)?;
        let vectors = sealed(transaction, VECTORS)?;
        let pending = transaction.open_table(PENDING)?;

        let mut claimed = HashSet::new();
        let mut known_names = 0i64;
        self.each::<Paper>(transaction, PAPERS, "papers", |this, number, paper| {
            for name in paper.names() {
                known_names += 1;
                if names.get(name.to_string().as_str())?.map(|owner| owner.value()) != Some(number) {
                    this.add(&format!("paper {number} is not found by its name {name}"), INGEST);
                }
            }
            match read::<Vec<u32>>(&passages_of, "passages_of", number) {
                Ok(Some(of)) => {
                    for passage in of {
                        if !claimed.insert(passage) {
                            this.add(&format!("passage {passage} belongs to two papers"), RESTORE);
                        }
                        match read::<(u32, Passage)>(&passages, "passages", passage) {
                            Ok(Some((owner, stored))) if owner == number && stored.text(&paper).is_some() => {
                            }
                            Ok(_) => {
                                this.add(&format!("passage {passage} does not fit paper {number}"), INGEST)
                            }
                            Err(fault) => this.fault(fault, INGEST),
                        }
                    }
                }
                Ok(None) => this.add(&format!("paper {number} has no list of passages"), INGEST),
                Err(fault) => this.fault(fault, INGEST),
            }
            Ok(())
        })?;

        self.each::<Vec<Record>>(transaction, RECORDS, "records", |this, number, records| {
            if papers.get(number)?.is_none() {
                this.add(&format!("records {number} have no paper"), INGEST);
            }
            for record in records {
                let place = super::put::place_key(&record);
                if places.get(place.as_str())?.map(|owner| owner.value()) != Some(number) {
                    this.add(
                        &format!("{} is not known to tell of paper {number}", record.source.file),
                        INGEST,
                    );
                }
                if record.note.is_some_and(|note| note_key(&note) == "note:") {
                    this.add(&format!("a note of paper {number} has an empty name"), INGEST);
                }
            }
            Ok(())
        })?;
        self.lengths("papers and their records", papers.len()?, sealed(transaction, RECORDS)?.len()?);
        self.lengths("papers and their lists of passages", papers.len()?, passages_of.len()?);
        self.lengths("passages and those in lists", passages.len()?, claimed.len() as u64);
        self.lengths(
            "passages and their vectors, made or pending",
            passages.len()?,
            vectors.len()? + pending.len()?,
        );

        for row in names.iter()? {
            let (name, number) = row?;
            known_names -= i64::from(
                !["note:", "twin:", "repository:"].iter().any(|kind| name.value().starts_with(kind)),
            );
            if papers.get(number.value())?.is_none() {
                self.add(
                    &format!("{} names paper {}, which is not there", name.value(), number.value()),
                    INGEST,
                );
            }
        }
        if known_names != 0 {
            self.add("there are names that no paper has", RESTORE);
        }
        for row in places.iter()? {
            let (place, number) = row?;
            if papers.get(number.value())?.is_none() {
                self.add(
                    &format!("{:?} tells of paper {}, which is not there", place.value(), number.value()),
                    INGEST,
                );
            }
        }
        let mut vector = Vec::new();
        for row in vectors.iter()? {
            let (number, bytes) = row?;
            let number = number.value();
            let sound = decode_vector(number, bytes.value(), dimension, &mut vector)
                .and_then(|()| decode_sentences(number, bytes.value(), dimension));
            if let Err(fault) = sound {
                self.fault(fault, EMBED);
                continue;
            }
            let length: f64 = vector.iter().map(|value| f64::from(*value).powi(2)).sum();
            let off = (length - 1.0).abs();
            if off.is_nan() || off > 1e-3 {
                self.add(&format!("vector {number} is not of length one"), EMBED);
            }
            self.belongs(&passages, number, "vector")?;
            if pending.get(number)?.is_some() {
                self.add(&format!("passage {number} has a vector and waits for one"), EMBED);
            }
        }
        for row in pending.iter()? {
            self.belongs(&passages, row?.0.value(), "pending")?;
        }
        Ok(())
    }

    /// Shows every readable value of a table; the others are findings.
    fn each<T: DeserializeOwned>(
        &mut self,
        transaction: &redb::ReadTransaction,
        table: Sealed,
        name: &str,
        mut visit: impl FnMut(&mut Self, u32, T) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        for row in sealed(transaction, table)?.iter()? {
            let (number, bytes) = row?;
            match decode(name, number.value(), bytes.value()) {
                Ok(value) => visit(self, number.value(), value)?,
                Err(fault) => self.fault(fault, INGEST),
            }
        }
        Ok(())
    }

    fn belongs(&mut self, passages: &Numbered, number: u32, what: &str) -> Result<(), Fault> {
        if passages.get(number)?.is_none() {
            self.add(&format!("{what} {number} has no passage"), EMBED);
        }
        Ok(())
    }

    fn lengths(&mut self, what: &str, one: u64, other: u64) {
        if one != other {
            self.add(&format!("{what} do not agree in number: {one} and {other}"), RESTORE);
        }
    }

    fn fault(&mut self, fault: Fault, remedy: &'static str) {
        match fault {
            Fault::Value(why) => self.add(&why, remedy),
            Fault::Store(error) => self.add(&error.to_string(), remedy),
            Fault::Redb(error) => self.add(&error.to_string(), RESTORE),
        }
    }
}

type Numbered = ReadOnlyTable<u32, &'static [u8]>;

fn read<T: DeserializeOwned>(table: &Numbered, name: &str, number: u32) -> Result<Option<T>, Fault> {
    table.get(number)?.map(|bytes| decode(name, number, bytes.value())).transpose()
}
