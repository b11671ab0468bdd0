//! `cargo bench --bench cloud`: what copying files to object storage costs, side by side with baselines of the same run.
//!
//! The service is a process of its own, as in production, and copies to the simulated object storage in this one, which checks
//! every signature and keeps what it is sent. Its files have changed while it was off, so each is due at the start.
//!
//! Baseline A is a process with eight plain clients: each takes the next of the same files, reads it, hashes it once, signs an
//! upload of it to the same storage over a connection that it keeps, looks at the answer, and writes nothing down. They share
//! the signing client of the service: what differs is the bookkeeping.
//! Baseline B tells what that client itself costs: eight bare HTTP clients, also in a process of their own, that send bodies of
//! the same length out of memory, unsigned, to a server that takes them and forgets them.
//! `-- short` does everything with a tenth of the files.

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::routing::put;
use common::load::{median, paced_load};
use common::{Process, Table, ms, stage};
use sha2::{Digest, Sha256};
use shoptalk::app::App;
use shoptalk::app::config::{Config, Server};
use shoptalk::demo::object_store::{Bucket, ObjectStore, Options};
use shoptalk::shared::clock::Clock;
use shoptalk::shared::objects::{Content, ObjectKey, ObjectSettings, Objects, Standing};
use shoptalk::shared::outgoing::http::Timeouts;
use shoptalk::shared::secrets::signature::to_hex;
use shoptalk::shared::store::{NewConnection, Status};
use shoptalk::shared::telemetry::metrics::Metrics;
use url::Url;
use uuid::Uuid;

const BUCKET: &str = "bench";
const REGION: &str = "nyc3";
const ACCESS_KEY: &str = "an access key for the benchmark";
const SECRET_KEY: &str = "a secret key for the benchmark";
const PAGE: &str = "100000000000101";

/// The length of each file.
const BYTES: usize = 4096;

/// How many requests are under way at once.
const AT_ONCE: usize = 8;

/// How often each measurement is taken: the median counts.
const ROUNDS: usize = 3;

/// The first argument of a process that is a baseline.
const SIGNED: &str = "signed-clients";
const BARE: &str = "bare-clients";

fn main() {
    let args: Vec<String> = std::env::args().collect();
    common::start(|is_short| async move {
        match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            [_, SIGNED, url, folder, files, ..] => signed_clients(url, folder, files.parse().expect("a number")).await,
            [_, BARE, url, _, files, ..] => bare_clients(url, files.parse().expect("a number")).await,
            _ => run(if is_short { 1_000 } else { 10_000 }).await,
        }
    });
}

/// The simulated storage with an empty bucket.
struct Storage {
    store: ObjectStore,
    bucket: Bucket,
}

impl Storage {
    async fn start() -> Self {
        let options = Options {
            region: REGION.to_owned(),
            access_key: ACCESS_KEY.to_owned(),
            secret_key: SECRET_KEY.to_owned(),
            now: Arc::new(chrono::Utc::now),
        };
        let store = ObjectStore::start(options).await.expect("a port");
        let bucket = store.add_bucket(BUCKET);
        Self { store, bucket }
    }

    /// Waits until it was sent so much.
    async fn until_puts(&self, count: usize) {
        while self.bucket.all_puts() < count {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// The settings of the service as a process.
    fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("SPACES_BUCKET", BUCKET.to_owned()),
            ("SPACES_REGION", REGION.to_owned()),
            ("SPACES_ACCESS_KEY", ACCESS_KEY.to_owned()),
            ("SPACES_SECRET_KEY", SECRET_KEY.to_owned()),
            ("S3_ENDPOINT", self.store.url()),
        ]
    }
}

async fn serve(settings: &[(&'static str, String)], folder: &Path) -> Process {
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Process::service(folder, &settings).await
}

async fn run(files: usize) {
    let mut table = Table::default();
    let (mut ours, mut signed, mut first) = (Vec::new(), Vec::new(), Vec::new());
    let (mut grown, mut cpu) = (0.0_f64, Vec::new());
    for _ in 0..ROUNDS {
        let folder = common::folder();
        let storage = Storage::start().await;
        signed.push(clients(SIGNED, &storage.store.url(), &write_files(folder.path(), files), files).await);
        let copied = copy_changes(folder.path(), &Storage::start().await, files).await;
        first.push(copy_at_first(folder.path(), files).await);
        ours.push(copied.per_second);
        cpu.push(copied.cpu.as_secs_f64() * 1e6 / files as f64);
        grown = grown.max(copied.grown_mb);
    }
    let (ours, (signed, signed_cpu), first) = (median(&mut ours), median(&mut signed), median(&mut first));
    let ratio = ours / signed;
    let what = format!("{files} changed files of 4 KB copied, files/s");
    let measured = format!("{ours:.0} ({:.0} us of processor each)", median(&mut cpu));
    table.row(&what, measured, format!("A {signed:.0} ({signed_cpu:.0} us)"), ratio, "0.8", ratio >= 0.8);
    let what = format!("{files} files compared with the bucket and copied for the first time, files/s");
    table.row(&what, format!("{first:.0}"), format!("A {signed:.0}"), first / signed, "-", true);
    let bare = serve_bare().await;
    let (bare, _) = clients(BARE, &bare, Path::new("-"), files).await;
    table.row(
        "baseline A beside bare clients, files/s",
        format!("{signed:.0}"),
        format!("B {bare:.0}"),
        signed / bare,
        "-",
        true,
    );
    table.row("memory above idle meanwhile", format!("{grown:.0} MB"), "-".to_owned(), 1.0, "30 MB", grown <= 30.0);
    meanwhile(files, &mut table).await;
    table.print();
}

fn conversations(folder: &Path) -> PathBuf {
    folder.join(format!("facebook/{PAGE}/conversations"))
}

/// Makes or changes the files. Gives their folder.
fn write_files(folder: &Path, files: usize) -> PathBuf {
    let conversations = conversations(folder);
    std::fs::create_dir_all(&conversations).expect("a folder");
    for number in 0..files {
        std::fs::write(conversations.join(format!("{number}.json")), body(number)).expect("written");
    }
    conversations
}

/// What copying led to.
struct Copied {
    per_second: f64,
    cpu: Duration,
    grown_mb: f64,
}

/// All files have changed while the service was off. It knows the bucket, so that they are all it has to do.
async fn copy_changes(folder: &Path, storage: &Storage, files: usize) -> Copied {
    let app = open(folder, &storage.store.url(), Clock::system()).await;
    let working = app.start().await.expect("started");
    let objects = app.shared().objects.clone().expect("a bucket");
    while objects.standing() != Standing::Working {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    app.stop(Some(working)).await;
    write_files(folder, files);
    let past = Clock::manual(chrono::Utc::now() - chrono::TimeDelta::hours(1));
    let app = open(folder, &storage.store.url(), past).await;
    let paths = (0..files).map(|number| format!("facebook/{PAGE}/conversations/{number}.json")).collect();
    app.shared().journal.note_file_changes(paths).await.expect("noted");
    app.stop(None).await;
    let before = storage.bucket.all_puts();
    let service = serve(&storage.settings(), folder).await;
    storage.until_puts(before + 1).await;
    let (begun, cpu, idle_mb) = (Instant::now(), service.cpu(), service.memory_mb());
    storage.until_puts(before + files).await;
    let per_second = files as f64 / begun.elapsed().as_secs_f64();
    Copied { per_second, cpu: service.cpu() - cpu, grown_mb: service.peak_mb() - idle_mb }
}

/// The service compares all files with a bucket that it never saw, finds none there, and sends them: two requests for each.
/// Gives files a second.
async fn copy_at_first(folder: &Path, files: usize) -> f64 {
    let storage = Storage::start().await;
    let _service = serve(&storage.settings(), folder).await;
    // The first one says to whom the bucket belongs; then all files are in line.
    storage.until_puts(2).await;
    let begun = Instant::now();
    storage.until_puts(1 + files).await;
    files as f64 / begun.elapsed().as_secs_f64()
}

/// A process with baseline clients. Gives files a second, and microseconds of processor for each.
async fn clients(kind: &str, url: &str, folder: &Path, files: usize) -> (f64, f64) {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args([kind, url]).arg(folder).arg(files.to_string()).arg("--bench").stderr(Stdio::inherit());
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("no panic").expect("run");
    assert!(output.status.success(), "the clients failed");
    let printed = String::from_utf8(output.stdout).expect("text");
    let mut numbers = printed.split_whitespace().map(|number| number.parse().expect("a number"));
    let mut next = || numbers.next().expect("a number");
    (next(), next())
}

/// Takes the numbers of all files in eight tasks, and prints how many a second were done and how many
/// microseconds of processor each took.
async fn in_eight_tasks<F: Future<Output = ()> + Send>(
    files: usize,
    send: impl Fn(usize) -> F + Clone + Send + 'static,
) {
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE {
        let (next, send) = (Arc::clone(&next), send.clone());
        tasks.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= files {
                    return;
                }
                send(number).await;
            }
        });
    }
    tasks.join_all().await;
    let cpu = common::cpu_of("self").as_secs_f64() * 1e6 / files as f64;
    println!("{} {cpu}", files as f64 / begun.elapsed().as_secs_f64());
}

/// Baseline A.
async fn signed_clients(url: &str, folder: &str, files: usize) {
    let (settings, timeouts) = (Arc::new(object_settings(url)), Timeouts::default());
    let objects = Objects::new(settings, Clock::system(), &timeouts, Metrics::default()).expect("a client");
    let folder = Arc::new(PathBuf::from(folder));
    in_eight_tasks(files, move |number| {
        let (objects, path) = (objects.clone(), folder.join(format!("{number}.json")));
        async move {
            let content = tokio::fs::read(path).await.expect("a file");
            let (sha256, bytes) = (to_hex(&Sha256::digest(&content)), content.len() as u64);
            let key = ObjectKey::below("users/baseline/", &format!("{number}.json")).expect("a name");
            let content = Content { sha256, bytes, content_type: "application/json", body: content.into() };
            objects.put(&key, content).await.expect("stored");
        }
    })
    .await;
}

/// Baseline B.
async fn bare_clients(url: &str, files: usize) {
    let (client, url) = (common::client(), Url::parse(url).expect("an address"));
    in_eight_tasks(files, move |number| {
        let to = url.join(&format!("/{BUCKET}/users/baseline/{number}.json")).expect("an address");
        let request = client.put(to).body(body(number));
        async move {
            let answer = request.send().await.expect("an answer");
            assert!(answer.status().is_success());
            answer.bytes().await.expect("its body");
        }
    })
    .await;
}

/// A server for baseline B.
async fn serve_bare() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let router = Router::new().route("/{*path}", put(|body: Bytes| async move { drop(body) }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// What copying costs the intake of deliveries and the writing of their files: the service as a process of its own takes in a
/// steady load for the Page, with copies off and while it copies so many files for the first time.
async fn meanwhile(files: usize, table: &mut Table) {
    let time = if files < 10_000 { Duration::from_secs(1) } else { Duration::from_secs(4) };
    let pause = Duration::from_millis(10);
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
            let conversations = write_files(folder.path(), files);
            let mut settings = stage::settings(&simulator.url());
            let storage = Storage::start().await;
            if copies {
                settings.extend(storage.settings());
            }
            let service = serve(&settings, folder.path()).await;
            if copies {
                storage.until_puts(2).await;
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

fn object_settings(url: &str) -> ObjectSettings {
    ObjectSettings {
        bucket: BUCKET.to_owned(),
        region: REGION.to_owned(),
        endpoint: Url::parse(url).expect("an address"),
        has_path_style: true,
        access_key: ACCESS_KEY.into(),
        secret_key: SECRET_KEY.into(),
        every: Duration::from_secs(60),
    }
}

/// The service in this process. No platform: only the copies are measured.
async fn open(folder: &Path, url: &str, clock: Clock) -> App {
    let mut server = Server::below(folder);
    server.objects = Some(Arc::new(object_settings(url)));
    let mut config = Config::read(&|_| None).expect("settings");
    config.server = server;
    let app = App::build(config, clock).await.expect("opened");
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
