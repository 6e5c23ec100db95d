//! Ranked papers as hits: the passage that speaks for the paper, the score a person can read, and why.

use std::cell::RefCell;

use super::answer::{Hit, InEnglish, Marks, Match, PaperCard, Place, Signals, Why};
use super::evidence::{COVERAGE_WEIGHT, completeness, completeness_in_english, shortness};
use super::marks::in_order;
use super::question::between;
use super::{RankedPaper, SearchError, Searcher};
use crate::index::Calibration;
use crate::lexical::{Glosses, Matcher, matched_in_english};
use crate::paper::{Language, Paper, PassageKind, Role, UnitVector, is_small_word};
use crate::store::{PaperNumber, PassageNumber};

/// So many of the best are looked at to tell how good the best is.
const ANCHORS: usize = 3;

/// What the second best counts in how well a question is answered.
const SECOND: f32 = 0.25;

/// What hits are shown against.
pub(super) struct Shown<'s> {
    /// Raw vectors of what is asked: `similarity` is to the nearest of them.
    pub(super) raw: &'s [UnitVector],
    /// The direction of what is asked, centred by the model's own means, not by the library's.
    pub(super) absolute: UnitVector,
    /// Whether hits tell which of their sentences is nearest.
    pub(super) tells_sentences: bool,
    /// The words of what is asked.
    pub(super) words: RefCell<Matcher<'s>>,
    /// The words of a question in English, and the question.
    pub(super) glosses: Option<(&'s Glosses, &'s str)>,
    /// From what papers are ranked by to a score.
    pub(super) calibration: Calibration,
    /// How much nearer than elsewhere all that is asked so comes in this library.
    pub(super) excess: f32,
}

/// How well the best two answer together.
fn best_two(mut similarities: Vec<f32>) -> Option<f32> {
    similarities.sort_by(|left, right| right.total_cmp(left));
    let best = *similarities.first()?;
    let second = similarities.get(1).copied().unwrap_or(best);
    Some(best + SECOND * (second - best))
}

/// How a ranking stands outside its library.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    /// What is added to the numbers of the ranking to bring them to the scale on which scores were calibrated.
    pub(super) anchor: f32,
    /// How well the best two answer, on that scale: one can be near by accident.
    pub(super) strength: f32,
}

impl Searcher {
    /// Measures the best of a ranking once more by the model's own means.
    ///
    /// Ranking compares within a library: what all its papers share is taken out, and BM25 counts by its best. A score says
    /// whether anything answers at all, and there the library's topic counts: a question about football is as far from
    /// every paper about wings as can be, and yet one of them is nearest. So the best are measured from outside, less what chance gives
    /// in this library: the first scores what they come to together, and the rest keep their distance to it.
    pub(super) fn standing<'r>(
        &self,
        ranking: impl Iterator<Item = &'r RankedPaper>,
        shown: &Shown<'_>,
    ) -> Result<Standing, SearchError> {
        let mut first = None;
        let mut nearest = Vec::new();
        let mut complete = 0.0_f32;
        for ranked in ranking.take(ANCHORS) {
            let Some(similarity) = self.absolute(ranked.passage, &shown.absolute)? else { continue };
            let words = COVERAGE_WEIGHT
                * completeness(ranked.coverage).max(completeness_in_english(ranked.coverage_in_english));
            first.get_or_insert(ranked.score);
            complete = complete.max(words);
            nearest.push(similarity - shown.excess);
        }
        // Nothing is embedded yet: words alone answer, and nobody can tell how well.
        let (Some(together), Some(first)) = (best_two(nearest), first) else {
            return Ok(Standing { anchor: 0.0, strength: f32::INFINITY });
        };
        let strength = together + complete;
        Ok(Standing { anchor: strength - first, strength })
    }

    /// How much nearer than in a small library everything comes here by chance to what is asked in `language`.
    pub(super) fn excess(&self, language: Language) -> Result<f32, SearchError> {
        let ranker = self.live()?.ranker();
        self.chance.excess(language, &self.prior, |language, raw| {
            let absolute = between(language, raw, &self.prior)?;
            let mut nearest = Vec::new();
            for passage in ranker.nearest_papers(&between(language, raw, ranker.centring())?, ANCHORS) {
                nearest.extend(self.absolute(passage, &absolute)?);
            }
            Ok(best_two(nearest))
        })
    }

    /// The similarity of a stored passage to `asked` by the model's own means; `None` if it is not embedded.
    fn absolute(&self, passage: PassageNumber, asked: &UnitVector) -> Result<Option<f32>, SearchError> {
        let Some((_, stored)) = self.snapshot.passage(passage)? else { return Ok(None) };
        let raw = self.snapshot.vector(passage)?;
        let similarity = |raw| self.prior.apply(Role::Passage, stored.language, &raw).cosine(asked);
        Ok(raw.map(|raw| similarity(raw) - shortness(stored.kind)))
    }

    /// A paper that was not ranked, shown by its first passage that says more than its title.
    pub(super) fn listed(&self, number: PaperNumber) -> Result<Option<Hit>, SearchError> {
        let Some(paper) = self.snapshot.paper(number)? else { return Ok(None) };
        let passages = self.snapshot.passages_of(number)?;
        // The title is shown in any case.
        let telling = passages.iter().find(|(_, passage)| passage.kind != PassageKind::Title);
        let matched = telling.or(passages.first()).and_then(|(_, passage)| {
            Some(Match {
                passage: passage.kind,
                lang: passage.language,
                text: passage.text(&paper)?.to_owned(),
                start: passage.start,
                end: passage.end,
                source: None,
            })
        });
        Ok(matched.map(|matched| Hit {
            paper: PaperCard::from(&paper),
            score: 0.0,
            similarity: 0.0,
            matched,
            marks: Marks::default(),
            why: Why::default(),
        }))
    }

    /// A ranked paper, shown.
    pub(super) fn hit(
        &self,
        paper: &Paper,
        ranked: &RankedPaper,
        score: f32,
        shown: &Shown<'_>,
    ) -> Result<Hit, SearchError> {
        let gone = || SearchError::Inconsistent(ranked.passage.0);
        let (_, passage) = self.snapshot.passage(ranked.passage)?.ok_or_else(gone)?;
        let similarity = match self.snapshot.vector(ranked.passage)? {
            Some(raw) => shown.raw.iter().map(|asked| asked.cosine(&raw)).fold(-1.0, f32::max),
            // Its words are found before it is embedded.
            None => 0.0,
        };
        let source = match passage.kind {
            PassageKind::Commentary => paper.commentaries.get(passage.ordinal).map(|note| note.file.clone()),
            PassageKind::Title | PassageKind::Abstract => None,
        };
        let text = passage.text(paper).ok_or_else(gone)?.to_owned();
        let sentence =
            if shown.tells_sentences { self.nearest_sentence(ranked, &passage, &text, shown)? } else { None };
        let mut marks = Marks { sentence, ..Marks::default() };
        let mut words: Vec<String> = Vec::new();
        let (mut in_english, mut glossed): (Vec<InEnglish>, Vec<usize>) = Default::default();
        let mut matcher = shown.words.borrow_mut();
        for (text, places) in [(&paper.title, &mut marks.title), (&text, &mut marks.passage)] {
            for found in matcher.matched(text).into_iter().filter(|found| !is_small_word(&found.word)) {
                places.extend(found.spans.iter().map(|span| Place { start: span.start, end: span.end }));
                if !words.contains(&found.word) {
                    words.push(found.word);
                }
            }
            if let Some((glosses, question)) = shown.glosses {
                for found in matched_in_english(glosses, question, text) {
                    places.push(Place::of(&found.place, text));
                    if !glossed.contains(&found.gloss) {
                        glossed.push(found.gloss);
                        let english = text.get(found.place).unwrap_or_default().to_owned();
                        in_english.push(InEnglish { word: found.word.to_owned(), english });
                    }
                }
            }
            in_order(places);
        }
        Ok(Hit {
            score,
            similarity,
            matched: Match {
                passage: passage.kind,
                lang: passage.language,
                text,
                start: passage.start,
                end: passage.end,
                source,
            },
            paper: PaperCard::from(paper),
            marks,
            why: Why {
                words,
                in_english,
                signals: Signals {
                    meaning: ranked.dense,
                    words: ranked.lexical,
                    words_in_english: ranked.glossed,
                    coverage: ranked.coverage,
                },
                ..Why::default()
            },
        })
    }
}
