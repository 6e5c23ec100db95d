//! What a person decides holds: a removed paper stays away, parted records stay apart, a file may take back what it said,
//! and text that is put first and cut later ends as it would have at once.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;

use paperkin::paper::{
    Commentary, Evidence, Language, Paper, PaperId, Passage, Record, Source, UnitVector, passages_of,
};
use paperkin::store::{Change, FileStamp, Outcome, Place, Store, StoreError, Writer, restore};
use proptest::prelude::*;
use tempfile::TempDir;

fn cut(paper: &Paper) -> Vec<Passage> {
    passages_of(paper, 40, |text| text.chars().count())
}

fn writer(library: &Path) -> Writer {
    Writer::open(library, "test-model", 4).unwrap()
}

fn record(file: &str, slot: &str, title: &str, comment: &str) -> Record {
    Record {
        source: Source { file: file.into(), line: 1, slot: slot.into() },
        title: title.into(),
        commentaries: vec![Commentary { language: Language::KOREAN, text: comment.into() }],
        ..Record::default()
    }
}

fn with_id(mut record: Record, id: &str) -> Record {
    record.ids.push(id.parse().unwrap());
    record
}

fn put(writer: &mut Writer, record: Record) -> Outcome {
    writer.put(vec![record], &cut).unwrap().remove(0)
}

fn embed(writer: &mut Writer) -> usize {
    let pending = writer.pending(usize::MAX).unwrap();
    let vectors: Vec<_> = pending
        .iter()
        .map(|passage| {
            (passage.number, UnitVector::new(vec![passage.text.len() as f32, 1.0, 0.0, -2.0]).unwrap().into())
        })
        .collect();
    writer.put_vectors(&vectors).unwrap();
    vectors.len()
}

fn ids(writer: &Writer) -> Vec<String> {
    let mut ids = Vec::new();
    writer.visit_papers(|_, paper| ids.push(paper.id.to_string())).unwrap();
    ids
}

#[test]
fn a_removed_paper_stays_away_until_it_is_let_in() {
    let library = TempDir::new().unwrap();
    let mut writer = writer(library.path());
    let paper = || with_id(record("a.md", "", "친족에 대하여", "첫 노트."), "2408.15881");
    put(&mut writer, paper());
    put(&mut writer, record("b.md", "", "Other", "x"));
    embed(&mut writer);
    let id: PaperId = "2408.15881".parse().unwrap();
    let stamp = FileStamp { bytes: 1, modified: 2, readers: 1, records: 1 };
    writer.note_read("a.md".into(), stamp.clone());
    assert!(writer.remove(&id).unwrap().is_some());
    assert_eq!(writer.snapshot().unwrap().file("a.md").unwrap(), Some(stamp));
    drop(writer);

    let mut writer = Writer::open(library.path(), "test-model", 4).unwrap();
    for again in [paper(), with_id(record("c.jsonl", "", "Another Title", "y"), "2408.15881")] {
        assert_eq!(put(&mut writer, again).change, Change::Removed);
    }
    assert_eq!(ids(&writer).len(), 1);
    // Of the same title, but another work.
    let mut namesake = with_id(record("d.md", "", "친족에 대하여", "z"), "2501.00001");
    namesake.authors = vec!["Kim Minsu".into()];
    assert_eq!(put(&mut writer, namesake).change, Change::New);

    assert_eq!(writer.readmit(&PaperId::of_title("친족에 대하여")).unwrap(), Some(vec!["a.md".into()]));
    assert_eq!(writer.snapshot().unwrap().file("a.md").unwrap(), None, "so that the file is read again");
    assert_eq!(put(&mut writer, paper()).change, Change::New);
    assert_eq!(writer.readmit(&id).unwrap(), None);
    assert_eq!(writer.check().unwrap(), []);
}

#[test]
fn a_merge_is_noted_with_its_reason_and_can_be_undone_for_good() {
    let library = TempDir::new().unwrap();
    let mut writer = writer(library.path());
    let article = || with_id(record("article.txt", "", "论残差", "文章。"), "2408.15881");
    let digest = |comment: &str| with_id(record("digest.txt", "t:1", "On Residuals", comment), "2408.15881");
    put(&mut writer, article());
    put(&mut writer, digest("다이제스트."));
    embed(&mut writer);
    let id: PaperId = "2408.15881".parse().unwrap();
    let (number, paper) = writer.paper_by_name(&id).unwrap().unwrap();
    assert_eq!(paper.commentaries.len(), 2);
    let joins = writer.snapshot().unwrap().joins(number).unwrap();
    assert_eq!((joins.len(), &joins[0].evidence), (1, &Evidence::Id(id.clone())));
    assert!(joins[0].is_of(&digest("")) && !joins[0].is_of(&article()));

    let parted = writer.split(number, &[Place::of(&digest(""))]).unwrap().unwrap();
    assert_eq!(parted.0, id);
    assert_ne!(parted.1, id);
    assert_eq!(writer.cut(10, &cut).unwrap(), 2);
    assert_eq!(
        embed(&mut writer),
        1,
        "its title is shown for the first time; no other text is embedded again"
    );
    assert_eq!(put(&mut writer, digest("고친 다이제스트.")).id, parted.1, "also when it says something new");
    assert_eq!(put(&mut writer, article()).change, Change::Unchanged);
    assert_eq!(ids(&writer).len(), 2);
    let third = put(&mut writer, with_id(record("third.md", "", "On Residuals", "셋째."), "2408.15881"));
    assert_eq!(third.merged, [], "a third source does not join what a person has parted");
    assert_eq!(ids(&writer).len(), 2);
    assert!(writer.split(number, &[Place { file: "no".into(), slot: String::new() }]).unwrap().is_none());
    assert_eq!(writer.check().unwrap(), []);
}

#[test]
fn a_file_may_take_back_what_it_said() {
    let library = TempDir::new().unwrap();
    let mut writer = writer(library.path());
    for (file, slot, title) in [
        ("d.txt", "t:1", "One"),
        ("d.txt", "t:2", "Two"),
        ("d.txt.zip/e.txt", "", "Three"),
        ("d.txt2", "", "Four"),
    ] {
        put(&mut writer, record(file, slot, title, "글."));
    }
    put(&mut writer, record("other.md", "", "Two", "다른 글."));
    embed(&mut writer);
    let mut places = Vec::new();
    writer.snapshot().unwrap().visit_places("d.txt", |place| places.push(place.slot)).unwrap();
    assert_eq!(places, ["t:1", "t:2"]);
    let of = |slot: &str| Place { file: "d.txt".into(), slot: slot.into() };
    writer.withdraw(&[of("t:1"), of("t:2"), of("never there")], Some(&cut)).unwrap();
    assert_eq!(ids(&writer).len(), 3);
    let (_, two) = writer.paper_by_name(&PaperId::of_title("Two")).unwrap().unwrap();
    assert_eq!(two.commentaries.len(), 1, "what the other file says stays");
    assert_eq!(writer.check().unwrap(), []);
}

#[test]
fn what_moves_from_one_paper_to_another_keeps_its_vectors_until_the_ingest_is_over() {
    let library = TempDir::new().unwrap();
    let mut writer = writer(library.path());
    put(&mut writer, record("a.md", "", "First Title", "옮겨 갈 긴 글."));
    embed(&mut writer);
    put(&mut writer, record("a.md", "", "Second Title", "옮겨 갈 긴 글."));
    assert_eq!(writer.counts().unwrap().pending, 1, "the new title alone");
    embed(&mut writer);
    put(&mut writer, record("a.md", "", "Second Title", "다른 글."));
    writer.settle().unwrap();
    put(&mut writer, record("a.md", "", "Second Title", "옮겨 갈 긴 글."));
    assert_eq!(writer.counts().unwrap().pending, 1, "settled is forgotten");
    assert_eq!(writer.check().unwrap(), []);
}

#[test]
fn a_library_of_text_takes_the_first_model() {
    let library = TempDir::new().unwrap();
    let mut writer = Writer::open_text(library.path()).unwrap();
    writer.put_text(vec![record("a.md", "", "One", "글.")]).unwrap();
    let counts = writer.counts().unwrap();
    assert_eq!((counts.papers, counts.passages, counts.uncut), (1, 0, 1));
    assert_eq!(writer.check().unwrap(), []);
    writer.require_model("m", 4).unwrap();
    assert_eq!(writer.cut(10, &cut).unwrap(), 1);
    assert_eq!(embed(&mut writer), 2);
    assert!(writer.require_model("n", 4).is_err());
    drop(writer);
    assert!(Writer::open_text(library.path()).is_ok());
    assert!(Writer::open(library.path(), "n", 4).is_err());
}

#[test]
fn a_backup_comes_back_as_it_was_and_a_damaged_one_not_at_all() {
    let library = TempDir::new().unwrap();
    let mut writer = writer(library.path());
    put(&mut writer, with_id(record("a.md", "", "친족", "한국어 노트.\t탭\n줄"), "2408.15881"));
    put(&mut writer, with_id(record("b.md", "", "论残差 🦙", "笔记。"), "2408.15881"));
    put(&mut writer, record("c.md", "", "שלום", "third"));
    embed(&mut writer);
    put(&mut writer, record("d.md", "", "Not embedded", "yet"));
    writer.put_text(vec![record("e.md", "", "Not cut", "yet")]).unwrap();
    writer.remove(&PaperId::of_title("שלום")).unwrap();
    let (number, _) = writer.paper_by_name(&"2408.15881".parse().unwrap()).unwrap().unwrap();
    writer.split(number, &[Place { file: "b.md".into(), slot: String::new() }]).unwrap().unwrap();
    let file = library.path().join("backup");
    let mut bytes = Vec::new();
    let snapshot = writer.snapshot().unwrap();
    snapshot.back_up(&mut bytes, &mut |_, _| true).unwrap().unwrap();
    fs_err::write(&file, &bytes).unwrap();

    let other = TempDir::new().unwrap();
    assert!(restore(&file, other.path(), &mut |_| true).unwrap());
    let mut restored = Writer::open(other.path(), "test-model", 4).unwrap();
    assert_eq!(restored.check().unwrap(), []);
    assert_eq!(texts(&restored), texts(&writer));
    let vectors = |writer: &Writer| {
        let mut all = Vec::new();
        writer.visit_vectors(|number, vector| all.push((number, vector.to_vec()))).unwrap();
        all
    };
    assert_eq!(vectors(&restored), vectors(&writer));
    assert_eq!(restored.counts().unwrap(), writer.counts().unwrap());
    assert!(restored.revision().unwrap() > writer.revision().unwrap());
    assert_eq!(put(&mut restored, record("c.md", "", "שלום", "third")).change, Change::Removed);
    drop(restored);
    assert!(matches!(restore(&file, other.path(), &mut |_| true), Err(StoreError::Exists(_))));

    for (what, bytes) in damages(&bytes) {
        fs_err::write(&file, bytes).unwrap();
        let empty = TempDir::new().unwrap();
        let error = restore(&file, empty.path(), &mut |_| true).unwrap_err();
        assert!(error.to_string().contains("backup"), "{what}: {error}");
        assert!(
            !empty.path().join("store.redb").exists() && Writer::open_existing(empty.path()).is_err(),
            "{what}"
        );
    }
}

#[test]
fn another_model_grows_beside_and_takes_over_at_once() {
    let library = TempDir::new().unwrap();
    let mut old = writer(library.path());
    for (file, title) in [("a.md", "하나"), ("b.md", "两个"), ("c.md", "Three")] {
        put(&mut old, record(file, "", title, "글 하나."));
    }
    embed(&mut old);
    let finer = |paper: &Paper| passages_of(paper, 4, |text| text.chars().count());
    let mut next = old.open_next("other", 4).unwrap();
    assert_eq!(next.cut(2, &finer).unwrap(), 2);
    let half = embed(&mut next);
    drop(next);

    // Stopped; the old one goes on, and is written to.
    put(&mut old, record("a.md", "", "하나", "고친 글."));
    put(&mut old, record("d.md", "", "넷", "새 글."));
    old.remove(&PaperId::of_title("两个")).unwrap();
    embed(&mut old);
    let reader = Store::open(library.path()).unwrap();
    let mut next = old.open_next("other", 4).unwrap();
    while next.cut(2, &finer).unwrap() > 0 {}
    let rest = embed(&mut next);
    assert!(half > 0 && rest > 0 && next.counts().unwrap().pending == 0);
    assert_eq!(next.check().unwrap(), []);
    let papers = |store: &Store| {
        let mut papers = Vec::new();
        store.visit_papers(|_, paper| papers.push(paper)).unwrap();
        papers
    };
    let shown = papers(&reader);
    assert_eq!(papers(&next), shown);
    old.give_way_to(next).unwrap();
    assert_eq!(papers(&reader), shown, "who reads goes on reading");
    let mut new = Writer::open(library.path(), "other", 4).unwrap();
    assert_eq!(papers(&new), shown);
    assert_eq!(put(&mut new, record("b.md", "", "两个", "글 하나.")).change, Change::Removed);
    assert_eq!(put(&mut new, record("e.md", "", "다섯", "글.")).change, Change::New);
    assert_eq!(new.check().unwrap(), []);
    assert!(!library.path().join("next").exists());
    let begun = new.open_next("third", 8).unwrap();
    drop(begun);
    assert_eq!(
        new.open_next("fourth", 16).unwrap().meta().unwrap().dimension,
        16,
        "one given up is begun anew"
    );
}

/// The backup cut short, with a bit turned, and with a row altered by somebody who can pack.
fn damages(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for cut in (0..bytes.len()).step_by(bytes.len() / 40 + 1) {
        all.push((format!("cut at {cut}"), bytes[..cut].to_vec()));
        let mut turned = bytes.to_vec();
        turned[cut] ^= 1 << (cut % 8);
        // Bits of zstd's header may mean nothing.
        if zstd::decode_all(&*turned).ok() != zstd::decode_all(bytes).ok() {
            all.push((format!("bit turned at {cut}"), turned));
        }
    }
    let text = String::from_utf8(zstd::decode_all(bytes).unwrap()).unwrap();
    for (from, to) in
        [("친족", "친구"), ("\nnames\t", "\nnomes\t"), ("paperkin backup 1", "paperkin backup 2")]
    {
        assert!(text.contains(from));
        all.push((from.to_owned(), zstd::encode_all(text.replacen(from, to, 1).as_bytes(), 0).unwrap()));
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// Whatever is put as text and cut later: the same papers, passages and texts as when each is cut at once, and no
    /// passage embedded that would not have been.
    #[test]
    fn cutting_later_is_cutting_at_once(steps in prop::collection::vec((0usize..5, 0usize..4, 0usize..4, any::<bool>()), 1..30)) {
        let (early, late) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let (mut at_once, mut later) = (writer(early.path()), writer(late.path()));
        let (mut embedded_at_once, mut embedded_later) = (0, 0);
        for (file, title, comment, then) in steps {
            let mut one = record(&format!("{file}.md"), "", &format!("Title {title}"), &format!("글 {comment}. ").repeat(9));
            one.tags = vec![format!("tag{then}")];
            at_once.put(vec![one.clone()], &cut).unwrap();
            later.put_text(vec![one]).unwrap();
            prop_assert_eq!(later.check().unwrap(), []);
            if then {
                embedded_at_once += embed(&mut at_once);
                while later.cut(2, &cut).unwrap() > 0 {}
                embedded_later += embed(&mut later);
            }
        }
        while later.cut(2, &cut).unwrap() > 0 {}
        embedded_at_once += embed(&mut at_once);
        embedded_later += embed(&mut later);
        prop_assert_eq!(later.check().unwrap(), []);
        prop_assert_eq!(texts(&at_once), texts(&later));
        prop_assert!(embedded_later <= embedded_at_once, "{} for {}", embedded_later, embedded_at_once);
    }
}

/// Each paper's id, and the texts of its passages.
fn texts(writer: &Writer) -> Vec<(String, Vec<String>)> {
    let mut papers = Vec::new();
    writer.visit_papers(|number, paper| papers.push((number, paper))).unwrap();
    papers
        .into_iter()
        .map(|(number, paper)| {
            let passages = writer.passages_of(number).unwrap();
            let texts = passages.iter().map(|(_, passage)| passage.embedded_text(&paper).unwrap()).collect();
            (paper.id.to_string(), texts)
        })
        .collect()
}
