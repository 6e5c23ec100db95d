//! What `search`, `related` and `facets` have in common: which papers may answer, and how they are shown.

use clap::Args;

use crate::paper::PaperId;
use crate::search::{Filter, FilterError, Floor, Key, Options, Sort};

/// Which papers may answer. A flag that is repeated means any of its values; different flags must all fit.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which papers may answer")]
pub(super) struct FilterArguments {
    /// With this tag, in any case
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// By this author: kim, 'Kim, Minsu', 김민수
    #[arg(long, value_name = "NAME")]
    author: Vec<String>,
    /// With an abstract or a commentary in this language: ko, zh, en
    #[arg(long, value_name = "CODE")]
    lang: Vec<String>,
    /// From this file, folder or ending: digest, refs.bib, md
    #[arg(long, value_name = "NAME")]
    source: Vec<String>,
    /// Of this time: 2024, 2024-05, 2023..2025, '>=2024'
    #[arg(long, value_name = "SPAN")]
    year: Vec<String>,
    /// Of this day, month or year, or later
    #[arg(long, value_name = "DATE")]
    from: Option<String>,
    /// Of this day, month or year, or earlier
    #[arg(long, value_name = "DATE")]
    to: Option<String>,
    /// With a commentary; with =false, without any
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    has_commentary: Option<bool>,
    /// Without this tag
    #[arg(long, value_name = "TAG")]
    not_tag: Vec<String>,
    /// Not by this author
    #[arg(long, value_name = "NAME")]
    not_author: Vec<String>,
    /// In no such language
    #[arg(long, value_name = "CODE")]
    not_lang: Vec<String>,
    /// From no such file, folder or ending
    #[arg(long, value_name = "NAME")]
    not_source: Vec<String>,
    /// Not of this time
    #[arg(long, value_name = "SPAN")]
    not_year: Vec<String>,
}

impl FilterArguments {
    /// What they say.
    pub(super) fn filter(&self) -> Result<Filter, FilterError> {
        let mut filter = Filter { has_commentary: self.has_commentary, ..Filter::default() };
        let lists = [
            (Key::Tag, &self.tag, &self.not_tag),
            (Key::Author, &self.author, &self.not_author),
            (Key::Lang, &self.lang, &self.not_lang),
            (Key::Source, &self.source, &self.not_source),
            (Key::Year, &self.year, &self.not_year),
        ];
        for (key, any, none) in lists {
            any.iter().try_for_each(|value| filter.add(key, false, value))?;
            none.iter().try_for_each(|value| filter.add(key, true, value))?;
        }
        self.from.iter().try_for_each(|date| filter.add(Key::From, false, date))?;
        self.to.iter().try_for_each(|date| filter.add(Key::To, false, date))?;
        filter.check()?;
        Ok(filter)
    }
}

/// How many, in which order.
#[derive(Debug, Args)]
pub(super) struct AskingArguments {
    /// How many papers
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: u32,
    /// Pass over so many of the best: --limit 10 --offset 10 shows the second ten
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = clap::value_parser!(u32).range(..=1_000))]
    offset: u32,
    /// The order in which the best are shown: score, or date (the newest first)
    #[arg(long, default_value = "score", value_name = "score|date")]
    sort: Sort,
    /// Prefer what is new: of two that answer as well, one so many days older counts half; scores stay
    #[arg(long, value_name = "DAYS", allow_negative_numbers = true)]
    recency: Option<f32>,
    /// From 0 (the best, however alike) to 1 (as unlike each other as can be)
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    diversity: Option<f32>,
    /// The score, from 0 to 1, below which a paper is no answer; none shows every paper
    #[arg(long, default_value = "default", value_name = "X|none|default", allow_negative_numbers = true)]
    floor: Floor,
    /// Leave this paper out, for instance since you know it; repeatable
    #[arg(long, value_name = "ID")]
    exclude: Vec<PaperId>,
    #[command(flatten)]
    filter: FilterArguments,
}

impl AskingArguments {
    /// What they say.
    pub(super) fn options(self) -> anyhow::Result<Options> {
        let options = Options {
            limit: self.limit as usize,
            offset: self.offset as usize,
            filter: self.filter.filter()?,
            sort: self.sort,
            recency: self.recency,
            diversity: self.diversity,
            floor: self.floor,
            exclude: self.exclude,
        };
        options.check()?;
        Ok(options)
    }
}
