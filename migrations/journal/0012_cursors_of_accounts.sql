-- What concerns one account stands among account_cursors, whose columns say whose it is; a cursor's name is not taken apart
-- any more. Until now: 'facebook:100000000000101:updated_time'. No account had a colon in its name.
INSERT OR IGNORE INTO account_cursors (channel, account, name, value)
SELECT channel, substr(rest, 1, instr(rest, ':') - 1), substr(rest, instr(rest, ':') + 1), value
FROM (
    SELECT substr(name, 1, instr(name, ':') - 1) AS channel, substr(name, instr(name, ':') + 1) AS rest, value
    FROM cursors
    WHERE name GLOB '*:*:updated_time' OR name GLOB '*:*:polled_seq' OR name GLOB '*:*:policy' OR name GLOB '*:*:page')
WHERE channel IN ('facebook', 'instagram');

DELETE FROM cursors
WHERE (name GLOB 'facebook:*' OR name GLOB 'instagram:*')
  AND (name GLOB '*:*:updated_time' OR name GLOB '*:*:polled_seq' OR name GLOB '*:*:policy' OR name GLOB '*:*:page');

-- How much was erased for a request that is under way. Until now two numbers in the value of a cursor 'erasure:…'.
CREATE TABLE erased_counts (
    name             TEXT    NOT NULL PRIMARY KEY, -- names the request and what of it
    events           INTEGER NOT NULL,
    rows             INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO erased_counts (name, events, rows)
SELECT name, CAST(substr(value, 1, instr(value, ',') - 1) AS INTEGER), CAST(substr(value, instr(value, ',') + 1) AS INTEGER)
FROM cursors WHERE name GLOB 'erasure:*' AND instr(value, ',') > 0;

DELETE FROM cursors WHERE name GLOB 'erasure:*';
