//! What the address of a list asks for: a question (`q`), filters as the API has them, papers to be like (`related`) and unlike
//! (`unlike`). A page shows the answer, a feed follows it.

use super::address::Said;
use crate::paper::PaperId;
use crate::search::{Answer, Example, Filter, Options, RelatedRequest, SearchRequest};
use crate::server::error::Failure;
use crate::server::extract::named;
use crate::server::routes::options::{self, Pairs};
use crate::server::routes::{Page, related, search};
use crate::server::state::AppState;

/// What is asked.
pub(super) struct Asked {
    /// As the address says it.
    pub(super) said: Said,
    pub(super) question: String,
    pub(super) liked: Vec<PaperId>,
    pub(super) unliked: Vec<PaperId>,
    pub(super) page: Page,
    pub(super) options: Options,
}

impl Asked {
    /// Reads the address of a list; what says nothing is passed over, as a form sends its empty fields too.
    pub(super) fn of(pairs: Pairs) -> Result<Self, Failure> {
        let said = Said::new("/", pairs);
        let ids =
            |name: &str| said.all(name).filter(|id| !id.is_empty()).map(named).collect::<Result<Vec<_>, _>>();
        let (liked, unliked) = (ids("related")?, ids("unlike")?);
        let own = |name: &str| matches!(name, "q" | "related" | "unlike");
        let rest = said.pairs().iter().filter(|(name, value)| !own(name) && !value.is_empty());
        let (_, options::Options { page, options }) = options::Options::of_url(rest.cloned().collect(), &[])?;
        let question = said.first("q").unwrap_or_default().trim().to_owned();
        Ok(Self { question, liked, unliked, page, options, said })
    }

    /// Whether papers say what is wanted.
    pub(super) fn is_steered(&self) -> bool {
        !self.liked.is_empty()
    }

    /// Whether nothing is asked for.
    pub(super) fn is_nothing(&self) -> bool {
        !self.is_steered() && self.question.is_empty() && self.options.filter == Filter::default()
    }

    /// The answer; with `sentences`, what ties papers to those asked about.
    pub(super) async fn answer(&self, state: &AppState, sentences: bool) -> Result<Answer, Failure> {
        let options = self.options.clone();
        if !self.is_steered() {
            // Filters alone list what they allow.
            let text = self.question.clone();
            return search::answer(state, SearchRequest { text, options }, self.page).await;
        }
        let papers = |ids: &[PaperId]| -> Vec<Example> { ids.iter().cloned().map(Example::Paper).collect() };
        let mut positive = papers(&self.liked);
        if !self.question.is_empty() {
            positive.push(Example::Text { text: self.question.clone() });
        }
        let request = RelatedRequest { positive, negative: papers(&self.unliked), options, sentences };
        related::answer(state, request, self.page).await
    }
}
