//! Articles about one paper, as blogs and news accounts print them: labelled lines name the paper (`论文名:`,
//! `논문 링크:`, `Title:`), sections follow, and a tail of unrelated news after the closing line is cut off.
//!
//! The whole article is one commentary in its language. Only a labelled link gives the paper its id; any other
//! link leads to another paper.

use super::commentary::mentions_in;
use super::date;
use super::headline::{Expected, bare_title, headline, names};
use super::labels::{Label, label};
use super::lines::{Line, Page};
use super::links::{only_urls, prose, push_new, repositories_in};
use super::{ErrorKind, Found};
use crate::paper::{Commentary, Language, PaperId, Record, Source, identifiers_in, normalise, single_line};

/// Labels that make a text an article stand within its first lines.
const HEAD_LINES: usize = 15;
/// A line above the labels that is longer than this is text; a shorter one, or a heading, is a title or the name
/// of the series.
const LONGEST_HEADER: usize = 60;

/// Lines with which pages end and advertising begins. Matched in short lines only, where they are no sentence.
const CLOSINGS: [&str; 34] = [
    "好文章,需要你的鼓励",
    "好文章需要你的鼓励",
    "点赞",
    "在看",
    "分享收藏",
    "关注我们",
    "关注公众号",
    "扫码",
    "长按二维码",
    "推荐阅读",
    "相关阅读",
    "往期回顾",
    "往期推荐",
    "热门文章",
    "相关文章",
    "閱讀更多",
    "推薦閱讀",
    "추천 기사",
    "관련 기사",
    "관련 글",
    "인기 기사",
    "많이 본 뉴스",
    "구독과 좋아요",
    "함께 읽으면 좋은",
    "related articles",
    "related posts",
    "recommended reading",
    "you may also like",
    "more from",
    "subscribe to our",
    "関連記事",
    "おすすめ記事",
    "あわせて読みたい",
    "フォローお願いします",
];
const LONGEST_CLOSING: usize = 30;

/// What is known of an article before its text is read: what a web page says in its head.
#[derive(Debug, Default)]
pub(super) struct Start {
    pub record: Record,
    /// The title of the page, where no label names the paper.
    pub title: Option<String>,
}

/// Whether a label gives the paper's title, or its id, anywhere.
pub(super) fn names_its_paper(page: &Page<'_>) -> bool {
    let head = page.lines.get(..HEAD_LINES).unwrap_or(&page.lines);
    head.iter().any(|line| matches!(label(line.text), Some((Label::Title, value)) if !value.is_empty()))
        || page.lines.iter().any(|line| is_link(line.text, true))
}

/// Whether the text names its paper by a label.
pub(super) fn begins(page: &Page<'_>) -> bool {
    let head = page.lines.get(..HEAD_LINES).unwrap_or(&page.lines);
    let Some(first) = head.first() else { return false };
    let dated = date::date_line(first.text).is_some();
    let title = head.iter().position(|line| matches!(label(line.text), Some((Label::Title, _))));
    // Many articles name their paper only at the end: there the label must come with a registered id.
    let link = head.iter().any(|line| is_link(line.text, false))
        || page.lines.iter().any(|line| is_link(line.text, true));
    match title {
        // A digest may hold such a line anywhere below its first paper.
        Some(at) => !dated || at == 1,
        None => link && !dated && only_urls(first.text).is_none() && headline(head, Expected::Yes).is_none(),
    }
}

fn is_link(line: &str, registered: bool) -> bool {
    match label(line) {
        Some((Label::Link, value)) => {
            !identifiers_in(line).is_empty() || (!registered && only_urls(value).is_some())
        }
        _ => false,
    }
}

/// Reads the article.
pub(super) fn read(page: &Page<'_>) -> Found {
    read_from(page, Start::default())
}

/// Reads an article of which something is known already.
pub(super) fn read_from(page: &Page<'_>, start: Start) -> Found {
    let mut found = Found::default();
    let mut record = start.record;
    record.source = Source { file: page.name.to_owned(), line: 1, slot: String::new() };
    let labels_begin =
        page.lines.iter().take(HEAD_LINES).position(|line| label(line.text).is_some()).unwrap_or(1);
    let mut heading: Option<&str> = None;
    let mut paragraphs: Vec<String> = Vec::new();
    let mut in_head = true;
    // Papers to which a line of its own leads.
    let mut lone: Vec<PaperId> = Vec::new();
    let mut rest = page.lines.as_slice();
    let mut at = 0;
    while let Some((line, below)) = rest.split_first() {
        let above_labels = at < labels_begin;
        at += 1;
        rest = below;
        if !paragraphs.is_empty() && is_closing(line.text) {
            let lines = below.len() + 1;
            found
                .notices
                .push(page.notice(line.number, format!("{lines} lines from the closing line on, left out")));
            break;
        }
        if let Some((kind, value)) = label(line.text) {
            let value_below = value
                .is_empty()
                .then(|| below.first())
                .flatten()
                .filter(|_| in_head && kind != Label::Abstract);
            if take(&mut record, kind, value_below.map_or(value, |next| next.text), line.text, in_head) {
                if value_below.is_some() {
                    rest = below.get(1..).unwrap_or_default();
                    at += 1;
                }
                continue;
            }
        }
        if above_labels && (line.text.starts_with('#') || line.text.chars().count() <= LONGEST_HEADER) {
            if let Some(date) = date::date_line(line.text) {
                record.date = Some(date);
            } else {
                heading = better_heading(heading, line);
                found.notices.push(page.notice(line.number, "a line above the article, left out"));
            }
            continue;
        }
        in_head &= above_labels;
        if only_urls(line.text).is_some() {
            lone.extend(identifiers_in(line.text));
        }
        let clean = prose(line.text);
        paragraphs.push(clean.text.trim_start_matches(['#', '>']).trim_start().to_owned());
        record
            .mentions
            .extend(mentions_in(&clean.targets.iter().map(String::as_str).collect::<Vec<_>>(), &record.ids));
        record.mentions.extend(clean.mentions);
    }
    // Where a label names the paper and none its place, the one link that stands alone does.
    lone.dedup();
    if let ([own], true, false) = (lone.as_slice(), record.ids.is_empty(), record.title.is_empty()) {
        record.ids.push(own.clone());
    }
    if record.title.is_empty() {
        record.title = start.title.unwrap_or_default();
    }
    finish(&mut record, heading, paragraphs);
    found.records.push(if record.title.is_empty() {
        let why = "an article without title; add a line such as 'Title: ...' or '论文名: ...'";
        Err(page.error(ErrorKind::NoPaper, 1, why))
    } else {
        Ok(record)
    });
    found
}

fn finish(record: &mut Record, heading: Option<&str>, mut paragraphs: Vec<String>) {
    if record.title.is_empty() {
        record.title = heading.map(bare_title).unwrap_or_default();
    }
    if record.title.is_empty() && !paragraphs.is_empty() {
        record.title = single_line(crate::paper::cut(&paragraphs.remove(0), 200));
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    let lines: Vec<&str> = paragraphs.iter().map(String::as_str).collect();
    for mention in mentions_in(&lines, &record.ids) {
        push_new(&mut record.mentions, mention);
    }
    let own: Vec<_> = record.ids.iter().cloned().map(crate::paper::Mention::Paper).collect();
    record.mentions.retain(|mention| !own.contains(mention));
    let text = normalise(&paragraphs.join("\n"));
    if !text.is_empty() {
        record.commentaries.push(Commentary { language: Language::of(&text), text });
    }
}

/// Takes a labelled value; `false` if it is text after all.
fn take(record: &mut Record, kind: Label, value: &str, line: &str, in_head: bool) -> bool {
    match kind {
        Label::Title if in_head && record.title.is_empty() => record.title = bare_title(value),
        Label::Authors if in_head => record.authors = names(value).unwrap_or_default(),
        Label::Date if in_head && date::field(value).is_some() => record.date = date::field(value),
        Label::Tags if in_head => {
            let tags =
                value.split([',', '，', '、', ';', ' ', '#']).map(single_line).filter(|tag| !tag.is_empty());
            tags.for_each(|tag| push_new(&mut record.tags, tag));
        }
        Label::Abstract if !value.is_empty() && Language::of(value) == Language::ENGLISH => {
            record.abstract_text = Some(normalise(value));
        }
        Label::Code if !repositories_in(value).is_empty() => {
            repositories_in(value)
                .into_iter()
                .for_each(|repository| push_new(&mut record.repositories, repository));
        }
        // Many articles give the link at their end; a second one is of another paper.
        Label::Link if record.ids.is_empty() || in_head => return take_link(record, value, line),
        _ => return false,
    }
    true
}

fn take_link(record: &mut Record, value: &str, line: &str) -> bool {
    let mut ids = identifiers_in(value);
    ids.extend(identifiers_in(line).into_iter().chain(PaperId::parse(value)).filter(PaperId::is_registered));
    if let Some(id) = ids.into_iter().next() {
        let same_registry = |known: &PaperId| std::mem::discriminant(known) == std::mem::discriminant(&id);
        if !record.ids.iter().any(same_registry) {
            record.ids.push(id);
        }
        return true;
    }
    let linked = || prose(value).targets.into_iter().find(|target| target.contains("://"));
    match only_urls(value).and_then(|urls| urls.into_iter().next()).or_else(linked) {
        Some(url) => {
            record.url.get_or_insert(url);
            true
        }
        None => false,
    }
}

/// A Markdown heading is a better title than the first line.
fn better_heading<'a>(known: Option<&'a str>, line: &Line<'a>) -> Option<&'a str> {
    match known {
        Some(known) if known.starts_with('#') || !line.text.starts_with('#') => Some(known),
        _ => Some(line.text),
    }
}

fn is_closing(line: &str) -> bool {
    if line.chars().count() > LONGEST_CLOSING || line.ends_with('。') {
        return false;
    }
    let line = line.to_lowercase().replace('，', ",");
    let bare = line.trim_matches(|c: char| !c.is_alphanumeric());
    CLOSINGS.iter().any(|closing| bare.starts_with(closing) || bare.ends_with(closing))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> (Record, usize) {
        let found = read(&Page::new("a.txt", text));
        (found.records.into_iter().next().unwrap().unwrap(), found.notices.len())
    }

    #[test]
    fn a_chinese_article_gives_id_code_and_one_commentary_without_its_tail() {
        let (record, notices) = read_text(
            "某某AI 论文解读系列\n论文名:SPARSE GRAPHS: A STUDY\n论文链接:https://arxiv.org/pdf/2408.15881.pdf\n\
             开源代码:https://github.com/ada/graphs\n引言\n稀疏图很重要,见 https://arxiv.org/abs/2106.09685 和 https://arxiv.org/abs/2408.15881。\n\
             方法\n我们点赞的方法很简单，而且推荐阅读全文的人都会理解它的原理。\n好文章，需要你的鼓励\nXbox 部门推出了新模型。\n数据中心的变革。",
        );
        assert_eq!(record.title, "SPARSE GRAPHS: A STUDY");
        assert_eq!(record.ids, ["arxiv:2408.15881".parse().unwrap()]);
        assert_eq!(record.repositories, ["https://github.com/ada/graphs"]);
        assert_eq!(record.commentaries.len(), 1);
        let note = &record.commentaries[0];
        assert_eq!((note.language.code(), note.text.lines().count()), ("zh", 4));
        assert!(note.text.starts_with("引言\n") && !note.text.contains("Xbox"));
        assert_eq!(record.mentions, [crate::paper::Mention::Paper("2106.09685".parse().unwrap())]);
        assert_eq!(notices, 2, "the series' name and the tail");
        assert!(record.source.slot.is_empty());
    }

    #[test]
    fn korean_english_and_japanese_articles() {
        let (korean, _) = read_text(
            "# 논문 리뷰\n**논문 제목:** On Graphs\n**논문 링크:** [arXiv](https://arxiv.org/abs/2106.09685)\n저자: 김철수, Ada Lovelace\n그래프 연구입니다.\n추천 기사\n다른 소식",
        );
        assert_eq!(
            (korean.title.as_str(), korean.authors.len(), korean.commentaries[0].text.as_str()),
            ("On Graphs", 2, "그래프 연구입니다.")
        );
        assert_eq!(korean.ids, ["arxiv:2106.09685".parse().unwrap()]);
        let (english, _) = read_text(
            "Title: On Graphs\nPaper: https://example.org/graphs.pdf\nTags: graph, sparse\nIt is about graphs.\nRelated articles\nOther",
        );
        assert_eq!((english.url.as_deref(), english.tags.len()), (Some("https://example.org/graphs.pdf"), 2));
        assert_eq!(english.commentaries[0].text, "It is about graphs.");
        let (japanese, _) = read_text(
            "論文タイトル：グラフの研究\n日付：2024年10月1日\nグラフについての論文です。\n論文リンク：https://doi.org/10.1145/3292500.3330701\n関連記事\n広告",
        );
        assert_eq!(
            japanese.ids,
            ["doi:10.1145/3292500.3330701".parse().unwrap()],
            "the link may stand at the end"
        );
        assert_eq!(
            (japanese.date.unwrap().to_string().as_str(), japanese.commentaries[0].language.code()),
            ("2024-10-01", "ja")
        );
    }

    #[test]
    fn a_link_on_a_line_of_its_own_is_the_papers_where_no_label_gives_one() {
        let text = "論文名：グラフの研究\nグラフについての論文です。\nhttps://arxiv.org/abs/2408.15881";
        assert_eq!(read_text(text).0.ids, ["arxiv:2408.15881".parse().unwrap()]);
        let two = format!("{text}\nhttps://arxiv.org/abs/2106.09685");
        assert!(read_text(&two).0.ids.is_empty(), "which of them, nobody can tell");
    }

    #[test]
    fn an_article_whose_only_label_is_the_link_has_its_heading_as_title() {
        let text = "读论文\n# LoRA: Low-Rank Adaptation\n论文链接：https://arxiv.org/abs/2106.09685\n简介。";
        assert!(begins(&Page::new("x", text)));
        assert_eq!(read_text(text).0.title, "LoRA: Low-Rank Adaptation");
        let late = format!(
            "# LoRA: Low-Rank Adaptation\n{}논문 링크: https://arxiv.org/abs/2106.09685",
            "짧은 문단입니다.\n".repeat(20)
        );
        assert!(begins(&Page::new("x", &late)));
        let (record, _) = read_text(&late);
        assert_eq!((record.title.as_str(), record.ids.len()), ("LoRA: Low-Rank Adaptation", 1));
        assert_eq!(record.commentaries[0].text.lines().count(), 20);
        assert!(
            !begins(&Page::new("x", "https://arxiv.org/abs/2106.09685\n*LoRA* (A B)\nLink: https://a.org")),
            "a note"
        );
        assert!(
            !begins(&Page::new("x", "2024-10-01\nOn Graphs\n(Ada L)\nTitle: a line amid commentary")),
            "a digest"
        );
    }
}
