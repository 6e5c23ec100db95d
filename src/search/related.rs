//! Papers to related papers, from stored vectors: no paper is encoded again.
//!
//! A paper is represented by the mean of its texts' directions (abstract, each commentary), every text with the same
//! weight however many passages it has: an article of sixteen passages must not outvote the abstract. Several examples
//! are averaged; disliked ones are subtracted at a quarter of the weight (Rocchio 1971, with the weights of Manning,
//! Raghavan and Schütze 2008, section 9.1.1).

use std::collections::BTreeMap;
use std::time::Instant;

use super::{
    Answer, Asked, CentredPassage, Example, Link, RelatedRequest, SearchError, Searcher, Why, choosing,
    milliseconds,
};
use crate::paper::{Mention, Paper, PaperId, UnitVector};
use crate::store::PaperNumber;

/// Against 0.75 for the liked (Manning et al. 2008).
const DISLIKED_WEIGHT: f32 = 0.15 / 0.75;

impl Searcher {
    /// The papers like some examples and unlike others, of those that the filters allow; never an example.
    ///
    /// # Errors
    /// If a paper is unknown or has no vector yet, or a text is empty.
    pub fn related(&self, request: &RelatedRequest) -> Result<Answer, SearchError> {
        let started = Instant::now();
        let RelatedRequest { positive, negative, options } = request;
        options.check()?;
        let liked = self.represent(positive)?;
        let disliked = self.represent(negative)?;
        let Some(towards) = liked.direction()? else { return Err(SearchError::Empty) };
        let asked = match disliked.direction()? {
            None => towards,
            Some(away) => {
                let steered = towards.as_slice().iter().zip(away.as_slice());
                UnitVector::new(steered.map(|(to, away)| to - DISLIKED_WEIGHT * away).collect())?
            }
        };
        let mut allowed = self.allowed(options, &options.filter)?;
        for (number, _) in liked.papers.iter().chain(&disliked.papers) {
            allowed.leave_out(*number);
        }
        let centring = self.live.centring();
        // A text alone is asked as a question is.
        let calibration = if liked.papers.is_empty() { centring.answers } else { centring.related };
        let mut hits = Vec::new();
        let ranked = self.live.rank(&asked, options.candidates(), &|number| allowed.has(number));
        for (ranked, score) in self.shown(ranked, options.limit, calibration, options)? {
            let mut hit = self.hit(ranked, &liked.raw, calibration)?;
            hit.score = score;
            if let Some(paper) = self.snapshot.paper(ranked.paper)? {
                hit.why = self.why_related(ranked.paper, &paper, &liked.papers)?;
            }
            hits.push(hit);
        }
        choosing::sort(&mut hits, options);
        Ok(Answer {
            query: Asked::Examples { positive: positive.clone(), negative: negative.clone() },
            hits,
            total: allowed.total,
            took_ms: milliseconds(started),
            chunks: liked.chunks + disliked.chunks,
        })
    }

    fn represent(&self, examples: &[Example]) -> Result<Examples, SearchError> {
        let mut all = Examples::default();
        for example in examples {
            match example {
                Example::Text { text } => {
                    let asked = self.embed(text)?;
                    all.directions.push(asked.centred);
                    all.raw.push(asked.raw);
                    all.chunks += asked.chunks;
                }
                Example::Paper(id) => {
                    let (number, paper) = self.find(id)?;
                    if all.papers.iter().any(|(known, _)| *known == number) {
                        continue;
                    }
                    all.directions.push(self.direction_of(number, id, &mut all.raw)?);
                    all.papers.push((number, paper));
                }
            }
        }
        Ok(all)
    }

    /// The mean of the directions of a paper's texts; adds its raw vectors to `raw`.
    fn direction_of(
        &self,
        number: PaperNumber,
        id: &PaperId,
        raw: &mut Vec<UnitVector>,
    ) -> Result<UnitVector, SearchError> {
        let mut texts: BTreeMap<_, Vec<UnitVector>> = BTreeMap::new();
        for (_, CentredPassage { passage, raw: stored, vector }) in self.centred_passages(number)? {
            texts.entry((passage.kind, passage.ordinal)).or_default().push(vector);
            raw.push(stored);
        }
        let texts =
            texts.values().map(|vectors| UnitVector::mean_of(vectors)).collect::<Result<Vec<_>, _>>()?;
        if texts.is_empty() {
            return Err(SearchError::NotEmbedded(id.clone()));
        }
        Ok(UnitVector::mean_of(&texts)?)
    }

    fn why_related(
        &self,
        number: PaperNumber,
        paper: &Paper,
        asked: &[(PaperNumber, Paper)],
    ) -> Result<Why, SearchError> {
        let mut why = Why::default();
        for (asked_number, asked_paper) in asked {
            for tag in &paper.tags {
                if asked_paper.tags.contains(tag) && !why.shared_tags.contains(tag) {
                    why.shared_tags.push(tag.clone());
                }
            }
            if self.leads_to(&paper.mentions, *asked_number)? {
                why.mentions.push(Link { from: paper.id.clone(), to: asked_paper.id.clone() });
            }
            if self.leads_to(&asked_paper.mentions, number)? {
                why.mentions.push(Link { from: asked_paper.id.clone(), to: paper.id.clone() });
            }
        }
        Ok(why)
    }

    fn leads_to(&self, mentions: &[Mention], number: PaperNumber) -> Result<bool, SearchError> {
        for mention in mentions {
            if self.snapshot.number_of_mention(mention)? == Some(number) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// What examples stand for.
#[derive(Default)]
struct Examples {
    papers: Vec<(PaperNumber, Paper)>,
    directions: Vec<UnitVector>,
    raw: Vec<UnitVector>,
    chunks: usize,
}

impl Examples {
    fn direction(&self) -> Result<Option<UnitVector>, SearchError> {
        if self.directions.is_empty() { Ok(None) } else { Ok(Some(UnitVector::mean_of(&self.directions)?)) }
    }
}
