//! Proof that nobody else makes conversation files.

use std::sync::Arc;

/// Who has it knows that nobody else makes a conversation's file. Whatever goes on when its asker is gone, a rebuild that
/// nobody waits for any more or a file that is being replaced, has a clone of it: a file that is made from an older view of the
/// journal must not take the place of a newer one.
pub type Paused = Arc<tokio::sync::OwnedMutexGuard<()>>;
