//! `/v1/map`: every paper a point, never one that is gone, and nobody waits for it.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::header;
use paperkin::paper::{Record, Source};
use serde_json::Value;

use crate::support::app::{Answered, TestApp, request};
use crate::support::toy::ToyLibrary;

fn records(range: std::ops::Range<usize>) -> Vec<Record> {
    range
        .map(|at| Record {
            source: Source { file: "papers.txt".into(), line: at, slot: at.to_string() },
            title: format!("{} number {at}", ["Sparse experts", "잔차 연결", "图神经网络"][at % 3]),
            abstract_text: Some("We study it.".into()),
            tags: vec![["moe", "잔차", "图"][at % 3].into()],
            date: (at > 0).then(|| jiff::civil::date(2020, 1, 1)),
            ..Record::default()
        })
        .collect()
}

/// Asks until `is_there` of the answer.
async fn until(app: &TestApp, is_there: impl Fn(&Answered) -> bool) -> Answered {
    let started = Instant::now();
    loop {
        let answered = app.get("/v1/map").await;
        if is_there(&answered) {
            return answered;
        }
        if answered.status == 202 {
            let body = answered.json();
            assert_eq!(body["state"], "computing");
            assert!((0.0..=1.0).contains(&body["done"].as_f64().unwrap()), "{body}");
            assert_eq!(answered.headers[header::RETRY_AFTER], "1");
        }
        assert!(started.elapsed() < Duration::from_secs(60), "{}", answered.text);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn ready(app: &TestApp, papers: usize) -> Answered {
    until(app, |answered| {
        answered.status == 200 && answered.json()["ids"].as_array().unwrap().len() == papers
    })
    .await
}

#[tokio::test]
async fn every_paper_is_a_point_and_one_that_is_removed_is_none() {
    let app = TestApp::over(ToyLibrary::of(records(0..40)));
    assert_eq!(app.get("/v1/map").await.status, 202, "nobody waits for it");
    let answered = ready(&app, 40).await;
    let body = answered.json();
    let column = |name: &str| body[name].as_array().unwrap().clone();
    for name in ["x", "y", "years", "tag"] {
        assert_eq!(column(name).len(), 40, "{name}");
    }
    assert!(column("x").iter().chain(&column("y")).all(|value| value.as_u64().unwrap() <= 65_535));
    assert_eq!((&body["state"], &body["unplaced"]), (&Value::from("ready"), &Value::from(0)));
    let undated = column("years").iter().position(|year| *year == 0).unwrap();
    assert_eq!(column("years").iter().filter(|year| **year == 2020).count(), 39);
    for (at, id) in column("ids").iter().enumerate() {
        let paper = app.get(&format!("/v1/papers/{}", id.as_str().unwrap())).await.json();
        let tag = &column("tags")[column("tag")[at].as_u64().unwrap() as usize];
        assert_eq!(tag["value"], paper["tags"][0], "the columns are of the same paper");
        assert_eq!(paper["date"].is_null(), at == undated);
    }
    let etag = answered.headers[header::ETAG].to_str().unwrap().to_owned();
    let again = request("GET", "/v1/map").header(header::IF_NONE_MATCH, &etag).body(Body::empty()).unwrap();
    let again = app.send(again).await;
    assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""));

    let removed = column("ids")[7].as_str().unwrap().to_owned();
    let removal = request("DELETE", &format!("/v1/papers/{}", removed.replace('/', "%2F")));
    assert_eq!(app.send(removal.body(Body::empty()).unwrap()).await.status, 200);
    let answered = app.get("/v1/map").await;
    assert_eq!(answered.status, 200, "the map from before goes on: {}", answered.text);
    let body = answered.json();
    let ids = body["ids"].as_array().unwrap();
    assert!(ids.len() == 39 && !ids.contains(&Value::from(removed)), "{ids:?}");
    assert_ne!(answered.headers[header::ETAG].to_str().unwrap(), etag);
}

#[tokio::test]
async fn who_comes_later_has_a_place_soon() {
    let app = TestApp::over(ToyLibrary::of(records(0..40)));
    ready(&app, 40).await;
    app.library.put(records(40..42));
    let answered = until(&app, |answered| {
        let body = answered.json();
        let known = body["ids"].as_array().unwrap().len();
        assert!(known >= 40, "there is a map all the time");
        known == 42
    })
    .await;
    assert_eq!(answered.json()["unplaced"], 0);
}

#[tokio::test]
async fn an_empty_library_is_an_empty_map_and_a_foreign_file_is_passed_over() {
    let library = ToyLibrary::of(Vec::new());
    fs_err::write(library.folder.path().join("map.bin"), b"not a map at all").unwrap();
    let app = TestApp::over(library);
    let answered = ready(&app, 0).await;
    assert_eq!(answered.json()["regions"], Value::from(Vec::<Value>::new()));
    assert_eq!(TestApp::loading().get("/v1/map").await.code(), "not_ready");
}

#[tokio::test]
async fn the_page_of_the_map_speaks_its_readers_language_and_runs_its_own_scripts_only() {
    let app = TestApp::ready();
    for (accepts, words) in [("en", "Encircle"), ("ko", "둘러 고르기"), ("zh-CN", "圈选")] {
        let asked = request("GET", "/map?q=%3Cscript%3E&paper=x").header(header::ACCEPT_LANGUAGE, accepts);
        let page = app.send(asked.body(Body::empty()).unwrap()).await;
        assert_eq!(page.status, 200);
        assert!(page.text.contains(words) && page.text.contains("aria-current=\"page\""), "{}", page.text);
        assert_eq!(page.text.matches("<script").count(), 2, "nothing of the address is in the page");
        assert!(!page.text.contains(" style=\""), "{}", page.text);
    }
    for asset in ["map.js", "map_places.js", "map_points.js", "map_view.js", "map.css"] {
        assert_eq!(app.get(&format!("/assets/{asset}")).await.status, 200);
    }
    let paper = app.get("/paper?id=arxiv:2408.15881").await.text;
    assert!(paper.contains("href=\"/map?paper=arxiv%3A2408.15881\""), "{paper}");
}
