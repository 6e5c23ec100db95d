//! What the store does when the disk does not: power lost at any sync, no space left at any write.
//!
//! Inside the room, as it needs a disk of its own. Killing a process proves nothing about power: the page cache survives.

use std::io::{Error, ErrorKind};
use std::ops::Bound;
use std::path::Path;
use std::sync::{Arc, Mutex};

use redb::{BackendError, StorageBackend};
use tempfile::TempDir;

use super::error::StoreError;
use super::lock::Lock;
use super::{Writer, file, store_path};
use crate::paper::{Commentary, Language, Paper, PaperId, Passage, Record, Source, UnitVector, passages_of};

/// A disk that remembers what was synced, stops syncing when told, and may be full.
#[derive(Clone, Debug, Default)]
struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    live: Vec<u8>,
    durable: Vec<u8>,
    syncs: usize,
    /// From this sync on the power is gone, though the program does not know it yet.
    power_until: Option<usize>,
    writes: usize,
    /// Writes from here on find no space.
    space_until: Option<usize>,
    /// Negative control: a disk that never makes anything durable after its first moments.
    lies: bool,
}

impl State {
    fn space(&mut self) -> Result<(), Error> {
        self.writes += 1;
        match self.space_until {
            Some(until) if self.writes > until => Err(Error::from(ErrorKind::StorageFull)),
            _ => Ok(()),
        }
    }
}

impl Disk {
    fn holding(image: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(State { live: image.clone(), durable: image, ..State::default() })))
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.lock().unwrap())
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64, Error> {
        Ok(self.with(|state| state.live.len() as u64))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        self.with(|state| {
            let start = offset as usize;
            let bytes = state.live.get(start..start + out.len()).ok_or(ErrorKind::UnexpectedEof)?;
            out.copy_from_slice(bytes);
            Ok(())
        })
    }

    fn set_len(&self, length: u64) -> Result<(), Error> {
        self.with(|state| {
            state.space()?;
            state.live.resize(length as usize, 0);
            Ok(())
        })
    }

    fn sync_data(&self) -> Result<(), Error> {
        self.with(|state| {
            state.syncs += 1;
            if !state.lies && state.power_until.is_none_or(|until| state.syncs < until) {
                state.durable = state.live.clone();
            }
            Ok(())
        })
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), Error> {
        self.with(|state| {
            state.space()?;
            let start = offset as usize;
            state.live[start..start + data.len()].copy_from_slice(data);
            Ok(())
        })
    }

    fn try_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, BackendError> {
        Ok(true)
    }

    fn try_lock_shared_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, BackendError> {
        Ok(true)
    }

    fn lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }

    fn lock_shared_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }

    fn unlock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }

    fn query_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, BackendError> {
        Ok(false)
    }
}

fn open(library: &Path, disk: &Disk, fresh: bool) -> Result<Writer, StoreError> {
    let path = store_path(library);
    let lock = Lock::take(&path)?;
    let database = super::error::guarded(&path, |_| {
        let database = file::builder().create_with_backend(disk.clone())?;
        if fresh {
            file::initialise(&database)?;
        }
        Ok(database)
    })?;
    let mut writer = Writer::of(&path, database, lock)?;
    writer.require_model("model", 8)?;
    Ok(writer)
}

fn record(number: usize) -> Record {
    Record {
        source: Source { file: format!("{number}.md"), line: 1, slot: String::new() },
        title: format!("Paper number {number}"),
        // Long enough for the file to grow now and then.
        commentaries: vec![Commentary {
            language: Language::KOREAN,
            text: "이 논문은 길다. ".repeat(20 + number * 40),
        }],
        ..Record::default()
    }
}

fn cut(paper: &Paper) -> Vec<Passage> {
    passages_of(paper, 400, |text| text.chars().count())
}

/// Ten rounds of put, vectors and a removal; tells after each step what has been acknowledged.
fn work(writer: &mut Writer, mut acknowledge: impl FnMut(usize)) -> Result<(), StoreError> {
    for round in 0..10 {
        writer.put(vec![record(round)], &cut)?;
        acknowledge(round);
        let vectors: Vec<_> = writer
            .pending(usize::MAX)?
            .into_iter()
            .map(|(number, _)| (number, UnitVector::new(vec![1.0 + number.0 as f32; 8]).unwrap()))
            .collect();
        writer.put_vectors(&vectors)?;
    }
    Ok(())
}

fn holds(writer: &Writer, number: usize) -> bool {
    let found = writer.paper_by_name(&PaperId::of_title(&record(number).title)).unwrap();
    found.is_some_and(|(_, paper)| {
        paper.commentaries[0].commentary.text == record(number).commentaries[0].text
    })
}

/// Syncs of the whole workload, and those of making the store.
fn syncs() -> (usize, usize) {
    let library = TempDir::new().unwrap();
    let disk = Disk::default();
    let mut writer = open(library.path(), &disk, true).unwrap();
    let made = disk.with(|state| state.syncs);
    work(&mut writer, |_| ()).unwrap();
    (made, disk.with(|state| state.syncs))
}

/// Loses the power at sync `at`; how many acknowledged papers the durable image lacks.
fn lost_when_power_goes_at(at: usize, lies: bool) -> usize {
    let library = TempDir::new().unwrap();
    let disk = Disk::default();
    let mut writer = open(library.path(), &disk, true).unwrap();
    disk.with(|state| (state.power_until, state.lies) = (Some(at), lies));
    let mut acknowledged = Vec::new();
    work(&mut writer, |number| {
        if disk.with(|state| state.syncs) < at {
            acknowledged.push(number);
        }
    })
    .unwrap();
    // What the disk has of the moment at which the power went.
    let image = disk.with(|state| state.durable.clone());
    drop(writer);

    let mut found = open(library.path(), &Disk::holding(image), false).unwrap();
    assert_eq!(found.check().unwrap(), [], "after power loss at sync {at}");
    acknowledged.iter().filter(|number| !holds(&found, **number)).count()
}

#[test]
fn no_acknowledged_paper_is_lost_with_the_power_at_any_sync() {
    let (made, all) = syncs();
    assert!(all - made >= 20, "{all} syncs: every commit must sync");
    for at in made + 1..=all + 1 {
        assert_eq!(lost_when_power_goes_at(at, false), 0, "power lost at sync {at} of {all}");
    }
    // The control: were syncs not done, this test would see it.
    assert!(lost_when_power_goes_at(all + 1, true) > 0, "a disk that syncs nothing must lose something");
}

#[test]
fn a_full_disk_is_named_and_the_writer_goes_on_when_there_is_space() {
    let library = TempDir::new().unwrap();
    let probe = Disk::default();
    let mut writer = open(library.path(), &probe, true).unwrap();
    let made = probe.with(|state| state.writes);
    work(&mut writer, |_| ()).unwrap();
    let all = probe.with(|state| state.writes);
    drop(writer);

    let mut failures = 0;
    for until in (made..all).step_by(3) {
        let disk = Disk::default();
        let mut writer = open(library.path(), &disk, true).unwrap();
        disk.with(|state| state.space_until = Some(until));
        let mut acknowledged = 0;
        let Err(error) = work(&mut writer, |_| acknowledged += 1) else { continue };
        failures += 1;
        assert!(matches!(error, StoreError::DiskFull(_)), "at write {until}: {error}");
        assert!(error.needs_reopen());
        assert!(writer.put(vec![record(50)], &cut).is_err(), "redb takes no more until it is opened again");

        disk.with(|state| state.space_until = None);
        drop(writer);
        let mut writer = open(library.path(), &disk, false).unwrap();
        assert_eq!(writer.check().unwrap(), [], "at write {until}");
        assert!((0..acknowledged).all(|number| holds(&writer, number)), "at write {until}");
        work(&mut writer, |_| ()).unwrap();
        assert!((0..10).all(|number| holds(&writer, number)));
    }
    assert!(failures > 10, "{failures} of the writes between {made} and {all}");
}

#[test]
fn hostile_text_reads_back_as_written() {
    use super::codec::{decode, encode};
    use proptest::prelude::*;

    proptest!(|(title in any::<String>(), text in "\\PC*|[\\x00-\\x1f\"\\\\\u{2028}\u{202e}\u{fffd}\u{10ffff}]*", key in any::<u32>())| {
        let mut one = record(0);
        one.title = title;
        one.abstract_text = Some(text);
        let bytes = encode("records", key, &one).unwrap();
        prop_assert_eq!(&decode::<Record>("records", key, &bytes).unwrap(), &one);
        prop_assert!(decode::<Record>("records", key ^ 1, &bytes).is_err(), "another key, no value");
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            let at = (key as usize).wrapping_mul(31).wrapping_add(bit) % flipped.len();
            flipped[at] ^= 1 << bit;
            prop_assert!(decode::<Record>("records", key, &flipped).is_err(), "bit {} of byte {}", bit, at);
        }
    });
}
