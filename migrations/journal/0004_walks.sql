-- Walks through all conversations of an account: the import of its history once, then polls of what changed. Each list that
-- was read is one step; a kill between two steps costs one list.

-- How far the walks have come. The row of an import stays when it is over, the row of a poll is deleted: its report is
-- among poll_reports.
CREATE TABLE walks (
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    kind             TEXT    NOT NULL,           -- 'import', 'poll'
    started_at       INTEGER NOT NULL,
    finished_at      INTEGER,                    -- NULL: under way
    first_seq        INTEGER NOT NULL,           -- a poll reports on events after this one …
    last_seq         INTEGER NOT NULL,           -- … up to this one, the newest when it began
    window_from      INTEGER,                    -- the time that a poll reaches back to; NULL: the beginning
    window_to        INTEGER,                    -- the newest change when it began
    pass             INTEGER NOT NULL,           -- what moved up meanwhile is read in another pass
    until            INTEGER,                    -- this pass ends at conversations that did not change since
    newest           INTEGER,                    -- the newest change of this pass
    lists            INTEGER NOT NULL,           -- lists read in this pass
    after            TEXT,                       -- where the next list begins
    lists_over       INTEGER NOT NULL,           -- 1: all lists are read; ids of older messages may be left
    conversations    INTEGER NOT NULL,           -- read so far
    messages         INTEGER NOT NULL,           -- new to the journal
    seen_by_both     INTEGER NOT NULL,           -- as in poll_reports
    only_poll        INTEGER NOT NULL,
    reordered        INTEGER NOT NULL,
    unreadable       INTEGER NOT NULL,           -- ids new to listed_messages
    PRIMARY KEY (channel, account, kind)
) STRICT, WITHOUT ROWID;

-- Which conversations a poll under way was shown, and from when to when.
CREATE TABLE walk_conversations (
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    conversation     TEXT    NOT NULL,
    shown_from       INTEGER NOT NULL,
    shown_to         INTEGER NOT NULL,
    PRIMARY KEY (channel, account, conversation)
) STRICT, WITHOUT ROWID;

-- Which messages a poll under way was shown, so that none counts twice.
CREATE TABLE walk_messages (
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    dedupe           BLOB    NOT NULL,
    PRIMARY KEY (channel, account, dedupe)
) STRICT, WITHOUT ROWID;

-- Conversations with messages older than those that can be read: their ids are still to be listed.
CREATE TABLE older_messages (
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    conversation     TEXT    NOT NULL,
    thread           TEXT    NOT NULL,           -- the platform's id of the conversation
    after            TEXT    NOT NULL,           -- where the next list begins
    PRIMARY KEY (channel, account, conversation)
) STRICT, WITHOUT ROWID;

-- Messages of which the platform tells the id and not the content.
CREATE TABLE listed_messages (
    dedupe           BLOB    NOT NULL PRIMARY KEY, -- the key that its event would have
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    conversation     TEXT    NOT NULL,
    id               TEXT    NOT NULL,
    occurred_at      INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX listed_by_conversation ON listed_messages (channel, account, conversation);

-- Ids that a poll found beyond what can be read: they came while no webhook did, and their content is lost to us.
ALTER TABLE poll_reports ADD COLUMN unreadable INTEGER NOT NULL DEFAULT 0;
