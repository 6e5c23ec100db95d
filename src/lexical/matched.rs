//! Which words of a question a text holds, and where: the "why" of a hit, and what is highlighted in it.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::Range;

use super::Terms;
use super::glossary::Glosses;
use super::terms::Term;
use super::token::{Role, Stems, tokens, tokens_with};

/// A word of the question that a text holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// As the question spells it.
    pub word: String,
    /// Where it is in the text, in code points; in order, none twice.
    pub spans: Vec<Range<usize>>,
}

/// The words of the question that `text` holds, in the question's order. Pairs of characters that adjoin in the question
/// are one word, and parts of an identifier are left to the whole where the whole is there.
#[must_use]
pub fn matched(terms: &Terms, text: &str) -> Vec<Matched> {
    Matcher::of(terms).matched(text)
}

/// Finds a question's words in many texts.
pub struct Matcher<'t> {
    terms: &'t Terms,
    asked: HashMap<&'t str, usize>,
    stems: Stems,
}

impl<'t> Matcher<'t> {
    /// Of the question of `terms`.
    #[must_use]
    pub fn of(terms: &'t Terms) -> Self {
        let asked = terms.asked().iter().enumerate().map(|(at, term)| (term.text.as_str(), at)).collect();
        Self { terms, asked, stems: Stems::new() }
    }

    /// As the function [`matched`].
    pub fn matched(&mut self, text: &str) -> Vec<Matched> {
        let mut places: Vec<Vec<Range<usize>>> = vec![Vec::new(); self.terms.asked().len()];
        for token in tokens_with(text, &mut self.stems) {
            if let Some(places) = self.asked.get(token.term.as_str()).and_then(|at| places.get_mut(*at)) {
                places.push(token.start..token.end);
            }
        }
        as_words(self.terms, places, text)
    }
}

/// The words whose terms are at `places` of `text`.
fn as_words(terms: &Terms, mut places: Vec<Vec<Range<usize>>>, text: &str) -> Vec<Matched> {
    leave_to_the_whole(terms.asked(), &mut places);

    let mut words: Vec<(Range<usize>, Vec<Range<usize>>)> = Vec::new();
    let mut last: Option<&Term> = None;
    for (term, places) in terms.asked().iter().zip(places) {
        if places.is_empty() {
            continue;
        }
        let adjoins = last.is_some_and(|last| {
            last.role == Role::Pair
                && term.role == Role::Pair
                && last.position + 1 == term.position
                && term.span.start < last.span.end
        });
        match words.last_mut().filter(|_| adjoins) {
            Some((word, spans)) => {
                word.end = term.span.end;
                spans.extend(places);
            }
            None => words.push((term.span.clone(), places)),
        }
        last = Some(term);
    }
    words.sort_by_key(|(word, _)| (word.start, Reverse(word.end)));
    let points = CodePoints::of(text);
    let matched = words.into_iter().map(|(word, mut spans)| {
        spans.sort_by_key(|span| (span.start, span.end));
        let mut joined: Vec<Range<usize>> = Vec::new();
        for span in spans {
            match joined.last_mut().filter(|last| span.start < last.end) {
                Some(last) => last.end = last.end.max(span.end),
                None => joined.push(span),
            }
        }
        let spans = joined.iter().map(|span| points.before(span.start)..points.before(span.end)).collect();
        Matched { word: terms.spelled(&word).to_owned(), spans }
    });
    matched.collect()
}

/// A word of the question that a text holds in English.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchedInEnglish<'q> {
    /// Which of the glosses: a term of the question may be several words in English.
    pub gloss: usize,
    /// As the question spells it.
    pub word: &'q str,
    /// The bytes of the text that are the likeliest meaning that it holds.
    pub place: Range<usize>,
}

/// The words of the question that `text` holds in English, in the question's order.
#[must_use]
pub fn matched_in_english<'q>(glosses: &Glosses, question: &'q str, text: &str) -> Vec<MatchedInEnglish<'q>> {
    if glosses.is_empty() {
        return Vec::new();
    }
    let mut places: HashMap<String, Range<usize>> = HashMap::new();
    for token in tokens(text) {
        places.entry(token.term).or_insert(token.start..token.end);
    }
    let found = glosses.words.iter().enumerate().filter_map(|(number, gloss)| {
        let held = gloss.meanings.iter().filter_map(|(term, share)| Some((places.get(term)?, share)));
        let (place, _) = held.max_by(|(_, one), (_, other)| one.total_cmp(other))?;
        Some(MatchedInEnglish {
            gloss: number,
            word: question.get(gloss.span.clone())?,
            place: place.clone(),
        })
    });
    found.collect()
}

/// Drops places that lie within a place of a longer term of which this is a part of the question.
fn leave_to_the_whole(asked: &[Term], places: &mut [Vec<Range<usize>>]) {
    let wholes: Vec<(usize, Range<usize>, Vec<Range<usize>>)> = asked
        .iter()
        .zip(places.iter())
        .enumerate()
        .filter(|(_, (term, places))| matches!(term.role, Role::Joined | Role::Glued) && !places.is_empty())
        .map(|(at, (term, places))| (at, term.span.clone(), places.clone()))
        .collect();
    for (whole, span, covered) in wholes {
        // Terms are in the order of the question: the parts are near.
        let begins = asked.partition_point(|term| term.span.start < span.start);
        let parts = asked.iter().zip(places.iter_mut()).enumerate().skip(begins);
        for (at, (part, places)) in parts.take_while(|(_, (part, _))| part.span.start < span.end) {
            let is_part = part.span.end <= span.end && (part.span != span || at > whole);
            if at != whole && is_part {
                places.retain(|place| {
                    let near = covered.partition_point(|whole| whole.end < place.end);
                    covered.get(near).is_none_or(|whole| whole.start > place.start)
                });
            }
        }
    }
}

/// Byte offsets to code points, for many offsets of one text.
struct CodePoints(Vec<usize>);

impl CodePoints {
    fn of(text: &str) -> Self {
        Self(text.char_indices().map(|(at, _)| at).collect())
    }

    fn before(&self, byte: usize) -> usize {
        self.0.partition_point(|at| *at < byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(question: &str, text: &str) -> Vec<(String, Vec<String>)> {
        let characters: Vec<char> = text.chars().collect();
        let shown = |span: &Range<usize>| characters[span.clone()].iter().collect();
        matched(&Terms::of(question), text)
            .into_iter()
            .map(|matched| (matched.word, matched.spans.iter().map(shown).collect()))
            .collect()
    }

    fn owned(expected: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
        let spans = |spans: &[&str]| spans.iter().map(|span| (*span).to_owned()).collect();
        expected.iter().map(|(word, found)| ((*word).to_owned(), spans(found))).collect()
    }

    #[test]
    fn words_as_the_question_spells_them_and_where_they_are() {
        assert_eq!(
            found("Graphs of 대조학습", "🦙 A graph, 새로운 대조학습은 graphs"),
            owned(&[("Graphs", &["graph", "graphs"]), ("대조학습", &["대조학습"])])
        );
        assert_eq!(found("储氢材料", "👨‍👩‍👧 新型储氢材料，储氢"), owned(&[("储氢材料", &["储氢材料", "储氢"])]));
        assert_eq!(
            found("機械学習モデル", "🤖学習とモデル"),
            owned(&[("学習", &["学習"]), ("モデル", &["モデル"])])
        );
        assert_eq!(found("🦙 히 모", "🦙 모델"), owned(&[("🦙", &["🦙"]), ("모", &["모"])]));
        assert_eq!(found("nothing", "모델"), []);
    }

    #[test]
    fn an_identifier_is_shown_whole() {
        assert_eq!(found("GPT-4 turbo", "gpt4, GPT 3"), owned(&[("GPT-4", &["gpt4"]), ("GPT", &["GPT"])]));
        assert_eq!(found("gpt4", "by GPT-4"), owned(&[("gpt4", &["GPT-4"])]));
        assert_eq!(found("llava mod", "LLaVA-MoD 를"), owned(&[("llava", &["LLaVA"]), ("mod", &["MoD"])]));
        assert_eq!(found("2408.15881v2", "arXiv 2408.15881"), owned(&[("2408.15881", &["2408.15881"])]));
    }

    #[test]
    fn offsets_count_code_points() {
        let spans = matched(&Terms::of("모델 schrodinger"), "🦙🦙 모델 Schro\u{308}dinger");
        assert_eq!(spans[0].spans.first(), Some(&(3..5)));
        assert_eq!(spans[1].spans.first(), Some(&(6..18)));
    }
}
