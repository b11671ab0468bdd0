//! The life of a connected Page: subscriptions on both levels that vanish and come back, tokens that die and live again,
//! permissions that are taken and given, and what the merchant reads meanwhile.

use std::time::Duration;

use serde_json::{Value, json};
use shoptalk::facebook::sandbox::Sandbox;
use shoptalk::shared::channel::simulator::Failure;
use shoptalk::shared::store::Subscriptions;

use crate::test_app::{PAGE, SHOP, TestApp};

const OTHER_PAGE: &str = "100000000000102";
const SAM: &str = "7000000000000001";
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A connected app that has seen its jobs once: from now on they run when they are due.
async fn connected() -> TestApp {
    let app = TestApp::start().await;
    app.connect().await;
    app.run_due_jobs().await;
    app
}

async fn later(app: &TestApp, time: Duration) {
    app.clock.advance(time);
    app.run_due_jobs().await;
}

/// Status and reason of a Page.
async fn status_of(app: &TestApp, page: &str) -> (String, String) {
    let connections = app.connections("facebook").await;
    let connection = connections.iter().find(|one| one["account"] == page).unwrap();
    let text = |name: &str| connection[name].as_str().unwrap_or_default().to_owned();
    (text("status"), text("status_reason"))
}

async fn status(app: &TestApp) -> (String, String) {
    status_of(app, PAGE).await
}

fn well() -> (String, String) {
    ("connected".to_owned(), String::new())
}

/// Sam writes, and no webhook tells of it.
fn sam_writes_unheard(app: &TestApp, text: &str) {
    app.clock.advance(Duration::from_secs(1));
    app.page().message_from(&app.facebook.person(SAM, "Sam Doe"), text);
}

/// The last comparison of the subscriptions of an account; the empty one is the app.
async fn compared(app: &TestApp, account: &str) -> Subscriptions {
    let all = app.shared().journal.list_subscriptions().await.unwrap();
    all.into_iter().find(|one| one.channel == "facebook" && one.account == account).unwrap()
}

/// The causes of all alerts.
fn alerts(app: &TestApp) -> Vec<String> {
    app.shared().alerts.list().into_iter().map(|alert| alert.cause).collect()
}

fn count(app: &TestApp, method: &str, path: &str) -> usize {
    let received = app.facebook.traffic().received();
    received.iter().filter(|one| one.method == method && one.path.ends_with(path)).count()
}

#[tokio::test]
async fn the_app_is_subscribed_when_the_service_begins() {
    let app = TestApp::start().await;
    app.begin().await;
    let subscription = app.facebook.app_subscription().unwrap();
    assert_eq!(subscription.callback_url, format!("{}/facebook/webhook", app.url));
    let found = compared(&app, "").await;
    assert_eq!((found.wanted, found.missing, found.repairs), (subscription.fields, Vec::<String>::new(), 0));
    // What is as it should be is looked at and left alone.
    app.run_due_jobs().await;
    for _ in 0..3 {
        later(&app, HOUR).await;
    }
    assert_eq!((count(&app, "GET", "/subscriptions"), count(&app, "POST", "/subscriptions")), (2 + 3, 1));
    app.finish().await;
}

#[tokio::test]
async fn a_new_address_is_told_to_the_platform_at_the_start_and_the_gap_is_read() {
    let app = connected().await;
    sam_writes_unheard(&app, "while you moved");
    let app = app.restart().await;
    let address = format!("{}/facebook/webhook", app.url);
    assert_ne!(app.facebook.app_subscription().unwrap().callback_url, address);
    app.begin().await;
    assert_eq!(app.facebook.app_subscription().unwrap().callback_url, address);
    assert_eq!(app.said(SAM), ["while you moved"]);
    assert_eq!(compared(&app, "").await.repairs, 1);
    assert_eq!(status(&app).await, well());
    app.finish().await;
}

#[tokio::test]
async fn the_apps_subscription_comes_back_within_the_hour_whatever_it_lost() {
    for lost in ["all", "message_echoes"] {
        let app = connected().await;
        match lost {
            "all" => app.facebook.drop_app_subscription(),
            field => app.facebook.drop_app_field(field),
        }
        sam_writes_unheard(&app, "into the gap");
        later(&app, HOUR).await;
        assert_eq!(app.facebook.app_subscription().unwrap().fields.len(), 20, "{lost}");
        assert_eq!(app.said(SAM), ["into the gap"], "{lost}");
        assert_eq!((compared(&app, "").await.repairs, status(&app).await), (1, well()), "{lost}");
        assert_eq!(alerts(&app), [""; 0]);
        app.finish().await;
    }
}

#[tokio::test]
async fn a_page_that_the_platform_unsubscribed_is_brought_back_with_what_was_missed() {
    let app = connected().await;
    app.page().unsubscribe();
    let sam = app.facebook.person(SAM, "Sam Doe");
    let lost = app.page().message_from(&sam, "into the gap");
    assert_eq!(app.page().deliver(&[lost]).await.unwrap(), None, "nothing is delivered any more");
    later(&app, HOUR).await;
    assert_eq!(app.page().subscribed_fields().len(), 20);
    assert_eq!(app.said(SAM), ["into the gap"]);
    let found = compared(&app, PAGE).await;
    assert_eq!((found.missing.len(), found.repairs, found.repaired_at.is_some()), (0, 1, true));
    app.clock.advance(Duration::from_secs(1));
    let heard = app.page().message_from(&sam, "by webhook again");
    assert_eq!(app.page().deliver(&[heard]).await.unwrap(), Some(200));
    app.settle().await;
    assert_eq!(app.said(SAM), ["into the gap", "by webhook again"]);
    assert_eq!(status(&app).await, well());
    app.finish().await;
}

#[tokio::test]
async fn a_subscription_that_cannot_be_put_back_is_said_and_heals_by_itself() {
    for (failure, words) in [
        (
            Failure::Json(400, Sandbox::error(200, None, "(#200) no")),
            "(the webhook subscription was refused, code 200)",
        ),
        (Failure::Json(400, Sandbox::error(100, None, "(#100) Param subscribed_fields[0]")), "code 100"),
        (Failure::Json(200, json!({"success": "false"})), "no success"),
        (Failure::Json(200, json!({"success": "true"})), "no effect"),
    ] {
        let app = connected().await;
        app.page().unsubscribe();
        // Only the POST is refused: it comes after a look.
        app.facebook.traffic().fail_after("/subscribed_apps", 1, 1, failure.clone());
        later(&app, HOUR).await;
        let (state, reason) = status(&app).await;
        assert_eq!(state, "incomplete", "{failure:?}");
        assert!(reason.contains("refuses to deliver") && reason.contains(words), "{failure:?}: {reason}");
        assert_eq!(alerts(&app), ["facebook:100000000000101:subscriptions"], "{failure:?}");
        let found = compared(&app, PAGE).await;
        assert_eq!((found.missing.len(), found.repairs), (20, 0), "{failure:?}");

        sam_writes_unheard(&app, "into the gap");
        later(&app, HOUR).await;
        app.settle().await;
        assert_eq!((status(&app).await, alerts(&app)), (well(), Vec::new()), "{failure:?}");
        assert_eq!(app.said(SAM), ["into the gap"], "{failure:?}");
        app.finish().await;
    }
}

#[tokio::test]
async fn an_address_that_the_platform_cannot_reach_is_said_of_every_page_until_it_can() {
    let app = TestApp::start().await;
    app.facebook.add_page(OTHER_PAGE, "Other Page");
    app.connect().await;
    app.run_due_jobs().await;
    app.facebook.drop_app_subscription();
    let refusal = Sandbox::error(2200, None, "(#2200) Callback verification failed");
    // One look, then nothing but refusals, for hours.
    app.facebook.traffic().fail_after("/subscriptions", 1, 10_000, Failure::Json(400, refusal));
    for _ in 0..3 {
        later(&app, HOUR).await;
        for page in [PAGE, OTHER_PAGE] {
            let (state, reason) = status_of(&app, page).await;
            assert_eq!(state, "incomplete");
            assert!(reason.contains("delivers nothing to this service") && reason.contains("2200"), "{reason}");
        }
        assert_eq!(alerts(&app), ["facebook:app:subscriptions"]);
    }
    let asked = app.facebook.traffic().count("/subscriptions");
    assert!(asked < 40, "{asked} calls");
    app.facebook.traffic().heal();
    sam_writes_unheard(&app, "into the gap");
    later(&app, HOUR).await;
    app.settle().await;
    assert_eq!((status(&app).await, status_of(&app, OTHER_PAGE).await, alerts(&app)), (well(), well(), Vec::new()));
    assert_eq!(app.said(SAM), ["into the gap"]);
    app.finish().await;
}

#[tokio::test]
async fn a_refused_token_of_the_app_costs_no_page_its_login() {
    let app = connected().await;
    let refusal = Failure::Json(400, Sandbox::error(190, None, "Invalid OAuth access token signature"));
    app.facebook.traffic().fail_next("/debug_token", 1000, refusal.clone());
    app.facebook.traffic().fail_next("/subscriptions", 1000, refusal);
    later(&app, HOUR).await;
    let (state, reason) = status(&app).await;
    assert_eq!(state, "incomplete", "{reason}");
    assert!(reason.contains("its operator was told"), "{reason}");
    assert_eq!(alerts(&app), ["facebook:app:subscriptions"]);
    app.facebook.traffic().heal();
    later(&app, HOUR).await;
    app.settle().await;
    assert_eq!((status(&app).await, alerts(&app)), (well(), Vec::new()));
    app.finish().await;
}

#[tokio::test]
async fn a_permission_that_is_taken_back_is_named_within_the_hour_and_heals_when_it_is_given() {
    let permissions = ["pages_read_engagement", "pages_messaging", "pages_manage_metadata", "pages_show_list"];
    for permission in permissions {
        let app = connected().await;
        app.facebook.withdraw(permission);
        later(&app, HOUR).await;
        let (state, reason) = status(&app).await;
        assert_eq!(state, "incomplete", "{permission}: {reason}");
        assert!(reason.contains(permission) && reason.contains("Continue with Facebook"), "{permission}: {reason}");
        // Whoever goes back to Facebook is asked for it again.
        let browser = app.browser();
        assert_eq!(browser.follow(&format!("/shopify/{SHOP}/login")).await.status, 200);
        let dialog = browser.get("/facebook/login").await.location();
        assert!(dialog.query_pairs().any(|(name, value)| name == "auth_type" && value == "rerequest"), "{permission}");
        sam_writes_unheard(&app, "meanwhile");
        app.facebook.grant(permission);
        later(&app, HOUR).await;
        app.settle().await;
        assert_eq!(status(&app).await, well(), "{permission}");
        assert_eq!(app.said(SAM), ["meanwhile"], "{permission}");
        app.finish().await;
    }
}

#[tokio::test]
async fn a_page_that_is_no_longer_ticked_is_connected_in_part_and_its_neighbour_is_well() {
    let app = TestApp::start().await;
    app.facebook.add_page(OTHER_PAGE, "Other Page");
    app.connect().await;
    app.run_due_jobs().await;
    app.page().set_ticked(false);
    later(&app, HOUR).await;
    let (state, reason) = status(&app).await;
    assert_eq!(state, "incomplete");
    assert!(reason.contains("pages_messaging"), "{reason}");
    assert_eq!(status_of(&app, OTHER_PAGE).await, well());
    app.page().set_ticked(true);
    later(&app, HOUR).await;
    app.settle().await;
    assert_eq!(status(&app).await, well());
    app.finish().await;
}

/// What Meta sends when a person changes the app's permissions.
fn permissions_event(person: &str, value: &Value) -> String {
    json!({"object": "permissions", "entry": [{"id": person, "uid": person, "time": 1_795_262_400,
        "changes": [{"field": "pages_messaging", "value": value}]}]})
    .to_string()
}

#[tokio::test]
async fn permissions_that_a_person_takes_back_are_looked_at_at_once() {
    let person = |app: &TestApp| app.facebook.person_id();
    for value in [json!({"verb": "revoked", "target_ids": [PAGE]}), json!({"verb": "revoked"}), json!("revoked")] {
        let app = connected().await;
        let event = permissions_event(&person(&app), &value);
        app.facebook.withdraw("pages_messaging");
        assert_eq!(app.facebook.deliver_raw(event.as_bytes()).await.unwrap(), 200);
        app.settle().await;
        app.settle().await;
        let (state, reason) = status(&app).await;
        assert_eq!(state, "incomplete", "{value}");
        assert!(reason.contains("pages_messaging"), "{value}: {reason}");
        app.finish().await;
    }
    // What it says is not believed: nothing was taken back, or it was somebody else.
    let app = connected().await;
    for event in [
        permissions_event(&person(&app), &json!({"verb": "revoked", "target_ids": [PAGE]})),
        permissions_event("10150000000000999", &json!({"verb": "revoked"})),
        permissions_event("10150000000000999", &json!({"verb": "revoked", "target_ids": [OTHER_PAGE, "../x", 7]})),
    ] {
        assert_eq!(app.facebook.deliver_raw(event.as_bytes()).await.unwrap(), 200);
        app.settle().await;
        app.settle().await;
        assert_eq!(status(&app).await, well(), "{event}");
    }
    app.finish().await;
}

#[tokio::test]
async fn an_app_that_was_removed_at_facebook_is_noticed_at_once() {
    let app = connected().await;
    app.facebook.revoke_tokens(458);
    let event = permissions_event(&app.facebook.person_id(), &json!({"verb": "revoked"}));
    assert_eq!(app.facebook.deliver_raw(event.as_bytes()).await.unwrap(), 200);
    app.settle().await;
    app.settle().await;
    let (state, reason) = status(&app).await;
    assert_eq!(state, "needs_reconnect");
    assert!(reason.contains("The app was removed"), "{reason}");
    app.finish().await;
}

#[tokio::test]
async fn a_dead_token_of_a_page_is_replaced_with_the_persons_and_nobody_is_bothered() {
    for (path, wait) in [("the hourly look", HOUR), ("the daily poll", DAY)] {
        let app = connected().await;
        app.facebook.revoke_page_tokens(PAGE, 460);
        sam_writes_unheard(&app, "hi");
        later(&app, wait).await;
        assert_eq!(status(&app).await, well(), "{path}");
        assert_eq!(app.facebook.traffic().count("/me/accounts"), 2, "{path}: once at login, once now");
        later(&app, DAY).await;
        assert_eq!((app.said(SAM), status(&app).await), (vec!["hi".to_owned()], well()), "{path}");
        assert_eq!(app.facebook.traffic().count("/me/accounts"), 2, "{path}: the new token is kept");
        app.finish().await;
    }
}

#[tokio::test]
async fn a_platform_in_trouble_while_a_token_is_replaced_costs_no_login() {
    let app = connected().await;
    app.facebook.revoke_page_tokens(PAGE, 460);
    app.facebook.traffic().fail_next("/me/accounts", 10, Failure::Status(503));
    later(&app, HOUR).await;
    assert_eq!(status(&app).await.0, "connected");
    app.facebook.traffic().heal();
    later(&app, HOUR).await;
    app.settle().await;
    assert_eq!(status(&app).await, well());
    app.finish().await;
}

#[tokio::test]
async fn a_login_that_facebook_held_back_lives_again_by_itself() {
    for subcode in [459, 464] {
        let app = connected().await;
        app.facebook.revoke_tokens(subcode);
        later(&app, HOUR).await;
        assert_eq!(status(&app).await.0, "needs_reconnect");
        sam_writes_unheard(&app, "hi");
        later(&app, HOUR).await;
        assert_eq!(status(&app).await.0, "needs_reconnect");
        // The person confirms the account at Facebook; nobody comes to our pages.
        app.facebook.revive_tokens();
        later(&app, HOUR).await;
        app.settle().await;
        assert_eq!((status(&app).await, app.said(SAM)), (well(), vec!["hi".to_owned()]), "{subcode}");
        app.finish().await;
    }
}

#[tokio::test]
async fn the_end_of_a_login_is_told_a_week_before_and_a_login_renews_it() {
    let app = connected().await;
    // The person must log in again after 90 days: on 19 February 2027.
    later(&app, DAY * 82).await;
    assert_eq!((status(&app).await, alerts(&app)), (well(), Vec::new()));
    later(&app, DAY * 2).await;
    let (state, reason) = status(&app).await;
    assert_eq!(state, "connected");
    assert!(reason.contains("ends on 19 February 2027"), "{reason}");
    assert_eq!(alerts(&app), ["facebook:100000000000101:login"]);
    later(&app, DAY * 7).await;
    let (state, reason) = status(&app).await;
    assert_eq!(state, "incomplete");
    assert!(reason.contains("ended on 19 February 2027"), "{reason}");
    app.connect().await;
    later(&app, HOUR).await;
    assert_eq!((status(&app).await, alerts(&app)), (well(), Vec::new()));
    app.finish().await;
}

/// Meta's word that it does this to the Page for breaking its rules, so many seconds later.
pub fn policy(action: &str, second: i64) -> String {
    json!({"object": "page", "entry": [{"id": PAGE, "time": 1_795_262_400_000_i64, "messaging": [
        {"recipient": {"id": PAGE}, "timestamp": 1_795_262_400_000_i64 + second * 1000,
         "policy_enforcement": {"action": action, "reason": "Too many unsolicited messages."}}]}]})
    .to_string()
}

#[tokio::test]
async fn what_metas_policy_does_to_a_page_is_said_until_it_is_undone() {
    let app = connected().await;
    for (second, (action, words)) in
        (1..).zip([("warning", "Facebook warns the Page"), ("block", "has blocked the Page from sending")])
    {
        assert_eq!(app.facebook.deliver_raw(policy(action, second).as_bytes()).await.unwrap(), 200);
        app.settle().await;
        let (state, reason) = status(&app).await;
        assert_eq!(state, "incomplete", "{action}");
        assert!(reason.contains(words), "{action}: {reason}");
        assert_eq!(alerts(&app), ["facebook:100000000000101:policy"]);
        later(&app, HOUR).await;
        assert!(status(&app).await.1.contains(words), "it is not forgotten");
    }
    assert_eq!(app.facebook.deliver_raw(policy("unblock", 9).as_bytes()).await.unwrap(), 200);
    app.settle().await;
    assert_eq!((status(&app).await, alerts(&app)), (well(), Vec::new()));
    assert_eq!(app.conversation(SAM), None);
    app.finish().await;
}

#[tokio::test]
async fn another_version_that_answers_is_an_alert() {
    let app = TestApp::start_with(|config| config.facebook.as_mut().unwrap().graph_version = "v19.0".to_owned()).await;
    app.connect().await;
    assert_eq!(alerts(&app), ["facebook:version"]);
    app.finish().await;
    let app = connected().await;
    assert_eq!(alerts(&app), [""; 0]);
    app.finish().await;
}
