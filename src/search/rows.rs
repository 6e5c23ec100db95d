//! Rows of numbers, end to end in one allocation: the values of papers by key, and the passages of papers.

/// Numbers by row.
#[derive(Default)]
pub(super) struct Rows {
    /// Where each row ends in `values`.
    ends: Vec<u32>,
    values: Vec<u32>,
}

impl Rows {
    /// Of pairs of a row and a number, in any order; the numbers of a row ascend.
    pub(super) fn of(pairs: impl Iterator<Item = (u32, u32)>) -> Self {
        let mut pairs: Vec<(u32, u32)> = pairs.collect();
        pairs.sort_unstable();
        let mut ends = Vec::new();
        for (end, (row, _)) in (0_u32..).zip(&pairs) {
            ends.resize(ends.len().max(*row as usize), end);
        }
        ends.push(pairs.len() as u32);
        Self { ends, values: pairs.into_iter().map(|(_, value)| value).collect() }
    }

    /// Adds a row.
    pub(super) fn push(&mut self, row: impl IntoIterator<Item = u32>) {
        self.values.extend(row);
        self.ends.push(u32::try_from(self.values.len()).unwrap_or(u32::MAX));
    }

    /// The numbers of a row; none of a row that is not there.
    pub(super) fn get(&self, row: usize) -> &[u32] {
        let start = row.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(row).copied().unwrap_or(start);
        self.values.get(start as usize..end as usize).unwrap_or_default()
    }

    pub(super) fn shrink_to_fit(&mut self) {
        self.ends.shrink_to_fit();
        self.values.shrink_to_fit();
    }

    pub(super) fn bytes(&self) -> usize {
        (self.ends.capacity() + self.values.capacity()) * size_of::<u32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_its_own_and_others_none() {
        let all = |rows: &Rows| (0..7).map(|row| rows.get(row).to_vec()).collect::<Vec<_>>();
        let expected: [&[u32]; 7] = [&[], &[3], &[0], &[], &[2, 9, 30], &[], &[]];
        let of = Rows::of([(4, 9), (1, 3), (4, 2), (4, 30), (2, 0)].into_iter());
        assert_eq!(all(&of), expected);
        let mut pushed = Rows::default();
        expected[..5].iter().for_each(|row| pushed.push(row.iter().copied()));
        assert_eq!(all(&pushed), expected);
        assert!(of.get(u32::MAX as usize).is_empty());
        assert!(Rows::of(std::iter::empty()).get(0).is_empty());
    }
}
