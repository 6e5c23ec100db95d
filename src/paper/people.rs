//! Do two lists of authors name the same people? Spellings differ from source to source, so one person in common
//! is agreement, and what cannot be compared (romanised names with Hangul, a team with its members) is no disagreement.

use std::collections::HashSet;

use super::normalised_title;
use super::title::fold;

/// What two lists of authors say of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Authors {
    /// They share a person.
    Agree,
    /// They share nobody.
    Differ,
    /// One is missing, or they cannot be compared.
    Unknown,
}

/// Compares two lists in time linear in their length: collaborations have thousands of authors.
pub(super) fn compare(left: &[String], right: &[String]) -> Authors {
    let (left, right) = (People::of(left), People::of(right));
    if left.agrees(&right) {
        Authors::Agree
    } else if (left.latin && right.latin) || (left.other && right.other) {
        Authors::Differ
    } else {
        Authors::Unknown
    }
}

/// Words by which an author is no person.
const COLLECTIVES: [&str; 22] = [
    "ai",
    "authors",
    "collaboration",
    "consortium",
    "deepmind",
    "foundation",
    "group",
    "inc",
    "institute",
    "lab",
    "labs",
    "openai",
    "project",
    "research",
    "team",
    "university",
    "팀",
    "연구소",
    "연구팀",
    "团队",
    "研究院",
    "チーム",
];
const SUFFIXES: [&str; 6] = ["jr", "sr", "ii", "iii", "iv", "phd"];

/// The names of a list, in every way in which another list may spell them.
#[derive(Default)]
struct People {
    /// Whole names, and family names with the initial of the given name.
    full: HashSet<String>,
    /// Family names, each of a name in `full`.
    families: HashSet<String>,
    /// Names of which only one part is known: "Vaswani et al.".
    bare: HashSet<String>,
    latin: bool,
    other: bool,
}

impl People {
    fn of(authors: &[String]) -> Self {
        let mut people = Self::default();
        authors.iter().for_each(|author| people.add(author));
        people
    }

    fn agrees(&self, other: &Self) -> bool {
        !self.full.is_disjoint(&other.full)
            || !self.bare.is_disjoint(&other.families)
            || !other.bare.is_disjoint(&self.families)
            || !self.bare.is_disjoint(&other.bare)
    }

    fn add(&mut self, author: &str) {
        // An affiliation stands in parentheses.
        let author = author.split(['(', '（', '[']).next().unwrap_or_default();
        let author = author.trim_end_matches(['.', ' ']);
        let author = author.strip_suffix(" et al").unwrap_or(author).trim_end_matches(',');
        if matches!(author, "others" | "et al" | "and others") {
            return;
        }
        // "Family, Given", or all parts in one order or the other.
        let (family, given) = author.split_once(',').unwrap_or(("", author));
        let (family, given) = (words(family), words(given));
        let all: Vec<&String> = family.iter().chain(&given).collect();
        let Some(last) = all.last().copied() else {
            return;
        };
        if all.iter().any(|word| COLLECTIVES.contains(&word.as_str())) {
            // A team agrees with itself, and is no disagreement with its members.
            self.full.insert(all.iter().map(|word| word.as_str()).collect());
            return;
        }
        let latin = all.iter().any(|word| word.starts_with(|c: char| c.is_ascii_alphabetic()));
        self.latin |= latin;
        self.other |= !latin;
        if all.len() == 1 {
            self.bare.insert(last.clone());
        }
        let mut sorted: Vec<&str> = all.iter().map(|word| word.as_str()).collect();
        if !latin {
            // "李 娜" is also written without the space, in either order.
            self.full.insert(sorted.concat());
            self.full.insert(sorted.iter().rev().copied().collect());
        }
        sorted.sort_unstable();
        self.full.insert(sorted.concat());
        match family.last() {
            Some(family) => self.spell(family, given.first()),
            None => {
                self.spell(last, given.first().filter(|_| given.len() > 1));
                // "Vaswani A", as PubMed and many RIS files have it.
                if let [family, initials] = given.as_slice()
                    && initials.chars().count() <= 2
                {
                    self.spell(family, Some(initials));
                }
            }
        }
    }

    fn spell(&mut self, family: &str, given: Option<&String>) {
        match given.and_then(|given| given.chars().next()) {
            Some(initial) => {
                self.full.insert(format!("{family} {initial}"));
                self.families.insert(family.to_owned());
            }
            None => {
                self.bare.insert(family.to_owned());
            }
        }
    }
}

/// The words of a name in small letters without accents; hyphens join ("Jun-Ho" is "Junho").
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = name
        .split([' ', '.', ',', '\u{a0}', '·', '・'])
        .filter(|word| word.chars().any(char::is_alphabetic))
        .map(|word| fold(&normalised_title(word)))
        .collect();
    if words.len() > 1 {
        words.retain(|word| !SUFFIXES.contains(&word.as_str()));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(left: &[&str], right: &[&str]) -> Authors {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let (left, right) = (list(left), list(right));
        let found = compare(&left, &right);
        assert_eq!(found, compare(&right, &left), "in either order");
        found
    }

    #[test]
    fn spellings_of_one_person() {
        for (one, other) in [
            ("Ashish Vaswani", "Vaswani, A."),
            ("Ashish Vaswani", "Vaswani A"),
            ("Ashish Vaswani", "Vaswani et al."),
            ("Ashish Vaswani", "ASHISH VASWANI"),
            ("Kim Minsu", "Minsu Kim"),
            ("Jun-Ho Kim", "Junho Kim"),
            ("김민수", "김 민수"),
            ("李娜", "李 娜"),
            ("李娜", "娜 李"),
            ("山田 太郎", "山田太郎"),
            ("Ahmet Üstün", "Ustun, Ahmet"),
            ("Łukasz Kaiser", "L. Kaiser"),
            ("Johannes van der Waals", "van der Waals, J."),
            ("Anna Smith-Jones", "Smith-Jones, A."),
            ("Gabriel García Márquez", "García Márquez, G."),
            ("George Boole (University College, Cork)", "Boole, George"),
            ("Martin Luther King Jr.", "King, M. L."),
            ("Gemma Team", "Gemma Team"),
        ] {
            assert_eq!(of(&[one], &[other]), Authors::Agree, "{one} / {other}");
        }
        assert_eq!(of(&["A. One", "B. Two"], &["C. Three", "Two, B."]), Authors::Agree);
    }

    #[test]
    fn other_people_and_what_cannot_be_compared() {
        for (one, other) in [
            ("Wei Zhang", "Wei Liu"),
            ("Wei Zhang", "Hao Zhang"),
            ("김민수", "이영희"),
            ("Ada Lovelace", "Vaswani et al."),
        ] {
            assert_eq!(of(&[one], &[other]), Authors::Differ, "{one} / {other}");
        }
        assert_eq!(of(&["Wei Zhang"], &["others"]), Authors::Unknown);
        assert_eq!(of(&["Minsu Kim"], &["김민수"]), Authors::Unknown, "romanised");
        assert_eq!(of(&["Mistral AI"], &["Albert Q. Jiang"]), Authors::Unknown, "a team and a member");
        assert_eq!(of(&[], &["Albert Q. Jiang"]), Authors::Unknown);
    }

    #[test]
    fn collaborations_are_compared_in_linear_time() {
        let many = |by: &str| (0..50_000).map(|at| format!("A{at} {by}{at}")).collect::<Vec<_>>();
        let begun = std::time::Instant::now();
        assert_eq!(compare(&many("x"), &many("y")), Authors::Differ);
        assert!(begun.elapsed().as_secs() < 5);
    }
}
