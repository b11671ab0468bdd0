-- What the receiver of alerts was told, and what it is still to be told.
CREATE TABLE alert_posts (
    cause            TEXT    NOT NULL PRIMARY KEY,
    sentence         TEXT    NOT NULL,           -- for the operator, without personal data
    since            INTEGER NOT NULL,
    healed_at        INTEGER,                    -- when the cause was gone; NULL: it is there
    id               TEXT    NOT NULL,           -- names the post, the same at every try
    attempts         INTEGER NOT NULL,
    next_at          INTEGER                     -- not before this time; NULL: nothing is to be told
) STRICT, WITHOUT ROWID;
