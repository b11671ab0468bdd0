//! What LinkedIn posts, from the delivery to the event, the conversation's file and the feed.

use http::Method;
use serde_json::{Value, json};
use shoptalk::commands::Command;
use shoptalk::shared::channel::simulator::Webhooks;
use shoptalk::shared::secrets::signature::Secrets;

use crate::journal_checks::{delete_older_than, rebuild};
use crate::linkedin_stage::{
    PAGE, SECRET, Scene, comment, commented, configure, deliver, file, hear, hmac_hex, notification, of_page, sign,
};
use crate::test_app::{TestApp, is_in};
use crate::whatsapp::NOWHERE;

const UUID: &str = "b2c9a0de-6f6a-4c0d-9a41-3d5d1f0c7a11";

/// Kind, account and why it is set apart, of the channel's events in order of arrival.
fn events(app: &TestApp) -> Vec<(String, String, Option<String>)> {
    app.journal_sql(|sql| {
        sql.prepare("SELECT kind, account, apart FROM events WHERE channel = 'linkedin' ORDER BY seq")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .collect()
    })
}

/// The service without a LinkedIn that answers, connected.
async fn start() -> TestApp {
    let app = TestApp::start_with(|config| configure(config, NOWHERE)).await;
    app.connect().await;
    app
}

#[tokio::test]
async fn a_comment_becomes_an_entry_of_its_posts_file_byte_for_byte_and_an_event_of_the_feed() {
    let scene = Scene::start().await;
    let urn = scene.asks("Do you ship to Galle?").await;
    let path = format!("linkedin/{PAGE}/conversations/{}.json", scene.thread());
    let item = scene.file().remove(0);
    assert_eq!(item["generatedActivity"], urn.as_str());
    let body = scene.linkedin.traffic().received();
    assert!(body.iter().all(|one| one.method != "POST" || one.path.starts_with("/oauth")), "nothing is sent");
    let feed = scene.program.get("/api/v1/events?after=0&types=message").await.json();
    let event = &feed["events"][0];
    assert_eq!(event["channel"], "linkedin");
    assert_eq!(event["account"], json!({"id": PAGE, "name": "Harbour Cafe"}));
    assert_eq!(event["person"], json!({"id": scene.thread(), "name": null}), "nobody gets a name that was not told");
    assert_eq!((&event["kind"], &event["text"]), (&json!("text"), &json!("Do you ship to Galle?")));
    assert_eq!(event["platform_id"], urn.as_str());
    assert_eq!((&event["bot_may_answer"], &event["window"]["state"]), (&json!(true), &json!("none")));
    assert_eq!(event["raw"]["notificationId"], item["notificationId"]);
    // As it came: members in their order, numbers beyond 2^53 exact.
    let raw = r#"{"sourcePost":"urn:li:ugcPost:7","action":"COMMENT","notificationId":9007199254740993,"z":1.50,"a":"\u00e9"}"#;
    hear(&scene.app, &format!(r#"{{"notifications":[{raw}],"type":"ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS"}}"#))
        .await;
    assert!(scene.app.text(&format!("linkedin/{PAGE}/conversations/ugcPost-7.json")).unwrap().contains(raw));
    assert!(scene.app.text(&path).unwrap().contains("Do you ship to Galle?"));
    let page =
        scene.app.connect().await.for_pages().get(&format!("/conversations/linkedin/{PAGE}/{}", scene.thread())).await;
    assert!(page.text().contains("Do you ship to Galle?"), "{page:?}");
    scene.finish().await;
}

/// What older guides say of LinkedIn and is wrong, and the test that holds what is right.
const MISTAKES: [(&str, &str); 20] = [
    ("no GET route", "v2_the_challenge_signs_a_uuid_and_nothing_else_and_needs_no_database"),
    ("a verification token", "what_is_wrong_with_the_page_the_doctor_finds"),
    ("no signature", "the_signature_is_over_the_prefix_and_the_raw_body"),
    (
        "events of messages to subscribe",
        "at_a_start_the_page_is_described_and_its_activity_subscribed_with_our_address",
    ),
    ("eventMeta as the payload", "every_kind_of_activity_of_a_batch_is_stored_once_and_stands_in_its_posts_file"),
    ("names as recipients", "an_answer_is_a_comment_as_the_page_and_its_copy_stands_once_in_the_file"),
    ("a direct message to try it", "direct_messages_are_for_partners_and_for_humans_alone"),
    ("a token of the page's settings", "a_refused_token_stops_sending_and_never_intake_and_heals"),
    ("a life that varies", "without_a_refresh_token_somebody_is_told_two_weeks_and_three_days_before_the_end"),
    ("ngrok", "what_is_wrong_with_the_page_the_doctor_finds"),
    ("a document about sharing", "at_a_start_the_page_is_described_and_its_activity_subscribed_with_our_address"),
    ("one event in a body", "w6_one_bad_notification_costs_its_neighbours_nothing_and_pages_of_others_are_set_apart"),
    ("conversations by sender", "direct_messages_in_our_own_form_are_keyed_by_their_conversation"),
    ("no key", "what_was_not_taken_in_comes_again_and_twice_in_batches_changes_nothing"),
    ("the arrival as the time", "in_a_file_items_stand_in_order_of_their_own_time_and_without_one_at_their_arrival"),
    ("one name for everybody", "a_comment_becomes_an_entry_of_its_posts_file_byte_for_byte_and_an_event_of_the_feed"),
    ("other types dropped", "leads_and_what_is_unknown_or_unreadable_are_kept_and_answered"),
    ("no headers", "at_a_start_the_page_is_described_and_its_activity_subscribed_with_our_address"),
    (
        "ten a minute as LinkedIn's limit",
        "too_often_is_a_pause_of_minutes_then_until_the_day_ends_and_what_is_too_old_by_then_expires",
    ),
    ("automatic messages", "bots_answer_in_public_only_where_the_settings_let_them_and_humans_always"),
];

#[test]
fn every_mistake_of_older_guides_has_a_test() {
    let tests =
        [include_str!("linkedin_receive.rs"), include_str!("linkedin_send.rs"), include_str!("linkedin_life.rs")]
            .concat();
    let missing: Vec<_> = MISTAKES.iter().filter(|(_, test)| !tests.contains(&format!("fn {test}("))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[tokio::test]
async fn v2_the_challenge_signs_a_uuid_and_nothing_else_and_needs_no_database() {
    let app = start().await;
    let ask = async |path: &str| {
        let answer = app.browser().send(Method::GET, path, &[("x-forwarded-for", "203.0.113.9")], b"").await;
        (answer.status.as_u16(), answer)
    };
    let (status, answer) = ask(&format!("/linkedin/webhook?challengeCode={UUID}")).await;
    assert_eq!((status, answer.header("content-type")), (200, "application/json"));
    let right = "d64d79f58ab145d1596d8dca0fd28f1b06eeb68c689e8ad8b37fc125f63e0ae2";
    assert_eq!(answer.json(), json!({"challengeCode": UUID, "challengeResponse": right}));
    // The apps of a family name themselves beside it.
    let (status, answer) = ask(&format!("/webhooks/linkedin?challengeCode={UUID}&applicationId=12345")).await;
    assert_eq!(
        (status, answer.json()["challengeResponse"].as_str()),
        (200, Some(hmac_hex(SECRET, UUID.as_bytes()).as_str()))
    );
    for bad in [
        "",
        "?challengeCode=",
        "?challengeCode=hmacsha256%3D%7B%22type%22%3A1%7D",
        "?challengeCode=b2c9a0de6f6a4c0d9a413d5d1f0c7a11",
        "?challengeCode=%7Bb2c9a0de-6f6a-4c0d-9a41-3d5d1f0c7a1%7D",
    ] {
        assert_eq!(ask(&format!("/linkedin/webhook{bad}")).await.0, 400, "{bad}");
    }
    assert_eq!(ask(&format!("/linkedin/webhook?challengeCode={UUID}&challengeCode={UUID}")).await.0, 400);
    assert_eq!(ask(&format!("/linkedin/webhook?challengeCode={}", "a".repeat(5000))).await.0, 400);
    // Eleven of a minute from one address.
    assert_eq!(ask(&format!("/linkedin/webhook?challengeCode={UUID}")).await.0, 200);
    assert_eq!(ask(&format!("/linkedin/webhook?challengeCode={UUID}")).await.0, 429);
    assert_eq!(app.counts().await.0, 0);
    app.finish().await;
}

#[tokio::test]
async fn the_signature_is_over_the_prefix_and_the_raw_body() {
    let app = start().await;
    let body = comment(PAGE, 1, "hello");
    let post = async |headers: &[(&str, &str)]| {
        app.browser().send(Method::POST, "/webhooks/linkedin", headers, body.as_bytes()).await.status.as_u16()
    };
    let good = sign(SECRET, body.as_bytes());
    let without = hmac_hex(SECRET, body.as_bytes());
    let (other, prefixed) = (sign("another secret of the app", body.as_bytes()), format!("hmacsha256={good}"));
    for bad in
        [&without, &other, &format!("sha256={good}"), &format!("hmacsha256=hmacsha256={good}"), &good[1..].to_owned()]
    {
        assert_eq!(post(&[("x-li-signature", bad)]).await, 401, "{bad}");
    }
    assert_eq!(post(&[]).await, 401);
    assert_eq!(post(&[("x-li-signature", &good), ("x-li-signature", &good)]).await, 401);
    assert_eq!(app.counts().await.0, 0, "nothing of it is stored");
    assert_eq!(post(&[("x-li-signature", &good)]).await, 200);
    assert_eq!(post(&[("x-li-signature", &prefixed)]).await, 200, "the prefix before the digest changes nothing");
    assert_eq!(app.counts().await.0, 1);
    app.finish().await;
}

#[tokio::test]
async fn w3_during_a_replacement_both_secrets_sign_and_the_new_one_answers_the_challenge() {
    let app = TestApp::start_with(|config| {
        configure(config, NOWHERE);
        let both = Secrets::new("the new client secret".into(), Some(SECRET.into()));
        config.linkedin.as_mut().unwrap().client_secret = both;
    })
    .await;
    app.connect().await;
    for secret in ["the new client secret", SECRET] {
        let body = comment(PAGE, 7, "hello");
        let signature = sign(secret, body.as_bytes());
        let headers = [("x-li-signature", signature.as_str())];
        assert_eq!(app.browser().send(Method::POST, "/linkedin/webhook", &headers, body.as_bytes()).await.status, 200);
    }
    assert_eq!(app.counts().await.0, 1);
    let answer = app.browser().get(&format!("/linkedin/webhook?challengeCode={UUID}")).await;
    assert_eq!(answer.json()["challengeResponse"], hmac_hex("the new client secret", UUID.as_bytes()));
    app.finish().await;
}

/// One delivery with a bit of everything.
fn everything() -> Vec<Value> {
    let share = "urn:li:share:71";
    let told = |number: u32| commented(number, "urn:li:person:TESTmember1", "Do you ship?");
    let reaction = json!({"generatedActivity": "urn:li:reaction:(urn:li:person:TESTmember2,urn:li:activity:72)"});
    let mut mention = notification(PAGE, 6, "SHARE_MENTION", share, &json!({"generatedActivity": "urn:li:share:710"}));
    mention.as_object_mut().unwrap().remove("sourcePost");
    vec![
        notification(PAGE, 1, "COMMENT", share, &told(1)),
        notification(PAGE, 2, "LIKE", share, &reaction),
        notification(PAGE, 3, "SHARE", share, &json!({"generatedActivity": "urn:li:share:709"})),
        notification(PAGE, 4, "COMMENT_EDIT", share, &commented(1, "urn:li:person:TESTmember1", "And to Matara?")),
        notification(PAGE, 5, "ADMIN_COMMENT", share, &commented(5, "urn:li:organization:90001", "Yes!")),
        mention,
        notification(
            PAGE,
            7,
            "COMMENT_DELETE",
            share,
            &json!({"generatedActivity": "urn:li:comment:(urn:li:activity:72,1)"}),
        ),
        notification(PAGE, 8, "DANCE", share, &json!({})),
    ]
}

#[tokio::test]
async fn every_kind_of_activity_of_a_batch_is_stored_once_and_stands_in_its_posts_file() {
    let app = start().await;
    let body = of_page(&everything());
    for _ in 0..2 {
        hear(&app, &body).await;
    }
    // The same notification with its id as text is the same one, alone as in a batch.
    let mut as_text = everything().remove(0);
    as_text["notificationId"] = json!("700000001");
    hear(&app, &of_page(&[as_text])).await;
    let kinds: Vec<(String, bool)> = events(&app).into_iter().map(|(kind, _, apart)| (kind, apart.is_some())).collect();
    let expected = [
        "COMMENT",
        "LIKE",
        "SHARE",
        "COMMENT_EDIT",
        "ADMIN_COMMENT",
        "SHARE_MENTION",
        "COMMENT_DELETE",
        "action DANCE",
    ];
    assert_eq!(kinds, expected.map(|kind| (kind.to_owned(), kind == "action DANCE")));
    let actions = |thread: &str| -> Vec<String> {
        let items = file(&app, thread).unwrap();
        items.iter().map(|item| item["action"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(actions("share-71"), ["COMMENT", "LIKE", "SHARE", "COMMENT_EDIT", "ADMIN_COMMENT", "COMMENT_DELETE"]);
    assert_eq!(actions("share-710"), ["SHARE_MENTION"], "a mention has no post of ours: it is the share itself");
    app.finish().await;
}

/// Whether anything that the journal holds of events says this.
fn is_stored(app: &TestApp, text: &str) -> bool {
    let payloads: Vec<Vec<u8>> = app.journal_sql(|journal| {
        journal.prepare("SELECT payload FROM events")?.query_map([], |row| row.get(0))?.collect()
    });
    payloads.iter().any(|payload| is_in(text, payload))
}

#[tokio::test]
async fn of_a_comment_that_was_deleted_nothing_is_left_that_it_said() {
    let scene = Scene::start().await;
    let secret = scene.asks("A zyxw word").await;
    scene.asks("Do you ship to Galle?").await;
    scene.ada.edits(&secret, "A zyxw word, edited").await.unwrap();
    scene.app.settle().await;
    let said = |scene: &Scene| -> Vec<(String, bool)> {
        let said = |item: &Value| item.to_string().contains("zyxw");
        scene.file().iter().map(|item| (item["action"].as_str().unwrap().to_owned(), said(item))).collect()
    };
    let happened = |secret: bool| {
        let all = [("COMMENT", secret), ("COMMENT", false), ("COMMENT_EDIT", secret)];
        all.map(|(action, says)| (action.to_owned(), says)).to_vec()
    };
    assert_eq!(said(&scene), happened(true));
    scene.ada.deletes(&secret).await.unwrap();
    scene.work().await;
    let mut left = happened(false);
    left.push(("COMMENT_DELETE".to_owned(), false));
    assert_eq!(said(&scene), left, "that it was said, edited and deleted stays");
    assert!(!is_stored(&scene.app, "zyxw"));
    assert!(scene.file().iter().any(|item| item.to_string().contains("Galle")));
    let page = scene.program.get("/api/v1/events?after=0&limit=100").await.text();
    assert!(page.contains("Galle") && !page.contains("zyxw"), "{page}");
    // Nothing brings it back: neither a repeat nor another start.
    let again = commented(9, "urn:li:person:TESTmember1", "A zyxw word, late");
    let mut again = notification(PAGE, 9, "COMMENT_EDIT", &scene.post.urn(), &again);
    again["generatedActivity"] = json!(secret);
    hear(&scene.app, &of_page(&[again])).await;
    assert!(!is_stored(&scene.app, "zyxw") && !scene.app.is_on_disk("zyxw word, late"));
    let scene = scene.restart_with(|_, _| {}).await;
    rebuild(&scene.app).await;
    assert_eq!(said(&scene).iter().filter(|(_, says)| *says).count(), 0);
    scene.finish().await;
}

#[tokio::test]
async fn a_comment_that_is_deleted_after_its_event_was_deleted_by_age_is_taken_out_of_the_file() {
    let scene = Scene::start().await;
    let secret = scene.asks("A zyxw word").await;
    scene.ada.edits(&secret, "A zyxw word, edited").await.unwrap();
    scene.app.settle().await;
    scene.pass(100 * 24 * 3600).await;
    scene.asks("Do you ship to Galle?").await;
    assert!(delete_older_than(&scene.app, 30).await >= 2);
    rebuild(&scene.app).await;
    assert_eq!(scene.file().iter().filter(|item| item.to_string().contains("zyxw")).count(), 2);
    scene.ada.deletes(&secret).await.unwrap();
    scene.work().await;
    let actions: Vec<String> = scene.file().iter().map(|item| item["action"].as_str().unwrap().to_owned()).collect();
    assert_eq!(actions, ["COMMENT", "COMMENT_EDIT", "COMMENT", "COMMENT_DELETE"]);
    assert_eq!(scene.file().iter().filter(|item| item.to_string().contains("zyxw")).count(), 0);
    rebuild(&scene.app).await;
    assert_eq!(scene.file().len(), 4);
    scene.finish().await;
}

#[tokio::test]
async fn in_a_file_items_stand_in_order_of_their_own_time_and_without_one_at_their_arrival() {
    let app = start().await;
    let share = "urn:li:share:71";
    let at = |number: u32, at: &Value| {
        let mut item = notification(PAGE, number, "COMMENT", share, &commented(number, "urn:li:person:T", "x"));
        item["lastModifiedAt"] = at.clone();
        item
    };
    let early = json!(1_795_000_000_000_i64);
    hear(&app, &of_page(&[at(1, &json!(1_795_219_200_000_i64)), at(2, &early)])).await;
    for (number, mad) in (3..).zip([json!(null), json!("soon"), json!(-7), json!(1e300)]) {
        hear(&app, &of_page(&[at(number, &mad)])).await;
    }
    let ids: Vec<i64> =
        file(&app, "share-71").unwrap().iter().map(|item| item["notificationId"].as_i64().unwrap()).collect();
    assert_eq!(ids, [700_000_002, 700_000_001, 700_000_003, 700_000_004, 700_000_005, 700_000_006]);
    app.finish().await;
}

#[tokio::test]
async fn w6_one_bad_notification_costs_its_neighbours_nothing_and_pages_of_others_are_set_apart() {
    let app = start().await;
    let share = "urn:li:share:71";
    let good = |number: u32| notification(PAGE, number, "COMMENT", share, &commented(number, "urn:li:person:T", "x"));
    let others = notification("90999", 9, "COMMENT", share, &commented(9, "urn:li:person:T", "x"));
    let bad = [
        json!(17),
        json!(null),
        json!({"action": "COMMENT"}),
        json!({"action": "LIKE", "organizationalEntity": "urn:li:person:1"}),
    ];
    let all = [&[good(1), others], &bad[..], &[good(2)]].concat();
    hear(&app, &of_page(&all)).await;
    let stored = events(&app);
    assert_eq!(stored.len(), all.len());
    assert_eq!(stored.iter().filter(|(_, _, apart)| apart.is_none()).count(), 2);
    assert_eq!(stored.iter().filter(|(_, account, _)| account == "90999").count(), 1);
    assert_eq!(file(&app, "share-71").unwrap().len(), 2);
    app.finish().await;
}

#[tokio::test]
async fn leads_and_what_is_unknown_or_unreadable_are_kept_and_answered() {
    let app = start().await;
    let lead = json!({"type": "LEAD_ACTION", "leadGenFormResponse": "urn:li:leadGenFormResponse:test-1", "leadAction": "CREATED",
        "owner": {"sponsoredAccount": "urn:li:sponsoredAccount:80001"}, "occurredAt": 1_795_219_300_000_i64});
    let bodies = [
        lead.to_string(),
        json!({"type": "APPLY_CONNECT"}).to_string(),
        "[]".to_owned(),
        "no json".to_owned(),
        String::new(),
    ];
    for body in &bodies {
        for _ in 0..2 {
            hear(&app, body).await;
        }
    }
    let mut again = lead;
    again["occurredAt"] = json!(1_795_219_300_001_i64);
    hear(&app, &again.to_string()).await;
    let kinds: Vec<(String, bool)> = events(&app).into_iter().map(|(kind, _, apart)| (kind, apart.is_some())).collect();
    let expected = ["lead", "type APPLY_CONNECT", "delivery", "delivery", "delivery"];
    assert_eq!(kinds, expected.map(|kind| (kind.to_owned(), true)), "a lead is one by its response and action");
    app.finish().await;
}

#[tokio::test]
async fn direct_messages_in_our_own_form_are_keyed_by_their_conversation() {
    let app = start().await;
    let message = |conversation: &str, id: &str, from: &str| {
        json!({"eventMeta": {"type": "CREATE", "occurredAt": 1_795_219_400_000_i64}, "id": id, "conversationId": conversation,
            "from": from, "to": "urn:li:organization:90001", "body": {"text": "Hello, are you hiring?"}})
        .to_string()
    };
    for (conversation, id, from) in [
        ("conv-test-1", "m1", "urn:li:person:A"),
        ("conv-test-1", "m2", "urn:li:person:B"),
        ("conv-test-2", "m1", "urn:li:person:A"),
        ("2-a/b=", "m1", "urn:li:person:A"),
        ("share-71", "m1", "urn:li:person:A"),
    ] {
        for _ in 0..2 {
            hear(&app, &message(conversation, id, from)).await;
        }
    }
    let read =
        json!({"eventMeta": {"type": "READ"}, "id": "m3", "conversationId": "conv-test-1", "from": "urn:li:person:A"});
    hear(&app, &read.to_string()).await;
    let count = |thread: &str| file(&app, thread).map(|items| items.len());
    assert_eq!((count("conv-conv-test-1"), count("conv-conv-test-2")), (Some(2), Some(1)), "whoever of them wrote");
    assert_eq!((count("conv-b-Mi1hL2I9"), count("conv-share-71"), count("share-71")), (Some(1), Some(1), None));
    assert_eq!(
        events(&app).iter().filter(|(kind, ..)| kind == "message_read").count(),
        1,
        "it is an event and no entry"
    );
    app.finish().await;
}

#[tokio::test]
async fn v3_urns_with_signs_of_paths_never_become_anothers_file() {
    let app = start().await;
    for (number, post) in (1..).zip([
        "urn:li:share:../../etc",
        "urn:li:share:71/72",
        "urn:li:share:",
        "urn:li:person:71",
        "urn:li:share:71\u{0}",
        "urn:li:conv:71",
    ]) {
        let item = notification(PAGE, number, "COMMENT", post, &json!({}));
        hear(&app, &of_page(&[item])).await;
    }
    let long = format!("urn:li:share:{}", "1".repeat(26));
    hear(&app, &of_page(&[notification(PAGE, 9, "COMMENT", &long, &json!({}))])).await;
    assert!(events(&app).iter().all(|(_, _, apart)| apart.is_some()));
    assert!(!app.path(&format!("linkedin/{PAGE}/conversations")).exists());
    for (number, post) in (20..).zip(["urn:li:share:71", "urn:li:ugcPost:71", "urn:li:activity:71"]) {
        hear(&app, &of_page(&[notification(PAGE, number, "COMMENT", post, &json!({}))])).await;
    }
    for thread in ["share-71", "ugcPost-71", "activity-71"] {
        assert_eq!(file(&app, thread).unwrap().len(), 1, "{thread}");
    }
    app.finish().await;
}

#[tokio::test]
async fn what_was_not_taken_in_comes_again_and_twice_in_batches_changes_nothing() {
    let scene = Scene::start().await;
    scene.linkedin.set_webhooks(Webhooks::Held);
    for number in 0..12 {
        scene.ada.comments(&scene.post, &number.to_string()).await;
    }
    assert_eq!(scene.linkedin.release_together().await, [200, 200]);
    scene.linkedin.set_webhooks(Webhooks::Doubled);
    scene.ada.likes(&scene.post).await;
    scene.ada.shares(&scene.post).await;
    scene.app.settle().await;
    assert_eq!(scene.file().len(), 14);
    scene.finish().await;
}

#[tokio::test]
async fn what_comes_before_somebody_owns_the_page_flows_in_and_files_are_made_again() {
    let app = TestApp::start_with(|config| configure(config, NOWHERE)).await;
    assert_eq!(deliver(&app, &of_page(&everything())).await.status, 200);
    app.settle().await;
    assert!(file(&app, "share-71").is_none());
    app.connect().await;
    assert_eq!(app.connections("linkedin").await.len(), 1);
    assert_eq!(file(&app, "share-71").unwrap().len(), 6);
    let path = format!("linkedin/{PAGE}/conversations/share-71.json");
    let before = app.text(&path).unwrap();
    std::fs::remove_file(app.path(&path)).unwrap();
    app.command(Command::Rebuild { account: Some(PAGE.into()) }).await;
    app.settle().await;
    assert_eq!(app.text(&path).unwrap(), before);
    app.finish().await;
}
