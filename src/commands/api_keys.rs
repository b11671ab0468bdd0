//! `shoptalk keys new`, `list` and `revoke`: the keys of the API for bots.

use serde_json::{Value, json};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{CommandRunner, Line, refuse, say};
use crate::shared::store::api_keys::{ApiKey, NewApiKey, NotMade, Scope};

impl CommandRunner {
    /// Makes a key for the merchant of an account, limited to it, or for a merchant. Tells the key and nothing else, so
    /// that a script can take it.
    pub(super) async fn new_key(
        &self,
        account: Option<(String, String)>,
        merchant: Option<Uuid>,
        (name, scopes, days): (String, Vec<Scope>, Option<u32>),
        lines: &mpsc::Sender<Line>,
    ) -> anyhow::Result<bool> {
        let owner = match (&account, merchant) {
            (Some((channel, account)), _) => {
                self.connections.find(channel, account).await?.map(|connection| connection.merchant)
            }
            (None, Some(merchant)) => (!self.connections.list_of(merchant).await?.is_empty()).then_some(merchant),
            (None, None) => None,
        };
        let Some(owner) = owner else {
            let text = match account {
                Some((channel, account)) => format!("the account {channel}/{account} is not connected"),
                None => "this merchant has no connected account".to_owned(),
            };
            return refuse(lines, text).await;
        };
        let new = NewApiKey { merchant: owner, name, scopes, accounts: account.into_iter().collect(), days };
        match self.api_keys.insert(new, self.clock.now_ms()).await {
            Ok((_, text)) => {
                say(lines, secrecy::ExposeSecret::expose_secret(&text).to_owned()).await;
                Ok(true)
            }
            Err(NotMade::Other(error)) => Err(error),
            Err(refusal) => refuse(lines, refusal.to_string()).await,
        }
    }

    pub(super) async fn list_keys(&self, as_json: bool, lines: &mpsc::Sender<Line>) -> anyhow::Result<bool> {
        let (keys, now_ms) = (self.api_keys.list(), self.clock.now_ms());
        if as_json {
            let keys: Vec<Value> = keys.iter().map(|key| as_value(key, now_ms)).collect();
            say(lines, json!({ "keys": keys }).to_string()).await;
        } else if keys.is_empty() {
            say(lines, "there are no keys; `shoptalk keys new` makes one".to_owned()).await;
        } else {
            for key in &keys {
                say(lines, in_words(key, now_ms)).await;
            }
        }
        Ok(true)
    }

    pub(super) async fn revoke_key(&self, id: &str, lines: &mpsc::Sender<Line>) -> anyhow::Result<bool> {
        // Who copies the beginning of a key out of a list or a program means the key.
        let id = id.strip_prefix("stk_").unwrap_or(id);
        let revoked = self.api_keys.revoke(id, None, self.clock.now_ms()).await?;
        let Some(key) = revoked else {
            return refuse(lines, "there is no key with this id; `shoptalk keys list` shows them".to_owned()).await;
        };
        say(lines, format!("{} ({}) is revoked; its next request is refused", key.id, key.name)).await;
        Ok(true)
    }
}

fn state(key: &ApiKey, now_ms: i64) -> &'static str {
    match (key.revoked_at, key.is_alive(now_ms)) {
        (Some(_), _) => "revoked",
        (None, false) => "expired",
        (None, true) => "alive",
    }
}

fn scopes(key: &ApiKey) -> Vec<&'static str> {
    key.scopes.iter().copied().map(Scope::as_str).collect()
}

fn accounts(key: &ApiKey) -> Vec<String> {
    key.accounts.iter().map(|(channel, account)| format!("{channel}/{account}")).collect()
}

fn time(at_ms: Option<i64>) -> Option<String> {
    let time = chrono::DateTime::from_timestamp_millis(at_ms?)?;
    Some(time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
}

fn as_value(key: &ApiKey, now_ms: i64) -> Value {
    json!({
        "id": key.id, "merchant": key.merchant, "name": key.name, "scopes": scopes(key), "accounts": accounts(key),
        "state": state(key, now_ms), "created_at": time(Some(key.created_at)), "expires_at": time(key.expires_at),
        "last_used_at": time(key.last_used_at), "revoked_at": time(key.revoked_at),
    })
}

fn in_words(key: &ApiKey, now_ms: i64) -> String {
    let accounts = match key.accounts.is_empty() {
        true => format!("merchant {}", key.merchant),
        false => accounts(key).join(","),
    };
    let day = |at: Option<i64>| time(at).map_or_else(|| "never".to_owned(), |time| time[..10].to_owned());
    format!(
        "{}  {}  {}  {accounts}  ends {}  used {}  {}",
        key.id,
        state(key, now_ms),
        scopes(key).join(","),
        day(key.expires_at),
        day(key.last_used_at),
        key.name
    )
}
