//! Promise: no bytes make a reader panic or hang, and encodings do not change what is read.

use std::path::Path;
use std::time::{Duration, Instant};

use paperkin::corpus;
use paperkin::paper::Record;

use super::check;
use crate::support::shared_data;

/// Small and fast random numbers; the seed is printed.
pub(super) struct Random(pub u64);

impl Random {
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit.max(1) as u64).unwrap()
    }
}

#[test]
fn broken_files_never_panic_and_are_told_fast() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/sample");
    let mut files: Vec<_> = corpus::files_under(&sample).unwrap().files;
    if let Some(data) = shared_data() {
        files.extend(corpus::files_under(&data.join("seeds")).unwrap().files);
        files.extend(corpus::files_under(&data.join("vault")).unwrap().files.into_iter().step_by(60));
    }
    let texts: Vec<(String, Vec<u8>)> = files
        .iter()
        .map(|file| (file.path.display().to_string(), fs_err::read(&file.path).unwrap()))
        .collect();
    let seed = std::env::var("PAPERKIN_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(0x9e37_79b9_7f4a_7c15);
    println!("seed {seed} (set PAPERKIN_SEED to try another)");
    let mut random = Random(seed);
    let snippets: [&[u8]; 14] = [
        b"(",
        b")",
        b"\n",
        b"[[",
        b"](",
        b"#",
        b"*",
        b"> ",
        b"{\"",
        b"\0",
        b"\xff",
        b"---\n",
        "论文名:".as_bytes(),
        b"https://arxiv.org/abs/",
    ];
    let start = Instant::now();
    let mut slowest = Duration::ZERO;
    let mut read = 0;
    for _ in 0..4_000 {
        let (name, bytes) = &texts[random.below(texts.len())];
        let mut bytes = bytes.clone();
        for _ in 0..=random.below(6) {
            let at = random.below(bytes.len());
            match random.below(5) {
                0 => bytes.truncate(at),
                1 => bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= 1 << (at % 8)),
                2 => drop(
                    bytes.splice(at..at, snippets[random.below(snippets.len())].repeat(1 + random.below(40))),
                ),
                3 => drop(bytes.drain(at..(at + random.below(200)).min(bytes.len()))),
                _ => bytes.extend_from_within(at..(at + 300).min(bytes.len())),
            }
        }
        let one = Instant::now();
        if let Ok(reader) = corpus::read_bytes(name, &bytes) {
            for record in reader.flatten() {
                check(&record);
                read += 1;
            }
        }
        slowest = slowest.max(one.elapsed());
    }
    println!("{read} records from 4,000 broken files in {:?}, the slowest file {slowest:?}", start.elapsed());
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
}

#[test]
fn texts_made_to_be_slow_are_not() {
    let million = 1_000_000;
    for (what, text) in [
        ("open parentheses", "(\n".repeat(million)),
        ("one line of parentheses", format!("2024-01-01\n{}", "(".repeat(million))),
        ("brackets", format!("https://a.org\n*x* (A B)\n{}", "[".repeat(million))),
        ("link heads", format!("https://a.org\n*x* (A B)\n{}", "[[a](".repeat(million / 4))),
        ("emphasis", format!("https://a.org\n{}", "*a\n".repeat(million))),
        ("dates", "2024-01-01\n".repeat(million)),
        ("tags", format!("2024-01-01\nTitle\n(A B)\n{}", "#a\n".repeat(million))),
        (
            "many tags",
            format!(
                "2024-01-01\nTitle\n(A B)\n{}",
                (0..20_000).fold(String::new(), |tags, n| tags + "#t" + &n.to_string() + " ")
            ),
        ),
        ("quotes", format!("https://a.org\n*x* (A B)\n{}", "> a\n".repeat(million))),
        ("labels", "论文名:\n".repeat(million)),
        ("urls", format!("2024-01-01\nTitle\n(A B)\n{}", "http https://a.b ".repeat(million / 8))),
        ("repositories", format!("2024-01-01\nTitle\n(A B)\n{}", "github.com/a/b ".repeat(million / 8))),
        ("braces", "{\"\n".repeat(million)),
    ] {
        let start = Instant::now();
        let outcome = corpus::read_bytes("x.md", text.as_bytes()).map(|reader| reader.count());
        println!("{what}: {outcome:?} in {:?}", start.elapsed());
        assert!(start.elapsed() < Duration::from_secs(10), "{what} took {:?}", start.elapsed());
    }
}

#[test]
fn wide_encodings_and_windows_line_ends_are_read_as_their_plain_twins() {
    let text = "2024년 8월 29일\nOn Graphs\n(Ada Lovelace)\nWe study graphs 🦙.\n그래프 연구입니다.\n#graph";
    let plain: Vec<Record> =
        corpus::read_bytes("d.txt", text.as_bytes()).unwrap().map(Result::unwrap).collect();
    assert_eq!(plain.len(), 1);
    let wide: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    for bytes in [wide, text.replace('\n', "\r\n").into_bytes(), format!("\u{feff}{text}\n\n").into_bytes()] {
        let twin: Vec<Record> = corpus::read_bytes("d.txt", &bytes).unwrap().map(Result::unwrap).collect();
        assert_eq!(twin, plain);
    }
    let decomposed: String = unicode_normalization::UnicodeNormalization::nfd(text).collect();
    let twin: Vec<Record> =
        corpus::read_bytes("d.txt", decomposed.as_bytes()).unwrap().map(Result::unwrap).collect();
    assert_eq!(twin[0].commentaries, plain[0].commentaries);
    assert_eq!(twin[0].date, plain[0].date, "the date line may be decomposed too");
}
