//! The promises that every channel makes about what comes in, run in a loop over all of them. A channel that is not in the
//! table here fails the first test. What they promise about what is kept stands in `every_channel_keeps.rs`.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::Method;
use serde_json::json;
use shoptalk::app::channels;
use shoptalk::app::config::Config;
use shoptalk::shared::clock::Clock;

use crate::linkedin_stage;
use crate::test_app::{Answer, PAGE, SHOP, TestApp, beginning};
use crate::viber_stage::{self, Desk};
use crate::whatsapp;

const INSTAGRAM_ACCOUNT: &str = "17841400000000001";

/// How the promises are tried on a channel.
pub struct Row {
    pub name: &'static str,
    /// Where its platform posts deliveries.
    pub addresses: &'static [&'static str],
    /// An account that [`TestApp::connect`] connects, and one that nobody does; `None`: deliveries name no account.
    pub known: &'static str,
    pub unknown: Option<&'static str>,
    /// A delivery of one event about an account; events of different numbers differ.
    pub delivery: fn(&str, u32) -> String,
    /// The header that carries the signature.
    pub signature: &'static str,
    pub sign: fn(&TestApp, &[u8]) -> String,
    /// The other headers of a delivery about an account.
    pub headers: fn(&str, u32) -> Vec<(&'static str, String)>,
    /// Its account's folder, and the file below it in which what a delivery says comes to stand.
    pub folder: &'static str,
    pub file: &'static str,
    /// Whether that file is a conversation, by the name of the person or the post.
    pub is_conversation: bool,
}

pub const ROWS: [Row; 6] = [
    Row {
        name: "facebook",
        addresses: &["/facebook/webhook", "/webhooks/facebook"],
        known: PAGE,
        unknown: Some("100000000000999"),
        delivery: |account, number| of_meta("page", account, number),
        signature: "x-hub-signature-256",
        sign: |app, body| app.facebook.sign(body),
        headers: |_, _| Vec::new(),
        folder: "facebook/100000000000101",
        file: "conversations/9000000000000001.json",
        is_conversation: true,
    },
    Row {
        name: "instagram",
        addresses: &["/facebook/webhook", "/webhooks/facebook"],
        known: INSTAGRAM_ACCOUNT,
        unknown: Some("17841400000000999"),
        delivery: |account, number| of_meta("instagram", account, number),
        signature: "x-hub-signature-256",
        sign: |app, body| app.facebook.sign(body),
        headers: |_, _| Vec::new(),
        folder: "instagram/17841400000000001",
        file: "conversations/9000000000000001.json",
        is_conversation: true,
    },
    Row {
        name: "linkedin",
        addresses: &["/linkedin/webhook", "/webhooks/linkedin"],
        known: linkedin_stage::PAGE,
        unknown: Some("90999"),
        delivery: |account, number| linkedin_stage::comment(account, number, "hello"),
        signature: "x-li-signature",
        sign: |_, body| linkedin_stage::sign(linkedin_stage::SECRET, body),
        headers: |_, _| Vec::new(),
        folder: "linkedin/90001",
        file: "conversations/share-71.json",
        is_conversation: true,
    },
    Row {
        name: "shopify",
        addresses: &["/shopify/webhook"],
        known: SHOP,
        unknown: Some("stranger.myshopify.com"),
        delivery: |account, number| json!({"id": number, "myshopify_domain": account, "domain": account}).to_string(),
        signature: "x-shopify-hmac-sha256",
        sign: |app, body| app.shopify.sign(body),
        headers: |account, number| {
            vec![
                ("x-shopify-topic", "shop/update".to_owned()),
                ("x-shopify-shop-domain", account.to_owned()),
                ("x-shopify-webhook-id", format!("7e1f0000-0000-4000-8000-{number:012}")),
            ]
        },
        folder: "demo-shop.myshopify.com",
        file: "shop_metadata.json",
        is_conversation: false,
    },
    Row {
        name: "viber",
        addresses: &["/viber/webhook", "/webhooks/viber"],
        known: viber_stage::BOT,
        unknown: None,
        delivery: |_, number| viber_stage::text(number, "hello"),
        signature: "x-viber-content-signature",
        sign: |_, body| viber_stage::sign(viber_stage::TOKEN, body),
        headers: |_, _| Vec::new(),
        folder: "viber/5346594275468546724",
        file: "conversations/dGVzdC11c2VyLTAx_A.json",
        is_conversation: true,
    },
    Row {
        name: "whatsapp",
        addresses: &["/whatsapp/webhook", "/webhooks/whatsapp"],
        known: whatsapp::NUMBER,
        unknown: Some("310000000000999"),
        delivery: |account, number| whatsapp::delivery(account, &format!("wamid.{number}"), "hello"),
        signature: "x-hub-signature-256",
        sign: |_, body| whatsapp::sign(body),
        headers: |_, _| Vec::new(),
        folder: "whatsapp/310000000000001",
        file: "conversations/US.900000000000000001.json",
        is_conversation: true,
    },
];

fn of_meta(object: &str, account: &str, number: u32) -> String {
    let item = json!({
        "sender": {"id": "9000000000000001"}, "recipient": {"id": account}, "timestamp": 1_790_000_000_000_i64,
        "message": {"mid": format!("m_{object}_{number}"), "text": "hello"},
    });
    json!({"object": object, "entry": [{"id": account, "time": 1, "messaging": [item]}]}).to_string()
}

impl Row {
    /// Posts a body about an account with these signatures, each in a header of its own.
    pub async fn post(&self, app: &TestApp, address: &str, about: (&str, u32), body: &[u8], signed: &[&str]) -> Answer {
        let more = (self.headers)(about.0, about.1);
        let mut headers: Vec<(&str, &str)> = vec![("content-type", "application/json")];
        headers.extend(more.iter().map(|(name, value)| (*name, value.as_str())));
        headers.extend(signed.iter().map(|signature| (self.signature, *signature)));
        app.browser().send(Method::POST, address, &headers, body).await
    }

    /// Posts event `number` of an account, rightly signed.
    pub async fn deliver(&self, app: &TestApp, account: &str, number: u32) -> u16 {
        let body = (self.delivery)(account, number);
        let signature = (self.sign)(app, body.as_bytes());
        self.post(app, self.addresses[0], (account, number), body.as_bytes(), &[&signature]).await.status.as_u16()
    }
}

async fn start() -> (TestApp, Desk) {
    start_with(Clock::manual(beginning()), |_| {}).await
}

/// A service with every channel, this clock, and settings changed by `change`.
pub async fn start_with(clock: Clock, change: impl FnOnce(&mut Config)) -> (TestApp, Desk) {
    let desk = Desk::open().await;
    let change = |config: &mut Config| {
        config.facebook.as_mut().unwrap().instagram = true;
        desk.settings(config);
        linkedin_stage::configure(config, whatsapp::NOWHERE);
        whatsapp::configure(config, whatsapp::NOWHERE);
        change(config);
    };
    let app = TestApp::start_in(Arc::new(tempfile::tempdir().unwrap()), clock, change).await;
    app.facebook.add_instagram(PAGE, INSTAGRAM_ACCOUNT, "demo.shop");
    (app, desk)
}

#[test]
fn every_channel_is_in_the_table() {
    let all: BTreeSet<&str> = channels::ALL.iter().map(|about| about.name).collect();
    let tried: BTreeSet<&str> = ROWS.iter().map(|row| row.name).collect();
    assert_eq!(all, tried);
    assert_eq!(all.len(), channels::ALL.len(), "two channels have one name");
    for name in all {
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase()), "{name} stands in paths, tables and URLs");
    }
}

#[tokio::test]
async fn every_channel_refuses_what_is_not_rightly_signed_and_stores_nothing_of_it() {
    let (app, _desk) = start().await;
    app.connect().await;
    let before = app.counts().await;
    for row in &ROWS {
        let body = (row.delivery)(row.known, 1);
        let (body, good) = (body.as_bytes(), (row.sign)(&app, body.as_bytes()));
        let other = (row.sign)(&app, b"another body");
        let cases: [&[&str]; 6] = [&[], &[""], &["nonsense"], &[&other], &[&good, &good], &[&good[..good.len() - 1]]];
        for address in row.addresses {
            for signed in cases {
                let answer = row.post(&app, address, (row.known, 1), body, signed).await;
                assert_eq!(answer.status, 401, "{} {address} {signed:?}", row.name);
                assert!(answer.body.is_empty(), "{} {address} {signed:?}", row.name);
            }
            let changed = row.post(&app, address, (row.known, 1), &body[1..], &[&good]).await;
            assert_eq!(changed.status, 401, "{}", row.name);
        }
    }
    assert_eq!(app.counts().await, before);
    app.finish().await;
}

#[tokio::test]
async fn every_channel_stores_a_delivery_once_however_often_it_comes() {
    let (app, _desk) = start().await;
    app.connect().await;
    for row in &ROWS {
        let (before, _, _) = app.counts().await;
        for _ in 0..3 {
            assert_eq!(row.deliver(&app, row.known, 7).await, 200, "{}", row.name);
        }
        assert_eq!(app.counts().await.0, before + 1, "{}", row.name);
        for address in row.addresses {
            let body = (row.delivery)(row.known, 7);
            let signature = (row.sign)(&app, body.as_bytes());
            let answer = row.post(&app, address, (row.known, 7), body.as_bytes(), &[&signature]).await;
            assert_eq!(answer.status, 200, "{} {address}", row.name);
        }
        assert_eq!(app.counts().await.0, before + 1, "{}: at each of its addresses", row.name);
    }
    app.finish().await;
}

#[tokio::test]
async fn every_channel_keeps_apart_what_belongs_to_nobody_yet_and_what_it_cannot_read() {
    let (app, _desk) = start().await;
    app.connect().await;
    for row in &ROWS {
        let (all, apart, _) = app.counts().await;
        if let Some(unknown) = row.unknown {
            assert_eq!(row.deliver(&app, unknown, 1).await, 200, "{}", row.name);
            assert_eq!(app.counts().await, (all + 1, apart + 1, 0), "{}: an account that nobody connected", row.name);
        }
        let unreadable = b"{\"neither\": \"here nor there\"";
        let signature = (row.sign)(&app, unreadable);
        let answer = row.post(&app, row.addresses[0], (row.known, 2), unreadable, &[&signature]).await;
        assert_eq!(answer.status, 200, "{}", row.name);

        let (_, now_apart, _) = app.counts().await;
        // Messenger and Instagram share an address, so the same unreadable bytes are one event of theirs.
        assert!((apart + 1..=apart + 2).contains(&now_apart), "{}: what cannot be read", row.name);
    }
    app.finish().await;
}

#[tokio::test]
async fn every_channel_lets_in_what_came_before_its_account_was_connected() {
    let (app, _desk) = start().await;
    for row in &ROWS {
        assert_eq!(row.deliver(&app, row.known, 1).await, 200, "{}", row.name);
    }
    assert_eq!(app.counts().await.1, i64::try_from(ROWS.len()).unwrap(), "nothing is connected yet");
    app.connect().await;
    assert_eq!(app.counts().await.1, 0, "all of it flows");
    app.finish().await;
}

#[tokio::test]
async fn every_channel_refuses_bodies_that_are_too_large_or_compressed() {
    let (app, _desk) = start().await;
    for row in &ROWS {
        let large = vec![b' '; 4 * 1024 * 1024 + 1];
        let signature = (row.sign)(&app, &large);
        let answer = row.post(&app, row.addresses[0], (row.known, 1), &large, &[&signature]).await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (413, 0), "{}", row.name);
        let body = (row.delivery)(row.known, 1);
        let signature = (row.sign)(&app, body.as_bytes());
        let headers = [("content-encoding", "gzip"), (row.signature, signature.as_str())];
        let answer = app.browser().send(Method::POST, row.addresses[0], &headers, body.as_bytes()).await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (415, 0), "{}", row.name);
        let long = format!("{}?{}", row.addresses[0], "x".repeat(20_000));
        let answer = app.browser().send(Method::POST, &long, &[], b"{}").await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (414, 0), "{}", row.name);
    }
    assert_eq!(app.counts().await, (0, 0, 0));
    app.finish().await;
}
