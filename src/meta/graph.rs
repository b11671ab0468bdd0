//! Calls of the Graph API, as every product of Meta answers them.
//!
//! Every call carries the token in `Authorization` and an `appsecret_proof`; no call follows `paging.next`, which holds
//! the token and is an address from outside.
//! Source: <https://developers.facebook.com/docs/graph-api/guides/error-handling>,
//! <https://developers.facebook.com/docs/facebook-login/security> (2026).

use std::sync::Arc;

use http::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::app::App;
use super::budget::{Budgets, Lane};
use super::id::Id;
use super::refusal::{self, APP_UNKNOWN};
use crate::shared::outgoing::http::{Answer, ApiError, Http, Patience};
use crate::shared::secrets::signature::{sign_sha256, to_hex};
use crate::shared::telemetry::alerts::Alerts;

/// The Graph API, as an app sees it. Cheap to clone.
#[derive(Clone)]
pub struct Graph {
    http: Http,
    app: Arc<dyn App>,
    budgets: Budgets,
    alerts: Alerts,
}

impl Graph {
    /// Calls the platform that the app is configured for.
    #[must_use]
    pub fn new(http: Http, app: Arc<dyn App>, budgets: Budgets, alerts: Alerts) -> Self {
        Self { http, app, budgets, alerts }
    }

    /// How much of their allowances the app and its accounts have used up.
    #[must_use]
    pub fn budgets(&self) -> &Budgets {
        &self.budgets
    }

    /// One call, repeated as the patience says.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn call<T: DeserializeOwned>(
        &self,
        patience: Patience,
        lane: Lane<'_>,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        token: &SecretString,
    ) -> Result<T, ApiError> {
        self.http
            .persist(patience, || async {
                self.budgets.wait(lane, patience).await?;
                let answer = self.http_of(lane).send(self.request(method.clone(), path, query, token)).await?;
                self.read(lane, &answer)
            })
            .await
    }

    /// A call that changes something, and that the platform answers with success or not.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn post(
        &self,
        patience: Patience,
        lane: Lane<'_>,
        path: &[&str],
        query: &[(&str, &str)],
        form: &[(&str, &str)],
        token: &SecretString,
    ) -> Result<(), ApiError> {
        #[derive(Deserialize)]
        struct Success {
            success: serde_json::Value,
        }
        let done: Success = self
            .http
            .persist(patience, || async {
                self.budgets.wait(lane, patience).await?;
                let request = self.request(Method::POST, path, query, token);
                let answer =
                    self.http_of(lane).send(if form.is_empty() { request } else { request.form(form) }).await?;
                self.read(lane, &answer)
            })
            .await?;
        // The documents show both the word and the text of it.
        match done.success == true || done.success == "true" {
            true => Ok(()),
            false => Err(ApiError::Refused { code: "no success".to_owned() }),
        }
    }

    /// Asks for a token: `parameters` say in exchange for what. Never repeated, because a code works once.
    ///
    /// Meta documents a GET with the secret in the query, and takes the same parameters in a form, as RFC 6749 wants
    /// it. The form keeps the secret out of every URL, and there is no other way: whatever is answered to it counts.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn exchange<T: DeserializeOwned>(&self, parameters: &[(&str, &str)]) -> Result<T, ApiError> {
        let app = [("client_id", self.app.id()), ("client_secret", self.app.secret().current().expose_secret())];
        let parameters = [&app, parameters].concat();
        let url = self.url(&["oauth", "access_token"]);
        self.budgets.wait(Lane::App, Patience::Once).await?;
        let answer = self.http.send(self.http.request(Method::POST, url).form(&parameters)).await?;
        self.read(Lane::App, &answer)
    }

    /// The app's own token.
    #[must_use]
    pub fn app_token(&self) -> SecretString {
        format!("{}|{}", self.app.id(), self.app.secret().current().expose_secret()).into()
    }

    pub(super) fn app(&self) -> &dyn App {
        &*self.app
    }

    pub(super) fn http(&self) -> &Http {
        &self.http
    }

    fn http_of(&self, lane: Lane<'_>) -> Http {
        self.http.of(lane.page().map_or("", Id::as_str))
    }

    pub(super) fn request(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        token: &SecretString,
    ) -> reqwest::RequestBuilder {
        let secret = self.app.secret().current().expose_secret();
        let proof = to_hex(&sign_sha256(secret.as_bytes(), token.expose_secret().as_bytes()));
        self.http
            .request(method, self.url(path))
            .query(query)
            .query(&[("appsecret_proof", proof)])
            .bearer_auth(token.expose_secret())
    }

    /// What an answer says; its headers are looked at whatever it is.
    fn read<T: DeserializeOwned>(&self, lane: Lane<'_>, answer: &Answer) -> Result<T, ApiError> {
        self.budgets.note(lane, &answer.headers);
        self.compare_version(answer);
        if answer.status.is_success() && !refusal::is_in(answer) {
            return answer.json();
        }
        let meaning = refusal::meaning(answer, self.http.clock(), &*self.app);
        match &meaning.error {
            // Calls made meanwhile would only lengthen the block. The header knows better than our default how long it is.
            ApiError::RateLimited { retry_after } => {
                let retry_after = match self.budgets.pause_of(lane) {
                    Some(told) if answer.retry_after(self.http.clock()).is_none() => told,
                    _ => *retry_after,
                };
                self.budgets.refused(lane, meaning.limits_all, retry_after);
                Err(ApiError::RateLimited { retry_after })
            }
            _ => Err(meaning.error),
        }
    }

    /// A version that is no longer usable is not refused: calls are answered by another one, in its own way.
    /// Source: <https://developers.facebook.com/docs/graph-api/guides/versioning> (2026).
    pub(super) fn compare_version(&self, answer: &Answer) {
        let (cause, told) = self.app.other_version();
        let Some(answered) = answer.headers.get("facebook-api-version") else { return };
        if answered == self.app.graph_version() {
            self.alerts.heal(cause);
        } else {
            self.alerts.raise(cause, told);
        }
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut whole = vec![self.app.graph_version()];
        whole.extend(path);
        below(self.app.graph_url(), &whole)
    }
}

/// A refusal of the app's own token says nothing about the account that it was used for: the settings are wrong.
#[must_use]
pub fn not_the_accounts(error: ApiError) -> ApiError {
    match error {
        ApiError::TokenRejected { .. } => ApiError::Refused { code: APP_UNKNOWN.to_owned() },
        error => error,
    }
}

/// An address below a base. Bases are http or https, which always have a path.
#[must_use]
pub fn below(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}
