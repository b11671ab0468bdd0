-- Another name of an event, by which an operator finds it: the key is made of what was signed, and people know the id of the
-- delivery.
ALTER TABLE events ADD COLUMN name BLOB;         -- 16 bytes, as dedupe

CREATE INDEX events_by_name ON events (name) WHERE name IS NOT NULL;
