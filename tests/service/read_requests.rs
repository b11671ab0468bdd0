//! What is to be read again stands as text in the journal: what older versions wrote there is carried out, and what a newer
//! one may have written is kept and shown.

use std::time::Duration;

use rusqlite::{Connection, params};
use shoptalk::shared::channel::simulator::Failure;

use crate::test_app::{PAGE, SHOP, TestApp};

/// Every text that any version has written, and whose it was. The empty account is the app itself.
const OLD: [(&str, &str, &str); 24] = [
    ("facebook", "", "watch"),
    ("facebook", "", "person 122100000000009"),
    ("facebook", PAGE, ""),
    ("facebook", PAGE, "watch"),
    ("facebook", PAGE, "people"),
    ("facebook", PAGE, "metadata"),
    ("facebook", PAGE, "policy unblock"),
    ("shopify", SHOP, ""),
    ("shopify", SHOP, "watch"),
    ("shopify", SHOP, "poll"),
    ("shopify", SHOP, "shop"),
    ("shopify", SHOP, "products"),
    ("shopify", SHOP, "collections"),
    ("shopify", SHOP, "discounts"),
    ("shopify", SHOP, "bulk"),
    ("shopify", SHOP, "farewell:1"),
    ("shopify", SHOP, "gid://shopify/Product/1"),
    ("shopify", SHOP, "again:gid://shopify/Product/2"),
    ("shopify", SHOP, "gid://shopify/InventoryItem/3"),
    ("shopify", SHOP, "gid://shopify/Collection/4"),
    ("shopify", SHOP, "gid://shopify/DiscountNode/5"),
    ("shopify", SHOP, "gid://shopify/DiscountCodeNode/6"),
    ("shopify", SHOP, "gid://shopify/DiscountAutomaticNode/7"),
    ("shopify", SHOP, "again:gid://shopify/Collection/8"),
];

fn journal(app: &TestApp) -> Connection {
    let journal = Connection::open(app.path("data/journal.db")).unwrap();
    journal.busy_timeout(Duration::from_secs(5)).unwrap();
    journal
}

fn request(app: &TestApp, (channel, account, text): (&str, &str, &str)) {
    let sql =
        "INSERT INTO rereads (channel, account, object, generation, wanted_at, due_at) VALUES (?1, ?2, ?3, 1, 0, 0)";
    journal(app).execute(sql, params![channel, account, text]).unwrap();
}

/// Whether it still waits; and if it does: whether it was given up, and why it failed.
fn waiting(app: &TestApp, (channel, account, text): (&str, &str, &str)) -> Option<(bool, Option<String>)> {
    let sql = "SELECT parked, reason FROM rereads WHERE channel = ?1 AND account = ?2 AND object = ?3";
    journal(app).query_row(sql, params![channel, account, text], |row| Ok((row.get(0)?, row.get(1)?))).ok()
}

#[tokio::test]
async fn what_older_versions_have_requested_is_carried_out() {
    let app = TestApp::start().await;
    app.connect().await;
    for one in OLD {
        request(&app, one);
    }
    app.settle().await;
    for one in OLD {
        assert_eq!(waiting(&app, one), None, "{one:?}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_request_that_nobody_knows_is_kept_given_up_and_shown() {
    let app = TestApp::start().await;
    app.connect().await;
    let unknown = [
        ("facebook", PAGE, "a newer version's word"),
        ("facebook", "", "a newer version's word"),
        ("facebook", PAGE, "poll"),
        ("shopify", SHOP, "again:"),
        ("shopify", SHOP, "people"),
        ("shopify", SHOP, "farewell:soon"),
    ];
    for one in unknown {
        request(&app, one);
    }
    // What waits behind it is read all the same.
    request(&app, ("shopify", SHOP, "shop"));
    app.settle().await;
    assert_eq!(waiting(&app, ("shopify", SHOP, "shop")), None);
    for _ in 0..10 {
        app.clock.advance(Duration::from_secs(3700));
        app.settle().await;
    }
    let shown = app.shared().journal.list_failures().await.unwrap();
    for one in unknown {
        let (is_given_up, reason) = waiting(&app, one).expect("it is kept");
        assert!(is_given_up && reason.is_some_and(|reason| reason.contains(one.2)), "{one:?}");
        assert!(shown.iter().any(|failure| failure.is_given_up && failure.object == one.2), "{one:?}");
    }
    // No test may end with something given up.
    app.journal_sql(|connection| connection.execute("DELETE FROM rereads", []));
    app.finish().await;
}

#[tokio::test]
async fn what_a_clock_far_ahead_has_put_off_is_done_when_it_is_right_again() {
    const AHEAD: Duration = Duration::from_secs(700 * 24 * 3600);
    let app = TestApp::start().await;
    app.connect().await;
    app.run_due_jobs().await;
    app.clock.advance(AHEAD);
    app.facebook.traffic().fail_next("", 1000, Failure::Status(503));
    request(&app, ("facebook", PAGE, "metadata"));
    app.settle().await;
    assert_eq!(waiting(&app, ("facebook", PAGE, "metadata")).map(|(is_given_up, _)| is_given_up), Some(false));
    app.clock.set_back(AHEAD);
    app.facebook.traffic().heal();
    app.settle().await;
    assert!(waiting(&app, ("facebook", PAGE, "metadata")).is_some(), "its time has not come");
    app.clock.advance(Duration::from_secs(3600));
    app.run_due_jobs().await;
    app.settle().await;
    assert_eq!(waiting(&app, ("facebook", PAGE, "metadata")), None);
    app.finish().await;
}
