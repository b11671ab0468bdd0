//! The hourly look at the app and at each Page: do they deliver what is wanted, does the login live, what was granted?
//!
//! Meta ends a Page's subscription after an hour in which its deliveries failed, and somebody may change the app's in the
//! dashboard. So what is wanted is compared with what is there, on both levels; what is missing is put back, and what was
//! missed meanwhile is read. What cannot be mended becomes the connection's problem, in words, and goes by itself when it
//! is mended. Tokens are left to `tokens.rs`.
//!
//! Source: <https://developers.facebook.com/docs/graph-api/webhooks/subscriptions-edge>,
//! <https://developers.facebook.com/docs/graph-api/reference/page/subscribed_apps> (2026).

use std::sync::Arc;

use secrecy::SecretString;

use super::inbox::{FIELDS, MESSENGER, NAME, SCOPES};
use super::state::Facebook;
use super::tokens::Grants;
use super::{metadata, tokens};
use crate::meta::id::Id;
use crate::meta::refusal::APP_UNKNOWN;
use crate::shared::channel::dialogue::Fault;
use crate::shared::channel::job::Job;
use crate::shared::channel::read_request::ReadRequest;
use crate::shared::channel::reader::ReadError;
use crate::shared::journal::JournalError;
use crate::shared::languages::{Sentence, say};
use crate::shared::outgoing::http::{ApiError, Patience};
use crate::shared::raw_json::Object;
use crate::shared::store::{SendingBlock, Status, Trouble, TroubleSource};
use crate::shared::telemetry::alerts::Cause;

/// How long a block of a Page counts unless Facebook takes it back, in milliseconds.
const BLOCKED_MS: i64 = 24 * 60 * 60 * 1000;

/// When the app is looked at: every hour, some minutes before its Pages are.
const APP_CRON: &str = "13 * * * *";

/// The kind of the alert about what Meta's policy enforcement did to a Page, and the name under which its last word is kept.
const POLICY_KIND: &str = "policy";

/// What became of a subscription.
#[derive(Debug, Default)]
pub struct Ensured {
    /// Whether something was missing and was put back.
    pub repaired: bool,
    /// The fields that are missing all the same.
    pub missing: Vec<&'static str>,
    /// Why the platform would not put them back, as its code.
    pub refused: Option<String>,
}

/// The hourly look at the app.
pub fn job(facebook: &Arc<Facebook>) -> Job {
    let facebook = Arc::clone(facebook);
    Job {
        name: "watch the facebook app".to_owned(),
        cron: APP_CRON.to_owned(),
        run: Arc::new(move || {
            let facebook = Arc::clone(&facebook);
            Box::pin(async move { Ok(request_app_check(&facebook).await?) })
        }),
    }
}

/// Requests a look at the app now. A request has retries, and is known to the next start.
///
/// # Errors
/// When the journal cannot be written.
pub async fn request_app_check(facebook: &Facebook) -> Result<(), JournalError> {
    let journal = &facebook.shared.journal;
    journal.request_read(NAME, "", ReadRequest::HourlyCheck, journal.clock().now_ms()).await
}

/// Looks at the app: its subscription, and Pages whose login was dead.
///
/// # Errors
/// [`ReadError`] when the app's subscription is not as it should be and another try may help.
pub async fn run_app(facebook: &Facebook) -> Result<(), ReadError> {
    let ensured = ensure_app(facebook, Patience::Background).await?;
    tokens::revive(facebook).await?;
    match ensured.refused {
        None => Ok(()),
        // Our own address may only be about to be reachable: it is tried again, soon at first.
        Some(code) => Err(ApiError::Unavailable(format!("the app's subscription is refused with code {code}")).into()),
    }
}

/// Makes the app's subscription what it should be: our address, all wanted fields. Meta sends its challenge there before
/// it says yes. Notes the outcome, and lets every Page know of it.
///
/// # Errors
/// [`ReadError`] when the platform cannot be asked.
pub async fn ensure_app(facebook: &Facebook, patience: Patience) -> Result<Ensured, ReadError> {
    const CAUSE: &str = "facebook:app:subscriptions";
    let (client, shared) = (&facebook.client, &facebook.shared);
    let mut ensured = Ensured::default();
    match missing_of_app(facebook, patience).await {
        Ok(missing) if missing.is_empty() => {}
        Ok(missing) => match client.put_app_subscription(patience, MESSENGER.object, &FIELDS).await {
            Ok(()) => {
                ensured.missing = missing_of_app(facebook, patience).await?;
                ensured.repaired = ensured.missing.len() < missing.len();
                ensured.refused = (!ensured.missing.is_empty()).then(|| "no effect".to_owned());
            }
            Err(error) => ensured = Ensured { refused: Some(refusal(error)?), missing, repaired: false },
        },
        Err(error) => ensured = Ensured { refused: Some(refusal(error)?), missing: FIELDS.to_vec(), repaired: false },
    }
    let known = shared.journal.list_subscriptions().await?;
    let was_there = known.iter().any(|one| one.channel == NAME && one.account.is_empty() && one.missing.is_empty());
    shared.journal.note_subscriptions(NAME, "", &FIELDS, &ensured.missing, ensured.repaired).await?;
    match &ensured.refused {
        None => shared.alerts.heal(CAUSE),
        Some(code) => shared.alerts.raise(
            CAUSE,
            &format!(
                "Facebook does not deliver webhooks to FACEBOOK_WEBHOOK_ADDRESS: {}. The daily poll brings what they would \
                 have; it is tried again by itself.",
                match code.as_str() {
                    "2200" => "it cannot reach the address, or something else answers there (code 2200)".to_owned(),
                    APP_UNKNOWN | "104" | "101" => format!("FACEBOOK_APP_ID and FACEBOOK_APP_SECRET do not fit (code {code})"),
                    code => format!("the subscription is refused (code {code})"),
                }
            ),
        ),
    }
    let changed = facebook.set_app_refused(ensured.refused.clone());
    match (ensured.repaired, was_there) {
        (true, true) => tracing::warn!("the app's webhook subscription was not as wanted and was put right"),
        (true, false) => tracing::info!("the app's webhook subscription was made"),
        (false, _) => {}
    }
    if changed || ensured.repaired {
        for connection in shared.connections.list().await?.iter().filter(|one| one.channel == NAME) {
            if changed {
                shared
                    .journal
                    .request_read(NAME, &connection.account, ReadRequest::HourlyCheck, shared.clock.now_ms())
                    .await?;
            }
            if ensured.repaired {
                shared
                    .journal
                    .request_read(NAME, &connection.account, ReadRequest::Everything, shared.clock.now_ms())
                    .await?;
            }
        }
    }
    Ok(ensured)
}

/// The fields that the app's subscription lacks: all of them where its address is another, or it is switched off.
async fn missing_of_app(facebook: &Facebook, patience: Patience) -> Result<Vec<&'static str>, ApiError> {
    let fields = facebook.client.fetch_app_subscription(patience, MESSENGER.object).await?;
    Ok(missing_in(&fields.unwrap_or_default()))
}

/// Makes a Page's subscription what it should be, and notes the outcome.
///
/// # Errors
/// [`ReadError`] when the platform cannot be asked, or the token is dead.
pub async fn ensure_page(
    facebook: &Facebook,
    patience: Patience,
    page: &Id,
    token: &SecretString,
) -> Result<Ensured, ReadError> {
    let (client, shared) = (&facebook.client, &facebook.shared);
    let mut ensured = Ensured::default();
    match client.fetch_page_subscription(patience, page, token).await {
        Ok(fields) => {
            let missing = missing_in(&fields);
            if !missing.is_empty() {
                match client.put_page_subscription(patience, page, token).await {
                    Ok(()) => {
                        let fields = client.fetch_page_subscription(patience, page, token).await?;
                        ensured.missing = missing_in(&fields);
                        ensured.repaired = ensured.missing.len() < missing.len();
                        ensured.refused = (!ensured.missing.is_empty()).then(|| "no effect".to_owned());
                    }
                    Err(error) => ensured = Ensured { refused: Some(refusal(error)?), missing, repaired: false },
                }
            }
        }
        Err(error) => ensured = Ensured { refused: Some(refusal(error)?), missing: FIELDS.to_vec(), repaired: false },
    }
    shared.journal.note_subscriptions(NAME, page.as_str(), &FIELDS, &ensured.missing, ensured.repaired).await?;
    let cause = Cause::of_account(NAME, page.as_str(), "subscriptions");
    match &ensured.refused {
        None => shared.alerts.heal(&cause),
        Some(code) => shared.alerts.raise(
            &cause,
            &format!(
                "Facebook refuses to deliver the webhooks of Page {page} (code {code}). The daily poll brings what they \
                 would have; they are asked for again every hour."
            ),
        ),
    }
    Ok(ensured)
}

/// The code of a no that lasts.
///
/// # Errors
/// Anything else: it says nothing about the subscription.
fn refusal(error: ApiError) -> Result<String, ApiError> {
    match error {
        ApiError::Refused { code } | ApiError::PermissionMissing { code, .. } => Ok(code),
        error => Err(error),
    }
}

fn missing_in(fields: &[String]) -> Vec<&'static str> {
    FIELDS.into_iter().filter(|wanted| !fields.iter().any(|field| field == wanted)).collect()
}

/// Looks at a Page: its login, what was granted for it, its subscription.
///
/// # Errors
/// [`ReadError`] when the platform cannot be asked, or the token is dead.
pub async fn run(facebook: &Facebook, page: &Id, token: &SecretString) -> Result<(), ReadError> {
    let shared = &facebook.shared;
    let Some(connection) = shared.connections.find(NAME, page.as_str()).await? else { return Ok(()) };
    let to_come = shared.journal.list_still_to_come(NAME, page.as_str()).await?;
    let lasting = match to_come.iter().any(|one| one.what == say::to_come_lasting()) {
        true => tokens::lengthen(facebook, page).await?,
        false => None,
    };
    let token = lasting.as_ref().unwrap_or(token);
    let grants = tokens::examine(facebook, page, token).await?;
    if !to_come.is_empty() {
        finish_login(facebook, page, token, &grants).await?;
    }
    let scopes = grants.scopes.clone().unwrap_or_else(|| connection.scopes.clone());
    if scopes != connection.scopes {
        shared.connections.set_scopes(NAME, page.as_str(), scopes.clone()).await?;
    }
    let ensured = ensure_page(facebook, Patience::Background, page, token).await?;
    let mut catch_up = ensured.repaired;
    match (ensured.repaired, to_come.is_empty()) {
        (true, true) => {
            tracing::warn!(page = page.as_str(), "a Page's webhook subscription was not as wanted and was put right");
        }
        (true, false) => tracing::info!(page = page.as_str(), "a Page's webhook subscription was made"),
        (false, _) => {}
    }
    // What was granted is not told: nobody is blamed for it.
    let scopes = if scopes.is_empty() { SCOPES.map(str::to_owned).to_vec() } else { scopes };

    let policy = shared
        .journal
        .find_account_cursor(NAME, page.as_str(), POLICY_KIND)
        .await?
        .and_then(|word| policy_problem(&word));
    let ended = tokens::ended(&grants, shared.clock.now());
    let problem = problem(facebook, &scopes, &ensured, ended.into_iter().chain(policy).collect());
    let reason = connection.status_reason();
    match problem {
        Some(problem) => {
            if (connection.status, reason.as_ref()) != (Status::Incomplete, Some(&problem)) {
                tracing::warn!(page = page.as_str(), %problem, "a Page is connected in part");
                let problem = Trouble::new(TroubleSource::Check, problem);
                shared.connections.set_problem(NAME, page.as_str(), Some(problem)).await?;
            }
        }
        // What a read was denied is said in its own words, and only a read that is complete takes them back.
        None if connection.is_troubled_by(TroubleSource::Read) => {
            catch_up |= connection.status == Status::Incomplete;
        }
        None => {
            let warning = warn_of_end(facebook, page, &grants);
            if (connection.status, &reason) != (Status::Connected, &warning) {
                catch_up |= connection.status != Status::Connected;
                let warning = warning.map(|warning| Trouble::new(TroubleSource::Check, warning));
                shared.connections.set_status(NAME, page.as_str(), Status::Connected, warning).await?;
            }
        }
    }
    if catch_up {
        shared.journal.request_read(NAME, page.as_str(), ReadRequest::Everything, shared.clock.now_ms()).await?;
    }
    if !to_come.is_empty() {
        shared.journal.note_still_to_come(NAME, page.as_str(), &[]).await?;
        tracing::info!(page = page.as_str(), "a login is done to its end");
    }
    Ok(())
}

/// Learns what the login was not told: who connected the Page, and what it is called.
async fn finish_login(facebook: &Facebook, page: &Id, token: &SecretString, grants: &Grants) -> Result<(), ReadError> {
    let connections = &facebook.shared.connections;
    let name = match facebook.client.fetch_page(Patience::Background, page, token).await {
        Ok(object) => {
            metadata::store(facebook, page, &object).await?;
            Object::parse(object.get()).and_then(|object| object.readable("name"))
        }
        Err(ApiError::Refused { .. } | ApiError::PermissionMissing { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    Ok(connections.learn(NAME, page.as_str(), name, grants.person.clone()).await?)
}

/// What is wrong with a Page's connection, in words for the merchant.
#[must_use]
pub fn problem(facebook: &Facebook, scopes: &[String], ensured: &Ensured, others: Vec<Sentence>) -> Option<Sentence> {
    let mut problems = others;
    let missing: Vec<&str> =
        SCOPES.into_iter().filter(|scope| !scopes.iter().any(|granted| granted == scope)).collect();
    if !missing.is_empty() {
        problems.push(say::facebook_permission_missing(missing.join(", ")));
    }
    if let Some(code) = &ensured.refused {
        problems.push(say::facebook_subscription_refused(code.as_str()));
    }
    if let Some(code) = facebook.app_refused() {
        problems.push(say::facebook_delivers_nothing(code));
    }
    problems.into_iter().reduce(say::problems)
}

/// The merchant and the operator are told a week before the login ends.
fn warn_of_end(facebook: &Facebook, page: &Id, grants: &Grants) -> Option<Sentence> {
    let cause = Cause::of_account(NAME, page.as_str(), "login");
    let warning = tokens::ends_soon(grants, facebook.shared.clock.now());
    match &warning {
        Some(warning) => facebook.shared.alerts.raise(&cause, &format!("Page {page}: {warning}")),
        None => facebook.shared.alerts.heal(&cause),
    }
    warning
}

/// All Pages that a person connected are looked at: the person changed something about the app.
///
/// # Errors
/// [`ReadError`] when the databases cannot be used.
pub async fn run_person(facebook: &Facebook, person: &str) -> Result<(), ReadError> {
    let shared = &facebook.shared;
    for page in shared.connections.list_of_person(NAME, person).await? {
        shared.journal.request_read(NAME, &page, ReadRequest::HourlyCheck, shared.clock.now_ms()).await?;
    }
    Ok(())
}

/// Meta's policy enforcement warned, blocked or unblocked a Page: `action` is its word for it.
/// Source: <https://developers.facebook.com/docs/messenger-platform/reference/webhook-events/messaging_policy_enforcement>.
///
/// # Errors
/// [`ReadError`] when the journal cannot be written.
pub async fn note_policy(facebook: &Facebook, page: &Id, action: &str) -> Result<(), ReadError> {
    let shared = &facebook.shared;
    let cause = Cause::of_account(NAME, page.as_str(), POLICY_KIND);
    match policy_problem(action) {
        Some(problem) => shared.alerts.raise(&cause, &format!("Page {page}: {problem}.")),
        None => shared.alerts.heal(&cause),
    }
    match action {
        "block" => block_sending(facebook, page).await?,
        "unblock" => shared.connections.unblock_sending(NAME, page.as_str()).await?,
        _ => {}
    }
    shared.journal.save_account_cursor(NAME, page.as_str(), POLICY_KIND, Some(action.to_owned())).await?;
    shared.journal.request_read(NAME, page.as_str(), ReadRequest::HourlyCheck, shared.clock.now_ms()).await?;
    Ok(())
}

/// Nothing of this Page is sent until Facebook takes it back. Should that get lost, one message tries after a day.
async fn block_sending(facebook: &Facebook, page: &Id) -> Result<(), ReadError> {
    let connections = &facebook.shared.connections;
    let Some(connection) = connections.find(NAME, page.as_str()).await? else { return Ok(()) };
    let until = facebook.shared.clock.now_ms() + BLOCKED_MS;
    let (fault, sentence) = (Fault::Blocked, say::facebook_policy_block());
    let block = SendingBlock { fault, code: String::new(), sentence, until };
    Ok(connections.block_sending(&connection, block).await?)
}

fn policy_problem(action: &str) -> Option<Sentence> {
    match action {
        "block" => Some(say::facebook_policy_block()),
        "warning" => Some(say::facebook_policy_warning()),
        _ => None,
    }
}
