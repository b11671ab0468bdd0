//! What a channel tells about itself before it asks Meta: its app, and its words for refusals.

use url::Url;

use crate::shared::secrets::signature::Secrets;

/// Why a call is not allowed, though its token works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// The app or the account is blocked for a while, for breaking rules: code 368.
    Blocked,
    /// The account may not send for a while: code 10, subcode 1893063.
    Restricted,
    /// Anything else.
    NotAllowed {
        /// The platform's code.
        code: i64,
        /// The permission that is missing, where it is told.
        permission: Option<&'static str>,
    },
}

/// The app that calls, and what its channel says where the platform refuses.
pub trait App: Send + Sync {
    /// The app's id.
    fn id(&self) -> &str;

    /// The app's secret.
    fn secret(&self) -> &Secrets;

    /// Where the Graph API is.
    fn graph_url(&self) -> &Url;

    /// The version of the Graph API: `v26.0`.
    fn graph_version(&self) -> &str;

    /// The alert that another version answers: its cause, and what the operator is told.
    fn other_version(&self) -> (&'static str, &'static str);

    /// Why a token is dead and what to do, for the merchant; `subcode`: that of error 190.
    fn token_reason(&self, subcode: i64) -> &'static str;

    /// Whether a refusal with this code stops all sending of the account until somebody mends that, beside the codes for
    /// which it is so with every product.
    fn stops_sending(&self, _code: i64) -> bool {
        false
    }

    /// The name of a field that is asked for; `None`: this is none of them.
    fn known_field(&self, name: &str) -> Option<&'static str>;

    /// Why a call is not allowed and what to do, for the merchant.
    fn denial_reason(&self, denial: Denial) -> String;
}
