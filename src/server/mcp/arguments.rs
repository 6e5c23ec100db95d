//! What the tools may be asked, with the words that a model reads before it asks.
//!
//! Filters, sorts and floors are those of the HTTP API, and so is their description: a key that is added there is
//! described here. What is not described is refused by name, so that a model can correct itself.

use rmcp::schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::Value;
use utoipa::PartialSchema;

use crate::paper::PaperId;
use crate::search::{Example, Filter, Floor, Options, RelatedRequest, SearchRequest, Sort};
use crate::server::error::Failure;

/// Papers in an answer that nobody counted.
const USUAL: u64 = 10;
/// Papers in one answer at most: a model reads all of it.
const MOST: u64 = 50;

/// What `search` is asked.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct SearchArguments {
    /// The question, in any language: words, a sentence, a pasted abstract, or the id or URL of a paper. Operators in it say
    /// which papers may answer: author:kim tag:moe year:2023..2025 lang:ko source:digest has:commentary -tag:survey
    /// "exact phrase" -word.
    query: String,
    /// How many papers.
    #[serde(default = "usual")]
    #[schemars(range(min = 1, max = 50))]
    limit: u64,
    /// Which papers may answer. Of one key any value will do, of different keys all must fit. The tool `library` says which
    /// values there are.
    #[serde(default)]
    #[schemars(schema_with = "filter")]
    filter: Filter,
    /// The order in which the best are shown: by score, or the newest first.
    #[serde(default)]
    #[schemars(schema_with = "sort")]
    sort: Sort,
    /// The score below which a paper is no answer: 0 to 1, "default" (the model's own), or "none" for the nearest papers
    /// however far they are.
    #[serde(default)]
    #[schemars(schema_with = "floor")]
    floor: Floor,
    /// Ids of papers that you have seen already.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    exclude: Vec<PaperId>,
}

/// What `related` is asked.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct RelatedArguments {
    /// Ids of papers of this library to be like, such as arxiv:2408.15881.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    papers: Vec<PaperId>,
    /// Texts to be like, in any language, such as an abstract or an idea.
    #[serde(default)]
    texts: Vec<String>,
    /// Ids of papers of this library to be unlike.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    unlike: Vec<PaperId>,
    /// Texts to be unlike.
    #[serde(default)]
    unlike_texts: Vec<String>,
    /// How many papers.
    #[serde(default = "usual")]
    #[schemars(range(min = 1, max = 50))]
    limit: u64,
    /// Which papers may answer, as for `search`.
    #[serde(default)]
    #[schemars(schema_with = "filter")]
    filter: Filter,
    /// Ids of papers that you have seen already.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    exclude: Vec<PaperId>,
    /// Name, for each of the first ten, the pair of sentences that ties it to the papers asked about; takes a little longer.
    #[serde(default)]
    sentences: bool,
}

/// What `paper` is asked.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct PaperArguments {
    /// The paper: its id as `search` gives it (arxiv:2408.15881, doi:10..., t:...), an alias, or its URL at arXiv or doi.org.
    #[schemars(with = "String")]
    pub(super) id: PaperId,
}

/// What `library` is asked: nothing.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct NoArguments {}

fn usual() -> u64 {
    USUAL
}

impl SearchArguments {
    /// What the search room is asked, and how many hits.
    pub(super) fn into_request(self) -> Result<(SearchRequest, u64), Failure> {
        let Self { query: text, limit, filter, sort, floor, exclude } = self;
        let options = Options { filter, sort, floor, exclude, ..Options::default() };
        Ok((SearchRequest { text, options }, checked(limit)?))
    }
}

impl RelatedArguments {
    /// As [`SearchArguments::into_request`].
    pub(super) fn into_request(self) -> Result<(RelatedRequest, u64), Failure> {
        let Self { papers, texts, unlike, unlike_texts, limit, filter, exclude, sentences } = self;
        if papers.is_empty() && texts.is_empty() {
            let hint = "give ids of papers in `papers`, or texts in `texts`";
            return Err(Failure::invalid("there is nothing to be like", hint));
        }
        let options = Options { filter, exclude, ..Options::default() };
        let request = RelatedRequest {
            positive: examples(papers, texts),
            negative: examples(unlike, unlike_texts),
            options,
            sentences,
        };
        Ok((request, checked(limit)?))
    }
}

fn examples(papers: Vec<PaperId>, texts: Vec<String>) -> Vec<Example> {
    let texts = texts.into_iter().map(|text| Example::Text { text });
    papers.into_iter().map(Example::Paper).chain(texts).collect()
}

fn checked(limit: u64) -> Result<u64, Failure> {
    if (1..=MOST).contains(&limit) {
        return Ok(limit);
    }
    Err(Failure::invalid(format!("limit is {limit}"), format!("give a limit from 1 to {MOST}")))
}

fn filter(_: &mut SchemaGenerator) -> Schema {
    described(&Filter::schema())
}

fn sort(_: &mut SchemaGenerator) -> Schema {
    described(&Sort::schema())
}

fn floor(_: &mut SchemaGenerator) -> Schema {
    rmcp::schemars::json_schema!({
        "anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"type": "string", "enum": ["default", "none"]}]
    })
}

/// A schema of the OpenAPI document as JSON Schema has it: the same, but for the name of examples. What may be null may be
/// left out as well, which every assistant understands.
fn described(schema: &impl serde::Serialize) -> Schema {
    let mut value = serde_json::to_value(schema).unwrap_or_default();
    in_json_schema(&mut value);
    Schema::try_from(value).unwrap_or_default()
}

fn in_json_schema(schema: &mut Value) {
    if let Value::Object(fields) = schema {
        fields.remove("default");
        if let Some(Value::Array(types)) = fields.get_mut("type") {
            types.retain(|kind| kind != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                fields.insert("type".into(), only);
            }
        }
        if let Some(example) = fields.remove("example") {
            fields.insert("examples".into(), Value::Array(vec![example]));
        }
        fields.iter_mut().filter(|(key, _)| *key != "examples").for_each(|(_, value)| in_json_schema(value));
    }
}
