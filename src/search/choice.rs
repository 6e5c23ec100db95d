//! Which of the ranked papers are shown, and in which order: filter, what the caller has seen, floor, dates, diversity.

use std::collections::HashSet;

use super::facts::Missing;
use super::filter::Filter;
use super::order::{by_date, diverse, prefer_recent};
use super::paper_set::PaperSet;
use super::request::{Floor, Options, Sort};
use super::{Facts, Hit, RankedPaper, Remark, RequestError, SearchError, Searcher};
use crate::store::PaperNumber;

/// Below it nothing answers: a little under where the best are as likely related to the question as not. Of 200 questions of random
/// words and other domains at most 5 % get over it, of what people ask of papers nearly all do (`tests/seeds.rs`, README).
const DEFAULT_FLOOR: f32 = 0.485;

/// What is below is told as 0 %, and no answer either.
const LEAST: f32 = 0.005;

/// Of the score of the best: papers below it are not preferred for being new.
const ANSWERING: f32 = 0.5;

/// What a request's options come to in one library.
pub(super) struct Choice {
    /// Papers that may answer.
    pub(super) total: usize,
    allowed: Option<PaperSet>,
    excluded: HashSet<PaperNumber>,
    /// What was asked for and no paper has.
    missing: Vec<Missing>,
    options: Options,
}

/// A paper that may be shown.
struct Preferred {
    ranked: RankedPaper,
    score: f32,
    /// The score, less for age.
    worth: f32,
}

impl Choice {
    /// `never`: papers that cannot be the answer, such as those that are asked about.
    pub(super) fn of(
        searcher: &Searcher,
        filter: Filter,
        options: &Options,
        never: impl IntoIterator<Item = PaperNumber>,
    ) -> Result<Self, SearchError> {
        filter.check().map_err(RequestError::from)?;
        let (mut allowed, mut missing) = (None, Vec::new());
        if !filter.is_empty() {
            let facts = searcher.facts()?;
            (allowed, missing) = (Some(facts.select(&filter)), facts.missing(&filter));
        }
        let mut excluded: HashSet<PaperNumber> = never.into_iter().collect();
        for id in &options.exclude {
            // What the caller has seen elsewhere need not be here.
            excluded.extend(searcher.snapshot.paper_by_name(id)?.map(|(number, _)| number));
        }
        let total = match &allowed {
            Some(allowed) => allowed.iter().filter(|paper| !excluded.contains(paper)).count(),
            None => (searcher.live.counts().papers as usize).saturating_sub(excluded.len()),
        };
        Ok(Self { total, allowed, excluded, missing, options: options.clone() })
    }

    pub(super) fn is_filtered(&self) -> bool {
        self.allowed.is_some()
    }

    pub(super) fn allows(&self, paper: PaperNumber) -> bool {
        !self.excluded.contains(&paper) && self.allowed.as_ref().is_none_or(|allowed| allowed.contains(paper))
    }

    /// All papers that may answer.
    pub(super) fn papers(&self, facts: &Facts) -> Vec<PaperNumber> {
        let every = self.allowed.is_none().then(|| facts.select(&Filter::default()));
        let allowed = self.allowed.iter().chain(&every).flat_map(PaperSet::iter);
        allowed.filter(|paper| !self.excluded.contains(paper)).collect()
    }

    /// What there is to say where no paper may answer, or none has what was asked for.
    pub(super) fn remarks(&self, searcher: &Searcher) -> Vec<Remark> {
        let remark = match (searcher.live.counts().papers, self.total) {
            (0, _) => Some(Remark::EmptyLibrary),
            (_, 0) => Some(Remark::NoPaperLeft),
            _ => None,
        };
        let missing = self.missing.iter().cloned().map(Remark::Missing);
        remark.into_iter().chain(missing).collect()
    }

    /// Drops from a ranking what does not answer by its `score`: all where even the `best` do not, of which it says whether it is so.
    /// Who filters has chosen, and sees what there is.
    pub(super) fn drop_unanswered(
        &self,
        ranking: &mut Vec<RankedPaper>,
        best: f32,
        score: impl Fn(&RankedPaper) -> f32,
    ) -> bool {
        if self.options.floor != Floor::Default || self.is_filtered() || ranking.is_empty() {
            return false;
        }
        let answered = best >= DEFAULT_FLOOR;
        ranking.retain(|ranked| answered && score(ranked) >= LEAST);
        !answered
    }

    /// The hits among `ranking` in the order in which they are preferred, with their scores, from the first to the last that is shown;
    /// `taken` places are given away already.
    pub(super) fn choose(
        &self,
        searcher: &Searcher,
        ranking: Vec<RankedPaper>,
        score: impl Fn(&RankedPaper) -> f32,
        taken: usize,
    ) -> Result<Vec<(RankedPaper, f32)>, SearchError> {
        let limit = self.options.last().saturating_sub(taken);
        let worth = |ranked: RankedPaper| {
            let score = score(&ranked);
            Preferred { ranked, score, worth: score }
        };
        let mut preferred: Vec<Preferred> = ranking.into_iter().map(worth).collect();
        if let Floor::At(floor) = self.options.floor {
            preferred.retain(|one| one.score >= floor);
        }
        if let Some(half_life) = self.options.recency {
            let facts = searcher.facts()?;
            let today = jiff::Zoned::now().date();
            // What hardly answers does not come first by being new.
            let best = preferred.first().map_or(0.0, |one| one.score);
            let answering = preferred.partition_point(|one| one.score >= best * ANSWERING);
            prefer_recent(
                preferred.get_mut(..answering).unwrap_or_default(),
                today,
                half_life,
                |one| facts.date_of(one.ranked.paper),
                |one| one.worth,
                |one, worth| one.worth = worth,
            );
        }
        if let Some(diversity) = self.options.diversity {
            let ranker = searcher.live()?.ranker();
            let similarity = |left: &Preferred, right: &Preferred| {
                let direction = |one: &Preferred| ranker.direction_of(one.ranked.paper);
                Some(ranker.centring().related.score(direction(left)?.cosine(&direction(right)?)))
            };
            preferred = diverse(preferred, limit, diversity, |one| one.worth, similarity);
        }
        preferred.truncate(limit);
        Ok(preferred.into_iter().map(|one| (one.ranked, one.score)).collect())
    }

    /// The places that are shown, of the first ones.
    pub(super) fn page<T>(&self, first: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
        first.skip(self.options.offset).take(self.options.limit)
    }

    /// Puts what is shown into the order asked for.
    pub(super) fn sort(&self, hits: &mut [Hit]) {
        if self.options.sort == Sort::Date {
            by_date(hits, |hit| hit.paper.date, |hit| hit.score);
        }
    }
}
