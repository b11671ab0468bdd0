//! What LinkedIn writes in more than one way: notifications as documented and as they come, and the ids of comments.

use serde_json::{Value, json};
use shoptalk::linkedin::sandbox::NoticeShape;
use shoptalk::shared::channel::simulator::{SendFailure, Webhooks};

use crate::linkedin_stage::Scene;

async fn events(scene: &Scene, kind: &str) -> Vec<Value> {
    let feed = scene.program.get(&format!("/api/v1/events?after=0&types={kind}")).await.json();
    feed["events"].as_array().unwrap().clone()
}

#[tokio::test]
async fn live_notifications_say_what_documented_ones_do() {
    for shape in [NoticeShape::Documented, NoticeShape::Live] {
        let scene = Scene::start().await;
        scene.linkedin.set_notice_shape(shape);
        let asked = scene.asks("Do you ship to Galle?").await;
        let event = events(&scene, "message").await.remove(0);
        assert_eq!(
            (&event["kind"], &event["text"], &event["platform_id"]),
            (&json!("text"), &json!("Do you ship to Galle?"), &json!(asked)),
            "{shape:?}"
        );
        let below = scene.ada.replies(&scene.post, &asked, "And a zyxw word?").await.urn;
        scene.app.settle().await;
        assert_eq!(events(&scene, "message").await[1]["reply_to"], json!(asked));
        scene.ada.edits(&below, "And a zyxw word, edited?").await.unwrap();
        scene.ada.deletes(&below).await.unwrap();
        scene.work().await;
        let items = scene.file();
        assert_eq!(items.len(), 4, "{shape:?}");
        assert!(items.iter().all(|item| !item.to_string().contains("zyxw")), "{shape:?}: {items:?}");
        // Who answers as the page takes over.
        scene.linkedin.admin_comments(&scene.post, "We do.").await;
        scene.work().await;
        let echo = events(&scene, "echo").await.remove(0);
        assert_eq!((&echo["by"], &echo["text"]), (&json!("human"), &json!("We do.")), "{shape:?}");
        let page = format!("/conversations/linkedin/90001/{}", scene.thread());
        let page = scene.app.connect().await.for_pages().get(&page).await.text();
        assert!(page.contains("Do you ship to Galle?") && page.contains("We do."), "{page}");
        scene.finish().await;
    }
}

#[tokio::test]
async fn a_comment_of_ours_is_known_again_whichever_of_its_posts_the_answer_names() {
    for (shape, webhooks) in [
        (NoticeShape::Documented, Webhooks::Sent),
        (NoticeShape::Live, Webhooks::Sent),
        (NoticeShape::Live, Webhooks::Lost),
    ] {
        let scene = Scene::start().await;
        scene.linkedin.set_notice_shape(shape);
        scene.linkedin.set_answers_name_ugc_posts(true);
        scene.asks("Do you ship?").await;
        scene.linkedin.set_webhooks(webhooks);
        let id = scene.say(&json!({"text": "Yes."})).await;
        // What is not told is read.
        scene.pass(75).await;
        let echoes = events(&scene, "echo").await;
        let by: Vec<&Value> = echoes.iter().map(|echo| &echo["by"]).collect();
        assert_eq!((json!(by), scene.file().len()), (json!(["bot"]), 2), "{shape:?} {webhooks:?}");
        assert_eq!(scene.state(&id).await, "sent");
        assert_eq!(scene.post(&json!({"text": "Anything else?"})).await.status, 202, "nobody has taken over");
        scene.work().await;
        scene.finish().await;
    }
}

#[tokio::test]
async fn a_lost_answer_is_no_comment_of_ours_that_was_answered_with_another_post() {
    let scene = Scene::start().await;
    scene.linkedin.set_answers_name_ugc_posts(true);
    scene.asks("Do you ship?").await;
    scene.linkedin.set_webhooks(Webhooks::Lost);
    let answered = scene.say(&json!({"text": "Yes."})).await;
    scene.linkedin.fail_sends(1, SendFailure::Cut);
    let lost = scene.say(&json!({"text": "Yes."})).await;
    assert_eq!((scene.state(&answered).await.as_str(), scene.state(&lost).await.as_str()), ("sent", "unknown"));
    for seconds in [21, 101, 5, 61] {
        scene.pass(seconds).await;
    }
    assert_eq!(scene.state(&lost).await, "sent");
    assert_eq!(scene.post.page_comments(), ["Yes."; 2], "it had not been sent, so it was sent again");
    scene.finish().await;
}

#[tokio::test]
async fn an_answer_to_a_reply_stands_below_the_comment_of_the_first_level() {
    for shape in [NoticeShape::Documented, NoticeShape::Live] {
        let scene = Scene::start().await;
        scene.linkedin.set_notice_shape(shape);
        let asked = scene.asks("Do you ship?").await;
        let below = scene.ada.replies(&scene.post, &asked, "And to Kandy?").await.urn;
        scene.app.settle().await;
        scene.linkedin.set_webhooks(Webhooks::Lost);
        // The answer is lost, so the comment is read again where it stands.
        scene.linkedin.fail_sends(1, SendFailure::TakenCut);
        let id = scene.say(&json!({"text": "To Kandy, too.", "reply_to": below})).await;
        for seconds in [21, 101, 5, 61] {
            scene.pass(seconds).await;
        }
        assert_eq!(scene.linkedin.sent()[0].body["parentComment"], json!(asked), "{shape:?}");
        assert_eq!((scene.state(&id).await.as_str(), scene.post.page_comments().len()), ("sent", 1), "{shape:?}");
        scene.finish().await;
    }
}
