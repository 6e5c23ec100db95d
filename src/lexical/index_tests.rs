//! An index on the disk: whole, left as it was by whoever reads it, and named when it is not whole.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use tantivy::directory::RamDirectory;

use super::index::fill;
use super::{Document, LexicalError, LexicalIndex, Lexicon, Terms};

fn documents() -> Vec<Document<'static>> {
    vec![
        Document {
            number: 7,
            title: "GPT-4 보고서".into(),
            abstract_text: "We report on GPT-4.".into(),
            ..Document::default()
        },
        Document {
            number: 9, commentary: "언어 모델을 키운다. 用语言模型做".into(), ..Document::default()
        },
        Document {
            number: 11,
            tags: "llm".into(),
            names: "김철수 arxiv:2303.08774".into(),
            ..Document::default()
        },
        Document { number: 12, ..Document::default() },
    ]
}

fn bytes(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs_err::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs_err::read(&path).unwrap()))
        .collect()
}

fn numbers(index: LexicalIndex, question: &str) -> Vec<u32> {
    let lexicon = Lexicon::new(vec![Arc::new(index)]);
    lexicon.search(&Terms::of(question)).unwrap().hits().map(|hit| hit.number).collect()
}

#[test]
fn what_was_written_is_found_and_reading_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("words");
    let files = LexicalIndex::write(&folder, documents()).unwrap();
    let before = bytes(&folder);
    assert_eq!(before.keys().cloned().collect::<Vec<_>>(), files, "the files are all that is there");
    let index = LexicalIndex::open(&folder).unwrap();
    assert_eq!(index.len(), 4);
    assert_eq!(index.segments.len(), 1);
    assert_eq!(numbers(index, "gpt4"), [7]);
    assert_eq!(numbers(LexicalIndex::open(&folder).unwrap(), "모델"), [9]);
    assert_eq!(numbers(LexicalIndex::open(&folder).unwrap(), "2303.08774 \"언어 모델\""), [9]);
    assert_eq!(numbers(LexicalIndex::open(&folder).unwrap(), "2303.08774"), [11]);
    assert_eq!(bytes(&folder), before);
}

#[test]
fn the_same_documents_give_the_same_postings() {
    let contents = |_| {
        let folder = tempfile::tempdir().unwrap();
        LexicalIndex::write(folder.path(), documents()).unwrap();
        // Names are random, and meta.json has them.
        let files = bytes(folder.path()).into_iter().filter(|(name, _)| name != "meta.json");
        let files = files.map(|(name, bytes)| (name.rsplit('.').next().unwrap().to_owned(), bytes));
        files.collect::<BTreeMap<_, _>>()
    };
    assert_eq!(contents(1), contents(2));
}

#[test]
fn an_index_of_nothing_is_an_index() {
    let folder = tempfile::tempdir().unwrap();
    LexicalIndex::write(folder.path(), std::iter::empty()).unwrap();
    let index = LexicalIndex::open(folder.path()).unwrap();
    assert!(index.is_empty());
    assert!(numbers(index, "gpt").is_empty());
    assert!(numbers(LexicalIndex::in_memory(std::iter::empty()).unwrap(), "gpt").is_empty());
}

#[test]
fn a_second_index_does_not_fall_on_the_first() {
    let folder = tempfile::tempdir().unwrap();
    LexicalIndex::write(folder.path(), documents()).unwrap();
    let before = bytes(folder.path());
    let error = LexicalIndex::write(folder.path(), documents()).unwrap_err();
    assert!(matches!(error, LexicalError::Exists(path) if path == folder.path()));
    assert_eq!(bytes(folder.path()), before);
}

#[test]
fn what_is_missing_or_damaged_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("nowhere");
    let error = LexicalIndex::open(&missing).err().unwrap();
    assert!(matches!(&error, LexicalError::Missing(path) if *path == missing), "{error}");
    assert!(!missing.exists());

    let files = LexicalIndex::write(folder.path(), documents()).unwrap();
    for name in &files {
        let path = folder.path().join(name);
        let whole = fs_err::read(&path).unwrap();
        let mut damages = vec![Vec::new(), whole[..whole.len() / 2].to_vec()];
        // meta.json has no checksum of tantivy's: a blank more or less there is no damage.
        if name != "meta.json" {
            damages.push(whole[..whole.len() - 1].to_vec());
            for at in [0, whole.len() / 2, whole.len() - 1] {
                let mut changed = whole.clone();
                changed[at] ^= 0x55;
                damages.push(changed);
            }
        }
        for damaged in damages {
            fs_err::write(&path, &damaged).unwrap();
            let error = LexicalIndex::open(folder.path()).err();
            let error = error.unwrap_or_else(|| panic!("{name}: {} of {} bytes", damaged.len(), whole.len()));
            assert!(matches!(error, LexicalError::Damaged { .. }), "{error:?}");
            assert!(error.to_string().contains(&*folder.path().to_string_lossy()), "{error}");
        }
        fs_err::remove_file(&path).unwrap();
        let error = LexicalIndex::open(folder.path()).err().unwrap();
        assert!(error.to_string().contains(&*folder.path().to_string_lossy()), "{error}");
        fs_err::write(&path, &whole).unwrap();
    }
    assert!(LexicalIndex::open(folder.path()).is_ok());
}

#[test]
fn more_than_memory_holds_is_still_one_segment() {
    let texts: Vec<String> = (0..30_000).map(|i| format!("λ{i} 모델 ρ{} σ{}", i / 2, i * 3)).collect();
    let documents = (0_u32..).zip(&texts).map(|(number, text)| Document {
        number,
        abstract_text: text.into(),
        ..Document::default()
    });
    let (index, _) = fill(RamDirectory::create(), 15 << 20, documents).unwrap();
    let index = LexicalIndex::of(Path::new("memory"), &index).unwrap();
    assert_eq!((index.len(), index.segments.len()), (30_000, 1));
    assert!(index.segments[0].numbers().is_sorted(), "in the order of writing");
    let lexicon = Lexicon::new(vec![Arc::new(index)]);
    for number in [0, 14_999, 29_999] {
        let hits: Vec<_> = lexicon.search(&Terms::of(&format!("\"λ{number}\""))).unwrap().hits().collect();
        assert_eq!(hits.iter().map(|hit| hit.number).collect::<Vec<_>>(), [number]);
    }
}
