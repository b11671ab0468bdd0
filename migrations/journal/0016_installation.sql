-- Which installation this database belongs to: tokens.db, journal.db and the output folder carry the same id.
CREATE TABLE installation (
    id               TEXT    NOT NULL PRIMARY KEY -- 128 random bits in hex; one row
) STRICT, WITHOUT ROWID;
