//! Which papers may answer: by tag, author, language, source, date, and whether there is commentary.
//!
//! Several values of one key: any of them. Different keys: all of them. A `not_` key: none of its values. The same keys
//! and the same values everywhere: in the question's own text, in a URL, in a body, on the command line.

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::date_range::{DateRange, period};
use crate::paper::{AskedAuthor, Language, cut};

/// Which papers may answer; an empty one allows all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// With one of these tags; case does not matter.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// By one of these authors: a family name, or names in either order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
    /// With an abstract or a commentary in one of these languages, ISO 639-1.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>, example = json!(["ko"]))]
    pub langs: Vec<Language>,
    /// From one of these sources: a file, a folder, or an ending, from the beginning of a word.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// In one of these spans: `2024`, `2024-05`, `2023..2025`, `>=2024`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>, example = json!(["2023..2025"]))]
    pub dates: Vec<DateRange>,
    /// On this day or later; a year or a month begins with its first day.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "first_day")]
    #[schema(value_type = Option<String>, example = "2024-05")]
    pub from: Option<Date>,
    /// On this day or earlier; a year or a month ends with its last day.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "last_day")]
    #[schema(value_type = Option<String>, example = "2025")]
    pub to: Option<Date>,
    /// With a commentary, or without any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_commentary: Option<bool>,
    /// With none of these tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_tags: Vec<String>,
    /// By none of these authors.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_authors: Vec<String>,
    /// In none of these languages.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub not_langs: Vec<Language>,
    /// From none of these sources.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_sources: Vec<String>,
    /// In none of these spans.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub not_dates: Vec<DateRange>,
}

/// Values of all keys: each is compared with every author and file.
const MOST_VALUES: usize = 100;

/// Why a filter cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// No key of that name.
    #[error("there is no filter '{0}'; use tag, author, lang, source, year, from, to or has")]
    UnknownKey(String),
    /// No date.
    #[error("'{0}' is no date; use 2024, 2024-05, 2024-05-01, or a span: 2023..2025, ..2024, >=2024-05")]
    NoDate(String),
    /// A span without a day in it.
    #[error("the span ends before it begins: {from}..{to}; use the earlier date first")]
    Backwards {
        /// The first day.
        from: Date,
        /// The last day.
        to: Date,
    },
    /// No language.
    #[error("'{0}' is no language; use an ISO 639-1 code: ko, zh, ja, en")]
    NoLanguage(String),
    /// Nothing that a paper can have.
    #[error("'{0}' is nothing that a paper can have; use has:commentary, or -has:commentary")]
    NoProperty(String),
    /// No author.
    #[error("'{0}' is no author; use a family name, or names in either order: author:\"Kim, Minsu\"")]
    NoAuthor(String),
    /// More than anybody asks for.
    #[error("the filter has {0} values; give at most {MOST_VALUES}")]
    TooMany(usize),
    /// A key without a value.
    #[error("{0}: nothing is asked for; give a value, as in {0}:{1}")]
    Empty(&'static str, &'static str),
}

impl FilterError {
    pub(super) fn date(text: &str) -> Self {
        Self::NoDate(cut(text, 40).to_owned())
    }
}

/// What a paper can be filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A tag.
    Tag,
    /// An author.
    Author,
    /// A language.
    Lang,
    /// A file, folder or ending.
    Source,
    /// A span of time.
    Year,
    /// The first day.
    From,
    /// The last day.
    To,
    /// A property: commentary.
    Has,
}

/// Names in English, Korean, Chinese and Japanese.
const KEYS: [(Key, &[&str]); 8] = [
    (Key::Tag, &["tag", "tags", "태그", "标签", "標籤", "タグ"]),
    (Key::Author, &["author", "authors", "저자", "작자", "作者", "著者"]),
    (Key::Lang, &["lang", "language", "언어", "语言", "語言", "言語"]),
    (Key::Source, &["source", "출처", "来源", "來源", "出典"]),
    (Key::Year, &["year", "date", "연도", "년도", "날짜", "年份", "日期", "年", "日付"]),
    (Key::From, &["from", "since", "after", "부터", "自"]),
    (Key::To, &["to", "until", "까지", "至"]),
    (Key::Has, &["has", "있음", "有", "あり"]),
];

/// The one property that a paper can have.
const COMMENTARY: [&str; 15] = [
    "commentary",
    "comment",
    "note",
    "notes",
    "해설",
    "논평",
    "메모",
    "주석",
    "노트",
    "评论",
    "評論",
    "笔记",
    "解説",
    "コメント",
    "メモ",
];

impl Key {
    /// The key of that name, in any case.
    ///
    /// # Errors
    /// If there is none.
    pub fn parse(name: &str) -> Result<Self, FilterError> {
        let folded = name.to_lowercase();
        let known = KEYS.iter().find(|(_, names)| names.contains(&folded.as_str()));
        known.map(|(key, _)| *key).ok_or_else(|| FilterError::UnknownKey(cut(name, 40).to_owned()))
    }
}

impl Filter {
    /// Whether every paper is allowed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds `value` under `key`; `negated`: papers with it are left out.
    ///
    /// # Errors
    /// If no paper could have that value.
    pub fn add(&mut self, key: Key, negated: bool, value: &str) -> Result<(), FilterError> {
        let value = value.trim();
        let choose = |plain, not| if negated { not } else { plain };
        match key {
            Key::Tag => choose(&mut self.tags, &mut self.not_tags).push(tag_name(value)?),
            Key::Author => choose(&mut self.authors, &mut self.not_authors).push(author_name(value)?),
            Key::Source => choose(&mut self.sources, &mut self.not_sources).push(source_name(value)?),
            Key::Lang => {
                let chosen = if negated { &mut self.not_langs } else { &mut self.langs };
                chosen.push(language(value)?);
            }
            Key::Year => {
                let chosen = if negated { &mut self.not_dates } else { &mut self.dates };
                chosen.push(value.parse()?);
            }
            Key::From | Key::To if negated => {
                let (first, last) = period(value).ok_or_else(|| FilterError::date(value))?;
                let after = DateRange { from: Some(first), to: None };
                let before = DateRange { from: None, to: Some(last) };
                self.not_dates.push(if key == Key::From { after } else { before });
            }
            // Of two first days the later one holds: different keys must all fit, and so must these.
            Key::From => {
                let (first, _) = period(value).ok_or_else(|| FilterError::date(value))?;
                self.from = Some(self.from.map_or(first, |known| known.max(first)));
            }
            Key::To => {
                let (_, last) = period(value).ok_or_else(|| FilterError::date(value))?;
                self.to = Some(self.to.map_or(last, |known| known.min(last)));
            }
            Key::Has => {
                if !COMMENTARY.contains(&value.to_lowercase().as_str()) {
                    return Err(FilterError::NoProperty(cut(value, 40).to_owned()));
                }
                self.has_commentary = Some(!negated);
            }
        }
        Ok(())
    }

    /// As if the keys of both had been said at once: `tag:a` in the text and the tag `b` beside it mean either, the
    /// narrower time holds, and of two opposite wishes for commentary that of `other`.
    #[must_use]
    pub fn joined(mut self, other: Self) -> Self {
        self.tags.extend(other.tags);
        self.authors.extend(other.authors);
        self.langs.extend(other.langs);
        self.sources.extend(other.sources);
        self.dates.extend(other.dates);
        self.not_tags.extend(other.not_tags);
        self.not_authors.extend(other.not_authors);
        self.not_langs.extend(other.not_langs);
        self.not_sources.extend(other.not_sources);
        self.not_dates.extend(other.not_dates);
        self.from = self.from.max(other.from);
        self.to = self.to.into_iter().chain(other.to).min();
        self.has_commentary = other.has_commentary.or(self.has_commentary);
        self
    }

    /// Refuses what came past [`Filter::add`], as in JSON, and can fit no paper.
    ///
    /// # Errors
    /// If no paper could have one of the values.
    pub fn check(&self) -> Result<(), FilterError> {
        let values =
            [&self.tags, &self.authors, &self.sources, &self.not_tags, &self.not_authors, &self.not_sources];
        let values = values.map(Vec::len).iter().sum::<usize>()
            + [&self.langs, &self.not_langs].map(Vec::len).iter().sum::<usize>()
            + [&self.dates, &self.not_dates].map(Vec::len).iter().sum::<usize>();
        if values > MOST_VALUES {
            return Err(FilterError::TooMany(values));
        }
        self.tags.iter().chain(&self.not_tags).try_for_each(|tag| tag_name(tag).map(drop))?;
        self.authors.iter().chain(&self.not_authors).try_for_each(|name| author_name(name).map(drop))?;
        self.sources.iter().chain(&self.not_sources).try_for_each(|name| source_name(name).map(drop))?;
        match (self.from, self.to) {
            (Some(from), Some(to)) if from > to => Err(FilterError::Backwards { from, to }),
            _ => Ok(()),
        }
    }
}

fn tag_name(value: &str) -> Result<String, FilterError> {
    let name = value.trim().trim_start_matches(['#', '＃']).trim();
    if name.is_empty() { Err(FilterError::Empty("tag", "moe")) } else { Ok(name.to_owned()) }
}

fn source_name(value: &str) -> Result<String, FilterError> {
    if value.trim().is_empty() {
        return Err(FilterError::Empty("source", "digest"));
    }
    Ok(value.trim().to_owned())
}

fn author_name(value: &str) -> Result<String, FilterError> {
    match AskedAuthor::parse(value) {
        Some(_) => Ok(value.trim().to_owned()),
        None if value.trim().is_empty() => Err(FilterError::Empty("author", "kim")),
        None => Err(FilterError::NoAuthor(cut(value, 40).to_owned())),
    }
}

/// A code, or the name of one of the languages that this house speaks.
fn language(value: &str) -> Result<Language, FilterError> {
    const NAMES: [(Language, &[&str]); 4] = [
        (Language::KOREAN, &["korean", "한국어", "韩语", "韓国語"]),
        (Language::CHINESE, &["chinese", "중국어", "中文", "汉语", "中国語"]),
        (Language::JAPANESE, &["japanese", "일본어", "日语", "日本語"]),
        (Language::ENGLISH, &["english", "영어", "英语", "英文", "英語"]),
    ];
    let folded = value.to_lowercase();
    let named =
        NAMES.iter().find(|(_, names)| names.contains(&folded.as_str())).map(|(language, _)| *language);
    named.or_else(|| Language::parse(value)).ok_or_else(|| FilterError::NoLanguage(cut(value, 40).to_owned()))
}

fn first_day<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Date>, D::Error> {
    day(from, |(first, _)| first)
}

fn last_day<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Date>, D::Error> {
    day(from, |(_, last)| last)
}

fn day<'de, D: Deserializer<'de>>(from: D, of: fn((Date, Date)) -> Date) -> Result<Option<Date>, D::Error> {
    let Some(text) = Option::<String>::deserialize(from)? else { return Ok(None) };
    let period = period(&text).ok_or_else(|| serde::de::Error::custom(FilterError::date(&text)))?;
    Ok(Some(of(period)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(parts: &[(&str, bool, &str)]) -> Result<Filter, FilterError> {
        let mut filter = Filter::default();
        for (key, negated, value) in parts {
            filter.add(Key::parse(key)?, *negated, value)?;
        }
        Ok(filter)
    }

    #[test]
    fn json_and_words_say_the_same() {
        let words = filter(&[
            ("TAG", false, "#moe"),
            ("저자", false, "김민수"),
            ("作者", true, "Hinton, G."),
            ("언어", false, "한국어"),
            ("lang", true, "zh-Hans"),
            ("source", false, "digest"),
            ("年份", false, "2023..2025"),
            ("연도", true, ">=2024-05"),
            ("from", false, "2023"),
            ("to", false, "2025-02"),
            ("has", true, "commentary"),
        ])
        .unwrap();
        for (key, value) in [("有", "评论"), ("있음", "논평"), ("あり", "コメント"), ("Has", "Notes")]
        {
            assert_eq!(filter(&[(key, false, value)]).unwrap().has_commentary, Some(true), "{key}:{value}");
        }
        let json = serde_json::json!({
            "tags": ["moe"], "authors": ["김민수"], "not_authors": ["Hinton, G."], "langs": ["ko"], "not_langs": ["zh"],
            "sources": ["digest"], "dates": ["2023..2025"], "not_dates": ["2024-05.."], "from": "2023", "to": "2025-02",
            "has_commentary": false,
        });
        let read: Filter = serde_json::from_value(json).unwrap();
        assert_eq!(read, words);
        let again: Filter = serde_json::from_value(serde_json::to_value(&read).unwrap()).unwrap();
        assert_eq!(again, words);
        assert_eq!(read.to.unwrap().to_string(), "2025-02-28");
        assert!(Filter::default().is_empty() && !read.is_empty());
        assert_eq!(read.check(), Ok(()));
    }

    #[test]
    fn what_cannot_be_asked_says_what_can() {
        for (key, value, says) in [
            ("colour", "red", "use tag, author, lang, source, year, from, to or has"),
            ("year", "soon", "2023..2025"),
            ("from", "2024..2025", "2024-05"),
            ("year", "2025..2024", "ends before it begins"),
            ("lang", "klingon", "ISO 639-1"),
            ("has", "code", "has:commentary"),
            ("tag", "#", "tag:moe"),
            ("author", "...", "family name"),
            ("author", " ", "author:kim"),
            ("source", "", "source:digest"),
        ] {
            let error = filter(&[(key, false, value)]).unwrap_err().to_string();
            assert!(error.contains(says), "{key}:{value}: {error}");
        }
        let unknown = serde_json::from_str::<Filter>(r#"{"tag": ["moe"]}"#).unwrap_err().to_string();
        assert!(unknown.contains("`tag`") && unknown.contains("`tags`"), "{unknown}");
        let date = serde_json::from_str::<Filter>(r#"{"from": "5월"}"#).unwrap_err().to_string();
        assert!(date.contains("'5월' is no date"), "{date}");
        let backwards: Filter = serde_json::from_str(r#"{"from": "2025", "to": "2024"}"#).unwrap();
        assert!(backwards.check().unwrap_err().to_string().contains("ends before"));
        let nobody: Filter = serde_json::from_str(r#"{"not_authors": ["?"]}"#).unwrap();
        assert!(nobody.check().is_err());
        let many = Filter { langs: vec![Language::KOREAN; 101], ..Filter::default() };
        assert_eq!(many.check(), Err(FilterError::TooMany(101)));
    }

    #[test]
    fn said_at_once_is_the_narrower_time_and_either_value() {
        let text = filter(&[("tag", false, "a"), ("from", false, "2023"), ("to", false, "2025")]).unwrap();
        let beside =
            filter(&[("tag", false, "b"), ("from", false, "2024"), ("has", false, "commentary")]).unwrap();
        let both = text.joined(beside);
        assert_eq!(both.tags, ["a", "b"]);
        assert_eq!((both.from.unwrap().year(), both.to.unwrap().year()), (2024, 2025));
        assert_eq!(both.has_commentary, Some(true));
    }
}
