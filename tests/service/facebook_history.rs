//! The import of a Page's history, and what polls report.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use shoptalk::facebook::sandbox::{Person, Sandbox};
use shoptalk::shared::channel::read_request::ReadRequest;
use shoptalk::shared::channel::simulator::Failure;

use crate::load::Random;
use crate::test_app::{PAGE, SHOP, TestApp};

const SECOND: Duration = Duration::from_secs(1);

/// Texts by person, in their order.
type Truth = BTreeMap<String, Vec<String>>;

/// An app whose merchant has logged in to shop and Page; nothing was read yet.
async fn logged_in(app: &TestApp) {
    let browser = app.browser();
    assert_eq!(browser.follow(&format!("/shopify/{SHOP}/login")).await.status, 200);
    assert_eq!(browser.follow("/facebook/login").await.status, 200);
}

fn person(app: &TestApp, number: usize) -> Person {
    app.facebook.person(&format!("72{number:014}"), "Somebody")
}

/// So many people write so many texts each, a second apart. No webhook tells of it.
fn history(app: &TestApp, people: usize, texts: usize) -> Truth {
    let mut truth = Truth::new();
    for number in 0..people {
        let person = person(app, number);
        for text in 0..texts {
            app.clock.advance(SECOND);
            let text = format!("{number}.{text}");
            app.page().message_from(&person, &text);
            truth.entry(person.id.clone()).or_default().push(text);
        }
    }
    truth
}

fn below(random: &mut Random, limit: u64) -> usize {
    usize::try_from(random.below(limit)).unwrap()
}

fn filed(app: &TestApp, truth: &Truth) -> Truth {
    truth.keys().map(|person| (person.clone(), app.said(person))).collect()
}

async fn page_status(app: &TestApp) -> Value {
    app.connections("facebook").await.remove(0)
}

fn lists(app: &TestApp) -> usize {
    app.facebook.traffic().count("/conversations")
}

async fn a_day_later(app: &TestApp) {
    app.clock.advance(Duration::from_secs(24 * 3600));
    app.run_due_jobs().await;
}

#[tokio::test]
async fn all_conversations_are_imported_and_what_cannot_be_read_is_counted() {
    let app = TestApp::start().await;
    let mut truth = history(&app, 60, 3);
    // 31 and 150 messages: of the oldest 11 and 130 Facebook tells only the ids.
    for (number, texts) in [(3, 28), (5, 147)] {
        for text in 0..texts {
            app.clock.advance(SECOND);
            let person = person(&app, number);
            app.page().message_from(&person, &format!("more {text}"));
            truth.get_mut(&person.id).unwrap().push(format!("more {text}"));
        }
    }
    for texts in truth.values_mut() {
        texts.drain(..texts.len().saturating_sub(20));
    }
    app.connect().await;
    assert_eq!(filed(&app, &truth), truth);
    let status = page_status(&app).await;
    assert!(status["history"]["finished_at"].is_i64(), "{status}");
    let history = &status["history"];
    assert_eq!((&history["conversations"], &history["messages"]), (&json!(60), &json!(58 * 3 + 2 * 20)));
    let expected = json!({"messages": 11 + 130, "conversations": 2, "by_conversation": {
        person(&app, 3).id: 11, person(&app, 5).id: 130}});
    assert_eq!(status["unreadable"], expected);
    assert_eq!(status["last_poll"], Value::Null, "an import is no recovery");
    app.finish().await;
}

#[tokio::test]
async fn twenty_messages_are_read_also_where_lists_are_shorter() {
    let app = TestApp::start().await;
    app.facebook.set_page_limit(7);
    let mut truth = history(&app, 2, 31);
    for texts in truth.values_mut() {
        texts.drain(..11);
    }
    app.connect().await;
    assert_eq!(filed(&app, &truth), truth);
    assert_eq!(page_status(&app).await["unreadable"]["messages"], 22);
    app.finish().await;
}

#[tokio::test]
async fn killed_at_any_request_the_import_ends_with_the_truth_and_repeats_one_list_at_most() {
    let mut random = Random::seeded();
    for round in 0..6 {
        let mut app = TestApp::start().await;
        app.facebook.set_page_limit(3);
        let truth = history(&app, 20, 3);
        logged_in(&app).await;
        let mut kills = 0;
        loop {
            let received = app.facebook.traffic().received().len();
            let (next, is_over) = app.work_until_killed(received + 1 + below(&mut random, 4)).await;
            app = next;
            if is_over || kills > 200 {
                break;
            }
            kills += 1;
        }
        app.settle().await;
        assert_eq!(filed(&app, &truth), truth, "round {round}");
        let status = page_status(&app).await;
        assert!(status["history"]["finished_at"].is_i64(), "{status}");
        assert_eq!(status["history"]["messages"], 60);
        assert_eq!(app.counts().await.0, 60);
        // Seven lists, a look at the top, a poll that a restart may add; and each kill costs one.
        assert!(kills > 2 && lists(&app) <= 10 + kills, "{} lists, {kills} kills", lists(&app));
        app.finish().await;
    }
}

#[tokio::test]
async fn how_far_an_import_has_come_is_known_after_a_restart() {
    let app = TestApp::start().await;
    app.facebook.set_page_limit(3);
    let truth = history(&app, 20, 2);
    logged_in(&app).await;
    app.facebook.traffic().fail_after("/conversations", 4, 5, Failure::Status(500));
    app.settle().await;
    let app = app.restart().await;
    let history = page_status(&app).await["history"].clone();
    assert_eq!((&history["conversations"], &history["finished_at"]), (&json!(12), &Value::Null));
    let sent = lists(&app);
    app.clock.advance(Duration::from_secs(60));
    app.settle().await;
    assert_eq!(lists(&app) - sent, 4, "three lists are left, and a look at the top");
    assert_eq!(filed(&app, &truth), truth);
    app.finish().await;
}

#[tokio::test]
async fn what_is_said_during_the_import_is_there_once() {
    let app = TestApp::start().await;
    app.facebook.set_page_limit(3);
    let mut truth = history(&app, 12, 2);
    logged_in(&app).await;
    let sent = app.facebook.traffic().received().len();
    // Whoever was to be read last writes, and moves to the top, past the place of the import. One webhook is lost.
    let talk = async {
        for (number, is_lost) in [(0, false), (1, true), (11, false)] {
            app.facebook.traffic().until_received(sent + 4 + number / 4).await;
            app.clock.advance(SECOND);
            let person = person(&app, number);
            let item = app.page().message_from(&person, "meanwhile");
            truth.get_mut(&person.id).unwrap().push("meanwhile".to_owned());
            if !is_lost {
                assert_eq!(app.page().deliver(&[item]).await.unwrap(), Some(200));
            }
        }
    };
    tokio::join!(app.settle(), talk);
    app.settle().await;
    assert_eq!(filed(&app, &truth), truth);
    assert_eq!(app.counts().await.0, 27);
    app.finish().await;
}

#[tokio::test]
async fn of_lost_webhooks_and_failing_lists_nothing_is_left_after_one_poll_and_the_report_is_exact() {
    let mut random = Random::seeded();
    let app = TestApp::start().await;
    let mut truth = history(&app, 30, 2);
    app.connect().await;
    app.run_due_jobs().await;
    app.facebook.set_page_limit(3);
    let (mut dropped, mut delivered, mut swapped) = (0, 0, 0);
    for round in 0..6 {
        for number in 0..30 {
            app.clock.advance(SECOND);
            let person = person(&app, number);
            let mut items = Vec::new();
            for part in 0..2 {
                let text = format!("{round}.{part}");
                items.push(app.page().message_from(&person, &text));
                truth.get_mut(&person.id).unwrap().push(text);
            }
            // One in five is lost; some come in another order.
            items.retain(|_| random.below(5) != 0);
            dropped += 2 - items.len();
            delivered += items.len();
            if items.len() == 2 && random.below(10) == 0 {
                items.reverse();
                swapped += 1;
            }
            for item in items {
                assert_eq!(app.page().deliver(&[item]).await.unwrap(), Some(200));
            }
        }
    }
    app.settle().await;
    assert_ne!(filed(&app, &truth), truth);
    app.facebook.traffic().fail_every("/conversations", 7, Failure::Status(500));
    a_day_later(&app).await;
    assert_eq!(filed(&app, &truth), truth);
    let poll = page_status(&app).await["last_poll"].clone();
    let expected = json!({"channel": "facebook", "account": PAGE, "finished_at": poll["finished_at"],
        "seen_by_both": delivered, "only_webhook": 0, "only_poll": dropped, "reordered": swapped, "unreadable": 0,
        "recovered_total": dropped});
    assert_eq!(poll, expected);
    // The next poll finds nothing, and the sum stays.
    a_day_later(&app).await;
    let poll = page_status(&app).await["last_poll"].clone();
    assert_eq!(
        (&poll["only_poll"], &poll["seen_by_both"], &poll["recovered_total"]),
        (&json!(0), &json!(0), &json!(dropped))
    );
    app.finish().await;
}

#[tokio::test]
async fn killed_at_any_request_a_poll_counts_every_message_once() {
    let mut random = Random::seeded();
    for _ in 0..4 {
        let mut app = TestApp::start().await;
        app.facebook.set_page_limit(3);
        app.connect().await;
        app.run_due_jobs().await;
        let truth = history(&app, 15, 2);
        app.clock.advance(Duration::from_secs(24 * 3600));
        app.shared().journal.request_read("facebook", PAGE, ReadRequest::Everything, 0).await.unwrap();
        loop {
            let received = app.facebook.traffic().received().len();
            let (next, is_over) = app.work_until_killed(received + 1 + below(&mut random, 5)).await;
            app = next;
            if is_over {
                break;
            }
        }
        app.settle().await;
        assert_eq!(filed(&app, &truth), truth);
        assert_eq!(page_status(&app).await["last_poll"]["only_poll"], 30);
        app.finish().await;
    }
}

#[tokio::test]
async fn a_gap_longer_than_what_can_be_read_is_said_in_the_report() {
    let app = TestApp::start().await;
    let mut truth = history(&app, 2, 5);
    app.connect().await;
    app.run_due_jobs().await;
    let sam = person(&app, 0);
    for number in 0..150 {
        app.clock.advance(SECOND);
        app.page().message_from(&sam, &format!("gap {number}"));
    }
    a_day_later(&app).await;
    truth.get_mut(&sam.id).unwrap().extend((130..150).map(|number| format!("gap {number}")));
    assert_eq!(filed(&app, &truth), truth);
    let status = page_status(&app).await;
    let poll = &status["last_poll"];
    assert_eq!((&poll["only_poll"], &poll["unreadable"]), (&json!(20), &json!(130)), "{poll}");
    assert_eq!(status["unreadable"]["by_conversation"], json!({sam.id: 130}));
    app.finish().await;
}

#[tokio::test]
async fn what_webhooks_brought_and_the_poll_does_not_show_is_counted() {
    let app = TestApp::start().await;
    app.connect().await;
    app.run_due_jobs().await;
    let (sam, kim) = (person(&app, 0), person(&app, 1));
    for (person, text) in [(&sam, "1"), (&sam, "2"), (&kim, "3")] {
        app.clock.advance(SECOND);
        let item = app.page().message_from(person, text);
        assert_eq!(app.page().deliver(&[item]).await.unwrap(), Some(200));
    }
    // Between the two, a message that Facebook no longer lists.
    let gone = json!({"sender": {"id": sam.id}, "recipient": {"id": PAGE},
        "timestamp": (app.clock.now_ms() - 1500), "message": {"mid": "m_gone", "text": "gone"}});
    assert_eq!(app.page().deliver(&[gone]).await.unwrap(), Some(200));
    a_day_later(&app).await;
    let poll = page_status(&app).await["last_poll"].clone();
    assert_eq!((&poll["seen_by_both"], &poll["only_webhook"], &poll["only_poll"]), (&json!(3), &json!(1), &json!(0)));
    app.finish().await;
}

#[tokio::test]
async fn asked_for_less_data_the_lists_become_shorter() {
    let app = TestApp::start().await;
    let truth = history(&app, 30, 2);
    logged_in(&app).await;
    let too_much =
        Sandbox::error(1, None, "Please reduce the amount of data you're asking for, then retry your request");
    app.facebook.traffic().fail_next("/conversations", 2, Failure::Json(400, too_much));
    app.settle().await;
    assert_eq!(filed(&app, &truth), truth);
    let limits: Vec<String> = app
        .facebook
        .traffic()
        .received()
        .iter()
        .filter(|request| request.path.ends_with("/conversations"))
        .filter_map(|request| request.query.split('&').find(|part| part.starts_with("limit=")).map(str::to_owned))
        .collect();
    assert_eq!(limits[..3], ["limit=25", "limit=12", "limit=6"]);
    app.finish().await;
}

#[tokio::test]
async fn a_cursor_that_comes_again_is_no_end_of_the_history() {
    let app = TestApp::start().await;
    app.facebook.set_page_limit(3);
    let truth = history(&app, 9, 1);
    logged_in(&app).await;
    let circle = |after: &str| {
        Failure::Json(
            200,
            json!({"data": [], "paging": {"cursors": {"after": after}, "next": "https://elsewhere.example/"}}),
        )
    };
    for after in ["a", "b", "a", "b", "a"] {
        app.facebook.traffic().fail_next("/conversations", 1, circle(after));
    }
    app.settle().await;
    assert_eq!(page_status(&app).await["history"]["finished_at"], Value::Null);
    // The circle is forgotten with its cursor, which the platform does not know any more.
    app.facebook.traffic().heal();
    app.clock.advance(Duration::from_secs(3600));
    app.settle().await;
    assert_eq!(filed(&app, &truth), truth);
    app.finish().await;
}

#[tokio::test]
async fn conversations_of_one_second_are_looked_at_twice_and_not_for_ever() {
    let app = TestApp::start().await;
    app.facebook.set_page_limit(3);
    for number in 0..20 {
        app.page().message_from(&person(&app, number), "all at once");
    }
    app.connect().await;
    assert_eq!(lists(&app), 7 + 7);
    assert_eq!(app.counts().await.0, 20);
    app.finish().await;
}
