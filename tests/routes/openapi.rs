//! The document is made from the handlers, lists every route with its statuses, and changes only on purpose.

use crate::support::app::TestApp;

#[tokio::test]
async fn the_document_is_the_one_reviewed() {
    let app = TestApp::ready();
    let served = app.get("/openapi.json").await;
    assert_eq!(served.headers["content-type"], "application/json");
    let document = served.json();
    let mut routes: Vec<String> = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let statuses: Vec<&str> =
                operation["responses"].as_object().unwrap().keys().map(String::as_str).collect();
            routes.push(format!("{method} {path}: {}", statuses.join(" ")));
        }
    }
    let mut document = document;
    document["info"]["version"] = "-".into();
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false }, {
        insta::assert_json_snapshot!("routes", routes);
        insta::assert_json_snapshot!("openapi", document);
    });
}
