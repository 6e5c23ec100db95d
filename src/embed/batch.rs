//! Which texts go through the model together: sorted by length, under a budget of tokens. Pure.
//!
//! Batches hold no padding, so the budget bounds memory and time alike; neighbours in length keep the batches'
//! times alike, which is what makes progress and Ctrl+C steady.

use std::ops::Range;

/// Groups the positions of `lengths` (tokens of each text) into batches of at most `budget` tokens, longest first.
/// A text over the budget is a batch of its own. Every position is in exactly one batch.
#[must_use]
pub fn plan(lengths: &[usize], budget: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|position| std::cmp::Reverse(lengths[*position]));
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut room = 0;
    for position in order {
        match batches.last_mut() {
            Some(batch) if lengths[position] <= room => {
                room -= lengths[position];
                batch.push(position);
            }
            _ => {
                room = budget.saturating_sub(lengths[position]);
                batches.push(vec![position]);
            }
        }
    }
    batches
}

/// `forward` of `texts` (ids) in batches of at most `budget` tokens: it is given the texts of every batch and answers, in the same
/// order, a vector a text. The vectors come back in the order of `texts`.
///
/// # Errors
/// The first of `forward`.
pub(super) fn in_batches<'t, E>(
    texts: &'t [Vec<u32>],
    budget: usize,
    forward: impl FnOnce(&[Vec<&'t [u32]>]) -> Vec<Result<Vec<Vec<f32>>, E>>,
) -> Result<Vec<Vec<f32>>, E> {
    let lengths: Vec<usize> = texts.iter().map(Vec::len).collect();
    let batches = plan(&lengths, budget);
    let packed = |batch: &Vec<usize>| batch.iter().map(|position| texts[*position].as_slice()).collect();
    let packed: Vec<Vec<&[u32]>> = batches.iter().map(packed).collect();
    let mut vectors = vec![Vec::new(); texts.len()];
    for (batch, outcome) in batches.iter().zip(forward(&packed)) {
        for (position, vector) in batch.iter().zip(outcome?) {
            vectors[*position] = vector;
        }
    }
    Ok(vectors)
}

/// Which rows each of `texts` has where they stand end to end.
pub(super) fn rows_of(texts: &[&[u32]]) -> Vec<Range<usize>> {
    let mut next = 0;
    let rows = |text: &&[u32]| {
        let start = next;
        next += text.len();
        start..next
    };
    texts.iter().map(rows).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_text_once_and_no_batch_over_budget(lengths in prop::collection::vec(1usize..600, 0..80), budget in 512usize..2048) {
            let batches = plan(&lengths, budget);
            let mut seen: Vec<usize> = batches.concat();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..lengths.len()).collect::<Vec<_>>());
            for batch in batches {
                let total: usize = batch.iter().map(|position| lengths[*position]).sum();
                prop_assert!(total <= budget || batch.len() == 1);
            }
        }
    }
}
