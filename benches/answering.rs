//! `cargo bench --bench answering [-- short]`: what answering people costs, side by side with baselines of the same run.
//!
//! Accepting, the feed and its streams are measured on the service as a process of its own, as in production; sending on a
//! service in this process, whose account has no limit. The simulated Facebook and the load share the machine with it.
//! Baseline A is the intake of webhooks by the same process in the same run. Baseline B is the same client with the same calls
//! at the same simulator, which writes nothing down.

mod common;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::response::IntoResponse;
use common::load::{exchange, load, median, post};
use common::stage::{self, page_id, person_id};
use common::{Process, Table, client, ms};
use http::StatusCode;
use shoptalk::answering::accept::{Accepted, Wish};
use shoptalk::answering::content::Content;
use shoptalk::answering::sending::Sending;
use shoptalk::app::App;
use shoptalk::shared::channel::dialogue::{AccountFault, Part, PartContent, Recipient, Signal};
use shoptalk::shared::channel::job::BoxFuture;
use shoptalk::shared::clock::Clock;
use shoptalk::shared::journal::{Account, Conversation};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};

/// How many Pages there are, each of a merchant of its own, how many keys each merchant has, and who has written to each. A
/// key may write twenty times a second, so there are many.
const PAGES: usize = 40;
const KEYS: usize = 20;
const PEOPLE: usize = 25;

/// How many connections post at once, and how many calls of an account are under way at once.
const AT_ONCE: usize = 16;

/// How many streams there may be, and how many of one key.
const STREAMS: usize = 200;
const STREAMS_OF_KEY: usize = 5;

/// Of how many accounts one has a merchant whose programs listen. The others have a merchant of their own, too, whose
/// programs are pushed to, ask now and then, or are none.
const ONE_LISTENS_OF: usize = 10;

/// How much is done in the long and the short version.
struct Scale {
    /// How long each load lasts.
    load: Duration,
    /// How often loads that are compared take turns.
    rounds: usize,
    /// How many messages are sent.
    sent: usize,
    /// How many events are timed.
    events: usize,
}

const LONG: Scale = Scale { load: Duration::from_secs(3), rounds: 5, sent: 8_000, events: 200 };
const SHORT: Scale = Scale { load: Duration::from_secs(1), rounds: 3, sent: 1_000, events: 40 };

fn main() {
    common::start(|is_short| run(if is_short { &SHORT } else { &LONG }));
}

async fn run(scale: &Scale) {
    let mut table = Table::default();
    let folder = common::folder();
    let facebook = stage::facebook(PAGES * ONE_LISTENS_OF).await;
    // A platform that wants to be left alone: nothing is sent while accepting is measured.
    let busy = busy().await;
    let app = App::build(stage::config(folder.path(), &busy), Clock::system()).await.expect("opened");
    stage::connect(&app, &facebook, PAGES * ONE_LISTENS_OF, PEOPLE).await;
    let mut keys = Vec::new();
    for page in 0..PAGES {
        keys.push(stage::keys(&app, page, KEYS).await);
    }
    app.stop(None).await;
    let settings = stage::settings(&busy);
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let service = Process::service(folder.path(), &settings).await;

    accepting(&service, &keys, scale, &mut table).await;
    reaching_readers(&service, &keys[0][0], scale, &mut table).await;
    let wanted = Some(0.9);
    let name = format!("deliveries/s while {STREAMS} streams are open, for a tenth of the accounts");
    streaming(&service, &keys, PAGES * ONE_LISTENS_OF, (&name, wanted), scale, &mut table).await;
    let name = format!("deliveries/s while {STREAMS} streams tell of each to five readers");
    streaming(&service, &keys, PAGES, (&name, None), scale, &mut table).await;
    drop(service);
    sending(scale, &mut table).await;
    table.print();
}

/// A Graph API that answers everything with 429.
async fn busy() -> String {
    let answer = || async {
        let body = r#"{"error":{"message":"(#613) Calls to this api have exceeded the rate limit.","code":613}}"#;
        (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "3600"), ("content-type", "application/json")], body)
            .into_response()
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    url
}

/// Answers accepted a second, against deliveries taken in by the same process.
async fn accepting(service: &Process, keys: &[Vec<String>], scale: &Scale, table: &mut Table) {
    let (mut ours, mut intake) = (Vec::new(), Vec::new());
    for round in 0..scale.rounds {
        let deliveries = stage::deliveries_apart(60_000, &format!("a{round}"));
        intake.push(load(service.address, AT_ONCE, scale.load, &deliveries).await.per_second);
        let wishes = wishes(24_000, keys, round);
        ours.push(load(service.address, AT_ONCE, scale.load, &wishes).await.per_second);
    }
    let (ours, intake) = (median(&mut ours), median(&mut intake));
    table.row(
        &format!("answers accepted and fsynced/s, {AT_ONCE} connections"),
        format!("{ours:.0}"),
        format!("A {intake:.0}"),
        ours / intake,
        ">= 0.5",
        ours / intake >= 0.5,
    );
}

/// Requests that post an answer each, every key in turn.
fn wishes(count: usize, keys: &[Vec<String>], round: usize) -> Arc<Vec<Vec<u8>>> {
    let make = |number: usize| {
        let (page, person) = (number % PAGES, number / PAGES % PEOPLE);
        let key = &keys[page][number / PAGES % KEYS];
        let path = format!("/api/v1/facebook/{}/conversations/{}/messages", page_id(page), person_id(person));
        let headers = format!("authorization: Bearer {key}\r\nidempotency-key: {round}-{number}\r\n");
        post(&path, &headers, r#"{"text":"Yes, three are left, and it is with you on Thursday."}"#)
    };
    Arc::new((0..count).map(make).collect())
}

/// The event stream of a key: what is written there, in pieces.
async fn stream(service: &Process, key: &str) -> reqwest::Response {
    let request = client().get(format!("{}/api/v1/events", service.url()));
    let request = request.bearer_auth(key).header("accept", "text/event-stream");
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    answer
}

/// From a delivery to the reader of a stream, above its acknowledgement.
async fn reaching_readers(service: &Process, key: &str, scale: &Scale, table: &mut Table) {
    let mut answer = stream(service, key).await;
    let (seen, mut told) = mpsc::unbounded_channel();
    let reading = tokio::spawn(async move {
        let mut text = String::new();
        while let Ok(Some(chunk)) = answer.chunk().await {
            text.push_str(&String::from_utf8_lossy(&chunk));
            while let Some((event, rest)) = text.split_once("\n\n") {
                if let Some(mid) = event.split("m_sse-").nth(1).and_then(|rest| rest.split('"').next()) {
                    let _ = seen.send((mid.to_owned(), Instant::now()));
                }
                text = rest.to_owned();
            }
        }
    });
    let mut connection = TcpStream::connect(service.address).await.expect("connected");
    connection.set_nodelay(true).expect("set");
    let (mut times, mut whole) = (Vec::new(), Vec::new());
    for number in 0..scale.events {
        let delivery = stage::delivery(&page_id(0), number % PEOPLE, &format!("m_sse-{number}"));
        let sent = Instant::now();
        exchange(&mut connection, &delivery).await;
        let acknowledged = Instant::now();
        let at = loop {
            let (mid, at) = told.recv().await.expect("told");
            if mid == number.to_string() {
                break at;
            }
        };
        times.push(at.saturating_duration_since(acknowledged));
        whole.push(at.saturating_duration_since(sent));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    reading.abort();
    let (above, whole) = (median(&mut times), median(&mut whole));
    table.row(
        "from a delivery's acknowledgement to a reader of the stream, median",
        ms(above),
        format!("from the delivery {}", ms(whole)),
        above.as_secs_f64() / 5e-3,
        "<= 5 ms",
        above <= Duration::from_millis(5),
    );
}

/// Takes all that comes at a stream, as cheaply as it can be done: what a reader does with it is not the service's cost.
async fn read_stream(address: SocketAddr, key: String) {
    let mut connection = TcpStream::connect(address).await.expect("connected");
    let request = format!(
        "GET /api/v1/events HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\naccept: text/event-stream\r\n\r\n"
    );
    connection.write_all(request.as_bytes()).await.expect("sent");
    let mut buffer = vec![0; 64 * 1024];
    let read = connection.read(&mut buffer).await.expect("answered");
    assert!(buffer[..read].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&buffer[..read]));
    while connection.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
}

/// What open streams cost the intake of webhooks, which is spread over so many accounts: the first of them have readers.
async fn streaming(
    service: &Process,
    keys: &[Vec<String>],
    accounts: usize,
    (name, wanted): (&str, Option<f64>),
    scale: &Scale,
    table: &mut Table,
) {
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for round in 0..scale.rounds {
        let deliveries = |prefix: &str| {
            let make = |number: usize| {
                let mid = format!("m_{prefix}{accounts}-{round}-{number}");
                stage::delivery(&page_id(number % accounts), number / accounts % PEOPLE, &mid)
            };
            Arc::new((0..60_000).map(make).collect::<Vec<_>>())
        };
        without.push(load(service.address, AT_ONCE, scale.load, &deliveries("w")).await.per_second);
        let mut streams = tokio::task::JoinSet::new();
        for number in 0..STREAMS {
            // Every merchant has the same number of them.
            let of_key = number / PAGES;
            streams.spawn(read_stream(service.address, keys[number % PAGES][of_key / STREAMS_OF_KEY].clone()));
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        with.push(load(service.address, AT_ONCE, scale.load, &deliveries("s")).await.per_second);
        streams.shutdown().await;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let (without, with) = (median(&mut without), median(&mut with));
    table.row(
        name,
        format!("{with:.0}"),
        format!("without streams {without:.0}"),
        with / without,
        &wanted.map_or("-".to_owned(), |wanted| format!(">= {wanted}")),
        wanted.is_none_or(|wanted| with / without >= wanted),
    );
}

/// An outbox that is told of messages later, when all are stored.
struct NotYet(Arc<dyn Sending>);

impl Sending for NotYet {
    fn add(&self, _: i64, _: &Conversation) {}

    fn wake(&self, _: &Conversation) {}

    fn is_full(&self, channel: &str, account: &str) -> bool {
        self.0.is_full(channel, account)
    }

    fn signal(&self, to: Conversation, signal: Signal) {
        self.0.signal(to, signal);
    }

    fn turns(&self) -> watch::Receiver<u64> {
        self.0.turns()
    }

    fn stop_account<'a>(
        &'a self,
        of: &'a Account,
        fault: &'a AccountFault,
        at: i64,
    ) -> BoxFuture<'a, anyhow::Result<()>> {
        self.0.stop_account(of, fault, at)
    }
}

/// Messages sent a second by the outbox, against the same client without rows.
async fn sending(scale: &Scale, table: &mut Table) {
    const PEOPLE: usize = 200;
    let folder = common::folder();
    let facebook = stage::facebook(1).await;
    let mut config = stage::config(folder.path(), &facebook.url());
    config.server.answering.is_paced = false;
    let app = App::build(config, Clock::system()).await.expect("opened");
    stage::connect(&app, &facebook, 1, PEOPLE).await;
    let working = app.start().await.expect("at work");
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for round in 0..scale.rounds {
        let count = scale.sent / scale.rounds;
        bare.push(send_bare(&app, count, PEOPLE, round).await);
        let before = facebook.count_sent();
        let begun = accept_all(&app, count, PEOPLE, round).await;
        while facebook.count_sent() < before + count {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        ours.push(count as f64 / begun.elapsed().as_secs_f64());
    }
    app.stop(Some(working)).await;
    let (ours, bare) = (median(&mut ours), median(&mut bare));
    table.row(
        "messages sent/s by one account without its limit",
        format!("{ours:.0}"),
        format!("B {bare:.0}"),
        ours / bare,
        ">= 0.7",
        ours / bare >= 0.7,
    );
}

/// Baseline B. Gives messages a second.
async fn send_bare(app: &App, count: usize, people: usize, round: usize) -> f64 {
    let dialogue = app.command_runner().answering.dialogue("facebook").expect("a channel").clone();
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE {
        let (dialogue, next) = (Arc::clone(&dialogue), Arc::clone(&next));
        tasks.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return;
                }
                let (account, person) = (page_id(0), person_id(number % people));
                let part = Part {
                    content: PartContent::Text { text: format!("Yes, three are left. {number}") },
                    choices: Vec::new(),
                    reply_to: None,
                    is_human: false,
                };
                let to = Recipient { account: &account, person: &person };
                dialogue.send(to, &part, &format!("bare-{round}-{number}")).await.expect("sent");
            }
        });
    }
    tasks.join_all().await;
    count as f64 / begun.elapsed().as_secs_f64()
}

/// Accepts so many messages and only then hands them over, so that sending alone is measured. Gives when that was.
async fn accept_all(app: &App, count: usize, people: usize, round: usize) -> Instant {
    let runner = app.command_runner();
    let connection = app.shared().connections.find("facebook", &page_id(0)).await.expect("read").expect("connected");
    let mut accepted = HashMap::new();
    let numbers: Vec<usize> = (0..count).collect();
    for some in numbers.chunks(64) {
        let mut tasks = tokio::task::JoinSet::new();
        for number in some.iter().copied() {
            let (answering, connection) = (runner.answering.clone(), connection.clone());
            let outbox: Arc<dyn Sending> = Arc::new(NotYet(Arc::clone(&runner.outbox)));
            tasks.spawn(async move {
                let body = serde_json::json!({ "text": format!("Yes, three are left. {number}") });
                let (person, key) = (person_id(number % people), format!("{round}-{number}"));
                let wish = Wish { connection: &connection, person: &person, key: &key, body: &body };
                let content = Content::read(&body).expect("fits");
                match answering.accept(&outbox, &wish, content).await.expect("accepted") {
                    Accepted::Stored(message) => (message.number, message.conversation.clone()),
                    Accepted::Repeated(..) => unreachable!("each key is used once"),
                }
            });
        }
        accepted.extend(tasks.join_all().await);
    }
    let begun = Instant::now();
    for (number, conversation) in &accepted {
        runner.outbox.add(*number, conversation);
    }
    begun
}
