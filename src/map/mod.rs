//! Every paper as a point: what is related lies near, on a plane that a person can look at.
//!
//! [`PaperVectors`] are laid out by our own variant of LargeVis and UMAP ([`layout`]): of the ten nearest papers in 384 dimensions, these
//! shares are among the nearest ten and fifty on the map (`tests/map.rs`, the ignored test, prints them):
//!
//! | papers | ours | principal components | seconds of two shared cores |
//! | --- | --- | --- | --- |
//! | 2,000 | .353, .627 | .056, .227 | 1.2 |
//! | 20,000 | .192, .440 | .012, .043 | 6.5 |
//! | 100,000 | .171, .400 | .003, .012 | 49 |
//!
//! UMAP's own weights of pull and push keep .077 and .257 of 20,000. In memory are about a thousand bytes a paper: its vector in
//! bytes, fifteen neighbours, and links.
//!
//! The same vectors give the same map, to the byte, for any number of threads. A map is derived: it lies beside the generations as one file
//! ([`mod@file`]), is made anew where that is damaged or of something else, and may be deleted. Between two layouts it grows: a paper that came
//! stands among the papers nearest to it, a paper that is gone is not shown, and once a tenth has come or gone all are laid out anew. So a map
//! that somebody knows stays as it is while a library grows by a few papers a day.

mod file;
mod growth;
mod layout;
mod links;
mod picture;
mod png;
mod points;
mod random;
mod regions;
mod start;
mod tags;
mod vectors;
mod words;

use std::path::Path;

use crate::index::{Centring, nearest_of_each};
use crate::store::{Snapshot, StoreError};

pub use layout::Point;
pub use picture::{Colour, Picture};
pub use png::{PngError, png};
pub use points::Points;
pub use regions::Region;
pub use tags::{MOST_TAGS, MapTag, OTHER};
pub use vectors::PaperVectors;

/// Neighbours by which a paper is placed.
const NEIGHBOURS: usize = 15;
/// Once so many of the papers that were laid out have company that came or have gone, one in this number, all are laid out anew.
const CHANGED_SHARE: usize = 10;

/// What each step takes of the whole, as measured: neighbours, layout.
const STEPS: (f32, f32) = (0.2, 0.8);

/// Why there is no map.
#[derive(Debug, thiserror::Error)]
pub enum MapError {
    /// Whoever wanted it does not any more.
    #[error("stopped")]
    Stopped,
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where papers stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    /// Of the vectors that it shows.
    digest: u128,
    /// Papers that were laid out together.
    laid_out: u32,
    /// Papers that came or went since then.
    changed: u32,
    /// The key of each paper, ascending, and its place.
    places: Vec<(u64, Point)>,
}

impl Map {
    /// The map of the library at `library` as `snapshot` shows it: the one that is stored, if it is of these vectors or of nearly these,
    /// else another, which is then stored. `see` is told the share that is done, and says whether to go on.
    ///
    /// # Errors
    /// If the store cannot be read; [`MapError::Stopped`].
    pub fn of(
        library: &Path,
        snapshot: &Snapshot,
        prior: &Centring,
        see: &mut dyn FnMut(f32) -> bool,
    ) -> Result<Self, MapError> {
        const READING: f32 = 0.1;
        let vectors = PaperVectors::of(library, snapshot, prior, &mut |done| see(done * READING))?;
        let stored = Self::stored(library);
        if let Some(stored) = stored.as_ref().filter(|stored| stored.digest == vectors.digest()) {
            return Ok(stored.clone());
        }
        let mut see = |done: f32| see(READING + done * (1.0 - READING));
        let grown = match &stored {
            Some(stored) => stored.grown(&vectors, &mut see)?,
            None => None,
        };
        let map = match grown {
            Some(grown) => grown,
            None => Self::laid_out(&vectors, &mut see)?,
        };
        map.store(library);
        Ok(map)
    }

    /// Of vectors alone, all laid out anew.
    ///
    /// # Errors
    /// [`MapError::Stopped`] where `see` says so.
    pub fn laid_out(vectors: &PaperVectors, see: &mut dyn FnMut(f32) -> bool) -> Result<Self, MapError> {
        let points = points(vectors, see).ok_or(MapError::Stopped)?;
        let mut places: Vec<(u64, Point)> = vectors.keys.iter().copied().zip(points).collect();
        places.sort_unstable();
        places.dedup_by_key(|(key, _)| *key);
        let laid_out = places.len() as u32;
        Ok(Self { digest: vectors.digest(), laid_out, changed: 0, places })
    }

    /// The same by principal components alone: what a layout has to be better than.
    #[must_use]
    pub fn by_principal_components(vectors: &PaperVectors) -> Self {
        let points = layout::squared(&start::principal_components(&vectors.codes));
        let places = vectors.keys.iter().copied().zip(points).collect();
        Self { digest: vectors.digest(), laid_out: vectors.keys.len() as u32, changed: 0, places }
    }

    /// Where each of these papers stands, in their order.
    #[must_use]
    pub fn points_of(&self, vectors: &PaperVectors) -> Vec<Option<Point>> {
        vectors.keys.iter().map(|key| self.place(*key)).collect()
    }

    /// How many papers it shows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether it shows none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// What tells it from any other map.
    #[must_use]
    pub fn digest(&self) -> u128 {
        self.digest
    }

    fn place(&self, key: u64) -> Option<Point> {
        let at = self.places.binary_search_by_key(&key, |(key, _)| *key).ok()?;
        self.places.get(at).map(|(_, point)| *point)
    }
}

/// The places of all rows.
fn points(vectors: &PaperVectors, see: &mut dyn FnMut(f32) -> bool) -> Option<Vec<Point>> {
    let (finding, laying) = STEPS;
    let nearest = nearest_of_each(&vectors.codes, NEIGHBOURS, &mut |done| see(done * finding))?;
    let links = links::Links::of(&nearest);
    let start = start::principal_components(&vectors.codes);
    let places = layout::lay_out(&links, &start, &mut |done| see(finding + done * laying))?;
    Some(layout::squared(&places))
}
