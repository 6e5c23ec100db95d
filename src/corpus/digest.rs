//! Dated digests: a date line, then papers as title / `(authors)` / abstract / commentary / `#tags`.
//!
//! Every part but the title may be missing. A line of tags ends a paper; without tags, the next title with names
//! below it does. Links in commentary lead to other papers, never to the paper itself: a digest paper is known by
//! its title until another source gives its id.

use jiff::civil::Date;

use super::commentary::body;
use super::date::date_line;
use super::headline::{Expected, Headline, bare_title, headline, title_like};
use super::lines::{Line, Page};
use super::links::{only_urls, push_new, tags_in};
use super::{ErrorKind, Found, Slots};
use crate::paper::{PaperId, Record, Source};

/// More lines of links are a list.
const MOST_LINKS: usize = 4;

/// Whether the text begins as a digest does: with a date, if need be below the name of the series, or with title
/// and authors.
pub(super) fn begins(page: &Page<'_>) -> bool {
    let Some(first) = page.lines.first() else { return false };
    let below_a_name = (1..3).any(|at| {
        let lines = page.lines.get(at..).unwrap_or_default();
        lines.first().is_some_and(|line| date_line(line.text).is_some()) && begins_section(lines)
    });
    date_line(first.text).is_some()
        || (below_a_name && only_urls(first.text).is_none())
        || headline(&page.lines, Expected::No).is_some_and(|found| !found.marked && found.lines > 1)
}

/// Reads the papers of all dates.
pub(super) fn read(page: &Page<'_>) -> Found {
    let mut reading = Reading {
        page,
        found: Found::default(),
        slots: Slots::default(),
        date: None,
        open: None,
        links: Vec::new(),
    };
    let mut links_above = false;
    let mut due = true;
    let mut rest = page.lines.as_slice();
    while let Some(line) = rest.first() {
        let mut taken = 1;
        if let Some(date) = date_line(line.text).filter(|_| due || begins_section(rest)) {
            reading.close();
            reading.date = Some(date);
            due = true;
        } else if let Some(tags) = tags_in(line.text) {
            reading.tag(line, tags);
            due = true;
        } else if let Some(links) = links_above_title(rest, due || links_above) {
            reading.links = rest.get(..links).unwrap_or_default().to_vec();
            links_above = true;
            due = true;
            taken = links;
        } else if let Some(found) = headline(rest, if due { Expected::Yes } else { Expected::No }) {
            taken = found.lines;
            reading.begin(line, found);
            due = false;
        } else if due && (title_like(line.text) || reading.open.is_none()) && reading.may_be_title(rest) {
            let title = bare_title(line.text);
            reading.begin(line, Headline { title, authors: Vec::new(), lines: 1, marked: false });
            due = false;
        } else {
            reading.go_on(*line);
        }
        rest = rest.get(taken..).unwrap_or_default();
    }
    reading.close();
    let mut found = reading.found;
    if found.records.is_empty() {
        let why = "no paper below the date; a digest lists papers as a title line, a line of (authors), text, #tags";
        found.records.push(Err(page.error(ErrorKind::NoPaper, 1, why)));
    }
    found
}

/// A date amid commentary counts only where a title with authors follows it.
fn begins_section(lines: &[Line<'_>]) -> bool {
    lines.get(1..).is_some_and(|below| headline(below, Expected::Yes).is_some())
}

/// How many lines of links stand above a title with authors: they lead to its paper, where that is the custom.
fn links_above_title(lines: &[Line<'_>], custom: bool) -> Option<usize> {
    let links = lines.iter().take_while(|line| only_urls(line.text).is_some()).take(MOST_LINKS).count();
    let below = lines.get(links..).unwrap_or_default();
    (custom && links > 0 && headline(below, Expected::Yes).is_some()).then_some(links)
}

struct Reading<'a> {
    page: &'a Page<'a>,
    found: Found,
    slots: Slots,
    date: Option<Date>,
    open: Option<Open<'a>>,
    /// Links above the title that is due.
    links: Vec<Line<'a>>,
}

struct Open<'a> {
    record: Record,
    lines: Vec<Line<'a>>,
}

impl<'a> Reading<'a> {
    fn begin(&mut self, line: &Line<'a>, headline: Headline) {
        self.close();
        let source = Source {
            file: self.page.name.to_owned(),
            line: line.number,
            slot: self.slots.next(&[], &headline.title),
        };
        let record = Record {
            source,
            title: headline.title,
            authors: headline.authors,
            date: self.date,
            ..Record::default()
        };
        self.open = Some(Open { record, lines: std::mem::take(&mut self.links) });
    }

    /// A title without authors must have something below it; words above the first paper are an introduction.
    fn may_be_title(&self, lines: &[Line<'_>]) -> bool {
        let Some(line) = lines.first() else { return false };
        let below = lines.get(1).is_some_and(|next| date_line(next.text).is_none());
        let introduces = self.open.is_none()
            && lines.get(1..).is_some_and(|below| headline(below, Expected::Yes).is_some());
        title_like(line.text) && below && !introduces && !bare_title(line.text).is_empty()
    }

    fn go_on(&mut self, line: Line<'a>) {
        match &mut self.open {
            Some(open) => open.lines.push(line),
            None => {
                self.found.notices.push(self.page.notice(line.number, "text above the first paper, left out"))
            }
        }
    }

    fn tag(&mut self, line: &Line<'a>, tags: Vec<String>) {
        match &mut self.open {
            Some(open) => tags.into_iter().for_each(|tag| push_new(&mut open.record.tags, tag)),
            None => {
                self.found.notices.push(self.page.notice(line.number, "tags above the first paper, left out"))
            }
        }
    }

    fn close(&mut self) {
        let Some(Open { mut record, lines }) = self.open.take() else { return };
        let body = body(&lines);
        record.abstract_text = body.abstract_text;
        record.commentaries = body.commentaries;
        record.mentions = body.mentions;
        // A link on a line of its own beside the title leads to the paper, one in a sentence to another.
        match body.url.as_deref().and_then(PaperId::parse).filter(PaperId::is_registered) {
            Some(id) => record.ids.push(id),
            None => record.url = body.url,
        }
        record.repositories = body.repositories;
        self.found.records.push(Ok(record));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "2024년 8월 29일
On Sparse Graphs: A Study
(Ada Lovelace, George Boole (University College, Cork),
김철수)
We study sparse graphs, and find that $O(n)$ edges are enough for most of them. Code is at https://github.com/ada/graphs.
https://ada.github.io/graphs
희소 그래프 연구. (https://arxiv.org/abs/2408.08274) 재미있네요.
이어지는 문단.
A study on sparse graphs, which continues earlier work (https://arxiv.org/abs/2408.08274).
#graph #sparse
Announcing Model 12B
(Model AI)
얼마 전 공개했던 모델에 대한 포스트가 올라왔군요. (https://github.com/other/model)
(사족이지만 이런 포스트가 늘어나는 듯 하네요.)
Untagged Neighbours Matter
(Grace Hopper, Alan de la Turing)
이 논문은 앞 논문에 태그가 없어도 시작됩니다.
#long_context #ml/nlp
2024-08-30
On sparse graphs - a study
(Emmy Noether)
같은 제목의 다른 논문.";

    fn records(text: &str) -> Vec<Record> {
        read(&Page::new("d.txt", text)).records.into_iter().map(Result::unwrap).collect()
    }

    #[test]
    fn papers_with_every_part_and_with_parts_missing() {
        let papers = records(DIGEST);
        let titles: Vec<_> = papers.iter().map(|paper| paper.title.as_str()).collect();
        assert_eq!(
            titles,
            [
                "On Sparse Graphs: A Study",
                "Announcing Model 12B",
                "Untagged Neighbours Matter",
                "On sparse graphs - a study"
            ]
        );
        let [first, second, third, fourth] = papers.as_slice() else { panic!() };
        assert_eq!(first.authors, ["Ada Lovelace", "George Boole (University College, Cork)", "김철수"]);
        assert!(first.abstract_text.as_ref().unwrap().ends_with("ada/graphs."));
        assert_eq!(first.url.as_deref(), Some("https://ada.github.io/graphs"));
        let languages: Vec<_> = first.commentaries.iter().map(|note| note.language.code()).collect();
        assert_eq!(languages, ["ko", "en"]);
        assert_eq!(first.commentaries[0].text.lines().count(), 2);
        assert_eq!(first.tags, ["graph", "sparse"]);
        assert_eq!(first.repositories, ["https://github.com/ada/graphs"]);
        assert!(first.ids.is_empty() && first.mentions.len() == 1, "links lead to other papers");
        let slot = crate::paper::PaperId::of_title("On sparse graphs: a study").to_string();
        assert_eq!(first.source, Source { file: "d.txt".into(), line: 2, slot: slot.clone() });
        assert_eq!(
            (second.abstract_text.as_ref(), second.tags.len(), second.repositories.len()),
            (None, 0, 0)
        );
        assert!(
            second.commentaries[0].text.ends_with("늘어나는 듯 하네요.)"),
            "a paragraph in parentheses stays"
        );
        assert_eq!(third.tags, ["long_context", "ml/nlp"]);
        assert_eq!(third.date.unwrap().to_string(), "2024-08-29");
        assert_eq!(fourth.date.unwrap().to_string(), "2024-08-30");
        assert_eq!(fourth.source.slot, format!("{slot}#2"));
        assert!(first.same_place(&records(&format!("{DIGEST}\n"))[0]));
    }

    #[test]
    fn other_languages_and_a_title_without_authors() {
        let papers = records(
            "2024年8月29日\n稀疏图研究\n(王小明、李华)\n这篇论文研究稀疏图。\n#图\nブログの記事\n著者のない記事についてのメモです。\n#メモ",
        );
        assert_eq!(papers[0].authors, ["王小明", "李华"]);
        assert_eq!(papers[0].commentaries[0].language.code(), "zh");
        assert_eq!((papers[1].title.as_str(), papers[1].tags[0].as_str()), ("ブログの記事", "メモ"));
        assert_eq!(papers[1].commentaries[0].language.code(), "ja");
    }

    #[test]
    fn a_link_beside_the_title_is_the_papers_own() {
        let papers = records(
            "2024-08-29\nhttps://arxiv.org/abs/2106.09685\nLoRA\n(Edward Hu)\n좋습니다.\nhttps://arxiv.org/abs/2305.18290\nDPO\n\
             (Rafael Rafailov)\nhttps://dpo.example.org\n이것도 좋습니다. https://arxiv.org/abs/1706.03762",
        );
        let ids: Vec<_> = papers.iter().map(|paper| paper.ids[0].to_string()).collect();
        assert_eq!(ids, ["arxiv:2106.09685", "arxiv:2305.18290"]);
        assert_eq!((papers[1].mentions.len(), papers[0].commentaries[0].text.as_str()), (1, "좋습니다."));
    }

    #[test]
    fn an_introduction_is_left_out_with_notice_and_an_empty_date_is_refused() {
        let found =
            read(&Page::new("d", "August 29, 2024\n오늘은 두 편입니다.\nOn Graphs\n(Ada Lovelace)\n그래프."));
        assert_eq!((found.records.len(), found.notices.len(), found.notices[0].line), (1, 1, 2));
        let named = Page::new("d", "오늘의 논문\n2024년 8월 29일\nOn Graphs\n(Ada Lovelace)\n그래프.");
        assert!(begins(&named));
        let found = read(&named);
        assert_eq!((found.records.len(), found.notices.len()), (1, 1));
        assert_eq!(found.records[0].as_ref().unwrap().title, "On Graphs");
        let empty = read(&Page::new("d", "2024-08-29\n")).records;
        assert_eq!(empty[0].as_ref().unwrap_err().kind, ErrorKind::NoPaper);
    }
}
