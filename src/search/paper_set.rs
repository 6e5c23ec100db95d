//! A set of papers: one bit for each number that was ever given.

use crate::store::PaperNumber;

/// Papers, by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaperSet {
    words: Vec<u64>,
    len: usize,
}

impl PaperSet {
    /// Whether `paper` is in it.
    #[must_use]
    pub fn contains(&self, paper: PaperNumber) -> bool {
        let (word, bit) = place(paper);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a paper.
    pub fn insert(&mut self, paper: PaperNumber) {
        let (at, bit) = place(paper);
        if self.words.len() <= at {
            self.words.resize(at + 1, 0);
        }
        if let Some(word) = self.words.get_mut(at) {
            self.len += usize::from(*word & bit == 0);
            *word |= bit;
        }
    }

    /// Takes a paper away.
    pub fn remove(&mut self, paper: PaperNumber) {
        let (at, bit) = place(paper);
        if let Some(word) = self.words.get_mut(at) {
            self.len -= usize::from(*word & bit != 0);
            *word &= !bit;
        }
    }

    /// By ascending number.
    pub fn iter(&self) -> impl Iterator<Item = PaperNumber> + '_ {
        (0_u32..).zip(&self.words).flat_map(|(at, word)| {
            (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| PaperNumber(at * 64 + bit))
        })
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        self.words.capacity() * size_of::<u64>()
    }
}

fn place(paper: PaperNumber) -> (usize, u64) {
    ((paper.0 / 64) as usize, 1 << (paper.0 % 64))
}

impl FromIterator<PaperNumber> for PaperSet {
    fn from_iter<I: IntoIterator<Item = PaperNumber>>(papers: I) -> Self {
        let mut set = Self::default();
        papers.into_iter().for_each(|paper| set.insert(paper));
        set
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_a_set(changes in prop::collection::vec((0_u32..300, any::<bool>()), 0..200)) {
            let (mut set, mut oracle) = (PaperSet::default(), BTreeSet::new());
            for (number, added) in changes {
                if added {
                    set.insert(PaperNumber(number));
                    oracle.insert(PaperNumber(number));
                } else {
                    set.remove(PaperNumber(number));
                    oracle.remove(&PaperNumber(number));
                }
            }
            prop_assert_eq!(set.len(), oracle.len());
            prop_assert_eq!(set.is_empty(), oracle.is_empty());
            prop_assert!((0..310).all(|number| set.contains(PaperNumber(number)) == oracle.contains(&PaperNumber(number))));
            prop_assert_eq!(set.iter().collect::<Vec<_>>(), oracle.into_iter().collect::<Vec<_>>());
        }
    }
}
