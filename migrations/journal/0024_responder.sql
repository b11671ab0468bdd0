-- The built-in responder: where it may answer, what it has to answer, and what it did.

-- Accounts whose merchant lets it answer.
CREATE TABLE responder_accounts (
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    merchant         TEXT    NOT NULL,
    since            INTEGER NOT NULL,
    after_n          INTEGER NOT NULL,           -- what the feed told until then is not answered
    PRIMARY KEY (channel, account)
) STRICT, WITHOUT ROWID;

-- How far it has come in a merchant's feed.
CREATE TABLE responder_places (
    merchant         TEXT    NOT NULL PRIMARY KEY,
    n                INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Events that it has taken and not settled.
CREATE TABLE responder_turns (
    merchant         TEXT    NOT NULL,
    n                INTEGER NOT NULL,           -- the event's number in the feed
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    conversation     TEXT    NOT NULL,
    due_at           INTEGER NOT NULL,
    tries            INTEGER NOT NULL DEFAULT 0, -- how often the model did not answer
    PRIMARY KEY (merchant, n)
) STRICT, WITHOUT ROWID;

CREATE INDEX responder_turns_due ON responder_turns (due_at);

-- What became of them, for the merchant's page.
CREATE TABLE responder_outcomes (
    number           INTEGER PRIMARY KEY,
    merchant         TEXT    NOT NULL,
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    conversation     TEXT    NOT NULL,
    outcome          TEXT    NOT NULL,           -- 'answered', 'handed_over', 'dropped'
    why              TEXT,                       -- why not 'answered'
    message          TEXT,                       -- 'msg_…'
    tokens_in        INTEGER NOT NULL,
    tokens_out       INTEGER NOT NULL,
    at               INTEGER NOT NULL
) STRICT;

CREATE INDEX responder_outcomes_by_merchant ON responder_outcomes (merchant, number);
CREATE INDEX responder_outcomes_by_conversation ON responder_outcomes (channel, account, conversation);

-- People who were told that a program answers.
CREATE TABLE responder_met (
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    conversation     TEXT    NOT NULL,
    PRIMARY KEY (channel, account, conversation)
) STRICT, WITHOUT ROWID;

-- What a merchant's answers cost, by day (UTC).
CREATE TABLE responder_tokens (
    merchant         TEXT    NOT NULL,
    day              INTEGER NOT NULL,           -- days since 1970
    tokens_in        INTEGER NOT NULL,
    tokens_out       INTEGER NOT NULL,
    PRIMARY KEY (merchant, day)
) STRICT, WITHOUT ROWID;
