//! Text longer than the model reads, cut at sentence ends in any script; nothing is left out.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::letters_and_digits;

/// A piece of a text, as a byte range that begins and ends between characters.
pub type Span = Range<usize>;

/// Cuts `text` into spans of at most `limit` by `measure` (tokens, as a rule), together covering all of it but
/// for white space at the seams.
///
/// Sentences (UAX #29, whose terminators include 。！？؟।) are packed greedily; one that alone is too long is cut between words, a
/// word that alone is too long between characters, and a character that alone is too long (a letter under a thousand
/// accents, which is no text but an attack) between its code points. A single code point over the limit is still given.
pub fn chunk(text: &str, limit: usize, mut measure: impl FnMut(&str) -> usize) -> Vec<Span> {
    let trimmed = trim(text, 0..text.len());
    if trimmed.is_empty() {
        return Vec::new();
    }
    if measure(&text[trimmed.clone()]) <= limit {
        return vec![trimmed];
    }
    let mut spans = Vec::new();
    pack(text, sentences_in(text, &trimmed), limit, &mut measure, Unit::Sentence, &mut spans);
    spans
}

#[derive(Clone, Copy)]
enum Unit {
    Sentence,
    Word,
    Character,
    CodePoint,
}

fn pack(
    text: &str,
    pieces: Vec<Span>,
    limit: usize,
    measure: &mut impl FnMut(&str) -> usize,
    unit: Unit,
    spans: &mut Vec<Span>,
) {
    let mut open: Option<(Span, usize)> = None;
    for piece in pieces {
        let size = measure(&text[piece.clone()]);
        // Sizes of parts add up to at least the size of the whole, so the sum is a safe bound; measuring the
        // whole each time would be quadratic.
        match &mut open {
            Some((span, total)) if *total + size <= limit => {
                span.end = piece.end;
                *total += size;
                continue;
            }
            _ => {}
        }
        close(text, open.take(), spans);
        if size <= limit {
            open = Some((piece, size));
            continue;
        }
        match unit {
            Unit::Sentence => pack(text, words(text, &piece), limit, measure, Unit::Word, spans),
            Unit::Word => pack(text, characters(text, &piece), limit, measure, Unit::Character, spans),
            Unit::Character => pack(text, code_points(text, &piece), limit, measure, Unit::CodePoint, spans),
            Unit::CodePoint => spans.push(piece),
        }
    }
    close(text, open, spans);
}

fn close(text: &str, open: Option<(Span, usize)>, spans: &mut Vec<Span>) {
    if let Some((span, _)) = open {
        let span = trim(text, span);
        if !span.is_empty() {
            spans.push(span);
        }
    }
}

fn trim(text: &str, span: Span) -> Span {
    let inner = &text[span.clone()];
    let start = span.start + (inner.len() - inner.trim_start().len());
    let end = span.end - (inner.len() - inner.trim_end().len());
    if start >= end { start..start } else { start..end }
}

/// The sentences of a text (UAX #29), without the space around them.
pub fn sentences(text: &str) -> Vec<Span> {
    let all = sentences_in(text, &(0..text.len())).into_iter();
    all.map(|span| trim(text, span)).filter(|span| !span.is_empty()).collect()
}

/// A sentence with fewer letters and digits is a heading or a scrap.
const SHORTEST_SENTENCE: usize = 8;

/// The sentences of a text that say something by themselves; none if there are not several.
#[must_use]
pub fn telling_sentences(text: &str) -> Vec<Span> {
    let mut telling = sentences(text);
    telling.retain(|span| letters_and_digits(&text[span.clone()]) >= SHORTEST_SENTENCE);
    if telling.len() < 2 {
        telling.clear();
    }
    telling
}

fn sentences_in(text: &str, span: &Span) -> Vec<Span> {
    ranges(text[span.clone()].split_sentence_bound_indices(), span.start)
}

fn words(text: &str, span: &Span) -> Vec<Span> {
    ranges(text[span.clone()].split_word_bound_indices(), span.start)
}

fn characters(text: &str, span: &Span) -> Vec<Span> {
    ranges(text[span.clone()].grapheme_indices(true), span.start)
}

fn code_points(text: &str, span: &Span) -> Vec<Span> {
    let pieces = text[span.clone()].char_indices().map(|(at, c)| (at, c.len_utf8()));
    pieces.map(|(at, length)| span.start + at..span.start + at + length).collect()
}

fn ranges<'a>(pieces: impl Iterator<Item = (usize, &'a str)>, offset: usize) -> Vec<Span> {
    pieces.map(|(at, piece)| offset + at..offset + at + piece.len()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pieces(text: &str, limit: usize) -> Vec<&str> {
        chunk(text, limit, |piece| piece.chars().count()).into_iter().map(|span| &text[span]).collect()
    }

    #[test]
    fn cuts_at_sentence_ends_of_every_script() {
        assert_eq!(pieces("One two. Three four. Five.", 12), ["One two.", "Three four.", "Five."]);
        assert_eq!(pieces("第一句。第二句很长！第三句？", 8), ["第一句。", "第二句很长！", "第三句？"]);
        assert_eq!(pieces("첫 문장입니다. 둘째 문장이죠. 끝.", 12), ["첫 문장입니다.", "둘째 문장이죠. 끝."]);
        assert_eq!(pieces("जल है। पानी है।", 8), ["जल है।", "पानी है।"]);
    }

    #[test]
    fn long_sentences_fall_back_to_words_then_characters() {
        assert_eq!(pieces("alpha beta gamma", 11), ["alpha beta", "gamma"]);
        assert_eq!(pieces("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(pieces("   ", 3), Vec::<&str>::new());
        let accents = format!("e{}", "\u{301}".repeat(8));
        assert_eq!(pieces(&accents, 3).concat(), accents);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_is_over_the_limit(text in "[a-z한中あ。. \n👨‍👩‍👧é]{0,200}", limit in 8usize..40) {
            let spans = chunk(&text, limit, |piece| piece.chars().count());
            let kept: String = spans.iter().flat_map(|span| text[span.clone()].chars()).filter(|c| !c.is_whitespace()).collect();
            let all: String = text.chars().filter(|c| !c.is_whitespace()).collect();
            prop_assert_eq!(kept, all);
            for span in spans {
                prop_assert!(text[span].chars().count() <= limit);
            }
        }
    }
}
