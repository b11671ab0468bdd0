//! `cargo bench --bench shopify`: what a large catalogue costs, side by side with baselines of the same run.
//!
//! The service runs as its own process, the simulated Shopify in this one. Machines differ and are shared, so processor
//! time and ratios count. `-- short` does everything with a tenth of the products.
//!
//! Baseline L is what a program would do that keeps nothing: read each line of the same bulk file as a JSON value and
//! write it to another file. Baseline C is the processor time of copying the catalogue's file once.
//!
//! Where the time goes (`perf record` over a bulk pass and events, November 2026; service and simulator together, so only
//! the order is told): taking and giving back memory for parsed lines first, then comparing keys while objects are put
//! together, then writing JSON; the disk hardly counts. One event costs two copies of the file: it is spliced, not made anew.

mod common;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{Process, Table, client, cpu_of};
use shoptalk::app::App;
use shoptalk::app::config::{Config, Server};
use shoptalk::shared::clock::Clock;
use shoptalk::shared::secrets::signature::Secrets;
use shoptalk::shopify::sandbox::{Options, Sandbox, Shop};
use shoptalk::shopify::{self, AdminUrl, BulkHosts};
use url::Url;

const SECRET: &str = "a shopify secret for the benchmark";
const SHOP: &str = "bench.myshopify.com";

fn main() {
    common::start(|is_short| run(if is_short { 1_000 } else { 10_000 }));
}

async fn run(products: usize) {
    let folder = common::folder();
    let mut table = Table::default();
    bulk(&folder.path().join("bulk"), products, 5, &mut table).await;
    memory(&folder.path().join("memory"), products * 2, 10, &mut table).await;
    pages(&folder.path().join("pages"), &mut table).await;
    table.print();
}

/// A bulk pass of products with five variants, then one event about one of them.
async fn bulk(folder: &Path, products: usize, variants: usize, table: &mut Table) {
    let (platform, shop) = platform(Clock::system(), products, variants).await;
    let service = start(folder, &platform).await;
    let file = folder.join(SHOP).join("shop_products.json");
    log_in(&service.url()).await;
    while platform.traffic().count("/bulk/") == 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let (begun, cpu_before) = (Instant::now(), service.cpu());
    while !file.exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (took, cpu) = (begun.elapsed(), service.cpu() - cpu_before);
    let files = platform.bulk_files();
    let lines: usize = files.iter().map(|text| text.lines().count()).sum();
    let baseline = read_and_write(folder, &files);
    let per_second = lines as f64 / took.as_secs_f64();
    table.row(
        &format!("bulk pass of {products} × {variants}, lines/s to the finished file"),
        format!("{per_second:.0} ({lines} lines)"),
        format!("L {:.0}", lines as f64 / baseline.as_secs_f64()),
        baseline.as_secs_f64() / took.as_secs_f64(),
        ">= 20,000",
        per_second >= 20_000.0,
    );
    let per_cpu = lines as f64 / cpu.as_secs_f64();
    table.row(
        "the same by processor time of the service",
        format!("{per_cpu:.0}"),
        String::new(),
        per_cpu / 20_000.0,
        "-",
        true,
    );

    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut costs = Vec::new();
    for number in 0..7 {
        let product = shop.products()[products / 2 + number].clone();
        product.set_price(&format!("{number}.42"));
        let stamp = std::fs::metadata(&file).expect("the file").modified().expect("a time");
        let before = service.cpu();
        assert_eq!(shop.deliver("products/update", &product.webhook()).await, [200]);
        while std::fs::metadata(&file).expect("the file").modified().expect("a time") == stamp {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        costs.push(service.cpu() - before);
    }
    costs.sort();
    let cost = costs[costs.len() / 2];
    let copy = copy_cost(&file, folder);
    let megabytes = std::fs::metadata(&file).expect("the file").len() as f64 / 1e6;
    table.row(
        &format!("one product event, a file of {megabytes:.0} MB, processor time"),
        format!("{} ms", cost.as_millis()),
        format!("C {} ms", copy.as_millis()),
        cost.as_secs_f64() / copy.as_secs_f64().max(0.001),
        "<= 50 ms",
        cost <= Duration::from_millis(50),
    );
}

/// The highest resident memory of a bulk pass over the one when idle.
async fn memory(folder: &Path, products: usize, variants: usize, table: &mut Table) {
    let variants = variants / 2;
    let (platform, _shop) = platform(Clock::system(), products, variants).await;
    let service = start(folder, &platform).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let idle = service.memory_mb();
    log_in(&service.url()).await;
    let file = folder.join(SHOP).join("shop_products.json");
    while !file.exists() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let above = service.peak_mb() - idle;
    table.row(
        &format!("peak memory above idle, {} variants", products * variants),
        format!("{above:.0} MB"),
        format!("idle {idle:.0} MB"),
        above / 60.0,
        "<= 60 MB",
        above <= 60.0,
    );
}

/// A pass by pages at 100 points a second, by a clock that moves only when somebody waits.
async fn pages(folder: &Path, table: &mut Table) {
    let clock = Clock::manual("2026-11-21T12:00:00Z".parse().expect("a time"));
    let (platform, shop) = platform(clock.clone(), 600, 5).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let own = format!("http://{}", listener.local_addr().expect("an address"));
    let url = Url::parse(&own).expect("a URL");
    let config = Config { shopify: Some(settings(&platform, &url)), ..Config::without_channels(Server::below(folder)) };
    let app = App::build(config, clock.clone()).await.expect("opened");
    let router = app.router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    log_in(&own).await;
    shop.set_throttle(1_000.0, 100.0);
    let (spent, begun) = (platform.points_spent(), clock.now());
    app.settle().await.expect("settled");
    let seconds = (clock.now() - begun).num_milliseconds() as f64 / 1000.0;
    let (spent, given) = ((platform.points_spent() - spent) as f64, 1_000.0 + 100.0 * seconds);
    table.row(
        "pass by pages at 100 points/s, points spent",
        format!("{spent:.0} in {seconds:.0} s"),
        format!("given {given:.0}"),
        spent / given,
        ">= 0.9",
        spent / given >= 0.9,
    );
}

async fn platform(clock: Clock, products: usize, variants: usize) -> (Sandbox, Shop) {
    let now = Arc::new(move || clock.now());
    let options = Options { client_id: "bench-app".to_owned(), client_secret: SECRET.to_owned(), now };
    let platform = Sandbox::start(options).await.expect("a platform");
    platform.auto_consent(true);
    let shop = platform.add_shop(SHOP, "Bench");
    shop.fill(products, variants);
    (platform, shop)
}

fn settings(platform: &Sandbox, own: &Url) -> shopify::Config {
    shopify::Config {
        api_key: "bench-app".to_owned(),
        api_secret: Secrets::new(SECRET.into(), None),
        redirect_uri: own.join("/shopify/callback").expect("a URL"),
        webhook_address: own.join("/shopify/webhook").expect("a URL"),
        api_version: "2026-10".to_owned(),
        admin_url: AdminUrl::parse(&platform.admin_url()).expect("a base"),
        bulk_above: 1_000,
        bulk_hosts: BulkHosts::parse(&platform.bulk_host()).expect("a host"),
        poll_cron: "47 3 * * *".to_owned(),
    }
}

/// Connects the shop, as a browser does.
async fn log_in(own: &str) {
    let client = client();
    let mut url = Url::parse(&format!("{own}/shopify/{SHOP}/login")).expect("a URL");
    let mut cookies: BTreeMap<String, String> = BTreeMap::new();
    for _ in 0..6 {
        let cookie: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = client
            .get(url.clone())
            .header("accept", "application/json")
            .header("cookie", cookie.join("; "))
            .send()
            .await
            .expect("an answer");
        for cookie in answer.headers().get_all("set-cookie") {
            let pair = cookie.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        match answer.headers().get("location").and_then(|value| value.to_str().ok()) {
            Some(location) => url = url.join(location).expect("a URL"),
            None => {
                assert!(answer.status().is_success(), "the login ended with {}", answer.status());
                return;
            }
        }
    }
}

/// Baseline L.
fn read_and_write(folder: &Path, files: &[String]) -> Duration {
    let begun = Instant::now();
    let mut out = BufWriter::new(std::fs::File::create(folder.join("baseline.json")).expect("a file"));
    for file in files {
        for line in BufReader::new(file.as_bytes()).lines() {
            let value: serde_json::Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
            serde_json::to_writer(&mut out, &value).expect("written");
            out.write_all(b"\n").expect("written");
        }
    }
    out.flush().expect("written");
    out.get_ref().sync_data().expect("synced");
    begun.elapsed()
}

/// Baseline C, the middle one of five.
fn copy_cost(file: &Path, folder: &Path) -> Duration {
    let mut costs: Vec<Duration> = (0..5)
        .map(|_| {
            let before = cpu_of("self");
            for _ in 0..10 {
                std::fs::copy(file, folder.join("copy.json")).expect("copied");
            }
            (cpu_of("self") - before) / 10
        })
        .collect();
    costs.sort();
    costs[2]
}

/// The service, which knows this platform.
async fn start(folder: &Path, platform: &Sandbox) -> Process {
    let settings = [
        ("SHOPIFY_API_KEY", "bench-app"),
        ("SHOPIFY_API_SECRET", SECRET),
        ("SHOPIFY_ADMIN_URL", &platform.admin_url()),
        ("SHOPIFY_BULK_HOSTS", &platform.bulk_host()),
        ("SHOPIFY_BULK_ABOVE", "500"),
    ];
    Process::service(folder, &settings).await
}
