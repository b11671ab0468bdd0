//! The page looks after itself: its subscription, its tokens, and what somebody must know.

use std::collections::BTreeSet;
use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::{Value, json};
use shoptalk::doctor::{Surroundings, examine};
use shoptalk::linkedin::sandbox::Sandbox;
use shoptalk::shared::channel::simulator::{Failure, Webhooks};
use shoptalk::shared::store::TokenKind;
use url::Url;

use crate::export::unzip;
use crate::linkedin_stage::{PAGE, Scene, configure, deliver, of_page};
use crate::pages_leaving::{disconnect, post};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The bodies of the calls that subscribed.
fn subscribed(linkedin: &Sandbox) -> Vec<Value> {
    let received = linkedin.traffic().received();
    received.iter().filter(|one| one.method == "PUT").map(|one| serde_json::from_slice(&one.body).unwrap()).collect()
}

/// The token of the newest call.
fn newest_token(linkedin: &Sandbox) -> String {
    let received = linkedin.traffic().received();
    let token = received.iter().rev().find_map(|one| one.headers.get("authorization")).unwrap().to_str().unwrap();
    token.strip_prefix("Bearer ").unwrap().to_owned()
}

#[tokio::test]
async fn at_a_start_the_page_is_described_and_its_activity_subscribed_with_our_address() {
    let scene = Scene::start().await;
    assert_eq!(subscribed(&scene.linkedin), [json!({"webhook": format!("{}/linkedin/webhook", scene.app.url)})]);
    let received = scene.linkedin.traffic().received();
    let put = received.iter().find(|one| one.method == "PUT").unwrap();
    assert_eq!(put.path, scene.linkedin.subscription_path());
    for call in received.iter().filter(|one| one.path.starts_with("/rest/")) {
        assert_eq!(call.headers["linkedin-version"], "202610");
        assert_eq!(call.headers["x-restli-protocol-version"], "2.0.0");
        assert!(!format!("{}{}", call.path, call.query).contains(&scene.token), "the token is in its header alone");
    }
    let connection = scene.connection().await;
    assert_eq!(
        (&connection["account"], &connection["name"], &connection["status"]),
        (&json!(PAGE), &json!("Harbour Cafe"), &json!("connected"))
    );
    let metadata = scene.app.json(&format!("linkedin/{PAGE}/account_metadata.json"));
    assert_eq!((&metadata["id"], &metadata["localizedName"]), (&json!(90001), &json!("Harbour Cafe")));
    // Another look changes nothing, and asks about the token once a day.
    let asked = scene.linkedin.traffic().count("introspectToken");
    scene.hour().await;
    assert_eq!((subscribed(&scene.linkedin).len(), scene.linkedin.traffic().count("introspectToken")), (1, asked));
    scene.app.clock.advance(DAY);
    scene.hour().await;
    assert_eq!(scene.linkedin.traffic().count("introspectToken"), asked + 1);
    scene.linkedin.recheck().await.unwrap();
    scene.finish().await;
}

#[tokio::test]
async fn a_subscription_that_ended_is_made_again_within_the_hour_and_what_was_missed_is_read() {
    let scene = Scene::start().await;
    scene.asks("Before.").await;
    scene.linkedin.drop_subscription();
    scene.ada.comments(&scene.post, "Missed.").await;
    scene.ada.likes(&scene.post).await;
    scene.linkedin.forget_waiting();
    scene.app.settle().await;
    assert_eq!(scene.file().len(), 1);
    scene.hour().await;
    assert!(scene.linkedin.is_subscribed());
    assert_eq!(scene.file().len(), 3);
    scene.asks("After.").await;
    let texts: Vec<Value> = scene
        .file()
        .iter()
        .map(|item| item["decoratedGeneratedActivity"]["comment"]["message"]["text"].clone())
        .collect();
    assert_eq!(texts, [json!("Before."), json!("Missed."), json!(null), json!("After.")]);
    let feed = scene.program.get("/api/v1/events?after=0&types=message").await.json();
    assert_eq!(feed["events"].as_array().unwrap().len(), 3, "what was found afterwards is told of, too");
    let made = subscribed(&scene.linkedin).len();
    // One that leads to the other address of the channel is as good.
    scene.linkedin.validate(&format!("{}/webhooks/linkedin", scene.app.url)).await.unwrap();
    scene.linkedin.subscribe();
    scene.hour().await;
    assert_eq!(subscribed(&scene.linkedin).len(), made);
    // One that leads elsewhere is made anew.
    scene.linkedin.validate(&format!("{}/linkedin/webhook?elsewhere", scene.app.url)).await.unwrap();
    scene.linkedin.subscribe();
    scene.linkedin.validate(&format!("{}/linkedin/webhook", scene.app.url)).await.unwrap();
    scene.hour().await;
    assert_eq!(subscribed(&scene.linkedin).len(), made + 1);
    scene.finish().await;
}

#[tokio::test]
async fn a_lost_webhook_is_found_by_a_read_of_everything() {
    let scene = Scene::start().await;
    scene.linkedin.set_webhooks(Webhooks::Lost);
    for number in 0..120 {
        scene.ada.comments(&scene.post, &number.to_string()).await;
    }
    let browser = scene.app.connect().await.for_pages();
    assert_eq!(post(&browser, &format!("/connections/linkedin/{PAGE}/sync"), "").await.status, 303);
    scene.app.settle().await;
    assert_eq!(scene.file().len(), 120);
    scene.finish().await;
}

#[tokio::test]
async fn without_the_apps_number_a_subscription_is_kept_alive_and_a_missing_one_told() {
    let scene = Scene::with(|linkedin, _| linkedin.application = None).await;
    let connection = scene.connection().await;
    assert_eq!(connection["status"], "incomplete", "{connection}");
    assert!(connection["status_reason"].as_str().unwrap().contains("LINKEDIN_APPLICATION_ID"), "{connection}");
    assert_eq!(scene.alerts().len(), 1, "{:?}", scene.alerts());
    // A person makes it in the portal.
    scene.linkedin.subscribe();
    scene.hour().await;
    assert_eq!(scene.connection().await["status"], "connected");
    assert_eq!(scene.alerts(), [""; 0]);
    // From then on its key is known.
    scene.linkedin.drop_subscription();
    scene.hour().await;
    assert!(scene.linkedin.is_subscribed());
    scene.finish().await;
}

#[tokio::test]
async fn a_member_who_is_no_administrator_any_more_or_an_address_that_was_not_checked_is_told() {
    let scene = Scene::start().await;
    scene.linkedin.set_is_admin(false);
    scene.linkedin.drop_subscription();
    scene.hour().await;
    let connection = scene.connection().await;
    assert_eq!(connection["status"], "incomplete", "{connection}");
    assert!(connection["status_reason"].as_str().unwrap().contains("administrator"), "{connection}");
    scene.linkedin.set_is_admin(true);
    scene.linkedin.validate(&format!("{}/webhooks/linkedin", scene.app.url)).await.unwrap();
    scene.hour().await;
    let connection = scene.connection().await;
    assert!(connection["status_reason"].as_str().unwrap().contains("developer portal"), "{connection}");
    assert!(scene.alerts()[0].contains("do not arrive"), "{:?}", scene.alerts());
    scene.linkedin.validate(&format!("{}/linkedin/webhook", scene.app.url)).await.unwrap();
    scene.hour().await;
    assert_eq!((scene.connection().await["status"].clone(), scene.alerts().len()), (json!("connected"), 0));
    scene.finish().await;
}

#[tokio::test]
async fn without_a_refresh_token_somebody_is_told_two_weeks_and_three_days_before_the_end() {
    let scene = Scene::start().await;
    scene.app.clock.advance(DAY * 45);
    scene.hour().await;
    assert_eq!(scene.alerts(), [""; 0]);
    scene.app.clock.advance(DAY);
    scene.hour().await;
    let alerts = scene.alerts();
    assert_eq!(alerts.len(), 1);
    assert!(alerts[0].starts_with("LINKEDIN_ACCESS_TOKEN ends on 20 January 2027:"), "{alerts:?}");
    scene.app.clock.advance(DAY * 11);
    scene.hour().await;
    assert_eq!(scene.alerts().len(), 2, "and again");
    scene.app.clock.advance(DAY * 4);
    scene.hour().await;
    assert_eq!(scene.connection().await["status"], "needs_reconnect");
    scene.asks("Anybody?").await;
    assert_eq!(scene.file().len(), 1);
    // A person logs in anew.
    let token = scene.linkedin.access_token();
    let scene = scene.restart_with(|linkedin, _| linkedin.access_token = token.clone().into()).await;
    assert_eq!(
        (scene.connection().await["status"].clone(), newest_token(&scene.linkedin)),
        (json!("connected"), token)
    );
    assert_eq!(scene.alerts(), [""; 0]);
    scene.finish().await;
}

#[tokio::test]
async fn with_one_the_token_is_renewed_a_week_before_kept_sealed_and_used_until_the_settings_change() {
    let scene = Scene::with(|linkedin, platform| linkedin.refresh_token = Some(platform.refresh_token().into())).await;
    scene.app.clock.advance(DAY * 52);
    scene.hour().await;
    assert_eq!(scene.linkedin.traffic().count("accessToken"), 0);
    scene.app.clock.advance(DAY);
    scene.hour().await;
    scene.hour().await;
    assert_eq!(scene.linkedin.traffic().count("accessToken"), 1);
    let made = newest_token(&scene.linkedin);
    assert_ne!(made, scene.token);
    let refresh = scene.refresh.clone().unwrap();
    for secret in [&made, &scene.token, &refresh] {
        assert!(!scene.app.is_on_disk(secret), "a token lies about");
    }
    // The first token is dead by then; a start knows the second one.
    scene.app.clock.advance(DAY * 20);
    let scene = scene.restart_with(|_, _| {}).await;
    assert_eq!((scene.connection().await["status"].clone(), newest_token(&scene.linkedin)), (json!("connected"), made));
    assert_eq!(scene.linkedin.traffic().count("accessToken"), 1);
    let other = scene.linkedin.access_token();
    let scene = scene.restart_with(|linkedin, _| linkedin.access_token = other.clone().into()).await;
    assert_eq!(newest_token(&scene.linkedin), other);
    let mut config = scene.app.config();
    configure(&mut config, &scene.linkedin.url());
    let section = config.linkedin.as_mut().unwrap();
    (section.access_token, section.refresh_token) = (other.clone().into(), Some(refresh.into()));
    examine(&Ok(config), &Surroundings::default(), &scene.app.clock).await;
    assert_eq!(newest_token(&scene.linkedin), other, "the doctor asks with the settings' own token");
    scene.finish().await;
}

#[tokio::test]
async fn the_end_of_the_refresh_token_is_not_put_off_and_told_of() {
    let scene = Scene::with(|linkedin, platform| linkedin.refresh_token = Some(platform.refresh_token().into())).await;
    for _ in 0..6 {
        scene.app.clock.advance(DAY * 50);
        scene.hour().await;
    }
    // A version of the API does not live as long.
    let scene = scene.restart_with(|linkedin, _| linkedin.version = "202709".to_owned()).await;
    scene.app.clock.advance(DAY * 50);
    scene.hour().await;
    assert_eq!(scene.linkedin.traffic().count("accessToken"), 3);
    let alerts = || scene.alerts().into_iter().filter(|sentence| sentence.contains("LINKEDIN")).collect::<Vec<_>>();
    assert_eq!(alerts(), [""; 0], "day 350");
    scene.app.clock.advance(DAY * 2);
    scene.hour().await;
    let alerts = alerts();
    assert!(
        alerts.len() == 1 && alerts[0].starts_with("LINKEDIN_REFRESH_TOKEN ends on 21 November 2027"),
        "{alerts:?}"
    );
    scene.finish().await;
}

#[tokio::test]
async fn a_disconnected_page_is_told_nothing_any_more_until_its_merchant_wants_it_back() {
    let scene = Scene::start().await;
    scene.asks("Hello?").await;
    let browser = scene.app.connect().await.for_pages();
    let answer = post(&browser, &disconnect(&format!("linkedin/{PAGE}")), "").await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/?done=disconnected&channel=linkedin"));
    assert!(!scene.linkedin.is_subscribed());
    scene.hour().await;
    scene.app.begin().await;
    assert!(!scene.linkedin.is_subscribed(), "and it stays so");
    assert!(scene.app.connections("linkedin").await.is_empty());
    let body = of_page(&[
        json!({"notificationId": 5, "action": "COMMENT", "sourcePost": scene.post.urn(), "organizationalEntity": "urn:li:organization:90001"}),
    ]);
    assert_eq!(deliver(&scene.app, &body).await.status, 200);
    scene.app.settle().await;
    assert_eq!(scene.file().len(), 1, "what still comes is set aside");
    scene.ada.comments(&scene.post, "While you were away.").await;
    // The session is over meanwhile.
    let browser = scene.app.connect().await.for_pages();
    post(&browser, "/connections/linkedin/want-back", "").await;
    scene.app.settle().await;
    scene.app.begin().await;
    assert_eq!(scene.connection().await["status"], "connected");
    assert!(scene.linkedin.is_subscribed());
    assert_eq!(scene.file().len(), 3, "{:#?}", scene.file());
    let feed = scene.program.get("/api/v1/events?after=0&types=message").await.json();
    let texts: Vec<&str> = feed["events"].as_array().unwrap().iter().filter_map(|one| one["text"].as_str()).collect();
    assert_eq!(texts, ["Hello?"], "what is older than the connection is history");
    scene.finish().await;
}

#[tokio::test]
async fn p2_of_a_merchant_who_deletes_everything_no_byte_is_left_and_nothing_comes_back() {
    let scene = Scene::with(|linkedin, platform| linkedin.refresh_token = Some(platform.refresh_token().into())).await;
    scene.asks("An unmistakable question").await;
    scene.linkedin.kill_tokens();
    scene.say(&json!({"text": "An unmistakable answer"})).await;
    scene.app.settle().await;
    assert_eq!(scene.file().len(), 2);
    let kept = scene.app.shared().connections.find_token("linkedin", PAGE, TokenKind::Access).await.unwrap().unwrap();
    assert_eq!(kept.secret.expose_secret(), newest_token(&scene.linkedin));
    let browser = scene.app.connect().await.for_pages();
    let taken: Vec<String> =
        unzip(&browser.get("/export").await).into_keys().filter(|name| name.contains("linkedin")).collect();
    let expected = ["account_metadata.json".to_owned(), format!("conversations/{}.json", scene.thread())];
    assert!(
        expected.iter().all(|end| taken.iter().any(|name| name.ends_with(&format!("linkedin/{PAGE}/{end}")))),
        "{taken:?}"
    );
    assert_eq!(post(&browser, "/account/delete", "word=delete").await.status, 303);
    for _ in 0..3 {
        scene.hour().await;
    }
    for trace in ["unmistakable", "Harbour Cafe"] {
        assert!(!scene.app.is_on_disk(trace), "{trace}");
    }
    assert!(!scene.app.path(&format!("linkedin/{PAGE}")).exists());
    assert!(!scene.linkedin.is_subscribed());
    scene.finish().await;
}

#[tokio::test]
async fn what_is_wrong_with_the_page_the_doctor_finds() {
    let scene = Scene::start().await;
    let surroundings = Surroundings::default();
    let found = async |change: &dyn Fn(&mut shoptalk::linkedin::Config)| {
        let mut config = scene.app.config();
        configure(&mut config, &scene.linkedin.url());
        let section = config.linkedin.as_mut().unwrap();
        section.access_token = scene.token.clone().into();
        change(section);
        let report = examine(&Ok(config), &surroundings, &scene.app.clock).await;
        let codes: Vec<&str> = report.findings.iter().map(|one| one.code).collect();
        codes.into_iter().filter(|code| code.starts_with("linkedin")).collect::<BTreeSet<&str>>()
    };
    let codes = |codes: &[&'static str]| codes.iter().copied().collect::<BTreeSet<&str>>();
    assert_eq!(found(&|_| {}).await, codes(&[]));
    assert_eq!(found(&|linkedin| linkedin.has_verify_token = true).await, codes(&["linkedin_unused_setting"]));
    assert_eq!(found(&|linkedin| linkedin.messages = true).await, codes(&["linkedin_messages_partner"]));
    let version =
        |version: &'static str| move |linkedin: &mut shoptalk::linkedin::Config| linkedin.version = version.to_owned();
    assert_eq!(found(&version("202512")).await, codes(&["linkedin_version_ends"]));
    let ngrok = |linkedin: &mut shoptalk::linkedin::Config| {
        linkedin.webhook_address = Url::parse("https://abc.ngrok.app/linkedin/webhook").unwrap();
    };
    assert_eq!(found(&ngrok).await, codes(&["linkedin_address_refused", "linkedin_callback_differs"]));
    scene.linkedin.drop_subscription();
    assert_eq!(found(&|_| {}).await, codes(&["linkedin_subscription_missing"]));
    scene.linkedin.subscribe();
    scene.linkedin.traffic().fail_next("eventSubscriptions", 1, Failure::Status(403));
    assert_eq!(found(&|_| {}).await, codes(&["linkedin_subscription_missing"]));
    scene.linkedin.kill_tokens();
    assert_eq!(found(&|_| {}).await, codes(&["linkedin_token_refused"]));
    scene.linkedin.traffic().fail_next("introspectToken", 9, Failure::Html);
    assert_eq!(found(&|_| {}).await, codes(&["linkedin_unreachable"]));
    scene.linkedin.traffic().heal();
    scene.linkedin.revive_tokens();
    scene.app.clock.advance(DAY * 50);
    assert_eq!(found(&|_| {}).await, codes(&["linkedin_token_ends"]));
    scene.finish().await;
}

#[tokio::test]
async fn an_ill_linkedin_harms_no_intake_and_is_asked_again() {
    let scene = Scene::start().await;
    scene.linkedin.traffic().fail_next("/rest/", 1_000, Failure::Status(503));
    scene.linkedin.traffic().fail_next("oauth", 1_000, Failure::Html);
    scene.app.clock.advance(DAY);
    scene.hour().await;
    assert_eq!(scene.connection().await["status"], "connected", "doubt is no end");
    scene.asks("Anybody?").await;
    assert_eq!(scene.file().len(), 1);
    scene.linkedin.traffic().heal();
    scene.hour().await;
    assert_eq!((scene.connection().await["status"].clone(), scene.alerts()), (json!("connected"), Vec::new()));
    scene.finish().await;
}
