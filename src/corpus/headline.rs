//! Title and authors as they stand above a paper: `Title` / `(authors)` on lines of their own, or
//! `*Title* (authors)` on one, either broken over several lines by an editor.
//!
//! Where a headline is due (after a date or tags) a parenthesis is enough. In the middle of commentary it must
//! hold what looks like names, because people write whole paragraphs in parentheses too.

use super::lines::Line;
use super::links::{only_urls, tags_in};
use crate::paper::{Language, single_line};

/// A title may be broken over so many lines, its authors over so many more.
const TITLE_LINES: usize = 3;
const AUTHOR_LINES: usize = 12;
/// Longer lines are prose.
const LONGEST_TITLE: usize = 300;

/// Title and authors, and how many lines they took.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Headline {
    pub title: String,
    pub authors: Vec<String>,
    pub lines: usize,
    /// Whether the title is marked as such, by emphasis or as a heading.
    pub marked: bool,
}

/// How much proof it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// A headline is due here.
    Yes,
    /// Anything may stand here.
    No,
}

/// The headline with authors at the start of `lines`, if there is one.
pub(super) fn headline(lines: &[Line<'_>], expected: Expected) -> Option<Headline> {
    let mut title = String::new();
    for (at, line) in lines.iter().take(TITLE_LINES).enumerate() {
        let text = line.text;
        if only_urls(text).is_some() || tags_in(text).is_some() || text.starts_with('>') {
            return None;
        }
        if text.starts_with(['(', '（']) && at > 0 {
            return authors_below(&title, lines.get(at..)?, at, expected);
        }
        if !title.is_empty() {
            title.push(' ');
        }
        title.push_str(text);
        if let Some(found) = on_one_line(&title, at + 1, expected) {
            return Some(found);
        }
        let authors_follow = lines.get(at + 1).is_some_and(|next| next.text.starts_with(['(', '（']));
        let is_prose = title.chars().count() > LONGEST_TITLE || (!authors_follow && ends_a_sentence(text));
        if is_prose && !starts_emphasis(&title) {
            return None;
        }
    }
    None
}

/// A title that is marked as such and stands alone: `*Title*`, `**Title**`, `# Title`.
pub(super) fn marked_title(text: &str) -> Option<String> {
    let heading = text.trim_start_matches('#');
    if heading.len() < text.len() && heading.starts_with(' ') {
        return Some(bare_title(heading)).filter(|title| !title.is_empty());
    }
    let closes = text.ends_with('*') || text.ends_with('_');
    (starts_emphasis(text) && closes).then(|| bare_title(text)).filter(|title| !title.is_empty())
}

/// Whether a line could be a title: short, and no sentence.
pub(super) fn title_like(text: &str) -> bool {
    text.chars().count() <= LONGEST_TITLE
        && only_urls(text).is_none()
        && tags_in(text).is_none()
        && !text.starts_with('>')
        && !ends_a_sentence(text)
}

/// A title without heading marks, emphasis and quotes around it.
pub(super) fn bare_title(text: &str) -> String {
    let text = text.trim_start_matches('#').trim();
    let mut text = text;
    for mark in ["**", "__", "*", "_"] {
        // "*ReST-MCTS*: Self-Training*": one mark at either end, whatever stands between.
        if let Some(inner) = text.strip_prefix(mark).and_then(|text| text.strip_suffix(mark)) {
            text = inner;
            break;
        }
    }
    single_line(text)
}

fn authors_below(title: &str, lines: &[Line<'_>], before: usize, expected: Expected) -> Option<Headline> {
    let mut group = String::new();
    for (at, line) in lines.iter().take(AUTHOR_LINES).enumerate() {
        if !group.is_empty() {
            group.push(' ');
        }
        group.push_str(line.text);
        match closing(&group) {
            Some(end) if end == group.len() => {
                let authors = names(inside(&group))?;
                let fits = match expected {
                    Expected::Yes => plausible(&authors, inside(&group)),
                    Expected::No => all_names(&authors) && title_like(title),
                };
                let title = bare_title(title);
                let marked = false;
                return (fits && !title.is_empty()).then_some(Headline {
                    title,
                    authors,
                    lines: before + at + 1,
                    marked,
                });
            }
            // It goes on behind the parenthesis: prose.
            Some(_) => return None,
            None => {}
        }
    }
    None
}

fn on_one_line(text: &str, lines: usize, expected: Expected) -> Option<Headline> {
    if !text.ends_with([')', '）']) || text.contains("://") {
        return None;
    }
    let open = opening(text)?;
    let title = text.get(..open)?.trim_end();
    let authors = names(inside(text.get(open..)?))?;
    let marked = marked_title(title).is_some();
    // "Adam (optimizer)" is a title; "Many-shot Jailbreaking (Cem Anil, Esin Durmus)" a title with authors.
    let fits = if marked {
        plausible(&authors, inside(text.get(open..)?))
    } else {
        expected == Expected::Yes && authors.len() > 1 && all_names(&authors) && title_like(title)
    };
    let title = bare_title(title);
    (fits && !title.is_empty()).then_some(Headline { title, authors, lines, marked })
}

fn starts_emphasis(text: &str) -> bool {
    let inner = text.trim_start_matches(['*', '_']);
    inner.len() < text.len() && inner.starts_with(|c: char| !c.is_whitespace())
}

fn ends_a_sentence(text: &str) -> bool {
    let text = text.trim_end_matches([')', '）', '"', '”', '*']);
    text.ends_with(['.', '。', '．']) && !text.ends_with("...")
}

/// The byte after the parenthesis that closes the one at the start.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' | '（' => depth += 1,
            ')' | '）' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(at + c.len_utf8());
                }
            }
            _ => {}
        }
    }
    None
}

/// The byte of the parenthesis that the one at the end closes.
fn opening(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (at, c) in text.char_indices().rev() {
        match c {
            ')' | '）' => depth += 1,
            '(' | '（' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

fn inside(group: &str) -> &str {
    let mut inner = group.chars();
    inner.next();
    inner.next_back();
    inner.as_str()
}

/// The names of a list, split at the commas that stand outside of inner parentheses. `None`: no list of names.
pub(super) fn names(list: &str) -> Option<Vec<String>> {
    let mut names = vec![String::new()];
    let mut depth = 0usize;
    for c in list.chars() {
        match c {
            '(' | '（' => depth += 1,
            ')' | '）' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && matches!(c, ',' | ';' | '，' | '；' | '、') {
            names.push(String::new());
        } else if let Some(name) = names.last_mut() {
            name.push(c);
        }
    }
    // "Ada Lovelace and George Boole": the last comma is a word, or the only one.
    if let Some(last) = names.pop() {
        match last.split_once(" and ").or_else(|| last.split_once(" & ")) {
            Some((one, other)) if looks_like_a_name(one) && looks_like_a_name(other) => {
                names.extend([one.to_owned(), other.to_owned()]);
            }
            _ => names.push(last),
        }
    }
    let names: Vec<String> = names
        .iter()
        .map(|name| single_line(name))
        .map(|name| name.strip_prefix("and ").map(str::to_owned).unwrap_or(name))
        .filter(|name| {
            !name.is_empty()
                && !matches!(name.as_str(), "et al." | "et al" | "…" | "..." | "등" | "等" | "他")
        })
        .collect();
    (!names.is_empty() && !list.contains("://")).then_some(names)
}

/// Good enough where authors are due: short parts, and no sentence in a script that has no names of that length.
fn plausible(names: &[String], list: &str) -> bool {
    let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or_default();
    let list = list.trim_end_matches("et al.");
    let is_prose = ends_a_sentence(list) && Language::of(list) != Language::ENGLISH;
    longest <= 120 && !is_prose
}

/// Names, and not a list of models or terms: most have two parts or are written in a script that joins them.
fn all_names(names: &[String]) -> bool {
    let whole =
        names.iter().filter(|name| name.contains(' ') || !name.contains(|c: char| c.is_ascii_alphabetic()));
    whole.count() * 2 >= names.len() && names.iter().all(|name| looks_like_a_name(name))
}

fn looks_like_a_name(name: &str) -> bool {
    // An affiliation in parentheses or after a colon is no part of the name.
    let name = name.split(['(', '（']).next().unwrap_or_default();
    let words: Vec<&str> = name.split_whitespace().collect();
    if words.is_empty() || words.len() > 6 || name.chars().any(|c| c.is_ascii_digit()) {
        return false;
    }
    words.iter().all(|word| {
        let letters = word.chars().filter(|c| c.is_alphabetic()).count();
        let spaced_script = word.chars().any(|c| c.is_lowercase() || c.is_uppercase());
        if spaced_script {
            word.starts_with(char::is_uppercase)
                || PARTICLES.contains(word)
                || word.contains(['-', '\'', '’', '´', '̨'])
        } else {
            // A Korean, Chinese or Japanese name, or a part of one; longer is prose.
            letters <= 5 && words.len() <= 2
        }
    })
}

const PARTICLES: [&str; 20] = [
    "al", "ben", "bin", "da", "de", "del", "della", "den", "der", "di", "dos", "du", "el", "la", "le", "ten",
    "van", "von", "y", "zu",
];

#[cfg(test)]
mod tests {
    use super::super::lines::Page;
    use super::*;

    fn read(text: &str, expected: Expected) -> Option<(String, Vec<String>, usize)> {
        let page = Page::new("x", text);
        headline(&page.lines, expected).map(|found| (found.title, found.authors, found.lines))
    }

    fn found(title: &str, authors: &[&str], lines: usize) -> Option<(String, Vec<String>, usize)> {
        Some((title.into(), authors.iter().map(|author| (*author).into()).collect(), lines))
    }

    #[test]
    fn authors_below_the_title_also_broken_over_lines() {
        let both = |text, want| {
            assert_eq!(read(text, Expected::Yes), want, "{text}");
            assert_eq!(read(text, Expected::No), want, "{text}");
        };
        both(
            "On Graphs\n(Ada Lovelace, Ümit de la Cruz)\nWe",
            found("On Graphs", &["Ada Lovelace", "Ümit de la Cruz"], 2),
        );
        both(
            "On Graphs\n(Ümit de la Cruz, Lélio Renard, et al.)",
            found("On Graphs", &["Ümit de la Cruz", "Lélio Renard"], 2),
        );
        both(
            "On\nLong Titles\n(A. Lovelace,\nB. Bool (MIT, USA), and 김철수)\nWe",
            found("On Long Titles", &["A. Lovelace", "B. Bool (MIT, USA)", "김철수"], 4),
        );
        both("## **한국어 제목**\n（김철수、이영희）", found("한국어 제목", &["김철수", "이영희"], 2));
        both("Announcing Pixtral 12B\n(Mistral AI)", found("Announcing Pixtral 12B", &["Mistral AI"], 2));
    }

    #[test]
    fn the_last_name_may_follow_a_word() {
        let list = |text: &str| names(text).unwrap_or_default().join("|");
        assert_eq!(list("Ada Lovelace, Bo Li and 김철수"), "Ada Lovelace|Bo Li|김철수");
        assert_eq!(list("Ada Lovelace and George Boole (MIT)"), "Ada Lovelace|George Boole (MIT)");
        assert_eq!(list("Center for Law and policy of AI"), "Center for Law and policy of AI");
    }

    #[test]
    fn one_line_with_emphasis_or_with_names() {
        let yes = |text| read(text, Expected::No);
        assert_eq!(
            yes("*From $r$ to $Q^*$: A Story* (Ada Lovelace)"),
            found("From $r$ to $Q^*$: A Story", &["Ada Lovelace"], 1)
        );
        assert_eq!(
            yes("*ReST-MCTS*: Search* (Dan Zhang, Jie Tang)"),
            found("ReST-MCTS*: Search", &["Dan Zhang", "Jie Tang"], 1)
        );
        assert_eq!(
            yes("*Real-Time Rendering of\nVery Large Datasets* (Bernhard Kerbl)"),
            found("Real-Time Rendering of Very Large Datasets", &["Bernhard Kerbl"], 2)
        );
        let plain = "Many-shot Jailbreaking (Cem Anil, Rai (Michael Pokorny))";
        assert_eq!(
            read(plain, Expected::Yes),
            found("Many-shot Jailbreaking", &["Cem Anil", "Rai (Michael Pokorny)"], 1)
        );
        assert_eq!(yes(plain), None);
        assert_eq!(read("Adam (an optimizer)", Expected::Yes), None);
        assert_eq!(read("비교 대상은 다음과 같다 (Llama, Mistral)", Expected::Yes), None);
    }

    #[test]
    fn paragraphs_in_parentheses_are_no_authors() {
        for text in [
            "좋은 연구군요.\n(MoE, RLHF, DPO 등을 참고하면 좋겠습니다.)\n그렇죠.",
            "생각해볼 문제\n(Cross Attention이 없기 때문에 발생하는 문제죠)\n다음",
            "FP8이 나오기 시작하는군요. (https://a.org, https://b.org)",
            "We like it\n(see https://a.org)\nmore",
            "제목\n(Ada Lovelace) 그리고 다른 이야기",
            "#tags #only\n(Ada Lovelace, Bo Li)",
        ] {
            assert_eq!(read(text, Expected::No), None, "{text}");
        }
    }

    #[test]
    fn marks_are_taken_off() {
        assert_eq!(marked_title("**שלום: 모델** "), None, "lines come trimmed");
        assert_eq!(marked_title("**שלום: 모델**"), Some("שלום: 모델".into()));
        assert_eq!(marked_title("# A Heading"), Some("A Heading".into()));
        assert_eq!(marked_title("* a bullet"), None);
        assert_eq!(marked_title("#tag"), None);
        assert_eq!(marked_title("**"), None);
    }
}
