//! A damaged index costs speed and nothing else: the next start says what is wrong, and answers as the exact scan does.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use paperkin::index::{Centring, Published};
use paperkin::ingest::{Model, publish};
use paperkin::paper::{Commentary, Language, Record, Source};
use paperkin::search::{IndexState, SearchRequest, Searcher};
use paperkin::store::Store;

use crate::support::toy::ToyLibrary;
use crate::support::{Random, seed};

fn papers(count: usize, random: &mut Random) -> Vec<Record> {
    const WORDS: [&str; 8] =
        ["残差连接", "어텐션", "gradient", "モンテカルロ木探索", "$\\alpha_s$", "النماذج", "🦙", "tokenizer"];
    let mut words = |count| {
        let words = (0..count).map(|_| WORDS[random.below(8) as usize]);
        words.collect::<Vec<_>>().join(" ")
    };
    (0..count)
        .map(|number| Record {
            source: Source { file: "papers.jsonl".into(), line: number + 1, slot: number.to_string() },
            title: format!("{} {number}", words(3)),
            abstract_text: Some(format!("{}. {}.", words(7), words(7))),
            commentaries: vec![Commentary { language: Language::KOREAN, text: words(9) }],
            ..Record::default()
        })
        .collect()
}

fn open(library: &ToyLibrary) -> Searcher {
    Searcher::open(library.folder.path(), Arc::clone(&library.encoder) as _, &Centring::none()).unwrap()
}

/// Ids and scores, to the last bit.
fn answers(searcher: &Searcher) -> Vec<(String, u32)> {
    ["残差连接的替代方案", "어텐션은 무엇인가", "gradient tokenizer", "🦙 النماذج"]
        .into_iter()
        .flat_map(|question| searcher.search(&SearchRequest::new(question, 20)).unwrap().hits)
        .map(|hit| (hit.paper.id.to_string(), hit.similarity.to_bits()))
        .collect()
}

fn generation(library: &Path) -> PathBuf {
    let (number, _) = Published::peek(library).unwrap().unwrap();
    library.join("generations").join(number.to_string())
}

fn make(library: &ToyLibrary) {
    let folder = library.folder.path();
    let model = Model { encoder: library.encoder.as_ref(), prior: &Centring::none() };
    publish(folder, &Store::open(folder).unwrap(), model).unwrap();
}

fn words(library: &Path) -> Vec<PathBuf> {
    let folder = generation(library).join("words");
    let found: Vec<PathBuf> = fs_err::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(found.len() > 3, "{found:?}");
    found
}

#[test]
fn with_a_damaged_index_the_scan_answers_at_once_and_the_same() {
    let mut random = seed("PAPERKIN_SEED");
    let library = ToyLibrary::of(papers(200, &mut random));
    let folder = library.folder.path();
    let scan = open(&library);
    assert_eq!(scan.index_state(), IndexState::Missing);
    let oracle = answers(&scan);
    assert_eq!(oracle.len(), 4 * 20);

    make(&library);
    assert!(matches!(open(&library).index_state(), IndexState::Published { scanned: 0 }));
    assert_eq!(answers(&open(&library)), oracle);
    let other = ToyLibrary::of(papers(150, &mut random));
    make(&other);

    let mut files: Vec<PathBuf> =
        fs_err::read_dir(generation(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.is_file());
    files.extend(words(folder));
    files.push(folder.join("generations/CURRENT"));
    let mut slowest = Duration::ZERO;
    for file in &files {
        let whole = fs_err::read(file).unwrap();
        let name = file.file_name().unwrap().to_str().unwrap();
        let mut flipped = whole.clone();
        flipped[random.below(whole.len() as u64) as usize] ^= 1 << random.below(8);
        let foreign = match name {
            "CURRENT" => other.folder.path().join("generations/CURRENT"),
            // Files of words are named by chance: of one kind there is one.
            _ if file.starts_with(generation(folder).join("words")) => {
                let same_kind = |path: &PathBuf| path.extension() == file.extension();
                words(other.folder.path()).into_iter().find(same_kind).unwrap()
            }
            name => generation(other.folder.path()).join(name),
        };
        let damages = [
            ("truncated", Some(whole[..random.below(whole.len() as u64) as usize].to_vec())),
            ("a flipped bit", Some(flipped)),
            ("zeros", Some(vec![0; whole.len()])),
            ("another library's", Some(fs_err::read(foreign).unwrap())),
            ("deleted", None),
        ];
        for (how, bytes) in damages {
            match &bytes {
                Some(bytes) if *bytes == whole => continue,
                Some(bytes) => fs_err::write(file, bytes).unwrap(),
                None => fs_err::remove_file(file).unwrap(),
            }
            let begin = Instant::now();
            let searcher = open(&library);
            let found = answers(&searcher);
            slowest = slowest.max(begin.elapsed());
            assert_eq!(found, oracle, "{name} {how}");
            match searcher.index_state() {
                IndexState::Unusable { reason } => {
                    assert!(reason.contains(folder.to_str().unwrap()), "{reason}")
                }
                IndexState::Missing => assert_eq!((name, how), ("CURRENT", "deleted")),
                // Of what is read piece by piece, no piece that was asked for was damaged.
                IndexState::Published { .. } => {
                    let piecewise = ["vectors.f32", "sentences.i8"].contains(&name);
                    assert!(piecewise && how == "a flipped bit", "{name} {how} was not seen");
                }
            }
        }
        fs_err::write(file, whole).unwrap();
    }
    println!("opened and answered four questions in {slowest:?} at most");
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    fs_err::write(&files[0], "").unwrap();
    make(&library);
    assert!(matches!(open(&library).index_state(), IndexState::Published { scanned: 0 }));
}

/// What is read piece by piece is found damaged while it answers. From then on, and for whoever comes after, it is not used.
#[test]
fn an_index_that_was_found_damaged_is_not_taken_up_again() {
    let mut random = seed("PAPERKIN_SEED");
    let library = ToyLibrary::of(papers(120, &mut random));
    let folder = library.folder.path();
    let diverse = |searcher: &Searcher| {
        let mut request = SearchRequest::new("gradient tokenizer", 20);
        request.options.diversity = Some(0.7);
        let hits = searcher.search(&request).unwrap().hits;
        hits.iter().map(|hit| (hit.paper.id.to_string(), hit.score.to_bits())).collect::<Vec<_>>()
    };
    let oracle = (answers(&open(&library)), diverse(&open(&library)));
    make(&library);
    for name in ["vectors.f32", "sentences.i8"] {
        let file = generation(folder).join(name);
        fs_err::write(&file, vec![0; fs_err::metadata(&file).unwrap().len() as usize]).unwrap();
        let renew = |before: &Searcher| {
            let encoder = Arc::clone(&library.encoder) as _;
            Searcher::renew(folder, encoder, &Centring::none(), Some(before)).unwrap()
        };
        let mut searcher = open(&library);
        for _ in 0..3 {
            assert_eq!((answers(&searcher), diverse(&searcher)), oracle);
            let IndexState::Unusable { reason } = searcher.index_state() else { panic!("{name} is used") };
            assert!(reason.contains(name), "{reason}");
            searcher = renew(&searcher);
        }
        make(&library);
        let searcher = renew(&searcher);
        assert!(matches!(searcher.index_state(), IndexState::Published { scanned: 0 }));
        assert_eq!((answers(&searcher), diverse(&searcher)), oracle);
    }
}
