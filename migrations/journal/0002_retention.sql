-- Retention: events that are older than JOURNAL_RETENTION_DAYS are deleted, their keys and the files' content stay.

-- The keys of deleted events: a repeat of one must still change nothing.
CREATE TABLE pruned_keys (
    dedupe           BLOB    NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- The beginning of a conversation's file whose events were deleted. From then on the file is its only copy.
CREATE TABLE pruned_conversations (
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    conversation     TEXT    NOT NULL,
    items            INTEGER NOT NULL,           -- how many items stand there
    bytes            INTEGER NOT NULL,           -- how many bytes of the file they take, with the bracket before them
    hash             BLOB    NOT NULL,           -- SHA-256 of these bytes
    PRIMARY KEY (channel, account, conversation)
) STRICT, WITHOUT ROWID;
