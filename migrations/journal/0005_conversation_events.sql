-- A conversation in order of time, kept by the consumer "conversations" instead of by the intake: an index on events
-- costs a page of the log for nearly every event, and platforms wait for that. The consumer writes it in sorted batches.

CREATE TABLE conversation_events (
    conversation     INTEGER NOT NULL,           -- 64 bits of the hash of (channel, account, person)
    occurred_at      INTEGER NOT NULL,           -- as in events
    seq              INTEGER NOT NULL,           -- which event; a row whose event is gone means nothing
    PRIMARY KEY (conversation, occurred_at, seq)
) STRICT, WITHOUT ROWID;

DROP INDEX events_by_conversation;
