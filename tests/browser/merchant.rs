//! What a merchant does, from the first page to the end.

use std::time::Duration;

use serde_json::json;

use crate::chromium::Chromium;
use crate::test_app::{PAGE, SHOP, TestApp};

const SAM: (&str, &str) = ("7000000000000001", "Sam Doe");

/// A shop and a Page with something in them; both ask before they let an app in.
async fn stage() -> TestApp {
    let app = TestApp::start().await;
    app.facebook.auto_consent(false);
    app.shopify.auto_consent(false);
    let board = app.shop().add_product("Snowboard Classic");
    board.set_price("640.00");
    board.set_stock(3);
    board.set_description("All-mountain board, 158 cm.");
    board.add_variant("Wide", "660.00");
    let boots = app
        .shop()
        .add_product("Boots “Alpin” in an unusually long name that goes on and on, as names in real shops do");
    boots.set_price("229.90");
    let gloves = app.shop().add_product("Gloves");
    gloves.set_stock(0);
    app.shop().add_product("Next season's jacket").set_status("DRAFT");
    app.shop().add_product("\u{202e}<script>alert(1)</script>").set_price("1.00");
    app.shop().add_product(&"Unbreakable".repeat(30)).set_price("12.50");
    app
}

/// A conversation with one of everything, and some hostile ones.
async fn customers_write(app: &TestApp) {
    let page = app.page();
    let sam = app.facebook.person(SAM.0, SAM.1);
    let next = || app.clock.advance(Duration::from_secs(61));
    let mid = |item: &serde_json::Value| item["message"]["mid"].as_str().unwrap().to_owned();
    let question = page.message_from(&sam, "Hi! Is the blue one in stock? I looked at https://shop.example/products/a-very-long-address-without-any-break-that-would-tear-a-narrow-page");
    next();
    let photo = page.attachment_from(&sam, "image", "https://cdn.example/1.jpg");
    next();
    let answer = page.reply_to(&sam, "Yes, 3 left.\nShall I keep one for you?");
    next();
    let regretted = page.message_from(&sam, "oh");
    let reply = page.answer_from(&sam, "Please do 😀", &mid(&answer));
    next();
    let hebrew = page.message_from(&sam, "שלום, האם יש במלאי?");
    next();
    let hostile = page.message_from(&sam, "\u{202e}desrever </p><script>alert(1)</script>\0");
    let long = page.message_from(&sam, &"x".repeat(100 * 1024));
    let combining = page.message_from(&sam, &format!("Z{}", "\u{0310}\u{0311}\u{0312}\u{0313}".repeat(60)));
    let empty = page.message_from(&sam, "\u{200b}");
    next();
    let items = [
        question.clone(),
        photo,
        answer.clone(),
        regretted.clone(),
        reply,
        hebrew,
        hostile,
        long,
        combining,
        empty,
        page.edit(&sam, &mid(&question), "Hi! Is the GREEN one in stock?"),
        page.unsend(&sam, &mid(&regretted)),
        page.reaction_from(&sam, &mid(&answer), Some("love")),
        page.read_by(&sam),
    ];
    for item in items {
        assert_eq!(page.deliver(&[item]).await.unwrap(), Some(200));
    }
    for (number, name) in ["李小龙", "\u{202e}drow eulb", "😀", "أحمد", "Ana Moreno"].iter().enumerate() {
        let person = app.facebook.person(&format!("70000000000001{number:02}"), name);
        let item = page.message_from(&person, &format!("{name} asks: what does shipping cost?"));
        assert_eq!(page.deliver(&[item]).await.unwrap(), Some(200));
        next();
    }
    // Webhooks bring ids only; a read brings the names.
    app.shared().journal.want_reread("facebook", PAGE, "", app.clock.now_ms()).await.unwrap();
    app.settle().await;
}

/// Clicks through both logins.
async fn connect(app: &TestApp, browser: &Chromium) {
    browser.open(&app.url).await;
    browser.until("Connect your Shopify shop").await;
    browser.fill("shop", "demo-shop").await;
    browser.click("Connect").await;
    browser.until("simulated Shopify").await;
    browser.click("Install").await;
    browser.until("Continue with Facebook").await;
    app.settle().await;
    browser.click("Continue with Facebook").await;
    browser.until("Permissions").await;
    browser.click("Continue").await;
    browser.until("Overview").await;
    app.settle().await;
    browser.open(&app.url).await;
}

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
    for words in ["edited", "Photo", "Yes, 3 left.", "Message unsent", "Please do", "read"] {
        assert!(text.contains(words), "{words} is not in {text}");
    }
    browser.check("thread").await;
    browser.click("Show the whole message").await;
    browser.until("A message").await;
    browser.check("message").await;

    browser.click("Catalogue").await;
    browser.until("640.00 EUR").await;
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
    shared.progress.report("shopify", SHOP, "products", 1_250, Some(4_800));
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
