//! A zip archive is a folder: its texts in the order of their paths, each under the name `ARCHIVE.zip/inner/path.md`.
//!
//! Names are labels; nothing is ever written, so no path leads anywhere. Only the central directory is believed, and
//! not much of it: entries are counted before it is parsed, may together not be larger than the archive (overlapping
//! ones are the oldest bomb), and the text they give shares one budget. A bad entry is an error under its own name;
//! the next one is read.

use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use super::files::is_not_text;
use super::unpack::{Budget, Counted, Raw, guarded};
use super::{ErrorKind, Format, Notice, Reader, RecordError};
use crate::paper::{Record, single_line};

const MOST_ENTRIES: u64 = 100_000;
/// The end of the central directory, and the longest comment that may follow it.
const TAIL: u64 = 22 + (1 << 16) + 20 + 56;
/// What tells an office document, an e-book or a program from a folder of texts.
const NO_FOLDER: [&str; 3] = ["[Content_Types].xml", "mimetype", "META-INF/MANIFEST.MF"];

/// Opens the archive; its entries are opened one after the other while it is read.
pub(super) fn open(name: &str, mut raw: Raw) -> Result<Box<dyn Reader>, RecordError> {
    let refuse = |why: String| RecordError::new(ErrorKind::Unreadable, name, 1, why);
    let failed = |error: io::Error| refuse(format!("a zip archive that cannot be read: {error}"));
    let size = raw.seek(SeekFrom::End(0)).map_err(failed)?;
    refuse_masses(&mut raw, size).map_err(refuse)?;
    let shared = Shared { raw: Arc::new(Mutex::new(raw)), at: 0 };
    let zip = ZipArchive::new(shared.clone()).map_err(|error| {
        refuse(format!("a damaged zip archive ({error}); fetch the file again, or pack it anew"))
    })?;
    let mut archive = Archive {
        name: name.to_owned(),
        size,
        entries: Vec::new().into_iter(),
        current: None,
        format: Format::Note,
        notices: Vec::new(),
        budget: Arc::new(Budget::default()),
        ended: false,
        waiting: None,
        shared,
        zip,
    };
    archive.entries = archive.list().map_err(refuse)?.into_iter();
    // The first text tells the format; what stands before the first record is told when it is asked for.
    archive.waiting = archive.advance();
    Ok(Box::new(archive))
}

/// The parser of the directory allocates for as many entries as are stated: so we look at what is stated first.
fn refuse_masses(raw: &mut Raw, size: u64) -> Result<(), String> {
    let mut tail = Vec::new();
    let begin = size.saturating_sub(TAIL);
    let mut read_at = |at: u64, length: u64, into: &mut Vec<u8>| {
        raw.seek(SeekFrom::Start(at)).and_then(|_| raw.by_ref().take(length).read_to_end(into))
    };
    read_at(begin, TAIL, &mut tail).map_err(|error| error.to_string())?;
    let field = |bytes: &[u8], at: usize| {
        let field = bytes.get(at..at + 8).and_then(|field| field.try_into().ok());
        field.map(u64::from_le_bytes).unwrap_or_default()
    };
    for window in 0..tail.len() {
        let here = tail.get(window..).unwrap_or_default();
        let mut record = Vec::new();
        if here.starts_with(b"PK\x06\x06") {
            record.extend_from_slice(here.get(..56).unwrap_or_default());
        } else if here.starts_with(b"PK\x06\x07") {
            read_at(field(here, 8).min(size), 56, &mut record).map_err(|error| error.to_string())?;
            // Archives with something before them count from another place: their record stands right above.
            if !record.starts_with(b"PK\x06\x06") {
                record.clear();
            }
        }
        if field(&record, 32) > MOST_ENTRIES {
            return Err(format!("more than {MOST_ENTRIES} entries; unpack the archive, or split it"));
        }
    }
    Ok(())
}

struct Archive {
    name: String,
    size: u64,
    zip: ZipArchive<Shared>,
    shared: Shared,
    entries: std::vec::IntoIter<(String, usize)>,
    current: Option<Box<dyn Reader>>,
    format: Format,
    waiting: Option<RecordError>,
    notices: Vec<Notice>,
    budget: Arc<Budget>,
    ended: bool,
}

impl Archive {
    /// The texts, sorted by path, with their places in the directory.
    fn list(&mut self) -> Result<Vec<(String, usize)>, String> {
        if self.zip.len() as u64 > MOST_ENTRIES {
            return Err(format!("more than {MOST_ENTRIES} entries; unpack the archive, or split it"));
        }
        let mut texts = Vec::new();
        let mut left_out: [Vec<String>; 3] = Default::default();
        let mut packed = 0u64;
        for index in 0..self.zip.len() {
            let entry = self.zip.by_index_data(index).map_err(|error| error.to_string())?;
            packed = packed.saturating_add(entry.compressed_size());
            let (label, legible) = label(entry.name_raw());
            if NO_FOLDER.contains(&label.as_str()) {
                return Err("an office document, an e-book or a program; save its text".to_owned());
            }
            if entry.is_dir() {
                continue;
            }
            let [hidden, no_text, illegible] = &mut left_out;
            if label.split('/').any(|part| part.starts_with('.') || part == "__MACOSX") {
                hidden.push(label);
                continue;
            }
            if entry.is_symlink() || is_not_text(Path::new(&label)) {
                no_text.push(label);
                continue;
            }
            if !legible {
                illegible.push(label.clone());
            }
            texts.push((label, index));
        }
        if packed > self.size {
            return Err(
                "its entries overlap, or it is cut off: they are larger than the archive; pack it anew"
                    .to_owned(),
            );
        }
        if texts.is_empty() {
            return Err("an archive without texts; unpack it and look".to_owned());
        }
        let [hidden, no_text, illegible] = left_out;
        self.tell(&hidden, "hidden, left out");
        self.tell(&no_text, "no text by its extension, left out");
        self.tell(&illegible, "its name is not UTF-8, and cannot lend title or date");
        if self.zip.has_duplicate_names() {
            self.tell(&[String::new()], "entries of the same name: the last one counts");
        }
        texts.sort_by(|a, b| Path::new(&a.0).cmp(Path::new(&b.0)));
        Ok(texts)
    }

    /// One notice a reason: an archive may hold ten thousand figures.
    fn tell(&mut self, labels: &[String], what: &str) {
        if let Some((first, others)) = labels.split_first() {
            let file = format!("{}/{first}", self.name);
            let more =
                if others.is_empty() { String::new() } else { format!(" (and {} more)", others.len()) };
            self.notices.push(Notice { file, line: 1, text: format!("{what}{more}") });
        }
    }

    /// Opens the next entry; an error is told once, and the entry after it is for the next call.
    fn advance(&mut self) -> Option<RecordError> {
        let (label, index) = self.entries.next()?;
        let name = format!("{}/{label}", self.name);
        match self.entry(&name, index) {
            Ok(reader) => {
                self.format = reader.format();
                self.current = Some(reader);
                None
            }
            Err(error) => Some(error),
        }
    }

    fn entry(&mut self, name: &str, index: usize) -> Result<Box<dyn Reader>, RecordError> {
        let refuse = |why: String| RecordError::new(ErrorKind::Unreadable, name, 1, why);
        let entry = self
            .zip
            .by_index_raw(index)
            .map_err(|error| refuse(format!("a damaged entry of the archive ({error}); pack it anew")))?;
        if entry.encrypted() {
            return Err(refuse("encrypted; unpack the archive with its password".to_owned()));
        }
        let begin = entry.data_start().unwrap_or(self.size);
        let data = Shared { at: begin, ..self.shared.clone() }.take(entry.compressed_size());
        let data = BufReader::new(Counted { inner: data, budget: Arc::clone(&self.budget) });
        let (sum, size) = (entry.crc32(), entry.size());
        let stream = match entry.compression() {
            CompressionMethod::Stored => guarded("zip", Checked::new(data, sum, size), &self.budget),
            CompressionMethod::Deflated => {
                guarded("zip", Checked::new(DeflateDecoder::new(data), sum, size), &self.budget)
            }
            other => {
                let why = format!("packed by a method that is not read ({other}); pack it anew with deflate");
                return Err(refuse(why));
            }
        };
        super::read(name, stream)
    }
}

impl Iterator for Archive {
    type Item = Result<Record, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            if let Some(error) = self.waiting.take() {
                return Some(Err(error));
            }
            if let Some(reader) = &mut self.current {
                if let Some(read) = reader.next() {
                    return Some(read);
                }
                self.notices.extend(reader.take_notices());
                self.current = None;
            }
            self.ended = self.budget.is_exceeded() || self.entries.len() == 0;
            if !self.ended {
                self.waiting = self.advance();
            }
        }
        None
    }
}

impl Reader for Archive {
    fn format(&self) -> Format {
        self.format
    }

    fn bytes_read(&self) -> u64 {
        if self.ended { self.size } else { self.budget.taken().min(self.size) }
    }

    fn take_notices(&mut self) -> Vec<Notice> {
        if let Some(reader) = &mut self.current {
            self.notices.extend(reader.take_notices());
        }
        std::mem::take(&mut self.notices)
    }
}

/// The path of an entry as a label, and whether its encoding was UTF-8: some write what their system speaks.
fn label(raw: &[u8]) -> (String, bool) {
    let text = String::from_utf8_lossy(raw);
    let parts: Vec<String> =
        text.split(['/', '\\']).map(single_line).filter(|part| !part.is_empty()).collect();
    (parts.join("/"), matches!(text, std::borrow::Cow::Borrowed(_)))
}

/// The archive's bytes, from a place of one's own: the directory and the open entry read by turns.
#[derive(Clone)]
struct Shared {
    raw: Arc<Mutex<Raw>>,
    at: u64,
}

impl Read for Shared {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut raw = self.raw.lock().unwrap_or_else(PoisonError::into_inner);
        raw.seek(SeekFrom::Start(self.at))?;
        let read = raw.read(buffer)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Shared {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let mut raw = self.raw.lock().unwrap_or_else(PoisonError::into_inner);
        self.at = match to {
            SeekFrom::Current(by) => {
                let at = self.at.checked_add_signed(by);
                at.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "before the start"))?
            }
            to => raw.seek(to)?,
        };
        Ok(self.at)
    }
}

/// Compares size and checksum at the end of an entry with what the directory states.
struct Checked<R> {
    inner: R,
    crc: Crc,
    sum: u32,
    size: u64,
    given: u64,
}

impl<R> Checked<R> {
    fn new(inner: R, sum: u32, size: u64) -> Self {
        Self { inner, crc: Crc::new(), sum, size, given: 0 }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.crc.update(buffer.get(..read).unwrap_or_default());
        self.given += read as u64;
        if read > 0 || buffer.is_empty() || (self.crc.sum() == self.sum && self.given == self.size) {
            return Ok(read);
        }
        if self.given < self.size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, "its checksum or size is another"))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use zip::write::SimpleFileOptions;

    use super::super::read_bytes;
    use super::*;

    fn pack(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in entries {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn told(bytes: &[u8]) -> (Vec<String>, Vec<Notice>, u64) {
        let mut reader = read_bytes("v.zip", bytes).unwrap();
        let told: Vec<String> = reader
            .by_ref()
            .map(|read| match read {
                Ok(record) => format!("{}: {}", record.source.file, record.title),
                Err(error) => error.to_string(),
            })
            .collect();
        (told, reader.take_notices(), reader.bytes_read())
    }

    const DIGEST: &str =
        "2024년 8월 29일\nOn Graphs\n(Ada Lovelace)\n그래프.\n#graph\n그래프 둘\n(김철수)\n그래프.";
    const NOTE: &str = "https://arxiv.org/abs/2106.09685\n\n좋은 논문입니다.";

    #[test]
    fn an_archive_is_read_as_a_folder() {
        let nested = pack(&[("a.md", NOTE.as_bytes())]);
        let bytes = pack(&[
            ("vault/240104 LLaMA Pro.md", NOTE.as_bytes()),
            ("digest.txt", DIGEST.as_bytes()),
            ("vault/.obsidian/app.json", b"{}"),
            ("__MACOSX/vault/._x.md", b"\0\0"),
            ("vault/figure.png", b"\x89PNG"),
            ("lines.jsonl", b"{\"title\": \"one\"}\nbroken\n"),
            ("inner.zip", &nested),
            ("../../etc/passwd.md", NOTE.as_bytes()),
        ]);
        let mut reader = read_bytes("v.zip", &bytes).unwrap();
        assert!(reader.bytes_read() < bytes.len() as u64);
        let formats: Vec<Format> =
            std::iter::from_fn(|| reader.next().map(|read| read.is_ok()).map(|_| reader.format())).collect();
        assert!(formats.contains(&Format::Digest) && formats.contains(&Format::JsonLines), "{formats:?}");
        let (told, notices, read) = told(&bytes);
        assert_eq!(read, bytes.len() as u64);
        let want = [
            "v.zip/digest.txt: On Graphs",
            "v.zip/digest.txt: 그래프 둘",
            "v.zip/inner.zip:1: this is no text: a zip archive",
            "v.zip/lines.jsonl: one",
            "v.zip/lines.jsonl:2: not a JSON",
            "v.zip/vault/240104 LLaMA Pro.md: LLaMA Pro",
        ];
        let hidden = notices.iter().any(|notice| notice.text.contains("hidden, left out (and 2 more)"));
        assert!(hidden && notices.iter().any(|notice| notice.text.contains("no text")), "{notices:?}");
        for (told, want) in told.iter().zip(want) {
            assert!(told.starts_with(want) || told.contains("no valid JSON"), "{told} / {want}");
        }
        assert_eq!(told.len(), want.len(), "{told:?}");
    }

    #[test]
    fn a_damaged_entry_is_told_by_name_and_the_next_is_read() {
        let bytes = pack(&[("a.jsonl", b"{\"title\": \"one\"}\n"), ("b.md", NOTE.as_bytes())]);
        // The checksum of the first entry in the central directory.
        let at = bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap() + 16;
        let mut wrong = bytes.clone();
        wrong[at] ^= 1;
        let (told_wrong, _, _) = told(&wrong);
        assert_eq!(told_wrong[0], "v.zip/a.jsonl: one");
        assert!(told_wrong[1].starts_with("v.zip/a.jsonl:2: its zip data is damaged"), "{told_wrong:?}");
        assert_eq!(told_wrong[2], "v.zip/b.md: b");
        let mut locked = bytes.clone();
        locked[at - 8] |= 1;
        let (told_locked, _, _) = told(&locked);
        assert!(told_locked[0].contains("v.zip/a.jsonl:1: encrypted"), "{told_locked:?}");
        let mut method = bytes.clone();
        method[at - 6] = 14;
        assert!(told(&method).0[0].contains("method that is not read"), "{:?}", told(&method).0);
        let cut = read_bytes("v.zip", bytes.get(..bytes.len() - 30).unwrap()).map(|_| ()).unwrap_err();
        assert!(cut.why.contains("damaged zip"), "{cut}");
    }

    #[test]
    fn documents_masses_and_overlaps_are_refused() {
        let why = |bytes: &[u8]| read_bytes("v.zip", bytes).map(|_| ()).unwrap_err().why;
        assert!(
            why(&pack(&[("[Content_Types].xml", b"<x/>"), ("word/document.xml", b"<x/>")]))
                .contains("office")
        );
        assert!(why(&pack(&[("figure.png", b"x")])).contains("without texts"));
        let bytes = pack(&[("a.md", NOTE.as_bytes()), ("b.md", NOTE.as_bytes())]);
        let mut large = bytes.clone();
        let at = bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
        large[at + 22] = 1;
        assert!(why(&large).contains("overlap"), "{}", why(&large));
        // A record of the large kind that states a billion entries.
        let mut masses = bytes.get(..bytes.len() - 22).unwrap().to_vec();
        let place = masses.len() as u64;
        let billion = 1_000_000_000u64.to_le_bytes();
        masses.extend(b"PK\x06\x06\x2c\0\0\0\0\0\0\0\x2d\0\x2d\0\0\0\0\0\0\0\0\0");
        masses.extend([billion, billion, (46u64 << 30).to_le_bytes(), billion].concat());
        masses.extend([b"PK\x06\x07\0\0\0\0".as_slice(), &place.to_le_bytes(), b"\x01\0\0\0"].concat());
        masses.extend(b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0");
        assert!(why(&masses).contains("100000 entries"), "{}", why(&masses));
    }

    #[test]
    fn a_bomb_of_many_entries_stops_the_archive() {
        let blank = vec![b'\n'; 12 << 20];
        let names: Vec<String> = (0..8).map(|number| format!("{number}.md")).collect();
        let entries: Vec<(&str, &[u8])> =
            names.iter().map(|name| (name.as_str(), blank.as_slice())).collect();
        let (told, _, _) = told(&pack(&entries));
        assert!(told.len() < 8 && told.last().unwrap().contains("200 times"), "{told:?}");
    }
}
