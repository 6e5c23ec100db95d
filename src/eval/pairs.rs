//! Sentence pairs: translations (`src eng`, found among all), and pairs that people scored (`a b score`).

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::EvalError;
use super::judged::{Collection, Question, QuestionSet, name_of};
use super::lines::{Lines, each_json, unpacked_name};
use crate::paper::{Paper, Record, normalise, single_line};

/// A sentence and its English translation.
#[derive(Clone, Debug, Deserialize)]
pub struct Translation {
    /// The sentence.
    pub src: String,
    /// In English.
    pub eng: String,
}

/// Two sentences and how alike people find them.
#[derive(Clone, Debug, Deserialize)]
pub struct ScoredPair {
    /// One.
    pub a: String,
    /// The other.
    pub b: String,
    /// How alike; larger is more.
    pub score: f64,
}

/// What a path holds that can be measured.
#[derive(Debug)]
pub enum Subject {
    /// Papers and questions.
    Judged(Collection),
    /// Sentences, each to be found by its translation.
    Translations(Collection),
    /// Pairs whose cosines are to rank as people do.
    Similarity(String, Vec<ScoredPair>),
}

impl Subject {
    /// Reads a judged folder, a file of pairs, or a folder of such files.
    ///
    /// # Errors
    /// Names the file and line; says what is missing where there is nothing to measure.
    pub fn read(path: &Path) -> Result<Vec<Self>, EvalError> {
        if !path.is_dir() {
            let nothing = || {
                EvalError::line(
                    path,
                    1,
                    "holds neither translations (src, eng) nor scored pairs (a, b, score)",
                )
            };
            return Ok(vec![Self::of_file(path)?.ok_or_else(nothing)?]);
        }
        if super::lines::find(path, "corpus.jsonl").is_some() {
            return Ok(vec![Self::Judged(Collection::read(path)?)]);
        }
        let mut files: Vec<PathBuf> = Vec::new();
        for entry in fs_err::read_dir(path)? {
            files.push(entry?.path());
        }
        files.retain(|file| unpacked_name(file).ends_with(".jsonl"));
        files.sort();
        let mut subjects = Vec::new();
        for file in files {
            subjects.extend(Self::of_file(&file)?);
        }
        if subjects.is_empty() { Err(EvalError::Nothing(path.display().to_string())) } else { Ok(subjects) }
    }

    fn of_file(file: &Path) -> Result<Option<Self>, EvalError> {
        let folder =
            file.canonicalize().ok().and_then(|whole| whole.parent().map(name_of)).unwrap_or_default();
        let name = format!("{folder}/{}", unpacked_name(file).trim_end_matches(".jsonl"));
        if let Some(pairs) = translations(file)? {
            return Ok(Some(Self::Translations(sought(name, &pairs))));
        }
        let Some(pairs) = of_kind::<ScoredPair>(file)? else { return Ok(None) };
        Ok(Some(Self::Similarity(format!("{name}, similarity"), pairs)))
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Judged(collection) => write!(f, "{}: {} papers", collection.name, collection.papers.len()),
            Self::Translations(collection) => {
                write!(f, "{}: {} sentences", collection.name, collection.papers.len())
            }
            Self::Similarity(name, pairs) => write!(f, "{name}: {} pairs", pairs.len()),
        }
    }
}

/// The translations of a file, or `None` if it holds something else.
///
/// # Errors
/// If it begins with a translation and goes on with something else.
pub fn translations(file: &Path) -> Result<Option<Vec<Translation>>, EvalError> {
    of_kind(file)
}

/// The file's lines, if the first is of that kind.
fn of_kind<T: serde::de::DeserializeOwned>(file: &Path) -> Result<Option<Vec<T>>, EvalError> {
    match Lines::open(file)?.next() {
        Some(Ok(line)) if serde_json::from_str::<T>(&line).is_ok() => {}
        _ => return Ok(None),
    }
    let mut pairs = Vec::new();
    each_json(file, |pair| {
        pairs.push(pair);
        Ok(())
    })?;
    Ok(Some(pairs))
}

/// The English sentences as papers that have but a title, each asked for by its translation. Equal sentences answer alike.
fn sought(name: String, pairs: &[Translation]) -> Collection {
    let mut same: HashMap<String, Vec<usize>> = HashMap::new();
    let mut collection = Collection {
        name: name.clone(),
        papers: Vec::new(),
        ids: Vec::new(),
        sets: Vec::new(),
        related: HashMap::new(),
    };
    let mut questions = Vec::new();
    for (at, pair) in pairs.iter().enumerate() {
        let record = Record { title: single_line(&pair.eng), ..Record::default() };
        if record.title.is_empty() {
            continue;
        }
        same.entry(record.title.clone()).or_default().push(at);
        collection.papers.extend(Paper::merge(&[record], false));
        collection.ids.push(at.to_string());
    }
    for (at, pair) in pairs.iter().enumerate() {
        let text = normalise(&pair.src);
        if let Some(answers) = same.get(&single_line(&pair.eng)).filter(|_| !text.is_empty()) {
            let judged = answers.iter().map(|answer| (answer.to_string(), 1.0)).collect();
            questions.push(Question { id: at.to_string(), text, judged });
        }
    }
    collection.sets.push(QuestionSet { name, split: String::new(), slice: false, questions });
    collection
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_pairs_are_told_by_their_first_line() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("tatoeba");
        fs_err::create_dir(&folder).unwrap();
        let write = |name: &str, text: &str| fs_err::write(folder.join(name), text).unwrap();
        write(
            "kor-eng.jsonl",
            "{\"id\": 1, \"src\": \"안녕\", \"eng\": \"Hi!\"}\n{\"src\": \"안녕하세요\", \"eng\": \"Hi!\"}\n{\"src\": \"눈\", \"eng\": \"Snow.\"}\n",
        );
        write("sts.jsonl", "{\"a\": \"개\", \"b\": \"狗\", \"score\": 4}\n");
        write("other.jsonl", "{\"file\": 1}\n");
        let subjects = Subject::read(&folder).unwrap();
        let [Subject::Translations(found), Subject::Similarity(name, pairs)] = subjects.as_slice() else {
            panic!("{subjects:?}")
        };
        assert_eq!(found.name, "tatoeba/kor-eng");
        assert_eq!(found.sets[0].questions[1].judged.len(), 2, "either of two equal translations is right");
        assert_eq!((name.as_str(), pairs.len()), ("tatoeba/sts, similarity", 1));
        assert_eq!(Subject::read(&folder.join("kor-eng.jsonl")).unwrap().len(), 1);
        assert!(
            Subject::read(&folder.join("other.jsonl"))
                .unwrap_err()
                .to_string()
                .contains("neither translations")
        );
        write("kor-eng.jsonl", "{\"src\": \"안녕\", \"eng\": \"Hi!\"}\n{\"src\": \"눈\"}\n");
        assert!(Subject::read(&folder).unwrap_err().to_string().contains("kor-eng.jsonl:2"));
    }
}
