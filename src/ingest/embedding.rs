//! Papers to passages to vectors, each batch durable before the next: a kill costs one batch.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::{Event, IngestError, Observer, Report, passages};
use crate::embed::{EncodeError, Encoder, plan};
use crate::paper::{PassageVectors, Role};
use crate::store::{PassageNumber, Pending, StoreError, Writer};

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
        pending.retain(|passage| !passed_over.contains(&passage.number));
        if pending.is_empty() {
            break;
        }
        let lengths: Vec<usize> = pending.iter().map(|passage| encoder.count_tokens(&passage.text)).collect();
        for batch in plan(&lengths, TOKENS_PER_COMMIT) {
            if observer.should_stop() {
                break;
            }
            let passages: Vec<&Pending> = batch.iter().map(|at| &pending[*at]).collect();
            let mut numbered = Vec::with_capacity(batch.len());
            let begun = Instant::now();
            let vectors = encode_each(encoder, &passages)?;
            report.encoding_seconds += begun.elapsed().as_secs_f64();
            for (Pending { number, text, .. }, vectors) in passages.into_iter().zip(vectors) {
                match vectors {
                    Ok(vectors) => numbered.push((*number, vectors)),
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

/// The vectors of each passage, or why it has none: of the whole in both roles, of its sentences as questions, since what is
/// asked mostly is one (on digest-notes and arxiv-zh better than as passages, and half the time of both).
///
/// # Errors
/// What is wrong with the model and not with a passage.
fn encode_each(
    encoder: &dyn Encoder,
    passages: &[&Pending],
) -> Result<Vec<Result<PassageVectors, EncodeError>>, EncodeError> {
    match encode_all(encoder, passages) {
        Ok(vectors) => Ok(vectors.into_iter().map(Ok).collect()),
        Err(error) if !error.is_of_a_text() => Err(error),
        Err(error) if passages.len() == 1 => Ok(vec![Err(error)]),
        // One by one the sound ones go through.
        Err(_) => passages
            .iter()
            .map(|passage| encode_each(encoder, &[passage]))
            .collect::<Result<Vec<_>, _>>()
            .map(|each| each.into_iter().flatten().collect()),
    }
}

fn encode_all(encoder: &dyn Encoder, passages: &[&Pending]) -> Result<Vec<PassageVectors>, EncodeError> {
    let texts: Vec<&str> = passages.iter().map(|passage| passage.text.as_str()).collect();
    let sentences: Vec<&str> =
        passages.iter().flat_map(|passage| &passage.sentences).map(String::as_str).collect();
    let wholes = encoder.encode_both(&texts)?;
    let mut sentences = encoder.encode(Role::Query, &sentences)?.into_iter();
    let each = wholes.into_iter().zip(passages);
    Ok(each
        .map(|(whole, passage)| {
            let sentences = sentences.by_ref().take(passage.sentences.len()).collect();
            PassageVectors { whole, sentences }
        })
        .collect())
}
