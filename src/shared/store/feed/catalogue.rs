//! Tells bots which products changed: the ids, many in one item. What they are now, a search tells.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::json;

use super::insert::insert_item;
use super::item::ItemKind;
use super::numbering::NewItem;
use crate::shared::channel::product::ProductSource;
use crate::shared::journal::{Account, Journal, JournalError, cursor_position, save_cursor};
use crate::shared::store::record_changes::{TOLD_TO_BOTS, forget_done};

/// How many changes one step takes, and so how many products one item names at most: with them an item has some 20 KiB, and
/// the step is a write transaction of a few milliseconds.
const STEP: i64 = 1_000;

/// How products are known, by channel.
pub type ProductSources = Vec<(&'static str, &'static ProductSource)>;

impl Journal {
    /// The number of the newest change of a record of which bots have not been told; `None`: there is none.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn newest_untold_change(&self) -> Result<Option<i64>, JournalError> {
        self.read(|connection| {
            let told = cursor_position(connection, TOLD_TO_BOTS)?;
            connection
                .prepare_cached("SELECT max(seq) FROM record_changes WHERE seq > ?1")?
                .query_row([told], |row| row.get(0))
                .optional()
                .map(Option::flatten)
        })
        .await
    }

    /// Tells bots of the next changes of products, up to this one. Gives whether there are more. `owners`: the merchants of
    /// the accounts that are connected. Items and the place up to which bots were told are written together.
    ///
    /// # Errors
    /// When the journal cannot be written; then nothing was told.
    pub async fn tell_product_changes(
        &self,
        until: i64,
        owners: HashMap<Account, String>,
        sources: ProductSources,
    ) -> Result<bool, JournalError> {
        let (now_ms, connected) = (self.clock().now_ms(), self.connected_accounts().clone());
        self.write(move |connection| {
            let told = cursor_position(connection, TOLD_TO_BOTS)?;
            let changes = list(connection, told, until)?;
            let is_last = i64::try_from(changes.len()).unwrap_or(i64::MAX) < STEP;
            let last = changes.last().filter(|_| !is_last).map_or(until.max(told), |change| change.seq);
            let mut products: BTreeMap<Account, Vec<String>> = BTreeMap::new();
            for change in changes {
                let source = sources.iter().find(|(channel, _)| *channel == change.account.0);
                let Some((_, source)) = source.filter(|(_, source)| source.kind == change.kind) else { continue };
                // Of an account that was disconnected meanwhile nothing is kept: it may be erased.
                if connected.contains(&change.account.0, &change.account.1) {
                    products.entry(change.account).or_default().push((source.product_id)(&change.id));
                }
            }
            for (account, products) in products {
                if let Some(merchant) = owners.get(&account) {
                    tell(connection, merchant, &account, &products, now_ms)?;
                }
            }
            save_cursor(connection, TOLD_TO_BOTS, &last.to_string())?;
            forget_done(connection)?;
            Ok(!is_last)
        })
        .await
    }
}

struct Changed {
    seq: i64,
    account: Account,
    kind: String,
    id: String,
}

fn list(connection: &Connection, after: i64, until: i64) -> rusqlite::Result<Vec<Changed>> {
    connection
        .prepare_cached(
            "SELECT seq, channel, account, kind, id FROM record_changes WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3",
        )?
        .query_map(params![after, until, STEP], |row| {
            let account = (row.get(1)?, row.get(2)?);
            Ok(Changed { seq: row.get(0)?, account, kind: row.get(3)?, id: row.get(4)? })
        })?
        .collect()
}

fn tell(
    connection: &Connection,
    merchant: &str,
    (channel, account): &Account,
    products: &[String],
    now_ms: i64,
) -> rusqlite::Result<()> {
    let item = NewItem {
        merchant,
        kind: ItemKind::Catalogue,
        channel,
        account,
        person: None,
        seq: None,
        key: None,
        at: now_ms,
        received_at: now_ms,
        content: Some(json!({ "products": products }).to_string()),
    };
    insert_item(connection, &item, now_ms)
}
