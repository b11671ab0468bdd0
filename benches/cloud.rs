//! `cargo bench --bench cloud`: what copying files to object storage costs, side by side with a baseline of the same run.
//!
//! The service works in this process, as in production, and copies to a bucket in another thread of it that takes everything.
//! Baseline A is eight plain clients that send the same bodies to the same bucket, unsigned, and write nothing down.
//! `-- short` does everything with a tenth of the files.

mod common;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use common::load::{median, paced_load};
use common::{Process, Table, memory_mb, ms, stage};
use http::{Method, StatusCode, Uri};
use shoptalk::app::App;
use shoptalk::app::config::{Config, Server};
use shoptalk::shared::clock::Clock;
use shoptalk::shared::objects::ObjectSettings;
use shoptalk::shared::store::{NewConnection, Status};
use tokio::sync::Mutex;
use url::Url;
use uuid::Uuid;

const BUCKET: &str = "bench";
const MARKER: &str = ".shoptalk-owner";
const PAGE: &str = "100000000000101";

/// The length of each file.
const BYTES: usize = 4096;

/// How many requests are under way at once.
const AT_ONCE: usize = 8;

fn main() {
    common::start(|is_short| run(if is_short { 1_000 } else { 10_000 }));
}

/// How many of the last objects a bucket keeps: those that are read back are among them.
const KEPT: usize = 512;

/// A bucket that counts what it is sent, and keeps its marker and the last objects.
#[derive(Clone, Default)]
struct Bucket {
    puts: Arc<AtomicUsize>,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    marker: Option<Bytes>,
    last: VecDeque<(String, Bytes)>,
}

impl Kept {
    fn find(&self, path: &str) -> Option<Bytes> {
        if path.ends_with(MARKER) {
            return self.marker.clone();
        }
        self.last.iter().rev().find(|(of, _)| of == path).map(|(_, body)| body.clone())
    }
}

async fn answer(State(bucket): State<Bucket>, method: Method, uri: Uri, body: Bytes) -> Response {
    match method {
        Method::PUT => {
            let mut kept = bucket.kept.lock().await;
            if uri.path().ends_with(MARKER) {
                kept.marker = Some(body);
            } else {
                bucket.puts.fetch_add(1, Ordering::Relaxed);
                kept.last.push_back((uri.path().to_owned(), body));
                if kept.last.len() > KEPT {
                    kept.last.pop_front();
                }
            }
            (StatusCode::OK, [(http::header::ETAG, "\"1\"")]).into_response()
        }
        Method::GET if uri.query().is_some_and(|query| query.starts_with("versioning")) => {
            "<VersioningConfiguration/>".into_response()
        }
        Method::GET if uri.query().is_some() => "<ListBucketResult/>".into_response(),
        Method::GET => match bucket.kept.lock().await.find(uri.path()) {
            Some(body) => body.into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        },
        _ => StatusCode::NO_CONTENT.into_response(),
    }
}

async fn serve(bucket: Bucket) -> Url {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let router = Router::new().route("/{*path}", axum::routing::any(answer)).with_state(bucket);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Url::parse(&url).expect("an address")
}

async fn run(files: usize) {
    let mut table = Table::default();
    let bucket = Bucket::default();
    let url = serve(bucket.clone()).await;
    let baseline = baseline(&url, files).await;
    let folder = common::folder();
    let conversations = folder.path().join(format!("facebook/{PAGE}/conversations"));
    std::fs::create_dir_all(&conversations).expect("a folder");
    for number in 0..files {
        std::fs::write(conversations.join(format!("{number}.json")), body(number)).expect("written");
    }
    let app = open(folder.path(), &url).await;
    let before = bucket.puts.load(Ordering::Relaxed);
    let idle = memory_mb();
    let working = app.start().await.expect("started");
    // All files are in line as soon as the bucket was looked at.
    while bucket.puts.load(Ordering::Relaxed) == before {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let begun = Instant::now();
    let mut most = idle;
    while bucket.puts.load(Ordering::Relaxed) < before + files {
        most = most.max(memory_mb());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let ours = files as f64 / begun.elapsed().as_secs_f64();
    let ratio = ours / baseline;
    let what = format!("{files} files of 4 KB copied, files/s");
    table.row(&what, format!("{ours:.0}"), format!("A {baseline:.0}"), ratio, "0.8", ratio >= 0.8);
    while app.shared().journal.count_copies().await.expect("counted").count > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let grown = most - idle;
    table.row("memory above idle meanwhile", format!("{grown:.0} MB"), "-".to_owned(), 1.0, "30 MB", grown <= 30.0);
    app.stop(Some(working)).await;
    meanwhile(files, &bucket, &url, &mut table).await;
    table.print();
}

/// What copying costs the intake of deliveries and the writing of their files: the service as a process of its own takes in a
/// steady load for the Page, with copies off and while it copies so many files for the first time.
async fn meanwhile(files: usize, bucket: &Bucket, url: &Url, table: &mut Table) {
    const ROUNDS: usize = 3;
    let time = if files < 10_000 { Duration::from_secs(1) } else { Duration::from_secs(4) };
    let pause = Duration::from_millis(10);
    let endpoint = url.as_str().trim_end_matches('/').to_owned();
    let (mut taken, mut acknowledged, mut filed) =
        ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for round in 0..ROUNDS {
        for (at, copies) in [false, true].into_iter().enumerate() {
            let folder = common::folder();
            let simulator = stage::facebook(1).await;
            let app =
                App::build(stage::config(folder.path(), &simulator.url()), Clock::system()).await.expect("opened");
            stage::connect(&app, &simulator, 1, 100).await;
            app.stop(None).await;
            let conversations = folder.path().join(format!("facebook/{PAGE}/conversations"));
            for number in 0..files {
                std::fs::write(conversations.join(format!("{number}.json")), body(number)).expect("written");
            }
            let mut settings = stage::settings(&simulator.url());
            if copies {
                let more = [
                    ("SPACES_BUCKET", BUCKET),
                    ("SPACES_ACCESS_KEY", "an access key for the benchmark"),
                    ("SPACES_SECRET_KEY", "a secret key for the benchmark"),
                    ("S3_ENDPOINT", endpoint.as_str()),
                ];
                settings.extend(more.map(|(name, value)| (name, value.to_owned())));
            }
            // The bucket is as new: the marker of the one before would be another installation's.
            *bucket.kept.lock().await = Kept::default();
            let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let before = bucket.puts.load(Ordering::Relaxed);
            let service = Process::service(folder.path(), &settings).await;
            while copies && bucket.puts.load(Ordering::Relaxed) == before {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let make = |number: usize| stage::delivery(PAGE, number % 100, &format!("m_{round}{copies}-{number}"));
            let requests = Arc::new((0..60_000).map(make).collect::<Vec<_>>());
            let begun = Instant::now();
            let load = paced_load(service.address, 16, pause, time, &requests).await;
            while common::stage::count_in_files(&conversations, 100) < load.count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            filed[at].push(load.count as f64 / begun.elapsed().as_secs_f64());
            taken[at].push(load.per_second);
            acknowledged[at].push(load.median);
        }
    }
    let [off, on] = acknowledged.map(|mut times| ms(median(&mut times)));
    for (what, [off, on], more) in [
        (
            "deliveries/s of a steady load while files are copied",
            taken.map(|mut each| median(&mut each)),
            format!(" ({off}, {on})"),
        ),
        ("messages filed/s of it", filed.map(|mut each| median(&mut each)), String::new()),
    ] {
        table.row(
            what,
            format!("{on:.0}"),
            format!("without copies {off:.0}{more}"),
            on / off,
            ">= 0.95",
            on / off >= 0.95,
        );
    }
}

fn body(number: usize) -> Vec<u8> {
    let mut body = format!("[\"{number}\"").into_bytes();
    body.resize(BYTES - 1, b' ');
    body.push(b']');
    body
}

/// Eight clients that send the same bodies. Gives files a second.
async fn baseline(url: &Url, files: usize) -> f64 {
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let clients: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let (next, url, client) = (Arc::clone(&next), url.clone(), common::client());
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= files {
                        return;
                    }
                    let to = url.join(&format!("/{BUCKET}/users/baseline/{number}.json")).expect("an address");
                    let answer = client.put(to).body(body(number)).send().await.expect("an answer");
                    assert!(answer.status().is_success());
                }
            })
        })
        .collect();
    for client in clients {
        client.await.expect("no panic");
    }
    files as f64 / begun.elapsed().as_secs_f64()
}

async fn open(folder: &Path, url: &Url) -> App {
    let mut server = Server::below(folder);
    server.objects = Some(Arc::new(ObjectSettings {
        bucket: BUCKET.to_owned(),
        region: "nyc3".to_owned(),
        endpoint: url.clone(),
        has_path_style: true,
        access_key: "an access key for the benchmark".into(),
        secret_key: "a secret key for the benchmark".into(),
        every: Duration::from_secs(60),
    }));
    // No platform: only the copies are measured.
    let mut config = Config::read(&|_| None).expect("settings");
    config.server = server;
    let app = App::build(config, Clock::system()).await.expect("opened");
    let connection = NewConnection {
        channel: "facebook",
        account: PAGE.to_owned(),
        merchant: Uuid::from_u128(1),
        name: "Bench".to_owned(),
        scopes: Vec::new(),
        status: Status::Connected,
        status_reason: None,
        platform_user: None,
        tokens: Vec::new(),
    };
    app.shared().connections.upsert(vec![connection], 0).await.expect("connected");
    app
}
