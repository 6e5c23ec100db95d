//! Selecting and counting agree with asking every paper by itself.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::super::filter::Key;
use super::*;
use crate::paper::{Commentary, Record, Source};
use crate::store::{Store, Writer};

/// A paper and its files.
fn paper(title: &str, change: impl FnOnce(&mut Record)) -> Paper {
    let mut record = Record { title: title.into(), ..Record::default() };
    change(&mut record);
    Paper::merge(&[record], false).unwrap()
}

fn commentary(language: &str) -> Commentary {
    let text = match language {
        "ko" => "전문가 혼합",
        "zh" => "专家混合模型",
        _ => "A mixture of experts",
    };
    Commentary { language: Language::parse(language).unwrap(), text: text.into() }
}

const TAGS: [&str; 5] = ["moe", "MoE", "시각", "视觉", "survey"];
/// Spelling, and who it is.
const AUTHORS: [(&str, &str); 7] = [
    ("Minsu Kim", "kim"),
    ("Kim, Minsu", "kim"),
    ("Jisu Kim", "jisu"),
    ("Ahmet Üstün", "ustun"),
    ("김민수", "민수"),
    ("王芳", "王芳"),
    ("Geoffrey E. Hinton", "hinton"),
];
const LANGS: [&str; 3] = ["ko", "zh", "en"];
const FILES: [&str; 4] = ["digests/2024.txt", "노트/모델.md", "refs.BIB", "arxiv.jsonl.zst"];
const DATES: [&str; 5] = ["", "2022-12-31", "2023-01-01", "2024-05-14", "2025-06-01"];

fn some<T: Copy + std::fmt::Debug + 'static>(of: &'static [T], most: usize) -> impl Strategy<Value = Vec<T>> {
    prop::collection::vec(prop::sample::select(of), 0..=most)
}

prop_compose! {
    fn any_paper()(
        title in "[a-c]{1,2}( 모델| 模型)?",
        tags in some(&TAGS, 3),
        authors in some(&AUTHORS, 3),
        langs in some(&LANGS, 2),
        files in some(&FILES, 2),
        date in prop::sample::select(&DATES[..]),
    ) -> (Paper, Vec<&'static str>) {
        let paper = paper(&title, |record| {
            record.tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
            record.authors = authors.iter().map(|(name, _)| (*name).to_owned()).collect();
            record.commentaries = langs.iter().map(|language| commentary(language)).collect();
            record.date = date.parse().ok();
        });
        (paper, files)
    }
}

/// Values as they are asked, and what they mean, told apart from how the product tells it.
type Means = (&'static str, &'static str, fn(&Paper, &[&str]) -> bool);

fn by(paper: &Paper, who: &[&str]) -> bool {
    paper.authors.iter().any(|name| AUTHORS.iter().any(|(spelt, is)| spelt == name && who.contains(is)))
}

const ASKED: [Means; 24] = [
    ("tag", "#MOE", |paper, _| paper.tags.iter().any(|tag| tag.eq_ignore_ascii_case("moe"))),
    ("tag", "시각", |paper, _| paper.tags.iter().any(|tag| tag == "시각")),
    ("tag", "视觉", |paper, _| paper.tags.iter().any(|tag| tag == "视觉")),
    ("tag", "mo", |_, _| false),
    ("author", "kim", |paper, _| by(paper, &["kim", "jisu"])),
    ("author", "Minsu Kim", |paper, _| by(paper, &["kim"])),
    ("author", "USTUN", |paper, _| by(paper, &["ustun"])),
    ("author", "김", |paper, _| by(paper, &["민수"])),
    ("author", "王芳", |paper, _| by(paper, &["王芳"])),
    ("author", "Hinton, G.", |paper, _| by(paper, &["hinton"])),
    ("lang", "ko", |paper, _| paper.langs.contains(&Language::KOREAN)),
    ("lang", "中文", |paper, _| paper.langs.contains(&Language::CHINESE)),
    ("source", "digest", |_, files| files.contains(&FILES[0])),
    ("source", "bib", |_, files| files.contains(&FILES[2])),
    ("source", "노트", |_, files| files.contains(&FILES[1])),
    ("source", "jsonl", |_, files| files.contains(&FILES[3])),
    ("source", "ote", |_, _| false),
    ("year", "2023..2024", |paper, _| year(paper).is_some_and(|year| (2023..=2024).contains(&year))),
    ("year", "2022", |paper, _| year(paper) == Some(2022)),
    ("year", ">=2024-06", |paper, _| year(paper) == Some(2025)),
    ("from", "2023", |paper, _| year(paper).is_some_and(|year| year >= 2023)),
    ("to", "2024-05", |paper, _| year(paper).is_some_and(|year| year <= 2024)),
    ("has", "commentary", |paper, _| !paper.commentaries.is_empty()),
    ("tag", "survey", |paper, _| paper.tags.iter().any(|tag| tag == "survey")),
];

fn year(paper: &Paper) -> Option<i16> {
    paper.date.map(Date::year)
}

fn facts_of(papers: &[(Paper, Vec<&'static str>)]) -> Facts {
    let mut builder = FactsBuilder::default();
    for (number, (paper, files)) in (0..).map(|at| at * 3 + 1).zip(papers) {
        builder.add(PaperNumber(number), paper, files.iter().copied());
    }
    builder.finish()
}

fn counted<'v>(rows: impl Iterator<Item = BTreeSet<&'v str>>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    rows.flatten().for_each(|value| *counts.entry(value.to_owned()).or_insert(0) += 1);
    counts
}

fn shown(facets: &[Facet]) -> BTreeMap<String, usize> {
    assert!(facets.is_sorted_by(|left, right| {
        left.count > right.count || left.count == right.count && left.value < right.value
    }));
    facets.iter().map(|facet| (facet.value.clone(), facet.count)).collect()
}

proptest! {
    #[test]
    fn selected_and_counted_as_one_by_one(
        papers in prop::collection::vec(any_paper(), 0..25),
        asked in prop::collection::vec((prop::sample::select(&ASKED[..]), prop::bool::weighted(0.25)), 0..5),
    ) {
        let facts = facts_of(&papers);
        let mut filter = Filter::default();
        // The last wish for commentary holds; from and to cannot be any of several.
        let mut asked = asked;
        let mut seen = BTreeSet::new();
        asked.retain(|((key, _, _), _)| !matches!(*key, "has" | "from" | "to") || seen.insert(*key));
        for ((key, value, _), negated) in &asked {
            filter.add(Key::parse(key).unwrap(), *negated, value).unwrap();
        }
        let fits = |(paper, files): &(Paper, Vec<&'static str>)| {
            let keys: BTreeSet<&str> = asked.iter().filter(|(_, negated)| !negated).map(|((key, _, _), _)| *key).collect();
            keys.iter().all(|wanted| {
                asked.iter().any(|((key, _, is), negated)| key == wanted && !negated && is(paper, files))
            }) && !asked.iter().any(|((_, _, is), negated)| *negated && is(paper, files))
        };
        let selected = facts.select(&filter);
        let numbers: Vec<u32> = selected.iter().map(|number| number.0).collect();
        let wanted: Vec<u32> = (0_u32..).zip(&papers).filter(|(_, one)| fits(one)).map(|(at, _)| at * 3 + 1).collect();
        prop_assert_eq!(&numbers, &wanted, "{:?}", filter);
        prop_assert_eq!(selected.len(), wanted.len());

        let fitting: Vec<_> = papers.iter().filter(|one| fits(one)).collect();
        let facets = facts.facets(&selected);
        prop_assert_eq!(facets.total, fitting.len());
        let langs = counted(fitting.iter().map(|(paper, _)| paper.langs.iter().map(Language::code).collect()));
        prop_assert_eq!(shown(&facets.langs), langs);
        let files = counted(fitting.iter().map(|(_, files)| files.iter().copied().collect()));
        prop_assert_eq!(shown(&facets.sources), files);
        let years: Vec<String> = fitting.iter().filter_map(|(paper, _)| year(paper)).map(|year| year.to_string()).collect();
        prop_assert_eq!(shown(&facets.years), counted(years.iter().map(|year| BTreeSet::from([year.as_str()]))));
        let folded: Vec<BTreeSet<String>> =
            fitting.iter().map(|(paper, _)| paper.tags.iter().map(|tag| tag.to_lowercase()).collect()).collect();
        let tags: BTreeMap<String, usize> =
            shown(&facets.tags).into_iter().map(|(tag, count)| (tag.to_lowercase(), count)).collect();
        prop_assert_eq!(tags, counted(folded.iter().map(|tags| tags.iter().map(String::as_str).collect())));
        let natural: Vec<BTreeSet<String>> = fitting
            .iter()
            .map(|(paper, _)| paper.authors.iter().map(|name| author_key(name)).collect())
            .collect();
        let authors: BTreeMap<String, usize> =
            shown(&facets.authors).into_iter().map(|(name, count)| (author_key(&name), count)).collect();
        prop_assert_eq!(authors, counted(natural.iter().map(|names| names.iter().map(String::as_str).collect())));
        let commented = fitting.iter().filter(|(paper, _)| !paper.commentaries.is_empty()).count();
        let commentary = shown(&facets.commentary);
        prop_assert_eq!(commentary.get("true").copied().unwrap_or(0), commented);
        prop_assert_eq!(commentary.get("false").copied().unwrap_or(0), fitting.len() - commented);

        for (at, (paper, _)) in (0_u32..).zip(&papers) {
            let number = PaperNumber(at * 3 + 1);
            prop_assert_eq!(facts.date_of(number), paper.date);
        }
        prop_assert_eq!(facts.date_of(PaperNumber(0)), None);

        let mut days: BTreeMap<Date, BTreeSet<PaperNumber>> = BTreeMap::new();
        for (at, (paper, _)) in (0_u32..).zip(&papers) {
            let noted = paper.commentaries.iter().filter_map(|note| note.date);
            for day in paper.date.into_iter().chain(noted) {
                days.entry(day).or_default().insert(PaperNumber(at * 3 + 1));
            }
        }
        let told: Vec<(Date, usize)> = days.iter().rev().map(|(day, papers)| (*day, papers.len())).collect();
        prop_assert_eq!(facts.days(), told);
        for (day, papers) in days {
            prop_assert_eq!(facts.on(day), papers.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn days_keep_their_order_in_four_bytes(one in (-9999_i16..=9999, 1_i8..=12, 1_i8..=28), other in (-9999_i16..=9999, 1_i8..=12, 1_i8..=28)) {
        let date = |(year, month, day)| Date::new(year, month, day).unwrap();
        let (one, other) = (date(one), date(other));
        prop_assert_eq!(unpacked(packed(one)), Some(one));
        prop_assert_eq!(packed(one).cmp(&packed(other)), one.cmp(&other));
    }
}

#[test]
fn many_values_are_cut_at_the_hundred_commonest() {
    let papers: Vec<_> = (0..300)
        .map(|at| {
            (
                paper(&format!("t{at}"), |record| {
                    record.tags = (0..=at).map(|tag| format!("n{tag:03}")).collect()
                }),
                vec![],
            )
        })
        .collect();
    let facts = facts_of(&papers);
    let tags = facts.facets(&facts.select(&Filter::default())).tags;
    assert_eq!(tags.len(), SHOWN);
    assert_eq!((tags[0].value.as_str(), tags[0].count), ("n000", 300));
    assert_eq!((tags[99].value.as_str(), tags[99].count), ("n099", 201));
}

#[test]
fn a_part_of_a_path_from_the_beginning_of_a_word() {
    for (file, part, fits) in [
        ("digests/2024.txt", "digest", true),
        ("digests/2024.txt", "2024", true),
        ("digests/2024.txt", "digests/2024.txt", true),
        ("digests/2024.txt", "txt", true),
        ("digests/2024.txt", ".txt", true),
        ("digests/2024.txt", "gests", false),
        ("cmd/x", "md", false),
        ("내노트.md", "노트", true),
        ("a/b", "", false),
    ] {
        assert_eq!(begins_a_word(file, part), fits, "{file} {part}");
    }
    assert_eq!(source_key("\u{1102}\u{1169}\u{1110}\u{1173}.MD"), "노트.md", "as macOS spells it");
}

#[test]
fn a_store_tells_every_file_of_every_paper() {
    let folder = tempfile::tempdir().unwrap();
    let record = |file: &str, slot: &str, title: &str, tag: &str| Record {
        source: Source { file: file.into(), line: 1, slot: slot.into() },
        title: title.into(),
        tags: vec![tag.into()],
        ..Record::default()
    };
    {
        let mut writer = Writer::open(folder.path(), "m", 4).unwrap();
        let records = vec![
            record("a.bib", "x", "One paper about attention", "moe"),
            record("b.ris", "y", "Another paper, about graphs", "gnn"),
            record("c/a.md", "", "One Paper About Attention", "MoE"),
            record("c/z.md", "", "세 번째 논문", "시각"),
        ];
        writer.put(records, &|_| Vec::new()).unwrap();
        let second =
            writer.paper_by_name(&crate::paper::PaperId::of_title("Another paper, about graphs")).unwrap();
        let second = second.unwrap().1.id;
        writer.remove(&second).unwrap();
    }
    let facts = Facts::of(&Store::open(folder.path()).unwrap().snapshot().unwrap()).unwrap();
    assert_eq!(facts.len(), 2);
    let select = |key: &str, value: &str| {
        let mut filter = Filter::default();
        filter.add(Key::parse(key).unwrap(), false, value).unwrap();
        facts.select(&filter).len()
    };
    let found = ["a.bib", "a.md", "c", "b.ris", "md"].map(|file| select("source", file));
    assert_eq!(found, [1, 1, 2, 0, 2]);
    assert_eq!((select("tag", "moe"), select("tag", "gnn")), (1, 0));
    let sources = facts.facets(&facts.select(&Filter::default())).sources;
    assert_eq!(
        sources.iter().map(|facet| facet.value.as_str()).collect::<Vec<_>>(),
        ["a.bib", "c/a.md", "c/z.md"]
    );
}

/// `cargo test --release --lib facts -- --ignored --nocapture`
#[test]
#[ignore = "measures, on 100,000 papers of arXiv"]
fn measure_at_100_000_papers() {
    let file = fs_err::File::open("/work/shared/data/arxiv-100k/corpus.jsonl.zst").unwrap();
    let lines = std::io::BufRead::lines(std::io::BufReader::new(zstd::Decoder::new(file).unwrap()));
    let list = |value: &serde_json::Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
    };
    let records: Vec<Record> = lines
        .map(|line| {
            let said: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
            let id = said["id"].as_str().unwrap();
            Record {
                source: Source { file: "corpus.jsonl.zst".into(), line: 1, slot: id.into() },
                ids: id.parse().into_iter().collect(),
                title: said["title"].as_str().unwrap().into(),
                authors: list(&said["authors"]),
                abstract_text: said["abstract"].as_str().map(str::to_owned),
                tags: list(&said["categories"]),
                date: said["created"].as_str().unwrap().parse().ok(),
                ..Record::default()
            }
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    {
        let mut writer = Writer::open(folder.path(), "m", 4).unwrap();
        for some in records.chunks(5_000) {
            writer.put_text(some.to_vec()).unwrap();
        }
    }
    let snapshot = Store::open(folder.path()).unwrap().snapshot().unwrap();
    let timed = |what: &str, work: &mut dyn FnMut()| {
        let begun = std::time::Instant::now();
        work();
        println!("{what}: {:.1} ms", begun.elapsed().as_secs_f64() * 1e3);
    };
    let mut facts = None;
    timed("built from the store", &mut || facts = Some(Facts::of(&snapshot).unwrap()));
    let facts = facts.unwrap();
    let papers: Vec<Paper> =
        records.iter().filter_map(|record| Paper::merge(std::slice::from_ref(record), false)).collect();
    timed("of which gathering", &mut || {
        let mut builder = FactsBuilder::default();
        for (number, paper) in (0..).zip(&papers) {
            builder.add(PaperNumber(number), paper, ["corpus.jsonl.zst"]);
        }
        assert_eq!(builder.finish().len(), papers.len());
    });
    println!("{} papers, {} bytes a paper", facts.len(), facts.bytes() / facts.len());
    for (key, value) in [
        ("author", "kim"),
        ("author", "Geoffrey Hinton"),
        ("tag", "cs.CL"),
        ("year", "2015..2017"),
        ("source", "corpus"),
    ] {
        let mut filter = Filter::default();
        filter.add(Key::parse(key).unwrap(), false, value).unwrap();
        let mut selected = PaperSet::default();
        timed(&format!("select {key}:{value}"), &mut || selected = facts.select(&filter));
        timed(&format!("facets of {}", selected.len()), &mut || drop(facts.facets(&selected)));
    }
    let all = facts.select(&Filter::default());
    timed("facets of all", &mut || drop(facts.facets(&all)));
}
