//! WhatsApp looks after itself: subscription, token, callback and fields; the number's documents, attachments, and what the
//! doctor finds.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use shoptalk::doctor::{Surroundings, examine};
use shoptalk::shared::channel::simulator::Failure;
use shoptalk::whatsapp::sandbox::Sandbox;
use url::Url;

use crate::api_keys::is_problem;
use crate::pages_leaving::{disconnect, post as leave};
use crate::test_app::{FACEBOOK_APP_ID, TestApp};
use crate::whatsapp::{
    ADAS_NUMBER, BUSINESS, DIGITS, NUMBER, Scene, add_templates, conversation, finish, ids, with_platform,
};

/// The causes of the alerts about the number.
fn alerts(app: &TestApp) -> BTreeSet<String> {
    let all = app.shared().alerts.list().into_iter();
    all.filter_map(|alert| alert.cause.strip_prefix("whatsapp:310000000000001:").map(str::to_owned)).collect()
}

/// Status and reason of the number's connection.
async fn standing(app: &TestApp) -> (String, String) {
    let [connection] = app.connections("whatsapp").await.try_into().unwrap();
    let of = |name: &str| connection[name].as_str().unwrap_or_default().to_owned();
    (of("status"), of("status_reason"))
}

async fn an_hour_later(app: &TestApp) {
    app.clock.advance(Duration::from_secs(3600));
    app.run_due_jobs().await;
}

fn count(platform: &Sandbox, method: &str, end: &str) -> usize {
    let received = platform.traffic().received();
    received.iter().filter(|one| one.method == method && one.path.ends_with(end)).count()
}

/// The number is connected, and everything was looked at once.
async fn start() -> (TestApp, Sandbox, shoptalk::whatsapp::sandbox::Number) {
    let (app, platform, number) = with_platform(|_| {}).await;
    add_templates(&number);
    app.run_due_jobs().await;
    app.connect().await;
    app.settle().await;
    (app, platform, number)
}

#[tokio::test]
async fn the_app_subscribes_itself_to_the_account_and_again_when_that_is_lost() {
    let (app, platform, number) = start().await;
    assert!(number.is_subscribed());
    let subscribed = || count(&platform, "POST", &format!("/{BUSINESS}/subscribed_apps"));
    assert_eq!(subscribed(), 1);
    an_hour_later(&app).await;
    assert_eq!(subscribed(), 1, "nothing is asked for that is there");
    number.unsubscribe_app();
    an_hour_later(&app).await;
    assert!(number.is_subscribed());
    number.unsubscribe_app();
    app.begin().await;
    assert!(number.is_subscribed(), "a start is a look");
    assert_eq!(standing(&app).await, ("connected".to_owned(), String::new()));
    number.unsubscribe_app();
    platform.traffic().fail_every("subscribed_apps", 1, Failure::Json(400, json!({"error": {"code": 100}})));
    an_hour_later(&app).await;
    assert_eq!(standing(&app).await.0, "incomplete");
    assert!(alerts(&app).contains("subscriptions"));
    platform.traffic().heal();
    an_hour_later(&app).await;
    assert_eq!((standing(&app).await.0.as_str(), alerts(&app).len()), ("connected", 0));
    finish(app, &platform).await;
}

#[tokio::test]
async fn the_number_and_its_templates_are_documents() {
    let (app, platform, number_of_platform) = start().await;
    let number = app.json(&format!("whatsapp/{NUMBER}/account_metadata.json"));
    assert_eq!((&number["verified_name"], &number["id"]), (&json!("Harbour Cafe"), &json!(NUMBER)));
    assert_eq!(number["display_phone_number"], format!("+{DIGITS}"));
    assert!(number.get("webhook_configuration").is_none());
    let templates = app.json(&format!("whatsapp/{NUMBER}/templates.json"));
    assert_eq!(templates["data"].as_array().unwrap().len(), 2);
    let [connection] = app.connections("whatsapp").await.try_into().unwrap();
    assert_eq!(connection["name"], "Harbour Cafe");
    // What a delivery says of a template is asked for.
    let template = number_of_platform.add_template("new_note", "de", "MARKETING", "Neu: {{1}}");
    template.set_status("PENDING");
    assert_eq!(template.becomes("APPROVED", None).await.answers, [200]);
    for _ in 0..2 {
        app.settle().await;
    }
    let templates = app.json(&format!("whatsapp/{NUMBER}/templates.json"));
    assert_eq!(
        (&templates["data"][2]["name"], &templates["data"][2]["status"]),
        (&json!("new_note"), &json!("APPROVED"))
    );
    finish(app, &platform).await;
}

#[tokio::test]
async fn templates_of_which_there_is_more_without_a_way_there_are_not_all() {
    let (app, platform, number) = start().await;
    let file = format!("whatsapp/{NUMBER}/templates.json");
    let whole = app.text(&file).unwrap();
    for (name, paging) in [
        ("one", json!({"next": "https://graph.example/next"})),
        ("two", json!({"next": "x", "cursors": {"after": null}})),
    ] {
        let cut = json!({"data": [], "paging": paging});
        platform.traffic().fail_next("message_templates", usize::MAX, Failure::Json(200, cut));
        assert_eq!(number.add_template(name, "de", "MARKETING", "Neu").becomes("APPROVED", None).await.answers, [200]);
        app.settle().await;
        app.settle().await;
        assert_eq!(app.text(&file).unwrap(), whole, "{paging}");
        platform.traffic().heal();
    }
    finish(app, &platform).await;
}

#[tokio::test]
async fn the_end_of_the_token_is_told_a_week_before_and_asked_for_once_a_day() {
    let (app, platform, number) = with_platform(|_| {}).await;
    add_templates(&number);
    let token = platform.token(Some(9), &["whatsapp_business_messaging", "whatsapp_business_management"]);
    let app = app.restart_with(|config| configure_again(config, &platform, &token)).await;
    platform.set_callback(&format!("{}/whatsapp/webhook", app.url), crate::whatsapp::VERIFY_TOKEN).await.unwrap();
    app.run_due_jobs().await;
    app.connect().await;
    app.settle().await;
    let asked = || platform.traffic().count("debug_token");
    assert_eq!((alerts(&app).contains("token"), asked()), (false, 1));
    for _ in 0..5 {
        an_hour_later(&app).await;
    }
    assert_eq!(asked(), 1);
    app.clock.advance(Duration::from_secs(44 * 3600));
    app.run_due_jobs().await;
    assert_eq!((alerts(&app).contains("token"), asked()), (true, 2));
    let (status, reason) = standing(&app).await;
    assert_eq!(status, "connected");
    assert!(reason.contains("WHATSAPP_ACCESS_TOKEN"), "{reason}");
    finish(app, &platform).await;
}

fn configure_again(config: &mut shoptalk::app::config::Config, platform: &Sandbox, token: &str) {
    crate::whatsapp::configure(config, &platform.url());
    config.whatsapp.as_mut().unwrap().token = token.into();
}

#[tokio::test]
async fn a_refused_token_stops_sending_and_never_the_intake() {
    let scene = Scene::start().await;
    scene.platform.kill_tokens();
    let id = scene.say(&json!({"text": "Yes.", "ttl_seconds": 36_000})).await;
    scene.work().await;
    scene.app.settle().await;
    let (status, reason) = standing(&scene.app).await;
    assert_eq!(status, "needs_reconnect", "{reason}");
    assert!(reason.contains("WHATSAPP_ACCESS_TOKEN"), "{reason}");
    let refused = is_problem(&scene.post(&json!({"text": "And more."})).await, 409, "account-unavailable");
    assert_eq!(refused["why"], "needs_reconnect");
    let heard = scene.hear("Hello?").await;
    assert!(ids(&scene.app, &scene.ada.user_id()).contains(&heard));
    let calls = scene.platform.traffic().received().len();
    an_hour_later(&scene.app).await;
    let later = scene.platform.traffic().received();
    assert!(later[calls..].iter().all(|one| one.path.ends_with("/debug_token")), "the dead token is only asked about");
    scene.platform.revive_tokens();
    an_hour_later(&scene.app).await;
    assert_eq!(standing(&scene.app).await.0, "connected");
    scene.pass(5).await;
    assert_eq!(scene.message(&id).await["state"], "delivered");
    scene.finish().await;
}

/// Another address than that of the settings, at which this service answers all the same.
fn elsewhere(app: &TestApp) -> String {
    format!("{}/whatsapp/webhook", app.url.replace("127.0.0.1", "localhost"))
}

#[tokio::test]
async fn permissions_addresses_and_fields_that_are_missing_are_told() {
    let (app, platform, _) = start().await;
    platform.drop_field("standby");
    an_hour_later(&app).await;
    assert_eq!(standing(&app).await.0, "connected", "it works without");
    platform.drop_field("messages");
    an_hour_later(&app).await;
    let (status, reason) = standing(&app).await;
    assert!(status == "incomplete" && reason.contains("messages") && alerts(&app).contains("fields"), "{reason}");
    let elsewhere = elsewhere(&app);
    platform.set_callback(&elsewhere, crate::whatsapp::VERIFY_TOKEN).await.unwrap();
    an_hour_later(&app).await;
    let (status, reason) = standing(&app).await;
    assert!(status == "incomplete" && reason.contains("another address"), "{reason}");
    assert_eq!(alerts(&app), BTreeSet::from(["callback".to_owned()]));
    // By whichever of its two routes: both are this service.
    for route in ["webhooks/whatsapp", "whatsapp/webhook"] {
        platform.set_callback(&format!("{}/{route}", app.url), crate::whatsapp::VERIFY_TOKEN).await.unwrap();
        an_hour_later(&app).await;
        assert_eq!((standing(&app).await.0.as_str(), alerts(&app).len()), ("connected", 0), "{route}");
    }
    let token = platform.token(None, &["whatsapp_business_management"]);
    let app = app.restart_with(|config| configure_again(config, &platform, &token)).await;
    app.begin().await;
    let (status, reason) = standing(&app).await;
    assert!(status == "incomplete" && reason.contains("whatsapp_business_messaging"), "{reason}");
    finish(app, &platform).await;
}

#[tokio::test]
async fn what_customers_attach_is_copied_with_the_token_from_listed_hosts_only() {
    let (app, platform, number) = with_platform(|config| {
        let whatsapp = config.whatsapp.as_mut().unwrap();
        whatsapp.media = Some(shoptalk::facebook::Media { hosts: vec!["127.0.0.1".to_owned()], max_bytes: 1000 });
    })
    .await;
    add_templates(&number);
    app.run_due_jobs().await;
    app.connect().await;
    app.settle().await;
    let ada = number.person(ADAS_NUMBER, "Ada Perera");
    let png = b"\x89PNG\r\n\x1a\nand so on";
    let mut sent = vec![ada.sends_image(png, "broken corner").await.id];
    for id in ["42", "43"] {
        sent.push(ada.sends_raw("image", json!({"id": id, "mime_type": "image/png"}), &[]).await.id);
    }
    let elsewhere = json!({"url": "https://evil.example/42", "mime_type": "image/png", "id": "42"});
    platform.traffic().fail_every("/v26.0/42", 1, Failure::Json(200, elsewhere));
    app.settle().await;
    app.clock.advance(Duration::from_secs(60));
    app.run_due_jobs().await;
    let index = app.json(&format!("whatsapp/{NUMBER}/media/index/{}.json", ada.user_id()));
    assert_eq!(index[&sent[0]][0]["state"], "kept", "{index}");
    assert_eq!((&index[&sent[1]][0]["state"], &index[&sent[2]][0]["state"]), (&json!("refused"), &json!("refused")));
    let file = index[&sent[0]][0]["file"].as_str().unwrap();
    assert!(app.path(&format!("whatsapp/{NUMBER}/media/{file}")).exists());
    let received = platform.traffic().received();
    let fetched = received.iter().find(|one| one.path.contains("/attachments/")).unwrap();
    let shown = fetched.headers.get("authorization").unwrap().to_str().unwrap();
    assert!(shown.starts_with("Bearer EAAB"), "{shown}");

    // Whoever takes a message back takes its medium along, and nobody else does.
    let bo = number.person("46555010009", "Bo Lind");
    let copy = app.path(&format!("whatsapp/{NUMBER}/media/{file}"));
    for (who, is_kept) in [(&bo, true), (&ada, false)] {
        who.sends_raw("revoke", json!({"original_message_id": sent[0]}), &[]).await;
        app.settle().await;
        app.clock.advance(Duration::from_secs(60));
        app.run_due_jobs().await;
        let entries = conversation(&app, &ada.user_id()).unwrap();
        assert_eq!((copy.exists(), entries[0].get("image").is_some()), (is_kept, is_kept));
    }
    let index = app.json(&format!("whatsapp/{NUMBER}/media/index/{}.json", ada.user_id()));
    assert!(index.get(&sent[0]).is_none(), "{index}");
    finish(app, &platform).await;
}

#[tokio::test]
async fn who_disconnects_the_number_ends_the_subscription_and_it_does_not_come_back_by_itself() {
    let (app, platform, number) = with_platform(|_| {}).await;
    add_templates(&number);
    let browser = app.connect().await.for_pages();
    app.settle().await;
    assert!(number.is_subscribed());
    let answer = leave(&browser, &disconnect(&format!("whatsapp/{NUMBER}")), "").await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/?done=disconnected&channel=whatsapp"));
    assert!(!number.is_subscribed());
    app.begin().await;
    an_hour_later(&app).await;
    assert!(!number.is_subscribed() && app.connections("whatsapp").await.is_empty());
    finish(app, &platform).await;
}

#[tokio::test]
async fn who_deletes_everything_leaves_the_number_to_the_next_merchant() {
    let (app, platform, number) = with_platform(|_| {}).await;
    add_templates(&number);
    let browser = app.connect().await.for_pages();
    app.settle().await;
    assert_eq!(leave(&browser, "/account/delete", "word=delete").await.status, 303);
    for _ in 0..3 {
        an_hour_later(&app).await;
    }
    assert!(!number.is_subscribed() && app.connections("whatsapp").await.is_empty(), "it does not come back by itself");
    app.connect().await;
    an_hour_later(&app).await;
    assert!(number.is_subscribed() && app.connections("whatsapp").await.len() == 1);
    finish(app, &platform).await;
}

#[tokio::test]
async fn the_doctor_finds_what_is_wrong_with_the_number() {
    let (app, platform, number) = start().await;
    let surroundings = Surroundings {
        ngrok: Url::parse("http://127.0.0.1:9").unwrap(),
        env_file: app.path("no.env"),
        unknown: Vec::new(),
    };
    let all = ["whatsapp_messaging", "whatsapp_business_management"];
    let scopes = ["whatsapp_business_messaging", "whatsapp_business_management"];
    let found = async |token: &str, business: Option<&str>| -> BTreeSet<&'static str> {
        let mut config = app.config();
        configure_again(&mut config, &platform, token);
        config.whatsapp.as_mut().unwrap().business_account = business.map(|id| id.try_into().unwrap());
        let report = examine(&Ok(config), &surroundings, &app.clock).await;
        let is_ours = |code: &&str| code.starts_with("whatsapp_") || *code == "send_permission_missing";
        report.findings.iter().map(|finding| finding.code).filter(is_ours).collect()
    };
    let good = platform.token(None, &scopes);
    assert_eq!(found(&good, Some(BUSINESS)).await, BTreeSet::new());
    assert_eq!(found(&good, None).await, BTreeSet::from(["whatsapp_business_account_unknown"]));
    let ending = platform.token(Some(6), &scopes);
    assert_eq!(found(&ending, Some(BUSINESS)).await, BTreeSet::from(["whatsapp_token_ends"]));
    let weak = platform.token(None, &all[1..]);
    assert_eq!(found(&weak, Some(BUSINESS)).await, BTreeSet::from(["send_permission_missing"]));
    // The simulated platform refuses to look at such a token, and so does not show what it lacks.
    let told = json!({"data": {"app_id": FACEBOOK_APP_ID, "is_valid": true, "expires_at": 0, "scopes": [scopes[0]]}});
    platform.traffic().fail_next("debug_token", 1, Failure::Json(200, told));
    assert_eq!(found(&good, Some(BUSINESS)).await, BTreeSet::from(["whatsapp_permission_missing"]));
    assert_eq!(found("a token that nobody made", Some(BUSINESS)).await, BTreeSet::from(["whatsapp_token_refused"]));
    number.unsubscribe_app();
    platform.drop_field("standby");
    platform.deliver_to("");
    platform.set_callback(&elsewhere(&app), crate::whatsapp::VERIFY_TOKEN).await.unwrap();
    platform.drop_field("messaging_handovers");
    assert_eq!(
        found(&good, Some(BUSINESS)).await,
        BTreeSet::from(["whatsapp_app_not_subscribed", "whatsapp_callback_differs", "whatsapp_fields_missing"])
    );
    finish(app, &platform).await;
}
