//! WhatsApp: from an answer of a bot to the platform and back to the conversation's file.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use shoptalk::app::config::Config;
use shoptalk::shared::channel::simulator::{Failure, Webhooks};
use shoptalk::whatsapp::sandbox::SendFailure;

use crate::api_keys::is_problem;
use crate::whatsapp::{ADAS_NUMBER, DIGITS, NUMBER, Scene, conversation, deliver_items, ids};

fn failure(message: &Value) -> (&str, &str) {
    let of = |name: &str| message["failure"][name].as_str().unwrap_or_default();
    (of("reason"), of("code"))
}

#[tokio::test]
async fn an_answer_reaches_the_person_and_stands_once_in_the_file_in_the_platforms_shape() {
    let scene = Scene::start().await;
    let id = scene.say(&json!({"text": "Yes, three left."})).await;
    scene.work().await;
    assert_eq!(scene.ada.received_texts(), ["Yes, three left."]);
    let [sent] = scene.platform.sent().try_into().unwrap();
    assert_eq!((sent.input.clone(), sent.mark.clone()), (scene.ada.user_id(), Some(format!("{id}:1"))));
    let at = scene.app.clock.now().timestamp().to_string();
    let entries = conversation(&scene.app, &scene.ada.user_id()).unwrap();
    assert_eq!(
        entries[1],
        json!({"from": DIGITS, "to": ADAS_NUMBER, "to_user_id": scene.ada.user_id(), "id": sent.id, "timestamp": at,
               "type": "text", "text": {"body": "Yes, three left."}})
    );
    let message = scene.message(&id).await;
    assert_eq!((message["state"].as_str(), message["tries"].as_i64()), (Some("delivered"), Some(1)));
    assert_eq!(message["parts"][0]["platform_id"], sent.id);
    assert_eq!(message["billing"]["category"], "service");
    scene.ada.reads().await;
    scene.work().await;
    assert_eq!(scene.message(&id).await["state"], "read");
    // The platform shows it, too, after all: nothing changes.
    let echo = json!({"from": DIGITS, "to": ADAS_NUMBER, "id": sent.id, "timestamp": at, "type": "text", "text": {"body": "x"}});
    deliver_items(&scene.app, "message_echoes", &[echo]).await;
    assert_eq!(conversation(&scene.app, &scene.ada.user_id()).unwrap(), entries);
    assert!(scene.conversation(&scene.ada.user_id()).await["pause"].is_null(), "our own answer pauses nobody");
    scene.finish().await;
}

#[tokio::test]
async fn what_a_message_cost_is_kept_in_whatever_order_the_platform_tells_it() {
    let scene = Scene::start().await;
    let id = scene.say(&json!({"text": "Yes, three left."})).await;
    scene.platform.set_receipts(Webhooks::Lost);
    scene.work().await;
    let [sent] = scene.platform.sent().try_into().unwrap();
    let status = |word: &str, more: &Value| {
        let mut status = json!({"id": sent.id, "status": word, "recipient_user_id": scene.ada.user_id(),
                                "timestamp": scene.app.clock.now().timestamp().to_string()});
        if more.is_object() {
            status["pricing"] = more.clone();
        }
        status
    };
    deliver_items(&scene.app, "statuses", &[status("read", &Value::Null)]).await;
    scene.app.settle().await;
    assert_eq!(scene.message(&id).await["state"], "read");
    let pricing =
        json!({"billable": false, "pricing_model": "PMP", "category": "service", "type": "free_customer_service"});
    deliver_items(&scene.app, "statuses", &[status("delivered", &pricing)]).await;
    scene.app.settle().await;
    let message = scene.message(&id).await;
    assert_eq!((&message["billing"]["category"], &message["state"]), (&json!("service"), &json!("read")));
    scene.finish().await;
}

#[tokio::test]
async fn what_a_message_cost_and_when_it_left_is_kept_also_where_it_is_told_before_its_id_is_known() {
    let scene = Scene::start().await;
    scene.platform.set_receipts(Webhooks::Lost);
    scene.platform.fail_sends(1, SendFailure::TakenCut);
    let id = scene.say(&json!({"text": "Yes, three left."})).await;
    let left_at = scene.app.clock.now().timestamp();
    scene.work().await;
    let [sent] = scene.platform.sent().try_into().unwrap();
    let status = |word: &str| json!({"id": sent.id, "status": word, "recipient_user_id": scene.ada.user_id(), "timestamp": left_at.to_string()});
    let mut first = status("sent");
    first["pricing"] = json!({"billable": true, "pricing_model": "PMP", "category": "utility", "type": "regular"});
    deliver_items(&scene.app, "statuses", &[first]).await;
    scene.app.settle().await;
    assert_eq!(scene.message(&id).await["state"], "unknown", "nobody knows yet whose it is");
    scene.app.clock.advance(Duration::from_secs(5));
    let mut second = status("delivered");
    second["biz_opaque_callback_data"] = json!(sent.mark);
    deliver_items(&scene.app, "statuses", &[second]).await;
    scene.app.settle().await;
    let message = scene.message(&id).await;
    assert_eq!((&message["billing"]["category"], &message["state"]), (&json!("utility"), &json!("delivered")));
    let at = |name: &str| message[name].as_str().unwrap().to_owned();
    assert_eq!(at("sent_at"), at("delivered_at"), "{message}");
    scene.finish().await;
}

/// The body of the last message that was sent.
fn last_body(scene: &Scene) -> Value {
    let received = scene.platform.traffic().received();
    let last = received.iter().rev().find(|one| one.path.ends_with(&format!("/{NUMBER}/messages"))).unwrap();
    serde_json::from_str(&last.text()).unwrap()
}

#[tokio::test]
async fn a_number_has_a_plus_and_a_template_begins_a_conversation_that_keeps_one_file() {
    const BOS_NUMBER: &str = "46555010009";
    let scene = Scene::start().await;
    let bo = scene.number.person(BOS_NUMBER, "Bo Lind");
    let template = json!({"template": {"name": "shipping_note", "language": "en_US", "params": ["PX-42"]}});
    is_problem(&scene.post_to(BOS_NUMBER, &json!({"text": "hello"})).await, 409, "window-closed");
    let answer = scene.post_to(BOS_NUMBER, &template).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    scene.work().await;
    let body = last_body(&scene);
    assert_eq!((body["to"].as_str(), body["type"].as_str()), (Some("+46555010009"), Some("template")));
    assert_eq!(
        body["template"],
        json!({"name": "shipping_note", "language": {"code": "en_US"},
               "components": [{"type": "body", "parameters": [{"type": "text", "text": "PX-42"}]}]})
    );
    let [sent] = scene.platform.sent().try_into().unwrap();
    assert_eq!(bo.received_texts(), ["Your parcel PX-42 is on its way."]);
    // The statuses of the message tell the user id: the conversation stands under it from then on.
    assert_eq!(ids(&scene.app, &bo.user_id()), std::slice::from_ref(&sent.id));
    assert!(conversation(&scene.app, BOS_NUMBER).is_none());
    assert_eq!(scene.message(answer.json()["id"].as_str().unwrap()).await["state"], "delivered");
    let happened = bo.writes("Where is it?").await;
    scene.app.settle().await;
    assert_eq!(ids(&scene.app, &bo.user_id()), [sent.id, happened.id]);
    // By the old address, and the answer goes to the user id.
    assert_eq!(scene.post_to(BOS_NUMBER, &json!({"text": "In Malmö."})).await.status, 202);
    scene.work().await;
    assert_eq!(scene.platform.sent()[1].input, bo.user_id());
    for nobody in ["1", "12345678901234567890", "US.1", "group-x"] {
        is_problem(&scene.post_to(nobody, &template).await, 404, "not-found");
    }
    scene.finish().await;
}

#[tokio::test]
async fn who_is_dialled_under_another_number_than_their_own_answers_in_the_same_conversation() {
    // Brazil's ninth digit, the 1 of Mexico, the 9 of Argentina.
    for (dialled, own, tells_user_id, receipts) in [
        ("5511955010009", "551155010009", false, Webhooks::Lost),
        ("525550100009", "5215550100009", false, Webhooks::Sent),
        ("541155010009", "5491155010009", true, Webhooks::Lost),
        ("541155010009", "5491155010009", true, Webhooks::Sent),
    ] {
        let scene = Scene::start().await;
        let bo = scene.number.person(own, "Bo Lind");
        bo.is_dialled_as(dialled);
        scene.platform.set_answers_tell_user_ids(tells_user_id);
        scene.platform.set_receipts(receipts);
        let template = json!({"template": {"name": "shipping_note", "language": "en_US", "params": ["PX-42"]}});
        let answer = scene.post_with("the-first", dialled, &template).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        scene.work().await;
        scene.app.settle().await;
        let [sent] = scene.platform.sent().try_into().unwrap();
        let stands_as = if tells_user_id || receipts == Webhooks::Sent { bo.user_id() } else { own.to_owned() };
        assert_eq!(ids(&scene.app, &stands_as), std::slice::from_ref(&sent.id), "{dialled}");
        let happened = bo.writes("Where is it?").await;
        scene.app.settle().await;
        assert_eq!(ids(&scene.app, &bo.user_id()), [sent.id.clone(), happened.id], "{dialled}");
        for other in [dialled, own] {
            assert!(conversation(&scene.app, other).is_none(), "{dialled}: {other}");
        }
        let message = scene.message(answer.json()["id"].as_str().unwrap()).await;
        assert_eq!(message["person"], bo.user_id());
        // A repeat is one, although the person stands under another name by now.
        for name in [dialled, own, &bo.user_id()] {
            let repeated = scene.post_with("the-first", name, &template).await;
            assert_eq!(
                (repeated.status, &repeated.json()["id"]),
                (answer.status, &answer.json()["id"]),
                "{repeated:?}"
            );
        }
        assert_eq!(scene.platform.sent().len(), 1);
        // By the number that was dialled, and the answer goes to the person.
        assert_eq!(scene.post_to(dialled, &json!({"text": "On its way."})).await.status, 202);
        scene.work().await;
        assert_eq!(scene.platform.sent()[1].input, bo.user_id());
        scene.finish().await;
    }
}

#[tokio::test]
async fn who_is_known_already_is_written_to_under_a_dialled_number_in_their_own_conversation() {
    let scene = Scene::start().await;
    scene.ada.is_dialled_as("1999555010");
    scene.platform.set_receipts(Webhooks::Lost);
    let template = json!({"template": {"name": "shipping_note", "language": "en_US", "params": ["PX-42"]}});
    assert_eq!(scene.post_to("1999555010", &template).await.status, 202);
    scene.work().await;
    scene.app.settle().await;
    let [sent] = scene.platform.sent().try_into().unwrap();
    let asked = ids(&scene.app, &scene.ada.user_id())[0].clone();
    assert_eq!(ids(&scene.app, &scene.ada.user_id()), [asked, sent.id]);
    assert!(conversation(&scene.app, "1999555010").is_none());
    scene.finish().await;
}

#[tokio::test]
async fn choices_are_buttons_then_a_list_and_what_is_tapped_comes_back() {
    let scene = Scene::start().await;
    let choices = |count: usize| -> Value {
        (1..=count).map(|n| json!({"id": format!("C{n}"), "title": format!("Choice {n}")})).collect()
    };
    for count in [3, 4, 10] {
        scene.say(&json!({"text": "Which?", "choices": choices(count)})).await;
        scene.pass(5).await;
        let seen = scene.ada.received().pop().unwrap();
        assert_eq!((seen.choices.len(), seen.choices[0].is_row), (count, count > 3));
        let title = format!("Choice {count}");
        scene.ada.taps(&title).await.unwrap();
        scene.app.settle().await;
        let feed = scene.bot.get("/api/v1/events?after=0&types=message&limit=100").await.json();
        let event = feed["events"].as_array().unwrap().last().unwrap();
        assert_eq!((event["kind"].as_str(), event["text"].as_str()), (Some("choice"), Some(title.as_str())));
        assert_eq!(event["choice"]["id"], format!("C{count}"));
        assert_eq!(event["reply_to"], seen.id);
    }
    is_problem(&scene.post(&json!({"text": "Which?", "choices": choices(11)})).await, 422, "unsupported");
    let twins = json!({"text": "Which?", "choices": [{"id": "1", "title": "Same"}, {"id": "2", "title": "Same"}]});
    let problem = is_problem(&scene.post(&twins).await, 422, "invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/choices/1/title");
    scene.finish().await;
}

#[tokio::test]
async fn a_text_that_is_too_long_for_choices_is_cut_and_they_stand_under_its_end() {
    let scene = Scene::start().await;
    let choices = json!([{"id": "YES", "title": "Yes"}, {"id": "NO", "title": "No"}]);
    let words = |count: usize| (0..count).map(|n| format!("word{n:04}.")).collect::<Vec<_>>().join(" ");
    let long = words(600);
    scene.say(&json!({"text": long, "choices": choices})).await;
    for _ in 0..3 {
        scene.pass(5).await;
    }
    let received = scene.ada.received();
    let kinds: Vec<(&str, usize)> = received.iter().map(|seen| (seen.kind.as_str(), seen.choices.len())).collect();
    assert_eq!(kinds, [("text", 0), ("text", 0), ("interactive", 2)]);
    assert!(received[2].text.chars().count() <= 1_024, "{}", received[2].text.chars().count());
    assert_eq!(received.iter().map(|seen| seen.text.as_str()).collect::<Vec<_>>().join(" "), long);

    // Under a medium the end of the text stands with it.
    let media = json!({"url": "https://shop.example/1.jpg", "type": "image"});
    scene.say(&json!({"text": words(150), "media": media, "choices": choices})).await;
    for _ in 0..3 {
        scene.pass(5).await;
    }
    let last_two = &scene.ada.received()[3..];
    assert_eq!((last_two[0].kind.as_str(), last_two[1].choices.len()), ("text", 2));
    assert_eq!(last_two[1].content["header"]["type"], "image");
    assert_eq!(format!("{} {}", last_two[0].text, last_two[1].text), words(150));
    scene.finish().await;
}

/// The products of the shop, as they can be shown.
async fn products(scene: &Scene, count: usize) -> Vec<String> {
    let found = scene.bot.get(&format!("/api/v1/products?limit={count}")).await.json();
    let found = found["products"].as_array().unwrap();
    assert_eq!(found.len(), count);
    found.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn one_product_is_a_picture_with_a_link_and_several_go_in_one_message() {
    let scene = Scene::start().await;
    let ids = products(&scene, 3).await;
    scene.say(&json!({"text": "This one fits.", "products": [ids[0]]})).await;
    scene.work().await;
    let one = scene.ada.received().pop().unwrap();
    assert_eq!((one.kind.as_str(), one.content["type"].as_str()), ("interactive", Some("cta_url")));
    assert!(one.text.starts_with("This one fits.\n\nGloves\n"), "in one part: {}", one.text);
    assert!(one.links.iter().any(|link| link.starts_with("https://")), "{one:?}");
    scene.pass(5).await;
    scene.say(&json!({"products": ids})).await;
    scene.pass(5).await;
    let several = scene.ada.received().pop().unwrap();
    assert_eq!(several.content["type"], "carousel");
    assert_eq!(several.content["action"]["cards"].as_array().unwrap().len(), 3);
    assert_eq!(scene.platform.sent().len(), 2);
    let with_choices = json!({"products": ids, "choices": [{"id": "1", "title": "Yes"}]});
    is_problem(&scene.post(&with_choices).await, 422, "unsupported");
    scene.finish().await;
}

#[tokio::test]
async fn media_go_by_link_with_their_text_and_what_is_too_large_is_refused() {
    let scene = Scene::start().await;
    let medium = |kind: &str, bytes: u64| json!({"url": "https://shop.example/1", "type": kind, "name": "a.pdf", "bytes": bytes});
    scene.say(&json!({"media": medium("file", 100), "text": "Our price list"})).await;
    scene.work().await;
    let seen = scene.ada.received().pop().unwrap();
    assert_eq!((seen.kind.as_str(), seen.text.as_str()), ("document", "Our price list"));
    assert_eq!(seen.content["filename"], "a.pdf");
    // A sound carries no words: they go before it.
    scene.say(&json!({"media": medium("audio", 100), "text": "Listen"})).await;
    for _ in 0..3 {
        scene.pass(5).await;
    }
    let kinds: Vec<String> = scene.ada.received().into_iter().map(|seen| seen.kind).collect();
    assert_eq!(kinds, ["document", "text", "audio"]);
    let too_large = is_problem(&scene.post(&json!({"media": medium("image", 5_242_881)})).await, 422, "media-refused");
    assert_eq!(too_large["why"], "size");
    scene.finish().await;
}

#[tokio::test]
async fn a_templates_header_is_an_uploaded_file_or_an_address_as_a_medium_is() {
    const PUBLIC: &str = "https://bot.example";
    let public = |config: &mut Config| config.server.public_url = Some(PUBLIC.parse().unwrap());
    let scene = Scene::start_with(public).await;
    let _ = scene.number.add_template("autumn", "en_US", "UTILITY", "The {{1}} is here.").with_header("IMAGE");
    // What was read before is a minute old.
    scene.pass(61).await;
    let with = |header: &Value| {
        json!({"template": {"name": "autumn", "language": "en_US", "params": ["catalogue"], "header": header},
               "ttl_seconds": 86_400})
    };
    let upload = async |kind: &str, bytes: &[u8]| {
        let answer = scene.bot.send(Method::POST, "/api/v1/media", &[("content-type", kind)], bytes).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()
    };
    let picture = upload("image/png", b"\x89PNG\r\n\x1a\n a picture that nobody can draw").await;
    scene.app.clock.advance(Duration::from_secs(60));
    let accepted = scene.post(&with(&json!({"id": picture["id"]}))).await;
    assert_eq!(accepted.status, 202, "{accepted:?}");
    assert_eq!(accepted.json()["expires_at"], picture["expires_at"], "after that the platform would find nothing");
    scene.work().await;
    let sent = scene.platform.sent().pop().unwrap();
    let link = sent.body["template"]["components"][0]["parameters"][0]["image"]["link"].as_str().unwrap().to_owned();
    let fetched = scene.app.browser().get(link.strip_prefix(PUBLIC).unwrap()).await;
    assert_eq!((fetched.status.as_u16(), fetched.header("content-type")), (200, "image/png"));
    scene.pass(5).await;
    scene.say(&with(&json!({"url": "https://shop.example/1.jpg", "type": "image"}))).await;
    scene.pass(5).await;
    assert_eq!(scene.ada.received().len(), 2);

    // It goes with the person to whom it was sent.
    let uses: i64 =
        scene.app.journal_sql(|journal| journal.query_row("SELECT count(*) FROM upload_uses", [], |row| row.get(0)));
    assert_eq!(uses, 1);

    let sound = upload("audio/ogg", b"OggS a sound that nobody can hear, and longer than its first bytes").await;
    let audio = is_problem(&scene.post(&with(&json!({"id": sound["id"]}))).await, 422, "invalid");
    assert_eq!(audio["errors"][0]["pointer"], "/template/header");
    for (header, why) in [
        (json!({"id": "med_unknown"}), "unknown"),
        (json!({"url": "https://10.0.0.1/x.jpg", "type": "image"}), "address"),
        (json!({"url": "http://shop.example/1.jpg", "type": "image"}), "address"),
        (json!({"url": "https://shop.example/1.jpg", "type": "image", "bytes": 5_242_881}), "size"),
    ] {
        let refused = is_problem(&scene.post(&with(&header)).await, 422, "media-refused");
        assert_eq!(refused["why"], why, "{header}");
    }
    for (header, pointer) in [
        (json!({"id": picture["id"], "type": "image"}), "/template/header/type"),
        (json!({"url": "https://shop.example/1.jpg"}), "/template/header/type"),
        (json!("https://shop.example/1.jpg"), "/template/header"),
    ] {
        let problem = is_problem(&scene.post(&with(&header)).await, 422, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{header}");
    }
    scene.app.clock.advance(Duration::from_secs(24 * 60 * 60));
    let late = is_problem(&scene.post(&with(&json!({"id": picture["id"]}))).await, 422, "media-refused");
    assert_eq!(late["why"], "unknown");
    scene.finish().await;
}

#[tokio::test]
async fn an_answer_quotes_and_typing_and_seen_are_one_call_about_the_last_message() {
    let scene = Scene::start().await;
    let asked = scene.hear("And the red one?").await;
    let path = scene.to(&scene.ada.user_id());
    for verb in ["typing", "seen"] {
        assert_eq!(scene.bot.send(Method::POST, &format!("{path}/{verb}"), &[], b"").await.status, 204);
        scene.work().await;
    }
    assert_eq!(scene.platform.marked_read(), [(asked.clone(), true), (asked.clone(), false)]);
    scene.say(&json!({"text": "Yes.", "reply_to": asked})).await;
    scene.work().await;
    assert_eq!(scene.ada.received()[0].quotes.as_deref(), Some(asked.as_str()));
    // Nobody wrote: there is nothing to be marked.
    let bo = scene.number.person("46555010009", "Bo Lind");
    let template = json!({"template": {"name": "shipping_note", "language": "en_US", "params": ["PX-42"]}});
    assert_eq!(scene.post_to("46555010009", &template).await.status, 202);
    scene.work().await;
    let typing = format!("{}/typing", scene.to(&bo.user_id()));
    assert_eq!(scene.bot.send(Method::POST, &typing, &[], b"").await.status, 204);
    scene.work().await;
    assert_eq!(scene.platform.marked_read().len(), 2);
    scene.finish().await;
}

#[tokio::test]
async fn seen_is_said_of_the_persons_last_message_however_many_of_ours_follow_it() {
    let scene = Scene::start().await;
    let asked = scene.hear("And the red one?").await;
    for number in 0..41 {
        scene.say(&json!({"text": number.to_string()})).await;
        scene.work().await;
    }
    let seen = format!("{}/seen", scene.to(&scene.ada.user_id()));
    assert_eq!(scene.bot.send(Method::POST, &seen, &[], b"").await.status, 204);
    scene.work().await;
    assert_eq!(scene.platform.marked_read(), [(asked, false)]);
    scene.finish().await;
}

#[tokio::test]
async fn after_a_day_only_templates_go_and_the_platforms_word_counts_at_the_edge() {
    let scene = Scene::start().await;
    scene.app.clock.advance(Duration::from_secs(24 * 3600));
    let closed = is_problem(&scene.post(&json!({"text": "Still there?"})).await, 409, "window-closed");
    assert_eq!(closed["allowed"], json!(["template"]));
    assert_eq!(scene.conversation(&scene.ada.user_id()).await["window"]["state"], "closed");
    let template = json!({"template": {"name": "named_note", "language": "en_US", "params": ["77"]}});
    scene.say(&template).await;
    scene.work().await;
    let body = last_body(&scene);
    let parameter = &body["template"]["components"][0]["parameters"][0];
    assert_eq!(parameter, &json!({"type": "text", "text": "77", "parameter_name": "order"}));
    let copy = conversation(&scene.app, &scene.ada.user_id()).unwrap().pop().unwrap();
    assert_eq!(copy["template"], body["template"], "the copy is as it was sent");
    let multiline = json!({"template": {"name": "named_note", "language": "en_US", "params": ["a\nb"]}});
    let problem = is_problem(&scene.post(&multiline).await, 422, "invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/template/params/0");
    scene.hear("Yes").await;
    scene.ada.lets_the_window_close();
    let id = scene.say(&json!({"text": "Good."})).await;
    scene.work().await;
    let message = scene.message(&id).await;
    assert_eq!((message["state"].as_str(), failure(&message)), (Some("failed"), ("window-closed", "131047")));
    scene.finish().await;
}

#[tokio::test]
async fn what_the_platform_says_decides_what_happens_next() {
    for (code, state, reason, calls) in [
        (131_047, "failed", "window-closed", 1),
        (131_026, "failed", "cannot-receive", 1),
        (131_030, "failed", "cannot-receive", 1),
        (132_001, "failed", "template-unusable", 1),
        (132_015, "failed", "template-unusable", 1),
        (131_053, "failed", "media-unusable", 1),
        (131_049, "failed", "cannot-receive", 1),
        (131_050, "failed", "cannot-receive", 1),
        (130_497, "failed", "cannot-receive", 1),
        (131_051, "failed", "media-unusable", 1),
        (100, "failed", "refused", 1),
        (131_008, "failed", "refused", 1),
        (987_654, "failed", "refused", 1),
        (131_000, "delivered", "", 2),
        (131_016, "delivered", "", 2),
        (131_057, "delivered", "", 2),
        (133_016, "delivered", "", 2),
        (131_056, "delivered", "", 2),
        (130_429, "delivered", "", 2),
        (80_007, "delivered", "", 2),
    ] {
        let scene = Scene::start().await;
        scene.platform.fail_sends(1, SendFailure::Refused(code));
        let id = scene.say(&json!({"text": "Yes.", "ttl_seconds": 3600})).await;
        scene.work().await;
        if state == "delivered" {
            assert_eq!(scene.message(&id).await["state"], "accepted", "{code}");
            scene.pass(301).await;
        }
        let message = scene.message(&id).await;
        assert_eq!((message["state"].as_str(), failure(&message).0), (Some(state), reason), "{code}: {message}");
        assert_eq!(message["tries"], calls, "{code}");
        // A refusal says nothing of the next message.
        assert_eq!(scene.post(&json!({"text": "And now?"})).await.status, 202, "{code}");
        scene.finish().await;
    }
}

#[tokio::test]
async fn a_fault_of_the_platforms_with_a_code_that_nobody_knows_is_a_doubt() {
    let error = |code: &str| format!(r#"{{"error":{{"message":"Oops","type":"OAuthException"{code}}}}}"#);
    for (status, code, state) in [
        (500, r#","code":987654"#, "unknown"),
        (503, "", "unknown"),
        (500, r#","code":131009"#, "failed"),
        (400, r#","code":987654"#, "failed"),
        // Without a code nothing is said of the account.
        (400, "", "failed"),
    ] {
        let scene = Scene::start().await;
        let failure = Failure::Text(status, error(code));
        scene.platform.traffic().fail_next(&format!("/{NUMBER}/messages"), 1, failure);
        let id = scene.say(&json!({"text": "Yes."})).await;
        scene.work().await;
        assert_eq!(scene.message(&id).await["state"], state, "{status} {code}");
        scene.pass(301).await;
        assert_eq!(scene.message(&id).await["tries"], 1, "{status} {code}: never sent again");
        assert_eq!(scene.post(&json!({"text": "And now?"})).await.status, 202, "{status} {code}");
        scene.finish().await;
    }
}

#[tokio::test]
async fn the_limit_of_a_pair_holds_up_nobody_else() {
    let scene = Scene::start().await;
    let bo = scene.number.person("46555010009", "Bo Lind");
    bo.writes("hello").await;
    scene.app.settle().await;
    scene.ada.fail_sends(1, SendFailure::Refused(131_056));
    let to_ada = scene.say(&json!({"text": "to Ada"})).await;
    assert_eq!(scene.post_to(&bo.user_id(), &json!({"text": "to Bo"})).await.status, 202);
    scene.work().await;
    assert_eq!((scene.ada.received_texts(), bo.received_texts()), (Vec::new(), vec!["to Bo".to_owned()]));
    assert_eq!(scene.message(&to_ada).await["state"], "accepted");
    scene.pass(6).await;
    assert_eq!(scene.ada.received_texts(), ["to Ada"]);
    scene.finish().await;
}

#[tokio::test]
async fn what_stops_the_account_stops_sending_and_never_the_intake() {
    for (code, why) in [
        (190, "needs_reconnect"),
        (368, "blocked"),
        (131_031, "blocked"),
        (131_042, "blocked"),
        (10, "incomplete"),
        (131_005, "incomplete"),
        (0, "needs_reconnect"),
        (3, "incomplete"),
        (131_045, "incomplete"),
        (131_063, "incomplete"),
        (133_010, "incomplete"),
    ] {
        let scene = Scene::start().await;
        scene.platform.fail_sends(1, SendFailure::Refused(code));
        let id = scene.say(&json!({"text": "Yes.", "ttl_seconds": 3600})).await;
        scene.work().await;
        assert_eq!(scene.message(&id).await["state"], "accepted", "{code}");
        let alerts = scene.app.shared().alerts.list();
        let told = alerts.iter().find(|alert| alert.cause.contains("replies")).unwrap_or_else(|| panic!("{code}"));
        assert!(told.sentence.contains("WhatsApp"), "{code}: {}", told.sentence);
        let refused = is_problem(&scene.post(&json!({"text": "Anybody?"})).await, 409, "account-unavailable");
        assert_eq!(refused["why"], why, "{code}");
        let heard = scene.hear("Hello?").await;
        assert!(ids(&scene.app, &scene.ada.user_id()).contains(&heard), "{code}");
        assert_eq!(scene.conversation(&scene.ada.user_id()).await["reason"], "account_unavailable", "{code}");
        scene.pass(301).await;
        scene.pass(5).await;
        assert_eq!(scene.message(&id).await["state"], "delivered", "{code}");
        assert_eq!(scene.post(&json!({"text": "And now?"})).await.status, 202, "{code}");
        scene.finish().await;
    }
}

#[tokio::test]
async fn a_lost_answer_is_found_by_its_mark_and_never_sent_again() {
    for lost in [SendFailure::TakenCut, SendFailure::TakenGateway(502)] {
        let scene = Scene::start().await;
        scene.platform.set_receipts(Webhooks::Held);
        scene.platform.fail_sends(1, lost.clone());
        let id = scene.say(&json!({"text": "Yes."})).await;
        scene.work().await;
        assert_eq!(scene.message(&id).await["state"], "unknown", "{lost:?}");
        assert_eq!(ids(&scene.app, &scene.ada.user_id()).len(), 1, "nobody knows its id yet");
        scene.platform.release().await;
        scene.work().await;
        let message = scene.message(&id).await;
        assert_eq!(message["state"], "delivered", "{lost:?}: {message}");
        let wamid = message["parts"][0]["platform_id"].as_str().unwrap();
        scene.pass(120).await;
        assert_eq!(ids(&scene.app, &scene.ada.user_id()).last().unwrap(), wamid, "{lost:?}");
        assert_eq!(scene.platform.sent().len(), 1);
        scene.finish().await;
    }
}

#[tokio::test]
async fn what_nobody_reports_is_given_up_and_a_later_proof_still_counts() {
    let scene = Scene::start().await;
    scene.platform.set_receipts(Webhooks::Held);
    scene.platform.fail_sends(1, SendFailure::TakenCut);
    let id = scene.say(&json!({"text": "Yes."})).await;
    scene.work().await;
    for _ in 0..16 {
        scene.pass(60).await;
    }
    let given_up = scene.message(&id).await;
    assert_eq!((given_up["state"].as_str(), failure(&given_up).0), (Some("failed"), "unresolved"));
    scene.platform.release().await;
    scene.work().await;
    assert_eq!(scene.message(&id).await["state"], "delivered");
    assert_eq!(scene.platform.sent().len(), 1);
    scene.finish().await;
}

#[tokio::test]
async fn statuses_may_come_before_the_answer_out_of_order_and_late() {
    let scene = Scene::start().await;
    scene.platform.set_receipts_before_answer(true);
    let id = scene.say(&json!({"text": "Yes."})).await;
    scene.work().await;
    assert_eq!(scene.message(&id).await["state"], "delivered");
    scene.platform.set_receipts_before_answer(false);

    scene.platform.set_receipts(Webhooks::Held);
    let second = scene.say(&json!({"text": "And more."})).await;
    scene.pass(5).await;
    scene.ada.reads().await;
    scene.platform.release_reversed().await;
    scene.work().await;
    assert_eq!(scene.message(&second).await["state"], "read", "never backwards");
    scene.platform.set_receipts(Webhooks::Sent);

    let third = scene.say(&json!({"text": "The last."})).await;
    scene.pass(5).await;
    let wamid = scene.message(&third).await["parts"][0]["platform_id"].as_str().unwrap().to_owned();
    scene.app.clock.advance(Duration::from_secs(60));
    scene.ada.fails_late(&wamid, 131_026).await;
    scene.work().await;
    let failed = scene.message(&third).await;
    assert_eq!((failed["state"].as_str(), failure(&failed)), (Some("failed"), ("cannot-receive", "131026")));
    // What failed leaves no entry, unless another device of hers takes it after all.
    let shown = async || {
        let told = scene.conversation(&scene.ada.user_id()).await["messages"].take();
        let told = told.as_array().unwrap().iter().any(|one| one["platform_id"] == wamid);
        (ids(&scene.app, &scene.ada.user_id()).contains(&wamid), told)
    };
    assert_eq!(shown().await, (false, false));
    let later = (scene.app.clock.now().timestamp() + 60).to_string();
    let taken = json!({"id": wamid, "status": "read", "recipient_user_id": scene.ada.user_id(), "timestamp": later});
    scene.platform.set_receipts(Webhooks::Sent);
    scene.app.clock.advance(Duration::from_secs(60));
    deliver_items(&scene.app, "statuses", &[taken]).await;
    scene.work().await;
    assert_eq!(scene.message(&third).await["failure"], Value::Null);
    assert_eq!(shown().await, (true, true));
    scene.finish().await;
}

/// Whose the feed says that what the platform told of is.
async fn told_of(scene: &Scene) -> Vec<Value> {
    let events = scene.bot.get("/api/v1/events?after=0&types=activity&limit=100").await.json()["events"].take();
    events.as_array().unwrap().iter().map(|event| event["person"]["id"].clone()).collect()
}

#[tokio::test]
async fn a_status_counts_for_the_message_it_is_about_whomever_it_names() {
    let scene = Scene::start().await;
    scene.platform.set_receipts(Webhooks::Lost);
    let status = |id: &str, word: &str, more: Value| {
        let mut status = json!({"id": id, "status": word, "timestamp": scene.app.clock.now().timestamp().to_string()});
        status.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        status
    };
    let first = scene.say(&json!({"text": "Yes."})).await;
    scene.work().await;
    let sent = scene.platform.sent()[0].clone();
    // A number as Brazil writes it, then nobody at all: numbers may be hidden.
    let stranger = json!({"recipient_id": "5511987654321"});
    deliver_items(&scene.app, "statuses", &[status(&sent.id, "delivered", stranger.clone())]).await;
    assert_eq!(scene.message(&first).await["state"], "delivered");
    deliver_items(&scene.app, "statuses", &[status(&sent.id, "read", json!({}))]).await;
    assert_eq!(scene.message(&first).await["state"], "read");
    assert_eq!(told_of(&scene).await, [scene.ada.user_id(), scene.ada.user_id()], "it is about her conversation");

    // The proof that something was sent whose answer was lost.
    for (of, lost) in [stranger.clone(), json!({})].into_iter().zip(["One.", "Two."]) {
        scene.platform.fail_sends(1, SendFailure::TakenCut);
        let id = scene.say(&json!({ "text": lost })).await;
        scene.pass(5).await;
        assert_eq!(scene.message(&id).await["state"], "unknown", "{of}");
        let taken = scene.platform.sent().pop().unwrap();
        let mut proof = status(&taken.id, "sent", of.clone());
        proof["biz_opaque_callback_data"] = json!(taken.mark);
        deliver_items(&scene.app, "statuses", &[proof]).await;
        assert_eq!(scene.message(&id).await["state"], "sent", "{of}");
        deliver_items(&scene.app, "statuses", &[status(&taken.id, "delivered", of.clone())]).await;
        assert_eq!(scene.message(&id).await["state"], "delivered", "{of}");
    }
    assert_eq!(scene.app.counts().await.1, 0, "nothing is set aside");
    assert_eq!(scene.conversation("5511987654321").await["status"], 404, "nothing is about the stranger");
    // What somebody else sent over the number is nobody's.
    let others = [status("wamid.ELSEWHERE", "sent", json!({})), status("wamid.ELSEWHERE", "read", stranger)];
    deliver_items(&scene.app, "statuses", &others).await;
    assert_eq!(scene.app.counts().await.1, 1);
    scene.finish().await;
}

#[tokio::test]
async fn a_status_that_comes_before_its_messages_id_waits_for_it_whomever_it_names() {
    for (named, apart) in [(json!({"recipient_id": "5511987654321"}), 0), (json!({}), 1)] {
        let scene = Scene::start().await;
        scene.platform.set_receipts(Webhooks::Held);
        scene.platform.fail_sends(1, SendFailure::TakenCut);
        let id = scene.say(&json!({"text": "Yes."})).await;
        scene.work().await;
        assert_eq!(scene.message(&id).await["state"], "unknown");
        let sent = scene.platform.sent().pop().unwrap();
        // Without our mark nobody knows yet of what it tells.
        let mut status =
            json!({"id": sent.id, "status": "read", "timestamp": scene.app.clock.now().timestamp().to_string()});
        status.as_object_mut().unwrap().extend(named.as_object().unwrap().clone());
        deliver_items(&scene.app, "statuses", &[status]).await;
        assert_eq!((scene.message(&id).await["state"].clone(), scene.app.counts().await.1), (json!("unknown"), apart));
        scene.platform.release().await;
        scene.work().await;
        assert_eq!(scene.message(&id).await["state"], "read", "{named}");
        assert_eq!(scene.app.counts().await.1, 0, "{named}");
        scene.finish().await;
    }
}

#[tokio::test]
async fn templates_are_listed_and_asked_for_once_a_minute() {
    let scene = Scene::start().await;
    let path = format!("/api/v1/whatsapp/{NUMBER}/templates");
    let asked = || scene.platform.traffic().count("message_templates");
    scene.app.clock.advance(Duration::from_secs(61));
    let before = asked();
    for _ in 0..3 {
        let listed = scene.bot.get(&path).await;
        assert_eq!(listed.status, 200, "{listed:?}");
        assert_eq!(
            listed.json()["templates"][0],
            json!({"name": "shipping_note", "language": "en_US", "category": "UTILITY", "status": "APPROVED",
                   "parameters": 1, "text": "Your parcel {{1}} is on its way."})
        );
    }
    assert_eq!(asked(), before + 1);
    scene.app.clock.advance(Duration::from_secs(61));
    scene.bot.get(&path).await;
    assert_eq!(asked(), before + 2);
    let file = scene.app.json(&format!("whatsapp/{NUMBER}/templates.json"));
    assert_eq!(file["data"][1]["name"], "named_note");
    scene.finish().await;
}

#[tokio::test]
async fn groups_get_words_and_no_buttons() {
    let scene = Scene::start().await;
    let group = scene.number.group("GROUPTEST01", &[&scene.ada]);
    let heard = group.writes(&scene.ada, "hello all").await;
    scene.app.settle().await;
    let buttons = json!({"text": "Which?", "choices": [{"id": "1", "title": "One"}]});
    let refused = is_problem(&scene.post_to("group-GROUPTEST01", &buttons).await, 409, "cannot-receive");
    assert_eq!(refused["why"], "group");
    assert_eq!(scene.post_to("group-GROUPTEST01", &json!({"text": "hello"})).await.status, 202);
    scene.work().await;
    let body = last_body(&scene);
    assert_eq!((body["recipient_type"].as_str(), body["to"].as_str()), (Some("group"), Some("GROUPTEST01")));
    let sent = scene.platform.sent().pop().unwrap();
    assert_eq!(ids(&scene.app, "group-GROUPTEST01"), [heard.id, sent.id]);
    assert_eq!(group.sees().pop().unwrap().text, "hello");
    scene.finish().await;
}

#[tokio::test]
async fn a_thread_is_passed_to_the_other_partner_and_taken_back() {
    let scene = Scene::start().await;
    let path = format!("{}/pause", scene.to(&scene.ada.user_id()));
    let body = br#"{"minutes":60,"handover":true}"#;
    let paused = scene.bot.send(Method::PUT, &path, &[("content-type", "application/json")], body).await;
    assert_eq!(paused.status, 200, "{paused:?}");
    scene.work().await;
    assert_eq!(scene.bot.send(Method::DELETE, &path, &[], b"").await.status, 204);
    scene.work().await;
    let ada = scene.ada.user_id();
    let calls = [(ada.clone(), "pass".to_owned()), (ada.clone(), "take".to_owned())];
    assert_eq!(scene.platform.control_calls(), calls);
    let received = scene.platform.traffic().received();
    let asked: Vec<Value> = received
        .iter()
        .filter(|one| one.path.ends_with("/thread_control"))
        .map(|one| serde_json::from_str(&one.text()).unwrap())
        .collect();
    assert_eq!(asked[0], json!({"messaging_product": "whatsapp", "recipient": ada, "action": "pass"}));
    // Another role answers: it is seen, and that control comes back, too.
    assert_eq!(scene.number.loses_thread(&scene.ada, "escalation").await.answers, [200]);
    scene.number.role_writes(&scene.ada, "escalation", "I take care of it.").await;
    scene.app.settle().await;
    assert_eq!(scene.conversation(&ada).await["reason"], "not_owner");
    assert_eq!(scene.number.gets_thread(&scene.ada, "escalation").await.answers, [200]);
    scene.app.settle().await;
    assert_ne!(scene.conversation(&ada).await["reason"], "not_owner");
    scene.finish().await;
}

#[tokio::test]
async fn a_late_failure_that_is_about_the_account_stops_sending_as_a_refused_call_does() {
    for (code, why, stops) in [
        (131_031, "blocked", true),
        (131_042, "blocked", true),
        (368, "blocked", true),
        (190, "needs_reconnect", true),
        (133_010, "incomplete", true),
        (131_026, "", false),
        (131_048, "", false),
        (987_654, "", false),
    ] {
        let scene = Scene::start().await;
        let id = scene.say(&json!({"text": "Yes."})).await;
        scene.work().await;
        let sent = scene.message(&id).await["parts"][0]["platform_id"].as_str().unwrap().to_owned();
        // Another one waits already.
        scene.platform.fail_sends(1, SendFailure::Refused(131_056));
        let waiting = scene.say(&json!({"text": "And the red one?", "ttl_seconds": 3600})).await;
        scene.work().await;
        scene.app.clock.advance(Duration::from_secs(1));
        assert_eq!(scene.ada.fails_late(&sent, code).await, [200]);
        scene.app.settle().await;
        scene.pass(20).await;
        let alerts = scene.app.shared().alerts.list();
        let told: Vec<_> = alerts.iter().filter(|alert| alert.cause.contains("replies")).collect();
        assert_eq!(told.len(), usize::from(stops), "{code}: {alerts:?}");
        let shown = scene.conversation(&scene.ada.user_id()).await["reason"].clone();
        let next = scene.post(&json!({"text": "Anybody?"})).await;
        if !stops {
            assert_ne!(shown, "account_unavailable", "{code}");
            scene.finish().await;
            continue;
        }
        let message = scene.message(&id).await;
        assert_eq!((message["state"].as_str(), failure(&message).0), (Some("failed"), "account-unavailable"), "{code}");
        assert!(told[0].sentence.contains("WhatsApp"), "{code}: {}", told[0].sentence);
        assert_eq!(shown, "account_unavailable", "{code}");
        assert_eq!(is_problem(&next, 409, "account-unavailable")["why"], why, "{code}");
        assert_eq!(scene.message(&waiting).await["state"], "accepted", "{code}: it waits");
        scene.pass(301).await;
        scene.pass(5).await;
        assert_eq!(scene.message(&waiting).await["state"], "delivered", "{code}: a look after a while");
        assert_eq!(scene.post(&json!({"text": "And now?"})).await.status, 202, "{code}");
        scene.finish().await;
    }
}
