//! Whether the built-in responder can answer: its model is asked which models there are and whether it takes the key, the
//! running service what it met, and what was spent is looked at.

use http::{Method, StatusCode, header};
use secrecy::ExposeSecret;

use super::service::{OpenAlert, add_met};
use crate::answering::responder::settings::ResponderSettings;
use crate::answering::responder::{MODEL_REFUSED, MODEL_UNREACHABLE};
use crate::app::config::Server;
use crate::shared::channel::finding::Finding;
use crate::shared::clock::Clock;
use crate::shared::outgoing::allowed_addresses::AllowedAddresses;
use crate::shared::outgoing::http::{ApiError, Http};
use crate::shared::settings::below;
use crate::shared::store;

/// What follows while the model is not there.
const WAITED_FOR: &str =
    "customers wait where the bot is switched on; when the platform's time ends, a human is called";

/// What follows when it refuses: there is nothing to wait for.
const HANDED_OVER: &str = "a human is called at once in each conversation where the bot is switched on";

/// The alerts of the running service, what the doctor calls what they say, and what follows: only who asks a model questions
/// knows how it answers them.
const ALERTS: [(&str, &str, &str); 2] =
    [(MODEL_UNREACHABLE, "bot_endpoint_unreachable", WAITED_FOR), (MODEL_REFUSED, "bot_refused", HANDED_OVER)];

/// The alerts of the running service that are told here.
pub const TOLD: [&str; 2] = [ALERTS[0].0, ALERTS[1].0];

/// Asks the endpoint, and looks at the tokens of today and at the alerts of the running service.
pub async fn findings(
    server: &Server,
    settings: &ResponderSettings,
    clock: &Clock,
    alerts: &[OpenAlert],
) -> Vec<Finding> {
    let mut findings = over_budget(server, settings, clock.now_ms());
    findings.extend(endpoint(server, settings, clock).await);
    let about = settings.endpoint.as_str();
    for (told, code, effect) in ALERTS {
        add_met(&mut findings, alerts, (about, effect), |cause| (told == cause).then_some(code));
    }
    findings
}

async fn endpoint(server: &Server, settings: &ResponderSettings, clock: &Clock) -> Option<Finding> {
    let about = settings.endpoint.to_string();
    match ask(server, settings, clock, Method::GET, "/models").await {
        Err(error) => return Some(unreachable(&about, error.to_string())),
        Ok(status) if status.is_server_error() => {
            return Some(unreachable(&about, format!("it answers with status {status}")));
        }
        Ok(status) if is_refusal(status) || status.is_redirection() => return Some(refused(about, status)),
        // A service that does not tell its models is reached, too.
        Ok(_) => {}
    }
    // A question without words costs nothing. What is said about them differs; a key that is not good there does not.
    let status = ask(server, settings, clock, Method::POST, "/chat/completions").await.ok()?;
    is_refusal(status).then(|| refused(about, status))
}

fn is_refusal(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

fn refused(about: String, status: StatusCode) -> Finding {
    Finding::error(
        "bot_refused",
        about,
        format!("it refuses to be asked: status {status}"),
        HANDED_OVER,
        "set BOT_API_KEY to a key that is good there, and BOT_ENDPOINT to the address of its API (often it ends with /v1)",
    )
}

async fn ask(
    server: &Server,
    settings: &ResponderSettings,
    clock: &Clock,
    method: Method,
    path: &str,
) -> anyhow::Result<StatusCode> {
    let http = Http::new(clock.clone(), &server.timeouts, AllowedAddresses::new([&settings.endpoint]))?;
    let is_question = method == Method::POST;
    let mut request = http.request(method, below(&settings.endpoint, path));
    if is_question {
        request = request.header(header::CONTENT_TYPE, "application/json").body("{}");
    }
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
        WAITED_FOR,
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
