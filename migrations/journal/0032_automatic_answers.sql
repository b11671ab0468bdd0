-- An answer of the platform's inbox that was taken before the person's message which it answers by itself is found out when that
-- message comes: then it is no answer, and the pause that it alone began ends.
ALTER TABLE conversation_states ADD COLUMN out_in_inbox INTEGER NOT NULL DEFAULT 0; -- 1: what `out_at` tells of was sent in the inbox …
ALTER TABLE conversation_states ADD COLUMN out_before_at INTEGER;                   -- … and what was sent before it
ALTER TABLE conversation_states ADD COLUMN out_before_seq INTEGER;
ALTER TABLE conversation_states ADD COLUMN pause_seq INTEGER;                       -- the one event because of which it is paused; NULL: several, or none
