//! Tells the operator's receiver of alerts: once when a cause appears and once when it is gone, as signed posts that are
//! tried until they are taken, across restarts.
//!
//! Source: Standard Webhooks, <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md> (2026).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::Url;
use zeroize::Zeroizing;

use super::{Rest, Worker};
use crate::shared::channel::context::Shared;
use crate::shared::channel::job::BoxFuture;
use crate::shared::outgoing::signed_post;
use crate::shared::retry::Doubling;
use crate::shared::store::Status;
use crate::shared::store::alert_posts::{AlertPosts, Telling};
use crate::shared::telemetry::alerts::Cause;

/// How often it is looked for alerts to be told.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The pauses between the tries of a post.
const PAUSES: Doubling = Doubling::new(Duration::from_secs(5), Duration::from_secs(60 * 60));

/// An alert of an earlier run that nobody raised again for so long is gone, in milliseconds: the slowest look at anything is
/// made every hour.
const FORGET_MS: i64 = 2 * 60 * 60 * 1000;

/// About an account: its merchant has to log in again.
const NEEDS_RECONNECT: &str = "needs_reconnect";

/// About an account: some of its work was given up.
const PARKED: &str = "parked";

/// Who is told.
#[derive(Debug, Clone)]
pub struct Receiver {
    /// Where posts go.
    pub url: Url,
    /// What signs them: `whsec_` and base64, or any other text as it stands.
    pub secret: SecretString,
}

impl Receiver {
    /// The bytes of a secret.
    ///
    /// # Errors
    /// When it begins with `whsec_` and what follows is no base64.
    pub fn key(secret: &SecretString) -> Result<Zeroizing<Vec<u8>>, &'static str> {
        let text = secret.expose_secret();
        match text.strip_prefix("whsec_") {
            Some(encoded) => STANDARD
                .decode(encoded)
                .map(Zeroizing::new)
                .map_err(|_| "must be base64 after whsec_, or must not begin with whsec_"),
            None => Ok(Zeroizing::new(text.as_bytes().to_vec())),
        }
    }
}

/// Raises the alerts that follow from what is stored, and tells of all.
pub struct AlertPoster {
    shared: Shared,
    table: AlertPosts,
    receiver: Option<(Url, Zeroizing<Vec<u8>>)>,
    /// Where an operator sees all of it, if there is such a page.
    page: Option<Url>,
}

impl AlertPoster {
    /// Goes on from what the table holds: those alerts are open until it is known better. `page`: where an operator sees all of
    /// it.
    ///
    /// # Errors
    /// When the table cannot be read or the secret is none.
    pub async fn open(
        shared: Shared,
        table: AlertPosts,
        receiver: Option<Receiver>,
        page: Option<Url>,
    ) -> anyhow::Result<Arc<Self>> {
        let receiver = match receiver {
            Some(receiver) => {
                let key = Receiver::key(&receiver.secret).map_err(|problem| anyhow::anyhow!(problem))?;
                let told = table.list().await?.into_iter().filter(|telling| telling.healed_at.is_none());
                shared.alerts.restore(told.map(|telling| telling.alert));
                Some((receiver.url, key))
            }
            None => None,
        };
        Ok(Arc::new(Self { shared, table, receiver, page }))
    }

    /// Looks once, and posts what is due.
    ///
    /// # Errors
    /// When a database fails. A receiver that does not answer is not an error; the post is tried again.
    pub async fn look_and_post(&self) -> anyhow::Result<()> {
        let now_ms = self.shared.clock.now_ms();
        self.look().await?;
        self.shared.alerts.forget_restored(now_ms - FORGET_MS);
        let Some((url, key)) = &self.receiver else { return Ok(()) };
        let open = self.shared.alerts.list_with_certainty();
        let certain: BTreeSet<String> =
            open.iter().filter(|(_, sure)| *sure).map(|(alert, _)| alert.cause.clone()).collect();
        self.table.note(open, now_ms).await?;
        for telling in self.table.list().await? {
            // A cause of an earlier run is told of once it is known to be still there.
            let is_sure = telling.healed_at.is_some() || certain.contains(&telling.alert.cause);
            if is_sure && telling.next_at.is_some_and(|at| at <= now_ms) {
                self.post(url, key, telling, now_ms).await?;
            }
        }
        Ok(())
    }

    /// Accounts that need a login, and work that was given up.
    async fn look(&self) -> anyhow::Result<()> {
        let mut found: BTreeMap<(String, String, &'static str), String> = BTreeMap::new();
        for connection in self.shared.connections.list().await? {
            if connection.status == Status::NeedsReconnect {
                found.insert(
                    (connection.channel, connection.account, NEEDS_RECONNECT),
                    "The platform refuses this account's token: its merchant has to log in again. Webhooks are still taken in."
                        .to_owned(),
                );
            }
        }
        let mut given_up: BTreeMap<(String, String), usize> = BTreeMap::new();
        for failure in self.shared.journal.list_failures().await?.into_iter().filter(|failure| failure.is_given_up) {
            *given_up.entry((failure.channel, failure.account)).or_default() += 1;
        }
        for ((channel, account), count) in given_up {
            found.insert(
                (channel, account, PARKED),
                format!(
                    "{count} conversations or reads of this account were given up after several tries. See /operator."
                ),
            );
        }
        self.shared.alerts.heal_all(|of| {
            [NEEDS_RECONNECT, PARKED].contains(&of.kind.as_str())
                && !found.keys().any(|(channel, account, kind)| {
                    (channel, account, *kind) == (&of.channel, &of.account, of.kind.as_str())
                })
        });
        for ((channel, account, kind), sentence) in &found {
            self.shared.alerts.raise(Cause::of_account(channel, account, kind), sentence);
        }
        Ok(())
    }

    async fn post(&self, url: &Url, key: &[u8], telling: Telling, now_ms: i64) -> anyhow::Result<()> {
        let pause = PAUSES.after_ms(telling.attempts.into());
        // Noted before: after a kill in between, the receiver may know of it.
        self.table.note_try(telling.id.clone(), now_ms + pause).await?;
        let posted =
            signed_post::post(&self.shared.http, url, &telling.id, body(&telling, self.page.as_ref()), &[key]).await;
        let problem = match posted {
            Ok(answer) if answer.status.is_success() => {
                self.shared.metrics.count_alert_post("sent");
                return self.table.note_told(telling.id).await;
            }
            Ok(answer) => format!("it answered {}", answer.status.as_u16()),
            Err(error) => error.to_string(),
        };
        self.shared.metrics.count_alert_post("failed");
        tracing::warn!(problem, next_in_ms = pause, "an alert could not be posted; it is tried again");
        Ok(())
    }
}

impl Worker for AlertPoster {
    fn name(&self) -> &'static str {
        "alerts"
    }

    fn when_failing(&self) -> &'static str {
        "Accounts that need a login are not looked for, and no alert is posted to the receiver: a database cannot be used. \
         The page /operator shows the other alerts; the log says why."
    }

    fn speaks(&self) -> bool {
        true
    }

    fn step(&self) -> BoxFuture<'_, anyhow::Result<bool>> {
        Box::pin(async {
            self.look_and_post().await?;
            Ok(false)
        })
    }

    fn rest(&self) -> Rest {
        Rest::For(LOOK_EVERY)
    }
}

fn body(telling: &Telling, page: Option<&Url>) -> String {
    let time = |ms| DateTime::from_timestamp_millis(ms).map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true));
    let alert = &telling.alert;
    let kind = if telling.healed_at.is_some() { "alert.healed" } else { "alert.raised" };
    let of = alert.account.as_ref();
    json!({
        "type": kind,
        "timestamp": time(telling.healed_at.unwrap_or(alert.since)),
        "data": {
            "cause": alert.cause,
            "sentence": alert.sentence,
            "since": time(alert.since),
            "channel": of.map(|of| &of.channel),
            "account": of.map(|of| &of.account),
            // What is wrong, in a word for programs; without an account it is the whole cause.
            "reason": of.map_or(&alert.cause, |of| &of.kind),
            "link": page.map(Url::as_str),
        },
    })
    .to_string()
}
