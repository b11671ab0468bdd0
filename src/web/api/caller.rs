//! Who calls, and what they may see: whoever shows a living key in `Authorization: Bearer stk_…`, and nobody else.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, Method, header};
use uuid::Uuid;

use super::limits::{StreamPlace, Work};
use super::problem::ApiProblem;
use super::state::Api;
use crate::shared::server::accept::Stopping;
use crate::shared::server::peer::Peer;
use crate::shared::store::Connection;
use crate::shared::store::api_keys::{ApiKey, Scope};

/// The key with which a request was let in. In its extensions.
#[derive(Clone)]
struct Shown(Arc<ApiKey>);

/// Who calls. Taking one counts the request: GET and HEAD as a read, everything else as a write.
pub struct Caller {
    key: Arc<ApiKey>,
    api: Api,
    stopping: Stopping,
}

/// Who calls, before the request is counted: for what is to be counted only once more of it is known. Of several requests
/// at once with one `Idempotency-Key` only the one that is stored counts, so they are to be let in one by one.
pub struct Uncounted(Caller);

impl Uncounted {
    /// Who calls; nothing is counted, as for a repeat of a known request.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.0
    }

    /// Counts the request as a write.
    ///
    /// # Errors
    /// [`ApiProblem::TooManyRequests`] where the key has no more left.
    pub fn count_write(&self) -> Result<(), ApiProblem> {
        self.0.api.limits.take(&self.0.key.id, Work::Write)
    }
}

impl Caller {
    /// The merchant for whom it calls. Every query names it.
    #[must_use]
    pub fn merchant(&self) -> Uuid {
        self.key.merchant
    }

    /// The key, without the key.
    #[must_use]
    pub fn key(&self) -> &ApiKey {
        &self.key
    }

    /// Whether the key has this scope.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.key.scopes.contains(&scope)
    }

    /// Lets a key go on that has this scope.
    ///
    /// # Errors
    /// [`ApiProblem::ScopeMissing`] for any other one.
    pub fn require(&self, scope: Scope) -> Result<(), ApiProblem> {
        if self.may(scope) { Ok(()) } else { Err(ApiProblem::ScopeMissing { scope }) }
    }

    /// Lets a key go on that has one of these scopes.
    ///
    /// # Errors
    /// [`ApiProblem::ScopeMissing`] with the first of them for any other one.
    pub fn require_one_of(&self, first: Scope, others: &[Scope]) -> Result<(), ApiProblem> {
        if others.iter().any(|scope| self.may(*scope)) { Ok(()) } else { self.require(first) }
    }

    /// Whether the key may see an account of its merchant: an empty list names all of them.
    #[must_use]
    pub fn sees(&self, channel: &str, account: &str) -> bool {
        let is_it = |one: &(String, String)| one.0 == channel && one.1 == account;
        self.key.accounts.is_empty() || self.key.accounts.iter().any(is_it)
    }

    /// The connection of an account, if it is this merchant's, its channel has conversations, and the key may see it.
    ///
    /// # Errors
    /// [`ApiProblem::NotFound`] for any other one, as if it did not exist.
    pub async fn connection(&self, channel: &str, account: &str) -> Result<Connection, ApiProblem> {
        let is_answered = self.api.channel(channel).is_some_and(|channel| channel.has_conversations);
        if !is_answered || !self.sees(channel, account) {
            return Err(ApiProblem::NotFound);
        }
        let connection = self.api.shared.connections.find(channel, account).await?;
        connection.filter(|connection| connection.merchant == self.key.merchant).ok_or(ApiProblem::NotFound)
    }

    /// Ends when the key does, by revocation at once, by expiry a second late, and when the service begins to stop. Whoever writes a stream, or waits for
    /// something, waits for this, too, and ends then. It holds no lock and asks no database. The place of a stream or of a
    /// waiting read is [`Caller::take_stream`].
    pub fn ended(&self) -> impl Future<Output = ()> + Send + use<> {
        let (keys, clock, id) = (self.api.keys.clone(), self.api.shared.clock.clone(), self.key.id.clone());
        let stopping = self.stopping.clone();
        async move {
            tokio::select! {
                () = keys.until_ended(&id, &clock) => {}
                () = stopping.begun() => {}
            }
        }
    }

    /// A place for a stream or a waiting read, until it is dropped.
    ///
    /// # Errors
    /// [`ApiProblem::TooManyRequests`] where this key has five, or all keys together have 200.
    pub fn take_stream(&self) -> Result<StreamPlace, ApiProblem> {
        self.api.limits.take_stream(&self.key.id)
    }
}

impl FromRequestParts<Api> for Caller {
    type Rejection = ApiProblem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Self::Rejection> {
        let Uncounted(caller) = Uncounted::from_request_parts(parts, api).await?;
        let work = if matches!(parts.method, Method::GET | Method::HEAD) { Work::Read } else { Work::Write };
        api.limits.take(&caller.key.id, work)?;
        Ok(caller)
    }
}

impl FromRequestParts<Api> for Uncounted {
    type Rejection = ApiProblem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Self::Rejection> {
        let Shown(key) = parts.extensions.get::<Shown>().cloned().ok_or(ApiProblem::Unauthorized)?;
        let Ok(stopping) = Stopping::from_request_parts(parts, api).await;
        Ok(Self(Caller { key, api: api.clone(), stopping }))
    }
}

/// Lets a request in that shows a living key. A layer around every route that needs one, also around what is no route.
pub(super) async fn authenticate(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    match identify(&api, request.headers(), request.extensions().get::<Peer>()) {
        Ok(key) => {
            request.extensions_mut().insert(Shown(key));
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

fn identify(api: &Api, headers: &HeaderMap, peer: Option<&Peer>) -> Result<Arc<ApiKey>, ApiProblem> {
    let mut shown = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(only), None) = (shown.next(), shown.next()) else { return Err(ApiProblem::Unauthorized) };
    let now_ms = api.shared.clock.now_ms();
    let key = bearer(only.as_bytes()).and_then(|text| api.keys.find_living(text, now_ms));
    let Some(key) = key else { return Err(api.limits.wrong_key(peer, headers)) };
    api.keys.note_use(&key.id, now_ms);
    Ok(key)
}

/// What stands behind `Bearer`, whose letters may be of either case (RFC 9110, 11.1).
fn bearer(value: &[u8]) -> Option<&str> {
    let (scheme, text) = std::str::from_utf8(value).ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| text.trim_matches(' '))
}
