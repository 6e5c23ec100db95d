//! Are two records of one work? Pure judgement; the store finds the candidates.
//!
//! A wrong merge hides a paper, a missed one shows it twice: so what is merged needs evidence that a person would
//! accept, and what merely looks alike is a [`super::Doubt`], listed by `paperkin duplicates`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::doubt::Against;
use super::merge::unite;
use super::nearness::{Nearness, Title, is_generic, is_short, signs};
use super::people::{Authors, compare};
use super::{Language, Paper, PaperId, Record, normalised_title};

/// Why two records are one work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// They share a registered id.
    Id(PaperId),
    /// They share the normalised title, and nothing speaks against it.
    Title,
    /// They share a code repository, and their titles differ in spelling or by a subtitle.
    Repository(String),
}

impl fmt::Display for Evidence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(formatter, "the same id {id}"),
            Self::Title => write!(formatter, "the same title"),
            Self::Repository(url) => {
                write!(formatter, "the same repository {url} and nearly the same title")
            }
        }
    }
}

/// The answer, with the reason a person can check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// One work.
    Same(Evidence),
    /// They do not belong together.
    Different,
}

/// Judges two records.
///
/// A shared registered id decides. A shared title decides unless something speaks [`Against`] it. A shared repository
/// decides where the titles differ only in spelling or by a subtitle, never in a numeral, and authors and ids do not
/// disagree.
#[must_use]
pub fn same_work(left: &Record, right: &Record) -> Verdict {
    if let Some(id) = left.ids.iter().find(|id| right.ids.contains(id)) {
        return Verdict::Same(Evidence::Id(id.clone()));
    }
    if normalised_title(&left.title) == normalised_title(&right.title) {
        return match against(left, right) {
            None => Verdict::Same(Evidence::Title),
            Some(_) => Verdict::Different,
        };
    }
    match shared_repository(left, right) {
        Some(url)
            if clash(left, right).is_none()
                && compare(&left.authors, &right.authors) != Authors::Differ
                && Title::of(&left.title).nearness(&Title::of(&right.title)) == Nearness::Spelling =>
        {
            Verdict::Same(Evidence::Repository(url))
        }
        _ => Verdict::Different,
    }
}

/// What speaks against two records of the same title being of one work.
pub(super) fn against(left: &Record, right: &Record) -> Option<Against> {
    if let Some((left, right)) = clash(left, right) {
        return Some(Against::Ids(left.clone(), right.clone()));
    }
    let authors = compare(&left.authors, &right.authors);
    if authors == Authors::Differ {
        return Some(Against::Authors);
    }
    if signs(&left.title) != signs(&right.title) {
        return Some(Against::Signs);
    }
    let years = publication_year(left).zip(publication_year(right));
    let (generic, short) = (is_generic(&left.title), is_short(&left.title));
    if let Some((one, other)) = years {
        // A preprint may be two years older than its paper; an editorial has no preprint.
        let far = if generic { one != other } else { authors == Authors::Unknown && one.abs_diff(other) > 2 };
        if far && (generic || short) {
            return Some(Against::Years(one, other));
        }
    }
    if let Some((one, other)) = left.venue.as_ref().zip(right.venue.as_ref())
        && generic
        && normalised_title(one) != normalised_title(other)
    {
        return Some(Against::Venues(one.clone(), other.clone()));
    }
    (authors == Authors::Unknown && abstracts_clash(left, right)).then_some(Against::Abstracts)
}

/// Two ids of one registry, where there is no other registry's word for it.
pub(super) fn clash<'a>(left: &'a Record, right: &'a Record) -> Option<(&'a PaperId, &'a PaperId)> {
    let same_registry =
        |one: &PaperId, other: &PaperId| std::mem::discriminant(one) == std::mem::discriminant(other);
    let pairs = || left.ids.iter().flat_map(|one| right.ids.iter().map(move |other| (one, other)));
    let versions = |one: &PaperId, other: &PaperId| match (one, other) {
        (PaperId::Doi(one), PaperId::Doi(other)) => unversioned(one.as_str()) == unversioned(other.as_str()),
        _ => false,
    };
    // Two versions of one preprint have two DOIs at some servers.
    if pairs().any(|(one, other)| versions(one, other)) {
        return None;
    }
    pairs().find(|(one, other)| same_registry(one, other))
}

/// A DOI without the version behind it: `10.21203/rs.3.rs-1/v2`, `10.20944/preprints202101.0001.v1`,
/// `10.1101/2020.01.01.123456v3`.
fn unversioned(doi: &str) -> &str {
    match doi.rsplit_once('v') {
        Some((head, version))
            if (1..=2).contains(&version.len())
                && version.bytes().all(|byte| byte.is_ascii_digit())
                && head.ends_with(|c: char| c.is_ascii_digit() || matches!(c, '/' | '.')) =>
        {
            head.trim_end_matches(['/', '.'])
        }
        _ => doi,
    }
}

/// The one spelling of a repository's URL: GitHub's names are the same in capitals.
#[must_use]
pub fn repository_name(url: &str) -> String {
    let small = url.trim_end_matches('/').to_ascii_lowercase();
    small.strip_suffix(".git").unwrap_or(&small).to_owned()
}

pub(super) fn shared_repository(left: &Record, right: &Record) -> Option<String> {
    let keys = |record: &Record| -> Vec<String> {
        record.repositories.iter().take(100).map(|url| repository_name(url)).collect()
    };
    let right = keys(right);
    keys(left).into_iter().filter(|url| right.contains(url)).min()
}

/// The year of the work, where the record tells it: an arXiv id does; the date of a digest or note is its own.
fn publication_year(record: &Record) -> Option<i16> {
    let of_arxiv = record.ids.iter().find_map(|id| match id {
        PaperId::Arxiv(id) => {
            let number = id.as_str().rsplit('/').next()?;
            let year: i16 = number.get(..2)?.parse().ok()?;
            Some(if year >= 91 { 1900 + year } else { 2000 + year })
        }
        _ => None,
    });
    let own = record.commentaries.is_empty() && record.note.is_none();
    of_arxiv.or_else(|| record.date.filter(|_| own).map(|date| date.year()))
}

/// Without authors to compare, two abstracts of one language that have next to nothing in common speak against a shared
/// title ("Editorial", "Introduction").
fn abstracts_clash(left: &Record, right: &Record) -> bool {
    let (Some(one), Some(other)) = (&left.abstract_text, &right.abstract_text) else { return false };
    if Language::of(one) != Language::of(other) {
        return false;
    }
    let (one, other) = (trigrams(one), trigrams(other));
    let shared = one.intersection(&other).count();
    // A shortened or revised abstract keeps most of the shorter one's trigrams.
    shared * 2 < one.len().min(other.len())
}

fn trigrams(text: &str) -> std::collections::HashSet<[char; 3]> {
    let letters: Vec<char> = normalised_title(text).chars().collect();
    letters.windows(3).map(|three| [three[0], three[1], three[2]]).collect()
}

/// The id to use when the title's own hash belongs to another work.
#[must_use]
pub(super) fn second_title_id(record: &Record) -> PaperId {
    PaperId::of_title_and_author(&record.title, record.authors.first().map_or("", String::as_str))
}

/// What `records` of one paper say of its identity, as one record to judge by, under the title that is nearest to
/// `title`; `None` of no records. Dates of digests and notes are left out: they are no years of publication.
#[must_use]
pub fn united(records: &[Record], title: &str) -> Option<Record> {
    let wanted = normalised_title(title);
    let near = || {
        let wanted = Title::of(title);
        records.iter().find(|record| Title::of(&record.title).nearness(&wanted) == Nearness::Spelling)
    };
    let equal = records.iter().find(|record| normalised_title(&record.title) == wanted);
    let named = equal.or_else(near).or_else(|| records.first())?;
    let mut whole = Record { title: named.title.clone(), ..Record::default() };
    for record in records {
        unite(&mut whole.ids, record.ids.iter().cloned());
        unite(&mut whole.repositories, record.repositories.iter().cloned());
        whole.authors.extend_from_slice(&record.authors);
        whole.abstract_text = whole.abstract_text.or_else(|| record.abstract_text.clone());
        whole.venue = whole.venue.or_else(|| record.venue.clone());
        if record.commentaries.is_empty() && record.note.is_none() {
            whole.date = whole.date.into_iter().chain(record.date).min();
        }
    }
    Some(whole)
}

impl Paper {
    /// The same of the merged paper: what [`super::doubtful_pairs`] compares, and not more, so that a large library
    /// fits into memory.
    #[must_use]
    pub fn identity(&self) -> Record {
        Record {
            title: self.title.clone(),
            ids: self.names().filter(|name| name.is_registered()).cloned().collect(),
            authors: self.authors.clone(),
            // Only compared where there are no authors.
            abstract_text: self.abstract_text.clone().filter(|_| self.authors.is_empty()),
            repositories: self.repositories.clone(),
            venue: self.venue.clone(),
            date: self.date.filter(|_| self.commentaries.is_empty()),
            ..Record::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::doubt::{Doubt, doubt};
    use super::*;

    fn record(title: &str, authors: &[&str], ids: &[&str]) -> Record {
        Record {
            title: title.into(),
            authors: authors.iter().map(|author| (*author).to_owned()).collect(),
            ids: ids.iter().map(|id| id.parse().unwrap()).collect(),
            ..Record::default()
        }
    }

    fn is_title(left: &Record, right: &Record) -> bool {
        same_work(left, right) == Verdict::Same(Evidence::Title)
    }

    #[test]
    fn one_work_two_works() {
        let paper = record("Attention Is All You Need", &["Ashish Vaswani"], &["arxiv:1706.03762"]);
        let by_id = same_work(&paper, &record("Transformer!", &[], &["arxiv:1706.03762"]));
        assert_eq!(by_id, Verdict::Same(Evidence::Id("1706.03762".parse().unwrap())));
        assert!(is_title(&paper, &record("ATTENTION IS ALL YOU NEED", &["Vaswani, A."], &[])));
        assert!(is_title(&paper, &record("Attention is all you need", &[], &[])));
        for (other, reason) in [
            (record("Attention is all you need", &["Kim Minsu"], &[]), Some(Doubt::Title(Against::Authors))),
            (
                record("Attention is all you need", &[], &["2101.00001"]),
                Some(Doubt::Title(Against::Ids(
                    "1706.03762".parse().unwrap(),
                    "2101.00001".parse().unwrap(),
                ))),
            ),
            (record("Attention is all you need 2", &[], &[]), None),
            (record("Attention is not all you need", &["Ashish Vaswani"], &[]), None),
        ] {
            assert_eq!(same_work(&paper, &other), Verdict::Different, "{other:?}");
            assert_eq!(doubt(&paper, &other), reason);
        }
    }

    #[test]
    fn preprint_and_journal() {
        let with = |id: &str| record("On the Kinship of Papers", &["Ada Lovelace"], &[id]);
        assert!(is_title(&with("2101.00001"), &with("10.1145/1.2")), "arXiv and the journal");
        assert_eq!(same_work(&with("10.1101/2020.01.01.123456"), &with("10.1145/1.2")), Verdict::Different);
        assert!(matches!(
            doubt(&with("10.1101/2020.01.01.123456"), &with("10.1145/1.2")),
            Some(Doubt::Title(Against::Ids(..)))
        ));
        assert!(is_title(&with("10.21203/rs.3.rs-1/v1"), &with("10.21203/rs.3.rs-1/v2")), "versions");
        assert!(is_title(
            &with("10.20944/preprints202101.0001.v1"),
            &with("10.20944/preprints202101.0001.v3")
        ));
        assert!(!is_title(&with("10.1000/conv1"), &with("10.1000/conv2")));
    }

    #[test]
    fn common_titles_need_the_year() {
        let of = |title: &str, year: i16| Record {
            date: Some(jiff::civil::date(year, 1, 1)),
            ..record(title, &[], &[])
        };
        assert_eq!(same_work(&of("Editorial", 2020), &of("Editorial", 2021)), Verdict::Different);
        assert!(is_title(&of("Editorial", 2020), &of("Editorial", 2020)));
        assert_eq!(
            doubt(&of("Attention", 2014), &of("Attention", 2021)),
            Some(Doubt::Title(Against::Years(2014, 2021)))
        );
        assert!(is_title(&of("Attention", 2019), &of("Attention", 2021)), "a preprint");
        let long = "A Theory of the Kinship of Papers";
        assert!(is_title(&of(long, 2014), &of(long, 2021)));
        let note = Record { note: Some("n".into()), ..of("Attention", 2021) };
        assert!(is_title(&of("Attention", 2014), &note), "a note's date is the note's");
        let arxiv = Record { ids: vec!["1401.00001".parse().unwrap()], ..note };
        assert_eq!(
            same_work(&of("Attention", 2021), &arxiv),
            Verdict::Different,
            "an arXiv id is of its year"
        );
    }

    #[test]
    fn a_repository_helps_only_where_titles_are_nearly_the_same() {
        let of = |title: &str, authors: &[&str], url: &str| Record {
            repositories: vec![url.into()],
            ..record(title, authors, &[])
        };
        let paper =
            of("LLaVA-MoD: Making LLaVA Tiny", &["Fangxun Shu"], "https://github.com/shufangxun/LLaVA-MoD");
        let other = of("LLaVA-MoD", &[], "https://github.com/shufangxun/llava-mod.git");
        assert!(matches!(same_work(&paper, &other), Verdict::Same(Evidence::Repository(_))));
        assert_eq!(same_work(&paper, &record("LLaVA-MoD", &[], &[])), Verdict::Different, "no repository");
        assert_eq!(
            doubt(&paper, &record("LLaVA-MoD", &[], &[])),
            Some(Doubt::NearTitle { same_authors: false })
        );
        for (title, authors, doubtful) in [
            ("LLaVA-MoD 2", &["Fangxun Shu"][..], false),
            ("LLaVA-MoD", &["Ada Lovelace"], false),
            ("Making Llamas Tiny", &["Fangxun Shu"], true),
            ("LLaVA-MoD: Making LLaVA Huge", &["Fangxun Shu"], true),
        ] {
            let other = of(title, authors, "https://github.com/shufangxun/LLaVA-MoD");
            assert_eq!(same_work(&paper, &other), Verdict::Different, "{title}");
            assert_eq!(doubt(&paper, &other).is_some(), doubtful, "{title}");
        }
    }

    #[test]
    fn without_authors_the_abstracts_decide() {
        let with = |text: &str| Record { abstract_text: Some(text.into()), ..record("Editorial", &[], &[]) };
        let ice = with("Glaciers in the Alps are melting faster than any model has predicted so far.");
        let coffee = with("Coffee tastes of what the roaster does, and less of the soil than people think.");
        let short = with("Glaciers in the Alps are melting faster than predicted.");
        assert_eq!(same_work(&ice, &coffee), Verdict::Different);
        assert!(is_title(&ice, &short));
        assert!(is_title(&ice, &with("알프스의 빙하가 예측보다 빨리 녹고 있다.")), "a translation");
    }

    #[test]
    fn a_paper_of_several_records_is_judged_as_one() {
        let first = record("LLaVA-MoD", &[], &["2408.15881"]);
        let second = record("Making LLaVA Tiny", &["Fangxun Shu"], &["10.1145/1.2"]);
        let whole = united(&[first.clone(), second], "making llava tiny").unwrap();
        assert_eq!((whole.title.as_str(), whole.ids.len(), whole.authors.len()), ("Making LLaVA Tiny", 2, 1));
        assert_eq!(united(&[first], "something else").unwrap().title, "LLaVA-MoD");
        assert_eq!(united(&[], "x"), None);
    }

    #[test]
    fn a_page_taken_for_a_title_costs_nothing() {
        let begun = std::time::Instant::now();
        for piece in ["a", "a ", "가 ", "I ", "(", "e\u{301}", "\u{301}", ":", "1 "] {
            let huge = |end: &str| Record {
                repositories: vec!["https://github.com/a/b".into()],
                ..record(&format!("{}{end}", piece.repeat(300_000)), &[], &[])
            };
            assert_eq!(same_work(&huge("x"), &huge("y")), Verdict::Different);
            let _ = doubt(&huge("x"), &huge("y"));
        }
        assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    }
}
