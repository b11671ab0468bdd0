-- What was told of one conversation is found by this alone, also the items whose content was erased: a person who is known by another
-- name takes all of it along.
DROP INDEX feed_by_account;
CREATE INDEX feed_by_account ON feed (channel, account, conversation);
CREATE INDEX unsent_by_conversation ON unsent (channel, account, conversation);
