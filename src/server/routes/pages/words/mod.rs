//! What the interface says, in the languages of its readers: a language that lacks a word does not compile.
//!
//! What papers say stays in their own language.

mod chinese;
mod english;
mod failure;
mod korean;
mod map;
mod remark;

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;

use chinese::CHINESE;
pub(super) use english::ENGLISH;
use korean::KOREAN;
pub(super) use map::MapWords;

/// The words of one language. Those without a remark say what their English says.
pub(super) struct Words {
    /// The language, as HTML has it.
    pub(super) code: &'static str,
    pub(super) skip: &'static str,
    pub(super) search: &'static str,
    pub(super) search_label: &'static str,
    pub(super) placeholder: &'static str,
    /// The navigation.
    pub(super) pages: &'static str,
    pub(super) days: &'static str,
    pub(super) map: &'static str,
    pub(super) on_map: &'static MapWords,
    pub(super) library: &'static str,
    pub(super) basket: &'static str,
    pub(super) results: &'static str,
    pub(super) papers: &'static str,
    pub(super) nothing_answers: &'static str,
    pub(super) nothing_answers_why: &'static str,
    pub(super) show_nearest: &'static str,
    pub(super) show_more: &'static str,
    pub(super) empty_heading: &'static str,
    pub(super) empty_text: &'static str,
    pub(super) empty_drop: &'static str,
    /// Before a command line.
    pub(super) empty_command: &'static str,
    pub(super) welcome_heading: &'static str,
    pub(super) welcome_text: &'static str,
    pub(super) try_one: &'static str,
    pub(super) related_to: &'static str,
    pub(super) related: &'static str,
    pub(super) like_these: &'static str,
    pub(super) unlike_these: &'static str,
    pub(super) more_like: &'static str,
    pub(super) less_like: &'static str,
    pub(super) take_out: &'static str,
    pub(super) steering: &'static str,
    pub(super) narrow: &'static str,
    pub(super) narrowed: &'static str,
    pub(super) clear_all: &'static str,
    pub(super) tags: &'static str,
    pub(super) years: &'static str,
    pub(super) languages: &'static str,
    pub(super) sources: &'static str,
    pub(super) authors: &'static str,
    pub(super) commentary_facet: &'static str,
    pub(super) with_commentary: &'static str,
    pub(super) without_commentary: &'static str,
    pub(super) from_date: &'static str,
    pub(super) to_date: &'static str,
    /// Before a value that is left out.
    pub(super) without: &'static str,
    pub(super) more_values: &'static str,
    pub(super) sort_by: &'static str,
    pub(super) best_first: &'static str,
    pub(super) newest_first: &'static str,
    /// What the marks of hits mean.
    pub(super) found_by: &'static str,
    pub(super) by_meaning: &'static str,
    pub(super) by_words: &'static str,
    pub(super) by_both: &'static str,
    pub(super) legend: &'static str,
    pub(super) title_kind: &'static str,
    pub(super) abstract_kind: &'static str,
    pub(super) commentary_kind: &'static str,
    pub(super) named: &'static str,
    pub(super) tied: &'static str,
    pub(super) abstract_heading: &'static str,
    pub(super) notes_heading: &'static str,
    pub(super) mentions_heading: &'static str,
    pub(super) mentioned_by: &'static str,
    pub(super) outside: &'static str,
    pub(super) related_heading: &'static str,
    pub(super) only_related: &'static str,
    pub(super) no_other_paper: &'static str,
    pub(super) sources_heading: &'static str,
    pub(super) also_known: &'static str,
    pub(super) code_link: &'static str,
    pub(super) show_on_map: &'static str,
    pub(super) keep: &'static str,
    pub(super) kept: &'static str,
    pub(super) basket_empty: &'static str,
    pub(super) basket_hint: &'static str,
    pub(super) empty_basket: &'static str,
    pub(super) take_away: &'static str,
    pub(super) copy_citation: &'static str,
    pub(super) copied: &'static str,
    pub(super) feed: &'static str,
    pub(super) that_failed: &'static str,
    /// What to do about a year that is none.
    pub(super) how_years: &'static str,
    /// What to do about another filter that means nothing.
    pub(super) in_quotes: &'static str,
    pub(super) one_moment: &'static str,
    pub(super) looks_again: &'static str,
    pub(super) searching: &'static str,
    pub(super) keys: &'static str,
    pub(super) key_search: &'static str,
    pub(super) key_move: &'static str,
    pub(super) key_open: &'static str,
    pub(super) key_related: &'static str,
    pub(super) key_steer: &'static str,
    pub(super) key_keep: &'static str,
    pub(super) key_back: &'static str,
    pub(super) key_go: &'static str,
    pub(super) key_help: &'static str,
    pub(super) close: &'static str,
    /// Papers shown, of how many that were searched.
    pub(super) searched: fn(usize, usize) -> String,
    /// Papers shown, of how many that fit, where nothing is asked but filters.
    pub(super) listed: fn(usize, usize) -> String,
    /// Milliseconds.
    pub(super) took: fn(f64) -> String,
    /// Into how many pieces a long question was cut.
    pub(super) pieces: fn(usize) -> String,
    /// Papers and passages of the library.
    pub(super) holds: fn(u64, u64) -> String,
    /// Passages that cannot be found yet.
    pub(super) pending: fn(u64) -> String,
    /// Percent and cosine of a hit.
    pub(super) score: fn(u8, &str) -> String,
    /// The kind and the language of the matched passage.
    pub(super) matched: fn(&str, &str) -> String,
    /// Tags that a hit shares.
    pub(super) shares: fn(&str) -> String,
    /// The hit mentions a paper.
    pub(super) mentions: fn(&str) -> String,
    /// A paper mentions the hit.
    pub(super) is_mentioned_by: fn(&str) -> String,
    /// One paper mentions another.
    pub(super) mention: fn(&str, &str) -> String,
    pub(super) earlier_day: &'static str,
    pub(super) later_day: &'static str,
    pub(super) earlier_month: &'static str,
    pub(super) later_month: &'static str,
    pub(super) choose_day: &'static str,
    pub(super) go: &'static str,
    pub(super) nothing_that_day: &'static str,
    pub(super) no_days: &'static str,
    /// From Monday, one letter each, separated by spaces.
    pub(super) weekdays: &'static str,
    pub(super) calendar: &'static str,
    pub(super) add_papers: &'static str,
    pub(super) drop_here: &'static str,
    pub(super) drop_what: &'static str,
    pub(super) choose_files: &'static str,
    pub(super) needs_script: &'static str,
    pub(super) sending: &'static str,
    pub(super) reading_in: &'static str,
    pub(super) can_be_found: &'static str,
    pub(super) not_read: &'static str,
    /// Before the number of a line.
    pub(super) line_number: &'static str,
    pub(super) new_records: &'static str,
    pub(super) changed_records: &'static str,
    pub(super) unchanged_records: &'static str,
    pub(super) removed_records: &'static str,
    pub(super) refused_records: &'static str,
    pub(super) contents: &'static str,
    pub(super) papers_count: &'static str,
    pub(super) passages_count: &'static str,
    pub(super) waiting_count: &'static str,
    pub(super) formats: &'static str,
    pub(super) model: &'static str,
    pub(super) index: &'static str,
    pub(super) index_missing: &'static str,
    pub(super) index_scanned: &'static str,
    pub(super) whole_library: &'static str,
    /// The number of a published index, and how many vectors it has.
    pub(super) generation: fn(u64, usize) -> String,
    /// The measured recall of a graph.
    pub(super) graph: fn(f64) -> String,
    /// Papers of a day.
    pub(super) of_day: fn(usize) -> String,
}

/// Which languages the interface speaks; the first is for everybody else.
static SPOKEN: [&Words; 3] = [&ENGLISH, &KOREAN, &CHINESE];

impl Words {
    /// In the language that a browser likes best, of those that are spoken.
    fn for_browser(accepts: &str) -> &'static Self {
        let wished = accept_language::parse(accepts);
        let spoken = |wish: &String| {
            let primary = wish.split('-').next().unwrap_or_default();
            SPOKEN.into_iter().find(|words| words.code.eq_ignore_ascii_case(primary))
        };
        wished.iter().find_map(spoken).unwrap_or(&ENGLISH)
    }
}

impl<S: Sync> FromRequestParts<S> for &'static Words {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let accepts = parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Ok(Words::for_browser(accepts.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_answered_in_its_language() {
        for (accepts, code) in [
            ("", "en"),
            ("ko-KR,ko;q=0.9,en-US;q=0.8", "ko"),
            ("zh-Hant-TW, en;q=0.5", "zh"),
            ("de-DE,de;q=0.9,zh;q=0.3,en;q=0.5", "en"),
            ("fr, ar;q=0.2", "en"),
            ("en;q=0.2, KO;q=0.9", "ko"),
            (";;;,,q=x,\u{fffd}", "en"),
        ] {
            assert_eq!(Words::for_browser(accepts).code, code, "{accepts}");
        }
    }
}
