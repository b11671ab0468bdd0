-- Answers: what is to be sent and what became of it, how each conversation stands, and what merchants' bots are told.

-- One row per outgoing message. It is kept for 30 days; what it says goes with its conversation.
CREATE TABLE outgoing (
    number           INTEGER PRIMARY KEY,        -- the order in which messages were accepted
    id               TEXT    NOT NULL UNIQUE,    -- 'msg_…'
    merchant         TEXT    NOT NULL,
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    conversation     TEXT    NOT NULL,           -- the person
    author           TEXT    NOT NULL,           -- 'bot', 'human'
    answers          BLOB,                       -- the key of the event that it answers
    created_at       INTEGER NOT NULL,
    expires_at       INTEGER NOT NULL,           -- not sent by then: failed
    ttl_ms           INTEGER NOT NULL,           -- its life, for another try
    after_seq        INTEGER NOT NULL,           -- the newest event when it was accepted: it answers what came until then
    tries            INTEGER NOT NULL DEFAULT 0, -- calls, of all parts
    next_try_at      INTEGER,                    -- NULL: nothing is put off
    is_open          INTEGER NOT NULL DEFAULT 1  -- 1: something is still to be done with it
) STRICT;

CREATE INDEX outgoing_open ON outgoing (channel, account, conversation, number) WHERE is_open;
CREATE INDEX outgoing_by_conversation ON outgoing (channel, account, conversation, number);
CREATE INDEX outgoing_by_age ON outgoing (created_at);

-- What becomes one call each.
CREATE TABLE outgoing_parts (
    message          INTEGER NOT NULL REFERENCES outgoing (number) ON DELETE CASCADE,
    n                INTEGER NOT NULL,           -- 1, 2, 3 …
    content          TEXT,                       -- JSON; NULL: erased
    kind             TEXT    NOT NULL,           -- 'text', 'media', 'products', 'template'
    state            TEXT    NOT NULL DEFAULT 'accepted', -- 'accepted', 'sent', 'delivered', 'read', 'failed', 'unknown'
    called_at        INTEGER,                    -- a call is under way since; set before it leaves
    unknown_at       INTEGER,                    -- since when nobody knows whether it was sent
    looks            INTEGER NOT NULL DEFAULT 0, -- how often it was looked for, and not found
    platform_id      TEXT,
    sent_at          INTEGER,
    delivered_at     INTEGER,
    read_at          INTEGER,
    echoed           INTEGER NOT NULL DEFAULT 0, -- 1: its copy stands in the journal
    reason           TEXT,                       -- why it failed
    code             TEXT,                       -- the platform's code for that
    billing          TEXT,                       -- JSON, as the platform told it
    PRIMARY KEY (message, n)
) STRICT, WITHOUT ROWID;

CREATE INDEX outgoing_parts_by_platform_id ON outgoing_parts (platform_id) WHERE platform_id IS NOT NULL;
CREATE INDEX outgoing_parts_to_look_for ON outgoing_parts (unknown_at) WHERE state = 'unknown';
CREATE INDEX outgoing_parts_without_echo ON outgoing_parts (sent_at) WHERE state IN ('sent', 'delivered', 'read') AND NOT echoed;

-- Which message a request with this key made, and what was answered.
CREATE TABLE idempotency_keys (
    merchant         TEXT    NOT NULL,
    key              TEXT    NOT NULL,
    request          BLOB    NOT NULL,           -- SHA-256 of address and body
    message          INTEGER NOT NULL REFERENCES outgoing (number) ON DELETE CASCADE,
    answer           TEXT,                       -- the body of the first answer; NULL: erased, or too old
    created_at       INTEGER NOT NULL,
    PRIMARY KEY (merchant, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_by_message ON idempotency_keys (message);

-- Receipts that came: up to when everything of a person was delivered or read, and those of messages that are not known
-- yet, because the answer to their call is still on its way.
CREATE TABLE outgoing_receipts (
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    conversation     TEXT    NOT NULL,
    what             TEXT    NOT NULL,           -- 'delivered', 'read'
    platform_id      TEXT    NOT NULL,           -- ''  : everything until `at`
    at               INTEGER NOT NULL,           -- the platform's time
    kept_at          INTEGER NOT NULL,           -- when it came
    PRIMARY KEY (channel, account, conversation, what, platform_id)
) STRICT, WITHOUT ROWID;

-- How a conversation stands for whoever wants to answer. Kept by the consumer "feed". Times are the platform's.
CREATE TABLE conversation_states (
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    conversation     TEXT    NOT NULL,
    opened_at        INTEGER,                    -- the newest event that allows answers
    ad_at            INTEGER,                    -- when an advertisement brought the person
    said_at          INTEGER,                    -- the newest thing that the person said …
    said_seq         INTEGER,                    -- … and which event it is
    out_at           INTEGER,                    -- the newest thing that others sent, automatic answers apart …
    out_seq          INTEGER,                    -- … and which event it is
    paused_by        TEXT,                       -- 'human', 'app', 'api'; NULL: not paused
    paused_until     INTEGER,                    -- NULL with paused_by: until somebody resumes
    pause_note       TEXT,
    handed_over      INTEGER NOT NULL DEFAULT 0, -- 1: with the pause the thread was passed to the platform's inbox
    owner_lost_at    INTEGER,                    -- another app answers: the newest sign of that
    handed_at        INTEGER,                    -- control was handed to this app; what came before was not seen
    unreachable      TEXT,                       -- 'unsubscribed', 'blocked', 'opted_out', …; until the person writes again
    PRIMARY KEY (channel, account, conversation)
) STRICT, WITHOUT ROWID;

CREATE INDEX conversation_states_paused ON conversation_states (paused_until) WHERE paused_until IS NOT NULL;
CREATE INDEX conversation_states_lost ON conversation_states (owner_lost_at) WHERE owner_lost_at IS NOT NULL;

-- What a merchant's bots are told, numbered without gaps.
CREATE TABLE feed (
    merchant         TEXT    NOT NULL,
    n                INTEGER NOT NULL,
    id               TEXT,                       -- 'evt_…'; NULL: erased
    type             TEXT    NOT NULL,           -- 'message', 'echo', 'status', …; 'erased'
    seq              INTEGER,                    -- the journal's event that it is or is about, where there is one
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    conversation     TEXT,                       -- the person
    at               INTEGER NOT NULL,           -- when it happened
    received_at      INTEGER NOT NULL,           -- when it was known here
    numbered_at      INTEGER NOT NULL,           -- when it was given its number: it is kept from then on
    content          TEXT,                       -- what does not stand in the journal: JSON
    PRIMARY KEY (merchant, n)
) STRICT, WITHOUT ROWID;

CREATE INDEX feed_by_account ON feed (channel, account, conversation) WHERE type <> 'erased';
CREATE UNIQUE INDEX feed_by_id ON feed (merchant, id) WHERE id IS NOT NULL;

-- The newest and the oldest number of each merchant: numbers are never given twice. It has row numbers, because only of
-- such tables SQLite tells when they change: that is how readers hear of something new.
CREATE TABLE feed_ends (
    merchant         TEXT    NOT NULL UNIQUE,
    newest           INTEGER NOT NULL,
    oldest           INTEGER NOT NULL            -- the oldest that is kept; newest + 1: none
) STRICT;

-- Messages that wait a moment for more of the same person.
CREATE TABLE feed_held (
    seq              INTEGER PRIMARY KEY,
    merchant         TEXT    NOT NULL,
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    conversation     TEXT    NOT NULL,
    held_at          INTEGER NOT NULL            -- when it was received
) STRICT;

CREATE INDEX feed_held_by_conversation ON feed_held (channel, account, conversation);

-- Events that were set aside and were released after the feed's cursor had passed them: the consumer takes them first.
CREATE TABLE feed_released (
    seq              INTEGER PRIMARY KEY
) STRICT;

-- Places that bots keep by name.
CREATE TABLE feed_cursors (
    merchant         TEXT    NOT NULL,
    name             TEXT    NOT NULL,
    n                INTEGER NOT NULL,
    PRIMARY KEY (merchant, name)
) STRICT, WITHOUT ROWID;

-- What came before there was a feed tells how conversations stand, and is not told to bots.
INSERT INTO cursors (name, value) SELECT 'feed:since', coalesce(max(seq), 0) FROM events;
