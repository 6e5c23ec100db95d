//! Are two records of one work? Pure judgement; the store finds the candidates.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::{Language, PaperId, Record, normalised_title};

/// The answer, with the reason a person can check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They belong together.
    Same(Evidence),
    /// They do not belong together.
    Different,
}

/// Why two records are one work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// They share a registered id.
    Id(PaperId),
    /// They share the normalised title, and nothing speaks against it.
    Title,
    /// They share a repository and nearly the title.
    Repository(String),
}

/// Judges two records.
///
/// A shared registered id decides. A shared title decides unless both carry different ids of the same registry,
/// or both name authors and share none, or there are no authors to compare and the abstracts differ throughout: then they
/// are two works of one title.
#[must_use]
pub fn same_work(left: &Record, right: &Record) -> Verdict {
    if let Some(id) = left.ids.iter().find(|id| right.ids.contains(id)) {
        return Verdict::Same(Evidence::Id(id.clone()));
    }
    let same_title = normalised_title(&left.title) == normalised_title(&right.title);
    let ids_clash = left
        .ids
        .iter()
        .any(|id| right.ids.iter().any(|other| std::mem::discriminant(id) == std::mem::discriminant(other)));
    let agree = authors_agree(&left.authors, &right.authors) && !abstracts_clash(left, right);
    if same_title && !ids_clash && agree { Verdict::Same(Evidence::Title) } else { Verdict::Different }
}

fn authors_agree(left: &[String], right: &[String]) -> bool {
    if left.is_empty() || right.is_empty() {
        return true;
    }
    let right: Vec<Name> = right.iter().map(|author| Name::of(author)).collect();
    left.iter().map(|author| Name::of(author)).any(|name| right.iter().any(|other| name.agrees(other)))
}

/// A person's name, as far as two spellings of it can be compared: "Vaswani, A." is "Ashish Vaswani", "Wei Zhang" is not
/// "Wei Liu", "Kim Minsu" is "Minsu Kim".
struct Name {
    /// All parts, sorted.
    parts: Vec<String>,
    family: String,
    initial: Option<char>,
}

impl Name {
    fn of(author: &str) -> Self {
        let split = |text: &str| -> Vec<String> {
            text.split([' ', '.', '-', ',']).map(normalised_title).filter(|part| !part.is_empty()).collect()
        };
        let mut parts = split(author);
        let (family, given) = match author.split_once(',') {
            Some((family, given)) => (split(family).concat(), split(given)),
            None => {
                let family = parts.last().cloned().unwrap_or_default();
                (family, parts.iter().rev().skip(1).rev().cloned().collect())
            }
        };
        let initial = given.first().and_then(|name| name.chars().next());
        parts.sort_unstable();
        Self { parts, family, initial }
    }

    fn agrees(&self, other: &Self) -> bool {
        let initials_agree = match (self.initial, other.initial) {
            (Some(left), Some(right)) => left == right,
            _ => true,
        };
        self.parts.concat() == other.parts.concat() || (self.family == other.family && initials_agree)
    }
}

/// Without authors to compare, two abstracts of one language that have next to nothing in common speak against a shared
/// title ("Editorial", "Introduction").
fn abstracts_clash(left: &Record, right: &Record) -> bool {
    let (Some(one), Some(other)) = (&left.abstract_text, &right.abstract_text) else { return false };
    if !(left.authors.is_empty() || right.authors.is_empty()) || Language::of(one) != Language::of(other) {
        return false;
    }
    let (one, other) = (trigrams(one), trigrams(other));
    let shared = one.intersection(&other).count();
    // A shortened or revised abstract keeps most of the shorter one's trigrams.
    shared * 2 < one.len().min(other.len())
}

fn trigrams(text: &str) -> HashSet<[char; 3]> {
    let letters: Vec<char> = normalised_title(text).chars().collect();
    letters.windows(3).map(|three| [three[0], three[1], three[2]]).collect()
}

/// The id to use when the title's own hash belongs to another work.
#[must_use]
pub(super) fn second_title_id(record: &Record) -> PaperId {
    PaperId::of_title_and_author(&record.title, record.authors.first().map_or("", String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(title: &str, authors: &[&str], ids: &[&str]) -> Record {
        Record {
            title: title.into(),
            authors: authors.iter().map(|author| (*author).to_owned()).collect(),
            ids: ids.iter().map(|id| id.parse().unwrap()).collect(),
            ..Record::default()
        }
    }

    #[test]
    fn one_work_two_works() {
        let paper = record("Attention Is All You Need", &["Ashish Vaswani"], &["arxiv:1706.03762"]);
        assert_eq!(
            same_work(&paper, &record("Transformer!", &[], &["arxiv:1706.03762"])),
            Verdict::Same(Evidence::Id("1706.03762".parse().unwrap()))
        );
        assert_eq!(
            same_work(&paper, &record("ATTENTION IS ALL YOU NEED", &["Vaswani, A."], &[])),
            Verdict::Same(Evidence::Title)
        );
        assert_eq!(
            same_work(&paper, &record("Attention is all you need", &[], &[])),
            Verdict::Same(Evidence::Title)
        );
        assert_eq!(
            same_work(&paper, &record("Attention is all you need", &["Kim Minsu"], &[])),
            Verdict::Different
        );
        assert_eq!(
            same_work(&paper, &record("Attention is all you need", &[], &["2101.00001"])),
            Verdict::Different
        );
        assert_eq!(same_work(&paper, &record("Attention is all you need 2", &[], &[])), Verdict::Different);
    }

    #[test]
    fn names_in_their_spellings() {
        let same = |left: &[&str], right: &[&str]| {
            same_work(&record("Editorial", left, &[]), &record("Editorial", right, &[]))
                == Verdict::Same(Evidence::Title)
        };
        assert!(same(&["王 芳", "李 娜"], &["王 芳", "李 娜"]));
        assert!(same(&["Kim Minsu"], &["Minsu Kim"]) && same(&["김민수"], &["김민수"]));
        assert!(same(&["Smith, John"], &["J. Smith"]) && same(&["Ahmet Üstün"], &["Üstün, A."]));
        assert!(!same(&["Wei Zhang"], &["Wei Liu"]) && !same(&["Wei Zhang"], &["Hao Zhang"]));
    }

    #[test]
    fn without_authors_the_abstracts_decide() {
        let with = |text: &str| Record { abstract_text: Some(text.into()), ..record("Editorial", &[], &[]) };
        let ice = with("Glaciers in the Alps are melting faster than any model has predicted so far.");
        let coffee = with("Coffee tastes of what the roaster does, and less of the soil than people think.");
        let short = with("Glaciers in the Alps are melting faster than predicted.");
        assert_eq!(same_work(&ice, &coffee), Verdict::Different);
        assert_eq!(same_work(&ice, &short), Verdict::Same(Evidence::Title));
        assert_eq!(
            same_work(&ice, &with("알프스의 빙하가 예측보다 빨리 녹고 있다.")),
            Verdict::Same(Evidence::Title),
            "a translation"
        );
    }
}
