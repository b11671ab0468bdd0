//! `cargo bench`: what the journal costs, side by side with baselines of the same run on the same machine.
//!
//! The service runs as its own process, as in production, consumers included; the load comes from this one. Baseline A is
//! the same Axum stack with a handler that only verifies the HMAC and answers. Baseline B is the disk's own `fdatasync`.
//! Machines differ and are shared, so the ratios count, not the numbers.
//!
//! `cargo bench -- short` runs a shorter version of everything.
//!
//! Where the time goes (`perf record` on the service under this load, November 2026, 2 cores, a disk that syncs in 0.1 ms, a
//! million events before; shares of the service's processor time):
//! - The async workers, a good half (54 %): sockets in the kernel, waking and being woken (`finish_task_switch`,
//!   `_raw_spin_unlock_irqrestore`), since each delivery waits for another thread, and memory (`malloc`, `_int_malloc`,
//!   `malloc_consolidate`: a fifth of this half, before bodies were let go early). Parsing and hashing are below 5 %.
//! - The journal's thread, a third (31 %): the page of the key index that each event changes is read and goes into the
//!   write-ahead log (`walChecksumBytes`, `pwrite`), and SQLite looks through its page cache at each commit that split a page
//!   (`pcache1TruncateUnsafe`). In batches of 64 an event costs 14 µs here.
//! - The thread that makes files, a tenth, and the one that copies the log, a twentieth.
//!
//! With sixteen connections that never pause baseline A, which stores nothing, takes 0.22 ms for an answer: both processors
//! are busy with sending and answering, and the rest of an acknowledgement is waiting for one of them.
//!
//! Tried without gain: waiting 0.1 ms for larger groups, the lowest priority for the consumers. Tried and left: another
//! allocator (mimalloc) saved a sixth of the processor time and cost 13 MB when idle.

mod common;

use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::routing::post;
use common::load::{load, median, meta_delivery, paced_load};
use common::{Process, Table, ms};
use http::{HeaderMap, StatusCode};
use shoptalk::app::App;
use shoptalk::app::config::{Config, Server};
use shoptalk::shared::clock::Clock;
use shoptalk::shared::journal::{DedupeKey, Effect, Event, Source};
use shoptalk::shared::secrets::signature::{Secrets, from_hex};
use shoptalk::shared::server::accept;
use shoptalk::shared::server::limits::Limits;
use shoptalk::shared::store::{NewConnection, Status};
use shoptalk::shared::telemetry::metrics::Metrics;
use shoptalk::web;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

const SECRET: &str = "a secret for the benchmark";
const PAGE: &str = "100000000000101";

/// How much is done in the long and the short version.
#[derive(Clone, Copy)]
struct Scale {
    /// How long each load lasts.
    load: Duration,
    /// How many events are in the journal that is not empty.
    events: usize,
    /// How many conversations there are under full load.
    conversations: usize,
    /// How many messages are timed into their file.
    messages: usize,
}

const LONG: Scale = Scale { load: Duration::from_secs(8), events: 1_000_000, conversations: 100_000, messages: 40 };
const SHORT: Scale = Scale { load: Duration::from_secs(2), events: 50_000, conversations: 5_000, messages: 10 };

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(port) = arguments.iter().position(|one| one == "baseline-a").and_then(|at| arguments.get(at + 1)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        return runtime.block_on(baseline_a(port));
    }
    common::start(async |is_short| {
        let scale = if is_short { SHORT } else { LONG };
        if common::is_wanted("intake") { intake(scale).await } else { run(scale).await }
    });
}

/// `cargo bench --bench journal -- intake`: what one delivery costs the service in processor time, which other programs
/// on the machine disturb less than they disturb the clock on the wall. For tuning.
async fn intake(scale: Scale) {
    let folder = common::folder();
    for (connected, events) in [(false, 0), (true, 0), (true, scale.events)] {
        let folder = folder.path().join(format!("{connected}-{events}"));
        prepare(&folder, events, scale.conversations, connected).await;
        for connections in [64, 16] {
            let baseline = start_baseline_a().await;
            let a = load(baseline.address, connections, scale.load / 2, &requests(1, 1, "a")).await;
            let a_cpu = baseline.cpu().as_secs_f64() / a.count as f64;
            drop(baseline);
            let sync = fdatasync_median(&folder);
            let service = serve(&folder).await;
            let before = service.cpu();
            let prefix = format!("i{connected}{connections}");
            let ours = load(service.address, connections, scale.load / 2, &requests(200_000, 1000, &prefix)).await;
            let cpu = (service.cpu() - before).as_secs_f64() / ours.count as f64;
            println!(
                "{events} events before, consumers at work: {connected}, {connections} connections: {:.1} µs of processor per delivery (A {:.1}), \
                 {:.0}/s (A {:.0}), median {} (A {}), fdatasync {}",
                cpu * 1e6,
                a_cpu * 1e6,
                ours.per_second,
                a.per_second,
                ms(ours.median),
                ms(a.median),
                ms(sync)
            );
        }
    }
}

async fn run(scale: Scale) {
    let folder = common::folder();
    let mut table = Table::default();

    let sync = fdatasync_median(folder.path());
    eprintln!("disk: fdatasync takes {:.2} ms", sync.as_secs_f64() * 1e3);

    // An empty journal, and a full one.
    let empty = folder.path().join("empty");
    let full = folder.path().join("full");
    let alone = folder.path().join("alone");
    prepare(&empty, 0, 0, true).await;
    prepare(&alone, 0, 0, false).await;
    eprintln!("writing {} events …", scale.events);
    prepare(&full, scale.events, scale.conversations, true).await;

    // Throughput: the three loads are interleaved, so that a change of the machine's mood meets all of them.
    let (mut a, mut intake, mut ours, mut with_events) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..3 {
        let baseline = start_baseline_a().await;
        a.push(load(baseline.address, 64, scale.load / 2, &requests(1, 1, "a")).await.per_second);
        drop(baseline);
        let count = 200_000;
        let service = serve(&alone).await;
        intake.push(
            load(service.address, 64, scale.load / 2, &requests(count, 1000, &format!("i{round}"))).await.per_second,
        );
        drop(service);
        let service = serve(&empty).await;
        ours.push(
            load(service.address, 64, scale.load / 2, &requests(count, 1000, &format!("e{round}"))).await.per_second,
        );
        drop(service);
        let service = serve(&full).await;
        with_events.push(
            load(service.address, 64, scale.load / 2, &requests(count, 1000, &format!("f{round}"))).await.per_second,
        );
        drop(service);
    }
    let (a, intake) = (median(&mut a), median(&mut intake));
    let (ours, with_events) = (median(&mut ours), median(&mut with_events));
    table.row(
        "verified, deduplicated, fsynced deliveries/s, 64 connections",
        format!("{intake:.0}"),
        format!("A {a:.0}"),
        intake / a,
        ">= 0.35",
        intake / a >= 0.35,
    );
    table.row(
        "the same while the consumers write 1,000 conversations",
        format!("{ours:.0}"),
        format!("A {a:.0}"),
        ours / a,
        "-",
        true,
    );
    table.row(
        &format!("the same, with {} events in the journal", scale.events),
        format!("{with_events:.0}"),
        format!("empty {ours:.0}"),
        with_events / ours,
        ">= 0.8",
        with_events / ours >= 0.8,
    );

    // The median acknowledgement. Sixteen senders that never pause keep both processors busy, and most of the time is
    // spent waiting for one: so also what A takes then, and what a delivery takes when there is room.
    let baseline = start_baseline_a().await;
    let a = load(baseline.address, 16, scale.load / 4, &requests(1, 1, "a")).await.median;
    drop(baseline);
    let service = serve(&alone).await;
    let acknowledged = load(service.address, 16, scale.load / 2, &requests(100_000, 1000, "n")).await.median;
    let pause = Duration::from_millis(20);
    let paced = paced_load(service.address, 16, pause, scale.load / 2, &requests(100_000, 1000, "p")).await.median;
    drop(service);
    let service = serve(&empty).await;
    let acknowledged_at_work = load(service.address, 16, scale.load / 2, &requests(100_000, 1000, "m")).await.median;
    let idle_memory_after_load = service.memory_mb();
    drop(service);
    let again = fdatasync_median(folder.path());
    let sync = Duration::from_secs_f64((sync + again).as_secs_f64() / 2.0);
    let ratio = acknowledged.as_secs_f64() / sync.as_secs_f64();
    table.row(
        "median acknowledgement, 16 connections without pause",
        ms(acknowledged),
        format!("B {}, A {}", ms(sync), ms(a)),
        ratio,
        "<= 2",
        ratio <= 2.0,
    );
    let ratio = paced.as_secs_f64() / sync.as_secs_f64();
    table.row("the same with 50 deliveries a second on each", ms(paced), format!("B {}", ms(sync)), ratio, "-", true);

    let ratio = acknowledged_at_work.as_secs_f64() / sync.as_secs_f64();
    table.row(
        "the same while the consumers write 1,000 conversations",
        ms(acknowledged_at_work),
        format!("B {}", ms(sync)),
        ratio,
        "-",
        true,
    );

    // Memory.
    let fresh = folder.path().join("idle");
    prepare(&fresh, 0, 0, true).await;
    let service = serve(&fresh).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let idle = service.memory_mb();
    drop(service);
    table.row("resident memory, idle", format!("{idle:.0} MB"), String::new(), idle / 40.0, "<= 40 MB", idle <= 40.0);
    let service = serve(&full).await;
    load(service.address, 64, scale.load, &requests(150_000, scale.conversations, "k")).await;
    let loaded = service.memory_mb();
    table.row(
        &format!("resident memory, full load, {} conversations", scale.conversations),
        format!("{loaded:.0} MB"),
        format!("after light load {idle_memory_after_load:.0} MB"),
        loaded / 200.0,
        "<= 200 MB",
        loaded <= 200.0,
    );

    // Start after a kill, under load until the last moment.
    drop(service);
    let started = Instant::now();
    let service = serve(&full).await;
    let start = started.elapsed();
    table.row(
        &format!("start with {} events after a kill, until ready", scale.events),
        format!("{:.2} s", start.as_secs_f64()),
        String::new(),
        start.as_secs_f64() / 2.0,
        "<= 2 s",
        start.as_secs_f64() <= 2.0,
    );
    drop(service);

    // How long until a message stands in its file: behind all others, or before the last ones, because it comes late.
    for (what, late) in [("message", false), ("late message", true)] {
        let short = visible(folder.path(), 10, scale.messages, late).await;
        let long = visible(folder.path(), 10_000, scale.messages, late).await;
        let ratio = long.as_secs_f64() / short.as_secs_f64();
        table.row(
            &format!("{what} visible in a file of 10,000 against one of 10"),
            ms(long),
            ms(short),
            ratio,
            "<= 20",
            ratio <= 20.0,
        );
    }

    table.print();
}

/// Baseline A: the same stack, a handler that only verifies.
async fn baseline_a(port_file: &str) {
    let secrets = Arc::new(Secrets::new(SECRET.into(), None));
    let handler = move |headers: HeaderMap, body: Bytes| {
        let secrets = Arc::clone(&secrets);
        async move {
            let signature = headers
                .get("x-hub-signature-256")
                .and_then(|value| value.to_str().ok())
                .and_then(|value| value.strip_prefix("sha256="))
                .and_then(from_hex)
                .unwrap_or_default();
            if secrets.verify_sha256(&body, &signature) { StatusCode::OK } else { StatusCode::UNAUTHORIZED }
        }
    };
    let router = Router::new().route("/facebook/webhook", post(handler).layer(DefaultBodyLimit::max(4 * 1024 * 1024)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    std::fs::write(port_file, listener.local_addr().expect("an address").to_string()).expect("written");
    let limits = Limits::default();
    accept::serve(listener, web::finish(router, None, &limits, &Metrics::default()), &limits, CancellationToken::new())
        .await;
}

/// Baseline A in a process of its own.
async fn start_baseline_a() -> Process {
    let port_file = std::env::temp_dir().join(format!("shoptalk-baseline-{}", std::process::id()));
    let _ = std::fs::remove_file(&port_file);
    let child = Command::new(std::env::current_exe().expect("this program"))
        .arg("baseline-a")
        .arg(&port_file)
        .spawn()
        .expect("started");
    let address = loop {
        tokio::time::sleep(Duration::from_millis(5)).await;
        if let Some(address) = std::fs::read_to_string(&port_file).ok().and_then(|text| text.parse().ok()) {
            break address;
        }
    };
    let _ = std::fs::remove_file(&port_file);
    Process::of(child, address)
}

/// The service on this folder, ready.
async fn serve(folder: &Path) -> Process {
    let settings = [
        ("FACEBOOK_APP_ID", "900000000000001"),
        ("FACEBOOK_APP_SECRET", SECRET),
        ("FACEBOOK_VERIFY_TOKEN", "a verify token for the benchmark"),
        ("FACEBOOK_GRAPH_URL", "http://127.0.0.1:9"),
        ("FACEBOOK_DIALOG_URL", "http://127.0.0.1:9"),
    ];
    Process::service(folder, &settings).await
}

/// A data folder with so many events. Without a connected Page what arrives is stored and set aside, as for a Page that
/// will be connected later: the same intake, and nothing for the consumers to do.
async fn prepare(folder: &Path, events: usize, conversations: usize, connected: bool) {
    let config = Config::without_channels(Server::below(folder));
    let app = App::build(config, Clock::system()).await.expect("opened");
    let shared = app.shared();
    let connection = NewConnection {
        channel: "facebook",
        account: PAGE.to_owned(),
        merchant: uuid::Uuid::nil(),
        name: "Bench".to_owned(),
        scopes: Vec::new(),
        status: Status::Connected,
        status_reason: None,
        platform_user: None,
        tokens: Vec::new(),
    };
    if connected {
        shared.connections.upsert(vec![connection], 0).await.expect("stored");
        shared.journal.connect_account("facebook", PAGE).await.expect("connected");
    }
    for start in (0..events).step_by(1000) {
        let batch = (start..(start + 1000).min(events)).map(|number| event(number, number % conversations.max(1)));
        shared.journal.append(batch.collect()).await.expect("appended");
    }
    // Their files are somebody else's benchmark: the consumer begins behind them.
    shared.journal.save_cursor("consumer:conversations", events.to_string()).await.expect("saved");
    shared.journal.save_cursor("consumer:refresh", events.to_string()).await.expect("saved");
    // Puts them into order; no file is written, because the cursor stands behind them.
    app.settle().await.expect("settled");
    app.stop(None).await;
}

fn event(number: usize, conversation: usize) -> Event {
    let mid = format!("m_prepared-{number}");
    Event {
        channel: "facebook",
        account: PAGE.to_owned(),
        key: DedupeKey::new("facebook", PAGE, &[b"mid", mid.as_bytes()]),
        kind: "message".into(),
        effect: Effect::Conversation { person: person(conversation), opens: true },
        occurred_at: Some(1_700_000_000_000 + number as i64),
        name: None,
        source: Source::Webhook,
        payload: item(&mid, conversation, 1_700_000_000_000 + number as u64).into_bytes(),
    }
}

fn person(conversation: usize) -> String {
    format!("{}", 7_000_000_000_000_000_usize + conversation)
}

fn item(mid: &str, conversation: usize, timestamp: u64) -> String {
    format!(
        r#"{{"sender":{{"id":"{}"}},"recipient":{{"id":"{PAGE}"}},"timestamp":{timestamp},"message":{{"mid":"{mid}","text":"Is the blue one still in stock? I need it by Friday, in size L."}}}}"#,
        person(conversation)
    )
}

/// Whole HTTP requests, signed beforehand: the load shall not measure its own HMAC.
fn requests(count: usize, conversations: usize, prefix: &str) -> Arc<Vec<Vec<u8>>> {
    let make = |number: usize| {
        let mid = format!("m_{prefix}-{number}");
        request(&item(&mid, number % conversations, 1_790_000_000_000 + number as u64))
    };
    Arc::new((0..count).map(make).collect())
}

fn request(item: &str) -> Vec<u8> {
    let body = format!(r#"{{"object":"page","entry":[{{"id":"{PAGE}","time":1790000000123,"messaging":[{item}]}}]}}"#);
    meta_delivery("/facebook/webhook", SECRET, &body)
}

/// The median time from sending a message to seeing it in its file, in a conversation of this length.
async fn visible(folder: &Path, length: usize, messages: usize, late: bool) -> Duration {
    let folder = folder.join(format!("visible-{length}-{late}"));
    prepare(&folder, length, 1, true).await;
    let service = serve(&folder).await;
    let file = folder.join(format!("facebook/{PAGE}/conversations/{}.json", person(0)));
    let mut stream = TcpStream::connect(service.address).await.expect("connected");
    let mut times = Vec::new();
    for number in 0..=messages {
        let before = inode(&file);
        let time = if late { 1_790_000_100_000 - number as u64 } else { 1_790_000_000_000 + number as u64 };
        let request = request(&item(&format!("m_visible-{number}"), 0, time));
        let sent = Instant::now();
        stream.write_all(&request).await.expect("sent");
        let mut buffer = [0; 4096];
        while inode(&file) == before {
            tokio::task::yield_now().await;
        }
        // The first one makes the file from all its events, as after every start.
        if number > 0 {
            times.push(sent.elapsed());
        }
        let _ = stream.read(&mut buffer).await.expect("answered");
        // The batch before is brought to disk meanwhile; it shall not be measured with the next message.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    times.sort_unstable();
    times[times.len() / 2]
}

fn inode(file: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(file).map_or(0, |metadata| metadata.ino())
}

/// Baseline B: one block overwritten and synced, as a commit in the write-ahead log does.
fn fdatasync_median(folder: &Path) -> Duration {
    let file = std::fs::File::create(folder.join("fdatasync")).expect("a file");
    file.write_all_at(&vec![0; 64 * 4096], 0).expect("written");
    file.sync_all().expect("synced");
    let mut times: Vec<Duration> = (0..300)
        .map(|number| {
            file.write_all_at(&[1; 4096], number % 64 * 4096).expect("written");
            let started = Instant::now();
            file.sync_data().expect("synced");
            started.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}
