//! `cargo bench --bench search`: what finding products costs, side by side with a baseline of the same run.
//!
//! The index stands in this process, filled through the worker from records, as in production. Baseline B is what a program
//! would do that keeps no index: read all records of the shop and compare folded texts, once. `-- short` does everything with
//! a tenth of the products.

mod common;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{Table, memory_mb, ms};
use shoptalk::app::App;
use shoptalk::app::config::{Config, Server};
use shoptalk::shared::clock::Clock;
use shoptalk::shared::secrets::signature::Secrets;
use shoptalk::shared::store::search::{Price, Query};
use shoptalk::shared::store::{Edit, Record};
use shoptalk::shared::text_fold::Words;
use shoptalk::shopify::sandbox::{Options, Sandbox};
use shoptalk::shopify::{self, AdminUrl, BulkHosts};
use url::Url;

const SHOP: &str = "bench.myshopify.com";

/// What products are made of: colours, kinds, things, in four languages.
const COLOURS: [&str; 8] = ["Blue", "Red", "Green", "Black", "màu đỏ", "màu xanh", "蓝色", "สีขาว"];
const KINDS: [&str; 8] = ["Classic", "Deluxe", "Junior", "Alpine", "Freestyle", "Cổ điển", "経典", "คลาสสิก"];
const THINGS: [&str; 10] = [
    "Snowboard",
    "Jacket",
    "Boots",
    "Helmet",
    "Gloves",
    "Áo khoác",
    "スノーボード",
    "滑雪板",
    "รองเท้าผ้าใบ",
    "스노보드",
];

fn main() {
    common::start(|is_short| run(if is_short { 10_000 } else { 100_000 }));
}

async fn run(products: usize) {
    let folder = common::folder();
    let mut table = Table::default();
    let app = open(folder.path()).await;
    let journal = &app.shared().journal;
    for numbers in (0..products).collect::<Vec<_>>().chunks(500) {
        let edits = numbers.iter().map(|number| Edit::Put("product", product(*number, "")));
        journal.change_records("shopify", SHOP, edits.collect(), "catalogue").await.expect("stored");
    }
    let idle = memory_mb();
    let begun = Instant::now();
    app.settle().await.expect("indexed");
    let took = begun.elapsed();
    let size = std::fs::metadata(folder.path().join("data/search.db")).map_or(0, |file| file.len()) / 1_000_000;
    table.row(
        &format!("index of {products} products made, products/s"),
        format!("{:.0} ({size} MB)", products as f64 / took.as_secs_f64()),
        String::new(),
        1.0,
        "-",
        true,
    );
    let queries = queries(products);
    let baseline = baseline(&app, &queries[0].q).await;
    let mut times = Vec::new();
    for _ in 0..20 {
        for query in &queries {
            times.push(find(&app, query).await);
        }
    }
    for query in &queries {
        let mut each: Vec<Duration> = Vec::new();
        for _ in 0..5 {
            each.push(find(&app, query).await);
        }
        each.sort_unstable();
        eprintln!("{:>10}  {:?}", ms(each[2]), query.q);
    }
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    for (what, time, wanted) in [("p50", at(50), "-"), ("p95", at(95), "< 20 ms"), ("slowest", at(100), "-")] {
        table.row(
            &format!("a search in {products} products, {what}"),
            ms(time),
            format!("B {}", ms(baseline)),
            time.as_secs_f64() / baseline.as_secs_f64(),
            wanted,
            wanted == "-" || time < Duration::from_millis(20),
        );
    }
    let grown = memory_mb() - idle;
    table.row(
        "resident memory after that, above before",
        format!("{grown:.0} MB"),
        format!("{idle:.0} MB"),
        grown / 30.0,
        "<= 30 MB",
        grown <= 30.0,
    );
    seen(&app, products, &mut table).await;
    table.print();
}

/// From a record's change to the search that finds it, while the service works by itself.
async fn seen(app: &App, products: usize, table: &mut Table) {
    let working = app.start().await.expect("at work");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut times = Vec::new();
    for number in 0..9 {
        let word = format!("qqchanged{number}");
        let edit = Edit::Put("product", product(products / 2 + number, &word));
        app.shared().journal.change_records("shopify", SHOP, vec![edit], "catalogue").await.expect("stored");
        let begun = Instant::now();
        let query = Query { q: word, limit: 10, ..Query::default() };
        while app.shared().products.find(&account(), &query).await.expect("found").is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        times.push(begun.elapsed());
        tokio::time::sleep(Duration::from_millis(137)).await;
    }
    app.stop_working(Some(working)).await;
    times.sort_unstable();
    let slowest = times[times.len() - 1];
    table.row(
        "from a changed record to its search, slowest of 9",
        ms(slowest),
        String::new(),
        slowest.as_secs_f64() / 2.0,
        "<= 2 s",
        slowest <= Duration::from_secs(2),
    );
}

async fn find(app: &App, query: &Query) -> Duration {
    let begun = Instant::now();
    app.shared().products.find(&account(), query).await.expect("found");
    begun.elapsed()
}

fn account() -> [(String, String); 1] {
    [("shopify".to_owned(), SHOP.to_owned())]
}

/// Baseline B.
async fn baseline(app: &App, typed: &str) -> Duration {
    let words = Words::new(typed);
    let begun = Instant::now();
    let records = app.shared().journal.list_records("shopify", SHOP, "product").await.expect("read");
    let found = records.iter().filter(|record| words.are_in(&record.payload)).count();
    assert!(found > 0);
    begun.elapsed()
}

/// One word and several, rare and common ones, beginnings, slips, numbers, other scripts, sentences, filters, none.
fn queries(products: usize) -> Vec<Query> {
    let texts = [
        "blue snowboard",
        "snowboard",
        "classic",
        "sn",
        "gloves red junior",
        "ao khoac mau do",
        "สีขาว",
        "รองเท้าผ้าใบ",
        "蓝色",
        "스노보드",
        "スノー",
        "snowbord",
        "helmt alpine",
        "SKU-77",
        "sku500",
        "00",
        "model 4",
        "warranty",
        "zz",
        "",
        "Is the blue snowboard in stock? I would like the deluxe one",
        "Hello, how are you today?",
        "qwertyuiop asdfgh",
    ];
    let mut queries: Vec<Query> =
        texts.iter().map(|text| Query { q: (*text).to_owned(), limit: 10, ..Query::default() }).collect();
    queries.push(Query { q: "jacket".to_owned(), available: Some(true), max_price: Price::parse("15"), limit: 10 });
    queries.push(Query { q: format!("model {}", products - 1), limit: 10, ..Query::default() });
    queries
}

/// A product with three variants and a description, about two kilobytes of JSON.
fn product(number: usize, more: &str) -> Record {
    let (colour, kind, thing) = (COLOURS[number % 8], KINDS[number / 8 % 8], THINGS[number / 64 % 10]);
    let variants: Vec<serde_json::Value> = (0..3)
        .map(|size| {
            serde_json::json!({"node": {
                "id": format!("gid://shopify/ProductVariant/{}", number * 3 + size), "title": format!("Size {size}"),
                "price": format!("{}.50", 10 + number % 500 + size), "sku": format!("SKU-{}", number * 3 + size),
                "availableForSale": !number.is_multiple_of(5), "inventoryQuantity": number % 5,
                "selectedOptions": [{"name": "Size", "value": format!("Size {size}")}],
                "inventoryItem": {"id": format!("gid://shopify/InventoryItem/{number}"), "tracked": true},
            }})
        })
        .collect();
    let description = format!(
        "This {colour} {thing} is made for every day on the mountain and in the city. Two years of warranty, free returns \
         within thirty days. Series {}, batch {}. {more}",
        number % 977,
        number % 4001
    );
    let id = format!("gid://shopify/Product/{}", 9_007_199_254_740_993 + number);
    let node = serde_json::json!({
        "id": id, "legacyResourceId": (9_007_199_254_740_993 + number).to_string(),
        "title": format!("{thing} {kind} {colour} model {number}"), "handle": format!("product-{number}"), "status": "ACTIVE",
        "vendor": format!("Vendor {}", number % 50), "productType": thing, "tags": ["winter", kind, colour],
        "description": description, "descriptionHtml": format!("<p>{description}</p>"),
        "variants": {"edges": variants}, "metafields": {"edges": []},
    });
    Record { id, payload: node.to_string() }
}

/// The service in this process, with a simulated Shopify that is never asked.
async fn open(folder: &Path) -> App {
    let clock = Clock::system();
    let now = clock.clone();
    let options =
        Options { client_id: "bench".to_owned(), client_secret: "bench".to_owned(), now: Arc::new(move || now.now()) };
    let platform = Sandbox::start(options).await.expect("a platform");
    let own = Url::parse("http://127.0.0.1:1").expect("a URL");
    let settings = shopify::Config {
        api_key: "bench".to_owned(),
        api_secret: Secrets::new("a secret for the benchmark".into(), None),
        redirect_uri: own.join("/shopify/callback").expect("a URL"),
        webhook_address: own.join("/shopify/webhook").expect("a URL"),
        api_version: "2026-10".to_owned(),
        admin_url: AdminUrl::parse(&platform.admin_url()).expect("a base"),
        bulk_above: 1_000,
        bulk_hosts: BulkHosts::parse(&platform.bulk_host()).expect("a host"),
        poll_cron: "47 3 * * *".to_owned(),
    };
    let config = Config { shopify: Some(settings), ..Config::without_channels(Server::below(folder)) };
    App::build(config, clock).await.expect("opened")
}
