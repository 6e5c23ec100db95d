//! `/docs`: the OpenAPI document as a page for people, made once, on this machine, without a script.
//!
//! A ready-made viewer would need megabytes of script and styles inside of elements, which our content policy forbids.

use askama::Template;
use axum::Router;
use axum::response::Html;
use axum::routing::get;
use serde_json::Value;

use super::Frame;

#[derive(Template)]
#[template(path = "docs.html", config = "src/server/page/askama.toml")]
struct Docs {
    frame: Frame,
    intro: Vec<Piece>,
    groups: Vec<Group>,
    schemas: Vec<Schema>,
}

struct Group {
    name: String,
    about: Vec<Piece>,
    operations: Vec<Operation>,
}

struct Operation {
    id: String,
    /// Method and path.
    title: String,
    summary: Vec<Piece>,
    about: Vec<Piece>,
    parameters: Vec<Field>,
    bodies: Vec<Content>,
    answers: Vec<Answer>,
}

struct Field {
    name: String,
    /// `in the path`, `in the query`; of a property nothing.
    place: &'static str,
    is_required: bool,
    kind: Vec<Piece>,
    about: Vec<Piece>,
}

struct Content {
    media: String,
    kind: Vec<Piece>,
}

struct Answer {
    status: String,
    about: Vec<Piece>,
    contents: Vec<Content>,
}

struct Schema {
    name: String,
    about: Vec<Piece>,
    kind: Vec<Piece>,
    fields: Vec<Field>,
}

/// A run of text: plain, code, or the name of a schema.
enum Piece {
    Plain(String),
    Code(String),
    Schema(String),
}

/// The route of the page of `document`.
pub(in crate::server) fn route(document: &utoipa::openapi::OpenApi) -> Router {
    let document = serde_json::to_value(document).unwrap_or_default();
    let text = Docs::of(&document).render().unwrap_or_default();
    Router::new().route("/docs", get(async move || Html(text)))
}

impl Docs {
    fn of(document: &Value) -> Self {
        let operations = |tag: &str| {
            let of_path = |(path, methods): (&String, &Value)| -> Vec<Operation> {
                entries(methods)
                    .filter(|(_, operation)| list(&operation["tags"]).iter().any(|named| named == tag))
                    .map(|(method, operation)| Operation::of(method, path, operation))
                    .collect()
            };
            entries(&document["paths"]).flat_map(of_path).collect()
        };
        let group = |tag: &Value| {
            let name = text(&tag["name"]);
            Group { operations: operations(&name), about: pieces(&tag["description"]), name }
        };
        let schema = |(name, schema): (&String, &Value)| Schema {
            name: name.clone(),
            about: pieces(&schema["description"]),
            kind: if schema["properties"].is_object() { Vec::new() } else { kind_of(schema) },
            fields: fields(schema),
        };
        Self {
            frame: Frame::in_english(),
            intro: pieces(&document["info"]["description"]),
            groups: list(&document["tags"]).iter().map(group).collect(),
            schemas: entries(&document["components"]["schemas"]).map(schema).collect(),
        }
    }
}

impl Operation {
    fn of(method: &str, path: &str, operation: &Value) -> Self {
        let field = |parameter: &Value| Field {
            name: text(&parameter["name"]),
            place: if parameter["in"] == "path" { "in the path" } else { "in the query" },
            is_required: parameter["required"] == true,
            kind: kind_of(&parameter["schema"]),
            about: pieces(&parameter["description"]),
        };
        let answer = |(status, answer): (&String, &Value)| Answer {
            status: status.clone(),
            about: pieces(&answer["description"]),
            contents: contents(&answer["content"]),
        };
        Self {
            id: text(&operation["operationId"]),
            title: format!("{} {path}", method.to_uppercase()),
            summary: pieces(&operation["summary"]),
            about: pieces(&operation["description"]),
            parameters: list(&operation["parameters"]).iter().map(field).collect(),
            bodies: contents(&operation["requestBody"]["content"]),
            answers: entries(&operation["responses"]).map(answer).collect(),
        }
    }
}

fn contents(contents: &Value) -> Vec<Content> {
    entries(contents)
        .map(|(media, content)| Content { media: media.clone(), kind: kind_of(&content["schema"]) })
        .collect()
}

/// Its properties; of a union those of each part.
fn fields(schema: &Value) -> Vec<Field> {
    let required = list(&schema["required"]);
    let field = |(name, property): (&String, &Value)| Field {
        name: name.clone(),
        place: "",
        is_required: required.iter().any(|needed| needed == name),
        kind: kind_of(property),
        about: pieces(&property["description"]),
    };
    let own = entries(&schema["properties"]).map(field);
    own.chain(list(&schema["allOf"]).iter().flat_map(fields)).collect()
}

/// What may stand there.
fn kind_of(schema: &Value) -> Vec<Piece> {
    if let Some(name) = schema["$ref"].as_str() {
        return vec![Piece::Schema(name.rsplit('/').next().unwrap_or(name).to_owned())];
    }
    for union in ["oneOf", "anyOf"] {
        if schema[union].is_array() {
            return joined(list(&schema[union]).iter().map(kind_of), " or ");
        }
    }
    if schema["enum"].is_array() {
        let values = list(&schema["enum"]).iter().map(|value| vec![Piece::Code(text(value))]);
        return joined(values, ", ");
    }
    if schema["type"] == "array" {
        return [vec![Piece::Plain("list of ".into())], kind_of(&schema["items"])]
            .into_iter()
            .flatten()
            .collect();
    }
    let kinds = match &schema["type"] {
        Value::Array(kinds) => {
            kinds.iter().map(text).filter(|kind| kind != "null").collect::<Vec<_>>().join(" or ")
        }
        kind => text(kind),
    };
    let format = schema["format"].as_str().filter(|format| format.starts_with("date"));
    vec![Piece::Plain(format.map_or(kinds, str::to_owned))]
}

fn joined(parts: impl Iterator<Item = Vec<Piece>>, between: &str) -> Vec<Piece> {
    let mut all = Vec::new();
    for part in parts {
        if !all.is_empty() {
            all.push(Piece::Plain(between.to_owned()));
        }
        all.extend(part);
    }
    all
}

/// Text whose `code` is told from the rest.
fn pieces(value: &Value) -> Vec<Piece> {
    let piece = |(at, run): (usize, &str)| {
        if at % 2 == 0 { Piece::Plain(run.to_owned()) } else { Piece::Code(run.to_owned()) }
    };
    value.as_str().unwrap_or_default().split('`').enumerate().map(piece).collect()
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.as_number().map(ToString::to_string).unwrap_or_default(), str::to_owned)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_and_every_schema_is_on_the_page() {
        let document = serde_json::to_value(crate::server::openapi()).unwrap();
        let page = Docs::of(&document).render().unwrap();
        for (path, methods) in entries(&document["paths"]) {
            assert!(page.contains(path.as_str()), "{path}");
            for (_, operation) in entries(methods) {
                assert!(page.contains(&format!("id=\"{}\"", text(&operation["operationId"]))), "{path}");
            }
        }
        for (name, _) in entries(&document["components"]["schemas"]) {
            assert!(page.contains(&format!("id=\"schema-{name}\"")), "{name}");
        }
        assert!(!page.contains("undefined") && !page.contains("http://") && !page.contains("https://"));
    }
}
