//! Papers to passages to vectors, each batch durable before the next: a kill costs one batch.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::{Event, IngestError, Observer, Report, passages};
use crate::embed::{EncodeError, Encoder, plan};
use crate::paper::UnitVector;
use crate::store::{PassageNumber, StoreError, Writer};

/// Papers that are cut between two commits: a fraction of a second.
const PAPERS_PER_COMMIT: usize = 256;

/// Tokens of text that are embedded, in both roles, between two commits: under a second on a laptop, all that a kill or Ctrl+C
/// can cost.
const TOKENS_PER_COMMIT: usize = 1_024;

/// Passages looked at together, to sort them by length.
const PASSAGES_PER_PLAN: usize = 256;

/// Cuts the papers that are noted for it into passages.
pub(super) fn cut(
    writer: &mut Writer,
    encoder: &dyn Encoder,
    observer: &mut dyn Observer,
) -> Result<(), StoreError> {
    let papers = writer.counts()?.uncut as usize;
    if papers > 0 {
        observer.see(Event::Cutting { papers });
    }
    while !observer.should_stop() {
        match writer.cut(PAPERS_PER_COMMIT, &|paper| passages(paper, encoder))? {
            0 => break,
            papers => observer.see(Event::Cut { papers }),
        }
    }
    Ok(())
}

/// Gives every passage its vector.
pub(super) fn embed(
    writer: &mut Writer,
    encoder: &dyn Encoder,
    observer: &mut dyn Observer,
    report: &mut Report,
) -> Result<(), IngestError> {
    let total = writer.counts()?.pending as usize;
    if total == 0 {
        return Ok(());
    }
    observer.see(Event::Embedding { passages: total });
    let started = Instant::now();
    // One passage that cannot be embedded must not keep all others from it; it is tried again by the next run.
    let mut passed_over: HashSet<PassageNumber> = HashSet::new();
    while !observer.should_stop() {
        let mut pending = writer.pending(PASSAGES_PER_PLAN + passed_over.len())?;
        pending.retain(|(number, _)| !passed_over.contains(number));
        if pending.is_empty() {
            break;
        }
        let lengths: Vec<usize> = pending.iter().map(|(_, text)| encoder.count_tokens(text)).collect();
        for batch in plan(&lengths, TOKENS_PER_COMMIT) {
            if observer.should_stop() {
                break;
            }
            let texts: Vec<&str> = batch.iter().map(|at| pending[*at].1.as_str()).collect();
            let mut numbered = Vec::with_capacity(batch.len());
            let begun = Instant::now();
            let vectors = encode_each(encoder, &texts)?;
            report.encoding_seconds += begun.elapsed().as_secs_f64();
            for (at, vector) in batch.iter().zip(vectors) {
                let (number, text) = &pending[*at];
                match vector {
                    Ok(vector) => numbered.push((*number, vector)),
                    Err(error) => {
                        report.refused += 1;
                        passed_over.insert(*number);
                        observer.see(Event::Unreadable { text, error: &error });
                    }
                }
            }
            let tokens = batch.iter().map(|at| lengths[*at]).sum();
            writer.put_vectors(&numbered)?;
            report.embedded += numbered.len();
            report.tokens += tokens;
            observer.see(Event::Embedded { passages: numbered.len(), tokens });
        }
    }
    report.embedding_seconds = started.elapsed().max(Duration::from_millis(1)).as_secs_f64();
    Ok(())
}

/// A vector of each text, or why that text has none.
///
/// # Errors
/// What is wrong with the model and not with a text.
fn encode_each(
    encoder: &dyn Encoder,
    texts: &[&str],
) -> Result<Vec<Result<UnitVector, EncodeError>>, EncodeError> {
    match encoder.encode_both(texts) {
        Ok(vectors) => Ok(vectors.into_iter().map(Ok).collect()),
        Err(error) if !error.is_of_a_text() => Err(error),
        Err(error) if texts.len() == 1 => Ok(vec![Err(error)]),
        // One by one the sound ones go through.
        Err(_) => texts
            .iter()
            .map(|text| encode_each(encoder, &[text]))
            .collect::<Result<Vec<_>, _>>()
            .map(|each| each.into_iter().flatten().collect()),
    }
}
