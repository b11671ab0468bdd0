//! Requests to the API for bots that come early, ask for much, or do not fit.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use shoptalk::shared::store::api_keys::Scope;
use tokio::time::timeout;

use crate::api_keys::{Bot, is_problem, owner};
use crate::replies::{Scene, to};
use crate::test_app::{PAGE, SHOP, TestApp};

const SAM: &str = "7000000000000001";
const ALEX: &str = "7000000000000009";
const OTHER_SHOP: &str = "other-shop.myshopify.com";

/// Long enough to see that a request waits.
const A_MOMENT: Duration = Duration::from_millis(200);

#[tokio::test]
async fn a_reply_right_behind_the_webhooks_answer_waits_for_the_state_and_is_taken() {
    let scene = Scene::with(&[Scope::Read, Scope::Reply]).await;
    let alex = scene.app.facebook.person(ALEX, "Alex Poe");
    let item = scene.app.page().message_from(&alex, "Is it open today?");
    assert_eq!(scene.app.page().deliver(std::slice::from_ref(&item)).await.unwrap(), Some(200));
    let body = json!({"text": "Yes."});
    let to_alex = to(ALEX);
    let mut first = Box::pin(scene.post_to(&to_alex, "first", &body));
    assert!(timeout(A_MOMENT, &mut first).await.is_err(), "nobody knows yet that they wrote");
    scene.app.settle().await;
    assert_eq!(first.await.status, 202);
    scene.work().await;

    // The window of somebody who wrote long ago opens with the event, too.
    scene.app.clock.advance(Duration::from_secs(25 * 60 * 60));
    is_problem(&scene.post("late", &body).await, 409, "window-closed");
    let item = scene.app.page().message_from(&scene.sam, "Hello?");
    assert_eq!(scene.app.page().deliver(std::slice::from_ref(&item)).await.unwrap(), Some(200));
    let mut reply = Box::pin(scene.post("again", &body));
    let path = to(SAM);
    let mut shown = Box::pin(scene.bot.get(&path));
    assert!(timeout(A_MOMENT, &mut reply).await.is_err() && timeout(A_MOMENT, &mut shown).await.is_err());
    scene.app.settle().await;
    assert_eq!(reply.await.status, 202);
    assert_eq!(shown.await.json()["window"]["state"], "open");
    scene.work().await;
    scene.app.finish().await;
}

#[tokio::test]
async fn what_cannot_be_known_in_time_is_503_and_never_a_refusal() {
    let scene = Scene::with(&[Scope::Read, Scope::Reply]).await;
    let alex = scene.app.facebook.person(ALEX, "Alex Poe");
    let item = scene.app.page().message_from(&alex, "Is it open today?");
    assert_eq!(scene.app.page().deliver(std::slice::from_ref(&item)).await.unwrap(), Some(200));
    let (path, body) = (to(ALEX), json!({"text": "Yes."}));
    let (typing, seen, pause) = (format!("{path}/typing"), format!("{path}/seen"), format!("{path}/pause"));
    let answers = tokio::join!(
        scene.post_to(&path, "first", &body),
        scene.bot.get(&path),
        scene.bot.send(Method::POST, &typing, &[], b""),
        scene.bot.send(Method::POST, &seen, &[], b""),
        scene.bot.send(Method::PUT, &pause, &[], b"{}"),
        scene.bot.send(Method::DELETE, &pause, &[], b""),
    );
    for answer in [answers.0, answers.1, answers.2, answers.3, answers.4, answers.5] {
        is_problem(&answer, 503, "unavailable");
        assert!(!answer.header("retry-after").is_empty());
    }
    // Of somebody else nothing is missing.
    assert_eq!(scene.bot.get(&to(SAM)).await.status, 200);
    is_problem(&scene.bot.get(&to("7000000000000008")).await, 404, "not-found");
    scene.app.settle().await;
    assert_eq!(scene.post_to(&path, "first", &body).await.status, 202);
    scene.work().await;
    scene.app.finish().await;
}

#[tokio::test]
async fn a_page_of_events_is_never_larger_than_a_mebibyte_whatever_was_said_before() {
    let scene = Scene::with(&[Scope::Read, Scope::Reply]).await;
    let long = "e".repeat(150_000);
    for n in 0..12 {
        scene.hear(&format!("{n} {long}")).await;
    }
    scene.pass(16).await;
    let mut after = 0;
    let mut texts = Vec::new();
    loop {
        let answer = scene.bot.get(&format!("/api/v1/events?after={after}&types=message&history=100")).await;
        assert!(answer.body.len() <= 1024 * 1024, "{} bytes", answer.body.len());
        let page = answer.json();
        for event in page["events"].as_array().unwrap() {
            let messages = event["messages"].as_array().unwrap();
            assert_eq!(messages.last().unwrap()["text"], event["text"], "the newest ones stay");
            texts.push((event["text"].as_str().unwrap().len(), messages.len()));
        }
        after = page["next"].as_i64().unwrap();
        if after == page["newest"].as_i64().unwrap() {
            break;
        }
    }
    assert_eq!(texts.len(), 13);
    assert_eq!(texts[2].1, 3, "what has room is there");
    assert!((3..=6).contains(&texts[12].1), "{texts:?}");
    assert!(scene.bot.get(&format!("{}?history=100", to(SAM))).await.body.len() <= 1024 * 1024 + 4096);
    scene.app.finish().await;
}

#[tokio::test]
async fn a2_filters_name_what_the_key_sees_or_are_refused() {
    let app = TestApp::start().await;
    app.shopify.add_shop(OTHER_SHOP, "Other");
    app.connect().await;
    assert_eq!(app.browser().follow(&format!("/shopify/{OTHER_SHOP}/login")).await.status, 200);
    app.settle().await;
    let bot = Bot::start(&app, &[Scope::Read]).await;
    let other = Bot::of(&app, owner(&app, OTHER_SHOP).await, &[Scope::Read]).await;
    let (of_page, both) = (format!("account=facebook/{PAGE}"), format!("channel=facebook&account={PAGE}"));
    // The products of a shop are told, too.
    let of_shop = format!("account=shopify/{SHOP}");
    for query in [of_page.as_str(), &both, "channel=facebook", &of_shop] {
        assert_eq!(bot.get(&format!("/api/v1/events?after=0&{query}")).await.status, 200, "{query}");
    }
    let of_other = format!("account=shopify/{OTHER_SHOP}");
    for query in ["account=facebook/123", "channel=facebook&account=zzz", "account=foo/1", &of_other] {
        is_problem(&bot.get(&format!("/api/v1/events?after=0&{query}")).await, 404, "not-found");
        let stream = bot.open(&format!("/api/v1/events?{query}"), &[("accept", "text/event-stream")]).await;
        assert_eq!(stream.status(), 404, "{query}");
    }
    is_problem(&other.get(&format!("/api/v1/events?{of_page}")).await, 404, "not-found");
    let mixed = format!("channel=shopify&account=facebook/{PAGE}");
    for (query, pointer) in
        [("account=zzz", "/account"), ("account=", "/account"), ("channel=foo", "/channel"), (&mixed, "/account")]
    {
        let problem = is_problem(&bot.get(&format!("/api/v1/events?{query}")).await, 422, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{query}");
    }
    app.finish().await;
}

#[tokio::test]
async fn an_unknown_parameter_is_refused_on_every_route() {
    let scene = Scene::with(&[Scope::Read, Scope::Reply, Scope::Human, Scope::Admin]).await;
    let id = scene.say("Yes.").await;
    scene.work().await;
    let of = to(SAM);
    let routes = [
        (Method::GET, "/me".to_owned(), ""),
        (Method::GET, "/conversations".to_owned(), ""),
        (Method::GET, of.replace("/api/v1", ""), ""),
        (Method::POST, format!("{}/messages", of.replace("/api/v1", "")), r#"{"text":"Hi"}"#),
        (Method::POST, format!("{}/typing", of.replace("/api/v1", "")), ""),
        (Method::POST, format!("{}/seen", of.replace("/api/v1", "")), ""),
        (Method::PUT, format!("{}/pause", of.replace("/api/v1", "")), "{}"),
        (Method::DELETE, format!("{}/pause", of.replace("/api/v1", "")), ""),
        (Method::GET, format!("/messages/{id}"), ""),
        (Method::DELETE, format!("/messages/{id}"), ""),
        (Method::POST, format!("/messages/{id}/resolve"), r#"{"as":"sent"}"#),
        (Method::GET, format!("/facebook/{PAGE}/templates"), ""),
        (Method::POST, "/media".to_owned(), "x"),
        (Method::GET, "/events".to_owned(), ""),
        (Method::GET, "/cursors/bot".to_owned(), ""),
        (Method::PUT, "/cursors/bot".to_owned(), r#"{"n":0}"#),
        (Method::GET, "/push".to_owned(), ""),
        (Method::PUT, "/push".to_owned(), r#"{"url":"https://bot.example/"}"#),
        (Method::DELETE, "/push".to_owned(), ""),
        (Method::GET, "/products".to_owned(), ""),
    ];
    for (method, path, body) in routes {
        let headers = [("idempotency-key", "strict"), ("content-type", "application/json")];
        let answer = scene.bot.send(method.clone(), &format!("/api/v1{path}?x=1"), &headers, body.as_bytes()).await;
        let problem = is_problem(&answer, 422, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], "/x", "{method} {path}");
    }
    scene.app.finish().await;
}

#[tokio::test]
async fn signs_have_no_members() {
    let scene = Scene::start().await;
    for sign in ["typing", "seen"] {
        let path = format!("{}/{sign}", to(SAM));
        let send = async |body: &str| {
            let headers = [("content-type", "application/json")];
            scene.bot.send(Method::POST, &path, &headers, body.as_bytes()).await
        };
        for (body, pointer) in [
            (r#"{"seconds":5}"#, "/seconds"),
            (r#"{"a":null}"#, "/a"),
            ("[]", ""),
            ("null", ""),
            ("{", ""),
            ("typing", ""),
        ] {
            let problem = is_problem(&send(body).await, 422, "invalid");
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{sign} {body}");
        }
        scene.work().await;
        assert_eq!(scene.app.facebook.sender_actions().len(), usize::from(sign == "seen"), "{sign}");
        for body in ["", "{}", " { } "] {
            assert_eq!(send(body).await.status, 204, "{sign} {body}");
        }
        scene.work().await;
    }
    scene.app.finish().await;
}

#[tokio::test]
async fn what_http_refuses_has_the_form_of_the_api_there() {
    let scene = Scene::start().await;
    let path = format!("{}/messages", to(SAM));
    let large = "x".repeat(64 * 1024 + 1);
    let headers = [("idempotency-key", "k"), ("content-type", "application/json")];
    let answer = scene.bot.send(Method::POST, &path, &headers, large.as_bytes()).await;
    assert_eq!(is_problem(&answer, 413, "invalid")["errors"][0]["pointer"], "");
    let answer = scene.bot.send(Method::POST, &path, &[("content-encoding", "gzip")], b"{}").await;
    assert_eq!(is_problem(&answer, 415, "invalid")["errors"][0]["pointer"], "");
    let answer = scene.bot.send(Method::PATCH, &path, &headers, b"{}").await;
    assert_eq!(is_problem(&answer, 405, "invalid")["errors"][0]["pointer"], "");
    assert_eq!(answer.header("allow"), "POST");
    scene.app.finish().await;
}

#[tokio::test]
async fn a_repeat_is_known_by_the_values_of_its_body() {
    let scene = Scene::start().await;
    let post = async |body: &str| {
        let headers = [("idempotency-key", "one"), ("content-type", "application/json")];
        scene.bot.send(Method::POST, &format!("{}/messages", to(SAM)), &headers, body.as_bytes()).await
    };
    let first = post(r#"{"text":"Yes.","ttl_seconds":60}"#).await;
    assert_eq!(first.status, 202);
    for same in [r#"{"ttl_seconds":60.0,"text":"Yes."}"#, r#"{"text":"Y\u0065s.","ttl_seconds":6e1}"#] {
        assert_eq!(post(same).await.body, first.body, "{same}");
    }
    for other in [r#"{"text":"Yes.","ttl_seconds":60.5}"#, r#"{"text":"Yes.","ttl_seconds":"60"}"#] {
        let problem: Value = is_problem(&post(other).await, 422, "idempotency-key-reused");
        assert_eq!(problem["message"], first.json()["id"], "{other}");
    }
    scene.work().await;
    scene.app.finish().await;
}
