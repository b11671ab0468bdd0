-- Disconnecting and erasing. What is to be erased is written down before anything is done, so that a kill costs nothing.

-- Accounts that were connected once and whose data is still there: who may have it erased, and whose it is when it comes
-- back. The row goes when the account connects again, and when its data is erased.
CREATE TABLE former_connections (
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    merchant         TEXT    NOT NULL,           -- UUID of the merchant who owned the connection
    platform_user    TEXT,                       -- the platform's id of the person who had logged in
    connected_at     INTEGER NOT NULL,           -- last successful login
    disconnected_at  INTEGER NOT NULL,
    cause            TEXT    NOT NULL,           -- 'asked by the merchant', 'uninstalled', …
    PRIMARY KEY (channel, account)
) STRICT, WITHOUT ROWID;

-- One row per request, kept for good as its receipt. No name, id, address or text of anybody.
CREATE TABLE erasures (
    code             TEXT    NOT NULL PRIMARY KEY, -- 128 random bits in hex: who knows it may see the receipt
    what             TEXT    NOT NULL,           -- 'accounts', 'person', 'nothing'
    cause            TEXT    NOT NULL,           -- 'facebook data deletion', 'shopify shop/redact', …
    request          BLOB    UNIQUE,             -- hash that names the request: a repeat of it gets the same receipt
    requested_at     INTEGER NOT NULL,
    done_at          INTEGER,                    -- NULL: under way
    events           INTEGER NOT NULL DEFAULT 0, -- how many were erased
    rows             INTEGER NOT NULL DEFAULT 0, -- other rows of the journal
    files            INTEGER NOT NULL DEFAULT 0,
    connections      INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- What is left to be erased for a request. A row is deleted when nothing is left of what it names.
CREATE TABLE erasure_scopes (
    id               INTEGER PRIMARY KEY,
    code             TEXT    NOT NULL REFERENCES erasures (code),
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    person           TEXT,                       -- NULL: the whole account
    mentions         TEXT,                       -- a JSON array: what is set apart and mentions one of these texts goes too
    attempts         INTEGER NOT NULL DEFAULT 0,
    next_at          INTEGER NOT NULL            -- not before this time
) STRICT;

CREATE INDEX erasure_scopes_by_account ON erasure_scopes (channel, account);
