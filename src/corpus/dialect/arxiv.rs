//! arXiv's metadata as it is published for download: one object a paper, all versions in it, text broken into lines as
//! it was submitted.

use serde_json::Value;

use super::super::headline::names;
use super::super::links::{push_new, repositories_in};
use super::fields::{Fields, natural, push_tag, registered, text_in, titled};
use crate::paper::{ArxivId, PaperId, Record, normalise, single_line};

/// A paper that appeared more often than this did not.
const MOST_DOIS: usize = 16;

pub(super) fn record(fields: &mut Fields<'_>) -> Result<Record, String> {
    let mut record = Record {
        title: titled(fields.text("title").map(single_line).filter(|title| !title.is_empty()))?,
        abstract_text: fields.text("abstract").map(folded).filter(|text| !text.is_empty()),
        venue: fields.text("journal-ref").map(single_line),
        updated: fields.date("update_date"),
        ..Record::default()
    };
    match fields.text("id").map(ArxivId::parse) {
        Some(Some(id)) => record.ids.push(PaperId::Arxiv(id)),
        Some(None) => fields.odd_is("id"),
        None => {}
    }
    // Papers that appeared twice have two.
    for doi in fields.text("doi").unwrap_or_default().split_whitespace().take(MOST_DOIS) {
        match registered(doi.trim_end_matches([',', ';'])) {
            Some(id) => push_new(&mut record.ids, id),
            None => fields.odd_is("doi"),
        }
    }
    let versions = fields.list("versions");
    let created = |version: &Value| text_in(version, "created").and_then(super::super::date::stamp);
    record.date = versions.first().and_then(created).or(record.updated);
    if let Some(last) = versions.last() {
        record.updated = created(last).or(record.updated);
        record.version = text_in(last, "version").and_then(|text| text.strip_prefix('v')?.parse().ok());
    }
    record.authors = authors(fields);
    for tag in fields.text("categories").unwrap_or_default().split_whitespace() {
        push_tag(&mut record, tag);
    }
    let comments = fields.text("comments").unwrap_or_default();
    let abstract_text = record.abstract_text.as_deref().unwrap_or_default();
    record.repositories = repositories_in(&format!("{comments}\n{abstract_text}"));
    Ok(record)
}

fn authors(fields: &mut Fields<'_>) -> Vec<String> {
    let parsed = fields.list("authors_parsed").iter().filter_map(|parts| {
        let part = |at: usize| parts.get(at).and_then(Value::as_str).unwrap_or_default();
        Some(natural(part(1), part(0), part(2))).filter(|name| !name.is_empty())
    });
    let parsed: Vec<String> = parsed.collect();
    if !parsed.is_empty() {
        return parsed;
    }
    let Some(text) = fields.text("authors") else { return Vec::new() };
    let listed = single_line(&without_parentheses(text)).replace(", and ", ", ").replace(" and ", ", ");
    names(&listed).unwrap_or_default()
}

/// Names without the affiliations behind them.
fn without_parentheses(text: &str) -> String {
    let mut depth = 0usize;
    let outside = text.chars().filter(|c| {
        match c {
            '(' => depth += 1,
            ')' => {
                depth = depth.saturating_sub(1);
                return false;
            }
            _ => {}
        }
        depth == 0
    });
    outside.collect()
}

/// Text that was broken into lines to be printed: a break is a space, an indented or blank line begins a paragraph.
pub(in crate::corpus) fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut paragraph = true;
    for line in text.lines() {
        let bare = line.trim();
        paragraph |= bare.is_empty() || line.starts_with([' ', '\t']);
        if !bare.is_empty() {
            if !folded.is_empty() {
                folded.push(if paragraph { '\n' } else { ' ' });
            }
            folded.push_str(bare);
            paragraph = false;
        }
    }
    normalise(&folded)
}

/// The number of the version that an arXiv id or its URL names at its end.
pub(in crate::corpus) fn version_of(id: &str) -> Option<u32> {
    let (head, version) = id.trim_end().rsplit_once('v')?;
    head.ends_with(|c: char| c.is_ascii_digit()).then(|| version.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::super::tests::read;
    use super::*;

    #[test]
    fn a_paper_of_the_snapshot() {
        let (record, odd) = read(
            r#"{"id": "hep-ph/0701001", "submitter": "C. Balázs", "authors": "C. Bal\\'azs (1) and others", "title": "Sparse graphs in\n  diphoton production",
                "comments": "37 pages, code at https://github.com/ada/graphs", "journal-ref": "Phys.Rev.D76:013009,2007", "doi": "10.1103/PhysRevD.76.013009 10.1103/x",
                "report-no": null, "categories": "hep-ph cs.LG", "license": null, "abstract": "  A calculation of graphs\nbroken over lines.\n  A second paragraph, see\n(https://github.com/boole/logic).\n",
                "versions": [{"version": "v1", "created": "Mon, 2 Apr 2007 19:18:42 GMT"}, {"version": "v3", "created": "Tue, 24 Jul 2007 20:10:27 GMT"}],
                "update_date": "2008-11-26", "authors_parsed": [["Balázs", "C.", ""], ["Smith", "John", "Jr.", "MIT"], ["王", "芳", ""], ["ATLAS Collaboration", "", ""]]}"#,
        )
        .unwrap();
        assert_eq!(record.title, "Sparse graphs in diphoton production");
        assert_eq!(record.authors, ["C. Balázs", "John Smith Jr.", "王芳", "ATLAS Collaboration"]);
        assert_eq!(
            record.ids.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["arxiv:hep-ph/0701001", "doi:10.1103/physrevd.76.013009", "doi:10.1103/x"]
        );
        assert_eq!(
            record.abstract_text.as_deref(),
            Some(
                "A calculation of graphs broken over lines.\nA second paragraph, see (https://github.com/boole/logic)."
            )
        );
        assert_eq!(record.date.unwrap().to_string(), "2007-04-02");
        assert_eq!((record.version, record.updated.unwrap().to_string()), (Some(3), "2007-07-24".to_owned()));
        assert_eq!(record.tags, ["hep-ph", "cs.LG"]);
        assert_eq!(record.venue.as_deref(), Some("Phys.Rev.D76:013009,2007"));
        assert_eq!(record.repositories, ["https://github.com/ada/graphs", "https://github.com/boole/logic"]);
        assert!(odd.is_empty(), "{odd:?}");
    }

    #[test]
    fn what_is_missing_or_odd_is_passed_over() {
        let (record, odd) = read(
            r#"{"id": "soon", "submitter": 5, "authors": "Ada Lovelace (1), Emmy Noether (1 and 2), and Hedy Lamarr ((1) Paris, (2) Rome)",
                "title": "On graphs", "doi": "none", "categories": "cs.LG", "versions": {}, "update_date": "2009-01-02"}"#,
        )
        .unwrap();
        assert_eq!(record.authors, ["Ada Lovelace", "Emmy Noether", "Hedy Lamarr"]);
        assert_eq!((record.date, record.version), (record.updated, None));
        assert_eq!(odd, ["id", "doi", "versions"]);
    }

    #[test]
    fn versions() {
        for (id, want) in [
            ("http://arxiv.org/abs/2408.15881v12", Some(12)),
            ("http://arxiv.org/abs/hep-ex/0307015v1", Some(1)),
            ("http://arxiv.org/abs/2408.15881", None),
            ("https://arxiv.org/abs/solv-int/9701001", None),
            ("v2", None),
        ] {
            assert_eq!(version_of(id), want, "{id}");
        }
    }
}
