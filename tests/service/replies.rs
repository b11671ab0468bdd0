//! Answers of bots and humans, from the request to the platform and back to the conversation's file.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};
use shoptalk::commands::Command;
use shoptalk::facebook::sandbox::{Echoes, Person, Reach, SendFailure};
use shoptalk::shared::channel::read_request::ReadRequest;
use shoptalk::shared::channel::simulator::Failure;
use shoptalk::shared::store::api_keys::Scope;
use tokio::sync::Notify;

use crate::api_keys::{Bot, futures, is_problem};
use crate::test_app::{Answer, PAGE, TestApp};
use crate::waiting::{ended, until};

const SAM: &str = "7000000000000001";

/// Where answers to Sam go.
pub fn to(person: &str) -> String {
    format!("/api/v1/facebook/{PAGE}/conversations/{person}")
}

/// A connected Page to which Sam wrote, and a bot that may answer.
pub struct Scene {
    pub app: TestApp,
    pub bot: Bot,
    pub sam: Person,
    keys: AtomicUsize,
}

impl Scene {
    pub async fn start() -> Self {
        Self::with(&[Scope::Read, Scope::Reply]).await
    }

    pub async fn with(scopes: &[Scope]) -> Self {
        Self::of(TestApp::start().await, scopes).await
    }

    /// In this service, which nobody has connected yet.
    pub async fn of(app: TestApp, scopes: &[Scope]) -> Self {
        app.connect().await;
        let scene = Self::again(app, scopes).await;
        scene.hear("Is the blue one in stock?").await;
        scene
    }

    /// In a service to which Sam wrote already, with a new bot.
    pub async fn again(app: TestApp, scopes: &[Scope]) -> Self {
        let bot = Bot::start(&app, scopes).await;
        let sam = app.facebook.person(SAM, "Sam Doe");
        Self { app, bot, sam, keys: AtomicUsize::new(0) }
    }

    /// Sam writes, and the service has done what follows.
    pub async fn hear(&self, text: &str) -> Value {
        let item = self.app.page().message_from(&self.sam, text);
        assert_eq!(self.app.page().deliver(std::slice::from_ref(&item)).await.unwrap(), Some(200));
        self.app.settle().await;
        item
    }

    pub async fn post(&self, key: &str, body: &Value) -> Answer {
        self.post_to(&to(SAM), key, body).await
    }

    pub async fn post_to(&self, to: &str, key: &str, body: &Value) -> Answer {
        let headers = [("idempotency-key", key), ("content-type", "application/json")];
        self.bot.send(Method::POST, &format!("{to}/messages"), &headers, body.to_string().as_bytes()).await
    }

    /// Sends a text that is accepted, and gives the message's id.
    pub async fn say(&self, text: &str) -> String {
        let key = format!("key-{}", self.keys.fetch_add(1, Ordering::Relaxed));
        let answer = self.post(&key, &json!({ "text": text })).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// What the API says of a message.
    pub async fn message(&self, id: &str) -> Value {
        self.bot.get(&format!("/api/v1/messages/{id}")).await.json()
    }

    /// All work, and the echoes that it causes.
    pub async fn work(&self) {
        self.app.work().await;
        self.app.facebook.echoes_arrived().await;
        self.app.work().await;
    }

    /// Time passes, and the work that is due then is done.
    pub async fn pass(&self, seconds: u64) {
        self.app.clock.advance(Duration::from_secs(seconds));
        self.work().await;
    }

    /// The texts that the platform took.
    pub fn taken(&self) -> Vec<String> {
        self.app.facebook.sent().into_iter().map(|sent| sent.text).collect()
    }
}

/// The form for an answer as a conversation's page holds it, filled in with this text.
pub fn filled_in(page: &str, text: &str) -> String {
    let field = |name: &str| {
        let mark = format!("name=\"{name}\" value=\"");
        let rest = &page[page.rfind(&mark).unwrap() + mark.len()..];
        rest[..rest.find('"').unwrap()].to_owned()
    };
    form_urlencoded::Serializer::new(String::new())
        .append_pair("form_token", &field("form_token"))
        .append_pair("key", &field("key"))
        .append_pair("text", text)
        .finish()
}

fn failure(message: &Value) -> (&str, Option<&str>) {
    (message["failure"]["reason"].as_str().unwrap_or_default(), message["failure"]["code"].as_str())
}

#[tokio::test]
async fn a_reply_is_accepted_sent_and_stands_once_in_the_file_as_its_echo() {
    let scene = Scene::start().await;
    let answer = scene.post("evt-1", &json!({"text": "Yes, 3 left."})).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let accepted = answer.json();
    let id = accepted["id"].as_str().unwrap().to_owned();
    assert_eq!(answer.header("location"), format!("/api/v1/messages/{id}"));
    assert_eq!(accepted["state"], "accepted");
    assert_eq!(
        accepted["parts"],
        json!([{"n": 1, "kind": "text", "state": "accepted", "platform_id": null, "failure": null}])
    );
    scene.work().await;
    let sent = scene.app.facebook.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].text.as_str(), sent[0].metadata.as_deref()), ("Yes, 3 left.", Some(&*format!("{id}:1"))));
    assert_eq!(sent[0].messaging_type, "RESPONSE");
    let message = scene.message(&id).await;
    assert_eq!((&message["state"], &message["tries"]), (&json!("sent"), &json!(1)));
    assert_eq!(message["parts"][0]["platform_id"], sent[0].mid);
    assert_eq!(scene.app.said(SAM), ["Is the blue one in stock?", "Yes, 3 left."]);
    // By the poll, too, it is one.
    scene.app.run_due_jobs().await;
    assert_eq!(scene.app.said(SAM), ["Is the blue one in stock?", "Yes, 3 left."]);
    scene.app.finish().await;
}

#[tokio::test]
async fn states_go_forward_by_receipts_in_whatever_order_they_come() {
    let scene = Scene::start().await;
    let id = scene.say("Yes.").await;
    scene.work().await;
    scene.app.clock.advance(Duration::from_secs(1));
    let page = scene.app.page();
    assert_eq!(page.deliver(&[page.read_by(&scene.sam)]).await.unwrap(), Some(200));
    scene.work().await;
    let read = scene.message(&id).await;
    assert_eq!(read["state"], "read");
    assert!(read["read_at"].is_string(), "{read}");
    assert_eq!(page.deliver(&[page.delivered_to(&scene.sam)]).await.unwrap(), Some(200));
    scene.work().await;
    assert_eq!(scene.message(&id).await["state"], "read", "never backwards");
    scene.app.finish().await;
}

#[tokio::test]
async fn a_repeat_gets_the_first_answer_and_sends_nothing() {
    let scene = Scene::start().await;
    let body = json!({"text": "Yes.", "ttl_seconds": 60});
    let first = scene.post("k", &body).await;
    scene.work().await;
    // The same as a JSON value, and other bytes.
    let again = scene
        .bot
        .send(
            Method::POST,
            &format!("{}/messages", to(SAM)),
            &[("idempotency-key", "k")],
            br#"{ "ttl_seconds":60, "text":"Yes\u002e" }"#,
        )
        .await;
    assert_eq!((again.status.as_u16(), again.header("idempotent-replayed")), (202, "true"));
    assert_eq!(again.body, first.body);
    let other = scene.post("k", &json!({"text": "No."})).await;
    let problem = is_problem(&other, 422, "idempotency-key-reused");
    assert_eq!(problem["message"], first.json()["id"]);
    scene.app.clock.advance(Duration::from_secs(25 * 60 * 60));
    let late = scene.post("k", &body).await;
    assert_eq!((late.status.as_u16(), &late.json()["state"]), (200, &json!("sent")));
    assert_eq!(scene.taken(), ["Yes."]);
    scene.app.finish().await;
}

#[tokio::test]
async fn of_a_hundred_at_once_one_is_stored_and_all_get_its_answer() {
    let scene = Scene::start().await;
    let body = json!({"text": "Yes."});
    let answers = futures(|| scene.post("same", &body), 100).await;
    let ids: std::collections::BTreeSet<String> = answers
        .iter()
        .map(|answer| {
            assert_eq!(answer.status, 202, "{answer:?}");
            answer.json()["id"].to_string()
        })
        .collect();
    assert_eq!(ids.len(), 1);
    scene.work().await;
    assert_eq!(scene.taken(), ["Yes."]);
    scene.app.finish().await;
}

#[tokio::test]
async fn two_replicas_of_a_bot_answer_an_event_once() {
    let scene = Scene::start().await;
    let event = newest_event(&scene).await;
    let body = |text: &str| json!({"text": text, "answers": event});
    let (one, other) = (body("from one"), body("from the other"));
    let (one, other) = tokio::join!(scene.post("one", &one), scene.post("other", &other));
    let (accepted, refused) = if one.status == 202 { (one, other) } else { (other, one) };
    assert_eq!(accepted.status, 202, "{accepted:?}");
    let problem = is_problem(&refused, 409, "outdated");
    assert_eq!(problem["why"], "answered");
    assert_eq!(problem["newest"], event);
    scene.work().await;
    assert_eq!(scene.taken().len(), 1);
    scene.app.clock.advance(Duration::from_secs(5));
    scene.hear("And the red one?").await;
    let late = scene.post("late", &body("too late")).await;
    let problem = is_problem(&late, 409, "outdated");
    assert_eq!(problem["why"], "superseded");
    assert_eq!(problem["newest"], newest_event(&scene).await);
    scene.app.finish().await;
}

/// The id of the newest message in the feed.
async fn newest_event(scene: &Scene) -> String {
    let page = scene.bot.get("/api/v1/events?after=0&types=message&limit=100").await.json();
    page["events"].as_array().unwrap().last().unwrap()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_long_text_is_cut_into_parts_that_go_out_in_order() {
    let scene = Scene::start().await;
    let asked = scene.hear("Tell me all.").await["message"]["mid"].clone();
    let text = ["a ".repeat(900), "b ".repeat(900), "c ".repeat(900)].map(|part| part.trim().to_owned()).join("\n\n");
    let answer =
        scene.post("long", &json!({"text": text, "choices": [{"id": "Y", "title": "Yes"}], "reply_to": asked})).await;
    assert_eq!(answer.json()["parts"].as_array().unwrap().len(), 3, "{answer:?}");
    scene.work().await;
    let sent = scene.app.facebook.sent();
    assert_eq!(sent.iter().map(|sent| sent.text.chars().next().unwrap()).collect::<String>(), "abc");
    assert!(sent[0].message["quick_replies"].is_null() && json!(sent[0].reply_to) == asked);
    assert_eq!(sent[2].message["quick_replies"][0]["payload"], "Y");
    let too_long = scene.post("too-long", &json!({"text": "x".repeat(10_001)})).await;
    assert_eq!(is_problem(&too_long, 422, "invalid")["errors"][0]["pointer"], "/text");
    scene.app.finish().await;
}

#[tokio::test]
async fn a_part_behind_one_that_failed_is_not_sent() {
    let scene = Scene::start().await;
    scene.app.facebook.fail_sends_after(1, 1, SendFailure::Refused(100, None));
    let text = ["a ".repeat(900), "b ".repeat(900), "c ".repeat(900)].join("\n\n");
    let id = scene.say(&text).await;
    scene.work().await;
    let message = scene.message(&id).await;
    let parts: Vec<(&str, &str)> = message["parts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| (part["state"].as_str().unwrap(), part["failure"]["reason"].as_str().unwrap_or_default()))
        .collect();
    assert_eq!(parts, [("sent", ""), ("failed", "refused"), ("failed", "stopped")]);
    assert_eq!((message["state"].as_str(), failure(&message)), (Some("failed"), ("refused", Some("100"))));
    scene.app.finish().await;
}

#[tokio::test]
async fn hostile_texts_arrive_as_they_are() {
    let scene = Scene::start().await;
    let texts =
        ["<script>alert(1)</script>", "\u{202e}rtl\u{2066}", "zero\u{200b}width", "👩\u{200d}🚀", "a\u{0}b", "\"'{}\\"];
    for text in texts {
        scene.say(text).await;
        scene.work().await;
    }
    assert_eq!(scene.taken(), texts);
    scene.app.finish().await;
}

#[tokio::test]
async fn half_a_surrogate_pair_is_refused_wherever_it_stands_and_stores_nothing() {
    let scene = Scene::start().await;
    let headers = [("idempotency-key", "one"), ("content-type", "application/json")];
    let messages = format!("{}/messages", to(SAM));
    for (body, pointer) in [
        (r#"{"text":"\ud800 hushed"}"#, "/text"),
        (r#"{"text":"hushed \udc00\ud800"}"#, "/text"),
        (r#"{"text":"hushed","choices":[{"id":"\ud83d","title":"hushed"}]}"#, "/choices/0/id"),
        (r#"{"text":"hushed","choices":[{"id":"hushed","title":"\ud83d"}]}"#, "/choices/0/title"),
        (r#"{"products":["\ud800"]}"#, "/products/0"),
        (r#"{"media":{"url":"https://shop.example/\ud800.jpg","type":"image"}}"#, "/media/url"),
        (r#"{"media":{"url":"https://shop.example/1.jpg","type":"\ud800"}}"#, "/media/type"),
        (r#"{"media":{"url":"https://shop.example/1.pdf","type":"file","name":"\ud800"}}"#, "/media/name"),
        (r#"{"media":{"id":"\ud800"}}"#, "/media/id"),
        (r#"{"template":{"name":"\ud800","language":"en"}}"#, "/template/name"),
        (r#"{"template":{"name":"a","language":"\ud800"}}"#, "/template/language"),
        (r#"{"template":{"name":"a","language":"en","params":["\ud800"]}}"#, "/template/params/0"),
        (r#"{"text":"hushed","reply_to":"\ud800"}"#, "/reply_to"),
        (r#"{"text":"hushed","reply_to":"m_of_nobody"}"#, "/reply_to"),
        (r#"{"text":"hushed","answers":"\ud800"}"#, "/answers"),
        (r#"{"text":"hushed","author":"\ud800"}"#, "/author"),
    ] {
        let answer = scene.bot.send(Method::POST, &messages, &headers, body.as_bytes()).await;
        let problem = is_problem(&answer, 422, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}: {problem}");
        assert!(!answer.text().contains("hushed"), "what was sent is not told again: {}", answer.text());
    }
    let pause = format!("{}/pause", to(SAM));
    let answer = scene.bot.send(Method::PUT, &pause, &[], br#"{"note":"\ud800"}"#).await;
    assert_eq!(is_problem(&answer, 422, "invalid")["errors"][0]["pointer"], "/note");
    // A whole pair is a character, and the key was not used up.
    let answer = scene.bot.send(Method::POST, &messages, &headers, br#"{"text":"\ud83d\ude00"}"#).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    scene.work().await;
    assert_eq!(scene.taken(), ["😀"]);
    scene.app.finish().await;
}

#[tokio::test]
async fn what_a_platform_says_decides_what_happens_next() {
    for (planned, state, reason, code, calls) in [
        (SendFailure::Refused(10, Some(2_018_278)), "failed", "window-closed", Some("10/2018278"), 1),
        (SendFailure::Refused(10, Some(2_018_300)), "failed", "not-owner", Some("10/2018300"), 1),
        (SendFailure::Refused(551, None), "failed", "cannot-receive", Some("551"), 1),
        (SendFailure::Refused(200, Some(1_545_041)), "failed", "cannot-receive", Some("200/1545041"), 1),
        (SendFailure::Refused(200, Some(2_018_028)), "failed", "cannot-receive", Some("200/2018028"), 1),
        (SendFailure::Refused(100, Some(2_018_047)), "failed", "media-unusable", Some("100/2018047"), 1),
        (SendFailure::Refused(999, None), "failed", "refused", Some("999"), 1),
        (SendFailure::Refused(1, None), "sent", "", None, 2),
        (SendFailure::Refused(1200, None), "sent", "", None, 2),
        (SendFailure::Throttled(613, 1), "sent", "", None, 2),
        (SendFailure::Throttled(80_006, 2), "sent", "", None, 2),
    ] {
        let scene = Scene::start().await;
        scene.app.facebook.fail_sends(1, planned.clone());
        let id = scene.say("Yes.").await;
        scene.work().await;
        if state == "sent" {
            let waiting = scene.message(&id).await;
            assert_eq!(
                (&waiting["state"], waiting["next_try_at"].is_string()),
                (&json!("accepted"), true),
                "{planned:?}"
            );
            scene.pass(300).await;
        }
        let message = scene.message(&id).await;
        assert_eq!(message["state"], state, "{planned:?}: {message}");
        assert_eq!(failure(&message), (reason, code), "{planned:?}");
        assert_eq!(message["tries"], calls, "{planned:?}");
        assert_eq!(scene.app.facebook.sent_twice(), [] as [String; 0]);
        scene.app.finish().await;
    }
}

#[tokio::test]
async fn a_lost_answer_is_resolved_by_the_echo_and_never_sent_again() {
    // The last one: an error that Messenger tells of messages that it sent.
    let sent_all_the_same = SendFailure::TakenRefused(1, Some(1_357_046));
    for failure in [SendFailure::TakenGateway(502), SendFailure::TakenCut, sent_all_the_same] {
        let scene = Scene::start().await;
        scene.app.facebook.set_echoes(Echoes::Held);
        scene.app.facebook.fail_sends(1, failure.clone());
        let id = scene.say("Yes.").await;
        scene.work().await;
        assert_eq!(scene.message(&id).await["state"], "unknown", "{failure:?}");
        let behind = scene.say("More.").await;
        scene.work().await;
        assert_eq!(scene.message(&behind).await["state"], "accepted", "what comes after it waits");
        scene.app.facebook.release().await;
        scene.work().await;
        assert_eq!(scene.message(&id).await["state"], "sent", "{failure:?}");
        scene.pass(2).await;
        assert_eq!(scene.message(&behind).await["state"], "sent");
        scene.pass(1_000).await;
        assert_eq!(scene.taken(), ["Yes.", "More."]);
        scene.app.finish().await;
    }
}

#[tokio::test]
async fn a_lost_answer_without_an_echo_is_found_by_reading_and_pauses_nobody() {
    for failure in [SendFailure::TakenCut, SendFailure::TakenRefused(1, Some(1_357_046))] {
        let scene = Scene::start().await;
        scene.app.facebook.set_echoes(Echoes::Lost);
        scene.app.facebook.fail_sends(1, failure);
        let id = scene.say("Yes.").await;
        scene.work().await;
        scene.pass(19).await;
        assert_eq!(scene.message(&id).await["state"], "unknown");
        scene.pass(2).await;
        let message = scene.message(&id).await;
        assert_eq!((&message["state"], &message["tries"]), (&json!("sent"), &json!(1)));
        assert_eq!(scene.app.said(SAM), ["Is the blue one in stock?", "Yes."]);
        assert_eq!(scene.bot.get(&to(SAM)).await.json()["pause"], Value::Null, "our own message pauses nobody");
        assert_eq!(scene.taken(), ["Yes."]);
        scene.app.finish().await;
    }
}

#[tokio::test]
async fn a_text_that_the_platform_shows_trimmed_is_known_again_by_echo_and_by_reading() {
    const TEXT: &str = "  Yes.\r\nThree are left.\n";
    for (echoes, without_metadata) in [(Echoes::Lost, false), (Echoes::Sent, true)] {
        let scene = Scene::start().await;
        scene.app.facebook.set_trims_texts(true);
        scene.app.facebook.set_echoes(echoes);
        scene.app.facebook.set_echoes_without_metadata(without_metadata);
        scene.app.facebook.fail_sends(1, SendFailure::TakenCut);
        let id = scene.say(TEXT).await;
        scene.work().await;
        if echoes == Echoes::Lost {
            assert_eq!(scene.message(&id).await["state"], "unknown");
            scene.pass(21).await;
        }
        let message = scene.message(&id).await;
        assert_eq!((&message["state"], &message["tries"]), (&json!("sent"), &json!(1)), "{echoes:?}");
        scene.pass(1_000).await;
        assert_eq!(scene.taken(), [TEXT], "{echoes:?}");
        assert_eq!(scene.bot.get(&to(SAM)).await.json()["pause"], Value::Null, "our own message pauses nobody");
        scene.app.finish().await;
    }
}

/// An echo as Instagram sends it: it names no app and carries no mark.
fn unmarked(echo: &Value) -> Value {
    let mut echo = echo.clone();
    let message = echo["message"].as_object_mut().unwrap();
    message.remove("app_id");
    message.remove("metadata");
    echo
}

#[tokio::test]
async fn the_echo_of_a_picture_that_comes_before_its_answer_silences_nobody() {
    let scene = Scene::start().await;
    scene.app.facebook.set_echoes(Echoes::Held);
    scene.app.facebook.fail_sends(1, SendFailure::TakenCut);
    let picture = json!({ "media": { "type": "image", "url": "https://cdn.shop.example/1.jpg" } });
    let answer = scene.post("picture", &picture).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    scene.work().await;
    assert_eq!(scene.message(&id).await["state"], "unknown");
    let echo = unmarked(&scene.app.facebook.held()[0]);
    assert_eq!(scene.app.page().deliver(&[echo]).await.unwrap(), Some(200));
    scene.work().await;
    let paused = async || scene.bot.get(&to(SAM)).await.json()["pause"].clone();
    assert_eq!(paused().await, Value::Null, "it may be ours");
    scene.pass(21).await;
    assert_eq!(scene.message(&id).await["state"], "sent");
    scene.pass(2).await;
    assert_eq!(paused().await, Value::Null, "it is ours");
    let told = scene.bot.get("/api/v1/events?after=0").await.json();
    let of = |kind: &str| -> Vec<Value> {
        told["events"].as_array().unwrap().iter().filter(|event| event["type"] == kind).cloned().collect()
    };
    assert_eq!(of("takeover"), [] as [Value; 0]);
    let echoes: Vec<Value> = of("echo").iter().map(|event| event["by"].clone()).collect();
    assert_eq!(echoes, ["bot"], "told once, {told}");
    scene.app.finish().await;
}

#[tokio::test]
async fn a_picture_of_a_human_while_one_of_ours_is_looked_for_silences_bots_before_anything_else_goes_out() {
    let scene = Scene::start().await;
    // No automatic answer comes so late.
    scene.pass(600).await;
    scene.app.facebook.set_echoes(Echoes::Held);
    scene.app.facebook.fail_sends(1, SendFailure::TakenCut);
    let picture = json!({ "media": { "type": "image", "url": "https://cdn.shop.example/1.jpg" } });
    assert_eq!(scene.post("picture", &picture).await.status, 202);
    let behind = scene.say("More.").await;
    scene.work().await;
    let mut echo = unmarked(&scene.app.facebook.held()[0]);
    echo["message"]["mid"] = json!("m_of-a-human");
    assert_eq!(scene.app.page().deliver(&[echo]).await.unwrap(), Some(200));
    scene.work().await;
    scene.pass(21).await;
    scene.pass(2).await;
    assert_eq!(scene.bot.get(&to(SAM)).await.json()["pause"]["by"], "human");
    let message = scene.message(&behind).await;
    assert_eq!((message["state"].as_str(), failure(&message)), (Some("failed"), ("paused", None)));
    assert_eq!(scene.app.facebook.sent().len(), 1);
    scene.app.finish().await;
}

#[tokio::test]
async fn what_is_absent_twice_is_sent_once_more() {
    for failure in [SendFailure::Gateway(503), SendFailure::Cut] {
        let scene = Scene::start().await;
        scene.app.facebook.fail_sends(1, failure.clone());
        let id = scene.say("Yes.").await;
        let behind = scene.say("More.").await;
        scene.work().await;
        scene.pass(21).await;
        assert_eq!(scene.message(&id).await["state"], "unknown", "once is no proof");
        assert_eq!(scene.taken(), [] as [String; 0]);
        scene.pass(100).await;
        scene.pass(2).await;
        let message = scene.message(&id).await;
        assert_eq!((&message["state"], &message["tries"]), (&json!("sent"), &json!(2)), "{failure:?}");
        assert_eq!(scene.message(&behind).await["state"], "sent");
        assert_eq!(scene.taken(), ["Yes.", "More."], "what is sent once more goes first");
        scene.app.finish().await;
    }
}

#[tokio::test]
async fn what_nobody_can_find_out_is_for_a_person_to_decide() {
    let scene = Scene::with(&[Scope::Read, Scope::Reply, Scope::Human]).await;
    scene.app.facebook.set_echoes(Echoes::Lost);
    scene.app.facebook.fail_sends(1, SendFailure::TakenCut);
    scene.app.facebook.traffic().fail_next("/conversations", 10_000, Failure::Status(503));
    let id = scene.say("Yes.").await;
    scene.work().await;
    for _ in 0..50 {
        scene.pass(20).await;
    }
    let message = scene.message(&id).await;
    assert_eq!((message["state"].as_str(), failure(&message)), (Some("failed"), ("unresolved", None)));
    let resolve = async |word: &str| {
        let body = json!({ "as": word }).to_string();
        scene.bot.send(Method::POST, &format!("/api/v1/messages/{id}/resolve"), &[], body.as_bytes()).await
    };
    assert_eq!(is_problem(&resolve("perhaps").await, 422, "invalid")["errors"][0]["pointer"], "/as");
    let sent = resolve("sent").await;
    assert_eq!((sent.status.as_u16(), &sent.json()["state"]), (200, &json!("sent")));
    assert_eq!(is_problem(&resolve("not_sent").await, 409, "too-late")["state"], "sent");
    assert_eq!(scene.taken(), ["Yes."]);
    scene.app.finish().await;
}

#[tokio::test]
async fn a_kill_during_a_call_leaves_no_part_sent_twice() {
    let scene = Scene::start().await;
    scene.app.facebook.set_echoes(Echoes::Lost);
    scene.app.facebook.fail_sends(1, SendFailure::TakenHang);
    let id = scene.say("Yes.").await;
    let facebook = scene.app.facebook.clone();
    let Scene { app, sam, .. } = scene;
    let called = async {
        while facebook.sent().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    app.work_until(ended("the call", called)).await;
    let app = app.kill_and_restart_with(|_| {}).await;
    let bot = Bot::start(&app, &[Scope::Read, Scope::Reply]).await;
    let scene = Scene { app, bot, sam, keys: AtomicUsize::new(0) };
    scene.work().await;
    assert_eq!(scene.message(&id).await["state"], "unknown");
    scene.pass(21).await;
    assert_eq!(scene.message(&id).await["state"], "sent");
    scene.pass(1_000).await;
    assert_eq!(scene.taken(), ["Yes."]);
    scene.app.finish().await;
}

#[tokio::test]
async fn what_was_unknown_when_the_service_stopped_is_looked_for_however_late_it_starts_again() {
    for (failure, state, taken) in [(SendFailure::TakenCut, "sent", &["Yes."][..]), (SendFailure::Cut, "failed", &[])] {
        let scene = Scene::start().await;
        scene.app.facebook.set_echoes(Echoes::Lost);
        scene.app.facebook.fail_sends(1, failure.clone());
        let id = scene.say("Yes.").await;
        scene.work().await;
        assert_eq!(scene.message(&id).await["state"], "unknown", "{failure:?}");
        scene.app.clock.advance(Duration::from_secs(3600));
        let app = scene.app.kill_and_restart_with(|_| {}).await;
        let scene = Scene::again(app, &[Scope::Read, Scope::Reply]).await;
        scene.work().await;
        scene.pass(2).await;
        scene.pass(2).await;
        let message = scene.message(&id).await;
        assert_eq!(message["state"], state, "{failure:?}: {message}");
        // What was proved absent is too old by now.
        assert_eq!(message["failure"]["reason"], if state == "sent" { Value::Null } else { json!("expired") });
        assert_eq!(scene.taken(), taken);
        scene.app.finish().await;
    }
}

#[tokio::test]
async fn what_was_not_sent_in_its_time_fails_as_expired() {
    let scene = Scene::start().await;
    scene.app.facebook.fail_sends(100, SendFailure::Refused(2, None));
    let answer = scene.post("k", &json!({"text": "Yes.", "ttl_seconds": 10})).await;
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    scene.work().await;
    scene.pass(11).await;
    let message = scene.message(&id).await;
    assert_eq!((message["state"].as_str(), failure(&message).0), (Some("failed"), "expired"), "{message}");
    scene.app.facebook.heal_sends();
    scene.pass(100).await;
    assert_eq!(scene.taken(), [] as [String; 0]);
    scene.app.finish().await;
}

#[tokio::test]
async fn a_dead_token_stops_sending_and_a_login_goes_on_with_what_waits() {
    let app = TestApp::start().await;
    let browser = app.connect().await;
    let bot = Bot::start(&app, &[Scope::Read, Scope::Reply]).await;
    let sam = app.facebook.person(SAM, "Sam Doe");
    let scene = Scene { app, bot, sam, keys: AtomicUsize::new(0) };
    scene.hear("Is the blue one in stock?").await;
    scene.app.facebook.fail_sends(1, SendFailure::Refused(190, None));
    let id = scene.say("Yes.").await;
    scene.work().await;
    assert_eq!(scene.message(&id).await["state"], "accepted");
    assert!(scene.app.shared().alerts.list().iter().any(|alert| alert.cause.ends_with(":replies")));
    scene.pass(5).await;
    assert_eq!(scene.taken(), [] as [String; 0], "it is left alone");
    scene.app.clock.advance(Duration::from_secs(5));
    let page = browser.follow("/facebook/login").await;
    assert_eq!(page.status, 200);
    scene.pass(5).await;
    assert_eq!(scene.message(&id).await["state"], "sent");
    assert!(!scene.app.shared().alerts.list().iter().any(|alert| alert.cause.ends_with(":replies")));
    scene.app.finish().await;
}

#[tokio::test]
async fn the_window_closes_for_bots_and_says_what_is_still_allowed() {
    let scene = Scene::with(&[Scope::Read, Scope::Reply, Scope::Human]).await;
    scene.app.clock.advance(Duration::from_secs(24 * 60 * 60));
    let problem = is_problem(&scene.post("k", &json!({"text": "Late."})).await, 409, "window-closed");
    assert!(problem["closed_at"].is_string());
    assert_eq!(problem["allowed"], json!([]));
    let by_human = json!({"text": "Late.", "author": "human"});
    is_problem(&scene.post("h", &by_human).await, 403, "not-permitted");
    // After seven days nobody may write, whatever the settings say.
    scene.app.clock.advance(Duration::from_secs(6 * 24 * 60 * 60 - 60));
    is_problem(&scene.post("h", &by_human).await, 403, "not-permitted");
    scene.app.clock.advance(Duration::from_secs(60));
    let problem = is_problem(&scene.post("h", &by_human).await, 409, "window-closed");
    assert_eq!(problem["allowed"], json!([]));
    scene.app.finish().await;
}

#[tokio::test]
async fn a_human_answers_for_seven_days_where_the_app_may_and_silences_bots() {
    let app = TestApp::start_with(|config| config.facebook.as_mut().unwrap().human_agent = true).await;
    app.facebook.allow_human_agent(true);
    app.connect().await;
    let bot = Bot::start(&app, &[Scope::Read, Scope::Reply, Scope::Human]).await;
    let sam = app.facebook.person(SAM, "Sam Doe");
    let scene = Scene { app, bot, sam, keys: AtomicUsize::new(0) };
    scene.hear("Is the blue one in stock?").await;
    scene.app.clock.advance(Duration::from_secs(2 * 24 * 60 * 60));
    let problem = is_problem(&scene.post("k", &json!({"text": "Late."})).await, 409, "window-closed");
    assert_eq!(problem["allowed"], json!(["human"]));
    let answer = scene.post("h", &json!({"text": "It is.", "author": "human"})).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    scene.work().await;
    let sent = scene.app.facebook.sent();
    assert_eq!((sent[0].messaging_type.as_str(), sent[0].tag.as_deref()), ("MESSAGE_TAG", Some("HUMAN_AGENT")));
    scene.hear("Thanks!").await;
    let problem = is_problem(&scene.post("b", &json!({"text": "A bot."})).await, 409, "paused");
    assert_eq!(problem["by"], "human");
    scene.app.finish().await;
}

#[tokio::test]
async fn bots_without_the_scope_do_not_write_as_humans() {
    let scene = Scene::start().await;
    let answer = scene.post("h", &json!({"text": "Me.", "author": "human"})).await;
    assert_eq!(is_problem(&answer, 403, "scope-missing")["scope"], "human");
    scene.app.finish().await;
}

#[tokio::test]
async fn a_person_who_cannot_receive_is_not_written_to_until_they_write() {
    let scene = Scene::start().await;
    scene.app.page().set_reach(&scene.sam, Reach::Blocked);
    let id = scene.say("Yes.").await;
    scene.work().await;
    assert_eq!(failure(&scene.message(&id).await).0, "cannot-receive");
    let problem = is_problem(&scene.post("again", &json!({"text": "Yes?"})).await, 409, "cannot-receive");
    assert_eq!(problem["why"], "blocked");
    scene.app.page().set_reach(&scene.sam, Reach::Open);
    scene.app.clock.advance(Duration::from_secs(1));
    scene.hear("I am back").await;
    scene.say("Welcome.").await;
    scene.work().await;
    assert_eq!(scene.taken(), ["Welcome."]);
    scene.app.finish().await;
}

#[tokio::test]
async fn a_message_is_taken_back_before_its_call_and_not_after() {
    let scene = Scene::start().await;
    scene.app.facebook.fail_sends(1, SendFailure::Throttled(613, 1));
    scene.say("First.").await;
    scene.work().await;
    let waiting = scene.say("Wait.").await;
    let delete = async |id: &str| scene.bot.send(Method::DELETE, &format!("/api/v1/messages/{id}"), &[], b"").await;
    assert_eq!(delete(&waiting).await.status, 204);
    assert_eq!(delete(&waiting).await.status, 204, "once more is no error");
    assert_eq!(failure(&scene.message(&waiting).await).0, "taken-back");
    let sent = scene.say("Sent.").await;
    scene.pass(120).await;
    assert_eq!(is_problem(&delete(&sent).await, 409, "too-late")["state"], "sent");
    assert_eq!(scene.taken(), ["First.", "Sent."]);
    is_problem(&delete("msg_unknown").await, 404, "not-found");
    scene.app.finish().await;
}

#[tokio::test]
async fn n4_too_often_without_a_word_of_why_slows_reads_down_too() {
    let scene = Scene::start().await;
    scene.app.facebook.fail_sends(1, SendFailure::Gateway(429));
    scene.say("Later.").await;
    scene.work().await;
    assert_eq!(scene.taken(), [""; 0]);
    // What is read in the background of this Page waits for as long: the platform counts calls of both together.
    let before = scene.app.facebook.traffic().received().len();
    let page = ReadRequest::Everything;
    let now_ms = scene.app.clock.now_ms();
    scene.app.shared().journal.request_read("facebook", PAGE, page, now_ms).await.unwrap();
    scene.app.settle().await;
    assert_eq!(scene.app.facebook.traffic().received().len(), before, "nothing is asked during the pause");
    scene.pass(301).await;
    assert_eq!(scene.taken(), ["Later."]);
    assert!(scene.app.facebook.traffic().received().len() > before + 1);
    scene.app.finish().await;
}

#[tokio::test]
async fn bad_requests_are_told_what_is_wrong_and_store_nothing() {
    let scene = Scene::start().await;
    let body = json!({"text": "Hi"});
    for headers in [vec![], vec![("idempotency-key", "")], vec![("idempotency-key", "with blank")]] {
        let path = format!("{}/messages", to(SAM));
        let answer = scene.bot.send(Method::POST, &path, &headers, body.to_string().as_bytes()).await;
        is_problem(&answer, 400, "idempotency-key-missing");
    }
    is_problem(&scene.post(&"k".repeat(256), &body).await, 400, "idempotency-key-missing");
    is_problem(&scene.post_to(&to("7000000000000099"), "k", &body).await, 404, "not-found");
    is_problem(&scene.post_to("/api/v1/facebook/999/conversations/7", "k", &body).await, 404, "not-found");
    is_problem(&scene.post("k", &json!({"text": "Hi", "colour": "red"})).await, 422, "invalid");
    is_problem(&scene.post("k", &json!({"text": "Hi", "answers": "evt_00"})).await, 422, "invalid");
    let template = json!({"template": {"name": "a", "language": "en"}});
    let problem = is_problem(&scene.post("k", &template).await, 422, "unsupported");
    assert!(problem["can"].as_array().unwrap().contains(&json!("text")));
    let media = json!({"media": {"url": "https://10.0.0.1/x.jpg", "type": "image"}});
    is_problem(&scene.post("k", &media).await, 422, "media-refused");
    let products = is_problem(&scene.post("k", &json!({"products": ["404"]})).await, 422, "product-unavailable");
    assert_eq!(products["ids"], json!(["404"]));
    // None of them used the key up.
    assert_eq!(scene.post("k", &body).await.status, 202);
    scene.app.finish().await;
}

#[tokio::test]
async fn another_merchants_ids_are_not_found() {
    let scene = Scene::start().await;
    let id = scene.say("Yes.").await;
    scene.app.shopify.add_shop("other-shop.myshopify.com", "Other");
    let other = scene.app.browser().follow("/shopify/other-shop.myshopify.com/login").await;
    assert_eq!(other.status, 200);
    let merchant = crate::api_keys::owner(&scene.app, "other-shop.myshopify.com").await;
    let stranger = Bot::of(&scene.app, merchant, &[Scope::Read, Scope::Reply, Scope::Human]).await;
    let headers = [("idempotency-key", "k")];
    for (method, path, body) in [
        (Method::POST, format!("{}/messages", to(SAM)), &br#"{"text":"Hi"}"#[..]),
        (Method::POST, format!("{}/typing", to(SAM)), b""),
        (Method::POST, format!("{}/seen", to(SAM)), b""),
        (Method::GET, to(SAM), b""),
        (Method::PUT, format!("{}/pause", to(SAM)), b"{}"),
        (Method::GET, format!("/api/v1/messages/{id}"), b""),
        (Method::DELETE, format!("/api/v1/messages/{id}"), b""),
        (Method::POST, format!("/api/v1/messages/{id}/resolve"), br#"{"as":"sent"}"#),
    ] {
        is_problem(&stranger.send(method, &path, &headers, body).await, 404, "not-found");
    }
    scene.work().await;
    assert_eq!(scene.taken(), ["Yes."]);
    scene.app.finish().await;
}

#[tokio::test]
async fn waiting_for_a_message_answers_when_it_is_known_and_repeats_get_that_answer() {
    let scene = Scene::start().await;
    let working = scene.app.start_working().await;
    let headers = [("idempotency-key", "k"), ("prefer", "wait=20")];
    let path = format!("{}/messages", to(SAM));
    let answer = scene.bot.send(Method::POST, &path, &headers, br#"{"text":"Yes."}"#).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["state"]), (202, &json!("sent")));
    let repeat = scene.bot.send(Method::POST, &path, &headers, br#"{"text":"Yes."}"#).await;
    assert_eq!(repeat.body, answer.body);
    scene.app.stop_working(working).await;
    scene.app.finish().await;
}

#[tokio::test]
async fn a_pause_that_the_platform_told_of_outlives_a_start() {
    const KIM: &str = "7000000000000002";
    let scene = Scene::start().await;
    let kim = scene.app.facebook.person(KIM, "Kim Doe");
    let item = scene.app.page().message_from(&kim, "And the red one?");
    assert_eq!(scene.app.page().deliver(&[item]).await.unwrap(), Some(200));
    scene.app.settle().await;
    scene.app.facebook.fail_sends(1, SendFailure::Throttled(613, 1));
    scene.say("Yes.").await;
    scene.work().await;
    let scene = Scene::again(scene.app.restart().await, &[Scope::Read, Scope::Reply]).await;
    assert_eq!(scene.post_to(&to(KIM), "kim", &json!({"text": "No."})).await.status, 202);
    scene.work().await;
    assert_eq!(scene.taken(), [""; 0], "nobody else is called either");
    for _ in 0..9 {
        scene.pass(60).await;
    }
    assert_eq!(scene.taken().len(), 2);
    scene.app.finish().await;
}

#[tokio::test]
async fn z1_a_call_under_way_is_brought_to_its_end_before_the_service_stops() {
    let scene = Scene::start().await;
    let answers = Arc::new(Notify::new());
    let traffic = scene.app.facebook.traffic();
    traffic.fail_next("/messages", 1, Failure::Late(Arc::clone(&answers)));
    let working = scene.app.start_working().await;
    let (called, next) = (scene.say("Yes.").await, scene.say("And more.").await);
    until("the call", || traffic.count("/messages") > 0).await;
    let mut stops = Box::pin(scene.app.stop_working(working));
    let stopped = tokio::time::timeout(Duration::from_millis(300), stops.as_mut()).await;
    assert!(stopped.is_err(), "it does not wait for the answer");
    answers.notify_one();
    stops.await;
    assert_eq!(scene.message(&called).await["state"], "sent");
    assert_eq!(scene.message(&next).await["state"], "accepted", "the next one waits for the next start");

    let scene = Scene::again(scene.app.restart().await, &[Scope::Read, Scope::Reply]).await;
    scene.work().await;
    assert_eq!(scene.taken(), ["Yes.", "And more."]);
    scene.app.finish().await;
}

#[tokio::test]
async fn a5_who_waits_for_a_message_holds_no_place_that_others_need() {
    let scopes = [Scope::Read, Scope::Reply];
    let scene = Scene::of(TestApp::start_with(|config| config.server.limits.requests = 2).await, &scopes).await;
    let path = format!("{}/messages", to(SAM));
    let wait = async |key: &str| {
        let headers = [("idempotency-key", key), ("prefer", "wait=20")];
        loop {
            let answer = scene.bot.send(Method::POST, &path, &headers, br#"{"text":"Yes."}"#).await;
            // Five come at once, and two may be at work.
            if answer.status != 503 {
                return answer;
            }
        }
    };
    let others = async {
        let begun = Instant::now();
        let waiting = async || {
            scene.app.journal_sql(|journal| {
                journal.query_row("SELECT count(*) FROM outgoing", [], |row| row.get::<_, i64>(0))
            })
        };
        while waiting().await < 3 {
            assert!(begun.elapsed() < Duration::from_secs(10), "those who wait keep others out");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        for _ in 0..20 {
            assert_eq!(scene.bot.get("/api/v1/me").await.status, 200);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        scene.app.start_working().await
    };
    // The second, fourth and fifth wait for the first, whose answer they get.
    let (first, second, third, other, more, working) =
        tokio::join!(wait("1"), wait("1"), wait("1"), wait("2"), wait("3"), others);
    for answer in [&first, &second, &third, &other, &more] {
        assert_eq!((answer.status.as_u16(), &answer.json()["state"]), (202, &json!("sent")), "{answer:?}");
    }
    assert_eq!((&second.body, &third.body), (&first.body, &first.body));
    scene.app.stop_working(working).await;
    scene.app.finish().await;
}

#[tokio::test]
async fn typing_and_seen_reach_the_person_and_not_twice_within_five_seconds() {
    let scene = Scene::start().await;
    for path in ["typing", "typing", "seen"] {
        let answer = scene.bot.send(Method::POST, &format!("{}/{path}", to(SAM)), &[], b"").await;
        assert_eq!(answer.status, 204);
    }
    scene.work().await;
    let mut actions: Vec<String> =
        scene.app.facebook.sender_actions().into_iter().map(|action| action.action).collect();
    actions.sort_unstable();
    assert_eq!(actions, ["mark_seen", "typing_on"]);

    // Renewed every two seconds, it goes out every five or six: what is held back holds nothing back.
    for _ in 0..6 {
        scene.app.clock.advance(Duration::from_secs(2));
        let answer = scene.bot.send(Method::POST, &format!("{}/typing", to(SAM)), &[], b"").await;
        assert_eq!(answer.status, 204);
        scene.app.work().await;
    }
    let typing = scene.app.facebook.sender_actions().into_iter().filter(|action| action.action == "typing_on").count();
    assert_eq!(typing, 3);
    scene.app.finish().await;
}

#[tokio::test]
async fn what_was_stored_is_sent_also_where_the_caller_goes_in_the_middle() {
    let scene = Scene::start().await;
    let path = format!("{}/messages", to(SAM));
    let stored = || {
        scene
            .app
            .journal_sql(|journal| journal.query_row("SELECT count(*) FROM outgoing", [], |row| row.get::<_, i64>(0)))
    };
    for number in 1..=20 {
        let key = format!("key-{number}");
        let headers = [("idempotency-key", key.as_str()), ("prefer", "wait=20")];
        tokio::select! {
            answer = scene.bot.send(Method::POST, &path, &headers, br#"{"text":"Yes."}"#) => panic!("{answer:?}"),
            () = until("the message", || stored() == number) => {}
        }
    }
    for _ in 0..20 {
        scene.work().await;
    }
    assert_eq!(scene.taken().len(), 20);
    scene.app.finish().await;
}

#[tokio::test]
async fn each_change_of_a_message_is_one_status_event() {
    let scene = Scene::start().await;
    scene.app.facebook.set_echoes(Echoes::Doubled);
    let id = scene.say("Yes.").await;
    scene.work().await;
    let page = scene.bot.get("/api/v1/events?after=0&types=status&limit=100").await.json();
    let states: Vec<&str> = page["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| {
            assert_eq!(event["message"]["id"], id);
            event["message"]["state"].as_str().unwrap()
        })
        .collect();
    assert_eq!(states, ["sent"]);
    scene.app.finish().await;
}

#[tokio::test]
async fn a_merchant_answers_by_hand_on_the_conversations_page() {
    let app = TestApp::start().await;
    let browser = app.connect().await;
    let bot = Bot::start(&app, &[Scope::Read, Scope::Reply]).await;
    let sam = app.facebook.person(SAM, "Sam Doe");
    let scene = Scene { app, bot, sam, keys: AtomicUsize::new(0) };
    scene.hear("Is anybody there?").await;
    let browser = browser.for_pages();
    let path = format!("/conversations/facebook/{PAGE}/{SAM}");
    let form = filled_in(&browser.get(&path).await.text(), "Yes,\r\nwe are <here>.");
    for _ in 0..2 {
        let answer = browser.post_form(&format!("{path}/answer"), &form).await;
        assert_eq!(answer.status, 303, "{answer:?}");
    }
    scene.work().await;
    assert_eq!(scene.taken(), ["Yes,\nwe are <here>."], "a form that is sent twice is one message");
    let page = browser.get(&path).await.text();
    assert!(page.contains("You, ") && page.contains(": sent"), "{page}");
    is_problem(&scene.post("b", &json!({"text": "A bot."})).await, 409, "paused");
    let without = browser.post_form(&format!("{path}/answer"), "text=x&key=y").await;
    assert_eq!(without.status, 403);
    scene.app.finish().await;
}

#[tokio::test]
async fn products_become_cards_of_the_catalogue_as_it_is_when_they_are_sent() {
    let app = TestApp::start().await;
    for title in ["Snowboard Classic", "Wax"] {
        app.shop().add_product(title);
    }
    app.connect().await;
    let bot = Bot::start(&app, &[Scope::Read, Scope::Reply]).await;
    let sam = app.facebook.person(SAM, "Sam Doe");
    let scene = Scene { app, bot, sam, keys: AtomicUsize::new(0) };
    scene.hear("Is the snowboard in stock?").await;
    let products = scene.bot.get("/api/v1/products?limit=2").await.json();
    let products = products["products"].as_array().unwrap().clone();
    assert_eq!(products.len(), 2);
    let ids: Vec<&Value> = products.iter().map(|product| &product["id"]).collect();
    let answer = scene.post("cards", &json!({"text": "These fit.", "products": ids})).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let kinds: Vec<&str> = vec!["text", "products"];
    let answer = answer.json();
    let parts: Vec<&str> =
        answer["parts"].as_array().unwrap().iter().map(|part| part["kind"].as_str().unwrap()).collect();
    assert_eq!(parts, kinds);
    scene.work().await;
    let sent = scene.app.facebook.sent();
    let elements = &sent[1].message["attachment"]["payload"]["elements"];
    assert_eq!(elements.as_array().unwrap().len(), products.len());
    assert_eq!(elements[0]["title"], products[0]["title"]);
    assert!(elements[0]["subtitle"].as_str().unwrap().starts_with(products[0]["price"].as_str().unwrap()));
    let event = scene.bot.get("/api/v1/events?after=0&types=message&limit=100").await.json();
    assert_eq!(event["events"][0]["shop"]["id"], crate::test_app::SHOP);
    assert_eq!(event["events"][0]["products"][0]["title"], "Snowboard Classic");
    scene.app.finish().await;
}

#[tokio::test]
async fn a_command_where_no_service_runs_answers_nobody() {
    let scene = Scene::start().await;
    scene.app.facebook.fail_sends(1, SendFailure::Throttled(613, 1));
    let id = scene.say("Yes.").await;
    scene.work().await;
    let scene = Scene::again(scene.app.restart().await, &[Scope::Read]).await;
    scene.app.clock.advance(Duration::from_secs(120));
    let cases = [
        Command::ListKeys { json: true },
        Command::RevokeKey { id: "unknown".to_owned() },
        Command::Rebuild { account: None },
        Command::Replay { event: None, since_ms: None },
        Command::Sync { channel: None, account: None },
    ];
    for command in cases {
        scene.app.carry_out(command.clone()).await;
        assert_eq!(
            (scene.taken().len(), scene.message(&id).await["state"].as_str()),
            (0, Some("accepted")),
            "{command:?}"
        );
    }
    assert_eq!(scene.app.said(SAM), ["Is the blue one in stock?"], "files are written");
    scene.work().await;
    assert_eq!(scene.taken(), ["Yes."]);
    scene.app.finish().await;
}

#[tokio::test]
async fn what_another_person_said_is_not_quoted_and_a_repeat_needs_the_scope_of_its_message() {
    let scene = Scene::with(&[Scope::Read, Scope::Reply]).await;
    let alex = scene.app.facebook.person("7000000000000002", "Alex Roe");
    let of_alex = scene.app.page().message_from(&alex, "our secret");
    assert_eq!(scene.app.page().deliver(std::slice::from_ref(&of_alex)).await.unwrap(), Some(200));
    scene.app.settle().await;
    let quote = json!({"text": "Yes.", "reply_to": of_alex["message"]["mid"]});
    let problem = is_problem(&scene.post("quote", &quote).await, 422, "invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/reply_to");

    let by_human = json!({"text": "It is me, Eva.", "author": "human"});
    let headers = [("idempotency-key", "by-eva"), ("content-type", "application/json")];
    let path = format!("{}/messages", to(SAM));
    let eva = Bot::start(&scene.app, &[Scope::Human]).await;
    let body = by_human.to_string();
    assert_eq!(eva.send(Method::POST, &path, &headers, body.as_bytes()).await.status, 202);
    let answer = scene.bot.send(Method::POST, &path, &headers, body.as_bytes()).await;
    assert_eq!(is_problem(&answer, 403, "scope-missing")["scope"], "human");
    scene.app.finish().await;
}

#[tokio::test]
async fn what_was_said_long_ago_is_quoted_however_much_that_is_no_message_came_after_it() {
    let scene = Scene::start().await;
    let old = scene.hear("The first question").await["message"]["mid"].clone();
    for hundred in 0..11 {
        let referral = |one: u64| {
            json!({
                "sender": {"id": SAM}, "recipient": {"id": PAGE}, "timestamp": scene.app.clock.now_ms(),
                "referral": {"ref": format!("{hundred}-{one}"), "source": "SHORTLINK", "type": "OPEN_THREAD"},
            })
        };
        scene.app.clock.advance(Duration::from_secs(1));
        let all: Vec<Value> = (0..100).map(referral).collect();
        assert_eq!(scene.app.page().force_deliver(&all).await.unwrap(), 200);
    }
    scene.app.settle().await;
    let quoted = scene.post("quote", &json!({"text": "Yes.", "reply_to": old})).await;
    assert_eq!(quoted.status, 202, "{quoted:?}");
    scene.work().await;
    scene.app.finish().await;
}
