//! Judged sets in BEIR's form (Thakur et al. 2021), and sentence pairs.
//!
//! A folder with `corpus.jsonl` (`id title abstract`), and one or more splits, each `[NAME.]queries.jsonl` (`id text`, perhaps
//! `text_nolatin`) with `[NAME.]qrels.tsv` (`query-id corpus-id score`, one header line). `related.tsv` (`id other ...`)
//! holds pairs of related papers. Files of pairs (`src eng`, one a line) are translations.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::EvalError;
use super::metrics::Judgements;
use crate::paper::{Paper, Record, normalise, single_line};

/// A judged collection.
#[derive(Debug)]
pub struct Collection {
    /// The folder's name.
    pub name: String,
    /// Every paper, with the collection's own id.
    pub papers: Vec<(String, Paper)>,
    /// Its sets of questions.
    pub sets: Vec<QuestionSet>,
    /// Related papers of each paper, where the folder has them.
    pub related: HashMap<String, Judgements>,
}

/// Questions with the papers that answer them.
#[derive(Debug)]
pub struct QuestionSet {
    /// Collection, split, slice.
    pub name: String,
    /// Text and judgements.
    pub questions: Vec<(String, Judgements)>,
}

/// A sentence and its English translation.
#[derive(Debug, Deserialize)]
pub struct Translation {
    /// The sentence.
    pub src: String,
    /// In English.
    pub eng: String,
}

#[derive(Deserialize)]
struct Document {
    id: String,
    #[serde(default)]
    title: String,
    #[serde(default, rename = "abstract")]
    abstract_text: Option<String>,
}

#[derive(Deserialize)]
struct Question {
    id: String,
    text: String,
    text_nolatin: Option<String>,
}

impl Collection {
    /// Reads a folder.
    ///
    /// # Errors
    /// Names the file and line.
    pub fn read(folder: &Path) -> Result<Self, EvalError> {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let papers = lines::<Document>(&folder.join("corpus.jsonl"))?
            .into_iter()
            .filter_map(|document| {
                let record = Record {
                    title: single_line(&document.title),
                    abstract_text: document
                        .abstract_text
                        .map(|text| normalise(&text))
                        .filter(|text| !text.is_empty()),
                    ..Record::default()
                };
                let said = !record.title.is_empty() || record.abstract_text.is_some();
                Paper::merge(&[record], false).filter(|_| said).map(|paper| (document.id, paper))
            })
            .collect();
        let mut sets = Vec::new();
        for (split, queries) in splits(folder)? {
            let judged = judgements(&folder.join(format!("{split}qrels.tsv")))?;
            let questions: Vec<Question> = lines(&queries)?;
            let set_name = [name.as_str(), split.trim_end_matches('.')].join("/");
            let set = |name: String, text: fn(&Question) -> Option<&String>| {
                let questions: Vec<(String, Judgements)> = questions
                    .iter()
                    .filter_map(|question| {
                        let text =
                            text(question).map(|text| normalise(text)).filter(|text| !text.is_empty())?;
                        Some((text, judged.get(&question.id)?.clone()))
                    })
                    .collect();
                (!questions.is_empty()).then_some(QuestionSet { name, questions })
            };
            let set_name = set_name.trim_end_matches('/').to_owned();
            sets.extend(set(set_name.clone(), |question| Some(&question.text)));
            sets.extend(set(format!("{set_name} without Latin words"), |question| {
                question.text_nolatin.as_ref()
            }));
        }
        let pairs = folder.join("related.tsv");
        let related = if pairs.exists() { related(&pairs)? } else { HashMap::new() };
        Ok(Self { name, papers, sets, related })
    }
}

/// The translations of a file, or `None` if it holds something else.
///
/// # Errors
/// If the file cannot be read.
pub fn translations(file: &Path) -> Result<Option<Vec<Translation>>, EvalError> {
    Ok(lines(file).ok().filter(|pairs: &Vec<Translation>| !pairs.is_empty()))
}

/// Prefix (`""`, `"train."`) and questions of every split.
fn splits(folder: &Path) -> Result<Vec<(String, PathBuf)>, EvalError> {
    let mut found = Vec::new();
    for entry in fs_err::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(split) = name.strip_suffix("queries.jsonl") {
            found.push((split.to_owned(), path));
        }
    }
    found.sort();
    Ok(found)
}

fn lines<T: DeserializeOwned>(file: &Path) -> Result<Vec<T>, EvalError> {
    fs_err::read_to_string(file)?
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(at, line)| {
            serde_json::from_str(line).map_err(|error| EvalError::line(file, at + 1, error.to_string()))
        })
        .collect()
}

fn judgements(file: &Path) -> Result<HashMap<String, Judgements>, EvalError> {
    let mut judged: HashMap<String, Judgements> = HashMap::new();
    for (at, line) in fs_err::read_to_string(file)?.lines().enumerate().skip(1) {
        let mut cells = line.split('\t');
        let (Some(question), Some(paper), Some(grade)) = (cells.next(), cells.next(), cells.next()) else {
            return Err(EvalError::line(
                file,
                at + 1,
                "expected query-id, corpus-id and score, tab-separated",
            ));
        };
        let grade: f64 = grade
            .trim()
            .parse()
            .map_err(|_| EvalError::line(file, at + 1, format!("'{grade}' is no score; use a number")))?;
        judged.entry(question.to_owned()).or_default().insert(paper.to_owned(), grade.max(0.0) as u32);
    }
    Ok(judged)
}

fn related(file: &Path) -> Result<HashMap<String, Judgements>, EvalError> {
    let mut pairs: HashMap<String, Judgements> = HashMap::new();
    for (at, line) in fs_err::read_to_string(file)?.lines().enumerate().skip(1) {
        let mut cells = line.split('\t');
        let (Some(one), Some(other)) = (cells.next(), cells.next()) else {
            return Err(EvalError::line(file, at + 1, "expected two ids, tab-separated"));
        };
        for (from, to) in [(one, other), (other, one)] {
            pairs.entry(from.to_owned()).or_default().insert(to.to_owned(), 1);
        }
    }
    Ok(pairs)
}
