//! The body of a paper in a digest or note: which lines are the abstract, which are commentary in which language.
//!
//! Scripts decide, not positions: the abstract is the English before the first line in another language. Lines
//! too short to tell (a URL, a heading of English terms amid Korean) belong to the line before them.

use std::collections::HashSet;

use super::lines::Line;
use super::links::{only_urls, push_new, repositories_in, without_urls};
use crate::paper::{Commentary, Language, Mention, PaperId, identifiers_in, normalise};

/// What a body says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Body {
    pub abstract_text: Option<String>,
    pub commentaries: Vec<Commentary>,
    pub mentions: Vec<Mention>,
    pub url: Option<String>,
    pub repositories: Vec<String>,
}

impl Body {
    fn take_links(&mut self, lines: &[Line<'_>]) {
        for url in lines.iter().filter_map(|line| only_urls(line.text)).flatten() {
            let repositories = repositories_in(&url);
            if repositories.is_empty() {
                self.url.get_or_insert(url);
            }
            repositories.into_iter().for_each(|repository| push_new(&mut self.repositories, repository));
        }
    }
}

/// An English paragraph is taken for an abstract from this length on, or if it is a sentence before commentary
/// in another language.
const ABSTRACT_LENGTH: usize = 200;
/// With fewer letters than this a line says nothing about its language, unless its script does.
const TELLING_LETTERS: usize = 40;

/// Reads the lines between authors and tags.
pub(super) fn body(lines: &[Line<'_>]) -> Body {
    let first_other = lines.iter().position(|line| is_foreign(line.text));
    let mut end = match first_other {
        Some(at) => at,
        // All is English: the first paragraph is the abstract if it is one, the rest is about it.
        None if lines.iter().any(|line| line.text.chars().count() >= ABSTRACT_LENGTH) => {
            let urls = |line: &&Line<'_>| only_urls(line.text).is_some();
            let lead = lines.iter().take_while(urls).count();
            let is_long = lines.get(lead).is_some_and(|line| line.text.chars().count() >= ABSTRACT_LENGTH);
            if is_long { lead + 1 + lines.iter().skip(lead + 1).take_while(urls).count() } else { lead }
        }
        None => lines.iter().take_while(|line| only_urls(line.text).is_some()).count(),
    };
    let mut body = Body::default();
    let head = lines.get(..end).unwrap_or_default();
    if head.iter().any(|line| is_statement(line.text)) {
        // Links above and below the abstract are where the thing can be read.
        let is_link = |line: &&Line<'_>| only_urls(line.text).is_some();
        let above = head.iter().take_while(is_link).count();
        // With a full stop it ends the abstract's last sentence.
        let below = head
            .iter()
            .skip(above)
            .rev()
            .take_while(|line| is_link(line) && !line.text.ends_with('.'))
            .count();
        let (links, head) = head.split_at(above.min(head.len()));
        let (head, more) = head.split_at(head.len().saturating_sub(below));
        body.take_links(links);
        body.take_links(more);
        let text = head.iter().map(|line| line.text.trim_start_matches("> ")).collect::<Vec<_>>().join("\n");
        repositories_in(&text)
            .into_iter()
            .for_each(|repository| push_new(&mut body.repositories, repository));
        body.abstract_text = Some(normalise(&text));
    } else {
        // A link between authors and commentary is where the thing can be read; other words are commentary.
        end = head.iter().take_while(|line| only_urls(line.text).is_some()).count();
        body.take_links(head.get(..end).unwrap_or_default());
    }
    let rest: Vec<&str> = lines.iter().skip(end).map(|line| line.text).collect();
    body.mentions = mentions_in(&rest, &[]);
    body.commentaries = by_language(&rest);
    body
}

/// One commentary per language, in the order in which the languages appear.
pub(super) fn by_language(lines: &[&str]) -> Vec<Commentary> {
    let mut told: Vec<Option<Language>> = lines.iter().map(|line| told_language(line)).collect();
    let mut before = told.iter().flatten().next().copied();
    for language in &mut told {
        before = language.or(before);
        *language = before;
    }
    let mut groups: Vec<(Option<Language>, Vec<&str>)> = Vec::new();
    for (line, language) in lines.iter().zip(told) {
        match groups.iter_mut().find(|(known, _)| *known == language) {
            Some((_, group)) => group.push(line),
            None => groups.push((language, vec![line])),
        }
    }
    let mut commentaries: Vec<Commentary> = Vec::new();
    for (_, group) in groups {
        let text = normalise(&group.join("\n"));
        let language = Language::of(&without_urls(&text));
        match commentaries.iter_mut().find(|known| known.language == language) {
            // A group that told no language may turn out to be of one that is there already.
            Some(known) => known.text = normalise(&format!("{}\n{text}", known.text)),
            None if text.is_empty() => {}
            None => commentaries.push(Commentary { language, text }),
        }
    }
    commentaries
}

/// The papers to which the lines link, but for `own`.
pub(super) fn mentions_in(lines: &[&str], own: &[PaperId]) -> Vec<Mention> {
    let mut seen = HashSet::new();
    let ids = lines.iter().flat_map(|line| identifiers_in(line)).filter(|id| !own.contains(id));
    ids.filter(|id| seen.insert(id.clone())).map(Mention::Paper).collect()
}

/// The language of a line as far as the line itself tells. Everything without a CJK script is one group, so that
/// statistics on a short line do not split a commentary in two.
fn told_language(line: &str) -> Option<Language> {
    let prose = without_urls(line);
    let language = Language::of(&prose);
    if is_cjk(language) {
        return Some(language);
    }
    let hangul = prose.chars().filter(|c| matches!(c, '가'..='힣')).count();
    let letters = prose.chars().filter(|c| c.is_alphabetic()).count();
    if hangul * 12 >= letters && hangul > 0 {
        // "LLaVA-NeXT, InternVL2, Qwen2-VL의 비교": particles and endings make it Korean, few as they are.
        return Some(Language::KOREAN);
    }
    (letters >= TELLING_LETTERS || ends_as_sentence(&prose, letters)).then_some(Language::ENGLISH)
}

/// A short line of several words with a full stop is a sentence of its language.
fn ends_as_sentence(prose: &str, letters: usize) -> bool {
    letters >= 16 && prose.trim_end().ends_with('.')
}

/// Whether the line is in a language other than English.
pub(super) fn is_foreign(line: &str) -> bool {
    told_language(line).is_some_and(is_cjk) || {
        let prose = without_urls(line);
        prose.chars().count() >= 80
            && !matches!(Language::of(&prose), Language::ENGLISH | Language::UNDETERMINED)
    }
}

fn is_cjk(language: Language) -> bool {
    matches!(language, Language::KOREAN | Language::CHINESE | Language::JAPANESE)
}

fn is_statement(line: &str) -> bool {
    only_urls(line).is_none()
        && (line.chars().count() >= ABSTRACT_LENGTH / 2 || line.ends_with(['.', '!', '?']))
}

#[cfg(test)]
mod tests {
    use super::super::lines::Page;
    use super::*;

    fn read(text: &str) -> Body {
        body(&Page::new("x", text).lines)
    }

    fn texts(body: &Body) -> Vec<(&str, &str)> {
        body.commentaries.iter().map(|note| (note.language.code(), note.text.as_str())).collect()
    }

    #[test]
    fn english_before_korean_is_the_abstract_and_english_after_it_is_commentary() {
        let body = read(
            "We propose graphs with a $1.5\\times$ speed-up. Code: https://github.com/ada/graphs.\nhttps://ada.github.io/\n\
             그래프를 (https://arxiv.org/abs/2408.08274) 다룬 연구.\nMulti-Head Attention\n재미있네요.\n\
             A study on graphs which continues earlier work on hypergraphs (https://arxiv.org/abs/2408.08274).\nSee https://github.com/other/repo",
        );
        assert_eq!(
            body.abstract_text.as_deref(),
            Some("We propose graphs with a $1.5\\times$ speed-up. Code: https://github.com/ada/graphs.")
        );
        assert_eq!(body.url.as_deref(), Some("https://ada.github.io/"));
        assert_eq!(
            texts(&body),
            [
                (
                    "ko",
                    "그래프를 (https://arxiv.org/abs/2408.08274) 다룬 연구.\nMulti-Head Attention\n재미있네요."
                ),
                (
                    "en",
                    "A study on graphs which continues earlier work on hypergraphs (https://arxiv.org/abs/2408.08274).\nSee https://github.com/other/repo"
                ),
            ]
        );
        assert_eq!(
            body.repositories,
            ["https://github.com/ada/graphs"],
            "a repository in commentary is another's"
        );
        assert_eq!(body.mentions, [Mention::Paper("2408.08274".parse().unwrap())]);
    }

    #[test]
    fn without_abstract_the_first_line_is_commentary_in_any_script() {
        for (text, code) in [
            ("PyTorch에 Async Tensor Parallel 구현이 들어왔군요.", "ko"),
            ("这是一篇关于混合专家模型的论文。", "zh"),
            ("混合エキスパートについての論文です。", "ja"),
        ] {
            let body = read(text);
            assert_eq!((body.abstract_text.as_deref(), texts(&body)), (None, vec![(code, text)]));
        }
        let sentence = read(
            "We study graphs and more of them, as long as a sentence of an abstract is, so that nobody takes it for a term. More at\nhttps://a.org/.\nhttps://b.org\n그래프 연구입니다.",
        );
        assert_eq!(
            sentence.abstract_text.as_deref(),
            Some(
                "We study graphs and more of them, as long as a sentence of an abstract is, so that nobody takes it for a term. More at\nhttps://a.org/."
            )
        );
        assert_eq!(sentence.url.as_deref(), Some("https://b.org"));
        let linked = read("https://openai.com/spec\n모델 스펙이 공개됐네요.");
        assert_eq!((linked.url.as_deref(), linked.commentaries.len()), (Some("https://openai.com/spec"), 1));
        let terms = read("LLaVA-NeXT, InternVL2, Qwen2-VL, Pixtral 12B의 비교. 굿.");
        assert_eq!(texts(&terms)[0].0, "ko");
    }

    #[test]
    fn an_english_paper_has_its_first_long_paragraph_as_abstract() {
        let long = "We study the scaling of sparse models in depth. ".repeat(6);
        let body = read(&format!("{long}\nNice work, and it follows from what we know about dense models."));
        assert_eq!(body.abstract_text.as_deref(), Some(long.trim()));
        assert_eq!(texts(&body)[0].0, "en");
        let short = read("A short remark about it.");
        assert_eq!((short.abstract_text, short.commentaries.len()), (None, 1));
        assert_eq!(read(""), Body::default());
    }
}
