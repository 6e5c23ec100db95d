//! JSON as others write it: one file a dialect, told per object by its fields.
//!
//! These objects have hundreds of fields, and most are not for us: what is unknown is passed over without a word, what
//! is of a wrong type is named, and only an object without a title is an error.

mod arxiv;
mod csl;
mod fields;
mod json_feed;
mod openalex;
mod semantic_scholar;

use serde_json::{Map, Value};

use crate::paper::Record;

use fields::Fields;

pub(super) use arxiv::{folded, version_of};
pub(super) use fields::natural;

/// What an object says, and the fields that are of a wrong type.
type Read = Result<(Record, Vec<&'static str>), String>;

/// Reads an object of one dialect.
type Dialect = fn(&mut Fields<'_>) -> Result<Record, String>;

/// The record of an object in one of the dialects; `None`: it is in none, and so in ours.
pub(super) fn record(object: &Map<String, Value>) -> Option<Read> {
    // Citations and references stand in an object each.
    let inner = ["citedPaper", "citingPaper"].into_iter().find_map(|key| object.get(key)?.as_object());
    let object = inner.unwrap_or(object);
    let reader = reader_of(object)?;
    let mut fields = Fields::new(object);
    Some(reader(&mut fields).map(|record| (record, fields.odd())))
}

fn reader_of(object: &Map<String, Value>) -> Option<Dialect> {
    let has = |key: &str| object.contains_key(key);
    let names_in = |key: &str| {
        let first = object.get(key).and_then(Value::as_array).and_then(|names| names.first()?.as_object());
        first.is_some_and(|name| name.contains_key("family") || name.contains_key("literal"))
    };
    Some(if has("authors_parsed") || (has("versions") && has("categories")) || has("submitter") {
        arxiv::record
    } else if has("paperId") || has("externalIds") || has("tldr") {
        semantic_scholar::record
    } else if has("authorships") || has("abstract_inverted_index") || has("display_name") {
        openalex::record
    } else if has("DOI")
        || has("issued")
        || has("container-title")
        || names_in("author")
        || is_csl_item(object)
    {
        csl::record
    } else if ["content_html", "content_text", "date_published", "external_url"].into_iter().any(has) {
        json_feed::record
    } else {
        return None;
    })
}

/// An item with little in it still has a type, of the names in CSL's schema (Appendix III of its specification).
fn is_csl_item(object: &Map<String, Value>) -> bool {
    const TYPES: &str = "article article-journal article-magazine article-newspaper bill book broadcast chapter classic collection dataset document entry entry-dictionary entry-encyclopedia event figure graphic hearing interview legal_case legislation manuscript map motion_picture musical_score pamphlet paper-conference patent performance periodical personal_communication post post-weblog preprint regulation report review review-book software song speech standard thesis treaty webpage";
    let is_type =
        |value: &Value| value.as_str().is_some_and(|name| TYPES.split(' ').any(|known| known == name));
    object.get("type").is_some_and(is_type) && object.contains_key("id") && !object.contains_key("authors")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The record of `json`, and the fields that were odd.
    pub(super) fn read(json: &str) -> Read {
        let value: Value = serde_json::from_str(json).unwrap();
        record(value.as_object().unwrap()).expect("a known dialect")
    }

    #[test]
    fn our_own_shape_is_no_dialect() {
        for json in [
            r#"{"title": "x", "authors": ["Ada Lovelace"], "doi": "10.1000/x", "year": 2024, "abstract": "y"}"#,
            r#"{"id": "1006.1376", "title": "x", "created": "2010-06-07", "categories": ["hep-ph"], "url": "https://arxiv.org/abs/1006.1376"}"#,
            r#"{"_id": "4983", "title": "x", "text": "y", "metadata": {}}"#,
            r#"{"title": "x", "author": "Ada Lovelace"}"#,
        ] {
            let value: Value = serde_json::from_str(json).unwrap();
            assert!(record(value.as_object().unwrap()).is_none(), "{json}");
        }
    }

    #[test]
    fn a_cited_paper_stands_in_an_object_of_its_own() {
        let (record, _) =
            read(r#"{"contexts": ["as in [3]"], "citedPaper": {"paperId": "a1", "title": "On Graphs"}}"#)
                .unwrap();
        assert_eq!(record.title, "On Graphs");
    }

    #[test]
    fn no_title_is_an_error_in_every_dialect() {
        for json in [
            r#"{"authors_parsed": []}"#,
            r#"{"paperId": "a", "title": null}"#,
            r#"{"display_name": " "}"#,
            r#"{"DOI": "10.1000/x", "title": []}"#,
            r#"{"content_text": ""}"#,
        ] {
            let why = read(json).unwrap_err();
            assert!(why.contains("title"), "{json}: {why}");
        }
    }
}
