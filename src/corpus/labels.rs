//! Lines such as `论文链接：https://...` or `Title: ...`: a label of a known meaning, a colon, a value.

use super::links::only_urls;

/// What a label says of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    Title,
    Link,
    Code,
    Authors,
    Date,
    Tags,
    Abstract,
}

/// The labels, in lower case without spaces. "Paper" alone is a link or a title, as its value is one.
const LABELS: [(&str, Label); 82] = [
    ("论文名", Label::Title),
    ("论文名称", Label::Title),
    ("论文标题", Label::Title),
    ("论文题目", Label::Title),
    ("标题", Label::Title),
    ("题目", Label::Title),
    ("论文", Label::Title),
    ("論文", Label::Title),
    ("論文名", Label::Title),
    ("論文標題", Label::Title),
    ("論文題目", Label::Title),
    ("論文タイトル", Label::Title),
    ("タイトル", Label::Title),
    ("논문", Label::Title),
    ("논문명", Label::Title),
    ("논문제목", Label::Title),
    ("제목", Label::Title),
    ("title", Label::Title),
    ("papertitle", Label::Title),
    ("paper", Label::Title),
    ("论文链接", Label::Link),
    ("论文地址", Label::Link),
    ("原文链接", Label::Link),
    ("链接", Label::Link),
    ("論文鏈接", Label::Link),
    ("論文連結", Label::Link),
    ("論文リンク", Label::Link),
    ("論文url", Label::Link),
    ("リンク", Label::Link),
    ("논문링크", Label::Link),
    ("논문주소", Label::Link),
    ("링크", Label::Link),
    ("paperlink", Label::Link),
    ("paperurl", Label::Link),
    ("link", Label::Link),
    ("url", Label::Link),
    ("arxiv", Label::Link),
    ("arxiv链接", Label::Link),
    ("doi", Label::Link),
    ("pdf", Label::Link),
    ("开源代码", Label::Code),
    ("代码", Label::Code),
    ("代码链接", Label::Code),
    ("代码地址", Label::Code),
    ("项目地址", Label::Code),
    ("项目链接", Label::Code),
    ("開源代碼", Label::Code),
    ("コード", Label::Code),
    ("코드", Label::Code),
    ("소스코드", Label::Code),
    ("code", Label::Code),
    ("sourcecode", Label::Code),
    ("github", Label::Code),
    ("repository", Label::Code),
    ("作者", Label::Authors),
    ("论文作者", Label::Authors),
    ("著者", Label::Authors),
    ("저자", Label::Authors),
    ("authors", Label::Authors),
    ("author", Label::Authors),
    ("日期", Label::Date),
    ("发布时间", Label::Date),
    ("日付", Label::Date),
    ("날짜", Label::Date),
    ("date", Label::Date),
    ("published", Label::Date),
    ("year", Label::Date),
    ("연도", Label::Date),
    ("年份", Label::Date),
    ("标签", Label::Tags),
    ("关键词", Label::Tags),
    ("タグ", Label::Tags),
    ("태그", Label::Tags),
    ("tags", Label::Tags),
    ("keywords", Label::Tags),
    ("摘要", Label::Abstract),
    ("abstract", Label::Abstract),
    ("초록", Label::Abstract),
    ("要旨", Label::Abstract),
    ("공저자", Label::Authors),
    ("arxivid", Label::Link),
    ("paperlinks", Label::Link),
];

/// Reads a labelled line; `【label】value` and Markdown dress are read too. The value may be empty: then it stands
/// on the next line.
pub(super) fn label(line: &str) -> Option<(Label, &str)> {
    let bare = line.trim_start_matches(|c: char| {
        matches!(c, '*' | '-' | '#' | '>' | '•' | '·' | '_') || c.is_whitespace()
    });
    let (name, value) = match bare.strip_prefix('【').and_then(|bare| bare.split_once('】')) {
        Some(bracketed) => bracketed,
        None => bare.split_once([':', '：'])?,
    };
    if name.len() > 60 {
        return None;
    }
    let name: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let (_, kind) = LABELS.iter().find(|(known, _)| *known == name)?;
    let value = value.trim_matches(|c: char| matches!(c, '*' | ':' | '：') || c.is_whitespace());
    let kind = match kind {
        Label::Title if only_urls(value).is_some() => Label::Link,
        kind => *kind,
    };
    Some((kind, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_in_four_languages_and_their_dress() {
        for (line, want) in [
            ("论文名:LLAVA-MOD: MAKING", Some((Label::Title, "LLAVA-MOD: MAKING"))),
            ("论文标题： 图", Some((Label::Title, "图"))),
            ("**Title:** On Graphs", Some((Label::Title, "On Graphs"))),
            ("- 논문 링크 : https://a.org", Some((Label::Link, "https://a.org"))),
            ("논문: https://a.org/x", Some((Label::Link, "https://a.org/x"))),
            ("【論文タイトル】グラフ", Some((Label::Title, "グラフ"))),
            ("开源代码:", Some((Label::Code, ""))),
            ("arXiv:2408.15881", Some((Label::Link, "2408.15881"))),
            ("Note: something", None),
            ("https://a.org", None),
            ("한국어 문장", None),
        ] {
            assert_eq!(label(line), want, "{line}");
        }
    }
}
