//! Connections as they were read last: every answer and every event asks for one, and they hardly ever change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use super::connection::Connection;
use crate::shared::database::db::DbState;
use crate::shared::journal::Account;

/// How many accounts and merchants are remembered.
const REMEMBERED: usize = 10_000;

/// What was read while the database was in one state. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct KnownConnections(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    state: Option<DbState>,
    accounts: HashMap<Account, Connection>,
    merchants: HashMap<Uuid, Vec<Connection>>,
}

impl KnownConnections {
    /// The connection of an account, if it was read in this state.
    pub fn find(&self, state: DbState, account: &Account) -> Option<Connection> {
        self.known(state).accounts.get(account).cloned()
    }

    /// The connections of a merchant, if they were read in this state.
    pub fn list_of(&self, state: DbState, merchant: Uuid) -> Option<Vec<Connection>> {
        self.known(state).merchants.get(&merchant).cloned()
    }

    /// Remembers a connection. `state`: how the database was before it was read.
    pub fn keep(&self, state: DbState, connection: &Connection) {
        let account = (connection.channel.clone(), connection.account.clone());
        let mut known = self.known(state);
        if known.accounts.len() < REMEMBERED {
            known.accounts.insert(account, connection.clone());
        }
    }

    /// Remembers the connections of a merchant, as [`KnownConnections::keep`].
    pub fn keep_list(&self, state: DbState, merchant: Uuid, connections: &[Connection]) {
        let mut known = self.known(state);
        if known.merchants.len() < REMEMBERED {
            known.merchants.insert(merchant, connections.to_vec());
        }
    }

    /// What was read in this state; what was read in another one is forgotten.
    fn known(&self, state: DbState) -> MutexGuard<'_, Known> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.state != Some(state) {
            *known = Known { state: Some(state), ..Known::default() };
        }
        known
    }
}
