//! Tells bots when an account is doing better or worse.

use rusqlite::Connection;
use serde_json::json;

use super::insert::insert_item;
use super::item::ItemKind;
use super::numbering::NewItem;
use crate::shared::journal::{Journal, JournalError};
use crate::shared::store::account_cursors::{find_account_cursor, save_account_cursor};

/// Under which name it is kept what bots know of an account.
const TOLD: &str = "feed:status";

/// How an account is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountStatus {
    /// The merchant.
    pub merchant: String,
    /// The channel.
    pub channel: String,
    /// The account.
    pub account: String,
    /// The word in the API.
    pub status: &'static str,
    /// A sentence for the merchant, where it is not doing well.
    pub why: Option<String>,
}

impl AccountStatus {
    fn content(&self) -> String {
        json!({ "status": self.status, "why": self.why }).to_string()
    }
}

impl Journal {
    /// Tells of each of these accounts that is doing otherwise than when this was asked last. How it did when it was
    /// connected is no news. Gives back whether nothing is left to be told: of accounts whose events do not flow yet nothing
    /// is kept.
    ///
    /// # Errors
    /// When the journal cannot be used.
    pub async fn tell_statuses(&self, accounts: Vec<AccountStatus>) -> Result<bool, JournalError> {
        let changed: Vec<AccountStatus> = self
            .read(move |connection| {
                let mut changed = Vec::new();
                for account in accounts {
                    if known(connection, &account)?.as_ref() != Some(&account.content()) {
                        changed.push(account);
                    }
                }
                Ok(changed)
            })
            .await?;
        if changed.is_empty() {
            return Ok(true);
        }
        let (now_ms, connected) = (self.clock().now_ms(), self.connected_accounts().clone());
        self.write(move |connection| {
            // Of one that was disconnected meanwhile nothing is kept: it may be erased.
            let (still, others): (Vec<_>, Vec<_>) =
                changed.iter().partition(|one| connected.contains(&one.channel, &one.account));
            still.into_iter().try_for_each(|account| tell(connection, account, now_ms))?;
            Ok(others.is_empty())
        })
        .await
    }
}

fn known(connection: &Connection, of: &AccountStatus) -> rusqlite::Result<Option<String>> {
    find_account_cursor(connection, &of.channel, &of.account, TOLD)
}

fn tell(connection: &Connection, of: &AccountStatus, now_ms: i64) -> rusqlite::Result<()> {
    let content = of.content();
    let before = known(connection, of)?;
    if before.as_ref() == Some(&content) {
        return Ok(());
    }
    save_account_cursor(connection, &of.channel, &of.account, TOLD, &content)?;
    if before.is_none() {
        return Ok(());
    }
    let item = NewItem {
        merchant: &of.merchant,
        kind: ItemKind::Account,
        channel: &of.channel,
        account: &of.account,
        person: None,
        seq: None,
        key: None,
        at: now_ms,
        received_at: now_ms,
        content: Some(content),
    };
    insert_item(connection, &item, now_ms)
}
