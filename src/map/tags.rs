//! Which few tags a map is coloured by: those that together are of the most papers.
//!
//! Many libraries have more tags than there are colours that everybody can tell apart. Where tags are nested (`math.AG`, `nlp/parsing`), what
//! they begin with stands for all of them, unless that is most of the library and tells nothing.

use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;

/// As many as there are colours: the nine of Paul Tol's scheme "muted", which people with any colour vision tell apart.
pub const MOST_TAGS: usize = 9;
/// What begins more of the papers than this share is divided.
const WIDEST: f64 = 0.4;
/// The number of a paper that has none of the tags.
pub const OTHER: u8 = u8::MAX;

/// A tag, or all tags that begin alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MapTag {
    /// The tag; `math.*` for all that begin so.
    pub value: String,
    /// Papers coloured by it.
    pub papers: usize,
}

/// The tags of papers, by number.
#[derive(Default)]
pub(super) struct Tags {
    numbers: HashMap<String, u32>,
    names: Vec<String>,
    /// For each paper its tags, in its order, and what they begin with.
    of_papers: Vec<Vec<u32>>,
}

impl Tags {
    /// The next paper.
    pub(super) fn push(&mut self, tags: &[String]) {
        let mut numbers = Vec::with_capacity(tags.len() * 2);
        for tag in tags {
            numbers.push(self.number(tag));
            if let Some(beginning) = beginning(tag) {
                numbers.push(self.number(&beginning));
            }
        }
        self.of_papers.push(numbers);
    }

    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.names.len() as u32;
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }

    /// The tags that colour the papers, the commonest first, and for each paper its tag's place among them or [`OTHER`].
    pub(super) fn chosen(&self) -> (Vec<MapTag>, Vec<u8>) {
        let chosen = self.cover();
        let mut places: Vec<Option<u8>> = vec![None; self.names.len()];
        for (at, number) in (0..).zip(&chosen) {
            if let Some(place) = places.get_mut(*number as usize) {
                *place = Some(at);
            }
        }
        // What a paper names first is what it is most of: arXiv's primary category, the first tag of a note.
        let of = |numbers: &Vec<u32>| {
            numbers.iter().find_map(|number| places.get(*number as usize).copied().flatten())
        };
        let colours: Vec<Option<u8>> = self.of_papers.iter().map(of).collect();
        let mut counted: Vec<(usize, u8)> = (0..chosen.len() as u8)
            .map(|place| (colours.iter().filter(|colour| **colour == Some(place)).count(), place))
            .collect();
        counted.sort_by(|one, two| two.0.cmp(&one.0).then(one.1.cmp(&two.1)));
        let mut ranks = vec![OTHER; chosen.len()];
        for (rank, (_, place)) in (0..).zip(&counted) {
            if let Some(slot) = ranks.get_mut(usize::from(*place)) {
                *slot = rank;
            }
        }
        let tags = counted.iter().filter_map(|(papers, place)| {
            let number = chosen.get(usize::from(*place))?;
            Some(MapTag { value: self.names.get(*number as usize)?.clone(), papers: *papers })
        });
        let ranked = |colour: &Option<u8>| {
            colour.and_then(|place| ranks.get(usize::from(place)).copied()).unwrap_or(OTHER)
        };
        (tags.collect(), colours.iter().map(ranked).collect())
    }

    /// Greedily: each time the tag of the most papers that have none yet.
    fn cover(&self) -> Vec<u32> {
        let mut of_tags: Vec<u32> = vec![0; self.names.len()];
        for number in self.of_papers.iter().flat_map(|numbers| distinct(numbers)) {
            if let Some(count) = of_tags.get_mut(number as usize) {
                *count += 1;
            }
        }
        let widest = (self.of_papers.len() as f64 * WIDEST) as u32;
        let mut members: HashMap<String, u32> = HashMap::new();
        for name in self.names.iter().filter_map(|name| beginning(name)) {
            *members.entry(name).or_default() += 1;
        }
        // What begins one tag only is that tag.
        let stands_for_many = |name: &String| members.get(name).is_some_and(|tags| *tags > 1);
        let allowed: Vec<bool> = (self.names.iter().zip(&of_tags))
            .map(|(name, count)| !name.ends_with('*') || stands_for_many(name) && *count <= widest)
            .collect();
        let mut open: Vec<&Vec<u32>> = self.of_papers.iter().filter(|numbers| !numbers.is_empty()).collect();
        let mut chosen = Vec::new();
        while chosen.len() < MOST_TAGS && !open.is_empty() {
            let mut gains: Vec<u32> = vec![0; self.names.len()];
            for number in open.iter().flat_map(|numbers| distinct(numbers)) {
                if let Some(gain) = gains.get_mut(number as usize) {
                    *gain += 1;
                }
            }
            let candidates = (0..).zip(&gains).filter(|(number, gain)| {
                **gain > 0 && allowed.get(*number as usize).copied().unwrap_or_default()
            });
            // The narrower of two that gain the same, and then the first.
            let Some((best, _)) = candidates.min_by_key(|(number, gain)| {
                (std::cmp::Reverse(**gain), of_tags.get(*number as usize).copied(), *number)
            }) else {
                break;
            };
            chosen.push(best);
            open.retain(|numbers| !numbers.contains(&best));
        }
        chosen
    }
}

fn distinct(numbers: &[u32]) -> impl Iterator<Item = u32> {
    numbers
        .iter()
        .enumerate()
        .filter(|(at, number)| !numbers[..*at].contains(number))
        .map(|(_, number)| *number)
}

/// `math.*` of `math.AG`, `nlp/*` of `nlp/parsing`.
fn beginning(tag: &str) -> Option<String> {
    let at = tag.find(['.', '/'])?;
    let (beginning, rest) = tag.split_at(at);
    let separator = rest.chars().next()?;
    (!beginning.is_empty() && rest.len() > separator.len_utf8() && !tag.ends_with('*'))
        .then(|| format!("{beginning}{separator}*"))
}
