//! Answers as the page shows them: short, in words, every address encoded.

use crate::paper::{Language, Note, Paper, PaperId, PassageKind};
use crate::search::{Answer, Asked, Hit};

/// The authors that stand in a list; the paper's own page has them all.
const AUTHORS_SHOWN: usize = 3;

/// The paper that others are related to.
pub(super) struct About {
    pub(super) title: String,
    pub(super) title_lang: String,
    pub(super) href: String,
    pub(super) related: String,
}

impl From<&Paper> for About {
    fn from(paper: &Paper) -> Self {
        Self {
            title: paper.title.clone(),
            title_lang: words::code(Language::of(&paper.title)),
            href: address("/paper?id=", &paper.id),
            related: address("/?related=", &paper.id),
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
            lang: words::code(note.commentary.language),
            lang_name: words::name(note.commentary.language),
            date: note.date.map(|date| date.to_string()),
            file: note.file.rsplit(['/', '\\']).next().unwrap_or_default().to_owned(),
            path: note.file.clone(),
            text: note.commentary.text.clone(),
        }
    }
}

/// Where the paper or its code is.
pub(super) struct LinkView {
    pub(super) href: String,
    pub(super) label: String,
}

/// A link from the commentary.
pub(super) struct MentionView {
    pub(super) href: String,
    pub(super) title: String,
    pub(super) outside: bool,
}

/// An answer in words.
pub(super) struct AnswerView {
    pub(super) count: String,
    /// What there is to know beside the hits.
    pub(super) remarks: Vec<String>,
    pub(super) hits: Vec<HitView>,
    pub(super) more: Option<String>,
    /// Where the nearest papers are shown, though none of them answers.
    pub(super) nearest: Option<String>,
}

impl AnswerView {
    pub(super) fn new(answer: &Answer, more: Option<String>) -> Self {
        let chunks = match answer.chunks {
            0 | 1 => String::new(),
            chunks => format!(" · question read in {chunks} pieces"),
        };
        let count =
            format!("{} of {} papers · {:.0} ms{chunks}", answer.hits.len(), answer.total, answer.took_ms);
        let unscored = |view| HitView { score: None, ..view };
        let hits = answer.hits.iter().map(HitView::from);
        let hits = if answer.listed { hits.map(unscored).collect() } else { hits.collect() };
        let nearest = match &answer.query {
            Asked::Text(text) if answer.below_floor => Some(Self::of_question(text) + "&floor=none"),
            _ => None,
        };
        let remarks = answer.remarks.iter().map(|remark| words::sentence(&remark.to_string())).collect();
        Self { count, remarks, hits, more, nearest }
    }

    /// The address that asks `question`.
    pub(super) fn of_question(question: &str) -> String {
        address("/?q=", &question)
    }
}

/// One hit.
pub(super) struct HitView {
    pub(super) id: Option<PaperId>,
    pub(super) title: String,
    pub(super) title_lang: String,
    pub(super) href: String,
    pub(super) related: String,
    pub(super) authors: Option<String>,
    pub(super) date: Option<String>,
    pub(super) tags: Vec<String>,
    /// None where papers are only listed.
    pub(super) score: Option<ScoreView>,
    pub(super) kind: &'static str,
    pub(super) lang: String,
    pub(super) lang_name: String,
    pub(super) text: String,
    pub(super) why: Vec<String>,
}

/// How well a hit answers.
pub(super) struct ScoreView {
    pub(super) percent: u8,
    pub(super) similarity: String,
}

impl From<&Hit> for HitView {
    fn from(hit: &Hit) -> Self {
        let paper = &hit.paper;
        Self {
            // The hash of a title tells a reader nothing.
            id: paper.id.is_registered().then(|| paper.id.clone()),
            title: paper.title.clone(),
            title_lang: words::code(Language::of(&paper.title)),
            href: address("/paper?id=", &paper.id),
            related: address("/?related=", &paper.id),
            authors: authors(&paper.authors),
            date: paper.date.map(|date| date.to_string()),
            tags: paper.tags.clone(),
            score: Some(ScoreView {
                percent: (hit.score.clamp(0.0, 1.0) * 100.0).round() as u8,
                similarity: format!("{:.3}", hit.similarity),
            }),
            kind: match hit.matched.passage {
                PassageKind::Title => "title",
                PassageKind::Abstract => "abstract",
                PassageKind::Commentary => "commentary",
            },
            lang: words::code(hit.matched.lang),
            lang_name: words::name(hit.matched.lang),
            text: hit.matched.text.clone(),
            why: why(hit),
        }
    }
}

fn why(hit: &Hit) -> Vec<String> {
    let mut why = Vec::new();
    if hit.why.named {
        why.push("named in the question".to_owned());
    }
    why.extend(hit.why.glosses());
    if !hit.why.shared_tags.is_empty() {
        why.push(format!("shared: {}", hit.why.shared_tags.join(", ")));
    }
    for link in &hit.why.mentions {
        let this = |id: &PaperId| *id == hit.paper.id || hit.paper.aliases.contains(id);
        why.push(match (this(&link.from), this(&link.to)) {
            (true, _) => format!("mentions {}", link.to),
            (_, true) => format!("mentioned by {}", link.from),
            _ => format!("{} mentions {}", link.from, link.to),
        });
    }
    why
}

fn authors(authors: &[String]) -> Option<String> {
    let shown = authors.get(..AUTHORS_SHOWN).unwrap_or(authors).join(", ");
    let more = if authors.len() > AUTHORS_SHOWN { " et al." } else { "" };
    (!shown.is_empty()).then(|| format!("{shown}{more}"))
}

/// `prefix`, then `value` with all but letters, digits and `-._~` percent-encoded.
fn address(prefix: &str, value: &impl ToString) -> String {
    let encoded = value.to_string().bytes().fold(String::new(), |mut text, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                text.push(char::from(byte))
            }
            _ => text.push_str(&format!("%{byte:02X}")),
        }
        text
    });
    format!("{prefix}{encoded}")
}

/// Words and links for people.
pub(super) mod words {
    use super::LinkView;
    use crate::paper::Language;

    /// The value of a `lang` attribute; empty is HTML's word for unknown.
    pub(in super::super) fn code(language: Language) -> String {
        if language == Language::UNDETERMINED { String::new() } else { language.code().to_owned() }
    }

    /// The name of a language by itself, as its readers look for it.
    pub(in super::super) fn name(language: Language) -> String {
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

    /// Only links to the web may be followed: a source may say `javascript:`.
    pub(in super::super) fn web_links<'a>(links: impl Iterator<Item = &'a String>) -> Vec<LinkView> {
        let bare = |link: &'a String| link.strip_prefix("https://").or_else(|| link.strip_prefix("http://"));
        links
            .filter_map(|link| {
                let label = bare(link)?.trim_end_matches('/').to_owned();
                Some(LinkView { href: link.clone(), label })
            })
            .collect()
    }

    /// Errors are written to be joined; a page shows sentences.
    pub(in super::super) fn sentence(text: &str) -> String {
        let mut characters = text.chars();
        let head: String = characters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
        let end = if text.ends_with(['.', '?', '!', '…']) { "" } else { "." };
        format!("{head}{}{end}", characters.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_hold_any_id_and_any_question() {
        assert_eq!(address("/paper?id=", &"hep-ex/0307015"), "/paper?id=hep-ex%2F0307015");
        assert_eq!(AnswerView::of_question("논 &\"<"), "/?q=%EB%85%BC%20%26%22%3C");
    }

    #[test]
    fn only_the_web_is_linked() {
        let links = ["https://arxiv.org/abs/1", "javascript:alert(1)", "data:text/html,x", " https://x"]
            .map(String::from);
        let shown: Vec<String> = words::web_links(links.iter()).into_iter().map(|link| link.label).collect();
        assert_eq!(shown, ["arxiv.org/abs/1"]);
    }

    #[test]
    fn three_authors_then_others() {
        let names = ["A", "B", "C", "D"].map(String::from);
        assert_eq!(authors(&names).as_deref(), Some("A, B, C et al."));
        assert_eq!(authors(&names[..3]).as_deref(), Some("A, B, C"));
        assert_eq!(authors(&[]), None);
    }
}
