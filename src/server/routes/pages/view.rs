//! What several pages show: papers in short, links, languages.

use super::address::address;
use super::words::Words;
use crate::paper::{Language, Note, Paper, PaperId};

/// A paper by its title.
pub(super) struct About {
    pub(super) key: String,
    pub(super) title: String,
    pub(super) title_lang: String,
    pub(super) href: String,
    pub(super) related: String,
}

impl From<&Paper> for About {
    fn from(paper: &Paper) -> Self {
        let key = paper.id.to_string();
        Self {
            title: paper.title.clone(),
            title_lang: code(Language::of(&paper.title)),
            href: address("/paper", [("id", &key)]),
            related: address("/", [("related", &key)]),
            key,
        }
    }
}

/// One commentary.
pub(super) struct NoteView {
    pub(super) lang: String,
    pub(super) lang_name: String,
    pub(super) date: Option<String>,
    pub(super) file: String,
    pub(super) path: String,
    pub(super) text: String,
}

impl From<&Note> for NoteView {
    fn from(note: &Note) -> Self {
        Self {
            lang: code(note.commentary.language),
            lang_name: name_of(note.commentary.language),
            date: note.date.map(|date| date.to_string()),
            file: source_name(&note.file).to_owned(),
            path: note.file.clone(),
            text: note.commentary.text.clone(),
        }
    }
}

/// Where a paper or its code is.
pub(super) struct LinkView {
    pub(super) href: String,
    pub(super) label: String,
}

/// The value of a `lang` attribute; empty is HTML's word for unknown.
pub(super) fn code(language: Language) -> String {
    if language == Language::UNDETERMINED { String::new() } else { language.code().to_owned() }
}

/// The name of a language by itself, as its readers look for it.
pub(super) fn name_of(language: Language) -> String {
    let code = language.code();
    match code {
        "ko" => "한국어",
        "zh" => "中文",
        "ja" => "日本語",
        "en" => "English",
        "de" => "Deutsch",
        "fr" => "Français",
        "es" => "Español",
        "ru" => "Русский",
        "ar" => "العربية",
        "und" => "?",
        _ => code,
    }
    .to_owned()
}

/// Where a paper can be read, and where its code is. Only links to the web may be followed: a source may say `javascript:`; then its id
/// still leads there.
pub(super) fn links_of(
    id: &PaperId,
    url: Option<&String>,
    repositories: &[String],
    words: &Words,
) -> Vec<LinkView> {
    let url = url.filter(|url| bare(url).is_some()).cloned().or_else(|| id.url());
    let mut links = Vec::new();
    for link in url.iter().chain(repositories) {
        let Some(bare) = bare(link) else { continue };
        let mut add = |href: &str, label: &str| {
            links.push(LinkView { href: href.to_owned(), label: label.to_owned() });
        };
        if let Some(id) = bare.strip_prefix("arxiv.org/abs/") {
            add(link, "arXiv");
            // An abstract at arXiv brings its PDF along.
            add(&format!("https://arxiv.org/pdf/{id}"), "PDF");
        } else if bare.starts_with("doi.org/") {
            add(link, "DOI");
        } else if bare.starts_with("github.com/") || bare.starts_with("gitlab.com/") {
            add(link, &format!("{} {bare}", words.code_link));
        } else {
            add(link, bare.split(['/', '?', '#']).next().unwrap_or(bare));
        }
    }
    links
}

/// A link to the web without its scheme; `None` of any other.
pub(super) fn bare(link: &str) -> Option<&str> {
    let bare = link.strip_prefix("https://").or_else(|| link.strip_prefix("http://"))?;
    Some(bare.trim_end_matches('/'))
}

/// A source as people know it: the name of a file, or that under which a text was sent.
pub(super) fn source_name(source: &str) -> &str {
    let name = source.strip_prefix("http:").unwrap_or(source);
    name.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or(name)
}

/// Errors are written to be joined; a page shows sentences.
pub(super) fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let head: String = characters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    let end = if text.ends_with(['.', '?', '!', '…', '。']) { "" } else { "." };
    format!("{head}{}{end}", characters.as_str())
}

#[cfg(test)]
mod tests {
    use super::super::words::ENGLISH;
    use super::*;

    #[test]
    fn only_the_web_is_linked() {
        let label = |url: &str, repositories: &[&str]| -> Vec<String> {
            let id: PaperId = "arxiv:2408.15881".parse().unwrap();
            let repositories: Vec<String> = repositories.iter().map(|link| (*link).to_owned()).collect();
            let links = links_of(&id, Some(&url.to_owned()), &repositories, &ENGLISH);
            links.into_iter().map(|link| link.label).collect()
        };
        assert_eq!(
            label("http://example.org/?<b>", &["https://github.com/a/b/"]),
            ["example.org", "Code github.com/a/b"]
        );
        for url in ["javascript:alert(1)", "data:text/html,x", " https://x"] {
            assert_eq!(label(url, &[url]), ["arXiv", "PDF"], "{url}");
        }
        assert_eq!(label("https://doi.org/10.1/x", &[]), ["DOI"]);
    }

    #[test]
    fn sources_are_called_by_their_names() {
        for (source, name) in [
            ("/notes/한국어 노트.md", "한국어 노트.md"),
            ("http:reading list", "reading list"),
            ("http:a/b.bib", "b.bib"),
            ("C:\\notes\\x.txt", "x.txt"),
            ("http:", ""),
        ] {
            assert_eq!(source_name(source), name);
        }
    }
}
