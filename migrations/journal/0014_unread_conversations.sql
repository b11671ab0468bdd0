-- Conversations that a platform did not serve, or not whole. A walk goes past them, names them here, and each later walk asks
-- for them again.
CREATE TABLE unread_conversations (
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    thread           TEXT    NOT NULL,           -- the platform's id of the conversation
    conversation     TEXT    NOT NULL,           -- the person; '': not told
    reason           TEXT    NOT NULL,           -- why, without anything that the platform's message quotes
    since            INTEGER NOT NULL,           -- when it was first gone past, in milliseconds since 1970
    tried_at         INTEGER NOT NULL,           -- when it was last asked for
    attempts         INTEGER NOT NULL,           -- how often
    PRIMARY KEY (channel, account, thread)
) STRICT, WITHOUT ROWID;
