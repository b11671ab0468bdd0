//! Lists of the Graph API that say there is more: none is ever taken for whole because it does not say where.

use std::time::Duration;

use serde_json::{Value, json};
use shoptalk::commands::{Command, Line};
use shoptalk::facebook::sandbox::{Lie, Person};

use crate::test_app::{Answer, PAGE, SHOP, TestApp};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// What leads on all the same.
const MISLEADING: [Lie; 4] = [Lie::NoCursors, Lie::Offset, Lie::StaleCursor, Lie::EmptyParts];

/// What leads nowhere.
const DEAD_ENDS: [Lie; 2] = [Lie::NoWay, Lie::Circle];

async fn log_in(app: &TestApp) -> Answer {
    let browser = app.browser();
    assert_eq!(browser.follow(&format!("/shopify/{SHOP}/login")).await.status, 200);
    browser.follow("/facebook/login").await
}

fn person(app: &TestApp, number: usize) -> Person {
    app.facebook.person(&format!("73{number:014}"), "Somebody")
}

/// So many people write so many texts each, a second apart; no webhook tells of it.
fn people_write(app: &TestApp, people: usize, texts: usize) {
    for number in 0..people {
        for text in 0..texts {
            app.clock.advance(SECOND);
            app.page().message_from(&person(app, number), &format!("{number}.{text}"));
        }
    }
}

/// How many messages are in the files of these people.
fn filed(app: &TestApp, people: usize) -> Vec<usize> {
    let count = |number| app.conversation(&person(app, number).id).map_or(0, |items| items.len());
    (0..people).map(count).collect()
}

async fn history(app: &TestApp) -> Value {
    app.connections("facebook").await.remove(0)
}

#[tokio::test]
async fn whatever_leads_on_is_gone_and_every_page_conversation_and_message_is_there() {
    for lie in MISLEADING {
        let app = TestApp::start().await;
        app.facebook.set_page_limit(2);
        let ids: Vec<String> = (102..=105).map(|number| format!("100000000000{number}")).collect();
        for id in &ids {
            app.facebook.add_page(id, id);
        }
        for number in 0..5 {
            app.page().add_other_app(&format!("90000000000077{number}"), "Another app", &["messages"]);
        }
        people_write(&app, 5, 7);
        people_write(&app, 1, 23);
        for edge in ["accounts", "conversations", "messages", "subscriptions", "subscribed_apps"] {
            app.facebook.lie_about_paging(edge, Some(lie));
        }
        let answer = log_in(&app).await;
        assert_eq!(answer.json()["pages"]["data"].as_array().unwrap().len(), 5, "{lie:?}");
        app.settle().await;
        assert_eq!(app.connections("facebook").await.len(), 5, "{lie:?}");
        assert_eq!(filed(&app, 5), [20, 7, 7, 7, 7], "{lie:?}");
        let status = history(&app).await;
        assert_eq!((&status["account"], &status["status"]), (&json!(PAGE), &json!("connected")), "{lie:?}");
        assert!(status["history"]["finished_at"].is_i64(), "{lie:?}: {status}");
        assert_eq!(status["unreadable"]["messages"], 10, "{lie:?}");
        // What is said later is found by the next poll, too.
        app.run_due_jobs().await;
        people_write(&app, 5, 1);
        app.clock.advance(24 * HOUR);
        app.run_due_jobs().await;
        app.settle().await;
        assert_eq!(filed(&app, 5), [21, 8, 8, 8, 8], "{lie:?}");
        assert_eq!(app.facebook.secrets_seen_in_urls(), [""; 0], "{lie:?}: a link was followed");
        app.finish().await;
    }
}

#[tokio::test]
async fn more_without_a_way_there_ends_no_history_and_moves_no_mark() {
    for edge in ["conversations", "messages"] {
        for lie in DEAD_ENDS {
            let app = TestApp::start().await;
            app.facebook.set_page_limit(3);
            people_write(&app, 7, 5);
            app.facebook.lie_about_paging(edge, Some(lie));
            log_in(&app).await;
            app.run_due_jobs().await;
            for _ in 0..10 {
                app.settle().await;
                app.clock.advance(HOUR);
            }
            let status = history(&app).await;
            if edge == "conversations" {
                assert_eq!(status["history"]["finished_at"], Value::Null, "{edge} {lie:?}: {status}");
            } else {
                // A list inside a conversation holds up no other: each of them is named.
                assert_eq!(status["unread"].as_array().unwrap().len(), 7, "{edge} {lie:?}: {status}");
            }
            app.facebook.lie_about_paging(edge, None);
            app.clock.advance(24 * HOUR);
            app.run_due_jobs().await;
            app.settle().await;
            assert_eq!(filed(&app, 7), [5; 7], "{edge} {lie:?}");
            let status = history(&app).await;
            assert!(status["history"]["finished_at"].is_i64(), "{edge} {lie:?}: {status}");
            assert_eq!(status["status"], "connected", "{edge} {lie:?}: {status}");
            assert_eq!(status["unread"], json!([]), "{edge} {lie:?}: {status}");
            app.finish().await;
        }
    }
}

#[tokio::test]
async fn a_list_of_subscriptions_that_is_cut_short_is_no_lost_subscription() {
    for edge in ["subscriptions", "subscribed_apps"] {
        for lie in DEAD_ENDS {
            let app = TestApp::start().await;
            for number in 0..3 {
                app.page().add_other_app(&format!("90000000000077{number}"), "Another app", &["messages"]);
            }
            app.facebook.add_instagram(PAGE, "178410000000001", "demo");
            app.connect().await;
            app.run_due_jobs().await;
            let posts = |app: &TestApp| {
                let received = app.facebook.traffic().received();
                received.iter().filter(|one| one.method == "POST" && one.path.contains("/subscri")).count()
            };
            let before = posts(&app);
            app.facebook.set_page_limit(1);
            app.facebook.lie_about_paging(edge, Some(lie));
            app.clock.advance(2 * HOUR);
            app.run_due_jobs().await;
            app.settle().await;
            assert_eq!(posts(&app), before, "{edge} {lie:?}");
            assert_eq!(history(&app).await["status"], "connected", "{edge} {lie:?}");
            app.facebook.lie_about_paging(edge, None);
            app.clock.advance(2 * HOUR);
            app.run_due_jobs().await;
            app.settle().await;
            assert_eq!(posts(&app), before, "{edge} {lie:?}");
            app.finish().await;
        }
    }
}

#[tokio::test]
async fn a_dead_token_is_not_given_up_because_the_list_of_pages_is_cut_short() {
    let app = TestApp::start().await;
    for id in ["100000000000099", "100000000000098"] {
        app.facebook.add_page(id, "Another");
    }
    app.connect().await;
    app.run_due_jobs().await;
    app.facebook.set_page_limit(1);
    app.facebook.lie_about_paging("accounts", Some(Lie::NoWay));
    app.facebook.revoke_page_tokens("100000000000098", 463);
    app.clock.advance(24 * HOUR);
    app.run_due_jobs().await;
    app.settle().await;
    let status = async || {
        let connections = app.connections("facebook").await;
        connections.iter().find(|one| one["account"] == "100000000000098").unwrap()["status"].clone()
    };
    assert_ne!(status().await, "needs_reconnect");
    app.facebook.lie_about_paging("accounts", None);
    app.clock.advance(24 * HOUR);
    app.run_due_jobs().await;
    app.settle().await;
    assert_eq!(status().await, "connected");
    app.finish().await;
}

#[tokio::test]
async fn all_attachments_of_a_message_are_read_and_none_of_an_unknown_kind_is_lost() {
    for lie in [None, Some(Lie::NoCursors), Some(Lie::EmptyParts)] {
        let app = TestApp::start().await;
        app.facebook.set_page_limit(2);
        let sam = person(&app, 0);
        let mid = app.page().message_from(&sam, "look")["message"]["mid"].as_str().unwrap().to_owned();
        let image = |number: i64| {
            json!({"id": number.to_string(), "mime_type": "image/png", "size": 7, "name": format!("image-{number}"),
                "image_data": {"url": format!("https://cdn.example/{number}.png"), "width": 800}})
        };
        let booking = json!({"id": "4", "appointment": {"start": 1_790_086_400}});
        let list = json!({"data": [image(1), image(2), image(3), booking, {"id": "5", "file_url": null}]});
        app.page().show(&sam, &mid, "attachments", list);
        app.facebook.lie_about_paging("attachments", lie);
        app.connect().await;
        let shown =
            |number: i64| json!({"type": "image", "payload": {"url": format!("https://cdn.example/{number}.png")}});
        assert_eq!(
            app.conversation(&sam.id).unwrap()[0]["message"],
            json!({"mid": mid, "text": "look", "attachments": [
                shown(1), shown(2), shown(3),
                {"type": "fallback", "payload": booking},
                {"type": "fallback", "payload": {"id": "5", "file_url": null}},
            ]}),
            "{lie:?}"
        );
        app.finish().await;
    }
}

#[tokio::test]
async fn a_list_that_ends_before_what_was_read_before_moves_no_mark() {
    let app = TestApp::start().await;
    people_write(&app, 60, 1);
    log_in(&app).await;
    app.settle().await;
    app.run_due_jobs().await;
    assert_eq!(filed(&app, 60), [1; 60]);
    // Everybody writes again, and the list shows the first 25 as if there were no more.
    app.clock.advance(HOUR);
    people_write(&app, 60, 1);
    app.facebook.lie_about_paging("conversations", Some(Lie::Ends));
    app.clock.advance(24 * HOUR);
    app.run_due_jobs().await;
    app.settle().await;
    assert!(filed(&app, 60).iter().filter(|items| **items == 2).count() >= 25, "what it shows is kept");
    let lines = app.command(Command::Sync { channel: Some("facebook".to_owned()), account: None }).await;
    assert_eq!(lines.last(), Some(&Line::End { good: false }), "it is told");
    app.facebook.lie_about_paging("conversations", None);
    app.clock.advance(HOUR);
    app.settle().await;
    assert_eq!(filed(&app, 60), [2; 60]);
    app.finish().await;
}

#[tokio::test]
async fn somebody_whom_the_platform_knows_no_more_is_no_doubt_about_a_list() {
    let app = TestApp::start().await;
    people_write(&app, 2, 1);
    log_in(&app).await;
    app.run_due_jobs().await;
    let gone = json!({"sender": {"id": "7300000000009999"}, "recipient": {"id": PAGE},
        "timestamp": app.clock.now_ms(), "message": {"mid": "m_gone", "text": "by webhook"}});
    assert_eq!(app.page().deliver(&[gone]).await.unwrap(), Some(200));
    app.settle().await;
    for round in 2..4 {
        app.clock.advance(24 * HOUR);
        people_write(&app, 2, 1);
        app.run_due_jobs().await;
        app.settle().await;
        assert_eq!(filed(&app, 2), [round; 2]);
        let lines = app.command(Command::Sync { channel: Some("facebook".to_owned()), account: None }).await;
        assert_eq!(lines.last(), Some(&Line::End { good: true }));
    }
    app.finish().await;
}
