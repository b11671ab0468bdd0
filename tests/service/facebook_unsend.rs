//! What somebody took back is gone, whatever comes first and by whatever road; that it was said stays visible.

use std::time::Duration;

use serde_json::{Value, json};

use crate::journal_checks::{
    NOON_MS, SAM, body_of, delete_older_than, deliver, document_of, rebuild, text_at, text_of,
};
use crate::test_app::{PAGE, TestApp};
use shoptalk::shared::channel::read_request::ReadRequest;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn mid(after_ms: i64, text: &str) -> String {
    format!("m_{SAM}_{after_ms}_{text}")
}

/// SAM takes back what they said `after_ms` after noon.
fn unsend(after_ms: i64, text: &str, at_ms: i64) -> String {
    item(at_ms, &format!(r#""message":{{"mid":"{}","is_deleted":true}}"#, mid(after_ms, text)))
}

/// What is left of a text of `text_at`.
fn tombstone(after_ms: i64, text: &str) -> String {
    item(after_ms, &format!(r#""message":{{"mid":"{}","is_deleted":true}}"#, mid(after_ms, text)))
}

fn item(at_ms: i64, rest: &str) -> String {
    let time = NOON_MS + at_ms;
    format!(r#"{{"sender":{{"id":"{SAM}"}},"recipient":{{"id":"{PAGE}"}},"timestamp":{time},{rest}}}"#)
}

async fn connected() -> TestApp {
    let app = TestApp::start().await;
    app.connect().await;
    app
}

/// All that the journal holds, as text.
fn stored(app: &TestApp) -> String {
    let payloads: Vec<Vec<u8>> = app.journal_sql(|connection| {
        connection.prepare("SELECT payload FROM events")?.query_map([], |row| row.get(0))?.collect()
    });
    payloads.iter().map(|payload| String::from_utf8_lossy(payload).into_owned()).collect()
}

#[tokio::test]
async fn what_is_taken_back_leaves_a_tombstone_in_its_place() {
    let app = connected().await;
    let edit = item(2, &format!(r#""message_edit":{{"mid":"{}","text":"content anew","num_edit":1}}"#, mid(1, "b")));
    let secret = text_at(SAM, 1, "b").replace(
        r#""text":"b""#,
        r#""text":"content","attachments":[{"type":"image","payload":{"url":"https://cdn.example/content"}}]"#,
    );
    let before = [text_at(SAM, 0, "a"), secret, edit, text_at(SAM, 3, "c")];
    deliver(&app, body_of(&before)).await;
    assert_eq!(text_of(&app, SAM), document_of(&before));

    deliver(&app, body_of(&[unsend(1, "b", 4)])).await;
    let edit = item(2, &format!(r#""message_edit":{{"mid":"{}","num_edit":1,"is_deleted":true}}"#, mid(1, "b")));
    let mut after = vec![text_at(SAM, 0, "a"), tombstone(1, "b"), edit, text_at(SAM, 3, "c"), unsend(1, "b", 4)];
    assert_eq!(text_of(&app, SAM), document_of(&after));
    assert!(!stored(&app).contains("content"));

    // A repeat brings nothing back, and what follows is put behind.
    deliver(&app, body_of(&before)).await;
    deliver(&app, body_of(&[unsend(1, "b", 4)])).await;
    after.push(text_at(SAM, 5, "d"));
    deliver(&app, body_of(&after[5..])).await;
    assert_eq!(text_of(&app, SAM), document_of(&after));
    rebuild(&app).await;
    assert_eq!(text_of(&app, SAM), document_of(&after));
    let app = app.restart().await;
    app.work().await;
    rebuild(&app).await;
    assert_eq!(text_of(&app, SAM), document_of(&after));
    app.finish().await;
}

#[tokio::test]
async fn edits_without_a_number_or_beyond_all_are_taken_back_with_their_message() {
    let app = connected().await;
    let edit =
        |at_ms: i64, rest: &str| item(at_ms, &format!(r#""message_edit":{{"mid":"{}"{rest}}}"#, mid(1, "content")));
    let edits = [
        edit(2, r#","text":"content anew""#),
        edit(3, r#","text":"content once more""#),
        edit(4, r#","text":"content at last","num_edit":700"#),
    ];
    deliver(&app, body_of(&[text_at(SAM, 1, "content")])).await;
    deliver(&app, body_of(&edits)).await;
    deliver(&app, body_of(&edits)).await;
    let before = [&[text_at(SAM, 1, "content")], &edits[..]].concat();
    assert_eq!(text_of(&app, SAM), document_of(&before), "each stands once");
    deliver(&app, body_of(&[unsend(1, "content", 5)])).await;
    let after = [
        tombstone(1, "content"),
        edit(2, r#","is_deleted":true"#),
        edit(3, r#","is_deleted":true"#),
        edit(4, r#","num_edit":700,"is_deleted":true"#),
        unsend(1, "content", 5),
    ];
    assert_eq!(text_of(&app, SAM), document_of(&after));
    // One that comes late brings nothing back.
    deliver(&app, body_of(&[edit(6, r#","text":"content, late""#)])).await;
    assert!(!stored(&app).contains(r#""text""#));
    app.finish().await;
}

#[tokio::test]
async fn what_is_taken_back_before_it_comes_never_stands_anywhere() {
    let app = connected().await;
    // In one body, in two, and once the service was started anew.
    deliver(&app, body_of(&[unsend(1, "one", 10), text_at(SAM, 1, "one")])).await;
    deliver(&app, body_of(&[unsend(2, "two", 11)])).await;
    deliver(&app, body_of(&[text_at(SAM, 2, "two")])).await;
    deliver(&app, body_of(&[unsend(3, "three", 12)])).await;
    let app = app.restart().await;
    app.facebook.deliver_to(&format!("{}/facebook/webhook", app.url));
    deliver(&app, body_of(&[text_at(SAM, 3, "three")])).await;
    let all = [
        tombstone(1, "one"),
        tombstone(2, "two"),
        tombstone(3, "three"),
        unsend(1, "one", 10),
        unsend(2, "two", 11),
        unsend(3, "three", 12),
    ];
    assert_eq!(text_of(&app, SAM), document_of(&all));
    assert!(!stored(&app).contains(r#""text""#));
    app.finish().await;
}

#[tokio::test]
async fn a_poll_does_not_bring_back_what_was_taken_back() {
    let app = connected().await;
    let sam = app.facebook.person(SAM, "Sam Doe");
    let page = app.page();
    let said = page.message_from(&sam, "content");
    let id = said["message"]["mid"].as_str().unwrap().to_owned();
    // The platform still shows it when it is read; no webhook brought it before.
    let taken_back = json!({
        "sender": { "id": SAM }, "recipient": { "id": PAGE }, "timestamp": NOON_MS + 60_000,
        "message": { "mid": id, "is_deleted": true },
    });
    deliver(&app, body_of(&[taken_back.to_string()])).await;
    let now_ms = app.clock.now_ms();
    app.shared().journal.request_read("facebook", PAGE, ReadRequest::Everything, now_ms).await.unwrap();
    app.settle().await;
    let items: Vec<Value> = app.conversation(SAM).unwrap();
    assert_eq!(items.len(), 2, "{items:?}");
    assert!(items.iter().all(|item| item["message"] == json!({ "mid": id, "is_deleted": true })), "{items:?}");
    assert!(!stored(&app).contains("content"));
    app.finish().await;
}

#[tokio::test]
async fn what_stands_in_the_file_only_is_taken_back_there() {
    let app = connected().await;
    let mut items: Vec<String> = (0..10).map(|time| text_at(SAM, time, "old")).collect();
    deliver(&app, body_of(&items)).await;
    app.clock.advance(100 * DAY);
    let today = 100 * 24 * 60 * 60 * 1000;
    deliver(&app, body_of(&[text_at("7000000000000009", today, "of today")])).await;
    assert_eq!(delete_older_than(&app, 30).await, 10);
    for (number, restarted) in [(0, false), (4, true), (9, false)] {
        if restarted {
            rebuild(&app).await;
        }
        let taken_back = unsend(number, "old", today + number);
        deliver(&app, body_of(&[&taken_back])).await;
        items[usize::try_from(number).unwrap()] = tombstone(number, "old");
        items.push(taken_back);
        assert_eq!(text_of(&app, SAM), document_of(&items));
    }
    rebuild(&app).await;
    assert_eq!(text_of(&app, SAM), document_of(&items));
    deliver(&app, body_of(&[text_at(SAM, 4, "old")])).await;
    let app = app.restart().await;
    app.facebook.deliver_to(&format!("{}/facebook/webhook", app.url));
    items.push(text_at(SAM, today + 100, "new"));
    deliver(&app, body_of(&items[items.len() - 1..])).await;
    assert_eq!(text_of(&app, SAM), document_of(&items), "nothing counts as damaged");
    app.finish().await;
}

#[tokio::test]
async fn a_kill_while_a_file_is_changed_loses_neither_its_beginning_nor_the_change() {
    for file_was_replaced in [false, true] {
        let app = connected().await;
        let mut items: Vec<String> = (0..5).map(|time| text_at(SAM, time, "old")).collect();
        deliver(&app, body_of(&items)).await;
        app.clock.advance(100 * DAY);
        let today = 100 * 24 * 60 * 60 * 1000;
        deliver(&app, body_of(&[text_at("7000000000000009", today, "of today")])).await;
        assert_eq!(delete_older_than(&app, 30).await, 5);
        let old = text_of(&app, SAM);
        let beginning: (i64, Vec<u8>) = app.journal_sql(beginning_of);
        let taken_back = unsend(2, "old", today);
        deliver(&app, body_of(&[&taken_back])).await;
        let new: (i64, Vec<u8>) = app.journal_sql(beginning_of);
        items[2] = tombstone(2, "old");
        items.push(taken_back);
        // As it was in the middle: announced, and the file replaced or not.
        let file = app.path(&crate::journal_checks::file_of(PAGE, SAM));
        if !file_was_replaced {
            std::fs::write(&file, &old).unwrap();
        }
        app.journal_sql(|connection| {
            let transaction = connection.unchecked_transaction()?;
            let row = (PAGE, SAM, new.0, new.1);
            transaction.execute("INSERT INTO changing_beginnings VALUES ('facebook', ?1, ?2, ?3, ?4)", row)?;
            transaction.execute("UPDATE unsent SET in_file = 1 WHERE conversation = ?1", [SAM])?;
            transaction.execute(
                "UPDATE pruned_conversations SET bytes = ?1, hash = ?2 WHERE conversation = ?3",
                (beginning.0, beginning.1, SAM),
            )?;
            transaction.commit()
        });
        let app = app.restart().await;
        app.work().await;
        rebuild(&app).await;
        assert_eq!(text_of(&app, SAM), document_of(&items), "replaced: {file_was_replaced}");
        let left: i64 = app.journal_sql(|connection| {
            connection.query_row(
                "SELECT (SELECT count(*) FROM changing_beginnings) + (SELECT count(*) FROM unsent WHERE in_file)",
                [],
                |row| row.get(0),
            )
        });
        assert_eq!(left, 0);
        app.finish().await;
    }
}

fn beginning_of(connection: &rusqlite::Connection) -> rusqlite::Result<(i64, Vec<u8>)> {
    connection.query_row("SELECT bytes, hash FROM pruned_conversations WHERE conversation = ?1", [SAM], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
}

#[tokio::test]
async fn of_what_is_taken_back_no_byte_is_left_in_the_log_or_in_a_copy_moved_aside() {
    let app = connected().await;
    let secret = text_at(SAM, 1, "b").replace(r#""text":"b""#, r#""text":"unmistakable content""#);
    deliver(&app, body_of(&[text_at(SAM, 0, "a"), secret])).await;
    let aside = app.path(&format!("facebook/{PAGE}/conversations/{SAM}.json.damaged-1"));
    let others = app.path(&format!("facebook/{PAGE}/conversations/{SAM}0.json.damaged-1"));
    std::fs::write(&aside, "unmistakable content").unwrap();
    std::fs::write(&others, "of somebody else").unwrap();
    assert!(app.is_on_disk("unmistakable"));
    deliver(&app, body_of(&[unsend(1, "b", 4)])).await;
    assert!(!app.is_on_disk("unmistakable"));
    assert!(!aside.exists() && others.exists());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_that_nobody_waits_for_any_more_takes_nothing_out_of_a_file_that_is_changed_meanwhile() {
    const COUNT: i64 = 40;
    let app = connected().await;
    let mut items: Vec<String> = (0..COUNT).map(|time| text_at(SAM, time, "old")).collect();
    deliver(&app, body_of(&items)).await;
    app.clock.advance(100 * DAY);
    let today = 100 * 24 * 60 * 60 * 1000;
    deliver(&app, body_of(&[text_at("7000000000000009", today, "of today")])).await;
    assert_eq!(i64::try_from(delete_older_than(&app, 30).await).unwrap(), COUNT);
    for number in 0..COUNT {
        // Whoever asked for it goes away at ever another moment.
        let after = Duration::from_micros(u64::try_from(number).unwrap() * 150);
        let _ = tokio::time::timeout(after, rebuild(&app)).await;
        let taken_back = unsend(number, "old", today + number);
        deliver(&app, body_of(&[&taken_back])).await;
        items[usize::try_from(number).unwrap()] = tombstone(number, "old");
        items.push(taken_back);
        assert_eq!(text_of(&app, SAM), document_of(&items), "{number}");
    }
    app.finish().await;
}
