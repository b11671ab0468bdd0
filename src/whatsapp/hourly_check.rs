//! The look at the number, at every start and every hour: its token, the subscription of its business account, where its
//! webhooks go, and which of them the app gets. What the service can mend it mends; the rest it tells.
//!
//! Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/solution-providers/manage-webhooks>,
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/override> (2026).

use std::sync::Arc;

use super::config::ROUTES;
use super::grants::{Grants, MESSAGING};
use super::names::NAME;
use super::state::Whatsapp;
use super::tokens;
use crate::meta::id::Id;
use crate::shared::channel::job::Job;
use crate::shared::channel::read_request::ReadRequest;
use crate::shared::channel::reader::ReadError;
use crate::shared::languages::{Sentence, say};
use crate::shared::outgoing::http::ApiError;
use crate::shared::settings::is_own_address;
use crate::shared::store::{Connection, Status, Trouble, TroubleSource};
use crate::shared::telemetry::alerts::Cause;

/// When it is looked whether a dead token lives again.
const CRON: &str = "29 * * * *";

/// Without these fields of the app's webhook nothing of a conversation arrives.
pub const NEEDED_FIELDS: [&str; 1] = ["messages"];

/// Without these it is not seen that another partner answers.
pub const ROUTING_FIELDS: [&str; 2] = ["standby", "messaging_handovers"];

/// What the account's subscription is called in reports.
const SUBSCRIPTION: [&str; 1] = ["subscribed_apps"];

/// The job that looks whether a dead token lives again.
pub fn job(whatsapp: &Arc<Whatsapp>) -> Job {
    let whatsapp = Arc::clone(whatsapp);
    Job {
        name: "watch the whatsapp token".to_owned(),
        cron: CRON.to_owned(),
        run: Arc::new(move || {
            let whatsapp = Arc::clone(&whatsapp);
            Box::pin(async move { Ok(request(&whatsapp).await?) })
        }),
    }
}

/// Requests a look, of the number or of its dead token. A request has retries, and is known to the next start.
///
/// # Errors
/// When a database cannot be used.
pub async fn request(whatsapp: &Whatsapp) -> Result<(), ReadError> {
    let shared = &whatsapp.shared;
    let Some(connection) = connection(whatsapp).await? else { return Ok(()) };
    let account = if connection.status == Status::NeedsReconnect { "" } else { connection.account.as_str() };
    Ok(shared.journal.request_read(NAME, account, ReadRequest::HourlyCheck, shared.clock.now_ms()).await?)
}

/// The connection of the number; `None`: nobody's yet.
///
/// # Errors
/// When the database cannot be read.
pub async fn connection(whatsapp: &Whatsapp) -> Result<Option<Connection>, ReadError> {
    Ok(whatsapp.shared.connections.find(NAME, whatsapp.config.account.as_str()).await?)
}

/// Looks whether a dead token lives again. The settings are as they were, so this is rare: Meta refused it by mistake, or
/// its system user has its role back.
///
/// # Errors
/// [`ReadError`] when Meta could not be asked.
pub async fn revive(whatsapp: &Whatsapp) -> Result<(), ReadError> {
    let shared = &whatsapp.shared;
    let Some(connection) = connection(whatsapp).await? else { return Ok(()) };
    if connection.status != Status::NeedsReconnect {
        return Ok(());
    }
    match tokens::examine(whatsapp, true).await {
        Ok(Grants { scopes: Some(_), .. }) => {
            tracing::info!("the dead token for WhatsApp lives again");
            shared.connections.set_status(NAME, &connection.account, Status::Connected, None).await?;
            for request in [ReadRequest::HourlyCheck, ReadRequest::Everything] {
                shared.journal.request_read(NAME, &connection.account, request, shared.clock.now_ms()).await?;
            }
            Ok(())
        }
        Ok(_) | Err(ApiError::TokenRejected { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Looks at the number.
///
/// # Errors
/// [`ReadError`] when Meta cannot be asked, or the token is dead.
pub async fn run(whatsapp: &Whatsapp) -> Result<(), ReadError> {
    let shared = &whatsapp.shared;
    let Some(connection) = connection(whatsapp).await? else { return Ok(()) };
    let grants = tokens::examine(whatsapp, false).await?;
    let mut problems = Vec::new();
    let missing = grants.missing();
    if missing.contains(&MESSAGING) {
        problems.push(say::whatsapp_may_not_send(MESSAGING));
    }
    problems.extend(subscription(whatsapp).await?);
    problems.extend(callback(whatsapp).await?);
    problems.extend(fields(whatsapp).await?);
    let problem = problems.into_iter().reduce(say::problems);
    let problem = problem.map(|problem| Trouble::new(TroubleSource::Check, problem));
    match problem {
        Some(problem) if (connection.status, connection.trouble.as_ref()) != (Status::Incomplete, Some(&problem)) => {
            tracing::warn!(problem = %problem.words, "the WhatsApp number is connected in part");
            shared.connections.set_problem(NAME, &connection.account, Some(problem)).await?;
        }
        Some(_) => {}
        None if connection.is_troubled_by(TroubleSource::Read) => {}
        None => {
            let warning = grants.ends_soon(shared.clock.now()).map(|words| Trouble::new(TroubleSource::Check, words));
            if (connection.status, &connection.trouble) != (Status::Connected, &warning) {
                shared.connections.set_status(NAME, &connection.account, Status::Connected, warning).await?;
            }
        }
    }
    Ok(())
}

/// Makes the business account's subscription what it should be. Gives what is wrong with it.
async fn subscription(whatsapp: &Whatsapp) -> Result<Option<Sentence>, ReadError> {
    let Some(business) = &whatsapp.config.business_account else { return Ok(None) };
    let (shared, account) = (&whatsapp.shared, whatsapp.config.account.as_str());
    let cause = Cause::of_account(NAME, account, "subscriptions");
    let outcome = ensure_subscribed(whatsapp, business).await;
    let (is_repaired, refused) = match outcome {
        Ok(is_repaired) => (is_repaired, None),
        Err(ApiError::Refused { code } | ApiError::PermissionMissing { code, .. }) => (false, Some(code)),
        Err(error) => return Err(error.into()),
    };
    let missing: &[&str] = if refused.is_some() { &SUBSCRIPTION } else { &[] };
    shared.journal.note_subscriptions(NAME, account, &SUBSCRIPTION, missing, is_repaired).await?;
    let Some(code) = refused else {
        shared.alerts.heal(cause);
        if is_repaired {
            tracing::warn!("the app's subscription to the WhatsApp account was missing and was made");
        }
        return Ok(None);
    };
    shared.alerts.raise(
        cause,
        &format!(
            "WhatsApp does not deliver the account's messages to this app (code {code}). It is tried again every hour."
        ),
    );
    Ok(Some(say::whatsapp_subscription_refused(code)))
}

/// Whether the subscription was missing and was made.
async fn ensure_subscribed(whatsapp: &Whatsapp, business: &Id) -> Result<bool, ApiError> {
    let client = &whatsapp.client;
    let is_subscribed = |apps: &[String]| match whatsapp.config.app_id.get() {
        Some(own) => apps.contains(own),
        // Which app is ours is not known: any other one would hear it as well.
        None => !apps.is_empty(),
    };
    if is_subscribed(&client.fetch_subscribed_apps(business).await?) {
        return Ok(false);
    }
    client.subscribe(business).await?;
    match is_subscribed(&client.fetch_subscribed_apps(business).await?) {
        true => Ok(true),
        false => Err(ApiError::Refused { code: "no effect".to_owned() }),
    }
}

/// Whether webhooks come here. Their address is set in the App Dashboard, or by whoever set an override: it may be meant so.
async fn callback(whatsapp: &Whatsapp) -> Result<Option<Sentence>, ReadError> {
    let cause = Cause::of_account(NAME, whatsapp.config.account.as_str(), "callback");
    let address = &whatsapp.config.webhook_address;
    match lenient(whatsapp.client.fetch_callback().await)?.flatten() {
        Some(found) if !is_own_address(&found, address, &ROUTES) => {
            let words = say::whatsapp_another_address();
            whatsapp.shared.alerts.raise(cause, &format!("{words}. `shoptalk doctor` says which."));
            Ok(Some(words))
        }
        Some(_) => {
            whatsapp.shared.alerts.heal(cause);
            Ok(None)
        }
        None => Ok(None),
    }
}

/// Whether the app gets what it needs to hear.
async fn fields(whatsapp: &Whatsapp) -> Result<Option<Sentence>, ReadError> {
    let cause = Cause::of_account(NAME, whatsapp.config.account.as_str(), "fields");
    let Some(found) = lenient(whatsapp.client.fetch_app_subscription().await)?.flatten() else { return Ok(None) };
    let is_missing = |field: &&str| !found.fields.iter().any(|known| known == field);
    let routing: Vec<&str> = ROUTING_FIELDS.into_iter().filter(is_missing).collect();
    if !routing.is_empty() {
        tracing::info!(fields = routing.join(", "), "webhook fields of WhatsApp are not subscribed");
    }
    let needed: Vec<&str> = NEEDED_FIELDS.into_iter().filter(is_missing).collect();
    if needed.is_empty() {
        whatsapp.shared.alerts.heal(cause);
        return Ok(None);
    }
    let words = say::whatsapp_fields_missing(needed.join(", "));
    whatsapp.shared.alerts.raise(cause, &format!("WhatsApp: {words}. Subscribe them in the App Dashboard."));
    Ok(Some(words))
}

/// What is refused is not known, and no fault of the number's.
fn lenient<T>(outcome: Result<T, ApiError>) -> Result<Option<T>, ApiError> {
    match outcome {
        Ok(found) => Ok(Some(found)),
        Err(error @ (ApiError::Refused { .. } | ApiError::PermissionMissing { .. } | ApiError::Unreadable(_))) => {
            tracing::info!(%error, "Meta does not tell how WhatsApp's webhooks are set up");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
