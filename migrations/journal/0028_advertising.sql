-- What a person last said about advertising: whether they want none, and when they said so. NULL: they said nothing.
ALTER TABLE conversation_states ADD COLUMN advertising_refused INTEGER;
ALTER TABLE conversation_states ADD COLUMN advertising_told_at INTEGER;
