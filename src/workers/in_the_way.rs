//! Files that could not follow what was decided about them, because something stands in their way: they stop no other one, are
//! tried again with every step, and the log tells of each once.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::shared::files::folders::is_environment;
use crate::shared::journal::Conversation;

/// The conversations whose files they are.
#[derive(Default)]
pub(super) struct InTheWay(Mutex<BTreeSet<Conversation>>);

impl InTheWay {
    /// What came of one file. Gives whether it is done with.
    ///
    /// # Errors
    /// What says that the disk is full, read-only or failing: then others cannot be written, either.
    pub fn note(&self, of: &Conversation, outcome: std::io::Result<()>) -> std::io::Result<bool> {
        match outcome {
            Ok(()) => {
                self.lock().remove(of);
                Ok(true)
            }
            Err(error) if is_environment(&error) => Err(error),
            Err(error) => {
                if self.lock().insert(of.clone()) {
                    let Conversation { channel, account, .. } = of;
                    tracing::error!(%error, channel, account, "something stands in the way of a conversation's file");
                }
                Ok(false)
            }
        }
    }

    /// How many more are to be listed, so that those behind them have their turn, too.
    pub fn count(&self) -> i64 {
        i64::try_from(self.lock().len()).unwrap_or(i64::MAX / 2)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<Conversation>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
