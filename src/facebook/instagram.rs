//! Instagram accounts that belong to a connected Page, when `FACEBOOK_INSTAGRAM=on`.
//!
//! They are a channel of their own: their messages lie in `instagram/<account_id>/conversations/`. But there is no login of
//! their own: the Page names its account and lends its token, its subscription and the webhook's address. Messages come
//! in the shape of Messenger's, and go the same ways: `payload.rs`, `history.rs`, `media.rs`.
//!
//! Source: <https://developers.facebook.com/docs/messenger-platform/instagram> (2026).

use std::sync::Arc;

use axum::Router;
use secrecy::SecretString;

use super::dialogue::InboxDialogue;
use super::inbox::{INSTAGRAM, Inbox, NAME as FACEBOOK, Row};
use super::page_of_account::{page_of, save_page_of};
use super::state::Facebook;
use super::{about, history, media, refusal, tokens, view};
use crate::meta::id::Id;
use crate::shared::channel::connect_step::{ConnectAction, ConnectStep};
use crate::shared::channel::job::BoxFuture;
use crate::shared::channel::read_request::ReadRequest;
use crate::shared::channel::reader::{Ended, ReadError, Reader};
use crate::shared::channel::{Channel, Poll};
use crate::shared::languages::{Sentence, say};
use crate::shared::outgoing::http::{ApiError, Patience};
use crate::shared::store::{NewConnection, Status};

/// Where the journal keeps, for a Page, which account was connected with which of its logins.
const CONNECTED_WITH: &str = "instagram";

/// The channel's name in paths, tables and files.
const NAME: &str = INSTAGRAM.name;

/// The channel, beside that of Pages.
pub fn channel(facebook: &Arc<Facebook>) -> Channel {
    let config = &facebook.config;
    Channel {
        about: &about::OF_INSTAGRAM,
        routes: Router::new(),
        poll: Some(Poll { cron: config.poll_cron.clone(), request: ReadRequest::Everything }),
        connect: Some(ConnectStep {
            title: INSTAGRAM.title,
            action: ConnectAction::Link { href: "/facebook/login", label: say::facebook_continue },
        }),
        view: view::of(&INSTAGRAM),
        reader: Arc::new(AccountReader(Arc::clone(facebook))),
        dialogue: Some(Arc::new(InboxDialogue::new(Arc::clone(facebook), &INSTAGRAM))),
        jobs: config.media.iter().map(|media| media::job(facebook, NAME, media)).collect(),
        configured: None,
    }
}

/// Reads Instagram accounts.
struct AccountReader(Arc<Facebook>);

impl Reader for AccountReader {
    fn read_again<'a>(&'a self, account: &'a str, request: &'a ReadRequest) -> BoxFuture<'a, Result<(), ReadError>> {
        Box::pin(async move {
            let account = parse(account)?;
            let outcome = self.read(&account, request).await;
            match outcome {
                // The token is the Page's. Its own connection says so, and this one waits for it.
                Err(ReadError::Api(ApiError::TokenRejected { .. })) => {
                    Err(ApiError::Unavailable("the Page's login does not work".to_owned()).into())
                }
                outcome => outcome,
            }
        })
    }

    fn unsubscribe<'a>(&'a self, _account: &'a str) -> BoxFuture<'a, Result<Ended, ReadError>> {
        // The subscription is the Page's. What still comes is set aside.
        Box::pin(async { Ok(Ended::WithAnother) })
    }

    fn write_documents<'a>(&'a self, _account: &'a str) -> BoxFuture<'a, Result<(), ReadError>> {
        Box::pin(async { Ok(()) })
    }

    fn explain(&self, error: &ApiError) -> Sentence {
        refusal::explain(error)
    }
}

impl AccountReader {
    async fn read(&self, account: &Id, request: &ReadRequest) -> Result<(), ReadError> {
        let facebook = &*self.0;
        match request {
            ReadRequest::HourlyCheck => return ensure_subscription(facebook, account).await,
            ReadRequest::Everything | ReadRequest::People => {}
            _ => return Err(ReadError::UnknownRequest(request.clone())),
        }
        let page = page_of(facebook, account)
            .await?
            .ok_or_else(|| anyhow::anyhow!("the Page of an Instagram account is not known"))?;
        let token = tokens::load(facebook, &page).await?;
        let inbox = Inbox::of(&INSTAGRAM, account, &page);
        if *request == ReadRequest::People {
            return history::name_people(facebook, &inbox, &token).await;
        }
        history::read(facebook, &inbox, &token).await
    }
}

/// Connects the Instagram account of a Page, if it has one and the merchant has allowed it to be read.
///
/// # Errors
/// [`ReadError`].
pub async fn discover(facebook: &Facebook, page: &Id, token: &SecretString) -> Result<(), ReadError> {
    let shared = &facebook.shared;
    let Some(owner) = shared.connections.find(FACEBOOK, page.as_str()).await? else { return Ok(()) };
    if !INSTAGRAM.scopes.iter().all(|scope| owner.scopes.iter().any(|granted| granted == scope)) {
        return Ok(());
    }
    let found = match facebook.client.fetch_instagram_account(page, token).await {
        Ok(found) => found,
        Err(ApiError::Refused { code } | ApiError::PermissionMissing { code, .. }) => {
            tracing::info!(code, page = page.as_str(), "the Page does not tell its Instagram account");
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    let Some((account, name)) = found else { return Ok(()) };
    let known = shared.connections.find(NAME, account.as_str()).await?;
    if known.as_ref().is_some_and(|known| known.merchant != owner.merchant) {
        tracing::warn!(account = account.as_str(), "an Instagram account is connected to another merchant");
        return Ok(());
    }
    let with_login = format!("{} {}", account.as_str(), owner.connected_at);
    let last = shared.journal.find_account_cursor(FACEBOOK, page.as_str(), CONNECTED_WITH).await?;
    let is_new_login = last.as_ref() != Some(&with_login);
    if known.is_none() && !is_new_login {
        // Its merchant gave it up since, and did not log in again.
        return Ok(());
    }
    shared.journal.save_account_cursor(FACEBOOK, page.as_str(), CONNECTED_WITH, Some(with_login)).await?;
    save_page_of(facebook, &account, page).await?;
    // Whoever connected the Page may ask for this account to be erased, too.
    let user = shared.connections.find_platform_user(FACEBOOK, page.as_str()).await?;
    let known_user = shared.connections.find_platform_user(NAME, account.as_str()).await?;
    let now_ms = shared.clock.now_ms();
    if known.is_some_and(|known| known.status == Status::Connected) && known_user == user {
        if is_new_login {
            // Whoever logs in again wants it to work now, not after the hour.
            shared.journal.request_read(NAME, account.as_str(), ReadRequest::HourlyCheck, now_ms).await?;
        }
        return Ok(());
    }
    let connection = NewConnection {
        channel: NAME,
        account: account.as_str().to_owned(),
        merchant: owner.merchant,
        name,
        scopes: owner.scopes,
        status: Status::Connected,
        status_reason: None,
        platform_user: user,
        tokens: Vec::new(),
    };
    shared.connections.upsert(vec![connection], now_ms).await?;
    shared.journal.connect_account(NAME, account.as_str()).await?;
    for request in [ReadRequest::HourlyCheck, ReadRequest::Everything] {
        shared.journal.request_read(NAME, account.as_str(), request, now_ms).await?;
    }
    tracing::info!(
        account = account.as_str(),
        page = page.as_str(),
        "an Instagram account was connected with its Page"
    );
    Ok(())
}

/// Makes the app's subscription for the object `instagram` what it should be.
async fn ensure_subscription(facebook: &Facebook, account: &Id) -> Result<(), ReadError> {
    let Row { object, fields: wanted, .. } = INSTAGRAM;
    let missing_now = async || -> Result<Vec<&'static str>, ApiError> {
        let fields = facebook.client.fetch_app_subscription(Patience::Background, object).await?.unwrap_or_default();
        Ok(wanted.iter().copied().filter(|wanted| !fields.iter().any(|field| field == wanted)).collect())
    };
    let mut missing = missing_now().await?;
    let was_missing = missing.len();
    if was_missing > 0 {
        facebook.client.put_app_subscription(Patience::Background, object, wanted).await?;
        missing = missing_now().await?;
    }
    let journal = &facebook.shared.journal;
    let repaired = missing.len() < was_missing;
    journal.note_subscriptions(NAME, account.as_str(), wanted, &missing, repaired).await?;
    if repaired {
        journal.request_read(NAME, account.as_str(), ReadRequest::Everything, journal.clock().now_ms()).await?;
    }
    Ok(())
}

fn parse(account: &str) -> Result<Id, ReadError> {
    Id::parse(account).ok_or_else(|| anyhow::anyhow!("a stored account is no Instagram id").into())
}
