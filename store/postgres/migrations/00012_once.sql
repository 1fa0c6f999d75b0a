-- +goose Up

-- Lists that were committed under a key of their sender. key: its keyed hash;
-- said: that of what was said under it.
CREATE TABLE once_keys (
	key   bytea  NOT NULL PRIMARY KEY,
	said  bytea  NOT NULL,
	batch bigint NOT NULL,
	at    bigint NOT NULL
);
CREATE INDEX once_keys_at ON once_keys (at);
