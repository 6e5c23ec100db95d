//! The numerals of a title: works of one series share all but these.

use super::title::fold;

/// The numerals in order, in one spelling: digits with the letters behind them ("4o"), Roman figures, number words, Chinese
/// and Korean figures, the marks of first and second halves, and a letter that ends the title or counts a part.
pub(super) fn numerals(clean: &str) -> Vec<String> {
    const COUNTED: [&str; 8] = ["appendix", "chapter", "model", "paper", "part", "section", "vol", "volume"];
    let text = fold(&clean.to_lowercase()).replace("一种", " ").replace("一個", " ").replace("统一", " ");
    let words: Vec<&str> =
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let counts = at + 1 == words.len()
            || at
                .checked_sub(1)
                .and_then(|before| words.get(before))
                .is_some_and(|word| COUNTED.contains(word));
        if let Some(number) = number_word(word) {
            found.push(number.to_string());
        } else if counts && word.len() == 1 && word.starts_with(|c: char| c.is_ascii_lowercase()) {
            found.push((*word).to_owned());
        } else {
            figures(word, at + 1 == words.len(), &mut found);
        }
    }
    found
}

/// The value of a word that is a numeral as a whole.
fn number_word(word: &str) -> Option<usize> {
    const WORDS: [&str; 13] = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
        "twelve",
    ];
    const ORDINALS: [&str; 10] =
        ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"];
    const ROMAN: [&str; 20] = [
        "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii", "xiii", "xiv", "xv", "xvi",
        "xvii", "xviii", "xix", "xx",
    ];
    let at = |list: &[&str]| list.iter().position(|known| *known == word);
    at(&WORDS).or_else(|| at(&ORDINALS).map(|at| at + 1)).or_else(|| at(&ROMAN).map(|at| at + 1))
}

/// Numerals inside a word.
fn figures(word: &str, last: bool, found: &mut Vec<String>) {
    const HALVES: [char; 11] = ['上', '中', '下', '前', '後', '后', '상', '중', '하', '전', '후'];
    const BOOKS: [char; 16] =
        ['篇', '編', '编', '巻', '卷', '册', '冊', '集', '部', '期', '편', '권', '부', '장', '회', '호'];
    const KOREAN: [char; 10] = ['일', '이', '삼', '사', '오', '육', '칠', '팔', '구', '십'];
    const CHINESE: [char; 11] = ['一', '二', '三', '四', '五', '六', '七', '八', '九', '十', '百'];
    let letters: Vec<char> = word.chars().collect();
    let is =
        |at: Option<usize>, of: &[char]| at.and_then(|at| letters.get(at)).is_some_and(|c| of.contains(c));
    let mut at = 0;
    while let Some(&c) = letters.get(at) {
        let before = at.checked_sub(1);
        let end = at + 1;
        if c.is_ascii_digit() {
            let digits = letters.iter().skip(at).take_while(|c| c.is_ascii_digit()).count();
            let behind: String =
                letters.iter().skip(at + digits).take_while(|c| c.is_ascii_alphanumeric()).collect();
            let number: String = letters.iter().skip(at).take(digits).collect();
            let number = number.trim_start_matches('0');
            let behind_chars = behind.chars().count();
            let ordinal = matches!(behind.as_str(), "st" | "nd" | "rd" | "th");
            found.push(format!("{number}{}", if ordinal { "" } else { &behind }));
            at += digits + behind_chars;
            continue;
        }
        if let Some(value) = CHINESE.iter().position(|figure| *figure == c) {
            found.push((value + 1).to_string());
        } else if let Some(value) = KOREAN.iter().position(|figure| *figure == c)
            && is(before, &['제'])
            && is(Some(end), &BOOKS)
        {
            found.push((value + 1).to_string());
        } else if HALVES.contains(&c)
            && (is(Some(end), &BOOKS) || (last && end == letters.len() && (at == 0 || is_han(c))))
        {
            found.push(c.to_string());
        }
        at = end;
    }
}

fn is_han(c: char) -> bool {
    matches!(c, '\u{4e00}'..='\u{9fff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_normalization::UnicodeNormalization;

    #[test]
    fn numerals_have_one_spelling() {
        for (title, want) in [
            ("On Kin, Part II", &["2"][..]),
            ("On Kin, part two", &["2"]),
            ("On Kin Ⅱ", &["2"]),
            ("GPT-4o and GPT4V", &["4o", "4v"]),
            ("Llama 3.1 8B", &["3", "1", "8b"]),
            ("The 2nd Workshop", &["2"]),
            ("논문의 친족 관계 제2부", &["2"]),
            ("논문의 친족 관계 제이부", &["2"]),
            ("논문의 친족 관계 (하)", &["하"]),
            ("论文之亲（下）", &["下"]),
            ("论文之亲 二", &["2"]),
            ("一种方法", &[]),
            ("論文の近縁 後編", &["後"]),
            ("Appendix B", &["b"]),
            ("Papers without any", &[]),
        ] {
            assert_eq!(numerals(&title.nfkc().collect::<String>()), want, "{title}");
        }
    }
}
