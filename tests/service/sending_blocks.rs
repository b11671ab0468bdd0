//! An account that cannot send, as its platform answered: everybody is told, before anything is queued there.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use shoptalk::facebook::sandbox::SendFailure;
use shoptalk::shared::channel::dialogue::Fault;
use shoptalk::shared::store::SendingBlock;
use shoptalk::shared::store::api_keys::Scope;

use crate::api_keys::{Bot, is_problem};
use crate::facebook_life::policy;
use crate::replies::{Scene, to};
use crate::test_app::{Browser, PAGE, TestApp};

const SAM: &str = "7000000000000001";

async fn scene() -> (Scene, Browser) {
    let app = TestApp::start().await;
    let browser = app.connect().await.for_pages();
    let scene = Scene::again(app, &[Scope::Read, Scope::Reply]).await;
    scene.hear("Is the blue one in stock?").await;
    (scene, browser)
}

/// The word of the page's account, in the answer to whose key this is.
async fn status(bot: &Bot) -> String {
    let me = bot.get("/api/v1/me").await.json();
    let accounts = me["accounts"].as_array().unwrap().iter();
    accounts.filter(|one| one["id"] == PAGE).map(|one| one["status"].as_str().unwrap().to_owned()).collect()
}

/// What the feed told of the account, as its words.
async fn told(bot: &Bot) -> Vec<Value> {
    let events = bot.get("/api/v1/events?after=0&types=account").await.json()["events"].take();
    events.as_array().unwrap().iter().map(|one| one["status"].clone()).collect()
}

/// Nobody may answer there, and everybody who asks hears why.
async fn is_blocked(scene: &Scene, why: &str) {
    assert_eq!(status(&scene.bot).await, why);
    let shown = scene.bot.get(&to(SAM)).await.json();
    assert_eq!((&shown["bot_may_answer"], &shown["reason"]), (&json!(false), &json!("account_unavailable")), "{why}");
    let newest = scene.bot.get("/api/v1/events?after=0&types=message").await.json()["events"][0].clone();
    assert_eq!((&newest["bot_may_answer"], &newest["reason"]), (&json!(false), &json!("account_unavailable")), "{why}");
    let refused = scene.post("refused", &json!({"text": "Anybody?"})).await;
    assert_eq!(is_problem(&refused, 409, "account-unavailable")["why"], why);
}

async fn is_free(scene: &Scene) {
    assert_eq!(status(&scene.bot).await, "connected");
    assert_ne!(scene.bot.get(&to(SAM)).await.json()["reason"], "account_unavailable");
}

#[tokio::test]
async fn an_account_that_cannot_send_is_told_everywhere_and_over_a_restart() {
    for (code, subcode, why) in
        [(368, None, "blocked"), (10, Some(1_893_063), "blocked"), (200, None, "incomplete"), (230, None, "incomplete")]
    {
        let (scene, browser) = scene().await;
        // The first call, and the look of the next start.
        scene.app.facebook.fail_sends(2, SendFailure::Refused(code, subcode));
        let id = scene.say("Yes.").await;
        scene.work().await;
        assert_eq!(scene.message(&id).await["state"], "accepted", "{code}: it waits");
        is_blocked(&scene, why).await;
        assert_eq!(told(&scene.bot).await, [json!(why)], "{code}");
        let event = scene.bot.get("/api/v1/events?after=0&types=account").await.json()["events"][0].take();
        let sentence = event["why"].as_str().unwrap();
        let page = browser.get("/").await.text();
        assert!(page.contains("Answers are not being sent.") && page.contains("Cannot answer"), "{code}: {sentence}");

        let app = scene.app.restart().await;
        app.begin().await;
        let scene = Scene::again(app, &[Scope::Read, Scope::Reply]).await;
        is_blocked(&scene, why).await;
        scene.work().await;
        is_blocked(&scene, why).await;
        assert_eq!((scene.taken(), told(&scene.bot).await.len()), (Vec::<String>::new(), 1), "{code}");

        scene.pass(3_601).await;
        is_free(&scene).await;
        assert_eq!(told(&scene.bot).await, [json!(why), json!("connected")], "{code}");
        assert_eq!(scene.post("afterwards", &json!({"text": "Sorry for the delay."})).await.status, 202, "{code}");
        scene.work().await;
        assert_eq!(scene.taken(), ["Sorry for the delay."], "{code}");
        scene.app.finish().await;
    }
}

#[tokio::test]
async fn what_is_refused_because_of_one_person_stops_nobody_else() {
    let (scene, _) = scene().await;
    // Somebody without a role on an app that is not reviewed yet, and an account that is deactivated.
    for (subcode, key) in [(2_018_028, "first"), (1_545_041, "second")] {
        scene.app.facebook.fail_sends(1, SendFailure::Refused(200, Some(subcode)));
        let id = scene.post(key, &json!({"text": "Yes."})).await.json()["id"].as_str().unwrap().to_owned();
        scene.work().await;
        let refused = scene.message(&id).await;
        assert_eq!((&refused["state"], &refused["failure"]["reason"]), (&json!("failed"), &json!("cannot-receive")));
        is_free(&scene).await;
        assert_eq!(told(&scene.bot).await, [json!(null); 0], "{subcode}");
    }
    assert_eq!(scene.post("afterwards", &json!({"text": "Hello again."})).await.status, 202);
    scene.work().await;
    assert_eq!(scene.taken(), ["Hello again."]);
    scene.app.finish().await;
}

#[tokio::test]
async fn what_waits_of_a_blocked_account_looks_again_and_a_login_ends_the_block() {
    let (scene, browser) = scene().await;
    scene.app.facebook.fail_sends(1, SendFailure::Refused(368, None));
    let id = scene.say("Yes.").await;
    scene.work().await;
    scene.pass(290).await;
    is_blocked(&scene, "blocked").await;
    scene.pass(11).await;
    assert_eq!(scene.message(&id).await["state"], "sent");
    is_free(&scene).await;
    assert_eq!(told(&scene.bot).await, ["blocked", "connected"]);

    scene.app.facebook.fail_sends(1, SendFailure::Refused(200, None));
    let id = scene.say("And a red one.").await;
    scene.work().await;
    is_blocked(&scene, "incomplete").await;
    scene.app.clock.advance(Duration::from_secs(1));
    assert_eq!(browser.follow("/facebook/login").await.status, 200);
    is_free(&scene).await;
    scene.pass(2).await;
    assert_eq!(scene.message(&id).await["state"], "sent");
    assert_eq!(told(&scene.bot).await, ["blocked", "connected", "incomplete", "connected"]);
    let path = format!("{}/messages", to(SAM));
    let headers = [("idempotency-key", "afterwards"), ("content-type", "application/json")];
    assert_eq!(scene.bot.send(Method::POST, &path, &headers, br#"{"text":"Bye."}"#).await.status, 202);
    scene.work().await;
    scene.app.finish().await;
}

#[tokio::test]
async fn a_page_that_facebook_blocks_sends_nothing_until_it_is_taken_back() {
    let (scene, _) = scene().await;
    let told = async |action: &str, second: i64| {
        let body = policy(action, second);
        assert_eq!(scene.app.facebook.deliver_raw(body.as_bytes()).await.unwrap(), 200);
        scene.app.settle().await;
    };
    told("block", 1).await;
    is_blocked(&scene, "blocked").await;
    scene.pass(3_601).await;
    is_blocked(&scene, "blocked").await;
    told("unblock", 2).await;
    is_free(&scene).await;
    // Where the end gets lost, a message tries after a day.
    told("block", 3).await;
    is_blocked(&scene, "blocked").await;
    scene.pass(24 * 3_600 + 60).await;
    assert_eq!(status(&scene.bot).await, "incomplete", "the Page's trouble is still told");
    scene.hear("Hello?").await;
    scene.say("Sorry for the delay.").await;
    scene.work().await;
    assert_eq!(scene.taken(), ["Sorry for the delay."]);
    scene.app.finish().await;
}

#[tokio::test]
async fn messages_wait_as_long_as_the_platform_says_where_nothing_of_the_allowance_is_left() {
    let (scene, _) = scene().await;
    let name = "X-Business-Use-Case-Usage";
    let usage = json!({PAGE: [{"type": "messenger", "call_count": 100, "estimated_time_to_regain_access": 2}]});
    scene.app.facebook.set_usage(name, &usage.to_string());
    let first = scene.say("One.").await;
    scene.work().await;
    scene.app.facebook.set_usage(name, "{}");
    assert_eq!(scene.message(&first).await["state"], "sent");
    let second = scene.say("Two.").await;
    scene.work().await;
    scene.pass(130).await;
    let mut sent_at = Vec::new();
    for id in [&first, &second] {
        let message = scene.message(id).await;
        let at = message["sent_at"].as_str().unwrap_or_else(|| panic!("{message}"));
        sent_at.push(chrono::DateTime::parse_from_rfc3339(at).unwrap());
    }
    let waited = (sent_at[1] - sent_at[0]).num_seconds();
    assert!(waited >= 120, "{waited}");
    scene.app.finish().await;
}

#[tokio::test]
async fn where_nothing_waits_a_start_is_the_look_and_the_next_message_is_tried() {
    let (scene, _browser) = scene().await;
    scene.app.facebook.fail_sends(1, SendFailure::Refused(368, None));
    let accepted = scene.post("first", &json!({"text": "Yes.", "ttl_seconds": 10})).await.json();
    scene.work().await;
    scene.pass(11).await;
    assert_eq!(scene.message(accepted["id"].as_str().unwrap()).await["failure"]["reason"], "expired");
    is_blocked(&scene, "blocked").await;

    let scene = Scene::again(scene.app.restart().await, &[Scope::Read, Scope::Reply]).await;
    scene.work().await;
    is_free(&scene).await;
    assert_eq!(scene.post("afterwards", &json!({"text": "Sorry for the delay."})).await.status, 202);
    scene.work().await;
    assert_eq!(scene.taken(), ["Sorry for the delay."]);
    assert_eq!(told(&scene.bot).await, ["blocked", "connected"]);

    // What the platform told by itself has its own time, whatever starts.
    let connections = &scene.app.shared().connections;
    let page = connections.find("facebook", PAGE).await.unwrap().unwrap();
    let until = scene.app.clock.now_ms() + 24 * 3_600_000;
    let (fault, sentence) = (Fault::Blocked, "The Page is blocked.".into());
    connections.block_sending(&page, SendingBlock { fault, code: String::new(), sentence, until }).await.unwrap();
    let scene = Scene::again(scene.app.restart().await, &[Scope::Read, Scope::Reply]).await;
    scene.work().await;
    is_blocked(&scene, "blocked").await;
    scene.app.finish().await;
}

#[tokio::test]
async fn the_next_try_that_is_told_is_never_a_time_that_has_passed() {
    let (scene, _browser) = scene().await;
    // The first one waits for a time that the platform told; meanwhile the account is blocked.
    scene.app.facebook.fail_sends(1, SendFailure::Refused(1200, None));
    let first = scene.post("first", &json!({"text": "Yes.", "ttl_seconds": 86_400})).await.json()["id"].clone();
    scene.work().await;
    let next_of = async |id: &Value| scene.message(id.as_str().unwrap()).await["next_try_at"].clone();
    assert!(next_of(&first).await.is_string(), "it broke, and is sent again soon");
    scene.app.facebook.fail_sends(1, SendFailure::Refused(368, None));
    scene.pass(60).await;
    is_blocked(&scene, "blocked").await;
    for _ in 0..3 {
        assert_eq!(next_of(&first).await, Value::Null, "nobody knows when the account can send");
        scene.pass(60).await;
    }
    scene.pass(301).await;
    assert_eq!(scene.message(first.as_str().unwrap()).await["state"], "sent");

    // One whose own time comes while the account waits for another one's.
    let connections = &scene.app.shared().connections;
    scene.app.facebook.fail_sends(1, SendFailure::Refused(1200, None));
    let second = scene.post("second", &json!({"text": "And more.", "ttl_seconds": 86_400})).await.json()["id"].clone();
    scene.work().await;
    let page = connections.find("facebook", PAGE).await.unwrap().unwrap();
    let until = scene.app.clock.now_ms() + 24 * 3_600_000;
    let (fault, sentence) = (Fault::NeedsReconnect, "The Page is blocked.".into());
    connections.block_sending(&page, SendingBlock { fault, code: "190".to_owned(), sentence, until }).await.unwrap();
    scene.app.facebook.fail_sends(1, SendFailure::Refused(368, None));
    scene.pass(60).await;
    assert_eq!(next_of(&second).await, Value::Null);
    scene.app.finish().await;
}
