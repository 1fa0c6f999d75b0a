-- +goose Up

-- Lists that were committed under a key of their sender. key: its keyed hash;
-- said: that of what was said under it.
CREATE TABLE once_keys (
	key   BLOB    NOT NULL PRIMARY KEY,
	said  BLOB    NOT NULL,
	batch INTEGER NOT NULL,
	at    INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX once_keys_at ON once_keys (at);
