//! What BibTeX and RIS have in common: fields of a citation, by their meaning, to a record.

use std::collections::HashSet;

use super::commentary::mentions_in;
use super::links::repositories_in;
use super::{ErrorKind, RecordError, Slots};
use crate::paper::{
    ArxivId, Commentary, Language, Mention, PaperId, Record, Source, identifiers_in, normalise, single_line,
};

/// A note that begins so is bookkeeping and no review.
const BOOKKEEPING: [&str; 16] = [
    "accepted",
    "to appear",
    "appeared",
    "published",
    "submitted",
    "presented at",
    "preprint",
    "accessed",
    "in press",
    "under review",
    "copyright",
    "place:",
    "publisher:",
    "issn",
    "version",
    "software available",
];
/// How many words such a note has behind a number: "12 pages, 3 figures".
const COUNTED: [&str; 4] = ["page", "pages", "figures", "pp"];

/// A record that is being read.
#[derive(Default)]
pub(super) struct Citation {
    pub record: Record,
    texts: Vec<String>,
    /// The link to a repository, which is where a paper that has neither id nor page is found.
    repository: Option<String>,
    /// What is there already: a list of a hundred thousand must not be searched for each.
    seen: HashSet<(Kind, String)>,
}

#[derive(PartialEq, Eq, Hash)]
enum Kind {
    Tag,
    Repository,
    Text,
}

impl Citation {
    /// An id in one of its bare forms or as a link; whether it was one. The first of a registry is the paper's own.
    pub fn take_id(&mut self, text: &str) -> bool {
        let text = text.trim();
        let found = PaperId::parse(text).or_else(|| identifiers_in(text).into_iter().next());
        let Some(id) = found.filter(PaperId::is_registered) else { return false };
        let same = |known: &PaperId| std::mem::discriminant(known) == std::mem::discriminant(&id);
        if !self.record.ids.iter().any(same) {
            if matches!(id, PaperId::Arxiv(_)) {
                self.record.version = version(text);
            }
            self.record.ids.push(id);
        }
        true
    }

    /// Only what is an arXiv id: fields in which any other number may stand.
    pub fn take_arxiv(&mut self, text: &str) -> bool {
        let text = text.trim();
        let bare = text.strip_prefix("abs/").unwrap_or(text);
        let is_arxiv = ArxivId::parse(bare).is_some()
            || identifiers_in(text).first().is_some_and(|id| matches!(id, PaperId::Arxiv(_)));
        is_arxiv && self.take_id(bare)
    }

    /// A link: an id, a repository, or where the paper can be read.
    pub fn take_url(&mut self, text: &str) {
        let text = single_line(text);
        let repositories = repositories_in(&text);
        if text.is_empty() || (text.contains("://") && self.take_id(&text)) {
            return;
        }
        let is_repository = !repositories.is_empty();
        self.add_repositories(repositories);
        if text.contains("://") && !text.contains(' ') {
            let place = if is_repository { &mut self.repository } else { &mut self.record.url };
            place.get_or_insert(text);
        }
    }

    /// Every repository to which the text links.
    pub fn take_code(&mut self, text: &str) {
        self.add_repositories(repositories_in(text));
    }

    fn add_repositories(&mut self, found: Vec<String>) {
        for repository in found {
            if self.seen.insert((Kind::Repository, repository.clone())) {
                self.record.repositories.push(repository);
            }
        }
    }

    /// Journal or proceedings; "arXiv preprint arXiv:2408.15881" is an id and no venue.
    pub fn take_venue(&mut self, text: &str) {
        let text = single_line(text);
        let names_arxiv = text.to_ascii_lowercase().starts_with("arxiv");
        if !(names_arxiv && (self.take_arxiv(&text) || text.split(' ').count() <= 2)) && !text.is_empty() {
            self.record.venue.get_or_insert(text);
        }
    }

    pub fn take_abstract(&mut self, text: &str) {
        let text = normalise(text);
        if !text.is_empty() {
            self.record.abstract_text.get_or_insert(text);
        }
    }

    pub fn take_tag(&mut self, text: &str) {
        let tag = single_line(text.trim().trim_start_matches('#'));
        if !tag.is_empty() && self.seen.insert((Kind::Tag, tag.clone())) {
            self.record.tags.push(tag);
        }
    }

    pub fn take_author(&mut self, name: String) {
        if !name.is_empty() {
            self.record.authors.push(name);
        }
    }

    /// What somebody wrote about the paper.
    pub fn take_commentary(&mut self, text: &str) {
        let text = normalise(text);
        if !text.is_empty() && self.seen.insert((Kind::Text, text.clone())) {
            self.texts.push(text);
        }
    }

    /// A field that holds reviews and bookkeeping alike.
    pub fn take_note(&mut self, text: &str) {
        let lower = text.trim().to_lowercase();
        // Of a review that merely links to a paper, the link is not this paper.
        if lower.starts_with("arxiv") && self.take_arxiv(text) {
            return;
        }
        let bare = lower.trim_start_matches(|c: char| c.is_ascii_digit());
        let counted = bare.len() < lower.len()
            && bare
                .split([' ', ',', '.', ';'])
                .find(|word| !word.is_empty())
                .is_some_and(|word| COUNTED.contains(&word));
        let only_link = lower.starts_with("http") && !lower.contains(char::is_whitespace);
        if !(counted || only_link || BOOKKEEPING.iter().any(|word| lower.starts_with(word))) {
            self.take_commentary(text);
        }
    }

    /// The record; `what` names it in the error for one without title.
    pub fn finish(
        mut self,
        file: &str,
        line: usize,
        slots: &mut Slots,
        what: &str,
    ) -> Result<Record, RecordError> {
        if self.record.title.is_empty() {
            let why = format!("{what} has no title; give it one, every paper needs it");
            return Err(RecordError::new(ErrorKind::Malformed, file, line, why));
        }
        if self.record.ids.is_empty() && self.record.url.is_none() {
            self.record.url = self.repository;
        }
        let texts: Vec<&str> = self.texts.iter().map(String::as_str).collect();
        self.record.mentions = mentions_in(&texts, &self.record.ids);
        let own: Vec<Mention> = self.record.ids.iter().cloned().map(Mention::Paper).collect();
        self.record.mentions.retain(|mention| !own.contains(mention));
        self.record.commentaries =
            self.texts.into_iter().map(|text| Commentary { language: Language::of(&text), text }).collect();
        let slot = slots.next(&self.record.ids, &self.record.title);
        self.record.source = Source { file: file.to_owned(), line, slot };
        Ok(self.record)
    }
}

/// The `2` of `2408.15881v2`.
fn version(text: &str) -> Option<u32> {
    let (before, version) = text.trim_end_matches(".pdf").rsplit_once('v')?;
    before.ends_with(|c: char| c.is_ascii_digit()).then(|| version.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_reviews_or_bookkeeping() {
        for (note, taken) in [
            ("Accepted at ICML 2024, with an oral presentation", false),
            ("arXiv:2408.15881 [cs.CL], 12 pages", false),
            ("12 pages, 3 figures", false),
            ("https://example.org/a/long/address/of/a/page", false),
            ("읽어볼 만한 논문입니다. https://arxiv.org/abs/2305.18290 참고", true),
            ("很好的论文，值得一读再读。", true),
            ("Shows that attention is not needed for this.", true),
        ] {
            let mut citation = Citation::default();
            citation.take_note(note);
            assert_eq!(citation.texts.len(), usize::from(taken), "{note}");
        }
    }

    #[test]
    fn links_are_ids_repositories_or_pages() {
        let mut citation = Citation::default();
        citation.take_url("https://arxiv.org/abs/2408.15881v3");
        citation.take_url("https://github.com/ada/graphs.git");
        citation.take_url("https://example.org/paper");
        citation.take_venue("arXiv preprint arXiv:2408.15881");
        citation.take_venue("arXiv e-prints");
        citation.take_venue("대한전자공학회");
        let record = citation.record;
        assert_eq!((record.ids.len(), record.version), (1, Some(3)));
        assert_eq!(record.repositories, ["https://github.com/ada/graphs"]);
        assert_eq!(
            (record.url.as_deref(), record.venue.as_deref()),
            (Some("https://example.org/paper"), Some("대한전자공학회"))
        );
    }
}
