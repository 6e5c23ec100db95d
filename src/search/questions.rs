//! Questions to answers.

use std::cell::RefCell;
use std::collections::HashSet;
use std::time::Instant;

use super::asked::is_typed;
use super::choice::Choice;
use super::named::Named;
use super::show::{Shown, Standing};
use super::{
    Answer, Asked, AskedText, Floor, Method, QuestionTexts, RankedPaper, Remark, RequestError, SearchError,
    SearchRequest, Searcher, milliseconds,
};
use crate::lexical::{Matcher, Terms};
use crate::paper::{folded_title, normalise, normalised_title};
use crate::store::PaperNumber;

/// Where the paper of a title stands if a title was asked: all its words are in it.
const TITLED: usize = 10;
impl Searcher {
    /// The papers that answer a question.
    ///
    /// A question that names papers by id, URL or title gets those first. What stands in quotes must stand so in a paper, if
    /// it does in any; what has a minus before it stands in no answer. A question over the model's limit is chunked, and the
    /// mean of its chunks is searched; the answer says how many there were. Operators alone (`tag:moe year:2024`) list the
    /// papers they allow, the newest first, and names alone the papers they name.
    ///
    /// # Errors
    /// If the question is empty, an operator or option means nothing, or the store cannot be read.
    pub fn search(&self, request: &SearchRequest) -> Result<Answer, SearchError> {
        self.soundly(|| self.answered(request))
    }

    fn answered(&self, request: &SearchRequest) -> Result<Answer, SearchError> {
        let started = Instant::now();
        request.options.check()?;
        let typed = normalise(&request.text);
        let asked = AskedText::parse(&typed).map_err(RequestError::from)?;
        let text = asked.text;
        let never = self.with_any(&asked.without)?;
        let leaves_out = !never.is_empty();
        let filter = asked.filter.joined(request.options.filter.clone());
        let choice = Choice::of(self, filter, &request.options, never)?;
        let mut remarks = choice.remarks(self);
        remarks.extend(asked.without_value.into_iter().map(Remark::NoValue));
        if !text.chars().any(char::is_alphanumeric) && (leaves_out || choice.is_filtered()) {
            return self.list(typed, &choice, remarks, started);
        }
        if Terms::of(&text).is_empty() && !text.chars().any(char::is_alphanumeric) {
            return Err(SearchError::Empty);
        }
        let question = QuestionTexts::of(&text, self.encoder.as_ref()).embed(self.encoder.as_ref())?;
        let ranker = self.live()?.ranker();
        let terms = terms_of(&text);
        let phrased = self.with_phrases(&terms, &choice)?;
        if terms.phrases().next().is_some() && phrased.is_none() && choice.total > 0 {
            remarks.push(Remark::PhrasesNotFound(terms.phrases().map(str::to_owned).collect()));
        }
        let allow = |paper: PaperNumber| {
            choice.allows(paper) && phrased.as_ref().is_none_or(|with| with.contains(&paper))
        };
        let Named { papers: mut named, unknown, is_all } = self.named_in(&text)?;
        remarks.extend(unknown.into_iter().map(Remark::NotInLibrary));
        named.retain(|paper| choice.allows(*paper));
        let mut ranking =
            ranker.rank(&question, Method::Shipped, request.options.candidates(), &|paper| {
                allow(paper) && !named.contains(&paper)
            })?;
        let mut first =
            ranker.rank(&question, Method::Shipped, named.len(), &|paper| named.contains(&paper))?;
        first.sort_by_key(|ranked| named.iter().position(|paper| *paper == ranked.paper));
        self.move_titled(&text, &mut ranking, &mut first)?;

        let raw = question.raw()?;
        let shown = Shown {
            raw: std::slice::from_ref(&raw),
            absolute: question.centred(&self.prior)?,
            tells_sentences: true,
            words: RefCell::new(Matcher::of(&terms)),
            glosses: Some((&question.glosses, &text)),
            calibration: ranker.centring().answers,
            excess: self.excess(question.language())?,
        };
        let Standing { anchor, strength } = self.standing(ranking.iter().chain(&first), &shown)?;
        let score = |ranked: &RankedPaper| shown.calibration.score(ranked.score + anchor);
        // The letters of an id are like nothing.
        if is_all && request.options.floor != Floor::None {
            ranking.clear();
        }
        // Who names a paper is not asking whether there is one.
        let below_floor = first.is_empty()
            && choice.drop_unanswered(&mut ranking, shown.calibration.score(strength), score);
        let rest = choice.choose(self, ranking, score, first.len())?;
        let mut hits = Vec::new();
        let named = first.into_iter().map(|ranked| (ranked, None));
        let rest = rest.into_iter().map(|(ranked, score)| (ranked, Some(score)));
        for (ranked, score) in choice.page(named.chain(rest)) {
            let is_named = score.is_none();
            let score = score.unwrap_or(1.0);
            let gone = || SearchError::Inconsistent(ranked.passage.0);
            let paper = self.snapshot.paper(ranked.paper)?.ok_or_else(gone)?;
            let mut hit = self.hit(&paper, &ranked, score, &shown)?;
            hit.why.named = is_named;
            hit.why.shared_tags = tags_in(&hit.paper.tags, &text);
            hits.push(hit);
        }
        choice.sort(&mut hits);
        Ok(Answer {
            query: Asked::Text(typed),
            hits,
            total: choice.total,
            below_floor,
            remarks,
            listed: false,
            took_ms: milliseconds(started),
            chunks: question.pieces.len(),
        })
    }

    /// The papers that the operators allow, the newest first.
    fn list(
        &self,
        typed: String,
        choice: &Choice,
        remarks: Vec<Remark>,
        started: Instant,
    ) -> Result<Answer, SearchError> {
        let facts = self.facts()?;
        let mut papers: Vec<PaperNumber> = choice.papers(facts);
        papers.sort_by(|left, right| facts.date_of(*right).cmp(&facts.date_of(*left)).then(left.cmp(right)));
        let mut hits = Vec::new();
        for paper in choice.page(papers.into_iter()) {
            hits.extend(self.listed(paper)?);
        }
        Ok(Answer {
            query: Asked::Text(typed),
            hits,
            total: choice.total,
            below_floor: false,
            remarks,
            listed: true,
            took_ms: milliseconds(started),
            chunks: 0,
        })
    }

    /// The papers that hold any of these words or phrases.
    fn with_any(&self, phrases: &[String]) -> Result<HashSet<PaperNumber>, SearchError> {
        let mut with = HashSet::new();
        for phrase in phrases {
            with.extend(self.live()?.ranker().with_words(&Terms::exactly(phrase), &|_| true)?);
        }
        Ok(with)
    }

    /// The papers that hold every quoted phrase; `None` if nothing is quoted, or no paper holds it.
    fn with_phrases(
        &self,
        terms: &Terms,
        choice: &Choice,
    ) -> Result<Option<HashSet<PaperNumber>>, SearchError> {
        if terms.phrases().next().is_none() {
            return Ok(None);
        }
        let with = self.live()?.ranker().with_words(terms, &|paper| choice.allows(paper))?;
        Ok((!with.is_empty()).then_some(with))
    }

    /// A paper whose title is what was asked comes first.
    fn move_titled(
        &self,
        text: &str,
        ranking: &mut Vec<RankedPaper>,
        first: &mut Vec<RankedPaper>,
    ) -> Result<(), SearchError> {
        let asked = folded_title(text);
        if asked.is_empty() {
            return Ok(());
        }
        let mut titled = Vec::new();
        for (at, ranked) in ranking.iter().enumerate().take(TITLED) {
            let paper = self.snapshot.paper(ranked.paper)?;
            if paper.is_some_and(|paper| folded_title(&paper.title) == asked) {
                titled.push(at);
            }
        }
        for at in titled.into_iter().rev() {
            first.insert(0, ranking.remove(at));
        }
        Ok(())
    }
}

/// The words of a question; quotes count only in what a person typed.
pub(super) fn terms_of(text: &str) -> Terms {
    let terms = Terms::of(text);
    if is_typed(text) { terms } else { terms.without_phrases() }
}

/// The tags that the question says, in its own words.
fn tags_in(tags: &[String], question: &str) -> Vec<String> {
    let question = normalised_title(question);
    tags.iter().filter(|tag| question.contains(&normalised_title(tag))).cloned().collect()
}
