//! The Shopify login: from the link to a stored connection, and every refusal on the way.

use std::collections::BTreeSet;
use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use shoptalk::commands::Command;
use shoptalk::shared::channel::simulator::Failure;
use shoptalk::shopify::AdminUrl;
use tokio::task::JoinSet;
use url::Url;

use crate::shopify_checks::{
    CATALOGUE, SECOND, assert_complete, connect_shop, connection, log_in, nodes, only, refreshes, titles,
};
use crate::test_app::{Answer, Browser, OPERATOR_TOKEN, SHOP, SHOPIFY_SECRET, TestApp};

/// The words by which each refusal is known.
const STATE: &str = "used already, has expired, or belongs to another browser";
const FORGED: &str = "does not come from Shopify";
const TOO_OLD: &str = "too old";
const NO_SHOP: &str = "not the name of a Shopify shop";
const OTHER_SHOP: &str = "about another shop";

const LOGIN: &str = "/shopify/demo-shop/login";

/// The parameters of a good callback, without its signature, for the browser that asked for it.
async fn callback(browser: &Browser) -> Vec<(String, String)> {
    let url = browser.up_to_callback(LOGIN).await;
    url.query_pairs().into_owned().filter(|(name, _)| name != "hmac").collect()
}

/// The same with one parameter changed.
fn with(mut pairs: Vec<(String, String)>, name: &str, value: &str) -> Vec<(String, String)> {
    pairs.retain(|(known, _)| known != name);
    pairs.push((name.to_owned(), value.to_owned()));
    pairs
}

fn without(mut pairs: Vec<(String, String)>, name: &str) -> Vec<(String, String)> {
    pairs.retain(|(known, _)| known != name);
    pairs
}

/// The query of these parameters, rightly signed.
fn signed(app: &TestApp, pairs: &[(String, String)]) -> String {
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    app.shopify.callback_query(&pairs)
}

async fn open(browser: &Browser, query: &str) -> Answer {
    browser.get(&format!("/shopify/callback?{query}")).await
}

/// The callback is refused with this reason before anything leaves us, and nothing is stored.
async fn assert_refused(app: &TestApp, browser: &Browser, query: &str, reason: &str) {
    let before = app.outgoing();
    let answer = open(browser, query).await;
    assert_eq!(answer.status, 400, "{query}: {answer:?}");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains(reason), "{query}: {detail}");
    assert_eq!(app.outgoing(), before, "{query}: a request left us");
    assert!(browser.cookie("session_id").is_none(), "{query}: a session was started");
    assert_eq!(app.status().await["connections"], json!([]), "{query}");
}

#[tokio::test]
async fn a_merchant_connects_a_shop_with_one_click() {
    let app = TestApp::start().await;
    app.shop().add_product("Green tea");
    for name in ["demo-shop", SHOP, "Demo-Shop.MyShopify.com"] {
        let answer = log_in(&app.browser(), name).await.json();
        let members: BTreeSet<&str> = answer.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, BTreeSet::from(["user_uuid", "shop", "scopes", "webhook_test", "sync"]));
        assert_eq!(answer["user_uuid"].as_str().unwrap().len(), 36);
        assert_eq!(answer["shop"], SHOP);
        assert_eq!(answer["scopes"], json!(["read_products", "read_inventory", "read_locations", "read_discounts"]));
        assert_eq!(answer["webhook_test"]["passed"], true, "{answer}");
        assert_eq!(answer["sync"], "started");
    }
    app.settle().await;
    assert_complete(&app, &app.shop());
    let found = connection(&app, SHOP).await;
    assert_eq!(found["status"], "connected");
    assert_eq!(found["name"], "Demo Shop");
    assert!(found["last_read_at"].is_number(), "{found}");
    assert_eq!(app.counts().await, (0, 0, 0), "the self-test leaves no event");
    app.finish().await;
}

#[tokio::test]
async fn the_grant_screen_is_asked_for_the_listed_scopes_and_comes_back_to_us() {
    let app = TestApp::start().await;
    let answer = app.browser().get("/shopify/demo-shop/login").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let url = answer.location();
    assert_eq!(url.path(), format!("/{SHOP}/admin/oauth/authorize"));
    let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let names: Vec<&str> = query.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["client_id", "scope", "redirect_uri", "state"]);
    assert_eq!(query[0].1, "test-app");
    assert_eq!(query[1].1, "read_products,read_inventory,read_locations,read_discounts");
    assert_eq!(query[2].1, format!("{}/shopify/callback", app.url));
    assert_eq!(query[3].1.len(), 64);
    assert!(query[3].1.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
    app.finish().await;
}

#[tokio::test]
async fn a_browser_is_sent_to_the_merchants_page_and_gets_a_session() {
    let app = TestApp::start().await;
    let browser = app.browser().for_pages();
    let callback = browser.up_to_callback(LOGIN).await;
    let answer = browser.get(callback.as_str()).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.header("location"), "/#connected");
    let cookies: Vec<&str> = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    let id = browser.cookie("session_id").unwrap();
    assert_eq!(id.len(), 64);
    assert_eq!(cookies, [format!("session_id={id}; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax")]);
    let page = browser.get("/").await.text();
    assert!(page.contains(SHOP), "{page}");
    app.finish().await;
}

#[tokio::test]
async fn cookies_are_secure_where_our_pages_are_public() {
    let app =
        TestApp::start_with(|config| config.server.public_url = Url::parse("https://shoptalk.example").ok()).await;
    let browser = app.browser();
    let begun = browser.get(LOGIN).await;
    let cookie = begun.header("set-cookie");
    assert!(cookie.starts_with("__Host-shoptalk_login="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure"), "{cookie}");
    let done = browser.follow(LOGIN).await;
    let cookies: Vec<&str> = done.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    let id = browser.cookie("session_id").unwrap();
    let rest = format!("session_id={id}; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax; Secure");
    assert_eq!(cookies, [rest.clone(), format!("__Host-{rest}")]);
    // A browser needs the one that no other host can set; a script that knows the other goes on.
    let page = |names: &'static [&'static str], is_browser: bool| {
        let (visitor, id) = (app.browser().for_pages(), id.clone());
        names.iter().for_each(|name| visitor.set_cookie(name, &id));
        async move {
            let headers: &[(&str, &str)] = if is_browser {
                &[("accept", "text/html"), ("sec-fetch-site", "none")]
            } else {
                &[("accept", "text/html")]
            };
            visitor.send(Method::GET, "/", headers, b"").await.text().contains(SHOP)
        }
    };
    assert!(page(&["session_id", "__Host-session_id"], true).await);
    assert!(!page(&["session_id"], true).await, "what another host has planted");
    assert!(page(&["session_id"], false).await);
    let signed_in = app.browser().for_pages();
    let answer = signed_in.post_form("/operator/login", &format!("token={OPERATOR_TOKEN}")).await;
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("__Host-operator_session=") && cookie.ends_with("SameSite=Strict; Secure"), "{cookie}");
    app.finish().await;
}

#[tokio::test]
async fn two_first_logins_to_one_shop_at_once_are_one_merchants() {
    let app = TestApp::start().await;
    let browsers: Vec<_> = (0..4).map(|_| app.browser()).collect();
    let mut callbacks = Vec::new();
    for browser in &browsers {
        callbacks.push(browser.up_to_callback(LOGIN).await);
    }
    let mut answers = JoinSet::new();
    for (browser, url) in browsers.into_iter().zip(callbacks) {
        answers.spawn(async move { browser.get(url.as_str()).await });
    }
    let merchants: BTreeSet<String> = answers
        .join_all()
        .await
        .iter()
        .map(|answer| {
            assert_eq!(answer.status, 200, "{answer:?}");
            answer.json()["user_uuid"].to_string()
        })
        .collect();
    assert_eq!(merchants.len(), 1, "{merchants:?}");
    app.settle().await;
    app.finish().await;
}

#[tokio::test]
async fn what_is_no_shop_is_refused_before_anything_leaves_us() {
    let app = TestApp::start().await;
    let long = "a".repeat(200);
    let browser = app.browser();
    for name in [
        "evil.example",
        "a.myshopify.com.evil.example",
        "demo-shop.myshopify.com%0Aevil.example",
        "demo-shop%0A.myshopify.com",
        "%0Ademo%0Ashop",
        "demo-shop.myshopify.com:8443",
        "demo-shop.myshopify.com%3A8443",
        "evil@demo-shop.myshopify.com",
        "evil:pass@demo-shop.myshopify.com",
        "evil.example%2Fdemo-shop.myshopify.com",
        "evil.example%3Fx.myshopify.com",
        "evil.example%23.myshopify.com",
        "evil.example%5C.myshopify.com",
        "d%C3%A9mo-shop.myshopify.com",
        "%D0%B0%D1%80.myshopify.com",
        "%FF%FE",
        "-shop",
        ".myshopify.com",
        "a.b.myshopify.com",
        "demo_shop",
        "demo-shop.myshopify.com.",
        "%00",
        long.as_str(),
    ] {
        for path in [format!("/shopify/{name}/login"), format!("/shopify/login?shop={name}")] {
            let answer = browser.get(&path).await;
            assert_eq!(answer.status, 400, "{path}");
            assert!(answer.header("location").is_empty(), "{path}");
        }
    }
    // The path takes nothing away; the form forgives a space that came with pasting.
    assert_eq!(browser.get("/shopify/demo-shop.myshopify.com%0A/login").await.status, 400);
    for path in ["/shopify/login", "/shopify/login?shop=", "/shopify/login?shop=%20"] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.json()["detail"].as_str().unwrap().contains(NO_SHOP));
    }
    assert_eq!(app.outgoing(), 0);
    app.finish().await;
}

#[tokio::test]
async fn a_callback_needs_the_browser_that_began_the_login() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let query = signed(&app, &callback(&browser).await);
    assert_refused(&app, &app.browser(), &query, STATE).await;
    let foreign = app.browser();
    foreign.get(LOGIN).await;
    assert_refused(&app, &foreign, &query, STATE).await;
    let guessing = app.browser();
    guessing.set_cookie("shoptalk_login", "x");
    assert_refused(&app, &guessing, &query, STATE).await;
    // What strangers tried did not cost the merchant the login.
    assert_eq!(open(&browser, &query).await.status, 200);
    app.finish().await;
}

#[tokio::test]
async fn a_callback_needs_its_state() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let pairs = callback(&browser).await;
    assert_refused(&app, &browser, &signed(&app, &without(pairs.clone(), "state")), STATE).await;
    assert_refused(&app, &browser, &signed(&app, &with(pairs.clone(), "state", "")), STATE).await;
    assert_refused(&app, &browser, &signed(&app, &with(pairs.clone(), "state", &"0".repeat(64))), STATE).await;
    assert_refused(&app, &browser, "", STATE).await;
    assert_eq!(open(&browser, &signed(&app, &pairs)).await.status, 200);
    app.finish().await;
}

#[tokio::test]
async fn a_state_works_once_also_when_the_callback_was_refused() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let pairs = callback(&browser).await;
    assert_refused(&app, &browser, &signed(&app, &with(pairs.clone(), "timestamp", "1")), TOO_OLD).await;
    assert_refused(&app, &browser, &signed(&app, &pairs), STATE).await;
    let good = signed(&app, &callback(&browser).await);
    assert_eq!(open(&browser, &good).await.status, 200);
    let before = app.outgoing();
    let again = open(&browser, &good).await;
    assert_eq!(again.status, 400);
    assert!(again.json()["detail"].as_str().unwrap().contains("If your account is shown as connected, all is well"));
    assert_eq!(app.outgoing(), before);
    app.finish().await;
}

#[tokio::test]
async fn a_state_dies_after_ten_minutes() {
    let app = TestApp::start().await;
    let browser = app.browser();
    for (seconds, good) in [(11 * 60, false), (10 * 60, false), (10 * 60 - 1, true)] {
        let pairs = callback(&browser).await;
        app.clock.advance(Duration::from_secs(seconds));
        let now = app.clock.now().timestamp().to_string();
        let query = signed(&app, &with(pairs, "timestamp", &now));
        if good {
            assert_eq!(open(&browser, &query).await.status, 200);
        } else {
            assert_refused(&app, &browser, &query, STATE).await;
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn the_state_of_a_facebook_login_is_none_here() {
    let app = TestApp::start().await;
    let browser = connect_shop(&app).await;
    let begun = browser.get("/facebook/login").await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER);
    let state = begun.location().query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let query = signed(&app, &with(callback(&browser).await, "state", &state));
    let before = app.outgoing();
    let answer = open(&browser, &query).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains(STATE));
    assert_eq!(app.outgoing(), before);
    app.finish().await;
}

#[tokio::test]
async fn a_repeated_parameter_is_refused() {
    let app = TestApp::start().await;
    let browser = app.browser();
    for name in ["shop", "state", "code", "timestamp"] {
        let mut pairs = callback(&browser).await;
        let twin = pairs.iter().find(|(known, _)| known == name).cloned().unwrap();
        pairs.push(twin);
        assert_refused(&app, &browser, &signed(&app, &pairs), FORGED).await;
    }
    let query = signed(&app, &callback(&browser).await);
    let (_, hmac) = query.rsplit_once("hmac=").unwrap();
    assert_refused(&app, &browser, &format!("{query}&hmac={hmac}"), FORGED).await;
    app.finish().await;
}

#[tokio::test]
async fn a_callback_needs_its_signature() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let changes: [fn(&str) -> String; 7] = [
        |_| String::new(),
        |_| "&hmac=".to_owned(),
        |hmac| format!("&hmac={}", hmac.to_ascii_uppercase()),
        |hmac| format!("&hmac={}", &hmac[..62]),
        |hmac| format!("&hmac={hmac}00"),
        |_| format!("&hmac={}", "0".repeat(64)),
        |_| format!("&hmac={}", "zz".repeat(32)),
    ];
    for change in changes {
        // An upper-case signature differs only where it has a letter, and this one has: 64 hex digits without one are
        // not seen in a lifetime of tests.
        let query = signed(&app, &callback(&browser).await);
        let (rest, hmac) = query.rsplit_once("&hmac=").unwrap();
        assert_refused(&app, &browser, &format!("{rest}{}", change(hmac)), FORGED).await;
    }
    // Signed, and changed afterwards.
    for (name, value) in [("code", "another"), ("shop", SECOND), ("host", "x"), ("added", "later")] {
        let query = signed(&app, &callback(&browser).await);
        let (rest, hmac) = query.rsplit_once("&hmac=").unwrap();
        let changed: Vec<(String, String)> = form_urlencoded::parse(rest.as_bytes()).into_owned().collect();
        let changed = form_urlencoded::Serializer::new(String::new()).extend_pairs(with(changed, name, value)).finish();
        assert_refused(&app, &browser, &format!("{changed}&hmac={hmac}"), FORGED).await;
    }
    app.finish().await;
}

#[tokio::test]
async fn parameters_that_we_do_not_know_are_signed_with_the_rest() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let mut pairs = callback(&browser).await;
    for (name, value) in [("a new one", "with spaces & signs = ~*"), ("zeta", "ä"), ("signature", "not signed")] {
        pairs.push((name.to_owned(), value.to_owned()));
    }
    assert_eq!(open(&browser, &signed(&app, &pairs)).await.status, 200);
    app.finish().await;
}

#[tokio::test]
async fn a_callback_must_be_fresh() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let now = app.clock.now().timestamp();
    for timestamp in [(now - 91).to_string(), (now + 91).to_string(), "soon".into(), String::new(), "1e9".into()] {
        let query = signed(&app, &with(callback(&browser).await, "timestamp", &timestamp));
        assert_refused(&app, &browser, &query, TOO_OLD).await;
    }
    let query = signed(&app, &without(callback(&browser).await, "timestamp"));
    assert_refused(&app, &browser, &query, TOO_OLD).await;
    for timestamp in [now - 90, now + 90] {
        let query = signed(&app, &with(callback(&browser).await, "timestamp", &timestamp.to_string()));
        assert_eq!(open(&browser, &query).await.status, 200);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_callback_must_be_about_the_shop_of_its_login() {
    let app = TestApp::start().await;
    app.shopify.add_shop(SECOND, "Second Shop");
    let browser = app.browser();
    for shop in ["evil.example", "demo-shop", "", "demo-shop.myshopify.com:80", "demo-shop.myshopify.com\n"] {
        let query = signed(&app, &with(callback(&browser).await, "shop", shop));
        assert_refused(&app, &browser, &query, NO_SHOP).await;
    }
    let query = signed(&app, &without(callback(&browser).await, "shop"));
    assert_refused(&app, &browser, &query, NO_SHOP).await;
    let query = signed(&app, &with(callback(&browser).await, "shop", SECOND));
    assert_refused(&app, &browser, &query, OTHER_SHOP).await;
    app.finish().await;
}

#[tokio::test]
async fn the_checks_of_a_callback_stand_in_the_order_of_least_trust() {
    let app = TestApp::start().await;
    let browser = app.browser();
    // Everything is wrong; from case to case one more thing is put right.
    let wrong = |pairs: Vec<(String, String)>| with(with(pairs, "timestamp", "1"), "shop", "evil.example");
    let unsigned = |query: String| query.replace("hmac=", "hmac=00");
    let query = unsigned(signed(&app, &with(wrong(callback(&browser).await), "state", "x")));
    assert_refused(&app, &browser, &query, STATE).await;
    let query = unsigned(signed(&app, &wrong(callback(&browser).await)));
    assert_refused(&app, &browser, &query, FORGED).await;
    let query = signed(&app, &wrong(callback(&browser).await));
    assert_refused(&app, &browser, &query, TOO_OLD).await;
    let query = signed(&app, &with(callback(&browser).await, "shop", "evil.example"));
    assert_refused(&app, &browser, &query, NO_SHOP).await;
    app.finish().await;
}

#[tokio::test]
async fn of_a_hundred_callbacks_at_once_exactly_one_connects() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let url = browser.up_to_callback(LOGIN).await;
    let mut callbacks = JoinSet::new();
    for _ in 0..100 {
        let (browser, url) = (browser.clone(), url.clone());
        callbacks.spawn(async move { browser.get(url.as_str()).await.status.as_u16() });
    }
    let mut statuses = callbacks.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses[0], 200);
    assert!(statuses[1..].iter().all(|status| *status == 400), "{statuses:?}");
    assert_eq!(app.shopify.traffic().count("/oauth/access_token"), 1);
    app.finish().await;
}

#[tokio::test]
async fn a_merchant_who_says_no_is_told_how_to_try_again() {
    let app = TestApp::start().await;
    app.shopify.refuse_consent(true);
    let answer = app.browser().for_pages().follow(LOGIN).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    let page = answer.text();
    assert!(page.contains("To try again, open the start page and connect your shop."), "{page}");
    assert!(page.contains("href=\"/\""), "{page}");

    let answer = app.browser().follow(LOGIN).await;
    assert_eq!(answer.status, 403);
    assert!(answer.json()["detail"].as_str().unwrap().contains("To try again"));
    assert_eq!(app.shopify.traffic().count("/oauth/access_token"), 0);
    assert_eq!(connection(&app, SHOP).await, Value::Null);

    app.shopify.refuse_consent(false);
    log_in(&app.browser(), SHOP).await;
    app.finish().await;
}

#[tokio::test]
async fn a_code_that_was_used_already_is_explained() {
    let app = TestApp::start().await;
    let (first, second) = (app.browser(), app.browser());
    let used = first.up_to_callback(LOGIN).await;
    let code = used.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    first.get(used.as_str()).await;
    let query = signed(&app, &with(callback(&second).await, "code", &code));
    let answer = open(&second, &query).await;
    assert_eq!(answer.status, 400);
    assert!(answer.json()["detail"].as_str().unwrap().contains("this login was used already or has expired"));
    assert!(second.cookie("session_id").is_none());
    app.finish().await;
}

#[tokio::test]
async fn without_the_permission_to_read_products_nothing_is_connected() {
    let app = TestApp::start().await;
    app.shopify.set_granted_scopes(Some(vec!["read_inventory".into(), "read_locations".into()]));
    let browser = app.browser();
    let answer = browser.follow(LOGIN).await;
    assert_eq!(answer.status, 403);
    assert!(answer.json()["detail"].as_str().unwrap().contains("the permission to read products was not given"));
    let page = app.browser().for_pages().follow(LOGIN).await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("the permission to read products was not given"));
    app.settle().await;
    assert!(browser.cookie("session_id").is_none());
    assert_eq!(connection(&app, SHOP).await, Value::Null);
    assert!(app.shop().subscriptions().is_empty());
    assert!(!app.path(SHOP).exists());
    app.finish().await;
}

#[tokio::test]
async fn a_missing_permission_is_named_and_costs_only_its_own_part() {
    for missing in ["read_discounts", "read_inventory", "read_locations"] {
        let app = TestApp::start().await;
        let shop = app.shop();
        let tea = shop.add_product("Green tea");
        shop.add_collection("Drinks", &[&tea]);
        shop.add_code_discount("Ten off", &["TEN"], 0.1);
        let granted = ["read_products", "read_inventory", "read_locations", "read_discounts"];
        let granted = granted.into_iter().filter(|scope| *scope != missing).map(str::to_owned).collect();
        app.shopify.set_granted_scopes(Some(granted));
        log_in(&app.browser(), SHOP).await;
        for read in [false, true] {
            let found = connection(&app, SHOP).await;
            assert_eq!(found["status"], "incomplete", "{missing}, read: {read}");
            assert!(found["status_reason"].as_str().unwrap().contains(missing), "{found}");
            app.settle().await;
        }
        assert_eq!(titles(&app), ["Green tea"], "{missing}");
        let data = app.json(CATALOGUE)["data"].clone();
        assert_eq!(nodes(&data["products"])[0]["variants"]["edges"][0]["node"]["price"], "10.00", "{missing}");
        assert_eq!(nodes(&data["collections"]).len(), 1);
        assert_eq!(nodes(&data["codeDiscountNodes"]).len(), usize::from(missing != "read_discounts"));
        // Given later, the permission completes the connection.
        app.shopify.set_granted_scopes(None);
        log_in(&app.browser(), SHOP).await;
        app.settle().await;
        assert_eq!(connection(&app, SHOP).await["status"], "connected");
        assert_complete(&app, &shop);
        app.finish().await;
    }
}

#[tokio::test]
async fn a_permission_to_write_counts_as_one_to_read() {
    let app = TestApp::start().await;
    app.shop().add_product("Green tea");
    let granted = ["write_products", "read_inventory", "read_locations", "write_discounts"];
    app.shopify.set_granted_scopes(Some(granted.into_iter().map(str::to_owned).collect()));
    connect_shop(&app).await;
    assert_eq!(connection(&app, SHOP).await["status"], "connected");
    assert_eq!(app.shop().subscriptions().len(), 18);
    assert_complete(&app, &app.shop());
    app.finish().await;
}

/// Everything that can come instead of an answer.
fn troubles() -> Vec<Failure> {
    vec![Failure::Status(500), Failure::Html, Failure::HalfBody, Failure::Empty, Failure::Hang, Failure::Disconnect]
}

/// While this request fails, a login ends with 502 and leaves nothing; afterwards it works.
async fn fails_cleanly(path: &str, body: &str) {
    let app = TestApp::start().await;
    for trouble in troubles() {
        app.shopify.traffic().fail_next_with_body(path, body, 100, trouble.clone());
        let browser = app.browser();
        let answer = browser.follow(LOGIN).await;
        assert_eq!(answer.status, 502, "{trouble:?}");
        assert_eq!(
            answer.json()["detail"],
            "Shopify did not answer as expected. Nothing was changed; please try again in a few minutes."
        );
        app.settle().await;
        assert!(browser.cookie("session_id").is_none(), "{trouble:?}");
        assert_eq!(connection(&app, SHOP).await, Value::Null, "{trouble:?}");
        assert!(!app.path(SHOP).exists(), "{trouble:?}");
        let page = app.browser().for_pages().follow(LOGIN).await;
        assert_eq!(page.status, 502);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        app.shopify.traffic().heal();
    }
    connect_shop(&app).await;
    assert_eq!(connection(&app, SHOP).await["status"], "connected");
    assert_eq!(app.shop().subscriptions().len(), 18);
    app.finish().await;
}

/// While this request fails, a login connects the shop all the same, says what is still to come, and that comes by itself.
async fn waits_for(body: &str, expected: &[&str]) {
    let mut troubles = troubles();
    troubles.push(Failure::RetryAfter(429, "60".to_owned()));
    for trouble in troubles {
        let app = TestApp::start().await;
        app.shop().add_product("Green tea");
        app.shopify.traffic().fail_next_with_body("/graphql.json", body, 100, trouble.clone());
        let browser = app.browser();
        let answer = browser.follow(LOGIN).await;
        assert_eq!(answer.status, 200, "{trouble:?}: {answer:?}");
        let to_come = answer.json()["still_to_come"].as_array().unwrap().clone();
        let what: Vec<&str> = to_come.iter().map(|one| one["what"].as_str().unwrap()).collect();
        assert_eq!(what, expected, "{trouble:?}");
        assert!(to_come.iter().all(|one| one["reason"].as_str().unwrap().contains("by itself")), "{to_come:?}");
        assert_eq!(connection(&app, SHOP).await["status"], "incomplete", "{trouble:?}");
        let home = browser.clone().for_pages().get("/").await.text();
        assert!(home.contains("Still to come: ") && !home.contains("Log in to Shopify again"), "{home}");
        app.shopify.traffic().heal();
        for _ in 0..3 {
            app.settle().await;
            app.clock.advance(Duration::from_secs(600));
        }
        app.settle().await;
        let found = connection(&app, SHOP).await;
        assert_eq!((&found["status"], &found["status_reason"]), (&json!("connected"), &Value::Null), "{trouble:?}");
        assert_eq!(found["name"], "Demo Shop", "{trouble:?}");
        assert_eq!(app.shop().subscriptions().len(), 18, "{trouble:?}");
        assert_complete(&app, &app.shop());
        assert!(!browser.for_pages().get("/").await.text().contains("Still to come"), "{trouble:?}");
        app.finish().await;
    }
}

#[tokio::test]
async fn a_token_endpoint_in_trouble_leaves_nothing_behind() {
    fails_cleanly("/oauth/access_token", "").await;
}

#[tokio::test]
async fn a_shop_that_cannot_be_read_at_login_is_connected_and_read_later() {
    waits_for(&only("ShopInfo"), &["the shop's details", "the webhook subscriptions"]).await;
}

#[tokio::test]
async fn subscriptions_that_cannot_be_listed_at_login_are_made_later() {
    waits_for(&only("Subscriptions"), &["the webhook subscriptions"]).await;
}

#[tokio::test]
async fn subscriptions_that_cannot_be_made_at_login_are_made_later() {
    waits_for(&only("Subscribe"), &["the webhook subscriptions"]).await;
}

#[tokio::test]
async fn a_busy_platform_is_called_busy() {
    let app = TestApp::start().await;
    let busy = Failure::RetryAfter(429, "60".to_owned());
    app.shopify.traffic().fail_next("/oauth/access_token", 10, busy);
    let answer = app.browser().follow(LOGIN).await;
    assert_eq!(answer.status, 502);
    assert_eq!(
        answer.json()["detail"],
        "Shopify is busy and asks us to wait. Nothing was changed; please try again in a few minutes."
    );
    assert_eq!(connection(&app, SHOP).await, Value::Null);
    app.finish().await;
}

#[tokio::test]
async fn a_login_of_a_shop_that_is_read_already_looks_only_for_what_changed() {
    let app = TestApp::start().await;
    app.shop().add_product("Green tea");
    connect_shop(&app).await;
    let browser = app.browser();
    app.clock.advance(Duration::from_secs(3600));
    let reads = |app: &TestApp| {
        let received = app.shopify.traffic().received();
        received.iter().filter(|one| one.text().contains("Products")).count()
    };
    let before = reads(&app);
    log_in(&browser, SHOP).await;
    let requests = app.shared().journal.list_read_requests(&("shopify".to_owned(), SHOP.to_owned())).await.unwrap();
    let objects: Vec<_> = requests.iter().map(|one| one.request.to_text()).collect();
    assert_eq!(objects, ["poll"]);
    app.shop().add_product("Black tea");
    app.settle().await;
    assert_complete(&app, &app.shop());
    assert!(reads(&app) > before);
    // Where deliveries may have been missed, everything is read.
    app.shop().drop_subscription("products/update");
    log_in(&browser, SHOP).await;
    let requests = app.shared().journal.list_read_requests(&("shopify".to_owned(), SHOP.to_owned())).await.unwrap();
    assert!(requests.iter().any(|one| one.request.to_text().is_empty()), "{requests:?}");
    app.settle().await;
    assert_eq!(connection(&app, SHOP).await["status"], "connected");
    app.finish().await;
}

#[tokio::test]
async fn a_platform_that_is_down_is_told_as_such() {
    // A port that was free a moment ago, and that nobody listens on.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let down = AdminUrl::parse(&format!("http://127.0.0.1:{port}/{{shop}}")).unwrap();
    let app = TestApp::start_with(|config| config.shopify.as_mut().unwrap().admin_url = down).await;
    let browser = app.browser();
    let begun = browser.get(LOGIN).await.location();
    let state = begun.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let timestamp = app.clock.now().timestamp().to_string();
    let pairs = [("code", "a-code"), ("shop", SHOP), ("state", &*state), ("timestamp", &*timestamp)];
    let answer = open(&browser, &app.shopify.callback_query(&pairs)).await;
    assert_eq!(answer.status, 502);
    assert_eq!(connection(&app, SHOP).await, Value::Null);
    app.finish().await;
}

#[tokio::test]
async fn the_same_shop_again_is_the_same_merchant_with_a_new_session() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let first = log_in(&browser, SHOP).await.json();
    let old = browser.cookie("session_id").unwrap();
    let second = log_in(&browser, SHOP).await.json();
    assert_eq!(first["user_uuid"], second["user_uuid"]);
    let new = browser.cookie("session_id").unwrap();
    assert_ne!(old, new);
    assert!(knows(&browser, SHOP).await);
    let thief = app.browser();
    thief.set_cookie("session_id", &old);
    assert!(!knows(&thief, SHOP).await, "the old session is dead");
    // Also from a browser that was never here, and after a restart.
    assert_eq!(log_in(&app.browser(), SHOP).await.json()["user_uuid"], first["user_uuid"]);
    let app = app.restart().await;
    assert_eq!(log_in(&app.browser(), SHOP).await.json()["user_uuid"], first["user_uuid"]);
    app.finish().await;
}

/// Whether the merchant's page, seen with this browser's session, shows the shop.
async fn knows(browser: &Browser, shop: &str) -> bool {
    browser.clone().for_pages().get("/").await.text().contains(shop)
}

#[tokio::test]
async fn a_session_id_that_we_did_not_issue_is_no_session() {
    let app = TestApp::start().await;
    log_in(&app.browser(), SHOP).await;
    let attacker = app.browser();
    attacker.set_cookie("session_id", &"a".repeat(64));
    assert!(!knows(&attacker, SHOP).await);
    log_in(&attacker, SHOP).await;
    assert_ne!(attacker.cookie("session_id").unwrap(), "a".repeat(64), "a planted id is never taken over");
    app.finish().await;
}

#[tokio::test]
async fn a_second_shop_in_the_same_session_joins_the_merchant() {
    let app = TestApp::start().await;
    app.shopify.add_shop(SECOND, "Second Shop").add_product("Coffee");
    let browser = app.browser();
    let first = log_in(&browser, SHOP).await.json();
    let second = log_in(&browser, SECOND).await.json();
    assert_eq!(first["user_uuid"], second["user_uuid"]);
    assert!(knows(&browser, SHOP).await && knows(&browser, SECOND).await);
    app.settle().await;
    assert_complete(&app, &app.shopify.shop(SECOND).unwrap());
    app.finish().await;
}

#[tokio::test]
async fn a_shop_that_belongs_to_another_merchant_keeps_its_owner() {
    let app = TestApp::start().await;
    app.shopify.add_shop(SECOND, "Second Shop");
    let (one, other) = (app.browser(), app.browser());
    let owner = log_in(&one, SHOP).await.json()["user_uuid"].clone();
    let stranger = log_in(&other, SECOND).await.json()["user_uuid"].clone();
    assert_ne!(owner, stranger);
    assert!(!knows(&other, SHOP).await);
    // Who can log in to the shop speaks for its owner.
    assert_eq!(log_in(&other, SHOP).await.json()["user_uuid"], owner);
    assert!(knows(&other, SHOP).await);
    assert!(!knows(&other, SECOND).await, "the browser is the owner's now, and sees what the owner has");
    assert_eq!(log_in(&app.browser(), SHOP).await.json()["user_uuid"], owner);
    assert_eq!(log_in(&app.browser(), SECOND).await.json()["user_uuid"], stranger);
    app.finish().await;
}

#[tokio::test]
async fn a_session_lives_an_hour_after_its_last_use() {
    let app = TestApp::start().await;
    let browser = app.browser();
    log_in(&browser, SHOP).await;
    for _ in 0..2 {
        app.clock.advance(Duration::from_secs(59 * 60));
        assert!(knows(&browser, SHOP).await);
    }
    app.clock.advance(Duration::from_secs(61 * 60));
    assert!(!knows(&browser, SHOP).await);
    app.finish().await;
}

#[tokio::test]
async fn a_session_ends_twelve_hours_after_it_began() {
    let app = TestApp::start().await;
    let browser = app.browser();
    log_in(&browser, SHOP).await;
    for _ in 0..14 {
        app.clock.advance(Duration::from_secs(50 * 60));
        assert!(knows(&browser, SHOP).await);
    }
    // 11 h 40 min have passed.
    app.clock.advance(Duration::from_secs(19 * 60));
    assert!(knows(&browser, SHOP).await);
    app.clock.advance(Duration::from_secs(2 * 60));
    assert!(!knows(&browser, SHOP).await);
    app.finish().await;
}

fn topics(app: &TestApp) -> Vec<String> {
    let address = format!("{}/shopify/webhook", app.url);
    let subscriptions = app.shop().subscriptions();
    assert!(subscriptions.iter().all(|one| one.uri == address), "{subscriptions:?}");
    let mut topics: Vec<String> = subscriptions.into_iter().map(|one| one.topic).collect();
    topics.sort_unstable();
    topics
}

#[tokio::test]
async fn every_topic_of_the_granted_scopes_is_subscribed_once() {
    const ALWAYS: [&str; 4] = ["app/scopes_update", "app/uninstalled", "bulk_operations/finish", "shop/update"];
    const PRODUCTS: [&str; 6] = [
        "collections/create",
        "collections/delete",
        "collections/update",
        "products/create",
        "products/delete",
        "products/update",
    ];
    const STOCK: [&str; 3] = ["inventory_levels/connect", "inventory_levels/disconnect", "inventory_levels/update"];
    const DISCOUNTS: [&str; 5] = [
        "discounts/create",
        "discounts/delete",
        "discounts/redeemcode_added",
        "discounts/redeemcode_removed",
        "discounts/update",
    ];
    let sorted = |lists: &[&[&'static str]]| -> Vec<&'static str> {
        let mut all = lists.concat();
        all.sort_unstable();
        all
    };
    let app = TestApp::start().await;
    app.shopify.set_granted_scopes(Some(vec!["read_products".into(), "read_inventory".into()]));
    log_in(&app.browser(), SHOP).await;
    assert_eq!(topics(&app), sorted(&[&ALWAYS, &PRODUCTS, &STOCK]));

    app.shopify.set_granted_scopes(None);
    for _ in 0..2 {
        log_in(&app.browser(), SHOP).await;
        assert_eq!(topics(&app), sorted(&[&ALWAYS, &PRODUCTS, &STOCK, &DISCOUNTS]));
    }
    app.shop().drop_subscription("products/update");
    app.shop().drop_subscription("app/uninstalled");
    assert_eq!(topics(&app).len(), 16);
    log_in(&app.browser(), SHOP).await;
    assert_eq!(topics(&app), sorted(&[&ALWAYS, &PRODUCTS, &STOCK, &DISCOUNTS]));
    app.finish().await;
}

#[tokio::test]
async fn a_topic_that_the_shop_refuses_is_named_and_the_rest_works() {
    let app = TestApp::start().await;
    app.shop().add_product("Green tea");
    let refusal = json!({ "data": { "webhookSubscriptionCreate": {
        "webhookSubscription": null,
        "userErrors": [{ "field": ["topic"], "message": "Topic is not available" }],
    } } });
    app.shopify.traffic().fail_next_with_body("graphql", "\"DISCOUNTS_UPDATE\"", 1, Failure::Json(200, refusal));
    connect_shop(&app).await;
    let found = connection(&app, SHOP).await;
    assert_eq!(found["status"], "incomplete");
    assert_eq!(found["status_reason"], "Shopify refuses to deliver DISCOUNTS_UPDATE");
    assert_complete(&app, &app.shop());
    app.finish().await;
}

#[tokio::test]
async fn no_token_code_or_secret_leaves_the_process_or_lies_on_the_disk_in_plain_text() {
    let app = TestApp::start().await;
    app.shop().add_product("Green tea");
    let browser = app.browser();
    let mut answers = vec![browser.get(LOGIN).await];
    let callback = browser.up_to_callback(LOGIN).await;
    let code = callback.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    answers.push(browser.get(callback.as_str()).await);
    app.settle().await;
    // A refreshed pair, so that refresh tokens show themselves in the requests.
    app.clock.advance(Duration::from_secs(2 * 3600));
    app.command(Command::Sync { channel: Some("shopify".into()), account: None }).await;
    app.clock.advance(Duration::from_secs(2 * 3600));
    app.shop().revoke_token();
    app.command(Command::Sync { channel: Some("shopify".into()), account: None }).await;
    log_in(&browser, SHOP).await;
    app.settle().await;
    for path in ["/", "/shopify/callback?code=x&state=y", "/api/status", "/health", "/ready", "/nowhere"] {
        answers.push(browser.get(path).await);
        answers.push(browser.clone().for_pages().get(path).await);
    }

    let received = app.shopify.traffic().received();
    let mut secrets: BTreeSet<String> = received
        .iter()
        .filter_map(|request| request.headers.get("x-shopify-access-token"))
        .map(|token| token.to_str().unwrap().to_owned())
        .collect();
    assert_eq!(secrets.len(), 3, "one of each login and one refreshed");
    let refresh_tokens: BTreeSet<String> =
        refreshes(&app).iter().map(|body| body["refresh_token"].as_str().unwrap().to_owned()).collect();
    assert_eq!(refresh_tokens.len(), 2);
    secrets.extend(refresh_tokens);
    secrets.extend([code, SHOPIFY_SECRET.to_owned()]);
    assert!(app.is_on_disk(SHOP), "the search finds what is there");
    for secret in &secrets {
        assert!(!app.is_on_disk(secret), "{secret} is on the disk");
        for answer in &answers {
            assert!(!answer.text().contains(secret), "{secret} is in the body of {}", answer.url);
            let seen = answer.headers.values().any(|value| String::from_utf8_lossy(value.as_bytes()).contains(secret));
            assert!(!seen, "{secret} is in a header of {}", answer.url);
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn an_expiring_token_is_asked_for_in_a_body() {
    let app = TestApp::start().await;
    log_in(&app.browser(), SHOP).await;
    let received = app.shopify.traffic().received();
    let exchange = received.iter().find(|request| request.path.ends_with("/admin/oauth/access_token")).unwrap();
    let body: Value = serde_json::from_slice(&exchange.body).unwrap();
    assert_eq!(exchange.method, "POST");
    assert_eq!(exchange.query, "");
    assert_eq!(body["expiring"], "1");
    assert_eq!(body["client_id"], "test-app");
    let members: BTreeSet<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, BTreeSet::from(["client_id", "client_secret", "code", "expiring"]));
    app.finish().await;
}

#[tokio::test]
async fn the_shop_field_takes_what_a_merchant_has_at_hand_and_keeps_what_it_cannot_use() {
    let app = TestApp::start().await;
    let browser = app.browser().for_pages();
    for typed in [
        "%20demo-shop%20",
        "https%3A%2F%2Fadmin.shopify.com%2Fstore%2Fdemo-shop",
        "https://demo-shop.myshopify.com/admin",
    ] {
        let answer = browser.send(Method::GET, &format!("/shopify/login?shop={typed}"), &[], b"").await;
        assert_eq!(answer.status, 303, "{typed}");
        let target = answer.header("location");
        assert!(target.contains("/admin/oauth/authorize"), "{target}");
    }
    let answer = browser.send(Method::GET, "/shopify/login?shop=my+%3Cb%3Eshop", &[], b"").await;
    assert_eq!(answer.status, 303);
    let page = browser.get(answer.header("location")).await.text();
    assert!(page.contains("value=\"my &lt;b&gt;shop\"") && page.contains("aria-invalid=\"true\""), "{page}");
    assert!(page.contains(NO_SHOP), "{page}");
    // A program hears it as before.
    let answer = app.browser().send(Method::GET, "/shopify/login?shop=my+shop", &[], b"").await;
    assert_eq!(answer.status, 400);
    app.finish().await;
}
