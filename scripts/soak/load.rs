//! Many clients in a closed loop, for `scripts/soak.sh`: each keeps a connection open, asks, reads the answer, asks again. What came
//! back is printed as JSON: answers by status with their latencies, and all that was no answer.
//!
//! It shares the cores with the service that it asks, so it is one thread and copies nothing twice. Every latency is kept, as a
//! histogram would round what is compared with a bound.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Parser;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::LocalSet;
use tokio::time::{sleep, sleep_until, timeout_at};

/// Asks a service over and over, and says what it answered
#[derive(Parser)]
struct Arguments {
    /// Whom to ask
    #[arg(long)]
    address: SocketAddr,
    /// What to ask: JSON lines with `path`, and maybe `method`, `body`, `type`
    #[arg(long)]
    requests: PathBuf,
    /// Clients at once
    #[arg(long, default_value_t = 1)]
    connections: usize,
    /// For how long requests are begun
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// Requests a second, of all clients together; as many as are answered if not given
    #[arg(long)]
    rate: Option<f64>,
    /// A client who is refused waits as long as `Retry-After` says
    #[arg(long)]
    patient: bool,
    /// Seconds until an answer counts as none
    #[arg(long, default_value_t = 30.0)]
    patience: f64,
    /// Sent with every request, as `Name: value`
    #[arg(long)]
    header: Vec<String>,
    /// Which requests are asked in which order
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default = "get")]
    method: String,
    path: String,
    #[serde(default)]
    body: String,
    #[serde(default = "json_type", rename = "type")]
    kind: String,
}

fn get() -> String {
    "GET".into()
}

fn json_type() -> String {
    "application/json".into()
}

impl Asked {
    fn bytes(&self, arguments: &Arguments) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nHost: {}\r\n", self.method, self.path, arguments.address);
        for header in &arguments.header {
            head += &format!("{header}\r\n");
        }
        if !self.body.is_empty() {
            head += &format!("Content-Type: {}\r\nContent-Length: {}\r\n", self.kind, self.body.len());
        }
        format!("{head}\r\n{}", self.body).into_bytes()
    }
}

/// What one client saw.
#[derive(Default)]
struct Seen {
    /// Microseconds of every answer.
    answers: BTreeMap<u16, Vec<u32>>,
    /// Connections that broke between a request and the end of its answer.
    resets: u64,
    timeouts: u64,
    /// No connection could be made.
    unconnected: u64,
    /// The service closed a connection between two requests, which it may.
    closed_between: u64,
    /// Answers of status 503 that do not say when to come back.
    without_retry_after: u64,
    bytes: u64,
}

impl Seen {
    fn add(&mut self, other: Self) {
        for (status, mut latencies) in other.answers {
            self.answers.entry(status).or_default().append(&mut latencies);
        }
        self.resets += other.resets;
        self.timeouts += other.timeouts;
        self.unconnected += other.unconnected;
        self.closed_between += other.closed_between;
        self.without_retry_after += other.without_retry_after;
        self.bytes += other.bytes;
    }

    fn told(mut self, seconds: f64) -> Value {
        let by_status: BTreeMap<String, Value> = self
            .answers
            .iter_mut()
            .map(|(status, latencies)| (status.to_string(), distribution(latencies, seconds)))
            .collect();
        let mut accepted: Vec<u32> = self
            .answers
            .iter()
            .filter(|(status, _)| **status != 503)
            .flat_map(|(_, all)| all)
            .copied()
            .collect();
        json!({
            "seconds": seconds, "by_status": by_status, "accepted": distribution(&mut accepted, seconds),
            "resets": self.resets, "timeouts": self.timeouts, "unconnected": self.unconnected,
            "closed_between": self.closed_between, "without_retry_after": self.without_retry_after,
            "bytes": self.bytes,
        })
    }
}

fn distribution(latencies: &mut [u32], seconds: f64) -> Value {
    latencies.sort_unstable();
    let at = |share: f64| {
        let rank = (latencies.len() as f64 * share).ceil() as usize;
        latencies.get(rank.saturating_sub(1)).map(|micros| f64::from(*micros) / 1e3)
    };
    json!({
        "count": latencies.len(), "per_second": latencies.len() as f64 / seconds,
        "p50_ms": at(0.5), "p90_ms": at(0.9), "p99_ms": at(0.99), "p999_ms": at(0.999), "max_ms": at(1.0),
    })
}

/// The head of an answer, as far as it is needed to find its end.
struct Head {
    status: u16,
    length: Option<usize>,
    chunked: bool,
    closes: bool,
    says_when: bool,
    ends: usize,
}

impl Head {
    fn read(bytes: &[u8]) -> io::Result<Option<Self>> {
        let Some(ends) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
        let text = std::str::from_utf8(&bytes[..ends]).map_err(io::Error::other)?;
        let mut lines = text.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let status = status.ok_or_else(|| io::Error::other("no status"))?;
        let mut head =
            Self { status, length: None, chunked: false, closes: false, says_when: false, ends: ends + 4 };
        for line in lines {
            let Some((name, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => head.length = value.parse().ok(),
                "transfer-encoding" => head.chunked = value.eq_ignore_ascii_case("chunked"),
                "connection" => head.closes = value.eq_ignore_ascii_case("close"),
                "retry-after" => head.says_when = value.parse::<u32>().is_ok(),
                _ => {}
            }
        }
        Ok(Some(head))
    }

    fn is_whole(&self, bytes: &[u8]) -> bool {
        match self.length {
            Some(length) => bytes.len() >= self.ends + length,
            // Nothing is pipelined: the last chunk is at the end of what was read.
            None if self.chunked => bytes.len() > self.ends && bytes.ends_with(b"0\r\n\r\n"),
            None => false,
        }
    }
}

async fn exchange(stream: &TcpStream, request: &[u8], buffer: &mut Vec<u8>) -> io::Result<Head> {
    let mut rest = request;
    while !rest.is_empty() {
        stream.writable().await?;
        match stream.try_write(rest) {
            Ok(written) => rest = &rest[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // A refusal may come before a body was taken: it is read below.
            Err(_) => break,
        }
    }
    buffer.clear();
    let mut head = None;
    loop {
        stream.readable().await?;
        match stream.try_read_buf(buffer) {
            Ok(0) => {
                return match head {
                    Some(Head { length: None, chunked: false, .. }) => {
                        head.ok_or(io::ErrorKind::UnexpectedEof.into())
                    }
                    _ => Err(io::ErrorKind::UnexpectedEof.into()),
                };
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        }
        if head.is_none() {
            head = Head::read(buffer)?;
        }
        if let Some(head) = head.take_if(|head| head.is_whole(buffer)) {
            return Ok(head);
        }
    }
}

fn is_still_open(stream: &TcpStream) -> bool {
    let mut byte = [0; 1];
    matches!(stream.try_read(&mut byte), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

async fn client(number: usize, arguments: Rc<Arguments>, requests: Rc<Vec<Vec<u8>>>, until: Instant) -> Seen {
    let mut seen = Seen::default();
    let mut random = arguments.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (number as u64 + 1);
    let mut stream: Option<TcpStream> = None;
    let mut buffer = Vec::with_capacity(64 * 1024);
    let pause = arguments.rate.map(|rate| Duration::from_secs_f64(arguments.connections as f64 / rate));
    let share = number as f64 / arguments.connections as f64;
    let mut due = Instant::now() + pause.unwrap_or_default().mul_f64(share);
    loop {
        if let Some(pause) = pause {
            sleep_until(due.into()).await;
            due += pause;
        }
        if Instant::now() >= until {
            return seen;
        }
        if stream.as_ref().is_some_and(|stream| !is_still_open(stream)) {
            seen.closed_between += 1;
            stream = None;
        }
        let open = match stream.take() {
            Some(open) => open,
            None => match TcpStream::connect(arguments.address).await {
                Ok(open) => {
                    let _ = open.set_nodelay(true);
                    open
                }
                Err(_) => {
                    seen.unconnected += 1;
                    sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        // xorshift: no order of requests is another's by chance, and every order is repeated by its seed.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let Some(request) = requests.get((random % requests.len() as u64) as usize) else { return seen };
        let begun = Instant::now();
        let deadline = begun + Duration::from_secs_f64(arguments.patience);
        let mut wait = false;
        match timeout_at(deadline.into(), exchange(&open, request, &mut buffer)).await {
            Err(_) => seen.timeouts += 1,
            Ok(Err(_)) => seen.resets += 1,
            Ok(Ok(head)) => {
                let micros = u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX);
                seen.answers.entry(head.status).or_default().push(micros);
                seen.bytes += buffer.len() as u64;
                if head.status == 503 {
                    seen.without_retry_after += u64::from(!head.says_when);
                    wait = arguments.patient;
                }
                if !head.closes {
                    stream = Some(open);
                }
            }
        }
        if wait {
            sleep(Duration::from_secs(1)).await;
        }
    }
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let lines = fs_err::read_to_string(&arguments.requests)?;
    let requests: Vec<Vec<u8>> = lines
        .lines()
        .map(|line| Ok(serde_json::from_str::<Asked>(line)?.bytes(&arguments)))
        .collect::<anyhow::Result<_>>()
        .context("requests are JSON lines")?;
    anyhow::ensure!(!requests.is_empty(), "there is nothing to ask");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (arguments, requests) = (Rc::new(arguments), Rc::new(requests));
    let begun = Instant::now();
    let until = begun + Duration::from_secs_f64(arguments.seconds);
    let seen = LocalSet::new().block_on(&runtime, async {
        let clients: Vec<_> = (0..arguments.connections)
            .map(|number| {
                tokio::task::spawn_local(client(number, Rc::clone(&arguments), Rc::clone(&requests), until))
            })
            .collect();
        let mut seen = Seen::default();
        for client in clients {
            seen.add(client.await?);
        }
        anyhow::Ok(seen)
    })?;
    let told = seen.told(begun.elapsed().as_secs_f64());
    writeln!(io::stdout().lock(), "{told}")?;
    Ok(())
}
