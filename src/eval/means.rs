//! Measures a model's language means, its directions of style and its calibration on real text: the prior that is kept
//! beside its manifest.
//!
//! A language with enough texts about papers gets the mean of their vectors, of what is asked and of what is stored. Asked: titles, judged
//! questions, notes. Stored: abstracts, or notes in a language that has no abstracts. The mean of a language is that of its sources' means, and a source's that of its
//! kinds' of text, so neither a large collection nor a frequent kind decides it. For a language that is known from translations only,
//! parallel text tells the language from the topic: its mean is the English mean plus the mean difference between its sentences and
//! their English translations. `und`, the mean of all languages' means, stands for those that were not measured.
//!
//! The **directions** (`directions.rs`) come from differences of means of texts about the same: titles, first and last sentences, judged
//! questions and notes less the abstracts of their source; sentences less their translations; English as questions less English as passages.
//! These are vectors of one role each; all means are of vectors in both.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::probes::probes;
use super::samples::{Kind, Samples, TEXTS, balanced, head, less, mean, sample};
use super::vectors::BOTH;
use super::{Collection, EvalError, Vectors, by_id, calibration, directions};
use crate::index::{Calibration, Centring, Mean};
use crate::ingest::passages;
use crate::paper::{Language, Paper, Role, UnitVector};

/// Judged questions of one set that go into the calibration.
const QUESTIONS: usize = 60;

type Means = BTreeMap<(Language, Role), (usize, Vec<f64>)>;

/// Measures means, directions and calibration over judged folders, files of translations, and whatever else can be ingested.
///
/// # Errors
/// If nothing can be read, or the model fails.
pub fn measure(paths: &[PathBuf], vectors: &mut Vectors<'_>) -> Result<Centring, EvalError> {
    let samples = Samples::read(paths, vectors)?;
    let mut means = of_papers(&samples, vectors)?;
    add_translated(&samples, &mut means, vectors)?;
    if means.is_empty() {
        let named = paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
        return Err(EvalError::Nothing(named));
    }
    for role in [Role::Query, Role::Passage] {
        let of_role: Vec<Vec<f64>> =
            means.iter().filter(|((_, of), _)| *of == role).map(|(_, (_, mean))| mean.clone()).collect();
        if !of_role.is_empty() {
            means.insert((Language::UNDETERMINED, role), (0, balanced(&of_role)));
        }
    }
    let directions = directions::common(&differences(&samples, vectors)?);
    let means = means.into_iter().map(|((language, role), (count, mean))| Mean {
        language,
        role,
        count: count as u64,
        mean: mean.into_iter().map(|value| value as f32).collect(),
    });
    let probes = probes(vectors)?;
    let mut measured = Centring { means: means.collect(), directions, probes, ..Centring::none() };
    if let Some(calibration) = calibrate_answers(&samples.collections, &measured, vectors)? {
        measured.answers = calibration;
    }
    if let Some(calibration) = calibrate_related(&samples.collections, &measured, vectors)? {
        measured.related = calibration;
    }
    Ok(measured)
}

/// The mean of each language and role that texts about papers tell.
fn of_papers(samples: &Samples, vectors: &mut Vectors<'_>) -> Result<Means, EvalError> {
    let mut means = Means::new();
    let groups: BTreeSet<(Kind, Language)> =
        samples.sources.iter().flat_map(|source| source.groups()).collect();
    let languages: BTreeSet<Language> = groups.iter().map(|(_, language)| *language).collect();
    for language in languages {
        let stored = if groups.contains(&(Kind::Abstract, language)) { Kind::Abstract } else { Kind::Note };
        for (role, kinds) in
            [(Role::Query, [Kind::Title, Kind::Question, Kind::Note].as_slice()), (Role::Passage, &[stored])]
        {
            let mut of_sources = Vec::new();
            let mut texts = 0;
            for source in &samples.sources {
                let mut of_kinds = Vec::new();
                for group in source.groups().filter(|(kind, of)| *of == language && kinds.contains(kind)) {
                    let (count, mean) = source.mean(group, &BOTH, vectors)?;
                    texts += count;
                    of_kinds.push(mean);
                }
                if !of_kinds.is_empty() {
                    of_sources.push(balanced(&of_kinds));
                }
            }
            if !of_sources.is_empty() {
                means.insert((language, role), (texts, balanced(&of_sources)));
            }
        }
    }
    Ok(means)
}

/// The means of sentences and of their translations, in `roles`.
fn both_sides(
    pairs: &[super::Translation],
    roles: &[Role],
    vectors: &mut Vectors<'_>,
) -> Result<(Vec<f64>, Vec<f64>), EvalError> {
    let pairs = sample(pairs, TEXTS);
    let theirs: Vec<String> = pairs.iter().map(|pair| pair.src.clone()).collect();
    let english: Vec<String> = pairs.iter().map(|pair| pair.eng.clone()).collect();
    Ok((mean(&vectors.embed(roles, &theirs)?), mean(&vectors.embed(roles, &english)?)))
}

/// Means of languages that only translations tell.
fn add_translated(samples: &Samples, means: &mut Means, vectors: &mut Vectors<'_>) -> Result<(), EvalError> {
    for role in [Role::Query, Role::Passage] {
        let Some((_, english)) = means.get(&(Language::ENGLISH, role)).cloned() else { continue };
        for (language, pairs) in &samples.translated {
            if means.contains_key(&(*language, role)) {
                continue;
            }
            let (theirs, translated) = both_sides(pairs, &BOTH, vectors)?;
            let offset = less(&theirs, &translated);
            let moved = english.iter().zip(&offset).map(|(english, offset)| english + offset).collect();
            means.insert((*language, role), (pairs.len().min(TEXTS), moved));
        }
    }
    Ok(())
}

/// What tells a kind of text, a role or a language from another in texts about the same.
fn differences(samples: &Samples, vectors: &mut Vectors<'_>) -> Result<Vec<Vec<f64>>, EvalError> {
    let mut all = Vec::new();
    for source in &samples.sources {
        let abstracts = source.groups().filter(|(kind, _)| *kind == Kind::Abstract);
        let Some(base) = abstracts.max_by_key(|(_, language)| source.abstracts_in(*language)) else {
            continue;
        };
        let (_, base) = source.mean(base, &[Role::Passage], vectors)?;
        for group in source.groups().filter(|(kind, _)| *kind != Kind::Abstract) {
            all.push(less(&source.mean(group, &[Role::Query], vectors)?.1, &base));
            if group.0 == Kind::Note {
                all.push(less(&source.mean(group, &[Role::Passage], vectors)?.1, &base));
            }
        }
    }
    for (_, pairs) in &samples.translated {
        let (asked, english_asked) = both_sides(pairs, &[Role::Query], vectors)?;
        let (stored, english_stored) = both_sides(pairs, &[Role::Passage], vectors)?;
        all.push(less(&asked, &english_asked));
        all.push(less(&stored, &english_stored));
        all.push(less(&english_asked, &english_stored));
    }
    Ok(all)
}

/// Questions with one of their papers against the same questions with each other's papers.
fn calibrate_answers(
    collections: &[Collection],
    measured: &Centring,
    vectors: &mut Vectors<'_>,
) -> Result<Option<Calibration>, EvalError> {
    let (mut related, mut unrelated) = (Vec::new(), Vec::new());
    for collection in collections {
        let papers = by_id(collection);
        for set in &collection.sets {
            let (mut questions, mut answers) = (Vec::new(), Vec::new());
            for question in sample(&set.questions, QUESTIONS) {
                let best = question
                    .judged
                    .iter()
                    .filter(|(_, grade)| **grade > 0.0)
                    .map(|(id, _)| id.as_str())
                    .min();
                let paper = best.and_then(|id| papers.get(id));
                let passage =
                    paper.and_then(|paper| passages(paper, vectors.encoder()).first()?.embedded_text(paper));
                if let Some(passage) = passage {
                    questions.push(head(&question.text, vectors));
                    answers.push(passage);
                }
            }
            let asked = centred(measured, vectors, Role::Query, &questions)?;
            let stored = centred(measured, vectors, Role::Passage, &answers)?;
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
    measured: &Centring,
    vectors: &mut Vectors<'_>,
) -> Result<Option<Calibration>, EvalError> {
    let encoder = vectors.encoder();
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
        let ones = centred(measured, vectors, Role::Passage, &texts(|pair| pair.0.to_owned()))?;
        let others = centred(measured, vectors, Role::Passage, &texts(|pair| pair.1.to_owned()))?;
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

fn centred(
    measured: &Centring,
    vectors: &mut Vectors<'_>,
    role: Role,
    texts: &[String],
) -> Result<Vec<UnitVector>, EvalError> {
    let vectors = vectors.embed(&BOTH, texts)?;
    let each = texts.iter().zip(&vectors);
    Ok(each.map(|(text, raw)| measured.apply(role, Language::of(text), raw)).collect())
}
