//! Compressed sources, told by their first bytes: gzip of many members, zstd of many frames, xz of many streams; and
//! zip, which is a folder ([`super::archive`]).
//!
//! One level only, and bounded: a text that grows out of all proportion to its file is a bomb, and stops where that
//! is plain. Checksums are verified by the decoders. Whatever breaks is said once, in words, and what was read before
//! stays read.

use std::io::{self, BufReader, Read, Seek};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;

use super::{ErrorKind, Format, Notice, Reader, RecordError, Stream, archive};
use crate::paper::Record;

/// A text may be so many times its file, once it is past the floor. Dumps of abstracts are some four times, at most
/// ten.
const LARGEST_RATIO: u64 = 200;
const FLOOR: u64 = 64 << 20;
/// Windows up to 128 MiB, as `zstd --long` makes them.
const LARGEST_WINDOW_LOG: u32 = 27;
const LARGEST_XZ_MEMORY_KIB: u32 = 128 << 10;
const BUFFER: usize = 64 << 10;

/// A file as it lies on the disk, or its bytes in memory.
pub(super) trait Seekable: Read + Seek + Send {}

impl<T: Read + Seek + Send> Seekable for T {}

/// The bytes of one source, packed or not.
pub(super) type Raw = Box<dyn Seekable>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    Gzip,
    Zstd,
    Xz,
    Zip,
}

impl Packing {
    fn of(head: &[u8]) -> Option<Self> {
        if head.starts_with(b"\x1f\x8b") {
            Some(Self::Gzip)
        } else if head.starts_with(b"\x28\xb5\x2f\xfd") {
            Some(Self::Zstd)
        } else if head.starts_with(b"\xfd7zXZ\0") {
            Some(Self::Xz)
        } else if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
            Some(Self::Zip)
        } else {
            None
        }
    }
}

/// Opens a source, whatever it is packed in.
pub(super) fn open(name: &str, mut raw: Raw) -> Result<Box<dyn Reader>, RecordError> {
    let failed = |error: io::Error| RecordError::new(ErrorKind::Unreadable, name, 1, error.to_string());
    let mut head = Vec::new();
    raw.by_ref().take(6).read_to_end(&mut head).map_err(failed)?;
    raw.rewind().map_err(failed)?;
    let Some(packing) = Packing::of(&head) else {
        return super::read(name, Box::new(BufReader::with_capacity(BUFFER, raw)));
    };
    let budget = Arc::new(Budget::default());
    let counted = BufReader::with_capacity(BUFFER, Counted { inner: raw, budget: Arc::clone(&budget) });
    let stream = match packing {
        Packing::Zip => return archive::open(name, counted.into_inner().inner),
        Packing::Gzip => guarded("gzip", MultiGzDecoder::new(counted), &budget),
        Packing::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(counted).map_err(failed)?;
            decoder.window_log_max(LARGEST_WINDOW_LOG).map_err(failed)?;
            guarded("zstd", decoder, &budget)
        }
        Packing::Xz => guarded("xz", XzReader::new_mem_limit(counted, true, LARGEST_XZ_MEMORY_KIB), &budget),
    };
    Ok(Box::new(Packed { inner: super::read(name, stream)?, budget }))
}

/// The text of `decoder`, while it keeps within bounds.
pub(super) fn guarded(
    kind: &'static str,
    decoder: impl Read + Send + 'static,
    budget: &Arc<Budget>,
) -> Stream {
    let guard = Guard { kind, decoder, given: 0, broken: None, budget: Arc::clone(budget) };
    Box::new(BufReader::with_capacity(BUFFER, guard))
}

/// How much was taken from the file and how much text it gave. Atomic only because readers may move to another
/// thread.
#[derive(Debug, Default)]
pub(super) struct Budget {
    taken: AtomicU64,
    given: AtomicU64,
    exceeded: AtomicBool,
}

impl Budget {
    /// Bytes of the file so far.
    pub fn taken(&self) -> u64 {
        self.taken.load(Relaxed)
    }

    /// Whether reading was stopped because there was too much text.
    pub fn is_exceeded(&self) -> bool {
        self.exceeded.load(Relaxed)
    }

    fn give(&self, bytes: u64) -> bool {
        let given = self.given.fetch_add(bytes, Relaxed) + bytes;
        let fits = given <= FLOOR || given / LARGEST_RATIO <= self.taken();
        self.exceeded.fetch_or(!fits, Relaxed);
        fits
    }
}

/// Counts what is taken from the file.
pub(super) struct Counted<R> {
    pub inner: R,
    pub budget: Arc<Budget>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.budget.taken.fetch_add(read as u64, Relaxed);
        Ok(read)
    }
}

/// Puts a decoder's failure into words, and never asks a decoder that has failed again: some would panic.
struct Guard<R> {
    kind: &'static str,
    decoder: R,
    given: u64,
    broken: Option<String>,
    budget: Arc<Budget>,
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(why) = &self.broken {
            return Err(io::Error::other(why.clone()));
        }
        let why = match self.decoder.read(buffer) {
            Ok(read) => {
                self.given += read as u64;
                if self.budget.give(read as u64) {
                    return Ok(read);
                }
                format!(
                    "unpacks to more than {LARGEST_RATIO} times its size, as bombs do; reading stopped after {} MiB; if \
                     it is sound, unpack it yourself",
                    self.given >> 20
                )
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => failure(self.kind, self.given, &error),
        };
        self.broken = Some(why.clone());
        Err(io::Error::other(why))
    }
}

fn failure(kind: &str, given: u64, error: &io::Error) -> String {
    let text = error.to_string();
    let place = format!("after {given} bytes of text");
    if text.contains("memory") {
        format!("its {kind} data needs more than 128 MiB to unpack ({text}); unpack it yourself")
    } else if error.kind() == io::ErrorKind::UnexpectedEof {
        format!("its {kind} data is cut off {place}; fetch the file again")
    } else {
        format!("its {kind} data is damaged {place} ({text}); fetch the file again, or pack it anew")
    }
}

/// The reader of a compressed text: progress is counted in the file's own bytes.
struct Packed {
    inner: Box<dyn Reader>,
    budget: Arc<Budget>,
}

impl Iterator for Packed {
    type Item = Result<Record, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.inner.next()
    }
}

impl Reader for Packed {
    fn format(&self) -> Format {
        self.inner.format()
    }

    fn bytes_read(&self) -> u64 {
        self.budget.taken()
    }

    fn take_notices(&mut self) -> Vec<Notice> {
        self.inner.take_notices()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::read_bytes;
    use super::*;

    const LINES: &str = "{\"title\": \"하나\"}\n{\"title\": \"二\"}\n{\"title\": \"three\"}\n";

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
        encoder.include_checksum(true).unwrap();
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    /// An xz stream of stored chunks: the encoder is not among our dependencies.
    fn xz(text: &[u8]) -> Vec<u8> {
        let sum = |bytes: &[u8]| {
            let mut crc = flate2::Crc::new();
            crc.update(bytes);
            crc.sum().to_le_bytes()
        };
        let number = |mut value: usize| {
            let mut bytes = Vec::new();
            while value >= 128 {
                bytes.push((value & 127) as u8 | 128);
                value >>= 7;
            }
            bytes.push(value as u8);
            bytes
        };
        let padded = |mut bytes: Vec<u8>| {
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            bytes
        };
        let mut data = Vec::new();
        for chunk in text.chunks(1 << 16) {
            data.push(1);
            data.extend(((chunk.len() - 1) as u16).to_be_bytes());
            data.extend(chunk);
        }
        data.push(0);
        let header = [2, 0, 0x21, 1, 16, 0, 0, 0];
        let unpadded = header.len() + 4 + data.len() + 4;
        let index = padded([vec![0, 1], number(unpadded), number(text.len())].concat());
        let footer = [(((index.len() + 4) / 4 - 1) as u32).to_le_bytes().as_slice(), &[0, 1]].concat();
        let mut stream = [b"\xfd7zXZ\0\0\x01".as_slice(), &sum(&[0, 1]), &header, &sum(&header)].concat();
        stream.extend(padded(data));
        stream.extend([sum(text).as_slice(), &index, &sum(&index), &sum(&footer), &footer, b"YZ"].concat());
        stream
    }

    type Packer = fn(&[u8]) -> Vec<u8>;

    const PACKERS: [(&str, Packer); 3] = [("gzip", gzip), ("zstd", zstd), ("xz", xz)];

    fn told(bytes: &[u8]) -> (Vec<String>, u64) {
        let mut reader = match read_bytes("a.jsonl.gz", bytes) {
            Ok(reader) => reader,
            // The decoder of zstd checks a small text before it gives it.
            Err(error) => return (vec![error.why], 0),
        };
        let told = reader.by_ref().map(|read| read.map_or_else(|error| error.why, |record| record.title));
        (told.collect(), reader.bytes_read())
    }

    #[test]
    fn packed_texts_of_many_members_are_read_as_their_plain_twins() {
        for (kind, pack) in PACKERS {
            let mut bytes = pack(LINES.as_bytes());
            bytes.extend(pack("{\"title\": \"끝\"}".as_bytes()));
            let (titles, read) = told(&bytes);
            assert_eq!(
                (titles.join(" "), read),
                ("하나 二 three 끝".to_owned(), bytes.len() as u64),
                "{kind}"
            );
            let note = pack(b"https://arxiv.org/abs/2106.09685\n\nA good one.");
            let name = format!("vault/240104 LLaMA Pro.md.{}", if kind == "zstd" { "zst" } else { "xz" });
            let record = read_bytes(&name, &note).unwrap().next().unwrap().unwrap();
            assert_eq!(
                (record.title.as_str(), record.note.as_deref()),
                ("LLaMA Pro", Some("240104 LLaMA Pro"))
            );
        }
    }

    #[test]
    fn what_was_read_before_the_damage_is_kept() {
        for (kind, pack) in PACKERS {
            let many = LINES.repeat(20_000);
            let whole = pack(many.as_bytes());
            let cut = whole.get(..whole.len() / 2).unwrap();
            let (mut titles, _) = told(cut);
            let why = titles.pop().unwrap();
            assert!(why.contains("cut off after") && why.contains(kind), "{kind}: {why}");
            assert!(titles.iter().all(|title| ["하나", "二", "three"].contains(&title.as_str())), "{kind}");
            // The checksum stands near the end, behind the last line.
            let mut wrong = pack(LINES.as_bytes());
            let at = if kind == "xz" {
                wrong.len() - 28
            } else {
                wrong.len() - if kind == "gzip" { 8 } else { 1 }
            };
            wrong[at] ^= 1;
            let (titles, _) = told(&wrong);
            assert!(titles.last().unwrap().contains("damaged"), "{kind}: {titles:?}");
        }
    }

    #[test]
    fn of_a_digest_cut_off_all_papers_but_the_last_are_kept() {
        let mut text = String::from("2024년 8월 29일\n");
        for number in 0..20_000 {
            text += &format!(
                "On Graphs {number}\n(Ada Lovelace, 김철수)\n그래프 연구 {}.\n#graph\n",
                number * 7919
            );
        }
        let packed = gzip(text.as_bytes());
        let records: Vec<_> =
            read_bytes("d.txt.gz", packed.get(..packed.len() / 2).unwrap()).unwrap().collect();
        let (last, papers) = records.split_last().unwrap();
        assert!(papers.len() > 5_000 && papers.iter().all(Result::is_ok), "{}", papers.len());
        assert!(last.as_ref().unwrap_err().why.contains("cut off"), "{last:?}");
        let note = gzip("https://a.org\n*x* (A B)\n".repeat(3_000).as_bytes());
        let error = read_bytes("n.md.gz", note.get(..note.len() - 9).unwrap()).map(|_| ()).unwrap_err();
        assert!(error.why.contains("cut off"), "half a note is none: {error}");
    }

    #[test]
    fn bombs_and_packed_packings_are_refused() {
        for (kind, pack) in PACKERS {
            if kind != "xz" {
                let bomb = pack(&vec![b'\n'; usize::try_from(FLOOR).unwrap() + (8 << 20)]);
                let reader = read_bytes("b.gz", &[pack(LINES.as_bytes()), bomb].concat()).unwrap();
                let why = reader.filter_map(Result::err).last().unwrap().why;
                assert!(why.contains("200 times"), "{kind}: {why}");
            }
            let nested = read_bytes("n.gz", &pack(&pack(LINES.as_bytes()))).map(|_| ()).unwrap_err();
            assert!(nested.why.contains("packed twice"), "{kind}: {nested}");
        }
    }

    #[test]
    fn a_window_larger_than_ours_is_refused() {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(28).unwrap();
        encoder.write_all(LINES.as_bytes()).unwrap();
        let error = read_bytes("w.zst", &encoder.finish().unwrap()).map(|_| ()).unwrap_err();
        assert!(error.why.contains("128 MiB"), "{error}");
    }
}
