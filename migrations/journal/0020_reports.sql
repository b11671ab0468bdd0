-- 0: the event is about a conversation and no entry of its file: a status, a receipt, a subscription.
ALTER TABLE events ADD COLUMN entry INTEGER NOT NULL DEFAULT 1;

-- That a message did not reach the person may be told before the answer to its call: why, and the platform's code.
ALTER TABLE outgoing_receipts ADD COLUMN reason TEXT;
ALTER TABLE outgoing_receipts ADD COLUMN code TEXT;
