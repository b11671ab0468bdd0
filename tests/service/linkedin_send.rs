//! Answers on LinkedIn: comments of the page, from the request to the call and back to the conversation's file.

use http::Method;
use serde_json::{Value, json};
use shoptalk::shared::channel::simulator::{SendFailure, Webhooks};
use shoptalk::shared::store::api_keys::Scope;

use crate::api_keys::{Bot as Program, is_problem};
use crate::linkedin_stage::{PAGE, Scene, hear};
use crate::pages_leaving::post;

fn failure(message: &Value) -> (&str, &str, &str) {
    let of = |name: &str| message["failure"][name].as_str().unwrap_or_default();
    (message["state"].as_str().unwrap(), of("reason"), of("code"))
}

/// Who said what, of the file of the scene's post.
fn said(scene: &Scene) -> Vec<(String, String)> {
    let comment = |item: &Value| item["decoratedGeneratedActivity"]["comment"].clone();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    scene.file().iter().map(|item| (text(&item["action"]), text(&comment(item)["message"]["text"]))).collect()
}

fn pair(action: &str, text: &str) -> (String, String) {
    (action.to_owned(), text.to_owned())
}

/// Direct messages of one conversation, in our own form.
fn direct(id: &str) -> String {
    json!({"eventMeta": {"type": "CREATE", "occurredAt": 1_795_219_400_000_i64}, "id": id, "conversationId": "T1",
        "from": "urn:li:person:A", "to": "urn:li:organization:90001", "body": {"text": "Hello, are you hiring?"}})
    .to_string()
}

#[tokio::test]
async fn an_answer_is_a_comment_as_the_page_and_its_copy_stands_once_in_the_file() {
    let scene = Scene::start().await;
    scene.asks("Do you ship to Galle?").await;
    let id = scene.say(&json!({"text": "Yes, we ship to Galle."})).await;
    let sent = scene.linkedin.sent();
    assert_eq!(
        sent[0].body,
        json!({"actor": "urn:li:organization:90001", "object": scene.post.urn(), "message": {"text": "Yes, we ship to Galle."}})
    );
    let calls = scene.linkedin.traffic().received();
    let call = calls.iter().find(|one| one.method == "POST" && one.path.ends_with("/comments")).unwrap();
    assert_eq!(call.path, format!("/rest/socialActions/{}/comments", scene.post.urn().replace(':', "%3A")));
    assert_eq!(
        (&call.headers["linkedin-version"], &call.headers["x-restli-protocol-version"]),
        (&"202610".parse().unwrap(), &"2.0.0".parse().unwrap())
    );
    scene.app.settle().await;
    let message = scene.message(&id).await;
    assert_eq!((&message["state"], &message["delivered_at"]), (&json!("sent"), &json!(null)));
    let copy = scene.file().pop().unwrap();
    assert_eq!(message["parts"][0]["platform_id"], copy["generatedActivity"]);
    assert_eq!(
        said(&scene),
        [pair("COMMENT", "Do you ship to Galle?"), pair("ADMIN_COMMENT", "Yes, we ship to Galle.")]
    );
    let feed = scene.program.get("/api/v1/events?after=0&types=echo").await.json();
    assert_eq!(
        (&feed["events"][0]["by"], &feed["events"][0]["text"]),
        (&json!("bot"), &json!("Yes, we ship to Galle."))
    );
    // It is ours, so nobody has taken over.
    assert_eq!(scene.post(&json!({"text": "Anything else?"})).await.status, 202);
    scene.work().await;
    scene.finish().await;
}

#[tokio::test]
async fn a_copy_that_does_not_come_is_read_after_a_minute_and_one_that_comes_late_is_the_same() {
    let scene = Scene::start().await;
    let asked = scene.asks("Do you ship?").await;
    scene.linkedin.set_webhooks(Webhooks::Held);
    scene.say(&json!({"text": "Yes."})).await;
    scene.pass(1).await;
    scene.say(&json!({"text": "Below yours.", "reply_to": asked})).await;
    assert_eq!(said(&scene).len(), 1);
    scene.pass(75).await;
    scene.app.settle().await;
    let all = [pair("COMMENT", "Do you ship?"), pair("ADMIN_COMMENT", "Yes."), pair("ADMIN_COMMENT", "Below yours.")];
    assert_eq!(said(&scene), all);
    assert_eq!(scene.linkedin.release().await, [200, 200]);
    scene.app.settle().await;
    assert_eq!(said(&scene), all);
    let feed = scene.program.get("/api/v1/events?after=0&types=echo").await.json();
    let by: Vec<&Value> = feed["events"].as_array().unwrap().iter().map(|event| &event["by"]).collect();
    assert_eq!(by, ["bot", "bot"]);
    scene.finish().await;
}

#[tokio::test]
async fn b1_nothing_is_commented_twice_whatever_is_lost_on_the_way() {
    use SendFailure::{Cut, Gateway, Hang, TakenCut, TakenGateway, TakenHang};
    for (failure, webhooks) in [
        (TakenCut, Webhooks::Sent),
        (TakenGateway(502), Webhooks::Sent),
        (TakenCut, Webhooks::Lost),
        (TakenGateway(504), Webhooks::Lost),
        (TakenHang, Webhooks::Lost),
        (Cut, Webhooks::Lost),
        (Gateway(502), Webhooks::Lost),
        (Hang, Webhooks::Lost),
    ] {
        let case = format!("{failure:?} {webhooks:?}");
        let scene = Scene::start().await;
        let asked = scene.asks("Do you ship?").await;
        scene.linkedin.set_webhooks(webhooks);
        scene.linkedin.fail_sends(1, failure);
        let id = scene.say(&json!({"text": "Yes.", "reply_to": asked})).await;
        if webhooks == Webhooks::Lost {
            assert_eq!(scene.state(&id).await, "unknown", "{case}");
        }
        for seconds in [21, 101, 5, 61] {
            scene.pass(seconds).await;
        }
        assert_eq!(scene.state(&id).await, "sent", "{case}");
        assert_eq!(scene.post.page_comments(), ["Yes."], "{case}");
        scene.app.settle().await;
        assert_eq!(said(&scene), [pair("COMMENT", "Do you ship?"), pair("ADMIN_COMMENT", "Yes.")], "{case}");
        assert_eq!(scene.message(&id).await["parts"][0]["platform_id"], scene.file()[1]["generatedActivity"], "{case}");
        scene.finish().await;
    }
}

#[tokio::test]
async fn b1_products_whose_answer_is_lost_are_known_again_by_their_words() {
    for webhooks in [Webhooks::Sent, Webhooks::Lost] {
        let scene = Scene::start().await;
        scene.asks("What do you sell?").await;
        scene.linkedin.set_webhooks(webhooks);
        let products = scene.program.get("/api/v1/products?limit=2").await.json();
        let ids: Vec<&Value> = products["products"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
        scene.linkedin.fail_sends(1, SendFailure::TakenCut);
        let id = scene.say(&json!({"text": "These two:", "products": ids})).await;
        for seconds in [21, 101, 5, 61] {
            scene.pass(seconds).await;
        }
        assert_eq!(scene.state(&id).await, "sent");
        let words = scene.post.page_comments();
        assert_eq!((words.len(), words[0].as_str()), (2, "These two:"), "{words:?}");
        assert!(
            words[1].contains("Board & boots") && words[1].contains("Wax") && words[1].contains("https://"),
            "{words:?}"
        );
        scene.app.settle().await;
        assert_eq!(said(&scene).len(), 3);
        assert_eq!(scene.post(&json!({"text": "Anything else?"})).await.status, 202, "nobody has taken over");
        scene.work().await;
        scene.finish().await;
    }
}

#[tokio::test]
async fn the_notification_may_come_before_the_answer() {
    let scene = Scene::start().await;
    scene.asks("Do you ship?").await;
    scene.linkedin.set_notice_before_answer(true);
    let id = scene.say(&json!({"text": "Yes."})).await;
    scene.app.settle().await;
    assert_eq!((scene.state(&id).await.as_str(), said(&scene).len()), ("sent", 2));
    assert_eq!(scene.post(&json!({"text": "Anything else?"})).await.status, 202);
    scene.work().await;
    scene.finish().await;
}

#[tokio::test]
async fn an_answer_to_a_comment_stands_below_it_and_long_ones_come_in_parts() {
    let scene = Scene::start().await;
    let asked = scene.asks("Do you ship?").await;
    scene.say(&json!({"text": "Yes.", "reply_to": asked})).await;
    let sent = scene.linkedin.sent();
    assert_eq!(sent[0].body["parentComment"], asked);
    assert_eq!((&sent[0].target, &sent[0].body["object"]), (&scene.post.urn(), &json!(scene.post.urn())));
    scene.say(&json!({"text": "wörd ".repeat(500)})).await;
    let lengths: Vec<usize> = scene.linkedin.sent()[1..].iter().map(|one| one.text.chars().count()).collect();
    assert!(lengths.len() == 2 && lengths.iter().all(|length| (1_000..=1_250).contains(length)), "{lengths:?}");
    scene.finish().await;
}

#[tokio::test]
async fn what_a_comment_cannot_be_is_refused_and_signs_are_not_sent() {
    let scene = Scene::start().await;
    scene.asks("Do you ship?").await;
    for body in [
        json!({"text": "Yes?", "choices": [{"id": "A", "title": "Yes"}]}),
        json!({"media": {"type": "image", "url": "https://media.example.test/p.jpg"}}),
        json!({"template": {"name": "hello", "language": "en"}}),
    ] {
        is_problem(&scene.post(&body).await, 422, "unsupported");
    }
    let me = scene.program.get("/api/v1/me").await.json();
    let account = me["accounts"].as_array().unwrap().iter().find(|one| one["channel"] == "linkedin").unwrap().clone();
    assert_eq!(
        (&account["id"], &account["name"], &account["can"]),
        (&json!(PAGE), &json!("Harbour Cafe"), &json!(["text", "products"]))
    );
    for sign in ["typing", "seen"] {
        let path = format!("/api/v1/linkedin/{PAGE}/conversations/{}/{sign}", scene.thread());
        assert_eq!(scene.program.send(Method::POST, &path, &[], b"").await.status, 204);
    }
    is_problem(&scene.program.get(&format!("/api/v1/linkedin/{PAGE}/templates")).await, 422, "unsupported");
    scene.work().await;
    assert!(scene.linkedin.sent().is_empty());
    scene.finish().await;
}

#[tokio::test]
async fn bots_answer_in_public_only_where_the_settings_let_them_and_humans_always() {
    let scene = Scene::with(|linkedin, _| linkedin.answer_comments = false).await;
    scene.asks("Do you ship?").await;
    let refused = is_problem(&scene.post(&json!({"text": "Yes."})).await, 403, "not-permitted");
    assert_eq!(refused["why"], "public");
    let feed = scene.program.get("/api/v1/events?after=0&types=message").await.json();
    assert_eq!((&feed["events"][0]["bot_may_answer"], &feed["events"][0]["reason"]), (&json!(false), &json!("public")));
    let human = Program::start(&scene.app, &[Scope::Human]).await;
    let answer = scene.post_as(&human, &scene.thread(), &json!({"text": "Yes, I am Kim.", "author": "human"})).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    scene.work().await;
    assert_eq!(scene.post.page_comments(), ["Yes, I am Kim."]);
    // On the merchant's page: they read who else will read it.
    let browser = scene.app.connect().await.for_pages();
    let page = format!("/conversations/linkedin/{PAGE}/{}", scene.thread());
    assert!(browser.get(&page).await.text().contains("becomes a comment of the page, which everybody can read"));
    assert_eq!(post(&browser, &format!("{page}/answer"), "key=k1&text=From+the+page").await.status, 303);
    scene.work().await;
    assert_eq!(scene.post.page_comments().len(), 2);
    scene.finish().await;
}

#[tokio::test]
async fn a_person_at_the_page_takes_over_and_bots_wait() {
    let scene = Scene::start().await;
    scene.asks("Do you ship?").await;
    scene.linkedin.admin_comments(&scene.post, "Yes, I am Kim.").await;
    scene.app.settle().await;
    let paused = is_problem(&scene.post(&json!({"text": "Yes."})).await, 409, "paused");
    assert_eq!(paused["by"], "human");
    assert!(scene.linkedin.sent().is_empty());
    scene.finish().await;
}

#[tokio::test]
async fn direct_messages_are_for_partners_and_for_humans_alone() {
    let scene = Scene::start().await;
    hear(&scene.app, &direct("m1")).await;
    let human = Program::start(&scene.app, &[Scope::Human]).await;
    let words = json!({"text": "Yes.", "author": "human"});
    for (program, body) in [(&scene.program, json!({"text": "Yes."})), (&human, words.clone())] {
        let refused = is_problem(&scene.post_as(program, "conv-T1", &body).await, 403, "not-permitted");
        assert!(refused["detail"].as_str().unwrap().contains("messaging partners"), "{refused}");
    }
    let page =
        scene.app.connect().await.for_pages().get(&format!("/conversations/linkedin/{PAGE}/conv-T1")).await.text();
    assert!(page.contains("Hello, are you hiring?") && page.contains("only its messaging partners"), "{page}");
    scene.finish().await;

    let scene = Scene::with(|linkedin, _| linkedin.messages = true).await;
    hear(&scene.app, &direct("m1")).await;
    let human = Program::start(&scene.app, &[Scope::Read, Scope::Human]).await;
    let refused =
        is_problem(&scene.post_as(&scene.program, "conv-T1", &json!({"text": "Yes."})).await, 403, "not-permitted");
    assert!(refused["detail"].as_str().unwrap().contains("forbids automatic"), "{refused}");
    // Switched on without the right: LinkedIn says no, and that is the end of this one.
    let say = async || {
        let answer = scene.post_as(&human, "conv-T1", &words).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        scene.work().await;
        human.get(&format!("/api/v1/messages/{}", answer.json()["id"].as_str().unwrap())).await.json()
    };
    assert_eq!(failure(&say().await), ("failed", "refused", "403/100"));
    scene.linkedin.set_is_partner(true);
    assert_eq!(say().await["state"], "sent");
    assert_eq!(
        scene.linkedin.direct_messages(),
        [json!({"thread": "urn:li:messagingThread:T1", "body": "Yes.", "messageType": "MEMBER_TO_MEMBER"})]
    );
    scene.finish().await;
}

#[tokio::test]
async fn too_often_is_a_pause_of_minutes_then_until_the_day_ends_and_what_is_too_old_by_then_expires() {
    let scene = Scene::start().await;
    scene.asks("Do you ship?").await;
    scene.linkedin.fail_sends(1, SendFailure::Refused(429));
    let id = scene.say(&json!({"text": "Yes."})).await;
    assert_eq!(scene.state(&id).await, "accepted");
    scene.pass(290).await;
    assert_eq!((scene.state(&id).await.as_str(), scene.linkedin.sent().len()), ("accepted", 0));
    scene.pass(12).await;
    assert_eq!(scene.state(&id).await, "sent");
    // Twice in a row: the day's share is used up. A day ends at midnight UTC, and no answer says so.
    scene.linkedin.fail_sends(2, SendFailure::Refused(429));
    let short = scene.say(&json!({"text": "One.", "ttl_seconds": 600})).await;
    let long = scene.say(&json!({"text": "Two.", "ttl_seconds": 86_400})).await;
    scene.pass(301).await;
    scene.pass(600).await;
    assert_eq!(failure(&scene.message(&short).await), ("failed", "expired", ""));
    assert_eq!(scene.state(&long).await, "accepted");
    let until_midnight = (chrono::NaiveTime::MIN - scene.app.clock.now().time()).num_seconds().rem_euclid(86_400);
    scene.pass(u64::try_from(until_midnight).unwrap() - 60).await;
    assert_eq!(scene.state(&long).await, "accepted");
    scene.pass(90).await;
    assert_eq!(scene.state(&long).await, "sent");
    assert_eq!(scene.post.page_comments(), ["Yes.", "Two."]);
    scene.finish().await;
}

#[tokio::test]
async fn the_page_sends_ten_a_minute() {
    let scene = Scene::start().await;
    scene.asks("Do you ship?").await;
    for number in 0..11 {
        scene.post(&json!({"text": format!("Answer {number}.")})).await;
    }
    scene.work().await;
    assert_eq!(scene.linkedin.sent().len(), 10);
    scene.pass(7).await;
    assert_eq!(scene.linkedin.sent().len(), 11);
    scene.finish().await;
}

#[tokio::test]
async fn what_linkedin_refuses_has_failed_for_good_and_is_not_tried_again() {
    let scene = Scene::start().await;
    scene.asks("Do you ship?").await;
    for (status, code) in [(400, "400"), (403, "403/100"), (404, "404"), (409, "409"), (422, "422"), (426, "426")] {
        scene.linkedin.fail_sends(1, SendFailure::Refused(status));
        let id = scene.say(&json!({"text": "Yes."})).await;
        assert_eq!(failure(&scene.message(&id).await), ("failed", "refused", code));
    }
    scene.pass(200).await;
    assert!(scene.linkedin.sent().is_empty());
    let calls = scene.linkedin.traffic().received();
    assert_eq!(calls.iter().filter(|one| one.method == "POST" && one.path.ends_with("/comments")).count(), 6);
    scene.finish().await;
}

#[tokio::test]
async fn a_refused_token_stops_sending_and_never_intake_and_heals() {
    let scene = Scene::start().await;
    scene.asks("Do you ship?").await;
    scene.linkedin.kill_tokens();
    let id = scene.say(&json!({"text": "Yes.", "ttl_seconds": 86_400})).await;
    scene.app.settle().await;
    assert_eq!(scene.state(&id).await, "accepted");
    let connection = scene.connection().await;
    assert_eq!(connection["status"], "needs_reconnect", "{connection}");
    assert!(connection["status_reason"].as_str().unwrap().contains("LINKEDIN_ACCESS_TOKEN"));
    assert!(scene.alerts().iter().any(|sentence| sentence.contains("taken in all the same")), "{:?}", scene.alerts());
    let refused = is_problem(&scene.post(&json!({"text": "Again."})).await, 409, "account-unavailable");
    assert_eq!(refused["why"], "needs_reconnect");
    scene.asks("Anybody?").await;
    assert_eq!(scene.file().len(), 2, "what is posted is taken in");
    scene.linkedin.revive_tokens();
    scene.hour().await;
    assert_eq!(scene.connection().await["status"], "connected");
    scene.pass(2).await;
    assert_eq!(scene.state(&id).await, "sent");
    assert_eq!(scene.alerts(), [""; 0]);
    scene.finish().await;
}

#[tokio::test]
async fn with_a_refresh_token_a_refused_one_is_replaced_once_before_the_account_stops() {
    let scene = Scene::with(|linkedin, platform| linkedin.refresh_token = Some(platform.refresh_token().into())).await;
    scene.asks("Do you ship?").await;
    scene.linkedin.kill_tokens();
    let id = scene.say(&json!({"text": "Yes."})).await;
    assert_eq!(scene.state(&id).await, "sent");
    assert_eq!(scene.linkedin.traffic().count("accessToken"), 1);
    let message = scene.message(&id).await;
    assert_eq!((&message["tries"], &message["next_try_at"]), (&json!(2), &Value::Null), "both calls count");
    scene.linkedin.kill_tokens();
    scene.linkedin.kill_refresh_token();
    let id = scene.say(&json!({"text": "And more."})).await;
    scene.app.settle().await;
    assert_eq!(scene.state(&id).await, "accepted");
    assert_eq!(scene.connection().await["status"], "needs_reconnect");
    assert_eq!(scene.post.page_comments(), ["Yes."]);
    scene.finish().await;
}
