-- Names that lead to a person beside the one under which a conversation stands: a number, an id that was theirs before.
CREATE TABLE person_names (
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    name             TEXT    NOT NULL,           -- no conversation stands under it
    person           TEXT    NOT NULL,           -- the name under which it stands
    since            INTEGER NOT NULL,           -- the time of the event that told it, in milliseconds since 1970
    PRIMARY KEY (channel, account, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX person_names_by_person ON person_names (channel, account, person);

-- Conversations whose rows stand under another name now, and whose file is still to follow.
CREATE TABLE moved_files (
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    name             TEXT    NOT NULL,           -- what the file is still called
    person           TEXT    NOT NULL,           -- whose it is now
    PRIMARY KEY (channel, account, name)
) STRICT, WITHOUT ROWID;
