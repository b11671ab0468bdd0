//! Of everything that stands against a message the contract's first is told.

use http::Method;
use serde_json::{Value, json};
use shoptalk::shared::channel::dialogue::Fault;
use shoptalk::shared::store::SendingBlock;
use shoptalk::shared::store::api_keys::Scope;

use crate::api_keys::{Bot, is_problem};
use crate::replies::{Scene, to};
use crate::test_app::{PAGE, TestApp};

const DAY: u64 = 24 * 60 * 60;

/// Everything that can stand against an answer of a bot to Sam, at once: nothing of the account is sent, Sam cannot be written to,
/// another app holds the thread, bots are silenced, a human has answered, the window is closed, and nothing more may wait.
async fn against_everything() -> (Scene, Value) {
    let app = TestApp::start_with(|config| config.server.answering.most_waiting = 0).await;
    let scene = Scene::of(app, &[Scope::Read, Scope::Reply]).await;
    let asked = scene.bot.get("/api/v1/events?after=0&types=message").await.json()["events"][0]["id"].clone();
    scene.app.clock.advance(std::time::Duration::from_secs(60));
    let reply = scene.app.page().reply_to(&scene.sam, "I am a person.");
    assert_eq!(scene.app.page().deliver(&[reply]).await.unwrap(), Some(200));
    scene.app.settle().await;
    scene.pass(DAY).await;
    let pause = format!("{}/pause", to("7000000000000001"));
    assert_eq!(scene.bot.send(Method::PUT, &pause, &[], b"{}").await.status, 200);
    let now_ms = scene.app.clock.now_ms();
    change(&scene, &format!("unreachable = 'blocked', owner_lost_at = {now_ms}"));
    let connections = &scene.app.shared().connections;
    let page = connections.find("facebook", PAGE).await.unwrap().unwrap();
    let block = SendingBlock {
        fault: Fault::Blocked,
        code: "368".to_owned(),
        sentence: "The Page is blocked.".into(),
        until: now_ms + 3_600_000,
    };
    connections.block_sending(&page, block).await.unwrap();
    (scene, asked)
}

/// Changes how the conversation stands.
fn change(scene: &Scene, set: &str) {
    let changed =
        scene.app.journal_sql(|journal| journal.execute(&format!("UPDATE conversation_states SET {set}"), []));
    assert_eq!(changed, 1);
}

/// A message to Sam that a request with this key made, and that was taken back: it stands against nothing. Gives its id.
fn accepted_before(scene: &Scene, key: &str) -> &'static str {
    const ID: &str = "msg_0123456789abcdef0123456789abcdef";
    let (merchant, now_ms) = (scene.bot.key.merchant.to_string(), scene.app.clock.now_ms());
    scene.app.journal_sql(|journal| {
        journal.execute(
            "INSERT INTO outgoing (number, id, merchant, channel, account, conversation, author, created_at, expires_at,
                                   ttl_ms, after_seq, is_open)
             VALUES (1, ?1, ?2, 'facebook', ?3, '7000000000000001', 'bot', ?4, ?4, 600000, 0, 0)",
            (ID, &merchant, PAGE, now_ms),
        )?;
        journal.execute(
            "INSERT INTO outgoing_parts (message, n, kind, state, reason) VALUES (1, 1, 'text', 'failed', 'taken-back')",
            [],
        )?;
        journal.execute(
            "INSERT INTO idempotency_keys (message, merchant, key, request, created_at) VALUES (1, ?1, ?2, x'00', ?3)",
            (&merchant, key, now_ms),
        )
    });
    ID
}

#[tokio::test]
async fn of_what_stands_against_a_request_the_first_of_the_contract_is_told() {
    let (scene, asked) = against_everything().await;
    let reader = Bot::start(&scene.app, &[Scope::Read]).await;
    let sam = to("7000000000000001");
    let (nobody, nowhere) = (to("7999999999999999"), "/api/v1/facebook/1/conversations/7999999999999999".to_owned());
    // A template is what this channel cannot send, and an address that no platform fetches is refused after that.
    let unsupported = json!({"template": {"name": "a", "language": "en"}});
    let with = |what: &Value, more: Value| {
        let mut body = what.as_object().unwrap().clone();
        body.extend(more.as_object().unwrap().clone());
        Value::Object(body)
    };
    let bad_media = json!({"media": {"url": "https://10.0.0.1/x", "type": "image"}, "answers": asked});
    let post = async |bot: Option<&Bot>, to: &str, key: Option<&str>, body: &Value| {
        let path = format!("{to}/messages");
        let headers: Vec<(&str, &str)> = key.map(|key| ("idempotency-key", key)).into_iter().collect();
        let body = body.to_string();
        match bot {
            Some(bot) => bot.send(Method::POST, &path, &headers, body.as_bytes()).await,
            None => scene.app.browser().send(Method::POST, &path, &headers, body.as_bytes()).await,
        }
    };
    let bot = Some(&scene.bot);
    let bad = with(&unsupported, json!({"colour": 1}));
    let unknown_event = with(&unsupported, json!({"answers": "evt_00000000000000000000000000000000"}));
    let unknown_quote = with(&unsupported, json!({"reply_to": "m_nobody"}));
    let unsupported = with(&unsupported, json!({"answers": asked}));
    for (at, answer, status, name) in [
        ("key", post(None, &nowhere, None, &bad).await, 401, "unauthorized"),
        ("scope", post(Some(&reader), &nowhere, None, &bad).await, 403, "scope-missing"),
        ("account", post(bot, &nowhere, None, &bad).await, 404, "not-found"),
        ("person", post(bot, &nobody, None, &bad).await, 404, "not-found"),
        ("no key", post(bot, &sam, None, &bad).await, 400, "idempotency-key-missing"),
        ("a member", post(bot, &sam, Some("k"), &bad).await, 422, "invalid"),
        ("no event", post(bot, &sam, Some("k"), &unknown_event).await, 422, "invalid"),
        ("no quote", post(bot, &sam, Some("k"), &unknown_quote).await, 422, "invalid"),
        ("template", post(bot, &sam, Some("k"), &unsupported).await, 422, "unsupported"),
        ("media", post(bot, &sam, Some("k"), &bad_media).await, 422, "media-refused"),
    ] {
        let problem = is_problem(&answer, status, name);
        assert!(problem["detail"].is_string(), "{at}: {problem}");
    }

    // A key that made a message is told of before anything that is wrong with the body, be it that it cannot be read.
    let send = async |bot: &Bot, to: &str, key: &str, body: &str| {
        bot.send(Method::POST, &format!("{to}/messages"), &[("idempotency-key", key)], body.as_bytes()).await
    };
    let known = accepted_before(&scene, "known");
    let unreadable = ["{", r#"{"text":"\ud800"}"#, r#"{"text":"a","text":"b"}"#, "nonsense", "\u{feff}{}"];
    for body in unreadable.into_iter().chain(["", "[]", "null", r#"{"colour":1}"#, r#"{"text":" "}"#]) {
        is_problem(&send(&reader, &sam, "known", body).await, 403, "scope-missing");
        is_problem(&send(&scene.bot, &nowhere, "known", body).await, 404, "not-found");
        is_problem(&send(&scene.bot, &nobody, "known", body).await, 404, "not-found");
        is_problem(&send(&scene.bot, &sam, "k", body).await, 422, "invalid");
        let problem = is_problem(&send(&scene.bot, &sam, "known", body).await, 422, "idempotency-key-reused");
        assert_eq!(problem["message"], known, "{body}");
    }
    let problem =
        is_problem(&send(&scene.bot, &sam, "known", r#"{"text":"No."}"#).await, 422, "idempotency-key-reused");
    assert_eq!(problem["message"], known);

    let body = json!({"text": "Yes.", "answers": asked});
    let next = async || post(bot, &sam, Some("k"), &body).await;
    is_problem(&next().await, 409, "account-unavailable");
    scene.app.shared().connections.unblock_sending("facebook", PAGE).await.unwrap();
    is_problem(&next().await, 409, "cannot-receive");
    change(&scene, "unreachable = NULL");
    is_problem(&next().await, 409, "not-owner");
    change(&scene, "owner_lost_at = NULL");
    is_problem(&next().await, 409, "paused");
    change(&scene, "paused_by = NULL");
    assert_eq!(is_problem(&next().await, 409, "outdated")["why"], "answered");
    change(&scene, "out_at = NULL, out_seq = NULL");
    is_problem(&next().await, 409, "window-closed");
    change(&scene, &format!("opened_at = {}", scene.app.clock.now_ms()));
    is_problem(&next().await, 429, "queue-full");
    scene.app.close().await;
}
