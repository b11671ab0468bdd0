-- The keys of events that were erased with their account, under a hash of the account's name: a repeat of one changes
-- nothing until the account connects again. (Keys of a person's erased events are among pruned_keys, for good.)
CREATE TABLE erased_keys (
    dedupe           BLOB    NOT NULL PRIMARY KEY,
    account          BLOB    NOT NULL            -- 16 bytes: hash of (channel, account)
) STRICT, WITHOUT ROWID;

CREATE INDEX erased_keys_by_account ON erased_keys (account);
