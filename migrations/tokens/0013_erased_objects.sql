-- How many copies in object storage a request erased.
ALTER TABLE erasures ADD COLUMN objects INTEGER NOT NULL DEFAULT 0;

-- 1: only the copies in object storage go; the account was disconnected, and what is on disk stays.
ALTER TABLE erasure_scopes ADD COLUMN copies INTEGER NOT NULL DEFAULT 0;
