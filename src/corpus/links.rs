//! What a line carries beside prose: URLs, repositories, tags, wiki links, Markdown dress.

use std::collections::HashSet;

use crate::paper::{Mention, single_line};

/// The URLs of a line that holds nothing else (a bullet or angle brackets apart).
pub(super) fn only_urls(line: &str) -> Option<Vec<String>> {
    let line = line.strip_prefix("- ").or_else(|| line.strip_prefix("* ")).unwrap_or(line);
    let urls: Option<Vec<String>> = line.split_whitespace().map(url).collect();
    urls.filter(|urls| !urls.is_empty())
}

fn url(token: &str) -> Option<String> {
    let bare = token.strip_prefix('<').and_then(|token| token.strip_suffix('>')).unwrap_or(token);
    let bare = bare.trim_end_matches(['.', ',', ';']);
    let rest = bare.strip_prefix("https://").or_else(|| bare.strip_prefix("http://"))?;
    let fits = rest.contains('.') && !rest.contains(|c: char| matches!(c, '<' | '>' | '"') || c.is_control());
    fits.then(|| bare.to_owned())
}

/// `text` without its URLs: what is left decides the language.
pub(super) fn without_urls(text: &str) -> String {
    let mut prose = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("http").filter(|_| rest.contains("://")) {
        let (before, from) = rest.split_at(at);
        prose.push_str(before);
        let is_url = from.starts_with("http://") || from.starts_with("https://");
        // A URL is ASCII: "https://arxiv.org/abs/2409.15156에서" goes on in prose.
        let end = if is_url {
            from.find(|c: char| !c.is_ascii_graphic() || matches!(c, ')' | '>' | '"')).unwrap_or(from.len())
        } else {
            prose.push_str("http");
            "http".len()
        };
        rest = from.get(end..).unwrap_or_default();
    }
    prose.push_str(rest);
    prose
}

/// The repositories to which `text` links, as `https://github.com/owner/name`, each once.
pub(super) fn repositories_in(text: &str) -> Vec<String> {
    const HOST: &str = "github.com/";
    // Pages of GitHub itself that look like an owner.
    const PAGES: [&str; 8] =
        ["topics", "orgs", "features", "sponsors", "search", "about", "marketplace", "settings"];
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let lower = text.to_ascii_lowercase();
    for (at, _) in lower.match_indices(HOST) {
        let before = lower.get(..at).unwrap_or_default();
        if before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '-')
            || (before.ends_with('.') && !before.ends_with("www."))
        {
            continue; // gist.github.com, notgithub.com
        }
        let path = text.get(at + HOST.len()..).unwrap_or_default();
        let end = path
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.')))
            .unwrap_or(path.len());
        let mut parts = path.get(..end).unwrap_or_default().split('/');
        if let (Some(owner), Some(name)) = (parts.next(), parts.next()) {
            let name = name.trim_end_matches(['.', '-']);
            let name = name.strip_suffix(".git").unwrap_or(name);
            let repository = format!("https://github.com/{owner}/{name}");
            if !owner.is_empty()
                && !name.is_empty()
                && !PAGES.contains(&owner)
                && seen.insert(repository.clone())
            {
                found.push(repository);
            }
        }
    }
    found
}

/// The tags of a line of tags. One stray letter is a slip of the keyboard; a word is prose.
pub(super) fn tags_in(line: &str) -> Option<Vec<String>> {
    if !line.starts_with(['#', '＃']) {
        return None;
    }
    let mut tags = Vec::new();
    let mut strays = 0;
    for token in line.split_whitespace() {
        if !token.starts_with(['#', '＃']) {
            strays += token.chars().count();
            continue;
        }
        for tag in token.split(['#', '＃']).skip(1) {
            let tag = tag.trim_end_matches([',', ';', '，']);
            if tag.is_empty() || tag.chars().count() > 64 || !tag.chars().any(char::is_alphabetic) {
                return None;
            }
            push_new(&mut tags, single_line(tag));
        }
    }
    (strays <= 1 && !tags.is_empty()).then_some(tags)
}

/// The tags in the middle of a line of prose, as Obsidian knows them: `#ml/nlp`, but not `#1` nor `C#`.
pub(super) fn tags_amid(line: &str) -> impl Iterator<Item = String> {
    line.split_whitespace().filter_map(|word| {
        let tag = word.strip_prefix('#')?;
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '/');
        let tag = tag.trim_end_matches(|c: char| !is_part(c));
        let fits =
            tag.chars().all(is_part) && tag.starts_with(char::is_alphabetic) && tag.chars().count() <= 64;
        fits.then(|| single_line(tag))
    })
}

/// Pushes what is not there yet.
pub(super) fn push_new<T: PartialEq>(into: &mut Vec<T>, value: T) {
    if !into.contains(&value) {
        into.push(value);
    }
}

/// A line of Markdown as prose: images and embeds dropped, links and wiki links by their words.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Prose {
    /// The words.
    pub text: String,
    /// Targets of Markdown links, in order.
    pub targets: Vec<String>,
    /// Wiki links.
    pub mentions: Vec<Mention>,
    /// Whether the line holds links and no words of its own.
    pub only_links: bool,
}

/// Reads one line of Markdown.
pub(super) fn prose(line: &str) -> Prose {
    let mut prose = Prose::default();
    let mut own_words = false;
    let mut rest = line;
    while let Some(at) = rest.find('[') {
        let (before, from) = rest.split_at(at);
        let (before, image) = match before.strip_suffix('!') {
            Some(before) => (before, true),
            None => (before, false),
        };
        if let Some((inner, after)) = wiki_link(from) {
            own_words |= has_words(before);
            prose.text.push_str(before);
            if !image {
                let (shown, mention) = wiki(inner);
                prose.text.push_str(&shown);
                prose.mentions.extend(mention);
            }
            rest = after;
        } else if let Some((label, target, after)) = markdown_link(from) {
            own_words |= has_words(before) || (!image && has_words(label));
            prose.text.push_str(before);
            if !image {
                prose.text.push_str(label);
                prose.targets.push(target.to_owned());
            }
            rest = after;
        } else {
            own_words |= has_words(before);
            prose.text.push_str(before);
            prose.text.push_str(if image { "![" } else { "[" });
            rest = from.get(1..).unwrap_or_default();
        }
    }
    own_words |= has_words(rest);
    prose.text.push_str(rest);
    prose.only_links = !own_words && line.contains('[');
    prose
}

/// The line without its links and their words: what is said beside them.
pub(super) fn without_links(line: &str) -> String {
    let mut said = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find('[') {
        let (before, from) = rest.split_at(at);
        said.push_str(before);
        rest = match markdown_link(from) {
            Some((_, _, after)) => after,
            None => {
                said.push('[');
                from.get(1..).unwrap_or_default()
            }
        };
    }
    said.push_str(rest);
    said
}

fn has_words(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

/// Links are short: looking no farther keeps a line of a million brackets linear.
fn near(from: &str) -> &str {
    let end = (0..=from.len().min(1_000)).rev().find(|at| from.is_char_boundary(*at));
    from.get(..end.unwrap_or_default()).unwrap_or_default()
}

/// `[[inner]]` at the start of `from`, and what follows.
fn wiki_link(from: &str) -> Option<(&str, &str)> {
    let (inner, _) = near(from).strip_prefix("[[")?.split_once("]]")?;
    Some((inner, from.get(inner.len() + 4..)?))
}

/// `[label](target)` at the start of `from`, and what follows.
fn markdown_link(from: &str) -> Option<(&str, &str, &str)> {
    let (label, rest) = near(from).get(1..)?.split_once("](")?;
    let end = rest.find([')', ' '])?;
    let target = rest.get(..end)?;
    let close = end + rest.get(end..)?.find(')')?;
    let after = from.get(1 + label.len() + 2 + close + 1..)?;
    (!label.contains(['[', ']']) && !target.contains(char::is_control)).then_some((label, target, after))
}

/// What a wiki link shows, and the note to which it leads: without `#heading`, `|alias`, folder and extension.
fn wiki(inner: &str) -> (String, Option<Mention>) {
    let (target, alias) = match inner.split_once('|') {
        Some((target, alias)) => (target, Some(alias)),
        None => (inner, None),
    };
    let note = target.split(['#', '^']).next().unwrap_or_default();
    let note = note.rsplit('/').next().unwrap_or_default();
    let note = single_line(note.strip_suffix(".md").unwrap_or(note));
    let shown = alias.map_or_else(|| note.clone(), single_line);
    (shown, (!note.is_empty()).then_some(Mention::Note(note)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_urls_and_of_tags() {
        assert_eq!(only_urls("https://a.org/x."), Some(vec!["https://a.org/x".into()]));
        assert_eq!(
            only_urls("- <https://a.org/x> http://b.org"),
            Some(vec!["https://a.org/x".into(), "http://b.org".into()])
        );
        assert_eq!(only_urls("https://a.o\u{18}rg/x"), None, "found by fuzzing");
        assert_eq!(only_urls("see https://a.org"), None);
        assert_eq!(only_urls(""), None);
        assert_eq!(
            tags_in("#vision-language #moe #시각_언어 #ml/nlp"),
            Some(vec!["vision-language".into(), "moe".into(), "시각_언어".into(), "ml/nlp".into()])
        );
        assert_eq!(tags_in("#a#b, #a F"), Some(vec!["a".into(), "b".into()]));
        for line in ["# Links", "#1 on the leaderboard", "#rlhf was used", "no tag", "## x"] {
            assert_eq!(tags_in(line), None, "{line}");
        }
    }

    #[test]
    fn repositories_are_found_in_their_dress() {
        let text = "code at \\url{https://github.com/Wizardcoast/Linear_Alignment.git}. (github.com/a/b/tree/main) \
                    https://github.com/OpenMatch/NeuScraper. https://gist.github.com/x/y https://github.com/topics/moe \
                    https://GitHub.com/a/b https://github.com/alone";
        assert_eq!(
            repositories_in(text),
            [
                "https://github.com/Wizardcoast/Linear_Alignment",
                "https://github.com/a/b",
                "https://github.com/OpenMatch/NeuScraper"
            ]
        );
    }

    #[test]
    fn markdown_becomes_prose_and_links_become_mentions() {
        let line = prose(
            "See ![fig](x.png) [[240104 LLaMA Pro.md|LLaMA Pro]] and [MM1](https://arxiv.org/abs/2403.09611), [1] 👍",
        );
        assert_eq!(line.text, "See  LLaMA Pro and MM1, [1] 👍");
        assert_eq!(line.targets, ["https://arxiv.org/abs/2403.09611"]);
        assert_eq!(line.mentions, [Mention::Note("240104 LLaMA Pro".into())]);
        assert!(!line.only_links);
        let links = prose("- [[papers/각 논문#결론]] ![[figure.png]]");
        assert_eq!(links.mentions, [Mention::Note("각 논문".into())]);
        assert!(links.only_links);
        for broken in ["[[", "![", "[a](", "[[x]", "](", "[שלום](", "[[]]", "[[#here]]"] {
            assert!(prose(broken).mentions.is_empty(), "{broken}");
        }
    }

    #[test]
    fn urls_end_where_prose_goes_on() {
        assert_eq!(
            without_urls("(https://a.org/x) 그리고 https://a.org/y에서 http only"),
            "() 그리고 에서 http only"
        );
    }
}
