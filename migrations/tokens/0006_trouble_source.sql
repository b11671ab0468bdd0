-- Who found what is wrong with a connection: 'read', 'pause', 'token', 'login', 'check'. Only they take it back. NULL: nothing
-- is wrong. Until now this was told by how the reason began; status_reason is the bare words from here on.
ALTER TABLE connections ADD COLUMN trouble_source TEXT;

UPDATE connections SET trouble_source = CASE
    WHEN status = 'needs_reconnect' THEN 'token'
    WHEN substr(status_reason, 1, 23) = 'Reading is incomplete: ' THEN 'read'
    WHEN substr(status_reason, 1, 16) = 'Reading pauses: ' THEN 'pause'
    ELSE 'check' END
WHERE status_reason IS NOT NULL;

UPDATE connections SET status_reason = substr(status_reason, 24) WHERE trouble_source = 'read';
UPDATE connections SET status_reason = substr(status_reason, 17) WHERE trouble_source = 'pause';
