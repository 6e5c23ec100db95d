//! `/paper`: one paper, what was written about it, what it is tied to, and where it comes from.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::address::{Said, address};
use super::hit::{HitView, TagView};
use super::view::{About, LinkView, NoteView, code, links_of};
use super::words::Words;
use super::{Frame, Here, shown};
use crate::export::citation;
use crate::paper::{Language, Mention, Paper, PaperId};
use crate::search::{Example, RelatedRequest, SearchError, Searcher};
use crate::server::error::Failure;
use crate::server::extract::{Query, named};
use crate::server::routes::DEFAULT_HITS;
use crate::server::state::AppState;

/// What the address says.
#[derive(Deserialize)]
pub(super) struct Named {
    id: String,
}

#[derive(Template)]
#[template(path = "paper.html", config = "src/server/page/askama.toml")]
struct PaperPage {
    frame: Frame,
    key: String,
    paper: Paper,
    title_lang: String,
    abstract_lang: String,
    citation: String,
    exports: Vec<(&'static str, String)>,
    links: Vec<LinkView>,
    tags: Vec<TagView>,
    notes: Vec<NoteView>,
    mentions: Vec<MentionView>,
    mentioned_by: Vec<About>,
    sources: Vec<SourceView>,
    hits: Vec<HitView>,
    none_why: String,
    related: String,
    unlike: String,
    on_map: String,
    feed: String,
}

/// A link from the commentary.
struct MentionView {
    href: String,
    title: String,
    lang: String,
    outside: bool,
}

/// Where a record of the paper was read.
struct SourceView {
    file: String,
    line: usize,
    date: Option<String>,
}

/// `/paper`
pub(super) async fn page(
    State(state): State<AppState>,
    words: &'static Words,
    asked: Result<Query<Named>, Failure>,
) -> Response {
    let page = match asked.and_then(|Query(asked)| named(&asked.id)) {
        Ok(id) => state.look(move |searcher| paper_page(searcher, id, words)).await,
        Err(failure) => Err(failure),
    };
    shown(page, words, "")
}

fn paper_page(searcher: &Searcher, id: PaperId, words: &'static Words) -> Result<PaperPage, SearchError> {
    let paper = searcher.paper(&id)?;
    let key = paper.id.to_string();
    let mut request = RelatedRequest::new(vec![Example::Paper(id)], DEFAULT_HITS);
    request.sentences = true;
    let (hits, none_why) = match searcher.related(&request) {
        Ok(answer) => {
            let said = Said::new("/", vec![("related".to_owned(), key.clone())]);
            let hits = answer.hits.iter().map(|hit| HitView::new(hit, words, &said));
            (hits.collect(), words.no_other_paper.to_owned())
        }
        Err(error @ SearchError::NotEmbedded(_)) => (Vec::new(), error.to_string()),
        Err(error) => return Err(error),
    };
    let sources = searcher.sources(&paper)?.into_iter().map(|place| SourceView {
        file: place.file,
        line: place.line,
        date: place.date.map(|date| date.to_string()),
    });
    let mentioned_by = searcher.mentioning(&paper)?.iter().map(About::from).collect();
    let language = |text: &str| code(Language::of(text));
    Ok(PaperPage {
        frame: Frame::new(words, Here::Paper),
        title_lang: language(&paper.title),
        abstract_lang: paper.abstract_text.as_deref().map(language).unwrap_or_default(),
        citation: citation(&paper),
        exports: super::basket::exports([key.as_str()]),
        notes: paper.commentaries.iter().map(NoteView::from).collect(),
        links: links_of(&paper.id, paper.url.as_ref(), &paper.repositories, words),
        tags: TagView::all(&paper.tags),
        mentions: paper.mentions.iter().map(|mention| mention_view(searcher, mention)).collect(),
        mentioned_by,
        sources: sources.collect(),
        related: address("/", [("related", &key)]),
        unlike: address("/", [("unlike", &key)]),
        on_map: address("/map", [("paper", &key)]),
        feed: address("/feed.atom", [("related", &key)]),
        key,
        paper,
        hits,
        none_why,
    })
}

fn mention_view(searcher: &Searcher, mention: &Mention) -> MentionView {
    match mention {
        Mention::Note(name) => MentionView {
            href: address("/", [("q", name)]),
            title: name.clone(),
            lang: code(Language::of(name)),
            outside: false,
        },
        Mention::Paper(id) => match searcher.paper(id) {
            Ok(paper) => {
                let about = About::from(&paper);
                MentionView { href: about.href, title: about.title, lang: about.title_lang, outside: false }
            }
            Err(_) => MentionView {
                href: id.url().unwrap_or_default(),
                title: id.to_string(),
                lang: String::new(),
                outside: true,
            },
        },
    }
}
