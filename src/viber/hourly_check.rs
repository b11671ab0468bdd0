//! The look at the bot, at a start and every hour: whose token is it, does it live, and do callbacks come here?
//!
//! What is wrong becomes the connection's problem, in words, and goes by itself when it is mended.
//! Source: <https://developers.viber.com/docs/api/rest-bot-api/> (Setting a webhook, Get account info; 2026).

use std::sync::Arc;

use url::Url;

use super::account::Known;
use super::client::{AccountInfo, EVENTS};
use super::config::ROUTES;
use super::document;
use super::names::{self, NAME};
use super::refusal::INVALID_URL;
use super::state::Viber;
use crate::shared::channel::job::Job;
use crate::shared::channel::read_request::ReadRequest;
use crate::shared::channel::reader::ReadError;
use crate::shared::journal::JournalError;
use crate::shared::languages::{Sentence, say};
use crate::shared::outgoing::http::{ApiError, Patience};
use crate::shared::settings::is_own_address;
use crate::shared::store::{Connection, Status, Trouble, TroubleSource};
use crate::shared::telemetry::alerts::Cause;

/// When the bot is looked at: every hour.
const CRON: &str = "13 * * * *";

/// The hourly look.
pub fn job(viber: &Arc<Viber>) -> Job {
    let viber = Arc::clone(viber);
    Job {
        name: "watch the viber bot".to_owned(),
        cron: CRON.to_owned(),
        run: Arc::new(move || {
            let viber = Arc::clone(&viber);
            Box::pin(async move { Ok(request(&viber).await?) })
        }),
    }
}

/// Requests a look at the bot now. A request has retries, and is known to the next start.
///
/// # Errors
/// When the journal cannot be written.
pub async fn request(viber: &Viber) -> Result<(), JournalError> {
    let journal = &viber.shared.journal;
    journal.request_read(NAME, "", ReadRequest::HourlyCheck, journal.clock().now_ms()).await
}

/// Looks at the bot: learns its account, sees to its webhook, and says what is wrong.
///
/// # Errors
/// [`ReadError`] when Viber cannot be asked, or refuses the token.
pub async fn run(viber: &Viber) -> Result<(), ReadError> {
    // Left by a process that was killed in between.
    viber.account.name_events().await?;
    let told = match viber.client.fetch_account(Patience::Background).await {
        Ok(told) => told,
        Err(error) => return Err(refused(viber, error).await?.into()),
    };
    let known = learn(viber, &told).await?;
    viber.shared.alerts.heal(cause(&known));
    viber.shared.alerts.heal(UNKNOWN);
    if viber.shared.erasure.is_given_up(NAME, known.id.as_str()).await? {
        // Its merchant disconnected it: nothing is to come any more, and nothing to be kept.
        return Ok(());
    }
    document::store(viber, &known.id, &told.text).await?;
    let problem = ensure_webhook(viber, &known, &told).await?;
    let Some(connection) = viber.shared.connections.find(NAME, known.id.as_str()).await? else { return Ok(()) };
    note(viber, &connection, problem).await
}

/// Keeps whose token it is.
///
/// # Errors
/// [`ReadError`], also for an account without an id of Viber's.
pub async fn learn(viber: &Viber, told: &AccountInfo) -> Result<Arc<Known>, ReadError> {
    let id = names::account(&told.id).ok_or(ApiError::Unreadable("an account without an id"))?;
    let before = viber.account.known().await;
    let known = viber.account.learn(Known { id, name: told.name.clone() }).await?;
    if before.as_ref().is_none_or(|before| before.id != known.id) {
        tracing::info!(account = known.id.as_str(), "the bot's account is known");
        viber.account.name_events().await?;
    }
    if let Some(connection) = viber.shared.connections.find(NAME, known.id.as_str()).await?
        && connection.name != known.name
    {
        viber.shared.connections.learn(NAME, known.id.as_str(), Some(known.name.clone()), None).await?;
    }
    Ok(known)
}

/// Viber does not let the bot in, or cannot be asked: what follows from that is noted, and the error given back.
async fn refused(viber: &Viber, error: ApiError) -> Result<ApiError, ReadError> {
    let (status, source, sentence) = match &error {
        ApiError::TokenRejected { reason } => (Status::NeedsReconnect, TroubleSource::Token, reason.clone()),
        ApiError::PermissionMissing { reason, .. } => (Status::Incomplete, TroubleSource::Check, reason.clone()),
        _ => return Ok(error),
    };
    let known = viber.account.known().await;
    let cause = known.as_ref().map_or_else(|| Cause::from(UNKNOWN), |known| cause(known));
    let effect = "Callbacks are taken in all the same; nothing is sent.";
    viber.shared.alerts.raise(cause, &format!("{sentence} {effect}"));
    if let Some(known) = known
        && let Some(connection) = viber.shared.connections.find(NAME, known.id.as_str()).await?
    {
        let trouble = Trouble::new(source, sentence);
        if (connection.status, connection.trouble.as_ref()) != (status, Some(&trouble)) {
            viber.shared.connections.set_status(NAME, &connection.account, status, Some(trouble)).await?;
        }
    }
    Ok(error)
}

/// The cause of the alert that the token does not work, before it is known whose it is.
const UNKNOWN: &str = "viber:token";

fn cause(known: &Known) -> Cause {
    Cause::of_account(NAME, known.id.as_str(), "token")
}

/// Makes the webhook what it should be: our address, all wanted events. Gives back what is wrong with it all the same, for the
/// merchant.
async fn ensure_webhook(viber: &Viber, known: &Known, told: &AccountInfo) -> Result<Option<Sentence>, ReadError> {
    let (shared, account) = (&viber.shared, known.id.as_str());
    let address = &viber.config.webhook_address;
    let mut missing = missing_in(&told.events);
    let mut repaired = false;
    let mut problem = None;
    if !leads_to(&told.webhook, address) || !missing.is_empty() {
        match viber.client.set_webhook(address).await {
            Ok(events) => {
                missing = missing_in(&events);
                repaired = true;
                tracing::info!(account, "the bot's webhook was set");
            }
            Err(ApiError::Refused { code }) => {
                if !leads_to(&told.webhook, address) {
                    missing = EVENTS.to_vec();
                }
                problem = Some(code);
            }
            Err(error) => return Err(refused(viber, error).await?.into()),
        }
    }
    shared.journal.note_subscriptions(NAME, account, &EVENTS, &missing, repaired).await?;
    let cause = Cause::of_account(NAME, account, "webhook");
    let Some(code) = problem else {
        shared.alerts.heal(&cause);
        return Ok(None);
    };
    let sentence = match code == INVALID_URL.to_string() {
        true => say::viber_not_delivered_unreachable(),
        false => say::viber_not_delivered(code),
    };
    shared.alerts.raise(&cause, &format!("{sentence} It is tried again every hour."));
    Ok(Some(sentence))
}

/// Whether callbacks go to this address.
#[must_use]
pub fn leads_to(webhook: &str, address: &Url) -> bool {
    is_own_address(webhook, address, &ROUTES)
}

/// The wanted events that are not among these.
#[must_use]
pub fn missing_in(events: &[String]) -> Vec<&'static str> {
    EVENTS.into_iter().filter(|wanted| !events.iter().any(|event| event == wanted)).collect()
}

/// How the connection is doing, now that Viber has answered.
async fn note(viber: &Viber, connection: &Connection, problem: Option<Sentence>) -> Result<(), ReadError> {
    let trouble = problem.map(|problem| Trouble::new(TroubleSource::Check, problem));
    let status = if trouble.is_some() { Status::Incomplete } else { Status::Connected };
    if (connection.status, &connection.trouble) != (status, &trouble) {
        viber.shared.connections.set_status(NAME, &connection.account, status, trouble).await?;
    }
    Ok(())
}
