//! How a question is to be answered, in a URL. A parameter of several values is repeated: `tag=moe&tag=vision` is either
//! of them. A comma is part of its value, as in `author=Kim, Minsu`.

use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::Page;
use crate::search::{self, Filter, Key, Sort};
use crate::server::error::Failure;

/// The query string, in order.
pub(super) type Pairs = Vec<(String, String)>;

/// Which papers may answer, in a URL.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only described; `Pairs` reads it")]
pub(super) struct FilterInUrl {
    /// A tag, in any case; repeat it for any of several.
    #[param(required = false)]
    tag: Vec<String>,
    /// A tag that papers must not have; repeatable.
    #[param(required = false)]
    not_tag: Vec<String>,
    /// An author: a family name, or names in either order; repeat it for any of several.
    #[param(required = false, example = json!(["Kim, Minsu"]))]
    author: Vec<String>,
    /// An author that papers must not have; repeatable.
    #[param(required = false)]
    not_author: Vec<String>,
    /// A language of abstract or commentary, ISO 639-1; repeat it for any of several.
    #[param(required = false, example = json!(["ko"]))]
    lang: Vec<String>,
    /// A language that papers must not be in; repeatable.
    #[param(required = false)]
    not_lang: Vec<String>,
    /// A file, a folder or an ending, from the beginning of a word; repeat it for any of several.
    #[param(required = false)]
    source: Vec<String>,
    /// A source that papers must not be from; repeatable.
    #[param(required = false)]
    not_source: Vec<String>,
    /// A span: `2024`, `2024-05`, `2023..2025`, `>=2024`; repeat it for any of several.
    #[param(required = false, example = json!(["2023..2025"]))]
    year: Vec<String>,
    /// A span that papers must not be of; repeatable.
    #[param(required = false)]
    not_year: Vec<String>,
    /// The first day, month or year.
    #[param(example = "2024-05")]
    from: Option<String>,
    /// The last day, month or year.
    to: Option<String>,
    /// With a commentary, or without any.
    has_commentary: Option<bool>,
}

/// How a question is to be answered, in a URL.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only described; `Pairs` reads it")]
struct RankingInUrl {
    /// How many papers, 10 if not given.
    #[param(minimum = 1)]
    limit: Option<u64>,
    /// How many of the best are passed over: `limit=10&offset=10` is the second page.
    offset: Option<u64>,
    /// The order in which the best are shown: `score` or `date`.
    #[param(inline)]
    sort: Option<Sort>,
    /// What is new is preferred: a paper so many days older counts half in the order; scores stay.
    #[param(example = 365)]
    recency: Option<f32>,
    /// 0: the best papers, however alike. 1: papers as unlike each other as can be.
    #[param(minimum = 0, maximum = 1)]
    diversity: Option<f32>,
    /// The score below which a paper is no answer: 0 to 1, `none`, or `default`, the model's own.
    floor: Option<String>,
    /// A paper that you have seen already; repeatable.
    #[param(required = false)]
    exclude: Vec<String>,
}

/// Both.
pub(super) struct OptionsInUrl;

impl IntoParams for OptionsInUrl {
    fn into_params(
        place: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
    ) -> Vec<utoipa::openapi::path::Parameter> {
        let mut all = RankingInUrl::into_params(&place);
        all.extend(FilterInUrl::into_params(&place));
        all
    }
}

/// A score from 0 to 1, `none` or `default`.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = Floor, example = 0.2)]
#[expect(dead_code, reason = "only described; `Floor` is what is read")]
pub(super) enum FloorSchema {
    /// The score.
    Score(f32),
    /// `none` or `default`.
    Word(String),
}

/// What a URL says of how to answer. How many is checked against our limits later.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) page: Page,
    pub(super) options: search::Options,
}

impl Options {
    /// Reads all pairs; one under a name of `own`, which all mean the same, is the route's own.
    pub(super) fn of_url(pairs: Pairs, own: &[&'static str]) -> Result<(Option<String>, Self), Failure> {
        let mut read = Self::default();
        let mut text = None;
        let mut once = Once::default();
        for (name, value) in pairs {
            let options = &mut read.options;
            match name.as_str() {
                name if own.contains(&name) => {
                    once.only(own[0])?;
                    text = Some(value);
                }
                "limit" => {
                    once.only("limit")?;
                    read.page.limit = Some(number("limit", &value)?);
                }
                "offset" => {
                    once.only("offset")?;
                    read.page.offset = Some(number("offset", &value)?);
                }
                "sort" => {
                    once.only("sort")?;
                    options.sort = value.parse().map_err(refused_by)?;
                }
                "recency" => {
                    once.only("recency")?;
                    options.recency = Some(number("recency", &value)?);
                }
                "diversity" => {
                    once.only("diversity")?;
                    options.diversity = Some(number("diversity", &value)?);
                }
                "floor" => {
                    once.only("floor")?;
                    options.floor = value.parse().map_err(refused_by)?;
                }
                "exclude" => options.exclude.push(value.parse().map_err(refused_by)?),
                name => {
                    if !add(&mut options.filter, &mut once, name, &value)? {
                        let more = ["limit", "offset", "sort", "recency", "diversity", "floor", "exclude"];
                        let known: Vec<&str> =
                            own.iter().take(1).chain(&more).chain(&FILTERS).copied().collect();
                        return Err(unknown(name, &known));
                    }
                }
            }
        }
        Ok((text, read))
    }
}

/// Reads pairs that are all of a filter.
pub(super) fn filter_of_url(pairs: Pairs) -> Result<Filter, Failure> {
    let mut filter = Filter::default();
    let mut once = Once::default();
    for (name, value) in pairs {
        if !add(&mut filter, &mut once, &name, &value)? {
            return Err(unknown(&name, &FILTERS));
        }
    }
    Ok(filter)
}

/// Parameters that are said at most once.
#[derive(Default)]
pub(super) struct Once(Vec<&'static str>);

impl Once {
    pub(super) fn only(&mut self, name: &'static str) -> Result<(), Failure> {
        if self.0.contains(&name) {
            return Err(refused(&format!("{name} is given twice")));
        }
        self.0.push(name);
        Ok(())
    }
}

pub(super) const FILTERS: [&str; 13] = [
    "tag",
    "not_tag",
    "author",
    "not_author",
    "lang",
    "not_lang",
    "source",
    "not_source",
    "year",
    "not_year",
    "from",
    "to",
    "has_commentary",
];

/// Adds a parameter of a filter; false if it is none.
fn add(filter: &mut Filter, once: &mut Once, name: &str, value: &str) -> Result<bool, Failure> {
    let Some(known) = FILTERS.into_iter().find(|known| *known == name) else { return Ok(false) };
    if matches!(known, "from" | "to" | "has_commentary") {
        once.only(known)?;
    }
    if known == "has_commentary" {
        filter.has_commentary = Some(yes_or_no(known, value)?);
        return Ok(true);
    }
    let (bare, negated) = known.strip_prefix("not_").map_or((known, false), |bare| (bare, true));
    let refused = |error| Failure::of_filter(error, SEE);
    let key = Key::parse(bare).map_err(refused)?;
    filter.add(key, negated, value).map_err(refused)?;
    Ok(true)
}

fn number<N: std::str::FromStr>(name: &str, value: &str) -> Result<N, Failure> {
    value.parse().map_err(|_| refused(&format!("{name} is '{value}', no number")).of(name))
}

pub(super) fn unknown(name: &str, known: &[&str]) -> Failure {
    let name = crate::paper::cut(name, 40);
    Failure::invalid(format!("there is no parameter '{name}'"), format!("use any of {}", known.join(", ")))
}

/// `true` or `false`.
pub(super) fn yes_or_no(name: &str, value: &str) -> Result<bool, Failure> {
    value.parse().map_err(|_| refused(&format!("{name} is '{value}'; use true or false")))
}

const SEE: &str = "see /openapi.json for the parameters of this route";

fn refused(why: &str) -> Failure {
    Failure::invalid(crate::paper::cut(why, 200), SEE)
}

fn refused_by(error: impl std::fmt::Display) -> Failure {
    refused(&error.to_string())
}
