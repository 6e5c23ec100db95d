//! `/map`: every paper as a point. The page stands without the papers, which its script asks `/v1/map` for; so it is there at once.

use askama::Template;
use axum::response::Response;

use super::words::{MapWords, Words};
use super::{Frame, Here, shown};

#[derive(Template)]
#[template(path = "map.html", config = "src/server/page/askama.toml")]
struct MapPage {
    frame: Frame,
    map: &'static MapWords,
}

/// `/map`; what its address says beside that is the script's business.
pub(super) async fn page(words: &'static Words) -> Response {
    shown(Ok(MapPage { frame: Frame::new(words, Here::Map), map: words.on_map }), words, "")
}
