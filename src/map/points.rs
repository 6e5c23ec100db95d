//! What is shown of a map: each paper's id, place, year and colour, and the names of regions; of one moment of the library.

use super::regions::{Region, regions};
use super::tags::{MapTag, Tags};
use super::vectors::key_of;
use super::words::Terms;
use super::{Map, Point};
use crate::paper::PaperId;
use crate::store::{Snapshot, StoreError};

/// The papers of a map, column by column, by id: neighbours in a column look alike, and pack to two thirds.
#[derive(Clone, Debug, Default)]
pub struct Points {
    /// The ids.
    pub ids: Vec<PaperId>,
    /// Where they stand.
    pub places: Vec<Point>,
    /// The years; 0 of those that have none.
    pub years: Vec<i16>,
    /// For each its place among [`Points::tags`], or [`super::OTHER`].
    pub colours: Vec<u8>,
    /// The tags by which they are coloured.
    pub tags: Vec<MapTag>,
    /// Names of regions.
    pub regions: Vec<Region>,
    /// Papers of the library that have no place: they wait for a vector, or came after the map was made.
    pub unplaced: usize,
}

impl Points {
    /// The papers of `snapshot` that stand on `map`. One that was removed is on none.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn of(map: &Map, snapshot: &Snapshot) -> Result<Self, StoreError> {
        let mut points = Self::default();
        let (mut tags, mut terms, mut terms_of) = (Tags::default(), Terms::default(), Vec::new());
        snapshot.visit_papers(|_, paper| {
            let Some(place) = map.place(key_of(&paper.id)) else {
                points.unplaced += 1;
                return;
            };
            tags.push(&paper.tags);
            terms_of.push(terms.of_title(&paper.title));
            points.years.push(paper.date.map_or(0, jiff::civil::Date::year));
            points.places.push(place);
            points.ids.push(paper.id);
        })?;
        (points.tags, points.colours) = tags.chosen();
        points.regions = regions(&points.places, &terms_of, &terms);
        points.sort();
        Ok(points)
    }

    fn sort(&mut self) {
        let columns =
            std::mem::take(&mut self.ids).into_iter().zip(&self.places).zip(&self.years).zip(&self.colours);
        let mut rows: Vec<_> = columns
            .map(|(((id, place), year), colour)| (id.to_string(), id, *place, *year, *colour))
            .collect();
        rows.sort_unstable_by(|one, two| one.0.cmp(&two.0));
        self.places = rows.iter().map(|row| row.2).collect();
        self.years = rows.iter().map(|row| row.3).collect();
        self.colours = rows.iter().map(|row| row.4).collect();
        self.ids = rows.into_iter().map(|row| row.1).collect();
    }

    /// How many papers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}
