//! A full disk is named, costs nothing that was acknowledged, stops no search, and is forgotten when there is space.
//!
//! The real binary on a real file system of ten megabytes, mounted in a name space of its own: nothing to clean up, and
//! no rights needed where the kernel lets people have one. Elsewhere the test says so and passes; what
//! `src/store/faults.rs` tells of each single write it tells everywhere.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use paperkin::embed::{EncodeError, Encoder};
use paperkin::index::Centring;
use paperkin::paper::{Paper, PaperId, Record, Role, Source, UnitVector};
use paperkin::search::{Floor, Options, SearchRequest, Searcher};
use paperkin::store::{Store, StoreError, Writer};
use serde_json::Value;

use crate::support::paperkin;

const SMALL: &str = "PAPERKIN_TEST_SMALL_DISK";

#[test]
fn a_full_disk_is_named_stops_no_search_and_is_forgotten_when_there_is_space() {
    let mount = tempfile::tempdir().unwrap();
    let small = |script: &str| {
        let mut command = Command::new("unshare");
        let whole = format!("mount -t tmpfs -o size=10m tmpfs \"${SMALL}\" && {script}");
        command.args(["--mount", "--map-root-user", "sh", "-c", &whole]).env(SMALL, mount.path());
        command
    };
    if !small("true").output().is_ok_and(|output| output.status.success()) {
        println!("skipped: no file system can be mounted here");
        return;
    }
    for inside in ["inside_the_small_disk", "to_the_brim_inside_the_small_disk"] {
        let run = format!("exec \"$0\" --exact disk_full::{inside} --ignored --nocapture");
        let status = small(&run).arg(std::env::current_exe().unwrap()).status().unwrap();
        assert!(status.success(), "{inside}: {status}");
    }
}

/// Stands in for the model where a search is to be tried a thousand times, and the disk is what matters.
struct StandIn(String);

impl Encoder for StandIn {
    fn fingerprint(&self) -> &str {
        &self.0
    }

    fn dimension(&self) -> usize {
        384
    }

    fn token_limit(&self) -> usize {
        512
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.chars().count()
    }

    fn encode(&self, _: Role, texts: &[&str]) -> Result<Vec<UnitVector>, EncodeError> {
        let vector = |text: &&str| {
            let mut values = vec![0.1; 384];
            text.bytes().enumerate().for_each(|(at, byte)| values[(at * 31 + byte as usize) % 384] += 1.0);
            UnitVector::new(values)
        };
        Ok(texts.iter().map(vector).collect::<Result<Vec<_>, _>>()?)
    }
}

/// A real `serve` on the library; it ends with this.
struct Service {
    child: std::process::Child,
    address: String,
}

impl Service {
    fn start(library: &Path) -> Self {
        let mut command = paperkin(library);
        command.args(["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let address =
            lines.find_map(|line| Some(line.split_once("http://")?.1.split('/').next()?.to_owned()));
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address: address.unwrap() }
    }

    /// The answer to a question: its status, and how many papers there are to choose from.
    fn ask(&self) -> (String, u64) {
        let body = "{\"query\": \"어텐션 没有循环 attention\", \"floor\": \"none\"}";
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "POST /v1/search HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let total = serde_json::from_str::<Value>(body).ok().and_then(|body| body["total"].as_u64());
        (head.split(' ').nth(1).unwrap().to_owned(), total.unwrap_or(0))
    }

    /// Asks until there are at least so many papers to choose from.
    fn wait_for(&self, papers: u64) {
        let begin = Instant::now();
        while self.ask().1 < papers {
            assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", self.ask());
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ingest(library: &Path, source: &Path) -> Output {
    paperkin(library).args(["--json", "ingest"]).arg(source).output().unwrap()
}

fn acknowledged(output: &Output) -> BTreeSet<PaperId> {
    let text = String::from_utf8_lossy(&output.stdout);
    let events = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    events
        .filter(|event| event["event"] == "acknowledged")
        .map(|event| event["id"].as_str().unwrap().parse().unwrap())
        .collect()
}

/// Not a test of its own: run by the test above where `SMALL` names a file system of ten megabytes.
#[test]
#[ignore = "the inside of a test"]
fn inside_the_small_disk() {
    let disk = std::env::var_os(SMALL).expect("run by the test above");
    let disk = Path::new(&disk);
    let library = disk.join("library");
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/sample");
    let first = ingest(&library, &sample);
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
    let mut known = acknowledged(&first);
    let at_first = Store::open(&library).unwrap().counts().unwrap();
    let service = Service::start(&library);
    service.wait_for(at_first.papers);

    // More than the disk can hold, with a reserve that somebody will delete.
    let reserve = disk.join("reserve");
    fs_err::write(&reserve, vec![7; 3 << 20]).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let many = elsewhere.path().join("many.jsonl");
    let line = |number: usize| {
        let id = format!("2401.{:05}", number + 1);
        let text = format!("{number} 어텐션 没有循环 attention {} ", number * 7919).repeat(30);
        serde_json::json!({"id": id, "title": format!("Paper {id} 논문"), "abstract": text}).to_string()
            + "\n"
    };
    fs_err::write(&many, (0..20_000).map(line).collect::<String>()).unwrap();
    for round in 0..3 {
        let full = ingest(&library, &many);
        let said = String::from_utf8_lossy(&full.stderr);
        assert_eq!(full.status.code(), Some(2), "round {round}: {said}");
        let last = said.lines().last().unwrap();
        assert!(last.contains("full") && last.contains("free some space"), "round {round}: {last}");
        known.extend(acknowledged(&full));
        let store = Store::open(&library).unwrap();
        for id in &known {
            assert!(store.paper_by_name(id).unwrap().is_some(), "round {round}: {id} was acknowledged");
        }
    }
    println!("full with {} papers", known.len());
    assert!(
        known.len() as u64 > at_first.papers + 100,
        "{}: it was not full from the beginning",
        known.len()
    );
    // What the store could not grow into: nobody has a byte left.
    let mut rest = fs_err::File::create(disk.join("rest")).unwrap();
    while rest.write_all(&[7; 4096]).is_ok() {}
    drop(rest);

    let fingerprint = Store::open(&library).unwrap().meta().unwrap().fingerprint;
    let encoder: Arc<dyn Encoder> = Arc::new(StandIn(fingerprint));
    let searcher = Searcher::open(&library, Arc::clone(&encoder), &Centring::none()).unwrap();
    let asked = |text: String| {
        let options = Options { floor: Floor::None, ..Options::default() };
        SearchRequest { text, options }
    };
    for number in 0..1_000 {
        assert!(!searcher.search(&asked(format!("attention 没有循环 {number}"))).unwrap().hits.is_empty());
        if number % 100 == 0 {
            // Also by somebody who comes in now.
            let answer = Searcher::open(&library, Arc::clone(&encoder), &Centring::none()).unwrap();
            assert!(!answer.search(&asked("어텐션".into())).unwrap().hits.is_empty());
        }
    }
    for _ in 0..20 {
        assert_eq!(service.ask().0, "200");
    }

    // Somebody makes room: the same processes go on, and what comes now is taken in and shown.
    fs_err::remove_file(&reserve).unwrap();
    fs_err::remove_file(disk.join("rest")).unwrap();
    let few = elsewhere.path().join("few.jsonl");
    fs_err::write(&few, "{\"id\": \"2402.00001\", \"title\": \"공간이 생긴 뒤의 논문\"}\n").unwrap();
    let begin = Instant::now();
    let again = run_until_acknowledged(&library, &few);
    assert_eq!(again, ["arxiv:2402.00001"]);
    println!("taken in {:?} after there was space", begin.elapsed());
    let papers = Store::open(&library).unwrap().counts().unwrap().papers;
    assert!(papers > known.len() as u64);
    service.wait_for(papers);
    assert_eq!(Writer::check_library(&library).unwrap(), []);
}

/// The ids that an ingest acknowledges; stopped then, as embedding what came before takes long.
fn run_until_acknowledged(library: &Path, source: &Path) -> Vec<String> {
    let mut command = paperkin(library);
    command.args(["--json", "ingest"]).arg(source).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let event = lines.filter_map(|line| serde_json::from_str::<Value>(&line).ok()).next();
    child.kill().unwrap();
    child.wait().unwrap();
    event.into_iter().filter_map(|event| Some(event["id"].as_str()?.to_owned())).collect()
}

/// Not a test of its own, as the one above. Whatever was being written when the last byte was taken, and however little
/// of the file was free then: the library is repaired by who reads it next, without a byte from anybody.
#[test]
#[ignore = "the inside of a test"]
fn to_the_brim_inside_the_small_disk() {
    let disk = std::env::var_os(SMALL).expect("run by the test above");
    let disk = Path::new(&disk);
    let mut random = crate::support::seed("PAPERKIN_SEED");
    for round in 0..60 {
        let library = disk.join(format!("library-{round}"));
        let mut writer = Writer::open_text(&library).unwrap();
        // As somebody does who does not know why: smaller and smaller, so that as little as can be stays free.
        let mut sizes = vec![20_000 + random.below(80_000) as usize];
        while sizes[sizes.len() - 1] > 2 {
            sizes.push(sizes[sizes.len() - 1] / (2 + random.below(6) as usize));
        }
        let text: String = (0..sizes[0]).map(|_| if random.below(2) == 0 { "가" } else { "国" }).collect();
        let mut stored = 0;
        // Somebody reads beside it, whose pages cannot be used again meanwhile.
        let mut reader = None;
        let mut fill = |writer: &mut Writer, size: usize| {
            loop {
                let record = Record {
                    source: Source { file: "many.jsonl".into(), line: 1, slot: format!("{stored}") },
                    title: format!("논문 {stored}, {size}"),
                    abstract_text: Some(text[..size * 3].into()),
                    ..Record::default()
                };
                if random.below(5) == 0 {
                    reader = Some(Store::open(&library).unwrap().snapshot().unwrap());
                }
                match writer.put(vec![record], &|_: &Paper| Vec::new()) {
                    Ok(_) => stored += 1,
                    Err(error) => break error,
                }
            }
        };
        for (number, size) in sizes.into_iter().enumerate() {
            let error = fill(&mut writer, size);
            assert!(matches!(error, StoreError::DiskFull(_)), "round {round}: {error}");
            if number == 0 {
                let mut rest = fs_err::File::create(disk.join("rest")).unwrap();
                while rest.write_all(&[7; 4096]).is_ok() {}
            }
            writer = writer.reopen().unwrap();
        }
        fill(&mut writer, 1);
        drop(writer);
        let store = Store::open(&library).unwrap_or_else(|error| panic!("round {round}: {error}"));
        assert_eq!(store.counts().unwrap().papers, stored as u64, "round {round}");
        drop(store);
        fs_err::remove_file(disk.join("rest")).unwrap();
        assert_eq!(Writer::check_library(&library).unwrap(), [], "round {round}");
        fs_err::remove_dir_all(&library).unwrap();
    }
}
