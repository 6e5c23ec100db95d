//! The pair of sentences that ties two papers: of all pairs, one of each paper's text, the nearest in meaning.
//!
//! Only the first hits are told, and of each paper only the text that the hit was found by: of an asked paper its passage nearest to
//! the hit's, of the hit the passage that is shown. The vectors of sentences are stored; a passage of one sentence is as near as
//! its whole is.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde::Serialize;
use utoipa::ToSchema;

use super::{Hit, SearchError, Searcher};
use crate::paper::{
    Language, Paper, PaperId, Passage, PassageKind, Role, Span, UnitVector, letters_and_digits,
};
use crate::store::{PaperNumber, PassageNumber};

/// Hits that are told.
const HITS: usize = 10;
/// A sentence with fewer letters and digits is a heading or a scrap, which is near to much and says nothing.
const SHORTEST_SENTENCE: usize = 16;

/// The nearest pair of sentences of two papers.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Tie {
    /// Their cosine, without what languages share.
    pub similarity: f32,
    /// Of a paper that was asked about.
    pub asked: Sentence,
    /// Of the hit.
    pub found: Sentence,
}

/// A sentence of a paper, as a slice of one of its texts.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Sentence {
    /// The paper.
    #[schema(value_type = String, example = "arxiv:2408.15881")]
    pub paper: PaperId,
    /// Which text: `title`, `abstract` or `commentary`.
    #[schema(value_type = String, example = "commentary")]
    pub passage: PassageKind,
    /// Its language.
    #[schema(value_type = String, example = "ko")]
    pub lang: Language,
    /// The sentence.
    pub text: String,
    /// Its first code point in the text (offsets count Unicode code points).
    pub start: usize,
    /// One past its last code point.
    pub end: usize,
}

/// A sentence with its vector.
type Told = (Sentence, UnitVector);

/// A passage of an asked paper.
struct AskedPassage<'p> {
    number: PassageNumber,
    paper: &'p Paper,
    passage: Passage,
    raw: UnitVector,
}

impl Searcher {
    /// Names the tie of the first of `hits`, of which `found` are the passages, to the papers `asked`.
    pub(super) fn tie(
        &self,
        asked: &[(PaperNumber, Paper)],
        hits: &mut [Hit],
        found: &[PassageNumber],
    ) -> Result<(), SearchError> {
        let mut asked_passages = Vec::new();
        for (number, paper) in asked {
            for (at, passage) in self.snapshot.passages_of(*number)? {
                if let Some(raw) = self.snapshot.vector(at)? {
                    asked_passages.push(AskedPassage { number: at, paper, passage, raw });
                }
            }
        }
        // A title is a sentence as well, where there is nothing else.
        if asked_passages.iter().any(|asked| asked.passage.kind != PassageKind::Title) {
            asked_passages.retain(|asked| asked.passage.kind != PassageKind::Title);
        }

        let mut known: HashMap<PassageNumber, Vec<Told>> = HashMap::new();
        for (hit, number) in hits.iter_mut().zip(found).take(HITS) {
            let (Some(raw), Some((_, passage))) =
                (self.snapshot.vector(*number)?, self.snapshot.passage(*number)?)
            else {
                continue;
            };
            let nearness = |asked: &&AskedPassage<'_>| asked.raw.cosine(&raw);
            let nearest = asked_passages.iter().max_by(|a, b| nearness(a).total_cmp(&nearness(b)));
            let Some(nearest) = nearest else { continue };
            let asked_text = nearest.passage.text(nearest.paper).unwrap_or_default();
            let asked = match known.entry(nearest.number) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => {
                    let said = self.sentences_of(
                        nearest.number,
                        &nearest.paper.id,
                        &nearest.passage,
                        asked_text,
                        &nearest.raw,
                    )?;
                    place.insert(said)
                }
            };
            let found = self.sentences_of(*number, &hit.paper.id, &passage, &hit.matched.text, &raw)?;
            let pairs = asked.iter().flat_map(|of| found.iter().map(move |to| (of, to)));
            let nearness = |((_, of), (_, to)): &(&Told, &Told)| of.cosine(to);
            let best = pairs.max_by(|one, other| nearness(one).total_cmp(&nearness(other)));
            hit.why.tie = best.map(|pair| Tie {
                similarity: nearness(&pair),
                asked: pair.0.0.clone(),
                found: pair.1.0.clone(),
            });
        }
        Ok(())
    }

    /// The sentences of a passage that say something, with their centred vectors; all of it, if none does.
    fn sentences_of(
        &self,
        number: PassageNumber,
        paper: &PaperId,
        passage: &Passage,
        text: &str,
        whole: &UnitVector,
    ) -> Result<Vec<Told>, SearchError> {
        let centring = self.live()?.ranker().centring();
        let told = |span: Span, raw: &UnitVector| {
            let start = passage.start + text[..span.start].chars().count();
            let own = &text[span];
            let sentence = Sentence {
                paper: paper.clone(),
                passage: passage.kind,
                lang: Language::of(own),
                text: own.to_owned(),
                start,
                end: start + own.chars().count(),
            };
            (sentence, centring.apply(Role::Passage, passage.language, raw))
        };
        let mut all = self.embedded_sentences(number, text)?;
        all.retain(|(span, _)| letters_and_digits(&text[span.clone()]) >= SHORTEST_SENTENCE);
        if all.is_empty() {
            return Ok(vec![told(0..text.len(), whole)]);
        }
        Ok(all.into_iter().map(|(span, raw)| told(span, &raw)).collect())
    }
}
