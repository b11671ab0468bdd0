//! Answers where rules cross: what they say stays where it belongs, texts that are no texts, replicas, people and outages.

use http::Method;
use serde_json::json;
use shoptalk::facebook::sandbox::SendFailure;
use shoptalk::shared::store::api_keys::Scope;

use crate::api_keys::{Bot, is_problem};
use crate::logs::Log;
use crate::replies::Scene;
use crate::test_app::{OPERATOR_TOKEN, PAGE, SHOP};

/// What the operator is shown here.
async fn operator(scene: &Scene, path: &str) -> String {
    let bearer = format!("Bearer {OPERATOR_TOKEN}");
    scene.app.browser().send(Method::GET, path, &[("authorization", &bearer)], b"").await.text()
}

#[tokio::test]
async fn b6_what_an_answer_says_stands_in_no_log_problem_metric_or_alert() {
    let (log, _guard) = Log::begin();
    let scene = Scene::with(&[Scope::Read, Scope::Reply, Scope::Human]).await;
    let mut shown = String::new();
    let fail = async |key: &str, failure: SendFailure| {
        scene.app.facebook.fail_sends(1, failure);
        let body = json!({
            "text": "zyxw-words", "choices": [{"id": "zyxw-choice", "title": "zyxw-title"}], "ttl_seconds": 60,
        });
        let answer = scene.post(key, &body).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        scene.work().await;
        let message = scene.message(answer.json()["id"].as_str().unwrap()).await;
        scene.app.facebook.heal_sends();
        scene.pass(200).await;
        format!("{}{message}", answer.text())
    };
    shown += &fail("1", SendFailure::Refused(100, None)).await;
    shown += &fail("2", SendFailure::Cut).await;
    for refused in [
        json!({"text": "zyxw-words", "zyxw-member": 1}),
        json!({"text": "zyxw-words", "author": "zyxw-author"}),
        json!({"text": "zyxw-words", "answers": "zyxw-event"}),
        json!({"text": "zyxw-words", "media": {"url": "https://10.0.0.1/zyxw", "type": "image"}}),
        json!({"products": ["zyxw-product"]}),
    ] {
        let answer = scene.post("refused", &refused).await;
        assert_eq!(answer.status, 422, "{answer:?}");
        // Names of members and ids stand in the answer, for whoever sent them.
        let problem = answer.json();
        shown += &format!("{}{}{}", problem["title"], problem["detail"], problem["errors"][0]["message"]);
    }
    // It ends what the account may send.
    shown += &fail("3", SendFailure::Refused(190, None)).await;
    for path in ["/metrics", "/api/status", "/operator"] {
        shown += &operator(&scene, path).await;
    }
    shown += &format!("{:?}", scene.app.shared().alerts.list());
    shown += &log.take();
    assert!(shown.contains("shoptalk_replies_total"), "the metrics were looked at");
    assert!(!shown.contains("zyxw"), "{shown}");
    scene.app.finish().await;
}

#[tokio::test]
async fn templates_are_told_where_a_channel_has_them_and_only_there() {
    let scene = Scene::with(&[Scope::Read]).await;
    let path = format!("/api/v1/facebook/{PAGE}/templates");
    let problem = is_problem(&scene.bot.get(&path).await, 422, "unsupported");
    assert!(problem["can"].as_array().unwrap().contains(&json!("text")));
    is_problem(&scene.bot.get(&format!("{path}?limit=1")).await, 422, "invalid");
    is_problem(&scene.bot.get("/api/v1/facebook/1/templates").await, 404, "not-found");
    is_problem(&scene.bot.get(&format!("/api/v1/shopify/{SHOP}/templates")).await, 404, "not-found");
    let writer = Bot::start(&scene.app, &[Scope::Reply, Scope::Human, Scope::Admin]).await;
    assert_eq!(is_problem(&writer.get(&path).await, 403, "scope-missing")["scope"], "read");
    let stranger = Bot::of(&scene.app, uuid::Uuid::from_u128(1), &[Scope::Read]).await;
    is_problem(&stranger.get(&path).await, 404, "not-found");
    scene.app.finish().await;
}
