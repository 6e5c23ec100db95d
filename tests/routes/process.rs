//! The real binary with the real model: papers go in over HTTP, and a kill loses none that was acknowledged.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::paperkin;

/// `paperkin serve`, killed when dropped.
struct Served {
    process: Child,
    address: String,
}

impl Served {
    fn start(library: &Path) -> Self {
        let mut process = paperkin(library)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = BufReader::new(process.stderr.take().unwrap());
        let mut line = String::new();
        let address = loop {
            line.clear();
            assert!(told.read_line(&mut line).unwrap() > 0, "it ended before it listened");
            if let Some((_, rest)) = line.split_once("http://") {
                break rest.split('/').next().unwrap().to_owned();
            }
        };
        // Who stops listening to its log would stop it.
        std::thread::spawn(move || std::io::copy(&mut told, &mut std::io::sink()));
        Self { process, address }
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), body.to_owned())
    }

    fn json(&self, path: &str) -> Value {
        let (_, body) = self.ask("GET", path, "");
        serde_json::from_str(&body).unwrap_or_else(|_| panic!("no JSON: {body}"))
    }

    fn add(&self, text: &str) -> Value {
        let (status, body) = self.ask("POST", "/v1/papers", text);
        assert_eq!(status, 202, "{body}");
        serde_json::from_str(&body).unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Bundled, so that the test needs no data: a digest in two languages.
fn digest() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/sample");
    let mut texts: Vec<_> = fs_err::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "txt"))
        .collect();
    texts.sort();
    fs_err::read_to_string(&texts[0]).unwrap()
}

#[test]
fn where_there_is_no_library_an_empty_one_waits_for_its_first_paper() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&folder.path().join("new/library"));
    let started = Instant::now();
    let ready = loop {
        let (status, body) = served.ask("GET", "/readyz", "");
        if status == 200 {
            break body;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "{body}");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert!(ready.contains("\"papers\":0"), "{ready}");
    let (status, page) = served.ask("GET", "/library", "");
    assert!(status == 200 && page.contains("data-drop"), "a file can be dropped: {page}");
}

#[test]
fn a_digest_is_posted_followed_and_found_and_a_kill_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path());
    let added = served.add(&digest());
    let ids: Vec<&str> =
        added["acknowledged"].as_array().unwrap().iter().map(|each| each["id"].as_str().unwrap()).collect();
    assert!(ids.len() >= 5, "{added}");
    let events = format!("/v1/tasks/{}/events", added["task"]["id"].as_str().unwrap());
    let (status, followed) = served.ask("GET", &events, "");
    assert!(status == 200 && followed.contains("event: done"), "{followed}");
    let (_, found) =
        served.ask("POST", "/v1/papers?name=one", "{\"title\":\"Butterfly migration by satellite\"}");
    let task: Value = serde_json::from_str(&found).unwrap();
    let events = format!("/v1/tasks/{}/events", task["task"]["id"].as_str().unwrap());
    assert!(served.ask("GET", &events, "").1.contains("event: done"));
    let found =
        served.json("/v1/search?q=%EB%82%98%EB%B9%84%EC%9D%98%20%EC%9D%B4%EB%8F%99&limit=1&floor=none");
    assert_eq!(found["hits"][0]["title"], "Butterfly migration by satellite");

    // 300 papers take the model a minute; none is embedded when the answer comes.
    let many: String = (0..300)
        .map(|number| format!("{{\"title\":\"Later paper {number}\",\"arxiv_id\":\"2603.{number:05}\"}}\n"))
        .collect();
    let added = served.add(&many);
    assert_eq!(added["counts"]["new"], 300);
    drop(served);

    let served = Served::start(folder.path());
    let started = Instant::now();
    let ready = loop {
        let ready = served.json("/readyz");
        if ready["pending"] == 0 && served.json("/v1/tasks")["tasks"][0]["state"] == "done" {
            break ready;
        }
        assert!(started.elapsed() < Duration::from_secs(120), "{ready}");
        std::thread::sleep(Duration::from_millis(100));
    };
    assert_eq!(ready["papers"].as_u64().unwrap() as usize, ids.len() + 301, "{ready}");
    for number in [0, 150, 299] {
        assert_eq!(served.ask("GET", &format!("/v1/papers/2603.{number:05}"), "").0, 200);
    }
    let found = served.json("/v1/search?q=Later%20paper%20299&limit=1");
    assert_eq!(found["hits"][0]["id"], "arxiv:2603.00299");
}

#[test]
fn a_signal_ends_it_after_the_batch_and_its_event_streams() {
    let folder = tempfile::tempdir().unwrap();
    let mut served = Served::start(folder.path());
    let many: String =
        (0..600).map(|number| format!("{{\"title\":\"Paper {number} on winds\"}}\n")).collect();
    let added = served.add(&many);
    let events = format!("/v1/tasks/{}/events", added["task"]["id"].as_str().unwrap());
    let mut stream = TcpStream::connect(&served.address).unwrap();
    let ask = format!("GET {events} HTTP/1.1\r\nHost: {}\r\n\r\n", served.address);
    stream.write_all(ask.as_bytes()).unwrap();
    // It embeds: there is something to stop.
    let mut told = BufReader::new(stream);
    let mut line = String::new();
    while !line.contains("\"seconds_left\":") || line.contains("\"seconds_left\":null") {
        line.clear();
        assert!(told.read_line(&mut line).unwrap() > 0 && !line.contains("\"done\"}"), "{line}");
    }
    let asked = Command::new("kill").arg(served.process.id().to_string()).status().unwrap();
    assert!(asked.success());
    let started = Instant::now();
    let mut rest = String::new();
    let _ = told.read_to_string(&mut rest);
    assert!(rest.contains("event: stopped"), "{rest}");
    assert!(served.process.wait().unwrap().success());
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    let counts = paperkin::store::Store::open(folder.path()).unwrap().counts().unwrap();
    assert_eq!(counts.papers, 600);
    assert!(counts.pending + counts.uncut > 0, "the test is too slow to show anything");
}
