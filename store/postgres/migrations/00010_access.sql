-- +goose Up

-- The keys of the HTTP API. hash: of the secret, which is kept nowhere. scopes:
-- words. A key that was revoked stays.
CREATE TABLE api_keys (
	id         text   NOT NULL PRIMARY KEY,
	hash       bytea  NOT NULL,
	name       text   NOT NULL,
	tenant     text   NOT NULL,
	scopes     text   NOT NULL,
	created_at bigint NOT NULL,
	expires_at bigint NOT NULL,
	used_at    bigint NOT NULL DEFAULT 0,
	revoked_at bigint NOT NULL DEFAULT 0
);
