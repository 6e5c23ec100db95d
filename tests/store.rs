//! What is put into the store is found again, by every name, merged as a person would, and never embedded twice.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use paperkin::paper::{
    Commentary, Language, Mention, Paper, PaperId, Passage, PassageVectors, Record, Source, UnitVector,
    passages_of,
};
use paperkin::store::{Change, Outcome, PassageNumber, Pending, Store, StoreError, Writer};
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
    let vectors: Vec<_> = pending.iter().map(|passage| (passage.number, vectors_of(passage))).collect();
    writer.put_vectors(&vectors).unwrap();
    vectors.len()
}

/// Its own, and of two sentences.
fn vectors_of(passage: &Pending) -> PassageVectors {
    let sentence = UnitVector::new(vec![0.0, 1.0, passage.number.0 as f32, -1.0]).unwrap();
    let whole = vector_of(passage.number);
    PassageVectors { sentences: vec![whole.clone(), sentence], whole }
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
        let sentences = store.sentences(passage).unwrap();
        assert_eq!(sentences.len(), 2);
        assert!(sentences[0].cosine(&vector_of(passage)) > 0.999, "a byte a number");
        assert!(sentences[0].cosine(&sentences[1]) < 0.99);
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

#[test]
fn a_record_with_both_names_makes_two_papers_one() {
    let library = TempDir::new().unwrap();
    let mut writer = writer(library.path());
    let by_title = put_one(&mut writer, with_comment(record("a.md", "", "On Kin"), "첫째 글."));
    let by_id =
        put_one(&mut writer, with_id(with_comment(record("b.md", "", "KIN!"), "둘째 글."), "2408.15881"));
    assert_ne!(by_title.id, by_id.id);
    embed(&mut writer);
    let before = writer.counts().unwrap();

    let both = put_one(&mut writer, with_id(record("c.md", "", "On kin"), "2408.15881"));
    assert_eq!((both.change, both.merged.len()), (Change::Changed, 1));
    assert_eq!(both.id, id("2408.15881"));
    let (number, paper) = writer.paper_by_name(&both.id).unwrap().unwrap();
    for name in [by_title.id, PaperId::of_title("KIN!"), by_id.id] {
        assert_eq!(writer.paper_by_name(&name).unwrap().unwrap().0, number, "{name} still answers");
        assert!(paper.names().any(|known| *known == name));
    }
    assert_eq!(paper.commentaries.len(), 2);
    assert_eq!(writer.records(number).unwrap().len(), 3);
    let counts = writer.counts().unwrap();
    assert_eq!(counts.papers, 1);
    assert_eq!(counts.pending, 0, "{before:?}: the commentaries and a title keep their vectors");
    assert_eq!(writer.check().unwrap(), []);
}

#[test]
fn two_works_of_one_title_stay_apart() {
    let library = TempDir::new().unwrap();
    let mut writer = writer(library.path());
    let authored =
        |file: &str, author: &str| Record { authors: vec![author.into()], ..record(file, "", "Attention") };
    let one = put_one(&mut writer, authored("a.md", "Ashish Vaswani"));
    let two = put_one(&mut writer, authored("b.md", "Kim Minsu"));
    let again = put_one(&mut writer, authored("c.md", "Minsu Kim"));
    assert_eq!((one.change, two.change), (Change::New, Change::New));
    assert_ne!(one.id, two.id);
    assert_eq!((again.id, again.change), (two.id, Change::Changed));
    // Same title and initials that tell nothing apart: as many works, as many ids.
    let third = put_one(&mut writer, with_id(authored("d.md", "Kim Minsu"), "2101.00001"));
    let fourth = put_one(&mut writer, with_id(authored("e.md", "Kim Minsu"), "2101.00002"));
    assert_ne!(third.id, fourth.id);
    assert_eq!(writer.check().unwrap(), []);
}

#[test]
fn a_new_reading_of_the_same_place_replaces_the_old() {
    let library = TempDir::new().unwrap();
    let mut writer = writer(library.path());
    let old = with_id(with_comment(record("note.md", "", "On Kin"), "남는 문장."), "2408.15881");
    put_one(&mut writer, old.clone());
    embed(&mut writer);
    let (number, _) = writer.paper_by_name(&id("2408.15881")).unwrap().unwrap();
    let kept = writer.passages_of(number).unwrap();

    // A commentary is added: the old passages keep number and vector, one is pending.
    let longer = with_comment(old, "새 문장.");
    assert_eq!(put_one(&mut writer, longer.clone()).change, Change::Changed);
    assert_eq!(writer.records(number).unwrap(), [longer]);
    assert_eq!(writer.passages_of(number).unwrap()[..2], kept);
    assert_eq!(writer.vector(kept[1].0).unwrap(), Some(vector_of(kept[1].0)));
    assert_eq!(
        writer.pending(9).unwrap().iter().map(|passage| passage.text.as_str()).collect::<Vec<_>>(),
        ["새 문장."]
    );

    // A wrong id is corrected: the same paper, and the wrong id names it no more.
    let corrected = with_id(with_comment(record("note.md", "", "On Kin"), "남는 문장."), "2408.99999");
    assert_eq!(put_one(&mut writer, corrected).id, id("2408.99999"));
    assert_eq!(writer.paper_by_name(&id("2408.15881")).unwrap(), None);
    assert_eq!(writer.passages_of(number).unwrap(), kept);

    // The file is about something else now: the emptied paper is gone with its passages and vectors.
    put_one(&mut writer, record("note.md", "", "Something else"));
    assert_eq!(writer.paper_by_name(&id("2408.99999")).unwrap(), None);
    assert_eq!(writer.paper(number).unwrap(), None);
    assert_eq!(writer.vector(kept[0].0).unwrap(), None);
    assert_eq!(writer.sentences(kept[0].0).unwrap(), []);
    let counts = writer.counts().unwrap();
    assert_eq!((counts.papers, counts.passages, counts.pending), (1, 1, 1));
    assert_eq!(writer.check().unwrap(), []);
}

#[test]
fn a_removed_paper_is_gone_under_every_name() {
    let library = TempDir::new().unwrap();
    let mut writer = writer(library.path());
    put_one(&mut writer, with_id(record("a.md", "", "On Kin"), "2408.15881"));
    put_one(&mut writer, record("b.md", "", "Other"));
    embed(&mut writer);
    assert!(writer.remove(&PaperId::of_title("On Kin")).unwrap().is_some());
    assert_eq!(writer.remove(&id("2408.15881")).unwrap(), None);
    assert_eq!(writer.counts().unwrap().papers, 1);
    assert_eq!(writer.check().unwrap(), []);
}

#[test]
fn other_rules_of_cutting_are_applied_once_and_keep_what_stays() {
    let library = TempDir::new().unwrap();
    let mut writer = writer(library.path());
    put_one(&mut writer, with_comment(record("a.md", "", "On Kin"), "가나다라마바사. 아자차카타파하."));
    embed(&mut writer);
    let finer = |paper: &Paper| passages_of(paper, 10, |text| text.chars().count());
    writer.cut_by(1).unwrap();
    assert_eq!(writer.cut(10, &finer).unwrap(), 1);
    let counts = writer.counts().unwrap();
    assert_eq!((counts.passages, counts.pending), (3, 2), "the title keeps its vector");
    writer.cut_by(1).unwrap();
    assert_eq!(writer.cut(10, &finer).unwrap(), 0);
    assert_eq!(writer.check().unwrap(), []);
}

#[test]
fn what_does_not_belong_is_refused_with_the_remedy() {
    let library = TempDir::new().unwrap();
    assert!(matches!(Store::open(library.path()), Err(StoreError::Missing(_))));
    let mut first = writer(library.path());
    put_one(&mut first, record("a.md", "", "On Kin"));
    let pid = std::process::id();
    let Err(refused) = Writer::open(library.path(), MODEL, 4) else { panic!("two writers") };
    assert!(refused.to_string().contains(&pid.to_string()), "{refused}");
    let number = first.pending(1).unwrap()[0].number;
    let odd = UnitVector::new(vec![1.0; 5]).unwrap();
    assert!(matches!(
        first.put_vectors(&[(number, odd.into())]),
        Err(StoreError::Dimension { stored: 4, given: 5 })
    ));
    let odd = PassageVectors {
        sentences: vec![UnitVector::new(vec![1.0; 3]).unwrap()],
        ..vector_of(number).into()
    };
    assert!(matches!(
        first.put_vectors(&[(number, odd)]),
        Err(StoreError::Dimension { stored: 4, given: 3 })
    ));
    let gone = PassageNumber(number.0 + 100);
    first.put_vectors(&[(gone, vector_of(gone).into())]).unwrap();
    assert_eq!(first.vector(gone).unwrap(), None);
    let mut first = first.reopen().unwrap();
    assert_eq!(embed(&mut first), 1);
    drop(first);
    let Err(other) = Writer::open(library.path(), "another-model", 4) else { panic!("two models") };
    assert!(
        matches!(other, StoreError::OtherModel { .. }) && other.to_string().contains("--library"),
        "{other}"
    );
    assert!(matches!(Writer::open(library.path(), MODEL, 8), Err(StoreError::Dimension { .. })));
}

#[test]
fn a_panic_of_the_caller_is_the_callers_and_stores_nothing() {
    let library = TempDir::new().unwrap();
    let mut writer = writer(library.path());
    let put = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        writer.put(vec![record("a.md", "", "On Kin")], &|_| panic!("the tokenizer's"))
    }));
    assert!(put.is_err());
    assert_eq!(writer.counts().unwrap().papers, 0);
    assert_eq!(put_one(&mut writer, record("a.md", "", "On Kin")).change, Change::New);
}

/// Not a test of its own: the writer of [`readers_follow_a_writer_and_survive_its_death`], in a process of its own.
#[test]
#[ignore = "the other process of a test"]
fn child_that_writes_until_it_is_killed() {
    let library = std::env::var("PAPERKIN_TEST_LIBRARY").unwrap();
    let mut writer = writer(Path::new(&library));
    for number in 0..100_000 {
        put_one(
            &mut writer,
            with_comment(record(&format!("{number}.md"), "", &format!("Paper {number}")), "글. "),
        );
        eprintln!("stored {number}");
    }
}

#[test]
fn readers_follow_a_writer_and_survive_its_death() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    let library = TempDir::new().unwrap();
    for round in 0..3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::child_that_writes_until_it_is_killed", "--ignored", "--nocapture"])
            .env("PAPERKIN_TEST_LIBRARY", library.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let mut stored =
            || lines.find_map(|line| line.strip_prefix("stored ")?.parse::<usize>().ok()).unwrap();
        stored();
        let store = Store::open(library.path()).unwrap();
        let (papers, revision) = (store.counts().unwrap().papers, store.revision().unwrap());
        if round == 0 {
            let Err(refused) = Writer::open(library.path(), MODEL, 4) else { panic!("two writers") };
            assert!(refused.to_string().contains(&child.id().to_string()), "{refused}");
            for _ in 0..20 {
                stored();
            }
            assert!(store.counts().unwrap().papers >= papers + 10, "an open reader follows the writer");
            assert!(store.revision().unwrap() > revision);
        }
        let last = (0..20).map(|_| stored()).last().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        drop(store);
        let store = Store::open(library.path()).unwrap();
        for number in 0..=last {
            let name = PaperId::of_title(&format!("Paper {number}"));
            assert!(store.paper_by_name(&name).unwrap().is_some(), "paper {number} was acknowledged");
        }
        assert_eq!(writer(library.path()).check().unwrap(), []);
    }
}

#[test]
fn damage_is_an_error_that_names_the_file_never_a_panic_and_never_a_wrong_word() {
    let from_environment = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let seed: u64 = from_environment("PAPERKIN_SEED").unwrap_or(20_261_121);
    let rounds: u64 = from_environment("PAPERKIN_ROUNDS").unwrap_or(500);
    println!("PAPERKIN_SEED={seed}");
    // In a thread of its own, which tells of each round: a store that hangs must not hang the test.
    let (tell, told) = mpsc::channel();
    let work = std::thread::spawn(move || damage(seed, rounds, &|| tell.send(()).unwrap()));
    let mut heard = 0;
    loop {
        match told.recv_timeout(Duration::from_secs(10)) {
            Ok(()) => heard += 1,
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => panic!("round {heard} takes more than ten seconds"),
        }
    }
    work.join().unwrap();
    assert_eq!(heard, rounds);
}

/// Damages a store `rounds` times, each time anew, and reads, checks and writes what is left.
fn damage(seed: u64, rounds: u64, done: &dyn Fn()) {
    let mut state = seed;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    let library = TempDir::new().unwrap();
    {
        let mut writer = writer(library.path());
        for half in 0..2 {
            let records = (0..40).map(|n| {
                let n = half * 40 + n;
                let text = format!("글 {n}. 论文{n}。 ").repeat(20);
                with_comment(record(&format!("{n}.md"), "", &format!("Paper {n}")), &text)
            });
            writer.put(records.collect(), &cut).unwrap();
            embed(&mut writer);
        }
    }
    let whole = fs_err::read(library.path().join("store.redb")).unwrap();
    let used = whole.iter().rposition(|byte| *byte != 0).unwrap();
    let truth = everything(library.path()).unwrap();
    let (mut refused, mut unhurt, mut found) = (0, 0, 0);
    for round in 0..rounds {
        let mut bytes = whole.clone();
        if round % 3 == 0 {
            bytes.truncate(random() % used);
        } else {
            for _ in 0..=round % 7 {
                bytes[random() % used] ^= 1 << (random() % 8);
            }
        }
        let damaged = TempDir::new().unwrap();
        let path = damaged.path().join("store.redb");
        fs_err::write(&path, &bytes).unwrap();
        let is_refused = match everything(damaged.path()) {
            Ok(read) => {
                assert!(read == truth, "round {round}: what is read is what was written");
                unhurt += 1;
                false
            }
            Err(error) => {
                assert!(error.to_string().contains(&path.display().to_string()), "{error}");
                refused += 1;
                true
            }
        };
        let is_found = match Writer::check_library(damaged.path()) {
            Ok(findings) => !findings.is_empty(),
            Err(error) => {
                assert!(error.to_string().contains("store.redb"), "{error}");
                true
            }
        };
        assert!(is_found || !is_refused, "round {round}: the check finds what a reader met");
        found += usize::from(is_found);
        // To write into what is damaged may fail, and no worse: what was there is there, or it is said.
        let written = Writer::open(damaged.path(), MODEL, 4)
            .and_then(|mut writer| writer.put(vec![record("new.md", "", "New")], &cut));
        if written.is_ok()
            && let Ok(read) = everything(damaged.path())
        {
            let all = truth.0.iter().all(|paper| read.0.contains(paper));
            assert!(
                all && read.0.len() == truth.0.len() + 1,
                "round {round}: a write lost a paper, silently"
            );
        }
        done();
    }
    println!("{refused} refused, {unhurt} unhurt, {found} found by the check");
    assert!(refused >= 20 && found >= refused, "the damage must hit something: {refused}");
}

type Everything = (Vec<Paper>, Vec<Vec<Record>>, Vec<Vec<u32>>, Vec<(PassageNumber, Passage)>);

/// All that can be read.
fn everything(library: &Path) -> Result<Everything, StoreError> {
    let store = Store::open(library)?;
    let (mut numbers, mut papers, mut vectors) = (Vec::new(), Vec::new(), Vec::new());
    store.visit_papers(|number, paper| {
        numbers.push(number);
        papers.push(paper);
    })?;
    let records = numbers.iter().map(|number| store.records(*number)).collect::<Result<Vec<_>, _>>()?;
    let mut passages = Vec::new();
    for number in &numbers {
        passages.extend(store.passages_of(*number)?);
    }
    store.visit_vectors(|_, vector| vectors.push(vector.iter().map(|value| value.to_bits()).collect()))?;
    Ok((papers, records, vectors, passages))
}

/// What the store must hold, by the simplest means: the last reading of every place, grouped by the judge.
fn groups(model: &std::collections::BTreeMap<String, Record>) -> usize {
    let records: Vec<&Record> = model.values().collect();
    let mut group: Vec<usize> = (0..records.len()).collect();
    for one in 0..records.len() {
        for two in 0..one {
            if records[one].ids.iter().any(|id| records[two].ids.contains(id)) {
                let (from, to) = (group[one], group[two]);
                group.iter_mut().filter(|member| **member == from).for_each(|member| *member = to);
            }
        }
    }
    group.into_iter().collect::<std::collections::BTreeSet<_>>().len()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Files come, change and are removed, in any order; the store stays in order, and no place is lost.
    #[test]
    fn any_history_leaves_the_store_in_order(steps in prop::collection::vec((0usize..8, 0usize..5, 0usize..6, 0usize..12), 1..40)) {
        let library = TempDir::new().unwrap();
        let mut writer = writer(library.path());
        let mut model = std::collections::BTreeMap::new();
        for (file, title, arxiv, action) in steps {
            if action == 0 {
                let name = PaperId::of_title(&format!("Title {title}"));
                if let Some((number, _)) = writer.paper_by_name(&name).unwrap() {
                    for record in writer.records(number).unwrap() {
                        model.remove(&record.source.file);
                    }
                    writer.remove(&name).unwrap();
                    prop_assert!(writer.readmit(&name).unwrap().is_some());
                }
                continue;
            }
            let mut one = record(&format!("{file}.md"), "", &format!("Title {title}"));
            if arxiv > 1 {
                one = with_id(one, &format!("2408.0000{arxiv}"));
            }
            let one = with_comment(one, &format!("글 {action}."));
            put_one(&mut writer, one.clone());
            model.insert(one.source.file.clone(), one);
            if action % 3 == 0 {
                embed(&mut writer);
            }
            if action == 11 {
                writer = writer.reopen().unwrap();
            }
        }
        prop_assert_eq!(writer.check().unwrap(), []);
        let mut stored = std::collections::BTreeMap::new();
        let mut numbers = Vec::new();
        writer.visit_papers(|number, _| numbers.push(number)).unwrap();
        for number in &numbers {
            for record in writer.records(*number).unwrap() {
                prop_assert!(stored.insert(record.source.file.clone(), record).is_none(), "one place, one paper");
            }
        }
        prop_assert_eq!(&stored, &model);
        prop_assert!(numbers.len() <= groups(&model), "records that share an id are one paper");
    }
}
