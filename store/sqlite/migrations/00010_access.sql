-- +goose Up

-- The keys of the HTTP API. hash: of the secret, which is kept nowhere. scopes:
-- words. A key that was revoked stays.
CREATE TABLE api_keys (
	id         TEXT    NOT NULL PRIMARY KEY,
	hash       BLOB    NOT NULL,
	name       TEXT    NOT NULL,
	tenant     TEXT    NOT NULL,
	scopes     TEXT    NOT NULL,
	created_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL,
	used_at    INTEGER NOT NULL DEFAULT 0,
	revoked_at INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
