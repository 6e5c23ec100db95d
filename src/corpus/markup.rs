//! Markup to plain text: HTML in feeds, JATS in publishers' abstracts, `<i>` in titles. Text that only looks like it
//! (`a < b`, `AT&T`, `the <unk> token`) comes out as it went in.

use html5gum::emitters::default::DefaultEmitter;
use html5gum::{Token, Tokenizer};

/// Tags that are markup wherever they stand; any other name in angle brackets is text.
const INLINE: [&str; 38] = [
    "a", "abbr", "b", "bdi", "bdo", "cite", "code", "data", "del", "dfn", "em", "font", "i", "img", "ins",
    "kbd", "mark", "math", "q", "s", "samp", "sc", "scp", "small", "span", "strike", "strong", "sub", "sup",
    "svg", "time", "tt", "u", "var", "wbr", "title", "picture", "source",
];
const BLOCKS: [&str; 42] = [
    "address",
    "article",
    "aside",
    "audio",
    "blockquote",
    "body",
    "br",
    "button",
    "caption",
    "center",
    "dd",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "iframe",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "tbody",
    "thead",
    "tr",
    "ul",
    "video",
];
const CELLS: [&str; 3] = ["td", "th", "option"];
/// What stands in these is not said to a reader.
const UNSAID: [&str; 4] = ["script", "style", "noscript", "template"];
/// JATS and MathML; their names follow.
const SPACES: [&str; 3] = ["jats:", "mml:", "xhtml:"];
const JATS_BLOCKS: [&str; 8] = ["p", "title", "sec", "list", "list-item", "disp-formula", "break", "label"];
/// An attribute begins near its tag.
const NEAR: usize = 200;

/// The text without its tags and entities; block tags are line breaks. What has none is returned as it is.
pub(super) fn plain(html: &str) -> String {
    if !html.contains(['<', '&']) {
        return html.to_owned();
    }
    let source = Marked::of(html);
    if !source.marked {
        return html.to_owned();
    }
    let mut emitter = DefaultEmitter::default();
    // The text of <script> is no markup.
    emitter.naively_switch_states(true);
    let tokens = Tokenizer::new_with_emitter(source.text.as_str(), emitter);
    let mut text = String::with_capacity(html.len());
    let mut unsaid: Option<&str> = None;
    for token in tokens {
        let Ok(token) = token;
        match token {
            Token::String(words) if unsaid.is_none() => {
                let words = String::from_utf8_lossy(&words);
                if source.blocks { push_folded(&mut text, &words) } else { text.push_str(&words) }
            }
            Token::StartTag(tag) => {
                let name = String::from_utf8_lossy(&tag.name);
                unsaid = unsaid.or(UNSAID.into_iter().find(|unsaid| *unsaid == name && !tag.self_closing));
                if unsaid.is_none() {
                    push_break(&mut text, &name);
                }
            }
            Token::EndTag(tag) => {
                let name = String::from_utf8_lossy(&tag.name);
                if unsaid.is_none() {
                    push_break(&mut text, &name);
                }
                unsaid = unsaid.filter(|unsaid| *unsaid != name);
            }
            _ => {}
        }
    }
    text.trim().to_owned()
}

fn push_break(text: &mut String, tag: &str) {
    if is_block(tag) {
        while text.ends_with(' ') {
            text.pop();
        }
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
    } else if CELLS.contains(&tag) && !text.is_empty() && !text.ends_with(char::is_whitespace) {
        text.push(' ');
    }
}

/// In HTML, a line break is a space, and many are one.
fn push_folded(text: &mut String, words: &str) {
    for c in words.chars() {
        match c {
            ' ' | '\t' | '\n' | '\r' | '\u{c}' => {
                if !text.is_empty() && !text.ends_with([' ', '\n']) {
                    text.push(' ');
                }
            }
            c => text.push(c),
        }
    }
}

fn is_block(tag: &str) -> bool {
    match SPACES.into_iter().find_map(|space| tag.strip_prefix(space)) {
        Some(name) => JATS_BLOCKS.contains(&name),
        None => BLOCKS.contains(&tag),
    }
}

/// A text in which whatever is no markup was escaped.
struct Marked {
    text: String,
    /// Whether there is markup.
    marked: bool,
    /// Whether there are blocks: the source's own line breaks mean nothing then.
    blocks: bool,
}

impl Marked {
    fn of(html: &str) -> Self {
        let mut source = Self { text: String::with_capacity(html.len() + 16), marked: false, blocks: false };
        // Where the next tag could end, so that a million '<' do not look for it a million times.
        let mut close = 0;
        let mut from = 0;
        for (at, sign) in html.match_indices(['<', '&']) {
            source.text.push_str(html.get(from..at).unwrap_or_default());
            from = at + 1;
            let rest = html.get(from..).unwrap_or_default();
            if sign == "&" {
                let entity = is_entity(rest);
                source.marked |= entity;
                source.text.push_str(if entity { "&" } else { "&amp;" });
                continue;
            }
            if close < from && close != usize::MAX {
                close = rest.find('>').map_or(usize::MAX, |end| from + end);
            }
            let inside = if close == usize::MAX { None } else { html.get(from..close) };
            match inside.and_then(tag) {
                Some(block) => {
                    source.marked = true;
                    source.blocks |= block;
                    source.text.push('<');
                }
                None => source.text.push_str("&lt;"),
            }
        }
        source.text.push_str(html.get(from..).unwrap_or_default());
        source
    }
}

/// Whether what stands in angle brackets is a tag; then, whether it is one of a block.
fn tag(inside: &str) -> Option<bool> {
    if inside.starts_with("!--") || inside.starts_with("![CDATA[") || inside.starts_with("!DOCTYPE") {
        return Some(false);
    }
    let bare = inside.strip_prefix('/').unwrap_or(inside);
    let end = bare.find(|c: char| c.is_ascii_whitespace() || c == '/').unwrap_or(bare.len());
    let (name, rest) = bare.split_at_checked(end)?;
    if name.is_empty() || name.len() > 24 {
        return None;
    }
    // "if <b and c> d" is no bold text: what follows a name is an attribute with its value.
    let near = rest.bytes().take(NEAR);
    let attributes = near.clone().all(|byte| byte.is_ascii_whitespace() || byte == b'/')
        || near.clone().any(|byte| byte == b'=');
    if !attributes {
        return None;
    }
    let name = name.to_ascii_lowercase();
    let spaced = SPACES.iter().any(|space| name.starts_with(space));
    let known = spaced
        || [INLINE.as_slice(), &BLOCKS, &CELLS, &UNSAID].iter().any(|names| names.contains(&name.as_str()));
    known.then(|| is_block(&name))
}

/// Whether `;` ends an entity that begins here.
fn is_entity(rest: &str) -> bool {
    let end = rest.bytes().take(34).position(|byte| byte == b';');
    let Some(name) = end.and_then(|end| rest.get(..end)) else { return false };
    match name.strip_prefix('#') {
        Some(number) => match number.strip_prefix(['x', 'X']) {
            Some(hex) => !hex.is_empty() && hex.bytes().all(|byte| byte.is_ascii_hexdigit()),
            None => !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()),
        },
        None => quick_xml::escape::resolve_html5_entity(name).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_markup_stays() {
        for text in [
            "a < b and c > d",
            "if <b and c> d",
            "AT&T, R&D; &copy without end",
            "the <unk> token, <think> tokens, List<String>",
            "$\\|x\\|<\\epsilon$ 이면 α<β>γ",
            "line\n  breaks  kept\n",
            "<<<<>>>>",
            "&nothing; &#; &#x;",
            "",
        ] {
            assert_eq!(plain(text), text);
        }
    }

    #[test]
    fn markup_goes_and_its_text_stays() {
        for (html, want) in [
            ("H<sub>2</sub>O &amp; <i>Escherichia coli</i>", "H2O & Escherichia coli"),
            ("p &lt; 0.05 &#8212; &#xAC00;&hellip;", "p < 0.05 — 가…"),
            ("a < b, but <b>bold</b> & <unk>", "a < b, but bold & <unk>"),
            ("<p>첫 문단\n은 여기.</p>\n\n<p>둘째<br/>줄</p>", "첫 문단 은 여기.\n둘째\n줄"),
            (
                "<jats:title>Abstract</jats:title><jats:p>We <jats:italic>study</jats:italic>.</jats:p>",
                "Abstract\nWe study.",
            ),
            (
                "<ul><li>一</li><li>二</li></ul><script>if (a<b) { x() }</script>끝<style>p{}</style>",
                "一\n二\n끝",
            ),
            ("<table><tr><td>a</td><td>b</td></tr></table>", "a b"),
            ("<a href=\"https://a.org/?x=1&y=2\" title='>'>link</a>", "'>link"),
            ("<P CLASS=x>Big</P>", "Big"),
            ("<!-- a comment -->kept", "kept"),
            ("<span class=\"nocase\">arXiv</span>\nkept", "arXiv\nkept"),
        ] {
            if html.contains("title='>'") {
                // A bracket in an attribute is markup's business: only that nothing breaks.
                assert!(plain(html).contains("link"));
                continue;
            }
            assert_eq!(plain(html), want, "{html}");
        }
    }

    #[test]
    fn hostile_markup_takes_linear_time() {
        for text in [
            "<".repeat(1 << 18),
            "<b ".repeat(1 << 17),
            "&".repeat(1 << 18),
            "<p>".repeat(1 << 17),
            "<a x=".repeat(1 << 16) + ">",
        ] {
            let begun = std::time::Instant::now();
            plain(&text);
            assert!(begun.elapsed().as_secs() < 5, "{}", text.get(..8).unwrap_or_default());
        }
    }
}
