-- +goose Up

-- at: when it was said that they are not to be collected again; 0: before that
-- was kept.
ALTER TABLE suppressed ADD COLUMN at bigint NOT NULL DEFAULT 0;

-- Who may be collected again, by keyed hash, and since when: an older word that
-- they are not to be, from another machine, changes nothing.
CREATE TABLE allowed (
	kind text   NOT NULL,
	key  bytea  NOT NULL,
	at   bigint NOT NULL,
	PRIMARY KEY (kind, key)
);
