//! Passages to papers: a paper is as good as its best passage.

use std::collections::HashMap;
use std::hash::Hash;

use crate::index::Neighbour;

/// A paper and the passage that speaks for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked<P> {
    /// Which paper.
    pub paper: P,
    /// Its best passage.
    pub passage: u32,
    /// The centred cosine of that passage to what was asked.
    pub similarity: f32,
}

/// Groups neighbours, best first, into papers, best first.
pub fn by_paper<P: Copy + Eq + Hash>(
    neighbours: impl IntoIterator<Item = Neighbour>,
    paper_of: impl Fn(u32) -> Option<P>,
) -> Vec<Ranked<P>> {
    let mut best: HashMap<P, Ranked<P>> = HashMap::new();
    for neighbour in neighbours {
        let Some(paper) = paper_of(neighbour.number) else { continue };
        let ranked = Ranked { paper, passage: neighbour.number, similarity: neighbour.similarity };
        best.entry(paper)
            .and_modify(|known| {
                if ranked.similarity > known.similarity {
                    *known = ranked;
                }
            })
            .or_insert(ranked);
    }
    let mut ranking: Vec<Ranked<P>> = best.into_values().collect();
    ranking.sort_by(|left, right| {
        right.similarity.total_cmp(&left.similarity).then(left.passage.cmp(&right.passage))
    });
    ranking
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_row_a_paper_whatever_the_number_of_its_passages() {
        let neighbours = [(1, 0.9), (2, 0.8), (3, 0.7), (4, 0.6)]
            .map(|(number, similarity)| Neighbour { number, similarity });
        let ranking =
            by_paper(neighbours, |number| (number != 4).then_some(if number == 3 { 'b' } else { 'a' }));
        let papers: Vec<(char, u32)> = ranking.iter().map(|ranked| (ranked.paper, ranked.passage)).collect();
        assert_eq!(papers, [('a', 1), ('b', 3)]);
    }
}
