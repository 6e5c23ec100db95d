//! Ranked papers as hits: the passage that speaks for the paper, the score a person can read, and why.

use super::answer::{Hit, Match, PaperCard, Signals, Why};
use super::{RankedPaper, SearchError, Searcher};
use crate::index::Calibration;
use crate::lexical::{Terms, matched};
use crate::paper::{PassageKind, UnitVector};

/// What hits are shown against.
pub(super) struct Shown<'s> {
    /// Raw vectors of what is asked: `similarity` is to the nearest of them.
    pub(super) raw: &'s [UnitVector],
    /// The words of what is asked.
    pub(super) terms: &'s Terms,
    /// From what papers are ranked by to a score.
    pub(super) calibration: Calibration,
}

impl Searcher {
    /// A ranked paper, shown.
    pub(super) fn hit(&self, ranked: &RankedPaper, shown: &Shown<'_>) -> Result<Hit, SearchError> {
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
            score: shown.calibration.score(ranked.score),
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
