//! The pair of sentences that ties two papers: of all pairs, one of each paper's text, the nearest in meaning.
//!
//! Sentences have no stored vectors; they are embedded when somebody asks why. So only the first hits are told, and of each
//! paper only the text that the hit was found by: of an asked paper its passage nearest to the hit's, of the hit the passage
//! that is shown.

use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::{Hit, SearchError, Searcher};
use crate::paper::{
    Language, Paper, PaperId, Passage, PassageKind, Role, UnitVector, letters_and_digits, sentences,
};
use crate::store::{PaperNumber, PassageNumber};

/// Hits that are told; about 3,000 tokens in all.
const HITS: usize = 10;
/// Sentences of one passage that are looked at.
const MOST_SENTENCES: usize = 16;
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

        let mut all: Vec<Sentence> = Vec::new();
        let mut of_passage: HashMap<PassageNumber, std::ops::Range<usize>> = HashMap::new();
        let mut pairs = Vec::new();
        for (hit, number) in hits.iter_mut().zip(found).take(HITS) {
            let (Some(raw), Some((_, passage))) =
                (self.snapshot.vector(*number)?, self.snapshot.passage(*number)?)
            else {
                continue;
            };
            let nearness = |asked: &&AskedPassage<'_>| asked.raw.cosine(&raw);
            let nearest = asked_passages.iter().max_by(|a, b| nearness(a).total_cmp(&nearness(b)));
            let Some(nearest) = nearest else { continue };
            let mut add = |number: PassageNumber, paper: &PaperId, passage: &Passage, text: &str| {
                let known = of_passage.entry(number).or_insert_with(|| {
                    let first = all.len();
                    all.extend(sentences_of(paper, passage, text));
                    first..all.len()
                });
                known.clone()
            };
            let asked_text = nearest.passage.text(nearest.paper).unwrap_or_default();
            let asked = add(nearest.number, &nearest.paper.id, &nearest.passage, asked_text);
            let found = add(*number, &hit.paper.id, &passage, &hit.matched.text);
            pairs.push((&mut hit.why, asked, found));
        }
        let texts: Vec<&str> = all.iter().map(|sentence| sentence.text.as_str()).collect();
        let centring = self.live()?.ranker().centring();
        let vectors: Vec<UnitVector> = self
            .encoder
            .encode_both(&texts)?
            .iter()
            .zip(&all)
            .map(|(raw, sentence)| centring.apply(Role::Passage, sentence.lang, raw))
            .collect();
        for (why, asked, found) in pairs {
            let candidates = asked.flat_map(|of| found.clone().map(move |to| (of, to)));
            let similarity = |(of, to): (usize, usize)| vectors[of].cosine(&vectors[to]);
            let best = candidates.max_by(|a, b| similarity(*a).total_cmp(&similarity(*b)));
            why.tie = best.map(|(of, to)| Tie {
                similarity: similarity((of, to)),
                asked: all[of].clone(),
                found: all[to].clone(),
            });
        }
        Ok(())
    }
}

/// The sentences of a passage that say something; all of it, if none does.
fn sentences_of(paper: &PaperId, passage: &Passage, text: &str) -> Vec<Sentence> {
    let spans = sentences(text);
    let mut kept: Vec<_> = spans
        .into_iter()
        .filter(|span| letters_and_digits(&text[span.clone()]) >= SHORTEST_SENTENCE)
        .take(MOST_SENTENCES)
        .collect();
    if kept.is_empty() {
        kept.push(0..text.len());
    }
    let sentence = |span: std::ops::Range<usize>| {
        let start = passage.start + text[..span.start].chars().count();
        let own = &text[span];
        Sentence {
            paper: paper.clone(),
            passage: passage.kind,
            lang: Language::of(own),
            text: own.to_owned(),
            start,
            end: start + own.chars().count(),
        }
    };
    kept.into_iter().map(sentence).collect()
}
