//! Measurements, not run by default: how fast, and how good on judged sets.
//!
//! `cargo test lexical::measure -- --ignored --nocapture`; sets in BEIR form lie under `PAPERKIN_SHARED`.

use std::collections::HashMap;
use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::token::{Stems, tokens_with};
use super::{Document, LexicalIndex, Lexicon, Terms};

/// Folder of a set, where there is one.
fn data(name: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let root = std::env::var_os("PAPERKIN_SHARED").map_or_else(beside, PathBuf::from);
    Some(root.join(name)).filter(|path| path.exists())
}

fn rows(path: &Path) -> Vec<serde_json::Value> {
    let lines = std::io::BufReader::new(fs_err::File::open(path).unwrap()).lines();
    lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect()
}

fn documents(rows: &[serde_json::Value]) -> Vec<Document<'_>> {
    let text =
        |row: &'_ serde_json::Value, key: &str| row[key].as_str().map(str::to_owned).unwrap_or_default();
    let _ = text;
    (0_u32..)
        .zip(rows)
        .map(|(number, row)| Document {
            number,
            title: row["title"].as_str().unwrap_or_default().into(),
            abstract_text: row["abstract"].as_str().unwrap_or_default().into(),
            ..Document::default()
        })
        .collect()
}

fn milliseconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1000.0
}

/// Mean nDCG@10 of BM25 alone.
fn quality(folder: &Path, part: &str) -> f64 {
    let rows_of_corpus = rows(&folder.join("corpus.jsonl"));
    let ids: Vec<&str> = rows_of_corpus.iter().map(|row| row["id"].as_str().unwrap()).collect();
    let index = LexicalIndex::in_memory(documents(&rows_of_corpus)).unwrap();
    let lexicon = Lexicon::new(vec![Arc::new(index)]);
    let mut judged: HashMap<String, HashMap<String, f64>> = HashMap::new();
    for line in fs_err::read_to_string(folder.join(format!("{part}qrels.tsv"))).unwrap().lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let gain = cells[2].parse().unwrap();
        judged.entry(cells[0].to_owned()).or_default().insert(cells[1].to_owned(), gain);
    }
    let (mut sum, mut count) = (0.0, 0.0);
    for row in rows(&folder.join(format!("{part}queries.jsonl"))) {
        let Some(judged) = judged.get(row["id"].as_str().unwrap()) else { continue };
        let terms = Terms::of(row["text"].as_str().unwrap()).without_phrases();
        let mut hits: Vec<_> = lexicon.search(&terms).unwrap().hits().collect();
        hits.sort_by(|one, two| two.score.total_cmp(&one.score).then(one.number.cmp(&two.number)));
        let discount = |rank: usize| 1.0 / ((rank + 2) as f64).log2();
        let gain = |rank: usize, gain: f64| gain.max(0.0) * discount(rank);
        let ranked = hits.iter().take(10).enumerate();
        let found: f64 = ranked
            .map(|(rank, hit)| gain(rank, judged.get(ids[hit.number as usize]).copied().unwrap_or(0.0)))
            .sum();
        let mut best: Vec<f64> = judged.values().copied().collect();
        best.sort_by(|one, two| two.total_cmp(one));
        let ideal: f64 = best.iter().take(10).enumerate().map(|(rank, best)| gain(rank, *best)).sum();
        if ideal > 0.0 {
            sum += found / ideal;
            count += 1.0;
        }
    }
    sum / count
}

#[test]
#[ignore = "a measurement"]
fn measure_quality() {
    for (set, part) in [
        ("cranfield", ""),
        ("medline", ""),
        ("cisi", ""),
        ("digest-notes", "en."),
        ("digest-notes", "ko."),
        ("scifact", "train."),
        ("csl", ""),
    ] {
        let Some(folder) = data(set) else { continue };
        if folder.join(format!("{part}queries.jsonl")).exists() {
            println!("{set} {part} nDCG@10 {:.4}", quality(&folder, part));
        }
    }
}

#[test]
#[ignore = "a measurement"]
fn measure_many_short_documents() {
    let words =
        ["graph", "neural", "모델", "학습", "储氢材料", "GPT-4", "retrieval", "k-means", "언어", "dense"];
    let texts: Vec<String> = (0..50_000_usize)
        .map(|i| {
            (0..12).map(|j| words[(i * 7 + j * j * 3 + i / 13) % words.len()]).collect::<Vec<_>>().join(" ")
        })
        .map(|text| format!("{text} {}", text.len()))
        .collect();
    let documents = (0_u32..).zip(&texts).map(|(number, text)| Document {
        number,
        abstract_text: text.as_str().into(),
        ..Document::default()
    });
    let start = Instant::now();
    let index = LexicalIndex::in_memory(documents).unwrap();
    println!("{:.0} documents/s", 50_000.0 / start.elapsed().as_secs_f64());
    let lexicon = Lexicon::new(vec![Arc::new(index)]);
    searches(&lexicon, "neural retrieval 모델", &texts[..10].join(" "));
    let start = Instant::now();
    for number in 0..100 {
        LexicalIndex::in_memory([Document { number, title: "one".into(), ..Document::default() }]).unwrap();
    }
    println!("an index of one document: {:.2} ms", milliseconds(start) / 100.0);
}

/// Prints how long a short and a long question take.
fn searches(lexicon: &Lexicon, short: &str, long: &str) {
    let phrase = format!("\"{short}\"");
    for question in [short, long, &phrase] {
        let terms = Terms::of(question);
        let start = Instant::now();
        let mut found = 0;
        for _ in 0..20 {
            found = lexicon.search(&terms).unwrap().hits().count();
        }
        println!("{} terms: {found} hits, {:.2} ms", terms.asked().len(), milliseconds(start) / 20.0);
    }
}

/// `zstd -dc arxiv-100k/corpus.jsonl.zst | head -20000 > $PAPERKIN_ABSTRACTS`, and then this.
#[test]
#[ignore = "a measurement"]
fn measure_abstracts() {
    let Some(path) = std::env::var_os("PAPERKIN_ABSTRACTS") else { return };
    let rows = rows(Path::new(&path));
    let documents = documents(&rows);
    let start = Instant::now();
    let mut stems = Stems::new();
    let mut count = |text| tokens_with(text, &mut stems).len();
    let tokens: usize =
        documents.iter().map(|document| count(&document.title) + count(&document.abstract_text)).sum();
    println!("{tokens} tokens, {:.0} documents/s", documents.len() as f64 / start.elapsed().as_secs_f64());
    let folder = tempfile::tempdir().unwrap();
    let start = Instant::now();
    let files = LexicalIndex::write(folder.path(), documents.iter().cloned()).unwrap();
    println!(
        "{} documents, {:.0}/s",
        documents.len(),
        documents.len() as f64 / start.elapsed().as_secs_f64()
    );
    let mut bytes = 0;
    for file in files {
        let length = fs_err::metadata(folder.path().join(&file)).unwrap().len();
        println!("{file} {length}");
        bytes += length;
    }
    let text: usize =
        documents.iter().map(|document| document.title.len() + document.abstract_text.len()).sum();
    println!("{bytes} bytes, of {text} of text");
    let start = Instant::now();
    let lexicon = Lexicon::new(vec![Arc::new(LexicalIndex::open(folder.path()).unwrap())]);
    println!("opened in {:.1} ms", milliseconds(start));
    searches(&lexicon, "graph neural networks", &documents[1].abstract_text);
}
