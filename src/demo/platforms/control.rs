//! The control address: a page with every verb, and the same for programs: a verb comes as JSON, a sentence goes back.
//!
//! Only this machine is heard, and of it neither pages of other sites nor names that lead here for a moment: a form carries a
//! word that only our page knows, a program sets a header that a page could not, and both name this machine as their host.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode, header};

use super::verb::Verb;
use super::{Platforms, page};
use crate::shared::channel::simulator::{Loopback, Traffic, loopback_client, random_text};

/// Only who sets this header is heard: a page in a browser cannot, without being asked about it first.
const HEADER: &str = "x-shoptalk-sandbox";

/// How long a verb may take: a service may need a minute to start.
const PATIENCE: Duration = Duration::from_secs(90);

#[derive(Clone)]
struct Control {
    platforms: Arc<Platforms>,
    word: Arc<str>,
}

/// Serves the control address.
pub(super) async fn serve(platforms: Arc<Platforms>, port: u16) -> std::io::Result<Loopback> {
    let control = Control { platforms, word: random_text().into() };
    let router = Router::new()
        .route("/", get(show))
        .route("/verbs/{verb}", post(press))
        .route("/do", post(carry_out))
        .with_state(control)
        .layer(middleware::from_fn(for_us));
    Loopback::start_on(router, Traffic::default(), port).await
}

/// Lets a request pass that names this machine as its host. A site whose name leads here for a moment names itself.
async fn for_us(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if !matches!(name, "127.0.0.1" | "localhost") {
        return refused();
    }
    next.run(request).await
}

fn refused() -> Response {
    (StatusCode::FORBIDDEN, "only this machine is heard").into_response()
}

async fn show(State(control): State<Control>) -> Response {
    let rules =
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'";
    let headers = [(header::CONTENT_SECURITY_POLICY, rules), (header::CACHE_CONTROL, "no-store")];
    (headers, Html(page::page(&control.platforms, &control.word).into_string())).into_response()
}

/// A form of the page. What came of it stands on the page afterwards.
async fn press(State(control): State<Control>, Path(verb): Path<String>, body: Bytes) -> Response {
    let fields: BTreeMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    if fields.get(page::WORD).is_none_or(|word| **word != *control.word) {
        return refused();
    }
    match Verb::read(page::words(&verb, &fields)) {
        // What is not possible is remembered, too.
        Ok(verb) => drop(control.platforms.play(verb).await),
        Err(sentence) => control.platforms.remember(&sentence),
    }
    Redirect::to("/").into_response()
}

async fn carry_out(State(control): State<Control>, headers: HeaderMap, body: Bytes) -> Response {
    if !headers.contains_key(HEADER) {
        return refused();
    }
    let verb: Verb = match serde_json::from_slice(&body) {
        Ok(verb) => verb,
        Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    };
    match control.platforms.play(verb).await {
        Ok(said) => said.into_response(),
        Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, format!("{error:#}")).into_response(),
    }
}

/// Asks the platforms that run with this control port to do something. The result is what there is to say.
///
/// # Errors
/// When none runs there, or it cannot be done.
pub async fn ask(port: u16, verb: &Verb) -> anyhow::Result<String> {
    let address = format!("http://127.0.0.1:{port}/do");
    let request =
        loopback_client()?.post(address).header(HEADER, "1").timeout(PATIENCE).body(serde_json::to_string(verb)?);
    let response = request.send().await.with_context(|| {
        format!(
            "no simulated platforms answer at port {port}: start them with `shoptalk sandbox`, or name their --port"
        )
    })?;
    let is_done = response.status() == reqwest::StatusCode::OK;
    let said = response.text().await?;
    if !is_done {
        bail!(said);
    }
    Ok(said)
}
