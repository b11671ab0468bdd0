-- What cannot be read of a walk's lists is known after a restart, too: its mark must not move past it.
ALTER TABLE walks ADD COLUMN broken INTEGER NOT NULL DEFAULT 0;
