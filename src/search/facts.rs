//! What papers can be filtered and counted by, of all papers, in memory: some hundred bytes a paper, asked in
//! milliseconds.
//!
//! A filter is answered from here before anything is ranked, so that ranking looks at the papers that may answer, and
//! an answer is never short because its papers were filtered away afterwards.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::OnceLock;

use jiff::civil::Date;
use serde::Serialize;
use unicode_normalization::UnicodeNormalization;
use utoipa::ToSchema;

use super::column::{Column, ColumnBuilder};
use super::date_range::DateRange;
use super::filter::Filter;
use super::paper_set::PaperSet;
use crate::paper::{AskedAuthor, Language, Mention, Paper, author_key, normalised_title, place_of};
use crate::store::{PaperNumber, Snapshot, StoreError};

/// Values shown of one key.
const SHOWN: usize = 100;
/// No paper is of that day.
const UNDATED: i32 = i32::MIN;

/// What is known of all papers of one snapshot.
pub struct Facts {
    /// Ascending.
    numbers: Vec<u32>,
    dates: Vec<i32>,
    with_commentary: PaperSet,
    tags: Column,
    authors: Column,
    langs: Column,
    sources: Column,
    /// Hashes of what commentaries mention, ascending, and the number of the paper whose commentary does.
    mentions: Vec<(u64, u32)>,
    /// Days of papers and of their commentaries, ascending, and the paper's number.
    days: Vec<(i32, u32)>,
    /// Counted when they are first wanted: of 100,000 papers they take 30 ms, and every page without a filter shows them.
    facets_of_all: OnceLock<Facets>,
}

/// How many papers have each value: the commonest first, at most a hundred a key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Facets {
    /// Papers counted.
    pub total: usize,
    /// Tags.
    pub tags: Vec<Facet>,
    /// Languages of abstracts and commentaries.
    pub langs: Vec<Facet>,
    /// Years.
    pub years: Vec<Facet>,
    /// Files.
    pub sources: Vec<Facet>,
    /// Authors; other spellings of a name are counted apart, though a filter finds them together.
    pub authors: Vec<Facet>,
    /// `true` with commentary, `false` without.
    pub commentary: Vec<Facet>,
}

/// A value that a filter asks for and no paper has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The key.
    pub key: &'static str,
    /// The value.
    pub value: String,
    /// One that is spelt nearly so.
    pub near: Option<String>,
}

/// A value, and how many papers have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Facet {
    /// As a filter takes it.
    pub value: String,
    /// Papers.
    pub count: usize,
}

impl Facts {
    /// Of all papers of `snapshot`.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn of(snapshot: &Snapshot) -> Result<Self, StoreError> {
        let mut builder = FactsBuilder::default();
        let mut places: Vec<(u32, u32)> = Vec::new();
        snapshot.visit_sources(|file, number| places.push((number.0, builder.sources.number(file))))?;
        places.sort_unstable();
        places.dedup();
        let mut places = places.into_iter().peekable();
        snapshot.visit_papers(|number, paper| {
            while places.next_if(|(of, _)| *of < number.0).is_some() {}
            let sources = std::iter::from_fn(|| places.next_if(|(of, _)| *of == number.0));
            builder.sources.push_numbers(sources.map(|(_, file)| file));
            builder.add_all_but_sources(number, &paper);
        })?;
        Ok(builder.finish())
    }

    /// Papers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether there is no paper.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// The papers that `filter` allows.
    #[must_use]
    pub fn select(&self, filter: &Filter) -> PaperSet {
        let Filter {
            tags,
            authors,
            langs,
            sources,
            dates,
            from,
            to,
            has_commentary,
            not_tags,
            not_authors,
            not_langs,
            not_sources,
            not_dates,
        } = filter;
        let mut any: Vec<(&Column, Vec<bool>)> = Vec::new();
        let mut none: Vec<(&Column, Vec<bool>)> = Vec::new();
        for (values, criteria) in [(tags, &mut any), (not_tags, &mut none)] {
            let keys: Vec<String> = values.iter().map(|tag| tag_key(tag)).collect();
            if !keys.is_empty() {
                criteria.push((&self.tags, self.tags.wanted(|key| keys.iter().any(|asked| asked == key))));
            }
        }
        for (values, criteria) in [(authors, &mut any), (not_authors, &mut none)] {
            let asked: Vec<AskedAuthor> = values.iter().filter_map(|name| AskedAuthor::parse(name)).collect();
            if !values.is_empty() {
                let wanted = self.authors.wanted(|key| asked.iter().any(|asked| asked.is(key)));
                criteria.push((&self.authors, wanted));
            }
        }
        for (values, criteria) in [(langs, &mut any), (not_langs, &mut none)] {
            if !values.is_empty() {
                let wanted = self.langs.wanted(|key| values.iter().any(|asked| asked.code() == key));
                criteria.push((&self.langs, wanted));
            }
        }
        for (values, criteria) in [(sources, &mut any), (not_sources, &mut none)] {
            let keys: Vec<String> = values.iter().map(|name| source_key(name)).collect();
            if !keys.is_empty() {
                let wanted = self.sources.wanted(|file| keys.iter().any(|part| begins_a_word(file, part)));
                criteria.push((&self.sources, wanted));
            }
        }
        let between = DateRange { from: *from, to: *to };
        let is_timed = from.is_some() || to.is_some() || !dates.is_empty() || !not_dates.is_empty();
        let in_time = |row: usize| {
            let date = self.dates.get(row).copied().and_then(unpacked);
            date.map_or(from.is_none() && to.is_none() && dates.is_empty(), |date| {
                between.contains(date)
                    && (dates.is_empty() || dates.iter().any(|range| range.contains(date)))
                    && !not_dates.iter().any(|range| range.contains(date))
            })
        };
        let fitting = self.numbers.iter().enumerate().filter(|(row, number)| {
            has_commentary.is_none_or(|wanted| self.with_commentary.contains(PaperNumber(**number)) == wanted)
                && (!is_timed || in_time(*row))
                && any.iter().all(|(column, wanted)| column.has(*row, wanted))
                && !none.iter().any(|(column, unwanted)| column.has(*row, unwanted))
        });
        fitting.map(|(_, number)| PaperNumber(*number)).collect()
    }

    /// The tags and authors that `filter` asks for and no paper has, each with one that may be meant.
    #[must_use]
    pub fn missing(&self, filter: &Filter) -> Vec<Missing> {
        let missing = |key, value: &String, column: &Column, asked: &str| {
            let near = column.like(asked).map(str::to_owned);
            Missing { key, value: value.clone(), near }
        };
        let tags = filter.tags.iter().filter_map(|tag| {
            let asked = tag_key(tag);
            (!self.tags.contains(|key| key == asked)).then(|| missing("tag", tag, &self.tags, &asked))
        });
        let authors = filter.authors.iter().filter_map(|name| {
            let asked = AskedAuthor::parse(name)?;
            let is_there = self.authors.contains(|key| asked.is(key));
            (!is_there).then(|| missing("author", name, &self.authors, &author_key(name)))
        });
        tags.chain(authors).collect()
    }

    /// What all papers have, counted.
    #[must_use]
    pub fn facets_of_all(&self) -> &Facets {
        self.facets_of_all.get_or_init(|| self.facets(&self.select(&Filter::default())))
    }

    /// What the papers of `among` have, counted.
    #[must_use]
    pub fn facets(&self, among: &PaperSet) -> Facets {
        let rows: Vec<usize> = self
            .numbers
            .iter()
            .enumerate()
            .filter(|(_, number)| among.contains(PaperNumber(**number)))
            .map(|(row, _)| row)
            .collect();
        let of = |column: &Column| {
            let counts = column.counts(rows.iter().copied());
            best(counts.into_iter().map(|(value, count)| (value.to_owned(), count)).collect())
        };
        let mut years: Vec<i16> = rows
            .iter()
            .filter_map(|row| self.dates.get(*row).copied().and_then(unpacked))
            .map(Date::year)
            .collect();
        years.sort_unstable();
        let years = years.chunk_by(|left, right| left == right);
        let years = years.filter_map(|of| Some((format!("{:04}", of.first()?), of.len()))).collect();
        let numbers = rows.iter().filter_map(|row| self.numbers.get(*row));
        let commented = numbers.filter(|number| self.with_commentary.contains(PaperNumber(**number))).count();
        let commentary = [("true", commented), ("false", rows.len() - commented)];
        let commentary = commentary.into_iter().filter(|(_, count)| *count > 0);
        Facets {
            total: rows.len(),
            tags: of(&self.tags),
            langs: of(&self.langs),
            years: best(years),
            sources: of(&self.sources),
            authors: of(&self.authors),
            commentary: best(commentary.map(|(value, count)| (value.to_owned(), count)).collect()),
        }
    }

    /// The endings of files, and how many papers were read in files of each.
    #[must_use]
    pub fn formats(&self) -> Vec<Facet> {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for (file, count) in self.sources.counts(0..self.numbers.len()) {
            let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
            let ending = name.rsplit_once('.').map(|(_, ending)| folded(ending));
            // A text that was sent has a name and no ending.
            let ending = ending.filter(|ending| (1..=8).contains(&ending.chars().count()));
            if let Some(ending) = ending {
                *counts.entry(format!(".{ending}")).or_default() += count;
            }
        }
        best(counts.into_iter().collect())
    }

    /// Papers in whose commentaries `paper`, or a note of it, may be mentioned; by number. Hashes may meet: who wants to be sure looks.
    pub(super) fn mentioning<'n>(
        &self,
        paper: &Paper,
        notes: impl Iterator<Item = &'n str>,
    ) -> Vec<PaperNumber> {
        let notes = notes.map(|note| mention_hash(&Mention::Note(note.to_owned())));
        let names = paper.names().map(|name| mention_hash(&Mention::Paper(name.clone())));
        let mut all: Vec<PaperNumber> =
            names.chain(notes).flat_map(|hash| under(&self.mentions, hash)).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The numbers of the tags of `papers`, for [`Facts::shared_tags`].
    pub(super) fn tags_of(&self, papers: impl Iterator<Item = PaperNumber>) -> Vec<u32> {
        let rows = papers.filter_map(|paper| place_of(&self.numbers, paper.0));
        let mut tags: Vec<u32> = rows.flat_map(|row| self.tags.row(row)).copied().collect();
        tags.sort_unstable();
        tags.dedup();
        tags
    }

    /// How many of `tags` a paper has.
    pub(super) fn shared_tags(&self, paper: PaperNumber, tags: &[u32]) -> usize {
        let Some(row) = place_of(&self.numbers, paper.0) else { return 0 };
        self.tags.row(row).iter().filter(|tag| tags.binary_search(tag).is_ok()).count()
    }

    /// The days of which there is a paper or a commentary, and how many papers, the newest first.
    #[must_use]
    pub fn days(&self) -> Vec<(Date, usize)> {
        let days = self.days.chunk_by(|left, right| left.0 == right.0).rev();
        days.filter_map(|of| Some((unpacked(of.first()?.0)?, of.len()))).collect()
    }

    /// The papers of a day, and those with a commentary of it; by number.
    #[must_use]
    pub fn on(&self, day: Date) -> Vec<PaperNumber> {
        under(&self.days, packed(day)).collect()
    }

    /// The date of a paper, if it has one.
    #[must_use]
    pub fn date_of(&self, number: PaperNumber) -> Option<Date> {
        let row = place_of(&self.numbers, number.0)?;
        self.dates.get(row).copied().and_then(unpacked)
    }

    /// Bytes of memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.numbers.capacity() * size_of::<u32>()
            + self.dates.capacity() * size_of::<i32>()
            + self.mentions.capacity() * size_of::<(u64, u32)>()
            + self.days.capacity() * size_of::<(i32, u32)>()
            + [&self.tags, &self.authors, &self.langs, &self.sources].map(Column::bytes).iter().sum::<usize>()
            + self.with_commentary.bytes()
    }
}

/// Facts that grow, paper by paper, by ascending number.
pub struct FactsBuilder {
    numbers: Vec<u32>,
    dates: Vec<i32>,
    with_commentary: PaperSet,
    tags: ColumnBuilder,
    authors: ColumnBuilder,
    langs: ColumnBuilder,
    sources: ColumnBuilder,
    mentions: Vec<(u64, u32)>,
    days: Vec<(i32, u32)>,
}

impl Default for FactsBuilder {
    fn default() -> Self {
        Self {
            numbers: Vec::new(),
            dates: Vec::new(),
            with_commentary: PaperSet::default(),
            tags: ColumnBuilder::new(tag_key),
            authors: ColumnBuilder::new(author_key),
            langs: ColumnBuilder::new(str::to_owned),
            sources: ColumnBuilder::new(source_key),
            mentions: Vec::new(),
            days: Vec::new(),
        }
    }
}

impl FactsBuilder {
    /// Adds a paper that was read in `sources`.
    pub fn add<'s>(
        &mut self,
        number: PaperNumber,
        paper: &Paper,
        sources: impl IntoIterator<Item = &'s str>,
    ) {
        self.sources.push(sources);
        self.add_all_but_sources(number, paper);
    }

    fn add_all_but_sources(&mut self, number: PaperNumber, paper: &Paper) {
        self.numbers.push(number.0);
        self.dates.push(paper.date.map_or(UNDATED, packed));
        if !paper.commentaries.is_empty() {
            self.with_commentary.insert(number);
        }
        self.tags.push(paper.tags.iter().map(String::as_str));
        self.authors.push(paper.authors.iter().map(String::as_str));
        self.langs.push(paper.langs.iter().map(Language::code));
        self.mentions.extend(paper.mentions.iter().map(|mention| (mention_hash(mention), number.0)));
        let days = paper.date.into_iter().chain(paper.commentaries.iter().filter_map(|note| note.date));
        self.days.extend(days.map(|day| (packed(day), number.0)));
    }

    /// What grew.
    #[must_use]
    pub fn finish(self) -> Facts {
        let Self {
            mut numbers,
            mut dates,
            with_commentary,
            tags,
            authors,
            langs,
            sources,
            mut mentions,
            mut days,
        } = self;
        mentions.sort_unstable();
        days.sort_unstable();
        days.dedup();
        numbers.shrink_to_fit();
        dates.shrink_to_fit();
        mentions.shrink_to_fit();
        days.shrink_to_fit();
        Facts {
            numbers,
            dates,
            with_commentary,
            tags: tags.finish(),
            authors: authors.finish(),
            langs: langs.finish(),
            sources: sources.finish(),
            mentions,
            days,
            facets_of_all: OnceLock::new(),
        }
    }
}

/// The commonest first; of equals the first in the alphabet.
fn best(mut counts: Vec<(String, usize)>) -> Vec<Facet> {
    let order = |left: &(String, usize), right: &(String, usize)| {
        right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0))
    };
    if counts.len() > SHOWN {
        counts.select_nth_unstable_by(SHOWN, order);
        counts.drain(SHOWN..);
    }
    counts.sort_unstable_by(order);
    counts.into_iter().map(|(value, count)| Facet { value, count }).collect()
}

fn tag_key(tag: &str) -> String {
    folded(tag.trim().trim_start_matches(['#', '＃']).trim_start())
}

fn source_key(file: &str) -> String {
    folded(file.trim())
}

/// Case and width folded. File systems decompose Hangul; composed it is the same name.
fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfkc().flat_map(char::to_lowercase).nfc().collect()
}

/// Whether `part` stands in `file` from the beginning of a word. Scripts without spaces have words everywhere.
fn begins_a_word(file: &str, part: &str) -> bool {
    !part.is_empty()
        && file.match_indices(part).any(|(at, found)| {
            let before = file.get(..at).and_then(|head| head.chars().next_back());
            let is_inside = |c: char| c.is_ascii_alphanumeric();
            !(before.is_some_and(is_inside) && found.starts_with(is_inside))
        })
}

/// The papers that stand under `key` in pairs that ascend.
fn under<K: Ord + Copy>(pairs: &[(K, u32)], key: K) -> impl Iterator<Item = PaperNumber> {
    let first = pairs.partition_point(|(known, _)| *known < key);
    let from = pairs.get(first..).unwrap_or_default();
    from.iter().take_while(move |(known, _)| *known == key).map(|(_, number)| PaperNumber(*number))
}

fn hash(value: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn mention_hash(mention: &Mention) -> u64 {
    match mention {
        Mention::Paper(id) => hash(id),
        // As the store looks notes up.
        Mention::Note(name) => hash(&normalised_title(name)),
    }
}

/// Whether two tags are one to a filter.
pub(super) fn same_tag(one: &str, other: &str) -> bool {
    one == other || tag_key(one) == tag_key(other)
}

/// In four bytes, in the order of time.
fn packed(date: Date) -> i32 {
    i32::from(date.year()) * 512 + i32::from(date.month()) * 32 + i32::from(date.day())
}

fn unpacked(packed: i32) -> Option<Date> {
    let part = |value: i32| i8::try_from(value).ok();
    let year = i16::try_from(packed.div_euclid(512)).ok()?;
    Date::new(year, part(packed.rem_euclid(512) / 32)?, part(packed.rem_euclid(32))?).ok()
}

#[cfg(test)]
#[path = "facts_tests.rs"]
mod tests;
