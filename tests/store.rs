//! What is put into the store is found again, by every name, merged as a person would, and never embedded twice.

use std::path::Path;

use paperkin::paper::{
    Commentary, Language, Mention, Paper, PaperId, Passage, Record, Source, UnitVector, passages_of,
};
use paperkin::store::{Change, Outcome, PassageNumber, Store, StoreError, Writer};
use proptest::prelude::*;
use tempfile::TempDir;

const MODEL: &str = "test-model";

fn cut(paper: &Paper) -> Vec<Passage> {
    passages_of(paper, 40, |text| text.chars().count())
}

fn writer(library: &Path) -> Writer {
    Writer::open(library, MODEL, 4).unwrap()
}

fn record(file: &str, slot: &str, title: &str) -> Record {
    Record {
        source: Source { file: file.into(), line: 1, slot: slot.into() },
        title: title.into(),
        ..Record::default()
    }
}

fn with_id(mut record: Record, id: &str) -> Record {
    record.ids.push(id.parse().unwrap());
    record
}

fn with_comment(mut record: Record, text: &str) -> Record {
    record.commentaries.push(Commentary { language: Language::KOREAN, text: text.into() });
    record
}

fn put_one(writer: &mut Writer, record: Record) -> Outcome {
    writer.put(vec![record], &cut).unwrap().remove(0)
}

fn id(text: &str) -> PaperId {
    text.parse().unwrap()
}

/// Gives every pending passage a vector that tells its number.
fn embed(writer: &mut Writer) -> usize {
    let pending = writer.pending(usize::MAX).unwrap();
    let vectors: Vec<_> = pending.iter().map(|(number, _)| (*number, vector_of(*number))).collect();
    writer.put_vectors(&vectors).unwrap();
    vectors.len()
}

fn vector_of(number: PassageNumber) -> UnitVector {
    UnitVector::new(vec![number.0 as f32 + 1.0, 1.0, 0.0, -2.0]).unwrap()
}

#[test]
fn a_record_is_found_by_id_alias_and_note_after_reopening() {
    let library = TempDir::new().unwrap();
    let mut note =
        with_id(with_comment(record("vault/A note.md", "", "On Kin"), "가까운 논문."), "2408.15881");
    note.note = Some("A note".into());
    {
        let mut writer = writer(library.path());
        let outcome = put_one(&mut writer, note.clone());
        assert_eq!((outcome.id, outcome.change), (id("2408.15881"), Change::New));
        assert_eq!(embed(&mut writer), 2);
    }
    let store = Store::open(library.path()).unwrap();
    let (number, paper) = store.paper_by_name(&id("2408.15881")).unwrap().unwrap();
    assert_eq!(store.paper_by_name(&PaperId::of_title("ON KIN")).unwrap().unwrap().0, number);
    assert_eq!(store.number_of_mention(&Mention::Note("a NOTE".into())).unwrap(), Some(number));
    assert_eq!(store.number_of_mention(&Mention::Paper(id("2408.15881"))).unwrap(), Some(number));
    assert_eq!(store.records(number).unwrap(), [note]);
    assert_eq!(store.paper(number).unwrap(), Some(paper));
    let passages = store.passages_of(number).unwrap();
    assert_eq!(passages.len(), 2);
    for (passage, _) in passages {
        assert_eq!(store.vector(passage).unwrap(), Some(vector_of(passage)));
    }
    let counts = store.counts().unwrap();
    assert_eq!((counts.papers, counts.passages, counts.pending), (1, 2, 0));
    let mut seen = 0;
    store.visit_vectors(|_, vector| seen += vector.len()).unwrap();
    assert_eq!(seen, 8);
}

#[test]
fn the_same_file_again_changes_nothing() {
    let library = TempDir::new().unwrap();
    let mut writer = writer(library.path());
    let one = with_comment(record("digest.txt", "a", "Title A"), "한 문장.");
    put_one(&mut writer, one.clone());
    let revision = writer.revision().unwrap();
    let shifted = Record { source: Source { line: 99, ..one.source.clone() }, ..one };
    assert_eq!(put_one(&mut writer, shifted).change, Change::Unchanged);
    assert_eq!(writer.revision().unwrap(), revision, "no commit, no new revision");
}
