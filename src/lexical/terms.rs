//! A question taken apart: what it asks for, each once, and the phrases it insists on.

use std::collections::HashMap;
use std::ops::Range;

use super::token::{Role, Token, tokens};

/// Quotation marks that open, and what closes them.
const QUOTES: [(char, char); 6] =
    [('"', '"'), ('“', '”'), ('「', '」'), ('『', '』'), ('«', '»'), ('＂', '＂')];

/// Phrases that are insisted on; nobody means more.
const PHRASES: usize = 64;
/// Steps of a phrase that are looked at: who has the first 256 words has the rest.
const STEPS: usize = 256;

/// The terms of a question.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    question: String,
    terms: Vec<Term>,
    phrases: Vec<Phrase>,
}

/// What is asked for, once however often the question repeats it.
#[derive(Clone, Debug)]
pub(super) struct Term {
    pub(super) text: String,
    pub(super) role: Role,
    /// Bytes of the question where it stands first.
    pub(super) span: Range<usize>,
    /// Its place among the words of the question.
    pub(super) position: usize,
    /// Joined forms of which it is a part: who has "gpt4" has "gpt" and "4" of "GPT-4".
    pub(super) within: Vec<usize>,
}

impl Term {
    /// Whether it is part of what the question is made of, and not only another spelling of other terms.
    pub(super) fn counts(&self) -> bool {
        self.role != Role::Joined
    }
}

/// Terms that must stand one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Phrase {
    /// Bytes of the question between the quotation marks.
    span: Range<usize>,
    /// Terms, and how far from the first each stands.
    pub(super) steps: Vec<(String, u32)>,
}

impl Terms {
    /// The terms of `question`. What stands in quotation marks (`"…"`, `“…”`, `「…」`, `『…』`, `«…»`) must be found as it
    /// stands there, but for case, accents and English endings; a mark without its other half is no mark.
    #[must_use]
    pub fn of(question: &str) -> Self {
        let phrases = quoted(question).into_iter().filter_map(|span| {
            let steps = steps(&tokens(question.get(span.clone())?));
            (!steps.is_empty()).then_some(Phrase { span, steps })
        });
        let mut distinct: Vec<Phrase> = Vec::new();
        for phrase in phrases {
            if distinct.len() == PHRASES {
                break;
            }
            if distinct.iter().all(|known| known.steps != phrase.steps) {
                distinct.push(phrase);
            }
        }
        Self { terms: terms(&tokens(question)), phrases: distinct, question: question.to_owned() }
    }

    /// The terms of `phrase`, insisting on all of it as if it stood in quotation marks.
    #[must_use]
    pub fn exactly(phrase: &str) -> Self {
        let tokens = tokens(phrase);
        let steps = steps(&tokens);
        let phrases =
            if steps.is_empty() { Vec::new() } else { vec![Phrase { span: 0..phrase.len(), steps }] };
        Self { terms: terms(&tokens), phrases, question: phrase.to_owned() }
    }

    /// The same words, insisting on none: for a text that is searched with, whose quotation marks are its own.
    #[must_use]
    pub fn without_phrases(mut self) -> Self {
        self.phrases.clear();
        self
    }

    /// Whether there is nothing to look for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// What must be found as it stands, without its quotation marks.
    pub fn phrases(&self) -> impl Iterator<Item = &str> {
        self.phrases.iter().map(|phrase| self.spelled(&phrase.span))
    }

    pub(super) fn asked(&self) -> &[Term] {
        &self.terms
    }

    pub(super) fn insisted(&self) -> &[Phrase] {
        &self.phrases
    }

    /// As the question spells it.
    pub(super) fn spelled(&self, span: &Range<usize>) -> &str {
        self.question.get(span.clone()).unwrap_or_default()
    }
}

fn steps(tokens: &[Token]) -> Vec<(String, u32)> {
    let mut steps = tokens.iter().filter(|token| token.role.is_step()).peekable();
    let first = steps.peek().map_or(0, |token| token.position);
    steps
        .take(STEPS)
        .map(|token| (token.term.clone(), u32::try_from(token.position - first).unwrap_or(u32::MAX)))
        .collect()
}

fn terms(tokens: &[Token]) -> Vec<Term> {
    let mut known: HashMap<&str, usize> = HashMap::new();
    let mut terms: Vec<Term> = Vec::new();
    for token in tokens.iter().filter(|token| token.role.is_asked()) {
        let at = *known.entry(&token.term).or_insert(terms.len());
        match terms.get_mut(at) {
            // Spelled as one word somewhere, it is a word of the question.
            Some(term) if term.role == Role::Joined => term.role = token.role,
            Some(_) => {}
            None => terms.push(Term {
                text: token.term.clone(),
                role: token.role,
                span: token.start..token.end,
                position: token.position,
                within: Vec::new(),
            }),
        }
    }
    for (at, whole) in tokens.iter().enumerate().filter(|(_, token)| token.role == Role::Joined) {
        let Some(joined) = known.get(whole.term.as_str()).copied() else { continue };
        // What begins together may be listed before the whole.
        let before = tokens.get(..at).unwrap_or_default().iter().rev();
        let before = before.take_while(|token| token.start == whole.start);
        let behind = tokens.get(at..).unwrap_or_default().iter().take_while(|token| token.start < whole.end);
        for part in before.chain(behind).filter(|part| part.end <= whole.end && part.role != Role::Joined) {
            let part = known.get(part.term.as_str()).and_then(|part| terms.get_mut(*part));
            if let Some(part) = part {
                part.within.push(joined);
            }
        }
    }
    for term in &mut terms {
        term.within.sort_unstable();
        term.within.dedup();
    }
    terms
}

/// What stands between quotation marks, by bytes.
fn quoted(question: &str) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut at = 0;
    // A mark once found to be without its other half is so to the end: each is looked for in vain once only.
    let mut unclosed = [false; QUOTES.len()];
    while let Some((open, mark)) = question
        .get(at..)
        .and_then(|rest| rest.char_indices().find(|(_, c)| QUOTES.iter().any(|(o, _)| o == c)))
    {
        let inner = at + open + mark.len_utf8();
        at = inner;
        let kinds = QUOTES.iter().zip(&mut unclosed);
        for ((_, close), unclosed) in kinds.filter(|((opening, _), _)| *opening == mark) {
            let length =
                if *unclosed { None } else { question.get(inner..).and_then(|rest| rest.find(*close)) };
            match length {
                Some(length) => {
                    spans.push(inner..inner + length);
                    at = inner + length + close.len_utf8();
                }
                None => *unclosed = true,
            }
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(question: &str) -> Vec<String> {
        Terms::of(question).asked().iter().map(|term| term.text.clone()).collect()
    }

    #[test]
    fn each_term_once_and_nothing_of_punctuation() {
        assert_eq!(asked("graph, Graphs; GRAPH 모델 模型"), ["graph", "모델", "模型"]);
        assert!(Terms::of(" ?! \"…\" ").is_empty());
        assert_eq!(Terms::of("\"…\"").phrases().count(), 0);
    }

    #[test]
    fn quotation_marks_of_all_languages() {
        let phrases =
            |question: &str| -> Vec<String> { Terms::of(question).phrases().map(str::to_owned).collect() };
        assert_eq!(
            phrases("\"deep learning\" for “큰 모델” 「機械学習」 «сеть»"),
            ["deep learning", "큰 모델", "機械学習", "сеть"]
        );
        assert_eq!(phrases("5\" wide"), Vec::<String>::new());
        assert_eq!(phrases("「 \"a b\" “"), ["a b"]);
    }

    #[test]
    fn what_is_insisted_on_without_marks_is_as_with_them() {
        for phrase in ["deep learning", "GPT-4", "잔차 연결", "残差", "…"] {
            let quoted = Terms::of(&format!("\"{phrase}\""));
            let steps = |terms: &Terms| -> Vec<Vec<(String, u32)>> {
                terms.insisted().iter().map(|phrase| phrase.steps.clone()).collect()
            };
            assert_eq!(steps(&Terms::exactly(phrase)), steps(&quoted), "{phrase}");
        }
    }

    #[test]
    fn marks_without_end_take_linear_time() {
        let start = std::time::Instant::now();
        assert_eq!(Terms::of(&"«".repeat(500_000)).phrases().count(), 0);
        assert_eq!(Terms::of(&"«a»".repeat(100_000)).phrases().count(), 1);
        let many: String = (0..20_000).map(|i| format!("«{i}» a-{i} ")).collect();
        assert_eq!(Terms::of(&many).phrases().count(), PHRASES);
        assert_eq!(Terms::of(&format!("\"{}\"", "the ".repeat(100_000))).insisted()[0].steps.len(), STEPS);
        assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
    }

    #[test]
    fn parts_know_their_joined_forms() {
        let terms = Terms::of("GPT-4");
        let parts: Vec<(&str, bool, usize)> =
            terms.asked().iter().map(|term| (term.text.as_str(), term.counts(), term.within.len())).collect();
        assert_eq!(parts, [("gpt", true, 1), ("gpt4", false, 0), ("4", true, 1)]);
    }
}
