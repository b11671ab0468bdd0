//! Events as a stream, and readers that wait.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shoptalk::shared::store::api_keys::Scope;

use crate::api_keys::{Bot, is_problem};
use crate::feed::{deliver_and_settle, events, sam, start};
use crate::test_app::{Answer, TestApp};

const STREAM: (&str, &str) = ("accept", "text/event-stream");

/// A stream that is read.
struct Reader {
    response: reqwest::Response,
    text: String,
}

impl Reader {
    async fn open(bot: &Bot, query: &str, headers: &[(&str, &str)]) -> Self {
        let response = bot.open(&format!("/api/v1/events?{query}"), &[&[STREAM], headers].concat()).await;
        assert_eq!(response.status(), 200);
        Self { response, text: String::new() }
    }

    /// The next block: what stands before an empty line; `None`: the stream has ended.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let block = block.to_owned();
                self.text = rest.to_owned();
                return Some(block);
            }
            let chunk = self.response.chunk().await.ok().flatten()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next event: its id, kind and data.
    async fn event(&mut self) -> Option<(i64, String, Value)> {
        loop {
            let block = self.block().await?;
            let field = |name: &str| {
                let lines: Vec<&str> = block.lines().filter_map(|line| line.strip_prefix(name)).collect();
                assert!(lines.len() < 2, "{block}");
                lines.first().map(|line| (*line).to_owned())
            };
            if let Some(data) = field("data: ") {
                let id = field("id: ").unwrap().parse().unwrap();
                return Some((id, field("event: ").unwrap(), serde_json::from_str(&data).unwrap()));
            }
        }
    }

    async fn ends_within(&mut self, time: Duration) {
        let end = async { while self.block().await.is_some() {} };
        assert!(tokio::time::timeout(time, end).await.is_ok(), "the stream goes on");
    }
}

async fn whole(response: reqwest::Response) -> Answer {
    Answer {
        status: response.status(),
        headers: response.headers().clone(),
        url: response.url().clone(),
        body: response.bytes().await.unwrap().to_vec(),
    }
}

#[tokio::test]
async fn a_stream_shows_the_same_events_with_the_same_numbers() {
    let (app, bot) = start().await;
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "one")).await;
    let mut reader = Reader::open(&bot, "after=0", &[]).await;
    let headers = reader.response.headers().clone();
    assert_eq!(headers["content-type"], "text/event-stream");
    assert_eq!(headers["x-accel-buffering"], "no");
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(reader.block().await.unwrap(), "retry: 2000");
    let (id, kind, data) = reader.event().await.unwrap();
    assert_eq!((id, kind.as_str(), &data["text"]), (1, "message", &json!("one")));
    assert_eq!(data, events(&bot, "after=0").await[0]);
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "line\nbreak \u{2028}")).await;
    let (id, _, data) = reader.event().await.unwrap();
    assert_eq!((id, &data["text"]), (2, &json!("line\nbreak \u{2028}")));
    drop(reader);
    // Last-Event-ID wins over both other ways to name a place.
    let mut reader = Reader::open(&bot, "after=2&cursor=x", &[("last-event-id", "1")]).await;
    assert_eq!(reader.event().await.unwrap().0, 2);
    let mut reader = Reader::open(&bot, "types=echo&after=0", &[]).await;
    deliver_and_settle(&app, app.page().reply_to(&sam(&app), "three")).await;
    let (id, kind, _) = reader.event().await.unwrap();
    assert_eq!((id, kind.as_str()), (3, "echo"));
    drop(reader);
    for (query, headers) in [("after=99", vec![STREAM]), ("", vec![STREAM, ("last-event-id", "99")])] {
        let answer = whole(bot.open(&format!("/api/v1/events?{query}"), &headers).await).await;
        is_problem(&answer, 410, "cursor-expired");
    }
    let answer = whole(bot.open("/api/v1/events", &[STREAM, ("last-event-id", "x")]).await).await;
    is_problem(&answer, 422, "invalid");
    app.finish().await;
}

#[tokio::test]
async fn a_quiet_stream_says_something_now_and_then() {
    let limits = shoptalk::shared::server::limits::Limits::default();
    assert_eq!((limits.stream_comment, limits.stream_behind), (Duration::from_secs(15), 256));
    let app = TestApp::start_with(|config| config.server.limits.stream_comment = Duration::from_millis(20)).await;
    app.connect().await;
    let bot = Bot::start(&app, &[Scope::Read]).await;
    let mut reader = Reader::open(&bot, "", &[]).await;
    assert_eq!(reader.block().await.unwrap(), "retry: 2000");
    for _ in 0..3 {
        assert_eq!(reader.block().await.unwrap(), ": nothing new");
    }
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "one")).await;
    assert_eq!(reader.event().await.unwrap().2["text"], "one");
    assert_eq!(reader.block().await.unwrap(), ": nothing new", "and goes on to");
    app.finish().await;
}

#[tokio::test]
async fn who_takes_nothing_and_falls_behind_is_cut_off_and_goes_on_where_it_was() {
    let app = TestApp::start_with(|config| {
        config.server.limits.stream_behind = 3;
        config.server.limits.stream_moment = Duration::ZERO;
        config.server.answering.settle = Duration::ZERO;
    })
    .await;
    app.connect().await;
    let bot = Bot::start(&app, &[Scope::Read]).await;
    let mut reader = Reader::open(&bot, "after=0", &[]).await;
    assert_eq!(reader.block().await.unwrap(), "retry: 2000");
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "one")).await;
    let (first, ..) = reader.event().await.unwrap();
    // More than a stream reads at a time: at its second look it is behind.
    let items: Vec<Value> = (0..60).map(|n| app.page().message_from(&sam(&app), &n.to_string())).collect();
    assert_eq!(app.page().deliver(&items).await.unwrap(), Some(200));
    app.settle().await;
    reader.ends_within(Duration::from_secs(10)).await;
    let mut again = Reader::open(&bot, "", &[("last-event-id", &first.to_string())]).await;
    for n in 0..60 {
        assert_eq!(again.event().await.unwrap().2["text"], n.to_string());
    }
    app.finish().await;
}

#[tokio::test]
async fn a5_streams_and_waiting_readers_die_with_their_key() {
    let (app, bot) = start().await;
    let mut reader = Reader::open(&bot, "after=0", &[]).await;
    assert_eq!(reader.block().await.unwrap(), "retry: 2000");
    let waiting = bot.open("/api/v1/events?wait=25", &[]).await;
    app.api_keys().revoke(&bot.key.id, None, app.clock.now_ms()).await.unwrap();
    reader.ends_within(Duration::from_secs(5)).await;
    let answer = tokio::time::timeout(Duration::from_secs(5), whole(waiting)).await.unwrap();
    assert_eq!(answer.json()["events"], json!([]));
    is_problem(&bot.get("/api/v1/events").await, 401, "unauthorized");
    app.finish().await;
}

#[tokio::test]
async fn streams_and_waiting_readers_end_at_once_when_the_service_stops() {
    let (app, bot) = start().await;
    let mut reader = Reader::open(&bot, "after=0", &[]).await;
    assert_eq!(reader.block().await.unwrap(), "retry: 2000");
    let waiting = bot.open("/api/v1/events?wait=25", &[]).await;
    let begun = Instant::now();
    app.finish().await;
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    reader.ends_within(Duration::from_secs(1)).await;
    assert_eq!(whole(waiting).await.json()["events"], json!([]), "what was promised is an answer");
}

#[tokio::test]
async fn a5_a_key_has_five_streams_and_they_take_nothing_from_others() {
    let app = TestApp::start().await;
    app.connect().await;
    let app = app.restart_with(|config| config.server.limits.requests = 1).await;
    app.facebook.deliver_to(&format!("{}/facebook/webhook", app.url));
    let bot = Bot::start(&app, &[Scope::Read]).await;
    let mut readers = Vec::new();
    for _ in 0..3 {
        readers.push(Reader::open(&bot, "after=0", &[]).await);
    }
    let waiting = [bot.open("/api/v1/events?wait=25", &[]).await, bot.open("/api/v1/events?wait=25", &[]).await];
    let answer = whole(bot.open("/api/v1/events", &[STREAM]).await).await;
    is_problem(&answer, 429, "too-many-requests");
    // They hold no place among the requests at work: the only one there is.
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "one")).await;
    for waiting in waiting {
        assert_eq!(whole(waiting).await.json()["events"][0]["text"], "one");
    }
    for reader in &mut readers {
        assert_eq!(reader.event().await.unwrap().0, 1);
    }
    let mut more = Reader::open(&bot, "after=0", &[]).await;
    assert_eq!(more.event().await.unwrap().0, 1);
    app.finish().await;
}

#[tokio::test]
async fn streams_of_one_merchant_hear_the_same_and_each_what_it_asked_for() {
    let (app, bot) = start().await;
    let (mut readers, mut others) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        readers.push(Reader::open(&bot, "", &[]).await);
    }
    for query in ["types=echo", "history=0"] {
        others.push(Reader::open(&bot, query, &[]).await);
    }
    for reader in readers.iter_mut().chain(&mut others) {
        assert_eq!(reader.block().await.unwrap(), "retry: 2000");
    }
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "one")).await;
    let mut told = Vec::new();
    for reader in &mut readers {
        told.push(reader.event().await.unwrap());
    }
    assert_eq!((told[0].0, &told[0].2["messages"][0]["text"]), (1, &json!("one")));
    assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
    assert_eq!(others[1].event().await.unwrap().2["messages"], json!([]));
    // One that leaves takes nothing from the others.
    drop(readers.remove(0));
    deliver_and_settle(&app, app.page().reply_to(&sam(&app), "two")).await;
    for reader in readers.iter_mut().chain(&mut others) {
        assert_eq!(reader.event().await.unwrap().0, 2);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_reader_that_waits_hears_nothing_when_nothing_comes() {
    let (app, bot) = start().await;
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "one")).await;
    let begun = Instant::now();
    let answer = bot.get("/api/v1/events?after=0&types=echo&wait=1").await.json();
    assert_eq!(answer, json!({ "events": [], "next": 1, "newest": 1 }));
    assert!(begun.elapsed() >= Duration::from_secs(1));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_is_at_its_reader_at_once() {
    let app = TestApp::start_with(|config| config.server.answering.settle = Duration::ZERO).await;
    app.connect().await;
    let bot = Bot::start(&app, &[Scope::Read]).await;
    let working = app.start_working().await;
    let mut reader = Reader::open(&bot, "", &[]).await;
    assert_eq!(reader.block().await.unwrap(), "retry: 2000");
    let mut took = Vec::new();
    for number in 0..30 {
        let item = app.page().message_from(&sam(&app), &number.to_string());
        assert_eq!(app.page().deliver(&[item]).await.unwrap(), Some(200));
        let acknowledged = Instant::now();
        assert_eq!(reader.event().await.unwrap().2["text"], number.to_string());
        took.push(acknowledged.elapsed());
    }
    took.sort_unstable();
    println!("p50 {:?}, p95 {:?}", took[15], took[28]);
    // Not asserted: a test shares its machine with others.
    app.stop_working(working).await;
    app.finish().await;
}
