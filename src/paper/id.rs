//! Names of papers: arXiv ids, DOIs, and the hash of a title where there is nothing better.
//!
//! Parsing is strict and total: a string either is an identifier, and then has one canonical spelling, or is
//! refused. Versions (`v2`) are not part of an id: a paper is one paper through all its versions.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::title::normalised_title;

/// An arXiv id without version, in the scheme of 2007 (`2408.15881`) or before (`hep-ex/0307015`).
/// Scheme: arXiv's "Understanding the arXiv identifier".
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ArxivId(String);

impl ArxivId {
    /// Reads `2408.15881`, `2408.15881v2`, `arXiv:2408.15881`, `cs.CL/0112017v1`; `None` for anything else.
    /// URLs are for [`identifiers_in`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let bare = match text.get(..6) {
            Some(head) if head.eq_ignore_ascii_case("arxiv:") => text.get(6..)?.trim_start(),
            _ => text,
        };
        let bare = without_version(bare);
        if is_new_scheme(bare) {
            return Some(Self(bare.to_owned()));
        }
        let (archive, number) = bare.split_once('/')?;
        // The subject class ("cs.CL/") was only ever decoration: arXiv resolves the id without it.
        let archive = archive.split_once('.').map_or(archive, |(archive, _class)| archive);
        let archive_fits = (2..=16).contains(&archive.len())
            && archive.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        let number_fits = number.len() == 7 && number.bytes().all(|byte| byte.is_ascii_digit());
        (archive_fits && number_fits && month_fits(number)).then(|| Self(format!("{archive}/{number}")))
    }

    /// The bare id, as in `2408.15881`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The page of the abstract.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://arxiv.org/abs/{}", self.0)
    }
}

fn without_version(text: &str) -> &str {
    match text.rsplit_once(['v', 'V']) {
        Some((head, version)) if !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit()) => {
            head
        }
        _ => text,
    }
}

fn month_fits(digits: &str) -> bool {
    matches!(digits.get(2..4).map(str::parse::<u8>), Some(Ok(1..=12)))
}

fn is_new_scheme(text: &str) -> bool {
    let Some((month, number)) = text.split_once('.') else { return false };
    month.len() == 4
        && matches!(number.len(), 4 | 5)
        && month.bytes().chain(number.bytes()).all(|byte| byte.is_ascii_digit())
        && month_fits(month)
}

/// A DOI in lower case, as in `10.1145/3292500.3330701` (DOIs are case-insensitive: DOI Handbook 2.4).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Doi(String);

impl Doi {
    /// Reads a bare DOI or one after `doi:`; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let bare = match text.get(..4) {
            Some(head) if head.eq_ignore_ascii_case("doi:") => text.get(4..)?.trim_start(),
            _ => text,
        };
        let (registrant, suffix) = bare.split_once('/')?;
        let digits = registrant.strip_prefix("10.")?;
        let registrant_fits = digits.len() >= 4
            && digits.len() <= 12
            && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let suffix_fits = !suffix.is_empty()
            && suffix.len() <= 512
            && !suffix.chars().any(|c| c.is_whitespace() || c.is_control());
        (registrant_fits && suffix_fits).then(|| Self(bare.to_lowercase()))
    }

    /// The bare DOI.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of one work. The better name wins: arXiv id, then DOI, then the hash of the normalised title.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum PaperId {
    /// `arxiv:2408.15881`
    Arxiv(ArxivId),
    /// `doi:10.1145/...`
    Doi(Doi),
    /// `t:` and the first 16 hex digits of the SHA-256 of the normalised title.
    Title(String),
}

impl PaperId {
    /// The name of a paper of which only the title is known.
    #[must_use]
    pub fn of_title(title: &str) -> Self {
        Self::hashed(&normalised_title(title))
    }

    /// The name of a paper whose title belongs to another work already.
    #[must_use]
    pub fn of_title_and_author(title: &str, first_author: &str) -> Self {
        Self::hashed(&format!("{}\n{}", normalised_title(title), normalised_title(first_author)))
    }

    fn hashed(text: &str) -> Self {
        let digest = Sha256::digest(text.as_bytes());
        Self::Title(digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect())
    }

    /// Reads every form a person would paste: `arxiv:..`, `doi:..`, `t:..`, a bare arXiv id or DOI, or a URL
    /// that holds one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some(hash) = text.strip_prefix("t:") {
            let fits = hash.len() == 16 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            return fits.then(|| Self::Title(hash.to_owned()));
        }
        if let Some(id) = ArxivId::parse(text) {
            return Some(Self::Arxiv(id));
        }
        if let Some(doi) = Doi::parse(text) {
            return Some(Self::from_doi(doi));
        }
        text.contains("://").then(|| identifiers_in(text).into_iter().next()).flatten()
    }

    /// arXiv registers a DOI for each of its papers; that form is the arXiv id.
    #[must_use]
    pub fn from_doi(doi: Doi) -> Self {
        match doi.as_str().strip_prefix("10.48550/arxiv.").and_then(ArxivId::parse) {
            Some(id) => Self::Arxiv(id),
            None => Self::Doi(doi),
        }
    }

    /// Whether the name comes from the world and not from our hash.
    #[must_use]
    pub fn is_registered(&self) -> bool {
        !matches!(self, Self::Title(_))
    }

    /// Where the paper can be read, if the id says so.
    #[must_use]
    pub fn url(&self) -> Option<String> {
        match self {
            Self::Arxiv(id) => Some(id.url()),
            Self::Doi(doi) => Some(format!("https://doi.org/{}", doi.as_str())),
            Self::Title(_) => None,
        }
    }
}

impl fmt::Display for PaperId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arxiv(id) => write!(formatter, "arxiv:{}", id.as_str()),
            Self::Doi(doi) => write!(formatter, "doi:{}", doi.as_str()),
            Self::Title(hash) => write!(formatter, "t:{hash}"),
        }
    }
}

/// Says which text is no identifier, and what one looks like.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "'{0}' is no paper id; use arxiv:2408.15881, doi:10.1145/..., or t: and 16 hex digits; a search for its title shows it"
)]
pub struct NotAnId(String);

impl FromStr for PaperId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        Self::parse(text).ok_or_else(|| NotAnId(super::cut(text, 80).to_owned()))
    }
}

macro_rules! as_string {
    ($kind:ty, $parse:expr, $print:expr) => {
        impl TryFrom<String> for $kind {
            type Error = NotAnId;
            fn try_from(text: String) -> Result<Self, NotAnId> {
                $parse(&text).ok_or(NotAnId(text))
            }
        }
        impl From<$kind> for String {
            fn from(id: $kind) -> Self {
                $print(id)
            }
        }
    };
}
as_string!(ArxivId, ArxivId::parse, |id: ArxivId| id.0);
as_string!(Doi, Doi::parse, |doi: Doi| doi.0);
as_string!(PaperId, PaperId::parse, |id: PaperId| id.to_string());

/// A link from the text about one paper to another: by its registered id, or by the name of a note.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mention {
    /// A link to arXiv or to a DOI.
    Paper(PaperId),
    /// A wiki link, `[[name of a note]]`.
    Note(String),
}

/// Every arXiv id and DOI in the URLs of `text`, in order, each once. Bare numbers such as `2408.1588` in prose
/// are not taken for ids; `arXiv:2408.15881` is.
#[must_use]
pub fn identifiers_in(text: &str) -> Vec<PaperId> {
    let mut found: Vec<PaperId> = Vec::new();
    let mut seen = HashSet::new();
    let mut take = |id: Option<PaperId>| {
        if let Some(id) = id
            && seen.insert(id.clone())
        {
            found.push(id);
        }
    };
    for (at, marker) in markers(text) {
        let rest = text.get(at + marker.len()..).unwrap_or_default();
        match marker {
            "doi.org/" => {
                let doi: &str = rest
                    .split(|c: char| {
                        c.is_whitespace() || matches!(c, '"' | '<' | '>' | '，' | '。' | ',' | '?' | '#')
                    })
                    .next()
                    .unwrap_or_default();
                let doi = balanced(doi.trim_end_matches(['.', ';', ':', '\'', ']', '*']));
                take(Doi::parse(doi).map(PaperId::from_doi));
            }
            "arxiv:" => take(leading_arxiv_id(rest.trim_start_matches(' '))),
            _ => {
                // arxiv.org/{abs,pdf,html,...}/ID or huggingface.co/papers/ID: one path segment, then the id.
                let path = rest.split_once('/').map_or("", |(_kind, path)| path);
                take(leading_arxiv_id(path));
            }
        }
    }
    found
}

/// A closing bracket at the end belongs to the DOI only where the DOI opened it.
fn balanced(doi: &str) -> &str {
    match doi.strip_suffix(')') {
        Some(inner) if inner.matches('(').count() == inner.matches(')').count() => inner,
        _ => doi,
    }
}

/// Where URLs of the two registries begin, in the order of the text.
fn markers(text: &str) -> Vec<(usize, &'static str)> {
    // ASCII lowering keeps every byte offset.
    let lower = text.to_ascii_lowercase();
    let mut found: Vec<(usize, &'static str)> = ["arxiv.org/", "huggingface.co/papers", "arxiv:", "doi.org/"]
        .into_iter()
        .flat_map(|marker| lower.match_indices(marker).map(move |(at, _)| (at, marker)).collect::<Vec<_>>())
        .collect();
    found.sort_unstable();
    found
}

fn leading_arxiv_id(text: &str) -> Option<PaperId> {
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '/' | '-')))
        .unwrap_or(text.len());
    let run = text.get(..end)?.trim_end_matches(".pdf").trim_end_matches(['.', '/', '-']);
    // The run may go on behind the id ("2408.15881/more", "2408.15881.pdf"): take the longest head that is one.
    std::iter::successors(Some(run), |run| run.rfind(['/', '.']).and_then(|at| run.get(..at)))
        .find_map(ArxivId::parse)
        .map(PaperId::Arxiv)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arxiv_ids_have_one_spelling() {
        for (text, want) in [
            ("2408.15881", Some("2408.15881")),
            ("2408.15881v3", Some("2408.15881")),
            ("arXiv:2408.15881", Some("2408.15881")),
            ("0704.0001", Some("0704.0001")),
            ("hep-ex/0307015", Some("hep-ex/0307015")),
            ("cond-mat/0702661v2", Some("cond-mat/0702661")),
            ("cs.CL/0112017v1", Some("cs/0112017")),
            ("2413.15881", None),
            ("24081588", None),
            ("2408.158", None),
            ("", None),
            ("논문", None),
            ("arxiv", None),
        ] {
            assert_eq!(ArxivId::parse(text).as_ref().map(ArxivId::as_str), want, "{text}");
        }
    }

    #[test]
    fn ids_are_found_in_every_form_of_link() {
        let text = "(https://arxiv.org/abs/2408.08274), www.arxiv.org/abs/2403.09611v2。 https://arxiv.org/pdf/2408.15881.pdf \
                    https://doi.org/10.1145/3292500.3330701). arXiv: 2310.17567, https://doi.org/10.48550/arXiv.2104.08663 \
                    https://arxiv.org/abs/hep-ex/0307015; 그리고 https://arxiv.org/abs/2409.15156에서";
        let found: Vec<String> = identifiers_in(text).iter().map(PaperId::to_string).collect();
        assert_eq!(
            found,
            [
                "arxiv:2408.08274",
                "arxiv:2403.09611",
                "arxiv:2408.15881",
                "doi:10.1145/3292500.3330701",
                "arxiv:2310.17567",
                "arxiv:2104.08663",
                "arxiv:hep-ex/0307015",
                "arxiv:2409.15156"
            ]
        );
    }

    #[test]
    fn any_pasted_form_is_the_same_paper() {
        for text in [
            "arxiv:2408.15881",
            "2408.15881v1",
            "https://arxiv.org/pdf/2408.15881.pdf",
            "doi:10.48550/arXiv.2408.15881",
        ] {
            assert_eq!(
                PaperId::parse(text).map(|id| id.to_string()).as_deref(),
                Some("arxiv:2408.15881"),
                "{text}"
            );
        }
        assert_eq!(PaperId::parse("../../etc/passwd"), None);
        assert_eq!(PaperId::parse("t:zz"), None);
    }

    #[test]
    fn title_ids_ignore_case_space_and_punctuation() {
        // Stores know papers by these: they must not change.
        assert_eq!(PaperId::of_title("Attention Is All You Need").to_string(), "t:5563e10cdb032fc9");
        assert_eq!(PaperId::of_title("$5에서 $10까지: C:\\temp의 {x}").to_string(), "t:d6c9556e1a3785d2");
        assert_eq!(
            PaperId::of_title("LLAVA-MOD: MAKING LLAVA TINY VIA MOEKNOWLEDGE DISTILLATION"),
            PaperId::of_title("LLaVA-MoD: Making LLaVA Tiny via MoE Knowledge Distillation")
        );
        assert_ne!(PaperId::of_title("On Graphs I"), PaperId::of_title("On Graphs II"));
    }
}
