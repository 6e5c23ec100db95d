//! What a service does beside answering: pages of hits, tags of what was sent, compression, ids, counts, and a page about itself.

use std::io::Read;

use axum::body::{Body, to_bytes};
use axum::http::header;
use tower::ServiceExt;

use crate::support::app::{TestApp, request};

#[tokio::test]
async fn pages_in_a_row_are_the_whole_in_order() {
    let app = TestApp::ready();
    for asked in [
        "/v1/search?q=adam&floor=none",
        "/v1/search?q=2408.15881%20adam&floor=none",
        "/v1/search?q=tag:optimizer",
        "/v1/papers/2409.11321/related?floor=none",
    ] {
        let whole = app.get(&format!("{asked}&limit=5")).await.ids();
        assert!(whole.len() >= 4, "{whole:?}");
        let mut pages = Vec::new();
        for offset in [0, 2, 4, 6] {
            pages.extend(app.get(&format!("{asked}&limit=2&offset={offset}")).await.ids());
        }
        assert_eq!(pages, whole, "{asked}");
    }
    let posted = app.post("/v1/search", r#"{"query":"adam","floor":"none","limit":2,"offset":2}"#).await;
    assert_eq!(posted.ids(), app.get("/v1/search?q=adam&floor=none&limit=2&offset=2").await.ids());
    for wrong in ["limit=10&offset=41", "offset=-1", "offset=x", "offset=1&offset=1"] {
        let refused = app.get(&format!("/v1/search?q=adam&{wrong}")).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (422, "invalid"), "{wrong}");
    }
    assert_eq!(app.get("/v1/search?q=adam&limit=0").await.json()["error"]["param"], "limit");
}

#[tokio::test]
async fn a_paper_that_is_as_it_was_is_not_sent_again() {
    let app = TestApp::ready();
    let first = app.get("/v1/papers/2409.11321").await;
    let tag = first.headers[header::ETAG].to_str().unwrap().to_owned();
    assert_eq!(first.headers[header::CACHE_CONTROL], "private, no-cache");
    let again = async |tags: &str| {
        let asked = request("GET", "/v1/papers/2409.11321").header(header::IF_NONE_MATCH, tags);
        app.send(asked.body(Body::empty()).unwrap()).await
    };
    for known in [tag.as_str(), &format!("\"x\", {tag}"), "*"] {
        let answered = again(known).await;
        assert_eq!((answered.status.as_u16(), answered.text.as_str()), (304, ""), "{known}");
        assert_eq!(answered.headers[header::ETAG], tag.as_str());
    }
    assert_eq!(again("\"x\"").await.status, 200);
    let mut changed = crate::support::app::papers().remove(0);
    changed.source.slot = "later".into();
    changed.tags.push("later".into());
    app.library.put(vec![changed]);
    let app = TestApp::over(app.library);
    let later = app.get("/v1/papers/2409.11321").await;
    assert_ne!(later.headers[header::ETAG], tag.as_str(), "{}", later.text);
}

#[tokio::test]
async fn who_reads_gzip_gets_it() {
    let app = TestApp::ready();
    let plain = app.get("/v1/search?q=adam&floor=none").await;
    assert!(plain.headers.get(header::CONTENT_ENCODING).is_none());
    let asked = request("GET", "/v1/papers/2409.11321").header(header::ACCEPT_ENCODING, "gzip");
    let answered = app.routes.clone().oneshot(asked.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(answered.headers()[header::CONTENT_ENCODING], "gzip");
    let packed = to_bytes(answered.into_body(), usize::MAX).await.unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(&*packed).read_to_string(&mut text).unwrap();
    assert_eq!(text, app.get("/v1/papers/2409.11321").await.text);
}

#[tokio::test]
async fn every_answer_carries_the_id_of_its_request() {
    let app = TestApp::ready();
    let id = |answered: crate::support::app::Answered| {
        answered.headers["x-request-id"].to_str().unwrap().to_owned()
    };
    let (first, second) = (id(app.get("/healthz").await), id(app.get("/nothing").await));
    assert_ne!(first, second);
    let asked = request("GET", "/healthz").header("x-request-id", "mine-1");
    assert_eq!(id(app.send(asked.body(Body::empty()).unwrap()).await), "mine-1");
}

#[tokio::test]
async fn what_it_does_is_counted_and_nothing_that_is_asked_is_told() {
    let app = TestApp::ready();
    app.get("/v1/search?q=a-secret-question").await;
    app.get("/a-secret-address").await;
    let told = app.get("/metrics").await;
    assert!(told.headers[header::CONTENT_TYPE].to_str().unwrap().starts_with("text/plain"), "{}", told.text);
    for series in [
        "paperkin_requests_total{method=\"GET\",route=\"/v1/search\",status=\"200\"}",
        "paperkin_requests_total{method=\"GET\",route=\"none\",status=\"404\"}",
        "paperkin_request_seconds_bucket{route=\"/v1/search\",le=\"",
        "paperkin_stage_seconds_bucket{stage=\"queue\"",
        "paperkin_stage_seconds_bucket{stage=\"answer\"",
        "paperkin_encoder_pass_calls_bucket{le=\"1\"}",
        "paperkin_encoder_tokens_total ",
        "paperkin_requests_under_way ",
        "paperkin_ready 1",
        "paperkin_papers 5",
        "paperkin_index_usable ",
        "paperkin_tasks_waiting 0",
        "process_resident_memory_bytes ",
    ] {
        assert!(told.text.contains(series), "{series} in {}", told.text);
    }
    assert!(!told.text.contains("secret"), "{}", told.text);
    // Every line is one that Prometheus reads: a comment, or a name, labels, and a number.
    for line in told.text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (series, number) = line.rsplit_once(' ').unwrap();
        assert!(
            number.parse::<f64>().is_ok() && series.starts_with(|c: char| c.is_ascii_alphabetic()),
            "{line}"
        );
    }
}

#[tokio::test]
async fn the_api_is_described_on_a_page_of_our_own() {
    let app = TestApp::ready();
    let page = app.get("/docs").await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("GET /v1/papers/{id}/related") && page.text.contains("id=\"schema-Answer\""));
    assert!(
        !page.text.contains("//cdn") && !page.text.contains("src=\"http"),
        "nothing is loaded from elsewhere"
    );
}
