//! What follows from a message that the simulated Facebook took: its echo, receipts, what the person does with it, and who
//! may go on in the thread.

use std::time::Duration;

use serde_json::{Value, json};
use shoptalk::facebook::sandbox::Echoes;
use shoptalk::shared::channel::simulator::Failure;

use crate::facebook_sandbox_send::{ACCOUNT, Scene, to};
use crate::test_app::{FACEBOOK_APP_ID, PAGE};

const INBOX: &str = "26390203743090";

/// The texts of the items, in order.
fn texts(items: &[Value]) -> Vec<&str> {
    items.iter().filter_map(|item| item["message"]["text"].as_str()).collect()
}

#[tokio::test]
async fn the_echo_names_our_app_and_carries_the_mark_and_what_was_sent() {
    let scene = Scene::start().await;
    let question = scene.page.message_from(&scene.sam, "And in red?")["message"]["mid"].clone();
    let mut body = to(&scene.sam, json!({"text": "Yes.", "metadata": "msg_1:1"}));
    body["reply_to"] = json!({"mid": question});
    let mid = scene.send(&body).await.mid();
    let echo = scene.delivered("messaging").await.remove(0);
    assert_eq!((&echo["sender"]["id"], &echo["recipient"]["id"]), (&json!(PAGE), &json!(scene.sam.id)));
    let expected = json!({"mid": mid, "is_echo": true, "app_id": 900_000_000_000_001_i64, "metadata": "msg_1:1",
        "text": "Yes.", "reply_to": {"mid": question, "is_self_reply": false}});
    assert_eq!(echo["message"], expected);
    assert_eq!(echo["timestamp"], scene.sandbox.sent()[0].at_ms);

    let payload = json!({"template_type": "generic", "elements": [{"title": "Snowboard", "subtitle": "$640"}]});
    scene.say(json!({"attachment": {"type": "template", "payload": payload}})).await.mid();
    let echo = scene.delivered("messaging").await.pop().unwrap();
    let template = json!({"type": "template", "title": "", "url": "https://www.facebook.com/", "payload": payload});
    assert_eq!(echo["message"]["attachments"], json!([template]));
    assert_eq!(echo["message"].get("metadata"), None);

    // On Instagram it comes under that object; there, some echoes lack the mark.
    scene.sandbox.set_echoes_without_metadata(true);
    scene.say_on_instagram(json!({"text": "By Friday.", "metadata": "msg_2:1"})).await.mid();
    let echo = scene.delivered("messaging").await.pop().unwrap();
    assert_eq!((&echo["sender"]["id"], echo["message"].get("metadata")), (&json!(ACCOUNT), None));
    assert!(scene.hook.received().last().unwrap().text().contains(r#""object":"instagram""#));
}

#[tokio::test]
async fn echoes_come_late_twice_first_or_never() {
    let scene = Scene::start().await;
    let say = async |text: &str| drop(scene.say(json!({ "text": text })).await.mid());
    scene.sandbox.set_echoes(Echoes::Lost);
    say("lost").await;
    assert_eq!(scene.delivered("messaging").await, [Value::Null; 0]);
    scene.sandbox.set_echoes(Echoes::Held);
    say("held 1").await;
    say("held 2").await;
    assert_eq!((scene.delivered("messaging").await.len(), texts(&scene.sandbox.held())), (0, vec!["held 1", "held 2"]));
    assert_eq!(scene.sandbox.release().await, 2);
    scene.sandbox.set_echoes(Echoes::Doubled);
    say("double").await;
    scene.sandbox.echoes_arrived().await;
    scene.sandbox.set_echoes(Echoes::BeforeAnswer);
    say("first").await;
    // Nobody had to wait for this one.
    let received = scene.hook.count("/hook");
    assert_eq!(texts(&scene.delivered("messaging").await), ["held 1", "held 2", "double", "double", "first"]);
    assert_eq!(scene.hook.count("/hook"), received);
    // What is not answered with 200 comes again when it is released.
    scene.hook.fail_next("/hook", 1, Failure::Status(503));
    say("retried").await;
    assert_eq!(texts(&scene.sandbox.held()), ["retried"]);
    assert_eq!((scene.sandbox.release().await, scene.sandbox.held().len()), (1, 0));
}

#[tokio::test]
async fn receipts_come_when_they_are_asked_for_or_by_themselves() {
    let scene = Scene::start().await;
    scene.say(json!({"text": "1"})).await.mid();
    assert_eq!(scene.delivered("messaging").await.len(), 1, "only the echo");
    let sent_at = scene.sandbox.sent()[0].at_ms;
    scene.clock.advance(Duration::from_secs(1));
    assert_eq!(scene.page.deliver_receipt(&scene.sam).await.unwrap(), Some(200));
    assert_eq!(scene.page.deliver_read(&scene.sam).await.unwrap(), Some(200));
    let items = scene.delivered("messaging").await;
    assert_eq!(items[1]["delivery"], json!({"mids": [scene.sandbox.sent()[0].mid], "watermark": sent_at}));
    assert!(items[2]["read"]["watermark"].as_i64().unwrap() >= sent_at);
    // Instagram has read receipts only, by message.
    let mid = scene.say_on_instagram(json!({"text": "1"})).await.mid();
    assert_eq!(scene.account.deliver_receipt(&scene.kim).await.unwrap(), None);
    assert_eq!(scene.account.deliver_read(&scene.kim).await.unwrap(), Some(200));
    let items = scene.delivered("messaging").await;
    assert!(items.iter().any(|item| item["read"] == json!({ "mid": mid })), "{items:?}");

    scene.sandbox.send_receipts(true, true);
    scene.say(json!({"text": "2"})).await.mid();
    let items = scene.delivered("messaging").await;
    let [echo, delivery, read] = &items[items.len() - 3..] else { panic!("{items:?}") };
    assert_eq!(echo["message"]["text"], "2");
    assert!(delivery["delivery"].is_object() && read["read"].is_object());
}

#[tokio::test]
async fn the_person_taps_presses_reacts_and_answers() {
    let scene = Scene::start().await;
    let choices = json!([{"content_type": "text", "title": "Size M", "payload": "SIZE_M"}]);
    let mid = scene.say(json!({"text": "Which size?", "quick_replies": choices})).await.mid();
    assert_eq!(scene.page.tap(&scene.sam, "Size L"), None);
    let tapped = scene.page.tap(&scene.sam, "Size M").unwrap();
    assert_eq!(
        (&tapped["message"]["text"], &tapped["message"]["quick_reply"]),
        (&json!("Size M"), &json!({"payload": "SIZE_M"}))
    );
    assert_eq!(scene.page.tap(&scene.sam, "Size M"), None, "they are gone once one was tapped");
    let button = json!({"type": "postback", "title": "Ask about it", "payload": "ASK:SKU-7"});
    let payload = json!({"template_type": "generic", "elements": [{"title": "Snowboard", "buttons": [button]}]});
    scene.say(json!({"attachment": {"type": "template", "payload": payload}})).await.mid();
    scene.say(json!({"text": "Anything else?"})).await.mid();
    assert_eq!(scene.page.press(&scene.sam, "Buy"), None);
    let pressed = scene.page.press(&scene.sam, "Ask about it").unwrap();
    assert_eq!(pressed["postback"]["payload"], "ASK:SKU-7");
    let reaction = scene.page.reaction_from(&scene.sam, &mid, Some("love"));
    let answer = scene.page.answer_from(&scene.sam, "yes, that one", &mid);
    assert_eq!(answer["message"]["reply_to"]["mid"], json!(mid));
    scene.sandbox.echoes_arrived().await;
    let before = scene.hook.received().len();
    for item in [tapped, pressed, reaction, answer] {
        assert_eq!(scene.page.deliver(&[item]).await.unwrap(), Some(200));
    }
    assert_eq!(scene.hook.received().len(), before + 4);
}

#[tokio::test]
async fn echoes_of_others_name_the_inbox_another_app_or_nobody() {
    let scene = Scene::start().await;
    let asked = scene.page.message_from(&scene.sam, "Hello?")["timestamp"].as_i64().unwrap();
    scene.clock.advance(Duration::from_secs(60));
    let instant = scene.page.instant_reply(&scene.sam, "We answer soon.");
    let after = instant["timestamp"].as_i64().unwrap() - asked;
    assert!((1..3000).contains(&after), "{after} ms after the message, wherever the clock stands");
    let by_hand = scene.page.reply_to(&scene.sam, "This is Eva.");
    let elsewhere = scene.page.reply_without_app_id(&scene.sam, "Eva again.");
    let foreign = scene.page.reply_by_app(&scene.sam, "Beep.", 900_000_000_000_009);
    let app_ids: Vec<&Value> =
        [&instant, &by_hand, &elsewhere, &foreign].map(|item| &item["message"]["app_id"]).to_vec();
    assert_eq!(app_ids, [&Value::Null, &json!(26_390_203_743_090_i64), &Value::Null, &json!(900_000_000_000_009_i64)]);
    assert!([&instant, &elsewhere].iter().all(|item| item["message"]["is_echo"] == true));
    assert_eq!(scene.page.message_count(&scene.sam), 6);
    assert!(scene.sandbox.sent().is_empty(), "none of them is ours");
}

#[tokio::test]
async fn while_another_app_owns_the_thread_we_get_copies_and_may_not_write() {
    let scene = Scene::start().await;
    let taken = scene.page.control_taken_by(&scene.sam, INBOX, "");
    assert_eq!(
        taken["take_thread_control"],
        json!({"previous_owner_app_id": null, "new_owner_app_id": INBOX, "metadata": ""})
    );
    assert_eq!(scene.page.owner(&scene.sam).as_deref(), Some(INBOX));
    assert_eq!(scene.say(json!({"text": "1"})).await.error(), (10, Some(2_018_300)));
    let items = [
        taken,
        scene.page.message_from(&scene.sam, "talking to a human"),
        scene.page.postback_from(&scene.sam, "Help", "HELP"),
        scene.page.reply_to(&scene.sam, "I am one."),
        scene.page.read_by(&scene.sam),
    ];
    assert_eq!(scene.page.deliver(&items).await.unwrap(), Some(200));
    assert!(scene.delivered("messaging").await.iter().all(|item| item.get("take_thread_control").is_some()));
    let copies = scene.delivered("standby").await;
    assert_eq!((copies.len(), texts(&copies)), (4, vec!["talking to a human", "I am one."]));
    assert_eq!((&copies[1]["postback"]["title"], copies[1]["postback"].get("payload")), (&json!("Help"), None));
    let list = scene.get(&format!("{PAGE}/conversations?fields=is_owner")).await;
    assert_eq!(list["data"][0]["is_owner"], false);

    let passed = scene.page.control_passed_to_us(&scene.sam, "to bot");
    let expected = json!({"previous_owner_app_id": INBOX, "new_owner_app_id": FACEBOOK_APP_ID, "metadata": "to bot"});
    assert_eq!(passed["pass_thread_control"], expected);
    scene.say(json!({"text": "2"})).await.mid();
    let requested = scene.page.control_requested_by(&scene.sam, 900_000_000_000_002, "human wanted");
    assert_eq!(scene.page.deliver(&[passed, requested]).await.unwrap(), Some(200));
    assert_eq!(scene.page.owner(&scene.sam).as_deref(), Some(FACEBOOK_APP_ID));
    scene.page.set_owner(&scene.sam, None);
    assert_eq!(scene.page.owner(&scene.sam), None);
}

#[tokio::test]
async fn control_is_passed_taken_and_requested_over_the_api() {
    let scene = Scene::start().await;
    let path = |call: &str| format!("{PAGE}/{call}_thread_control");
    let body = json!({"recipient": {"id": scene.sam.id}, "metadata": "human wanted"});
    let pass = |target: &str| {
        let mut body = body.clone();
        body["target_app_id"] = target.into();
        body
    };
    assert_eq!(scene.call(&path("pass"), &body).await.error(), (100, None));
    assert_eq!(scene.call(&path("pass"), &pass("900000000000009")).await.error(), (100, None));
    let success = json!({"success": true});
    for inbox in ["26390203743090", "263902037430900"] {
        assert_eq!(scene.call(&path("pass"), &pass(inbox)).await.body, success);
        assert_eq!(scene.page.owner(&scene.sam).as_deref(), Some(inbox));
        assert_eq!(scene.call(&path("pass"), &pass(inbox)).await.error(), (10, Some(2_018_300)));
        assert_eq!(scene.call(&path("request"), &body).await.body, success);
        assert_eq!(scene.page.owner(&scene.sam).as_deref(), Some(inbox));
        assert_eq!(scene.call(&path("take"), &body).await.body, success);
        scene.say(json!({"text": "I am back."})).await.mid();
    }
    scene.page.add_other_app("900000000000009", "Desk", &["messages"]);
    assert_eq!(scene.call(&path("pass"), &pass("900000000000009")).await.body, success);
    scene.sandbox.refuse_take_control(true);
    assert_eq!(scene.call(&path("take"), &body).await.error(), (10, None));
    let calls = scene.sandbox.control_calls();
    let names: Vec<&str> = calls.iter().map(|one| one.call.split('_').next().unwrap()).collect();
    assert_eq!(names, ["pass", "request", "take", "pass", "request", "take", "pass"]);
    assert_eq!(calls[0].metadata.as_deref(), Some("human wanted"));
    let misspelt = json!({"recipient": {"id": scene.sam.id}, "meta": "x"});
    assert_eq!(scene.call(&path("take"), &misspelt).await.error(), (100, None));
    let kim = json!({"recipient": {"id": scene.kim.id}, "target_app_id": INBOX});
    assert_eq!(scene.call(&format!("{ACCOUNT}/pass_thread_control"), &kim).await.body, success);
    assert_eq!(scene.say_on_instagram(json!({"text": "1"})).await.error(), (10, Some(2_018_300)));
}
