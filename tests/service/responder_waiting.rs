//! The built-in responder forgets nobody: a message that is hard to read, an answer that does not arrive, an account and a
//! model that are silent for hours, a hand-over that nobody takes up. And after it was switched off nothing leaves.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::json;
use shoptalk::facebook::sandbox::{Echoes, SendFailure};
use shoptalk::shared::channel::dialogue::{Author, Part, PartContent};
use shoptalk::shared::channel::simulator::Failure;
use shoptalk::shared::journal::Conversation;
use shoptalk::shared::languages::Sentence;
use shoptalk::shared::store::api_keys::Scope;
use shoptalk::shared::store::responder::{ResponderOutcome, Settled, Tokens};
use shoptalk::shared::store::{Acceptance, NewMessage, Pause, PausedBy};

use crate::api_keys::Bot;
use crate::pages_leaving::{disconnect, post as press};
use crate::responder::{SAM, Says, Scene, words};
use crate::test_app::PAGE;
use crate::waiting::until;

const MINUTE: Duration = Duration::from_secs(60);

fn busy() -> Says {
    Says::Raw(StatusCode::SERVICE_UNAVAILABLE, "application/json", "{}".to_owned())
}

impl Scene {
    /// Time passes, and all that is due is done, also what follows from that.
    async fn wait(&self, time: Duration) {
        self.app.clock.advance(time);
        for _ in 0..3 {
            self.work().await;
        }
    }

    /// Why bots are silent in Sam's conversation, as it is kept: hours later nobody is signed in any more.
    fn kept_note(&self) -> Option<String> {
        let kept: Option<String> = self.app.journal_sql(|journal| {
            journal.query_row("SELECT pause_note FROM conversation_states", [], |row| row.get(0))
        });
        kept.map(|kept| Sentence::of_stored(kept).to_string())
    }

    /// As a person's program does it, which also takes the thread back.
    async fn resume(&self) {
        let bot = Bot::start(&self.app, &[Scope::Read, Scope::Reply]).await;
        let path = format!("/api/v1/facebook/{PAGE}/conversations/{SAM}/pause");
        let answer = bot.send(Method::DELETE, &path, &[], b"").await;
        assert!(answer.status.is_success(), "{answer:?}");
    }

    /// The platform refuses the Page's token from now on, or no longer.
    fn set_status(&self, status: &str) {
        let tokens = rusqlite::Connection::open(self.app.path("data/tokens.db")).unwrap();
        tokens.busy_timeout(Duration::from_secs(10)).unwrap();
        let changed =
            tokens.execute("UPDATE connections SET status = ?1 WHERE channel = 'facebook'", [status]).unwrap();
        assert_eq!(changed, 1);
    }
}

#[tokio::test]
async fn a_message_with_half_a_character_is_answered_like_any_other() {
    for text in [r#""text":"half a pair \ud83d""#, r#""text":"much","big":1E400"#] {
        let scene = Scene::switched_on().await;
        let mut item = scene.app.page().message_from(&scene.sam, "TEXT");
        let whole = item["message"].as_object_mut().unwrap();
        whole.insert("text".to_owned(), json!("TEXT"));
        let body =
            json!({ "object": "page", "entry": [{ "id": PAGE, "time": 1_795_262_400_000_i64, "messaging": [item] }] });
        let body = body.to_string().replace(r#""text":"TEXT""#, text);
        assert_eq!(scene.app.facebook.deliver_raw(body.as_bytes()).await.unwrap(), 200);
        scene.app.settle().await;
        scene.work().await;
        assert_eq!(scene.model.asked().len(), 1, "{text}");
        assert_eq!(scene.got().len(), 1, "{text}");
        scene.app.finish().await;
    }
}

#[tokio::test]
async fn an_answer_that_could_not_be_sent_in_its_time_is_given_again() {
    let scene = Scene::switched_on().await;
    // "Temporary failure": it is tried again until the message's time is over.
    scene.app.facebook.fail_sends(1_000, SendFailure::Refused(2, None));
    scene.hears("Is the blue one in stock?").await;
    assert_eq!((scene.model.asked().len(), scene.got().len()), (1, 0));
    scene.app.facebook.heal_sends();
    scene.wait(11 * MINUTE).await;
    let page = scene.browser.get("/bot").await.text();
    assert!(page.contains("Answer not sent"), "{page}");
    assert_eq!(scene.model.asked().len(), 2, "what the model said ten minutes ago may be wrong by now");
    scene.wait(MINUTE).await;
    assert_eq!(scene.got(), ["A program answers.\n\nCertainly."], "nothing of the first answer arrived");
    scene.app.finish().await;
}

#[tokio::test]
async fn an_answer_that_the_platform_does_not_take_calls_a_human() {
    let scene = Scene::switched_on().await;
    scene.app.facebook.fail_sends(1, SendFailure::Refused(999, None));
    scene.hears("Is the blue one in stock?").await;
    scene.wait(MINUTE).await;
    assert_eq!(scene.note().await.as_deref(), Some("The platform did not take the bot's answer."));
    assert_eq!(scene.model.asked().len(), 1);
    scene.app.finish().await;
}

#[tokio::test]
async fn an_answer_of_which_nobody_knows_whether_it_was_sent_is_for_humans_until_one_takes_it_up() {
    let scene = Scene::switched_on().await;
    scene.app.facebook.set_echoes(Echoes::Lost);
    scene.app.facebook.fail_sends(1, SendFailure::TakenCut);
    scene.app.facebook.traffic().fail_next("/conversations", 10_000, Failure::Status(503));
    scene.hears("Is the blue one in stock?").await;
    for _ in 0..17 {
        scene.wait(MINUTE).await;
    }
    let unknown = "Nobody knows whether the bot's answer reached the customer.";
    assert_eq!(scene.kept_note().as_deref(), Some(unknown));
    // Nobody takes it up within the hour.
    scene.wait(61 * MINUTE).await;
    let again = scene.kept_note();
    assert!(again.is_some() && again.as_deref() != Some(unknown), "{again:?}");
    assert_eq!((scene.model.asked().len(), scene.got().len()), (1, 1), "asked once, and sent once");
    scene.app.finish().await;
}

#[tokio::test]
async fn an_answer_that_a_person_silenced_needs_nobody() {
    let scene = Scene::switched_on().await;
    scene.app.facebook.fail_sends(3, SendFailure::Refused(2, None));
    scene.hears("Is the blue one in stock?").await;
    let path = format!("/conversations/facebook/{PAGE}/{SAM}/pause");
    press(&scene.browser, &path, "").await;
    scene.wait(MINUTE).await;
    assert_eq!((scene.model.asked().len(), scene.got().len()), (1, 0));
    scene.app.finish().await;
}

#[tokio::test]
async fn who_writes_while_the_account_cannot_send_is_answered_after_the_login() {
    let scene = Scene::switched_on().await;
    scene.set_status("needs_reconnect");
    scene.hears("Is the blue one in stock?").await;
    assert_eq!(scene.model.asked().len(), 0, "nothing is paid for what cannot be sent");
    scene.wait(MINUTE).await;
    scene.set_status("connected");
    scene.wait(6 * MINUTE).await;
    assert_eq!(scene.got(), ["A program answers.\n\nCertainly."]);
    scene.app.finish().await;
}

#[tokio::test]
async fn a_model_that_is_silent_until_the_platforms_time_is_over_calls_a_human() {
    let scene = Scene::switched_on().await;
    scene.model.always_says(busy());
    scene.hears("Is the blue one in stock?").await;
    for _ in 0..24 {
        scene.wait(60 * MINUTE).await;
    }
    assert_eq!(scene.kept_note().as_deref(), Some("The model did not answer in time."));
    assert_eq!(scene.got(), [""; 0]);
    scene.app.finish().await;
}

#[tokio::test]
async fn an_answer_that_comes_after_the_platforms_time_is_dropped_and_its_cost_is_counted() {
    let scene = Scene::switched_on().await;
    scene.overtake(async { scene.app.clock.advance(Duration::from_secs(24 * 60 * 60)) }).await;
    assert_eq!((scene.kept_note(), scene.got().len(), scene.model.asked().len()), (None, 0, 1));
    let settled: (String, Option<String>, i64) = scene.app.journal_sql(|journal| {
        journal.query_row("SELECT outcome, why, tokens_in + tokens_out FROM responder_outcomes", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
    });
    assert_eq!(settled, ("dropped".to_owned(), Some("window_closed".to_owned()), 120));
    scene.wait(61 * MINUTE).await;
    assert_eq!((scene.kept_note(), scene.got().len(), scene.model.asked().len()), (None, 0, 1));
    scene.app.finish().await;
}

#[tokio::test]
async fn what_nobody_takes_up_is_handed_over_a_second_time_without_the_model() {
    let scene = Scene::switched_on().await;
    scene.model.always_says(Says::Call("hand_over", json!({ "reason": "She wants a refund." })));
    scene.hears("I want my money back").await;
    assert_eq!(scene.note().await.as_deref(), Some("She wants a refund."));
    for _ in 0..4 {
        scene.wait(61 * MINUTE).await;
    }
    assert_eq!(scene.model.asked().len(), 1, "it would say the same each hour");
    assert_eq!(scene.kept_note().as_deref(), Some("Nobody has answered since the bot handed this over."));
    scene.model.always_says(words("Gladly."));
    scene.resume().await;
    scene.wait(MINUTE).await;
    assert_eq!(scene.got(), ["A program answers.\n\nGladly."], "who resumes wants the bot to answer");
    scene.app.finish().await;
}

#[tokio::test]
async fn after_it_was_switched_off_nothing_is_accepted_and_nobody_is_silenced() {
    let scene = Scene::switched_on().await;
    scene.model.always_says(busy());
    scene.hears("Is the blue one in stock?").await;
    scene.app.clock.advance(MINUTE);
    let journal = &scene.app.shared().journal;
    let turn = journal.list_due_turns(10).await.unwrap().pop().expect("a turn that waits");
    scene.switch(false).await;
    let message = NewMessage {
        ends_at: None,
        has_room: true,
        id: "msg_0123456789abcdef0123456789abcdef".to_owned(),
        merchant: turn.merchant.to_string(),
        conversation: Conversation { channel: "facebook".to_owned(), account: PAGE.to_owned(), person: SAM.to_owned() },
        author: Author::Bot,
        answers: None,
        parts: vec![Part {
            content: PartContent::Text { text: "Yes.".to_owned() },
            choices: Vec::new(),
            reply_to: None,
            is_human: false,
        }],
        ttl_ms: 60_000,
        pauses_for: None,
        idempotency: ("responder 1".to_owned(), "request".to_owned()),
        of_turn: Some(turn.n),
    };
    assert!(matches!(journal.accept_message(message).await.unwrap(), Acceptance::NotWanted));
    let (outcome, why) = (ResponderOutcome::HandedOver, Some("Late.".to_owned()));
    let settled = Settled { outcome, why, message: None, event: None, tokens: Tokens::default() };
    let pause = Pause::by(PausedBy::Api, None);
    assert_eq!(journal.hand_turn_over(&turn, pause, settled).await.unwrap(), None);
    assert_eq!(scene.note().await, None);
    scene.wait(60 * MINUTE).await;
    assert_eq!(scene.got(), [""; 0]);
    scene.app.finish().await;
}

#[tokio::test]
async fn switching_it_on_twice_loses_nothing() {
    let scene = Scene::switched_on().await;
    scene.hears("Hello").await;
    // As if the second message stood in the feed already, and the bot had not taken it yet.
    scene.app.journal_sql(|journal| journal.execute("UPDATE responder_places SET n = 0", []));
    scene.switch(true).await;
    let place: i64 =
        scene.app.journal_sql(|journal| journal.query_row("SELECT n FROM responder_places", [], |row| row.get(0)));
    assert_eq!(place, 0);
    scene.work().await;
    assert_eq!(scene.got().len(), 1);
    scene.app.finish().await;
}

#[tokio::test]
async fn who_writes_again_while_the_model_thinks_gets_one_answer_to_the_newer_message() {
    let scene = Scene::switched_on().await;
    let writes_again = async {
        let item = scene.app.page().message_from(&scene.sam, "I mean the red one.");
        scene.app.page().deliver(&[item]).await.unwrap();
        let told = |journal: &rusqlite::Connection| {
            journal.query_row("SELECT count(*) FROM feed WHERE type = 'message'", [], |row| row.get::<_, i64>(0))
        };
        until("the newer message is told", || {
            // A message is told when two seconds passed without another one, from when it is taken up.
            scene.app.clock.advance(Duration::from_secs(1));
            scene.app.journal_sql(told) == 2
        })
        .await;
    };
    scene.overtake(writes_again).await;
    scene.wait(MINUTE).await;
    assert_eq!(scene.got(), ["A program answers.\n\nCertainly."]);
    let asked = scene.model.asked();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[1].1["messages"].as_array().unwrap().last().unwrap()["content"], "I mean the red one.");
    scene.app.finish().await;
}

#[tokio::test]
async fn an_account_that_leaves_while_the_model_thinks_hears_nothing() {
    let scene = Scene::switched_on().await;
    let leaves = async {
        let answer = press(&scene.browser, &disconnect(&format!("facebook/{PAGE}")), "").await;
        assert_eq!(answer.status, 303, "{}", answer.text());
    };
    scene.overtake(leaves).await;
    assert_eq!(scene.got(), [""; 0]);
    scene.app.finish().await;
}

#[tokio::test]
async fn an_account_that_comes_back_is_off_at_first() {
    let scene = Scene::switched_on().await;
    press(&scene.browser, &disconnect(&format!("facebook/{PAGE}")), "").await;
    scene.app.settle().await;
    scene.app.connect().await;
    scene.hears("Is the blue one in stock?").await;
    assert_eq!(scene.model.asked().len(), 0);
    scene.app.finish().await;
}

#[tokio::test]
async fn merchants_are_served_in_turn_however_many_wait_for_one_of_them() {
    let scene = Scene::switched_on().await;
    let (crowd, other) = (uuid::Uuid::from_u128(1).to_string(), uuid::Uuid::from_u128(2).to_string());
    scene.app.journal_sql(|journal| {
        let mut insert = journal.prepare(
            "INSERT INTO responder_turns (merchant, n, channel, account, conversation, due_at)
             VALUES (?1, ?2, 'facebook', ?1, ?3, ?2)",
        )?;
        for n in 1..=1_000 {
            // Each person wrote twice.
            insert.execute(rusqlite::params![crowd, n, (n / 2).to_string()])?;
        }
        insert.execute(rusqlite::params![other, 2_000, "late"]).map(drop)
    });
    let due = scene.app.shared().journal.list_due_turns(4).await.unwrap();
    let order: Vec<(u128, i64)> = due.iter().map(|turn| (turn.merchant.as_u128(), turn.n)).collect();
    assert_eq!(order, [(1, 1), (2, 2_000), (1, 2), (1, 4)]);
    scene.app.journal_sql(|journal| journal.execute("DELETE FROM responder_turns", []));
    scene.app.finish().await;
}
