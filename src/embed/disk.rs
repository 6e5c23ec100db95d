//! Files that are either whole or not there: hashed while read, written under another name, made durable, renamed.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use fs_err::File;
use sha2::{Digest, Sha256};

use super::error::ModelError;
use super::manifest::FilePin;

/// The sha256 of a file, in lower case hexadecimal.
pub(super) fn sha256_of(path: &Path) -> Result<String, ModelError> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&hash.finalize())),
            read => hash.update(&buffer[..read]),
        }
    }
}

/// The sha256 of bytes, in lower case hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Checks that `actual` is what was pinned for `file`.
pub(super) fn check_hash(
    file: &Path,
    expected: &str,
    actual: String,
    remedy: &str,
) -> Result<(), ModelError> {
    if actual == expected {
        return Ok(());
    }
    Err(ModelError::WrongHash {
        file: file.to_owned(),
        expected: expected.to_owned(),
        actual,
        remedy: remedy.to_owned(),
    })
}

/// `path` with `end` after its name: `model.gguf` to `model.gguf.partial`.
pub(super) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// Files on their way into a folder. They get their names together in [`Incoming::publish`], after all of them are
/// on disk, so that a set that is in use is never half replaced; what is not published is removed again.
pub(super) struct Incoming<'a> {
    folder: &'a Path,
    staged: Vec<PathBuf>,
}

const STAGED: &str = ".new";

impl<'a> Incoming<'a> {
    pub(super) fn new(folder: &'a Path) -> Self {
        Self { folder, staged: Vec::new() }
    }

    /// Writes one file under its staging name; the pin of what was written.
    pub(super) fn write(&mut self, path: &str, contents: &mut dyn Read) -> Result<FilePin, ModelError> {
        let target = self.folder.join(path);
        if let Some(parent) = target.parent() {
            fs_err::create_dir_all(parent)?;
        }
        let mut file = File::create(beside(&target, STAGED))?;
        self.staged.push(target);
        let mut hash = Sha256::new();
        let mut bytes = 0;
        let mut buffer = vec![0; 1 << 20];
        loop {
            let read = contents.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            file.write_all(&buffer[..read])?;
            hash.update(&buffer[..read]);
            bytes += read as u64;
        }
        file.sync_all()?;
        Ok(FilePin { path: path.to_owned(), bytes, sha256: hex(&hash.finalize()) })
    }

    /// As [`Incoming::write`], for a file of known contents; what was written is what was pinned, or an error.
    pub(super) fn write_pinned(
        &mut self,
        pin: &FilePin,
        contents: &mut dyn Read,
        remedy: &str,
    ) -> Result<(), ModelError> {
        let written = self.write(&pin.path, contents)?;
        let target = self.folder.join(&pin.path);
        check_hash(&target, &pin.sha256, written.sha256, remedy).inspect_err(|_| {
            self.staged.retain(|staged| *staged != target);
            // A staging name is never read; the next write takes its place.
            let _ = fs_err::remove_file(beside(&target, STAGED));
        })
    }

    /// Gives all files their names.
    pub(super) fn publish(mut self) -> Result<(), ModelError> {
        for target in std::mem::take(&mut self.staged) {
            fs_err::rename(beside(&target, STAGED), &target)?;
        }
        sync_folder(self.folder)
    }
}

impl Drop for Incoming<'_> {
    fn drop(&mut self) {
        for target in &self.staged {
            // Nothing more can be done here, and a file under its staging name is never read.
            let _ = fs_err::remove_file(beside(target, STAGED));
        }
    }
}

/// Makes renames in `folder` durable.
pub(super) fn sync_folder(folder: &Path) -> Result<(), ModelError> {
    // Windows cannot open folders; there a rename is durable by itself.
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_appears_before_all_is_published() {
        let folder = tempfile::tempdir().unwrap();
        let names = || {
            let mut names: Vec<_> =
                fs_err::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        let mut incoming = Incoming::new(folder.path());
        incoming.write("a", &mut &b"one"[..]).unwrap();
        assert_eq!(names(), ["a.new"]);
        drop(incoming);
        assert!(names().is_empty(), "what was not published is gone");

        let mut incoming = Incoming::new(folder.path());
        let pin = |path: &str| FilePin { path: path.to_owned(), bytes: 3, sha256: sha256(b"one") };
        incoming.write_pinned(&pin("a"), &mut &b"one"[..], "").unwrap();
        assert!(incoming.write_pinned(&pin("b"), &mut &b"two"[..], "").is_err());
        incoming.write("b", &mut &b"two"[..]).unwrap();
        incoming.publish().unwrap();
        assert_eq!(names(), ["a", "b"]);
    }
}
