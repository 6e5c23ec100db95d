//! The service over a toy library: in process for what is asked, over a socket for how.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use paperkin::config::{Access, Config, Limits, Settings};
use paperkin::index::Centring;
use paperkin::paper::{Commentary, Language, Mention, Record, Source};
use paperkin::server::{AppState, LoadedModel, Setup, router, serve};
use serde_json::Value;
use tower::ServiceExt;

use super::toy::ToyLibrary;

/// An answer, read to its end.
pub struct Answered {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answered {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    /// The code of an error, after checking that it has the shape that is promised.
    pub fn code(&self) -> String {
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/json", "{}", self.text);
        let body = self.json();
        for part in ["code", "message", "hint", "type"] {
            assert!(body["error"][part].as_str().is_some_and(|text| !text.is_empty()), "{part}: {body}");
        }
        body["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The ids of the hits.
    pub fn ids(&self) -> Vec<String> {
        let body = self.json();
        let hits = body["hits"].as_array().unwrap_or_else(|| panic!("no hits: {body}"));
        hits.iter().map(|hit| hit["id"].as_str().unwrap().to_owned()).collect()
    }
}

/// The service in process.
pub struct TestApp {
    pub library: ToyLibrary,
    pub routes: Router,
}

impl TestApp {
    /// Ready, over five papers in five languages.
    pub fn ready() -> Self {
        Self::over(ToyLibrary::of(papers()))
    }

    /// Ready, over this library.
    pub fn over(library: ToyLibrary) -> Self {
        Self::guarded(library, Access::default())
    }

    /// Ready, over this library, for those whom `access` lets in.
    pub fn guarded(library: ToyLibrary, access: Access) -> Self {
        let state = AppState::new(Limits::for_testing(), access, library.folder.path().to_owned());
        let encoder = Arc::clone(&library.encoder);
        state.start(LoadedModel { encoder, prior: Centring::none() }).unwrap();
        Self { library, routes: router(state) }
    }

    /// Still loading.
    pub fn loading() -> Self {
        let library = ToyLibrary::of(papers());
        let state = AppState::new(Limits::for_testing(), Access::default(), library.folder.path().to_owned());
        Self { library, routes: router(state) }
    }

    pub async fn send(&self, request: Request<Body>) -> Answered {
        let (parts, body) = self.routes.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        Answered {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    pub async fn get(&self, path: &str) -> Answered {
        self.send(request("GET", path).body(Body::empty()).unwrap()).await
    }

    pub async fn post(&self, path: &str, body: impl Into<Body>) -> Answered {
        let request = request("POST", path).header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(body.into()).unwrap()).await
    }
}

/// A request as a browser on this machine sends it.
pub fn request(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path).header(header::HOST, "localhost:7117")
}

/// The service on a socket, for as long as the test process lives. Dropping (or using) `loaded` lets the model load.
pub struct TestServer {
    pub library: ToyLibrary,
    pub address: SocketAddr,
    pub loaded: mpsc::Sender<()>,
}

impl TestServer {
    pub fn start(library: ToyLibrary) -> Self {
        let listen = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
        let folder = library.folder.path().to_owned();
        let config = Config::new(Settings { listen, library: Some(folder), ..Settings::default() }).unwrap();
        let (loaded, wait) = mpsc::channel();
        let (tell, told) = mpsc::channel();
        let encoder = Arc::clone(&library.encoder);
        let setup = Setup {
            config: Config { limits: Limits::for_testing(), ..config },
            load: Box::new(move || {
                let _ = wait.recv();
                Ok(LoadedModel { encoder, prior: Centring::none() })
            }),
            on_listening: Box::new(move |address| tell.send(address).unwrap()),
        };
        std::thread::spawn(move || serve(setup).unwrap());
        let address = told.recv().unwrap();
        Self { library, address, loaded }
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream
    }

    /// Everything that the service says to `bytes` until it closes the connection.
    pub fn say(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        stream.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8(answer).unwrap()
    }

    pub fn get(&self, path: &str) -> String {
        self.say(
            format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address).as_bytes(),
        )
    }
}

/// Five papers: Korean, English, Chinese, Japanese and Arabic, some of them hostile to a page.
pub fn papers() -> Vec<Record> {
    let record = |line, id: &str, title: &str, abstract_text: Option<&str>, notes: &[(&str, &str)]| Record {
        source: Source { file: "papers.txt".into(), line, slot: title.into() },
        ids: id.parse().into_iter().collect(),
        title: title.into(),
        authors: ["Ada", "Bo", "Chi", "Dee"].map(String::from).to_vec(),
        abstract_text: abstract_text.map(String::from),
        date: "2026-05-01".parse().ok(),
        tags: vec!["optimizer".into()],
        commentaries: notes
            .iter()
            .map(|(language, text)| Commentary {
                language: Language::parse(language).unwrap(),
                text: (*text).into(),
            })
            .collect(),
        ..Record::default()
    };
    let mut soap = record(
        1,
        "arxiv:2409.11321",
        "SOAP: Improving and Stabilizing Shampoo using Adam",
        Some("Shampoo is a preconditioner; we run Adam in its eigenbasis."),
        &[("ko", "Shampoo와 Adam을 결합한 옵티마이저입니다. 수렴이 빠르군요.")],
    );
    soap.mentions.push(Mention::Paper("arxiv:hep-ex/0307015".parse().unwrap()));
    vec![
        soap,
        record(
            2,
            "hep-ex/0307015",
            "<script>alert('x')</script> & \"quotes\" $\\alpha_{s}$ 🦙",
            None,
            &[("zh", "残差连接的替代方案。<img src=x onerror=alert(1)>")],
        ),
        record(3, "doi:10.1145/3292500.3330701", "モンテカルロ木探索で推論を学習する", None, &[]),
        record(4, "", "\u{202e}نحن ندرس النماذج اللغوية الكبيرة\u{202c}", Some("نحن ندرس النماذج."), &[]),
        record(5, "2408.15881", "LLaVA-MoD: Making LLaVA Tiny", Some("A mixture of vision encoders."), &[]),
    ]
}
