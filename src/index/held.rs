//! Numbers in memory, or in a file that is mapped: read alike.
//!
//! What is mapped is shared by all who read it and goes back to the disk where memory is short. Files are little-endian, and are
//! taken as they lie.

use std::io;
use std::ops::Deref;

use bytemuck::Pod;
use memmap2::Mmap;

#[cfg(target_endian = "big")]
compile_error!("the files of an index are mapped as they lie: little-endian");

/// Numbers of one kind.
pub(super) enum Held<T> {
    Owned(Vec<T>),
    Mapped(Mmap),
}

impl<T: Pod> Held<T> {
    /// The numbers of a file; `None` where its length is no multiple of theirs.
    ///
    /// # Errors
    /// Where the file cannot be mapped.
    pub(super) fn of(file: &fs_err::File) -> io::Result<Option<Self>> {
        if file.metadata()?.len() == 0 {
            return Ok(Some(Self::Owned(Vec::new())));
        }
        #[expect(unsafe_code, reason = "memory mapping is unsafe by nature")]
        // SAFETY: the map is only read, and nothing of ours writes into a file of a generation once it has its name: another
        // generation is other files, and to remove a file leaves a map of it as it was.
        let map = unsafe { Mmap::map(file.file()) }?;
        Ok(bytemuck::try_cast_slice::<u8, T>(&map).is_ok().then_some(Self::Mapped(map)))
    }

    /// The same as bytes.
    pub(super) fn as_bytes(&self) -> &[u8] {
        bytemuck::cast_slice(self)
    }
}

impl<T: Pod> Deref for Held<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Self::Owned(numbers) => numbers,
            // That it can be cast was seen when it was mapped.
            Self::Mapped(map) => bytemuck::try_cast_slice(map).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_as_the_numbers_that_were_written_also_after_it_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("numbers");
        let numbers: Vec<u32> = (0..5000).map(|at| at * 77).collect();
        fs_err::write(&path, bytemuck::cast_slice::<u32, u8>(&numbers)).unwrap();
        let held = Held::<u32>::of(&fs_err::File::open(&path).unwrap()).unwrap().unwrap();
        fs_err::remove_file(&path).unwrap();
        assert_eq!(held[..], numbers);
        assert_eq!(held.as_bytes().len(), 20_000);
        fs_err::write(&path, [1, 2, 3]).unwrap();
        assert!(Held::<u32>::of(&fs_err::File::open(&path).unwrap()).unwrap().is_none());
        fs_err::write(&path, []).unwrap();
        assert!(Held::<u32>::of(&fs_err::File::open(&path).unwrap()).unwrap().unwrap().is_empty());
    }
}
