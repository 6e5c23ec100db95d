//! Is it any good? The ranking measured on judged sets, and the language means that it rests on.
//!
//! Papers go through what the product does with them (passages, encoder, centring, exact search, passages to papers);
//! only the store is left out, whose merging of equal titles would change the judged collections.

mod calibration;
mod judged;
mod means;
mod metrics;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

pub use judged::{Collection, QuestionSet, Translation, translations};
pub use means::measure;
pub use metrics::{Judgements, Scores};

use crate::embed::{EncodeError, Encoder, plan};
use crate::index::{Centring, ExactIndex, FlatVectors, PassageMeans, VectorIndex};
use crate::ingest::passages;
use crate::paper::{Language, Role, UnitVector, VectorError, cut};

/// Why a set cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// A line that is not what it should be.
    #[error("{file}:{line}: {why}")]
    Line {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// A file cannot be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The model failed.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// Vectors that cancel out.
    #[error(transparent)]
    Vector(#[from] VectorError),
    /// Nothing to measure.
    #[error("{0}: no judged questions (corpus.jsonl, [NAME.]queries.jsonl, [NAME.]qrels.tsv) and no texts")]
    Nothing(String),
    /// The person stopped it.
    #[error("stopped")]
    Stopped,
}

impl EvalError {
    fn line(file: &Path, line: usize, why: impl Into<String>) -> Self {
        Self::Line { file: file.display().to_string(), line, why: why.into() }
    }
}

/// One set, ranked in each way.
#[derive(Debug, Serialize)]
pub struct SetResult {
    /// Collection, split, slice.
    pub name: String,
    /// How many questions.
    pub questions: usize,
    /// `dense`: the model's plain cosine; `shipped`: what the product does.
    pub rankings: BTreeMap<&'static str, Scores>,
}

/// Told how many texts were embedded; answers whether to go on.
pub type Embedded<'a> = &'a mut dyn FnMut(usize, usize) -> bool;

/// Ranks every set of a collection, and its related pairs.
///
/// # Errors
/// If the model fails, or the person stops it.
pub fn evaluate(
    collection: &Collection,
    encoder: &dyn Encoder,
    prior: &Centring,
    embedded: Embedded<'_>,
) -> Result<Vec<SetResult>, EvalError> {
    let mut texts = Vec::new();
    let mut passage_of = Vec::new();
    for (at, (_, paper)) in collection.papers.iter().enumerate() {
        for passage in passages(paper, encoder) {
            texts.push(passage.embedded_text(paper).unwrap_or_default());
            passage_of.push((at, passage.language));
        }
    }
    let raw = embed(encoder, Role::Passage, &texts, embedded)?;
    let mut library = PassageMeans::default();
    for ((_, language), vector) in passage_of.iter().zip(&raw) {
        library.add(*language, vector.as_slice());
    }
    let rankings: [(&'static str, Centring); 2] =
        [("dense", Centring::none()), ("shipped", prior.blended_with(&library))];
    let indexes: Vec<(&'static str, &Centring, Vec<UnitVector>, ExactIndex)> = rankings
        .iter()
        .map(|(name, centring)| {
            let centred: Vec<UnitVector> = passage_of
                .iter()
                .zip(&raw)
                .map(|((_, language), vector)| centring.apply(Role::Passage, *language, vector))
                .collect();
            let mut flat = FlatVectors::with_capacity(encoder.dimension(), centred.len());
            for (number, vector) in centred.iter().enumerate() {
                // Unit vectors of the encoder's dimension always fit.
                let _ = flat.push(number as u32, vector.as_slice());
            }
            (*name, centring, centred, ExactIndex::new(Arc::new(flat)))
        })
        .collect();
    let ranked = |index: &ExactIndex, asked: &UnitVector, without: Option<usize>| -> Vec<String> {
        let paper_of = |number: u32| passage_of.get(number as usize).map(|(at, _)| *at);
        // A paper has few passages: ten times the hundred that are judged is deep enough.
        let neighbours = index.search(asked, 1_000, &|number| paper_of(number) != without);
        by_paper(neighbours, paper_of)
            .into_iter()
            .take(100)
            .map(|ranked| collection.papers[ranked.paper].0.clone())
            .collect()
    };

    let mut results = Vec::new();
    for set in &collection.sets {
        let texts: Vec<String> = set.questions.iter().map(|(text, _)| question(encoder, text)).collect();
        let asked = embed(encoder, Role::Query, &texts, embedded)?;
        let mut scores: BTreeMap<&'static str, Vec<Scores>> = BTreeMap::new();
        for (name, centring, _, index) in &indexes {
            for (((_, judged), text), raw) in set.questions.iter().zip(&texts).zip(&asked) {
                let asked = centring.apply(Role::Query, Language::of(text), raw);
                scores.entry(*name).or_default().extend(Scores::of(&ranked(index, &asked, None), judged));
            }
        }
        results.push(SetResult {
            name: set.name.clone(),
            questions: set.questions.len(),
            rankings: scores.into_iter().map(|(name, all)| (name, Scores::mean(&all))).collect(),
        });
    }
    if !collection.related.is_empty() {
        let mut scores: BTreeMap<&'static str, Vec<Scores>> = BTreeMap::new();
        let mut questions = 0;
        for (at, (id, _)) in collection.papers.iter().enumerate() {
            let Some(judged) = collection.related.get(id) else { continue };
            questions += 1;
            for (name, _, centred, index) in &indexes {
                let own: Vec<UnitVector> = passage_of
                    .iter()
                    .zip(centred)
                    .filter(|((paper, _), _)| *paper == at)
                    .map(|(_, vector)| vector.clone())
                    .collect();
                let asked = UnitVector::mean_of(&own)?;
                scores.entry(*name).or_default().extend(Scores::of(&ranked(index, &asked, Some(at)), judged));
            }
        }
        results.push(SetResult {
            name: format!("{} related", collection.name),
            questions,
            rankings: scores.into_iter().map(|(name, all)| (name, Scores::mean(&all))).collect(),
        });
    }
    Ok(results)
}

/// A question within what the model reads; judged questions that are longer are rare, and their head is asked.
fn question(encoder: &dyn Encoder, text: &str) -> String {
    let mut length = text.chars().count();
    while encoder.count_tokens(cut(text, length)) > encoder.token_limit() {
        length = length * 4 / 5;
    }
    cut(text, length).to_owned()
}

/// Embeds `texts`, batch by batch, telling how far it is.
fn embed(
    encoder: &dyn Encoder,
    role: Role,
    texts: &[String],
    embedded: Embedded<'_>,
) -> Result<Vec<UnitVector>, EvalError> {
    let lengths: Vec<usize> = texts.iter().map(|text| encoder.count_tokens(text)).collect();
    let mut vectors: HashMap<usize, UnitVector> = HashMap::with_capacity(texts.len());
    for batch in plan(&lengths, 4_096) {
        let pieces: Vec<&str> = batch.iter().map(|at| texts[*at].as_str()).collect();
        vectors.extend(batch.into_iter().zip(encoder.encode(role, &pieces)?));
        if !embedded(vectors.len(), texts.len()) {
            return Err(EvalError::Stopped);
        }
    }
    Ok((0..texts.len()).filter_map(|at| vectors.remove(&at)).collect())
}

struct Row { paper: usize }
fn by_paper(neighbours: Vec<crate::index::Neighbour>, paper_of: impl Fn(u32) -> Option<usize>) -> Vec<Row> {
    let mut seen = std::collections::HashSet::new();
    neighbours.iter().filter_map(|n| paper_of(n.number)).filter(|p| seen.insert(*p)).map(|paper| Row { paper }).collect()
}
