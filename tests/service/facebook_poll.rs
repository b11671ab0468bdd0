//! Polls of Facebook: what webhooks missed, and what a platform in trouble may do to them.

use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use serde_json::{Value, json};
use shoptalk::commands::{Command, Line};
use shoptalk::facebook::sandbox::Sandbox;
use shoptalk::shared::channel::simulator::Failure;

use crate::test_app::{PAGE, SHOP, TestApp};

const SAM: &str = "7000000000000001";
const DAY: Duration = Duration::from_secs(24 * 3600);
const SECOND: Duration = Duration::from_secs(1);

/// A connected app that has seen its jobs once: from now on they run when they are due.
async fn connected() -> TestApp {
    let app = TestApp::start().await;
    app.connect().await;
    app.run_due_jobs().await;
    app
}

async fn a_day_later(app: &TestApp) {
    app.clock.advance(DAY);
    app.run_due_jobs().await;
}

async fn sync(app: &TestApp) -> Vec<Line> {
    let lines = app.command(Command::Sync { channel: Some("facebook".to_owned()), account: None }).await;
    app.settle().await;
    lines.into_iter().filter(|line| !matches!(line, Line::Progress(_))).collect()
}

fn lists(app: &TestApp) -> usize {
    app.facebook.traffic().count("/conversations")
}

async fn status(app: &TestApp) -> (String, String) {
    let connection = app.connections("facebook").await.remove(0);
    let text = |name: &str| connection[name].as_str().unwrap_or_default().to_owned();
    (text("status"), text("status_reason"))
}

/// So many people write one text each, an hour apart; no webhook tells of it.
fn people_write(app: &TestApp, people: usize, text: &str) -> Vec<String> {
    (0..people)
        .map(|number| {
            app.clock.advance(Duration::from_secs(3600));
            let id = format!("71{number:014}");
            app.page().message_from(&app.facebook.person(&id, "Somebody"), text);
            id
        })
        .collect()
}

#[tokio::test]
async fn the_daily_poll_reads_metadata_and_messages() {
    let app = connected().await;
    let sam = app.facebook.person(SAM, "Sam Doe");
    app.page().message_from(&sam, "Is anybody there?");
    app.page().rename("Demo Shop Berlin");
    let read_at = |connections: Vec<Value>| connections[0]["last_read_at"].as_i64().unwrap();
    let before = read_at(app.connections("facebook").await);
    let sent = lists(&app);
    // An hour later the time of the poll has not come.
    app.clock.advance(Duration::from_secs(3600));
    app.run_due_jobs().await;
    assert_eq!((lists(&app), app.conversation(SAM)), (sent, None));
    a_day_later(&app).await;
    assert_eq!(app.said(SAM), ["Is anybody there?"]);
    assert_eq!(app.json(&format!("facebook/{PAGE}/page_metadata.json"))["name"], "Demo Shop Berlin");
    assert!(read_at(app.connections("facebook").await) > before);
    let sent = lists(&app);
    app.run_due_jobs().await;
    assert_eq!(lists(&app), sent, "once a day");
    app.finish().await;
}

#[tokio::test]
async fn the_first_read_brings_what_was_said_before() {
    let app = TestApp::start().await;
    let sam = app.facebook.person(SAM, "Sam Doe");
    for number in 1..=25 {
        app.clock.advance(SECOND);
        app.page().message_from(&sam, &number.to_string());
    }
    app.connect().await;
    // Of a conversation only the newest 20 messages can be read.
    let expected: Vec<String> = (6..=25).map(|number| number.to_string()).collect();
    assert_eq!(app.said(SAM), expected);
    app.finish().await;
}

#[tokio::test]
async fn lost_webhooks_are_recovered_and_nothing_is_doubled() {
    let app = connected().await;
    let sam = app.facebook.person(SAM, "Sam Doe");
    let before = app.counts().await.0;
    for (text, lost) in [("1", false), ("2", true), ("3", false), ("4", true)] {
        app.clock.advance(SECOND);
        let item = if text == "4" { app.page().reply_to(&sam, text) } else { app.page().message_from(&sam, text) };
        if !lost {
            assert_eq!(app.page().deliver(&[item]).await.unwrap(), Some(200));
        }
    }
    app.settle().await;
    assert_eq!(app.said(SAM), ["1", "3"]);
    for _ in 0..3 {
        a_day_later(&app).await;
        assert_eq!(app.said(SAM), ["1", "2", "3", "4"]);
    }
    assert_eq!(app.counts().await.0 - before, 4);
    app.finish().await;
}

#[tokio::test]
async fn polled_messages_of_one_second_keep_their_order() {
    let app = connected().await;
    let sam = app.facebook.person(SAM, "Sam Doe");
    // The API tells times in whole seconds, newest first.
    for number in 1..=5 {
        app.page().message_from(&sam, &number.to_string());
    }
    a_day_later(&app).await;
    assert_eq!(app.said(SAM), ["1", "2", "3", "4", "5"]);
    app.finish().await;
}

#[tokio::test]
async fn a_recovered_message_stands_after_an_earlier_one_of_the_same_second() {
    let app = connected().await;
    let sam = app.facebook.person(SAM, "Sam Doe");
    app.clock.advance(Duration::from_millis(500));
    let item = app.page().message_from(&sam, "1");
    assert_eq!(app.page().deliver(&[item]).await.unwrap(), Some(200));
    // The webhooks of the next two are lost, and the poll tells only their second.
    app.page().message_from(&sam, "2");
    app.page().message_from(&sam, "3");
    let item = app.page().message_from(&sam, "4");
    assert_eq!(app.page().deliver(&[item]).await.unwrap(), Some(200));
    a_day_later(&app).await;
    assert_eq!(app.said(SAM), ["1", "2", "3", "4"]);
    app.finish().await;
}

#[tokio::test]
async fn a_polled_message_has_the_shape_of_its_webhook() {
    let app = connected().await;
    let sam = app.facebook.person(SAM, "Sam Doe");
    let page = app.page();
    let mut items = vec![page.message_from(&sam, "Café?")];
    app.clock.advance(SECOND);
    let mid = items[0]["message"]["mid"].as_str().unwrap().to_owned();
    items.push(page.answer_from(&sam, "That one.", &mid));
    app.clock.advance(SECOND);
    items.push(page.reply_to(&sam, "Yes."));
    for (kind, url) in [("image", "https://cdn.example/1.jpg"), ("video", "https://cdn.example/2.mp4")] {
        app.clock.advance(SECOND);
        items.push(page.attachment_from(&sam, kind, url));
    }
    a_day_later(&app).await;
    // What the API does not tell.
    items[1]["message"]["reply_to"].as_object_mut().unwrap().remove("is_self_reply");
    items[2]["message"].as_object_mut().unwrap().remove("app_id");
    assert_eq!(app.conversation(SAM).unwrap(), items);
    app.finish().await;
}

#[tokio::test]
async fn the_shapes_of_the_documents_are_read() {
    let app = connected().await;
    // The same message by webhook, with its id in the old form.
    let old = json!({"sender": {"id": SAM}, "recipient": {"id": PAGE}, "timestamp": 1_790_000_001_234_i64,
        "message": {"mid": "mid.$cAA", "text": "old"}});
    assert_eq!(app.page().deliver(std::slice::from_ref(&old)).await.unwrap(), Some(200));
    let person = json!({"name": "Sam Doe", "id": SAM});
    let page = json!({"name": "Demo Shop", "id": PAGE});
    let messages = json!({"data": [
        {"id": "m_e1", "created_time": "2026-09-21T14:13:40+0000", "from": page, "to": {"data": [person]},
         "message": "Yes, 3 left."},
        {"id": "m_a1", "created_time": "2026-09-21T14:13:39+0000", "from": person, "to": {"data": [page]}, "message": "",
         "attachments": {"data": [
            {"id": "333", "mime_type": "image/jpeg", "size": 51234,
             "image_data": {"url": "https://cdn.example/img1.jpg", "width": 800}},
            {"id": "334", "mime_type": "audio/mp4", "file_url": "https://cdn.example/a.mp4"},
            {"id": "335", "mime_type": "application/pdf", "file_url": "https://cdn.example/b.pdf"}]}},
        {"id": "m_s1", "created_time": 1_790_000_018, "from": person, "message": "", "sticker": "https://cdn.example/s.png"},
        {"id": "m_u1", "created_time": 1_790_000_017, "from": person, "message": ""},
        17,
        {"created_time": 1_790_000_016, "from": person, "message": "without an id"},
        {"id": "m_mid.$cAA", "created_time": 1_790_000_001, "from": person, "message": "old"},
    ]});
    // The account of the person was deleted: it is missing among the participants.
    let list = json!({"data": [{"id": "t_1", "updated_time": "2026-09-21T14:13:40+0000",
        "participants": {"data": [page]}, "messages": messages}]});
    app.facebook.traffic().fail_next("/conversations", 1, Failure::Json(200, list));
    a_day_later(&app).await;
    let said = |time: i64, message: Value| json!({"sender": {"id": SAM}, "recipient": {"id": PAGE}, "timestamp": time, "message": message});
    let attachment = |kind: &str, url: &str| json!({"type": kind, "payload": {"url": url}});
    assert_eq!(
        app.conversation(SAM).unwrap(),
        [
            old,
            said(1_790_000_017_000, json!({"mid": "m_u1", "is_unsupported": true})),
            said(
                1_790_000_018_000,
                json!({"mid": "m_s1", "attachments": [attachment("sticker", "https://cdn.example/s.png")]})
            ),
            said(
                1_790_000_019_000,
                json!({"mid": "m_a1", "attachments": [
                    attachment("image", "https://cdn.example/img1.jpg"),
                    attachment("audio", "https://cdn.example/a.mp4"),
                    attachment("file", "https://cdn.example/b.pdf"),
                ]})
            ),
            json!({"sender": {"id": PAGE}, "recipient": {"id": SAM}, "timestamp": 1_790_000_020_000_i64,
                "message": {"mid": "m_e1", "is_echo": true, "text": "Yes, 3 left."}}),
        ]
    );
    app.finish().await;
}

#[tokio::test]
async fn every_list_of_conversations_is_read_and_no_link_is_followed() {
    let app = connected().await;
    app.facebook.set_page_limit(2);
    let people = people_write(&app, 5, "hi");
    let sent = lists(&app);
    a_day_later(&app).await;
    // Three lists, and one more look at the top, where whoever writes meanwhile would stand.
    assert_eq!(lists(&app) - sent, 4);
    for person in &people {
        assert_eq!(app.said(person), ["hi"]);
    }
    for request in app.facebook.traffic().received() {
        assert!(!request.query.contains("access_token="), "{}", request.path);
    }
    app.finish().await;
}

#[tokio::test]
async fn the_next_poll_stops_at_what_it_has_seen() {
    let app = connected().await;
    app.facebook.set_page_limit(2);
    let people = people_write(&app, 6, "hi");
    a_day_later(&app).await;
    let (sent, events) = (lists(&app), app.counts().await.0);
    app.page().message_from(&app.facebook.person(&people[3], "Somebody"), "again");
    a_day_later(&app).await;
    // The second list is older than what was seen, so the third is not asked for; the top is looked at once more.
    assert_eq!(lists(&app) - sent, 3);
    assert_eq!(app.counts().await.0 - events, 1);
    assert_eq!(app.said(&people[3]), ["hi", "again"]);
    app.finish().await;
}

#[tokio::test]
async fn a_platform_that_fails_at_any_list_costs_nothing_but_time() {
    for failure in [Failure::Status(500), Failure::HalfBody, Failure::Html, Failure::Disconnect] {
        for list in 0..3 {
            let app = connected().await;
            app.facebook.set_page_limit(2);
            let people = people_write(&app, 5, "hi");
            // As often as one read tries.
            app.facebook.traffic().fail_after("/conversations", list, 5, failure.clone());
            a_day_later(&app).await;
            assert_eq!(app.conversation(&people[0]), None, "the last list was not read: {failure:?} at {list}");
            app.facebook.traffic().heal();
            app.clock.advance(Duration::from_secs(60));
            app.settle().await;
            for person in &people {
                assert_eq!(app.said(person), ["hi"], "{failure:?} at {list}");
            }
            assert_eq!(status(&app).await.0, "connected");
            app.finish().await;
        }
    }
}

#[tokio::test]
async fn a_platform_that_hangs_is_asked_again_later() {
    let app = connected().await;
    app.page().message_from(&app.facebook.person(SAM, "Sam Doe"), "hi");
    app.facebook.traffic().fail_next("/conversations", 5, Failure::Hang);
    a_day_later(&app).await;
    assert_eq!(app.conversation(SAM), None);
    app.clock.advance(Duration::from_secs(60));
    app.settle().await;
    assert_eq!(app.said(SAM), ["hi"]);
    app.finish().await;
}

#[tokio::test]
async fn a_platform_down_for_a_week_is_asked_until_it_is_back() {
    let app = connected().await;
    app.page().message_from(&app.facebook.person(SAM, "Sam Doe"), "hi");
    app.facebook.traffic().fail_next("", 1_000_000, Failure::Status(503));
    for _ in 0..7 {
        a_day_later(&app).await;
        for _ in 0..6 {
            app.clock.advance(Duration::from_secs(3600));
            app.settle().await;
        }
    }
    assert_eq!((app.conversation(SAM), status(&app).await.0.as_str()), (None, "connected"));
    assert_eq!(app.counts().await.2, 0, "nothing is given up");
    app.facebook.traffic().heal();
    app.clock.advance(Duration::from_secs(3600));
    app.settle().await;
    assert_eq!(app.said(SAM), ["hi"]);
    app.finish().await;
}

#[tokio::test]
async fn what_was_given_up_is_tried_again_by_the_next_poll() {
    let app = connected().await;
    app.page().message_from(&app.facebook.person(SAM, "Sam Doe"), "hi");
    app.facebook.traffic().fail_next("/conversations", 1_000_000, Failure::Html);
    a_day_later(&app).await;
    for _ in 0..8 {
        app.clock.advance(Duration::from_secs(3600));
        app.settle().await;
    }
    assert_eq!(app.counts().await.2, 1);
    let sent = lists(&app);
    app.clock.advance(Duration::from_secs(3600));
    app.settle().await;
    assert_eq!(lists(&app), sent);
    app.facebook.traffic().heal();
    a_day_later(&app).await;
    assert_eq!((app.said(SAM), app.counts().await.2), (vec!["hi".to_owned()], 0));
    app.finish().await;
}

#[tokio::test]
async fn a_short_stumble_is_overcome_within_one_read() {
    let app = connected().await;
    app.page().message_from(&app.facebook.person(SAM, "Sam Doe"), "hi");
    app.facebook.traffic().fail_next("/conversations", 2, Failure::Status(502));
    let transient = Sandbox::error(2, None, "An unexpected error has occurred");
    app.facebook.traffic().fail_next("/conversations", 2, Failure::Json(500, transient));
    a_day_later(&app).await;
    assert_eq!(app.said(SAM), ["hi"]);
    app.finish().await;
}

#[tokio::test]
async fn a_dead_token_stops_polls_but_not_webhooks_and_a_login_heals() {
    let app = connected().await;
    // Asking about a token with the app's own is no use of it.
    let uses = |app: &TestApp| {
        let received = app.facebook.traffic().received();
        let of_the_app = |path: &str| path.ends_with("/debug_token") || path.ends_with("/subscriptions");
        received.iter().filter(|one| !of_the_app(&one.path)).count()
    };
    let sam = app.facebook.person(SAM, "Sam Doe");
    app.facebook.revoke_tokens(460);
    a_day_later(&app).await;
    let (state, reason) = status(&app).await;
    assert_eq!(state, "needs_reconnect");
    assert_eq!(reason, "The password of the Facebook account was changed. Please connect the Page again.");
    let sent = uses(&app);
    a_day_later(&app).await;
    assert_eq!(uses(&app), sent, "a dead token is not used again");

    let item = app.page().message_from(&sam, "by webhook");
    assert_eq!(app.page().deliver(&[item]).await.unwrap(), Some(200));
    let changed = app.page().changed("name", "x".into());
    assert_eq!(app.page().deliver_changes(&[changed]).await.unwrap(), Some(200));
    app.settle().await;
    assert_eq!(app.said(SAM), ["by webhook"]);
    assert_eq!(uses(&app), sent);

    app.clock.advance(SECOND);
    app.page().message_from(&sam, "lost");
    app.page().rename("Renamed meanwhile");
    let browser = app.connect().await;
    assert_eq!(status(&app).await, ("connected".to_owned(), String::new()));
    assert!(!browser.for_pages().get("/").await.text().contains("Please log in again"));
    assert_eq!(app.said(SAM), ["by webhook", "lost"]);
    assert_eq!(app.json(&format!("facebook/{PAGE}/page_metadata.json"))["name"], "Renamed meanwhile");
    let sent = lists(&app);
    a_day_later(&app).await;
    assert_eq!(lists(&app) - sent, 1, "polls go on");
    app.finish().await;
}

#[tokio::test]
async fn each_reason_of_a_dead_token_is_told_in_words() {
    let app = connected().await;
    for (subcode, words) in [
        (458, "The app was removed"),
        (459, "confirm your identity"),
        (463, "has expired"),
        (464, "not confirmed"),
        (492, "no role"),
        (467, "refuses the stored login"),
    ] {
        app.facebook.revoke_tokens(subcode);
        let lines = sync(&app).await;
        let (state, reason) = status(&app).await;
        assert_eq!(state, "needs_reconnect");
        assert!(reason.contains(words), "{subcode}: {reason}");
        assert_eq!(
            lines,
            [
                Line::Failed { channel: "facebook".to_owned(), account: PAGE.to_owned(), reason },
                Line::End { good: false }
            ]
        );
        app.connect().await;
        assert_eq!(status(&app).await.0, "connected");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_permission_taken_back_later_is_shown_to_the_merchant() {
    let app = connected().await;
    app.facebook.withdraw("pages_messaging");
    a_day_later(&app).await;
    let (state, reason) = status(&app).await;
    assert_eq!(state, "incomplete");
    assert!(reason.contains("permission"), "{reason}");
    app.finish().await;
}

#[tokio::test]
async fn told_to_slow_down_the_poll_waits_as_long() {
    let error = |code| Failure::Json(400, Sandbox::error(code, None, "Application request limit reached"));
    for (failure, seconds) in [
        (error(4), 300),
        (error(613), 300),
        (error(80006), 300),
        (Failure::Status(429), 300),
        (Failure::RetryAfter(429, "1200".to_owned()), 1200),
    ] {
        let app = connected().await;
        app.page().message_from(&app.facebook.person(SAM, "Sam Doe"), "hi");
        app.facebook.traffic().fail_next("/conversations", 1, failure.clone());
        a_day_later(&app).await;
        let sent = app.facebook.traffic().received().len();
        app.clock.advance(Duration::from_secs(seconds - 30));
        app.settle().await;
        assert_eq!(app.facebook.traffic().received().len(), sent, "{failure:?}");
        assert_eq!(app.conversation(SAM), None);
        app.clock.advance(Duration::from_secs(30));
        app.settle().await;
        assert_eq!(app.said(SAM), ["hi"], "{failure:?}");
        app.finish().await;
    }
}

#[tokio::test]
async fn a_short_pause_is_waited_for_within_one_read() {
    let app = connected().await;
    app.page().message_from(&app.facebook.person(SAM, "Sam Doe"), "hi");
    app.facebook.traffic().fail_next("/conversations", 1, Failure::RetryAfter(429, "7".to_owned()));
    a_day_later(&app).await;
    assert_eq!(app.clock.slept(), Duration::from_secs(7));
    assert_eq!(app.said(SAM), ["hi"]);
    app.finish().await;
}

#[tokio::test]
async fn unchanged_metadata_leaves_its_file_alone() {
    let app = connected().await;
    let identity = || {
        let metadata = std::fs::metadata(app.path(&format!("facebook/{PAGE}/page_metadata.json"))).unwrap();
        (metadata.ino(), metadata.mtime(), metadata.mtime_nsec())
    };
    let before = identity();
    a_day_later(&app).await;
    assert_eq!(identity(), before);
    app.page().rename("Renamed");
    a_day_later(&app).await;
    assert_ne!(identity(), before);
    app.finish().await;
}

#[tokio::test]
async fn links_that_are_only_signed_anew_leave_the_file_alone_until_they_end() {
    let app = connected().await;
    let file = format!("facebook/{PAGE}/page_metadata.json");
    let sign = |signature: u32, end: i64| {
        let url = format!("https://cdn.example/picture.jpg?oh={signature}&oe={end:X}");
        app.page().set_field("picture", json!({"data": {"url": url}}));
    };
    let identity = || std::fs::metadata(app.path(&file)).unwrap().ino();
    // It ends in ten days.
    let end = app.clock.now().timestamp() + 10 * 24 * 3600;
    sign(1, end);
    a_day_later(&app).await;
    let (text, first) = (app.text(&file), identity());
    for signature in 2..8 {
        sign(signature, end + i64::from(signature));
        a_day_later(&app).await;
        assert_eq!((app.text(&file), identity()), (text.clone(), first), "{signature}");
    }
    sign(9, end + 1_000_000);
    a_day_later(&app).await;
    assert!(app.text(&file).unwrap().contains("oh=9"), "it would have ended soon");
    app.finish().await;
}

#[tokio::test]
async fn only_what_was_asked_for_is_kept_of_a_page() {
    let app = connected().await;
    let told = json!({"id": PAGE, "name": "Demo Shop", "picture": {"data": {"url": "https://cdn.example/p.jpg"}},
        "access_token": "EAABsomething", "conversations": {"data": []}, "roles": {"data": [{"name": "Robin"}]}});
    app.facebook.traffic().fail_next(&format!("/{PAGE}"), 1, Failure::Json(200, told));
    a_day_later(&app).await;
    let kept = json!({"id": PAGE, "name": "Demo Shop", "picture": {"data": {"url": "https://cdn.example/p.jpg"}}});
    assert_eq!(app.json(&format!("facebook/{PAGE}/page_metadata.json")), kept);
    assert!(!app.is_on_disk("EAABsomething"));
    app.finish().await;
}

#[tokio::test]
async fn a_lost_file_comes_back_with_the_next_poll() {
    let app = connected().await;
    let file = format!("facebook/{PAGE}/page_metadata.json");
    std::fs::remove_file(app.path(&file)).unwrap();
    a_day_later(&app).await;
    assert_eq!(app.json(&file)["name"], "Demo Shop");
    app.finish().await;
}

#[tokio::test]
async fn a_field_that_the_platform_does_not_know_costs_only_itself() {
    let app = connected().await;
    let refuse = |message: &str| {
        let error = Sandbox::error(100, None, message);
        app.facebook.traffic().fail_next(&format!("/{PAGE}"), 1, Failure::Json(400, error));
    };
    app.page().rename("Renamed");
    refuse("(#100) Tried accessing nonexisting field (phone) on node type (Page)");
    refuse("(#100) Tried accessing nonexisting field (picture) on node type (Page)");
    a_day_later(&app).await;
    let file = format!("facebook/{PAGE}/page_metadata.json");
    let metadata = app.json(&file);
    assert_eq!((&metadata["name"], &metadata["website"]), (&json!("Renamed"), &json!("https://shop.example/")));
    assert!(metadata.get("phone").is_none() && metadata.get("picture").is_none());
    // Where it does not say which one, or names one that we did not ask for or cannot do without, the least is asked for.
    for message in
        ["(#100) no", "(#100) Tried accessing nonexisting field (name) on node type (Page)", "nonexisting field (../x)"]
    {
        refuse(message);
        a_day_later(&app).await;
        assert_eq!(
            app.json(&file),
            json!({"id": PAGE, "name": "Renamed", "category": "Shopping & retail"}),
            "{message}"
        );
        a_day_later(&app).await;
        assert_eq!(app.json(&file)["phone"], "+49 431 5550100");
    }
    app.finish().await;
}

#[tokio::test]
async fn another_pages_object_is_not_stored() {
    let app = connected().await;
    let other = json!({"id": "100000000000999", "name": "Somebody else's"});
    app.facebook.traffic().fail_next(&format!("/{PAGE}"), 1, Failure::Json(200, other));
    a_day_later(&app).await;
    assert_eq!(app.json(&format!("facebook/{PAGE}/page_metadata.json"))["name"], "Demo Shop");
    assert!(!app.path("facebook/100000000000999").exists());
    app.finish().await;
}

#[tokio::test]
async fn the_sync_command_reads_now_and_reports() {
    let app = connected().await;
    let sam = app.facebook.person(SAM, "Sam Doe");
    let done = || Line::Done { channel: "facebook".to_owned(), account: PAGE.to_owned() };
    app.page().message_from(&sam, "hi");
    assert_eq!(sync(&app).await, [done(), Line::End { good: true }]);
    assert_eq!(app.said(SAM), ["hi"]);

    app.clock.advance(SECOND);
    app.page().message_from(&sam, "again");
    app.facebook.traffic().fail_next("/conversations", 5, Failure::Status(500));
    let lines = sync(&app).await;
    assert!(
        matches!(&lines[..], [Line::Failed { reason, .. }, Line::End { good: false }]
        if reason.contains("tried again by itself")),
        "{lines:?}"
    );
    assert_eq!(app.said(SAM), ["hi"]);
    assert_eq!(sync(&app).await, [done(), Line::End { good: true }]);
    assert_eq!(app.said(SAM), ["hi", "again"]);

    let unknown = Command::Sync { channel: Some("facebook".to_owned()), account: Some("999".into()) };
    let text = "this account is not connected".to_owned();
    assert_eq!(app.command(unknown).await, [Line::Refused { text }, Line::End { good: false }]);
    app.finish().await;
}

/// A conversation with this person as a list shows it, with one message.
fn shown(person: &str, mid: &str, updated: &Value, created: &Value) -> Value {
    let person = json!({"name": "Somebody", "id": person});
    let page = json!({"name": "Demo Shop", "id": PAGE});
    let message = json!({"id": mid, "created_time": created, "from": person, "to": {"data": [page]}, "message": "hi"});
    json!({"id": format!("t_{mid}"), "updated_time": updated, "participants": {"data": [person, page]},
        "messages": {"data": [message]}})
}

#[tokio::test]
async fn a_change_that_is_still_to_come_moves_no_mark() {
    let app = connected().await;
    let people = people_write(&app, 3, "hi");
    let sooner = shown(&people[0], "m_future", &json!("2036-09-21T14:13:40+0000"), &json!("2026-09-21T14:13:40+0000"));
    app.facebook.traffic().fail_next("/conversations", 1, Failure::Json(200, json!({ "data": [sooner] })));
    a_day_later(&app).await;
    for round in 0..2 {
        app.page().message_from(&app.facebook.person(&people[1], "Somebody"), &format!("again {round}"));
        a_day_later(&app).await;
        assert_eq!(app.said(&people[1]).len(), 2 + round);
    }
    assert_eq!(app.said(&people[2]), ["hi"]);
    app.finish().await;
}

#[tokio::test]
async fn a_conversation_that_cannot_be_read_costs_its_neighbours_nothing() {
    let app = connected().await;
    let people = people_write(&app, 2, "hi");
    let at = json!(app.clock.now().timestamp());
    let data = json!([null, shown(&people[0], "m_neighbour", &at, &at), 17, {"id": 5, "updated_time": at}]);
    app.facebook.traffic().fail_next("/conversations", 1, Failure::Json(200, json!({ "data": data })));
    a_day_later(&app).await;
    assert_eq!(app.said(&people[0]), ["hi"]);
    let alerts = || app.shared().alerts.list().into_iter().map(|alert| alert.cause).collect::<Vec<_>>();
    assert_eq!(alerts(), [format!("facebook:{PAGE}:unreadable")]);
    // What could not be read is not behind the mark.
    a_day_later(&app).await;
    assert_eq!(app.said(&people[1]), ["hi"]);
    assert_eq!(alerts(), [""; 0]);
    app.finish().await;
}

#[tokio::test]
async fn what_cannot_be_read_stays_before_the_mark_also_after_a_pause() {
    let app = connected().await;
    app.facebook.set_page_limit(2);
    let people = people_write(&app, 5, "hi");
    let fields = "updated_time,participants,messages.limit(20){id,created_time,from,to,message}";
    let address = format!("{}/v26.0/{PAGE}/conversations", app.facebook.url());
    let token = format!("Bearer {}", app.facebook.page_token(PAGE));
    let list = app.browser().open_with(&format!("{address}?fields={fields}"), &[("authorization", &token)]).await;
    let mut list: Value = serde_json::from_str(&list.text().await.unwrap()).unwrap();
    list["data"][1] = Value::Null;
    app.facebook.traffic().fail_next("/conversations", 1, Failure::Json(200, list));
    app.facebook.traffic().fail_next("/conversations", 5, Failure::Status(500));
    a_day_later(&app).await;
    app.facebook.traffic().heal();
    app.clock.advance(Duration::from_secs(60));
    app.settle().await;
    assert_eq!((app.said(&people[4]), app.conversation(&people[3])), (vec!["hi".to_owned()], None));
    assert_eq!(app.said(&people[0]), ["hi"], "the walk went on where it was");
    let alerts = || app.shared().alerts.list().into_iter().map(|alert| alert.cause).collect::<Vec<_>>();
    assert_eq!(alerts(), [format!("facebook:{PAGE}:unreadable")]);
    a_day_later(&app).await;
    assert_eq!(app.said(&people[3]), ["hi"]);
    assert_eq!(alerts(), [""; 0]);
    app.finish().await;
}

#[tokio::test]
async fn a_time_in_milliseconds_is_understood_and_one_that_is_missing_is_made_up_for() {
    let app = connected().await;
    let people = people_write(&app, 2, "hi");
    let at = app.clock.now().timestamp();
    let data = [
        shown(&people[0], "m_ms", &json!(at), &json!(at * 1000 + 7)),
        shown(&people[1], "m_null", &json!(at), &Value::Null),
    ];
    app.facebook.traffic().fail_next("/conversations", 1, Failure::Json(200, json!({ "data": data })));
    a_day_later(&app).await;
    let said = |person: &str, mid: &str| {
        let items = app.conversation(person).unwrap();
        items.into_iter().find(|item| item["message"]["mid"] == mid).unwrap()
    };
    assert_eq!(said(&people[0], "m_ms")["timestamp"], at * 1000 + 7);
    let late = said(&people[1], "m_null");
    assert_eq!((&late["timestamp"], &late["timestamp_of"]), (&json!(at * 1000), &json!("conversation")));
    app.finish().await;
}

#[tokio::test]
async fn sync_tells_how_far_that_account_has_come_and_no_other() {
    let app = connected().await;
    app.shared().progress.report("shopify", SHOP, "products".into(), 30, Some(120));
    let wanted = Command::Sync { channel: Some("facebook".to_owned()), account: Some(PAGE.into()) };
    let lines = app.command(wanted).await;
    assert_eq!(lines.last(), Some(&Line::End { good: true }));
    let is_of_another = |line: &Line| matches!(line, Line::Progress(step) if step.channel != "facebook");
    assert!(!lines.iter().any(is_of_another), "{lines:?}");
    app.shared().progress.end("shopify", SHOP);
    app.finish().await;
}
