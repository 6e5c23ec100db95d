//! What ties papers beside their texts: tags that they share, and links in their commentary.
//!
//! Which papers are tied to those asked about is judged for hundreds of candidates: from memory where all papers' facts are read
//! already, as in a service, else paper by paper from the store. Both say the same.

use std::collections::HashSet;

use super::facts::{Facts, same_tag};
use super::{Link, SearchError, Searcher, Why};
use crate::paper::Paper;
use crate::store::PaperNumber;

/// What a link between the two papers adds: somebody has said that they belong together.
const LINK_WEIGHT: f32 = 0.2;
/// What each shared tag adds, up to three.
const TAG_WEIGHT: f32 = 0.03;
const TAGS: usize = 3;
/// What all that adds at most.
pub(super) const MOST_EVIDENCE: f32 = LINK_WEIGHT + TAG_WEIGHT * TAGS as f32;

/// The ties of the papers asked about.
pub(super) struct Bonds<'s> {
    searcher: &'s Searcher,
    asked: &'s [(PaperNumber, Paper)],
    /// The papers that the commentary of those leads to.
    pub(super) linked: Vec<PaperNumber>,
    known: Option<Known<'s>>,
}

/// The same in memory.
struct Known<'s> {
    facts: &'s Facts,
    /// Numbers of their tags.
    tags: Vec<u32>,
    /// Papers that are linked with them, in either direction.
    links: HashSet<PaperNumber>,
}

impl<'s> Bonds<'s> {
    pub(super) fn of(searcher: &'s Searcher, asked: &'s [(PaperNumber, Paper)]) -> Result<Self, SearchError> {
        let mut linked = Vec::new();
        for mention in asked.iter().flat_map(|(_, paper)| &paper.mentions) {
            linked.extend(searcher.snapshot.number_of_mention(mention)?);
        }
        let known = match searcher.facts.get() {
            None => None,
            Some(facts) => {
                let mut links: HashSet<PaperNumber> = linked.iter().copied().collect();
                for (number, paper) in asked {
                    let records = searcher.snapshot.records(*number)?;
                    let notes = records.iter().filter_map(|record| record.note.as_deref());
                    links.extend(facts.mentioning(paper, notes));
                }
                let tags = facts.tags_of(asked.iter().map(|(number, _)| *number));
                Some(Known { facts, tags, links })
            }
        };
        Ok(Self { searcher, asked, linked, known })
    }

    /// What ties the paper to those asked about, as a number to rank by.
    pub(super) fn weight(&self, number: PaperNumber) -> Result<f32, SearchError> {
        let (is_linked, shared) = match &self.known {
            Some(Known { facts, tags, links }) => (links.contains(&number), facts.shared_tags(number, tags)),
            None => {
                let Some(paper) = self.searcher.snapshot.paper(number)? else { return Ok(0.0) };
                let why = self.why(number, &paper)?;
                (!why.mentions.is_empty(), why.shared_tags.len())
            }
        };
        let link = if is_linked { LINK_WEIGHT } else { 0.0 };
        Ok(link + TAG_WEIGHT * shared.min(TAGS) as f32)
    }

    /// The same, told.
    pub(super) fn why(&self, number: PaperNumber, paper: &Paper) -> Result<Why, SearchError> {
        let mut why = Why::default();
        for (asked_number, asked_paper) in self.asked {
            for tag in &paper.tags {
                let is = |other: &String| same_tag(other, tag);
                if asked_paper.tags.iter().any(is) && !why.shared_tags.iter().any(is) {
                    why.shared_tags.push(tag.clone());
                }
            }
            if self.searcher.leads_to(&paper.mentions, *asked_number)? {
                why.mentions.push(Link { from: paper.id.clone(), to: asked_paper.id.clone() });
            }
            if self.searcher.leads_to(&asked_paper.mentions, number)? {
                why.mentions.push(Link { from: asked_paper.id.clone(), to: paper.id.clone() });
            }
        }
        Ok(why)
    }
}
