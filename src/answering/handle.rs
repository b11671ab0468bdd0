//! What everything about answering is given.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use super::products::Products;
use super::push::Receivers;
use super::settings::AnsweringSettings;
use super::state::{AtTime, OWNER_LOST_MS};
use super::uploads::Uploads;
use crate::shared::channel::about::ItemMeaning;
use crate::shared::channel::context::Shared;
use crate::shared::channel::dialogue::{Dialogue, Fault};
use crate::shared::channel::meaning::Meaning;
use crate::shared::store::{Connection, FeedRules, ReadMeaning, Standing, Status};

/// Why an account cannot send: the word in the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unavailable {
    /// What is wrong with it has to be mended.
    Fault(Fault),
    /// The channel is off, or nobody can be answered there.
    Off,
}

impl Unavailable {
    /// The word in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fault(fault) => fault.as_str(),
            Self::Off => "off",
        }
    }
}

/// Answering people on every channel. Cheap to clone.
#[derive(Clone)]
pub struct Answering {
    /// What the channels share.
    pub shared: Shared,
    /// How each channel takes part in conversations, by its name.
    pub dialogues: Arc<HashMap<&'static str, Arc<dyn Dialogue>>>,
    /// What items mean of each channel that has conversations, also where it is off, by its name.
    pub meanings: Arc<HashMap<&'static str, ItemMeaning>>,
    /// The settings.
    pub settings: Arc<AnsweringSettings>,
    /// Where products are looked for.
    pub products: Arc<dyn Products>,
    /// Where merchants want to be told of events.
    pub receivers: Receivers,
    /// Media that were uploaded to be sent.
    pub uploads: Uploads,
}

impl Answering {
    /// How this channel takes part in conversations; `None`: it is off, or nobody can be answered there.
    #[must_use]
    pub fn dialogue(&self, channel: &str) -> Option<&Arc<dyn Dialogue>> {
        self.dialogues.get(channel)
    }

    /// The connection of an account of this merchant; `None`: it is unknown, or another merchant's.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_connection(
        &self,
        merchant: Uuid,
        channel: &str,
        account: &str,
    ) -> anyhow::Result<Option<Connection>> {
        let connection = self.shared.connections.find(channel, account).await?;
        Ok(connection.filter(|connection| connection.merchant == merchant))
    }

    /// Why this account cannot send; `None`: it can.
    #[must_use]
    pub fn unavailable(&self, connection: &Connection) -> Option<Unavailable> {
        match self.dialogue(&connection.channel) {
            None => Some(Unavailable::Off),
            Some(_) if connection.status == Status::NeedsReconnect => Some(Unavailable::Fault(Fault::NeedsReconnect)),
            Some(dialogue) if !dialogue.may_send(&connection.scopes) => Some(Unavailable::Fault(Fault::Incomplete)),
            Some(_) => connection.block.as_ref().map(|block| Unavailable::Fault(block.fault)),
        }
    }

    /// A conversation of this account as it stands now.
    #[must_use]
    pub fn now<'a>(&'a self, connection: &Connection, standing: &'a Standing) -> AtTime<'a> {
        AtTime {
            standing,
            profile: self.dialogue(&connection.channel).map(|dialogue| dialogue.profile()),
            is_available: self.unavailable(connection).is_none(),
            now_ms: self.shared.clock.now_ms(),
        }
    }

    /// Reads what events mean.
    #[must_use]
    pub fn meaning(&self) -> Arc<ReadMeaning> {
        let (dialogues, meanings) = (Arc::clone(&self.dialogues), Arc::clone(&self.meanings));
        Arc::new(move |channel, account, item| match dialogues.get(channel) {
            Some(dialogue) => (dialogue.meaning(account, item), dialogue.profile().automation_within),
            None => (meanings.get(channel).map_or(Meaning::Unreadable, |meaning| meaning(account, item)), None),
        })
    }

    /// By which rules events are taken into the feed.
    #[must_use]
    pub fn feed_rules(&self) -> FeedRules {
        let settle_ms = i64::try_from(self.settings.settle.as_millis()).unwrap_or(i64::MAX);
        FeedRules { takeovers: self.settings.takeovers, settle_ms, lost_ms: OWNER_LOST_MS }
    }
}
