//! `/library`: what is in the library, where it comes from, by what it is found, and how more comes in.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::address::address;
use super::view::{name_of, source_name};
use super::words::Words;
use super::{Frame, Here, shown};
use crate::index::{Effort, Published};
use crate::paper::Language;
use crate::search::{Facet, Filter};
use crate::server::error::Failure;
use crate::server::library::index_words;
use crate::server::state::{AppState, off_thread};

/// Files that are named; there may be thousands.
const SHOWN: usize = 50;

#[derive(Template)]
#[template(path = "library.html", config = "src/server/page/askama.toml")]
struct LibraryPage {
    frame: Frame,
    papers: u64,
    passages: u64,
    waiting: u64,
    model: String,
    index: String,
    recall: Option<&'static str>,
    graph: Option<String>,
    trouble: Option<String>,
    lists: Vec<List>,
    exports: Vec<(&'static str, &'static str)>,
    upload_megabytes: usize,
}

/// Values with their papers.
struct List {
    heading: &'static str,
    values: Vec<Value>,
}

struct Value {
    label: String,
    /// The whole of what `label` shows a part of.
    title: String,
    href: String,
    count: usize,
}

/// `/library`
pub(super) async fn page(State(state): State<AppState>, words: &'static Words) -> Response {
    shown(library_page(&state, words).await, words, "")
}

async fn library_page(state: &AppState, words: &'static Words) -> Result<LibraryPage, Failure> {
    let searcher = state.library.searcher()?;
    let folder = state.library.folder().to_owned();
    // The index may be damaged, which `trouble` tells.
    let published = off_thread(move || Ok(Published::peek(&folder).ok().flatten())).await?;
    let (facets, formats) =
        state.look(|searcher| Ok((searcher.facets(&Filter::default())?, searcher.formats()?))).await?;
    let list = |heading, key: &'static str, values: &[Facet]| {
        let value = |facet: &Facet| Value {
            label: match key {
                "lang" => Language::parse(&facet.value).map_or_else(|| facet.value.clone(), name_of),
                "source" => source_name(&facet.value).to_owned(),
                _ => facet.value.clone(),
            },
            title: facet.value.clone(),
            href: address("/", [(key, &facet.value)]),
            count: facet.count,
        };
        List { heading, values: values.iter().take(SHOWN).map(value).collect() }
    };
    let mut lists = vec![
        list(words.languages, "lang", &facets.langs),
        list(words.formats, "source", &formats),
        list(words.tags, "tag", &facets.tags),
        list(words.years, "year", &facets.years),
        list(words.sources, "source", &facets.sources),
    ];
    lists.retain(|list| !list.values.is_empty());
    let counts = searcher.counts();
    let (index, recall, graph) = match published {
        None => (words.index_missing.to_owned(), None, None),
        Some((number, manifest)) => (
            (words.generation)(number, manifest.count),
            manifest.effort.is_none().then_some(words.index_scanned),
            manifest.effort.map(|Effort { recall, .. }| (words.graph)(recall)),
        ),
    };
    let model = state.library.model().map(|model| model.encoder.fingerprint().to_owned());
    Ok(LibraryPage {
        frame: Frame::new(words, Here::Library),
        papers: counts.papers,
        passages: counts.passages,
        waiting: counts.pending,
        model: model.unwrap_or_default(),
        index,
        recall,
        graph,
        // In an empty library there is nothing to index.
        trouble: index_words(&searcher).1.filter(|_| counts.papers > 0),
        lists,
        exports: vec![
            ("BibTeX", "/v1/export?format=bibtex"),
            ("RIS", "/v1/export?format=ris"),
            ("CSL-JSON", "/v1/export?format=csl"),
            ("Markdown", "/v1/export?format=markdown"),
            ("JSON Lines", "/v1/export"),
        ],
        upload_megabytes: state.limits.upload_bytes / 1_000_000,
    })
}
