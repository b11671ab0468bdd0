//! How much is asked of a shop, and when: unknown answers are asked again and never made dearer, points are counted before
//! they are spent, large catalogues go the cheaper way, and a login comes before everything else.

use std::time::Duration;

use serde_json::{Value, json};
use shoptalk::shared::channel::read_request::ReadRequest;
use shoptalk::shared::channel::simulator::Failure;
use shoptalk::shopify::sandbox::{Closed, Shop};

use crate::shopify_checks::{
    CATALOGUE, HOUR, an_hour_later, asked, assert_complete, connect_shop, connection, log_in, only, requests,
    sync_shop, titles,
};
use crate::test_app::{SHOP, TestApp};

fn count(names: &[String], name: &str) -> usize {
    names.iter().filter(|asked| *asked == name).count()
}

/// Puts every product's first variant in stock at this many locations.
fn stock_everywhere(shop: &Shop, locations: usize) {
    let locations: Vec<String> = (1..locations).map(|number| shop.add_location(&format!("Branch {number}"))).collect();
    for product in shop.products() {
        for (pieces, location) in (1..).zip(&locations) {
            product.set_stock_at(location, pieces);
        }
    }
}

#[tokio::test]
async fn one_product_that_cannot_be_read_is_asked_for_again_and_its_list_is_not() {
    let throttled = json!({ "errors": [{ "message": "Throttled" }] });
    for (failure, times) in [
        (Failure::Status(430), 2),
        (Failure::RetryAfter(430, "3".into()), 2),
        (Failure::Json(430, json!({ "errors": "Too Many Requests" })), 20),
        (Failure::Json(200, throttled.clone()), 20),
        (Failure::Json(200, json!({ "errors": "Throttled" })), 20),
        (Failure::Json(400, json!({ "errors": "Exceeded 2 calls per second for api client." })), 20),
        (Failure::Json(200, json!({ "errors": [{ "message": "Something new" }] })), 2),
        (Failure::Json(200, json!({ "errors": "[API] Something in words" })), 2),
        (Failure::Status(420), 2),
        (Failure::Status(408), 7),
        (Failure::Status(409), 2),
        (Failure::Html, 2),
        (Failure::Json(200, json!({ "data": {} })), 2),
        (Failure::Json(200, json!({ "data": { "product": 7 } })), 2),
    ] {
        let app = TestApp::start().await;
        let shop = app.shop();
        shop.fill(5, 1);
        connect_shop(&app).await;
        app.clock.advance(HOUR / 60);
        let first = &shop.products()[0];
        first.rename("Renamed");
        app.shopify.traffic().fail_next_with_body(SHOP, &only("ProductById"), times, failure.clone());
        let (before, at) = (requests(&app), app.clock.now());
        shop.deliver("products/update", &first.webhook()).await;
        app.settle().await;
        for _ in 0..40 {
            app.clock.advance(Duration::from_secs(60));
            app.settle().await;
        }
        let names = asked(&app, SHOP, before);
        assert!(!names.contains(&"ProductPage".to_owned()), "{failure:?}: nothing dearer: {names:?}");
        assert_eq!(count(&names, "ProductById"), times + 1, "{failure:?}: the same call again: {names:?}");
        assert!(app.clock.now() - at > chrono::TimeDelta::seconds(1), "{failure:?}: with pauses");
        assert_complete(&app, &shop);
        app.finish().await;
    }
}

#[tokio::test]
async fn a_product_whose_query_is_refused_is_found_in_the_list() {
    let app = TestApp::start().await;
    let shop = app.shop();
    shop.fill(5, 1);
    connect_shop(&app).await;
    app.clock.advance(HOUR / 60);
    let first = &shop.products()[0];
    first.rename("Renamed");
    let refused = json!({ "errors": [{ "message": "x", "extensions": { "code": "undefinedField" } }] });
    app.shopify.traffic().fail_next_with_body(SHOP, &only("ProductById"), usize::MAX, Failure::Json(200, refused));
    shop.deliver("products/update", &first.webhook()).await;
    app.settle().await;
    assert_complete(&app, &shop);
    app.finish().await;
}

#[tokio::test]
async fn an_export_whose_start_is_answered_oddly_is_asked_for_again_and_pages_are_not() {
    for failure in [
        Failure::Status(430),
        Failure::Json(200, json!({ "errors": [{ "message": "Throttled" }] })),
        Failure::Json(200, json!({ "errors": [{ "message": "Something new" }] })),
    ] {
        let app = TestApp::start_with(|config| config.shopify.as_mut().unwrap().bulk_above = 0).await;
        let shop = app.shop();
        shop.fill(5, 1);
        app.shopify.traffic().fail_next_with_body(SHOP, &only("StartBulk"), 2, failure.clone());
        let before = requests(&app);
        connect_shop(&app).await;
        for _ in 0..10 {
            app.clock.advance(Duration::from_secs(60));
            app.settle().await;
        }
        assert_eq!(count(&asked(&app, SHOP, before), "ProductPage"), 0, "{failure:?}");
        assert_complete(&app, &shop);
        app.finish().await;
    }
}

#[tokio::test]
async fn points_are_counted_before_the_first_answer_told_a_price() {
    let app = TestApp::start().await;
    let shop = app.shop();
    crate::shopify_poll::fill_every_list(&shop);
    shop.set_throttle(1000.0, 50.0);
    connect_shop(&app).await;
    assert_complete(&app, &shop);
    assert_eq!(app.shopify.throttled(), 0, "no query came too soon");
    app.finish().await;
}

#[tokio::test]
async fn a_catalogue_that_costs_many_points_goes_by_bulk_however_few_products_it_has() {
    let app = TestApp::start().await;
    let shop = app.shop();
    shop.fill(150, 1);
    stock_everywhere(&shop, 15);
    let before = requests(&app);
    connect_shop(&app).await;
    let names = asked(&app, SHOP, before);
    assert_eq!((count(&names, "StartBulk"), count(&names, "ProductPage")), (4, 0), "{names:?}");
    assert_complete(&app, &shop);
    // A plan that gives ten times the points reads the same shop by pages in no time.
    shop.set_throttle(20_000.0, 1000.0);
    let before = requests(&app);
    sync_shop(&app).await;
    let names = asked(&app, SHOP, before);
    assert_eq!(count(&names, "StartBulk"), 0, "{names:?}");
    assert!(count(&names, "ProductPage") > 0, "{names:?}");
    assert_complete(&app, &shop);
    app.finish().await;
}

#[tokio::test]
async fn items_at_many_locations_cost_no_call_of_their_own() {
    let app = TestApp::start().await;
    let shop = app.shop();
    shop.fill(30, 1);
    stock_everywhere(&shop, 30);
    let before = requests(&app);
    connect_shop(&app).await;
    let names = asked(&app, SHOP, before);
    assert_eq!(count(&names, "StartBulk"), 0, "{names:?}");
    assert_eq!(count(&names, "InventoryLevelsOfItem"), 0, "{names:?}");
    assert!(count(&names, "StockPage") < 12, "{names:?}");
    assert_complete(&app, &shop);
    // Nor do the variants of a single product.
    let product = &shop.products()[0];
    app.clock.advance(HOUR / 60);
    product.set_price("1.23");
    let before = requests(&app);
    shop.deliver("products/update", &product.webhook()).await;
    app.settle().await;
    let names = asked(&app, SHOP, before);
    assert_eq!(count(&names, "InventoryLevelsOfItem"), 0, "{names:?}");
    assert_complete(&app, &shop);
    app.finish().await;
}

#[tokio::test]
async fn an_export_that_does_not_begin_has_an_end_and_is_cancelled() {
    let app = TestApp::start_with(|config| config.shopify.as_mut().unwrap().bulk_above = 0).await;
    let shop = app.shop();
    shop.fill(5, 1);
    shop.stall_bulk(true);
    log_in(&app.browser(), SHOP).await;
    app.settle().await;
    assert_eq!(shop.bulk_operations().len(), 4);
    for _ in 0..5 {
        app.clock.advance(HOUR / 6);
        app.settle().await;
    }
    assert_complete(&app, &shop);
    let remark = connection(&app, SHOP).await["remark"].as_str().unwrap_or_default().to_owned();
    assert!(remark.starts_with("Shopify's export of the products has not begun after half an hour."), "{remark}");
    let states: Vec<Value> = shop.bulk_operations().iter().map(|one| one["status"].clone()).collect();
    assert_eq!(states, vec!["CANCELED"; 4]);
    app.finish().await;
}

#[tokio::test]
async fn an_export_that_is_given_up_is_cancelled_with_all_its_parts() {
    let app = TestApp::start_with(|config| config.shopify.as_mut().unwrap().bulk_above = 0).await;
    let shop = app.shop();
    shop.fill(5, 1);
    shop.hold_bulk(true);
    log_in(&app.browser(), SHOP).await;
    app.settle().await;
    shop.fail_next_bulk("TIMEOUT");
    shop.release_one_bulk();
    for _ in 0..3 {
        app.clock.advance(HOUR / 6);
        app.settle().await;
    }
    let states: Vec<Value> = shop.bulk_operations().iter().map(|one| one["status"].clone()).collect();
    assert_eq!(states, ["FAILED", "CANCELED", "CANCELED", "CANCELED"]);
    assert_complete(&app, &shop);
    app.finish().await;
}

#[tokio::test]
async fn a_login_asks_for_no_more_subscriptions_than_there_are() {
    let app = TestApp::start().await;
    connect_shop(&app).await;
    let before = app.shopify.points_spent();
    app.run_due_jobs().await;
    an_hour_later(&app).await;
    assert!(app.shopify.points_spent() - before < 100, "a look at a shop is cheap");
    let bodies = app.shopify.traffic().received();
    let listed = bodies.iter().filter_map(|request| serde_json::from_slice::<Value>(&request.body).ok());
    let sizes: Vec<u64> = listed
        .filter(|body| body["operationName"] == "Subscriptions")
        .map(|body| body["variables"]["first"].as_u64().unwrap())
        .collect();
    assert!(!sizes.is_empty() && sizes.iter().all(|size| *size <= 25), "{sizes:?}");
    app.finish().await;
}

#[tokio::test]
async fn a_login_during_a_read_of_the_same_shop_is_served_first() {
    let app = TestApp::start().await;
    let shop = app.shop();
    crate::shopify_poll::fill_every_list(&shop);
    shop.set_throttle(1000.0, 50.0);
    connect_shop(&app).await;
    for nth in [3, 5, 8, 11] {
        let before = requests(&app);
        app.shared().journal.request_read("shopify", SHOP, ReadRequest::Everything, app.clock.now_ms()).await.unwrap();
        let traffic = app.shopify.traffic().clone();
        app.work_until(traffic.until_received(before + nth)).await;
        log_in(&app.browser(), SHOP).await;
        app.settle().await;
        assert_complete(&app, &shop);
    }
    assert_eq!(app.shopify.throttled(), 0);
    app.finish().await;
}

#[tokio::test]
async fn a_login_that_comes_too_often_is_told_that_shopify_is_busy() {
    let app = TestApp::start().await;
    // Without a token there is nothing to keep.
    for failure in [Failure::RetryAfter(429, "30".into()), Failure::Status(430)] {
        app.shopify.traffic().fail_next("/oauth/access_token", 5, failure.clone());
        let answer = app.browser().follow(&format!("/shopify/{SHOP}/login")).await;
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with("Shopify is busy "), "{failure:?}: {detail}");
        assert_eq!(connection(&app, SHOP).await, Value::Null, "{failure:?}");
        app.shopify.traffic().heal();
    }
    // With one there is, and it is said what is to come and why.
    for failure in [
        Failure::RetryAfter(429, "30".into()),
        Failure::Status(430),
        Failure::Json(200, json!({ "errors": [{ "message": "Throttled" }] })),
    ] {
        let app = TestApp::start().await;
        app.shopify.traffic().fail_next_with_body("/graphql.json", &only("ShopInfo"), 5, failure.clone());
        let answer = app.browser().follow(&format!("/shopify/{SHOP}/login")).await;
        let reason = answer.json()["still_to_come"][0]["reason"].as_str().unwrap().to_owned();
        assert!(reason.starts_with("Shopify limits how often "), "{failure:?}: {reason}");
        assert_eq!(connection(&app, SHOP).await["status"], "incomplete", "{failure:?}");
        app.finish().await;
    }
    // What can be done later costs no login.
    let throttled = Failure::Json(200, json!({ "errors": [{ "message": "Throttled" }] }));
    app.shopify.traffic().fail_next_with_body("/graphql.json", &only("Subscriptions"), 5, throttled);
    log_in(&app.browser(), SHOP).await;
    app.shopify.traffic().heal();
    app.settle().await;
    assert_eq!(app.shop().subscriptions().len(), 18);
    assert_eq!(connection(&app, SHOP).await["status"], "connected");
    app.finish().await;
}

#[tokio::test]
async fn a_login_of_a_shop_that_was_read_today_looks_at_what_has_changed() {
    let app = TestApp::start().await;
    let shop = app.shop();
    shop.fill(5, 1);
    let browser = connect_shop(&app).await;
    app.clock.advance(HOUR);
    shop.products()[0].rename("Renamed");
    let before = requests(&app);
    log_in(&browser, SHOP).await;
    app.settle().await;
    let names = asked(&app, SHOP, before);
    assert_eq!((count(&names, "ProductPage"), count(&names, "ProductById")), (0, 1), "{names:?}");
    assert_complete(&app, &shop);
    // Where deliveries may have been lost, everything is read.
    shop.drop_subscription("products/update");
    let before = requests(&app);
    log_in(&browser, SHOP).await;
    app.settle().await;
    assert_eq!(count(&asked(&app, SHOP, before), "ProductPage"), 1);
    // And where the last time was long ago.
    app.clock.advance(25 * HOUR);
    let before = requests(&app);
    log_in(&browser, SHOP).await;
    app.settle().await;
    assert_eq!(count(&asked(&app, SHOP, before), "ProductPage"), 1);
    app.finish().await;
}

#[tokio::test]
async fn a_subscription_that_is_lost_before_the_first_look_has_its_gap_read() {
    let app = TestApp::start().await;
    app.run_due_jobs().await;
    let shop = app.shop();
    let tea = shop.add_product("Green tea");
    connect_shop(&app).await;
    shop.drop_subscription("products/update");
    tea.rename("Black tea");
    assert_eq!(shop.deliver("products/update", &tea.webhook()).await, [0_u16; 0], "nobody hears of it");
    an_hour_later(&app).await;
    assert_eq!(titles(&app), ["Black tea"]);
    app.finish().await;
}

#[tokio::test]
async fn after_a_change_of_the_address_every_shop_is_looked_at_when_the_service_begins() {
    let app = TestApp::start().await;
    let shop = app.shop();
    shop.add_product("Green tea");
    connect_shop(&app).await;
    // The next start is at another port, which is another address.
    let app = app.restart().await;
    shop.add_product("Missed meanwhile");
    app.begin().await;
    app.settle().await;
    let address = format!("{}/shopify/webhook", app.url);
    assert!(shop.subscriptions().iter().all(|one| one.uri == address), "none waits for the hour");
    assert_complete(&app, &shop);
    app.finish().await;
}

#[tokio::test]
async fn a_shop_that_is_open_again_says_so_itself() {
    for topic in ["shop/update", "products/update"] {
        let app = TestApp::start().await;
        let shop = app.shop();
        let tea = shop.add_product("Green tea");
        connect_shop(&app).await;
        shop.close(Some(Closed::Frozen));
        sync_shop(&app).await;
        assert_eq!(connection(&app, SHOP).await["status"], "incomplete");
        app.clock.advance(HOUR / 4);
        // While it is closed, what it delivers costs one question in a while.
        let before = requests(&app);
        for _ in 0..5 {
            shop.deliver("products/update", &tea.webhook()).await;
            app.settle().await;
        }
        assert_eq!(asked(&app, SHOP, before), ["ShopInfo"]);
        app.clock.advance(HOUR / 4);
        shop.close(None);
        tea.rename("Black tea");
        let body = if topic == "shop/update" { shop.webhook() } else { tea.webhook() };
        shop.deliver(topic, &body).await;
        app.settle().await;
        app.settle().await;
        let found = connection(&app, SHOP).await;
        assert_eq!((&found["status"], &found["status_reason"]), (&json!("connected"), &Value::Null), "{topic}");
        assert_complete(&app, &shop);
        assert!(app.text(CATALOGUE).unwrap().contains("Black tea"), "{topic}");
        app.finish().await;
    }
}
