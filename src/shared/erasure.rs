//! Disconnecting an account, and erasing what is known of an account or of one of its people.
//!
//! A request is a row before anything is done, so a kill at any instant costs nothing: the next start goes on. The work
//! itself is done in small steps beside everything else, by `workers::eraser`. What is left is a receipt that names nobody.
//!
//! Erased means: no byte of it is found below the data and output folders any more. Keys of erased events are kept as
//! hashes, so that a body that was captured before brings nothing back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use uuid::Uuid;

use super::clock::Clock;
use super::journal::{Account, DedupeKey, Journal};
use super::languages::say;
use super::objects::account_folder;
use super::secrets::random::random_hex;
use super::server::error::AppError;
use super::store::erasures::{Former, NewErasure, Receipt};
use super::store::push::Receiver;
use super::store::uploads::Uploads;
use super::store::{Connections, Erasures, Sessions};
use super::telemetry::alerts::Alerts;
use super::under_way::{Progress, Reads};

pub use super::journal::Scope;

/// How long a login waits for an erasure of the same account that is under way.
const WAIT: Duration = Duration::from_secs(20);

/// Takes requests. Cheap to clone.
#[derive(Clone)]
pub struct Erasure(Arc<Inner>);

struct Inner {
    erasures: Erasures,
    connections: Connections,
    sessions: Sessions,
    journal: Journal,
    uploads: Uploads,
    reads: Reads,
    progress: Progress,
    alerts: Alerts,
    clock: Clock,
    /// Whether there may be something to be done.
    pending: AtomicBool,
    finished: Notify,
}

impl Erasure {
    /// Requests are kept in this table and concern these.
    #[allow(clippy::too_many_arguments, reason = "one place makes it, of everything that may hold data")]
    #[must_use]
    pub fn new(
        erasures: Erasures,
        connections: Connections,
        sessions: Sessions,
        journal: Journal,
        uploads: Uploads,
        reads: Reads,
        progress: Progress,
        alerts: Alerts,
        clock: Clock,
    ) -> Self {
        let (pending, finished) = (AtomicBool::new(true), Notify::new());
        Self(Arc::new(Inner {
            erasures,
            connections,
            sessions,
            journal,
            uploads,
            reads,
            progress,
            alerts,
            clock,
            pending,
            finished,
        }))
    }

    /// Disconnects an account: its tokens are erased and reading stops at once, and its merchant's sessions end if it was
    /// the last connection. Conversations and files stay, and so does the knowledge whose they are. Gives back whether
    /// it was connected. Its webhook subscriptions are the caller's matter, before this: they need the token.
    ///
    /// May be called by a read of the same account, which is cut by it.
    ///
    /// # Errors
    /// When the database fails; the account may then still be connected.
    pub async fn disconnect(&self, channel: &str, account: &str, cause: &'static str) -> anyhow::Result<bool> {
        let now_ms = self.0.clock.now_ms();
        let merchant = self.0.erasures.disconnect(channel, account, cause, now_ms).await?;
        tracing::info!(channel, account, cause, "an account was disconnected");
        self.let_go(channel, account, merchant).await?;
        Ok(merchant.is_some())
    }

    /// Whether the merchant of an account that the settings name gave it up, so that nothing is to be fetched of it or delivered to
    /// us: until it is erased it is a former one, and after that it is still not wanted back.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_given_up(&self, channel: &str, account: &str) -> anyhow::Result<bool> {
        let connections = &self.0.connections;
        if connections.find(channel, account).await?.is_some() {
            return Ok(false);
        }
        Ok(self.former(channel, account).await?.is_some()
            || connections.find_who_left(channel, account).await?.is_some())
    }

    /// Signs everybody out who is signed in as this merchant: an account through which they may have signed in was given up
    /// at its platform, whatever else is connected.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sign_out(&self, merchant: Uuid) -> anyhow::Result<()> {
        let ended = self.0.sessions.delete_of(merchant).await?;
        tracing::info!(ended, "the sessions of a merchant were ended");
        Ok(())
    }

    /// Disconnects accounts because somebody asked for it by a request that has a receipt, and gives its code. `request`
    /// as in [`Erasure::request`].
    ///
    /// # Errors
    /// When the database fails; some of the accounts may then still be connected.
    pub async fn disconnect_all(
        &self,
        accounts: Vec<Account>,
        cause: &'static str,
        request: Option<&[u8]>,
    ) -> anyhow::Result<String> {
        let request = request.map(|request| hash(cause, request));
        if let Some(request) = request
            && let Some(code) = self.0.erasures.find_code(request).await?
        {
            return Ok(code);
        }
        let mut count = 0;
        for (channel, account) in &accounts {
            count += i64::from(self.disconnect(channel, account, cause).await?);
        }
        let scopes = self.copies_of(accounts).await?;
        let new = NewErasure { code: random_hex::<16>()?, scopes, disconnected: count, cause, request };
        let (code, _) = self.0.erasures.insert(new, self.0.clock.now_ms()).await?;
        self.set_pending();
        Ok(code)
    }

    /// The scopes of those accounts that may have copies in object storage.
    async fn copies_of(&self, accounts: Vec<Account>) -> anyhow::Result<Vec<Scope>> {
        let mut scopes = Vec::new();
        for (channel, account) in accounts {
            let mut has_copies = false;
            for folder in account_folder(&channel, &account) {
                has_copies |= !self.0.journal.list_object_prefixes(Some(&folder)).await?.is_empty();
            }
            scopes.extend(has_copies.then_some(Scope::Copies { channel, account }));
        }
        Ok(scopes)
    }

    /// Asks for these to be erased and gives the code of the receipt. Connections that are named go at once, as in
    /// [`Erasure::disconnect`]; the rest follows within seconds, or as soon as the disk allows.
    ///
    /// `request` names what asks (the bytes of a signed request, the id of a delivery): the same again changes nothing and
    /// gets the same code. It is kept as a hash.
    ///
    /// # Errors
    /// When the database fails; then nothing was changed.
    pub async fn request(
        &self,
        scopes: Vec<Scope>,
        cause: &'static str,
        request: Option<&[u8]>,
    ) -> anyhow::Result<String> {
        let request = request.map(|request| hash(cause, request));
        let new = NewErasure { code: random_hex::<16>()?, scopes: scopes.clone(), disconnected: 0, cause, request };
        let (code, merchants) = self.0.erasures.insert(new, self.0.clock.now_ms()).await?;
        tracing::info!(code, cause, scopes = scopes.len(), "an erasure was asked for");
        self.set_pending();
        for merchant in merchants {
            self.end_sessions(merchant).await?;
            self.forget_merchant(merchant).await?;
        }
        for scope in &scopes {
            if let Scope::Account { channel, account } = scope {
                self.let_go(channel, account, None).await?;
            }
        }
        Ok(code)
    }

    /// What became of a request.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn receipt(&self, code: &str) -> anyhow::Result<Option<Receipt>> {
        self.0.erasures.find_receipt(code).await
    }

    /// The newest receipts, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn receipts(&self, limit: u32) -> anyhow::Result<Vec<Receipt>> {
        self.0.erasures.list_receipts(limit).await
    }

    /// The accounts of a channel that this person of the platform connected, also those that are not connected any more
    /// and whose data is still there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn accounts_of_user(&self, channel: &str, user: &str) -> anyhow::Result<Vec<String>> {
        self.0.erasures.list_of_user(channel, user).await
    }

    /// Whose an account was that is not connected any more, while its data is still there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn former(&self, channel: &str, account: &str) -> anyhow::Result<Option<Former>> {
        self.0.erasures.find_former(channel, account).await
    }

    /// The accounts that were this merchant's and are not connected any more, while their data is still there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn former_of(&self, merchant: Uuid) -> anyhow::Result<Vec<(Account, Former)>> {
        self.0.erasures.list_former_of(merchant).await
    }

    /// To be called by a login before it stores a connection: waits for an erasure of the account that is under way, so
    /// that it takes nothing of the new connection along.
    ///
    /// # Errors
    /// 503 when the erasure takes longer.
    pub async fn before_connecting(&self, channel: &str, account: &str) -> Result<(), AppError> {
        let wait = async {
            loop {
                let finished = self.0.finished.notified();
                if !self.0.erasures.is_wanted(channel, account).await? {
                    return Ok::<_, anyhow::Error>(());
                }
                finished.await;
            }
        };
        match tokio::time::timeout(WAIT, wait).await {
            Ok(waited) => Ok(waited?),
            Err(_) => Err(AppError::Unavailable(say::being_erased())),
        }
    }

    /// Whether there may be something to carry out; the caller sees to it, and says so if something is left.
    pub(crate) fn take_pending(&self) -> bool {
        self.0.pending.swap(false, Ordering::AcqRel)
    }

    /// There is something to carry out, now or later.
    pub(crate) fn set_pending(&self) {
        self.0.pending.store(true, Ordering::Release);
    }

    /// Wakes those who wait for an erasure to be over, to look again.
    pub(crate) fn wake_waiting(&self) {
        self.0.finished.notify_waiters();
    }

    /// Nothing is read of an account any more, and nobody stays signed in who has no connection left.
    async fn let_go(&self, channel: &str, account: &str, merchant: Option<Uuid>) -> anyhow::Result<()> {
        self.0.journal.disconnect_account(channel, account);
        self.0.progress.end(channel, account);
        self.0.alerts.heal_account(channel, account);
        // Whoever connects it again decides anew whether the bot answers there.
        let of = (channel.to_owned(), account.to_owned());
        if let Err(error) = self.0.journal.switch_responder(&of, Uuid::nil(), false).await {
            tracing::warn!(%error, channel, account, "the bot could not be switched off; it has nobody to answer there");
        }
        if let Some(merchant) = merchant {
            self.end_sessions(merchant).await?;
        }
        // Last, and without waiting: it may be this very read that is cut.
        self.0.reads.cut(channel, account);
        Ok(())
    }

    /// Of a merchant of whom no account is left here nothing else is, either.
    async fn forget_merchant(&self, merchant: Uuid) -> anyhow::Result<()> {
        let is_gone =
            self.0.connections.list_of(merchant).await?.is_empty() && self.former_of(merchant).await?.is_empty();
        if is_gone {
            self.0.journal.forget_feed_cursors(merchant).await?;
            self.0.journal.forget_responder_of(merchant).await?;
            self.0.erasures.forget_receiver(merchant).await?;
            self.0.uploads.remove_of(merchant).await?;
            // The receiver of the settings is everybody's: without its place it would be told of everything again.
            self.0.journal.forget_push_place(Receiver::Own, merchant).await?;
            self.0.alerts.heal(&Receiver::Own.alert(merchant));
        }
        Ok(())
    }

    /// Forgets what is left of merchants of whom no account is left here, also where a kill kept that from being forgotten
    /// with the request.
    ///
    /// # Errors
    /// When a database fails.
    pub(crate) async fn forget_merchants_without_accounts(&self) -> anyhow::Result<()> {
        for merchant in self.0.erasures.list_receivers_of_nobody().await? {
            self.forget_merchant(merchant).await?;
        }
        Ok(())
    }

    async fn end_sessions(&self, merchant: Uuid) -> anyhow::Result<()> {
        if self.0.connections.list_of(merchant).await?.is_empty() {
            self.sign_out(merchant).await?;
        }
        Ok(())
    }
}

/// Names a request without telling what it said.
fn hash(cause: &str, request: &[u8]) -> [u8; 16] {
    *DedupeKey::new("erasure", cause, &[request]).as_bytes()
}
