//! Promise: the texts that people really keep are read right, and nothing is dropped without a named reason.

#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests")]

mod broken;
mod found;
mod varied;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use paperkin::corpus::{self, ErrorKind, Format, Notice, RecordError};
use paperkin::paper::{Language, Mention, Paper, PaperId, Record, Verdict, normalised_title, same_work};
use serde_json::Value;

use crate::support::shared_data;

type Outcome = (Vec<Record>, Vec<RecordError>, Vec<Notice>);

/// All that `path`, a file or a folder, holds.
fn read(path: &Path) -> Outcome {
    let listing = corpus::files_under(path).unwrap();
    let mut outcome = (Vec::new(), Vec::new(), Vec::new());
    for file in listing.files {
        match corpus::open(&file.path) {
            Ok(mut reader) => {
                for record in reader.by_ref() {
                    match record {
                        Ok(record) => outcome.0.push(record),
                        Err(error) => outcome.1.push(error),
                    }
                }
                assert_eq!(
                    reader.bytes_read(),
                    file.bytes,
                    "progress ends at 100 %: {}",
                    file.path.display()
                );
                outcome.2.extend(reader.take_notices());
            }
            Err(error) => outcome.1.push(error),
        }
    }
    outcome
}

/// Groups records of one work as the store does, and merges each group.
fn papers(records: &[Record]) -> Vec<Paper> {
    let mut groups: Vec<Vec<Record>> = Vec::new();
    for record in records {
        let known = groups
            .iter_mut()
            .find(|group| group.iter().any(|other| same_work(other, record) != Verdict::Different));
        match known {
            Some(group) => group.push(record.clone()),
            None => groups.push(vec![record.clone()]),
        }
    }
    groups.iter().map(|group| Paper::merge(group, false).unwrap()).collect()
}

/// What every record promises, whatever it was read from.
fn check(record: &Record) {
    let file = &record.source.file;
    assert!(!record.title.trim().is_empty() && !record.title.contains('\n'), "{file}");
    assert!(record.source.line > 0, "{file}");
    assert!(record.ids.iter().all(PaperId::is_registered), "{file}");
    assert!(
        record.tags.iter().all(|tag| !tag.is_empty() && !tag.starts_with('#')),
        "{file}: {:?}",
        record.tags
    );
    assert!(record.abstract_text.as_ref().is_none_or(|text| !text.is_empty()), "{file}");
    assert!(record.commentaries.iter().all(|note| !note.text.is_empty()), "{file}");
    assert!(record.repositories.iter().all(|url| url.starts_with("https://github.com/")), "{file}");
    for (at, note) in record.commentaries.iter().enumerate() {
        let again = record.commentaries.iter().skip(at + 1).any(|other| other.language == note.language);
        assert!(!again, "{file}: two commentaries in {}", note.language);
    }
}

#[test]
fn the_seeds_are_twenty_papers() {
    let Some(data) = shared_data() else { return };
    let (records, errors, _) = read(&data.join("seeds"));
    assert_eq!(errors, []);
    records.iter().for_each(check);
    let (articles, digests): (Vec<&Record>, Vec<&Record>) =
        records.iter().partition(|record| record.date.is_none());
    assert_eq!((articles.len(), digests.len()), (1, 20));
    let mut dates: BTreeMap<String, usize> = BTreeMap::new();
    digests.iter().for_each(|record| *dates.entry(record.date.unwrap().to_string()).or_default() += 1);
    let want = [("2024-08-29", 6), ("2024-09-18", 7), ("2024-10-01", 7)];
    assert_eq!(dates, want.map(|(date, count)| (date.to_owned(), count)).into());
    assert!(digests.iter().all(|record| record.ids.is_empty()), "a digest names no ids of its own papers");

    let article = articles[0];
    assert_eq!(article.ids, ["arxiv:2408.15881".parse().unwrap()]);
    assert_eq!(article.repositories, ["https://github.com/shufangxun/LLaVA-MoD"]);
    assert_eq!(article.commentaries.len(), 1);
    let text = &article.commentaries[0].text;
    assert_eq!(article.commentaries[0].language, Language::CHINESE);
    assert!(text.starts_with("引言\n") && text.ends_with("有效地训练小规模MLLM。"), "{text}");
    for stray in ["Xbox", "Sonar", "数据中心", "鼓励"] {
        assert!(!text.contains(stray), "{stray} belongs to the tail");
    }

    let merged = papers(&records);
    assert_eq!(merged.len(), 20);
    let both = merged.iter().find(|paper| paper.id.to_string() == "arxiv:2408.15881").unwrap();
    assert_eq!(both.title, "LLaVA-MoD: Making LLaVA Tiny via MoE Knowledge Distillation");
    assert_eq!(both.langs, [Language::ENGLISH, Language::KOREAN, Language::CHINESE]);
    assert_eq!(both.authors.len(), 16);
    assert_eq!(both.repositories.len(), 1);

    let without_abstract: Vec<&str> = digests
        .iter()
        .filter(|record| record.abstract_text.is_none())
        .map(|record| record.title.as_str())
        .collect();
    assert_eq!(without_abstract.len(), 2, "{without_abstract:?}");
    assert!(without_abstract.contains(&"Announcing Pixtral 12B"));
    let nvlm = digests.iter().find(|record| record.title.starts_with("NVLM")).unwrap();
    assert!(nvlm.abstract_text.as_ref().unwrap().ends_with("https://nvlm-project.github.io/."));
    for record in &digests {
        assert!(!record.authors.is_empty() && !record.tags.is_empty(), "{}", record.title);
        let languages: Vec<&str> = record.commentaries.iter().map(|note| note.language.code()).collect();
        let bilingual = record.date.unwrap().to_string() == "2024-10-01";
        assert_eq!(languages, if bilingual { vec!["ko", "en"] } else { vec!["ko"] }, "{}", record.title);
    }
    let mut tags: Vec<&String> = digests.iter().flat_map(|record| &record.tags).collect();
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 26);
    let mut linked: Vec<&Mention> = digests.iter().flat_map(|record| &record.mentions).collect();
    linked.sort();
    linked.dedup();
    assert_eq!(linked.len(), 11, "{linked:?}");
}

/// Of one field: how many agree with the true structure.
#[derive(Default)]
struct Score {
    right: usize,
    wrong: Vec<String>,
}

#[test]
fn digests_are_read_as_their_true_structure_says() {
    let Some(data) = shared_data() else { return };
    let gold = fs_err::read_to_string(data.join("digests/gold.jsonl")).unwrap();
    let mut scores: BTreeMap<&str, Score> = BTreeMap::new();
    let (mut want_papers, mut got_papers) = (0, 0);
    for digest in gold.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let file = digest["file"].as_str().unwrap();
        let (records, errors, notices) = read(&data.join("digests/text").join(file));
        assert_eq!((errors, notices), (vec![], vec![]));
        records.iter().for_each(check);
        let papers = digest["papers"].as_array().unwrap();
        want_papers += papers.len();
        got_papers += records.len();
        for paper in papers {
            let text = |key: &str| flat(paper[key].as_str().unwrap_or_default());
            let record = records
                .iter()
                .find(|record| flat(&record.title) == text("title"))
                .cloned()
                .unwrap_or_default();
            let list = |key: &str| -> Vec<String> {
                paper[key].as_array().unwrap().iter().map(|item| item.as_str().unwrap().to_owned()).collect()
            };
            let commentary = |code: &str| {
                let note = record.commentaries.iter().find(|note| note.language.code() == code);
                note.map(|note| flat(&note.text)).unwrap_or_default()
            };
            let commentaries: String = list("commentary").join("\n");
            let pairs = [
                (
                    "date",
                    digest["date"].as_str().unwrap().to_owned(),
                    record.date.map(|date| date.to_string()).unwrap_or_default(),
                ),
                ("title", text("title"), flat(&record.title)),
                ("authors", list("authors").join("|"), record.authors.join("|")),
                ("abstract", text("abstract"), flat(&record.abstract_text.clone().unwrap_or_default())),
                ("commentary ko", text("ko"), commentary("ko")),
                ("commentary en", text("en"), commentary("en")),
                (
                    "all text",
                    sorted_lines(&commentaries),
                    sorted_lines(
                        &record
                            .commentaries
                            .iter()
                            .map(|note| note.text.clone())
                            .collect::<Vec<_>>()
                            .join("\n"),
                    ),
                ),
                ("tags", list("tags").join("|"), record.tags.join("|")),
            ];
            for (field, want, got) in pairs {
                let score = scores.entry(field).or_default();
                if want == got {
                    score.right += 1;
                } else {
                    score.wrong.push(format!(
                        "{file} {}\n    want {}\n    got  {}",
                        record.title,
                        tail(&want),
                        tail(&got)
                    ));
                }
            }
        }
    }
    let mut report = format!("papers: {got_papers} read, {want_papers} true\n");
    for (field, score) in &scores {
        writeln!(report, "{field}: {} of {want_papers}", score.right).unwrap();
        score.wrong.iter().for_each(|wrong| writeln!(report, "  {wrong}").unwrap());
    }
    println!("{report}");
    assert_eq!(got_papers, want_papers, "{report}");
    for (field, floor) in [
        ("date", 175),
        ("title", 175),
        ("authors", 174),
        ("abstract", 174),
        ("commentary ko", 174),
        ("commentary en", 173),
        ("all text", 172),
        ("tags", 174),
    ] {
        assert!(scores[field].right >= floor, "{field}\n{report}");
    }
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn sorted_lines(text: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(flat).filter(|line| !line.is_empty()).collect();
    lines.sort();
    lines.join("\n")
}

fn tail(text: &str) -> String {
    let skip = text.chars().count().saturating_sub(160);
    text.chars().skip(skip).collect()
}

#[test]
fn every_note_of_a_vault_is_a_record_or_has_a_named_reason() {
    let Some(data) = shared_data() else { return };
    let (records, errors, notices) = read(&data.join("vault"));
    records.iter().for_each(check);
    assert_eq!(records.len() + errors.len(), 945);
    let refused: Vec<&str> = errors.iter().map(|error| error.file.rsplit('/').next().unwrap()).collect();
    assert_eq!(refused, ["Untitled.md"]);
    assert!(errors.iter().all(|error| error.kind == ErrorKind::NoPaper && error.why.contains("begins with")));
    assert_eq!(notices, []);
    let count = |test: fn(&Record) -> bool| records.iter().filter(|record| test(record)).count();
    let counts = [
        ("ids", count(|record| !record.ids.is_empty())),
        ("authors", count(|record| !record.authors.is_empty())),
        ("abstract", count(|record| record.abstract_text.is_some())),
        ("date", count(|record| record.date.is_some())),
        ("tags", count(|record| !record.tags.is_empty())),
        ("ko", count(|record| record.commentaries.iter().any(|note| note.language == Language::KOREAN))),
        ("en", count(|record| record.commentaries.iter().any(|note| note.language == Language::ENGLISH))),
        (
            "other languages",
            count(|record| {
                record.commentaries.iter().any(|note| !matches!(note.language.code(), "ko" | "en"))
            }),
        ),
        (
            "links to notes",
            count(|record| record.mentions.iter().any(|mention| matches!(mention, Mention::Note(_)))),
        ),
        (
            "own id as mention",
            count(|record| record.ids.iter().any(|id| record.mentions.contains(&Mention::Paper(id.clone())))),
        ),
        (
            "title from the name",
            count(|record| {
                record.note.as_ref().unwrap().ends_with(&record.title) && record.authors.is_empty()
            }),
        ),
    ];
    println!("{counts:?}");
    let want = [885, 926, 900, 939, 875, 879, 319, 0, 177, 0, 17];
    assert_eq!(counts.map(|(_, count)| count), want, "{counts:?}");
    assert!(records.iter().all(|record| record.source.slot.is_empty() && record.note.is_some()));
}

/// The digests were printed from the vault: both readings must say the same, so that merging does not double them.
#[test]
fn a_note_and_its_digest_say_the_same() {
    let Some(data) = shared_data() else { return };
    let (notes, _, _) = read(&data.join("vault"));
    let (digests, _, _) = read(&data.join("digests/text"));
    let (mut found, mut same) = (0, 0);
    for digest in &digests {
        let Some(note) = notes.iter().find(|note| same_work(note, digest) != Verdict::Different) else {
            continue;
        };
        found += 1;
        let texts = |record: &Record| {
            record.commentaries.iter().map(|note| normalised_title(&note.text)).collect::<Vec<_>>()
        };
        let agree =
            texts(note) == texts(digest) && note.tags == digest.tags && note.authors == digest.authors;
        same += usize::from(agree);
        if !agree {
            println!("{}", note.source.file);
        }
    }
    println!("{found} papers in both, {same} the same");
    assert!(found >= 170 && same * 100 >= found * 95, "{same} of {found}");
}

#[test]
fn judged_sets_are_read_whole() {
    let Some(data) = shared_data() else { return };
    for (set, count, with_id) in [
        ("scifact", 5183, 0),
        ("arxiv-zh", 10_000, 10_000),
        ("digest-notes", 918, 1),
        ("cranfield", 1400, 0),
        ("medline", 1033, 0),
    ] {
        let start = Instant::now();
        let (records, errors, notices) = read(&data.join(set).join("corpus.jsonl"));
        println!(
            "{set}: {} records, {} errors, {:?}, {:?}",
            records.len(),
            errors.len(),
            notices,
            start.elapsed()
        );
        // Two documents of Cranfield have neither title nor text.
        assert!(errors.iter().all(|error| error.why.contains("'title' is empty")), "{set}: {errors:?}");
        assert_eq!(errors.len(), if set == "cranfield" { 2 } else { 0 });
        assert_eq!(records.len() + errors.len(), count, "{set}");
        records.iter().for_each(check);
        assert!(records.iter().filter(|record| !record.ids.is_empty()).count() >= with_id, "{set}");
        let slots: std::collections::HashSet<&str> =
            records.iter().map(|record| record.source.slot.as_str()).collect();
        assert_eq!(slots.len(), records.len(), "{set}: a slot is one place");
    }
}

#[test]
fn the_sample_reads_without_error_in_four_languages() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/sample");
    let (records, errors, _) = read(&sample);
    assert_eq!(errors, []);
    records.iter().for_each(check);
    let formats: Vec<Format> = corpus::files_under(&sample)
        .unwrap()
        .files
        .iter()
        .map(|file| corpus::open(&file.path).unwrap().format())
        .collect();
    for format in [Format::Digest, Format::Article, Format::Note, Format::JsonLines] {
        assert!(formats.contains(&format), "{format:?} in {formats:?}");
    }
    let merged = papers(&records);
    println!("{} records, {} papers", records.len(), merged.len());
    assert!(
        (14..=20).contains(&merged.len()) && records.len() > merged.len(),
        "{} of {}",
        merged.len(),
        records.len()
    );
    assert!(merged.iter().all(|paper| paper.id.is_registered()), "each has its arXiv id");
    let languages: std::collections::BTreeSet<&str> = merged
        .iter()
        .flat_map(|paper| &paper.commentaries)
        .map(|note| note.commentary.language.code())
        .collect();
    assert_eq!(Vec::from_iter(languages), ["en", "ja", "ko", "zh"]);
    let known: Vec<&PaperId> = merged.iter().flat_map(Paper::names).collect();
    let inside = merged
        .iter()
        .flat_map(|paper| &paper.mentions)
        .filter(|mention| matches!(mention, Mention::Paper(id) if known.contains(&id)));
    assert!(inside.count() >= 5, "papers of the sample mention each other");
    assert!(merged.iter().any(|paper| paper.langs.len() >= 3));
}
