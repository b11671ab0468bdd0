//! Where the file of a conversation is.

use crate::shared::files::output::RelativePath;
use crate::shared::journal::Conversation;

/// The file of a conversation, below the output folder.
///
/// # Errors
/// When an id cannot be a part of a path.
pub(super) fn path_of(conversation: &Conversation) -> std::io::Result<RelativePath> {
    let file = format!("{}.json", conversation.person);
    RelativePath::new(&[&conversation.channel, &conversation.account, "conversations", &file])
}
