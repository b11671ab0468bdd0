-- Media that merchants uploaded to be sent. Their bytes are files of this name in the folder `uploads` of the data folder.
CREATE TABLE uploads (
    id               TEXT    NOT NULL PRIMARY KEY, -- 'med_…'
    merchant         TEXT    NOT NULL,
    name             TEXT    NOT NULL UNIQUE,      -- 43 random characters and an extension: where platforms fetch it
    type             TEXT    NOT NULL,             -- 'image/jpeg', …
    bytes            INTEGER NOT NULL,
    sha256           TEXT    NOT NULL,             -- in hex
    created_at       INTEGER NOT NULL,
    expires_at       INTEGER NOT NULL              -- it is removed then
) STRICT, WITHOUT ROWID;

CREATE INDEX uploads_by_merchant ON uploads (merchant, bytes);
CREATE INDEX uploads_by_age ON uploads (expires_at);

-- To whom they were sent: with what is known of a person they go, too.
CREATE TABLE upload_uses (
    upload           TEXT    NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    conversation     TEXT    NOT NULL,             -- the person
    PRIMARY KEY (upload, channel, account, conversation)
) STRICT, WITHOUT ROWID;

CREATE INDEX upload_uses_by_conversation ON upload_uses (channel, account, conversation);
