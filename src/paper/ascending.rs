//! Rows of numbers that ascend, as the store gives them out: few are missing, so a number's place is near its distance from the first.

/// The place of `number` among `numbers`, which ascend.
#[must_use]
pub fn place_of(numbers: &[u32], number: u32) -> Option<usize> {
    let distance = number.checked_sub(*numbers.first()?)? as usize;
    if numbers.get(distance) == Some(&number) {
        return Some(distance);
    }
    // No number lies further from the first than it is greater.
    numbers.get(..distance.min(numbers.len()))?.binary_search(&number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_where_it_is_and_no_other_is_anywhere() {
        let rows: [Vec<u32>; 5] = [
            vec![],
            vec![7],
            (5..90).collect(),
            (0..900).filter(|n| n % 7 > 1).collect(),
            vec![0, 1, u32::MAX],
        ];
        for row in rows {
            for number in (0..1_000).chain([u32::MAX - 1, u32::MAX]) {
                assert_eq!(place_of(&row, number), row.iter().position(|known| *known == number), "{number}");
            }
        }
    }
}
