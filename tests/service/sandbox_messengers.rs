//! The simulated WhatsApp, Viber and LinkedIn, asked over HTTP as a bot would ask: a test for each rule of a platform that a
//! sender or a receiver has to get right.

mod linkedin;
mod viber;
mod whatsapp;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::RawQuery;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use shoptalk::shared::channel::simulator::{Loopback, Traffic};
use shoptalk::shared::clock::Clock;

use crate::test_app::beginning;

/// Whoever hears the webhooks of a simulator, and a client to ask it.
struct Ear {
    clock: Clock,
    hook: Traffic,
    http: reqwest::Client,
    server: Loopback,
}

const LINKEDIN_SECRET: &str = "li-test-client-secret";

fn hmac_hex(key: &str, message: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Answers both platforms' challenges.
async fn challenge(RawQuery(query): RawQuery) -> Response {
    let query: HashMap<String, String> =
        form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
    if let Some(code) = query.get("challengeCode") {
        let response = hmac_hex(LINKEDIN_SECRET, code.as_bytes());
        return axum::Json(json!({"challengeCode": code, "challengeResponse": response})).into_response();
    }
    if query["hub.verify_token"] == "right" {
        query["hub.challenge"].clone().into_response()
    } else {
        "no".into_response()
    }
}

impl Ear {
    async fn new() -> Self {
        let hook = Traffic::default();
        let router = axum::Router::new().route("/hook", get(challenge).post(async || ()));
        let server = Loopback::start(router, hook.clone()).await.unwrap();
        let tls = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let http = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy();
        let http = http.timeout(Duration::from_secs(10)).build().unwrap();
        Self { clock: Clock::manual(beginning()), hook, http, server }
    }

    fn now(&self) -> shoptalk::shared::channel::simulator::Now {
        let clock = self.clock.clone();
        Arc::new(move || clock.now())
    }

    fn address(&self) -> String {
        format!("{}/hook", self.server.url())
    }

    /// The bodies that were delivered.
    fn heard(&self) -> Vec<Value> {
        let posts = self.hook.received().into_iter().filter(|request| request.method == "POST");
        posts.map(|request| serde_json::from_slice(&request.body).unwrap()).collect()
    }
}

async fn answered(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default())
}

/// Whether the connection was closed before or in the middle of the answer.
async fn breaks_off(request: reqwest::RequestBuilder) -> bool {
    match request.send().await {
        Ok(response) => response.bytes().await.is_err(),
        Err(error) => !error.is_timeout() && !error.is_connect(),
    }
}
