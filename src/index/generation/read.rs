//! Opening a generation: the manifest is checked against `CURRENT`, the files against the manifest.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytemuck::Pod;
use rayon::prelude::*;
use twox_hash::XxHash3_128;

use super::{
    CODES, CURRENT, FORMAT, GRAPH, GenerationError, Kind, MANIFEST, Manifest, NUMBERS, Published, SCALES,
    SENTENCE_COUNTS, SENTENCE_SEALS, SENTENCES, StoredFile, TRANSFORM, VECTOR_SEALS, VECTORS, generations,
    hex,
};
use crate::index::codes::Codes;
use crate::index::graph::Graph;
use crate::index::held::Held;
use crate::index::sealed::Sealed;
use crate::index::{ExactIndex, FlatVectors, HnswIndex, SentenceVectors, VectorIndex};

impl Published {
    /// Opens the current generation of `library`; `None` if nothing was ever published.
    ///
    /// # Errors
    /// [`GenerationError::Damaged`] where anything is not as it was published, and which file; of whole vectors and sentences
    /// only [`Published::verify`] and [`Published::damaged`] can tell.
    pub fn open(library: &Path) -> Result<Option<Self>, GenerationError> {
        Self::current(library, |current| open(library, current))
    }

    /// What `read` gives of the current generation.
    fn current<T>(
        library: &Path,
        read: impl Fn(&Current) -> Result<T, GenerationError>,
    ) -> Result<Option<T>, GenerationError> {
        let Some(mut current) = Current::read(library)? else { return Ok(None) };
        loop {
            match read(&current) {
                // The publisher removes what it has replaced: begin again if that happened under our hands.
                Err(error) => match Current::read(library)? {
                    Some(newer) if newer != current => current = newer,
                    _ => return Err(error),
                },
                read => return read.map(Some),
            }
        }
    }

    /// Reads what [`Published::open`] left to be read when it is wanted.
    ///
    /// # Errors
    /// [`GenerationError::Damaged`] where it is not as it was published.
    pub fn verify(&self) -> Result<(), GenerationError> {
        let whole = self.index.vectors().is_whole() && self.sentences.is_whole();
        self.damaged().filter(|_| !whole).map_or(Ok(()), Err)
    }

    /// What was found damaged when it was read, if anything was.
    #[must_use]
    pub fn damaged(&self) -> Option<GenerationError> {
        let path = self.index.vectors().damaged().or_else(|| self.sentences.damaged())?;
        Some(GenerationError::damaged(path, "a checksum does not fit"))
    }

    /// The number and manifest that `CURRENT` names, without reading the vectors: cheap enough to ask every second.
    ///
    /// # Errors
    /// As [`Published::open`], of what it reads.
    pub fn peek(library: &Path) -> Result<Option<(u64, Manifest)>, GenerationError> {
        Self::current(library, |current| {
            Ok((current.number, manifest(&current.directory(library), current)?))
        })
    }
}

/// What `CURRENT` says: `<number> <checksum of the manifest>` and a line feed.
#[derive(PartialEq, Eq)]
pub(super) struct Current {
    pub(super) number: u64,
    pub(super) manifest_xxh3: String,
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
            let (number, xxh3) = text.strip_suffix('\n')?.split_once(' ')?;
            Some(Self { number: number.parse().ok()?, manifest_xxh3: xxh3.to_owned() })
        });
        match current.filter(|current| current.to_line().as_bytes() == bytes) {
            Some(current) => Ok(Some(current)),
            None => Err(GenerationError::damaged(&path, "it names no generation")),
        }
    }

    pub(super) fn to_line(&self) -> String {
        format!("{} {}\n", self.number, self.manifest_xxh3)
    }

    fn directory(&self, library: &Path) -> PathBuf {
        generations(library).join(self.number.to_string())
    }
}

fn manifest(directory: &Path, current: &Current) -> Result<Manifest, GenerationError> {
    let path = directory.join(MANIFEST);
    let bytes = fs_err::read(&path).map_err(|error| unreadable(&path, error))?;
    if current.manifest_xxh3.len() > hex(0).len() {
        return Err(GenerationError::damaged(&path, "it is of an older version of paperkin"));
    }
    if hex(XxHash3_128::oneshot(&bytes)) != current.manifest_xxh3 {
        return Err(GenerationError::damaged(&path, "the checksum does not fit"));
    }
    let manifest: Manifest =
        serde_json::from_slice(&bytes).map_err(|error| GenerationError::damaged(&path, error.to_string()))?;
    if manifest.format != FORMAT {
        return Err(GenerationError::damaged(&path, format!("format {}, not {FORMAT}", manifest.format)));
    }
    Ok(manifest)
}

pub(super) fn open(library: &Path, current: &Current) -> Result<Published, GenerationError> {
    let directory = current.directory(library);
    let manifest = manifest(&directory, current)?;
    let file = |name| File { directory: &directory, manifest: &manifest, name };
    manifest
        .files
        .par_iter()
        .filter(|file| file.name.contains('/'))
        .try_for_each(|beside| file(&beside.name).held::<u8>().map(drop))?;

    let (vectors, graph) = rayon::join(
        || vectors(file),
        || (manifest.kind == Kind::Hnsw).then(|| file(GRAPH).held()).transpose(),
    );
    let (vectors, graph) = (Arc::new(vectors?), graph?);
    let counts = file(SENTENCE_COUNTS).held::<u32>()?;
    let sentences =
        SentenceVectors::stored(manifest.dimension, &counts, file(SENTENCES).sealed(SENTENCE_SEALS)?)
            .ok_or_else(|| file(SENTENCE_COUNTS).damaged("the counts do not agree"))?;
    let graph = match graph {
        None => None,
        Some(words) => {
            let graph = Graph::of_words(words, vectors.len());
            let (Some(graph), Some(effort)) = (graph, manifest.effort) else {
                return Err(file(GRAPH).damaged("it is no graph of these vectors"));
            };
            Some(Arc::new(HnswIndex::of(Arc::clone(&vectors), graph, effort)))
        }
    };
    let index: Arc<dyn VectorIndex> = match &graph {
        None => Arc::new(ExactIndex::new(vectors)),
        Some(graph) => Arc::clone(graph) as _,
    };
    let transform = file(TRANSFORM).held::<u8>()?.to_vec();
    let (number, sentences) = (current.number, Arc::new(sentences));
    Ok(Published { directory: directory.clone(), number, manifest, transform, index, graph, sentences })
}

fn vectors<'g>(file: impl Fn(&'g str) -> File<'g>) -> Result<FlatVectors, GenerationError> {
    let manifest = file(CODES).manifest;
    let (numbers, scales) = (file(NUMBERS).held::<u32>()?.to_vec(), file(SCALES).held::<f32>()?.to_vec());
    let whole = file(VECTORS).sealed(VECTOR_SEALS)?;
    Codes::stored(manifest.dimension, file(CODES).held()?, scales, manifest.rounding)
        .filter(|codes| codes.len() == manifest.count && numbers.is_sorted_by(|one, two| one < two))
        .and_then(|codes| FlatVectors::stored(numbers, codes, whole))
        .ok_or_else(|| file(CODES).damaged("the counts do not agree"))
}

/// A file of a generation that is being opened.
struct File<'g> {
    directory: &'g Path,
    manifest: &'g Manifest,
    name: &'g str,
}

impl File<'_> {
    fn path(&self) -> PathBuf {
        self.directory.join(self.name)
    }

    fn damaged(&self, why: impl Into<String>) -> GenerationError {
        GenerationError::damaged(&self.path(), why)
    }

    /// The file, of the length that it was published with.
    fn open(&self) -> Result<(fs_err::File, &StoredFile), GenerationError> {
        let wanted = self.manifest.files.iter().find(|file| file.name == self.name);
        let wanted = wanted.ok_or_else(|| self.damaged("the manifest does not name it"))?;
        let path = self.path();
        let source = fs_err::File::open(&path).map_err(|error| unreadable(&path, error))?;
        let length = source.metadata().map_err(|error| GenerationError::io(&path, error))?.len();
        match length == wanted.bytes {
            true => Ok((source, wanted)),
            false => Err(self.damaged(format!("{length} bytes, not {}", wanted.bytes))),
        }
    }

    /// The whole file, verified.
    fn held<T: Pod>(&self) -> Result<Held<T>, GenerationError> {
        let (source, wanted) = self.open()?;
        let held = Held::of(&source).map_err(|error| GenerationError::io(&self.path(), error))?;
        let held: Held<T> = held.ok_or_else(|| self.damaged("its length is no multiple of its numbers'"))?;
        match hex(XxHash3_128::oneshot(held.as_bytes())) == wanted.xxh3 {
            true => Ok(held),
            false => Err(self.damaged("the checksum does not fit")),
        }
    }

    /// The file, whose pieces have their checksums in the file `seals`.
    fn sealed(&self, seals: &str) -> Result<Sealed, GenerationError> {
        let (source, stored) = self.open()?;
        let seals = File { name: seals, ..*self }.held::<u64>()?.to_vec();
        Ok(Sealed::new(&self.path(), source, stored.bytes, seals))
    }
}

fn unreadable(path: &Path, error: std::io::Error) -> GenerationError {
    match error.kind() {
        std::io::ErrorKind::NotFound => GenerationError::damaged(path, "it is not there"),
        std::io::ErrorKind::UnexpectedEof => GenerationError::damaged(path, "it ends too early"),
        _ => GenerationError::io(path, error),
    }
}
