-- How often the platform did not take a part with an error of which nobody knows what it means: it is not tried for ever.
ALTER TABLE outgoing_parts ADD COLUMN general_errors INTEGER NOT NULL DEFAULT 0;
