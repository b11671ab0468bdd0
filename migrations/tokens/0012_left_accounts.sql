-- Accounts that the settings name and that their merchant has given up: they stay so until the merchant wants them back.
CREATE TABLE left_accounts (
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    merchant         TEXT    NOT NULL,
    left_at          INTEGER NOT NULL,
    PRIMARY KEY (channel, account)
) STRICT, WITHOUT ROWID;
