//! What bots are told of products that changed: ids, many in one item, none lost and none told twice.

use std::collections::BTreeSet;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use serde_json::{Value, json};
use shoptalk::shared::erasure::Scope as Erased;
use shoptalk::shared::store::api_keys::{NewApiKey, Scope};
use shoptalk::shared::store::{Edit, Record};

use crate::api_keys::{Bot, owner, wish};
use crate::feed::events;
use crate::test_app::{PAGE, SHOP, TestApp};

const OTHER_SHOP: &str = "other-shop.myshopify.com";
const MIB: usize = 1024 * 1024;

/// A connected shop without products, and a bot of its merchant.
async fn start() -> (TestApp, Bot) {
    let app = TestApp::start().await;
    app.connect().await;
    app.settle().await;
    let bot = Bot::start(&app, &[Scope::Read]).await;
    (app, bot)
}

fn gid(number: usize) -> String {
    format!("gid://shopify/Product/{number}")
}

fn product(number: usize, title: &str) -> Record {
    let payload =
        json!({ "id": gid(number), "legacyResourceId": number.to_string(), "title": title, "status": "ACTIVE" });
    Record { id: gid(number), payload: payload.to_string() }
}

/// Records change as a read of the shop changes them.
async fn change(app: &TestApp, shop: &str, edits: Vec<Edit>) {
    app.shared().journal.change_records("shopify", shop, edits, "catalogue").await.unwrap();
}

fn put(number: usize, title: &str) -> Edit {
    Edit::Put("product", product(number, title))
}

/// What bots were told of catalogues, page by page.
async fn told(bot: &Bot) -> Vec<Value> {
    let (mut told, mut after) = (Vec::new(), 0);
    loop {
        let answer = bot.get(&format!("/api/v1/events?after={after}&types=catalogue&limit=100")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(answer.body.len() <= MIB, "a page of {} bytes", answer.body.len());
        let page = answer.json();
        told.extend(page["events"].as_array().unwrap().clone());
        let next = page["next"].as_i64().unwrap();
        if next == after || next == page["newest"].as_i64().unwrap() && page["events"] == json!([]) {
            return told;
        }
        after = next;
    }
}

fn ids(event: &Value) -> Vec<&str> {
    event["products"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect()
}

#[tokio::test]
async fn changes_of_products_are_told_together_once_they_rest() {
    let (app, bot) = start().await;
    change(&app, SHOP, vec![put(7, "Tea"), put(8, "Coffee")]).await;
    app.work().await;
    app.clock.advance(Duration::from_secs(1));
    change(&app, SHOP, vec![put(9, "Cocoa"), put(7, "Green tea")]).await;
    app.work().await;
    app.clock.advance(Duration::from_millis(1_500));
    app.work().await;
    assert!(told(&bot).await.is_empty(), "there was a change a moment ago");
    app.clock.advance(Duration::from_millis(500));
    app.work().await;
    let all = told(&bot).await;
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(ids(&all[0]), ["8", "9", "7"], "in the order of their last changes, each once");
    assert_eq!(
        (&all[0]["channel"], &all[0]["account"]),
        (&json!("shopify"), &json!({"id": SHOP, "name": "Demo Shop"}))
    );
    for absent in ["messages", "products_changed", "person", "bot_may_answer", "shop"] {
        assert!(all[0].get(absent).is_none(), "{absent}");
    }
    // One that is gone changed, too. A discount is no product, and what is the same as before is no change.
    let discount = Edit::Put("discount", product(99, "10 %"));
    change(&app, SHOP, vec![Edit::Delete("product", gid(8)), discount, put(9, "Cocoa")]).await;
    app.work().await;
    app.settle().await;
    let all = told(&bot).await;
    assert_eq!(all.iter().map(ids).collect::<Vec<_>>(), [vec!["8", "9", "7"], vec!["8"]]);
    let left = |sql: &rusqlite::Connection| {
        sql.query_row("SELECT count(*) FROM record_changes", [], |row| row.get::<_, i64>(0))
    };
    assert_eq!(app.journal_sql(left), 0, "nothing is kept that all have seen");
    app.finish().await;
}

#[tokio::test]
async fn a_catalogue_that_never_rests_is_told_every_fifteen_seconds() {
    let (app, bot) = start().await;
    for second in 0..32 {
        change(&app, SHOP, vec![put(second, &second.to_string())]).await;
        app.work().await;
        app.clock.advance(Duration::from_secs(1));
    }
    let all = told(&bot).await;
    assert!((1..=2).contains(&all.len()), "{all:?}");
    assert!(ids(&all[0]).len() >= 15);
    app.finish().await;
}

#[tokio::test]
async fn a_whole_catalogue_is_few_items_and_no_page_is_too_large() {
    let (app, bot) = start().await;
    let records = (0..60_000).map(|number| product(9_007_199_254_740_993 + number, "A product")).collect();
    app.shared().journal.replace_records("shopify", SHOP, "product", records).await.unwrap();
    app.work().await;
    app.settle().await;
    let all = told(&bot).await;
    assert_eq!(all.len(), 60);
    let named: BTreeSet<&str> = all.iter().flat_map(ids).collect();
    assert_eq!(named.len(), 60_000);
    let numbers: Vec<i64> = all.iter().map(|event| event["n"].as_i64().unwrap()).collect();
    assert_eq!(numbers, (1..=60).collect::<Vec<_>>());
    app.finish().await;
}

#[tokio::test]
async fn a2_a_merchant_hears_of_their_own_shops_and_a_key_of_those_that_it_may_see() {
    let (app, bot) = start().await;
    app.shopify.add_shop(OTHER_SHOP, "Other");
    assert_eq!(app.browser().follow(&format!("/shopify/{OTHER_SHOP}/login")).await.status, 200);
    app.settle().await;
    let merchant = owner(&app, SHOP).await;
    let limited = |channel: &str, account: &str| NewApiKey {
        accounts: vec![(channel.to_owned(), account.to_owned())],
        ..wish(merchant, &[Scope::Read])
    };
    let of_page = Bot::with(&app, limited("facebook", PAGE)).await;
    let of_shop = Bot::with(&app, limited("shopify", SHOP)).await;
    let other = Bot::of(&app, owner(&app, OTHER_SHOP).await, &[Scope::Read]).await;
    change(&app, SHOP, vec![put(7, "Tea")]).await;
    change(&app, OTHER_SHOP, vec![put(8, "Coffee")]).await;
    app.work().await;
    app.settle().await;
    for (who, expected) in [(&bot, "7"), (&of_page, "7"), (&of_shop, "7"), (&other, "8")] {
        let all = told(who).await;
        assert_eq!(all.iter().map(ids).collect::<Vec<_>>(), [vec![expected]]);
    }
    assert!(events(&bot, &format!("after=0&account=facebook/{PAGE}")).await.is_empty());
    // What is erased leaves its numbers.
    let scope = Erased::Account { channel: "shopify".to_owned(), account: SHOP.to_owned() };
    app.shared().erasure.request(vec![scope], "a test", None).await.unwrap();
    app.settle().await;
    assert_eq!(events(&bot, "after=0").await[0], json!({ "n": 1, "type": "erased" }));
    app.finish().await;
}

/// Works until so many polls later, or until there is nothing to do. Gives whether that was so.
async fn work_for(app: &TestApp, mut polls: usize) -> bool {
    let mut work = pin!(app.work());
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(()) => Poll::Ready(true),
        Poll::Pending if polls == 0 => Poll::Ready(false),
        Poll::Pending => {
            polls -= 1;
            Poll::Pending
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_point_every_change_is_told_and_numbers_have_no_gap() {
    let (mut app, _) = start().await;
    let mut changed = BTreeSet::new();
    let mut is_over = false;
    for polls in 0..60 {
        for part in 0..3 {
            let number = 1_000 + polls * 3 + part;
            changed.insert(number.to_string());
            change(&app, SHOP, vec![put(number, "A product")]).await;
        }
        // The first look only notices them.
        app.work().await;
        app.clock.advance(Duration::from_secs(3));
        is_over = work_for(&app, polls).await;
        app = app.kill_and_restart_with(|_| {}).await;
        if is_over {
            break;
        }
    }
    assert!(is_over, "it was killed at each of its points");
    app.work().await;
    app.settle().await;
    let bot = Bot::start(&app, &[Scope::Read]).await;
    let all = told(&bot).await;
    let named: Vec<&str> = all.iter().flat_map(ids).collect();
    assert_eq!(named.len(), changed.len(), "none twice: {named:?}");
    assert_eq!(named.into_iter().map(str::to_owned).collect::<BTreeSet<_>>(), changed);
    let numbers: Vec<i64> = all.iter().map(|event| event["n"].as_i64().unwrap()).collect();
    assert_eq!(numbers, (1..=i64::try_from(all.len()).unwrap()).collect::<Vec<_>>());
    app.close().await;
}

#[tokio::test]
async fn what_changed_before_the_index_was_lost_is_told_all_the_same() {
    let (app, bot) = start().await;
    change(&app, SHOP, vec![put(7, "Tea")]).await;
    let (clock, facebook, shopify, folder) =
        (app.clock.clone(), app.facebook.clone(), app.shopify.clone(), Arc::clone(&app.folder()));
    app.close().await;
    std::fs::remove_file(folder.path().join("data/search.db")).unwrap();
    let app = TestApp::reopen(clock, facebook, shopify, folder).await;
    app.work().await;
    app.settle().await;
    let again = Bot::start(&app, &[Scope::Read]).await;
    assert_eq!(told(&again).await.iter().map(ids).collect::<Vec<_>>(), [vec!["7"]]);
    drop(bot);
    app.finish().await;
}
