//! What the platform says beside its answers: another API version than the one asked for, and that something in a query
//! will go away. Each is said once per cause, and taken back when it is over.
//!
//! Source: <https://shopify.dev/docs/api/usage/versioning> (2026): a version that has run out is answered with the oldest
//! accessible one, silently but for a header.

use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderMap;

use super::names::NAME;
use crate::shared::outgoing::words::version;
use crate::shared::telemetry::alerts::Alerts;

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
        if let Some(served) = text(headers, "x-shopify-api-version") {
            let known = version(served);
            let cause = format!("{NAME}:api version");
            if known == Some(self.wanted.as_str()) {
                self.alerts.heal(&cause);
            } else {
                let sentence = format!(
                    "Shopify answers with {} where {} was asked for: that version has run out. Please \
                     set SHOPIFY_API_VERSION to a newer one.",
                    known.map_or_else(|| "another API version".to_owned(), |version| format!("API version {version}")),
                    self.wanted
                );
                self.alerts.raise(&cause, &sentence);
            }
            *self.served.lock().unwrap_or_else(PoisonError::into_inner) = known.map(str::to_owned);
        }
        let cause = format!("{NAME}:deprecated:{query}");
        match text(headers, "x-shopify-api-deprecated-reason") {
            Some(_) => {
                let sentence = format!(
                    "The query {query} uses what Shopify will take away after version {}: this service has to be replaced \
                     by a newer one before that.",
                    self.wanted
                );
                self.alerts.raise(&cause, &sentence);
            }
            None => self.alerts.heal(&cause),
        }
    }
}

/// A header that says something.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let value = headers.get(name)?.to_str().ok()?.trim();
    (!value.is_empty()).then_some(value)
}
