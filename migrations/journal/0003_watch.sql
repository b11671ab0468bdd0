-- What the service knows about how well it is informed: subscriptions, and what polls found that no webhook brought.

-- The last comparison of the webhook subscriptions of an account with those that are wanted; account '' is the app.
CREATE TABLE subscriptions (
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    checked_at       INTEGER NOT NULL,
    wanted           TEXT    NOT NULL,           -- a JSON array of fields or topics
    missing          TEXT    NOT NULL,           -- a JSON array: wanted, and not there after the repair
    repairs          INTEGER NOT NULL,           -- how often something was missing and was put back
    repaired_at      INTEGER,                    -- when that last happened
    PRIMARY KEY (channel, account)
) STRICT, WITHOUT ROWID;

-- What a poll found, one row per poll that is over. The oldest rows of an account are deleted; the totals go on.
CREATE TABLE poll_reports (
    id               INTEGER PRIMARY KEY,
    channel          TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    finished_at      INTEGER NOT NULL,
    seen_by_both     INTEGER NOT NULL,           -- read by the poll, and known from webhooks before
    only_webhook     INTEGER NOT NULL,           -- known from webhooks, not shown by the poll
    only_poll        INTEGER NOT NULL,           -- recovered: no webhook had brought it
    reordered        INTEGER NOT NULL,           -- webhooks had brought it in another order
    recovered_total  INTEGER NOT NULL            -- only_poll, summed up over all polls of the account
) STRICT;

CREATE INDEX poll_reports_by_account ON poll_reports (channel, account, id);
