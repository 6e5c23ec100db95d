//! A web page as lines of text and what its head says: tags to lines, links in Markdown's dress, menus left out.
//!
//! A tokenizer is enough. A tree would have to be built of whatever people save, and be walked without recursion;
//! all we ask is where a line ends, what is no text, and what stands inside of the abstract.

use html5gum::{DefaultEmitter, HtmlString, StartTag, Token, Tokenizer};

use super::lines::{Line, is_padding};
use crate::paper::single_line;

/// What is no text of the page.
const LEFT_OUT: [&str; 16] = [
    "aside", "audio", "button", "canvas", "dialog", "footer", "form", "iframe", "nav", "noscript", "script",
    "select", "style", "svg", "template", "video",
];
/// What stays on its line; any other tag begins one.
const INLINE: [&str; 37] = [
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font",
    "i", "img", "ins", "kbd", "label", "mark", "meta", "q", "rp", "rt", "ruby", "s", "samp", "small", "span",
    "strike", "strong", "sub", "sup", "time", "tt", "u", "var",
];
/// Where the text begins for certain: a menu that was never closed ends here.
const TEXT_BEGINS: [&str; 4] = ["article", "main", "h1", "body"];
/// Longer links are data, not places.
const LONGEST_LINK: usize = 500;

/// What a page holds.
#[derive(Debug, Default)]
pub(super) struct WebPage {
    /// `meta` tags in order: the name in lower case, the value on one line.
    pub metas: Vec<(String, String)>,
    /// The `title` tag.
    pub title: String,
    /// `<link rel=canonical>`, or where the browser says it saved the page from.
    pub url: Option<String>,
    /// The element that calls itself the abstract.
    pub abstract_text: String,
    /// Whether the page marks its text as an article.
    pub is_article: bool,
    /// The lines with their numbers in the source; headings begin with `# `, items with `- `.
    pub lines: Vec<(usize, String)>,
    /// The letters that stand inside of links.
    pub linked: usize,
}

impl WebPage {
    pub fn read(text: &str) -> Self {
        let mut emitter = DefaultEmitter::<usize>::new_with_span();
        emitter.naively_switch_states(true);
        let mut reading = Reading { line_number: 1, text, ..Reading::default() };
        for Ok(token) in Tokenizer::new_with_emitter(text, emitter) {
            match token {
                Token::StartTag(tag) => reading.start(&tag),
                Token::EndTag(tag) => reading.end(&name_of(&tag.name)),
                Token::String(string) => {
                    reading.pass(string.span.start);
                    // The words count their own lines; the next tag counts them in the source.
                    let number = reading.line_number;
                    reading.words(&String::from_utf8_lossy(&string.value));
                    reading.line_number = number;
                }
                Token::Comment(comment) => reading.comment(&String::from_utf8_lossy(&comment.value)),
                Token::Doctype(_) | Token::Error(_) => {}
            }
        }
        reading.break_line();
        reading.markup
    }

    /// The values of a meta tag.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.metas.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The first value of the first of these tags that has one.
    pub fn first(&self, names: &[&str]) -> Option<&str> {
        let value =
            |name: &&str| self.metas.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        names.iter().find_map(value)
    }

    /// The lines as a page has them.
    pub fn page_lines(&self) -> Vec<Line<'_>> {
        self.lines.iter().map(|(number, text)| Line { number: *number, text }).collect()
    }
}

#[derive(Default)]
struct Reading<'a> {
    markup: WebPage,
    text: &'a str,
    /// The place in the source up to which lines were counted.
    passed: usize,
    line_number: usize,
    line: String,
    /// The number of the line on which `line` began.
    begun: usize,
    /// An element whose text is dropped, and how many of its name are open.
    dropping: Option<(String, usize)>,
    /// The element of the abstract, likewise.
    in_abstract: Option<(String, usize)>,
    in_title: bool,
    in_pre: usize,
    link: Option<(String, String)>,
}

impl Reading<'_> {
    fn pass(&mut self, at: usize) {
        let between = self.text.as_bytes().get(self.passed..at).unwrap_or_default();
        self.line_number += between.iter().filter(|byte| **byte == b'\n').count();
        self.passed = self.passed.max(at);
    }

    fn start(&mut self, tag: &StartTag<usize>) {
        self.pass(tag.span.start);
        let name = name_of(&tag.name);
        let attribute = |name: &str| {
            tag.attributes.get(name.as_bytes()).map(|value| single_line(&String::from_utf8_lossy(value)))
        };
        if TEXT_BEGINS.contains(&name.as_str())
            && self.dropping.as_ref().is_some_and(|(open, _)| open != "template")
        {
            self.dropping = None;
        }
        if let Some((open, depth)) = &mut self.dropping {
            *depth += usize::from(*open == name);
            return;
        }
        match name.as_str() {
            "meta" => self.meta(&attribute),
            "link" => {
                let is_canonical = attribute("rel").is_some_and(|rel| rel.eq_ignore_ascii_case("canonical"));
                self.markup.url = attribute("href").filter(|_| is_canonical).or(self.markup.url.take());
            }
            "title" => self.in_title = self.markup.title.is_empty(),
            "math" => {
                if let Some(formula) = attribute("alttext") {
                    self.words(&format!("${formula}$"));
                    self.dropping = Some((name, 1));
                }
                return;
            }
            "a" => {
                self.end_link();
                self.link = attribute("href").and_then(|to| place(&to)).map(|to| (to, String::new()));
            }
            "article" => self.markup.is_article = true,
            "pre" => self.in_pre += 1,
            _ => {}
        }
        if !INLINE.contains(&name.as_str()) {
            self.break_line();
        }
        match name.as_str() {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.push("# "),
            "li" => self.push("- "),
            _ => {}
        }
        if LEFT_OUT.contains(&name.as_str()) && !tag.self_closing {
            self.dropping = Some((name, 1));
        } else if let Some((open, depth)) = &mut self.in_abstract {
            *depth += usize::from(*open == name && !tag.self_closing);
        } else if self.markup.abstract_text.is_empty()
            && !INLINE.contains(&name.as_str())
            && ["class", "id"].iter().any(|key| attribute(key).is_some_and(|value| names_abstract(&value)))
        {
            self.in_abstract = Some((name, 1));
        }
    }

    fn end(&mut self, name: &str) {
        if let Some((open, depth)) = &mut self.dropping {
            *depth -= usize::from(open == name);
            if *depth == 0 {
                self.dropping = None;
            }
            return;
        }
        match name {
            "title" => self.in_title = false,
            "a" => self.end_link(),
            "pre" => self.in_pre = self.in_pre.saturating_sub(1),
            _ => {}
        }
        if !INLINE.contains(&name) {
            self.break_line();
        }
        if let Some((open, depth)) = &mut self.in_abstract {
            *depth -= usize::from(open == name);
            if *depth == 0 {
                self.in_abstract = None;
            }
        }
    }

    fn words(&mut self, words: &str) {
        if self.dropping.is_some() {
            return;
        }
        if self.in_title {
            self.markup.title.push_str(words);
            return;
        }
        if let Some((_, shown)) = &mut self.link {
            shown.push_str(words);
            return;
        }
        for (at, line) in words.split('\n').enumerate() {
            if at > 0 {
                self.line_number += 1;
                if self.in_pre > 0 { self.break_line() } else { self.space() }
            }
            self.push(line);
        }
    }

    fn push(&mut self, words: &str) {
        if self.line.is_empty() {
            self.begun = self.line_number;
        }
        for c in words.chars() {
            if c.is_whitespace() { self.space() } else { self.line.push(c) }
        }
    }

    fn space(&mut self) {
        if !self.line.is_empty() && !self.line.ends_with(' ') {
            self.line.push(' ');
        }
    }

    fn end_link(&mut self) {
        let Some((to, shown)) = self.link.take() else { return };
        let shown = single_line(&shown.replace('[', "(").replace(']', ")"));
        self.markup.linked += shown.chars().count();
        if shown.is_empty() || self.line.ends_with('!') {
            self.space();
        }
        // arXiv shortens the addresses of an abstract to these words.
        let is_address = matches!(shown.as_str(), "this https URL" | "this http URL")
            || to.trim_end_matches('/').ends_with(
                shown.trim_end_matches('/').trim_start_matches("https://").trim_start_matches("http://"),
            ) && shown.contains('.');
        if shown.is_empty() {
            // A picture, or an anchor.
        } else if is_address {
            self.push(&to);
        } else {
            self.push(&format!("[{shown}]({to})"));
        }
    }

    fn break_line(&mut self) {
        self.end_link();
        let line = std::mem::take(&mut self.line);
        let line = line.trim_matches(is_padding);
        if matches!(line, "" | "#" | "-") {
            return;
        }
        if self.in_abstract.is_some() {
            let words = line.trim_start_matches("# ");
            if !is_abstract_label(words) {
                self.markup.abstract_text.push_str(words);
                self.markup.abstract_text.push('\n');
            }
        }
        self.markup.lines.push((self.begun.max(1), line.to_owned()));
    }

    fn meta(&mut self, attribute: &impl Fn(&str) -> Option<String>) {
        let name = ["name", "property", "itemprop"].iter().find_map(|key| attribute(key));
        if let (Some(name), Some(value)) = (name, attribute("content").filter(|value| !value.is_empty())) {
            self.markup.metas.push((name.to_lowercase().replace("dcterms.", "dc."), value));
        }
    }

    fn comment(&mut self, comment: &str) {
        // "saved from url=(0032)https://arxiv.org/abs/2408.15881"
        if let Some((_, url)) = comment.split_once("saved from url=") {
            let url = url.trim_start_matches(|c: char| matches!(c, '(' | ')') || c.is_ascii_digit());
            let url = url.split_whitespace().next().and_then(place);
            self.markup.url = self.markup.url.take().or(url);
        }
    }
}

fn name_of(name: &HtmlString) -> String {
    String::from_utf8_lossy(name).into_owned()
}

/// "abstract", "article-abstract", "abstractSection", and no menu about it.
fn names_abstract(names: &str) -> bool {
    names.split_whitespace().any(|name| {
        let name = name.to_lowercase();
        name == "abstract"
            || name.ends_with("-abstract")
            || name.ends_with("_abstract")
            || name == "abs1-content"
    })
}

pub(super) fn is_abstract_label(words: &str) -> bool {
    let bare = words.trim_matches(|c: char| !c.is_alphabetic()).to_lowercase();
    matches!(bare.as_str(), "abstract" | "summary" | "초록" | "摘要" | "要旨" | "概要")
}

/// An address that means something away from the page.
fn place(href: &str) -> Option<String> {
    let href = href.trim();
    let whole = if href.starts_with("//") { format!("https:{href}") } else { href.to_owned() };
    let fits = (whole.starts_with("https://") || whole.starts_with("http://")) && whole.len() <= LONGEST_LINK;
    fits.then(|| whole.replace(' ', "%20").replace('(', "%28").replace(')', "%29").replace(']', "%5D"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(html: &str) -> Vec<(usize, String)> {
        WebPage::read(html).lines
    }

    #[test]
    fn blocks_become_lines_and_menus_nothing() {
        let got = lines(
            "<html><head><style>p{}</style><script>if (a<b) {}</script></head><body><nav><ul><li>메뉴</ul>\n</nav>\n\
             <h1>논문\n 리뷰</h1><p>첫 <b>문단</b>&amp; &lt;끝&gt;<br>둘째 줄<ul><li>하나<li><a href=\"https://a.org/(x)\">[둘]</a></ul>\n\
             <svg><text>x</text></svg><pre>a\n  b</pre><table><tr><td>칸</td><td>칸 둘</td></tr></table><footer>ⓒ</footer>",
        );
        let want = [
            (3, "# 논문 리뷰"),
            (4, "첫 문단& <끝>"),
            (4, "둘째 줄"),
            (4, "- 하나"),
            (4, "- [(둘)](https://a.org/%28x%29)"),
            (5, "a"),
            (6, "b"),
            (6, "칸"),
            (6, "칸 둘"),
        ];
        assert_eq!(got.len(), want.len(), "{got:?}");
        for ((number, got), (line, want)) in got.iter().zip(want) {
            assert_eq!((*number, got.as_str()), (line, want));
        }
    }

    #[test]
    fn what_was_never_closed_swallows_nothing_for_good() {
        assert_eq!(lines("<nav><a href=x>menu<article><p>本文です。").last().unwrap().1, "本文です。");
        assert_eq!(
            lines("<p>שלום <a href='https://a.org'>עולם").last().unwrap().1,
            "שלום [עולם](https://a.org)"
        );
        assert_eq!(lines("<div></nav></aside></div><p>x").last().unwrap().1, "x");
    }

    #[test]
    fn links_formulas_and_the_abstract() {
        let page = WebPage::read(
            "<link rel=canonical href=\"https://arxiv.org/abs/2408.15881\"><title>[1] X</title><META NAME=Citation_Title CONTENT=\"A &amp; B\">\n\
             <blockquote class=\"abstract mathjax\"><span class=descriptor>Abstract:</span>We use <math alttext=\"O(n)\"><mi>O</mi></math>. \
             Code: <a href=\"https://github.com/a/b\">this https URL</a> <a href=/local>here</a></blockquote><p>after",
        );
        assert_eq!(page.abstract_text, "Abstract:We use $O(n)$. Code: https://github.com/a/b here\n");
        assert_eq!((page.title.as_str(), page.first(&["x", "citation_title"])), ("[1] X", Some("A & B")));
        assert_eq!(page.url.as_deref(), Some("https://arxiv.org/abs/2408.15881"));
        let saved = WebPage::read("<!-- saved from url=(0019)https://a.org/post/ --><p>x");
        assert_eq!(saved.url.as_deref(), Some("https://a.org/post/"));
    }
}
