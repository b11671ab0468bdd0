//! Answers on Viber, from the request to the call and back to the conversation's file.

use http::Method;
use serde_json::{Value, json};
use shoptalk::shared::channel::simulator::Failure;
use shoptalk::shared::store::api_keys::Scope;

use crate::api_keys::{Bot as Program, is_problem};
use crate::viber_stage::{BOT, PERSON, Scene, USER, deliver, file, hear, message, receipt, text};

const FIRST: u64 = 5_912_661_846_655_239_001;

fn failure(message: &Value) -> (&str, &str, &str) {
    let of = |name: &str| message["failure"][name].as_str().unwrap_or_default();
    (message["state"].as_str().unwrap(), of("reason"), of("code"))
}

#[tokio::test]
async fn an_answer_names_receiver_sender_and_our_mark_and_its_copy_stands_once_in_the_file() {
    let scene = Scene::start().await;
    let id = scene.say(&json!({"text": "Yes, from 18:00."})).await;
    assert_eq!(
        scene.sent(),
        [json!({"receiver": USER, "min_api_version": 1, "sender": {"name": "Harbour Cafe"},
                "tracking_data": format!("{id}:1"), "type": "text", "text": "Yes, from 18:00."})]
    );
    let sent = scene.message(&id).await;
    assert_eq!((&sent["state"], &sent["billing"]), (&json!("sent"), &json!({"billing_status": 1})));
    assert_eq!(sent["parts"][0]["platform_id"], FIRST.to_string());
    scene.app.settle().await;
    let items = file(&scene.app, PERSON).unwrap();
    assert_eq!(items.len(), 2);
    let copy = &items[1];
    assert_eq!((&copy["event"], &copy["message_token"]), (&json!("message"), &json!(FIRST)));
    assert_eq!((&copy["receiver"], &copy["sender"]), (&json!({"id": USER}), &json!({"name": "Harbour Cafe"})));
    assert_eq!(copy["message"], json!({"type": "text", "text": "Yes, from 18:00."}));
    let path = format!("viber/{BOT}/conversations/{PERSON}.json");
    assert!(scene.app.text(&path).unwrap().contains(&format!("\"message_token\":{FIRST},")), "exact");
    let feed = scene.program.get("/api/v1/events?after=0&types=echo").await.json();
    assert_eq!((&feed["events"][0]["by"], &feed["events"][0]["text"]), (&json!("bot"), &json!("Yes, from 18:00.")));
    // A copy of the platform's own, if there ever is one, changes nothing.
    hear(&scene.app, &copy.to_string()).await;
    assert_eq!(file(&scene.app, PERSON).unwrap().len(), 2);
    scene.app.finish().await;
}

#[tokio::test]
async fn the_settings_name_and_picture_stand_above_an_answer() {
    let scene = Scene::with(|viber| {
        viber.sender_name = Some("Sam of the Cafe".to_owned());
        viber.sender_avatar = Some("https://img.example.test/logo.png".parse().unwrap());
    })
    .await;
    scene.say(&json!({"text": "Yes."})).await;
    let sender = json!({"name": "Sam of the Cafe", "avatar": "https://img.example.test/logo.png"});
    assert_eq!(scene.sent()[0]["sender"], sender);
    scene.app.finish().await;
}

#[tokio::test]
async fn receipts_move_states_on_and_seen_covers_all_before() {
    let scene = Scene::start().await;
    let mut ids = Vec::new();
    for words in ["One.", "Two.", "Three."] {
        ids.push(scene.say(&json!({"text": words})).await);
        scene.pass(4).await;
    }
    hear(&scene.app, &receipt("delivered", FIRST)).await;
    assert_eq!(scene.message(&ids[0]).await["state"], "delivered");
    assert_eq!(scene.message(&ids[1]).await["state"], "sent");
    hear(&scene.app, &receipt("seen", FIRST + 1)).await;
    assert_eq!(scene.message(&ids[0]).await["state"], "read");
    assert_eq!(scene.message(&ids[1]).await["state"], "read");
    assert_eq!(scene.message(&ids[2]).await["state"], "sent");
    hear(&scene.app, &receipt("failed", FIRST + 2)).await;
    assert_eq!(failure(&scene.message(&ids[2]).await), ("failed", "refused", "failed"));
    hear(&scene.app, &receipt("delivered", FIRST)).await;
    assert_eq!(scene.message(&ids[0]).await["state"], "read", "never backwards");
    scene.app.finish().await;
}

#[tokio::test]
async fn the_next_part_waits_for_the_one_before_to_be_delivered_but_not_for_long() {
    let scene = Scene::start().await;
    scene.say(&json!({"text": "x ".repeat(4_000)})).await;
    assert_eq!(scene.sent().len(), 1, "7,000 characters a part");
    assert!(scene.sent()[0]["text"].as_str().unwrap().chars().count() <= 7_000);
    hear(&scene.app, &receipt("delivered", FIRST)).await;
    scene.pass(1).await;
    assert_eq!(scene.sent().len(), 2);
    scene.say(&json!({"text": "More."})).await;
    assert_eq!(scene.sent().len(), 2);
    scene.pass(4).await;
    assert_eq!(scene.sent().len(), 3, "after three seconds it goes all the same");
    scene.app.finish().await;
}

#[tokio::test]
async fn choices_are_a_keyboard_and_a_tap_comes_back_with_id_and_title() {
    let scene = Scene::start().await;
    let choices = json!([{"id": "LINK", "title": "Send the link"}, {"id": "NO", "title": "No, thanks"}]);
    scene.say(&json!({"text": "Shall I send you the link?", "choices": choices})).await;
    let sent = &scene.sent()[0];
    let buttons = sent["keyboard"]["Buttons"].as_array().unwrap();
    assert_eq!((sent["keyboard"]["Type"].as_str(), buttons.len()), (Some("keyboard"), 2));
    assert_eq!((&buttons[0]["ActionType"], &buttons[0]["Text"]), (&json!("reply"), &json!("Send the link")));
    scene.app.clock.advance(std::time::Duration::from_secs(60));
    let tap = json!({"type": "text", "text": buttons[0]["ActionBody"], "tracking_data": sent["tracking_data"]});
    hear(&scene.app, &message(2, &tap.to_string())).await;
    let feed = scene.program.get("/api/v1/events?after=0&types=message").await.json();
    let tap = feed["events"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(tap["choice"], json!({"id": "LINK", "title": "Send the link"}));
    assert_eq!((&tap["kind"], &tap["text"]), (&json!("choice"), &json!("Send the link")));
    scene.app.finish().await;
}

#[tokio::test]
async fn an_old_client_gets_buttons_whose_taps_it_shows_in_the_chat() {
    let scene = Scene::start().await;
    scene.desk.change(|bot| bot.refusals.push(("send_message", 13)));
    let id = scene.say(&json!({"text": "Shall I?", "choices": [{"id": "YES", "title": "Yes"}]})).await;
    assert_eq!(scene.message(&id).await["state"], "sent");
    let received = scene.desk.traffic.received();
    let wanted: Vec<Value> = received
        .iter()
        .filter(|one| one.path.ends_with("/send_message"))
        .map(|one| serde_json::from_str::<Value>(&one.text()).unwrap()["min_api_version"].clone())
        .collect();
    assert_eq!(wanted, [7, 1]);
    assert_eq!(scene.message(&id).await["tries"], 2);
    scene.app.finish().await;
}

#[tokio::test]
async fn products_are_cards_six_in_a_part() {
    let scene = Scene::start().await;
    let products = scene.program.get("/api/v1/products?limit=7").await.json();
    let ids: Vec<&Value> = products["products"].as_array().unwrap().iter().map(|product| &product["id"]).collect();
    assert_eq!(ids.len(), 7);
    scene.say(&json!({"products": ids})).await;
    scene.pass(4).await;
    let sent = scene.sent();
    assert_eq!(sent.len(), 2);
    let cards = |part: &Value| {
        part["rich_media"]["Buttons"].as_array().unwrap().iter().filter(|one| one["Text"].is_string()).count()
    };
    assert_eq!((sent[0]["type"].as_str(), cards(&sent[0]), cards(&sent[1])), (Some("rich_media"), 6, 1));
    assert!(sent[0]["rich_media"]["Buttons"].to_string().contains("Board"));
    scene.app.finish().await;
}

#[tokio::test]
async fn media_go_by_link_and_videos_and_files_need_their_size() {
    let scene = Scene::start().await;
    let media =
        |kind: &str, url: &str, bytes: Option<u64>| json!({"media": {"type": kind, "url": url, "bytes": bytes}});
    for (body, why) in [
        (media("video", "https://media.example.test/v.mp4", None), "size"),
        (media("audio", "https://media.example.test/v.ogg", None), "size"),
        (media("file", "https://media.example.test/v.pdf", None), "size"),
        (media("video", "https://media.example.test/v.mp4", Some(30_000_000)), "size"),
        (media("image", "https://media.example.test/v.png", Some(2_000_000)), "size"),
        (media("video", "https://media.example.test/v.mov", Some(9)), "type"),
    ] {
        assert_eq!(is_problem(&scene.post(&body).await, 422, "media-refused")["why"], why, "{body}");
    }
    for body in [
        media("image", "https://media.example.test/p.jpg", None),
        media("video", "https://media.example.test/v.mp4", Some(900_000)),
        media("file", "https://media.example.test/bill%2012.pdf", Some(34_567)),
        media("audio", "https://media.example.test/voice.ogg", Some(7)),
    ] {
        scene.say(&body).await;
        scene.pass(4).await;
    }
    let sent: Vec<Value> = scene.sent();
    let types: Vec<&str> = sent.iter().map(|part| part["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["picture", "video", "file", "file"]);
    assert_eq!((&sent[1]["size"], &sent[2]["file_name"]), (&json!(900_000), &json!("bill%2012.pdf")));
    scene.app.finish().await;
}

#[tokio::test]
async fn what_viber_cannot_take_is_refused_before_it_is_stored() {
    let scene = Scene::start().await;
    let template = json!({"template": {"name": "hello", "language": "en"}});
    is_problem(&scene.post(&template).await, 422, "unsupported");
    let me = scene.program.get("/api/v1/me").await.json();
    let account = me["accounts"].as_array().unwrap().iter().find(|one| one["channel"] == "viber").unwrap().clone();
    assert_eq!((&account["id"], &account["name"]), (&json!(BOT), &json!("Harbour Cafe")));
    assert_eq!(account["can"], json!(["text", "media", "choices", "products"]));
    for sign in ["typing", "seen"] {
        let path = format!("/api/v1/viber/{BOT}/conversations/{PERSON}/{sign}");
        assert_eq!(scene.program.send(Method::POST, &path, &[], b"").await.status, 204);
    }
    scene.app.work().await;
    assert_eq!(scene.sent(), [Value::Null; 0], "nothing of it reached Viber");
    scene.app.finish().await;
}

#[tokio::test]
async fn a_text_is_cut_so_that_each_part_is_within_30_kb_as_it_is_sent() {
    let scene = Scene::start().await;
    let choices: Vec<Value> =
        (0..13).map(|n| json!({"id": format!("{n}{}", "ж".repeat(198)), "title": "x".repeat(20)})).collect();
    for (text, choices, parts) in [
        ("\u{1}".repeat(7_000), None, 2),
        ("😀".repeat(7_000), None, 1),
        ("ж ".repeat(3_000), Some(choices.clone()), 1),
        (format!("{} end", "😀".repeat(6_000)), Some(choices), 2),
    ] {
        let before = scene.sent().len();
        let mut body = json!({ "text": text });
        body.as_object_mut().unwrap().extend(choices.map(|choices| ("choices".to_owned(), json!(choices))));
        scene.say(&body).await;
        for _ in 0..parts {
            scene.pass(4).await;
        }
        let sent = scene.sent().split_off(before);
        assert_eq!(sent.len(), parts);
        assert!(sent.iter().all(|part| part.to_string().len() <= 30 * 1024));
        let said: String = sent.iter().map(|part| part["text"].as_str().unwrap()).collect();
        let words = |text: &str| text.split_whitespace().collect::<String>();
        assert_eq!(words(&said), words(&text));
        assert_eq!(sent.last().unwrap()["keyboard"].is_object(), body["choices"].is_array());
        let tracked = sent.iter().all(|part| part["tracking_data"].as_str().unwrap().chars().count() <= 4_000);
        assert!(tracked, "tracking data has 4,000 characters at most");
        scene.pass(60).await;
    }
    scene.app.finish().await;
}

#[tokio::test]
async fn out_of_a_session_nothing_is_sent_unless_the_settings_want_it() {
    let scene = Scene::start().await;
    scene.pass(24 * 60 * 60 + 60).await;
    let closed = is_problem(&scene.post(&json!({"text": "Still there?"})).await, 409, "window-closed");
    assert_eq!(closed["allowed"], json!([]));
    scene.app.finish().await;

    let scene = Scene::with(|viber| viber.outside_session = true).await;
    scene.pass(24 * 60 * 60 + 60).await;
    scene.say(&json!({"text": "Still there?"})).await;
    assert_eq!(scene.sent().len(), 1);
    scene.app.finish().await;
}

#[tokio::test]
async fn a_status_decides_whatever_the_http_status_says() {
    let scene = Scene::start().await;
    for status in [1, 3, 4, 13, 14, 16, 17, 18, 19, 20] {
        scene.desk.change(|bot| bot.refusals.push(("send_message", status)));
        let id = scene.say(&json!({"text": "Yes."})).await;
        let code = status.to_string();
        assert_eq!(failure(&scene.message(&id).await), ("failed", "refused", code.as_str()));
    }
    // Too often, and what Viber calls a general error.
    for later in [12, 99, -1] {
        scene.desk.change(|bot| bot.refusals.push(("send_message", later)));
        let id = scene.say(&json!({"text": "Yes."})).await;
        assert_eq!(scene.message(&id).await["state"], "accepted", "{later}");
        scene.pass(61).await;
        assert_eq!(scene.message(&id).await["state"], "sent", "{later}");
        scene.pass(4).await;
    }
    for status in [5, 11, 6] {
        scene.desk.change(|bot| bot.refusals.push(("send_message", status)));
        let id = scene.say(&json!({"text": "Yes."})).await;
        scene.pass(4).await;
        let code = status.to_string();
        assert_eq!(failure(&scene.message(&id).await), ("failed", "cannot-receive", code.as_str()));
        let next = scene.post(&json!({"text": "Yes."})).await;
        if status == 6 {
            assert_eq!(is_problem(&next, 409, "cannot-receive")["why"], "unsubscribed");
            // Until the person writes again.
            hear(&scene.app, &text(106, "hello?")).await;
            assert_eq!(scene.post(&json!({"text": "Yes."})).await.status, 202);
        } else {
            assert_eq!(next.status, 202, "{status} says nothing of the next message");
        }
        scene.pass(4).await;
    }
    assert_eq!(scene.sent().len(), 6);
    scene.app.finish().await;
}

#[tokio::test]
async fn a_bot_that_is_not_let_in_stops_sending_and_never_intake() {
    for status in [2, 7, 8, 9, 15] {
        let scene = Scene::start().await;
        scene.desk.change(|bot| bot.refusals.push(("send_message", status)));
        // What looks at it then is not let in either.
        scene.desk.change(|bot| bot.refusals.push(("get_account_info", status)));
        let id = scene.say(&json!({"text": "Yes."})).await;
        scene.app.settle().await;
        assert_eq!(scene.message(&id).await["state"], "accepted", "{status}: it waits");
        let refused = is_problem(&scene.post(&json!({"text": "Anybody?"})).await, 409, "account-unavailable");
        assert_eq!(refused["why"], if status == 2 { "needs_reconnect" } else { "blocked" }, "{status}");
        let connection = scene.app.connections("viber").await.remove(0);
        let expected = if status == 2 { "needs_reconnect" } else { "incomplete" };
        assert_eq!(connection["status"], expected, "{status}: {connection}");
        assert!(
            scene
                .app
                .shared()
                .alerts
                .list()
                .iter()
                .any(|alert| alert.sentence.contains(&format!("status {status}")) || status == 2)
        );
        hear(&scene.app, &text(2, "anybody?")).await;
        assert_eq!(file(&scene.app, PERSON).unwrap().len(), 2, "{status}");
        // The next look finds it healed.
        scene.app.clock.advance(std::time::Duration::from_secs(6 * 60));
        scene.app.begin().await;
        assert_eq!(scene.app.connections("viber").await[0]["status"], "connected", "{status}");
        scene.pass(2).await;
        assert_eq!(scene.message(&id).await["state"], "sent", "{status}");
        assert_eq!(scene.app.shared().alerts.list().len(), 0, "{:?}", scene.app.shared().alerts.list());
        scene.app.finish().await;
    }
}

#[tokio::test]
async fn without_a_webhook_it_is_set_again_and_the_message_goes_out() {
    let scene = Scene::start().await;
    scene.desk.change(|bot| {
        bot.refusals.push(("send_message", 10));
        bot.webhook.clear();
    });
    let id = scene.say(&json!({"text": "Yes."})).await;
    scene.app.settle().await;
    assert!(scene.desk.change(|bot| bot.webhook.ends_with("/viber/webhook")));
    scene.pass(60).await;
    assert_eq!(scene.message(&id).await["state"], "sent");
    scene.app.finish().await;
}

#[tokio::test]
async fn without_a_reply_a_hundred_an_hour_go_to_one_person() {
    let scene = Scene::start().await;
    // A key may write 40 times at once.
    let mut programs = Vec::new();
    for _ in 0..4 {
        programs.push(Program::start(&scene.app, &[Scope::Reply]).await);
    }
    let path = format!("/api/v1/viber/{BOT}/conversations/{PERSON}/messages");
    for n in 0..100 {
        let key = format!("many-{n}");
        let headers = [("idempotency-key", key.as_str()), ("content-type", "application/json")];
        let answer = programs[n % 4].send(Method::POST, &path, &headers, br#"{"text":"Yes."}"#).await;
        assert_eq!(answer.status, 202, "{n}: {answer:?}");
        scene.pass(4).await;
    }
    assert_eq!(scene.sent().len(), 100);
    let limited = is_problem(&scene.post(&json!({"text": "one more"})).await, 409, "cannot-receive");
    assert_eq!(limited["why"], "no_reply_limit");
    hear(&scene.app, &text(2, "enough!").replace("17952624", "17952699")).await;
    assert_eq!(scene.post(&json!({"text": "Sorry."})).await.status, 202);
    scene.app.finish().await;
}

#[tokio::test]
async fn a_lost_answer_is_unknown_and_a_receipt_with_an_unknown_token_resolves_it() {
    for lost in [Failure::Disconnect, Failure::Status(502), Failure::Empty, Failure::Html] {
        let scene = Scene::start().await;
        scene.desk.traffic.fail_next("send_message", 1, lost.clone());
        let id = scene.say(&json!({"text": "Yes."})).await;
        assert_eq!(scene.message(&id).await["state"], "unknown", "{lost:?}");
        scene.pass(200).await;
        let tries = scene.desk.traffic.count("send_message");
        assert_eq!(tries, 1, "nothing proves that it was not sent");
        hear(&scene.app, &receipt("delivered", FIRST)).await;
        let found = scene.message(&id).await;
        assert_eq!(
            (&found["state"], &found["parts"][0]["platform_id"]),
            (&json!("delivered"), &json!(FIRST.to_string()))
        );
        scene.pass(10).await;
        scene.app.settle().await;
        assert_eq!(file(&scene.app, PERSON).unwrap().len(), 2, "its copy stands in the file");
        scene.app.finish().await;
    }
}

/// The token of a message of the person.
fn token_of(message: &str) -> u64 {
    serde_json::from_str::<Value>(message).unwrap()["message_token"].as_u64().unwrap()
}

#[tokio::test]
async fn a_receipt_of_what_the_person_said_proves_nothing_about_a_lost_answer() {
    for event in ["delivered", "seen"] {
        let scene = Scene::start().await;
        scene.desk.traffic.fail_next("send_message", 1, Failure::Disconnect);
        let id = scene.say(&json!({"text": "Yes."})).await;
        hear(&scene.app, &receipt(event, token_of(&text(1, "is the table free?")))).await;
        assert_eq!(scene.message(&id).await["state"], "unknown", "{event}");
        // The receipt comes first, and both are in the journal before anybody takes them.
        let late = text(2, "hello?");
        for callback in [&receipt(event, token_of(&late)), &late] {
            assert_eq!(deliver(&scene.app, callback).await.status, 200);
        }
        scene.app.settle().await;
        assert_eq!(scene.message(&id).await["state"], "unknown", "{event}");
        hear(&scene.app, &receipt("delivered", FIRST)).await;
        let found = scene.message(&id).await;
        assert_eq!(
            (&found["state"], &found["parts"][0]["platform_id"]),
            (&json!("delivered"), &json!(FIRST.to_string()))
        );
        scene.app.finish().await;
    }
}

#[tokio::test]
async fn nothing_of_what_never_left_is_lost_and_refusals_by_http_are_final() {
    let scene = Scene::start().await;
    scene.desk.traffic.fail_next("send_message", 1, Failure::Status(404));
    let id = scene.say(&json!({"text": "Yes."})).await;
    assert_eq!(failure(&scene.message(&id).await), ("failed", "refused", "status 404"));
    scene.desk.traffic.fail_next("send_message", 1, Failure::RetryAfter(429, "30".to_owned()));
    let id = scene.say(&json!({"text": "Yes."})).await;
    assert_eq!(scene.message(&id).await["state"], "accepted");
    scene.pass(31).await;
    assert_eq!(scene.message(&id).await["state"], "sent");
    scene.app.finish().await;
}

#[tokio::test]
async fn who_unsubscribed_cannot_be_written_to_until_they_come_back() {
    let scene = Scene::start().await;
    hear(&scene.app, &format!(r#"{{"event":"unsubscribed","timestamp":1795262500000,"user_id":"{USER}"}}"#)).await;
    let refused = is_problem(&scene.post(&json!({"text": "Stay!"})).await, 409, "cannot-receive");
    assert_eq!(refused["why"], "unsubscribed");
    let feed = scene.program.get("/api/v1/events?after=0&types=activity").await.json();
    assert_eq!(feed["events"].as_array().unwrap().last().unwrap()["raw"]["event"], "unsubscribed");
    hear(
        &scene.app,
        &format!(r#"{{"event":"subscribed","timestamp":1795262600000,"message_token":9,"user":{{"id":"{USER}"}}}}"#),
    )
    .await;
    scene.say(&json!({"text": "Welcome back."})).await;
    assert_eq!(scene.sent().len(), 1);
    scene.app.finish().await;
}

#[tokio::test]
async fn who_is_not_subscribed_is_never_written_to_even_outside_of_sessions() {
    let scene = Scene::with(|viber| viber.outside_session = true).await;
    let at = scene.app.clock.now().timestamp_millis() + 60_000;
    hear(
        &scene.app,
        &format!(
            r#"{{"event":"conversation_started","timestamp":{at},"message_token":90,"user":{{"id":"{USER}"}},"subscribed":false}}"#
        ),
    )
    .await;
    scene.app.work().await;
    let answer = scene.post(&json!({"text": "hello"})).await;
    is_problem(&answer, 409, "cannot-receive");
    assert_eq!(answer.json()["why"], "unsubscribed");
    // A message subscribes, without an event that says so.
    hear(&scene.app, &text(91, "hello")).await;
    scene.app.work().await;
    assert_eq!(scene.post(&json!({"text": "hello"})).await.status, 202);
    scene.app.finish().await;
}

#[tokio::test]
async fn a_receipt_that_comes_while_the_call_is_under_way_tells_what_became_of_it_when_its_answer_is_lost() {
    let scene = Scene::start().await;
    scene.desk.traffic.fail_next("send_message", 1, Failure::Hang);
    let accepted = scene.post(&json!({"text": "Yes."})).await.json();
    let id = accepted["id"].as_str().unwrap().to_owned();
    let Scene { app, desk, .. } = scene;
    let is_kept = || {
        app.journal_sql(|journal| {
            journal.query_row("SELECT count(*) = 2 FROM outgoing_receipts", [], |row| row.get::<_, bool>(0))
        })
    };
    // One of them is about what the person said.
    let delivered = [receipt("seen", token_of(&text(1, "is the table free?"))), receipt("delivered", FIRST)];
    let told = async {
        while desk.traffic.count("send_message") == 0 {
            tokio::task::yield_now().await;
        }
        for callback in &delivered {
            assert_eq!(deliver(&app, callback).await.status, 200);
        }
        while !is_kept() {
            tokio::task::yield_now().await;
        }
    };
    app.work_until(told).await;
    let app = app.kill_and_restart_with(|config| desk.settings(config)).await;
    app.begin().await;
    let program = Program::start(&app, &[Scope::Read]).await;
    app.work().await;
    let found = program.get(&format!("/api/v1/messages/{id}")).await.json();
    assert_eq!((&found["state"], &found["parts"][0]["platform_id"]), (&json!("delivered"), &json!(FIRST.to_string())));
    app.clock.advance(std::time::Duration::from_secs(90));
    app.work().await;
    app.settle().await;
    assert_eq!(file(&app, PERSON).unwrap().len(), 2, "its copy stands in the file");
    assert_eq!(desk.traffic.count("send_message"), 1);
    app.finish().await;
}
