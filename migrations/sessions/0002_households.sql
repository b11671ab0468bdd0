-- From where a login was begun, so that strangers cannot push out a merchant's: keyed hashes, as of everything here.
ALTER TABLE login_states ADD COLUMN household_hash BLOB NOT NULL DEFAULT x'';
ALTER TABLE login_states ADD COLUMN network_hash BLOB NOT NULL DEFAULT x'';

CREATE INDEX login_states_by_household ON login_states (household_hash, expires_at);
CREATE INDEX login_states_by_network ON login_states (network_hash, expires_at);
