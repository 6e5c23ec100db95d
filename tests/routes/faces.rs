//! Other people's APIs: their shapes, their statuses, their errors, also where a layer refuses. `tests/clients/` asks the same with
//! their own clients and the real model.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::header;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use paperkin::config::{Access, Limits};
use paperkin::index::Centring;
use paperkin::server::{AppState, LoadedModel, router};
use serde_json::{Value, json};

use crate::support::app::{Answered, TestApp, papers, request};
use crate::support::toy::{ToyEncoder, ToyLibrary};

const FOR_SOAP: &str = "/recommendations/v1/papers/forpaper/ARXIV:2409.11321";

fn refusal(answered: &Answered) -> (u16, Value) {
    assert_eq!(answered.headers[header::CONTENT_TYPE], "application/json", "{}", answered.text);
    (answered.status.as_u16(), answered.json())
}

/// Type, code and parameter of an error in OpenAI's shape, after checking the shape.
fn openai(answered: &Answered) -> (u16, String, String, Option<String>) {
    let (status, body) = refusal(answered);
    let error = body["error"].as_object().unwrap();
    assert_eq!(error.keys().collect::<Vec<_>>(), ["code", "message", "param", "type"], "{body}");
    assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()));
    let text = |name: &str| error[name].as_str().map(str::to_owned);
    (status, text("type").unwrap(), text("code").unwrap(), text("param"))
}

#[tokio::test]
async fn openai_embeddings() {
    let app = TestApp::ready();
    let answered = app.post("/v1/embeddings", r#"{"input":["adam","돌","adam"],"model":"toy"}"#).await;
    assert_eq!(answered.status, 200, "{}", answered.text);
    assert!(!answered.headers.contains_key("x-paperkin-model"));
    let body = answered.json();
    assert_eq!((&body["object"], &body["model"]), (&json!("list"), &json!("toy")));
    assert_eq!(body["usage"], json!({"prompt_tokens": 9, "total_tokens": 9}));
    let data = body["data"].as_array().unwrap();
    for (index, row) in data.iter().enumerate() {
        assert_eq!((&row["object"], &row["index"]), (&json!("embedding"), &json!(index)));
        assert_eq!(row["embedding"].as_array().unwrap().len(), 64);
    }
    assert_eq!(data[0]["embedding"], data[2]["embedding"]);
    assert_ne!(data[0]["embedding"], data[1]["embedding"]);

    let coded = r#"{"input":"adam","model":"ada-002","encoding_format":"base64","dimensions":64,"user":"u"}"#;
    let coded = app.post("/v1/embeddings", coded).await;
    assert_eq!(coded.headers["x-paperkin-model"], "toy", "another model was named");
    let bytes = STANDARD.decode(coded.json()["data"][0]["embedding"].as_str().unwrap()).unwrap();
    let values: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect();
    let floats: Vec<f32> = serde_json::from_value(data[0]["embedding"].clone()).unwrap();
    assert_eq!(values, floats);

    let model = json!({"id": "toy", "object": "model", "created": 0, "owned_by": "paperkin"});
    assert_eq!(app.get("/v1/models").await.json(), json!({"object": "list", "data": [model]}));
    assert_eq!(app.get("/v1/models/toy").await.json(), model);
    let unknown = openai(&app.get("/v1/models/intfloat%2Fe5").await);
    assert_eq!((unknown.0, unknown.2.as_str()), (404, "model_not_found"));
}

#[tokio::test]
async fn openai_refusals() {
    let app = TestApp::ready();
    let long = "a".repeat(401);
    let much = "a".repeat(301);
    for (body, code, param) in [
        (json!({"input": []}), "empty_array", Some("input")),
        (json!({"input": ["a", ""]}), "empty_string", Some("input")),
        (json!({"input": [1, 2]}), "unsupported_value", Some("input")),
        (json!({"input": [[1], [2]]}), "unsupported_value", Some("input")),
        (json!({"input": vec!["a"; 5]}), "array_above_max_length", Some("input")),
        (json!({"input": ["a", long]}), "context_length_exceeded", Some("input")),
        (json!({"input": [much, much]}), "max_tokens_per_request", Some("input")),
        (json!({"input": "a", "dimensions": 32}), "unsupported_value", Some("dimensions")),
        (
            json!({"input": "a", "input_type": "query", "prompt_name": "passage"}),
            "invalid_value",
            Some("input_type"),
        ),
        (json!({"input": "a", "input_type": "title"}), "invalid", None),
        (json!({"input": "a", "encoding_format": "int8"}), "invalid", None),
        (json!({"input": "a", "inputs": "a"}), "invalid", None),
        (json!({"input": [1, "a"]}), "invalid", None),
        (json!({"model": "toy"}), "invalid", None),
    ] {
        let told = openai(&app.post("/v1/embeddings", body.to_string()).await);
        let told = (told.0, told.1.as_str(), told.2.as_str(), told.3.as_deref());
        assert_eq!(told, (400, "invalid_request_error", code, param), "{body}");
    }
    let told = app.post("/v1/embeddings", json!({"input": ["a", long]}).to_string()).await.text;
    assert!(told.contains("input[1]") && told.contains("401 tokens") && told.contains("400"), "{told}");
}

#[tokio::test]
async fn tei_embed() {
    let app = TestApp::ready();
    let answered =
        app.post("/embed", r#"{"inputs":["adam","돌"],"prompt_name":"query","normalize":true}"#).await;
    assert_eq!(answered.status, 200, "{}", answered.text);
    let vectors = answered.json();
    assert_eq!(
        vectors.as_array().unwrap().iter().map(|row| row.as_array().unwrap().len()).collect::<Vec<_>>(),
        [64, 64]
    );
    assert_eq!(
        (&answered.headers["x-compute-tokens"], &answered.headers["x-compute-characters"]),
        (&"5".parse().unwrap(), &"5".parse().unwrap())
    );
    for name in ["x-compute-time", "x-total-time", "x-tokenization-time", "x-queue-time", "x-inference-time"]
    {
        assert!(answered.headers[name].to_str().unwrap().parse::<u64>().is_ok(), "{name}");
    }
    let one = app.post("/embed", r#"{"inputs":"adam","unknown":1}"#).await.json();
    assert_eq!(one, json!([vectors[0]]));

    // 400 tokens are read, a character each: the end is cut off, or the beginning.
    let long = format!("{}{}", "ab".repeat(200), "cd".repeat(50));
    let cut = async |direction: Value| {
        let body = json!({"inputs": long, "truncate": true, "truncation_direction": direction});
        let answered = app.post("/embed", body.to_string()).await;
        assert_eq!(answered.headers["x-compute-tokens"], "400");
        answered.json()
    };
    let of = async |text: &str| app.post("/embed", json!({"inputs": text}).to_string()).await.json();
    assert_eq!(cut(json!("Right")).await, of(&long[..400]).await);
    assert_eq!(cut(json!("left")).await, of(&long[100..]).await);
    assert_ne!(of(&long[..400]).await, of(&long[100..]).await);

    let info = app.get("/info").await.json();
    assert_eq!((&info["model_id"], &info["max_input_length"]), (&json!("toy"), &json!(400)));
    assert_eq!((&info["max_client_batch_size"], &info["auto_truncate"]), (&json!(4), &json!(false)));
    assert_eq!(info["model_type"], json!({"embedding": {"pooling": "mean"}}));
}

#[tokio::test]
async fn tei_refusals() {
    let app = TestApp::ready();
    let long = "a".repeat(401);
    for (body, status, kind) in [
        (json!({"inputs": []}), 400, "Empty"),
        (json!({"inputs": ["a", ""]}), 413, "Validation"),
        (json!({"inputs": [1, 2]}), 413, "Validation"),
        (json!({"inputs": vec!["a"; 5]}), 413, "Validation"),
        (json!({"inputs": ["a", long]}), 413, "Validation"),
        (json!({"inputs": long, "truncate": false}), 413, "Validation"),
        (json!({"inputs": "a", "normalize": false}), 413, "Validation"),
        (json!({"inputs": "a", "dimensions": 65}), 413, "Validation"),
        (json!({"inputs": "a", "prompt_name": "title"}), 413, "Validation"),
        (json!({"inputs": 7}), 422, "Validation"),
        (json!({"input": "a"}), 422, "Validation"),
    ] {
        let (told, error) = refusal(&app.post("/embed", body.to_string()).await);
        assert_eq!((told, error["error_type"].as_str()), (status, Some(kind)), "{body}: {error}");
        assert_eq!(error.as_object().unwrap().keys().collect::<Vec<_>>(), ["error", "error_type"]);
    }
}

#[tokio::test]
async fn semantic_scholar_papers() {
    let app = TestApp::ready();
    let title = "SOAP: Improving and Stabilizing Shampoo using Adam";
    for id in [
        "ARXIV:2409.11321",
        "arxiv:2409.11321",
        "URL:https://arxiv.org/abs/2409.11321v2",
        "DOI:10.48550/arXiv.2409.11321",
    ] {
        let shown = app.get(&format!("/graph/v1/paper/{id}")).await;
        assert_eq!(shown.json(), json!({"paperId": "arxiv:2409.11321", "title": title}), "{id}");
    }
    let doi = app
        .get("/graph/v1/paper/DOI:10.1145/3292500.3330701?fields=externalIds,year,venue,citationCount")
        .await;
    assert_eq!(
        doi.json(),
        json!({
            "paperId": "doi:10.1145/3292500.3330701", "externalIds": {"DOI": "10.1145/3292500.3330701"}, "year": 2026,
            "venue": "", "citationCount": null
        })
    );
    let rows =
        app.post("/graph/v1/paper/batch", r#"{"ids":["foo","ARXIV:2409.11321","ARXIV:9901.00001"]}"#).await;
    assert_eq!(rows.json(), json!([null, {"paperId": "arxiv:2409.11321", "title": title}, null]));

    let related = app.get("/v1/papers/arxiv:2409.11321/related").await.ids();
    let ids = |answered: &Answered| -> Vec<String> {
        let body = answered.json();
        let papers = body["recommendedPapers"].as_array().unwrap_or_else(|| panic!("{body}"));
        papers.iter().map(|paper| paper["paperId"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&app.get(&format!("{FOR_SOAP}?from=recent&limit=20")).await), related);
    assert_eq!(ids(&app.get(&format!("{FOR_SOAP}?limit=2")).await), related[..2]);
    let from_lists = r#"{"positivePaperIds":["ARXIV:2409.11321"],"negativePaperIds":null}"#;
    for path in ["/recommendations/v1/papers/", "/recommendations/v1/papers"] {
        assert_eq!(ids(&app.post(path, from_lists).await), related);
    }
    let unlike = r#"{"positivePaperIds":["ARXIV:2409.11321"],"negativePaperIds":["ARXIV:2408.15881"]}"#;
    assert!(
        !ids(&app.post("/recommendations/v1/papers/", unlike).await).contains(&"arxiv:2408.15881".into())
    );
}

#[tokio::test]
async fn semantic_scholar_search_pages() {
    let app = TestApp::ready();
    let ours = app.get("/v1/search?q=shampoo%20adam").await.ids();
    assert!(ours.len() > 2);
    let page = async |more: &str| {
        app.get(&format!("/graph/v1/paper/search?query=shampoo%20adam{more}")).await.json()
    };
    let whole = page("&limit=20").await;
    let found: Vec<&str> =
        whole["data"].as_array().unwrap().iter().map(|paper| paper["paperId"].as_str().unwrap()).collect();
    assert_eq!(found, ours);
    assert_eq!((&whole["total"], &whole["offset"], whole.get("next")), (&json!(ours.len()), &json!(0), None));
    let second = page("&limit=1&offset=1").await;
    assert_eq!((&second["data"][0]["paperId"], &second["next"]), (&json!(ours[1]), &json!(2)));
    let last = page(&format!("&limit=1&offset={}", ours.len() - 1)).await;
    assert_eq!(
        (last["data"].as_array().unwrap().len(), last.get("next")),
        (1, None),
        "the last page has no next"
    );
    assert_eq!(page("&limit=20&year=1999").await["data"], json!([]));
    assert_eq!(
        page("&limit=20&publicationDateOrYear=2026-05:").await["data"].as_array().unwrap().len(),
        ours.len()
    );
    assert_eq!(page("&limit=20&year=2026&publicationDateOrYear=:2025").await["data"], json!([]), "both hold");
}

#[tokio::test]
async fn semantic_scholar_refusals() {
    let app = TestApp::ready();
    for (path, status, told) in [
        ("/graph/v1/paper/foo", 404, "Paper with id foo not found"),
        ("/graph/v1/paper/CorpusId:1", 404, "Paper with id CorpusId:1 not found"),
        ("/graph/v1/paper/ARXIV:9901.00001", 404, "Paper with id ARXIV:9901.00001 not found"),
        (
            "/graph/v1/paper/ARXIV:2409.11321/citations?limit=1",
            404,
            "This library has no citations, references or author pages",
        ),
        (
            "/graph/v1/paper/DOI:10.1145/1.2/references?limit=1",
            404,
            "This library has no citations, references or author pages",
        ),
        ("/graph/v1/paper/ARXIV:2409.11321?fields=a,title", 400, "Unrecognized or unsupported fields: [a]"),
        ("/graph/v1/paper/ARXIV:2409.11321?field=title", 400, "Unacceptable query params: [field=title]"),
        ("/graph/v1/paper/search?query=a&limit=101", 400, "'limit' must be <= 100"),
        ("/graph/v1/paper/search?query=a&limit=0", 400, "Unacceptable query params: [limit=0]"),
        ("/graph/v1/paper/search?query=a&limit=1&venue=ACL", 400, "Unacceptable query params: [venue=ACL]"),
        (
            "/graph/v1/paper/search?query=a&limit=1&year=2019-03-01",
            400,
            "Unacceptable query params: [year=2019-03-01]",
        ),
        (
            "/graph/v1/paper/search?query=adam&limit=1&offset=49",
            400,
            "Requested data for this limit and/or offset is not available",
        ),
        (
            "/graph/v1/paper/search?query=adam&limit=1&offset=999",
            400,
            "Requested data for this limit and/or offset is not available",
        ),
        ("/graph/v1/paper/search?limit=1", 400, "Missing required query param: query"),
        (&format!("{FOR_SOAP}?limit=501"), 400, "'limit' must be <= 500"),
        (&format!("{FOR_SOAP}?from=all"), 400, "Unacceptable query params: [from=all]"),
        (&format!("{FOR_SOAP}?fields=tldr"), 400, "Unrecognized or unsupported fields: [tldr]"),
    ] {
        let (code, body) = refusal(&app.get(path).await);
        assert_eq!((code, body), (status, json!({ "error": told })), "{path}");
    }
    for (path, body, status) in [
        ("/graph/v1/paper/batch", r#"{"ids":["foo"]}"#, 400),
        ("/graph/v1/paper/batch", r#"{"ids":7}"#, 400),
        ("/recommendations/v1/papers/", r#"{"positivePaperIds":[]}"#, 400),
        ("/recommendations/v1/papers/", r#"{"positivePaperIds":["foo"]}"#, 404),
        ("/recommendations/v1/papers/", "{", 400),
    ] {
        let (code, told) = refusal(&app.post(path, body).await);
        assert_eq!(code, status, "{path} {body}");
        assert!(told["error"].is_string(), "{told}");
    }
    let many = json!({"ids": vec!["foo"; 501]}).to_string();
    let (code, told) = refusal(&app.post("/graph/v1/paper/batch", many).await);
    assert_eq!((code, &told), (400, &json!({"error": "501 ids given, at most 500 are allowed"})));
}

#[tokio::test]
async fn a_layer_refuses_in_the_words_of_the_face() {
    let app = TestApp::ready();
    let huge = format!("{{\"input\":\"{}\"}}", "a".repeat(64 * 1024));
    let told = openai(&app.post("/v1/embeddings", huge.clone()).await);
    assert_eq!((told.0, told.2.as_str()), (413, "body_too_large"));
    let (status, told) = refusal(&app.post("/embed", huge.clone()).await);
    assert_eq!((status, &told["error_type"]), (413, &json!("Validation")));
    let (status, told) = refusal(&app.post("/graph/v1/paper/batch", huge).await);
    assert!(status == 413 && told["error"].is_string(), "{told}");

    let foreign = async |path: &str| {
        let request = request("POST", path).header(header::ORIGIN, "https://evil.example");
        app.send(request.body(Body::empty()).unwrap()).await
    };
    assert_eq!(openai(&foreign("/v1/embeddings").await).0, 403);
    assert!(refusal(&foreign("/embed").await).1["error_type"].is_string());
    let (status, told) = refusal(&foreign("/recommendations/v1/papers/").await);
    assert!(status == 403 && told["message"].is_string(), "{told}");

    let wrong = app.get("/v1/embeddings").await;
    assert_eq!((openai(&wrong).0, &wrong.headers[header::ALLOW]), (405, &"POST".parse().unwrap()));
    assert_eq!(openai(&app.get("/v1/models/a/b").await).0, 404);
    assert_eq!(refusal(&app.get("/graph/v1/author/1741101").await).0, 404);

    let panicking =
        openai(&app.post("/v1/embeddings", json!({"input": ToyEncoder::PANIC}).to_string()).await);
    assert_eq!((panicking.0, panicking.1.as_str()), (500, "server_error"));
    let (status, told) = refusal(&app.post("/embed", json!({"inputs": ToyEncoder::PANIC}).to_string()).await);
    assert_eq!((status, &told["error_type"]), (424, &json!("Backend")));
    let asked = format!("/graph/v1/paper/search?limit=1&query={}", ToyEncoder::PANIC.replace(' ', "%20"));
    let (status, told) = refusal(&app.get(&asked).await);
    assert!(status == 500 && told["message"].is_string(), "{told}");
    assert_eq!(app.get("/v1/search?q=adam").await.status, 200, "the permit came back");
}

#[tokio::test]
async fn who_is_not_ready_says_so_in_the_words_of_the_face() {
    let app = TestApp::loading();
    let answered = app.post("/v1/embeddings", r#"{"input":"a"}"#).await;
    assert_eq!((openai(&answered).0, &answered.headers[header::RETRY_AFTER]), (503, &"1".parse().unwrap()));
    let (status, told) = refusal(&app.post("/embed", r#"{"inputs":"a"}"#).await);
    assert_eq!((status, &told["error_type"]), (503, &json!("Unhealthy")));
    let (status, told) = refusal(&app.get("/graph/v1/paper/ARXIV:2409.11321").await);
    assert!(status == 429 && told["message"].is_string(), "its client takes 503 for an empty paper: {told}");
    assert_eq!(app.get("/v1/search?q=a").await.code(), "not_ready", "our own API has our own words");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_answered_between_the_turns_of_many_texts() {
    let library = ToyLibrary::of(papers());
    let limits = Limits { texts: 256, text_tokens: 65_536, body_bytes: 1 << 20, ..Limits::for_testing() };
    let state = AppState::new(limits, Access::default(), library.folder.path().to_owned());
    let encoder = Arc::clone(&library.encoder);
    state.start(LoadedModel { encoder, prior: Centring::none() }).unwrap();
    let app = Arc::new(TestApp { library, routes: router(state) });
    app.library.encoder.slowness.store(300, Ordering::SeqCst);
    let many = {
        let app = Arc::clone(&app);
        tokio::spawn(async move {
            let body = json!({"input": vec!["ab".repeat(200); 20]});
            let answered = app.post("/v1/embeddings", body.to_string()).await;
            assert_eq!(answered.json()["data"].as_array().unwrap().len(), 20);
            Instant::now()
        })
    };
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(app.get("/v1/search?q=adam").await.status, 200);
    let answered = Instant::now();
    assert!(answered < many.await.unwrap(), "the question waited for all the texts");
}
