//! The links of an HNSW graph (Malkov and Yashunin, arXiv:1603.09320): begun by `hnsw_rs`, grown, kept and walked by us.
//!
//! hnsw_rs builds well but cannot be trusted with bytes: its loader ends the process on a short file and reads out of
//! bounds on a wrong length, and its searches take a lock and a reference count at every step. So its
//! links are copied into plain arrays of row numbers, which every reader of a file can check.

mod build;
mod walk;

use std::ops::Range;

use super::held::Held;

pub(super) use walk::Walker;

/// hnsw_rs's own ceiling, and the layer below.
const LAYERS: usize = 17;
const MAGIC: u32 = u32::from_le_bytes(*b"PKG2");

/// The links of all rows.
pub(super) struct Graph {
    words: Held<u32>,
    /// How many rows.
    count: usize,
    /// Where among the words each layer is, lowest first.
    layers: Vec<Place>,
}

/// Where a layer is.
#[derive(Clone)]
struct Place {
    /// None of the lowest, in which every row stands.
    rows: Option<Range<usize>>,
    starts: Range<usize>,
    links: Range<usize>,
}

/// A layer: which rows stand in it, and to which rows each leads.
#[derive(Clone, Copy)]
struct Layer<'g> {
    /// Ascending; none of the lowest.
    rows: Option<&'g [u32]>,
    /// Where the links of each row begin in `links`, and where the last row's end.
    starts: &'g [u32],
    links: &'g [u32],
}

/// The rows of an upper layer, ascending, and to which rows each leads.
type Upper = Vec<(u32, Vec<u32>)>;

impl Graph {
    /// The graph as a file holds it: little-endian u32 throughout, told in `index/README.md`.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.words.as_bytes()
    }

    /// A graph over `count` rows; `None` where the words are not one.
    pub(super) fn of_words(words: Held<u32>, count: usize) -> Option<Self> {
        let [MAGIC, layers] = *words.get(..2)? else { return None };
        let mut at = 2_usize;
        let mut take = |length: usize| {
            let first = at;
            at = at.checked_add(length)?;
            (at <= words.len()).then_some(first..at)
        };
        let mut places = Vec::new();
        for number in 0..layers as usize {
            let sizes = words.get(take(2)?)?;
            let (rows, links) = (*sizes.first()? as usize, *sizes.last()? as usize);
            let stands = if number == 0 { None } else { Some(take(rows)?) };
            places.push(Place { rows: stands, starts: take(rows.checked_add(1)?)?, links: take(links)? });
        }
        let ends = at == words.len();
        let graph = Self { words, count, layers: places };
        let sound = ends
            && (1..=LAYERS).contains(&graph.layers.len())
            && graph.layer(0)?.starts.len() == count + 1
            && (0..graph.layers.len())
                .all(|layer| graph.layer(layer).is_some_and(|layer| layer.is_sound(count)));
        sound.then_some(graph)
    }

    fn of(lowest: &[Vec<u32>], upper: &[Upper]) -> Self {
        fn put<'l>(words: &mut Vec<u32>, lists: impl Iterator<Item = &'l Vec<u32>> + Clone) {
            let mut end = 0;
            words.push(0);
            words.extend(lists.clone().map(|links| {
                end += links.len() as u32;
                end
            }));
            words.extend(lists.flatten());
        }
        let links = |lists: &mut dyn Iterator<Item = &Vec<u32>>| lists.map(Vec::len).sum::<usize>() as u32;
        let mut words = vec![MAGIC, upper.len() as u32 + 1];
        words.extend([lowest.len() as u32, links(&mut lowest.iter())]);
        put(&mut words, lowest.iter());
        for layer in upper {
            words.extend([layer.len() as u32, links(&mut layer.iter().map(|(_, links)| links))]);
            words.extend(layer.iter().map(|(row, _)| row));
            put(&mut words, layer.iter().map(|(_, links)| links));
        }
        let empty = Self { words: Held::Owned(Vec::new()), count: 0, layers: Vec::new() };
        Self::of_words(Held::Owned(words), lowest.len()).unwrap_or(empty)
    }

    fn layer(&self, number: usize) -> Option<Layer<'_>> {
        let place = self.layers.get(number)?;
        let words = &self.words[..];
        Some(Layer {
            rows: match &place.rows {
                Some(rows) => Some(words.get(rows.clone())?),
                None => None,
            },
            starts: words.get(place.starts.clone())?,
            links: words.get(place.links.clone())?,
        })
    }
}

impl<'g> Layer<'g> {
    fn links_of(&self, row: u32) -> &'g [u32] {
        let at = match self.rows.map(|rows| rows.binary_search(&row)) {
            None => row as usize,
            Some(Ok(at)) => at,
            Some(Err(_)) => return &[],
        };
        match self.starts.get(at..at + 2) {
            Some([start, end]) => self.links.get(*start as usize..*end as usize).unwrap_or_default(),
            _ => &[],
        }
    }

    fn is_sound(&self, count: usize) -> bool {
        let rows = self.rows.unwrap_or_default();
        rows.is_sorted_by(|one, two| one < two)
            && rows.iter().chain(self.links).all(|row| (*row as usize) < count)
            && self.starts.is_sorted()
            && self.starts.first() == Some(&0)
            && self.starts.last().is_some_and(|end| *end as usize == self.links.len())
    }
}
