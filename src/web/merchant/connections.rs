//! What a merchant does with one connection: read it again, end it.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use maud::html;

use super::parts::name_or;
use super::{Fronts, Page, Renewal, Tab, form_token, owned};
use crate::shared::channel::context::Shared;
use crate::shared::channel::read_request::ReadRequest;
use crate::shared::channel::reader::Ended;
use crate::shared::channel::view::View;
use crate::shared::journal::Account;
use crate::shared::languages::{Sentence, bdi, say};
use crate::shared::secrets::vault::Vault;
use crate::shared::server::error::AppError;
use crate::shared::server::session::SignedIn;
use crate::shared::store::{Connection, Status};
use crate::web::form::Posted;

/// How long a merchant who leaves waits for the platform.
const WITHIN: Duration = Duration::from_secs(25);

pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/connections/{channel}/{account}/sync", post(sync))
        .route("/connections/{channel}/{account}/disconnect", get(ask).post(disconnect))
        .route("/connections/{channel}/want-back", post(want_back))
}

/// `POST …/sync`: the whole account is read again, as soon as no other read of it is under way.
async fn sync(
    State(shared): State<Shared>,
    Path(account): Path<Account>,
    posted: Posted,
) -> Result<Response, AppError> {
    let connection = owned(&shared, &posted.session, &account).await?;
    if connection.status == Status::NeedsReconnect {
        return Err(AppError::Conflict(say::needs_login_first()));
    }
    let now_ms = shared.clock.now_ms();
    shared.journal.request_read(&account.0, &account.1, ReadRequest::Everything, now_ms).await?;
    Ok(Redirect::to("/?done=sync").into_response())
}

/// `GET …/disconnect`: says what it means, and asks.
async fn ask(
    State(shared): State<Shared>,
    Extension(fronts): Extension<Fronts>,
    Extension(vault): Extension<Vault>,
    Path(account): Path<Account>,
    SignedIn(session): SignedIn,
) -> Result<Response, AppError> {
    let connection = owned(&shared, &session, &account).await?;
    let front = fronts.of(&account.0).ok_or(AppError::NotFound)?;
    let name = name_or(Some(&connection.name), &connection.account);
    let body = html! {
        h1 { (say::disconnect_question(bdi(name))) }
        section.panel {
            ul {
                li { (say::disconnect_tells(front.view.platform)) }
                li { (say::disconnect_erases()) }
                li { (say::disconnect_keeps()) }
                li { (say::disconnect_again((front.view.noun)())) }
            }
            form.actions method="post" {
                (form_token(&vault, &session))
                button.danger { (say::disconnect()) }
                a.button.plain href="/" { (say::keep_connected()) }
            }
        }
    };
    Ok(Page { title: say::disconnect(), tab: Tab::Overview, renewal: Renewal::Never, body }.show())
}

/// `POST …/disconnect`.
async fn disconnect(
    State(shared): State<Shared>,
    Extension(fronts): Extension<Fronts>,
    Path(account): Path<Account>,
    posted: Posted,
) -> Result<Response, AppError> {
    let connection = owned(&shared, &posted.session, &account).await?;
    let farewell = unsubscribe(&fronts, &connection).await;
    fronts.leave(&shared, &account, posted.session.merchant).await?;
    shared.erasure.disconnect(&account.0, &account.1, "merchant").await?;
    Ok(Redirect::to(&format!("/?done={}&channel={}", farewell.as_str(), connection.channel)).into_response())
}

/// `POST …/want-back`: the account that the settings name is connected again, within a second or two.
async fn want_back(
    State(shared): State<Shared>,
    Path(channel): Path<String>,
    posted: Posted,
) -> Result<Response, AppError> {
    match shared.connections.want_back(&channel, posted.session.merchant).await? {
        true => Ok(Redirect::to("/").into_response()),
        false => Err(AppError::NotFound),
    }
}

/// What is known of the platform's part after an account was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Farewell {
    /// Asked afterwards, it has no subscription of ours any more.
    Checked,
    /// It goes on telling us until another account is given up.
    WithAnother,
    /// It said no, did not answer, no longer knows our login, or goes on all the same.
    Unconfirmed,
}

impl Farewell {
    const ALL: [Self; 3] = [Self::Checked, Self::WithAnother, Self::Unconfirmed];

    /// The word for it in addresses.
    fn as_str(self) -> &'static str {
        match self {
            Self::Checked => "disconnected",
            Self::WithAnother => "disconnected-with-another",
            Self::Unconfirmed => "disconnected-unconfirmed",
        }
    }

    /// Of its word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }

    /// What the merchant reads.
    pub fn sentence(self, view: &View) -> Sentence {
        let View { platform, noun, part, .. } = view;
        match self {
            Self::Checked => say::disconnected_checked(*platform, noun()),
            Self::WithAnother => say::disconnected_with_another(noun()),
            Self::Unconfirmed => say::disconnected_unconfirmed(*platform, noun(), part()),
        }
    }
}

/// Ends what the platform tells us of an account, and asks whether it did. Whatever it answers, or if it does not answer at
/// all: that must not stand in the way of a merchant who leaves.
pub async fn unsubscribe(fronts: &Fronts, connection: &Connection) -> Farewell {
    let Some(front) = fronts.of(&connection.channel) else { return Farewell::Unconfirmed };
    let (channel, account) = (&connection.channel, &connection.account);
    match tokio::time::timeout(WITHIN, front.reader.unsubscribe(account)).await {
        Ok(Ok(Ended::Wholly)) => return Farewell::Checked,
        Ok(Ok(Ended::WithAnother)) => return Farewell::WithAnother,
        Ok(Ok(Ended::Left(left))) => {
            tracing::warn!(
                channel,
                account,
                left = left.join(","),
                "subscriptions are still there after they were ended"
            );
        }
        Ok(Err(error)) => tracing::warn!(channel, account, %error, "subscriptions could not be ended"),
        Err(_) => tracing::warn!(channel, account, "subscriptions could not be ended in time"),
    }
    Farewell::Unconfirmed
}
