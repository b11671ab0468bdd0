//! What a channel tells about itself before it asks Meta: its app, and its words for refusals.

use url::Url;

use crate::shared::languages::Sentence;
use crate::shared::secrets::signature::Secrets;
use crate::shared::settings::{ProblemKind, Settings, is_loopback};

/// Where the Graph API is.
pub const GRAPH_URL: &str = "https://graph.facebook.com";

/// The newest version of the Graph API on 2026-11-21, usable beyond 2028-07.
/// Source: <https://developers.facebook.com/docs/graph-api/changelog/versions>.
const GRAPH_VERSION: &str = "v26.0";

/// The version of the Graph API that the settings say, for every product.
pub fn graph_version(settings: &mut Settings<'_>) -> String {
    settings.parsed_of(
        ProblemKind::Version,
        "FACEBOOK_GRAPH_VERSION",
        GRAPH_VERSION.to_owned(),
        "a version such as v26.0",
        |text| is_version(text).then(|| text.to_owned()),
    )
}

fn is_version(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.strip_prefix('v')
        .and_then(|numbers| numbers.split_once('.'))
        .is_some_and(|(major, minor)| digits(major) && digits(minor))
}

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

    /// Where deliveries go.
    fn webhook_address(&self) -> &Url;

    /// The addresses that were configured to be asked, wherever they lead: our own webhook route, and a Graph API that is not
    /// Meta's.
    fn asked_addresses(&self) -> Vec<Url> {
        let graph = (self.graph_url().as_str().trim_end_matches('/') != GRAPH_URL).then(|| self.graph_url().clone());
        graph.into_iter().chain([self.webhook_address().clone()]).collect()
    }

    /// Whether the Graph API is simulated on this machine.
    fn is_simulated(&self) -> bool {
        is_loopback(self.graph_url().host_str().unwrap_or_default())
    }

    /// The platform's name as people know it, for sentences.
    fn platform(&self) -> &'static str;

    /// The alert that another version answers: its cause, and what the operator is told.
    fn other_version(&self) -> (&'static str, &'static str);

    /// Why a token is dead and what to do, for the merchant; `subcode`: that of error 190.
    fn token_reason(&self, subcode: i64) -> Sentence;

    /// Whether a refusal with this code stops all sending of the account until somebody mends that, beside the codes for
    /// which it is so with every product.
    fn stops_sending(&self, _code: i64) -> bool {
        false
    }

    /// The name of a field that is asked for; `None`: this is none of them.
    fn known_field(&self, name: &str) -> Option<&'static str>;

    /// Why a call is not allowed and what to do, for the merchant.
    fn denial_reason(&self, denial: Denial) -> Sentence;
}
