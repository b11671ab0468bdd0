//! Accounts as people name them.

use serde::{Deserialize, Serialize};

use super::Connection;

/// An account as a person names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedAccount {
    /// Its channel, where it is said.
    pub channel: Option<String>,
    /// Its id; of one that is a domain, the first part is enough.
    pub id: String,
}

impl From<&str> for NamedAccount {
    fn from(text: &str) -> Self {
        let (channel, id) = text.split_once('/').map_or((None, text), |(channel, id)| (Some(channel), id));
        Self { channel: channel.map(str::to_owned), id: id.to_owned() }
    }
}

impl NamedAccount {
    /// Whether this account is meant.
    #[must_use]
    pub fn fits(&self, connection: &Connection) -> bool {
        let is_short = || connection.account.split_once('.').is_some_and(|(name, _)| name == self.id);
        self.channel.as_ref().is_none_or(|channel| connection.channel == *channel)
            && (connection.account == self.id || is_short())
    }
}
