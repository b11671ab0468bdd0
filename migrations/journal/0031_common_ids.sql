-- What the platform's ids of one message have in common, where it names a message by several: whoever looks for a message by its id
-- looks by this, too. NULL: it has one id alone.
ALTER TABLE outgoing_parts ADD COLUMN common_id TEXT;
CREATE INDEX outgoing_parts_by_common_id ON outgoing_parts (common_id) WHERE common_id IS NOT NULL;
