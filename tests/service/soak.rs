//! Mixed traffic for a long time: good deliveries of both platforms, repeated, late and forged ones, slow clients, logins,
//! polls, readers of the files, a crowd of idle and stalled strangers, and every now and then a stop or a kill. It ends with a
//! verdict.
//!
//! In the first half lives are short. The second half is one life, in which memory, threads and open files must stay as they
//! are.
//!
//! `SOAK_MINUTES=30 cargo test --release --test service soak -- --ignored --nocapture`, with at least 12,000 open files
//! (`ulimit -n`).

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use chrono::Utc;
use http::Method;
use serde_json::Value;
use shoptalk::shared::channel::simulator::Now;
use shoptalk::shopify::sandbox::Shop;
use shoptalk::{facebook, shopify};
use tokio::runtime::Handle;

use crate::crowd::{Crowd, Strangers};
use crate::load::{
    Book, Client, Delivery, Item, Load, Random, Shape, conversation_files, parse_everything, wait_until_ready,
};
use crate::mount::skipped;
use crate::process::{Ended, Service, configured, run_briefly};
use crate::shopify_checks::assert_complete_file;
use crate::test_app::{Browser, FACEBOOK_APP_ID, FACEBOOK_SECRET, OPERATOR_TOKEN, PAGE, SHOP, SHOPIFY_SECRET};

/// Some hundred messages a second, day and night, from some thousand customers: far more than a busy Page has, and no more
/// than its files can follow on a slow disk. How much can be taken in at most is a question for the benchmarks.
const SHAPE: Shape = Shape { connections: 4, people: 5_000, pause: Duration::from_millis(20) };

/// Strangers from other addresses of the loopback network: in a long run, and in one that is short.
const CROWD: Crowd = Crowd { idle: 10_000, stalled: 300 };
const SMALL_CROWD: Crowd = Crowd { idle: 300, stalled: 50 };

/// The most memory the service may ever take, in MB, beside what the crowd takes.
const MOST_MEMORY_MB: u64 = 300;

/// By how much memory may grow in the later half of the long life, in MB: caches still fill.
const GROWTH_MB: u64 = 24;

/// By how many threads or open files may grow meanwhile: those of the moment.
const GROWTH: u64 = 32;

/// Of how many deliveries one may be answered 503 while nothing is wrong.
const UNAVAILABLE: u64 = 200;

/// How long the catalogue may take to show what was told last.
const SHOWN_WITHIN: Duration = Duration::from_secs(60);

/// More logins from one address than this are refused: four requests each, 120 a minute.
const BETWEEN_LOGINS: Duration = Duration::from_millis(2_500);

/// What the 99th percentile of acknowledgements must stay below.
const P99: Duration = Duration::from_secs(1);

/// Both simulated platforms, by the real clock.
struct Platforms {
    runtime: tokio::runtime::Runtime,
    facebook: facebook::sandbox::Sandbox,
    shopify: shopify::sandbox::Sandbox,
}

impl Platforms {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (facebook, shopify) = runtime.block_on(async {
            let now: Now = Arc::new(Utc::now);
            let facebook = facebook::sandbox::Sandbox::start(facebook::sandbox::Options {
                app_id: FACEBOOK_APP_ID.to_owned(),
                app_secret: FACEBOOK_SECRET.to_owned(),
                now: Arc::clone(&now),
            });
            let shopify = shopify::sandbox::Sandbox::start(shopify::sandbox::Options {
                client_id: "test-app".to_owned(),
                client_secret: SHOPIFY_SECRET.to_owned(),
                now,
            });
            (facebook.await.unwrap(), shopify.await.unwrap())
        });
        facebook.auto_consent(true);
        shopify.auto_consent(true);
        facebook.add_page(PAGE, "Demo Shop");
        shopify.add_shop(SHOP, "Demo Shop").fill(20, 2);
        Self { runtime, facebook, shopify }
    }

    /// The service's command line, wired to these.
    fn command(&self, folder: &Path, port: u16, arguments: &[&str]) -> Command {
        let mut command = configured(folder, arguments);
        command
            .env("PORT", port.to_string())
            .env("PUBLIC_URL", format!("http://127.0.0.1:{port}"))
            .env("FACEBOOK_GRAPH_URL", self.facebook.url())
            .env("FACEBOOK_DIALOG_URL", self.facebook.url())
            .env("SHOPIFY_ADMIN_URL", self.shopify.admin_url())
            .env("OPERATOR_TOKEN", OPERATOR_TOKEN);
        command
    }
}

/// What happened, beside what is in the book.
#[derive(Default)]
struct Tally {
    forged: AtomicUsize,
    products: AtomicUsize,
    slow: AtomicUsize,
    reads: AtomicUsize,
    logins: AtomicUsize,
    polls: AtomicUsize,
    /// Probes that were refused, or whose connection was closed, while the service was up.
    refused: AtomicUsize,
    /// How long acknowledgements took.
    times: Mutex<Vec<Duration>>,
    /// What went wrong, in words.
    faults: Mutex<Vec<String>>,
}

impl Tally {
    fn fault(&self, what: String) {
        self.faults.lock().unwrap().push(what);
    }
}

/// Something that goes on beside the load until it is stopped.
fn go_on(stop: &Arc<AtomicBool>, pause: Duration, mut step: impl FnMut() + Send + 'static) -> JoinHandle<()> {
    let stop = Arc::clone(stop);
    std::thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            step();
            std::thread::sleep(pause);
        }
    })
}

fn forge(address: SocketAddr, tally: &Tally) {
    let body = r#"{"object":"page","entry":[]}"#;
    let request = format!(
        "POST /facebook/webhook HTTP/1.1\r\nhost: localhost\r\nx-hub-signature-256: sha256={}\r\ncontent-length: {}\r\n\r\n{body}",
        "0".repeat(64),
        body.len()
    );
    let Ok(mut stream) = TcpStream::connect(address) else { return };
    let mut answer = [0; 256];
    // The service may be down at the moment.
    if stream.write_all(request.as_bytes()).is_err() {
        return;
    }
    if let Ok(read @ 1..) = stream.read(&mut answer) {
        let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
        if !answer.starts_with("HTTP/1.1 401") {
            tally.fault(format!("a forged delivery was answered {answer}"));
        }
        tally.forged.fetch_add(1, Ordering::Relaxed);
    }
}

/// Begins a request slowly, stays for a while, and goes away in the middle.
fn dawdle(address: SocketAddr, tally: &Tally) {
    let Ok(mut stream) = TcpStream::connect(address) else { return };
    for piece in ["POST /facebook/webhook HT", "TP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n", "\r\n{\"obj"] {
        if stream.write_all(piece.as_bytes()).is_err() {
            return;
        }
        std::thread::sleep(Duration::from_millis(400));
    }
    tally.slow.fetch_add(1, Ordering::Relaxed);
}

/// Changes a product and tells of it, twice, and once more as a forger would.
fn change_product(shop: &Shop, handle: &Handle, url: &str, number: usize, tally: &Tally) -> bool {
    let products = shop.products();
    let product = &products[number % products.len()];
    product.rename(&format!("Name {number}"));
    let body = product.webhook().to_string();
    let deliver = |overrides: &[(&str, Option<&str>)]| {
        handle.block_on(shop.deliver_to(url, "products/update", body.as_bytes(), overrides))
    };
    let mut known = false;
    let event = format!("soak-{number}");
    for _ in 0..2 {
        match deliver(&[("X-Shopify-Event-Id", Some(&event))]) {
            Ok(200) => known = true,
            // The service may be down at the moment.
            Ok(503) | Err(_) => {}
            Ok(status) => tally.fault(format!("a product's delivery was answered {status}")),
        }
    }
    match deliver(&[("X-Shopify-Hmac-Sha256", Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="))]) {
        Ok(401) => drop(tally.forged.fetch_add(1, Ordering::Relaxed)),
        Err(_) => {}
        Ok(status) => tally.fault(format!("a forged delivery of a product was answered {status}")),
    }
    if known {
        tally.products.fetch_add(1, Ordering::Relaxed);
    }
    known
}

/// Reads some conversation file; it must be one whole document.
fn read(folder: &Path, random: &mut Random, tally: &Tally) {
    let files = conversation_files(folder);
    let Some(file) = files.get(random.below(files.len().max(1) as u64) as usize) else { return };
    match std::fs::read(file).map(|text| serde_json::from_slice::<Vec<Value>>(&text)) {
        Ok(Ok(items)) if !items.is_empty() => drop(tally.reads.fetch_add(1, Ordering::Relaxed)),
        torn => tally.fault(format!("{} was torn: {torn:?}", file.display())),
    }
}

/// Waits until the file of the catalogue says what the shop does.
fn wait_until_shown(folder: &Path, shop: &Shop) {
    let deadline = Instant::now() + SHOWN_WITHIN;
    let titles = || -> Option<BTreeSet<String>> {
        let text = std::fs::read(folder.join(SHOP).join("shop_products.json")).ok()?;
        let file: Value = serde_json::from_slice(&text).unwrap();
        let edges = file["data"]["products"]["edges"].as_array()?;
        edges.iter().map(|edge| edge["node"]["title"].as_str().map(str::to_owned)).collect()
    };
    let wanted: BTreeSet<String> = shop.products().iter().map(shopify::sandbox::Product::title).collect();
    while titles().is_none_or(|titles| titles != wanted) {
        assert!(Instant::now() < deadline, "{:?} instead of {wanted:?}", titles());
        std::thread::sleep(Duration::from_millis(50));
    }
    let text = std::fs::read(folder.join(SHOP).join("shop_products.json")).unwrap();
    assert_complete_file(&serde_json::from_slice(&text).unwrap(), shop);
}

/// Sends one message and notes how long its acknowledgement took. `ups_and_downs` counts starts and ends of the service: odd while it
/// is up.
fn probe(address: SocketAddr, book: &Mutex<Book>, tally: &Tally, ups_and_downs: &AtomicUsize, number: usize) {
    let item =
        Item::new(format!("m_probe-{number}"), "7999999999999999".to_owned(), 1_790_000_000_000 + number as u64, "!");
    let delivery = Delivery::new(vec![item]);
    book.lock().unwrap().sending(&delivery);
    let (life, sent) = (ups_and_downs.load(Ordering::SeqCst), Instant::now());
    let answer = Client::connect(address).and_then(|mut client| client.deliver(&delivery));
    let was_up = life % 2 == 1 && ups_and_downs.load(Ordering::SeqCst) == life;
    if was_up && answer.as_ref().map_or(true, |answer| answer.status != 200) {
        tally.refused.fetch_add(1, Ordering::Relaxed);
    }
    if let Ok(answer) = answer {
        tally.times.lock().unwrap().push(sent.elapsed());
        book.lock().unwrap().answered(&delivery, &answer);
    }
}

/// What a process takes at a moment.
#[derive(Clone, Copy, Debug, Default)]
struct Taken {
    memory_mb: u64,
    threads: u64,
    files: u64,
}

impl Taken {
    fn by(process: u32) -> Self {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            line.split_whitespace().next().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0)
        };
        let files = std::fs::read_dir(format!("/proc/{process}/fd")).map_or(0, |entries| entries.count() as u64);
        Self { memory_mb: number("VmRSS:") / 1024, threads: number("Threads:"), files }
    }

    /// The mean of several moments.
    fn mean(of: &[Self]) -> Self {
        let mean = |part: fn(&Self) -> u64| of.iter().map(part).sum::<u64>() / of.len().max(1) as u64;
        Self { memory_mb: mean(|one| one.memory_mb), threads: mean(|one| one.threads), files: mean(|one| one.files) }
    }
}

/// One run. `timed`: whether the time of acknowledgements decides, which it does only on a machine that does nothing else.
fn soak(duration: Duration, timed: bool) {
    let mut random = Random::seeded();
    let folder = tempfile::tempdir().unwrap();
    let platforms = Platforms::start();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let longest_start = std::cell::Cell::new(Duration::ZERO);
    let start = || {
        let begun = Instant::now();
        let service = Service::start(platforms.command(folder.path(), port, &["serve"]));
        wait_until_ready(address);
        longest_start.set(longest_start.get().max(begun.elapsed()));
        service
    };
    let login = |browser: &Browser| {
        platforms.runtime.block_on(async {
            let shop = browser.follow(&format!("/shopify/{SHOP}/login")).await.status;
            let page = browser.follow("/facebook/login").await.status;
            (shop, page)
        })
    };

    let mut service = start();
    let url = format!("http://127.0.0.1:{port}");
    let first = login(&Browser::new(&url));
    assert!(first.0.is_success() && first.1.is_success(), "{first:?}");

    let (book, tally) = (Arc::new(Mutex::new(Book::default())), Arc::new(Tally::default()));
    let stop = Arc::new(AtomicBool::new(false));
    let mut beside = Vec::new();
    let shared = Arc::clone(&tally);
    beside.push(go_on(&stop, Duration::from_millis(50), move || forge(address, &shared)));
    for _ in 0..4 {
        let shared = Arc::clone(&tally);
        beside.push(go_on(&stop, Duration::from_millis(200), move || dawdle(address, &shared)));
    }
    let ups_and_downs = Arc::new(AtomicUsize::new(1));
    let (noted, shared, counted, mut number) = (Arc::clone(&book), Arc::clone(&tally), Arc::clone(&ups_and_downs), 0);
    beside.push(go_on(&stop, Duration::from_millis(20), move || {
        number += 1;
        probe(address, &noted, &shared, &counted, number);
    }));
    let crowd = match (timed, SMALL_CROWD.fits()) {
        (true, _) => CROWD,
        (false, true) => SMALL_CROWD,
        (false, false) => {
            skipped("strangers need more open files: ulimit -n");
            Crowd { idle: 0, stalled: 0 }
        }
    };
    assert!(crowd.fits() || !timed, "{} connections need more open files: ulimit -n", crowd.connections());
    let strangers = platforms.runtime.block_on(Strangers::begin(crowd, address));

    let (shop, handle) = (platforms.shopify.shop(SHOP).unwrap(), platforms.runtime.handle().clone());
    let (webhook, shared, mut changes) = (format!("{url}/shopify/webhook"), Arc::clone(&tally), 0);
    let (changed, runtime, to) = (shop.clone(), handle.clone(), webhook.clone());
    beside.push(go_on(&stop, Duration::from_millis(500), move || {
        changes += 1;
        change_product(&changed, &runtime, &to, changes, &shared);
    }));
    let (outputs, shared, mut choice) =
        (folder.path().to_owned(), Arc::clone(&tally), Random::from_seed(random.next()));
    beside.push(go_on(&stop, Duration::from_millis(20), move || read(&outputs, &mut choice, &shared)));

    let (began, mut taken, mut logs) = (Instant::now(), Vec::new(), String::new());
    let (mut ends, mut last_login, mut most_mb) = (0, None::<Instant>, 0);
    // A kill and a stop there are, however slow the machine is.
    while began.elapsed() < duration || ends < 2 {
        // One life of the service, with everything at once.
        let load = Load::start(address, &book, SHAPE, &mut random);
        let life = Instant::now();
        let is_short = began.elapsed() < duration / 2;
        let lives =
            if is_short { (duration / 16).clamp(Duration::from_secs(2), Duration::from_secs(60)) } else { duration };
        taken.clear();
        while taken.is_empty() || (life.elapsed() < lives && began.elapsed() < duration) {
            if last_login.is_none_or(|at| at.elapsed() > BETWEEN_LOGINS) {
                last_login = Some(Instant::now());
                let (shop, page) = login(&Browser::new(&url));
                match shop.is_success() && page.is_success() {
                    true => drop(tally.logins.fetch_add(1, Ordering::Relaxed)),
                    false => tally.fault(format!("a login ended with {shop} and {page}")),
                }
            }
            let Ended { code, stdout, stderr } = run_briefly(platforms.command(folder.path(), port, &["sync"]));
            match code {
                Some(0) => drop(tally.polls.fetch_add(1, Ordering::Relaxed)),
                _ => tally.fault(format!("a poll ended with {code:?}: {stdout}{stderr}")),
            }
            taken.push(Taken::by(service.id()));
            most_mb = most_mb.max(taken.last().map_or(0, |taken| taken.memory_mb));
            std::thread::sleep(random.milliseconds(200, 1000));
        }
        ends += 1;
        ups_and_downs.fetch_add(1, Ordering::SeqCst);
        if ends % 2 == 0 {
            let (status, log) = service.stop();
            if status.code() != Some(0) {
                tally.fault(format!("a stop ended with {status}"));
            }
            logs.push_str(&log);
        } else {
            logs.push_str(&service.kill());
        }
        load.stop();
        service = start();
        ups_and_downs.fetch_add(1, Ordering::SeqCst);
    }
    let (came, came_back) = (strangers.came(), strangers.came_back());
    platforms.runtime.block_on(strangers.end());
    stop.store(true, Ordering::Relaxed);
    for thread in beside {
        thread.join().unwrap();
    }
    let book = book.lock().unwrap();
    let load_ended = Instant::now();
    book.wait_until_filed(folder.path());
    let caught_up = load_ended.elapsed();
    // What webhooks tell of products is in the file without a poll.
    for number in 1_000_000..1_000_000 + shop.products().len() {
        assert!(change_product(&shop, &handle, &webhook, number, &tally), "nobody else is there any more");
    }
    wait_until_shown(folder.path(), &shop);
    let bearer = format!("Bearer {OPERATOR_TOKEN}");
    let operator = Browser::new(&url);
    let status = handle.block_on(operator.send(Method::GET, "/api/status", &[("authorization", &bearer)], b"")).json();
    let (status_of_journal, alerts) = (status["journal"].clone(), status["alerts"].clone());
    let (status, log) = service.stop();
    assert_eq!(status.code(), Some(0));
    logs.push_str(&log);
    parse_everything(folder.path());

    let mut times = tally.times.lock().unwrap().clone();
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    let panics = logs.lines().filter(|line| line.contains("panicked")).count();
    // Caches fill in the beginning of the long life.
    let later = &taken[taken.len() / 4..];
    let (early, late) = later.split_at(later.len() / 2);
    let (early, late) = (Taken::mean(early), Taken::mean(late));
    let (taken_in, refused) = book.answers;
    println!(
        "{:.1} minutes: {} messages acknowledged, 0 lost, 0 doubled; {taken_in} answers 200, {refused} answers 503; {} \
         products told; {came} strangers who came back {came_back} times, {} probes refused; {} forged, {} slow, {} logins, {} polls, {} reads of files; {} kills, {} stops, ready again \
         within {:.1} s; all in files {:.1} s after the load; {panics} panics; acknowledged in {:.1} ms (median), {:.1} ms (p99), {:.1} ms (slowest); in the \
         long life {early:?}, then {late:?}; at most {most_mb} MB",
        began.elapsed().as_secs_f64() / 60.0,
        book.acknowledged(),
        tally.products.load(Ordering::Relaxed),
        tally.refused.load(Ordering::Relaxed),
        tally.forged.load(Ordering::Relaxed),
        tally.slow.load(Ordering::Relaxed),
        tally.logins.load(Ordering::Relaxed),
        tally.polls.load(Ordering::Relaxed),
        tally.reads.load(Ordering::Relaxed),
        ends - ends / 2,
        ends / 2,
        longest_start.get().as_secs_f64(),
        caught_up.as_secs_f64(),
        at(0.5).as_secs_f64() * 1e3,
        at(0.99).as_secs_f64() * 1e3,
        at(1.0).as_secs_f64() * 1e3,
    );
    assert_eq!(*tally.faults.lock().unwrap(), [""; 0]);
    assert_eq!(panics, 0, "{logs}");
    assert_eq!((&status_of_journal["parked"], &status_of_journal["apart"]), (&0.into(), &0.into()));
    assert_eq!(alerts, Value::Array(Vec::new()));
    assert_eq!(came, crowd.connections(), "not all strangers came in");
    let allowed_mb = MOST_MEMORY_MB + crowd.most_memory_kb() / 1024;
    assert!(most_mb <= allowed_mb, "{most_mb} MB of {allowed_mb}");
    // Of a few moments nothing follows.
    if later.len() >= 20 {
        assert!(late.memory_mb <= early.memory_mb + GROWTH_MB, "memory grew: {early:?}, then {late:?}");
        assert!(late.threads <= early.threads + GROWTH, "threads grew: {early:?}, then {late:?}");
        // Of the crowd some are always on their way back.
        let coming_and_going = crowd.connections() as u64 / 20;
        assert!(late.files <= early.files + GROWTH + coming_and_going, "open files grew: {early:?}, then {late:?}");
    }
    assert!(!timed || at(0.99) < P99, "{:?}", at(0.99));
    let probes = tally.refused.load(Ordering::Relaxed);
    assert!(!timed || probes == 0, "{probes} probes were refused while the service was up");
    assert!(!timed || refused * UNAVAILABLE <= taken_in, "{refused} of {taken_in} were answered 503");
    let Tally { forged, products, slow, reads, logins, polls, .. } = &*tally;
    for (what, count) in [
        ("forged", forged),
        ("products", products),
        ("slow", slow),
        ("reads", reads),
        ("logins", logins),
        ("polls", polls),
    ] {
        assert!(count.load(Ordering::Relaxed) > 0, "there were no {what}");
    }
}

#[test]
fn mixed_traffic_with_a_kill_and_a_stop_ends_with_nothing_lost() {
    soak(Duration::from_secs(8), false);
}

#[test]
#[ignore = "takes SOAK_MINUTES, by default 30: cargo test --release --test service soak -- --ignored --nocapture"]
fn a_soak_ends_with_a_good_verdict() {
    let minutes = std::env::var("SOAK_MINUTES").map_or(30.0, |text| text.parse().unwrap());
    soak(Duration::from_secs_f64(minutes * 60.0), true);
}
