//! What a merchant sees of conversations: the list, the search, both sides of a thread, and texts of strangers.

use std::time::Duration;

use serde_json::{Value, json};

use crate::test_app::{Browser, PAGE, TestApp};

const SAM: &str = "7000000000000001";

/// 2026-11-21T12:00:00Z, where every test's clock begins.
const NOON_MS: i64 = 1_795_262_400_000;

fn list() -> String {
    format!("/conversations/facebook/{PAGE}")
}

fn thread(person: &str) -> String {
    format!("/conversations/facebook/{PAGE}/{person}")
}

/// A text that somebody wrote so many milliseconds after noon.
fn text_at(person: &str, after_ms: i64, text: &str) -> Value {
    json!({
        "sender": { "id": person }, "recipient": { "id": PAGE }, "timestamp": NOON_MS + after_ms,
        "message": { "mid": format!("m_{person}-{after_ms}"), "text": text },
    })
}

async fn deliver(app: &TestApp, items: &[Value]) {
    assert_eq!(app.page().deliver(items).await.unwrap(), Some(200));
    app.settle().await;
}

/// The people of a list in its order, by the addresses of their conversations.
fn people(page: &str) -> Vec<String> {
    let link = format!("href=\"{}/", list());
    page.split(&link).skip(1).map(|after| after.split(['"', '/', '#']).next().unwrap().to_owned()).collect()
}

/// The address of the link with this text.
fn link(page: &str, text: &str) -> Option<String> {
    let before = page.split(&format!(">{text}</a>")).next().filter(|before| before.len() < page.len())?;
    let href = before.rsplit("href=\"").next()?.split('"').next()?;
    Some(href.replace("&amp;", "&"))
}

async fn page(browser: &Browser, path: &str) -> String {
    let answer = browser.get(path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.text()
}

#[tokio::test]
async fn conversations_stand_newest_first_and_each_once_on_any_number_of_pages() {
    let app = TestApp::start().await;
    let browser = app.connect().await.for_pages();
    let person = |number: i64| format!("70000000000{number:05}");
    // Several at one time, so that pages end among them.
    let items: Vec<Value> = (0..120).map(|number| text_at(&person(number), number / 7, "hi")).collect();
    deliver(&app, &items).await;
    let (mut seen, mut path) = (Vec::new(), list());
    for _ in 0..5 {
        let shown = page(&browser, &path).await;
        seen.extend(people(&shown));
        match link(&shown, "Older conversations") {
            Some(next) => path = next,
            None => break,
        }
    }
    let mut expected: Vec<(i64, String)> = (0..120).map(|number| (number / 7, person(number))).collect();
    expected.sort();
    expected.reverse();
    let expected: Vec<String> = expected.into_iter().map(|(_, person)| person).collect();
    assert_eq!(seen, expected);
    // Who writes again stands first.
    deliver(&app, &[text_at(&person(3), 1_000_000, "me again")]).await;
    let shown = page(&browser, &list()).await;
    assert_eq!(people(&shown)[0], person(3));
    assert!(shown.contains("me again"), "{shown}");
    app.finish().await;
}

#[tokio::test]
async fn what_was_said_before_the_page_was_connected_counts_and_a_restart_counts_nothing_twice() {
    let app = TestApp::start().await;
    app.facebook.deliver_to(&format!("{}/facebook/webhook", app.url));
    let body = app.page().envelope(&[text_at(SAM, 1, "one"), text_at(SAM, 2, "two")]).to_string();
    assert_eq!(app.facebook.deliver_raw(body.as_bytes()).await.unwrap(), 200);
    app.settle().await;
    let browser = app.connect().await.for_pages();
    deliver(&app, &[text_at(SAM, 3, "three"), text_at(SAM, 3, "three")]).await;
    assert!(page(&browser, &thread(SAM)).await.contains("3 messages"));
    let app = app.restart().await;
    app.settle().await;
    let browser = app.connect().await.for_pages();
    assert!(page(&browser, &thread(SAM)).await.contains("3 messages"));
    app.finish().await;
}

#[tokio::test]
async fn who_writes_for_the_first_time_is_shown_by_name_soon_for_one_call() {
    let app = TestApp::start().await;
    let browser = app.connect().await.for_pages();
    let calls = || app.facebook.traffic().count("/conversations");
    let before = calls();
    let people = ["Sam Doe", "Ana Moreno", "Jörg Weiß"];
    for (number, name) in people.iter().enumerate() {
        let person = app.facebook.person(&format!("700000000000000{number}"), name);
        deliver(&app, &[app.page().message_from(&person, "Hi")]).await;
    }
    app.clock.advance(Duration::from_secs(15));
    app.settle().await;
    let shown = page(&browser, &list()).await;
    assert!(people.iter().all(|name| shown.contains(name)), "{shown}");
    assert_eq!(calls() - before, 1);

    // Whom the platform does not name is not asked for again with every message.
    for at in [1, 2] {
        deliver(&app, &[text_at("7000000000000009", at, "Who am I?")]).await;
        app.clock.advance(Duration::from_secs(60));
        app.settle().await;
    }
    assert_eq!(calls() - before, 2);
}

#[tokio::test]
async fn a_search_finds_people_by_name_and_id_and_messages_by_their_text() {
    let app = TestApp::start().await;
    let joerg = app.facebook.person("7000000000000003", "Jörg Weiß");
    app.page().message_from(&joerg, "Haben Sie Größe 44?");
    let browser = app.connect().await.for_pages();
    let sam = app.facebook.person(SAM, "Sam Doe");
    let sent = app.page().message_from(&sam, "Is the BLUE one in stock? 100%_sure");
    let mid = sent["message"]["mid"].as_str().unwrap().to_owned();
    deliver(&app, &[sent]).await;
    let search = async |words: &str| {
        let words: String = form_urlencoded::byte_serialize(words.as_bytes()).collect();
        people(&page(&browser, &format!("{}?q={words}", list())).await)
    };
    for words in [
        "jörg",
        "WEISS".to_lowercase().replace("ss", "ß").as_str(),
        "0003",
        "größe",
        "GRÖSSE".replace("SS", "ß").as_str(),
    ] {
        assert_eq!(search(words).await, ["7000000000000003"], "{words}");
    }
    for words in ["blue one", "100%_", SAM] {
        assert_eq!(search(words).await, [SAM], "{words}");
    }
    for words in ["green", "%", "100_", "<script>", "\\", "message"] {
        let found = search(words).await;
        assert_eq!(found, if words == "%" { vec![SAM.to_owned()] } else { Vec::new() }, "{words}");
    }
    // What was reworded or taken back is not found by what it said before.
    deliver(&app, &[app.page().edit(&sam, &mid, "Is the GREEN one in stock?")]).await;
    assert_eq!(search("blue one").await, [""; 0]);
    deliver(&app, &[app.page().unsend(&sam, &mid)]).await;
    assert_eq!(search("stock").await, [""; 0]);
    assert!(page(&browser, &list()).await.contains("Message unsent"));
    app.finish().await;
}

#[tokio::test]
async fn a_thread_shows_both_sides_and_what_became_of_each_message() {
    let app = TestApp::start().await;
    let browser = app.connect().await.for_pages();
    let (page_of, sam) = (app.page(), app.facebook.person(SAM, "Sam Doe"));
    let next = || app.clock.advance(Duration::from_secs(60));
    let question = page_of.message_from(&sam, "Is the blue one in stock?");
    next();
    let photo = page_of.attachment_from(&sam, "image", "https://cdn.example/1.jpg");
    next();
    let answer = page_of.reply_to(&sam, "Yes, 3 left.");
    next();
    let regretted = page_of.message_from(&sam, "my card number is 4111");
    next();
    let mid = |item: &Value| item["message"]["mid"].as_str().unwrap().to_owned();
    let reply = page_of.answer_from(&sam, "I take it", &mid(&answer));
    let items = [
        question.clone(),
        photo,
        answer.clone(),
        page_of.read_by(&sam),
        page_of.reaction_from(&sam, &mid(&answer), Some("love")),
        regretted.clone(),
        reply,
        page_of.edit(&sam, &mid(&question), "Is the GREEN one in stock?"),
        page_of.unsend(&sam, &mid(&regretted)),
        page_of.postback_from(&sam, "Get started", "GO"),
    ];
    deliver(&app, &items).await;
    let shown = page(&browser, &thread(SAM)).await;
    let text = shown.split("<ol class=\"messages\">").nth(1).unwrap();
    let position = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words} is not in {text}"));
    let order = [
        position("Saturday, 21 November 2026"),
        position("Is the GREEN one in stock?"),
        position(" · edited"),
        position("Photo"),
        position("Yes, 3 left."),
        position("\u{2764}"),
        position(" · read"),
        position("Message unsent"),
        position("I take it"),
        position("Pressed a button"),
        position("Get started"),
    ];
    assert!(order.is_sorted(), "{order:?} {text}");
    assert_eq!(text.matches("class=\"message account\"").count(), 1);
    assert!(text.contains("Answers: </span>Yes, 3 left.</blockquote>"), "{text}");
    assert!(!shown.contains("4111") && !shown.contains("blue one"), "{shown}");
    app.finish().await;
}

#[tokio::test]
async fn a_long_conversation_is_shown_in_parts_from_the_newest_on() {
    let app = TestApp::start().await;
    let browser = app.connect().await.for_pages();
    let items: Vec<Value> = (0..120).map(|number| text_at(SAM, number, &format!("message {number:03}."))).collect();
    deliver(&app, &items).await;
    let (mut seen, mut path) = (Vec::new(), thread(SAM));
    for _ in 0..5 {
        let shown = page(&browser, &path).await;
        let part: Vec<String> = shown.split("dir=\"auto\">message ").skip(1).map(|text| text[..3].to_owned()).collect();
        seen = part.into_iter().chain(seen).collect::<Vec<_>>();
        match link(&shown, "Earlier messages") {
            Some(next) => path = next,
            None => break,
        }
    }
    assert_eq!(seen, (0..120).map(|number| format!("{number:03}")).collect::<Vec<_>>());
    app.finish().await;
}

#[tokio::test]
async fn hostile_names_and_texts_are_harmless_and_the_page_stays_small() {
    let app = TestApp::start().await;
    let sam = app.facebook.person(SAM, "<img src=x onerror=alert(1)>\u{202e}");
    app.page().message_from(&sam, "</p></main><script>alert(1)</script>");
    let browser = app.connect().await.for_pages();
    let long = format!("{}THE-END", "x".repeat(100 * 1024));
    let mut items = Vec::new();
    for (number, text) in
        ["a\0b\u{1b}[31mc", "\u{200b}\u{202e}", "😀😀😀", "\u{202e}desrever", &long].iter().enumerate()
    {
        items.push(text_at(SAM, 1_000 + number as i64, text));
    }
    deliver(&app, &items).await;
    // Bytes that no string of a parsed document could hold.
    let raw = format!(
        r#"{{"object":"page","entry":[{{"id":"{PAGE}","time":1,"messaging":[{{"sender":{{"id":"{SAM}"}},"recipient":{{"id":"{PAGE}"}},"timestamp":{},"message":{{"mid":"m_half","text":"half \ud83d <b>"}}}}]}}]}}"#,
        NOON_MS + 2_000
    );
    assert_eq!(app.facebook.deliver_raw(raw.as_bytes()).await.unwrap(), 200);
    app.settle().await;
    let shown = page(&browser, &thread(SAM)).await;
    assert!(shown.len() < 30_000, "{} bytes", shown.len());
    assert!(
        !shown.contains("<script>alert")
            && !shown.contains("<img")
            && !shown.contains('\0')
            && !shown.contains('\u{1b}')
    );
    assert!(shown.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{shown}");
    assert!(shown.contains("half \u{fffd} &lt;b&gt;"), "{shown}");
    assert!(shown.contains("ab[31mc") && shown.contains("😀😀😀"));
    assert!(shown.contains("A message without visible text"));
    let title = shown.split("<title>").nth(1).unwrap().split('<').next().unwrap();
    assert!(!title.contains('\u{202e}') && title.starts_with("&lt;img"), "{title}");
    let whole = page(&browser, &link(&shown, "Show the whole message").unwrap()).await;
    assert!(whole.contains("THE-END") && whole.contains(&long));
    let listed = page(&browser, &list()).await;
    assert!(listed.contains("half \u{fffd}") && !listed.contains("<img"), "{listed}");
    app.finish().await;
}

#[tokio::test]
async fn wrong_places_in_addresses_are_no_errors() {
    let app = TestApp::start().await;
    let browser = app.connect().await.for_pages();
    deliver(&app, &[text_at(SAM, 1, "hi")]).await;
    for query in ["?after=x", "?after=1_", "?after=9999999999999999999_1", "?q=", "?q=%00", "?before=", "?after=0_0"] {
        let status = browser.get(&format!("{}{query}", list())).await.status.as_u16();
        assert!(matches!(status, 200 | 400), "{query}: {status}");
    }
    for query in ["?before=x", "?before=1_x", "?before=-5_0"] {
        assert_eq!(browser.get(&format!("{}{query}", thread(SAM))).await.status, 200, "{query}");
    }
    for path in ["7", "0", "..%2f", "%00", "7000000000000001/x", "7000000000000001/999999"] {
        assert_eq!(browser.get(&thread(path)).await.status, 404, "{path}");
    }
    app.finish().await;
}
