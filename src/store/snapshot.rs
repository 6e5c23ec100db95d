//! Reading: every answer of one [`Snapshot`] is of one moment, whatever the writer does meanwhile.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use redb::{
    ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata, TableDefinition, TableError,
};

use super::codec::{decode, decode_sentences, decode_vector};
use super::error::{Fault, StoreError, guarded};
use super::schema::{
    self, FILES, JOINS, META, NAMES, PAPERS, PASSAGES, PASSAGES_OF, PENDING, PLACES, RECORDS, UNCUT, VECTORS,
    key, sealed,
};
use super::{Counts, FileStamp, Join, Meta, PaperNumber, PassageNumber, Pending, Place};
use crate::paper::{Mention, Paper, PaperId, Passage, Record, UnitVector, normalised_title};

/// The store at one moment.
pub struct Snapshot {
    pub(super) path: Arc<Path>,
    pub(super) transaction: ReadTransaction,
}

type Stored = ReadOnlyTable<u32, &'static [u8]>;

impl Snapshot {
    /// The facts about the store.
    ///
    /// # Errors
    /// Where the store is damaged or cannot be read; so for every method here.
    pub fn meta(&self) -> Result<Meta, StoreError> {
        guarded(&self.path, |_| {
            let table = self.transaction.open_table(META)?;
            let text = |name: &str| -> Result<Option<String>, Fault> {
                Ok(table.get(name)?.map(|value| value.value().to_owned()))
            };
            let number = |name: &str| -> Result<u64, Fault> {
                text(name)?.map_or(Ok(0), |text| schema::number(name, &text))
            };
            let format = text(key::FORMAT)?.unwrap_or_default();
            let format = match format.parse::<u32>() {
                Ok(known) if (1..=schema::FORMAT).contains(&known) => known,
                Ok(0) | Err(_) => return Err(Fault::Value(format!("its format is {format:?}"))),
                Ok(_) => {
                    let path = self.path.to_path_buf();
                    return Err(
                        StoreError::NewerFormat { path, stored: format, known: schema::FORMAT }.into()
                    );
                }
            };
            Ok(Meta {
                format,
                fingerprint: text(key::FINGERPRINT)?.unwrap_or_default(),
                dimension: usize::try_from(number(key::DIMENSION)?).unwrap_or(usize::MAX),
                revision: number(key::REVISION)?,
                passage_version: u32::try_from(number(key::PASSAGE_VERSION)?).unwrap_or(u32::MAX),
            })
        })
    }

    /// Grows with every commit that changes anything.
    pub fn revision(&self) -> Result<u64, StoreError> {
        Ok(self.meta()?.revision)
    }

    /// How much there is.
    pub fn counts(&self) -> Result<Counts, StoreError> {
        guarded(&self.path, |_| {
            Ok(Counts {
                papers: sealed(&self.transaction, PAPERS)?.len()?,
                passages: sealed(&self.transaction, PASSAGES)?.len()?,
                pending: self.transaction.open_table(PENDING)?.len()?,
                uncut: self.newer(UNCUT)?.map_or(Ok(0), |table| table.len())?,
            })
        })
    }

    /// The paper with this id or alias.
    pub fn paper_by_name(&self, name: &PaperId) -> Result<Option<(PaperNumber, Paper)>, StoreError> {
        guarded(&self.path, |_| {
            let Some(number) = self.number_of(&name.to_string())? else { return Ok(None) };
            let papers = sealed(&self.transaction, PAPERS)?;
            match papers.get(number)? {
                Some(bytes) => Ok(Some((PaperNumber(number), decode("papers", number, bytes.value())?))),
                None => Err(Fault::Value(format!("{name} names paper {number}, which is not there"))),
            }
        })
    }

    /// The paper that a link leads to.
    pub fn number_of_mention(&self, mention: &Mention) -> Result<Option<PaperNumber>, StoreError> {
        let key = match mention {
            Mention::Paper(id) => id.to_string(),
            Mention::Note(name) => note_key(name),
        };
        guarded(&self.path, |_| Ok(self.number_of(&key)?.map(PaperNumber)))
    }

    /// The paper under `number`.
    pub fn paper(&self, number: PaperNumber) -> Result<Option<Paper>, StoreError> {
        guarded(&self.path, |_| self.get(PAPERS, "papers", number.0))
    }

    /// What its sources say about the paper, in the order in which they came.
    pub fn records(&self, number: PaperNumber) -> Result<Vec<Record>, StoreError> {
        guarded(&self.path, |_| self.of_paper(RECORDS, "records", number.0))
    }

    /// Why the paper's records are held to be of one work.
    pub fn joins(&self, number: PaperNumber) -> Result<Vec<Join>, StoreError> {
        guarded(&self.path, |_| {
            let Some(table) = self.newer(JOINS)? else { return Ok(Vec::new()) };
            let joins = table.get(number.0)?.map(|bytes| decode("joins", number.0, bytes.value()));
            joins.transpose().map(Option::unwrap_or_default)
        })
    }

    /// What `file` was like when it was last read whole; `None` if it was not, or not by the end.
    pub fn file(&self, file: &str) -> Result<Option<FileStamp>, StoreError> {
        guarded(&self.path, |_| {
            let Some(table) = self.newer(FILES)? else { return Ok(None) };
            // What cannot be read is not known: the file is read again.
            Ok(table.get(file)?.and_then(|row| serde_json::from_slice(row.value()).ok()))
        })
    }

    /// Shows every place in `file` and, if it is a folder or an archive, in what is under it.
    pub fn visit_places(&self, file: &str, mut visit: impl FnMut(Place)) -> Result<(), StoreError> {
        guarded(&self.path, |foreign| {
            let table = self.transaction.open_table(PLACES)?;
            let inside = file.strip_suffix('/').unwrap_or(file);
            for (first, past) in
                [(format!("{file}\0"), format!("{file}\u{1}")), (format!("{inside}/"), format!("{inside}0"))]
            {
                for row in table.range(first.as_str()..past.as_str())? {
                    let (key, _) = row?;
                    if let Some((file, slot)) = key.value().split_once('\0') {
                        foreign.call(|| visit(Place { file: file.to_owned(), slot: slot.to_owned() }));
                    }
                }
            }
            Ok(())
        })
    }

    /// Shows every file to `visit` with each paper that a record in it is of, by file.
    pub fn visit_sources(&self, mut visit: impl FnMut(&str, PaperNumber)) -> Result<(), StoreError> {
        guarded(&self.path, |foreign| {
            for row in self.transaction.open_table(PLACES)?.iter()? {
                let (key, number) = row?;
                let file = key.value().split_once('\0').map_or(key.value(), |(file, _)| file);
                foreign.call(|| visit(file, PaperNumber(number.value())));
            }
            Ok(())
        })
    }

    /// Shows every paper to `visit`, by number, one at a time in memory.
    pub fn visit_papers(&self, mut visit: impl FnMut(PaperNumber, Paper)) -> Result<(), StoreError> {
        guarded(&self.path, |foreign| {
            let table = sealed(&self.transaction, PAPERS)?;
            let mut seen = 0;
            for row in table.iter()? {
                let (number, bytes) = row?;
                let number = number.value();
                let paper = decode("papers", number, bytes.value())?;
                foreign.call(|| visit(PaperNumber(number), paper));
                seen += 1;
            }
            complete(&table, "papers", seen)
        })
    }

    /// Every passage, by number.
    pub fn passages(&self) -> Result<Vec<(PassageNumber, PaperNumber, Passage)>, StoreError> {
        guarded(&self.path, |_| {
            let table = sealed(&self.transaction, PASSAGES)?;
            let mut all = Vec::with_capacity(usize::try_from(table.len()?).unwrap_or(0).min(1 << 20));
            for row in table.iter()? {
                let (number, bytes) = row?;
                let (paper, passage) = decode("passages", number.value(), bytes.value())?;
                all.push((PassageNumber(number.value()), PaperNumber(paper), passage));
            }
            complete(&table, "passages", all.len() as u64)?;
            Ok(all)
        })
    }

    /// The passages of one paper, in the order of its text.
    pub fn passages_of(&self, number: PaperNumber) -> Result<Vec<(PassageNumber, Passage)>, StoreError> {
        guarded(&self.path, |_| {
            let numbers: Vec<u32> = self.of_paper(PASSAGES_OF, "passages_of", number.0)?;
            let table = sealed(&self.transaction, PASSAGES)?;
            numbers
                .into_iter()
                .map(|passage| Ok((PassageNumber(passage), passage_in(&table, passage)?.1)))
                .collect()
        })
    }

    /// The passage under `number`, and its paper's number.
    pub fn passage(&self, number: PassageNumber) -> Result<Option<(PaperNumber, Passage)>, StoreError> {
        guarded(&self.path, |_| {
            let found: Option<(u32, Passage)> = self.get(PASSAGES, "passages", number.0)?;
            Ok(found.map(|(paper, passage)| (PaperNumber(paper), passage)))
        })
    }

    /// Shows every vector to `visit`, by number of its passage.
    pub fn visit_vectors(&self, mut visit: impl FnMut(PassageNumber, &[f32])) -> Result<(), StoreError> {
        let dimension = self.meta()?.dimension;
        guarded(&self.path, |foreign| {
            let mut vector = Vec::with_capacity(dimension.min(1 << 16));
            let table = sealed(&self.transaction, VECTORS)?;
            let mut seen = 0;
            for row in table.iter()? {
                let (number, bytes) = row?;
                decode_vector(number.value(), bytes.value(), dimension, &mut vector)?;
                foreign.call(|| visit(PassageNumber(number.value()), &vector));
                seen += 1;
            }
            complete(&table, "vectors", seen)
        })
    }

    /// Shows every passage that has a vector, by number, with it.
    pub fn visit_embedded(
        &self,
        mut visit: impl FnMut(PassageNumber, &Passage, &[f32]),
    ) -> Result<(), StoreError> {
        let passages: HashMap<PassageNumber, Passage> =
            self.passages()?.into_iter().map(|(number, _, passage)| (number, passage)).collect();
        self.visit_vectors(|number, raw| {
            if let Some(passage) = passages.get(&number) {
                visit(number, passage, raw);
            }
        })
    }

    /// The vector of a passage; `None` while it is pending.
    pub fn vector(&self, number: PassageNumber) -> Result<Option<UnitVector>, StoreError> {
        let dimension = self.meta()?.dimension;
        guarded(&self.path, |_| {
            let table = sealed(&self.transaction, VECTORS)?;
            let Some(bytes) = table.get(number.0)? else { return Ok(None) };
            let mut values = Vec::new();
            decode_vector(number.0, bytes.value(), dimension, &mut values)?;
            let vector = UnitVector::new(values);
            vector.map(Some).map_err(|error| Fault::Value(format!("vectors {}: {error}", number.0)))
        })
    }

    /// Shows every passage of which there are vectors of sentences, by number, with them.
    pub fn visit_sentences(
        &self,
        mut visit: impl FnMut(PassageNumber, &Passage, &[UnitVector]),
    ) -> Result<(), StoreError> {
        let passages = self.passages()?;
        let dimension = self.meta()?.dimension;
        guarded(&self.path, |foreign| {
            let table = sealed(&self.transaction, VECTORS)?;
            for (number, _, passage) in &passages {
                let Some(bytes) = table.get(number.0)? else { continue };
                let sentences = decode_sentences(number.0, bytes.value(), dimension)?;
                if !sentences.is_empty() {
                    foreign.call(|| visit(*number, passage, &sentences));
                }
            }
            Ok(())
        })
    }

    /// The vectors of a passage's sentences; none while it is pending, or where it has not several.
    pub fn sentences(&self, number: PassageNumber) -> Result<Vec<UnitVector>, StoreError> {
        let dimension = self.meta()?.dimension;
        guarded(&self.path, |_| {
            let table = sealed(&self.transaction, VECTORS)?;
            let Some(bytes) = table.get(number.0)? else { return Ok(Vec::new()) };
            decode_sentences(number.0, bytes.value(), dimension)
        })
    }

    /// The first `limit` passages without vector, oldest first, each with what is to be embedded.
    pub fn pending(&self, limit: usize) -> Result<Vec<Pending>, StoreError> {
        guarded(&self.path, |_| {
            let passages = sealed(&self.transaction, PASSAGES)?;
            let mut last: Option<(u32, Paper)> = None;
            let mut texts = Vec::new();
            for row in self.transaction.open_table(PENDING)?.iter()?.take(limit) {
                let number = row?.0.value();
                let (paper, passage) = passage_in(&passages, number)?;
                // Passages of one paper stand together.
                if last.as_ref().is_none_or(|(known, _)| *known != paper) {
                    last = self.get(PAPERS, "papers", paper)?.map(|found| (paper, found));
                }
                let text = last.as_ref().and_then(|(_, paper)| {
                    let sentences = passage.sentences(paper).into_iter().map(str::to_owned).collect();
                    Some((passage.embedded_text(paper)?, sentences))
                });
                let (text, sentences) =
                    text.ok_or_else(|| Fault::Value(format!("passage {number} is not in its paper's text")))?;
                texts.push(Pending { number: PassageNumber(number), text, sentences });
            }
            Ok(texts)
        })
    }

    /// A table that format 1 does not have: nothing is in it there.
    pub(super) fn newer<K: redb::Key, V: redb::Value>(
        &self,
        table: TableDefinition<'static, K, V>,
    ) -> Result<Option<ReadOnlyTable<K, V>>, Fault> {
        match self.transaction.open_table(table) {
            Ok(table) => Ok(Some(table)),
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn number_of(&self, name: &str) -> Result<Option<u32>, Fault> {
        Ok(self.transaction.open_table(NAMES)?.get(name)?.map(|number| number.value()))
    }

    /// A list that every paper has.
    fn of_paper<T: serde::de::DeserializeOwned>(
        &self,
        table: schema::Sealed,
        name: &str,
        number: u32,
    ) -> Result<Vec<T>, Fault> {
        match self.get(table, name, number)? {
            Some(list) => Ok(list),
            None if sealed(&self.transaction, PAPERS)?.get(number)?.is_none() => Ok(Vec::new()),
            None => Err(Fault::Value(format!("{name} {number} is not there"))),
        }
    }

    fn get<T: serde::de::DeserializeOwned>(
        &self,
        table: schema::Sealed,
        name: &str,
        number: u32,
    ) -> Result<Option<T>, Fault> {
        let table = sealed(&self.transaction, table)?;
        table.get(number)?.map(|bytes| decode(name, number, bytes.value())).transpose()
    }
}

fn passage_in(table: &Stored, number: u32) -> Result<(u32, Passage), Fault> {
    match table.get(number)? {
        Some(bytes) => decode("passages", number, bytes.value()),
        None => Err(Fault::Value(format!("passage {number} is not there"))),
    }
}

/// A damaged page can hide rows without looking wrong; redb counts them elsewhere.
fn complete(table: &Stored, name: &str, seen: u64) -> Result<(), Fault> {
    let wanted = table.len()?;
    if seen == wanted { Ok(()) } else { Err(Fault::Value(format!("{name}: {seen} rows of {wanted}"))) }
}

/// The key of a note: wiki links spell the same name in more than one way.
pub(super) fn note_key(name: &str) -> String {
    format!("note:{}", normalised_title(name))
}
