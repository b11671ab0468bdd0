-- What stands in object storage of each file below the output folder, and what is still to be done: a row is written with
-- the change of its file, or before it. due_at is NULL where nothing waits.
CREATE TABLE object_copies (
    path             TEXT    NOT NULL PRIMARY KEY,
    folder           TEXT    NOT NULL,
    stem             TEXT    NOT NULL,
    generation       INTEGER NOT NULL DEFAULT 1,
    first_at         INTEGER,
    due_at           INTEGER,
    not_before       INTEGER NOT NULL DEFAULT 0,
    attempts         INTEGER NOT NULL DEFAULT 0,
    is_unsure        INTEGER NOT NULL DEFAULT 0,
    owner            TEXT,
    sha256           TEXT,
    put_at           INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX object_copies_due ON object_copies (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX object_copies_folder ON object_copies (folder, owner);

-- Below which names of the bucket objects of an account may stand. A row comes before the first of them, and goes when a
-- list of the bucket has shown that there is none.
CREATE TABLE object_prefixes (
    prefix           TEXT    NOT NULL PRIMARY KEY,
    account_folder   TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
