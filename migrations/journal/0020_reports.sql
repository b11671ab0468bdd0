-- 0: the event is about a conversation and no entry of its file: a status, a receipt, a subscription.
ALTER TABLE events ADD COLUMN entry INTEGER NOT NULL DEFAULT 1;
