-- How often each master key has sealed something. AES-GCM with random nonces is safe for 2^32 seals with one key.
CREATE TABLE key_seals (
    key_id           BLOB    NOT NULL PRIMARY KEY,
    seals            INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
