//! What Viber posts, from the callback to the event, the conversation's file and the feed.

use http::Method;
use serde_json::{Value, json};
use shoptalk::app::config::Config;
use shoptalk::commands::Command;
use shoptalk::shared::channel::simulator::Failure;
use shoptalk::shared::secrets::signature::Secrets;
use shoptalk::shared::store::api_keys::Scope;

use crate::api_keys::Bot;
use crate::test_app::TestApp;
use crate::viber_stage::{BOT, Desk, PERSON, TOKEN, USER, deliver, file, hear, message, sign, start, text};

const OTHER: &str = "dGVzdC11c2VyLTAy+w==";

/// The kinds of the bot's events and whether each is set aside, in order of arrival.
fn events(app: &TestApp) -> Vec<(String, String, Option<String>)> {
    app.journal_sql(|sql| {
        sql.prepare("SELECT account, kind, apart FROM events WHERE channel = 'viber' ORDER BY seq")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .collect()
    })
}

#[tokio::test]
async fn a_message_becomes_an_entry_of_its_persons_file_byte_for_byte_and_an_event_of_the_feed() {
    let (app, desk) = start().await;
    let bot = Bot::start(&app, &[Scope::Read]).await;
    let body = text(160, "is the table free?");
    hear(&app, &body).await;
    let path = format!("viber/{BOT}/conversations/{PERSON}.json");
    assert!(app.text(&path).unwrap().contains(&body), "as it came");
    app.settle().await;
    let feed = bot.get("/api/v1/events?after=0").await.json();
    let event = feed["events"].as_array().unwrap().iter().find(|event| event["type"] == "message").unwrap().clone();
    assert_eq!(event["channel"], "viber");
    assert_eq!(event["account"], json!({"id": BOT, "name": "Harbour Cafe"}));
    assert_eq!(event["person"]["id"], PERSON);
    assert_eq!((&event["kind"], &event["text"]), (&json!("text"), &json!("is the table free?")));
    assert_eq!(event["platform_id"], "5912661846655230160");
    assert_eq!((&event["bot_may_answer"], &event["window"]["state"]), (&json!(true), &json!("open")));
    assert_eq!(event["raw"]["message_token"].to_string(), "5912661846655230160");
    assert_eq!(event["at"], "2026-11-21T12:00:00.160Z", "milliseconds since 1970, UTC");
    let conversation = bot.get(&format!("/api/v1/viber/{BOT}/conversations/{PERSON}")).await;
    assert_eq!((conversation.status.as_u16(), &conversation.json()["person"]["name"]), (200, &json!("Dilan K")));
    assert_eq!(desk.traffic.unknown().len(), 0);
    app.finish().await;
}

/// What a well-known guide says of Viber and is wrong, and the test that holds what is right.
const MISTAKES: [(&str, &str); 20] = [
    ("no signature", "v1_a_signature_in_header_or_parameter_lets_in_and_two_that_differ_do_not"),
    ("a public key", "what_is_wrong_with_the_bot_the_doctor_finds"),
    (
        "a webhook set in a dashboard",
        "at_a_start_the_account_is_learned_and_the_webhook_set_with_our_address_and_events",
    ),
    ("http://localhost", "an_address_that_is_not_public_stops_the_start"),
    ("a body without a sender", "an_answer_names_receiver_sender_and_our_mark_and_its_copy_stands_once_in_the_file"),
    (
        "GET with the token in the body",
        "at_a_start_the_account_is_learned_and_the_webhook_set_with_our_address_and_events",
    ),
    ("messages alone", "every_event_is_stored_and_only_messages_stand_in_the_file"),
    ("no event of the webhook", "every_event_is_stored_and_only_messages_stand_in_the_file"),
    ("texts alone", "all_types_of_messages_are_kept_whatever_is_in_them"),
    ("an answer with a body", "a_welcome_is_the_answer_to_who_opens_the_chat_and_nothing_else_has_a_body"),
    ("500 without a time", "a_callback_without_a_time_or_with_a_mad_one_is_taken_at_its_arrival"),
    ("no key", "message_tokens_are_exact_beyond_2_to_the_53"),
    ("the person is the sender", "every_event_is_stored_and_only_messages_stand_in_the_file"),
    ("the first message as the last", "the_list_tells_the_newest_message_and_not_the_first"),
    ("one bot", "the_same_person_has_a_conversation_with_each_bot"),
    ("HTTP 200 as sent", "a_status_decides_whatever_the_http_status_says"),
    ("/start", "who_only_opened_the_chat_or_subscribed_has_begun_no_session"),
    ("local time", "a_message_becomes_an_entry_of_its_persons_file_byte_for_byte_and_an_event_of_the_feed"),
    ("a bot for everybody", "what_the_portal_asks_for_stands_in_the_document"),
    ("a document about rich media", "what_the_portal_asks_for_stands_in_the_document"),
];

#[test]
fn every_mistake_of_a_guide_has_a_test() {
    let tests =
        [include_str!("viber_receive.rs"), include_str!("viber_send.rs"), include_str!("viber_life.rs")].concat();
    let missing: Vec<_> = MISTAKES.iter().filter(|(_, test)| !tests.contains(&format!("fn {test}("))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn what_the_portal_asks_for_stands_in_the_document() {
    let document = include_str!("../../docs/connecting.md");
    let section = document.split("\n## Viber\n").nth(1).unwrap().split("\n## ").next().unwrap();
    for words in [
        "commercial terms since February 2024",
        "There is no public key and no verify token",
        "https://creators.viber.com/docs/bots-api/",
        "Opening it alone is no subscription",
    ] {
        assert!(section.contains(words), "{words}");
    }
}

#[test]
fn an_address_that_is_not_public_stops_the_start() {
    let read = |address: &'static str| {
        Config::read(&|name| match name {
            "VIBER_BOT_TOKEN" => Some(TOKEN.to_owned()),
            "PUBLIC_URL" => Some("https://abc.ngrok.app".to_owned()),
            "VIBER_WEBHOOK_ADDRESS" => Some(address.to_owned()),
            _ => None,
        })
    };
    assert!(read("https://shop.example/viber/webhook").is_ok());
    let refused = read("http://shop.example/viber/webhook").expect_err("a refusal").0;
    assert_eq!(refused.into_iter().map(|problem| problem.name).collect::<Vec<_>>(), ["VIBER_WEBHOOK_ADDRESS"]);
}

#[tokio::test]
async fn the_list_tells_the_newest_message_and_not_the_first() {
    let (app, _desk) = start().await;
    for (number, words) in [(1, "the first"), (2, "the second"), (3, "the newest")] {
        hear(&app, &text(number, words)).await;
        let list = app.connect().await.for_pages().get(&format!("/conversations/viber/{BOT}")).await.text();
        assert!(list.contains(words), "{list}");
        assert_eq!(list.contains("the first"), number == 1, "{list}");
    }
    app.finish().await;
}

#[tokio::test]
async fn the_same_person_has_a_conversation_with_each_bot() {
    const ANOTHER: &str = "7777777777777777777";
    let (app, desk) = start().await;
    hear(&app, &text(1, "to the first bot")).await;
    // The settings name another bot's token now.
    desk.change(|bot| bot.id = format!("pa:{ANOTHER}"));
    let app = app.restart_with(|config| desk.settings(config)).await;
    app.begin().await;
    hear(&app, &text(2, "to the second bot")).await;
    let words = |bot: &str| app.text(&format!("viber/{bot}/conversations/{PERSON}.json")).unwrap_or_default();
    assert!(words(BOT).contains("to the first bot") && !words(BOT).contains("to the second bot"), "{}", words(BOT));
    assert!(words(ANOTHER).contains("to the second bot") && !words(ANOTHER).contains("to the first bot"));
    app.finish().await;
}

#[tokio::test]
async fn v1_a_signature_in_header_or_parameter_lets_in_and_two_that_differ_do_not() {
    let (app, _desk) = start().await;
    let before = app.counts().await;
    let body = text(1, "hello");
    let (good, other) = (sign(TOKEN, body.as_bytes()), sign("another token", body.as_bytes()));
    let post = async |query: &str, header: Option<&str>| {
        let headers: Vec<(&str, &str)> = header.iter().map(|value| ("x-viber-content-signature", *value)).collect();
        let answer =
            app.browser().send(Method::POST, &format!("/webhooks/viber{query}"), &headers, body.as_bytes()).await;
        assert_eq!(answer.text(), "", "every answer is empty");
        answer.status.as_u16()
    };
    for (query, header) in [
        (String::new(), None),
        (String::new(), Some(other.as_str())),
        (format!("?sig={other}"), None),
        (format!("?sig={other}"), Some(good.as_str())),
        (format!("?sig={good}"), Some(other.as_str())),
        (format!("?sig={good}&sig={good}"), None),
        ("?sig=".to_owned(), Some(good.as_str())),
    ] {
        assert_eq!(post(&query, header).await, 401, "{query} {header:?}");
    }
    assert_eq!(app.counts().await, before, "nothing of it is stored");
    assert_eq!(post(&format!("?sig={good}"), None).await, 200);
    assert_eq!(post(&format!("?sig={good}"), Some(&good)).await, 200);
    assert_eq!(app.counts().await.0, before.0 + 1);
    app.finish().await;
}

#[tokio::test]
async fn w3_during_a_replacement_both_tokens_sign() {
    let desk = Desk::open().await;
    let app = TestApp::start_with(|config| {
        desk.settings(config);
        let token = Secrets::new(TOKEN.into(), Some("the token before this one".into()));
        config.viber.as_mut().unwrap().token = token;
    })
    .await;
    for token in [TOKEN, "the token before this one"] {
        let body = text(7, "hello");
        let signature = sign(token, body.as_bytes());
        let headers = [("x-viber-content-signature", signature.as_str())];
        let answer = app.browser().send(Method::POST, "/viber/webhook", &headers, body.as_bytes()).await;
        assert_eq!(answer.status, 200);
    }
    assert_eq!(app.counts().await.0, 1, "of one bot, whoever signed");
    app.finish().await;
}

#[tokio::test]
async fn every_event_is_stored_and_only_messages_stand_in_the_file() {
    let (app, _desk) = start().await;
    let before = app.counts().await;
    let first = events(&app).len();
    let user = |event: &str, more: &str| format!(r#"{{"event":"{event}","timestamp":1795262400000,{more}}}"#);
    let bodies = [
        user("webhook", r#""message_token":5912661846655238100"#),
        user(
            "conversation_started",
            &format!(
                r#""message_token":5912661846655238146,"type":"open","context":"poster-7","user":{{"id":"{USER}"}},"subscribed":false"#
            ),
        ),
        user("subscribed", &format!(r#""message_token":5912661846655238147,"user":{{"id":"{USER}"}}"#)),
        text(1, "hello"),
        user("delivered", &format!(r#""message_token":5912661846655239001,"user_id":"{USER}""#)),
        user("seen", &format!(r#""message_token":5912661846655239001,"user_id":"{USER}""#)),
        user(
            "failed",
            &format!(r#""message_token":5912661846655239002,"user_id":"{USER}","desc":"keyboard not valid""#),
        ),
        user("unsubscribed", &format!(r#""user_id":"{USER}""#)),
        user("client_status", &format!(r#""message_token":5912661846655238149,"user_id":"{USER}""#)),
        user("action", r#""message_token":5912661846655238150"#),
        r#"{"event":"hologram"}"#.to_owned(),
        "[]".to_owned(),
        "no json".to_owned(),
    ];
    for body in &bodies {
        for _ in 0..2 {
            hear(&app, body).await;
        }
    }
    let kinds: Vec<(String, bool)> =
        events(&app).split_off(first).into_iter().map(|(_, kind, apart)| (kind, apart.is_some())).collect();
    let expected = [
        ("webhook", false),
        ("conversation_started", false),
        ("subscribed", false),
        ("message", false),
        ("delivered", false),
        ("seen", false),
        ("failed", false),
        ("unsubscribed", false),
        ("event client_status", true),
        ("event action", true),
        ("event hologram", true),
        ("delivery", true),
        ("delivery", true),
    ];
    assert_eq!(kinds, expected.map(|(kind, apart)| (kind.to_owned(), apart)));
    assert_eq!(app.counts().await, (before.0 + 13, before.1 + 5, 0));
    assert_eq!(file(&app, PERSON).unwrap().len(), 1, "subscriptions, receipts and statuses are no entries");
    app.finish().await;
}

#[tokio::test]
async fn all_types_of_messages_are_kept_whatever_is_in_them() {
    let (app, _desk) = start().await;
    let types = [
        r#"{"type":"text","text":"is the table free?","tracking_data":"outbox-12"}"#,
        r#"{"type":"picture","media":"https://media.example.test/p1.jpg","thumbnail":"https://media.example.test/p1t.jpg","text":"menu photo","file_name":"p1.jpg","size":20480}"#,
        r#"{"type":"video","media":"https://media.example.test/v1.mp4","size":900000,"duration":12}"#,
        r#"{"type":"file","media":"https://media.example.test/f1.pdf","file_name":"invoice 12.pdf","file_size":"34567"}"#,
        r#"{"type":"sticker","sticker_id":46105,"media":"https://media.example.test/s1.png"}"#,
        r#"{"type":"sticker","sticker_id":"46105"}"#,
        r#"{"type":"contact","contact":{"name":"Carla Diaz","phone_number":"+15550100888"}}"#,
        r#"{"type":"url","media":"https://example.test/page"}"#,
        r#"{"type":"location","location":{"lat":"6.9271","lon":79.8612}}"#,
        r#"{"type":"rich_media","rich_media":{"Type":"rich_media","Buttons":[]},"alt_text":"card"}"#,
        r#"{"type":"text","text":"share-phone button pressed","contact":{"name":"Dilan K","phone_number":"+94555010012"}}"#,
        r#"{"type":"hologram","depth":1e999}"#,
        "null",
    ];
    for (number, inner) in (1..).zip(types) {
        hear(&app, &message(number, inner)).await;
    }
    hear(&app, &format!(r#"{{"event":"message","message_token":99,"sender":{{"id":"{USER}"}}}}"#)).await;
    let path = format!("viber/{BOT}/conversations/{PERSON}.json");
    let text = app.text(&path).unwrap();
    for inner in types {
        assert!(text.contains(inner), "{inner}");
    }
    assert_eq!(text.matches("\"event\":\"message\"").count(), types.len() + 1);
    let page = app.connect().await.for_pages().get(&format!("/conversations/viber/{BOT}/{PERSON}")).await;
    assert!(page.status.is_success() || page.status == 404, "{page:?}");
    app.finish().await;
}

#[tokio::test]
async fn message_tokens_are_exact_beyond_2_to_the_53() {
    let (app, _desk) = start().await;
    for token in ["5912661846655238160", "5912661846655238161", "\"5912661846655238162\"", "18446744073709551615"] {
        let body = format!(
            r#"{{"event":"message","message_token":{token},"sender":{{"id":"{USER}"}},"message":{{"type":"text","text":"x"}}}}"#
        );
        hear(&app, &body).await;
    }
    // The same token as text is the same message.
    hear(
        &app,
        &format!(
            r#"{{"event":"message","message_token":"5912661846655238160","sender":{{"id":"{USER}"}},"message":{{}}}}"#
        ),
    )
    .await;
    let text = app.text(&format!("viber/{BOT}/conversations/{PERSON}.json")).unwrap();
    assert_eq!(text.matches("message_token").count(), 4);
    let bot = Bot::start(&app, &[Scope::Read]).await;
    let seen = bot.get(&format!("/api/v1/viber/{BOT}/conversations/{PERSON}?history=20")).await.json();
    let ids: Vec<&str> =
        seen["messages"].as_array().unwrap().iter().filter_map(|one| one["platform_id"].as_str()).collect();
    for id in ["5912661846655238160", "5912661846655238161", "5912661846655238162", "18446744073709551615"] {
        assert!(ids.contains(&id), "{ids:?}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_callback_without_a_time_or_with_a_mad_one_is_taken_at_its_arrival() {
    let (app, _desk) = start().await;
    for (number, time) in
        (1..).zip(["", "\"timestamp\":null,", "\"timestamp\":\"soon\",", "\"timestamp\":-7,", "\"timestamp\":1e300,"])
    {
        let body = format!(
            r#"{{"event":"message",{time}"message_token":{number},"sender":{{"id":"{USER}"}},"message":{{"type":"text","text":"x"}}}}"#
        );
        hear(&app, &body).await;
    }
    assert_eq!(file(&app, PERSON).unwrap().len(), 5);
    app.finish().await;
}

#[tokio::test]
async fn v3_ids_with_signs_of_paths_never_meet_anothers_file() {
    let (app, _desk) = start().await;
    let of = |number: u32, id: &str| {
        json!({"event": "message", "message_token": number, "sender": {"id": id}, "message": {"type": "text", "text": id}}).to_string()
    };
    let before = app.counts().await;
    let people = [USER, "dGVzdC11c2VyLTAx+A==", "////", "++++", "+/+/", "AAAA"];
    for (number, id) in (1..).zip(people) {
        hear(&app, &of(number, id)).await;
    }
    for (number, id) in (50..).zip(["../../etc/passwd", "..", "", "dGVzdC11c2VyLTAx/A", "dGVz\u{0}", "a.b"]) {
        hear(&app, &of(number, id)).await;
    }
    assert_eq!(app.counts().await, (before.0 + 12, before.1 + 6, 0));
    for (name, id) in [PERSON, "dGVzdC11c2VyLTAx-A", "____", "----", "-_-_", "AAAA"].into_iter().zip(people) {
        let items = file(&app, name).unwrap_or_else(|| panic!("{name}"));
        assert_eq!((items.len(), &items[0]["message"]["text"]), (1, &json!(id)));
    }
    let mut files: Vec<String> = std::fs::read_dir(app.path(&format!("viber/{BOT}/conversations")))
        .unwrap()
        .map(|one| one.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files.len(), people.len(), "{files:?}");
    app.finish().await;
}

#[tokio::test]
async fn two_people_are_two_conversations() {
    let (app, _desk) = start().await;
    hear(&app, &text(1, "one")).await;
    hear(&app, &text(2, "other").replace(USER, OTHER)).await;
    hear(&app, &text(3, "one again")).await;
    let said = |person: &str| -> Vec<Value> {
        file(&app, person).unwrap().iter().map(|item| item["message"]["text"].clone()).collect()
    };
    assert_eq!(said(PERSON), ["one", "one again"]);
    assert_eq!(said("dGVzdC11c2VyLTAy-w"), ["other"]);
    app.finish().await;
}

#[tokio::test]
async fn what_comes_before_viber_ever_answered_is_kept_and_flows_in_later() {
    let desk = Desk::open().await;
    desk.traffic.fail_next("get_account_info", 1_000, Failure::Status(503));
    let app = TestApp::start_with(|config| desk.settings(config)).await;
    app.connect().await;
    app.begin().await;
    for number in 1..=3 {
        hear(&app, &text(number, "is anybody there?")).await;
    }
    hear(&app, &text(2, "is anybody there?")).await;
    assert_eq!(app.counts().await.1, 3, "nobody can tell yet whose they are");
    assert!(events(&app).iter().all(|(account, ..)| account.is_empty()));
    assert!(app.connections("viber").await.is_empty());

    // Killed meanwhile, it is no less known.
    desk.traffic.heal();
    let app = app.kill_and_restart_with(|config| desk.settings(config)).await;
    app.begin().await;
    app.settle().await;
    assert_eq!(app.counts().await.1, 0, "{:?}", events(&app));
    let items = file(&app, PERSON).unwrap();
    assert_eq!(items.len(), 3);
    hear(&app, &text(2, "is anybody there?")).await;
    assert_eq!(file(&app, PERSON).unwrap().len(), 3, "a repeat is one");
    app.finish().await;
}

#[tokio::test]
async fn once_told_the_account_is_remembered_and_intake_needs_no_answer() {
    let (app, desk) = start().await;
    desk.traffic.fail_next("", 1_000, Failure::Status(503));
    let app = app.restart_with(|config| desk.settings(config)).await;
    hear(&app, &text(1, "hello")).await;
    assert_eq!(file(&app, PERSON).unwrap().len(), 1);
    // The token of another bot, of which nothing is known: its callbacks wait.
    let app = app
        .restart_with(|config| {
            desk.settings(config);
            config.viber.as_mut().unwrap().token = Secrets::new("the token of another bot".into(), None);
        })
        .await;
    let body = text(2, "hello");
    let signature = sign("the token of another bot", body.as_bytes());
    let headers = [("x-viber-content-signature", signature.as_str())];
    let answer = app.browser().send(Method::POST, "/viber/webhook", &headers, body.as_bytes()).await;
    assert_eq!(answer.status, 200);
    app.settle().await;
    assert_eq!(app.counts().await.1, 1);
    assert_eq!(file(&app, PERSON).unwrap().len(), 1, "it does not fall to the bot before");
    // Viber tells: it is another account, which belongs to the same merchant.
    desk.traffic.heal();
    desk.change(|bot| (bot.token, bot.id) = ("the token of another bot".to_owned(), "pa:777".to_owned()));
    app.clock.advance(std::time::Duration::from_secs(3600));
    app.begin().await;
    app.run_due_jobs().await;
    assert_eq!(app.counts().await.1, 0, "{:?}", events(&app));
    assert!(app.text(&format!("viber/777/conversations/{PERSON}.json")).is_some());
    app.finish().await;
}

#[tokio::test]
async fn a_welcome_is_the_answer_to_who_opens_the_chat_and_nothing_else_has_a_body() {
    let (app, desk) = start().await;
    let at = app.clock.now_ms();
    let opened = |number: u32, more: &str| {
        format!(
            r#"{{"event":"conversation_started","timestamp":{at},"message_token":{number},"type":"open","user":{{"id":"{USER}"}}{more}}}"#
        )
    };
    assert_eq!(deliver(&app, &opened(1, "")).await.text(), "", "none is set");
    let app = app
        .restart_with(|config| {
            desk.settings(config);
            config.viber.as_mut().unwrap().welcome = Some("Hello, how can we help?".to_owned());
        })
        .await;
    let answer = deliver(&app, &opened(2, r#","subscribed":false"#)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json(),
        json!({"sender": {"name": "Harbour Cafe"}, "type": "text", "text": "Hello, how can we help?", "tracking_data": "welcome"})
    );
    for (body, why) in [
        (opened(2, r#","subscribed":false"#), "a repeat"),
        (opened(3, r#","subscribed":true"#), "a subscriber"),
        (opened(4, "").replace("1795", "1794"), "long ago"),
        (text(5, "hello"), "a message"),
    ] {
        let answer = deliver(&app, &body).await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, ""), "{why}");
    }
    app.settle().await;
    let bot = Bot::start(&app, &[Scope::Read]).await;
    let opened = bot.get(&format!("/api/v1/viber/{BOT}/conversations/{PERSON}")).await.json();
    assert_eq!(opened["window"]["state"], "open", "by the message");
    app.finish().await;
}

#[tokio::test]
async fn who_only_opened_the_chat_or_subscribed_has_begun_no_session() {
    let (app, _desk) = start().await;
    hear(
        &app,
        &format!(
            r#"{{"event":"conversation_started","timestamp":1795262400000,"message_token":1,"user":{{"id":"{USER}"}}}}"#
        ),
    )
    .await;
    hear(
        &app,
        &format!(r#"{{"event":"subscribed","timestamp":1795262401000,"message_token":2,"user":{{"id":"{USER}"}}}}"#),
    )
    .await;
    assert_eq!(file(&app, PERSON), None);
    let bot = Bot::start(&app, &[Scope::Read]).await;
    let opened = bot.get(&format!("/api/v1/viber/{BOT}/conversations/{PERSON}")).await;
    assert_eq!(opened.json()["window"]["state"], "closed");
    app.finish().await;
}

#[tokio::test]
async fn what_the_journal_lost_is_taken_in_again_from_the_file() {
    let (app, _desk) = start().await;
    for number in 1..=3 {
        hear(&app, &text(number, "hello")).await;
    }
    let path = format!("viber/{BOT}/conversations/{PERSON}.json");
    let before = app.text(&path).unwrap();
    let lost = app.journal_sql(|sql| {
        sql.execute(
            "DELETE FROM events WHERE channel = 'viber' AND kind = 'message' AND CAST(payload AS TEXT) LIKE '%0001,%'",
            [],
        )
    });
    assert_eq!(lost, 1);
    app.command(Command::Rebuild { account: None }).await;
    assert_eq!(app.text(&path).unwrap(), before);
    let kept = app.journal_sql(|sql| {
        sql.query_row("SELECT count(*) FROM events WHERE channel = 'viber' AND kind = 'message'", [], |row| {
            row.get::<_, i64>(0)
        })
    });
    assert_eq!(kept, 3);
    app.finish().await;
}
