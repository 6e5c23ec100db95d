//! With keys nobody is answered who shows none, on any route; and no other host or page gets in.

use axum::body::Body;
use axum::http::{Request, header};
use paperkin::config::{Access, Keys, Right};
use serde_json::Value;

use crate::support::app::{Answered, TestApp, papers, request};
use crate::support::toy::ToyLibrary;

const READ: &str = "read-key-of-the-tests";
const WRITE: &str = "write-key-of-the-tests";

/// Other people's APIs, and MCP, refuse in shapes of their own.
fn is_of_a_face(path: &str) -> bool {
    ["/v1/embeddings", "/v1/models", "/embed", "/info", "/graph", "/recommendations", "/mcp"]
        .iter()
        .any(|face| path.starts_with(face))
}

/// What a monitor needs, which has no key.
const PUBLIC: [&str; 2] = ["/healthz", "/readyz"];

fn guarded() -> TestApp {
    let mut keys = Keys::none();
    keys.add(Right::Read, READ).unwrap();
    keys.add(Right::Write, WRITE).unwrap();
    TestApp::guarded(ToyLibrary::of(papers()), Access { keys: Some(keys), ..Access::default() })
}

async fn ask(app: &TestApp, method: &str, path: &str, headers: &[(&str, String)]) -> Answered {
    let mut asked = request(method, path).header(header::CONTENT_TYPE, "application/json");
    for (name, value) in headers {
        asked = asked.header(*name, value);
    }
    app.send(asked.body(Body::from("{}")).unwrap()).await
}

fn bearer(key: &str) -> Vec<(&'static str, String)> {
    vec![("authorization", format!("Bearer {key}"))]
}

/// Every operation that the service describes, with a name in each path, and what has no description.
async fn operations(app: &TestApp) -> Vec<(String, String)> {
    let document: Value = ask(app, "GET", "/openapi.json", &bearer(READ)).await.json();
    let mut all: Vec<(String, String)> = [
        "/",
        "/docs",
        "/assets/style.css",
        "/openapi.json",
        "/nothing",
        "/mcp",
        "/healthz%2f..%2fv1%2fexport",
    ]
    .map(|path| ("GET".to_owned(), path.to_owned()))
    .into();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let named = regexless(path);
        for method in operations.as_object().unwrap().keys() {
            all.push((method.to_uppercase(), named.clone()));
        }
    }
    assert!(all.len() > 15, "{all:?}");
    all
}

/// The path with something in place of its variables.
fn regexless(path: &str) -> String {
    path.split('/')
        .map(|part| if part.starts_with('{') { "2409.11321" } else { part })
        .collect::<Vec<_>>()
        .join("/")
}

#[tokio::test]
async fn nobody_without_a_key_is_answered_on_any_route() {
    let app = guarded();
    for (method, path) in operations(&app).await {
        if PUBLIC.contains(&path.as_str()) {
            assert_eq!(ask(&app, &method, &path, &[]).await.status, 200, "{path}");
            continue;
        }
        let wrong: [Vec<(&str, String)>; 9] = [
            vec![],
            bearer("not-a-key-of-the-tests"),
            bearer(&WRITE[..WRITE.len() - 1]),
            bearer(&format!("{WRITE}s")),
            bearer(&WRITE.to_uppercase()),
            vec![("authorization", WRITE.to_owned())],
            [bearer(WRITE), bearer(WRITE)].concat(),
            [bearer(WRITE), vec![("x-api-key", WRITE.to_owned())]].concat(),
            vec![("cookie", format!("key={WRITE}"))],
        ];
        for headers in wrong {
            let answered = ask(&app, &method, &path, &headers).await;
            let status = answered.status.as_u16();
            // Semantic Scholar knows no 401.
            let is_refused = status == 401 || status == 403 && is_of_a_face(&path);
            assert!(is_refused, "{status}: {method} {path} {headers:?}");
            if !is_of_a_face(&path) {
                assert_eq!(answered.code(), "unauthorized");
            }
            assert_eq!(answered.headers.get_all(header::WWW_AUTHENTICATE).iter().count(), 2);
            assert!(!answered.text.contains(WRITE));
        }
        let in_the_query = format!("{path}?api_key={WRITE}&key={WRITE}");
        let status = ask(&app, &method, &in_the_query, &[]).await.status;
        assert!(status == 401 || status == 403, "{status}: {method} {path}");
    }
}

#[tokio::test]
async fn a_key_to_read_changes_nothing_and_a_key_to_write_does_all() {
    let app = guarded();
    let mut forbidden = Vec::new();
    for (method, path) in operations(&app).await {
        let asked = ask(&app, &method, &path, &bearer(READ)).await;
        assert_ne!(asked.status, 401, "{method} {path}");
        if asked.status == 403 {
            assert_eq!(asked.code(), "forbidden");
            forbidden.push(format!("{method} {path}"));
        }
    }
    assert_eq!(
        forbidden,
        ["POST /v1/papers", "DELETE /v1/papers/2409.11321"],
        "in the order of the document"
    );
    assert_eq!(
        ask(&app, "GET", "/v1/papers/2409.11321", &bearer(READ)).await.status,
        200,
        "it is still there"
    );
    let basic = vec![("authorization", "Basic ".to_owned() + &base64(&format!("me:{READ}")))];
    assert_eq!(ask(&app, "GET", "/", &basic).await.status, 200, "a browser shows it as a password");
    let bare = vec![("x-api-key", READ.to_owned())];
    assert_eq!(ask(&app, "GET", "/v1/facets", &bare).await.status, 200);
    assert_eq!(ask(&app, "DELETE", "/v1/papers/2409.11321", &bearer(WRITE)).await.status, 200);
}

fn base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[tokio::test]
async fn other_hosts_and_pages_get_in_only_by_name() {
    let app = TestApp::guarded(
        ToyLibrary::of(papers()),
        Access {
            hosts: vec!["papers.example".into()],
            origins: vec!["https://notes.example".into()],
            ..Access::default()
        },
    );
    let from = |host: &str, origin: Option<&str>, method: &str| {
        let asked = Request::builder().method(method).uri("/v1/search?q=adam").header(header::HOST, host);
        let asked = origin.into_iter().fold(asked, |asked, origin| asked.header(header::ORIGIN, origin));
        asked.header("access-control-request-method", "POST").body(Body::empty()).unwrap()
    };
    assert_eq!(app.send(from("papers.example", None, "GET")).await.status, 200);
    assert_eq!(app.send(from("evil.example", None, "GET")).await.status, 421);
    let mut twice = from("localhost", None, "GET");
    twice.headers_mut().append(header::HOST, "papers.example".parse().unwrap());
    assert_eq!(app.send(twice).await.status, 421, "two names are none");
    let told = app.send(from("localhost", Some("https://notes.example"), "OPTIONS")).await;
    assert_eq!(told.headers["access-control-allow-origin"], "https://notes.example");
    let told = app.send(from("localhost", Some("https://evil.example"), "OPTIONS")).await;
    assert!(told.headers.get("access-control-allow-origin").is_none());
    let plain = TestApp::ready();
    let told = plain.send(from("localhost", Some("https://notes.example"), "GET")).await;
    assert!(told.headers.get("access-control-allow-origin").is_none(), "off unless named");
}
