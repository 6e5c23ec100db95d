//! Papers that are kept apart and may yet be one: why, for a person to decide.

use std::fmt;

use serde::Serialize;

use super::identity::{Evidence, against, clash, shared_repository};
use super::nearness::{Nearness, Title, is_generic};
use super::people::{Authors, compare};
use super::{PaperId, Record, normalised_title};

/// What speaks against two papers of the same title being one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Against {
    /// Different ids of the same registry.
    Ids(PaperId, PaperId),
    /// They share no author.
    Authors,
    /// Published in different years, and the title is one that many works have.
    Years(i16, i16),
    /// Published in different places, and the title is one that many works have.
    Venues(String, String),
    /// No authors to compare, and abstracts that have little in common.
    Abstracts,
    /// C and C++.
    Signs,
}

impl fmt::Display for Against {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ids(left, right) => write!(formatter, "their ids differ: {left} and {right}"),
            Self::Authors => write!(formatter, "they share no author"),
            Self::Years(left, right) => write!(formatter, "they are of {left} and {right}"),
            Self::Venues(left, right) => write!(formatter, "they appeared in '{left}' and in '{right}'"),
            Self::Abstracts => write!(formatter, "their abstracts have little in common"),
            Self::Signs => write!(formatter, "a sign such as + or # stands in one of them only"),
        }
    }
}

/// Why two papers that are kept apart may yet be one, the strongest reason first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// Nothing speaks against it: they came in an order in which no record showed it, or a person split them.
    Unmerged(Evidence),
    /// The same title, but.
    Title(Against),
    /// Nearly the same title; whether their authors agree, where both have some.
    NearTitle {
        /// They share an author; else one of them has none.
        same_authors: bool,
    },
    /// The same repository, but titles that differ.
    Repository(String),
}

impl fmt::Display for Doubt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unmerged(evidence) => write!(formatter, "{evidence}, and nothing against it"),
            Self::Title(against) => write!(formatter, "the same title, but {against}"),
            Self::NearTitle { same_authors: true } => {
                write!(formatter, "nearly the same title and an author in common, but the words differ")
            }
            Self::NearTitle { same_authors: false } => {
                write!(formatter, "nearly the same title, but the words differ, and no authors to compare")
            }
            Self::Repository(url) => {
                write!(formatter, "the same repository {url}, but the titles differ")
            }
        }
    }
}

/// Why two papers that are kept apart may yet be one; `None` where nothing speaks for it, or they are clearly two: a
/// Part II, an erratum, another group's work of a common title.
#[must_use]
pub fn doubt(left: &Record, right: &Record) -> Option<Doubt> {
    doubt_of((left, &Title::of(&left.title)), (right, &Title::of(&right.title)))
}

pub(super) fn doubt_of(left: (&Record, &Title), right: (&Record, &Title)) -> Option<Doubt> {
    let ((left, left_title), (right, right_title)) = (left, right);
    if let Some(id) = left.ids.iter().find(|id| right.ids.contains(id)) {
        return Some(Doubt::Unmerged(Evidence::Id(id.clone())));
    }
    if left_title.letters == right_title.letters
        && normalised_title(&left.title) == normalised_title(&right.title)
    {
        return match against(left, right) {
            None => Some(Doubt::Unmerged(Evidence::Title)),
            // Every journal has an "Editorial".
            Some(_)
                if is_generic(&left.title) && compare(&left.authors, &right.authors) != Authors::Agree =>
            {
                None
            }
            Some(Against::Signs) => None,
            Some(against) => Some(Doubt::Title(against)),
        };
    }
    let repository = shared_repository(left, right);
    let near = left_title.nearness(right_title);
    if near == Nearness::Apart && repository.is_none() {
        return None;
    }
    let authors = compare(&left.authors, &right.authors);
    if authors == Authors::Differ || two_of_arxiv(left, right) {
        return None;
    }
    let clash = clash(left, right);
    match (near, repository) {
        (Nearness::Spelling, Some(url)) if clash.is_none() => {
            Some(Doubt::Unmerged(Evidence::Repository(url)))
        }
        (Nearness::Apart, Some(url)) => {
            let series = left_title.numerals != right_title.numerals;
            (!series && clash.is_none()).then_some(Doubt::Repository(url))
        }
        _ => Some(Doubt::NearTitle { same_authors: authors == Authors::Agree }),
    }
}

fn two_of_arxiv(left: &Record, right: &Record) -> bool {
    let has = |record: &Record| record.ids.iter().any(|id| matches!(id, PaperId::Arxiv(_)));
    has(left) && has(right)
}
