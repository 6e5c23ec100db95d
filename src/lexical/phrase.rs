//! Which documents hold a phrase: its steps in one field, each as far from the first as in the question.

use tantivy::postings::{Postings, SegmentPostings};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, InvertedIndexReader, TERMINATED};

use super::index::Segment;
use super::terms::Phrase;

/// For each document of `segment`, whether it holds all `phrases`; `None` if there are none to hold.
pub(super) fn holding(segment: &Segment, phrases: &[Phrase]) -> std::io::Result<Option<Vec<bool>>> {
    let mut holding: Option<Vec<bool>> = None;
    for phrase in phrases {
        let mut here = vec![false; segment.numbers().len()];
        for field in &segment.postings {
            mark(field, phrase, &mut here)?;
        }
        holding = Some(match holding {
            None => here,
            Some(before) => before.iter().zip(&here).map(|(before, here)| *before && *here).collect(),
        });
    }
    Ok(holding)
}

fn mark(field: &InvertedIndexReader, phrase: &Phrase, here: &mut [bool]) -> std::io::Result<()> {
    let mut steps: Vec<(SegmentPostings, u32)> = Vec::with_capacity(phrase.steps.len());
    for (term, offset) in &phrase.steps {
        let Some(info) = field.terms().get(term.as_bytes())? else { return Ok(()) };
        let option = IndexRecordOption::WithFreqsAndPositions;
        steps.push((field.read_postings_from_terminfo(&info, option)?, *offset));
    }
    // The rarest leads.
    steps.sort_by_key(|(postings, _)| postings.size_hint());
    let Some(((lead, lead_offset), others)) = steps.split_first_mut() else { return Ok(()) };
    let (mut starts, mut positions) = (Vec::new(), Vec::new());
    let mut document = lead.doc();
    while document != TERMINATED {
        let ahead = others.iter_mut().map(|(other, _)| seek(other, document)).find(|next| *next != document);
        if let Some(next) = ahead {
            document = seek(lead, next);
            continue;
        }
        starts_of(lead, *lead_offset, &mut starts);
        for (other, offset) in others.iter_mut() {
            if starts.is_empty() {
                break;
            }
            starts_of(other, *offset, &mut positions);
            starts.retain(|start| positions.binary_search(start).is_ok());
        }
        if !starts.is_empty()
            && let Some(here) = usize::try_from(document).ok().and_then(|document| here.get_mut(document))
        {
            *here = true;
        }
        document = lead.advance();
    }
    Ok(())
}

fn seek(postings: &mut SegmentPostings, document: u32) -> u32 {
    if postings.doc() < document { postings.seek(document) } else { postings.doc() }
}

/// Where the phrase would begin by where this step stands.
fn starts_of(postings: &mut SegmentPostings, offset: u32, starts: &mut Vec<u32>) {
    postings.positions(starts);
    starts.retain_mut(|position| {
        let start = position.checked_sub(offset);
        *position = start.unwrap_or(0);
        start.is_some()
    });
}
