//! One paper as lines of JSON in the shape that `corpus` reads, so that nothing is lost that a record can hold.
//!
//! The first line is the paper. A record has one abstract and one date: other abstracts, and commentaries of another date, stand in
//! further lines under the same names, and are merged with the first when they are read.

use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::{ExportError, ids};
use crate::paper::{Mention, Note, Paper};
use crate::store::{PaperNumber, Snapshot};

pub(super) fn write(paper: &Paper, vectors: Option<Value>, out: &mut dyn Write) -> io::Result<()> {
    let mut rest = paper.commentaries.as_slice();
    let mut first = named(paper, paper.date);
    first.insert("id".to_owned(), json!(paper.id.to_string()));
    for (key, value) in [
        ("abstract", json!(paper.abstract_text)),
        ("venue", json!(paper.venue)),
        ("url", json!(paper.url)),
        ("tags", json!(paper.tags)),
        ("repositories", json!(paper.repositories)),
        ("mentions", paper.mentions.iter().map(mention).collect()),
        ("commentary", commentaries(take_dated(&mut rest, paper.date))),
        ("vectors", vectors.unwrap_or_default()),
    ] {
        set(&mut first, key, value);
    }
    line(first, out)?;
    for note in &paper.other_abstracts {
        let mut more = named(paper, note.date);
        set(&mut more, "abstract", json!(note.commentary.text));
        line(more, out)?;
    }
    while let Some(next) = rest.first() {
        let mut more = named(paper, next.date);
        set(&mut more, "commentary", commentaries(take_dated(&mut rest, next.date)));
        line(more, out)?;
    }
    Ok(())
}

/// What every line says: which paper it is about, and of which date.
fn named(paper: &Paper, date: Option<Date>) -> Map<String, Value> {
    let (arxiv, doi) = ids(paper);
    let registered: Vec<String> =
        paper.names().filter(|id| id.is_registered()).map(ToString::to_string).collect();
    let mut object = Map::new();
    set(&mut object, "arxiv_id", json!(arxiv.map(|id| id.as_str())));
    set(&mut object, "doi", json!(doi.map(|doi| doi.as_str())));
    if registered.len() > usize::from(arxiv.is_some()) + usize::from(doi.is_some()) {
        set(&mut object, "ids", json!(registered));
    }
    set(&mut object, "title", json!(paper.title));
    set(&mut object, "authors", json!(paper.authors));
    set(&mut object, "date", json!(date.map(|date| date.to_string())));
    object
}

/// A field that says nothing is left out.
fn set(object: &mut Map<String, Value>, key: &str, value: Value) {
    let empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    if !empty {
        object.insert(key.to_owned(), value);
    }
}

/// The notes of `date` at the head of `rest`.
fn take_dated<'a>(rest: &mut &'a [Note], date: Option<Date>) -> &'a [Note] {
    let count = rest.iter().take_while(|note| note.date == date).count();
    let (taken, left) = rest.split_at(count);
    *rest = left;
    taken
}

fn commentaries(notes: &[Note]) -> Value {
    notes
        .iter()
        .map(|note| json!({"text": note.commentary.text, "language": note.commentary.language.code()}))
        .collect()
}

fn mention(mention: &Mention) -> Value {
    match mention {
        Mention::Paper(id) => json!(id.to_string()),
        Mention::Note(name) => json!(name),
    }
}

fn line(object: Map<String, Value>, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &Value::Object(object))?;
    out.write_all(b"\n")
}

/// The raw vectors of a paper's passages, as base64 of little-endian f32; those not embedded yet are left out.
pub(super) fn vectors_of(
    snapshot: &Snapshot,
    number: PaperNumber,
    model: &str,
) -> Result<Value, ExportError> {
    let mut passages = Vec::new();
    for (number, passage) in snapshot.passages_of(number)? {
        let Some(vector) = snapshot.vector(number)? else { continue };
        let bytes: Vec<u8> = vector.as_slice().iter().flat_map(|value| value.to_le_bytes()).collect();
        passages.push(json!({
            "kind": passage.kind.name(),
            "ordinal": passage.ordinal,
            "start": passage.start,
            "end": passage.end,
            "vector": STANDARD.encode(bytes),
        }));
    }
    Ok(json!({"model": model, "passages": passages}))
}
