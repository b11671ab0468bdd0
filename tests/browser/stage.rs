//! What the tests begin with: a shop and a Page with something in them, and customers who write.

use std::time::Duration;

use shoptalk::app::config::Config;
use shoptalk::facebook::Media;
use shoptalk::shared::channel::read_request::ReadRequest;

use crate::chromium::Chromium;
use crate::test_app::{PAGE, TestApp};

pub const SAM: (&str, &str) = ("7000000000000001", "Sam Doe");

/// The smallest picture there is.
const PICTURE: &[u8] =
    b"GIF89a\x01\0\x01\0\x80\0\0\x0b\x6e\x4f\xff\xff\xff!\xf9\x04\0\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

fn copying(config: &mut Config) {
    config.facebook.as_mut().unwrap().media = Some(Media { hosts: vec!["127.0.0.1".to_owned()], max_bytes: 1_000 });
}

/// A shop and a Page with something in them; both ask before they let an app in.
pub async fn stage() -> TestApp {
    stage_with(|_| {}).await
}

/// The same, with settings changed by `change`.
pub async fn stage_with(change: impl FnOnce(&mut Config)) -> TestApp {
    let change = |config: &mut Config| {
        copying(config);
        change(config);
    };
    let app = TestApp::start_with(change).await;
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
pub async fn customers_write(app: &TestApp) {
    let page = app.page();
    let sam = app.facebook.person(SAM.0, SAM.1);
    let next = || app.clock.advance(Duration::from_secs(61));
    let mid = |item: &serde_json::Value| item["message"]["mid"].as_str().unwrap().to_owned();
    let question = page.message_from(&sam, "Hi! Is the blue one in stock? I looked at https://shop.example/products/a-very-long-address-without-any-break-that-would-tear-a-narrow-page");
    next();
    let photo = page.attachment_from(&sam, "image", &app.facebook.put_content("1", "image/gif", PICTURE));
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
    app.shared().journal.request_read("facebook", PAGE, ReadRequest::Everything, app.clock.now_ms()).await.unwrap();
    app.settle().await;
}

/// Clicks through both logins.
pub async fn connect(app: &TestApp, browser: &Chromium) {
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
