//! The characters of a text as they are compared: compatibility forms, case and accents folded, each still knowing
//! which bytes of the text it came from.
//!
//! A character and the marks behind it are folded together and nothing else is, so a text of any length takes linear
//! time and a syllable typed as its letters (NFD Hangul, half-width kana) is the syllable.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

use crate::paper::fold_accents;

/// Marks that are read behind one character; a text with more is hostile or a drawing.
const MARKS: usize = 32;

/// How a character takes part in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Of a script that puts spaces between words.
    Letter,
    /// 0 to 9.
    Digit,
    /// Of a script written without spaces, or, as Hangul, with endings glued to the words.
    Unspaced(Script),
    /// Says something by itself: emoji, mathematical operators.
    Symbol,
    /// Punctuation, spaces and the like.
    Other,
}

/// Scripts that are cut into pairs of characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Script {
    /// Han and kana: Japanese words are of both.
    Han,
    Hangul,
    Thai,
    Lao,
    Burmese,
    Khmer,
}

/// A folded character, and the bytes of the text it stands for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Character {
    pub(super) letter: char,
    pub(super) class: Class,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The characters of `text`.
pub(super) fn characters(text: &str) -> Vec<Character> {
    let mut folded = Vec::with_capacity(text.len());
    let mut rest = text.char_indices().peekable();
    while let Some((start, letter)) = rest.next() {
        let mut end = start + letter.len_utf8();
        let mut marked = false;
        while let Some((at, mark)) = rest.next_if(|(_, next)| joins_its_neighbour(*next)) {
            end = at + mark.len_utf8();
            marked = true;
        }
        let mut push = |letter| folded.push(Character { letter, class: class(letter), start, end });
        match letter {
            letter if !marked && letter.is_ascii() => push(letter.to_ascii_lowercase()),
            '가'..='힣' | '一'..='鿿' | 'ぁ'..='ヺ' if !marked => push(letter),
            _ => fold(text.get(start..end).unwrap_or_default()).for_each(push),
        }
    }
    folded
}

/// Whether `mark` is folded with the character before it: marks, later letters of a Hangul syllable, half-width
/// sound marks of kana.
fn joins_its_neighbour(mark: char) -> bool {
    !mark.is_ascii()
        && (matches!(mark, '\u{1160}'..='\u{11ff}' | '\u{d7b0}'..='\u{d7fb}' | '\u{ff9e}' | '\u{ff9f}' | '\u{ffc2}'..='\u{ffdc}')
            || canonical_combining_class(mark) != 0)
}

fn fold(piece: &str) -> impl Iterator<Item = char> + use<> {
    let composed: String = piece.chars().take(MARKS).nfkc().flat_map(char::to_lowercase).collect();
    let folded: Vec<char> = fold_accents(&composed).chars().filter(|c| !is_silent(*c)).map(plain).collect();
    folded.into_iter()
}

/// Whether a reader does not see it, or leaves it out when typing: joiners and directions, variation selectors, skin
/// tones, vowel points of Hebrew and Arabic, the stroke that only stretches an Arabic word.
fn is_silent(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0000}'..='\u{e0fff}'
        | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}'..='\u{5c2}' | '\u{5c4}'..='\u{5c5}' | '\u{5c7}' | '\u{5f3}' | '\u{5f4}'
        | '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6dc}' | '\u{6df}'..='\u{6e8}'
        | '\u{6ea}'..='\u{6ed}')
}

/// Letters that are written in two ways.
fn plain(c: char) -> char {
    match c {
        'ς' => 'σ',
        'آ' | 'أ' | 'إ' | 'ٱ' => 'ا',
        'ى' => 'ي',
        'ة' => 'ه',
        '\u{2010}' | '\u{2011}' | '\u{2013}' | '\u{2212}' | '\u{5be}' => '-',
        '’' | 'ʼ' => '\'',
        c => c,
    }
}

fn class(c: char) -> Class {
    match c {
        '0'..='9' => Class::Digit,
        c if c.is_ascii() => {
            if c.is_ascii_alphabetic() {
                Class::Letter
            } else {
                Class::Other
            }
        }
        '\u{2e80}'..='\u{2fdf}'
        | '\u{3005}'
        | '\u{3007}'
        | '\u{3021}'..='\u{3029}'
        | '\u{3041}'..='\u{309a}'
        | '\u{309d}'..='\u{309f}'
        | '\u{30a1}'..='\u{30fa}'
        | '\u{30fc}'..='\u{312f}'
        | '\u{31a0}'..='\u{31bf}'
        | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{1b000}'..='\u{1b16f}'
        | '\u{20000}'..='\u{3ffff}' => Class::Unspaced(Script::Han),
        '\u{1100}'..='\u{11ff}'
        | '\u{3131}'..='\u{318e}'
        | '\u{a960}'..='\u{a97c}'
        | '\u{ac00}'..='\u{d7fb}' => Class::Unspaced(Script::Hangul),
        '\u{1f000}'..='\u{1fbff}'
        | '\u{2190}'..='\u{2211}'
        | '\u{2213}'..='\u{23ff}'
        | '\u{2600}'..='\u{27bf}'
        | '\u{2900}'..='\u{2bff}' => Class::Symbol,
        c if c.is_alphabetic() || canonical_combining_class(c) != 0 || c.is_numeric() => match c {
            '\u{e00}'..='\u{e7f}' => Class::Unspaced(Script::Thai),
            '\u{e80}'..='\u{eff}' => Class::Unspaced(Script::Lao),
            '\u{1000}'..='\u{109f}' => Class::Unspaced(Script::Burmese),
            '\u{1780}'..='\u{17ff}' => Class::Unspaced(Script::Khmer),
            _ => Class::Letter,
        },
        _ => Class::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        characters(text).iter().map(|character| character.letter).collect()
    }

    #[test]
    fn what_looks_the_same_is_the_same() {
        assert_eq!(shown("Schrödinger ŁUKASZ straße"), "schrodinger lukasz strasse");
        assert_eq!(shown("Schro\u{308}dinger"), "schrodinger");
        assert_eq!(shown("ＧＰＴ－４ ﬁne x²"), "gpt-4 fine x2");
        assert_eq!(shown("\u{1112}\u{1161}\u{11ab}국"), "한국");
        assert_eq!(shown("ﾓﾃﾞﾙ"), "モデル");
        assert_eq!(shown("か\u{3099}"), "が");
        assert_eq!(shown("ガがパ"), "ガがパ", "a sound mark is no accent");
        assert_eq!(shown("مُحَمَّـد أحمد"), "محمد احمد");
        assert_eq!(shown("שָׁלוֹם"), "שלום");
        assert_eq!(shown("👍🏽"), "👍");
    }

    #[test]
    fn each_knows_the_bytes_it_came_from() {
        let text = "a\u{301}ﬁ가";
        let spans: Vec<&str> = characters(text).iter().map(|c| &text[c.start..c.end]).collect();
        assert_eq!(spans, ["a\u{301}", "ﬁ", "ﬁ", "가"]);
    }
}
