//! How near what has nothing to do with a library comes to it by chance.
//!
//! The nearest of many is nearer than the nearest of few, and some libraries are nearer to everything than others: questions of
//! everyday life come within 0.10 of three digests, 0.18 of 900 papers on language models, 0.27 of 1,000 Chinese ones. No one floor
//! fits them all. So the library is asked: questions that come with the model's table (`eval/probes.rs`) are searched here, in the
//! language of the question, and the median of how near they come is what chance gives here (in speaker verification "test
//! normalisation" by a cohort of impostors; Auckenthaler, Carey and Lloyd-Thomas 2000). Half of them may be
//! answered by the library before that misleads.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use crate::index::Centring;
use crate::paper::{Language, UnitVector};

/// What chance gives in the small libraries by which the curve of scores was set.
const IN_FEW_PAPERS: f32 = 0.103;
/// A library that grew or shrank by less than this share answers by chance as before.
const SAME: f64 = 0.1;

/// What chance gives in one library, measured when it is first needed.
#[derive(Clone, Debug)]
pub(super) struct Chance {
    papers: u64,
    known: Arc<RwLock<BTreeMap<Option<Language>, f32>>>,
}

impl Chance {
    /// Of a library of so many papers; `before`: of the same library and model earlier.
    pub(super) fn of(papers: u64, before: Option<&Self>) -> Self {
        let is_same =
            |before: &&Self| (before.papers as f64 - papers as f64).abs() <= SAME * before.papers as f64;
        before.filter(is_same).cloned().unwrap_or_else(|| Self { papers, known: Arc::default() })
    }

    /// How much nearer than in few papers everything comes in this library by chance, to a question in `language`; `nearness` tells
    /// how near a raw vector of a question in a language comes.
    ///
    /// # Errors
    /// Those of `nearness`.
    pub(super) fn excess<E>(
        &self,
        language: Language,
        prior: &Centring,
        nearness: impl Fn(Language, &UnitVector) -> Result<Option<f32>, E>,
    ) -> Result<f32, E> {
        // What was measured in no language stands for those without.
        let language = prior.probes.iter().any(|probe| probe.language == language).then_some(language);
        if let Some(known) = self.known.read().ok().and_then(|known| known.get(&language).copied()) {
            return Ok(known);
        }
        let mut all = Vec::new();
        for probe in prior.probes.iter().filter(|probe| language.is_none_or(|of| of == probe.language)) {
            if let Ok(vector) = probe.vector() {
                all.extend(nearness(probe.language, &vector)?);
            }
        }
        all.sort_by(f32::total_cmp);
        let excess = all.get(all.len() / 2).map_or(0.0, |median| median - IN_FEW_PAPERS);
        if let Ok(mut known) = self.known.write() {
            known.insert(language, excess);
        }
        Ok(excess)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::Probe;

    fn prior(languages: &[Language]) -> Centring {
        let vector = UnitVector::new(vec![3.0, 4.0]).unwrap();
        let probes = languages.iter().map(|language| Probe::of(*language, &vector)).collect();
        Centring { probes, ..Centring::none() }
    }

    #[test]
    fn the_median_of_the_language_or_of_all_once() {
        let prior = prior(&[Language::KOREAN, Language::KOREAN, Language::KOREAN, Language::ENGLISH]);
        let chance = Chance::of(100, None);
        let asked = std::cell::Cell::new(0);
        let nearness = |language, vector: &UnitVector| {
            assert!((vector.as_slice()[1] - 0.8).abs() < 1e-6);
            asked.set(asked.get() + 1);
            let near = if language == Language::ENGLISH { 0.5 } else { 0.1 * asked.get() as f32 };
            Ok::<_, ()>(Some(near))
        };
        let of =
            |chance: &Chance, language| chance.excess(language, &prior, nearness).unwrap() + IN_FEW_PAPERS;
        assert!((of(&chance, Language::KOREAN) - 0.2).abs() < 1e-6, "of 0.1, 0.2, 0.3");
        assert!((of(&chance, Language::KOREAN) - 0.2).abs() < 1e-6 && asked.get() == 3, "kept");
        assert!((of(&chance, Language::ENGLISH) - 0.5).abs() < 1e-6);
        assert!(of(&chance, Language::CHINESE) > 0.4 && asked.get() == 8, "all four stand for it");
        assert_eq!(of(&chance, Language::JAPANESE), of(&chance, Language::CHINESE));
        of(&Chance::of(109, Some(&chance)), Language::KOREAN);
        assert_eq!(asked.get(), 8, "nearly as large");
        of(&Chance::of(120, Some(&chance)), Language::KOREAN);
        assert_eq!(asked.get(), 11);
    }

    #[test]
    fn a_table_without_probes_says_nothing() {
        let excess = Chance::of(9, None).excess(Language::KOREAN, &prior(&[]), |_, _| Ok::<_, ()>(Some(1.0)));
        assert_eq!(excess, Ok(0.0));
    }
}
