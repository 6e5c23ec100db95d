//! A measurement, not run by default: what each signal costs, and what the whole ranking costs beside them.
//!
//! `zstd -dc arxiv-100k/corpus.jsonl.zst > $PAPERKIN_ABSTRACTS`, and then
//! `cargo test --release search::measure -- --ignored --nocapture`. Texts are real; the vectors are made up, about as near to each other as
//! a model's, in a graph as it is published.

use std::collections::HashMap;
use std::io::BufRead;
use std::sync::Arc;
use std::time::Instant;

use super::question::{Piece, Question};
use super::ranker::{Entry, Ranker};
use super::ranking::Method;
use crate::index::{Centring, FlatVectors, HnswIndex, SentenceVectors, VectorIndex};
use crate::lexical::{Document, Glosses, LexicalIndex, Lexicon};
use crate::paper::{Language, Paper, Record, UnitVector, passages_of};
use crate::store::PaperNumber;

const DIMENSION: usize = 384;
/// As abstracts have them.
const SENTENCES: usize = 8;

struct Random(u64);

impl Random {
    fn normal(&mut self) -> f32 {
        let mut sum = 0.0;
        for _ in 0..12 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            sum += (self.0 >> 40) as f32 / (1_u64 << 24) as f32;
        }
        sum - 6.0
    }

    /// About as far from its fellows as passages are, centred.
    fn vector(&mut self, topics: &[Vec<f32>]) -> UnitVector {
        let weights: Vec<f32> = topics.iter().map(|_| self.normal().powi(3)).collect();
        let value =
            |at: usize| topics.iter().zip(&weights).map(|(topic, weight)| weight * topic[at]).sum::<f32>();
        let values: Vec<f32> = (0..DIMENSION).map(|at| value(at) + self.normal()).collect();
        UnitVector::new(values).unwrap()
    }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

#[test]
#[ignore = "a measurement"]
fn measure_signals() {
    let Some(path) = std::env::var_os("PAPERKIN_ABSTRACTS") else { return };
    let lines = std::io::BufReader::new(fs_err::File::open(path).unwrap()).lines();
    let papers: Vec<Paper> = lines
        .map(|line| {
            let row: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
            let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
            let record =
                Record { title: text("title"), abstract_text: Some(text("abstract")), ..Record::default() };
            Paper::merge(&[record], false).unwrap()
        })
        .collect();
    let mut random = Random(7);
    let topics: Vec<Vec<f32>> = (0..24).map(|_| (0..DIMENSION).map(|_| random.normal()).collect()).collect();
    for count in [1_000, papers.len()] {
        let papers = &papers[..count.min(papers.len())];
        let mut vectors = FlatVectors::with_capacity(DIMENSION, papers.len());
        let mut sentences = SentenceVectors::new(DIMENSION);
        let (mut entries, mut documents) = (HashMap::new(), Vec::new());
        for (number, paper) in (0_u32..).zip(papers) {
            // As many passages as the model would need are beside the point: one holds it all.
            let passage = passages_of(paper, usize::MAX, |_| 0).remove(0);
            vectors.push(number, random.vector(&topics).as_slice()).unwrap();
            sentences.push(number, &[(); SENTENCES].map(|()| random.vector(&topics)));
            documents.extend(Document::of(number, paper, &passage));
            entries.insert(number, Entry::of(PaperNumber(number), &passage));
        }
        let index: Arc<dyn VectorIndex> = Arc::new(HnswIndex::build(Arc::new(vectors)));
        let lexicon = Lexicon::new(vec![Arc::new(LexicalIndex::in_memory(documents).unwrap())]);
        let ranker = Ranker::new(Centring::none(), vec![index], vec![Arc::new(sentences)], lexicon, entries);
        // Words in English are no ranking by themselves.
        let mut times: HashMap<(&str, Option<Method>), Vec<f64>> = HashMap::new();
        for paper in papers.iter().step_by(papers.len() / 50) {
            let mut ask = |kind: &'static str, text: &str| {
                let piece = Piece { language: Language::ENGLISH, vector: random.vector(&topics) };
                let question = Question {
                    text: text.to_owned(),
                    pieces: vec![piece],
                    sentences: Vec::new(),
                    glosses: Glosses::of(text),
                };
                for method in [Method::Dense, Method::Lexical, Method::ReciprocalRank, Method::Shipped] {
                    let started = Instant::now();
                    ranker.rank(&question, method, 10, &|_| true).unwrap();
                    times
                        .entry((kind, Some(method)))
                        .or_default()
                        .push(started.elapsed().as_secs_f64() * 1e3);
                }
                let started = Instant::now();
                ranker.glossed(&question.glosses, &|_| true).unwrap().best(10, |_| true);
                times.entry((kind, None)).or_default().push(started.elapsed().as_secs_f64() * 1e3);
            };
            ask("a title", &paper.title);
            ask("an abstract", paper.abstract_text.as_deref().unwrap_or_default());
            ask(
                "a Korean question",
                "잔차 연결을 대신하여 학습을 안정시키는 방법과 그 이론적 근거는 무엇인가",
            );
        }
        let mut times: Vec<_> = times.into_iter().collect();
        times.sort_by_key(|(what, _)| *what);
        for ((kind, method), times) in times {
            let signal = method.map_or("words in English".to_owned(), |method| format!("{method:?}"));
            println!("{} papers, asked by {kind}, {signal}: {:.2} ms", papers.len(), median(times));
        }
    }
}
