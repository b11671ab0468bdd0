//! Messages of the Instagram account that belongs to a Page.

use std::time::Duration;

use serde_json::{Value, json};
use shoptalk::app::config::Config;
use shoptalk::commands::Command;
use shoptalk::facebook::sandbox::{Page, Person};

use crate::pages_leaving::{disconnect, post};
use crate::test_app::{PAGE, TestApp};

const ACCOUNT: &str = "17841400000000001";
const KIM: &str = "9000000000000001";

fn on(config: &mut Config) {
    config.facebook.as_mut().unwrap().instagram = true;
}

async fn with_account() -> (TestApp, Page, Person) {
    let app = TestApp::start_with(on).await;
    let account = app.facebook.add_instagram(PAGE, ACCOUNT, "demo.shop");
    let kim = app.facebook.person(KIM, "Kim");
    (app, account, kim)
}

fn conversation(app: &TestApp, person: &str) -> Vec<Value> {
    let file = format!("instagram/{ACCOUNT}/conversations/{person}.json");
    if app.text(&file).is_none() {
        return Vec::new();
    }
    app.json(&file).as_array().unwrap().clone()
}

fn said(app: &TestApp) -> Vec<String> {
    let items = conversation(app, KIM);
    items.iter().filter_map(|item| item["message"]["text"].as_str().map(str::to_owned)).collect()
}

async fn deliver(app: &TestApp, account: &Page, item: Value) {
    assert_eq!(account.deliver(&[item]).await.unwrap(), Some(200));
    app.settle().await;
}

#[tokio::test]
async fn an_account_is_connected_with_its_page_and_read_like_one() {
    let (app, account, kim) = with_account().await;
    account.message_from(&kim, "Do you ship to Kiel?");
    app.clock.advance(Duration::from_secs(1));
    account.reply_to(&kim, "We do.");
    app.connect().await;
    let connection = app.connections("instagram").await.remove(0);
    assert_eq!((&connection["account"], &connection["name"]), (&json!(ACCOUNT), &json!("demo.shop")));
    assert_eq!((&connection["status"], &connection["history"]["messages"]), (&json!("connected"), &json!(2)));
    let subscription = app.facebook.instagram_subscription().unwrap();
    assert!(subscription.fields.contains(&"messaging_seen".to_owned()), "{subscription:?}");
    assert_eq!(said(&app), ["Do you ship to Kiel?", "We do."]);
    assert_eq!(conversation(&app, KIM)[1]["sender"]["id"], ACCOUNT);
    assert!(!app.path(&format!("facebook/{PAGE}/conversations")).exists(), "nothing of it is among the Page's");

    app.clock.advance(Duration::from_secs(1));
    let question = account.message_from(&kim, "By Friday?");
    deliver(&app, &account, question.clone()).await;
    deliver(&app, &account, question.clone()).await;
    deliver(&app, &account, account.reply_to(&kim, "Yes.")).await;
    deliver(&app, &account, account.read_by(&kim)).await;
    assert_eq!(said(&app), ["Do you ship to Kiel?", "We do.", "By Friday?", "Yes."]);
    let unsend = account.unsend(&kim, question["message"]["mid"].as_str().unwrap());
    deliver(&app, &account, unsend).await;
    assert_eq!(conversation(&app, KIM).last().unwrap()["message"]["is_deleted"], true);
    assert_eq!(said(&app), ["Do you ship to Kiel?", "We do.", "Yes."], "its content is gone");
    // Somebody who only looked has no file.
    let lee = app.facebook.person("9000000000000002", "Lee");
    deliver(&app, &account, account.read_by(&lee)).await;
    assert_eq!(conversation(&app, &lee.id), [Value::Null; 0]);
    app.finish().await;
}

#[tokio::test]
async fn lost_webhooks_of_an_account_are_recovered_and_reported() {
    let (app, account, kim) = with_account().await;
    app.connect().await;
    app.run_due_jobs().await;
    for (text, is_lost) in [("1", false), ("2", true), ("3", true)] {
        app.clock.advance(Duration::from_secs(1));
        let item = account.message_from(&kim, text);
        if !is_lost {
            deliver(&app, &account, item).await;
        }
    }
    app.clock.advance(Duration::from_secs(24 * 3600));
    app.run_due_jobs().await;
    assert_eq!(said(&app), ["1", "2", "3"]);
    let poll = app.connections("instagram").await[0]["last_poll"].clone();
    assert_eq!((&poll["seen_by_both"], &poll["only_poll"]), (&json!(1), &json!(2)));
    app.finish().await;
}

#[tokio::test]
async fn what_comes_for_an_account_that_is_not_connected_is_kept_until_it_is() {
    let (app, account, kim) = with_account().await;
    app.facebook.decline("instagram_manage_messages");
    app.connect().await;
    assert_eq!(app.connections("instagram").await, [Value::Null; 0]);
    assert_eq!(app.connections("facebook").await[0]["status"], "connected", "the Page lacks nothing");
    let item = account.message_from(&kim, "early");
    assert_eq!(account.force_deliver(&[item]).await.unwrap(), 200);
    app.settle().await;
    assert_eq!((said(&app), app.counts().await.1), (Vec::new(), 1));
    app.facebook.accept("instagram_manage_messages");
    app.facebook.grant("instagram_manage_messages");
    app.connect().await;
    assert_eq!((said(&app), app.counts().await.1), (vec!["early".to_owned()], 0));
    app.finish().await;
}

#[tokio::test]
async fn by_default_instagram_is_not_asked_for() {
    let app = TestApp::start().await;
    app.facebook.add_instagram(PAGE, ACCOUNT, "demo.shop");
    app.connect().await;
    let received = app.facebook.traffic().received();
    assert!(received.iter().all(|request| !request.query.contains("instagram")), "no scope, no field, no list");
    assert_eq!(app.connections("instagram").await, [Value::Null; 0]);
    app.finish().await;
}

#[tokio::test]
async fn a_dead_login_of_the_page_holds_its_account_up_and_a_new_one_lets_it_go_on() {
    let (app, account, kim) = with_account().await;
    app.connect().await;
    app.run_due_jobs().await;
    app.facebook.revoke_tokens(460);
    account.message_from(&kim, "meanwhile");
    app.clock.advance(Duration::from_secs(24 * 3600));
    app.run_due_jobs().await;
    assert_eq!(said(&app), [""; 0]);
    assert_eq!(app.connections("facebook").await[0]["status"], "needs_reconnect");
    app.connect().await;
    app.clock.advance(Duration::from_secs(3600));
    app.settle().await;
    assert_eq!(said(&app), ["meanwhile"]);
    app.finish().await;
}

#[tokio::test]
async fn a_new_login_of_the_page_puts_its_accounts_subscription_right() {
    let (app, _, _) = with_account().await;
    app.connect().await;
    app.facebook.drop_instagram_subscription();
    app.connect().await;
    let subscription = app.facebook.instagram_subscription().expect("the hourly check has not run since");
    assert!(subscription.fields.contains(&"messages".to_owned()), "{subscription:?}");
    app.finish().await;
}

#[tokio::test]
async fn an_account_that_was_given_up_stays_so_until_the_next_login() {
    let (app, account, kim) = with_account().await;
    let browser = app.connect().await.for_pages();
    let answer = post(&browser, &disconnect(&format!("instagram/{ACCOUNT}")), "").await;
    assert_eq!(answer.status, 303);
    app.clock.advance(Duration::from_secs(60));
    deliver(&app, &account, account.message_from(&kim, "Anybody there?")).await;
    app.command(Command::Sync { channel: None, account: None }).await;
    assert_eq!(app.connections("instagram").await.len(), 0, "reading its Page does not bring it back");
    assert_eq!(said(&app), [""; 0]);
    app.connect().await;
    assert_eq!(app.connections("instagram").await.len(), 1);
    assert_eq!(said(&app), ["Anybody there?"]);
    app.finish().await;
}

#[tokio::test]
async fn who_connected_the_page_takes_its_account_along_when_leaving() {
    let (app, account, kim) = with_account().await;
    account.message_from(&kim, "an unmistakable text");
    app.connect().await;
    assert_eq!(said(&app), ["an unmistakable text"]);
    assert_eq!(app.facebook.remove_app(&format!("{}/facebook/deauthorize", app.url)).await.unwrap().0, 200);
    assert_eq!(app.connections("instagram").await.len(), 0);
    app.settle().await;
    assert_eq!(said(&app), ["an unmistakable text"], "files stay until deletion is asked for");
    let (status, _) = app.facebook.request_deletion(&format!("{}/facebook/data-deletion", app.url)).await.unwrap();
    assert_eq!(status, 200);
    app.settle().await;
    for trace in ["an unmistakable text", ACCOUNT, KIM] {
        assert!(!app.is_on_disk(trace), "{trace}");
    }
    app.finish().await;
}
