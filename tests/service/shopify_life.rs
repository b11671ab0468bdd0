//! The life of a connection with a shop: closed and opened, renamed, with fewer or more permissions, uninstalled,
//! installed again.

use serde_json::{Value, json};
use shoptalk::commands::Command;
use shoptalk::shared::channel::simulator::Failure;
use shoptalk::shared::store::TokenKind;
use shoptalk::shopify::sandbox::Closed;

use crate::shopify_checks::{
    CATALOGUE, HOUR, METADATA, advance_to, an_hour_later, asked, assert_complete, connect_shop, connection, log_in,
    price, requests, sync_shop, titles,
};
use crate::test_app::{SHOP, TestApp};

#[tokio::test]
async fn a_closed_shop_pauses_with_a_reason_and_goes_on_by_itself() {
    for (closed, reason) in [
        (Closed::Frozen, "has frozen this shop"),
        (Closed::Locked, "has locked this shop"),
        (Closed::Forbidden, "forbids the use of this shop"),
        (Closed::Inactive, "is not active"),
        (Closed::Deleted, "knows no shop at this address"),
    ] {
        let app = TestApp::start().await;
        app.run_due_jobs().await;
        let shop = app.shop();
        let tea = shop.add_product("Green tea");
        let browser = connect_shop(&app).await;
        shop.close(Some(closed));
        sync_shop(&app).await;
        let found = connection(&app, SHOP).await;
        assert_eq!(found["status"], "incomplete", "{closed:?}");
        let told = found["status_reason"].as_str().unwrap();
        assert!(told.starts_with("Reading pauses: ") && told.contains(reason), "{closed:?}: {told}");
        let page = browser.clone().for_pages().get("/").await.text();
        assert!(page.contains(reason), "{closed:?}: the merchant sees it: {page}");
        assert_eq!(titles(&app), ["Green tea"], "{closed:?}: what was read stays");

        // Deliveries cost no request: what a closed shop says would be no.
        let before = requests(&app);
        for _ in 0..20 {
            shop.deliver("products/update", &tea.webhook()).await;
            app.settle().await;
        }
        assert_eq!(requests(&app), before, "{closed:?}");
        // Nor is the platform asked more often than once an hour.
        an_hour_later(&app).await;
        assert_eq!(asked(&app, SHOP, before), ["ShopInfo", "ShopInfo"], "{closed:?}: one look, one waiting read");

        tea.set_price("3.33");
        shop.close(None);
        an_hour_later(&app).await;
        app.settle().await;
        let found = connection(&app, SHOP).await;
        assert_eq!((&found["status"], &found["status_reason"]), (&json!("connected"), &Value::Null), "{closed:?}");
        assert_complete(&app, &shop);
        app.finish().await;
    }
}

#[tokio::test]
async fn a_shop_that_is_closed_can_be_read_on_command_as_soon_as_it_is_open() {
    let app = TestApp::start().await;
    let shop = app.shop();
    shop.add_product("Green tea");
    connect_shop(&app).await;
    for closed in [Closed::Frozen, Closed::Inactive] {
        shop.close(Some(closed));
        sync_shop(&app).await;
        assert_eq!(connection(&app, SHOP).await["status"], "incomplete");
        shop.close(None);
        shop.add_product("New");
        sync_shop(&app).await;
        app.settle().await;
        assert_eq!(connection(&app, SHOP).await["status"], "connected");
        assert_complete(&app, &shop);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_shop_that_is_frozen_is_left_alone_for_an_hour_also_between_its_polls() {
    let app = TestApp::start().await;
    app.shop().fill(3, 2);
    connect_shop(&app).await;
    app.shop().close(Some(Closed::Frozen));
    sync_shop(&app).await;
    app.shop().close(None);
    let before = requests(&app);
    app.clock.advance(HOUR - HOUR / 30);
    app.settle().await;
    assert_eq!(requests(&app), before);
    app.clock.advance(HOUR / 20);
    app.settle().await;
    assert_complete(&app, &app.shop());
    assert_eq!(connection(&app, SHOP).await["status"], "connected");
    app.finish().await;
}

#[tokio::test]
async fn a_renamed_shop_is_told_and_nothing_is_mixed_up() {
    const NEW: &str = "renamed-shop.myshopify.com";
    for redirects in [false, true] {
        let app = TestApp::start().await;
        app.run_due_jobs().await;
        let shop = app.shop();
        shop.add_product("Green tea");
        let merchant = log_in(&app.browser(), SHOP).await.json()["user_uuid"].clone();
        app.settle().await;
        let old_price = price(&app, "Green tea");
        let files = (app.text(CATALOGUE), app.text(METADATA));
        let renamed = shop.move_to(NEW, redirects);
        renamed.products()[0].set_price("99.00");
        renamed.rename("New Name");
        an_hour_later(&app).await;
        // A delivery that was on its way under the old name.
        let address = format!("{}/shopify/webhook", app.url);
        let headers = [("X-Shopify-Shop-Domain", Some(SHOP))];
        renamed.deliver_to(&address, "products/update", b"{\"id\":9007199254740993}", &headers).await.unwrap();
        app.settle().await;
        sync_shop(&app).await;
        let found = connection(&app, SHOP).await;
        assert_eq!(found["status"], "incomplete", "{redirects}");
        let told = found["status_reason"].as_str().unwrap();
        assert!(told.contains("under its new name"), "{redirects}: {told}");
        assert_eq!(told.contains(NEW), !redirects, "a redirect is not followed, not even to learn the name");
        assert_eq!((app.text(CATALOGUE), app.text(METADATA)), files, "{redirects}");
        assert_eq!(price(&app, "Green tea"), old_price);
        let hosts: Vec<String> = app.shopify.traffic().received().into_iter().map(|one| one.path).collect();
        assert!(!hosts.iter().any(|path| path.contains(NEW)), "{redirects}: the token did not travel");

        // Connected under its new name, in any browser, it is the same merchant's, with files of its own.
        let again = log_in(&app.browser(), NEW).await.json();
        assert_eq!(again["user_uuid"], merchant);
        app.settle().await;
        assert_complete(&app, &renamed);
        assert_eq!(connection(&app, NEW).await["status"], "connected");
        // The old name is over: nothing more is asked there.
        assert_eq!(connection(&app, SHOP).await, Value::Null);
        let before = requests(&app);
        an_hour_later(&app).await;
        let received = app.shopify.traffic().received();
        assert!(received[before..].iter().all(|one| one.path.contains(NEW)), "{redirects}");
        assert_eq!((app.text(CATALOGUE), app.text(METADATA)), files, "{redirects}");
        app.finish().await;
    }
}

#[tokio::test]
async fn a_login_under_the_old_name_of_a_renamed_shop_connects_nothing() {
    let app = TestApp::start().await;
    let shop = app.shop();
    let url = app.browser();
    let callback = url.up_to_callback(&format!("/shopify/{SHOP}/login")).await;
    let _renamed = shop.move_to("renamed-shop.myshopify.com", false);
    let answer = url.get(callback.as_str()).await;
    assert_eq!(answer.status, 403);
    assert!(answer.json()["detail"].as_str().unwrap().contains("renamed-shop.myshopify.com"), "{answer:?}");
    assert_eq!(app.connections("shopify").await, Vec::<Value>::new());
    app.finish().await;
}

/// A header and what it says; `None` leaves it out.
type Header<'a> = (&'a str, Option<&'a str>);

/// Delivers an uninstall as the platform signs it, with these headers changed.
async fn farewell(app: &TestApp, body: &Value, headers: &[Header<'_>]) {
    let address = format!("{}/shopify/webhook", app.url);
    let body = body.to_string().into_bytes();
    assert_eq!(app.shop().deliver_to(&address, "app/uninstalled", &body, headers).await.unwrap(), 200);
    app.settle().await;
}

async fn tokens(app: &TestApp) -> usize {
    let connections = &app.shared().connections;
    let mut found = 0;
    for kind in [TokenKind::Access, TokenKind::Refresh, TokenKind::PreviousAccess, TokenKind::PreviousRefresh] {
        found += usize::from(connections.find_token("shopify", SHOP, kind).await.unwrap().is_some());
    }
    found
}

fn alerts(app: &TestApp) -> Vec<String> {
    app.shared().alerts.list().into_iter().map(|alert| alert.cause).collect()
}

#[tokio::test]
async fn an_uninstalled_app_is_disconnected_at_once_and_comes_back_as_the_same_merchant() {
    let app = TestApp::start().await;
    app.run_due_jobs().await;
    let shop = app.shop();
    let tea = shop.add_product("Green tea");
    let browser = app.browser();
    let owner = log_in(&browser, SHOP).await.json()["user_uuid"].clone();
    app.settle().await;
    let files = (app.text(CATALOGUE), app.text(METADATA));
    shop.uninstall();
    assert_eq!(shop.deliver("app/uninstalled", &shop.webhook()).await, [200]);
    app.settle().await;
    assert_eq!(connection(&app, SHOP).await, Value::Null);
    assert_eq!(tokens(&app).await, 0);
    let page = browser.clone().for_pages().get("/").await.text();
    assert!(!page.contains("Demo Shop") && !page.contains("Sign out"), "the session is over: {page}");
    assert_eq!((app.text(CATALOGUE), app.text(METADATA)), files, "what was known stays until it is to be erased");

    // Neither the daily poll nor the hourly look nor a command nor a late delivery asks for anything.
    let before = requests(&app);
    advance_to(&app, "2026-11-22T04:00:00Z");
    app.run_due_jobs().await;
    let address = format!("{}/shopify/webhook", app.url);
    let body = tea.webhook().to_string().into_bytes();
    assert_eq!(shop.deliver_to(&address, "products/update", &body, &[]).await.unwrap(), 200);
    app.settle().await;
    app.command(Command::Sync { channel: Some("shopify".into()), account: None }).await;
    assert_eq!(requests(&app), before);

    tea.set_price("99.00");
    assert_eq!(log_in(&app.browser(), SHOP).await.json()["user_uuid"], owner);
    app.settle().await;
    assert_eq!(connection(&app, SHOP).await["status"], "connected");
    assert_eq!(price(&app, "Green tea"), "99.00");
    assert_eq!(shop.subscriptions().len(), 18, "subscribed anew");
    app.finish().await;
}

#[tokio::test]
async fn an_uninstall_is_believed_of_a_shop_that_is_gone_altogether() {
    let app = TestApp::start().await;
    let shop = app.shop();
    connect_shop(&app).await;
    app.clock.advance(HOUR / 60);
    shop.close(Some(Closed::Frozen));
    farewell(&app, &shop.webhook(), &[]).await;
    app.settle().await;
    assert!(tokens(&app).await > 0, "a closed shop says nothing about the app");
    shop.close(Some(Closed::Deleted));
    an_hour_later(&app).await;
    assert_eq!(tokens(&app).await, 0);
    app.finish().await;
}

#[tokio::test]
async fn a_late_uninstall_never_hurts_a_newer_installation() {
    let app = TestApp::start().await;
    let shop = app.shop();
    shop.add_product("Green tea");
    connect_shop(&app).await;
    let body = shop.webhook();
    let uninstalled_at = app.clock.now().to_rfc3339();
    shop.uninstall();
    app.clock.advance(HOUR);
    let browser = app.browser();
    log_in(&browser, SHOP).await;
    app.settle().await;
    let before = requests(&app);
    farewell(&app, &body, &[("X-Shopify-Triggered-At", Some(&uninstalled_at))]).await;
    assert_eq!(requests(&app), before, "it is older than the login, so nothing is asked");
    // Not even where the platform refuses the token at that moment, for whatever reason.
    shop.expire_access_token();
    app.shopify.traffic().fail_next("oauth/access_token", 2, Failure::Status(503));
    farewell(&app, &body, &[("X-Shopify-Triggered-At", Some(&uninstalled_at))]).await;
    assert_eq!(connection(&app, SHOP).await["status"], "connected");
    app.shopify.traffic().heal();
    assert_eq!(tokens(&app).await, 2);
    assert!(browser.for_pages().get("/").await.text().contains("Demo Shop"));
    sync_shop(&app).await;
    assert_complete(&app, &shop);
    app.finish().await;
}

#[tokio::test]
async fn an_uninstall_that_the_api_contradicts_disconnects_nothing_and_is_told() {
    let app = TestApp::start().await;
    app.run_due_jobs().await;
    let shop = app.shop();
    let tea = shop.add_product("Green tea");
    connect_shop(&app).await;
    app.clock.advance(HOUR / 2);
    farewell(&app, &shop.webhook(), &[]).await;
    farewell(&app, &shop.webhook(), &[("X-Shopify-Triggered-At", Some("2099-01-01T00:00:00Z"))]).await;
    assert_eq!(connection(&app, SHOP).await["status"], "connected");
    assert_eq!(alerts(&app), ["shopify:demo-shop.myshopify.com:uninstall"]);
    tea.set_price("12.34");
    shop.deliver("products/update", &tea.webhook()).await;
    app.settle().await;
    assert_eq!(price(&app, "Green tea"), "12.34");
    an_hour_later(&app).await;
    assert_eq!(alerts(&app), [""; 0]);
    app.finish().await;
}

#[tokio::test]
async fn an_uninstall_of_which_anything_is_missing_is_set_apart() {
    let app = TestApp::start().await;
    let shop = app.shop();
    connect_shop(&app).await;
    app.clock.advance(HOUR / 2);
    let good = shop.webhook();
    let without_name = json!({ "id": 1 });
    let of_another = json!({ "id": 1, "myshopify_domain": "other-shop.myshopify.com" });
    let hostile = json!({ "id": 1, "myshopify_domain": "demo-shop.myshopify.com.evil.example" });
    let odd = json!({ "id": 1, "myshopify_domain": ["demo-shop.myshopify.com"] });
    let time = "X-Shopify-Triggered-At";
    let before = requests(&app);
    let cases: [(&Value, Vec<Header<'_>>); 8] = [
        (&without_name, vec![]),
        (&of_another, vec![]),
        (&hostile, vec![]),
        (&odd, vec![]),
        (&good, vec![(time, None)]),
        (&good, vec![(time, Some("yesterday"))]),
        (&good, vec![(time, Some(""))]),
        (&good, vec![("X-Shopify-Shop-Domain", Some("other-shop.myshopify.com"))]),
    ];
    shop.expire_access_token();
    for (number, (body, headers)) in cases.into_iter().enumerate() {
        let mut body = body.clone();
        body["event"] = number.into();
        farewell(&app, &body, &headers).await;
        assert_eq!(app.counts().await.1, i64::try_from(number).unwrap() + 1, "{body} {headers:?}");
    }
    assert_eq!(requests(&app), before, "nothing was asked because of any of them");
    assert_eq!(connection(&app, SHOP).await["status"], "connected");
    app.finish().await;
}

#[tokio::test]
async fn an_uninstall_is_acted_on_as_soon_as_the_platform_can_be_asked() {
    let app = TestApp::start().await;
    let shop = app.shop();
    connect_shop(&app).await;
    app.clock.advance(HOUR / 2);
    shop.uninstall();
    app.shopify.traffic().fail_next("graphql.json", 5, Failure::Status(503));
    farewell(&app, &shop.webhook(), &[]).await;
    assert_eq!(connection(&app, SHOP).await["status"], "connected", "nobody knows yet");
    app.clock.advance(HOUR);
    app.settle().await;
    assert_eq!(connection(&app, SHOP).await, Value::Null);
    assert_eq!(tokens(&app).await, 0);
    app.finish().await;
}

#[tokio::test]
async fn an_uninstall_is_believed_when_the_login_cannot_be_renewed_any_more() {
    let app = TestApp::start().await;
    app.run_due_jobs().await;
    let shop = app.shop();
    log_in(&app.browser(), SHOP).await;
    app.settle().await;
    // The access token has ended, so that the shop's answer comes from the endpoint that renews it.
    app.clock.advance(2 * HOUR);
    shop.uninstall();
    farewell(&app, &shop.webhook(), &[]).await;
    assert_eq!(connection(&app, SHOP).await, Value::Null);
    assert_eq!(tokens(&app).await, 0);
    assert_eq!(alerts(&app), [""; 0]);
    app.finish().await;
}

#[tokio::test]
async fn a_poll_that_notices_first_leaves_the_rest_to_the_uninstall() {
    let app = TestApp::start().await;
    app.run_due_jobs().await;
    let shop = app.shop();
    shop.add_product("Green tea");
    let owner = log_in(&app.browser(), SHOP).await.json()["user_uuid"].clone();
    app.settle().await;
    app.clock.advance(HOUR / 2);
    shop.uninstall();
    sync_shop(&app).await;
    assert_eq!(connection(&app, SHOP).await["status"], "needs_reconnect");
    assert_eq!(tokens(&app).await, 2, "a wrong secret of ours would look the same");
    farewell(&app, &shop.webhook(), &[]).await;
    assert_eq!(connection(&app, SHOP).await, Value::Null);
    assert_eq!(tokens(&app).await, 0);
    assert_eq!(alerts(&app), [""; 0]);
    assert_eq!(log_in(&app.browser(), SHOP).await.json()["user_uuid"], owner);
    app.settle().await;
    // The farewell was for the installation before.
    assert_eq!(connection(&app, SHOP).await["status"], "connected");
    app.finish().await;
}

#[tokio::test]
async fn permissions_come_and_go_without_a_login() {
    let app = TestApp::start().await;
    app.run_due_jobs().await;
    let shop = app.shop();
    shop.add_product("Green tea");
    shop.add_code_discount("Spring", &["SPRING10"], 0.1);
    connect_shop(&app).await;
    let all = ["read_products", "read_inventory", "read_locations", "read_discounts"];
    let message = |previous: &[&str], current: &[&str]| {
        json!({ "id": 1, "shop_id": "gid://shopify/Shop/954889", "previous": previous, "current": current,
                "updated_at": app.clock.now().to_rfc3339() })
    };
    let discounts =
        |app: &TestApp| app.shop().subscriptions().iter().filter(|one| one.topic.starts_with("discounts/")).count();
    shop.change_scopes(&all[..3]);
    assert_eq!(shop.deliver("app/scopes_update", &message(&all, &all[..3])).await, [200]);
    app.settle().await;
    let found = connection(&app, SHOP).await;
    assert_eq!(found["status"], "incomplete");
    assert_eq!(found["status_reason"], "a permission is missing (read_discounts); connect the shop again to give it");
    assert_eq!(discounts(&app), 0, "what is not granted is not subscribed");

    // What the message says is not believed: the platform is asked.
    shop.deliver("app/scopes_update", &message(&all[..3], &all)).await;
    app.settle().await;
    assert_eq!(connection(&app, SHOP).await["status"], "incomplete");

    shop.change_scopes(&all);
    shop.add_code_discount("Summer", &["SUMMER20"], 0.2);
    shop.deliver("app/scopes_update", &message(&all[..3], &all)).await;
    app.settle().await;
    app.settle().await;
    let found = connection(&app, SHOP).await;
    assert_eq!((&found["status"], &found["status_reason"]), (&json!("connected"), &Value::Null));
    assert_eq!(discounts(&app), 5);
    assert_complete(&app, &shop);

    // A message that is lost is made up for within the hour.
    shop.change_scopes(&["write_products"]);
    an_hour_later(&app).await;
    let found = connection(&app, SHOP).await;
    assert!(found["status_reason"].as_str().unwrap().contains("read_inventory, read_locations, read_discounts"));
    app.finish().await;
}

#[tokio::test]
async fn a_late_repeat_of_an_earlier_uninstall_does_not_stand_in_the_way_of_the_true_one() {
    let app = TestApp::start().await;
    let shop = app.shop();
    connect_shop(&app).await;
    app.clock.advance(HOUR / 60);
    let body = shop.webhook();
    let first = app.clock.now().to_rfc3339();
    shop.uninstall();
    app.clock.advance(HOUR / 60);
    log_in(&app.browser(), SHOP).await;
    app.settle().await;
    farewell(&app, &body, &[("X-Shopify-Triggered-At", Some(&first))]).await;
    assert_eq!(tokens(&app).await, 2);
    app.clock.advance(HOUR / 60);
    let second = app.clock.now().to_rfc3339();
    shop.uninstall();
    for _ in 0..2 {
        farewell(&app, &body, &[("X-Shopify-Triggered-At", Some(&second))]).await;
        assert_eq!(connection(&app, SHOP).await, Value::Null);
    }
    app.finish().await;
}
