//! The page works without a script, shows what is there, and runs nothing that a paper says.

use crate::support::app::TestApp;

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
        "role=\"status\">5 of 5 papers",
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
