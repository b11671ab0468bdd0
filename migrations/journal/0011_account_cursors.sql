-- What a channel keeps in mind about one account: when it was last read whole, an operation of the platform that is under
-- way, whether a file shows all records.
CREATE TABLE account_cursors (
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    name             TEXT    NOT NULL,
    value            TEXT    NOT NULL,
    PRIMARY KEY (channel, account, name)
) STRICT, WITHOUT ROWID;
