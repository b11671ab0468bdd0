-- Why a conversation's file is to be made, and whether it was asked for again meanwhile, in columns of their own. Until now a
-- time below zero said that something was taken back from it; it was the event's number, so that no two were the same.
ALTER TABLE unfiled ADD COLUMN generation INTEGER NOT NULL DEFAULT 1; -- grows with every new request; who made the file clears only what was seen
ALTER TABLE unfiled ADD COLUMN taken_back INTEGER NOT NULL DEFAULT 0; -- 1: nothing of what was taken back may be left beside the file either

UPDATE unfiled SET taken_back = 1, next_at = 0 WHERE next_at < 0;
