//! Pages stay quick however many conversations there are. Measured, so run by hand:
//!
//! `cargo test --release --test service pages_many -- --ignored --nocapture`
//!
//! What counts is by how much a page of 100,000 conversations is slower than the same page of 1,000, whatever the machine.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::json;

use crate::test_app::{Browser, OPERATOR_TOKEN, PAGE, TestApp};
use shoptalk::shared::channel::read_request::ReadRequest;

const SAM: &str = "7000000000000001";

/// Adds conversations of one message each, as the consumers would have left them. Sam's, which is there, stays the oldest.
fn fill(app: &TestApp, conversations: i64) {
    let journal = rusqlite::Connection::open(app.path("data/journal.db")).unwrap();
    journal.busy_timeout(Duration::from_secs(60)).unwrap();
    let payload = json!({
        "sender": { "id": "PERSON" }, "recipient": { "id": PAGE }, "timestamp": 1,
        "message": { "mid": "m_PERSON", "text": "Hello, is the blue one in stock, and what does shipping to Vienna cost? \u{1f642}" },
    });
    let payload = payload.to_string();
    let now_ms = app.clock.now_ms();
    let sql = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {conversations})
         INSERT INTO events (seq, dedupe, channel, account, kind, conversation, opens, occurred_at, received_at, source, payload)
         SELECT (SELECT max(seq) FROM events) + i, randomblob(16), 'facebook', '{PAGE}', 'message', 800000000000000 + i, 1,
                {now_ms} + i, {now_ms}, 'webhook', CAST(replace('{payload}', 'PERSON', 800000000000000 + i) AS BLOB) FROM n;
         INSERT INTO threads (channel, account, conversation, name, messages, last_at, last_seq)
         SELECT channel, account, conversation, 'Person ' || seq, 1, occurred_at, seq FROM events
         WHERE conversation >= '8' AND channel = 'facebook';"
    );
    journal.execute_batch(&sql).unwrap();
}

/// The middle of so many times, in milliseconds.
async fn time(browser: &Browser, path: &str, headers: &[(&str, &str)], expected: &str) -> f64 {
    let mut times = Vec::new();
    for _ in 0..9 {
        let begun = Instant::now();
        let answer = browser.send(Method::GET, path, headers, b"").await;
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.text().contains(expected), "{path}: {}", answer.text());
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

async fn measure(conversations: i64) -> Vec<(&'static str, f64)> {
    let app = TestApp::start().await;
    let browser = app.connect().await.for_pages();
    let page = app.page();
    let sam = app.facebook.person(SAM, "Sam Doe");
    let messages: Vec<_> = (0..60).map(|number| page.message_from(&sam, &format!("message {number}"))).collect();
    assert_eq!(page.deliver(&messages).await.unwrap(), Some(200));
    // A read brings the name.
    app.shared().journal.request_read("facebook", PAGE, ReadRequest::Everything, app.clock.now_ms()).await.unwrap();
    app.settle().await;
    fill(&app, conversations);
    let list = format!("/conversations/facebook/{PAGE}");
    let middle = format!("{list}?after={}_8", app.clock.now_ms() + conversations / 2);
    let bearer = format!("Bearer {OPERATOR_TOKEN}");
    let operator = [("authorization", bearer.as_str())];
    let mut times = Vec::new();
    for (name, path, expected) in [
        ("overview", "/", "Latest conversations"),
        ("list", &list, "Older conversations"),
        ("list, in the middle", &middle, "Older conversations"),
        ("thread", &format!("{list}/{SAM}"), "message 59"),
        ("search, a name", &format!("{list}?q=sam+doe"), "Sam Doe"),
        ("search, words in many", &format!("{list}?q=vienna"), "<mark>Vienna</mark>"),
        ("search, words in none", &format!("{list}?q=unheard-of"), "Nothing found"),
    ] {
        times.push((name, time(&browser, path, &[], expected).await));
    }
    for (name, path) in [("status of the service", "/api/status"), ("metrics", "/metrics")] {
        times.push((name, time(&browser, path, &operator, "facebook").await));
    }
    times
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures: see the head of this file"]
async fn pages_are_as_quick_with_100_000_conversations_as_with_1_000() {
    let (few, many) = (measure(1_000).await, measure(100_000).await);
    println!("{:28} {:>10} {:>10} {:>7}", "milliseconds", "1,000", "100,000", "ratio");
    for ((name, few), (_, many)) in few.iter().zip(&many) {
        println!("{name:28} {few:>10.1} {many:>10.1} {:>7.1}", many / few);
    }
    for ((name, few), (_, many)) in few.iter().zip(&many) {
        // What is not found by an index is read through, for a time that has a limit.
        if name.starts_with("search") {
            assert!(*many < 1_000.0, "{name}: {many} ms");
        } else {
            assert!(*many < few * 3.0 + 10.0, "{name}: {few} ms, then {many} ms");
        }
    }
}
