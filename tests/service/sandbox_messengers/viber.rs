//! The simulated Viber.

use serde_json::{Value, json};
use shoptalk::shared::channel::simulator::{Failure, SendFailure};
use shoptalk::viber;

use super::*;

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
    viber.ear.hook.fail_next("/hook", 1, Failure::Status(500));
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

#[tokio::test]
async fn viber_links_fail_late_on_the_phone_and_a_welcome_is_what_the_webhook_answers() {
    let viber = Viber::start().await;
    viber.register().await;
    viber.dilan.writes("hi").await;
    let small = viber.sandbox.put_content("p1.jpg", "image/jpeg", b"picture");
    let large = viber.sandbox.put_content("p2.jpg", "image/jpeg", &vec![0; 1024 * 1024 + 1]);
    let picture = |link: &str| to_dilan(json!({"type": "picture", "text": "menu", "media": link}));
    assert_eq!(viber.call("send_message", &picture(&small)).await["status"], 0);
    let token = viber.call("send_message", &picture(&large)).await["message_token"].clone();
    viber.sandbox.settled().await;
    let failed = viber.ear.heard().pop().unwrap();
    assert_eq!((&failed["event"], &failed["message_token"]), (&json!("failed"), &token));
    assert_eq!(viber.dilan.received().len(), 1);
    let welcome =
        json!({"sender": {"name": "Harbour Cafe"}, "type": "text", "text": "Hello!", "tracking_data": "welcome"});
    viber.ear.hook.fail_next("/hook", 1, Failure::Json(200, welcome.clone()));
    let opened = viber.dilan.opens_chat(None).await;
    assert_eq!((opened.welcome, opened.refused), (Some(welcome), None));
    assert_eq!(viber.dilan.received_texts(), ["menu", "Hello!"]);
    viber.ear.hook.fail_next("/hook", 1, Failure::Json(200, json!({"status": "ok"})));
    assert!(viber.dilan.opens_chat(None).await.refused.is_some(), "no message at all");
    let other = viber.sandbox.person("b3RoZXI=", "Other");
    let mut body =
        to_dilan(json!({"type": "text", "text": "Closed on Monday.", "broadcast_list": [DILAN, other.id()]}));
    body.as_object_mut().unwrap().remove("receiver");
    let answer = viber.call("broadcast_message", &body).await;
    assert_eq!((&answer["status"], &answer["failed_list"][0]["status"]), (&json!(0), &json!(6)));
}
