//! Ranked papers as hits: the passage that speaks for the paper, the score a person can read, and why.

use super::answer::{Hit, Match, PaperCard, Signals, Why};
use super::evidence::{COVERAGE_WEIGHT, completeness, shortness};
use super::{RankedPaper, SearchError, Searcher};
use crate::index::Calibration;
use crate::lexical::{Terms, matched};
use crate::paper::{PassageKind, Role, UnitVector};
use crate::store::PaperNumber;

/// So many of the best are looked at to tell how good the best is.
const ANCHORS: usize = 3;

/// What the second best counts in how well a question is answered.
const SECOND: f32 = 0.25;
/// How much nearer the best two are by chance in a library e times as large. Nonsense gains between 0.018 and 0.035, from 20
/// papers to 10,000 of eight sets. Bare topic words across languages lose by it: in a library of 900 papers some are taken for nonsense.
const CHANCE: f32 = 0.02;
/// The papers of a library in which the curve of the model holds as it was measured.
const FEW_PAPERS: u64 = 20;

/// What hits are shown against.
pub(super) struct Shown<'s> {
    /// Raw vectors of what is asked: `similarity` is to the nearest of them.
    pub(super) raw: &'s [UnitVector],
    /// The direction of what is asked, centred by the model's own means, not by the library's.
    pub(super) absolute: UnitVector,
    /// The words of what is asked.
    pub(super) terms: &'s Terms,
    /// From what papers are ranked by to a score.
    pub(super) calibration: Calibration,
}

/// How a ranking stands outside its library.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    /// What is added to the numbers of the ranking to bring them to the scale on which scores were calibrated.
    pub(super) anchor: f32,
    /// How well the best two answer, on that scale: one can be near by accident, and the best of many is nearer by chance.
    pub(super) strength: f32,
}

impl Searcher {
    /// Measures the best of a ranking once more by the model's own means.
    ///
    /// Ranking compares within a library: what all its papers share is taken out, and BM25 counts by its best. A score says
    /// whether anything answers at all, and there the library's topic counts: a question about football is as far from
    /// every paper about wings as can be, and yet one of them is nearest. So the best are measured from outside, and the rest keep
    /// their distance to them.
    pub(super) fn standing<'r>(
        &self,
        ranking: impl Iterator<Item = &'r RankedPaper>,
        shown: &Shown<'_>,
    ) -> Result<Standing, SearchError> {
        let mut anchor = f32::NEG_INFINITY;
        let mut nearest = Vec::new();
        let mut complete = 0.0_f32;
        for ranked in ranking.take(ANCHORS) {
            let Some((_, passage)) = self.snapshot.passage(ranked.passage)? else { continue };
            let Some(raw) = self.snapshot.vector(ranked.passage)? else { continue };
            let centred = self.prior.apply(Role::Passage, passage.language, &raw);
            let similarity = centred.cosine(&shown.absolute) - shortness(passage.kind);
            let words = COVERAGE_WEIGHT * completeness(ranked.coverage);
            anchor = anchor.max(similarity + words - ranked.score);
            complete = complete.max(words);
            nearest.push(similarity);
        }
        nearest.sort_by(|left, right| right.total_cmp(left));
        let Some(best) = nearest.first() else {
            // Nothing is embedded yet: words alone answer, and nobody can tell how well.
            return Ok(Standing { anchor: 0.0, strength: f32::INFINITY });
        };
        let second = nearest.get(1).unwrap_or(best);
        let chance = CHANCE * (self.live.counts().papers.max(FEW_PAPERS) as f32 / FEW_PAPERS as f32).ln();
        let strength = best + SECOND * (second - best) + complete - chance;
        Ok(Standing { anchor, strength })
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
            why: Why::default(),
        }))
    }

    /// A ranked paper, shown.
    pub(super) fn hit(
        &self,
        ranked: &RankedPaper,
        score: f32,
        shown: &Shown<'_>,
    ) -> Result<Hit, SearchError> {
        let gone = || SearchError::Inconsistent(ranked.passage.0);
        let (_, passage) = self.snapshot.passage(ranked.passage)?.ok_or_else(gone)?;
        let paper = self.snapshot.paper(ranked.paper)?.ok_or_else(gone)?;
        let similarity = match self.snapshot.vector(ranked.passage)? {
            Some(raw) => shown.raw.iter().map(|asked| asked.cosine(&raw)).fold(-1.0, f32::max),
            // Its words are found before it is embedded.
            None => 0.0,
        };
        let source = match passage.kind {
            PassageKind::Commentary => paper.commentaries.get(passage.ordinal).map(|note| note.file.clone()),
            PassageKind::Title | PassageKind::Abstract => None,
        };
        let text = passage.text(&paper).ok_or_else(gone)?.to_owned();
        let mut words: Vec<String> = Vec::new();
        for found in matched(shown.terms, &paper.title).into_iter().chain(matched(shown.terms, &text)) {
            if !words.contains(&found.word) {
                words.push(found.word);
            }
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
            paper: PaperCard::from(&paper),
            why: Why {
                words,
                signals: Signals { meaning: ranked.dense, words: ranked.lexical, coverage: ranked.coverage },
                ..Why::default()
            },
        })
    }
}
