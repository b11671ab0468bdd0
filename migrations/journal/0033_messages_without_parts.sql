-- Older versions accepted a long text of blanks as a message without parts. Nothing can be sent of it, so nothing ended it: it
-- held a place in its person's queue, and counted as an answer. It has failed.
INSERT INTO outgoing_parts (message, n, kind, state, reason)
    SELECT number, 1, 'text', 'failed', 'refused' FROM outgoing
    WHERE NOT EXISTS (SELECT 1 FROM outgoing_parts WHERE message = number);
UPDATE outgoing SET is_open = 0, next_try_at = NULL
    WHERE is_open AND NOT EXISTS (SELECT 1 FROM outgoing_parts WHERE message = number AND state IN ('accepted', 'unknown'));
