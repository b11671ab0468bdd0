-- What a receipt says about costs, also of a message whose id is not known yet.
ALTER TABLE outgoing_receipts ADD COLUMN billing TEXT;

-- Echoes that may show a part of ours, while it is not known what became of it. They are released to the feed's consumer once
-- it is.
CREATE TABLE feed_doubtful (
    seq              INTEGER PRIMARY KEY
) STRICT;
