//! Spans of time as people type them: `2024`, `2024-05`, `2024-05-01`, `2023..2025`, `..2024`, `>=2024-05`.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::filter::FilterError;

/// From the first day to the last, both included; an open end has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DateRange {
    /// The first day.
    pub from: Option<Date>,
    /// The last day.
    pub to: Option<Date>,
}

impl DateRange {
    /// Whether it holds `date`.
    #[must_use]
    pub fn contains(&self, date: Date) -> bool {
        self.from.is_none_or(|from| from <= date) && self.to.is_none_or(|to| date <= to)
    }

    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let between = |from: &str, to: &str| {
            let open = |text: &str| text.trim().is_empty();
            let from = if open(from) { None } else { Some(period(from)?.0) };
            let to = if open(to) { None } else { Some(period(to)?.1) };
            (from.is_some() || to.is_some()).then_some(Self { from, to })
        };
        for (sign, to_range) in COMPARISONS {
            if let Some(rest) = text.strip_prefix(sign) {
                return to_range(period(rest)?);
            }
        }
        for sign in ["..", "…", "~", "～", "〜"] {
            if let Some((from, to)) = text.split_once(sign) {
                return between(from, to);
            }
        }
        if let Some((first, last)) = period(text) {
            return Some(Self { from: Some(first), to: Some(last) });
        }
        // "2023-2025": no month has that number.
        let (from, to) = text.split_once(['-', '–'])?;
        if to.trim().len() == 4 { between(from, to) } else { None }
    }
}

type Compared = fn((Date, Date)) -> Option<DateRange>;

/// Longer signs first.
const COMPARISONS: [(&str, Compared); 6] = [
    (">=", |(first, _)| Some(DateRange { from: Some(first), to: None })),
    ("≥", |(first, _)| Some(DateRange { from: Some(first), to: None })),
    ("<=", |(_, last)| Some(DateRange { from: None, to: Some(last) })),
    ("≤", |(_, last)| Some(DateRange { from: None, to: Some(last) })),
    (">", |(_, last)| Some(DateRange { from: Some(last.tomorrow().ok()?), to: None })),
    ("<", |(first, _)| Some(DateRange { from: None, to: Some(first.yesterday().ok()?) })),
];

/// First and last day of a year, a month or a day.
pub(super) fn period(text: &str) -> Option<(Date, Date)> {
    let text = text.trim().trim_end_matches(['년', '年']);
    let mut parts = text.split(['-', '/', '.']);
    let digits = |part: &str, fits: fn(usize) -> bool| {
        let is_number = fits(part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| part.parse::<i16>().ok()).flatten()
    };
    let year = digits(parts.next()?, |length| length == 4)?;
    let part = |part: Option<&str>| match part {
        None => Some(None),
        Some(part) => Some(Some(i8::try_from(digits(part, |length| matches!(length, 1 | 2))?).ok()?)),
    };
    let (month, day) = (part(parts.next())?, part(parts.next())?);
    if parts.next().is_some() {
        return None;
    }
    let first = Date::new(year, month.unwrap_or(1), day.unwrap_or(1)).ok()?;
    let last = match (month, day) {
        (None, _) => first.last_of_year(),
        (Some(_), None) => first.last_of_month(),
        (Some(_), Some(_)) => first,
    };
    Some((first, last))
}

impl FromStr for DateRange {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let range = Self::parse(text).ok_or_else(|| FilterError::date(text))?;
        match (range.from, range.to) {
            (Some(from), Some(to)) if from > to => Err(FilterError::Backwards { from, to }),
            _ => Ok(range),
        }
    }
}

impl fmt::Display for DateRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = |date: Option<Date>| date.map(|date| date.to_string()).unwrap_or_default();
        if self.from.is_some() && self.from == self.to {
            return formatter.write_str(&day(self.from));
        }
        write!(formatter, "{}..{}", day(self.from), day(self.to))
    }
}

impl TryFrom<String> for DateRange {
    type Error = FilterError;

    fn try_from(text: String) -> Result<Self, FilterError> {
        text.parse()
    }
}

impl From<DateRange> for String {
    fn from(range: DateRange) -> Self {
        range.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spans_as_people_type_them() {
        for (typed, meant) in [
            ("2024", "2024-01-01..2024-12-31"),
            ("2024-02", "2024-02-01..2024-02-29"),
            ("2024.5", "2024-05-01..2024-05-31"),
            ("2024-05-01", "2024-05-01"),
            ("2024/05/01", "2024-05-01"),
            ("2023..2025", "2023-01-01..2025-12-31"),
            ("2023-05..2024-02-03", "2023-05-01..2024-02-03"),
            ("2023-2025", "2023-01-01..2025-12-31"),
            ("2023~2025", "2023-01-01..2025-12-31"),
            ("2023년～2025년", "2023-01-01..2025-12-31"),
            ("2024年", "2024-01-01..2024-12-31"),
            ("..2024", "..2024-12-31"),
            ("2024-05..", "2024-05-01.."),
            (">=2024", "2024-01-01.."),
            (">2024", "2025-01-01.."),
            ("<=2024-05", "..2024-05-31"),
            ("<2024-05", "..2024-04-30"),
        ] {
            assert_eq!(typed.parse::<DateRange>().unwrap().to_string(), meant, "{typed}");
        }
        for typed in [
            "",
            "..",
            "soon",
            "24",
            "2024-13",
            "2024-02-30",
            "2024-5-1-1",
            "20245",
            "2024..soon",
            "٢٠٢٤",
            ">",
        ] {
            let error = typed.parse::<DateRange>().unwrap_err().to_string();
            assert!(error.contains("2023..2025"), "{typed}: {error}");
        }
        assert!("2025..2023".parse::<DateRange>().unwrap_err().to_string().contains("ends before"));
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_again(text in "(>=|<|)?[0-9]{4}(-[0-9]{1,2}){0,2}(\\.\\.|~|-)?([0-9]{4}(-[0-9]{2})?)?") {
            if let Ok(range) = text.parse::<DateRange>() {
                prop_assert_eq!(range.to_string().parse::<DateRange>().ok(), Some(range));
            }
        }

        #[test]
        fn no_text_is_too_strange(text in "\\PC*") {
            let _ = text.parse::<DateRange>();
        }
    }
}
