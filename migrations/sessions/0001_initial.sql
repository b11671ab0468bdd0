-- sessions.db: disposable. Losing it logs browsers out and ends logins that are under way, nothing more.
-- Times are UTC, in milliseconds since 1970.

-- A browser's login to our own pages. The id itself is never stored, only its SHA-256.
CREATE TABLE sessions (
    id_hash          BLOB    NOT NULL PRIMARY KEY,
    sealed           BLOB    NOT NULL,           -- what the session knows, sealed
    created_at       INTEGER NOT NULL,           -- start of the absolute limit
    last_seen_at     INTEGER NOT NULL            -- start of the sliding limit
) STRICT, WITHOUT ROWID;

-- One-time OAuth states: taken by one DELETE … RETURNING.
CREATE TABLE login_states (
    state_hash       BLOB    NOT NULL PRIMARY KEY,
    channel          TEXT    NOT NULL,
    browser_hash     BLOB    NOT NULL,           -- of the cookie of the browser that began the login
    bound_to         TEXT    NOT NULL,           -- Shopify: the shop; Facebook: the merchant's UUID
    created_at       INTEGER NOT NULL,
    expires_at       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX login_states_by_expiry ON login_states (expires_at);
