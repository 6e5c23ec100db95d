//! The text in the box: a question, and beside it operators that say which papers may answer.
//!
//! `"mixture of experts" author:kim tag:moe year:2023..2025 -tag:survey has:commentary -robot`. An operator is a known key,
//! a colon (also the full-width one of Chinese and Japanese keyboards) and a value right behind it; a minus before it
//! negates, and a minus before a word or a phrase in quotes leaves out the papers that hold it. Everything else is the
//! question and keeps every character: addresses, ids, `note: this`, numbers below zero, what is in quotes.

use super::filter::{Filter, FilterError, Key};

/// A text, understood.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AskedText {
    /// The question without the operators; quotes stay, they mean an exact phrase.
    pub text: String,
    /// What the operators ask for.
    pub filter: Filter,
    /// Words and phrases that no answer may hold.
    pub without: Vec<String>,
    /// Keys of operators with nothing right behind their colon, which are text.
    pub without_value: Vec<String>,
}

/// A longer text was pasted: quotes and minuses in it are no wishes of its reader's.
const TYPED: usize = 200;

/// Whether a person typed `text`, and did not paste it.
pub(super) fn is_typed(text: &str) -> bool {
    text.chars().nth(TYPED).is_none()
}

impl AskedText {
    /// Reads what was typed.
    ///
    /// # Errors
    /// If a known key has a value that no paper can have. In quotes it is text.
    pub fn parse(typed: &str) -> Result<Self, FilterError> {
        // Quotes that never close open nothing; to look for their end again and again would take forever.
        let closing = typed.rfind(CLOSING).map_or(usize::MAX, |last| typed.len() - last);
        let is_typed = is_typed(typed);
        let mut asked = Self::default();
        let mut rest = typed;
        let mut is_cut = false;
        while let Some(first) = rest.chars().next() {
            if first.is_whitespace() {
                asked.text.push(first);
                rest = rest.get(first.len_utf8()..).unwrap_or_default();
            } else if let Some((operator, behind)) = Operator::at_start_of(rest, closing) {
                asked.filter.add(operator.key, operator.is_negated, operator.value)?;
                // One of the two spaces around it goes with it.
                rest = behind.trim_start();
                is_cut = true;
            } else if let Some((word, behind)) = left_out(rest, closing).filter(|_| is_typed) {
                asked.without.push(word.to_owned());
                rest = behind.trim_start();
                is_cut = true;
            } else {
                let (word, behind) = rest.split_at_checked(word_end(rest, closing)).unwrap_or((rest, ""));
                if is_typed && word.strip_suffix(COLON).is_some_and(|key| Key::parse(key).is_ok()) {
                    asked.without_value.push(word.to_owned());
                }
                asked.text.push_str(word);
                rest = behind;
            }
        }
        if is_cut {
            asked.text = asked.text.trim_end().to_owned();
        }
        Ok(asked)
    }
}

/// `-key:value`
struct Operator<'t> {
    key: Key,
    is_negated: bool,
    value: &'t str,
}

impl<'t> Operator<'t> {
    /// The operator that `text` begins with, and what is behind it.
    fn at_start_of(text: &'t str, closing: usize) -> Option<(Self, &'t str)> {
        let bare = text.strip_prefix(MINUS);
        let is_negated = bare.is_some();
        let bare = bare.unwrap_or(text);
        let colon = bare.find(|c: char| !c.is_alphabetic())?;
        let (name, behind) = bare.split_at_checked(colon)?;
        let behind = behind.strip_prefix(COLON)?;
        let key = Key::parse(name).ok()?;
        let (value, behind) = match quoted(behind, closing) {
            Some((value, behind)) if behind.chars().next().is_none_or(char::is_whitespace) => (value, behind),
            Some(_) => return None,
            None if behind.starts_with(OPENING) => return None,
            None => {
                let (word, behind) = behind.split_at_checked(space(behind)).unwrap_or((behind, ""));
                // "author:kim, tag:moe": the comma parts the two.
                (word.trim_end_matches([',', ';', '，', '、', '；']), behind)
            }
        };
        (!value.trim().is_empty()).then_some((Self { key, is_negated, value }, behind))
    }
}

/// The word or phrase behind the minus that `text` begins with, and what is behind it.
fn left_out(text: &str, closing: usize) -> Option<(&str, &str)> {
    let bare = text.strip_prefix(MINUS)?;
    if let Some((phrase, behind)) = quoted(bare, closing) {
        let is_alone = behind.chars().next().is_none_or(char::is_whitespace);
        return (is_alone && phrase.chars().any(char::is_alphanumeric)).then_some((phrase, behind));
    }
    let (word, behind) = bare.split_at_checked(space(bare)).unwrap_or((bare, ""));
    // "-5" and "-x" are of a formula, "--limit" of a command.
    let mut letters = word.chars();
    let begins = letters.next().is_some_and(char::is_alphabetic);
    (begins && (letters.next().is_some() || !word.is_ascii())).then_some((word, behind))
}

const MINUS: [char; 3] = ['-', '－', '−'];
const COLON: [char; 2] = [':', '：'];
const OPENING: [char; 2] = ['"', '“'];
const CLOSING: [char; 2] = ['"', '”'];

/// What stands in the quotes that `text` begins with, and what is behind them. `closing`: how far before the end of all
/// text the last quote stands that could close.
fn quoted(text: &str, closing: usize) -> Option<(&str, &str)> {
    let inner = text.strip_prefix(OPENING).filter(|inner| inner.len() >= closing)?;
    inner.split_once(CLOSING)
}

/// Where the word at the start of `text` ends; a phrase in quotes is one word.
fn word_end(text: &str, closing: usize) -> usize {
    match quoted(text, closing) {
        Some((_, behind)) => text.len() - behind.len() + space(behind),
        None => space(text),
    }
}

fn space(text: &str) -> usize {
    text.find(char::is_whitespace).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn asked(typed: &str) -> (String, serde_json::Value) {
        let AskedText { text, filter, without, .. } = AskedText::parse(typed).unwrap();
        assert_eq!(without, Vec::<String>::new(), "{typed}");
        (text, serde_json::to_value(filter).unwrap())
    }

    #[test]
    fn a_minus_leaves_out_words_and_phrases() {
        for (typed, text, without) in [
            ("vision -robot", "vision", &["robot"][..]),
            ("-综述 残差连接 －\"전문가 혼합\" tag:moe", "残差连接", &["综述", "전문가 혼합"]),
            ("−GPT-4 tokens", "tokens", &["GPT-4"]),
            ("-“no way” -robot", "", &["no way", "robot"]),
            ("-note:this x", "x", &["note:this"]),
            // Formulas, commands, dashes, and what stands within a word.
            ("a -5 -x - b -- --limit state-of-the-art -(y) -\"\"", "", &[]),
        ] {
            let asked = AskedText::parse(typed).unwrap();
            assert_eq!(asked.without, without, "{typed}");
            assert_eq!(asked.text, if without.is_empty() { typed } else { text }, "{typed}");
        }
        let pasted = format!("{} -robot tag: -\"a b\"", "word ".repeat(60));
        let asked = AskedText::parse(&pasted).unwrap();
        assert_eq!((asked.text, asked.without.len(), asked.without_value.len()), (pasted, 0, 0));
    }

    #[test]
    fn a_key_without_a_value_is_text_and_is_told() {
        let asked = AskedText::parse("tag: moe 저자： note: x author:").unwrap();
        assert_eq!(asked.text, "tag: moe 저자： note: x author:");
        assert_eq!(asked.without_value, ["tag:", "저자：", "author:"]);
    }

    #[test]
    fn operators_in_front_in_the_middle_and_at_the_end() {
        use serde_json::json;
        for (typed, text, filter) in [
            (
                r#""mixture of experts" author:kim tag:moe year:2023..2025 lang:ko has:commentary source:digest -tag:survey"#,
                r#""mixture of experts""#,
                json!({"authors": ["kim"], "tags": ["moe"], "dates": ["2023-01-01..2025-12-31"], "langs": ["ko"],
                       "has_commentary": true, "sources": ["digest"], "not_tags": ["survey"]}),
            ),
            (r#"author:"Geoffrey Hinton" capsules"#, "capsules", json!({"authors": ["Geoffrey Hinton"]})),
            ("잔차 연결 저자:김민수 대안", "잔차 연결 대안", json!({"authors": ["김민수"]})),
            (
                "태그：#moe 연도：2024 언어：한국어",
                "",
                json!({"tags": ["moe"], "dates": ["2024-01-01..2024-12-31"], "langs": ["ko"]}),
            ),
            (
                "残差连接 作者：王芳　标签：视觉 年份:2024.. 语言:中文",
                "残差连接",
                json!({"authors": ["王芳"], "tags": ["视觉"], "dates": ["2024-01-01.."], "langs": ["zh"]}),
            ),
            ("－タグ：“survey papers” 探索", "探索", json!({"not_tags": ["survey papers"]})),
            ("author:kim, tag:moe; vision", "vision", json!({"authors": ["kim"], "tags": ["moe"]})),
            ("TAG:a Author:B", "", json!({"tags": ["a"], "authors": ["B"]})),
            (
                "from:2024 to:2025-02 -has:commentary a",
                "a",
                json!({"from": "2024-01-01", "to": "2025-02-28", "has_commentary": false}),
            ),
        ] {
            assert_eq!(asked(typed), (text.to_owned(), filter), "{typed}");
        }
    }

    #[test]
    fn everything_else_is_the_question() {
        for typed in [
            "see http://example.org/a:b?tag:c",
            "arXiv:2408.15881 and doi:10.1145/3292500.3330701",
            "t:0123456789abcdef",
            "note: this, author: that, tag : moe",
            r"C:\x\y",
            "foo:bar Größe:5 比例：3",
            r#""tag:moe" stays, so does “author:kim tag:a” "#,
            "meta-tag:moe (tag:moe) #tag:moe --tag:moe",
            r#"author:"Geoffrey Hinton"#,
            r#"author:"a"b"#,
            "tag: \u{3000} moe",
            "  two  spaces\n\nand lines ",
            "5\" disks, tag\"s and 6\" ones",
            "🦙 נייר x",
            "tag:\"\" author:,",
            "",
        ] {
            assert_eq!(asked(typed), (typed.to_owned(), serde_json::json!({})), "{typed}");
        }
    }

    #[test]
    fn a_known_key_with_a_bad_value_is_told() {
        for typed in ["moe year:soon", "lang:klingon", "has:code", "언어:아무거나", "-year:2025..2023"]
        {
            assert!(AskedText::parse(typed).is_err(), "{typed}");
        }
    }

    #[test]
    fn hostile_text_is_read_in_linear_time() {
        let begun = std::time::Instant::now();
        for unit in ["\"", "tag:\"", "tag:a ", "“ ", "author:“ ", "tag:a\" ", "-", "a"] {
            let _ = AskedText::parse(&unit.repeat(65_536 / unit.len()));
        }
        assert!(begun.elapsed().as_millis() < 1_000, "{:?}", begun.elapsed());
    }

    proptest! {
        #[test]
        fn nothing_is_lost(parts in prop::collection::vec(
            prop_oneof![
                "(tag|-tag|저자|作者|标签|author)[:：](kim|\"a b\"|김|王)",
                "(http://x|note:|foo:bar|\"tag:a b\"|논문|残差|🦙|arXiv:2408\\.15881|[a-z]{1,3}|tag:|:|-)",
            ], 0..8)) {
            let is_operator = |part: &&String| {
                let colon = part.find([':', '：']).unwrap_or(0);
                Key::parse(part[..colon].trim_start_matches('-')).is_ok() && !part.ends_with([':', '：'])
            };
            let words: Vec<&str> = parts.iter().filter(|part| !is_operator(part)).map(String::as_str).collect();
            let asked = AskedText::parse(&parts.join(" ")).unwrap();
            prop_assert_eq!(asked.text, words.join(" "));
            let Filter { tags, not_tags, authors, .. } = asked.filter;
            prop_assert_eq!(tags.len() + not_tags.len() + authors.len(), parts.iter().filter(is_operator).count());
        }

        #[test]
        fn any_text_is_read_and_a_text_without_operators_is_kept(text in "\\PC*") {
            let _ = AskedText::parse(&text);
            let operators = |c: &char| COLON.contains(c) || MINUS.contains(c);
            let plain: String = text.chars().filter(|c| !operators(c)).collect();
            prop_assert_eq!(AskedText::parse(&plain).unwrap().text, plain);
        }
    }
}
