//! One JSON object to one record. Every field may be missing but the title; a wrong type is an error that names
//! the field and what was expected, and `null` is the same as missing.

use serde_json::{Map, Value};

use super::commentary::{by_language, mentions_in};
use super::date;
use super::headline::names;
use super::links::{push_new, repositories_in};
use crate::paper::{Commentary, Language, Mention, PaperId, Record, cut, normalise, single_line};

/// The fields that are known. `vectors` are in our own exports; a record has none. `_id`, `text` and `metadata` are BEIR's names.
const FIELDS: [&str; 28] = [
    "title",
    "authors",
    "abstract",
    "text",
    "arxiv_id",
    "arxiv",
    "doi",
    "id",
    "_id",
    "metadata",
    "url",
    "date",
    "created",
    "year",
    "tags",
    "categories",
    "primary",
    "repositories",
    "commentary",
    "mentions",
    "note",
    "keywords",
    "language",
    "ids",
    "venue",
    "version",
    "updated",
    "vectors",
];

/// A title made from an abstract is no longer than this.
const MADE_TITLE: usize = 200;

/// The record, and the fields that were not read.
pub(super) fn record(object: &Map<String, Value>) -> Result<(Record, Vec<String>), String> {
    let fields = Fields(object);
    let abstract_text = fields.text("abstract")?.or(fields.text("text")?).map(|text| normalise(&text));
    let mut record = Record {
        abstract_text: abstract_text.filter(|text| !text.is_empty()),
        authors: fields.list(
            "authors",
            "an array of names, or one text with names separated by ';'",
            split_authors,
        )?,
        tags: fields.list("tags", "an array of texts", split_tags)?,
        note: fields.text("note")?.map(|name| single_line(&name)).filter(|name| !name.is_empty()),
        date: fields.date("date")?,
        updated: fields.date("updated")?,
        venue: fields.text("venue")?.map(|venue| single_line(&venue)).filter(|venue| !venue.is_empty()),
        version: match fields.scalar("version")? {
            None => None,
            Some(text) => {
                let number = text.trim().trim_start_matches('v').parse();
                Some(number.map_err(|_| wrong("version", "a number such as 2"))?)
            }
        },
        ..Record::default()
    };
    for key in ["created", "year"] {
        record.date = match record.date {
            Some(date) => Some(date),
            None => fields.date(key)?,
        };
    }
    record.title = title(&fields, record.abstract_text.as_deref())?;
    for key in ["categories", "keywords"] {
        for tag in fields.list(key, "an array of texts", split_tags)? {
            push_new(&mut record.tags, tag);
        }
    }
    take_ids(&fields, &mut record)?;
    for link in fields.list("repositories", "an array of URLs", split_tags)? {
        repositories_in(&link)
            .into_iter()
            .for_each(|repository| push_new(&mut record.repositories, repository));
    }
    take_commentary(&fields, &mut record)?;
    for mention in fields.list("mentions", "an array of paper ids", split_tags)? {
        let known = PaperId::parse(&mention).map_or_else(|| Mention::Note(mention.clone()), Mention::Paper);
        push_new(&mut record.mentions, known);
    }
    let own: Vec<Mention> = record.ids.iter().cloned().map(Mention::Paper).collect();
    record.mentions.retain(|mention| !own.contains(mention));
    let unknown = object.keys().filter(|key| !FIELDS.contains(&key.as_str())).cloned().collect();
    Ok((record, unknown))
}

fn title(fields: &Fields<'_>, abstract_text: Option<&str>) -> Result<String, String> {
    let title = fields.text("title")?.map(|title| single_line(&title));
    match (title, abstract_text) {
        (Some(title), _) if !title.is_empty() => Ok(title),
        // Collections of bare abstracts state an empty title: the beginning names the paper then.
        (Some(_), Some(text)) => Ok(single_line(cut(text, MADE_TITLE))),
        (Some(_), None) => Err("'title' is empty; give the paper's title".to_owned()),
        (None, _) => Err("no 'title'; every paper needs one, as a text".to_owned()),
    }
}

fn take_ids(fields: &Fields<'_>, record: &mut Record) -> Result<(), String> {
    for (key, example) in
        [("arxiv_id", "2408.15881"), ("arxiv", "2408.15881"), ("doi", "10.1145/3292500.3330701")]
    {
        let Some(text) = fields.text(key)?.filter(|text| !text.trim().is_empty()) else { continue };
        let id = PaperId::parse(&text).filter(PaperId::is_registered);
        push_new(
            &mut record.ids,
            id.ok_or_else(|| format!("'{key}' is no such id; write it as in \"{example}\""))?,
        );
    }
    for text in fields.list("ids", "an array of ids such as \"arxiv:2408.15881\"", split_tags)? {
        let id = PaperId::parse(&text).filter(PaperId::is_registered);
        push_new(
            &mut record.ids,
            id.ok_or_else(|| format!("'ids' holds '{}', which is no such id", cut(&text, 80)))?,
        );
    }
    // Other collections number their documents in `id`: what is no registered id is theirs, not ours.
    for key in ["id", "_id"] {
        if let Some(id) =
            fields.scalar(key)?.and_then(|text| PaperId::parse(&text)).filter(PaperId::is_registered)
        {
            push_new(&mut record.ids, id);
        }
    }
    if let Some(url) = fields.text("url")?.filter(|url| !url.trim().is_empty()) {
        let url = single_line(&url);
        match PaperId::parse(&url).filter(PaperId::is_registered) {
            Some(id) if record.ids.is_empty() => record.ids.push(id),
            Some(id) if record.ids.contains(&id) => {}
            _ => record.url = Some(url),
        }
    }
    Ok(())
}

fn take_commentary(fields: &Fields<'_>, record: &mut Record) -> Result<(), String> {
    const EXPECTED: &str = "a text, or an array of {\"text\": ..., \"language\": \"ko\"}";
    let notes = match fields.get("commentary") {
        None => return Ok(()),
        Some(Value::Array(notes)) => notes.as_slice(),
        Some(note) => std::slice::from_ref(note),
    };
    for note in notes {
        match note {
            Value::String(text) => {
                record.mentions.extend(mentions_in(&[text], &[]));
                let text = normalise(text);
                record.commentaries.extend(by_language(&text.lines().collect::<Vec<_>>()));
            }
            Value::Object(note) => {
                let note = Fields(note);
                let text = note.text("text")?.ok_or_else(|| wrong("commentary", EXPECTED))?;
                record.mentions.extend(mentions_in(&[&text], &[]));
                let language = match note.text("language")? {
                    Some(code) => Language::parse(&code).ok_or_else(|| {
                        wrong("language", "an ISO 639-1 code such as \"ko\", \"zh\", \"en\"")
                    })?,
                    None => Language::of(&text),
                };
                record.date = record.date.or(note.date("date")?);
                let text = normalise(&text);
                if !text.is_empty() {
                    record.commentaries.push(Commentary { language, text });
                }
            }
            _ => return Err(wrong("commentary", EXPECTED)),
        }
    }
    Ok(())
}

/// The fields of one object.
struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    fn get(&self, key: &str) -> Option<&'a Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    fn text(&self, key: &str) -> Result<Option<String>, String> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(wrong(key, "a text")),
        }
    }

    /// A text, or a number as text.
    fn scalar(&self, key: &str) -> Result<Option<String>, String> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(wrong(key, "a text or a number")),
        }
    }

    fn date(&self, key: &str) -> Result<Option<jiff::civil::Date>, String> {
        let Some(text) = self.scalar(key)?.filter(|text| !text.trim().is_empty()) else { return Ok(None) };
        let date = date::stamp(&text);
        date.map(Some).ok_or_else(|| wrong(key, "a date such as \"2024-10-01\", \"2024-10\" or 2024"))
    }

    fn list(&self, key: &str, expected: &str, split: fn(&str) -> Vec<String>) -> Result<Vec<String>, String> {
        let items = match self.get(key) {
            None => Vec::new(),
            Some(Value::String(text)) => split(text),
            Some(Value::Array(items)) => items
                .iter()
                .filter(|item| !item.is_null())
                .map(|item| item.as_str().map(str::to_owned).ok_or_else(|| wrong(key, expected)))
                .collect::<Result<_, _>>()?,
            Some(_) => return Err(wrong(key, expected)),
        };
        let items = items.iter().map(|item| single_line(item)).filter(|item| !item.is_empty());
        // Two authors may have one name.
        if key == "authors" {
            return Ok(items.collect());
        }
        let mut list = Vec::new();
        items.for_each(|item| push_new(&mut list, item));
        Ok(list)
    }
}

/// "Vaswani, A.; Shazeer, N." has semicolons between names, "Ada Lovelace, Emmy Noether" commas.
fn split_authors(text: &str) -> Vec<String> {
    if text.contains(';') {
        return text.split(';').map(str::to_owned).collect();
    }
    let by_and: Vec<String> = text.split(" and ").map(str::to_owned).collect();
    // BibTeX: "Smith, John and Doe, Jane" has one comma a name, "Ada Lovelace, Emmy Noether and Hedy Lamarr" none.
    let inverted = by_and.len() > 1 && by_and.iter().all(|part| part.matches(',').count() == 1);
    if by_and.len() > 2 || inverted {
        by_and
    } else {
        by_and.iter().filter_map(|part| names(part)).flatten().collect()
    }
}

fn split_tags(text: &str) -> Vec<String> {
    text.split([' ', ',', ';']).map(|tag| tag.trim_start_matches('#').to_owned()).collect()
}

fn wrong(key: &str, expected: &str) -> String {
    format!("'{key}' must be {expected}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<(Record, Vec<String>), String> {
        record(serde_json::from_str::<Value>(json).unwrap().as_object().unwrap())
    }

    #[test]
    fn every_field() {
        let (record, unknown) = read(
            r##"{"title": " LoRA:\n low rank ", "authors": "Hu, Edward; Shen, Yelong", "abstract": "We propose.", "arxiv_id": "2106.09685v2",
                "doi": "10.1145/3292500.3330701", "id": "note-1", "url": "https://example.org/lora", "date": "2024-10", "year": 2021,
                "tags": ["peft"], "categories": "cs.CL cs.LG", "repositories": ["https://github.com/microsoft/LoRA.git", null],
                "commentary": [{"text": "저차원 적응", "language": "ko"}, "See https://arxiv.org/abs/2305.18290 for more of this kind."],
                "mentions": ["arxiv:1706.03762", "240104 LLaMA Pro", "2106.09685"], "citations": 5}"##,
        )
        .unwrap();
        assert_eq!(record.title, "LoRA: low rank");
        assert_eq!(record.authors, ["Hu, Edward", "Shen, Yelong"]);
        assert_eq!(record.ids.len(), 2);
        assert_eq!(record.url.as_deref(), Some("https://example.org/lora"));
        assert_eq!(record.date.unwrap().to_string(), "2024-10-01");
        assert_eq!(record.tags, ["peft", "cs.CL", "cs.LG"]);
        assert_eq!(record.repositories, ["https://github.com/microsoft/LoRA"]);
        assert_eq!(
            record.commentaries.iter().map(|note| note.language.code()).collect::<Vec<_>>(),
            ["ko", "en"]
        );
        assert_eq!(record.mentions.len(), 3, "itself is no mention: {:?}", record.mentions);
        assert_eq!(unknown, ["citations"]);
    }

    #[test]
    fn nulls_are_missing_and_an_empty_title_is_taken_from_the_abstract() {
        let nulls = r#"{"title": "x", "authors": null, "abstract": null, "id": null, "year": null, "tags": null, "commentary": null}"#;
        assert_eq!(read(nulls).unwrap().0, Record { title: "x".into(), ..Record::default() });
        assert_eq!(
            read(r#"{"title": "", "text": "ครั้งแรก 🦙 abstract."}"#).unwrap().0.title,
            "ครั้งแรก 🦙 abstract."
        );
        assert_eq!(
            read(r#"{"title": "x", "id": 4983, "url": "https://arxiv.org/abs/2106.09685"}"#)
                .unwrap()
                .0
                .ids
                .len(),
            1
        );
    }

    #[test]
    fn wrong_types_name_the_field_and_what_was_expected() {
        for (json, says) in [
            ("{}", "no 'title'"),
            (r#"{"title": null}"#, "no 'title'"),
            (r#"{"title": " "}"#, "'title' is empty"),
            (r#"{"title": 5}"#, "'title' must be a text"),
            (r#"{"title": "x", "authors": 5}"#, "'authors' must be an array of names"),
            (r#"{"title": "x", "authors": [5]}"#, "'authors' must be an array of names"),
            (r#"{"title": "x", "arxiv": "soon"}"#, "'arxiv' is no such id"),
            (r#"{"title": "x", "date": "soon"}"#, "'date' must be a date such as"),
            (r#"{"title": "x", "year": []}"#, "'year' must be"),
            (r#"{"title": "x", "commentary": [[]]}"#, "'commentary' must be a text, or"),
            (r#"{"title": "x", "commentary": {"text": "y", "language": "Korean"}}"#, "'language' must be"),
        ] {
            let why = read(json).unwrap_err();
            assert!(why.contains(says), "{json}: {why}");
        }
    }
}
