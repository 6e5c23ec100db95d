//! Titles to the words by which a region may be named: single words and pairs that stand together, in any script.

use std::collections::HashMap;

use unicode_segmentation::UnicodeSegmentation;

/// Letters without which a word of an alphabet names nothing.
const SHORTEST: usize = 3;
/// Terms of one title that are looked at.
const MOST: usize = 48;

/// Words that join others or stand in any title; none of a pair. What else is common falls behind by its numbers.
const JOINING: [&str; 48] = [
    "the", "and", "for", "with", "from", "via", "into", "using", "towards", "toward", "based", "its",
    "their", "are", "can", "how", "what", "why", "when", "not", "all", "under", "over", "between", "through",
    "without", "some", "new", "novel", "study", "approach", "analysis", "method", "methods", "der", "die",
    "das", "und", "les", "des", "une", "pour", "dans", "del", "los", "las", "위한", "통한",
];

/// Terms by number, each as it is mostly written.
#[derive(Default)]
pub(super) struct Terms {
    numbers: HashMap<String, u32>,
    all: Vec<Term>,
}

struct Term {
    /// In lower case.
    folded: String,
    /// Papers whose title has it.
    papers: u32,
    /// Papers whose title has it all in capitals.
    capitals: u32,
}

impl Terms {
    /// The terms of a title, each once, ascending.
    pub(super) fn of_title(&mut self, title: &str) -> Vec<u32> {
        let mut numbers = Vec::new();
        let mut before: Option<(&str, &str)> = None;
        let mut words = title.split_word_bounds().peekable();
        while let Some(word) = words.next() {
            if numbers.len() >= MOST {
                break;
            }
            if is_ideograph(word) {
                // Of writing without spaces, two characters are about a word.
                match words.peek() {
                    Some(next) if is_ideograph(next) => numbers.push(self.number(&format!("{word}{next}"))),
                    _ => {}
                }
                before = None;
            } else if word.chars().any(char::is_alphanumeric) {
                if names_something(word) {
                    numbers.push(self.number(word));
                    if let Some((before, between)) = before {
                        numbers.push(self.number(&format!("{before}{between}{word}")));
                    }
                    before = Some((word, " "));
                } else {
                    before = None;
                }
            } else {
                before = before.filter(|_| matches!(word, " " | "-")).map(|(before, _)| (before, word));
            }
        }
        numbers.sort_unstable();
        numbers.dedup();
        for number in &numbers {
            if let Some(term) = self.all.get_mut(*number as usize) {
                term.papers += 1;
                term.capitals += u32::from(title.contains(&term.folded.to_uppercase()));
            }
        }
        numbers
    }

    fn number(&mut self, term: &str) -> u32 {
        let folded = term.to_lowercase();
        if let Some(number) = self.numbers.get(&folded) {
            return *number;
        }
        let number = self.all.len() as u32;
        self.all.push(Term { folded: folded.clone(), papers: 0, capitals: 0 });
        self.numbers.insert(folded, number);
        number
    }

    /// Papers whose title has the term.
    pub(super) fn papers(&self, number: u32) -> u32 {
        self.all.get(number as usize).map_or(0, |term| term.papers)
    }

    /// The term, to be read.
    pub(super) fn text(&self, number: u32) -> String {
        let Some(term) = self.all.get(number as usize) else { return String::new() };
        if term.capitals * 2 > term.papers { term.folded.to_uppercase() } else { term.folded.clone() }
    }

    /// In lower case.
    pub(super) fn folded(&self, number: u32) -> &str {
        self.all.get(number as usize).map_or("", |term| term.folded.as_str())
    }
}

fn is_ideograph(word: &str) -> bool {
    let mut characters = word.chars();
    let ideograph =
        |c: char| matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}');
    characters.next().is_some_and(ideograph) && characters.next().is_none()
}

fn names_something(word: &str) -> bool {
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    let shortest = if word.is_ascii() { SHORTEST } else { 2 };
    letters >= shortest && !JOINING.contains(&word.to_lowercase().as_str())
}
