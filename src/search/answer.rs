//! What an answer looks like: the same over HTTP, on the command line and on the page.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::remark::Remark;
use super::tie::Tie;
use crate::paper::{Language, Paper, PaperId, PassageKind};

/// An answer, best hit first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Answer {
    /// What was asked.
    pub query: Asked,
    /// Best first.
    pub hits: Vec<Hit>,
    /// Papers that were ranked, of which `hits` are the best.
    pub total: usize,
    /// Even the best are too far from the question for an answer, and so are not among `hits`; `floor=none` shows them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub below_floor: bool,
    /// Where the answer is not to all that was asked, and what to do about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<super::WrittenRemark>)]
    pub remarks: Vec<Remark>,
    /// Nothing but operators was asked: `hits` are the newest papers that they allow, and have no score.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub listed: bool,
    /// Milliseconds, the model included.
    pub took_ms: f64,
    /// Pieces into which the asked text was cut since the model reads 512 tokens; their mean was searched. 0 if
    /// no text was asked.
    pub chunks: usize,
}

/// What was asked.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Asked {
    /// A question.
    Text(String),
    /// Examples to be like and unlike.
    Examples {
        /// Like these.
        positive: Vec<Example>,
        /// Unlike these.
        negative: Vec<Example>,
    },
}

/// A paper or a text to be like, or unlike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged, expecting = "expected a paper's id as a string, or {\"text\": ...}")]
pub enum Example {
    /// A paper of the library: its id or one of its aliases.
    #[schema(value_type = String, example = "arxiv:2408.15881")]
    Paper(PaperId),
    /// Any text.
    Text {
        /// The text.
        text: String,
    },
}

/// A paper in an answer, and why it is there.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Hit {
    /// The paper.
    #[serde(flatten)]
    pub paper: PaperCard,
    /// 0 to 1: how likely the paper is meant, calibrated per model; 1 where the question names it.
    pub score: f32,
    /// The raw cosine of the model between what was asked and the matched passage.
    pub similarity: f32,
    /// The passage that matched best.
    #[serde(rename = "match")]
    pub matched: Match,
    /// What to mark in its title and in the passage.
    pub marks: Marks,
    /// Evidence beside the vectors.
    pub why: Why,
}

/// What speaks for a hit, as places in its title and in the text of its match.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Marks {
    /// Words of the question in the title, and what stands for them in English.
    pub title: Vec<Place>,
    /// The same in `match.text`.
    pub passage: Vec<Place>,
    /// The sentence of `match.text` nearest to the text that was asked, if it has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sentence: Option<Place>,
}

/// A part of a text that is given beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub struct Place {
    /// Its first code point.
    pub start: usize,
    /// One past its last.
    pub end: usize,
}

/// A paper in short.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct PaperCard {
    /// The best name known.
    #[schema(value_type = String, example = "arxiv:2408.15881")]
    pub id: PaperId,
    /// Its other names, which answer too.
    #[schema(value_type = Vec<String>)]
    pub aliases: Vec<PaperId>,
    /// The title.
    pub title: String,
    /// Authors in order.
    pub authors: Vec<String>,
    /// The earliest date that a source gives.
    #[schema(value_type = Option<String>, format = Date)]
    pub date: Option<Date>,
    /// Tags of all sources.
    pub tags: Vec<String>,
    /// Languages of abstract and commentaries, ISO 639-1.
    #[schema(value_type = Vec<String>)]
    pub langs: Vec<Language>,
    /// Where the paper can be read.
    pub url: Option<String>,
}

impl From<&Paper> for PaperCard {
    fn from(paper: &Paper) -> Self {
        Self {
            id: paper.id.clone(),
            aliases: paper.aliases.clone(),
            title: paper.title.clone(),
            authors: paper.authors.clone(),
            date: paper.date,
            tags: paper.tags.clone(),
            langs: paper.langs.clone(),
            url: paper.url.clone(),
        }
    }
}

/// The passage that matched, as a slice of one of the paper's texts.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Match {
    /// Which text: `title`, `abstract` or `commentary`.
    #[schema(value_type = String, example = "commentary")]
    pub passage: PassageKind,
    /// Its language.
    #[schema(value_type = String, example = "ko")]
    pub lang: Language,
    /// The passage.
    pub text: String,
    /// Its first code point in the text (offsets count Unicode code points).
    pub start: usize,
    /// One past its last code point.
    pub end: usize,
    /// The file of a commentary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// Evidence beside the vectors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Why {
    /// The question names this paper by its id.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub named: bool,
    /// The words of the question that stand in the title or the matched passage, as the question spells them.
    pub words: Vec<String>,
    /// The words of the question whose English the title or the matched passage holds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub in_english: Vec<InEnglish>,
    /// What each signal says of the paper.
    pub signals: Signals,
    /// Tags shared with the papers asked about, or named in the question.
    pub shared_tags: Vec<String>,
    /// Links in the commentary between this paper and the papers asked about.
    pub mentions: Vec<Link>,
    /// The nearest pair of sentences, one of a paper asked about and one of this; where it was asked for, of the first ten.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tie: Option<Tie>,
}

/// A word of the question that is found by its English.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct InEnglish {
    /// As the question spells it.
    #[schema(example = "환각")]
    pub word: String,
    /// As the paper does.
    #[schema(example = "hallucinations")]
    pub english: String,
}

impl Why {
    /// The words found by their English, for people.
    #[must_use]
    pub fn glosses(&self) -> Option<String> {
        // A term of several English words stands before all of them.
        let terms = self.in_english.chunk_by(|one, next| one.word == next.word);
        let shown = terms.map(|term| {
            let english: Vec<&str> = term.iter().map(|found| found.english.as_str()).collect();
            format!("{} = {}", term[0].word, english.join(" "))
        });
        let shown: Vec<String> = shown.collect();
        (!shown.is_empty()).then(|| shown.join(", "))
    }
}

/// What put a paper where it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Signals {
    /// Nearness of meaning: the cosine without what languages and styles share, hubs corrected.
    pub meaning: f32,
    /// BM25, as a share of the best there is for this question, 0 to 1.
    pub words: f32,
    /// BM25 of the question's words in English, as a share of the best there is for this question, 0 to 1.
    pub words_in_english: f32,
    /// The share of the question's words, weighed by their rarity, that one passage holds, 0 to 1.
    pub coverage: f32,
}

/// A link between two papers.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Link {
    /// Whose commentary holds the link.
    #[schema(value_type = String)]
    pub from: PaperId,
    /// The paper it leads to.
    #[schema(value_type = String)]
    pub to: PaperId,
}
