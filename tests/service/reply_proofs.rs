//! Answers as their contract tells them: who may answer, what becomes of what waits, and how long it is known; on Messenger and
//! Instagram alike.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use shoptalk::commands::{Command, Line, MessageWanted};
use shoptalk::facebook::sandbox::{Echoes, Page, Person, SendFailure};
use shoptalk::shared::channel::dialogue::Sent;
use shoptalk::shared::channel::simulator::Failure;
use shoptalk::shared::erasure::Scope as Erase;
use shoptalk::shared::store::Outcome;
use shoptalk::shared::store::api_keys::Scope;
use tokio::sync::Notify;

use crate::api_keys::{Bot, is_problem};
use crate::replies::{Scene, to};
use crate::test_app::{Answer, FACEBOOK_APP_ID, PAGE, TestApp};
use crate::waiting::until;
use crate::whatsapp;

const SAM: &str = "7000000000000001";
const ACCOUNT: &str = "17841400000000001";
const KIM: &str = "9000000000000001";
/// The inbox of each channel as an app.
fn inbox_app(channel: &str) -> String {
    if channel == "instagram" { "1217981644879628".to_owned() } else { "263902037430900".to_owned() }
}

const ALL: [Scope; 3] = [Scope::Read, Scope::Reply, Scope::Human];
const DAY: u64 = 24 * 60 * 60;

/// An inbox of Meta's, and a person who wrote there.
struct Inbox {
    app: TestApp,
    bot: Bot,
    account: Page,
    person: Person,
    /// Where the person's conversation is.
    path: String,
    channel: &'static str,
}

impl Inbox {
    /// On this channel.
    async fn of(channel: &'static str) -> Self {
        let app = TestApp::start_with(|config| config.facebook.as_mut().unwrap().instagram = true).await;
        let instagram = app.facebook.add_instagram(PAGE, ACCOUNT, "demo.shop");
        app.connect().await;
        let bot = Bot::start(&app, &ALL).await;
        let (account, person, name) = match channel {
            "instagram" => (instagram, app.facebook.person(KIM, "Kim"), ACCOUNT),
            _ => (app.page(), app.facebook.person(SAM, "Sam Doe"), PAGE),
        };
        let path = format!("/api/v1/{channel}/{name}/conversations/{}", person.id);
        let inbox = Self { app, bot, account, person, path, channel };
        inbox.deliver(inbox.account.message_from(&inbox.person, "Is the blue one in stock?")).await;
        inbox
    }

    async fn deliver(&self, item: Value) {
        assert_eq!(self.account.deliver(&[item]).await.unwrap(), Some(200));
        self.app.settle().await;
    }

    async fn post(&self, key: &str, body: &Value) -> Answer {
        let headers = [("idempotency-key", key), ("content-type", "application/json")];
        self.bot.send(Method::POST, &format!("{}/messages", self.path), &headers, body.to_string().as_bytes()).await
    }

    async fn say(&self, key: &str, text: &str) -> String {
        let answer = self.post(key, &json!({ "text": text })).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    async fn message(&self, id: &str) -> Value {
        self.bot.get(&format!("/api/v1/messages/{id}")).await.json()
    }

    async fn pause(&self, method: Method, body: &[u8]) -> u16 {
        self.bot.send(method, &format!("{}/pause", self.path), &[], body).await.status.as_u16()
    }

    async fn work(&self) {
        self.app.work().await;
        self.app.facebook.echoes_arrived().await;
        self.app.work().await;
    }

    async fn pass(&self, seconds: u64) {
        self.app.clock.advance(Duration::from_secs(seconds));
        self.work().await;
    }

    /// What stands in the conversation's file.
    fn said(&self) -> Vec<String> {
        let account = self.path.split('/').nth(4).unwrap();
        let file = format!("{}/{account}/conversations/{}.json", self.channel, self.person.id);
        let items = self.app.json(&file);
        let texts = items.as_array().unwrap().iter().filter_map(|item| item["message"]["text"].as_str());
        texts.map(str::to_owned).collect()
    }

    /// The calls about the control of the thread.
    fn control_calls(&self) -> Vec<(String, Option<String>)> {
        self.app.facebook.control_calls().into_iter().map(|call| (call.call, call.target_app_id)).collect()
    }
}

const INBOXES: [&str; 2] = ["facebook", "instagram"];

#[tokio::test]
async fn a_hand_over_passes_the_thread_to_the_inbox_and_its_end_takes_it_back() {
    for channel in INBOXES {
        let inbox = Inbox::of(channel).await;
        inbox.account.set_owner(&inbox.person, Some(FACEBOOK_APP_ID));
        assert_eq!(inbox.pause(Method::PUT, br#"{"minutes":60}"#).await, 200);
        inbox.work().await;
        assert_eq!(inbox.control_calls(), [], "{channel}: a pause alone passes nothing on");
        assert_eq!(inbox.pause(Method::PUT, br#"{"minutes":60,"handover":true}"#).await, 200);
        inbox.work().await;
        let passed = ("pass_thread_control".to_owned(), Some(inbox_app(channel)));
        assert_eq!(inbox.control_calls(), std::slice::from_ref(&passed), "{channel}");
        assert_eq!(inbox.account.owner(&inbox.person), Some(inbox_app(channel)));
        assert_eq!(inbox.pause(Method::DELETE, b"").await, 204);
        inbox.work().await;
        assert_eq!(inbox.control_calls(), [passed, ("take_thread_control".to_owned(), None)], "{channel}");
        assert_eq!(inbox.account.owner(&inbox.person).as_deref(), Some(FACEBOOK_APP_ID));
        inbox.app.finish().await;
    }
}

#[tokio::test]
async fn who_answers_in_the_inbox_of_either_is_a_human() {
    for channel in INBOXES {
        let inbox = Inbox::of(channel).await;
        inbox.app.clock.advance(Duration::from_secs(60));
        inbox.deliver(inbox.account.reply_to(&inbox.person, "It is Eva.")).await;
        let echo = inbox.bot.get("/api/v1/events?after=0&types=echo").await.json()["events"][0].take();
        assert_eq!((&echo["by"], &echo["text"]), (&json!("human"), &json!("It is Eva.")), "{channel}");
        assert_eq!(inbox.bot.get(&inbox.path).await.json()["pause"]["by"], "human", "{channel}");
        inbox.app.finish().await;
    }
}

#[tokio::test]
async fn a_platform_that_refuses_to_pass_a_thread_on_changes_no_pause() {
    for channel in INBOXES {
        let inbox = Inbox::of(channel).await;
        // Another app's thread is not ours to pass on.
        inbox.account.set_owner(&inbox.person, Some("42"));
        assert_eq!(inbox.pause(Method::PUT, br#"{"minutes":60,"handover":true}"#).await, 200);
        inbox.work().await;
        assert_eq!(inbox.control_calls(), [], "{channel}");
        assert_eq!(is_problem(&inbox.post("k", &json!({"text": "Yes."})).await, 409, "paused")["by"], "api");
        inbox.app.facebook.refuse_take_control(true);
        assert_eq!(inbox.pause(Method::DELETE, b"").await, 204);
        inbox.work().await;
        assert_eq!(inbox.control_calls(), [], "{channel}");
        assert_eq!(inbox.bot.get(&inbox.path).await.json()["pause"], Value::Null);
        inbox.app.finish().await;
    }
}

#[tokio::test]
async fn while_another_app_holds_the_thread_bots_are_refused_and_humans_are_not() {
    for channel in INBOXES {
        let inbox = Inbox::of(channel).await;
        let taken = inbox.account.control_taken_by(&inbox.person, "42", "");
        assert_eq!(inbox.account.force_deliver(&[taken]).await.unwrap(), 200);
        inbox.app.settle().await;
        is_problem(&inbox.post("k", &json!({"text": "Yes."})).await, 409, "not-owner");
        let shown = inbox.bot.get(&inbox.path).await.json();
        assert_eq!((&shown["owner"], &shown["reason"]), (&json!("other"), &json!("not_owner")), "{channel}");
        let human = json!({"text": "It is me.", "author": "human"});
        assert_eq!(inbox.post("h", &human).await.status, 202);
        inbox.app.close().await;
    }
}

#[tokio::test]
async fn cards_are_of_one_shop() {
    let app = TestApp::start().await;
    // The simulated shops number their products alike, and the real ones do not.
    app.shop().add_product("Gone").delete();
    app.shop().add_product("Snowboard Classic");
    let other = app.shopify.add_shop("other-shop.myshopify.com", "Other");
    other.add_product("Wax");
    let browser = app.connect().await;
    assert_eq!(browser.follow("/shopify/other-shop.myshopify.com/login").await.status, 200);
    let scene = Scene::again(app, &[Scope::Read, Scope::Reply]).await;
    scene.hear("What do you sell?").await;
    let found = scene.bot.get("/api/v1/products?limit=10").await.json();
    let ids: Vec<&Value> = found["products"].as_array().unwrap().iter().map(|product| &product["id"]).collect();
    assert_eq!(ids.len(), 2, "{found}");
    let problem = is_problem(&scene.post("k", &json!({ "products": ids })).await, 422, "product-unavailable");
    assert_eq!((&problem["why"], &problem["ids"]), (&json!("several_shops"), &json!(ids)));
    assert_eq!(scene.post("k", &json!({ "products": [ids[0]] })).await.status, 202);
    scene.work().await;
    scene.app.finish().await;
}

#[tokio::test]
async fn a_person_who_says_that_it_was_not_sent_has_it_sent_once_with_a_new_life() {
    let scene = Scene::with(&ALL).await;
    scene.app.facebook.set_echoes(Echoes::Lost);
    scene.app.facebook.fail_sends(1, SendFailure::Cut);
    scene.app.facebook.traffic().fail_next("/conversations", 10_000, Failure::Status(503));
    let id = scene.post("k", &json!({"text": "Yes.", "ttl_seconds": 120})).await.json()["id"].clone();
    let id = id.as_str().unwrap();
    scene.work().await;
    for _ in 0..50 {
        scene.pass(20).await;
    }
    assert_eq!(scene.message(id).await["failure"]["reason"], "unresolved");
    let path = format!("/api/v1/messages/{id}/resolve");
    let answer = scene.bot.send(Method::POST, &path, &[], br#"{"as":"not_sent"}"#).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let told = answer.json();
    let expires = scene.app.clock.now() + Duration::from_secs(120);
    assert_eq!((&told["state"], &told["failure"]), (&json!("accepted"), &Value::Null));
    assert_eq!(told["expires_at"], expires.to_rfc3339_opts(chrono::SecondsFormat::Millis, true));
    scene.work().await;
    let message = scene.message(id).await;
    assert_eq!((&message["state"], &message["tries"]), (&json!("sent"), &json!(2)));
    scene.pass(300).await;
    assert_eq!(scene.taken(), ["Yes."], "once");
    let again = scene.bot.send(Method::POST, &path, &[], br#"{"as":"not_sent"}"#).await;
    assert_eq!(is_problem(&again, 409, "too-late")["state"], "sent");
    scene.app.finish().await;
}

#[tokio::test]
async fn what_bots_have_waiting_fails_when_a_pause_begins_and_what_humans_have_does_not() {
    for channel in INBOXES {
        let inbox = Inbox::of(channel).await;
        inbox.app.facebook.fail_sends(2, SendFailure::Refused(2, None));
        let bots = inbox.say("bot", "Yes.").await;
        inbox.work().await;
        assert_eq!(inbox.message(&bots).await["state"], "accepted");
        // A human who answers silences bots: what waits of them is not sent behind it.
        let human = inbox.post("human", &json!({"text": "I am Eva.", "author": "human"})).await.json();
        let failed = inbox.message(&bots).await;
        assert_eq!((&failed["state"], &failed["failure"]["reason"]), (&json!("failed"), &json!("paused")), "{channel}");
        inbox.work().await;
        inbox.pass(300).await;
        assert_eq!(inbox.message(human["id"].as_str().unwrap()).await["state"], "sent");
        let taken: Vec<String> = inbox.app.facebook.sent().into_iter().map(|sent| sent.text).collect();
        assert_eq!(taken, ["I am Eva."], "{channel}");
        inbox.app.finish().await;
    }
}

#[tokio::test]
async fn each_inbox_takes_texts_in_its_own_parts_and_a_long_one_arrives_whole() {
    for (channel, parts) in [("facebook", 3), ("instagram", 4)] {
        let inbox = Inbox::of(channel).await;
        // Messenger counts characters, Instagram bytes: 3,600 of them.
        let text = ["ä ".repeat(1_200), "b".repeat(1_999)].concat();
        let text = if channel == "instagram" { "ä ".repeat(1_200).trim().to_owned() } else { text };
        let answer = inbox.post("long", &json!({ "text": text })).await;
        assert_eq!(answer.json()["parts"].as_array().map(Vec::len), Some(parts), "{channel}: {answer:?}");
        for _ in 0..parts {
            inbox.work().await;
        }
        let sent: Vec<String> = inbox.app.facebook.sent().into_iter().map(|sent| sent.text).collect();
        let longest = sent.iter().map(|text| if channel == "instagram" { text.len() } else { text.chars().count() });
        assert!(longest.max().unwrap() <= if channel == "instagram" { 1_000 } else { 2_000 });
        assert_eq!(sent.join(" "), text, "{channel}");
        inbox.app.finish().await;
    }
}

#[tokio::test]
async fn ten_thousand_characters_arrive_whole_both_ways() {
    let scene = Scene::start().await;
    let long = "🏂".repeat(10_000);
    scene.hear(&long).await;
    let page = scene.bot.get("/api/v1/events?after=0&types=message&limit=100").await.json();
    assert_eq!(page["events"].as_array().unwrap().last().unwrap()["text"], json!(long));
    assert_eq!(scene.app.said(SAM).last().unwrap(), &long);
    let answer = scene.post("long", &json!({ "text": long })).await;
    assert_eq!(answer.json()["parts"].as_array().map(Vec::len), Some(5), "{answer:?}");
    for _ in 0..5 {
        scene.work().await;
    }
    assert_eq!(scene.taken().concat(), long);
    scene.app.finish().await;

    let scene = whatsapp::Scene::start().await;
    let words: String = (0..1_000).map(|n| format!("word{n:05} ")).collect();
    let words = words.trim().to_owned();
    assert!(words.chars().count() >= 9_999);
    scene.say(&json!({ "text": words })).await;
    for _ in 0..4 {
        scene.pass(5).await;
    }
    assert_eq!(scene.ada.received_texts().join(" "), words);
    scene.finish().await;
}

#[tokio::test]
async fn states_of_an_inbox_and_an_echo_without_our_mark_is_ours_by_its_text() {
    for channel in INBOXES {
        let inbox = Inbox::of(channel).await;
        inbox.app.facebook.set_echoes_without_metadata(true);
        inbox.app.facebook.set_echoes(Echoes::Held);
        inbox.app.facebook.fail_sends(1, SendFailure::TakenCut);
        let id = inbox.say("k", "Yes, 3 left.").await;
        inbox.work().await;
        assert_eq!(inbox.message(&id).await["state"], "unknown", "{channel}");
        inbox.app.facebook.release().await;
        inbox.work().await;
        let message = inbox.message(&id).await;
        assert_eq!((&message["state"], &message["tries"]), (&json!("sent"), &json!(1)), "{channel}: {message}");
        let shown = inbox.bot.get(&inbox.path).await.json();
        assert_eq!(shown["pause"], Value::Null, "{channel}: it is ours, and pauses nobody");
        let echoes = inbox.bot.get("/api/v1/events?after=0&types=echo").await.json();
        assert_eq!(echoes["events"][0]["by"], "bot", "{channel}");
        inbox.pass(1_000).await;
        assert_eq!(inbox.said(), ["Is the blue one in stock?", "Yes, 3 left."], "{channel}: once");
        inbox.deliver(inbox.account.read_by(&inbox.person)).await;
        assert_eq!(inbox.message(&id).await["state"], "read", "{channel}");
        inbox.app.finish().await;
    }
}

#[tokio::test]
async fn a_copy_that_does_not_come_within_a_minute_is_read() {
    for channel in INBOXES {
        let inbox = Inbox::of(channel).await;
        inbox.app.facebook.set_echoes(Echoes::Lost);
        let id = inbox.say("k", "Yes.").await;
        inbox.work().await;
        assert_eq!(inbox.message(&id).await["state"], "sent");
        inbox.pass(59).await;
        assert_eq!(inbox.said(), ["Is the blue one in stock?"], "{channel}");
        inbox.pass(6).await;
        inbox.work().await;
        assert_eq!(inbox.said(), ["Is the blue one in stock?", "Yes."], "{channel}");
        let read = inbox.app.facebook.traffic().count("/conversations");
        inbox.pass(300).await;
        assert_eq!(inbox.app.facebook.traffic().count("/conversations"), read, "{channel}: once");
        assert_eq!(inbox.bot.get(&inbox.path).await.json()["pause"], Value::Null);
        inbox.app.finish().await;
    }
}

#[tokio::test]
async fn each_change_is_one_status_event_and_what_changes_nothing_is_none() {
    let scene = Scene::start().await;
    let states = async || -> Vec<(String, String)> {
        let page = scene.bot.get("/api/v1/events?after=0&types=status&limit=100").await.json();
        let of = |event: &Value, name: &str| event["message"][name].as_str().unwrap().to_owned();
        page["events"].as_array().unwrap().iter().map(|event| (of(event, "id"), of(event, "state"))).collect()
    };
    scene.app.facebook.fail_sends(1, SendFailure::Refused(2, None));
    let id = scene.say("Yes.").await;
    scene.work().await;
    assert_eq!(states().await, [], "acceptance is none, and neither is a try");
    scene.pass(300).await;
    let page = scene.app.page();
    scene.app.clock.advance(Duration::from_secs(1));
    for _ in 0..2 {
        assert_eq!(page.deliver(&[page.delivered_to(&scene.sam)]).await.unwrap(), Some(200));
        scene.work().await;
    }
    for _ in 0..2 {
        assert_eq!(page.deliver(&[page.read_by(&scene.sam)]).await.unwrap(), Some(200));
        scene.work().await;
    }
    scene.app.facebook.fail_sends(1, SendFailure::Refused(100, None));
    let failed = scene.say("No.").await;
    scene.work().await;
    let change = |id: &str, state: &str| (id.to_owned(), state.to_owned());
    let expected = [change(&id, "sent"), change(&id, "delivered"), change(&id, "read"), change(&failed, "failed")];
    assert_eq!(states().await, expected);
    scene.app.finish().await;
}

#[tokio::test]
async fn messages_are_known_for_thirty_days() {
    let scene = Scene::start().await;
    let id = scene.say("Yes.").await;
    scene.work().await;
    scene.pass(30 * DAY - 60).await;
    let bot = Bot::start(&scene.app, &[Scope::Read]).await;
    assert_eq!(bot.get(&format!("/api/v1/messages/{id}")).await.json()["state"], "sent");
    scene.pass(2 * 60 * 60).await;
    is_problem(&bot.get(&format!("/api/v1/messages/{id}")).await, 404, "not-found");
    let left: i64 =
        scene.app.journal_sql(|journal| journal.query_row("SELECT count(*) FROM outgoing_parts", [], |row| row.get(0)));
    assert_eq!(left, 0);
    assert_eq!(scene.app.said(SAM), ["Is the blue one in stock?", "Yes."], "what was said stays");
    scene.app.finish().await;
}

/// What the command told, and whether it went well.
async fn send(app: &TestApp, wanted: MessageWanted) -> (String, bool) {
    match app.command(Command::Send(wanted)).await.as_slice() {
        [Line::Said { text }, Line::End { good }] => (text.clone(), *good),
        [Line::Refused { text }, Line::End { good: false }] => (text.clone(), false),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_command_sends_product_cards_and_templates() {
    let scene = whatsapp::Scene::start().await;
    let wanted = |text: &str| MessageWanted {
        channel: "whatsapp".to_owned(),
        account: whatsapp::NUMBER.to_owned(),
        person: scene.ada.user_id(),
        text: text.to_owned(),
        products: Vec::new(),
        template: None,
        is_human: false,
        waits: true,
    };
    let found = scene.bot.get("/api/v1/products?limit=1").await.json();
    let id = found["products"][0]["id"].as_str().unwrap().to_owned();
    let (told, good) = send(&scene.app, MessageWanted { products: vec![id], ..wanted("This one fits.") }).await;
    assert!(good && told.ends_with(" sent"), "{told}");
    scene.pass(5).await;
    let card = scene.ada.received().pop().unwrap();
    assert!(card.text.starts_with("This one fits.\n\n"), "{card:?}");
    // Nobody wrote from there yet.
    let person = "46555010009".to_owned();
    scene.number.person(&person, "Bo Lind");
    let template = Some("shipping_note".to_owned());
    let (told, good) = send(&scene.app, MessageWanted { person: person.clone(), template, ..wanted("PX-42") }).await;
    assert!(good && told.ends_with(" sent"), "{told}");
    let received = scene.platform.traffic().received();
    let body: Value = serde_json::from_str(&received.last().unwrap().text()).unwrap();
    assert_eq!((&body["template"]["name"], &body["to"]), (&json!("shipping_note"), &json!("+46555010009")));
    let template = Some("no_such_template".to_owned());
    let (told, good) = send(&scene.app, MessageWanted { template, ..wanted("PX-42") }).await;
    assert!(!good && told.contains("failed: template-unusable"), "{told}");
    scene.work().await;
    scene.finish().await;
}

#[tokio::test]
async fn a_message_that_another_app_wrote_is_not_ours_although_it_says_the_same() {
    let scene = Scene::start().await;
    scene.app.facebook.set_echoes(Echoes::Held);
    scene.app.facebook.fail_sends(1, SendFailure::Cut);
    let id = scene.say("Yes.").await;
    scene.work().await;
    assert_eq!(scene.message(&id).await["state"], "unknown");
    let echo = scene.app.page().reply_by_app(&scene.sam, "Yes.", 42);
    assert_eq!(scene.app.page().deliver(&[echo]).await.unwrap(), Some(200));
    scene.app.settle().await;
    assert_eq!(scene.message(&id).await["state"], "unknown");
    is_problem(&scene.post_to(&to(SAM), "k", &json!({"text": "Hi."})).await, 409, "paused");
    scene.app.close().await;
}

#[tokio::test]
async fn a_delivery_that_is_told_before_the_answer_of_its_call_counts_once_the_messages_own_time_is_known() {
    let scene = Scene::with(&ALL).await;
    scene.app.facebook.set_echoes(Echoes::Lost);
    let (answers, traffic) = (Arc::new(Notify::new()), scene.app.facebook.traffic());
    traffic.fail_next("/messages", 1, Failure::Late(Arc::clone(&answers)));
    let id = scene.say("Yes.").await;
    let working = scene.app.start_working().await;
    while scene.taken().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    scene.app.clock.advance(Duration::from_secs(2));
    let mut delivered = scene.app.page().delivered_to(&scene.sam);
    delivered["delivery"].as_object_mut().unwrap().remove("mids");
    delivered["delivery"]["watermark"] = json!(scene.app.clock.now_ms() - 1_000);
    assert_eq!(scene.app.page().deliver(&[delivered]).await.unwrap(), Some(200));
    while scene
        .app
        .journal_sql(|journal| journal.prepare("SELECT 1 FROM outgoing_receipts")?.exists([]).map(|one| !one))
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    answers.notify_one();
    scene.app.stop_working(working).await;
    assert_eq!(scene.message(&id).await["state"], "sent", "when it was sent is known by our own clock alone");
    let scene = Scene::again(scene.app.restart().await, &ALL).await;
    scene.pass(70).await;
    scene.work().await;
    let message = scene.message(&id).await;
    assert_eq!(message["state"], "delivered", "{message}");
    assert!(message["sent_at"].as_str() <= message["delivered_at"].as_str(), "{message}");
    scene.app.finish().await;
}

#[tokio::test]
async fn a_call_whose_message_was_erased_meanwhile_ends_and_leaves_nothing_behind() {
    let scene = Scene::with(&ALL).await;
    let (answers, traffic) = (Arc::new(Notify::new()), scene.app.facebook.traffic());
    traffic.fail_next("/messages", 1, Failure::Late(Arc::clone(&answers)));
    scene.say("Yes.").await;
    let working = scene.app.start_working().await;
    until("the call is made", || !scene.taken().is_empty()).await;
    let (channel, account, person) = ("facebook".to_owned(), PAGE.to_owned(), SAM.to_owned());
    let scope = Erase::Person { channel, account, person };
    scene.app.shared().erasure.request(vec![scope], "a test", None).await.unwrap();
    let count =
        || scene.app.journal_sql(|sql| sql.query_row("SELECT count(*) FROM outgoing", [], |row| row.get::<_, i64>(0)));
    until("the message is erased", || count() == 0).await;
    answers.notify_one();
    scene.app.stop_working(working).await;
    // The answer is stored again and again where that fails; this is what it comes to.
    let sent = Outcome::Sent(Sent { platform_id: "m_1".to_owned(), ..Sent::default() });
    assert!(scene.app.shared().journal.end_call(1, 1, sent).await.unwrap().is_none());
    assert_eq!(count(), 0);
    scene.app.close().await;
}

#[tokio::test]
async fn an_answer_that_may_have_arrived_is_not_given_again_until_somebody_says_that_it_was_not_sent() {
    let scene = Scene::with(&ALL).await;
    let asked = scene.bot.get("/api/v1/events?after=0&types=message").await.json()["events"][0]["id"].clone();
    scene.app.facebook.set_echoes(Echoes::Lost);
    scene.app.facebook.fail_sends(1, SendFailure::TakenCut);
    scene.app.facebook.traffic().fail_next("/conversations", 10_000, Failure::Status(503));
    let answer = json!({"text": "Yes.", "answers": asked});
    let id = scene.post("one", &answer).await.json()["id"].clone();
    let id = id.as_str().unwrap();
    scene.work().await;
    for _ in 0..50 {
        scene.pass(20).await;
    }
    assert_eq!(scene.message(id).await["failure"]["reason"], "unresolved");
    let shown = scene.bot.get(&to(SAM)).await.json();
    assert_eq!((&shown["bot_may_answer"], &shown["reason"]), (&json!(false), &json!("answered")));
    let refused = is_problem(&scene.post("two", &answer).await, 409, "outdated");
    assert_eq!((&refused["why"], &refused["newest"]), (&json!("answered"), &asked));
    // A human looks, and knows what they do.
    assert_eq!(scene.taken(), ["Yes."]);
    let path = format!("/api/v1/messages/{id}/resolve");
    assert_eq!(scene.bot.send(Method::POST, &path, &[], br#"{"as":"sent"}"#).await.status, 200);
    is_problem(&scene.post("three", &answer).await, 409, "outdated");
    // The next question is one of its own.
    scene.app.clock.advance(Duration::from_secs(60));
    scene.hear("And the red one?").await;
    assert_eq!(scene.bot.get(&to(SAM)).await.json()["bot_may_answer"], true);
    scene.app.finish().await;
}
