//! Files to records to the store: one thread reads, this one commits, and what is committed is acknowledged.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::{Event, IngestError, Model, Observer, Report, Task, passages};
use crate::corpus::{self, ErrorKind, Listing, Notice, RecordError, SourceFile};
use crate::failpoint;
use crate::paper::{Paper, Record};
use crate::store::{Change, Cut, FileStamp, Place, Snapshot, Writer};

/// Records that are committed together when nothing is cut: enough that syncing costs little.
const RECORDS_PER_COMMIT: usize = 4_096;
/// And when each is cut into passages, which takes the tokenizer.
const RECORDS_PER_CUT: usize = 64;
/// However few records came, acknowledging is prompt.
const LONGEST_WAIT: Duration = Duration::from_millis(250);
/// Records on their way from one thread to the other.
const RECORDS_PER_PARCEL: usize = 64;
const PARCELS: usize = 16;

/// What the reading thread sends.
enum Parcel {
    Records(Vec<Record>),
    Refused(RecordError),
    Read(u64),
    Ended(FileRead),
    Unread(FileStamp),
}

/// A file that was read to its end.
struct FileRead {
    name: String,
    stamp: Option<FileStamp>,
    notices: Vec<Notice>,
}

/// Reads what `task` names.
pub(super) fn read(
    task: &Task,
    writer: &mut Writer,
    model: Option<Model<'_>>,
    observer: &mut dyn Observer,
    report: &mut Report,
) -> Result<(), IngestError> {
    let started = Instant::now();
    let listings = listings(task, writer)?;
    observer.see(Event::Listed {
        files: listings.iter().map(|(_, listing)| listing.files.len()).sum(),
        bytes: listings.iter().map(|(_, listing)| listing.bytes()).sum(),
    });
    for skipped in listings.iter().flat_map(|(_, listing)| &listing.skipped) {
        report.skipped += 1;
        observer.see(Event::Skipped(skipped));
    }
    let snapshot = writer.snapshot()?;
    let cut = model.map(|model| move |paper: &Paper| passages(paper, model.encoder));
    let mut reading = Reading {
        cut: cut.as_ref().map(|cut| cut as &dyn Fn(&Paper) -> Vec<_>),
        ..Reading::new(writer, observer, report, task.prune)
    };
    let files: Vec<&SourceFile> = listings.iter().flat_map(|(_, listing)| &listing.files).collect();
    std::thread::scope(|scope| {
        let (sender, parcels) = sync_channel(PARCELS);
        let (snapshot, reread) = (&snapshot, task.reread);
        scope.spawn(move || {
            for file in files {
                // Nobody listens any more: the other side has stopped.
                if send_file(file, snapshot, reread, &sender).is_none() {
                    return;
                }
            }
        });
        reading.take(&parcels)
    })?;
    drop(snapshot);
    if !reading.observer.should_stop() {
        for (root, listing) in &listings {
            reading.files_gone(root, listing)?;
        }
    }
    report.reading_seconds = started.elapsed().as_secs_f64();
    Ok(())
}

/// Reads one text that is in memory.
pub(super) fn read_text(
    name: &str,
    bytes: impl AsRef<[u8]> + Send + 'static,
    writer: &mut Writer,
    observer: &mut dyn Observer,
    report: &mut Report,
) -> Result<(), IngestError> {
    let mut reading = Reading::new(writer, observer, report, false);
    reading.report.files += 1;
    match corpus::read_text(name, bytes) {
        Ok(reader) => {
            for read in reader {
                match read {
                    Ok(record) => reading.record(record)?,
                    Err(error) => reading.refuse(&error),
                }
            }
        }
        Err(error) => reading.refuse(&error),
    }
    reading.flush()
}

/// Every path is looked at before the first is read: a misspelt name is told at once, not after an hour. A path that is
/// gone is an error, unless it is to be pruned.
fn listings(task: &Task, writer: &Writer) -> Result<Vec<(String, Listing)>, IngestError> {
    let snapshot = writer.snapshot()?;
    let mut listings = Vec::new();
    for path in &task.paths {
        let path = whole_path(path);
        let root = path.display().to_string();
        match corpus::files_under(&path) {
            Ok(listing) => listings.push((root, listing)),
            Err(error) => {
                let mut known = false;
                snapshot.visit_places(&root, |_| known = true)?;
                if !(task.prune && known && !path.exists()) {
                    return Err(error.into());
                }
                listings.push((root, Listing::default()));
            }
        }
    }
    Ok(listings)
}

/// A file is the same file from whichever directory it is named, and when it is gone.
fn whole_path(path: &Path) -> PathBuf {
    fs_err::canonicalize(path).or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}

fn send_file(file: &SourceFile, known: &Snapshot, reread: bool, sender: &SyncSender<Parcel>) -> Option<()> {
    let name = file.path.display().to_string();
    let stamp = stamp(&file.path);
    if let (Some(now), Ok(Some(then))) = (&stamp, known.file(&name))
        && !reread
        && (FileStamp { records: then.records, ..now.clone() }) == then
    {
        sender.send(Parcel::Read(file.bytes)).ok()?;
        return sender.send(Parcel::Unread(then)).ok();
    }
    let mut reader = match corpus::open(&file.path) {
        Ok(reader) => reader,
        Err(error) => {
            sender.send(Parcel::Refused(error)).ok()?;
            sender.send(Parcel::Read(file.bytes)).ok()?;
            return sender.send(Parcel::Ended(FileRead { name, stamp: None, notices: Vec::new() })).ok();
        }
    };
    let (mut seen, mut records, mut refused) = (0, 0, false);
    let mut parcel = Vec::with_capacity(RECORDS_PER_PARCEL);
    while let Some(read) = reader.next() {
        match read {
            Ok(record) => {
                records += 1;
                parcel.push(record);
            }
            Err(error) => {
                refused = true;
                sender.send(Parcel::Records(std::mem::take(&mut parcel))).ok()?;
                sender.send(Parcel::Refused(error)).ok()?;
            }
        }
        if parcel.len() >= RECORDS_PER_PARCEL {
            sender.send(Parcel::Records(std::mem::take(&mut parcel))).ok()?;
            let bytes = reader.bytes_read().min(file.bytes);
            sender.send(Parcel::Read(bytes.saturating_sub(seen))).ok()?;
            seen = bytes.max(seen);
        }
    }
    sender.send(Parcel::Records(parcel)).ok()?;
    sender.send(Parcel::Read(file.bytes.saturating_sub(seen))).ok()?;
    // What was refused is told again each time. A file that is being written is read again.
    let stamp =
        stamp.filter(|before| !refused && is_old(before) && self::stamp(&file.path).as_ref() == Some(before));
    let stamp = stamp.map(|stamp| FileStamp { records, ..stamp });
    sender.send(Parcel::Ended(FileRead { name, stamp, notices: reader.take_notices() })).ok()
}

fn stamp(path: &Path) -> Option<FileStamp> {
    let metadata = fs_err::metadata(path).ok()?;
    Some(FileStamp {
        bytes: metadata.len(),
        modified: nanoseconds(metadata.modified().ok()?)?,
        readers: corpus::READERS_VERSION,
        records: 0,
    })
}

fn nanoseconds(time: SystemTime) -> Option<u64> {
    u64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_nanos()).ok()
}

/// File systems tell times as coarsely as two seconds: what was changed just now may change again unseen.
fn is_old(stamp: &FileStamp) -> bool {
    let now = nanoseconds(SystemTime::now()).unwrap_or_default();
    stamp.modified.saturating_add(2_000_000_000) < now
}

/// The committing side.
struct Reading<'a> {
    writer: &'a mut Writer,
    observer: &'a mut dyn Observer,
    report: &'a mut Report,
    cut: Cut<'a>,
    prune: bool,
    batch: Vec<Record>,
    since: Instant,
    /// Hashes of the places that the file at hand has.
    seen: HashSet<u64>,
    hasher: RandomState,
    whole: bool,
}

impl<'a> Reading<'a> {
    fn new(
        writer: &'a mut Writer,
        observer: &'a mut dyn Observer,
        report: &'a mut Report,
        prune: bool,
    ) -> Self {
        Self {
            writer,
            observer,
            report,
            cut: None,
            prune,
            batch: Vec::new(),
            since: Instant::now(),
            seen: HashSet::new(),
            hasher: RandomState::new(),
            whole: true,
        }
    }

    fn take(&mut self, parcels: &Receiver<Parcel>) -> Result<(), IngestError> {
        while !self.observer.should_stop() {
            let parcel = match parcels.recv_timeout(LONGEST_WAIT) {
                Ok(parcel) => parcel,
                Err(RecvTimeoutError::Timeout) => {
                    self.flush()?;
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            };
            match parcel {
                Parcel::Records(records) => {
                    for record in records {
                        self.seen.insert(self.hash(&Place::of(&record)));
                        self.record(record)?;
                    }
                }
                Parcel::Refused(error) => self.refuse(&error),
                Parcel::Read(bytes) => self.observer.see(Event::Read { bytes }),
                Parcel::Ended(file) => self.ended(file)?,
                Parcel::Unread(stamp) => {
                    self.report.unread += 1;
                    self.report.records += stamp.records;
                    self.report.unchanged += stamp.records;
                }
            }
        }
        self.flush()
    }

    fn record(&mut self, record: Record) -> Result<(), IngestError> {
        if self.batch.is_empty() {
            self.since = Instant::now();
        }
        self.batch.push(record);
        let most = if self.cut.is_some() { RECORDS_PER_CUT } else { RECORDS_PER_COMMIT };
        if self.batch.len() >= most || self.since.elapsed() >= LONGEST_WAIT { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), IngestError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let records = std::mem::take(&mut self.batch);
        let shown = records.iter().map(|record| record.source.clone()).collect::<Vec<_>>();
        let titles = records.iter().map(|record| record.title.clone()).collect::<Vec<_>>();
        let outcomes = match self.cut {
            Some(cut) => self.writer.put(records, cut)?,
            None => self.writer.put_text(records)?,
        };
        failpoint::reach("ingest.put.before_acknowledged");
        for ((source, title), outcome) in shown.iter().zip(&titles).zip(&outcomes) {
            self.report.records += 1;
            match outcome.change {
                Change::New => self.report.new += 1,
                Change::Changed => self.report.changed += 1,
                Change::Unchanged => self.report.unchanged += 1,
                Change::Removed => self.report.removed += 1,
            }
            let (id, change) = (&outcome.id, outcome.change);
            self.observer.see(Event::Acknowledged { id, change, source, title });
        }
        Ok(())
    }

    fn refuse(&mut self, error: &RecordError) {
        self.whole = false;
        match error.kind {
            // Among the notes of a vault some are about other things; that is nothing to fail for.
            ErrorKind::NoPaper => {
                self.report.no_paper += 1;
                self.observer.see(Event::NoPaper(error));
            }
            ErrorKind::Unreadable | ErrorKind::Malformed => {
                self.report.refused += 1;
                self.observer.see(Event::Refused(error));
            }
        }
    }

    fn ended(&mut self, file: FileRead) -> Result<(), IngestError> {
        self.report.files += 1;
        for notice in &file.notices {
            self.observer.see(Event::Noticed(notice));
        }
        let mut gone = Vec::new();
        self.writer.snapshot()?.visit_places(&file.name, |place| {
            if !self.seen.contains(&self.hash(&place)) {
                gone.push(place);
            }
        })?;
        // Of what could not be read nobody knows which record it was.
        let dropped = self.drop_gone(&file.name, &gone, self.prune && self.whole)?;
        if let Some(stamp) = file.stamp.filter(|_| gone.is_empty() || dropped) {
            self.writer.note_read(file.name, stamp);
        }
        self.seen.clear();
        self.whole = true;
        Ok(())
    }

    /// What the library has from files under `root` that are not there any more.
    fn files_gone(&mut self, root: &str, listing: &Listing) -> Result<(), IngestError> {
        let there: HashSet<String> =
            listing.files.iter().map(|file| file.path.display().to_string()).collect();
        let denied: Vec<String> =
            listing.skipped.iter().map(|skipped| skipped.path.display().to_string()).collect();
        let mut gone = Vec::new();
        self.writer.snapshot()?.visit_places(root, |place| {
            let is_there = Path::new(&place.file)
                .ancestors()
                .any(|path| there.contains(path.to_string_lossy().as_ref()));
            let is_closed = denied.iter().any(|path| Path::new(&place.file).starts_with(path));
            if !is_there && !is_closed {
                gone.push(place);
            }
        })?;
        // A disk that is not mounted looks like an empty folder.
        let emptied = there.is_empty() && Path::new(root).is_dir();
        self.drop_gone(root, &gone, self.prune && !emptied)?;
        Ok(())
    }

    fn drop_gone(&mut self, name: &str, gone: &[Place], dropped: bool) -> Result<bool, IngestError> {
        if gone.is_empty() {
            return Ok(false);
        }
        self.flush()?;
        self.report.gone += gone.len();
        if dropped {
            for places in gone.chunks(RECORDS_PER_CUT) {
                self.writer.withdraw(places, self.cut)?;
            }
            self.report.dropped += gone.len();
        }
        self.observer.see(Event::Gone { name, records: gone.len(), dropped });
        Ok(dropped)
    }

    fn hash(&self, place: &Place) -> u64 {
        self.hasher.hash_one((&place.file, &place.slot))
    }
}
