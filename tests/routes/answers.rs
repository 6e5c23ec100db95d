//! What is asked is answered, in the shape that is promised.

use serde_json::json;

use crate::support::app::TestApp;

#[tokio::test]
async fn a_question_by_url_and_by_body_has_one_answer() {
    let app = TestApp::ready();
    let by_url = app.get("/v1/search?q=mixture%20of%20vision%20encoders&limit=2").await;
    assert_eq!(by_url.status, 200, "{}", by_url.text);
    assert_eq!(by_url.ids().len(), 2);
    assert_eq!(by_url.ids()[0], "arxiv:2408.15881");
    let by_body = app.post("/v1/search", r#"{"query":"mixture of vision encoders","limit":2}"#).await;
    assert_eq!(by_body.ids(), by_url.ids());
    let body = by_url.json();
    assert_eq!((&body["query"], &body["total"]), (&json!("mixture of vision encoders"), &json!(5)));
    let hit = &body["hits"][0];
    for field in [
        "id",
        "aliases",
        "title",
        "authors",
        "date",
        "tags",
        "langs",
        "url",
        "score",
        "similarity",
        "match",
        "why",
    ] {
        assert!(hit.get(field).is_some(), "{field} is missing in {hit}");
    }
    assert_eq!(hit["match"]["text"], "A mixture of vision encoders.");
}

#[tokio::test]
async fn a_question_in_korean_finds_the_korean_note() {
    let app = TestApp::ready();
    let body = app.post("/v1/search", r#"{"query":"결합한 옵티마이저"}"#).await.json();
    assert_eq!(body["hits"][0]["id"], "arxiv:2409.11321");
    assert_eq!(body["hits"][0]["match"]["lang"], "ko");
    assert_eq!(body["hits"][0]["match"]["passage"], "commentary");
}

#[tokio::test]
async fn a_paper_answers_to_all_its_names() {
    let app = TestApp::ready();
    for (name, id) in [
        ("arxiv:2409.11321", "arxiv:2409.11321"),
        ("2409.11321v3", "arxiv:2409.11321"),
        ("arxiv%3A2409.11321", "arxiv:2409.11321"),
        ("hep-ex%2F0307015", "arxiv:hep-ex/0307015"),
        ("doi:10.1145%2F3292500.3330701", "doi:10.1145/3292500.3330701"),
        ("https%3A%2F%2Farxiv.org%2Fabs%2F2408.15881", "arxiv:2408.15881"),
    ] {
        let answered = app.get(&format!("/v1/papers/{name}")).await;
        assert_eq!(answered.status, 200, "{name}: {}", answered.text);
        assert_eq!(answered.json()["id"], id, "{name}");
    }
    let alias = app.get("/v1/papers/2408.15881").await.json()["aliases"][0].as_str().unwrap().to_owned();
    assert!(alias.starts_with("t:"), "{alias}");
    assert_eq!(app.get(&format!("/v1/papers/{alias}")).await.json()["id"], "arxiv:2408.15881");
}

#[tokio::test]
async fn related_papers_leave_the_paper_itself_out() {
    let app = TestApp::ready();
    let related = app.get("/v1/papers/2409.11321/related?limit=3").await;
    assert_eq!(related.ids().len(), 3, "{}", related.text);
    assert!(!related.text.contains("\"tie\""));
    let tied = app.get("/v1/papers/2409.11321/related?limit=3&sentences=true").await;
    assert_eq!(tied.text.matches("\"tie\"").count(), 3, "{}", tied.text);
    assert_eq!(
        app.get("/v1/search?q=a&sentences=true").await.status,
        422,
        "a question has no sentences to tie"
    );
    assert!(!related.ids().contains(&"arxiv:2409.11321".to_owned()));
    let asked = json!({"positive": ["arxiv:2409.11321", {"text": "optimizers"}], "negative": ["2408.15881"], "limit": 3});
    let steered = app.post("/v1/related", asked.to_string()).await;
    assert_eq!(steered.status, 200, "{}", steered.text);
    assert!(!steered.ids().iter().any(|id| id == "arxiv:2409.11321" || id == "arxiv:2408.15881"));
    assert_eq!(steered.json()["query"]["negative"], json!(["arxiv:2408.15881"]));
}

#[tokio::test]
async fn health_and_readiness() {
    let app = TestApp::ready();
    assert_eq!(app.get("/healthz").await.json()["healthy"], true);
    let ready = app.get("/readyz").await;
    assert_eq!(ready.status, 200);
    let body = ready.json();
    assert_eq!((&body["ready"], &body["index"], &body["papers"]), (&json!(true), &json!("exact"), &json!(5)));
    assert!(body["reason"].as_str().unwrap().contains("exact search"), "{body}");
}

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    let app = TestApp::ready();
    for path in ["/", "/assets/style.css", "/v1/search?q=a", "/nothing", "/healthz"] {
        let headers = app.get(path).await.headers;
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert!(!policy.contains("unsafe"), "{path}");
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["referrer-policy"], "no-referrer", "{path}");
    }
}

#[tokio::test]
async fn what_was_not_as_asked_is_told_with_a_code() {
    let app = TestApp::ready();
    for (question, code, says) in [
        ("2001.00001", "not_in_library", "this library does not have arxiv:2001.00001"),
        (
            "\\\"purple llamas\\\" vision",
            "phrases_not_found",
            "no paper that may answer holds \"purple llamas\"",
        ),
        ("vision tag:", "no_value", "tag:moe"),
        ("vision tag:nosuchtag", "no_paper_left", "paperkin facets"),
    ] {
        let body = app.post("/v1/search", format!("{{\"query\":\"{question}\"}}")).await.json();
        assert_eq!(body["remarks"][0]["code"], code, "{body}");
        let message = body["remarks"][0]["message"].as_str().unwrap_or_default();
        assert!(message.contains(says), "{message}");
    }
    let body = app.get("/v1/search?q=vision").await.json();
    assert!(body.get("remarks").is_none(), "nothing to say: {body}");
    let page = app.get("/?q=vision%20tag:nosuchtag").await.text;
    assert!(page.contains("No paper is left by these filters"), "{page}");
}
