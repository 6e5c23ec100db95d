//! Files that are too large to be read when they are opened: each piece is read when it is wanted, and checked before it is used.
//!
//! By position, not mapped: what is looked at rarely then takes no memory but the system's cache, and a file that somebody cuts
//! short is an error and not the end of the process.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use bytemuck::Pod;
use twox_hash::XxHash3_64;

/// A file in pieces, with the checksum of each.
pub(super) struct Sealed {
    path: PathBuf,
    file: fs_err::File,
    length: u64,
    seals: Vec<u64>,
    damaged: AtomicBool,
}

impl Sealed {
    /// A file of `length` bytes, whose pieces have these checksums, by [`seal`].
    pub(super) fn new(path: &Path, file: fs_err::File, length: u64, seals: Vec<u64>) -> Self {
        Self { path: path.to_owned(), file, length, seals, damaged: AtomicBool::new(false) }
    }

    /// Whether it is `count` pieces, and so many numbers of the kind in all.
    pub(super) fn holds<T>(&self, count: usize, numbers: Option<usize>) -> bool {
        let bytes = numbers.and_then(|numbers| numbers.checked_mul(size_of::<T>()));
        self.seals.len() == count && bytes.is_some_and(|bytes| bytes as u64 == self.length)
    }

    /// Piece `piece`: the `count` numbers from the number `first` of the file on. `None` if it is damaged, from then on
    /// [`Sealed::damaged`].
    pub(super) fn read<T: Pod>(&self, piece: usize, first: usize, count: usize) -> Option<Vec<T>> {
        let mut numbers = vec![T::zeroed(); count];
        let bytes = bytemuck::cast_slice_mut(&mut numbers);
        let read = read_at(&self.file, bytes, first as u64 * size_of::<T>() as u64);
        if read.is_ok() && self.seals.get(piece) == Some(&seal(piece, bytes)) {
            return Some(numbers);
        }
        if !self.damaged.swap(true, Ordering::Relaxed) {
            let why = read.err().map_or("a checksum does not fit".to_owned(), |error| error.to_string());
            tracing::error!(file = %self.path.display(), why, "the index is damaged; the store is searched until it is rebuilt");
        }
        None
    }

    /// The file, if a piece of it was found damaged.
    pub(super) fn damaged(&self) -> Option<&Path> {
        self.damaged.load(Ordering::Relaxed).then_some(&self.path)
    }
}

/// The checksum of a piece. With its place, so that pieces that have changed places are found too.
pub(super) fn seal(piece: usize, bytes: &[u8]) -> u64 {
    XxHash3_64::oneshot_with_seed(piece as u64, bytes)
}

#[cfg(unix)]
fn read_at(file: &fs_err::File, bytes: &mut [u8], offset: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file.file(), bytes, offset)
}

#[cfg(windows)]
fn read_at(file: &fs_err::File, mut bytes: &mut [u8], mut offset: u64) -> std::io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file.file(), bytes, offset)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            read => {
                bytes = &mut bytes[read..];
                offset += read as u64;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_that_changed_or_moved_or_is_cut_off_is_not_given() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pieces");
        let whole: Vec<u8> = (0..96).collect();
        let seals: Vec<u64> = whole.chunks(32).enumerate().map(|(at, piece)| seal(at, piece)).collect();
        let open = |bytes: &[u8]| {
            fs_err::write(&path, bytes).unwrap();
            Sealed::new(&path, fs_err::File::open(&path).unwrap(), bytes.len() as u64, seals.clone())
        };
        let given = |sealed: &Sealed| [0, 1, 2].map(|at| sealed.read::<u8>(at, 32 * at, 32).is_some());
        let sealed = open(&whole);
        assert_eq!(sealed.read::<u32>(1, 8, 8).unwrap()[0], u32::from_le_bytes([32, 33, 34, 35]));
        assert_eq!((given(&sealed), sealed.damaged()), ([true; 3], None));
        assert!(
            sealed.holds::<u32>(3, Some(24))
                && !sealed.holds::<u32>(3, Some(25))
                && !sealed.holds::<u8>(2, Some(96))
        );
        let mut flipped = whole.clone();
        flipped[40] ^= 4;
        let sealed = open(&flipped);
        assert_eq!((given(&sealed), sealed.damaged()), ([true, false, true], Some(path.as_path())));
        let moved: Vec<u8> = [&whole[32..64], &whole[..32], &whole[64..]].concat();
        assert_eq!(given(&open(&moved)), [false, false, true]);
        assert_eq!(given(&open(&whole[..70])), [true, true, false]);
        assert!(open(&whole).read::<u8>(3, 96, 0).is_none(), "there is no such piece");
    }
}
