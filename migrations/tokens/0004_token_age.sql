-- How old a token is. NULL: it was stored before this was noted.
ALTER TABLE tokens ADD COLUMN issued_at INTEGER;
