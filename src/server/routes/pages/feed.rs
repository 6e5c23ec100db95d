//! `/feed.atom`: a search, a filter or related papers as an Atom feed (RFC 4287), by the address of their page: what comes in and
//! answers appears where its reader reads feeds.

use atom_syndication::{Category, Content, Entry, Feed, FixedDateTime, Link, Person, Text};
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use jiff::civil::Date;

use super::address::address;
use super::asked::Asked;
use super::view::bare;
use crate::search::{Answer, Hit, Sort};
use crate::server::error::Failure;
use crate::server::extract::Query;
use crate::server::routes::options::Pairs;
use crate::server::state::AppState;

/// Entries where the address does not say how many.
const ENTRIES: u64 = 50;

/// The day of a feed without any: RFC 4287 wants one.
const NO_DAY: &str = "1970-01-01T00:00:00Z";

/// `/feed.atom`
pub(super) async fn feed(
    State(state): State<AppState>,
    headers: HeaderMap,
    Query(pairs): Query<Pairs>,
) -> Result<Response, Failure> {
    let mut asked = Asked::of(pairs)?;
    if asked.is_nothing() {
        let hint = "say what to follow: /feed.atom?q=..., ?tag=... or ?related=ID";
        return Err(Failure::invalid("the feed follows nothing", hint).of("q"));
    }
    asked.options.sort = Sort::Date;
    asked.page.limit.get_or_insert(ENTRIES.min(state.limits.hits as u64));
    let answer = asked.answer(&state, false).await?;
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let feed = written(&asked, &answer, &format!("http://{host}"));
    let kind = [(header::CONTENT_TYPE, "application/atom+xml; charset=utf-8")];
    Ok((kind, feed.to_string()).into_response())
}

fn written(asked: &Asked, answer: &Answer, host: &str) -> Feed {
    let pairs = asked.said.pairs();
    let address = |path: &str| format!("{host}{}", asked.said.at(path));
    let link = |rel: &str, href: String| Link { rel: rel.to_owned(), href, ..Link::default() };
    let filters = pairs.iter().filter(|(name, _)| !matches!(name.as_str(), "q" | "limit" | "sort" | "floor"));
    let told: Vec<String> = std::iter::once(asked.question.clone())
        .filter(|question| !question.is_empty())
        .chain(filters.map(|(name, value)| format!("{name}:{value}")))
        .collect();
    let newest = answer.hits.iter().filter_map(|hit| hit.paper.date).max();
    Feed {
        title: Text::plain(xml_text(&format!("paperkin: {}", told.join(" ")))),
        id: address("/feed.atom"),
        updated: moment(newest),
        links: vec![link("self", address("/feed.atom")), link("alternate", address("/"))],
        entries: answer.hits.iter().map(|hit| entry(hit, host)).collect(),
        ..Feed::default()
    }
}

fn entry(hit: &Hit, host: &str) -> Entry {
    let paper = &hit.paper;
    let key = paper.id.to_string();
    let link = |rel: &str, href: String| Link { rel: rel.to_owned(), href, ..Link::default() };
    let via = paper.url.iter().filter(|url| bare(url).is_some()).map(|url| link("via", xml_text(url)));
    Entry {
        title: Text::plain(xml_text(&paper.title)),
        // For ever the same, wherever the service listens.
        id: paper.id.url().unwrap_or_else(|| format!("urn:paperkin:{key}")),
        updated: moment(paper.date),
        authors: paper
            .authors
            .iter()
            .map(|name| Person { name: xml_text(name), ..Person::default() })
            .collect(),
        categories: paper
            .tags
            .iter()
            .map(|tag| Category { term: xml_text(tag), ..Category::default() })
            .collect(),
        links: std::iter::once(link("alternate", format!("{host}{}", address("/paper", [("id", &key)]))))
            .chain(via)
            .collect(),
        content: Some(Content {
            lang: Some(hit.matched.lang.code().to_owned()),
            value: Some(xml_text(&hit.matched.text)),
            content_type: Some("text".to_owned()),
            ..Content::default()
        }),
        ..Entry::default()
    }
}

/// Without the signs that XML 1.0 cannot hold, escaped or not.
fn xml_text(text: &str) -> String {
    let is_held = |c: &char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    text.chars().filter(is_held).collect()
}

/// The beginning of a day, in UTC.
fn moment(day: Option<Date>) -> FixedDateTime {
    let text = day.map_or_else(|| NO_DAY.to_owned(), |day| format!("{day}T00:00:00Z"));
    text.parse().unwrap_or_default()
}
