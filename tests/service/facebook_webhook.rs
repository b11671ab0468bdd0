//! Deliveries of Facebook: what is refused, what is stored, and what becomes of it.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use shoptalk::commands::Command;
use shoptalk::shared::channel::simulator::Failure;
use shoptalk::shared::secrets::signature::Secrets;
use tokio::task::JoinSet;

use crate::test_app::{FACEBOOK_SECRET, PAGE, TestApp};

const SAM: &str = "7000000000000001";
const KIM: &str = "7000000000000002";
const OTHER_PAGE: &str = "100000000000102";

/// 2026-11-21T12:00:00Z, where every test's clock begins.
const NOON_MS: i64 = 1_795_262_400_000;

/// A text that the person wrote so many milliseconds after noon.
fn text_at(page: &str, person: &str, after_ms: i64, text: &str) -> Value {
    json!({
        "sender": { "id": person }, "recipient": { "id": page }, "timestamp": NOON_MS + after_ms,
        "message": { "mid": format!("m_{page}-{person}-{after_ms}"), "text": text },
    })
}

/// A body with one entry whose items are these texts of JSON.
fn body_of(page: &str, items: &[&str]) -> String {
    format!(r#"{{"object":"page","entry":[{{"id":"{page}","time":{NOON_MS},"messaging":[{}]}}]}}"#, items.join(","))
}

/// Delivers these bytes, correctly signed, and does the work.
async fn deliver(app: &TestApp, body: impl AsRef<[u8]>) {
    assert_eq!(app.facebook.deliver_raw(body.as_ref()).await.unwrap(), 200);
    app.settle().await;
}

/// How often the Page's own object was read.
fn metadata_reads(app: &TestApp) -> usize {
    let path = format!("/v26.0/{PAGE}");
    app.facebook.traffic().received().iter().filter(|request| request.path == path).count()
}

/// The names in a folder below the output folder.
fn names(app: &TestApp, folder: &str) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(app.path(folder)) else { return Vec::new() };
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_challenge_with_the_right_token_is_answered_with_the_bare_text() {
    let app = TestApp::start().await;
    for path in ["/facebook/webhook", "/webhooks/facebook"] {
        let get = async |query: &str| app.browser().get(&format!("{path}?{query}")).await;
        let token = "hub.verify_token=a%20verify%20token%20for%20tests";
        let answer = get(&format!("hub.mode=subscribe&{token}&hub.challenge=1158201444")).await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "1158201444"));
        assert!(answer.header("content-type").starts_with("text/plain"));
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        for query in [
            "hub.mode=subscribe&hub.verify_token=wrong&hub.challenge=1".to_owned(),
            "hub.mode=subscribe&hub.verify_token=&hub.challenge=1".to_owned(),
            "hub.mode=subscribe&hub.challenge=1".to_owned(),
            format!("hub.mode=unsubscribe&{token}&hub.challenge=1"),
            format!("{token}&hub.challenge=1"),
            format!("hub.mode=subscribe&{token}"),
            format!("hub.mode=subscribe&{token}&hub.challenge="),
            format!("hub.mode=subscribe&{token}&hub.challenge=%3Cscript%3E"),
            format!("hub.mode=subscribe&{token}&hub.challenge={}", "1".repeat(257)),
            String::new(),
        ] {
            let answer = get(&query).await;
            assert_eq!((answer.status.as_u16(), answer.body.len()), (403, 0), "{query}");
        }
    }
    assert_eq!(app.counts().await, (0, 0, 0));
    app.finish().await;
}

#[tokio::test]
async fn a_delivery_without_a_right_signature_is_refused_and_not_stored() {
    let app = TestApp::start().await;
    app.connect().await;
    let before = app.counts().await;
    let body = body_of(PAGE, &[&text_at(PAGE, SAM, 0, "hi").to_string()]);
    let body = body.as_bytes();
    let (good, older) = (app.facebook.sign(body), app.facebook.sign_sha1(body));
    let other = app.facebook.sign(b"another body");
    const NEW: &str = "x-hub-signature-256";
    const OLD: &str = "x-hub-signature";
    let hex = good.strip_prefix("sha256=").unwrap();
    let refused: Vec<Vec<(&str, &str)>> = vec![
        vec![],
        vec![(NEW, "")],
        vec![(NEW, &other)],
        vec![(NEW, &good), (NEW, &good)],
        vec![(NEW, &good), (NEW, &other)],
        vec![(NEW, &good[..good.len() - 2])],
        vec![(NEW, &good[..good.len() - 1])],
        vec![(NEW, hex)],
        vec![(NEW, "sha256=")],
        vec![(NEW, &older)],
        vec![(NEW, "sha256=zz"), (OLD, &older)],
        vec![(NEW, &other), (OLD, &older)],
        vec![(OLD, &good)],
        vec![(OLD, "sha1=00")],
        vec![(OLD, &older), (OLD, &older)],
    ];
    for headers in refused {
        assert_eq!(app.facebook.deliver_with(body, &headers).await.unwrap(), 401, "{headers:?}");
    }
    assert_eq!(app.facebook.deliver_forged(body).await.unwrap(), 401);
    let answer = app.browser().send(Method::POST, "/webhooks/facebook", &[(NEW, &other)], body).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (401, 0));
    app.settle().await;
    assert_eq!(app.counts().await, before);
    assert_eq!(app.conversation(SAM), None);
    assert!(!app.is_on_disk("m_100000000000101-7000000000000001-0"));
    app.finish().await;
}

#[tokio::test]
async fn a_right_signature_is_accepted_in_each_of_its_forms_and_at_both_addresses() {
    let app = TestApp::start().await;
    app.connect().await;
    let mut time = 0;
    let mut body = || {
        time += 1;
        body_of(PAGE, &[&text_at(PAGE, SAM, time, &time.to_string()).to_string()]).into_bytes()
    };
    let plain = body();
    assert_eq!(
        app.facebook.deliver_with(&plain, &[("x-hub-signature-256", &app.facebook.sign(&plain))]).await.unwrap(),
        200
    );
    // In upper case it is another spelling, and refused (W2).
    let upper = body();
    let signature = app.facebook.sign(&upper);
    let signature = format!("sha256={}", signature.strip_prefix("sha256=").unwrap().to_uppercase());
    assert_eq!(app.facebook.deliver_with(&upper, &[("x-hub-signature-256", &signature)]).await.unwrap(), 401);
    app.facebook.sha1_only(true);
    assert_eq!(app.facebook.deliver_raw(&body()).await.unwrap(), 200);
    let second = body();
    let signature = app.facebook.sign(&second);
    let headers = [("x-hub-signature-256", signature.as_str())];
    assert_eq!(app.browser().send(Method::POST, "/webhooks/facebook", &headers, &second).await.status, 200);
    app.settle().await;
    assert_eq!(app.said(SAM), ["1", "3", "4"]);
    app.finish().await;
}

#[tokio::test]
async fn the_older_signature_alone_can_be_switched_off() {
    let app = TestApp::start_with(|config| config.facebook.as_mut().unwrap().require_sha256 = true).await;
    app.facebook.deliver_to(&format!("{}/facebook/webhook", app.url));
    let body = body_of(PAGE, &[&text_at(PAGE, SAM, 0, "hi").to_string()]);
    app.facebook.sha1_only(true);
    assert_eq!(app.facebook.deliver_raw(body.as_bytes()).await.unwrap(), 401);
    assert_eq!(app.counts().await.0, 0);
    app.facebook.sha1_only(false);
    assert_eq!(app.facebook.deliver_raw(body.as_bytes()).await.unwrap(), 200);
    assert_eq!(app.counts().await.0, 1);
    app.finish().await;
}

#[tokio::test]
async fn a_signature_made_with_the_previous_secret_is_accepted_during_a_rotation() {
    let app = TestApp::start_with(|config| {
        let rotated = Secrets::new("a newer facebook secret".into(), Some(FACEBOOK_SECRET.into()));
        config.facebook.as_mut().unwrap().app_secret = rotated;
    })
    .await;
    app.facebook.deliver_to(&format!("{}/facebook/webhook", app.url));
    for (time, sha1_only) in [(0, false), (1, true)] {
        app.facebook.sha1_only(sha1_only);
        let body = body_of(PAGE, &[&text_at(PAGE, SAM, time, "hi").to_string()]);
        assert_eq!(app.facebook.deliver_raw(body.as_bytes()).await.unwrap(), 200);
        assert_eq!(app.facebook.deliver_forged(body.as_bytes()).await.unwrap(), 401);
    }
    assert_eq!(app.counts().await.0, 2);
    app.finish().await;
}

#[tokio::test]
async fn a_body_over_four_mebibytes_is_too_large() {
    let app = TestApp::start().await;
    app.connect().await;
    let before = app.counts().await.0;
    let item = text_at(PAGE, SAM, 0, "long").to_string();
    let mut body = body_of(PAGE, &[&item]).into_bytes();
    body.resize(4 * 1024 * 1024 + 1, b' ');
    let signature = app.facebook.sign(&body);
    let headers = [("x-hub-signature-256", signature.as_str())];
    assert_eq!(app.browser().send(Method::POST, "/facebook/webhook", &headers, &body).await.status, 413);
    assert_eq!(app.counts().await.0, before);
    body.pop();
    deliver(&app, &body).await;
    assert_eq!(app.said(SAM), ["long"]);
    app.finish().await;
}

#[tokio::test]
async fn the_bytes_of_a_message_stand_in_the_file_as_they_came() {
    let app = TestApp::start().await;
    app.connect().await;
    let texts = [
        r#""text":"Caf\u00e9 \u20ac5 https:\/\/shop.example\/p?id=1 \u003Cb\u003E""#,
        r#""big":900719925474099312345678,"small":1.0e-7,"text":"2""#,
        r#""text":"first","text":"second""#,
        r#""text":"half a pair \ud83d""#,
        r#""text":"nothing \u0000 here""#,
        r#" "text" : "spaces" , "x" : [ 1 , 2 ] "#,
        r#""text":"Kaffee für alle 😀""#,
    ];
    let items: Vec<String> = texts
        .iter()
        .enumerate()
        .map(|(number, text)| {
            let time = NOON_MS + i64::try_from(number).unwrap();
            format!(
                r#"{{ "sender":{{"id":"{SAM}"}},"recipient":{{"id":"{PAGE}"}}, "timestamp":{time},"message":{{"mid":"m_{number}",{text}}}}}"#
            )
        })
        .collect();
    let parts: Vec<&str> = items.iter().map(String::as_str).collect();
    deliver(&app, body_of(PAGE, &parts)).await;
    let file = app.text(&format!("facebook/{PAGE}/conversations/{SAM}.json")).unwrap();
    assert_eq!(file, format!("[\n{}\n]\n", items.join(",\n")));
    app.finish().await;
}

#[tokio::test]
async fn a_whole_batch_is_taken_and_a_bad_item_costs_its_neighbours_nothing() {
    let app = TestApp::start().await;
    app.facebook.add_page(OTHER_PAGE, "Other Page");
    app.connect().await;
    let before = app.counts().await;
    let text = |page: &str, person: &str, time, text: &str| text_at(page, person, time, text).to_string();
    let entry =
        |page: &str, items: &[&str]| format!(r#"{{"id":"{page}","time":{NOON_MS},"messaging":[{}]}}"#, items.join(","));
    let entries = [
        entry(
            PAGE,
            &[&text(PAGE, SAM, 1, "a"), "17", &text(PAGE, KIM, 2, "b"), "null", "{}", &text(PAGE, SAM, 3, "c")],
        ),
        entry(OTHER_PAGE, &[&text(OTHER_PAGE, SAM, 4, "d"), "\"x\""]),
        "[]".to_owned(),
        entry(PAGE, &[&text(PAGE, SAM, 5, "e")]),
        format!(r#"{{"id":"{PAGE}","time":{NOON_MS},"messaging":{{}}}}"#),
    ];
    deliver(&app, format!(r#"{{"object":"page","entry":[{}]}}"#, entries.join(","))).await;
    assert_eq!(app.said(SAM), ["a", "c", "e"]);
    assert_eq!(app.said(KIM), ["b"]);
    let other = app.json(&format!("facebook/{OTHER_PAGE}/conversations/{SAM}.json"));
    assert_eq!(other, json!([text_at(OTHER_PAGE, SAM, 4, "d")]));
    let after = app.counts().await;
    assert_eq!((after.0 - before.0, after.1 - before.1), (11, 6));
    app.finish().await;
}

#[tokio::test]
async fn a_thousand_items_in_one_delivery_are_taken() {
    let app = TestApp::start().await;
    app.connect().await;
    let before = app.counts().await.0;
    let person = |number: i64| format!("70000000000000{:02}", number % 10);
    let items: Vec<Value> =
        (0..1000).map(|number| text_at(PAGE, &person(number), number, &number.to_string())).collect();
    assert_eq!(app.page().deliver(&items).await.unwrap(), Some(200));
    app.settle().await;
    assert_eq!(app.counts().await.0 - before, 1000);
    for first in 0..10 {
        let expected: Vec<String> = (0..100).map(|step| (first + step * 10).to_string()).collect();
        assert_eq!(app.said(&person(first)), expected);
    }
    app.finish().await;
}

#[tokio::test]
async fn what_the_page_says_is_filed_under_the_person() {
    let app = TestApp::start().await;
    app.connect().await;
    let sam = app.facebook.person(SAM, "Sam Doe");
    let page = app.page();
    let question = page.message_from(&sam, "Do you have it?");
    let answer = page.reply_to(&sam, "Yes, 3 left.");
    let by_app = page.reply_by_app(&sam, "Anything else?", 900_000_000_000_001);
    let all = [question, answer, by_app];
    assert_eq!(page.deliver(&all).await.unwrap(), Some(200));
    app.settle().await;
    assert_eq!(app.conversation(SAM).unwrap(), all);
    assert_eq!(names(&app, &format!("facebook/{PAGE}/conversations")), [format!("{SAM}.json")]);
    app.finish().await;
}

#[tokio::test]
async fn a_delivery_repeated_fifty_times_at_once_is_one() {
    let app = TestApp::start().await;
    app.connect().await;
    let before = app.counts().await.0;
    let items = [text_at(PAGE, SAM, 0, "one"), text_at(PAGE, SAM, 1, "two")];
    let body = app.page().envelope(&items).to_string();
    let mut deliveries = JoinSet::new();
    for _ in 0..50 {
        let (facebook, body) = (app.facebook.clone(), body.clone());
        deliveries.spawn(async move { facebook.deliver_raw(body.as_bytes()).await.unwrap() });
    }
    assert_eq!(deliveries.join_all().await, [200; 50]);
    app.settle().await;
    assert_eq!(app.counts().await.0 - before, 2);
    assert_eq!(app.conversation(SAM).unwrap(), items);
    // A year later it is still known.
    app.clock.advance(Duration::from_secs(365 * 24 * 3600));
    deliver(&app, &body).await;
    assert_eq!(app.counts().await.0 - before, 2);
    app.finish().await;
}

#[tokio::test]
async fn a_message_that_comes_by_every_road_is_one() {
    let app = TestApp::start().await;
    app.connect().await;
    let before = app.counts().await.0;
    let sam = app.facebook.person(SAM, "Sam Doe");
    let item = app.page().message_from(&sam, "hi");
    let tap = app.page().postback_from(&sam, "Get Started", "GET_STARTED");
    let items = [item, tap];
    deliver(&app, app.page().standby_envelope(&items).to_string()).await;
    deliver(&app, app.page().envelope(&items).to_string()).await;
    app.command(Command::Sync { channel: Some("facebook".to_owned()), account: None }).await;
    app.settle().await;
    assert_eq!(app.counts().await.0 - before, 2);
    assert_eq!(app.conversation(SAM).unwrap(), items);
    app.finish().await;
}

#[tokio::test]
async fn a_standby_copy_alone_is_filed_too() {
    let app = TestApp::start().await;
    app.connect().await;
    let item = text_at(PAGE, SAM, 0, "to a human");
    deliver(&app, app.page().standby_envelope(std::slice::from_ref(&item)).to_string()).await;
    assert_eq!(app.conversation(SAM).unwrap(), [item]);
    app.finish().await;
}

#[tokio::test]
async fn what_arrives_out_of_order_ends_in_order_of_time() {
    let app = TestApp::start().await;
    app.connect().await;
    for time in [5, 1, 4, 2, 3] {
        deliver(&app, app.page().envelope(&[text_at(PAGE, SAM, time, &time.to_string())]).to_string()).await;
    }
    assert_eq!(app.said(SAM), ["1", "2", "3", "4", "5"]);
    app.finish().await;
}

#[tokio::test]
async fn receipts_alone_make_no_conversation_and_are_in_it_once_it_exists() {
    let app = TestApp::start().await;
    app.connect().await;
    let sam = app.facebook.person(SAM, "Sam Doe");
    let page = app.page();
    let early = [page.delivered_to(&sam), page.read_by(&sam), page.reaction_from(&sam, "m_x", Some("love"))];
    assert_eq!(page.deliver(&early).await.unwrap(), Some(200));
    app.settle().await;
    assert_eq!(names(&app, &format!("facebook/{PAGE}/conversations")), [""; 0]);
    let message = page.message_from(&sam, "hi");
    let edit = page.edit(&sam, message["message"]["mid"].as_str().unwrap(), "hello");
    let late = [message, edit, page.read_by(&sam)];
    assert_eq!(page.deliver(&late).await.unwrap(), Some(200));
    app.settle().await;
    assert_eq!(app.conversation(SAM).unwrap(), [&early[..], &late[..]].concat());
    app.finish().await;
}

#[tokio::test]
async fn what_we_do_not_know_is_kept_apart_and_answered_200() {
    let app = TestApp::start().await;
    app.connect().await;
    let item = |kind: Value| {
        let mut item = json!({"sender": {"id": SAM}, "recipient": {"id": PAGE}, "timestamp": NOON_MS});
        item.as_object_mut().unwrap().extend(kind.as_object().unwrap().clone());
        json!({"object": "page", "entry": [{"id": PAGE, "time": NOON_MS, "messaging": [item]}]})
    };
    let change = |page: &str, field: &str, value: Value| json!({"object": "page", "entry": [{"id": page, "time": 1_795_262_400, "changes": [{"field": field, "value": value}]}]});
    let dashboard = json!({"sender": {"id": "12334"}, "recipient": {"id": "23245"}, "timestamp": "1527459824",
        "message": {"mid": "test_message_id", "text": "test_message"}});
    for body in [
        item(json!({"a_kind_of_the_future": {"x": 1}})),
        item(json!({})),
        json!({"object": "page", "entry": [{"id": PAGE, "time": NOON_MS, "hop_context": []}]}),
        json!({"object": "user", "entry": [{"id": "1", "time": 1, "changed_fields": ["photos"]}]}),
        json!({"object": "instagram", "entry": [{"id": PAGE, "time": 1, "messaging": [text_at(PAGE, SAM, 1, "hi")]}]}),
        json!({"object": "permissions", "entry": [{"id": "nobody", "time": 1,
            "changes": [{"field": "pages_messaging", "value": {"verb": "revoked", "target_ids": [PAGE]}}]}]}),
        change("0", "messages", dashboard.clone()),
        change(PAGE, "messages", dashboard),
        change(PAGE, "feed", json!({"item": "comment", "from": {"id": SAM}, "message": "price?"})),
        json!({"object": "page", "entry": [{"id": "999", "time": 1, "messaging": [text_at("999", SAM, 1, "hi")]}]}),
        change("999", "name", "Unknown Page".into()),
    ] {
        let before = app.counts().await;
        let reads = metadata_reads(&app);
        deliver(&app, body.to_string()).await;
        let after = app.counts().await;
        assert_eq!((after.0 - before.0, after.1 - before.1, after.2), (1, 1, 0), "{body}");
        assert_eq!(metadata_reads(&app), reads, "{body}");
    }
    assert_eq!(names(&app, "facebook"), [PAGE]);
    assert_eq!(names(&app, &format!("facebook/{PAGE}")), ["page_metadata.json"]);
    app.finish().await;
}

#[tokio::test]
async fn what_is_no_delivery_is_kept_and_answered_200() {
    let app = TestApp::start().await;
    app.connect().await;
    let bodies: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b"not json".to_vec(),
        b"[]".to_vec(),
        b"null".to_vec(),
        b"{\"object\":\"page\"".to_vec(),
        b"{\"object\":\"page\",\"entry\":[]}".to_vec(),
        b"\xff\xfe\x00".to_vec(),
        "[".repeat(100_000).into_bytes(),
        format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)).into_bytes(),
        format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000)).into_bytes(),
    ];
    for body in bodies {
        let before = app.counts().await;
        deliver(&app, &body).await;
        let after = app.counts().await;
        assert_eq!((after.0 - before.0, after.1 - before.1), (1, 1), "{:?}", &body[..body.len().min(20)]);
    }
    // What is nested deeper than readers of files can take is kept apart, and costs its neighbours nothing.
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let item = format!(
        r#"{{"sender":{{"id":"{SAM}"}},"recipient":{{"id":"{PAGE}"}},"timestamp":{NOON_MS},"message":{{"mid":"m_deep","text":"deep","x":{deep}}}}}"#
    );
    let before = app.counts().await;
    deliver(&app, body_of(PAGE, &[&item, &text_at(PAGE, KIM, 1, "beside it").to_string()])).await;
    let after = app.counts().await;
    assert_eq!((after.0 - before.0, after.1 - before.1), (2, 1));
    assert_eq!(app.text(&format!("facebook/{PAGE}/conversations/{SAM}.json")), None);
    assert_eq!(app.said(KIM), ["beside it"]);
    app.finish().await;
}

#[tokio::test]
async fn an_id_that_is_no_number_makes_no_path() {
    let app = TestApp::start().await;
    app.connect().await;
    let before = app.counts().await;
    let long = "7".repeat(33);
    let ids = ["../../x", "..", "", "x", "7\\u0000", "7/8", " 7", "-7", &long];
    for id in ids {
        deliver(&app, body_of(PAGE, &[&text_at(PAGE, id, 0, "hi").to_string()])).await;
        deliver(&app, body_of(id, &[&text_at(PAGE, SAM, 0, "hi").to_string()])).await;
    }
    let after = app.counts().await;
    let count = i64::try_from(ids.len() * 2).unwrap();
    assert_eq!((after.0 - before.0, after.1 - before.1), (count, count));
    assert_eq!(names(&app, "facebook"), [PAGE]);
    assert_eq!(names(&app, &format!("facebook/{PAGE}")), ["page_metadata.json"]);
    app.finish().await;
}

#[tokio::test]
async fn what_came_for_a_page_flows_in_when_it_connects() {
    let app = TestApp::start().await;
    app.facebook.deliver_to(&format!("{}/facebook/webhook", app.url));
    // The API of the platform does not know these messages: only the deliveries tell of them.
    for time in [3, 1, 2] {
        deliver(&app, app.page().envelope(&[text_at(PAGE, SAM, time, &time.to_string())]).to_string()).await;
    }
    deliver(&app, app.page().changes_envelope(&[app.page().changed("name", "New".into())]).to_string()).await;
    assert_eq!(app.counts().await, (4, 4, 0));
    assert!(!app.path("facebook").exists());
    app.connect().await;
    assert_eq!(app.counts().await, (4, 0, 0));
    assert_eq!(app.said(SAM), ["1", "2", "3"]);
    let expected: Vec<Value> = (1..=3).map(|time| text_at(PAGE, SAM, time, &time.to_string())).collect();
    assert_eq!(app.conversation(SAM).unwrap(), expected);
    app.finish().await;
}

#[tokio::test]
async fn a_change_of_the_page_makes_its_metadata_be_read_again() {
    let app = TestApp::start().await;
    app.connect().await;
    let file = format!("facebook/{PAGE}/page_metadata.json");
    let conversations = app.facebook.traffic().count("/conversations");
    let reads = metadata_reads(&app);
    app.page().rename("Demo Shop Berlin");
    let changes = [app.page().changed("name", "what the webhook says is not trusted".into())];
    assert_eq!(app.page().deliver_changes(&changes).await.unwrap(), Some(200));
    app.settle().await;
    assert_eq!(app.json(&file)["name"], "Demo Shop Berlin");
    assert_eq!(metadata_reads(&app), reads + 1);

    app.page().set_field("website", "https://berlin.example/".into());
    let names_only =
        json!({"object": "page", "entry": [{"id": PAGE, "time": 1_795_262_500, "changed_fields": ["website"]}]});
    deliver(&app, names_only.to_string()).await;
    assert_eq!(app.json(&file)["website"], "https://berlin.example/");
    assert_eq!(metadata_reads(&app), reads + 2);
    assert_eq!(app.facebook.traffic().count("/conversations"), conversations, "conversations are left alone");
    app.finish().await;
}

#[tokio::test]
async fn a_burst_of_changes_costs_one_read_and_messages_cost_none() {
    let app = TestApp::start().await;
    app.connect().await;
    let reads = metadata_reads(&app);
    for number in 0..20 {
        let name = format!("Name {number}");
        app.page().rename(&name);
        let changes = [app.page().changed("name", name.into()), app.page().changed("category", number.into())];
        assert_eq!(app.page().deliver_changes(&changes).await.unwrap(), Some(200));
        app.work().await;
    }
    assert_eq!(metadata_reads(&app), reads);
    app.settle().await;
    assert_eq!(metadata_reads(&app), reads + 1);
    assert_eq!(app.json(&format!("facebook/{PAGE}/page_metadata.json"))["name"], "Name 19");
    deliver(&app, app.page().envelope(&[text_at(PAGE, SAM, 0, "hi")]).to_string()).await;
    assert_eq!(metadata_reads(&app), reads + 1);
    app.finish().await;
}

#[tokio::test]
async fn changes_that_do_not_end_put_the_read_off_by_fifteen_seconds_at_most() {
    let app = TestApp::start().await;
    app.connect().await;
    let reads = metadata_reads(&app);
    for second in 0..16 {
        assert_eq!(metadata_reads(&app), reads, "after {second} s");
        let changes = [app.page().changed("name", second.into())];
        assert_eq!(app.page().deliver_changes(&changes).await.unwrap(), Some(200));
        app.work().await;
        app.clock.advance(Duration::from_secs(1));
    }
    app.work().await;
    assert_eq!(metadata_reads(&app), reads + 1);
    app.finish().await;
}

#[tokio::test]
async fn a_delivery_is_stored_and_filed_without_a_call_of_the_api() {
    let app = TestApp::start().await;
    app.connect().await;
    app.facebook.traffic().fail_next("", 1000, Failure::Status(500));
    let sent = app.outgoing();
    deliver(&app, app.page().envelope(&[text_at(PAGE, SAM, 0, "hi")]).to_string()).await;
    assert_eq!(app.said(SAM), ["hi"]);
    assert_eq!(app.outgoing(), sent);
    app.finish().await;
}
