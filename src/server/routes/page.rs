//! The page: `/` asks and shows, `/paper` shows one paper. Rendered here, so it works without a script, a mouse or a
//! network; style and script are part of the binary.
//!
//! Templates escape everything that they show. Links to elsewhere are only `http` and `https`.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;

use super::page_view::{About, AnswerView, HitView, LinkView, MentionView, NoteView, words};
use super::{DEFAULT_HITS, Page, related, search};
use crate::paper::{Language, Mention, Paper, PaperId};
use crate::search::{Example, Floor, Options, RelatedRequest, SearchError, SearchRequest, Searcher};
use crate::server::error::Failure;
use crate::server::extract::{Query, named};
use crate::server::library::index_words;
use crate::server::state::AppState;

/// What the address of `/` may say.
#[derive(Deserialize)]
pub(super) struct Asked {
    q: Option<String>,
    related: Option<String>,
    limit: Option<u64>,
    floor: Option<String>,
}

/// What the address of `/paper` may say.
#[derive(Deserialize)]
pub(super) struct Named {
    id: String,
}

#[derive(Template)]
#[template(path = "home.html", config = "src/server/page/askama.toml")]
struct Home {
    question: String,
    about: Option<About>,
    answer: Option<AnswerView>,
    papers: u64,
    holds: String,
    caution: Option<String>,
}

#[derive(Template)]
#[template(path = "paper.html", config = "src/server/page/askama.toml")]
struct PaperPage {
    question: String,
    paper: Paper,
    title_lang: String,
    abstract_lang: String,
    links: Vec<LinkView>,
    notes: Vec<NoteView>,
    mentions: Vec<MentionView>,
    hits: Vec<HitView>,
    none_why: String,
    related: String,
}

#[derive(Template)]
#[template(path = "notice.html", config = "src/server/page/askama.toml")]
struct Notice {
    question: String,
    heading: &'static str,
    message: String,
    hint: String,
    waiting: bool,
}

/// `/`
pub(super) async fn home(State(state): State<AppState>, asked: Result<Query<Asked>, Failure>) -> Response {
    let question = match &asked {
        Ok(Query(Asked { q: Some(question), .. })) => question.trim().to_owned(),
        _ => String::new(),
    };
    let page = match asked {
        Ok(Query(asked)) => answer(&state, asked, question.clone()).await,
        Err(failure) => Err(failure),
    };
    shown(page, question)
}

async fn answer(state: &AppState, asked: Asked, question: String) -> Result<Home, Failure> {
    let searcher = state.library.searcher()?;
    let page = Page { limit: asked.limit, offset: None };
    let (answer, about) = if let Some(id) = &asked.related {
        let id = named(id)?;
        let about = state.look({
            let id = id.clone();
            move |searcher| searcher.paper(&id)
        });
        let about = About::from(&about.await?);
        let positive = vec![Example::Paper(id)];
        let request = RelatedRequest { positive, ..RelatedRequest::default() };
        (Some(related::answer(state, request, page).await?), Some(about))
    } else if question.is_empty() || searcher.counts().papers == 0 {
        (None, None)
    } else {
        let floor = match asked.floor {
            None => Floor::Default,
            Some(floor) => floor.parse().map_err(SearchError::from)?,
        };
        let options = Options { floor, ..Options::default() };
        let request = SearchRequest { text: question.clone(), options };
        (Some(search::answer(state, request, page).await?), None)
    };
    let counts = searcher.counts();
    let limit = asked.limit.map_or(DEFAULT_HITS, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let more = |shown: usize, total: usize| {
        let next = (limit * 2).min(state.limits.hits);
        let subject =
            about.as_ref().map_or_else(|| AnswerView::of_question(&question), |about| about.related.clone());
        (shown == limit && shown < total && next > limit).then(|| format!("{subject}&limit={next}"))
    };
    let answer = answer.map(|answer| {
        let more = more(answer.hits.len(), answer.total);
        AnswerView::new(&answer, more)
    });
    Ok(Home {
        question,
        about,
        answer,
        papers: counts.papers,
        holds: format!("{} papers · {} passages", counts.papers, counts.passages),
        caution: caution(&searcher),
    })
}

/// What a reader should know of the state of the library.
fn caution(searcher: &Searcher) -> Option<String> {
    let pending = searcher.counts().pending;
    if pending > 0 {
        return Some(format!("{pending} passages cannot be found yet: run 'paperkin ingest' to the end."));
    }
    let (_, reason) = index_words(searcher);
    reason
}

/// `/paper`
pub(super) async fn paper(State(state): State<AppState>, asked: Result<Query<Named>, Failure>) -> Response {
    let page = match asked.and_then(|Query(asked)| named(&asked.id)) {
        Ok(id) => paper_page(&state, id).await,
        Err(failure) => Err(failure),
    };
    shown(page, String::new())
}

async fn paper_page(state: &AppState, id: PaperId) -> Result<PaperPage, Failure> {
    state
        .look(move |searcher| {
            let paper = searcher.paper(&id)?;
            let request = RelatedRequest::new(vec![Example::Paper(id)], DEFAULT_HITS);
            let (hits, none_why) = match searcher.related(&request) {
                Ok(answer) => {
                    (answer.hits.iter().map(HitView::from).collect(), "There is no other paper yet.".into())
                }
                Err(error @ SearchError::NotEmbedded(_)) => (Vec::new(), error.to_string()),
                Err(error) => return Err(error),
            };
            let mentions = paper.mentions.iter().map(|mention| mention_view(searcher, mention)).collect();
            Ok(PaperPage {
                question: String::new(),
                title_lang: words::code(Language::of(&paper.title)),
                abstract_lang: paper
                    .abstract_text
                    .as_deref()
                    .map(|text| words::code(Language::of(text)))
                    .unwrap_or_default(),
                notes: paper.commentaries.iter().map(NoteView::from).collect(),
                links: words::web_links(paper.url.iter().chain(&paper.repositories)),
                related: About::from(&paper).related,
                paper,
                mentions,
                hits,
                none_why,
            })
        })
        .await
}

fn mention_view(searcher: &Searcher, mention: &Mention) -> MentionView {
    match mention {
        Mention::Note(name) => {
            MentionView { href: AnswerView::of_question(name), title: name.clone(), outside: false }
        }
        Mention::Paper(id) => match searcher.paper(id) {
            Ok(paper) => {
                let about = About::from(&paper);
                MentionView { href: about.href, title: about.title, outside: false }
            }
            Err(_) => {
                MentionView { href: id.url().unwrap_or_default(), title: id.to_string(), outside: true }
            }
        },
    }
}

/// A page, or a page that says why not, with the status that the API would give.
fn shown(page: Result<impl Template, Failure>, question: String) -> Response {
    match page {
        Ok(page) => match page.render() {
            Ok(text) => Html(text).into_response(),
            Err(error) => Failure::internal(&error).into_response(),
        },
        Err(failure) => {
            let waiting = failure.is_passing();
            let notice = Notice {
                question,
                heading: if waiting { "One moment" } else { "That did not work" },
                message: words::sentence(failure.message()),
                hint: if waiting {
                    "This page looks again by itself.".into()
                } else {
                    words::sentence(failure.hint())
                },
                waiting,
            };
            match notice.render() {
                Ok(text) => failure.dress(Html(text).into_response()),
                Err(error) => Failure::internal(&error).into_response(),
            }
        }
    }
}

/// Style, script and icon, from the binary.
pub(super) fn assets() -> Router<AppState> {
    let file = |kind: &'static str, text: &'static str| {
        get(move || async move { ([(header::CONTENT_TYPE, kind)], text) })
    };
    Router::new()
        .route("/style.css", file("text/css; charset=utf-8", include_str!("../page/style.css")))
        .route("/script.js", file("text/javascript; charset=utf-8", include_str!("../page/script.js")))
        .route("/icon.svg", file("image/svg+xml", include_str!("../page/icon.svg")))
}
