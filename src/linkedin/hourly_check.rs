//! The look at the page, at a start and every hour: does the token live, and do its notifications come here?
//!
//! A subscription ends silently when the member withdraws consent or is no administrator any more, and at its own time. What is wrong
//! becomes the connection's problem, in words, and goes by itself when it is mended. The challenge of the address is LinkedIn's
//! own look, and is answered by `webhook.rs`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use url::Url;

use super::client::Subscription;
use super::config::ROUTES;
use super::names::{self, NAME};
use super::payload;
use super::state::Linkedin;
use super::{document, tokens};
use crate::shared::channel::job::Job;
use crate::shared::channel::read_request::ReadRequest;
use crate::shared::channel::reader::ReadError;
use crate::shared::journal::{JournalError, Source};
use crate::shared::languages::{Sentence, say};
use crate::shared::outgoing::http::ApiError;
use crate::shared::raw_json::Object;
use crate::shared::settings::is_own_address;
use crate::shared::store::{Connection, Status, Trouble, TroubleSource};
use crate::shared::telemetry::alerts::Cause;

/// When the page is looked at: every hour.
const CRON: &str = "11 * * * *";

/// What is subscribed, as the operator sees it.
pub const WANTED: [&str; 1] = [payload::NOTIFICATIONS];

/// Under which name it is kept with which key the subscription was made: the app and the member.
const KEY: &str = "subscription";

/// A subscription that ends within this time is made anew, in milliseconds.
const PROLONGED_BEFORE_MS: i64 = 14 * 24 * 60 * 60 * 1000;

/// The hourly look. An account that is connected is looked at with all others.
pub fn job(linkedin: &Arc<Linkedin>) -> Job {
    let linkedin = Arc::clone(linkedin);
    Job {
        name: "watch the linkedin page".to_owned(),
        cron: CRON.to_owned(),
        run: Arc::new(move || {
            let linkedin = Arc::clone(&linkedin);
            Box::pin(async move {
                let connection = linkedin.shared.connections.find(NAME, linkedin.account()).await?;
                let is_looked_at = connection.is_some_and(|one| one.status != Status::NeedsReconnect);
                if !is_looked_at {
                    request(&linkedin).await?;
                }
                Ok(())
            })
        }),
    }
}

/// Requests a look at the page now. A request has retries, and is known to the next start.
///
/// # Errors
/// When the journal cannot be written.
pub async fn request(linkedin: &Linkedin) -> Result<(), JournalError> {
    let journal = &linkedin.shared.journal;
    journal.request_read(NAME, "", ReadRequest::HourlyCheck, journal.clock().now_ms()).await
}

/// Looks at the page: its token, its name, its subscription.
///
/// # Errors
/// [`ReadError`] when LinkedIn cannot be asked, or refuses the token.
pub async fn run(linkedin: &Linkedin) -> Result<(), ReadError> {
    let looked = look(linkedin).await;
    let cause = Cause::of_account(NAME, linkedin.account(), "token");
    match &looked {
        Ok(problem) => {
            linkedin.shared.alerts.heal(&cause);
            note(linkedin, problem.clone()).await
        }
        Err(ReadError::Api(ApiError::TokenRejected { reason })) => {
            let effect = "Notifications are taken in all the same; nothing is sent.";
            linkedin.shared.alerts.raise(&cause, &format!("{reason} {effect}"));
            let trouble = Trouble::new(TroubleSource::Token, reason.clone());
            set(linkedin, Status::NeedsReconnect, Some(trouble)).await?;
            looked.map(drop)
        }
        Err(_) => looked.map(drop),
    }
}

/// Gives back what is wrong with the page, for the merchant.
async fn look(linkedin: &Linkedin) -> Result<Option<Sentence>, ReadError> {
    if linkedin.shared.erasure.is_given_up(NAME, linkedin.account()).await? {
        // Its merchant disconnected it: nothing is to come any more, and nothing to be kept.
        return Ok(None);
    }
    tokens::look(linkedin, !linkedin.has_asked.swap(true, Ordering::Relaxed)).await?;
    describe(linkedin).await?;
    ensure_subscription(linkedin).await
}

/// Learns what the page is called. That LinkedIn does not tell is no problem.
async fn describe(linkedin: &Linkedin) -> Result<(), ReadError> {
    let told = tokens::with_token(linkedin, |token| async move { linkedin.client.fetch_organization(&token).await });
    let told = match told.await {
        Ok(told) => told,
        Err(ReadError::Api(ApiError::PermissionMissing { .. } | ApiError::Refused { .. })) => return Ok(()),
        Err(error) => return Err(error),
    };
    document::store(linkedin, &told).await?;
    let name = Object::parse(&told).and_then(|page| page.readable("localizedName")).filter(|name| !name.is_empty());
    if let Some(connection) = linkedin.shared.connections.find(NAME, linkedin.account()).await?
        && name.as_ref().is_some_and(|name| *name != connection.name)
    {
        linkedin.shared.connections.learn(NAME, linkedin.account(), name, None).await?;
    }
    Ok(())
}

/// Makes the subscription what it should be: our address, not about to end. Gives back what is wrong with it all the same.
async fn ensure_subscription(linkedin: &Linkedin) -> Result<Option<Sentence>, ReadError> {
    let (shared, account) = (&linkedin.shared, linkedin.account());
    let found = match find(linkedin).await {
        Ok(found) => found,
        Err(ReadError::Api(ApiError::PermissionMissing { reason, .. })) => return tell(linkedin, Some(reason)).await,
        Err(ReadError::Api(ApiError::Refused { code })) => {
            return tell(linkedin, Some(say::linkedin_not_shown(code))).await;
        }
        Err(error) => return Err(error),
    };
    let now_ms = shared.clock.now_ms();
    if found.as_ref().is_some_and(|one| is_good(one, &linkedin.config.webhook_address, now_ms)) {
        shared.journal.note_subscriptions(NAME, account, &WANTED, &[], false).await?;
        return tell(linkedin, None).await;
    }
    let Some((application, member)) = key_for(linkedin, found.as_ref()).await? else {
        let sentence = match linkedin.config.application {
            None => say::linkedin_no_subscription(),
            Some(_) => say::linkedin_no_administrator(),
        };
        shared.journal.note_subscriptions(NAME, account, &WANTED, &WANTED, false).await?;
        return tell(linkedin, Some(sentence)).await;
    };
    let put = tokens::with_token(linkedin, |token| {
        let (application, member) = (application.clone(), member.clone());
        async move { linkedin.client.put_subscription(&application, &member, &token).await }
    });
    match put.await {
        Ok(()) => {
            shared.journal.note_subscriptions(NAME, account, &WANTED, &[], true).await?;
            shared.journal.save_account_cursor(NAME, account, KEY, Some(format!("{application} {member}"))).await?;
            tracing::info!(account, "the page's subscription was made");
            // What was missed meanwhile.
            shared.journal.request_read(NAME, account, ReadRequest::Everything, now_ms).await?;
            tell(linkedin, None).await
        }
        Err(ReadError::Api(ApiError::PermissionMissing { reason, .. })) => tell(linkedin, Some(reason)).await,
        Err(ReadError::Api(ApiError::Refused { code })) => {
            tell(linkedin, Some(say::linkedin_not_delivered(code))).await
        }
        Err(error) => Err(error),
    }
}

async fn find(linkedin: &Linkedin) -> Result<Option<Subscription>, ReadError> {
    let found = tokens::with_token(linkedin, |token| async move { linkedin.client.fetch_subscription(&token).await });
    let found = found.await?;
    if let Some(one) = &found {
        let key = format!("{} {}", one.application, one.member);
        let journal = &linkedin.shared.journal;
        if journal.find_account_cursor(NAME, linkedin.account(), KEY).await?.as_ref() != Some(&key) {
            journal.save_account_cursor(NAME, linkedin.account(), KEY, Some(key)).await?;
        }
    }
    Ok(found)
}

/// Whether a subscription leads here and is not about to end.
#[must_use]
pub fn is_good(one: &Subscription, address: &Url, now_ms: i64) -> bool {
    is_own_address(&one.webhook, address, &ROUTES)
        && one.expires_at.is_none_or(|at| at > now_ms.saturating_add(PROLONGED_BEFORE_MS))
}

/// The app and the member whose subscription it is to be: those of the one that is or was there, else those of the settings and
/// of the token.
async fn key_for(linkedin: &Linkedin, found: Option<&Subscription>) -> Result<Option<(String, String)>, ReadError> {
    if let Some(found) = found {
        return Ok(Some((found.application.clone(), found.member.clone())));
    }
    let kept = linkedin.shared.journal.find_account_cursor(NAME, linkedin.account(), KEY).await?;
    if let Some((application, member)) = kept.as_deref().and_then(|key| key.split_once(' ')) {
        return Ok(Some((application.to_owned(), member.to_owned())));
    }
    let Some(application) = linkedin.config.application.clone() else { return Ok(None) };
    let member = tokens::with_token(linkedin, |token| async move { linkedin.client.fetch_administrator(&token).await });
    match member.await {
        Ok(member) => Ok(member.map(|member| (application, member))),
        Err(ReadError::Api(ApiError::PermissionMissing { .. } | ApiError::Refused { .. })) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Alerts about the subscription, or takes that back.
async fn tell(linkedin: &Linkedin, problem: Option<Sentence>) -> Result<Option<Sentence>, ReadError> {
    let cause = Cause::of_account(NAME, linkedin.account(), "subscription");
    match &problem {
        None => linkedin.shared.alerts.heal(&cause),
        Some(problem) => {
            linkedin.shared.alerts.raise(&cause, &format!("Comments on the LinkedIn page do not arrive. {problem}."));
        }
    }
    Ok(problem)
}

/// Notes how the connection is doing, now that LinkedIn has answered.
async fn note(linkedin: &Linkedin, problem: Option<Sentence>) -> Result<(), ReadError> {
    let trouble = problem.map(|problem| Trouble::new(TroubleSource::Check, problem));
    set(linkedin, if trouble.is_some() { Status::Incomplete } else { Status::Connected }, trouble).await
}

async fn set(linkedin: &Linkedin, status: Status, trouble: Option<Trouble>) -> Result<(), ReadError> {
    let connections = &linkedin.shared.connections;
    let Some(Connection { status: known, trouble: of, account, .. }) =
        connections.find(NAME, linkedin.account()).await?
    else {
        return Ok(());
    };
    if (known, &of) != (status, &trouble) {
        connections.set_status(NAME, &account, status, trouble).await?;
    }
    Ok(())
}

/// Reads back what happened on the page's posts in the last 60 days: what was missed while notifications did not arrive.
///
/// # Errors
/// [`ReadError`]. That LinkedIn does not show them is none: what is posted is complete without.
pub async fn read_back(linkedin: &Linkedin) -> Result<(), ReadError> {
    let listed = tokens::with_token(linkedin, |token| async move { linkedin.client.fetch_notifications(&token).await });
    let listed = match listed.await {
        Ok(listed) => listed,
        Err(ReadError::Api(ApiError::PermissionMissing { code, .. } | ApiError::Refused { code })) => {
            tracing::info!(code, "LinkedIn does not show what happened on the page before");
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    if !listed.is_whole {
        tracing::warn!(read = listed.rows.len(), "LinkedIn lists more of what happened on the page than is read back");
    }
    let own = &linkedin.config.organization;
    let events = listed.rows.iter().map(|item| payload::notification(own, item, Source::Poll)).collect();
    let events = document::as_read(linkedin, events).await?;
    linkedin.shared.journal.append(events).await?;
    Ok(())
}

/// Whether this account is the one that the settings name.
#[must_use]
pub fn is_ours(linkedin: &Linkedin, account: &str) -> bool {
    account.is_empty() || names::organization(account).is_some_and(|account| account == linkedin.config.organization)
}
