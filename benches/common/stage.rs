//! A data folder with connected Pages of the simulated Facebook, people who have written to them, and keys of bots.

use std::path::Path;
use std::sync::Arc;

use secrecy::ExposeSecret;
use serde_json::Value;
use shoptalk::app::App;
use shoptalk::app::config::{Config, Server};
use shoptalk::facebook;
use shoptalk::facebook::sandbox::{Echoes, Options, Page, Sandbox};
use shoptalk::shared::clock::Clock;
use shoptalk::shared::journal::{DedupeKey, Effect, Event, Source};
use shoptalk::shared::secrets::signature::Secrets;
use shoptalk::shared::store::api_keys::{NewApiKey, Scope};
use shoptalk::shared::store::{NewConnection, Status, Token, TokenKind};
use url::Url;
use uuid::Uuid;

pub const APP_ID: &str = "900000000000001";
pub const SECRET: &str = "a secret for the benchmark";

/// The simulated Facebook with these Pages, which takes messages and sends no echoes.
pub async fn facebook(pages: usize) -> Sandbox {
    let options = Options { app_id: APP_ID.to_owned(), app_secret: SECRET.to_owned(), now: Arc::new(chrono::Utc::now) };
    let facebook = Sandbox::start(options).await.expect("a simulator");
    for number in 0..pages {
        facebook.add_page(&page_id(number), "Bench");
    }
    facebook.set_echoes(Echoes::Lost);
    facebook
}

pub fn page_id(number: usize) -> String {
    format!("{}", 100_000_000_000_101_usize + number)
}

pub fn person_id(number: usize) -> String {
    format!("{}", 7_000_000_000_000_000_usize + number)
}

/// Each Page has a merchant of its own.
pub fn merchant(page: usize) -> Uuid {
    Uuid::from_u128(page as u128 + 1)
}

/// The settings of the service as a process.
pub fn settings(graph: &str) -> Vec<(&'static str, String)> {
    vec![
        ("FACEBOOK_APP_ID", APP_ID.to_owned()),
        ("FACEBOOK_APP_SECRET", SECRET.to_owned()),
        ("FACEBOOK_VERIFY_TOKEN", "a verify token for the benchmark".to_owned()),
        ("FACEBOOK_GRAPH_URL", graph.to_owned()),
        ("FACEBOOK_DIALOG_URL", graph.to_owned()),
        ("FEED_SETTLE_SECONDS", "0".to_owned()),
    ]
}

/// The same for a service in this process.
pub fn config(folder: &Path, graph: &str) -> Config {
    let own = Url::parse("http://127.0.0.1:1").expect("a URL");
    let graph = Url::parse(graph).expect("a URL");
    let facebook = facebook::Config {
        app_id: APP_ID.to_owned(),
        app_secret: Secrets::new(SECRET.into(), None),
        verify_token: "a verify token for the benchmark".into(),
        redirect_uri: own.join("/facebook/callback").expect("a URL"),
        webhook_address: own.join("/facebook/webhook").expect("a URL"),
        require_sha256: false,
        graph_version: "v26.0".to_owned(),
        graph_url: graph.clone(),
        dialog_url: graph,
        poll_cron: "17 3 * * *".to_owned(),
        calls_per_second: 2,
        media: None,
        instagram: false,
        human_agent: false,
    };
    let mut server = Server::below(folder);
    server.answering.settle = std::time::Duration::ZERO;
    Config { facebook: Some(facebook), ..Config::without_channels(server) }
}

/// Connects the Pages; so many people of each have written just now.
pub async fn connect(app: &App, facebook: &Sandbox, pages: usize, people: usize) {
    let shared = app.shared();
    for number in 0..pages {
        let page = facebook.page(&page_id(number)).expect("a Page");
        let token = Token { secret: facebook.page_token(&page.id()).into(), expires_at: None };
        let connection = NewConnection {
            channel: "facebook",
            account: page.id(),
            merchant: merchant(number),
            name: "Bench".to_owned(),
            scopes: Vec::new(),
            status: Status::Connected,
            status_reason: None,
            platform_user: None,
            tokens: vec![(TokenKind::Access, token)],
        };
        shared.connections.upsert(vec![connection], 0).await.expect("stored");
        shared.journal.connect_account("facebook", &page.id()).await.expect("connected");
        let events = (0..people).map(|person| {
            let somebody = facebook.person(&person_id(person), "Sam Doe");
            event(&page, person, &page.message_from(&somebody, "Is the blue one in stock?"))
        });
        shared.journal.append(events.collect()).await.expect("appended");
    }
    app.settle().await.expect("settled");
}

fn event(page: &Page, person: usize, item: &Value) -> Event {
    let mid = item["message"]["mid"].as_str().expect("an id");
    Event {
        channel: "facebook",
        account: page.id(),
        key: DedupeKey::new("facebook", &page.id(), &[b"mid", mid.as_bytes()]),
        kind: "message".into(),
        effect: Effect::Conversation { person: person_id(person), opens: true },
        occurred_at: item["timestamp"].as_i64(),
        name: None,
        source: Source::Webhook,
        payload: item.to_string().into_bytes(),
    }
}

/// So many keys of a Page's merchant, which may read and answer.
pub async fn keys(app: &App, page: usize, count: usize) -> Vec<String> {
    let mut keys = Vec::new();
    for number in 0..count {
        let wish = NewApiKey {
            merchant: merchant(page),
            name: format!("bench {number}"),
            scopes: vec![Scope::Read, Scope::Reply],
            accounts: Vec::new(),
            days: None,
        };
        let made = app.command_runner().api_keys.insert(wish, chrono::Utc::now().timestamp_millis()).await;
        keys.push(made.expect("a key").1.expose_secret().to_owned());
    }
    keys
}

/// A delivery with one message of a person to a Page, signed.
pub fn delivery(page: &str, person: usize, mid: &str) -> Vec<u8> {
    let now_ms = chrono::Utc::now().timestamp_millis();
    let item = format!(
        r#"{{"sender":{{"id":"{}"}},"recipient":{{"id":"{page}"}},"timestamp":{now_ms},"message":{{"mid":"{mid}","text":"Is the blue one still in stock? I need it by Friday, in size L."}}}}"#,
        person_id(person)
    );
    let body = format!(r#"{{"object":"page","entry":[{{"id":"{page}","time":{now_ms},"messaging":[{item}]}}]}}"#);
    super::load::meta_delivery("/facebook/webhook", SECRET, &body)
}

/// Deliveries to a Page that nobody has connected: the same intake, and nothing that follows.
pub fn deliveries_apart(count: usize, prefix: &str) -> Arc<Vec<Vec<u8>>> {
    let make = |number: usize| delivery("100000000009999", number % 1000, &format!("m_{prefix}-{number}"));
    Arc::new((0..count).map(make).collect())
}

/// How many messages of deliveries stand in the files of the first so many people.
pub fn count_in_files(conversations: &Path, people: usize) -> usize {
    let files = (0..people).map(|person| conversations.join(format!("{}.json", person_id(person))));
    files.map(|file| std::fs::read_to_string(file).map_or(0, |content| content.matches("in size L.").count())).sum()
}
