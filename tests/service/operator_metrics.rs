//! `GET /metrics`: what is counted, and what is so at the moment.

use std::time::Duration;

use http::Method;
use shoptalk::facebook::sandbox::SendFailure;
use shoptalk::shared::store::api_keys::Scope;

use crate::replies::{Scene, to};
use crate::test_app::{Answer, OPERATOR_TOKEN, PAGE, TestApp};

pub async fn scrape(app: &TestApp) -> Answer {
    let bearer = format!("Bearer {OPERATOR_TOKEN}");
    app.browser().send(Method::GET, "/metrics", &[("authorization", &bearer)], b"").await
}

/// The value of a series, written as Prometheus writes it.
pub fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{series} is not in\n{text}")).parse().unwrap()
}

#[tokio::test]
async fn deliveries_are_counted_by_what_became_of_them() {
    let app = TestApp::start().await;
    app.connect().await;
    let (page, person) = (app.page(), app.facebook.person("7000000000000001", "Maria Example"));
    let message = page.message_from(&person, "hello");
    assert_eq!(page.deliver(std::slice::from_ref(&message)).await.unwrap(), Some(200));
    assert_eq!(page.deliver(&[message]).await.unwrap(), Some(200));
    let browser = app.browser();
    assert_eq!(browser.send(Method::POST, "/facebook/webhook", &[], b"{}").await.status, 401);
    let forged = format!("sha256={}", "0".repeat(64));
    let answer = browser.send(Method::POST, "/webhooks/facebook", &[("x-hub-signature-256", &forged)], b"{}").await;
    assert_eq!(answer.status, 401);
    let large = vec![b' '; 5 * 1024 * 1024];
    assert_eq!(browser.send(Method::POST, "/facebook/webhook", &[], &large).await.status, 413);
    app.settle().await;
    let answer = scrape(&app).await;
    assert_eq!(answer.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let text = answer.text();
    let deliveries = |outcome: &str, reason: &str| {
        let labels = format!(r#"channel="facebook",outcome="{outcome}",reason="{reason}""#);
        value(&text, &format!("shoptalk_deliveries_total{{{labels}}}"))
    };
    assert_eq!(deliveries("stored", ""), 1.0);
    assert_eq!(deliveries("repeated", ""), 1.0);
    assert_eq!(deliveries("self_test", ""), 1.0);
    assert_eq!(deliveries("refused", "no_signature"), 1.0);
    assert_eq!(deliveries("refused", "wrong_signature"), 1.0);
    assert_eq!(value(&text, r#"shoptalk_answers_total{status="413"}"#), 1.0);
    assert_eq!(deliveries("unavailable", "queue_full"), 0.0);
    assert_eq!(value(&text, r#"shoptalk_acknowledgement_seconds_count{channel="facebook"}"#), 5.0);
    assert!(value(&text, "shoptalk_commit_seconds_count") >= 2.0);
    assert_eq!(value(&text, "shoptalk_journal_queue"), 0.0);
    assert_eq!(value(&text, r#"shoptalk_consumer_lag_events{consumer="conversations"}"#), 0.0);
    assert_eq!(value(&text, r#"shoptalk_connections{channel="shopify",status="connected"}"#), 1.0);
    assert!(value(&text, r#"shoptalk_platform_calls_total{channel="shopify",outcome="done"}"#) >= 1.0);
    assert!(value(&text, r#"shoptalk_reads_total{channel="facebook",what="account",outcome="done"}"#) >= 1.0);
    assert!(value(&text, "process_resident_memory_bytes") > 1e6);
    app.finish().await;
}

#[tokio::test]
async fn a_consumer_that_is_behind_is_seen_with_the_age_of_its_oldest_event() {
    let app = TestApp::start().await;
    app.connect().await;
    let (page, person) = (app.page(), app.facebook.person("7000000000000001", "Maria Example"));
    page.deliver(&[page.message_from(&person, "hello")]).await.unwrap();
    app.clock.advance(std::time::Duration::from_secs(90));
    let text = scrape(&app).await.text();
    assert_eq!(value(&text, r#"shoptalk_consumer_lag_events{consumer="conversations"}"#), 1.0);
    assert_eq!(value(&text, r#"shoptalk_consumer_lag_seconds{consumer="conversations"}"#), 90.0);
    app.settle().await;
    app.finish().await;
}

#[tokio::test]
async fn metrics_hold_no_token_and_need_the_operators_own() {
    let app = TestApp::start().await;
    app.connect().await;
    assert_eq!(app.browser().get("/metrics").await.status, 401);
    let text = scrape(&app).await.text();
    assert!(value(&text, r#"shoptalk_tokens{channel="shopify",kind="access",state="good"}"#) >= 1.0);
    for secret in [OPERATOR_TOKEN, "shpat_", "EAA"] {
        assert!(!text.contains(secret), "{secret}");
    }
    app.finish().await;
}

#[tokio::test]
async fn every_answer_names_its_request_and_believes_no_callers_name() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let mut names = std::collections::BTreeSet::new();
    for path in ["/", "/health", "/nowhere", "/metrics"] {
        let answer = browser.send(Method::GET, path, &[("x-request-id", "mine")], b"").await;
        let name = answer.header("x-request-id").to_owned();
        assert!(name.len() > 9 && !name.contains("mine"), "{path}: {name:?}");
        assert!(names.insert(name), "{path}");
    }
    app.finish().await;
}

/// The label names of every series of a metric.
fn labels<'a>(text: &'a str, name: &str) -> std::collections::BTreeSet<Vec<&'a str>> {
    let series = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('{')?.rsplit_once("} "));
    series
        .map(|(labels, _)| {
            labels.split("\",").map(|label| label.split('=').next().unwrap()).filter(|one| *one != "le").collect()
        })
        .collect()
}

#[tokio::test]
async fn everything_about_answers_feeds_posts_and_searches_is_counted_with_its_labels() {
    let scene = Scene::with(&[Scope::Read, Scope::Reply]).await;
    let (app, page) = (&scene.app, scene.app.page());
    // One is sent, delivered and read; one of two parts; one refused; one lost.
    scene.say("Yes.").await;
    scene.work().await;
    app.clock.advance(Duration::from_secs(1));
    for item in [page.delivered_to(&scene.sam), page.read_by(&scene.sam)] {
        assert_eq!(page.deliver(&[item]).await.unwrap(), Some(200));
        scene.work().await;
    }
    // What was read before this moment says nothing about what is sent after it.
    app.clock.advance(Duration::from_secs(1));
    scene.say(&"a ".repeat(1_500)).await;
    scene.work().await;
    app.facebook.fail_sends(1, SendFailure::Refused(100, None));
    scene.say("Refused.").await;
    scene.work().await;
    app.facebook.fail_sends(1, SendFailure::Cut);
    scene.say("Lost.").await;
    scene.work().await;
    scene.bot.send(Method::PUT, "/api/v1/cursors/my-bot", &[], br#"{"n":1}"#).await;
    scene.bot.get("/api/v1/products?q=tea").await;
    scene.bot.get("/api/v1/no-such-route").await;
    scene.bot.send(Method::PUT, &format!("{}/pause", to("7000000000000001")), &[], b"{}").await;
    scene.work().await;
    let text = scrape(app).await.text();
    let replies = |state: &str, reason: &str| {
        value(&text, &format!(r#"shoptalk_replies_total{{channel="facebook",state="{state}",reason="{reason}"}}"#))
    };
    assert_eq!(replies("accepted", ""), 4.0);
    assert_eq!(replies("sent", ""), 2.0);
    assert_eq!((replies("delivered", ""), replies("read", "")), (1.0, 1.0));
    assert_eq!((replies("failed", "refused"), replies("unknown", "")), (1.0, 1.0));
    assert_eq!(value(&text, r#"shoptalk_reply_parts_total{channel="facebook",billing="none"}"#), 3.0);
    assert_eq!(value(&text, r#"shoptalk_reply_seconds_count{channel="facebook"}"#), 2.0);
    for (name, expected) in [
        ("shoptalk_replies_total", &["channel", "state", "reason"][..]),
        ("shoptalk_reply_seconds_bucket", &["channel"]),
        ("shoptalk_replies_waiting", &["channel", "account"]),
        ("shoptalk_replies_unknown", &["channel", "account"]),
        ("shoptalk_reply_parts_total", &["channel", "billing"]),
        ("shoptalk_takeovers_total", &["channel", "by"]),
        ("shoptalk_feed_lag_events", &["reader"]),
        ("shoptalk_push_total", &["outcome"]),
        ("shoptalk_api_requests_total", &["route", "status"]),
    ] {
        let found = labels(&text, name);
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [expected.to_vec()], "{name}");
    }
    for (series, expected) in [
        (format!(r#"shoptalk_replies_unknown{{channel="facebook",account="{PAGE}"}}"#), 1.0),
        (r#"shoptalk_takeovers_total{channel="facebook",by="api"}"#.to_owned(), 1.0),
        (r#"shoptalk_api_requests_total{route="/api/v1/products",status="200"}"#.to_owned(), 1.0),
        (r#"shoptalk_api_requests_total{route="other",status="404"}"#.to_owned(), 1.0),
        ("shoptalk_search_seconds_count".to_owned(), 1.0),
        ("shoptalk_feed_streams".to_owned(), 0.0),
        (r#"shoptalk_push_total{outcome="taken"}"#.to_owned(), 0.0),
    ] {
        assert_eq!(value(&text, &series), expected, "{series}");
    }
    assert!(value(&text, "shoptalk_feed_newest") >= 5.0);
    assert!(value(&text, r#"shoptalk_feed_lag_events{reader="my-bot"}"#) >= 4.0);
    assert!(!text.contains("7000000000000001"), "no label names a person");
    scene.app.facebook.heal_sends();
    scene.app.close().await;
}
