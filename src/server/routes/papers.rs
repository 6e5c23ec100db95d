//! `/v1/papers/{id}`: everything known about one paper, what is related to it, and its removal.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use twox_hash::XxHash3_128;
use utoipa::{IntoParams, ToSchema};

use super::is_known;
use super::options::{Options, OptionsInUrl, Pairs, yes_or_no};
use super::related::answer;
use crate::paper::PaperId;
use crate::search::{Answer, Example, RelatedRequest, SearchError};
use crate::server::error::{AskingFails, ChangingFails, EveryFails, Failure, NamingFails, RelatingFails};
use crate::server::extract::{Named, Query};
use crate::server::state::{AppState, off_thread};
use crate::store::StoreError;

/// A paper by its id or one of its aliases, as it stands in a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only described; `Named` reads it")]
pub(super) struct Id {
    /// The id or an alias; a slash in it is written `%2F`.
    #[param(example = "arxiv:2408.15881")]
    id: String,
}

/// Everything known about one paper
#[utoipa::path(
    get,
    path = "/v1/papers/{id}",
    tag = "papers",
    operation_id = "paper",
    params(Id),
    responses(
        (status = OK, description = "The paper", body = PaperSchema, headers(("ETag" = String, description = "Of what is known now"))),
        (status = NOT_MODIFIED, description = "It is as `If-None-Match` says"),
        EveryFails, NamingFails,
    )
)]
pub(super) async fn show(
    State(state): State<AppState>,
    Named(id): Named,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let paper = state.look(move |searcher| searcher.paper(&id)).await?;
    let text = serde_json::to_vec(&paper).map_err(|error| Failure::internal(&error))?;
    // Weak: compressed or not, it says the same.
    let tag = format!("W/\"{:032x}\"", XxHash3_128::oneshot(&text));
    // May be kept, but is asked about each time.
    let kept = [(header::ETAG, tag.as_str()), (header::CACHE_CONTROL, "private, no-cache")];
    if is_known(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, kept).into_response());
    }
    Ok((kept, [(header::CONTENT_TYPE, "application/json")], text).into_response())
}

/// What of a hit is told.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only described; `Pairs` reads it")]
pub(super) struct SentencesInUrl {
    /// Name the pair of sentences that ties each of the first ten to the paper.
    sentences: Option<bool>,
}

/// Papers related to one
#[utoipa::path(
    get,
    path = "/v1/papers/{id}/related",
    tag = "papers",
    operation_id = "related_to_paper",
    params(Id, SentencesInUrl, OptionsInUrl),
    responses((status = OK, description = "Best first; the paper itself is left out", body = Answer), EveryFails, AskingFails, NamingFails, RelatingFails)
)]
pub(super) async fn related(
    State(state): State<AppState>,
    Named(id): Named,
    Query(pairs): Query<Pairs>,
) -> Result<Json<Answer>, Failure> {
    let (sentences, asked) = Options::of_url(pairs, &["sentences"])?;
    let sentences = sentences.map_or(Ok(false), |said| yes_or_no("sentences", &said))?;
    let positive = vec![Example::Paper(id)];
    let request = RelatedRequest { positive, negative: Vec::new(), options: asked.options, sentences };
    answer(&state, request, asked.page).await.map(Json)
}

/// What was removed.
#[derive(Serialize, ToSchema)]
pub(super) struct Removed {
    /// The best name that the paper had.
    #[schema(value_type = String, example = "arxiv:2408.15881")]
    removed: PaperId,
}

/// Remove a paper, for good
///
/// No answer shows it from this one on. It stays away, also when a file that tells of it is read again.
#[utoipa::path(
    delete,
    path = "/v1/papers/{id}",
    tag = "papers",
    operation_id = "remove_paper",
    params(Id),
    responses((status = OK, description = "It is gone", body = Removed), EveryFails, NamingFails, ChangingFails)
)]
pub(super) async fn remove(
    State(state): State<AppState>,
    Named(id): Named,
) -> Result<Json<Removed>, Failure> {
    let turn = state.writing.turn().await;
    off_thread(move || {
        let mut writer = match turn.remove() {
            Err(StoreError::Missing(_)) => return Err(SearchError::Unknown(id).into()),
            opened => opened?,
        };
        let Some((_, paper)) = writer.paper_by_name(&id)? else {
            return Err(SearchError::Unknown(id).into());
        };
        writer.remove(&paper.id)?;
        drop(writer);
        drop(turn);
        // Gone means that nobody is shown it: the answer waits for that.
        state.library.refresh()?;
        state.bell.ask_to_publish();
        Ok(Json(Removed { removed: paper.id }))
    })
    .await
}

// `Paper`, described: the room `paper` knows nothing of HTTP. A test holds the two together.
/// One work, from all that its sources say.
#[derive(Serialize, ToSchema)]
#[schema(as = Paper)]
pub(super) struct PaperSchema {
    /// The best name known.
    #[schema(example = "arxiv:2408.15881")]
    id: String,
    /// Its other names; they answer too.
    aliases: Vec<String>,
    /// The title.
    title: String,
    /// Authors in order.
    authors: Vec<String>,
    /// The abstract: the newest version's, else that of the first source that has one.
    r#abstract: Option<String>,
    /// What other sources give as the abstract: older versions, translations.
    other_abstracts: Vec<NoteSchema>,
    /// The earliest date that a source gives.
    #[schema(format = Date)]
    date: Option<String>,
    /// Tags of all sources, each once.
    tags: Vec<String>,
    /// Languages of abstract and commentaries, ISO 639-1.
    langs: Vec<String>,
    /// Where it can be read.
    url: Option<String>,
    /// Where it was published.
    venue: Option<String>,
    /// Code repositories.
    repositories: Vec<String>,
    /// What was written about it.
    commentaries: Vec<NoteSchema>,
    /// Links from its commentaries to other papers.
    mentions: Vec<MentionSchema>,
}

/// A commentary, or another abstract: what was written, where, when.
#[derive(Serialize, ToSchema)]
#[schema(as = Note)]
pub(super) struct NoteSchema {
    /// ISO 639-1.
    language: String,
    /// The text.
    text: String,
    /// The date of its source.
    #[schema(format = Date)]
    date: Option<String>,
    /// The file it stands in.
    file: String,
}

/// A link to another paper: by its registered id, or by the name of a note.
#[derive(Serialize, ToSchema)]
#[schema(as = Mention)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only described; `Paper` is what is sent")]
pub(super) enum MentionSchema {
    /// `arxiv:...` or `doi:...`.
    Paper(String),
    /// The name of a note.
    Note(String),
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use utoipa::PartialSchema;

    use super::*;
    use crate::paper::{Commentary, Language, Mention, Paper, Record};

    #[test]
    fn a_paper_is_sent_as_it_is_described() {
        let record = Record {
            title: "On Tests".into(),
            commentaries: vec![Commentary { language: Language::KOREAN, text: "글".into() }],
            mentions: vec![Mention::Note("a".into())],
            ..Record::default()
        };
        let sent = serde_json::to_value(Paper::merge(&[record], false)).unwrap();
        let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let described = |schema| keys(&serde_json::to_value(schema).unwrap()["properties"]);
        assert_eq!(keys(&sent), described(PaperSchema::schema()));
        assert_eq!(keys(&sent["commentaries"][0]), described(NoteSchema::schema()));
    }
}
