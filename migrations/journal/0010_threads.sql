-- What the merchant's pages list. No text and no payload of an event: those stand in one place only.

-- One row per conversation. Kept by the consumer "overview"; the name comes from polls.
CREATE TABLE threads (
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    conversation     TEXT    NOT NULL,           -- the person
    name             TEXT,                       -- what the person is called, where the platform told it
    messages         INTEGER NOT NULL DEFAULT 0, -- how many events said something (events.opens)
    last_at          INTEGER NOT NULL DEFAULT 0, -- when the newest of them happened
    last_seq         INTEGER NOT NULL DEFAULT 0, -- which one it is
    PRIMARY KEY (channel, account, conversation)
) STRICT, WITHOUT ROWID;

-- An account's conversations, newest first.
CREATE INDEX threads_by_time ON threads (channel, account, last_at, conversation) WHERE messages > 0;

-- When each account was last heard of.
CREATE TABLE activity (
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    last_event_at    INTEGER NOT NULL,           -- when its newest event arrived here, by whatever road
    PRIMARY KEY (channel, account)
) STRICT, WITHOUT ROWID;
