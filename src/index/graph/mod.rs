//! The links of an HNSW graph (Malkov and Yashunin, arXiv:1603.09320): begun by `hnsw_rs`, refined, kept and walked by us.
//!
//! hnsw_rs builds well but cannot be trusted with bytes: its loader ends the process on a short file and reads out of
//! bounds on a wrong length, and its searches take a lock and a reference count at every step. So its
//! links are copied into plain arrays of row numbers, which every reader of a file can check.

mod build;
mod walk;

pub(super) use walk::Walker;

/// hnsw_rs's own ceiling.
const LAYERS: usize = 16;
const MAGIC: u32 = u32::from_le_bytes(*b"PKG1");

/// One layer: which rows stand in it, and to which rows each leads.
#[derive(Clone, Debug, Default, PartialEq)]
struct Layer {
    /// Ascending.
    rows: Vec<u32>,
    /// Where the links of each row begin in `links`, and where the last row's end.
    starts: Vec<u32>,
    links: Vec<u32>,
}

/// The links of all rows, lowest layer first.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Graph {
    layers: Vec<Layer>,
}

impl Graph {
    /// The graph as bytes: little-endian u32 throughout, told in `index/README.md`.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut words = vec![MAGIC, self.layers.len() as u32];
        for layer in &self.layers {
            words.extend([layer.rows.len() as u32, layer.links.len() as u32]);
            words.extend(&layer.rows);
            words.extend(&layer.starts);
            words.extend(&layer.links);
        }
        words.into_iter().flat_map(u32::to_le_bytes).collect()
    }

    /// Reads a graph over `count` rows; `None` where the words are not one.
    pub(super) fn from_words(words: &[u32], count: usize) -> Option<Self> {
        let (header, mut rest) = words.split_at_checked(2)?;
        if header[0] != MAGIC || header[1] == 0 || header[1] as usize > LAYERS {
            return None;
        }
        let mut take = |length: usize| -> Option<Vec<u32>> {
            let (head, tail) = rest.split_at_checked(length)?;
            rest = tail;
            Some(head.to_vec())
        };
        let mut layers = Vec::new();
        for _ in 0..header[1] {
            let sizes = take(2)?;
            let (rows, links) = (sizes[0] as usize, sizes[1] as usize);
            let layer = Layer { rows: take(rows)?, starts: take(rows.checked_add(1)?)?, links: take(links)? };
            layers.push(layer.checked(count)?);
        }
        let whole = rest.is_empty() && layers.first().is_some_and(|lowest| lowest.rows.len() == count);
        whole.then_some(Self { layers })
    }
}

impl Layer {
    fn of(rows: impl Iterator<Item = (usize, Vec<u32>)>) -> Self {
        let mut layer = Self { starts: vec![0], ..Self::default() };
        for (row, links) in rows {
            layer.rows.push(row as u32);
            layer.links.extend(links);
            layer.starts.push(layer.links.len() as u32);
        }
        layer
    }

    fn of_linked(rows: Vec<Vec<u32>>) -> Self {
        Self::of(rows.into_iter().enumerate().filter(|(_, links)| !links.is_empty()))
    }

    fn links_of(&self, row: u32) -> &[u32] {
        let at = match self.rows.get(row as usize) {
            // The lowest layer holds every row in its place.
            Some(found) if *found == row => row as usize,
            _ => match self.rows.binary_search(&row) {
                Ok(at) => at,
                Err(_) => return &[],
            },
        };
        match (self.starts.get(at), self.starts.get(at + 1)) {
            (Some(start), Some(end)) => self.links.get(*start as usize..*end as usize).unwrap_or_default(),
            _ => &[],
        }
    }

    fn checked(self, count: usize) -> Option<Self> {
        let fits = self.rows.is_sorted_by(|one, two| one < two)
            && self.rows.iter().chain(&self.links).all(|row| (*row as usize) < count)
            && self.starts.is_sorted()
            && self.starts.first() == Some(&0)
            && self.starts.last().is_some_and(|end| *end as usize == self.links.len());
        fits.then_some(self)
    }
}
