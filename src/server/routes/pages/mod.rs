//! Pages for people. Rendered here, so they work without a script, a mouse or a network; styles and scripts are part of the binary.
//!
//! Templates escape everything that they show. Links to elsewhere are only `http` and `https`. What a page shows is said by its
//! address alone.

mod address;
mod asked;
mod basket;
mod days;
pub(super) mod docs;
mod feed;
mod hit;
mod library;
mod map;
mod paper;
mod search;
mod view;
mod words;

use askama::Template;
use axum::Router;
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;

use super::options::Pairs;
use crate::server::error::Failure;
use crate::server::state::AppState;
use words::Words;

/// Every page.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/", get(search::page))
        .route("/paper", get(paper::page))
        .route("/days", get(days::page))
        .route("/library", get(library::page))
        .route("/map", get(map::page))
        .route("/basket", get(basket::page))
        .route("/feed.atom", get(feed::feed))
}

/// What stands around every page.
struct Frame {
    words: &'static Words,
    /// What is in the box.
    question: String,
    /// What goes along with the next question: filters stay while one asks on.
    kept: Pairs,
    here: Here,
}

/// Where the reader is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Here {
    Search,
    Paper,
    Days,
    Library,
    Map,
    Basket,
}

impl Frame {
    /// Around what is English in itself.
    fn in_english() -> Self {
        Self::new(&words::ENGLISH, Here::Paper)
    }

    fn new(words: &'static Words, here: Here) -> Self {
        Self { words, question: String::new(), kept: Pairs::new(), here }
    }

    /// Paths and names of the pages that are a click away.
    fn navigation(&self) -> [(&'static str, &'static str); 4] {
        let words = self.words;
        [("/days", words.days), ("/map", words.map), ("/library", words.library), ("/basket", words.basket)]
    }

    /// Whether a link of the navigation leads to where the reader is.
    fn is(&self, page: &&str) -> bool {
        match self.here {
            Here::Days => *page == "/days",
            Here::Library => *page == "/library",
            Here::Map => *page == "/map",
            Here::Basket => *page == "/basket",
            Here::Search | Here::Paper => false,
        }
    }
}

#[derive(Template)]
#[template(path = "notice.html", config = "src/server/page/askama.toml")]
struct Notice {
    frame: Frame,
    heading: &'static str,
    message: String,
    hint: String,
    waiting: bool,
}

/// A page, or a page that says why not, with the status that the API would give.
fn shown(page: Result<impl Template, Failure>, words: &'static Words, question: &str) -> Response {
    let rendered = |page: &dyn askama::DynTemplate| match page.dyn_render() {
        Ok(text) => ([(header::VARY, "accept-language")], Html(text)).into_response(),
        Err(error) => Failure::internal(&error).into_response(),
    };
    let failure = match page {
        Ok(page) => return rendered(&page),
        Err(failure) => failure,
    };
    let waiting = failure.is_passing();
    let (message, hint) = words.failure(&failure);
    let notice = Notice {
        frame: Frame { question: question.to_owned(), ..Frame::new(words, Here::Search) },
        heading: if waiting { words.one_moment } else { words.that_failed },
        message,
        hint,
        waiting,
    };
    failure.dress(rendered(&notice))
}

/// Where [`assets`] are.
pub(in crate::server) const ASSETS: &str = "/assets/";

/// Styles, scripts and the icon, from the binary.
pub(super) fn assets() -> Router<AppState> {
    let files = [
        ("style.css", "text/css; charset=utf-8", include_str!("../../page/style.css")),
        ("script.js", "text/javascript; charset=utf-8", include_str!("../../page/script.js")),
        ("library.js", "text/javascript; charset=utf-8", include_str!("../../page/library.js")),
        ("map.css", "text/css; charset=utf-8", include_str!("../../page/map.css")),
        ("map.js", "text/javascript; charset=utf-8", include_str!("../../page/map.js")),
        ("map_places.js", "text/javascript; charset=utf-8", include_str!("../../page/map_places.js")),
        ("map_points.js", "text/javascript; charset=utf-8", include_str!("../../page/map_points.js")),
        ("map_view.js", "text/javascript; charset=utf-8", include_str!("../../page/map_view.js")),
        ("icon.svg", "image/svg+xml", include_str!("../../page/icon.svg")),
    ];
    files.into_iter().fold(Router::new(), |routes, (name, kind, text)| {
        let file = get(move || async move { ([(header::CONTENT_TYPE, kind)], text) });
        routes.route(&format!("{ASSETS}{name}"), file)
    })
}
