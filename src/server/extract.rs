//! Extractors that refuse in our words: each is axum's own, with a rejection that becomes a [`Failure`].

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::error::{Code, Failure};
use crate::paper::PaperId;

/// A JSON body.
pub(super) struct Json<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let axum::Json(value) = axum::Json::from_request(request, state).await?;
        Ok(Self(value))
    }
}

/// A body of any kind, whole.
pub(super) struct Body(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        Ok(Self(Bytes::from_request(request, state).await?))
    }
}

/// The query string. Axum's reads broken UTF-8 as `�`; this one refuses it.
pub(super) struct Query<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Failure> {
        let query = parts.uri.query().unwrap_or_default();
        if !decodes_to_utf8(query) {
            let hint = "percent-encode the question as UTF-8, or POST it as JSON";
            return Err(Failure::new(Code::BadRequest, "the query string is not UTF-8", hint));
        }
        let axum::extract::Query(value) = axum::extract::Query::try_from_uri(&parts.uri)?;
        Ok(Self(value))
    }
}

fn decodes_to_utf8(query: &str) -> bool {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let mut bytes = query.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    while let Some((first, rest)) = bytes.split_first() {
        bytes = rest;
        decoded.push(match (first, digit(rest.first()), digit(rest.get(1))) {
            (b'%', Some(high), Some(low)) => {
                bytes = rest.get(2..).unwrap_or_default();
                u8::try_from(high * 16 + low).unwrap_or_default()
            }
            _ => *first,
        });
    }
    std::str::from_utf8(&decoded).is_ok()
}

/// The paper of the path, by any of its names.
pub(super) struct Named(pub(super) PaperId);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Segment(text) = Segment::from_request_parts(parts, state).await?;
        named(&text).map(Self)
    }
}

/// The one variable part of the path, as it is.
pub(super) struct Segment(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Path(text) = Path::<String>::from_request_parts(parts, state).await?;
        Ok(Self(text))
    }
}

/// Reads a paper's name.
pub(super) fn named(text: &str) -> Result<PaperId, Failure> {
    text.parse().map_err(|error: <PaperId as std::str::FromStr>::Err| Failure::bad_id(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_utf8_is_seen_through_percent_signs() {
        for (query, fits) in [
            ("q=%EB%85%BC%EB%AC%B8", true),
            ("q=100%", true),
            ("q=%zz", true),
            ("q=%FF", false),
            ("q=%ED%A0%80", false),
            ("q=%EB%85", false),
        ] {
            assert_eq!(decodes_to_utf8(query), fits, "{query}");
        }
    }
}
