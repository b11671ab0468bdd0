//! What is erased is gone from every file, whatever goes on beside it, and nothing brings it back but a new login.

use std::time::Duration;

use shoptalk::shared::channel::read_request::ReadRequest;
use shoptalk::shared::channel::simulator::Failure;
use shoptalk::shared::erasure::Scope;
use shoptalk::shared::store::erasures::Receipt;

use crate::journal_checks::{KIM, OTHER_PAGE, SAM, body_of, deliver, document_of, file_of, rebuild, text_at, text_of};
use crate::mount::{Mount, skipped};
use crate::test_app::{Browser, PAGE, SHOP, TestApp};
use crate::waiting::ended;

const CAUSE: &str = "a test";

fn account(channel: &str, account: &str) -> Scope {
    Scope::Account { channel: channel.to_owned(), account: account.to_owned() }
}

fn person(person: &str) -> Scope {
    Scope::Person { channel: "facebook".to_owned(), account: PAGE.to_owned(), person: person.to_owned() }
}

async fn ask(app: &TestApp, scope: Scope) -> String {
    app.shared().erasure.request(vec![scope], CAUSE, None).await.unwrap()
}

async fn receipt(app: &TestApp, code: &str) -> Receipt {
    app.shared().erasure.receipt(code).await.unwrap().unwrap()
}

/// Connects the shop, [`PAGE`] and [`OTHER_PAGE`].
async fn with_two_pages() -> (TestApp, Browser) {
    let app = TestApp::start().await;
    app.facebook.add_page(OTHER_PAGE, "Other Page");
    app.shop().add_product("Green tea");
    let browser = app.connect().await;
    (app, browser)
}

/// What SAM and KIM write to both Pages by turns, in long and short texts, so that rows of both share pages.
fn many_texts(count: i64) -> Vec<String> {
    let text = |number: i64| {
        let long = "x".repeat(usize::try_from(number * 37 % 900).unwrap());
        text_at(if number % 2 == 0 { SAM } else { KIM }, number, &format!("secret-{long}"))
    };
    (0..count).map(text).collect()
}

fn for_other_page(text: &str) -> String {
    text.replace(PAGE, OTHER_PAGE).replace("secret", "public")
}

async fn exchange(app: &TestApp, texts: &[String]) {
    for some in texts.chunks(50) {
        deliver(app, body_of(some)).await;
        deliver(app, for_other_page(&body_of(some))).await;
    }
}

#[tokio::test]
async fn of_an_erased_account_no_byte_is_left_in_any_file() {
    let (app, _) = with_two_pages().await;
    let texts = many_texts(2000);
    exchange(&app, &texts).await;
    // What could not be read, is set aside, is damaged, or was left by a killed process belongs to the account too.
    let odd = format!(r#"{{"object":"page","entry":[{{"id":"{PAGE}","odd":"secret-odd"}}]}}"#);
    deliver(&app, &odd).await;
    deliver(&app, format!("not JSON about {PAGE}: secret-broken")).await;
    let folder = app.path(&format!("facebook/{PAGE}/conversations"));
    std::fs::write(folder.join(format!("{SAM}.json.damaged-1")), "secret-damaged").unwrap();
    std::fs::write(folder.join(format!(".{KIM}.json.1.2.tmp")), "secret-half").unwrap();
    std::fs::create_dir(app.path(&format!("facebook/{PAGE}/media"))).unwrap();
    std::fs::write(app.path(&format!("facebook/{PAGE}/media/0.jpg")), "secret-image").unwrap();
    assert!(app.is_on_disk("secret") && app.is_on_disk(PAGE));
    let other = app.text(&file_of(OTHER_PAGE, SAM));

    let code = ask(&app, account("facebook", PAGE)).await;
    assert!(app.connections("facebook").await.iter().all(|one| one["account"] != PAGE), "it is disconnected at once");
    assert_eq!(receipt(&app, &code).await.done_at, None);
    app.settle().await;
    let done = receipt(&app, &code).await;
    assert_eq!((done.erased.events, done.erased.connections), (2002, 1), "{done:?}");
    assert_eq!(done.erased.files, 6, "a conversation each, the Page's own file, and three that lay about");
    assert!(done.done_at.is_some());
    for trace in ["secret", PAGE, "Demo Page"] {
        assert!(!app.is_on_disk(trace), "{trace} is still there");
    }
    assert!(!app.path(&format!("facebook/{PAGE}")).exists());

    // Neighbours notice nothing.
    assert_eq!(app.text(&file_of(OTHER_PAGE, SAM)), other);
    assert_eq!(app.connections("facebook").await.len(), 1);
    assert_eq!(
        app.json(&format!("{SHOP}/shop_products.json"))["data"]["products"]["edges"].as_array().unwrap().len(),
        1
    );
    // A body that was captured before brings nothing back.
    for some in texts.chunks(500) {
        deliver(&app, body_of(some)).await;
    }
    deliver(&app, &odd).await;
    rebuild(&app).await;
    assert!(!app.is_on_disk("secret"));
    app.finish().await;
}

#[tokio::test]
async fn an_erased_account_that_connects_again_starts_cleanly_and_is_whole_again() {
    let (app, browser) = with_two_pages().await;
    let sam = app.facebook.person(SAM, "Sam Doe");
    let page = app.page();
    page.deliver(&[page.message_from(&sam, "before")]).await.unwrap();
    app.settle().await;
    assert_eq!(app.said(SAM), ["before"]);
    ask(&app, account("facebook", PAGE)).await;
    app.settle().await;
    assert_eq!(app.conversation(SAM), None);
    // Of an account that nobody connected, what comes is kept apart.
    page.deliver(&[page.message_from(&sam, "between")]).await.unwrap();
    app.settle().await;
    assert_eq!(app.conversation(SAM), None);

    assert_eq!(browser.follow("/facebook/login").await.status, 200);
    app.settle().await;
    page.deliver(&[page.message_from(&sam, "after")]).await.unwrap();
    app.settle().await;
    assert_eq!(app.said(SAM), ["before", "between", "after"], "the platform still has what was said before");
    assert!(app.text(&format!("facebook/{PAGE}/page_metadata.json")).is_some());
    let app = app.restart().await;
    app.settle().await;
    assert_eq!(app.said(SAM), ["before", "between", "after"]);
    app.finish().await;
}

#[tokio::test]
async fn of_an_erased_person_no_byte_is_left_and_the_others_keep_every_byte() {
    let (app, _) = with_two_pages().await;
    let texts = many_texts(600);
    exchange(&app, &texts).await;
    let stranger = format!(r#"{{"sender":{{"id":"{KIM}"}},"recipient":{{"id":"{PAGE}"}},"odd":"secret-apart"}}"#);
    deliver(&app, body_of(&[&stranger])).await;
    let folder = app.path(&format!("facebook/{PAGE}/conversations"));
    std::fs::write(folder.join(format!("{KIM}.json.damaged-1")), "secret-damaged").unwrap();
    let sam = text_of(&app, SAM);
    // As if each of them were an echo of which it is not known whose it is.
    let doubtful =
        |sql: &'static str| app.journal_sql(move |journal| journal.query_row(sql, [], |row| row.get::<_, i64>(0)));
    doubtful("INSERT INTO feed_doubtful SELECT seq FROM events RETURNING seq");

    let code = ask(&app, person(KIM)).await;
    app.settle().await;
    let done = receipt(&app, &code).await;
    assert_eq!((done.erased.events, done.erased.files, done.what.as_str()), (301, 2, "person"), "{done:?}");
    assert_eq!(doubtful("SELECT count(*) FROM feed_doubtful WHERE seq NOT IN (SELECT seq FROM events)"), 0);
    for trace in [format!("m_{KIM}_1_secret"), "secret-apart".to_owned(), "secret-damaged".to_owned()] {
        assert!(!app.is_on_disk(&trace), "{trace} is still there");
    }
    assert_eq!(text_of(&app, SAM), sam);
    assert!(app.text(&file_of(OTHER_PAGE, KIM)).is_some(), "people are other people on another Page");
    assert_eq!(app.connections("facebook").await.len(), 2);

    for some in texts.chunks(500) {
        deliver(&app, body_of(some)).await;
    }
    let again = text_at(KIM, 10_000, "new");
    deliver(&app, body_of(&[&again])).await;
    rebuild(&app).await;
    assert_eq!(text_of(&app, KIM), document_of(&[again]));
    assert_eq!(text_of(&app, SAM), sam);
    app.finish().await;
}

#[tokio::test]
async fn a_read_under_way_is_cut_and_writes_nothing_back() {
    for scope in [account("shopify", SHOP), account("facebook", PAGE)] {
        let app = TestApp::start().await;
        app.shop().add_product("Green tea");
        app.connect().await;
        let sam = app.facebook.person(SAM, "Sam Doe");
        for number in 0..50 {
            app.page().message_from(&sam, &format!("secret {number}"));
        }
        let (channel, name) = scope.account();
        let path = if channel == "shopify" { "graphql" } else { "conversations" };
        let traffic = if channel == "shopify" { app.shopify.traffic() } else { app.facebook.traffic() };
        let asked = traffic.count(path);
        traffic.fail_next(path, 1, Failure::Hang);
        let now_ms = app.clock.now_ms();
        app.shared().journal.request_read(channel, name, ReadRequest::Everything, now_ms).await.unwrap();
        let erase = async {
            while traffic.count(path) == asked {
                tokio::task::yield_now().await;
            }
            let code = ask(&app, scope.clone()).await;
            app.work().await;
            code
        };
        let ((), code) = tokio::join!(app.work(), ended("the erasure", erase));
        app.settle().await;
        assert!(receipt(&app, &code).await.done_at.is_some());
        assert!(!app.is_on_disk("secret") && !app.is_on_disk(name), "{name} is back");
        app.finish().await;
    }
}

#[tokio::test]
async fn an_erasure_that_was_cut_off_goes_on_at_the_next_start() {
    // Each time it has come a step further.
    for steps in 0..4 {
        let (app, _) = with_two_pages().await;
        exchange(&app, &many_texts(300)).await;
        let (scope, code) = (account("facebook", PAGE), ask(&app, account("facebook", PAGE)).await);
        let journal = app.shared().journal.clone();
        let name = format!("erasure:{code}:1");
        if steps > 0 {
            journal.erase_events(&scope, &name).await.unwrap();
        }
        if steps > 1 {
            journal.erase_rows(&scope, &name).await.unwrap();
        }
        if steps > 2 {
            std::fs::remove_dir_all(app.path(&format!("facebook/{PAGE}/conversations"))).unwrap();
        }
        let app = app.restart().await;
        app.settle().await;
        let done = receipt(&app, &code).await;
        assert_eq!((done.done_at.is_some(), done.erased.events), (true, 300), "after {steps} steps: {done:?}");
        assert!(!app.is_on_disk("secret") && !app.is_on_disk(PAGE), "after {steps} steps");
        app.finish().await;
    }
}

#[tokio::test]
async fn an_erasure_that_fails_is_tried_again_until_it_is_done_and_somebody_is_told() {
    let Some(output) = Mount::memory("4m") else { return skipped("a read-only folder needs the right to mount") };
    let app = TestApp::start_with(|config| output.path().clone_into(&mut config.server.output_dir)).await;
    app.connect().await;
    deliver(&app, body_of(&many_texts(20))).await;
    let file = output.path().join(file_of(PAGE, SAM));
    output.remount("ro");
    let code = ask(&app, account("facebook", PAGE)).await;
    app.settle().await;
    assert_eq!((receipt(&app, &code).await.done_at, file.exists()), (None, true));
    let alerts = app.shared().alerts.list();
    assert!(alerts.iter().any(|alert| alert.cause == format!("erasure:{code}")), "{alerts:?}");
    output.remount("rw");
    app.clock.advance(Duration::from_secs(60));
    app.settle().await;
    assert_eq!((receipt(&app, &code).await.done_at.is_some(), file.exists()), (true, false));
    assert!(!app.is_on_disk("secret") && !app.is_on_disk(PAGE));
    assert_eq!(app.shared().alerts.list(), []);
    app.finish().await;
}

#[tokio::test]
async fn a_disconnected_account_loses_its_tokens_and_keeps_its_files() {
    let (app, browser) = with_two_pages().await;
    exchange(&app, &many_texts(10)).await;
    let before = text_of(&app, SAM);
    let erasure = app.shared().erasure.clone();
    assert!(erasure.disconnect("facebook", PAGE, CAUSE).await.unwrap());
    assert!(!erasure.disconnect("facebook", PAGE, CAUSE).await.unwrap(), "once is enough");
    app.settle().await;
    assert_eq!(text_of(&app, SAM), before);
    assert_eq!(app.connections("facebook").await.len(), 1);
    assert_eq!(erasure.former("facebook", PAGE).await.unwrap().unwrap().cause, CAUSE);
    let now_ms = app.clock.now_ms();
    app.shared().journal.request_read("facebook", PAGE, ReadRequest::Everything, now_ms).await.unwrap();
    let asked = app.facebook.traffic().count(PAGE);
    app.settle().await;
    assert_eq!(app.facebook.traffic().count(PAGE), asked, "it is not read any more");
    // With the last connection the sessions end.
    assert!(browser.get("/facebook/login").await.status.is_redirection());
    erasure.disconnect("facebook", OTHER_PAGE, CAUSE).await.unwrap();
    erasure.disconnect("shopify", SHOP, CAUSE).await.unwrap();
    assert_eq!(browser.get("/facebook/login").await.status, 401);
    app.finish().await;
}

#[tokio::test]
async fn a_shop_that_was_disconnected_comes_back_to_its_merchant() {
    let app = TestApp::start().await;
    let login = || async { app.browser().follow(&format!("/shopify/{SHOP}/login")).await.json()["user_uuid"].clone() };
    let first = login().await;
    app.settle().await;
    app.shared().erasure.disconnect("shopify", SHOP, CAUSE).await.unwrap();
    assert_eq!(login().await, first);
    assert_eq!(app.shared().erasure.former("shopify", SHOP).await.unwrap(), None);
    // Who was erased is nobody any more.
    app.settle().await;
    ask(&app, account("shopify", SHOP)).await;
    app.settle().await;
    assert_ne!(login().await, first);
    app.settle().await;
    app.finish().await;
}

/// Makes the journal longer than what is written anew at once.
fn make_journal_large(app: &TestApp) {
    let large = "INSERT INTO cursors (name, value) VALUES ('large', hex(zeroblob(40000000)))";
    app.journal_sql(|connection| connection.execute(large, []));
}

#[tokio::test]
async fn a_large_journal_is_written_anew_in_a_quiet_moment() {
    let (app, browser) = with_two_pages().await;
    deliver(&app, body_of(&many_texts(20))).await;
    make_journal_large(&app);
    let code = ask(&app, account("facebook", PAGE)).await;
    app.work().await;
    for second in 0..15 {
        deliver(&app, for_other_page(&body_of(&[text_at(SAM, 20_000 + second, "public")]))).await;
        app.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(receipt(&app, &code).await.done_at, None, "there was no quiet moment");
    assert_eq!(app.text(&file_of(PAGE, SAM)), None, "rows and files are gone");
    assert_eq!(browser.follow("/facebook/login").await.status, 200, "and it may be connected again");
    app.settle().await;
    app.clock.advance(Duration::from_secs(11));
    app.settle().await;
    assert!(receipt(&app, &code).await.done_at.is_some());
    assert!(!app.is_on_disk("secret"));
    app.finish().await;
}

#[tokio::test]
async fn a_large_journal_that_is_never_quiet_is_written_anew_after_half_a_day() {
    let (app, _) = with_two_pages().await;
    make_journal_large(&app);
    let code = ask(&app, account("facebook", PAGE)).await;
    for hour in 0..12 {
        assert_eq!(receipt(&app, &code).await.done_at, None, "{hour}");
        app.clock.advance(Duration::from_secs(60 * 60));
        deliver(&app, for_other_page(&body_of(&[text_at(SAM, 20_000 + hour, "public")]))).await;
    }
    assert!(receipt(&app, &code).await.done_at.is_some());
    app.finish().await;
}

#[tokio::test]
async fn somebody_is_told_of_an_erasure_that_is_not_done_after_twenty_hours() {
    let Some(output) = Mount::memory("4m") else { return skipped("a read-only folder needs the right to mount") };
    let app = TestApp::start_with(|config| output.path().clone_into(&mut config.server.output_dir)).await;
    app.connect().await;
    deliver(&app, body_of(&many_texts(20))).await;
    output.remount("ro");
    let code = ask(&app, account("facebook", PAGE)).await;
    let late = format!("erasure:{code}:late");
    for (hours, told) in [(19, false), (1, true)] {
        app.clock.advance(Duration::from_secs(hours * 60 * 60));
        app.settle().await;
        assert_eq!(app.shared().alerts.list().iter().any(|alert| alert.cause == late), told, "{hours}");
    }
    output.remount("rw");
    app.clock.advance(Duration::from_secs(11 * 60));
    app.settle().await;
    assert!(receipt(&app, &code).await.done_at.is_some());
    assert!(!app.shared().alerts.list().iter().any(|alert| alert.cause == late));
    app.finish().await;
}

/// How many rows of an account each table of a database has that names channel and account.
fn rows_of(path: &std::path::Path, channel: &str, account: &str) -> Vec<(String, i64)> {
    let connection = rusqlite::Connection::open(path).unwrap();
    let tables: Vec<String> = connection
        .prepare(
            "SELECT name FROM sqlite_schema WHERE type = 'table'
               AND 2 = (SELECT count(*) FROM pragma_table_info(sqlite_schema.name) WHERE name IN ('channel', 'account'))",
        )
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let count = |table: String| {
        let sql = format!("SELECT count(*) FROM \"{table}\" WHERE channel = ?1 AND account = ?2");
        let rows = connection.query_row(&sql, [channel, account], |row| row.get(0)).unwrap();
        (table, rows)
    };
    tables.into_iter().map(count).collect()
}

/// Gives every table that names channel and account, and has no such row, one: by copying a row or making one up.
fn fill(path: &std::path::Path, channel: &str, account: &str) {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    for (table, _) in rows_of(path, channel, account).into_iter().filter(|(_, rows)| *rows == 0) {
        let columns: Vec<(String, String)> = connection
            .prepare("SELECT name, type FROM pragma_table_info(?1)")
            .unwrap()
            .query_map([&table], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        let value = |(name, kind): &(String, String)| match (name.as_str(), kind.as_str()) {
            ("channel", _) => format!("'{channel}'"),
            ("account", _) => format!("'{account}'"),
            (_, "INTEGER") => "1".to_owned(),
            (_, "BLOB") => "x'00112233445566778899aabbccddeeff'".to_owned(),
            _ => "'7000000000000099'".to_owned(),
        };
        let values: Vec<String> = columns.iter().map(value).collect();
        connection.execute(&format!("INSERT INTO \"{table}\" VALUES ({})", values.join(", ")), []).unwrap();
    }
}

#[tokio::test]
async fn no_table_of_any_database_keeps_a_row_of_an_erased_account() {
    let (app, _) = with_two_pages().await;
    exchange(&app, &many_texts(20)).await;
    let config = app.config().server;
    let (journal, tokens) = (config.journal_db, config.tokens_db);
    fill(&journal, "facebook", PAGE);
    let filled = rows_of(&journal, "facebook", PAGE);
    assert!(filled.len() > 10 && filled.iter().all(|(_, rows)| *rows > 0), "{filled:?}");
    assert!(rows_of(&tokens, "facebook", PAGE).iter().any(|(table, rows)| table == "tokens" && *rows > 0));
    ask(&app, account("facebook", PAGE)).await;
    app.settle().await;
    for path in [&journal, &tokens] {
        for (table, rows) in rows_of(path, "facebook", PAGE) {
            assert_eq!(rows, 0, "{table}");
        }
    }
    app.finish().await;
}
