//! Papers as the Semantic Scholar Academic Graph gives them.

use serde_json::Value;

use super::super::links::{push_new, repositories_in};
use super::super::markup::plain;
use super::fields::{Fields, push_tag, registered, text_in, titled};
use crate::paper::{Commentary, Language, PaperId, Record, normalise, single_line};

pub(super) fn record(fields: &mut Fields<'_>) -> Result<Record, String> {
    let mut record = Record {
        title: titled(fields.line("title"))?,
        abstract_text: fields.prose("abstract"),
        date: fields.date("publicationDate"),
        ..Record::default()
    };
    record.date = record.date.or_else(|| fields.date("year"));
    record.venue = fields.line("venue").or_else(|| {
        let journal = fields.object("journal")?.get("name")?.as_str().map(single_line);
        journal.filter(|name| !name.is_empty())
    });
    if let Some(ids) = fields.object("externalIds") {
        for key in ["ArXiv", "DOI"] {
            if let Some(text) = ids.get(key).and_then(Value::as_str) {
                match registered(text) {
                    Some(id) => push_new(&mut record.ids, id),
                    None => fields.odd_is("externalIds"),
                }
            }
        }
    }
    for author in fields.list("authors") {
        let name = text_in(author, "name").or(author.as_str()).map(single_line).unwrap_or_default();
        if !name.is_empty() {
            record.authors.push(name);
        }
    }
    let own_page = fields.line("url");
    let open = fields.object("openAccessPdf").and_then(|pdf| pdf.get("url")?.as_str()).map(single_line);
    match open.filter(|url| !url.is_empty()) {
        Some(url) => match registered(&url) {
            Some(id @ PaperId::Arxiv(_)) => push_new(&mut record.ids, id),
            Some(id) if record.ids.contains(&id) => {}
            _ => record.url = Some(url),
        },
        None if record.ids.is_empty() => record.url = own_page,
        None => {}
    }
    for field in fields.list("fieldsOfStudy").iter().filter_map(Value::as_str) {
        push_tag(&mut record, field);
    }
    for field in fields.list("s2FieldsOfStudy").iter().filter_map(|field| text_in(field, "category")) {
        push_tag(&mut record, field);
    }
    // A summary in one sentence, by a machine; it is about the paper, not of it.
    let tldr = fields.object("tldr").and_then(|tldr| tldr.get("text")?.as_str());
    if let Some(text) = tldr.map(|text| normalise(&plain(text))).filter(|text| !text.is_empty()) {
        record.commentaries.push(Commentary { language: Language::ENGLISH, text });
    }
    record.repositories = repositories_in(record.abstract_text.as_deref().unwrap_or_default());
    Ok(record)
}

#[cfg(test)]
mod tests {
    use super::super::tests::read;

    #[test]
    fn a_paper_of_the_graph() {
        let (record, odd) = read(
            r#"{"paperId": "649def34f8be52c8b66281af98ae884c09aef38b", "externalIds": {"ArXiv": "2408.15881", "DOI": "10.18653/V1/N18-3011", "CorpusId": 19170988},
                "title": "On Graphs &amp; Trees", "abstract": null, "year": 2024, "publicationDate": "2024-08-29", "venue": "NAACL", "journal": null,
                "authors": [{"authorId": "1741101", "name": "Ada Lovelace"}, {"authorId": null, "name": "김철수"}], "citationCount": 3,
                "url": "https://www.semanticscholar.org/paper/649def", "openAccessPdf": {"url": "https://www.aclweb.org/anthology/N18-3011.pdf", "status": "HYBRID"},
                "fieldsOfStudy": ["Computer Science"], "s2FieldsOfStudy": [{"category": "Computer Science", "source": "external"}, {"category": "Mathematics"}],
                "tldr": {"model": "tldr@v2.0.0", "text": "A study of graphs."}}"#,
        )
        .unwrap();
        assert_eq!(record.title, "On Graphs & Trees");
        assert_eq!(record.ids.len(), 2);
        assert_eq!(record.authors, ["Ada Lovelace", "김철수"]);
        assert_eq!(
            (record.abstract_text, record.commentaries[0].text.as_str()),
            (None, "A study of graphs.")
        );
        assert_eq!(record.date.unwrap().to_string(), "2024-08-29");
        assert_eq!((record.venue.as_deref(), record.tags.len()), (Some("NAACL"), 2));
        assert_eq!(record.url.as_deref(), Some("https://www.aclweb.org/anthology/N18-3011.pdf"));
        assert!(odd.is_empty(), "{odd:?}");
    }

    #[test]
    fn nulls_and_odd_types() {
        let (record, odd) = read(
            r#"{"paperId": "a", "externalIds": null, "title": "稀疏图", "abstract": {}, "year": "soon", "authors": null, "venue": "", "journal": {"name": "计算机学报"},
                "tldr": null, "openAccessPdf": "x", "fieldsOfStudy": null, "url": "https://www.semanticscholar.org/paper/a"}"#,
        )
        .unwrap();
        assert_eq!(record.venue.as_deref(), Some("计算机学报"));
        assert_eq!(record.url.as_deref(), Some("https://www.semanticscholar.org/paper/a"));
        assert_eq!(odd, ["abstract", "year", "openAccessPdf"]);
        let (open, _) = read(r#"{"paperId": "a", "title": "x", "openAccessPdf": {"url": "https://arxiv.org/pdf/2408.15881v2"}}"#).unwrap();
        assert_eq!((open.ids.len(), open.url), (1, None));
    }
}
