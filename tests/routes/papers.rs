//! Papers are added and removed over HTTP: what is acknowledged is on disk, what is removed is never shown again.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::http::header;
use futures_util::StreamExt;
use paperkin::store::{Store, Writer};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::app::{Answered, TestApp, TestServer, papers, request};
use crate::support::toy::{ToyEncoder, ToyLibrary};

const KOREAN: &str = r#"{"title":"그래프 신경망의 과평활화","arxiv_id":"2601.00001","abstract":"층이 깊어지면 노드 표현이 서로 같아집니다."}"#;
const CHINESE: &str =
    r#"{"title":"稀疏注意力的硬件实现","arxiv_id":"2601.00002","abstract":"我们在芯片上实现稀疏注意力。"}"#;
const ENGLISH: &str =
    r#"{"title":"Wavelets for Weather","arxiv_id":"2601.00003","abstract":"Wavelet bases for forecasts."}"#;

impl TestApp {
    async fn add(&self, text: impl Into<Body>) -> Answered {
        self.send(request("POST", "/v1/papers").body(text.into()).unwrap()).await
    }

    async fn remove(&self, id: &str) -> Answered {
        self.send(request("DELETE", &format!("/v1/papers/{id}")).body(Body::empty()).unwrap()).await
    }

    /// The task of an upload, when it has ended.
    async fn ended(&self, upload: &Answered) -> Value {
        assert_eq!(upload.status, 202, "{}", upload.text);
        let path = upload.headers[header::LOCATION].to_str().unwrap().to_owned();
        let started = Instant::now();
        loop {
            let task = self.get(&path).await.json();
            if !matches!(task["state"].as_str(), Some("queued" | "running")) {
                return task;
            }
            assert!(started.elapsed() < Duration::from_secs(60), "{task}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// `count` papers that nothing else resembles, as JSON lines.
fn many(count: usize) -> String {
    numbered(0..count)
}

fn numbered(numbers: std::ops::Range<usize>) -> String {
    numbers
        .map(|number| {
            let text = format!("Paper number {number} about the matter {}. ", number * 7919);
            let id = format!("2602.{number:05}");
            json!({"title": format!("Matter {number}"), "arxiv_id": id, "abstract": text.repeat(4)})
                .to_string()
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_is_on_disk_shown_at_once_and_found_when_the_task_is_done() {
    let app = TestApp::ready();
    let text = format!("{KOREAN}\n{{\"title\":7}}\n{CHINESE}\n");
    let added = app.add(text.clone()).await;
    assert_eq!(added.status, 202, "{}", added.text);
    let store = Store::open(app.library.folder.path()).unwrap();
    for id in ["arxiv:2601.00001", "arxiv:2601.00002"] {
        assert!(store.paper_by_name(&id.parse().unwrap()).unwrap().is_some(), "{id} is not on disk");
        assert_eq!(app.get(&format!("/v1/papers/{id}")).await.status, 200);
    }
    let body = added.json();
    assert_eq!(
        body["acknowledged"],
        json!([
            {"id": "arxiv:2601.00001", "change": "new", "line": 1},
            {"id": "arxiv:2601.00002", "change": "new", "line": 3},
        ])
    );
    assert_eq!(
        body["counts"],
        json!({"records": 2, "new": 2, "changed": 0, "unchanged": 0, "removed": 0, "refused": 1})
    );
    assert_eq!(body["refused"][0]["line"], 2);
    let source = &app.get("/v1/papers/2601.00001").await.json()["other_abstracts"];
    assert_eq!(source, &json!([]));
    let task = app.ended(&added).await;
    assert_eq!(task["state"], "done", "{task}");
    assert_eq!((&task["papers"], &task["error"]), (&json!(2), &Value::Null));
    assert_eq!(task["passages"]["total"], task["passages"]["done"]);
    for field in ["created", "started", "finished"] {
        assert!(task[field].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{field}: {task}");
    }
    let found = app.get("/v1/search?q=%EA%B7%B8%EB%9E%98%ED%94%84%20%EC%8B%A0%EA%B2%BD%EB%A7%9D").await;
    assert_eq!(found.ids()[0], "arxiv:2601.00001");
    assert_eq!(app.get("/v1/tasks").await.json()["tasks"][0]["id"], task["id"]);

    let again = app.add(text).await;
    assert_eq!(again.json()["counts"]["unchanged"], 2, "{}", again.text);
    assert_eq!(app.ended(&again).await["state"], "done");
    assert_eq!(app.get("/readyz").await.json()["papers"], 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_under_the_same_name_replaces_what_it_said() {
    let app = TestApp::ready();
    for (title, change) in [("Wavlets", "new"), ("Wavelets", "changed")] {
        let text = json!({"title": title, "arxiv_id": "2601.00003"}).to_string();
        let asked = request("POST", "/v1/papers?name=%EC%9D%BD%EC%9D%84%20%EA%B2%83").body(text.into());
        let added = app.send(asked.unwrap()).await;
        assert_eq!(added.json()["acknowledged"][0]["change"], change, "{}", added.text);
    }
    assert_eq!(app.get("/v1/papers/2601.00003").await.json()["title"], "Wavelets");
    let long = "a".repeat(201);
    for name in ["", "%20", "a%0Ab", "a%00b", "%E2%80%A8", long.as_str()] {
        let asked = request("POST", &format!("/v1/papers?name={name}")).body(ENGLISH.into()).unwrap();
        let refused = app.send(asked).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (422, "invalid"), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_removed_is_never_shown_again() {
    let app = TestApp::ready();
    let text = format!("{ENGLISH}\n{CHINESE}");
    let added = app.add(text.clone()).await;
    app.ended(&added).await;
    assert_eq!(app.get("/v1/search?q=Wavelets%20for%20Weather").await.ids()[0], "arxiv:2601.00003");
    let alias = app.get("/v1/papers/2601.00003").await.json()["aliases"][0].as_str().unwrap().to_owned();
    let removed = app.remove(&alias).await;
    assert_eq!((removed.status.as_u16(), removed.json()), (200, json!({"removed": "arxiv:2601.00003"})));
    for path in [
        "/v1/search?q=Wavelets%20for%20Weather&limit=50",
        "/v1/search?q=arxiv:2601.00003&limit=50",
        "/v1/papers/2601.00002/related?limit=50",
        "/v1/export",
        "/?q=Wavelets%20for%20Weather",
    ] {
        let answered = app.get(path).await;
        assert_eq!(answered.status, 200, "{path}");
        // The question itself may be repeated.
        assert!(!answered.text.contains("Wavelet bases"), "{path}: {}", answered.text);
    }
    assert_eq!(app.get("/v1/papers/2601.00003").await.code(), "unknown_paper");
    assert_eq!(app.remove("2601.00003").await.code(), "unknown_paper");
    let again = app.add(text).await;
    let body = again.json();
    assert_eq!((&body["counts"]["removed"], &body["counts"]["unchanged"]), (&json!(1), &json!(1)), "{body}");
    app.ended(&again).await;
    assert_eq!(app.get("/v1/papers/2601.00003").await.code(), "unknown_paper");
    for (id, status) in [("foo", 400), ("%FF", 400), ("2001.00001", 404)] {
        assert_eq!(app.remove(id).await.status, status, "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_writer_is_told_the_holders_pid_and_readers_go_on() {
    let app = TestApp::ready();
    let held = Writer::open_existing(app.library.folder.path()).unwrap();
    let pid = format!("process {}", std::process::id());
    for refused in [app.add(ENGLISH).await, app.remove("2408.15881").await] {
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (409, "locked"));
        assert!(refused.text.contains(&pid), "{}", refused.text);
    }
    assert_eq!(app.get("/v1/search?q=adam").await.status, 200);
    assert_eq!(app.get("/v1/papers/2408.15881").await.status, 200);
    drop(held);
    // A process that another test starts just now has inherited the lock until it becomes another program.
    let started = Instant::now();
    while app.add(ENGLISH).await.status != 202 {
        assert!(started.elapsed() < Duration::from_secs(2), "the lock is still held");
    }
    assert_eq!(app.remove("2408.15881").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_and_writers_go_before_embedding() {
    let app = TestApp::ready();
    app.library.encoder.slowness.store(100, Ordering::SeqCst);
    let first = app.add(many(60)).await;
    let path = first.headers[header::LOCATION].to_str().unwrap().to_owned();
    let state = async || app.get(&path).await.json()["state"].as_str().unwrap().to_owned();
    while state().await == "queued" {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let started = Instant::now();
    let asked = app.get("/v1/search?q=adam").await;
    assert_eq!(asked.status, 200, "{}", asked.text);
    let second = app.add(KOREAN).await;
    assert_eq!(second.status, 202, "{}", second.text);
    assert_eq!(app.remove("2602.00007").await.status, 200);
    assert!(started.elapsed() < Duration::from_millis(1_500), "{:?}", started.elapsed());
    assert_eq!(state().await, "running", "the test is too quick to show anything");
    assert_eq!(app.ended(&second).await["state"], "done");
    let done = app.ended(&first).await;
    assert_eq!(done["state"], "done", "{done}");
    assert!(done["tokens_per_second"].as_f64().unwrap() > 0.0, "{done}");
    let counts = Store::open(app.library.folder.path()).unwrap().counts().unwrap();
    assert_eq!((counts.papers, counts.pending, counts.uncut), (5 + 60, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_sites_change_nothing() {
    let app = TestApp::ready();
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "http://localhost:8000"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        for (method, path) in [("POST", "/v1/papers"), ("DELETE", "/v1/papers/2408.15881")] {
            let asked = request(method, path).header(name, value).header("content-type", "text/plain");
            let refused = app.send(asked.body(ENGLISH.into()).unwrap()).await;
            assert_eq!(
                (refused.status.as_u16(), refused.code().as_str()),
                (403, "foreign_origin"),
                "{name} {value}"
            );
        }
    }
    assert_eq!(app.get("/v1/papers/2408.15881").await.status, 200);
    assert_eq!(app.get("/v1/papers/2601.00003").await.status, 404);
    let own = request("POST", "/v1/papers")
        .header("origin", "http://localhost:7117")
        .header("sec-fetch-site", "same-origin");
    assert_eq!(app.send(own.body(ENGLISH.into()).unwrap()).await.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_holds_no_paper_is_refused_with_the_reason() {
    let app = TestApp::ready();
    let deep = "[".repeat(60_000);
    let names = "@article{".repeat(6_000);
    for (body, status, told) in [
        (b"".as_slice(), 400, "empty"),
        (b" \n\t\r\n ", 400, "empty"),
        (b"[]", 422, ""),
        (b"{", 422, "line 1"),
        (b"{\"title\":7}\n{\"title\":8}", 422, "line 2"),
        (b"\x1f\x8b\x08\x00\x00\x00\x00\x00", 422, "gunzip"),
        (b"PK\x03\x04 a zip", 422, "zip"),
        (b"%PDF-1.7 ...", 422, "PDF"),
        (b"\xc7\xd1\xb1\xdb\n", 422, "iconv"),
        (b"\xff\xfe\x00\xd8a\0", 422, "UTF-16"),
        (b"\0\0\0\0", 422, ""),
        (b"buy milk", 422, ""),
        (b"@article{x, title = {", 422, ""),
        (b"TY  - JOUR\nER  -", 422, ""),
        (b"<?xml version=\"1.0\"?><feed", 422, ""),
        (deep.as_bytes(), 422, ""),
        (names.as_bytes(), 422, ""),
    ] {
        let refused = app.add(body.to_vec()).await;
        let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        assert_eq!(refused.status, status, "{shown}: {}", refused.text);
        assert!(refused.text.contains(told), "{shown}: {}", refused.text);
        refused.code();
    }
    assert_eq!(app.get("/readyz").await.json()["papers"], 5);
    assert_eq!(app.get("/v1/tasks").await.json()["tasks"], json!([]));
}

#[test]
fn a_body_over_the_limit_is_refused_with_and_without_its_length() {
    let server = TestServer::start(ToyLibrary::of(papers()));
    let head = "POST /v1/papers HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    let said = server.say(format!("{head}Content-Length: 70000\r\n\r\n").as_bytes());
    assert!(said.starts_with("HTTP/1.1 413") && said.contains("body_too_large"), "{said}");
    let chunk = format!("1000\r\n{}\r\n", " ".repeat(4096));
    let said = server
        .say(format!("{head}Transfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n", chunk.repeat(17)).as_bytes());
    assert!(said.starts_with("HTTP/1.1 413") && said.contains("body_too_large"), "{said}");
    // More than a question's body may have is fine.
    let text = format!("{KOREAN}{}", "\n".repeat(40_000));
    let said = server.say(format!("{head}Content-Length: {}\r\n\r\n{text}", text.len()).as_bytes());
    assert!(said.starts_with("HTTP/1.1 202"), "the model is not needed to acknowledge: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_tell_how_far_it_is_and_end_with_the_last_word() {
    let app = TestApp::ready();
    app.library.encoder.slowness.store(60, Ordering::SeqCst);
    let added = app.add(many(40)).await;
    let path = format!("{}/events", added.headers[header::LOCATION].to_str().unwrap());
    let started = Instant::now();
    let followed = app.get(&path).await;
    assert_eq!(followed.headers[header::CONTENT_TYPE], "text/event-stream");
    let events: Vec<(String, Value)> = followed
        .text
        .split("\n\n")
        .filter_map(|event| {
            let name = event.lines().find_map(|line| line.strip_prefix("event: "))?;
            let data = event.lines().find_map(|line| line.strip_prefix("data: "))?;
            Some((name.to_owned(), serde_json::from_str(data).unwrap()))
        })
        .collect();
    let (last, progress) = events.split_last().unwrap();
    assert_eq!((last.0.as_str(), &last.1["state"]), ("done", &json!("done")), "{events:?}");
    assert!(progress.len() >= 2 && progress.iter().all(|(name, _)| name == "progress"), "{events:?}");
    assert!(progress.len() as f64 <= started.elapsed().as_secs_f64() * 4.0 + 2.0, "too many: {events:?}");
    let done: Vec<u64> = events.iter().map(|(_, task)| task["passages"]["done"].as_u64().unwrap()).collect();
    assert!(done.is_sorted() && done.last() == Some(&40), "{done:?}");
    assert!(events.iter().any(|(_, task)| task["seconds_left"].as_f64().is_some_and(|left| left > 0.0)));
    let late = app.get(&path).await.text;
    assert_eq!(late.matches("event: ").count(), 1, "who comes late gets the last word: {late}");
    for path in ["/v1/tasks/none", "/v1/tasks/none/events"] {
        assert_eq!(app.get(path).await.code(), "unknown_task");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_an_event_stream_gives_its_place_back() {
    let app = TestApp::ready();
    app.library.encoder.slowness.store(200, Ordering::SeqCst);
    let added = app.add(many(60)).await;
    let path = format!("{}/events", added.headers[header::LOCATION].to_str().unwrap());
    let follow = async || {
        let asked = request("GET", &path).body(Body::empty()).unwrap();
        let mut events = app.routes.clone().oneshot(asked).await.unwrap().into_body().into_data_stream();
        assert!(events.next().await.unwrap().is_ok());
        events
    };
    let (first, second) = (follow().await, follow().await);
    let third = app.get(&path).await;
    assert_eq!((third.status.as_u16(), third.code().as_str()), (503, "overloaded"));
    drop(first);
    drop(follow().await);
    app.library.encoder.slowness.store(0, Ordering::SeqCst);
    let rest = to_bytes(Body::from_stream(second), usize::MAX).await.unwrap();
    assert!(String::from_utf8_lossy(&rest).contains("event: done"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_of_the_model_fails_the_task_and_not_the_service() {
    let app = TestApp::ready();
    let title = json!({"title": ToyEncoder::PANIC, "arxiv_id": "2601.00009"}).to_string();
    let task = {
        let added = app.add(title).await;
        app.ended(&added).await
    };
    assert_eq!(task["state"], "failed", "{task}");
    assert!(task["error"].as_str().unwrap().contains("defect"), "{task}");
    assert_eq!(app.get("/v1/search?q=adam").await.status, 200);
    assert_eq!(app.remove("2601.00009").await.status, 200);
    let added = app.add(ENGLISH).await;
    assert_eq!(app.ended(&added).await["state"], "done");
}

/// A disk of its own, as small as a library may be; only a superuser may have one.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(folder: &std::path::Path) -> Option<Self> {
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"])
            .arg(folder)
            .output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self(folder.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_said_searched_on_and_recovered_from() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_disk) = SmallDisk::mount(folder.path()) else {
        println!("skipped: no disk may be mounted here");
        return;
    };
    let ballast = folder.path().join("ballast");
    let library = ToyLibrary { folder, encoder: Default::default() };
    library.put(papers());
    let app = TestApp::over(library);
    // All the space that there is.
    let mut size = 1 << 20;
    let mut file = fs_err::File::create(&ballast).unwrap();
    while size > 0 {
        match std::io::Write::write(&mut file, &vec![1; size]) {
            Ok(written) if written > 0 => {}
            _ => size /= 2,
        }
    }
    drop(file);
    // The store has some room of its own, which it allocated before.
    let mut taken = 0;
    let mut waited = 0;
    let refused = loop {
        let answer = app.add(numbered(taken..taken + 200)).await;
        if answer.status == 409 && waited < 50 {
            // The worker writes; on a busy machine for longer than a request waits.
            waited += 1;
            continue;
        }
        if answer.status != 202 {
            break answer;
        }
        taken += 200;
        assert!(taken < 20_000, "the disk is never full");
    };
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (507, "disk_full"), "{}", refused.text);
    assert_eq!(app.get("/v1/search?q=adam").await.status, 200);
    assert_eq!(app.get("/v1/papers/2408.15881").await.status, 200);
    fs_err::remove_file(&ballast).unwrap();
    let added = app.add(numbered(taken..taken + 200)).await;
    assert_eq!(added.status, 202, "{}", added.text);
    assert_eq!(app.ended(&added).await["state"], "done");
    assert_eq!(app.get("/readyz").await.json()["papers"], 205 + taken);
}

/// `cargo test --release --test integration -- --ignored --nocapture measure_renewal`
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn measure_renewal() {
    for count in [5_000, 12_000] {
        let library = ToyLibrary { folder: tempfile::tempdir().unwrap(), encoder: Default::default() };
        let record = |number: usize| paperkin::paper::Record {
            source: paperkin::paper::Source { file: "a".into(), line: 1, slot: number.to_string() },
            ids: vec![format!("26{:02}.{:05}", number / 90_000 + 1, number).parse().unwrap()],
            title: format!("Paper {number}"),
            abstract_text: Some(format!("Sentence {} about it. ", number * 31).repeat(50)),
            ..Default::default()
        };
        library.put((0..count).map(record).collect());
        let app = TestApp::over(library);
        let added = app.add(ENGLISH).await;
        app.ended(&added).await;
        while app.get("/readyz").await.json()["index"] != "published" {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let ready = app.get("/readyz").await.text;
        for number in 0..3 {
            let started = Instant::now();
            assert_eq!(app.remove(&format!("2601.{:05}", number + 10)).await.status, 200);
            let removed = started.elapsed();
            let opening = Instant::now();
            drop(Writer::open_existing(app.library.folder.path()).unwrap());
            println!(
                "{ready}: removed and renewed in {removed:?}; a writer opened in {:?}",
                opening.elapsed()
            );
        }
        let started = Instant::now();
        let added = app.add(KOREAN).await;
        println!("added in {:?}", started.elapsed());
        app.ended(&added).await;
        println!("found after {:?}", started.elapsed());
    }
}
