//! Publishing a generation: written aside, synced file by file, renamed, synced, and only then named in `CURRENT`.

use std::fs::TryLockError;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::read::Current;
use super::{
    CURRENT, Contents, FORMAT, GRAPH, GenerationError, Kind, MANIFEST, Manifest, NUMBERS, Published,
    SENTENCE_COUNTS, SENTENCES, StoredFile, TRANSFORM, VECTORS, generations, hex,
};
use crate::failpoint;
use crate::index::{EXACT_LIMIT, ExactIndex, HnswIndex, SentenceVectors, VectorIndex};

/// What is being written has this in front of its number; nobody reads it, and the next publisher removes it.
const UNFINISHED: &str = "new-";

/// Publishes `contents` as the library's current generation, and removes the ones before it.
///
/// # Errors
/// [`GenerationError::Busy`], [`GenerationError::DiskFull`]; what was published before is then still current.
pub fn publish(library: &Path, contents: Contents<'_>) -> Result<Published, GenerationError> {
    let kind = if contents.vectors.len() <= EXACT_LIMIT { Kind::Exact } else { Kind::Hnsw };
    publish_as(library, contents, kind)
}

/// The same, of a kind that is not left to the size.
///
/// # Errors
/// As [`publish`].
pub fn publish_as(library: &Path, contents: Contents<'_>, kind: Kind) -> Result<Published, GenerationError> {
    let root = generations(library);
    let failed = |error| GenerationError::io(&root, error);
    if !root.is_dir() {
        fs_err::create_dir_all(&root).map_err(failed)?;
        sync(library).map_err(failed)?;
    }
    let _lock = lock(&root)?;
    let (numbered, unfinished) = present(&root).map_err(failed)?;
    for directory in unfinished {
        fs_err::remove_dir_all(directory).map_err(failed)?;
    }
    // A damaged CURRENT is what is being repaired.
    let named = Current::read(library).ok().flatten().map_or(0, |current| current.number);
    let number = numbered.iter().map(|(number, _)| *number).chain([named]).max().unwrap_or(0) + 1;

    let directory = root.join(format!("{UNFINISHED}{number}"));
    fs_err::create_dir(&directory).map_err(failed)?;
    let written = write(&directory, contents, kind);
    let (manifest, manifest_sha256, transform, index, sentences) = match written {
        Ok(written) => written,
        Err(error) => {
            // The disk may be full of it.
            let _ = fs_err::remove_dir_all(&directory);
            return Err(error);
        }
    };
    fs_err::rename(&directory, root.join(number.to_string())).map_err(failed)?;
    failpoint::reach("generation.directory.renamed");
    sync(&root).map_err(failed)?;

    let next = root.join(format!("{UNFINISHED}{CURRENT}"));
    let line = Current { number, manifest_sha256 }.to_line();
    store(&next, |file| file.write_all(line.as_bytes()))?;
    failpoint::reach("generation.current.before_rename");
    fs_err::rename(&next, root.join(CURRENT)).map_err(failed)?;
    failpoint::reach("generation.current.after_rename");
    sync(&root).map_err(failed)?;

    failpoint::reach("generation.old.before_removal");
    for (_, old) in numbered {
        // Published is published; what stays here the next publisher removes.
        let _ = fs_err::remove_dir_all(old);
    }
    Ok(Published { directory: root.join(number.to_string()), number, manifest, transform, index, sentences })
}

type Written = (Manifest, String, Vec<u8>, Box<dyn VectorIndex>, Arc<SentenceVectors>);

fn write(directory: &Path, contents: Contents<'_>, kind: Kind) -> Result<Written, GenerationError> {
    let vectors = Arc::new(contents.vectors);
    let mut files = Vec::new();
    let mut file = |name: &str, fill: &dyn Fn(&mut dyn Write) -> std::io::Result<()>| {
        let (bytes, sha256) = store(&directory.join(name), fill)?;
        files.push(StoredFile { name: name.to_owned(), bytes, sha256: sha256.clone() });
        Ok::<_, GenerationError>(sha256)
    };
    let transform_sha256 = file(TRANSFORM, &|out| out.write_all(contents.transform))?;
    file(NUMBERS, &|out| {
        vectors.numbers().iter().try_for_each(|number| out.write_all(&number.to_le_bytes()))
    })?;
    file(VECTORS, &|out| vectors.values().iter().try_for_each(|value| out.write_all(&value.to_le_bytes())))?;
    let sentences = Arc::new(contents.sentences);
    file(SENTENCE_COUNTS, &|out| {
        sentences.counts().iter().try_for_each(|number| out.write_all(&number.to_le_bytes()))
    })?;
    file(SENTENCES, &|out| {
        let mut rows = sentences.values().chunks(1 << 16);
        rows.try_for_each(|piece| {
            out.write_all(&piece.iter().map(|byte| byte.cast_unsigned()).collect::<Vec<u8>>())
        })
    })?;
    let mut effort = None;
    let index: Box<dyn VectorIndex> = match kind {
        Kind::Exact => Box::new(ExactIndex::new(Arc::clone(&vectors))),
        Kind::Hnsw => {
            let index = HnswIndex::build(Arc::clone(&vectors));
            let bytes = index.graph().to_bytes();
            file(GRAPH, &|out| out.write_all(&bytes))?;
            effort = Some(index.effort());
            Box::new(index)
        }
    };
    if let Some(beside) = contents.beside {
        let folder = directory.join(beside.folder);
        let failed = |error| GenerationError::io(&folder, error);
        fs_err::create_dir(&folder).map_err(failed)?;
        for name in (beside.write)(&folder).map_err(failed)? {
            let (bytes, sha256) = sealed(&folder.join(&name))?;
            files.push(StoredFile { name: format!("{}/{name}", beside.folder), bytes, sha256 });
        }
        sync(&folder).map_err(failed)?;
    }
    let manifest = Manifest {
        format: FORMAT,
        fingerprint: contents.fingerprint.to_owned(),
        transform_sha256,
        revision: contents.revision,
        count: vectors.len(),
        dimension: vectors.dimension(),
        kind,
        effort,
        files,
    };
    let path = directory.join(MANIFEST);
    let json =
        serde_json::to_vec_pretty(&manifest).map_err(|error| GenerationError::io(&path, error.into()))?;
    let (_, manifest_sha256) = store(&path, |out| out.write_all(&json))?;
    failpoint::reach("generation.directory.before_sync");
    sync(directory).map_err(|error| GenerationError::io(directory, error))?;
    failpoint::reach("generation.directory.after_sync");
    Ok((manifest, manifest_sha256, contents.transform.to_vec(), index, sentences))
}

/// Writes and syncs a file; its length and checksum.
fn store(
    path: &Path,
    fill: impl Fn(&mut dyn Write) -> std::io::Result<()>,
) -> Result<(u64, String), GenerationError> {
    let failed = |error| GenerationError::io(path, error);
    let file = fs_err::File::create(path).map_err(failed)?;
    let mut out = BufWriter::with_capacity(1 << 18, Hashed { file, hash: Sha256::new(), bytes: 0 });
    fill(&mut out).map_err(failed)?;
    let hashed = out.into_inner().map_err(|error| failed(error.into_error()))?;
    hashed.file.sync_all().map_err(failed)?;
    failpoint::reach("generation.file");
    Ok((hashed.bytes, hex(&hashed.hash.finalize())))
}

/// Length and checksum of a file that is there.
fn sealed(path: &Path) -> Result<(u64, String), GenerationError> {
    let failed = |error| GenerationError::io(path, error);
    let mut source = fs_err::File::open(path).map_err(failed)?;
    let mut hash = Sha256::new();
    let bytes = std::io::copy(&mut source, &mut hash).map_err(failed)?;
    Ok((bytes, hex(&hash.finalize())))
}

struct Hashed {
    file: fs_err::File,
    hash: Sha256,
    bytes: u64,
}

impl Write for Hashed {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        let written = self.file.write(buffer)?;
        self.hash.update(&buffer[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
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
