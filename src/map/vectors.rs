//! A library to one direction a paper, in bytes: what the map is made of.
//!
//! As search relates papers ([`crate::index::Centring`], then the mean of a paper's texts, each with the same weight), so that what is near on
//! the map is what is related. Read passage by passage; of a paper there is in memory what was not complete yet, then 400 bytes.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use twox_hash::XxHash3_128;

use super::MapError;
use crate::index::{Centring, Coded, Codes, Published};
use crate::paper::{Language, PaperId, PassageKind, Role, UnitVector};
use crate::store::{PaperNumber, Snapshot};

/// The papers of a library that have a vector.
pub struct PaperVectors {
    /// Ascending.
    pub(super) numbers: Vec<PaperNumber>,
    /// The key of each; see [`key_of`].
    pub(super) keys: Vec<u64>,
    /// The direction of each.
    pub(super) codes: Codes,
}

/// What a map knows a paper by: its id. Numbers begin anew in a new store, ids mean the same paper for ever.
pub(super) fn key_of(id: &PaperId) -> u64 {
    twox_hash::XxHash3_64::oneshot(id.to_string().as_bytes())
}

/// What is known of a passage while vectors are read.
struct Place {
    paper: PaperNumber,
    text: (PassageKind, usize),
    language: Language,
}

/// A paper of which not all passages were seen.
struct Partial {
    missing: usize,
    texts: BTreeMap<(PassageKind, usize), Vec<UnitVector>>,
}

impl Partial {
    fn direction(&self) -> Option<Coded> {
        let texts: Result<Vec<UnitVector>, _> =
            self.texts.values().map(|vectors| UnitVector::mean_of(vectors)).collect();
        UnitVector::mean_of(&texts.ok()?).ok().map(|mean| Coded::of(&mean))
    }
}

impl PaperVectors {
    /// Those of `snapshot`, which is of the library at `library`, centred as the published index is; where none of this model is
    /// published, by `prior` and what is stored.
    ///
    /// # Errors
    /// If the store cannot be read; [`MapError::Stopped`].
    pub fn of(
        library: &Path,
        snapshot: &Snapshot,
        prior: &Centring,
        see: &mut dyn FnMut(f32) -> bool,
    ) -> Result<Self, MapError> {
        let meta = snapshot.meta()?;
        let centring = match published_centring(library, &meta.fingerprint, meta.dimension) {
            Some(centring) => centring,
            None => prior.blended_over(|show| {
                snapshot.visit_embedded(|number, passage, raw| show(number.0, passage.language, raw))
            })?,
        };
        let mut places = HashMap::new();
        let mut partial: HashMap<PaperNumber, Partial> = HashMap::new();
        for (number, paper, passage) in snapshot.passages()? {
            let text = (passage.kind, passage.ordinal);
            places.insert(number, Place { paper, text, language: passage.language });
            let partial =
                partial.entry(paper).or_insert_with(|| Partial { missing: 0, texts: BTreeMap::new() });
            partial.missing += 1;
        }
        let (mut complete, mut seen, mut goes_on) = (BTreeMap::new(), 0, true);
        let total = places.len();
        snapshot.visit_vectors(|number, raw| {
            seen += 1;
            if seen % 1_000 == 0 {
                goes_on = goes_on && see(seen as f32 / total as f32);
            }
            let (Some(place), true) = (places.get(&number), goes_on) else { return };
            let (Some(of_paper), Ok(raw)) = (partial.get_mut(&place.paper), UnitVector::new(raw.to_vec()))
            else {
                return;
            };
            let centred = centring.apply(Role::Passage, place.language, &raw);
            of_paper.texts.entry(place.text).or_default().push(centred);
            of_paper.missing -= 1;
            if of_paper.missing == 0 {
                complete.extend(of_paper.direction().map(|direction| (place.paper, direction)));
                partial.remove(&place.paper);
            }
        })?;
        if !goes_on {
            return Err(MapError::Stopped);
        }
        // Some of its passages wait for a vector: it stands where the others say.
        let rest = partial.into_iter().filter_map(|(paper, of_paper)| Some((paper, of_paper.direction()?)));
        complete.extend(rest);
        let mut keys = HashMap::with_capacity(complete.len());
        snapshot.visit_papers(|number, paper| {
            keys.insert(number, key_of(&paper.id));
        })?;
        let mut all = Self { numbers: Vec::new(), keys: Vec::new(), codes: Codes::new(meta.dimension) };
        for (number, direction) in complete {
            let Some(key) = keys.get(&number) else { continue };
            all.numbers.push(number);
            all.keys.push(*key);
            all.codes.push_coded(&direction);
        }
        Ok(all)
    }

    /// Of directions alone, numbered as they come; for measurements.
    #[must_use]
    pub fn of_directions(dimension: usize, directions: impl Iterator<Item = UnitVector>) -> Self {
        let mut all = Self { numbers: Vec::new(), keys: Vec::new(), codes: Codes::new(dimension) };
        for (number, direction) in (0..).zip(directions) {
            all.numbers.push(PaperNumber(number));
            all.keys.push(u64::from(number));
            all.codes.push_coded(&Coded::of(&direction));
        }
        all
    }

    /// The directions.
    #[must_use]
    pub fn codes(&self) -> &Codes {
        &self.codes
    }

    /// What tells these vectors from any others.
    pub(super) fn digest(&self) -> u128 {
        let mut hash = XxHash3_128::new();
        for (row, key) in self.keys.iter().enumerate() {
            hash.write(&key.to_le_bytes());
            hash.write(bytemuck::cast_slice(self.codes.row(row)));
        }
        hash.finish_128()
    }
}

/// What is damaged or of another model is no error: what is stored tells the same, about.
fn published_centring(library: &Path, fingerprint: &str, dimension: usize) -> Option<Centring> {
    let published = Published::open(library).ok().flatten()?;
    published.manifest.require(fingerprint).ok()?;
    Centring::from_json(&published.transform, dimension).ok()
}
