//! How `journal.db` came to have its tables.

/// The migrations of `journal.db`, in order. Append only.
pub(in crate::shared) const MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/journal/0001_initial.sql"),
    include_str!("../../../migrations/journal/0002_retention.sql"),
    include_str!("../../../migrations/journal/0003_watch.sql"),
    include_str!("../../../migrations/journal/0004_walks.sql"),
    include_str!("../../../migrations/journal/0005_conversation_events.sql"),
    include_str!("../../../migrations/journal/0006_media.sql"),
    include_str!("../../../migrations/journal/0007_erasure.sql"),
    include_str!("../../../migrations/journal/0008_arrivals.sql"),
    include_str!("../../../migrations/journal/0009_unsent.sql"),
    include_str!("../../../migrations/journal/0010_threads.sql"),
    include_str!("../../../migrations/journal/0011_account_cursors.sql"),
    include_str!("../../../migrations/journal/0012_cursors_of_accounts.sql"),
    include_str!("../../../migrations/journal/0013_taken_back.sql"),
    include_str!("../../../migrations/journal/0014_unread_conversations.sql"),
    include_str!("../../../migrations/journal/0015_event_names.sql"),
    include_str!("../../../migrations/journal/0016_installation.sql"),
    include_str!("../../../migrations/journal/0017_answering.sql"),
    include_str!("../../../migrations/journal/0018_push.sql"),
    include_str!("../../../migrations/journal/0019_record_changes.sql"),
    include_str!("../../../migrations/journal/0020_reports.sql"),
    include_str!("../../../migrations/journal/0021_uploads.sql"),
    include_str!("../../../migrations/journal/0022_person_names.sql"),
    include_str!("../../../migrations/journal/0024_responder.sql"),
    include_str!("../../../migrations/journal/0023_object_copies.sql"),
    include_str!("../../../migrations/journal/0025_responder_turns.sql"),
    include_str!("../../../migrations/journal/0026_broken_items.sql"),
    include_str!("../../../migrations/journal/0027_doubtful_echoes.sql"),
    include_str!("../../../migrations/journal/0028_advertising.sql"),
    include_str!("../../../migrations/journal/0029_receipts_of_unknown.sql"),
    include_str!("../../../migrations/journal/0030_old_rows.sql"),
    include_str!("../../../migrations/journal/0031_common_ids.sql"),
    include_str!("../../../migrations/journal/0032_automatic_answers.sql"),
    include_str!("../../../migrations/journal/0033_messages_without_parts.sql"),
    include_str!("../../../migrations/journal/0034_general_errors.sql"),
    include_str!("../../../migrations/journal/0035_feed_of_conversations.sql"),
];

/// How many migrations this program knows.
#[must_use]
pub fn count_migrations() -> usize {
    MIGRATIONS.len()
}
