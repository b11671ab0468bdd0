//! `cargo bench --bench facebook [-- short]`: what the import of a Page's history costs, side by side with a baseline of the
//! same run.
//!
//! The service runs as its own process; the simulated Facebook lives in this one and gives it conversations of 20 messages.
//! The baseline is a bare client that asks for the same lists and throws them away: what the simulator and HTTP allow. With
//! a limit of calls set, the baseline is the limit. Machines differ and are shared, so the ratios count, not the numbers.
//!
//! Where the time goes (`perf record -g` on the service during an import without limit, November 2026, 2 cores; shares of
//! its processor time): half is SQLite, in the journal's thread and where known messages are looked up; reading and
//! writing JSON is about an eighth, files an eighth, syncs a twentieth. One message costs about 25 µs.
//! The profile also showed a fault: asked for every 20 ms, `/api/status` counted rows and cost more than the import.

mod common;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use common::{Process, Table, client};
use shoptalk::app::App;
use shoptalk::app::config::{Config, Server};
use shoptalk::facebook::sandbox::{Options, Sandbox};
use shoptalk::shared::channel::read_request::ReadRequest;
use shoptalk::shared::clock::Clock;
use shoptalk::shared::store::{NewConnection, Status, Token, TokenKind};

const APP_ID: &str = "900000000000001";
const SECRET: &str = "a secret for the benchmark";
const OPERATOR: &str = "an operator token for the benchmark, long enough";
const PAGE: &str = "100000000000101";

/// Messages of each conversation: as many as can be read back.
const MESSAGES: usize = 20;

/// Conversations in one list, as the service asks for them.
const AT_ONCE: usize = 25;

/// What Meta allows: calls of the Conversations API per second and Page.
const CALLS_PER_SECOND: usize = 2;

struct Scale {
    few: usize,
    many: usize,
    limited: usize,
}

const LONG: Scale = Scale { few: 500, many: 5_000, limited: 1_500 };
const SHORT: Scale = Scale { few: 200, many: 1_000, limited: 300 };

fn main() {
    common::start(|is_short| run(if is_short { SHORT } else { LONG }));
}

async fn run(scale: Scale) {
    let mut table = Table::default();
    let few = import(scale.few, 0).await;
    let many = import(scale.many, 0).await;
    let limited = import(scale.limited, CALLS_PER_SECOND).await;

    table.row(
        &format!("messages/s imported and filed, {} conversations, no limit", scale.many),
        format!("{:.0}", many.per_second),
        format!("bare client {:.0}", many.baseline),
        many.per_second / many.baseline,
        ">= 3,000/s",
        many.per_second >= 3_000.0,
    );
    table.row(
        "the same until all is in the journal",
        format!("{:.0}", many.journalled_per_second),
        format!("bare client {:.0}", many.baseline),
        many.journalled_per_second / many.baseline,
        "-",
        true,
    );
    table.row(
        "processor time of the service per 1,000 messages",
        format!("{:.1} ms", many.cpu.as_secs_f64() * 1e6 / (scale.many * MESSAGES) as f64),
        format!("few {:.1} ms", few.cpu.as_secs_f64() * 1e6 / (scale.few * MESSAGES) as f64),
        many.cpu.as_secs_f64() / few.cpu.as_secs_f64() * scale.few as f64 / scale.many as f64,
        "-",
        true,
    );
    let allowed = (CALLS_PER_SECOND * AT_ONCE * MESSAGES) as f64;
    table.row(
        &format!("messages/s, {} conversations, {CALLS_PER_SECOND} calls/s allowed", scale.limited),
        format!("{:.0}", limited.journalled_per_second),
        format!("limit {allowed:.0}"),
        limited.journalled_per_second / allowed,
        ">= 0.9",
        limited.journalled_per_second / allowed >= 0.9,
    );
    table.row(
        &format!("peak memory, {} conversations against {}", scale.many, scale.few),
        format!("{:.0} MB", many.peak_mb),
        format!("{:.0} MB", few.peak_mb),
        many.peak_mb / few.peak_mb,
        "<= +30 MB",
        many.peak_mb - few.peak_mb <= 30.0,
    );
    table.print();
}

/// What one import took.
struct Import {
    per_second: f64,
    journalled_per_second: f64,
    baseline: f64,
    peak_mb: f64,
    cpu: Duration,
}

/// Lets a fresh service import so many conversations. `limit`: calls per second, 0 for none.
async fn import(conversations: usize, limit: usize) -> Import {
    let folder = common::folder();
    // A message a minute: a history has its times.
    let minutes = Arc::new(AtomicI64::new(0));
    let told = Arc::clone(&minutes);
    let begin = chrono::Utc::now() - chrono::TimeDelta::minutes((conversations * MESSAGES) as i64);
    let now = Arc::new(move || begin + chrono::TimeDelta::minutes(told.load(Ordering::Relaxed)));
    let options = Options { app_id: APP_ID.to_owned(), app_secret: SECRET.to_owned(), now };
    let facebook = Sandbox::start(options).await.expect("a simulator");
    let page = facebook.add_page(PAGE, "Bench");
    for number in 0..conversations {
        let person = facebook.person(&format!("{}", 7_000_000_000_000_000 + number), "Sam Doe");
        for message in 0..MESSAGES {
            minutes.fetch_add(1, Ordering::Relaxed);
            page.message_from(&person, &format!("Is the blue one still in stock? I need {message} of it by Friday."));
        }
    }
    let token = facebook.page_token(PAGE);
    let baseline = bare_client(&facebook, &token, conversations).await;
    connect(folder.path(), &token).await;

    let messages = (conversations * MESSAGES) as f64;
    let files = folder.path().join(format!("facebook/{PAGE}/conversations"));
    let lists = facebook.traffic().count("/conversations");
    let first_list = async {
        // From the first list on: the start of the process is no part of the import.
        while facebook.traffic().count("/conversations") == lists {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Instant::now()
    };
    let graph = facebook.url();
    let (service, started) = tokio::join!(start(folder.path(), &graph, limit), first_list);
    let http = client();
    let journalled = loop {
        // The status counts rows: asked more often, it would be measured too.
        tokio::time::sleep(Duration::from_millis(200)).await;
        if has_imported(&http, &service).await {
            break started.elapsed();
        }
    };
    while std::fs::read_dir(&files).map_or(0, Iterator::count) < conversations {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let filed = started.elapsed();
    let import = Import {
        per_second: messages / filed.as_secs_f64(),
        journalled_per_second: messages / journalled.as_secs_f64(),
        baseline,
        peak_mb: service.peak_mb(),
        cpu: service.cpu(),
    };
    eprintln!(
        "{conversations} conversations, limit {limit}: journal {:.1} s, files {:.1} s, {:.0} MB, {:.1} s of processor time",
        journalled.as_secs_f64(),
        filed.as_secs_f64(),
        import.peak_mb,
        import.cpu.as_secs_f64()
    );
    import
}

/// How many messages per second a client gets that asks for the same lists and keeps nothing.
async fn bare_client(facebook: &Sandbox, token: &str, conversations: usize) -> f64 {
    let http = client();
    let url = format!("{}/v26.0/{PAGE}/conversations", facebook.url());
    let fields = format!(
        "id,updated_time,participants,messages.limit({MESSAGES}){{id,created_time,from,to,message,attachments,shares,sticker,reply_to}}"
    );
    let limit = AT_ONCE.to_string();
    let mut after = String::new();
    let started = Instant::now();
    for _ in 0..conversations.div_ceil(AT_ONCE) {
        let query = [("platform", "messenger"), ("fields", &fields), ("limit", &limit), ("after", &after)];
        let answer = http.get(&url).query(&query).bearer_auth(token).send().await.expect("an answer");
        let body = answer.text().await.expect("a body");
        let cursor = body.rsplit_once("\"after\":\"").and_then(|(_, rest)| rest.split_once('"'));
        after = cursor.expect("a cursor").0.to_owned();
    }
    (conversations * MESSAGES) as f64 / started.elapsed().as_secs_f64()
}

/// A data folder in which the Page is connected and waits to be read.
async fn connect(folder: &Path, token: &str) {
    let config = Config::without_channels(Server::below(folder));
    let app = App::build(config, Clock::system()).await.expect("opened");
    let shared = app.shared();
    let token = Token { secret: token.to_owned().into(), expires_at: None };
    let connection = NewConnection {
        channel: "facebook",
        account: PAGE.to_owned(),
        merchant: uuid::Uuid::nil(),
        name: "Bench".to_owned(),
        scopes: Vec::new(),
        status: Status::Connected,
        status_reason: None,
        platform_user: None,
        tokens: vec![(TokenKind::Access, token)],
    };
    shared.connections.upsert(vec![connection], 0).await.expect("stored");
    shared.journal.connect_account("facebook", PAGE).await.expect("connected");
    shared.journal.request_read("facebook", PAGE, ReadRequest::Everything, 0).await.expect("wished for");
    app.stop(None).await;
}

/// The service, which lets so many calls of the Conversations API go out per second; 0 is no limit.
async fn start(folder: &Path, graph: &str, limit: usize) -> Process {
    let settings = [
        ("OPERATOR_TOKEN", OPERATOR),
        ("FACEBOOK_APP_ID", APP_ID),
        ("FACEBOOK_APP_SECRET", SECRET),
        ("FACEBOOK_VERIFY_TOKEN", "a verify token for the benchmark"),
        ("FACEBOOK_GRAPH_URL", graph),
        ("FACEBOOK_DIALOG_URL", graph),
        ("FACEBOOK_CALLS_PER_SECOND", &limit.to_string()),
    ];
    Process::service(folder, &settings).await
}

/// Whether the service's status says that the import is over.
async fn has_imported(http: &reqwest::Client, service: &Process) -> bool {
    let request = http.get(format!("{}/api/status", service.url())).bearer_auth(OPERATOR).send();
    let Ok(answer) = request.await else { return false };
    let status: serde_json::Value = answer.json().await.expect("JSON");
    status["connections"][0]["history"]["finished_at"].is_i64()
}
