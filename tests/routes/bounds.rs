//! A request ends in a stated time, memory is bounded, and who cannot be served now is told so.

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use paperkin::config::Limits;

use crate::support::app::{TestApp, TestServer, papers};
use crate::support::toy::ToyLibrary;

#[tokio::test]
async fn not_ready_says_why_and_when_to_come_back() {
    let app = TestApp::loading();
    assert_eq!(app.get("/healthz").await.status, 200);
    for path in ["/readyz", "/v1/search?q=a", "/v1/papers/2408.15881", "/v1/papers/2408.15881/related"] {
        let answered = app.get(path).await;
        assert_eq!((answered.status.as_u16(), answered.code().as_str()), (503, "not_ready"), "{path}");
        assert_eq!(answered.json()["error"]["message"], "loading the model");
        assert_eq!(answered.headers["retry-after"], "1");
    }
    let page = app.get("/?q=adam").await;
    assert_eq!(page.status, 503);
    assert!(
        page.text.contains("Loading the model.") && page.text.contains("http-equiv=\"refresh\""),
        "{}",
        page.text
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_too_many_is_told_so_at_once() {
    let app = Arc::new(TestApp::ready());
    let held = Limits::for_testing().requests;
    let encoder = Arc::clone(&app.library.encoder);
    let (release, wait) = std::sync::mpsc::channel::<()>();
    let (tell, holding) = std::sync::mpsc::channel();
    let holder = std::thread::spawn(move || {
        let _gate = encoder.hold();
        tell.send(()).unwrap();
        let _ = wait.recv();
    });
    holding.recv().unwrap();
    let waiting: Vec<_> = (0..held)
        .map(|number| {
            let app = Arc::clone(&app);
            // Different routes: the limit is the service's, not a route's.
            let path = if number % 2 == 0 { "/v1/search?q=adam" } else { "/?q=adam" };
            tokio::spawn(async move {
                // The request below may come first and take the last place for a moment.
                loop {
                    let status = app.get(path).await.status;
                    if status != 503 {
                        break status;
                    }
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let started = Instant::now();
    let refused = loop {
        let answered =
            tokio::time::timeout(Duration::from_millis(50), app.get("/v1/papers/2408.15881")).await;
        match answered {
            Ok(answered) if answered.status == 503 => break answered,
            let_in => {
                let status = let_in.map(|answered| answered.status);
                assert!(started.elapsed() < Duration::from_secs(4), "the limit does not hold: {status:?}");
            }
        }
    };
    assert_eq!(refused.code(), "overloaded");
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(app.get("/healthz").await.status, 200, "who is busy is alive");
    drop(release);
    holder.join().unwrap();
    for request in waiting {
        assert_eq!(request.await.unwrap(), 200, "who was let in is answered");
    }
    assert_eq!(app.get("/v1/papers/2408.15881").await.status, 200);
}

#[test]
fn slow_and_silent_clients_are_closed() {
    let server = TestServer::start(ToyLibrary::of(papers()));
    let header_time = Limits::for_testing().header_time;
    let closed = |first: &[u8], pause: Duration| {
        let mut stream = server.connect();
        stream.write_all(first).unwrap();
        let started = Instant::now();
        stream.set_read_timeout(Some(pause)).unwrap();
        let mut buffer = [0; 1024];
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(_) => {}
                // Nothing yet: one more byte of the header.
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    if !first.is_empty() && stream.write_all(b"x").is_err() {
                        break;
                    }
                }
                Err(_) => break,
            }
            assert!(started.elapsed() < header_time * 10, "still open");
        }
        started.elapsed()
    };
    assert!(closed(b"", Duration::from_millis(50)) >= header_time / 2, "silent");
    assert!(closed(b"GET / HT", Duration::from_millis(50)) >= header_time / 2, "a header that drips");
    assert!(
        closed(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", Duration::from_secs(1))
            >= header_time / 2
    );
}

#[test]
fn a_body_has_a_deadline_and_a_limit() {
    let server = TestServer::start(ToyLibrary::of(papers()));
    let head = "POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n";
    // Bytes that keep coming must not renew the deadline.
    let mut stream = server.connect();
    stream.write_all(format!("{head}Transfer-Encoding: chunked\r\n\r\n").as_bytes()).unwrap();
    let mut writer = stream.try_clone().unwrap();
    let dripping = std::thread::spawn(move || {
        while writer.write_all(b"1\r\n \r\n").is_ok() {
            std::thread::sleep(Duration::from_millis(30));
        }
    });
    let mut answer = [0; 32];
    let started = Instant::now();
    let read = stream.read(&mut answer).unwrap();
    assert!(started.elapsed() < Duration::from_secs(3));
    assert!(String::from_utf8_lossy(&answer[..read]).starts_with("HTTP/1.1 408"), "{answer:?}");
    drop(stream);
    dripping.join().unwrap();
    // A length that is said is not even waited for.
    let said = server.say(format!("{head}Content-Length: 1073741824\r\n\r\n").as_bytes());
    assert!(said.starts_with("HTTP/1.1 413") && said.contains("body_too_large"), "{said}");
}

#[test]
fn headers_are_limited() {
    let server = TestServer::start(ToyLibrary::of(papers()));
    let huge = format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(200_000));
    let mut stream = server.connect();
    let _ = stream.write_all(huge.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    assert!(server.get("/healthz").starts_with("HTTP/1.1 200"));
}

#[test]
fn it_serves_while_it_loads_and_follows_the_library() {
    let server = TestServer::start(ToyLibrary::of(papers()));
    assert!(server.get("/healthz").starts_with("HTTP/1.1 200"));
    assert!(server.get("/readyz").contains("loading the model"));
    server.loaded.send(()).unwrap();
    eventually(|| server.get("/readyz").starts_with("HTTP/1.1 200"));
    assert!(server.get("/v1/papers/2501.00001").starts_with("HTTP/1.1 404"));
    let mut later = papers().remove(4);
    later.ids = vec!["2501.00001".parse().unwrap()];
    later.title = "Something later".into();
    later.source.slot = "later".into();
    server.library.put(vec![later]);
    eventually(|| server.get("/v1/papers/2501.00001").starts_with("HTTP/1.1 200"));
    assert!(server.get("/v1/search?q=something%20later").contains("2501.00001"));
}

#[test]
fn a_library_that_is_not_there_yet_is_made_and_whoever_fills_it_is_followed() {
    let library = ToyLibrary { folder: tempfile::tempdir().unwrap(), encoder: Arc::default() };
    let server = TestServer::start(library);
    assert!(server.get("/").starts_with("HTTP/1.1 503"));
    server.loaded.send(()).unwrap();
    eventually(|| server.get("/readyz").contains("\"papers\":0"));
    assert!(server.get("/").starts_with("HTTP/1.1 200"));
    server.library.put(papers());
    eventually(|| server.get("/readyz").contains("\"papers\":5"));
}

fn eventually(true_at_last: impl Fn() -> bool) {
    let started = Instant::now();
    while !true_at_last() {
        assert!(started.elapsed() < Duration::from_secs(15), "never came true");
        std::thread::sleep(Duration::from_millis(50));
    }
}
