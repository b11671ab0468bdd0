//! The whole way against the simulated Viber: from a phone to the service and back.

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};
use shoptalk::shared::channel::simulator::{Now, Webhooks};
use shoptalk::shared::store::api_keys::Scope;
use shoptalk::viber::sandbox::{Options, Person, Sandbox, SendFailure};
use url::Url;

use crate::api_keys::Bot as Program;
use crate::test_app::TestApp;
use crate::viber_stage::{BOT, Desk, TOKEN, USER};

struct Round {
    app: TestApp,
    viber: Sandbox,
    program: Program,
    dilan: Person,
}

async fn start(welcome: Option<&str>) -> Round {
    let desk = Desk::open().await;
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let clock = shoptalk::shared::clock::Clock::manual(crate::test_app::beginning());
    let time = clock.clone();
    let now: Now = Arc::new(move || time.now());
    let options =
        Options { token: TOKEN.to_owned(), bot_id: format!("pa:{BOT}"), name: "Harbour Cafe".to_owned(), now };
    let viber = Sandbox::start(options).await.unwrap();
    let app = TestApp::start_in(folder, clock, |config| {
        desk.settings(config);
        let section = config.viber.as_mut().unwrap();
        section.api_url = Url::parse(&viber.url()).unwrap();
        section.welcome = welcome.map(str::to_owned);
    })
    .await;
    for title in ["Board & boots", "Wax"] {
        app.shop().add_product(title);
    }
    app.connect().await;
    app.begin().await;
    let program = Program::start(&app, &[Scope::Read, Scope::Reply]).await;
    let dilan = viber.person(USER, "Dilan K");
    Round { app, viber, program, dilan }
}

impl Round {
    async fn say(&self, key: &str, body: &Value) -> String {
        let headers = [("idempotency-key", key), ("content-type", "application/json")];
        let path = format!("/api/v1/viber/{BOT}/conversations/dGVzdC11c2VyLTAx_A/messages");
        let answer = self.program.send(Method::POST, &path, &headers, body.to_string().as_bytes()).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        self.work().await;
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    async fn work(&self) {
        for _ in 0..3 {
            self.app.work().await;
            self.viber.settled().await;
            self.app.clock.advance(std::time::Duration::from_secs(4));
        }
        self.app.work().await;
    }

    async fn state(&self, id: &str) -> String {
        let message = self.program.get(&format!("/api/v1/messages/{id}")).await.json();
        message["state"].as_str().unwrap().to_owned()
    }

    async fn finish(self) {
        assert_eq!(self.viber.sent_twice(), [""; 0]);
        assert_eq!(self.viber.traffic().unknown().len(), 0);
        let bodies = self.viber.answers_with_a_body();
        assert!(bodies.iter().all(|(event, _)| event == "conversation_started"), "{bodies:?}");
        self.app.finish().await;
    }
}

#[tokio::test]
async fn a_question_is_answered_with_words_buttons_cards_and_pictures_and_a_tap_comes_back() {
    let round = start(Some("Hello, how can we help?")).await;
    let opened = round.dilan.opens_chat(Some("poster-7")).await;
    assert_eq!((opened.welcome.unwrap()["text"].as_str(), opened.refused), (Some("Hello, how can we help?"), None));
    assert_eq!(round.dilan.writes("is the table free?").await.answers, [200]);
    round.app.settle().await;
    let choices = json!([{"id": "LINK", "title": "Send <it> & more"}, {"id": "NO", "title": "No"}]);
    let id = round.say("a", &json!({"text": "Yes, from 18:00.", "choices": choices})).await;
    assert_eq!(round.state(&id).await, "delivered");
    assert_eq!(round.dilan.taps("Send <it> & more").await.unwrap().answers, [200]);
    round.app.settle().await;
    let feed = round.program.get("/api/v1/events?after=0&types=message").await.json();
    let tap = feed["events"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(tap["choice"], json!({"id": "LINK", "title": "Send <it> & more"}));
    assert_eq!(tap["person"]["name"], "Dilan K");
    let products = round.program.get("/api/v1/products?limit=2").await.json();
    let ids: Vec<&Value> = products["products"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
    round.say("b", &json!({"products": ids})).await;
    let media =
        |kind: &str, url: &str| json!({"text": "Our menu", "media": {"type": kind, "url": url, "bytes": 9_000}});
    for (key, kind, url) in [
        ("c", "image", "https://media.example.test/menu.jpg"),
        ("d", "video", "https://media.example.test/menu.mp4"),
        ("e", "file", "https://media.example.test/menu.pdf"),
        ("f", "audio", "https://media.example.test/menu.ogg"),
    ] {
        round.say(key, &media(kind, url)).await;
    }
    let kinds: Vec<String> = round.viber.sent().into_iter().map(|sent| sent.kind).collect();
    // Only a picture carries words.
    assert_eq!(kinds, ["text", "rich_media", "picture", "text", "video", "text", "file", "text", "file"]);
    assert!(round.viber.sent()[1].text.contains("Board & boots"));
    assert_eq!(round.viber.sent()[2].text, "Our menu");
    round.dilan.reads().await.unwrap();
    round.work().await;
    assert_eq!(round.state(&id).await, "read");
    round.finish().await;
}

#[tokio::test]
async fn nothing_is_sent_twice_whatever_is_lost_on_the_way() {
    let round = start(None).await;
    round.dilan.writes("hello").await;
    round.app.settle().await;
    // It was taken, the answer is lost, and the receipt tells.
    round.viber.fail_sends(1, SendFailure::TakenCut);
    let id = round.say("a", &json!({"text": "One."})).await;
    assert_eq!(round.state(&id).await, "delivered");
    // The receipt comes before the answer.
    round.viber.set_receipts_before_answer(true);
    let id = round.say("b", &json!({"text": "Two."})).await;
    assert_eq!(round.state(&id).await, "delivered");
    round.viber.set_receipts_before_answer(false);
    // Callbacks come twice, in the wrong order, or late.
    round.viber.set_webhooks(Webhooks::Held);
    round.dilan.writes("three?").await;
    round.dilan.writes("four?").await;
    round.viber.set_webhooks(Webhooks::Doubled);
    assert_eq!(round.viber.release_reversed().await, [200, 200]);
    round.dilan.writes("five?").await;
    round.app.settle().await;
    round.say("c", &json!({"text": "Three."})).await;
    assert_eq!(round.dilan.received_texts(), ["One.", "Two.", "Three."]);
    let file = round.app.json(&format!("viber/{BOT}/conversations/dGVzdC11c2VyLTAx_A.json"));
    assert_eq!(file.as_array().unwrap().len(), 7, "{file:#}");
    round.finish().await;
}
