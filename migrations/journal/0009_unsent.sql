-- Messages whose content was taken back by who sent them. What is left of each is a tombstone, also when the message itself
-- comes later, by whatever road.
CREATE TABLE unsent (
    dedupe           BLOB    NOT NULL PRIMARY KEY, -- the key of the message, or of one of its edits
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    conversation     TEXT    NOT NULL,
    in_file          INTEGER NOT NULL            -- 1: its event was deleted by age, its content is still to go from the file
) STRICT, WITHOUT ROWID;

CREATE INDEX unsent_in_file ON unsent (channel, account, conversation) WHERE in_file;

-- The beginning of a file (as in pruned_conversations) from which something is being removed, as it will be: written down
-- before the file is replaced, so that a kill between the two does not make the beginning unknown.
CREATE TABLE changing_beginnings (
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    conversation     TEXT    NOT NULL,
    bytes            INTEGER NOT NULL,
    hash             BLOB    NOT NULL,
    PRIMARY KEY (channel, account, conversation)
) STRICT, WITHOUT ROWID;
