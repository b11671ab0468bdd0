//! What who accepts messages needs of who sends them.

use std::sync::Arc;

use tokio::sync::watch;

use crate::shared::channel::dialogue::{AccountFault, Signal};
use crate::shared::channel::job::BoxFuture;
use crate::shared::journal::{Account, Conversation};

/// The one who sends, as pages are given it.
#[derive(Clone)]
pub struct Outbox(pub Arc<dyn Sending>);

/// Sends what was accepted.
pub trait Sending: Send + Sync {
    /// A message was stored: it is sent when its turn comes.
    fn add(&self, number: i64, to: &Conversation);

    /// Something was decided about a person's messages: what waits is looked at now.
    fn wake(&self, of: &Conversation);

    /// Whether no more messages of this account may wait.
    fn is_full(&self, channel: &str, account: &str) -> bool;

    /// Shows a person that somebody types, or that everything was seen, at most every five seconds. Nobody waits for it.
    fn signal(&self, to: Conversation, signal: Signal);

    /// The platform told at this time, in milliseconds since 1970, that nothing of this account can be sent, not as the answer
    /// to a call.
    ///
    /// # Errors
    /// When the database fails: then it is to be told again.
    fn stop_account<'a>(
        &'a self,
        of: &'a Account,
        fault: &'a AccountFault,
        at: i64,
    ) -> BoxFuture<'a, anyhow::Result<()>>;

    /// Moves whenever something became of a message: whoever waits for one looks at it then.
    fn turns(&self) -> watch::Receiver<u64>;
}
