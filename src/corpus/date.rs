//! Dates as people write them above their notes, in Korean, Chinese, Japanese, English and ISO order.

use jiff::civil::Date;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// The date, if `line` is a date and nothing else but dress: heading marks, brackets, the day of the week.
pub(super) fn date_line(line: &str) -> Option<Date> {
    if line.len() > 80 {
        return None;
    }
    let bare =
        line.trim_matches(|c: char| matches!(c, '#' | '*' | '=' | '-' | '[' | ']') || c.is_whitespace());
    let parts = parts_of(&bare.to_lowercase());
    let words: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !is_weekday(part)).collect();
    match words.as_slice() {
        [year, "年" | "년", month, "月" | "월", day, "日" | "일"] => date(year, month, day),
        [year, "-", month, "-", day] | [year, "/", month, "/", day] | [year, ".", month, ".", day] => {
            date(year, month, day)
        }
        [year, ".", month, ".", day, "."] => date(year, month, day),
        // "August 29, 2024", "29 August 2024", "Aug. 29th, 2024"
        [first, second, year] => {
            let (month, day) = if month_of(first).is_some() { (first, second) } else { (second, first) };
            let day = day.trim_end_matches(|c: char| c.is_ascii_lowercase());
            date(year, &month_of(month)?.to_string(), day)
        }
        _ => None,
    }
}

/// The date in a field of data: a day, or the first day of a month or year.
pub(super) fn field(text: &str) -> Option<Date> {
    let text = text.trim();
    // A time of day after the date ("2024-10-01T08:00:00Z") says nothing that we keep.
    let day =
        text.get(..10).filter(|_| text.as_bytes().get(10).is_some_and(|byte| matches!(byte, b'T' | b' ')));
    if let Some(date) = date_line(day.unwrap_or(text)) {
        return Some(date);
    }
    match text.split(['-', '/', '.']).collect::<Vec<_>>().as_slice() {
        [year] => date(year, "1", "1"),
        [year, month] => date(year, month, "1"),
        _ => None,
    }
}

/// The date of a note whose name begins with `YYMMDD` or `YYYY-MM-DD`, and the name without it.
pub(super) fn of_stem(stem: &str) -> (Option<Date>, &str) {
    let split = |at: usize| Some((stem.get(..at)?, stem.get(at..)?));
    if let Some((head, rest)) = split(10)
        && let Some(date) = date_line(head)
    {
        return (Some(date), without_joint(rest));
    }
    if let Some((head, rest)) = split(6)
        && head.bytes().all(|byte| byte.is_ascii_digit())
        && !rest.starts_with(|c: char| c.is_ascii_digit())
        && let (Some(year), Some(month), Some(day)) = (head.get(..2), head.get(2..4), head.get(4..6))
        && let Some(date) = date(&format!("20{year}"), month, day)
    {
        return (Some(date), without_joint(rest));
    }
    (None, stem)
}

fn without_joint(rest: &str) -> &str {
    rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '-' | '_' | '.'))
}

fn date(year: &str, month: &str, day: &str) -> Option<Date> {
    let year = year.parse().ok().filter(|year| (1500..=2999).contains(year))?;
    Date::new(year, month.parse().ok()?, day.parse().ok()?).ok()
}

/// The number of the month that the word, in lower case, names or begins.
pub(super) fn month_of(word: &str) -> Option<usize> {
    let at = MONTHS.iter().position(|month| word.starts_with(month))?;
    (word.len() <= 9 && word.chars().all(char::is_alphabetic)).then_some(at + 1)
}

fn is_weekday(word: &str) -> bool {
    let korean = ["월", "화", "수", "목", "금", "토", "일"];
    let english = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let whole = word.strip_prefix('(').and_then(|word| word.strip_suffix(')'));
    whole.is_some_and(|inner| inner.chars().count() <= 3)
        || word.strip_suffix("요일").is_some_and(|day| korean.contains(&day))
        || word.strip_suffix("曜日").is_some_and(|day| day.chars().count() == 1)
        || word.starts_with("星期")
        || (word.chars().count() <= 9 && word.is_ascii() && english.iter().any(|day| word.starts_with(day)))
}

/// Numbers, separators, and words; "8월" is two parts, "(목)" is one.
fn parts_of(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut kind = 0;
    for c in text.chars() {
        let next = match c {
            _ if kind == 4 && !parts.last().is_some_and(|part| part.ends_with(')')) => 4,
            c if c.is_whitespace() || c == ',' => 0,
            c if c.is_ascii_digit() => 1,
            '-' | '/' | '.' => 2,
            '(' => 4,
            // "29th" is one part, "2024년" is two.
            c if kind == 1 && c.is_ascii_alphabetic() => 1,
            _ => 3,
        };
        match parts.last_mut() {
            Some(last) if next == kind && next != 2 && next != 0 => last.push(c),
            // The dot of "Aug." belongs to the word.
            Some(_) if next == 2 && c == '.' && kind == 3 => {}
            _ if next != 0 => parts.push(c.to_string()),
            _ => {}
        }
        kind = next;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_only_a_date() {
        let day = Some(jiff::civil::date(2024, 8, 29));
        for line in [
            "2024년 8월 29일",
            "2024년8월29일",
            "2024년 8월 29일 (목)",
            "2024년 8월 29일 목요일",
            "2024年8月29日",
            "2024年8月29日(木)",
            "2024年8月29日 星期四",
            "2024-08-29",
            "2024.08.29",
            "2024. 8. 29.",
            "2024/8/29",
            "# 2024-08-29",
            "August 29, 2024",
            "Aug. 29, 2024",
            "29 August 2024",
            "Thursday, August 29th, 2024",
            "**2024-08-29**",
        ] {
            assert_eq!(date_line(line), day, "{line}");
        }
        for line in [
            "",
            "2024",
            "2024년 13월 1일",
            "2024-02-30",
            "2024년 8월 29일에 나온 논문",
            "GPT-4-2024-08-29",
            "May 1",
            "1. 2. 3",
            "논문",
        ] {
            assert_eq!(date_line(line), None, "{line}");
        }
    }

    #[test]
    fn fields_and_file_names() {
        let text = |date: Option<Date>| date.map(|date| date.to_string()).unwrap_or_default();
        assert_eq!(text(field("2024-10")), "2024-10-01");
        assert_eq!(text(field("1953")), "1953-01-01");
        assert_eq!(text(field("2024-10-01T09:30:00Z")), "2024-10-01");
        assert_eq!(text(field("soon")), "");
        let stem = |stem| {
            let (date, rest) = of_stem(stem);
            (text(date), rest.to_owned())
        };
        assert_eq!(stem("240104 LLaMA Pro"), ("2024-01-04".into(), "LLaMA Pro".into()));
        assert_eq!(stem("2024-10-01 한국어 노트"), ("2024-10-01".into(), "한국어 노트".into()));
        assert_eq!(stem("2405143 things"), (String::new(), "2405143 things".into()));
        assert_eq!(stem("241399 x"), (String::new(), "241399 x".into()));
        assert_eq!(stem("노트"), (String::new(), "노트".into()));
    }
}
