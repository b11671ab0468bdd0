-- Whether a receipt may also be about a message of which nobody knew its id: it tells what became of the only one of its person
-- whose call was cut off after the receipt came.
ALTER TABLE outgoing_receipts ADD COLUMN tells_of_unknown INTEGER NOT NULL DEFAULT 0;
