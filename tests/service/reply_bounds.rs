//! Within which bounds a message may be accepted and sent: how many may wait, until when, to whom, how fast, and what is said
//! of codes that nobody knows.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use shoptalk::app::config::Config;
use shoptalk::facebook::sandbox::{Echoes, SendFailure};
use shoptalk::shared::channel::simulator::Failure;
use shoptalk::shared::channel::simulator::SendFailure as AnyFailure;
use shoptalk::shared::store::api_keys::Scope;
use shoptalk::whatsapp::sandbox::{Reach, SendFailure as WhatsappFailure};

use crate::api_keys::{Bot, is_problem};
use crate::operator_metrics::{scrape, value};
use crate::replies::{Scene, filled_in, to};
use crate::test_app::{PAGE, TestApp};
use crate::{linkedin_stage, viber_stage, whatsapp};

const SAM: &str = "7000000000000001";
const KIM: &str = "7000000000000002";
const DAY: u64 = 24 * 60 * 60;

/// The time so many seconds from now, as the API writes it.
fn in_seconds(app: &TestApp, seconds: u64) -> Value {
    let at = app.clock.now() + Duration::from_secs(seconds);
    json!(at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
}

fn reason(message: &Value) -> (&str, &str) {
    (message["state"].as_str().unwrap(), message["failure"]["reason"].as_str().unwrap_or_default())
}

fn time(told: &Value) -> chrono::DateTime<chrono::Utc> {
    told.as_str().unwrap().parse().unwrap()
}

impl Scene {
    /// Time passes until so many seconds before this time.
    fn until_before(&self, at: &Value, seconds: u64) {
        let left = (time(at) - self.app.clock.now()).to_std().unwrap();
        self.app.clock.advance(left - Duration::from_secs(seconds));
    }

    /// Kim writes, too.
    async fn kim_writes(&self) {
        let kim = self.app.facebook.person(KIM, "Kim Doe");
        let item = self.app.page().message_from(&kim, "And the red one?");
        assert_eq!(self.app.page().deliver(&[item]).await.unwrap(), Some(200));
        self.app.settle().await;
    }

    /// What goes out waits for an hour.
    async fn hold(&self) {
        self.app.facebook.fail_sends(1, SendFailure::Throttled(613, 60));
        self.say("Held.").await;
        self.work().await;
    }
}

#[tokio::test]
async fn fifty_messages_of_a_person_wait_and_the_next_one_comes_again_later() {
    let scene = Scene::start().await;
    scene.hold().await;
    // Of two keys, because one may not write so often.
    let other = Bot::start(&scene.app, &[Scope::Reply]).await;
    for n in 1..50 {
        let bot = if n % 2 == 0 { &scene.bot } else { &other };
        let (key, path) = (format!("more-{n}"), format!("{}/messages", to(SAM)));
        let answer = bot.send(Method::POST, &path, &[("idempotency-key", &key)], br#"{"text":"More."}"#).await;
        assert_eq!(answer.status, 202, "{n}: {answer:?}");
    }
    let refused = scene.post("51", &json!({"text": "One too many."})).await;
    is_problem(&refused, 429, "queue-full");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    scene.kim_writes().await;
    assert_eq!(scene.post_to(&to(KIM), "kim", &json!({"text": "Yes."})).await.status, 202, "others have room");
    // What does not fit is said first, also where there is no room.
    let problem = is_problem(&scene.post("52", &json!({"text": ""})).await, 422, "invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/text");
    scene.app.close().await;
}

#[tokio::test]
async fn a_text_of_which_nobody_sees_anything_is_refused_whatever_its_length_and_place() {
    let scene = Scene::start().await;
    let media = json!({"url": "https://shop.example/1.jpg", "type": "image"});
    let choices = json!([{"id": "Y", "title": "Yes"}]);
    // White space, what has no width, and both: as much as goes into one part, and more than goes into five.
    for blank in [" ", "\n\t\u{3000}\u{2028}", "\u{200b}\u{feff}", "\u{200d} \u{2060}\u{ad}"] {
        for length in [1, 2_100, 10_000] {
            let text: String = blank.chars().cycle().take(length.max(blank.chars().count())).collect();
            // Of a key of its own, because one may not write so often.
            let bot = Bot::start(&scene.app, &[Scope::Reply]).await;
            for body in [
                json!({"text": text}),
                json!({"text": text, "choices": choices}),
                json!({"text": text, "media": media}),
                json!({"text": text, "products": ["1"]}),
                json!({"text": text, "template": {"name": "a", "language": "en"}}),
            ] {
                let (path, body) = (format!("{}/messages", to(SAM)), body.to_string());
                let answer = bot.send(Method::POST, &path, &[("idempotency-key", "blank")], body.as_bytes()).await;
                let problem = is_problem(&answer, 422, "invalid");
                assert_eq!(problem["errors"][0]["pointer"], "/text", "{body}");
            }
        }
    }
    let title = json!({"text": "Which?", "choices": [{"id": "Y", "title": "\u{200b} "}]});
    let problem = is_problem(&scene.post("title", &title).await, 422, "invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/choices/0/title");
    // A piece of a long text of which nobody would see anything is no part.
    let long = format!("Yes.\n\n{}\n\nReally.", "\u{200b}".repeat(4_000));
    let answer = scene.post("long", &json!({"text": long})).await;
    assert_eq!(answer.json()["parts"].as_array().map(Vec::len), Some(2), "{answer:?}");
    scene.work().await;
    assert_eq!(scene.taken(), ["Yes.", "Really."]);
    scene.app.finish().await;
}

#[tokio::test]
async fn a_message_without_parts_of_an_older_version_is_in_nobodys_way() {
    let scene = Scene::start().await;
    let event = scene.bot.get("/api/v1/events?after=0&types=message").await.json()["events"][0]["id"].clone();
    let merchant = scene.bot.key.merchant.to_string();
    let now_ms = scene.app.clock.now_ms();
    scene.app.journal_sql(|journal| {
        for n in 0..50 {
            journal.execute(
                "INSERT INTO outgoing (id, merchant, channel, account, conversation, author, created_at, expires_at,
                                       ttl_ms, after_seq)
                 VALUES (?1, ?2, 'facebook', ?3, ?4, 'bot', ?5, ?5 + 600000, 600000, (SELECT max(seq) FROM events))",
                (format!("msg_{n}"), &merchant, PAGE, SAM, now_ms),
            )?;
        }
        Ok(())
    });
    is_problem(&scene.post("locked", &json!({"text": "Yes."})).await, 429, "queue-full");
    scene.app.journal_sql(|journal| {
        journal.execute_batch(include_str!("../../migrations/journal/0033_messages_without_parts.sql"))
    });
    let answer = scene.post("free", &json!({"text": "Yes.", "answers": event})).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    scene.work().await;
    assert_eq!(scene.taken(), ["Yes."]);
    assert_eq!(reason(&scene.message("msg_7").await), ("failed", "refused"));
    assert_eq!(scene.bot.get(&to(SAM)).await.json()["outgoing"], json!([]));
    scene.app.finish().await;
}

#[tokio::test]
async fn as_many_messages_of_an_account_wait_as_may_whoever_sends_them() {
    let few = |config: &mut Config| config.server.answering.most_waiting = 3;
    let app = TestApp::start_with(few).await;
    let browser = app.connect().await.for_pages();
    let scene = Scene::again(app, &[Scope::Read, Scope::Reply]).await;
    scene.hear("Is the blue one in stock?").await;
    scene.kim_writes().await;
    scene.hold().await;
    let body = json!({"text": "Wait."});
    let second = scene.post("second", &body).await;
    assert_eq!(second.status, 202);
    scene.say("Third.").await;
    is_problem(&scene.post_to(&to(KIM), "kim", &body).await, 429, "queue-full");
    let again = scene.post("second", &body).await;
    assert_eq!((again.status.as_u16(), again.header("idempotent-replayed")), (202, "true"), "a repeat takes no room");
    // It is looked at last.
    let too_early = json!({"text": "Wait.", "answers": "evt_00"});
    is_problem(&scene.post("early", &too_early).await, 422, "invalid");
    is_problem(&scene.post("media", &json!({"template": {"name": "a", "language": "en"}})).await, 422, "unsupported");

    let path = format!("/conversations/facebook/{PAGE}/{KIM}");
    let form = filled_in(&browser.get(&path).await.text(), "By hand.");
    let answer = browser.post_form(&format!("{path}/answer"), &form).await;
    assert_eq!(answer.status, 409, "{answer:?}");
    assert!(answer.text().contains("By hand."), "the text is not lost");
    scene.app.close().await;
}

#[tokio::test]
async fn a_message_that_was_called_is_not_taken_back_whatever_came_of_the_call() {
    let scene = Scene::start().await;
    scene.app.facebook.fail_sends(1, SendFailure::Refused(2, None));
    let id = scene.say("Yes.").await;
    scene.work().await;
    assert_eq!(scene.message(&id).await["tries"], 1);
    let delete = async || scene.bot.send(Method::DELETE, &format!("/api/v1/messages/{id}"), &[], b"").await;
    assert_eq!(is_problem(&delete().await, 409, "too-late")["state"], "accepted");
    scene.pass(300).await;
    assert_eq!(scene.taken(), ["Yes."]);
    assert_eq!(is_problem(&delete().await, 409, "too-late")["state"], "sent");
    scene.app.finish().await;
}

#[tokio::test]
async fn nothing_waits_beyond_the_end_of_the_window_and_then_it_says_so() {
    let scene = Scene::start().await;
    let closes_at = scene.bot.get(&to(SAM)).await.json()["window"]["closes_at"].clone();
    scene.until_before(&closes_at, 600);
    let short = scene.post("short", &json!({"text": "Short.", "ttl_seconds": 10})).await.json();
    assert_eq!(short["expires_at"], in_seconds(&scene.app, 10));
    scene.work().await;
    scene.app.facebook.fail_sends(1, SendFailure::Throttled(613, 60));
    let long = scene.post("long", &json!({"text": "Long.", "ttl_seconds": 86_400})).await.json();
    assert_eq!(long["expires_at"], closes_at);
    let id = long["id"].as_str().unwrap();
    scene.work().await;
    scene.pass(598).await;
    assert_eq!(reason(&scene.message(id).await), ("accepted", ""));
    scene.pass(5).await;
    assert_eq!(reason(&scene.message(id).await), ("failed", "window-closed"));
    assert_eq!(scene.taken(), ["Short."]);
    scene.app.finish().await;
}

#[tokio::test]
async fn after_an_ad_it_is_tried_for_seven_days_and_not_longer() {
    let scene = Scene::start().await;
    scene.app.clock.advance(Duration::from_secs(60));
    let item = scene.app.page().message_from_ad(&scene.sam, "What does it cost?", "6001");
    assert_eq!(scene.app.page().deliver(&[item]).await.unwrap(), Some(200));
    scene.app.settle().await;
    let window = async || scene.bot.get(&to(SAM)).await.json()["window"].clone();
    let (closes_at, maybe_until) = (window().await["closes_at"].clone(), window().await["maybe_until"].clone());
    assert_eq!(time(&maybe_until) - time(&closes_at), chrono::TimeDelta::days(6));
    assert_eq!(window().await["state"], "open");
    scene.app.clock.advance(Duration::from_secs(DAY));
    assert_eq!(window().await["state"], "unknown");
    scene.app.facebook.set_ad_window(Some(7));
    scene.say("It costs 5.").await;
    scene.work().await;
    assert_eq!(scene.taken(), ["It costs 5."]);
    scene.until_before(&maybe_until, 300);
    scene.app.facebook.fail_sends(1, SendFailure::Throttled(613, 60));
    let late = scene.post("late", &json!({"text": "Still there?", "ttl_seconds": 86_400})).await.json();
    assert_eq!(late["expires_at"], maybe_until);
    scene.work().await;
    scene.pass(300).await;
    scene.pass(5).await;
    assert_eq!(reason(&scene.message(late["id"].as_str().unwrap()).await), ("failed", "window-closed"));
    assert_eq!(window().await["state"], "closed");
    is_problem(&scene.post("after", &json!({"text": "Hello?"})).await, 409, "window-closed");
    scene.app.finish().await;
}

#[tokio::test]
async fn the_platform_decides_after_an_ad_and_its_no_is_told() {
    let scene = Scene::start().await;
    scene.app.facebook.set_ad_window(None);
    let item = scene.app.page().message_from_ad(&scene.sam, "What does it cost?", "6001");
    assert_eq!(scene.app.page().deliver(&[item]).await.unwrap(), Some(200));
    scene.app.settle().await;
    scene.app.clock.advance(Duration::from_secs(DAY + 60));
    let id = scene.say("It costs 5.").await;
    scene.work().await;
    assert_eq!(reason(&scene.message(&id).await), ("failed", "window-closed"));
    scene.app.finish().await;
}

/// The sentences of the alerts about codes that are not known.
fn unknown_codes(app: &TestApp) -> Vec<String> {
    let all = app.shared().alerts.list().into_iter();
    all.filter(|alert| alert.cause.contains(":unknown_code:")).map(|alert| alert.sentence).collect()
}

#[tokio::test]
async fn a_code_that_is_not_known_is_counted_each_time_told_once_and_no_news_after_a_day() {
    let scene = Scene::start().await;
    for (code, subcode) in [(999, None), (999, None), (100, Some(2_018_047)), (998, Some(7))] {
        scene.app.facebook.fail_sends(1, SendFailure::Refused(code, subcode));
        let id = scene.say("Yes.").await;
        scene.work().await;
        assert_eq!(scene.message(&id).await["state"], "failed");
    }
    let told = unknown_codes(&scene.app);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("998/7") && told[1].contains("999"), "{told:?}");
    let text = scrape(&scene.app).await.text();
    let count = |code: &str| {
        let labels = format!(r#"channel="facebook",code="{code}""#);
        value(&text, &format!("shoptalk_reply_unknown_codes_total{{{labels}}}"))
    };
    assert_eq!((count("999"), count("998/7")), (2.0, 1.0));
    assert!(!text.contains(r#"code="100/2018047""#), "what is known is no news");
    scene.pass(DAY - 1).await;
    assert_eq!(unknown_codes(&scene.app).len(), 2);
    scene.pass(1).await;
    assert_eq!(unknown_codes(&scene.app), [""; 0]);
    scene.app.close().await;
}

#[tokio::test]
async fn each_channel_knows_its_own_codes() {
    let scene = whatsapp::Scene::start().await;
    for (code, told) in [(131_026, 0), (100, 0), (987_654, 1)] {
        scene.platform.fail_sends(1, WhatsappFailure::Refused(code));
        scene.say(&json!({"text": "Yes."})).await;
        scene.pass(10).await;
        assert_eq!(unknown_codes(&scene.app).len(), told, "{code}");
    }
    scene.finish().await;
    let scene = linkedin_stage::Scene::start().await;
    scene.asks("Do you ship?").await;
    for (status, told) in [(403, 0), (422, 0), (418, 1)] {
        scene.linkedin.fail_sends(1, AnyFailure::Refused(status));
        scene.say(&json!({"text": "Yes."})).await;
        assert_eq!(unknown_codes(&scene.app).len(), told, "{status}");
    }
    scene.finish().await;
}

#[tokio::test]
async fn a_code_of_viber_that_nobody_knows_is_tried_again_counted_each_time_and_told_once() {
    let scene = viber_stage::Scene::start().await;
    for (status, told) in [(4, 0), (10, 0), (99, 1), (99, 1), (-1, 2)] {
        scene.desk.change(|bot| bot.refusals.push(("send_message", status)));
        let id = scene.say(&json!({"text": "Yes."})).await;
        scene.pass(61).await;
        let state = if status == 4 { "failed" } else { "sent" };
        assert_eq!(scene.message(&id).await["state"], state, "{status}");
        assert_eq!(unknown_codes(&scene.app).len(), told, "{status}");
        scene.pass(4).await;
    }
    assert!(unknown_codes(&scene.app)[1].contains("sent again"), "{:?}", unknown_codes(&scene.app));
    let text = scrape(&scene.app).await.text();
    let labels = r#"channel="viber",code="99""#;
    assert_eq!(value(&text, &format!("shoptalk_reply_unknown_codes_total{{{labels}}}")), 2.0);
    scene.app.close().await;
}

#[tokio::test]
async fn what_viber_fails_with_and_nobody_knows_is_tried_a_few_times_and_holds_nobody_back_for_ever() {
    let scene = viber_stage::Scene::start().await;
    for (failures, state) in [(4, "sent"), (5, "failed")] {
        scene.desk.change(|bot| bot.refusals.extend([("send_message", 21)].repeat(failures)));
        let id = scene.say(&json!({"text": "Yes.", "ttl_seconds": 86_400})).await;
        let behind = scene.say(&json!({"text": "More."})).await;
        for _ in 0..failures {
            scene.pass(61).await;
        }
        let message = scene.message(&id).await;
        assert_eq!((&message["state"], &message["tries"]), (&json!(state), &json!(5)), "{message}");
        if state == "failed" {
            assert_eq!(message["failure"], json!({"reason": "refused", "code": "21"}));
        }
        scene.pass(4).await;
        assert_eq!(scene.message(&behind).await["state"], "sent", "what waits behind it goes on");
        scene.pass(4).await;
    }
    let told = unknown_codes(&scene.app);
    assert!(told.len() == 1 && told[0].contains("count as refused after that"), "{told:?}");
    scene.app.close().await;
}

/// Two templates, one of which advertises.
async fn with_templates() -> whatsapp::Scene {
    let scene = whatsapp::Scene::start().await;
    scene.number.add_template("autumn_sale", "en_US", "MARKETING", "20 off until {{1}}.");
    // What was read before is a minute old.
    scene.pass(61).await;
    scene
}

fn template(name: &str) -> Value {
    json!({"template": {"name": name, "language": "en_US", "params": ["Friday"]}})
}

#[tokio::test]
async fn who_wants_no_advertising_gets_none_and_is_answered_all_the_same() {
    let scene = with_templates().await;
    assert_eq!(scene.ada.sets_marketing("stop").await.answers, [200]);
    scene.app.settle().await;
    let refused = is_problem(&scene.post(&template("autumn_sale")).await, 409, "cannot-receive");
    assert_eq!(refused["why"], "opted_out");
    scene.say(&json!({"text": "Your parcel is here."})).await;
    scene.pass(5).await;
    scene.say(&template("shipping_note")).await;
    scene.pass(5).await;
    assert_eq!(scene.ada.received().len(), 2);
    // A day later nothing else goes, and advertising neither; that she writes changes nothing.
    scene.app.clock.advance(Duration::from_secs(DAY));
    is_problem(&scene.post(&template("autumn_sale")).await, 409, "cannot-receive");
    scene.hear("Hello?").await;
    is_problem(&scene.post(&template("autumn_sale")).await, 409, "cannot-receive");
    assert_eq!(scene.conversation(&scene.ada.user_id()).await["bot_may_answer"], true);
    assert_eq!(scene.ada.sets_marketing("resume").await.answers, [200]);
    scene.app.settle().await;
    scene.say(&template("autumn_sale")).await;
    scene.pass(5).await;
    assert_eq!(scene.ada.received().len(), 3);
    scene.finish().await;
}

#[tokio::test]
async fn that_somebody_wants_no_advertising_is_also_learned_from_a_refusal_early_or_late() {
    let scene = with_templates().await;
    scene.ada.set_reach(Reach::NoMarketing);
    let id = scene.say(&template("autumn_sale")).await;
    scene.work().await;
    assert_eq!(reason(&scene.message(&id).await), ("failed", "cannot-receive"));
    is_problem(&scene.post(&template("autumn_sale")).await, 409, "cannot-receive");
    scene.say(&json!({"text": "Hello."})).await;
    scene.finish().await;

    let scene = with_templates().await;
    let id = scene.say(&template("autumn_sale")).await;
    scene.work().await;
    let platform_id = scene.message(&id).await["parts"][0]["platform_id"].as_str().unwrap().to_owned();
    scene.app.clock.advance(Duration::from_secs(5));
    scene.ada.fails_late(&platform_id, 131_050).await;
    scene.app.settle().await;
    assert_eq!(reason(&scene.message(&id).await), ("failed", "cannot-receive"));
    is_problem(&scene.post(&template("autumn_sale")).await, 409, "cannot-receive");
    scene.finish().await;
}

#[tokio::test]
async fn what_comes_in_on_whatsapp_counts_with_what_goes_out() {
    let scene = whatsapp::Scene::start().await;
    scene.say(&json!({"text": "First."})).await;
    scene.work().await;
    let bo = scene.number.person("46555010007", "Bo Lind");
    bo.writes("Hello").await;
    scene.app.settle().await;
    let at = scene.app.clock.now().timestamp().to_string();
    let crowd: Vec<Value> = (0..80)
        .map(|n| {
            json!({"from": format!("4655501{n:04}"), "id": format!("wamid.IN{n}"), "timestamp": at, "type": "text",
                        "text": {"body": "Hello"}})
        })
        .collect();
    let body = whatsapp::of_number(whatsapp::NUMBER, "messages", &json!({ "messages": crowd }));
    assert_eq!(whatsapp::post(&scene.app, body.as_bytes()).await.status, 200);
    let answer = scene.post_to(&bo.user_id(), &json!({"text": "Hi."})).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    scene.work().await;
    assert_eq!(bo.received().len(), 0, "what may go out in this second is used up by what came in");
    scene.pass(1).await;
    assert_eq!(bo.received().len(), 1);
    scene.finish().await;
}

#[tokio::test]
async fn a_key_is_told_how_much_goes_to_one_person() {
    let scene = whatsapp::Scene::start().await;
    let me = scene.bot.get("/api/v1/me").await.json();
    let limits = |channel: &str| {
        let all = me["accounts"].as_array().unwrap().iter();
        all.clone().find(|one| one["channel"] == channel).unwrap()["limits"].clone()
    };
    assert_eq!(limits("whatsapp")["person"], json!({"parts": 45, "then_one_in_seconds": 6}));
    assert_eq!((&limits("facebook")["person"], &limits("facebook")["without_reply"]), (&Value::Null, &Value::Null));
    scene.finish().await;
    let (app, _desk) = viber_stage::start().await;
    let bot = Bot::start(&app, &[Scope::Read]).await;
    let me = bot.get("/api/v1/me").await.json();
    let viber = me["accounts"].as_array().unwrap().iter().find(|one| one["channel"] == "viber").unwrap().clone();
    assert_eq!(viber["limits"]["without_reply"], json!({"parts": 100, "per_seconds": 3600}));
    app.finish().await;
}

/// What the feed says of the newest message, and how the conversation stands.
async fn standing(bot: &Bot, conversation: &str) -> [Value; 3] {
    let page = bot.get("/api/v1/events?after=0&types=message&limit=100").await.json();
    let event = page["events"].as_array().unwrap().last().unwrap().clone();
    [
        event["bot_may_answer"].clone(),
        event["reason"].clone(),
        bot.get(conversation).await.json()["bot_may_answer"].clone(),
    ]
}

const UNANSWERED: [Value; 3] = [Value::Bool(true), Value::Null, Value::Bool(true)];

fn taken_back() -> [Value; 3] {
    [json!(false), json!("not_a_message"), json!(false)]
}

#[tokio::test]
async fn what_its_author_took_back_is_no_question_on_any_channel() {
    let scene = Scene::start().await;
    let event = scene.bot.get("/api/v1/events?after=0&types=message").await.json()["events"][0].clone();
    assert_eq!(standing(&scene.bot, &to(SAM)).await, UNANSWERED);
    let unsend = scene.app.page().unsend(&scene.sam, event["platform_id"].as_str().unwrap());
    assert_eq!(scene.app.page().deliver(&[unsend]).await.unwrap(), Some(200));
    scene.app.settle().await;
    assert_eq!(standing(&scene.bot, &to(SAM)).await, taken_back());
    let problem = is_problem(&scene.post("k", &json!({"text": "Yes.", "answers": event["id"]})).await, 409, "outdated");
    assert_eq!(problem["why"], "superseded");
    // Nobody is told of it when a pause ends.
    let pause = format!("{}/pause", to(SAM));
    assert_eq!(scene.bot.send(Method::PUT, &pause, &[], b"{}").await.status, 200);
    assert_eq!(scene.bot.send(Method::DELETE, &pause, &[], b"").await.status, 204);
    let told = scene.bot.get("/api/v1/events?after=0&types=takeover").await.json();
    let resumed = told["events"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&resumed["state"], &resumed["unanswered"]), (&json!("resumed"), &Value::Null));
    assert_eq!(resumed["bot_may_answer"], false);
    // The person is answered as before.
    scene.app.clock.advance(Duration::from_secs(5));
    scene.hear("The red one, then?").await;
    assert_eq!(standing(&scene.bot, &to(SAM)).await, UNANSWERED);
    scene.app.finish().await;

    let scene = whatsapp::Scene::start().await;
    let to = scene.to(&scene.ada.user_id());
    let id = scene.hear("And the red one?").await;
    assert_eq!(standing(&scene.bot, &to).await, UNANSWERED);
    scene.ada.revokes(&id).await;
    scene.app.settle().await;
    let [may_answer, reason, _] = taken_back();
    assert_eq!(standing(&scene.bot, &to).await, [may_answer, reason, json!(true)], "what was asked before it still is");
    scene.finish().await;

    let scene = linkedin_stage::Scene::with(|config, _| config.answer_comments = true).await;
    let urn = scene.asks("Do you ship?").await;
    let to = format!("/api/v1/linkedin/{}/conversations/{}", linkedin_stage::PAGE, scene.thread());
    assert_eq!(standing(&scene.program, &to).await, UNANSWERED);
    scene.ada.deletes(&urn).await.unwrap();
    scene.app.settle().await;
    assert_eq!(standing(&scene.program, &to).await, taken_back());
    scene.finish().await;
}

#[tokio::test]
async fn what_a_person_has_sent_after_all_waits_no_longer_than_the_window_is_open() {
    for (before_the_end, is_open) in [(500, true), (10, false)] {
        let scene = Scene::with(&[Scope::Read, Scope::Reply, Scope::Human]).await;
        let closes_at = scene.bot.get(&to(SAM)).await.json()["window"]["closes_at"].clone();
        scene.until_before(&closes_at, 2_000);
        scene.app.facebook.set_echoes(Echoes::Lost);
        scene.app.facebook.fail_sends(1, SendFailure::Cut);
        scene.app.facebook.traffic().fail_next("/conversations", 10_000, Failure::Status(503));
        let id = scene.post("k", &json!({"text": "Yes.", "ttl_seconds": 1_500})).await.json()["id"].clone();
        let id = id.as_str().unwrap();
        scene.work().await;
        for _ in 0..46 {
            scene.pass(20).await;
        }
        assert_eq!(reason(&scene.message(id).await), ("failed", "unresolved"));
        scene.until_before(&closes_at, before_the_end);
        if !is_open {
            scene.pass(20).await;
        }
        let path = format!("/api/v1/messages/{id}/resolve");
        let told = scene.bot.send(Method::POST, &path, &[], br#"{"as":"not_sent"}"#).await.json();
        assert_eq!((&told["state"], &told["expires_at"]), (&json!("accepted"), &closes_at));
        scene.work().await;
        let expected = if is_open { ("sent", "") } else { ("failed", "window-closed") };
        assert_eq!(reason(&scene.message(id).await), expected);
        scene.app.finish().await;
    }
}
