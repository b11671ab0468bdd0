-- Which records changed since the search index last followed: written with the change, deleted when the index has it.
-- Numbers are never given twice; of a record that changes again the older row goes.
CREATE TABLE record_changes (
    seq              INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    kind             TEXT    NOT NULL,
    id               TEXT    NOT NULL,
    UNIQUE (channel, account, kind, id)
) STRICT;
