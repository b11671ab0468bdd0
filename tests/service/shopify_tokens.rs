//! The login of a shop over the months: kept alive while nobody asks, renewed once where it is refused, told about where
//! it ends.

use std::time::Duration;

use serde_json::{Value, json};
use shoptalk::shared::channel::simulator::Failure;

use crate::shopify_checks::{
    HOUR, an_hour_later, assert_complete, connect_shop, connection, log_in, only, refreshes, requests, sync_shop,
};
use crate::test_app::{SHOP, TestApp};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn alerts(app: &TestApp) -> Vec<(String, String)> {
    app.shared().alerts.list().into_iter().map(|alert| (alert.cause, alert.sentence)).collect()
}

/// The grants that the token endpoint was asked for, in order.
fn grants(app: &TestApp) -> Vec<String> {
    let received = app.shopify.traffic().received();
    let bodies = received.iter().filter(|one| one.path.ends_with("/admin/oauth/access_token"));
    bodies
        .map(|one| {
            let body: Value = serde_json::from_slice(&one.body).unwrap();
            let grant = body["grant_type"].as_str().unwrap_or("authorization_code");
            grant.rsplit(':').next().unwrap().to_owned()
        })
        .collect()
}

#[tokio::test]
async fn a_shop_that_nobody_asks_for_anything_stays_connected_past_the_life_of_its_tokens() {
    for hidden in [false, true] {
        let app = TestApp::start().await;
        app.shopify.hide_lifetimes(hidden);
        app.run_due_jobs().await;
        connect_shop(&app).await;
        for _ in 0..12 {
            app.clock.advance(20 * DAY);
            an_hour_later(&app).await;
            assert_eq!(connection(&app, SHOP).await["status"], "connected", "lifetimes hidden: {hidden}");
        }
        assert!(refreshes(&app).len() >= 3, "{hidden}");
        assert_eq!(alerts(&app), []);
        app.finish().await;
    }
}

#[tokio::test]
async fn a_login_that_cannot_be_renewed_is_told_of_before_it_ends() {
    let app = TestApp::start().await;
    app.run_due_jobs().await;
    connect_shop(&app).await;
    let end = app.clock.now() + 90 * DAY;
    app.shopify.traffic().fail_next("oauth/access_token", 100_000, Failure::Status(503));
    app.clock.advance(70 * DAY);
    an_hour_later(&app).await;
    assert_eq!(alerts(&app), []);
    app.clock.advance(10 * DAY);
    an_hour_later(&app).await;
    let found = alerts(&app);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, "shopify:demo-shop.myshopify.com:login ends");
    assert!(found[0].1.contains("ends in 9 days"), "{found:?}");
    assert_eq!(connection(&app, SHOP).await["status"], "connected");
    app.shopify.traffic().heal();
    an_hour_later(&app).await;
    assert_eq!(alerts(&app), []);
    assert!(app.clock.now() < end);
    app.clock.advance(30 * DAY);
    sync_shop(&app).await;
    assert_eq!(connection(&app, SHOP).await["status"], "connected");
    app.finish().await;
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_then_believed_to_be_dead() {
    let app = TestApp::start().await;
    connect_shop(&app).await;
    app.shopify.traffic().fail_next("graphql.json", 100, Failure::Status(401));
    let before = requests(&app);
    sync_shop(&app).await;
    assert_eq!(requests(&app) - before, 3, "asked, renewed, asked again");
    assert_eq!(refreshes(&app).len(), 1);
    assert_eq!(connection(&app, SHOP).await["status"], "needs_reconnect");
    app.settle().await;
    assert_eq!(requests(&app) - before, 3);
    // It was the platform's mistake: the new pair was kept, and is tried again the next day.
    app.shopify.traffic().heal();
    app.run_due_jobs().await;
    app.clock.advance(DAY);
    app.run_due_jobs().await;
    assert_eq!(connection(&app, SHOP).await["status"], "connected");
    app.finish().await;
}

#[tokio::test]
async fn a_wrong_secret_of_ours_costs_no_merchant_the_connection() {
    let app = TestApp::start().await;
    app.run_due_jobs().await;
    let shop = app.shop();
    connect_shop(&app).await;
    app.shopify.refuse_client(true);
    an_hour_later(&app).await;
    let found = connection(&app, SHOP).await;
    assert_eq!(found["status"], "needs_reconnect");
    assert!(found["status_reason"].as_str().unwrap().contains("refuses to renew the login"), "{found}");
    assert_eq!(alerts(&app)[0].0, "shopify:demo-shop.myshopify.com:credentials");
    assert!(alerts(&app)[0].1.contains("SHOPIFY_API_SECRET"));
    let before = requests(&app);
    for _ in 0..4 {
        an_hour_later(&app).await;
    }
    assert_eq!(requests(&app), before, "nothing is asked of it hour by hour");
    app.clock.advance(DAY);
    app.run_due_jobs().await;
    assert_eq!(connection(&app, SHOP).await["status"], "needs_reconnect");
    assert!(requests(&app) - before <= 2, "{:?}", grants(&app));

    app.shopify.refuse_client(false);
    shop.add_product("New");
    app.clock.advance(DAY);
    app.run_due_jobs().await;
    assert_eq!(connection(&app, SHOP).await["status"], "connected");
    assert_eq!(alerts(&app), []);
    assert_complete(&app, &shop);
    app.finish().await;
}

#[tokio::test]
async fn tokens_of_the_old_kind_are_exchanged_at_the_first_look() {
    let app = TestApp::start().await;
    app.run_due_jobs().await;
    app.shopify.old_tokens(true, true);
    let shop = app.shop();
    shop.add_product("Green tea");
    connect_shop(&app).await;
    assert_complete(&app, &shop);
    assert_eq!(grants(&app), ["authorization_code"]);
    an_hour_later(&app).await;
    assert_eq!(grants(&app), ["authorization_code", "token-exchange"]);
    app.shopify.old_tokens(true, false);
    shop.add_product("New");
    sync_shop(&app).await;
    assert_complete(&app, &shop);
    an_hour_later(&app).await;
    assert_eq!(grants(&app), ["authorization_code", "token-exchange", "refresh_token"]);
    assert_eq!(connection(&app, SHOP).await["status"], "connected");
    app.finish().await;
}

#[tokio::test]
async fn tokens_of_the_old_kind_are_exchanged_when_the_platform_takes_them_no_more() {
    let app = TestApp::start().await;
    app.shopify.old_tokens(true, true);
    let shop = app.shop();
    connect_shop(&app).await;
    app.shopify.old_tokens(true, false);
    shop.add_product("New");
    sync_shop(&app).await;
    assert_complete(&app, &shop);
    assert_eq!(grants(&app), ["authorization_code", "token-exchange"]);
    assert_eq!(connection(&app, SHOP).await["status"], "connected");
    app.finish().await;
}

#[tokio::test]
async fn a_login_that_is_given_a_token_of_the_old_kind_exchanges_it_at_once_where_it_must() {
    let app = TestApp::start().await;
    app.shopify.old_tokens(true, false);
    app.shop().add_product("Green tea");
    log_in(&app.browser(), SHOP).await;
    app.settle().await;
    assert_eq!(grants(&app), ["authorization_code", "token-exchange"]);
    assert_eq!(connection(&app, SHOP).await["status"], "connected");
    app.clock.advance(2 * HOUR);
    app.shop().add_product("New");
    sync_shop(&app).await;
    assert_complete(&app, &app.shop());
    app.finish().await;
}

#[tokio::test]
async fn what_the_token_endpoint_may_answer_to_a_login_leaves_nothing_behind() {
    let app = TestApp::start().await;
    let answer = |body: Value| Failure::Json(200, body);
    for failure in [
        answer(json!({})),
        answer(json!([1])),
        answer(json!({ "access_token": "" })),
        answer(json!({ "access_token": ["a"] })),
        answer(json!({ "access_token": "a b" })),
        Failure::Html,
        Failure::HalfBody,
        Failure::Status(302),
        Failure::Status(402),
        Failure::Status(423),
        Failure::Json(401, json!({ "error": "invalid_client" })),
        Failure::Json(400, json!({ "error": "invalid_grant" })),
        Failure::Json(400, json!({ "error": 7 })),
        Failure::RetryAfter(429, "2.0".into()),
        Failure::Status(500),
    ] {
        let browser = app.browser();
        app.shopify.traffic().fail_next("oauth/access_token", 1, failure.clone());
        let refused = browser.follow(&format!("/shopify/{SHOP}/login")).await;
        assert!([400, 403, 502].contains(&refused.status.as_u16()), "{failure:?}: {refused:?}");
        assert!(browser.cookie("session_id").is_none(), "{failure:?}");
        assert_eq!(app.connections("shopify").await, Vec::<Value>::new(), "{failure:?}");
        app.shopify.traffic().heal();
    }
    app.shopify.traffic().fail_next_with_body("graphql", &only("ShopInfo"), 1, Failure::Status(402));
    let refused = app.browser().follow(&format!("/shopify/{SHOP}/login")).await;
    assert_eq!(refused.status, 403);
    assert!(refused.json()["detail"].as_str().unwrap().contains("has frozen this shop"), "{refused:?}");
    log_in(&app.browser(), SHOP).await;
    app.finish().await;
}
