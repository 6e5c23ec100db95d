//! What can be asked: the same over HTTP, on the command line and on the page.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::Example;
use super::filter::{Filter, FilterError};
use crate::paper::PaperId;

/// Hits in an answer that nobody counted.
pub const DEFAULT_LIMIT: usize = 10;

/// So many of the best are looked at in any case: how good an answer is does not hang on how much of it is shown.
pub(super) const LOOKED_AT: usize = 10;

/// Papers that one request may leave out.
const MOST_EXCLUDED: usize = 1_000;

/// A question.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchRequest {
    /// As it was typed: operators in it (`author:kim`) are understood.
    pub text: String,
    /// How it is to be answered.
    pub options: Options,
}

/// Examples to be like and unlike.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RelatedRequest {
    /// Like these.
    pub positive: Vec<Example>,
    /// Unlike these.
    pub negative: Vec<Example>,
    /// How it is to be answered.
    pub options: Options,
    /// Name the pair of sentences that ties each of the first hits to the papers asked about.
    pub sentences: bool,
}

/// How a request is to be answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// How many papers.
    pub limit: usize,
    /// How many of the best are passed over: the pages before this one.
    pub offset: usize,
    /// Which papers may answer.
    pub filter: Filter,
    /// In which order; of each page by itself.
    pub sort: Sort,
    /// What is new is preferred: a paper so many days older counts half in the order, scores stay; `None`: age does not matter.
    pub recency: Option<f32>,
    /// From 0, the best papers however alike, to 1, papers as unlike each other as can be.
    pub diversity: Option<f32>,
    /// The score below which a paper is no answer.
    pub floor: Floor,
    /// Papers that the caller has seen already.
    pub exclude: Vec<PaperId>,
}

/// In which order papers are shown. The best are chosen first, then ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// The best first.
    #[default]
    Score,
    /// The newest first.
    Date,
}

/// The score below which a paper is no answer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Floor {
    /// No paper is an answer where even the best are no likelier related to the question than not, by the measured curve of
    /// the model. With a filter: as `None`.
    #[default]
    Default,
    /// Every paper is an answer.
    None,
    /// From 0 to 1.
    At(f32),
}

/// Why a request cannot be answered by any library.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RequestError {
    /// Of the filter.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// Of the recency.
    #[error("recency is {0}; give the days by which a paper that is older counts half, such as 365")]
    Recency(f32),
    /// Of the diversity.
    #[error("diversity is {0}; give a number from 0 (the best) to 1 (the most different)")]
    Diversity(f32),
    /// Of the floor.
    #[error("floor is {0}; give a score from 0 to 1, 'none', or 'default'")]
    Floor(String),
    /// Of the papers to leave out.
    #[error("{0} papers are excluded; give at most {MOST_EXCLUDED}")]
    Excluded(usize),
    /// Of the examples.
    #[error("{0} is to be both like and unlike; leave it out of one")]
    LikeAndUnlike(PaperId),
    /// Of the sort.
    #[error("sort is '{0}'; use score or date")]
    Sort(String),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limit: DEFAULT_LIMIT,
            offset: 0,
            filter: Filter::default(),
            sort: Sort::default(),
            recency: None,
            diversity: None,
            floor: Floor::default(),
            exclude: Vec::new(),
        }
    }
}

impl Options {
    /// The `limit` best of all papers.
    #[must_use]
    pub fn best(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    /// How many of the best papers are looked at: more than are shown, where something else than the score chooses.
    #[must_use]
    pub fn candidates(&self) -> usize {
        if self.recency.is_none() && self.diversity.is_none() {
            return self.last().max(LOOKED_AT);
        }
        self.last().saturating_mul(5).max(200)
    }

    /// One past the last place that is shown.
    pub(super) fn last(&self) -> usize {
        self.offset.saturating_add(self.limit)
    }

    /// Refuses what means nothing.
    ///
    /// # Errors
    /// If a number is out of its range, or a filter can fit no paper.
    pub fn check(&self) -> Result<(), RequestError> {
        self.filter.check()?;
        if self.exclude.len() > MOST_EXCLUDED {
            return Err(RequestError::Excluded(self.exclude.len()));
        }
        match (self.recency, self.diversity, self.floor) {
            (Some(days), _, _) if !(days > 0.0 && days.is_finite()) => Err(RequestError::Recency(days)),
            (_, Some(share), _) if !(0.0..=1.0).contains(&share) => Err(RequestError::Diversity(share)),
            (_, _, Floor::At(score)) if !(0.0..=1.0).contains(&score) => {
                Err(RequestError::Floor(score.to_string()))
            }
            _ => Ok(()),
        }
    }
}

impl SearchRequest {
    /// The `limit` best answers to `text`.
    #[must_use]
    pub fn new(text: impl Into<String>, limit: usize) -> Self {
        Self { text: text.into(), options: Options::best(limit) }
    }
}

impl RelatedRequest {
    /// The `limit` papers most like `positive`.
    #[must_use]
    pub fn new(positive: Vec<Example>, limit: usize) -> Self {
        Self { positive, options: Options::best(limit), ..Self::default() }
    }
}

impl std::str::FromStr for Sort {
    type Err = RequestError;

    fn from_str(text: &str) -> Result<Self, RequestError> {
        match text {
            "score" => Ok(Self::Score),
            "date" => Ok(Self::Date),
            _ => Err(RequestError::Sort(crate::paper::cut(text, 40).to_owned())),
        }
    }
}

impl std::str::FromStr for Floor {
    type Err = RequestError;

    fn from_str(text: &str) -> Result<Self, RequestError> {
        match text {
            "default" => Ok(Self::Default),
            "none" => Ok(Self::None),
            _ => match text.parse() {
                Ok(score) if (0.0..=1.0).contains(&score) => Ok(Self::At(score)),
                _ => Err(RequestError::Floor(crate::paper::cut(text, 40).to_owned())),
            },
        }
    }
}

/// A score, or one of the words, as a body of JSON has it.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a score from 0 to 1, \"none\" or \"default\"")]
enum WrittenFloor {
    Score(f32),
    Word(String),
}

impl<'de> Deserialize<'de> for Floor {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match WrittenFloor::deserialize(from)? {
            WrittenFloor::Score(score) if (0.0..=1.0).contains(&score) => Ok(Self::At(score)),
            WrittenFloor::Score(score) => {
                Err(serde::de::Error::custom(RequestError::Floor(score.to_string())))
            }
            WrittenFloor::Word(word) => word.parse().map_err(serde::de::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_nothing_is_refused() {
        let of = |change: fn(&mut Options)| {
            let mut options = Options::default();
            change(&mut options);
            options.check()
        };
        assert_eq!(of(|_| {}), Ok(()));
        assert_eq!(of(|options| (options.recency, options.diversity) = (Some(365.0), Some(0.3))), Ok(()));
        assert!(of(|options| options.recency = Some(0.0)).is_err());
        assert!(of(|options| options.recency = Some(f32::NAN)).is_err());
        assert!(of(|options| options.recency = Some(f32::INFINITY)).is_err());
        assert!(of(|options| options.diversity = Some(1.1)).is_err());
        assert!(of(|options| options.diversity = Some(f32::NAN)).is_err());
        assert!(of(|options| options.floor = Floor::At(-0.1)).is_err());
        assert!(of(|options| options.exclude = vec![PaperId::of_title("t"); 1_001]).is_err());
        assert!(of(|options| options.filter.tags.push("#".into())).is_err());
    }

    #[test]
    fn floors_and_sorts_as_they_are_written() {
        for (text, floor) in [("default", Floor::Default), ("none", Floor::None), ("0.25", Floor::At(0.25))] {
            assert_eq!(text.parse::<Floor>(), Ok(floor));
        }
        assert_eq!(serde_json::from_str::<Floor>("0.25").unwrap(), Floor::At(0.25));
        assert_eq!(serde_json::from_str::<Floor>("\"none\"").unwrap(), Floor::None);
        for wrong in ["2", "\"high\"", "-1", "true"] {
            let error = serde_json::from_str::<Floor>(wrong).unwrap_err().to_string();
            assert!(error.contains("score from 0 to 1"), "{wrong}: {error}");
        }
        assert!("NaN".parse::<Floor>().is_err());
        assert_eq!("date".parse(), Ok(Sort::Date));
        assert!("relevance".parse::<Sort>().unwrap_err().to_string().contains("score or date"));
    }
}
