-- Keys with which programs call /api/v1 for a merchant. A key itself is nowhere: only its SHA-256.
CREATE TABLE api_keys (
    id               TEXT    NOT NULL PRIMARY KEY, -- 10 of [a-z2-7]; stands in the key, and may be shown
    hash             BLOB    NOT NULL CHECK (length(hash) = 32),
    merchant         TEXT    NOT NULL,           -- UUID of the merchant for whom it acts
    name             TEXT    NOT NULL,           -- what the merchant calls it
    scopes           TEXT    NOT NULL,           -- 'read', 'reply', 'human', 'admin', comma separated
    accounts         TEXT    NOT NULL,           -- a JSON array of [channel, account]; []: all of the merchant's
    created_at       INTEGER NOT NULL,
    expires_at       INTEGER,                    -- NULL: never
    last_used_at     INTEGER,                    -- to the minute; NULL: never
    revoked_at       INTEGER                     -- NULL: it was not revoked
) STRICT, WITHOUT ROWID;

CREATE INDEX api_keys_by_merchant ON api_keys (merchant);
