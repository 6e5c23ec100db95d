//! Measures a model's language means and calibration on real text: the prior that is kept beside its manifest.
//!
//! A language with enough texts about papers gets their mean, in each role (questions: judged questions and titles;
//! passages: abstracts and commentary). For a language that is known from translations only, parallel text tells the
//! language from the topic: its mean is the English mean plus the mean difference between its sentences and their
//! English translations. `und`, the mean of all languages' means, stands for those that were not measured.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Collection, Embedded, EvalError, calibration, embed, question, translations};
use crate::corpus;
use crate::embed::Encoder;
use crate::index::{Calibration, Centring, Mean, PassageMeans};
use crate::ingest::passages;
use crate::paper::{Language, Paper, Role, UnitVector};

/// Texts embedded for one language in one role. The mean of so many is within 0.03 of that of all.
const TEXTS: usize = 200;

/// Fewer texts about papers than this do not make a mean.
const FEWEST: usize = 50;

/// Judged questions of one set that go into the calibration.
const QUESTIONS: usize = 60;

type Texts = BTreeMap<(Role, Language), Vec<String>>;

/// Measures the means and the calibration over judged folders, files of translations, and whatever else can be ingested.
///
/// # Errors
/// If nothing can be read, or the model fails.
pub fn measure(
    paths: &[PathBuf],
    encoder: &dyn Encoder,
    embedded: Embedded<'_>,
) -> Result<Centring, EvalError> {
    let mut texts = Texts::new();
    let mut collections = Vec::new();
    let mut pairs: BTreeMap<Language, Vec<(String, String)>> = BTreeMap::new();
    for path in paths {
        if path.join("corpus.jsonl").exists() {
            collections.push(Collection::read(path)?);
            continue;
        }
        let listing = corpus::files_under(path).map_err(|error| EvalError::Line {
            file: error.file,
            line: error.line,
            why: error.why,
        })?;
        for file in listing.files {
            if file.path.extension().is_some_and(|end| end == "jsonl")
                && let Some(translated) = translations(&file.path)?
            {
                // The sentences are one language; each alone may be too short to tell.
                let whole: String =
                    translated.iter().map(|pair| pair.src.as_str()).collect::<Vec<_>>().join(" ");
                let sentences = translated.into_iter().map(|pair| (pair.src, pair.eng));
                pairs.entry(Language::of(&whole)).or_default().extend(sentences);
            } else if let Ok(reader) = corpus::open(&file.path) {
                for paper in reader.flatten().filter_map(|record| Paper::merge(&[record], false)) {
                    collect(&paper, encoder, &mut texts);
                }
            }
        }
    }
    for collection in &collections {
        for (_, paper) in &collection.papers {
            collect(paper, encoder, &mut texts);
        }
        for (text, _) in collection.sets.iter().flat_map(|set| &set.questions) {
            add(&mut texts, Role::Query, question(encoder, text));
        }
    }

    let mut means: Vec<Mean> = Vec::new();
    for ((role, language), all) in &texts {
        if all.len() >= FEWEST && *language != Language::UNDETERMINED {
            let vectors = embed(encoder, *role, &sample(all, TEXTS), embedded)?;
            means.push(mean(*language, *role, &vectors));
        }
    }
    for (language, sentences) in &pairs {
        for role in [Role::Query, Role::Passage] {
            let known = |language: Language| {
                means.iter().find(|mean| mean.language == language && mean.role == role).cloned()
            };
            let (None, Some(english)) = (known(*language), known(Language::ENGLISH)) else { continue };
            let side = |of: fn(&(String, String)) -> &String| -> Vec<String> {
                sample(sentences, TEXTS).iter().map(of).cloned().collect()
            };
            let theirs = mean(*language, role, &embed(encoder, role, &side(|pair| &pair.0), embedded)?);
            let translated = mean(*language, role, &embed(encoder, role, &side(|pair| &pair.1), embedded)?);
            let offset =
                theirs.mean.iter().zip(&translated.mean).map(|(theirs, translated)| theirs - translated);
            let moved = english.mean.iter().zip(offset).map(|(english, offset)| english + offset).collect();
            means.push(Mean { mean: moved, ..theirs });
        }
    }
    for role in [Role::Query, Role::Passage] {
        let of_role: Vec<&Mean> = means.iter().filter(|mean| mean.role == role).collect();
        if let Some(first) = of_role.first() {
            let share = 1.0 / of_role.len() as f32;
            let middle =
                (0..first.mean.len()).map(|at| of_role.iter().map(|mean| mean.mean[at] * share).sum());
            let all = Mean { language: Language::UNDETERMINED, role, count: 0, mean: middle.collect() };
            means.push(all);
        }
    }
    if means.is_empty() {
        let named = paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
        return Err(EvalError::Nothing(named));
    }
    let mut measured = Centring { means, ..Centring::none() };
    if let Some(calibration) = calibrate_answers(&collections, encoder, &measured, embedded)? {
        measured.answers = calibration;
    }
    if let Some(calibration) = calibrate_related(&collections, encoder, &measured, embedded)? {
        measured.related = calibration;
    }
    Ok(measured)
}

fn collect(paper: &Paper, encoder: &dyn Encoder, texts: &mut Texts) {
    add(texts, Role::Query, question(encoder, &paper.title));
    for passage in passages(paper, encoder) {
        if let Some(text) = passage.embedded_text(paper) {
            texts.entry((Role::Passage, passage.language)).or_default().push(text);
        }
    }
}

fn add(texts: &mut Texts, role: Role, text: String) {
    if !text.is_empty() {
        texts.entry((role, Language::of(&text))).or_default().push(text);
    }
}

/// `count` of them, evenly spaced, so that every source is in it.
fn sample<T: Clone>(all: &[T], count: usize) -> Vec<T> {
    let count = count.min(all.len());
    (0..count).map(|at| all[at * all.len() / count].clone()).collect()
}

fn mean(language: Language, role: Role, vectors: &[UnitVector]) -> Mean {
    let mut sums = PassageMeans::default();
    for vector in vectors {
        sums.add(language, vector.as_slice());
    }
    let empty = Mean { language, role, count: 0, mean: Vec::new() };
    sums.means(role).pop().unwrap_or(empty)
}

/// Questions with one of their papers against the same questions with each other's papers.
fn calibrate_answers(
    collections: &[Collection],
    encoder: &dyn Encoder,
    measured: &Centring,
    embedded: Embedded<'_>,
) -> Result<Option<Calibration>, EvalError> {
    let (mut related, mut unrelated) = (Vec::new(), Vec::new());
    for collection in collections {
        let papers = by_id(collection);
        for set in &collection.sets {
            let (mut questions, mut answers) = (Vec::new(), Vec::new());
            for (text, judged) in sample(&set.questions, QUESTIONS) {
                let best = judged.iter().filter(|(_, grade)| **grade > 0).map(|(id, _)| id.as_str()).min();
                let paper = best.and_then(|id| papers.get(id));
                let passage = paper.and_then(|paper| passages(paper, encoder).first()?.embedded_text(paper));
                if let Some(passage) = passage {
                    questions.push(question(encoder, &text));
                    answers.push(passage);
                }
            }
            let asked = centred(measured, encoder, Role::Query, &questions, embedded)?;
            let stored = centred(measured, encoder, Role::Passage, &answers, embedded)?;
            for (at, question) in asked.iter().enumerate() {
                for (other, passage) in stored.iter().enumerate() {
                    if at == other {
                        related.push(question.cosine(passage));
                    } else if answers[at] != answers[other] {
                        unrelated.push(question.cosine(passage));
                    }
                }
            }
        }
    }
    Ok(calibration::fit(&related, &unrelated))
}

/// Papers with one that is related to them against the same papers with each other's.
fn calibrate_related(
    collections: &[Collection],
    encoder: &dyn Encoder,
    measured: &Centring,
    embedded: Embedded<'_>,
) -> Result<Option<Calibration>, EvalError> {
    let (mut related, mut unrelated) = (Vec::new(), Vec::new());
    for collection in collections {
        let papers = by_id(collection);
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        for (id, judged) in &collection.related {
            let others = judged.keys().filter(|other| id < *other);
            pairs.extend(others.map(|other| (id.as_str(), other.as_str())));
        }
        pairs.sort_unstable();
        pairs.retain(|(one, other)| papers.contains_key(one) && papers.contains_key(other));
        let pairs = sample(&pairs, QUESTIONS);
        let texts = |of: fn(&(&'_ str, &'_ str)) -> String| -> Vec<String> {
            let paper = |pair| papers.get(of(pair).as_str());
            let text = |paper: &&Paper| passages(paper, encoder).first()?.embedded_text(paper);
            pairs.iter().map(|pair| paper(pair).and_then(text).unwrap_or_default()).collect()
        };
        let ones = centred(measured, encoder, Role::Passage, &texts(|pair| pair.0.to_owned()), embedded)?;
        let others = centred(measured, encoder, Role::Passage, &texts(|pair| pair.1.to_owned()), embedded)?;
        for (at, one) in ones.iter().enumerate() {
            for (to, other) in others.iter().enumerate() {
                let judged = collection.related.get(pairs[at].0);
                if judged.is_some_and(|judged| judged.contains_key(pairs[to].1)) {
                    related.push(one.cosine(other));
                } else if pairs[at].0 != pairs[to].1 {
                    unrelated.push(one.cosine(other));
                }
            }
        }
    }
    Ok(calibration::fit(&related, &unrelated))
}

fn by_id(collection: &Collection) -> BTreeMap<&str, &Paper> {
    collection.papers.iter().map(|(id, paper)| (id.as_str(), paper)).collect()
}

fn centred(
    measured: &Centring,
    encoder: &dyn Encoder,
    role: Role,
    texts: &[String],
    embedded: Embedded<'_>,
) -> Result<Vec<UnitVector>, EvalError> {
    let vectors = embed(encoder, role, texts, embedded)?;
    let each = texts.iter().zip(&vectors);
    Ok(each.map(|(text, raw)| measured.apply(role, Language::of(text), raw)).collect())
}
