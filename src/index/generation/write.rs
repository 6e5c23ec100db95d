//! Publishing a generation: written aside, synced file by file, renamed, synced, and only then named in `CURRENT`.
//!
//! Vectors are written as they come: in memory are only their bytes, as long as links are made of them.

use std::fs::TryLockError;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytemuck::cast_slice;
use twox_hash::XxHash3_128;

use super::read::{Current, open};
use super::{
    CODES, CURRENT, FORMAT, GRAPH, GenerationError, Kind, MANIFEST, Manifest, NUMBERS, Published, SCALES,
    SENTENCE_COUNTS, SENTENCE_SEALS, SENTENCES, StoredFile, TRANSFORM, VECTOR_SEALS, VECTORS, generations,
    hex,
};
use crate::failpoint;
use crate::index::codes::Codes;
use crate::index::sealed::{Sealed, seal};
use crate::index::sentences::bytes_of;
use crate::index::{EXACT_LIMIT, FlatVectors, HnswIndex};
use crate::paper::UnitVector;

/// What is being written has this in front of its number; nobody reads it, and the next publisher removes it.
const UNFINISHED: &str = "new-";

/// Files of another kind of index that belong to the generation: written into a folder of it, sealed and verified with it,
/// opened by whoever wrote them.
pub struct Beside<'c> {
    /// The folder's name.
    pub folder: &'static str,
    /// Writes and syncs the files into the folder given; their names.
    pub write: &'c dyn Fn(&Path) -> io::Result<Vec<String>>,
}

/// A generation that is being written. Until it is published, what was published before is current; if it is dropped instead,
/// nothing of it stays.
pub struct Draft {
    library: PathBuf,
    root: PathBuf,
    number: u64,
    directory: PathBuf,
    is_published: bool,
    replaced: Vec<PathBuf>,
    dimension: usize,
    numbers: Vec<u32>,
    codes: Codes,
    vectors: Pieces,
    sentence_counts: Vec<u32>,
    sentences: Pieces,
    files: Vec<StoredFile>,
    failure: Option<GenerationError>,
    _lock: std::fs::File,
}

impl Draft {
    /// Begins the next generation of `library`, of vectors of `dimension` numbers.
    ///
    /// # Errors
    /// [`GenerationError::Busy`], [`GenerationError::DiskFull`].
    pub fn begin(library: &Path, dimension: usize) -> Result<Self, GenerationError> {
        let root = generations(library);
        let failed = |error| GenerationError::io(&root, error);
        if !root.is_dir() {
            fs_err::create_dir_all(&root).map_err(failed)?;
            sync(library).map_err(failed)?;
        }
        let lock = lock(&root)?;
        let (numbered, unfinished) = present(&root).map_err(failed)?;
        for directory in unfinished {
            fs_err::remove_dir_all(directory).map_err(failed)?;
        }
        // A damaged CURRENT is what is being repaired.
        let named = Current::read(library).ok().flatten().map(|current| current.number);
        let number = numbered.iter().map(|(number, _)| *number).chain(named).max().unwrap_or(0) + 1;
        // What was never named, as its publisher failed at the last moment, takes the room of the next.
        let (replaced, unnamed): (Vec<_>, Vec<_>) =
            numbered.into_iter().partition(|(number, _)| named.is_none_or(|named| *number == named));
        for (_, directory) in unnamed {
            fs_err::remove_dir_all(directory).map_err(failed)?;
        }
        let directory = root.join(format!("{UNFINISHED}{number}"));
        fs_err::create_dir(&directory).map_err(failed)?;
        let pieces = |name| {
            Pieces::create(&directory, name).inspect_err(|_| {
                let _ = fs_err::remove_dir_all(&directory);
            })
        };
        let (vectors, sentences) = (pieces(VECTORS)?, pieces(SENTENCES)?);
        Ok(Self {
            library: library.to_owned(),
            number,
            replaced: replaced.into_iter().map(|(_, directory)| directory).collect(),
            dimension,
            numbers: Vec::new(),
            codes: Codes::new(dimension),
            vectors,
            sentence_counts: Vec::new(),
            sentences,
            files: Vec::new(),
            failure: None,
            directory,
            is_published: false,
            root,
            _lock: lock,
        })
    }

    /// Adds a vector, transformed; in the order of the numbers. What has another dimension is passed over. What fails is told by
    /// [`Draft::publish`].
    pub fn push(&mut self, number: u32, vector: &UnitVector) {
        if vector.dimension() == self.dimension && self.failure.is_none() {
            self.failure = self.vectors.push(cast_slice(vector.as_slice())).err();
            self.numbers.push(number);
            self.codes.push(vector.as_slice());
        }
    }

    /// Adds the vectors of the sentences of a passage, transformed; in the order of the numbers. Otherwise as [`Draft::push`].
    pub fn push_sentences(&mut self, number: u32, sentences: &[UnitVector]) {
        let bytes = bytes_of(sentences, self.dimension);
        if !bytes.is_empty() && self.failure.is_none() {
            self.failure = self.sentences.push(cast_slice(&bytes)).err();
            self.sentence_counts.extend([number, (bytes.len() / self.dimension) as u32]);
        }
    }

    /// Publishes what was added as the library's current generation, and removes the ones before it. `revision` is that of the store,
    /// `fingerprint` that of the model, `transform` what was done to the stored vectors, opaque here; the kind is left to the
    /// size unless it is given.
    ///
    /// # Errors
    /// [`GenerationError::DiskFull`] and others; what was published before is then still current.
    pub fn publish(
        mut self,
        fingerprint: &str,
        transform: &[u8],
        revision: u64,
        kind: Option<Kind>,
        beside: Option<Beside<'_>>,
    ) -> Result<Published, GenerationError> {
        let small = self.numbers.len() <= EXACT_LIMIT;
        let kind = kind.unwrap_or(if small { Kind::Exact } else { Kind::Hnsw });
        let manifest_xxh3 = self.write(fingerprint, transform, revision, kind, beside)?;
        let (root, number) = (self.root.clone(), self.number);
        let failed = |error| GenerationError::io(&root, error);
        let finished = root.join(number.to_string());
        fs_err::rename(&self.directory, &finished).map_err(failed)?;
        self.directory = finished;
        failpoint::reach("generation.directory.renamed");
        sync(&root).map_err(failed)?;

        let next = root.join(format!("{UNFINISHED}{CURRENT}"));
        let current = Current { number, manifest_xxh3 };
        // What cannot be opened is not published.
        let published = open(&self.library, &current)?;
        store(&next, current.to_line().as_bytes())?;
        failpoint::reach("generation.current.before_rename");
        fs_err::rename(&next, root.join(CURRENT)).map_err(failed)?;
        self.is_published = true;
        failpoint::reach("generation.current.after_rename");
        sync(&root).map_err(failed)?;

        failpoint::reach("generation.old.before_removal");
        for old in self.replaced.drain(..) {
            // Published is published; what stays here the next publisher removes.
            let _ = fs_err::remove_dir_all(old);
        }
        Ok(published)
    }

    /// All files; the checksum of the manifest.
    fn write(
        &mut self,
        fingerprint: &str,
        transform: &[u8],
        revision: u64,
        kind: Kind,
        beside: Option<Beside<'_>>,
    ) -> Result<String, GenerationError> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        self.file(TRANSFORM, transform)?;
        let numbers = std::mem::take(&mut self.numbers);
        self.file(NUMBERS, cast_slice(&numbers))?;
        let codes = std::mem::replace(&mut self.codes, Codes::new(self.dimension));
        self.file(CODES, codes.bytes().as_bytes())?;
        self.file(SCALES, cast_slice(codes.scales()))?;
        let vector_seals = self.vectors.finish(&mut self.files)?;
        self.file(VECTOR_SEALS, cast_slice(&vector_seals))?;
        let counts = std::mem::take(&mut self.sentence_counts);
        self.file(SENTENCE_COUNTS, cast_slice(&counts))?;
        let sentence_seals = self.sentences.finish(&mut self.files)?;
        self.file(SENTENCE_SEALS, cast_slice(&sentence_seals))?;
        let (count, rounding) = (numbers.len(), codes.rounding());
        let mut effort = None;
        if kind == Kind::Hnsw {
            let path = self.directory.join(VECTORS);
            let written = fs_err::File::open(&path).map_err(|error| GenerationError::io(&path, error))?;
            let length = written.metadata().map_err(|error| GenerationError::io(&path, error))?.len();
            let rows = Sealed::new(&path, written, length, vector_seals);
            let vectors = FlatVectors::stored(numbers, codes, rows)
                .ok_or_else(|| GenerationError::damaged(&path, "the counts do not agree"))?;
            let index = match self.graph_before(fingerprint) {
                Some(before) => HnswIndex::grown(Arc::new(vectors), &before),
                None => HnswIndex::build(Arc::new(vectors)),
            };
            self.file(GRAPH, index.graph().as_bytes())?;
            effort = Some(index.effort());
        }
        if let Some(beside) = beside {
            self.write_beside(&beside)?;
        }
        let manifest = Manifest {
            format: FORMAT,
            fingerprint: fingerprint.to_owned(),
            revision,
            count,
            dimension: self.dimension,
            rounding,
            kind,
            effort,
            files: std::mem::take(&mut self.files),
        };
        let path = self.directory.join(MANIFEST);
        let json =
            serde_json::to_vec_pretty(&manifest).map_err(|error| GenerationError::io(&path, error.into()))?;
        let xxh3 = store(&path, &json)?;
        failpoint::reach("generation.directory.before_sync");
        sync(&self.directory).map_err(|error| GenerationError::io(&self.directory, error))?;
        failpoint::reach("generation.directory.after_sync");
        Ok(xxh3)
    }

    /// The graph whose links may be taken over. What cannot be used is what is being replaced.
    fn graph_before(&self, fingerprint: &str) -> Option<Arc<HnswIndex>> {
        let before = Published::open(&self.library).ok().flatten()?;
        before.manifest.require(fingerprint).ok()?;
        before.graph
    }

    fn file(&mut self, name: &str, bytes: &[u8]) -> Result<(), GenerationError> {
        let xxh3 = store(&self.directory.join(name), bytes)?;
        self.files.push(StoredFile { name: name.to_owned(), bytes: bytes.len() as u64, xxh3 });
        Ok(())
    }

    fn write_beside(&mut self, beside: &Beside<'_>) -> Result<(), GenerationError> {
        let folder = self.directory.join(beside.folder);
        let failed = |error| GenerationError::io(&folder, error);
        fs_err::create_dir(&folder).map_err(failed)?;
        for name in (beside.write)(&folder).map_err(failed)? {
            let mut hashed = Hashed::new(io::sink());
            let mut source = fs_err::File::open(folder.join(&name)).map_err(failed)?;
            io::copy(&mut source, &mut hashed).map_err(failed)?;
            self.files.push(hashed.stored(&format!("{}/{name}", beside.folder)));
        }
        sync(&folder).map_err(failed)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_published {
            // The disk may be full of it.
            let _ = fs_err::remove_dir_all(&self.directory);
        }
    }
}

/// A file that is written piece by piece, each with its checksum.
struct Pieces {
    name: &'static str,
    path: PathBuf,
    out: Option<BufWriter<Hashed<fs_err::File>>>,
    seals: Vec<u64>,
}

impl Pieces {
    fn create(directory: &Path, name: &'static str) -> Result<Self, GenerationError> {
        let path = directory.join(name);
        let file = fs_err::File::create(&path).map_err(|error| GenerationError::io(&path, error))?;
        let out = Some(BufWriter::with_capacity(1 << 18, Hashed::new(file)));
        Ok(Self { name, path, out, seals: Vec::new() })
    }

    fn push(&mut self, piece: &[u8]) -> Result<(), GenerationError> {
        self.seals.push(seal(self.seals.len(), piece));
        let written = self.out.as_mut().map_or(Ok(()), |out| out.write_all(piece));
        written.map_err(|error| GenerationError::io(&self.path, error))
    }

    /// Syncs the file and adds it to `files`; the checksums of its pieces.
    fn finish(&mut self, files: &mut Vec<StoredFile>) -> Result<Vec<u64>, GenerationError> {
        let failed = |error| GenerationError::io(&self.path, error);
        if let Some(out) = self.out.take() {
            let hashed = out.into_inner().map_err(|error| failed(error.into_error()))?;
            make_durable(&hashed.out).map_err(failed)?;
            files.push(hashed.stored(self.name));
        }
        Ok(std::mem::take(&mut self.seals))
    }
}

/// Writes and syncs a file; its checksum.
fn store(path: &Path, bytes: &[u8]) -> Result<String, GenerationError> {
    let failed = |error| GenerationError::io(path, error);
    let mut file = fs_err::File::create(path).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    make_durable(&file).map_err(failed)?;
    Ok(hex(XxHash3_128::oneshot(bytes)))
}

fn make_durable(file: &fs_err::File) -> io::Result<()> {
    file.sync_all()?;
    failpoint::reach("generation.file");
    Ok(())
}

/// Counts and sums up what passes through.
struct Hashed<W> {
    out: W,
    hash: XxHash3_128,
    bytes: u64,
}

impl<W> Hashed<W> {
    fn new(out: W) -> Self {
        Self { out, hash: XxHash3_128::new(), bytes: 0 }
    }

    fn stored(&self, name: &str) -> StoredFile {
        StoredFile { name: name.to_owned(), bytes: self.bytes, xxh3: hex(self.hash.finish_128()) }
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.out.write(buffer)?;
        self.hash.write(&buffer[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn lock(root: &Path) -> Result<std::fs::File, GenerationError> {
    let path = root.join("publish.lock");
    let failed = |error| GenerationError::io(&path, error);
    let options = fs_err::OpenOptions::new().write(true).create(true).truncate(false).open(&path);
    let file = options.map_err(failed)?.into_parts().0;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(GenerationError::Busy(root.to_owned())),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

type Present = (Vec<(u64, PathBuf)>, Vec<PathBuf>);

/// The generations that are there, and the remains of those that never became one.
fn present(root: &Path) -> std::io::Result<Present> {
    let (mut numbered, mut unfinished) = (Vec::new(), Vec::new());
    for entry in fs_err::read_dir(root)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !entry.file_type()?.is_dir() {
            continue;
        }
        if let Ok(number) = name.parse() {
            numbered.push((number, entry.path()));
        } else if name.starts_with(UNFINISHED) {
            unfinished.push(entry.path());
        }
    }
    Ok((numbered, unfinished))
}

/// Makes the names in a directory durable.
fn sync(directory: &Path) -> std::io::Result<()> {
    if cfg!(unix) { fs_err::File::open(directory)?.sync_all() } else { Ok(()) }
}
