-- Accounts that cannot send, as the platform's answer to a message said. A row goes when a message went out again, when its
-- time is over, and counts for nothing after another login.
CREATE TABLE sending_blocks (
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    why              TEXT    NOT NULL CHECK (why IN ('needs_reconnect', 'incomplete', 'blocked')),
    code             TEXT    NOT NULL,           -- the platform's; empty where it was not asked
    sentence         TEXT    NOT NULL,           -- what the merchant reads
    connected_at     INTEGER NOT NULL,           -- the login with which it happened
    until            INTEGER NOT NULL,           -- when it is tried again
    PRIMARY KEY (channel, account),
    FOREIGN KEY (channel, account) REFERENCES connections (channel, account) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
