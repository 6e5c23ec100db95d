//! Questions to answers.

use std::time::Instant;

use super::show::Shown;
use super::{Answer, Asked, Method, Question, RankedPaper, SearchError, Searcher, milliseconds};
use crate::lexical::Terms;
use crate::paper::{normalise, normalised_title};

impl Searcher {
    /// The papers closest to a question.
    ///
    /// A question that names papers by id, URL or title gets those first. A question over the model's limit is chunked, and
    /// the mean of its chunks is searched; the answer says how many there were.
    ///
    /// # Errors
    /// If the question is empty or the store cannot be read.
    pub fn search(&self, text: &str, limit: usize) -> Result<Answer, SearchError> {
        let started = Instant::now();
        let text = normalise(text);
        let question = Question::embed(&text, self.encoder.as_ref())?;
        let raw = question.raw()?;
        let named = self.named_in(&text)?;
        let ranker = self.live.ranker();
        let first = ranker.rank(&question, Method::Shipped, named.len(), &|paper| named.contains(&paper))?;
        let mut first: Vec<RankedPaper> = first;
        first.sort_by_key(|ranked| named.iter().position(|paper| *paper == ranked.paper));
        let rest = ranker.rank(&question, Method::Shipped, limit.saturating_sub(first.len()), &|paper| {
            !named.contains(&paper)
        })?;
        let terms = Terms::of(&text);
        let shown = Shown { raw: std::slice::from_ref(&raw), terms: &terms, calibration: ranker.centring().answers };
        let mut hits = Vec::new();
        for (ranked, is_named) in first.iter().take(limit).map(|ranked| (ranked, true)).chain(rest.iter().map(|ranked| (ranked, false))) {
            let mut hit = self.hit(ranked, &shown)?;
            hit.why.named = is_named;
            hit.why.shared_tags = tags_in(&hit.paper.tags, &text);
            hits.push(hit);
        }
        Ok(Answer {
            query: Asked::Text(text),
            hits,
            total: self.live.counts().papers as usize,
            took_ms: milliseconds(started),
            chunks: question.pieces.len(),
        })
    }
}

/// The tags that the question says, in its own words.
fn tags_in(tags: &[String], question: &str) -> Vec<String> {
    let question = normalised_title(question);
    tags.iter().filter(|tag| question.contains(&normalised_title(tag))).cloned().collect()
}
