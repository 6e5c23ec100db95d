//! The four tools: their names, what a model is told of each, and what it may send and gets back.

use std::sync::{Arc, LazyLock};

use rmcp::handler::server::common::{schema_for_input, schema_for_output};
use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use rmcp::schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::answers::{Findings, LibraryFacts, WholePaper};
use super::arguments::{NoArguments, PaperArguments, RelatedArguments, SearchArguments};
use crate::paper::{cut, single_line};
use crate::server::error::Failure;

/// A tool, and what it is asked.
pub(super) enum Call {
    /// `search`
    Search(SearchArguments),
    /// `related`
    Related(RelatedArguments),
    /// `paper`
    Paper(PaperArguments),
    /// `library`
    Library,
}

const SEARCH: &str = "Find papers of this local library that answer a question, best first, each with the passage that matched \
and why. Ask in any of about a hundred languages; the matching text may be in another. Only papers that were read into this \
library, by title, abstract and commentary: no full texts, no network. Scores are calibrated, 0 to 1: how likely the paper is \
meant. An empty answer means that this library has nothing near enough, not that there is no such paper.";
const RELATED: &str = "Find papers of this local library that are like some papers or texts, and unlike others: neighbours of a \
paper, more of what the user liked, or papers near an abstract that you paste. Same scope, languages and scores as `search`.";
const PAPER: &str = "Everything that this local library knows about one paper: names, authors, date, tags, links, the whole \
abstract, all commentary in its own language, and which papers the commentary links to. No full text.";
const LIBRARY: &str = "What this local library holds: counts of papers and passages, the years they span, and the commonest \
languages, tags, authors and source files. These are the values that filters and operators take.";

/// All of them, in the order in which an assistant needs them.
pub(super) fn all() -> Vec<Tool> {
    static ALL: LazyLock<Vec<Tool>> = LazyLock::new(|| {
        vec![
            tool::<SearchArguments, Findings>("search", "Search papers", SEARCH),
            tool::<RelatedArguments, Findings>("related", "Related papers", RELATED),
            tool::<PaperArguments, WholePaper>("paper", "One paper", PAPER),
            tool::<NoArguments, LibraryFacts>("library", "The library", LIBRARY),
        ]
    });
    ALL.clone()
}

fn tool<A: JsonSchema + 'static, O: JsonSchema + 'static>(
    name: &'static str,
    title: &'static str,
    description: &'static str,
) -> Tool {
    // Fails only for what is no object; a test sees the schemas.
    let input = schema_for_input::<A>().unwrap_or_default();
    let hints = ToolAnnotations::with_title(title).read_only(true).idempotent(true).open_world(false);
    Tool::new(name, description, plain(&input))
        .with_title(title)
        .with_raw_output_schema(plain(&schema_for_output::<O>()))
        .with_annotations(hints)
}

/// Without what only Rust knows, such as the width of a number, which makes some assistants refuse a schema; descriptions
/// in one line.
fn plain(schema: &JsonObject) -> Arc<JsonObject> {
    let mut schema = schema.clone();
    schema.remove("$schema");
    schema.values_mut().for_each(simplify);
    Arc::new(schema)
}

fn simplify(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if fields.get("format").is_some_and(Value::is_string) {
                fields.remove("format");
            }
            if fields.get("default").is_some_and(|default| *default == json!([]) || *default == json!({})) {
                fields.remove("default");
            }
            if let Some(Value::String(description)) = fields.get_mut("description") {
                *description = single_line(description);
            }
            fields.values_mut().for_each(simplify);
        }
        Value::Array(values) => values.iter_mut().for_each(simplify),
        _ => {}
    }
}

impl Call {
    /// Reads a call; `None` if there is no such tool.
    pub(super) fn read(name: &str, arguments: JsonObject) -> Option<Result<Self, Failure>> {
        Some(match name {
            "search" => read(name, arguments).map(Self::Search),
            "related" => read(name, arguments).map(Self::Related),
            "paper" => read(name, arguments).map(Self::Paper),
            "library" => read(name, arguments).map(|NoArguments {}| Self::Library),
            _ => return None,
        })
    }
}

fn read<T: DeserializeOwned>(name: &str, arguments: JsonObject) -> Result<T, Failure> {
    serde_json::from_value(Value::Object(arguments)).map_err(|error| {
        // The error repeats what was sent, however long.
        let told = format!("{name} cannot be asked that: {}", cut(&error.to_string(), 400));
        let hint = match name {
            "search" | "related" => {
                "send what the input schema of the tool describes; tags, authors, langs, dates, from and to go into `filter`"
            }
            _ => "send what the input schema of the tool describes",
        };
        Failure::invalid(told, hint)
    })
}
