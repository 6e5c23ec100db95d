//! `paperkin search`

use std::ffi::OsString;

use clap::Args;

use super::asking::AskingArguments;
use super::{Done, Session, output};
use crate::search::{AskedText, SearchRequest, Searcher};

/// The arguments, where a question may begin with a minus (`paperkin search -year:2024`), which clap takes for a flag. A space before
/// it makes it a value, and is nothing to a question.
pub(super) fn with_minuses(arguments: impl IntoIterator<Item = OsString>) -> impl Iterator<Item = OsString> {
    let mut is_search = false;
    arguments.into_iter().map(move |argument| {
        let Some(text) = argument.to_str() else { return argument };
        if is_search && is_minus(text) {
            return OsString::from(format!(" {text}"));
        }
        is_search = text == "search" || (is_search && text != "--");
        argument
    })
}

fn is_minus(text: &str) -> bool {
    let asks = |asked: AskedText| !asked.without.is_empty() || !asked.filter.is_empty();
    text.starts_with('-') && !text.starts_with("--") && AskedText::parse(text).map_or(true, asks)
}

/// Papers that answer a question
///
/// Ask in any language: the passage that matches may be in another. A question that names a paper by arXiv id, DOI or URL gets
/// that paper first. Operators in the question are the same as the flags: author:kim tag:moe year:2023..2025 lang:ko
/// source:digest has:commentary -tag:survey; put one in quotes to search for it as text. Of one key any value will do, of
/// different keys all must fit. "exact words" in quotes must stand so in a paper; -word and -"exact words" in none.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  paperkin search '잔차 연결의 대안'
  paperkin search 'mixture of experts author:kim -tag:survey'
  paperkin search 'image generation -video year:2024..'
  paperkin search 学习率 --lang zh --from 2024 --sort date
  paperkin search optimizer --tag adam --tag muon --recency 365
  paperkin search 'vision encoder' --diversity 0.5 --exclude arxiv:2408.15881")]
pub(super) struct SearchArguments {
    /// The question; several words need no quotes
    #[arg(required = true, value_name = "TEXT")]
    question: Vec<String>,
    #[command(flatten)]
    asking: AskingArguments,
}

impl SearchArguments {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<Done> {
        let request = SearchRequest { text: self.question.join(" "), options: self.asking.options()? };
        let (encoder, prior) = session.encoder()?;
        let searcher = Searcher::open(&session.config.library, encoder, &prior)?;
        let answer = searcher.search(&request)?;
        session.tell_index_state(&searcher);
        output::answer(&answer, session.json)?;
        Ok(Done::Fully)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_may_begin_with_a_minus_and_flags_stay_flags() {
        let seen = |arguments: &[&str]| -> Vec<String> {
            let arguments = arguments.iter().map(OsString::from);
            with_minuses(arguments).map(|argument| argument.into_string().unwrap()).collect()
        };
        assert_eq!(
            seen(&["paperkin", "search", "-year:2024", "-로봇", "--tag", "a", "-h", "-year:soon", "x -y"]),
            ["paperkin", "search", " -year:2024", " -로봇", "--tag", "a", "-h", " -year:soon", "x -y"]
        );
        for untouched in [&["paperkin", "export", "-o", "-x:y"][..], &["paperkin", "search", "--", "-robot"]]
        {
            assert_eq!(seen(untouched), untouched);
        }
    }
}
