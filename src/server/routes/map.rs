//! `/v1/map`: every paper as a point, for who draws them.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use twox_hash::XxHash3_128;
use utoipa::ToSchema;

use super::is_known;
use crate::map::{MapTag, OTHER, Points, Region};
use crate::paper::PaperId;
use crate::server::error::{EveryFails, Failure};
use crate::server::maps::{Found, Shown};
use crate::server::state::{AppState, off_thread};

/// The papers of the library, column by column: what stands at one place of each column is of one paper.
#[derive(Serialize, ToSchema)]
pub(super) struct MapAnswer<'m> {
    /// `ready`.
    state: &'static str,
    /// The revision of the library.
    revision: u64,
    /// Ids, ascending.
    #[schema(value_type = Vec<String>, example = json!(["arxiv:2408.15881"]))]
    ids: &'m [PaperId],
    /// From the left, 0 to 65535.
    x: Vec<u16>,
    /// From the top, 0 to 65535.
    y: Vec<u16>,
    /// Years; 0 of papers that have none.
    years: &'m [i16],
    /// Each paper's tag, by its place among `tags`; -1 where it is none of them.
    tag: Vec<i16>,
    /// The tags by which papers are told apart, at most nine, that of the most papers first.
    tags: &'m [MapTag],
    /// Names of regions, the most crowded first.
    regions: &'m [Region],
    /// Papers that have no place yet: they wait for a vector, or came after the map was made; asking again brings them.
    unplaced: usize,
}

/// How far the first map is.
#[derive(Serialize, ToSchema)]
pub(super) struct MapProgress {
    /// `computing`.
    state: &'static str,
    /// From 0 to 1.
    done: f32,
}

impl<'m> MapAnswer<'m> {
    fn of(shown: &'m Shown) -> Self {
        let Points { ids, places, years, colours, tags, regions, unplaced } = &shown.points;
        let tag = |colour: &u8| if *colour == OTHER { -1 } else { i16::from(*colour) };
        Self {
            state: "ready",
            revision: shown.revision,
            ids,
            x: places.iter().map(|[x, _]| *x).collect(),
            y: places.iter().map(|[_, y]| *y).collect(),
            years,
            tag: colours.iter().map(tag).collect(),
            tags,
            regions,
            unplaced: *unplaced,
        }
    }
}

/// Every paper as a point; related papers lie near each other
///
/// The first to ask is told 202 until the map is computed, behind other requests: a second for a thousand papers, under a minute for a hundred
/// thousand. Papers that come later stand among those they are related to.
#[utoipa::path(
    get,
    path = "/v1/map",
    tag = "papers",
    operation_id = "map",
    responses(
        (status = OK, description = "The papers, column by column", body = MapAnswer, headers(("ETag" = String, description = "Of all that is answered"))),
        (status = ACCEPTED, description = "It is being computed; `Retry-After` says when to come back", body = MapProgress),
        (status = NOT_MODIFIED, description = "It is as `If-None-Match` says"),
        EveryFails,
    )
)]
pub(super) async fn get(State(state): State<AppState>, headers: HeaderMap) -> Result<Response, Failure> {
    // Not before everything else can be asked.
    state.library.searcher()?;
    let maps = state.maps.clone();
    off_thread(move || match maps.find()? {
        Found::Computing(done) => {
            let told = Json(MapProgress { state: "computing", done });
            Ok((StatusCode::ACCEPTED, [(header::RETRY_AFTER, "1")], told).into_response())
        }
        Found::Shown(shown) => {
            let text =
                serde_json::to_vec(&MapAnswer::of(&shown)).map_err(|error| Failure::internal(&error))?;
            // Weak: compressed or not, it says the same.
            let tag = format!("W/\"{:032x}\"", XxHash3_128::oneshot(&text));
            let kept = [(header::ETAG, tag.as_str()), (header::CACHE_CONTROL, "private, no-cache")];
            if is_known(&headers, &tag) {
                return Ok((StatusCode::NOT_MODIFIED, kept).into_response());
            }
            Ok((kept, [(header::CONTENT_TYPE, "application/json")], text).into_response())
        }
    })
    .await
}
