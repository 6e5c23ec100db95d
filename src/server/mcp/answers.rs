//! What the tools answer, as programs read it: the words of the HTTP API, without what a model has no use for.
//!
//! Small, since a model reads all of it: long texts are cut between characters and end in `…`, long lists are cut and
//! counted. In words a model reads the same (`super::text`).

use std::fmt;

use rmcp::schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::text::shortened;
use crate::paper::{Mention, Note, Paper};
use crate::search::{Answer, Facet, Filter, Hit, SearchError, Searcher, Tie};
use crate::server::error::Failure;
use crate::server::library::index_words;

/// Code points of a matched passage or sentence.
const PASSAGE: usize = 600;
/// Code points of a title, a URL or a name.
const LINE: usize = 400;
/// Authors, aliases and links of one paper.
const NAMES: usize = 12;
/// Code points of one text of a paper, and of all its texts.
const TEXT: usize = 8_000;
const TEXTS: usize = 24_000;
/// Values of one key.
const VALUES: usize = 30;

/// An answer in both forms.
pub(super) struct Answered {
    /// For the model.
    pub(super) text: String,
    /// For programs, and as the tool's output schema says.
    pub(super) structured: Value,
}

impl Answered {
    pub(super) fn of<T: Serialize + fmt::Display>(answer: &T) -> Result<Self, Failure> {
        let structured = serde_json::to_value(answer).map_err(|error| Failure::internal(&error))?;
        Ok(Self { text: answer.to_string(), structured })
    }
}

/// Papers that answer, best first.
#[derive(Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct Findings {
    /// Best first.
    pub(super) hits: Vec<Found>,
    /// Papers that were ranked, of which `hits` are the best.
    pub(super) total: usize,
    /// Even the best are too far from the question for an answer, and so are not among `hits`.
    pub(super) below_floor: bool,
    /// Nothing but operators was asked: `hits` are the newest papers that they allow, and have no score.
    pub(super) listed: bool,
    /// Where the answer is not to all that was asked, and what to do about it.
    pub(super) remarks: Vec<String>,
}

/// A paper, and why it is there.
#[derive(Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct Found {
    /// The best name known.
    pub(super) id: String,
    pub(super) title: String,
    /// The first authors.
    pub(super) authors: Vec<String>,
    /// How many more authors there are.
    pub(super) more_authors: usize,
    pub(super) date: Option<String>,
    pub(super) tags: Vec<String>,
    /// Where it can be read.
    pub(super) url: Option<String>,
    /// 0 to 1: how likely the paper is meant.
    pub(super) score: Option<f64>,
    /// The passage that matched best.
    #[serde(rename = "match")]
    pub(super) matched: Passage,
    /// Evidence beside the meaning: words of the question that stand there, tags, links.
    pub(super) why: Vec<String>,
    /// The sentences that tie it to the papers asked about, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tie: Option<Sentences>,
}

/// A passage of a paper.
#[derive(Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct Passage {
    /// `title`, `abstract` or `commentary`.
    pub(super) passage: String,
    /// Its language, ISO 639-1.
    pub(super) lang: String,
    /// The text; it ends in … where it was cut.
    pub(super) text: String,
    /// The file of a commentary.
    pub(super) source: Option<String>,
}

/// The nearest pair of sentences of two papers.
#[derive(Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct Sentences {
    /// The paper that was asked about.
    pub(super) of: String,
    /// Its sentence.
    pub(super) asked: String,
    /// The sentence of the paper that was found.
    pub(super) found: String,
}

impl Findings {
    pub(super) fn of(answer: &Answer) -> Self {
        Self {
            hits: answer.hits.iter().map(|hit| Found::of(hit, answer.listed)).collect(),
            total: answer.total,
            below_floor: answer.below_floor,
            listed: answer.listed,
            remarks: answer.remarks.iter().map(ToString::to_string).collect(),
        }
    }
}

impl Found {
    fn of(hit: &Hit, listed: bool) -> Self {
        let (paper, why) = (&hit.paper, &hit.why);
        let mut told = Vec::new();
        if why.named {
            told.push("the question names it".to_owned());
        }
        if !why.words.is_empty() {
            told.push(format!("words: {}", first(&why.words).join(", ")));
        }
        told.extend(why.glosses().map(|glosses| format!("in English: {glosses}")));
        if !why.shared_tags.is_empty() {
            told.push(format!("shared tags: {}", why.shared_tags.join(", ")));
        }
        told.extend(why.mentions.iter().map(|link| format!("{} mentions {}", link.from, link.to)));
        Self {
            id: paper.id.to_string(),
            title: shortened(&paper.title, LINE),
            authors: first(&paper.authors),
            more_authors: paper.authors.len().saturating_sub(NAMES),
            date: paper.date.map(|date| date.to_string()),
            tags: first(&paper.tags),
            url: whole_url(paper.url.as_deref()),
            score: (!listed).then(|| (f64::from(hit.score) * 1_000.0).round() / 1_000.0),
            matched: Passage {
                passage: hit.matched.passage.name().to_owned(),
                lang: hit.matched.lang.to_string(),
                text: shortened(&hit.matched.text, PASSAGE),
                source: hit.matched.source.as_deref().map(|file| shortened(file, LINE)),
            },
            why: told.iter().take(NAMES).map(|evidence| shortened(evidence, LINE)).collect(),
            tie: why.tie.as_ref().map(Sentences::of),
        }
    }
}

impl Sentences {
    fn of(tie: &Tie) -> Self {
        Self {
            of: tie.asked.paper.to_string(),
            asked: shortened(&tie.asked.text, PASSAGE),
            found: shortened(&tie.found.text, PASSAGE),
        }
    }
}

/// Everything known about one paper.
#[derive(Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct WholePaper {
    /// The best name known.
    pub(super) id: String,
    /// Its other names, which answer too.
    pub(super) aliases: Vec<String>,
    pub(super) title: String,
    /// The first authors.
    pub(super) authors: Vec<String>,
    /// How many more authors there are.
    pub(super) more_authors: usize,
    pub(super) date: Option<String>,
    /// Where it was published.
    pub(super) venue: Option<String>,
    pub(super) tags: Vec<String>,
    /// Languages of abstract and commentaries, ISO 639-1.
    pub(super) langs: Vec<String>,
    /// Where it can be read.
    pub(super) url: Option<String>,
    /// Code repositories.
    pub(super) repositories: Vec<String>,
    /// The abstract.
    #[serde(rename = "abstract")]
    pub(super) abstract_text: Option<String>,
    /// What was written about it.
    pub(super) commentaries: Vec<Written>,
    /// Older versions and translations of the abstract.
    pub(super) other_abstracts: Vec<Written>,
    /// Papers and notes that its commentaries link to.
    pub(super) mentions: Vec<String>,
    /// Texts end in … where they were cut, and some may be left out: the library has more than is shown here.
    pub(super) cut: bool,
}

/// A commentary or another abstract.
#[derive(Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct Written {
    /// ISO 639-1.
    pub(super) lang: String,
    pub(super) text: String,
    pub(super) date: Option<String>,
    /// The file it stands in.
    pub(super) file: String,
}

/// Code points that the texts of one paper may still take.
struct Room {
    left: usize,
    cut: bool,
}

impl Room {
    fn take(&mut self, text: &str) -> Option<String> {
        let allowed = self.left.min(TEXT);
        let kept = crate::paper::cut(text, allowed);
        self.left = self.left.saturating_sub(kept.chars().count());
        if kept.len() == text.len() {
            return Some(text.to_owned());
        }
        self.cut = true;
        (!kept.is_empty()).then(|| format!("{kept}…"))
    }

    fn written(&mut self, notes: &[Note]) -> Vec<Written> {
        let shown = notes.iter().filter_map(|note| {
            let text = self.take(&note.commentary.text)?;
            let date = note.date.map(|date| date.to_string());
            let lang = note.commentary.language.to_string();
            Some(Written { lang, text, date, file: shortened(&note.file, LINE) })
        });
        shown.collect()
    }
}

impl WholePaper {
    pub(super) fn of(paper: &Paper) -> Self {
        let mut room = Room { left: TEXTS, cut: false };
        let abstract_text = paper.abstract_text.as_deref().and_then(|text| room.take(text));
        let commentaries = room.written(&paper.commentaries);
        let other_abstracts = room.written(&paper.other_abstracts);
        let mentions = paper.mentions.iter().map(|mention| match mention {
            Mention::Paper(id) => id.to_string(),
            Mention::Note(name) => shortened(name, LINE),
        });
        Self {
            id: paper.id.to_string(),
            aliases: paper.aliases.iter().take(NAMES).map(ToString::to_string).collect(),
            title: shortened(&paper.title, LINE),
            authors: first(&paper.authors),
            more_authors: paper.authors.len().saturating_sub(NAMES),
            date: paper.date.map(|date| date.to_string()),
            venue: paper.venue.as_deref().map(|venue| shortened(venue, LINE)),
            tags: first(&paper.tags),
            langs: paper.langs.iter().map(ToString::to_string).collect(),
            url: whole_url(paper.url.as_deref()),
            repositories: first(&paper.repositories),
            abstract_text,
            commentaries,
            other_abstracts,
            mentions: mentions.take(VALUES).collect(),
            cut: room.cut,
        }
    }
}

/// What the library holds.
#[derive(Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct LibraryFacts {
    pub(super) papers: u64,
    /// Pieces of titles, abstracts and commentary; each is found by its own meaning.
    pub(super) passages: u64,
    /// Passages that cannot be found yet, since they are not embedded.
    pub(super) pending_passages: u64,
    /// Papers that cannot be found yet.
    pub(super) pending_papers: u64,
    pub(super) with_commentary: usize,
    pub(super) first_year: Option<String>,
    pub(super) last_year: Option<String>,
    /// The commonest years, the latest first.
    pub(super) years: Vec<Counted>,
    /// Languages of abstracts and commentary, ISO 639-1, the commonest first.
    pub(super) langs: Vec<Counted>,
    /// The commonest tags.
    pub(super) tags: Vec<Counted>,
    /// The commonest authors.
    pub(super) authors: Vec<Counted>,
    /// The files with most papers.
    pub(super) sources: Vec<Counted>,
    /// The embedding model.
    pub(super) model: Option<String>,
    /// `published`, or `exact`: everything is scanned.
    pub(super) index: String,
}

/// A value that a filter takes, and how many papers have it.
#[derive(Clone, Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct Counted {
    pub(super) value: String,
    pub(super) papers: usize,
}

impl LibraryFacts {
    pub(super) fn of(searcher: &Searcher, model: Option<String>) -> Result<Self, SearchError> {
        let facets = searcher.facets(&Filter::default())?;
        let counts = searcher.counts();
        let mut all_years: Vec<&str> = facets.years.iter().map(|year| year.value.as_str()).collect();
        all_years.sort_unstable();
        let mut years = commonest(&facets.years);
        years.sort_unstable_by(|left, right| right.value.cmp(&left.value));
        let commented = facets.commentary.iter().find(|facet| facet.value == "true");
        Ok(Self {
            papers: counts.papers,
            passages: counts.passages,
            pending_passages: counts.pending,
            pending_papers: counts.uncut,
            with_commentary: commented.map_or(0, |facet| facet.count),
            first_year: all_years.first().map(ToString::to_string),
            last_year: all_years.last().map(ToString::to_string),
            years,
            langs: commonest(&facets.langs),
            tags: commonest(&facets.tags),
            authors: commonest(&facets.authors),
            sources: commonest(&facets.sources),
            model,
            index: index_words(searcher).0.to_owned(),
        })
    }
}

fn commonest(facets: &[Facet]) -> Vec<Counted> {
    let shown = facets.iter().take(VALUES);
    shown.map(|facet| Counted { value: shortened(&facet.value, LINE), papers: facet.count }).collect()
}

fn first(names: &[String]) -> Vec<String> {
    names.iter().take(NAMES).map(|name| shortened(name, LINE)).collect()
}

/// A URL that was cut leads nowhere.
fn whole_url(url: Option<&str>) -> Option<String> {
    url.filter(|url| url.chars().count() <= LINE).map(str::to_owned)
}
