//! What a merchant and an operator see in a browser: the start page, errors in words, signing out.

use http::Method;
use serde_json::Value;

use crate::test_app::{OPERATOR_TOKEN, SHOP, TestApp};

/// The value of the form token in a page.
fn form_token(page: &str) -> String {
    let after = page.split("name=\"form_token\" value=\"").nth(1).expect("a form token");
    after.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_stranger_sees_the_two_steps_and_nobody_elses_accounts() {
    let app = TestApp::start().await;
    app.connect().await;
    let page = app.browser().for_pages().get("/").await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("Connect your Shopify shop") && page.text().contains("Comes after the first step"));
    assert!(!page.text().contains(SHOP));
    app.finish().await;
}

#[tokio::test]
async fn a_merchant_sees_what_is_connected() {
    let app = TestApp::start().await;
    let browser = app.connect().await.for_pages();
    let page = browser.get("/").await.text();
    assert!(page.contains(SHOP) && page.contains("100000000000101"), "{page}");
    assert_eq!(page.matches("Connected<").count(), 2, "{page}");
    assert!(page.contains("Read completely on 2026-11-21"), "{page}");
    app.finish().await;
}

#[tokio::test]
async fn names_from_a_platform_are_text_and_never_markup() {
    let app = TestApp::start().await;
    app.shop().rename("<script>alert(1)</script>");
    let page = app.connect().await.for_pages().get("/").await.text();
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{page}");
    assert!(!page.contains("<script>"), "{page}");
    app.finish().await;
}

#[tokio::test]
async fn every_answer_carries_the_safe_headers() {
    let app = TestApp::start().await;
    for path in ["/", "/style.css", "/health", "/nowhere", "/facebook/login", "/shopify/evil.example/login"] {
        let answer = app.browser().get(path).await;
        assert!(answer.header("content-security-policy").contains("default-src 'none'"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
    }
    app.finish().await;
}

#[tokio::test]
async fn an_error_is_a_page_for_a_browser_and_a_problem_for_a_program() {
    let app = TestApp::start().await;
    let page = app.browser().for_pages().get("/nowhere").await;
    assert_eq!((page.status.as_u16(), page.header("content-type")), (404, "text/html; charset=utf-8"));
    assert!(page.text().contains("There is nothing at this address"));
    let problem = app.browser().get("/nowhere").await;
    assert_eq!(problem.header("content-type"), "application/problem+json");
    assert_eq!(problem.json()["status"], 404);
    app.finish().await;
}

#[tokio::test]
async fn signing_out_needs_the_form_of_this_session_and_ends_it() {
    let app = TestApp::start().await;
    let browser = app.connect().await.for_pages();
    let token = form_token(&browser.get("/").await.text());
    assert_eq!(browser.post_form("/logout", "form_token=0").await.status, 403);
    let forged = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "cross-site")];
    let body = format!("form_token={token}");
    assert_eq!(browser.send(Method::POST, "/logout", &forged, body.as_bytes()).await.status, 403);
    assert_eq!(browser.get("/logout").await.status, 405);

    let id = browser.cookie("session_id").unwrap();
    assert_eq!(browser.post_form("/logout", &body).await.status, 303);
    let again = app.browser().for_pages();
    again.set_cookie("session_id", &id);
    assert!(!again.get("/").await.text().contains(SHOP), "the old id opens nothing");
    app.finish().await;
}

#[tokio::test]
async fn the_operators_route_needs_the_operators_token() {
    let app = TestApp::start().await;
    let ask =
        async |value: &str| app.browser().send(Method::GET, "/api/status", &[("authorization", value)], b"").await;
    assert_eq!(app.browser().get("/api/status").await.status, 401);
    assert_eq!(ask(&format!("Bearer {OPERATOR_TOKEN}x")).await.status, 401);
    let status: Value = ask(&format!("Bearer {OPERATOR_TOKEN}")).await.json();
    assert_eq!(status["connections"], Value::Array(Vec::new()));
    app.finish().await;

    let app = TestApp::start_with(|config| config.server.operator_token = None).await;
    assert_eq!(app.browser().get("/api/status").await.status, 404);
}

#[tokio::test]
async fn a_compressed_body_is_refused() {
    let app = TestApp::start().await;
    let headers = [("content-encoding", "gzip"), ("content-type", "application/json")];
    for path in ["/facebook/webhook", "/shopify/webhook", "/logout"] {
        assert_eq!(app.browser().send(Method::POST, path, &headers, b"x").await.status, 415, "{path}");
    }
    app.finish().await;
}

#[tokio::test]
async fn health_and_ready_tell_no_more_than_they_must() {
    let app = TestApp::start().await;
    let health = app.browser().get("/health").await;
    assert_eq!((health.status.as_u16(), health.body.len()), (200, 0));
    // Nobody runs the consumers in this test, so the service is not ready.
    let ready = app.browser().get("/ready").await;
    assert_eq!(ready.status, 503);
    assert_eq!(ready.header("retry-after"), "5");
    app.finish().await;
}
