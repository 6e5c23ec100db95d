//! The library is written out as a stream: in each format, for few at a time, for as long as somebody reads.

use std::io::Read;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::header;
use futures_util::StreamExt;
use paperkin::paper::{Record, Source};
use tower::ServiceExt;

use crate::support::app::{TestApp, TestServer, request};
use crate::support::toy::ToyLibrary;

/// So many that they do not fit into what the system keeps for a socket.
fn large() -> ToyLibrary {
    let record = |number: u32| Record {
        source: Source { file: "many.txt".into(), line: 1, slot: number.to_string() },
        title: format!("Paper {number}"),
        abstract_text: Some("긴 초록입니다. ".repeat(20) + &number.to_string()),
        ..Record::default()
    };
    let library = ToyLibrary { folder: tempfile::tempdir().unwrap(), encoder: Default::default() };
    // Text alone is what is exported.
    let mut writer = paperkin::store::Writer::open(library.folder.path(), "toy", 64).unwrap();
    writer.put_text((0..30_000).map(record).collect()).unwrap();
    drop(writer);
    library
}

#[tokio::test(flavor = "multi_thread")]
async fn each_format_has_its_type_its_name_and_all_papers() {
    let app = TestApp::ready();
    for (query, kind, file, mark) in [
        ("", "application/x-ndjson", "papers.jsonl", "\"title\":"),
        ("?format=jsonl&vectors=true", "application/x-ndjson", "papers.jsonl", "\"vectors\":"),
        ("?format=bibtex", "application/x-bibtex; charset=utf-8", "papers.bib", "\n  title"),
        ("?format=ris", "application/x-research-info-systems; charset=utf-8", "papers.ris", "TI  - "),
        ("?format=csl", "application/vnd.citationstyles.csl+json", "papers.json", "\"title\":"),
    ] {
        let written = app.get(&format!("/v1/export{query}")).await;
        assert_eq!(written.status, 200, "{}", written.text);
        assert_eq!(written.headers[header::CONTENT_TYPE], kind);
        let disposition = written.headers[header::CONTENT_DISPOSITION].to_str().unwrap();
        assert!(disposition.starts_with("attachment") && disposition.contains(file), "{disposition}");
        assert!(written.text.matches(mark).count() >= 5, "{query}: {}", written.text);
    }
    for query in ["?format=xml", "?format=ris&vectors=true", "?vectors=1", "?limit=5"] {
        assert_eq!(app.get(&format!("/v1/export{query}")).await.code(), "invalid", "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_export_too_many_is_told_so_and_who_leaves_makes_room() {
    let app = TestApp::over(large());
    let asked = request("GET", "/v1/export").body(Body::empty()).unwrap();
    let mut parcels = app.routes.clone().oneshot(asked).await.unwrap().into_body().into_data_stream();
    assert!(parcels.next().await.unwrap().is_ok());
    let refused = app.get("/v1/export").await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (503, "overloaded"));
    drop(parcels);
    let started = std::time::Instant::now();
    loop {
        let asked = request("GET", "/v1/export").body(Body::empty()).unwrap();
        let answered = app.routes.clone().oneshot(asked).await.unwrap();
        if answered.status() == 200 {
            let all = to_bytes(answered.into_body(), usize::MAX).await.unwrap();
            assert_eq!(all.iter().filter(|byte| **byte == b'\n').count(), 30_000);
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(5), "the place never came back");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[test]
fn who_reads_slowly_gets_all_of_it_after_the_deadline_of_requests() {
    let server = TestServer::start(large());
    let mut stream = server.connect();
    let ask = "GET /v1/export HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    std::io::Write::write_all(&mut stream, ask.as_bytes()).unwrap();
    let mut all = Vec::new();
    // Limits for testing end a request after 5 seconds.
    let mut buffer = vec![0; 256 * 1024];
    let started = std::time::Instant::now();
    while started.elapsed() < Duration::from_secs(6) {
        let read = stream.read(&mut buffer).unwrap();
        assert!(read > 0, "it ended early, or the library is too small to tell");
        all.extend_from_slice(&buffer[..read]);
        std::thread::sleep(Duration::from_millis(250));
    }
    stream.read_to_end(&mut all).unwrap();
    let text = String::from_utf8_lossy(&all);
    assert!(text.contains("Paper 29999") && text.ends_with("0\r\n\r\n"), "not whole");
    assert!(server.get("/healthz").starts_with("HTTP/1.1 200"));
}
