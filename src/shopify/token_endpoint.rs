//! The token endpoint of a shop: a code, a refresh token or an old token is exchanged for a new pair.
//!
//! Source: <https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/offline-access-tokens> (2026).
//! Nothing of a request or an answer here is ever logged.

use http::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::client::Client;
use super::payload::ShopDomain;
use super::refusal;
use crate::shared::languages::say;
use crate::shared::outgoing::http::{ApiError, Patience};
use crate::shared::outgoing::words::{ANOTHER, known};

/// The code by which the endpoint refuses the app itself: its credentials are wrong, or it was uninstalled.
const INVALID_CLIENT: &str = "invalid_client";

/// The code by which the endpoint says that the app is not installed in the shop. Source: reports of Shopify's libraries (2026).
const APP_NOT_INSTALLED: &str = "app_not_installed";

/// Whether a code refuses the app itself in this shop: its login cannot be renewed, whichever token is shown.
#[must_use]
pub fn refuses_app(code: &str) -> bool {
    [INVALID_CLIENT, APP_NOT_INSTALLED].contains(&code)
}

/// The other codes of the endpoint that may be written down. Source: RFC 6749, 5.2, and what Shopify was met with.
const CODES: [&str; 11] = [
    INVALID_CLIENT,
    APP_NOT_INSTALLED,
    "invalid_grant",
    "invalid_subject_token",
    "invalid_request",
    "invalid_scope",
    "unauthorized_client",
    "unsupported_grant_type",
    "access_denied",
    "application_cannot_be_found",
    "shop_not_permitted",
];

/// The longest token that is taken, in bytes.
const LONGEST_TOKEN: usize = 4096;

/// What the token endpoint gives. Only the access token is indispensable; anything else may be missing, null or of
/// another type than documented without making a good token useless.
#[derive(Deserialize)]
pub struct TokenAnswer {
    /// The access token.
    pub access_token: SecretString,
    /// What was granted, comma separated. A grant to write hides the one to read.
    #[serde(default, deserialize_with = "lenient_text")]
    pub scope: String,
    /// The access token's life in seconds.
    #[serde(default, deserialize_with = "lenient_seconds")]
    pub expires_in: Option<i64>,
    /// The refresh token.
    #[serde(default, deserialize_with = "lenient_secret")]
    pub refresh_token: Option<SecretString>,
    /// The refresh token's life in seconds.
    #[serde(default, deserialize_with = "lenient_seconds")]
    pub refresh_token_expires_in: Option<i64>,
}

impl Client {
    /// Exchanges a code for an expiring offline token and its refresh token. Never repeated: a code works once.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn exchange_code(&self, shop: &ShopDomain, code: &str) -> Result<TokenAnswer, ApiError> {
        self.grant(shop, json!({ "code": code, "expiring": "1" })).await
    }

    /// Exchanges a refresh token for a new pair.
    ///
    /// # Errors
    /// [`ApiError::TokenRejected`] when the token is dead.
    pub async fn refresh(&self, shop: &ShopDomain, refresh_token: &SecretString) -> Result<TokenAnswer, ApiError> {
        let body = json!({ "grant_type": "refresh_token", "refresh_token": refresh_token.expose_secret() });
        // The same refresh token may be sent again: it works until its successor was used.
        self.http.persist(Patience::Person, || self.grant(shop, body.clone())).await
    }

    /// Exchanges a token that does not expire, of the old kind, for an expiring one. The way back is barred: sent once.
    ///
    /// # Errors
    /// [`ApiError::TokenRejected`] when the token is dead.
    pub async fn migrate(&self, shop: &ShopDomain, old: &SecretString) -> Result<TokenAnswer, ApiError> {
        const OFFLINE: &str = "urn:shopify:params:oauth:token-type:offline-access-token";
        let body = json!({
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": old.expose_secret(),
            "subject_token_type": OFFLINE,
            "requested_token_type": OFFLINE,
            "expiring": "1",
        });
        self.grant(shop, body).await
    }

    async fn grant(&self, shop: &ShopDomain, mut body: Value) -> Result<TokenAnswer, ApiError> {
        #[derive(Deserialize)]
        struct Refusal {
            error: String,
        }
        body["client_id"] = json!(self.config.api_key);
        body["client_secret"] = json!(self.config.api_secret.current().expose_secret());
        let url = self.url(shop, &["admin", "oauth", "access_token"])?;
        let request = self.http.request(Method::POST, url).header(http::header::ACCEPT, "application/json").json(&body);
        let answer = self.http.of(shop.as_str()).send(request).await?;
        if answer.status.is_success() {
            let granted: TokenAnswer = answer.json()?;
            return if is_token(&granted.access_token) {
                Ok(granted)
            } else {
                Err(ApiError::Unreadable("the token endpoint answers without a token"))
            };
        }
        let code = answer.json::<Refusal>().map(|refusal| known(&refusal.error, &CODES).unwrap_or(ANOTHER));
        match (answer.status.as_u16(), code) {
            (status @ 500.., _) => Err(ApiError::Unavailable(format!("status {status}"))),
            (429 | 430, _) => Err(self.rate_limited(&answer)),
            (_, Ok("invalid_grant" | "invalid_subject_token")) => {
                Err(ApiError::TokenRejected { reason: say::shopify_token_dead() })
            }
            (_, Ok(code)) => Err(ApiError::Refused { code: code.to_owned() }),
            (status, Err(_)) => {
                let refused = || ApiError::Refused { code: format!("status {status}") };
                Err(refusal::closed(status).unwrap_or_else(refused))
            }
        }
    }
}

/// Whether it can be a token at all: it goes into a header.
fn is_token(token: &SecretString) -> bool {
    let token = token.expose_secret();
    (1..=LONGEST_TOKEN).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic())
}

fn lenient_secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Secret {
        Text(SecretString),
        Other(serde::de::IgnoredAny),
    }
    Ok(match Secret::deserialize(deserializer)? {
        Secret::Text(text) => Some(text).filter(is_token),
        Secret::Other(_) => None,
    })
}

fn lenient_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
        _ => String::new(),
    })
}

/// Seconds as a number or as a text of one. Anything else says nothing.
fn lenient_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    #[allow(clippy::cast_possible_truncation, reason = "a float is cut to what fits, which is long enough")]
    let whole = |number: f64| number.is_finite().then_some(number as i64);
    Ok(match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(whole)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_token_is_taken_whatever_stands_beside_it() {
        let read = |body: Value| serde_json::from_value::<TokenAnswer>(body).expect("a token");
        let odd = read(json!({ "access_token": "a", "scope": null, "expires_in": "3600", "refresh_token": 7,
                               "refresh_token_expires_in": 7_776_000.5 }));
        assert_eq!((odd.expires_in, odd.refresh_token_expires_in), (Some(3600), Some(7_776_000)));
        assert!(odd.refresh_token.is_none() && odd.scope.is_empty());
        let bare = read(json!({ "access_token": "a", "scope": ["read_products", 1], "expires_in": {},
                                "refresh_token": "r", "refresh_token_expires_in": null }));
        assert_eq!((bare.expires_in, bare.refresh_token_expires_in, &*bare.scope), (None, None, "read_products"));
        assert!(bare.refresh_token.is_some());
    }

    #[test]
    fn what_cannot_stand_in_a_header_is_no_token() {
        for bad in ["", " ", "a b", "a\nb", "tök"] {
            assert!(!is_token(&bad.into()), "{bad:?}");
        }
        assert!(is_token(&"shpat_0".into()));
    }
}
