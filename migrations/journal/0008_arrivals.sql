-- What an operator looks at, kept ready so that looking costs little however many events there are.

-- Counting what is set apart by its reason reads the index alone.
DROP INDEX events_apart;
CREATE INDEX events_apart ON events (channel, account, apart) WHERE apart IS NOT NULL;

-- How much came in, by the hour of arrival. Written with the events, in the same transaction; old rows are deleted.
CREATE TABLE arrivals (
    hour             INTEGER NOT NULL,           -- full hours since 1970
    channel          TEXT    NOT NULL,
    source           TEXT    NOT NULL,           -- as in events
    deliveries       INTEGER NOT NULL,           -- webhook deliveries, or groups of events that a poll stored
    new_events       INTEGER NOT NULL,
    repeated_events  INTEGER NOT NULL,           -- known already: they changed nothing
    PRIMARY KEY (hour, channel, source)
) STRICT, WITHOUT ROWID;
