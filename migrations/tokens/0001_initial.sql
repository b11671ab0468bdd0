-- tokens.db: small and precious. Who connected which account, and the sealed tokens to act for it.
-- Times are UTC, in milliseconds since 1970.

-- One row per authorised account: a Facebook Page, a Shopify shop.
CREATE TABLE connections (
    id               INTEGER PRIMARY KEY,
    channel          TEXT    NOT NULL,           -- 'facebook', 'shopify', …
    account          TEXT    NOT NULL,           -- page id, shop domain
    merchant         TEXT    NOT NULL,           -- UUID of the merchant who owns the connection
    name             TEXT    NOT NULL,           -- what people call the account
    scopes           TEXT    NOT NULL,           -- what was granted, comma separated
    status           TEXT    NOT NULL CHECK (status IN ('connected', 'incomplete', 'needs_reconnect')),
    status_reason    TEXT,                       -- a sentence for the merchant, where status is not 'connected'
    platform_user    TEXT,                       -- the platform's id of the person who logged in
    connected_at     INTEGER NOT NULL,           -- last successful login
    last_read_at     INTEGER,                    -- last complete read of the account
    UNIQUE (channel, account)
) STRICT;

CREATE INDEX connections_by_merchant ON connections (merchant);

-- Sealed tokens (AES-256-GCM; channel, account and kind are part of what is authenticated).
CREATE TABLE tokens (
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    kind             TEXT    NOT NULL,           -- 'access', 'refresh', 'user'; 'previous_…' until the new pair has worked
    sealed           BLOB    NOT NULL,
    expires_at       INTEGER,                    -- NULL: no known expiry
    PRIMARY KEY (channel, account, kind),
    FOREIGN KEY (channel, account) REFERENCES connections (channel, account) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- One sealed constant: opened at every start, so that a wrong master key is noticed before anything is written.
CREATE TABLE vault_check (
    id               INTEGER PRIMARY KEY CHECK (id = 1),
    sealed           BLOB    NOT NULL
) STRICT;
