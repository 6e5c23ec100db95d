//! Authors as people ask for them: the family name alone, either order of the names, initials, no accents.
//!
//! [`People`](super::people) asks whether two lists may be of one paper; here one name is asked for among all, so every
//! word that is asked must be there. Time is bounded however long a name is.

use super::title::fold;
use super::{natural_name, normalised_title, unicode_of};

/// Words of a name that count; nobody has more.
const LONGEST: usize = 32;

/// A name as it is compared: its words in small letters without accents, hyphens kept ("jun-ho kim"); empty if there is no
/// letter in it. Spellings with one key are one spelling.
#[must_use]
pub fn author_key(name: &str) -> String {
    let name = unicode_of(name);
    // An affiliation stands in parentheses.
    let name = name.split(['(', '（', '[']).find(|part| part.chars().any(char::is_alphabetic));
    let natural = natural_name(name.unwrap_or_default());
    let words = natural
        .split([' ', '.', ',', '，', '\u{a0}', '\u{3000}', '·', '・'])
        .map(|word| {
            let parts = word.split(['-', '‐', '‑', '–']).filter(|part| part.chars().any(char::is_alphabetic));
            parts.map(|part| fold(&normalised_title(part))).collect::<Vec<_>>().join("-")
        })
        .filter(|word| !word.is_empty());
    words.take(LONGEST).collect::<Vec<_>>().join(" ")
}

/// An author who is asked for.
#[derive(Clone, Debug)]
pub struct AskedAuthor {
    words: Vec<String>,
    joined: String,
    turned: String,
    is_alphabetic: bool,
}

impl AskedAuthor {
    /// Reads "kim", "Minsu Kim", "Kim, Minsu", "M. Kim", "김민수"; `None` if no letter is in it.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let key = author_key(name);
        let words: Vec<String> =
            key.split(' ').filter(|word| !word.is_empty()).map(without_hyphens).collect();
        let joined = words.concat();
        let turned = words.iter().rev().map(String::as_str).collect();
        let is_alphabetic = joined.starts_with(|c: char| !is_syllabic(c));
        (!joined.is_empty()).then_some(Self { words, joined, turned, is_alphabetic })
    }

    /// Whether the name of this [`author_key`] is meant.
    #[must_use]
    pub fn is(&self, key: &str) -> bool {
        let is_named = if self.is_alphabetic { self.by_words(key) } else { self.by_syllables(key) };
        is_named || self.joined.len() > 1 && same_letters(&self.joined, key)
    }

    /// Every word is there; initials stand for names.
    fn by_words(&self, key: &str) -> bool {
        let mut left: Vec<&str> = key.split(' ').filter(|word| !word.is_empty()).collect();
        let (initials, names): (Vec<&String>, Vec<&String>) =
            self.words.iter().partition(|word| is_initial(word));
        let mut missing = names.clone();
        missing.retain(|name| !take(&mut left, |word| is_word(word, name)));
        let whole = names.len() - missing.len();
        if whole == 0 {
            // Initials alone ask for somebody of that very name.
            return names.is_empty() && initials.iter().all(|name| take(&mut left, |word| word == *name));
        }
        // An initial stands for a name only where no other name is left that it would deny.
        let is_short = !missing.is_empty();
        missing.retain(|name| !take(&mut left, |word| is_initial(word) && name.starts_with(word)));
        if !missing.is_empty() || is_short && !left.iter().all(|word| is_initial(word)) {
            return false;
        }
        initials.iter().all(|initial| {
            // "Geoffrey E. Hinton" is also written without the E.
            take(&mut left, |word| word.starts_with(initial.as_str())) || whole >= 2 && left.is_empty()
        })
    }

    /// Family names come first there, and names are written with and without a space.
    fn by_syllables(&self, key: &str) -> bool {
        let joined: String = key.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
        let is_longer = self.joined.chars().nth(1).is_some();
        joined.starts_with(&self.joined)
            || joined == self.turned
            || is_longer && joined.ends_with(&self.joined)
            || key.split(' ').any(|word| word == self.joined)
    }
}

/// Takes the first word that fits away.
fn take(words: &mut Vec<&str>, fits: impl Fn(&str) -> bool) -> bool {
    words.iter().position(|word| fits(word)).map(|at| words.swap_remove(at)).is_some()
}

/// One letter of an alphabet.
fn is_initial(word: &str) -> bool {
    let mut letters = word.chars();
    letters.next().is_some_and(|c| !is_syllabic(c)) && letters.next().is_none()
}

/// "jun-ho" is "junho", and has "jun" and "ho" in it.
fn is_word(word: &str, asked: &str) -> bool {
    word == asked
        || word.contains('-') && (same_letters(asked, word) || word.split('-').any(|part| part == asked))
}

fn same_letters(joined: &str, key: &str) -> bool {
    key.bytes().filter(|byte| !matches!(byte, b' ' | b'-')).eq(joined.bytes())
}

fn without_hyphens(word: &str) -> String {
    word.chars().filter(|c| *c != '-').collect()
}

/// Han, kana, Hangul: one character is a syllable or a word.
fn is_syllabic(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{11ff}' | '\u{3005}'..='\u{30ff}' | '\u{3130}'..='\u{318f}' | '\u{3400}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(asked: &str, name: &str) -> bool {
        AskedAuthor::parse(asked).unwrap().is(&author_key(name))
    }

    #[test]
    fn names_as_people_type_them() {
        for (asked, name) in [
            ("kim", "Minsu Kim"),
            ("KIM", "Kim Minsu"),
            ("Kim, Minsu", "Minsu Kim"),
            ("Minsu Kim", "Kim, Minsu"),
            ("Jun Ho Kim", "Jun-Ho Kim"),
            ("Jun-Ho Kim", "Junho Kim"),
            ("Jun-Ho Kim", "Jun Ho Kim"),
            ("Junho Kim", "Kim, Jun-Ho"),
            ("smith", "Anna Smith-Jones"),
            ("Ustun", "Ahmet Üstün"),
            ("Üstün", "Ahmet Ustun"),
            ("kaiser", "Łukasz Kaiser"),
            ("godel", r#"Kurt G\"odel"#),
            ("Geoffrey Hinton", "Geoffrey E. Hinton"),
            ("Geoffrey E. Hinton", "Geoffrey Hinton"),
            ("G. Hinton", "Geoffrey Hinton"),
            ("Hinton, G. E.", "Geoffrey Everest Hinton"),
            ("Geoffrey Hinton", "G. Hinton"),
            ("van der Waals", "Johannes van der Waals"),
            ("Boole", "George Boole (University College, Cork)"),
            ("김", "김민수"),
            ("김민수", "김 민수"),
            ("김 민수", "김민수"),
            ("민수", "김민수"),
            ("王", "王芳"),
            ("芳 王", "王芳"),
            ("王，芳", "王 芳"),
            ("山田", "山田太郎"),
            ("スミス", "ジョン・スミス"),
            ("gemma team", "Gemma Team"),
            ("Смирнов", "Иван Смирнов"),
        ] {
            assert!(meant(asked, name), "{asked} asks for {name}: {}", author_key(name));
        }
    }

    #[test]
    fn other_people() {
        for (asked, name) in [
            ("kim", "Kimura Taro"),
            ("Minsu Kim", "Minsu Park"),
            ("Minsu Kim", "Jisu Kim"),
            ("Geoffrey Hinton", "Geoffrey Everest"),
            ("Wei Zhang", "Zhang W. Li"),
            ("Geoffrey E. Hinton", "Geoffrey M. Hinton"),
            ("Geoffrey M. Hinton", "Geoffrey Everest Hinton"),
            ("Wei Wei", "Wei Zhang"),
            ("k", "Minsu Kim"),
            ("Cork", "George Boole (University College, Cork)"),
            ("수", "김민수"),
            ("이", "김민수"),
            ("민", "김민수"),
            ("芳", "王芳"),
            ("kim", "김민수"),
            ("kim", ""),
        ] {
            assert!(!meant(asked, name), "{asked} does not ask for {name}");
        }
        assert!(AskedAuthor::parse(" .,- 🦙 12").is_none());
    }

    #[test]
    fn a_hostile_name_takes_no_time() {
        let begun = std::time::Instant::now();
        let name = "a-b ".repeat(16_384);
        assert!(!meant(&format!("{name} z"), &"a. ".repeat(20_000)));
        assert!(begun.elapsed().as_millis() < 500, "{:?}", begun.elapsed());
    }
}
