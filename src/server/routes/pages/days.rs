//! `/days`: the library by date, a digest a day: what came in, with what was written about it.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::civil::Date;
use serde::Deserialize;

use super::address::address;
use super::hit::TagView;
use super::view::{About, LinkView, NoteView, code, links_of};
use super::words::Words;
use super::{Frame, Here, shown};
use crate::paper::{Language, Paper};
use crate::search::{SearchError, Searcher};
use crate::server::error::Failure;
use crate::server::extract::Query;
use crate::server::state::AppState;

/// Papers of a day that are shown at once: a dump may bring thousands.
const SHOWN: usize = 50;

/// What the address says.
#[derive(Deserialize)]
pub(super) struct Asked {
    day: Option<String>,
    limit: Option<usize>,
}

#[derive(Template)]
#[template(path = "days.html", config = "src/server/page/askama.toml")]
struct DaysPage {
    frame: Frame,
    /// None where no paper has a date.
    day: Option<String>,
    earlier: Option<String>,
    later: Option<String>,
    month: Month,
    count: String,
    papers: Vec<DayPaper>,
    more: Option<String>,
}

/// A month as a calendar has it.
#[derive(Default)]
struct Month {
    name: String,
    earlier: Option<String>,
    later: Option<String>,
    weekdays: Vec<&'static str>,
    weeks: Vec<Vec<Option<Cell>>>,
}

/// A day of the calendar.
struct Cell {
    number: i8,
    /// Where its papers are, and how many, if there are any.
    papers: Option<(String, String)>,
    is_shown: bool,
}

/// A paper as its day shows it.
struct DayPaper {
    about: About,
    authors: Option<String>,
    links: Vec<LinkView>,
    tags: Vec<TagView>,
    notes: Vec<NoteView>,
    /// Where nothing was written about it.
    abstract_text: Option<String>,
    abstract_lang: String,
}

/// `/days`
pub(super) async fn page(
    State(state): State<AppState>,
    words: &'static Words,
    asked: Result<Query<Asked>, Failure>,
) -> Response {
    let page = match asked.and_then(|Query(asked)| Ok((day_of(asked.day.as_deref())?, asked.limit))) {
        Ok((day, limit)) => state.look(move |searcher| days_page(searcher, day, limit, words)).await,
        Err(failure) => Err(failure),
    };
    shown(page, words, "")
}

fn day_of(text: Option<&str>) -> Result<Option<Date>, Failure> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let unread = |_| {
        let told = format!("'{}' is no day", crate::paper::cut(text, 40));
        Failure::invalid(told, "write it as 2026-05-01").of("day")
    };
    text.parse().map(Some).map_err(unread)
}

fn link(day: Date) -> String {
    address("/days", [("day", day.to_string())])
}

fn days_page(
    searcher: &Searcher,
    day: Option<Date>,
    limit: Option<usize>,
    words: &'static Words,
) -> Result<DaysPage, SearchError> {
    // The newest first.
    let days = searcher.days()?;
    let Some(day) = day.or(days.first().map(|(day, _)| *day)) else {
        return Ok(DaysPage {
            frame: Frame::new(words, Here::Days),
            day: None,
            earlier: None,
            later: None,
            month: Month::default(),
            count: String::new(),
            papers: Vec::new(),
            more: None,
        });
    };
    let later = days.iter().rev().find(|(other, _)| *other > day).map(|(day, _)| *day);
    let earlier = days.iter().find(|(other, _)| *other < day).map(|(day, _)| *day);
    let mut papers = searcher.on(day)?;
    // What was written on the day is its news.
    papers.sort_by_key(|paper| !paper.commentaries.iter().any(|note| note.date == Some(day)));
    let total = papers.len();
    let limit = limit.unwrap_or(SHOWN).max(1);
    papers.truncate(limit);
    let next = (limit * 2).to_string();
    Ok(DaysPage {
        frame: Frame::new(words, Here::Days),
        day: Some(day.to_string()),
        earlier: earlier.map(link),
        later: later.map(link),
        month: Month::of(day, &days, words),
        count: (words.of_day)(total),
        papers: papers.iter().map(|paper| DayPaper::of(paper, day, words)).collect(),
        more: (limit < total).then(|| address("/days", [("day", &day.to_string()), ("limit", &next)])),
    })
}

impl Month {
    /// The month of `shown`, with what there is in `days`.
    fn of(shown: Date, days: &[(Date, usize)], words: &Words) -> Self {
        let (first, last) = (shown.first_of_month(), shown.last_of_month());
        let papers_of = |day: Date| {
            let known = days.binary_search_by(|(other, _)| day.cmp(other)).ok()?;
            Some((link(day), (words.of_day)(days.get(known)?.1)))
        };
        let offset = usize::try_from(first.weekday().to_monday_zero_offset()).unwrap_or_default();
        let mut cells: Vec<Option<Cell>> = std::iter::repeat_with(|| None).take(offset).collect();
        let mut day = first;
        loop {
            cells.push(Some(Cell { number: day.day(), papers: papers_of(day), is_shown: day == shown }));
            match day.tomorrow() {
                Ok(next) if day < last => day = next,
                _ => break,
            }
        }
        let mut weeks = Vec::new();
        while !cells.is_empty() {
            let rest = cells.split_off(cells.len().min(7));
            cells.resize_with(7, || None);
            weeks.push(std::mem::replace(&mut cells, rest));
        }
        Self {
            name: format!("{:04}-{:02}", first.year(), first.month()),
            // To the newest day of the last month that has any, and to the first of the next.
            earlier: days.iter().find(|(day, _)| *day < first).map(|(day, _)| link(*day)),
            later: days.iter().rev().find(|(day, _)| *day > last).map(|(day, _)| link(*day)),
            weekdays: words.weekdays.split(' ').collect(),
            weeks,
        }
    }
}

impl DayPaper {
    fn of(paper: &Paper, day: Date, words: &'static Words) -> Self {
        let of_day: Vec<NoteView> =
            paper.commentaries.iter().filter(|note| note.date == Some(day)).map(NoteView::from).collect();
        let notes = if of_day.is_empty() {
            paper.commentaries.iter().take(1).map(NoteView::from).collect()
        } else {
            of_day
        };
        let text = paper.abstract_text.clone().filter(|_| notes.is_empty());
        Self {
            about: About::from(paper),
            authors: super::hit::authors(&paper.authors),
            links: links_of(&paper.id, paper.url.as_ref(), &[], words),
            tags: TagView::all(&paper.tags),
            abstract_lang: text.as_deref().map(|text| code(Language::of(text))).unwrap_or_default(),
            abstract_text: text,
            notes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::words::ENGLISH;
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_month_begins_on_its_weekday_and_links_what_there_is() {
        let days = [
            (date(2026, 6, 2), 1),
            (date(2026, 5, 31), 4),
            (date(2026, 5, 1), 2),
            (date(2026, 3, 9), 1),
            (date(2026, 3, 1), 1),
        ];
        let month = Month::of(date(2026, 5, 1), &days, &ENGLISH);
        // The first of May 2026 is a Friday, the last a Sunday.
        assert_eq!(month.weeks.len(), 5);
        assert!(month.weeks.iter().all(|week| week.len() == 7));
        let cell = |week: usize, day: usize| month.weeks[week][day].as_ref();
        assert!(cell(0, 3).is_none());
        let first = cell(0, 4).unwrap();
        assert_eq!((first.number, first.is_shown), (1, true));
        assert_eq!(first.papers, Some(("/days?day=2026-05-01".to_owned(), "2 papers".to_owned())));
        assert_eq!(cell(4, 6).unwrap().papers.as_ref().unwrap().1, "4 papers");
        assert!(cell(0, 5).unwrap().papers.is_none());
        assert_eq!(month.earlier.as_deref(), Some("/days?day=2026-03-09"));
        assert_eq!(month.later.as_deref(), Some("/days?day=2026-06-02"));
        assert_eq!(Month::of(date(9999, 12, 31), &days, &ENGLISH).weeks.len(), 5, "the end of time");
    }

    #[test]
    fn a_day_is_a_date() {
        assert_eq!(day_of(Some("2026-05-01")).ok(), Some(Some(date(2026, 5, 1))));
        assert_eq!(day_of(Some("")).ok(), Some(None));
        assert!(day_of(Some("tomorrow")).is_err() && day_of(Some("2026-02-30")).is_err());
    }
}
