//! How a merchant leaves: one account disconnected, or everything deleted.

use http::Method;
use serde_json::json;
use shoptalk::shared::channel::simulator::Failure;
use shoptalk::shared::store::TokenKind;

use crate::test_app::{Answer, Browser, PAGE, SHOP, TestApp};

/// Sends a form with the token that this browser's session has, and these fields.
pub async fn post(browser: &Browser, path: &str, fields: &str) -> Answer {
    let page = browser.get("/account").await.text();
    let after = page.split("name=\"form_token\" value=\"").nth(1).expect("a form token");
    let token = after.split('"').next().unwrap();
    browser.post_form(path, &format!("form_token={token}&{fields}")).await
}

pub fn disconnect(account: &str) -> String {
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
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/?done=disconnected&channel=facebook"));
    assert!(app.page().subscribed_fields().is_empty());
    let home = browser.get(answer.header("location")).await.text();
    assert!(home.contains("Facebook was asked afterwards, and no longer tells us about this Page."), "{home}");
    assert!(home.contains("Continue with Facebook") && !home.contains(PAGE) && home.contains(SHOP), "{home}");
    assert_eq!(browser.get(&path).await.status, 404);
    app.finish().await;
}

/// Disconnects an account although its platform does not confirm that it stops, and gives what the merchant reads then.
async fn disconnect_unconfirmed(app: &TestApp, browser: &Browser, channel: &str, account: &str) -> String {
    let answer = post(browser, &disconnect(&format!("{channel}/{account}")), "").await;
    let expected = format!("/?done=disconnected-unconfirmed&channel={channel}");
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, expected.as_str()));
    assert!(app.shared().connections.find(channel, account).await.unwrap().is_none());
    let token = app.shared().connections.find_token(channel, account, TokenKind::Access).await.unwrap();
    assert!(token.is_none(), "the login is erased all the same");
    let home = browser.get(answer.header("location")).await.text();
    assert!(home.contains("did not confirm that it stops telling us"), "{home}");
    home
}

#[tokio::test]
async fn a_platform_that_does_not_answer_or_says_no_keeps_nobody_and_the_merchant_learns_what_to_do_there() {
    let no = json!({"error": {"message": "No.", "type": "OAuthException", "code": 200}});
    for failure in [Failure::Status(500), Failure::Html, Failure::Json(403, no)] {
        let app = TestApp::start().await;
        let browser = app.connect().await.for_pages();
        app.facebook.traffic().fail_next("subscribed_apps", 50, failure);
        let home = disconnect_unconfirmed(&app, &browser, "facebook", PAGE).await;
        assert!(home.contains("Facebook did not confirm") && home.contains("Business integrations"), "{home}");
        app.facebook.traffic().heal();
        app.shopify.traffic().fail_next("graphql", 50, Failure::Status(503));
        let home = disconnect_unconfirmed(&app, &browser, "shopify", SHOP).await;
        assert!(home.contains("Shopify did not confirm") && home.contains("Apps and sales channels"), "{home}");
        app.shopify.traffic().heal();
        app.finish().await;
    }
}

#[tokio::test]
async fn a_yes_after_which_the_subscriptions_are_still_there_is_not_believed() {
    let app = TestApp::start().await;
    let browser = app.connect().await.for_pages();
    app.page().cling();
    app.shop().cling();
    disconnect_unconfirmed(&app, &browser, "facebook", PAGE).await;
    assert!(!app.page().subscribed_fields().is_empty());
    disconnect_unconfirmed(&app, &browser, "shopify", SHOP).await;
    assert!(!app.shop().subscriptions().is_empty());
    // What still comes is answered, set aside and in no file.
    let sam = app.facebook.person("7000000000000001", "Sam");
    let message = app.page().message_from(&sam, "still here?");
    assert_eq!(app.page().deliver(&[message]).await.unwrap(), Some(200));
    app.settle().await;
    assert!(app.conversation("7000000000000001").is_none());
    app.finish().await;
}

#[tokio::test]
async fn a_login_that_is_dead_cannot_confirm_anything() {
    let app = TestApp::start().await;
    let browser = app.connect().await.for_pages();
    app.facebook.revoke_tokens(460);
    disconnect_unconfirmed(&app, &browser, "facebook", PAGE).await;
    app.finish().await;
}

#[tokio::test]
async fn who_deletes_everything_learns_which_platform_did_not_confirm() {
    let app = TestApp::start().await;
    let browser = app.connect().await.for_pages();
    app.page().cling();
    let answer = post(&browser, "/account/delete", "word=delete").await;
    let receipt = browser.get(answer.header("location")).await.text();
    assert!(receipt.contains("Facebook did not confirm that it stops telling us about your Page"), "{receipt}");
    assert!(!receipt.contains("Shopify"), "{receipt}");
    app.settle().await;
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
