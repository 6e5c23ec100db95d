//! The passages of each paper, in two rows of numbers: every candidate is judged by all of its own.

use crate::store::PaperNumber;

/// Passages by paper.
#[derive(Default)]
pub(super) struct PassagesOf {
    /// Where those of a paper begin, by the paper's number; one more at the end.
    starts: Vec<u32>,
    passages: Vec<u32>,
}

impl PassagesOf {
    /// Of pairs in any order.
    pub(super) fn of(pairs: impl Iterator<Item = (PaperNumber, u32)>) -> Self {
        let mut pairs: Vec<(PaperNumber, u32)> = pairs.collect();
        pairs.sort_unstable();
        let mut starts = Vec::new();
        for (at, (paper, _)) in (0_u32..).zip(&pairs) {
            starts.resize(starts.len().max(paper.0 as usize + 1), at);
        }
        starts.push(pairs.len() as u32);
        Self { starts, passages: pairs.into_iter().map(|(_, passage)| passage).collect() }
    }

    /// In the order of their numbers; none of a paper that has none.
    pub(super) fn get(&self, paper: PaperNumber) -> &[u32] {
        let at = paper.0 as usize;
        let range = self.starts.get(at).zip(self.starts.get(at + 1));
        range.and_then(|(from, to)| self.passages.get(*from as usize..*to as usize)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_paper_has_its_own_and_others_none() {
        let pairs = [(4, 9), (1, 3), (4, 2), (4, 30), (2, 0)];
        let of = PassagesOf::of(pairs.iter().map(|(paper, passage)| (PaperNumber(*paper), *passage)));
        let all: Vec<&[u32]> = (0..7).map(|paper| of.get(PaperNumber(paper))).collect();
        assert_eq!(all, [&[][..], &[3], &[0], &[], &[2, 9, 30], &[], &[]]);
        assert!(of.get(PaperNumber(u32::MAX)).is_empty());
        assert!(PassagesOf::of(std::iter::empty()).get(PaperNumber(0)).is_empty());
    }
}
