//! The page works without a script, shows what is there, and runs nothing that a paper says.

use axum::body::Body;

use crate::support::app::{TestApp, request};

#[tokio::test]
async fn results_are_rendered_with_their_passage() {
    let app = TestApp::ready();
    let page =
        app.get("/?q=%EA%B2%B0%ED%95%A9%ED%95%9C%20%EC%98%B5%ED%8B%B0%EB%A7%88%EC%9D%B4%EC%A0%80").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    for part in [
        "value=\"결합한 옵티마이저\"",
        "<blockquote lang=\"ko\" dir=\"auto\">Shampoo와 Adam을",
        "href=\"/paper?id=arxiv%3A2409.11321\"",
        "href=\"/?related=arxiv%3A2409.11321\"",
        "Ada, Bo, Chi et al.",
        "role=\"status\">Best 4 of 5 papers searched",
        "2026-05-01",
    ] {
        assert!(page.text.contains(part), "{part} is missing in {}", page.text);
    }
}

#[tokio::test]
async fn nothing_that_a_paper_or_a_question_says_is_markup() {
    let app = TestApp::ready();
    let question = "%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E";
    for path in [
        &format!("/?q={question}"),
        &format!("/?related={question}"),
        &format!("/paper?id={question}"),
        "/?related=hep-ex%2F0307015",
        "/paper?id=hep-ex%2F0307015",
        "/paper?id=2409.11321",
    ] {
        let page = app.get(path).await.text;
        let scripts = page.matches("<script").count();
        assert_eq!(scripts, 1, "{path} {page}");
        assert!(
            !page.contains("<img") && !page.contains(" style=") && !page.contains(" onerror=\""),
            "{path}"
        );
    }
    let hostile = app.get("/paper?id=hep-ex%2F0307015").await.text;
    assert!(hostile.contains("αₛ 🦙") && hostile.contains("lang=\"zh\""), "{hostile}");
    let rtl = app.get("/?q=%D9%86%D8%AD%D9%86%20%D9%86%D8%AF%D8%B1%D8%B3").await.text;
    assert!(rtl.contains("lang=\"ar\"") && rtl.contains("dir=\"auto\""), "{rtl}");
}

#[tokio::test]
async fn related_and_one_paper() {
    let app = TestApp::ready();
    let related = app.get("/?related=2409.11321").await;
    assert_eq!(related.status, 200);
    assert!(
        related.text.contains("Related to") && related.text.contains("SOAP: Improving"),
        "{}",
        related.text
    );
    let paper = app.get("/paper?id=2409.11321").await.text;
    for part in
        ["Ada, Bo, Chi, Dee", "id=\"abstract\"", "한국어", "papers.txt", "id=\"related\"", "id=\"mentions\""]
    {
        assert!(paper.contains(part), "{part} is missing in {paper}");
    }
}

#[tokio::test]
async fn errors_are_pages_with_their_status() {
    let app = TestApp::ready();
    for (path, status) in [
        ("/paper?id=foo", 400),
        ("/paper?id=2001.00001", 404),
        ("/paper", 422),
        ("/?q=a&limit=0", 422),
        ("/?q=%FF", 400),
        ("/?related=2001.00001", 404),
    ] {
        let page = app.get(path).await;
        assert_eq!(page.status, status, "{path}");
        assert!(page.text.contains("That did not work"), "{path}: {}", page.text);
    }
    assert_eq!(app.get("/?q=").await.status, 200, "an empty question is the start page");
}

#[tokio::test]
async fn a_filter_that_means_nothing_is_told_what_would_do() {
    let app = TestApp::ready();
    let years = "Years are written like";
    for path in [
        "/?q=moe%20year%3Aabc",
        "/?year=yesterday",
        "/?not_year=2025..2023",
        "/?from=2025&to=2024",
        "/?q=from%3A2025&to=2024",
    ] {
        let page = app.get(path).await;
        assert_eq!(page.status, 422, "{path}");
        assert!(page.text.contains(years), "{path} {}", page.text);
    }
    let language = app.get("/?q=lang%3Aklingon").await.text;
    assert!(language.contains("In quotes, an operator"), "{language}");
    for path in ["/?q=%22year%3Aabc%22&year=2020-2023", "/?year=", "/?q=a&limit=0"] {
        let page = app.get(path).await.text;
        assert!(!page.contains(years) && !page.contains("In quotes"), "{path} {page}");
    }
}

#[tokio::test]
async fn what_goes_wrong_is_told_in_the_readers_language() {
    let app = TestApp::ready();
    for (path, korean, chinese) in [
        ("/?q=lang%3Aklingon", "언어가 아닙니다", "不是语言"),
        ("/?year=yesterday", "날짜가 아닙니다", "不是日期"),
        ("/?from=2025&to=2024", "기간의 끝이", "时段的结束"),
        ("/?q=has%3Awings", "논문에 있는 것이 아닙니다", "不是论文会有的东西"),
        ("/paper?id=2001.00001", "이 서재에 없는", "此文库没有"),
        ("/paper?id=foo", "id가 아닙니다", "不是论文的 id"),
    ] {
        for (accepts, words) in [("ko", korean), ("zh-CN", chinese)] {
            let asked = request("GET", path).header("accept-language", accepts);
            let page = app.send(asked.body(Body::empty()).unwrap()).await.text;
            assert!(page.contains(words), "{path} {accepts}: {page}");
            assert!(!page.contains("API") && !page.contains("openapi"), "{path} {accepts}: {page}");
        }
    }
}

#[tokio::test]
async fn the_page_brings_its_own_files() {
    let app = TestApp::ready();
    let page = app.get("/").await.text;
    for (path, kind) in [
        ("/assets/style.css", "text/css"),
        ("/assets/script.js", "text/javascript"),
        ("/assets/icon.svg", "image/svg+xml"),
    ] {
        assert!(page.contains(&format!("\"{path}\"")), "{path}");
        let file = app.get(path).await;
        assert_eq!(file.status, 200);
        assert!(file.headers["content-type"].to_str().unwrap().starts_with(kind));
    }
}

#[tokio::test]
async fn the_interface_speaks_the_readers_language() {
    let app = TestApp::ready();
    for (accepts, lang, word) in
        [("ko-KR,ko;q=0.9", "ko", ">검색<"), ("zh-CN", "zh", ">搜索<"), ("ja,en;q=0.5", "en", ">Search<")]
    {
        let request = request("GET", "/?q=adam").header("accept-language", accepts);
        let page = app.send(request.body(Body::empty()).unwrap()).await;
        assert!(page.text.contains(&format!("<html lang=\"{lang}\">")), "{accepts}");
        assert!(page.text.contains(word), "{accepts}");
        assert_eq!(page.headers["vary"].to_str().unwrap().matches("accept-language").count(), 1);
    }
}

#[tokio::test]
async fn filters_are_chips_and_facets_of_the_address() {
    let app = TestApp::ready();
    let page = app.get("/?q=adam&tag=optimizer&lang=ko&not_tag=moe").await.text;
    for part in [
        // Each chip leads to the same without it.
        "href=\"/?q=adam&#38;lang=ko&#38;not_tag=moe\"",
        "href=\"/?q=adam&#38;tag=optimizer&#38;not_tag=moe\"",
        "<bdi>한국어</bdi>",
        "<bdi>not moe</bdi>",
        // The next question is asked within the same filters.
        "<input type=\"hidden\" name=\"tag\" value=\"optimizer\">",
        "aria-current=\"true\"",
        "href=\"/?q=adam&#38;tag=optimizer&#38;lang=ko&#38;not_tag=moe&#38;sort=date\"",
    ] {
        assert!(page.contains(part), "{part} is missing in {page}");
    }
    assert!(app.get("/?tag=optimizer").await.text.contains("5 of 5 papers"), "filters alone list");
    assert_eq!(app.get("/?q=a&colour=red").await.status, 422);
}

#[tokio::test]
async fn a_list_is_steered_by_papers_and_says_which() {
    let app = TestApp::ready();
    let page = app.get("/?related=2409.11321&unlike=2408.15881").await.text;
    for part in [
        "class=\"liked\"",
        "class=\"unliked\"",
        "LLaVA-MoD: Making LLaVA Tiny",
        "href=\"/?related=2409.11321\"",
        "&#38;unlike=doi%3A10.1145%2F3292500.3330701\"",
    ] {
        assert!(page.contains(part), "{part} is missing in {page}");
    }
    let both = app.get("/?related=2409.11321&unlike=2409.11321").await;
    assert_eq!(both.status, 422, "{}", both.text);
}

#[tokio::test]
async fn a_paper_says_who_mentions_it_and_where_it_was_read() {
    let app = TestApp::ready();
    let page = app.get("/paper?id=hep-ex%2F0307015").await.text;
    let (_, mentioned) = page.split_once("id=\"mentioned-by\"").expect("it is mentioned");
    assert!(mentioned.contains("SOAP: Improving"), "{page}");
    assert!(page.contains("<bdi>papers.txt</bdi>:2"), "{page}");
    assert!(!app.get("/paper?id=2409.11321").await.text.contains("mentioned-by"));
}

#[tokio::test]
async fn a_day_shows_what_came_in() {
    let app = TestApp::ready();
    let page = app.get("/days").await.text;
    for part in ["datetime=\"2026-05-01\"", "5 papers", "aria-current=\"date\"", "残差连接的替代方案"]
    {
        assert!(page.contains(part), "{part} is missing in {page}");
    }
    let empty = app.get("/days?day=2026-06-09").await.text;
    assert!(empty.contains("Nothing came in") && empty.contains("href=\"/days?day=2026-05-01\""), "{empty}");
    assert_eq!(app.get("/days?day=tomorrow").await.status, 422);
}

#[tokio::test]
async fn the_library_says_what_is_in_it() {
    let app = TestApp::ready();
    let page = app.get("/library").await.text;
    for part in
        ["<dd>5</dd>", "한국어", "/?source=.txt", "/?tag=optimizer", "data-drop", "/v1/export?format=ris"]
    {
        assert!(page.contains(part), "{part} is missing in {page}");
    }
}

#[tokio::test]
async fn a_basket_is_taken_away_as_it_is() {
    let app = TestApp::ready();
    let page = app.get("/basket?id=2409.11321&id=2409.11321&id=hep-ex%2F0307015&id=2001.00001").await.text;
    assert_eq!(page.matches("data-hit").count(), 2, "each once, and what was removed is passed over: {page}");
    assert!(page.contains("Ada, Bo, Chi, Dee (2026). SOAP: Improving"), "{page}");
    let (_, rest) = page.split_once("href=\"/v1/export?format=markdown").unwrap();
    let (ids, _) = rest.split_once('"').unwrap();
    let taken = app.get(&format!("/v1/export?format=markdown{}", ids.replace("&#38;", "&"))).await;
    assert_eq!(taken.headers["content-type"], "text/markdown; charset=utf-8");
    assert_eq!(taken.text.matches("## ").count(), 2, "{}", taken.text);
    assert!(taken.text.contains("\\<script>"), "{}", taken.text);
    assert_eq!(app.get("/v1/export?id=2001.00001").await.status, 404);
    assert_eq!(app.get("/v1/export?format=ris&format=ris").await.status, 422);
    assert_eq!(app.get("/v1/export?id=foo").await.status, 400);
    assert!(app.get("/basket").await.text.contains("The basket is empty"));
}

#[tokio::test]
async fn a_search_can_be_followed() {
    let app = TestApp::ready();
    let feed = app.get("/feed.atom?tag=optimizer&q=").await;
    assert_eq!(feed.headers["content-type"], "application/atom+xml; charset=utf-8");
    let read = atom_syndication::Feed::read_from(feed.text.as_bytes()).expect("Atom");
    assert_eq!(read.entries.len(), 5);
    let hostile = read.entries.iter().find(|entry| entry.title.value.contains("quotes")).unwrap();
    assert_eq!(hostile.title.value, "<script>alert('x')</script> & \"quotes\" αₛ 🦙");
    assert_eq!(hostile.id, "https://arxiv.org/abs/hep-ex/0307015");
    assert!(hostile.links[0].href.starts_with("http://localhost:7117/paper?id="));
    let related = app.get("/feed.atom?related=2409.11321").await.text;
    assert_eq!(related.matches("<entry>").count(), 4, "{related}");
    assert_eq!(app.get("/feed.atom").await.status, 422);
    let page = app.get("/?q=adam").await.text;
    assert!(page.contains("href=\"/feed.atom?q=adam\""), "the page says where: {page}");
}
