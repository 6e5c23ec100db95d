//! What is marked in a hit: words as places that do not overlap, and the sentence that comes nearest to what was asked.

use std::ops::Range;

use super::answer::Place;
use super::show::Shown;
use super::{RankedPaper, SearchError, Searcher};
use crate::paper::{Passage, Role, Span, UnitVector, telling_sentences};
use crate::store::PassageNumber;

impl Place {
    /// Of bytes of `text`.
    pub(super) fn of(span: &Range<usize>, text: &str) -> Self {
        let points = |to: usize| text.get(..to).map_or(0, |before| before.chars().count());
        Self { start: points(span.start), end: points(span.end) }
    }
}

/// Sorts `places`, and joins those that overlap.
pub(super) fn in_order(places: &mut Vec<Place>) {
    places.sort_unstable();
    places.dedup_by(|next, last| {
        let overlaps = next.start < last.end;
        if overlaps {
            last.end = last.end.max(next.end);
        }
        overlaps
    });
}

impl Searcher {
    /// The sentence of the passage of `ranked`, whose text is `text`, that is nearest to what was asked, if several have vectors.
    pub(super) fn nearest_sentence(
        &self,
        ranked: &RankedPaper,
        passage: &Passage,
        text: &str,
        shown: &Shown<'_>,
    ) -> Result<Option<Place>, SearchError> {
        let nearness = |raw| self.prior.apply(Role::Passage, passage.language, raw).cosine(&shown.absolute);
        let all = self.embedded_sentences(ranked.passage, text)?;
        let nearest = all.iter().max_by(|(_, one), (_, other)| nearness(one).total_cmp(&nearness(other)));
        Ok(nearest.map(|(span, _)| Place::of(span, text)))
    }

    /// The sentences of a passage that were embedded each by itself, as bytes of its `text`, with their raw vectors.
    pub(super) fn embedded_sentences(
        &self,
        number: PassageNumber,
        text: &str,
    ) -> Result<Vec<(Span, UnitVector)>, SearchError> {
        Ok(telling_sentences(text).into_iter().zip(self.snapshot.sentences(number)?).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_in_order_and_apart() {
        let place = |start, end| Place { start, end };
        let mut places = vec![place(8, 9), place(0, 4), place(2, 6), place(6, 7), place(0, 4)];
        in_order(&mut places);
        assert_eq!(places, [place(0, 6), place(6, 7), place(8, 9)]);
    }

    #[test]
    fn places_count_code_points() {
        let text = "환각 🦙 hallucination";
        let start = text.find('h').unwrap();
        assert_eq!(Place::of(&(start..text.len()), text), Place { start: 5, end: 18 });
    }
}
