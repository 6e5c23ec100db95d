//! Papers to related papers, from stored vectors: no paper is encoded again.
//!
//! A paper is represented by the mean of its texts' directions (abstract, each commentary), every text with the same
//! weight however many passages it has: an article of sixteen passages must not outvote the abstract. Several examples
//! are averaged; disliked ones are subtracted at a fifth of the weight (Rocchio 1971, with the weights of Manning,
//! Raghavan and Schütze 2008, section 9.1.1). The words of the liked papers are evidence beside the vectors, and so are links
//! between commentary and paper, and shared tags.

use std::cell::RefCell;
use std::time::Instant;

use super::bonds::Bonds;
use super::choice::Choice;
use super::show::{Shown, Standing};
use super::{
    Answer, Asked, Example, QuestionTexts, RankedPaper, RelatedRequest, RequestError, SearchError, Searcher,
    milliseconds,
};
use crate::lexical::{Matcher, Terms};
use crate::paper::{Language, Paper, Role, UnitVector};
use crate::store::PaperNumber;

/// Against 0.75 for the liked (Manning et al. 2008).
const DISLIKED_WEIGHT: f32 = 0.15 / 0.75;
impl Searcher {
    /// The papers like the positive examples and unlike the negative ones; never one of them.
    ///
    /// # Errors
    /// If a paper is unknown or has no vector yet, a text is empty, or an option means nothing.
    pub fn related(&self, request: &RelatedRequest) -> Result<Answer, SearchError> {
        self.soundly(|| self.relatives(request))
    }

    fn relatives(&self, request: &RelatedRequest) -> Result<Answer, SearchError> {
        let started = Instant::now();
        request.options.check()?;
        let liked = self.represent(&request.positive)?;
        let disliked = self.represent(&request.negative)?;
        let Some(towards) = liked.direction()? else { return Err(SearchError::Empty) };
        let asked = match disliked.direction()? {
            None => towards,
            Some(away) => {
                let steered = towards.as_slice().iter().zip(away.as_slice());
                UnitVector::new(steered.map(|(to, away)| to - DISLIKED_WEIGHT * away).collect())?
            }
        };
        let both = liked.papers.iter().find(|one| disliked.papers.iter().any(|other| one.0 == other.0));
        if let Some((_, paper)) = both {
            return Err(RequestError::LikeAndUnlike(paper.id.clone()).into());
        }
        let named = liked.papers.iter().chain(&disliked.papers).map(|(number, _)| *number);
        let options = &request.options;
        let choice = Choice::of(self, options.filter.clone(), options, named)?;
        let ranker = self.live()?.ranker();
        let bonds = Bonds::of(self, &liked.papers)?;
        let evidence = |number| bonds.weight(number).unwrap_or_default();
        let allow = |paper| choice.allows(paper);
        let terms = Terms::of(&liked.text).without_phrases();
        let mut ranking =
            ranker.related(&asked, &terms, options.candidates(), &allow, &bonds.linked, &evidence)?;
        let excess = match liked.language {
            Some(language) if liked.papers.is_empty() => self.excess(language)?,
            _ => 0.0,
        };
        let shown = Shown {
            excess,
            raw: &liked.raw,
            absolute: UnitVector::mean_of(&liked.absolute)?,
            // Papers are tied by pairs of sentences, where that is wanted.
            tells_sentences: liked.papers.is_empty(),
            words: RefCell::new(Matcher::of(&terms)),
            glosses: None,
            // A text alone is asked as a question is.
            calibration: if liked.papers.is_empty() {
                ranker.centring().answers
            } else {
                ranker.centring().related
            },
        };
        let Standing { anchor, strength } = self.standing(ranking.iter(), &shown)?;
        let score = |ranked: &RankedPaper| shown.calibration.score(ranked.score + anchor);
        let below_floor = liked.papers.is_empty()
            && choice.drop_unanswered(&mut ranking, shown.calibration.score(strength), score);
        let (mut hits, mut passages) = (Vec::new(), Vec::new());
        for (ranked, score) in choice.page(choice.choose(self, ranking, score, 0)?.into_iter()) {
            let gone = || SearchError::Inconsistent(ranked.passage.0);
            let paper = self.snapshot.paper(ranked.paper)?.ok_or_else(gone)?;
            let mut hit = self.hit(&paper, &ranked, score, &shown)?;
            let found = bonds.why(ranked.paper, &paper)?;
            hit.why.shared_tags = found.shared_tags;
            hit.why.mentions = found.mentions;
            hits.push(hit);
            passages.push(ranked.passage);
        }
        if request.sentences {
            self.tie(&liked.papers, &mut hits, &passages)?;
        }
        choice.sort(&mut hits);
        Ok(Answer {
            query: Asked::Examples { positive: request.positive.clone(), negative: request.negative.clone() },
            hits,
            total: choice.total,
            below_floor,
            remarks: choice.remarks(self),
            listed: false,
            took_ms: milliseconds(started),
            chunks: liked.chunks + disliked.chunks,
        })
    }

    fn represent(&self, examples: &[Example]) -> Result<Examples, SearchError> {
        let mut all = Examples::default();
        for example in examples {
            match example {
                Example::Text { text } => {
                    let encoder = self.encoder.as_ref();
                    let question = QuestionTexts::whole(text, encoder).embed(encoder)?;
                    all.language.get_or_insert(question.language());
                    all.directions.push(question.centred(self.live()?.ranker().centring())?);
                    all.absolute.push(question.centred(&self.prior)?);
                    all.raw.push(question.raw()?);
                    all.add_text(text);
                    all.chunks += question.pieces.len();
                }
                Example::Paper(id) => {
                    let (number, paper) = self.find(id)?;
                    if all.papers.iter().any(|(known, _)| *known == number) {
                        continue;
                    }
                    let direction = self.live()?.ranker().direction_of(number);
                    all.directions.push(direction.ok_or_else(|| SearchError::NotEmbedded(id.clone()))?);
                    for (at, passage) in self.snapshot.passages_of(number)? {
                        if let Some(raw) = self.snapshot.vector(at)? {
                            all.absolute.push(self.prior.apply(Role::Passage, passage.language, &raw));
                            all.raw.push(raw);
                        }
                    }
                    all.add_text(&words_of(&paper));
                    all.papers.push((number, paper));
                }
            }
        }
        Ok(all)
    }
}

/// All that a paper's texts say, for their words.
#[must_use]
pub fn words_of(paper: &Paper) -> String {
    let mut all = paper.title.clone();
    let commentaries = paper.commentaries.iter().map(|note| &note.commentary.text);
    for text in paper.abstract_text.iter().chain(commentaries) {
        all.push('\n');
        all.push_str(text);
    }
    all
}

/// What examples stand for.
#[derive(Default)]
struct Examples {
    papers: Vec<(PaperNumber, Paper)>,
    directions: Vec<UnitVector>,
    raw: Vec<UnitVector>,
    /// Centred by the model's own means.
    absolute: Vec<UnitVector>,
    text: String,
    /// Of the first text.
    language: Option<Language>,
    chunks: usize,
}

impl Examples {
    fn direction(&self) -> Result<Option<UnitVector>, SearchError> {
        if self.directions.is_empty() { Ok(None) } else { Ok(Some(UnitVector::mean_of(&self.directions)?)) }
    }

    fn add_text(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }
}
