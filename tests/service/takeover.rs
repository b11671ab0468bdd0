//! Bots are silent while a person, another app or somebody who asked for it has a conversation, and nobody is forgotten
//! afterwards.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use shoptalk::shared::clock::Clock;
use shoptalk::shared::erasure::Scope as Erase;
use shoptalk::shared::store::Takeovers;
use shoptalk::shared::store::api_keys::Scope;

use crate::api_keys::{Bot, is_problem};
use crate::feed::{SAM, deliver, deliver_and_settle, events, lines, sam, start};
use crate::test_app::{Answer, FACEBOOK_APP_ID, PAGE, TestApp, beginning};
use crate::{every_channel, whatsapp};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

fn path() -> String {
    format!("/api/v1/facebook/{PAGE}/conversations/{SAM}")
}

/// As [`start`], with a key that may write as a human.
async fn start_with_human() -> (TestApp, Bot) {
    let (app, _) = start().await;
    let bot = Bot::start(&app, &[Scope::Read, Scope::Reply, Scope::Human]).await;
    (app, bot)
}

fn time(app: &TestApp, after: Duration) -> String {
    (app.clock.now() + after).to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

async fn last(bot: &Bot, kind: &str) -> Value {
    events(bot, &format!("after=0&limit=100&types={kind}")).await.pop().unwrap()
}

async fn put(bot: &Bot, body: &Value) -> Value {
    let answer = bot.send(Method::PUT, &format!("{}/pause", path()), &[], body.to_string().as_bytes()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

async fn resume(bot: &Bot) {
    assert_eq!(bot.send(Method::DELETE, &format!("{}/pause", path()), &[], b"").await.status, 204);
}

#[tokio::test]
async fn a_person_who_answers_silences_bots_for_an_hour_and_nobody_is_forgotten() {
    let (app, bot) = start().await;
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "Hello?")).await;
    app.clock.advance(MINUTE);
    let until = time(&app, HOUR);
    deliver_and_settle(&app, app.page().reply_to(&sam(&app), "I am Kim, how can I help?")).await;
    let paused = last(&bot, "takeover").await;
    assert_eq!((&paused["state"], &paused["by"], &paused["until"]), (&json!("paused"), &json!("human"), &json!(until)));
    assert_eq!((&paused["bot_may_answer"], &paused["unanswered"]), (&json!(false), &json!(null)));
    assert_eq!(last(&bot, "echo").await["by"], "human");
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "The blue one, please")).await;
    let asked = last(&bot, "message").await;
    assert_eq!((&asked["bot_may_answer"], &asked["reason"]), (&json!(false), &json!("human")));
    let shown = bot.get(&path()).await.json();
    assert_eq!(shown["pause"], json!({ "by": "human", "until": until, "note": null }));

    // Another message of the person who answers: longer, and no other event.
    app.clock.advance(30 * MINUTE);
    deliver_and_settle(&app, app.page().reply_to(&sam(&app), "One moment")).await;
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "Are you there?")).await;
    app.clock.advance(59 * MINUTE);
    app.work().await;
    assert_eq!(last(&bot, "takeover").await["n"], paused["n"]);
    assert_eq!(last(&bot, "message").await["reason"], "human");
    app.clock.advance(MINUTE);
    app.work().await;
    let (resumed, asked) = (last(&bot, "takeover").await, last(&bot, "message").await);
    assert_eq!((&resumed["state"], &resumed["by"]), (&json!("resumed"), &json!("human")));
    assert_eq!((&resumed["unanswered"], &resumed["bot_may_answer"]), (&asked["id"], &json!(true)));
    assert_eq!(resumed["messages"].as_array().unwrap().last().unwrap()["text"], "Are you there?");
    assert!(resumed["products"].is_array() && resumed.get("shop").is_some());
    assert_eq!((&asked["bot_may_answer"], &asked["reason"]), (&json!(true), &json!(null)));
    app.finish().await;
}

#[tokio::test]
async fn an_automatic_answer_pauses_nobody_and_answers_nothing() {
    let (app, bot) = start().await;
    deliver(&app, app.page().message_from(&sam(&app), "Hello?")).await;
    app.clock.advance(Duration::from_secs(3));
    deliver(&app, app.page().reply_to(&sam(&app), "We are closed now and will answer tomorrow.")).await;
    let asked = last(&bot, "message").await;
    assert_eq!((&asked["bot_may_answer"], &asked["reason"]), (&json!(true), &json!(null)));
    assert_eq!(last(&bot, "echo").await["by"], "automation");
    assert_eq!(asked["messages"].as_array().unwrap().len(), 1);
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "OK")).await;
    let messages = last(&bot, "message").await["messages"].clone();
    assert_eq!(messages[1]["by"], "automation");
    app.clock.advance(Duration::from_millis(3_001));
    deliver_and_settle(&app, app.page().reply_to(&sam(&app), "Now I am here.")).await;
    assert_eq!(last(&bot, "message").await["reason"], "human");
    app.finish().await;
}

#[tokio::test]
async fn an_automatic_answer_that_comes_before_its_question_gives_bots_back_what_it_took() {
    for (later_ms, is_automatic) in [(0, true), (3_000, true), (3_001, false)] {
        let (app, bot) = start().await;
        let (page, person) = (app.page(), sam(&app));
        deliver_and_settle(&app, page.message_from(&person, "Good morning")).await;
        app.clock.advance(MINUTE);
        let asked = page.message_from(&person, "Are you open?");
        app.clock.advance(Duration::from_millis(later_ms));
        let mut answer = page.reply_to(&person, "We are closed now and will answer tomorrow.");
        if later_ms == 0 {
            answer["timestamp"] = asked["timestamp"].clone();
        }
        deliver_and_settle(&app, answer).await;
        assert_eq!(last(&bot, "takeover").await["state"], "paused", "nothing tells it from a human's answer yet");
        // How it came to that pause is known after another start, too.
        let app = app.restart().await;
        app.begin().await;
        app.facebook.deliver_to(&format!("{}/facebook/webhook", app.url));
        let bot = Bot::start(&app, &[Scope::Read]).await;
        deliver_and_settle(&app, asked).await;
        let (told, heard, echo) = (last(&bot, "takeover").await, last(&bot, "message").await, last(&bot, "echo").await);
        let shown = bot.get(&path()).await.json();
        if is_automatic {
            assert_eq!(
                (&told["state"], &told["by"], &told["unanswered"]),
                (&json!("resumed"), &json!("human"), &json!(null))
            );
            assert_eq!((&heard["bot_may_answer"], &heard["reason"]), (&json!(true), &json!(null)), "{later_ms}");
            assert_eq!((&shown["pause"], &echo["by"]), (&json!(null), &json!("automation")));
            deliver_and_settle(&app, page.message_from(&person, "Hm")).await;
            let messages = last(&bot, "message").await["messages"].take();
            let by: Vec<&Value> = messages.as_array().unwrap().iter().map(|said| &said["by"]).collect();
            assert_eq!(by.iter().filter(|by| **by == "automation").count(), 1, "{by:?}");
        } else {
            assert_eq!(
                (&told["state"], &heard["reason"], &echo["by"]),
                (&json!("paused"), &json!("human"), &json!("human"))
            );
            assert_eq!(shown["pause"]["by"], "human");
        }
        app.finish().await;
    }
}

#[tokio::test]
async fn a_humans_pause_and_one_that_is_asked_for_outlive_a_question_that_comes_late() {
    for case in ["a human before", "a human after", "asked for after", "asked for before", "our own human"] {
        let (app, bot) = start_with_human().await;
        let (page, person) = (app.page(), sam(&app));
        deliver_and_settle(&app, page.message_from(&person, "Good morning")).await;
        app.clock.advance(MINUTE);
        match case {
            "a human before" => deliver_and_settle(&app, page.reply_to(&person, "It is Kim.")).await,
            "asked for before" => drop(put(&bot, &json!({ "minutes": 30 })).await),
            _ => {}
        }
        app.clock.advance(MINUTE);
        let asked = page.message_from(&person, "Are you open?");
        app.clock.advance(Duration::from_secs(2));
        if case == "our own human" {
            let (path, headers) =
                (format!("{}/messages", path()), [("idempotency-key", "k"), ("content-type", "application/json")]);
            let answer = bot.send(Method::POST, &path, &headers, br#"{"text":"It is Kim.","author":"human"}"#).await;
            assert_eq!(answer.status, 202, "{answer:?}");
            app.work().await;
            app.facebook.echoes_arrived().await;
            app.work().await;
        } else {
            deliver_and_settle(&app, page.reply_to(&person, "We are closed now.")).await;
        }
        app.clock.advance(MINUTE);
        match case {
            "a human after" => deliver_and_settle(&app, page.reply_to(&person, "It is Kim.")).await,
            "asked for after" => drop(put(&bot, &json!({ "minutes": 30 })).await),
            _ => {}
        }
        let before = bot.get(&path()).await.json()["pause"].take();
        deliver_and_settle(&app, asked).await;
        let shown = bot.get(&path()).await.json();
        assert!(shown["pause"]["by"].is_string(), "{case}: {shown}");
        assert_eq!((&shown["pause"], &shown["bot_may_answer"]), (&before, &json!(false)), "{case}");
        assert_eq!(last(&bot, "takeover").await["state"], "paused", "{case}");
        app.finish().await;
    }
}

#[tokio::test]
async fn another_app_that_answers_silences_bots_unless_that_is_left_out() {
    for by_app in [true, false] {
        let app = TestApp::start_with(|config| {
            config.server.answering.takeovers = Takeovers { by_app, pause: 10 * MINUTE, ..Takeovers::default() };
        })
        .await;
        app.connect().await;
        let bot = Bot::start(&app, &[Scope::Read]).await;
        deliver_and_settle(&app, app.page().reply_by_app(&sam(&app), "I am another bot", 42)).await;
        deliver_and_settle(&app, app.page().message_from(&sam(&app), "Hello?")).await;
        assert_eq!(last(&bot, "echo").await["by"], "app");
        let asked = last(&bot, "message").await;
        assert_eq!(asked["reason"], if by_app { json!("paused") } else { json!(null) });
        app.clock.advance(10 * MINUTE);
        app.work().await;
        assert_eq!(last(&bot, "message").await["bot_may_answer"], true);
        app.finish().await;
    }
}

#[tokio::test]
async fn what_this_app_sent_pauses_nobody_and_is_an_answer() {
    let (app, bot) = start().await;
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "Hello?")).await;
    let ours = FACEBOOK_APP_ID.parse().unwrap();
    deliver_and_settle(&app, app.page().reply_by_app(&sam(&app), "I am the bot", ours)).await;
    assert_eq!(last(&bot, "echo").await["by"], "bot");
    assert_eq!(last(&bot, "message").await["reason"], "answered");
    assert_eq!(lines(&events(&bot, "after=0").await), ["1 message Hello?", "2 echo I am the bot"]);
    app.finish().await;
}

#[tokio::test]
async fn a_pause_counts_from_the_platforms_time_and_one_that_is_over_pauses_nobody() {
    let (app, bot) = start().await;
    let (page, person) = (app.page(), sam(&app));
    let late = page.reply_to(&person, "An answer that comes late");
    app.clock.advance(50 * MINUTE);
    deliver_and_settle(&app, late).await;
    deliver_and_settle(&app, page.message_from(&person, "Hello?")).await;
    assert_eq!(last(&bot, "message").await["reason"], "human");
    app.clock.advance(10 * MINUTE);
    app.work().await;
    assert_eq!(last(&bot, "takeover").await["state"], "resumed");
    let very_late = page.reply_to(&person, "An answer that comes very late");
    app.clock.advance(2 * HOUR);
    deliver_and_settle(&app, page.message_from(&person, "Hello again?")).await;
    let before = last(&bot, "takeover").await;
    deliver_and_settle(&app, very_late).await;
    assert_eq!(last(&bot, "takeover").await["n"], before["n"]);
    assert_eq!(last(&bot, "message").await["bot_may_answer"], true, "it was sent before the question");
    app.finish().await;
}

/// Delivers an item as standby.
async fn stand_by(app: &TestApp, item: Value) {
    let envelope = app.page().standby_envelope(&[item]);
    assert_eq!(app.facebook.deliver_raw(envelope.to_string().as_bytes()).await.unwrap(), 200);
    app.settle().await;
}

#[tokio::test]
async fn another_app_that_owns_the_thread_silences_bots_until_it_is_ours_again() {
    let (app, bot) = start().await;
    stand_by(&app, app.page().message_from(&sam(&app), "Hello?")).await;
    let told = events(&bot, "after=0").await;
    assert_eq!(lines(&told), ["1 takeover owner_lost", "2 message Hello?"]);
    assert_eq!((&told[1]["reason"], &told[1]["source"]), (&json!("not_owner"), &json!("standby")));
    assert_eq!(bot.get(&path()).await.json()["owner"], "other");
    assert_eq!(bot.get(&path()).await.json()["pause"], json!(null));
    stand_by(&app, app.page().message_from(&sam(&app), "Anybody?")).await;
    // A message comes as our own.
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "Hello bot")).await;
    let told = events(&bot, "after=2").await;
    assert_eq!(lines(&told), ["3 message Anybody?", "4 takeover owner_back", "5 message Hello bot"]);
    assert_eq!(told[1]["unanswered"], told[0]["id"]);
    assert_eq!(told[2]["bot_may_answer"], true);

    // A day without the person.
    stand_by(&app, app.page().message_from(&sam(&app), "Hello other app")).await;
    app.clock.advance(23 * HOUR);
    app.work().await;
    assert_eq!(last(&bot, "takeover").await["state"], "owner_lost");
    app.clock.advance(HOUR);
    app.work().await;
    let back = last(&bot, "takeover").await;
    assert_eq!((&back["state"], &back["unanswered"]), (&json!("owner_back"), &last(&bot, "message").await["id"]));
    assert_eq!((&back["bot_may_answer"], &back["reason"]), (&json!(false), &json!("window_closed")));
    app.finish().await;
}

#[tokio::test]
async fn what_another_app_writes_does_not_make_the_day_without_the_person_longer() {
    let (app, bot) = start().await;
    stand_by(&app, app.page().message_from(&sam(&app), "Hello?")).await;
    app.clock.advance(20 * HOUR);
    stand_by(&app, app.page().reply_by_app(&sam(&app), "I am another bot", 42)).await;
    app.clock.advance(3 * HOUR);
    app.work().await;
    assert_eq!(last(&bot, "takeover").await["state"], "owner_lost");
    app.clock.advance(HOUR);
    app.work().await;
    assert_eq!(last(&bot, "takeover").await["state"], "owner_back");

    // Where it is first learned from what the other app wrote, it counts from that; and from the person again.
    stand_by(&app, app.page().reply_by_app(&sam(&app), "Still another bot", 42)).await;
    app.clock.advance(12 * HOUR);
    stand_by(&app, app.page().reply_by_app(&sam(&app), "Are you there?", 42)).await;
    stand_by(&app, app.page().message_from(&sam(&app), "Yes")).await;
    app.clock.advance(23 * HOUR);
    app.work().await;
    assert_eq!(last(&bot, "takeover").await["state"], "owner_lost");
    // The day is over before anybody looks: that is told before the next copy is.
    app.clock.advance(2 * HOUR);
    stand_by(&app, app.page().reply_by_app(&sam(&app), "Good bye", 42)).await;
    let told = events(&bot, "after=0&limit=100&types=takeover").await;
    let states: Vec<&str> = told.iter().map(|one| one["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["owner_lost", "owner_back", "owner_lost", "owner_back", "owner_lost"]);
    assert_eq!(bot.get(&path()).await.json()["pause"], json!(null));
    app.finish().await;
}

/// A delivery of Meta's with a copy for an app that does not own the thread: what the account sent to Kim.
fn copy_of_echo(app: &TestApp, (object, account): (&str, &str), number: u32, sender_app: Option<u64>) -> String {
    let mut item = json!({
        "sender": { "id": account }, "recipient": { "id": KIM }, "timestamp": app.clock.now_ms(),
        "message": { "mid": format!("m_copy_{object}_{number}"), "is_echo": true, "text": "An answer of others" },
    });
    if let Some(id) = sender_app {
        item["message"]["app_id"] = json!(id);
    }
    json!({ "object": object, "entry": [{ "id": account, "time": app.clock.now_ms(), "standby": [item] }] }).to_string()
}

const KIM: &str = "9000000000000001";

#[tokio::test]
async fn a_copy_of_what_others_send_pauses_nobody_on_any_channel() {
    let (app, _desk) = every_channel::start_with(Clock::manual(beginning()), |_| {}).await;
    app.connect().await;
    let bot = Bot::start(&app, &[Scope::Read]).await;
    let stands = async |channel: &str| {
        let row = every_channel::ROWS.iter().find(|row| row.name == channel).unwrap();
        let person = row.file.trim_start_matches("conversations/").trim_end_matches(".json");
        let conversation = format!("/api/v1/{channel}/{}/conversations/{person}", row.known);
        let shown = bot.get(&conversation).await.json();
        (shown["reason"].clone(), shown["pause"].clone())
    };
    for (object, channel) in [("page", "facebook"), ("instagram", "instagram")] {
        let row = every_channel::ROWS.iter().find(|row| row.name == channel).unwrap();
        assert_eq!(row.deliver(&app, row.known, 1).await, 200);
        app.settle().await;
        app.clock.advance(MINUTE);
        // The inbox of the platform, another app, and nobody who is named.
        for (number, sender_app) in [(1, Some(263_902_037_430_900)), (2, Some(42)), (3, None)] {
            let body = copy_of_echo(&app, (object, row.known), number, sender_app);
            assert_eq!(app.facebook.deliver_raw(body.as_bytes()).await.unwrap(), 200);
            app.settle().await;
            assert_eq!(stands(channel).await, (json!("not_owner"), json!(null)), "{channel} {sender_app:?}");
        }
    }
    let row = every_channel::ROWS.iter().find(|row| row.name == "whatsapp").unwrap();
    assert_eq!(row.deliver(&app, row.known, 1).await, 200);
    let at = app.clock.now().timestamp();
    let sent = json!({ "id": "wamid.AGENT", "timestamp": at.to_string(), "message": {
        "to": whatsapp::ADAS_NUMBER, "recipient": whatsapp::ADAS_NUMBER, "type": "text", "text": { "body": "An answer of others" } } });
    let copy = json!({ "standby": { "message_echoes": [sent] } });
    whatsapp::deliver(&app, &whatsapp::of_number(whatsapp::NUMBER, "standby", &copy)).await;
    assert_eq!(stands("whatsapp").await, (json!("not_owner"), json!(null)));
    let told = events(&bot, "after=0&limit=100&types=takeover").await;
    assert!(told.iter().all(|one| one["state"] == "owner_lost") && told.len() == 3, "{told:?}");
    app.finish().await;
}

/// Control of the thread with Sam is passed to this app.
fn control_passed(app: &TestApp, owner: &str) -> Value {
    json!({
        "sender": { "id": SAM }, "recipient": { "id": PAGE }, "timestamp": app.clock.now_ms(),
        "pass_thread_control": { "previous_owner_app_id": "1", "new_owner_app_id": owner, "metadata": "" },
    })
}

#[tokio::test]
async fn control_that_is_passed_away_and_back_is_told() {
    let (app, bot) = start().await;
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "Hello?")).await;
    app.clock.advance(MINUTE);
    deliver_and_settle(&app, control_passed(&app, "42")).await;
    assert_eq!(last(&bot, "message").await["reason"], "not_owner");
    deliver_and_settle(&app, control_passed(&app, FACEBOOK_APP_ID)).await;
    let told = events(&bot, "after=1").await;
    assert_eq!(lines(&told), ["2 takeover owner_lost", "3 takeover owner_back"]);
    assert_eq!(
        (&told[1]["unanswered"], &told[1]["bot_may_answer"]),
        (&last(&bot, "message").await["id"], &json!(true))
    );
    app.finish().await;
}

/// Answers in a conversation, naming this event.
async fn answer_to(bot: &Bot, path: &str, key: &str, event: &Value) -> Answer {
    let body = json!({ "text": "Yes.", "answers": event["id"] }).to_string();
    bot.send(Method::POST, &format!("{path}/messages"), &[("idempotency-key", key)], body.as_bytes()).await
}

#[tokio::test]
async fn an_answer_that_names_a_takeover_is_one_to_the_message_that_waits() {
    let (app, bot) = start().await;
    let other = app.facebook.person("7000000000000002", "Alex Roe");
    deliver_and_settle(&app, app.page().message_from(&other, "Hello?")).await;
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "Is the blue one in stock?")).await;
    let asked = last(&bot, "message").await;
    put(&bot, &json!({ "minutes": 10 })).await;
    let paused = last(&bot, "takeover").await;
    resume(&bot).await;
    let resumed = last(&bot, "takeover").await;
    assert_eq!((&resumed["unanswered"], &resumed["bot_may_answer"]), (&asked["id"], &json!(true)));
    let others = path().replace(SAM, &other.id);
    for event in [&resumed, &paused, &asked] {
        let problem = is_problem(&answer_to(&bot, &others, "other", event).await, 422, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], "/answers", "it is none of the other one's conversation");
    }
    let accepted = answer_to(&bot, &path(), "first", &resumed).await;
    assert_eq!((accepted.status.as_u16(), &accepted.json()["answers"]), (202, &asked["id"]));
    app.work().await;
    for event in [&resumed, &paused, &asked] {
        let problem = is_problem(&answer_to(&bot, &path(), "again", event).await, 409, "outdated");
        assert_eq!((&problem["why"], &problem["newest"]), (&json!("answered"), &asked["id"]));
    }

    // Control is passed away and back, and Sam writes again after that.
    app.clock.advance(MINUTE);
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "And the red one?")).await;
    for owner in ["42", FACEBOOK_APP_ID] {
        deliver_and_settle(&app, control_passed(&app, owner)).await;
    }
    let (back, asked) = (last(&bot, "takeover").await, last(&bot, "message").await);
    assert_eq!((&back["state"], &back["unanswered"]), (&json!("owner_back"), &asked["id"]));
    for (event, why) in [(&resumed, "superseded"), (&paused, "superseded")] {
        let problem = is_problem(&answer_to(&bot, &path(), "late", event).await, 409, "outdated");
        assert_eq!((&problem["why"], &problem["newest"]), (&json!(why), &asked["id"]));
    }
    let accepted = answer_to(&bot, &path(), "second", &back).await;
    assert_eq!((accepted.status.as_u16(), &accepted.json()["answers"]), (202, &asked["id"]));
    // What is about no message answers none.
    app.work().await;
    let status = last(&bot, "status").await;
    is_problem(&answer_to(&bot, &path(), "status", &status).await, 422, "invalid");
    app.finish().await;
}

#[tokio::test]
async fn a_pause_that_is_asked_for_is_idempotent_and_lasts_until_it_ends() {
    let (app, bot) = start().await;
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "I want a human")).await;
    let until = time(&app, 10 * MINUTE);
    let wanted = json!({ "minutes": 10, "note": "wants a human" });
    for _ in 0..2 {
        assert_eq!(put(&bot, &wanted).await, json!({ "by": "api", "until": until, "note": "wants a human" }));
    }
    let asked = last(&bot, "message").await;
    assert_eq!((&asked["bot_may_answer"], &asked["reason"]), (&json!(false), &json!("paused")));
    // A human who answers keeps bots silent for longer.
    app.clock.advance(MINUTE);
    deliver_and_settle(&app, app.page().reply_to(&sam(&app), "Kim here")).await;
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "Thank you")).await;
    app.clock.advance(20 * MINUTE);
    app.work().await;
    assert_eq!(last(&bot, "message").await["reason"], "human");
    resume(&bot).await;
    resume(&bot).await;
    let takeovers = events(&bot, "after=0&types=takeover").await;
    assert_eq!(lines(&takeovers), ["2 takeover paused", "5 takeover resumed"]);
    assert_eq!((&takeovers[0]["by"], &takeovers[0]["note"]), (&json!("api"), &json!("wants a human")));
    assert_eq!(
        (&takeovers[1]["bot_may_answer"], &takeovers[1]["unanswered"]),
        (&json!(true), &last(&bot, "message").await["id"])
    );

    assert_eq!(put(&bot, &json!({})).await, json!({ "by": "api", "until": null, "note": null }));
    app.clock.advance(48 * HOUR);
    app.work().await;
    assert_eq!(last(&bot, "message").await["reason"], "paused", "until somebody resumes");
    for body in
        [json!({ "minutes": 0 }), json!({ "note": "x".repeat(201) }), json!({ "minutes": "1" }), json!({ "x": 1 })]
    {
        let answer = bot.send(Method::PUT, &format!("{}/pause", path()), &[], body.to_string().as_bytes()).await;
        is_problem(&answer, 422, "invalid");
    }
    app.finish().await;
}

/// How many conversations wait for a human, as far as somebody is told.
fn handed(app: &TestApp) -> usize {
    app.shared().alerts.list().iter().filter(|alert| alert.cause.contains(":handover:")).count()
}

#[tokio::test]
async fn the_alert_of_a_hand_over_lasts_as_long_as_the_pause() {
    let (app, bot) = start().await;
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "I want a human")).await;
    put(&bot, &json!({ "handover": true })).await;
    let copy = app.page().standby_envelope(&[app.page().message_from(&sam(&app), "Still there?")]).to_string();
    assert_eq!(app.facebook.deliver_raw(copy.as_bytes()).await.unwrap(), 200);
    app.settle().await;
    // That another app answers is over by time; the pause is not.
    app.clock.advance(49 * HOUR);
    app.work().await;
    assert_eq!((handed(&app), &last(&bot, "takeover").await["state"]), (1, &json!("owner_back")));
    // It is known after a restart, too.
    let app = app.restart().await;
    app.facebook.deliver_to(&format!("{}/facebook/webhook", app.url));
    app.work().await;
    assert_eq!(handed(&app), 1);
    let bot = Bot::of(&app, bot.key.merchant, &[Scope::Read, Scope::Reply]).await;
    resume(&bot).await;
    assert_eq!(handed(&app), 0);
    // A pause that was over before the next event came ends with that.
    put(&bot, &json!({ "minutes": 5, "handover": true })).await;
    app.clock.advance(6 * MINUTE);
    assert_eq!(app.page().deliver(&[app.page().message_from(&sam(&app), "Hello?")]).await.unwrap(), Some(200));
    app.work().await;
    let told = events(&bot, "after=0&limit=100&types=takeover").await;
    assert_eq!((handed(&app), told.iter().filter(|one| one["state"] == "resumed").count()), (0, 2), "{told:?}");
    app.close().await;
}

#[tokio::test]
async fn p4_nobody_is_told_of_a_hand_over_whose_conversation_was_erased_or_disconnected() {
    let (app, bot) = start().await;
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "I want a human")).await;
    put(&bot, &json!({ "handover": true })).await;
    assert_eq!(handed(&app), 1);
    let person = Erase::Person { channel: "facebook".to_owned(), account: PAGE.to_owned(), person: SAM.to_owned() };
    app.shared().erasure.request(vec![person], "a test", None).await.unwrap();
    app.settle().await;
    assert_eq!(handed(&app), 0);
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "I want a human again")).await;
    put(&bot, &json!({ "handover": true })).await;
    assert_eq!(handed(&app), 1);
    app.shared().erasure.disconnect("facebook", PAGE, "a test").await.unwrap();
    app.clock.advance(2 * HOUR);
    app.work().await;
    assert_eq!(handed(&app), 0);
    app.close().await;
}

#[tokio::test]
async fn a_hand_over_is_alerted_and_the_pause_stays_whatever_the_platform_says() {
    let (app, bot) = start().await;
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "I want a human")).await;
    put(&bot, &json!({ "minutes": 60, "handover": true })).await;
    assert_eq!(last(&bot, "message").await["reason"], "paused");
    assert_eq!(handed(&app), 1);
    app.clock.advance(HOUR);
    app.work().await;
    assert_eq!((handed(&app), &last(&bot, "takeover").await["state"]), (0, &json!("resumed")));
    app.close().await;
}

#[tokio::test]
async fn a_merchant_pauses_and_resumes_on_the_conversations_page() {
    let app = TestApp::start().await;
    let browser = app.connect().await.for_pages();
    let bot = Bot::start(&app, &[Scope::Read]).await;
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "Hello?")).await;
    let page = format!("/conversations/facebook/{PAGE}/{SAM}");
    let shown = browser.get(&page).await.text();
    assert!(shown.contains("Bots may answer in this conversation."), "{shown}");
    let token = |shown: &str| {
        let (_, rest) = shown.split_once("name=\"form_token\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    let form = format!("form_token={}", token(&shown));
    assert_eq!(browser.post_form(&format!("{page}/pause"), "form_token=wrong").await.status, 403);
    assert_eq!(browser.post_form(&format!("{page}/pause"), &form).await.status, 303);
    let shown = browser.get(&page).await.text();
    assert!(shown.contains("Bots are paused here until you let them answer again."), "{shown}");
    assert_eq!(last(&bot, "message").await["reason"], "paused");
    assert_eq!(browser.post_form(&format!("{page}/resume"), &form).await.status, 303);
    assert_eq!(last(&bot, "message").await["bot_may_answer"], true);
    app.clock.advance(MINUTE);
    deliver_and_settle(&app, app.page().reply_to(&sam(&app), "Kim here")).await;
    assert!(browser.get(&page).await.text().contains("A person answers in this conversation."));
    app.finish().await;
}

#[tokio::test]
async fn a_short_pause_that_is_asked_for_does_not_cut_a_humans_short() {
    let (app, bot) = start().await;
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "I want a human")).await;
    app.clock.advance(MINUTE);
    deliver_and_settle(&app, app.page().reply_to(&sam(&app), "Kim here")).await;
    for _ in 0..2 {
        let pause = put(&bot, &json!({ "minutes": 1, "note": "a note" })).await;
        assert_eq!((&pause["by"], &pause["note"]), (&json!("human"), &json!("a note")));
    }
    app.clock.advance(2 * MINUTE);
    app.work().await;
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "Still there?")).await;
    assert_eq!(last(&bot, "message").await["reason"], "human");
    assert_eq!(put(&bot, &json!({ "minutes": 600 })).await["by"], "api");
    app.finish().await;
}
