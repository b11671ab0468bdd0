//! The link with which Shopify opens the app: from the App Store, and from the shop's admin ever after.

use serde_json::Value;

use crate::shopify_checks::{SECOND, assert_complete, connection, log_in};
use crate::test_app::{Answer, Browser, SHOP, TestApp};

const FORGED: &str = "does not come from Shopify";
const TOO_OLD: &str = "too old";
const NO_SHOP: &str = "not the name of a Shopify shop";

fn link(app: &TestApp, shop: &str) -> String {
    format!("/shopify/install?{}", app.shopify.install_query(shop))
}

/// A link of these parameters, rightly signed.
fn signed(app: &TestApp, pairs: &[(&str, &str)]) -> String {
    format!("/shopify/install?{}", app.shopify.callback_query(pairs))
}

fn now(app: &TestApp, seconds: i64) -> String {
    (app.clock.now().timestamp() + seconds).to_string()
}

async fn assert_refused(app: &TestApp, link: &str, reason: &str) {
    let browser = app.browser();
    let before = app.outgoing();
    let answer: Answer = browser.get(link).await;
    assert_eq!(answer.status, 400, "{link}: {answer:?}");
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains(reason), "{link}: {detail}");
    assert_eq!(app.outgoing(), before, "{link}");
    assert!(browser.cookie("shoptalk_login").is_none(), "{link}: a login began");
}

/// Where a browser is sent that opens this link.
async fn sent_to(browser: &Browser, link: &str) -> String {
    let answer = browser.get(link).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    answer.location().to_string()
}

#[tokio::test]
async fn a_merchant_installs_from_the_app_store_without_typing_anything() {
    let app = TestApp::start().await;
    app.shop().add_product("Green tea");
    let browser = app.browser();
    let grant = sent_to(&browser, &link(&app, SHOP)).await;
    assert!(grant.contains(&format!("/{SHOP}/admin/oauth/authorize?")), "{grant}");
    let answer = browser.follow(&link(&app, SHOP)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["shop"], SHOP);
    app.settle().await;
    assert_complete(&app, &app.shop());
    app.finish().await;
}

#[tokio::test]
async fn the_link_takes_the_shops_own_merchant_home_and_logs_nobody_else_in() {
    let app = TestApp::start().await;
    app.shopify.add_shop(SECOND, "Second Shop");
    let owner = app.browser();
    log_in(&owner, SHOP).await;
    assert_eq!(sent_to(&owner, &link(&app, SHOP)).await, format!("{}/#connected", app.url));
    // Nobody, and the merchant of another shop, go through Shopify, whatever the link says.
    let stranger = app.browser();
    log_in(&stranger, SECOND).await;
    for browser in [app.browser(), stranger] {
        let before = browser.cookie("session_id");
        assert!(sent_to(&browser, &link(&app, SHOP)).await.contains("/admin/oauth/authorize?"));
        assert_eq!(browser.cookie("session_id"), before);
        let page = browser.for_pages().get("/").await.text();
        assert!(!page.contains("Demo Shop"), "{page}");
    }
    app.finish().await;
}

#[tokio::test]
async fn who_installs_again_before_the_removal_was_told_goes_through_shopify() {
    let app = TestApp::start().await;
    let owner = app.browser();
    log_in(&owner, SHOP).await;
    app.settle().await;
    app.shop().uninstall();
    assert!(sent_to(&owner, &link(&app, SHOP)).await.contains("/admin/oauth/authorize?"));
    let answer = owner.follow(&link(&app, SHOP)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    app.settle().await;
    assert_eq!(connection(&app, SHOP).await["status"], "connected");
    // Whoever cannot be asked is taken to be as before.
    app.shopify.traffic().fail_next("graphql", 20, shoptalk::shared::channel::simulator::Failure::Status(503));
    assert_eq!(sent_to(&owner, &link(&app, SHOP)).await, format!("{}/#connected", app.url));
    app.shopify.traffic().heal();
    app.finish().await;
}

#[tokio::test]
async fn the_link_asks_again_for_what_is_missing_or_dead() {
    let app = TestApp::start().await;
    app.shopify.set_granted_scopes(Some(vec!["read_products".into()]));
    let owner = app.browser();
    log_in(&owner, SHOP).await;
    assert!(sent_to(&owner, &link(&app, SHOP)).await.contains("/admin/oauth/authorize?"), "permissions are missing");
    app.shopify.set_granted_scopes(None);
    let answer = owner.follow(&link(&app, SHOP)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(connection(&app, SHOP).await["status"], "connected");
    assert_eq!(sent_to(&owner, &link(&app, SHOP)).await, format!("{}/#connected", app.url));
    app.shop().revoke_token();
    app.settle().await;
    crate::shopify_checks::sync_shop(&app).await;
    assert!(sent_to(&owner, &link(&app, SHOP)).await.contains("/admin/oauth/authorize?"), "the login is dead");
    assert_eq!(owner.follow(&link(&app, SHOP)).await.status, 200);
    assert_eq!(connection(&app, SHOP).await["status"], "connected");
    app.finish().await;
}

#[tokio::test]
async fn a_link_that_shopify_did_not_sign_as_it_is_is_refused() {
    let app = TestApp::start().await;
    let good = app.shopify.install_query(SHOP);
    let hmac = good.split("hmac=").nth(1).unwrap();
    let other = app.shopify.install_query(SECOND);
    let bad = [
        good.replace(&format!("&hmac={hmac}"), ""),
        good.replace(hmac, ""),
        good.replace(hmac, &hmac[..63]),
        good.replace(hmac, &format!("{hmac}0")),
        good.replace(hmac, &hmac.to_uppercase()),
        good.replace(hmac, &"0".repeat(64)),
        good.replace(hmac, other.split("hmac=").nth(1).unwrap()),
        good.replace(SHOP, SECOND),
        format!("{good}&scope=write_products"),
        format!("locale=de&{good}"),
        format!("{good}&shop={SECOND}"),
        format!("shop={SECOND}&{good}"),
        format!("{good}&hmac={hmac}"),
        format!("{good}&timestamp=1"),
        format!("{good}&state=1&state=2"),
        "shop".to_owned(),
        "&&&".to_owned(),
        "%00=%FF&hmac=%".to_owned(),
        format!("hmac={hmac}"),
    ];
    for query in bad {
        assert_refused(&app, &format!("/shopify/install?{query}"), FORGED).await;
    }
    // Repeated parameters are refused also where they are signed.
    let time = now(&app, 0);
    for pairs in [
        vec![("shop", SHOP), ("shop", SECOND), ("timestamp", &*time)],
        vec![("shop", SHOP), ("timestamp", &*time), ("timestamp", &*time)],
    ] {
        assert_refused(&app, &signed(&app, &pairs), FORGED).await;
    }
    assert_eq!(app.connections("shopify").await, Vec::<Value>::new());
    app.finish().await;
}

#[tokio::test]
async fn parameters_that_we_do_not_know_are_signed_with_the_rest() {
    let app = TestApp::start().await;
    let time = now(&app, 0);
    for extra in
        [("embedded", "1"), ("session", "a b+c&d=e"), ("locale", "de-DE"), ("id_token", "a.b-c_d~e*f"), ("ä", "ö")]
    {
        let pairs = [("timestamp", &*time), ("shop", SHOP), extra];
        let answer = app.browser().get(&signed(&app, &pairs)).await;
        assert_eq!(answer.status, 303, "{extra:?}: {answer:?}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_link_must_be_fresh_and_name_a_shop() {
    let app = TestApp::start().await;
    for seconds in [91, -91, 86_400, -86_400] {
        assert_refused(&app, &signed(&app, &[("shop", SHOP), ("timestamp", &now(&app, seconds))]), TOO_OLD).await;
    }
    for timestamp in ["", "soon", "1e9", "99999999999999999999", &format!("{}.5", now(&app, 0))] {
        assert_refused(&app, &signed(&app, &[("shop", SHOP), ("timestamp", timestamp)]), TOO_OLD).await;
    }
    assert_refused(&app, &signed(&app, &[("shop", SHOP)]), TOO_OLD).await;
    let time = now(&app, 0);
    for shop in [
        "",
        "demo-shop",
        "evil.example",
        "demo-shop.myshopify.com.evil.example",
        "evil.example/demo-shop.myshopify.com",
        "evil.example?x.myshopify.com",
        "user@demo-shop.myshopify.com",
        "demo-shop.myshopify.com:8443",
        "demo-shop.myshopify.com\n",
        "..%2f.myshopify.com",
        "https://demo-shop.myshopify.com",
        "admin.shopify.com/store/demo-shop",
    ] {
        assert_refused(&app, &signed(&app, &[("shop", shop), ("timestamp", &time)]), NO_SHOP).await;
    }
    assert_refused(&app, &signed(&app, &[("timestamp", &time)]), NO_SHOP).await;
    for seconds in [90, -90, 0] {
        let pairs = [("shop", SHOP), ("timestamp", &*now(&app, seconds))];
        assert_eq!(app.browser().get(&signed(&app, &pairs)).await.status, 303, "{seconds}");
    }
    app.finish().await;
}

#[tokio::test]
async fn who_types_the_address_lands_on_the_start_page() {
    let app = TestApp::start().await;
    assert_eq!(sent_to(&app.browser(), "/shopify/install").await, format!("{}/", app.url));
    app.finish().await;
}
