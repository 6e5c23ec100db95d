//! A paper as Semantic Scholar shows it: the fields that were asked for, and null where this library knows nothing.
//!
//! `paperId` is our id, which is what it is to a client: a name to ask by again. Nothing is made up: citations, fields of study,
//! summaries and the rest of what only Semantic Scholar knows are null, as they are there for papers of which it does not know them.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::export::{ExportFormat, PaperWriter};
use crate::paper::{Paper, PaperId};

/// Of a paper, everywhere.
const FIELDS: [&str; 21] = [
    "abstract",
    "authors",
    "citationCount",
    "citationStyles",
    "corpusId",
    "externalIds",
    "fieldsOfStudy",
    "influentialCitationCount",
    "isOpenAccess",
    "journal",
    "openAccessPdf",
    "paperId",
    "publicationDate",
    "publicationTypes",
    "publicationVenue",
    "referenceCount",
    "s2FieldsOfStudy",
    "title",
    "url",
    "venue",
    "year",
];
/// Of an author.
const AUTHOR_FIELDS: [&str; 9] = [
    "affiliations",
    "authorId",
    "citationCount",
    "externalIds",
    "hIndex",
    "homepage",
    "name",
    "paperCount",
    "url",
];

/// Which of the two APIs is asked: recommendations have fewer fields.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Api {
    Graph,
    Recommendations,
}

/// What of a paper is shown.
#[derive(Debug)]
pub(super) struct Fields {
    paper: Vec<String>,
    /// What of its authors.
    author: Vec<String>,
}

impl Fields {
    /// Reads `fields=title,authors.name`; without it there is the title. The id is shown in any case.
    ///
    /// # Errors
    /// The names that are no fields.
    pub(super) fn parse(text: Option<&str>, api: Api) -> Result<Self, Vec<String>> {
        let mut fields = Self { paper: vec!["paperId".into()], author: vec!["authorId".into()] };
        let mut unknown = Vec::new();
        for name in text.unwrap_or("title").split(',').map(str::trim) {
            let (head, part) = name.split_once('.').map_or((name, None), |(head, part)| (head, Some(part)));
            if !is_field(head, part, api) {
                unknown.push(name.to_owned());
                continue;
            }
            fields.paper.push(head.to_owned());
            if head == "authors" {
                fields.author.push(part.unwrap_or("name").to_owned());
            }
        }
        if unknown.is_empty() { Ok(fields) } else { Err(unknown) }
    }

    /// What is asked for of `paper`.
    pub(super) fn of(&self, paper: &Paper) -> Value {
        let shown = Shown::from(paper);
        let Ok(Value::Object(mut shown)) = serde_json::to_value(shown) else { return Value::Null };
        shown.retain(|name, _| self.paper.contains(name));
        if let Some(Value::Array(authors)) = shown.get_mut("authors") {
            for author in authors.iter_mut().filter_map(Value::as_object_mut) {
                author.retain(|name, _| self.author.contains(name));
            }
        }
        Value::Object(shown)
    }
}

fn is_field(head: &str, part: Option<&str>, api: Api) -> bool {
    let of_paper = |name: &str| FIELDS.contains(&name);
    match (head, part) {
        (head, None) if of_paper(head) => true,
        ("authors", Some(part)) => AUTHOR_FIELDS.contains(&part),
        _ if api == Api::Recommendations => false,
        ("citations" | "references" | "embedding" | "tldr", None) => true,
        ("citations" | "references", Some(part)) => of_paper(part),
        ("embedding", Some(part)) => matches!(part, "specter_v1" | "specter_v2"),
        _ => false,
    }
}

/// A paper, in Semantic Scholar's fields; those that were asked for are sent.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SemanticScholarPaper)]
pub(super) struct Shown {
    /// Our id.
    #[schema(example = "arxiv:2408.15881")]
    paper_id: String,
    corpus_id: Option<u64>,
    #[schema(required = false)]
    external_ids: ExternalIds,
    /// Where it can be read.
    url: Option<String>,
    #[schema(required = false)]
    title: String,
    r#abstract: Option<String>,
    /// Empty if not known.
    #[schema(required = false)]
    venue: String,
    #[schema(value_type = Option<Object>)]
    publication_venue: Option<Value>,
    year: Option<i16>,
    reference_count: Option<u64>,
    citation_count: Option<u64>,
    influential_citation_count: Option<u64>,
    is_open_access: Option<bool>,
    #[schema(value_type = Option<Object>)]
    open_access_pdf: Option<Value>,
    fields_of_study: Option<Vec<String>>,
    #[schema(value_type = Option<Vec<Object>>)]
    s2_fields_of_study: Option<Vec<Value>>,
    publication_types: Option<Vec<String>>,
    /// Null where only the year is known.
    #[schema(format = Date)]
    publication_date: Option<String>,
    #[schema(value_type = Option<Object>)]
    journal: Option<Value>,
    #[schema(required = false)]
    citation_styles: CitationStyles,
    #[schema(required = false)]
    authors: Vec<Author>,
    #[schema(value_type = Option<Vec<Object>>)]
    citations: Option<Vec<Value>>,
    #[schema(value_type = Option<Vec<Object>>)]
    references: Option<Vec<Value>>,
    #[schema(value_type = Option<Object>)]
    embedding: Option<Value>,
    #[schema(value_type = Option<Object>)]
    tldr: Option<Value>,
}

/// Its registered names.
#[derive(Default, Serialize, ToSchema)]
#[schema(as = SemanticScholarExternalIds)]
struct ExternalIds {
    #[serde(rename = "ArXiv", skip_serializing_if = "Option::is_none")]
    arxiv: Option<String>,
    #[serde(rename = "DOI", skip_serializing_if = "Option::is_none")]
    doi: Option<String>,
}

/// How it is cited.
#[derive(Serialize, ToSchema)]
#[schema(as = SemanticScholarCitationStyles)]
struct CitationStyles {
    bibtex: String,
}

/// An author, of whom the name is known.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SemanticScholarAuthor)]
struct Author {
    author_id: Option<String>,
    #[schema(value_type = Option<Object>)]
    external_ids: Option<Map<String, Value>>,
    url: Option<String>,
    #[schema(required = false)]
    name: String,
    affiliations: Option<Vec<String>>,
    homepage: Option<String>,
    paper_count: Option<u64>,
    citation_count: Option<u64>,
    h_index: Option<u64>,
}

impl Author {
    fn named(name: &str) -> Self {
        Self {
            author_id: None,
            external_ids: None,
            url: None,
            name: name.to_owned(),
            affiliations: None,
            homepage: None,
            paper_count: None,
            citation_count: None,
            h_index: None,
        }
    }
}

impl From<&Paper> for Shown {
    fn from(paper: &Paper) -> Self {
        let mut external_ids = ExternalIds::default();
        for name in paper.names() {
            match name {
                PaperId::Arxiv(id) => external_ids.arxiv.get_or_insert_with(|| id.as_str().to_owned()),
                PaperId::Doi(doi) => external_ids.doi.get_or_insert_with(|| doi.as_str().to_owned()),
                PaperId::Title(_) => continue,
            };
        }
        Self {
            paper_id: paper.id.to_string(),
            corpus_id: None,
            external_ids,
            url: paper.url.clone(),
            title: paper.title.clone(),
            r#abstract: paper.abstract_text.clone(),
            venue: paper.venue.clone().unwrap_or_default(),
            publication_venue: None,
            year: paper.date.map(|date| date.year()),
            reference_count: None,
            citation_count: None,
            influential_citation_count: None,
            is_open_access: None,
            open_access_pdf: None,
            fields_of_study: None,
            s2_fields_of_study: None,
            publication_types: None,
            // The first of January stands for a year.
            publication_date: paper
                .date
                .filter(|date| (date.month(), date.day()) != (1, 1))
                .map(|date| date.to_string()),
            journal: None,
            citation_styles: CitationStyles { bibtex: bibtex(paper) },
            authors: paper.authors.iter().map(|name| Author::named(name)).collect(),
            citations: None,
            references: None,
            embedding: None,
            tldr: None,
        }
    }
}

fn bibtex(paper: &Paper) -> String {
    let mut written = Vec::new();
    // Memory takes everything.
    let _ = PaperWriter::new(ExportFormat::Bibtex, &mut written).write(paper, None);
    String::from_utf8(written).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paper::Record;

    fn keys(value: &Value) -> Vec<&str> {
        value.as_object().map(|object| object.keys().map(String::as_str).collect()).unwrap_or_default()
    }

    #[test]
    fn fields_are_those_that_were_asked_for() {
        let record = Record {
            ids: vec!["doi:10.1145/3292500.3330701".parse().unwrap()],
            title: "On Tests".into(),
            authors: vec!["Ada".into()],
            date: "2024-01-01".parse().ok(),
            ..Record::default()
        };
        let paper = Paper::merge(&[record], false).unwrap();
        let shown = |fields, api| Fields::parse(fields, api).map(|fields| fields.of(&paper));
        assert_eq!(keys(&shown(None, Api::Graph).unwrap()), ["paperId", "title"]);
        assert_eq!(keys(&shown(Some("year"), Api::Graph).unwrap()), ["paperId", "year"]);
        let some = shown(Some("authors.hIndex,publicationDate,externalIds,tldr"), Api::Graph).unwrap();
        assert_eq!(some["authors"], serde_json::json!([{"authorId": null, "hIndex": null}]));
        assert_eq!(some["externalIds"], serde_json::json!({"DOI": "10.1145/3292500.3330701"}));
        assert!(some["publicationDate"].is_null() && some["tldr"].is_null());
        assert_eq!(
            shown(Some("authors"), Api::Graph).unwrap()["authors"],
            serde_json::json!([{"authorId": null, "name": "Ada"}])
        );
        for (fields, api, unknown) in [
            ("title,garbage,author.name", Api::Graph, vec!["garbage", "author.name"]),
            ("tldr,title", Api::Recommendations, vec!["tldr"]),
            ("", Api::Graph, vec![""]),
        ] {
            assert_eq!(shown(Some(fields), api).unwrap_err(), unknown);
        }
    }

    #[test]
    fn every_field_is_there() {
        let paper = Paper::merge(&[Record { title: "t".into(), ..Record::default() }], false).unwrap();
        let shown = serde_json::to_value(Shown::from(&paper)).unwrap();
        for field in FIELDS.iter().chain(&["citations", "references", "embedding", "tldr"]) {
            assert!(shown.get(field).is_some(), "{field}");
        }
        let author = serde_json::to_value(Author::named("Ada")).unwrap();
        assert!(AUTHOR_FIELDS.iter().all(|field| author.get(field).is_some()));
        assert!(shown["citationStyles"]["bibtex"].as_str().unwrap().starts_with("@misc{"));
    }
}
