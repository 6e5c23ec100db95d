//! Questions to ranked papers.
//!
//! A [`Searcher`] is a snapshot of a library: the truth as of one revision of the store, and the index over it. It never
//! changes; a newer library is a new `Searcher`. The published generation answers for the passages it holds, an exact
//! scan for those that came after it; what the store no longer holds never appears.

mod answer;
mod live;
mod rank;
mod related;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

pub use answer::{Answer, Asked, Example, Hit, Link, Match, PaperCard, Why};
pub use live::IndexState;

use crate::embed::{EncodeError, Encoder};
use crate::index::{Centring, CentringError};
use crate::paper::{Language, Paper, PaperId, Role, UnitVector, VectorError, chunk, identifiers_in, normalise};
use crate::store::{Counts, PaperNumber, Store, StoreError};
use live::Live;
use rank::Ranked;

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
    /// The model could not read the question.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The examples cancel each other out.
    #[error("the positive and negative examples cancel each other out ({0}); leave one out")]
    Cancelled(#[from] VectorError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The means published with the index, or shipped with the model, do not fit.
    #[error(transparent)]
    Centring(#[from] CentringError),
}

/// A snapshot of a library that answers questions.
pub struct Searcher {
    store: Store,
    encoder: Arc<dyn Encoder>,
    live: Live,
}

impl Searcher {
    /// Opens the library at `library` as it is now. `prior` holds the model's language means.
    ///
    /// A damaged or missing index is no error: the exact scan answers instead, and [`Searcher::index_state`] says so.
    ///
    /// # Errors
    /// If the store cannot be read, or was made by another model.
    pub fn open(library: &Path, encoder: Arc<dyn Encoder>, prior: &Centring) -> Result<Self, SearchError> {
        let store = Store::open(library)?;
        store.expect_model(encoder.fingerprint())?;
        let live = Live::open(library, &store, encoder.as_ref(), prior)?;
        Ok(Self { store, encoder, live })
    }

    /// What is in the library.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        self.live.counts()
    }

    /// Whether the published index answers, or why not.
    #[must_use]
    pub fn index_state(&self) -> &IndexState {
        self.live.state()
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

    /// The papers closest to a question.
    ///
    /// A question that names papers by id or URL gets those first. A question over the model's limit is chunked, and
    /// the mean of its chunks is searched; the answer says how many there were.
    ///
    /// # Errors
    /// If the question is empty or the store cannot be read.
    pub fn search(&self, question: &str, limit: usize) -> Result<Answer, SearchError> {
        let started = Instant::now();
        let question = normalise(question);
        let asked = self.embed(&question)?;
        let mut hits = Vec::new();
        for number in self.named_in(&question)? {
            if let Some(ranked) = self.live.best_passage(number, &asked.centred) {
                let why = Why { named: true, ..Why::default() };
                hits.push(self.hit(ranked, std::slice::from_ref(&asked.raw), why)?);
            }
        }
        hits.truncate(limit);
        let named: Vec<PaperNumber> = hits.iter().map(|(number, _)| *number).collect();
        for ranked in self.live.rank(&asked.centred, limit - hits.len(), &named) {
            let mut found = self.hit(ranked, std::slice::from_ref(&asked.raw), Why::default())?;
            found.1.why.shared_tags = tags_in(&found.1.paper.tags, &question);
            hits.push(found);
        }
        Ok(Answer {
            query: Asked::Text(question),
            hits: hits.into_iter().map(|(_, hit)| hit).collect(),
            total: self.live.papers(),
            took_ms: milliseconds(started),
            chunks: asked.chunks,
        })
    }

    fn find(&self, id: &PaperId) -> Result<(PaperNumber, Paper), SearchError> {
        self.store.paper_by_name(id)?.ok_or_else(|| SearchError::Unknown(id.clone()))
    }

    fn named_in(&self, question: &str) -> Result<Vec<PaperNumber>, SearchError> {
        let mut numbers = Vec::new();
        let ids = question.split_whitespace().filter_map(PaperId::parse).chain(identifiers_in(question));
        for id in ids {
            if let Some((number, _)) = self.store.paper_by_name(&id)?
                && !numbers.contains(&number)
            {
                numbers.push(number);
            }
        }
        Ok(numbers)
    }

    /// The vector of a text that is asked: chunked if it is long, then the mean of the chunks.
    fn embed(&self, text: &str) -> Result<AskedVector, SearchError> {
        let spans = chunk(text, self.encoder.token_limit(), |piece| self.encoder.count_tokens(piece));
        let pieces: Vec<&str> = spans.into_iter().map(|span| &text[span]).collect();
        if pieces.is_empty() {
            return Err(SearchError::Empty);
        }
        let vectors = self.encoder.encode(Role::Query, &pieces)?;
        let centred: Vec<UnitVector> = pieces
            .iter()
            .zip(&vectors)
            .map(|(piece, raw)| self.live.centring().apply(Role::Query, Language::of(piece), raw))
            .collect();
        Ok(AskedVector { raw: mean(&vectors)?, centred: mean(&centred)?, chunks: pieces.len() })
    }

    /// A ranked paper, shown. `asked`: the raw vectors it is compared with for `similarity`.
    fn hit(&self, ranked: Ranked, asked: &[UnitVector], why: Why) -> Result<(PaperNumber, Hit), SearchError> {
        let paper = self.store.paper(ranked.paper)?;
        let passage = self.live.passage(ranked.passage);
        let raw = self.store.vector(ranked.passage)?;
        let similarity = asked.iter().map(|asked| asked.cosine(&raw)).fold(-1.0, f32::max);
        let matched = Match {
            passage: passage.kind,
            lang: passage.language,
            text: passage.text(&paper).unwrap_or_default().to_owned(),
            start: passage.start,
            end: passage.end,
            source: paper.commentaries.get(passage.ordinal).map(|note| note.file.clone()),
        };
        let score = self.live.centring().calibration.score(ranked.similarity);
        Ok((ranked.paper, Hit { paper: PaperCard::from(&paper), score, similarity, matched, why }))
    }
}
