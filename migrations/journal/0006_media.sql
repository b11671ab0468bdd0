-- Copies of what customers attach to their messages: the platform's links to it expire.

-- One row per attachment of a message: a wish until it is copied, then where the copy is.
CREATE TABLE media (
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    conversation     TEXT    NOT NULL,
    mid              TEXT    NOT NULL,           -- the platform's id of the message
    position         INTEGER NOT NULL,           -- which of its attachments, from 0
    kind             TEXT    NOT NULL,           -- the platform's word: 'image', 'video', …
    url              TEXT    NOT NULL,           -- emptied once it is of no more use
    state            TEXT    NOT NULL,           -- 'wanted', 'kept', 'expired', 'refused'
    file             TEXT,                       -- its name in the account's folder media/, once it is kept
    bytes            INTEGER,
    content_type     TEXT,                       -- as its bytes tell
    attempts         INTEGER NOT NULL DEFAULT 0,
    due_at           INTEGER NOT NULL,
    reason           TEXT,                       -- why it is not kept
    PRIMARY KEY (channel, account, mid, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX media_wanted ON media (channel, due_at) WHERE state = 'wanted';
CREATE INDEX media_by_conversation ON media (channel, account, conversation);
CREATE INDEX media_by_file ON media (channel, account, file) WHERE file IS NOT NULL;
