-- How far receivers of events have come.
CREATE TABLE push_places (
    receiver         TEXT    NOT NULL,           -- 'own': the merchant's; 'bot': that of the settings
    merchant         TEXT    NOT NULL,
    n                INTEGER NOT NULL,           -- everything up to it was taken, or waits below
    set_aside        INTEGER NOT NULL DEFAULT 0, -- events that nobody took for a day
    problem          TEXT,                       -- why the last post failed, where it did
    problem_at       INTEGER,
    PRIMARY KEY (receiver, merchant)
) STRICT, WITHOUT ROWID;

-- Events to be posted, a person's one by one.
CREATE TABLE push_waiting (
    receiver         TEXT    NOT NULL,
    merchant         TEXT    NOT NULL,
    n                INTEGER NOT NULL,
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    conversation     TEXT    NOT NULL,           -- the person; '': it is about none
    attempts         INTEGER NOT NULL DEFAULT 0,
    failing_since    INTEGER,
    next_at          INTEGER NOT NULL DEFAULT 0, -- not before this time
    PRIMARY KEY (receiver, merchant, n)
) STRICT, WITHOUT ROWID;

CREATE INDEX push_waiting_by_person ON push_waiting (receiver, merchant, channel, account, conversation, n);
CREATE INDEX push_waiting_by_account ON push_waiting (channel, account, conversation);
