//! The webhook subscriptions of a shop: compared with what is wanted every hour, and put right.

use std::time::Duration;

use serde_json::{Value, json};
use shoptalk::shared::channel::reader::Ended;
use shoptalk::shared::channel::simulator::Failure;
use shoptalk::shopify::sandbox::Shop;
use url::Url;

use crate::shopify_checks::{an_hour_later, asked, assert_complete, connect_shop, connection, log_in, only, requests};
use crate::test_app::{Browser, SHOP, TestApp};

fn address(app: &TestApp) -> String {
    format!("{}/shopify/webhook", app.url)
}

/// The topics that are subscribed at this address, sorted.
fn topics_at(shop: &Shop, address: &str) -> Vec<String> {
    let mut topics: Vec<String> =
        shop.subscriptions().into_iter().filter(|one| one.uri == address).map(|one| one.topic).collect();
    topics.sort_unstable();
    topics
}

fn user_error(mutation: &str, message: &str) -> Failure {
    let outcome = json!({ "webhookSubscription": null, "userErrors": [{ "field": null, "message": message }] });
    Failure::Json(200, json!({ "data": { mutation: outcome } }))
}

fn alerts(app: &TestApp) -> Vec<String> {
    app.shared().alerts.list().into_iter().map(|alert| alert.cause).collect()
}

async fn noted(app: &TestApp) -> Value {
    let noted = app.shared().journal.list_subscriptions().await.unwrap();
    json!(noted.iter().find(|one| one.account == SHOP).unwrap())
}

async fn connected(app: &TestApp) -> Browser {
    app.run_due_jobs().await;
    let browser = connect_shop(app).await;
    an_hour_later(app).await;
    browser
}

#[tokio::test]
async fn what_the_platform_dropped_is_back_within_the_hour_and_what_was_missed_is_read() {
    let app = TestApp::start().await;
    let shop = app.shop();
    let tea = shop.add_product("Green tea");
    connected(&app).await;
    let whole = topics_at(&shop, &address(&app));
    assert_eq!(whole.len(), 18);
    let before = requests(&app);
    an_hour_later(&app).await;
    let names = asked(&app, SHOP, before);
    assert_eq!(names, ["ShopInfo", "Subscriptions"], "nothing to repair, so nothing is read or written");

    shop.drop_subscription("products/update");
    shop.drop_subscription("app/uninstalled");
    tea.set_price("77.00");
    assert_eq!(shop.deliver("products/update", &tea.webhook()).await, [0_u16; 0], "nobody hears of it");
    an_hour_later(&app).await;
    assert_eq!(topics_at(&shop, &address(&app)), whole);
    assert_complete(&app, &shop);
    let noted = noted(&app).await;
    assert_eq!((&noted["repairs"], &noted["missing"]), (&json!(1), &json!([])), "{noted}");
    assert_eq!(noted["wanted"].as_array().unwrap().len(), 18);
    app.finish().await;
}

#[tokio::test]
async fn after_a_change_of_our_address_subscriptions_move_and_strangers_stay() {
    let app = TestApp::start().await;
    let shop = app.shop();
    shop.add_product("Green tea");
    let stranger = "https://another-service.example/shopify/webhook";
    shop.subscribe("products/update", stranger, "2026-10");
    connected(&app).await;
    let old = address(&app);
    let ids = |address: &str| {
        let mut ids: Vec<u64> =
            shop.subscriptions().iter().filter(|one| one.uri == address).map(|one| one.id).collect();
        ids.sort_unstable();
        ids
    };
    let before = ids(&old);
    // The next start is at another port, which is another address.
    let app = app.restart().await;
    assert_ne!(address(&app), old);
    shop.add_product("Missed meanwhile");
    an_hour_later(&app).await;
    assert_eq!(ids(&address(&app)), before, "they were moved: at no moment was a topic without subscription");
    assert_eq!(topics_at(&shop, &old), [""; 0]);
    assert_eq!(topics_at(&shop, stranger), ["products/update"]);
    assert_complete(&app, &shop);
    app.finish().await;
}

#[tokio::test]
async fn a_stale_subscription_beside_a_good_one_is_deleted() {
    let app = TestApp::start().await;
    let shop = app.shop();
    connected(&app).await;
    let old = address(&app);
    let app = app.restart().await;
    log_in(&app.browser(), SHOP).await;
    assert_eq!(topics_at(&shop, &old), [""; 0], "a login moves them as well");
    for topic in ["products/update", "orders/create"] {
        shop.subscribe(topic, &old, "2026-10");
        shop.subscribe("customers/create", &address(&app), "2026-10");
    }
    an_hour_later(&app).await;
    assert_eq!(topics_at(&shop, &old), [""; 0]);
    assert_eq!(topics_at(&shop, &address(&app)).len(), 18, "a topic that nobody wants is gone from our address too");
    app.finish().await;
}

#[tokio::test]
async fn a_subscription_of_an_older_version_is_brought_to_the_one_in_use() {
    let app = TestApp::start().await;
    let shop = app.shop();
    shop.subscribe("products/update", &address(&app), "2026-01");
    connected(&app).await;
    let versions: Vec<String> = shop.subscriptions().into_iter().map(|one| one.api_version).collect();
    assert_eq!(versions, vec!["2026-10"; 18]);
    app.finish().await;
}

#[tokio::test]
async fn a_version_that_belongs_to_the_app_is_asked_for_once() {
    let app = TestApp::start().await;
    let shop = app.shop();
    shop.set_webhook_version("2026-01");
    connected(&app).await;
    let changes = || {
        let received = app.shopify.traffic().received();
        let is_change = |body: &str| body.contains("webhookSubscriptionUpdate");
        received.iter().filter(|one| is_change(&String::from_utf8_lossy(&one.body))).count()
    };
    an_hour_later(&app).await;
    let before = changes();
    an_hour_later(&app).await;
    an_hour_later(&app).await;
    assert_eq!(changes(), before, "what did not change it once does not change it");
    assert!((1..=18).contains(&before), "{before}");
    assert_eq!(topics_at(&shop, &address(&app)).len(), 18);
    // An address that changes is still moved.
    let app = app.restart().await;
    log_in(&app.browser(), SHOP).await;
    assert_eq!(topics_at(&shop, &address(&app)).len(), 18);
    app.finish().await;
}

#[tokio::test]
async fn a_subscription_that_is_there_already_is_as_good_as_one_that_was_made() {
    let app = TestApp::start().await;
    let taken = user_error("webhookSubscriptionCreate", "Address for this topic has already been taken");
    app.shopify.traffic().fail_next_with_body("graphql", "\"SHOP_UPDATE\"", 1, taken);
    connect_shop(&app).await;
    assert_eq!(connection(&app, SHOP).await["status"], "connected");
    assert_eq!(alerts(&app), [""; 0]);
    app.finish().await;
}

#[tokio::test]
async fn what_is_refused_is_told_and_heals_by_itself() {
    let refusals = [
        user_error("webhookSubscriptionCreate", "You do not have permission to create this webhook"),
        Failure::Json(200, json!({ "data": { "webhookSubscriptionCreate": null } })),
        Failure::Json(200, json!({ "data": null, "errors": [{ "message": "no", "extensions": { "code": "BAD" } }] })),
        Failure::Json(200, json!({ "errors": "[API] not now" })),
        Failure::Status(400),
    ];
    for refusal in refusals {
        let app = TestApp::start().await;
        app.run_due_jobs().await;
        app.shopify.traffic().fail_next_with_body("graphql", "\"DISCOUNTS_UPDATE\"", 2, refusal.clone());
        connect_shop(&app).await;
        for _ in 0..2 {
            let found = connection(&app, SHOP).await;
            assert_eq!(found["status"], "incomplete", "{refusal:?}");
            assert_eq!(found["status_reason"], "Shopify refuses to deliver DISCOUNTS_UPDATE", "{refusal:?}");
            assert_eq!(alerts(&app), ["shopify:demo-shop.myshopify.com:subscriptions"], "{refusal:?}");
            an_hour_later(&app).await;
        }
        let found = connection(&app, SHOP).await;
        assert_eq!((&found["status"], &found["status_reason"]), (&json!("connected"), &Value::Null), "{refusal:?}");
        assert_eq!(alerts(&app), [""; 0], "{refusal:?}");
        assert_eq!(noted(&app).await["missing"], json!([]), "{refusal:?}");
        app.finish().await;
    }
}

#[tokio::test]
async fn a_list_that_cannot_be_read_changes_no_subscription() {
    let app = TestApp::start().await;
    let shop = app.shop();
    connected(&app).await;
    let before = topics_at(&shop, &address(&app));
    let endless = json!({ "data": { "webhookSubscriptions": {
        "nodes": [], "pageInfo": { "hasNextPage": true, "endCursor": "round" } } } });
    for failure in [
        Failure::Html,
        Failure::Empty,
        Failure::HalfBody,
        Failure::Json(200, json!({ "data": null })),
        Failure::Json(200, json!({ "data": { "webhookSubscriptions": [] } })),
        Failure::Json(200, json!({ "data": { "webhookSubscriptions": { "nodes": [{ "id": 7 }] } } })),
        Failure::Json(
            200,
            json!({ "data": { "webhookSubscriptions": {
                "nodes": [null], "pageInfo": { "hasNextPage": false, "endCursor": null } } } }),
        ),
        Failure::Status(500),
    ] {
        app.shopify.traffic().fail_next_with_body("graphql", &only("Subscriptions"), 5, failure.clone());
        let from = requests(&app);
        an_hour_later(&app).await;
        let names = asked(&app, SHOP, from);
        assert!(!names.iter().any(|name| name.ends_with("ubscribe")), "{failure:?}: {names:?}");
        app.shopify.traffic().heal();
        an_hour_later(&app).await;
        assert_eq!(topics_at(&shop, &address(&app)), before, "{failure:?}");
        assert_eq!(connection(&app, SHOP).await["status"], "connected", "{failure:?}");
    }
    app.shopify.traffic().fail_next_with_body("graphql", &only("Subscriptions"), 2, Failure::Json(200, endless));
    an_hour_later(&app).await;
    assert_eq!(topics_at(&shop, &address(&app)), before);
    app.finish().await;
}

#[tokio::test]
async fn another_api_version_than_the_one_asked_for_is_noticed_once_and_kept() {
    let app = TestApp::start_with(|config| config.shopify.as_mut().unwrap().api_version = "2025-10".to_owned()).await;
    app.shop().fill(3, 2);
    connect_shop(&app).await;
    assert_complete(&app, &app.shop());
    let alerts = app.shared().alerts.list();
    let found: Vec<(&str, &str)> = alerts.iter().map(|alert| (alert.cause.as_str(), alert.sentence.as_str())).collect();
    assert_eq!(
        found,
        [(
            "shopify:api version",
            "Shopify answers with API version 2026-01 where 2025-10 was asked for: that version has run out. Please set \
             SHOPIFY_API_VERSION to a newer one."
        )]
    );
    app.clock.advance(Duration::from_secs(60));
    log_in(&app.browser(), SHOP).await;
    assert_eq!(app.shared().alerts.list(), alerts, "since the first time");
    assert!(app.shop().subscriptions().iter().all(|one| one.api_version == "2026-01"));
    app.finish().await;
}

#[tokio::test]
async fn a_deprecation_is_kept_for_the_operator_until_it_is_over() {
    let app = TestApp::start().await;
    let answer = json!({ "data": { "shop": { "name": "Demo Shop", "myshopifyDomain": SHOP },
                                   "currentAppInstallation": null } });
    connected(&app).await;
    let reason = "https://shopify.dev/api/usage/versioning#deprecation; Shop.plan.displayName";
    let deprecated = Failure::WithHeader("x-shopify-api-deprecated-reason".into(), reason.into(), answer);
    app.shopify.traffic().fail_next_with_body("graphql", &only("ShopInfo"), 1, deprecated);
    an_hour_later(&app).await;
    let found = app.shared().alerts.list();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].cause, "shopify:deprecated:ShopInfo");
    assert!(found[0].sentence.contains("ShopInfo") && !found[0].sentence.contains(reason), "{found:?}");
    assert_eq!(connection(&app, SHOP).await["status"], "connected", "no list of scopes is no list without scopes");
    an_hour_later(&app).await;
    assert_eq!(alerts(&app), [""; 0]);
    app.finish().await;
}

#[tokio::test]
async fn disconnecting_leaves_a_strangers_subscription() {
    let app = TestApp::start().await;
    let shop = app.shop();
    let stranger = Url::parse("https://another-service.example/hooks").unwrap();
    shop.subscribe("shop/update", stranger.as_str(), "2026-10");
    connect_shop(&app).await;
    let reader = shoptalk::shopify::channel(app.shared(), app.shopify_config()).reader;
    assert_eq!(reader.unsubscribe(SHOP).await.unwrap(), Ended::Wholly);
    assert_eq!(shop.subscriptions().iter().map(|one| one.uri.as_str()).collect::<Vec<_>>(), [stranger.as_str()]);
    app.finish().await;
}
