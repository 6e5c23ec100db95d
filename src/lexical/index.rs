//! One index of words: written once, opened without leaving a trace, never changed.
//!
//! Lengths of fields are kept beside the postings, exactly, and not in tantivy's field norms: those count every
//! token, and here a word is one word however many forms of it are stored. Numbers and lengths are held in memory,
//! 24 bytes a document; postings stay where they lie and are mapped.

use std::ffi::OsString;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tantivy::directory::error::{OpenDirectoryError, OpenReadError};
use tantivy::directory::{MmapDirectory, RamDirectory};
use tantivy::index::{Index, InvertedIndexReader, SegmentMeta, SegmentReader};
use tantivy::indexer::{IndexWriterOptions, NoMergePolicy};
use tantivy::schema::{self, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::{PreTokenizedString, Token};
use tantivy::{Directory, IndexWriter, TantivyDocument, TantivyError};

use super::token::{Stems, tokens_with};
use super::{Document, FIELDS, LexicalError, SCHEMA};
use crate::paper::place_of;

/// Memory for postings until they are written aside, to be merged in the end.
const MEMORY: usize = 256 << 20;
/// The same for an index that stays in memory: a few papers, or a judged set.
const SMALL_MEMORY: usize = 32 << 20;
/// What tantivy leaves behind when it writes; none of it is read again.
const LEFT_BEHIND: [&str; 3] = [".tantivy-writer.lock", ".tantivy-meta.lock", ".managed.json"];
const META: &str = "meta.json";
const NUMBER: &str = "number";

/// An index of documents by their words.
pub struct LexicalIndex {
    pub(super) path: PathBuf,
    pub(super) segments: Vec<Segment>,
}

/// A part of an index; one written by us has one, or none if it has no documents.
pub(super) struct Segment {
    numbers: Vec<u32>,
    /// Documents in the order of their numbers, where that is not their own.
    in_order: Vec<u32>,
    /// Words of each document, by field.
    pub(super) lengths: [Vec<u32>; FIELDS],
    pub(super) postings: [Arc<InvertedIndexReader>; FIELDS],
}

impl LexicalIndex {
    /// Writes an index of `documents` into `folder`, which is made if it is not there, and gives the names of its files.
    /// They are on the disk when this returns.
    ///
    /// # Errors
    /// [`LexicalError::Exists`], [`LexicalError::DiskFull`]; what was written until then stays for the caller to remove.
    pub fn write<'a>(
        folder: &Path,
        documents: impl IntoIterator<Item = Document<'a>>,
    ) -> Result<Vec<String>, LexicalError> {
        fs_err::create_dir_all(folder).map_err(|error| LexicalError::io(folder, error))?;
        if folder.join(META).exists() {
            return Err(LexicalError::Exists(folder.to_owned()));
        }
        let directory = MmapDirectory::open(folder).map_err(|error| unopened(folder, error))?;
        let files = fill(directory, MEMORY, documents).map_err(|error| failed(folder, error))?.1;
        for name in LEFT_BEHIND {
            match fs_err::remove_file(folder.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(LexicalError::io(folder, error));
                }
                _ => {}
            }
        }
        // Each file was synced when it was closed; their names, and that the others are gone, only now.
        if cfg!(unix) {
            let synced = fs_err::File::open(folder).and_then(|folder| folder.sync_all());
            synced.map_err(|error| LexicalError::io(folder, error))?;
        }
        Ok(files)
    }

    /// Opens the index in `folder`, after the checksum of every file was verified. Nothing is written.
    ///
    /// # Errors
    /// [`LexicalError::Missing`], [`LexicalError::Damaged`].
    pub fn open(folder: &Path) -> Result<Self, LexicalError> {
        if !folder.join(META).is_file() {
            return Err(LexicalError::Missing(folder.to_owned()));
        }
        let opened = catch_unwind(AssertUnwindSafe(|| {
            let directory = MmapDirectory::open(folder).map_err(|error| unopened(folder, error))?;
            let index = Index::open(directory).map_err(|error| damaged(folder, error))?;
            let meta = index.load_metas().map_err(|error| damaged(folder, error))?;
            for file in files_of(folder, &meta.segments)? {
                match index.directory().validate_checksum(Path::new(&file)) {
                    Ok(true) => {}
                    Ok(false) => {
                        return Err(LexicalError::damaged(&folder.join(file), "the checksum does not fit"));
                    }
                    Err(error) => return Err(damaged(folder, error.into())),
                }
            }
            Self::of(folder, &index)
        }));
        // Only a file that was altered together with its checksum gets here.
        opened.unwrap_or_else(|_| Err(LexicalError::damaged(folder, "tantivy cannot read it")))
    }

    /// An index of `documents` that is gone with this value.
    ///
    /// # Errors
    /// Where memory or threads run out.
    pub fn in_memory<'a>(documents: impl IntoIterator<Item = Document<'a>>) -> Result<Self, LexicalError> {
        let path = Path::new("memory");
        let filled = fill(RamDirectory::create(), SMALL_MEMORY, documents);
        Self::of(path, &filled.map_err(|error| failed(path, error))?.0)
    }

    /// How many documents.
    #[must_use]
    pub fn len(&self) -> usize {
        self.segments.iter().map(|segment| segment.numbers().len()).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn of(path: &Path, index: &Index) -> Result<Self, LexicalError> {
        if index.schema() != schema() {
            return Err(LexicalError::damaged(&path.join(META), "its fields are another version's"));
        }
        let segments = index.searchable_segments().map_err(|error| damaged(path, error))?;
        let segments = segments
            .iter()
            .map(|segment| Segment::of(&SegmentReader::open(segment)?))
            .collect::<tantivy::Result<Vec<Segment>>>();
        Ok(Self { path: path.to_owned(), segments: segments.map_err(|error| damaged(path, error))? })
    }
}

impl Segment {
    fn of(reader: &SegmentReader) -> tantivy::Result<Self> {
        let column = |name: &str| -> tantivy::Result<Vec<u32>> {
            let column = reader.fast_fields().column_first_or_default::<u64>(name)?;
            Ok((0..reader.max_doc())
                .map(|document| u32::try_from(column.get_val(document)).unwrap_or(u32::MAX))
                .collect())
        };
        let mut lengths = [const { Vec::new() }; FIELDS];
        let mut postings = Vec::with_capacity(FIELDS);
        for (field, lengths) in SCHEMA.iter().zip(&mut lengths) {
            *lengths = column(&length_of(field.name))?;
            postings.push(reader.inverted_index(reader.schema().get_field(field.name)?)?);
        }
        let postings = postings.try_into();
        let postings = postings.map_err(|_| TantivyError::InternalError("not as many fields".to_owned()))?;
        let numbers = column(NUMBER)?;
        // Merged segments come in any order.
        let mut in_order = Vec::new();
        if !numbers.is_sorted() {
            in_order = (0..reader.max_doc()).collect();
            in_order.sort_unstable_by_key(|document| numbers.get(*document as usize));
        }
        Ok(Self { numbers, in_order, lengths, postings })
    }

    /// The number of each document.
    pub(super) fn numbers(&self) -> &[u32] {
        &self.numbers
    }

    /// The document of this number.
    pub(super) fn document_of(&self, number: u32) -> Option<usize> {
        if self.in_order.is_empty() {
            return place_of(&self.numbers, number);
        }
        let number_of = |document: &u32| self.numbers.get(*document as usize).copied();
        let at = self.in_order.binary_search_by_key(&Some(number), number_of).ok()?;
        self.in_order.get(at).map(|document| *document as usize)
    }
}

/// Files of these segments that are there: all have the segment's id for a name. Opening misses those that are not.
fn files_of(folder: &Path, segments: &[SegmentMeta]) -> Result<Vec<OsString>, LexicalError> {
    let failed = |error| LexicalError::io(folder, error);
    let ids: Vec<String> = segments.iter().map(|segment| segment.id().uuid_string()).collect();
    let mut files = Vec::new();
    for entry in fs_err::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if ids.iter().any(|id| name.to_string_lossy().starts_with(id)) {
            files.push(name);
        }
    }
    Ok(files)
}

fn length_of(field: &str) -> String {
    format!("{field}_length")
}

fn schema() -> Schema {
    let indexing = TextFieldIndexing::default()
        .set_tokenizer("raw")
        .set_fieldnorms(false)
        .set_index_option(IndexRecordOption::WithFreqsAndPositions);
    let mut schema = Schema::builder();
    for field in SCHEMA {
        schema.add_text_field(field.name, TextOptions::default().set_indexing_options(indexing.clone()));
        schema.add_u64_field(&length_of(field.name), schema::FAST);
    }
    schema.add_u64_field(NUMBER, schema::FAST);
    schema.build()
}

/// One segment of all documents, and the names of its files. One thread and one merge at the end: the
/// same documents give the same postings.
pub(super) fn fill<'a>(
    directory: impl Directory,
    memory: usize,
    documents: impl IntoIterator<Item = Document<'a>>,
) -> tantivy::Result<(Index, Vec<String>)> {
    let index = Index::create(directory, schema(), tantivy::IndexSettings::default())?;
    let options = IndexWriterOptions::builder()
        .num_worker_threads(1)
        .num_merge_threads(1)
        .memory_budget_per_thread(memory)
        .build();
    let mut writer: IndexWriter = index.writer_with_options(options)?;
    writer.set_merge_policy(Box::new(NoMergePolicy));
    let mut stems = Stems::new();
    for document in documents {
        writer.add_document(fields(&index.schema(), &document, &mut stems)?)?;
    }
    writer.commit()?;
    let segments = index.searchable_segment_ids()?;
    if segments.len() > 1 {
        writer.merge(&segments).wait()?;
    }
    writer.garbage_collect_files().wait()?;
    writer.wait_merging_threads()?;
    let mut files: Vec<String> = index
        .directory()
        .list_managed_files()
        .iter()
        .map(|file| file.to_string_lossy().into_owned())
        .collect();
    files.sort_unstable();
    Ok((index, files))
}

fn fields(schema: &Schema, document: &Document<'_>, stems: &mut Stems) -> tantivy::Result<TantivyDocument> {
    let mut fields = TantivyDocument::default();
    fields.add_u64(schema.get_field(NUMBER)?, u64::from(document.number));
    for field in SCHEMA {
        let tokens = tokens_with((field.text)(document), stems);
        let length = tokens.iter().filter(|token| token.role.is_asked()).count();
        fields.add_u64(schema.get_field(&length_of(field.name))?, u64::try_from(length).unwrap_or(u64::MAX));
        if tokens.is_empty() {
            continue;
        }
        let tokens = tokens.into_iter().map(|token| Token {
            offset_from: token.start,
            offset_to: token.end,
            position: token.position,
            text: token.term,
            position_length: 1,
        });
        let text = PreTokenizedString { text: String::new(), tokens: tokens.collect() };
        fields.add_pre_tokenized_text(schema.get_field(field.name)?, text);
    }
    Ok(fields)
}

fn unopened(folder: &Path, error: OpenDirectoryError) -> LexicalError {
    match error {
        OpenDirectoryError::IoError { io_error, .. } => LexicalError::io(folder, again(&io_error)),
        other => LexicalError::damaged(folder, other),
    }
}

/// What went wrong with writing: mostly the disk's.
fn failed(path: &Path, error: TantivyError) -> LexicalError {
    match error {
        TantivyError::IoError(error) => LexicalError::io(path, again(&error)),
        TantivyError::OpenWriteError(tantivy::directory::error::OpenWriteError::IoError {
            io_error,
            filepath,
        }) => LexicalError::io(&path.join(filepath), again(&io_error)),
        other => LexicalError::io(path, io::Error::other(other)),
    }
}

/// What went wrong with reading: mostly the file's.
pub(super) fn damaged(path: &Path, error: TantivyError) -> LexicalError {
    match error {
        TantivyError::OpenReadError(OpenReadError::FileDoesNotExist(file)) => {
            LexicalError::damaged(&path.join(file), "it is gone")
        }
        TantivyError::OpenReadError(OpenReadError::IoError { io_error, filepath }) => {
            LexicalError::damaged(&path.join(filepath), io_error)
        }
        other => LexicalError::damaged(path, other),
    }
}

/// tantivy shares its IO errors; ours are owned, of the same kind and saying the same.
fn again(error: &Arc<io::Error>) -> io::Error {
    error
        .raw_os_error()
        .map_or_else(|| io::Error::new(error.kind(), error.to_string()), io::Error::from_raw_os_error)
}
