//! Answers from copies of a shop that lag behind its events: nothing old comes back, and nothing new is missed for long.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use shoptalk::shared::channel::simulator::Failure;
use shoptalk::shopify::sandbox::{Product, Shop};

use crate::shopify_checks::{CATALOGUE, asked, assert_complete, connect_shop, only, requests, titles};
use crate::test_app::{SHOP, TestApp};

/// The body of another event that tells the same.
fn another(mut body: Value, number: u32) -> Value {
    body["event"] = number.into();
    body
}

fn address(app: &TestApp) -> String {
    format!("{}/shopify/webhook", app.url)
}

#[tokio::test]
async fn an_answer_older_than_what_is_stored_replaces_nothing_and_is_asked_for_again() {
    let app = TestApp::start().await;
    let shop = app.shop();
    let tea = shop.add_product("Green tea");
    connect_shop(&app).await;
    let before = tea.graphql();
    app.clock.advance(Duration::from_secs(60));
    tea.rename("White tea");
    shop.deliver("products/update", &tea.webhook()).await;
    app.settle().await;
    assert_eq!(titles(&app), ["White tea"]);
    // A copy that lags behind still shows the product of a minute ago.
    let stale = Failure::Json(200, json!({ "data": { "product": before } }));
    app.shopify.traffic().fail_next_with_body("graphql", &only("ProductById"), 1, stale);
    shop.deliver("products/update", &another(tea.webhook(), 1)).await;
    app.settle().await;
    assert_eq!(titles(&app), ["White tea"]);
    tea.rename("Black tea");
    app.clock.advance(Duration::from_secs(60));
    app.settle().await;
    assert_eq!(titles(&app), ["Black tea"], "it was asked again");
    assert_complete(&app, &shop);
    app.finish().await;
}

/// A change of one object of a shop.
type Change = fn(&Shop, &str);

/// What the shop answers to this query about one object at this moment: an event of this topic leads to it.
async fn answer_to(app: &TestApp, query: &str, topic: &str, body: &Value) -> Value {
    app.shop().deliver(topic, body).await;
    app.settle().await;
    let received = app.shopify.traffic().received();
    let asked = received.iter().rev().find(|one| one.text().contains(&only(query))).unwrap();
    let token = asked.headers["x-shopify-access-token"].to_str().unwrap();
    let headers = [("content-type", "application/json"), ("x-shopify-access-token", token)];
    let url = format!("http://{}{}", app.shopify.bulk_host(), asked.path);
    let answer = app.browser().send(Method::POST, &url, &headers, &asked.body).await.json();
    assert!(answer["errors"].is_null(), "{answer}");
    answer
}

/// The same about a product.
async fn answer_about(app: &TestApp, product: &Product) -> Value {
    answer_to(app, "ProductById", "products/update", &product.webhook()).await
}

/// The next answer about a single product is this one, as a copy gives it that lags behind.
fn lag(app: &TestApp, answer: &Value) {
    let stale = Failure::Json(200, answer.clone());
    app.shopify.traffic().fail_next_with_body("graphql", &only("ProductById"), 1, stale);
}

#[tokio::test]
async fn an_answer_that_does_not_show_what_an_event_told_is_asked_for_once_more() {
    let app = TestApp::start().await;
    let shop = app.shop();
    let (tea, coffee) = (shop.add_product("Green tea"), shop.add_product("Coffee"));
    connect_shop(&app).await;
    let (old_tea, old_coffee) = (answer_about(&app, &tea).await, answer_about(&app, &coffee).await);
    app.clock.advance(Duration::from_secs(60));
    app.settle().await;

    tea.rename("White tea");
    lag(&app, &old_tea);
    shop.deliver("products/update", &tea.webhook()).await;
    app.settle().await;
    coffee.delete();
    lag(&app, &old_coffee);
    shop.deliver("products/delete", &json!({ "id": coffee.id() })).await;
    app.settle().await;
    let cocoa = shop.add_product("Cocoa");
    lag(&app, &json!({ "data": { "product": null } }));
    shop.deliver("products/create", &cocoa.webhook()).await;
    app.settle().await;
    assert_eq!(titles(&app), ["Green tea", "Coffee"]);
    // A kill does not forget it.
    let app = app.kill_and_restart_with(|_| {}).await;
    app.clock.advance(Duration::from_secs(60));
    app.settle().await;
    assert_eq!(titles(&app), ["White tea", "Cocoa"]);
    assert_complete(&app, &shop);

    // What an event tells twice costs one call more, and no third.
    let before = requests(&app);
    for number in 0..5 {
        let body = another(tea.webhook(), number).to_string().into_bytes();
        assert_eq!(shop.deliver_to(&address(&app), "products/update", &body, &[]).await.unwrap(), 200);
        app.settle().await;
    }
    for _ in 0..5 {
        app.clock.advance(Duration::from_secs(60));
        app.settle().await;
    }
    assert_eq!(asked(&app, SHOP, before), ["ProductById"; 6]);
    app.finish().await;
}

#[tokio::test]
async fn a_late_event_brings_nothing_back_though_the_shop_answers_from_an_old_copy() {
    let app = TestApp::start().await;
    let shop = app.shop();
    let (tea, coffee) = (shop.add_product("Green tea"), shop.add_product("Coffee"));
    shop.add_collection("Drinks", &[&tea, &coffee]);
    connect_shop(&app).await;
    let (old_tea, late) = (answer_about(&app, &tea).await, tea.webhook());
    app.clock.advance(Duration::from_secs(60));
    app.settle().await;
    tea.delete();
    shop.deliver("products/delete", &json!({ "id": tea.id() })).await;
    app.settle().await;
    assert_eq!(titles(&app), ["Coffee"]);
    // An update from before, delivered after: what it tells is long over, and the copy that is asked is as late.
    let url = address(&app);
    let times = [Some("2026-11-21T12:00:01.5Z"), Some("2030-01-01T00:00:00Z"), Some("yesterday"), None];
    for (number, triggered) in (0..).zip(times) {
        let body = another(late.clone(), number).to_string().into_bytes();
        lag(&app, &old_tea);
        let headers = [("X-Shopify-Triggered-At", triggered)];
        assert_eq!(shop.deliver_to(&url, "products/update", &body, &headers).await.unwrap(), 200);
        app.settle().await;
        assert_eq!(titles(&app), ["Coffee"], "{triggered:?}");
        app.clock.advance(Duration::from_secs(120));
        app.settle().await;
        assert_complete(&app, &shop);
    }
    app.finish().await;
}

#[tokio::test]
async fn collections_and_discounts_are_asked_for_once_more_too() {
    let app = TestApp::start().await;
    let shop = app.shop();
    let tea = shop.add_product("Green tea");
    let drinks = shop.add_collection("Drinks", &[&tea]);
    let (ten, spring) = (shop.add_code_discount("Ten off", &["TEN"], 0.1), shop.add_automatic_discount("Spring", 0.2));
    connect_shop(&app).await;
    let collection = |gid: &str| json!({ "id": gid.rsplit('/').next().unwrap().parse::<u64>().unwrap() });
    let discount = |gid: &str| json!({ "admin_graphql_api_id": gid });
    let changes: [(&str, &str, Value, Change); 3] = [
        (&drinks, "collections/update", collection(&drinks), |shop, id| shop.rename_collection(id, "Hot")),
        (&ten, "discounts/update", discount(&ten), |shop, id| shop.set_discount_status(id, "EXPIRED")),
        (&spring, "discounts/delete", discount(&spring), |shop, id| shop.delete_discount(id)),
    ];
    for (object, topic, body, change) in changes {
        let query = if topic.starts_with("collections") { "CollectionById" } else { "DiscountById" };
        let old = answer_to(&app, query, topic, &body).await;
        app.clock.advance(Duration::from_secs(60));
        app.settle().await;
        let file = app.text(CATALOGUE);
        change(&shop, object);
        app.shopify.traffic().fail_next_with_body("graphql", &only(query), 1, Failure::Json(200, old));
        shop.deliver(topic, &another(body, 1)).await;
        app.settle().await;
        assert_eq!(app.text(CATALOGUE), file, "{topic}: the copy lags behind");
        app.clock.advance(Duration::from_secs(60));
        app.settle().await;
        assert_complete(&app, &shop);
        assert_ne!(app.text(CATALOGUE), file, "{topic}");
    }
    app.finish().await;
}
