//! Works as OpenAlex gives them: the abstract is an inverted index, ids are URLs.

use serde_json::{Map, Value};

use super::super::links::{push_new, repositories_in};
use super::super::markup::plain;
use super::fields::{Fields, push_tag, registered, text_in, titled};
use crate::paper::{PaperId, Record, normalise, single_line};

pub(super) fn record(fields: &mut Fields<'_>) -> Result<Record, String> {
    let title = fields.line("title").or_else(|| fields.line("display_name"));
    let mut record =
        Record { title: titled(title)?, date: fields.date("publication_date"), ..Record::default() };
    record.date = record.date.or_else(|| fields.date("publication_year"));
    if let Some(index) = fields.object("abstract_inverted_index") {
        let (text, odd) = rebuilt(index);
        record.abstract_text = Some(normalise(&plain(&text))).filter(|text| !text.is_empty());
        if odd {
            fields.odd_is("abstract_inverted_index");
        }
    }
    for authorship in fields.list("authorships") {
        let author = authorship.get("author").and_then(|author| text_in(author, "display_name"));
        let name = author.or(text_in(authorship, "raw_author_name")).map(single_line).unwrap_or_default();
        if !name.is_empty() {
            record.authors.push(name);
        }
    }
    fields.take_id("doi", &mut record);
    if let Some(id) = fields.object("ids").and_then(|ids| registered(ids.get("doi")?.as_str()?)) {
        push_new(&mut record.ids, id);
    }
    take_locations(fields, &mut record);
    for key in ["topics", "keywords"] {
        for name in fields.list(key).iter().filter_map(|topic| text_in(topic, "display_name")) {
            push_tag(&mut record, name);
        }
    }
    // Concepts are what was before there were topics.
    if record.tags.is_empty() {
        for name in fields.list("concepts").iter().filter_map(|concept| text_in(concept, "display_name")) {
            push_tag(&mut record, name);
        }
    }
    record.repositories = repositories_in(record.abstract_text.as_deref().unwrap_or_default());
    Ok(record)
}

/// The same work on arXiv is one of its locations; other registries' ids there may be of another version of record.
fn take_locations(fields: &mut Fields<'_>, record: &mut Record) {
    let primary = fields.get("primary_location").into_iter();
    let pages: Vec<&str> = primary
        .chain(fields.list("locations"))
        .flat_map(|place| [text_in(place, "landing_page_url"), text_in(place, "pdf_url")])
        .flatten()
        .collect();
    for page in &pages {
        if let Some(id @ PaperId::Arxiv(_)) = registered(page) {
            push_new(&mut record.ids, id);
        }
    }
    record.url = pages.first().map(|page| single_line(page)).filter(|page| registered(page).is_none());
    if let Some(place) = fields.object("primary_location") {
        let source = place.get("source").and_then(|source| text_in(source, "display_name"));
        record.venue = source.map(|name| single_line(&plain(name))).filter(|name| !name.is_empty());
    }
}

/// The text whose words stand at these positions, and whether some were no positions. The index is sorted, never
/// allocated: a position may be any number.
fn rebuilt(index: &Map<String, Value>) -> (String, bool) {
    let mut words: Vec<(u64, &str)> = Vec::new();
    let mut odd = false;
    for (word, positions) in index {
        let Some(positions) = positions.as_array() else {
            odd = true;
            continue;
        };
        for position in positions {
            match position.as_u64() {
                Some(at) => words.push((at, word)),
                None => odd = true,
            }
        }
    }
    words.sort_unstable();
    let length = words.iter().map(|(_, word)| word.len() + 1).sum();
    // A short list may repeat a long word: as much as an object may hold is enough.
    let mut text = String::with_capacity(std::cmp::min(length, super::super::LONGEST_LINE));
    for (_, word) in words {
        if text.len() + word.len() > super::super::LONGEST_LINE {
            return (text, true);
        }
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
    (text, odd)
}

#[cfg(test)]
mod tests {
    use super::super::tests::read;

    #[test]
    fn a_work() {
        let (record, odd) = read(
            r#"{"id": "https://openalex.org/W2741809807", "doi": "https://doi.org/10.7717/PeerJ.4375", "title": "On <i>Graphs</i>", "display_name": "On <i>Graphs</i>",
                "publication_year": 2018, "publication_date": "2018-02-13", "ids": {"openalex": "https://openalex.org/W2741809807", "mag": 2741809807},
                "authorships": [{"author": {"id": "https://openalex.org/A1", "display_name": "Ada Lovelace"}, "raw_author_name": "A. Lovelace"}, {"author": {}, "raw_author_name": "王芳"}],
                "abstract_inverted_index": {"graphs": [1, 4], "Sparse": [0], "study": [3], "we": [2], "&amp;": [5], "나무.": [6]},
                "primary_location": {"landing_page_url": "https://doi.org/10.7717/peerj.4375", "source": {"display_name": "PeerJ"}},
                "locations": [{"landing_page_url": "https://doi.org/10.7717/peerj.4375"}, {"landing_page_url": "http://arxiv.org/abs/1802.01234", "pdf_url": null}],
                "topics": [{"display_name": "Graph Theory", "score": 0.9}], "keywords": [{"display_name": "Sparsity"}], "concepts": [{"display_name": "Mathematics"}]}"#,
        )
        .unwrap();
        assert_eq!(record.title, "On Graphs");
        assert_eq!(record.abstract_text.as_deref(), Some("Sparse graphs we study graphs & 나무."));
        assert_eq!(record.authors, ["Ada Lovelace", "王芳"]);
        assert_eq!(
            record.ids.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["doi:10.7717/peerj.4375", "arxiv:1802.01234"]
        );
        assert_eq!((record.venue.as_deref(), record.url.as_deref()), (Some("PeerJ"), None));
        assert_eq!(record.tags, ["Graph Theory", "Sparsity"]);
        assert_eq!(record.date.unwrap().to_string(), "2018-02-13");
        assert!(odd.is_empty(), "{odd:?}");
    }

    #[test]
    fn positions_may_be_any_number() {
        let (record, odd) = read(
            r#"{"display_name": "x", "abstract_inverted_index": {"b": [18446744073709551615], "a": [4000000000, 4000000000], "no": [-1, 1.5, "x"], "not": 7}}"#,
        )
        .unwrap();
        assert_eq!((record.abstract_text.as_deref(), odd), (Some("a a b"), vec!["abstract_inverted_index"]));
        let word = "x".repeat(1 << 20);
        let bomb = format!(
            r#"{{"display_name": "x", "abstract_inverted_index": {{"{word}": [{}0]}}}}"#,
            "0,".repeat(1 << 16)
        );
        let (record, odd) = read(&bomb).unwrap();
        assert!(record.abstract_text.unwrap().len() <= super::super::super::LONGEST_LINE);
        assert_eq!(odd, ["abstract_inverted_index"]);
    }
}
