//! Vectors by what they are of, kept between runs: a set is embedded once however often its ranking is measured.
//!
//! The key is the SHA-256 of the model's fingerprint, the role and the text. Each run that embeds anything writes one file of
//! its own (`0001.vectors`, ...), so runs never disturb each other; each record has a checksum, so what a kill or a bad disk left
//! is told from what is whole: it is ignored, with a note, and embedded anew. Any file may be deleted at any time.
//!
//! A file is `paperkin-vectors`, a version (u32) and the dimension (u32), then records of 32 bytes of key, the numbers (f32) and the
//! first 8 bytes of the SHA-256 of both; all little-endian.

use std::collections::HashMap;
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::EvalError;
use crate::paper::{Role, UnitVector};

const MAGIC: &[u8; 16] = b"paperkin-vectors";
const VERSION: u32 = 1;
const HEADER: usize = 24;
const KEY: usize = 32;
const CHECK: usize = 8;

/// Which vector.
pub(super) type Key = [u8; KEY];

/// The key of a text in a role, by the model of that fingerprint.
pub(super) fn key(fingerprint: &str, role: Role, text: &str) -> Key {
    let role = match role {
        Role::Query => "query",
        Role::Passage => "passage",
    };
    // Neither a fingerprint nor a role has a NUL in it, so no two triples run together.
    Sha256::digest([fingerprint, role, text].join("\0").as_bytes()).into()
}

/// Vectors in memory, and on disk where a folder is given.
#[derive(Debug, Default)]
pub struct VectorCache {
    known: HashMap<Key, UnitVector>,
    folder: Option<PathBuf>,
    file: Option<fs_err::File>,
}

impl VectorCache {
    /// For this run only.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::default()
    }

    /// Of the folder, which is made if it is missing; with a note on each file that is not whole. Vectors of another dimension
    /// are of another model, and stay where they are.
    ///
    /// # Errors
    /// If the folder cannot be made or read.
    pub fn open(folder: &Path, dimension: usize) -> Result<(Self, Vec<String>), EvalError> {
        fs_err::create_dir_all(folder)?;
        let mut cache = Self { folder: Some(folder.to_owned()), ..Self::default() };
        let mut notes = Vec::new();
        let mut files: Vec<PathBuf> = Vec::new();
        for entry in fs_err::read_dir(folder)? {
            files.push(entry?.path());
        }
        files.retain(|file| file.extension().is_some_and(|end| end == "vectors"));
        files.sort();
        for file in files {
            if let Some(note) = cache.load(&file, dimension)? {
                notes.push(format!("{}: {note}", file.display()));
            }
        }
        Ok((cache, notes))
    }

    /// Reads one file; says what of it is ignored.
    fn load(&mut self, file: &Path, dimension: usize) -> Result<Option<String>, EvalError> {
        let mut stream = BufReader::with_capacity(1 << 20, fs_err::File::open(file)?);
        if fill(&mut stream, HEADER)?.as_slice() != header(dimension) {
            return Ok(Some("no vectors of this model's kind; ignored".into()));
        }
        let length = KEY + 4 * dimension + CHECK;
        let mut damaged = 0;
        loop {
            let record = fill(&mut stream, length)?;
            match record.len() {
                0 => break,
                whole if whole == length => match read(&record) {
                    Some((key, vector)) => {
                        self.known.insert(key, vector);
                    }
                    None => damaged += 1,
                },
                _ => damaged += 1,
            }
        }
        Ok((damaged > 0).then(|| format!("{damaged} damaged vectors are ignored and embedded anew")))
    }

    pub(super) fn get(&self, key: &Key) -> Option<&UnitVector> {
        self.known.get(key)
    }

    /// Keeps vectors, on disk first.
    pub(super) fn keep(&mut self, new: Vec<(Key, UnitVector)>) -> Result<(), EvalError> {
        let mut bytes = Vec::new();
        for (key, vector) in new {
            let start = bytes.len();
            bytes.extend(key);
            bytes.extend(vector.as_slice().iter().flat_map(|number| number.to_le_bytes()));
            let check = Sha256::digest(&bytes[start..]);
            bytes.extend(&check[..CHECK]);
            if self.file.is_none()
                && let Some(folder) = &self.folder
            {
                let mut file = create_next(folder)?;
                file.write_all(&header(vector.dimension()))?;
                self.file = Some(file);
            }
            // As it will be read, to the last bit: a second run prints what the first did.
            let vector = UnitVector::new(vector.as_slice().to_vec()).unwrap_or(vector);
            self.known.insert(key, vector);
        }
        if let Some(file) = &mut self.file {
            file.write_all(&bytes)?;
        }
        Ok(())
    }
}

fn header(dimension: usize) -> Vec<u8> {
    [MAGIC.as_slice(), &VERSION.to_le_bytes(), &(dimension as u32).to_le_bytes()].concat()
}

/// The next `length` bytes, or fewer at the end.
fn fill(stream: &mut impl Read, length: usize) -> Result<Vec<u8>, EvalError> {
    let mut bytes = Vec::with_capacity(length);
    stream.by_ref().take(length as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn read(record: &[u8]) -> Option<(Key, UnitVector)> {
    let (said, check) = record.split_at(record.len() - CHECK);
    if Sha256::digest(said)[..CHECK] != *check {
        return None;
    }
    let (key, numbers) = said.split_at(KEY);
    let numbers = numbers.chunks_exact(4).filter_map(|bytes| bytes.try_into().ok().map(f32::from_le_bytes));
    Some((key.try_into().ok()?, UnitVector::new(numbers.collect()).ok()?))
}

/// A file that no other run writes.
fn create_next(folder: &Path) -> Result<fs_err::File, EvalError> {
    let mut number = 1;
    loop {
        let path = folder.join(format!("{number:04}.vectors"));
        match fs_err::OpenOptions::new().append(true).create_new(true).open(path) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            other => return Ok(other?),
        }
    }
}
