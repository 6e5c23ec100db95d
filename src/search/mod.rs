//! Questions to ranked papers.
//!
//! A [`Searcher`] is a snapshot of a library: the truth as of one revision of the store, and the index over it. It never
//! changes; a newer library is a new `Searcher`. The published generation answers for the passages it holds, an exact
//! scan for those that came after it; what the store no longer holds never appears.

mod answer;
mod asked;
mod bonds;
mod chance;
mod choice;
mod column;
mod date_range;
mod evidence;
mod facts;
mod feedback;
mod filter;
mod hubs;
mod known;
mod live;
mod marks;
#[cfg(test)]
mod measure;
mod named;
mod offers;
mod order;
mod paper_set;
mod question;
mod questions;
mod ranker;
mod ranking;
mod related;
mod remark;
mod request;
mod rows;
mod show;
mod tie;
mod words;

use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

pub use answer::{
    Answer, Asked, Example, Hit, InEnglish, Link, Marks, Match, PaperCard, Place, Signals, Why,
};
pub use asked::AskedText;
pub use date_range::DateRange;
pub use facts::{Facet, Facets, Facts, FactsBuilder, Missing};
pub use filter::{Filter, FilterError, Key};
pub use known::ReadIn;
pub use live::IndexState;
pub use order::{by_date, diverse, prefer_recent};
pub use paper_set::PaperSet;
pub use question::{Piece, Question, QuestionTexts};
pub use ranker::{Allow, Ranker};
pub use ranking::{Method, RankedPaper};
pub use related::words_of;
pub use remark::Remark;
pub(crate) use remark::Written as WrittenRemark;
pub use request::{DEFAULT_LIMIT, Floor, Options, RelatedRequest, RequestError, SearchRequest, Sort};
pub use tie::{Sentence, Tie};

use crate::embed::{EncodeError, Encoder};
use crate::index::{Centring, CentringError};
use crate::lexical::LexicalError;
use crate::paper::{Paper, PaperId, VectorError};
use crate::store::{Counts, PaperNumber, Snapshot, Store, StoreError};
use chance::Chance;
use live::Live;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The question has no letters in it.
    #[error("the question is empty; ask something, or name a paper")]
    Empty,
    /// No paper of that name.
    #[error("no paper {0} in this library")]
    Unknown(PaperId),
    /// The paper is there but not embedded yet.
    #[error("{0} has no vector yet; run 'paperkin ingest' to the end")]
    NotEmbedded(PaperId),
    /// The vectors of the library are of another model.
    #[error(
        "the library was made with the model {made_by}, and {running} is running: vectors of two models cannot be \
         compared. Choose the library's model with --model, or change the library over with 'paperkin model use NAME'"
    )]
    OtherModel {
        /// Whose vectors they are.
        made_by: String,
        /// The model at hand.
        running: String,
    },
    /// The store contradicts itself.
    #[error("passage {0} has lost its paper or its vector; run 'paperkin check'")]
    Inconsistent(u32),
    /// A filter or option that means nothing.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The model could not read the question.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The examples cancel each other out.
    #[error("the positive and negative examples cancel each other out ({0}); leave one out")]
    Cancelled(#[from] VectorError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The index of words cannot be read.
    #[error(transparent)]
    Lexical(#[from] LexicalError),
    /// The means published with the index, or shipped with the model, do not fit.
    #[error(transparent)]
    Centring(#[from] CentringError),
}

/// A snapshot of a library that answers questions.
pub struct Searcher {
    snapshot: Snapshot,
    encoder: Arc<dyn Encoder>,
    live: Live,
    /// In its place once the index was found damaged.
    scanned: OnceLock<Live>,
    turn: Mutex<()>,
    /// The model's means as they are shipped.
    prior: Centring,
    chance: Chance,
    /// Read when it is first needed.
    facts: OnceLock<Arc<Facts>>,
}

impl Searcher {
    /// Opens the library at `library` as it is now. `prior` holds the model's language means.
    ///
    /// A damaged or missing index is no error: the exact scan answers instead, and [`Searcher::index_state`] says so. What is read
    /// of it only when it is wanted may be found damaged later; then that answer is made anew.
    ///
    /// # Errors
    /// If the store cannot be read, or was made by another model.
    pub fn open(library: &Path, encoder: Arc<dyn Encoder>, prior: &Centring) -> Result<Self, SearchError> {
        Self::renew(library, encoder, prior, None)
    }

    /// As [`Searcher::open`]; what did not change since `before` (a snapshot of the same library and model) is taken from
    /// there.
    ///
    /// # Errors
    /// As [`Searcher::open`].
    pub fn renew(
        library: &Path,
        encoder: Arc<dyn Encoder>,
        prior: &Centring,
        before: Option<&Self>,
    ) -> Result<Self, SearchError> {
        let snapshot = Store::open(library)?.snapshot()?;
        let made_by = snapshot.meta()?.fingerprint;
        // Empty while there are no vectors: text that waits for any model.
        if !made_by.is_empty() && made_by != encoder.fingerprint() {
            return Err(SearchError::OtherModel { made_by, running: encoder.fingerprint().to_owned() });
        }
        let live =
            Live::open(library, &snapshot, encoder.as_ref(), prior, before.map(|before| &before.live))?;
        let facts = OnceLock::new();
        if let Some(known) = before.filter(|before| before.revision() == live.revision())
            && let Some(known) = known.facts.get()
        {
            let _ = facts.set(Arc::clone(known));
        }
        let chance = Chance::of(live.counts().papers, before.map(|before| &before.chance));
        Ok(Self {
            snapshot,
            encoder,
            live,
            prior: prior.clone(),
            chance,
            facts,
            scanned: OnceLock::new(),
            turn: Mutex::default(),
        })
    }

    /// What is in the library.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        self.live.counts()
    }

    /// Whether the published index answers, or why not.
    #[must_use]
    pub fn index_state(&self) -> IndexState {
        self.live.state()
    }

    /// How many vectors of the published index are of passages that are gone.
    #[must_use]
    pub fn gone_from_index(&self) -> usize {
        self.live.gone()
    }

    /// The revision of the store that this snapshot shows.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.live.revision()
    }

    /// The paper of that name, or of that alias.
    ///
    /// # Errors
    /// If there is none, or the store cannot be read.
    pub fn paper(&self, id: &PaperId) -> Result<Paper, SearchError> {
        Ok(self.find(id)?.1)
    }

    /// What the papers that `filter` allows are about: tags, languages, years, sources, authors.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn facets(&self, filter: &Filter) -> Result<Facets, SearchError> {
        filter.check().map_err(RequestError::from)?;
        let facts = self.facts()?;
        if *filter == Filter::default() {
            return Ok(facts.facets_of_all().clone());
        }
        Ok(facts.facets(&facts.select(filter)))
    }

    /// Reads what filters and pages need, so that the first who asks does not wait for it.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn prepare(&self) -> Result<(), SearchError> {
        let _ = self.facts()?.facets_of_all();
        Ok(())
    }

    /// What answers; once the index was found damaged, a scan of all that is stored.
    fn live(&self) -> Result<&Live, SearchError> {
        if self.live.unusable().is_none() {
            return Ok(&self.live);
        }
        // One builds it, the others wait.
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(scanned) = self.scanned.get() {
            return Ok(scanned);
        }
        let scanned = self.live.without_index(&self.snapshot, self.encoder.as_ref(), &self.prior)?;
        Ok(self.scanned.get_or_init(|| scanned))
    }

    /// What `answer` says; once more where damage was met on the way.
    fn soundly<T>(&self, answer: impl Fn() -> Result<T, SearchError>) -> Result<T, SearchError> {
        let (sound, answered) = (self.live.unusable().is_none(), answer());
        if sound && self.live.unusable().is_some() { answer() } else { answered }
    }

    fn facts(&self) -> Result<&Facts, SearchError> {
        if let Some(facts) = self.facts.get() {
            return Ok(facts);
        }
        // One reads them, the others wait.
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(facts) = self.facts.get() {
            return Ok(facts);
        }
        let facts = Arc::new(Facts::of(&self.snapshot)?);
        Ok(self.facts.get_or_init(|| facts))
    }

    fn find(&self, id: &PaperId) -> Result<(PaperNumber, Paper), SearchError> {
        self.snapshot.paper_by_name(id)?.ok_or_else(|| SearchError::Unknown(id.clone()))
    }
}

/// Since then, in hundredths.
pub(crate) fn milliseconds(since: Instant) -> f64 {
    (since.elapsed().as_secs_f64() * 1e5).round() / 100.0
}
