//! What happens to the built-in responder in the middle of an answer: its writes fail or it is killed between them, the person
//! is erased, the account becomes another merchant's.

use std::time::Duration;

use http::Method;
use serde_json::json;
use shoptalk::facebook::sandbox::SendFailure;
use shoptalk::shared::erasure;
use shoptalk::shared::store::api_keys::Scope;

use crate::api_keys::{Bot, owner};
use crate::pages_leaving::{disconnect, post as press};
use crate::responder::{SAM, Scene, words};
use crate::test_app::{Browser, PAGE, SHOP};
use crate::waiting::until;

const OTHER_SHOP: &str = "other-shop.myshopify.com";

impl Scene {
    fn sql(&self, statement: &str) {
        self.app.journal_sql(|journal| journal.execute_batch(statement));
    }

    /// Is killed, and starts again on the same folder. The person is who they were.
    async fn killed(self) -> Self {
        let Self { app, model, browser, .. } = self;
        let settings = model.settings();
        let app = app.kill_and_restart_with(|config| config.server.responder = Some(settings)).await;
        app.facebook.deliver_to(&format!("{}/facebook/webhook", app.url));
        let sam = app.facebook.person(SAM, "Sam Doe");
        Self { app, model, browser, sam }
    }

    /// Time passes in which whatever waits is done.
    async fn minutes(&self, minutes: u64) {
        for _ in 0..minutes {
            self.app.clock.advance(Duration::from_secs(60));
            self.work().await;
        }
    }

    fn count(&self, table: &str) -> i64 {
        let count = format!("SELECT count(*) FROM {table}");
        self.app.journal_sql(|journal| journal.query_row(&count, [], |row| row.get(0)))
    }
}

#[tokio::test]
async fn b1_whichever_write_fails_before_a_kill_nobody_is_answered_twice_or_forgotten() {
    // The message that answers, its place behind the event's number, what was done, and the end of the event's row.
    for write in [
        "INSERT ON outgoing",
        "INSERT ON outgoing_parts",
        "INSERT ON idempotency_keys",
        "INSERT ON responder_outcomes",
        "DELETE ON responder_turns",
    ] {
        for is_killed in [true, false] {
            let mut scene = Scene::switched_on().await;
            scene.sql(&format!(
                "CREATE TRIGGER planned BEFORE {write} BEGIN SELECT RAISE(ABORT, 'a planned failure'); END"
            ));
            scene.hears("Is the blue one in stock?").await;
            assert_eq!(scene.count("responder_turns"), 1, "{write}: it is not done");
            if is_killed {
                scene = scene.killed().await;
            }
            scene.sql("DROP TRIGGER planned");
            scene.minutes(5).await;
            assert_eq!(scene.got().len(), 1, "{write}, killed: {is_killed}: {:?}", scene.got());
            assert_eq!((scene.count("responder_turns"), scene.count("responder_outcomes")), (0, 1), "{write}");
            scene.app.finish().await;
        }
    }
}

#[tokio::test]
async fn p4_a_person_who_is_erased_while_the_model_thinks_hears_nothing_and_nothing_is_left() {
    let scene = Scene::switched_on().await;
    scene.model.always_says(words("A zyxw answer."));
    let erased = async {
        let (channel, account, person) = ("facebook".to_owned(), PAGE.to_owned(), SAM.to_owned());
        let scope = erasure::Scope::Person { channel, account, person };
        scene.app.shared().erasure.request(vec![scope], "a test", None).await.unwrap();
        // The work is going on beside this.
        until("the erasure", || scene.count("events WHERE conversation IS NOT NULL") == 0).await;
    };
    scene.overtake(erased).await;
    let scene = scene.killed().await;
    scene.minutes(5).await;
    assert_eq!(scene.got(), [""; 0]);
    for table in ["outgoing", "responder_turns", "responder_outcomes", "conversation_states"] {
        assert_eq!(scene.count(table), 0, "{table}");
    }
    for trace in [SAM, "zyxw", "blue one"] {
        assert!(!scene.app.is_on_disk(trace), "{trace} is left");
    }
    scene.app.finish().await;
}

#[tokio::test]
async fn p4_a_person_who_is_erased_between_an_answer_and_its_call_hears_nothing() {
    let scene = Scene::switched_on().await;
    scene.model.always_says(words("A zyxw answer."));
    // The answer is accepted, and the account cannot send at this moment.
    scene.app.facebook.fail_sends(1, SendFailure::Refused(613, None));
    scene.hears("Is the blue one in stock?").await;
    assert_eq!((scene.got().len(), scene.count("outgoing")), (0, 1));
    let (channel, account, person) = ("facebook".to_owned(), PAGE.to_owned(), SAM.to_owned());
    let scope = erasure::Scope::Person { channel, account, person };
    scene.app.shared().erasure.request(vec![scope], "a test", None).await.unwrap();
    scene.minutes(10).await;
    assert_eq!((scene.got().len(), scene.count("outgoing")), (0, 0));
    assert!(!scene.app.is_on_disk("zyxw"));
    scene.app.finish().await;
}

/// The Page leaves its merchant and comes to the one of the other shop, who also switches the bot on.
async fn move_page(scene: &Scene) -> Browser {
    let left = press(&scene.browser, &disconnect(&format!("facebook/{PAGE}")), "").await;
    assert_eq!(left.status, 303, "{}", left.text());
    let other = scene.app.browser_with(OTHER_SHOP).await;
    assert_eq!(other.follow("/facebook/login").await.status, 200);
    let merchant = owner(&scene.app, OTHER_SHOP).await;
    let connections = scene.app.shared().connections.list().await.unwrap();
    let page = connections.iter().find(|one| one.account == PAGE).unwrap();
    assert_eq!(page.merchant, merchant, "it is the other merchant's now");
    let account = ("facebook".to_owned(), PAGE.to_owned());
    scene.app.shared().journal.switch_responder(&account, merchant, true).await.unwrap();
    other
}

#[tokio::test]
async fn a_page_that_becomes_another_merchants_while_the_model_thinks_says_nothing_of_the_first() {
    let scene = Scene::switched_on().await;
    scene.app.shopify.add_shop(OTHER_SHOP, "Other Shop");
    scene.model.says([words("An answer of the first merchant.")]);
    scene
        .overtake(async {
            move_page(&scene).await;
        })
        .await;
    let scene = scene.killed().await;
    scene.minutes(5).await;
    assert_eq!(scene.got(), [""; 0]);
    scene.model.always_says(words("An answer of the second one."));
    scene.hears("And the red one?").await;
    let got = scene.got();
    assert!(got.len() == 1 && got[0].contains("of the second one"), "{got:?}");
    let asked = scene.model.asked();
    let (_, last) = asked.last().unwrap();
    assert!(last.to_string().contains("Other Shop") && !last.to_string().contains("Snowboard Classic"), "{last}");
    scene.app.finish().await;
}

#[tokio::test]
async fn what_waits_to_be_sent_when_a_page_becomes_another_merchants_is_not_sent() {
    let scene = Scene::start().await;
    scene.app.shopify.add_shop(OTHER_SHOP, "Other Shop");
    scene.hears("Is the blue one in stock?").await;
    // It is accepted, and the Page sends too much at this moment.
    scene.app.facebook.fail_sends(1, SendFailure::Refused(613, None));
    let program = Bot::of(&scene.app, owner(&scene.app, SHOP).await, &[Scope::Read, Scope::Reply]).await;
    let path = format!("/api/v1/facebook/{PAGE}/conversations/{SAM}/messages");
    let headers = [("idempotency-key", "key-1"), ("content-type", "application/json")];
    let body = json!({"text": "An answer of the first merchant.", "ttl_seconds": 3600}).to_string();
    let accepted = program.send(Method::POST, &path, &headers, body.as_bytes()).await;
    assert_eq!(accepted.status, 202, "{accepted:?}");
    scene.work().await;
    move_page(&scene).await;
    scene.minutes(5).await;
    assert_eq!(scene.got(), [""; 0]);
    let message = program.get(accepted.header("location")).await.json();
    assert_eq!((&message["state"], &message["failure"]["reason"]), (&json!("failed"), &json!("account-unavailable")));
    scene.app.finish().await;
}

#[tokio::test]
async fn a_span_of_time_that_nobody_told_calls_a_human() {
    let scene = Scene::switched_on().await;
    scene.model.always_says(words("Delivery takes 2 to 3 days."));
    scene.hears("How long does delivery take? I want 2 or 3 boards.").await;
    assert_eq!(scene.got(), [""; 0]);
    assert!(scene.note().await.unwrap().contains("how long something takes"), "{:?}", scene.note().await);
    scene.app.finish().await;
}
