-- What was erased, so that a restore of an older backup does not bring it back for good. Hashes: no id of anybody.
CREATE TABLE erased (
    hash             BLOB    NOT NULL PRIMARY KEY, -- of channel, account and person
    asked_at         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
