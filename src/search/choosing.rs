//! Which papers may answer a request, and which of the ranked ones are shown.

use std::sync::{Arc, PoisonError};

use jiff::Zoned;
use jiff::civil::Date;

use super::{
    Facets, Facts, Filter, Floor, Hit, Options, PaperSet, Ranked, SearchError, Searcher, Sort, by_date,
    diverse, prefer_recent,
};
use crate::index::Calibration;
use crate::paper::{Role, UnitVector};
use crate::store::{PaperNumber, PassageNumber, StoreError};

/// Papers that may answer.
pub(super) struct Allowed {
    /// `None`: all.
    selected: Option<PaperSet>,
    left_out: PaperSet,
    /// How many there are.
    pub(super) total: usize,
}

impl Allowed {
    pub(super) fn has(&self, paper: PaperNumber) -> bool {
        self.selected.as_ref().is_none_or(|selected| selected.contains(paper))
            && !self.left_out.contains(paper)
    }

    /// The paper is no answer either.
    pub(super) fn leave_out(&mut self, paper: PaperNumber) {
        if self.has(paper) {
            self.left_out.insert(paper);
            self.total -= 1;
        }
    }
}

/// A ranked paper that may be shown.
struct Candidate {
    ranked: Ranked<PaperNumber>,
    score: f32,
    date: Option<Date>,
    vector: Option<UnitVector>,
}

impl Searcher {
    /// How many papers have which tags, languages, years, sources and authors, of those that `filter` allows.
    ///
    /// # Errors
    /// If the filter can fit no paper, or the store cannot be read.
    pub fn facets(&self, filter: &Filter) -> Result<Facets, SearchError> {
        filter.check().map_err(super::RequestError::from)?;
        let facts = self.facts()?;
        Ok(facts.facets(&facts.select(filter)))
    }

    /// What is known of all papers; gathered when it is first needed.
    pub(super) fn facts(&self) -> Result<Arc<Facts>, StoreError> {
        let mut known = self.facts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(facts) = &*known {
            return Ok(Arc::clone(facts));
        }
        let facts = Arc::new(Facts::of(&self.snapshot)?);
        *known = Some(Arc::clone(&facts));
        Ok(facts)
    }

    /// The papers that may answer: those of the filter but for those that the caller has seen.
    pub(super) fn allowed(&self, options: &Options, filter: &Filter) -> Result<Allowed, SearchError> {
        let selected = if filter.is_empty() { None } else { Some(self.facts()?.select(filter)) };
        let total = selected.as_ref().map_or(self.live.papers(), PaperSet::len);
        let mut allowed = Allowed { selected, left_out: PaperSet::default(), total };
        for id in &options.exclude {
            // One that is gone cannot be shown either.
            if let Some((number, _)) = self.snapshot.paper_by_name(id)? {
                allowed.leave_out(number);
            }
        }
        Ok(allowed)
    }

    /// The `limit` papers to show, with their scores, of candidates that [`Options::candidates`] counts.
    pub(super) fn shown(
        &self,
        ranked: Vec<Ranked<PaperNumber>>,
        limit: usize,
        calibration: Calibration,
        options: &Options,
    ) -> Result<Vec<(Ranked<PaperNumber>, f32)>, SearchError> {
        let floor = match options.floor {
            Floor::At(floor) => floor,
            Floor::Default | Floor::None => f32::MIN,
        };
        let facts = options.recency.map(|_| self.facts()).transpose()?;
        let mut candidates = Vec::with_capacity(ranked.len());
        for ranked in ranked {
            let score = calibration.score(ranked.similarity);
            if score < floor {
                continue;
            }
            let date = facts.as_ref().and_then(|facts| facts.date_of(ranked.paper));
            let vector = options.diversity.map(|_| self.vector_of(ranked.passage)).transpose()?.flatten();
            candidates.push(Candidate { ranked, score, date, vector });
        }
        if let Some(half_life) = options.recency {
            let today = Zoned::now().date();
            prefer_recent(
                &mut candidates,
                today,
                half_life,
                |one| one.date,
                |one| one.score,
                |one, score| one.score = score,
            );
        }
        match options.diversity {
            None => candidates.truncate(limit),
            Some(diversity) => {
                let similarity = |left: &Candidate, right: &Candidate| {
                    Some(left.vector.as_ref()?.cosine(right.vector.as_ref()?))
                };
                candidates = diverse(candidates, limit, diversity, |one| one.score, similarity);
            }
        }
        Ok(candidates.into_iter().map(|one| (one.ranked, one.score)).collect())
    }

    fn vector_of(&self, passage: u32) -> Result<Option<UnitVector>, StoreError> {
        let number = PassageNumber(passage);
        let (Some((_, passage)), Some(raw)) = (self.snapshot.passage(number)?, self.snapshot.vector(number)?)
        else {
            return Ok(None);
        };
        Ok(Some(self.live.centring().apply(Role::Passage, passage.language, &raw)))
    }
}

/// Orders what is shown as it was asked for.
pub(super) fn sort(hits: &mut [Hit], options: &Options) {
    match options.sort {
        Sort::Score => {}
        Sort::Date => by_date(hits, |hit| hit.paper.date, |hit| hit.score),
    }
}
