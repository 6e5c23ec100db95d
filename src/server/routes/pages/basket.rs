//! `/basket`: the papers that its address names, to be taken away in any format. Which those are a browser remembers, nobody else.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::address::address;
use super::view::{About, LinkView, links_of};
use super::words::Words;
use super::{Frame, Here, shown};
use crate::export::citation;
use crate::paper::{Paper, PaperId};
use crate::search::SearchError;
use crate::server::error::Failure;
use crate::server::extract::Query;
use crate::server::routes::export::MOST_NAMED;
use crate::server::routes::options::Pairs;
use crate::server::state::AppState;

#[derive(Template)]
#[template(path = "basket.html", config = "src/server/page/askama.toml")]
struct BasketPage {
    frame: Frame,
    kept: Vec<KeptView>,
    exports: Vec<(&'static str, String)>,
}

/// A paper that was kept.
struct KeptView {
    about: About,
    date: Option<String>,
    citation: String,
    links: Vec<LinkView>,
}

/// `/basket`
pub(super) async fn page(
    State(state): State<AppState>,
    words: &'static Words,
    asked: Result<Query<Pairs>, Failure>,
) -> Response {
    let page = match asked {
        Ok(Query(pairs)) => basket(&state, words, pairs).await,
        Err(failure) => Err(failure),
    };
    shown(page, words, "")
}

async fn basket(state: &AppState, words: &'static Words, pairs: Pairs) -> Result<BasketPage, Failure> {
    let ids = pairs.iter().filter(|(name, _)| name == "id").take(MOST_NAMED);
    // What is no name of a paper is passed over, as is what was removed.
    let ids: Vec<PaperId> = ids.filter_map(|(_, id)| id.parse().ok()).collect();
    let papers = state
        .look(move |searcher| {
            let mut papers: Vec<Paper> = Vec::new();
            for id in &ids {
                match searcher.paper(id) {
                    // Two names of one paper.
                    Ok(paper) if papers.iter().any(|known| known.id == paper.id) => {}
                    Ok(paper) => papers.push(paper),
                    // It was removed from the library, which is no reason to lose the others.
                    Err(SearchError::Unknown(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(papers)
        })
        .await?;
    let keys: Vec<String> = papers.iter().map(|paper| paper.id.to_string()).collect();
    let kept = papers.iter().map(|paper| KeptView {
        about: About::from(paper),
        date: paper.date.map(|date| date.to_string()),
        citation: citation(paper),
        links: links_of(&paper.id, paper.url.as_ref(), &[], words),
    });
    Ok(BasketPage {
        frame: Frame::new(words, Here::Basket),
        kept: kept.collect(),
        exports: exports(keys.iter().map(String::as_str)),
    })
}

/// Names of formats, and where the papers are written in them.
pub(super) fn exports<'k>(keys: impl IntoIterator<Item = &'k str> + Clone) -> Vec<(&'static str, String)> {
    let to = |format: &'static str| {
        let ids = keys.clone().into_iter().map(|key| ("id", key));
        address("/v1/export", std::iter::once(("format", format)).chain(ids))
    };
    [
        ("BibTeX", "bibtex"),
        ("RIS", "ris"),
        ("CSL-JSON", "csl"),
        ("Markdown", "markdown"),
        ("JSON Lines", "jsonl"),
    ]
    .map(|(name, format)| (name, to(format)))
    .into()
}
