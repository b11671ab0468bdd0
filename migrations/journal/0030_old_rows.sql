-- What is removed by its age is found by it, and not by reading the whole table.
CREATE INDEX outgoing_receipts_by_age ON outgoing_receipts (kept_at);
CREATE INDEX responder_outcomes_by_age ON responder_outcomes (at);
