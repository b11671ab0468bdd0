//! The control address: a verb comes as JSON, a sentence goes back. Only programs of this machine are heard: a page of another
//! site, open in a browser here, can neither set our header nor claim our name.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::{HeaderMap, StatusCode, header};

use super::Platforms;
use super::verb::Verb;
use crate::shared::channel::simulator::{Loopback, Traffic, loopback_client};

/// Only who sets this header is heard: a page in a browser cannot, without being asked about it first.
const HEADER: &str = "x-shoptalk-sandbox";

/// How long a verb may take: a delivery waits ten seconds for its answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Serves the control address.
pub(super) async fn serve(platforms: Arc<Platforms>, port: u16) -> std::io::Result<Loopback> {
    let router = Router::new().route("/do", post(carry_out)).with_state(platforms);
    Loopback::start_on(router, Traffic::default(), port).await
}

/// Whether a request names this machine as its host. A site whose name leads here for a moment names itself.
fn is_for_us(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    matches!(name, "127.0.0.1" | "localhost")
}

async fn carry_out(State(platforms): State<Arc<Platforms>>, headers: HeaderMap, body: Bytes) -> Response {
    if !is_for_us(&headers) || !headers.contains_key(HEADER) {
        return (StatusCode::FORBIDDEN, "only programs of this machine are heard").into_response();
    }
    let verb: Verb = match serde_json::from_slice(&body) {
        Ok(verb) => verb,
        Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    };
    match platforms.carry_out(verb).await {
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
