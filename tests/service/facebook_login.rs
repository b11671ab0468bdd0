//! The Facebook login: from the link to stored connections, and every refusal on the way.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use shoptalk::commands::Command;
use shoptalk::facebook::sandbox::{Lie, Sandbox};
use shoptalk::shared::channel::simulator::Failure;
use tokio::task::JoinSet;
use url::Url;

use crate::test_app::{Answer, Browser, FACEBOOK_APP_ID, FACEBOOK_SECRET, PAGE, SHOP, TestApp, VERIFY_TOKEN};

const OTHER_SHOP: &str = "other-shop.myshopify.com";

/// The fields that both levels of subscription must hold.
const FIELDS: [&str; 20] = [
    "messages",
    "message_echoes",
    "message_deliveries",
    "message_reads",
    "message_reactions",
    "message_edits",
    "messaging_postbacks",
    "messaging_referrals",
    "messaging_optins",
    "messaging_handovers",
    "standby",
    "messaging_policy_enforcement",
    "name",
    "category",
    "description",
    "phone",
    "website",
    "hours",
    "location",
    "picture",
];

/// What became of the Pages: (id, status, reason).
fn pages(answer: &Answer) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let pages = answer.json()["pages"]["data"].as_array().unwrap().clone();
    pages.iter().map(|page| (text(&page["id"]), text(&page["status"]), text(&page["reason"]))).collect()
}

fn parameter(url: &Url, name: &str) -> String {
    url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned()
}

#[tokio::test]
async fn an_app_with_login_for_business_asks_with_its_configuration() {
    let app = TestApp::start_with(|config| {
        config.facebook.as_mut().unwrap().login_configuration = Some("700000000000001".to_owned());
    })
    .await;
    let browser = app.browser_with(SHOP).await;
    let dialog = browser.get("/facebook/login").await.location();
    assert_eq!(parameter(&dialog, "config_id"), "700000000000001");
    assert!(dialog.query_pairs().all(|(name, _)| name != "scope"), "{dialog}");
    let connected = browser.follow("/facebook/login").await;
    assert_eq!(connected.status, 200, "{connected:?}");
    app.settle().await;
    assert_eq!(app.connections("facebook").await[0]["status"], "connected");
    app.finish().await;
}

/// Nothing was connected, and the next login works.
async fn recovers(app: &TestApp, browser: &Browser) {
    assert_eq!(app.connections("facebook").await, [Value::Null; 0]);
    assert!(!app.path("facebook").exists());
    app.facebook.traffic().heal();
    let answer = browser.follow("/facebook/login").await;
    assert_eq!(pages(&answer), [(PAGE.to_owned(), "connected".to_owned(), String::new())]);
}

#[tokio::test]
async fn a_merchant_connects_a_page_with_one_click_after_the_shop() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let shop = browser.follow(&format!("/shopify/{SHOP}/login")).await.json();
    let page = browser.follow("/facebook/login").await.json();
    assert_eq!(page["user_uuid"], shop["user_uuid"]);
    assert_eq!(
        page["pages"]["data"],
        json!([{ "id": PAGE, "name": "Demo Shop", "status": "connected", "reason": null }])
    );
    assert_eq!(page["webhook_test"][0]["passed"], true);
    app.settle().await;
    let metadata = app.json(&format!("facebook/{PAGE}/page_metadata.json"));
    assert_eq!(metadata["id"], PAGE);
    assert!(metadata.get("access_token").is_none());
    app.finish().await;
}

#[tokio::test]
async fn a_login_needs_the_session_that_the_shop_gives() {
    let app = TestApp::start().await;
    let refused = app.browser().get("/facebook/login").await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.header("content-type"), "application/problem+json");
    assert!(refused.json()["detail"].as_str().unwrap().contains("connect your shop first"));
    let page = app.browser().for_pages().get("/facebook/login").await;
    assert_eq!(page.status, 401);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.text().contains("connect your shop first") && page.text().contains("href=\"/"));
    // An id that we did not give out is no session.
    let invented = app.browser();
    invented.set_cookie("session_id", &"a".repeat(64));
    assert_eq!(invented.get("/facebook/login").await.status, 401);
    assert_eq!(app.outgoing(), 0);
    app.finish().await;
}

#[tokio::test]
async fn a_browser_ends_on_the_start_page() {
    let app = TestApp::start().await;
    let browser = app.browser_with(SHOP).await.for_pages();
    let callback = browser.up_to_callback("/facebook/login").await;
    let answer = browser.get(callback.as_str()).await;
    assert_eq!(answer.status, 303);
    assert_eq!(answer.header("location"), "/#connected");
    let home = browser.get("/").await;
    assert!(home.text().contains(PAGE));
    app.finish().await;
}

#[tokio::test]
async fn a_callback_without_a_state_is_refused_before_any_request() {
    let app = TestApp::start().await;
    let browser = app.browser_with(SHOP).await;
    let callback = browser.up_to_callback("/facebook/login").await;
    let before = app.outgoing();
    let code = parameter(&callback, "code");
    for query in
        [String::new(), format!("?code={code}"), format!("?state=&code={code}"), format!("?state=x&code={code}")]
    {
        let answer = browser.get(&format!("/facebook/callback{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
        assert!(answer.json()["detail"].as_str().unwrap().contains("start the login again"));
    }
    assert_eq!(app.outgoing(), before);
    app.finish().await;
}

#[tokio::test]
async fn a_state_is_good_for_one_callback() {
    let app = TestApp::start().await;
    let browser = app.browser_with(SHOP).await;
    let callback = browser.up_to_callback("/facebook/login").await;
    let mut callbacks = JoinSet::new();
    for _ in 0..20 {
        let (browser, callback) = (browser.clone(), callback.clone());
        callbacks.spawn(async move { browser.get(callback.as_str()).await.status });
    }
    let statuses = callbacks.join_all().await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 19, "{statuses:?}");
    let before = app.outgoing();
    let again = browser.get(callback.as_str()).await;
    assert_eq!(again.status, 400);
    assert!(again.json()["detail"].as_str().unwrap().contains("used already"));
    assert_eq!(app.outgoing(), before);
    app.finish().await;
}

#[tokio::test]
async fn a_state_expires_after_ten_minutes() {
    let app = TestApp::start().await;
    let browser = app.browser_with(SHOP).await;
    let callback = browser.up_to_callback("/facebook/login").await;
    app.clock.advance(Duration::from_secs(11 * 60));
    let before = app.outgoing();
    assert_eq!(browser.get(callback.as_str()).await.status, 400);
    assert_eq!(app.outgoing(), before);
    app.finish().await;
}

#[tokio::test]
async fn a_state_of_another_browser_is_refused_and_stays_good_for_its_own() {
    let app = TestApp::start().await;
    app.shopify.add_shop(OTHER_SHOP, "Other Shop");
    let browser = app.browser_with(SHOP).await;
    let callback = browser.up_to_callback("/facebook/login").await;
    let stranger = app.browser_with(OTHER_SHOP).await;
    stranger.up_to_callback("/facebook/login").await;
    let before = app.outgoing();
    assert_eq!(stranger.get(callback.as_str()).await.status, 400);
    assert_eq!(app.browser().get(callback.as_str()).await.status, 400);
    assert_eq!(app.outgoing(), before);
    assert_eq!(browser.get(callback.as_str()).await.status, 200);
    app.finish().await;
}

#[tokio::test]
async fn a_state_of_the_other_platform_is_refused() {
    let app = TestApp::start().await;
    let browser = app.browser_with(SHOP).await;
    let shopify = browser.up_to_callback(&format!("/shopify/{SHOP}/login")).await;
    let before = app.outgoing();
    let query = format!("state={}&code={}", parameter(&shopify, "state"), parameter(&shopify, "code"));
    let answer = browser.get(&format!("/facebook/callback?{query}")).await;
    assert_eq!(answer.status, 400);
    assert!(answer.json()["detail"].as_str().unwrap().contains("start the login again"));
    assert_eq!(app.outgoing(), before);
    app.finish().await;
}

#[tokio::test]
async fn a_login_ends_in_the_session_that_began_it() {
    let app = TestApp::start().await;
    app.shopify.add_shop(OTHER_SHOP, "Other Shop");
    let other = app.browser_with(OTHER_SHOP).await.cookie("session_id").unwrap();
    for session in ["", other.as_str()] {
        let browser = app.browser_with(SHOP).await;
        let callback = browser.up_to_callback("/facebook/login").await;
        browser.set_cookie("session_id", session);
        let before = app.outgoing();
        let answer = browser.get(callback.as_str()).await;
        assert_eq!(answer.status, 400);
        assert!(answer.json()["detail"].as_str().unwrap().contains("session has ended or changed"));
        assert_eq!(app.outgoing(), before);
    }
    assert_eq!(app.connections("facebook").await, [Value::Null; 0]);
    app.finish().await;
}

#[tokio::test]
async fn a_callback_without_a_code_is_refused_before_any_request() {
    let app = TestApp::start().await;
    let browser = app.browser_with(SHOP).await;
    for code in ["", "&code="] {
        let state = parameter(&browser.up_to_callback("/facebook/login").await, "state");
        let before = app.outgoing();
        assert_eq!(browser.get(&format!("/facebook/callback?state={state}{code}")).await.status, 400);
        assert_eq!(app.outgoing(), before);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_code_that_was_used_is_refused_with_a_sentence() {
    let app = TestApp::start().await;
    let browser = app.browser_with(SHOP).await;
    let first = browser.up_to_callback("/facebook/login").await;
    assert_eq!(browser.get(first.as_str()).await.status, 200);
    for code in [parameter(&first, "code"), "AQinvented".to_owned()] {
        let state = parameter(&browser.up_to_callback("/facebook/login").await, "state");
        let answer = browser.get(&format!("/facebook/callback?state={state}&code={code}")).await;
        assert_eq!(answer.status, 400);
        assert!(answer.json()["detail"].as_str().unwrap().contains("used already or has expired"));
    }
    assert_eq!(app.connections("facebook").await.len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn refused_consent_is_explained_and_connects_nothing() {
    let app = TestApp::start().await;
    let browser = app.browser_with(SHOP).await;
    app.facebook.refuse_consent(true);
    let answer = browser.follow("/facebook/login").await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let page = browser.clone().for_pages().follow("/facebook/login").await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("Not connected") && page.text().contains("To try again"));
    assert_eq!(app.facebook.traffic().count("/oauth/access_token"), 0);
    app.facebook.refuse_consent(false);
    recovers(&app, &browser).await;
    app.finish().await;
}

#[tokio::test]
async fn a_declined_essential_permission_is_named_and_asked_for_again() {
    for permission in ["pages_messaging", "pages_show_list", "pages_manage_metadata"] {
        let app = TestApp::start().await;
        let browser = app.browser_with(SHOP).await;
        app.facebook.decline(permission);
        let answer = browser.follow("/facebook/login").await;
        assert_eq!(answer.status, 403);
        assert!(answer.json()["detail"].as_str().unwrap().contains(permission));
        let page = browser.clone().for_pages().follow("/facebook/login").await;
        assert_eq!(page.status, 200);
        assert!(page.text().contains(permission));
        assert_eq!(app.facebook.traffic().count("/me/accounts"), 0);
        app.facebook.accept(permission);
        recovers(&app, &browser).await;
        app.finish().await;
    }
}

#[tokio::test]
async fn without_the_permission_to_read_a_page_is_connected_in_part() {
    let app = TestApp::start().await;
    let browser = app.browser_with(SHOP).await;
    app.facebook.decline("pages_read_engagement");
    let answer = browser.follow("/facebook/login").await;
    let (_, status, reason) = &pages(&answer)[0];
    assert_eq!(status, "incomplete");
    assert!(reason.contains("pages_read_engagement"));
    let connections = app.connections("facebook").await;
    assert_eq!(connections[0]["status"], "incomplete");
    assert!(connections[0]["status_reason"].as_str().unwrap().contains("pages_read_engagement"));
    let home = browser.clone().for_pages().get("/").await;
    assert!(home.text().contains("Connected in part") && home.text().contains("pages_read_engagement"));

    app.facebook.accept("pages_read_engagement");
    assert_eq!(pages(&browser.follow("/facebook/login").await)[0].1, "connected");
    app.settle().await;
    assert_eq!(app.connections("facebook").await[0]["status_reason"], Value::Null);
    assert_eq!(app.json(&format!("facebook/{PAGE}/page_metadata.json"))["name"], "Demo Shop");
    app.finish().await;
}

#[tokio::test]
async fn all_pages_of_all_lists_are_connected() {
    let app = TestApp::start().await;
    let ids: Vec<String> = (101..=105).map(|number| format!("100000000000{number}")).collect();
    for id in &ids[1..] {
        app.facebook.add_page(id, &format!("Page {id}"));
    }
    app.facebook.set_page_limit(2);
    let browser = app.browser_with(SHOP).await;
    let answer = browser.follow("/facebook/login").await;
    let found: Vec<String> = pages(&answer).into_iter().map(|(id, ..)| id).collect();
    assert_eq!(found, ids);
    assert_eq!(app.facebook.traffic().count("/me/accounts"), 3);
    app.settle().await;
    assert_eq!(app.connections("facebook").await.len(), 5);
    for id in &ids {
        assert_eq!(app.json(&format!("facebook/{id}/page_metadata.json"))["id"], **id);
        assert_eq!(app.facebook.page(id).unwrap().subscribed_fields().len(), FIELDS.len());
    }
    app.finish().await;
}

#[tokio::test]
async fn a_page_that_cannot_be_used_is_shown_with_the_reason_and_stops_no_other() {
    let app = TestApp::start().await;
    app.facebook.add_page("100000000000102", "Analysed").set_tasks(&["ANALYZE"]);
    app.facebook.add_page("100000000000103", "Lost").set_tasks(&[]);
    let browser = app.browser_with(SHOP).await;
    let answer = pages(&browser.follow("/facebook/login").await);
    assert_eq!(answer[0].1, "connected");
    assert_eq!(answer[1].1, "not_connected");
    assert!(answer[1].2.contains("may not answer messages"));
    assert_eq!(answer[2].1, "not_connected");
    assert!(answer[2].2.contains("no access"));
    let page = browser.for_pages().follow("/facebook/login").await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("Analysed") && page.text().contains("may not answer messages"));
    assert_eq!(app.connections("facebook").await.len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn what_the_platform_calls_a_page_is_shown_as_text() {
    let app = TestApp::start().await;
    let name = "<script>alert(1)</script>";
    app.page().rename(name);
    app.facebook.add_page("100000000000102", name).set_tasks(&["ANALYZE"]);
    let browser = app.browser_with(SHOP).await.for_pages();
    for answer in [browser.follow("/facebook/login").await, browser.get("/").await] {
        assert_eq!(answer.status, 200);
        assert!(answer.text().contains("&lt;script&gt;alert(1)") && !answer.text().contains("<script>"));
    }
    app.finish().await;
}

#[tokio::test]
async fn a_person_without_pages_is_told_so() {
    let app = TestApp::start().await;
    app.page().set_ticked(false);
    let browser = app.browser_with(SHOP).await;
    let answer = browser.follow("/facebook/login").await.json();
    assert_eq!(answer["pages"]["data"], json!([]));
    assert_eq!(answer["sync"], "nothing to read");
    let page = browser.for_pages().follow("/facebook/login").await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("shows no Page"));
    app.finish().await;
}

#[tokio::test]
async fn the_app_secret_goes_into_no_address_whatever_is_answered() {
    let app = TestApp::start().await;
    let browser = app.browser_with(SHOP).await;
    for status in [400, 404, 405, 501] {
        let callback = browser.up_to_callback("/facebook/login").await;
        app.facebook.traffic().fail_next("access_token", 1, Failure::Status(status));
        assert!(browser.get(callback.as_str()).await.status.as_u16() >= 400, "{status}");
    }
    let asked = app.facebook.traffic().received();
    let exchanges: Vec<_> = asked.iter().filter(|one| one.path.ends_with("/oauth/access_token")).collect();
    assert_eq!(exchanges.len(), 4);
    assert!(exchanges.iter().all(|one| one.method == "POST" && one.query.is_empty()), "{exchanges:?}");
    app.finish().await;
}

#[tokio::test]
async fn of_two_merchants_who_connect_a_page_at_once_one_has_it_and_the_other_hears_why_not() {
    let app = TestApp::start().await;
    app.shopify.add_shop(OTHER_SHOP, "Other Shop");
    let browsers = [app.browser_with(SHOP).await, app.browser_with(OTHER_SHOP).await];
    let mut callbacks = Vec::new();
    for browser in &browsers {
        callbacks.push(browser.up_to_callback("/facebook/login").await);
    }
    let mut answers = tokio::task::JoinSet::new();
    for (browser, url) in browsers.into_iter().zip(callbacks) {
        answers.spawn(async move { browser.get(url.as_str()).await });
    }
    let mut connected = 0;
    for answer in answers.join_all().await {
        // Who comes later by a little is told of the collision, by more, of the owner.
        match answer.status.as_u16() {
            200 => connected += usize::from(answer.json()["pages"]["data"][0]["status"] == "connected"),
            status => assert_eq!(status, 409, "{answer:?}"),
        }
    }
    assert_eq!((connected, app.connections("facebook").await.len()), (1, 1));
    app.settle().await;
    app.finish().await;
}

#[tokio::test]
async fn a_page_of_another_merchant_is_refused_and_stays_with_its_owner() {
    let app = TestApp::start().await;
    app.shopify.add_shop(OTHER_SHOP, "Other Shop");
    let owner = app.connect().await;
    let stranger = app.browser_with(OTHER_SHOP).await;
    let (_, status, reason) = pages(&stranger.follow("/facebook/login").await).remove(0);
    assert_eq!(status, "not_connected");
    assert!(reason.contains("connected to another shop"));
    assert!(!stranger.for_pages().get("/").await.text().contains(PAGE));
    assert!(owner.for_pages().get("/").await.text().contains(PAGE));
    assert_eq!(app.connections("facebook").await.len(), 1);
    // The owner's token still reads the Page.
    app.page().rename("Renamed");
    app.command(Command::Sync { channel: Some("facebook".to_owned()), account: None }).await;
    assert_eq!(app.json(&format!("facebook/{PAGE}/page_metadata.json"))["name"], "Renamed");
    app.finish().await;
}

#[tokio::test]
async fn a_second_shop_of_the_same_session_may_take_the_page_too() {
    let app = TestApp::start().await;
    app.shopify.add_shop(OTHER_SHOP, "Other Shop");
    let browser = app.connect().await;
    assert_eq!(browser.follow(&format!("/shopify/{OTHER_SHOP}/login")).await.status, 200);
    assert_eq!(pages(&browser.follow("/facebook/login").await)[0].1, "connected");
    app.finish().await;
}

#[tokio::test]
async fn both_subscriptions_hold_all_wanted_fields_and_our_address() {
    let app = TestApp::start().await;
    app.page().add_other_app("900000000000777", "Another app", &FIELDS);
    app.connect().await;
    let subscription = app.facebook.app_subscription().unwrap();
    assert_eq!(subscription.callback_url, format!("{}/facebook/webhook", app.url));
    assert_eq!(subscription.verify_token, VERIFY_TOKEN);
    assert_eq!(subscription.fields, FIELDS);
    assert!(subscription.include_values);
    assert_eq!(app.page().subscribed_fields(), FIELDS);
    app.finish().await;
}

#[tokio::test]
async fn a_login_again_updates_and_doubles_nothing() {
    let app = TestApp::start().await;
    let browser = app.connect().await;
    app.page().rename("Renamed");
    app.clock.advance(Duration::from_secs(60));
    let before = app.connections("facebook").await;
    let posts = |app: &TestApp| {
        let received = app.facebook.traffic().received();
        received.iter().filter(|one| one.method == "POST" && one.path.contains("/subscri")).count()
    };
    let subscribed = posts(&app);
    assert_eq!(pages(&browser.follow("/facebook/login").await)[0].1, "connected");
    app.settle().await;
    let after = app.connections("facebook").await;
    assert_eq!((before.len(), after.len()), (1, 1));
    assert_eq!(after[0]["name"], "Renamed");
    assert!(after[0]["connected_at"].as_i64() > before[0]["connected_at"].as_i64());
    assert_eq!(posts(&app), subscribed, "what is subscribed already is left alone");
    app.finish().await;
}

#[tokio::test]
async fn dead_subscriptions_are_repaired_at_the_next_login() {
    let app = TestApp::start().await;
    let browser = app.connect().await;
    app.facebook.drop_app_subscription();
    app.page().unsubscribe();
    browser.follow("/facebook/login").await;
    assert_eq!(app.facebook.app_subscription().unwrap().fields, FIELDS);
    assert_eq!(app.page().subscribed_fields(), FIELDS);
    // At another address now.
    let app = app.restart().await;
    app.connect().await;
    let address = app.facebook.app_subscription().unwrap().callback_url;
    assert_eq!(address, format!("{}/facebook/webhook", app.url));
    app.finish().await;
}

#[tokio::test]
async fn a_refused_subscription_is_a_connection_in_part() {
    let app = TestApp::start().await;
    let browser = app.browser_with(SHOP).await;
    let refusal = Sandbox::error(200, None, "(#200) no");
    app.facebook.traffic().fail_next("/subscribed_apps", 1, Failure::Json(403, refusal));
    let (_, status, reason) = pages(&browser.follow("/facebook/login").await).remove(0);
    assert_eq!(status, "incomplete");
    assert!(reason.contains("refuses to deliver") && reason.contains("200"), "{reason}");
    assert_eq!(pages(&browser.follow("/facebook/login").await)[0].1, "connected");
    app.finish().await;
}

/// The steps after the exchange of the code: path, and what the body contains.
const LATER: [(&str, &str); 5] = [
    ("/oauth/access_token", "fb_exchange_token"),
    ("/debug_token", ""),
    ("/me/accounts", ""),
    ("/subscriptions", ""),
    ("/subscribed_apps", ""),
];

/// These steps of a login fail in this way: 502 with this sentence, nothing connected, and a later login works.
async fn steps_may_fail(steps: &[(&str, &str)], failure: Failure, sentence: &str) {
    let app = TestApp::start().await;
    let browser = app.browser_with(SHOP).await;
    for (path, body) in steps {
        app.facebook.traffic().fail_next_with_body(path, body, 10, failure.clone());
        let answer = browser.follow("/facebook/login").await;
        assert_eq!(answer.status, 502, "{path} {failure:?}");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with(sentence), "{detail}");
        app.settle().await;
        assert_eq!(app.connections("facebook").await, [Value::Null; 0], "{path} {failure:?}");
        app.facebook.traffic().heal();
        app.clock.advance(Duration::from_secs(600));
    }
    recovers(&app, &browser).await;
    app.finish().await;
}

/// Fails the exchange of the code in this way.
async fn every_step_may_fail(failure: Failure) {
    steps_may_fail(&[("/oauth/access_token", "")], failure, "Facebook did not answer as expected.").await;
}

/// Nobody knows yet whether these steps of a login would have said no: the Page is connected, it is said what is still to
/// come, and it comes by itself.
async fn steps_may_wait(steps: &[(&str, &str)], failure: Failure) {
    for (path, body) in steps {
        let app = TestApp::start().await;
        let browser = app.browser_with(SHOP).await;
        app.facebook.traffic().fail_next_with_body(path, body, 10, failure.clone());
        let answer = browser.follow("/facebook/login").await;
        assert_eq!(answer.status, 200, "{path} {failure:?}: {answer:?}");
        let page = answer.json()["pages"]["data"][0].clone();
        if *path == "/me/accounts" {
            // The login names the Page, so it is asked for by its id, and nothing is left to be done.
            assert_eq!(pages(&answer), [(PAGE.to_owned(), "connected".to_owned(), String::new())], "{failure:?}");
            assert_eq!(page.get("still_to_come"), None);
            app.finish().await;
            continue;
        }
        assert_eq!((&page["id"], &page["status"]), (&json!(PAGE), &json!("incomplete")), "{path} {failure:?}");
        let to_come = page["still_to_come"].as_array().unwrap();
        assert!(!to_come.is_empty(), "{path} {failure:?}");
        assert!(to_come.iter().all(|one| one["reason"].as_str().unwrap().contains("by itself")), "{page}");
        assert_eq!(answer.json()["sync"], "started");
        let home = browser.clone().for_pages().get("/").await.text();
        assert!(home.contains("Still to come: ") && home.contains("Nobody has to do anything"), "{home}");
        assert!(!home.contains("Log in to Facebook again") && !home.contains("needs you"), "{home}");
        app.facebook.traffic().heal();
        for _ in 0..3 {
            app.settle().await;
            app.clock.advance(Duration::from_secs(600));
        }
        app.settle().await;
        let found = app.connections("facebook").await.remove(0);
        assert_eq!((&found["status"], &found["status_reason"]), (&json!("connected"), &Value::Null), "{path} {found}");
        assert_eq!((&found["name"], found["scopes"].as_array().unwrap().len()), (&json!("Demo Shop"), 5), "{path}");
        assert_eq!(app.json(&format!("facebook/{PAGE}/page_metadata.json"))["name"], "Demo Shop", "{path}");
        assert_eq!(app.page().subscribed_fields(), FIELDS, "{path} {failure:?}");
        assert_eq!(app.facebook.app_subscription().unwrap().fields, FIELDS, "{path} {failure:?}");
        assert!(!browser.for_pages().get("/").await.text().contains("Still to come"), "{path}");
        // The login lasts: hours later its token works, and who connected the Page is known.
        app.clock.advance(Duration::from_secs(5 * 3600));
        app.command(Command::Sync { channel: Some("facebook".to_owned()), account: None }).await;
        assert_eq!(app.connections("facebook").await[0]["status"], "connected", "{path} {failure:?}");
        let person = app.shared().connections.find_platform_user("facebook", PAGE).await.unwrap();
        assert_eq!(person, Some(app.facebook.person_id()), "{path} {failure:?}");
        app.finish().await;
    }
}

#[tokio::test]
async fn a_platform_with_errors_of_its_own_connects_nothing() {
    every_step_may_fail(Failure::Status(500)).await;
}

#[tokio::test]
async fn a_platform_that_says_later_connects_nothing() {
    every_step_may_fail(Failure::RetryAfter(503, "120".to_owned())).await;
}

#[tokio::test]
async fn a_platform_that_answers_with_a_page_connects_nothing() {
    every_step_may_fail(Failure::Html).await;
}

#[tokio::test]
async fn a_platform_that_answers_by_half_connects_nothing() {
    every_step_may_fail(Failure::HalfBody).await;
}

#[tokio::test]
async fn a_platform_that_answers_with_nothing_connects_nothing() {
    every_step_may_fail(Failure::Empty).await;
}

#[tokio::test]
async fn a_platform_that_hangs_up_connects_nothing() {
    every_step_may_fail(Failure::Disconnect).await;
}

#[tokio::test]
async fn a_platform_that_never_answers_connects_nothing() {
    every_step_may_fail(Failure::Hang).await;
}

#[tokio::test]
async fn a_platform_that_limits_calls_connects_nothing() {
    let busy = Failure::Json(400, Sandbox::error(4, None, "(#4) Application request limit reached"));
    steps_may_fail(&[("/oauth/access_token", "")], busy, "Facebook is busy and asks us to wait. Nothing was changed")
        .await;
}

#[tokio::test]
async fn a_platform_that_refuses_its_own_token_connects_nothing() {
    let refusal = Failure::Json(400, Sandbox::error(190, Some(460), "Error validating access token"));
    let steps = [&[("/oauth/access_token", "")][..], &LATER].concat();
    steps_may_fail(&steps, refusal, "Facebook did not answer as expected.").await;
}

#[tokio::test]
async fn a_platform_that_says_200_to_an_error_connects_nothing() {
    every_step_may_fail(Failure::Json(200, Sandbox::error(2, None, "An unexpected error has occurred"))).await;
}

#[tokio::test]
async fn a_platform_that_answers_with_another_shape_connects_nothing() {
    every_step_may_fail(Failure::Json(200, json!({"data": "x", "access_token": 7, "success": null}))).await;
}

#[tokio::test]
async fn what_is_not_answered_after_the_code_is_still_to_come() {
    for failure in [Failure::Status(500), Failure::HalfBody, Failure::Disconnect] {
        steps_may_wait(&LATER, failure).await;
    }
}

#[tokio::test]
async fn what_is_answered_in_another_form_after_the_code_is_still_to_come() {
    steps_may_wait(&LATER, Failure::Html).await;
    steps_may_wait(&LATER, Failure::Json(200, Sandbox::error(2, None, "An unexpected error has occurred"))).await;
    steps_may_wait(&LATER, Failure::Json(200, json!({"data": "x", "access_token": 7, "success": null}))).await;
}

#[tokio::test]
async fn what_a_limit_of_calls_stops_after_the_code_is_still_to_come() {
    steps_may_wait(&LATER, Failure::RetryAfter(503, "120".to_owned())).await;
    let busy = Failure::Json(400, Sandbox::error(4, None, "(#4) Application request limit reached"));
    steps_may_wait(&LATER, busy).await;
}

#[tokio::test]
async fn one_of_several_pages_that_is_not_answered_for_costs_the_others_nothing() {
    let app = TestApp::start().await;
    let other = app.facebook.add_page("100000000000102", "Other Page");
    let browser = app.browser_with(SHOP).await;
    app.facebook.traffic().fail_next(&format!("/{PAGE}"), 10, Failure::Status(500));
    let answer = browser.follow("/facebook/login").await;
    let statuses: Vec<String> = pages(&answer).into_iter().map(|(_, status, _)| status).collect();
    assert_eq!(statuses, ["incomplete", "connected"]);
    let data = answer.json()["pages"]["data"].clone();
    let what = |page: &Value| -> Option<Vec<Value>> {
        page["still_to_come"].as_array().map(|list| list.iter().map(|one| one["what"].clone()).collect())
    };
    let expected = vec![json!("the webhook subscription"), json!("the Page's details")];
    assert_eq!((what(&data[0]), what(&data[1])), (Some(expected), None));
    assert_eq!(other.subscribed_fields(), FIELDS);
    // One whose token is refused is not connected, and the others are.
    app.facebook.traffic().heal();
    let dead = Failure::Json(400, Sandbox::error(190, Some(460), "Error validating access token"));
    for _ in 0..2 {
        app.clock.advance(Duration::from_secs(600));
        app.settle().await;
    }
    app.facebook.traffic().fail_next("/100000000000102/subscribed_apps", 1, dead);
    let answer = pages(&browser.follow("/facebook/login").await);
    assert_eq!((answer[0].1.as_str(), answer[1].1.as_str()), ("connected", "not_connected"));
    assert!(answer[1].2.contains("password"), "{answer:?}");
    app.finish().await;
}

#[tokio::test]
async fn a_page_that_the_login_names_is_connected_although_nobody_answers_for_it() {
    let app = TestApp::start().await;
    let browser = app.browser_with(SHOP).await;
    app.facebook.traffic().fail_next("/me/accounts", 10, Failure::Status(500));
    app.facebook.traffic().fail_next(&format!("/{PAGE}"), 10, Failure::Status(500));
    let answer = browser.follow("/facebook/login").await;
    let page = answer.json()["pages"]["data"][0].clone();
    assert_eq!((answer.status.as_u16(), &page["id"], &page["status"]), (200, &json!(PAGE), &json!("incomplete")));
    assert_eq!(page["still_to_come"][0]["what"], "access to the Page");
    app.facebook.traffic().heal();
    for _ in 0..3 {
        app.settle().await;
        app.clock.advance(Duration::from_secs(600));
    }
    let found = app.connections("facebook").await.remove(0);
    assert_eq!((&found["status"], &found["name"]), (&json!("connected"), &json!("Demo Shop")), "{found}");
    assert_eq!(app.page().subscribed_fields(), FIELDS);
    app.finish().await;
}

#[tokio::test]
async fn pages_of_a_business_portfolio_are_asked_for_by_the_ids_that_the_login_names() {
    let app = TestApp::start().await;
    app.page().set_in_portfolio(true);
    let other = app.facebook.add_page("100000000000102", "Without access");
    other.set_in_portfolio(true);
    let browser = app.browser_with(SHOP).await;
    let gone =
        Sandbox::error(100, Some(33), "Unsupported get request. Object with ID '100000000000102' does not exist");
    app.facebook.traffic().fail_next("/100000000000102", 1, Failure::Json(400, gone));
    let answer = pages(&browser.follow("/facebook/login").await);
    assert_eq!(answer[0], (PAGE.to_owned(), "connected".to_owned(), String::new()));
    assert_eq!((answer[1].0.as_str(), answer[1].1.as_str()), ("100000000000102", "not_connected"));
    assert!(answer[1].2.contains("business portfolio") && answer[1].2.contains("Assign people"), "{answer:?}");
    app.settle().await;
    assert_eq!(app.connections("facebook").await[0]["name"], "Demo Shop");
    assert_eq!(app.page().subscribed_fields(), FIELDS);
    // A dead token of such a Page is replaced like any other.
    app.facebook.revoke_page_tokens(PAGE, 463);
    app.command(Command::Sync { channel: Some("facebook".to_owned()), account: None }).await;
    assert_eq!(app.connections("facebook").await[0]["status"], "connected");
    // Where nothing names them, it is said what to do.
    other.set_ticked(false);
    app.page().set_ticked(false);
    let page = browser.for_pages().follow("/facebook/login").await;
    assert!(page.text().contains("shows no Page") && page.text().contains("business portfolio"));
    app.finish().await;
}

#[tokio::test]
async fn tasks_under_newer_names_and_tasks_that_are_not_told_are_no_refusal() {
    let app = TestApp::start().await;
    app.page().set_tasks(&["PROFILE_PLUS_ANALYZE", "PROFILE_PLUS_MESSAGING", "PROFILE_PLUS_MODERATE"]);
    app.facebook.add_page("100000000000102", "Full control").set_tasks(&["PROFILE_PLUS_FULL_CONTROL"]);
    app.facebook.add_page("100000000000103", "Not told").hide_tasks();
    app.facebook.add_page("100000000000104", "Analysed").set_tasks(&["PROFILE_PLUS_ANALYZE"]);
    let browser = app.browser_with(SHOP).await;
    let statuses: Vec<String> =
        pages(&browser.follow("/facebook/login").await).into_iter().map(|(_, status, _)| status).collect();
    assert_eq!(statuses, ["connected", "connected", "connected", "not_connected"]);
    app.finish().await;
}

#[tokio::test]
async fn where_all_pages_at_once_are_too_much_fewer_are_asked_for() {
    let app = TestApp::start().await;
    let browser = app.browser_with(SHOP).await;
    let too_much = json!({ "error": { "code": 1, "type": "OAuthException",
        "message": "Please reduce the amount of data you're asking for, then retry your request" } });
    app.facebook.traffic().fail_next("me/accounts", 2, Failure::Json(500, too_much));
    let connected = browser.follow("/facebook/login").await;
    assert_eq!(connected.status, StatusCode::OK, "{connected:?}");
    assert_eq!(app.connections("facebook").await.len(), 1);
    let received = app.facebook.traffic().received();
    let limits: Vec<String> = received
        .iter()
        .filter(|one| one.path.ends_with("me/accounts"))
        .filter_map(|one| one.query.split('&').find_map(|part| part.strip_prefix("limit=")).map(str::to_owned))
        .collect();
    assert_eq!(limits, ["100", "25", "5"]);
    app.finish().await;
}

#[tokio::test]
async fn a_list_of_pages_that_is_cut_short_connects_all_that_the_login_names() {
    let app = TestApp::start().await;
    let ids: Vec<String> = (101..=105).map(|number| format!("100000000000{number}")).collect();
    for id in &ids[1..] {
        app.facebook.add_page(id, &format!("Page {id}"));
    }
    app.facebook.set_page_limit(2);
    app.facebook.lie_about_paging("accounts", Some(Lie::NoWay));
    let browser = app.browser_with(SHOP).await;
    let answer = browser.follow("/facebook/login").await;
    let found: Vec<String> = pages(&answer).into_iter().map(|(id, ..)| id).collect();
    assert_eq!((found, answer.json().get("still_to_come")), (ids, None));
    app.settle().await;
    assert_eq!(app.connections("facebook").await.len(), 5);
    app.finish().await;
}

#[tokio::test]
async fn a_platform_that_is_down_connects_nothing() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let app = TestApp::start_with(|config| {
        config.facebook.as_mut().unwrap().graph_url = Url::parse(&format!("http://{nobody}")).unwrap();
    })
    .await;
    let browser = app.browser_with(SHOP).await;
    let answer = browser.follow("/facebook/login").await;
    assert_eq!(answer.status, 502);
    let page = browser.for_pages().follow("/facebook/login").await;
    assert_eq!(page.status, 502);
    assert!(page.text().contains("Facebook did not answer as expected"));
    assert_eq!(app.connections("facebook").await, [Value::Null; 0]);
    app.finish().await;
}

#[tokio::test]
async fn a_stumble_of_the_platform_is_overcome() {
    let app = TestApp::start().await;
    let browser = app.browser_with(SHOP).await;
    for path in ["/debug_token", "/me/accounts", "/subscriptions", "/subscribed_apps"] {
        app.facebook.traffic().fail_next(path, 1, Failure::Status(503));
    }
    assert_eq!(pages(&browser.follow("/facebook/login").await)[0].1, "connected");
    app.finish().await;
}

#[tokio::test]
async fn a_token_of_another_app_is_not_accepted() {
    let app = TestApp::start().await;
    let browser = app.browser_with(SHOP).await;
    let scopes = ["pages_show_list", "pages_manage_metadata", "pages_messaging", "pages_read_engagement"];
    for info in [
        json!({"app_id": "900000000000999", "is_valid": true, "user_id": "1", "scopes": scopes}),
        json!({"app_id": FACEBOOK_APP_ID, "is_valid": false, "user_id": "1", "scopes": scopes}),
        json!({"is_valid": true, "scopes": scopes}),
    ] {
        app.facebook.traffic().fail_next("/debug_token", 1, Failure::Json(200, json!({ "data": info })));
        let answer = browser.follow("/facebook/login").await;
        assert_eq!(answer.status, 400, "{info}");
        assert_eq!(app.facebook.traffic().count("/me/accounts"), 0);
    }
    recovers(&app, &browser).await;
    app.finish().await;
}

#[tokio::test]
async fn every_call_with_a_token_carries_its_proof() {
    let app = TestApp::start().await;
    app.facebook.set_app_secret_proof_required(true);
    app.connect().await;
    app.command(Command::Sync { channel: Some("facebook".to_owned()), account: None }).await;
    let received = app.facebook.traffic().received();
    let with_token: Vec<_> = received.iter().filter(|one| one.headers.contains_key("authorization")).collect();
    assert!(with_token.len() >= 8, "{}", with_token.len());
    for request in with_token {
        assert!(request.query.contains("appsecret_proof="), "{}", request.path);
    }
    assert_eq!(app.connections("facebook").await[0]["status"], "connected");
    app.finish().await;
}

#[tokio::test]
async fn no_token_code_or_secret_is_ever_shown_or_stored_readable() {
    let app = TestApp::start().await;
    let browser = app.browser_with(SHOP).await;
    let session = browser.cookie("session_id").unwrap();
    let begun = browser.get("/facebook/login").await;
    let dialog = begun.location();
    let callback = browser.get(dialog.as_str()).await.location();
    let as_json = browser.get(callback.as_str()).await;
    assert_eq!(as_json.status, 200);
    let again = browser.up_to_callback("/facebook/login").await;
    let browser = browser.for_pages();
    let as_page = browser.get(again.as_str()).await;
    assert_eq!(as_page.status, StatusCode::SEE_OTHER);
    app.page().message_from(&app.facebook.person("7000000000000001", "Sam Doe"), "hi");
    app.command(Command::Sync { channel: None, account: None }).await;
    let answers = [begun, as_json, as_page, browser.get("/").await, browser.get(callback.as_str()).await];
    let status = app.status().await.to_string();

    let mut secrets = vec![FACEBOOK_SECRET.to_owned(), VERIFY_TOKEN.to_owned()];
    secrets.extend([parameter(&callback, "code"), parameter(&again, "code")]);
    for request in app.facebook.traffic().received() {
        let bearer = request.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
        secrets.extend(bearer.map(|value| value.strip_prefix("Bearer ").unwrap().to_owned()));
        let form: Vec<(String, String)> = form_urlencoded::parse(&request.body).into_owned().collect();
        secrets.extend(form.into_iter().filter(|(name, _)| name == "fb_exchange_token").map(|(_, value)| value));
    }
    secrets.sort();
    secrets.dedup();
    // Two secrets, two codes, the app token, and of each login a short-lived, a long-lived and a Page token.
    assert_eq!(secrets.len(), 11);
    for secret in &secrets {
        assert!(!app.is_on_disk(secret), "a secret is on disk");
        assert!(!status.contains(secret), "a secret is in the status");
        for answer in &answers {
            assert!(!answer.text().contains(secret), "a secret is in a body");
            assert!(!format!("{:?}", answer.headers).contains(secret), "a secret is in a header");
        }
    }
    // What only hashes are kept of.
    assert!(!app.is_on_disk(&session) && !app.is_on_disk(&parameter(&dialog, "state")));
    assert!(app.is_on_disk("Demo Shop"), "the search finds what is there");
    app.finish().await;
}
