//! Whoever takes back what they wrote last has asked what they wrote before it: nobody has answered that, and nobody forgets it.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use shoptalk::shared::store::api_keys::Scope;

use crate::api_keys::{Bot, is_problem};
use crate::replies::{Scene, to};
use crate::responder::{Says, Scene as WithResponder};
use crate::{linkedin_stage, whatsapp};

const SAM: &str = "7000000000000001";
const APART: Duration = Duration::from_secs(60);

async fn told(bot: &Bot, types: &str) -> Vec<Value> {
    let page = bot.get(&format!("/api/v1/events?after=0&types={types}&limit=100")).await.json();
    page["events"].as_array().unwrap().clone()
}

/// What the feed says of each message, and what is said of the conversation last.
async fn reasons(bot: &Bot, conversation: &str) -> Vec<Value> {
    let mut reasons: Vec<Value> = told(bot, "message").await.iter().map(|event| event["reason"].clone()).collect();
    let shown = bot.get(conversation).await.json();
    assert_eq!(shown["bot_may_answer"], shown["reason"].is_null(), "{shown}");
    reasons.push(shown["reason"].clone());
    reasons
}

impl Scene {
    /// Sam takes back the message of this platform's id.
    async fn takes_back(&self, id: &Value) {
        let unsend = self.app.page().unsend(&self.sam, id.as_str().unwrap());
        assert_eq!(self.app.page().deliver(&[unsend]).await.unwrap(), Some(200));
        self.app.settle().await;
    }

    /// Sam writes again a minute later.
    async fn hear_later(&self, text: &str) -> Value {
        self.app.clock.advance(APART);
        self.hear(text).await
    }
}

#[tokio::test]
async fn what_was_asked_before_it_is_the_newest_question_again() {
    let scene = Scene::start().await;
    let (second, third) = (scene.hear_later("And the red one?").await, scene.hear_later("Never mind").await);
    let superseded = json!("superseded");
    let none = Value::Null;
    assert_eq!(
        reasons(&scene.bot, &to(SAM)).await,
        [superseded.clone(), superseded.clone(), none.clone(), none.clone()]
    );
    let messages = told(&scene.bot, "message").await;
    let problem = |answer| is_problem(&answer, 409, "outdated");

    // One that is not the newest one changes nothing.
    scene.takes_back(&second["message"]["mid"]).await;
    let gone = json!("not_a_message");
    assert_eq!(reasons(&scene.bot, &to(SAM)).await, [superseded, gone.clone(), none.clone(), none.clone()]);
    assert_eq!(told(&scene.bot, "activity").await[0].get("unanswered"), None);
    scene.takes_back(&third["message"]["mid"]).await;
    assert_eq!(reasons(&scene.bot, &to(SAM)).await, [none.clone(), gone.clone(), gone.clone(), none]);
    assert_eq!(told(&scene.bot, "activity").await[1]["unanswered"], messages[0]["id"], "for bots that have passed it");
    let refused = problem(scene.post("3", &json!({"text": "Yes.", "answers": messages[2]["id"]})).await);
    assert_eq!((&refused["why"], &refused["newest"]), (&json!("superseded"), &messages[0]["id"]));

    let answer = scene.post("1", &json!({"text": "Yes.", "answers": messages[0]["id"]})).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    scene.work().await;
    let answered = json!("answered");
    assert_eq!(reasons(&scene.bot, &to(SAM)).await, [answered.clone(), gone.clone(), gone, answered]);
    scene.app.finish().await;
}

#[tokio::test]
async fn what_was_answered_before_stays_answered() {
    let scene = Scene::start().await;
    scene.say("Yes, 3 left.").await;
    scene.work().await;
    let second = scene.hear_later("And the red one?").await;
    scene.takes_back(&second["message"]["mid"]).await;
    assert_eq!(reasons(&scene.bot, &to(SAM)).await, [json!("answered"), json!("not_a_message"), json!("answered")]);
    assert_eq!(told(&scene.bot, "activity").await[0].get("unanswered"), None);
    scene.app.finish().await;
}

#[tokio::test]
async fn the_end_of_a_takeover_names_what_is_still_asked() {
    let scene = Scene::start().await;
    let second = scene.hear_later("And the red one?").await;
    let messages = told(&scene.bot, "message").await;
    let pause = format!("{}/pause", to(SAM));
    let silence = async || {
        assert_eq!(scene.bot.send(Method::PUT, &pause, &[], b"{}").await.status, 200);
        assert_eq!(scene.bot.send(Method::DELETE, &pause, &[], b"").await.status, 204);
    };
    silence().await;
    let resumed = async || {
        let takeovers = told(&scene.bot, "takeover").await.into_iter();
        let resumed = takeovers.filter(|event| event["state"] == "resumed");
        resumed.map(|event| [event["unanswered"].clone(), event["bot_may_answer"].clone()]).collect::<Vec<_>>()
    };
    assert_eq!(resumed().await, [[messages[1]["id"].clone(), json!(true)]]);
    scene.takes_back(&second["message"]["mid"]).await;
    silence().await;
    let before = [Value::Null, json!(false)];
    assert_eq!(resumed().await, [before, [messages[0]["id"].clone(), json!(true)]]);
    scene.app.finish().await;
}

#[tokio::test]
async fn so_it_is_on_every_channel_on_which_something_can_be_taken_back() {
    let superseded = json!("superseded");
    let scene = whatsapp::Scene::start().await;
    let to = scene.to(&scene.ada.user_id());
    let first = reasons(&scene.bot, &to).await.len();
    scene.hear("Is the blue one in stock?").await;
    scene.app.clock.advance(APART);
    let id = scene.hear("And the red one?").await;
    assert_eq!(reasons(&scene.bot, &to).await[first - 1..], [superseded.clone(), Value::Null, Value::Null]);
    scene.ada.revokes(&id).await;
    scene.app.settle().await;
    let again = [Value::Null, json!("not_a_message"), Value::Null];
    assert_eq!(reasons(&scene.bot, &to).await[first - 1..], again);
    scene.finish().await;

    let scene = linkedin_stage::Scene::with(|config, _| config.answer_comments = true).await;
    scene.asks("Do you ship?").await;
    let to = format!("/api/v1/linkedin/{}/conversations/{}", linkedin_stage::PAGE, scene.thread());
    scene.app.clock.advance(APART);
    let second = scene.asks("And to Galle?").await;
    assert_eq!(reasons(&scene.program, &to).await, [superseded, Value::Null, Value::Null]);
    scene.ada.deletes(&second).await.unwrap();
    scene.app.settle().await;
    assert_eq!(reasons(&scene.program, &to).await, again);
    scene.finish().await;
}

#[tokio::test]
async fn the_built_in_responder_answers_what_is_still_asked() {
    let scene = WithResponder::switched_on().await;
    let bot = Bot::start(&scene.app, &[Scope::Read]).await;
    let (first, second) = ("Is the blue one in stock?", "And the red one?");
    scene.model.says([Says::Raw(http::StatusCode::SERVICE_UNAVAILABLE, "text/plain", String::new())]);
    let [first, second] = [first, second].map(|text| {
        scene.app.clock.advance(Duration::from_secs(1));
        scene.app.page().message_from(&scene.sam, text)
    });
    assert_eq!(scene.app.page().deliver(&[first, second.clone()]).await.unwrap(), Some(200));
    scene.app.settle().await;
    scene.work().await;
    assert_eq!(scene.model.asked().len(), 1, "the second one was asked, and the model is asked again later");
    let unsend = scene.app.page().unsend(&scene.sam, second["message"]["mid"].as_str().unwrap());
    scene.hears_item(unsend).await;
    scene.app.clock.advance(APART);
    scene.work().await;
    assert_eq!(scene.got().len(), 1, "{:?}", scene.got());
    let sent = told(&bot, "status").await.pop().unwrap();
    assert_eq!(sent["message"]["answers"], told(&bot, "message").await[0]["id"]);
    scene.app.finish().await;
}
