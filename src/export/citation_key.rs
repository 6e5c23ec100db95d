//! Citation keys: family name, year and first telling word of the title, in plain ASCII, each key once.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;

use crate::paper::{Paper, family_and_given, is_small_word};

/// A key is no longer, but for what tells it from its like.
const LONGEST: usize = 60;

/// The keys that are given, and how often each was wanted.
#[derive(Default)]
pub(super) struct Keys(HashMap<String, u32>);

impl Keys {
    /// The key of the paper: the second of the same key is told by an `a`, the third by a `b`.
    pub(super) fn next(&mut self, paper: &Paper) -> String {
        let base = base(paper);
        loop {
            let before = self.0.entry(base.clone()).or_default();
            let key = format!("{base}{}", letters(*before));
            *before += 1;
            if key == base || self.0.insert(key.clone(), 1).is_none() {
                return key;
            }
        }
    }
}

fn base(paper: &Paper) -> String {
    let first = paper.authors.first().map(String::as_str).unwrap_or_default();
    let family = family_and_given(first).map_or_else(|| first.to_owned(), |(family, _, _)| family);
    let year = paper.date.map(|date| date.year().to_string()).unwrap_or_default();
    let words: Vec<String> =
        paper.title.split_whitespace().map(folded).filter(|word| !word.is_empty()).collect();
    let telling = words.iter().find(|word| !is_small_word(word)).or(words.first());
    let key = format!("{}{year}{}", folded(&family), telling.map(String::as_str).unwrap_or_default());
    // Names and titles in other scripts leave nothing: the paper's id is a name as well.
    let key = if key.chars().any(|c| c.is_ascii_alphabetic()) {
        key
    } else {
        format!("{}{year}", folded(&paper.id.to_string()))
    };
    key.chars().take(LONGEST).collect()
}

fn folded(text: &str) -> String {
    text.nfkd().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// Nothing, `a` to `z`, `aa`, ...
fn letters(mut count: u32) -> String {
    let mut letters = Vec::new();
    while count > 0 {
        count -= 1;
        letters.push(char::from(b'a' + u8::try_from(count % 26).unwrap_or_default()));
        count /= 26;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paper::Record;

    fn paper(title: &str, author: &str) -> Paper {
        let record = Record {
            title: title.into(),
            authors: vec![author.into()],
            date: Some(jiff::civil::date(2024, 8, 29)),
            ..Record::default()
        };
        Paper::merge(&[record], false).unwrap()
    }

    #[test]
    fn keys_are_ascii_and_each_is_given_once() {
        let mut keys = Keys::default();
        for (title, author, key) in [
            ("On the Graphs of Gödel", "Ludwig van Beethoven", "vanbeethoven2024graphs"),
            ("Graphs", "Ludwig van Beethoven", "vanbeethoven2024graphsa"),
            ("Graphsa", "Ludwig van Beethoven", "vanbeethoven2024graphsab".split_at(23).0),
            ("Graphs again", "Ludwig van Beethoven", "vanbeethoven2024graphsb"),
            ("Évaluation", "Ahmet Üstün", "ustun2024evaluation"),
            ("GPT 모델", "김민수", "2024gpt"),
        ] {
            let next = keys.next(&paper(title, author));
            assert!(next.is_ascii() && next.starts_with(key), "{next} for {title}");
        }
        let cjk = keys.next(&paper("그래프 연구", "王芳"));
        assert!(cjk.starts_with('t') && cjk.len() == 21, "{cjk}");
        assert_eq!((letters(0), letters(26), letters(27)), (String::new(), "z".to_owned(), "aa".to_owned()));
        let mut all: Vec<String> = (0..2_000).map(|_| keys.next(&paper("Graphs", "Ada Lovelace"))).collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 2_000);
    }
}
