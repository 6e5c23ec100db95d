//! What cannot be answered is refused with the status that is documented, in JSON, and never with a 5xx of ours.

use axum::body::Body;
use axum::http::header;

use crate::support::app::{TestApp, request};
use crate::support::toy::ToyEncoder;

#[tokio::test]
async fn bad_addresses() {
    let app = TestApp::ready();
    let long = "a".repeat(2001);
    for (path, status, code) in [
        ("/v1/search", 422, "invalid"),
        ("/v1/search?q=", 422, "invalid"),
        ("/v1/search?q=%20%09%00", 422, "invalid"),
        ("/v1/search?q=%FF", 400, "bad_request"),
        ("/v1/search?q=%ED%A0%80", 400, "bad_request"),
        ("/v1/search?q=a&limit=0", 422, "invalid"),
        ("/v1/search?q=a&limit=-1", 422, "invalid"),
        ("/v1/search?q=a&limit=51", 422, "invalid"),
        ("/v1/search?q=a&limit=9223372036854775808", 422, "invalid"),
        ("/v1/search?q=a&limit=99999999999999999999", 422, "invalid"),
        ("/v1/search?q=a&limit=ten", 422, "invalid"),
        ("/v1/search?q=a&limit=1e3", 422, "invalid"),
        ("/v1/search?q=a&q=b", 422, "invalid"),
        ("/v1/search?q=a&order=date", 422, "invalid"),
        (&format!("/v1/search?q={long}"), 422, "invalid"),
        ("/v1/papers/2001.00001", 404, "unknown_paper"),
        ("/v1/papers/t:0123456789abcdef", 404, "unknown_paper"),
        ("/v1/papers/foo", 400, "bad_id"),
        ("/v1/papers/%FF", 400, "bad_request"),
        ("/v1/papers/..%2F..%2Fetc%2Fpasswd", 400, "bad_id"),
        ("/v1/papers/%2e%2e%2f%2e%2e%2fstore.redb", 400, "bad_id"),
        ("/v1/papers/..%5C..%5Cstore.redb", 400, "bad_id"),
        ("/v1/papers/%00", 400, "bad_id"),
        (&format!("/v1/papers/{long}"), 400, "bad_id"),
        ("/v1/papers/../store.redb", 404, "not_found"),
        ("/v1/papers/hep-ex/0307015", 404, "not_found"),
        ("/v1/papers/2001.00001/related", 404, "unknown_paper"),
        ("/v1/papers/2409.11321/related?limit=0", 422, "invalid"),
        ("/v1/papers/2409.11321/related?q=a", 422, "invalid"),
        ("/v1/papers/", 404, "not_found"),
        ("/v1", 404, "not_found"),
        ("/nothing", 404, "not_found"),
        ("/store.redb", 404, "not_found"),
    ] {
        let answered = app.get(path).await;
        assert_eq!(
            (answered.status.as_u16(), answered.code().as_str()),
            (status, code),
            "{path}: {}",
            answered.text
        );
    }
}

#[tokio::test]
async fn bad_bodies() {
    let app = TestApp::ready();
    let spaces = format!("{{\"query\":\"{}\"}}", " ".repeat(1024 * 1024));
    let deep = "[".repeat(10_000);
    for (path, body, status, code) in [
        ("/v1/search", "", 400, "bad_request"),
        ("/v1/search", "{", 400, "bad_request"),
        ("/v1/search", "\u{feff}{\"query\":\"a\"}", 400, "bad_request"),
        ("/v1/search", r#"{"query":"\ud800"}"#, 400, "bad_request"),
        ("/v1/search", &deep, 422, "invalid"),
        ("/v1/search", "null", 422, "invalid"),
        ("/v1/search", "{}", 422, "invalid"),
        ("/v1/search", r#"{"query":7}"#, 422, "invalid"),
        ("/v1/search", r#"{"query":""}"#, 422, "invalid"),
        ("/v1/search", r#"{"query":"\u0000"}"#, 422, "invalid"),
        ("/v1/search", r#"{"query":"🦙 ..."}"#, 200, ""),
        ("/v1/search", r#"{"query":"a","limit":0}"#, 422, "invalid"),
        ("/v1/search", r#"{"query":"a","limit":-1}"#, 422, "invalid"),
        ("/v1/search", r#"{"query":"a","limit":1.5}"#, 422, "invalid"),
        ("/v1/search", r#"{"query":"a","limit":9223372036854775808}"#, 422, "invalid"),
        ("/v1/search", r#"{"query":"a","limit":1e999}"#, 400, "bad_request"),
        ("/v1/search", r#"{"query":"a","limit":"10"}"#, 422, "invalid"),
        ("/v1/search", r#"{"query":"a","q":"b"}"#, 422, "invalid"),
        ("/v1/search", r#"{"query":"a","query":"b"}"#, 422, "invalid"),
        ("/v1/search", &spaces, 413, "body_too_large"),
        ("/v1/related", "{}", 422, "invalid"),
        ("/v1/related", r#"{"positive":[]}"#, 422, "invalid"),
        ("/v1/related", r#"{"positive":["foo"]}"#, 422, "invalid"),
        ("/v1/related", r#"{"positive":[{"text":" "}]}"#, 422, "invalid"),
        ("/v1/related", r#"{"positive":["2001.00001"]}"#, 404, "unknown_paper"),
        ("/v1/related", r#"{"positive":["2408.15881"],"negative":["a","a","a","a"]}"#, 422, "invalid"),
        (
            "/v1/related",
            r#"{"positive":["2408.15881"],"negative":["2409.11321","2409.11321","2409.11321","2409.11321"]}"#,
            422,
            "invalid",
        ),
        ("/v1/related", r#"{"positive":["2408.15881"],"alike":[]}"#, 422, "invalid"),
    ] {
        let answered = app.post(path, body.to_owned()).await;
        let shown: String = body.chars().take(80).collect();
        assert_eq!(answered.status, status, "{path} {shown}: {}", answered.text);
        if status != 200 {
            assert_eq!(answered.code(), code, "{path} {shown}: {}", answered.text);
        }
    }
    let answered = app.post("/v1/search", vec![b'{', b'"', 0xff, 0xfe, b'"', b'}']).await;
    assert_eq!(answered.status, 400);
    assert_eq!(answered.code(), "bad_request");
}

#[tokio::test]
async fn wrong_methods_and_types() {
    let app = TestApp::ready();
    for (method, path, allow) in
        [("DELETE", "/v1/search", "GET,HEAD,POST"), ("GET", "/v1/related", "POST"), ("POST", "/", "GET,HEAD")]
    {
        let answered = app.send(request(method, path).body(Body::empty()).unwrap()).await;
        assert_eq!((answered.status.as_u16(), answered.code().as_str()), (405, "method_not_allowed"));
        assert_eq!(answered.headers[header::ALLOW], allow);
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"] {
        let body = request("POST", "/v1/search")
            .header(header::CONTENT_TYPE, kind)
            .body(Body::from("{\"query\":\"a\"}"));
        let answered = app.send(body.unwrap()).await;
        assert_eq!((answered.status.as_u16(), answered.code().as_str()), (415, "not_json"), "{kind}");
    }
    let untyped =
        app.send(request("POST", "/v1/search").body(Body::from("{\"query\":\"a\"}")).unwrap()).await;
    assert_eq!(untyped.status, 415);
}

#[tokio::test]
async fn another_host_is_not_served() {
    let app = TestApp::ready();
    for host in ["evil.example", "localhost.evil.example:7117", "192.168.0.1", ""] {
        for path in ["/", "/v1/search?q=a", "/healthz", "/nothing"] {
            let asked =
                axum::http::Request::get(path).header(header::HOST, host).body(Body::empty()).unwrap();
            let answered = app.send(asked).await;
            assert_eq!(
                (answered.status.as_u16(), answered.code().as_str()),
                (421, "wrong_host"),
                "{host} {path}"
            );
        }
    }
    let nameless = axum::http::Request::get("/").body(Body::empty()).unwrap();
    assert_eq!(app.send(nameless).await.status, 421);
    for host in ["localhost", "127.0.0.1:7117", "[::1]:80"] {
        let asked =
            axum::http::Request::get("/healthz").header(header::HOST, host).body(Body::empty()).unwrap();
        assert_eq!(app.send(asked).await.status, 200, "{host}");
    }
}

#[tokio::test]
async fn a_panic_is_one_500() {
    let app = TestApp::ready();
    for _ in 0..3 {
        let answered = app.post("/v1/search", format!("{{\"query\":\"{}\"}}", ToyEncoder::PANIC)).await;
        assert_eq!((answered.status.as_u16(), answered.code().as_str()), (500, "internal"));
        assert!(answered.headers.contains_key("content-security-policy"));
        assert_eq!(app.get("/v1/search?q=adam").await.status, 200, "the permit came back");
    }
}
