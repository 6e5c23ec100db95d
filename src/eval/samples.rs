//! Texts of each kind from each source: what means and directions are measured on.
//!
//! A source is one path that was given. Every source counts the same, and within it every kind: a collection of ten
//! thousand papers must not be the definition of a language.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use unicode_segmentation::UnicodeSegmentation;

use super::protocols::commentaries;
use super::{Collection, EvalError, Translation, Vectors, translations};
use crate::corpus;
use crate::ingest::passages;
use crate::paper::{Language, Paper, PassageKind, Role, UnitVector, letters_and_digits};

/// Texts embedded of one kind and language of one source. The mean of so many is within 0.03 of that of all.
pub(super) const TEXTS: usize = 200;

/// Fewer texts than this do not make a mean.
pub(super) const FEWEST: usize = 50;

/// A sentence with fewer letters is a heading or a scrap.
const SHORTEST_SENTENCE: usize = 15;

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Title and abstract, as they are stored.
    Abstract,
    /// The title alone.
    Title,
    /// The first sentence of the abstract.
    Opening,
    /// The last sentence of the abstract.
    Closing,
    /// A judged question.
    Question,
    /// What somebody wrote about the paper.
    Note,
}

/// The texts of one source.
#[derive(Default)]
pub(super) struct Source {
    texts: BTreeMap<(Kind, Language), Vec<String>>,
}

/// All that was read.
#[derive(Default)]
pub(super) struct Samples {
    pub(super) sources: Vec<Source>,
    pub(super) collections: Vec<Collection>,
    /// Files of translations, with the language that is translated.
    pub(super) translated: Vec<(Language, Vec<Translation>)>,
}

impl Samples {
    /// Reads judged folders, files of translations, and whatever else can be ingested.
    pub(super) fn read(paths: &[PathBuf], vectors: &Vectors<'_>) -> Result<Self, EvalError> {
        let mut samples = Self::default();
        for path in paths {
            let mut source = Source::default();
            if super::lines::find(path, "corpus.jsonl").is_some() {
                let collection = Collection::read(path)?;
                source.take_collection(&collection, vectors);
                samples.collections.push(collection);
            } else {
                samples.read_files(path, &mut source, vectors)?;
            }
            if !source.texts.is_empty() {
                samples.sources.push(source);
            }
        }
        Ok(samples)
    }

    fn read_files(
        &mut self,
        path: &Path,
        source: &mut Source,
        vectors: &Vectors<'_>,
    ) -> Result<(), EvalError> {
        let listing = corpus::files_under(path).map_err(|error| EvalError::Line {
            file: error.file,
            line: error.line,
            why: error.why,
        })?;
        for file in listing.files {
            if file.path.extension().is_some_and(|end| end == "jsonl")
                && let Some(pairs) = translations(&file.path)?
            {
                // The sentences are one language; each alone may be too short to tell.
                let whole: String = pairs.iter().map(|pair| pair.src.as_str()).collect::<Vec<_>>().join(" ");
                self.translated.push((Language::of(&whole), pairs));
            } else if let Ok(reader) = corpus::open(&file.path) {
                for paper in reader.flatten().filter_map(|record| Paper::merge(&[record], false)) {
                    source.take_paper(&paper, vectors);
                }
            }
        }
        Ok(())
    }
}

impl Source {
    fn take_collection(&mut self, collection: &Collection, vectors: &Vectors<'_>) {
        for paper in &collection.papers {
            self.take_paper(paper, vectors);
        }
        let notes = commentaries(collection);
        let is_note = |question: &&super::Question| notes.iter().any(|note| std::ptr::eq(*note, *question));
        for set in collection.sets.iter().filter(|set| !set.slice) {
            let kind = if set.questions.first().is_some_and(|question| is_note(&question)) {
                Kind::Note
            } else {
                Kind::Question
            };
            for question in &set.questions {
                self.take(kind, head(&question.text, vectors));
            }
        }
    }

    fn take_paper(&mut self, paper: &Paper, vectors: &Vectors<'_>) {
        self.take(Kind::Title, head(&paper.title, vectors));
        if let Some(text) = &paper.abstract_text {
            let says_something = |sentence: &&str| letters_and_digits(sentence) >= SHORTEST_SENTENCE;
            let sentences: Vec<&str> =
                text.unicode_sentences().map(str::trim).filter(says_something).collect();
            if let [first, .., last] = sentences.as_slice() {
                self.take(Kind::Opening, head(first, vectors));
                self.take(Kind::Closing, head(last, vectors));
            }
        }
        for passage in passages(paper, vectors.encoder()) {
            let kind = match passage.kind {
                PassageKind::Abstract => Kind::Abstract,
                PassageKind::Commentary => Kind::Note,
                PassageKind::Title => continue,
            };
            if let Some(text) = passage.embedded_text(paper) {
                self.texts.entry((kind, passage.language)).or_default().push(text);
            }
        }
    }

    fn take(&mut self, kind: Kind, text: String) {
        if !text.is_empty() {
            self.texts.entry((kind, Language::of(&text))).or_default().push(text);
        }
    }

    /// The kinds and languages with enough texts.
    pub(super) fn groups(&self) -> impl Iterator<Item = (Kind, Language)> {
        let enough = self.texts.iter().filter(|(_, texts)| texts.len() >= FEWEST);
        enough.map(|(group, _)| *group).filter(|(_, language)| *language != Language::UNDETERMINED)
    }

    /// How many texts the language has among the abstracts.
    pub(super) fn abstracts_in(&self, language: Language) -> usize {
        self.texts.get(&(Kind::Abstract, language)).map_or(0, Vec::len)
    }

    /// How many texts of a group were taken, and the mean of their vectors in `roles`.
    pub(super) fn mean(
        &self,
        group: (Kind, Language),
        roles: &[Role],
        vectors: &mut Vectors<'_>,
    ) -> Result<(usize, Vec<f64>), EvalError> {
        let texts = sample(self.texts.get(&group).map_or(&[], Vec::as_slice), TEXTS);
        Ok((texts.len(), mean(&vectors.embed(roles, &texts)?)))
    }
}

/// A text within what the model reads: the first of its chunks.
pub(super) fn head(text: &str, vectors: &Vectors<'_>) -> String {
    vectors.chunks(text).into_iter().next().unwrap_or_default()
}

/// `count` of them, evenly spaced.
pub(super) fn sample<T: Clone>(all: &[T], count: usize) -> Vec<T> {
    let count = count.min(all.len());
    (0..count).map(|at| all[at * all.len() / count].clone()).collect()
}

/// The mean of unit vectors, itself shorter than one.
pub(super) fn mean(vectors: &[UnitVector]) -> Vec<f64> {
    let mut sum = vec![0.0; vectors.first().map_or(0, UnitVector::dimension)];
    for vector in vectors {
        sum.iter_mut().zip(vector.as_slice()).for_each(|(sum, value)| *sum += f64::from(*value));
    }
    sum.into_iter().map(|sum| sum / vectors.len() as f64).collect()
}

/// The mean of means, each counting the same.
pub(super) fn balanced(means: &[Vec<f64>]) -> Vec<f64> {
    let mut sum = vec![0.0; means.first().map_or(0, Vec::len)];
    for mean in means {
        sum.iter_mut().zip(mean).for_each(|(sum, value)| *sum += value / means.len() as f64);
    }
    sum
}

pub(super) fn less(one: &[f64], other: &[f64]) -> Vec<f64> {
    one.iter().zip(other).map(|(one, other)| one - other).collect()
}
