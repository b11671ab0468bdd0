//! Each kind of answer that is no good one: what it does to the shop that gives it, and what its merchant reads until it
//! is over.

use std::time::Duration;

use serde_json::{Value, json};
use shoptalk::commands::{Command, Line};
use shoptalk::shared::channel::read_request::ReadRequest;
use shoptalk::shared::channel::simulator::Failure;

use crate::shopify_checks::{
    CATALOGUE, HOUR, SECOND, asked, assert_complete, connect_shop, connection, log_in, only, requests, sync_shop,
};
use crate::test_app::{SHOP, TestApp};

/// How often a read is tried that gets the same answer each time.
const TRIES: usize = 8;

fn error(code: &str) -> Value {
    json!({ "errors": [{ "message": "No.", "extensions": { "code": code } }] })
}

#[tokio::test]
async fn what_passes_is_waited_for_within_the_read() {
    let app = TestApp::start().await;
    app.shop().fill(3, 2);
    connect_shop(&app).await;
    let whole = app.text(CATALOGUE).unwrap();
    for (failure, pause) in [
        (Failure::Json(200, error("THROTTLED")), Duration::from_secs(1)),
        (Failure::Json(200, error("INTERNAL_SERVER_ERROR")), Duration::ZERO),
        (Failure::RetryAfter(429, "2.0".into()), Duration::from_secs(2)),
        (Failure::RetryAfter(429, "60".into()), Duration::from_secs(60)),
        (Failure::Status(429), Duration::from_secs(2)),
        (Failure::Status(500), Duration::ZERO),
        (Failure::Status(503), Duration::ZERO),
        (Failure::Hang, Duration::ZERO),
        (Failure::Disconnect, Duration::ZERO),
    ] {
        app.shopify.traffic().fail_next_with_body("graphql", &only("StockPage"), 1, failure.clone());
        let (slept, before) = (app.clock.slept(), requests(&app));
        let lines = sync_shop(&app).await;
        assert_eq!(lines.last(), Some(&Line::End { good: true }), "{failure:?}: {lines:?}");
        assert!(app.clock.slept() - slept >= pause, "{failure:?}: {:?}", app.clock.slept() - slept);
        let stock = asked(&app, SHOP, before).into_iter().filter(|name| name == "StockPage").count();
        assert_eq!(stock, 2, "{failure:?}");
        assert_eq!(app.text(CATALOGUE).unwrap(), whole);
    }
    app.finish().await;
}

/// What lasts is told to the merchant, and to nobody else; it goes when it is over.
#[tokio::test]
async fn what_lasts_is_told_and_tried_on_until_it_is_over() {
    let app = TestApp::start().await;
    let shop = app.shop();
    let second = app.shopify.add_shop(SECOND, "Second Shop");
    shop.fill(3, 2);
    second.fill(1, 1);
    let browser = connect_shop(&app).await;
    log_in(&browser, SECOND).await;
    app.settle().await;
    let limited = "Shopify limits how often this shop may be asked";
    let trouble = "Shopify does not answer properly";
    for (failure, sentence) in [
        (Failure::Json(200, error("THROTTLED")), limited),
        (Failure::RetryAfter(429, "7200".into()), limited),
        (Failure::Json(200, error("INTERNAL_SERVER_ERROR")), trouble),
        (Failure::Status(500), trouble),
        (Failure::Status(503), trouble),
        (Failure::Disconnect, trouble),
        (Failure::Html, "Shopify's answers cannot be read"),
        (Failure::HalfBody, "Shopify's answers cannot be read"),
        (Failure::Json(200, json!({ "data": { "products": null } })), "Shopify's answers cannot be read"),
    ] {
        let whole = app.text(CATALOGUE).unwrap();
        shop.products()[0].delete();
        shop.add_product("New");
        app.shopify.traffic().fail_next_with_body(SHOP, &only("ProductPage"), usize::MAX, failure.clone());
        app.shared().journal.request_read("shopify", SHOP, ReadRequest::Everything, app.clock.now_ms()).await.unwrap();
        for _ in 0..4 {
            app.settle().await;
            app.clock.advance(HOUR / 4);
        }
        let told = connection(&app, SHOP).await["status_reason"].clone();
        let expected = format!("Reading is incomplete: {sentence}");
        assert!(told.as_str().is_some_and(|told| told.starts_with(&expected)), "{failure:?}: {told}");
        assert_eq!(app.text(CATALOGUE).unwrap(), whole, "{failure:?}");
        assert_eq!(connection(&app, SECOND).await["status_reason"], Value::Null, "{failure:?}");
        assert_eq!(app.counts().await.2, 0, "{failure:?}: it is not given up");
        app.shopify.traffic().heal();
        app.clock.advance(3 * HOUR);
        app.settle().await;
        let found = connection(&app, SHOP).await;
        assert_eq!((&found["status"], &found["status_reason"]), (&json!("connected"), &Value::Null), "{failure:?}");
        assert_complete(&app, &shop);
    }
    app.finish().await;
}

#[tokio::test]
async fn what_is_refused_again_and_again_is_parked_and_shown() {
    let app = TestApp::start().await;
    let shop = app.shop();
    shop.fill(3, 2);
    connect_shop(&app).await;
    let whole = app.text(CATALOGUE).unwrap();
    let refused = "Shopify refuses what is asked";
    for (failure, sentence) in [
        (Failure::Json(200, error("MAX_COST_EXCEEDED")), "Shopify finds a part of the catalogue too large"),
        (Failure::Json(200, error("ACCESS_DENIED")), "Shopify denies a permission (ACCESS_DENIED)"),
        (Failure::Json(200, error("undefinedField")), "Shopify refuses what is asked (undefinedField)"),
        (Failure::Json(200, error("<b>x</b>")), "Shopify refuses what is asked (another code)"),
        (Failure::Json(200, json!({ "errors": [{ "message": "No." }] })), refused),
        (Failure::Json(200, json!({ "errors": "[API] Something in words" })), refused),
        (
            Failure::Json(400, json!({ "errors": { "query": "Required parameter missing or invalid" } })),
            "Shopify refuses what is asked (status 400)",
        ),
        (Failure::Status(406), "Shopify refuses what is asked (status 406)"),
        (Failure::Status(422), "Shopify refuses what is asked (status 422)"),
    ] {
        app.shopify.traffic().fail_next_with_body("graphql", &only("ProductPage"), TRIES, failure.clone());
        let before = requests(&app);
        let lines = sync_shop(&app).await;
        assert!(matches!(&lines[0], Line::Failed { .. }), "{failure:?}: {lines:?}");
        for _ in 0..10 {
            app.clock.advance(HOUR);
            app.settle().await;
        }
        let pages = asked(&app, SHOP, before).into_iter().filter(|name| name == "ProductPage").count();
        assert_eq!(pages, TRIES, "{failure:?}");
        assert_eq!(app.counts().await.2, 1, "{failure:?}");
        let shown = connection(&app, SHOP).await;
        assert_eq!(shown["status"], "incomplete", "{failure:?}");
        let told = shown["status_reason"].as_str().unwrap();
        assert!(told.starts_with(&format!("Reading is incomplete: {sentence}")), "{failure:?}: {told}");
        assert_eq!(app.text(CATALOGUE).unwrap(), whole, "{failure:?}");
        app.command(Command::Replay { event: None, since_ms: None }).await;
        app.settle().await;
        assert_eq!(app.counts().await.2, 0, "{failure:?}");
        assert_eq!(connection(&app, SHOP).await["status"], "connected", "{failure:?}");
        assert_complete(&app, &shop);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_shop_whose_login_cannot_be_renewed_because_it_is_unknown_pauses() {
    let app = TestApp::start().await;
    let shop = app.shop();
    shop.fill(2, 1);
    connect_shop(&app).await;
    app.clock.advance(2 * HOUR);
    app.shopify.traffic().fail_next("oauth/access_token", 1, Failure::Json(404, json!({ "errors": "Not Found" })));
    sync_shop(&app).await;
    let found = connection(&app, SHOP).await;
    let told = found["status_reason"].as_str().unwrap();
    assert!(told.starts_with("Reading pauses: Shopify knows no shop at this address"), "{told}");
    app.clock.advance(2 * HOUR);
    app.settle().await;
    app.settle().await;
    let found = connection(&app, SHOP).await;
    assert_eq!((&found["status"], &found["status_reason"]), (&json!("connected"), &Value::Null));
    assert_complete(&app, &shop);
    app.finish().await;
}
