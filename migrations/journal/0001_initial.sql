-- journal.db: large and hot. Every event once, what was polled, and how far each consumer has come.
-- Times are UTC, in milliseconds since 1970.

-- One row per happening, whatever road it came by.
CREATE TABLE events (
    -- Order of arrival; what cursors point into. Numbers must not be given twice, so the newest event is never deleted
    -- (AUTOINCREMENT would see to it too, with one more write for each event).
    seq              INTEGER PRIMARY KEY,
    dedupe           BLOB    NOT NULL UNIQUE,    -- 16 bytes: hash of (channel, account, event key)
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,           -- page id, shop domain; '' where none could be read
    kind             TEXT    NOT NULL,           -- the platform's word: 'message', 'read', 'products/update', …
    conversation     TEXT,                       -- the person, where the event belongs to a conversation
    opens            INTEGER NOT NULL,           -- 1: reason enough for a conversation file
    reread           TEXT,                       -- what must be read again because of it: '' is the whole account
    occurred_at      INTEGER NOT NULL,           -- the platform's time, else ours
    received_at      INTEGER NOT NULL,
    source           TEXT    NOT NULL,           -- 'webhook', 'standby', 'poll', 'import'
    apart            TEXT,                       -- why consumers do not see it; NULL: they do
    payload          BLOB    NOT NULL            -- the bytes as they came
) STRICT;

-- A conversation in order of time.
CREATE INDEX events_by_conversation ON events (channel, account, conversation, occurred_at, seq)
    WHERE conversation IS NOT NULL;

-- What was set apart, to be counted, shown and released.
CREATE INDEX events_apart ON events (channel, account) WHERE apart IS NOT NULL;

-- Current state of what was polled: a Page, a shop, each product, collection and discount.
CREATE TABLE records (
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    kind             TEXT    NOT NULL,
    id               TEXT    NOT NULL,
    payload          TEXT    NOT NULL,           -- the object as JSON
    hash             BLOB    NOT NULL,           -- SHA-256 of payload
    updated_at       INTEGER NOT NULL,           -- when the content last changed
    seen_at          INTEGER NOT NULL,           -- when the platform last showed it
    PRIMARY KEY (channel, account, kind, id)
) STRICT, WITHOUT ROWID;

-- Where each consumer and each poll goes on.
CREATE TABLE cursors (
    name             TEXT    NOT NULL PRIMARY KEY,
    value            TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- Conversations whose file must be written apart from the cursor: released, replayed, or failed before.
CREATE TABLE unfiled (
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    conversation     TEXT    NOT NULL,
    attempts         INTEGER NOT NULL DEFAULT 0,
    next_at          INTEGER NOT NULL,           -- not before this time
    reason           TEXT,                       -- why the last attempt failed
    parked           INTEGER NOT NULL DEFAULT 0, -- 1: given up until someone says replay
    PRIMARY KEY (channel, account, conversation)
) STRICT, WITHOUT ROWID;

-- What must be read again from a platform, debounced: one row however many events ask for it.
CREATE TABLE rereads (
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    object           TEXT    NOT NULL,           -- '' is the whole account
    generation       INTEGER NOT NULL,           -- grows with every new wish; a read clears only what it saw
    wanted_at        INTEGER NOT NULL,           -- first wish since the last read
    due_at           INTEGER NOT NULL,
    attempts         INTEGER NOT NULL DEFAULT 0,
    reason           TEXT,
    parked           INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (channel, account, object)
) STRICT, WITHOUT ROWID;
