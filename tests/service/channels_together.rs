//! Several channels in one service: who is called alike on two of them is two people, and nobody waits for anybody else's
//! platform.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use shoptalk::shared::store::api_keys::Scope;
use shoptalk::whatsapp::sandbox::{Number, Person, Sandbox, SendFailure};

use crate::api_keys::Bot;
use crate::test_app::TestApp;
use crate::viber_stage::{self, BOT, Desk};
use crate::whatsapp::{self, NUMBER, with_platform};

/// A name that is a number on WhatsApp, an id on Facebook, and on Viber the base64 of eight bytes.
const ALIKE: &str = "15550100774";

const WORDS: [&str; 3] = ["on Facebook", "on WhatsApp", "on Viber"];

struct Together {
    app: TestApp,
    platform: Sandbox,
    number: Number,
    desk: Desk,
    bot: Bot,
    keys: AtomicUsize,
}

/// What a person with this id writes on Viber. `n` tells one message from the other.
fn on_viber(id: &str, n: u32, words: &str) -> String {
    let time = 1_795_262_400_000_u64 + u64::from(n);
    let message = json!({"type": "text", "text": words});
    json!({"event": "message", "timestamp": time, "message_token": 591_266_184_665_523_000_u64 + u64::from(n),
           "sender": {"id": id, "name": "Alike"}, "message": message, "silent": false})
    .to_string()
}

impl Together {
    async fn start() -> Self {
        let desk = Desk::open().await;
        let (app, platform, number) = with_platform(|config| desk.settings(config)).await;
        app.connect().await;
        app.begin().await;
        app.settle().await;
        let bot = Bot::start(&app, &[Scope::Read, Scope::Reply]).await;
        Self { app, platform, number, desk, bot, keys: AtomicUsize::new(0) }
    }

    /// Where the conversation with somebody of a channel is.
    fn path(&self, channel: &str, person: &str) -> String {
        let account = match channel {
            "facebook" => self.app.page().id(),
            "whatsapp" => NUMBER.to_owned(),
            _ => BOT.to_owned(),
        };
        format!("{channel}/{account}/conversations/{person}")
    }

    async fn on_facebook(&self, id: &str, words: &str) {
        let person = self.app.facebook.person(id, "Alike");
        let item = self.app.page().message_from(&person, words);
        assert_eq!(self.app.page().deliver(std::slice::from_ref(&item)).await.unwrap(), Some(200));
        self.app.settle().await;
    }

    async fn on_whatsapp(&self, person: &Person, words: &str) {
        assert_eq!(person.writes(words).await.answers, [200]);
        self.app.settle().await;
    }

    async fn answer(&self, channel: &str, person: &str, words: &str) -> String {
        let key = format!("key-{}", self.keys.fetch_add(1, Ordering::Relaxed));
        let headers = [("idempotency-key", key.as_str()), ("content-type", "application/json")];
        let path = format!("/api/v1/{}/messages", self.path(channel, person));
        let body = json!({"text": words, "ttl_seconds": 3600}).to_string();
        let answer = self.bot.send(Method::POST, &path, &headers, body.as_bytes()).await;
        assert_eq!(answer.status, 202, "{channel} {person}: {answer:?}");
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    async fn state(&self, id: &str) -> String {
        let message: Value = self.bot.get(&format!("/api/v1/messages/{id}")).await.json();
        message["state"].as_str().unwrap().to_owned()
    }

    async fn work(&self) {
        self.app.work().await;
        self.platform.settled().await;
        self.app.work().await;
    }

    async fn finish(self) {
        whatsapp::finish(self.app, &self.platform).await;
    }
}

#[tokio::test]
async fn who_is_called_alike_on_three_channels_is_three_people() {
    let together = Together::start().await;
    together.on_facebook(ALIKE, WORDS[0]).await;
    let said = json!([{"from": ALIKE, "id": "wamid.1", "timestamp": "1795219200", "type": "text", "text": {"body": WORDS[1]}}]);
    let delivery = whatsapp::of_number(NUMBER, "messages", &json!({"contacts": [], "messages": said}));
    whatsapp::deliver(&together.app, &delivery).await;
    viber_stage::hear(&together.app, &on_viber(&format!("{ALIKE}="), 1, WORDS[2])).await;
    let channels = ["facebook", "whatsapp", "viber"];
    for (channel, words) in channels.into_iter().zip(WORDS) {
        let file = together.app.text(&format!("{}.json", together.path(channel, ALIKE))).unwrap();
        for other in WORDS {
            assert_eq!(file.contains(other), other == words, "{channel}: {file}");
        }
        let shown = together.bot.get(&format!("/api/v1/{}?history=5", together.path(channel, ALIKE))).await.json();
        assert_eq!(shown["messages"].as_array().unwrap().len(), 1, "{channel}");
        assert_eq!(shown["messages"][0]["text"], words);
    }
    // The newest of each account stands first, whichever is older.
    let listed = |channel: &'static str| {
        let account = together.path(channel, "").split('/').nth(1).unwrap().to_owned();
        let bot = &together.bot;
        async move {
            let list = bot.get(&format!("/api/v1/conversations?account={channel}/{account}")).await.json();
            let found = list["conversations"].as_array().unwrap().clone();
            found.iter().map(|one| one["person"]["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        }
    };
    viber_stage::hear(&together.app, &on_viber("dGVzdC11c2VyLTAx/A==", 2, "another one")).await;
    assert_eq!(listed("viber").await, ["dGVzdC11c2VyLTAx_A", ALIKE]);
    viber_stage::hear(&together.app, &on_viber(&format!("{ALIKE}="), 3, "and again")).await;
    assert_eq!(listed("viber").await, [ALIKE, "dGVzdC11c2VyLTAx_A"]);
    assert_eq!(listed("whatsapp").await, [ALIKE]);
    together.finish().await;
}

#[tokio::test]
async fn one_busy_person_and_one_blocked_number_delay_nobody_else() {
    let together = Together::start().await;
    let (ada, bo) =
        (together.number.person("15550100777", "Ada Perera"), together.number.person("46555010009", "Bo Lind"));
    together.on_whatsapp(&ada, "hello").await;
    together.on_whatsapp(&bo, "hej").await;
    together.on_facebook("7000000000000077", "hello").await;
    viber_stage::hear(&together.app, &on_viber("dGVzdC11c2VyLTAx/A==", 1, "hello")).await;
    let others = async |words: &str| {
        [
            together.answer("facebook", "7000000000000077", words).await,
            together.answer("viber", "dGVzdC11c2VyLTAx_A", words).await,
        ]
    };

    // Too many went to Ada: forty more wait for her, and nobody waits for them.
    ada.fail_sends(1, SendFailure::Refused(131_056));
    let mut to_ada = Vec::new();
    for n in 0..40 {
        to_ada.push(together.answer("whatsapp", &ada.user_id(), &format!("answer {n}")).await);
    }
    let to_bo = together.answer("whatsapp", &bo.user_id(), "to Bo").await;
    let to_others = others("to others").await;
    together.work().await;
    assert_eq!(together.state(&to_ada[0]).await, "accepted");
    for id in [&to_bo, &to_others[0], &to_others[1]] {
        assert!(["sent", "delivered"].contains(&together.state(id).await.as_str()), "{id}");
    }
    assert!(ada.received_texts().is_empty());

    // The number cannot send at all: other channels do.
    together.app.clock.advance(Duration::from_secs(10));
    together.platform.fail_sends(1, SendFailure::Refused(131_031));
    together.work().await;
    let to_others = others("while the number is blocked").await;
    together.work().await;
    for id in &to_others {
        assert_eq!(together.state(id).await, "sent", "{id}");
    }
    assert_eq!(together.desk.change(|bot| bot.sent.len()), 2);
    assert_eq!(together.state(&to_ada[1]).await, "accepted");
    together.app.clock.advance(Duration::from_secs(301));
    together.work().await;
    assert_eq!(ada.received_texts().first().map(String::as_str), Some("answer 0"));
    together.finish().await;
}
