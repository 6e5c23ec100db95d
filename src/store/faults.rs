//! What the store does when the disk does not: power lost at any moment, no space left at any write.
//!
//! Inside the room, as it needs a disk of its own. Killing a process proves nothing about power: the page cache survives.
//! So the disk keeps the history of a workload, and any moment of it can be asked what would be found if the power went
//! then: all that was synced, and of the rest what chance has left, in sectors and in pages. `scripts/power-loss.sh` asks
//! at more moments; `PAPERKIN_SEED=N` repeats them.

use std::io::{Error, ErrorKind};
use std::ops::Bound;
use std::path::Path;
use std::sync::{Arc, Mutex};

use redb::{BackendError, StorageBackend};
use tempfile::TempDir;

use super::error::StoreError;
use super::lock::Lock;
use super::{Writer, file, store_path};
use crate::paper::{
    Commentary, Language, Paper, PaperId, Passage, PassageVectors, Record, Source, UnitVector, passages_of,
};

/// A disk that remembers all that was done to it, and may be full.
#[derive(Clone, Debug, Default)]
struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    live: Vec<u8>,
    history: Vec<Done>,
    writes: usize,
    /// Writes from here on find no space.
    space_until: Option<usize>,
}

#[derive(Clone, Debug)]
enum Done {
    Write(usize, Vec<u8>),
    Length(usize),
    Sync,
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
        Self(Arc::new(Mutex::new(State { live: image, ..State::default() })))
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.lock().unwrap())
    }

    /// How much has been done to it.
    fn age(&self) -> usize {
        self.with(|state| state.history.len())
    }
}

/// What a disk that held `image` holds after the power went at the end of `history`: all that was done before the last
/// sync, and of the rest those pieces of `piece` bytes that `survives` says.
fn after_power_loss(
    image: &[u8],
    history: &[Done],
    piece: usize,
    mut survives: impl FnMut() -> bool,
) -> Vec<u8> {
    let synced = history.iter().rposition(|done| matches!(done, Done::Sync)).unwrap_or(0);
    let mut image = image.to_vec();
    for (at, done) in history.iter().enumerate() {
        let durable = at < synced;
        match done {
            Done::Sync => {}
            Done::Length(length) => {
                if durable || survives() {
                    image.resize(*length, 0);
                }
            }
            Done::Write(offset, data) => {
                for (number, bytes) in data.chunks(piece).enumerate() {
                    if durable || survives() {
                        let start = offset + number * piece;
                        image.resize(image.len().max(start + bytes.len()), 0);
                        image[start..start + bytes.len()].copy_from_slice(bytes);
                    }
                }
            }
        }
    }
    image
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
            state.history.push(Done::Length(length as usize));
            Ok(())
        })
    }

    fn sync_data(&self) -> Result<(), Error> {
        self.with(|state| state.history.push(Done::Sync));
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), Error> {
        self.with(|state| {
            state.space()?;
            let start = offset as usize;
            state.live[start..start + data.len()].copy_from_slice(data);
            state.history.push(Done::Write(start, data.to_vec()));
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

/// A paper whose text is of a `version`, long enough for the file to grow now and then.
fn record(number: usize, version: usize) -> Record {
    let text =
        format!("{version}판: 이 논문은 길다. 这篇论文很长。 ").repeat(10 + number % 20 * 3 + version * 7);
    Record {
        source: Source { file: format!("{number}.md"), line: 1, slot: String::new() },
        title: format!("Paper number {number}"),
        commentaries: vec![Commentary { language: Language::KOREAN, text: text.trim().into() }],
        ..Record::default()
    }
}

fn cut(paper: &Paper) -> Vec<Passage> {
    passages_of(paper, 400, |text| text.chars().count())
}

fn embed(writer: &mut Writer) -> Result<(), StoreError> {
    let vectors: Vec<_> = writer
        .pending(usize::MAX)?
        .into_iter()
        .map(|passage| {
            let whole = UnitVector::new(vec![1.0 + passage.number.0 as f32; 8]).unwrap();
            (passage.number, PassageVectors { sentences: vec![whole.clone(); 2], whole })
        })
        .collect();
    writer.put_vectors(&vectors)
}

/// Papers from `first` on are put, embedded, changed and removed; each step is told when it is acknowledged.
fn work(writer: &mut Writer, first: usize, mut acknowledged: impl FnMut(&Writer)) -> Result<(), StoreError> {
    for number in first..first + 8 {
        writer.put(vec![record(number, 1), record(number + 100, 1)], &cut)?;
        acknowledged(writer);
        embed(writer)?;
        acknowledged(writer);
        if number % 2 == 1 {
            writer.put(vec![record(number - 1, 2)], &cut)?;
            acknowledged(writer);
        }
        if number % 3 == 2 {
            writer.remove(&PaperId::of_title(&record(number - 2, 1).title))?;
            acknowledged(writer);
        }
    }
    Ok(())
}

fn holds(writer: &Writer, number: usize) -> bool {
    let found = writer.paper_by_name(&PaperId::of_title(&record(number, 1).title)).unwrap();
    found.is_some_and(|(_, paper)| {
        paper.commentaries[0].commentary.text == record(number, 1).commentaries[0].text
    })
}

/// Everything that a store says: papers with all their words, and vectors.
type Contents = (Vec<(u32, Paper)>, Vec<(u32, Vec<u32>)>, Vec<(u32, Vec<UnitVector>)>);

fn contents(writer: &Writer) -> Contents {
    let (mut papers, mut vectors, mut sentences) = (Vec::new(), Vec::new(), Vec::new());
    writer.visit_papers(|number, paper| papers.push((number.0, paper))).unwrap();
    let bits = |vector: &[f32]| vector.iter().map(|value| value.to_bits()).collect();
    writer.visit_vectors(|number, vector| vectors.push((number.0, bits(vector)))).unwrap();
    writer
        .snapshot()
        .unwrap()
        .visit_sentences(|number, _, raw| sentences.push((number.0, raw.to_vec())))
        .unwrap();
    (papers, vectors, sentences)
}

/// A workload on a disk that held `image`, with what was acknowledged at which age of the disk.
struct Life {
    image: Vec<u8>,
    history: Vec<Done>,
    acknowledged: Vec<(usize, Contents)>,
}

impl Life {
    /// Opens what is on a disk with `image`, checks it, and works on.
    fn of(image: Option<Vec<u8>>, first: usize) -> Self {
        let library = TempDir::new().unwrap();
        let fresh = image.is_none();
        let disk = Disk::holding(image.unwrap_or_default());
        let mut writer;
        let image = if fresh {
            writer = open(library.path(), &disk, true).unwrap();
            // A new store is made under another name, and renamed when it is whole.
            disk.with(|state| {
                state.history.clear();
                state.live.clone()
            })
        } else {
            let image = disk.with(|state| state.live.clone());
            writer = open(library.path(), &disk, false).unwrap();
            image
        };
        let mut acknowledged = vec![(0, contents(&writer))];
        work(&mut writer, first, |writer| acknowledged.push((disk.age(), contents(writer)))).unwrap();
        let history = disk.with(|state| state.history.clone());
        assert_eq!(writer.check().unwrap(), []);
        Self { image, history, acknowledged }
    }

    /// What was acknowledged when the disk was `age` old, and what came next: it may be there, too.
    fn expected_at(&self, age: usize) -> (&Contents, Option<&Contents>) {
        let next = self.acknowledged.partition_point(|(at, _)| *at <= age);
        (&self.acknowledged[next - 1].1, self.acknowledged.get(next).map(|(_, contents)| contents))
    }

    /// The disk after the power went at `age`, which must open, be sound, and hold what was acknowledged.
    fn survives(&self, age: usize, piece: usize, survives: impl FnMut() -> bool, how: &str) -> Vec<u8> {
        let image = after_power_loss(&self.image, &self.history[..age], piece, survives);
        let (acknowledged, next) = self.expected_at(age);
        let (found, findings) = found_on(&image).unwrap_or_else(|error| panic!("{how}: {error}"));
        assert!(
            found == *acknowledged || Some(&found) == next,
            "{how}: neither what was acknowledged nor what came next"
        );
        assert_eq!(findings, Vec::<String>::new(), "{how}");
        image
    }
}

/// What a disk holds, and what the check says of it.
fn found_on(image: &[u8]) -> Result<(Contents, Vec<String>), StoreError> {
    let library = TempDir::new().unwrap();
    let mut writer = open(library.path(), &Disk::holding(image.to_vec()), false)?;
    let found = contents(&writer);
    let findings = writer.check()?.into_iter().map(|finding| finding.what).collect();
    Ok((found, findings))
}

#[test]
fn no_acknowledged_paper_is_lost_with_the_power_at_any_sync() {
    let life = Life::of(None, 0);
    let syncs: Vec<usize> =
        (0..life.history.len()).filter(|at| matches!(life.history[*at], Done::Sync)).collect();
    assert!(syncs.len() >= life.acknowledged.len() - 1, "{} syncs: every commit must sync", syncs.len());
    let (mut distinct, mut forgotten) = (0, 0);
    for (number, at) in syncs.iter().enumerate() {
        let lost = life.survives(*at, 4096, || false, &format!("power lost at sync {number}"));
        let kept = life.survives(*at, 4096, || true, &format!("killed at sync {number}"));
        distinct += usize::from(lost != kept);
    }
    assert!(distinct * 2 > syncs.len(), "{distinct}: the syncs must have had something to do");
    // The control: each commit without its last sync. Were syncs not done, this test would see it.
    for (age, acknowledged) in life.acknowledged.iter().skip(1) {
        let last = *syncs.iter().rfind(|at| *at < age).unwrap();
        let mut history = life.history[..*age].to_vec();
        history.remove(last);
        let image = after_power_loss(&life.image, &history, 4096, || false);
        forgotten += usize::from(found_on(&image).is_ok_and(|(found, _)| found != *acknowledged));
    }
    println!(
        "{} syncs, {distinct} of them of something; without its sync {forgotten} of {} commits lost",
        syncs.len(),
        life.acknowledged.len() - 1
    );
    assert!(
        forgotten * 2 > life.acknowledged.len(),
        "{forgotten}: a disk that forgets a sync must lose something"
    );
}

#[test]
fn whatever_part_of_the_unsynced_survives_what_was_acknowledged_is_there() {
    let from_environment = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = from_environment("PAPERKIN_SEED").unwrap_or(20_261_122);
    let mixes = from_environment("PAPERKIN_MIXES").unwrap_or(200);
    println!("PAPERKIN_SEED={seed}");
    let mut state = seed;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let first = Life::of(None, 0);
    let (mut lives, mut mixed) = (0, 0);
    for mix in 0..mixes {
        // Also amid the repair after a loss, and amid what is written after that.
        let mut life = &first;
        let mut later;
        for number in 1..=1 + random(2) {
            let age = random(life.history.len() + 1);
            let piece = [512, 4096][random(2)];
            let odds = 1 + random(9);
            let how = format!("mix {mix}, life {number}, {age} of {}, pieces of {piece}", life.history.len());
            let mut kept = [0, 0];
            let image = life.survives(
                age,
                piece,
                || {
                    let survives = random(10) < odds;
                    kept[usize::from(survives)] += 1;
                    survives
                },
                &how,
            );
            mixed += usize::from(kept[0] > 0 && kept[1] > 0);
            lives += 1;
            later = Life::of(Some(image), 10 * number);
            life = &later;
        }
    }
    println!("{lives} losses of power, {mixed} of them with only a part of the unsynced left");
    assert!(mixed * 3 > lives, "{mixed} of {lives}: chance must have had something to choose from");
}

#[test]
fn a_full_disk_is_named_and_the_writer_goes_on_when_there_is_space() {
    let library = TempDir::new().unwrap();
    let probe = Disk::default();
    let mut writer = open(library.path(), &probe, true).unwrap();
    let made = probe.with(|state| state.writes);
    work(&mut writer, 0, |_| ()).unwrap();
    let all = probe.with(|state| state.writes);
    drop(writer);

    let steps = Life::of(None, 0).acknowledged;
    let mut failures = 0;
    for until in (made..all).step_by(3) {
        let disk = Disk::default();
        let mut writer = open(library.path(), &disk, true).unwrap();
        disk.with(|state| state.space_until = Some(until));
        let mut acknowledged = 0;
        let Err(error) = work(&mut writer, 0, |_| acknowledged += 1) else { continue };
        failures += 1;
        assert!(matches!(error, StoreError::DiskFull(_)), "at write {until}: {error}");
        assert!(error.needs_reopen());
        assert!(
            writer.put(vec![record(50, 1)], &cut).is_err(),
            "redb takes no more until it is opened again"
        );

        disk.with(|state| state.space_until = None);
        drop(writer);
        let mut writer = open(library.path(), &disk, false).unwrap();
        assert_eq!(writer.check().unwrap(), [], "at write {until}");
        // The step that failed may have been done but for its tidying up.
        let found = contents(&writer);
        let held = steps[acknowledged..].iter().take(2).any(|(_, step)| *step == found);
        assert!(held, "at write {until}: neither what was acknowledged nor what came next");
        work(&mut writer, 10, |_| ()).unwrap();
        assert!((100..108).all(|number| holds(&writer, number + 10)));
    }
    assert!(failures > 10, "{failures} of the writes between {made} and {all}");
}

#[test]
fn hostile_text_reads_back_as_written() {
    use super::codec::{decode, encode};
    use proptest::prelude::*;

    proptest!(|(title in any::<String>(), text in "\\PC*|[\\x00-\\x1f\"\\\\\u{2028}\u{202e}\u{fffd}\u{10ffff}]*", key in any::<u32>())| {
        let mut one = record(0, 1);
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
