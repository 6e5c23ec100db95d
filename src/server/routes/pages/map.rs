//! `/map`: every paper as a point. The page stands without the papers, which its script asks `/v1/map` for; so it is there at once.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::words::{MapWords, Words};
use super::{Frame, Here, shown};
use crate::server::state::AppState;

#[derive(Template)]
#[template(path = "map.html", config = "src/server/page/askama.toml")]
struct MapPage {
    frame: Frame,
    map: &'static MapWords,
    /// There is no paper: nothing to compute, and nothing to wait for.
    is_empty: bool,
}

/// `/map`; what its address says beside that is the script's business.
pub(super) async fn page(State(state): State<AppState>, words: &'static Words) -> Response {
    // Whether it is known yet or not, the page is there.
    let is_empty = state.library.searcher().is_ok_and(|searcher| searcher.counts().papers == 0);
    shown(Ok(MapPage { frame: Frame::new(words, Here::Map), map: words.on_map, is_empty }), words, "")
}
