//! How a merchant leaves: one account disconnected, or everything deleted.

use http::Method;
use shoptalk::shared::sandbox::Failure;

use crate::test_app::{Answer, Browser, PAGE, SHOP, TestApp};

/// Sends a form with the token that this browser's session has, and these fields.
async fn post(browser: &Browser, path: &str, fields: &str) -> Answer {
    let page = browser.get("/account").await.text();
    let after = page.split("name=\"form_token\" value=\"").nth(1).expect("a form token");
    let token = after.split('"').next().unwrap();
    browser.post_form(path, &format!("form_token={token}&{fields}")).await
}

fn disconnect(account: &str) -> String {
    format!("/connections/{account}/disconnect")
}

#[tokio::test]
async fn disconnecting_asks_first_then_ends_the_subscription_and_erases_the_login() {
    let app = TestApp::start().await;
    let browser = app.connect().await.for_pages();
    let path = disconnect(&format!("facebook/{PAGE}"));
    let asked = browser.get(&path).await;
    assert!(asked.text().contains("The stored login is erased"), "{}", asked.text());
    assert!(!app.page().subscribed_fields().is_empty(), "asking changes nothing");
    let answer = post(&browser, &path, "").await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/?done=disconnected"));
    assert!(app.page().subscribed_fields().is_empty());
    let home = browser.get("/?done=disconnected").await.text();
    assert!(home.contains("Continue with Facebook") && !home.contains(PAGE) && home.contains(SHOP), "{home}");
    assert_eq!(browser.get(&path).await.status, 404);
    app.finish().await;
}

#[tokio::test]
async fn a_platform_that_does_not_answer_leaves_the_account_connected() {
    let app = TestApp::start().await;
    let browser = app.connect().await.for_pages();
    app.facebook.traffic().fail_next("subscribed_apps", 50, Failure::Status(500));
    let answer = post(&browser, &disconnect(&format!("facebook/{PAGE}")), "").await;
    assert_eq!(answer.status, 502);
    assert!(answer.text().contains("Facebook did not answer"), "{}", answer.text());
    app.facebook.traffic().heal();
    assert!(browser.get("/").await.text().contains(PAGE));
    app.finish().await;
}

#[tokio::test]
async fn everything_is_deleted_only_after_a_word_and_then_to_the_last_byte() {
    let app = TestApp::start().await;
    let sam = app.facebook.person("7000000000000001", "Sam Unmistakable");
    app.page().message_from(&sam, "an unmistakable text");
    let browser = app.connect().await.for_pages();
    assert!(app.is_on_disk("Sam Unmistakable"));
    for word in ["", "word=", "word=yes", "word=Delete+it"] {
        let answer = post(&browser, "/account/delete", word).await;
        assert!(answer.text().contains("Nothing was deleted"), "{word}");
    }
    assert!(browser.get("/").await.text().contains(SHOP));
    let answer = post(&browser, "/account/delete", "word=delete").await;
    assert_eq!(answer.status, 303);
    let receipt = answer.header("location").to_owned();
    assert!(receipt.starts_with("/deletion/"), "{receipt}");
    app.settle().await;
    let shown = browser.get(&receipt).await;
    assert_eq!(shown.status, 200);
    assert!(!shown.text().contains(SHOP) && !shown.text().contains(PAGE));
    for text in ["Sam Unmistakable", "an unmistakable text", "7000000000000001"] {
        assert!(!app.is_on_disk(text), "{text}");
    }
    assert!(app.page().subscribed_fields().is_empty());
    assert_eq!(browser.send(Method::GET, "/account", &[], b"").await.header("location"), "/?session=ended");
    app.finish().await;
}

#[tokio::test]
async fn what_was_disconnected_before_is_deleted_with_the_rest() {
    let app = TestApp::start().await;
    let sam = app.facebook.person("7000000000000001", "Sam Unmistakable");
    app.page().message_from(&sam, "an unmistakable text");
    let browser = app.connect().await.for_pages();
    assert_eq!(post(&browser, &disconnect(&format!("facebook/{PAGE}")), "").await.status, 303);
    assert!(app.is_on_disk("Sam Unmistakable"));
    assert!(browser.get("/account/delete").await.text().contains(PAGE));
    assert_eq!(post(&browser, "/account/delete", "word=delete").await.status, 303);
    app.settle().await;
    for text in ["Sam Unmistakable", "an unmistakable text", PAGE] {
        assert!(!app.is_on_disk(text), "{text}");
    }
    app.finish().await;
}
