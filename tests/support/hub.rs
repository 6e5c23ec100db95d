//! A hub on this machine: `HEAD` and `GET` of `/{repo}/resolve/{revision}/{file}` with `ETag`, `X-Repo-Commit`,
//! `Content-Length` and `Range`, and the ways in which networks fail.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How the hub treats its callers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// As it should.
    Good,
    /// Sends this many bytes of a body of more than that, and closes; once a file.
    CutOnceAt(usize),
    /// Never sends what lies after so many bytes of a file.
    StopsAt(usize),
    /// Sends the whole file whatever the range.
    NoRanges,
    /// Takes the connection and never says a word.
    Silent,
    /// Sends headers and no body.
    HeadersOnly,
    /// Says 503.
    Broken,
}

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub range: Option<String>,
    /// Bytes of the body that were sent.
    pub sent: usize,
}

/// The server; it ends with the test process.
pub struct HubServer {
    pub endpoint: String,
    state: Arc<State>,
}

struct State {
    files: HashMap<String, Vec<u8>>,
    manner: Mutex<Manner>,
    seen: Mutex<Vec<Seen>>,
    connections: Mutex<usize>,
}

impl HubServer {
    /// Serves `files`, addressed as `owner/name/resolve/revision/file`.
    pub fn start(files: HashMap<String, Vec<u8>>, manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            files,
            manner: Mutex::new(manner),
            seen: Mutex::default(),
            connections: Mutex::default(),
        });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                *shared.connections.lock().unwrap() += 1;
                let state = Arc::clone(&shared);
                // A caller that hangs up early is part of the tests.
                std::thread::spawn(move || drop(state.serve(stream.unwrap())));
            }
        });
        Self { endpoint, state }
    }

    /// From now on.
    pub fn set(&self, manner: Manner) {
        *self.state.manner.lock().unwrap() = manner;
    }

    /// The `GET`s of a file, in order.
    pub fn gets(&self, file: &str) -> Vec<Seen> {
        let seen = self.state.seen.lock().unwrap();
        seen.iter().filter(|seen| seen.method == "GET" && seen.path.ends_with(file)).cloned().collect()
    }

    /// Connections taken.
    pub fn connections(&self) -> usize {
        *self.state.connections.lock().unwrap()
    }
}

impl State {
    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        loop {
            let mut lines = Vec::new();
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line)? == 0 {
                    return Ok(());
                }
                if line.trim().is_empty() {
                    break;
                }
                lines.push(line.trim().to_owned());
            }
            if !self.answer(&lines, &mut stream)? {
                return stream.shutdown(std::net::Shutdown::Both);
            }
        }
    }

    /// Answers one request; whether the connection goes on.
    fn answer(&self, lines: &[String], stream: &mut TcpStream) -> std::io::Result<bool> {
        let mut words = lines[0].split(' ');
        let (method, path) = (words.next().unwrap().to_owned(), words.next().unwrap()[1..].to_owned());
        let header = |name: &str| {
            lines.iter().find_map(|line| {
                let (key, value) = line.split_once(": ")?;
                key.eq_ignore_ascii_case(name).then(|| value.to_owned())
            })
        };
        let range = header("range");
        let manner = *self.manner.lock().unwrap();
        let mut seen = Seen { method, path, range, sent: 0 };
        if manner == Manner::Silent {
            self.seen.lock().unwrap().push(seen);
            std::thread::sleep(Duration::from_secs(60));
            return Ok(false);
        }
        let file = self.files.get(&seen.path).filter(|_| manner != Manner::Broken);
        let Some(file) = file else {
            let status = if manner == Manner::Broken { "503 Service Unavailable" } else { "404 Not Found" };
            self.seen.lock().unwrap().push(seen);
            write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n")?;
            return Ok(true);
        };
        let start = seen.range.as_ref().filter(|_| manner != Manner::NoRanges).map(|range| {
            range.strip_prefix("bytes=").unwrap().split_once('-').unwrap().0.parse::<usize>().unwrap()
        });
        let body = &file[start.unwrap_or(0)..];
        let status = match start {
            Some(start) => {
                let last = file.len() - 1;
                format!("206 Partial Content\r\nContent-Range: bytes {start}-{last}/{}", file.len())
            }
            None => "200 OK".to_owned(),
        };
        let commit = seen.path.split('/').nth(3).unwrap().to_owned();
        write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\nETag: \"{:x}\"\r\nX-Repo-Commit: {commit}\r\n\
             Accept-Ranges: bytes\r\n\r\n",
            body.len(),
            file.len()
        )?;
        if seen.method == "HEAD" {
            self.seen.lock().unwrap().push(seen);
            return Ok(true);
        }
        if manner == Manner::HeadersOnly {
            std::thread::sleep(Duration::from_secs(60));
            return Ok(false);
        }
        let cut = match manner {
            Manner::CutOnceAt(cut) if start.is_none() => Some(cut),
            Manner::StopsAt(stop) => Some(stop.saturating_sub(start.unwrap_or(0))),
            _ => None,
        };
        let cut = cut.filter(|cut| *cut < body.len());
        seen.sent = cut.unwrap_or(body.len());
        let sent = seen.sent;
        self.seen.lock().unwrap().push(seen);
        stream.write_all(&body[..sent])?;
        stream.flush()?;
        if cut.is_some() {
            // What was sent shall arrive before the end does.
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(cut.is_none())
    }
}
