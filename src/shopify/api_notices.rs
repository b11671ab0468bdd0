//! What the platform says beside its answers: another API version than the one asked for, and that something in a query
//! will go away. Each is said once per cause, and taken back when it is over.
//!
//! Source: <https://shopify.dev/docs/api/usage/versioning> (2026): a version that has run out is answered with the oldest
//! accessible one, silently but for a header.

use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderMap;

use super::names::NAME;
use crate::shared::telemetry::alerts::Alerts;

/// No more of a reason than this is kept, in characters.
const LONGEST_REASON: usize = 300;

/// Notices. Cheap to clone.
#[derive(Clone)]
pub struct Notices {
    alerts: Alerts,
    wanted: String,
    served: Arc<Mutex<Option<String>>>,
}

impl Notices {
    /// Compares answers with this version.
    #[must_use]
    pub fn new(alerts: Alerts, wanted: String) -> Self {
        Self { alerts, wanted, served: Arc::default() }
    }

    /// The version of the last answer.
    #[must_use]
    pub fn served_version(&self) -> Option<String> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks at the headers of the answer to this query.
    pub fn note(&self, query: &str, headers: &HeaderMap) {
        if let Some(served) = text(headers, "x-shopify-api-version", 20) {
            let cause = format!("{NAME}:api version");
            if served == self.wanted {
                self.alerts.heal(&cause);
            } else {
                let sentence = format!(
                    "Shopify answers with API version {served} where {} was asked for: that version has run out. Please \
                     set SHOPIFY_API_VERSION to a newer one.",
                    self.wanted
                );
                self.alerts.raise(&cause, &sentence);
            }
            *self.served.lock().unwrap_or_else(PoisonError::into_inner) = Some(served);
        }
        let cause = format!("{NAME}:deprecated:{query}");
        match text(headers, "x-shopify-api-deprecated-reason", LONGEST_REASON) {
            Some(reason) => {
                let sentence = format!("The query {query} uses what Shopify will take away: {reason}");
                self.alerts.raise(&cause, &sentence);
            }
            None => self.alerts.heal(&cause),
        }
    }
}

/// A header as text without control characters, cut to this length.
fn text(headers: &HeaderMap, name: &str, longest: usize) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?.trim();
    (!value.is_empty()).then(|| value.chars().filter(|c| !c.is_control()).take(longest).collect())
}
