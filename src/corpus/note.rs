//! Markdown notes about one paper: URL, `*Title* (authors)`, quoted abstract, commentary, `#tags`, `[[links]]`.
//!
//! The note's name gives what the text lacks: the date from `YYMMDD`, the title of a blog post. Notes of several
//! papers are read too where each begins with `*Title* (authors)`; wiki links then lead to the first of them.
//! A note that names no paper at all (no link, no authors, no marked title with an abstract) is refused as such.

use super::commentary::{Body, body, by_language, is_foreign, mentions_in};
use super::date;
use super::front_matter::{self, FrontMatter};
use super::headline::{Expected, Headline, headline, marked_title};
use super::lines::{Line, Page};
use super::links::{only_urls, prose, push_new, repositories_in, tags_amid, tags_in};
use super::{ErrorKind, Found, Slots, sheet, sniff};
use crate::paper::{Mention, PaperId, Record, Source, identifiers_in, normalise};

/// Names of files that nobody has named.
const NO_NAME: [&str; 7] = ["untitled", "무제", "제목 없음", "未命名", "無題", "readme", "index"];
/// Headings of sections, which are no titles.
const SECTIONS: [&str; 16] = [
    "links",
    "link",
    "related",
    "references",
    "notes",
    "note",
    "summary",
    "abstract",
    "tl;dr",
    "tldr",
    "메모",
    "요약",
    "링크",
    "笔记",
    "メモ",
    "관련 노트",
];

/// Reads the note.
pub(super) fn read(page: &Page<'_>) -> Found {
    let (front, lines) = front_matter::split(&page.lines);
    let stem = page.stem();
    let (date, name) = date::of_stem(&stem);
    let mut found = Found::default();
    let starts = starts_of_papers(lines);
    let several = starts.len() > 1;
    let mut slots = Slots::default();
    for (at, start) in starts.iter().enumerate() {
        let end = starts.get(at + 1).copied().unwrap_or(lines.len());
        let section = lines.get(*start..end).unwrap_or_default();
        let first = if at == 0 { Some(&front) } else { None };
        let line = if at == 0 { page.lines.first() } else { section.first() };
        match paper(section, first, name) {
            Ok(mut record) => {
                record.source = Source {
                    file: page.name.to_owned(),
                    line: line.map_or(1, |line| line.number),
                    slot: if several { slots.next(&record.ids, &record.title) } else { String::new() },
                };
                record.date = record.date.or(date);
                record.note = (at == 0 && !stem.is_empty()).then(|| stem.clone());
                found.records.push(Ok(record));
            }
            Err(why) => found.records.push(Err(page.error(
                ErrorKind::NoPaper,
                line.map_or(1, |line| line.number),
                why,
            ))),
        }
    }
    found
}

/// Where papers begin: at the first line, and with the links above each further `*Title* (authors)`.
fn starts_of_papers(lines: &[Line<'_>]) -> Vec<usize> {
    let mut starts = vec![0];
    let mut seen = false;
    let mut at = 0;
    while at < lines.len() {
        let rest = lines.get(at..).unwrap_or_default();
        let Some(found) = headline(rest, Expected::No).filter(|found| found.marked) else {
            at += 1;
            continue;
        };
        if seen {
            let above = lines.get(..at).unwrap_or_default();
            starts.push(at - above.iter().rev().take_while(|line| only_urls(line.text).is_some()).count());
        }
        seen = true;
        at += found.lines;
    }
    starts
}

fn paper(lines: &[Line<'_>], front: Option<&FrontMatter>, name: &str) -> Result<Record, String> {
    if let Some(front) = front
        && let Some(record) = laid_out(lines, front, name)
    {
        return Ok(record);
    }
    let (mut head, rest) = Head::read(lines);
    let mut record = Record { abstract_text: head.quoted_abstract(), ..Record::default() };
    if let Some(front) = front {
        record.ids.clone_from(&front.ids);
        record.date = front.date;
        record.tags.clone_from(&front.tags);
        record.abstract_text = record.abstract_text.or_else(|| front.abstract_text.clone());
        head.urls.splice(0..0, front.urls.iter().cloned());
        if head.authors.is_empty() {
            head.authors.clone_from(&front.authors);
            // The title in the text wins only where it stands with its authors.
            head.title = front.title.clone().or(head.title).or_else(|| front.alias.clone());
        }
    }
    let marked = head.title.is_some();
    let is_paper = !head.urls.is_empty()
        || !record.ids.is_empty()
        || !head.authors.is_empty()
        || (marked && record.abstract_text.is_some());
    if !is_paper {
        return Err(sniff::UNKNOWN.to_owned());
    }
    record.title = head
        .title
        .or_else(|| name_as_title(name))
        .ok_or("a link, but no title: name the note after the paper")?;
    record.authors = head.authors;
    let mut others = Vec::new();
    for url in &head.urls {
        take_url(&mut record, url, &mut others);
    }
    if let Some(text) = &record.abstract_text {
        repositories_in(text)
            .into_iter()
            .for_each(|repository| push_new(&mut record.repositories, repository));
    }
    read_rest(&mut record, rest);
    for id in others {
        push_new(&mut record.mentions, Mention::Paper(id));
    }
    let own: Vec<Mention> = record.ids.iter().cloned().map(Mention::Paper).collect();
    record.mentions.retain(|mention| !own.contains(mention));
    Ok(record)
}

/// A note of fields and sections.
fn laid_out(lines: &[Line<'_>], front: &FrontMatter, name: &str) -> Option<Record> {
    let mut record = Record {
        title: front.title.clone().unwrap_or_default(),
        authors: front.authors.clone(),
        ids: front.ids.clone(),
        date: front.date,
        tags: front.tags.clone(),
        abstract_text: front.abstract_text.clone(),
        ..Record::default()
    };
    let rest = sheet::read(lines, front, &mut record)?;
    let mut others = Vec::new();
    front.urls.iter().for_each(|url| take_url(&mut record, url, &mut others));
    if record.title.is_empty() {
        record.title = front.alias.clone().or_else(|| name_as_title(name))?;
    }
    read_rest(&mut record, &rest);
    let own: Vec<Mention> = record.ids.iter().cloned().map(Mention::Paper).collect();
    record.mentions.retain(|mention| !own.contains(mention));
    Some(record)
}

fn name_as_title(name: &str) -> Option<String> {
    let bare = name.to_lowercase();
    let bare = bare.trim_end_matches(|c: char| c.is_ascii_digit() || c.is_whitespace());
    // "@lovelace2024" is a key, and what was no UTF-8 in an archive is no name.
    let names_something = !name.starts_with('@') && !name.contains('\u{fffd}');
    (names_something && name.chars().any(char::is_alphabetic) && !NO_NAME.contains(&bare))
        .then(|| name.to_owned())
}

/// The first id of each registry is the paper's own; what is in no registry is where it can be read.
fn take_url(record: &mut Record, url: &str, others: &mut Vec<PaperId>) {
    let mut ids = identifiers_in(url).into_iter();
    if let Some(id) = ids.next() {
        let same_registry = |known: &PaperId| std::mem::discriminant(known) == std::mem::discriminant(&id);
        if record.ids.iter().any(same_registry) {
            others.push(id)
        } else {
            record.ids.push(id)
        }
        return;
    }
    repositories_in(url).into_iter().for_each(|repository| push_new(&mut record.repositories, repository));
    record.url.get_or_insert_with(|| url.to_owned());
}

/// What stands above the commentary.
#[derive(Debug, Default)]
struct Head {
    title: Option<String>,
    authors: Vec<String>,
    urls: Vec<String>,
    /// Lines of the quote, without mark.
    quote: Vec<String>,
}

impl Head {
    fn read<'a, 'b>(lines: &'b [Line<'a>]) -> (Self, &'b [Line<'a>]) {
        let mut head = Self::default();
        let mut rest = lines;
        while let Some(line) = rest.first() {
            let mut taken = 1;
            if let Some(urls) = only_urls(line.text) {
                head.urls.extend(urls);
            } else if let Some(quoted) = line.text.strip_prefix('>') {
                head.quote.push(quoted.trim().to_owned());
            } else if head.title.is_some() || !head.quote.is_empty() {
                break;
            } else if let Some(Headline { title, authors, lines, .. }) = headline(rest, Expected::Yes) {
                head.title = Some(title);
                head.authors = authors;
                taken = lines;
            } else if let Some(title) = marked_title(line.text).filter(|title| !is_section(title)) {
                head.title = Some(title);
            } else {
                break;
            }
            rest = rest.get(taken..).unwrap_or_default();
        }
        (head, rest)
    }

    /// Lines broken by an editor are one paragraph; an empty quoted line begins the next.
    fn quoted_abstract(&self) -> Option<String> {
        let text: Vec<String> = self
            .quote
            .split(String::is_empty)
            .filter(|paragraph| !paragraph.is_empty())
            .map(|paragraph| paragraph.join(" "))
            .collect();
        (!text.is_empty()).then(|| normalise(&text.join("\n"))).filter(|text| !text.is_empty())
    }
}

fn is_section(title: &str) -> bool {
    SECTIONS.contains(&title.to_lowercase().as_str())
}

/// Commentary, tags and links.
fn read_rest(record: &mut Record, lines: &[Line<'_>]) {
    let mut kept: Vec<(usize, String)> = Vec::new();
    // A heading above nothing but links says nothing.
    let mut heading: Option<(usize, String)> = None;
    let mut targets: Vec<String> = Vec::new();
    for line in lines {
        if let Some(tags) = tags_in(line.text) {
            tags.into_iter().for_each(|tag| push_new(&mut record.tags, tag));
            continue;
        }
        tags_amid(line.text).for_each(|tag| push_new(&mut record.tags, tag));
        let clean = prose(without_markup(line.text));
        clean.mentions.into_iter().for_each(|mention| push_new(&mut record.mentions, mention));
        targets.extend(clean.targets);
        let text = clean.text.trim();
        if clean.only_links || text.is_empty() {
            continue;
        }
        let bare = text.trim_start_matches('#');
        if bare.len() < text.len() && bare.starts_with(' ') {
            heading = Some((line.number, bare.trim().to_owned()));
            continue;
        }
        kept.extend(heading.take());
        kept.push((line.number, text.trim_start_matches('>').trim_start().to_owned()));
    }
    let lines: Vec<Line<'_>> = kept.iter().map(|(number, text)| Line { number: *number, text }).collect();
    let unquoted = record.abstract_text.is_none() && !record.authors.is_empty();
    let body = if unquoted && lines.iter().any(|line| is_foreign(line.text)) {
        body(&lines)
    } else {
        let lines: Vec<&str> = lines.iter().map(|line| line.text).collect();
        Body { commentaries: by_language(&lines), mentions: mentions_in(&lines, &[]), ..Body::default() }
    };
    record.abstract_text = record.abstract_text.take().or(body.abstract_text);
    record.url = record.url.take().or(body.url);
    record.commentaries = body.commentaries;
    body.repositories.into_iter().for_each(|repository| push_new(&mut record.repositories, repository));
    let targets: Vec<&str> = targets.iter().map(String::as_str).collect();
    for mention in body.mentions.into_iter().chain(mentions_in(&targets, &[])) {
        push_new(&mut record.mentions, mention);
    }
}

/// The line without a tag such as `<english>` around it.
fn without_markup(line: &str) -> &str {
    let Some((tag, rest)) = line.strip_prefix('<').and_then(|line| line.split_once('>')) else { return line };
    let name = tag.trim_start_matches('/');
    let is_tag = (1..=12).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphabetic());
    // An opening tag with words behind it may be part of what is said ("<think> tokens").
    if is_tag && (rest.trim().is_empty() || tag.starts_with('/')) { rest.trim() } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(name: &str, text: &str) -> Vec<Result<Record, String>> {
        let found = read(&Page::new(name, text));
        found.records.into_iter().map(|record| record.map_err(|error| error.why)).collect()
    }

    fn one(name: &str, text: &str) -> Record {
        let [record] = <[_; 1]>::try_from(all(name, text)).unwrap();
        record.unwrap()
    }

    #[test]
    fn a_whole_note() {
        let record = one(
            "vault/240929 Sparse Graphs.md",
            "https://arxiv.org/abs/2409.19606\n\n*Sparse Graphs: A $Q^*$ Story* (Ada Lovelace, Michele (Mike) Boole)\n\n\
             > We study sparse graphs,\n> broken over lines. Code: https://github.com/ada/graphs.\n\nhttps://ada.github.io/\n\n\
             희소 그래프 연구. (https://arxiv.org/abs/1904.01569) ![[그림.png]]\n\n<english>\nA study on sparse graphs which reminds me of [ResNets](https://arxiv.org/abs/1512.03385).\n</english>(https://arxiv.org/abs/1904.01569)\n\n\
             #graph #long_context #ml/nlp F\n\n# Links\n\n[[240104 LLaMA Pro.md|LLaMA]]\n[[각 논문#결론]]",
        );
        assert_eq!(record.title, "Sparse Graphs: A $Q^*$ Story");
        assert_eq!(record.authors, ["Ada Lovelace", "Michele (Mike) Boole"]);
        assert_eq!(record.ids, ["arxiv:2409.19606".parse().unwrap()]);
        assert_eq!(
            record.abstract_text.as_deref(),
            Some("We study sparse graphs, broken over lines. Code: https://github.com/ada/graphs.")
        );
        assert_eq!(record.url.as_deref(), Some("https://ada.github.io/"));
        assert_eq!(record.repositories, ["https://github.com/ada/graphs"]);
        assert_eq!(record.tags, ["graph", "long_context", "ml/nlp"]);
        assert_eq!(record.date.unwrap().to_string(), "2024-09-29");
        assert_eq!(record.note.as_deref(), Some("240929 Sparse Graphs"));
        let texts: Vec<_> =
            record.commentaries.iter().map(|note| (note.language.code(), note.text.as_str())).collect();
        assert_eq!(
            texts,
            [
                ("ko", "희소 그래프 연구. (https://arxiv.org/abs/1904.01569)"),
                (
                    "en",
                    "A study on sparse graphs which reminds me of ResNets.\n(https://arxiv.org/abs/1904.01569)"
                )
            ]
        );
        let mentions: Vec<_> = record.mentions.iter().map(|mention| format!("{mention:?}")).collect();
        assert_eq!(mentions.len(), 4, "{mentions:?}");
        assert!(record.mentions.contains(&Mention::Note("240104 LLaMA Pro".into())));
        assert!(record.mentions.contains(&Mention::Note("각 논문".into())));
        assert!(record.source.slot.is_empty() && record.source.line == 1);
    }

    #[test]
    fn posts_without_authors_take_their_title_from_the_name() {
        let post = one(
            "240126 OpenAI API Update.md",
            "https://openai.com/blog/x\n\n모델의 성능을 개선하고 가격을 낮췄습니다.\n\n#news",
        );
        assert_eq!(
            (post.title.as_str(), post.url.as_deref()),
            ("OpenAI API Update", Some("https://openai.com/blog/x"))
        );
        assert!(post.ids.is_empty() && post.authors.is_empty());
        let named = one("240718 x.md", "https://a.org\n\n*A More Extreme Story*\n\n인터뷰입니다.");
        assert_eq!(named.title, "A More Extreme Story");
        let japanese = one(
            "メモ.md",
            "https://arxiv.org/abs/2106.09685\n# LoRA: 低ランク適応\n\nこれは効率的な手法です。",
        );
        assert_eq!(
            (japanese.title.as_str(), japanese.commentaries[0].language.code()),
            ("LoRA: 低ランク適応", "ja")
        );
        let plain =
            one("x.md", "https://a.org\n\nMany-shot Jailbreaking (Cem Anil, Esin Durmus)\n\n탈옥하는 방법.");
        assert_eq!((plain.title.as_str(), plain.authors.len()), ("Many-shot Jailbreaking", 2));
    }

    #[test]
    fn what_is_no_note_about_a_paper_is_refused_by_name() {
        for (name, text, says) in [
            ("Untitled.md", "codex resume 019a9e9e", "begins with"),
            ("Shopping.md", "# Shopping\n- milk\n- 우유 #food", "begins with"),
            ("Untitled 1.md", "https://a.org/x\n\n좋은 글입니다.", "no title"),
            ("🦙.md", "https://a.org/x", "no title"),
        ] {
            let why = all(name, text).remove(0).unwrap_err();
            assert!(why.contains(says), "{name}: {why}");
        }
    }

    #[test]
    fn several_papers_in_one_note() {
        let text = "https://arxiv.org/abs/2106.09685\n*LoRA* (Edward Hu)\n> Abstract one.\n좋습니다.\n#peft\n\n\
                    https://arxiv.org/abs/2305.18290\n*DPO* (Rafael Rafailov)\n> Abstract two.\n이것도 좋습니다.\n#rlhf";
        let records: Vec<Record> = all("241001 둘.md", text).into_iter().map(Result::unwrap).collect();
        let slots: Vec<_> =
            records.iter().map(|record| (record.source.slot.as_str(), record.ids[0].to_string())).collect();
        assert_eq!(
            slots,
            [
                ("arxiv:2106.09685", "arxiv:2106.09685".to_owned()),
                ("arxiv:2305.18290", "arxiv:2305.18290".to_owned())
            ]
        );
        assert_eq!((records[0].note.is_some(), records[1].note.is_some()), (true, false));
        assert_eq!(records[1].tags, ["rlhf"]);
        assert_eq!(records[1].source.line, 7);
    }

    #[test]
    fn front_matter_names_the_paper() {
        let record = one(
            "x.md",
            "---\ntitle: LoRA\nauthors: [Edward Hu]\narxiv: 2106.09685\ndate: 2024-10-01\ntags: [peft]\n---\n\n# 요약\n저차원 적응입니다.",
        );
        assert_eq!((record.title.as_str(), record.ids.len(), record.tags.len()), ("LoRA", 1, 1));
        assert_eq!(record.date.unwrap().to_string(), "2024-10-01");
        assert_eq!(record.commentaries[0].text, "요약\n저차원 적응입니다.");
    }
}
