//! Is it any good? The ranking measured on judged sets, and the language means that it rests on.
//!
//! Papers go through what the product does with them (passages, encoder, centring, ranking); only the store is left out,
//! whose merging of equal titles would change the judged collections, and the graph, whose loss is measured elsewhere.

mod bootstrap;
mod cache;
mod calibration;
mod directions;
mod judged;
mod lines;
mod means;
mod metrics;
mod pairs;
mod probes;
mod protocols;
mod report;
mod samples;
#[cfg(test)]
mod toy;
mod vectors;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use rayon::prelude::*;

pub use cache::VectorCache;
pub use judged::{Collection, Question, QuestionSet};
pub use means::measure;
pub use metrics::{Judgements, Metric, Scores};
pub use pairs::{ScoredPair, Subject, Translation, translations};
pub use report::{Difference, Measured, Ranking, SetResult, markdown, text};
use vectors::BOTH;
pub use vectors::Vectors;

use crate::embed::EncodeError;
use crate::index::Centring;
use crate::ingest::passages;
use crate::paper::{Language, PassageVectors, Role, UnitVector, VectorError, normalise};
use crate::search::{
    Method, Question as Questioned, QuestionTexts, RankedPaper, Ranker, SearchError, words_of,
};
use crate::store::PaperNumber;
use bootstrap::interval_of;
use protocols::{Trial, What, trials};
use report::SHIPPED;

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
    /// The ranking failed.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// Vectors that cancel out.
    #[error(transparent)]
    Vector(#[from] VectorError),
    /// Nothing to measure.
    #[error(
        "{0}: nothing to measure: no judged questions (corpus.jsonl with [NAME.]queries.jsonl and [NAME.]qrels.tsv, or \
         qrels/NAME.tsv), no translations (src, eng) and no scored pairs (a, b, score)"
    )]
    Nothing(String),
    /// No split of that name.
    #[error("{collection} has no split '{wanted}'; it has {known}")]
    NoSplit {
        /// The collection.
        collection: String,
        /// What was asked for.
        wanted: String,
        /// What there is.
        known: String,
    },
    /// The person stopped it.
    #[error("stopped")]
    Stopped,
}

impl EvalError {
    fn line(file: &Path, line: usize, why: impl Into<String>) -> Self {
        Self::Line { file: file.display().to_string(), line, why: why.into() }
    }
}

/// Told how many texts were embedded; answers whether to go on.
pub type Embedded<'a> = &'a mut dyn FnMut(usize, usize) -> bool;

/// The rankings compared, by the names that DESIGN fixes.
const METHODS: [(&str, Method); 4] = [
    ("dense", Method::Dense),
    ("lexical", Method::Lexical),
    ("rrf", Method::ReciprocalRank),
    (SHIPPED, Method::Shipped),
];

/// Papers of a ranking that are judged.
const DEPTH: usize = 100;

/// Questions ranked between two looks at Ctrl+C.
const QUESTIONS_PER_LOOK: usize = 64;

/// Ranks the sets of a subject, in the `splits` chosen (all if there are none) and in each protocol that fits.
///
/// # Errors
/// If there is no such split or nothing to measure, the model fails, or the person stops it.
pub fn evaluate(
    subject: &Subject,
    splits: &[String],
    prior: &Centring,
    vectors: &mut Vectors<'_>,
) -> Result<Vec<SetResult>, EvalError> {
    let (collection, metrics, main) = match subject {
        Subject::Similarity(name, pairs) => return Ok(vec![similarity(name, pairs, prior, vectors)?]),
        Subject::Judged(collection) => (collection, Metric::OF_RANKINGS.as_slice(), Metric::Ndcg10),
        Subject::Translations(collection) => {
            (collection, Metric::OF_TRANSLATIONS.as_slice(), Metric::Accuracy)
        }
    };
    if collection.sets.is_empty() && collection.related.is_empty() {
        return Err(EvalError::Nothing(collection.name.clone()));
    }
    let known = collection.splits();
    if let Some(wanted) = splits.iter().find(|wanted| !known.contains(&wanted.as_str())) {
        let (collection, wanted) = (collection.name.clone(), wanted.clone());
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Err(EvalError::NoSplit { collection, wanted, known });
    }
    let mut results = Vec::new();
    for trial in trials(collection, splits) {
        run(&trial, &collection.ids, metrics, main, prior, vectors, &mut results)?;
    }
    Ok(results)
}

fn run(
    trial: &Trial<'_>,
    ids: &[String],
    metrics: &[Metric],
    main: Metric,
    prior: &Centring,
    vectors: &mut Vectors<'_>,
    results: &mut Vec<SetResult>,
) -> Result<(), EvalError> {
    let encoder = vectors.encoder();
    let mut texts = Vec::new();
    let mut sentences: Vec<String> = Vec::new();
    let mut cut = Vec::new();
    for (at, paper) in trial.papers.iter().enumerate() {
        for passage in passages(paper, encoder) {
            texts.push(passage.embedded_text(paper).unwrap_or_default());
            let first = sentences.len();
            sentences.extend(passage.sentences(paper).into_iter().map(str::to_owned));
            cut.push((PaperNumber(at as u32), passage, sentences.len() - first));
        }
    }
    let library = |wholes: Vec<UnitVector>, sentences: Vec<UnitVector>, prior: &Centring| {
        let mut sentences = sentences.into_iter();
        let rows = cut.iter().zip(wholes).map(|((paper, passage, count), whole)| {
            let sentences = sentences.by_ref().take(*count).collect();
            (*paper, passage.clone(), PassageVectors { whole, sentences })
        });
        Ranker::in_memory(&trial.papers, &rows.collect::<Vec<_>>(), prior, encoder.dimension())
    };
    // What one would do without us: the model's vectors as they are.
    let plain = library(vectors.embed(&[Role::Passage], &texts)?, Vec::new(), &Centring::none())?;
    let (wholes, sentences) = (vectors.embed(&BOTH, &texts)?, vectors.embed(&[Role::Query], &sentences)?);
    let shipped = library(wholes, sentences, prior)?;
    let named = |ranked: Vec<RankedPaper>| -> Vec<&str> {
        ranked.iter().filter_map(|found| ids.get(found.paper.0 as usize)).map(String::as_str).collect()
    };
    for set in &trial.sets {
        let (asked, main) = match &set.what {
            What::Questions(questions) => {
                let texts: Vec<&str> = questions.iter().map(|question| question.text.as_str()).collect();
                let plainly = ask(&texts, &[Role::Query], vectors)?;
                let asked = plainly.into_iter().zip(ask(&texts, &BOTH, vectors)?);
                let asked = asked
                    .map(|(plainly, shipped)| Asking::Question(Box::new(AskedTwice { plainly, shipped })));
                (asked.zip(questions.iter().map(|question| &question.judged)).collect::<Vec<_>>(), main)
            }
            What::Related(related) => {
                let papers = ids.iter().enumerate().filter_map(|(at, id)| Some((at, related.get(id)?)));
                // Which papers a reader links is known of few pairs: what was found counts, not its place.
                (
                    papers.map(|(at, judged)| (Asking::Related(PaperNumber(at as u32)), judged)).collect(),
                    Metric::Recall10,
                )
            }
        };
        let mut scores: BTreeMap<&'static str, Vec<Scores>> = BTreeMap::new();
        for some in asked.chunks(QUESTIONS_PER_LOOK) {
            vectors.go_on()?;
            for (name, method) in METHODS {
                let ranker = if method == Method::Shipped { &shipped } else { &plain };
                let rank = |asking: &Asking| match asking {
                    Asking::Question(asked) => {
                        let question =
                            if method == Method::Shipped { &asked.shipped } else { &asked.plainly };
                        ranker.rank(question, method, DEPTH, &|_| true)
                    }
                    Asking::Related(paper) => {
                        let words = trial.papers.get(paper.0 as usize).map(words_of).unwrap_or_default();
                        ranker.like(*paper, &words, method, DEPTH, &|other| other != *paper)
                    }
                };
                let found: Result<Vec<Option<Scores>>, SearchError> = some
                    .par_iter()
                    .map(|(asking, judged)| Ok(Scores::of(&named(rank(asking)?), judged)))
                    .collect();
                let found = found?.into_iter().flatten();
                scores.entry(name).or_default().extend(found);
            }
        }
        results.push(SetResult::of(set.name.clone(), main, metrics, &scores));
    }
    Ok(())
}

enum Asking {
    Question(Box<AskedTwice>),
    Related(PaperNumber),
}

/// A question, with the vectors of a plain search and with those of the product.
struct AskedTwice {
    plainly: Questioned,
    shipped: Questioned,
}

/// The texts as the product asks them, the whole and its sentences, in `roles`; all embedded together.
fn ask(texts: &[&str], roles: &[Role], vectors: &mut Vectors<'_>) -> Result<Vec<Questioned>, EvalError> {
    let texts: Vec<QuestionTexts> =
        texts.iter().map(|text| QuestionTexts::of(text, vectors.encoder())).collect();
    let flat: Vec<String> = texts.iter().flat_map(QuestionTexts::all).cloned().collect();
    let mut embedded = vectors.embed(roles, &flat)?.into_iter();
    let with = |texts: QuestionTexts| {
        let count = texts.all().count();
        texts.with(embedded.by_ref().take(count))
    };
    Ok(texts.into_iter().map(with).collect())
}

/// How well cosines of sentences rank as people rank them: plain, and centred as the product does.
fn similarity(
    name: &str,
    pairs: &[ScoredPair],
    prior: &Centring,
    vectors: &mut Vectors<'_>,
) -> Result<SetResult, EvalError> {
    let mut side =
        |of: fn(&ScoredPair) -> &String, roles: &[Role]| -> Result<Vec<(Language, UnitVector)>, EvalError> {
            let texts: Vec<String> = pairs.iter().map(|pair| normalise(of(pair))).collect();
            let vectors = vectors.embed(roles, &texts)?;
            Ok(texts.iter().map(|text| Language::of(text)).zip(vectors).collect())
        };
    let mut values: BTreeMap<&'static str, Vec<(f64, f64)>> = BTreeMap::new();
    let plain = Centring::none();
    for (name, roles, centring) in [("dense", &[Role::Query] as &[Role], &plain), (SHIPPED, &BOTH, prior)] {
        let (ones, others) = (side(|pair| &pair.a, roles)?, side(|pair| &pair.b, roles)?);
        let apply = |(language, raw): &(Language, UnitVector)| centring.apply(Role::Query, *language, raw);
        let cosines =
            ones.iter().zip(&others).map(|(one, other)| f64::from(apply(one).cosine(&apply(other))));
        values.insert(name, cosines.zip(pairs).map(|(cosine, pair)| (cosine, pair.score)).collect());
    }
    let drawn = |values: &[(f64, f64)], at: &[usize]| -> f64 {
        metrics::spearman(&at.iter().map(|at| values[*at]).collect::<Vec<_>>())
    };
    let everything: Vec<usize> = (0..pairs.len()).collect();
    let measured = |statistic: &dyn Fn(&[usize]) -> f64| Measured {
        metric: Metric::Spearman,
        mean: statistic(&everything),
        interval: interval_of(pairs.len(), statistic),
    };
    let rankings =
        values.iter().map(|(name, values)| (*name, Ranking(vec![measured(&|at| drawn(values, at))])));
    let (shipped, dense) = (&values[SHIPPED], &values["dense"]);
    let Measured { mean, interval, .. } = measured(&|at| drawn(shipped, at) - drawn(dense, at));
    Ok(SetResult {
        name: name.to_owned(),
        questions: pairs.len(),
        rankings: rankings.collect(),
        differences: [(Metric::Spearman.name(), Difference { against: "dense", mean, interval })].into(),
        main: Metric::Spearman,
    })
}

/// Papers by the collection's ids.
fn by_id(collection: &Collection) -> HashMap<&str, &crate::paper::Paper> {
    collection.ids.iter().map(String::as_str).zip(&collection.papers).collect()
}

#[cfg(test)]
mod tests {
    use super::toy::Toy;
    use super::*;

    #[test]
    fn every_protocol_is_measured_in_every_way_and_a_long_question_whole() {
        let mut collection = protocols::tests::collection();
        collection.sets[0].questions[0].text = "They make attention sparse. ".repeat(20);
        let toy = Toy::default();
        let mut looks = 0;
        let mut tell = |_, _| {
            looks += 1;
            true
        };
        let mut vectors = Vectors::new(&toy, VectorCache::in_memory(), &mut tell);
        let long = ask(&[collection.sets[0].questions[0].text.as_str()], &BOTH, &mut vectors).unwrap();
        assert!(long[0].pieces.len() > 1, "chunked, not cut");
        let subject = Subject::Judged(collection);
        let results = evaluate(&subject, &[], &Centring::none(), &mut vectors).unwrap();
        assert_eq!(results.len(), 7);
        for set in &results {
            assert_eq!(
                set.rankings.keys().copied().collect::<Vec<_>>(),
                ["dense", "lexical", "rrf", "shipped"]
            );
            assert!(set.questions > 0, "{}", set.name);
        }
        let related = results.iter().find(|set| set.name == "c related").unwrap();
        assert_eq!((related.main, related.questions), (Metric::Recall10, 2));
        let error = evaluate(&subject, &["dev".into()], &Centring::none(), &mut vectors).unwrap_err();
        assert_eq!(error.to_string(), "c has no split 'dev'; it has en, ko, related");
        assert!(looks > 7);
    }

    #[test]
    fn scored_pairs_are_ranked_as_people_rank_them() {
        let pair = |a: &str, b: &str, score| ScoredPair { a: a.into(), b: b.into(), score };
        let pairs = vec![
            pair("같은 글", "같은 글", 5.0),
            pair("같은 글", "같은 말", 3.0),
            pair("같은 글", "zzz", 0.0),
        ];
        let toy = Toy::default();
        let mut tell = |_, _| true;
        let mut vectors = Vectors::new(&toy, VectorCache::in_memory(), &mut tell);
        let subject = Subject::Similarity("sts".into(), pairs);
        let results = evaluate(&subject, &[], &Centring::none(), &mut vectors).unwrap();
        assert!(results[0].rankings["dense"].0[0].mean > 0.99);
    }
}
