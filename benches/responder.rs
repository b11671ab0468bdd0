//! `cargo bench --bench responder [-- short]`: how soon the built-in responder asks its model, and what a slow one costs.
//!
//! The service runs as its own process; the model is a server in this one that answers at once, or not at all. Deliveries are
//! as Facebook sends them. Baseline A is the same intake while nobody waits for the model.

mod common;

use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use common::load::{exchange, load, median};
use common::stage::{self, merchant, page_id};
use common::{Process, Table, ms};
use shoptalk::app::App;
use shoptalk::shared::clock::Clock;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};

/// How many people wait for a model that does not answer.
const WAITING: usize = 1_000;

struct Scale {
    load: Duration,
    rounds: usize,
    events: usize,
}

const LONG: Scale = Scale { load: Duration::from_secs(3), rounds: 7, events: 200 };
const SHORT: Scale = Scale { load: Duration::from_secs(1), rounds: 3, events: 40 };

fn main() {
    common::start(|is_short| run(if is_short { &SHORT } else { &LONG }));
}

/// The model: tells when it was asked what, and answers while it is open.
#[derive(Clone)]
struct Model {
    asked: mpsc::UnboundedSender<(Bytes, Instant)>,
    is_open: watch::Receiver<bool>,
}

async fn complete(State(mut model): State<Model>, body: Bytes) -> Json<serde_json::Value> {
    let _ = model.asked.send((body, Instant::now()));
    // The bench being over ends the wait.
    let _ = model.is_open.wait_for(|is_open| *is_open).await;
    Json(serde_json::json!({
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Certainly."}}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 5},
    }))
}

async fn run(scale: &Scale) {
    let mut table = Table::default();
    let (asked, mut told) = mpsc::unbounded_channel();
    let (open, is_open) = watch::channel(true);
    let router = Router::new().route("/v1/chat/completions", post(complete)).with_state(Model { asked, is_open });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = format!("http://{}/v1", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });

    let folder = common::folder();
    let facebook = stage::facebook(1).await;
    let app = App::build(stage::config(folder.path(), &facebook.url()), Clock::system()).await.expect("opened");
    stage::connect(&app, &facebook, 1, WAITING).await;
    let account = ("facebook".to_owned(), page_id(0));
    app.shared().journal.switch_responder(&account, merchant(0), true).await.expect("switched on");
    app.stop(None).await;
    let mut settings = stage::settings(&facebook.url());
    settings.extend([
        ("BOT_ENDPOINT", endpoint),
        ("BOT_MODEL", "small".to_owned()),
        ("BOT_DAILY_TOKENS", "1000000000".to_owned()),
        ("BOT_TIMEOUT_SECONDS", "600".to_owned()),
    ]);
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let service = Process::service(folder.path(), &settings).await;
    let mut connection = TcpStream::connect(service.address).await.expect("connected");
    connection.set_nodelay(true).expect("set");

    // From a delivery's acknowledgement, which stands before its event, to the model.
    let mut times = Vec::new();
    for number in 0..scale.events {
        exchange(&mut connection, &stage::delivery(&page_id(0), number, &format!("m_ask-{number}"))).await;
        let acknowledged = Instant::now();
        let (_, at) = told.recv().await.expect("asked");
        times.push(at.saturating_duration_since(acknowledged));
        // The answer goes out meanwhile; it shall not be measured with the next question.
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    let middle = median(&mut times);
    table.row(
        "from a delivery's acknowledgement to the call of the model, median",
        ms(middle),
        format!("slowest {}", ms(times[times.len() - 1])),
        middle.as_secs_f64() / 5e-3,
        "<= 5 ms",
        middle <= Duration::from_millis(5),
    );

    // The same intake, while nobody waits and while all do.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let idle = service.memory_mb();
    let mut without = Vec::new();
    for round in 0..scale.rounds {
        let deliveries = stage::deliveries_apart(60_000, &format!("w{round}"));
        without.push(load(service.address, 16, scale.load, &deliveries).await.per_second);
    }
    let after_load = service.memory_mb();
    open.send_replace(false);
    for person in 0..WAITING {
        exchange(&mut connection, &stage::delivery(&page_id(0), person, &format!("m_wait-{person}"))).await;
    }
    told.recv().await.expect("asked");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let waiting = service.memory_mb();
    let mut with = Vec::new();
    for round in 0..scale.rounds {
        let deliveries = stage::deliveries_apart(60_000, &format!("s{round}"));
        with.push(load(service.address, 16, scale.load, &deliveries).await.per_second);
    }
    let (without, with) = (median(&mut without), median(&mut with));
    table.row(
        &format!("memory while {WAITING} conversations wait for a slow model"),
        format!("{waiting:.0} MB"),
        format!("idle {idle:.0} MB, after load {after_load:.0} MB"),
        waiting / idle,
        "<= +60 MB",
        waiting - idle <= 60.0,
    );
    table.row(
        "deliveries/s meanwhile, 16 connections",
        format!("{with:.0}"),
        format!("A {without:.0}"),
        with / without,
        ">= 0.95",
        with / without >= 0.95,
    );
    table.print();
}
