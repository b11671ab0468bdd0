//! The bot looks after itself: whose token it is, where callbacks go, and what somebody must know.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use shoptalk::doctor::{Surroundings, examine};
use shoptalk::shared::channel::simulator::Failure;
use shoptalk::shared::secrets::signature::Secrets;

use crate::pages_leaving::{disconnect, post};
use crate::test_app::TestApp;
use crate::viber_stage::{BOT, Desk, PERSON, deliver, file, hear, start, text};

fn calls(desk: &Desk, method: &str) -> Vec<Value> {
    let received = desk.traffic.received();
    received
        .iter()
        .filter(|one| one.path.ends_with(method))
        .map(|one| serde_json::from_slice(&one.body).unwrap())
        .collect()
}

#[tokio::test]
async fn at_a_start_the_account_is_learned_and_the_webhook_set_with_our_address_and_events() {
    let (app, desk) = start().await;
    let received = desk.traffic.received();
    assert!(received.iter().all(|one| one.method == "POST" && one.headers.contains_key("x-viber-auth-token")));
    assert!(
        received.iter().all(|one| !one.text().contains("viber token for tests")),
        "the token is in the header alone"
    );
    let set = calls(&desk, "set_webhook");
    assert_eq!(
        set,
        [json!({"url": format!("{}/viber/webhook", app.url), "send_name": true, "send_photo": true,
                "event_types": ["delivered", "seen", "failed", "subscribed", "unsubscribed", "conversation_started"]})]
    );
    let metadata = app.json(&format!("viber/{BOT}/account_metadata.json"));
    assert_eq!((&metadata["id"], &metadata["name"]), (&json!(format!("pa:{BOT}")), &json!("Harbour Cafe")));
    assert!(metadata.get("members").is_none(), "who administers it is nobody's business");
    let connection = app.connections("viber").await.remove(0);
    assert_eq!((&connection["account"], &connection["name"]), (&json!(BOT), &json!("Harbour Cafe")));
    assert_eq!(connection["status"], "connected");
    // Another look changes nothing.
    app.clock.advance(Duration::from_secs(3600));
    app.run_due_jobs().await;
    assert_eq!(calls(&desk, "set_webhook").len(), 1);
    assert!(calls(&desk, "get_account_info").len() >= 2);
    app.finish().await;
}

#[tokio::test]
async fn a_webhook_that_somebody_changed_is_put_right_within_the_hour() {
    let (app, desk) = start().await;
    for change in [
        |bot: &mut crate::viber_stage::Bot| bot.webhook = "https://elsewhere.example/hook".to_owned(),
        |bot: &mut crate::viber_stage::Bot| bot.webhook.clear(),
        |bot: &mut crate::viber_stage::Bot| drop(bot.events.pop()),
    ] {
        desk.change(change);
        app.clock.advance(Duration::from_secs(3600));
        app.run_due_jobs().await;
        let (webhook, events) = desk.change(|bot| (bot.webhook.clone(), bot.events.len()));
        assert_eq!((webhook, events), (format!("{}/viber/webhook", app.url), 6));
    }
    app.finish().await;
}

#[tokio::test]
async fn an_address_that_viber_does_not_reach_is_told_and_heals_by_itself() {
    let desk = Desk::open().await;
    desk.change(|bot| bot.refusals = vec![("set_webhook", 1); 9]);
    let app = TestApp::start_with(|config| desk.settings(config)).await;
    app.run_due_jobs().await;
    app.connect().await;
    let connection = app.connections("viber").await.remove(0);
    assert_eq!(connection["status"], "incomplete", "{connection}");
    assert!(connection["status_reason"].as_str().unwrap().contains("VIBER_WEBHOOK_ADDRESS"));
    assert_eq!(app.shared().alerts.list().len(), 1);
    hear(&app, &text(1, "hello")).await;
    desk.change(|bot| bot.refusals.clear());
    app.clock.advance(Duration::from_secs(3600));
    app.run_due_jobs().await;
    assert_eq!(app.connections("viber").await[0]["status"], "connected");
    assert_eq!(app.shared().alerts.list().len(), 0);
    app.finish().await;
}

#[tokio::test]
async fn a_refused_token_is_told_before_anything_is_known_and_heals_with_the_right_one() {
    let desk = Desk::open().await;
    let wrong = |config: &mut shoptalk::app::config::Config| {
        config.viber.as_mut().unwrap().token = Secrets::new("a token that is wrong".into(), None);
    };
    let app = TestApp::start_with(|config| {
        desk.settings(config);
        wrong(config);
    })
    .await;
    app.connect().await;
    app.begin().await;
    assert!(app.connections("viber").await.is_empty());
    assert_eq!(app.shared().alerts.list().len(), 1);
    let app = app.restart_with(|config| desk.settings(config)).await;
    app.begin().await;
    app.settle().await;
    assert_eq!(app.connections("viber").await[0]["status"], "connected");
    // Refused later, while messages come.
    let app = app
        .restart_with(|config| {
            desk.settings(config);
            let token = Secrets::new("a token that is wrong".into(), Some(crate::viber_stage::TOKEN.into()));
            config.viber.as_mut().unwrap().token = token;
        })
        .await;
    app.begin().await;
    assert_eq!(app.connections("viber").await[0]["status"], "needs_reconnect");
    hear(&app, &text(1, "hello")).await;
    assert_eq!(file(&app, PERSON).unwrap().len(), 1, "intake goes on");
    let app = app.restart_with(|config| desk.settings(config)).await;
    app.begin().await;
    assert_eq!(app.connections("viber").await[0]["status"], "connected");
    app.finish().await;
}

#[tokio::test]
async fn a_disconnected_bot_is_told_nothing_any_more_until_its_merchant_wants_it_back() {
    let (app, desk) = start().await;
    hear(&app, &text(1, "hello")).await;
    let browser = app.connect().await.for_pages();
    let answer = post(&browser, &disconnect(&format!("viber/{BOT}")), "").await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/?done=disconnected&channel=viber"));
    assert_eq!(desk.change(|bot| bot.webhook.clone()), "");
    app.clock.advance(Duration::from_secs(3600));
    app.run_due_jobs().await;
    app.begin().await;
    assert_eq!(desk.change(|bot| bot.webhook.clone()), "", "and it stays so");
    assert!(app.connections("viber").await.is_empty());
    assert_eq!(deliver(&app, &text(2, "anybody?")).await.status, 200);
    app.settle().await;
    assert_eq!(file(&app, PERSON).unwrap().len(), 1, "what still comes is set aside");
    let browser = app.connect().await.for_pages();
    post(&browser, "/connections/viber/want-back", "").await;
    app.settle().await;
    app.begin().await;
    assert_eq!(app.connections("viber").await[0]["status"], "connected");
    assert!(desk.change(|bot| bot.webhook.ends_with("/viber/webhook")));
    assert_eq!(file(&app, PERSON).unwrap().len(), 2);
    app.finish().await;
}

#[tokio::test]
async fn what_is_wrong_with_the_bot_the_doctor_finds() {
    let (app, desk) = start().await;
    let surroundings = Surroundings::default();
    let found = async |change: &dyn Fn(&mut shoptalk::app::config::Config)| {
        let mut config = app.config();
        desk.settings(&mut config);
        change(&mut config);
        let report = examine(&Ok(config), &surroundings, &app.clock).await;
        let codes: BTreeSet<&str> =
            report.findings.iter().map(|one| one.code).filter(|code| code.starts_with("viber")).collect();
        codes
    };
    let codes = |codes: &[&'static str]| codes.iter().copied().collect::<BTreeSet<&str>>();
    assert_eq!(found(&|_| {}).await, codes(&[]));
    assert_eq!(
        found(&|config| config.viber.as_mut().unwrap().has_public_key = true).await,
        codes(&["viber_unused_setting"])
    );
    let healthy = desk.change(|bot| bot.clone());
    desk.change(|bot| drop(bot.events.pop()));
    assert_eq!(found(&|_| {}).await, codes(&["viber_events_missing"]));
    desk.change(|bot| bot.webhook = "https://elsewhere.example/hook".to_owned());
    assert_eq!(found(&|_| {}).await, codes(&["viber_callback_differs"]));
    desk.change(|bot| bot.webhook.clear());
    assert_eq!(found(&|_| {}).await, codes(&["viber_webhook_missing"]));
    desk.change(|bot| *bot = healthy);
    desk.change(|bot| bot.refusals.push(("get_account_info", 2)));
    assert_eq!(found(&|_| {}).await, codes(&["viber_bot_refused"]));
    desk.traffic.fail_next("get_account_info", 1, Failure::Html);
    assert_eq!(found(&|_| {}).await, codes(&["viber_unreachable"]));
    app.finish().await;
}
