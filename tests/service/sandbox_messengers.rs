//! The simulated WhatsApp, Viber and LinkedIn, asked over HTTP as a bot would ask: a test for each rule of a platform that a
//! sender or a receiver has to get right.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::RawQuery;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use shoptalk::shared::channel::simulator::{Loopback, SendFailure, Traffic, Webhooks};
use shoptalk::shared::clock::Clock;
use shoptalk::{linkedin, viber, whatsapp};

use crate::test_app::beginning;

/// Whoever hears the webhooks of a simulator, and a client to ask it.
struct Ear {
    clock: Clock,
    hook: Traffic,
    http: reqwest::Client,
    server: Loopback,
}

const LINKEDIN_SECRET: &str = "li-test-client-secret";

fn hmac_hex(key: &str, message: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Answers both platforms' challenges.
async fn challenge(RawQuery(query): RawQuery) -> Response {
    let query: HashMap<String, String> =
        form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
    if let Some(code) = query.get("challengeCode") {
        let response = hmac_hex(LINKEDIN_SECRET, code.as_bytes());
        return axum::Json(json!({"challengeCode": code, "challengeResponse": response})).into_response();
    }
    if query["hub.verify_token"] == "right" {
        query["hub.challenge"].clone().into_response()
    } else {
        "no".into_response()
    }
}

impl Ear {
    async fn new() -> Self {
        let hook = Traffic::default();
        let router = axum::Router::new().route("/hook", get(challenge).post(async || ()));
        let server = Loopback::start(router, hook.clone()).await.unwrap();
        let tls = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let http = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy();
        let http = http.timeout(Duration::from_secs(10)).build().unwrap();
        Self { clock: Clock::manual(beginning()), hook, http, server }
    }

    fn now(&self) -> shoptalk::shared::channel::simulator::Now {
        let clock = self.clock.clone();
        Arc::new(move || clock.now())
    }

    fn address(&self) -> String {
        format!("{}/hook", self.server.url())
    }

    /// The bodies that were delivered.
    fn heard(&self) -> Vec<Value> {
        let posts = self.hook.received().into_iter().filter(|request| request.method == "POST");
        posts.map(|request| serde_json::from_slice(&request.body).unwrap()).collect()
    }
}

async fn answered(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default())
}

/// Whether the connection was closed before or in the middle of the answer.
async fn breaks_off(request: reqwest::RequestBuilder) -> bool {
    match request.send().await {
        Ok(response) => response.bytes().await.is_err(),
        Err(error) => !error.is_timeout() && !error.is_connect(),
    }
}

struct WhatsApp {
    ear: Ear,
    sandbox: whatsapp::sandbox::Sandbox,
    shop: whatsapp::sandbox::Number,
    ada: whatsapp::sandbox::Person,
    token: String,
}

const NUMBER: &str = "310000000000001";

impl WhatsApp {
    /// Ada has written.
    async fn start() -> Self {
        let ear = Ear::new().await;
        let options = whatsapp::sandbox::Options {
            app_id: "900000000000001".to_owned(),
            app_secret: "test-app-secret".to_owned(),
            now: ear.now(),
        };
        let sandbox = whatsapp::sandbox::Sandbox::start(options).await.unwrap();
        let shop = sandbox.add_number("210000000000001", NUMBER, "15550100001", "Harbour Cafe");
        sandbox.set_callback(&ear.address(), "right").await.unwrap();
        shop.subscribe_app();
        let (ada, token) = (shop.person("15550100777", "Ada Perera"), sandbox.system_user_token());
        assert_eq!(ada.writes("Is the blue one in stock?").await.answers, [200]);
        Self { ear, sandbox, shop, ada, token }
    }

    fn post(&self, body: &Value) -> reqwest::RequestBuilder {
        let url = format!("{}/v26.0/{NUMBER}/messages", self.sandbox.url());
        self.ear.http.post(url).bearer_auth(&self.token).json(body)
    }

    async fn send(&self, kind: &str, content: Value) -> (u16, Value) {
        answered(self.post(&to_ada(kind, content))).await
    }

    async fn say(&self, text: &str) -> (u16, Value) {
        self.send("text", json!({ "body": text })).await
    }

    /// The statuses that were delivered, in order.
    async fn statuses(&self) -> Vec<Value> {
        self.sandbox.settled().await;
        let values = self.ear.heard().into_iter().map(|body| body["entry"][0]["changes"][0]["value"].clone());
        values.flat_map(|value| value["statuses"].as_array().cloned().unwrap_or_default()).collect()
    }
}

fn to_ada(kind: &str, content: Value) -> Value {
    let mut body = json!({"messaging_product": "whatsapp", "to": "+15550100777", "type": kind, "biz_opaque_callback_data": "msg_1:1"});
    body[kind] = content;
    body
}

#[tokio::test]
async fn whatsapp_delivers_signed_messages_and_statuses_that_carry_the_mark_and_the_price() {
    let whatsapp = WhatsApp::start().await;
    let request = whatsapp.ear.hook.received().pop().unwrap();
    let signature = format!("sha256={}", hmac_hex("test-app-secret", &request.body));
    assert_eq!(request.headers["x-hub-signature-256"], signature.as_str());
    let value = whatsapp.ear.heard().pop().unwrap()["entry"][0]["changes"][0]["value"].clone();
    assert_eq!(value["metadata"], json!({"display_phone_number": "15550100001", "phone_number_id": NUMBER}));
    assert_eq!(value["contacts"][0]["user_id"], value["messages"][0]["from_user_id"]);
    assert_eq!(value["messages"][0]["timestamp"], whatsapp.ear.clock.now().timestamp().to_string());

    let (status, answer) = whatsapp.say("Yes, three left.").await;
    assert_eq!((status, &answer["contacts"]), (200, &json!([{"input": "+15550100777", "wa_id": "15550100777"}])));
    let id = &answer["messages"][0]["id"];
    whatsapp.sandbox.settled().await;
    whatsapp.ada.reads().await;
    let statuses = whatsapp.statuses().await;
    let names: Vec<&str> = statuses.iter().map(|one| one["status"].as_str().unwrap()).collect();
    assert_eq!(names, ["sent", "delivered", "read"]);
    assert!(statuses.iter().all(|one| &one["id"] == id && one["biz_opaque_callback_data"] == "msg_1:1"));
    assert_eq!(statuses[0]["pricing"]["type"], "free_customer_service");
    assert_eq!((statuses[1].get("pricing").is_some(), statuses[2].get("pricing")), (true, None));
    assert_eq!(whatsapp.ada.received_texts(), ["Yes, three left."]);
    assert!(whatsapp.sandbox.traffic().unknown().is_empty());
}

#[tokio::test]
async fn whatsapp_takes_free_messages_for_24_hours_and_tells_by_code() {
    let whatsapp = WhatsApp::start().await;
    let code = |answer: (u16, Value)| (answer.0, answer.1["error"]["code"].as_i64().unwrap_or_default());
    whatsapp.ear.clock.advance(Duration::from_secs(24 * 3600 - 1));
    assert_eq!(whatsapp.say("still open").await.0, 200);
    whatsapp.ear.clock.advance(Duration::from_secs(1));
    let (status, answer) = whatsapp.say("closed").await;
    assert_eq!((status, &answer["error"]["code"]), (400, &json!(131_047)));
    assert_eq!(answer["error"]["error_data"]["messaging_product"], "whatsapp");
    whatsapp.ada.writes("open again").await;
    whatsapp.sandbox.set_refuses_late(true);
    whatsapp.ada.blocks();
    assert_eq!(whatsapp.say("blocked").await.0, 200, "the platform finds out after it answered");
    let failed = whatsapp.statuses().await.pop().unwrap();
    assert_eq!((&failed["status"], &failed["errors"][0]["code"]), (&json!("failed"), &json!(131_026)));
    assert_eq!(failed.get("recipient_user_id"), None);
    whatsapp.ada.unblocks();
    whatsapp.sandbox.kill_tokens();
    assert_eq!(code(whatsapp.say("dead token").await), (401, 190));
}

#[tokio::test]
async fn whatsapp_reads_numbers_without_a_plus_as_its_own_country_and_user_ids_as_recipients() {
    let whatsapp = WhatsApp::start().await;
    whatsapp.ada.hides_number("@ada");
    let mut body = to_ada("text", json!({"body": "by user id"}));
    body.as_object_mut().unwrap().remove("to");
    body["recipient"] = whatsapp.ada.user_id().into();
    let (_, answer) = answered(whatsapp.post(&body)).await;
    assert_eq!(answer["contacts"], json!([{"input": whatsapp.ada.user_id(), "user_id": whatsapp.ada.user_id()}]));
    assert!(whatsapp.statuses().await.iter().all(|one| one.get("recipient_id").is_none()));
    body["to"] = "15550100777".into();
    let (_, answer) = answered(whatsapp.post(&body)).await;
    assert_eq!(answer["contacts"][0]["wa_id"], "115550100777", "to wins, and is read as a number of the own country");
    assert_eq!(whatsapp.statuses().await.pop().unwrap()["errors"][0]["code"], 131_026);
    assert_eq!(whatsapp.ada.received_texts(), ["by user id"]);
}

#[tokio::test]
async fn whatsapp_holds_back_a_pair_after_45_messages_and_a_number_after_80_a_second() {
    let whatsapp = WhatsApp::start().await;
    for n in 0..45 {
        assert_eq!(whatsapp.say(&n.to_string()).await.0, 200, "{n}");
    }
    assert_eq!(whatsapp.say("one too many").await.1["error"]["code"], 131_056);
    let bo = whatsapp.shop.person("46555010099", "Bo Lind");
    bo.writes("hej").await;
    let mut body = to_ada("text", json!({"body": "x"}));
    body["to"] = "+46555010099".into();
    let mut codes = Vec::new();
    for _ in 0..34 {
        codes.push(answered(whatsapp.post(&body)).await.1["error"]["code"].as_i64());
    }
    // Two came in, 45 went to the first, so 33 are left of this second.
    assert_eq!(codes[..33], [None; 33]);
    assert_eq!(codes[33], Some(130_429));
    whatsapp.ear.clock.advance(Duration::from_secs(6));
    assert_eq!(whatsapp.say("one more").await.0, 200);
}

#[tokio::test]
async fn whatsapp_buttons_lists_and_carousels_have_limits_and_taps_quote_them() {
    let whatsapp = WhatsApp::start().await;
    let button = |id: &str, title: &str| json!({"type": "reply", "reply": {"id": id, "title": title}});
    let buttons =
        |list: Vec<Value>| json!({"type": "button", "body": {"text": "Shall I?"}, "action": {"buttons": list}});
    let (_, answer) = whatsapp.send("interactive", buttons(vec![button("Y", "Yes"), button("N", "No")])).await;
    let tapped = whatsapp.ada.taps("Yes").await.unwrap();
    assert_eq!(
        tapped.item["interactive"],
        json!({"type": "button_reply", "button_reply": {"id": "Y", "title": "Yes"}})
    );
    assert_eq!(tapped.item["context"], json!({"from": "15550100001", "id": answer["messages"][0]["id"]}));
    let four = (0..4).map(|n| button(&n.to_string(), &n.to_string())).collect();
    assert_eq!(whatsapp.send("interactive", buttons(four)).await.1["error"]["code"], 131_009);
    let long = buttons(vec![button("Y", "A title of 21 signs …")]);
    assert_eq!(whatsapp.send("interactive", long).await.0, 400);
    assert_eq!(whatsapp.send("interactive", buttons(vec![button("1", "Same"), button("2", "Same")])).await.0, 400);

    let rows: Vec<Value> = (1..=10).map(|n| json!({"id": format!("row-{n}"), "title": format!("Row {n}")})).collect();
    let list = json!({"type": "list", "body": {"text": "Which?"}, "action": {"button": "Choose", "sections": [{"rows": rows}]}});
    assert_eq!(whatsapp.send("interactive", list).await.0, 200);
    let tapped = whatsapp.ada.taps("Row 7").await.unwrap();
    assert_eq!(tapped.item["interactive"]["list_reply"]["id"], "row-7");

    let card = |n: usize| {
        json!({"card_index": n, "type": "cta_url", "header": {"type": "image", "image": {"link": "https://cdn.example/1.jpg"}},
            "body": {"text": format!("Card {n}")},
            "action": {"name": "cta_url", "parameters": {"display_text": "Look", "url": "https://shop.example/1"}}})
    };
    let carousel = |count: usize| {
        let cards: Vec<Value> = (0..count).map(card).collect();
        json!({"type": "carousel", "body": {"text": "These"}, "action": {"cards": cards}})
    };
    assert_eq!(whatsapp.send("interactive", carousel(1)).await.0, 400);
    assert_eq!(whatsapp.send("interactive", carousel(3)).await.0, 200);
    assert_eq!(whatsapp.ada.received().pop().unwrap().links.len(), 6);
}

#[tokio::test]
async fn whatsapp_failures_tell_taken_from_not_taken_and_webhooks_wait_double_and_join() {
    let whatsapp = WhatsApp::start().await;
    whatsapp.sandbox.fail_sends(1, SendFailure::TakenCut);
    assert!(breaks_off(whatsapp.post(&to_ada("text", json!({"body": "taken"})))).await);
    whatsapp.ada.fail_sends(1, SendFailure::Cut);
    assert!(breaks_off(whatsapp.post(&to_ada("text", json!({"body": "lost"})))).await);
    whatsapp.sandbox.fail_sends(1, SendFailure::Refused(131_000));
    assert_eq!(whatsapp.say("broken").await.0, 500);
    assert_eq!(whatsapp.ada.received_texts(), ["taken"]);
    whatsapp.say("again").await;
    assert_eq!(whatsapp.sandbox.sent_twice(), ["msg_1:1"]);
    whatsapp.sandbox.settled().await;

    let before = whatsapp.ear.heard().len();
    whatsapp.sandbox.set_webhooks(Webhooks::Held);
    let bo = whatsapp.shop.person("46555010099", "Bo Lind");
    assert!(whatsapp.ada.writes("one").await.answers.is_empty());
    bo.writes("two").await;
    assert_eq!(whatsapp.ear.heard().len(), before);
    assert_eq!(whatsapp.sandbox.release_together().await, Some(200));
    let body = whatsapp.ear.heard().pop().unwrap();
    let value = &body["entry"][0]["changes"][0]["value"];
    assert_eq!((value["messages"].as_array().unwrap().len(), value["contacts"].as_array().unwrap().len()), (2, 2));
    whatsapp.sandbox.set_webhooks(Webhooks::Doubled);
    assert_eq!(whatsapp.ada.writes("twice").await.answers, [200, 200]);
    whatsapp.sandbox.set_webhooks(Webhooks::Sent);
    whatsapp.ear.hook.fail_next("/hook", 1, shoptalk::shared::channel::simulator::Failure::Status(503));
    assert_eq!(whatsapp.ada.writes("not taken").await.answers, [503]);
    assert_eq!(whatsapp.sandbox.release().await, [200]);
    whatsapp.shop.unsubscribe_app();
    assert!(whatsapp.ada.writes("nobody hears").await.answers.is_empty());
    assert!(whatsapp.sandbox.waiting().is_empty());
}

struct Viber {
    ear: Ear,
    sandbox: viber::sandbox::Sandbox,
    dilan: viber::sandbox::Person,
}

const VIBER_TOKEN: &str = "4a1b2c3d4e5f6071-8293a4b5c6d7e8f9-0a1b2c3d4e5f6071";
const DILAN: &str = "dGVzdC11c2VyLTAx/A+/==";

impl Viber {
    async fn start() -> Self {
        let ear = Ear::new().await;
        let options = viber::sandbox::Options {
            token: VIBER_TOKEN.to_owned(),
            bot_id: "pa:7534659427546854672".to_owned(),
            name: "Harbour Cafe".to_owned(),
            now: ear.now(),
        };
        let sandbox = viber::sandbox::Sandbox::start(options).await.unwrap();
        let dilan = sandbox.person(DILAN, "Dilan K");
        Self { ear, sandbox, dilan }
    }

    async fn call(&self, method: &str, body: &Value) -> Value {
        let request = self.ear.http.post(format!("{}/{method}", self.sandbox.url()));
        let (status, body) = answered(request.header("X-Viber-Auth-Token", VIBER_TOKEN).json(body)).await;
        assert_eq!(status, 200, "errors, too, have status 200");
        body
    }

    async fn register(&self) -> Value {
        self.call("set_webhook", &json!({"url": self.ear.address(), "send_name": true})).await
    }

    async fn say(&self, text: &str) -> Value {
        self.call("send_message", &to_dilan(json!({"type": "text", "text": text}))).await
    }
}

fn to_dilan(message: Value) -> Value {
    let mut body = json!({"receiver": DILAN, "sender": {"name": "Harbour Cafe"}, "tracking_data": "msg_1:1"});
    for (name, value) in message.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

#[tokio::test]
async fn viber_calls_the_webhook_before_set_webhook_answers_and_signs_with_the_token() {
    let viber = Viber::start().await;
    assert_eq!(viber.say("too early").await["status"], 10);
    viber.ear.hook.fail_next("/hook", 1, shoptalk::shared::channel::simulator::Failure::Status(500));
    assert_eq!(viber.register().await["status"], 1);
    assert_eq!(viber.call("set_webhook", &json!({"url": "http://hooks.example/viber"})).await["status"], 1);
    let answer = viber.register().await;
    assert_eq!(answer["status"], 0);
    assert!(answer["event_types"].as_array().unwrap().contains(&json!("client_status")));
    let request = viber.ear.hook.received().pop().unwrap();
    let signature = hmac_hex(VIBER_TOKEN, &request.body);
    assert_eq!(request.headers["x-viber-content-signature"], signature.as_str());
    assert_eq!(
        (request.query, viber.ear.heard().pop().unwrap()["event"].clone()),
        (format!("sig={signature}"), json!("webhook"))
    );
    let request = viber.ear.http.post(format!("{}/get_account_info", viber.sandbox.url())).body("{}");
    assert_eq!(answered(request).await.1["status"], 2);
}

#[tokio::test]
async fn viber_answers_with_64_bit_tokens_and_delivers_once_to_who_has_written() {
    let viber = Viber::start().await;
    viber.register().await;
    assert_eq!(viber.say("not yet").await["status"], 6);
    assert_eq!(
        viber
            .call("send_message", &json!({"receiver": "x", "sender": {"name": "A"}, "type": "text", "text": "x"}))
            .await["status"],
        5
    );
    assert_eq!(viber.dilan.opens_chat(Some("poster-7")).await.happened.body["context"], "poster-7");
    assert_eq!(viber.say("opening is no subscription").await["status"], 6);
    let happened = viber.dilan.writes("is the table free?").await;
    assert_eq!((happened.answers, &happened.body["sender"]["name"]), (vec![200], &json!("Dilan K")));
    let answer = viber.say("Yes, from 18:00.").await;
    let token = answer["message_token"].as_u64().unwrap();
    assert!(token > 1 << 53 && (token as f64) as u64 != token, "no double holds it");
    assert_eq!((&answer["status"], &answer["billing_status"]), (&json!(0), &json!(1)));
    viber.sandbox.settled().await;
    let delivered = viber.ear.heard().pop().unwrap();
    assert_eq!(
        (&delivered["event"], &delivered["message_token"], &delivered["user_id"]),
        (&json!("delivered"), &json!(token), &json!(DILAN))
    );
    let again = viber.dilan.writes("thanks").await;
    assert_eq!(again.body["message"]["tracking_data"], "msg_1:1");
    viber.say("one").await;
    let last = viber.say("two").await["message_token"].clone();
    assert_eq!(viber.dilan.reads().await.unwrap().body["message_token"], last, "one seen covers all");
    assert!(viber.dilan.reads().await.is_none());
    viber.dilan.unsubscribes().await;
    assert_eq!(viber.say("gone").await["status"], 6);
    assert_eq!(viber.dilan.received_texts(), ["Yes, from 18:00.", "one", "two"]);
}

#[tokio::test]
async fn viber_checks_every_type_and_its_limits() {
    let viber = Viber::start().await;
    viber.register().await;
    viber.dilan.writes("hi").await;
    let button = json!({"Text": "<b>Yes</b>", "ActionType": "reply", "ActionBody": "YES", "Columns": 3, "Rows": 1});
    let keyboard = json!({"Type": "keyboard", "Buttons": [button]});
    let link = "https://media.example/v1.mp4";
    let big = "x".repeat(7001);
    let rich = json!({"Type": "rich_media", "ButtonsGroupColumns": 6, "ButtonsGroupRows": 7, "Buttons": [button]});
    for (message, status) in [
        (json!({"type": "text", "text": "Shall I?", "keyboard": keyboard}), 0),
        (json!({"type": "text", "text": big}), 3),
        (json!({"type": "text", "text": ""}), 4),
        (
            json!({"type": "text", "text": "x", "sender": {"name": "A name of more than 28 signs"}, "min_api_version": 1}),
            0,
        ),
        (json!({"type": "text", "text": "x", "sender": {"name": "A name of more than 28 signs!"}}), 3),
        (json!({"type": "text", "text": "x", "sender": {}}), 4),
        (json!({"type": "text", "text": "x", "min_api_version": 99}), 13),
        (json!({"type": "picture", "text": "", "media": "https://media.example/p.jpg"}), 0),
        (json!({"type": "video", "media": link}), 4),
        (json!({"type": "video", "media": link, "size": 27_262_977}), 3),
        (json!({"type": "video", "media": "https://media.example/v1.avi", "size": 9}), 3),
        (json!({"type": "video", "media": link, "size": 900_000, "duration": 12}), 0),
        (json!({"type": "file", "media": link, "size": 10, "file_name": "menu.pdf"}), 0),
        (json!({"type": "rich_media", "rich_media": rich}), 3),
        (json!({"type": "rich_media", "rich_media": rich, "min_api_version": 7}), 0),
        (json!({"type": "poem"}), 3),
    ] {
        let answer = viber.call("send_message", &to_dilan(message.clone())).await;
        assert_eq!(answer["status"], status, "{message}: {answer}");
    }
    let huge = to_dilan(json!({"type": "text", "text": "é".repeat(7000), "keyboard": {"Type": "keyboard", "Buttons": [
        {"Text": "x", "ActionBody": "y".repeat(20_000)}]}}));
    assert_eq!(viber.call("send_message", &huge).await["status"], 3);
    assert_eq!(viber.dilan.taps("Yes").await.unwrap().body["message"]["text"], "YES");
}

#[tokio::test]
async fn viber_stops_at_100_an_hour_without_a_reply_and_failures_tell_taken_from_not_taken() {
    let viber = Viber::start().await;
    viber.register().await;
    viber.dilan.writes("hi").await;
    for n in 0..100 {
        assert_eq!(viber.say(&n.to_string()).await["status"], 0, "{n}");
    }
    assert_eq!(viber.say("one too many").await["status"], 12);
    viber.dilan.writes("stop").await;
    viber.sandbox.fail_sends(1, SendFailure::Refused(7));
    assert_eq!(viber.say("blocked").await["status"], 7);
    viber.sandbox.fail_sends(1, SendFailure::TakenGateway(502));
    let request = viber.ear.http.post(format!("{}/send_message", viber.sandbox.url()));
    let body = to_dilan(json!({"type": "text", "text": "taken"}));
    assert_eq!(answered(request.header("X-Viber-Auth-Token", VIBER_TOKEN).json(&body)).await.0, 502);
    assert_eq!(viber.dilan.received_texts().last().unwrap(), "taken");
    viber.dilan.lets_the_session_end();
    assert_eq!(viber.say("charged").await["billing_status"], 3);
    assert_eq!(viber.sandbox.sent_twice().len(), 101);
}

struct LinkedIn {
    ear: Ear,
    sandbox: linkedin::sandbox::Sandbox,
    post: linkedin::sandbox::PagePost,
    ada: linkedin::sandbox::Member,
    token: String,
}

impl LinkedIn {
    async fn start() -> Self {
        let ear = Ear::new().await;
        let options = linkedin::sandbox::Options {
            client_id: "li-test-client".to_owned(),
            client_secret: LINKEDIN_SECRET.to_owned(),
            organization: "90001".to_owned(),
            name: "Harbour Cafe".to_owned(),
            now: ear.now(),
        };
        let sandbox = linkedin::sandbox::Sandbox::start(options).await.unwrap();
        let (post, ada) = (sandbox.publishes("Autumn menu"), sandbox.member("TESTmember1", "Ada Perera"));
        let token = sandbox.access_token();
        Self { ear, sandbox, post, ada, token }
    }

    fn request(&self, method: http::Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.ear.http.request(method, format!("{}{path}", self.sandbox.url())).bearer_auth(&self.token);
        request.header("LinkedIn-Version", version(&self.ear)).header("X-Restli-Protocol-Version", "2.0.0")
    }

    fn comment(&self, text: &str) -> reqwest::RequestBuilder {
        let urn = self.post.urn().replace(':', "%3A");
        let body = json!({"actor": "urn:li:organization:90001", "object": self.post.urn(), "message": {"text": text}});
        self.request(http::Method::POST, &format!("/rest/socialActions/{urn}/comments")).json(&body)
    }
}

/// A version that is a month old.
fn version(ear: &Ear) -> String {
    (ear.clock.now() - chrono::TimeDelta::days(31)).format("%Y%m").to_string()
}

#[tokio::test]
async fn linkedin_asks_the_challenge_and_signs_with_the_prefix_in_the_message() {
    let linkedin = LinkedIn::start().await;
    assert!(linkedin.sandbox.validate(&format!("{}/other", linkedin.ear.server.url())).await.is_err());
    linkedin.sandbox.validate(&linkedin.ear.address()).await.unwrap();
    let path = linkedin.sandbox.subscription_path();
    let wanted = json!({"webhook": linkedin.ear.address()});
    assert_eq!(answered(linkedin.request(http::Method::PUT, &path).json(&wanted)).await.0, 204);
    let (_, shown) = answered(linkedin.request(http::Method::GET, &path)).await;
    assert_eq!(shown["webhook"], linkedin.ear.address());

    let happened = linkedin.ada.comments(&linkedin.post, "Do you ship to Galle?").await;
    assert_eq!(happened.answers, [200]);
    let request = linkedin.ear.hook.received().pop().unwrap();
    let signature = hmac_hex(LINKEDIN_SECRET, &[b"hmacsha256=", &request.body[..]].concat());
    assert_eq!(request.headers["x-li-signature"], signature.as_str());
    let item = &linkedin.ear.heard().pop().unwrap()["notifications"][0];
    assert_eq!((&item["action"], &item["sourcePost"]), (&json!("COMMENT"), &json!(linkedin.post.urn())));
    assert_eq!(item["decoratedGeneratedActivity"]["comment"]["message"]["text"], "Do you ship to Galle?");
    let body = r#"{"type":"ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS","notifications":[]}"#;
    assert_eq!(
        linkedin.sandbox.sign(body.as_bytes()),
        "999fca6286139ac1fef73e6b84c4fdba846f0d519cd2df12d24b8fd08a4cab0c"
    );

    linkedin.sandbox.set_webhooks(Webhooks::Held);
    for n in 0..12 {
        linkedin.ada.comments(&linkedin.post, &n.to_string()).await;
    }
    assert_eq!(linkedin.sandbox.release_together().await, [200, 200]);
    assert_eq!(linkedin.ear.heard().pop().unwrap()["notifications"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn linkedin_takes_a_comment_of_the_page_and_tells_it_as_admin_comment() {
    let linkedin = LinkedIn::start().await;
    linkedin.sandbox.deliver_to(&linkedin.ear.address());
    let response = linkedin.comment("Yes, we ship to Galle.").send().await.unwrap();
    assert_eq!(response.status(), 201);
    let id = response.headers()["x-restli-id"].to_str().unwrap().to_owned();
    linkedin.sandbox.settled().await;
    let item = linkedin.ear.heard().pop().unwrap()["notifications"][0].clone();
    assert_eq!(item["action"], "ADMIN_COMMENT");
    assert!(item["generatedActivity"].as_str().unwrap().ends_with(&format!(",{id})")));
    let urn = linkedin.post.activity().replace(':', "%3A");
    let (_, list) = answered(linkedin.request(http::Method::GET, &format!("/rest/socialActions/{urn}/comments"))).await;
    assert_eq!(list["elements"][0]["message"]["text"], "Yes, we ship to Galle.");
    assert_eq!(linkedin.post.page_comments(), ["Yes, we ship to Galle."]);
    assert_eq!(answered(linkedin.comment(&"x".repeat(1251))).await.0, 400);
    linkedin.sandbox.fail_sends(1, SendFailure::Refused(429));
    assert_eq!(answered(linkedin.comment("too many")).await.0, 429);
    linkedin.sandbox.fail_sends(1, SendFailure::TakenGateway(504));
    assert_eq!(answered(linkedin.comment("taken")).await.0, 504);
    assert_eq!(linkedin.sandbox.sent().len(), 2);
    let direct = json!({"recipients": ["urn:li:person:TESTmember1"], "body": "hi", "messageType": "MEMBER_TO_MEMBER"});
    assert_eq!(answered(linkedin.request(http::Method::POST, "/v2/messages").json(&direct)).await.0, 403);
    linkedin.sandbox.set_is_partner(true);
    assert_eq!(answered(linkedin.request(http::Method::POST, "/v2/messages").json(&direct)).await.0, 201);
}

#[tokio::test]
async fn linkedin_versions_and_tokens_end_and_a_refresh_does_not_outlive_its_token() {
    let linkedin = LinkedIn::start().await;
    let list = || {
        linkedin
            .ear
            .http
            .get(format!("{}/rest/organizationAcls?q=roleAssignee", linkedin.sandbox.url()))
            .bearer_auth(&linkedin.token)
    };
    assert_eq!(answered(list()).await.0, 400);
    let old = list().header("LinkedIn-Version", "202401").header("X-Restli-Protocol-Version", "2.0.0");
    assert_eq!(answered(old).await.0, 426);
    let refresh = linkedin.sandbox.refresh_token();
    let app = [("client_id", "li-test-client"), ("client_secret", LINKEDIN_SECRET)];
    let oauth = |name: &str, form: [(&str, &str); 2]| {
        let form: Vec<(&str, &str)> = app.into_iter().chain(form).collect();
        linkedin.ear.http.post(format!("{}/{name}", linkedin.sandbox.oauth_url())).form(&form)
    };
    let asked = |token: &str| oauth("introspectToken", [("token", token), ("x", "")]);
    assert_eq!(answered(asked(&linkedin.token)).await.1["status"], "active");
    linkedin.sandbox.kill_tokens();
    assert_eq!(answered(asked(&linkedin.token)).await.1["status"], "revoked");
    assert_eq!(answered(linkedin.comment("dead")).await.0, 401);
    linkedin.ear.clock.advance(Duration::from_secs(360 * 24 * 3600));
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
    let (_, fresh) = answered(oauth("accessToken", form)).await;
    assert_eq!((&fresh["expires_in"], &fresh["refresh_token_expires_in"]), (&json!(5 * 86_400), &json!(5 * 86_400)));
    linkedin.ear.clock.advance(Duration::from_secs(6 * 24 * 3600));
    assert_eq!(answered(oauth("accessToken", form)).await.0, 400);
}
