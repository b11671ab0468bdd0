//! What the journal takes, and what its consumers make of it when something is in the way.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use shoptalk::commands::Command;
use tokio::task::JoinSet;

use crate::journal_checks::{
    KIM, NOON_MS, SAM, body_of, deliver, document_of, file_of, names, rebuild, text_at, text_of, went_well,
};
use crate::test_app::{PAGE, SHOP, TestApp};

/// A message of Sam's with this text of JSON as its time.
fn timed(mid: &str, time: &str) -> String {
    format!(
        r#"{{"sender":{{"id":"{SAM}"}},"recipient":{{"id":"{PAGE}"}},{time}"message":{{"mid":"{mid}","text":"{mid}"}}}}"#
    )
}

/// A message of Sam's whose content is this text of JSON.
fn saying(time: i64, message: &str) -> String {
    let time = NOON_MS + time;
    format!(r#"{{"sender":{{"id":"{SAM}"}},"recipient":{{"id":"{PAGE}"}},"timestamp":{time},"message":{{{message}}}}}"#)
}

#[tokio::test]
async fn a_thousand_items_of_which_every_seventh_is_broken_cost_none_of_the_others() {
    let app = TestApp::start().await;
    app.connect().await;
    let broken = |number: i64| match number / 7 % 10 {
        0 => format!("{number}"),
        1 => format!("\"{number}\""),
        2 => format!("[{number}]"),
        3 => format!(r#"{{"nothing":{number}}}"#),
        4 => format!(r#"{{"message":{{"mid":"m_{number}","text":"from nobody"}}}}"#),
        5 => format!(r#"{{"sender":{number}.5,"recipient":[],"message":{{"mid":"m_{number}"}}}}"#),
        6 => format!(r#"{{"sender":{{"id":"../{number}"}},"message":{{"mid":"m_{number}"}}}}"#),
        7 => format!("{}{number}{}", "[".repeat(3_000), "]".repeat(3_000)),
        8 => text_at(SAM, number, "a byte that is no UTF-8: ?"),
        _ => format!(r#"{{"sender":{{"id":"{SAM}"}},"a_kind_of_the_future":{number}}}"#),
    };
    let person = |number: i64| if number % 2 == 0 { SAM } else { KIM };
    let items: Vec<String> = (0..1000)
        .map(|number| if number % 7 == 0 { broken(number) } else { text_at(person(number), number, "good") })
        .collect();
    let mut body = body_of(&items).into_bytes();
    for at in 0..body.len() {
        if body[at..].starts_with(b"UTF-8: ?") {
            body[at + 7] = 0xff;
        }
    }
    deliver(&app, &body).await;
    assert_eq!(app.counts().await, (1000, 143, 0));
    for who in [SAM, KIM] {
        let good: Vec<String> = (0..1000)
            .filter(|number| number % 7 != 0 && person(*number) == who)
            .map(|number| text_at(who, number, "good"))
            .collect();
        assert_eq!(text_of(&app, who), document_of(&good));
    }
    // The same again changes nothing, broken or not.
    deliver(&app, &body).await;
    assert_eq!(app.counts().await, (1000, 143, 0));
    app.finish().await;
}

#[tokio::test]
async fn an_item_that_names_nobody_does_not_stand_in_the_way_of_the_whole_one() {
    let app = TestApp::start().await;
    app.connect().await;
    let whole = saying(0, r#""mid":"m_1","text":"hi""#);
    let half = r#"{"message":{"mid":"m_1","text":"hi"}}"#;
    deliver(&app, body_of(&[half])).await;
    deliver(&app, body_of(&[half])).await;
    assert_eq!(app.counts().await, (1, 1, 0));
    deliver(&app, body_of(&[&whole])).await;
    assert_eq!(app.counts().await, (2, 1, 0));
    assert_eq!(text_of(&app, SAM), document_of(&[whole]));
    app.finish().await;
}

#[tokio::test]
async fn a_time_in_any_form_gives_a_place_and_costs_nothing() {
    let app = TestApp::start().await;
    app.connect().await;
    // In order of the time that each must be understood as. The entry's own time is noon.
    let in_order = [
        r#""timestamp":0,"#,
        r#""timestamp":"1000000000","#,
        r#""timestamp":1100000000.9,"#,
        r#""timestamp":1.2e12,"#,
        r#""timestamp":1795262399,"#,
        "",
        r#""timestamp":null,"#,
        r#""timestamp":-1,"#,
        r#""timestamp":-1795262400000,"#,
        r#""timestamp":99999999999999999999999999,"#,
        r#""timestamp":9223372036854775807,"#,
        r#""timestamp":1e999,"#,
        r#""timestamp":"soon","#,
        r#""timestamp":"","#,
        r#""timestamp":"NaN","#,
        r#""timestamp":"inf","#,
        r#""timestamp":true,"#,
        r#""timestamp":{"at":1},"#,
        r#""timestamp":"\ud83d","#,
        r#""timestamp":253402300800000,"#,
        r#""timestamp":1795262400001,"#,
        r#""timestamp":" 1795262400002 ","#,
        r#""timestamp":1795262400003.7,"#,
        r#""timestamp":1,"timestamp":1795262400004,"#,
        r#""timestamp":"1795262400005.0","#,
        r#""timestamp":1795262401,"#,
        r#""timestamp":4000000000000,"#,
        r#""timestamp":253402300799999,"#,
    ];
    let items: Vec<String> = in_order.iter().enumerate().map(|(at, time)| timed(&format!("m_{at}"), time)).collect();
    // Those with the entry's time keep their order of arrival, so only the others may come in another order.
    let no_time = 5..20;
    let mut sent: Vec<&String> = items[no_time.clone()].iter().collect();
    for (at, item) in items.iter().enumerate().filter(|(at, _)| !no_time.contains(at)) {
        sent.insert(at * 7 % sent.len(), item);
    }
    let inside = |item: &String| items[no_time.clone()].contains(item);
    let kept: Vec<&&String> = sent.iter().filter(|item| inside(item)).collect();
    assert!(kept.into_iter().copied().eq(items[no_time.clone()].iter()));
    for some in sent.chunks(9) {
        deliver(&app, body_of(some)).await;
    }
    assert_eq!(text_of(&app, SAM), document_of(&items));
    assert_eq!(app.counts().await.1, 0);
    app.finish().await;
}

#[tokio::test]
async fn a_time_is_that_of_arrival_where_the_platform_gives_none() {
    let app = TestApp::start().await;
    app.connect().await;
    let bare = |item: &str| format!(r#"{{"object":"page","entry":[{{"id":"{PAGE}","messaging":[{item}]}}]}}"#);
    let (first, second) = (timed("m_1", ""), timed("m_2", ""));
    deliver(&app, bare(&first)).await;
    app.clock.advance(Duration::from_secs(60));
    deliver(&app, bare(&second)).await;
    // After both by its own time, before the second by its arrival.
    let between = timed("m_3", &format!("\"timestamp\":{},", app.clock.now_ms() - 30_000));
    deliver(&app, bare(&between)).await;
    assert_eq!(text_of(&app, SAM), document_of(&[first, between, second]));
    app.finish().await;
}

#[tokio::test]
async fn odd_content_is_filed_byte_for_byte_and_recognised_when_it_comes_again() {
    let app = TestApp::start().await;
    app.connect().await;
    let long = "m".repeat(10 * 1024);
    let deep = format!("{}{}", "{\"a\":[".repeat(45), "]}".repeat(45));
    let contents = [
        format!(r#""mid":"{long}","text":"a long id""#),
        format!(r#""mid":"{long}2","text":"another long id""#),
        format!(r#""mid":"m_deep","x":{deep}"#),
        r#""mid":"m_\ud83d","text":"half a pair \udc00""#.to_owned(),
        r#""mid":"m_\u0000","text":"\u0000""#.to_owned(),
        r#""mid":"m_\u0000\u0000","text":"\u0000\u0000""#.to_owned(),
        r#""mid":9007199254740993,"text":"an id that is a number""#.to_owned(),
        r#""mid":9007199254740992,"text":"its neighbour""#.to_owned(),
        r#""mid":"m_first","mid":"m_twice","text":"the last one counts""#.to_owned(),
        r#""mid":"m_first","text":"the id that did not count is free""#.to_owned(),
        r#""mid":"m_\ud83d\ude00","\ud83d":1,"n":-0.0,"m":1E400"#.to_owned(),
        r#""text":"no id at all""#.to_owned(),
        r#""mid":null,"text":"an id that is null""#.to_owned(),
        r#""mid":{"a":1},"text":"an id that is an object""#.to_owned(),
        r#""mid":"","text":"an empty id""#.to_owned(),
    ];
    let mut items: Vec<String> =
        contents.iter().enumerate().map(|(at, content)| saying(i64::try_from(at).unwrap(), content)).collect();
    let time = NOON_MS + 50;
    items.push(format!(
        r#"{{"sender":{{"id":"1"}},"sender":{{"id":"{SAM}"}},"recipient":{{"id":"{PAGE}"}},"timestamp":{time},"message":{{"mid":"m_a"}},"message":{{"mid":"m_b"}}}}"#
    ));
    items.push(format!(
        r#"{{"sender":{{"id":{SAM}}},"recipient":{{"id":{PAGE}}},"timestamp":{time},"message":{{"mid":"m_a","is_deleted":false}}}}"#
    ));
    deliver(&app, body_of(&items)).await;
    assert_eq!(text_of(&app, SAM), document_of(&items));
    let count = i64::try_from(items.len()).unwrap();
    assert_eq!(app.counts().await, (count, 0, 0));
    for item in &items {
        deliver(&app, body_of(&[item])).await;
    }
    assert_eq!(app.counts().await, (count, 0, 0));
    rebuild(&app).await;
    assert_eq!(text_of(&app, SAM), document_of(&items));
    app.finish().await;
}

#[tokio::test]
async fn deliveries_of_both_platforms_fifty_times_at_once_are_each_one() {
    let app = TestApp::start().await;
    app.connect().await;
    let items = [text_at(SAM, 0, "one"), text_at(KIM, 1, "two")];
    let product = app.shop().add_product("Green tea").webhook().to_string();
    let address = format!("{}/shopify/webhook", app.url);
    let mut deliveries = JoinSet::new();
    for _ in 0..50 {
        let (facebook, body) = (app.facebook.clone(), body_of(&items));
        deliveries.spawn(async move { facebook.deliver_raw(body.as_bytes()).await.unwrap() });
        let (shop, address, product) = (app.shop(), address.clone(), product.clone());
        deliveries.spawn(async move {
            let id = [("X-Shopify-Webhook-Id", Some("b54557e4-bdd9-4b37-8a5f-bf7d70bcd043"))];
            shop.deliver_to(&address, "products/create", product.as_bytes(), &id).await.unwrap()
        });
    }
    let (answers, ()) = tokio::join!(deliveries.join_all(), app.work());
    assert_eq!(answers, [200; 100]);
    app.settle().await;
    assert_eq!(app.counts().await, (3, 0, 0));
    assert_eq!(text_of(&app, SAM), document_of(&items[..1]));
    assert_eq!(text_of(&app, KIM), document_of(&items[1..]));
    app.finish().await;
}

#[tokio::test]
async fn what_is_set_apart_is_counted_and_flows_in_later_on_both_platforms() {
    let app = TestApp::start().await;
    app.facebook.deliver_to(&format!("{}/facebook/webhook", app.url));
    let items = [text_at(SAM, 1, "one"), text_at(SAM, 2, "two")];
    let unreadable = "17";
    deliver(&app, body_of(&[&items[1], unreadable])).await;
    let address = format!("{}/shopify/webhook", app.url);
    let product = app.shop().add_product("Green tea").webhook().to_string();
    assert_eq!(app.shop().deliver_to(&address, "products/create", product.as_bytes(), &[]).await.unwrap(), 200);
    app.settle().await;
    assert_eq!(app.counts().await, (3, 3, 0));
    let app = app.restart().await;
    app.facebook.deliver_to(&format!("{}/facebook/webhook", app.url));
    deliver(&app, body_of(&items)).await;
    assert_eq!(app.counts().await, (4, 4, 0));
    // One event alone cannot be talked into a file either.
    assert!(!went_well(&app.command(Command::Replay { event: Some(1), since_ms: None }).await));
    assert_eq!(text_of(&app, SAM), "");
    app.connect().await;
    assert_eq!(app.counts().await, (4, 1, 0));
    assert_eq!(text_of(&app, SAM), document_of(&items));
    app.finish().await;
}

/// What is noted of the conversation whose file could not be written: attempts, the next one, parked, why.
fn unfiled(app: &TestApp) -> Option<(i64, i64, bool, String)> {
    let rows: Vec<(i64, i64, bool, String)> = app.journal_sql(|connection| {
        connection
            .prepare("SELECT attempts, next_at, parked, coalesce(reason, '') FROM unfiled")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
            .collect()
    });
    assert!(rows.len() <= 1);
    rows.into_iter().next()
}

#[tokio::test]
async fn a_file_that_cannot_be_written_stops_no_other_and_is_tried_until_it_is_parked() {
    let app = TestApp::start().await;
    app.connect().await;
    let obstacle = app.path(&file_of(PAGE, SAM));
    std::fs::create_dir_all(&obstacle).unwrap();
    let (sam, kim) = (text_at(SAM, 0, "hi"), text_at(KIM, 1, "hello"));
    deliver(&app, body_of(&[&sam, &kim])).await;
    assert_eq!(text_of(&app, KIM), document_of(&[&kim]));
    let mut pauses = Vec::new();
    for attempt in 1..8 {
        let (attempts, next_at, parked, reason) = unfiled(&app).unwrap();
        assert_eq!((attempts, parked), (attempt, false));
        assert!(reason.contains("no file"), "{reason}");
        let pause = next_at - app.clock.now_ms();
        pauses.push(pause);
        app.clock.advance(Duration::from_millis(u64::try_from(pause).unwrap() - 1));
        app.work().await;
        assert_eq!(unfiled(&app).unwrap().0, attempt, "not before its time");
        app.clock.advance(Duration::from_millis(1));
        app.work().await;
    }
    assert!(pauses.is_sorted() && pauses[0] > 0 && pauses[6] > pauses[0], "{pauses:?}");
    let (attempts, _, parked, reason) = unfiled(&app).unwrap();
    assert_eq!((attempts, parked), (8, true));
    assert!(reason.contains("no file"), "{reason}");
    assert_eq!(app.counts().await.2, 1);
    // From now on it is left alone, over a restart too, until someone says replay.
    app.clock.advance(Duration::from_secs(24 * 3600));
    app.work().await;
    assert_eq!(unfiled(&app).unwrap().0, 8);
    let app = app.restart().await;
    app.facebook.deliver_to(&format!("{}/facebook/webhook", app.url));
    let more = text_at(KIM, 2, "again");
    deliver(&app, body_of(&[&more])).await;
    assert_eq!(text_of(&app, KIM), document_of(&[&kim, &more]));
    assert!(went_well(&app.command(Command::Replay { event: None, since_ms: None }).await));
    app.work().await;
    assert_eq!(unfiled(&app).unwrap().0, 1, "the obstacle is still there");
    std::fs::remove_dir(&obstacle).unwrap();
    app.clock.advance(Duration::from_secs(3600));
    app.work().await;
    assert_eq!(unfiled(&app), None);
    assert_eq!(text_of(&app, SAM), document_of(&[&sam]));
    app.finish().await;
}

#[tokio::test]
async fn what_was_parked_is_no_longer_once_its_file_is_whole() {
    let app = TestApp::start().await;
    app.connect().await;
    let obstacle = app.path(&file_of(PAGE, SAM));
    std::fs::create_dir_all(&obstacle).unwrap();
    let items = [text_at(SAM, 0, "hi"), text_at(SAM, 1, "again"), text_at(SAM, 2, "and again")];
    deliver(&app, body_of(&items[..1])).await;
    for _ in 0..8 {
        app.clock.advance(Duration::from_secs(3600));
        app.work().await;
    }
    assert_eq!(app.counts().await.2, 1);
    deliver(&app, body_of(&items[1..2])).await;
    assert_eq!(app.counts().await.2, 1);
    std::fs::remove_dir(&obstacle).unwrap();
    deliver(&app, body_of(&items[2..])).await;
    assert_eq!(text_of(&app, SAM), document_of(&items));
    assert_eq!(app.counts().await.2, 0);
    app.finish().await;
}

/// The numbers of all events in the journal.
fn numbers(app: &TestApp) -> Vec<i64> {
    app.journal_sql(|connection| {
        connection.prepare("SELECT seq FROM events ORDER BY seq")?.query_map([], |row| row.get(0))?.collect()
    })
}

#[tokio::test]
async fn one_event_is_replayed_by_its_number() {
    let app = TestApp::start().await;
    app.connect().await;
    let items = [text_at(SAM, 0, "hi"), text_at(KIM, 1, "hello")];
    deliver(&app, body_of(&items)).await;
    let product = app.shop().add_product("Green tea").webhook();
    app.shop().deliver("products/create", &product).await;
    app.settle().await;
    let numbers = numbers(&app);
    assert_eq!(numbers.len(), 3);
    for person in [SAM, KIM] {
        std::fs::remove_file(app.path(&file_of(PAGE, person))).unwrap();
    }
    assert!(went_well(&app.command(Command::Replay { event: Some(numbers[0]), since_ms: None }).await));
    app.settle().await;
    assert_eq!(text_of(&app, SAM), document_of(&items[..1]));
    assert_eq!(text_of(&app, KIM), "", "no other is touched");
    let asked = app.shopify.traffic().received().len();
    assert!(went_well(&app.command(Command::Replay { event: Some(numbers[2]), since_ms: None }).await));
    app.settle().await;
    assert!(app.shopify.traffic().received().len() > asked, "the product is read again");
    let before = app.counts().await;
    for event in [0, -1, numbers[2] + 1, i64::MAX] {
        assert!(!went_well(&app.command(Command::Replay { event: Some(event), since_ms: None }).await));
    }
    assert_eq!(app.counts().await, before);
    app.finish().await;
}

/// All files below the folder of the Page, with their content.
fn files(app: &TestApp) -> BTreeMap<String, Vec<u8>> {
    let folder = format!("facebook/{PAGE}/conversations");
    let mut files: BTreeMap<String, Vec<u8>> = names(app, &folder)
        .into_iter()
        .map(|name| (name.clone(), std::fs::read(app.path(&format!("{folder}/{name}"))).unwrap()))
        .collect();
    let metadata = std::fs::read(app.path(&format!("facebook/{PAGE}/page_metadata.json"))).unwrap();
    files.insert("page_metadata.json".to_owned(), metadata);
    files
}

#[tokio::test]
async fn files_made_anew_are_the_same_whatever_was_there_before() {
    let app = TestApp::start().await;
    app.connect().await;
    for time in [4, 1, 3, 2] {
        deliver(&app, body_of(&[text_at(SAM, time, "a"), text_at(KIM, time / 2, "b"), saying(9, r#""mid":"m_9""#)]))
            .await;
    }
    let whole = files(&app);
    assert_eq!(whole.len(), 3);
    rebuild(&app).await;
    assert_eq!(files(&app), whole, "over what is there");
    std::fs::remove_dir_all(app.path("facebook")).unwrap();
    rebuild(&app).await;
    assert_eq!(files(&app), whole, "from nothing");
    let (file, other) = (app.path(&file_of(PAGE, SAM)), app.path(&file_of(PAGE, KIM)));
    std::fs::write(&other, "[]").unwrap();
    let damages: [&[u8]; 5] = [b"", b"[", b"{}", b"\xff\xff", b"[1,2]garbage"];
    for damage in damages {
        std::fs::write(&file, damage).unwrap();
        rebuild(&app).await;
    }
    let mut after = files(&app);
    let aside: Vec<Vec<u8>> =
        after.extract_if(.., |name, _| name.contains("damaged")).map(|(_, content)| content).collect();
    assert_eq!(after, whole, "over damaged ones");
    assert!(damages.iter().all(|damage| aside.iter().any(|content| content == damage)), "{aside:?}");
    app.finish().await;
}

#[tokio::test]
async fn a_damaged_file_is_moved_aside_when_the_next_message_comes() {
    let app = TestApp::start().await;
    app.connect().await;
    let items = [text_at(SAM, 0, "hi"), text_at(SAM, 1, "again"), text_at(SAM, 2, "more")];
    deliver(&app, body_of(&items[..1])).await;
    std::fs::write(app.path(&file_of(PAGE, SAM)), "[{\"torn").unwrap();
    deliver(&app, body_of(&items[1..2])).await;
    assert_eq!(text_of(&app, SAM), document_of(&items[..2]));
    let beside: Vec<String> = names(&app, &format!("facebook/{PAGE}/conversations"));
    assert_eq!(beside.len(), 2, "{beside:?}");
    let aside = app.text(&format!("facebook/{PAGE}/conversations/{}", beside[1])).unwrap();
    assert_eq!(aside, "[{\"torn");
    // A file that was taken away is made anew with its next message.
    std::fs::remove_file(app.path(&file_of(PAGE, SAM))).unwrap();
    deliver(&app, body_of(&items[2..])).await;
    assert_eq!(text_of(&app, SAM), document_of(&items));
    app.finish().await;
}

#[tokio::test]
async fn a_long_conversation_is_continued_and_takes_a_late_message_in_its_place() {
    let app = TestApp::start().await;
    app.connect().await;
    let mut items: Vec<String> = (0..3000).map(|number| text_at(SAM, number * 10, "x")).collect();
    for some in items.chunks(1000) {
        deliver(&app, body_of(some)).await;
    }
    assert_eq!(text_of(&app, SAM), document_of(&items));
    for time in [30_000, 30_000, 30_010] {
        items.push(text_at(SAM, time, &format!("next {}", items.len())));
        deliver(&app, body_of(&items[items.len() - 1..])).await;
        assert_eq!(text_of(&app, SAM), document_of(&items));
    }
    let late = text_at(SAM, 15_005, "late");
    deliver(&app, body_of(&[&late])).await;
    items.insert(1501, late);
    assert_eq!(text_of(&app, SAM), document_of(&items));
    // As late as one that is there already: behind it, for it came later.
    let beside = text_at(SAM, 20, "beside");
    deliver(&app, body_of(&[&beside])).await;
    items.insert(3, beside);
    assert_eq!(text_of(&app, SAM), document_of(&items));
    // Late ones and a new one together; one before all others; and a second one before the last, from where the first left off.
    let both = [text_at(SAM, 29_995, "late"), text_at(SAM, 30_020, "new"), text_at(SAM, 29_985, "later")];
    deliver(&app, body_of(&both.each_ref())).await;
    let [late, new, later] = both;
    items.push(new);
    items.insert(3001, later);
    items.insert(3003, late);
    assert_eq!(text_of(&app, SAM), document_of(&items));
    items.insert(0, text_at(SAM, -10, "first of all"));
    deliver(&app, body_of(&items[..1])).await;
    assert_eq!(text_of(&app, SAM), document_of(&items));
    let last = items.len() - 1;
    items.insert(last, text_at(SAM, 30_015, "before the last"));
    deliver(&app, body_of(&items[last..=last])).await;
    assert_eq!(text_of(&app, SAM), document_of(&items));
    let app = app.restart().await;
    app.facebook.deliver_to(&format!("{}/facebook/webhook", app.url));
    items.push(text_at(SAM, 30_020, "after a restart"));
    deliver(&app, body_of(&items[items.len() - 1..])).await;
    assert_eq!(text_of(&app, SAM), document_of(&items));
    app.finish().await;
}

#[tokio::test]
async fn what_was_parked_flows_in_when_the_account_connects_again() {
    let app = TestApp::start().await;
    app.connect().await;
    let obstacle = app.path(&file_of(PAGE, SAM));
    std::fs::create_dir_all(&obstacle).unwrap();
    let items = [text_at(SAM, 0, "hi"), text_at(SAM, 1, "meanwhile")];
    deliver(&app, body_of(&items[..1])).await;
    for _ in 0..8 {
        app.clock.advance(Duration::from_secs(3600));
        app.work().await;
    }
    let journal = app.shared().journal.clone();
    journal.disconnect_account("facebook", PAGE);
    std::fs::remove_dir(&obstacle).unwrap();
    deliver(&app, body_of(&items[1..])).await;
    assert_eq!(app.counts().await, (2, 1, 1));
    journal.connect_account("facebook", PAGE).await.unwrap();
    app.work().await;
    assert_eq!(app.counts().await, (2, 0, 0));
    assert_eq!(text_of(&app, SAM), document_of(&items));
    app.finish().await;
}

#[tokio::test]
async fn a_product_event_that_cannot_be_read_is_set_apart_and_the_next_one_is_taken() {
    let app = TestApp::start().await;
    app.connect().await;
    let address = format!("{}/shopify/webhook", app.url);
    let shop = app.shop();
    let deep = format!("{{\"id\":1,\"x\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    for (body, apart) in [
        (&b"{\"id\":1"[..], 1),
        (b"\xff", 2),
        (b"[{\"id\":1}]", 3),
        (b"", 4),
        (deep.as_bytes(), 5),
        (b"{\"id\":1,\"id\":900719925474099312345678901234567890}", 5),
        (br#"{"id":"\ud83d","title":"\u0000"}"#, 5),
        (br#"{"id":-1}"#, 5),
        (json!({"id": "../../x"}).to_string().as_bytes(), 5),
    ] {
        assert_eq!(shop.deliver_to(&address, "products/update", body, &[]).await.unwrap(), 200);
        app.settle().await;
        assert_eq!(app.counts().await.1, apart, "{:?}", &body[..body.len().min(40)]);
    }
    assert_eq!(names(&app, SHOP), ["shop_metadata.json", "shop_products.json"]);
    app.finish().await;
}
