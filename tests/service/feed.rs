//! The feed: every event once, numbered without gaps, with what a bot needs to answer it.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use http::Method;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use shoptalk::facebook::sandbox::{Page, Person};
use shoptalk::shared::store::api_keys::Scope;
use uuid::Uuid;

use crate::api_keys::{Bot, is_problem, wish};
use crate::test_app::{PAGE, TestApp};

pub const SAM: &str = "7000000000000001";
const ALEX: &str = "7000000000000002";

const HOUR: Duration = Duration::from_secs(60 * 60);

pub fn sam(app: &TestApp) -> Person {
    app.facebook.person(SAM, "Sam Doe")
}

fn alex(app: &TestApp) -> Person {
    app.facebook.person(ALEX, "Alex Roe")
}

/// A service with a connected merchant and a bot of theirs.
pub async fn start() -> (TestApp, Bot) {
    let app = TestApp::start().await;
    app.connect().await;
    let bot = Bot::start(&app, &[Scope::Read, Scope::Reply]).await;
    (app, bot)
}

/// The platform delivers this, and the service does what is due at once.
pub async fn deliver(app: &TestApp, item: Value) {
    assert_eq!(app.page().deliver(&[item]).await.unwrap(), Some(200));
    app.work().await;
}

/// The platform delivers this, and the service has settled.
pub async fn deliver_and_settle(app: &TestApp, item: Value) {
    deliver(app, item).await;
    app.settle().await;
}

/// The platform delivers to where the service is now.
fn follow(app: &TestApp) {
    app.facebook.deliver_to(&format!("{}/facebook/webhook", app.url));
}

/// All events of this query.
pub async fn events(bot: &Bot, query: &str) -> Vec<Value> {
    let answer = bot.get(&format!("/api/v1/events?{query}")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["events"].as_array().unwrap().clone()
}

fn members(events: &[Value], name: &str) -> Vec<Value> {
    events.iter().map(|event| event[name].clone()).collect()
}

/// Numbers, kinds and texts: `1 message Hello`.
pub fn lines(events: &[Value]) -> Vec<String> {
    let line = |event: &Value| {
        let kind = event["type"].as_str().unwrap();
        let words = ["text", "state"].iter().find_map(|name| event[name].as_str()).unwrap_or_default();
        format!("{} {kind} {words}", event["n"]).trim_end().to_owned()
    };
    events.iter().map(line).collect()
}

fn at(app: &TestApp, after: Duration) -> String {
    (app.clock.now() + after).to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

#[tokio::test]
async fn a_message_is_told_with_what_a_bot_needs_to_answer_it() {
    let (app, bot) = start().await;
    deliver_and_settle(&app, app.page().reply_to(&sam(&app), "Hello!")).await;
    app.clock.advance(2 * HOUR);
    let (now, closes) = (at(&app, Duration::ZERO), at(&app, 24 * HOUR));
    let item = app.page().message_from(&sam(&app), "Is the blue one in stock? ü😀");
    deliver_and_settle(&app, item.clone()).await;
    let answer = bot.get("/api/v1/events?after=0&types=message").await;
    let page = answer.json();
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!((&page["next"], &page["newest"]), (&json!(4), &json!(4)), "{page}");
    let event = &page["events"][0];
    let id = event["id"].as_str().unwrap();
    assert!(id.starts_with("evt_") && id.len() == 36, "{id}");
    assert_eq!(event["received_at"].as_str().unwrap().len(), now.len());
    assert_eq!(
        event,
        &json!({
            "n": 4, "id": id, "type": "message", "at": now, "received_at": event["received_at"], "channel": "facebook",
            "account": { "id": PAGE, "name": "Demo Shop" }, "person": { "id": SAM, "name": event["person"]["name"] },
            "conversation": format!("/api/v1/facebook/{PAGE}/conversations/{SAM}"),
            "platform_id": item["message"]["mid"], "source": "webhook", "kind": "text",
            "text": "Is the blue one in stock? ü😀", "choice": null, "media": [], "reply_to": null, "referral": null,
            "bot_may_answer": true, "reason": null,
            "window": { "state": "open", "closes_at": closes, "maybe_until": null, "allowed": ["free"] },
            "messages": event["messages"], "products": [], "shop": event["shop"], "raw": event["raw"],
        })
    );
    let messages = event["messages"].as_array().unwrap();
    assert_eq!(members(messages, "by"), ["human", "person"]);
    assert_eq!(members(messages, "text"), ["Hello!", "Is the blue one in stock? ü😀"]);
    assert_eq!(messages[1]["platform_id"], item["message"]["mid"]);
    // The bytes as they came, with their escapes.
    assert!(answer.text().contains("\\ud83d\\ude00"), "{}", answer.text());
    assert_eq!(event["raw"], app.conversation(SAM).unwrap()[1]);
    let taps = events(&bot, "after=0").await;
    assert_eq!(
        lines(&taps),
        ["1 echo Hello!", "2 takeover paused", "3 takeover resumed", "4 message Is the blue one in stock? ü😀"]
    );
    app.finish().await;
}

#[tokio::test]
async fn a_tap_a_picture_and_an_activity_say_what_they_are() {
    let (app, bot) = start().await;
    deliver(&app, app.page().postback_from(&sam(&app), "Send the link", "LINK")).await;
    deliver(&app, app.page().attachment_from(&sam(&app), "image", "https://cdn.example/1.jpg")).await;
    deliver(&app, app.page().read_by(&sam(&app))).await;
    let told = events(&bot, "after=0").await;
    assert_eq!(
        members(&told, "type"),
        ["message", "message", "activity"],
        "what is no message releases those that wait"
    );
    assert_eq!((&told[0]["kind"], &told[0]["text"]), (&json!("choice"), &json!("Send the link")));
    assert_eq!(told[0]["choice"], json!({ "id": "LINK", "title": "Send the link" }));
    assert_eq!(told[1]["media"], json!([{ "type": "image", "url": "https://cdn.example/1.jpg", "file": null }]));
    assert_eq!((&told[2]["bot_may_answer"], &told[2]["reason"]), (&json!(false), &json!("not_a_message")));
    assert!(told[2].get("messages").is_none() && told[2]["raw"]["read"].is_object(), "{}", told[2]);
    app.finish().await;
}

#[tokio::test]
async fn messages_wait_for_more_of_the_same_person_and_nothing_else_waits() {
    let (app, bot) = start().await;
    let second = Duration::from_secs(1);
    for word in ["one", "two", "three"] {
        deliver(&app, app.page().message_from(&sam(&app), word)).await;
        app.clock.advance(second);
    }
    app.work().await;
    assert_eq!(events(&bot, "after=0").await, [] as [Value; 0]);
    // Of another person something that does not wait.
    deliver(&app, app.page().reply_to(&alex(&app), "Hello Alex")).await;
    assert_eq!(lines(&events(&bot, "after=0&types=echo").await), ["1 echo Hello Alex"]);
    app.clock.advance(second);
    app.work().await;
    assert_eq!(lines(&events(&bot, "after=2").await), ["3 message one", "4 message two", "5 message three"]);
    assert_eq!(
        members(&events(&bot, "after=2").await, "reason"),
        [json!("superseded"), json!("superseded"), json!(null)]
    );

    // Who never stops is heard after fifteen seconds.
    for word in 0..16 {
        deliver(&app, app.page().message_from(&sam(&app), &word.to_string())).await;
        let heard = events(&bot, "after=5&limit=100").await.len();
        assert_eq!(heard, if word < 15 { 0 } else { 16 }, "{word}");
        app.clock.advance(second);
    }
    app.finish().await;
}

#[tokio::test]
async fn after_an_outage_of_an_hour_only_the_newest_unanswered_message_may_be_answered() {
    let (app, bot) = start().await;
    for word in ["Hello?", "Is anybody there?", "Do you have the blue one?"] {
        deliver_and_settle(&app, app.page().message_from(&sam(&app), word)).await;
        app.clock.advance(HOUR / 4);
    }
    deliver_and_settle(&app, app.page().message_from(&alex(&app), "Are you open?")).await;
    deliver_and_settle(&app, app.page().reply_by_app(&alex(&app), "Yes!", 42)).await;
    app.clock.advance(HOUR / 4);
    let told = events(&bot, "after=0&types=message").await;
    assert_eq!(members(&told, "bot_may_answer"), [false, false, true, false]);
    assert_eq!(members(&told, "reason"), [json!("superseded"), json!("superseded"), json!(null), json!("paused")]);
    app.clock.advance(24 * HOUR);
    app.work().await;
    let told = events(&bot, "after=0&types=message").await;
    assert_eq!(
        members(&told, "reason"),
        [json!("superseded"), json!("superseded"), json!("window_closed"), json!("answered")]
    );
    assert_eq!(told[2]["window"]["state"], "closed");
    app.finish().await;
}

#[tokio::test]
async fn a_reader_goes_on_from_a_number_or_from_a_name() {
    let (app, bot) = start().await;
    for word in ["one", "two", "three"] {
        deliver_and_settle(&app, app.page().message_from(&sam(&app), word)).await;
        deliver_and_settle(&app, app.page().read_by(&sam(&app))).await;
    }
    assert_eq!(events(&bot, "").await, [] as [Value; 0], "without a place it begins at the end");
    let page = bot.get("/api/v1/events?after=0&limit=2&types=message").await.json();
    assert_eq!(
        (lines(page["events"].as_array().unwrap()), &page["next"]),
        (vec!["1 message one".into(), "3 message two".into()], &json!(3))
    );
    let page = bot.get(&format!("/api/v1/events?after=5&types=message&channel=facebook&account={PAGE}")).await.json();
    assert_eq!((&page["events"], &page["next"], &page["newest"]), (&json!([]), &json!(6), &json!(6)));

    let cursor = "/api/v1/cursors/my-bot";
    is_problem(&bot.get(cursor).await, 404, "not-found");
    assert_eq!(events(&bot, "cursor=my-bot").await, [] as [Value; 0], "a name that was never set begins at the end");
    let put = async |body: &str| bot.send(Method::PUT, cursor, &[], body.as_bytes()).await;
    assert_eq!(put(r#"{"n":4}"#).await.json(), json!({ "n": 4 }));
    assert_eq!(bot.get(cursor).await.json(), json!({ "n": 4 }));
    // Two readers of one name both get everything: reading never moves it.
    for _ in 0..2 {
        assert_eq!(lines(&events(&bot, "cursor=my-bot").await), ["5 message three", "6 activity"]);
    }
    assert_eq!(lines(&events(&bot, "cursor=my-bot&after=5").await), ["6 activity"]);
    assert_eq!(put(r#"{"n":0}"#).await.status, 200, "setting it back replays");
    assert_eq!(events(&bot, "cursor=my-bot").await.len(), 6);
    let expired = is_problem(&put(r#"{"n":7}"#).await, 410, "cursor-expired");
    assert_eq!((&expired["oldest"], &expired["newest"]), (&json!(1), &json!(6)));
    for n in 0..19 {
        let answer = bot.send(Method::PUT, &format!("/api/v1/cursors/n{n}"), &[], br#"{"n":1}"#).await;
        assert_eq!(answer.status, 200);
    }
    is_problem(&bot.send(Method::PUT, "/api/v1/cursors/one-more", &[], br#"{"n":1}"#).await, 422, "invalid");
    for query in [
        "after=x",
        "after=1&after=2",
        "limit=0",
        "limit=101",
        "wait=26",
        "types=nothing",
        "cursor=Upper",
        "history=101",
        "x=1",
    ] {
        is_problem(&bot.get(&format!("/api/v1/events?{query}")).await, 422, "invalid");
    }
    for after in [-1, 7, i64::MAX] {
        is_problem(&bot.get(&format!("/api/v1/events?after={after}")).await, 410, "cursor-expired");
    }
    app.finish().await;
}

#[tokio::test]
async fn a2_another_merchant_and_a_key_for_another_account_see_nothing() {
    let (app, bot) = start().await;
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "a secret")).await;
    bot.send(Method::PUT, "/api/v1/cursors/mine", &[], br#"{"n":1}"#).await;
    let stranger = Bot::of(&app, Uuid::new_v4(), &[Scope::Read, Scope::Reply]).await;
    let page = stranger.get("/api/v1/events?after=0").await.json();
    assert_eq!(page, json!({ "events": [], "next": 0, "newest": 0 }));
    let conversation = format!("/api/v1/facebook/{PAGE}/conversations/{SAM}");
    let limited = shoptalk::shared::store::api_keys::NewApiKey {
        accounts: vec![("facebook".to_owned(), "100000000000999".to_owned())],
        ..wish(bot.key.merchant, &[Scope::Read, Scope::Reply])
    };
    let limited = Bot::with(&app, limited).await;
    assert_eq!(limited.get("/api/v1/events?after=0").await.json()["events"], json!([]));
    assert_eq!(limited.get("/api/v1/conversations").await.json()["conversations"], json!([]));
    for bot in [&stranger, &limited] {
        is_problem(&bot.get(&conversation).await, 404, "not-found");
        is_problem(&bot.send(Method::PUT, &format!("{conversation}/pause"), &[], b"{}").await, 404, "not-found");
        is_problem(&bot.send(Method::DELETE, &format!("{conversation}/pause"), &[], b"").await, 404, "not-found");
    }
    is_problem(&stranger.get("/api/v1/cursors/mine").await, 404, "not-found");
    is_problem(&bot.get(&format!("{conversation}9")).await, 404, "not-found");
    let writer = Bot::of(&app, bot.key.merchant, &[Scope::Reply]).await;
    is_problem(&writer.get("/api/v1/events").await, 403, "scope-missing");
    app.finish().await;
}

#[tokio::test]
async fn history_never_enters_a_polls_find_does_and_a_repeat_changes_nothing() {
    let app = TestApp::start().await;
    let page = app.page();
    page.message_from(&sam(&app), "long ago");
    app.clock.advance(Duration::from_secs(60));
    app.connect().await;
    app.run_due_jobs().await;
    let bot = Bot::start(&app, &[Scope::Read]).await;
    assert_eq!(app.said(SAM), ["long ago"]);
    assert_eq!(bot.get("/api/v1/events?after=0").await.json()["newest"], 0);
    let shown = bot.get(&format!("/api/v1/facebook/{PAGE}/conversations/{SAM}")).await.json();
    assert_eq!((&shown["window"]["state"], &shown["bot_may_answer"]), (&json!("open"), &json!(true)), "{shown}");
    // A delivery that was lost, and is found by the poll.
    page.message_from(&sam(&app), "lost");
    app.clock.advance(24 * HOUR);
    app.run_due_jobs().await;
    app.settle().await;
    assert_eq!(app.said(SAM), ["long ago", "lost"]);
    let told = events(&bot, "after=0").await;
    assert_eq!(lines(&told), ["1 message lost"]);
    assert_eq!(told[0]["source"], "poll");
    let item = page.message_from(&sam(&app), "twice");
    deliver_and_settle(&app, item.clone()).await;
    deliver_and_settle(&app, item).await;
    assert_eq!(lines(&events(&bot, "after=0").await), ["1 message lost", "2 message twice"]);
    app.finish().await;
}

#[tokio::test]
async fn what_was_set_aside_enters_when_its_account_is_connected() {
    let app = TestApp::start().await;
    let browser = app.browser();
    assert_eq!(browser.follow(&format!("/shopify/{}/login", crate::test_app::SHOP)).await.status, 200);
    let item = app.page().message_from(&sam(&app), "too early");
    follow(&app);
    assert_eq!(app.page().force_deliver(&[item]).await.unwrap(), 200);
    app.settle().await;
    assert_eq!(browser.follow("/facebook/login").await.status, 200);
    app.settle().await;
    let bot = Bot::start(&app, &[Scope::Read]).await;
    assert_eq!(lines(&events(&bot, "after=0").await), ["1 message too early"]);
    app.finish().await;
}

#[tokio::test]
async fn p4_an_erased_person_leaves_numbers_and_nothing_else() {
    let (app, bot) = start().await;
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "my secret words")).await;
    deliver_and_settle(&app, app.page().reply_to(&sam(&app), "our secret answer")).await;
    deliver_and_settle(&app, app.page().message_from(&alex(&app), "hello")).await;
    let before = events(&bot, "after=0").await;
    let scope = shoptalk::shared::erasure::Scope::Person {
        channel: "facebook".to_owned(),
        account: PAGE.to_owned(),
        person: SAM.to_owned(),
    };
    app.shared().erasure.request(vec![scope], "test", None).await.unwrap();
    app.settle().await;
    let after = events(&bot, "after=0").await;
    assert_eq!(after.len(), before.len());
    for (old, new) in before.iter().zip(&after) {
        if old["person"]["id"] == SAM {
            assert_eq!(new, &json!({ "n": old["n"], "type": "erased" }));
            assert!(!app.is_on_disk(old["id"].as_str().unwrap()));
        } else {
            assert_eq!(old["id"], new["id"]);
        }
    }
    assert!(!app.is_on_disk("my secret words"));
    assert!(!app.is_on_disk("our secret answer"));
    let states: i64 =
        app.journal_sql(|journal| journal.query_row("SELECT count(*) FROM conversation_states", [], |row| row.get(0)));
    assert_eq!(states, 1);
    deliver_and_settle(&app, app.page().message_from(&alex(&app), "still there")).await;
    assert_eq!(events(&bot, "after=0").await.last().unwrap()["n"], before.len() + 1);
    app.finish().await;
}

#[tokio::test]
async fn p4_an_erased_account_takes_the_merchants_places_along() {
    let (app, bot) = start().await;
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "hello")).await;
    bot.send(Method::PUT, "/api/v1/cursors/mine", &[], br#"{"n":1}"#).await;
    let scope = |channel: &str, account: &str| shoptalk::shared::erasure::Scope::Account {
        channel: channel.to_owned(),
        account: account.to_owned(),
    };
    let scopes = vec![scope("facebook", PAGE), scope("shopify", crate::test_app::SHOP)];
    app.shared().erasure.request(scopes, "test", None).await.unwrap();
    app.settle().await;
    for table in ["conversation_states", "feed_held", "feed_cursors", "feed WHERE type <> 'erased'"] {
        let rows: i64 = app
            .journal_sql(|journal| journal.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)));
        assert_eq!(rows, 0, "{table}");
    }
    app.close().await;
}

#[tokio::test]
async fn old_items_go_after_their_time_and_their_numbers_are_gone() {
    let (app, bot) = start().await;
    for word in ["one", "two"] {
        deliver_and_settle(&app, app.page().message_from(&sam(&app), word)).await;
    }
    app.clock.advance(29 * 24 * HOUR);
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "three")).await;
    assert_eq!(events(&bot, "after=0").await.len(), 3);
    app.clock.advance(24 * HOUR + HOUR);
    app.work().await;
    for after in [0, 1] {
        let problem = is_problem(&bot.get(&format!("/api/v1/events?after={after}")).await, 410, "cursor-expired");
        assert_eq!((&problem["oldest"], &problem["newest"]), (&json!(3), &json!(3)));
    }
    assert_eq!(lines(&events(&bot, "after=2").await), ["3 message three"]);
    app.clock.advance(30 * 24 * HOUR);
    let app = app.restart().await;
    follow(&app);
    app.work().await;
    let bot = Bot::start(&app, &[Scope::Read]).await;
    let problem = is_problem(&bot.get("/api/v1/events?after=2").await, 410, "cursor-expired");
    assert_eq!((&problem["oldest"], &problem["newest"]), (&json!(4), &json!(3)));
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "four")).await;
    assert_eq!(lines(&events(&bot, "after=3").await), ["4 message four"]);
    app.finish().await;
}

#[tokio::test]
async fn an_account_that_needs_a_login_is_told_and_nobody_may_answer_there() {
    let (app, bot) = start().await;
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "hello")).await;
    let status = shoptalk::shared::store::Status::NeedsReconnect;
    app.shared().connections.set_status("facebook", PAGE, status, None).await.unwrap();
    app.work().await;
    let told = events(&bot, "after=0").await;
    assert_eq!((&told[0]["bot_may_answer"], &told[0]["reason"]), (&json!(false), &json!("account_unavailable")));
    assert_eq!(
        (&told[1]["type"], &told[1]["status"], &told[1]["why"]),
        (&json!("account"), &json!("needs_reconnect"), &json!(null))
    );
    assert_eq!((told.len(), &told[1]["account"]["id"]), (2, &json!(PAGE)));
    app.finish().await;
}

#[tokio::test]
async fn two_replicas_of_a_bot_hear_the_same_by_one_name() {
    let (app, bot) = start().await;
    let other = Bot::of(&app, bot.key.merchant, &[Scope::Read]).await;
    bot.send(Method::PUT, "/api/v1/cursors/bot", &[], br#"{"n":0}"#).await;
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "hello")).await;
    let (one, two) = (events(&bot, "cursor=bot").await, events(&other, "cursor=bot").await);
    assert_eq!(one, two);
    assert_eq!(one[0]["id"], two[0]["id"], "so the same Idempotency-Key, and one answer");
    app.finish().await;
}

#[tokio::test]
async fn conversations_are_listed_newest_first_page_by_page() {
    let (app, bot) = start().await;
    for number in 1..=5 {
        let person = app.facebook.person(&format!("700000000000010{number}"), "Somebody");
        deliver_and_settle(&app, app.page().message_from(&person, "hello")).await;
    }
    let mut seen = Vec::new();
    let mut next = String::new();
    loop {
        let page = bot.get(&format!("/api/v1/conversations?account=facebook/{PAGE}&limit=2{next}")).await.json();
        seen.extend(page["conversations"].as_array().unwrap().iter().map(|one| one["person"]["id"].clone()));
        match page["next"].as_str() {
            Some(place) => next = format!("&after={place}"),
            None => break,
        }
    }
    let all: Vec<Value> = (1..=5).rev().map(|number| json!(format!("700000000000010{number}"))).collect();
    assert_eq!(seen, all);
    let shown = bot.get("/api/v1/conversations").await.json();
    let shown = &shown["conversations"][0];
    assert_eq!(
        (&shown["owner"], &shown["pause"], &shown["bot_may_answer"]),
        (&json!("us"), &json!(null), &json!(true))
    );
    assert!(shown.get("messages").is_none());
    is_problem(&bot.get("/api/v1/conversations?after=nonsense").await, 422, "invalid");
    is_problem(&bot.get("/api/v1/conversations?account=facebook/1").await, 404, "not-found");
    let one = bot.get(&format!("/api/v1/facebook/{PAGE}/conversations/7000000000000105?history=1")).await.json();
    assert_eq!((&one["messages"][0]["text"], &one["outgoing"]), (&json!("hello"), &json!([])));
    app.finish().await;
}

#[tokio::test]
async fn what_is_no_message_takes_no_place_in_the_history() {
    let app = TestApp::start().await;
    app.connect().await;
    let bot = Bot::start(&app, &[Scope::Read]).await;
    let (page, sam) = (app.page(), person(&app, 1));
    let said: Vec<Value> = (1..=3).map(|n| page.message_from(&sam, &format!("message {n}"))).collect();
    let at = app.clock.now_ms();
    let referrals: Vec<Value> = (1..=30)
        .map(|n| {
            json!({"sender": {"id": "7000000000000201"}, "recipient": {"id": PAGE}, "timestamp": at + n,
                   "referral": {"ref": format!("ad-{n}"), "source": "SHORTLINK", "type": "OPEN_THREAD"}})
        })
        .collect();
    for items in [said, referrals] {
        assert_eq!(page.deliver(&items).await.unwrap(), Some(200));
    }
    app.settle().await;
    for (limit, expected) in [(1, 1), (2, 2), (5, 3)] {
        let path = format!("/api/v1/facebook/{PAGE}/conversations/7000000000000201?history={limit}");
        let shown = bot.get(&path).await.json();
        let texts: Vec<&str> =
            shown["messages"].as_array().unwrap().iter().filter_map(|m| m["text"].as_str()).collect();
        assert_eq!((texts.len(), texts.last()), (expected, Some(&"message 3")), "{limit}");
    }
    app.finish().await;
}

/// What may happen.
#[derive(Debug, Clone)]
enum Step {
    Message(usize),
    Reply(usize),
    Read(usize),
    Repeat,
    Wait(u64),
    Work,
}

fn person(app: &TestApp, which: usize) -> Person {
    app.facebook.person(&format!("70000000000002{which:02}"), "Somebody")
}

fn deliveries_of(app: &TestApp, page: &Page, step: &Step, last: &mut Option<Value>, count: &mut usize) -> Vec<Value> {
    *count += 1;
    let item = match step {
        Step::Message(who) => page.message_from(&person(app, *who), &format!("message {count}")),
        Step::Reply(who) => page.reply_to(&person(app, *who), &format!("reply {count}")),
        Step::Read(who) => page.read_by(&person(app, *who)),
        Step::Repeat => return last.clone().into_iter().collect(),
        Step::Wait(_) | Step::Work => return Vec::new(),
    };
    *last = Some(item.clone());
    vec![item]
}

fn check_all(told: &[Value]) {
    let numbers: Vec<i64> = told.iter().map(|event| event["n"].as_i64().unwrap()).collect();
    let expected: Vec<i64> = (1..).take(told.len()).collect();
    assert_eq!(numbers, expected, "there is a gap or a repeat");
    let mut of_person: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for event in told {
        let words = event["text"].as_str().and_then(|text| text.split_once(' '));
        if let Some(number) = words.and_then(|(_, number)| number.parse().ok()) {
            of_person.entry(event["person"]["id"].as_str().unwrap()).or_default().push(number);
        }
    }
    for (person, numbers) in of_person {
        assert!(numbers.is_sorted_by(|one, next| one < next), "{person}: {numbers:?}");
    }
}

#[test]
fn numbers_have_no_gaps_whatever_happens_in_whatever_order() {
    let step = prop_oneof![
        4 => (0..3usize).prop_map(Step::Message),
        2 => (0..3usize).prop_map(Step::Reply),
        1 => (0..3usize).prop_map(Step::Read),
        1 => Just(Step::Repeat),
        2 => (0..4u64).prop_map(Step::Wait),
        3 => Just(Step::Work),
    ];
    let steps = proptest::collection::vec(step, 1..40);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 6, failure_persistence: None, ..Config::default() });
    runner
        .run(&(steps, any::<bool>()), |(steps, is_killed)| {
            runtime.block_on(run(&steps, is_killed));
            Ok(())
        })
        .unwrap();
}

async fn run(steps: &[Step], is_killed: bool) {
    let (mut app, _) = start().await;
    let (mut last, mut count, mut said) = (None, 0, 0);
    for step in steps {
        for item in deliveries_of(&app, &app.page(), step, &mut last, &mut count) {
            said += usize::from(matches!(step, Step::Message(_)));
            assert_eq!(app.page().deliver(&[item]).await.unwrap(), Some(200));
        }
        match step {
            Step::Wait(seconds) => app.clock.advance(Duration::from_secs(*seconds)),
            Step::Work if is_killed && said % 2 == 0 => {
                app = app.kill_and_restart_with(|_| {}).await;
                follow(&app);
            }
            Step::Work => app.work().await,
            _ => {}
        }
    }
    app.clock.advance(Duration::from_secs(20));
    app.settle().await;
    let bot = Bot::start(&app, &[Scope::Read]).await;
    let told = events(&bot, "after=0&limit=100").await;
    check_all(&told);
    assert_eq!(told.iter().filter(|event| event["type"] == "message").count(), said);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_point_of_its_work_the_feed_has_no_gap_and_no_repeat() {
    let (mut app, _) = start().await;
    let mut delivered = 0;
    for polls in 1..40 {
        for _ in 0..3 {
            delivered += 1;
            let item = app.page().message_from(&sam(&app), &format!("message {delivered}"));
            assert_eq!(app.page().deliver(&[item]).await.unwrap(), Some(200));
            app.clock.advance(Duration::from_secs(3));
        }
        let is_over = {
            let mut work = pin!(app.work());
            let mut left = polls;
            poll_fn(|context| match work.as_mut().poll(context) {
                Poll::Ready(()) => Poll::Ready(true),
                Poll::Pending if left == 0 => Poll::Ready(false),
                Poll::Pending => {
                    left -= 1;
                    Poll::Pending
                }
            })
            .await
        };
        app = app.kill_and_restart_with(|_| {}).await;
        follow(&app);
        if is_over {
            break;
        }
    }
    app.settle().await;
    let bot = Bot::start(&app, &[Scope::Read]).await;
    let (mut told, mut after) = (Vec::new(), 0);
    loop {
        let page = events(&bot, &format!("after={after}&limit=100")).await;
        let Some(last) = page.last() else { break };
        after = last["n"].as_i64().unwrap();
        told.extend(page);
    }
    check_all(&told);
    assert_eq!(told.len(), delivered);
    app.close().await;
}
