-- Where merchants want to be told of events, and what signs that.
CREATE TABLE push_endpoints (
    merchant         TEXT    NOT NULL PRIMARY KEY,
    url              TEXT    NOT NULL,
    types            TEXT    NOT NULL,           -- kinds of events, comma separated
    is_off           INTEGER NOT NULL DEFAULT 0  -- 1: the receiver wants no more (410)
) STRICT, WITHOUT ROWID;

-- Sealed keys (AES-256-GCM; merchant and kind are part of what is authenticated).
CREATE TABLE push_keys (
    merchant         TEXT    NOT NULL,
    kind             TEXT    NOT NULL,           -- 'current', 'previous'
    sealed           BLOB    NOT NULL,
    ends_at          INTEGER,                    -- until when the previous one signs along
    PRIMARY KEY (merchant, kind),
    FOREIGN KEY (merchant) REFERENCES push_endpoints (merchant) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
