//! Whether the built-in responder can answer: its model is asked which models there are, and what was spent is looked at.

use http::{Method, header};
use secrecy::ExposeSecret;

use crate::answering::responder::settings::ResponderSettings;
use crate::app::config::Server;
use crate::shared::channel::finding::Finding;
use crate::shared::clock::Clock;
use crate::shared::outgoing::allowed_addresses::AllowedAddresses;
use crate::shared::outgoing::http::{ApiError, Http};
use crate::shared::settings::below;
use crate::shared::store;

/// What follows while the model is not there.
const EFFECT: &str = "customers wait where the bot is switched on; when the platform's time ends, a human is called";

/// Asks the endpoint, and looks at the tokens of today.
pub async fn findings(server: &Server, settings: &ResponderSettings, clock: &Clock) -> Vec<Finding> {
    let mut findings = over_budget(server, settings, clock.now_ms());
    findings.extend(endpoint(server, settings, clock).await);
    findings
}

async fn endpoint(server: &Server, settings: &ResponderSettings, clock: &Clock) -> Option<Finding> {
    let about = settings.endpoint.to_string();
    match ask(server, settings, clock).await {
        Err(error) => Some(unreachable(&about, error.to_string())),
        Ok(status) if status.is_server_error() => Some(unreachable(&about, format!("it answers with status {status}"))),
        // A service that does not tell its models is reached, too.
        Ok(status) if !matches!(status.as_u16(), 401 | 403) && !status.is_redirection() => None,
        Ok(status) => Some(Finding::error(
            "bot_refused",
            about,
            format!("it refuses to be asked: status {status}"),
            "conversations are handed over to humans where the bot is switched on",
            "set BOT_API_KEY to a key that is good there, and BOT_ENDPOINT to the address of its API (often it ends with /v1)",
        )),
    }
}

async fn ask(server: &Server, settings: &ResponderSettings, clock: &Clock) -> anyhow::Result<http::StatusCode> {
    let http = Http::new(clock.clone(), &server.timeouts, AllowedAddresses::new([&settings.endpoint]))?;
    let mut request = http.request(Method::GET, below(&settings.endpoint, "/models"));
    if let Some(key) = &settings.key {
        let mut value = http::HeaderValue::try_from(format!("Bearer {}", key.expose_secret()))?;
        value.set_sensitive(true);
        request = request.header(header::AUTHORIZATION, value);
    }
    let head = http.open_unread(request).await.map_err(|error| match error {
        ApiError::Refused { .. } => anyhow::anyhow!("its name leads to an address of this network"),
        error => error.into(),
    })?;
    Ok(head.status)
}

fn unreachable(about: &str, cause: String) -> Finding {
    Finding::error(
        "bot_endpoint_unreachable",
        about,
        cause,
        EFFECT,
        "see that BOT_ENDPOINT is right, that the model runs, and that this machine reaches it",
    )
}

fn over_budget(server: &Server, settings: &ResponderSettings, now_ms: i64) -> Vec<Finding> {
    let Ok(inspection) = store::inspect(&server.journal_db, now_ms) else { return Vec::new() };
    let over = inspection.bot_tokens.into_iter().filter(|(_, tokens)| *tokens >= settings.daily_tokens);
    let finding = |(merchant, tokens): (String, i64)| {
        Finding::warning(
            "bot_over_budget",
            merchant,
            format!("the bot has used {tokens} tokens today, of {}", settings.daily_tokens),
            "this merchant's conversations are handed over to humans until midnight (UTC)",
            "nothing, or a larger BOT_DAILY_TOKENS",
        )
    };
    over.map(finding).collect()
}
