//! What a reader should know beside the hits: where the answer is not to all that was asked, and what to do about it.

use std::fmt;

use serde::Serialize;
use utoipa::ToSchema;

use super::facts::Missing;
use crate::paper::{PaperId, cut};

/// Code points of somebody's text that a remark repeats.
const REPEATED: usize = 80;

/// Something to know beside the hits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "Written")]
pub enum Remark {
    /// There is nothing to find.
    EmptyLibrary,
    /// Filters and exclusions leave no paper.
    NoPaperLeft,
    /// No paper that may answer holds all that stands in quotes; the question was answered as if without them.
    PhrasesNotFound(Vec<String>),
    /// The question names a paper that the library does not have.
    NotInLibrary(PaperId),
    /// No paper has a value that a filter asks for.
    Missing(Missing),
    /// The key of an operator with nothing behind it: read as a word.
    NoValue(String),
}

/// As JSON has it.
#[derive(Serialize, ToSchema)]
#[schema(as = Remark)]
pub(crate) struct Written {
    /// `empty_library`, `no_paper_left`, `phrases_not_found`, `not_in_library`, `missing` or `no_value`.
    #[schema(example = "not_in_library")]
    code: &'static str,
    /// For people.
    message: String,
}

impl From<Remark> for Written {
    fn from(remark: Remark) -> Self {
        let code = match remark {
            Remark::EmptyLibrary => "empty_library",
            Remark::NoPaperLeft => "no_paper_left",
            Remark::PhrasesNotFound(_) => "phrases_not_found",
            Remark::NotInLibrary(_) => "not_in_library",
            Remark::Missing(_) => "missing",
            Remark::NoValue(_) => "no_value",
        };
        Self { code, message: remark.to_string() }
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyLibrary => {
                formatter.write_str("the library is empty; 'paperkin ingest PATH...' reads papers in")
            }
            Self::NoPaperLeft => formatter.write_str(
                "no paper is left by these filters and exclusions; 'paperkin facets' shows what there is",
            ),
            Self::PhrasesNotFound(phrases) => {
                let phrases: Vec<String> =
                    phrases.iter().map(|phrase| format!("\"{}\"", cut(phrase, REPEATED))).collect();
                let together = if phrases.len() > 1 { " together" } else { "" };
                let phrases = phrases.join(" and ");
                write!(
                    formatter,
                    "no paper that may answer holds {phrases}{together}; searched without the quotation marks"
                )
            }
            Self::NotInLibrary(id) => write!(formatter, "this library does not have {id}"),
            Self::Missing(Missing { key, value, near }) => {
                write!(formatter, "no paper has the {key} '{}'", cut(value, REPEATED))?;
                match near {
                    Some(near) => write!(formatter, "; perhaps '{}' is meant", cut(near, REPEATED)),
                    None => Ok(()),
                }
            }
            Self::NoValue(key) => write!(
                formatter,
                "'{key}' has nothing right behind it and was searched as a word; filters are written like tag:moe"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_reads_the_code_and_a_person_the_message() {
        let missing = |near: Option<&str>| {
            let near = near.map(str::to_owned);
            Remark::Missing(Missing { key: "tag", value: "moee".into(), near }).to_string()
        };
        assert_eq!(missing(Some("moe")), "no paper has the tag 'moee'; perhaps 'moe' is meant");
        assert_eq!(missing(None), "no paper has the tag 'moee'");
        let phrases = vec!["잔차 연결".to_owned(), "🦙".repeat(200)];
        let json = serde_json::to_value(Remark::PhrasesNotFound(phrases)).unwrap();
        assert_eq!(json["code"], "phrases_not_found");
        let message = json["message"].as_str().unwrap();
        assert!(
            message.starts_with("no paper that may answer holds \"잔차 연결\" and \"🦙")
                && message.contains("together")
        );
        assert!(message.chars().count() < 280);
    }
}
