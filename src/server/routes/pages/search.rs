//! `/`: asks, lists, narrows down and steers, as its address says ([`Asked`]).

use std::path::Path;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::address::Said;
use super::asked::Asked;
use super::hit::HitView;
use super::view::{About, name_of, source_name};
use super::words::Words;
use super::{Frame, Here, shown};
use crate::paper::{Language, PaperId};
use crate::search::{Answer, AskedText, Facet, Facets, RequestError, SearchError, Searcher, Sort};
use crate::server::error::Failure;
use crate::server::extract::Query;
use crate::server::library::index_words;
use crate::server::routes::DEFAULT_HITS;
use crate::server::routes::options::Pairs;
use crate::server::state::AppState;

/// Values of a facet that stand open; the rest unfolds.
const OPEN: usize = 8;
/// Values of a facet in all: more is for the box.
const MOST: usize = 40;

#[derive(Template)]
#[template(path = "search.html", config = "src/server/page/askama.toml")]
struct SearchPage {
    frame: Frame,
    heading: Option<String>,
    /// Papers that the list is steered by.
    liked: Vec<Steering>,
    unliked: Vec<Steering>,
    chips: Vec<Chip>,
    clear: Option<String>,
    sides: Vec<Side>,
    sorts: Vec<Choice>,
    feed: String,
    answer: Option<AnswerView>,
    papers: u64,
    /// The command that reads papers in, where there are none.
    ingest: Option<String>,
    holds: String,
    examples: Vec<Choice>,
    caution: Option<String>,
}

/// A paper to be like or unlike, and the list without it.
struct Steering {
    about: About,
    remove: String,
}

/// A filter that is set, and the list without it.
struct Chip {
    key: &'static str,
    value: String,
    remove: String,
}

/// A facet.
struct Side {
    heading: &'static str,
    open: Vec<Choice>,
    folded: Vec<Choice>,
}

/// A link among others of its kind.
struct Choice {
    label: String,
    count: Option<usize>,
    href: String,
    is_chosen: bool,
}

/// An answer in words.
struct AnswerView {
    count: String,
    /// What there is to know beside the hits.
    remarks: Vec<String>,
    hits: Vec<HitView>,
    more: Option<String>,
    /// Where the nearest papers are shown, though none of them answers.
    nearest: Option<String>,
    has_scores: bool,
}

/// `/`
pub(super) async fn page(
    State(state): State<AppState>,
    words: &'static Words,
    asked: Result<Query<Pairs>, Failure>,
) -> Response {
    let typed = |(name, value): &(String, String)| (name == "q").then(|| value.trim().to_owned());
    let question =
        asked.as_ref().ok().and_then(|Query(pairs)| pairs.iter().find_map(typed)).unwrap_or_default();
    let page = match asked.and_then(|Query(pairs)| Asked::of(pairs)) {
        Ok(asked) => search_page(&state, words, asked).await,
        Err(failure) => Err(failure),
    };
    shown(page, words, &question)
}

async fn search_page(state: &AppState, words: &'static Words, asked: Asked) -> Result<SearchPage, Failure> {
    let searcher = state.library.searcher()?;
    let counts = searcher.counts();
    let (papers, passages) = (counts.papers, counts.passages);
    let asks = papers > 0 && !asked.is_nothing();
    let answer = if asks { Some(asked.answer(state, true).await?) } else { None };
    let limit = asked.page.limit.map_or(DEFAULT_HITS, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let is_steered = asked.is_steered();
    let Asked { said, question, liked, unliked, options, .. } = asked;
    let sort = options.sort;
    let filter = match AskedText::parse(&question) {
        Ok(typed) if !is_steered => typed.filter.joined(options.filter),
        Ok(_) => options.filter,
        Err(error) => return Err(SearchError::from(RequestError::from(error)).into()),
    };
    let (facets, liked, unliked) = state
        .look(move |searcher| {
            let about = |ids: Vec<PaperId>| -> Result<Vec<About>, SearchError> {
                ids.iter().map(|id| Ok(About::from(&searcher.paper(id)?))).collect()
            };
            Ok((searcher.facets(&filter)?, about(liked)?, about(unliked)?))
        })
        .await?;

    let steering = |name: &'static str, all: Vec<About>| -> Vec<Steering> {
        let said = &said;
        // The address may name a paper by any of its names.
        let named = said.all(name).filter(|id| !id.is_empty());
        let steering = |(id, about)| Steering { remove: said.without(name, id), about };
        named.zip(all).map(steering).collect()
    };
    let heading = match liked.as_slice() {
        [one] => Some(one.title.clone()),
        _ => None,
    };
    let chips = chips(&said, words);
    let choice = |label: &str, value: Option<&str>, is_chosen| Choice {
        label: label.to_owned(),
        count: None,
        href: said.set("sort", value),
        is_chosen,
    };
    let sorts = vec![
        choice(words.best_first, None, sort == Sort::Score),
        choice(words.newest_first, Some("date"), sort == Sort::Date),
    ];
    let examples = if answer.is_none() { examples(&facets) } else { Vec::new() };
    Ok(SearchPage {
        frame: Frame { question, kept: said.filters(), ..Frame::new(words, Here::Search) },
        clear: (chips.len() > 1).then(|| said.only(&["q", "related", "unlike", "sort"])),
        chips,
        sides: sides(&facets, &said, words),
        sorts,
        feed: said.at("/feed.atom"),
        answer: answer.map(|answer| AnswerView::new(&answer, words, &said, limit, state.limits.hits)),
        liked: steering("related", liked),
        unliked: steering("unlike", unliked),
        heading,
        papers,
        ingest: if papers == 0 { ingest_command(state.library.folder()) } else { None },
        holds: (words.holds)(papers, passages),
        examples,
        caution: caution(&searcher, words),
    })
}

impl AnswerView {
    fn new(answer: &Answer, words: &Words, said: &Said, limit: usize, most: usize) -> Self {
        let counted = if answer.listed { words.listed } else { words.searched };
        let counted = counted(answer.hits.len(), answer.total);
        let mut count = format!("{counted} · {}", (words.took)(answer.took_ms));
        if answer.chunks > 1 {
            count = format!("{count} · {}", (words.pieces)(answer.chunks));
        }
        let hits = answer.hits.iter().map(|hit| HitView::new(hit, words, said));
        let hits = if answer.listed { hits.map(HitView::listed).collect() } else { hits.collect() };
        let next = (limit * 2).min(most);
        let has_more = answer.hits.len() == limit && limit < answer.total && next > limit;
        Self {
            count,
            remarks: answer.remarks.iter().map(|remark| words.remark(remark)).collect(),
            hits,
            more: has_more.then(|| said.set("limit", Some(&next.to_string()))),
            nearest: answer.below_floor.then(|| said.set("floor", Some("none"))),
            has_scores: !answer.listed,
        }
    }
}

/// Filters by how their parameters are called, and what they are called for people.
fn keys(words: &Words) -> [(&'static str, &'static str); 7] {
    [
        ("tag", words.tags),
        ("year", words.years),
        ("lang", words.languages),
        ("source", words.sources),
        ("author", words.authors),
        ("from", words.from_date),
        ("to", words.to_date),
    ]
}

fn chips(said: &Said, words: &Words) -> Vec<Chip> {
    let mut chips = Vec::new();
    for (name, value) in said.pairs() {
        let (bare, is_without) =
            name.strip_prefix("not_").map_or((name.as_str(), false), |bare| (bare, true));
        let remove = || said.without(name, value);
        if let Some((_, key)) = keys(words).into_iter().find(|(known, _)| *known == bare) {
            let value = shown_value(bare, value);
            let value = if is_without { format!("{} {value}", words.without) } else { value };
            chips.push(Chip { key, value, remove: remove() });
        } else if name == "has_commentary" {
            let value = if value == "true" { words.with_commentary } else { words.without_commentary };
            chips.push(Chip { key: words.commentary_facet, value: value.to_owned(), remove: remove() });
        }
    }
    chips
}

/// A value as people read it.
fn shown_value(key: &str, value: &str) -> String {
    match key {
        "lang" => Language::parse(value).map_or_else(|| value.to_owned(), name_of),
        "source" => source_name(value).to_owned(),
        _ => value.to_owned(),
    }
}

fn sides(facets: &Facets, said: &Said, words: &'static Words) -> Vec<Side> {
    let side = |heading, key: &'static str, values: &[Facet]| {
        let choice = |facet: &Facet| {
            let is_chosen = said.has(key, &facet.value);
            Choice {
                label: match (key, facet.value.as_str()) {
                    ("has_commentary", "true") => words.with_commentary.to_owned(),
                    ("has_commentary", _) => words.without_commentary.to_owned(),
                    (_, value) => shown_value(key, value),
                },
                count: Some(facet.count),
                href: match (is_chosen, key) {
                    (true, _) => said.without(key, &facet.value),
                    (false, "has_commentary") => said.set(key, Some(&facet.value)),
                    (false, _) => said.with(key, &facet.value),
                },
                is_chosen,
            }
        };
        let mut all: Vec<Choice> = values.iter().take(MOST).map(choice).collect();
        let folded = all.split_off(all.len().min(OPEN));
        Side { heading, open: all, folded }
    };
    let mut years: Vec<Facet> = facets.years.clone();
    years.sort_by(|one, other| other.value.cmp(&one.value));
    // A file with one paper of its own is no way to narrow down.
    let sources: Vec<Facet> = facets
        .sources
        .iter()
        .filter(|file| file.count > 1 || said.has("source", &file.value))
        .cloned()
        .collect();
    let mut sides = vec![
        side(words.tags, "tag", &facets.tags),
        side(words.years, "year", &years),
        side(words.languages, "lang", &facets.langs),
        side(words.commentary_facet, "has_commentary", &facets.commentary),
        side(words.sources, "source", &sources),
    ];
    // One value that all have narrows nothing down.
    sides.retain(|side| side.open.len() > 1 || side.open.iter().any(|choice| choice.is_chosen));
    sides
}

/// The commonest tags, for who does not know what to ask.
fn examples(facets: &Facets) -> Vec<Choice> {
    let choice = |facet: &Facet| Choice {
        label: facet.value.clone(),
        count: Some(facet.count),
        href: super::address::address("/", [("tag", &facet.value)]),
        is_chosen: false,
    };
    facets.tags.iter().take(OPEN).map(choice).collect()
}

/// What a reader should know of the state of the library.
fn caution(searcher: &Searcher, words: &Words) -> Option<String> {
    let counts = searcher.counts();
    if counts.pending > 0 {
        return Some((words.pending)(counts.pending));
    }
    // In an empty library there is nothing to index.
    if counts.papers == 0 {
        return None;
    }
    let (_, reason) = index_words(searcher);
    reason
}

/// The command line that reads papers into the library in `folder`, from wherever it is typed.
fn ingest_command(folder: &Path) -> Option<String> {
    let folder = std::path::absolute(folder).ok()?;
    Some(format!("paperkin ingest --library {} ~/notes digests/*.txt", shell_word(folder.to_str()?)))
}

/// `text` as one word of a shell.
fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
    if text.chars().all(is_plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_one_word_of_a_shell() {
        for (folder, word) in [
            ("/home/a-b/index_1.x", "/home/a-b/index_1.x"),
            ("/home/my papers", "'/home/my papers'"),
            ("/home/논문", "'/home/논문'"),
            ("/it's/$HOME", r"'/it'\''s/$HOME'"),
        ] {
            assert_eq!(shell_word(folder), word);
        }
        let typed = ingest_command(Path::new("index")).unwrap();
        assert!(!typed.contains("--library index "), "the reader's folder is another: {typed}");
    }
}
