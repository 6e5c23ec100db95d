//! Who is answered: by which name we were addressed, from which page, and with which key.
//!
//! Each check reads the request's head only, so who is refused costs nothing. [`Access`] says what there is to check.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::error::{Code, Failure};
use crate::config::{Access, Right};

/// Answered without a key: whoever restarts us has none.
const WITHOUT_KEY: [&str; 2] = ["/healthz", "/readyz"];

/// Routes that take a question in a body. All else that is not safe in the sense of HTTP needs the right to write.
const ASKED_BY_POST: [&str; 7] = [
    "/v1/search",
    "/v1/related",
    "/v1/embeddings",
    "/embed",
    "/graph/v1/paper/batch",
    "/recommendations/v1/papers/",
    "/mcp",
];

pub(super) async fn only_our_hosts(
    State(access): State<Arc<Access>>,
    request: Request,
    next: Next,
) -> Response {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok()).unwrap_or_default();
    // Two could be read differently by us and by what stands before us.
    if hosts.next().is_none() && is_our_host(host, &access) {
        return next.run(request).await;
    }
    let hint = "use http://127.0.0.1 or http://localhost with the port that 'paperkin serve' printed, or start it with \
                --host NAME";
    Failure::new(Code::WrongHost, "this service answers only to its own address", hint).into_response()
}

/// Whether a `Host` header names a loopback address, with any port (an ssh tunnel may have another), or a name of ours. Where we
/// listen to more than this machine, any numeric address: no name resolves to it but itself.
fn is_our_host(host: &str, access: &Access) -> bool {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let Some((address, port)) = rest.split_once(']') else { return false };
            (address, port)
        }
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let port_fits = port.is_empty()
        || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    let name_fits = name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback() || access.is_wide)
        || access.hosts.iter().any(|known| name.eq_ignore_ascii_case(known));
    name_fits && port_fits
}

pub(super) async fn only_known_pages(
    State(access): State<Arc<Access>>,
    request: Request,
    next: Next,
) -> Response {
    if request.method().is_safe() || is_known_page(request.headers(), &access) {
        return next.run(request).await;
    }
    let hint = "ask from the page of this service, from a program that sends no header Origin, or start the service with \
                --allow-origin";
    Failure::new(Code::ForeignOrigin, "a page of another site may not ask this", hint).into_response()
}

/// Whether the request comes from our own page, from no browser, or from a page that was named. Another port is another site.
fn is_known_page(headers: &HeaderMap, access: &Access) -> bool {
    let origin = headers.get(header::ORIGIN).map(HeaderValue::to_str);
    if let Some(Ok(origin)) = origin
        && access.origins.iter().any(|known| origin.eq_ignore_ascii_case(known))
    {
        return true;
    }
    let fetched = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    if !matches!(fetched, None | Some(b"same-origin" | b"none")) {
        return false;
    }
    let Some(origin) = origin else { return true };
    let (Ok(origin), Some(Ok(host))) = (origin, headers.get(header::HOST).map(HeaderValue::to_str)) else {
        return false;
    };
    ["http://", "https://"]
        .iter()
        .filter_map(|scheme| origin.strip_prefix(scheme))
        .any(|named| named.eq_ignore_ascii_case(host))
}

pub(super) async fn only_with_key(
    State(access): State<Arc<Access>>,
    request: Request,
    next: Next,
) -> Response {
    let (Some(keys), Some(needed)) = (&access.keys, needed(&request)) else {
        return next.run(request).await;
    };
    let shown = key_of(request.headers()).and_then(|key| keys.right_of(&key));
    let failure = match shown {
        Some(right) if right >= needed => return next.run(request).await,
        Some(_) => {
            let hint = "use the key that stands behind 'write:'";
            Failure::new(Code::Forbidden, "this key may only ask", hint)
        }
        None => {
            let hint = "send one key, as 'Authorization: Bearer KEY'; a browser asks for it as a password";
            Failure::new(Code::Unauthorized, "a key is needed", hint)
        }
    };
    failure.into_response()
}

/// The right that a request needs: by the route that answers it, not by how its path is spelt. What has no route needs one too:
/// who has no key is not told what there is.
fn needed(request: &Request) -> Option<Right> {
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    match route {
        Some(route) if WITHOUT_KEY.contains(&route) => None,
        Some(route) if request.method() == Method::POST && ASKED_BY_POST.contains(&route) => {
            Some(Right::Read)
        }
        _ if request.method().is_safe() => Some(Right::Read),
        _ => Some(Right::Write),
    }
}

/// The key that is shown, if it is one and no more: as a bearer token, as the password of a browser, or in the header that
/// clients of Semantic Scholar use.
fn key_of(headers: &HeaderMap) -> Option<Vec<u8>> {
    const KEY: HeaderName = HeaderName::from_static("x-api-key");
    let mut bare = headers.get_all(KEY).iter();
    let mut dressed = headers.get_all(header::AUTHORIZATION).iter();
    let shown = (bare.next(), dressed.next());
    if bare.next().is_some() || dressed.next().is_some() {
        return None;
    }
    match shown {
        (Some(bare), None) => Some(bare.as_bytes().to_vec()),
        (None, Some(dressed)) => {
            let (scheme, key) = dressed.to_str().ok()?.split_once(' ')?;
            match scheme.to_ascii_lowercase().as_str() {
                "bearer" => Some(key.trim().as_bytes().to_vec()),
                "basic" => {
                    let pair = STANDARD.decode(key.trim()).ok()?;
                    let colon = pair.iter().position(|byte| *byte == b':')?;
                    pair.get(colon + 1..).map(<[u8]>::to_vec)
                }
                _ => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_page_or_no_browser_changes_anything() {
        for (origin, fetched, own) in [
            (None, None, true),
            (None, Some("none"), true),
            (Some("http://localhost:7117"), Some("same-origin"), true),
            (Some("http://LOCALHOST:7117"), None, true),
            (Some("http://localhost:7118"), None, false),
            (Some("http://localhost"), None, false),
            (Some("http://localhost:7117.evil.example"), None, false),
            (Some("https://evil.example"), None, false),
            (Some("null"), None, false),
            (Some(""), None, false),
            (None, Some("cross-site"), false),
            (Some("http://localhost:7117"), Some("same-site"), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("localhost:7117"));
            for (name, value) in [("origin", origin), ("sec-fetch-site", fetched)] {
                if let Some(value) = value {
                    headers.insert(name, HeaderValue::from_static(value));
                }
            }
            assert_eq!(is_known_page(&headers, &Access::default()), own, "{origin:?} {fetched:?}");
        }
    }

    #[test]
    fn only_names_of_this_machine_are_its_host() {
        for (host, ours) in [
            ("localhost", true),
            ("LOCALHOST:7117", true),
            ("127.0.0.1:80", true),
            ("127.0.0.2", true),
            ("[::1]:7117", true),
            ("[::1]", true),
            ("", false),
            ("evil.example", false),
            ("localhost.evil.example:7117", false),
            ("127.0.0.1.evil.example", false),
            ("localhost:7117@evil.example", false),
            ("192.168.0.2", false),
            ("0.0.0.0:7117", false),
            ("[::1", false),
            ("[::1]x", false),
        ] {
            assert_eq!(is_our_host(host, &Access::default()), ours, "{host}");
        }
    }

    #[test]
    fn names_and_pages_of_ours_are_told_apart_from_others() {
        let access = Access {
            hosts: vec!["papers.example".into()],
            origins: vec!["https://notes.example".into()],
            is_wide: true,
            ..Access::default()
        };
        for (host, ours) in [
            ("papers.example", true),
            ("Papers.Example:7117", true),
            ("192.168.0.2:7117", true),
            ("sub.papers.example", false),
            ("evil.example", false),
        ] {
            assert_eq!(is_our_host(host, &access), ours, "{host}");
        }
        for (origin, known) in [
            ("https://notes.example", true),
            ("http://notes.example", false),
            ("https://notes.example.evil", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("papers.example"));
            headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            headers.insert("sec-fetch-site", HeaderValue::from_static("cross-site"));
            assert_eq!(is_known_page(&headers, &access), known, "{origin}");
        }
    }

    #[test]
    fn one_key_is_read_however_it_is_shown() {
        let of = |pairs: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(*name, HeaderValue::from_str(value).unwrap());
            }
            key_of(&headers).map(|key| String::from_utf8(key).unwrap())
        };
        let basic = format!("Basic {}", STANDARD.encode("me:a:key"));
        assert_eq!(of(&[("authorization", "Bearer a-key")]).as_deref(), Some("a-key"));
        assert_eq!(of(&[("authorization", "bearer  a-key ")]).as_deref(), Some("a-key"));
        assert_eq!(of(&[("authorization", &basic)]).as_deref(), Some("a:key"));
        assert_eq!(of(&[("x-api-key", "a-key")]).as_deref(), Some("a-key"));
        for wrong in [
            vec![],
            vec![("authorization", "a-key")],
            vec![("authorization", "Basic a-key")],
            vec![("authorization", "Digest a-key")],
            vec![("authorization", "Bearer a-key"), ("authorization", "Bearer a-key")],
            vec![("authorization", "Bearer a-key"), ("x-api-key", "a-key")],
        ] {
            assert_eq!(of(&wrong), None, "{wrong:?}");
        }
    }
}
