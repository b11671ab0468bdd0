//! Accounts of which nothing is sent for a while, because the platform said that they cannot send: whoever wants to send is
//! told so meanwhile.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::shared::journal::Account;
use crate::shared::store::Connection;

/// How long an account is left alone that cannot send, unless somebody logs in, in milliseconds.
const BLOCKED_MS: i64 = 5 * 60 * 1000;

/// Why nothing of an account is sent at the moment.
#[derive(Debug, Clone, Copy)]
struct Block {
    /// Not tried again before this time, in milliseconds since 1970.
    until: i64,
    /// The login with which it happened: another one ends it.
    connected_at: i64,
}

/// Accounts that cannot send. A start knows of none: it is tried, as after a look. Cheap to clone.
#[derive(Clone, Default)]
pub struct Blocks(Arc<Mutex<HashMap<Account, Block>>>);

impl Blocks {
    /// Nothing of this account is sent for a while.
    pub fn begin(&self, connection: &Connection, now_ms: i64) {
        let block = Block { until: now_ms.saturating_add(BLOCKED_MS), connected_at: connection.connected_at };
        self.with(|blocks| blocks.insert(account_of(connection), block));
    }

    /// It can send again.
    pub fn end(&self, connection: &Connection) {
        self.with(|blocks| blocks.remove(&account_of(connection)));
    }

    /// Whether this login of the account cannot send, as far as was found out.
    #[must_use]
    pub fn holds(&self, connection: &Connection, now_ms: i64) -> bool {
        let block = self.with(|blocks| blocks.get(&account_of(connection)).copied());
        block.is_some_and(|block| now_ms < block.until && block.connected_at == connection.connected_at)
    }

    fn with<T>(&self, run: impl FnOnce(&mut HashMap<Account, Block>) -> T) -> T {
        run(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn account_of(connection: &Connection) -> Account {
    (connection.channel.clone(), connection.account.clone())
}
