//! One paper as an item of CSL-JSON.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::ids;
use crate::paper::{Paper, family_and_given};

pub(super) fn write(paper: &Paper, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &item(paper)).map_err(io::Error::from)
}

fn item(paper: &Paper) -> Value {
    let (arxiv, doi) = ids(paper);
    let mut item = Map::new();
    let mut set = |key: &str, value: Value| {
        item.insert(key.to_owned(), value);
    };
    set("id", json!(paper.id.to_string()));
    set("type", json!(if paper.venue.is_some() { "article-journal" } else { "article" }));
    set("title", json!(paper.title));
    if !paper.authors.is_empty() {
        set("author", paper.authors.iter().map(|name| person(name)).collect());
    }
    if let Some(date) = paper.date {
        let parts = [i32::from(date.year()), date.month().into(), date.day().into()];
        set("issued", json!({"date-parts": [parts[..super::known_parts(date)]]}));
    }
    if let Some(venue) = &paper.venue {
        set("container-title", json!(venue));
    }
    if let Some(doi) = doi {
        set("DOI", json!(doi.as_str()));
    }
    if let Some(id) = arxiv {
        set("number", json!(format!("arXiv:{}", id.as_str())));
        set("publisher", json!("arXiv"));
    }
    if let Some(url) = &paper.url {
        set("URL", json!(url));
    }
    if !paper.tags.is_empty() {
        set("keyword", json!(paper.tags.join(", ")));
    }
    if let Some(text) = &paper.abstract_text {
        set("abstract", json!(text));
    }
    if !paper.commentaries.is_empty() {
        let texts: Vec<&str> = paper.commentaries.iter().map(|note| note.commentary.text.as_str()).collect();
        set("annote", json!(texts.join("\n\n")));
    }
    if !paper.repositories.is_empty() {
        // CSL has no field for code; this is its place for what it has none for.
        set("custom", json!({"repositories": paper.repositories}));
    }
    Value::Object(item)
}

fn person(name: &str) -> Value {
    match family_and_given(name) {
        Some((family, given, Some(suffix))) => json!({"family": family, "given": given, "suffix": suffix}),
        Some((family, given, None)) => json!({"family": family, "given": given}),
        None => json!({"literal": name}),
    }
}
