//! What the Graph API says about a token: `debug_token`.
//!
//! Source: <https://developers.facebook.com/docs/facebook-login/guides/access-tokens/debugging> (2026).

use http::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::budget::Lane;
use super::graph::{Graph, not_the_accounts};
use super::id::LooseText;
use crate::shared::outgoing::http::{ApiError, Patience};

/// What the platform says about a token.
#[derive(Deserialize)]
pub struct TokenInfo {
    /// Whose app it belongs to.
    #[serde(default)]
    pub app_id: LooseText,
    /// Whether it works.
    #[serde(default)]
    pub is_valid: bool,
    /// The app-scoped id of the person.
    #[serde(default)]
    pub user_id: LooseText,
    /// What was granted; `None`: not told.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    /// For which Pages it was granted.
    #[serde(default)]
    pub granular_scopes: Vec<GranularScope>,
    /// When the token ends, in seconds since 1970; 0: never.
    #[serde(default)]
    pub expires_at: Option<i64>,
    /// When the person must log in again for their data to be read on, in seconds since 1970.
    #[serde(default)]
    pub data_access_expires_at: Option<i64>,
    /// Why it does not work.
    #[serde(default)]
    pub error: Option<TokenError>,
}

/// A permission and the Pages that the person ticked for it.
#[derive(Deserialize)]
pub struct GranularScope {
    /// The permission.
    #[serde(default)]
    pub scope: String,
    /// The ids of the Pages; absent: all of them.
    #[serde(default)]
    pub target_ids: Option<Vec<LooseText>>,
}

/// Why a token does not work.
#[derive(Deserialize)]
pub struct TokenError {
    /// The subcode of error 190.
    #[serde(default)]
    pub subcode: i64,
}

/// What the platform says about a token. Its parameter is the only place for the token: the documents know no other.
///
/// # Errors
/// [`ApiError`].
pub async fn debug_token(graph: &Graph, patience: Patience, token: &SecretString) -> Result<TokenInfo, ApiError> {
    debug_token_as(graph, patience, token, &graph.app_token()).await.map_err(not_the_accounts)
}

/// The same, asked with this token: that of the app, or the token itself, which may ask about itself.
///
/// # Errors
/// [`ApiError`].
pub async fn debug_token_as(
    graph: &Graph,
    patience: Patience,
    token: &SecretString,
    asking: &SecretString,
) -> Result<TokenInfo, ApiError> {
    #[derive(Deserialize)]
    struct Wrapped {
        data: TokenInfo,
    }
    let query = [("input_token", token.expose_secret())];
    Ok(graph.call::<Wrapped>(patience, Lane::App, Method::GET, &["debug_token"], &query, asking).await?.data)
}
