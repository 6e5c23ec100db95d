//! One key of all papers: each distinct value is kept once, each paper as the numbers of its values.

use std::collections::HashMap;

use super::rows::Rows;

/// The share of letters that are as they should be where somebody has mistyped a value.
const ALIKE: f64 = 2.0 / 3.0;

/// Texts by number, end to end in one allocation.
#[derive(Default)]
pub(super) struct Texts {
    text: String,
    ends: Vec<usize>,
}

impl Texts {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len());
    }

    fn get(&self, number: usize) -> &str {
        let start = number.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(number).copied().unwrap_or(start);
        self.text.get(start..end).unwrap_or_default()
    }

    fn bytes(&self) -> usize {
        self.text.capacity() + self.ends.capacity() * size_of::<usize>()
    }
}

/// The values of one key, row by row; a row has each value once.
pub(super) struct Column {
    /// As they are compared.
    keys: Texts,
    /// As the first paper that has them spells them.
    shown: Texts,
    rows: Rows,
}

impl Column {
    /// For each value whether `wanted` wants it.
    pub(super) fn wanted(&self, mut wanted: impl FnMut(&str) -> bool) -> Vec<bool> {
        (0..self.keys.ends.len()).map(|value| wanted(self.keys.get(value))).collect()
    }

    /// Whether a value is wanted.
    pub(super) fn contains(&self, mut wanted: impl FnMut(&str) -> bool) -> bool {
        (0..self.keys.ends.len()).any(|value| wanted(self.keys.get(value)))
    }

    /// The value nearest to `key` by letters, as it is shown, if one is near: a third of the letters may differ.
    pub(super) fn like(&self, key: &str) -> Option<&str> {
        let values = 0..self.keys.ends.len();
        let likeness = |value: usize| strsim::normalized_damerau_levenshtein(self.keys.get(value), key);
        let (value, likeness) =
            values.map(|value| (value, likeness(value))).max_by(|one, two| one.1.total_cmp(&two.1))?;
        (likeness >= ALIKE).then(|| self.shown.get(value))
    }

    /// Whether `row` has a value that is wanted.
    pub(super) fn has(&self, row: usize, wanted: &[bool]) -> bool {
        self.row(row).iter().any(|value| wanted.get(*value as usize).is_some_and(|wanted| *wanted))
    }

    /// How many of `rows` have each value, as it is shown; without those that none has.
    pub(super) fn counts(&self, rows: impl Iterator<Item = usize>) -> Vec<(&str, usize)> {
        let mut counts = vec![0_usize; self.shown.ends.len()];
        for row in rows {
            for value in self.row(row) {
                if let Some(count) = counts.get_mut(*value as usize) {
                    *count += 1;
                }
            }
        }
        let counted = counts.into_iter().enumerate().filter(|(_, count)| *count > 0);
        counted.map(|(value, count)| (self.shown.get(value), count)).collect()
    }

    /// The numbers of a row's values.
    pub(super) fn row(&self, row: usize) -> &[u32] {
        self.rows.get(row)
    }

    pub(super) fn bytes(&self) -> usize {
        self.keys.bytes() + self.shown.bytes() + self.rows.bytes()
    }
}

/// A column that grows.
pub(super) struct ColumnBuilder {
    column: Column,
    known: HashMap<Box<str>, u32>,
    key_of: fn(&str) -> String,
    /// Keys are dear to make, and most values come again as they were spelt before.
    spelt: HashMap<Box<str>, u32>,
}

impl ColumnBuilder {
    /// Values with one `key_of` are one value.
    pub(super) fn new(key_of: fn(&str) -> String) -> Self {
        let column = Column { keys: Texts::default(), shown: Texts::default(), rows: Rows::default() };
        Self { column, known: HashMap::new(), key_of, spelt: HashMap::new() }
    }

    /// The number of a value.
    pub(super) fn number(&mut self, value: &str) -> u32 {
        if let Some(number) = self.spelt.get(value) {
            return *number;
        }
        let key = (self.key_of)(value);
        let next = u32::try_from(self.known.len()).unwrap_or(u32::MAX);
        let number = *self.known.entry(key.as_str().into()).or_insert_with(|| {
            self.column.keys.push(&key);
            self.column.shown.push(value);
            next
        });
        self.spelt.insert(value.into(), number);
        number
    }

    /// Adds a row.
    pub(super) fn push<'v>(&mut self, values: impl IntoIterator<Item = &'v str>) {
        let mut row: Vec<u32> = values.into_iter().map(|value| self.number(value)).collect();
        row.sort_unstable();
        row.dedup();
        self.push_numbers(row);
    }

    /// Adds a row of values that have a number, each once.
    pub(super) fn push_numbers(&mut self, row: impl IntoIterator<Item = u32>) {
        self.column.rows.push(row);
    }

    /// What grew.
    pub(super) fn finish(self) -> Column {
        let mut column = self.column;
        column.keys.text.shrink_to_fit();
        column.keys.ends.shrink_to_fit();
        column.shown.text.shrink_to_fit();
        column.shown.ends.shrink_to_fit();
        column.rows.shrink_to_fit();
        column
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_kept_once_and_counted_once_a_row() {
        let mut builder = ColumnBuilder::new(str::to_lowercase);
        builder.push(["MoE", "moe", "시각"]);
        builder.push([]);
        builder.push(["moe"]);
        let column = builder.finish();
        assert_eq!(column.counts(0..3), [("MoE", 2), ("시각", 1)]);
        assert_eq!(column.counts(1..2), []);
        assert!(column.contains(|key| key == "moe") && !column.contains(|key| key == "MoE"));
        let wanted = column.wanted(|key| key == "moe");
        assert_eq!([0, 1, 2, 3].map(|row| column.has(row, &wanted)), [true, false, true, false]);
        assert_eq!(
            [column.like("mo"), column.like("시각화"), column.like("robot")],
            [Some("MoE"), Some("시각"), None]
        );
        assert!(column.bytes() < 200, "{}", column.bytes());
    }
}
