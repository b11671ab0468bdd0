-- Which account an alert is about, and what about it. NULL: it is about no account. `cause` is only its name from here on: it
-- is not taken apart any more.
ALTER TABLE alert_posts ADD COLUMN channel TEXT;
ALTER TABLE alert_posts ADD COLUMN account TEXT;
ALTER TABLE alert_posts ADD COLUMN kind    TEXT; -- 'subscriptions', 'needs_reconnect', …

-- Until now: 'facebook:100000000000101:subscriptions'. No account had a colon in its name.
UPDATE alert_posts SET
    channel = substr(cause, 1, instr(cause, ':') - 1),
    account = substr(cause, instr(cause, ':') + 1)
WHERE substr(cause, 1, instr(cause, ':') - 1) IN ('facebook', 'instagram', 'shopify')
  AND cause GLOB '*:*:*' AND cause NOT GLOB 'facebook:app:*' AND cause NOT GLOB 'shopify:deprecated:*';

UPDATE alert_posts SET
    account = substr(account, 1, instr(account, ':') - 1),
    kind = substr(account, instr(account, ':') + 1)
WHERE account IS NOT NULL;
