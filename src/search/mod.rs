//! Questions to ranked papers.
//!
//! A [`Searcher`] is a snapshot of a library: the truth as of one revision of the store, and the index over it. It never
//! changes; a newer library is a new `Searcher`. The published generation answers for the passages it holds, an exact
//! scan for those that came after it; what the store no longer holds never appears.

mod answer;
mod asked;
mod choosing;
mod column;
mod date_range;
mod facts;
mod filter;
mod live;
mod order;
mod paper_set;
mod rank;
mod related;
mod request;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

pub use answer::{Answer, Asked, Example, Hit, Link, Match, PaperCard, Why};
pub use asked::AskedText;
pub use date_range::DateRange;
pub use facts::{Facet, Facets, Facts, FactsBuilder};
pub use filter::{Filter, FilterError, Key};
pub use live::IndexState;
pub use order::{by_date, diverse, prefer_recent};
pub use paper_set::PaperSet;
pub use rank::{Ranked, by_paper};
pub use request::{DEFAULT_LIMIT, Floor, Options, RelatedRequest, RequestError, SearchRequest, Sort};

use crate::embed::{EncodeError, Encoder};
use crate::index::{Calibration, Centring, CentringError};
use crate::paper::{
    Language, Paper, PaperId, Passage, PassageKind, Role, UnitVector, VectorError, chunk, identifiers_in,
    normalise, normalised_title,
};
use crate::store::{Counts, PaperNumber, PassageNumber, Snapshot, Store, StoreError};
use live::Live;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The question has no letters in it.
    #[error("the question is empty; ask something, or name a paper")]
    Empty,
    /// What is asked means nothing.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// No paper of that name.
    #[error("no paper {0} in this library")]
    Unknown(PaperId),
    /// The paper is there but not embedded yet.
    #[error("{0} has no vector yet; run 'paperkin ingest' to the end")]
    NotEmbedded(PaperId),
    /// The vectors of the library are of another model.
    #[error(
        "the library was made with the model {made_by}, and {running} is running: vectors of two models cannot be \
         compared. Choose the library's model with --model, or make a new library with --library DIR"
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
    snapshot: Snapshot,
    encoder: Arc<dyn Encoder>,
    live: Live,
    facts: Mutex<Option<Arc<Facts>>>,
}

impl Searcher {
    /// Opens the library at `library` as it is now. `prior` holds the model's language means.
    ///
    /// A damaged or missing index is no error: the exact scan answers instead, and [`Searcher::index_state`] says so.
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
        let same = before.filter(|before| before.revision() == live.revision());
        let facts =
            same.and_then(|before| before.facts.lock().unwrap_or_else(PoisonError::into_inner).clone());
        Ok(Self { snapshot, encoder, live, facts: Mutex::new(facts) })
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

    /// The papers closest to a question, of those that its filters allow.
    ///
    /// A question that names papers by id or URL gets those first. A question over the model's limit is chunked, and
    /// the mean of its chunks is searched; the answer says how many there were.
    ///
    /// # Errors
    /// If the question is empty, a filter can fit no paper, or the store cannot be read.
    pub fn search(&self, request: &SearchRequest) -> Result<Answer, SearchError> {
        let started = Instant::now();
        let options = &request.options;
        options.check()?;
        let typed = normalise(&request.text);
        let AskedText { text: question, filter } = AskedText::parse(&typed).map_err(RequestError::from)?;
        let filter = filter.joined(options.filter.clone());
        filter.check().map_err(RequestError::from)?;
        let mut allowed = self.allowed(options, &filter)?;
        let total = allowed.total;
        let asked = self.embed(&question)?;
        let raw = std::slice::from_ref(&asked.raw);
        let calibration = self.live.centring().answers;
        let mut named = self.named_in(&question)?;
        named.retain(|number| allowed.has(*number));
        let mut hits = Vec::new();
        for number in named.iter().take(options.limit) {
            allowed.leave_out(*number);
            if let Some(ranked) = self.best_passage(*number, &asked.centred)? {
                let mut hit = self.hit(ranked, raw, calibration)?;
                hit.why.named = true;
                hits.push(hit);
            }
        }
        let ranked = self.live.rank(&asked.centred, options.candidates(), &|number| allowed.has(number));
        let left = options.limit.saturating_sub(hits.len());
        for (ranked, score) in self.shown(ranked, left, calibration, options)? {
            let mut hit = self.hit(ranked, raw, calibration)?;
            hit.score = score;
            hit.why.shared_tags = tags_in(&hit.paper.tags, &question);
            hits.push(hit);
        }
        choosing::sort(&mut hits, options);
        Ok(Answer {
            query: Asked::Text(typed),
            hits,
            total,
            took_ms: milliseconds(started),
            chunks: asked.chunks,
        })
    }

    fn find(&self, id: &PaperId) -> Result<(PaperNumber, Paper), SearchError> {
        self.snapshot.paper_by_name(id)?.ok_or_else(|| SearchError::Unknown(id.clone()))
    }

    /// The papers of the library that `question` names by id or URL, in order.
    fn named_in(&self, question: &str) -> Result<Vec<PaperNumber>, SearchError> {
        let mut numbers = Vec::new();
        let ids = question.split_whitespace().filter_map(PaperId::parse).chain(identifiers_in(question));
        for id in ids {
            if let Some((number, _)) = self.snapshot.paper_by_name(&id)?
                && !numbers.contains(&number)
            {
                numbers.push(number);
            }
        }
        Ok(numbers)
    }

    /// The passage of one paper that is closest to what is asked; `None` if none has a vector yet.
    fn best_passage(
        &self,
        paper: PaperNumber,
        asked: &UnitVector,
    ) -> Result<Option<Ranked<PaperNumber>>, SearchError> {
        let mut best: Option<Ranked<PaperNumber>> = None;
        for (passage, centred) in self.centred_passages(paper)? {
            let similarity = centred.vector.cosine(asked);
            if best.is_none_or(|best| similarity > best.similarity) {
                best = Some(Ranked { paper, passage, similarity });
            }
        }
        Ok(best)
    }

    /// The passages of a paper that have a vector.
    fn centred_passages(&self, paper: PaperNumber) -> Result<Vec<(u32, CentredPassage)>, SearchError> {
        let mut centred = Vec::new();
        for (number, passage) in self.snapshot.passages_of(paper)? {
            if let Some(raw) = self.snapshot.vector(number)? {
                let vector = self.live.centring().apply(Role::Passage, passage.language, &raw);
                centred.push((number.0, CentredPassage { passage, raw, vector }));
            }
        }
        Ok(centred)
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
        Ok(AskedVector {
            raw: UnitVector::mean_of(&vectors)?,
            centred: UnitVector::mean_of(&centred)?,
            chunks: pieces.len(),
        })
    }

    /// A ranked paper, shown. `asked`: the raw vectors that `similarity` is the nearest of.
    fn hit(
        &self,
        ranked: Ranked<PaperNumber>,
        asked: &[UnitVector],
        calibration: Calibration,
    ) -> Result<Hit, SearchError> {
        let gone = || SearchError::Inconsistent(ranked.passage);
        let number = PassageNumber(ranked.passage);
        let (_, passage) = self.snapshot.passage(number)?.ok_or_else(gone)?;
        let paper = self.snapshot.paper(ranked.paper)?.ok_or_else(gone)?;
        let raw = self.snapshot.vector(number)?.ok_or_else(gone)?;
        let source = match passage.kind {
            PassageKind::Commentary => paper.commentaries.get(passage.ordinal).map(|note| note.file.clone()),
            PassageKind::Title | PassageKind::Abstract => None,
        };
        Ok(Hit {
            score: calibration.score(ranked.similarity),
            similarity: asked.iter().map(|asked| asked.cosine(&raw)).fold(-1.0, f32::max),
            matched: Match {
                passage: passage.kind,
                lang: passage.language,
                text: passage.text(&paper).ok_or_else(gone)?.to_owned(),
                start: passage.start,
                end: passage.end,
                source,
            },
            paper: PaperCard::from(&paper),
            why: Why::default(),
        })
    }
}

/// A text that was asked, as vectors.
struct AskedVector {
    raw: UnitVector,
    centred: UnitVector,
    chunks: usize,
}

/// A stored passage with its vector, raw and centred.
struct CentredPassage {
    passage: Passage,
    raw: UnitVector,
    vector: UnitVector,
}

/// The tags that the question says, in its own words.
fn tags_in(tags: &[String], question: &str) -> Vec<String> {
    let question = normalised_title(question);
    tags.iter().filter(|tag| question.contains(&normalised_title(tag))).cloned().collect()
}

fn milliseconds(since: Instant) -> f64 {
    (since.elapsed().as_secs_f64() * 1e5).round() / 100.0
}
