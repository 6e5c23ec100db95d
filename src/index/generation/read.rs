//! Opening a generation: every byte is checked against the manifest, and the manifest against `CURRENT`.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{
    CURRENT, FORMAT, GRAPH, GenerationError, Kind, MANIFEST, Manifest, NUMBERS, Published, SENTENCE_COUNTS,
    SENTENCES, TRANSFORM, VECTORS, generations, hex,
};
use crate::index::graph::Graph;
use crate::index::{ExactIndex, FlatVectors, HnswIndex, SentenceVectors, VectorIndex};

impl Published {
    /// Opens the current generation of `library`; `None` if nothing was ever published.
    ///
    /// # Errors
    /// [`GenerationError::Damaged`] where anything is not as it was published, and which file.
    pub fn open(library: &Path) -> Result<Option<Self>, GenerationError> {
        let Some(mut current) = Current::read(library)? else { return Ok(None) };
        loop {
            match open(library, &current) {
                // The publisher removes what it has replaced: begin again if that happened under our hands.
                Err(error) => match Current::read(library)? {
                    Some(newer) if newer != current => current = newer,
                    _ => return Err(error),
                },
                opened => return opened.map(Some),
            }
        }
    }

    /// The number and manifest that `CURRENT` names, without reading the vectors: cheap enough to ask every second.
    ///
    /// # Errors
    /// As [`Published::open`], of what it reads.
    pub fn peek(library: &Path) -> Result<Option<(u64, Manifest)>, GenerationError> {
        let Some(current) = Current::read(library)? else { return Ok(None) };
        Ok(Some((current.number, manifest(&current.directory(library), &current)?)))
    }
}

/// What `CURRENT` says: `<number> <sha256 of the manifest>` and a line feed.
#[derive(PartialEq, Eq)]
pub(super) struct Current {
    pub(super) number: u64,
    pub(super) manifest_sha256: String,
}

impl Current {
    pub(super) fn read(library: &Path) -> Result<Option<Self>, GenerationError> {
        let path = generations(library).join(CURRENT);
        let bytes = match fs_err::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(GenerationError::io(&path, error)),
        };
        let current = std::str::from_utf8(&bytes).ok().and_then(|text| {
            let (number, sha256) = text.strip_suffix('\n')?.split_once(' ')?;
            Some(Self { number: number.parse().ok()?, manifest_sha256: sha256.to_owned() })
        });
        match current.filter(|current| current.to_line().as_bytes() == bytes) {
            Some(current) => Ok(Some(current)),
            None => Err(GenerationError::damaged(&path, "it names no generation")),
        }
    }

    pub(super) fn to_line(&self) -> String {
        format!("{} {}\n", self.number, self.manifest_sha256)
    }

    fn directory(&self, library: &Path) -> PathBuf {
        generations(library).join(self.number.to_string())
    }
}

fn manifest(directory: &Path, current: &Current) -> Result<Manifest, GenerationError> {
    let path = directory.join(MANIFEST);
    let bytes = fs_err::read(&path).map_err(|error| unreadable(&path, error))?;
    if hex(&Sha256::digest(&bytes)) != current.manifest_sha256 {
        return Err(GenerationError::damaged(&path, "the checksum does not fit"));
    }
    let manifest: Manifest =
        serde_json::from_slice(&bytes).map_err(|error| GenerationError::damaged(&path, error.to_string()))?;
    if manifest.format != FORMAT {
        return Err(GenerationError::damaged(&path, format!("format {}, not {FORMAT}", manifest.format)));
    }
    Ok(manifest)
}

fn open(library: &Path, current: &Current) -> Result<Published, GenerationError> {
    let directory = current.directory(library);
    let manifest = manifest(&directory, current)?;
    let file = |name| File { directory: &directory, manifest: &manifest, name };
    for beside in manifest.files.iter().filter(|file| file.name.contains('/')) {
        file(&beside.name).read(|_| {})?;
    }

    let transform = file(TRANSFORM).bytes()?;
    let numbers = file(NUMBERS).words(u32::from_le_bytes)?;
    let values = file(VECTORS).words(f32::from_le_bytes)?;
    let vectors = FlatVectors::of(manifest.dimension, numbers, values)
        .filter(|vectors| vectors.len() == manifest.count)
        .ok_or_else(|| file(VECTORS).damaged("the counts do not agree"))?;
    let vectors = Arc::new(vectors);
    let counts = file(SENTENCE_COUNTS).words(u32::from_le_bytes)?;
    let sentences = SentenceVectors::of(manifest.dimension, &counts, file(SENTENCES).bytes()?)
        .ok_or_else(|| file(SENTENCES).damaged("the counts do not agree"))?;
    let index: Box<dyn VectorIndex> = match manifest.kind {
        Kind::Exact => Box::new(ExactIndex::new(vectors)),
        Kind::Hnsw => {
            let words = file(GRAPH).words(u32::from_le_bytes)?;
            let graph = Graph::from_words(&words, vectors.len());
            let (Some(graph), Some(effort)) = (graph, manifest.effort) else {
                return Err(file(GRAPH).damaged("it is no graph of these vectors"));
            };
            Box::new(HnswIndex::of(vectors, graph, effort))
        }
    };
    Ok(Published {
        directory: directory.clone(),
        number: current.number,
        manifest,
        transform,
        index,
        sentences: Arc::new(sentences),
    })
}

/// A file of a generation that is being opened.
struct File<'g> {
    directory: &'g Path,
    manifest: &'g Manifest,
    name: &'g str,
}

impl File<'_> {
    fn damaged(&self, why: impl Into<String>) -> GenerationError {
        GenerationError::damaged(&self.directory.join(self.name), why)
    }

    fn bytes(&self) -> Result<Vec<u8>, GenerationError> {
        let mut bytes = Vec::new();
        self.read(|piece| bytes.extend_from_slice(piece))?;
        Ok(bytes)
    }

    /// The file as numbers of four bytes, without a second copy of it in memory.
    fn words<T>(&self, word: fn([u8; 4]) -> T) -> Result<Vec<T>, GenerationError> {
        let mut words = Vec::new();
        let mut odd = false;
        self.read(|piece| {
            let (pieces, rest) = piece.as_chunks::<4>();
            odd |= !rest.is_empty();
            words.extend(pieces.iter().map(|bytes| word(*bytes)));
        })?;
        if odd { Err(self.damaged("its length is no multiple of four")) } else { Ok(words) }
    }

    /// Shows the file to `take` piece by piece, each but the last a multiple of four, and verifies the whole.
    fn read(&self, mut take: impl FnMut(&[u8])) -> Result<(), GenerationError> {
        let wanted = self.manifest.files.iter().find(|file| file.name == self.name);
        let wanted = wanted.ok_or_else(|| self.damaged("the manifest does not name it"))?;
        let path = self.directory.join(self.name);
        let mut source = fs_err::File::open(&path).map_err(|error| unreadable(&path, error))?;
        let length = source.metadata().map_err(|error| GenerationError::io(&path, error))?.len();
        if length != wanted.bytes {
            return Err(self.damaged(format!("{length} bytes, not {}", wanted.bytes)));
        }
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 1 << 18];
        let mut left = length;
        while left > 0 {
            let size = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            let piece = &mut buffer[..size];
            source.read_exact(piece).map_err(|error| unreadable(&path, error))?;
            hash.update(&*piece);
            take(piece);
            left -= size as u64;
        }
        if hex(&hash.finalize()) == wanted.sha256 {
            Ok(())
        } else {
            Err(self.damaged("the checksum does not fit"))
        }
    }
}

fn unreadable(path: &Path, error: std::io::Error) -> GenerationError {
    match error.kind() {
        std::io::ErrorKind::NotFound => GenerationError::damaged(path, "it is not there"),
        std::io::ErrorKind::UnexpectedEof => GenerationError::damaged(path, "it ends too early"),
        _ => GenerationError::io(path, error),
    }
}
