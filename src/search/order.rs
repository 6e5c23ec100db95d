//! Ranked papers, ordered otherwise: by date, with newer ones preferred, or with less of the same.
//!
//! Pure functions over anything that has a score; whoever calls them says how many candidates there are.

use jiff::civil::Date;

/// The newest first, undated last; of one day the better score first.
pub fn by_date<T>(ranked: &mut [T], date: impl Fn(&T) -> Option<Date>, score: impl Fn(&T) -> f32) {
    // `None` is the least date.
    ranked.sort_by(|left, right| {
        date(right).cmp(&date(left)).then_with(|| score(right).total_cmp(&score(left)))
    });
}

/// Halves scores for every `half_life` days that a paper is older than `today`, and sorts by them; of equals the newer
/// first. The undated count as old as the oldest. What scores nothing or less keeps its score.
pub fn prefer_recent<T>(
    ranked: &mut [T],
    today: Date,
    half_life: f32,
    date: impl Fn(&T) -> Option<Date>,
    score: impl Fn(&T) -> f32,
    rescore: impl Fn(&mut T, f32),
) {
    let days = |date: Date| f64::from(today.since(date).map_or(0, |span| span.get_days()).max(0));
    let oldest = ranked.iter().filter_map(&date).map(days).fold(0.0, f64::max);
    for one in ranked.iter_mut() {
        let before = score(one);
        if before > 0.0 {
            let age = date(one).map_or(oldest, days);
            rescore(one, (f64::from(before) * (-age / f64::from(half_life)).exp2()) as f32);
        }
    }
    ranked.sort_by(|left, right| {
        score(right).total_cmp(&score(left)).then_with(|| date(right).cmp(&date(left)))
    });
}

/// The `limit` best by maximal marginal relevance (Carbonell and Goldstein 1998): each next one has the highest
/// (1 - diversity) · score - diversity · (its greatest similarity to those chosen before).
///
/// `similarity` is on the scale of the score; what it cannot compare is like nothing. Costs `limit` · candidates.
pub fn diverse<T>(
    ranked: Vec<T>,
    limit: usize,
    diversity: f32,
    score: impl Fn(&T) -> f32,
    similarity: impl Fn(&T, &T) -> Option<f32>,
) -> Vec<T> {
    let mut left: Vec<(T, f32)> = ranked.into_iter().map(|one| (one, 0.0)).collect();
    let mut chosen: Vec<T> = Vec::new();
    while chosen.len() < limit {
        let worth = |(one, likeness): &(T, f32)| (1.0 - diversity) * score(one) - diversity * likeness;
        // Of equals the one that was ranked first.
        let best = left.iter().enumerate().rev().max_by(|(_, a), (_, b)| worth(a).total_cmp(&worth(b)));
        let Some(at) = best.map(|(at, _)| at) else { break };
        let (next, _) = left.remove(at);
        for (one, likeness) in &mut left {
            *likeness = likeness.max(similarity(one, &next).unwrap_or(0.0));
        }
        chosen.push(next);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Found(char, f32, Option<Date>);

    fn found(name: char, score: f32, date: &str) -> Found {
        Found(name, score, date.parse().ok())
    }

    fn names(ranked: &[Found]) -> String {
        ranked.iter().map(|found| found.0).collect()
    }

    fn recent(mut ranked: Vec<Found>, half_life: f32) -> Vec<Found> {
        let today = "2026-11-22".parse().unwrap();
        prefer_recent(
            &mut ranked,
            today,
            half_life,
            |found| found.2,
            |found| found.1,
            |found, score| found.1 = score,
        );
        ranked
    }

    #[test]
    fn the_newest_first_and_the_undated_last() {
        let mut ranked = vec![
            found('a', 0.9, ""),
            found('b', 0.8, "2020-01-01"),
            found('c', 0.7, "2024-05-01"),
            found('d', 0.95, "2020-01-01"),
        ];
        by_date(&mut ranked, |found| found.2, |found| found.1);
        assert_eq!(names(&ranked), "cdba");
    }

    #[test]
    fn a_half_life_halves() {
        let ranked = recent(
            vec![
                found('a', 0.8, "2024-11-22"),
                found('b', 0.7, "2026-11-22"),
                found('c', 0.6, "2030-01-01"),
                found('d', -0.1, "2026-11-22"),
                found('e', 0.8, ""),
            ],
            365.0,
        );
        assert_eq!(names(&ranked), "bcaed", "the future is as new as today");
        assert!((ranked[2].1 - 0.2).abs() < 1e-3, "two years are two half-lives: {}", ranked[2].1);
        assert_eq!(ranked[2].1, ranked[3].1, "undated is as old as the oldest");
        assert_eq!(ranked[4].1, -0.1);
        let tiny = recent(vec![found('a', 0.9, "1000-01-01"), found('b', 0.1, "2001-01-01")], 0.001);
        assert_eq!(names(&tiny), "ba", "decayed to nothing, the newer first");
    }

    /// Three near-twins and one that is unlike them.
    fn like(left: &Found, right: &Found) -> Option<f32> {
        Some(if left.0.is_uppercase() == right.0.is_uppercase() { 0.95 } else { 0.1 })
    }

    #[test]
    fn less_of_the_same() {
        let ranked =
            vec![found('a', 0.9, ""), found('b', 0.89, ""), found('c', 0.88, ""), found('D', 0.5, "")];
        let at = |diversity, limit| names(&diverse(ranked.clone(), limit, diversity, |found| found.1, like));
        assert_eq!(at(0.0, 4), "abcD");
        assert_eq!(at(0.5, 2), "aD");
        assert_eq!(at(0.5, 9), "aDbc");
        assert_eq!(at(1.0, 2), "aD");
        assert_eq!(at(0.5, 0), "");
        assert_eq!(
            names(&diverse(ranked, 4, 0.9, |found| found.1, |_, _| None)),
            "abcD",
            "no vectors: the scores"
        );
    }

    proptest! {
        #[test]
        fn nothing_comes_and_nothing_goes(
            scores in prop::collection::vec((-1.0_f32..1.0, 0_i16..3), 0..20),
            diversity in 0.0_f32..=1.0,
            limit in 0_usize..25,
        ) {
            let ranked: Vec<Found> = scores.iter().zip('a'..).map(|((score, year), name)| {
                Found(name, *score, (*year > 0).then(|| Date::new(2020 + year, 1, 1).unwrap()))
            }).collect();
            let chosen = diverse(ranked.clone(), limit, diversity, |found| found.1, |left, right| Some(left.1 * right.1));
            prop_assert_eq!(chosen.len(), limit.min(ranked.len()));
            // The definition, computed anew for each place.
            for (place, one) in chosen.iter().enumerate() {
                let worth = |found: &Found| {
                    let likeness = chosen[..place].iter().map(|before| found.1 * before.1).fold(0.0, f32::max);
                    (1.0 - diversity) * found.1 - diversity * likeness
                };
                let free = ranked.iter().filter(|found| !chosen[..place].contains(found));
                prop_assert!(free.map(worth).all(|other| other <= worth(one) + 1e-6));
            }
            let letters = |ranked: &[Found]| { let mut all: Vec<char> = names(ranked).chars().collect(); all.sort_unstable(); all };
            let mut dated = ranked.clone();
            by_date(&mut dated, |found| found.2, |found| found.1);
            prop_assert!(dated.is_sorted_by(|left, right| left.2 > right.2 || left.2 == right.2 && left.1 >= right.1));
            prop_assert_eq!(letters(&dated), letters(&ranked));
            let newer = recent(ranked.clone(), 100.0);
            prop_assert!(newer.is_sorted_by(|left, right| left.1 >= right.1));
            prop_assert_eq!(letters(&newer), letters(&ranked));
        }
    }
}
