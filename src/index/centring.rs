//! Removes from each vector what its language and role put there, so that the rest compares across languages.
//!
//! Sentence vectors of one language share a large common part; plain cosine therefore prefers passages in the
//! language of the question, and calls every pair of papers 0.9 alike. Subtracting the mean vector of its language
//! removes that part (Libovický, Rosa and Fraser 2020, "On the Language Neutrality of Pre-trained Multilingual
//! Representations"; Yang et al. 2021, "A Simple and Effective Method to Eliminate the Self Language Bias").
//!
//! Means differ by style as well: a question is no abstract, a note no title. The **directions** in which style and language move
//! vectors, apart from topic, are projected out after the mean (Xie et al. 2022, "Discovering Low-rank Subspaces for
//! Language-agnostic Multilingual Representations"; how they are measured: `eval/directions.rs`).
//!
//! The means come from a **prior**, measured on real text and kept beside the model's manifest, blended with the
//! library's own as it grows. The store keeps raw vectors; centring is applied when an index is published and
//! is part of the index's identity, so it can change without embedding again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::paper::{Language, Role, UnitVector, VectorError, dot};

/// How many passages of its own a library needs before its means weigh as much as the prior's. The mean of n
/// vectors has a standard error of about 0.4 / sqrt(n) (passages of one language lie about 0.4 from their mean):
/// at 100 that is 0.04, a tenth of the distance between two languages' means.
const PRIOR_WEIGHT: f32 = 100.0;

/// The mean vector of one language in one role.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mean {
    /// The language; `und` stands for every language that was not measured.
    pub language: Language,
    /// The role.
    pub role: Role,
    /// How many texts were measured.
    pub count: u64,
    /// The mean of their unit vectors (itself shorter than one).
    pub mean: Vec<f32>,
}

/// How a centred cosine becomes a score from 0 to 1: the logistic curve that tells, on the measured pairs, a
/// question and its paper from a question and any other (Platt 1999).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// The centred cosine at which a pair is as likely related as not.
    pub midpoint: f32,
    /// Steepness at the midpoint.
    pub slope: f32,
}

impl Calibration {
    /// The score of a centred cosine.
    #[must_use]
    pub fn score(&self, cosine: f32) -> f32 {
        1.0 / (1.0 + (-self.slope * (cosine - self.midpoint)).exp())
    }
}

/// Takes stored passages, one by one: number, language, raw vector.
pub type Show<'a> = &'a mut dyn FnMut(u32, Language, &[f32]);

/// Takes the raw vectors of the sentences of stored passages: number and language of the passage, one vector a sentence.
pub type ShowSentences<'a> = &'a mut dyn FnMut(u32, Language, &[UnitVector]);

/// The means of a model, and what a cosine is worth under them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Centring {
    /// From the centred cosine of a question and a passage to a score.
    pub answers: Calibration,
    /// From the centred cosine of a paper and another's passage to a score: two papers are always more alike than
    /// a question and its paper.
    pub related: Calibration,
    /// One entry a language and role.
    pub means: Vec<Mean>,
    /// Directions of style and language, of length one and at right angles; tables of before they were measured have none.
    #[serde(default)]
    pub directions: Vec<Vec<f32>>,
    /// Questions that few libraries answer. Of a model's table; what is published with an index has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub probes: Vec<Probe>,
}

/// A question that few libraries of papers answer, embedded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// Its language.
    pub language: Language,
    /// Its vector in thousandths: a cosine is within 1e-4 of what it was.
    pub thousandths: Vec<i16>,
}

impl Probe {
    /// Of a raw vector.
    #[must_use]
    pub fn of(language: Language, vector: &UnitVector) -> Self {
        let rounded = |value: &f32| (value * 1_000.0).round() as i16;
        Self { language, thousandths: vector.as_slice().iter().map(rounded).collect() }
    }

    /// The raw vector.
    ///
    /// # Errors
    /// If it is all zeros.
    pub fn vector(&self) -> Result<UnitVector, VectorError> {
        UnitVector::new(self.thousandths.iter().map(|value| f32::from(*value)).collect())
    }
}

/// A table that does not fit.
#[derive(Debug, thiserror::Error)]
pub enum CentringError {
    /// Not JSON of our shape.
    #[error("the table of language means cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// A mean of another model.
    #[error("a mean or a probe of {language} has {found} numbers, the model's vectors have {expected}")]
    Dimension {
        /// Whose.
        language: Language,
        /// Numbers in the table.
        found: usize,
        /// Numbers in a vector.
        expected: usize,
    },
    /// A direction of another model, or a table that somebody edited: projecting along it would not remove it.
    #[error(
        "direction {0} of the table does not fit: it has not the model's dimension, length one, or right angles to those before"
    )]
    Direction(usize),
}

/// How far rounding may take directions from length one and right angles.
const ANGLE_TOLERANCE: f32 = 1e-3;

impl Centring {
    /// Reads a table and checks that it fits vectors of `dimension`.
    ///
    /// # Errors
    /// If it is not one, or is for another dimension.
    pub fn from_json(bytes: &[u8], dimension: usize) -> Result<Self, CentringError> {
        let table: Self = serde_json::from_slice(bytes)?;
        let means = table.means.iter().map(|mean| (mean.language, mean.mean.len()));
        let probes = table.probes.iter().map(|probe| (probe.language, probe.thousandths.len()));
        match means.chain(probes).find(|(_, found)| *found != dimension) {
            Some((language, found)) => Err(CentringError::Dimension { language, found, expected: dimension }),
            None => table.check_directions(dimension),
        }
    }

    fn check_directions(self, dimension: usize) -> Result<Self, CentringError> {
        for (at, direction) in self.directions.iter().enumerate() {
            let along = |other: &Vec<f32>| -> f32 {
                direction.iter().zip(other).map(|(one, other)| one * other).sum()
            };
            let fits = direction.len() == dimension
                // NaN is never within.
                && (along(direction) - 1.0).abs() < ANGLE_TOLERANCE
                && self.directions[..at].iter().all(|before| along(before).abs() < ANGLE_TOLERANCE);
            if !fits {
                return Err(CentringError::Direction(at));
            }
        }
        Ok(self)
    }

    /// The table as it is published with a generation.
    ///
    /// # Errors
    /// Never in practice: the table holds only numbers and codes.
    pub fn to_json(&self) -> Result<Vec<u8>, CentringError> {
        Ok(serde_json::to_vec(self)?)
    }

    /// No means known: vectors stay as they are, and a score is half the way to one at a cosine of one half.
    #[must_use]
    pub fn none() -> Self {
        let unmeasured = Calibration { midpoint: 0.5, slope: 10.0 };
        Self {
            answers: unmeasured,
            related: unmeasured,
            means: Vec::new(),
            directions: Vec::new(),
            probes: Vec::new(),
        }
    }

    /// This prior, moved towards the means of the passages that `visit` shows.
    ///
    /// # Errors
    /// Those of `visit`.
    pub fn blended_over<E>(&self, visit: impl FnOnce(Show<'_>) -> Result<(), E>) -> Result<Self, E> {
        let mut means = PassageMeans::default();
        visit(&mut |_, language, raw| means.add(language, raw))?;
        Ok(self.blended_with(&means))
    }

    /// The passages that `visit` shows, centred, one by one to `take`.
    ///
    /// # Errors
    /// Those of `visit`.
    pub fn centre_all<E>(
        &self,
        visit: impl FnOnce(Show<'_>) -> Result<(), E>,
        mut take: impl FnMut(u32, &UnitVector),
    ) -> Result<(), E> {
        visit(&mut |number, language, raw| {
            // The store takes only unit vectors, so this does not fail.
            if let Ok(raw) = UnitVector::new(raw.to_vec()) {
                take(number, &self.apply(Role::Passage, language, &raw));
            }
        })
    }

    /// The sentences of passages that `visit` shows, centred as their passages are, to `take`.
    ///
    /// # Errors
    /// Those of `visit`.
    pub fn centre_sentences<E>(
        &self,
        visit: impl FnOnce(ShowSentences<'_>) -> Result<(), E>,
        mut take: impl FnMut(u32, &[UnitVector]),
    ) -> Result<(), E> {
        visit(&mut |number, language, raw| {
            let each = raw.iter().map(|raw| self.apply(Role::Passage, language, raw));
            take(number, &each.collect::<Vec<_>>());
        })
    }

    fn mean(&self, language: Language, role: Role) -> Option<&[f32]> {
        let of = |language| {
            self.means
                .iter()
                .find(|mean| mean.language == language && mean.role == role)
                .map(|mean| mean.mean.as_slice())
        };
        of(language).or_else(|| of(Language::UNDETERMINED))
    }

    /// `raw` without the mean of its language and role, and without the directions. A vector that is nothing else stays as it
    /// is.
    #[must_use]
    pub fn apply(&self, role: Role, language: Language, raw: &UnitVector) -> UnitVector {
        let mut centred = raw.as_slice().to_vec();
        match self.mean(language, role) {
            Some(mean) => centred.iter_mut().zip(mean).for_each(|(value, mean)| *value -= mean),
            None if self.directions.is_empty() => return raw.clone(),
            None => {}
        }
        for direction in &self.directions {
            let along = dot(&centred, direction);
            centred.iter_mut().zip(direction).for_each(|(value, direction)| *value -= along * direction);
        }
        UnitVector::new(centred).unwrap_or_else(|_| raw.clone())
    }

    /// This prior, moved towards the means of a library's own passages.
    ///
    /// Each language's shift from the prior is shrunk towards the shift of the whole library, and that towards none
    /// (empirical Bayes, with [`PRIOR_WEIGHT`]): seven Chinese passages about one paper must not make that paper the
    /// definition of Chinese, while a library of nothing but robotics loses the robotics that all its papers
    /// share, in every language. Questions are not stored, so their means move with those of the passages.
    #[must_use]
    pub fn blended_with(&self, library: &PassageMeans) -> Self {
        let mut whole = Shift::default();
        let mut shifts: BTreeMap<Language, Shift> = BTreeMap::new();
        for (language, sum) in &library.sums {
            let Some(prior) = self.mean(*language, Role::Passage) else { continue };
            let moved: Vec<f32> = sum
                .total
                .iter()
                .zip(prior)
                .map(|(total, prior)| *total as f32 - sum.count as f32 * prior)
                .collect();
            whole.add(sum.count, &moved);
            shifts.entry(*language).or_default().add(sum.count, &moved);
        }
        let whole = whole.shrunk_towards(&[]);
        let mut languages: Vec<Language> = self.means.iter().map(|mean| mean.language).collect();
        languages.extend(shifts.keys());
        languages.sort_unstable();
        languages.dedup();
        let none = Shift::default();
        let mut means = Vec::new();
        for language in languages {
            let shift = shifts.get(&language).unwrap_or(&none).shrunk_towards(&whole);
            for role in [Role::Query, Role::Passage] {
                let Some(prior) = self.mean(language, role) else { continue };
                let mean = prior
                    .iter()
                    .enumerate()
                    .map(|(at, value)| value + shift.get(at).copied().unwrap_or_default())
                    .collect();
                let count = library.sums.get(&language).map_or(0, |sum| sum.count);
                means.push(Mean { language, role, count, mean });
            }
        }
        Self {
            answers: self.answers,
            related: self.related,
            means,
            directions: self.directions.clone(),
            probes: Vec::new(),
        }
    }
}

/// The sum of `count` differences from the prior.
#[derive(Default)]
struct Shift {
    count: u64,
    total: Vec<f32>,
}

impl Shift {
    fn add(&mut self, count: u64, moved: &[f32]) {
        self.count += count;
        self.total.resize(moved.len(), 0.0);
        for (total, moved) in self.total.iter_mut().zip(moved) {
            *total += moved;
        }
    }

    /// The mean shift, as if [`PRIOR_WEIGHT`] more passages had shifted by `towards` (empty: by nothing).
    fn shrunk_towards(&self, towards: &[f32]) -> Vec<f32> {
        let weight = self.count as f32 + PRIOR_WEIGHT;
        (0..self.total.len().max(towards.len()))
            .map(|at| {
                let own = self.total.get(at).copied().unwrap_or_default();
                (own + PRIOR_WEIGHT * towards.get(at).copied().unwrap_or_default()) / weight
            })
            .collect()
    }
}

/// Running sums of raw passage vectors by language.
#[derive(Clone, Debug, Default)]
pub struct PassageMeans {
    sums: BTreeMap<Language, Sum>,
}

#[derive(Clone, Debug, Default)]
struct Sum {
    count: u64,
    total: Vec<f64>,
}

impl PassageMeans {
    /// Counts one passage in.
    pub fn add(&mut self, language: Language, raw: &[f32]) {
        let sum = self.sums.entry(language).or_default();
        sum.count += 1;
        sum.total.resize(raw.len(), 0.0);
        for (total, value) in sum.total.iter_mut().zip(raw) {
            *total += f64::from(*value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prior() -> Centring {
        let mean = |language, role, mean: [f32; 3]| Mean { language, role, count: 9, mean: mean.to_vec() };
        Centring {
            means: vec![
                mean(Language::ENGLISH, Role::Passage, [0.9, 0.0, 0.0]),
                mean(Language::ENGLISH, Role::Query, [0.8, 0.0, 0.0]),
                mean(Language::KOREAN, Role::Passage, [0.0, 0.9, 0.0]),
                mean(Language::UNDETERMINED, Role::Query, [0.5, 0.5, 0.0]),
                mean(Language::UNDETERMINED, Role::Passage, [0.5, 0.5, 0.0]),
            ],
            ..Centring::none()
        }
    }

    #[test]
    fn what_languages_share_is_gone_and_topics_meet() {
        let english = UnitVector::new(vec![0.9, 0.0, 0.1]).unwrap();
        let korean = UnitVector::new(vec![0.0, 0.9, 0.1]).unwrap();
        assert!(english.cosine(&korean) < 0.1);
        let prior = prior();
        let centred = prior.apply(Role::Passage, Language::ENGLISH, &english);
        assert!(centred.cosine(&prior.apply(Role::Passage, Language::KOREAN, &korean)) > 0.5);
    }

    #[test]
    fn a_few_passages_move_little_and_many_move_all() {
        let prior = prior();
        let mut library = PassageMeans::default();
        assert_eq!(prior.blended_with(&library).means.len(), 6, "both roles of three languages");
        let topic = [0.9, 0.0, 0.4];
        let shift = |count: usize, library: &mut PassageMeans| {
            for _ in 0..count {
                library.add(Language::ENGLISH, &topic);
            }
            let blended = prior.blended_with(library);
            [
                (Language::ENGLISH, Role::Passage),
                (Language::ENGLISH, Role::Query),
                (Language::KOREAN, Role::Passage),
            ]
            .map(|(language, role)| blended.mean(language, role).unwrap()[2])
        };
        let few = shift(5, &mut library);
        assert!(few[0] < 0.05, "{few:?}");
        let many = shift(10_000, &mut library);
        assert!(many[0] > 0.39 && many[1] > 0.39, "questions move with passages: {many:?}");
        assert!(many[2] > 0.39, "what the whole library shares goes in every language: {many:?}");
    }

    #[test]
    fn directions_are_gone_from_every_vector_and_stay_with_the_blend() {
        let slanted = std::f32::consts::FRAC_1_SQRT_2;
        let directions = vec![vec![slanted, slanted, 0.0]];
        let library = PassageMeans::default();
        let prior = Centring { directions, ..prior() }.blended_with(&library);
        let raw = UnitVector::new(vec![0.3, 0.8, 0.5]).unwrap();
        for (role, language) in [(Role::Query, Language::ENGLISH), (Role::Passage, Language::KOREAN)] {
            let centred = prior.apply(role, language, &raw);
            assert!(dot(centred.as_slice(), &prior.directions[0]).abs() < 1e-6, "{centred:?}");
            assert!((centred.cosine(&centred) - 1.0).abs() < 1e-6);
        }
        let meanless = Centring { means: Vec::new(), ..prior.clone() };
        let centred = meanless.apply(Role::Query, Language::CHINESE, &raw);
        assert!(dot(centred.as_slice(), &prior.directions[0]).abs() < 1e-6, "also where no mean is known");
        assert_eq!(Centring::none().apply(Role::Query, Language::CHINESE, &raw), raw);
    }

    #[test]
    fn tables_without_directions_are_read_and_directions_that_do_not_fit_are_refused() {
        let with = |directions: Vec<Vec<f32>>| {
            Centring::from_json(&Centring { directions, ..prior() }.to_json().unwrap(), 3)
        };
        assert_eq!(with(vec![vec![1.0, 0.0, 0.0], vec![0.0, 0.0, 1.0]]).unwrap().directions.len(), 2);
        for wrong in [vec![1.0, 0.0], vec![2.0, 0.0, 0.0], vec![0.8, 0.6, 0.0]] {
            let error = with(vec![vec![1.0, 0.0, 0.0], wrong]).unwrap_err();
            assert!(matches!(error, CentringError::Direction(1)), "{error}");
        }
        let mut older: serde_json::Value = serde_json::from_slice(&prior().to_json().unwrap()).unwrap();
        older.as_object_mut().unwrap().remove("directions");
        assert_eq!(Centring::from_json(older.to_string().as_bytes(), 3).unwrap(), prior());
    }

    #[test]
    fn a_table_of_another_model_is_refused() {
        let json = prior().to_json().unwrap();
        assert!(Centring::from_json(&json, 3).is_ok());
        assert!(Centring::from_json(&json, 384).unwrap_err().to_string().contains("384"));
        assert!(Centring::from_json(b"{", 3).is_err());
    }
}
