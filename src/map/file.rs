//! The map on disk: one file beside the generations, derived, checked, and never a reason to fail.
//!
//! `PKM`, the version of the layout, the digest of the vectors (16 bytes), how many papers were laid out and how many came or went since (4 each);
//! then 12 bytes a paper: key, x, y; at last XXH3 (16 bytes) over all before. Little-endian. What is damaged, foreign or of another version is no map. It
//! is written aside, synced and renamed; two writers at once may spoil one another's, which the checksum tells the next reader.

use std::io::Write;
use std::path::Path;

use twox_hash::XxHash3_128;

use super::{Map, Point};

/// The file's name in the library's folder.
const FILE: &str = "map.bin";
const UNFINISHED: &str = "map.bin.new";
/// The last byte grows with each change of the layout: an older map is made anew.
const MAGIC: [u8; 4] = *b"PKM\x01";
const HEAD: usize = 4 + 16 + 4 + 4;
const ROW: usize = 8 + 2 + 2;
const SUM: usize = 16;

impl Map {
    /// The map that lies at `library`, if it is a sound one.
    #[must_use]
    pub fn stored(library: &Path) -> Option<Self> {
        let bytes = fs_err::read(library.join(FILE)).ok()?;
        let map = Self::of_bytes(&bytes);
        if map.is_none() {
            tracing::warn!(file = %library.join(FILE).display(), "the map is damaged or of another version; it is made anew");
        }
        map
    }

    /// Keeps it for the next process. Where that fails it is made again.
    pub(super) fn store(&self, library: &Path) {
        let (unfinished, file) = (library.join(UNFINISHED), library.join(FILE));
        let stored = (|| {
            let mut out = fs_err::File::create(&unfinished)?;
            out.write_all(&self.to_bytes())?;
            out.sync_all()?;
            fs_err::rename(&unfinished, &file)
        })();
        if let Err(error) = stored {
            let _ = fs_err::remove_file(&unfinished);
            tracing::warn!(%error, "the map could not be kept; it is made again when it is next wanted");
        }
    }

    /// As the file holds it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD + self.places.len() * ROW + SUM);
        bytes.extend(MAGIC);
        bytes.extend(self.digest.to_le_bytes());
        bytes.extend(self.laid_out.to_le_bytes());
        bytes.extend(self.changed.to_le_bytes());
        for (key, [x, y]) in &self.places {
            bytes.extend(key.to_le_bytes());
            bytes.extend(x.to_le_bytes());
            bytes.extend(y.to_le_bytes());
        }
        let sum = XxHash3_128::oneshot(&bytes);
        bytes.extend(sum.to_le_bytes());
        bytes
    }

    /// The map in a file's bytes.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let (rest, sum) = bytes.split_last_chunk::<SUM>()?;
        if XxHash3_128::oneshot(rest) != u128::from_le_bytes(*sum) {
            return None;
        }
        let (magic, rest) = rest.split_first_chunk()?;
        let (digest, rest) = rest.split_first_chunk()?;
        let (laid_out, rest) = rest.split_first_chunk()?;
        let (changed, rest) = rest.split_first_chunk()?;
        let (rows, over) = rest.as_chunks::<ROW>();
        let places: Vec<(u64, Point)> = rows.iter().filter_map(place).collect();
        let sound = *magic == MAGIC && over.is_empty() && places.is_sorted_by(|(one, _), (two, _)| one < two);
        sound.then(|| Self {
            digest: u128::from_le_bytes(*digest),
            laid_out: u32::from_le_bytes(*laid_out),
            changed: u32::from_le_bytes(*changed),
            places,
        })
    }
}

fn place(row: &[u8; ROW]) -> Option<(u64, Point)> {
    let (key, rest) = row.split_first_chunk()?;
    let (x, rest) = rest.split_first_chunk()?;
    let (y, _) = rest.split_first_chunk()?;
    Some((u64::from_le_bytes(*key), [u16::from_le_bytes(*x), u16::from_le_bytes(*y)]))
}
