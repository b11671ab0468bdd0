//! The life of a connection with a shop: closed and opened, renamed, with fewer or more permissions, uninstalled,
//! installed again.

use serde_json::{Value, json};
use shoptalk::shopify::sandbox::Closed;

use crate::shopify_checks::{
    CATALOGUE, HOUR, METADATA, an_hour_later, asked, assert_complete, connect_shop, connection, log_in, price,
    requests, sync_shop, titles,
};
use crate::test_app::{SHOP, TestApp};

#[tokio::test]
async fn a_closed_shop_pauses_with_a_reason_and_goes_on_by_itself() {
    for (closed, reason) in [
        (Closed::Frozen, "has frozen this shop"),
        (Closed::Locked, "has locked this shop"),
        (Closed::Forbidden, "forbids the use of this shop"),
        (Closed::Inactive, "is not active"),
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
        let found = connection(&app, SHOP).await;
        assert_eq!(found["status"], "needs_reconnect", "{found}");
        assert!(found["status_reason"].as_str().unwrap().contains(NEW), "{found}");
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
