//! What a merchant meets at particular moments: somebody writes while the page is open, a link of another site wants to connect
//! something, an answer cannot be sent, the bot is tried.

use std::sync::Arc;
use std::time::Duration;

use shoptalk::answering::responder::settings::ResponderSettings;
use shoptalk::demo::model::{Model, NAME};
use shoptalk::shared::store::{Status, Trouble, TroubleSource};

use crate::chromium::Chromium;
use crate::stage::{SAM, connect, stage, stage_with};
use crate::test_app::{PAGE, SHOP, TestApp};

/// The stream is open, and nothing but it can make the page look again.
async fn listens(browser: &Chromium) {
    browser.until_true("Boolean(stream) && stream.readyState === EventSource.OPEN").await;
    browser.run("clearTimeout(timer)", Vec::new()).await;
}

async fn sam_writes(app: &TestApp, text: &str) {
    let (page, sam) = (app.page(), app.facebook.person(SAM.0, SAM.1));
    assert_eq!(page.deliver(&[page.message_from(&sam, text)]).await.unwrap(), Some(200));
    rest(app).await;
}

/// What was told comes to rest, and is told to pages.
async fn rest(app: &TestApp) {
    app.settle().await;
    app.clock.advance(Duration::from_secs(20));
    app.settle().await;
}

#[tokio::test]
async fn pages_that_are_open_show_by_themselves_what_happens() {
    let Some(browser) = Chromium::start().await else { return };
    let app = stage().await;
    connect(&app, &browser).await;
    sam_writes(&app, "Is the blue one in stock?").await;
    let thread = format!("{}/conversations/facebook/{PAGE}/{}", app.url, SAM.0);
    browser.open(&thread).await;
    browser.until("Is the blue one in stock?").await;
    listens(&browser).await;
    sam_writes(&app, "And the red one?").await;
    browser.until("And the red one?").await;
    // Who writes an answer meanwhile keeps it, and sees the news afterwards.
    browser.fill("answer-text", "Yes, both").await;
    sam_writes(&app, "Or the green one?").await;
    let typed = "document.getElementById('answer-text').value === 'Yes, both'";
    browser.until_true(typed).await;
    assert!(!browser.text().await.contains("Or the green one?"));

    let board = app.shop().products().into_iter().find(|one| one.title() == "Snowboard Classic").unwrap();
    let list = format!("{}/catalogue/shopify/{SHOP}", app.url);
    browser.open(&list).await;
    browser.until("Snowboard Classic").await;
    listens(&browser).await;
    let change = async |name: &str| {
        board.rename(name);
        app.shop().deliver("products/update", &board.webhook()).await;
        rest(&app).await;
    };
    change("Snowboard Deluxe").await;
    browser.until("Snowboard Deluxe").await;
    browser.click("Snowboard Deluxe").await;
    browser.until("All-mountain board").await;
    listens(&browser).await;
    change("Snowboard Supreme").await;
    browser.until("Snowboard Supreme").await;
    browser.until_true("document.querySelector('data[data-currency]').textContent === '€640.00'").await;
    browser.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn a_link_of_another_site_connects_nothing_before_the_merchant_says_yes() {
    let Some(browser) = Chromium::start().await else { return };
    let app = stage().await;
    app.shopify.add_shop("other-shop.myshopify.com", "Other Shop");
    connect(&app, &browser).await;
    let elsewhere =
        format!("data:text/html,<title>x</title><a href='{}/shopify/other-shop/login'>Free boards</a>", app.url);
    browser.open(&elsewhere).await;
    browser.click("Free boards").await;
    browser.until("Connect this?").await;
    let text = browser.text().await;
    for words in ["other-shop.myshopify.com", "Demo Shop", "Go on only if this is your own wish"] {
        assert!(text.contains(words), "{words} is not in {text}");
    }
    browser.check("connect-this").await;
    browser.click("No, to the start page").await;
    browser.until("Everything is connected").await;
    assert_eq!(app.connections("shopify").await.len(), 1);
    browser.open(&elsewhere).await;
    browser.click("Free boards").await;
    browser.until("Connect this?").await;
    browser.click("Yes, connect it").await;
    browser.until("simulated Shopify").await;
    browser.click("Install").await;
    browser.until("Other Shop").await;
    assert_eq!(app.connections("shopify").await.len(), 2);
    app.settle().await;
    browser.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn an_answer_that_cannot_be_sent_is_not_lost() {
    let Some(browser) = Chromium::start().await else { return };
    let app = stage().await;
    connect(&app, &browser).await;
    sam_writes(&app, "Is the blue one in stock?").await;
    browser.open(&format!("{}/conversations/facebook/{PAGE}/{}", app.url, SAM.0)).await;
    browser.fill("answer-text", "Yes, 3 left. Shall I keep one for you?").await;
    let connections = &app.shared().connections;
    let login_dies = async || {
        let refused = Some(Trouble::new(TroubleSource::Token, "Please log in."));
        connections.set_status("facebook", PAGE, Status::NeedsReconnect, refused).await.unwrap();
    };
    let login_lives = async || connections.set_status("facebook", PAGE, Status::Connected, None).await.unwrap();
    // The login dies while the merchant writes.
    login_dies().await;
    browser.click("Send").await;
    browser.until("Not sent").await;
    let text = browser.text().await;
    assert!(text.contains("The account cannot send at the moment."), "{text}");
    assert!(text.contains("Yes, 3 left. Shall I keep one for you?"), "{text}");
    browser.check("not-sent").await;
    for (language, direction) in [("de", "ltr"), ("ar-XB", "rtl")] {
        login_lives().await;
        browser.run(&format!("document.cookie = 'language={language}; path=/'"), Vec::new()).await;
        browser.open(&format!("{}/conversations/facebook/{PAGE}/{}", app.url, SAM.0)).await;
        browser.until_true(&format!("document.documentElement.dir === '{direction}'")).await;
        browser.fill("answer-text", "Yes, 3 left.").await;
        login_dies().await;
        browser.click_on("section[aria-labelledby=answer] button").await;
        browser.until("Yes, 3 left.").await;
        browser.check(&format!("{language}-not-sent")).await;
    }
    assert!(app.facebook.sent().is_empty());
    login_lives().await;
    // Each refusal is a 409.
    browser.finish_with(&["409", "409", "409"]).await;
    app.finish().await;
}

fn responder(model: &Model) -> ResponderSettings {
    ResponderSettings {
        endpoint: model.endpoint().parse().unwrap(),
        model: NAME.to_owned(),
        key: None,
        prompt_file: None,
        disclosure: Some("A program answers.".to_owned()),
        daily_tokens: 100_000,
        timeout: Duration::from_secs(10),
        shows_images: false,
    }
}

#[tokio::test]
async fn a_merchant_tries_the_bot_lets_it_answer_and_sees_what_it_did() {
    let Some(browser) = Chromium::start().await else { return };
    let model = Model::start(Arc::new(chrono::Utc::now)).await.unwrap();
    let settings = responder(&model);
    let app = stage_with(|config| config.server.responder = Some(settings)).await;
    connect(&app, &browser).await;
    browser.open(&format!("{}/bot", app.url)).await;
    browser.until("Nothing yet.").await;
    browser.check("bot-empty").await;
    browser.fill("question", "How much is the Snowboard Classic?").await;
    browser.click("Show the answer").await;
    browser.until("The customer would read:").await;
    browser.check("bot-tried").await;
    browser.open(&app.url).await;
    browser.click("Let the bot answer here").await;
    browser.until("Stop the bot here").await;
    browser.check("overview-bot").await;
    sam_writes(&app, "How much is the Snowboard Classic?").await;
    app.work().await;
    browser.click("What the bot did").await;
    browser.until_true("document.querySelectorAll('section[aria-labelledby=deeds] li').length === 1").await;
    browser.check("bot").await;
    for language in ["de", "vi", "ar-XB"] {
        browser.run(&format!("document.cookie = 'language={language}; path=/'"), Vec::new()).await;
        browser.reload().await;
        browser.until_true(&format!("document.documentElement.lang === '{language}'")).await;
        let text = browser.text().await;
        assert!(!text.contains("What it did") && !text.contains("Show the answer"), "{language}: {text}");
        browser.check(&format!("{language}-bot")).await;
    }
    browser.finish().await;
    app.finish().await;
}
