//! The faces: other people's APIs, answered so exactly that their own clients work unchanged.
//!
//! A face is exact or absent. What of an API is here answers in its shapes, its statuses and its errors, also where a layer
//! refuses before a handler is asked; what cannot be done as the original does it is refused in words, never
//! approximated. `tests/clients/` holds the faces to that with the clients themselves.

mod openai;
mod semantic_scholar;
mod tei;
mod texts;

use axum::extract::Request;
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;

use crate::server::error::Failure;
use crate::server::state::AppState;

/// All of them.
pub(super) fn api() -> OpenApiRouter<AppState> {
    openai::api().merge(tei::api()).merge(semantic_scholar::api())
}

/// Why a face does not answer.
enum Refused<R> {
    /// For a reason that every route may have; the words are found for it on the way out.
    Ours(Failure),
    /// For a reason of the face's own.
    Own(R),
}

impl<R> Refused<R> {
    /// A reason of another's, as one of the face's.
    fn map<S>(self, own: impl FnOnce(R) -> S) -> Refused<S> {
        match self {
            Self::Ours(failure) => Refused::Ours(failure),
            Self::Own(reason) => Refused::Own(own(reason)),
        }
    }
}

impl<R> From<Failure> for Refused<R> {
    fn from(failure: Failure) -> Self {
        Self::Ours(failure)
    }
}

impl<R: IntoResponse> IntoResponse for Refused<R> {
    fn into_response(self) -> Response {
        match self {
            Self::Ours(failure) => failure.into_response(),
            Self::Own(reason) => reason.into_response(),
        }
    }
}

/// Whose API an address is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Face {
    OpenAi,
    Tei,
    SemanticScholar,
}

/// Everything at and below an address is in the words of its face, also where there is no route.
const ADDRESSES: [(&str, Face); 6] = [
    ("/v1/embeddings", Face::OpenAi),
    ("/v1/models", Face::OpenAi),
    ("/embed", Face::Tei),
    ("/info", Face::Tei),
    ("/graph/v1", Face::SemanticScholar),
    ("/recommendations/v1", Face::SemanticScholar),
];

impl Face {
    fn at(path: &str) -> Option<Self> {
        let is_below = |address: &str| {
            path.strip_prefix(address).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        ADDRESSES.iter().find(|(address, _)| is_below(address)).map(|(_, face)| *face)
    }

    fn told(self, failure: &Failure) -> Response {
        match self {
            Self::OpenAi => openai::Refusal::from(failure).into_response(),
            Self::Tei => tei::Refusal::from(failure).into_response(),
            Self::SemanticScholar => semantic_scholar::Refusal::from(failure).into_response(),
        }
    }
}

/// Whether an address is of a face.
pub(in crate::server) fn is_at(path: &str) -> bool {
    Face::at(path).is_some()
}

/// A failure at the address of a face, in the words of the face.
pub(in crate::server) async fn in_its_own_words(request: Request, next: Next) -> Response {
    let face = Face::at(request.uri().path());
    let response = next.run(request).await;
    let (Some(face), Some(failure)) = (face, response.extensions().get::<Failure>()) else { return response };
    let mut told = face.told(failure);
    for name in [header::ALLOW, header::RETRY_AFTER, header::WWW_AUTHENTICATE] {
        for value in response.headers().get_all(&name) {
            told.headers_mut().append(&name, value.clone());
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_an_address_is() {
        for (path, face) in [
            ("/v1/embeddings", Some(Face::OpenAi)),
            ("/v1/models/a", Some(Face::OpenAi)),
            ("/embed", Some(Face::Tei)),
            ("/embedded", None),
            ("/graph/v1/paper/DOI:10.1/x", Some(Face::SemanticScholar)),
            ("/v1/search", None),
            ("/", None),
        ] {
            assert_eq!(Face::at(path), face, "{path}");
        }
    }
}
