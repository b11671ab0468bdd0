//! Accounts that the settings name → connections of the merchant to whom they belong.
//!
//! Until it is known whose they are, their events are kept and not handed on; the connection releases them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use super::{Rest, Worker};
use crate::shared::channel::configured::{Configured, ConfiguredAccount};
use crate::shared::channel::context::Shared;
use crate::shared::channel::job::BoxFuture;
use crate::shared::channel::read_request::ReadRequest;
use crate::shared::store::{Connection, NewConnection};

/// How often it is looked whether a merchant has come: a look reads one small table.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often the platform is asked which account it is, in milliseconds; and how soon again where it did not answer.
const ASK_EVERY_MS: i64 = 60 * 60 * 1000;
const ASK_AGAIN_MS: i64 = 30 * 1000;

/// To whom accounts belong that the settings name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelsOwner {
    /// The merchant with this id.
    Merchant(Uuid),
    /// The merchant who connected this account: a shop's domain.
    WhoConnected(String),
}

impl ChannelsOwner {
    /// Reads the setting: a UUID, or the domain of a shop.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(merchant) = text.parse() {
            return Some(Self::Merchant(merchant));
        }
        let is_domain = text.contains('.')
            && text
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
        is_domain.then(|| Self::WhoConnected(text.to_owned()))
    }
}

/// The merchant to whom accounts of the settings belong; `None`: it is not known yet. `is_named`: whether the settings name
/// the account of a channel.
#[must_use]
pub fn find_owner(
    owner: Option<&ChannelsOwner>,
    connections: &[Connection],
    is_named: impl Fn(&str) -> bool,
) -> Option<Uuid> {
    match owner {
        Some(ChannelsOwner::Merchant(merchant)) => Some(*merchant),
        Some(ChannelsOwner::WhoConnected(account)) => {
            let connection = connections.iter().find(|connection| connection.account == *account);
            connection.map(|connection| connection.merchant)
        }
        None => {
            let mut merchants = connections.iter().filter(|one| !is_named(&one.channel)).map(|one| one.merchant);
            let first = merchants.next()?;
            merchants.all(|merchant| merchant == first).then_some(first)
        }
    }
}

/// A channel whose account the settings name.
struct Named {
    channel: &'static str,
    configured: Arc<dyn Configured>,
    /// What is known of the account.
    known: Mutex<Option<ConfiguredAccount>>,
    /// Not asked for again before this time, in milliseconds since 1970.
    ask_at: Mutex<i64>,
}

/// The consumer.
pub struct ConfiguredAccounts {
    shared: Shared,
    owner: Option<ChannelsOwner>,
    named: Vec<Named>,
}

impl ConfiguredAccounts {
    /// Of these channels.
    #[must_use]
    pub fn new(
        shared: Shared,
        owner: Option<ChannelsOwner>,
        channels: impl IntoIterator<Item = (&'static str, Arc<dyn Configured>)>,
    ) -> Self {
        let named = channels.into_iter().map(|(channel, configured)| Named {
            channel,
            configured,
            known: Mutex::default(),
            ask_at: Mutex::default(),
        });
        Self { shared, owner, named: named.collect() }
    }

    /// The account of a channel, asked for at a start and every hour.
    async fn account_of(&self, named: &Named) -> Option<ConfiguredAccount> {
        let now_ms = self.shared.clock.now_ms();
        let known = || named.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if now_ms < *named.ask_at.lock().unwrap_or_else(PoisonError::into_inner) {
            return known();
        }
        let (found, pause) = match named.configured.account().await {
            Ok(account) => (Some(account), ASK_EVERY_MS),
            Err(error) => {
                tracing::info!(%error, channel = named.channel, "which account the settings mean could not be asked; it is asked again");
                (None, ASK_AGAIN_MS)
            }
        };
        *named.ask_at.lock().unwrap_or_else(PoisonError::into_inner) = now_ms + pause;
        if found.is_some() {
            named.known.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&found);
        }
        known()
    }

    async fn settle(&self, named: &Named, connections: &[Connection], owner: Uuid) -> anyhow::Result<()> {
        let Some(account) = self.account_of(named).await else { return Ok(()) };
        let channel = named.channel;
        let is_it = |one: &&Connection| one.channel == channel && one.account == account.account;
        match connections.iter().find(is_it) {
            Some(connection) if connection.merchant == owner => Ok(()),
            // Nobody said that it is to be theirs: it stays whose it is.
            Some(_) if self.owner.is_none() => Ok(()),
            Some(_) => {
                self.shared.connections.give_to(channel, &account.account, owner).await?;
                tracing::info!(channel, account = account.account, "an account of the settings has another owner now");
                Ok(())
            }
            None => self.connect(channel, account, owner).await,
        }
    }

    /// Whether the merchant has given the account up, or it was another one's and nobody said that it is to be theirs now.
    async fn is_anothers(&self, channel: &str, account: &str, owner: Uuid) -> anyhow::Result<bool> {
        let left_by = self.shared.connections.find_who_left(channel, account).await?;
        if left_by == Some(owner) || self.owner.is_some() {
            return Ok(left_by == Some(owner));
        }
        if self.shared.erasure.former(channel, account).await?.is_some_and(|former| former.merchant != owner) {
            return Ok(true);
        }
        // Who has nothing here any more, as after an erasure of everything, keeps nobody from it.
        match left_by {
            Some(merchant) => Ok(!self.shared.connections.list_of(merchant).await?.is_empty()),
            None => Ok(false),
        }
    }

    async fn connect(&self, channel: &'static str, found: ConfiguredAccount, owner: Uuid) -> anyhow::Result<()> {
        let Shared { connections, journal, erasure, clock, .. } = &self.shared;
        let account = found.account;
        if self.is_anothers(channel, &account, owner).await? {
            return Ok(());
        }
        // An erasure of the account that is under way takes nothing of the new connection along.
        if erasure.before_connecting(channel, &account).await.is_err() {
            return Ok(());
        }
        let now_ms = clock.now_ms();
        let connection = NewConnection {
            channel,
            account: account.clone(),
            merchant: owner,
            name: found.name,
            scopes: Vec::new(),
            status: found.status,
            status_reason: found.status_reason,
            platform_user: None,
            tokens: Vec::new(),
        };
        connections.upsert(vec![connection], now_ms).await?;
        journal.connect_account(channel, &account).await?;
        for request in [ReadRequest::HourlyCheck, ReadRequest::Everything] {
            journal.request_read(channel, &account, request, now_ms).await?;
        }
        tracing::info!(channel, account, "an account of the settings was connected");
        Ok(())
    }
}

impl Worker for ConfiguredAccounts {
    fn name(&self) -> &'static str {
        "configured_accounts"
    }

    fn when_failing(&self) -> &'static str {
        "Accounts of the settings cannot be connected: the databases cannot be used. Nothing is lost; the log says why."
    }

    fn step(&self) -> BoxFuture<'_, anyhow::Result<bool>> {
        Box::pin(async {
            let connections = self.shared.connections.list().await?;
            let is_named = |channel: &str| self.named.iter().any(|named| named.channel == channel);
            if let Some(owner) = find_owner(self.owner.as_ref(), &connections, is_named) {
                for named in &self.named {
                    self.settle(named, &connections, owner).await?;
                }
            }
            Ok(false)
        })
    }

    fn rest(&self) -> Rest {
        Rest::For(LOOK_EVERY)
    }
}
