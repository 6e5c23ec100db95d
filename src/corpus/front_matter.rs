//! The front matter of Obsidian and static sites: `key: value` lines between two `---`.
//!
//! Not YAML: only what people put there about a paper, and nothing that nests.

use jiff::civil::Date;

use super::date;
use super::headline::names;
use super::lines::Line;
use super::links::push_new;
use crate::paper::{PaperId, natural_name, normalise, single_line};

/// What the front matter says of the paper.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct FrontMatter {
    pub title: Option<String>,
    /// The first of its other names.
    pub alias: Option<String>,
    pub authors: Vec<String>,
    pub tags: Vec<String>,
    pub date: Option<Date>,
    pub ids: Vec<PaperId>,
    pub urls: Vec<String>,
    pub abstract_text: Option<String>,
}

/// Splits it off the lines; without a closing `---` there is none.
pub(super) fn split<'a, 'b>(lines: &'b [Line<'a>]) -> (FrontMatter, &'b [Line<'a>]) {
    let none = (FrontMatter::default(), lines);
    let Some((first, below)) = lines.split_first() else { return none };
    let end = below.iter().position(|line| matches!(line.text, "---" | "..."));
    let (Some(end), "---") = (end, first.text) else { return none };
    let inside = below.get(..end).unwrap_or_default();
    (fields(inside), below.get(end + 1..).unwrap_or_default())
}

fn fields(lines: &[Line<'_>]) -> FrontMatter {
    let mut fields: Vec<(String, Vec<String>)> = Vec::new();
    for line in lines {
        if line.text.starts_with('#') {
            continue;
        }
        let item = line.text.strip_prefix("- ");
        match line.text.split_once(':') {
            Some((key, value)) if item.is_none() && is_key(key) => {
                fields.push((key.to_lowercase().replace('-', "_"), values(value)));
            }
            // An item of a list, or the next line of a block of text.
            _ => {
                if let Some((_, values)) = fields.last_mut() {
                    values.push(unquoted(item.unwrap_or(line.text)));
                }
            }
        }
    }
    let mut front = FrontMatter::default();
    for (key, values) in fields {
        front.take(&key, values);
    }
    front
}

impl FrontMatter {
    fn take(&mut self, key: &str, values: Vec<String>) {
        let whole = || Some(values.join(" ")).filter(|text| !text.trim().is_empty());
        match key {
            // The note is called by a key then, and by the paper's title beside.
            "aliases" | "alias" if self.title.is_none() => {
                let alias = values.first().map(|alias| single_line(alias));
                self.alias = alias.filter(|alias| !alias.is_empty());
            }
            "title" => self.title = whole().map(|text| single_line(&text)),
            "author" | "authors" => {
                // In a list every item is a name, also "Smith, John"; a single value may hold several.
                self.authors = match values.as_slice() {
                    [one] => author_list(one),
                    several => several
                        .iter()
                        .map(|value| natural_name(without_brackets(value)))
                        .filter(|name| !name.is_empty())
                        .collect(),
                };
            }
            "tag" | "tags" | "keywords" => {
                let tags = values.iter().flat_map(|value| value.split([',', ' ']));
                for tag in
                    tags.map(|tag| single_line(tag.trim_start_matches('#'))).filter(|tag| !tag.is_empty())
                {
                    push_new(&mut self.tags, tag);
                }
            }
            "date" | "published" | "created" | "year" => {
                self.date = self.date.or_else(|| whole().and_then(|text| date::field(&text)));
            }
            "arxiv" | "arxiv_id" | "eprint" | "doi" => {
                self.ids.extend(
                    values.iter().filter_map(|value| PaperId::parse(value)).filter(PaperId::is_registered),
                );
            }
            "url" | "link" | "source" | "paper" | "pdf" => {
                self.urls.extend(
                    values.iter().map(|value| single_line(value)).filter(|value| value.contains("://")),
                );
            }
            "abstract" => self.abstract_text = whole().map(|text| normalise(&text)),
            _ => {}
        }
    }
}

/// A list of authors in one value: "Lovelace, Ada; Boole, George", "Ada Lovelace, George Boole", wiki links.
pub(super) fn author_list(text: &str) -> Vec<String> {
    let text = text.replace("[[", "").replace("]]", "");
    if text.contains(';') {
        return text.split(';').map(natural_name).filter(|name| !name.is_empty()).collect();
    }
    names(&text).unwrap_or_default()
}

fn without_brackets(name: &str) -> &str {
    name.trim().trim_start_matches("[[").trim_end_matches("]]")
}

fn is_key(key: &str) -> bool {
    !key.is_empty() && key.len() <= 40 && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
}

/// A scalar, `[a, b]`, or nothing before a list or block.
fn values(text: &str) -> Vec<String> {
    let text = text.trim();
    if matches!(text, "" | "|" | ">" | "|-" | ">-" | "null" | "~" | "[]") {
        return Vec::new();
    }
    match text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        Some(list) if !list.starts_with('[') => {
            list.split(',').map(unquoted).filter(|item| !item.is_empty()).collect()
        }
        _ => vec![unquoted(text)],
    }
}

fn unquoted(text: &str) -> String {
    let text = text.trim();
    let inner = ['"', '\''].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
    inner.unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::lines::Page;
    use super::*;

    #[test]
    fn keys_that_people_use() {
        let text = "---\ntitle: \"LoRA: 저차원 적응\"\nauthors:\n  - Edward Hu\n  - Yelong Shen\ntags: [fine-tuning, '#peft']\ncreated: 2024-10-01\n\
                    arxiv: 2106.09685v2\nurl: https://example.org/lora\nabstract: >\n  We propose\n  low rank.\ncssclass: wide\n---\nbody";
        let page = Page::new("n.md", text);
        let (front, rest) = split(&page.lines);
        assert_eq!(front.title.as_deref(), Some("LoRA: 저차원 적응"));
        assert_eq!(front.authors, ["Edward Hu", "Yelong Shen"]);
        assert_eq!(front.tags, ["fine-tuning", "peft"]);
        assert_eq!(front.date.unwrap().to_string(), "2024-10-01");
        assert_eq!(front.ids, ["arxiv:2106.09685".parse().unwrap()]);
        assert_eq!(front.urls, ["https://example.org/lora"]);
        assert_eq!(front.abstract_text.as_deref(), Some("We propose low rank."));
        assert_eq!(rest, [Line { number: 15, text: "body" }]);
    }

    #[test]
    fn what_is_not_closed_is_text() {
        for text in ["---\ntitle: x", "title: x\n---", "---", ""] {
            let page = Page::new("n.md", text);
            assert_eq!(split(&page.lines), (FrontMatter::default(), page.lines.as_slice()), "{text}");
        }
    }
}
