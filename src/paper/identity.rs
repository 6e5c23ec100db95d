//! Are two records of one work? Pure judgement; the store finds the candidates.

use super::{PaperId, Record, normalised_title};

/// The answer, with the reason a person can check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They share a registered id.
    SameId,
    /// They share the normalised title, and nothing speaks against it.
    SameTitle,
    /// They do not belong together.
    Different,
}

/// Judges two records.
///
/// A shared registered id decides. A shared title decides unless both carry different ids of the same registry,
/// or both name authors and no family name is shared: then they are two works of one title.
#[must_use]
pub fn same_work(left: &Record, right: &Record) -> Verdict {
    if left.ids.iter().any(|id| right.ids.contains(id)) {
        return Verdict::SameId;
    }
    let same_title = normalised_title(&left.title) == normalised_title(&right.title);
    let ids_clash = left
        .ids
        .iter()
        .any(|id| right.ids.iter().any(|other| std::mem::discriminant(id) == std::mem::discriminant(other)));
    if same_title && !ids_clash && authors_agree(&left.authors, &right.authors) {
        Verdict::SameTitle
    } else {
        Verdict::Different
    }
}

fn authors_agree(left: &[String], right: &[String]) -> bool {
    if left.is_empty() || right.is_empty() {
        return true;
    }
    let names: Vec<Vec<String>> = right.iter().map(|author| name_parts(author)).collect();
    left.iter()
        .map(|author| name_parts(author))
        .any(|parts| parts.iter().any(|part| names.iter().any(|other| other.contains(part))))
}

/// The parts of a name that can identify: initials cannot.
fn name_parts(author: &str) -> Vec<String> {
    author.split([' ', ',', '.', '-']).map(normalised_title).filter(|part| part.chars().count() > 1).collect()
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
        assert_eq!(same_work(&paper, &record("Transformer!", &[], &["arxiv:1706.03762"])), Verdict::SameId);
        assert_eq!(
            same_work(&paper, &record("ATTENTION IS ALL YOU NEED", &["Vaswani, A."], &[])),
            Verdict::SameTitle
        );
        assert_eq!(same_work(&paper, &record("Attention is all you need", &[], &[])), Verdict::SameTitle);
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
}
