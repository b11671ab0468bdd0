//! Old events are deleted; nobody who reads the files may notice.

use std::time::Duration;

use serde_json::json;
use serde_json::value::RawValue;
use tokio::task::JoinSet;

use crate::journal_checks::{
    KIM, NOON_MS, OTHER_PAGE, SAM, body_of, delete_older_than, deliver, document_of, file_of, names, rebuild, text_at,
    text_of,
};
use crate::test_app::{PAGE, TestApp};
use crate::{whatsapp, whatsapp_webhook};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// The service with these conversations, 100 days old, and one event of today behind them.
async fn with_old(items: &[String]) -> TestApp {
    let app = TestApp::start().await;
    app.connect().await;
    for some in items.chunks(300) {
        deliver(&app, body_of(some)).await;
    }
    app.clock.advance(100 * DAY);
    deliver(&app, body_of(&[text_at("7000000000000009", 100 * DAY_MS, "of today")])).await;
    app
}

async fn restart(app: TestApp) -> TestApp {
    let app = app.restart().await;
    app.facebook.deliver_to(&format!("{}/facebook/webhook", app.url));
    app
}

/// What was moved aside, in order of names.
fn aside(app: &TestApp) -> Vec<String> {
    let folder = format!("facebook/{PAGE}/conversations");
    let damaged = names(app, &folder).into_iter().filter(|name| name.contains("damaged"));
    damaged.map(|name| app.text(&format!("{folder}/{name}")).unwrap()).collect()
}

#[tokio::test]
async fn old_events_are_deleted_and_the_files_keep_every_byte() {
    let mut sam: Vec<String> = (0..700).map(|time| text_at(SAM, time, "old")).collect();
    let kim: Vec<String> = (0..30).map(|time| text_at(KIM, time, "old")).collect();
    let app = with_old(&[sam.clone(), kim.clone()].concat()).await;
    let late = text_at(SAM, 100 * DAY_MS, "new");
    deliver(&app, body_of(&[&late])).await;
    sam.push(late);
    assert_eq!(app.counts().await.0, 732);
    assert_eq!(delete_older_than(&app, 100).await, 0, "none is older than a hundred days");
    assert_eq!(delete_older_than(&app, 30).await, 730);
    assert_eq!(app.counts().await, (2, 0, 0));
    assert_eq!(delete_older_than(&app, 30).await, 0);
    assert_eq!(text_of(&app, SAM), document_of(&sam));

    // A repeat of a deleted one changes nothing.
    deliver(&app, body_of(&sam[..100])).await;
    deliver(&app, body_of(&kim)).await;
    assert_eq!(app.counts().await.0, 2);

    // New ones are put behind, with what is remembered of the file and without.
    for restarted in [false, true] {
        let time = 100 * DAY_MS + 10 + i64::from(restarted);
        sam.push(text_at(SAM, time, "next"));
        deliver(&app, body_of(&sam[sam.len() - 1..])).await;
        assert_eq!(text_of(&app, SAM), document_of(&sam));
        // One that is older than all that was deleted stands behind it, and before what is left.
        let late = text_at(SAM, -1000 + i64::from(restarted), "late");
        deliver(&app, body_of(&[&late])).await;
        sam.insert(700 + usize::from(restarted), late);
        assert_eq!(text_of(&app, SAM), document_of(&sam));
    }
    let app = restart(app).await;
    sam.push(text_at(SAM, 100 * DAY_MS + 20, "after a restart"));
    deliver(&app, body_of(&sam[sam.len() - 1..])).await;
    assert_eq!(text_of(&app, SAM), document_of(&sam));
    rebuild(&app).await;
    assert_eq!(text_of(&app, SAM), document_of(&sam));
    assert_eq!(text_of(&app, KIM), document_of(&kim));
    assert_eq!(aside(&app), [""; 0]);

    // The rest becomes old too: the beginning grows.
    app.clock.advance(100 * DAY);
    deliver(&app, body_of(&[text_at("7000000000000009", 200 * DAY_MS, "of today")])).await;
    assert_eq!(delete_older_than(&app, 30).await, 7);
    assert_eq!(app.counts().await.0, 1);
    rebuild(&app).await;
    let receipt = format!(
        r#"{{"sender":{{"id":"{SAM}"}},"recipient":{{"id":"{PAGE}"}},"timestamp":{NOON_MS},"read":{{"watermark":1}}}}"#
    );
    deliver(&app, body_of(&[&receipt])).await;
    sam.push(receipt);
    assert_eq!(text_of(&app, SAM), document_of(&sam), "a receipt belongs to it, though all that opened it is deleted");
    app.finish().await;
}

#[tokio::test]
async fn a_deleted_conversation_whose_file_is_damaged_is_moved_aside_and_not_lost() {
    let items: Vec<String> = (0..10).map(|time| text_at(SAM, time, "old")).collect();
    let old = document_of(&items);
    for damage in [&old[..old.len() - 20], "", "[]", "[\n1\n]\n", &old.replace("old", "new")] {
        let app = with_old(&items).await;
        let mut rest = vec![text_at(SAM, 100 * DAY_MS, "left 1")];
        deliver(&app, body_of(&rest)).await;
        assert_eq!(delete_older_than(&app, 30).await, 10);
        std::fs::write(app.path(&file_of(PAGE, SAM)), damage).unwrap();
        // The clock stands still: what is moved aside must not be taken for the same.
        for number in 2..5 {
            rest.push(text_at(SAM, 100 * DAY_MS + number, &format!("left {number}")));
            deliver(&app, body_of(&rest[rest.len() - 1..])).await;
            assert_eq!(text_of(&app, SAM), document_of(&rest));
            rebuild(&app).await;
        }
        let app = restart(app).await;
        rest.insert(0, text_at(SAM, 5, "late"));
        deliver(&app, body_of(&rest[..1])).await;
        assert_eq!(text_of(&app, SAM), document_of(&rest));
        assert_eq!(aside(&app), [damage], "this one, and no other");
        // What is left can become old in its turn.
        app.clock.advance(100 * DAY);
        deliver(&app, body_of(&[text_at("7000000000000009", 200 * DAY_MS, "of today")])).await;
        delete_older_than(&app, 30).await;
        assert_eq!(app.counts().await.0, 1);
        rebuild(&app).await;
        assert_eq!(text_of(&app, SAM), document_of(&rest));
        app.finish().await;
    }
}

#[tokio::test]
async fn a_file_that_is_damaged_behind_what_was_deleted_is_made_whole() {
    let mut items: Vec<String> = (0..10).map(|time| text_at(SAM, time, "old")).collect();
    let app = with_old(&items).await;
    items.push(text_at(SAM, 100 * DAY_MS, "left"));
    deliver(&app, body_of(&items[10..])).await;
    assert_eq!(delete_older_than(&app, 30).await, 10);
    let torn = document_of(&items);
    let torn = &torn[..torn.len() - 5];
    std::fs::write(app.path(&file_of(PAGE, SAM)), torn).unwrap();
    rebuild(&app).await;
    assert_eq!(text_of(&app, SAM), document_of(&items));
    assert_eq!(aside(&app), [torn]);
    items.push(text_at(SAM, 100 * DAY_MS + 1, "next"));
    deliver(&app, body_of(&items[11..])).await;
    assert_eq!(text_of(&app, SAM), document_of(&items));
    app.finish().await;
}

#[tokio::test]
async fn a_deleted_conversation_whose_file_is_taken_away_goes_on_with_what_is_left() {
    let items: Vec<String> = (0..10).map(|time| text_at(SAM, time, "old")).collect();
    let app = with_old(&items).await;
    assert_eq!(delete_older_than(&app, 30).await, 10);
    std::fs::remove_file(app.path(&file_of(PAGE, SAM))).unwrap();
    rebuild(&app).await;
    assert_eq!(text_of(&app, SAM), "");
    let rest = [text_at(SAM, 100 * DAY_MS, "a"), text_at(SAM, 100 * DAY_MS + 1, "b")];
    for item in &rest {
        deliver(&app, body_of(&[item])).await;
        rebuild(&app).await;
    }
    assert_eq!(text_of(&app, SAM), document_of(&rest));
    assert_eq!(aside(&app), [""; 0]);
    app.finish().await;
}

#[tokio::test]
async fn a_file_that_was_damaged_before_is_written_again_before_its_events_are_deleted() {
    let items: Vec<String> = (0..10).map(|time| text_at(SAM, time, "old")).collect();
    let app = with_old(&items).await;
    std::fs::write(app.path(&file_of(PAGE, SAM)), "[\n]\n").unwrap();
    assert_eq!(delete_older_than(&app, 30).await, 0);
    std::fs::remove_file(app.path(&file_of(PAGE, SAM))).unwrap();
    assert_eq!(delete_older_than(&app, 30).await, 0);
    rebuild(&app).await;
    assert_eq!(text_of(&app, SAM), document_of(&items));
    assert_eq!(delete_older_than(&app, 30).await, 10);
    assert_eq!(text_of(&app, SAM), document_of(&items));
    app.finish().await;
}

#[tokio::test]
async fn what_stands_in_no_file_is_not_deleted() {
    let app = TestApp::start().await;
    app.facebook.add_page(OTHER_PAGE, "Other Page").set_ticked(false);
    app.connect().await;
    // Of a Page that nobody connected, of one whose file is in the way, and receipts without a conversation.
    let other = text_at(SAM, 0, "hi").replace(PAGE, OTHER_PAGE);
    deliver(&app, body_of(&[&other]).replace(PAGE, OTHER_PAGE)).await;
    let change = format!(
        r#"{{"object":"page","entry":[{{"id":"{OTHER_PAGE}","time":1795262400,"changes":[{{"field":"name","value":"New"}}]}}]}}"#
    );
    deliver(&app, change).await;
    std::fs::create_dir_all(app.path(&file_of(PAGE, SAM))).unwrap();
    let (sam, kim) = (text_at(SAM, 0, "hi"), text_at(KIM, 5, "hi"));
    let receipt = format!(
        r#"{{"sender":{{"id":"{KIM}"}},"recipient":{{"id":"{PAGE}"}},"timestamp":{NOON_MS},"read":{{"watermark":1}}}}"#
    );
    deliver(&app, body_of(&[&sam, &receipt])).await;
    app.clock.advance(100 * DAY);
    deliver(&app, body_of(&[text_at("7000000000000009", 100 * DAY_MS, "of today")])).await;
    // Only what came for the Page that nobody has connected in all this time.
    assert_eq!(delete_older_than(&app, 30).await, 2);
    assert_eq!(app.counts().await, (3, 0, 0));

    std::fs::remove_dir(app.path(&file_of(PAGE, SAM))).unwrap();
    deliver(&app, body_of(&[&kim])).await;
    app.facebook.page(OTHER_PAGE).unwrap().set_ticked(true);
    app.connect().await;
    assert_eq!(text_of(&app, SAM), document_of(&[&sam]));
    assert_eq!(text_of(&app, KIM), document_of(&[&receipt, &kim]));
    assert_eq!(app.text(&file_of(OTHER_PAGE, SAM)), None);
    // Now they may go: all but the newest, and the message of today.
    assert_eq!(delete_older_than(&app, 30).await, 2);
    assert_eq!(text_of(&app, KIM), document_of(&[&receipt, &kim]));
    app.finish().await;
}

#[tokio::test]
async fn the_newest_event_stays_so_that_no_number_is_given_twice() {
    let app = TestApp::start().await;
    app.connect().await;
    let newest = |app: &TestApp| -> (i64, i64) {
        app.journal_sql(|connection| {
            connection.query_row("SELECT max(seq), count(*) FROM events", [], |row| Ok((row.get(0)?, row.get(1)?)))
        })
    };
    let mut items: Vec<String> = (0..3).map(|time| text_at(SAM, time, "old")).collect();
    deliver(&app, body_of(&items)).await;
    app.clock.advance(100 * DAY);
    let before = newest(&app).0;
    assert_eq!(delete_older_than(&app, 0).await, 2);
    assert_eq!(newest(&app), (before, 1));
    let app = restart(app).await;
    for _ in 0..3 {
        items.push(text_at(SAM, 100 * DAY_MS + i64::try_from(items.len()).unwrap(), "new"));
        deliver(&app, body_of(&items[items.len() - 1..])).await;
    }
    assert_eq!(newest(&app), (before + 3, 4));
    assert_eq!(text_of(&app, SAM), document_of(&items));
    app.finish().await;
}

#[tokio::test]
async fn deliveries_go_on_while_old_events_are_deleted() {
    let people: Vec<String> = (0..20).map(|number| format!("70000000000001{number:02}")).collect();
    let mut items: Vec<Vec<String>> = Vec::new();
    for person in &people {
        items.push((0..100).map(|time| text_at(person, time, "old")).collect());
    }
    // Neighbours in the journal belong to different people.
    let mixed: Vec<String> = (0..100).flat_map(|at| items.iter().map(move |one| one[at].clone())).collect();
    let app = with_old(&mixed).await;
    let mut deliveries = JoinSet::new();
    for (person, items) in people.iter().zip(&mut items) {
        for time in 0..3 {
            let new = text_at(person, 100 * DAY_MS + time, "new");
            let (facebook, body) = (app.facebook.clone(), body_of(&[&new, &items[50]]));
            deliveries.spawn(async move { facebook.deliver_raw(body.as_bytes()).await.unwrap() });
            items.push(new);
        }
    }
    let (answers, deleted, ()) = tokio::join!(deliveries.join_all(), delete_older_than(&app, 30), app.work());
    assert_eq!(answers, [200; 60]);
    assert_eq!(deleted, 2000);
    app.settle().await;
    assert_eq!(app.counts().await, (61, 0, 0));
    for (person, items) in people.iter().zip(&items) {
        assert_eq!(text_of(&app, person), document_of(items));
        let file = text_of(&app, person);
        assert_eq!(serde_json::from_str::<Vec<&RawValue>>(&file).unwrap().len(), 103);
    }
    assert_eq!(aside(&app), [""; 0]);
    app.finish().await;
}

#[tokio::test]
async fn reports_stand_in_no_file_and_hold_up_nothing() {
    let app = whatsapp::start().await;
    let at = 1_795_219_200;
    let text = |number: u64| whatsapp_webhook::text(&format!("wamid.{number}"), at + number, "old");
    let status = |number: u64, person: &str| {
        json!({"id": format!("wamid.OUT{number}"), "status": "delivered", "timestamp": (at + number).to_string(),
               "recipient_user_id": person})
    };
    whatsapp::deliver_items(&app, "messages", &[text(1)]).await;
    whatsapp::deliver_items(&app, "statuses", &[status(2, whatsapp::ADA), status(3, "US.900000000000000009")]).await;
    whatsapp::deliver_items(&app, "messages", &[text(4)]).await;
    let file = format!("whatsapp/{}/conversations/{}.json", whatsapp::NUMBER, whatsapp::ADA);
    let before = app.text(&file).unwrap();
    app.clock.advance(100 * DAY);
    whatsapp::deliver_items(&app, "statuses", &[status(5, whatsapp::ADA)]).await;
    assert_eq!(app.counts().await.0, 5);
    assert_eq!(
        delete_older_than(&app, 30).await,
        4,
        "two entries and two reports, one of them of nobody who has a file"
    );
    assert_eq!(app.text(&file).unwrap(), before);
    // Nothing is told again, and what comes is put behind what is there.
    whatsapp::deliver_items(&app, "statuses", &[status(2, whatsapp::ADA)]).await;
    whatsapp::deliver_items(&app, "messages", &[text(1), text(6)]).await;
    assert_eq!(app.counts().await.0, 2);
    assert_eq!(whatsapp::ids(&app, whatsapp::ADA), ["wamid.1", "wamid.4", "wamid.6"]);
    app.finish().await;
}
