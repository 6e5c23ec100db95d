//! What several pages show: papers in short, links, languages.

use super::address::address;
use super::words::Words;
use crate::paper::{Language, Note, Paper};

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
            file: note.file.rsplit(['/', '\\']).next().unwrap_or_default().to_owned(),
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

/// Only links to the web may be followed: a source may say `javascript:`. An abstract at arXiv brings its PDF along.
pub(super) fn web_links<'a>(links: impl Iterator<Item = &'a String>, words: &Words) -> Vec<LinkView> {
    let bare = |link: &'a String| link.strip_prefix("https://").or_else(|| link.strip_prefix("http://"));
    let mut shown = Vec::new();
    for link in links {
        let Some(bare) = bare(link).map(|bare| bare.trim_end_matches('/')) else { continue };
        let mut add = |href: &str, label: &str| {
            shown.push(LinkView { href: href.to_owned(), label: label.to_owned() });
        };
        if let Some(id) = bare.strip_prefix("arxiv.org/abs/") {
            add(link, "arXiv");
            add(&format!("https://arxiv.org/pdf/{id}"), "PDF");
        } else if bare.starts_with("doi.org/") {
            add(link, "DOI");
        } else if bare.starts_with("github.com/") || bare.starts_with("gitlab.com/") {
            add(link, &format!("{} {bare}", words.code_link));
        } else {
            add(link, bare.split(['/', '?', '#']).next().unwrap_or(bare));
        }
    }
    shown
}

/// Errors are written to be joined; a page shows sentences.
pub(super) fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let head: String = characters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    let end = if text.ends_with(['.', '?', '!', '…']) { "" } else { "." };
    format!("{head}{}{end}", characters.as_str())
}

#[cfg(test)]
mod tests {
    use super::super::words::ENGLISH;
    use super::*;

    #[test]
    fn only_the_web_is_linked() {
        let links = [
            "https://arxiv.org/abs/2408.15881",
            "javascript:alert(1)",
            "data:text/html,x",
            " https://x",
            "https://github.com/a/b/",
            "http://example.org/?<b>",
        ]
        .map(String::from);
        let shown: Vec<String> =
            web_links(links.iter(), &ENGLISH).into_iter().map(|link| link.label).collect();
        assert_eq!(shown, ["arXiv", "PDF", "Code github.com/a/b", "example.org"]);
    }
}
