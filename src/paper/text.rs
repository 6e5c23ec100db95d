//! Text as it is stored, counted and cut: NFC, no control characters, never cut inside a character.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};
use unicode_segmentation::UnicodeSegmentation;

/// Text fit to store: NFC (the tokenizer does not compose decomposed Hangul: "한국" would be six pieces), control
/// characters dropped but for line breaks (tabs become spaces), trailing space of each line dropped.
#[must_use]
pub fn normalise(text: &str) -> String {
    // Nearly all text is composed already, and looking is five times faster than composing.
    let composed = text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes;
    let text: Cow<'_, str> = if composed { Cow::Borrowed(text) } else { Cow::Owned(text.nfc().collect()) };
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => {
                while clean.ends_with([' ', '\u{a0}']) {
                    clean.pop();
                }
                clean.push('\n');
            }
            '\t' => clean.push(' '),
            '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => {}
            c => clean.push(c),
        }
    }
    let trimmed = clean.trim();
    if trimmed.len() == clean.len() { clean } else { trimmed.to_owned() }
}

/// [`normalise`], and every run of white space is one space: titles, names, tags.
#[must_use]
pub fn single_line(text: &str) -> String {
    normalise(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The head of `text` of at most `limit` code points, ending between two characters as a reader sees them
/// (UAX #29 grapheme clusters), so that no emoji, accent or syllable is torn.
#[must_use]
pub fn cut(text: &str, limit: usize) -> &str {
    let mut end = 0;
    let mut count = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        count += grapheme.chars().count();
        if count > limit {
            return text.get(..end).unwrap_or_default();
        }
        end = at + grapheme.len();
    }
    text
}

/// How many letters and digits `text` has: with few it is a heading or a scrap, whatever its language.
#[must_use]
pub fn letters_and_digits(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphanumeric()).count()
}

/// How many Unicode code points lie before byte `at` of `text`: the unit of every offset we show.
#[must_use]
pub fn code_points(text: &str, at: usize) -> usize {
    text.char_indices().take_while(|(byte, _)| *byte < at).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decomposed_hangul_is_composed_and_controls_are_dropped() {
        assert_eq!(normalise("\u{feff}한국\u{0}\u{7}\t끝  \r\n다음 "), "한국 끝\n다음");
        assert_eq!(single_line(" a\n  b\tc "), "a b c");
    }

    #[test]
    fn cut_never_tears_a_character() {
        let family = "👨‍👩‍👧 가족";
        assert_eq!(cut(family, 1), "");
        assert_eq!(cut(family, 5), "👨‍👩‍👧");
        assert_eq!(cut("e\u{301}a", 1), "");
        assert_eq!(cut("שלום", 2), "של");
        assert_eq!(cut("中文", 9), "中文");
    }
}
