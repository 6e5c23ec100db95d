//! What is exported is read again as it was, but for what `src/export/mod.rs` says of each format.

use std::collections::HashSet;

use paperkin::corpus::read_bytes;
use paperkin::export::{ExportError, ExportFormat, PaperWriter, write_all};
use paperkin::paper::{
    Commentary, Language, Mention, Paper, PaperId, Passage, Record, Source, UnitVector, family_first,
    natural_name, normalise, passages_of, single_line, unicode_of,
};
use paperkin::store::{Store, Writer};
use proptest::prelude::*;
use serde_json::Value;

/// Pieces that some format or LaTeX takes for its own.
const TEXT: &str = r#"([a-zA-Z]{1,6}|[0-9]{1,3}|[ ,;:.~%&_#^'"`<>|@=*+/()-]|\$|\\|\{|\}|--|\\beta|\\'e|\$x\^2\$|TY  - JOUR|ER  - |@misc\{a,|그래프|图学习|グラフ|שלום|🦙|é|한|&amp;| and |  )"#;

fn texts(lines: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::collection::vec(TEXT, 1..12).prop_map(|pieces| pieces.concat()), 1..=lines)
        // A letter first: what begins with bookkeeping or a digit is another matter.
        .prop_map(|lines| normalise(&format!("글 {}", lines.join("\n"))))
}

fn names() -> impl Strategy<Value = Vec<String>> {
    let name =
        "([A-Z][a-z]{1,5}|van|de|Jr\\.|Inc\\.|and|others|王|芳|민수|,|;|[{}]|[ .'-]|é|שם|\\\\|&|%){1,7}";
    prop::collection::vec(name, 0..4).prop_map(|names| each_once(names.iter().map(|name| single_line(name))))
}

fn each_once(items: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = HashSet::new();
    items.filter(|item| !item.is_empty() && seen.insert(item.clone())).collect()
}

fn dates() -> impl Strategy<Value = Option<jiff::civil::Date>> {
    prop::option::of(
        (1950i16..2030, 1i8..=12, 1i8..=28)
            .prop_map(|(year, month, day)| jiff::civil::date(year, month, day)),
    )
}

fn commentaries() -> impl Strategy<Value = Vec<Commentary>> {
    prop::collection::vec(texts(3), 0..3).prop_map(|texts| {
        each_once(texts.into_iter())
            .into_iter()
            .map(|text| Commentary { language: Language::of(&text), text })
            .collect()
    })
}

/// A paper of two or three sources.
fn papers() -> impl Strategy<Value = Paper> {
    let first = (
        texts(1),
        names(),
        prop::option::of(texts(3)),
        dates(),
        prop::option::of(texts(1)),
        prop::collection::vec("(cs\\.CL|[a-z]{1,5}|언어 모델|大模型|a, b|x;y|50%|C#|R&D|_)", 0..4),
        commentaries(),
        (prop::collection::vec(0u8..4, 0..3), prop::bool::ANY, prop::bool::ANY),
    );
    let more = prop::collection::vec((dates(), commentaries(), prop::option::of(texts(2))), 0..3);
    (first, more).prop_map(|(first, more)| {
        let (title, authors, abstract_text, date, venue, tags, commentaries, (ids, url, links)) = first;
        let record = Record {
            title: single_line(&format!("제목 {title}")),
            ids: ids
                .iter()
                .map(|id| {
                    ["2408.15881", "hep-ex/0307015", "10.1000/a_b(c)", "10.1145/3292500.3330701"]
                        [usize::from(*id)]
                })
                .map(|id| id.parse().unwrap())
                .collect(),
            authors,
            abstract_text,
            date,
            venue: venue.map(|venue| single_line(&venue)),
            tags: each_once(tags.into_iter()),
            url: url.then(|| "https://example.org/~ada/a_b%20c?x=1&y=$2".to_owned()),
            repositories: if links {
                vec!["https://github.com/ada/a_b".into(), "https://github.com/ada/c".into()]
            } else {
                vec![]
            },
            mentions: if links {
                vec![Mention::Paper("1706.03762".parse().unwrap()), Mention::Note("240104 그래프".into())]
            } else {
                vec![]
            },
            commentaries,
            ..Record::default()
        };
        let mut records = vec![record.clone()];
        records.extend(more.into_iter().map(|(date, commentaries, abstract_text)| Record {
            title: record.title.clone(),
            ids: record.ids.clone(),
            authors: record.authors.clone(),
            date,
            commentaries,
            abstract_text,
            ..Record::default()
        }));
        Paper::merge(&records, false).unwrap()
    })
}

fn written(paper: &Paper, format: ExportFormat) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = PaperWriter::new(format, &mut out);
    writer.write(paper, None).unwrap();
    writer.finish().unwrap();
    out
}

/// The paper as a library has it that has read nothing but the export.
fn read_again(bytes: &[u8]) -> Paper {
    let mut reader = read_bytes("export", bytes).unwrap();
    let records: Vec<Record> = reader.by_ref().map(Result::unwrap).collect();
    assert!(reader.take_notices().is_empty());
    comparable(Paper::merge(&records, false).unwrap())
}

/// Without the names of files; links to papers and notes have no order.
fn comparable(mut paper: Paper) -> Paper {
    paper.other_abstracts.iter_mut().chain(&mut paper.commentaries).for_each(|note| note.file.clear());
    paper.mentions.sort_by_key(|mention| format!("{mention:?}"));
    paper
}

/// What of the paper the format holds.
fn holdable(paper: &Paper, format: ExportFormat) -> Paper {
    if format == ExportFormat::Jsonl {
        return comparable(paper.clone());
    }
    let one_of = |is: fn(&PaperId) -> bool| paper.names().find(|id| is(id)).cloned();
    let text = |text: &str| match format {
        ExportFormat::Bibtex => {
            let words =
                |line: &str| line.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
            text.lines().map(words).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
        }
        _ => normalise(&text.lines().map(str::trim).collect::<Vec<_>>().join("\n")),
    };
    let authors = match (format, paper.authors.as_slice()) {
        (ExportFormat::Ris, [one]) => {
            family_first(one).split(';').map(natural_name).filter(|name| !name.is_empty()).collect()
        }
        (ExportFormat::Ris, all) => all.iter().map(|name| natural_name(&family_first(name))).collect(),
        (_, all) => all.to_vec(),
    };
    let tags = match (format, paper.tags.as_slice()) {
        (ExportFormat::Ris, [one]) => one.split([',', ';']).map(single_line).collect(),
        (_, all) => all.to_vec(),
    };
    let record = Record {
        ids: [one_of(|id| matches!(id, PaperId::Arxiv(_))), one_of(|id| matches!(id, PaperId::Doi(_)))]
            .into_iter()
            .flatten()
            .collect(),
        title: paper.title.clone(),
        authors,
        tags,
        abstract_text: paper.abstract_text.as_deref().map(text),
        date: paper.date,
        venue: paper.venue.clone(),
        url: paper.url.clone().filter(|url| PaperId::parse(url).is_none()),
        repositories: paper.repositories.clone(),
        commentaries: paper
            .commentaries
            .iter()
            .map(|note| text(&note.commentary.text))
            .map(|text| Commentary { language: Language::of(&text), text })
            .collect(),
        ..Record::default()
    };
    comparable(Paper::merge(&[record], false).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn what_is_exported_is_read_as_it_was(paper in papers()) {
        for format in [ExportFormat::Jsonl, ExportFormat::Bibtex, ExportFormat::Ris] {
            let bytes = written(&paper, format);
            prop_assert_eq!(read_again(&bytes), holdable(&paper, format), "{:?}\n{}", format, String::from_utf8_lossy(&bytes));
        }
        csl_says_the_same(&paper);
        csl_is_read_again(&paper)?;
    }
}

/// CSL-JSON through our own reader; text that looks like markup is read as markup, and commentaries come back as one.
fn csl_is_read_again(paper: &Paper) -> Result<(), TestCaseError> {
    let bytes = written(paper, ExportFormat::Csl);
    let record = read_bytes("export", &bytes).unwrap().next().unwrap().unwrap();
    let read = Paper::merge(&[record], false).unwrap();
    let markup = |text: &str| text.contains(['<', '&']);
    let shown = String::from_utf8_lossy(&bytes).into_owned();
    if !markup(&paper.title) {
        prop_assert_eq!(&read.title, &paper.title, "{}", &shown);
    }
    if !paper.abstract_text.as_deref().is_some_and(markup) {
        prop_assert_eq!(&read.abstract_text, &paper.abstract_text, "{}", &shown);
    }
    let entity = |name: &String| {
        let mut behind = name.split('&').skip(1).filter_map(|rest| rest.split_once(';'));
        behind.any(|(name, _)| name.chars().all(|c| c.is_ascii_alphanumeric()))
    };
    if !paper.authors.iter().any(entity) {
        prop_assert_eq!(&read.authors, &paper.authors, "{}", &shown);
    }
    prop_assert_eq!(read.date, paper.date, "{}", &shown);
    let all = paper.tags.join(",");
    let tags = each_once(all.split([',', ';', '，', '、']).map(|tag| tag.trim().to_owned()));
    prop_assert_eq!(&read.tags, &tags, "{}", &shown);
    let url = |paper: &Paper| paper.url.clone().filter(|url| PaperId::parse(url).is_none());
    prop_assert_eq!(url(&read), url(paper), "{}", &shown);
    let registered =
        |paper: &Paper| paper.names().filter(|id| id.is_registered()).cloned().collect::<Vec<_>>();
    prop_assert!(registered(&read).iter().all(|id| registered(paper).contains(id)), "{}", &shown);
    prop_assert_eq!(registered(&read).is_empty(), registered(paper).is_empty(), "{}", &shown);
    Ok(())
}

/// CSL-JSON, read by its own rules.
fn csl_says_the_same(paper: &Paper) {
    let items: Value = serde_json::from_slice(&written(paper, ExportFormat::Csl)).unwrap();
    let item = &items[0];
    let text = |key: &str| item[key].as_str().map(str::to_owned);
    assert_eq!(text("title").as_ref(), Some(&paper.title));
    assert_eq!(text("abstract"), paper.abstract_text);
    assert_eq!(text("container-title"), paper.venue);
    assert_eq!(text("URL"), paper.url);
    assert_eq!(text("keyword").unwrap_or_default(), paper.tags.join(", "));
    let notes: Vec<&str> = paper.commentaries.iter().map(|note| note.commentary.text.as_str()).collect();
    assert_eq!(text("annote").unwrap_or_default(), notes.join("\n\n"));
    let names: Vec<String> = item["author"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|name| {
            let parts =
                ["literal", "given", "family", "suffix"].map(|key| name[key].as_str().unwrap_or_default());
            parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
        })
        .collect();
    assert_eq!(names, paper.authors);
    let date = item["issued"]["date-parts"][0]
        .as_array()
        .map(|parts| parts.iter().map(|part| part.as_i64().unwrap()).collect::<Vec<_>>());
    let whole = paper.date.map(|date| vec![date.year().into(), date.month().into(), date.day().into()]);
    let starts = |date: &Vec<i64>| whole.as_ref().is_some_and(|whole: &Vec<i64>| whole.starts_with(date));
    assert_eq!(date.is_some_and(|date| starts(&date)), whole.is_some());
    let ids: Vec<PaperId> =
        ["number", "DOI"].into_iter().filter_map(text).map(|id| id.parse().unwrap()).collect();
    assert_eq!(ids.is_empty(), !paper.id.is_registered());
    assert!(ids.iter().all(|id| paper.names().any(|name| name == id)));
}

fn sample() -> Record {
    Record {
        source: Source { file: "a.md".into(), line: 1, slot: "x".into() },
        ids: vec!["2106.09685".parse().unwrap()],
        title: "LoRA: 100% of R&D in C# {x} ~ $\\beta$ \"그래프\"".into(),
        authors: vec![
            "Edward J. Hu".into(),
            "Ludwig van Beethoven".into(),
            "OpenAI, Inc.".into(),
            "王芳".into(),
        ],
        abstract_text: Some("One paragraph.\n둘째 문단 @ 100%.".into()),
        date: Some(jiff::civil::date(2021, 6, 17)),
        tags: vec!["cs.CL".into(), "언어 모델".into()],
        commentaries: vec![Commentary {
            language: Language::KOREAN, text: "저차원 적응.\n좋다.".into()
        }],
        ..Record::default()
    }
}

#[test]
fn another_reader_understands_our_bibtex() {
    let paper = Paper::merge(&[sample()], false).unwrap();
    let bytes = written(&paper, ExportFormat::Bibtex);
    let bibliography = biblatex::Bibliography::parse(std::str::from_utf8(&bytes).unwrap()).unwrap();
    let entry = bibliography.get("hu2021lora").unwrap();
    let text = |name: &str| biblatex::ChunksExt::format_verbatim(entry.get(name).unwrap());
    assert_eq!(text("eprint"), "2106.09685");
    assert_eq!(text("primaryclass"), "cs.CL");
    assert!(text("title").contains("100% of R&D in C#") && text("title").contains("β"), "{}", text("title"));
    let authors: Vec<String> = entry.author().unwrap().iter().map(|person| person.name.clone()).collect();
    assert_eq!(authors, ["Hu", "Beethoven", "OpenAI, Inc.", "王芳"]);
}

fn cut(paper: &Paper) -> Vec<Passage> {
    passages_of(paper, 40, |text| text.chars().count())
}

/// A library of three papers, of which the first has vectors.
fn library() -> (tempfile::TempDir, Vec<PaperId>) {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(folder.path(), "model-x", 4).unwrap();
    let records = (0..3).map(|at| Record {
        source: Source { file: format!("{at}.md"), ..Source::default() },
        ids: vec![format!("2106.0968{at}").parse().unwrap()],
        ..sample()
    });
    writer.put(records.collect(), &cut).unwrap();
    let pending = writer.pending(2).unwrap();
    let vectors: Vec<_> = pending
        .iter()
        .map(|passage| (passage.number, UnitVector::new(vec![1.0, -2.0, 0.5, 0.0]).unwrap().into()))
        .collect();
    writer.put_vectors(&vectors).unwrap();
    (folder, (0..3).map(|at| format!("2106.0968{at}").parse().unwrap()).collect())
}

#[test]
fn a_library_is_written_with_its_vectors_and_read_again() {
    let (folder, _) = library();
    let snapshot = Store::open(folder.path()).unwrap().snapshot().unwrap();
    let mut out = Vec::new();
    let mut told = Vec::new();
    let count = write_all(&snapshot, ExportFormat::Jsonl, true, None, &mut out, &mut |done| {
        told.push(done);
        true
    });
    assert_eq!((count.unwrap(), told.as_slice()), (3, [1, 2, 3].as_slice()));
    let first: Value = serde_json::from_slice(out.split(|byte| *byte == b'\n').next().unwrap()).unwrap();
    assert_eq!(first["vectors"]["model"], "model-x");
    let passage = &first["vectors"]["passages"][0];
    assert_eq!((passage["kind"].as_str(), passage["start"].as_u64()), (Some("abstract"), Some(0)));
    let bytes = base64::Engine::decode(
        &base64::engine::general_purpose::STANDARD,
        passage["vector"].as_str().unwrap(),
    )
    .unwrap();
    let values: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    assert_eq!(values, UnitVector::new(vec![1.0, -2.0, 0.5, 0.0]).unwrap().as_slice());
    let mut reader = read_bytes("x.jsonl", &out).unwrap();
    let titles: Vec<String> = reader.by_ref().map(|record| record.unwrap().title).collect();
    assert_eq!(titles, vec![unicode_of(&sample().title).into_owned(); 3]);
    assert!(reader.take_notices().is_empty(), "vectors are no news");
}

#[test]
fn some_papers_no_papers_and_a_stop() {
    let (folder, ids) = library();
    let store = Store::open(folder.path()).unwrap();
    let snapshot = store.snapshot().unwrap();
    let number = snapshot.paper_by_name(&ids[2]).unwrap().unwrap().0;
    for format in [ExportFormat::Jsonl, ExportFormat::Bibtex, ExportFormat::Ris] {
        let mut out = Vec::new();
        write_all(&snapshot, format, false, Some(&[number]), &mut out, &mut |_| true).unwrap();
        assert_eq!(read_again(&out).id, ids[2]);
        out.clear();
        let stopped = write_all(&snapshot, format, false, None, &mut out, &mut |done| done < 2);
        assert!(matches!(stopped, Err(ExportError::Stopped)));
    }
    let mut out = Vec::new();
    write_all(&snapshot, ExportFormat::Csl, false, Some(&[]), &mut out, &mut |_| true).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&out).unwrap(), Value::Array(Vec::new()));
    out.clear();
    write_all(&snapshot, ExportFormat::Csl, false, None, &mut out, &mut |_| true).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&out).unwrap().as_array().unwrap().len(), 3);
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let full = write_all(&snapshot, ExportFormat::Ris, false, None, &mut Full, &mut |_| true);
    assert!(matches!(full, Err(ExportError::Write(_))));
}
