//! CSL-JSON, which reference managers export, and Crossref's works, which are nearly that.

use serde_json::Value;

use super::super::commentary::{by_language, mentions_in};
use super::super::date;
use super::super::links::{push_new, repositories_in};
use super::super::markup::plain;
use super::fields::{Fields, natural, push_tag, registered, text_in, titled};
use crate::paper::{Mention, PaperId, Record, normalise};

/// Lines of the form `name: value` in a note are fields that CSL has no room for.
const NOTE_FIELDS: [&str; 12] = [
    "arxiv",
    "doi",
    "pmid",
    "pmcid",
    "issn",
    "isbn",
    "publisher",
    "citation key",
    "original-date",
    "comment",
    "event-place",
    "type",
];

pub(super) fn record(fields: &mut Fields<'_>) -> Result<Record, String> {
    let mut record = Record {
        title: titled(fields.line("title"))?,
        abstract_text: fields.prose("abstract"),
        venue: fields.line("container-title"),
        ..Record::default()
    };
    for key in ["issued", "published", "created"] {
        record.date = record.date.or_else(|| fields.get(key).and_then(day));
    }
    if record.date.is_none() && fields.get("issued").is_some() {
        fields.odd_is("issued");
    }
    record.authors = fields.list("author").iter().filter_map(author).collect();
    fields.take_id("DOI", &mut record);
    for key in ["number", "archive_location", "id"] {
        if let Some(id) = fields.get(key).and_then(Value::as_str).and_then(registered) {
            push_new(&mut record.ids, id);
        }
    }
    take_notes(fields, &mut record);
    if let Some(url) = fields.line("URL") {
        match registered(&url) {
            Some(id) if record.ids.is_empty() || matches!(id, PaperId::Arxiv(_)) => {
                push_new(&mut record.ids, id)
            }
            Some(id) if record.ids.contains(&id) => {}
            _ => record.url = Some(url),
        }
    }
    match fields.get("keyword").or(fields.get("subject")) {
        Some(Value::Array(words)) => {
            words.iter().filter_map(Value::as_str).for_each(|word| push_tag(&mut record, word));
        }
        Some(Value::String(words)) => {
            words.split([',', ';', '，', '、']).for_each(|word| push_tag(&mut record, word))
        }
        Some(_) => fields.odd_is("keyword"),
        None => {}
    }
    record.repositories = repositories_in(record.abstract_text.as_deref().unwrap_or_default());
    let own: Vec<Mention> = record.ids.iter().cloned().map(Mention::Paper).collect();
    record.mentions.retain(|mention| !own.contains(mention));
    Ok(record)
}

fn author(name: &Value) -> Option<String> {
    let part = |key| text_in(name, key).map(plain).unwrap_or_default();
    let whole = ["literal", "name"].into_iter().map(part).find(|name| !name.is_empty());
    let name = match whole {
        Some(whole) => natural("", &whole, ""),
        None => {
            // "Ludwig van Beethoven": the particles stand before the family, whichever kind they are.
            let family = [part("dropping-particle"), part("non-dropping-particle"), part("family")];
            let family = family.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
            natural(&part("given"), &family, &part("suffix"))
        }
    };
    Some(name).filter(|name| !name.is_empty())
}

/// `{"date-parts": [[2024, 8, 29]]}`, whose parts may be texts; or a text, within or without.
fn day(value: &Value) -> Option<jiff::civil::Date> {
    let parts = value.get("date-parts").and_then(|ranges| ranges.get(0)).and_then(Value::as_array);
    if let Some(parts) = parts {
        let parts = parts.iter().take(3).map(|part| match part {
            Value::Number(number) => number.to_string(),
            part => part.as_str().unwrap_or_default().to_owned(),
        });
        let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
        if let Some(date) = date::field(&parts.join("-")) {
            return Some(date);
        }
    }
    ["raw", "literal", "date-time"]
        .into_iter()
        .filter_map(|key| text_in(value, key))
        .chain(value.as_str())
        .find_map(date::stamp)
}

/// Notes give ids, fields that have no other place, and what the reader wrote.
fn take_notes(fields: &mut Fields<'_>, record: &mut Record) {
    for key in ["note", "annote"] {
        let Some(text) = fields.text(key).map(|text| normalise(&plain(text))) else { continue };
        let mut said = Vec::new();
        for line in text.lines() {
            let field = line.split_once(':').map(|(name, _)| name.trim().to_lowercase());
            match field {
                Some(name) if NOTE_FIELDS.contains(&name.as_str()) => {
                    if matches!(name.as_str(), "arxiv" | "doi") {
                        // "arXiv:2408.15881 [cs]"
                        let value = line.split_once(':').map_or("", |(_, value)| value.trim());
                        let id = value.split_whitespace().next().and_then(registered);
                        id.into_iter().for_each(|id| push_new(&mut record.ids, id));
                    }
                }
                _ => said.push(line),
            }
        }
        record.mentions.extend(mentions_in(&said, &[]));
        record.commentaries.extend(by_language(&said));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::read;

    #[test]
    fn an_item_of_a_reference_manager() {
        let (record, odd) = read(
            r#"{"id": "lovelace2024", "type": "article-journal", "title": "Graphs with <i>n</i> < 5 &amp; H<sub>2</sub>O",
                "container-title": "Journal of Graphs", "DOI": "10.1000/ABC", "URL": "https://arxiv.org/abs/2408.15881", "keyword": "graphs, 稀疏",
                "abstract": "<jats:title>Abstract</jats:title><jats:p>We study graphs.</jats:p><jats:p>Code: https://github.com/ada/graphs</jats:p>",
                "note": "arXiv:2408.15881 [cs]\nPMID: 12345\n그래프를 다룬 좋은 연구입니다. https://arxiv.org/abs/2106.09685",
                "author": [{"family": "Lovelace", "given": "Ada"}, {"family": "Beethoven", "given": "Ludwig", "non-dropping-particle": "van"}, {"family": "王", "given": "芳"},
                           {"literal": "Zhipu 团队"}, {"family": "김", "given": "철수"}],
                "issued": {"date-parts": [["2024", 8, 29]]}, "custom": {"x": 1}}"#,
        )
        .unwrap();
        assert_eq!(record.title, "Graphs with n < 5 & H2O");
        assert_eq!(record.authors, ["Ada Lovelace", "Ludwig van Beethoven", "王芳", "Zhipu 团队", "김철수"]);
        assert_eq!(
            record.ids.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["doi:10.1000/abc", "arxiv:2408.15881"]
        );
        assert_eq!(
            record.abstract_text.as_deref(),
            Some("We study graphs.\nCode: https://github.com/ada/graphs")
        );
        assert_eq!(record.date.unwrap().to_string(), "2024-08-29");
        assert_eq!(
            (record.tags.len(), record.url.as_deref(), record.venue.as_deref()),
            (2, None, Some("Journal of Graphs"))
        );
        assert_eq!(record.commentaries.len(), 1);
        assert_eq!(record.commentaries[0].language.code(), "ko");
        assert!(record.commentaries[0].text.starts_with("그래프를"));
        assert_eq!((record.mentions.len(), record.repositories.len()), (1, 1));
        assert!(odd.is_empty(), "{odd:?}");
    }

    #[test]
    fn crossref_and_odd_dates() {
        let (record, _) = read(
            r#"{"DOI": "10.1000/x", "title": ["稀疏图研究"], "container-title": ["计算机学报"], "subject": ["Graphs"], "published": {"date-parts": [[2020, 5]]}, "issued": {"date-parts": [[null]]}}"#,
        )
        .unwrap();
        assert_eq!((record.title.as_str(), record.venue.as_deref()), ("稀疏图研究", Some("计算机学报")));
        assert_eq!(record.date.unwrap().to_string(), "2020-05-01");
        let (record, odd) =
            read(r#"{"title": "x", "issued": {"raw": "2021-03-04"}, "DOI": 5, "author": "Ada"}"#).unwrap();
        assert_eq!(record.date.unwrap().to_string(), "2021-03-04");
        assert_eq!(odd, ["author", "DOI"]);
        let (record, odd) =
            read(r#"{"title": "x", "issued": {"literal": "spring"}, "number": "arXiv:2408.15881"}"#).unwrap();
        assert_eq!((record.date, record.ids.len(), odd), (None, 1, vec!["issued"]));
    }
}
