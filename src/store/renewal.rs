//! Another model: its store grows beside the old one, from the same text, and takes its place by one rename.
//!
//! The next store is a library of its own in the folder `next`. It is brought up to date with the old one as often as
//! that takes: papers that did not change keep the vectors they have there, so a change of the model that was
//! stopped goes on where it was. Readers of the old store go on reading it, also after the rename, until they look again.

use std::collections::BTreeSet;
use std::path::PathBuf;

use redb::ReadableTable;

use super::build::Before;
use super::error::{Fault, StoreError, guarded};
use super::put::Putting;
use super::schema::{APART, FILES, JOINS, NAMES, PAPERS, PLACES, RECORDS, REMOVED, key, sealed};
use super::writer::Effect;
use super::{Writer, file};

/// Papers between two commits.
const PAPERS_PER_COMMIT: usize = 2_000;

impl Writer {
    /// The folder in which the next store of this library grows.
    #[must_use]
    pub fn next_library(&self) -> PathBuf {
        self.path().with_file_name("next")
    }

    /// Opens the next store, or makes it, for vectors by another model, and brings its text up to date with this one.
    /// What is new there is left to [`Writer::cut`].
    ///
    /// # Errors
    /// As [`Writer::open`].
    pub fn open_next(&self, fingerprint: &str, dimension: usize) -> Result<Self, StoreError> {
        let folder = self.next_library();
        let mut next = match Self::open(&folder, fingerprint, dimension) {
            // A change to yet another model was begun and given up.
            Err(StoreError::OtherModel { .. }) => {
                fs_err::remove_dir_all(&folder).map_err(|error| StoreError::io(&folder, error))?;
                Self::open(&folder, fingerprint, dimension)?
            }
            next => next?,
        };
        next.follow(self)?;
        Ok(next)
    }

    /// Puts `next` in the place of this store, and removes what is left of its folder.
    ///
    /// # Errors
    /// Where it cannot be renamed; this store is in place then. It must be opened again in any case.
    pub fn give_way_to(mut self, next: Self) -> Result<(), StoreError> {
        let (path, folder, grown) =
            (self.path().to_path_buf(), self.next_library(), next.path().to_path_buf());
        let failed = |source| StoreError::io(&path, source);
        drop(next);
        self.close();
        fs_err::rename(&grown, &path).map_err(failed)?;
        file::sync_directory(path.parent().unwrap_or(std::path::Path::new("."))).map_err(failed)?;
        // The next store is in place; a lock and a generation that are left behind harm nobody.
        let _ = fs_err::remove_dir_all(folder);
        Ok(())
    }

    /// Makes the text here what it is in `old`.
    fn follow(&mut self, old: &Self) -> Result<(), StoreError> {
        let snapshot = old.snapshot()?;
        let path = old.path().to_path_buf();
        let mut changed = Vec::new();
        let mut there = BTreeSet::new();
        let here = self.snapshot()?;
        guarded(&path, |_| {
            let known = sealed(&here.transaction, RECORDS)?;
            for row in sealed(&snapshot.transaction, RECORDS)?.iter()? {
                let (number, bytes) = row?;
                there.insert(number.value());
                if known.get(number.value())?.is_none_or(|known| known.value() != bytes.value()) {
                    changed.push(number.value());
                }
            }
            for row in known.iter()? {
                let number = row?.0.value();
                if !there.contains(&number) {
                    changed.push(number);
                }
            }
            Ok(())
        })?;
        drop(here);
        for numbers in changed.chunks(PAPERS_PER_COMMIT) {
            self.write(|tables, _| {
                for number in numbers {
                    let mut before = Before::default();
                    let mut putting = Putting { tables, cut: None };
                    if putting.tables.papers.get(number)?.is_some() {
                        putting.take_down(*number, &mut before)?;
                    }
                    putting.forget(before)?;
                    for (from, to) in [
                        (RECORDS, &mut tables.records),
                        (PAPERS, &mut tables.papers),
                        (JOINS, &mut tables.joins),
                    ] {
                        if let Some(table) = snapshot.newer(from)?
                            && let Some(bytes) = table.get(number)?
                        {
                            to.insert(number, bytes.value())?;
                        }
                    }
                    if there.contains(number) {
                        tables.passages_of.insert(
                            number,
                            super::codec::encode("passages_of", *number, &[0_u32; 0])?.as_slice(),
                        )?;
                        tables.uncut.insert(number, ())?;
                    }
                }
                Ok(((), Effect::News))
            })?;
        }
        // Small beside the texts, and without a way to tell what changed: copied whole.
        self.write(|tables, _| {
            for (from, to) in [(NAMES, &mut tables.names), (PLACES, &mut tables.places)] {
                to.retain(|_, _| false)?;
                for row in snapshot.transaction.open_table(from)?.iter()? {
                    let (name, number) = row?;
                    to.insert(name.value(), number.value())?;
                }
            }
            for (from, to) in
                [(APART, &mut tables.apart), (REMOVED, &mut tables.removed), (FILES, &mut tables.files)]
            {
                to.retain(|_, _| false)?;
                let Some(table) = snapshot.newer(from)? else { continue };
                for row in table.iter()? {
                    let (name, value) = row?;
                    to.insert(name.value(), value.value())?;
                }
            }
            let counted = snapshot
                .transaction
                .open_table(super::schema::META)?
                .get(key::NEXT_PAPER)?
                .map(|number| number.value().to_owned());
            if let Some(number) = counted {
                tables.set(key::NEXT_PAPER, &number)?;
            }
            Ok::<_, Fault>(((), Effect::Bookkeeping))
        })
    }
}
