//! Accounts of channels whose settings are gone: what is stored of them can be read, and nothing is sent.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use shoptalk::app::config::Config;
use shoptalk::facebook::sandbox::SendFailure;
use shoptalk::shared::clock::Clock;
use shoptalk::shared::store::api_keys::Scope;

use crate::api_keys::{Bot, is_problem};
use crate::every_channel::{self, ROWS, Row};
use crate::replies::{Scene, to};
use crate::test_app::{SHOP, beginning};

const SAM: &str = "7000000000000001";

fn no_channels(config: &mut Config) {
    (config.facebook, config.shopify, config.whatsapp, config.viber, config.linkedin) = (None, None, None, None, None);
}

fn with_conversations() -> impl Iterator<Item = &'static Row> {
    ROWS.iter().filter(|row| row.is_conversation)
}

/// The path of the conversation of a row.
fn conversation(row: &Row) -> String {
    let person = row.file.trim_start_matches("conversations/").trim_end_matches(".json");
    format!("/api/v1/{}/{}/conversations/{person}", row.name, row.known)
}

#[tokio::test]
async fn what_is_stored_of_a_channel_that_is_off_is_read_and_nothing_is_sent() {
    let (app, _desk) = every_channel::start_with(Clock::manual(beginning()), |_| {}).await;
    app.connect().await;
    for row in with_conversations() {
        assert_eq!(row.deliver(&app, row.known, 1).await, 200, "{}", row.name);
    }
    app.settle().await;
    let merchant = Bot::start(&app, &[Scope::Read]).await.key.merchant;
    let app = app.restart_with(no_channels).await;
    let bot = Bot::of(&app, merchant, &[Scope::Read, Scope::Reply]).await;

    let me = bot.get("/api/v1/me").await.json();
    let accounts = me["accounts"].as_array().unwrap();
    assert_eq!(accounts.len(), with_conversations().count(), "{me}");
    assert!(accounts.iter().all(|one| one["status"] == "off" && one["can"] == json!([])), "{me}");
    assert_eq!(me["shops"], json!([{ "id": SHOP, "name": "Demo Shop", "status": "off" }]));
    let listed = bot.get("/api/v1/conversations").await.json();
    assert_eq!(listed["conversations"].as_array().unwrap().len(), accounts.len(), "{listed}");
    assert_eq!(bot.get("/api/v1/products").await.json()["products"], json!([]));

    for row in with_conversations() {
        let (name, path) = (row.name, conversation(row));
        let shown = bot.get(&path).await;
        assert_eq!(shown.status, 200, "{name}: {shown:?}");
        let shown = shown.json();
        assert_eq!(
            (&shown["bot_may_answer"], &shown["reason"], &shown["window"]["allowed"]),
            (&json!(false), &json!("account_unavailable"), &json!([])),
            "{name}"
        );
        assert_eq!(shown["messages"][0]["text"], "hello", "{name}: {shown}");
        for query in [format!("account={name}/{}", row.known), format!("channel={name}")] {
            let told = bot.get(&format!("/api/v1/events?after=0&types=message&{query}")).await;
            assert_eq!(told.json()["events"][0]["text"], "hello", "{name}: {told:?}");
        }
        let of_account = bot.get(&format!("/api/v1/conversations?account={name}/{}", row.known)).await.json();
        assert_eq!(of_account["conversations"].as_array().map(Vec::len), Some(1), "{name}: {of_account}");

        let post = async |path: &str, body: Value| {
            let headers = [("idempotency-key", name)];
            bot.send(Method::POST, &format!("{path}/messages"), &headers, body.to_string().as_bytes()).await
        };
        let refused = is_problem(&post(&path, json!({"text": "Yes."})).await, 409, "account-unavailable");
        assert_eq!(refused["why"], "off", "{name}");
        is_problem(&post(&path, json!({"text": ""})).await, 422, "invalid");
        is_problem(&post(&path, json!({"text": "Yes.", "answers": "evt_00"})).await, 422, "invalid");
        is_problem(&post(&path, json!({"text": "Yes.", "reply_to": "of nobody"})).await, 422, "invalid");
        let (account, _) = path.split_once("/conversations/").unwrap();
        is_problem(&post(&format!("{account}/conversations/nobody"), json!({"text": "Hi"})).await, 404, "not-found");
        is_problem(&post(&format!("/api/v1/{name}/1/conversations/1"), json!({"text": "Hi"})).await, 404, "not-found");
        let templates = bot.get(&format!("{account}/templates")).await;
        assert_eq!(is_problem(&templates, 409, "account-unavailable")["why"], "off", "{name}");
        assert_eq!(bot.send(Method::POST, &format!("{path}/typing"), &[], b"").await.status, 204, "{name}");
        let pause = format!("{path}/pause");
        assert_eq!(bot.send(Method::PUT, &pause, &[], br#"{"handover":true}"#).await.status, 200, "{name}");
        assert_eq!(bot.send(Method::DELETE, &pause, &[], b"").await.status, 204, "{name}");
    }
    is_problem(&bot.get("/api/v1/events?channel=telegraph").await, 422, "invalid");
    assert_eq!(bot.get("/api/v1/events?channel=shopify").await.status, 200);
    app.finish().await;
}

#[tokio::test]
async fn what_waits_on_a_channel_that_is_off_fails_when_its_time_is_over() {
    let scene = Scene::start().await;
    scene.app.facebook.fail_sends(1, SendFailure::Throttled(613, 60));
    let id = scene.say("Yes.").await;
    scene.work().await;
    let merchant = scene.bot.key.merchant;
    let app = scene.app.restart_with(|config| config.facebook = None).await;
    let bot = Bot::of(&app, merchant, &[Scope::Read, Scope::Reply]).await;
    let message = async || bot.get(&format!("/api/v1/messages/{id}")).await.json();
    app.clock.advance(Duration::from_secs(599));
    app.work().await;
    assert_eq!(message().await["state"], "accepted");
    app.clock.advance(Duration::from_secs(1));
    app.work().await;
    let failed = message().await;
    assert_eq!((&failed["state"], &failed["failure"]["reason"]), (&json!("failed"), &json!("expired")));
    assert_eq!(bot.get(&to(SAM)).await.json()["outgoing"], json!([]));
    app.finish().await;
}
