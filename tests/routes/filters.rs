//! Filters, order and facets over HTTP: the same by URL, by body and in the question.

use serde_json::json;

use crate::support::app::TestApp;
use crate::support::toy::ToyLibrary;

use paperkin::paper::{Commentary, Language, Record, Source};

fn app() -> TestApp {
    let record =
        |line: usize, title: &str, author: &str, tag: &str, date: &str, note: Option<(&str, &str)>| Record {
            source: Source { file: format!("digests/{}.txt", &date[..4]), line, slot: title.into() },
            title: title.into(),
            authors: vec![author.into()],
            abstract_text: Some(format!("{title}. We study it.")),
            tags: vec![tag.into()],
            date: date.parse().ok(),
            commentaries: note
                .map(|(language, text)| Commentary {
                    language: Language::parse(language).unwrap(),
                    text: text.into(),
                })
                .into_iter()
                .collect(),
            ..Record::default()
        };
    TestApp::over(ToyLibrary::of(vec![
        record(
            1,
            "Sparse experts in vision",
            "Minsu Kim",
            "moe",
            "2023-03-01",
            Some(("ko", "전문가 혼합을 다룹니다.")),
        ),
        record(2, "Sparse experts in language", "Kim, Jisu", "MoE", "2024-04-01", None),
        record(
            3,
            "A survey of sparse experts",
            "王芳",
            "survey",
            "2025-05-01",
            Some(("zh", "专家混合综述。")),
        ),
        record(4, "Residual connections", "Ahmet Üstün", "residual", "2025-06-01", None),
    ]))
}

fn titles(answered: &crate::support::app::Answered) -> Vec<String> {
    assert_eq!(answered.status, 200, "{}", answered.text);
    let body = answered.json();
    let hits = body["hits"].as_array().unwrap();
    assert_eq!(body["total"], hits.len(), "every paper that fits is shown");
    let mut titles: Vec<String> = hits.iter().map(|hit| hit["title"].as_str().unwrap().to_owned()).collect();
    titles.sort_unstable();
    titles
}

#[tokio::test]
async fn one_filter_in_the_url_in_the_body_and_in_the_question() {
    let app = app();
    for (url, filter, operators, found) in [
        ("tag=%23MOE", json!({"tags": ["moe"]}), "tag:moe", 2),
        ("author=Kim%2C%20Minsu", json!({"authors": ["minsu kim"]}), "author:\"Kim, Minsu\"", 1),
        (
            "author=kim&not_tag=moe",
            json!({"authors": ["kim"], "not_tags": ["moe"]}),
            "author:kim -tag:moe",
            0,
        ),
        ("author=ustun&author=%E7%8E%8B", json!({"authors": ["ustun", "王"]}), "author:ustun 作者：王", 2),
        ("lang=ko", json!({"langs": ["ko"]}), "언어:한국어", 1),
        ("year=2023..2024", json!({"dates": ["2023..2024"]}), "연도:2023..2024", 2),
        ("from=2024&to=2025-05", json!({"from": "2024", "to": "2025-05"}), "from:2024 to:2025-05", 2),
        ("has_commentary=false", json!({"has_commentary": false}), "-has:commentary", 2),
        ("source=2025", json!({"sources": ["2025"]}), "source:2025", 2),
        ("not_source=digest", json!({"not_sources": ["digest"]}), "-source:digest", 0),
    ] {
        let by_url = titles(&app.get(&format!("/v1/search?q=experts&{url}")).await);
        assert_eq!(by_url.len(), found, "{url}");
        let body = json!({"query": "experts", "filter": filter});
        assert_eq!(titles(&app.post("/v1/search", body.to_string()).await), by_url, "{filter}");
        let body = json!({"query": format!("{operators} experts")});
        assert_eq!(titles(&app.post("/v1/search", body.to_string()).await), by_url, "{operators}");
        let facets = app.get(&format!("/v1/facets?{url}")).await;
        assert_eq!(facets.json()["total"], found, "{}", facets.text);
    }
}

#[tokio::test]
async fn what_only_operators_ask_is_a_list_without_scores() {
    let app = app();
    let listed = app.get("/v1/search?q=tag:moe").await;
    assert_eq!((listed.ids().len(), &listed.json()["listed"]), (2, &json!(true)), "{}", listed.text);
    let asked = app.get("/v1/search?q=tag:moe%20experts").await;
    assert!(asked.ids().len() == 2 && asked.json()["listed"].is_null(), "{}", asked.text);
    let percents = |page: &str| page.matches("class=\"percent\"").count();
    assert_eq!(percents(&app.get("/?q=tag:moe").await.text), 0);
    assert_eq!(percents(&app.get("/?q=tag:moe%20experts").await.text), 2);
}

#[tokio::test]
async fn related_takes_the_same() {
    let app = app();
    let all = app.get("/v1/search?q=experts%20in%20vision").await;
    let id = all.ids()[0].clone();
    let by_url = titles(&app.get(&format!("/v1/papers/{id}/related?tag=moe")).await);
    assert_eq!(by_url, ["Sparse experts in language"], "never the paper itself");
    let body = json!({"positive": [id], "filter": {"tags": ["moe"]}});
    assert_eq!(titles(&app.post("/v1/related", body.to_string()).await), by_url);
    let seen = all.ids()[1].clone();
    let rest = app.get(&format!("/v1/papers/{id}/related?exclude={seen}")).await;
    assert_eq!(titles(&rest).len(), 2);
    assert!(!rest.ids().contains(&seen));
}

#[tokio::test]
async fn order_and_floor() {
    let app = app();
    let dates = |answered: crate::support::app::Answered| -> Vec<String> {
        let body = answered.json();
        body["hits"].as_array().unwrap().iter().map(|hit| hit["date"].as_str().unwrap().to_owned()).collect()
    };
    let newest = dates(app.get("/v1/search?q=experts%20that%20are%20sparse%20in%20vision&sort=date").await);
    assert_eq!(newest, ["2025-06-01", "2025-05-01", "2024-04-01", "2023-03-01"]);
    let recent = dates(app.get("/v1/search?q=experts%20that%20are%20sparse%20in%20vision&recency=1").await);
    let expected = ["2025-05-01", "2024-04-01", "2023-03-01", "2025-06-01"];
    assert_eq!(recent, expected, "a day is nothing against years, and what hardly answers stays last");
    let best = dates(app.get("/v1/search?q=experts%20that%20are%20sparse%20in%20vision&floor=none").await);
    assert_eq!(best[0], "2023-03-01");
    let body = json!({"query": "experts that are sparse in vision", "floor": 1.0, "diversity": 0.5, "sort": "score"});
    let strict = app.post("/v1/search", body.to_string()).await.json();
    assert!(strict["hits"].as_array().unwrap().iter().all(|hit| hit["score"].as_f64().unwrap() >= 1.0));
    let varied =
        app.get("/v1/search?q=experts%20that%20are%20sparse%20in%20vision&diversity=1&limit=4").await;
    assert_eq!(varied.ids().len(), 4);
}

#[tokio::test]
async fn facets_count_what_is_there() {
    let app = app();
    let facets = app.get("/v1/facets").await.json();
    assert_eq!(facets["total"], 4);
    assert_eq!(facets["tags"][0], json!({"value": "moe", "count": 2}), "MoE is moe");
    assert_eq!(facets["years"][0], json!({"value": "2025", "count": 2}));
    assert_eq!(facets["sources"][0], json!({"value": "digests/2025.txt", "count": 2}));
    let commentary = [json!({"value": "false", "count": 2}), json!({"value": "true", "count": 2})];
    assert_eq!(facets["commentary"], json!(commentary));
}

#[tokio::test]
async fn what_cannot_be_asked_says_what_can() {
    let app = app();
    for (path, says) in [
        ("/v1/search?q=a&colour=red", "not_tag"),
        ("/v1/search?q=a&from=soon", "2023..2025"),
        ("/v1/search?q=a&from=2024&from=2025", "twice"),
        ("/v1/search?q=a&from=2025&to=2024", "ends before"),
        ("/v1/search?q=year:soon%20a", "in quotes"),
        ("/v1/search?q=a&lang=klingon", "ISO 639-1"),
        ("/v1/search?q=a&has_commentary=maybe", "true or false"),
        ("/v1/papers/2409.11321/related?sentences=maybe", "true or false"),
        ("/v1/search?q=a&sort=name", "score or date"),
        ("/v1/search?q=a&recency=0", "days"),
        ("/v1/search?q=a&diversity=2", "from 0"),
        ("/v1/search?q=a&floor=high", "none"),
        ("/v1/search?q=a&exclude=x", "arxiv:2408.15881"),
        ("/v1/search?limit=2", "`q`"),
        ("/v1/facets?limit=2", "has_commentary"),
    ] {
        let answered = app.get(path).await;
        assert_eq!((answered.status.as_u16(), answered.code().as_str()), (422, "invalid"), "{path}");
        assert!(answered.text.contains(says), "{path}: {}", answered.text);
    }
    for body in [
        r#"{"query":"a","filter":{"tag":["x"]}}"#,
        r#"{"query":"a","filter":{"from":"soon"}}"#,
        r#"{"query":"a","floor":"x"}"#,
    ] {
        assert_eq!(app.post("/v1/search", body).await.code(), "invalid", "{body}");
    }
    let quoted = app.get("/v1/search?q=%22year:soon%22%20a").await;
    assert_eq!(quoted.status, 200);
}
