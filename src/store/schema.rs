//! The tables of `store.redb`, and the number of their format. `index/README.md` tells them byte by byte.

use std::mem::ManuallyDrop;

use redb::{ReadOnlyTable, ReadTransaction, Table, TableDefinition, WriteTransaction};

use super::error::Fault;

/// The format written here; a store of a later one is refused.
pub(super) const FORMAT: u32 = 3;

/// Values that are sealed ([`super::codec`]) under their number.
pub(super) type Sealed = TableDefinition<'static, u32, &'static [u8]>;

/// Facts about the whole store, as text: see [`key`].
pub(super) const META: TableDefinition<&str, &str> = TableDefinition::new("meta");
/// Paper number to its records.
pub(super) const RECORDS: Sealed = TableDefinition::new("records");
/// Paper number to the merged paper: derived from the records, and read far more often.
pub(super) const PAPERS: Sealed = TableDefinition::new("papers");
/// Id, alias, `note:` name or `twin:` to paper number.
pub(super) const NAMES: TableDefinition<&str, u32> = TableDefinition::new("names");
/// `file NUL slot` to paper number.
pub(super) const PLACES: TableDefinition<&str, u32> = TableDefinition::new("places");
/// Passage number to the paper's number and the passage.
pub(super) const PASSAGES: Sealed = TableDefinition::new("passages");
/// Paper number to its passages' numbers, in the order of the text.
pub(super) const PASSAGES_OF: Sealed = TableDefinition::new("passages_of");
/// Passage number to its vector, and those of its sentences.
pub(super) const VECTORS: Sealed = TableDefinition::new("vectors");
/// Passages without vector.
pub(super) const PENDING: TableDefinition<u32, ()> = TableDefinition::new("pending");

/// Paper number to why its records are held to be of one work.
pub(super) const JOINS: Sealed = TableDefinition::new("joins");
/// Papers whose passages are to be cut.
pub(super) const UNCUT: TableDefinition<u32, ()> = TableDefinition::new("uncut");
/// Hash of a text to the vector of a passage that was given up, for as long as an ingest runs.
pub(super) const SPARE: TableDefinition<&[u8; 16], &[u8]> = TableDefinition::new("spare");
/// Place to the places whose records are of other works, because a person said so.
pub(super) const APART: TableDefinition<&str, &[u8]> = TableDefinition::new("apart");
/// Name of a removed paper to who it was.
pub(super) const REMOVED: TableDefinition<&str, &[u8]> = TableDefinition::new("removed");
/// File to what it was like when it was read whole.
pub(super) const FILES: TableDefinition<&str, &[u8]> = TableDefinition::new("files");

/// Keys of [`META`].
pub(super) mod key {
    pub(in super::super) const FORMAT: &str = "format";
    pub(in super::super) const FINGERPRINT: &str = "fingerprint";
    pub(in super::super) const DIMENSION: &str = "dimension";
    pub(in super::super) const REVISION: &str = "revision";
    pub(in super::super) const PASSAGE_VERSION: &str = "passage_version";
    pub(in super::super) const NEXT_PAPER: &str = "next_paper";
    pub(in super::super) const NEXT_PASSAGE: &str = "next_passage";
}

/// All tables open for writing.
pub(super) struct Tables<'t> {
    pub(super) meta: Table<'t, &'static str, &'static str>,
    pub(super) records: Table<'t, u32, &'static [u8]>,
    pub(super) papers: Table<'t, u32, &'static [u8]>,
    pub(super) names: Table<'t, &'static str, u32>,
    pub(super) places: Table<'t, &'static str, u32>,
    pub(super) passages: Table<'t, u32, &'static [u8]>,
    pub(super) passages_of: Table<'t, u32, &'static [u8]>,
    pub(super) vectors: Table<'t, u32, &'static [u8]>,
    pub(super) pending: Table<'t, u32, ()>,
    pub(super) joins: Table<'t, u32, &'static [u8]>,
    pub(super) uncut: Table<'t, u32, ()>,
    pub(super) spare: Table<'t, &'static [u8; 16], &'static [u8]>,
    pub(super) apart: Table<'t, &'static str, &'static [u8]>,
    pub(super) removed: Table<'t, &'static str, &'static [u8]>,
    pub(super) files: Table<'t, &'static str, &'static [u8]>,
}

impl<'t> Tables<'t> {
    /// Opens, and in a new store makes, all of them.
    pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Self, Fault> {
        // Each is kept from its destructor until all are open: see `Writer::write`.
        let meta = ManuallyDrop::new(transaction.open_table(META)?);
        let records = ManuallyDrop::new(transaction.open_table(RECORDS)?);
        let papers = ManuallyDrop::new(transaction.open_table(PAPERS)?);
        let names = ManuallyDrop::new(transaction.open_table(NAMES)?);
        let places = ManuallyDrop::new(transaction.open_table(PLACES)?);
        let passages = ManuallyDrop::new(transaction.open_table(PASSAGES)?);
        let passages_of = ManuallyDrop::new(transaction.open_table(PASSAGES_OF)?);
        let vectors = ManuallyDrop::new(transaction.open_table(VECTORS)?);
        let pending = ManuallyDrop::new(transaction.open_table(PENDING)?);
        let joins = ManuallyDrop::new(transaction.open_table(JOINS)?);
        let uncut = ManuallyDrop::new(transaction.open_table(UNCUT)?);
        let spare = ManuallyDrop::new(transaction.open_table(SPARE)?);
        let apart = ManuallyDrop::new(transaction.open_table(APART)?);
        let removed = ManuallyDrop::new(transaction.open_table(REMOVED)?);
        let files = ManuallyDrop::new(transaction.open_table(FILES)?);
        Ok(Self {
            meta: ManuallyDrop::into_inner(meta),
            records: ManuallyDrop::into_inner(records),
            papers: ManuallyDrop::into_inner(papers),
            names: ManuallyDrop::into_inner(names),
            places: ManuallyDrop::into_inner(places),
            passages: ManuallyDrop::into_inner(passages),
            passages_of: ManuallyDrop::into_inner(passages_of),
            vectors: ManuallyDrop::into_inner(vectors),
            pending: ManuallyDrop::into_inner(pending),
            joins: ManuallyDrop::into_inner(joins),
            uncut: ManuallyDrop::into_inner(uncut),
            spare: ManuallyDrop::into_inner(spare),
            apart: ManuallyDrop::into_inner(apart),
            removed: ManuallyDrop::into_inner(removed),
            files: ManuallyDrop::into_inner(files),
        })
    }

    /// The fact under `name`, as a number; 0 where there is none yet.
    pub(super) fn number(&self, name: &str) -> Result<u64, Fault> {
        let Some(text) = redb::ReadableTable::get(&self.meta, name)? else { return Ok(0) };
        number(name, text.value())
    }

    /// Sets the fact under `name`.
    pub(super) fn set(&mut self, name: &str, value: &str) -> Result<(), Fault> {
        self.meta.insert(name, value)?;
        Ok(())
    }

    /// A number never given before, counted under `name`.
    pub(super) fn next(&mut self, name: &str) -> Result<u32, Fault> {
        let next = self.number(name)?;
        let fits = u32::try_from(next).map_err(|_| Fault::Value(format!("{name} is used up at {next}")))?;
        self.set(name, &(next + 1).to_string())?;
        Ok(fits)
    }
}

/// Reads a number of [`META`].
pub(super) fn number(name: &str, text: &str) -> Result<u64, Fault> {
    text.parse().map_err(|_| Fault::Value(format!("{name} is {text:?}, which is no number")))
}

/// A sealed table of a snapshot.
pub(super) fn sealed(
    transaction: &ReadTransaction,
    table: Sealed,
) -> Result<ReadOnlyTable<u32, &'static [u8]>, Fault> {
    Ok(transaction.open_table(table)?)
}
