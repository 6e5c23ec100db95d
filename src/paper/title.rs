//! Titles compared across sources: case, spaces, punctuation and LaTeX dress differ, the letters do not.

use unicode_normalization::UnicodeNormalization;

use super::unicode_of;

/// Words of English that say nothing of a title, and nothing of why a paper was found.
const SMALL_WORDS: [&str; 20] = [
    "a", "an", "the", "on", "in", "of", "for", "to", "and", "with", "is", "are", "from", "by", "at", "as",
    "do", "does", "how", "what",
];

/// Whether a word says nothing by itself.
#[must_use]
pub fn is_small_word(word: &str) -> bool {
    SMALL_WORDS.iter().any(|small| word.eq_ignore_ascii_case(small))
}

/// Lower-case letters and digits of a title, and nothing else: NFKC folds full-width forms and ligatures;
/// digits stay, so "Part 1" and "Part 2" stay apart. LaTeX counts as what it shows: `$\beta$-VAE` is "β-VAE". A title without any letter (an emoji) is kept as it is.
#[must_use]
pub fn normalised_title(title: &str) -> String {
    let title = unicode_of(title);
    // Compared many times for each record, and nearly always ASCII, which has nothing to fold or compose.
    let letters: String = if title.is_ascii() {
        letters_of(title.chars().map(|c| c.to_ascii_lowercase()))
    } else {
        letters_of(title.nfkc().flat_map(char::to_lowercase)).nfc().collect()
    };
    if letters.is_empty() { title.trim().to_owned() } else { letters }
}

/// [`normalised_title`] without accents: how people type a title.
#[must_use]
pub fn folded_title(title: &str) -> String {
    fold(&normalised_title(title))
}

/// Letters and digits, and the point between two digits: GPT-3.5 is not GPT-35.
fn letters_of(characters: impl Iterator<Item = char>) -> String {
    let mut letters = String::new();
    let mut characters = characters.peekable();
    let mut after_digit = false;
    while let Some(c) = characters.next() {
        let is_point = c == '.' && after_digit && characters.peek().is_some_and(char::is_ascii_digit);
        if is_point || c.is_alphanumeric() {
            letters.push(c);
        }
        after_digit = c.is_ascii_digit();
    }
    letters
}

/// Without the accents of Latin letters, which exports lose; for comparing only. Hangul, kana and Indic marks stay: they
/// are letters there.
pub(crate) fn fold(text: &str) -> String {
    let bare = text.nfd().filter(|c| !matches!(c, '\u{300}'..='\u{36f}'));
    let mut folded = String::with_capacity(text.len());
    for c in bare.nfc() {
        match c {
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' | 'ð' => folded.push('d'),
            'ı' => folded.push('i'),
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            c => folded.push(c),
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dress_is_dropped_and_letters_are_kept() {
        assert_eq!(normalised_title("  Ｆｕｌｌ－width: “Title” "), "fullwidthtitle");
        assert_eq!(normalised_title("한국어 논문, 제2판"), "한국어논문제2판");
        assert_eq!(normalised_title("한국어"), normalised_title("한국어"));
        assert_eq!(normalised_title("🦙"), "🦙");
        assert_ne!(normalised_title("GPT-3.5 report"), normalised_title("GPT-35 report"));
        assert_eq!(normalised_title("On Graphs. 2 proofs, v. 1."), "ongraphs2proofsv1");
        assert_eq!(normalised_title(r"$\beta$-VAE"), normalised_title("β-VAE"));
        assert_eq!(
            normalised_title(r"$\mathbf{Q}^*$ and \textit{{GPT}-4}"),
            normalised_title("Q* and GPT-4")
        );
        assert_eq!(
            normalised_title(r#"G\"odel의 정리, {O}($n^2$) 알고리즘"#),
            normalised_title("Gödel의 정리, O(n²) 알고리즘")
        );
        assert_eq!(normalised_title("从 $5 到 $10"), "从5到10", "a price is no formula");
    }

    #[test]
    fn accents_are_folded_and_no_syllable() {
        assert_eq!(fold("üstün łukasz straße"), "ustun lukasz strasse");
        assert_eq!(fold("한국어 が 中文"), "한국어 が 中文");
        assert_eq!(folded_title("Die Schrödinger-Gleichung!"), "dieschrodingergleichung");
    }
}
