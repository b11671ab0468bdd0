//! What a merchant does, from the first page to the end.

use std::time::Duration;

use serde_json::json;

use crate::chromium::Chromium;
use crate::stage::{SAM, connect, customers_write, stage};
use crate::test_app::{PAGE, SHOP};

#[tokio::test]
async fn a_merchant_connects_shop_and_page_and_finds_everything() {
    let Some(browser) = Chromium::start().await else { return };
    let app = stage().await;
    browser.open(&app.url).await;
    browser.check("first-steps").await;
    // By keyboard: the first stop leads past the navigation.
    assert_eq!(browser.tab().await, "Skip to content");
    browser.fill("shop", "demo-shop").await;
    browser.click("Connect").await;
    browser.until("simulated Shopify").await;
    browser.click("Install").await;
    browser.until("Continue with Facebook").await;
    browser.check("second-step").await;
    app.settle().await;
    browser.click("Continue with Facebook").await;
    browser.until("Permissions").await;
    browser.click("Continue").await;
    // The page looks again by itself until the first read is over.
    browser.until("Reading begins in a moment").await;
    app.settle().await;
    browser.until("Nobody has written yet").await;
    browser.check("overview-empty").await;
    customers_write(&app).await;
    // What they attached is copied once a minute.
    for _ in 0..2 {
        app.clock.advance(Duration::from_secs(60));
        app.run_due_jobs().await;
    }
    browser.open(&app.url).await;
    browser.until("Latest conversations").await;
    browser.check("overview").await;

    browser.click("All conversations").await;
    browser.until("Ana Moreno").await;
    browser.check("conversations").await;
    browser.fill("q", "green").await;
    browser.click("Search").await;
    browser.until("Nothing found").await;
    browser.fill("q", "xx").await;
    browser.open(&format!("{}/conversations/facebook/{PAGE}?q=shipping", app.url)).await;
    browser.until("Messages").await;
    browser.check("search").await;
    browser.open(&format!("{}/conversations/facebook/{PAGE}/{}", app.url, SAM.0)).await;
    browser.until("Is the GREEN one in stock?").await;
    let text = browser.text().await;
    for words in ["edited", "Yes, 3 left.", "Message unsent", "Please do", "read"] {
        assert!(text.contains(words), "{words} is not in {text}");
    }
    browser.until_true("document.querySelector('.picture img[alt=\"Photo from Sam Doe\"]').naturalWidth == 1").await;
    browser.check("thread").await;
    browser.click("Show the whole message").await;
    browser.until("A message").await;
    browser.check("message").await;

    browser.click("Catalogue").await;
    browser.until("€640.00").await;
    browser.check("catalogue").await;
    browser.click("Snowboard Classic").await;
    browser.until("All-mountain board").await;
    browser.check("product").await;
    browser.click("Account").await;
    browser.until("Sign out").await;
    browser.check("account").await;
    browser.click("Sign out").await;
    browser.until("You are signed out").await;
    browser.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn what_is_wrong_is_said_where_it_is_mended() {
    let Some(browser) = Chromium::start().await else { return };
    let app = stage().await;
    connect(&app, &browser).await;
    let shared = app.shared();
    shared.progress.report("shopify", SHOP, "products".into(), 1_250, Some(4_800));
    app.facebook.revoke_tokens(460);
    browser.click_on("article:last-of-type button").await;
    app.settle().await;
    browser.open(&app.url).await;
    browser.until("Log in to Facebook again").await;
    browser.until("Reading products: 1250 of 4800").await;
    browser.check("trouble").await;
    shared.progress.end("shopify", SHOP);
    // The page notices by itself that nothing is under way any more.
    browser.until("One account needs you").await;
    app.clock.advance(Duration::from_secs(13 * 60 * 60));
    browser.click("Conversations").await;
    browser.until("Your session has ended").await;
    browser.open(&format!("{}/nowhere", app.url)).await;
    browser.until("There is nothing at this address").await;
    browser.check("not-found").await;
    let status = browser.run("return performance.getEntriesByType('navigation')[0].responseStatus", Vec::new()).await;
    assert_eq!(status, json!(404));
    browser.finish_with(&["404"]).await;
    app.finish().await;
}

#[tokio::test]
async fn a_merchant_gives_a_program_a_key_and_takes_it_back() {
    let Some(browser) = Chromium::start().await else { return };
    let app = stage().await;
    connect(&app, &browser).await;
    browser.click("Keys").await;
    browser.until("You have no keys").await;
    browser.check("keys-empty").await;
    browser.fill("name", "Sales bot").await;
    browser.click("Make a key").await;
    browser.until("it is shown this once").await;
    assert!(browser.text().await.contains("stk_"));
    browser.check("keys-made").await;
    browser.open(&format!("{}/keys", app.url)).await;
    browser.until("Never used").await;
    assert!(!browser.text().await.contains("it is shown this once"));
    browser.check("keys").await;
    browser.click_on("ul.connections a.button").await;
    browser.until("Programs that use this key are refused at once").await;
    browser.check("key-revoke").await;
    browser.click("Revoke this key").await;
    browser.until("It opens nothing any more").await;
    browser.check("keys-revoked").await;
    browser.finish().await;
    app.finish().await;
}
