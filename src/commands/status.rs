//! `shoptalk status`: how the running service is doing, at a glance.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::table::table;
use super::{CommandRunner, Line, say};
use crate::shared::store::{Connection, Consumer, Failure, Totals, Work};
use crate::shared::telemetry::alerts::{Alert, by_sentence};
use crate::shared::times::utc_text;

/// How often it is shown again.
const AGAIN: Duration = Duration::from_secs(2);

/// What a terminal does with this: it clears itself and begins at its top.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J";

/// How the status is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusWanted {
    /// As one line of JSON.
    pub is_json: bool,
    /// Again and again, until nobody listens any more.
    pub watches: bool,
    /// Whether a terminal shows it, which is cleared before each look.
    pub clears: bool,
}

/// What is known at one moment.
struct Look {
    now_ms: i64,
    connections: Vec<Connection>,
    totals: Totals,
    consumers: Vec<Consumer>,
    failures: Vec<Failure>,
    alerts: Vec<Alert>,
}

impl CommandRunner {
    /// Tells how the service is doing. Good: nothing needs anybody.
    pub(super) async fn show_status(&self, wanted: StatusWanted, lines: &mpsc::Sender<Line>) -> anyhow::Result<bool> {
        loop {
            let look = self.look().await?;
            let text = match wanted.is_json {
                true => look.json().to_string(),
                false => look.text(),
            };
            let clear = if wanted.clears && wanted.watches { CLEAR } else { "" };
            say(lines, format!("{clear}{text}")).await;
            if !wanted.watches {
                return Ok(look.is_well());
            }
            tokio::select! {
                () = lines.closed() => return Ok(true),
                () = tokio::time::sleep(AGAIN) => {}
            }
        }
    }

    async fn look(&self) -> anyhow::Result<Look> {
        Ok(Look {
            now_ms: self.clock.now_ms(),
            connections: self.connections.list().await?,
            totals: self.journal.totals().await?,
            consumers: self.journal.list_consumers().await?,
            failures: self.journal.list_failures().await?,
            alerts: self.alerts.list(),
        })
    }
}

impl Look {
    fn is_well(&self) -> bool {
        self.alerts.is_empty() && self.totals.given_up == 0
    }

    fn json(&self) -> Value {
        let connections: Vec<Value> = self
            .connections
            .iter()
            .map(|one| {
                json!({ "channel": one.channel, "account": one.account, "name": one.name, "status": one.told_status(),
                    "status_reason": one.told_reason(), "connected_at": one.connected_at, "last_read_at": one.last_read_at })
            })
            .collect();
        json!({ "at": self.now_ms, "connections": connections, "journal": self.totals, "consumers": self.consumers,
            "failures": self.failures, "alerts": self.alerts })
    }

    fn text(&self) -> String {
        let mut lines = vec![format!("shoptalk at {} UTC", utc_text(self.now_ms)), String::new()];
        for (sentence, alike) in by_sentence(self.alerts.clone()) {
            let times = if alike.len() > 1 { format!("({} times) ", alike.len()) } else { String::new() };
            lines.push(format!("! {times}{sentence}"));
        }
        if !self.alerts.is_empty() {
            lines.push(String::new());
        }
        let accounts: Vec<Vec<String>> = self.connections.iter().map(account).collect();
        lines.extend(table(&["ACCOUNT", "NAME", "STATE", "LAST WHOLE READ (UTC)", "WHY"], &accounts));
        lines.push(String::new());
        let consumers: Vec<Vec<String>> = self
            .consumers
            .iter()
            .map(|one| vec![one.name.clone(), one.cursor.to_string(), one.behind.to_string()])
            .collect();
        lines.extend(table(&["WORKER", "HAS DONE UP TO", "BEHIND"], &consumers));
        let Totals { events, set_aside, given_up, retrying, .. } = &self.totals;
        lines.push(String::new());
        lines
            .push(format!("{events} events, {set_aside} set apart, {retrying} being tried again, {given_up} given up"));
        if !self.failures.is_empty() {
            let failures: Vec<Vec<String>> = self.failures.iter().map(failure).collect();
            lines.push(String::new());
            lines.extend(table(&["FAILED", "ACCOUNT", "TRIES", "STATE", "WHY"], &failures));
        }
        lines.join("\n")
    }
}

fn account(one: &Connection) -> Vec<String> {
    vec![
        format!("{}/{}", one.channel, one.account),
        one.name.clone(),
        one.told_status().to_owned(),
        one.last_read_at.map_or_else(|| "never".to_owned(), utc_text),
        one.told_reason().map_or_else(|| "–".to_owned(), |reason| reason.to_string()),
    ]
}

fn failure(one: &Failure) -> Vec<String> {
    let work = match one.work {
        Work::Conversation => "conversation",
        Work::Read => "read of",
    };
    let object = if one.object.is_empty() { "the whole account" } else { &one.object };
    vec![
        format!("{work} {object}"),
        format!("{}/{}", one.channel, one.account),
        one.attempts.to_string(),
        if one.is_given_up { "given up" } else { "is tried again" }.to_owned(),
        one.reason.clone().unwrap_or_else(|| "–".to_owned()),
    ]
}
