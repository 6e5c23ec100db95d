//! Judged collections, in our layout and in BEIR's own (Thakur et al. 2021).
//!
//! A folder holds `corpus.jsonl` (`id` or `_id`, `title`, `abstract` or `text`) and splits. Ours are `[NAME.]queries.jsonl` (`id`
//! or `_id`, `text`, perhaps `text_nolatin`) with `[NAME.]qrels.tsv`; BEIR's are `queries.jsonl` with `qrels/NAME.tsv`. Judgements
//! are `query-id corpus-id score`, with or without a header line. `related.tsv` (`id other`, perhaps a column named `weight`)
//! holds pairs of related papers. Every file may be packed (`.gz`, `.zst`); ids may be numbers, scores may be fractions.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::EvalError;
use super::lines::{each_json, each_row, find, unpacked_name};
use super::metrics::Judgements;
use crate::paper::{Paper, Record, normalise, single_line};

/// The name by which related pairs are chosen among the splits.
pub const RELATED: &str = "related";

/// A judged collection.
#[derive(Debug)]
pub struct Collection {
    /// The folder's name.
    pub name: String,
    /// Every paper.
    pub papers: Vec<Paper>,
    /// The collection's own id of each.
    pub ids: Vec<String>,
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
    /// The split, as it can be chosen; empty where there is but one.
    pub split: String,
    /// Whether it is another wording of a set's questions, and no set of its own.
    pub slice: bool,
    /// The questions to which something is relevant.
    pub questions: Vec<Question>,
}

/// A question.
#[derive(Clone, Debug)]
pub struct Question {
    /// Its id in the collection.
    pub id: String,
    /// What is asked.
    pub text: String,
    /// The papers that answer it.
    pub judged: Judgements,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "an id is text or a number")]
enum Id {
    Text(String),
    Number(serde_json::Number),
}

impl Id {
    /// The id of a line, under either of its names.
    fn of(ours: Option<Self>, beir: Option<Self>) -> Result<String, String> {
        match ours.or(beir) {
            Some(Self::Text(text)) => Ok(text.trim().to_owned()),
            Some(Self::Number(number)) => Ok(number.to_string()),
            None => Err("has no id; give it as 'id' or '_id'".into()),
        }
    }
}

#[derive(Deserialize)]
struct DocumentLine {
    id: Option<Id>,
    _id: Option<Id>,
    title: Option<String>,
    #[serde(rename = "abstract")]
    abstract_text: Option<String>,
    text: Option<String>,
}

#[derive(Deserialize)]
struct QuestionLine {
    id: Option<Id>,
    _id: Option<Id>,
    text: String,
    text_nolatin: Option<String>,
}

impl Collection {
    /// Reads a folder.
    ///
    /// # Errors
    /// Names the file and line.
    pub fn read(folder: &Path) -> Result<Self, EvalError> {
        let name = name_of(folder);
        let Some(corpus) = find(folder, "corpus.jsonl") else {
            return Err(EvalError::Nothing(folder.display().to_string()));
        };
        let mut collection =
            Self { name, papers: Vec::new(), ids: Vec::new(), sets: Vec::new(), related: HashMap::new() };
        let mut known = HashSet::new();
        each_json(&corpus, |line: DocumentLine| {
            let id = Id::of(line.id, line._id)?;
            let text = line.abstract_text.or(line.text).map(|text| normalise(&text));
            let record = Record {
                title: single_line(&line.title.unwrap_or_default()),
                abstract_text: text.filter(|text| !text.is_empty()),
                ..Record::default()
            };
            let says = !record.title.is_empty() || record.abstract_text.is_some();
            if !known.insert(id.clone()) {
                return Err(format!("the id {id} is there a second time; ids name one document each"));
            }
            if let Some(paper) = Paper::merge(&[record], false).filter(|_| says) {
                collection.papers.push(paper);
                collection.ids.push(id);
            }
            Ok(())
        })?;
        for split in splits(folder)? {
            collection.add(&split)?;
        }
        if let Some(pairs) = find(folder, "related.tsv") {
            collection.related = related(&pairs)?;
        }
        Ok(collection)
    }

    /// The names by which its sets are chosen.
    #[must_use]
    pub fn splits(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.sets.iter().map(|set| set.split.as_str()).collect();
        names.extend((!self.related.is_empty()).then_some(RELATED));
        names.retain(|name| !name.is_empty());
        names.dedup();
        names
    }

    fn add(&mut self, split: &Split) -> Result<(), EvalError> {
        let judged = judgements(&split.qrels)?;
        let (mut whole, mut without_latin) = (Vec::new(), Vec::new());
        each_json(&split.queries, |line: QuestionLine| {
            let id = Id::of(line.id, line._id)?;
            let Some(judged) = judged.get(&id).filter(|judged| judged.values().any(|grade| *grade > 0.0))
            else {
                return Ok(());
            };
            let wordings = [(&mut whole, Some(line.text)), (&mut without_latin, line.text_nolatin)];
            for (questions, text) in wordings {
                let text = text.map(|text| normalise(&text)).unwrap_or_default();
                if !text.is_empty() {
                    questions.push(Question { id: id.clone(), text, judged: judged.clone() });
                }
            }
            Ok(())
        })?;
        let mut name = self.name.clone();
        if !split.name.is_empty() {
            name = format!("{name}/{}", split.name);
        }
        for (name, slice, questions) in
            [(name.clone(), false, whole), (format!("{name} without Latin words"), true, without_latin)]
        {
            if !questions.is_empty() {
                self.sets.push(QuestionSet { name, split: split.name.clone(), slice, questions });
            }
        }
        Ok(())
    }
}

/// A folder's name, also where it is given as `.` or with a slash behind.
pub(super) fn name_of(folder: &Path) -> String {
    let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    whole.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

struct Split {
    name: String,
    queries: PathBuf,
    qrels: PathBuf,
}

fn splits(folder: &Path) -> Result<Vec<Split>, EvalError> {
    let mut found = Vec::new();
    for entry in fs_err::read_dir(folder)? {
        let queries = entry?.path();
        let file_name = unpacked_name(&queries);
        let Some(prefix) = file_name.strip_suffix("queries.jsonl") else { continue };
        let name = prefix.trim_end_matches('.').to_owned();
        if let Some(qrels) = find(folder, &format!("{prefix}qrels.tsv")) {
            found.push(Split { name, queries, qrels });
            continue;
        }
        let beir = folder.join("qrels");
        if !prefix.is_empty() || !beir.is_dir() {
            let why = format!(
                "has no judgements beside it: {prefix}qrels.tsv (query-id, corpus-id, score) is missing"
            );
            return Err(EvalError::line(&queries, 1, why));
        }
        for entry in fs_err::read_dir(beir)? {
            let qrels = entry?.path();
            if let Some(name) = unpacked_name(&qrels).strip_suffix(".tsv") {
                found.push(Split { name: name.to_owned(), queries: queries.clone(), qrels });
            }
        }
    }
    found.sort_by(|left, right| (&left.name, &left.qrels).cmp(&(&right.name, &right.qrels)));
    Ok(found)
}

fn judgements(file: &Path) -> Result<HashMap<String, Judgements>, EvalError> {
    let mut judged: HashMap<String, Judgements> = HashMap::new();
    each_row(file, |row, cells| {
        let [question, paper, grade, ..] = cells else {
            return Err("expected query-id, corpus-id and score, separated by tabs".into());
        };
        match grade.parse::<f64>() {
            Ok(grade) if grade.is_finite() => {
                judged.entry((*question).to_owned()).or_default().insert((*paper).to_owned(), grade.max(0.0));
                Ok(())
            }
            // A header is a first line without a number.
            _ if row.is_none() => Ok(()),
            _ => Err(format!("'{grade}' is no score; use a number")),
        }
    })?;
    Ok(judged)
}

fn related(file: &Path) -> Result<HashMap<String, Judgements>, EvalError> {
    let mut pairs: HashMap<String, Judgements> = HashMap::new();
    let mut weight_column = None;
    each_row(file, |row, cells| {
        if row.is_none() && cells.first() == Some(&"id") {
            weight_column = cells.iter().position(|name| *name == "weight");
            return Ok(());
        }
        let [one, other, ..] = cells else { return Err("expected two ids, separated by tabs".into()) };
        let weight = match weight_column.and_then(|at| cells.get(at)) {
            None => 1.0,
            Some(cell) => match cell.parse::<f64>() {
                Ok(weight) if weight.is_finite() && weight >= 0.0 => weight,
                _ => return Err(format!("'{cell}' is no weight; use a number")),
            },
        };
        for (from, to) in [(one, other), (other, one)] {
            pairs.entry((*from).to_owned()).or_default().insert((*to).to_owned(), weight);
        }
        Ok(())
    })?;
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, text).unwrap();
        }
        folder
    }

    const BEIR: [(&str, &str); 4] = [
        (
            "corpus.jsonl",
            "{\"_id\": 7, \"title\": null, \"text\": \"Sparse attention.\", \"metadata\": {\"url\": 1}}\n\
             {\"_id\": \"8\", \"title\": \"稀疏注意力\", \"text\": \"\"}\n{\"_id\": \"9\", \"title\": \"\", \"text\": \" \"}\n",
        ),
        (
            "queries.jsonl",
            "{\"_id\": 1, \"text\": \"희소 어텐션\"}\n{\"_id\": \"2\", \"text\": \"attention\", \"metadata\": []}\n",
        ),
        ("qrels/train.tsv", "query-id\tcorpus-id\tscore\n1\t7\t1.0\n1\t8\t0.5\n"),
        ("qrels/test.tsv", "2\t8\t2\n1\t7\t0\n"),
    ];

    #[test]
    fn beirs_own_layout_is_read() {
        let folder = folder(&BEIR);
        let collection = Collection::read(folder.path()).unwrap();
        assert_eq!(collection.ids, ["7", "8"], "a document without text is none");
        assert_eq!(collection.papers[0].abstract_text.as_deref(), Some("Sparse attention."));
        assert_eq!(collection.splits(), ["test", "train"]);
        let sizes: Vec<usize> = collection.sets.iter().map(|set| set.questions.len()).collect();
        assert_eq!(sizes, [1, 1], "what has nothing relevant is not asked");
        assert_eq!(collection.sets[0].questions[0].text, "attention");
        assert_eq!(collection.sets[1].questions[0].judged["8"], 0.5);
        assert!(collection.sets[1].name.ends_with("/train"));
    }

    #[test]
    fn our_layout_with_slices_and_weighted_pairs_is_read() {
        let folder = folder(&[
            ("corpus.jsonl", "{\"id\": \"a\", \"title\": \"A\"}\n{\"id\": \"b\", \"title\": \"B\"}\n"),
            (
                "ko.queries.jsonl",
                "{\"id\": \"q\", \"text\": \"Adam 최적화\", \"text_nolatin\": \"최적화\"}\n",
            ),
            ("ko.qrels.tsv", "query-id\tcorpus-id\tscore\nq\ta\t1\n"),
            ("related.tsv", "id\tother\tkind\tweight\na\tb\tcocitation\t3\n"),
        ]);
        let collection = Collection::read(folder.path()).unwrap();
        let texts: Vec<(&str, bool)> =
            collection.sets.iter().map(|set| (set.questions[0].text.as_str(), set.slice)).collect();
        assert_eq!(texts, [("Adam 최적화", false), ("최적화", true)]);
        assert_eq!(collection.splits(), ["ko", "related"]);
        assert_eq!((collection.related["a"]["b"], collection.related["b"]["a"]), (3.0, 3.0));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_file_and_line() {
        let with = |name: &str, text: &str| {
            let files: Vec<(&str, &str)> =
                BEIR.iter().map(|(file, known)| (*file, if *file == name { text } else { *known })).collect();
            Collection::read(folder(&files).path()).unwrap_err().to_string()
        };
        assert!(
            with("corpus.jsonl", "{\"_id\": \"7\"}\n{\"title\": \"x\"}\n")
                .contains("corpus.jsonl:2: has no id")
        );
        assert!(
            with("corpus.jsonl", "{\"_id\": 7}\n{\"_id\": \"7\"}\n").contains("corpus.jsonl:2: the id 7")
        );
        assert!(
            with("queries.jsonl", "\n{\"_id\": []}\n").contains("queries.jsonl:2: an id is text or a number")
        );
        assert!(with("qrels/train.tsv", "q\td\ts\n1\t7\thigh\n").contains("train.tsv:2: 'high' is no score"));
        assert!(with("qrels/test.tsv", "1 7 1\n").contains("test.tsv:1: expected"));
        let error = Collection::read(folder(&BEIR[..2]).path()).unwrap_err().to_string();
        assert!(error.contains("queries.jsonl:1: has no judgements"), "{error}");
    }
}
