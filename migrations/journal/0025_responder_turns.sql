-- What the built-in responder must remember of an event until it is settled, so that nobody is forgotten.

-- Which item of the feed is to be answered, where the turn began with another one (an answer that failed). NULL: its own.
ALTER TABLE responder_turns ADD COLUMN asked INTEGER;
-- Why the answer failed that this turn stands for; NULL: nothing was answered yet.
ALTER TABLE responder_turns ADD COLUMN failed TEXT;
-- 1: a part of that answer may have reached the person.
ALTER TABLE responder_turns ADD COLUMN may_have_left INTEGER NOT NULL DEFAULT 0;
-- How many answers to the same event were accepted before.
ALTER TABLE responder_turns ADD COLUMN answers INTEGER NOT NULL DEFAULT 0;
-- How often working on it failed for a reason of our own.
ALTER TABLE responder_turns ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
-- What it has cost so far.
ALTER TABLE responder_turns ADD COLUMN tokens_in INTEGER NOT NULL DEFAULT 0;
ALTER TABLE responder_turns ADD COLUMN tokens_out INTEGER NOT NULL DEFAULT 0;

-- The id of the event that was answered or handed over, and until when bots were silent: NULL, until somebody resumes.
ALTER TABLE responder_outcomes ADD COLUMN event TEXT;
ALTER TABLE responder_outcomes ADD COLUMN silent_until INTEGER;

-- Its keys can be told from those of merchants' own bots: no request can carry one with a blank.
UPDATE idempotency_keys SET key = 'responder ' || substr(key, 11)
WHERE key GLOB 'responder:[0-9]*'
  AND (EXISTS (SELECT 1 FROM responder_turns AS t
               WHERE t.merchant = idempotency_keys.merchant AND 'responder:' || t.n = idempotency_keys.key)
       OR EXISTS (SELECT 1 FROM outgoing AS o JOIN responder_outcomes AS d ON d.message = o.id
                  WHERE o.number = idempotency_keys.message));

-- What a person is called as it is looked for in answers; NULL: it was not folded yet. A trigger forgets it with the name, so
-- that whoever writes names need not know of it.
ALTER TABLE threads ADD COLUMN folded_name TEXT;
CREATE INDEX threads_by_folded_name ON threads (channel, account, folded_name) WHERE folded_name IS NOT NULL;
CREATE INDEX threads_to_fold ON threads (name) WHERE folded_name IS NULL AND name IS NOT NULL;
CREATE TRIGGER threads_name_changed AFTER UPDATE OF name ON threads WHEN new.name IS NOT old.name BEGIN
    UPDATE threads SET folded_name = NULL
    WHERE channel = new.channel AND account = new.account AND conversation = new.conversation;
END;
