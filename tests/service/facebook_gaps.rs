//! Conversations and messages that the Graph API never serves: the walk goes past them, names them, and asks again later.

use std::time::Duration;

use serde_json::{Value, json};
use shoptalk::facebook::sandbox::Person;

use crate::test_app::{PAGE, TestApp};

const SECOND: Duration = Duration::from_secs(1);
const PEOPLE: usize = 39;
const HEAVY: usize = 10;

fn person(app: &TestApp, number: usize) -> Person {
    app.facebook.person(&format!("74{number:014}"), "Somebody")
}

/// So many texts of this person, a second apart; gives the ids.
fn write(app: &TestApp, number: usize, texts: usize) -> Vec<String> {
    let text = |text: usize| {
        app.clock.advance(SECOND);
        let item = app.page().message_from(&person(app, number), &format!("{number}.{text}"));
        item["message"]["mid"].as_str().unwrap().to_owned()
    };
    (0..texts).map(text).collect()
}

/// How many messages are in everybody's file.
fn filed(app: &TestApp) -> Vec<usize> {
    (0..PEOPLE).map(|number| app.conversation(&person(app, number).id).map_or(0, |items| items.len())).collect()
}

async fn status(app: &TestApp) -> Value {
    app.connections("facebook").await.remove(0)
}

async fn a_day_later(app: &TestApp) {
    app.clock.advance(Duration::from_secs(24 * 3600));
    app.run_due_jobs().await;
    app.settle().await;
}

/// Everybody has three messages, but for the one whose conversation is not served, who has so many.
fn expected(heavy: usize) -> Vec<usize> {
    (0..PEOPLE).map(|number| if number == HEAVY { heavy } else { 3 }).collect()
}

#[tokio::test]
async fn a_conversation_that_is_never_served_costs_no_other_and_is_named_until_it_is() {
    for code in [1, -3, 2] {
        let app = TestApp::start().await;
        for number in 0..PEOPLE {
            write(&app, number, 3);
        }
        app.page().serve_at_once(&person(&app, HEAVY), Some((0, code)));
        app.connect().await;
        app.run_due_jobs().await;
        assert_eq!(filed(&app), expected(0), "code {code}");
        let found = status(&app).await;
        assert!(found["history"]["finished_at"].is_i64(), "code {code}: {found}");
        assert_eq!(found["status"], "connected", "code {code}");
        let unread = found["unread"].as_array().unwrap().clone();
        assert_eq!(unread.len(), 1, "code {code}: {found}");
        assert_eq!((&unread[0]["conversation"], &unread[0]["attempts"]), (&json!(person(&app, HEAVY).id), &json!(1)));
        assert_eq!(found["unreadable"]["by_conversation"], json!({person(&app, HEAVY).id: 3}), "their ids are known");
        // The next poll, which its place in the lists gives no reason to, asks again.
        a_day_later(&app).await;
        let unread = status(&app).await["unread"].clone();
        assert_eq!(unread[0]["attempts"], 2);
        assert!(unread[0]["since"].as_i64() < unread[0]["tried_at"].as_i64());
        app.page().serve_at_once(&person(&app, HEAVY), None);
        a_day_later(&app).await;
        assert_eq!(filed(&app), expected(3), "code {code}");
        assert_eq!(status(&app).await["unread"], json!([]), "code {code}");
        app.finish().await;
    }
}

#[tokio::test]
async fn less_is_asked_for_inside_a_conversation_before_it_is_gone_past() {
    for most in [1, 2, 7] {
        let app = TestApp::start().await;
        for number in 0..PEOPLE {
            write(&app, number, 3);
        }
        write(&app, HEAVY, 22);
        app.page().serve_at_once(&person(&app, HEAVY), Some((most, 1)));
        app.connect().await;
        assert_eq!(filed(&app), expected(20), "{most} at once");
        let found = status(&app).await;
        assert_eq!(found["unread"], json!([]), "{most} at once: {found}");
        assert_eq!(found["unreadable"]["messages"], 5, "{most} at once");
        // Lists are long again once it was passed.
        let received = app.facebook.traffic().received();
        let lists = received.iter().filter(|one| one.path.ends_with(&format!("/{PAGE}/conversations"))).count();
        assert!(lists < 30, "{lists} lists");
        app.finish().await;
    }
}

#[tokio::test]
async fn one_message_that_is_never_served_costs_itself_only() {
    let app = TestApp::start().await;
    for number in 0..PEOPLE {
        write(&app, number, 3);
    }
    let ids = write(&app, HEAVY, 5);
    app.page().set_unservable(&person(&app, HEAVY), &ids[2], true);
    app.connect().await;
    app.run_due_jobs().await;
    assert_eq!(filed(&app), expected(7));
    let found = status(&app).await;
    assert_eq!(found["unread"].as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found["unreadable"]["by_conversation"], json!({person(&app, HEAVY).id: 1}));
    app.page().set_unservable(&person(&app, HEAVY), &ids[2], false);
    a_day_later(&app).await;
    assert_eq!(filed(&app), expected(8));
    assert_eq!(status(&app).await["unread"], json!([]));
    app.finish().await;
}

#[tokio::test]
async fn what_a_conversation_brings_after_it_was_gone_past_is_read() {
    let app = TestApp::start().await;
    write(&app, HEAVY, 3);
    write(&app, 0, 3);
    app.page().serve_at_once(&person(&app, HEAVY), Some((0, 1)));
    app.connect().await;
    app.run_due_jobs().await;
    // What comes by webhook is there whatever the API serves.
    app.clock.advance(SECOND);
    let item = app.page().message_from(&person(&app, HEAVY), "by webhook");
    assert_eq!(app.page().deliver(&[item]).await.unwrap(), Some(200));
    app.settle().await;
    assert_eq!(app.said(&person(&app, HEAVY).id), ["by webhook"]);
    a_day_later(&app).await;
    assert_eq!(status(&app).await["unread"].as_array().unwrap().len(), 1);
    app.page().serve_at_once(&person(&app, HEAVY), None);
    write(&app, HEAVY, 1);
    a_day_later(&app).await;
    assert_eq!(app.conversation(&person(&app, HEAVY).id).unwrap().len(), 5);
    assert_eq!(status(&app).await["unread"], json!([]));
    app.finish().await;
}
