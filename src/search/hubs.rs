//! Hubs: passages that are near to everything, and what is taken off for it.
//!
//! In many dimensions a few vectors are among the nearest of very many others (Radovanović, Nanopoulos and Ivanović
//! 2010, "Hubs in Space"). CSLS (Conneau et al. 2018, "Word Translation Without Parallel Data") takes off a passage's
//! mean similarity to its ten nearest **questions**. People's questions are not kept, but what they wrote about
//! other papers is what questions of their language look like: the commentary of the library asks for us. (The
//! nearest passages of any kind in place of questions make it worse on all sets: they punish what the library is about.)

use std::collections::BTreeMap;
use std::sync::RwLock;

use std::collections::HashMap;

use crate::index::{Coded, CodedRow};
use crate::paper::{Language, UnitVector};
use crate::store::PaperNumber;

/// How many of the nearest askers tell (as Conneau et al.).
const NEAREST: usize = 10;
/// So many askers of a language are taken, evenly over the library: more change nothing but the time.
const MOST: usize = 400;
/// Fewer do not tell a hub from a popular topic.
const FEWEST: usize = 40;
/// How much of the mean similarity is taken off. Flat between 0.5 and 0.75 on both mixed-language sets.
const WEIGHT: f32 = 0.6;

/// A commentary that asks.
#[derive(Clone, Debug)]
pub(super) struct Asker {
    /// Its own paper is not asked for.
    pub(super) paper: PaperNumber,
    /// Centred.
    pub(super) vector: Coded,
}

/// The askers of a library by language, and what was found out with them.
#[derive(Default)]
pub(super) struct Hubs {
    askers: BTreeMap<Language, Vec<Asker>>,
    known: RwLock<HashMap<(Language, u32), f32>>,
}

impl Hubs {
    /// Of the commentary passages of a library, by language: paper, number.
    pub(super) fn of(
        commentary: BTreeMap<Language, Vec<(PaperNumber, u32)>>,
        vector: impl Fn(u32) -> Option<UnitVector>,
    ) -> Self {
        let mut askers = BTreeMap::new();
        for (language, all) in commentary {
            let taken = all.len().min(MOST);
            let sample: Vec<Asker> = (0..taken)
                .filter_map(|at| {
                    let (paper, number) = all.get(at * all.len() / taken)?;
                    Some(Asker { paper: *paper, vector: Coded::of(&vector(*number)?) })
                })
                .collect();
            if sample.len() >= FEWEST {
                askers.insert(language, sample);
            }
        }
        Self { askers, known: RwLock::default() }
    }

    /// What is taken off the similarity of a passage to a question in `language`.
    pub(super) fn penalty(
        &self,
        language: Language,
        paper: PaperNumber,
        number: u32,
        vector: &CodedRow<'_>,
    ) -> f32 {
        let Some(askers) = self.askers.get(&language) else { return 0.0 };
        if let Some(known) = self.known.read().ok().and_then(|known| known.get(&(language, number)).copied())
        {
            return known;
        }
        let others = askers.iter().filter(|asker| asker.paper != paper);
        let mut similarities: Vec<f32> = others.map(|asker| vector.similarity(&asker.vector)).collect();
        let nearest = NEAREST.min(similarities.len());
        if nearest == 0 {
            return 0.0;
        }
        similarities.select_nth_unstable_by(nearest - 1, |left, right| right.total_cmp(left));
        let penalty = WEIGHT * similarities.iter().take(nearest).sum::<f32>() / nearest as f32;
        if let Ok(mut known) = self.known.write() {
            known.insert((language, number), penalty);
        }
        penalty
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::index::{ExactIndex, FlatVectors, VectorIndex};

    fn unit(values: [f32; 3]) -> UnitVector {
        UnitVector::new(values.to_vec()).unwrap()
    }

    fn hubs(count: u32) -> Hubs {
        let all = (0..count).map(|at| (PaperNumber(at), at)).collect();
        let commentary = BTreeMap::from([(Language::KOREAN, all)]);
        Hubs::of(commentary, |at| Some(unit([1.0, at as f32 / 1_000.0, 0.0])))
    }

    #[test]
    fn what_is_near_to_every_asker_pays_and_only_in_their_language() {
        let hubs = hubs(60);
        let mut vectors = FlatVectors::new(3);
        vectors.push(1, &[1.0, 0.0, 0.0]).unwrap();
        vectors.push(2, &[0.0, 0.0, 1.0]).unwrap();
        let vectors = ExactIndex::new(Arc::new(vectors));
        let penalty = |language, number| {
            hubs.penalty(language, PaperNumber(999), number, &vectors.coded(number).unwrap())
        };
        let (near, far) = (penalty(Language::KOREAN, 1), penalty(Language::KOREAN, 2));
        assert!((near - WEIGHT).abs() < 0.01 && far.abs() < 1e-6, "{near} {far}");
        assert_eq!(penalty(Language::ENGLISH, 1), 0.0);
        assert_eq!(near, penalty(Language::KOREAN, 1), "kept");
    }

    #[test]
    fn a_few_askers_do_not_tell_and_many_are_sampled() {
        assert!(hubs(FEWEST as u32 - 1).askers.is_empty());
        assert_eq!(hubs(5_000).askers[&Language::KOREAN].len(), MOST);
    }
}
