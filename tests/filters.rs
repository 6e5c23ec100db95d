//! A filter never loses results: always as many papers as asked for, or all that fit, and never another one.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use paperkin::embed::Encoder;
use paperkin::index::Centring;
use paperkin::ingest::{Model, publish};
use paperkin::paper::{Commentary, Language, Mention, PaperId, Record, Source};
use paperkin::search::{Example, Filter, Floor, Key, Options, RelatedRequest, SearchRequest, Searcher, Sort};
use paperkin::store::Store;
use proptest::prelude::*;

use crate::support::toy::ToyLibrary;

const PAPERS: usize = 90;
const TAGS: [&str; 4] = ["moe", "시각", "优化", "survey"];
const AUTHORS: [&str; 5] = ["Minsu Kim", "Kim, Jisu", "王芳", "김민수", "Ahmet Üstün"];
const WORDS: [&str; 6] =
    ["sparse experts", "비전 모델", "残差连接", "optimizer", "拡散モデル", "graph search"];

/// Records that differ in everything, rare and common values among them.
fn record(at: usize) -> Record {
    let title = format!("{} {} no. {at}", WORDS[at % 6], WORDS[at / 6 % 6]);
    let note = |language: &str, text: &str| Commentary {
        language: Language::parse(language).unwrap(),
        text: format!("{text} {at}"),
    };
    Record {
        source: Source { file: format!("f{}.txt", at % 7), line: at, slot: title.clone() },
        // English whatever the title, so that only commentary decides who writes Korean.
        abstract_text: Some(format!("We study experts, models and optimizers in depth, part {}.", at % 5)),
        tags: if at == 77 { vec!["only".into()] } else { vec![TAGS[at % 4].into()] },
        authors: vec![AUTHORS[at % 5].into()],
        date: (!at.is_multiple_of(9))
            .then(|| format!("{}-0{}-01", 2020 + at % 6, 1 + at % 8).parse().unwrap()),
        commentaries: match at % 3 {
            0 => vec![note("ko", "이 논문은 전문가를 다룹니다")],
            1 => vec![note("zh", "这篇论文研究专家")],
            _ => Vec::new(),
        },
        title,
        ..Record::default()
    }
}

/// Two thirds are in the published index, the rest is scanned.
fn searcher() -> &'static Searcher {
    static LIBRARY: OnceLock<(ToyLibrary, Searcher)> = OnceLock::new();
    let made = LIBRARY.get_or_init(|| {
        let library = ToyLibrary::of((0..PAPERS * 2 / 3).map(record).collect());
        let path = library.folder.path().to_owned();
        let prior = Centring::none();
        let model = Model { encoder: library.encoder.as_ref(), prior: &prior };
        publish(&path, &Store::open(&path).unwrap(), model).unwrap();
        library.put((PAPERS * 2 / 3..PAPERS).map(record).collect());
        let encoder: Arc<dyn Encoder> = library.encoder.clone();
        let searcher = Searcher::open(&path, encoder, &prior).unwrap();
        (library, searcher)
    });
    &made.1
}

/// A filter's key and value, and the records that it means.
type Means = (&'static str, &'static str, fn(&Record) -> bool);
const MEANS: [Means; 12] = [
    ("tag", "moe", |record| record.tags == ["moe"]),
    ("tag", "only", |record| record.tags == ["only"]),
    ("tag", "nobody", |_| false),
    ("tag", "시각", |record| record.tags == ["시각"]),
    ("author", "kim", |record| record.authors[0].contains("Kim")),
    ("author", "王", |record| record.authors == ["王芳"]),
    ("author", "ustun", |record| record.authors == ["Ahmet Üstün"]),
    ("lang", "ko", |record| record.commentaries.iter().any(|note| note.language == Language::KOREAN)),
    ("source", "f3", |record| record.source.file == "f3.txt"),
    ("year", "2021..2022", |record| record.date.is_some_and(|date| matches!(date.year(), 2021 | 2022))),
    ("from", "2023", |record| record.date.is_some_and(|date| date.year() >= 2023)),
    ("has", "commentary", |record| !record.commentaries.is_empty()),
];

fn id(record: &Record) -> PaperId {
    PaperId::of_title(&record.title)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn as_many_as_fit_and_only_those(
        asked in prop::collection::vec((prop::sample::select(&MEANS[..]), any::<bool>()), 0..3),
        words in prop::sample::select(&WORDS[..]),
        limit in prop::sample::select(&[1_usize, 3, 10, 100][..]),
        excluded in prop::collection::vec(0..PAPERS, 0..4),
        liked in prop::option::of(0..PAPERS),
        (by_date, recency, diversity) in (any::<bool>(), prop::option::of(1.0_f32..1000.0), prop::option::of(0.0_f32..=1.0)),
    ) {
        let searcher = searcher();
        let mut filter = Filter::default();
        // Of the same key any value would do; here each fits by itself.
        let mut asked = asked;
        let mut keys = BTreeSet::new();
        asked.retain(|((key, _, _), _)| keys.insert(*key));
        for ((key, value, _), negated) in &asked {
            filter.add(Key::parse(key).unwrap(), *negated, value).unwrap();
        }
        let records: Vec<Record> = (0..PAPERS).map(record).collect();
        let fitting: BTreeSet<PaperId> = (0_usize..)
            .zip(&records)
            .filter(|(at, record)| {
                !excluded.contains(at)
                    && liked != Some(*at)
                    && asked.iter().all(|((_, _, is), negated)| is(record) != *negated)
            })
            .map(|(_, record)| id(record))
            .collect();
        let options = Options {
            offset: 0,
            limit,
            filter,
            sort: if by_date { Sort::Date } else { Sort::Score },
            recency,
            diversity,
            floor: Floor::None,
            exclude: excluded.iter().map(|at| id(&records[*at])).collect(),
        };
        let answer = match liked {
            None => searcher.search(&SearchRequest { text: words.into(), options }),
            Some(at) => {
                let positive = vec![Example::Paper(id(&records[at]))];
                searcher.related(&RelatedRequest { positive, options, ..RelatedRequest::default() })
            }
        }.unwrap();
        let found: BTreeSet<PaperId> = answer.hits.iter().map(|hit| hit.paper.id.clone()).collect();
        prop_assert_eq!(answer.total, fitting.len());
        prop_assert_eq!(found.len(), answer.hits.len(), "none twice");
        prop_assert_eq!(found.len(), limit.min(fitting.len()));
        prop_assert!(found.is_subset(&fitting));
        if by_date {
            prop_assert!(answer.hits.is_sorted_by(|left, right| left.paper.date >= right.paper.date));
        } else if diversity.is_none() && recency.is_none() {
            prop_assert!(answer.hits.is_sorted_by(|left, right| left.score >= right.score));
        }
    }
}

#[test]
fn the_best_of_those_that_fit_are_the_best_of_all_without_the_others_but_for_feedback() {
    let searcher = searcher();
    let all = searcher.search(&SearchRequest::new("sparse experts 비전", PAPERS)).unwrap();
    let fitting: Vec<&PaperId> =
        all.hits.iter().filter(|hit| hit.paper.tags == ["moe"]).map(|hit| &hit.paper.id).take(7).collect();
    let filtered = searcher.search(&SearchRequest::new("sparse experts 비전 tag:moe", 7)).unwrap();
    let found: Vec<&PaperId> = filtered.hits.iter().map(|hit| &hit.paper.id).collect();
    assert_eq!(found[..5], fitting[..5]);
    // The first answers, which move the question a little, are others.
    let lost = fitting.iter().filter(|paper| !found.contains(paper)).count();
    assert!(found.len() == 7 && lost <= 1, "{found:?} {fitting:?}");
}

/// Tags in any case, links by id and by the name of a note, both ways.
#[test]
fn what_ties_papers_is_the_same_in_memory_and_in_the_store() {
    let records = (0..24).map(|at| {
        let tag = ["moe", "MoE", "ＭｏＥ", "비전", "survey"][at % 5].to_owned();
        let mention = match at % 4 {
            0 => vec![Mention::Paper(id(&record((at + 5) % 24)))],
            1 => vec![Mention::Note(format!("Note of {}", (at + 7) % 24))],
            _ => Vec::new(),
        };
        let commentary =
            Commentary { language: Language::KOREAN, text: format!("{at}번 논문의 해설입니다") };
        Record {
            tags: vec![tag, format!("t{}", at % 3)],
            mentions: mention,
            note: Some(format!("note of {at}")),
            commentaries: vec![commentary],
            ..record(at)
        }
    });
    let library = ToyLibrary::of(records.collect());
    let open = || {
        let encoder: Arc<dyn Encoder> = library.encoder.clone();
        Searcher::open(library.folder.path(), encoder, &Centring::none()).unwrap()
    };
    let (in_store, in_memory) = (open(), open());
    in_memory.prepare().unwrap();
    let mut tied = 0;
    for at in 0..24 {
        let asked = [at, (at + 1) % 24].map(|at| Example::Paper(id(&record(at))));
        for positive in [asked[..1].to_vec(), asked.to_vec()] {
            let request =
                RelatedRequest { positive, options: Options::best(24), ..RelatedRequest::default() };
            let told = |searcher: &Searcher| -> Vec<(PaperId, f32, usize, usize)> {
                let hits = searcher.related(&request).unwrap().hits.into_iter();
                let told = hits.map(|hit| {
                    let why = hit.why;
                    (hit.paper.id, hit.score, why.shared_tags.len(), why.mentions.len())
                });
                told.collect()
            };
            let (one, other) = (told(&in_store), told(&in_memory));
            assert_eq!(one, other, "{at}");
            tied += one.iter().filter(|(_, _, tags, links)| *tags > 0 && *links > 0).count();
        }
        let paper = in_memory.paper(&id(&record(at))).unwrap();
        let mentioning = in_memory.mentioning(&paper).unwrap();
        let links = usize::from((at + 24 - 5).is_multiple_of(4)) + usize::from((at + 24 - 7) % 4 == 1);
        assert_eq!(mentioning.len(), links, "{at}");
    }
    assert!(tied > 10, "{tied}");
}
